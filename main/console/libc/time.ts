/** Calendar of the emulated host: UTC, from seconds since 1970, by arithmetic (the console has no clock and no locale). */

export const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
export const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

export interface CalendarTime {
  year: number
  /** 0 … 11 */
  month: number
  day: number
  hour: number
  minute: number
  second: number
  /** 0 = Sunday */
  weekday: number
  /** 1 … 366 */
  yearday: number
}

const daysBefore = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334]

function isLeap(year: number): boolean {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0
}

/** gmtime(3). */
export function gmtime(seconds: number): CalendarTime {
  const days = Math.floor(seconds / 86400)
  const rest = seconds - days * 86400
  // Civil date from the day number, with years that begin in March (days since 0000-03-01).
  const shifted = days + 719468
  const era = Math.floor(shifted / 146097)
  const dayOfEra = shifted - era * 146097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36524) - Math.floor(dayOfEra / 146096)) / 365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1
  const month = (marchMonth + 2) % 12
  const year = yearOfEra + era * 400 + (month < 2 ? 1 : 0)
  return {
    year,
    month,
    day,
    hour: Math.floor(rest / 3600),
    minute: Math.floor(rest / 60) % 60,
    second: Math.floor(rest) % 60,
    weekday: (((days + 4) % 7) + 7) % 7,
    yearday: daysBefore[month] + day + (month > 1 && isLeap(year) ? 1 : 0),
  }
}

export const two = (value: number): string => String(value).padStart(2, '0')

/** ctime(3) without its newline: `Sat Jun 29 09:20:00 2019`. */
export function ctime(seconds: number): string {
  const t = gmtime(seconds)
  return `${weekdays[t.weekday]} ${months[t.month]} ${String(t.day).padStart(2)} ${two(t.hour)}:${two(t.minute)}:${two(t.second)} ${t.year}`
}

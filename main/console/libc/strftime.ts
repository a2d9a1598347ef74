/** strftime(3) in UTC and the C locale. */
import { gmtime, months, two, weekdays } from './time'

const longWeekdays = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const longMonths = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]

/** Formats an instant. `%N` (nanoseconds, as other systems have it) is an addition of the lab; unknown conversions stay as they are. */
export function strftime(pattern: string, seconds: number, nanoseconds = 0): string {
  const t = gmtime(seconds)
  const convert = (letter: string): string => {
    switch (letter) {
      case 'a':
        return weekdays[t.weekday]
      case 'A':
        return longWeekdays[t.weekday]
      case 'b':
      case 'h':
        return months[t.month]
      case 'B':
        return longMonths[t.month]
      case 'c':
        return strftime('%a %b %e %T %Y', seconds)
      case 'C':
        return two(Math.floor(t.year / 100))
      case 'd':
        return two(t.day)
      case 'D':
      case 'x':
        return strftime('%m/%d/%y', seconds)
      case 'e':
        return String(t.day).padStart(2)
      case 'F':
        return strftime('%Y-%m-%d', seconds)
      case 'H':
        return two(t.hour)
      case 'I':
        return two(t.hour % 12 === 0 ? 12 : t.hour % 12)
      case 'j':
        return String(t.yearday).padStart(3, '0')
      case 'm':
        return two(t.month + 1)
      case 'M':
        return two(t.minute)
      case 'n':
        return '\n'
      case 'N':
        return String(nanoseconds).padStart(9, '0')
      case 'p':
        return t.hour < 12 ? 'AM' : 'PM'
      case 'R':
        return strftime('%H:%M', seconds)
      case 's':
        return String(seconds)
      case 'S':
        return two(t.second)
      case 't':
        return '\t'
      case 'T':
      case 'X':
        return strftime('%H:%M:%S', seconds)
      case 'u':
        return String(t.weekday === 0 ? 7 : t.weekday)
      case 'w':
        return String(t.weekday)
      case 'y':
        return two(t.year % 100)
      case 'Y':
        return String(t.year)
      case 'z':
        return '+0000'
      case 'Z':
        return 'UTC'
      case '%':
        return '%'
      default:
        return `%${letter}`
    }
  }
  return pattern.replace(/%(.)/gs, (_, letter: string) => convert(letter))
}

/** Reads how much of a damaged document is good, where the report of the main process says so. */

export interface Damage {
  good: number
  total: number
}

/** Finds "n of m commands" in the details; null if they do not say it. */
export function readDamage(details: string | undefined): Damage | null {
  const match = /(\d+) of (\d+) commands/.exec(details ?? '')
  if (match === null) return null
  const [good, total] = [Number(match[1]), Number(match[2])]
  return total > 0 && good <= total ? { good, total } : null
}

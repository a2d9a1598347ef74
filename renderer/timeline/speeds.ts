/** Speeds of virtual time: virtual seconds per wall second, 0 = as fast as it can. */

export const speeds = [0.0001, 0.001, 0.01, 0.1, 1, 0] as const

/** `×1/1 000`, `×1`, `as fast as it can`. */
export function speedLabel(speed: number): string {
  if (speed === 0) return 'as fast as it can'
  if (speed >= 1) return `×${Number.isInteger(speed) ? speed : speed.toPrecision(2)}`
  const part = Math.round(1 / speed)
  return `×1/${String(part).replace(/\B(?=(\d{3})+$)/g, '\u2009')}`
}

/** The choices of the menu, with the present one even if it is not among the usual. */
export function speedOptions(present: number): { value: number; label: string }[] {
  const values: number[] = [...speeds]
  if (!values.includes(present)) values.push(present)
  const order = (v: number): number => (v === 0 ? Infinity : v)
  return values.sort((a, b) => order(a) - order(b)).map((value) => ({ value, label: speedLabel(value) }))
}

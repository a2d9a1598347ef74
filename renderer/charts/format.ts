/**
 * Numbers as people read them here: thin spaces between thousands and before units (U+2009), the true minus (U+2212), SI
 * prefixes for rates, IEC prefixes for memory, percent for shares and points for differences of shares.
 */

/** U+2009, between thousands and before a unit. */
export const thin = '\u2009'
/** U+2212. */
export const minus = '\u2212'

/** Digits after the point that give `significant` digits, at least 0 and at most 6. */
export function decimalsFor(magnitude: number, significant = 3): number {
  const size = Math.abs(magnitude)
  if (!(size > 0) || !Number.isFinite(size)) return 0
  const whole = Math.floor(Math.log10(size)) + 1
  return Math.min(6, Math.max(0, significant - whole))
}

/**
 * A plain number with fixed decimals, thousands apart, true minus. `signed` puts a plus before positive values. A value that
 * rounds to zero has no sign. Not a number gives an en dash.
 */
export function formatNumber(value: number, decimals = 0, signed = false): string {
  if (!Number.isFinite(value)) return '–'
  const fixed = Math.abs(value).toFixed(decimals)
  const [whole = '0', fraction] = fixed.split('.')
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, thin)
  const text = fraction === undefined ? grouped : `${grouped}.${fraction}`
  const isZero = Number(fixed) === 0
  if (isZero) return text
  if (value < 0) return minus + text
  return signed ? `+${text}` : text
}

/** A number with three significant digits, or whole if it has no fraction and is below ten thousand. */
export function formatBrief(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 10_000) return formatNumber(value)
  return formatNumber(value, decimalsFor(value))
}

/** How values of one series are shown: multiply by `factor`, write `unit` behind. `unit` may be only a prefix (`k`). */
export interface UnitScale {
  factor: number
  unit: string
}

const si: readonly [number, string][] = [
  [1e12, 'T'],
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
]
const iec: readonly [number, string][] = [
  [2 ** 30, 'GiB'],
  [2 ** 20, 'MiB'],
  [2 ** 10, 'KiB'],
]
const times: readonly [number, string][] = [
  [1e9, 's'],
  [1e6, 'ms'],
  [1e3, 'µs'],
]

const bitRates = new Set(['b/s', 'bps', 'bit/s', 'bits/s'])
const byteRates = new Set(['B/s', 'bytes/s'])
const bytes = new Set(['B', 'bytes', 'byte'])
const shares = new Set(['share', 'fraction', 'ratio01'])

/** True for units that are fractions of a whole, shown in percent; their differences are points (pp). */
export function isShare(unit: string): boolean {
  return shares.has(unit)
}

function pick(size: number, steps: readonly [number, string][]): [number, string] | undefined {
  return steps.find(([from]) => size >= from)
}

/**
 * The scale in which a quantity of this unit reads best when its largest value is `largest`. Counts below ten thousand stay as
 * they are; a rate (`…/s`) gets an SI prefix before its name.
 */
export function unitScale(largest: number, unit: string): UnitScale {
  const size = Math.abs(largest)
  if (isShare(unit)) return { factor: 100, unit: '%' }
  if (unit === '%') return { factor: 1, unit }
  if (bytes.has(unit)) {
    const step = size >= 100_000 ? pick(size, iec) : undefined
    return step === undefined ? { factor: 1, unit: 'B' } : { factor: 1 / step[0], unit: step[1] }
  }
  if (unit === 'ns') {
    const step = pick(size, times)
    return step === undefined ? { factor: 1, unit } : { factor: 1 / step[0], unit: step[1] }
  }
  const isBits = bitRates.has(unit)
  const rate = isBits ? 'b/s' : byteRates.has(unit) ? 'B/s' : unit
  if (rate.endsWith('/s')) {
    const step = size >= (isBits ? 1e3 : 1e4) ? pick(size, si) : undefined
    if (step === undefined) return { factor: 1, unit: rate }
    const gap = rate === 'b/s' || rate === 'B/s' || rate === '/s' ? '' : ' '
    return { factor: 1 / step[0], unit: step[1] + gap + rate }
  }
  const step = size >= 1e4 ? pick(size, si) : undefined
  if (step === undefined || unit.includes('/') || unit.includes(' per ')) return { factor: 1, unit }
  return { factor: 1 / step[0], unit: unit === '' || unit === '1' ? step[1] : `${step[1]} ${unit}` }
}

/** The unit of a scale without the word for what is counted (`k mbufs` → `k`); real units (`MiB`, `Gb/s`, `%`) stay. */
export function prefixOnly(scaled: string, counted: string): string {
  if (scaled === counted && /^[a-z]{3,}$/i.test(counted)) return ''
  return scaled.endsWith(` ${counted}`) && !counted.includes('/') ? scaled.slice(0, -counted.length - 1) : scaled
}

/** A value and its unit, apart so that the unit can be set in a quieter ink. */
export interface Quantity {
  text: string
  unit: string
}

/** One value in the scale that fits it; counts are written out in full, with thousands apart. */
export function formatQuantity(value: number, unit: string): Quantity {
  if (Number.isNaN(value)) return { text: '–', unit }
  const isCount =
    Number.isInteger(value) && Math.abs(value) < 1e7 && !unit.includes('/s') && !bytes.has(unit) && unit !== 'ns'
  if (isCount && !isShare(unit)) return { text: formatNumber(value), unit: unit === '1' ? '' : unit }
  const scale = unitScale(value, unit)
  const scaled = value * scale.factor
  if (isShare(unit) || unit === '%') return { text: formatNumber(scaled, 1), unit: scale.unit }
  if (scale.factor === 1 && Number.isInteger(scaled)) return { text: formatNumber(scaled), unit: scale.unit }
  return { text: formatNumber(scaled, decimalsFor(scaled)), unit: scale.unit }
}

/** Value, thin space, unit: for sentences and for attributes. */
export function formatWithUnit(value: number, unit: string): string {
  const { text, unit: shown } = formatQuantity(value, unit)
  return shown === '' ? text : text + thin + shown
}

/** Virtual nanoseconds as milliseconds with three decimals, the only way this product writes an instant. */
export function formatInstant(t: number, signed = false): string {
  return `${formatNumber(t / 1e6, 3, signed)}${thin}ms`
}

/** Share (0..1) as percent with one decimal, without the sign. */
export function formatShare(share: number): string {
  return formatNumber(share * 100, 1)
}

/** Difference of two shares in points (pp), signed. */
export function formatPoints(difference: number): string {
  return `${formatNumber(difference * 100, 1, true)}${thin}pp`
}

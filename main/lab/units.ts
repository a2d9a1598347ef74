/**
 * Quantities as people write them in scenarios and after `--set`: `10Gbps`, `100us`, `1MiB`, `1%`. Each parser answers with a number in
 * the base unit (bits a second, nanoseconds, bytes, hertz, fraction) or throws a {@link UnitError} that says what is accepted.
 */

/** Not a quantity of the kind asked for. The message is a sentence part: "… is not a time; write for instance 50ms". */
export class UnitError extends Error {
  override name = 'UnitError'
}

interface Kind {
  what: string
  example: string
  units: { [unit: string]: number }
  /** May stand without a unit (then it is in the base unit). */
  bare: boolean
  integer: boolean
}

const kinds = {
  bytes: {
    what: 'a number of bytes',
    example: '1MiB, 512KiB or 32768',
    units: { '': 1, B: 1, KiB: 1024, MiB: 1048576, GiB: 1073741824, kB: 1e3, KB: 1e3, MB: 1e6, GB: 1e9 },
    bare: true,
    integer: true,
  },
  time: {
    what: 'a time',
    example: '50ms, 100us or 2s',
    units: { ns: 1, us: 1e3, µs: 1e3, μs: 1e3, ms: 1e6, s: 1e9, min: 60e9 },
    bare: false,
    integer: true,
  },
  rate: {
    what: 'a bit rate',
    example: '10Gbps or 100Mbps',
    units: { bps: 1, kbps: 1e3, Kbps: 1e3, Mbps: 1e6, Gbps: 1e9, Tbps: 1e12 },
    bare: false,
    integer: true,
  },
  byteRate: {
    what: 'a number of bytes a second',
    example: '500MB/s or 2GiB/s',
    units: { 'B/s': 1, 'kB/s': 1e3, 'MB/s': 1e6, 'GB/s': 1e9, 'KiB/s': 1024, 'MiB/s': 1048576, 'GiB/s': 1073741824 },
    bare: false,
    integer: true,
  },
  frequency: {
    what: 'a frequency',
    example: '2.6GHz',
    units: { Hz: 1, kHz: 1e3, MHz: 1e6, GHz: 1e9 },
    bare: false,
    integer: true,
  },
  fraction: {
    what: 'a probability',
    example: '0.01 or 1%',
    units: { '': 1, '%': 0.01 },
    bare: true,
    integer: false,
  },
} as const satisfies Record<string, Kind>

export type Quantity = keyof typeof kinds

/** Parses a quantity. Zero needs no unit. The largest value is 2^53 − 1. */
export function parseQuantity(kind: Quantity, value: string | number): number {
  const { what, example, units, bare, integer } = kinds[kind] as Kind
  const refuse = (why: string): never => {
    throw new UnitError(`${why}; write for instance ${example}`)
  }
  const text = typeof value === 'number' ? String(value) : value.trim()
  const match = /^([0-9]+(?:\.[0-9]+)?(?:e[0-9]+)?)\s*(\D*)$/i.exec(text)
  if (match === null) return refuse(`${JSON.stringify(value)} is not ${what}`)
  const number = Number(match[1])
  const unit = match[2]
  if (unit === '' && number !== 0 && !bare) return refuse(`${text} has no unit`)
  const factor = unit === '' ? 1 : units[unit]
  if (factor === undefined) return refuse(`${JSON.stringify(unit)} is not a unit of ${what.replace(/^an? /, '')}`)
  // Decimal text times a power of ten should be the integer that the reader means: 2.6GHz is 2600000000 and nothing else.
  const result = integer ? Math.round(number * factor) : number * factor
  if (result > Number.MAX_SAFE_INTEGER) return refuse(`${text} is too large`)
  if (kind === 'fraction' && result > 1) return refuse(`${text} is more than 1`)
  return result
}

const scaled = (value: number, base: number, steps: readonly string[], digits: number): string => {
  let step = 0
  let scaledValue = value
  while (Math.abs(scaledValue) >= base && step < steps.length - 1) {
    scaledValue /= base
    step++
  }
  const text = Number.isInteger(scaledValue)
    ? String(scaledValue)
    : scaledValue.toPrecision(digits).replace(/\.?0+$/, '')
  return `${text} ${steps[step]}`
}

/** `2.5 ms`. */
export function formatTime(ns: number): string {
  if (Math.abs(ns) < 60e9) return scaled(ns, 1000, ['ns', 'us', 'ms', 's'], 4)
  return `${(ns / 1e9).toFixed(1)} s`
}

/** `1.5 MiB`. */
export function formatBytes(bytes: number): string {
  return scaled(bytes, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB'], 4)
}

/** `9.41 Gb/s`. */
export function formatRate(bps: number): string {
  return scaled(bps, 1000, ['b/s', 'kb/s', 'Mb/s', 'Gb/s', 'Tb/s'], 3)
}

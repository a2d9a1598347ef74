/** Round numbers for axes, and the time axis that all charts share. */
import { formatNumber, thin } from './format'

const roundTops = [1, 2, 4, 5, 6, 8, 10]

/** Smallest round number that is at least `value`, such that its half is round too; 1 for nothing. */
export function niceTop(value: number): number {
  if (!(value > 0) || !Number.isFinite(value)) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  const top = roundTops.find((r) => r * power >= value * (1 - 1e-9)) ?? 10
  // Powers of ten below one are not exact: 6 * 0.1 would read 0.6000000000000001.
  return Number((top * power).toPrecision(6))
}

export interface ValueAxis {
  min: number
  max: number
  ticks: number[]
  /** Decimals that tell the ticks apart. */
  decimals: number
}

function decimalsOf(ticks: readonly number[]): number {
  for (let d = 0; d < 6; d++)
    if (ticks.every((t) => Math.abs(Number(t.toFixed(d)) - t) < 1e-9 * Math.max(1, Math.abs(t)))) return d
  return 6
}

/** Value axis for numbers from `low` to `high`: from zero, with a tick in the middle; both ways if there are negative numbers. */
export function valueAxis(low: number, high: number): ValueAxis {
  const top = niceTop(Math.max(Math.abs(low), Math.abs(high)))
  const ticks = low < 0 ? (high <= 0 ? [-top, -top / 2, 0] : [-top, 0, top]) : [0, top / 2, top]
  return { min: ticks[0], max: ticks[ticks.length - 1], ticks, decimals: decimalsOf(ticks) }
}

export interface TimeAxis {
  /** Multiply nanoseconds by this. */
  factor: number
  unit: 'µs' | 'ms' | 's'
  /** In the axis' own unit. */
  ticks: number[]
  decimals: number
}

const steps = [1, 2, 4, 5]

/** Ticks of a time axis of `width` pixels from `from` to `to` (virtual ns), at least `gap` pixels apart. */
export function timeAxis(from: number, to: number, width: number, gap = 56): TimeAxis {
  const span = Math.max(1, to - from)
  const [factor, unit] =
    span >= 20e9 ? ([1e-9, 's'] as const) : span < 20e3 ? ([1e-3, 'µs'] as const) : ([1e-6, 'ms'] as const)
  const [low, high] = [from * factor, to * factor]
  const least = ((high - low) * gap) / Math.max(1, width)
  let step = Infinity
  for (let power = -6; power <= 12 && step === Infinity; power++) {
    const found = steps.find((s) => s * 10 ** power >= least)
    if (found !== undefined) step = found * 10 ** power
  }
  const ticks: number[] = []
  if (step !== Infinity) {
    for (let n = Math.ceil(low / step - 1e-9); n * step <= high + step * 1e-9; n++)
      ticks.push(Number((n * step).toPrecision(14)))
  }
  return { factor, unit, ticks, decimals: decimalsOf(ticks) }
}

/** Text of a tick, without zeros that say nothing. */
export function tickText(value: number, decimals: number): string {
  const text = formatNumber(value, decimals)
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}

/** A span of virtual time in words, three digits: `1.10 ms`. */
export function spanText(ns: number): string {
  const [factor, unit] =
    Math.abs(ns) >= 1e9
      ? ([1e-9, 's'] as const)
      : Math.abs(ns) >= 1e6
        ? ([1e-6, 'ms'] as const)
        : ([1e-3, 'µs'] as const)
  const value = ns * factor
  return `${formatNumber(value, value >= 100 ? 0 : 1)}${thin}${unit}`
}

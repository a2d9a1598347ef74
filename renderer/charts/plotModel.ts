/** What a chart draws: lines with a name, an origin in time and a way to read a value. */
import type { BranchLetter } from '../../preload/contract'
import { lowerBound, sampleAt, type Samples } from './decimate'
import { decimalsFor, formatNumber } from './format'
import type { NamedLine } from './summary'

export interface PlotLine {
  id: string
  /** Run whose hue, dash and marker it has; null for a line of no run (a difference). */
  letter: BranchLetter | null
  name: string
  samples: Samples
  /** Virtual ns at which its axis begins: the fork when runs are aligned on it, else 0. */
  origin: number
  /** Value at an instant of the axis; NaN where there is none. */
  valueAt: (t: number) => number
}

export function plotLine(line: NamedLine, origin = 0): PlotLine {
  return {
    id: line.letter,
    letter: line.letter,
    name: line.letter,
    samples: line.samples,
    origin,
    valueAt: (t) => sampleAt(line.samples, t + origin),
  }
}

/** Largest and smallest value of the lines within a window. */
export function rangeOf(lines: readonly PlotLine[], from: number, to: number): [number, number] {
  let low = 0
  let high = 0
  for (const { samples, origin } of lines) {
    const end = Math.min(samples.times.length, lowerBound(samples.times, to + origin) + 1)
    for (let i = Math.max(0, lowerBound(samples.times, from + origin) - 1); i < end; i++) {
      const v = samples.values[i]
      if (v < low) low = v
      if (v > high) high = v
    }
  }
  return [low, high]
}

/** A value as a chart writes it: three digits, or whole where it counts things unscaled; a dash where there is none. */
export function valueText(value: number, factor = 1): string {
  if (Number.isNaN(value)) return '–'
  const scaled = value * factor
  return formatNumber(scaled, factor === 1 && Number.isInteger(value) ? 0 : decimalsFor(scaled))
}

/** The crosshair after `count` samples in a direction, over the samples of all lines. */
export function crosshairStep(lines: readonly PlotLine[], at: number, direction: 1 | -1, count = 1): number {
  let t = at
  for (let n = 0; n < count; n++) {
    let best: number | null = null
    for (const { samples, origin } of lines) {
      const i = lowerBound(samples.times, t + origin)
      const next = direction === 1 ? (samples.times[i] === t + origin ? i + 1 : i) : i - 1
      const time = samples.times[next]
      if (time === undefined) continue
      const candidate = time - origin
      if (best === null || (direction === 1 ? candidate < best : candidate > best)) best = candidate
    }
    if (best === null) break
    t = best
  }
  return t
}

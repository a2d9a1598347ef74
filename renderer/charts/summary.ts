/** One generated sentence a chart: what a reader would say who sees the lines. */
import type { BranchLetter } from '../../preload/contract'
import { spanText } from './axis'
import { type Samples, smoothed } from './decimate'
import { decimalsFor, formatNumber, isShare, prefixOnly, thin, unitScale } from './format'

export interface NamedLine {
  letter: BranchLetter
  samples: Samples
  /** When the run was forked off, virtual ns; null for one that began with the session. */
  forkedAt: number | null
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** What a line does from its first to its last sample. */
export interface Shape {
  kind: 'flat' | 'rises' | 'falls' | 'varies'
  from: number
  to: number
  low: number
  high: number
  /** Time after its start from which the line stays near its end, ns. */
  settled: number
}

/** Stretches of a line that a reader tells apart: what wobbles faster is its noise. */
const readable = 60

/** Relative change below which a line counts as staying where it is. */
const still = 0.05

/** Shape of a line; null with fewer than two numbers. */
export function shapeOf(samples: Samples): Shape | null {
  const times: number[] = []
  const values: number[] = []
  samples.values.forEach((v, i) => {
    if (Number.isNaN(v)) return
    times.push(samples.times[i])
    values.push(v)
  })
  const n = values.length
  if (n < 2) return null
  const part = Math.max(1, Math.round(n / 10))
  // The first value itself is the start: a line that falls at once must not be averaged into a flat one.
  const from = values[0]
  const to = median(values.slice(n - part))
  const low = Math.min(...values)
  const high = Math.max(...values)
  const size = Math.max(Math.abs(from), Math.abs(to), Math.abs(high), Math.abs(low))
  const change = Math.abs(to - from)
  const flat = { from, to, low, high, settled: 0 }
  if (size === 0) return { kind: 'flat', ...flat }
  if (change <= still * size) return { kind: high - low <= 3 * still * size ? 'flat' : 'varies', ...flat }
  const near = Math.max(0.1 * change, 0.02 * size)
  let last = 0
  for (let i = 0; i < n; i++) if (Math.abs(values[i] - to) > near) last = i
  const settledAt = Math.min(n - 1, last + 1)
  const kind = last > n * 0.9 ? 'varies' : to > from ? 'rises' : 'falls'
  return { kind, from, to, low, high, settled: times[settledAt] - times[0] }
}

/** Writes the numbers of one sentence in one scale. */
function writer(largest: number, unit: string): { value: (v: number) => string; difference: (v: number) => string } {
  const scale = unitScale(largest, unit)
  // The head of the chart names what is counted; the sentence needs only the prefix.
  const short = prefixOnly(scale.unit, unit)
  const say = (v: number, unitText: string): string => {
    if (v === 0) return '0'
    const scaled = v * scale.factor
    const whole = scale.factor === 1 && Number.isInteger(v)
    const digits = whole ? 0 : Math.min(isShare(unit) ? 1 : 6, decimalsFor(scaled))
    return unitText === '' ? formatNumber(scaled, digits) : `${formatNumber(scaled, digits)}${thin}${unitText}`
  }
  return {
    value: (v) => say(v, short),
    difference: (v) => say(Math.abs(v), isShare(unit) ? 'points' : short),
  }
}

function phrase(line: NamedLine, shape: Shape, value: (v: number) => string): string {
  const { letter, forkedAt } = line
  const within = `within ${spanText(shape.settled)}${forkedAt === null ? '' : ' of the fork'}`
  switch (shape.kind) {
    case 'flat':
      return `${letter} stays ${shape.from === 0 && shape.to === 0 ? 'at 0' : `near ${value(shape.to)}`}`
    case 'varies':
      return `${letter} varies between ${value(shape.low)} and ${value(shape.high)}`
    case 'rises':
    case 'falls':
      return `${letter} ${shape.kind} from ${value(shape.from)} to ${value(shape.to)} ${within}`
  }
}

/**
 * The sentence of a chart, for instance `A stays near 41.2 k; B falls from 41.0 k to 2.90 k within 1.1 ms of the fork.`
 * With two runs whose ends differ it adds by how much.
 */
export function summarise(lines: readonly NamedLine[], unit: string): string {
  const known = lines.flatMap((line) => {
    const { times } = line.samples
    const shape = shapeOf(smoothed(line.samples, ((times.at(-1) ?? 0) - (times[0] ?? 0)) / readable))
    return shape === null ? [] : [{ line, shape }]
  })
  if (known.length === 0) return 'No samples yet.'
  const largest = Math.max(...known.map(({ shape }) => Math.max(Math.abs(shape.low), Math.abs(shape.high))))
  const { value, difference } = writer(largest, unit)
  const parts = known.map(({ line, shape }) => phrase(line, shape, value))
  if (known.length === 2) {
    const [a, b] = known
    const gap = b.shape.to - a.shape.to
    const size = Math.max(Math.abs(a.shape.to), Math.abs(b.shape.to))
    if (size > 0 && Math.abs(gap) > still * size)
      parts.push(`${b.line.letter} ends ${difference(gap)} ${gap < 0 ? 'below' : 'above'} ${a.line.letter}`)
    else parts.push('both end alike')
  }
  return `${parts.join('; ')}.`
}

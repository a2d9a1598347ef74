/** The numbers of a row of the comparison, all in one unit and with the same decimals. */
import type { Comparison, ComparisonMetric } from '../../preload/contract'
import { decimalsFor, formatNumber, isShare, thin, unitScale } from '../charts/format'
import { type Reading, readingOf } from './reading'

export interface MetricRow {
  name: string
  title: string
  /** Shown behind the title; empty for plain counts. */
  unit: string
  description: string
  /** One text a run, in the order of the comparison; a dash where there is none. */
  values: string[]
  difference: string
  /** `± 61`, or what stands there instead. */
  interval: string
  ratio: string
  /** Length of the bar as a share of the base, −1 … 1; null if the base is zero or nothing can be said. */
  bar: number | null
  reading: Reading
  equal: boolean
  metric: ComparisonMetric
}

/** The base of a comparison: the run marked as baseline, else the first. */
export function baseIndex(comparison: Comparison): number {
  const found = comparison.runs.findIndex((r) => r.baseline)
  return found < 0 ? 0 : found
}

/** Indices of the runs that are held against the base, in their order. */
export function otherIndices(comparison: Comparison): number[] {
  const base = baseIndex(comparison)
  return comparison.runs.flatMap((_, i) => (i === base ? [] : [i]))
}

/** Place of a run among the differences: they hold the others only, or all runs with null for the base. */
export function differenceIndex(comparison: Comparison, metric: ComparisonMetric, run: number): number {
  if (metric.differences.length === comparison.runs.length) return run
  return otherIndices(comparison).indexOf(run)
}

function decimalsOfRow(numbers: readonly number[], difference: number | null): number {
  const finite = numbers.filter((v) => Number.isFinite(v))
  if (finite.every((v) => Number.isInteger(v)) && (difference === null || Number.isInteger(difference))) return 0
  const largest = Math.max(0, ...finite.map(Math.abs))
  let decimals = Math.min(3, Math.max(largest >= 1000 ? 0 : 1, decimalsFor(largest)))
  // A difference that is there must not read as zero.
  while (difference !== null && difference !== 0 && decimals < 6 && Number(difference.toFixed(decimals)) === 0)
    decimals++
  return decimals
}

/** The title says what is counted, or per what: the unit need not be repeated. */
function saysUnit(metric: ComparisonMetric): boolean {
  if (isShare(metric.unit)) return false
  const words = metric.title.toLowerCase().split(/[^a-z0-9_]+/)
  const counted = metric.unit.length > 2 && words.includes(metric.unit.toLowerCase())
  return counted || (metric.unit.includes('/') && words.includes('per'))
}

/** The row of a metric for one other run. */
export function metricRow(comparison: Comparison, metric: ComparisonMetric, other: number): MetricRow {
  const index = differenceIndex(comparison, metric, other)
  const gap = metric.differences[index] ?? null
  const known = metric.values.filter((v) => v !== null)
  const largest = Math.max(0, ...known.map(Math.abs))
  // Counts are written out in full; what has a real unit is scaled.
  const real = isShare(metric.unit) || /^(B|bytes?|bps|b\/s|B\/s|ns)$/.test(metric.unit)
  const scale = real || largest >= 1e7 ? unitScale(largest, metric.unit) : { factor: 1, unit: metric.unit }
  const scaled = metric.values.map((v) => (v === null ? NaN : v * scale.factor))
  const difference = gap === null ? null : gap.difference * scale.factor
  const decimals = isShare(metric.unit)
    ? difference !== null && difference !== 0 && Math.abs(difference) < 0.05
      ? 2
      : 1
    : decimalsOfRow(scaled, difference)
  const base = metric.values[baseIndex(comparison)]
  const reading = readingOf(metric, index, comparison.comparable)
  const clear = reading.tone !== 'plain' && gap !== null
  const points = isShare(metric.unit) ? `${thin}pp` : ''
  return {
    name: metric.name,
    title: metric.title,
    unit: saysUnit(metric) ? '' : scale.unit,
    description: metric.description,
    values: scaled.map((v) => (Number.isNaN(v) ? '–' : formatNumber(v, decimals))),
    difference: difference === null ? '–' : formatNumber(difference, decimals, true) + points,
    interval:
      gap === null ? '' : gap.interval === null ? 'exact' : `± ${formatNumber(gap.interval * scale.factor, decimals)}`,
    ratio: gap === null || gap.ratio === null ? '–' : formatNumber(gap.ratio, 3),
    bar:
      !clear || base === null || base === undefined || base === 0
        ? null
        : Math.max(-1, Math.min(1, gap.difference / Math.abs(base))),
    reading,
    equal: metric.verdict[index] === 'equal' || known.length === 0,
    metric,
  }
}

/** Rows in the order of the comparison; with `differing`, those that are equal are left out. */
export function metricRows(
  comparison: Comparison,
  other: number,
  differing: boolean,
): { rows: MetricRow[]; hidden: number } {
  const all = comparison.metrics.map((metric) => metricRow(comparison, metric, other))
  const rows = differing ? all.filter((row) => !row.equal) : all
  return { rows, hidden: all.length - rows.length }
}

/** How the numbers came about: one exact pair, or the mean of repetitions. */
export function methodText(comparison: Comparison): string {
  const gaps = comparison.metrics.flatMap((m) => m.differences).filter((d) => d !== null)
  if (gaps.length === 0) return 'Nothing to compare yet.'
  return gaps.every((d) => d.interval === null)
    ? 'One pair of runs with the same seed: differences are exact.'
    : 'Mean of the windows, paired; interval 95 %.'
}

/** Facts with those that differ first. */
export function orderedFacts(comparison: Comparison): Comparison['facts'] {
  return [...comparison.facts.filter((f) => !f.equal), ...comparison.facts.filter((f) => f.equal)]
}

/** A fact without what its check says already: `revision r349532`, or the whole sentence where runs differ. */
export function factText(fact: Comparison['facts'][number]): string {
  const same = `same ${fact.name}: `
  if (fact.equal) return `${fact.name} ${fact.text.startsWith(same) ? fact.text.slice(same.length) : fact.text}`
  return fact.text.startsWith(fact.name) ? fact.text : `${fact.name}: ${fact.text}`
}

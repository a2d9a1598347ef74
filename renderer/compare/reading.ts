/** What a row of the comparison says in words: a sign, a word, better or worse where the metric has a direction. */
import type { ComparisonMetric } from '../../preload/contract'

export interface Reading {
  sign: 'up' | 'down' | 'dash' | 'warn' | null
  text: string
  /** `quiet` for no direction, `stale` for numbers that must not be compared. */
  tone: 'better' | 'worse' | 'plain' | 'quiet' | 'stale'
}

/** Units of things that are measured, not counted: there is less of them, not fewer. */
const measured = /^(share|%|pp|B|bytes?|[KMG]iB|b\/s|bps|B\/s|n?s|µs|ms|cycles.*|.*\/B|ratio)$/

/** `more` or, going down, `fewer` for what is counted and `less` for what is measured. */
export function amountWord(difference: number, unit: string): string {
  if (difference > 0) return 'more'
  return measured.test(unit) ? 'less' : 'fewer'
}

/**
 * The reading of the comparison of one other run with the base.
 * @param index of the other run among {@link ComparisonMetric.differences} and `verdict`
 * @param comparable false if the runs must not be compared at all
 */
export function readingOf(metric: ComparisonMetric, index: number, comparable: boolean): Reading {
  if (!comparable) return { sign: 'warn', text: 'not comparable', tone: 'stale' }
  const difference = metric.differences[index] ?? null
  const verdict = metric.verdict[index]
  if (metric.values.every((v) => v === null)) return { sign: null, text: 'no value', tone: 'quiet' }
  if (difference === null || verdict === undefined) return { sign: null, text: 'only in one run', tone: 'quiet' }
  if (verdict === 'equal') return { sign: 'dash', text: 'equal', tone: 'plain' }
  if (verdict === 'no-clear-difference') return { sign: 'dash', text: 'no clear difference', tone: 'plain' }
  const up = difference.difference > 0
  const word = amountWord(difference.difference, metric.unit)
  if (verdict === 'different' || metric.better === 'none') return { sign: null, text: 'no direction', tone: 'quiet' }
  return { sign: up ? 'up' : 'down', text: `${word}, ${verdict}`, tone: verdict }
}

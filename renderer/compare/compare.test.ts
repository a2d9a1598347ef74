import { describe, expect, it } from 'vitest'
import type { Comparison, ComparisonMetric } from '../../preload/contract'
import { baseIndex, differenceIndex, factText, methodText, metricRow, metricRows, orderedFacts } from './metricRow'
import { amountWord, readingOf } from './reading'

const metric = (
  part: Partial<ComparisonMetric> & { a: number | null; b: number | null; interval?: number | null },
): ComparisonMetric => {
  const { a, b, interval = 1, ...rest } = part
  const difference = a === null || b === null ? null : { difference: b - a, interval, ratio: a === 0 ? null : b / a }
  const { better = 'fewer' } = rest
  const spans = difference !== null && interval !== null && Math.abs(difference.difference) <= interval
  const verdict =
    difference === null || difference.difference === 0
      ? 'equal'
      : spans
        ? 'no-clear-difference'
        : better === 'none'
          ? 'different'
          : difference.difference > 0 === (better === 'more')
            ? 'better'
            : 'worse'
  return {
    name: 'm',
    title: 'm',
    unit: 'mbufs',
    better,
    values: [a, b],
    differences: [difference],
    verdict: [verdict],
    description: 'd',
    ...rest,
  }
}
const comparison = (metrics: ComparisonMetric[], part: Partial<Comparison> = {}): Comparison => ({
  runs: [
    { letter: 'A', name: 'mapped', baseline: true },
    { letter: 'B', name: 'unmapped', baseline: false },
  ],
  comparable: true,
  facts: [
    { name: 'revision', equal: true, text: 'r349532' },
    { name: 'seed', equal: false, text: 'A 7, B 8' },
  ],
  knobs: [],
  equalKnobs: [],
  metrics,
  window: { from: 0, to: 14e6 },
  ...part,
})
const row = (m: ComparisonMetric, part: Partial<Comparison> = {}) => metricRow(comparison([m], part), m, 1)

describe('reading', () => {
  it('counted things that fall – read – fewer, better', () => {
    expect(readingOf(metric({ a: 41213, b: 2943 }), 0, true)).toEqual({
      sign: 'down',
      text: 'fewer, better',
      tone: 'better',
    })
  })
  it('a share that falls – reads – less, better', () => {
    expect(readingOf(metric({ a: 0.439, b: 0.401, unit: 'share', interval: 0.002 }), 0, true).text).toBe('less, better')
  })
  it('wired pages that grow – read – more, worse', () => {
    expect(readingOf(metric({ a: 40813, b: 44190 }), 0, true)).toEqual({
      sign: 'up',
      text: 'more, worse',
      tone: 'worse',
    })
  })
  it('an interval that spans zero – reads – no clear difference, with a dash', () => {
    expect(readingOf(metric({ a: 40, b: 40.05, interval: 0.1, better: 'more' }), 0, true)).toEqual({
      sign: 'dash',
      text: 'no clear difference',
      tone: 'plain',
    })
  })
  it('a metric without direction – reads – no direction, and no arrow', () => {
    expect(readingOf(metric({ a: 0, b: 2543, better: 'none' }), 0, true)).toEqual({
      sign: null,
      text: 'no direction',
      tone: 'quiet',
    })
  })
  it('runs that must not be compared – read – not comparable, whatever the numbers', () => {
    expect(readingOf(metric({ a: 1, b: 100 }), 0, false)).toEqual({
      sign: 'warn',
      text: 'not comparable',
      tone: 'stale',
    })
  })
  it('a value that one run lacks – is said – never blank', () => {
    expect(readingOf(metric({ a: null, b: 5 }), 0, true).text).toBe('only in one run')
  })
  it('a value that no run has – is said – and the row is hidden with the equal ones', () => {
    const m = metric({ a: null, b: null })
    expect(readingOf(m, 0, true).text).toBe('no value')
    expect(metricRows(comparison([m]), 1, true).rows).toEqual([])
  })
  it.each([
    [-1, 'mbufs', 'fewer'],
    [-1, 'share', 'less'],
    [-1, 'ns', 'less'],
    [-1, 'cycles/B', 'less'],
    [-1, '', 'fewer'],
    [1, 'share', 'more'],
  ])('difference %d of unit "%s" – is called – %s', (difference, unit, word) => {
    expect(amountWord(difference, unit)).toBe(word)
  })
})

describe('row', () => {
  it('counts – are written – in full, with signed difference, interval and ratio', () => {
    const r = row(metric({ a: 41213, b: 2943, interval: 61 }))
    expect(r.values).toEqual(['41\u2009213', '2\u2009943'])
    expect(r.difference).toBe('\u221238\u2009270')
    expect(r.interval).toBe('± 61')
    expect(r.ratio).toBe('0.071')
    expect(r.bar).toBeCloseTo(-0.9286, 3)
  })
  it('shares – are written – in percent, their difference in points', () => {
    const r = row(metric({ a: 0.439, b: 0.401, unit: 'share', interval: 0.002 }))
    expect([r.unit, r.values, r.difference, r.interval]).toEqual(['%', ['43.9', '40.1'], '\u22123.8\u2009pp', '± 0.2'])
  })
  it('rates – are scaled – with the decimals that the difference needs, for both runs', () => {
    const r = row(metric({ a: 40.02e9, b: 39.98e9, unit: 'b/s', better: 'more', interval: 0.1e9 }))
    expect([r.unit, ...r.values, r.difference]).toEqual(['Gb/s', '40.02', '39.98', '\u22120.04'])
  })
  it('a small difference – is written – with the decimals it needs', () => {
    expect(row(metric({ a: 0.2142, b: 0.2138, unit: 'ms', interval: null })).difference).toBe('\u22120.0004')
  })
  it('the same seed – has – an exact difference', () => {
    expect(row(metric({ a: 1, b: 2, interval: null })).interval).toBe('exact')
  })
  it('a base of zero – has – no bar and no ratio', () => {
    const r = row(metric({ a: 0, b: 2543, better: 'none' }))
    expect(r.bar).toBeNull()
    expect(r.ratio).toBe('–')
  })
  it('growth beyond the base – is clipped – at 100 %', () => {
    expect(row(metric({ a: 10, b: 500 })).bar).toBe(1)
  })
  it('no clear difference – has – no bar', () => {
    expect(row(metric({ a: 100, b: 100.5, interval: 1 })).bar).toBeNull()
  })
})

describe('unit behind the title', () => {
  it('what the title says already – is not repeated', () => {
    expect(row(metric({ a: 1, b: 2, title: 'mbufs in socket buffers' })).unit).toBe('')
    expect(row(metric({ a: 1, b: 2, title: 'cycles per byte', unit: 'cycles/B' })).unit).toBe('')
    expect(row(metric({ a: 1, b: 2, title: 'response time', unit: 'ms' })).unit).toBe('ms')
    expect(row(metric({ a: 0.1, b: 0.2, title: 'CPU share', unit: 'share' })).unit).toBe('%')
  })
})

describe('comparison', () => {
  it('equal metrics – are hidden – and counted', () => {
    const c = comparison([metric({ a: 5, b: 5 }), metric({ a: 5, b: 9 })])
    expect(metricRows(c, 1, true)).toMatchObject({ hidden: 1, rows: [{ values: ['5', '9'] }] })
    expect(metricRows(c, 1, false).rows).toHaveLength(2)
  })
  it('differences for the others only, or for all runs – are found – at the right place', () => {
    const c = comparison([])
    const short = metric({ a: 1, b: 2 })
    expect(differenceIndex(c, short, 1)).toBe(0)
    expect(
      differenceIndex(c, { ...short, differences: [null, short.differences[0]], verdict: ['equal', 'worse'] }, 1),
    ).toBe(1)
  })
  it('facts – are said – once', () => {
    expect(factText({ name: 'seed', equal: true, text: 'same seed: 7' })).toBe('seed 7')
    expect(factText({ name: 'seed', equal: false, text: 'seed differs: 7 in A, 8 in B' })).toBe(
      'seed differs: 7 in A, 8 in B',
    )
    expect(factText({ name: 'load', equal: true, text: '400 connections' })).toBe('load 400 connections')
  })
  it('what differs – stands – first among the facts', () => {
    expect(orderedFacts(comparison([])).map((f) => f.name)).toEqual(['seed', 'revision'])
  })
  it('without a mark – the first run – is the base', () => {
    expect(baseIndex(comparison([], { runs: [{ letter: 'B', name: '', baseline: false }] }))).toBe(0)
  })
  it('how it was measured – is said – for exact pairs and for means', () => {
    expect(methodText(comparison([metric({ a: 1, b: 2, interval: null })]))).toContain('exact')
    expect(methodText(comparison([metric({ a: 1, b: 2 })]))).toContain('95 %')
    expect(methodText(comparison([]))).toContain('Nothing')
  })
})

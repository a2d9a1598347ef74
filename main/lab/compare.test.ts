import { describe, expect, test } from 'vitest'
import { compareRuns, type ComparedRun } from './compare'
import { comparisonCsv, comparisonHtml, comparisonMarkdown, comparisonText, formatNumber } from './compareReport'
import { computeMetrics, CounterRows, seriesOf } from './counters'
import { metricOf, metrics, runMetrics, seriesMetrics } from './metrics'

const run = (
  letter: 'A' | 'B',
  knobs: { [name: string]: string },
  values: { [seed: number]: { [name: string]: number | null } },
  facts = {},
): ComparedRun => ({
  letter,
  name: letter,
  baseline: letter === 'A',
  facts: {
    revision: 'r1',
    scenario: 'first-lab',
    seed: '7',
    load: '100 connections',
    duration: '50 ms',
    'warm-up': '20 ms',
    ...facts,
  },
  knobs,
  repetitions: Object.entries(values).map(([seed, metricValues]) => ({ seed: Number(seed), metrics: metricValues })),
})

describe('comparison', () => {
  test('one pair with the same seed – is compared – the difference is exact and has words', () => {
    const comparison = compareRuns([
      run(
        'A',
        { 'kern.ipc.mb_use_ext_pgs': '0', x: '1' },
        { 7: { goodput_bps: 9e9, sockbuf_mbufs: 4000, requests: 10, sockbuf_bytes: 5 } },
      ),
      run(
        'B',
        { 'kern.ipc.mb_use_ext_pgs': '1', x: '1' },
        { 7: { goodput_bps: 9e9, sockbuf_mbufs: 400, requests: 9, sockbuf_bytes: 6 } },
      ),
    ])
    expect(comparison.comparable).toBe(true)
    expect(comparison.knobs).toEqual([{ name: 'kern.ipc.mb_use_ext_pgs', values: ['0', '1'], testedIn: 'vn_sendfile' }])
    expect(comparison.equalKnobs).toEqual([{ name: 'x', value: '1' }])
    const by = Object.fromEntries(comparison.metrics.map((m) => [m.name, m]))
    expect(by['sockbuf_mbufs'].differences[1]).toEqual({ difference: -3600, interval: null, ratio: 0.1 })
    expect(comparison.metrics.map((m) => m.verdict[1])).toEqual(['equal', 'better', 'worse', 'different'])
  })

  test('several seeds – are compared in pairs – what both share cancels out', () => {
    const a = { 1: { cpu_share: 0.5 }, 2: { cpu_share: 0.7 }, 3: { cpu_share: 0.9 } }
    const b = { 1: { cpu_share: 0.45 }, 2: { cpu_share: 0.651 }, 3: { cpu_share: 0.849 } }
    const [metric] = compareRuns([run('A', {}, a), run('B', {}, b)]).metrics
    expect(metric.verdict[1]).toBe('better')
    expect(metric.differences[1]!.difference).toBeCloseTo(-0.05, 6)
    expect(metric.differences[1]!.interval).toBeCloseTo(0.00248, 4)
    const other = { 4: { cpu_share: 0.45 }, 5: { cpu_share: 0.651 }, 6: { cpu_share: 0.849 } }
    expect(compareRuns([run('A', {}, a), run('B', {}, other)]).metrics[0].verdict[1]).toBe('no-clear-difference')
  })

  test('different load – is compared – it is named and the comparison is broken', () => {
    const comparison = compareRuns([
      run('A', {}, { 7: { requests: 1 } }),
      run('B', {}, { 7: { requests: 2 } }, { load: '200 connections' }),
    ])
    expect(comparison.comparable).toBe(false)
    expect(comparisonText(comparison)).toMatch(
      /^Not comparable as it stands: load differs: 100 connections in A, 200 connections in B\./,
    )
  })

  test('different seeds and a single run each – is compared – there is no clear difference', () => {
    const comparison = compareRuns([
      run('A', {}, { 7: { requests: 1 } }),
      run('B', {}, { 8: { requests: 2 } }, { seed: '8' }),
    ])
    expect(comparison.metrics[0].verdict[1]).toBe('no-clear-difference')
  })

  test('a single pair that differs by a thousandth – is compared – it is not called better or worse', () => {
    const comparison = compareRuns([
      run('A', {}, { 7: { goodput_bps: 1e9, conversions: 0 } }),
      run('B', {}, { 7: { goodput_bps: 0.999e9, conversions: 1 } }),
    ])
    expect(comparison.metrics.map((metric) => metric.verdict[1])).toEqual(['no-clear-difference', 'worse'])
    expect(comparison.metrics[0].differences[1]!.difference).toBeCloseTo(-1e6, 0)
  })

  test('a metric that does not exist in one run – is compared – it is neither 0 nor better', () => {
    const comparison = compareRuns([
      run('A', {}, { 7: { dram_misses_per_page: null } }),
      run('B', {}, { 7: { dram_misses_per_page: 2 } }),
    ])
    expect(comparison.metrics[0]).toMatchObject({ values: [null, 2], differences: [null, null] })
  })

  test('per second and per GiB – only totals are divided', () => {
    const values = { 7: { conversions: 500, cpu_share: 0.5, goodput_bps: 4 * 8 * 1073741824 } }
    const options = { window: { from: 0, to: 5e8 }, per: 'second' as const }
    const second = compareRuns([run('A', {}, values), run('B', {}, values)], options).metrics
    expect(second[0]).toMatchObject({ unit: 'mbufs/s', values: [1000, 1000] })
    expect(second[1]).toMatchObject({ unit: 'share', values: [0.5, 0.5] })
    expect(
      compareRuns([run('A', {}, values), run('B', {}, values)], { ...options, per: 'gib' }).metrics[0].values[0],
    ).toBe(250)
  })

  test('reports – hold every number and escape what could be markup', () => {
    const evil = run('B', { 'a|b': '<img src=x>' }, { 7: { sockbuf_mbufs: 1234567.891 } })
    const comparison = compareRuns([run('A', { 'a|b': '0' }, { 7: { sockbuf_mbufs: 2 } }), evil])
    expect(comparisonText(comparison)).toMatch(
      /mbufs in socket buffers +mbufs +2 +1 234 568 +\+1 234 566 +617284 +worse|1 234 568/,
    )
    expect(comparisonMarkdown(comparison, 'T')).toContain('| `a\\|b` | 0 | <img src=x> |')
    const html = comparisonHtml(comparison, 'A & B')
    expect(html).toContain('&lt;img src=x&gt;')
    expect(html).not.toMatch(/<script|https?:|<img/)
    expect(comparisonCsv(comparison).split('\n')[2]).toBe(
      'sockbuf_mbufs,mbufs,2,1234567.891,1234565.891,,617283.9455,worse',
    )
  })

  test.each([
    [0, '0'],
    [1234567, '1 234 567'],
    [-0.4321, '-0.4321'],
    [9_412_345_678.9, '9 412 345 679'],
    [0.00001234, '1.2340e-5'],
    [63.1, '63.1'],
    [NaN, '–'],
  ])('%d is written %s', (value, text) => {
    expect(formatNumber(value)).toBe(text)
  })
})

describe('metrics', () => {
  test('every name of the result format is declared once', () => {
    const names = metrics.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    const promised =
      'goodput_bps bytes_verified bytes_corrupt requests mbufs_per_mib_queued unmapped_mbufs conversions converted_pages copied_bytes_per_sent_byte cpu_share cycles_per_byte dram_misses_per_page leaked_mbufs leaked_wired_pages'
    expect(runMetrics.map(({ name }) => name)).toEqual(expect.arrayContaining(promised.split(' ')))
    for (const metric of metrics) expect(metric.description.length + metric.source.length).toBeGreaterThan(30)
  })

  test('counters over a stretch – growth, mean of a level, and nothing where nothing was sent', () => {
    const rows = new CounterRows([
      'client_bytes_verified',
      'server_sockbuf_mbufs',
      'server_sockbuf_bytes',
      'server_sent_bytes',
      'server_copied_bytes',
    ])
    rows.append(
      Float64Array.of(0, 1e6, 2e6),
      Float64Array.of(0, 0, 0, 0, 0, 1e5, 10, 1048576, 0, 0, 3e5, 30, 3 * 1048576, 0, 0),
    )
    const host = { ncpu: 4, hz: 1e9, costOn: true }
    const wanted = ['goodput_bps', 'mbufs_per_mib_queued', 'copied_bytes_per_sent_byte'].map((name) => metricOf(name)!)
    expect(computeMetrics(wanted, rows.window(0, 2e6)!, host)).toEqual({
      goodput_bps: 3e5 * 8 * 500,
      mbufs_per_mib_queued: 10,
      copied_bytes_per_sent_byte: null,
    })
    expect(seriesOf(rows, wanted, host)).toEqual({
      times: Float64Array.of(1e6, 2e6),
      values: Float64Array.of(8e8, 10, NaN, 1.6e9, 10, NaN),
    })
    expect(rows.window(2e6, 3e6)).toBeNull()
    expect(() => rows.window(0, 2e6)!.delta('nothing')).toThrow('no counter is called nothing')
  })

  test('more samples than are kept – are thinned – totals stay exact and the last one stays', () => {
    const rows = new CounterRows(['n'])
    for (let i = 0; i < 200_000; i++) rows.append(Float64Array.of(i), Float64Array.of(i * 3))
    expect(rows.length).toBeLessThanOrEqual(65_536)
    expect(rows.end).toBe(199_999)
    expect(rows.window(0, 199_999)!.delta('n')).toBe(599_997)
    rows.truncate(100_000)
    expect(rows.end).toBeLessThanOrEqual(100_000)
    expect(rows.copyUntil(50_000).end).toBeLessThanOrEqual(50_000)
  })

  test('series and run metrics together are all metrics', () => {
    expect(new Set([...seriesMetrics, ...runMetrics]).size).toBe(metrics.length)
  })
})

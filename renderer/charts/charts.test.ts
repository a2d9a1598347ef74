import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { niceTop, spanText, timeAxis, valueAxis } from './axis'
import { courseOf, decimate, extent, sampleAt, within } from './decimate'
import { shapeOf, summarise } from './summary'

const ms = 1e6
const line = (n: number, f: (i: number) => number, from = 0, step = 0.1 * ms) => ({
  times: Float64Array.from({ length: n }, (_, i) => from + i * step),
  values: Float64Array.from({ length: n }, (_, i) => f(i)),
})

describe('decimate', () => {
  it('few samples – are drawn – all of them', () => {
    const flat = [
      ...decimate(
        line(3, (i) => i * 10),
        100,
        1e-6,
        2,
      ),
    ]
    expect(flat.map((v) => Number(v.toFixed(9)))).toEqual([0, 0, 0.1, 20, 0.2, 40])
  })
  it('any samples – are thinned – and keep order, extremes, first and last', () => {
    fc.assert(
      fc.property(
        fc.array(fc.float({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }), {
          minLength: 2,
          maxLength: 3000,
        }),
        fc.integer({ min: 5, max: 200 }),
        (values, buckets) => {
          const samples = line(values.length, (i) => values[i])
          const flat = decimate(samples, buckets)
          expect(flat.length / 2).toBeLessThanOrEqual(Math.max(2 * buckets + 1, 1))
          const ys = flat.filter((_, i) => i % 2 === 1)
          const xs = flat.filter((_, i) => i % 2 === 0)
          expect(extent(ys)).toEqual(extent(samples.values))
          for (let i = 1; i < xs.length; i++) expect(xs[i]).toBeGreaterThan(xs[i - 1])
          expect(xs[xs.length - 1]).toBe(samples.times[values.length - 1])
        },
      ),
    )
  })
  it('a stretch without numbers – is drawn – as a gap', () => {
    const flat = decimate(
      line(1000, (i) => (i > 400 && i < 600 ? NaN : 1)),
      50,
    )
    expect(flat.some((v) => Number.isNaN(v))).toBe(true)
  })
  it('a window – takes – one sample more on each side', () => {
    const cut = within(
      line(100, (i) => i),
      2 * ms,
      3 * ms,
    )
    expect(cut.values[0]).toBe(19)
    expect(cut.values[cut.values.length - 1]).toBeGreaterThanOrEqual(30)
  })
  it('the value at an instant – is – that of the sample at or before it', () => {
    const s = line(10, (i) => i)
    expect(sampleAt(s, 0.55 * ms)).toBe(5)
    expect(sampleAt(s, -1)).toBeNaN()
    expect(sampleAt(s, 99 * ms)).toBe(9)
  })
})

describe('axes', () => {
  it.each([
    [43.9, 50],
    [31.4, 40],
    [1.27, 2],
    [0.00071, 0.0008],
    [0, 1],
    [100, 100],
  ])('largest value %d – gets the top %d', (value, top) => {
    expect(niceTop(value)).toBe(top)
  })
  it('amounts – start – at zero with a tick in the middle', () => {
    expect(valueAxis(12, 43.9)).toEqual({ min: 0, max: 50, ticks: [0, 25, 50], decimals: 0 })
    expect(valueAxis(0, 0.7).decimals).toBe(1)
  })
  it('differences – reach – both ways', () => {
    expect(valueAxis(-39, 2).ticks).toEqual([-40, 0, 40])
    expect(valueAxis(-39, 0).ticks).toEqual([-40, -20, 0])
  })
  it('14 ms on 230 px – has ticks – 0 4 8 12 in ms', () => {
    expect(timeAxis(0, 14 * ms, 231)).toEqual({ factor: 1e-6, unit: 'ms', ticks: [0, 4, 8, 12], decimals: 0 })
  })
  it('any window – has ticks – inside it and far enough apart', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -1e10, max: 1e11 }),
        fc.integer({ min: 1000, max: 1e11 }),
        fc.integer({ min: 100, max: 1500 }),
        (from, span, width) => {
          const axis = timeAxis(from, from + span, width)
          const px = (t: number): number => ((t / axis.factor - from) / span) * width
          for (const t of axis.ticks) expect(px(t) >= -0.5 && px(t) <= width + 0.5).toBe(true)
          for (let i = 1; i < axis.ticks.length; i++)
            expect(px(axis.ticks[i]) - px(axis.ticks[i - 1])).toBeGreaterThan(55)
        },
      ),
    )
  })
  it('spans – are written – with one decimal and a unit', () => {
    expect(spanText(1.1 * ms)).toBe('1.1\u2009ms')
    expect(spanText(450_000)).toBe('450\u2009µs')
  })
})

describe('summary', () => {
  const flat = line(140, (i) => 41_200 + (i % 7) * 30)
  const falling = line(60, (i) => Math.max(2_900, 41_000 - i * 3_500), 8 * ms)

  it('a line that hardly moves – is said to stay', () => {
    expect(shapeOf(flat)?.kind).toBe('flat')
    expect(summarise([{ letter: 'A', samples: flat, forkedAt: null }], 'mbufs')).toBe('A stays near 41.3\u2009k.')
  })
  it('a fork that falls – is said to fall, from where to where, and how fast', () => {
    const text = summarise(
      [
        { letter: 'A', samples: flat, forkedAt: null },
        { letter: 'B', samples: falling, forkedAt: 8 * ms },
      ],
      '',
    )
    expect(text).toBe(
      'A stays near 41.3\u2009k; B falls from 41.0\u2009k to 2.90\u2009k within 1.0\u2009ms of the fork; B ends 38.4\u2009k below A.',
    )
  })
  it('shares – differ – by points', () => {
    const a = line(100, () => 0.439)
    const b = line(100, () => 0.401)
    const text = summarise(
      [
        { letter: 'A', samples: a, forkedAt: null },
        { letter: 'B', samples: b, forkedAt: 0 },
      ],
      'share',
    )
    expect(text).toContain('B ends 3.8\u2009points below A')
  })
  it('a restless line – is said to vary – between its extremes', () => {
    expect(summarise([{ letter: 'A', samples: line(100, (i) => (i % 2 === 0 ? 10 : 90)), forkedAt: null }], '')).toBe(
      'A varies between 10 and 90.',
    )
  })
  it('zero – stays at 0 – and nothing is called no samples', () => {
    expect(summarise([{ letter: 'A', samples: line(10, () => 0), forkedAt: null }], '/s')).toBe('A stays at 0.')
    expect(summarise([], '/s')).toBe('No samples yet.')
    expect(summarise([{ letter: 'A', samples: line(0, () => 0), forkedAt: null }], '/s')).toBe('No samples yet.')
  })
})

describe('course', () => {
  it('any samples – keep – first and last instant, means between the extremes, and every extreme in the band', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 2, maxLength: 2000 }),
        fc.integer({ min: 2, max: 200 }),
        (values, buckets) => {
          const samples = line(values.length, (i) => values[i])
          const { line: flat, band } = courseOf(samples, (values.length * 0.1 * ms) / buckets)
          expect(flat.length / 2).toBeLessThanOrEqual(Math.min(buckets + 1, values.length))
          expect(flat[0]).toBe(samples.times[0])
          const lows = band.filter((_, i) => i % 3 === 1)
          const highs = band.filter((_, i) => i % 3 === 2)
          expect([Math.min(...lows), Math.max(...highs)]).toEqual(extent(samples.values))
          flat
            .filter((_, i) => i % 2 === 1)
            .forEach((mean, i) => expect(mean >= lows[i] - 1e-9 && mean <= highs[i] + 1e-9).toBe(true))
        },
      ),
    )
  })
  it('a stretch without numbers – is – a gap in the line and left out of the band', () => {
    const { line: flat, band } = courseOf(
      line(100, (i) => (i < 50 ? NaN : 3)),
      ms,
    )
    expect(flat.filter((v) => Number.isNaN(v))).toHaveLength(5)
    expect(band.length / 3).toBe(5)
  })
  it('a fork, shorter than its parent – beside it – has points of the same stretches, and the same course where it is the same', () => {
    const parent = line(1000, (i) => (i * 7919) % 100)
    const fork = { times: parent.times.slice(555), values: parent.values.slice(555) }
    const [all, part] = [parent, fork].map((samples) => courseOf(samples, 2 * ms).line)
    // The first stretch of the fork is cut short; from there on they are equal.
    expect([...part.slice(2)]).toEqual([...all.slice(all.length - part.length + 2)])
  })
  it('noise around a level – is said – to stay near it', () => {
    const noisy = line(2000, (i) => 9.4e9 + Math.sin(i * 12.9898) * 4e9)
    expect(summarise([{ letter: 'A', samples: noisy, forkedAt: null }], 'b/s')).toMatch(
      /^A stays near 9\.\d+\u2009Gb\/s\.$/,
    )
  })
})

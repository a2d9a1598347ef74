import { flushPromises, mount, type VueWrapper } from '@vue/test-utils'
import { createPinia, setActivePinia } from 'pinia'
import { beforeEach, describe, expect, it } from 'vitest'
import type { BranchLetter, SeriesInfo } from '../../preload/contract'
import { useAppStore } from '../stores/app'
import { useRunStore } from '../stores/run'
import { useSelectionStore } from '../stores/selection'
import { useSessionStore } from '../stores/session'
import { sessionState } from '../testing/sessionState'
import { causeOf, causes, causeSeries, patternPaths } from './causes'
import ChartStrip from './ChartStrip.vue'
import ChartsView from './ChartsView.vue'
import { differenceOf } from './lines'
import { crosshairStep, plotLine, rangeOf } from './plotModel'
import { stripMetrics } from './select'
import { chartTable, tableText } from './tableModel'
import { useTimeWindowStore } from './timeWindow'

const metric = (name: string, title: string, unit: string): SeriesInfo => ({
  name,
  title,
  unit,
  better: 'none',
  description: `${title}: how.`,
})
const metrics = [
  metric('goodput_bps', 'Goodput', 'b/s'),
  metric('sockbuf_mbufs', 'mbufs in socket buffers', 'mbufs'),
  metric('sockbuf_bytes', 'Bytes in socket buffers', 'B'),
  metric('conversions_per_s', 'Conversions', '/s'),
  metric('cpu_share', 'CPU, modelled', 'share'),
  metric('cpu_cause_copy', 'CPU: copy', 'share'),
  metric('cpu_cause_protocol', 'CPU: protocol', 'share'),
]

/** Samples every 0.1 ms; A has 40 000 mbufs, a fork 3 000. */
function feed(letter: BranchLetter, from: number, to: number): void {
  const times: number[] = []
  const values: number[] = []
  for (let t = from; t <= to; t += 0.1) {
    times.push(Math.round(t * 1e6))
    values.push(40e9, letter === 'A' ? 40_000 : 3_000, 1e6, 0, letter === 'A' ? 0.439 : 0.401, 0, 0.2)
  }
  useRunStore().takeFrame({
    wallMs: 16,
    state: 'paused',
    branches: [
      { letter, t: to * 1e6, times: Float64Array.from(times), values: Float64Array.from(values), reset: false },
    ],
  })
}

function open(component: typeof ChartStrip, runs: BranchLetter[] = ['A', 'B'], samples = true): VueWrapper {
  useAppStore().metrics = metrics
  useSessionStore().take(sessionState(runs))
  if (samples) for (const letter of runs) feed(letter, letter === 'A' ? 0 : 8, 12.4)
  return mount(component, { attachTo: document.body })
}

beforeEach(() => setActivePinia(createPinia()))

describe('strip', () => {
  it('declared metrics – the strip – shows buffers, CPU, goodput, conversions, in this order', () => {
    expect(stripMetrics(metrics, 4).map((m) => m.name)).toEqual([
      'sockbuf_mbufs',
      'cpu_share',
      'goodput_bps',
      'conversions_per_s',
    ])
    expect(stripMetrics(metrics.slice(2, 3), 4).map((m) => m.name)).toEqual(['sockbuf_bytes'])
  })
  it('no samples – every chart – says how to get some', () => {
    const strip = open(ChartStrip, ['A'], false)
    expect(strip.findAll('.est')).toHaveLength(4)
    expect(strip.text()).toContain('No samples yet')
  })
  it('two runs – every head – has both values, at the newest sample', async () => {
    const strip = open(ChartStrip)
    await flushPromises()
    const heads = strip.findAll('header').map((h) => h.text())
    expect(heads[0]).toContain('A 40.0')
    expect(heads[0]).toContain('B 3.00')
    expect(heads[1]).toContain('A 43.9')
  })
  it('the crosshair – is one – for all charts and the rest of the window', async () => {
    const strip = open(ChartStrip)
    await flushPromises()
    useSelectionStore().crosshair = 4e6
    await flushPromises()
    const texts = strip.findAll('[role=slider]').map((s) => s.attributes('aria-valuetext'))
    expect(texts).toHaveLength(4)
    for (const text of texts) expect(text).toMatch(/^at 4\.000\u2009ms: A .*, B –/)
  })
  it('arrow keys – move the crosshair – from sample to sample', async () => {
    const strip = open(ChartStrip)
    await flushPromises()
    const plot = strip.find('[role=slider]')
    await plot.trigger('keydown', { key: 'ArrowLeft' })
    expect(useSelectionStore().crosshair).toBeCloseTo(12.3e6, -3)
    await plot.trigger('keydown', { key: 'Escape' })
    expect(useSelectionStore().crosshair).toBeNull()
  })
  it('the sentence of a chart – is its description – for those who listen', async () => {
    const strip = open(ChartStrip)
    await flushPromises()
    expect(strip.find('[role=slider]').attributes('aria-description')).toBe(
      'A stays near 40.0\u2009k; B stays near 3.00\u2009k; B ends 37.0\u2009k below A.',
    )
  })
  it('T – swaps one chart – for its table, with units and difference', async () => {
    const strip = open(ChartStrip)
    await flushPromises()
    await strip.find('[role=slider]').trigger('keydown', { key: 't' })
    const table = strip.find('table')
    expect(table.findAll('th').map((h) => h.text())).toEqual(['t', 'A', 'B', 'B \u2212 A'])
    expect(table.find('.units').text()).toContain('ms')
    expect(strip.findAll('[role=slider]')).toHaveLength(3)
    const last = table.findAll('tbody tr').at(-1)!
    expect(last.findAll('td').map((d) => d.text())).toEqual(['12.400', '40.0', '3.00', '\u221237.0'])
  })
  it('W, D and 0 – zoom, move and fit – all charts at once', async () => {
    const strip = open(ChartStrip)
    await flushPromises()
    const view = useTimeWindowStore()
    const plot = strip.find('[role=slider]')
    useSelectionStore().crosshair = 7e6
    await plot.trigger('keydown', { key: 'w' })
    expect([view.from, view.to]).toEqual([3.5e6, 10.5e6])
    await plot.trigger('keydown', { key: 'd' })
    expect(view.from).toBe(5.25e6)
    await plot.trigger('keydown', { key: '0' })
    expect(view.zoomed).toBe(false)
  })
})

describe('all charts', () => {
  it('causes – are one stack a run – and not charts of their own', async () => {
    const view = open(ChartsView)
    await flushPromises()
    const names = view.findAll('section.card').map((s) => s.attributes('aria-label'))
    expect(names.slice(0, 2)).toEqual(['CPU share by cause, A', 'CPU share by cause, B'])
    expect(names).not.toContain('CPU: copy')
    expect(names).toContain('Bytes in socket buffers')
  })
  it('a cause that is zero – is left out – except copy and conversion, where zero is the answer', async () => {
    const view = open(ChartsView, ['A'])
    await flushPromises()
    expect(view.findAll('.legend li').map((l) => l.text())).toEqual(['protocol20.0', 'copy0.0'])
  })
  it('zoom buttons – act – without keys or dragging', async () => {
    const view = open(ChartsView)
    await flushPromises()
    await view.find('[aria-label="Zoom in"]').trigger('click')
    expect(useTimeWindowStore().zoomed).toBe(true)
    await view
      .findAll('button')
      .find((b) => b.text() === 'Fit')!
      .trigger('click')
    expect(useTimeWindowStore().zoomed).toBe(false)
  })
})

describe('causes', () => {
  it.each([
    ['cpu.cause.copy', 'copy'],
    ['cpu_cause_checksum', 'checksum'],
    ['cpu_share', null],
  ])('%s – is – the cause %s', (name, cause) => {
    expect(causeOf(name)).toBe(cause)
  })
  it('a cause without a place of its own – counts – as other', () => {
    const stack = causeSeries([metric('cpu_cause_gremlins', '', 'share'), metric('cpu_cause_other', '', 'share')])
    expect(stack).toMatchObject([{ cause: { id: 'other' }, names: ['cpu_cause_gremlins', 'cpu_cause_other'] }])
  })
  it('no two causes – share – a pattern', () => {
    expect(new Set(causes.map((c) => c.pattern)).size).toBe(causes.length)
    expect(new Set(Object.values(patternPaths)).size).toBe(Object.keys(patternPaths).length)
  })
})

describe('lines', () => {
  const samples = (from: number, values: number[]) => ({
    times: Float64Array.from(values, (_, i) => from + i * 10),
    values: Float64Array.from(values),
  })
  const a = plotLine({ letter: 'A', samples: samples(0, [1, 2, 3, 4]), forkedAt: null })
  const b = plotLine({ letter: 'B', samples: samples(15, [10, 20]), forkedAt: 15 })

  it('B − A – is taken – where both exist, A held until its next sample', () => {
    const gap = differenceOf(a.samples, b.samples)
    expect([[...gap.times], [...gap.values]]).toEqual([
      [15, 25],
      [8, 17],
    ])
    expect([...differenceOf(a.samples, b.samples, 15).values]).toEqual([9, 18])
  })
  it('the crosshair – stops – at the samples of every line, and at the ends', () => {
    expect(crosshairStep([a, b], 10, 1)).toBe(15)
    expect(crosshairStep([a, b], 15, 1)).toBe(20)
    expect(crosshairStep([a, b], 15, -1)).toBe(10)
    expect(crosshairStep([a, b], 30, 1)).toBe(30)
    expect(crosshairStep([a, b], 0, 1, 3)).toBe(20)
  })
  it('the range – covers – what is visible, and zero', () => {
    expect(rangeOf([a, b], 0, 30)).toEqual([0, 20])
    expect(rangeOf([a], 0, 10)).toEqual([0, 2])
  })
  it('the table as text – has – names, units, plain digits', () => {
    const text = tableText(chartTable([a, b], 0, 30, 1, 'k'))
    expect(text.split('\n').slice(0, 2)).toEqual(['t\tA\tB\tB - A', 'ms\tk\tk\tk'])
    expect(text).not.toMatch(/[\u2009\u2212]/)
    expect(text.split('\n')[2]).toBe('0.000\t1\t\t')
  })
})

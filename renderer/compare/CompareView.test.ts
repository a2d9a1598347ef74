import { flushPromises, mount, type VueWrapper } from '@vue/test-utils'
import { createPinia, setActivePinia } from 'pinia'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { BranchLetter, Comparison, ComparisonMetric } from '../../preload/contract'
import type { Client } from '../connection/client'
import { useClient } from '../connection/lab'
import { useSelectionStore } from '../stores/selection'
import { useSessionStore } from '../stores/session'
import { sessionState } from '../testing/sessionState'
import CompareView from './CompareView.vue'
import { comparedRuns } from './runChoice'

const asked: { method: string; body: { branches?: BranchLetter[]; align?: string; per?: string } }[] = []
let comparable = true

const metric = (
  name: string,
  a: number,
  b: number,
  verdict: ComparisonMetric['verdict'][number],
): ComparisonMetric => ({
  name,
  title: name,
  unit: 'mbufs',
  better: 'fewer',
  values: [a, b],
  differences: [null, { difference: b - a, interval: null, ratio: b / a }],
  verdict: ['equal', verdict],
  description: 'Counted in the zone.',
})
function answer(branches: BranchLetter[]): Comparison {
  return {
    runs: branches.map((letter, i) => ({ letter, name: letter, baseline: i === 0 })),
    comparable,
    facts: [
      { name: 'revision', equal: true, text: 'same revision: r349532' },
      { name: 'seed', equal: comparable, text: comparable ? 'same seed: 7' : 'seed differs: 7 in A, 8 in B' },
    ],
    knobs: [{ name: 'kern.ipc.mb_use_ext_pgs', values: ['0', '1'], testedIn: 'vn_sendfile' }],
    equalKnobs: [{ name: 'net.inet.tcp.tso', value: '1' }],
    metrics: [metric('in buffers', 41213, 2943, 'better'), metric('requests', 12, 12, 'equal')],
    window: { from: 0, to: 6e6 },
  }
}
async function open(runs: BranchLetter[] = ['A', 'B']): Promise<VueWrapper> {
  useSessionStore().take(sessionState(runs))
  useSelectionStore().show(runs.at(-1)!)
  const view = mount(CompareView, { attachTo: document.body })
  await vi.waitFor(() => {
    if (runs.length > 1 && !asked.some((a) => a.method === 'compare')) throw new Error('not asked yet')
  })
  await flushPromises()
  return view
}
const button = (view: VueWrapper, text: string) => view.findAll('button').find((b) => b.text().includes(text))!

beforeEach(() => {
  setActivePinia(createPinia())
  asked.length = 0
  comparable = true
  document.body.innerHTML = ''
  const client = {
    open: true,
    on: () => () => {},
    attach: () => {},
    onLost: () => {},
    request: (method: string, body: { branches: BranchLetter[] }) => {
      asked.push({ method, body })
      if (method === 'compare') return Promise.resolve(answer(body.branches))
      if (method === 'compare.report') return Promise.resolve({ name: 'comparison.md', text: '# A and B' })
      return Promise.resolve(null)
    },
  }
  useClient(client as unknown as Client)
})

describe('compare view', () => {
  it('one run – is said – to have nothing beside it, with the way to a fork', async () => {
    const view = await open(['A'])
    expect(view.text()).toContain('One run has nothing to be compared with')
    expect(asked).toEqual([])
  })
  it('two runs – are asked for – with the base first, aligned on the fork', async () => {
    await open()
    expect(asked[0]).toEqual({ method: 'compare', body: { branches: ['A', 'B'], align: 'fork', per: 'second' } })
  })
  it('comparability – stands first – every fact with its check', async () => {
    const view = await open()
    expect(view.find('.facts').text()).toContain('Comparable')
    expect(view.find('.facts').text()).toContain('revision r349532')
    expect(view.find('.facts').text()).toContain('1 knob differs')
  })
  it('what must not be compared – is greyed – and says so in every row', async () => {
    comparable = false
    const view = await open()
    expect(view.find('.pill').text()).toBe('Not comparable')
    expect(view.find('.fact').text()).toContain('seed differs: 7 in A, 8 in B')
    expect(view.findAll('tr.stale')).toHaveLength(1)
    expect(view.find('.reading').text()).toBe('not comparable')
  })
  it('equal knobs and metrics – are hidden – until they are asked for', async () => {
    const view = await open()
    expect(view.text()).not.toContain('net.inet.tcp.tso')
    expect(view.text()).toContain('1 equal metrics hidden')
    await button(view, '1 equal').trigger('click')
    expect(view.text()).toContain('net.inet.tcp.tso')
    expect(view.findAll('tbody tr')).toHaveLength(2)
  })
  it('a difference – explains itself – by click, and Escape gives the focus back', async () => {
    const view = await open()
    const number = view.find('.number')
    await number.trigger('click')
    const panel = document.querySelector('.pop[role=dialog]')!
    expect(panel.textContent).toContain('Counted in the zone.')
    expect(panel.textContent).toContain('exact: same seed')
    panel.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }))
    await flushPromises()
    expect(document.querySelector('.pop[role=dialog]')).toBeNull()
    expect(document.activeElement).toBe(number.element)
  })
  it('X – swaps – base and other', async () => {
    const view = await open()
    await view.find('section').trigger('keydown', { key: 'x' })
    await vi.waitFor(() => {
      if (asked.at(-1)?.body.branches?.join() !== 'B,A') throw new Error('not yet')
    })
    expect(useSelectionStore().branch).toBe('A')
  })
  it('the report – comes from main – and is saved under its name', async () => {
    const saved: string[] = []
    vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function (this: HTMLAnchorElement) {
      saved.push(this.download)
    })
    URL.createObjectURL = () => 'blob:x'
    URL.revokeObjectURL = () => {}
    const view = await open()
    await button(view, 'Export').trigger('click')
    await button(view, 'Report as Markdown').trigger('click')
    await flushPromises()
    expect(asked.find((a) => a.method === 'compare.report')?.body).toEqual({ branches: ['A', 'B'], format: 'md' })
    expect(saved).toEqual(['comparison.md'])
    vi.restoreAllMocks()
  })
})

describe('runs', () => {
  it.each([
    [['A', 'B'], 'B', 'A', 'A', [], ['A', 'B']],
    [['A', 'B'], 'A', 'B', 'A', [], ['B', 'A']],
    [['A', 'B', 'C'], 'C', 'A', 'A', ['B'], ['A', 'C', 'B']],
    [['A', 'B', 'C'], 'A', null, 'A', [], ['A', 'B']],
    [['A'], 'A', null, 'A', [], ['A']],
  ] as [BranchLetter[], BranchLetter, BranchLetter | null, BranchLetter, BranchLetter[], BranchLetter[]][])(
    'runs %j, shown %s against %s – are compared – as expected',
    (all, shown, other, baseline, added, expected) => {
      expect(comparedRuns(all, shown, other, baseline, added)).toEqual(expected)
    },
  )
})

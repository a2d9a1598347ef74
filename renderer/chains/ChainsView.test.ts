import { flushPromises, mount, type VueWrapper } from '@vue/test-utils'
import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { BranchLetter } from '../../preload/contract'
import type { Client } from '../connection/client'
import { useClient } from '../connection/lab'
import { useChainsStore } from '../stores/chains'
import { useRunStore } from '../stores/run'
import { useSelectionStore } from '../stores/selection'
import { useSessionStore } from '../stores/session'
import { chainState } from '../testing/chains'
import { sessionState } from '../testing/sessionState'
import ChainsView from './ChainsView.vue'
import { rowAt, treeRows } from './rows'
import { askEvery } from './useChains'

let asked: { branch: BranchLetter; chain?: string; byte?: number }[]
let view: VueWrapper

beforeEach(() => {
  vi.useFakeTimers()
  asked = []
  setActivePinia(createPinia())
  useClient({
    request: (method: string, body: { branch: BranchLetter; chain?: string; byte?: number }) => {
      expect(method).toBe('chains')
      asked.push(body)
      return Promise.resolve(chainState(body.branch, body, body.branch === 'A'))
    },
    on: () => () => undefined,
  } as unknown as Client)
})
afterEach(() => {
  view.unmount()
  vi.useRealTimers()
})

async function settle(ms = 40): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms)
  await flushPromises()
}
async function show(letters: BranchLetter[]): Promise<void> {
  useSessionStore().take(sessionState(letters))
  const selection = useSelectionStore()
  selection.keepWithin(letters)
  view = mount(ChainsView, { attachTo: document.body })
  await settle()
}
const rows = (): string[] => view.findAll('[role=treegrid] tbody tr').map((row) => row.text().replace(/\s+/g, ' '))

describe('the view of chains', () => {
  it('shown – asks for the list, takes the first send buffer, and says what it holds', async () => {
    await show(['B'])
    expect(asked.slice(0, 2)).toEqual([
      { branch: 'B', byte: 0 },
      { branch: 'B', byte: 0, chain: '192.0.2.1.80-192.0.2.9.49152.snd' },
    ])
    expect(view.findAll('[role=treeitem]').map((item) => [item.attributes('aria-level'), item.text()])).toEqual([
      ['1', 'Send buffersB'],
      ['2', expect.stringMatching(/^192\.0\.2\.9\.49152B: 2 mbufs, 1 unmapped, 16571 bytes2$/)],
      ['1', 'On the cardB'],
      ['2', expect.stringMatching(/^cc0\.txq0B: 4 mbufs/)],
    ])
    expect(rows()[1]).toContain('EXT_PGS, 4 pages')
    expect(view.text()).toContain('sb_mbcnt 17')
  })

  it('time runs – asks at most twice a second; gone – never again', async () => {
    await show(['B'])
    const run = useRunStore()
    run.state = 'running'
    const before = asked.length
    for (let i = 1; i <= 40; i++) {
      run.times.set('B', i * 1000)
      await settle(50)
    }
    const while2s = asked.length - before
    expect(while2s).toBeGreaterThanOrEqual(2)
    expect(while2s).toBeLessThanOrEqual(2000 / askEvery + 1)
    view.unmount()
    await settle(2000)
    const after = asked.length
    run.times.set('B', 99e6)
    await settle(2000)
    expect(asked.length).toBe(after)
  })

  it('arrow keys in the rows – move the byte, open the pages; the fields follow', async () => {
    await show(['B'])
    const line = (name: string) => view.find(`[data-row="${name}"]`)
    await line('m1').trigger('keydown', { key: 'ArrowDown' })
    await settle()
    expect(useChainsStore().byte).toBe(187)
    expect(line('m2').attributes('aria-selected')).toBe('true')
    expect(asked.at(-1)).toMatchObject({ byte: 187 })
    await line('m2').trigger('keydown', { key: 'ArrowRight' })
    expect(line('m2').attributes('aria-expanded')).toBe('true')
    await line('m2').trigger('keydown', { key: 'ArrowRight' })
    await line('m2 0').trigger('keydown', { key: 'End' })
    await settle()
    expect(useChainsStore().byte).toBe(187 + 3 * 4096)
    expect(view.find('.pages [aria-current]').text()).toContain('0x1000003000')
    await line('m2 3').trigger('keydown', { key: 'ArrowLeft' })
    await line('m2').trigger('keydown', { key: 'ArrowLeft' })
    expect(line('m2').attributes('aria-expanded')).toBe('false')
  })

  it('two runs – the same byte in both, what differs outlined', async () => {
    await show(['A', 'B'])
    expect(view.findAll('.column')).toHaveLength(2)
    useChainsStore().byte = 5000
    await settle()
    const differing = view.findAll('.value.differs').map((value) => value.text())
    expect(differing).toContain('16384 (differs)')
    expect(differing).toContain('4096 (differs)')
    expect(differing.join()).not.toContain('MT_DATA')
    useChainsStore().outline = false
    await settle()
    expect(view.findAll('.value.differs')).toHaveLength(0)
  })

  it('the chain the user chose has gone – says so, and chooses no other', async () => {
    await show(['B'])
    useChainsStore().choose('192.0.2.1.80-192.0.2.9.1.snd')
    await settle()
    expect(view.text()).toContain('has no chain 192.0.2.1.80-192.0.2.9.1.snd now')
  })

  it('filter – by what a chain is and holds', async () => {
    await show(['B'])
    await view.find('input[aria-label="Filter chains"]').setValue('txq m_nomap')
    expect(view.findAll('[role=treeitem][aria-level="2"]').map((item) => item.text())).toEqual([
      expect.stringMatching(/^cc0\.txq0/),
    ])
  })
})

describe('rows of a chain', () => {
  it('a byte of an opened mbuf – belongs to its page; behind the end – to the last row', () => {
    const chain = chainState('B', { chain: '192.0.2.1.80-192.0.2.9.49152.snd' }).chain!
    const open = treeRows(chain.rows, new Set(['m2']))
    expect(open.map(({ key }) => key)).toEqual(['m1', 'm2', 'm2 0', 'm2 1', 'm2 2', 'm2 3'])
    expect(rowAt(open, 187 + 4096)?.key).toBe('m2 1')
    expect(rowAt(open, 1e9)?.key).toBe('m2 3')
    expect(rowAt(treeRows(chain.rows, new Set()), 187 + 4096)?.key).toBe('m2')
  })
})

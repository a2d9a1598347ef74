import { flushPromises, mount, type VueWrapper } from '@vue/test-utils'
import { createPinia, setActivePinia } from 'pinia'
import { beforeEach, describe, expect, it } from 'vitest'
import type { BranchLetter, HostState, SendPath } from '../../preload/contract'
import type { Client } from '../connection/client'
import { useClient } from '../connection/lab'
import { useHostStore } from '../stores/host'
import { useLayoutStore } from '../stores/layout'
import { useRunStore } from '../stores/run'
import { useSelectionStore } from '../stores/selection'
import { useSendPathStore } from '../stores/sendPath'
import { useSessionStore } from '../stores/session'
import { idlePath, mappedPath, splitPath, unmappedPath } from '../testing/sendPath'
import { sessionState } from '../testing/sessionState'
import SendPathView from './SendPathView.vue'

const asked: { method: string; body: Record<string, unknown> }[] = []
let pictures: Record<string, SendPath>

function hostState(branch: BranchLetter): HostState {
  const capability = (keyword: string, on: boolean) => ({
    keyword,
    printed: keyword.toUpperCase(),
    bit: 1,
    on,
    defaultOn: true,
    fixed: null,
    description: '',
  })
  return {
    branch,
    t: 0,
    hostname: 'lab',
    interfaces: [
      {
        name: 'cc0',
        up: true,
        running: true,
        speed: '100G',
        reason: null,
        parent: null,
        capabilities: [capability('nomap', true), capability('txcsum', true)],
      },
    ],
    knobs: [
      {
        name: 'kern.ipc.mb_use_ext_pgs',
        value: '1',
        defaultValue: '0',
        unit: '',
        type: 'bool',
        access: 'rw',
        range: null,
        description: 'x',
        source: 'x',
      },
    ],
  }
}

function open(runs: BranchLetter[] = ['A']): VueWrapper {
  useSessionStore().take(sessionState(runs))
  for (const letter of runs) useHostStore().take(hostState(letter))
  return mount(SendPathView, { attachTo: document.body })
}

beforeEach(() => {
  setActivePinia(createPinia())
  asked.length = 0
  pictures = { A: unmappedPath() }
  const client = {
    open: true,
    on: () => () => {},
    attach: () => {},
    onLost: () => {},
    request: (method: string, body: { branch: BranchLetter }) => {
      asked.push({ method, body })
      if (method === 'sendPath') return Promise.resolve({ ...pictures[body.branch], branch: body.branch })
      if (method === 'console.execute')
        return Promise.resolve({ branch: 'A', t: 0, tEnd: 0, text: '', output: '', status: 0 })
      return Promise.resolve(null)
    },
  }
  useClient(client as unknown as Client)
})

describe('send path view', () => {
  it('opened – asks main – for pictures of the run shown', async () => {
    open()
    await flushPromises()
    expect(asked.slice(0, 2)).toEqual([
      { method: 'watch', body: { sendPath: ['A'] } },
      { method: 'sendPath', body: { branch: 'A' } },
    ])
  })
  it('a picture – is read out – as a table of eight layers with the verdict in its name', async () => {
    const view = open()
    await flushPromises()
    const table = view.find('[role=table]')
    expect(table.attributes('aria-label')).toContain('unmapped all the way down')
    expect(table.findAll('[role=rowheader]').map((h) => h.find('b').text())).toEqual([
      'File pages',
      'Socket buffer',
      'TCP',
      'IP',
      'VLAN',
      'Card queue',
      'Wire',
      'ACK, release',
    ])
    expect(table.text()).toContain('3 EXT_PGS mbufs of up to 19 pages')
  })
  it('-nomap – tints the IP row – and says what became of the chain', async () => {
    pictures['A'] = splitPath()
    const view = open()
    await flushPromises()
    expect(view.findAll('.row-of.converted')).toHaveLength(1)
    expect(view.find('.row-of.converted').text()).toContain('mb_unmapped_to_ext')
    expect(view.find('.verdict .conv').text()).toBe('1.000')
  })
  it('no connection – every ribbon – says what it will show', async () => {
    pictures['A'] = idlePath()
    const view = open()
    await flushPromises()
    expect(view.find('svg.send-path.data').exists()).toBe(false)
    expect(view.text()).toContain('host idle, no socket is sending')
    expect(view.text()).toContain('takes a chain apart if the card cannot read it')
  })
  it('T – swaps the drawing – for the same rows in words', async () => {
    const view = open()
    await flushPromises()
    expect(view.find('[role=slider]').exists()).toBe(true)
    await view.find('section').trigger('keydown', { key: 't' })
    expect(view.find('[role=slider]').exists()).toBe(false)
    expect(view.find('.words').text()).toContain('47 pages')
  })
  it('a switch – runs its command on the run shown – and does not move by itself', async () => {
    const view = open()
    await flushPromises()
    const nomap = view.findAll('[role=switch]').find((s) => s.attributes('aria-label')?.startsWith('nomap'))!
    await nomap.trigger('click')
    await flushPromises()
    expect(asked.find((a) => a.method === 'console.execute')?.body).toEqual({
      branch: 'A',
      text: 'ifconfig cc0 -nomap',
      origin: 'switch',
    })
    expect(nomap.attributes('aria-checked')).toBe('true')
  })
  it('arrow keys – move the followed byte – by one page, for the whole window', async () => {
    const view = open()
    await flushPromises()
    const slider = view.find('[role=slider]')
    const before = Number(slider.attributes('aria-valuenow'))
    await slider.trigger('keydown', { key: 'ArrowRight' })
    expect(useSelectionStore().byte).toBe(before + 4096)
    expect(slider.attributes('aria-valuetext')).toContain('File pages')
    await slider.trigger('keydown', { key: ']' })
    await slider.trigger('keydown', { key: ']' })
    expect(slider.attributes('aria-valuetext')).toContain('Socket buffer: EXT_PGS mbuf of 19 pages')
  })
  it('pointing at the picture – holds it – until the pointer leaves', async () => {
    const view = open()
    await flushPromises()
    await view.find('[role=slider]').trigger('pointerenter')
    expect(useSendPathStore().held).toBe(true)
    // While time stands the picture is of now in any case.
    expect(view.text()).not.toContain('layer, held')
    useRunStore().state = 'running'
    await flushPromises()
    expect(view.text()).toContain('layer, held')
    await view.find('[role=slider]').trigger('pointerleave')
    expect(useSendPathStore().held).toBe(false)
  })
  it('A and B – stand beside each other – at the same scale', async () => {
    pictures = { A: mappedPath(), B: unmappedPath() }
    const view = open(['A', 'B'])
    await flushPromises()
    useSelectionStore().picture = 'pair'
    await flushPromises()
    expect(asked.filter((a) => a.method === 'watch').at(-1)?.body).toEqual({ sendPath: ['A', 'B'] })
    const sliders = view.findAll('[role=slider]')
    expect(sliders.map((s) => s.attributes('aria-label'))).toEqual(['Followed byte, run A', 'Followed byte, run B'])
    expect(sliders[0].find('svg').attributes('width')).toBe(sliders[1].find('svg').attributes('width'))
    expect(view.text()).toContain('261.2 mbufs per')
  })
  it('a low window – takes the low rows – and leaves out the column of this socket', async () => {
    useLayoutStore().height = 640
    const view = open()
    await flushPromises()
    expect(view.text()).not.toContain('this socket')
    expect(view.text()).toContain('whole host')
  })
})

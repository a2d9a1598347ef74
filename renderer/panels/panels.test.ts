import { flushPromises, mount } from '@vue/test-utils'
import { describe, expect, it } from 'vitest'
import type { KnobState } from '../../preload/contract'
import { joinFakeHost, settle } from '../testing/session'
import HostPanel from './HostPanel.vue'
import KnobRow from './KnobRow.vue'
import { byKeyword, groupDigits, splitCapabilities, splitKnobs } from './hostRows'
import { createBranch } from '../testing/fakeModel'

const knob: KnobState = {
  name: 'net.inet.tcp.sendspace',
  value: '32768',
  defaultValue: '32768',
  unit: 'B',
  type: 'int',
  access: 'rw',
  range: { low: '1024', high: '33554432' },
  description: 'Size of a new send buffer',
  source: 'test',
}

describe('knob row', () => {
  it('Enter on the value – edits in place; Enter again gives the value to the machine', async () => {
    const given: [string, boolean][] = []
    const w = mount(KnobRow, {
      props: {
        knob,
        busy: false,
        set: (value: string, onFork: boolean) => (
          given.push([value, onFork]),
          Promise.resolve({ ok: true, output: '' })
        ),
      },
    })
    await w.get('button').trigger('click')
    await w.get('input').setValue('65536')
    await w.get('input').trigger('keydown', { key: 'Enter' })
    await flushPromises()
    expect(given).toEqual([['65536', false]])
    expect(w.find('input').exists()).toBe(false)
    // Nothing moves until the machine says so.
    expect(w.text()).toContain('32\u2009768')
  })
  it('the machine refuses – the field stays with its text, the reason, the range and the present value', async () => {
    const w = mount(KnobRow, {
      props: {
        knob,
        busy: false,
        set: () => Promise.resolve({ ok: false, output: 'sysctl: net.inet.tcp.sendspace=7: Invalid argument' }),
      },
    })
    await w.get('button').trigger('click')
    await w.get('input').setValue('7')
    await w.get('input').trigger('keydown', { key: 'Enter' })
    await flushPromises()
    expect((w.get('input').element as HTMLInputElement).value).toBe('7')
    expect(w.get('input').attributes('aria-invalid')).toBe('true')
    expect(w.get('[role="alert"]').text()).toMatch(
      /Invalid argument.*1\u2009024 to 33\u2009554\u2009432; now 32\u2009768/,
    )
  })
  it('Escape – restores what was there', async () => {
    const w = mount(KnobRow, { props: { knob, busy: false, set: () => Promise.reject(new Error('not called')) } })
    await w.get('button').trigger('click')
    await w.get('input').setValue('7')
    await w.get('input').trigger('keydown', { key: 'Escape' })
    await flushPromises()
    expect(w.find('input').exists()).toBe(false)
  })
  it('a yes-or-no knob – is a switch; a tunable and a read-only one cannot be edited', () => {
    const set = () => Promise.resolve({ ok: true, output: '' })
    const bool = mount(KnobRow, { props: { knob: { ...knob, type: 'bool', value: '1' }, busy: false, set } })
    expect(bool.get('[role="switch"]').attributes('aria-checked')).toBe('true')
    const boot = mount(KnobRow, { props: { knob: { ...knob, access: 'boot' }, busy: false, set } })
    expect(boot.text()).toContain('at boot')
    expect(boot.find('button').exists()).toBe(false)
    const fixed = mount(KnobRow, { props: { knob: { ...knob, access: 'rd' }, busy: false, set } })
    expect(fixed.text()).toContain('read only')
  })
  it('changed – names the default', () => {
    const w = mount(KnobRow, {
      props: { knob: { ...knob, value: '1' }, busy: false, set: () => Promise.resolve({ ok: true, output: '' }) },
    })
    expect(w.text()).toContain('was 32\u2009768')
    expect(w.get('.chg').attributes('title')).toBe('default: 32768')
  })
})

describe('host panel', () => {
  it('a capability is switched – its command runs, and the switch moves when the machine says so', async () => {
    const { host, pinia } = await joinFakeHost()
    const w = mount(HostPanel, { global: { plugins: [pinia] } })
    const nomap = () =>
      w.findAll('[role="switch"]').find((s) => s.attributes('aria-label')?.startsWith('nomap on cc0'))!
    expect(nomap().attributes('aria-checked')).toBe('true')
    await nomap().trigger('focusin')
    expect(w.text()).toContain('ifconfig cc0 -nomap')
    ;(nomap().element as HTMLElement).click()
    expect(nomap().attributes('aria-checked')).toBe('true')
    await settle()
    expect(host.asked.filter((a) => a.method === 'console.execute')).toEqual([
      { method: 'console.execute', body: { branch: 'A', text: 'ifconfig cc0 -nomap', origin: 'switch' } },
    ])
    expect(nomap().attributes('aria-checked')).toBe('false')
    expect(w.text()).toContain('11 of 13 on')
  })
  it('Alt – runs it on a fork instead', async () => {
    const { host, pinia } = await joinFakeHost()
    const w = mount(HostPanel, { global: { plugins: [pinia] } })
    const nomap = w.findAll('[role="switch"]').find((s) => s.attributes('aria-label')?.startsWith('nomap on cc0'))!
    await nomap.trigger('click', { altKey: true })
    await settle()
    expect(host.asked.find((a) => a.method === 'branch.fork')?.body).toEqual({
      from: 'A',
      command: 'ifconfig cc0 -nomap',
    })
    expect(host.branches.map((b) => b.info.letter)).toEqual(['A', 'B'])
  })
})

describe('rows of the panel', () => {
  const { interfaces, knobs } = createBranch('A', 'A').host
  it('no filter – known capabilities first, the rest behind "more", none lost', () => {
    const all = interfaces[0].capabilities
    const { shown, more } = splitCapabilities(all, '')
    expect(shown[0]?.keyword).toBe('txcsum')
    expect(new Set([...shown, ...more])).toEqual(new Set(all))
  })
  it('a capability that differs from its default – is never behind "more"', () => {
    const all = interfaces[0].capabilities.map((c) => (c.keyword === 'jumbomtu' ? { ...c, on: !c.on } : c))
    expect(splitCapabilities(all, '').shown.map((c) => c.keyword)).toContain('jumbomtu')
  })
  it('two bits of one keyword – are one switch, on only if both are', () => {
    const [one] = interfaces[0].capabilities
    const pair = byKeyword([
      { ...one, keyword: 'toe', printed: 'TOE4', bit: 0x4000, on: true },
      { ...one, keyword: 'toe', printed: 'TOE6', bit: 0x8000, on: false },
    ])
    expect(pair).toMatchObject([{ keyword: 'toe', printed: 'TOE4, TOE6', bit: 0xc000, on: false }])
  })
  it('a filter – finds names and descriptions and hides nothing of what it found', () => {
    expect(splitKnobs(knobs, 'unmapped').shown.map((k) => k.name)).toEqual(['kern.ipc.mb_use_ext_pgs'])
    expect(splitKnobs(knobs, 'ipc').more).toEqual([])
  })
  it('numbers – are grouped, other text is not', () => {
    expect(groupDigits('2097152')).toBe('2\u2009097\u2009152')
    expect(groupDigits('1023')).toBe('1\u2009023')
    expect(groupDigits('cubic')).toBe('cubic')
  })
})

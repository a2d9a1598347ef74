import { mount } from '@vue/test-utils'
import { beforeEach, describe, expect, it } from 'vitest'
import { commandContext } from '../commands/context'
import { useConsoleStore } from '../stores/console'
import { joinFakeHost, settle } from '../testing/session'
import type { FakeHost } from '../testing/fakeHost'
import CommandPalette from './CommandPalette.vue'
import { paletteItems } from './items'
import { find, titleParts } from './search'

let host: FakeHost
let global: { plugins: [Awaited<ReturnType<typeof joinFakeHost>>['pinia']] }
beforeEach(async () => {
  const joined = await joinFakeHost()
  host = joined.host
  global = { plugins: [joined.pinia] }
})

describe('what is found', () => {
  it('"nomap" – the switch with the command it runs comes first, then the same on a fork', () => {
    const hits = find(paletteItems(commandContext(), 'commands'), 'nomap').map((h) => h.item)
    expect(hits[0]).toMatchObject({ title: 'Turn nomap off on cc0', note: 'ifconfig cc0 -nomap' })
    expect(hits[1]).toMatchObject({
      title: 'Turn nomap off on cc0 on a fork',
      note: 'fork B, then ifconfig cc0 -nomap',
    })
  })
  it('what cannot be done – stays, with the reason', () => {
    const toe = find(paletteItems(commandContext(), 'commands'), 'toe on').find(
      (h) => h.item.title === 'Turn toe on on cc0',
    )
    expect(toe?.item.reason).toBe('needs t4_tom')
  })
  it('going to – places come first', () => {
    expect(find(paletteItems(commandContext(), 'goto'), 'sendspace')[0]?.item.title).toBe('net.inet.tcp.sendspace')
  })
  it('all words – must occur, in any order', () => {
    const items = paletteItems(commandContext(), 'commands')
    expect(find(items, 'dark theme')[0]?.item.id).toBe('view.theme.dark')
    expect(find(items, 'dark zzz')).toEqual([])
  })
  it('every item – has an id of its own', () => {
    const ids = paletteItems(commandContext(), 'commands').map((i) => i.id)
    expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([])
  })
  it('the found part of a title – is marked', () => {
    expect(titleParts('Turn nomap off', 'nomap')).toEqual([
      { text: 'Turn ', hit: false },
      { text: 'nomap', hit: true },
      { text: ' off', hit: false },
    ])
  })
})

describe('the palette', () => {
  const open = () => mount(CommandPalette, { props: { mode: 'commands' }, global, attachTo: document.body })

  it('Enter – runs the chosen command and closes', async () => {
    const w = open()
    await w.get('input').setValue('nomap')
    await w.get('input').trigger('keydown', { key: 'Enter' })
    await settle()
    expect(w.emitted('close')).toHaveLength(1)
    expect(host.asked.some((a) => a.method === 'console.execute')).toBe(true)
    w.unmount()
  })
  it('Alt and Enter – runs it on a fork', async () => {
    const w = open()
    await w.get('input').setValue('nomap')
    await w.get('input').trigger('keydown', { key: 'Enter', altKey: true })
    await settle()
    expect(host.asked.find((a) => a.method === 'branch.fork')?.body).toMatchObject({ command: 'ifconfig cc0 -nomap' })
    w.unmount()
  })
  it('Tab – puts the command into the console without running it', async () => {
    const w = open()
    await w.get('input').setValue('nomap')
    await w.get('input').trigger('keydown', { key: 'Tab' })
    await settle()
    expect(useConsoleStore().insertion).toMatchObject({ branch: 'A', text: 'ifconfig cc0 -nomap' })
    expect(host.asked.some((a) => a.method === 'console.execute')).toBe(false)
    w.unmount()
  })
  it('arrows – move the choice, and the field names it for those who listen', async () => {
    const w = open()
    await w.get('input').setValue('nomap')
    await w.get('input').trigger('keydown', { key: 'ArrowDown' })
    const chosen = w.get('[aria-selected="true"]')
    expect(chosen.text()).toContain('on a fork')
    expect(w.get('input').attributes('aria-activedescendant')).toBe(chosen.attributes('id'))
    w.unmount()
  })
})

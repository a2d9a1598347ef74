import { mount } from '@vue/test-utils'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import BlockLayer from '../console/BlockLayer.vue'
import { useConsoleStore } from '../stores/console'
import { useDialogsStore } from '../stores/dialogs'
import { useProblemsStore } from '../stores/problems'
import { useSessionStore } from '../stores/session'
import { joinFakeHost, settle, settleDrawn } from '../testing/session'
import { saveDocument, openDocument } from '../actions/documents'
import { speedLabel, speedOptions } from '../timeline/speeds'
import StatusBar from './StatusBar.vue'
import TitleBar from './TitleBar.vue'
import ToastLayer from './ToastLayer.vue'
import { shortCommand } from './shorten'
import { dayAndTime } from './wallTime'
import { readDamage } from '../start/damage'

let joined: Awaited<ReturnType<typeof joinFakeHost>>
beforeEach(async () => {
  joined = await joinFakeHost()
})
const global = () => ({ plugins: [joined.pinia] })

describe('title and status', () => {
  it('a change – the dot, the name, and what undo would undo', async () => {
    await useConsoleStore().execute('A', 'sysctl kern.ipc.mb_use_ext_pgs=1')
    await settle()
    const w = mount(TitleBar, { props: { atStart: false }, global: global() })
    expect(w.text()).toContain('Unsaved changes in')
    expect(w.text()).toContain('first-lab')
    expect(w.text()).toContain('Undo')
    expect(w.find('[data-tip^="Undo sysctl kern.ipc.mb_use_ext_pgs=1 on A"]').exists()).toBe(true)
  })
  it('the knobs in force – always stand in the status bar', async () => {
    await useConsoleStore().execute('A', 'ifconfig cc0 -nomap')
    await settleDrawn()
    const text = mount(StatusBar, { props: { atStart: false }, global: global() }).text()
    expect(text).toContain('13.0-CURRENT r349532')
    expect(text).toMatch(/cc0\s*nomap off/)
    expect(text).toMatch(/ext_pgs\s*0/)
    expect(text).toContain('seed 7')
    expect(text).toContain('t = 0.000\u2009ms')
    expect(text).toContain('not saved yet')
  })
})

describe('notices', () => {
  it('an undoable act – offers undo and runs it', async () => {
    const problems = useProblemsStore()
    let undone = 0
    problems.say('info', 'nomap is off on cc0 (A)', { label: 'Undo', key: 'Mod+Z', run: () => undone++ })
    const w = mount(ToastLayer, { global: global() })
    await w.get('.btn').trigger('click')
    expect(undone).toBe(1)
    expect(problems.toast).toBeNull()
  })
  it('an error – stays and leads to its details', async () => {
    useProblemsStore().take({ code: 'x', message: 'It failed.', remedy: 'Try again.', level: 'error' })
    const w = mount(ToastLayer, { global: global() })
    expect(w.text()).toContain('It failed. Try again.')
    expect(w.text()).toContain('Details')
  })
})

describe('documents', () => {
  it('saving for the first time where the shell has no dialog – asks for a path and saves there', async () => {
    const saving = saveDocument()
    await settle()
    const dialog = useDialogsStore().top
    expect(dialog).toMatchObject({ kind: 'path', purpose: 'save', name: 'first-lab.nomaplab' })
    if (dialog?.kind === 'path') dialog.done('/home/user/mine.nomaplab')
    expect(await saving).toBe(true)
    expect(joined.host.asked.find((a) => a.method === 'session.save')?.body).toEqual({
      path: '/home/user/mine.nomaplab',
    })
    expect(useSessionStore().state?.path).toBe('/home/user/mine.nomaplab')
  })
  it('where the shell has its own dialogs – leaves the question to it', async () => {
    joined = await joinFakeHost({ nativeDialogs: true })
    expect(await saveDocument()).toBe(true)
    expect(joined.host.asked.find((a) => a.method === 'session.save')?.body).toEqual({})
    expect(useDialogsStore().top).toBeNull()
  })
  it('a damaged document – its own page offers the good part, and opening that works', async () => {
    joined.host.refuse('session.open', { code: 'log-damaged', message: 'Broken after command 3.', remedy: 'r' })
    expect(await openDocument('/home/user/x.nomaplab')).toBe(false)
    expect(useDialogsStore().damaged).toMatchObject({ path: '/home/user/x.nomaplab' })
    expect(await openDocument('/home/user/x.nomaplab', true)).toBe(true)
    expect(useDialogsStore().damaged).toBeNull()
    expect(joined.host.asked.filter((a) => a.method === 'session.open').at(-1)?.body).toEqual({
      path: '/home/user/x.nomaplab',
      keepGoodPart: true,
    })
  })
  it('another failure of opening – is reported, and what was open stays', async () => {
    joined.host.refuse('session.open', { code: 'document-newer', message: 'm', remedy: 'r' })
    expect(await openDocument('/x.nomaplab')).toBe(false)
    expect(useDialogsStore().damaged).toBeNull()
    expect(useProblemsStore().problems).toHaveLength(1)
    expect(useSessionStore().state?.name).toBe('first-lab')
  })
})

describe('console block', () => {
  it('a command that failed – shows cross, status and time; its actions have names', () => {
    const block = {
      id: 1,
      branch: 'B' as const,
      text: 'ifconfgi',
      origin: 'console' as const,
      output: '',
      t: 8e6,
      tEnd: 8e6,
      status: 127,
      recalled: false,
    }
    const w = mount(BlockLayer, {
      props: {
        blocks: [{ block, top: 0, height: 36, hint: ['ifconfig'] }],
        shownIn: 'B',
        hovered: null,
        layer: 'over',
        rowHeight: 18,
        undone: new Set<number>(),
      },
    })
    expect(w.text()).toContain('t = 8.000\u2009ms, exit 127')
    expect(w.find('.err svg').exists()).toBe(true)
    expect(w.findAll('button').map((b) => b.attributes('aria-label') ?? b.text())).toEqual([
      'Insert ifconfig',
      'Copy ifconfgi and its output',
      'Run ifconfgi again',
      'Show this instant in charts',
    ])
  })
  it('the edge – has the colour of the run', () => {
    const block = {
      id: 1,
      branch: 'B' as const,
      text: 'x',
      origin: 'console' as const,
      output: '',
      t: 0,
      tEnd: 0,
      status: 0,
      recalled: false,
    }
    const w = mount(BlockLayer, {
      props: {
        blocks: [{ block, top: 0, height: 36, hint: [] }],
        shownIn: 'B',
        hovered: null,
        layer: 'under',
        rowHeight: 18,
        undone: new Set<number>(),
      },
    })
    expect(w.get('.edge').attributes('style')).toContain('var(--run-b)')
  })
})

describe('words', () => {
  it('a long command – keeps its first word and the end of its last', () => {
    expect(shortCommand('sysctl kern.ipc.mb_use_ext_pgs=1')).toBe('sysctl …mb_use_ext_pgs=1')
    expect(shortCommand('ifconfig cc0')).toBe('ifconfig cc0')
  })
  it('any command in any room – never takes more than the room', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-z]{1,12}( [a-z._=0-9]{1,30}){0,3}$/),
        fc.integer({ min: 2, max: 40 }),
        (text, most) => {
          expect(shortCommand(text, most).length).toBeLessThanOrEqual(most)
        },
      ),
    )
  })
  it('speeds – as fractions, and the present one is always among the choices', () => {
    expect(speedLabel(0.001)).toBe('×1/1\u2009000')
    expect(speedLabel(0)).toBe('as fast as it can')
    expect(speedOptions(0.25).map((o) => o.value)).toContain(0.25)
    expect(speedOptions(1).at(-1)?.value).toBe(0)
  })
  it('days – are named while they are near', () => {
    const noon = new Date(2026, 10, 21, 12).getTime()
    expect(dayAndTime(noon, noon)).toBe('today 12:00')
    expect(dayAndTime(noon - 86_400_000, noon)).toBe('yesterday 12:00')
    expect(dayAndTime(noon - 9 * 86_400_000, noon)).toMatch(/2026/)
  })
  it('a damaged log – says how many commands before the damage are good', () => {
    const message = 'x.nomaplab is damaged: line 412 of commands.jsonl is broken; 411 commands before it are good.'
    expect(readDamage({ code: 'log-damaged', message })).toEqual({ openable: true, good: 411 })
    expect(readDamage({ code: 'document-damaged', message: 'it is empty' })).toEqual({ openable: false, good: null })
  })
})

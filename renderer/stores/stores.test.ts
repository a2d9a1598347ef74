import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { LabError } from '../connection/client'
import { lab } from '../connection/lab'
import { joinFakeHost, settle } from '../testing/session'
import type { FakeHost } from '../testing/fakeHost'
import { Columns, maxSamples } from './columns'
import { useConsoleStore } from './console'
import { useHostStore } from './host'
import { useLayoutStore } from './layout'
import { useProblemsStore } from './problems'
import { useRunStore } from './run'
import { useSelectionStore } from './selection'
import { useSendPathStore } from './sendPath'
import { useSessionStore } from './session'
import { useSettingsStore } from './settings'

let host: FakeHost
beforeEach(async () => {
  ;({ host } = await joinFakeHost())
})

describe('samples', () => {
  const append = (c: Columns, times: number[]): void =>
    c.append(Float64Array.from(times), Float64Array.from(times.flatMap((t) => [t, -t])))

  it('frames in any portions – the same columns', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 0, max: 1e6 }), { maxLength: 200 }),
        fc.array(fc.nat({ max: 50 }), { maxLength: 20 }),
        (set, cuts) => {
          const times = set.sort((a, b) => a - b)
          const whole = new Columns(['up', 'down'])
          append(whole, times)
          const parts = new Columns(['up', 'down'])
          let at = 0
          for (const n of [...cuts, times.length]) {
            append(parts, times.slice(at, at + n))
            at += n
          }
          expect([...parts.times]).toEqual(times)
          expect([...parts.column('down')]).toEqual([...whole.column('down')])
          expect([...parts.column('down')]).toEqual(times.map((t) => -t))
        },
      ),
    )
  })
  it('samples that overlap what is there – are not taken twice', () => {
    const c = new Columns(['up', 'down'])
    append(c, [1, 2, 3])
    append(c, [2, 3, 4])
    expect([...c.times]).toEqual([1, 2, 3, 4])
  })
  it('more samples than the limit – stay under it, ascending, with first and newest value in place', () => {
    const c = new Columns(['v'])
    const n = maxSamples * 3
    c.append(
      Float64Array.from({ length: n }, (_, i) => i),
      new Float64Array(n).fill(5),
    )
    expect(c.length).toBeLessThanOrEqual(maxSamples)
    expect(c.times[c.length - 1]).toBe(n - 1)
    expect(c.times.every((t, i) => i === 0 || t > c.times[i - 1])).toBe(true)
    expect(c.column('v').every((v) => v === 5)).toBe(true)
  })
  it('an unknown metric – a column of the right length without values', () => {
    const c = new Columns(['up', 'down'])
    append(c, [1, 2])
    expect([...c.column('sideways')]).toEqual([NaN, NaN])
  })
  it('an instant between samples – the value of the sample before it', async () => {
    await useSessionStore().setLoad(true)
    host.tick(1e6)
    await settle()
    const run = useRunStore()
    const series = run.series('A')
    expect(series.length).toBe(10)
    expect(run.valueAt('A', 'goodput_bps', series.times[4] + 5)).toBe(series.column('goodput_bps')[4])
    expect(run.valueAt('A', 'goodput_bps', 0)).toBeNaN()
  })
})

describe('session', () => {
  it('a fork – has the letter, the parent, the samples, and becomes the run shown', async () => {
    host.tick(1e6)
    await settle()
    const made = await useSessionStore().fork({ from: 'A', command: 'sysctl kern.ipc.mb_use_ext_pgs=1' })
    await settle()
    expect(made).toMatchObject({ letter: 'B', parent: { letter: 'A', t: 1e6 } })
    expect(useSelectionStore().branch).toBe('B')
    expect(useSelectionStore().other).toBe('A')
    expect(useRunStore().series('B').length).toBe(useRunStore().series('A').length)
    expect(useHostStore().knob('B', 'kern.ipc.mb_use_ext_pgs')?.value).toBe('1')
    expect(useHostStore().knob('A', 'kern.ipc.mb_use_ext_pgs')?.value).toBe('0')
  })
  it('a deleted run that was shown – the window shows one that exists', async () => {
    const session = useSessionStore()
    await session.fork({ from: 'A' })
    await session.remove('B')
    await settle()
    expect(useSelectionStore().branch).toBe('A')
    expect(useSelectionStore().other).toBeNull()
  })
  it('a refusal of main – rejects with what happened and what to do, and is kept when attempted', async () => {
    host.refuse('session.save', {
      code: 'disk-full',
      message: 'The disk is full.',
      remedy: 'Free some room and save again.',
    })
    await expect(useSessionStore().save({ path: '/x' })).rejects.toBeInstanceOf(LabError)
    host.refuse('session.save', {
      code: 'disk-full',
      message: 'The disk is full.',
      remedy: 'Free some room and save again.',
    })
    const problems = useProblemsStore()
    expect(await problems.attempt(() => useSessionStore().save({ path: '/x' }))).toBeUndefined()
    expect(problems.problems).toHaveLength(1)
    expect(problems.toast).toMatchObject({ level: 'error', text: 'The disk is full. Free some room and save again.' })
  })
  it('another session – brings nothing of the one before', async () => {
    await useConsoleStore().execute('A', 'uname -a')
    host.tick(1e6)
    useSelectionStore().crosshair = 5e5
    await useSessionStore().create({ scenario: 'large-sends' })
    await settle()
    expect(useSessionStore().state?.name).toBe('large-sends')
    expect(useRunStore().series('A').length).toBe(0)
    expect(useSelectionStore().crosshair).toBeNull()
  })
  it('an idle session nobody touched – is still the Start screen; a command ends that', async () => {
    expect(useSessionStore().untouched).toBe(true)
    await useConsoleStore().execute('A', 'uname -a')
    await settle()
    expect(useSessionStore().untouched).toBe(false)
  })
})

describe('console', () => {
  it('a command from a switch – stands in the console of its run with its origin', async () => {
    await useConsoleStore().execute('A', 'ifconfig cc0 -nomap', 'switch')
    await settle()
    expect(useConsoleStore().of('A')).toMatchObject([{ text: 'ifconfig cc0 -nomap', origin: 'switch', status: 0 }])
    expect(useHostStore().capability('A', 'cc0', 'nomap')?.on).toBe(false)
  })
  it('commands told again by a re-execution – take their old place', async () => {
    const consoles = useConsoleStore()
    await consoles.execute('A', 'uname -a')
    await settle()
    const [before] = consoles.of('A')
    await consoles.whileReplaying(async () => {
      host.emit('command', { ...before, status: 0, output: 'again\n' })
      await settle()
    })
    expect(consoles.of('A')).toHaveLength(1)
    expect(consoles.of('A')[0]).toMatchObject({ id: before.id, output: 'again\n' })
  })
  it('a command that is undone – its output stays, marked as undone; done again, the mark goes', async () => {
    const session = useSessionStore()
    await useConsoleStore().execute('A', 'sysctl kern.ipc.mb_use_ext_pgs=1')
    await settle()
    await session.undo()
    await settle()
    const [block] = useConsoleStore().of('A')
    expect(useConsoleStore().undone.has(block.id)).toBe(true)
    await session.redo()
    await settle()
    expect(useConsoleStore().undone.size).toBe(0)
  })
  it('the connection came back – the consoles keep what they show', async () => {
    await useConsoleStore().execute('A', 'uname -a')
    await settle()
    const before = useSessionStore().generation
    await useSessionStore().load()
    expect(useSessionStore().generation).toBe(before)
    expect(useConsoleStore().of('A')[0]?.output).toContain('FreeBSD')
  })
  it('the same command twice at one instant – stands there twice', async () => {
    await useConsoleStore().execute('A', 'uname -a')
    await useConsoleStore().execute('A', 'uname -a')
    await settle()
    expect(useConsoleStore().of('A')).toHaveLength(2)
    expect(useConsoleStore().history).toEqual(['uname -a'])
  })
})

describe('send path', () => {
  it('held while pointed at and time runs – the newest comes through when let go, and when time stands', async () => {
    const store = useSendPathStore()
    await store.watch(['A'], null)
    useRunStore().state = 'running'
    const first = store.path('A')!
    store.hold(true)
    store.take({ ...first, t: 1e6 })
    expect(store.path('A')).toBe(first)
    store.hold(false)
    expect(store.path('A')?.t).toBe(1e6)
    store.hold(true)
    store.take({ ...first, t: 2e6 })
    expect([store.keeping, store.path('A')?.t]).toEqual([true, 1e6])
    useRunStore().state = 'paused'
    await settle()
    expect([store.keeping, store.path('A')?.t]).toEqual([false, 2e6])
  })
})

describe('layout', () => {
  it('a layout of an unknown make – never breaks, and takes what it can', () => {
    const layout = useLayoutStore()
    fc.assert(
      fc.property(fc.anything(), (junk) => {
        expect(() => layout.restore(junk)).not.toThrow()
      }),
    )
    layout.reset()
    layout.restore({ side: 'runs', tab: 'packets', sizes: { side: 9999, console: 'x' } })
    expect(layout.side).toBe('runs')
    expect(layout.tab).toBe('overview')
    expect(layout.sizes.side).toBe(400)
  })
  it('saved and restored – is the same', () => {
    const layout = useLayoutStore()
    layout.resize('side', 300)
    layout.resize('console', 220)
    layout.tab = 'compare'
    const saved: unknown = JSON.parse(JSON.stringify(layout.save()))
    layout.reset()
    layout.restore(saved)
    expect(layout.save()).toEqual(saved)
  })
})

describe('settings', () => {
  it('a change – is written to main and read back, strangers are not taken', async () => {
    const settings = useSettingsStore()
    settings.theme = 'dark'
    await settle()
    expect(host.asked.some((a) => a.method === 'settings.write')).toBe(true)
    await lab().request('settings.write', { settings: { theme: 'light', zoom: 'huge', stranger: 1 } })
    await settings.load()
    expect(settings.theme).toBe('light')
    expect(settings.zoom).toBe(100)
  })
})

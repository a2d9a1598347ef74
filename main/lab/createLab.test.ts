import { mkdtempSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { SessionState } from '../../preload/contract'
import { Branch, realModel } from '../engine'
import { generateFiles } from './files'
import { scenarioToConfig } from './scenario/config'
import { loadScenario } from './scenario/load'
import { buildWorker } from '../../tests/lab/buildWorker'
import { testLab, type TestLab } from '../../tests/lab/harness'
import { applicationVersion } from './version'

let workerUrl: URL
const open: TestLab[] = []

beforeAll(async () => {
  workerUrl = await buildWorker()
})
afterEach(async () => {
  for (const { lab } of open.splice(0)) await lab.close()
})

async function start(userData?: string): Promise<TestLab> {
  const lab = await testLab(workerUrl, userData)
  open.push(lab)
  return lab
}

/** Ends a lab as a crash would: nothing is closed. The worker is left to die with the test. */
function crash(lab: TestLab): void {
  open.splice(open.indexOf(lab), 1)
}

const folder = (): string => mkdtempSync(join(tmpdir(), 'lab-session-'))

/** A scenario small enough for a test of a second. */
function smallScenario(): string {
  const path = join(folder(), 'small.yaml')
  const text = readFileSync(join(import.meta.dirname, '../../scenarios/first-lab.yaml'), 'utf8')
  writeFileSync(
    path,
    text.replace('connections: 100', 'connections: 8').replace('count: 64, size: 256KiB', 'count: 4, size: 64KiB'),
  )
  return path
}

describe('a session', () => {
  test('boots idle, takes commands, and the first start of the load sets the clock going', async () => {
    const { ask, of, until } = await start()
    const state = await ask('session.new', { scenario: smallScenario() })
    expect(state).toMatchObject({ state: 'idle', loading: false, unsaved: false, undo: null, name: 'small', seed: 7 })
    expect(state.branches).toMatchObject([{ letter: 'A', t: 0, baseline: true, changed: [] }])
    const result = await ask('console.execute', {
      branch: 'A',
      text: 'sysctl kern.ipc.mb_use_ext_pgs=1',
      origin: 'switch',
    })
    expect(result).toMatchObject({ branch: 'A', t: 0, status: 0, output: 'kern.ipc.mb_use_ext_pgs: 0 -> 1\n' })
    await until(() => of('host').length > 1, 'the host after the command')
    const after = (await ask('session.state', {}))!
    expect(after.branches[0].changed).toEqual([{ name: 'kern.ipc.mb_use_ext_pgs', from: '0', to: '1' }])
    expect(after.undo).toEqual({ text: 'sysctl kern.ipc.mb_use_ext_pgs=1', branch: 'A' })
    expect(after.unsaved).toBe(true)
    expect(of('command')).toMatchObject([{ text: 'sysctl kern.ipc.mb_use_ext_pgs=1', origin: 'switch' }])

    await ask('run.load', { on: true })
    await until(
      () => of('frame').some((frame) => frame.branches.some((b) => b.times.length > 0 && b.t > 3e6)),
      'samples',
    )
    await ask('run.control', { action: 'pause' })
    const names = (await ask('metrics.list', {})).map(({ name }) => name)
    const series = await ask('series', { branch: 'A' })
    expect(series.names).toEqual(names)
    const goodput = series.values.filter((_, i) => i % names.length === names.indexOf('goodput_bps'))
    expect(Math.max(...goodput)).toBeGreaterThan(1e8)
    const path = await ask('sendPath', { branch: 'A' })
    expect(path.branch).toBe('A')
    expect(path.connectionCount).toBe(8)
    const completion = await ask('console.complete', { branch: 'A', text: 'ifconfig cc0 nom', cursor: 16 })
    expect(completion.choices.map(({ text }) => text)).toContain('nomap')
    const host = await ask('host.state', { branch: 'A' })
    expect(host.interfaces[0].capabilities.find((c) => c.keyword === 'nomap')).toMatchObject({
      on: true,
      defaultOn: true,
      fixed: null,
    })
    expect(host.knobs.find((knob) => knob.name === 'kern.ipc.mb_use_ext_pgs')).toMatchObject({
      value: '1',
      defaultValue: '0',
      access: 'rw',
    })
  })

  test('what is done in the window – equals a machine that executes the same log headless', async () => {
    const { ask, lab } = await start()
    await ask('session.new', { scenario: smallScenario() })
    await ask('run.load', { on: true })
    await ask('run.until', { t: 3_210_000 })
    await ask('console.execute', { branch: 'A', text: 'ifconfig cc0 -nomap', origin: 'console' })
    await ask('run.until', { t: 5_000_000 })
    const file = join(folder(), 'x.nomaplab')
    await ask('session.save', { path: file })
    const { digestOf, model } = lab as never as { digestOf?: unknown; model?: unknown }
    expect([digestOf, model]).toEqual([undefined, undefined])
    const state = (await ask('session.state', {}))!
    const { scenario } = loadScenario(smallScenario(), '')
    const files = generateFiles({ seed: 1, ...scenario.files.generate! })
    const branch = new Branch(
      realModel(scenarioToConfig(scenario, files, { loadByCommand: true }), files.disk),
      scenario.sample,
      {
        began: () => {},
        finished: () => {},
        act: () => ({ output: '', status: 0 }),
      },
    )
    branch.planned = state.commands.map(({ t, text }, i) => ({ id: i + 1, t, text }))
    branch.advance(5_000_000, () => false)
    const series = await ask('series', { branch: 'A' })
    expect(series.times.at(-1)).toBe(5_000_000)
    // The same counters at the end, to the last byte: digests of the worker are compared in its own tests.
    const { stat } = branch.machine.kernels[1].apps.client
    const comparison = await ask('branch.fork', { from: 'A' })
    expect(comparison.letter).toBe('B')
    const [verified] = (await ask('compare', { branches: ['A', 'B'], align: 'start' })).metrics.filter(
      ({ name }) => name === 'bytes_verified',
    )
    expect(verified.values).toEqual([stat.bytes_verified, stat.bytes_verified])
  })

  test('a knob on a fork – compare names the knob and the difference, and without it both runs are equal', async () => {
    const { ask } = await start()
    await ask('session.new', { scenario: smallScenario() })
    await ask('run.load', { on: true })
    await ask('run.until', { t: 4_000_000 })
    const made = await ask('branch.fork', {
      from: 'A',
      name: 'with pages',
      command: 'sysctl kern.ipc.mb_use_ext_pgs=1',
    })
    expect(made).toMatchObject({ letter: 'B', name: 'with pages', parent: { letter: 'A' } })
    await ask('run.until', { t: 12_000_000 })
    const comparison = await ask('compare', { branches: ['A', 'B'] })
    expect(comparison.comparable).toBe(true)
    expect(comparison.knobs).toEqual([{ name: 'kern.ipc.mb_use_ext_pgs', values: ['0', '1'], testedIn: 'vn_sendfile' }])
    expect(comparison.window).toEqual({ from: made.parent!.t, to: 12_000_000 })
    const mbufs = comparison.metrics.find(({ name }) => name === 'mbufs_per_mib_queued')!
    expect(mbufs.differences[1]!.ratio).toBeLessThan(0.5)
    expect(mbufs.verdict[1]).toBe('better')
    // Asked for the other way round, B is the base, whichever has the star.
    const swapped = await ask('compare', { branches: ['B', 'A'] })
    expect(swapped.runs.map(({ letter, baseline }) => [letter, baseline])).toEqual([
      ['B', true],
      ['A', false],
    ])
    const back = swapped.metrics.find(({ name }) => name === 'mbufs_per_mib_queued')!
    expect(back.differences[1]!.ratio).toBeGreaterThan(2)
    expect(back.verdict[1]).toBe('worse')
    const report = await ask('compare.report', { branches: ['A', 'B'], format: 'html' })
    expect(report.text).toContain('kern.ipc.mb_use_ext_pgs')
    const state = await ask('run.undo', {})
    expect(state.undo).toMatchObject({ text: 'fork B' })
    const again = await ask('compare', { branches: ['A', 'B'] })
    for (const metric of again.metrics) expect(metric.differences[1]?.difference ?? 0, metric.name).toBe(0)
  })

  test('undo, redo, undo of the fork – the runs come and go with their samples', async () => {
    const { ask } = await start()
    await ask('session.new', { scenario: smallScenario() })
    await ask('run.load', { on: true })
    await ask('run.until', { t: 3_000_000 })
    await ask('console.execute', { branch: 'A', text: 'ifconfig cc0 -nomap', origin: 'console' })
    await ask('branch.fork', { from: 'A' })
    await ask('run.until', { t: 5_000_000 })
    const full = await ask('series', { branch: 'B' })
    let state = await ask('run.undo', {})
    expect(state.branches.map(({ letter }) => letter)).toEqual(['A'])
    state = await ask('run.undo', {})
    expect(state.branches[0].changed).toEqual([])
    expect(state.redo).toEqual({ text: 'ifconfig cc0 -nomap', branch: 'A' })
    await ask('run.redo', {})
    state = await ask('run.redo', {})
    expect(state.branches.map(({ letter }) => letter)).toEqual(['A', 'B'])
    expect(state.branches[1].changed).toEqual([{ name: 'cc0.nomap', from: 'on', to: 'off' }])
    const again = await ask('series', { branch: 'B' })
    expect(again.times.at(-1)).toBe(full.times.at(-1))
    expect(again.values.slice(-40)).toEqual(full.values.slice(-40))
    await expect(async () => ask('run.redo', {})).rejects.toMatchObject({ code: 'nothing-to-redo' })
  })

  test('back in time and a command there – goes to a copy, and history stays', async () => {
    const { ask, until } = await start()
    await ask('session.new', { scenario: smallScenario() })
    await ask('run.load', { on: true })
    await ask('run.until', { t: 3_000_000 })
    await ask('console.execute', { branch: 'A', text: 'ifconfig cc0 -nomap', origin: 'console' })
    await ask('run.until', { t: 4_000_000 })
    await ask('run.until', { t: 2_000_000 })
    const result = await ask('console.execute', {
      branch: 'A',
      text: 'sysctl kern.ipc.mb_use_ext_pgs=1',
      origin: 'console',
    })
    expect(result).toMatchObject({ branch: 'B', t: 2_000_000 })
    let state: SessionState = (await ask('session.state', {}))!
    await until(() => state.branches.length === 2, 'the copy')
    await ask('run.until', { t: 5_000_000 })
    state = (await ask('session.state', {}))!
    expect(state.branches.map(({ letter, changed }) => [letter, changed.map(({ name }) => name)])).toEqual([
      ['A', ['cc0.nomap']],
      ['B', ['kern.ipc.mb_use_ext_pgs']],
    ])
    const forked = await ask('branch.fork', { from: 'A', t: 1_500_000 })
    expect(forked).toMatchObject({ letter: 'C', t: 1_500_000, parent: { letter: 'A', t: 1_500_000 }, changed: [] })
  })

  test('replaced while a window reads it – every read – is answered, by the session that takes its place', async () => {
    const { ask } = await start()
    await ask('session.new', { scenario: smallScenario() })
    let replaced = false
    const next = ask('session.new', { scenario: smallScenario(), seed: 11 }).finally(() => (replaced = true))
    const reads: Promise<unknown>[] = []
    while (!replaced) {
      reads.push(ask('host.state', { branch: 'A' }), ask('sendPath', { branch: 'A' }), ask('series', { branch: 'A' }))
      reads.push(ask('watch', { sendPath: ['A'] }), ask('console.complete', { branch: 'A', text: 'ifc', cursor: 3 }))
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    expect((await next).seed).toBe(11)
    const results = await Promise.allSettled(reads)
    expect(results.filter(({ status }) => status === 'rejected')).toEqual([])
    expect(results.length).toBeGreaterThan(20)
  })
})

describe('documents and recovery', () => {
  test('saved, closed, opened – commands, runs, texts and times are there, and the machine goes on alike', async () => {
    const first = await start()
    await first.ask('session.new', { scenario: smallScenario() })
    await first.ask('run.load', { on: true })
    await first.ask('run.until', { t: 3_000_000 })
    await first.ask('branch.fork', { from: 'A', command: 'ifconfig cc0 -nomap' })
    await first.ask('run.until', { t: 5_000_000 })
    await first.ask('session.texts', { notes: 'mine', report: 'short' })
    await first.ask('run.mark', { branch: 'A', text: 'here' })
    const path = join(folder(), 'friday')
    const saved = (await first.ask('session.save', { path }))!
    expect(saved.path).toBe(`${path}.nomaplab`)
    const before = (await first.ask('session.state', {}))!
    expect(before).toMatchObject({ unsaved: false, name: 'friday', path: saved.path })
    await first.ask('run.until', { t: 6_000_000 })
    const later = await first.ask('series', { branch: 'B' })

    const second = await start()
    const opened = (await second.ask('session.open', { path: saved.path }))!
    expect(opened).toMatchObject({
      name: 'friday',
      notes: 'mine',
      report: 'short',
      marks: [{ text: 'here' }],
      unsaved: false,
    })
    expect(opened.commands).toEqual(before.commands)
    // A window asks at once: the stored samples are there, and what the machine must say is waited for.
    expect((await second.ask('series', { branch: 'B' })).times.length).toBeGreaterThan(20)
    expect((await second.ask('host.state', { branch: 'B' })).hostname).toBe('server')
    await second.until(() => second.of('session').some(({ state }) => state === 'paused'), 'the machine to catch up')
    await second.ask('run.until', { t: 6_000_000 })
    const again = await second.ask('series', { branch: 'B' })
    expect(again.times.at(-1)).toBe(6_000_000)
    expect(again.values.slice(-64)).toEqual(later.values.slice(-64))
    // A copy's charts begin at boot, with what it shares with its parent.
    expect(again.times[0]).toBe(later.times[0])
    expect(second.of('command').map(({ text }) => text)).toEqual(before.commands.map(({ text }) => text))
    expect(await second.ask('session.recent', {})).toMatchObject([{ path: saved.path, name: 'friday', missing: false }])
    expect(await second.ask('session.forgetRecent', {})).toEqual([])
  })

  test('the user’s own files – small ones travel in the document, large ones are found by content or asked for', async () => {
    const place = folder()
    writeFileSync(join(place, 'small.bin'), Buffer.alloc(50_000, 'abc'))
    writeFileSync(join(place, 'large.bin'), Buffer.alloc(3_000_000, 'xyz'))
    const scenario = smallScenario()
    const { ask } = await start()
    await ask('session.new', { scenario, files: join(place, 'small.bin') })
    await ask('console.execute', { branch: 'A', text: 'ifconfig cc0 -nomap', origin: 'console' })
    const small = join(folder(), 'small.nomaplab')
    await ask('session.save', { path: small })
    await ask('session.new', { scenario, files: join(place, 'large.bin') })
    await ask('console.execute', { branch: 'A', text: 'ifconfig cc0 -nomap', origin: 'console' })
    const large = join(folder(), 'large.nomaplab')
    await ask('session.save', { path: large })
    expect(readFileSync(large).includes(place)).toBe(false)

    renameSync(join(place, 'small.bin'), join(place, 'gone.bin'))
    const other = await start()
    expect((await other.ask('session.open', { path: small }))!.commands).toHaveLength(1)
    // Another computer: nothing is known of the place.
    await expect(other.ask('session.open', { path: large })).rejects.toMatchObject({
      code: 'file-missing',
      message: 'The file large.bin, which this session serves, cannot be found.',
    })
    writeFileSync(join(large, '..', 'large.bin'), Buffer.alloc(3_000_000, 'xyZ'))
    await expect(other.ask('session.open', { path: large })).rejects.toMatchObject({
      code: 'file-changed',
      message: /has changed\.$/,
    })
    writeFileSync(join(large, '..', 'large.bin'), Buffer.alloc(3_000_000, 'xyz'))
    expect((await other.ask('session.open', { path: large }))!.name).toBe('large')
    // The first lab remembers where it lay.
    renameSync(join(large, '..', 'large.bin'), join(large, '..', 'elsewhere.bin'))
    expect((await ask('session.open', { path: large }))!.name).toBe('large')
  })

  test('a crash – the session is offered again with everything done; a clean end brings it back by itself', async () => {
    const first = await start()
    await first.ask('session.new', { scenario: smallScenario() })
    await first.ask('console.execute', { branch: 'A', text: 'ifconfig cc0 -nomap', origin: 'console' })
    crash(first)
    const second = await start(first.userData)
    expect(await second.ask('session.state', {})).toBeNull()
    const [offer] = await second.ask('session.recoverable', {})
    expect(offer).toMatchObject({ name: 'small', commands: 1, path: null })
    const state = (await second.ask('session.recover', { id: offer.id, action: 'open' }))!
    expect(state).toMatchObject({ unsaved: true, commands: [{ text: 'ifconfig cc0 -nomap' }] })
    expect((await second.ask('series', { branch: 'A' })).branch).toBe('A')
    expect((await second.ask('host.state', { branch: 'A' })).knobs.length).toBeGreaterThan(50)
    expect(await second.ask('session.recoverable', {})).toEqual([])
    await second.ask('session.layout', { layout: { left: 1 } })
    await second.lab.close()
    open.splice(open.indexOf(second), 1)
    const third = await start(first.userData)
    expect(await third.ask('session.state', {})).toMatchObject({
      commands: [{ text: 'ifconfig cc0 -nomap' }],
      layout: { left: 1 },
    })
    await third.ask('session.new', { scenario: 'first-lab' })
    const left = await third.ask('session.recoverable', {})
    expect(left.map(({ name }) => name)).toEqual(['small'])
    await third.ask('session.recover', { id: left[0].id, action: 'discard' })
    expect(await third.ask('session.recoverable', {})).toEqual([])
    await first.lab.close()
  })

  test.each([
    ['session.open', { path: '/no/such.nomaplab' }, 'file-missing'],
    ['session.open', {}, 'path-needed'],
    ['session.open', { path: tmpdir() }, 'file-is-folder'],
    ['session.new', { scenario: 'firstlab' }, 'scenario-missing'],
    ['session.new', { scenario: 'first-lab', files: '/no/such/folder' }, 'file-missing'],
    ['console.execute', { branch: 'A', text: 'date', origin: 'console' }, 'no-session'],
    ['exercise.start', { id: 'nothing' }, 'exercise-missing'],
    ['files.list', { path: '/no/such/folder' }, 'file-missing'],
    ['session.recover', { id: 'x', action: 'open' }, 'recovery-missing'],
  ] as const)('%s %j – is refused as %s with a remedy', async (method, request, code) => {
    const { ask } = await start()
    const error = (await Promise.resolve()
      .then(() => ask(method as 'session.open', request as never))
      .catch((problem: unknown) => problem)) as { code: string; remedy: string }
    expect(error.code).toBe(code)
    expect(error.remedy.length).toBeGreaterThan(10)
  })

  test('the application’s version is that of package.json', () => {
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'))
    expect(applicationVersion).toBe(version)
  })
})

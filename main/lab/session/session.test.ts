import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Events } from '../../../preload/contract'
import { buildWorker } from '../../../tests/lab/buildWorker'
import type { EngineClient } from '../../engine'
import { generateFiles } from '../files'
import { parseScenario } from '../scenario/load'
import { newModel } from './model'
import { Session } from './session'

let workerUrl: URL
const open: Session[] = []

beforeAll(async () => {
  workerUrl = await buildWorker()
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((session) => session.close()))
})

async function start(): Promise<{
  session: Session
  engine: EngineClient
  problems: Events['problem'][]
  commands: Events['command'][]
}> {
  const path = resolve(import.meta.dirname, '../../../scenarios/first-lab.yaml')
  const text = readFileSync(path, 'utf8')
    .replace('connections: 100', 'connections: 4')
    .replace('count: 64, size: 256KiB', 'count: 4, size: 64KiB')
  const { scenario } = parseScenario(text, 'small.yaml', 'small', null)
  const files = generateFiles({ seed: 1, ...scenario.files.generate! })
  const problems: Events['problem'][] = []
  const commands: Events['command'][] = []
  const session = new Session(
    newModel({ name: 'small', scenarioId: 'small', scenario, files: { kind: 'generated' }, now: new Date(0) }),
    {
      workerUrl,
      files,
      series: null,
      exercise: null,
      emit: (name, body) => {
        if (name === 'problem') problems.push(body as Events['problem'])
        if (name === 'command') commands.push(body as Events['command'])
      },
      log: () => {},
    },
  )
  open.push(session)
  await session.whenReady()
  return { session, engine: session['engine'], problems, commands }
}

describe('a session whose worker is lost', () => {
  test('while it stands – computes everything again, says so, and the state is the same bit for bit', async () => {
    const { session, engine, problems } = await start()
    await session.load(true, undefined)
    await session.until(2_000_000)
    await session.execute('A', 'ifconfig cc0 -nomap', 'console')
    await session.fork('A', undefined, 'copy', 'sysctl kern.ipc.mb_use_ext_pgs=1')
    await session.until(4_000_000)
    const before = [await session.digest('A'), await session.digest('B')]
    await engine.kill()
    const after = [await session.digest('A'), await session.digest('B')]
    expect(after).toEqual(before)
    expect(problems.map(({ code, level }) => [code, level])).toEqual([['engine-lost', 'warn']])
    expect(session.state().branches.map(({ t }) => t)).toEqual([4_000_000, 4_000_000])
    expect(session.series('B').times.at(-1)).toBe(4_000_000)
  })

  test('in the middle of commands – answers every one of them, and none is lost or done twice', async () => {
    const { session, engine } = await start()
    await session.load(true, undefined)
    await session.until(1_000_000)
    const asked = Array.from({ length: 12 }, (_, i) =>
      session.execute('A', `sysctl net.inet.tcp.sendspace=${40_000 + i}`, 'console'),
    )
    await asked[3]
    await engine.kill()
    const results = await Promise.all(asked)
    expect(results.map(({ status }) => status)).toEqual(Array.from({ length: 12 }, () => 0))
    const log = session.model.log.filter((entry) => entry.kind === 'command' && entry.text.startsWith('sysctl'))
    expect(log.map((entry) => (entry.kind === 'command' ? entry.text : ''))).toEqual(
      Array.from({ length: 12 }, (_, i) => `sysctl net.inet.tcp.sendspace=${40_000 + i}`),
    )
    const { output } = await session.execute('A', 'sysctl -n net.inet.tcp.sendspace', 'console')
    expect(output).toBe('40011\n')
  })
})

describe('lab words on the console', () => {
  test('lab fork, mark, speed, run and pause – act on the session and stand in its log', async () => {
    const { session } = await start()
    const { output } = await session.execute('A', 'lab fork', 'console')
    expect(output).toMatch(/branch B at 0\.000 ms, same seed, same arrivals/)
    await session.execute('A', 'lab mark "first look"', 'console')
    await session.execute('A', 'lab speed 0.5', 'console')
    const state = session.state()
    expect(state.branches.map(({ letter }) => letter)).toEqual(['A', 'B'])
    expect(state.marks).toEqual([{ branch: 'A', t: 0, text: 'first look' }])
    expect(state.speed).toBe(0.5)
    expect(state.undo).toEqual({ text: 'lab fork', branch: 'A' })
    const undone = await session.undo()
    expect(undone.branches).toHaveLength(1)
    await session.execute('A', 'lab run', 'console')
    for (let i = 0; i < 400 && session.state().state !== 'running'; i++) await new Promise((go) => setTimeout(go, 5))
    expect(session.state().state).toBe('running')
    // It rests a little behind the command before time passes.
    for (let i = 0; i < 400 && session.state().branches[0].t === 0; i++) await new Promise((go) => setTimeout(go, 5))
    await session.execute('A', 'lab pause', 'console')
    for (let i = 0; i < 400 && session.state().state !== 'paused'; i++) await new Promise((go) => setTimeout(go, 5))
    expect(session.state().state).toBe('paused')
    expect(session.state().branches[0].t).toBeGreaterThan(0)
  })
})

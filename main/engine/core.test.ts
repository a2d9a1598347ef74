import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import type { BranchLetter } from '../../preload/contract'
import { Branch, type PlannedCommand } from './branch'
import { Core } from './core'
import type { EngineFrameMessage, FromWorker, Replies, RequestName, Requests } from './protocol'
import { TestMachine, testModel } from './testModel'

/** A core in this thread with a wall clock of its own: every look at it costs `tickMs`. */
class Bench {
  readonly messages: FromWorker[] = []
  readonly core: Core
  private wall = 0
  private readonly timers: { at: number; callback: () => void }[] = []
  private number = 0
  /** How often the core looked at the clock. */
  looks = 0
  /** A request waits outside. */
  called = false

  constructor(
    readonly tickMs = 0.05,
    snapshotBudget = 1 << 20,
  ) {
    this.core = new Core(
      testModel,
      { sampleEvery: 1000, snapshotBudget },
      {
        post: (message) => this.messages.push(message),
        now: () => {
          this.looks++
          return (this.wall += this.tickMs)
        },
        later: (callback, ms) => this.timers.push({ at: this.wall + ms, callback }),
        called: () => this.called,
        memory: () => ({ heapBytes: 1, externalBytes: 2 }),
      },
    )
  }

  send<N extends RequestName>(name: N, body: Requests[N]): number {
    const number = ++this.number
    this.core.handle({ kind: 'request', number, name, body } as never)
    return number
  }
  /** One turn of the event loop. */
  turn(): boolean {
    this.timers.sort((a, b) => a.at - b.at)
    const timer = this.timers.shift()
    if (timer === undefined) return false
    this.wall = Math.max(this.wall, timer.at)
    timer.callback()
    return true
  }
  settle(limit = 100_000): void {
    for (let i = 0; this.turn(); i++) if (i > limit) throw new Error('the core does not come to rest')
  }
  ask<N extends RequestName>(name: N, body: Requests[N]): Replies[N] {
    const number = this.send(name, body)
    for (let i = 0; i < 200_000; i++) {
      const answer = this.messages.find((m) => 'number' in m && m.number === number)
      if (answer?.kind === 'answer') return answer.body as Replies[N]
      if (answer?.kind === 'failure') throw Object.assign(new Error(answer.error.message), answer.error)
      if (!this.turn()) throw new Error(`${name} was never answered`)
    }
    throw new Error(`${name} was not answered in time`)
  }
  plan(branches: { letter: BranchLetter; commands?: PlannedCommand[]; until?: number }[]): void {
    this.ask('plan', {
      branches: branches.map(({ letter, commands = [], until = 0 }) => ({ letter, commands, until, sampled: -1 })),
      state: 'paused',
    })
  }
  digest(branch: BranchLetter = 'A'): string {
    return this.ask('digest', { branch }).digest
  }
  frames(): EngineFrameMessage[] {
    return this.messages.filter((m) => m.kind === 'frame')
  }
  /** Samples of a branch as main would hold them. */
  samples(letter: BranchLetter): [number, number][] {
    let rows: [number, number][] = []
    for (const frame of this.frames())
      for (const branch of frame.branches) {
        if (branch.letter !== letter) continue
        const { keepUntil } = branch
        if (keepUntil !== null) rows = rows.filter(([t]) => t <= keepUntil)
        branch.times.forEach((t, i) => rows.push([t, branch.values[i * 2 + 1]]))
      }
    return rows
  }
  executed(): { branch: BranchLetter; text: string; t: number; output: string; status: number; replay: boolean }[] {
    return this.messages.flatMap((m) => (m.kind === 'executed' ? [{ branch: m.branch, ...m.result }] : []))
  }
}

/** What a headless run of the same commands gives. */
function headless(commands: PlannedCommand[], until: number): string {
  const branch = new Branch(testModel, 1000, {
    began: () => {},
    finished: () => {},
    act: () => ({ output: '', status: 0 }),
  })
  branch.planned = [...commands]
  branch.advance(until, () => false)
  return branch.machine.digest()
}

const ready = (): Bench => {
  const bench = new Bench()
  bench.plan([{ letter: 'A' }])
  return bench
}

afterEach(() => {
  TestMachine.panicAt = -1
})

describe('the engine', () => {
  test('commands given while it runs – are executed headless at the same times – the digest is the same', () => {
    const bench = ready()
    bench.send('run', {})
    for (let i = 0; i < 40; i++) bench.turn()
    bench.ask('execute', { branch: 'A', id: 1, text: 'add 5' })
    for (let i = 0; i < 40; i++) bench.turn()
    bench.ask('execute', { branch: 'A', id: 2, text: 'lab load on; add 3' })
    for (let i = 0; i < 40; i++) bench.turn()
    bench.ask('pause', {})
    const log = bench.messages.flatMap((m) => (m.kind === 'began' ? [{ id: m.id, t: m.t, text: m.text }] : []))
    expect(log.map((entry) => entry.text)).toEqual(['add 5', 'lab load on; add 3'])
    expect(log[0].t).toBeGreaterThan(0)
    const { digest, t } = bench.ask('digest', { branch: 'A' })
    expect(t).toBeGreaterThan(log[1].t)
    expect(headless(log, t)).toBe(digest)
  })

  test('any mixture of run, step, back, until and commands – is replayed from its log – the digest is the same', () => {
    const action = fc.oneof(
      fc.record({ kind: fc.constant('execute' as const), n: fc.integer({ min: 0, max: 99 }) }),
      fc.record({ kind: fc.constant('sleep' as const), n: fc.integer({ min: 0, max: 3000 }) }),
      fc.record({ kind: fc.constant('step' as const), n: fc.integer({ min: 1, max: 50 }) }),
      fc.record({ kind: fc.constant('back' as const), n: fc.integer({ min: 1, max: 50 }) }),
      fc.record({ kind: fc.constant('until' as const), n: fc.integer({ min: 0, max: 5000 }) }),
      fc.record({ kind: fc.constant('run' as const), n: fc.integer({ min: 1, max: 5 }) }),
    )
    fc.assert(
      fc.property(fc.array(action, { minLength: 1, maxLength: 14 }), (actions) => {
        const bench = ready()
        let id = 0
        for (const { kind, n } of actions) {
          const before = bench.messages.filter((m) => m.kind === 'forked').length
          if (kind === 'execute')
            bench.send('execute', { branch: 'A', id: ++id, text: n % 2 === 0 ? `add ${n}; kick` : `add ${n}` })
          else if (kind === 'sleep')
            bench.send('execute', { branch: 'A', id: ++id, text: `add 1; kick; sleep ${n}; kick; add 2` })
          else if (kind === 'step') bench.ask('step', { count: n })
          else if (kind === 'back') bench.ask('step', { count: -n })
          else if (kind === 'until') bench.ask('until', { t: n })
          else {
            bench.send('run', {})
            for (let i = 0; i < n; i++) bench.turn()
            bench.ask('pause', {})
          }
          // A command in the past went to a copy: enough for one property.
          if (bench.messages.filter((m) => m.kind === 'forked').length > before) break
        }
        bench.ask('pause', {})
        for (const letter of ['A', 'B'] as const) {
          if (letter === 'B' && !bench.messages.some((m) => m.kind === 'forked')) continue
          const { digest, t } = bench.ask('digest', { branch: letter })
          const forked = bench.messages.find((m) => m.kind === 'forked')
          const log = bench.messages.flatMap((m) =>
            m.kind === 'began' && (m.branch === letter || (forked?.inherited.includes(m.id) ?? false))
              ? [{ id: m.id, t: m.t, text: m.text }]
              : [],
          )
          expect(headless(log, t)).toBe(digest)
        }
      }),
      { numRuns: 150 },
    )
  })

  test('step 30 events, back 30 – the state is as before', () => {
    const bench = ready()
    bench.ask('until', { t: 5000 })
    bench.ask('execute', { branch: 'A', id: 1, text: 'add 9' })
    bench.ask('step', { count: 10 })
    const before = bench.ask('digest', { branch: 'A' })
    bench.ask('step', { count: 30 })
    expect(bench.digest()).not.toBe(before.digest)
    bench.ask('step', { count: -30 })
    expect(bench.ask('digest', { branch: 'A' })).toEqual(before)
    // The command is still in effect: going back over it and forward again gives the same.
    bench.ask('step', { count: -20 })
    bench.ask('step', { count: 20 })
    expect(bench.ask('digest', { branch: 'A' })).toEqual(before)
  })

  test('undo – the plan without the command – equals a run in which it was never given', () => {
    const bench = ready()
    bench.ask('until', { t: 4000 })
    bench.ask('execute', { branch: 'A', id: 1, text: 'add 1' })
    bench.ask('until', { t: 8000 })
    bench.ask('execute', { branch: 'A', id: 2, text: 'add 2' })
    bench.ask('until', { t: 12_000 })
    const withBoth = bench.digest()
    const first = { id: 1, t: 4000, text: 'add 1' }
    bench.plan([{ letter: 'A', commands: [first], until: 12_000 }])
    expect(bench.digest()).toBe(headless([first], 12_000))
    expect(bench.digest()).not.toBe(withBoth)
    bench.plan([{ letter: 'A', commands: [first, { id: 2, t: 8000, text: 'add 2' }], until: 12_000 }])
    expect(bench.digest()).toBe(withBoth)
  })

  test('after undo – the samples – are those of the new history', () => {
    const bench = ready()
    bench.ask('until', { t: 4500 })
    bench.ask('execute', { branch: 'A', id: 1, text: 'add 1' })
    bench.ask('until', { t: 9500 })
    bench.plan([{ letter: 'A', commands: [], until: 9500 }])
    const fresh = ready()
    fresh.ask('until', { t: 9500 })
    expect(bench.samples('A')).toEqual(fresh.samples('A'))
    expect(bench.samples('A').map(([t]) => t)).toEqual([0, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000])
  })

  test('undo on a copy that then equals its parent – the samples are computed again, not skipped by a snapshot of the parent', () => {
    const bench = ready()
    bench.ask('until', { t: 3000 })
    bench.ask('fork', { from: 'A' })
    bench.ask('execute', { branch: 'B', id: 1, text: 'add 1' })
    bench.ask('until', { t: 9000 })
    bench.send('plan', {
      branches: [
        { letter: 'A', commands: [], until: 9000, sampled: 9000 },
        { letter: 'B', commands: [], until: 9000, sampled: 9000 },
      ],
      state: 'paused',
    })
    expect(bench.digest('B')).toBe(bench.digest('A'))
    expect(bench.samples('B')).toEqual(bench.samples('A').filter(([t]) => t > 3000))
  })

  test('a fork – keeps state and samples apart – and without a command both stay equal', () => {
    const bench = ready()
    bench.ask('until', { t: 3000 })
    bench.ask('execute', { branch: 'A', id: 1, text: 'add 4' })
    const { letter, t, inherited } = bench.ask('fork', { from: 'A' })
    expect([letter, t, inherited]).toEqual(['B', 3000, [1]])
    bench.ask('until', { t: 6000 })
    expect(bench.digest('B')).toBe(bench.digest('A'))
    bench.ask('execute', { branch: 'B', id: 2, text: 'add 1' })
    bench.ask('until', { t: 9000 })
    expect(bench.digest('B')).not.toBe(bench.digest('A'))
    expect(bench.samples('B').map(([time]) => time)).toEqual([4000, 5000, 6000, 7000, 8000, 9000])
  })

  test('a plan of runs that part late – executes what they share once, and each is as if alone', () => {
    const shared = { id: 1, t: 2000, text: 'add 5' }
    const own = { id: 2, t: 8000, text: 'add 6' }
    const bench = new Bench()
    bench.send('plan', {
      branches: [
        { letter: 'A', commands: [shared], until: 12_000, sampled: -1 },
        { letter: 'B', commands: [shared, own], until: 10_000, sampled: -1 },
        { letter: 'C', commands: [own], until: 9000, sampled: -1 },
      ],
      state: 'paused',
    })
    // Asked for before it is made: answered when it is.
    expect(bench.ask('inspect', { branch: 'C', what: 'x', argument: null })).toMatchObject({ t: 9000 })
    expect(bench.executed().map(({ branch, text }) => [branch, text])).toEqual([
      ['A', 'add 5'],
      ['B', 'add 6'],
      ['C', 'add 6'],
    ])
    expect(bench.digest('A')).toBe(headless([shared], 12_000))
    expect(bench.digest('B')).toBe(headless([shared, own], 10_000))
    expect(bench.digest('C')).toBe(headless([own], 9000))
    expect(bench.samples('B').length).toBeGreaterThan(0)
  })

  test('lab fork on the console – copies the host after the line – and is silent when executed again', () => {
    const bench = ready()
    bench.ask('until', { t: 2000 })
    const result = bench.ask('execute', { branch: 'A', id: 1, text: 'lab fork; add 3' })
    expect(result.output).toBe('fork: branch B at 0.002 ms, same seed, same arrivals\n')
    expect(bench.digest('B')).toBe(bench.digest('A'))
    bench.plan([{ letter: 'A', commands: [{ id: 1, t: 2000, text: 'lab fork; add 3' }], until: 1000 }])
    expect(bench.messages.filter((m) => m.kind === 'forked')).toHaveLength(1)
  })

  test('a command in the past – goes to a copy – and the old history stays', () => {
    const bench = ready()
    bench.ask('until', { t: 5000 })
    bench.ask('execute', { branch: 'A', id: 1, text: 'add 1' })
    bench.ask('until', { t: 2000 })
    const result = bench.ask('execute', { branch: 'A', id: 2, text: 'add 2' })
    expect(result).toMatchObject({ branch: 'B', t: 2000 })
    bench.ask('until', { t: 8000 })
    expect(bench.digest('A')).toBe(headless([{ id: 1, t: 5000, text: 'add 1' }], 8000))
    expect(bench.digest('B')).toBe(headless([{ id: 2, t: 2000, text: 'add 2' }], 8000))
  })

  test('a line that sleeps – is answered when it wakes – and lines behind it wait their turn', () => {
    const bench = ready()
    bench.send('execute', { branch: 'A', id: 1, text: 'sleep 2500; value' })
    bench.send('execute', { branch: 'A', id: 2, text: 'add 1' })
    expect(bench.executed()).toEqual([])
    bench.ask('until', { t: 4000 })
    expect(bench.executed().map(({ text, t }) => [text, t])).toEqual([
      ['sleep 2500; value', 0],
      ['add 1', 2500],
    ])
  })

  test('Control-C – ends the line with 130 – and is executed again at the same instant', () => {
    const bench = ready()
    bench.send('execute', { branch: 'A', id: 1, text: 'sleep 100000' })
    bench.ask('until', { t: 1500 })
    expect(bench.ask('interrupt', { branch: 'A', id: 2 })).toEqual({ done: true, t: 1500 })
    expect(bench.executed()[0]).toMatchObject({ status: 130, output: '^C\n' })
    const commands = bench.messages.flatMap((m) =>
      m.kind === 'began' ? [{ id: m.id, t: m.t, text: m.text, ...(m.interrupt && { interrupt: true }) }] : [],
    )
    expect(commands[1]).toMatchObject({ interrupt: true, t: 1500 })
    bench.ask('execute', { branch: 'A', id: 3, text: 'add 1' })
    bench.ask('until', { t: 3000 })
    expect(bench.digest()).toBe(headless([...commands, { id: 3, t: 1500, text: 'add 1' }], 3000))
  })

  test('a machine that throws – stops its branch with a notice – and undo brings it back', () => {
    const bench = ready()
    bench.ask('until', { t: 2000 })
    bench.ask('execute', { branch: 'A', id: 1, text: 'add 1' })
    expect(() => bench.ask('execute', { branch: 'A', id: 2, text: 'crash' })).toThrow(
      /The emulated host of run A stopped: the console broke/,
    )
    expect(bench.messages.some((m) => m.kind === 'stopped' && m.branch === 'A')).toBe(true)
    expect(() => bench.ask('execute', { branch: 'A', id: 3, text: 'value' })).toThrow(/stopped/)
    bench.plan([{ letter: 'A', commands: [{ id: 1, t: 2000, text: 'add 1' }], until: 3000 }])
    expect(bench.digest()).toBe(headless([{ id: 1, t: 2000, text: 'add 1' }], 3000))
  })

  test('a paced run – at a thousandth – keeps to the wall clock', () => {
    const bench = new Bench(0.01)
    bench.plan([{ letter: 'A' }])
    bench.ask('speed', { speed: 0.001 })
    bench.send('run', {})
    const began = bench['wall']
    while (bench['wall'] - began < 500) bench.turn()
    const { t } = bench.ask('pause', {})
    // 500 ms of wall time are 500 us of virtual time.
    expect(t / 500_000).toBeGreaterThan(0.9)
    expect(t / 500_000).toBeLessThan(1.1)
  })

  test('frames – come at most 60 times a second – and a slice never exceeds 8 ms by much', () => {
    const bench = new Bench(0.05)
    bench.plan([{ letter: 'A' }, { letter: 'B' }])
    bench.send('run', {})
    const began = bench['wall']
    let longest = 0
    while (bench['wall'] - began < 1000) {
      const before = bench['wall']
      bench.turn()
      longest = Math.max(longest, bench['wall'] - before)
    }
    expect(bench.frames().length).toBeLessThanOrEqual(63)
    expect(bench.frames().length).toBeGreaterThan(20)
    expect(longest).toBeLessThan(13)
  })

  test('a request waits – in the middle of a slice – it ends at once, and time still goes on', () => {
    const bench = new Bench(0.05)
    bench.plan([{ letter: 'A' }])
    bench.send('run', {})
    bench.turn()
    bench.called = true
    const began = { wall: bench['wall'], t: bench.ask('run', {}).t }
    let longest = 0
    for (let i = 0; i < 50; i++) {
      const before = bench['wall']
      bench.turn()
      longest = Math.max(longest, bench['wall'] - before)
    }
    expect(longest).toBeLessThan(2)
    expect(bench.ask('run', {}).t).toBeGreaterThan(began.t)
  })

  test('a slow speed – has caught up with the wall clock – the thread rests instead of looking at the clock all the time', () => {
    const bench = new Bench(0.01)
    bench.plan([{ letter: 'A' }])
    bench.ask('speed', { speed: 1e-6 })
    bench.send('run', {})
    const began = { wall: bench['wall'], looks: bench.looks }
    while (bench['wall'] - began.wall < 1000) bench.turn()
    const busy = (bench.looks - began.looks) * bench.tickMs
    expect(busy).toBeLessThan(100)
    // One microsecond of wall time is one nanosecond of virtual time: it keeps up nevertheless.
    expect(bench.ask('run', {}).t).toBeGreaterThan(900)
  })

  test('both branches – while running – are never farther apart than one round', () => {
    const bench = new Bench(0.02)
    bench.plan([{ letter: 'A' }, { letter: 'B' }])
    bench.send('run', {})
    for (let i = 0; i < 50; i++) bench.turn()
    bench.ask('pause', {})
    expect(bench.ask('digest', { branch: 'A' })).toEqual(bench.ask('digest', { branch: 'B' }))
  })

  test('snapshots – beyond their budget – are thrown away, and undo still works', () => {
    const bench = new Bench(0.05, 200)
    bench.plan([{ letter: 'A' }])
    for (let i = 1; i <= 20; i++) {
      bench.ask('until', { t: i * 1000 })
      bench.ask('execute', { branch: 'A', id: i, text: `add ${i}` })
    }
    expect(bench.ask('stats', {}).snapshotBytes).toBeLessThanOrEqual(200)
    bench.plan([{ letter: 'A', commands: [{ id: 1, t: 1000, text: 'add 1' }], until: 20_000 }])
    expect(bench.digest()).toBe(headless([{ id: 1, t: 1000, text: 'add 1' }], 20_000))
  })

  test('a ninth branch and an unknown one – are refused in words', () => {
    const bench = ready()
    for (let i = 0; i < 7; i++) bench.ask('fork', { from: 'A' })
    expect(() => bench.ask('fork', { from: 'A' })).toThrow(/eight runs already/)
    bench.ask('remove', { branch: 'C' })
    expect(() => bench.ask('complete', { branch: 'C', text: '', cursor: 0 })).toThrow('There is no run C.')
    expect(bench.ask('fork', { from: 'A' }).letter).toBe('C')
  })
})

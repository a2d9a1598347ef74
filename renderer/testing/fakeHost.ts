/** A port that answers the contract from {@link ./fakeModel}: for component tests and the developer's page, never for users. */
import type {
  Answers,
  BranchLetter,
  Comparison,
  ContractError,
  EventName,
  Events,
  ExerciseState,
  Method,
  Port,
  RequestOf,
  SessionState,
  WireMessage,
} from '../../preload/contract'
import { requests } from '../../preload/contract'
import type { FakeBranch } from './fakeModel'
import { chainState } from './chains'
import {
  advance,
  createBranch,
  execute,
  extPgs,
  fakeMetrics,
  forkBranch,
  nomapOn,
  runCommand,
  sendPathOf,
} from './fakeModel'

const letters: BranchLetter[] = ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H']
const scenario = {
  id: 'first-lab',
  title: 'First lab',
  description: 'One server, four hundred clients, files of 64 KiB to 4 MiB.',
  duration: 14e6,
}

class Refusal extends Error {
  constructor(readonly contract: ContractError) {
    super(contract.message)
  }
}

export interface FakeHost {
  port: Port
  /** Every request that arrived. */
  asked: { method: string; body: unknown }[]
  branches: FakeBranch[]
  /** Moves time on as the engine would while it runs, and sends a frame. */
  tick(ns: number): void
  /** Sends an event of any kind. */
  emit<N extends EventName>(name: N, body: Events[N]): void
  /** Breaks the connection from the host's side. */
  drop(): void
  /** The next request of this method fails with this error. */
  refuse(method: Method, error: ContractError): void
}

/** A host without a session; `session.new` makes one. */
export function createFakeHost(options: { nativeDialogs?: boolean } = {}): FakeHost {
  const asked: FakeHost['asked'] = []
  const refusals = new Map<Method, ContractError>()
  let branches: FakeBranch[] = []
  let session: Omit<SessionState, 'branches' | 'exercise'> | null = null
  let exercise: ExerciseState | null = null
  let settings: unknown = null
  let watched: BranchLetter[] = []
  let listener: (message: unknown) => void = () => {}
  let closed: () => void = () => {}

  // A copy, as every transport gives: the page never shares objects with the host.
  const send = (message: WireMessage): void => {
    const copy = structuredClone(message)
    queueMicrotask(() => listener(copy))
  }
  const emit = <N extends EventName>(name: N, body: Events[N]): void => send({ kind: 'event', name, body })

  function of(letter: BranchLetter): FakeBranch {
    const found = branches.find((b) => b.info.letter === letter)
    if (found === undefined)
      throw new Refusal({
        code: 'branch-missing',
        message: `There is no run ${letter}.`,
        remedy: 'Choose one of the list.',
      })
    return found
  }
  function state(): SessionState {
    if (session === null)
      throw new Refusal({ code: 'no-session', message: 'No session is open.', remedy: 'Start one.' })
    return { ...session, branches: branches.map((b) => ({ ...b.info })), exercise }
  }
  function changed(): SessionState {
    const next = state()
    emit('session', next)
    return next
  }
  function frame(reset: BranchLetter[] = []): void {
    emit('frame', {
      wallMs: 100,
      state: session?.state ?? 'idle',
      branches: branches.map((b) => {
        const from = reset.includes(b.info.letter) ? 0 : b.sent
        b.sent = b.times.length
        const width = fakeMetrics.length
        return {
          letter: b.info.letter,
          t: b.info.t,
          reset: reset.includes(b.info.letter),
          times: Float64Array.from(b.times.slice(from)),
          values: Float64Array.from(b.values.slice(from * width)),
        }
      }),
    })
  }
  function tick(ns: number): void {
    for (const b of branches) advance(b, ns)
    frame()
    for (const letter of watched)
      if (branches.some((b) => b.info.letter === letter)) emit('sendPath', sendPathOf(of(letter)))
  }
  function create(id: string): SessionState {
    branches = [createBranch('A', 'A')]
    session = {
      name: id,
      path: null,
      unsaved: false,
      savedAt: null,
      scenario: { ...scenario, id },
      seed: 7,
      state: 'paused',
      speed: 0.001,
      loading: false,
      commands: [],
      marks: [],
      undo: null,
      redo: null,
      notes: '',
      report: '',
      layout: null,
    }
    exercise = null
    return state()
  }
  function command(letter: BranchLetter, text: string, origin: Events['command']['origin']) {
    const result = execute(of(letter), text, origin)
    const record = { branch: letter, t: result.t, text, origin, status: result.status }
    const undo = /^(sysctl .*=|ifconfig \S+ \S)/.test(text) ? { text, branch: letter } : session!.undo
    session = { ...session!, commands: [...session!.commands, record], undo, unsaved: true }
    emit('command', result)
    emit('host', of(letter).host)
    changed()
    return result
  }
  function fakeExercise(id: string): ExerciseState {
    return {
      id,
      title: 'Ten minutes: unmapped mbufs',
      step: 0,
      points: 0,
      maxPoints: 12,
      steps: ['Look around', 'ifconfig, sysctl'].map((title, i) => ({
        id: `s${i}`,
        title,
        body: 'The host is **idle**. Ask the card what it offers.',
        commands: [{ text: 'ifconfig cc0', branch: 'A' as const, doneAt: null }],
        actions: [],
        predictions: [],
        questions: [],
        checks: [
          {
            id: `c${i}`,
            title: 'ifconfig was used',
            level: 'required' as const,
            state: 'not-yet' as const,
            text: 'Run ifconfig cc0.',
            evidence: '',
            progress: null,
          },
        ],
        hints: ['Tab completes.'],
      })),
    }
  }
  function compare(list: BranchLetter[]): Comparison {
    const runs = list.map((l) => of(l))
    return {
      runs: runs.map((b) => ({ letter: b.info.letter, name: b.info.name, baseline: b.info.baseline })),
      comparable: true,
      facts: ['revision', 'seed', 'load'].map((name) => ({ name, equal: true, text: `same ${name}` })),
      knobs: [
        { name: 'kern.ipc.mb_use_ext_pgs', values: runs.map((b) => (extPgs(b) ? '1' : '0')), testedIn: 'vn_sendfile' },
      ],
      equalKnobs: [{ name: 'cc0.nomap', value: nomapOn(runs[0]) ? 'on' : 'off' }],
      metrics: [],
      window: { from: 0, to: runs[0].info.t },
    }
  }

  const handlers: { [M in Method]: (body: RequestOf<M>) => Answers[M] } = {
    'app.info': () => ({
      contractVersion: 1,
      version: '0.1.0',
      revision: '13.0-CURRENT r349532',
      shell: 'test',
      platform: 'test',
      runtime: 'test',
      nativeDialogs: options.nativeDialogs ?? false,
    }),
    'scenario.list': () => [
      scenario,
      { id: 'large-sends', title: 'Large sends', description: 'Send buffers of 1 MiB.', duration: 20e6 },
    ],
    'exercise.list': () => [
      {
        id: 'ten-minutes',
        title: 'Ten minutes: what do unmapped mbufs change?',
        minutes: 10,
        difficulty: 'first steps',
        theme: 'Unmapped mbufs',
        summary: 'Predict, change one knob on a copy, compare.',
      },
    ],
    'metrics.list': () => fakeMetrics,
    'settings.read': () => settings,
    'settings.write': (body) => {
      settings = body.settings
      return null
    },
    'session.new': (body) => {
      create(body.scenario)
      if (body.exercise !== undefined) exercise = fakeExercise(body.exercise)
      return changed()
    },
    'session.open': (body) => {
      create((body.path ?? 'opened').replace(/^.*\//, '').replace(/\.nomaplab$/, ''))
      session = { ...session!, path: body.path ?? '/home/user/opened.nomaplab', savedAt: 0 }
      return state()
    },
    'session.save': (body) => {
      const path = body.path ?? session?.path ?? '/home/user/saved.nomaplab'
      session = { ...session!, path, savedAt: Date.now(), unsaved: false }
      changed()
      return { path, savedAt: session.savedAt! }
    },
    'session.state': () => (session === null ? null : state()),
    'session.rename': (body) => {
      session = { ...session!, name: body.name, unsaved: true }
      return changed()
    },
    'session.recent': () => [
      { path: '/home/user/lab-friday.nomaplab', name: 'lab-friday', openedAt: Date.now() - 86_400_000, missing: false },
    ],
    'session.forgetRecent': () => [],
    'session.recoverable': () => [],
    'session.recover': () => null,
    'session.texts': (body) => {
      session = { ...session!, ...body, unsaved: true }
      return null
    },
    'session.layout': (body) => {
      session = { ...session!, layout: body.layout }
      return null
    },
    'files.list': (body) => ({
      path: body.path ?? '/home/user',
      parent: (body.path ?? '/home/user') === '/' ? null : '/home',
      entries: [
        { name: 'www', folder: true, size: 0, changedAt: 0 },
        { name: 'lab-friday.nomaplab', folder: false, size: 48_211, changedAt: Date.now() - 86_400_000 },
      ],
    }),
    'run.control': (body) => {
      const running = body.action === 'run'
      session = { ...session!, state: running ? 'running' : 'paused' }
      if (body.action === 'step') tick(10_000)
      if (body.action === 'back') for (const b of branches) b.info.t = Math.max(0, b.info.t - 10_000)
      frame()
      changed()
      return { t: branches[0].info.t, state: session.state }
    },
    'run.until': (body) => {
      tick(Math.max(0, body.t - branches[0].info.t))
      return { t: branches[0].info.t, state: 'paused' }
    },
    'run.speed': (body) => {
      session = { ...session!, speed: body.speed }
      changed()
      return null
    },
    'run.load': (body) => {
      session = { ...session!, loading: body.on }
      return command(body.branch ?? 'A', `lab load ${body.on ? 'start' : 'stop'}`, 'menu')
    },
    'run.undo': () => {
      const last = session?.undo ?? null
      if (last !== null) {
        const inverse = last.text.startsWith('sysctl')
          ? `sysctl ${last.text.slice(7).split('=')[0]}=0`
          : last.text.replace(/ (-?)(\w+)$/, (_, minus: string, word: string) => ` ${minus === '' ? '-' : ''}${word}`)
        runCommand(of(last.branch), inverse)
        emit('host', of(last.branch).host)
      }
      session = { ...session!, undo: null, redo: last, commands: session!.commands.slice(0, -1) }
      return changed()
    },
    'run.redo': () => {
      const last = session!.redo
      if (last !== null) command(last.branch, last.text, 'menu')
      session = { ...session!, redo: null }
      return changed()
    },
    'run.mark': (body) => {
      session = {
        ...session!,
        marks: [...session!.marks, { branch: body.branch, t: of(body.branch).info.t, text: body.text }],
      }
      return changed()
    },
    'branch.fork': (body) => {
      const letter = letters.find((l) => !branches.some((b) => b.info.letter === l))
      if (letter === undefined)
        throw new Refusal({ code: 'too-many-runs', message: 'Eight runs exist.', remedy: 'Delete one first.' })
      const made = forkBranch(of(body.from), letter, body.name ?? letter)
      branches.push(made)
      emit('host', made.host)
      if (body.command !== undefined) command(letter, body.command, 'console')
      changed()
      return { ...made.info }
    },
    'branch.delete': (body) => {
      branches = branches.filter((b) => b.info.letter !== body.letter)
      return changed()
    },
    'branch.rename': (body) => {
      of(body.letter).info.name = body.name
      return changed()
    },
    'branch.baseline': (body) => {
      for (const b of branches) b.info.baseline = b.info.letter === body.letter
      return changed()
    },
    'console.execute': (body) => command(body.branch, body.text, body.origin),
    'console.complete': (body) => {
      const from = body.text.lastIndexOf(' ', body.cursor - 1) + 1
      const word = body.text.slice(from, body.cursor)
      const pool = ['ifconfig', 'sysctl', 'netstat', 'lab', ...of(body.branch).host.knobs.map((k) => k.name)]
      return {
        from,
        to: body.cursor,
        choices: pool.filter((p) => p.startsWith(word)).map((text) => ({ text, hint: '' })),
      }
    },
    'console.interrupt': () => null,
    'host.state': (body) => of(body.branch).host,
    sendPath: (body) => sendPathOf(of(body.branch)),
    chains: (body) => chainState(of(body.branch).info.letter, body),
    series: (body) => {
      const b = of(body.branch)
      return {
        branch: body.branch,
        names: fakeMetrics.map((m) => m.name),
        times: Float64Array.from(b.times),
        values: Float64Array.from(b.values),
      }
    },
    watch: (body) => {
      watched = body.sendPath
      return null
    },
    compare: (body) => compare(body.branches),
    'compare.report': () => ({ name: 'report.md', text: '' }),
    'exercise.start': (body) => {
      exercise = fakeExercise(body.id)
      return changed()
    },
    'exercise.step': (body) => (exercise = { ...exercise!, step: body.step }),
    'exercise.predict': () => exercise!,
    'exercise.answer': () => exercise!,
    'exercise.close': () => {
      exercise = null
      return changed()
    },
  }

  function answer(message: WireMessage): void {
    if (message.kind !== 'request') return
    const { id, method, body } = message
    asked.push({ method, body })
    try {
      const refused = refusals.get(method as Method)
      if (refused !== undefined) {
        refusals.delete(method as Method)
        throw new Refusal(refused)
      }
      const parsed = requests[method as Method].parse(body)
      send({ kind: 'answer', id, body: handlers[method as Method](parsed as never) })
    } catch (error) {
      const contract =
        error instanceof Refusal
          ? error.contract
          : { code: 'bad-request', message: String(error), remedy: 'This is a mistake of the program.' }
      send({ kind: 'failure', id, error: contract })
    }
  }

  return {
    port: {
      post: answer,
      onMessage: (l) => (listener = l),
      onClose: (l) => (closed = l),
      close: () => {},
    },
    asked,
    get branches() {
      return branches
    },
    tick,
    emit,
    drop: () => closed(),
    refuse: (method, error) => refusals.set(method, error),
  }
}

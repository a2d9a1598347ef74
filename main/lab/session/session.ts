/**
 * An open session: the model (what was done), the engine (what came of it), and the journal (so that neither is lost). Everything a user does
 * comes through here, becomes one operation of the model, is in the journal before it is answered, and can be computed again from it.
 */
import type {
  BranchInfo,
  BranchLetter,
  CommandOrigin,
  Comparison,
  Completion,
  ConsoleResult,
  ContractError,
  EngineFrame,
  EventName,
  Events,
  ExerciseState,
  HostState,
  RunState,
  ChainState,
  SendPath,
  SessionState,
} from '../../../preload/contract'
import {
  counterNames,
  EngineClient,
  letters as allLetters,
  type HostView,
  type Notice,
  type Requests,
  type SettingsView,
} from '../../engine'
import type { Journal } from '../document/journal'
import type { SeriesCache } from '../document/write'
import { CounterRows, seriesOf } from '../counters'
import { newPrediction, startProgress, withAnswer, withStep } from '../exercise/record'
import type { Exercise } from '../exercise/schema'
import { exerciseState } from '../exercise/state'
import type { World } from '../exercise/world'
import type { LoadedFiles } from '../files'
import { seriesMetrics, type HostFacts } from '../metrics'
import { LabProblem } from '../problem'
import { hostFacts } from '../run'
import { scenarioToConfig } from '../scenario/config'
import { compareBranches, type ComparedBranch } from './compareBranches'
import { commandsOf, forkOf, lastChange, lettersOf, nameOf, planOf } from './log'
import { apply, nextId, type ExerciseProgress, type Operation, type SessionModel } from './model'

/** Bytes for snapshots of all runs in the worker. */
const snapshotBudget = 192 << 20
/** Samples sent at once when a chart is filled anew. */
const mostSamplesAtOnce = 8192
/** How often the time reached is written to the journal while it runs, ms. */
const reachedEveryMs = 10_000
/** Between two announcements of the state: a command makes two, when it begins and when it has ended, ms. */
const announceEveryMs = 40
/** How long after a command that changed no setting the host is read again, ms. */
const refreshAfterMs = 250
/** How often an exercise is judged while it runs, ms. */
const judgeEveryMs = 250

export interface SessionParts {
  workerUrl: URL
  files: LoadedFiles
  /** Samples that came with a document; used if they fit this version. */
  series: { names: string[]; branches: SeriesCache[] } | null
  exercise: Exercise | null
  emit<E extends EventName>(name: E, body: Events[E]): void
  log(line: string): void
}

interface Live {
  /** Number of the fork that made it; tells it from others that had its letter. 0 for the first run. */
  birth: number
  rows: CounterRows
  t: number
  loading: boolean
  /** Its machine threw; null while it lives. */
  stopped: string | null
  host: HostView | null
  settings: SettingsView | null
  /** Interfaces and settings as the window has them. */
  hostShown: string
  refreshing: NodeJS.Timeout | null
}

export class Session {
  private readonly engine: EngineClient
  private readonly live = new Map<BranchLetter, Live>()
  /** Samples of runs that were taken away, in case Redo or Undo brings them back. */
  private readonly attic = new Map<string, CounterRows>()
  private runState: RunState = 'paused'
  private readonly origins = new Map<number, CommandOrigin>()
  /** Commands under way that are on their way to the disk. */
  private readonly kept = new Map<number, Promise<void>>()
  /** Commands whose output the window has. */
  private readonly shown = new Set<number>()
  private lastId: number
  private announcing: NodeJS.Timeout | null = null
  private announcedAt = 0
  private judgeAt = 0
  private judging: ReturnType<typeof setTimeout> | null = null
  private reachedAt = Date.now()
  private journalled: Promise<void> = Promise.resolve()
  private readonly host: HostFacts
  private everRan = false
  private readonly ready: Promise<void>
  private exercise: Exercise | null
  private exerciseShown: ExerciseState | null = null
  journal: Journal | null = null

  constructor(
    private current: SessionModel,
    private readonly parts: SessionParts,
  ) {
    const { scenario } = current
    this.host = hostFacts(scenario)
    this.lastId = nextId(current) - 1
    this.exercise = parts.exercise
    this.engine = new EngineClient({
      workerUrl: parts.workerUrl,
      start: {
        config: scenarioToConfig(scenario, parts.files, { loadByCommand: true }),
        disk: parts.files.disk.bytes,
        sampleEvery: scenario.sample,
        snapshotBudget,
      },
      plan: () => this.plan(),
      notice: (notice) => this.take(notice),
      lost: (problem) => {
        this.parts.emit('problem', problem)
        this.announce()
      },
      log: (line) => parts.log(line),
    })
    this.ready = this.begin()
    this.ready.catch((error: unknown) => this.report(error))
  }

  get model(): SessionModel {
    return this.current
  }
  get files(): LoadedFiles {
    return this.parts.files
  }

  // ---------------------------------------------------------------------------------------------------------------- start

  /** Runs and their stored samples are there at once; the machines follow. */
  private prepare(): void {
    const { series } = this.parts
    const fits = series !== null && series.names.join() === counterNames.join()
    for (const letter of lettersOf(this.current.log)) {
      const rows = new CounterRows(counterNames)
      const cached = fits ? series.branches.find((branch) => branch.letter === letter) : undefined
      if (cached !== undefined) rows.append(cached.times, cached.values)
      const live = this.fresh(letter, rows)
      live.t = this.current.reached[letter] ?? 0
      this.live.set(letter, live)
    }
    this.everRan = Object.values(this.current.reached).some((t) => t > 0)
    if (this.everRan) this.runState = 'catching-up'
  }

  private async begin(): Promise<void> {
    this.prepare()
    if (this.current.speed > 0)
      this.engine.request('speed', { speed: this.current.speed }).catch((error: unknown) => this.report(error))
    // Sent before anything else can be asked: whatever comes next finds the runs, or waits for them.
    await this.engine.request('plan', this.plan())
    this.completeRows()
    await this.refreshAll()
    const refused = (await this.engine.request('inspect', {
      branch: this.first(),
      what: 'refused',
      argument: null,
    })) as string[]
    for (const knob of refused)
      this.parts.emit('problem', {
        level: 'warn',
        code: 'knob-value',
        message: `The host did not accept ${knob} at boot.`,
        remedy: 'Correct it in the scenario.',
      })
    this.announce()
  }

  private fresh(letter: BranchLetter, rows: CounterRows, birth = forkOf(this.current.log, letter)?.id ?? 0): Live {
    return {
      birth,
      rows,
      t: 0,
      loading: false,
      stopped: null,
      host: null,
      settings: null,
      hostShown: '',
      refreshing: null,
    }
  }

  /** A copy begins where it parted from its parent; what came before is the parent's. */
  private completeRows(): void {
    for (const [letter, live] of this.live) {
      const fork = forkOf(this.current.log, letter)
      const parent = fork === undefined ? undefined : this.rowsOf(fork.from)
      const first = live.rows.length === 0 ? (fork?.t ?? 0) : live.rows.times[0]
      if (parent === undefined || first === 0) continue
      const rows = parent.copyUntil(first)
      rows.append(live.rows.times, live.rows.values)
      live.rows = rows
      this.sendWhole(letter)
    }
  }

  /** Resolves when the machine has caught up with the log for the first time. */
  whenReady(): Promise<void> {
    return this.ready
  }

  private plan(): Requests['plan'] {
    const running = this.runState === 'running'
    return {
      branches: lettersOf(this.current.log).map((letter) => ({
        letter,
        commands: planOf(this.current.log, letter),
        until: Math.max(this.current.reached[letter] ?? 0, this.live.get(letter)?.t ?? 0),
        sampled: this.rowsOf(letter)?.end ?? -1,
      })),
      state: running ? 'running' : this.everRan ? 'paused' : 'idle',
    }
  }

  private first(): BranchLetter {
    return lettersOf(this.current.log)[0]
  }

  // ----------------------------------------------------------------------------------------------------------- operations

  /** Does an operation: in the model now, on the disk when the promise resolves. */
  commit(op: Operation): Promise<void> {
    this.current = apply(this.current, op)
    if (this.journal !== null) this.journalled = this.journal.append(op)
    this.announce()
    return this.journalled
  }

  /** Sends the state to the window, once for everything that happens in one turn or shortly after the last time. */
  announce(): void {
    if (this.announcing !== null) return
    const wait = this.announcedAt + announceEveryMs - Date.now()
    this.announcing = setTimeout(
      () => {
        this.announcing = null
        this.announcedAt = Date.now()
        this.judgeSoon()
        this.parts.emit('session', this.state())
      },
      Math.max(0, wait),
    )
  }

  private report(error: unknown): void {
    const { code, message, remedy } = error as Partial<ContractError>
    if (code === undefined || code === 'closed') {
      if (code === undefined) this.parts.log(error instanceof Error ? (error.stack ?? error.message) : String(error))
      return
    }
    this.parts.emit('problem', { level: 'error', code, message: message ?? '', remedy: remedy ?? '' })
  }

  // -------------------------------------------------------------------------------------------------------------- notices

  private take(notice: Notice): void {
    switch (notice.kind) {
      case 'frame':
        return this.takeFrame(notice)
      case 'began': {
        const { branch, id, t, text, interrupt } = notice
        const origin = this.origins.get(id) ?? 'console'
        const kept = this.commit({
          op: 'entry',
          entry: {
            kind: 'command',
            id,
            branch,
            t,
            text,
            origin,
            status: null,
            changed: false,
            ...(interrupt && { interrupt }),
          },
        })
        this.kept.set(id, kept)
        return
      }
      case 'executed': {
        const { branch, result } = notice
        const { id, replay, status, changed } = result
        if (!replay) void this.commit({ op: 'status', id, status, changed })
        // On the disk before it is seen: mostly it is there already.
        const kept = this.kept.get(id)
        if (kept === undefined) this.show(branch, id, result)
        else void kept.then(() => this.show(branch, id, result))
        if (!replay) {
          if (changed) void this.refresh(branch)
          else this.refreshLater(branch)
        }
        return
      }
      case 'forked': {
        const { from, letter, t, name, by, inherited } = notice
        const id = ++this.lastId
        this.live.set(letter, this.fresh(letter, this.rowsOf(from)?.copyUntil(t) ?? new CounterRows(counterNames), id))
        void this.commit({
          op: 'entry',
          entry: { kind: 'fork', id, branch: letter, from, t, inherited, ...(by > 0 && { by }) },
        })
        if (name !== '') void this.commit({ op: 'branchName', branch: letter, name })
        void this.refresh(letter)
        this.sendWhole(letter)
        return
      }
      case 'marked':
        void this.commit({
          op: 'entry',
          entry: { kind: 'mark', id: ++this.lastId, branch: notice.branch, t: notice.t, text: notice.text },
        })
        return
      case 'speed':
        void this.commit({ op: 'speed', speed: notice.speed })
        return
      case 'stopped': {
        const live = this.live.get(notice.branch)
        if (live !== undefined) live.stopped = notice.message
        this.parts.log(notice.stack)
        this.parts.emit('problem', {
          level: 'error',
          code: 'machine-stopped',
          message: `The emulated host of run ${notice.branch} stopped at ${(notice.t / 1e6).toFixed(3)} ms: ${notice.message}`,
          remedy: 'Undo the last command, or go back in time; other runs go on.',
        })
        this.announce()
        return
      }
      case 'inspected':
        this.parts.emit('sendPath', { ...(notice.body as Omit<SendPath, 'branch'>), branch: notice.branch })
    }
  }

  /** A command's output goes to the window once: when it was given, or when a document or journal was opened. */
  private show(branch: BranchLetter, id: number, result: ConsoleResultParts): void {
    const entry = this.current.log.find((candidate) => candidate.id === id)
    if (entry?.kind !== 'command' || entry.interrupt === true || this.shown.has(id) || entry.branch !== branch) return
    this.shown.add(id)
    const { t, tEnd, text, output, status } = result
    this.parts.emit('command', { branch, t, tEnd, text, output, status, origin: entry.origin })
  }

  private takeFrame(notice: Extract<Notice, { kind: 'frame' }>): void {
    const before = this.runState
    this.runState = notice.state
    if (notice.state === 'running') this.everRan = true
    const branches: EngineFrame['branches'] = []
    for (const part of notice.branches) {
      const live = this.live.get(part.letter)
      if (live === undefined) continue
      if (part.keepUntil !== null) live.rows.truncate(part.keepUntil)
      const from = live.rows.length
      live.rows.append(part.times, part.values)
      const loading = live.loading
      live.t = part.t
      live.loading = part.loading
      if (loading !== part.loading) this.announce()
      // Thinning may have shortened the rows: then the window fills its charts anew as well.
      const reset = part.keepUntil !== null || live.rows.length < from
      const samples = reset
        ? seriesOf(live.rows, seriesMetrics, this.host, 0, mostSamplesAtOnce)
        : seriesOf(live.rows, seriesMetrics, this.host, from)
      branches.push({ letter: part.letter, t: part.t, ...samples, reset })
    }
    this.parts.emit('frame', { wallMs: notice.wallMs, state: notice.state, branches })
    if (before !== notice.state) {
      if (notice.state !== 'running') this.noteReached()
      this.announce()
    } else if (notice.state === 'running' && Date.now() - this.reachedAt > reachedEveryMs) this.noteReached()
    if (notice.state === 'running' || notice.state === 'catching-up') this.judgeSoon()
  }

  private sendWhole(letter: BranchLetter): void {
    const live = this.live.get(letter)
    if (live === undefined) return
    const samples = seriesOf(live.rows, seriesMetrics, this.host, 0, mostSamplesAtOnce)
    this.parts.emit('frame', {
      wallMs: 0,
      state: this.runState,
      branches: [{ letter, t: live.t, ...samples, reset: true }],
    })
  }

  /** Writes down how far every run has come. */
  noteReached(): void {
    this.reachedAt = Date.now()
    // While catching up, the times reached are those of the past.
    if (this.runState === 'catching-up') return
    const reached: { [letter: string]: number } = {}
    for (const [letter, { t }] of this.live) reached[letter] = t
    void this.commit({ op: 'reached', reached })
  }

  private rowsOf(letter: BranchLetter): CounterRows | undefined {
    return this.live.get(letter)?.rows
  }

  // ---------------------------------------------------------------------------------------------------------------- reads

  /** Reads a host anew. With `idle` it is news only if a setting or an interface differs, not for a counter among the sysctls. */
  private async refresh(letter: BranchLetter, idle = false): Promise<void> {
    try {
      const host = (await this.engine.request('inspect', { branch: letter, what: 'host', argument: null })) as HostView
      const settings = (await this.engine.request('inspect', {
        branch: letter,
        what: 'settings',
        argument: null,
      })) as SettingsView
      const live = this.live.get(letter)
      if (live === undefined) return
      live.host = host
      live.settings = settings
      live.t = Math.max(live.t, host.t)
      const text = JSON.stringify([host.interfaces, host.knobs.filter(({ access }) => access !== 'rd')])
      if (idle && text === live.hostShown) return
      this.parts.emit('host', { ...host, branch: letter })
      live.hostShown = text
      this.announce()
    } catch (error) {
      this.report(error)
    }
  }

  /** After a command that changed no setting: there is hardly ever anything new, so it waits until the answer is drawn. */
  private refreshLater(letter: BranchLetter): void {
    const live = this.live.get(letter)
    if (live === undefined || live.refreshing !== null) return
    live.refreshing = setTimeout(() => {
      live.refreshing = null
      if (this.live.get(letter) === live) void this.refresh(letter, true)
    }, refreshAfterMs)
  }

  private async refreshAll(): Promise<void> {
    await Promise.all([...this.live.keys()].map((letter) => this.refresh(letter)))
  }

  private need(letter: BranchLetter): Live {
    const live = this.live.get(letter)
    if (live === undefined)
      throw new LabProblem('branch-unknown', `There is no run ${letter}.`, 'Choose one of the runs in the list.')
    return live
  }

  async hostState(letter: BranchLetter): Promise<HostState> {
    this.need(letter)
    const host = (await this.engine.request('inspect', { branch: letter, what: 'host', argument: null })) as HostView
    return { ...host, branch: letter }
  }

  async sendPath(letter: BranchLetter, connection: number | undefined): Promise<SendPath> {
    this.need(letter)
    const argument = connection ?? null
    const body = (await this.engine.request('inspect', { branch: letter, what: 'sendPath', argument })) as Omit<
      SendPath,
      'branch'
    >
    return { ...body, branch: letter }
  }

  /** Chains of a run's host: the list, and the chain and byte that are looked at. */
  async chains(letter: BranchLetter, chain: string | undefined, byte: number | undefined): Promise<ChainState> {
    this.need(letter)
    const argument = { chain: chain ?? null, byte: byte ?? 0 }
    const body = (await this.engine.request('inspect', { branch: letter, what: 'chains', argument })) as Omit<
      ChainState,
      'branch'
    >
    return { ...body, branch: letter }
  }

  async watch(branches: BranchLetter[], connection: number | undefined): Promise<null> {
    await this.engine.request('watch', { branches, connection: connection ?? null })
    return null
  }

  series(
    letter: BranchLetter,
    from = 0,
  ): { branch: BranchLetter; names: string[]; times: Float64Array; values: Float64Array } {
    const { rows } = this.need(letter)
    const samples = seriesOf(rows, seriesMetrics, this.host, rows.rowAt(from) + (from > 0 ? 1 : 0), mostSamplesAtOnce)
    return { branch: letter, names: seriesMetrics.map(({ name }) => name), ...samples }
  }

  complete(letter: BranchLetter, text: string, cursor: number): Promise<Completion> {
    return this.engine.request('complete', { branch: letter, text, cursor })
  }

  compare(branches: BranchLetter[], align: 'fork' | 'start' = 'fork', per?: 'second' | 'request' | 'gib'): Comparison {
    const compared = branches.map((letter): ComparedBranch => {
      const { rows, t, host, settings } = this.need(letter)
      return { letter, name: this.current.names[letter] ?? '', rows, t, host, settings }
    })
    return compareBranches(this.current, compared, this.host, align, per)
  }

  /** Samples of every run, for a document: thinned out, so that a long session is saved as quickly as a short one. */
  seriesCache(): { names: readonly string[]; branches: SeriesCache[] } {
    const branches = [...this.live].map(([letter, { rows }]) => ({ letter, ...rows.thinned(mostSamplesAtOnce) }))
    return { names: counterNames, branches }
  }

  digest(letter: BranchLetter): Promise<{ digest: string; eventCount: number; t: number }> {
    return this.engine.request('digest', { branch: letter })
  }

  // -------------------------------------------------------------------------------------------------------------- actions

  /** Runs a console line. Resolves when it has ended, and what it did is in the journal. */
  async execute(letter: BranchLetter, text: string, origin: CommandOrigin): Promise<ConsoleResult> {
    this.need(letter)
    const id = ++this.lastId
    this.origins.set(id, origin)
    const { branch, t, tEnd, output, status } = await this.engine.request('execute', { branch: letter, id, text })
    // The command must be on the disk, its status need not: executing it again gives the same.
    await this.kept.get(id)
    this.kept.delete(id)
    return { branch, t, tEnd, text, output, status }
  }

  async interrupt(letter: BranchLetter): Promise<null> {
    this.need(letter)
    const id = ++this.lastId
    await this.engine.request('interrupt', { branch: letter, id })
    this.kept.delete(id)
    return null
  }

  async control(action: 'run' | 'pause' | 'step' | 'back', count = 1): Promise<{ t: number; state: RunState }> {
    const position =
      action === 'run' || action === 'pause'
        ? await this.engine.request(action, {})
        : await this.engine.request('step', { count: action === 'step' ? count : -count })
    this.everRan = true
    this.runState = position.state
    if (action !== 'run') await this.refreshAll()
    this.use(action)
    this.announce()
    return position
  }

  async until(t: number): Promise<{ t: number; state: RunState }> {
    this.everRan = true
    const position = await this.engine.request('until', { t })
    this.runState = position.state
    await this.refreshAll()
    return position
  }

  async speed(speed: number): Promise<null> {
    await this.engine.request('speed', { speed })
    await this.commit({ op: 'speed', speed })
    return null
  }

  /** Starts or stops the load, on one run or on all of them. The first start sets the clock going: a load is to be seen. */
  async load(on: boolean, letter: BranchLetter | undefined): Promise<ConsoleResult> {
    const targets = letter === undefined ? lettersOf(this.current.log) : [letter]
    const results = await Promise.all(
      targets.map((target) => this.execute(target, `lab load ${on ? 'start' : 'stop'}`, 'menu')),
    )
    if (on && !this.everRan) await this.control('run')
    return results[0]
  }

  async undo(): Promise<SessionState> {
    const gone = lastChange(this.current.log)
    if (gone.length === 0) throw new LabProblem('nothing-to-undo', 'There is nothing to undo.', 'Give a command first.')
    this.use('undo')
    return this.changeHistory({ op: 'undo' })
  }

  async redo(): Promise<SessionState> {
    if (this.current.undone.length === 0)
      throw new LabProblem('nothing-to-redo', 'There is nothing to redo.', 'Redo brings back what Undo took away.')
    return this.changeHistory({ op: 'redo' })
  }

  /** Undo and Redo: the log changes, then the machines are made to fit it. Rows follow through frames. */
  private async changeHistory(op: { op: 'undo' } | { op: 'redo' }): Promise<SessionState> {
    this.noteReached()
    const running = this.runState === 'running'
    if (running) await this.engine.request('pause', {})
    this.noteReached()
    await this.commit(op)
    this.fitLetters()
    if (running) this.runState = 'running'
    await this.engine.request('plan', this.plan())
    await this.refreshAll()
    return this.state()
  }

  /** Runs that the log no longer makes leave; those that it makes again come back with their samples. */
  private fitLetters(): void {
    const alive = lettersOf(this.current.log)
    const birthOf = (letter: BranchLetter): number => forkOf(this.current.log, letter)?.id ?? 0
    for (const [letter, live] of [...this.live]) {
      if (alive.includes(letter) && live.birth === birthOf(letter)) continue
      this.attic.set(`${letter}${live.birth}`, live.rows)
      this.live.delete(letter)
    }
    for (const letter of alive) {
      if (this.live.has(letter)) continue
      const fork = forkOf(this.current.log, letter)
      const kept = this.attic.get(`${letter}${birthOf(letter)}`)
      const rows = kept ?? (fork === undefined ? undefined : this.rowsOf(fork.from)?.copyUntil(fork.t))
      const live = this.fresh(letter, rows ?? new CounterRows(counterNames))
      live.t = this.current.reached[letter] ?? fork?.t ?? 0
      this.live.set(letter, live)
      this.sendWhole(letter)
    }
  }

  async mark(letter: BranchLetter, text: string): Promise<SessionState> {
    const { t } = this.need(letter)
    await this.commit({ op: 'entry', entry: { kind: 'mark', id: ++this.lastId, branch: letter, t, text } })
    return this.state()
  }

  async fork(
    from: BranchLetter,
    t: number | undefined,
    name: string | undefined,
    command: string | undefined,
  ): Promise<BranchInfo> {
    const source = this.need(from)
    let letter: BranchLetter
    if (t === undefined || t === source.t) letter = (await this.engine.request('fork', { from })).letter
    else letter = await this.forkAt(from, t)
    if (name !== undefined && name !== '') await this.commit({ op: 'branchName', branch: letter, name })
    if (command !== undefined && command.trim() !== '') await this.execute(letter, command, 'console')
    await this.journalled
    await this.refresh(letter)
    return this.branchInfo(letter)
  }

  /** A copy from another instant than the present one, by executing the history again up to there. */
  private async forkAt(from: BranchLetter, t: number): Promise<BranchLetter> {
    const { rows, t: now } = this.need(from)
    if (t > now)
      throw new LabProblem('bad-request', `Run ${from} has not come to ${t} ns yet.`, 'Choose an earlier instant.')
    const taken = lettersOf(this.current.log)
    const letter = allLetters.find((candidate) => !taken.includes(candidate))
    if (letter === undefined)
      throw new LabProblem('too-many-runs', 'There are eight runs already.', 'Delete a run that you no longer need.')
    const inherited = commandsOf(this.current.log, from)
      .filter((command) => command.t <= t)
      .map(({ id }) => id)
    const id = ++this.lastId
    this.live.set(letter, { ...this.fresh(letter, rows.copyUntil(t), id), t })
    await this.commit({ op: 'entry', entry: { kind: 'fork', id, branch: letter, from, t, inherited } })
    this.sendWhole(letter)
    const running = this.runState === 'running'
    if (running) await this.engine.request('pause', {})
    if (running) this.runState = 'running'
    await this.engine.request('plan', this.plan())
    return letter
  }

  async remove(letter: BranchLetter): Promise<SessionState> {
    const { t, rows, birth } = this.need(letter)
    if (this.live.size === 1)
      throw new LabProblem('last-run', `Run ${letter} is the only one.`, 'Fork it first, or start a new session.')
    await this.engine.request('remove', { branch: letter })
    this.attic.set(`${letter}${birth}`, rows)
    this.live.delete(letter)
    await this.commit({ op: 'entry', entry: { kind: 'delete', id: ++this.lastId, branch: letter, t } })
    return this.state()
  }

  // ------------------------------------------------------------------------------------------------------------- exercise

  private world(progress: ExerciseProgress): World {
    return {
      log: this.current.log,
      letters: [...this.live.keys()].sort(),
      t: (letter) => this.live.get(letter)?.t ?? 0,
      rows: (letter) => this.rowsOf(letter),
      settings: (letter) => this.live.get(letter)?.settings?.now,
      loading: (letter) => this.live.get(letter)?.loading ?? false,
      predictions: this.current.predictions.filter((entry) => entry.exercise === progress.id),
      answers: progress.answers,
      used: progress.used,
      passed: progress.passed,
      notes: this.current.notes,
      report: this.current.report,
      host: this.host,
    }
  }

  /** Judges the exercise now; null if none is open. */
  judge(): ExerciseState | null {
    const progress = this.current.exercise
    if (this.exercise === null || progress === null) return (this.exerciseShown = null)
    const { state, fresh, final } = exerciseState(this.exercise, progress.step, this.world(progress))
    for (const { id, result } of final) void this.commit({ op: 'predicted', exercise: progress.id, id, result })
    if (Object.keys(fresh).length > 0)
      void this.commit({ op: 'exercise', exercise: { ...progress, passed: { ...progress.passed, ...fresh } } })
    this.exerciseShown = state
    return state
  }

  private judgeSoon(): void {
    if (this.exercise === null || this.judging !== null) return
    const wait = Math.max(0, this.judgeAt + judgeEveryMs - Date.now())
    this.judging = setTimeout(() => {
      this.judging = null
      this.judgeAt = Date.now()
      const before = JSON.stringify(this.exerciseShown)
      const state = this.judge()
      if (state !== null && JSON.stringify(state) !== before) this.parts.emit('exercise', state)
    }, wait)
  }

  /** Something was done that leaves no trace in the log. */
  use(what: string): void {
    const progress = this.current.exercise
    if (progress === null || progress.used.includes(what)) return
    void this.commit({ op: 'exercise', exercise: { ...progress, used: [...progress.used, what] } })
  }

  async startExercise(exercise: Exercise): Promise<void> {
    this.exercise = exercise
    await this.commit({ op: 'exercise', exercise: startProgress(exercise) })
    this.judge()
  }

  private open(): { exercise: Exercise; progress: ExerciseProgress } {
    const { exercise } = this
    const progress = this.current.exercise
    if (exercise === null || progress === null)
      throw new LabProblem('no-exercise', 'No exercise is open.', 'Start one from the list.')
    return { exercise, progress }
  }

  async exerciseStep(step: number): Promise<ExerciseState> {
    const { exercise, progress } = this.open()
    await this.commit({ op: 'exercise', exercise: withStep(exercise, progress, step) })
    return this.judge()!
  }

  async predict(id: string, value: string): Promise<ExerciseState> {
    const { exercise } = this.open()
    const prediction = newPrediction(exercise, this.current.predictions, id, value, {
      t: Math.max(0, ...[...this.live.values()].map((live) => live.t)),
      after: this.lastId,
      at: new Date().toISOString(),
    })
    await this.commit({ op: 'predict', prediction })
    return this.judge()!
  }

  async answer(id: string, value: string): Promise<ExerciseState> {
    const { exercise, progress } = this.open()
    await this.commit({ op: 'exercise', exercise: withAnswer(exercise, progress, id, value) })
    return this.judge()!
  }

  async closeExercise(): Promise<SessionState> {
    this.exercise = null
    this.exerciseShown = null
    await this.commit({ op: 'exercise', exercise: null })
    return this.state()
  }

  // ---------------------------------------------------------------------------------------------------------------- state

  branchInfo(letter: BranchLetter): BranchInfo {
    const live = this.live.get(letter)
    const fork = forkOf(this.current.log, letter)
    const name = this.current.names[letter] ?? ''
    return {
      letter,
      name: name === '' ? letter : name,
      parent: fork === undefined ? null : { letter: fork.from, t: fork.t },
      baseline: letter === this.current.baseline,
      t: live?.t ?? 0,
      changed: live?.settings?.changed ?? [],
      live: live !== undefined && live.stopped === null && this.runState !== 'catching-up',
    }
  }

  state(): SessionState {
    const { current } = this
    const { scenario } = current
    const commands: SessionState['commands'] = []
    const marks: SessionState['marks'] = []
    for (const entry of current.log) {
      if (entry.kind === 'command' && entry.interrupt !== true) {
        const { branch, t, text, origin, status } = entry
        commands.push({ branch, t, text, origin, status })
      } else if (entry.kind === 'mark') marks.push({ branch: entry.branch, t: entry.t, text: entry.text })
    }
    return {
      name: current.name,
      path: current.path,
      unsaved: current.unsaved,
      savedAt: current.savedAt,
      scenario: {
        id: current.scenarioId,
        title: scenario.title,
        description: scenario.description,
        duration: scenario.warmup + scenario.duration,
      },
      seed: scenario.seed,
      state: !this.everRan && this.runState === 'paused' ? 'idle' : this.runState,
      speed: current.speed,
      loading: [...this.live.values()].some((live) => live.loading),
      branches: lettersOf(current.log).map((letter) => this.branchInfo(letter)),
      commands,
      marks,
      undo: nameOf(lastChange(current.log)),
      redo: nameOf(current.undone.at(-1) ?? []),
      notes: current.notes,
      report: current.report,
      layout: current.layout,
      exercise: this.exerciseShown ?? this.judge(),
    }
  }

  /** Ends the worker. The journal is the caller's. */
  async close(): Promise<void> {
    if (this.judging !== null) clearTimeout(this.judging)
    this.judging = null
    if (this.announcing !== null) clearTimeout(this.announcing)
    for (const { refreshing } of this.live.values()) if (refreshing !== null) clearTimeout(refreshing)
    this.noteReached()
    await this.journalled
    await this.engine.close()
  }
}

interface ConsoleResultParts {
  t: number
  tEnd: number
  text: string
  output: string
  status: number
}

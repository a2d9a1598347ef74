/**
 * What runs in the worker: up to eight branches of one model, moved together in virtual time. It keeps to short slices, so that a command is
 * answered at once however much load there is, and it knows the wall clock only to pace itself: nothing that it measures reaches a machine.
 */
import type { BranchLetter, RunState } from '../../preload/contract'
import { Branch, type BranchSnapshot, type ExecutionResult, type LabAction, type PlannedCommand } from './branch'
import type { LabAnswer } from './consoleSeam'
import type { Model } from './model'
import type {
  BranchPlan,
  FromWorker,
  Position,
  Replies,
  RequestName,
  Requests,
  StartMessage,
  ToWorker,
} from './protocol'
import { isPrefix, SnapshotCache } from './snapshotCache'

export const letters: readonly BranchLetter[] = ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H']

/** What the core needs of the thread it lives in. */
export interface CoreHost {
  post(message: FromWorker, transfer: ArrayBuffer[]): void
  /** Wall milliseconds, monotonic. */
  now(): number
  /** Calls back after other messages had their turn, or after `ms`. */
  later(callback: () => void, ms: number): void
  /** True while a request waits that has not been handed over yet: then a slice ends early. */
  called(): boolean
  memory(): { heapBytes: number; externalBytes: number }
}

/** Longest stretch without looking at messages, ms; a request that waits ends it at once. */
const sliceMs = 8
/** Between two frames: half of the rate that the contract allows, which is more than the window draws. */
const frameMs = 1000 / 30
/** Pause between two slices when virtual time has caught up with the wall clock, ms. */
const restMs = 4
const watchMs = 100
/**
 * After an answer the run rests this long, ms: whoever typed the command waits for it to be drawn, and on a computer with few cores that needs the core
 * that the run would take.
 */
const giveWayMs = 40
/**
 * While running, a snapshot is taken when a branch has computed this long since its last one: what Undo computes again at most. One takes tens of
 * milliseconds, so it is rare and never on the way of a command; at a pause, when nobody waits, it is taken at once.
 */
const snapshotEveryMs = 3000

/** Something that takes more than a slice. While there are any, the session is catching up. */
interface Job {
  /** Works until `late` says true; true when it is done. */
  slice(late: () => boolean): boolean
  finish(): void
}

interface Entry {
  branch: Branch
  /** Why it stands still: its machine threw. */
  stopped: string | null
  keepUntil: number | null
  /** Wall ms computed since the last snapshot. */
  computed: number
}

/** A fault of a request that the main thread turns into a problem. */
class Refusal extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly remedy: string,
  ) {
    super(message)
  }
}

const seconds = (ns: number): string => `${(ns / 1e6).toFixed(3)} ms`

/**
 * Last instant at which the histories of two plans are the same: just before the first command that differs. −1 if a snapshot there would not serve
 * (the command that differs stands at the same instant as one that both have).
 */
function parting(one: BranchPlan, other: BranchPlan): number {
  let shared = 0
  while (shared < one.commands.length && shared < other.commands.length) {
    if (!isPrefix([{ ...one.commands[shared], eventCount: 0 }], [other.commands[shared]])) break
    shared++
  }
  const next = Math.min(one.commands[shared]?.t ?? Infinity, other.commands[shared]?.t ?? Infinity)
  const last = one.commands[shared - 1]?.t ?? 0
  const t = Math.min(next - 1, one.until, other.until)
  return t >= last ? t : -1
}

/** Times at which later plans part from this one, ascending. */
function partings(plan: BranchPlan, others: readonly BranchPlan[]): number[] {
  return [...new Set(others.map((other) => parting(plan, other)))].filter((t) => t > 0).sort((a, b) => a - b)
}

export class Core {
  private readonly entries = new Map<BranchLetter, Entry>()
  private readonly cache: SnapshotCache
  private readonly jobs: Job[] = []
  private mode: 'idle' | 'running' | 'paused' = 'idle'
  private speed = 0
  /** Pause when this time is reached; answers what asked for it. */
  private goal: { t: number; reached: () => void } | null = null
  /** Wall ms until which the run rests, because something was just answered. */
  private givesWayUntil = -Infinity
  private quantum = 20_000
  private anchor = { t: 0, wall: 0 }
  private ticking = false
  private lastFrame = -Infinity
  private frameDue = false
  private lastWatch = -Infinity
  private watched: { branches: BranchLetter[]; connection: number | null } = { branches: [], connection: null }
  /** Requests to answer when the command of that number ends. */
  private readonly awaited = new Map<number, { request: number; letter: BranchLetter }>()
  /** The command being executed now, for what it asks of the lab. */
  private current: { letter: BranchLetter; id: number } | null = null
  private forkWishes: { from: BranchLetter; letter: BranchLetter; name: string; by: number; t: number }[] = []

  constructor(
    private readonly model: Model,
    private readonly start: Pick<StartMessage, 'sampleEvery' | 'snapshotBudget'>,
    private readonly host: CoreHost,
  ) {
    this.cache = new SnapshotCache(start.snapshotBudget)
  }

  /** Takes one request. */
  handle(message: ToWorker): void {
    this.refusable(message.number, () => this.dispatch(message))
    this.wake()
  }

  private dispatch(message: ToWorker): void {
    const { number } = message
    switch (message.name) {
      case 'plan':
        return this.plan(number, message.body)
      case 'execute':
        return this.afterJobs(number, () => this.execute(number, message.body))
      case 'interrupt':
        return this.interrupt(number, message.body)
      case 'complete': {
        const { branch, text, cursor } = message.body
        return this.whenMade(number, branch, (entry) =>
          this.answer(number, 'complete', entry.branch.built.console.complete(text, cursor)),
        )
      }
      case 'run':
        this.run()
        return this.answer(number, 'run', this.position())
      case 'pause':
        this.goal?.reached()
        this.goal = null
        if (this.mode === 'running') this.mode = 'paused'
        this.align()
        return this.afterJobs(number, () => {
          this.answer(number, 'pause', this.position())
          this.rest()
        })
      case 'step':
        return this.afterJobs(number, () => this.step(number, message.body.count))
      case 'until':
        return this.afterJobs(number, () => this.until(number, message.body.t))
      case 'speed':
        this.speed = message.body.speed
        this.reanchor()
        return this.answer(number, 'speed', {})
      case 'fork':
        return this.afterJobs(number, () => this.forkRequest(number, message.body.from))
      case 'remove':
        return this.whenMade(number, message.body.branch, () => {
          this.entries.delete(message.body.branch)
          this.answer(number, 'remove', {})
        })
      case 'watch':
        this.watched = { branches: message.body.branches, connection: message.body.connection }
        this.lastWatch = -Infinity
        this.frameDue = true
        return this.answer(number, 'watch', {})
      case 'inspect': {
        const { branch, what, argument } = message.body
        return this.whenMade(number, branch, (entry) =>
          this.answer(number, 'inspect', entry.branch.built.inspect(what, argument)),
        )
      }
      case 'digest':
        return this.afterJobs(number, () => {
          const { branch } = this.entry(message.body.branch)
          branch.settle()
          const { machine } = branch
          this.answer(number, 'digest', { digest: machine.digest(), eventCount: machine.eventCount, t: machine.time })
        })
      case 'stats': {
        let events = 0
        for (const { branch } of this.entries.values()) events += branch.machine.eventCount
        const { size: snapshots, totalBytes } = this.cache
        return this.answer(number, 'stats', { snapshots, snapshotBytes: totalBytes, events, ...this.host.memory() })
      }
    }
  }

  private answer<N extends RequestName>(number: number, _name: N, body: Replies[N]): void {
    this.postFrame()
    this.host.post({ kind: 'answer', number, body }, [])
  }

  private entry(letter: BranchLetter): Entry {
    const entry = this.entries.get(letter)
    if (entry === undefined)
      throw new Refusal('branch-unknown', `There is no run ${letter}.`, 'Choose one of the runs in the list.')
    return entry
  }

  /** Live branches in the order of their letters. */
  private live(): Branch[] {
    return letters.flatMap((letter) => {
      const entry = this.entries.get(letter)
      return entry === undefined || entry.stopped !== null ? [] : [entry.branch]
    })
  }

  private front(): number {
    let front = 0
    for (const branch of this.live()) front = Math.max(front, branch.t)
    return front
  }

  private state(): RunState {
    return this.jobs.length > 0 ? 'catching-up' : this.mode
  }
  private position(): Position {
    return { t: this.front(), state: this.state() }
  }

  // ------------------------------------------------------------------------------------------------------------ branches

  private make(letter: BranchLetter): Entry {
    const branch = new Branch(this.model, this.start.sampleEvery, {
      began: ({ id, t, text, interrupt }) =>
        this.host.post({ kind: 'began', branch: letter, id, t, text, interrupt: interrupt ?? false }, []),
      finished: (result) => this.finished(letter, result),
      act: (action) => this.act(letter, action),
    })
    const entry: Entry = { branch, stopped: null, keepUntil: null, computed: 0 }
    const boot = branch.snapshot()
    if (boot !== null && this.cache.size === 0) this.cache.add(boot)
    return entry
  }

  /** Runs `work` on a branch; if its machine throws, the branch stands still from then on and the others go on. */
  private guarded(letter: BranchLetter, entry: Entry, work: () => boolean): boolean {
    const began = this.host.now()
    try {
      return work()
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      entry.stopped = message
      const stack = error instanceof Error ? (error.stack ?? '') : ''
      this.host.post({ kind: 'stopped', branch: letter, t: entry.branch.t, message, stack }, [])
      this.release(letter, message)
      if (this.mode === 'running') this.mode = 'paused'
      return true
    } finally {
      entry.computed += this.host.now() - began
    }
  }

  /** Answers commands that will never end because their machine stopped. */
  private release(letter: BranchLetter, why: string): void {
    for (const [id, { request, letter: where }] of this.awaited) {
      if (where !== letter) continue
      this.awaited.delete(id)
      const error = {
        code: 'machine-stopped',
        message: `The emulated host of run ${letter} stopped: ${why}`,
        remedy: 'Undo the last command, or go back in time.',
      }
      this.host.post({ kind: 'failure', number: request, error }, [])
    }
  }

  private keepSnapshot(entry: Entry): void {
    const snapshot = entry.branch.snapshot()
    if (snapshot === null) return
    this.cache.add(snapshot)
    entry.computed = 0
  }

  /** At a pause: a snapshot to come back to. */
  private rest(): void {
    for (const entry of this.entries.values())
      if (entry.stopped === null && !entry.branch.busy && entry.computed > 100) this.keepSnapshot(entry)
  }

  private takeBack(entry: Entry, snapshot: BranchSnapshot, plan: readonly PlannedCommand[]): void {
    const { branch } = entry
    branch.restore(snapshot)
    branch.planned = plan.slice(snapshot.executed.length)
    entry.stopped = null
    entry.computed = 0
  }

  /** Samples of `entry` later than `t` no longer hold. */
  private rewind(entry: Entry, t: number): void {
    entry.keepUntil = Math.min(entry.keepUntil ?? Infinity, t)
    entry.branch.samples.rewind(t)
    this.frameDue = true
  }

  /** The history of a branch and what lies ahead of it. */
  private history({ branch }: Entry): PlannedCommand[] {
    return [...branch.executed, ...branch.planned]
  }

  // ---------------------------------------------------------------------------------------------------------------- plan

  private plan(number: number, body: Requests['plan']): void {
    this.goal?.reached()
    this.goal = null
    for (const letter of [...this.entries.keys()])
      if (!body.branches.some((plan) => plan.letter === letter)) this.entries.delete(letter)
    // One after the other: a later one may begin from a snapshot that an earlier one leaves where their histories part.
    const goals = body.branches.map((plan, i) => ({
      plan,
      partings: partings(plan, body.branches.slice(i + 1)),
      // Of a branch that is new, main has what it says, or what it can copy from a run with the same history.
      sampled: Math.max(plan.sampled, ...body.branches.slice(0, i).map((other) => parting(other, plan))),
      entry: this.entries.has(plan.letter) ? this.reconcile(plan, 0) : null,
    }))
    this.jobs.push({
      slice: (late) =>
        goals.every((goal) => {
          const { plan, partings } = goal
          const entry = (goal.entry ??= this.reconcile(plan, goal.sampled))
          if (entry.stopped !== null) return true
          return this.guarded(plan.letter, entry, () => {
            const { branch } = entry
            while (partings.length > 0 && partings[0] < branch.t) partings.shift()
            while (partings.length > 0) {
              if (!branch.advance(partings[0], late)) return false
              this.keepSnapshot(entry)
              partings.shift()
            }
            const done = branch.advance(plan.until, late)
            if (entry.computed > snapshotEveryMs) this.keepSnapshot(entry)
            return done
          })
        }),
      finish: () => {
        this.mode = body.state
        this.reanchor()
        this.answer(number, 'plan', {})
      },
    })
  }

  /**
   * Brings a branch to a state from which its plan can be executed, at the least cost.
   * @param sampled for a new branch: time up to which its samples are known
   */
  private reconcile(plan: BranchPlan, sampled: number): Entry {
    const existing = this.entries.get(plan.letter)
    if (existing !== undefined) {
      const { branch } = existing
      const next = plan.commands[branch.executed.length]
      const fits =
        existing.stopped === null &&
        branch.t <= plan.until &&
        isPrefix(branch.executed, plan.commands) &&
        (next === undefined || next.t >= branch.t)
      if (fits) {
        branch.planned = plan.commands.slice(branch.executed.length)
        return existing
      }
      // What both histories share keeps its samples.
      const before = this.history(existing)
      let shared = 0
      while (
        shared < before.length &&
        isPrefix([{ ...before[shared], eventCount: 0 }], plan.commands.slice(shared, shared + 1))
      )
        shared++
      const diverges = Math.min(before[shared]?.t ?? Infinity, plan.commands[shared]?.t ?? Infinity, plan.until)
      if (existing.stopped === null && !branch.busy) this.keepSnapshot(existing)
      const known = Math.min(diverges, branch.t)
      this.rewind(existing, known)
      this.takeBack(existing, this.cache.best(plan.commands, known)!, plan.commands)
      return existing
    }
    const entry = this.make(plan.letter)
    const known = Math.max(0, Math.min(sampled, plan.until))
    this.takeBack(entry, this.cache.best(plan.commands, known)!, plan.commands)
    this.entries.set(plan.letter, entry)
    return entry
  }

  // ------------------------------------------------------------------------------------------------------------- commands

  private execute(number: number, { branch: asked, id, text }: Requests['execute']): void {
    let letter = asked
    let entry = this.entry(asked)
    if (entry.stopped !== null)
      throw new Refusal(
        'machine-stopped',
        `The emulated host of run ${asked} stopped: ${entry.stopped}`,
        'Undo the last command, or go back in time.',
      )
    if (entry.branch.planned.length > 0) {
      // It was taken back in time and has commands ahead: history is not destroyed, the command goes to a copy.
      letter = this.freeLetter()
      this.copy(asked, letter, '', 0)
      entry = this.entry(letter)
    }
    this.awaited.set(id, { request: number, letter })
    this.guarded(letter, entry, () => {
      this.current = { letter, id }
      try {
        entry.branch.execute({ id, text })
      } finally {
        this.current = null
      }
      return true
    })
    this.frameDue = true
    this.grantForks()
  }

  private interrupt(number: number, { branch, id }: Requests['interrupt']): void {
    const entry = this.entry(branch)
    const t = entry.branch.t
    let done = false
    this.guarded(branch, entry, () => {
      done = entry.branch.interrupt(id)
      return true
    })
    this.answer(number, 'interrupt', { done, t })
  }

  private finished(letter: BranchLetter, result: ExecutionResult): void {
    this.host.post({ kind: 'executed', branch: letter, result }, [])
    const awaited = this.awaited.get(result.id)
    if (awaited === undefined || result.replay) return
    this.awaited.delete(result.id)
    this.frameDue = true
    this.answer(awaited.request, 'execute', { ...result, branch: letter })
    this.givesWayUntil = this.host.now() + giveWayMs
  }

  /** `lab …` on the console of a branch. */
  private act(letter: BranchLetter, action: LabAction): LabAnswer {
    const { branch } = this.entry(letter)
    const at = seconds(branch.t)
    switch (action.verb) {
      case 'status': {
        const pace = this.speed === 0 ? 'as fast as possible' : `${this.speed} virtual seconds a second`
        const load = branch.built.loading() ? 'on' : 'off'
        return {
          output: `run ${letter} at ${at}, ${this.state()}, speed ${pace}, load ${load}, ${branch.machine.eventCount} events\n`,
          status: 0,
        }
      }
      case 'run':
        this.run()
        return { output: '', status: 0 }
      case 'pause':
        if (this.mode === 'running') this.mode = 'paused'
        this.align()
        return { output: '', status: 0 }
      case 'speed':
        this.speed = action.factor
        this.reanchor()
        this.host.post({ kind: 'speed', speed: action.factor }, [])
        return { output: '', status: 0 }
      case 'mark':
        this.host.post({ kind: 'marked', branch: letter, t: branch.t, text: action.text }, [])
        return { output: '', status: 0 }
      case 'fork': {
        const taken = new Set([...this.entries.keys(), ...this.forkWishes.map((wish) => wish.letter)])
        const free = letters.find((candidate) => !taken.has(candidate))
        if (free === undefined)
          return { output: 'lab: fork: there are eight runs already; delete one first\n', status: 1 }
        // Done when the command that asks for it is over: the copy inherits it.
        this.forkWishes.push({ from: letter, letter: free, name: action.name, by: this.current?.id ?? 0, t: branch.t })
        return { output: `fork: branch ${free} at ${at}, same seed, same arrivals\n`, status: 0 }
      }
    }
  }

  private grantForks(): void {
    for (const wish of this.forkWishes.splice(0))
      if (this.entries.has(wish.from)) this.copy(wish.from, wish.letter, wish.name, wish.by)
  }

  private freeLetter(): BranchLetter {
    const free = letters.find((letter) => !this.entries.has(letter))
    if (free === undefined)
      throw new Refusal('too-many-runs', 'There are eight runs already.', 'Delete a run that you no longer need.')
    return free
  }

  /** Copies a branch at its present instant. */
  private copy(from: BranchLetter, to: BranchLetter, name: string, by: number): { t: number; inherited: number[] } {
    const source = this.entry(from)
    const t = source.branch.t
    const entry = this.make(to)
    const snapshot = source.branch.snapshot()
    if (snapshot !== null) {
      entry.branch.restore(snapshot)
      this.cache.add(snapshot)
    } else {
      // A console line is running: the copy executes the history again, up to this instant.
      const plan = [...source.branch.executed]
      this.takeBack(entry, this.cache.best(plan, t)!, plan)
      entry.branch.advance(t, () => false)
    }
    entry.branch.samples.take()
    entry.branch.samples.after = t
    this.entries.set(to, entry)
    const inherited = source.branch.executed.map((command) => command.id)
    this.host.post({ kind: 'forked', from, letter: to, t, name, by, inherited }, [])
    this.frameDue = true
    return { t, inherited }
  }

  private forkRequest(number: number, from: BranchLetter): void {
    const source = this.entry(from)
    if (source.stopped !== null)
      throw new Refusal('machine-stopped', `Run ${from} stopped.`, 'Go back in time first, then fork.')
    source.branch.settle()
    const letter = this.freeLetter()
    this.answer(number, 'fork', { letter, ...this.copy(from, letter, '', -1) })
  }

  // ----------------------------------------------------------------------------------------------------------------- time

  private run(): void {
    if (this.mode === 'running') return
    this.mode = 'running'
    this.goal = null
    this.reanchor()
  }

  private reanchor(): void {
    this.anchor = { t: this.front(), wall: this.host.now() }
  }

  /** Brings all branches to the time of the one that is farthest. */
  private align(): void {
    const front = this.front()
    if (this.live().every((branch) => branch.t === front)) return
    this.jobs.push({ slice: (late) => this.advanceAll(front, late), finish: () => {} })
  }

  private advanceAll(to: number, late: () => boolean): boolean {
    let done = true
    for (const letter of letters) {
      const entry = this.entries.get(letter)
      if (entry === undefined || entry.stopped !== null) continue
      if (entry.branch.t > to) continue
      if (!this.guarded(letter, entry, () => entry.branch.advance(to, late))) done = false
      if (entry.computed > snapshotEveryMs) this.keepSnapshot(entry)
    }
    return done
  }

  /** Serves request `number` once nothing is being caught up with. */
  private afterJobs(number: number, work: () => void): void {
    if (this.jobs.length === 0) work()
    else this.jobs.push({ slice: () => true, finish: () => this.refusable(number, work) })
  }

  /** Reads a branch now; one that a plan has yet to make is waited for. */
  private whenMade(number: number, letter: BranchLetter, work: (entry: Entry) => void): void {
    if (this.entries.has(letter) || this.jobs.length === 0) work(this.entry(letter))
    else this.afterJobs(number, () => work(this.entry(letter)))
  }

  private refusable(number: number, work: () => void): void {
    try {
      work()
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      const { code, message, remedy } = error
      this.host.post({ kind: 'failure', number, error: { code, message, remedy } }, [])
    }
  }

  private until(number: number, t: number): void {
    this.goal?.reached()
    const back = this.live().filter((branch) => branch.t > t)
    if (back.length > 0) {
      this.mode = 'paused'
      for (const letter of letters) {
        const entry = this.entries.get(letter)
        if (entry === undefined || (entry.stopped === null && entry.branch.t <= t)) continue
        this.travel(entry, t, Infinity)
      }
      this.jobs.push({
        slice: (late) => this.advanceAll(t, late),
        finish: () => this.answer(number, 'until', this.position()),
      })
      return
    }
    this.mode = 'running'
    this.reanchor()
    this.goal = { t, reached: () => this.answer(number, 'until', this.position()) }
  }

  /** Takes a branch back to at most `t` and `event`; what was executed after that lies ahead again. */
  private travel(entry: Entry, t: number, event: number): void {
    const plan = this.history(entry)
    if (entry.stopped === null && !entry.branch.busy) this.keepSnapshot(entry)
    const snapshot = this.cache.best(plan, t, event)!
    this.rewind(entry, t)
    this.takeBack(entry, snapshot, plan)
  }

  private step(number: number, count: number): void {
    this.mode = 'paused'
    this.goal?.reached()
    this.goal = null
    const finish = (): void => this.answer(number, 'step', this.position())
    const lead = letters.find((letter) => this.entries.get(letter)?.stopped === null)
    if (lead === undefined) return finish()
    const entry = this.entries.get(lead)!
    const goal = Math.max(0, entry.branch.machine.eventCount + count)
    if (count < 0) {
      const before = entry.branch.t
      this.travel(entry, before, goal)
    }
    this.jobs.push({
      slice: (late) =>
        this.guarded(lead, entry, () => entry.branch.advanceToEvent(goal, late)) || entry.stopped !== null,
      finish: () => {
        const t = entry.branch.t
        this.rewind(entry, t)
        // The other branches follow to the same time.
        for (const letter of letters) {
          const other = this.entries.get(letter)
          if (other === undefined || other === entry) continue
          if (other.branch.t > t) this.travel(other, t, Infinity)
        }
        this.jobs.push({
          slice: (late) =>
            letters.every((letter) => {
              const other = this.entries.get(letter)
              if (other === undefined || other === entry || other.stopped !== null || other.branch.t > t) return true
              return this.guarded(letter, other, () => other.branch.advance(t, late))
            }),
          finish,
        })
      },
    })
  }

  // ----------------------------------------------------------------------------------------------------------------- loop

  private wake(): void {
    if (this.ticking) return
    if (this.jobs.length === 0 && this.mode !== 'running' && !this.frameDue) return
    this.ticking = true
    this.host.later(() => this.tick(), 0)
  }

  private tick(): void {
    this.ticking = false
    const began = this.host.now()
    const deadline = began + sliceMs
    const late = (): boolean => this.host.called() || this.host.now() >= deadline
    let wait = 0
    while (this.jobs.length > 0) {
      this.frameDue = true
      const job = this.jobs[0]
      if (!job.slice(late)) break
      this.jobs.shift()
      job.finish()
      if (this.jobs.length === 0) this.reanchor()
      if (late()) break
    }
    if (this.jobs.length === 0 && this.mode === 'running') {
      // Not while a command or a request waits for virtual time to pass.
      const rest = this.goal === null && this.awaited.size === 0 ? this.givesWayUntil - this.host.now() : 0
      wait = rest > 0 ? rest : this.runSlice(late)
    }
    this.grantForks()
    if (this.frameDue && this.host.now() - this.lastFrame >= frameMs) this.postFrame()
    if (this.jobs.length > 0 || this.mode === 'running' || this.frameDue) {
      this.ticking = true
      this.host.later(() => this.tick(), this.jobs.length > 0 ? 0 : this.mode === 'running' ? wait : 4)
    }
  }

  /** Moves all branches until the wall clock says stop. Answers how many ms nothing is due. */
  private runSlice(late: () => boolean): number {
    let front = this.front()
    const pace = (): number => {
      let target = Infinity
      if (this.speed > 0) {
        const wall = this.host.now()
        target = this.anchor.t + Math.floor((wall - this.anchor.wall) * 1e6 * this.speed)
        // Too slow for this speed: do not let the debt grow.
        if (target - front > 100e6 * this.speed) {
          this.reanchor()
          target = front + Math.floor(sliceMs * 1e6 * this.speed)
        }
      }
      return this.goal === null ? target : Math.min(target, this.goal.t)
    }
    if (this.live().length === 0) {
      this.mode = 'paused'
      return 0
    }
    // Once a slice: time that passes while it computes belongs to the next one, else it would run after the clock for ever.
    const target = pace()
    for (;;) {
      front = this.front()
      if (!this.advanceAll(front, late)) break
      if (this.goal !== null && front >= this.goal.t) {
        const { reached } = this.goal
        this.goal = null
        this.mode = 'paused'
        this.frameDue = true
        reached()
        this.rest()
        return 0
      }
      if (front >= target) {
        this.frameDue = true
        return restMs
      }
      const before = this.host.now()
      if (!this.advanceAll(Math.min(target, front + this.quantum), late)) break
      const took = this.host.now() - before
      if (took < 0.5) this.quantum = Math.min(this.quantum * 2, 10_000_000)
      else if (took > 3) this.quantum = Math.max(1000, Math.floor(this.quantum / 2))
      if (late()) break
    }
    this.frameDue = true
    return 0
  }

  private postFrame(): void {
    const now = this.host.now()
    const wallMs = this.lastFrame === -Infinity ? 0 : now - this.lastFrame
    this.lastFrame = now
    this.frameDue = false
    const transfer: ArrayBuffer[] = []
    const branches = letters.flatMap((letter) => {
      const entry = this.entries.get(letter)
      if (entry === undefined) return []
      const { branch } = entry
      const { times, values } = branch.samples.take()
      transfer.push(times.buffer, values.buffer)
      const keepUntil = entry.keepUntil
      entry.keepUntil = null
      const { time: t, eventCount } = branch.machine
      return [{ letter, t, eventCount, loading: branch.built.loading(), times, values, keepUntil }]
    })
    this.host.post({ kind: 'frame', wallMs, state: this.state(), branches }, transfer)
    if (this.watched.branches.length > 0 && now - this.lastWatch >= watchMs) {
      this.lastWatch = now
      for (const letter of this.watched.branches) {
        const entry = this.entries.get(letter)
        if (entry === undefined) continue
        const body = entry.branch.built.inspect('sendPath', this.watched.connection)
        this.host.post({ kind: 'inspected', branch: letter, what: 'sendPath', body }, [])
      }
    }
  }
}

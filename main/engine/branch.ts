/**
 * One run ("branch"): a machine, its console, the commands it was given, and the samples of its counters. A branch is decided by its list of
 * commands with virtual times: whoever builds a machine of the same model and gives it the same list gets the same state, bit for bit.
 *
 * Order of what falls on the same instant: events of the machine, then the sample, then a console line that waited, then commands in the
 * order of the list. Every path that moves a branch keeps it: running, stepping, re-execution, the headless run.
 */
import type { ConsoleStep, LabAnswer, LabHooks } from './consoleSeam'
import type { Built, EngineMachine, MachineSnapshot, Model } from './model'
import { SampleBuffer } from './samples'

/** A command of the log. `interrupt` stands for Control-C at that instant. */
export interface PlannedCommand {
  /** Number of the entry in the session's log. */
  id: number
  /** Virtual time at which it begins. */
  t: number
  text: string
  interrupt?: boolean
}

export interface Executed extends PlannedCommand {
  /** Events the machine had handled when the command began: its exact place in the history. */
  eventCount: number
}

/** How a console line ended. */
export interface ExecutionResult {
  id: number
  t: number
  tEnd: number
  text: string
  output: string
  status: number
  /** It was given before and executed again. */
  replay: boolean
  /** It changed a knob, a capability or the load. Always false in re-execution: the log knows. */
  changed: boolean
}

/** What a branch tells the one who moves it. */
export interface BranchEvents {
  /** A command took its place in the history. Not called during re-execution. */
  began(command: Executed): void
  finished(result: ExecutionResult): void
  /** A console line printed something, before it ended. Not called during re-execution. */
  printed?(text: string): void
  /** Lab actions from the console, not called during re-execution. The answer is printed. */
  act(action: LabAction): LabAnswer
}

export type LabAction =
  | { verb: 'status' }
  | { verb: 'run' }
  | { verb: 'pause' }
  | { verb: 'speed'; factor: number }
  | { verb: 'fork'; name: string }
  | { verb: 'mark'; text: string }

/** A copy of a branch at an instant at which no console line was running. */
export interface BranchSnapshot {
  t: number
  eventCount: number
  /** Commands executed before it. */
  executed: Executed[]
  nextSample: number
  state: MachineSnapshot
}

/** Events between two looks at the wall clock: one event can take tens of microseconds, a look takes a tenth of one. */
const sliceEvents = 32

export class Branch<M extends EngineMachine = EngineMachine> {
  readonly built: Built<M>
  /** Commands executed, in order. */
  executed: Executed[] = []
  /** Commands of the log that lie ahead, in order. */
  planned: PlannedCommand[] = []
  readonly samples: SampleBuffer
  /** Next instant of the sampling grid. */
  nextSample = 0
  private waiting: { command: Executed; output: string; wakeAt: number; replay: boolean; before: string } | null = null
  private queue: { command: Omit<PlannedCommand, 't'>; replay: boolean }[] = []
  private replaying = false
  private readonly row: Float64Array

  constructor(
    model: Model<M>,
    readonly sampleEvery: number,
    private readonly events: BranchEvents,
  ) {
    this.built = model.build(this.hooks())
    this.row = new Float64Array(model.counterNames.length)
    this.samples = new SampleBuffer(model.counterNames.length)
    this.takeSample()
  }

  get machine(): M {
    return this.built.machine
  }
  get t(): number {
    return this.built.machine.time
  }
  /** A console line is running and waits for virtual time to pass. */
  get busy(): boolean {
    return this.waiting !== null
  }
  /** When the running console line wants to go on; Infinity if none is running. */
  get wakeAt(): number {
    return this.waiting?.wakeAt ?? Infinity
  }

  private hooks(): LabHooks {
    const act = (action: LabAction): LabAnswer => this.events.act(action)
    // What acts on the session and not on the machine stays silent when the log is executed again: the log has entries of its own for it.
    const quiet = (action: LabAction, replay: LabAnswer): LabAnswer => (this.replaying ? replay : act(action))
    const nothing: LabAnswer = { output: '', status: 0 }
    return {
      status: () => act({ verb: 'status' }),
      run: () => quiet({ verb: 'run' }, nothing),
      pause: () => quiet({ verb: 'pause' }, nothing),
      speed: (factor) => quiet({ verb: 'speed', factor }, nothing),
      fork: (name) => quiet({ verb: 'fork', name }, nothing),
      mark: (text) => quiet({ verb: 'mark', text }, nothing),
      // The load generator is part of the machine: it starts in re-execution too.
      load: (on) => this.built.setLoad(on),
    }
  }

  /** Takes a sample at the present instant, off the grid; the grid stays as it is. */
  sampleNow(): void {
    const next = this.nextSample
    this.settle()
    this.takeSample()
    this.nextSample = next
  }

  private takeSample(): void {
    this.built.readCounters(this.row)
    this.samples.add(this.built.machine.time, this.row)
    this.nextSample = this.built.machine.time + this.sampleEvery
  }

  /**
   * Moves on to virtual time `target`, executing what is planned on the way.
   * @param late looked at every few hundred events; once it says true, the branch stops where it is
   * @returns true when `target` was reached and everything due there was done
   */
  advance(target: number, late: () => boolean): boolean {
    const machine = this.built.machine
    for (;;) {
      let stop = Math.min(target, this.nextSample)
      if (this.waiting !== null) stop = Math.min(stop, this.waiting.wakeAt)
      if (this.planned.length > 0) stop = Math.min(stop, this.planned[0].t)
      if (stop < machine.time) stop = machine.time
      while (!machine.runSlice(stop, sliceEvents)) if (late()) return false
      this.atInstant()
      if (machine.time >= target) return true
      if (late()) return false
    }
  }

  /** What is due at the present instant, once the machine's events there are handled. */
  private atInstant(): void {
    const machine = this.built.machine
    const now = machine.time
    if (now >= this.nextSample) this.takeSample()
    // A line that sleeps for no time at all goes on at once; one that does so for ever is made to wait a nanosecond.
    for (let turns = 0; ; turns++) {
      // What a command set off at this very instant comes before the next command, given or executed again.
      machine.runUntil(now)
      if (this.waiting !== null && this.waiting.wakeAt <= now) {
        if (turns > 10_000) this.waiting.wakeAt = now + 1
        else this.take(this.built.console.resume())
      } else if (this.waiting === null && this.queue.length > 0) {
        const { command, replay } = this.queue.shift()!
        this.begin(command, replay)
      } else if (this.planned.length > 0 && this.planned[0].t <= now) {
        const { t: _, ...command } = this.planned.shift()!
        if (command.interrupt === true) this.interruptNow(command.id, true)
        else this.begin(command, true)
      } else return
    }
  }

  /** Executes a command at the present instant, or as soon as the console is free. */
  execute(command: { id: number; text: string }): void {
    this.settle()
    this.begin(command, false)
    this.atInstant()
  }

  /** Control-C. False if nothing was running. */
  interrupt(id: number): boolean {
    this.settle()
    if (this.waiting === null) return false
    this.interruptNow(id, false)
    this.atInstant()
    return true
  }

  /** Handles what is left of the present instant, so that a command comes after all events of its time. */
  settle(): void {
    const machine = this.built.machine
    machine.runUntil(machine.time)
    this.atInstant()
  }

  private interruptNow(id: number, replay: boolean): void {
    if (this.waiting === null && !replay) return
    const machine = this.built.machine
    const executed: Executed = { id, t: machine.time, text: '', interrupt: true, eventCount: machine.eventCount }
    this.executed.push(executed)
    if (!replay) this.events.began(executed)
    this.queue = []
    // In a changed history there may be nothing left to interrupt.
    if (this.waiting !== null) this.take(this.built.console.interrupt())
  }

  private begin(command: Omit<PlannedCommand, 't'>, replay: boolean): void {
    if (this.waiting !== null) {
      this.queue.push({ command, replay })
      return
    }
    const machine = this.built.machine
    const executed: Executed = {
      id: command.id,
      t: machine.time,
      text: command.text,
      eventCount: machine.eventCount,
    }
    this.executed.push(executed)
    if (!replay) this.events.began(executed)
    const before = replay ? '' : this.built.settings()
    this.waiting = { command: executed, output: '', wakeAt: machine.time, replay, before }
    this.replaying = replay
    try {
      this.take(this.built.console.execute(command.text))
    } finally {
      this.replaying = false
    }
  }

  private take(step: ConsoleStep): void {
    const waiting = this.waiting!
    waiting.output += step.output
    if (!waiting.replay && step.output !== '') this.events.printed?.(step.output)
    if (!step.done) {
      waiting.wakeAt = Math.max(step.wakeAt, this.built.machine.time)
      return
    }
    this.waiting = null
    const { command, output, replay, before } = waiting
    const { id, t, text } = command
    if (!replay) this.built.machine.runUntil(this.built.machine.time)
    const changed = !replay && this.built.settings() !== before
    this.events.finished({ id, t, tEnd: this.built.machine.time, text, output, status: step.status, replay, changed })
  }

  /** A copy of everything, or null while a console line is running. */
  snapshot(): BranchSnapshot | null {
    if (this.waiting !== null || this.queue.length > 0) return null
    this.settle()
    const machine = this.built.machine
    return {
      t: machine.time,
      eventCount: machine.eventCount,
      executed: [...this.executed],
      nextSample: this.nextSample,
      state: machine.snapshot(),
    }
  }

  /** Puts a copy back, of this branch or of another one of the same model. What is planned must be set by the caller. */
  restore(snapshot: BranchSnapshot): void {
    this.built.machine.restore(snapshot.state)
    this.executed = [...snapshot.executed]
    this.nextSample = snapshot.nextSample
    this.waiting = null
    this.queue = []
    this.planned = []
    this.built.restored?.()
  }

  /**
   * Handles events until `eventCount` of them were handled since boot, and what is planned before the next one.
   * @returns true when it got there
   */
  advanceToEvent(eventCount: number, late: () => boolean): boolean {
    const machine = this.built.machine
    for (;;) {
      let stop = this.nextSample
      if (this.waiting !== null) stop = Math.min(stop, this.waiting.wakeAt)
      if (this.planned.length > 0) stop = Math.min(stop, this.planned[0].t)
      const left = eventCount - machine.eventCount
      if (left <= 0 && (this.planned.length === 0 || machine.nextEventTime() <= this.planned[0].t)) return true
      if (left > 0 && machine.nextEventTime() === Infinity && stop === Infinity) return true
      if (machine.runSlice(stop, left <= 0 ? 1 : Math.min(left, sliceEvents))) this.atInstant()
      if (late()) return false
    }
  }
}

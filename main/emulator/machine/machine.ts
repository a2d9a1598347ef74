/**
 * One emulated machine: clock, pending events, hosts, link. It knows no wall clock and does nothing by itself: {@link Machine.runUntil} and
 * {@link Machine.step} move it, and everything it remembers is in the {@link Registry}.
 */
import type { Disk, MachineConfig } from '../config'
import { Kernel } from '../kernel'
import { Link } from '../link/link'
import { Wire } from '../link/wire'
import { EV_CPU_RUN, EV_NONE, EVENT_KINDS, eventNames } from './eventKinds'
import { EventQueue } from './eventQueue'
import { createPrng, type Prng } from './prng'
import { Probe } from './probe'
import { Registry, type Snapshot } from './state'

type Handler = (a: number, b: number, c: number, d: number) => void

export class Machine {
  readonly registry = new Registry()
  readonly kernels: Kernel[] = []
  readonly wire: Wire
  readonly link: Link
  /** Observer: what the send-path picture shows of one chosen connection. */
  readonly probe: Probe
  /** Virtual time, integer ns since boot. */
  time = 0
  /** Events handled since boot. */
  eventCount = 0
  /** Kind of the event handled last. */
  lastKind = EV_NONE
  private readonly queue: EventQueue
  private readonly handlers: (Handler | undefined)[] = new Array<Handler | undefined>(EVENT_KINDS).fill(undefined)
  private readonly clock = new Float64Array(3)

  /**
   * Builds and boots the machine: after construction the hosts are up at virtual time 0 and idle.
   * @param config plain data, already validated. @param disk bytes of all files, never written.
   */
  constructor(
    readonly config: MachineConfig,
    readonly disk: Disk,
  ) {
    this.registry.array(
      'clock',
      () => {
        this.clock[0] = this.time
        this.clock[1] = this.eventCount
        this.clock[2] = this.lastKind
        return this.clock
      },
      (data) => {
        const clock = data as Float64Array
        this.time = clock[0]!
        this.eventCount = clock[1]!
        this.lastKind = clock[2]!
      },
    )
    this.queue = new EventQueue(this.registry)
    this.probe = new Probe(this)
    this.wire = new Wire(this)
    for (let id = 0; id < config.hosts.length; id++) this.kernels.push(new Kernel(this, id))
    this.link = new Link(this)
    this.on(EV_CPU_RUN, (host, cpu) => this.kernels[host].cpu.dispatch(cpu))
    for (const kernel of this.kernels) kernel.boot()
    this.link.booted = true
    this.registry.booted()
  }

  /** Wires the handler of an event kind. Only during construction: handlers are code, not state. */
  on(kind: number, handler: Handler): void {
    if (kind <= EV_NONE || kind >= EVENT_KINDS) throw new Error(`event kind ${kind} is out of range`)
    this.handlers[kind] = handler
  }

  /** True if a kind has a handler already (hosts share handlers: the first one wires them). */
  handled(kind: number): boolean {
    return this.handlers[kind] !== undefined
  }

  /** Calls the handler of a kind at once. */
  handle(kind: number, a: number, b: number, c: number, d: number): void {
    const handler = this.handlers[kind]
    if (handler === undefined) throw new Error(`no handler for event kind ${kind} (${eventNames[kind] ?? '?'})`)
    handler(a, b, c, d)
  }

  /**
   * Schedules an event. A time in the past of the clock is moved to now: a CPU's `now()` may lie ahead of the clock, never behind.
   * @returns a handle for {@link cancel}, to be kept in an f64 column; 0 is never a handle.
   */
  schedule(at: number, kind: number, a = 0, b = 0, c = 0, d = 0): number {
    return this.queue.push(at < this.time ? this.time : at, kind, a, b, c, d)
  }

  /** Cancels a pending event; stale handles and 0 are ignored. */
  cancel(handle: number): void {
    if (handle !== 0) this.queue.cancel(handle)
  }

  isPending(handle: number): boolean {
    return handle !== 0 && this.queue.isPending(handle)
  }

  /** Events pending. */
  get pendingEvents(): number {
    return this.queue.size
  }

  /** Time of the next event, or Infinity. */
  nextEventTime(): number {
    return this.queue.peekTime()
  }

  /** Name of the next event's kind, or null. */
  nextEventName(): string | null {
    const kind = this.queue.peekKind()
    return kind === EV_NONE ? null : (eventNames[kind] ?? `kind ${kind}`)
  }

  /** A named, independently seeded stream of random numbers. Ask at construction only. */
  random(stream: string): Prng {
    return createPrng(this.registry, this.config.seed, stream)
  }

  /** Handles one event. False if none is pending. */
  step(): boolean {
    const at = this.queue.peekTime()
    if (at === Infinity) return false
    this.dispatch(at)
    return true
  }

  private dispatch(at: number): void {
    const queue = this.queue
    this.time = at
    const kind = queue.take()
    this.lastKind = kind
    this.eventCount++
    this.handlers[kind]!(queue.a, queue.b, queue.c, queue.d)
  }

  /** Handles every event up to and including virtual time `t`, then sets the clock to `t`. */
  runUntil(t: number): void {
    const queue = this.queue
    for (;;) {
      const at = queue.peekTime(t)
      if (at > t) break
      this.dispatch(at)
    }
    if (t > this.time) this.time = t
  }

  /**
   * Like {@link runUntil}, but stops after `limit` events so that a caller can look at its wall clock.
   * @returns true when `t` was reached.
   */
  runSlice(t: number, limit: number): boolean {
    const queue = this.queue
    for (let n = 0; n < limit; n++) {
      const at = queue.peekTime(t)
      if (at > t) {
        if (t > this.time) this.time = t
        return true
      }
      this.dispatch(at)
    }
    return false
  }

  snapshot(): Snapshot {
    return this.registry.save()
  }

  /** Puts a snapshot of a machine with the same config back. */
  restore(snapshot: Snapshot): void {
    this.registry.load(snapshot)
  }

  /** Digest of the state without observers, 32 hexadecimal digits. */
  digest(): string {
    return this.registry.digest()
  }
}

/**
 * The CPUs of a host. Work is a queue of task records per CPU; a task runs when its CPU is free. Its effects happen at once, at the instant the task
 * begins; the cycles it charged keep the CPU busy afterwards, and what it sends out carries the time `now()` = begin + cycles so far.
 * With the cost model off every task takes no time and the order is that of the queue.
 */
import type { Cost } from './cost'
import { EV_CPU_RUN } from './eventKinds'
import type { Machine } from './machine'
import type { Table } from './state'

const taskSpec = { kind: 'u8', a: 'i32', b: 'i32', c: 'i32', d: 'f64', next: 'i32' } as const

export class Cpus {
  /** Number of CPUs. */
  readonly count: number
  /** CPU whose task is running, −1 outside of tasks (boot, console, device events). */
  current = -1
  private readonly tasks: Table<typeof taskSpec>
  private readonly first: Int32Array
  private readonly last: Int32Array
  /** 1 while an EV_CPU_RUN is pending for the CPU (it is busy or about to start). */
  private readonly pending: Uint8Array
  /** Busy virtual ns since boot, per CPU, including the part of a running task that lies in the future. */
  readonly busyNs: Float64Array
  /** Fractions of a nanosecond carried from task to task, so that rounding never adds up. */
  private readonly carry: Float64Array
  /** Tasks run since boot. */
  readonly taskCount: Float64Array

  constructor(
    private readonly machine: Machine,
    private readonly host: number,
    part: string,
    count: number,
    /** Nanoseconds a cycle. */
    private readonly nsPerCycle: number,
    private readonly cost: Cost,
  ) {
    this.count = count
    const registry = machine.registry
    this.tasks = registry.table(`${part}.tasks`, taskSpec, 256)
    this.first = new Int32Array(count)
    this.last = new Int32Array(count)
    this.pending = new Uint8Array(count)
    this.busyNs = new Float64Array(count)
    this.carry = new Float64Array(count)
    this.taskCount = new Float64Array(count)
    registry.fixed(`${part}.first`, this.first)
    registry.fixed(`${part}.last`, this.last)
    registry.fixed(`${part}.pending`, this.pending)
    registry.fixed(`${part}.busyNs`, this.busyNs)
    registry.fixed(`${part}.carry`, this.carry)
    registry.fixed(`${part}.taskCount`, this.taskCount)
  }

  /** Virtual ns as the running task sees it; outside of tasks the machine's time. An integer. */
  now(): number {
    if (this.current < 0 || !this.cost.on) return this.machine.time
    return this.machine.time + Math.floor(this.cost.cycles * this.nsPerCycle)
  }

  /** Queues a task on a CPU: `kind` is an event kind whose handler is called with (a, b, c, d). */
  run(cpu: number, kind: number, a: number, b = 0, c = 0, d = 0): void {
    const tasks = this.tasks
    const task = tasks.alloc()
    tasks.kind[task] = kind
    tasks.a[task] = a
    tasks.b[task] = b
    tasks.c[task] = c
    tasks.d[task] = d
    tasks.next[task] = 0
    if (this.first[cpu] === 0) this.first[cpu] = task
    else tasks.next[this.last[cpu]] = task
    this.last[cpu] = task
    if (this.pending[cpu] === 0) {
      this.pending[cpu] = 1
      this.machine.schedule(this.now(), EV_CPU_RUN, this.host, cpu)
    }
  }

  /** Tasks waiting on a CPU (the running one not counted). */
  queued(cpu: number): number {
    let n = 0
    for (let task = this.first[cpu]; task !== 0; task = this.tasks.next[task]!) n++
    return n
  }

  /** Handler of EV_CPU_RUN: runs tasks until one has charged time or none is left. */
  dispatch(cpu: number): void {
    const tasks = this.tasks
    const cost = this.cost
    const machine = this.machine
    for (;;) {
      const task = this.first[cpu]
      if (task === 0) {
        this.pending[cpu] = 0
        return
      }
      this.first[cpu] = tasks.next[task]!
      const kind = tasks.kind[task]
      const a = tasks.a[task]
      const b = tasks.b[task]
      const c = tasks.c[task]
      const d = tasks.d[task]
      tasks.free(task)
      this.current = cpu
      cost.begin()
      machine.handle(kind, a, b, c, d)
      this.current = -1
      this.taskCount[cpu] = this.taskCount[cpu] + 1
      if (cost.cycles > 0) {
        const exact = cost.cycles * this.nsPerCycle + this.carry[cpu]
        const whole = Math.floor(exact)
        this.carry[cpu] = exact - whole
        this.busyNs[cpu] = this.busyNs[cpu] + whole
        cost.begin()
        machine.schedule(machine.time + whole, EV_CPU_RUN, this.host, cpu)
        return
      }
    }
  }
}

/**
 * What the engine needs of a machine and its console. The emulator and the console fulfil it (see `realModel.ts`); tests of the engine use a
 * small machine of their own.
 */
import type { Console, LabAnswer, LabHooks } from './consoleSeam'

/** A machine as the engine moves it. The emulator's `Machine` fits. */
export interface EngineMachine {
  /** Virtual time, integer ns. */
  readonly time: number
  /** Events handled since boot. */
  readonly eventCount: number
  /** Handles events up to and including `t`, at most `limit` of them. True when `t` was reached; then the clock stands at `t`. */
  runSlice(t: number, limit: number): boolean
  runUntil(t: number): void
  /** Time of the next event, or Infinity. */
  nextEventTime(): number
  snapshot(): MachineSnapshot
  restore(snapshot: MachineSnapshot): void
  digest(): string
}

/** A copy of the state; only its size is looked at here. */
export interface MachineSnapshot {
  parts: { [name: string]: { arrays: { [column: string]: { byteLength: number } } } }
}

/** A built machine with its console and the reader of its counters. */
export interface Built<M extends EngineMachine = EngineMachine> {
  machine: M
  console: Console
  /** Writes the value of every counter, in the order of {@link Model.counterNames}. */
  readCounters(out: Float64Array): void
  /** True while the load generator is on. */
  loading(): boolean
  /** Starts or stops the load generator of the machine, now. */
  setLoad(on: boolean): LabAnswer
  /** Knobs, capabilities and load as one text: a command that leaves it as it was changed nothing that can be undone. */
  settings(): string
  /** Reads something that the window shows (`host`, `sendPath`), as plain data. */
  inspect(what: string, argument: unknown): unknown
  /** The machine was put back to an earlier state: forget what was gathered beside it. */
  restored?(): void
}

/** Builds equal machines: same config, same disk, same seed. */
export interface Model<M extends EngineMachine = EngineMachine> {
  readonly counterNames: readonly string[]
  build(hooks: LabHooks): Built<M>
}

/** Bytes of a snapshot. */
export function snapshotBytes(snapshot: MachineSnapshot): number {
  let bytes = 0
  for (const part of Object.values(snapshot.parts))
    for (const array of Object.values(part.arrays)) bytes += array.byteLength
  return bytes
}

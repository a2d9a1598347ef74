/**
 * Messages between the main thread and the worker in which the emulated machines run. Both ends are ours: the types are the check. Requests
 * carry a number and are answered once; notices are not answered. Big arrays are transferred.
 */
import type { BranchLetter, RunState } from '../../preload/contract'
import type { ConsoleCompletion } from './consoleSeam'
import type { ExecutionResult, PlannedCommand } from './branch'

/** A branch as it should be: every command from boot on (inherited ones included), and how far it has come. */
export interface BranchPlan {
  letter: BranchLetter
  commands: PlannedCommand[]
  /** Virtual time to reach before anything else happens. */
  until: number
  /** Time up to which main has samples of it; −1 for none. What lies behind is executed again even where a snapshot would spare it. */
  sampled: number
}

/** What a run of the machine needs, sent once at the start of a worker. `config` and `disk` go to the model unopened. */
export interface StartMessage {
  config: unknown
  /** Bytes of all files, a SharedArrayBuffer. */
  disk: Uint8Array
  /** Distance of samples, virtual ns. */
  sampleEvery: number
  /** Bytes for snapshots of all branches. */
  snapshotBudget: number
}

export interface Requests {
  /** Makes the branches what they should be, by re-execution where they are not; answers when that is done. */
  plan: { branches: BranchPlan[]; state: 'running' | 'paused' | 'idle' }
  execute: { branch: BranchLetter; id: number; text: string }
  interrupt: { branch: BranchLetter; id: number }
  complete: { branch: BranchLetter; text: string; cursor: number }
  run: Record<never, never>
  pause: Record<never, never>
  /** `count` events on the first branch; the others follow to its time. Negative = back. */
  step: { count: number }
  /** Runs, forward or back, to a virtual time and pauses there. */
  until: { t: number }
  speed: { speed: number }
  /** Copies a branch at its present instant. */
  fork: { from: BranchLetter }
  remove: { branch: BranchLetter }
  watch: { branches: BranchLetter[]; connection: number | null }
  /** Reads that belong to the model: host state, send path. */
  inspect: { branch: BranchLetter; what: string; argument: unknown }
  digest: { branch: BranchLetter }
  stats: Record<never, never>
}

export interface Replies {
  plan: Record<never, never>
  /** `branch` differs from the one asked for if that one has commands ahead (it was taken back in time): then a copy was made for it. */
  execute: ExecutionResult & { branch: BranchLetter }
  interrupt: { done: boolean; t: number }
  complete: ConsoleCompletion
  run: Position
  pause: Position
  step: Position
  until: Position
  speed: Record<never, never>
  fork: { letter: BranchLetter; t: number; inherited: number[] }
  remove: Record<never, never>
  watch: Record<never, never>
  inspect: unknown
  digest: { digest: string; eventCount: number; t: number }
  stats: EngineStats
}

export interface Position {
  t: number
  state: RunState
}

export interface EngineStats {
  snapshots: number
  snapshotBytes: number
  /** Of the worker's isolate and what it holds outside, bytes. */
  heapBytes: number
  externalBytes: number
  events: number
}

export type RequestName = keyof Requests

/** Main → worker. */
export type ToWorker = {
  [N in RequestName]: { kind: 'request'; number: number; name: N; body: Requests[N] }
}[RequestName]

/** What moved, at most 60 times a second. */
export interface EngineFrameMessage {
  kind: 'frame'
  /** Wall ms since the frame before. */
  wallMs: number
  state: RunState
  branches: {
    letter: BranchLetter
    t: number
    eventCount: number
    loading: boolean
    times: Float64Array<ArrayBuffer>
    /** Raw counters, row after row. */
    values: Float64Array<ArrayBuffer>
    /** Samples later than this no longer hold and must be dropped before the new ones are taken; null if all hold. */
    keepUntil: number | null
  }[]
}

/** Worker → main. */
export type FromWorker =
  | { kind: 'ready'; counterNames: string[] }
  | { kind: 'answer'; number: number; body: unknown }
  | { kind: 'failure'; number: number; error: { code: string; message: string; remedy: string } }
  | EngineFrameMessage
  /** A new console line began: this is its place in the log. */
  | { kind: 'began'; branch: BranchLetter; id: number; t: number; text: string; interrupt: boolean }
  /** A console line ended, given by anyone or executed again. */
  | { kind: 'executed'; branch: BranchLetter; result: ExecutionResult }
  /**
   * The worker made `letter` from `from` at `t`: by `lab fork` in the command `by`, or (`by` 0) because a command was given in the past. `inherited` commands
   * of `from` belong to it.
   */
  | {
      kind: 'forked'
      from: BranchLetter
      letter: BranchLetter
      t: number
      name: string
      by: number
      inherited: number[]
    }
  | { kind: 'marked'; branch: BranchLetter; t: number; text: string }
  | { kind: 'speed'; speed: number }
  /** A branch whose machine threw: it stands still until its history changes. */
  | { kind: 'stopped'; branch: BranchLetter; t: number; message: string; stack: string }
  /** Something watched was read again. */
  | { kind: 'inspected'; branch: BranchLetter; what: string; body: unknown }

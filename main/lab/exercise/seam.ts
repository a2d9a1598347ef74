/**
 * The seam between a session and an exercise (being built by the exercise engineer since 23:50, with exercises/ and everything in this folder; the session's engineer
 * only has to hand in an {@link ExerciseContext} and forward the contract's `exercise.*` requests).
 */
import type { BranchInfo, BranchLetter, CommandRecord } from '../../../preload/contract'
import type { CounterRows } from '../counters'
import type { HostFacts } from '../metrics'

/** What an exercise may look at. Reads only; every answer is about the present instant. */
export interface ExerciseContext {
  branches(): readonly BranchInfo[]
  commands(): readonly CommandRecord[]
  /** Raw counters of a branch so far, or null if it does not exist. */
  rows(letter: BranchLetter): CounterRows | null
  host: HostFacts
  /** Present value of a knob by the console's name: `cc0.nomap` → `on`/`off`, a sysctl → its text. Null if unknown. */
  knob(letter: BranchLetter, name: string): string | null
  loading(letter: BranchLetter): boolean
  /** The session was saved after its last change. */
  saved(): boolean
  report(): string
}

/** What an exercise remembers; goes into the document as plain data. */
export interface ExerciseRecord {
  id: string
  step: number
  predictions: { id: string; value: string; t: number; wallAt: number }[]
  answers: { id: string; value: string; t: number }[]
}

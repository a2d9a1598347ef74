/**
 * What a console is to its owner, and what it asks of it. Structurally the same as the engine's side of the seam (`consoleSeam.ts`), which the console
 * does not see. A console lives in virtual time: everything it does happens at the machine's present instant.
 */

/** How far a line came. */
export interface ConsoleStep {
  /** What was printed since the previous step, stdout and stderr in the order written. */
  output: string
  /** True when the line is finished; then `status` is its exit status. */
  done: boolean
  /** Exit status; 0 while it is not done. */
  status: number
  /** Virtual time (ns) at which to resume; 0 when done. Never before the machine's present time. */
  wakeAt: number
}

export interface ConsoleCompletion {
  /** Range of the line that a choice replaces. */
  from: number
  to: number
  choices: { text: string; hint: string }[]
}

export interface Console {
  /** Starts a line at the machine's present time. Only one line runs at a time. */
  execute(text: string): ConsoleStep
  /** Goes on after a wait. */
  resume(): ConsoleStep
  /** Control-C: ends the running line, exit status 130. */
  interrupt(): ConsoleStep
  /** Completes the word at `cursor` from the real tables. Reads only. */
  complete(line: string, cursor: number): ConsoleCompletion
}

/** Answer of a lab action, as a command would give it. */
export interface LabAnswer {
  output: string
  status: number
}

/** Actions of the lab itself, reached by the console word `lab`. They do not belong to FreeBSD. */
export interface LabHooks {
  status(): LabAnswer
  run(): LabAnswer
  pause(): LabAnswer
  /** Virtual seconds per wall second; 0 = as fast as possible. */
  speed(factor: number): LabAnswer
  /** Copies this host at this instant into the next free letter. */
  fork(name: string): LabAnswer
  mark(text: string): LabAnswer
  /** Starts or stops the load generator. */
  load(on: boolean): LabAnswer
}

/**
 * The seam between the engine and the console: what the engine asks of a console, and what the `lab` word of the console asks of the
 * engine. `main/console` implements {@link Console}; the engine (worker, headless run) implements {@link LabHooks}.
 *
 * A console lives in virtual time. Everything it does happens at the machine's present instant; a command that takes time (`sleep 1`)
 * says until when it waits, the engine runs the machine up to there and calls {@link Console.resume}. What a console remembers between
 * lines (variables, `$?`) must be in the machine's registry as an observer part, so that a snapshot carries it and the digest does not.
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
  /** Goes on at the machine's present time, which is the `wakeAt` asked for (or later). */
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

/**
 * Actions of the lab itself, reached by the console word `lab`. They do not belong to FreeBSD. During re-execution of a command log the
 * engine answers the same text but does not act again: forks and marks have their own entries in the log.
 */
export interface LabHooks {
  status(): LabAnswer
  run(): LabAnswer
  pause(): LabAnswer
  /** Virtual seconds per wall second; 0 = as fast as possible. */
  speed(factor: number): LabAnswer
  /** Copies this host at this instant into the next free letter. */
  fork(name: string): LabAnswer
  mark(text: string): LabAnswer
  /** Starts or stops the load generator. Acts on the machine, also during re-execution. */
  load(on: boolean): LabAnswer
}

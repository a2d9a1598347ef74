/** What every verb of the command line shares: exit codes, one-line complaints, progress on a terminal. */
import { LabProblem } from '../../lab/problem'

/** Exit codes (DESIGN 5). */
export const exitDone = 0
export const exitFailed = 1
export const exitUsage = 2

export interface Streams {
  out(text: string): void
  err(text: string): void
  /** A person is looking at standard error. */
  terminal: boolean
  /** Columns of the terminal. */
  columns: number
}

export const processStreams: Streams = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  get terminal() {
    return process.stderr.isTTY ?? false
  },
  get columns() {
    return process.stderr.columns ?? 80
  },
}

/** Complains about a problem in one line. Answers the exit code: bad input is 2, a machine that cannot is 1. */
export function complain(streams: Streams, error: unknown): number {
  if (error instanceof LabProblem) {
    streams.err(`lab: ${error.message} ${error.remedy}\n`)
    return /^(disk-|save-|out-of-memory|too-many-files|engine-|already-running|port-)/.test(error.code)
      ? exitFailed
      : exitUsage
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  streams.err(`lab: this is a fault of the lab, please report it: ${text}\n`)
  return exitFailed
}

/** A bar on standard error while somebody is looking, nothing otherwise. */
export class ProgressBar {
  private last = 0
  private shown = false

  constructor(private readonly streams: Streams) {}

  update(share: number, what: string): void {
    if (!this.streams.terminal) return
    const now = Date.now()
    if (now - this.last < 100 && share < 1) return
    this.last = now
    const width = 24
    const filled = Math.round(Math.min(1, share) * width)
    const bar = `[${'#'.repeat(filled)}${'.'.repeat(width - filled)}] ${String(Math.floor(share * 100)).padStart(3)} % ${what}`
    this.streams.err(`\r${bar.slice(0, this.streams.columns - 1).padEnd(this.streams.columns - 1)}`)
    this.shown = true
  }

  clear(): void {
    if (this.shown) this.streams.err(`\r${' '.repeat(this.streams.columns - 1)}\r`)
    this.shown = false
  }
}

/** Control-C: the first asks to stop, a second one ends the process. */
export function stopOnInterrupt(): { stopped(): boolean; release(): void } {
  let stopped = false
  const listener = (): void => {
    if (stopped) process.exit(130)
    stopped = true
  }
  process.on('SIGINT', listener)
  process.on('SIGTERM', listener)
  return {
    stopped: () => stopped,
    release: () => {
      process.off('SIGINT', listener)
      process.off('SIGTERM', listener)
    },
  }
}

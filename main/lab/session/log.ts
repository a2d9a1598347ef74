/**
 * The log of a session: commands, forks, deletions and marks with their virtual times, in the order given. It is the source of truth:
 * everything that a machine is can be computed from it and the scenario.
 */
import { z } from 'zod'
import { branchLetter, commandOrigin, type BranchLetter } from '../../../preload/contract'
import type { PlannedCommand } from '../../engine'

const time = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER)
const number = z.number().int().positive().max(Number.MAX_SAFE_INTEGER)

export const logEntry = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('command'),
    id: number,
    branch: branchLetter,
    t: time,
    text: z.string().max(65_536),
    origin: commandOrigin,
    /** Exit status; null while it runs. */
    status: z.number().int().nullable(),
    /** It changed a knob, a capability or the load: Undo has something to undo. */
    changed: z.boolean(),
    /** Control-C instead of a command. */
    interrupt: z.boolean().optional(),
  }),
  z.strictObject({
    kind: z.literal('fork'),
    id: number,
    /** Letter of the copy. */
    branch: branchLetter,
    from: branchLetter,
    t: time,
    /** Commands that belong to the copy, by id. */
    inherited: z.array(number),
    /** The command (`lab fork`) that made it; undone together. */
    by: number.optional(),
  }),
  z.strictObject({ kind: z.literal('delete'), id: number, branch: branchLetter, t: time }),
  z.strictObject({ kind: z.literal('mark'), id: number, branch: branchLetter, t: time, text: z.string().max(1000) }),
])
export type LogEntry = z.infer<typeof logEntry>
export type CommandEntry = Extract<LogEntry, { kind: 'command' }>
export type ForkEntry = Extract<LogEntry, { kind: 'fork' }>

/** Letters of the branches that live at the end of a log, sorted. */
export function lettersOf(log: readonly LogEntry[]): BranchLetter[] {
  const alive = new Set<BranchLetter>(['A'])
  for (const entry of log) {
    if (entry.kind === 'fork') alive.add(entry.branch)
    else if (entry.kind === 'delete') alive.delete(entry.branch)
  }
  return [...alive].sort()
}

/** Index of the fork that made the present bearer of a letter; −1 for the first branch. */
function birthOf(log: readonly LogEntry[], letter: BranchLetter): number {
  return log.findLastIndex((entry) => entry.kind === 'fork' && entry.branch === letter)
}

/** How a branch came to be, or undefined for the first one. */
export function forkOf(log: readonly LogEntry[], letter: BranchLetter): ForkEntry | undefined {
  const entry = log[birthOf(log, letter)]
  return entry?.kind === 'fork' ? entry : undefined
}

/** Every command of a branch from boot on, inherited ones included, in the order of execution. */
export function commandsOf(log: readonly LogEntry[], letter: BranchLetter): CommandEntry[] {
  const birth = birthOf(log, letter)
  const inherited = new Set(forkOf(log, letter)?.inherited)
  return log
    .filter(
      (entry, index): entry is CommandEntry =>
        entry.kind === 'command' && (inherited.has(entry.id) || (entry.branch === letter && index > birth)),
    )
    .sort((a, b) => a.t - b.t || a.id - b.id)
}

/** What the engine executes for a branch. */
export function planOf(log: readonly LogEntry[], letter: BranchLetter): PlannedCommand[] {
  return commandsOf(log, letter).map(({ id, t, text, interrupt }) => ({
    id,
    t,
    text,
    ...(interrupt === true && { interrupt }),
  }))
}

/** Entries that Undo would take away: the last change, and what hangs on it. Empty if there is nothing. */
export function lastChange(log: readonly LogEntry[]): LogEntry[] {
  const index = log.findLastIndex(
    (entry) => entry.kind === 'fork' || entry.kind === 'delete' || (entry.kind === 'command' && entry.changed),
  )
  if (index < 0) return []
  const last = log[index]
  const together = last.kind === 'fork' && last.by !== undefined ? log.filter((entry) => entry.id === last.by) : []
  // What was done on a copy goes with the copy; without its fork it would have no host.
  const later = last.kind === 'fork' ? log.slice(index + 1).filter((entry) => entry.branch === last.branch) : []
  return [...together, last, ...later]
}

/** What Undo and Redo say they do. */
export function nameOf(entries: readonly LogEntry[]): { text: string; branch: BranchLetter } | null {
  const entry = entries.find((candidate) => candidate.kind !== 'mark')
  if (entry === undefined) return null
  switch (entry.kind) {
    case 'command':
      return { text: entry.text, branch: entry.branch }
    case 'fork':
      return { text: `fork ${entry.branch}`, branch: entry.branch }
    case 'delete':
      return { text: `delete ${entry.branch}`, branch: entry.branch }
  }
}

/** Checks what the schema cannot. Answers how many entries from the start are good, and what is wrong with the next one. */
export function checkLog(log: readonly LogEntry[]): { good: number; fault: string | null } {
  const alive = new Set<BranchLetter>(['A'])
  const ids = new Set<number>()
  for (let i = 0; i < log.length; i++) {
    const entry = log[i]
    const wrong = (fault: string): { good: number; fault: string } => ({ good: i, fault })
    if (ids.has(entry.id)) return wrong(`entry ${entry.id} stands there twice`)
    if (entry.kind === 'fork') {
      if (!alive.has(entry.from)) return wrong(`run ${entry.branch} comes from run ${entry.from}, which does not exist`)
      if (alive.has(entry.branch)) return wrong(`run ${entry.branch} is made twice`)
      const unknown = entry.inherited.find((id) => !ids.has(id))
      if (unknown !== undefined) return wrong(`run ${entry.branch} inherits command ${unknown}, which does not exist`)
      alive.add(entry.branch)
    } else if (!alive.has(entry.branch)) return wrong(`run ${entry.branch} does not exist`)
    if (entry.kind === 'delete') alive.delete(entry.branch)
    ids.add(entry.id)
  }
  if (alive.size === 0) return { good: log.length - 1, fault: 'no run is left' }
  return { good: log.length, fault: null }
}

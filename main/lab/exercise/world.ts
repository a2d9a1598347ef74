/**
 * The seam between a session and an exercise: what an exercise may look at, and the few questions that checks, predictions and commands all ask of it.
 * Reads only; every answer is about the present instant.
 */
import type { BranchLetter } from '../../../preload/contract'
import type { CounterRows } from '../counters'
import { metricOf, type HostFacts } from '../metrics'
import { commandsOf, forkOf, type CommandEntry, type ForkEntry, type LogEntry } from '../session/log'
import type { Prediction } from '../session/model'
import type { CommandShape } from './commandShape'
import type { Expression } from './expression'
import type { BranchName, Since } from './schema'

export interface World {
  log: readonly LogEntry[]
  /** Runs that exist, sorted. */
  letters: readonly BranchLetter[]
  /** Virtual time reached. */
  t(letter: BranchLetter): number
  rows(letter: BranchLetter): CounterRows | undefined
  /** Settings by the console's names, as last read. */
  settings(letter: BranchLetter): { [name: string]: string } | undefined
  loading(letter: BranchLetter): boolean
  predictions: readonly Prediction[]
  answers: { readonly [question: string]: string }
  /** Things done that leave no trace in the log: `compare`, `save`, `undo`. */
  used: readonly string[]
  /** Checks that passed before, with the evidence of that moment. */
  passed: { readonly [check: string]: string }
  notes: string
  report: string
  host: HostFacts
}

/** The run that was forked last and still exists. */
export function latestFork(world: World): ForkEntry | undefined {
  return world.log.findLast(
    (entry): entry is ForkEntry =>
      entry.kind === 'fork' && world.letters.includes(entry.branch) && forkOf(world.log, entry.branch) === entry,
  )
}

/** Letter of a run by its name, or null if it does not exist. */
export function letterOf(world: World, name: BranchName): BranchLetter | null {
  const fork = latestFork(world)
  const letter = name === 'fork' ? fork?.branch : name === 'base' ? (fork?.from ?? world.letters[0]) : name
  return letter !== undefined && world.letters.includes(letter) ? letter : null
}

/** Commands of a shape that ended well, in the order of the log. Those of one run include what it inherited. */
export function findCommands(world: World, shape: CommandShape, letter?: BranchLetter): CommandEntry[] {
  const all =
    letter === undefined
      ? world.log.filter((entry): entry is CommandEntry => entry.kind === 'command')
      : commandsOf(world.log, letter)
  return all.filter(({ status, interrupt, text }) => status === 0 && interrupt !== true && shape.matches(text))
}

/** When the load of a run was last started, or null. */
export function loadStart(world: World, letter: BranchLetter): number | null {
  const entry = commandsOf(world.log, letter).findLast(
    ({ text, status }) => status === 0 && /(^|[;&]\s*)lab load start\b/.test(text),
  )
  return entry?.t ?? null
}

/** Beginning of a stretch on a run, virtual ns; null if what it begins with has not happened. */
export function beginningOf(world: World, letter: BranchLetter, since: Since): number | null {
  if (since === 'boot') return 0
  if (since === 'load') return loadStart(world, letter)
  // A run that was not forked itself is looked at from the fork that was made of it.
  if (since === 'fork') return (forkOf(world.log, letter) ?? latestFork(world))?.t ?? null
  if ('command' in since) return findCommands(world, since.command, letter).at(-1)?.t ?? null
  const mark = world.log.findLast(
    (entry) => entry.kind === 'mark' && entry.branch === letter && entry.text === since.mark,
  )
  return mark?.t ?? null
}

/** Value of an expression over the samples from `from` on: metrics are computed, counters give their growth. Null before anything can be said. */
export function valueOf(world: World, letter: BranchLetter, quantity: Expression, from: number): number | null {
  const rows = world.rows(letter)
  const window = rows?.window(from, world.t(letter)) ?? null
  if (rows === undefined || window === null) return null
  return quantity.compute((name) => {
    const metric = metricOf(name)
    if (metric !== undefined) return metric.compute(window, world.host)
    return rows.names.includes(name) ? window.delta(name) : null
  })
}

export interface Pair {
  base: BranchLetter
  other: BranchLetter
  a: number
  b: number
  /** Virtual time until it is judged, and the share of the wait that has passed. */
  left: number
  share: number
  /** When it is judged. */
  due: number
}

/** A quantity on two runs since the same instant, judged once `wait` has passed. Null before anything can be said. */
export function pairOf(
  world: World,
  what: { quantity: Expression; base: BranchName; other: BranchName; skip: number; wait: number },
  since: Since,
): Pair | null {
  const base = letterOf(world, what.base)
  const other = letterOf(world, what.other)
  if (base === null || other === null || base === other) return null
  const begin = beginningOf(world, other, since)
  if (begin === null) return null
  const now = Math.min(world.t(base), world.t(other))
  const due = begin + what.skip + what.wait
  const a = valueOf(world, base, what.quantity, begin + what.skip)
  const b = valueOf(world, other, what.quantity, begin + what.skip)
  if (a === null || b === null) return null
  const whole = what.skip + what.wait
  return { base, other, a, b, left: Math.max(0, due - now), share: whole === 0 ? 1 : (now - begin) / whole, due }
}

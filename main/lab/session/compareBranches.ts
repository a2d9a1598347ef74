/** Runs of one session against each other, over the virtual time that they share. */
import type { BranchLetter, Comparison } from '../../../preload/contract'
import type { HostView, SettingsView } from '../../engine'
import { compareRuns, type ComparedRun } from '../compare'
import { computeMetrics, type CounterRows } from '../counters'
import { runMetrics, type HostFacts } from '../metrics'
import { LabProblem } from '../problem'
import { formatTime } from '../units'
import { modelRevision } from '../version'
import { commandsOf, forkOf } from './log'
import type { SessionModel } from './model'

export interface ComparedBranch {
  letter: BranchLetter
  name: string
  rows: CounterRows
  /** Virtual time reached. */
  t: number
  host: HostView | null
  settings: SettingsView | null
}

/** Metrics that a running host has; leaks can only be told once it is empty. */
const metrics = runMetrics.filter(({ name }) => !name.startsWith('leaked_'))

/** What was done to the load of a run: equal texts mean equal load. */
function loadOf(model: SessionModel, letter: BranchLetter, until: number): string {
  const { workload } = model.scenario
  const changes = commandsOf(model.log, letter)
    .filter(({ text, t, status }) => /\blab\s+load\b/.test(text) && t <= until && status === 0)
    .map(({ text, t }) => `${text.trim().replace(/^lab load /, '')} at ${formatTime(t)}`)
  return `${workload.connections} connections, ${changes.length === 0 ? 'not started' : changes.join(', ')}`
}

/**
 * @param branches the base first
 * @param align `fork`: from the instant at which the runs parted; `start`: from boot
 * @throws LabProblem window-empty if the runs share no measured time
 */
export function compareBranches(
  model: SessionModel,
  branches: readonly ComparedBranch[],
  host: HostFacts,
  align: 'fork' | 'start',
  per: 'second' | 'request' | 'gib' | undefined,
): Comparison {
  const from = align === 'start' ? 0 : Math.max(...branches.map(({ letter }) => forkOf(model.log, letter)?.t ?? 0))
  const to = Math.min(...branches.map(({ t }) => t))
  const windows = branches.map(({ rows }) => rows.window(from, to))
  if (windows.some((window) => window === null))
    throw new LabProblem(
      'window-empty',
      `The runs ${branches.map(({ letter }) => letter).join(' and ')} have no measured time in common yet.`,
      'Let them run on for a while.',
    )
  const { seed } = model.scenario
  const runs = branches.map(({ letter, name, settings }, i): ComparedRun => ({
    letter,
    name: name === '' ? letter : name,
    // Not the run with the star, but the one that the others are held against now: a window may have swapped them.
    baseline: i === 0,
    facts: {
      revision: modelRevision,
      scenario: model.scenarioId,
      seed: String(seed),
      load: loadOf(model, letter, to),
      duration: formatTime(to - from),
    },
    knobs: settings?.now ?? {},
    repetitions: [{ seed, metrics: computeMetrics(metrics, windows[i]!, host) }],
  }))
  return compareRuns(runs, { window: { from, to }, ...(per !== undefined && { per }) })
}

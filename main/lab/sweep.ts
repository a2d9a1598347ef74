/**
 * What `lab run` does: every combination of the knobs × every repetition, one after the other, then the comparison of the combinations with the
 * first one. The result is the JSON of DESIGN 5 (schema 1).
 */
import type { Comparison } from '../../preload/contract'
import { compareRuns, type ComparedRun } from './compare'
import type { LoadedFiles } from './files'
import { runOnce, Stopped, type RunOutcome, type RunRecord } from './run'
import { loadScenarioFiles } from './scenario/config'
import type { LoadedScenario } from './scenario/load'
import { applyKnobs, type Knobs, type KnownKnobs } from './scenario/overrides'
import type { Scenario } from './scenario/schema'
import { formatRate, formatTime } from './units'
import { modelRevision } from './version'

export interface SweepRequest {
  loaded: LoadedScenario
  /** Combinations of knobs; the first one is the baseline. */
  choices: readonly Knobs[]
  /** Seed of the first repetition; the others count up. */
  seed: number
  reps: number
  known: KnownKnobs
}

export interface RunResult {
  schema: 1
  scenario: string
  revision: string
  runs: RunRecord[]
  comparison: Comparison[]
  /** Present when the sweep was stopped before its end. */
  incomplete?: true
}

export interface SweepHooks {
  /** Share of the whole sweep, 0 … 1, and what is being done. */
  progress(share: number, what: string): void
  stopped(): boolean
  finished(outcome: RunOutcome, scenario: Scenario): void
}

/** What must be equal for runs to be comparable, in the order in which it is shown. */
export function factsOf(scenario: Scenario, id: string, seeds: readonly number[]): { [name: string]: string } {
  const { workload, link } = scenario
  return {
    revision: modelRevision,
    scenario: id,
    seeds: seeds.join(', '),
    load: `${workload.method}, ${workload.connections} connections, link of ${formatRate(link.rate)}`,
    duration: formatTime(scenario.duration),
    'warm-up': formatTime(scenario.warmup),
    'cost model': scenario.cost.on ? 'on' : 'off',
  }
}

/** A combination of knobs in words. */
export function choiceName(knobs: Knobs): string {
  const words = Object.entries(knobs).map(([name, value]) => `${name}=${value}`)
  return words.length === 0 ? 'no knobs set' : words.join(' ')
}

/** Facts that a knob of the sweep changes on purpose: then they are no reason to doubt the comparison. */
function meant(knob: string): string[] {
  if (knob.startsWith('workload.') || knob.startsWith('link.')) return ['load']
  if (knob === 'duration') return ['duration']
  if (knob === 'warmup') return ['warm-up']
  if (knob.startsWith('cost.')) return ['cost model']
  return []
}

/**
 * Runs a sweep.
 * @throws LabProblem for a knob, value or file that cannot be used
 * @returns what was done; when stopped, the runs that were finished
 */
export async function sweep(request: SweepRequest, hooks: SweepHooks): Promise<RunResult> {
  const { loaded, choices, reps, known } = request
  // All combinations are checked before the first one is run.
  const scenarios = choices.map((knobs) => applyKnobs(loaded, knobs, known))
  const varied = Object.keys(choices[0] ?? {}).filter((name) => new Set(choices.map((knobs) => knobs[name])).size > 1)
  const seeds = Array.from({ length: reps }, (_, rep) => (request.seed + rep) >>> 0)
  const result: RunResult = { schema: 1, scenario: loaded.id, revision: modelRevision, runs: [], comparison: [] }
  const compared: ComparedRun[] = []
  const total = choices.length * reps
  let files: LoadedFiles | null = null
  let filesKey = ''
  for (const [index, scenario] of scenarios.entries()) {
    // Files are read once where the knobs do not change them.
    const key = JSON.stringify(scenario.files)
    if (files === null || key !== filesKey) files = await loadScenarioFiles(scenario, loaded.folder)
    filesKey = key
    const knobs = choices[index]
    const facts = factsOf(scenario, loaded.id, seeds)
    for (const fact of varied.flatMap(meant)) delete facts[fact]
    const shown = Object.fromEntries(Object.entries(knobs).filter(([name]) => varied.includes(name)))
    const run: ComparedRun = {
      letter: null,
      name: varied.length > 0 ? choiceName(shown) : loaded.id,
      baseline: index === 0,
      facts,
      knobs,
      repetitions: [],
    }
    compared.push(run)
    for (const [rep, seed] of seeds.entries()) {
      const done = result.runs.length
      const what = `run ${done + 1} of ${total}: ${choiceName(knobs)}, seed ${seed}`
      try {
        const outcome = await runOnce(
          { scenario, knobs, seed, rep, files },
          { progress: (share) => hooks.progress((done + share) / total, what), stopped: () => hooks.stopped() },
        )
        result.runs.push(outcome.record)
        run.repetitions.push({ seed, metrics: outcome.record.metrics })
        hooks.finished(outcome, { ...scenario, seed })
      } catch (error) {
        if (!(error instanceof Stopped)) throw error
        return { ...result, incomplete: true }
      }
    }
  }
  if (compared.length > 1) result.comparison.push(compareRuns(compared))
  return result
}

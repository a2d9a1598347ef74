/**
 * A headless run of a scenario: boot, warm up, measure for `duration`, then stop the load and drain until nothing is in flight, so that what
 * is still allocated is a leak. It moves the machine exactly as the window's engine does.
 */
import { isDrained, memoryUse, type Machine } from '../emulator'
import { Branch, counterNames, realModel, type LabAnswer } from '../engine'
import { computeMetrics, CounterRows } from './counters'
import type { LoadedFiles } from './files'
import { runMetrics, type HostFacts } from './metrics'
import { LabProblem } from './problem'
import { checkBoot, scenarioToConfig } from './scenario/config'
import type { Knobs } from './scenario/overrides'
import type { Scenario } from './scenario/schema'

/** One entry of `runs` in the result JSON (schema 1). Keys may be added, these stay. */
export interface RunRecord {
  knobs: Knobs
  seed: number
  rep: number
  /** Digest of the state at the end of the measured window, 32 hexadecimal digits. */
  digest: string
  /** Virtual seconds until then. */
  virtual_s: number
  wall_s: number
  /** Events handled and frames delivered until then. */
  events: number
  packets: number
  metrics: { [name: string]: number | null }
  /** Cost parameters that differ from their defaults. */
  overrides: { [name: string]: number }
}

export interface RunRequest {
  scenario: Scenario
  knobs: Knobs
  seed: number
  rep: number
  files: LoadedFiles
}

export interface RunHooks {
  /** Share done, 0 … 1; called often. */
  progress(share: number): void
  /** Looked at every few dozen milliseconds: true ends the run at once. */
  stopped(): boolean
}

export interface RunOutcome {
  record: RunRecord
  /** Raw samples of the run, for its series. */
  rows: CounterRows
  host: HostFacts
}

/** The user pressed Control-C. */
export class Stopped extends Error {
  override name = 'Stopped'
}

/** Longest that a run goes on, virtual ns, after its load was stopped. Beyond it something hangs, and what hangs counts as leaked. */
const drainLimitNs = 600e9
const sliceWallMs = 40

const silent: LabAnswer = { output: 'this word needs a session with a window\n', status: 1 }

/** Gives way to signals and timers. */
const breathe = (): Promise<void> => new Promise((go) => setImmediate(go))

export function hostFacts(scenario: Scenario): HostFacts {
  const { cpus, clock, cost } = scenario.hosts[0]
  return { ncpu: cpus, hz: clock, costOn: cost && scenario.cost.on }
}

/** Moves a branch to `target` in short slices. */
async function advance(branch: Branch<Machine>, target: number, hooks: RunHooks, report: () => void): Promise<void> {
  for (;;) {
    const deadline = performance.now() + sliceWallMs
    if (branch.advance(target, () => performance.now() >= deadline)) return
    report()
    await breathe()
    if (hooks.stopped()) throw new Stopped()
  }
}

/** Runs once. @throws Stopped, LabProblem (a knob was not accepted), or what the machine throws (a defect of the model) */
export async function runOnce(request: RunRequest, hooks: RunHooks): Promise<RunOutcome> {
  const scenario: Scenario = { ...request.scenario, seed: request.seed }
  const { warmup, duration, sample } = scenario
  const config = scenarioToConfig(scenario, request.files)
  const wallBegin = performance.now()
  const branch = new Branch(realModel(config, request.files.disk), sample, {
    began: () => {},
    finished: () => {},
    act: () => silent,
  })
  const { machine } = branch
  checkBoot(machine, scenario)
  const base = machine.kernels.map(memoryUse)
  const end = warmup + duration
  const report = (): void => hooks.progress(Math.min(0.98, (machine.time / end) * 0.95))
  // The edges of the window are samples, wherever the grid falls.
  await advance(branch, warmup, hooks, report)
  branch.sampleNow()
  await advance(branch, end, hooks, report)
  branch.sampleNow()
  const wall = performance.now() - wallBegin

  const rows = new CounterRows(counterNames)
  const batch = branch.samples.take()
  rows.append(batch.times, batch.values)
  const host = hostFacts(scenario)
  const window = rows.window(warmup, end)
  if (window === null)
    throw new LabProblem(
      'window-empty',
      `The measured window of ${duration} ns holds no sample.`,
      'Make duration longer.',
    )
  const metrics = computeMetrics(runMetrics, window, host)
  const last = rows.length - 1
  const record: RunRecord = {
    knobs: request.knobs,
    seed: request.seed,
    rep: request.rep,
    digest: machine.digest(),
    virtual_s: end / 1e9,
    wall_s: wall / 1000,
    events: machine.eventCount,
    packets: rows.value(last, 'frames'),
    metrics,
    overrides: { ...scenario.cost.parameters },
  }
  await drain(branch, hooks, end, (config.workload.requests ?? 0) > 0)
  const left = machine.kernels.map(memoryUse)
  const more = (key: 'mbufs' | 'wiredPages'): number => left.reduce((sum, use, i) => sum + use[key] - base[i][key], 0)
  metrics['leaked_mbufs'] = more('mbufs')
  metrics['leaked_wired_pages'] = more('wiredPages')
  // Bytes count whenever they arrive, also before and after the window.
  const { bytes_corrupt, bytes_verified } = machine.kernels[1].apps.client.stat
  metrics['bytes_corrupt'] = bytes_corrupt
  metrics['bytes_verified'] = bytes_verified
  hooks.progress(1)
  return { record, rows, host }
}

/** Goes on until nothing is in flight. A load without an end of its own is stopped; one with an end is done to the end. */
async function drain(branch: Branch<Machine>, hooks: RunHooks, end: number, ends: boolean): Promise<void> {
  const { machine } = branch
  if (!ends) branch.built.setLoad(false)
  // Steps of growing length: a quick machine is not run through minutes of silence, a lossy one gets its time.
  let step = 1e6
  while (!isDrained(machine) && machine.time < end + drainLimitNs) {
    await advance(branch, machine.time + step, hooks, () => hooks.progress(0.98))
    step = Math.min(step * 2, 1e9)
  }
  // Late acknowledgements and transmit completions.
  await advance(branch, machine.time + 50e6, hooks, () => {})
}

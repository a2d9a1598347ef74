/** `lab run`: a scenario without a window, with sweeps and repetitions. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { comparisonText, formatNumber } from '../../lab/compareReport'
import { makeFolder } from '../../lab/makeFolder'
import { metricOf, metrics, runMetrics } from '../../lab/metrics'
import { fileProblem, LabProblem } from '../../lab/problem'
import { runFileName, runLines } from '../../lab/results'
import type { RunRecord } from '../../lab/run'
import { knownKnobs } from '../../lab/scenario/known'
import { loadScenario, type LoadedScenario } from '../../lab/scenario/load'
import { multiply, parseSet } from '../../lab/scenario/overrides'
import { estimate } from '../../lab/statistics'
import { choiceName, sweep, type RunResult } from '../../lab/sweep'
import { formatTable } from '../../lab/table'
import { exitDone, exitFailed, ProgressBar, stopOnInterrupt, type Streams } from './output'

export interface RunOptions {
  seed?: number
  reps: number
  set: string[]
  duration?: string
  output?: string
  json: boolean
  metrics: boolean
}

/** Metrics that the table always shows, whatever the scenario names. */
const always = ['bytes_verified', 'bytes_corrupt', 'leaked_mbufs', 'leaked_wired_pages']

export function metricsTable(): string {
  return formatTable(
    ['name', 'unit', 'better', 'how computed', 'source'],
    metrics.map(({ name, unit, better, description, source }) => [name, unit, better, description, source]),
  )
}

export async function runVerb(
  name: string | undefined,
  options: RunOptions,
  scenarios: string,
  streams: Streams,
): Promise<number> {
  if (options.metrics) {
    streams.out(metricsTable())
    return exitDone
  }
  if (name === undefined)
    throw new LabProblem('bad-usage', 'run needs the name of a scenario.', 'Write for instance: lab run first-lab')
  const loaded = loadScenario(name, scenarios)
  const axes = [...options.set, ...(options.duration === undefined ? [] : [`duration=${options.duration}`])].map(
    parseSet,
  )
  if (options.output !== undefined) makeFolder(options.output)
  const bar = new ProgressBar(streams)
  const interrupt = stopOnInterrupt()
  let written = 0
  let result: RunResult
  try {
    result = await sweep(
      {
        loaded,
        choices: multiply(axes),
        seed: options.seed ?? loaded.scenario.seed,
        reps: options.reps,
        known: knownKnobs(),
      },
      {
        progress: (share, what) => bar.update(share, what),
        stopped: () => interrupt.stopped(),
        finished: (outcome, scenario) => {
          if (options.output === undefined) return
          const path = join(options.output, runFileName(++written, outcome.record))
          writeResult(path, runLines(outcome, scenario, loaded.id))
        },
      },
    )
  } finally {
    bar.clear()
    interrupt.release()
  }
  if (options.output !== undefined)
    writeResult(join(options.output, 'result.json'), JSON.stringify(result, null, 2) + '\n')
  streams.out(options.json ? JSON.stringify(result, null, 2) + '\n' : resultText(result, loaded))
  if (result.incomplete === true) {
    streams.err(`lab: stopped; ${result.runs.length} runs are complete.\n`)
    return exitFailed
  }
  return judge(result, streams)
}

/** Wrong bytes and leaks are failures, whatever the numbers say. */
function judge(result: RunResult, streams: Streams): number {
  let code: number = exitDone
  for (const record of result.runs)
    for (const name of ['bytes_corrupt', 'leaked_mbufs', 'leaked_wired_pages']) {
      const value = record.metrics[name]
      if (value === 0 || value === null) continue
      streams.err(
        `lab: ${name} is ${value} in the run with ${choiceName(record.knobs)}, seed ${record.seed}: a defect of the model.\n`,
      )
      code = exitFailed
    }
  return code
}

function resultText(result: RunResult, { scenario }: LoadedScenario): string {
  const wanted = [...new Set([...scenario.metrics, ...always])].filter((name) =>
    runMetrics.some((m) => m.name === name),
  )
  const [comparison] = result.comparison
  const footer = footerOf(result)
  if (comparison !== undefined) {
    const chosen = { ...comparison, metrics: comparison.metrics.filter(({ name }) => wanted.includes(name)) }
    chosen.metrics.sort((a, b) => wanted.indexOf(a.name) - wanted.indexOf(b.name))
    return `${comparisonText(chosen)}\n${footer}`
  }
  const rows = wanted.map((name) => {
    const values = result.runs.flatMap((run) => (typeof run.metrics[name] === 'number' ? [run.metrics[name]] : []))
    const { mean, interval } = estimate(values)
    const spread = interval === null ? '' : `± ${formatNumber(interval, 3)}`
    const metric = metricOf(name)!
    return [metric.title, values.length === 0 ? '–' : formatNumber(mean), spread, metric.unit]
  })
  return `${formatTable(['metric', 'value', '95 %', 'unit'], rows)}\n${footer}`
}

function footerOf({ runs }: RunResult): string {
  const line = ({ knobs, seed, digest, virtual_s, wall_s, events }: RunRecord): string =>
    `${choiceName(knobs)}, seed ${seed}: ${formatNumber(events)} events, ${virtual_s} s virtual in ${formatNumber(wall_s, 3)} s, digest ${digest}\n`
  return runs.map(line).join('')
}

function writeResult(path: string, text: string): void {
  try {
    writeFileSync(path, text)
  } catch (error) {
    throw fileProblem(error, path, 'write') ?? error
  }
}

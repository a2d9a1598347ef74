/** Results on disk: the JSON of `lab run --json` and the NDJSON that `lab run -o` writes, read back for `lab compare`. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { z } from 'zod'
import type { ComparedRun } from './compare'
import type { CounterRows } from './counters'
import { seriesOf } from './counters'
import { seriesMetrics, type HostFacts } from './metrics'
import { fileProblem, LabProblem, textOf } from './problem'
import type { RunOutcome, RunRecord } from './run'
import type { Scenario } from './scenario/schema'
import { choiceName, factsOf } from './sweep'
import { applicationVersion, modelRevision } from './version'

const metricValues = z.record(z.string(), z.number().nullable())
const knobs = z.record(z.string(), z.string())

const recordSchema = z.looseObject({
  knobs,
  seed: z.number(),
  rep: z.number(),
  digest: z.string(),
  virtual_s: z.number(),
  metrics: metricValues,
})
const resultSchema = z.looseObject({
  schema: z.literal(1),
  scenario: z.string(),
  revision: z.string(),
  runs: z.array(recordSchema),
  comparison: z.array(z.looseObject({ facts: z.array(z.object({ name: z.string(), text: z.string() })) })).optional(),
})
const startLine = z.looseObject({
  event: z.literal('start'),
  scenario: z.string(),
  revision: z.string(),
  seed: z.number(),
  rep: z.number(),
  knobs,
  facts: z.record(z.string(), z.string()),
})
const endLine = z.looseObject({ event: z.literal('end'), metrics: metricValues })

/**
 * A run as NDJSON (`experience` 6.6): the first line names revision, seed and knobs; then one line a sample; the last line holds the metrics.
 * Sample values stand in the order of `series` of the first line; null where there is nothing to say.
 */
export function runLines(outcome: RunOutcome, scenario: Scenario, id: string): string {
  const { record, rows, host } = outcome
  const start = {
    event: 'start',
    schema: 1,
    scenario: id,
    revision: modelRevision,
    application: applicationVersion,
    seed: record.seed,
    rep: record.rep,
    knobs: record.knobs,
    facts: factsOf(scenario, id, [record.seed]),
    warmup_ns: scenario.warmup,
    duration_ns: scenario.duration,
    series: seriesMetrics.map(({ name, unit }) => ({ name, unit })),
  }
  const { metrics, knobs: _, seed: __, rep: ___, ...rest } = record
  const end = { event: 'end', ...rest, metrics }
  return [JSON.stringify(start), ...sampleLines(rows, host), JSON.stringify(end)].join('\n') + '\n'
}

function sampleLines(rows: CounterRows, host: HostFacts): string[] {
  const { times, values } = seriesOf(rows, seriesMetrics, host)
  const width = seriesMetrics.length
  return Array.from(times, (t, i) => {
    const row = Array.from(values.subarray(i * width, (i + 1) * width), (value) => (Number.isNaN(value) ? null : value))
    return JSON.stringify({ event: 'sample', t_ns: t, values: row })
  })
}

/** File name of a run: `003-kern.ipc.mb_use_ext_pgs=1-seed7.ndjson`. */
export function runFileName(index: number, record: RunRecord): string {
  const knobText = Object.entries(record.knobs)
    .map(([name, value]) => `${name}=${value}`)
    .join('-')
    .replace(/[^\w.=+-]+/g, '_')
    .slice(0, 120)
  return `${String(index).padStart(3, '0')}${knobText === '' ? '' : `-${knobText}`}-seed${record.seed}.ndjson`
}

interface FoundRun {
  label: string
  facts: { [name: string]: string }
  knobs: { [name: string]: string }
  seed: number
  metrics: { [name: string]: number | null }
}

/** Reads files and folders of results and groups them: one compared run for each choice of knobs in each source. */
export function readResults(paths: readonly string[]): ComparedRun[] {
  const groups = new Map<string, FoundRun[]>()
  for (const path of paths) {
    for (const run of readPath(path)) {
      // From one source the knobs tell runs apart; from several the source does too.
      const key = paths.length > 1 ? `${path}\n${run.label}` : run.label
      groups.set(key, [...(groups.get(key) ?? []), run])
    }
  }
  const single = new Map<string, number>()
  for (const key of groups.keys()) {
    const source = key.split('\n')[0]
    single.set(source, (single.get(source) ?? 0) + 1)
  }
  return [...groups].map(([key, runs], i): ComparedRun => {
    const [source, label] = key.split('\n')
    const name =
      paths.length === 1 ? runs[0].label : single.get(source) === 1 ? basename(source) : `${basename(source)} ${label}`
    const seeds = [...new Set(runs.map(({ seed }) => seed))].sort((a, b) => a - b)
    return {
      letter: null,
      name,
      baseline: i === 0,
      facts: { ...runs[0].facts, seeds: seeds.join(', ') },
      knobs: runs[0].knobs,
      repetitions: runs.map(({ seed, metrics }) => ({ seed, metrics })),
    }
  })
}

function notAResult(path: string, why: string): LabProblem {
  return new LabProblem(
    'not-a-result',
    `${path} holds no result of lab run: ${why}.`,
    'Give a file that lab run --json wrote, or a folder made with lab run -o.',
  )
}

function readPath(path: string): FoundRun[] {
  try {
    if (statSync(path).isDirectory()) {
      const names = readdirSync(path)
        .filter((name) => name.endsWith('.ndjson'))
        .sort()
      if (names.length === 0) throw notAResult(path, 'the folder has no .ndjson file')
      return names.map((name) => readRunLines(join(path, name)))
    }
    if (path.endsWith('.ndjson')) return [readRunLines(path)]
    return readJson(path)
  } catch (error) {
    if (error instanceof LabProblem) throw error
    throw fileProblem(error, path, 'read') ?? notAResult(path, textOf(error))
  }
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw notAResult(path, 'it is not JSON')
  }
}

function readJson(path: string): FoundRun[] {
  const parsed = resultSchema.safeParse(parse(readFileSync(path, 'utf8'), path))
  if (!parsed.success) throw notAResult(path, 'fields are missing')
  const { scenario, revision, runs } = parsed.data
  return runs.map(({ knobs: choice, seed, metrics, virtual_s }) => ({
    label: choiceName(choice),
    facts: { revision, scenario, duration: `${virtual_s} s with warm-up` },
    knobs: choice,
    seed,
    metrics,
  }))
}

function readRunLines(path: string): FoundRun {
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
  const start = startLine.safeParse(parse(lines[0], path))
  const end = endLine.safeParse(parse(lines[lines.length - 1], path))
  if (!start.success) throw notAResult(path, 'its first line is not a start')
  if (!end.success) throw notAResult(path, 'it has no end; the run was cut short')
  const { facts, knobs: choice, seed } = start.data
  return { label: choiceName(choice), facts, knobs: choice, seed, metrics: end.data.metrics }
}

/**
 * Comparing runs: first whether they can be compared, then what was changed on purpose, then each metric with its signed difference and a verdict
 * in words. One pair of equal seeds is exact (the machine is deterministic); several seeds are compared pair by pair with a 95 % interval.
 */
import type { BranchLetter, Comparison, ComparisonMetric } from '../../preload/contract'
import { metricOf, type Metric } from './metrics'
import { mean, pairedDifference, welchDifference, type Estimate } from './statistics'

/** One run, or several with different seeds and otherwise equal settings. */
export interface ComparedRun {
  letter: BranchLetter | null
  name: string
  baseline: boolean
  /** What must be equal for a comparison to mean something, in the order shown: revision, scenario, seed, load … */
  facts: { [name: string]: string }
  /** Knobs by the console's names, all of them. */
  knobs: { [name: string]: string }
  /** One entry a repetition; the same seed on both sides makes a pair. */
  repetitions: { seed: number; metrics: { [name: string]: number | null } }[]
}

export interface CompareOptions {
  /** Metrics to compare, in order; all that any run has by default. */
  metrics?: readonly string[]
  per?: 'second' | 'request' | 'gib'
  window?: { from: number; to: number }
}

/** Where the kernel tests a knob, for the table of knobs that differ. Source: DESIGN look 4.3; kernel reference. */
function testedIn(knob: string): string {
  if (knob === 'kern.ipc.mb_use_ext_pgs') return 'vn_sendfile'
  const keyword = /^[a-z]+\d+\.(\w+)$/.exec(knob)?.[1]
  if (keyword !== undefined) {
    if (['nomap', 'txcsum', 'txcsum6'].includes(keyword)) return 'ip_output'
    if (['tso4', 'tso6'].includes(keyword)) return 'tcp_output'
    if (keyword === 'lro') return 'service_iq_fl'
    return 'driver'
  }
  if (/^net\.inet\.tcp\.(send|recv)space$|^kern\.ipc\.maxsockbuf$/.test(knob)) return 'soreserve'
  if (knob === 'net.inet.tcp.tso') return 'tcp_output'
  return ''
}

/** Units of a metric after normalising: `B` becomes `B/s`. */
const perUnit = { second: '/s', request: '/request', gib: '/GiB' } as const

function normalised(
  metric: Metric | undefined,
  value: number | null,
  all: { [name: string]: number | null },
  options: CompareOptions,
): number | null {
  if (value === null || options.per === undefined || metric?.kind !== 'total') return value
  const seconds = ((options.window?.to ?? 0) - (options.window?.from ?? 0)) / 1e9
  const by =
    options.per === 'second'
      ? seconds
      : options.per === 'request'
        ? (all['requests'] ?? 0)
        : ((all['goodput_bps'] ?? 0) / 8 / 1073741824) * seconds
  return by > 0 ? value / by : null
}

/** Values of a metric by repetition, without those where it does not exist. */
function valuesOf(run: ComparedRun, name: string, options: CompareOptions): Map<number, number> {
  const values = new Map<number, number>()
  for (const { seed, metrics } of run.repetitions) {
    const value = normalised(metricOf(name), metrics[name] ?? null, metrics, options)
    if (value !== null) values.set(seed, value)
  }
  return values
}

/** Other − baseline: in pairs where the seeds are the same, else as independent samples. */
function difference(base: Map<number, number>, other: Map<number, number>): Estimate | null {
  if (base.size === 0 || other.size === 0) return null
  const shared = [...base.keys()].filter((seed) => other.has(seed))
  if (shared.length === base.size && shared.length === other.size)
    return pairedDifference(
      shared.map((seed) => base.get(seed)!),
      shared.map((seed) => other.get(seed)!),
    )
  return welchDifference([...base.values()], [...other.values()])
}

type Verdict = ComparisonMetric['verdict'][number]

/**
 * A single pair is exact for its one seed and says nothing about others: a knob moves instants by nanoseconds, and what follows from that alone is of
 * this size. Below it a pair is not called better or worse. [assumed; several seeds replace it by an interval]
 */
const singlePairShare = 0.005

function verdictOf(
  estimate: Estimate | null,
  base: number | null,
  metric: Metric | undefined,
  sameSeeds: boolean,
): Verdict {
  if (estimate === null) return 'no-clear-difference'
  const better = metric?.better ?? 'none'
  const { mean: value, interval } = estimate
  if (value === 0 && (interval === null || interval === 0)) return 'equal'
  // A single pair with the same arrivals is exact; a single pair with different ones says nothing.
  if (interval === null && (!sameSeeds || Math.abs(value) < singlePairShare * Math.abs(base ?? 0)))
    return 'no-clear-difference'
  if (interval !== null && Math.abs(value) <= interval) return 'no-clear-difference'
  if (better === 'none') return 'different'
  return value > 0 === (better === 'more') ? 'better' : 'worse'
}

export function compareRuns(runs: readonly ComparedRun[], options: CompareOptions = {}): Comparison {
  const baseIndex = Math.max(
    0,
    runs.findIndex((run) => run.baseline),
  )
  const base = runs[baseIndex]
  const factNames = [...new Set(runs.flatMap((run) => Object.keys(run.facts)))]
  const facts = factNames.map((name) => {
    const values = runs.map((run) => run.facts[name] ?? 'unknown')
    const equal = values.every((value) => value === values[0])
    const parts = runs.map((run, i) => `${values[i]} in ${run.letter ?? run.name}`)
    return { name, equal, text: equal ? `same ${name}: ${values[0]}` : `${name} differs: ${parts.join(', ')}` }
  })
  const sameSeeds = facts.every(({ name, equal }) => equal || !/^seeds?$/.test(name))

  const knobNames = [...new Set(runs.flatMap((run) => Object.keys(run.knobs)))]
  const knobs: Comparison['knobs'] = []
  const equalKnobs: Comparison['equalKnobs'] = []
  for (const name of knobNames) {
    const values = runs.map((run) => run.knobs[name] ?? 'not set')
    if (values.every((value) => value === values[0])) equalKnobs.push({ name, value: values[0] })
    else knobs.push({ name, values, testedIn: testedIn(name) })
  }

  const names = options.metrics ?? [
    ...new Set(runs.flatMap((run) => run.repetitions.flatMap(({ metrics }) => Object.keys(metrics)))),
  ]
  const metrics = names.map((name): ComparisonMetric => {
    const metric = metricOf(name)
    const better = metric?.better ?? 'none'
    const values = runs.map((run) => valuesOf(run, name, options))
    const means = values.map((value) => (value.size === 0 ? null : mean([...value.values()])))
    const estimates = values.map((value, i) => (i === baseIndex ? null : difference(values[baseIndex], value)))
    const unit = metric?.unit ?? ''
    const normalisedUnit = options.per !== undefined && metric?.kind === 'total' ? unit + perUnit[options.per] : unit
    return {
      name,
      title: metric?.title ?? name,
      unit: normalisedUnit,
      better,
      values: means,
      differences: estimates.map((estimate, i) => {
        const own = means[i]
        const reference = means[baseIndex]
        if (estimate === null || own === null || reference === null) return null
        return {
          difference: estimate.mean,
          interval: estimate.interval,
          ratio: reference === 0 ? null : own / reference,
        }
      }),
      verdict: estimates.map((estimate, i) =>
        i === baseIndex ? 'equal' : verdictOf(estimate, means[baseIndex], metric, sameSeeds),
      ),
      description:
        metric === undefined ? 'Not declared in this version.' : `${metric.description} Source: ${metric.source}.`,
    }
  })
  return {
    runs: runs.map(({ letter, name }) => ({ letter, name, baseline: name === base.name && letter === base.letter })),
    comparable: facts.every(({ equal }) => equal),
    facts,
    knobs,
    equalKnobs,
    metrics,
    window: options.window ?? { from: 0, to: 0 },
  }
}

/** Which metrics stand in the strip of the Lab, and in which order the Charts view shows them all. */
import type { SeriesInfo } from '../../preload/contract'
import { causeOf } from './causes'

/** What the strip shows, in order; the first declared metric that matches a line is taken. */
const stripWishes: readonly RegExp[][] = [
  [/^sockbuf_mbufs$/, /sockbuf.*mbufs/, /mbufs.*(buffer|sockbuf|queued)/, /mbufs/],
  [/^cpu_share$/, /^cpu[._]share/, /^cpu/],
  [/^goodput_bps$/, /goodput/],
  [/^conversions_per_s$/, /conversion.*(per_s|rate)/, /conversion/],
]

/** True for series that belong to a stack and are not shown alone. */
export function isCause(metric: SeriesInfo): boolean {
  return causeOf(metric.name) !== null
}

/** The metrics of the strip: buffers, CPU, goodput, conversions; others fill the places of those that are not declared. */
export function stripMetrics(metrics: readonly SeriesInfo[], count: number): SeriesInfo[] {
  const free = metrics.filter((m) => !isCause(m))
  const chosen: SeriesInfo[] = []
  for (const wish of stripWishes) {
    const found = wish
      .map((pattern) => free.find((m) => pattern.test(m.name) && !chosen.includes(m)))
      .find((m) => m !== undefined)
    if (found !== undefined) chosen.push(found)
  }
  for (const metric of free) if (chosen.length < count && !chosen.includes(metric)) chosen.push(metric)
  return chosen.slice(0, count)
}

/** Thinning samples before they are drawn: the smallest and the largest value of each pixel column stay, in their order. */

/** Samples of one line. Arrays are read only. */
export interface Samples {
  /** Virtual nanoseconds, ascending. */
  times: Float64Array
  values: Float64Array
}

/** First index whose time is at or after `t`. */
export function lowerBound(times: Float64Array, t: number): number {
  let low = 0
  let high = times.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (times[middle] < t) low = middle + 1
    else high = middle
  }
  return low
}

/** The samples from `from` to `to`, with one more on each side so that lines reach the edges of the plot. */
export function within(samples: Samples, from: number, to: number): Samples {
  const start = Math.max(0, lowerBound(samples.times, from) - 1)
  const end = Math.min(samples.times.length, lowerBound(samples.times, to) + 1)
  return { times: samples.times.subarray(start, end), values: samples.values.subarray(start, end) }
}

/**
 * Flat points `[x, y, x, y, …]` for a line of at most about `2 × buckets` points: of every bucket of time the smallest and the
 * largest value, in the order in which they came, and the first and last sample. A bucket without a number becomes a gap (NaN).
 * Values are multiplied by `scaleY`, times by `scaleX` after `origin` (ns) was taken off.
 */
export function decimate(samples: Samples, buckets: number, scaleX = 1, scaleY = 1, origin = 0): Float64Array {
  const { times, values } = samples
  const n = times.length
  const out: number[] = []
  const push = (i: number): void => void out.push((times[i] - origin) * scaleX, values[i] * scaleY)
  if (n <= buckets * 2) {
    for (let i = 0; i < n; i++) push(i)
    return Float64Array.from(out)
  }
  const start = times[0]
  const perBucket = (times[n - 1] - start) / buckets
  let i = 0
  for (let b = 0; b < buckets && i < n; b++) {
    const end = b === buckets - 1 ? Infinity : start + (b + 1) * perBucket
    let least = -1
    let most = -1
    const first = i
    for (; i < n && times[i] < end; i++) {
      const v = values[i]
      if (Number.isNaN(v)) continue
      if (least < 0 || v < values[least]) least = i
      if (most < 0 || v > values[most]) most = i
    }
    if (i === first) continue
    if (least < 0) push(first)
    else if (least === most) push(least)
    else {
      push(Math.min(least, most))
      push(Math.max(least, most))
    }
  }
  if (out[out.length - 2] !== (times[n - 1] - origin) * scaleX) push(n - 1)
  return Float64Array.from(out)
}

/** A line that is denser than the screen: its course and how far it strays. */
export interface Course {
  /** Flat `[x, mean, …]`, one point a stretch of time. */
  line: Float64Array
  /** Flat `[x, low, high, …]` of the same stretches. */
  band: Float64Array
}

/**
 * The course of samples in stretches of equal time: the mean of each, with its smallest and largest value beside it so that no extreme is
 * lost. Stretches begin at `origin` and last `stretch` ns for every line of a chart: lines thinned differently would seem to differ in noise.
 * Scales as in {@link decimate}.
 */
export function courseOf(samples: Samples, stretch: number, scaleX = 1, scaleY = 1, origin = 0): Course {
  const { times, values } = samples
  const n = times.length
  const line: number[] = []
  const band: number[] = []
  const start = times[0]
  const last = times[n - 1]
  for (let i = 0; i < n;) {
    let end = origin + (Math.floor((times[i] - origin) / stretch) + 1) * stretch
    // A short piece at an end goes with its neighbour: the mean of two or three samples would stick out.
    if (i === 0 && end - start < stretch / 2) end += stretch
    if (last - end < stretch / 2) end = Infinity
    const first = i++
    let sum = 0
    let count = 0
    let low = Infinity
    let high = -Infinity
    while (i < n && times[i] < end) i++
    for (let j = first; j < i; j++) {
      const v = values[j]
      if (Number.isNaN(v)) continue
      sum += v
      count += 1
      if (v < low) low = v
      if (v > high) high = v
    }
    // The first and the last point stand at the ends of the line.
    const t = line.length === 0 ? start : i === n ? times[n - 1] : (times[first] + times[i - 1]) / 2
    const x = (t - origin) * scaleX
    line.push(x, count === 0 ? NaN : (sum / count) * scaleY)
    if (count > 0) band.push(x, low * scaleY, high * scaleY)
  }
  return { line: Float64Array.from(line), band: Float64Array.from(band) }
}

/** The means of {@link courseOf} as samples, for sentences and for stacks; where there are few in a stretch they stay as they are. */
export function smoothed(samples: Samples, stretch: number): Samples {
  const { times } = samples
  if (times.length < 2 || (times[times.length - 1] - times[0]) * 2 > stretch * times.length) return samples
  const { line } = courseOf(samples, stretch, 1, 1, times[0])
  return { times: line.filter((_, i) => i % 2 === 0), values: line.filter((_, i) => i % 2 === 1) }
}

/** Value of a line at or before `t`; NaN where there is none. */
export function sampleAt(samples: Samples, t: number): number {
  const after = lowerBound(samples.times, t)
  const at = samples.times[after] === t ? after : after - 1
  return at < 0 ? NaN : samples.values[at]
}

/** Smallest and largest number among the values, or null if there is none. */
export function extent(values: Float64Array): [number, number] | null {
  let low = Infinity
  let high = -Infinity
  for (const v of values) {
    if (v < low) low = v
    if (v > high) high = v
  }
  return low > high ? null : [low, high]
}

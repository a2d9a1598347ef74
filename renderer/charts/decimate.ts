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

/**
 * Flat points `[x, y, …]` with the mean of each of at most `buckets` stretches of equal time: for areas on top of each other, where
 * the extremes of one layer would stand against the means of another. Scales as in {@link decimate}.
 */
export function averages(samples: Samples, buckets: number, scaleX = 1, scaleY = 1, origin = 0): Float64Array {
  const { times, values } = samples
  const n = times.length
  if (n <= buckets) return decimate(samples, n, scaleX, scaleY, origin)
  const start = times[0]
  const span = (times[n - 1] - start) / buckets
  const out: number[] = []
  let i = 0
  for (let b = 0; b < buckets && i < n; b++) {
    const end = b === buckets - 1 ? Infinity : start + (b + 1) * span
    const first = i
    let sum = 0
    let count = 0
    for (; i < n && times[i] < end; i++) {
      if (Number.isNaN(values[i])) continue
      sum += values[i]
      count += 1
    }
    if (i === first) continue
    // The first and the last point stand at the ends of the line.
    const x = b === 0 ? start : i === n ? times[n - 1] : (times[first] + times[i - 1]) / 2
    out.push((x - origin) * scaleX, count === 0 ? NaN : (sum / count) * scaleY)
  }
  return Float64Array.from(out)
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

/**
 * Samples of the counters of one run, kept raw. Rates and means over any stretch come from the same rows, so that the live charts, the
 * comparison and the headless run cannot disagree; thinning out rows of growing counters loses no amount.
 */
import type { CounterWindow, HostFacts, Metric } from './metrics'

/** Rows kept at most; when they are full every second one goes. */
const maxRows = 65_536

export class CounterRows {
  readonly names: readonly string[]
  private readonly index: Map<string, number>
  private timesArray = new Float64Array(256)
  private valuesArray: Float64Array
  private count = 0

  constructor(names: readonly string[]) {
    this.names = names
    this.index = new Map(names.map((name, i) => [name, i]))
    this.valuesArray = new Float64Array(256 * names.length)
  }

  get length(): number {
    return this.count
  }
  /** Sample times, ascending; a view on live storage. */
  get times(): Float64Array {
    return this.timesArray.subarray(0, this.count)
  }
  /** Row after row; a view on live storage. */
  get values(): Float64Array {
    return this.valuesArray.subarray(0, this.count * this.names.length)
  }
  /** Time of the newest sample, −1 if there is none. */
  get end(): number {
    return this.count === 0 ? -1 : this.timesArray[this.count - 1]
  }

  /** Index of the last row at or before `t`, −1 if there is none. */
  rowAt(t: number): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.timesArray[middle] <= t) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  /** Appends rows; those not later than what is there are skipped. */
  append(times: Float64Array, values: Float64Array): void {
    const width = this.names.length
    for (let i = 0; i < times.length; i++) {
      if (times[i] <= this.end) continue
      if (this.count === maxRows) this.thin()
      if (this.count === this.timesArray.length) this.grow()
      this.timesArray[this.count] = times[i]
      this.valuesArray.set(values.subarray(i * width, (i + 1) * width), this.count * width)
      this.count++
    }
  }

  private grow(): void {
    const times = new Float64Array(this.timesArray.length * 2)
    times.set(this.timesArray)
    this.timesArray = times
    const values = new Float64Array(this.valuesArray.length * 2)
    values.set(this.valuesArray)
    this.valuesArray = values
  }

  /** Keeps every second row and the last one. */
  private thin(): void {
    const width = this.names.length
    let kept = 0
    for (let i = 0; i < this.count; i++) {
      if (i % 2 !== 0 && i !== this.count - 1) continue
      this.timesArray[kept] = this.timesArray[i]
      this.valuesArray.copyWithin(kept * width, i * width, (i + 1) * width)
      kept++
    }
    this.count = kept
  }

  /** Forgets what is later than `t`. */
  truncate(t: number): void {
    this.count = this.rowAt(t) + 1
  }

  /** Rows up to and including `t`, as a copy. */
  copyUntil(t: number): CounterRows {
    const copy = new CounterRows(this.names)
    const rows = this.rowAt(t) + 1
    copy.append(this.timesArray.subarray(0, rows), this.valuesArray.subarray(0, rows * this.names.length))
    return copy
  }

  /** At most `most` rows, evenly chosen, the newest always among them. */
  thinned(most: number): { times: Float64Array<ArrayBuffer>; values: Float64Array<ArrayBuffer> } {
    const width = this.names.length
    const stride = Math.max(1, Math.ceil(this.count / most))
    const kept = Math.ceil(this.count / stride)
    const times = new Float64Array(kept)
    const values = new Float64Array(kept * width)
    for (let i = 0; i < kept; i++) {
      const row = this.count - 1 - (kept - 1 - i) * stride
      times[i] = this.timesArray[row]
      values.set(this.valuesArray.subarray(row * width, (row + 1) * width), i * width)
    }
    return { times, values }
  }

  private column(name: string): number {
    const column = this.index.get(name)
    if (column === undefined) throw new Error(`no counter is called ${name}`)
    return column
  }

  /** Value of a counter in a row. */
  value(row: number, name: string): number {
    return this.valuesArray[row * this.names.length + this.column(name)]
  }

  /** The stretch between two rows, `first` < `last`. Levels are averaged over the rows after `first`. */
  between(first: number, last: number): CounterWindow {
    return {
      ns: this.timesArray[last] - this.timesArray[first],
      delta: (name) => this.value(last, name) - this.value(first, name),
      mean: (name) => {
        let sum = 0
        for (let row = first + 1; row <= last; row++) sum += this.value(row, name)
        return sum / (last - first)
      },
    }
  }

  /** The stretch from `from` to `to` (virtual ns) in whole samples, or null if it holds fewer than two. */
  window(from: number, to: number): CounterWindow | null {
    const last = this.rowAt(to)
    let first = this.rowAt(from)
    if (first < 0) first = 0
    return last > first ? this.between(first, last) : null
  }
}

/** Values of `metrics` over a stretch, by name. */
export function computeMetrics(
  metrics: readonly Metric[],
  window: CounterWindow,
  host: HostFacts,
): { [name: string]: number | null } {
  return Object.fromEntries(metrics.map((metric) => [metric.name, metric.compute(window, host)]))
}

/**
 * Series of metrics from row `from` on: one row of values a sample, each over the distance to the sample before. NaN where a metric says
 * nothing. The first row of all has no sample before it and is left out.
 * @param most rows at most: with more, samples are joined evenly, which keeps every amount exact
 */
export function seriesOf(
  rows: CounterRows,
  metrics: readonly Metric[],
  host: HostFacts,
  from = 0,
  most = Infinity,
): { times: Float64Array<ArrayBuffer>; values: Float64Array<ArrayBuffer> } {
  const start = Math.max(1, from)
  const stride = Math.max(1, Math.ceil((rows.length - start) / most))
  const count = Math.max(0, Math.ceil((rows.length - start) / stride))
  const times = new Float64Array(count)
  const values = new Float64Array(count * metrics.length)
  for (let i = 0; i < count; i++) {
    // Counted from the end, so that the newest sample is always there.
    const row = rows.length - 1 - (count - 1 - i) * stride
    times[i] = rows.times[row]
    const window = rows.between(Math.max(start - 1, row - stride), row)
    for (let m = 0; m < metrics.length; m++) values[i * metrics.length + m] = metrics[m].compute(window, host) ?? NaN
  }
  return { times, values }
}

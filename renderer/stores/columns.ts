/**
 * Samples of one run as growing typed arrays: one array of times, one array a metric. Nothing here is reactive and nothing is
 * an object per sample.
 */

/** Samples kept at most; when they are full, the older half is thinned to half its density. */
export const maxSamples = 65_536

/** Read-only view of the samples of one run. Arrays are views on live storage: read them, do not keep them. */
export interface Series {
  /** Virtual nanoseconds, ascending, exactly `length` entries. */
  readonly times: Float64Array
  readonly length: number
  /** Metric names in column order. */
  readonly names: readonly string[]
  /** Values of a metric, exactly `length` entries; all NaN if the run has no such metric. */
  column(name: string): Float64Array
}

export class Columns implements Series {
  #names: string[]
  #times = new Float64Array(1024)
  #values: Float64Array<ArrayBuffer>[]
  #length = 0

  constructor(names: readonly string[]) {
    this.#names = [...names]
    this.#values = this.#names.map(() => new Float64Array(1024))
  }

  get names(): readonly string[] {
    return this.#names
  }
  get length(): number {
    return this.#length
  }
  get times(): Float64Array {
    return this.#times.subarray(0, this.#length)
  }

  column(name: string): Float64Array {
    const index = this.#names.indexOf(name)
    const values = this.#values[index]
    if (values === undefined) return new Float64Array(this.#length).fill(NaN)
    return values.subarray(0, this.#length)
  }

  /** Index of the last sample at or before `t` (virtual ns), or -1. */
  indexAt(t: number): number {
    let low = 0
    let high = this.#length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#times[middle] <= t) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  /** Forgets all samples. */
  clear(): void {
    this.#length = 0
  }

  /** Forgets the samples after `t`, so that a re-executed stretch can be appended again. */
  truncateAfter(t: number): void {
    this.#length = this.indexAt(t) + 1
  }

  /**
   * Appends `times.length` samples; `values` holds them row after row, one value a metric. Samples that are not later than
   * what is there already are skipped: a reload and a frame may overlap.
   */
  append(times: Float64Array, values: Float64Array): void {
    const width = this.#names.length
    for (let row = 0; row < times.length; row++) {
      const t = times[row]
      if (this.#length > 0 && t <= this.#times[this.#length - 1]) continue
      if (this.#length === this.#times.length) this.#makeRoom()
      const at = this.#length++
      this.#times[at] = t
      for (let c = 0; c < width; c++) this.#values[c][at] = values[row * width + c] ?? NaN
    }
  }

  #makeRoom(): void {
    if (this.#length >= maxSamples) {
      this.#thin()
      return
    }
    const grow = (old: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> => {
      const next = new Float64Array(Math.min(maxSamples, old.length * 2))
      next.set(old)
      return next
    }
    this.#times = grow(this.#times)
    this.#values = this.#values.map(grow)
  }

  /** Halves the density of the older half: two samples become one at the later time, with their mean. */
  #thin(): void {
    const half = this.#length >>> 1
    const pairs = half >>> 1
    for (let i = 0; i < pairs; i++) this.#times[i] = this.#times[2 * i + 1]!
    this.#times.copyWithin(pairs, 2 * pairs, this.#length)
    for (const column of this.#values) {
      for (let i = 0; i < pairs; i++) {
        const a = column[2 * i]
        const b = column[2 * i + 1]
        column[i] = Number.isNaN(a) ? b : Number.isNaN(b) ? a : (a + b) / 2
      }
      column.copyWithin(pairs, 2 * pairs, this.#length)
    }
    this.#length -= pairs
  }
}

/** Samples on their way to the main thread: times and rows of counter values in growing arrays that are transferred, never copied. */

export interface SampleBatch {
  times: Float64Array<ArrayBuffer>
  /** `times.length × width` values, row after row. */
  values: Float64Array<ArrayBuffer>
}

export class SampleBuffer {
  private times = new Float64Array(64)
  private values: Float64Array<ArrayBuffer>
  private count = 0
  /** Samples at or before this time were sent already and are not sent again (re-execution). */
  after = -1

  constructor(readonly width: number) {
    this.values = new Float64Array(64 * width)
  }

  get length(): number {
    return this.count
  }

  add(t: number, row: Float64Array): void {
    if (t <= this.after) return
    this.after = t
    if (this.count === this.times.length) {
      const times = new Float64Array(this.count * 2)
      times.set(this.times)
      this.times = times
      const values = new Float64Array(this.count * 2 * this.width)
      values.set(this.values)
      this.values = values
    }
    this.times[this.count] = t
    this.values.set(row, this.count * this.width)
    this.count++
  }

  /** Forgets what is later than `t` and lets it come again. */
  rewind(t: number): void {
    while (this.count > 0 && this.times[this.count - 1] > t) this.count--
    if (this.after > t) this.after = t
  }

  /** Everything collected since the last call, in arrays of exactly that size. */
  take(): SampleBatch {
    const batch = { times: this.times.slice(0, this.count), values: this.values.slice(0, this.count * this.width) }
    this.count = 0
    return batch
  }
}

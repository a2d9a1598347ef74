/**
 * The pending-event set: a timing wheel for what is near and a 4-ary heap for what is far, over one pool of typed arrays.
 *
 *   time ──► [ current slot: sorted by (time, sequence) ][ wheel: 4096 slots of 256 ns, unsorted lists ] … [ heap ]
 *
 * Events leave in order of time, and of sequence number where times are equal, whatever path they took. Times are integer
 * nanoseconds below 2^53. Measured choice: see docs/adr on determinism; a heap alone is a third as fast with 20 000 pending.
 */
import type { Registry } from './state'

/** Slot width 2^8 ns. */
const SLOT_NS = 256
const SLOTS = 4096
const MASK = SLOTS - 1
/** A handle is row + generation × this. */
const HANDLE_ROWS = 4194304

export class EventQueue {
  private capacity = 1024
  private time = new Float64Array(this.capacity)
  private seq = new Float64Array(this.capacity)
  private kind = new Uint8Array(this.capacity)
  private argA = new Int32Array(this.capacity)
  private argB = new Int32Array(this.capacity)
  private argC = new Int32Array(this.capacity)
  private argD = new Float64Array(this.capacity)
  private link = new Int32Array(this.capacity)
  private generation = new Uint32Array(this.capacity)
  private readonly heads = new Int32Array(SLOTS)
  private readonly bitmap = new Int32Array(SLOTS / 32)
  private heap = new Int32Array(256)
  private current = new Int32Array(256)
  /** [used rows, free head, next sequence, current slot, current head, current length, heap length, live events, in wheel] */
  private readonly head = new Float64Array(9)

  // Scalars are kept in fields while running and written to `head` for a snapshot.
  private high = 1
  private freeHead = 0
  private nextSeq = 1
  private slot = 0
  private curHead = 0
  private curLength = 0
  private heapLength = 0
  private liveCount = 0
  private inWheel = 0

  /** Arguments of the event taken last by {@link take}. */
  a = 0
  b = 0
  c = 0
  d = 0

  constructor(registry: Registry, name = 'events') {
    const columns = ['time', 'seq', 'kind', 'argA', 'argB', 'argC', 'argD', 'link', 'generation'] as const
    registry.array(
      `${name}.head`,
      () => {
        this.head.set([
          this.high,
          this.freeHead,
          this.nextSeq,
          this.slot,
          this.curHead,
          this.curLength,
          this.heapLength,
          this.liveCount,
          this.inWheel,
        ])
        return this.head
      },
      (data) => {
        const h = data as Float64Array
        ;[this.high, this.freeHead, this.nextSeq, this.slot, this.curHead, this.curLength] = [
          h[0],
          h[1],
          h[2],
          h[3],
          h[4],
          h[5],
        ]
        ;[this.heapLength, this.liveCount, this.inWheel] = [h[6], h[7], h[8]]
      },
    )
    for (const column of columns)
      registry.array(
        `${name}.${column}`,
        () => this[column].subarray(0, this.high),
        (data) => {
          while (this.capacity < data.length) this.grow()
          this[column].fill(0)
          this[column].set(data)
        },
      )
    registry.fixed(`${name}.heads`, this.heads)
    registry.fixed(`${name}.bitmap`, this.bitmap)
    registry.array(
      `${name}.heap`,
      () => this.heap.subarray(0, this.heapLength),
      (data) => {
        if (this.heap.length < data.length) this.heap = new Int32Array(data.length * 2)
        this.heap.set(data)
      },
    )
    registry.array(
      `${name}.current`,
      () => this.current.subarray(0, this.curLength),
      (data) => {
        if (this.current.length < data.length) this.current = new Int32Array(data.length * 2)
        this.current.set(data)
      },
    )
  }

  /** Events pending. */
  get size(): number {
    return this.liveCount
  }

  private grow(): void {
    const size = this.capacity * 2
    const bigger = <T extends Float64Array | Int32Array | Uint32Array | Uint8Array>(old: T): T => {
      const fresh = new (old.constructor as new (n: number) => T)(size)
      fresh.set(old)
      return fresh
    }
    this.time = bigger(this.time)
    this.seq = bigger(this.seq)
    this.kind = bigger(this.kind)
    this.argA = bigger(this.argA)
    this.argB = bigger(this.argB)
    this.argC = bigger(this.argC)
    this.argD = bigger(this.argD)
    this.link = bigger(this.link)
    this.generation = bigger(this.generation)
    this.capacity = size
  }

  /**
   * Adds an event.
   * @param at virtual ns, an integer; not before the event taken last.
   * @param kind 1 … 63. @param a @param b @param c int32. @param d double.
   * @returns a handle for {@link cancel}; a double, to be kept in an f64 column.
   */
  push(at: number, kind: number, a: number, b: number, c: number, d: number): number {
    let row = this.freeHead
    if (row !== 0) this.freeHead = this.link[row]!
    else {
      if (this.high === this.capacity) this.grow()
      row = this.high++
    }
    this.time[row] = at
    this.seq[row] = this.nextSeq++
    this.kind[row] = kind
    this.argA[row] = a
    this.argB[row] = b
    this.argC[row] = c
    this.argD[row] = d
    this.liveCount++
    const slot = Math.floor(at / SLOT_NS)
    if (slot <= this.slot) this.insertCurrent(row)
    else if (slot - this.slot < SLOTS) this.insertWheel(row, slot)
    else this.insertHeap(row)
    return row + this.generation[row] * HANDLE_ROWS
  }

  /** Removes a pending event; a handle whose event has already happened or was cancelled does nothing. 0 does nothing. */
  cancel(handle: number): void {
    const row = handle % HANDLE_ROWS
    if (row === 0 || this.generation[row] !== (handle - row) / HANDLE_ROWS || this.kind[row] === 0) return
    // The row stays where it is linked and is dropped when it is reached: removing from the middle would cost more than it saves.
    this.kind[row] = 0
    this.generation[row] = this.generation[row] + 1
    this.liveCount--
  }

  /** True while the event of this handle is pending. */
  isPending(handle: number): boolean {
    const row = handle % HANDLE_ROWS
    return row !== 0 && this.generation[row] === (handle - row) / HANDLE_ROWS && this.kind[row] !== 0
  }

  /**
   * Time of the next event, or Infinity. With `until` the search stops there: what lies later may be reported as Infinity, and the
   * current slot does not run ahead of the clock (events pushed meanwhile would all have to be sorted into it).
   */
  peekTime(until = Infinity): number {
    for (;;) {
      while (this.curHead < this.curLength) {
        const row = this.current[this.curHead]
        if (this.kind[row] !== 0) return this.time[row]
        this.curHead++
        this.release(row)
      }
      if (!this.advance(until)) return Infinity
    }
  }

  /** Kind of the next event without taking it, 0 if there is none. */
  peekKind(): number {
    return this.peekTime() === Infinity ? 0 : this.kind[this.current[this.curHead]]
  }

  /** Takes the next event: returns its kind and leaves its arguments in a, b, c, d. Precondition: peekTime() was finite. */
  take(): number {
    const row = this.current[this.curHead++]
    const kind = this.kind[row]
    this.a = this.argA[row]!
    this.b = this.argB[row]!
    this.c = this.argC[row]!
    this.d = this.argD[row]!
    this.kind[row] = 0
    this.generation[row] = this.generation[row] + 1
    this.liveCount--
    this.release(row)
    return kind
  }

  private release(row: number): void {
    this.link[row] = this.freeHead
    this.freeHead = row
  }

  private before(x: number, y: number): boolean {
    const tx = this.time[x]
    const ty = this.time[y]
    return tx < ty || (tx === ty && this.seq[x] < this.seq[y])
  }

  private insertCurrent(row: number): void {
    if (this.curLength === this.current.length) {
      if (this.curHead > this.curLength >> 1) {
        this.current.copyWithin(0, this.curHead, this.curLength)
        this.curLength -= this.curHead
        this.curHead = 0
      } else {
        const bigger = new Int32Array(this.current.length * 2)
        bigger.set(this.current)
        this.current = bigger
      }
    }
    let i = this.curLength++
    const current = this.current
    while (i > this.curHead && this.before(row, current[i - 1])) {
      current[i] = current[i - 1]!
      i--
    }
    current[i] = row
  }

  private insertWheel(row: number, slot: number): void {
    const s = (slot | 0) & MASK
    this.link[row] = this.heads[s]!
    this.heads[s] = row
    this.bitmap[s >> 5] = this.bitmap[s >> 5] | (1 << (s & 31))
    this.inWheel++
  }

  private insertHeap(row: number): void {
    if (this.heapLength === this.heap.length) {
      const bigger = new Int32Array(this.heap.length * 2)
      bigger.set(this.heap)
      this.heap = bigger
    }
    const heap = this.heap
    let i = this.heapLength++
    while (i > 0) {
      const parent = (i - 1) >> 2
      if (!this.before(row, heap[parent])) break
      heap[i] = heap[parent]!
      i = parent
    }
    heap[i] = row
  }

  private popHeap(): number {
    const heap = this.heap
    const top = heap[0]
    const row = heap[--this.heapLength]
    const n = this.heapLength
    let i = 0
    for (;;) {
      const first = i * 4 + 1
      if (first >= n) break
      let best = first
      const last = Math.min(first + 4, n)
      for (let child = first + 1; child < last; child++) if (this.before(heap[child], heap[best])) best = child
      if (!this.before(heap[best], row)) break
      heap[i] = heap[best]!
      i = best
    }
    if (n > 0) heap[i] = row
    return top
  }

  /** Moves to the next slot that holds anything and sorts it. False if nothing is pending. */
  private advance(until: number): boolean {
    this.curHead = 0
    this.curLength = 0
    let next = Infinity
    if (this.inWheel > 0) {
      const from = ((this.slot + 1) | 0) & MASK
      // Slots are visited in ring order from `from`: rest of its word, the following words, the start of its word.
      let word = from >> 5
      let bits = this.bitmap[word] & (-1 << (from & 31))
      for (let n = 0; n <= SLOTS / 32; n++) {
        if (bits !== 0) {
          const s = (word << 5) + (31 - Math.clz32(bits & -bits))
          next = this.slot + 1 + ((s - from) & MASK)
          break
        }
        word = (word + 1) & (SLOTS / 32 - 1)
        bits = this.bitmap[word]!
      }
    }
    if (this.heapLength > 0) {
      const slot = Math.floor(this.time[this.heap[0]] / SLOT_NS)
      if (slot < next) next = slot
    }
    if (next === Infinity || next * SLOT_NS > until) return false
    this.slot = next
    const s = (next | 0) & MASK
    // Only rows of this very slot can be here: the wheel spans exactly SLOTS slots ahead of the current one.
    let row = this.heads[s]
    if (row !== 0) {
      this.heads[s] = 0
      this.bitmap[s >> 5] = this.bitmap[s >> 5] & ~(1 << (s & 31))
      const start = this.curLength
      while (row !== 0) {
        const following = this.link[row]
        this.inWheel--
        if (this.kind[row] === 0) this.release(row)
        else this.appendCurrent(row)
        row = following
      }
      this.sortCurrent(start)
    }
    while (this.heapLength > 0 && Math.floor(this.time[this.heap[0]] / SLOT_NS) === next) {
      const far = this.popHeap()
      if (this.kind[far] === 0) this.release(far)
      else this.insertCurrent(far)
    }
    return true
  }

  private appendCurrent(row: number): void {
    if (this.curLength === this.current.length) {
      const bigger = new Int32Array(this.current.length * 2)
      bigger.set(this.current)
      this.current = bigger
    }
    this.current[this.curLength++] = row
  }

  /** The list of a slot is newest first: reversed it is in sequence order, which an insertion sort by time likes. */
  private sortCurrent(start: number): void {
    const current = this.current
    const end = this.curLength
    if (end - start < 2) return
    // In place: a view for every slot would be the only garbage of the event loop.
    for (let i = start, j = end - 1; i < j; i++, j--) {
      const row = current[i]
      current[i] = current[j]!
      current[j] = row
    }
    if (end - start > 48) {
      current.subarray(start, end).sort((x, y) => this.time[x] - this.time[y] || this.seq[x] - this.seq[y])
      return
    }
    for (let i = start + 1; i < end; i++) {
      const row = current[i]
      let j = i
      while (j > start && this.before(row, current[j - 1])) {
        current[j] = current[j - 1]!
        j--
      }
      current[j] = row
    }
  }
}

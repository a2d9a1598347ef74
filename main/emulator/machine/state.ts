/**
 * State is data (DESIGN 4, rule 2). Everything that the emulated machine remembers lives in typed arrays that are registered here,
 * or in small plain records of numbers, strings and arrays. A snapshot is a copy of what is registered, restoring puts it back, the digest
 * walks it in order of registration. Code holds no state of its own between two events.
 *
 *   Registry ── table "mbuf"   m_next[], m_data[], m_len[] …   rows 1 … high−1, row 0 is NULL
 *            ├─ table "tcpcb"  …
 *            ├─ bytes "ram"    Uint8Array, used prefix
 *            └─ record "ifnet" { … }   small things
 */

const makers = {
  u8: (n: number) => new Uint8Array(n),
  i8: (n: number) => new Int8Array(n),
  u16: (n: number) => new Uint16Array(n),
  i16: (n: number) => new Int16Array(n),
  u32: (n: number) => new Uint32Array(n),
  i32: (n: number) => new Int32Array(n),
  f64: (n: number) => new Float64Array(n),
} as const

export type ColumnType = keyof typeof makers
interface Columns {
  u8: Uint8Array
  i8: Int8Array
  u16: Uint16Array
  i16: Int16Array
  u32: Uint32Array
  i32: Int32Array
  f64: Float64Array
}
export type ColumnArray<T extends ColumnType> = Columns[T]
export type AnyColumn = Columns[ColumnType]

/** Columns of a table: a type, or a type and the number of elements in a row (`['u32', 19]`). */
export type TableSpec = Record<string, ColumnType | readonly [ColumnType, number]>
type TypeOf<S> = S extends readonly [infer T extends ColumnType, number] ? T : S extends ColumnType ? S : never

/** What every table offers besides its columns. Row 0 is never given out: index 0 means NULL everywhere. */
export interface TableBase {
  readonly tableName: string
  /** Rows that exist (grows by doubling). **Growing replaces the column arrays**: never keep one across an `alloc`. */
  capacity: number
  /** One more than the highest row ever used: rows 0 … high−1 are the state. */
  high: number
  /** Rows in use. */
  live: number
  /** Takes a row: the most recently freed one, else a new one. Contents are whatever they were: the caller initialises. */
  alloc(): number
  /** Gives a row back. */
  free(row: number): void
}
export type Table<S extends TableSpec> = TableBase & { -readonly [K in keyof S]: ColumnArray<TypeOf<S[K]>> }

/** Values a record may hold: plain data only. */
export type Plain = number | string | boolean | null | Plain[] | { [key: string]: Plain }

/** What a part is for. Observers (profile, probes, charts) watch the machine and are left out of the digest. */
export interface PartOptions {
  observer?: boolean
  /** Left out of the digest while the part is as it was at boot ({@link Registry.booted}): a feature that nobody uses does not show in the digest. */
  quiet?: boolean
}

interface Part {
  name: string
  observer: boolean
  quiet: boolean
  save(): PartImage
  load(image: PartImage): void
  hash(digest: Digest): void
}

/** A copy of one part. Typed arrays and plain data only, so that it can be kept, forked from or posted to another thread. */
export interface PartImage {
  arrays: { [column: string]: AnyColumn }
  plain: Plain
}

/** A whole machine at one instant. */
export interface Snapshot {
  version: 1
  parts: { [name: string]: PartImage }
}

/** 128-bit digest of typed data: four 32-bit lanes of multiply, rotate and xor. Not cryptographic; it answers "same state?". */
export class Digest {
  private a = 0x9e3779b9 | 0
  private b = 0x85ebca6b | 0
  private c = 0xc2b2ae35 | 0
  private d = 0x27d4eb2f | 0

  word(value: number): void {
    const v = value | 0
    this.a = Math.imul(this.a ^ v, 0x85ebca6b)
    this.a = (this.a << 13) | (this.a >>> 19)
    this.b = Math.imul(this.b + v, 0xc2b2ae35) ^ this.a
    this.c = (this.c ^ this.b) + Math.imul(v, 0x27d4eb2f)
    this.c = (this.c << 17) | (this.c >>> 15)
    this.d = Math.imul(this.d ^ this.c, 0x165667b1) | 0
  }

  /** Bytes are taken four at a time, little-endian, so that the digest is the same on every machine. */
  bytes(data: Uint8Array): void {
    const n = data.length
    this.word(n)
    let i = 0
    if (data.byteOffset % 4 === 0) {
      this.words(new Int32Array(data.buffer, data.byteOffset, Math.floor(n / 4)))
      i = n - (n % 4)
    } else {
      for (; i + 4 <= n; i += 4) this.word(data[i] | (data[i + 1] << 8) | (data[i + 2] << 16) | (data[i + 3] << 24))
    }
    for (; i < n; i++) this.word(data[i])
  }

  /** The long loop, in a function of its own: engines compile a loop that runs long while it runs, and would throw that away at what follows it. */
  private words(words: Int32Array): void {
    const count = words.length
    let a = this.a
    let b = this.b
    let c = this.c
    let d = this.d
    for (let w = 0; w < count; w++) {
      const v = words[w]
      a = Math.imul(a ^ v, 0x85ebca6b)
      a = (a << 13) | (a >>> 19)
      b = Math.imul(b + v, 0xc2b2ae35) ^ a
      c = (c ^ b) + Math.imul(v, 0x27d4eb2f)
      c = (c << 17) | (c >>> 15)
      d = Math.imul(d ^ c, 0x165667b1) | 0
    }
    this.a = a
    this.b = b
    this.c = c | 0
    this.d = d
  }

  text(value: string): void {
    this.word(value.length)
    for (let i = 0; i < value.length; i++) this.word(value.charCodeAt(i))
  }

  array(data: AnyColumn): void {
    this.bytes(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
  }

  plain(value: Plain): void {
    if (value === null) this.word(1)
    else if (typeof value === 'number') {
      this.word(2)
      scratch[0] = value
      this.word(scratchWords[0])
      this.word(scratchWords[1])
    } else if (typeof value === 'string') {
      this.word(3)
      this.text(value)
    } else if (typeof value === 'boolean') this.word(value ? 5 : 4)
    else if (Array.isArray(value)) {
      this.word(6)
      this.word(value.length)
      for (const entry of value) this.plain(entry)
    } else {
      const keys = Object.keys(value).sort()
      this.word(7)
      this.word(keys.length)
      for (const key of keys) {
        this.text(key)
        this.plain(value[key])
      }
    }
  }

  /** 32 lower-case hexadecimal digits. */
  hex(): string {
    let out = ''
    for (const lane of [this.a, this.b, this.c, this.d]) {
      let h = lane ^ (lane >>> 16)
      h = Math.imul(h, 0x7feb352d)
      h ^= h >>> 15
      out += (h >>> 0).toString(16).padStart(8, '0')
    }
    return out
  }
}
const scratch = new Float64Array(1)
const scratchWords = new Int32Array(scratch.buffer)

function clonePlain(value: Plain): Plain {
  if (Array.isArray(value)) return value.map(clonePlain)
  if (value !== null && typeof value === 'object') {
    const out: { [key: string]: Plain } = {}
    for (const key of Object.keys(value)) out[key] = clonePlain(value[key])
    return out
  }
  return value
}

/** Collects the parts of one machine. Registration happens in constructors, always in the same order. */
export class Registry {
  private readonly parts: Part[] = []
  private readonly names = new Set<string>()
  /** Digests of the quiet parts at boot, which follow from the configuration. */
  private readonly bootDigests = new Map<Part, string>()

  private add(part: Part): void {
    if (this.names.has(part.name)) throw new Error(`state part ${part.name} is registered twice`)
    this.names.add(part.name)
    this.parts.push(part)
  }

  /** Registers a table of rows with typed columns. */
  table<const S extends TableSpec>(name: string, spec: S, capacity = 64, options: PartOptions = {}): Table<S> {
    const columns = Object.keys(spec).map((key) => {
      const entry = spec[key]
      const [type, stride] = typeof entry === 'string' ? [entry, 1] : [entry[0], entry[1]]
      return { key, type, stride }
    })
    let nextFree = new Int32Array(capacity)
    let freeHead = 0
    // A V8 object whose keys are added in a loop turns into a hash table, and every column access then costs six times as much (measured:
    // 34 ns against 6 ns for five accesses). Parsed JSON with the same keys gets a fixed shape, shared by the tables of both hosts.
    const shape: Record<string, null> = {
      tableName: null,
      capacity: null,
      high: null,
      live: null,
      alloc: null,
      free: null,
    }
    for (const { key } of columns) shape[key] = null
    const table: Record<string, unknown> & TableBase = Object.assign(JSON.parse(JSON.stringify(shape)), {
      tableName: name,
      capacity,
      high: 1,
      live: 0,
      alloc(): number {
        this.live++
        const row = freeHead
        if (row !== 0) {
          freeHead = nextFree[row]!
          nextFree[row] = 0
          return row
        }
        if (this.high === this.capacity) grow(this.capacity * 2)
        return this.high++
      },
      free(row: number): void {
        if (row <= 0 || row >= this.high) throw new Error(`table ${name}: free of row ${row}, which is not in use`)
        nextFree[row] = freeHead
        freeHead = row
        this.live--
      },
    })
    const grow = (size: number): void => {
      for (const { key, type, stride } of columns) {
        const bigger = makers[type](size * stride)
        bigger.set(table[key] as never)
        table[key] = bigger
      }
      const links = new Int32Array(size)
      links.set(nextFree)
      nextFree = links
      table.capacity = size
    }
    for (const { key, type, stride } of columns) table[key] = makers[type](capacity * stride)
    this.add({
      name,
      observer: options.observer ?? false,
      quiet: options.quiet ?? false,
      save: () => {
        const arrays: { [column: string]: AnyColumn } = { '': nextFree.slice(0, table.high) }
        for (const { key, stride } of columns) arrays[key] = (table[key] as AnyColumn).slice(0, table.high * stride)
        return { arrays, plain: [table.high, table.live, freeHead] }
      },
      load: ({ arrays, plain }) => {
        const [high, live, head] = plain as [number, number, number]
        let size = table.capacity
        while (size < high) size *= 2
        if (size !== table.capacity) grow(size)
        for (const { key, stride } of columns) {
          const column = table[key] as AnyColumn
          column.set(arrays[key])
          column.fill(0, high * stride)
        }
        nextFree.fill(0)
        nextFree.set(arrays[''])
        table.high = high
        table.live = live
        freeHead = head
      },
      hash: (digest) => {
        digest.word(table.high)
        digest.word(table.live)
        digest.word(freeHead)
        digest.array(nextFree.subarray(0, table.high))
        for (const { key, stride } of columns) digest.array((table[key] as AnyColumn).subarray(0, table.high * stride))
      },
    })
    return table as unknown as Table<S>
  }

  /**
   * Registers a typed array of fixed or changing size held by its owner. `read` gives the used part, `write` puts a copy back (the owner
   * decides how to make room and clears what lies behind it).
   */
  array(name: string, read: () => AnyColumn, write: (data: AnyColumn) => void, options: PartOptions = {}): void {
    this.add({
      name,
      observer: options.observer ?? false,
      quiet: options.quiet ?? false,
      save: () => ({ arrays: { data: read().slice() }, plain: null }),
      load: ({ arrays }) => write(arrays['data']),
      hash: (digest) => digest.array(read()),
    })
  }

  /** Registers a typed array that never changes its size. */
  fixed(name: string, data: AnyColumn, options: PartOptions = {}): void {
    this.array(
      name,
      () => data,
      (copy) => data.set(copy),
      options,
    )
  }

  /** Registers small plain data. `load` puts it back; without it the keys of the object are replaced in place. */
  record<T extends { [key: string]: Plain }>(name: string, data: T, options: PartOptions = {}): T {
    const target = data as { [key: string]: Plain }
    this.add({
      name,
      observer: options.observer ?? false,
      quiet: options.quiet ?? false,
      save: () => ({ arrays: {}, plain: clonePlain(target) }),
      load: ({ plain }) => {
        const copy = clonePlain(plain) as { [key: string]: Plain }
        for (const key of Object.keys(target)) if (!(key in copy)) delete target[key]
        for (const key of Object.keys(copy)) target[key] = copy[key]!
      },
      hash: (digest) => digest.plain(target),
    })
    return data
  }

  /** The machine has booted: what quiet parts hold now is not news. */
  booted(): void {
    for (const part of this.parts) if (part.quiet) this.bootDigests.set(part, digestOf(part))
  }

  /** Copies everything. */
  save(): Snapshot {
    const parts: { [name: string]: PartImage } = {}
    for (const part of this.parts) parts[part.name] = part.save()
    return { version: 1, parts }
  }

  /** Puts a copy back. The machine must have been built from the same scenario. */
  load(snapshot: Snapshot): void {
    for (const part of this.parts) {
      const image = snapshot.parts[part.name]
      if (image === undefined) throw new Error(`the snapshot has no part ${part.name}: it comes from another machine`)
      part.load(image)
    }
  }

  /** Digest of the state (observers left out), 32 hexadecimal digits. */
  digest(): string {
    const digest = new Digest()
    for (const part of this.parts) {
      if (part.observer || (part.quiet && digestOf(part) === this.bootDigests.get(part))) continue
      digest.text(part.name)
      part.hash(digest)
    }
    return digest.hex()
  }

  /** Digest of each part, to find the first one in which two machines differ. */
  digestParts(): { name: string; digest: string; observer: boolean }[] {
    return this.parts.map((part) => ({ name: part.name, digest: digestOf(part), observer: part.observer }))
  }
}

function digestOf(part: Part): string {
  const digest = new Digest()
  part.hash(digest)
  return digest.hex()
}

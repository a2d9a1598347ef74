/** The vectors' file format as types (tests/vectors/README.md says what the fields mean). */

export interface VectorMbuf {
  id: string
  fl: string
  ty?: number
  len: number
  off: number
  pkt?: number
  ext?: string
  own?: number
  refs?: number
  nrdy?: number
  fill?: number
  pa?: number
  crc?: number
  hex?: string
}

export interface VectorStorage {
  id: string
  refs: number
  owner: string
  type?: string
  size?: number
  page?: number
  fill?: number
  holds?: string
  npgs?: number
  nrdy?: number
  first_pg_off?: number
  last_pg_len?: number
  hdr_len?: number
  trail_len?: number
  pages?: number[]
  hdr_fill?: number
  trail_fill?: number
  hdr_pa?: number
  trail_pa?: number
}

export interface VectorInput {
  chain?: VectorMbuf[] | null
  chain2?: VectorMbuf[] | null
  outside?: VectorMbuf[]
  storages?: VectorStorage[]
  pre?: [number, number, string][]
}

/** A case; the rest of the fields depends on `op`. */
export interface VectorCase {
  case: number
  op: string
  name?: string
  args?: { [name: string]: number | string }
  fail_at?: number
  sf_fail_at?: number
  in?: VectorInput
  out?: Fields
  [field: string]: unknown
}

/** Comparable results: plain JSON. */
export interface Fields {
  [field: string]: unknown
}

const crcTable = new Uint32Array(256)
for (let n = 0; n < 256; n++) {
  let c = n
  for (let bit = 0; bit < 8; bit++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1
  crcTable[n] = c
}

/** CRC-32 (IEEE), 0 for no bytes. */
export function crc32(bytes: Uint8Array): number {
  let c = 0xffffffff
  for (const byte of bytes) c = crcTable[(c ^ byte) & 0xff] ^ (c >>> 8)
  return (c ^ 0xffffffff) >>> 0
}

/** Byte o of a storage with fill number f. */
export function fillByte(f: number, o: number): number {
  return (167 * f + 7 * o + 29 * Math.floor(o / 256)) & 0xff
}

/** JSON with sorted keys, so that equal data is equal text. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
    return `{${entries.map(([key, field]) => `${JSON.stringify(key)}:${canonical(field)}`).join(',')}}`
  }
  return JSON.stringify(value)
}

/** The first difference between two JSON values as text with its path, or null. */
export function difference(expected: unknown, actual: unknown, path = ''): string | null {
  if (canonical(expected) === canonical(actual)) return null
  if (Array.isArray(expected) && Array.isArray(actual)) {
    for (let i = 0; i < Math.max(expected.length, actual.length); i++) {
      const found = difference(expected[i] ?? null, actual[i] ?? null, `${path}[${i}]`)
      if (found !== null) return found
    }
  }
  const isRecord = (value: unknown): value is Fields =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
  if (isRecord(expected) && isRecord(actual)) {
    for (const key of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
      const found = difference(expected[key] ?? null, actual[key] ?? null, `${path}.${key}`)
      if (found !== null) return found
    }
  }
  return `${path || '.'}: expected ${canonical(expected)}, got ${canonical(actual)}`
}

/** ZIP archives of plain parts: written so that a damaged one can still be read in pieces, and read that way when need be. */
import { inflateSync, unzipSync, zipSync, type Zippable } from 'fflate'

export interface Part {
  name: string
  bytes: Uint8Array
  /** Kept uncompressed: such a part can be read up to where the damage begins. */
  plain?: boolean
}

/** Most bytes that all parts of a document may have once unpacked: a small file must not fill the memory. */
const maxUnpackedBytes = 768 << 20

/** The archive, parts in the order given. The same parts give the same bytes. */
export function writeZip(parts: readonly Part[]): Uint8Array {
  const files: Zippable = {}
  // A fixed date: ZIP has no time zones, and a document should not tell when a computer thought it was.
  const mtime = new Date(1980, 0, 1, 12, 0, 0)
  for (const { name, bytes, plain } of parts) files[name] = [bytes, { level: plain === true ? 0 : 6, mtime }]
  return zipSync(files)
}

export interface ReadZip {
  parts: Map<string, Uint8Array>
  /** The archive as a whole could not be read; `parts` is what was found in pieces, the last one perhaps cut short. */
  damaged: boolean
}

/** True if the bytes begin like a ZIP archive. */
export function looksLikeZip(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3 && bytes[3] === 4
}

export function readZip(bytes: Uint8Array): ReadZip {
  try {
    let total = 0
    const unpacked = unzipSync(bytes, {
      filter: ({ originalSize }) => {
        total += originalSize
        if (total > maxUnpackedBytes) throw new Error('too large')
        return true
      },
    })
    return { parts: new Map(Object.entries(unpacked)), damaged: false }
  } catch {
    return { parts: salvage(bytes), damaged: true }
  }
}

const u16 = (bytes: Uint8Array, at: number): number => bytes[at] | (bytes[at + 1] << 8)
const u32 = (bytes: Uint8Array, at: number): number => (u16(bytes, at) | (u16(bytes, at + 2) << 16)) >>> 0

/** Walks from one local file header to the next, without the directory at the end. */
function salvage(bytes: Uint8Array): Map<string, Uint8Array> {
  const parts = new Map<string, Uint8Array>()
  let at = 0
  let total = 0
  while (at + 30 <= bytes.length) {
    if (u32(bytes, at) !== 0x04034b50) {
      // Not at a header: look for the next one.
      at++
      continue
    }
    const method = u16(bytes, at + 8)
    const packed = u32(bytes, at + 18)
    const size = u32(bytes, at + 22)
    const nameLength = u16(bytes, at + 26)
    const start = at + 30 + nameLength + u16(bytes, at + 28)
    const name = new TextDecoder().decode(bytes.subarray(at + 30, at + 30 + nameLength))
    const data = bytes.subarray(start, Math.min(bytes.length, start + packed))
    total += size
    if (total > maxUnpackedBytes) break
    if (method === 0) parts.set(name, data)
    else if (method === 8 && data.length === packed) {
      try {
        parts.set(name, inflateSync(data, { out: new Uint8Array(size) }))
      } catch {
        // This part is lost; the others may be whole.
      }
    }
    // If the lengths in a header are wrong, the search above finds the next one.
    at = start + packed <= bytes.length && start + packed > at ? start + packed : at + 4
  }
  return parts
}

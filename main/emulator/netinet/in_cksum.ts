/**
 * The Internet checksum. Mirrors sys/amd64/amd64/in_cksum.c (read): sums are little-endian 16-bit words, as an amd64 host holds them.
 * `cksumBytes` is the inner loop, for the card as for the kernel: 32-bit loads into a double that is exact up to 2^53.
 */
import type { Kernel } from '../kernel'
import { CAUSE } from '../machine/cost'
import { M_EXT } from '../sys/mbuf'
import { KASSERT } from '../sys/systm'
import { mtodAddr } from '../kern/mbuf_inline'

/** Cost of a byte in cache as a share of a cold one: 0.30 / 0.50 cycles (performance-anchors 7.2). */
const WARM = 0.6

/** Folds a sum into 16 bits (without complement). */
export function cksumFold(sum: number): number {
  // The high part of a double-sized sum first, then the usual end-around carry.
  sum = (sum % 65536) + Math.floor(sum / 65536)
  sum = (sum & 0xffff) + (sum >>> 16)
  sum = (sum & 0xffff) + (sum >>> 16)
  return (sum & 0xffff) + (sum >>> 16)
}

let viewBuffer: ArrayBufferLike | null = null
let words: Int32Array = new Int32Array(0)

/**
 * Adds the 16-bit little-endian words of a byte range to a partial sum. An odd last byte counts as the low byte of a word, so a range that continues
 * must have started at an even number of bytes from the start of the data.
 * @param sumSoFar 0 or an earlier result. @returns the unfolded sum; exact for up to 2^36 bytes in all. Fold with {@link cksumFold}.
 */
export function cksumBytes(bytes: Uint8Array, off: number, len: number, sumSoFar: number): number {
  let at = bytes.byteOffset + off
  const buffer = bytes.buffer
  // Views on big buffers are costly to make: the one used last is kept. It is a cache of code, not state.
  if (buffer !== viewBuffer) {
    words = new Int32Array(buffer, 0, buffer.byteLength >>> 2)
    viewBuffer = buffer
  }
  let sum = sumSoFar
  let swapped = false
  if ((at & 3) !== 0 && len >= 8) {
    // Bring the address to a word border. After an odd number of bytes the rest is summed with its bytes swapped (RFC 1071).
    let head = 0
    if ((at & 1) !== 0) {
      head = bytes[off] << 8
      off++
      at++
      len--
      swapped = true
    }
    let part = 0
    if ((at & 2) !== 0) {
      part = bytes[off] | (bytes[off + 1] << 8)
      off += 2
      at += 2
      len -= 2
    }
    if (swapped) {
      // head is the high byte of the word that begins before the range in the swapped world.
      const rest = cksumFold(sumWords(at >>> 2, len >>> 2) + part + tail(bytes, off + (len & ~3), len & 3) + head)
      return sum + (((rest & 0xff) << 8) | (rest >>> 8))
    }
    sum += part
  } else if ((at & 3) !== 0) {
    return sum + tail(bytes, off, len)
  }
  return sum + sumWords(at >>> 2, len >>> 2) + tail(bytes, off + (len & ~3), len & 3)
}

/** Sum of 16-bit words in `count` 32-bit words of the cached view. */
function sumWords(first: number, count: number): number {
  const view = words
  // Two lanes of 16 bits in int32: 32767 words would overflow a lane, so blocks of 8192 are folded into a double.
  let total = 0
  let i = first
  const end = first + count
  while (i < end) {
    const stop = end - i > 8192 ? i + 8192 : end
    let low = 0
    let high = 0
    for (; i + 3 < stop; i += 4) {
      const a = view[i]
      const b = view[i + 1]
      const c = view[i + 2]
      const d = view[i + 3]
      low = (low + (a & 0xffff) + (b & 0xffff) + (c & 0xffff) + (d & 0xffff)) | 0
      high = (high + (a >>> 16) + (b >>> 16) + (c >>> 16) + (d >>> 16)) | 0
    }
    for (; i < stop; i++) {
      const a = view[i]
      low = (low + (a & 0xffff)) | 0
      high = (high + (a >>> 16)) | 0
    }
    total += low + high
  }
  return total
}

/** Sum of fewer than 8 bytes. */
function tail(bytes: Uint8Array, off: number, len: number): number {
  let sum = 0
  let i = 0
  for (; i + 1 < len; i += 2) sum += bytes[off + i] | (bytes[off + i + 1] << 8)
  if (i < len) sum += bytes[off + i]
  return sum
}

/** Sum of a physical range, RAM or file pages; see {@link cksumBytes} for parity. */
export function cksumPhys(k: Kernel, pa: number, len: number, sumSoFar: number): number {
  const { phys } = k
  if (!phys.isFileFrame(Math.floor(pa / 4096))) return cksumBytes(phys.ram, pa, len, sumSoFar)
  let sum = sumSoFar
  let odd = false
  while (len > 0) {
    const offset = pa % 4096
    const n = Math.min(4096 - offset, len)
    sum = addAtParity(sum, cksumBytes(phys.disk, phys.diskOffset(pa), n, 0), odd)
    if ((n & 1) !== 0) odd = !odd
    pa += n
    len -= n
  }
  return sum
}

/** Adds the sum of a piece that starts at an odd offset of the data byte-swapped. */
function addAtParity(sum: number, piece: number, odd: boolean): number {
  if (!odd) return sum + piece
  const folded = cksumFold(piece)
  return sum + (((folded & 0xff) << 8) | (folded >>> 8))
}

/**
 * Checksum of `len − skip` bytes of a chain after the first `skip`, as the 16-bit number a little-endian host stores (complemented).
 * Software sums follow pointers: bytes of an unmapped mbuf are a panic. in_cksum.c in_cksum_skip (read; errata B14).
 */
export function in_cksum_skip(k: Kernel, m: number, len: number, skip: number): number {
  const mb = k.mb
  len -= skip
  while (skip > 0) {
    KASSERT(m !== 0, 'in_cksum_skip: the skipped bytes are in the chain')
    if (skip < mb.m_len[m]) break
    skip -= mb.m_len[m]
    m = mb.m_next[m]!
  }
  let sum = 0
  let odd = false
  for (; m !== 0 && len > 0; m = mb.m_next[m]!) {
    const n = Math.min(mb.m_len[m] - skip, len)
    if (n > 0) {
      sum = addAtParity(sum, cksumPhys(k, mtodAddr(k, m) + skip, n, 0), odd)
      if ((n & 1) !== 0) odd = !odd
      len -= n
      if (k.cost.on) {
        // Bytes inside an mbuf were written a moment ago: warm.
        const warm = (mb.m_flags[m] & M_EXT) === 0 ? WARM : 1
        k.cost.charge(CAUSE.checksum, n * warm * k.cost.p.checksumByte)
      }
    }
    skip = 0
  }
  return ~cksumFold(sum) & 0xffff
}

/** Checksum of the first `len` bytes of a chain. in_cksum.c in_cksum (read). */
export function in_cksum(k: Kernel, m: number, len: number): number {
  return in_cksum_skip(k, m, len, 0)
}

/** Sum of the TCP or UDP pseudo header over IPv4, to start from. Addresses and ports as the host holds wire bytes (little-endian). in_pseudo (read). */
export function in_pseudo(src: number, dst: number, lenAndProtocol: number): number {
  return (
    (src & 0xffff) + (src >>> 16) + (dst & 0xffff) + (dst >>> 16) + (lenAndProtocol & 0xffff) + (lenAndProtocol >>> 16)
  )
}

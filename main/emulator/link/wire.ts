/**
 * Frames out of bursts: headers of single frames, checksums, parsing. Storage is in slots.ts.
 */
import { get16, get32, put16, put32 } from '../netinet/in'
import { WIRE_HEADER_BYTES, WIRE_MAX_FRAMES, WireSlots } from './slots'
import { fold16, onesComplementSum } from './sum'

export { WIRE_FRAME_OVERHEAD, WIRE_HEADER_BYTES, WIRE_MAX_FRAMES, WIRE_MIN_FRAME } from './slots'

const ETHER_ALEN = 6
const ETHERTYPE_IP = 0x0800
const TH_FIN = 0x01
const TH_PUSH = 0x08
/** Holds a header for the length of one call. */
const scratchHeader = new Uint8Array(WIRE_HEADER_BYTES)
const scratchWords = new Int32Array(scratchHeader.buffer)

/** IPv4 header checksum over a header whose checksum field is 0. */
export function ipHeaderChecksum(b: Uint8Array, at: number): number {
  const end = at + (b[at] & 15) * 4
  let sum = 0
  for (let n = at; n < end; n += 2) sum += get16(b, n)
  return ~fold16(sum) & 0xffff
}

/** The bursts of a machine, with what can be derived from them. */
export class Wire extends WireSlots {
  /**
   * Writes the header of frame i to `out`, as it is on the wire. Returns its length. `outWords` is the same memory as 32-bit words; `at` is a multiple
   * of 4, and up to three bytes behind the header are written too.
   *
   * What the card changes from frame to frame: IP total length, IP id (+1 a frame), IP header checksum, TCP sequence number, TCP checksum; FIN and
   * PUSH only in the last frame. Source: semantics of CPL_TX_PKT_LSO, nic-cxgbe 4.4 (derived).
   */
  frameHeader(slot: number, i: number, out: Uint8Array, outWords: Int32Array, at: number): number {
    const hdrLen = this.headerWithoutSum(slot, i, out, outWords, at)
    const t = this.slots
    if (t.tso[slot] !== 0)
      put16(
        out,
        at + t.l4off[slot] + 16,
        t.summed[slot] !== 0 ? t.csum[slot * WIRE_MAX_FRAMES + i] : this.frameSum(slot, i, out, at),
      )
    return hdrLen
  }

  /** Like {@link frameHeader}, but the checksum field of a frame of a burst is whatever the header of the burst has. */
  private headerWithoutSum(slot: number, i: number, out: Uint8Array, outWords: Int32Array, at: number): number {
    const t = this.slots
    const hdrLen = t.hdrLen[slot]
    const from = this.headerAt(slot) >>> 2
    const { words } = this
    const to = at >>> 2
    for (let n = 0; n * 4 < hdrLen; n++) outWords[to + n] = words[from + n]!
    if (t.tso[slot] === 0) return hdrLen
    const l3 = at + t.l3off[slot]
    const l4 = at + t.l4off[slot]
    const payload = this.framePayload(slot, i)
    if (out[l3] >>> 4 === 4) {
      put16(out, l3 + 2, hdrLen - t.l3off[slot] + payload)
      put16(out, l3 + 4, get16(out, l3 + 4) + i)
      out[l3 + 10] = 0
      out[l3 + 11] = 0
      put16(out, l3 + 10, ipHeaderChecksum(out, l3))
    } else put16(out, l3 + 4, hdrLen - t.l3off[slot] - 40 + payload)
    put32(out, l4 + 4, get32(out, l4 + 4) + i * t.mss[slot])
    if (i < t.nsegs[slot] - 1) out[l4 + 13] = out[l4 + 13] & ~(TH_FIN | TH_PUSH)
    return hdrLen
  }

  /** The sum that belongs into frame i, whose header stands in `header` from `at` on. */
  private frameSum(slot: number, i: number, header: Uint8Array, at: number): number {
    const t = this.slots
    const payload = this.framePayload(slot, i)
    const head = this.pseudoAndHeaderSum(slot, header, at, payload)
    const data = onesComplementSum(this.bytes, this.words, this.payloadAt(slot) + i * t.mss[slot], payload)
    const sum = ~fold16(head + data) & 0xffff
    return sum === 0 && t.proto[slot] === 17 ? 0xffff : sum
  }

  /** A frame as a capture file wants it: header and payload, not padded. */
  frameBytes(slot: number, i: number): Uint8Array {
    const hdrLen = this.slots.hdrLen[slot]
    const payload = this.framePayload(slot, i)
    const out = new Uint8Array(hdrLen + payload)
    this.frameHeader(slot, i, scratchHeader, scratchWords, 0)
    out.set(scratchHeader.subarray(0, hdrLen))
    const from = this.payloadAt(slot) + i * this.slots.mss[slot]
    out.set(this.bytes.subarray(from, from + payload), hdrLen)
    return out
  }

  /**
   * A new slot with frame i alone (duplicates, frames overtaken by others, cards without LRO).
   */
  extract(slot: number, i: number): number {
    const payload = this.framePayload(slot, i)
    const copy = this.alloc(payload)
    const t = this.slots
    t.hdrLen[copy] = this.frameHeader(slot, i, this.bytes, this.words, this.headerAt(copy))
    t.payLen[copy] = payload
    t.mss[copy] = payload
    t.l3off[copy] = t.l3off[slot]!
    t.l4off[copy] = t.l4off[slot]!
    t.proto[copy] = t.proto[slot]!
    t.from[copy] = t.from[slot]!
    t.sent[copy] = t.sent[slot]!
    t.hostSum[copy] = t.hostSum[slot]!
    t.csum[copy * WIRE_MAX_FRAMES] =
      t.tso[slot] === 0 ? t.csum[slot * WIRE_MAX_FRAMES] : get16(this.bytes, this.headerAt(copy) + t.l4off[slot] + 16)
    const source = this.payloadAt(slot) + i * t.mss[slot]
    this.bytes.copyWithin(this.payloadAt(copy), source, source + payload)
    return copy
  }

  /** Finds the headers of the frame in a slot (all of its bytes may still be in the header part): fills l3off, l4off, proto and hdrLen. */
  parse(slot: number, length: number): void {
    const t = this.slots
    const b = this.bytes
    const at = this.headerAt(slot)
    let l3 = 2 * ETHER_ALEN + 2
    let type = get16(b, at + l3 - 2)
    if (type === 0x8100) {
      l3 += 4
      type = get16(b, at + l3 - 2)
    }
    t.l3off[slot] = 0
    t.l4off[slot] = 0
    t.proto[slot] = 0
    t.hdrLen[slot] = Math.min(length, l3)
    if (type === ETHERTYPE_IP && length >= l3 + 20 && b[at + l3] >>> 4 === 4) {
      const l4 = l3 + (b[at + l3] & 15) * 4
      t.l3off[slot] = l3
      t.proto[slot] = b[at + l3 + 9]!
      // Only the first fragment has the upper header.
      if ((get16(b, at + l3 + 6) & 0x1fff) !== 0) t.hdrLen[slot] = Math.min(length, l4)
      else this.upperHeader(slot, l4, length)
    } else if (type === 0x86dd && length >= l3 + 40) {
      t.l3off[slot] = l3
      t.proto[slot] = b[at + l3 + 6]!
      this.upperHeader(slot, l3 + 40, length)
    }
  }

  private upperHeader(slot: number, l4: number, length: number): void {
    const t = this.slots
    const proto = t.proto[slot]
    const at = this.headerAt(slot)
    if (proto === 6 && length >= l4 + 20) {
      t.l4off[slot] = l4
      t.hdrLen[slot] = l4 + (this.bytes[at + l4 + 12] >>> 4) * 4
    } else if (proto === 17 && length >= l4 + 8) {
      t.l4off[slot] = l4
      t.hdrLen[slot] = l4 + 8
    } else t.hdrLen[slot] = Math.min(length, l4)
  }

  /**
   * Not-inverted sum (network order, folded) of the TCP or UDP header of a frame as it stands in `header` from `at` on, its checksum field taken as 0,
   * with the pseudo header.
   */
  private pseudoAndHeaderSum(slot: number, header: Uint8Array, at: number, payload: number): number {
    const t = this.slots
    const l3 = at + t.l3off[slot]
    const l4 = at + t.l4off[slot]
    const end = at + t.hdrLen[slot]
    const proto = t.proto[slot]
    let sum = proto + (end - l4) + payload
    if (header[l3] >>> 4 === 4) for (let n = l3 + 12; n < l3 + 20; n += 2) sum += get16(header, n)
    else for (let n = l3 + 8; n < l3 + 40; n += 2) sum += get16(header, n)
    const field = l4 + (proto === 6 ? 16 : 6)
    for (let n = l4; n < end; n += 2) if (n !== field) sum += get16(header, n)
    return fold16(sum)
  }

  /** Puts the IPv4 header checksum into the frame of a slot of one frame. Does nothing for other packets. */
  insertIpChecksum(slot: number): void {
    const l3 = this.slots.l3off[slot]
    if (l3 === 0) return
    const b = this.bytes
    const at = this.headerAt(slot) + l3
    if (b[at] >>> 4 !== 4) return
    b[at + 10] = 0
    b[at + 11] = 0
    put16(b, at + 10, ipHeaderChecksum(b, at))
  }

  /** Where the checksum of the upper header stands in the frame, from its first byte; 0 if there is none. */
  private checksumField(slot: number): number {
    const t = this.slots
    const l4 = t.l4off[slot]
    return l4 === 0 ? 0 : l4 + (t.proto[slot] === 6 ? 16 : 6)
  }

  /** Computes the TCP or UDP checksum of a slot of one frame and puts it into the frame. */
  insertChecksum(slot: number): void {
    const field = this.checksumField(slot)
    if (field === 0) return
    const sum = this.computeChecksum(slot, 0)
    this.slots.csum[slot * WIRE_MAX_FRAMES] = sum
    put16(this.bytes, this.headerAt(slot) + field, sum)
  }

  /** Takes the checksum of a slot of one frame as it stands in the frame (the host computed it, or did not). */
  readChecksum(slot: number): void {
    const field = this.checksumField(slot)
    if (field !== 0) this.slots.csum[slot * WIRE_MAX_FRAMES] = get16(this.bytes, this.headerAt(slot) + field)
    this.slots.hostSum[slot] = 1
  }

  /**
   * Takes the checksums of all frames of a TSO burst now, so that a receiver can check the bytes against them (debug mode; otherwise the sum of a frame
   * is taken when the frame is looked at: the bytes in between do not change). What frames have in common is summed once: per frame remain length,
   * sequence number, flags and payload.
   */
  insertBurstChecksums(slot: number): void {
    const t = this.slots
    const b = this.bytes
    const head = this.headerAt(slot)
    const l3 = head + t.l3off[slot]
    const l4 = head + t.l4off[slot]
    const hdrLen = t.hdrLen[slot]
    const mss = t.mss[slot]
    const frames = t.nsegs[slot]
    let common = 6
    if (b[l3] >>> 4 === 4) for (let n = l3 + 12; n < l3 + 20; n += 2) common += get16(b, n)
    else for (let n = l3 + 8; n < l3 + 40; n += 2) common += get16(b, n)
    for (let n = l4; n < head + hdrLen; n += 2) if (n < l4 + 4 || n > l4 + 6) common += get16(b, n)
    common -= get16(b, l4 + 16) + get16(b, l4 + 12)
    const flags = get16(b, l4 + 12)
    const middle = flags & ~(TH_FIN | TH_PUSH)
    const tcpHeader = hdrLen - t.l4off[slot]
    let seq = get32(b, l4 + 4)
    let payload = this.payloadAt(slot)
    const { words } = this
    t.summed[slot] = 1
    for (let i = 0; i < frames; i++) {
      const n = i < frames - 1 ? mss : t.payLen[slot] - i * mss
      const sum =
        common +
        tcpHeader +
        n +
        (seq >>> 16) +
        (seq & 0xffff) +
        (i < frames - 1 ? middle : flags) +
        onesComplementSum(b, words, payload, n)
      t.csum[slot * WIRE_MAX_FRAMES + i] = ~fold16(sum) & 0xffff
      seq = (seq + mss) >>> 0
      payload += mss
    }
  }

  /** Copies headers and what is known about them to another slot. */
  copyHeader(from: number, to: number): void {
    const t = this.slots
    const hdrLen = t.hdrLen[from]
    this.bytes.copyWithin(this.headerAt(to), this.headerAt(from), this.headerAt(from) + hdrLen)
    t.hdrLen[to] = hdrLen
    t.l3off[to] = t.l3off[from]!
    t.l4off[to] = t.l4off[from]!
    t.proto[to] = t.proto[from]!
  }

  /** Makes the header of a TSO burst one that begins `frames` frames and `bytes` bytes later; FIN and PUSH stay only if the burst ends with it. */
  advanceHeader(slot: number, frames: number, bytes: number, last: boolean): void {
    const t = this.slots
    const b = this.bytes
    const l3 = this.headerAt(slot) + t.l3off[slot]
    const l4 = this.headerAt(slot) + t.l4off[slot]
    if (b[l3] >>> 4 === 4) put16(b, l3 + 4, get16(b, l3 + 4) + frames)
    put32(b, l4 + 4, get32(b, l4 + 4) + bytes)
    if (!last) b[l4 + 13] = b[l4 + 13] & ~(TH_FIN | TH_PUSH)
  }

  /** TCP or UDP checksum that frame i should carry, from its bytes: what a card inserts, and what a receiver recomputes. */
  computeChecksum(slot: number, i: number): number {
    this.headerWithoutSum(slot, i, scratchHeader, scratchWords, 0)
    return this.frameSum(slot, i, scratchHeader, 0)
  }
}

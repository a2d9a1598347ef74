/** What every card does with a frame in host memory: gather it by physical address into a wire slot, tag it, cut it. Hardware, so no kernel names. */
import type { Kernel } from '../kernel'
import { WIRE_HEADER_BYTES, WIRE_MAX_FRAMES } from '../link/wire'
import { put16 } from '../netinet/in'
import { KASSERT } from '../sys/systm'

/** Reads the `length` bytes of `nseg` pieces into a fresh slot, headers apart from payload. */
export function gatherFrame(
  k: Kernel,
  slot: number,
  address: Float64Array,
  bytesOf: Int32Array,
  nseg: number,
  length: number,
): void {
  const { wire } = k.machine
  const { bytes } = wire
  const head = wire.headerAt(slot)
  const payload = wire.payloadAt(slot)
  const inHead = Math.min(length, WIRE_HEADER_BYTES)
  let done = 0
  let i = 0
  let within = 0
  while (done < inHead) {
    const n = Math.min(bytesOf[i], inHead - done)
    k.phys.copyOut(address[i], n, bytes, head + done)
    done += n
    if (n === bytesOf[i]) i++
    else within = n
  }
  wire.parse(slot, length)
  const hdrLen = wire.slots.hdrLen[slot]
  // What was read beyond the headers belongs to the payload.
  bytes.copyWithin(payload, head + hdrLen, head + done)
  let to = payload + (done - hdrLen)
  for (; i < nseg; i++) {
    const n = bytesOf[i] - within
    k.phys.copyOut(address[i] + within, n, bytes, to)
    to += n
    within = 0
  }
  KASSERT(to - payload === length - hdrLen, 'hardware: the pieces hold as many bytes as the packet says')
  wire.slots.payLen[slot] = length - hdrLen
}

/** VLAN insertion: four bytes behind the addresses. */
export function insertVlanTag(k: Kernel, slot: number, tag: number): void {
  const { wire } = k.machine
  const at = wire.headerAt(slot)
  const t = wire.slots
  const hdrLen = t.hdrLen[slot]
  wire.bytes.copyWithin(at + 16, at + 12, at + hdrLen)
  put16(wire.bytes, at + 12, 0x8100)
  put16(wire.bytes, at + 14, tag)
  t.hdrLen[slot] = hdrLen + 4
  if (t.l3off[slot] !== 0) t.l3off[slot] = t.l3off[slot] + 4
  if (t.l4off[slot] !== 0) t.l4off[slot] = t.l4off[slot] + 4
}

/**
 * TSO: cuts the payload of a slot into frames of `mss` bytes. With `sums` every checksum is taken now, else when a frame is looked at.
 * @returns the first slot; a very small MSS needs several, linked by `next`.
 */
export function segmentBurst(k: Kernel, slot: number, mss: number, sums: boolean): number {
  const { wire } = k.machine
  const t = wire.slots
  const payload = t.payLen[slot]
  const frames = Math.ceil(payload / mss)
  if (frames <= WIRE_MAX_FRAMES) {
    t.mss[slot] = mss
    t.nsegs[slot] = frames
    t.tso[slot] = 1
    if (sums) wire.insertBurstChecksums(slot)
    return slot
  }
  let first = 0
  let last = 0
  for (let frame = 0; frame < frames; frame += WIRE_MAX_FRAMES) {
    const begin = frame * mss
    const part = Math.min(payload - begin, WIRE_MAX_FRAMES * mss)
    const piece = wire.alloc(part)
    wire.copyHeader(slot, piece)
    t.payLen[piece] = part
    t.mss[piece] = mss
    t.nsegs[piece] = Math.ceil(part / mss)
    t.tso[piece] = 1
    wire.advanceHeader(piece, frame, begin, begin + part === payload)
    const from = wire.payloadAt(slot) + begin
    wire.bytes.copyWithin(wire.payloadAt(piece), from, from + part)
    if (sums) wire.insertBurstChecksums(piece)
    if (first === 0) first = piece
    else t.next[last] = piece
    last = piece
  }
  wire.free(slot)
  return first
}

/**
 * What every card of the model and its driver do with frames that have arrived: the checksum unit, the headers of segments that LRO joined, and the tag
 * that leaves the frame. Source: netinet/tcp_lro.c (derived); the checksum unit is hardware (assumed).
 */
import type { Kernel } from '../kernel'
import { ipHeaderChecksum } from '../link/wire'
import { get16, put16 } from '../netinet/in'
import { IFCAP_RXCSUM, IFCAP_RXCSUM_IPV6 } from '../net/ifConstants'
import { M_VLANTAG } from '../sys/mbuf'

const TH_PUSH = 0x08

/**
 * What the card's checksum unit finds for a frame of a burst. A sum that a card of the model inserted is right: bytes on the wire do not change (the debug
 * mode computes it all the same); a sum that the sender's host computed is recomputed.
 */
export function checksumIsRight(k: Kernel, slot: number, frame: number): boolean {
  const { wire } = k.machine
  const t = wire.slots
  if (t.l4off[slot] === 0) return false
  if (t.hostSum[slot] === 0 && !k.debug) return true
  const stands = t.csum[slot * 64 + frame]
  if (t.proto[slot] === 17 && stands === 0) return true
  return wire.computeChecksum(slot, frame) === stands
}

/** The capability by which the card checks the sums of a burst: IPv6 has its own. */
export function rxcsumBit(k: Kernel, slot: number): number {
  const { wire } = k.machine
  const l3 = wire.slots.l3off[slot]
  return l3 !== 0 && wire.bytes[wire.headerAt(slot) + l3] >>> 4 === 6 ? IFCAP_RXCSUM_IPV6 : IFCAP_RXCSUM
}

/** LRO: headers at RAM address `head` become those of frames `frame` … `frame + n - 1` together, with `payload` bytes. */
export function joinHeaders(k: Kernel, slot: number, frame: number, n: number, head: number, payload: number): void {
  const { wire } = k.machine
  const { ram } = k.phys
  const t = wire.slots
  const l3 = head + t.l3off[slot]
  if (ram[l3] >>> 4 === 4) {
    put16(ram, l3 + 2, t.hdrLen[slot] - t.l3off[slot] + payload)
    put16(ram, l3 + 10, 0)
    put16(ram, l3 + 10, ipHeaderChecksum(ram, l3))
  } else put16(ram, l3 + 4, t.hdrLen[slot] - t.l3off[slot] - 40 + payload)
  // PUSH of the last frame is not lost.
  if (frame + n === t.nsegs[slot]) {
    const flags = wire.bytes[wire.headerAt(slot) + t.l4off[slot] + 13]
    ram[head + t.l4off[slot] + 13] = ram[head + t.l4off[slot] + 13] | (flags & TH_PUSH)
  }
}

/** VLAN extraction: a tag at RAM address `head`, where packet `m` begins, moves into the packet header. @returns whether there was one. */
export function extractVlanTag(k: Kernel, m: number, head: number): boolean {
  const { mb } = k
  const { ram } = k.phys
  if (get16(ram, head + 12) !== 0x8100) return false
  mb.ph_ether_vtag[m] = get16(ram, head + 14)
  mb.m_flags[m] = mb.m_flags[m] | M_VLANTAG
  ram.copyWithin(head + 4, head, head + 12)
  mb.m_data[m] += 4
  mb.m_len[m] -= 4
  mb.ph_len[m] -= 4
  return true
}

/**
 * First look at a packet on its way out: how many scatter/gather segments it needs, whether that fits, where its headers end, how long its work
 * request will be. Source: sys/dev/cxgbe/t4_sge.c parse_pkt, count_mbuf_nsegs, count_mbuf_ext_pgs, txpkt_len16 and neighbours (read through
 * reference nic-cxgbe 2.4, 3.2, 3.3, 4.3).
 */
import type { Kernel } from '../../kernel'
import { m_freem, mtodAddr, pgsHdrAddr, pgsLines, pgsTrailAddr } from '../../kern/kern_mbuf'
import { m_defrag, m_pullup } from '../../kern/uipc_mbuf'
import { EFBIG, EINVAL } from '../../sys/errno'
import {
  CSUM_IP,
  CSUM_IP6_TCP,
  CSUM_IP6_UDP,
  CSUM_IP_TCP,
  CSUM_IP_UDP,
  CSUM_TSO,
  MBUF_PEXT_MAX_PGS,
  MHLEN,
  M_NOMAP,
  M_PKTHDR,
  M_VLANTAG,
} from '../../sys/mbuf'
import { M_NOWAIT, PAGE_SIZE } from '../../sys/param'
import { KASSERT, panic } from '../../sys/systm'
import { EQ_ESIZE, howmany, MC_NOMAP, TX_SGL_SEGS, TX_SGL_SEGS_TSO } from './adapter'
import { CPL_LSO_BYTES, CPL_PKT_BYTES, FW_WR_HDR_BYTES } from './t4_msg'

// Per-packet scratch space (nic-cxgbe 3.2).
export const mbuf_nsegs = (k: Kernel, m: number): number => k.mb.ph_l5hlen[m]
export const set_mbuf_nsegs = (k: Kernel, m: number, n: number): void => {
  k.mb.ph_l5hlen[m] = n
}
export const mbuf_len16 = (k: Kernel, m: number): number => k.mb.ph_eight0[m]
export const set_mbuf_len16 = (k: Kernel, m: number, n: number): void => {
  k.mb.ph_eight0[m] = n
}
export const mbuf_cflags = (k: Kernel, m: number): number => k.mb.ph_eight4[m]
export const set_mbuf_cflags = (k: Kernel, m: number, flags: number): void => {
  k.mb.ph_eight4[m] = flags
}

export const needs_tso = (k: Kernel, m: number): boolean => (k.mb.ph_csum_flags[m] & CSUM_TSO) !== 0
export const needs_l3_csum = (k: Kernel, m: number): boolean => (k.mb.ph_csum_flags[m] & (CSUM_IP | CSUM_TSO)) !== 0
export const needs_l4_csum = (k: Kernel, m: number): boolean =>
  (k.mb.ph_csum_flags[m] & (CSUM_IP_TCP | CSUM_IP_UDP | CSUM_IP6_UDP | CSUM_IP6_TCP | CSUM_TSO)) !== 0
export const needs_vlan_insertion = (k: Kernel, m: number): boolean => (k.mb.m_flags[m] & M_VLANTAG) !== 0

/** Bytes of an SGL behind its first 16: 8 × (⌊3(n−1)/2⌋ + ((n−1) AND 1)). */
function extraSgl(n: number): number {
  const rest = n - 1
  return 8 * (((3 * rest) >> 1) + (rest & 1))
}

/** Length of a single-packet work request in units of 16 bytes. Source: t4_sge.c txpkt_len16. */
export function txpkt_len16(nsegs: number, tso: boolean): number {
  return howmany(FW_WR_HDR_BYTES + CPL_PKT_BYTES + 16 + extraSgl(nsegs) + (tso ? CPL_LSO_BYTES : 0), 16)
}

/** A packet's share of a type 0 coalesced work request. Source: t4_sge.c txpkts0_len16. */
export function txpkts0_len16(nsegs: number): number {
  return howmany(8 + 8 + CPL_PKT_BYTES + 16 + extraSgl(nsegs), 16)
}

/** A packet's share of a type 1 coalesced work request. Source: t4_sge.c txpkts1_len16. */
export function txpkts1_len16(): number {
  return (CPL_PKT_BYTES + 16) / 16
}

/** Packet bytes that fit as immediate data into `ndesc` descriptors. Source: t4_sge.c imm_payload. */
export function imm_payload(ndesc: number): number {
  return ndesc * EQ_ESIZE - FW_WR_HDR_BYTES - CPL_PKT_BYTES
}

/** Flags found by the last {@link count_mbuf_nsegs}. */
export let countedCflags = 0
/** Physical address behind the last byte counted. */
let nextAddress = 0

/** Adds a piece; 1 if it does not continue the one before. */
function piece(address: number, length: number): number {
  const isNew = address === nextAddress ? 0 : 1
  nextAddress = address + length
  return isNew
}

/** Source: t4_sge.c count_mbuf_ext_pgs. `off`: first byte, in the numbering of the page array. */
function count_mbuf_ext_pgs(k: Kernel, m: number, skip: number): number {
  const g = k.pgs
  const p = k.mb.ext_buf[m]
  let nsegs = 0
  let off = k.mb.m_data[m] + skip
  let len = k.mb.m_len[m] - skip
  const hdrLen = g.hdr_len[p]
  if (hdrLen !== 0) {
    if (off >= hdrLen) off -= hdrLen
    else {
      const seglen = Math.min(hdrLen - off, len)
      nsegs += piece(pgsHdrAddr(k, p) + off, seglen)
      off = 0
      len -= seglen
    }
  }
  let pgoff = g.first_pg_off[p]
  const npgs = g.npgs[p]
  const base = p * MBUF_PEXT_MAX_PGS
  // The first look at the array since it was filled in.
  if (k.cost.on) k.cost.chargeMisses(pgsLines(npgs))
  for (let i = 0; i < npgs && len > 0; i++) {
    const pglen = i === npgs - 1 ? g.last_pg_len[p] : PAGE_SIZE - pgoff
    if (off >= pglen) off -= pglen
    else {
      const seglen = Math.min(pglen - off, len)
      nsegs += piece(g.pa[base + i] * PAGE_SIZE + pgoff + off, seglen)
      len -= seglen
      off = 0
    }
    pgoff = 0
  }
  if (len > 0) {
    const seglen = Math.min(g.trail_len[p] - off, len)
    nsegs += piece(pgsTrailAddr(k, p) + off, seglen)
    len -= seglen
  }
  KASSERT(len === 0, 'count_mbuf_ext_pgs: the pages hold as many bytes as the mbuf shows')
  return nsegs
}

/**
 * Segments of a packet from byte `skip` on; neighbours in physical memory are one, also across mbufs. Sets {@link countedCflags}.
 * Source: t4_sge.c count_mbuf_nsegs. The direct map makes every mapped buffer one piece.
 */
export function count_mbuf_nsegs(k: Kernel, m0: number, skip: number): number {
  const mb = k.mb
  let nsegs = 0
  countedCflags = 0
  nextAddress = -1
  for (let m = m0; m !== 0; m = mb.m_next[m]!) {
    const len = mb.m_len[m]
    if (len === 0) continue
    if (skip >= len) {
      skip -= len
      continue
    }
    if ((mb.m_flags[m] & M_NOMAP) !== 0) {
      countedCflags |= MC_NOMAP
      nsegs += count_mbuf_ext_pgs(k, m, skip)
    } else nsegs += piece(mtodAddr(k, m) + skip, len - skip)
    skip = 0
  }
  return nsegs
}

/** One byte of a packet at an offset. Headers are in mapped mbufs: an unmapped one would be a wild pointer here, and is a panic. */
function headerByte(k: Kernel, m0: number, offset: number): number {
  const mb = k.mb
  let m = m0
  let at = offset
  while (m !== 0 && at >= mb.m_len[m]) {
    at -= mb.m_len[m]
    m = mb.m_next[m]!
  }
  KASSERT(m !== 0, 'parse_pkt: the headers are inside of the packet')
  return k.phys.ram[mtodAddr(k, m) + at]
}

/** The packet after {@link parse_pkt}: it may have been replaced by a defragmented or pulled-up copy. 0 after an error (it is freed). */
export let parsedPacket = 0

/**
 * Checks a packet and prepares its scratch space. 0, or EINVAL (shorter than an Ethernet header), EFBIG (too many segments even after
 * m_defrag, or no memory for it); on error the packet is freed. Source: t4_sge.c parse_pkt.
 */
export function parse_pkt(k: Kernel, m0: number): number {
  const mb = k.mb
  let m = m0
  let defragged = false
  parsedPacket = 0
  KASSERT((mb.m_flags[m] & M_PKTHDR) !== 0, 'parse_pkt: a packet begins with a packet header')
  if (mb.ph_len[m] < 14) {
    m_freem(k, m)
    return EINVAL
  }
  // Flags stay over a restart: a packet that was unmapped before m_defrag stays barred from immediate data (as in the driver).
  let cflags = 0
  let nsegs: number
  for (;;) {
    nsegs = count_mbuf_nsegs(k, m, 0)
    cflags |= countedCflags
    if (nsegs > (needs_tso(k, m) ? TX_SGL_SEGS_TSO : TX_SGL_SEGS)) {
      const defragmented = defragged ? 0 : m_defrag(k, m, M_NOWAIT)
      if (defragmented === 0) {
        m_freem(k, m)
        return EFBIG
      }
      defragged = true
      m = defragmented
      continue
    }
    if (nsegs > 2 && k.mb.ph_len[m] <= MHLEN && (cflags & MC_NOMAP) === 0) {
      m = m_pullup(k, m, k.mb.ph_len[m])
      // m_pullup has freed the packet when it fails.
      if (m === 0) return EFBIG
      continue
    }
    break
  }
  const tso = needs_tso(k, m)
  set_mbuf_nsegs(k, m, nsegs)
  set_mbuf_cflags(k, m, cflags)
  set_mbuf_len16(k, m, txpkt_len16(nsegs, tso))
  parsedPacket = m
  if (!tso) return 0

  let l2hlen = 14
  let type = (headerByte(k, m, 12) << 8) | headerByte(k, m, 13)
  if (type === 0x8100) {
    type = (headerByte(k, m, 16) << 8) | headerByte(k, m, 17)
    l2hlen = 18
  }
  let l3hlen: number
  if (type === 0x0800) l3hlen = (headerByte(k, m, l2hlen) & 15) << 2
  else if (type === 0x86dd) l3hlen = 40
  else
    panic(
      'parse_pkt: a packet to be segmented is IPv4 or IPv6; the module must be built with the INET/INET6 options of the kernel',
    )
  k.mb.ph_l2hlen[m] = l2hlen
  k.mb.ph_l3hlen[m] = l3hlen
  k.mb.ph_l4hlen[m] = (headerByte(k, m, l2hlen + l3hlen + 12) >>> 4) << 2
  return 0
}

/**
 * Copies and rearrangements of whole chains. Second part of sys/kern/uipc_mbuf.c (read; kernel-mbuf-sendfile 3.5, errata A5, B9–B11, B14).
 * Safe for unmapped mbufs: m_split, m_defrag, m_collapse, m_fragment. Not: m_dup and m_unshare follow pointers (a panic here).
 */
import type { Kernel } from '../kernel'
import { CAUSE } from '../machine/cost'
import { MCLBYTES } from '../sys/param'
import {
  CSUM_SND_TAG,
  MHLEN,
  MINCLSIZE,
  MLEN,
  MT_DATA,
  M_COPYFLAGS,
  M_EXT,
  M_NOMAP,
  M_PKTHDR,
  M_RDONLY,
} from '../sys/mbuf'
import { KASSERT } from '../sys/systm'
import { m_get, m_getcl, m_gethdr } from './kern_mbuf_alloc'
import { m_free, m_freem } from './kern_mbuf_free'
import { M_ALIGN, M_TRAILINGSPACE, M_WRITABLE, mtodAddr } from './mbuf_inline'
import { m_cat, m_copydata, m_dup_pkthdr, m_fixhdr, m_move_pkthdr, mb_dupcl } from './uipc_mbuf_chain'
import { MBUF_CHECKSLEEP } from './uipc_mbuf_sanity'

/** Plain copy between mapped mbufs; a panic if the source is unmapped and shows bytes. */
function copyMapped(k: Kernel, from: number, fromOff: number, to: number, toOff: number, len: number): void {
  if (len <= 0) return
  k.phys.copy(mtodAddr(k, from) + fromOff, mtodAddr(k, to) + toOff, len)
  if (k.cost.on) k.cost.charge(CAUSE.copy, len * k.cost.p.copyByte)
}

/**
 * Splits a chain after `len0` bytes; external storage at the border is shared.
 * @returns the tail, or 0 (allocation failed, or nothing is behind the border). uipc_mbuf.c m_split (read; errata B11).
 */
export function m_split(k: Kernel, m0: number, len0: number, how: number): number {
  MBUF_CHECKSLEEP(how)
  let m = m0
  let len = len0
  while (m !== 0 && len > k.mb.m_len[m]) {
    len -= k.mb.m_len[m]
    m = k.mb.m_next[m]!
  }
  if (m === 0) return 0
  const remain = k.mb.m_len[m] - len
  let n: number
  if ((k.mb.m_flags[m0] & M_PKTHDR) !== 0) {
    n = m_gethdr(k, how, k.mb.m_type[m0])
    if (n === 0) return 0
    const mb = k.mb
    if (mb.ph_csum_flags[m0] >= CSUM_SND_TAG) mb.ph_csum_flags[n] = CSUM_SND_TAG
    else mb.ph_rcvif[n] = mb.ph_rcvif[m0]!
    mb.ph_len[n] = mb.ph_len[m0] - len0
    mb.ph_len[m0] = len0
    if (remain === 0) {
      mb.m_next[n] = mb.m_next[m]!
      mb.m_next[m] = 0
      return n
    }
    if ((mb.m_flags[m] & M_EXT) === 0) {
      if (remain > MHLEN) {
        // More than fits behind a packet header: the header mbuf stays empty and a plain one follows.
        M_ALIGN(k, n, 0)
        const tail = m_split(k, m, len, how)
        if (tail === 0) {
          m_free(k, n)
          return 0
        }
        k.mb.m_next[n] = tail
        k.mb.m_len[n] = 0
        return n
      }
      M_ALIGN(k, n, remain)
    }
  } else if (remain === 0) {
    n = k.mb.m_next[m]!
    k.mb.m_next[m] = 0
    return n
  } else {
    n = m_get(k, how, k.mb.m_type[m])
    if (n === 0) return 0
    M_ALIGN(k, n, remain)
  }
  const mb = k.mb
  if ((mb.m_flags[m] & M_EXT) !== 0) {
    mb.m_data[n] = mb.m_data[m] + len
    mb_dupcl(k, n, m)
  } else copyMapped(k, m, len, n, 0, remain)
  mb.m_len[n] = remain
  mb.m_len[m] = len
  mb.m_next[n] = mb.m_next[m]!
  mb.m_next[m] = 0
  return n
}

/** A writable copy of a packet. @returns the copy or 0. uipc_mbuf.c m_dup, m_dup_pkt (read). */
export function m_dup(k: Kernel, m: number, how: number): number {
  MBUF_CHECKSLEEP(how)
  if (m === 0) return 0
  KASSERT((k.mb.m_flags[m] & M_PKTHDR) !== 0, 'm_dup: the source is a packet')
  let remain = k.mb.ph_len[m]
  let moff = 0
  let top = 0
  let last = 0
  const m0 = m
  while (remain > 0 || top === 0) {
    const type = k.mb.m_type[m0]
    const big = remain >= MINCLSIZE
    const n = big ? m_getcl(k, how, type, 0) : m_get(k, how, type)
    if (n === 0) {
      m_freem(k, top)
      return 0
    }
    const mb = k.mb
    let nsize = big ? MCLBYTES : MLEN
    if (top === 0) {
      top = n
      if (!m_dup_pkthdr(k, n, m0)) {
        m_free(k, n)
        return 0
      }
      if (!big) nsize = MHLEN
      mb.m_flags[n] &= ~M_RDONLY
    } else mb.m_next[last] = n
    last = n
    mb.m_len[n] = 0
    while (mb.m_len[n] < nsize && m !== 0) {
      const chunk = Math.min(nsize - mb.m_len[n], mb.m_len[m] - moff)
      copyMapped(k, m, moff, n, mb.m_len[n], chunk)
      moff += chunk
      mb.m_len[n] += chunk
      remain -= chunk
      if (moff === mb.m_len[m]) {
        m = mb.m_next[m]!
        moff = 0
      }
    }
    KASSERT(remain > 0 ? m !== 0 : remain === 0 && m === 0, 'm_dup: the packet length is the length of the chain')
  }
  return top
}

/**
 * A writable version of a chain: what is shared or read-only is copied into clusters, neighbours are joined.
 * @returns the chain, or 0 with everything freed. uipc_mbuf.c m_unshare (read; errata B10).
 */
export function m_unshare(k: Kernel, m0: number, how: number): number {
  let mprev = 0
  for (let m = m0; m !== 0; m = k.mb.m_next[mprev]!) {
    const mb = k.mb
    const flags = mb.m_flags[m]
    const joins = mprev !== 0 && (mb.m_flags[mprev] & M_EXT) !== 0 && mb.m_len[m] <= M_TRAILINGSPACE(k, mprev)
    const writable = (flags & M_EXT) === 0 || M_WRITABLE(k, m)
    if (writable && ((flags & M_EXT) !== 0 || !joins)) {
      mprev = m
      continue
    }
    if (joins) {
      copyMapped(k, m, 0, mprev, mb.m_len[mprev], mb.m_len[m])
      mb.m_len[mprev] += mb.m_len[m]
      mb.m_next[mprev] = m_free(k, m)
      continue
    }
    let n = m_getcl(k, how, mb.m_type[m], flags & M_COPYFLAGS)
    if (n === 0) {
      m_freem(k, m0)
      return 0
    }
    if ((flags & M_PKTHDR) !== 0) {
      KASSERT(mprev === 0, 'm_unshare: only the first mbuf has a packet header')
      m_move_pkthdr(k, n, m)
    }
    const mfirst = n
    let mlast = 0
    let len = k.mb.m_len[m]
    let off = 0
    for (;;) {
      const cc = Math.min(len, MCLBYTES)
      copyMapped(k, m, off, n, 0, cc)
      k.mb.m_len[n] = cc
      if (mlast !== 0) k.mb.m_next[mlast] = n
      mlast = n
      len -= cc
      if (len <= 0) break
      off += cc
      n = m_getcl(k, how, k.mb.m_type[m], k.mb.m_flags[m] & M_COPYFLAGS)
      if (n === 0) {
        m_freem(k, mfirst)
        m_freem(k, m0)
        return 0
      }
    }
    k.mb.m_next[n] = k.mb.m_next[m]!
    if (mprev === 0) m0 = mfirst
    else k.mb.m_next[mprev] = mfirst
    m_free(k, m)
    mprev = mfirst
  }
  return m0
}

/**
 * The shortest chain of mbufs and clusters with the same bytes.
 * @returns the new chain (the old one is freed), the old one itself if it is no packet, or 0 with the old one untouched. uipc_mbuf.c m_defrag (read).
 */
export function m_defrag(k: Kernel, m0: number, how: number): number {
  if ((k.mb.m_flags[m0] & M_PKTHDR) === 0) return m0
  const total = m_fixhdr(k, m0)
  const final = total > MHLEN ? m_getcl(k, how, MT_DATA, M_PKTHDR) : m_gethdr(k, how, MT_DATA)
  if (final === 0) return 0
  if (!m_dup_pkthdr(k, final, m0)) {
    m_free(k, final)
    return 0
  }
  let n = final
  for (let progress = 0; progress < total;) {
    const length = Math.min(total - progress, MCLBYTES)
    if (n === 0) {
      n = length > MLEN ? m_getcl(k, how, MT_DATA, 0) : m_get(k, how, MT_DATA)
      if (n === 0) {
        m_freem(k, final)
        return 0
      }
    }
    const address = mtodAddr(k, n)
    m_copydata(k, m0, progress, length, k.phys.ram, address)
    progress += length
    k.mb.m_len[n] = length
    if (n !== final) m_cat(k, final, n)
    n = 0
  }
  m_freem(k, m0)
  return final
}

/** Segments that a DMA engine would need for an mbuf, at most. uipc_mbuf.c frags_per_mbuf (read). */
export function frags_per_mbuf(k: Kernel, m: number): number {
  if ((k.mb.m_flags[m] & M_NOMAP) === 0) return 1
  const p = k.mb.ext_buf[m]
  return (k.pgs.hdr_len[p] !== 0 ? 1 : 0) + k.pgs.npgs[p] + (k.pgs.trail_len[p] !== 0 ? 1 : 0)
}

/**
 * Reduces a chain to at most `maxfrags` segments by joining neighbours, in place and then through clusters.
 * @returns m0, or 0 with a possibly changed chain that still belongs to the caller. uipc_mbuf.c m_collapse (read; errata B9).
 */
export function m_collapse(k: Kernel, m0: number, how: number, maxfrags: number): number {
  let frags = 0
  for (let m = m0; m !== 0; m = k.mb.m_next[m]!) frags += frags_per_mbuf(k, m)
  let m = m0
  for (;;) {
    // First phase: towards the front, into trailing space (which must be more than the bytes).
    for (;;) {
      const n = k.mb.m_next[m]
      if (n === 0) break
      const len = k.mb.m_len[n]
      if (!M_WRITABLE(k, m) || len >= M_TRAILINGSPACE(k, m)) {
        m = n
        continue
      }
      m_copydata(k, n, 0, len, k.phys.ram, mtodAddr(k, m) + k.mb.m_len[m])
      k.mb.m_len[m] += len
      k.mb.m_next[m] = k.mb.m_next[n]!
      frags -= frags_per_mbuf(k, n)
      m_free(k, n)
      if (frags <= maxfrags) return m0
    }
    KASSERT(maxfrags > 1, 'm_collapse: a single segment must be reachable by joining')
    // Second phase: two neighbours into one cluster; never the first mbuf, it holds the packet header.
    let prev = m0
    let n = k.mb.m_next[m0]
    let n2 = 0
    for (; n !== 0; prev = n, n = k.mb.m_next[n]!) {
      n2 = k.mb.m_next[n]!
      if (n2 !== 0 && k.mb.m_len[n] + k.mb.m_len[n2] < MCLBYTES) break
    }
    if (n === 0) return 0
    m = m_getcl(k, how, MT_DATA, 0)
    if (m === 0) return 0
    const len = k.mb.m_len[n]
    const len2 = k.mb.m_len[n2]
    m_copydata(k, n, 0, len, k.phys.ram, mtodAddr(k, m))
    m_copydata(k, n2, 0, len2, k.phys.ram, mtodAddr(k, m) + len)
    k.mb.m_len[m] = len + len2
    k.mb.m_next[m] = k.mb.m_next[n2]!
    k.mb.m_next[prev] = m
    frags += 1 - frags_per_mbuf(k, n) - frags_per_mbuf(k, n2)
    m_free(k, n)
    m_free(k, n2)
    if (frags <= maxfrags) return m0
  }
}

/** Longest random piece of {@link m_fragment}. */
const FRAGMENT_MAX = 255

/**
 * Cuts a packet into clusters of `length` bytes each (a stress test of other code). −1: all of one random length, −2: each of a random length (1 … 255).
 * @param random gives a number from 0 to below its argument; asked only for random lengths.
 * @returns the new chain, or the old one if it is no packet, the length makes no sense, or memory ran out. uipc_mbuf.c m_fragment (read; only kernels with
 * MBUF_STRESS_TEST have it).
 */
export function m_fragment(
  k: Kernel,
  m0: number,
  how: number,
  length: number,
  random: (below: number) => number = () => 0,
): number {
  if ((k.mb.m_flags[m0] & M_PKTHDR) === 0 || length === 0 || length < -2) return m0
  let piece = length === -1 ? 1 + random(FRAGMENT_MAX) : Math.min(length, MCLBYTES)
  const total = m_fixhdr(k, m0)
  const first = m_getcl(k, how, MT_DATA, M_PKTHDR)
  if (first === 0) return m0
  if (!m_dup_pkthdr(k, first, m0)) {
    m_free(k, first)
    return m0
  }
  let last = first
  for (let progress = 0; progress < total;) {
    if (length === -2) piece = 1 + random(FRAGMENT_MAX)
    const len = Math.min(piece, total - progress)
    if (progress !== 0) {
      const n = m_getcl(k, how, MT_DATA, 0)
      if (n === 0) {
        m_freem(k, first)
        return m0
      }
      k.mb.m_next[last] = n
      last = n
    }
    m_copydata(k, m0, progress, len, k.phys.ram, mtodAddr(k, last))
    progress += len
    k.mb.m_len[last] = len
  }
  m_freem(k, m0)
  return first
}

/** True if no mbuf of a chain is unmapped. */
export function isMapped(k: Kernel, m: number): boolean {
  for (; m !== 0; m = k.mb.m_next[m]!) if ((k.mb.m_flags[m] & M_NOMAP) !== 0) return false
  return true
}

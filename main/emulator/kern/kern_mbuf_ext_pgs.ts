/**
 * What happens to unmapped mbufs that may not stay unmapped: conversion to mapped ones, compression of tiny ones, and release of those whose I/O
 * failed. Second half of sys/kern/kern_mbuf.c (read; kernel-mbuf-sendfile 3.1–3.4, errata A1–A4, B7, B8).
 */
import type { Kernel } from '../kernel'
import { CAUSE } from '../machine/cost'
import { EBUSY } from '../sys/errno'
import {
  EXT_PGS,
  EXT_SFBUF,
  FREE_UNMAPPED_MEXT,
  MBUF_PEXT_MAX_PGS,
  MLEN,
  MT_DATA,
  M_DAT_OFF,
  M_EXT,
  M_NOMAP,
  M_PKTHDR,
  M_RDONLY,
} from '../sys/mbuf'
import { M_NOWAIT, PAGE_SIZE } from '../sys/param'
import { KASSERT, KernelPanic } from '../sys/systm'
import { uma_zfree } from '../vm/uma_core'
import { m_extadd, m_get } from './kern_mbuf_alloc'
import { m_free, m_freem, mb_free_ext } from './kern_mbuf_free'
import { mb_ext_pgs_check, mbuf_ext_pg_len, pgsHdrAddr, pgsLines, pgsTrailAddr } from './mbuf_inline'
import { callExtFree, setExtFree } from './mbuf_ext_free'
import { SFB_NOWAIT, sf_buf_alloc, sf_buf_free, sf_buf_kva } from './subr_sfbuf'
import { m_copydata } from './uipc_mbuf_chain'

/** Releases one mapped page of a conversion: its sf_buf and its reference of the unmapped mbuf. kern_mbuf.c mb_unmapped_free_mext (read). */
function mb_unmapped_free_mext(k: Kernel, m: number): void {
  sf_buf_free(k, k.mb.ext_arg1[m])
  mb_free_ext(k, k.mb.ext_arg2[m])
}
setExtFree(FREE_UNMAPPED_MEXT, mb_unmapped_free_mext)

/** Reads header or trailer bytes of a page array into a fresh plain mbuf; 0 if there is none. */
function copyPiece(k: Kernel, from: number, len: number): number {
  const n = m_get(k, M_NOWAIT, MT_DATA)
  if (n === 0) return 0
  k.mb.m_len[n] = len
  k.phys.copy(from, k.mb.m_addr[n] + M_DAT_OFF, len)
  k.mbstat.copied_bytes += len
  k.mbstat.converted_mbufs++
  if (k.cost.on) k.cost.charge(CAUSE.copy, len * k.cost.p.copyByteWarm)
  return n
}

/**
 * Converts one unmapped mbuf into a chain of mapped ones and frees it. Page data is not copied.
 * @returns the chain, or 0: an allocation failed (everything made so far is freed), or the mbuf showed no bytes.
 * kern_mbuf.c _mb_unmapped_to_ext (read).
 */
function _mb_unmapped_to_ext(k: Kernel, m: number): number {
  const { pgs, mbstat } = k
  KASSERT(
    (k.mb.m_flags[m] & M_EXT) !== 0 && k.mb.ext_type[m] === EXT_PGS,
    'mb_unmapped_to_ext: an unmapped mbuf holds a page array',
  )
  const p = k.mb.ext_buf[m]
  if (k.debug) mb_ext_pgs_check(k, p)
  const mref = k.mb.ext_cnt[m]
  let off = k.mb.m_data[m]
  let len = k.mb.m_len[m]
  let top = 0
  let prev = 0
  let refInc = 0
  let failed = false

  const hdr = pgs.hdr_len[p]
  if (hdr !== 0) {
    if (off >= hdr) off -= hdr
    else {
      const s = Math.min(hdr - off, len)
      const n = copyPiece(k, pgsHdrAddr(k, p) + off, s)
      off = 0
      len -= s
      if (n === 0) failed = true
      else top = prev = n
    }
  }
  let pgoff = pgs.first_pg_off[p]
  const npgs = pgs.npgs[p]
  if (k.cost.on) k.cost.chargeMisses(pgsLines(npgs))
  for (let i = 0; !failed && i < npgs && len > 0; i++) {
    const pglen = mbuf_ext_pg_len(k, p, i, pgoff)
    if (off >= pglen) {
      off -= pglen
      pgoff = 0
      continue
    }
    const segoff = pgoff + off
    const s = Math.min(pglen - off, len)
    off = 0
    pgoff = 0
    len -= s
    const n = m_get(k, M_NOWAIT, MT_DATA)
    if (n === 0) {
      failed = true
      break
    }
    if (top === 0) top = n
    else k.mb.m_next[prev] = n
    prev = n
    const sf = sf_buf_alloc(k, pgs.pa[p * MBUF_PEXT_MAX_PGS + i], SFB_NOWAIT)
    if (sf === 0) {
      failed = true
      break
    }
    refInc++
    m_extadd(k, n, sf_buf_kva(k, sf), PAGE_SIZE, FREE_UNMAPPED_MEXT, sf, mref, M_RDONLY, EXT_SFBUF)
    k.mb.m_data[n] = segoff
    k.mb.m_len[n] = s
    if (k.cost.on) {
      k.cost.charge(CAUSE.conversion, k.cost.p.convertPage)
      k.cost.charge(CAUSE.cache, k.cost.p.mbufLines * k.cost.p.lineLlc)
    }
  }
  if (!failed && len !== 0) {
    KASSERT(off + len <= pgs.trail_len[p], 'mb_unmapped_to_ext: bytes behind the pages lie in the trailer')
    const n = copyPiece(k, pgsTrailAddr(k, p) + off, len)
    if (n === 0) failed = true
    else if (top === 0) top = n
    else k.mb.m_next[prev] = n
  }
  // One reference of the unmapped mbuf for each page made, in one step; after a failure freeing the pieces drops them again.
  k.mb.ext_count[mref] += refInc
  m_free(k, m)
  if (failed) {
    mbstat.conversion_failures++
    m_freem(k, top)
    return 0
  }
  mbstat.conversions++
  mbstat.converted_pages += refInc
  mbstat.converted_mbufs += refInc
  return top
}

/**
 * Replaces every unmapped mbuf of a chain by mapped ones.
 * @returns the new head; 0 after a failure, and then the whole chain is freed: the caller must not free it again. An unmapped mbuf that shows no
 * byte counts as a failure, as in the kernel. kern_mbuf.c mb_unmapped_to_ext (read; errata A1: all freed also when the first mbuf fails).
 */
export function mb_unmapped_to_ext(k: Kernel, top: number): number {
  let prev = 0
  let any = false
  for (let m = top; m !== 0;) {
    const next = k.mb.m_next[m]
    if ((k.mb.m_flags[m] & M_NOMAP) === 0) {
      if (prev !== 0) k.mb.m_next[prev] = m
      prev = m
      m = next
      continue
    }
    any = true
    // The converted part ends here for the moment, so that it can be freed on its own.
    if (prev !== 0) k.mb.m_next[prev] = 0
    const n = _mb_unmapped_to_ext(k, m)
    if (n === 0) {
      if (prev !== 0) m_freem(k, top)
      m_freem(k, next)
      return 0
    }
    if (prev === 0) top = n
    else k.mb.m_next[prev] = n
    prev = n
    while (k.mb.m_next[prev] !== 0) prev = k.mb.m_next[prev]!
    m = next
  }
  if (any) k.mbstat.converted_chains++
  return top
}

const scratch = new Uint8Array(MLEN)

/**
 * Turns a small unmapped mbuf into a plain one in place: a defence against tiny sends that pin a page and a page array.
 * @returns 0, or EBUSY when somebody shares the storage. kern_mbuf.c mb_unmapped_compress (read; errata A3, B7).
 */
export function mb_unmapped_compress(k: Kernel, m: number): number {
  const mb = k.mb
  KASSERT(
    (mb.m_flags[m] & (M_PKTHDR | M_EXT)) === M_EXT && mb.ext_type[m] === EXT_PGS,
    'mb_unmapped_compress: an unmapped mbuf without packet header',
  )
  const len = mb.m_len[m]
  KASSERT(len <= MLEN, 'mb_unmapped_compress: the data fits a plain mbuf')
  const mref = mb.ext_cnt[m]
  if (mb.ext_count[mref] !== 1) {
    k.mbstat.compress_busy++
    return EBUSY
  }
  // The kernel would jump through a free routine that a shadow never received.
  if (mref !== m)
    throw new KernelPanic(
      'mb_unmapped_compress: the last holder of the storage is its owner, for only the owner knows the free routine',
    )
  const p = mb.ext_buf[m]
  const flags = mb.m_flags[m]
  const next = mb.m_next[m]
  mb.m_next[m] = 0
  m_copydata(k, m, 0, len, scratch, 0)
  mb.m_next[m] = next
  callExtFree(k, m)
  uma_zfree(k, k.uma.zone_extpgs, p)
  mb.m_flags[m] = flags & ~(M_EXT | M_RDONLY | M_NOMAP)
  mb.m_data[m] = 0
  k.phys.copyIn(scratch, 0, len, mb.m_addr[m] + M_DAT_OFF)
  k.mbstat.compressions++
  k.mbstat.compressed_bytes += len
  return 0
}

/**
 * Frees `count` units of I/O from m on: a unit is a page of an unmapped mbuf or any other mbuf. The rest of the chain stays as it is.
 * Error paths only. kern_mbuf.c mb_free_notready (read).
 */
export function mb_free_notready(k: Kernel, m: number, count: number): void {
  let i = 0
  for (; i < count && m !== 0; i++) {
    if ((k.mb.m_flags[m] & M_EXT) !== 0 && k.mb.ext_type[m] === EXT_PGS) {
      const p = k.mb.ext_buf[m]
      k.pgs.nrdy[p]--
      if (k.pgs.nrdy[p] !== 0) continue
    }
    m = m_free(k, m)
  }
  KASSERT(i === count, 'mb_free_notready: the chain holds as many units as are to be freed')
}

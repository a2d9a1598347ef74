/**
 * Scatter/gather lists: physical address and length of every contiguous piece. Mirrors sys/kern/subr_sglist.c (read; nic-cxgbe-toe-aio 2,
 * errata B5, B6). A list is a working object of one call (a driver keeps one and resets it), so it is not state.
 */
import type { Kernel } from '../kernel'
import { EFBIG, EINVAL } from '../sys/errno'
import { MBUF_PEXT_MAX_PGS, M_NOMAP } from '../sys/mbuf'
import { KASSERT } from '../sys/systm'
import { mbuf_ext_pg_len, mtodAddr, pgsHdrAddr, pgsTrailAddr } from './mbuf_inline'

/** struct sglist: `addr[i]`, `len[i]` for i < nseg. */
export class Sglist {
  readonly addr: Float64Array
  readonly len: Float64Array
  nseg = 0
  maxseg: number

  /** @param maxseg entries; the list may be used with fewer ({@link reset}). */
  constructor(maxseg: number) {
    this.maxseg = maxseg
    this.addr = new Float64Array(Math.max(maxseg, 1))
    this.len = new Float64Array(Math.max(maxseg, 1))
  }

  /** Empties the list (sglist_reset). */
  reset(): void {
    this.nseg = 0
  }
}

/** Merge with the last entry when the addresses touch, else a new entry. subr_sglist.c _sglist_append_range (read). */
function appendRange(sg: Sglist, address: number, length: number): number {
  const last = sg.nseg - 1
  if (last >= 0 && sg.addr[last] + sg.len[last] === address) {
    sg.len[last] += length
    return 0
  }
  if (sg.nseg === sg.maxseg) return EFBIG
  sg.addr[sg.nseg] = address
  sg.len[sg.nseg++] = length
  return 0
}

/** One physical range. @returns 0, EINVAL (list without entries) or EFBIG. subr_sglist.c sglist_append_phys (read). */
export function sglist_append_phys(sg: Sglist, address: number, length: number): number {
  if (sg.maxseg === 0) return EINVAL
  if (length === 0) return 0
  return appendRange(sg, address, length)
}

/**
 * A kernel virtual range. With the direct map it is one physical range; where the kernel appends page by page and merges again, this is one step.
 * @returns 0, EINVAL, or EFBIG with the list as it was. subr_sglist.c sglist_append (derived).
 */
export function sglist_append(sg: Sglist, address: number, length: number): number {
  return sglist_append_phys(sg, address, length)
}

/** A range of an array of frames, starting at `pgoff` in the first. @returns like {@link sglist_append}. subr_sglist.c sglist_append_vmpages (read). */
export function sglist_append_vmpages(sg: Sglist, frames: ArrayLike<number>, pgoff: number, length: number): number {
  if (sg.maxseg === 0) return EINVAL
  const nseg = sg.nseg
  const tail = nseg > 0 ? sg.len[nseg - 1] : 0
  for (let i = 0; length > 0; i++) {
    const s = Math.min(4096 - pgoff, length)
    const error = appendRange(sg, frames[i] * 4096 + pgoff, s)
    if (error !== 0) {
      sg.nseg = nseg
      if (nseg > 0) sg.len[nseg - 1] = tail
      return error
    }
    pgoff = 0
    length -= s
  }
  return 0
}

/**
 * `len` bytes of a page array from offset `off` of its logical string: header, pages, trailer.
 * @returns 0, EINVAL or EFBIG; after EFBIG the pieces already added stay. subr_sglist.c sglist_append_ext_pgs (read; errata B5).
 */
export function sglist_append_ext_pgs(k: Kernel, sg: Sglist, p: number, off: number, len: number): number {
  if (sg.maxseg === 0) return EINVAL
  const { pgs } = k
  const hdr = pgs.hdr_len[p]
  if (hdr !== 0 && len > 0) {
    if (off >= hdr) off -= hdr
    else {
      const s = Math.min(hdr - off, len)
      const error = appendRange(sg, pgsHdrAddr(k, p) + off, s)
      if (error !== 0) return error
      off = 0
      len -= s
    }
  }
  let pgoff = pgs.first_pg_off[p]
  const npgs = pgs.npgs[p]
  const base = p * MBUF_PEXT_MAX_PGS
  for (let i = 0; i < npgs && len > 0; i++) {
    const pglen = mbuf_ext_pg_len(k, p, i, pgoff)
    if (off >= pglen) {
      off -= pglen
      pgoff = 0
      continue
    }
    const s = Math.min(pglen - off, len)
    const error = appendRange(sg, pgs.pa[base + i] * 4096 + pgoff + off, s)
    if (error !== 0) return error
    off = 0
    pgoff = 0
    len -= s
  }
  if (len > 0) {
    KASSERT(off + len <= pgs.trail_len[p], 'sglist_append_ext_pgs: bytes behind the pages lie in the trailer')
    return appendRange(sg, pgsTrailAddr(k, p) + off, len)
  }
  return 0
}

/** The visible bytes of an unmapped mbuf. subr_sglist.c sglist_append_mb_ext_pgs (read). */
export function sglist_append_mb_ext_pgs(k: Kernel, sg: Sglist, m: number): number {
  return sglist_append_ext_pgs(k, sg, k.mb.ext_buf[m], k.mb.m_data[m], k.mb.m_len[m])
}

/** A whole chain, mapped and unmapped. @returns 0, EINVAL, or EFBIG with the list as it was. subr_sglist.c sglist_append_mbuf (read). */
export function sglist_append_mbuf(k: Kernel, sg: Sglist, m0: number): number {
  if (sg.maxseg === 0) return EINVAL
  const mb = k.mb
  const nseg = sg.nseg
  const tail = nseg > 0 ? sg.len[nseg - 1] : 0
  for (let m = m0; m !== 0; m = mb.m_next[m]!) {
    const len = mb.m_len[m]
    if (len <= 0) continue
    const error =
      (mb.m_flags[m] & M_NOMAP) !== 0 ? sglist_append_mb_ext_pgs(k, sg, m) : appendRange(sg, mtodAddr(k, m), len)
    if (error !== 0) {
      sg.nseg = nseg
      if (nseg > 0) sg.len[nseg - 1] = tail
      return error
    }
  }
  return 0
}

/** Segments of a kernel virtual range: always one with the direct map. subr_sglist.c sglist_count (derived). */
export function sglist_count(_address: number, length: number): number {
  return length === 0 ? 0 : 1
}

/** Segments of a range of an array of frames. subr_sglist.c sglist_count_vmpages (read). */
export function sglist_count_vmpages(frames: ArrayLike<number>, pgoff: number, length: number): number {
  if (length === 0) return 0
  let segments = 1
  const pages = Math.ceil((pgoff + length) / 4096)
  for (let i = 1; i < pages; i++) if (frames[i] !== frames[i - 1] + 1) segments++
  return segments
}

/** Segments that a range of a page array needs; header and trailer are never merged with pages here. sglist_count_ext_pgs (read; errata B6). */
export function sglist_count_ext_pgs(k: Kernel, p: number, off: number, len: number): number {
  const { pgs } = k
  let segments = 0
  if (len === 0) return 0
  const hdr = pgs.hdr_len[p]
  if (hdr !== 0) {
    if (off >= hdr) off -= hdr
    else {
      len -= Math.min(hdr - off, len)
      off = 0
      segments++
    }
  }
  let pgoff = pgs.first_pg_off[p]
  let nextaddr = 0
  const npgs = pgs.npgs[p]
  for (let i = 0; i < npgs && len > 0; i++) {
    const pglen = mbuf_ext_pg_len(k, p, i, pgoff)
    if (off >= pglen) {
      off -= pglen
      pgoff = 0
      continue
    }
    const s = Math.min(pglen - off, len)
    const address = pgs.pa[p * MBUF_PEXT_MAX_PGS + i] * 4096 + pgoff + off
    if (address !== nextaddr) segments++
    nextaddr = address + s
    off = 0
    pgoff = 0
    len -= s
  }
  if (len !== 0) {
    KASSERT(off + len <= pgs.trail_len[p], 'sglist_count_ext_pgs: bytes behind the pages lie in the trailer')
    segments++
  }
  return segments
}

/** Segments of an unmapped mbuf. subr_sglist.c sglist_count_mb_ext_pgs (read). */
export function sglist_count_mb_ext_pgs(k: Kernel, m: number): number {
  return sglist_count_ext_pgs(k, k.mb.ext_buf[m], k.mb.m_data[m], k.mb.m_len[m])
}

/** The inline functions and macros of sys/sys/mbuf.h (read), and the INVARIANTS check of page arrays. */
import type { Kernel } from '../kernel'
import {
  EXT_EXTREF,
  EXT_PGS,
  MBUF_PEXT_HDR_LEN,
  MBUF_PEXT_MAX_PGS,
  MBUF_PEXT_TRAIL_LEN,
  MHLEN,
  MLEN,
  M_DAT_OFF,
  M_EXT,
  M_NOMAP,
  M_PKTDAT_OFF,
  M_PKTHDR,
  M_RDONLY,
  PGS_HDR_OFF,
  PGS_TRAIL_OFF,
} from '../sys/mbuf'
import { PAGE_SIZE } from '../sys/param'
import { KASSERT, KernelPanic } from '../sys/systm'

/** Reference count of external storage. */
export function m_extrefcnt(k: Kernel, m: number): number {
  const mb = k.mb
  return mb.ext_type[m] === EXT_EXTREF ? k.extref.count[mb.ext_cnt[m]] : mb.ext_count[mb.ext_cnt[m]]
}

/** Address of mapped data. A panic for unmapped mbufs in the kernel's place of a wild pointer. sys/sys/mbuf.h mtod (derived). */
export function mtodAddr(k: Kernel, m: number): number {
  const mb = k.mb
  const flags = mb.m_flags[m]
  if ((flags & M_EXT) === 0) return mb.m_addr[m] + ((flags & M_PKTHDR) !== 0 ? M_PKTDAT_OFF : M_DAT_OFF) + mb.m_data[m]
  if ((flags & M_NOMAP) !== 0)
    throw new KernelPanic('mtod: the data of an unmapped mbuf has no address; convert it first (mb_unmapped_to_ext)')
  return mb.ext_buf[m] + mb.m_data[m]
}

/** Bytes of storage behind m_data = 0. sys/sys/mbuf.h M_SIZE (read). */
export function M_SIZE(k: Kernel, m: number): number {
  const flags = k.mb.m_flags[m]
  return (flags & M_EXT) !== 0 ? k.mb.ext_size[m] : (flags & M_PKTHDR) !== 0 ? MHLEN : MLEN
}

/** True if the data may be written in place. sys/sys/mbuf.h M_WRITABLE (read). */
export function M_WRITABLE(k: Kernel, m: number): boolean {
  const flags = k.mb.m_flags[m]
  if ((flags & (M_RDONLY | M_NOMAP)) !== 0) return false
  return (flags & M_EXT) === 0 || m_extrefcnt(k, m) === 1
}

/** Writable bytes before the data. sys/sys/mbuf.h M_LEADINGSPACE (read). */
export function M_LEADINGSPACE(k: Kernel, m: number): number {
  return M_WRITABLE(k, m) ? k.mb.m_data[m] : 0
}

/** Writable bytes behind the data. sys/sys/mbuf.h M_TRAILINGSPACE (read). */
export function M_TRAILINGSPACE(k: Kernel, m: number): number {
  return M_WRITABLE(k, m) ? M_SIZE(k, m) - k.mb.m_data[m] - k.mb.m_len[m] : 0
}

/** Puts the data of a fresh mbuf at the end of its storage, 8-byte aligned, with room for `len` bytes. sys/sys/mbuf.h m_align (read). */
export function M_ALIGN(k: Kernel, m: number, len: number): void {
  k.mb.m_data[m] = (M_SIZE(k, m) - len) & ~7
}

/** True for an mbuf whose storage is a page array. */
export function isPgs(k: Kernel, m: number): boolean {
  return (k.mb.m_flags[m] & M_EXT) !== 0 && k.mb.ext_type[m] === EXT_PGS
}

/** Bytes of page `i` of a page array; `pgoff` is the offset at which they start (first_pg_off for page 0). sys/sys/mbuf.h mbuf_ext_pg_len (read). */
export function mbuf_ext_pg_len(k: Kernel, p: number, i: number, pgoff: number): number {
  return i === k.pgs.npgs[p] - 1 ? k.pgs.last_pg_len[p] : PAGE_SIZE - pgoff
}

/** INVARIANTS check of a filled page array: names the rule that is broken. kern_mbuf.c mb_ext_pgs_check (read). */
export function mb_ext_pgs_check(k: Kernel, p: number): void {
  const g = k.pgs
  KASSERT(g.npgs[p] > 0, 'mbuf_ext_pgs: at least one page')
  KASSERT(g.npgs[p] <= MBUF_PEXT_MAX_PGS, 'mbuf_ext_pgs: at most 19 pages')
  KASSERT(g.nrdy[p] <= g.npgs[p], 'mbuf_ext_pgs: no more pages wait for I/O than there are pages')
  KASSERT(g.first_pg_off[p] < PAGE_SIZE, 'mbuf_ext_pgs: the first offset lies in the first page')
  KASSERT(g.last_pg_len[p] > 0, 'mbuf_ext_pgs: the last page holds at least one byte')
  KASSERT(g.last_pg_len[p] <= PAGE_SIZE, 'mbuf_ext_pgs: the last page holds at most a page')
  if (g.npgs[p] === 1)
    KASSERT(g.first_pg_off[p] + g.last_pg_len[p] <= PAGE_SIZE, 'mbuf_ext_pgs: the data of a single page ends in it')
  KASSERT(g.hdr_len[p] <= MBUF_PEXT_HDR_LEN, 'mbuf_ext_pgs: the header fits its 24 bytes')
  KASSERT(g.trail_len[p] <= MBUF_PEXT_TRAIL_LEN, 'mbuf_ext_pgs: the trailer fits its 64 bytes')
}

/** Address of header byte 0 and of trailer byte 0 of a page array. */
export function pgsHdrAddr(k: Kernel, p: number): number {
  return k.pgs.pg_addr[p] + PGS_HDR_OFF
}
export function pgsTrailAddr(k: Kernel, p: number): number {
  return k.pgs.pg_addr[p] + PGS_TRAIL_OFF
}

/** Cache lines that hold the counts of a page array and its first `n` addresses: seven fit into the line of the counts. performance-anchors 1.1 (read). */
export function pgsLines(n: number): number {
  return 1 + Math.ceil(Math.max(0, n - 7) / 8)
}

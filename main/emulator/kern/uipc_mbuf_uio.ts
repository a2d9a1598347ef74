/**
 * Transfers between chains and user memory. Third part of sys/kern/uipc_mbuf.c, with uiomove and uiomove_fromphys (sys/kern/subr_uio.c,
 * sys/amd64/amd64/uio_machdep.c; derived). User memory is a byte array handed in by the program: a working object of one call, not state.
 */
import type { Kernel } from '../kernel'
import { CAUSE } from '../machine/cost'
import { EXT_PGS, FREE_MEXT_PGS, MBUF_PEXT_MAX_PGS, MHLEN, MT_DATA, M_EXT, M_NOMAP, M_PKTHDR } from '../sys/mbuf'
import { PAGE_SIZE } from '../sys/param'
import { KASSERT } from '../sys/systm'
import { vm_page_alloc, vm_page_free } from '../vm/vm_object'
import { PHYS_TO_VM_PAGE, VM_ALLOC_NOOBJ, VM_ALLOC_WIRED, vm_page_unwire_noq } from '../vm/vm_page'
import { m_getm2, mb_alloc_ext_pgs } from './kern_mbuf_alloc'
import { m_freem } from './kern_mbuf_free'
import { M_TRAILINGSPACE, mtodAddr } from './mbuf_inline'
import { setExtFree } from './mbuf_ext_free'
import { copyFromUnmapped } from './uipc_mbuf_chain'

/** struct uio over one byte array: `resid` bytes are left, the next one is `bytes[offset]`. */
export class Uio {
  constructor(
    public bytes: Uint8Array,
    public offset: number,
    public resid: number,
  ) {}
}

/** Copies `n` bytes from kernel memory (physical address) to the uio. @returns 0. */
export function uiomoveOut(k: Kernel, address: number, n: number, uio: Uio): number {
  n = Math.min(n, uio.resid)
  k.phys.copyOut(address, n, uio.bytes, uio.offset)
  uio.offset += n
  uio.resid -= n
  if (k.cost.on) k.cost.charge(CAUSE.copy, n * k.cost.p.copyByte)
  return 0
}

/** Copies `n` bytes from the uio to kernel memory. @returns 0. */
export function uiomoveIn(k: Kernel, address: number, n: number, uio: Uio): number {
  n = Math.min(n, uio.resid)
  k.phys.copyIn(uio.bytes, uio.offset, n, address)
  uio.offset += n
  uio.resid -= n
  if (k.cost.on) k.cost.charge(CAUSE.copy, n * k.cost.p.copyByte)
  return 0
}

/** Copies `n` bytes at `offset` of an array of frames to the uio; only this and DMA read pages that are not mapped. uiomove_fromphys (derived). */
export function uiomove_fromphys(k: Kernel, frames: ArrayLike<number>, offset: number, n: number, uio: Uio): number {
  n = Math.min(n, uio.resid)
  while (n > 0) {
    const pageOff = offset & (PAGE_SIZE - 1)
    const s = Math.min(PAGE_SIZE - pageOff, n)
    uiomoveOut(k, frames[offset >> 12] * PAGE_SIZE + pageOff, s, uio)
    offset += s
    n -= s
  }
  return 0
}

/** Copies `len` visible bytes of an unmapped mbuf from `off` on to the uio. @returns 0. uipc_mbuf.c m_unmappedtouio (read). */
export function m_unmappedtouio(k: Kernel, m: number, off: number, uio: Uio, len: number): number {
  KASSERT((k.mb.m_flags[m] & M_EXT) !== 0 && k.mb.ext_type[m] === EXT_PGS, 'm_unmappedtouio: the mbuf is unmapped')
  len = Math.min(len, uio.resid)
  if (len === 0) return 0
  copyFromUnmapped(k, m, off, len, uio.bytes, uio.offset)
  uio.offset += len
  uio.resid -= len
  if (k.cost.on) k.cost.charge(CAUSE.copy, len * k.cost.p.copyByte)
  return 0
}

/** Copies a chain to the uio, at most `len` bytes if that is not 0. @returns 0. uipc_mbuf.c m_mbuftouio (read). */
export function m_mbuftouio(k: Kernel, uio: Uio, m: number, len: number): number {
  const total = len > 0 ? Math.min(uio.resid, len) : uio.resid
  let progress = 0
  for (; m !== 0; m = k.mb.m_next[m]!) {
    const length = Math.min(k.mb.m_len[m], total - progress)
    if (length > 0) {
      if ((k.mb.m_flags[m] & M_NOMAP) !== 0) m_unmappedtouio(k, m, 0, uio, length)
      else uiomoveOut(k, mtodAddr(k, m), length, uio)
    }
    progress += length
  }
  return 0
}

/**
 * A chain filled from the uio: at most `len` bytes if that is not 0, data from `align` on in the first mbuf, M_PKTHDR if asked.
 * @returns the chain, or 0. uipc_mbuf.c m_uiotombuf (read).
 */
export function m_uiotombuf(k: Kernel, uio: Uio, how: number, len: number, align: number, flags: number): number {
  if ((flags & M_NOMAP) !== 0) return m_uiotombuf_nomap(k, uio, how, len, align, flags)
  const total = len > 0 ? Math.min(uio.resid, len) : uio.resid
  if (align >= MHLEN) return 0
  const m = m_getm2(k, 0, Math.max(total + align, 1), how, MT_DATA, flags)
  if (m === 0) return 0
  k.mb.m_data[m] += align
  let progress = 0
  for (let mb = m; mb !== 0; mb = k.mb.m_next[mb]!) {
    const length = Math.min(M_TRAILINGSPACE(k, mb), total - progress)
    uiomoveIn(k, mtodAddr(k, mb), length, uio)
    k.mb.m_len[mb] = length
    progress += length
    if ((flags & M_PKTHDR) !== 0) k.mb.ph_len[m] += length
  }
  KASSERT(progress === total, 'm_uiotombuf: the chain takes all bytes')
  return m
}

/**
 * The same into unmapped mbufs over fresh wired pages; `maxseg` bytes at most per mbuf (0: 19 pages).
 * @returns the chain, or 0. uipc_mbuf.c m_uiotombuf_nomap (read; a few weeks younger than the rest).
 */
function m_uiotombuf_nomap(k: Kernel, uio: Uio, how: number, len: number, maxseg: number, flags: number): number {
  let total = len > 0 ? Math.min(uio.resid, len) : uio.resid
  if (maxseg === 0) maxseg = MBUF_PEXT_MAX_PGS * PAGE_SIZE
  let top = 0
  let last = 0
  while (total > 0) {
    const m = mb_alloc_ext_pgs(k, how, (flags & M_PKTHDR) !== 0 && top === 0, FREE_MEXT_PGS)
    if (m === 0) {
      m_freem(k, top)
      return 0
    }
    if (top === 0) top = m
    else k.mb.m_next[last] = m
    last = m
    const p = k.mb.ext_buf[m]
    const length = Math.min(maxseg, total)
    const need = Math.ceil(length / PAGE_SIZE)
    for (let i = 0; i < need; i++) {
      const page = vm_page_alloc(k, 0, 0, VM_ALLOC_NOOBJ | VM_ALLOC_WIRED)
      if (page === 0) {
        m_freem(k, top)
        return 0
      }
      k.pgs.pa[p * MBUF_PEXT_MAX_PGS + i] = k.page.frame[page]!
      k.pgs.npgs[p] = i + 1
    }
    k.pgs.last_pg_len[p] = length - PAGE_SIZE * (need - 1)
    for (let i = 0; i < need; i++) {
      const n = i === need - 1 ? k.pgs.last_pg_len[p] : PAGE_SIZE
      uiomoveIn(k, k.pgs.pa[p * MBUF_PEXT_MAX_PGS + i] * PAGE_SIZE, n, uio)
    }
    k.mb.m_len[m] = length
    k.mb.ext_size[m] += PAGE_SIZE * need
    if ((flags & M_PKTHDR) !== 0) k.mb.ph_len[top] += length
    total -= length
  }
  return top
}

/** Frees the pages of such an mbuf: wired, in no object. uipc_mbuf.c mb_free_mext_pgs (read). */
function mb_free_mext_pgs(k: Kernel, m: number): void {
  const p = k.mb.ext_buf[m]
  for (let i = 0; i < k.pgs.npgs[p]; i++) {
    const page = PHYS_TO_VM_PAGE(k, k.pgs.pa[p * MBUF_PEXT_MAX_PGS + i])
    vm_page_unwire_noq(k, page)
    vm_page_free(k, page)
  }
}
setExtFree(FREE_MEXT_PGS, mb_free_mext_pgs)

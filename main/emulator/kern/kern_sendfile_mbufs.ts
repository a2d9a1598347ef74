/**
 * sendfile(2): from grabbed pages to mbufs, and from freed mbufs back to pages. Source: sys/kern/kern_sendfile.c of mid 2019, the inner loop of
 * vn_sendfile, and sendfile_free_page (read; reference kernel-mbuf-sendfile 6.4, 6.5).
 *
 *   mapped      one M_RDONLY mbuf a page, EXT_SFBUF, 4096 bytes charged
 *   unmapped    one EXT_PGS mbuf every 19 pages, npages × 4096 bytes charged
 */
import type { Kernel } from '../kernel'
import { EBUSY, ENOBUFS } from '../sys/errno'
import {
  EXT_FLAG_CACHE_LAST,
  EXT_FLAG_NOCACHE,
  EXT_FLAG_SYNC,
  EXT_SFBUF,
  FREE_SENDFILE_MEXT,
  FREE_SENDFILE_MEXT_PG,
  M_NOTREADY,
  M_RDONLY,
  MBUF_PEXT_MAX_PGS,
  MT_DATA,
} from '../sys/mbuf'
import { M_WAITOK, PAGE_SIZE } from '../sys/param'
import { SF_NOCACHE } from '../sys/socket'
import { umaSleep } from '../vm/uma_core'
import { vm_page_free, vm_page_try_to_free } from '../vm/vm_object'
import {
  PHYS_TO_VM_PAGE,
  PQ_ACTIVE,
  PQ_INACTIVE,
  vm_page_deactivate,
  vm_page_deactivate_noreuse,
  vm_page_reference,
  vm_page_unwire,
  vm_page_unwire_noq,
  vm_page_xbusied,
} from '../vm/vm_page'
import { m_extadd, m_free, m_get, mb_alloc_ext_pgs, mb_ext_pgs_check } from './kern_mbuf'
import { sf_buf_alloc, sf_buf_free, sf_buf_kva, sf_buf_page, SFB_CATCH, SFB_NOWAIT } from './subr_sfbuf'

// Results of buildMbufs besides the chain.
/** Pages that are in the chain. */
export let builtPages = 0
/** First mbuf of the chain (what pru_ready is given). */
export let builtFirst = 0
/** 0, EBUSY (a page could not be had), ENOBUFS (nothing built for lack of sf_bufs or mbufs). */
export let builtSoftError = 0
/** True: nothing was built because no sf_buf was free; the caller sleeps on `sfbufa` and asks again (machines without direct map). */
export let builtMustWait = false
/**
 * True: an mbuf could not be had and has to be slept for (uma_sleep.ts). The pages before {@link builtPages} are in the chain {@link builtFirst} …
 * {@link builtLast} already, and {@link builtSf} is the sf_buf of the next one (0: none yet); the caller hands them in again.
 */
export let builtMustSleep = false
export let builtLast = 0
export let builtSf = 0

/** Bytes of page i of n of a range of `len` bytes at `off`. Source: kern_sendfile.c xfsize. */
export function xfsize(i: number, n: number, off: number, len: number): number {
  const pgoff = off % PAGE_SIZE
  if (i === 0) return Math.min(PAGE_SIZE - pgoff, len)
  if (i === n - 1 && (off + len) % PAGE_SIZE > 0) return (off + len) % PAGE_SIZE
  return PAGE_SIZE
}

/**
 * Builds the chain of one iteration.
 * @param pa page rows, 0 = not obtained (SF_NODISKIO). @param notReady some of the pages are being read. @param sfs sync record or 0.
 * @param from first page to do, behind the chain `top` … `last` made before the caller slept, with sf_buf `sf` in hand. @param how M_WOKEN then, else 0.
 */
export function buildMbufs(
  k: Kernel,
  pa: Int32Array,
  npages: number,
  off: number,
  space: number,
  rem: number,
  rhpages: number,
  flags: number,
  useExtPgs: boolean,
  notReady: boolean,
  sfs: number,
  from = 0,
  top = 0,
  last = 0,
  sf = 0,
  how = 0,
): number {
  const stat = k.sendfile.stat
  const pgoff = off % PAGE_SIZE
  const nocache = (flags & SF_NOCACHE) !== 0
  // The page that the iteration ends in will be needed again: it stays cached.
  const lastShared = (off + space) % PAGE_SIZE !== 0 && (rem > space || rhpages > 0)
  let pgs = 0
  builtSoftError = 0
  builtMustWait = false
  builtMustSleep = false
  builtSf = 0
  how |= M_WAITOK
  let i = from
  for (; i < npages; i++) {
    const page = pa[i]
    if (page === 0) {
      stat.sf_busy++
      builtSoftError = EBUSY
      break
    }
    const len = xfsize(i, npages, off, space)
    if (useExtPgs) {
      if (i % MBUF_PEXT_MAX_PGS === 0) {
        const m = mb_alloc_ext_pgs(k, how, false, FREE_SENDFILE_MEXT_PG)
        if (m === 0) {
          if (umaSleep !== 0) {
            builtMustSleep = true
            break
          }
          builtSoftError = top === 0 ? ENOBUFS : 0
          release(k, pa, i, npages)
          break
        }
        how = M_WAITOK
        const mb = k.mb
        if (notReady) mb.m_flags[m] |= M_NOTREADY
        if (sfs !== 0) {
          mb.ext_flags[m] |= EXT_FLAG_SYNC
          mb.ext_arg2[m] = sfs
          k.sendfile.sync.count[sfs]++
        }
        if (nocache) mb.ext_flags[m] |= EXT_FLAG_NOCACHE
        pgs = mb.ext_buf[m]
        k.pgs.first_pg_off[pgs] = i === 0 ? pgoff : 0
        if (top === 0) top = m
        else mb.m_next[last] = m
        last = m
      }
      const n = k.pgs.npgs[pgs]
      k.pgs.pa[pgs * MBUF_PEXT_MAX_PGS + n] = k.page.frame[page]
      k.pgs.npgs[pgs] = n + 1
      // When anything is read, every page counts as not ready: one completion for the whole iteration.
      if (notReady) k.pgs.nrdy[pgs]++
      k.pgs.last_pg_len[pgs] = len
      k.mb.m_len[last] += len
      k.mb.ext_size[last] += PAGE_SIZE
      if (nocache && i === npages - 1 && lastShared) k.mb.ext_flags[last] |= EXT_FLAG_CACHE_LAST
      if (k.debug) mb_ext_pgs_check(k, pgs)
      continue
    }
    // The first sf_buf may be waited for (interruptibly), the others not.
    if (sf === 0) sf = sf_buf_alloc(k, k.page.frame[page], top === 0 ? SFB_CATCH : SFB_NOWAIT)
    const m = sf === 0 ? 0 : m_get(k, how, MT_DATA)
    if (m === 0) {
      if (sf !== 0 && umaSleep !== 0) {
        builtMustSleep = true
        builtSf = sf
        break
      }
      if (sf === 0 && top === 0 && k.page.vm.sfbufs !== null) {
        builtMustWait = true
        break
      }
      if (sf === 0) stat.sf_allocfail++
      else sf_buf_free(k, sf)
      builtSoftError = top === 0 ? ENOBUFS : 0
      release(k, pa, i, npages)
      break
    }
    m_extadd(k, m, sf_buf_kva(k, sf), PAGE_SIZE, FREE_SENDFILE_MEXT, sf, 0, M_RDONLY, EXT_SFBUF)
    sf = 0
    how = M_WAITOK
    const mb = k.mb
    if (notReady) mb.m_flags[m] |= M_NOTREADY
    if (sfs !== 0) {
      mb.ext_flags[m] |= EXT_FLAG_SYNC
      mb.ext_arg2[m] = sfs
      k.sendfile.sync.count[sfs]++
    }
    if (nocache && (i !== npages - 1 || !lastShared)) mb.ext_flags[m] |= EXT_FLAG_NOCACHE
    mb.m_data[m] = i === 0 ? pgoff : 0
    mb.m_len[m] = len
    if (top === 0) top = m
    else mb.m_next[last] = m
    last = m
  }
  builtPages = i
  builtFirst = top
  builtLast = last
  return top
}

/** Pages that no mbuf takes go back to the inactive queue. */
function release(k: Kernel, pa: Int32Array, from: number, to: number): void {
  for (let i = from; i < to; i++) if (pa[i] !== 0) vm_page_unwire(k, pa[i], PQ_INACTIVE)
}

/** sendfile_free_mext, its page: mapped form. */
export function sendfile_free_sf(k: Kernel, m: number): void {
  const sf = k.mb.ext_arg1[m]
  const page = PHYS_TO_VM_PAGE(k, sf_buf_page(k, sf))
  sf_buf_free(k, sf)
  sendfile_free_page(k, page, (k.mb.ext_flags[m] & EXT_FLAG_NOCACHE) !== 0)
}

/** sendfile_free_mext_pg, its pages. */
export function sendfile_free_pgs(k: Kernel, m: number): void {
  const p = k.mb.ext_buf[m]
  const flags = k.mb.ext_flags[m]
  const nocache = (flags & EXT_FLAG_NOCACHE) !== 0
  const cacheLast = (flags & EXT_FLAG_CACHE_LAST) !== 0
  const n = k.pgs.npgs[p]
  for (let i = 0; i < n; i++) {
    const page = PHYS_TO_VM_PAGE(k, k.pgs.pa[p * MBUF_PEXT_MAX_PGS + i])
    sendfile_free_page(k, page, nocache && (i < n - 1 || !cacheLast))
  }
}

/** sendfile_free_page: one reference less. The last one gives the page back to the page daemon, or frees it if it is not to be cached. */
export function sendfile_free_page(k: Kernel, page: number, nocache: boolean): void {
  if (!vm_page_unwire_noq(k, page)) return
  if (k.page.object[page] === 0) {
    vm_page_free(k, page)
    return
  }
  if (nocache && !vm_page_xbusied(k, page) && vm_page_try_to_free(k, page)) return
  if (nocache) vm_page_deactivate_noreuse(k, page)
  else if (k.page.queue[page] === PQ_ACTIVE) vm_page_reference(k, page)
  else vm_page_deactivate(k, page)
}

/** Frees the header mbufs of a chain up to `end`, which stays. */
export function freeUntil(k: Kernel, m: number, end: number): void {
  while (m !== 0 && m !== end) m = m_free(k, m)
}

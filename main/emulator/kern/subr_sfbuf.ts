/**
 * sf_bufs: a kernel address for a page. On amd64 the direct map gives it for nothing: the handle is the page, allocation cannot fail and there is
 * nothing to free. Source: sys/kern/subr_sfbuf.c, sys/sys/sf_buf.h (read; kernel-mbuf-sendfile 7.1). Here a handle is the frame number, which names
 * a page one to one. `k.uma.sfFailAt` injects what only a machine without direct map could do.
 */
import type { Kernel } from '../kernel'

export const SFB_DEFAULT = 0
export const SFB_CATCH = 1
export const SFB_CPUPRIVATE = 2
export const SFB_NOWAIT = 4

/** @param frame frame number of the page (VM_PAGE_TO_PHYS / 4096). @returns the handle, 0 on (injected) failure. */
export function sf_buf_alloc(k: Kernel, frame: number, _flags: number): number {
  const uma = k.uma
  if (uma.sfCountdown !== 0 && --uma.sfCountdown === 0) return 0
  return frame
}

export function sf_buf_free(_k: Kernel, _sf: number): void {
  // Direct map: nothing was taken.
}

/** Kernel virtual address of the page: its physical address. */
export function sf_buf_kva(_k: Kernel, sf: number): number {
  return sf * 4096
}

/** Frame number of the page. */
export function sf_buf_page(_k: Kernel, sf: number): number {
  return sf
}

/**
 * Free routines of external storage. The kernel keeps a function pointer in the mbuf; state is data here, so the mbuf keeps a code (FREE_… of
 * sys/mbuf.ts) and this table says what the code does. It is code, not state: every kernel has the same. The file stands alone so that any file
 * may register its routine while modules are still loading.
 */
import type { Kernel } from '../kernel'
import { FREE_CODES } from '../sys/mbuf'
import { KernelPanic } from '../sys/systm'

type ExtFree = (k: Kernel, m: number) => void
const routines = new Array<ExtFree | null>(FREE_CODES).fill(null)

/** Says what a free routine code does. Called at module level by the file that owns the routine. */
export function setExtFree(code: number, routine: ExtFree): void {
  routines[code] = routine
}

/** Calls the routine of the mbuf that owns external storage (m_ext.ext_free). */
export function callExtFree(k: Kernel, m: number): void {
  const routine = routines[k.mb.ext_free[m]]
  if (routine === null || routine === undefined)
    throw new KernelPanic('mb_free_ext: external storage is released by the routine of its owner (ext_free is set)')
  routine(k, m)
}

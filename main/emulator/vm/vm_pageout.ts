/**
 * The page daemon. It acts at once, in the allocation that finds too few free pages, instead of as a thread that keeps ahead; what it decides is the same:
 * below nine tenths of the target it frees clean inactive pages until the target is reached, and at most every vm.lowmem_period seconds it first lets the
 * rest of the kernel give memory up. Files of the lab are never written, so nothing is laundered.
 * Source: sys/vm/vm_pageout.c vm_pageout_worker, vm_pageout_scan, vm_pageout_lowmem, vm_wait (derived: no PID controller, one domain, no swap, no OOM).
 */
import { wakeup, WCHAN_VMWAIT } from '../kern/subr_sleepqueue'
import type { Kernel } from '../kernel'
import { vm_page_free } from './vm_object'
import {
  PGA_REFERENCED,
  PQ_ACTIVE,
  PQ_INACTIVE,
  vm_free_count,
  vm_page_activate,
  vm_page_busied,
  vm_page_deactivate,
  vm_page_dequeue,
} from './vm_page'

/** Declares vm.lowmem_period. Called when the page structures are created. */
export function declarePageoutSysctls(k: Kernel): void {
  const { daemon } = k.page.vm
  k.sysctl.declare({
    name: 'vm.lowmem_period',
    type: 'int',
    access: 'rw',
    unit: 's',
    description: 'Shortest time between two requests to the kernel to give up memory',
    source: 'vm/vm_pageout.c',
    fidelity: 'read',
    rowless: true,
    get: () => daemon.lowmem_period,
    set: (value) => {
      daemon.lowmem_period = Number(value)
      return 0
    },
  })
}

/** True when the page daemon has something to do. sys/vm/vm_pagequeue.h vm_paging_needed (read). */
export function vm_paging_needed(k: Kernel): boolean {
  return vm_free_count(k) < k.page.vm.limits.v_pageout_wakeup_thresh
}

/** One run of the page daemon. */
export function vm_pageout(k: Kernel): void {
  const page = k.page
  const target = page.vm.limits.v_free_target
  page.vm.countScan()
  vm_pageout_lowmem(k)
  let budget = page.vm.queued(PQ_INACTIVE)
  while (budget-- > 0 && vm_free_count(k) < target) {
    const m = page.vm.q[PQ_INACTIVE * 3]
    if (m === 0) break
    if (page.wire_count[m] !== 0 || vm_page_busied(k, m)) {
      vm_page_dequeue(k, m)
      if (page.wire_count[m] === 0) vm_page_deactivate(k, m)
    } else if ((page.aflags[m] & PGA_REFERENCED) !== 0) {
      // A second chance on the active queue.
      page.aflags[m] &= ~PGA_REFERENCED
      page.vm.countReactivated()
      vm_page_activate(k, m)
    } else if (page.dirty[m] !== 0) vm_page_activate(k, m)
    else vm_page_free(k, m)
  }
  // Balance: as many active pages become inactive as are still missing.
  let missing = target - vm_free_count(k) - page.vm.queued(PQ_INACTIVE)
  while (missing-- > 0) {
    const m = page.vm.q[PQ_ACTIVE * 3]
    if (m === 0) break
    page.aflags[m] &= ~PGA_REFERENCED
    vm_page_deactivate(k, m)
  }
}

/** The low-memory event: handlers (mb_reclaim), then the zones' caches. They run as a task: the caller may be in the middle of what they give up. */
function vm_pageout_lowmem(k: Kernel): void {
  const { daemon, lowmem } = k.page.vm
  const now = k.now()
  if (lowmem === null || (daemon.lowmem_at >= 0 && now - daemon.lowmem_at < daemon.lowmem_period * 1e9)) return
  daemon.lowmem_at = now
  daemon.lowmem_events++
  lowmem(k)
}

/** Notes that a thread sleeps until a page is free (channel `vmwait`). vm_page.c vm_wait_domain (derived). */
export function vm_wait(k: Kernel): void {
  k.page.vm.daemon.waiters++
}

/** A page became free, or could be reclaimed: whoever waits for one asks again. vm_page.c vm_domain_freecnt_inc, vm_domain_clear (derived). */
export function vm_page_freed(k: Kernel): void {
  const { daemon } = k.page.vm
  if (daemon.waiters === 0) return
  daemon.waiters = 0
  wakeup(k, WCHAN_VMWAIT, 1)
}

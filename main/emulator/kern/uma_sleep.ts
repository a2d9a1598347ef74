/**
 * Sleeping for memory. An allocation with M_WAITOK that cannot be had answers 0 and says in `umaSleep` for what its caller has to sleep; the sleeper is a
 * thread record on the zone (`zonelimit`) or on the free pages (`vmwait`), and asks again when it runs. Neither sleep can be interrupted.
 * Source: sys/vm/uma_core.c zone_alloc_item_locked, sys/vm/vm_page.c vm_wait (read; ours: the caller goes on from a record, not from its stack).
 */
import type { Kernel } from '../kernel'
import { uma_zone_awake, umaSleep, UMA_SLEEP_VMWAIT } from '../vm/uma_core'
import { vm_wait } from '../vm/vm_pageout'
import { sleepq_add, WCHAN_VMWAIT, WCHAN_ZONE } from './subr_sleepqueue'

/** Puts the caller of the allocation that just failed to sleep. @returns what it sleeps for: to be handed to {@link memoryAwake}. 0: it need not sleep. */
export function memorySleep(k: Kernel, resume: number, argument: number, cpu: number): number {
  const what = umaSleep
  if (what === 0) return 0
  if (what === UMA_SLEEP_VMWAIT) {
    vm_wait(k)
    sleepq_add(k, WCHAN_VMWAIT, 1, resume, argument, cpu)
  } else sleepq_add(k, WCHAN_ZONE, what, resume, argument, cpu)
  return what
}

/** The thread that slept for `what` runs again; its next allocation passes M_WOKEN. */
export function memoryAwake(k: Kernel, what: number): void {
  if (what > 0) uma_zone_awake(k.uma.list[what - 1])
}

/**
 * What the kernel gives up when a zone of mbufs is at its limit or the host is short of pages: mb_reclaim asks the protocols to drain: queues of segments
 * that came out of order, fragments of IPv6 (those of IPv4 are not put together in this model). It never touches data that waits to be sent, so unmapped
 * mbufs are not reclaimed by it. Source: sys/kern/kern_mbuf.c mb_reclaim, sys/netinet/tcp_subr.c tcp_drain, sys/vm/vm_pageout.c vm_pageout_lowmem (read;
 * reference 2.5).
 *
 * It runs as a task of its own (uma_zone_set_maxaction queues it, and so does the low-memory event here), because the allocation that met the limit may be
 * in the middle of such a queue.
 */
import type { Kernel } from '../kernel'
import { EV_MB_RECLAIM } from '../machine/eventKinds'
import { tcp_drain } from '../netinet/tcp_subr'
import { uma_reclaim } from '../vm/uma_core'
import { vm_page_freed } from '../vm/vm_pageout'
import { wakeup_one, WCHAN_ZONE } from './subr_sleepqueue'
import { frag6_drain } from '../netinet6/frag6'

/** Lets every limited zone call mb_reclaim when it is full, and the page daemon when pages are short; wakes who waits for either. Once, after construction. */
export function mb_reclaim_init(k: Kernel): void {
  const { machine } = k
  if (!machine.handled(EV_MB_RECLAIM))
    machine.on(EV_MB_RECLAIM, (host, lowmem) => {
      const kernel = machine.kernels[host]
      mb_reclaim(kernel)
      // After the handlers of the event, the zones' own caches.
      if (lowmem !== 0) uma_reclaim(kernel)
    })
  // A task more than needed does no harm: it finds nothing.
  k.uma.maxAction = (kernel) => kernel.cpu.run(0, EV_MB_RECLAIM, kernel.id)
  k.page.vm.lowmem = (kernel) => kernel.cpu.run(0, EV_MB_RECLAIM, kernel.id, 1)
  k.page.vm.unwired = vm_page_freed
  k.uma.wakeup = (kernel, zone) => wakeup_one(kernel, WCHAN_ZONE, zone.id)
}

export function mb_reclaim(k: Kernel): void {
  tcp_drain(k)
  frag6_drain(k)
}

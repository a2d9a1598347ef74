/**
 * mb_reclaim: what the kernel gives up when a zone of mbufs is at its limit: queues of segments that came out of order,
 * and fragments. It never touches data that waits to
 * be sent, so unmapped mbufs are not reclaimed by it. Source: sys/kern/kern_mbuf.c mb_reclaim, sys/netinet/tcp_subr.c tcp_drain (read; reference 2.5).
 *
 * It runs as a task of its own (uma_zone_set_maxaction queues it), because the allocation that hit the limit may be in the middle of such a queue. Not
 * modelled: the switch net.inet.tcp.do_tcpdrain (always on), the low-memory event; fragments of
 * IPv4 packets (they are not put together).
 */
import type { Kernel } from '../kernel'
import { EV_MB_RECLAIM } from '../machine/eventKinds'
import { tcp_drain } from '../netinet/tcp_subr'
import { frag6_drain } from '../netinet6/frag6'

/** Lets every limited zone call mb_reclaim when it is full. Once, after construction. */
export function mb_reclaim_init(k: Kernel): void {
  const { machine } = k
  if (!machine.handled(EV_MB_RECLAIM)) machine.on(EV_MB_RECLAIM, (host) => mb_reclaim(machine.kernels[host]))
  // A task more than needed does no harm: it finds nothing.
  k.uma.maxAction = (kernel) => kernel.cpu.run(0, EV_MB_RECLAIM, kernel.id)
}

export function mb_reclaim(k: Kernel): void {
  tcp_drain(k)
  frag6_drain(k)
}

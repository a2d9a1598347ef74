/**
 * The IPv6 part of a host: its tables and counters, and what rc(8) does for it at boot. Every part is "quiet": a host on which nobody uses IPv6 has the
 * digest that it had without. `k.inet6.ifaddr` is the list of addresses, `k.inet6.ip6stat` the counters, and so on.
 */
import type { Kernel } from '../kernel'
import { EV_FRAG6 } from '../machine/eventKinds'
import { ifioctl } from '../net/if'
import { SIOCAIFADDR_IN6 } from '../sys/sockio'
import { createFrag6, frag6_timeout } from './frag6'
import { createIn6Addresses } from './in6'
import { createIn6Ifaddr, in6_ifattach, in6_ifdetach } from './in6_ifaddr'
import { inet_pton6 } from './in6_text'
import { createNeighbours6 } from './nd6'

/** Counters of `netstat -s -p ip6`, and of the interfaces (ifs6_). Source: sys/netinet6/ip6_var.h struct ip6stat, in6_var.h (subset). */
function createIp6stat(k: Kernel) {
  return k.registry.record(
    k.part('in6.ip6stat'),
    {
      ip6s_total: 0,
      ip6s_tooshort: 0,
      ip6s_toosmall: 0,
      ip6s_fragments: 0,
      ip6s_fragdropped: 0,
      ip6s_fragtimeout: 0,
      ip6s_reassembled: 0,
      ip6s_cantforward: 0,
      ip6s_delivered: 0,
      ip6s_localout: 0,
      ip6s_odropped: 0,
      ip6s_fragmented: 0,
      ip6s_ofragments: 0,
      ip6s_badscope: 0,
      ip6s_badvers: 0,
      ip6s_noproto: 0,
      ip6s_noroute: 0,
      ifs6_out_fragok: 0,
      ifs6_out_fragfail: 0,
    },
    { quiet: true },
  )
}

export function createInet6(k: Kernel) {
  const { machine, registry } = k
  const quiet = { quiet: true }
  if (!machine.handled(EV_FRAG6))
    machine.on(EV_FRAG6, (host, row, generation) => frag6_timeout(machine.kernels[host], row, generation))
  k.ifnet.departure.push(in6_ifdetach)
  const nd6: { [ifp: string]: number } = {}
  return {
    addr: createIn6Addresses(k),
    ifaddr: createIn6Ifaddr(k),
    neighbour: createNeighbours6(k),
    frag: createFrag6(k),
    ip6stat: createIp6stat(k),
    /** net.inet6.ip6.hlim; last identification of a fragmented packet; next place in the order of addresses. */
    ctl: registry.record(k.part('in6.ctl'), { ip6_defhlim: 64, ip6_id: 0, order: 0 }, quiet),
    /** ND6_IFF_* of the interfaces that have IPv6. */
    nd6: registry.record(k.part('in6.nd6'), nd6, quiet),
  }
}

/** lo0 and the addresses of the configuration, as rc(8) sets them. After every interface is there. */
export function configureInet6(k: Kernel): void {
  in6_ifattach(k, k.inet.ctl.loif)
  for (const { name, address6, prefixLength6 } of [
    ...k.config.interfaces,
    ...(k.config.laggs ?? []),
    ...(k.config.vlans ?? []),
  ]) {
    if (address6 === undefined) continue
    const words = inet_pton6(address6)
    const error =
      words === null
        ? -1
        : ifioctl(k, name, SIOCAIFADDR_IN6, { ifra6_addr: words, ifra6_prefixlen: prefixLength6 ?? 64 })
    if (error !== 0) k.printf(`ifconfig: ${name}: ${address6}: error ${error} at boot`)
  }
}

/**
 * Where a destination lies: own addresses, networks of the interfaces, source addresses. Every address brings the route to its network; there are no
 * gateways and no routing protocol. Addresses themselves belong to net/if.ts. Source: sys/netinet/in.c in_localip, sys/netinet/in_pcb.c
 * in_pcbladdr, sys/net/route.c (derived).
 */
import type { Kernel } from '../kernel'
import { ifa_ifwithaddr, ifa_ifwithnet } from '../net/if'
import { INADDR_LOOPBACK } from './in'

/** True for an address of this host. */
export function in_localip(k: Kernel, address: number): boolean {
  return address === INADDR_LOOPBACK || ifa_ifwithaddr(k, address) !== 0
}

/** Interface that a destination is reached by: lo0 for own addresses and 127/8, else the longest matching network of an interface that is up; 0 = no route. */
export function in_route(k: Kernel, destination: number): number {
  if (destination >>> 24 === 127 || in_localip(k, destination)) return k.inet.ctl.loif
  const ifa = ifa_ifwithnet(k, destination)
  return ifa === 0 ? 0 : k.ifnet.ifaddr.ifa_ifp[ifa]
}

/** Source address for a destination, or 0. Source: in_pcb.c in_pcbladdr. */
export function in_pcbladdr(k: Kernel, destination: number): number {
  if (in_localip(k, destination)) return destination
  if (destination >>> 24 === 127) return INADDR_LOOPBACK
  const ifa = ifa_ifwithnet(k, destination)
  return ifa === 0 ? 0 : k.ifnet.ifaddr.ifa_addr[ifa]
}

/** Netmask of a prefix length 0 … 32. */
export function in_prefixmask(length: number): number {
  return length <= 0 ? 0 : length >= 32 ? 0xffffffff : (0xffffffff << (32 - length)) >>> 0
}

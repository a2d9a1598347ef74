/**
 * Where a destination lies: own addresses, networks of the interfaces, source addresses. Every address brings the route to its network; there are no
 * gateways and no routing protocol. Addresses themselves belong to net/if.ts. Source: sys/netinet/in.c in_localip, sys/netinet/in_pcb.c
 * in_pcbladdr, sys/net/route.c (derived).
 */
import type { Kernel } from '../kernel'
import { if_name, ifa_ifwithaddr, ifa_ifwithnet } from '../net/if'
import { in6_getscope, in6_words, isInet6 } from '../netinet6/in6'
import { in6_localip, in6_selectroute, in6_selectsrc } from '../netinet6/in6_ifaddr'
import { inet_ntop6 } from '../netinet6/in6_text'
import { INADDR_LOOPBACK, inet_ntoa } from './in'

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

// Whoever has an address as connections keep it (in6.ts: IPv4 itself, or the row of an IPv6 address) asks these.

/** True for an address of this host, of either family. */
export function isLocalAddress(k: Kernel, address: number): boolean {
  return isInet6(address) ? in6_localip(k, address) : in_localip(k, address)
}

/** Interface that a destination of either family is reached by; 0 = no route. */
export function routeTo(k: Kernel, destination: number): number {
  return isInet6(destination) ? in6_selectroute(k, destination) : in_route(k, destination)
}

/** Source address for a destination of either family, or 0. */
export function sourceFor(k: Kernel, destination: number): number {
  return isInet6(destination) ? in6_selectsrc(k, destination) : in_pcbladdr(k, destination)
}

/** Text of an address of either family; a link-local one with its interface. */
export function addressText(k: Kernel, address: number): string {
  if (!isInet6(address)) return inet_ntoa(address)
  const scope = in6_getscope(k, address)
  return inet_ntop6(in6_words(k, address, true)) + (scope === 0 ? '' : `%${if_name(k, scope)}`)
}

/** Netmask of a prefix length 0 … 32. */
export function in_prefixmask(length: number): number {
  return length <= 0 ? 0 : length >= 32 ? 0xffffffff : (0xffffffff << (32 - length)) >>> 0
}

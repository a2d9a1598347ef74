/**
 * IPv6 addresses of interfaces, and where a destination lies: every address brings the route to its prefix; there are no routers, no router
 * advertisements, no duplicate address detection and no multicast. Source: sys/netinet6/in6.c in6_control, in6_update_ifa, in6_purgeaddr;
 * in6_ifattach.c in6_ifattach, in6_ifattach_linklocal, in6_ifattach_loopback; in6_src.c in6_selectsrc, in6_selectroute (derived).
 */
import type { Kernel } from '../kernel'
import { IFF_LOOPBACK, IFF_UP } from '../net/ifConstants'
import type { Ifreq } from '../net/if'
import { EADDRNOTAVAIL, EINVAL } from '../sys/errno'
import { SIOCDIFADDR_IN6, SIOCGIFADDR_IN6, SIOCSIFADDR } from '../sys/sockio'
import {
  in6_getscope,
  in6_isLinkLocal,
  in6_row,
  in6_rowOn,
  in6_words,
  in6addr_loopback,
  type In6Words,
  isInet6,
} from './in6'

/** ND6_IFF_* of an interface. Source: sys/netinet6/nd6.h. */
export const ND6_IFF_PERFORMNUD = 0x1
export const ND6_IFF_IFDISABLED = 0x8
export const ND6_IFF_AUTO_LINKLOCAL = 0x20
/** What rc(8) leaves an interface with that has no IPv6 address configured. */
const ND6_DISABLED = ND6_IFF_PERFORMNUD | ND6_IFF_IFDISABLED | ND6_IFF_AUTO_LINKLOCAL

export function createIn6Ifaddr(k: Kernel) {
  return k.registry.table(
    k.part('in6.ifaddr'),
    {
      /** 0 = the row is free. */
      ia_ifp: 'i32',
      /** Row of in6.addr. */
      ia_addr: 'i32',
      ia_plen: 'u8',
      /** Rows of an interface are shown in the order of these. */
      ia_order: 'u32',
    },
    8,
    { quiet: true },
  )
}

/** Flags of neighbour discovery of an interface. */
export function nd6_flags(k: Kernel, ifp: number): number {
  return k.inet6.nd6[String(ifp)] ?? ND6_DISABLED
}

/** True for an address of this host. */
export function in6_localip(k: Kernel, address: number): boolean {
  return address !== 0 && k.inet6.addr.local[address] !== 0
}

/** True if the first `length` bits of two rows are the same. */
function samePrefix(k: Kernel, a: number, b: number, length: number): boolean {
  const t = k.inet6.addr
  const words = [t.a0, t.a1, t.a2, t.a3]
  for (let n = 0; n * 32 < length; n++) {
    const bits = Math.min(32, length - n * 32)
    const mask = bits === 32 ? -1 : ~(0xffffffff >>> bits)
    if (((words[n][a] ^ words[n][b]) & mask) !== 0) return false
  }
  return true
}

/** Row of the address entry with the longest prefix that holds a destination, on an interface that is up; 0 = no route. */
function ifaWithPrefix(k: Kernel, destination: number): number {
  const t = k.inet6.ifaddr
  let best = 0
  for (let ia = 1; ia < t.high; ia++) {
    if (t.ia_ifp[ia] === 0 || (k.ifnet.if_flags[t.ia_ifp[ia]] & IFF_UP) === 0) continue
    if ((best === 0 || t.ia_plen[ia] > t.ia_plen[best]) && samePrefix(k, destination, t.ia_addr[ia], t.ia_plen[ia]))
      best = ia
  }
  return best
}

/** Interface that a destination is reached by: lo0 for own addresses, else that of the longest matching prefix; 0 = no route. */
export function in6_selectroute(k: Kernel, destination: number): number {
  if (!isInet6(destination)) return 0
  if (in6_localip(k, destination)) return k.inet.ctl.loif
  const ia = ifaWithPrefix(k, destination)
  return ia === 0 ? 0 : k.inet6.ifaddr.ia_ifp[ia]
}

/** Source address for a destination, or 0: the address itself if it is ours, else one of the prefix that it lies in. */
export function in6_selectsrc(k: Kernel, destination: number): number {
  if (in6_localip(k, destination)) return destination
  const ia = isInet6(destination) ? ifaWithPrefix(k, destination) : 0
  return ia === 0 ? 0 : k.inet6.ifaddr.ia_addr[ia]
}

/** Link-local address by the interface's Ethernet address (modified EUI-64). Source: in6_ifattach.c in6_get_hw_ifid. */
export function in6_linkLocal(lladdr: ArrayLike<number>): In6Words {
  return [
    0xfe800000,
    0,
    (((lladdr[0] ^ 2) << 24) | (lladdr[1] << 16) | (lladdr[2] << 8) | 0xff) >>> 0,
    (0xfe000000 | (lladdr[3] << 16) | (lladdr[4] << 8) | lladdr[5]) >>> 0,
  ]
}

/** Gives an interface an address. */
function add(k: Kernel, ifp: number, address: number, plen: number): void {
  const t = k.inet6.ifaddr
  let ia = find(k, ifp, address)
  if (ia === 0) {
    ia = t.alloc()
    t.ia_ifp[ia] = ifp
    t.ia_addr[ia] = address
    t.ia_order[ia] = k.inet6.ctl.order++
    k.inet6.addr.local[address]++
  }
  t.ia_plen[ia] = plen
}

function find(k: Kernel, ifp: number, address: number): number {
  const t = k.inet6.ifaddr
  for (let ia = 1; ia < t.high; ia++) if (t.ia_ifp[ia] === ifp && t.ia_addr[ia] === address) return ia
  return 0
}

function remove(k: Kernel, ia: number): void {
  const t = k.inet6.ifaddr
  k.inet6.addr.local[t.ia_addr[ia]]--
  t.ia_ifp[ia] = 0
  t.free(ia)
}

/** Rows of an interface in the order in which they were given. */
export function in6_ifaddrs(k: Kernel, ifp: number): number[] {
  const t = k.inet6.ifaddr
  const rows: number[] = []
  for (let ia = 1; ia < t.high; ia++) if (t.ia_ifp[ia] === ifp) rows.push(ia)
  return rows.sort((a, b) => t.ia_order[a] - t.ia_order[b])
}

/**
 * IPv6 begins on an interface: it is no longer disabled and has its link-local address. rc(8) does so (`ifconfig … inet6 -ifdisabled`) before it sets an
 * address; here the first address does (assumed). lo0: ::1 and fe80::1.
 */
export function in6_ifattach(k: Kernel, ifp: number): void {
  const flags = ND6_IFF_PERFORMNUD | ND6_IFF_AUTO_LINKLOCAL
  if (nd6_flags(k, ifp) === flags) return
  k.inet6.nd6[String(ifp)] = flags
  if ((k.ifnet.if_flags[ifp] & IFF_LOOPBACK) !== 0) {
    add(k, ifp, in6_row(k, ...in6addr_loopback), 128)
    add(k, ifp, in6_rowOn(k, [0xfe800000, 0, 0, 1], ifp), 64)
  } else {
    const words = in6_linkLocal(k.ifnet.if_lladdr.subarray(ifp * 6, ifp * 6 + 6))
    add(k, ifp, in6_rowOn(k, words, ifp), 64)
  }
}

/** The interface goes away. Source: in6_ifattach.c in6_ifdetach. */
export function in6_ifdetach(k: Kernel, ifp: number): void {
  for (const ia of in6_ifaddrs(k, ifp)) remove(k, ia)
  delete k.inet6.nd6[String(ifp)]
}

/**
 * SIOCAIFADDR_IN6, SIOCDIFADDR_IN6, SIOCGIFADDR_IN6. EINVAL: no address, a multicast one, or a bad prefix length; EADDRNOTAVAIL: the interface does not have
 * it. Adding does not replace, and deleting names the address: IPv6 interfaces have several.
 */
export function in6_control(k: Kernel, ifp: number, command: number, ifr: Ifreq): number {
  const n = k.ifnet
  const words = ifr.ifra6_addr
  const address = words === undefined ? 0 : in6_rowOn(k, words, ifp)
  const ia = find(k, ifp, address)
  if (command === SIOCDIFADDR_IN6 || command === SIOCGIFADDR_IN6) {
    if (ia === 0) return EADDRNOTAVAIL
    if (command === SIOCDIFADDR_IN6) remove(k, ia)
    else ifr.ifra6_prefixlen = k.inet6.ifaddr.ia_plen[ia]!
    return 0
  }
  const plen = ifr.ifra6_prefixlen ?? 64
  if (address === 0 || words === undefined || words[0] >>> 24 === 0xff || plen < 1 || plen > 128) return EINVAL
  const first = in6_ifaddrs(k, ifp).length === 0 && n.if_addrhead[ifp] === 0
  in6_ifattach(k, ifp)
  add(k, ifp, address, plen)
  // The first address makes the driver bring the interface up.
  if (first) return n.drivers[n.if_driver[ifp]].if_ioctl?.(k, ifp, SIOCSIFADDR, ifr) ?? 0
  return 0
}

/** An address of an interface, for those who show it. */
export interface In6Address {
  /** As it goes over the wire. */
  words: In6Words
  prefixLength: number
  /** Number of the interface for link-local addresses, else 0. */
  scope: number
}

/** IPv6 addresses of an interface: the one that came first is first. */
export function addresses6Of(k: Kernel, ifp: number): In6Address[] {
  const t = k.inet6.ifaddr
  return in6_ifaddrs(k, ifp).map((ia) => ({
    words: in6_words(k, t.ia_addr[ia], true),
    prefixLength: t.ia_plen[ia],
    scope: in6_isLinkLocal(k, t.ia_addr[ia]) ? in6_getscope(k, t.ia_addr[ia]) : 0,
  }))
}

/**
 * Protocol control blocks: the four-tuple of a connection, the hash that finds it, ports. Addresses are IPv4 addresses or rows of in6.addr (in6.ts), so
 * that both families share everything here. Source: sys/netinet/in_pcb.c, sys/netinet6/in6_pcb.c (derived; the load-balancing group of SO_REUSEPORT_LB is
 * the only sharing of a listening port).
 */
import type { Kernel } from '../kernel'
import type { Prng } from '../machine/prng'
import { EADDRINUSE, EADDRNOTAVAIL, EINVAL, EISCONN } from '../sys/errno'
import { INADDR_ANY } from './in'
import { isLocalAddress, sourceFor } from './in_ifaddr'
import { isInet6 } from '../netinet6/in6'

// inp_flags
/** The connection is IPv6: its addresses are rows of in6.addr. Source: in_pcb.h, there in inp_vflag. */
export const INP_IPV6 = 0x2
export const INP_TIMEWAIT = 0x01000000
export const INP_DROPPED = 0x04000000
export const INP_SOCKREF = 0x08000000

/** Buckets of the connection hash; chains grow without limit. Source: tcp_subr.c tcbhashsize (scaled by maxsockets there). */
const TCBHASHSIZE = 16384

export function createPcbs(k: Kernel) {
  const inp = k.registry.table(k.part('inpcb'), {
    inp_socket: 'i32',
    /** tcpcb row, or tcptw row with INP_TIMEWAIT. */
    inp_ppcb: 'i32',
    inp_laddr: 'u32',
    inp_faddr: 'u32',
    inp_lport: 'u16',
    inp_fport: 'u16',
    inp_flags: 'i32',
    /** RSS hash of the connection as the card reported it, and its type (0 = none). */
    inp_flowid: 'u32',
    inp_flowtype: 'u8',
    inp_hash: 'i32',
    /** Chain of listening sockets. */
    inp_listnext: 'i32',
    inp_listening: 'u8',
    /** Cached route: interface and next hop. */
    inp_routeifp: 'i32',
    inp_routegw: 'u32',
    inp_ip_ttl: 'u8',
  })
  const hash = new Int32Array(TCBHASHSIZE)
  k.registry.fixed(k.part('inpcb.hash'), hash)
  /** How many control blocks use a local port. */
  const ports = new Uint16Array(65536)
  k.registry.fixed(k.part('inpcb.ports'), ports)
  const info = k.registry.record(k.part('inpcb.info'), { listen: 0 })
  const random: Prng = k.machine.random(k.part('ports'))
  return Object.assign(inp, { hash, ports, info, random })
}

function INP_PCBHASH(faddr: number, lport: number, fport: number): number {
  return (faddr ^ (faddr >>> 16) ^ lport ^ (fport << 3) ^ (fport >>> 5)) & (TCBHASHSIZE - 1)
}

/** in_pcballoc: a control block for a socket. `flags`: INP_IPV6 or 0. */
export function in_pcballoc(k: Kernel, so: number, flags = 0): number {
  const t = k.inet.inp
  const inp = t.alloc()
  t.inp_socket[inp] = so
  t.inp_ppcb[inp] = 0
  t.inp_laddr[inp] = INADDR_ANY
  t.inp_faddr[inp] = INADDR_ANY
  t.inp_lport[inp] = 0
  t.inp_fport[inp] = 0
  t.inp_flags[inp] = flags
  t.inp_flowid[inp] = 0
  t.inp_flowtype[inp] = 0
  t.inp_hash[inp] = 0
  t.inp_listnext[inp] = 0
  t.inp_listening[inp] = 0
  t.inp_routeifp[inp] = 0
  t.inp_routegw[inp] = 0
  t.inp_ip_ttl[inp] = k.inet.ctl.ip_defttl
  k.so.so_pcb[so] = inp
  return inp
}

function insertHash(k: Kernel, inp: number): void {
  const t = k.inet.inp
  const b = INP_PCBHASH(t.inp_faddr[inp], t.inp_lport[inp], t.inp_fport[inp])
  t.inp_hash[inp] = t.hash[b]
  t.hash[b] = inp
}

function removeHash(k: Kernel, inp: number): void {
  const t = k.inet.inp
  const b = INP_PCBHASH(t.inp_faddr[inp], t.inp_lport[inp], t.inp_fport[inp])
  let at = t.hash[b]
  if (at === inp) {
    t.hash[b] = t.inp_hash[inp]
  } else {
    while (at !== 0 && t.inp_hash[at] !== inp) at = t.inp_hash[at]
    if (at !== 0) t.inp_hash[at] = t.inp_hash[inp]
  }
  t.inp_hash[inp] = 0
}

/** in_pcbbind: local address and port; port 0 draws an ephemeral one. `reuse`: join other listeners of the port. */
export function in_pcbbind(k: Kernel, inp: number, address: number, port: number, reuse: boolean): number {
  const t = k.inet.inp
  if (t.inp_lport[inp] !== 0 || t.inp_laddr[inp] !== INADDR_ANY) return EINVAL
  if (address !== INADDR_ANY && !isLocalAddress(k, address)) return EADDRNOTAVAIL
  let lport = port
  if (lport === 0) {
    lport = in_pcb_lport(k)
    if (lport === 0) return EADDRNOTAVAIL
  } else if (t.ports[lport] !== 0 && !reuse && usesPort(k, inp, lport)) return EADDRINUSE
  t.inp_laddr[inp] = address
  t.inp_lport[inp] = lport
  t.ports[lport]++
  return 0
}

/** True if another block of the same family has the port: sockets of IPv4 and of IPv6 (net.inet6.ip6.v6only is 1) do not meet. */
function usesPort(k: Kernel, inp: number, lport: number): boolean {
  const t = k.inet.inp
  const family = t.inp_flags[inp] & INP_IPV6
  for (let at = 1; at < t.high; at++)
    if (at !== inp && t.inp_lport[at] === lport && (t.inp_flags[at] & INP_IPV6) === family) return true
  return false
}

/** in_pcb_lport: a free ephemeral port, or 0. Source: in_pcb.c in_pcb_lport with net.inet.ip.portrange. */
function in_pcb_lport(k: Kernel): number {
  const t = k.inet.inp
  const c = k.inet.tcpctl
  const first = c.portrange_first
  const last = c.portrange_last
  let count = last - first
  if (count < 0) return 0
  if (c.portrange_randomized !== 0) c.portrange_lastport = first + t.random.below(count + 1)
  do {
    if (count-- < 0) return 0
    c.portrange_lastport++
    if (c.portrange_lastport < first || c.portrange_lastport > last) c.portrange_lastport = first
  } while (t.ports[c.portrange_lastport] !== 0)
  return c.portrange_lastport
}

/** in_pcbconnect: foreign end; picks local address and port if there are none. */
export function in_pcbconnect(k: Kernel, inp: number, address: number, port: number): number {
  const t = k.inet.inp
  if (port === 0 || address === INADDR_ANY) return EADDRNOTAVAIL
  if (t.inp_faddr[inp] !== INADDR_ANY) return EISCONN
  let laddr = t.inp_laddr[inp]
  if (laddr === INADDR_ANY) {
    laddr = sourceFor(k, address)
    if (laddr === 0) return EADDRNOTAVAIL
  }
  if (t.inp_lport[inp] === 0) {
    const lport = in_pcb_lport(k)
    if (lport === 0) return EADDRNOTAVAIL
    t.inp_lport[inp] = lport
    t.ports[lport]++
  }
  if (in_pcblookup_exact(k, address, port, laddr, t.inp_lport[inp]) !== 0) return EADDRINUSE
  t.inp_laddr[inp] = laddr
  t.inp_faddr[inp] = address
  t.inp_fport[inp] = port
  insertHash(k, inp)
  return 0
}

/** The control block of a connection accepted from a listening socket (syncache_socket). */
export function in_pcbaccept(k: Kernel, inp: number, laddr: number, lport: number, faddr: number, fport: number): void {
  const t = k.inet.inp
  t.inp_laddr[inp] = laddr
  t.inp_lport[inp] = lport
  t.ports[lport]++
  t.inp_faddr[inp] = faddr
  t.inp_fport[inp] = fport
  insertHash(k, inp)
}

/** Adds a listening socket to the list that {@link in_pcblookup} searches last. */
export function in_pcblisten(k: Kernel, inp: number): void {
  const t = k.inet.inp
  if (t.inp_listening[inp] !== 0) return
  t.inp_listening[inp] = 1
  // At the end: the order of a load-balancing group is the order of listening.
  t.inp_listnext[inp] = 0
  let at = t.info.listen
  if (at === 0) {
    t.info.listen = inp
    return
  }
  while (t.inp_listnext[at] !== 0) at = t.inp_listnext[at]
  t.inp_listnext[at] = inp
}

/** in_pcbdrop: no packet finds the block any more; the port is free. */
export function in_pcbdrop(k: Kernel, inp: number): void {
  const t = k.inet.inp
  if ((t.inp_flags[inp] & INP_DROPPED) !== 0) return
  t.inp_flags[inp] |= INP_DROPPED
  unlinkAll(k, inp)
}

function unlinkAll(k: Kernel, inp: number): void {
  const t = k.inet.inp
  if (t.inp_faddr[inp] !== INADDR_ANY) {
    removeHash(k, inp)
    t.inp_faddr[inp] = INADDR_ANY
  }
  if (t.inp_listening[inp] !== 0) {
    t.inp_listening[inp] = 0
    let at = t.info.listen
    if (at === inp) t.info.listen = t.inp_listnext[inp]
    else {
      while (t.inp_listnext[at] !== inp) at = t.inp_listnext[at]
      t.inp_listnext[at] = t.inp_listnext[inp]
    }
    t.inp_listnext[inp] = 0
  }
  if (t.inp_lport[inp] !== 0) {
    t.ports[t.inp_lport[inp]]--
    t.inp_lport[inp] = 0
  }
}

/** in_pcbdetach: the socket goes, the block stays (TIME_WAIT). */
export function in_pcbdetach(k: Kernel, inp: number): void {
  const t = k.inet.inp
  const so = t.inp_socket[inp]
  if (so !== 0) k.so.so_pcb[so] = 0
  t.inp_socket[inp] = 0
}

/** in_pcbfree: gives the block back. */
export function in_pcbfree(k: Kernel, inp: number): void {
  const t = k.inet.inp
  unlinkAll(k, inp)
  t.inp_ppcb[inp] = 0
  t.inp_flags[inp] = 0
  t.free(inp)
}

/** The connected block of a four-tuple, or 0. */
export function in_pcblookup_exact(k: Kernel, faddr: number, fport: number, laddr: number, lport: number): number {
  const t = k.inet.inp
  let inp = t.hash[INP_PCBHASH(faddr, lport, fport)]
  while (inp !== 0) {
    if (
      t.inp_faddr[inp] === faddr &&
      t.inp_laddr[inp] === laddr &&
      t.inp_fport[inp] === fport &&
      t.inp_lport[inp] === lport
    )
      return inp
    inp = t.inp_hash[inp]
  }
  return 0
}

/**
 * The listening block for a packet: exact local address before wildcard; of several on one port (SO_REUSEPORT_LB) the one the hash of the foreign
 * end picks. Source: in_pcb.c in_pcblookup_hash_locked, in_pcblookup_lbgroup.
 */
export function in_pcblookup_listen(k: Kernel, faddr: number, fport: number, laddr: number, lport: number): number {
  const t = k.inet.inp
  const family = isInet6(laddr) ? INP_IPV6 : 0
  for (let pass = 0; pass < 2; pass++) {
    const wanted = pass === 0 ? laddr : INADDR_ANY
    let count = 0
    for (let at = t.info.listen; at !== 0; at = t.inp_listnext[at])
      if (t.inp_lport[at] === lport && t.inp_laddr[at] === wanted && (t.inp_flags[at] & INP_IPV6) === family) count++
    if (count === 0) continue
    let index = ((faddr ^ (faddr >>> 16) ^ (lport ^ fport)) >>> 0) % count
    for (let at = t.info.listen; at !== 0; at = t.inp_listnext[at])
      if (
        t.inp_lport[at] === lport &&
        t.inp_laddr[at] === wanted &&
        (t.inp_flags[at] & INP_IPV6) === family &&
        index-- === 0
      )
        return at
  }
  return 0
}

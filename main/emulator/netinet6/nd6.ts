/**
 * Neighbours on an IPv6 link. As with IPv4 nobody is asked: an address that another host of the machine has on its interface is its neighbour, and what was
 * found is remembered. Source: sys/netinet6/nd6.c nd6_output_ifp, nd6_resolve; sys/net/if_ethersubr.c ether_output (derived).
 */
import { m_freem } from '../kern/kern_mbuf'
import type { Kernel } from '../kernel'
import { functionId } from '../machine/cost'
import { IFF_LOOPBACK } from '../net/if'
import { ether_send, maySend } from '../net/if_ethersubr'
import { looutput } from '../net/if_loop'
import { ENETDOWN } from '../sys/errno'
import { in6_isLinkLocal } from './in6'

export const ETHERTYPE_IPV6 = 0x86dd

const FN_ether_output = functionId('ether_output')

/** Neighbour table: address to Ethernet address, by interface. */
export function createNeighbours6(k: Kernel) {
  return k.registry.table(
    k.part('in6.lltable'),
    {
      /** Row of in6.addr. */
      addr: 'i32',
      ifp: 'i32',
      mac: ['u8', 6],
      /** Where it was found: host and row of its address list. */
      host: 'u8',
      ia: 'i32',
    },
    8,
    { quiet: true },
  )
}

/** True if row `ia` of a host's address list still is the address of four words. */
function isAddress(other: Kernel, ia: number, k: Kernel, address: number): boolean {
  const t = other.inet6.ifaddr
  if (t.ia_ifp[ia] === 0) return false
  const a = k.inet6.addr
  const b = other.inet6.addr
  const row = t.ia_addr[ia]
  if (a.a3[address] !== b.a3[row] || a.a2[address] !== b.a2[row] || a.a1[address] !== b.a1[row]) return false
  // The number of the interface in a link-local address means something in its own host only.
  const difference = a.a0[address] ^ b.a0[row]
  return difference === 0 || (in6_isLinkLocal(k, address) && difference >>> 16 === 0)
}

/** Row of the neighbour with an address on the interface's link, or 0. */
function nd6_resolve(k: Kernel, ifp: number, address: number): number {
  const t = k.inet6.neighbour
  for (let row = 1; row < t.high; row++) {
    if (t.addr[row] !== address || t.ifp[row] !== ifp) continue
    if (isAddress(k.machine.kernels[t.host[row]], t.ia[row], k, address)) return row
    // The address has gone since.
    t.addr[row] = 0
    t.free(row)
    break
  }
  for (const other of k.machine.kernels) {
    if (other === k) continue
    const theirs = other.inet6.ifaddr
    for (let ia = 1; ia < theirs.high; ia++) {
      if (!isAddress(other, ia, k, address)) continue
      const row = t.alloc()
      t.addr[row] = address
      t.ifp[row] = ifp
      t.host[row] = other.id
      t.ia[row] = ia
      for (let i = 0; i < 6; i++) t.mac[row * 6 + i] = other.ifnet.if_lladdr[theirs.ia_ifp[ia] * 6 + i]
      return row
    }
  }
  return 0
}

/** Puts the Ethernet header before an IPv6 packet and hands it to the driver, or to lo0. m is consumed. @returns 0 or errno. */
export function nd6_output_ifp(k: Kernel, ifp: number, m: number, dst: number): number {
  if ((k.ifnet.if_flags[ifp] & IFF_LOOPBACK) !== 0) return looutput(k, ifp, m)
  if (k.cost.on) k.cost.enter(FN_ether_output)
  const error = output(k, ifp, m, dst)
  if (k.cost.on) k.cost.leave()
  return error
}

function output(k: Kernel, ifp: number, m: number, dst: number): number {
  if (!maySend(k, ifp)) {
    m_freem(k, m)
    return ENETDOWN
  }
  return ether_send(k, ifp, m, k.inet6.neighbour.mac, nd6_resolve(k, ifp, dst), ETHERTYPE_IPV6)
}

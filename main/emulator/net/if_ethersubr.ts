/**
 * Ethernet framing. Neighbours are not asked for by ARP: an address that another host of the machine has on its interface is its neighbour, and what was
 * found is remembered. Source: sys/net/if_ethersubr.c ether_output, ether_input (derived).
 */
import { m_freem, mtodAddr } from '../kern/kern_mbuf'
import { m_adj, M_PREPEND, m_pullup } from '../kern/uipc_mbuf'
import type { Kernel } from '../kernel'
import { functionId } from '../machine/cost'
import { ip_input } from '../netinet/ip_input'
import { ip6_input } from '../netinet6/ip6_input'
import { ETHERTYPE_IPV6 } from '../netinet6/nd6'
import { EHOSTDOWN, ENETDOWN, ENOBUFS } from '../sys/errno'
import { M_VLANTAG } from '../sys/mbuf'
import { M_NOWAIT } from '../sys/param'
import { get16, put16 } from '../netinet/in'
import {
  ETHER_HDR_LEN,
  ETHER_VLAN_ENCAP_LEN,
  if_transmit,
  ifa_ifwithaddr,
  IFF_DRV_RUNNING,
  IFF_UP,
  IFT_IEEE8023ADLAG,
} from './if'
import { lagg_input } from './if_lagg'
import { vlan_input } from './if_vlan'

export const ETHERTYPE_IP = 0x0800
export const ETHERTYPE_ARP = 0x0806
export const ETHERTYPE_VLAN = 0x8100

const FN_ether_output = functionId('ether_output')
const FN_ether_input = functionId('ether_input')

/** Neighbour table: IPv4 address to Ethernet address, by interface. */
export function createNeighbours(k: Kernel) {
  return k.registry.table(k.part('lltable'), {
    ip: 'u32',
    ifp: 'i32',
    mac: ['u8', 6],
    /** Where it was found: host and row of its address list. */
    host: 'u8',
    ifa: 'i32',
  })
}

/** Row of the neighbour with an address on the interface's link, or 0. */
function arpresolve(k: Kernel, ifp: number, ip: number): number {
  const t = k.inet.neighbour
  for (let row = 1; row < t.high; row++) {
    if (t.ip[row] !== ip || t.ifp[row] !== ifp) continue
    if (k.machine.kernels[t.host[row]].ifnet.ifaddr.ifa_addr[t.ifa[row]] === ip) return row
    // The address has changed since.
    t.ip[row] = 0
    t.free(row)
    break
  }
  for (const other of k.machine.kernels) {
    if (other === k) continue
    const ifa = ifa_ifwithaddr(other, ip)
    if (ifa === 0) continue
    const theirs = other.ifnet.ifaddr.ifa_ifp[ifa]
    const row = t.alloc()
    t.ip[row] = ip
    t.ifp[row] = ifp
    t.host[row] = other.id
    t.ifa[row] = ifa
    for (let i = 0; i < 6; i++) t.mac[row * 6 + i] = other.ifnet.if_lladdr[theirs * 6 + i]
    return row
  }
  return 0
}

/** ether_output: puts the Ethernet header before an IP packet and hands it to the driver. m is consumed. @returns 0 or errno. */
export function ether_output(k: Kernel, ifp: number, m: number, dst: number): number {
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
  return ether_send(k, ifp, m, k.inet.neighbour.mac, arpresolve(k, ifp, dst), ETHERTYPE_IP)
}

/** An interface sends packets of IP while it is up and running, unless it is a port of a lagg: that sends for its lagg only (lagg_port_output). */
export function maySend(k: Kernel, ifp: number): boolean {
  const n = k.ifnet
  if ((n.if_flags[ifp] & IFF_UP) === 0 || (n.if_drv_flags[ifp] & IFF_DRV_RUNNING) === 0) return false
  return n.if_type[ifp] !== IFT_IEEE8023ADLAG
}

/**
 * The end of ether_output, for all families: the Ethernet header, then the driver. m is consumed.
 * @param mac addresses of neighbours, six bytes a row. @param neighbour row, 0 = nobody has the address.
 * @returns 0 or errno
 */
export function ether_send(
  k: Kernel,
  ifp: number,
  m: number,
  mac: Uint8Array,
  neighbour: number,
  etherType: number,
): number {
  if (neighbour === 0) {
    m_freem(k, m)
    return EHOSTDOWN
  }
  m = M_PREPEND(k, m, ETHER_HDR_LEN, M_NOWAIT)
  if (m === 0) return ENOBUFS
  const ram = k.phys.ram
  const { if_lladdr } = k.ifnet
  const at = mtodAddr(k, m)
  for (let i = 0; i < 6; i++) {
    ram[at + i] = mac[neighbour * 6 + i]
    ram[at + 6 + i] = if_lladdr[ifp * 6 + i]
  }
  put16(ram, at + 12, etherType)
  return if_transmit(k, ifp, m)
}

/** ether_input: a received frame, Ethernet header first. m is consumed. The driver has set ph_rcvif and counted it. */
export function ether_input(k: Kernel, ifp: number, m: number): void {
  if (k.cost.on) k.cost.enter(FN_ether_input)
  input(k, ifp, m)
  if (k.cost.on) k.cost.leave()
}

function input(k: Kernel, rcvif: number, m: number): void {
  let ifp = rcvif
  const n = k.ifnet
  if ((n.if_flags[ifp] & IFF_UP) === 0) {
    m_freem(k, m)
    return
  }
  if (k.mb.m_len[m] < ETHER_HDR_LEN) {
    m = m_pullup(k, m, ETHER_HDR_LEN)
    if (m === 0) {
      n.if_ierrors[ifp]++
      return
    }
  }
  if (n.if_type[ifp] === IFT_IEEE8023ADLAG) {
    ifp = lagg_input(k, ifp, m)
    if (ifp === 0) return
  }
  const type = get16(k.phys.ram, mtodAddr(k, m) + 12)
  if (type === ETHERTYPE_VLAN || (k.mb.m_flags[m] & M_VLANTAG) !== 0) {
    if (type === ETHERTYPE_VLAN && k.mb.m_len[m] < ETHER_HDR_LEN + ETHER_VLAN_ENCAP_LEN) {
      m = m_pullup(k, m, ETHER_HDR_LEN + ETHER_VLAN_ENCAP_LEN)
      if (m === 0) {
        n.if_ierrors[ifp]++
        return
      }
    }
    const vlan = vlan_input(k, ifp, m)
    if (vlan !== 0) input(k, vlan, m)
    return
  }
  if (type !== ETHERTYPE_IP) {
    if (type === ETHERTYPE_IPV6) {
      m_adj(k, m, ETHER_HDR_LEN)
      ip6_input(k, m)
      return
    }
    n.if_noproto[ifp]++
    m_freem(k, m)
    return
  }
  m_adj(k, m, ETHER_HDR_LEN)
  ip_input(k, m)
}

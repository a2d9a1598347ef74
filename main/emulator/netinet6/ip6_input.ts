/**
 * ip6_input: checks the header of a received packet and hands it to TCP, fragments by way of frag6_input. Nothing is forwarded, and other extension headers
 * and protocols (ICMPv6 with neighbour discovery among them) are counted and dropped. Source: sys/netinet6/ip6_input.c (derived).
 */
import { m_freem, mtodAddr } from '../kern/kern_mbuf'
import { m_adj, m_pullup } from '../kern/uipc_mbuf'
import type { Kernel } from '../kernel'
import { functionId } from '../machine/cost'
import { IFF_LOOPBACK } from '../net/if'
import { get16, IPPROTO_TCP } from '../netinet/in'
import { tcp_input } from '../netinet/tcp_input'
import { frag6_input } from './frag6'
import { in6_get, IP6_DST, IP6_HDRLEN, IP6_NXT, IP6_PLEN, IP6_SRC, IPPROTO_FRAGMENT } from './in6'
import { in6_localip } from './in6_ifaddr'

const FN_ip6_input = functionId('ip6_input')

/** m begins with the IPv6 header; it is consumed. */
export function ip6_input(k: Kernel, m: number): void {
  if (k.cost.on) k.cost.enter(FN_ip6_input)
  input(k, m)
  if (k.cost.on) k.cost.leave()
}

/** True for ::1 in the 16 bytes of a header. */
function isLoopback(ram: Uint8Array, at: number): boolean {
  for (let i = 0; i < 15; i++) if (ram[at + i] !== 0) return false
  return ram[at + 15] === 1
}

function input(k: Kernel, m: number): void {
  const stat = k.inet6.ip6stat
  stat.ip6s_total++
  if (k.mb.m_len[m] < IP6_HDRLEN) {
    // m_pullup frees the packet when it is too short or there is no mbuf.
    m = m_pullup(k, m, IP6_HDRLEN)
    if (m === 0) {
      stat.ip6s_toosmall++
      return
    }
  }
  const mb = k.mb
  const { ram } = k.phys
  const at = mtodAddr(k, m)
  if (ram[at] >>> 4 !== 6) {
    stat.ip6s_badvers++
    m_freem(k, m)
    return
  }
  const ifp = mb.ph_rcvif[m]
  const loopback = (k.ifnet.if_flags[ifp] & IFF_LOOPBACK) !== 0
  // A multicast source, and ::1 from outside.
  if (ram[at + IP6_SRC] === 0xff || (!loopback && (isLoopback(ram, at + IP6_SRC) || isLoopback(ram, at + IP6_DST)))) {
    stat.ip6s_badscope++
    m_freem(k, m)
    return
  }
  const dst = in6_get(k, ram, at + IP6_DST, ifp)
  if (!in6_localip(k, dst)) {
    stat.ip6s_cantforward++
    m_freem(k, m)
    return
  }
  const length = IP6_HDRLEN + get16(ram, at + IP6_PLEN)
  if (mb.ph_lro_nsegs[m] <= 1) {
    if (mb.ph_len[m] < length) {
      stat.ip6s_tooshort++
      m_freem(k, m)
      return
    }
    // Padding of short Ethernet frames.
    if (mb.ph_len[m] > length) m_adj(k, m, length - mb.ph_len[m])
  }
  let next = ram[at + IP6_NXT]
  if (next === IPPROTO_FRAGMENT) {
    m = frag6_input(k, m)
    if (m === 0) return
    next = k.phys.ram[mtodAddr(k, m) + IP6_NXT]
  }
  if (next !== IPPROTO_TCP) {
    stat.ip6s_noproto++
    m_freem(k, m)
    return
  }
  stat.ip6s_delivered++
  tcp_input(k, m, IP6_HDRLEN)
}

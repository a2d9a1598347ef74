/**
 * ip_input: checks the header of a received packet and hands it to TCP. Fragments are not put together and nothing is forwarded: both are counted and
 * dropped. Source: sys/netinet/ip_input.c (derived).
 */
import { m_freem, mtodAddr } from '../kern/kern_mbuf'
import { m_adj, m_pullup } from '../kern/uipc_mbuf'
import type { Kernel } from '../kernel'
import { functionId } from '../machine/cost'
import { CSUM_IP_CHECKED, CSUM_IP_VALID } from '../sys/mbuf'
import { get16, get32, IP_DST, IP_HDRLEN, IP_LEN, IP_MF, IP_OFF, IP_OFFMASK, IP_P, IP_SRC, IPPROTO_TCP } from './in'
import { in_localip } from './in_ifaddr'
import { in_cksum_hdr } from './ip_output'
import { tcp_input } from './tcp_input'

const FN_ip_input = functionId('ip_input')

/** m begins with the IP header; it is consumed. */
export function ip_input(k: Kernel, m: number): void {
  if (k.cost.on) k.cost.enter(FN_ip_input)
  input(k, m)
  if (k.cost.on) k.cost.leave()
}

function input(k: Kernel, m: number): void {
  const stat = k.inet.ipstat
  stat.ips_total++
  if (k.mb.ph_len[m] < IP_HDRLEN) {
    stat.ips_tooshort++
    m_freem(k, m)
    return
  }
  if (k.mb.m_len[m] < IP_HDRLEN) {
    m = m_pullup(k, m, IP_HDRLEN)
    if (m === 0) {
      stat.ips_tooshort++
      return
    }
  }
  const mb = k.mb
  const ram = k.phys.ram
  const at = mtodAddr(k, m)
  if (ram[at] !== 0x45) {
    // Options are not supported.
    if (ram[at] >>> 4 !== 4) stat.ips_badvers++
    else stat.ips_badhlen++
    m_freem(k, m)
    return
  }
  const flags = mb.ph_csum_flags[m]
  const bad = (flags & CSUM_IP_CHECKED) !== 0 ? (flags & CSUM_IP_VALID) === 0 : in_cksum_hdr(ram, at) !== 0
  if (bad) {
    stat.ips_badsum++
    m_freem(k, m)
    return
  }
  const length = get16(ram, at + IP_LEN)
  if (mb.ph_lro_nsegs[m] <= 1) {
    if (length < IP_HDRLEN || mb.ph_len[m] < length) {
      stat.ips_badlen++
      m_freem(k, m)
      return
    }
    // Padding of short Ethernet frames.
    if (mb.ph_len[m] > length) m_adj(k, m, length - mb.ph_len[m])
  }
  const dst = get32(ram, at + IP_DST)
  // Nobody has a source in 0.0.0.0/8: as numbers those stand for IPv6 addresses (in6.ts).
  if (ram[at + IP_SRC] === 0 || (!in_localip(k, dst) && dst >>> 24 !== 127)) {
    stat.ips_cantforward++
    m_freem(k, m)
    return
  }
  if ((get16(ram, at + IP_OFF) & (IP_MF | IP_OFFMASK)) !== 0) {
    stat.ips_fragments++
    stat.ips_fragdropped++
    m_freem(k, m)
    return
  }
  if (ram[at + IP_P] !== IPPROTO_TCP) {
    stat.ips_noproto++
    m_freem(k, m)
    return
  }
  stat.ips_delivered++
  tcp_input(k, m, IP_HDRLEN)
}

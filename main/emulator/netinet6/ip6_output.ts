/**
 * ip6_output: as for IPv4 the last place where the stack looks at a packet's mbufs. Source: sys/netinet6/ip6_output.c of mid 2019 (read; reference
 * kernel-mbuf-sendfile 4.2). Left out: extension headers other than the fragment header (with them every checksum would be software's), IPsec, firewalls,
 * multicast, path MTU discovery (there are no routers), IPV6_DONTFRAG.
 *
 *   CSUM_IP6_TCP done by the card   IFCAP_NOMAP   unmapped mbufs
 *   yes                             yes           reach the driver
 *   yes                             no            converted
 *   no                              either        converted, then summed
 */
import { m_freem, m_gethdr, mtodAddr } from '../kern/kern_mbuf'
import { mb_unmapped_to_ext } from '../kern/kern_mbuf_ext_pgs'
import { m_copym } from '../kern/uipc_mbuf'
import type { Kernel } from '../kernel'
import { CAUSE, functionId } from '../machine/cost'
import { IFCAP_NOMAP, IFCAP_TXCSUM_IPV6, IFF_LOOPBACK, IFF_UP } from '../net/if'
import { put16, put32 } from '../netinet/in'
import { in_cksum_skip } from '../netinet/in_cksum'
import { probeIpOutput } from '../netinet/tcp_probe'
import { EHOSTUNREACH, EMSGSIZE, ENOBUFS } from '../sys/errno'
import { CSUM_DELAY_DATA_IPV6, CSUM_IP6_SCTP, CSUM_TSO, M_NOMAP, M_PROTOFLAGS, max_linkhdr, MT_DATA } from '../sys/mbuf'
import { M_NOWAIT } from '../sys/param'
import {
  in6_clearscope,
  in6_get,
  IP6_DST,
  IP6_FRAG_LEN,
  IP6_HDRLEN,
  IP6_NXT,
  IP6_PLEN,
  IP6_SRC,
  IP6F_IDENT,
  IP6F_MORE_FRAG,
  IP6F_NXT,
  IP6F_OFFLG,
  IPPROTO_FRAGMENT,
  IPV6_MMTU,
} from './in6'
import { in6_selectroute } from './in6_ifaddr'
import { nd6_output_ifp } from './nd6'

const FN_ip6_output = functionId('ip6_output')
const FN_in6_delayed_cksum = functionId('in6_delayed_cksum')
const FN_convert = functionId('mb_unmapped_to_ext')
/** LO_CSUM_FEATURES6 of if_loop.c. */
const LO_CSUM_FEATURES6 = CSUM_DELAY_DATA_IPV6 | CSUM_IP6_SCTP

/** Sends a packet whose first mbuf holds an IPv6 header; its payload length is filled in here. m is consumed. @returns 0 or errno. */
export function ip6_output(k: Kernel, m: number, inp: number): number {
  if (k.cost.on) {
    k.cost.enter(FN_ip6_output)
    k.cost.charge(CAUSE.protocol, k.cost.p.ipOutput)
  }
  const error = output(k, m, inp)
  if (k.cost.on) k.cost.leave()
  return error
}

/** Outgoing interface: the one cached with the connection while it is up. */
function route(k: Kernel, inp: number, dst: number): number {
  if (inp === 0) return in6_selectroute(k, dst)
  const p = k.inet.inp
  const cached = p.inp_routeifp[inp]
  if (cached !== 0 && (k.ifnet.if_flags[cached] & IFF_UP) !== 0) return cached
  const ifp = in6_selectroute(k, dst)
  p.inp_routeifp[inp] = ifp
  return ifp
}

/** if_hwassist as IPv6 sees it. The column of lo0 has its IPv4 bits only; its IPv6 ones follow from the capability. Source: if_loop.c loioctl. */
function hwassist6(k: Kernel, ifp: number): number {
  const n = k.ifnet
  if ((n.if_flags[ifp] & IFF_LOOPBACK) === 0) return n.if_hwassist[ifp]
  return n.if_hwassist[ifp] | ((n.if_capenable[ifp] & IFCAP_TXCSUM_IPV6) !== 0 ? LO_CSUM_FEATURES6 : 0)
}

function output(k: Kernel, m: number, inp: number): number {
  const stat = k.inet6.ip6stat
  const lab = k.inet.ipstat
  const mb = k.mb
  const n = k.ifnet
  const at = mtodAddr(k, m)
  const { ram } = k.phys
  const plen = mb.ph_len[m] - IP6_HDRLEN
  put16(ram, at + IP6_PLEN, plen)
  const p = k.inet.inp
  const connected = inp !== 0 && p.inp_faddr[inp] !== 0
  const src = connected ? p.inp_laddr[inp] : in6_get(k, ram, at + IP6_SRC)
  const dst = connected ? p.inp_faddr[inp] : in6_get(k, ram, at + IP6_DST)
  if (inp !== 0) {
    mb.ph_flowid[m] = p.inp_flowid[inp]
    mb.ph_rsstype[m] = p.inp_flowtype[inp]
  }
  stat.ip6s_localout++
  const ifp = route(k, inp, dst)
  if (ifp === 0) {
    stat.ip6s_noroute++
    m_freem(k, m)
    return EHOSTUNREACH
  }
  // ::1 does not leave the host.
  if ((isLoopback(k, src) || isLoopback(k, dst)) && (n.if_flags[ifp] & IFF_LOOPBACK) === 0) {
    stat.ip6s_badscope++
    m_freem(k, m)
    return EHOSTUNREACH
  }
  in6_clearscope(ram, at + IP6_SRC)
  in6_clearscope(ram, at + IP6_DST)

  const hwassist = hwassist6(k, ifp)
  const sw_csum = mb.ph_csum_flags[m] & ~hwassist
  const tso = (mb.ph_csum_flags[m] & hwassist & CSUM_TSO) !== 0
  const byCard = (sw_csum & CSUM_DELAY_DATA_IPV6) === 0
  const takesUnmapped = (n.if_capenable[ifp] & IFCAP_NOMAP) !== 0
  const before = k.mbstat.conversions
  const probed = k.machine.probe.control.current
  if (!byCard || !takesUnmapped) {
    // A software checksum reads the bytes through the map, so it converts on an interface with NOMAP too.
    m = convert(k, m)
    k.mbstat.nomap_sent += k.mbstat.conversions - before
    if (m === 0) {
      lab.lab_convert_failed++
      return ENOBUFS
    }
    if (!byCard) {
      if (k.mbstat.conversions !== before) lab.lab_converted_csum++
      in6_delayed_cksum(k, m, plen, IP6_HDRLEN)
    } else if (k.mbstat.conversions !== before) lab.lab_converted_nomap++
  } else if (mb.m_next[m] !== 0 && (mb.m_flags[mb.m_next[m]] & M_NOMAP) !== 0) {
    lab.lab_nomap_packets++
    for (let o = mb.m_next[m]; o !== 0; o = mb.m_next[o]) if ((mb.m_flags[o] & M_NOMAP) !== 0) k.mbstat.nomap_sent++
  }
  if (probed !== 0) probeIpOutput(k, m, k.mbstat.conversions - before, byCard, takesUnmapped)
  k.mb.ph_csum_flags[m] &= hwassist
  if (tso || k.mb.ph_len[m] <= n.if_mtu[ifp]) {
    k.mb.m_flags[m] &= ~M_PROTOFLAGS
    return nd6_output_ifp(k, ifp, m, dst)
  }
  return fragment(k, ifp, m, dst, plen)
}

function isLoopback(k: Kernel, row: number): boolean {
  const t = k.inet6.addr
  return t.a3[row] === 1 && (t.a0[row] | t.a1[row] | t.a2[row]) === 0
}

function convert(k: Kernel, m: number): number {
  if (k.cost.on) k.cost.enter(FN_convert)
  const converted = mb_unmapped_to_ext(k, m)
  if (k.cost.on) k.cost.leave()
  return converted
}

/** in6_delayed_cksum: sums the TCP part in software; the field holds the pseudo header's sum. `plen`: bytes behind the header at `offset`. */
export function in6_delayed_cksum(k: Kernel, m: number, plen: number, offset: number): void {
  if (k.cost.on) k.cost.enter(FN_in6_delayed_cksum)
  const sum = in_cksum_skip(k, m, offset + plen, offset)
  const field = mtodAddr(k, m) + offset + k.mb.ph_csum_data[m]
  k.phys.ram[field] = sum
  k.phys.ram[field + 1] = sum >>> 8
  k.inet.ipstat.lab_swcsum_packets++
  k.inet.ipstat.lab_swcsum_bytes += plen
  if (k.cost.on) k.cost.leave()
}

/**
 * The packet is longer than the MTU: IPv6 fragments at the sender only. Cards of the time do not sum over fragments, so what the card would have summed is
 * summed here, and for that converted (reference 4.2, step 4).
 */
function fragment(k: Kernel, ifp: number, m: number, dst: number, plen: number): number {
  const stat = k.inet6.ip6stat
  const mtu = k.ifnet.if_mtu[ifp]
  const len = (mtu - IP6_HDRLEN - IP6_FRAG_LEN) & ~7
  if (mtu < IPV6_MMTU) {
    stat.ifs6_out_fragfail++
    m_freem(k, m)
    return EMSGSIZE
  }
  if ((k.mb.ph_csum_flags[m] & CSUM_DELAY_DATA_IPV6) !== 0) {
    const before = k.mbstat.conversions
    m = convert(k, m)
    // What the first test counted as sent unmapped has been converted after all: nomap_sent counts it once.
    if (k.mbstat.conversions !== before) k.inet.ipstat.lab_converted_csum++
    if (m === 0) {
      stat.ifs6_out_fragfail++
      return ENOBUFS
    }
    in6_delayed_cksum(k, m, plen, IP6_HDRLEN)
    k.mb.ph_csum_flags[m] &= ~CSUM_DELAY_DATA_IPV6
  }
  const first = ip6_fragment(k, m, len)
  m_freem(k, m)
  if (first === 0) {
    stat.ip6s_odropped++
    return ENOBUFS
  }
  stat.ifs6_out_fragok++
  let error = 0
  for (let f = first; f !== 0;) {
    const next = k.mb.m_nextpkt[f]
    k.mb.m_nextpkt[f] = 0
    if (error === 0) error = nd6_output_ifp(k, ifp, f, dst)
    else m_freem(k, f)
    f = next
  }
  if (error === 0) stat.ip6s_fragmented++
  return error
}

/** ip6_fragment: pieces of `len` payload bytes, each with its own header and fragment header, linked by m_nextpkt; they share the data of m0. 0: no mbufs. */
function ip6_fragment(k: Kernel, m0: number, len: number): number {
  const stat = k.inet6.ip6stat
  const at = mtodAddr(k, m0)
  const total = k.mb.ph_len[m0] - IP6_HDRLEN
  const nextproto = k.phys.ram[at + IP6_NXT]
  const ident = ip6_randomid(k)
  let first = 0
  let last = 0
  for (let off = 0; off < total; off += len) {
    const n = Math.min(len, total - off)
    const f = m_gethdr(k, M_NOWAIT, MT_DATA)
    const payload = f === 0 ? 0 : m_copym(k, m0, IP6_HDRLEN + off, n, M_NOWAIT)
    if (payload === 0) {
      if (f !== 0) m_freem(k, f)
      while (first !== 0) {
        const next = k.mb.m_nextpkt[first]
        k.mb.m_nextpkt[first] = 0
        m_freem(k, first)
        first = next
      }
      return 0
    }
    const mb = k.mb
    const { ram } = k.phys
    mb.m_data[f] += max_linkhdr
    mb.m_len[f] = IP6_HDRLEN + IP6_FRAG_LEN
    mb.ph_len[f] = IP6_HDRLEN + IP6_FRAG_LEN + n
    mb.m_next[f] = payload
    mb.ph_csum_flags[f] = 0
    mb.ph_rcvif[f] = 0
    mb.ph_flowid[f] = mb.ph_flowid[m0]
    mb.ph_rsstype[f] = mb.ph_rsstype[m0]
    const to = mtodAddr(k, f)
    ram.copyWithin(to, at, at + IP6_HDRLEN)
    ram[to + IP6_NXT] = IPPROTO_FRAGMENT
    put16(ram, to + IP6_PLEN, IP6_FRAG_LEN + n)
    const header = to + IP6_HDRLEN
    ram[header + IP6F_NXT] = nextproto
    ram[header + 1] = 0
    put16(ram, header + IP6F_OFFLG, off | (off + n < total ? IP6F_MORE_FRAG : 0))
    put32(ram, header + IP6F_IDENT, ident)
    stat.ip6s_ofragments++
    if (first === 0) first = f
    else mb.m_nextpkt[last] = f
    last = f
  }
  return first
}

/** ip6_randomid: identification of a fragmented packet; a counter, scrambled with the host's secret (the kernel permutes one, ip6_id.c; assumed). */
function ip6_randomid(k: Kernel): number {
  const { ctl } = k.inet6
  ctl.ip6_id = (ctl.ip6_id + 1) >>> 0
  return Math.imul(ctl.ip6_id ^ k.inet.tcpctl.isn_secret0, 0x9e3779b1) >>> 0
}

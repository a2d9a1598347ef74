/**
 * ip_output: the last place where the stack looks at a packet's mbufs. An interface that cannot take unmapped mbufs, or a checksum that must be summed in
 * software, has them converted here. Source: sys/netinet/ip_output.c of mid 2019 (read; reference kernel-mbuf-sendfile 4.1).
 *
 *   CSUM_TCP done by the card   IFCAP_NOMAP   unmapped mbufs
 *   yes                         yes           reach the driver
 *   yes                         no            converted
 *   no                          either        converted, then summed
 */
import { m_freem, m_gethdr, mtodAddr } from '../kern/kern_mbuf'
import { mb_unmapped_to_ext } from '../kern/kern_mbuf_ext_pgs'
import { m_copym } from '../kern/uipc_mbuf'
import type { Kernel } from '../kernel'
import { CAUSE, functionId } from '../machine/cost'
import { IFCAP_NOMAP, IFF_LOOPBACK, IFF_UP } from '../net/if'
import { ether_output } from '../net/if_ethersubr'
import { looutput } from '../net/if_loop'
import { EADDRNOTAVAIL, EHOSTUNREACH, EMSGSIZE, ENOBUFS } from '../sys/errno'
import { CSUM_DELAY_DATA, CSUM_IP, CSUM_TSO, M_NOMAP, M_PROTOFLAGS, max_linkhdr, MT_DATA } from '../sys/mbuf'
import { M_NOWAIT } from '../sys/param'
import {
  get16,
  get32,
  IN_LOOPBACKNET,
  IP_DF,
  IP_DST,
  IP_HDRLEN,
  IP_ID,
  IP_LEN,
  IP_MF,
  IP_OFF,
  IP_OFFMASK,
  IP_SRC,
  IP_SUM,
  put16,
} from './in'
import { in_cksum_skip } from './in_cksum'
import { in_route } from './in_ifaddr'
import { probeIpOutput } from './tcp_probe'

const FN_ip_output = functionId('ip_output')
const FN_in_delayed_cksum = functionId('in_delayed_cksum')
const FN_convert = functionId('mb_unmapped_to_ext')

/** Sends a packet whose first mbuf holds a complete IP header without identification and checksum. m is consumed. @returns 0 or errno. */
export function ip_output(k: Kernel, m: number, inp: number, flags: number): number {
  if (k.cost.on) {
    k.cost.enter(FN_ip_output)
    k.cost.charge(CAUSE.protocol, k.cost.p.ipOutput)
  }
  const error = output(k, m, inp, flags)
  if (k.cost.on) k.cost.leave()
  return error
}

/** Outgoing interface: the one cached with the connection while it is up. */
function route(k: Kernel, inp: number, dst: number): number {
  if (inp === 0) return in_route(k, dst)
  const p = k.inet.inp
  const cached = p.inp_routeifp[inp]
  if (cached !== 0 && (k.ifnet.if_flags[cached] & IFF_UP) !== 0) return cached
  const ifp = in_route(k, dst)
  p.inp_routeifp[inp] = ifp
  return ifp
}

function output(k: Kernel, m: number, inp: number, _flags: number): number {
  const stat = k.inet.ipstat
  const mb = k.mb
  let at = mtodAddr(k, m)
  let ram = k.phys.ram
  const dst = get32(ram, at + IP_DST)
  const ifp = route(k, inp, dst)
  if (inp !== 0) {
    mb.ph_flowid[m] = k.inet.inp.inp_flowid[inp]
    mb.ph_rsstype[m] = k.inet.inp.inp_flowtype[inp]
  }
  // ip_fillid: a packet that cannot be fragmented needs no identification (RFC 6864).
  const off = get16(ram, at + IP_OFF)
  if (k.inet.ctl.ip_rfc6864 !== 0 && (off & ~IP_DF) === 0 && (off & IP_DF) !== 0) put16(ram, at + IP_ID, 0)
  else {
    put16(ram, at + IP_ID, k.inet.ctl.ip_id)
    k.inet.ctl.ip_id = (k.inet.ctl.ip_id + 1) & 0xffff
  }
  stat.ips_localout++
  if (ifp === 0) {
    stat.ips_noroute++
    m_freem(k, m)
    return EHOSTUNREACH
  }
  const n = k.ifnet
  const src = get32(ram, at + IP_SRC)
  if ((dst >>> 24 === IN_LOOPBACKNET || src >>> 24 === IN_LOOPBACKNET) && (n.if_flags[ifp] & IFF_LOOPBACK) === 0) {
    stat.ips_noroute++
    m_freem(k, m)
    return EADDRNOTAVAIL
  }
  mb.ph_csum_flags[m] |= CSUM_IP
  const hwassist = n.if_hwassist[ifp]
  const probed = k.machine.probe.control.current
  const before = k.mbstat.conversions
  const byCard = (mb.ph_csum_flags[m] & CSUM_DELAY_DATA & ~hwassist) === 0
  const takesUnmapped = (n.if_capenable[ifp] & IFCAP_NOMAP) !== 0
  if (!byCard) {
    // Even on an interface with NOMAP: software reads the bytes through the map.
    m = convert(k, m)
    if (m === 0) {
      stat.lab_convert_failed++
      k.mbstat.nomap_sent += k.mbstat.conversions - before
      return ENOBUFS
    }
    if (k.mbstat.conversions !== before) stat.lab_converted_csum++
    in_delayed_cksum(k, m)
    k.mb.ph_csum_flags[m] &= ~CSUM_DELAY_DATA
  } else if (!takesUnmapped) {
    m = convert(k, m)
    if (m === 0) {
      stat.lab_convert_failed++
      k.mbstat.nomap_sent += k.mbstat.conversions - before
      return ENOBUFS
    }
    if (k.mbstat.conversions !== before) stat.lab_converted_nomap++
  } else if (mb.m_next[m] !== 0 && (mb.m_flags[mb.m_next[m]] & M_NOMAP) !== 0) {
    stat.lab_nomap_packets++
    for (let n = mb.m_next[m]; n !== 0; n = mb.m_next[n]) if ((mb.m_flags[n] & M_NOMAP) !== 0) k.mbstat.nomap_sent++
  }
  k.mbstat.nomap_sent += k.mbstat.conversions - before
  if (probed !== 0) probeIpOutput(k, m, k.mbstat.conversions - before, byCard, takesUnmapped)
  ram = k.phys.ram
  at = mtodAddr(k, m)
  const length = get16(ram, at + IP_LEN)
  if (length <= n.if_mtu[ifp] || (k.mb.ph_csum_flags[m] & hwassist & CSUM_TSO) !== 0) {
    put16(ram, at + IP_SUM, 0)
    if ((k.mb.ph_csum_flags[m] & CSUM_IP & ~hwassist) !== 0) {
      put16(ram, at + IP_SUM, in_cksum_hdr(ram, at))
      k.mb.ph_csum_flags[m] &= ~CSUM_IP
    }
    k.mb.m_flags[m] &= ~M_PROTOFLAGS
    return if_output(k, ifp, m, dst)
  }
  if ((off & IP_DF) !== 0 || (k.mb.ph_csum_flags[m] & CSUM_TSO) !== 0) {
    stat.ips_cantfrag++
    m_freem(k, m)
    return EMSGSIZE
  }
  return ip_fragment(k, ifp, m, dst)
}

function convert(k: Kernel, m: number): number {
  if (k.cost.on) k.cost.enter(FN_convert)
  const converted = mb_unmapped_to_ext(k, m)
  if (k.cost.on) k.cost.leave()
  return converted
}

/** if_output of an interface: loopback or Ethernet. */
function if_output(k: Kernel, ifp: number, m: number, dst: number): number {
  return (k.ifnet.if_flags[ifp] & IFF_LOOPBACK) !== 0 ? looutput(k, ifp, m) : ether_output(k, ifp, m, dst)
}

/** in_delayed_cksum: sums the TCP part in software; the field holds the pseudo header's sum. */
export function in_delayed_cksum(k: Kernel, m: number): void {
  if (k.cost.on) k.cost.enter(FN_in_delayed_cksum)
  const ram = k.phys.ram
  const at = mtodAddr(k, m)
  const length = get16(ram, at + IP_LEN)
  const sum = in_cksum_skip(k, m, length, IP_HDRLEN)
  const field = at + IP_HDRLEN + k.mb.ph_csum_data[m]
  ram[field] = sum
  ram[field + 1] = sum >>> 8
  k.inet.ipstat.lab_swcsum_packets++
  k.inet.ipstat.lab_swcsum_bytes += length - IP_HDRLEN
  if (k.cost.on) k.cost.leave()
}

/** in_cksum_hdr: checksum of a 20-byte header whose checksum field is 0. */
export function in_cksum_hdr(ram: Uint8Array, at: number): number {
  let sum = 0
  for (let i = 0; i < IP_HDRLEN; i += 2) sum += (ram[at + i] << 8) | ram[at + i + 1]
  sum = (sum & 0xffff) + (sum >>> 16)
  sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

/**
 * ip_fragment: cuts a packet that is longer than the MTU and sends the pieces. Converts first in every case (reference sendfile 4.1), sums the
 * payload, then shares it. m is consumed.
 */
function ip_fragment(k: Kernel, ifp: number, m: number, dst: number): number {
  const stat = k.inet.ipstat
  m = convert(k, m)
  if (m === 0) return ENOBUFS
  if ((k.mb.ph_csum_flags[m] & CSUM_DELAY_DATA) !== 0) {
    in_delayed_cksum(k, m)
    k.mb.ph_csum_flags[m] &= ~CSUM_DELAY_DATA
  }
  const mtu = k.ifnet.if_mtu[ifp]
  const hwassist = k.ifnet.if_hwassist[ifp]
  const at = mtodAddr(k, m)
  const total = get16(k.phys.ram, at + IP_LEN)
  const ip_off = get16(k.phys.ram, at + IP_OFF)
  const piece = (mtu - IP_HDRLEN) & ~7
  if (piece < 8) {
    m_freem(k, m)
    return EMSGSIZE
  }
  let error = 0
  for (let off = 0; off < total - IP_HDRLEN && error === 0; off += piece) {
    const len = Math.min(piece, total - IP_HDRLEN - off)
    const f = m_gethdr(k, M_NOWAIT, MT_DATA)
    if (f === 0) {
      error = ENOBUFS
      stat.ips_odropped++
      break
    }
    const mb = k.mb
    mb.m_data[f] += max_linkhdr
    mb.m_len[f] = IP_HDRLEN
    const payload = m_copym(k, m, IP_HDRLEN + off, len, M_NOWAIT)
    if (payload === 0) {
      m_freem(k, f)
      error = ENOBUFS
      stat.ips_odropped++
      break
    }
    k.mb.m_next[f] = payload
    const ram = k.phys.ram
    const to = mtodAddr(k, f)
    ram.copyWithin(to, at, at + IP_HDRLEN)
    const more = off + len < total - IP_HDRLEN || (ip_off & IP_MF) !== 0 ? IP_MF : 0
    put16(ram, to + IP_OFF, ((ip_off & IP_OFFMASK) + (off >>> 3)) | more)
    put16(ram, to + IP_LEN, IP_HDRLEN + len)
    put16(ram, to + IP_SUM, 0)
    mb.ph_len[f] = IP_HDRLEN + len
    mb.ph_csum_flags[f] = CSUM_IP
    mb.ph_rcvif[f] = 0
    mb.ph_flowid[f] = mb.ph_flowid[m]
    mb.ph_rsstype[f] = mb.ph_rsstype[m]
    if ((CSUM_IP & ~hwassist) !== 0) {
      put16(ram, to + IP_SUM, in_cksum_hdr(ram, to))
      mb.ph_csum_flags[f] = 0
    }
    stat.ips_ofragments++
    error = if_output(k, ifp, f, dst)
  }
  if (error === 0) stat.ips_fragmented++
  m_freem(k, m)
  return error
}

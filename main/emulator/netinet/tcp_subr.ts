/**
 * Life of a TCP control block, initial sequence numbers, segments outside of the data flow (RST, keep-alive, challenge ACK), segment sizes.
 * Source: sys/netinet/tcp_subr.c, tcp_input.c tcp_mss (derived).
 */
import { m_gethdr, mtodAddr } from '../kern/kern_mbuf'
import { sbreserve, sbspace } from '../kern/uipc_sockbuf'
import { soisdisconnected, sofree } from '../kern/uipc_socket'
import type { Kernel } from '../kernel'
import { IFCAP_TSO4, IFCAP_TSO6 } from '../net/if'
import { ETIMEDOUT } from '../sys/errno'
import { CSUM_IP6_TCP, CSUM_IP6_TSO, CSUM_IP_TCP, CSUM_IP_TSO, max_linkhdr, MT_DATA } from '../sys/mbuf'
import { M_NOWAIT } from '../sys/param'
import { SS_PROTOREF } from '../sys/socket'
import {
  IP_DF,
  IP_DST,
  IP_HDRLEN,
  IP_ID,
  IP_LEN,
  IP_OFF,
  IP_P,
  IP_SRC,
  IP_SUM,
  IP_TOS,
  IP_TTL,
  in_pseudo,
  IPPROTO_TCP,
  put16,
  put32,
  TCP_HDRLEN,
  TCPIP6_HDRLEN,
  TCPIP_HDRLEN,
  TH_ACKNO,
  TH_DPORT,
  TH_FLAGS,
  TH_OFFX,
  TH_RST,
  TH_SEQ,
  TH_SPORT,
  TH_SUM,
  TH_URP,
  TH_WIN,
} from './in'
import { INP_IPV6, INP_SOCKREF, in_pcbdrop } from './in_pcb'
import {
  in6_cksum_pseudo,
  in6_put,
  IP6_DST,
  IP6_FLOW,
  IP6_HDRLEN,
  IP6_HLIM,
  IP6_NXT,
  IP6_SRC,
  isInet6,
} from '../netinet6/in6'
import { ip6_output } from '../netinet6/ip6_output'
import { routeTo } from './in_ifaddr'
import { ip_output } from './ip_output'
import { tcp_output } from './tcp_output'
import { tcp_reass_flush } from './tcp_reass'
import { tcp_free_sackholes, tcp_clean_sackreport } from './tcp_sack'
import { tcp_timer_stop_all } from './tcp_timer'
import {
  MAX_SACK_BLKS,
  TCP_MAX_WINSHIFT,
  TCP_MAXWIN,
  TCP_RTTVAR_SHIFT,
  TCPS_CLOSED,
  TCPS_HAVERCVDSYN,
  TF_RCVD_TSTMP,
  TF_REQ_SCALE,
  TF_REQ_TSTMP,
  TF_SACK_PERMIT,
  TF_TSO,
  ticks,
} from './tcp_var'

/** net.inet.tcp.v6mssdflt: TCP6_MSS of tcp.h. A constant here. */
const tcp_v6mssdflt = 1220

/** tcp_newtcpcb: a control block for an inpcb, in state CLOSED. */
export function tcp_newtcpcb(k: Kernel, inp: number): number {
  const t = k.inet.tcp
  const c = k.inet.tcpctl
  const tp = t.alloc()
  t.t_generation[tp]++
  t.t_inpcb[tp] = inp
  t.t_state[tp] = TCPS_CLOSED
  t.t_flags[tp] =
    (c.tcp_do_rfc1323 !== 0 ? TF_REQ_SCALE | TF_REQ_TSTMP : 0) | (c.tcp_do_sack !== 0 ? TF_SACK_PERMIT : 0)
  t.snd_una[tp] = 0
  t.snd_max[tp] = 0
  t.snd_nxt[tp] = 0
  t.snd_up[tp] = 0
  t.snd_wl1[tp] = 0
  t.snd_wl2[tp] = 0
  t.iss[tp] = 0
  t.irs[tp] = 0
  t.rcv_nxt[tp] = 0
  t.rcv_adv[tp] = 0
  t.rcv_up[tp] = 0
  t.last_ack_sent[tp] = 0
  t.rcv_wnd[tp] = 0
  t.snd_wnd[tp] = 0
  t.snd_cwnd[tp] = TCP_MAXWIN << TCP_MAX_WINSHIFT
  t.snd_ssthresh[tp] = TCP_MAXWIN << TCP_MAX_WINSHIFT
  t.snd_recover[tp] = 0
  t.max_sndwnd[tp] = 0
  t.snd_scale[tp] = 0
  t.rcv_scale[tp] = 0
  t.request_r_scale[tp] = 0
  t.snd_limited[tp] = 0
  t.t_dupacks[tp] = 0
  t.t_maxseg[tp] = (k.inet.inp.inp_flags[inp] & INP_IPV6) !== 0 ? tcp_v6mssdflt : c.tcp_mssdflt
  t.t_rcvtime[tp] = ticks(k)
  t.t_starttime[tp] = 0
  t.t_rtttime[tp] = 0
  t.t_rtseq[tp] = 0
  t.t_rxtcur[tp] = c.tcp_rexmit_initial
  t.t_srtt[tp] = 0
  t.t_rttvar[tp] = Math.floor((c.tcp_rexmit_initial << TCP_RTTVAR_SHIFT) / 4)
  t.t_rttmin[tp] = c.tcp_rexmit_min
  t.t_rttupdated[tp] = 0
  t.t_rxtshift[tp] = 0
  t.t_softerror[tp] = 0
  t.ts_recent[tp] = 0
  t.ts_recent_age[tp] = 0
  t.ts_offset[tp] = 0
  t.t_badrxtwin[tp] = 0
  t.snd_cwnd_prev[tp] = 0
  t.snd_ssthresh_prev[tp] = 0
  t.snd_recover_prev[tp] = 0
  t.rfbuf_ts[tp] = 0
  t.rfbuf_cnt[tp] = 0
  t.t_tsomax[tp] = 0
  t.t_tsomaxsegcount[tp] = 0
  t.t_tsomaxsegsize[tp] = 0
  t.t_segq[tp] = 0
  t.t_segqlen[tp] = 0
  t.t_segqbytes[tp] = 0
  t.t_sndzerowin[tp] = 0
  t.t_sndrexmitpack[tp] = 0
  t.t_rcvoopack[tp] = 0
  t.t_bytes_acked[tp] = 0
  t.ccv_flags[tp] = 0
  t.snd_holes[tp] = 0
  t.snd_holes_tail[tp] = 0
  t.snd_numholes[tp] = 0
  t.snd_fack[tp] = 0
  t.sack_newdata[tp] = 0
  t.sackhint_nexthole[tp] = 0
  t.sackhint_sack_bytes_rexmit[tp] = 0
  t.rcv_numsacks[tp] = 0
  for (let i = 0; i < MAX_SACK_BLKS; i++) {
    t.sackblks_start[tp * MAX_SACK_BLKS + i] = 0
    t.sackblks_end[tp * MAX_SACK_BLKS + i] = 0
  }
  tcp_timer_stop_all(k, tp)
  t.t_streamAcked[tp] = 0
  t.t_born[tp] = k.now()
  k.inet.inp.inp_ppcb[inp] = tp
  return tp
}

/** tcp_discardcb: stops everything and gives the block back. */
export function tcp_discardcb(k: Kernel, tp: number): void {
  const t = k.inet.tcp
  tcp_timer_stop_all(k, tp)
  tcp_reass_flush(k, tp)
  tcp_free_sackholes(k, tp)
  k.inet.inp.inp_ppcb[t.t_inpcb[tp]] = 0
  t.t_inpcb[tp] = 0
  t.t_state[tp] = TCPS_CLOSED
  t.free(tp)
}

/** tcp_close: the connection is over. Gives tp, or 0 when the block went with the socket. */
export function tcp_close(k: Kernel, tp: number): number {
  const t = k.inet.tcp
  const inp = t.t_inpcb[tp]
  const p = k.inet.inp
  const so = p.inp_socket[inp]
  tcp_timer_stop_all(k, tp)
  in_pcbdrop(k, inp)
  k.inet.tcpstat.tcps_closed++
  t.t_state[tp] = TCPS_CLOSED
  soisdisconnected(k, so)
  if ((p.inp_flags[inp] & INP_SOCKREF) !== 0) {
    // The owner closed the socket long ago: it was ours.
    p.inp_flags[inp] &= ~INP_SOCKREF
    k.so.so_state[so] &= ~SS_PROTOREF
    sofree(k, so)
    return 0
  }
  return tp
}

/** tcp_drop: ends a connection with an error; a synchronised peer gets a reset. */
export function tcp_drop(k: Kernel, tp: number, error: number): number {
  const t = k.inet.tcp
  const so = k.inet.inp.inp_socket[t.t_inpcb[tp]]
  if (TCPS_HAVERCVDSYN(t.t_state[tp])) {
    t.t_state[tp] = TCPS_CLOSED
    tcp_output(k, tp)
    k.inet.tcpstat.tcps_drops++
  } else k.inet.tcpstat.tcps_conndrops++
  k.so.so_error[so] = error === ETIMEDOUT && t.t_softerror[tp] !== 0 ? t.t_softerror[tp] : error
  return tcp_close(k, tp)
}

function mix(h: number, v: number): number {
  h = Math.imul(h ^ v, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return h ^ (h >>> 16)
}

/** Keyed hash of a four-tuple. Source: tcp_subr.c tcp_keyed_digest (SipHash there; ours is not cryptographic, assumed). */
export function tcp_keyed_digest(
  k: Kernel,
  key: number,
  laddr: number,
  lport: number,
  faddr: number,
  fport: number,
): number {
  const c = k.inet.tcpctl
  let h = mix(c.isn_secret0 ^ key, laddr)
  h = mix(h ^ c.isn_secret1, faddr)
  return mix(h, (lport << 16) | fport) >>> 0
}

/** tcp_new_isn: hash of the four-tuple plus a clock of 1 MiB/s with steps of 4 µs. Source: tcp_subr.c tcp_new_isn (derived). */
export function tcp_new_isn(k: Kernel, laddr: number, lport: number, faddr: number, fport: number): number {
  const clock = Math.floor(k.now() / 1000) >>> 0
  return (tcp_keyed_digest(k, 1, laddr, lport, faddr, fport) + clock) >>> 0
}

/** Offset of the timestamps of a connection. Source: tcp_subr.c tcp_new_ts_offset. */
export function tcp_new_ts_offset(k: Kernel, laddr: number, lport: number, faddr: number, fport: number): number {
  return tcp_keyed_digest(k, 2, laddr, lport, faddr, fport)
}

/** Smallest scale with which TCP_MAXWIN covers kern.ipc.maxsockbuf: what a SYN offers. Source: tcp_usrreq.c tcp_connect. */
export function tcp_request_scale(sb_max: number): number {
  let scale = 0
  while (scale < TCP_MAX_WINSHIFT && TCP_MAXWIN << scale < sb_max) scale++
  return scale
}

/**
 * Fills the IPv4 and TCP header of a segment without options at `at` in RAM: addresses, ports, constants. Source: tcp_subr.c tcpip_fillheaders.
 */
export function tcpip_fillheaders(
  k: Kernel,
  ram: Uint8Array,
  at: number,
  laddr: number,
  lport: number,
  faddr: number,
  fport: number,
  ttl: number,
): void {
  ram[at] = 0x45
  ram[at + IP_TOS] = 0
  put16(ram, at + IP_LEN, 0)
  put16(ram, at + IP_ID, 0)
  put16(ram, at + IP_OFF, 0)
  ram[at + IP_TTL] = ttl
  ram[at + IP_P] = IPPROTO_TCP
  put16(ram, at + IP_SUM, 0)
  put32(ram, at + IP_SRC, laddr)
  put32(ram, at + IP_DST, faddr)
  const th = at + IP_HDRLEN
  put16(ram, th + TH_SPORT, lport)
  put16(ram, th + TH_DPORT, fport)
  ram[th + TH_OFFX] = 5 << 4
  put16(ram, th + TH_SUM, 0)
  put16(ram, th + TH_URP, 0)
}

/**
 * The same for IPv6. `flow`: flow label; ip6_output fills the payload length in. Source: tcp_subr.c tcpip_fillheaders, the half for IPv6.
 */
export function tcpip6_fillheaders(
  k: Kernel,
  ram: Uint8Array,
  at: number,
  laddr: number,
  lport: number,
  faddr: number,
  fport: number,
  flow: number,
): void {
  put32(ram, at + IP6_FLOW, 0x60000000 + flow)
  ram[at + IP6_NXT] = IPPROTO_TCP
  ram[at + IP6_HLIM] = k.inet6.ctl.ip6_defhlim
  in6_put(k, ram, at + IP6_SRC, laddr)
  in6_put(k, ram, at + IP6_DST, faddr)
  const th = at + IP6_HDRLEN
  put16(ram, th + TH_SPORT, lport)
  put16(ram, th + TH_DPORT, fport)
  ram[th + TH_OFFX] = 5 << 4
  put16(ram, th + TH_SUM, 0)
  put16(ram, th + TH_URP, 0)
}

/** Flow label of a connection (net.inet6.ip6.auto_flowlabel is 1): 20 bits. Random in the kernel, here a hash (assumed). */
export function in6_flowlabel(k: Kernel, laddr: number, lport: number, faddr: number, fport: number): number {
  return tcp_keyed_digest(k, 3, laddr, lport, faddr, fport) & 0xfffff
}

/** Writes the 12 bytes of a timestamp option (two NOPs before it). */
export function putTimestamps(ram: Uint8Array, at: number, tsval: number, tsecr: number): void {
  ram[at] = 1
  ram[at + 1] = 1
  ram[at + 2] = 8
  ram[at + 3] = 10
  put32(ram, at + 4, tsval)
  put32(ram, at + 8, tsecr)
}

/**
 * A bare segment (RST, ACK) for a four-tuple, with or without a connection. Source: tcp_subr.c tcp_respond.
 * `tp` 0: window 0, no options. The peer's packet, if any, is the caller's to free.
 */
export function tcp_respond(
  k: Kernel,
  tp: number,
  laddr: number,
  lport: number,
  faddr: number,
  fport: number,
  ack: number,
  seq: number,
  flags: number,
): void {
  const m = m_gethdr(k, M_NOWAIT, MT_DATA)
  if (m === 0) return
  const t = k.inet.tcp
  let win = 0
  let optlen = 0
  let inp = 0
  if (tp !== 0) {
    inp = t.t_inpcb[tp]
    const so = k.inet.inp.inp_socket[inp]
    if (so !== 0 && (flags & TH_RST) === 0) {
      win = sbspace(k, k.so.so_rcv[so])
      if (win < 0) win = 0
      const max = TCP_MAXWIN << t.rcv_scale[tp]
      if (win > max) win = max
      win = win >> t.rcv_scale[tp]
    }
    if ((t.t_flags[tp] & TF_RCVD_TSTMP) !== 0) optlen = 12
  }
  const mb = k.mb
  mb.m_data[m] += max_linkhdr
  const isipv6 = isInet6(faddr)
  const length = (isipv6 ? TCPIP6_HDRLEN : TCPIP_HDRLEN) + optlen
  mb.m_len[m] = length
  mb.ph_len[m] = length
  const ram = k.phys.ram
  const at = mtodAddr(k, m)
  if (isipv6) tcpip6_fillheaders(k, ram, at, laddr, lport, faddr, fport, 0)
  else {
    tcpip_fillheaders(k, ram, at, laddr, lport, faddr, fport, k.inet.ctl.ip_defttl)
    put16(ram, at + IP_LEN, length)
    if (k.inet.tcpctl.path_mtu_discovery !== 0) put16(ram, at + IP_OFF, IP_DF)
  }
  const th = at + (isipv6 ? IP6_HDRLEN : IP_HDRLEN)
  put32(ram, th + TH_SEQ, seq)
  put32(ram, th + TH_ACKNO, ack)
  ram[th + TH_OFFX] = ((TCP_HDRLEN + optlen) >> 2) << 4
  ram[th + TH_FLAGS] = flags
  put16(ram, th + TH_WIN, win)
  if (optlen !== 0) putTimestamps(ram, th + TCP_HDRLEN, (ticks(k) + t.ts_offset[tp]) >>> 0, t.ts_recent[tp])
  mb.ph_csum_data[m] = TH_SUM
  k.inet.tcpstat.tcps_sndtotal++
  if (isipv6) {
    put16(ram, th + TH_SUM, in6_cksum_pseudo(k, laddr, faddr, TCP_HDRLEN + optlen, IPPROTO_TCP))
    mb.ph_csum_flags[m] = CSUM_IP6_TCP
    ip6_output(k, m, inp)
    return
  }
  put16(ram, th + TH_SUM, in_pseudo(laddr, faddr, TCP_HDRLEN + optlen, IPPROTO_TCP))
  mb.ph_csum_flags[m] = CSUM_IP_TCP
  ip_output(k, m, inp, 0)
}

/** tcp_respond on a connection: keep-alive probe, challenge ACK. */
export function tcp_respond_tp(k: Kernel, tp: number, ack: number, seq: number, flags: number): void {
  const p = k.inet.inp
  const inp = k.inet.tcp.t_inpcb[tp]
  tcp_respond(k, tp, p.inp_laddr[inp], p.inp_lport[inp], p.inp_faddr[inp], p.inp_fport[inp], ack, seq, flags)
}

/** Interface that the connection's packets leave by, or 0. */
function outgoing(k: Kernel, inp: number): number {
  const cached = k.inet.inp.inp_routeifp[inp]
  return cached !== 0 ? cached : routeTo(k, k.inet.inp.inp_faddr[inp])
}

/** tcp_mssopt: the MSS that a SYN to `faddr` offers: the interface's MTU without headers. */
export function tcp_mssopt(k: Kernel, faddr: number): number {
  const ifp = routeTo(k, faddr)
  if (isInet6(faddr)) return ifp === 0 ? tcp_v6mssdflt : k.ifnet.if_mtu[ifp] - TCPIP6_HDRLEN
  return ifp === 0 ? k.inet.tcpctl.tcp_mssdflt : k.ifnet.if_mtu[ifp] - TCPIP_HDRLEN
}

/** tcp_mss_update: t_maxseg from the peer's offer (0 = none given, −1 = no SYN seen) and the interface. */
export function tcp_mss_update(k: Kernel, tp: number, offer: number, mtuoffer: number): void {
  const t = k.inet.tcp
  const c = k.inet.tcpctl
  const inp = t.t_inpcb[tp]
  const isipv6 = (k.inet.inp.inp_flags[inp] & INP_IPV6) !== 0
  const min_protoh = isipv6 ? TCPIP6_HDRLEN : TCPIP_HDRLEN
  const ifp = outgoing(k, inp)
  if (mtuoffer !== -1) offer = mtuoffer - min_protoh
  t.t_maxseg[tp] = isipv6 ? tcp_v6mssdflt : c.tcp_mssdflt
  if (ifp === 0) return
  if (offer === 0) offer = t.t_maxseg[tp]
  else if (offer === -1) offer = 0x7fffffff
  else if (offer < c.tcp_minmss) offer = c.tcp_minmss
  let mss = k.ifnet.if_mtu[ifp] - min_protoh
  if (offer < mss) mss = offer
  t.t_maxseg[tp] = mss < 64 ? 64 : mss
}

/**
 * tcp_mss: segment size, buffers rounded up to whole segments, and the TSO limits of the interface. Source: tcp_input.c tcp_mss, tcp_subr.c
 * tcp_maxmtu, tcp_maxmtu6 (TSO needs the capability of the family and its CSUM_TSO bit in if_hwassist).
 */
export function tcp_mss(k: Kernel, tp: number, offer: number): void {
  const t = k.inet.tcp
  tcp_mss_update(k, tp, offer, -1)
  const inp = t.t_inpcb[tp]
  const so = k.inet.inp.inp_socket[inp]
  let mss = t.t_maxseg[tp]
  const snd = k.so.so_snd[so]
  let bufsize = k.sb.sb_hiwat[snd]
  const sb_max = k.sb.settings.sb_max
  if (bufsize < mss) mss = bufsize
  else {
    bufsize = Math.ceil(bufsize / mss) * mss
    if (bufsize > sb_max) bufsize = sb_max
    if (bufsize > k.sb.sb_hiwat[snd]) sbreserve(k, snd, bufsize)
  }
  t.t_maxseg[tp] = mss < 64 ? 64 : mss
  const rcv = k.so.so_rcv[so]
  bufsize = k.sb.sb_hiwat[rcv]
  if (bufsize > mss) {
    bufsize = Math.ceil(bufsize / mss) * mss
    if (bufsize > sb_max) bufsize = sb_max
    if (bufsize > k.sb.sb_hiwat[rcv]) sbreserve(k, rcv, bufsize)
  }
  const ifp = outgoing(k, inp)
  if (ifp === 0) return
  const n = k.ifnet
  const isipv6 = (k.inet.inp.inp_flags[inp] & INP_IPV6) !== 0
  const capability = isipv6 ? IFCAP_TSO6 : IFCAP_TSO4
  if ((n.if_capenable[ifp] & capability) !== 0 && (n.if_hwassist[ifp] & (isipv6 ? CSUM_IP6_TSO : CSUM_IP_TSO)) !== 0) {
    t.t_flags[tp] |= TF_TSO
    t.t_tsomax[tp] = n.if_hw_tsomax[ifp]
    t.t_tsomaxsegcount[tp] = n.if_hw_tsomaxsegcount[ifp]
    t.t_tsomaxsegsize[tp] = n.if_hw_tsomaxsegsize[ifp]
  }
}

/** tcp_compute_initwnd: initial congestion window. Source: tcp_input.c. */
export function tcp_compute_initwnd(k: Kernel, maxseg: number): number {
  const c = k.inet.tcpctl
  if (c.tcp_initcwnd_segments !== 0) {
    const most = Math.max(2 * maxseg, c.tcp_initcwnd_segments * 1460)
    return Math.min(c.tcp_initcwnd_segments * maxseg, most)
  }
  if (c.tcp_do_rfc3390 !== 0) return Math.min(4 * maxseg, Math.max(2 * maxseg, 4380))
  return maxseg > 2190 ? 2 * maxseg : maxseg > 1095 ? 3 * maxseg : 4 * maxseg
}

/** tcp_drain: gives up what came out of order on every connection; the peer will send it again. net.inet.tcp.do_tcpdrain=0 keeps it. */
export function tcp_drain(k: Kernel): void {
  if (k.inet.drain.do_tcpdrain === 0) return
  const t = k.inet.tcp
  for (let tp = 1; tp < t.high; tp++) {
    if (t.t_inpcb[tp] === 0) continue
    tcp_reass_flush(k, tp)
    tcp_clean_sackreport(k, tp)
  }
}

/**
 * Half-open connections of listening sockets: a small entry until the handshake is complete, then a socket. Source: sys/netinet/tcp_syncache.c (derived; one
 * timer event an entry instead of one a bucket; no SYN cookies: a full cache drops the SYN).
 */
import { m_gethdr, mtodAddr } from '../kern/kern_mbuf'
import { soisconnected, sonewconn } from '../kern/uipc_socket'
import { EV_TCP_SYNCACHE } from '../machine/eventKinds'
import type { Kernel } from '../kernel'
import { CSUM_IP6_TCP, CSUM_IP_TCP, max_linkhdr, MT_DATA } from '../sys/mbuf'
import { M_NOWAIT } from '../sys/param'
import {
  in_pseudo,
  IP_DF,
  IP_HDRLEN,
  IP_LEN,
  IP_OFF,
  IPPROTO_TCP,
  put16,
  put32,
  SEQ_GT,
  SEQ_LEQ,
  TCP_HDRLEN,
  TCPIP6_HDRLEN,
  TCPIP_HDRLEN,
  TH_ACK,
  TH_ACKNO,
  TH_FLAGS,
  TH_OFFX,
  TH_SEQ,
  TH_SUM,
  TH_SYN,
  TH_WIN,
} from './in'
import { in_pcbaccept } from './in_pcb'
import { in6_cksum_pseudo, IP6_HDRLEN, isInet6 } from '../netinet6/in6'
import { ip6_output } from '../netinet6/ip6_output'
import { ip_output } from './ip_output'
import {
  in6_flowlabel,
  tcp_mss,
  tcp_mssopt,
  tcp_new_isn,
  tcp_new_ts_offset,
  tcp_request_scale,
  tcpip6_fillheaders,
  tcpip_fillheaders,
} from './tcp_subr'
import { tcp_timer_activate } from './tcp_timer'
import {
  TCPS_SYN_RECEIVED,
  TCP_MAXWIN,
  tcp_syn_backoff,
  TF_NODELAY,
  TF_NOOPT,
  TF_RCVD_SCALE,
  TF_RCVD_TSTMP,
  TF_REQ_SCALE,
  TF_REQ_TSTMP,
  TF_SACK_PERMIT,
  TICK_NS,
  ticks,
  TT_KEEP,
} from './tcp_var'

// sc_flags
export const SCF_WINSCALE = 0x02
export const SCF_TIMESTAMP = 0x04
export const SCF_SACK = 0x80

const TCP_SYNCACHE_HASHSIZE = 512
/** net.inet.tcp.syncache.cachelimit: hashsize × bucketlimit (30), reduced a little. Source: tcp_syncache.c syncache_init. */
const TCP_SYNCACHE_CACHELIMIT = 15375

export function createSyncache(k: Kernel) {
  const sc = k.registry.table(k.part('syncache'), {
    sc_faddr: 'u32',
    sc_laddr: 'u32',
    sc_fport: 'u16',
    sc_lport: 'u16',
    /** inpcb of the listening socket. */
    sc_listen: 'i32',
    sc_irs: 'u32',
    sc_iss: 'u32',
    sc_tsreflect: 'u32',
    sc_tsoff: 'u32',
    sc_wnd: 'u32',
    sc_peer_mss: 'u16',
    sc_requested_s_scale: 'u8',
    sc_requested_r_scale: 'u8',
    sc_flags: 'u8',
    sc_rxmits: 'u8',
    sc_generation: 'u32',
    sc_timer: 'f64',
    sc_hash: 'i32',
    sc_flowid: 'u32',
    sc_flowtype: 'u8',
  })
  const hash = new Int32Array(TCP_SYNCACHE_HASHSIZE)
  k.registry.fixed(k.part('syncache.hash'), hash)
  return Object.assign(sc, { hash })
}

function bucketOf(faddr: number, fport: number, lport: number): number {
  return (Math.imul(faddr, 0x9e3779b1) ^ Math.imul(fport, 0x85eb) ^ lport) & (TCP_SYNCACHE_HASHSIZE - 1)
}

function lookup(k: Kernel, faddr: number, fport: number, laddr: number, lport: number): number {
  const s = k.inet.sc
  let at = s.hash[bucketOf(faddr, fport, lport)]
  while (
    at !== 0 &&
    (s.sc_faddr[at] !== faddr || s.sc_fport[at] !== fport || s.sc_laddr[at] !== laddr || s.sc_lport[at] !== lport)
  )
    at = s.sc_hash[at]
  return at
}

function drop(k: Kernel, entry: number): void {
  const s = k.inet.sc
  const b = bucketOf(s.sc_faddr[entry], s.sc_fport[entry], s.sc_lport[entry])
  let at = s.hash[b]
  if (at === entry) s.hash[b] = s.sc_hash[entry]
  else {
    while (s.sc_hash[at] !== entry) at = s.sc_hash[at]
    s.sc_hash[at] = s.sc_hash[entry]
  }
  if (s.sc_timer[entry] !== 0) k.machine.cancel(s.sc_timer[entry])
  s.sc_timer[entry] = 0
  s.sc_hash[entry] = 0
  s.sc_generation[entry]++
  s.free(entry)
}

/** SYNCACHE_TIMEOUT: the next retransmission of SYN|ACK. */
function startTimer(k: Kernel, entry: number): void {
  const s = k.inet.sc
  const delay = k.inet.tcpctl.tcp_rexmit_initial * tcp_syn_backoff[s.sc_rxmits[entry]]
  s.sc_rxmits[entry]++
  s.sc_timer[entry] = k.machine.schedule(
    k.now() + delay * TICK_NS,
    EV_TCP_SYNCACHE,
    k.id,
    entry,
    s.sc_generation[entry] | 0,
  )
}

/** EV_TCP_SYNCACHE: sends SYN|ACK again, or gives the entry up. */
export function syncache_timer(k: Kernel, entry: number, generation: number): void {
  const s = k.inet.sc
  if ((s.sc_generation[entry] | 0) !== generation || s.sc_timer[entry] === 0) return
  s.sc_timer[entry] = 0
  if (s.sc_rxmits[entry] > k.inet.tcpctl.tcp_syncache_rexmtlimit) {
    k.inet.tcpstat.tcps_sc_stale++
    drop(k, entry)
    return
  }
  syncache_respond(k, entry)
  k.inet.tcpstat.tcps_sc_retransmitted++
  startTimer(k, entry)
}

/** What tcp_input parsed from a SYN's options. */
export interface SynOptions {
  mss: number
  /** −1 = not offered. */
  wscale: number
  timestamps: boolean
  tsval: number
  sack: boolean
}

/** syncache_add: a SYN for a listening socket. The packet stays the caller's. */
export function syncache_add(
  k: Kernel,
  listen: number,
  faddr: number,
  fport: number,
  laddr: number,
  lport: number,
  irs: number,
  options: SynOptions,
  flowid: number,
  flowtype: number,
): void {
  const s = k.inet.sc
  const stat = k.inet.tcpstat
  const c = k.inet.tcpctl
  const known = lookup(k, faddr, fport, laddr, lport)
  if (known !== 0) {
    // A repeated SYN: answer again, the timer starts over.
    stat.tcps_sc_dupsyn++
    if ((s.sc_flags[known] & SCF_TIMESTAMP) !== 0 && options.timestamps) s.sc_tsreflect[known] = options.tsval
    if (s.sc_irs[known] === irs) {
      syncache_respond(k, known)
      return
    }
    drop(k, known)
  }
  if (s.live >= TCP_SYNCACHE_CACHELIMIT) {
    stat.tcps_sc_dropped++
    return
  }
  const entry = s.alloc()
  s.sc_faddr[entry] = faddr
  s.sc_fport[entry] = fport
  s.sc_laddr[entry] = laddr
  s.sc_lport[entry] = lport
  s.sc_listen[entry] = listen
  s.sc_irs[entry] = irs
  s.sc_iss[entry] = tcp_new_isn(k, laddr, lport, faddr, fport)
  s.sc_rxmits[entry] = 0
  s.sc_timer[entry] = 0
  s.sc_flowid[entry] = flowid
  s.sc_flowtype[entry] = flowtype
  const lso = k.inet.inp.inp_socket[listen]
  const hiwat = k.sb.sb_hiwat[k.so.so_rcv[lso]]
  s.sc_wnd[entry] = hiwat < TCP_MAXWIN ? hiwat : TCP_MAXWIN
  s.sc_peer_mss[entry] = options.mss
  let flags = 0
  s.sc_requested_s_scale[entry] = 0
  s.sc_requested_r_scale[entry] = 0
  s.sc_tsreflect[entry] = 0
  s.sc_tsoff[entry] = 0
  if (c.tcp_do_rfc1323 !== 0) {
    if (options.timestamps) {
      s.sc_tsreflect[entry] = options.tsval
      s.sc_tsoff[entry] = tcp_new_ts_offset(k, laddr, lport, faddr, fport)
      flags |= SCF_TIMESTAMP
    }
    if (options.wscale >= 0) {
      s.sc_requested_r_scale[entry] = tcp_request_scale(k.sb.settings.sb_max)
      s.sc_requested_s_scale[entry] = options.wscale
      flags |= SCF_WINSCALE
    }
  }
  if (options.sack && c.tcp_do_sack !== 0) flags |= SCF_SACK
  s.sc_flags[entry] = flags
  const b = bucketOf(faddr, fport, lport)
  s.sc_hash[entry] = s.hash[b]
  s.hash[b] = entry
  stat.tcps_sc_added++
  startTimer(k, entry)
  syncache_respond(k, entry)
}

/** syncache_respond: SYN|ACK with the options that both ends know. Option order: MSS, scale, SACK permitted, timestamps. */
function syncache_respond(k: Kernel, entry: number): void {
  const s = k.inet.sc
  const m = m_gethdr(k, M_NOWAIT, MT_DATA)
  if (m === 0) return
  const mb = k.mb
  const laddr = s.sc_laddr[entry]
  const faddr = s.sc_faddr[entry]
  const flags = s.sc_flags[entry]
  mb.m_data[m] += max_linkhdr
  const ram = k.phys.ram
  const at = mtodAddr(k, m)
  const isipv6 = isInet6(faddr)
  if (isipv6) {
    const flow = in6_flowlabel(k, laddr, s.sc_lport[entry], faddr, s.sc_fport[entry])
    tcpip6_fillheaders(k, ram, at, laddr, s.sc_lport[entry], faddr, s.sc_fport[entry], flow)
  } else tcpip_fillheaders(k, ram, at, laddr, s.sc_lport[entry], faddr, s.sc_fport[entry], k.inet.ctl.ip_defttl)
  const th = at + (isipv6 ? IP6_HDRLEN : IP_HDRLEN)
  const opt = th + TCP_HDRLEN
  const optlen = putSynOptions(
    ram,
    opt,
    tcp_mssopt(k, faddr),
    (flags & SCF_WINSCALE) !== 0 ? s.sc_requested_r_scale[entry] : -1,
    (flags & SCF_SACK) !== 0,
    (flags & SCF_TIMESTAMP) !== 0,
    (ticks(k) + s.sc_tsoff[entry]) >>> 0,
    s.sc_tsreflect[entry],
  )
  const length = (isipv6 ? TCPIP6_HDRLEN : TCPIP_HDRLEN) + optlen
  mb.m_len[m] = length
  mb.ph_len[m] = length
  if (!isipv6) {
    put16(ram, at + IP_LEN, length)
    if (k.inet.tcpctl.path_mtu_discovery !== 0) put16(ram, at + IP_OFF, IP_DF)
  }
  put32(ram, th + TH_SEQ, s.sc_iss[entry])
  put32(ram, th + TH_ACKNO, (s.sc_irs[entry] + 1) >>> 0)
  ram[th + TH_OFFX] = ((TCP_HDRLEN + optlen) >> 2) << 4
  ram[th + TH_FLAGS] = TH_SYN | TH_ACK
  put16(ram, th + TH_WIN, s.sc_wnd[entry])
  mb.ph_csum_data[m] = TH_SUM
  mb.ph_flowid[m] = s.sc_flowid[entry]
  mb.ph_rsstype[m] = s.sc_flowtype[entry]
  k.inet.tcpstat.tcps_sndtotal++
  if (isipv6) {
    put16(ram, th + TH_SUM, in6_cksum_pseudo(k, laddr, faddr, TCP_HDRLEN + optlen, IPPROTO_TCP))
    mb.ph_csum_flags[m] = CSUM_IP6_TCP
    ip6_output(k, m, 0)
    return
  }
  put16(ram, th + TH_SUM, in_pseudo(laddr, faddr, TCP_HDRLEN + optlen, IPPROTO_TCP))
  mb.ph_csum_flags[m] = CSUM_IP_TCP
  ip_output(k, m, 0, 0)
}

/** Writes the options of a SYN, padded to 4 bytes; gives their length. Source: tcp_output.c tcp_addoptions (order and padding). */
export function putSynOptions(
  ram: Uint8Array,
  at: number,
  mss: number,
  wscale: number,
  sack: boolean,
  timestamps: boolean,
  tsval: number,
  tsecr: number,
): number {
  let n = 0
  ram[at + n++] = 2
  ram[at + n++] = 4
  put16(ram, at + n, mss)
  n += 2
  if (wscale >= 0) {
    ram[at + n++] = 1
    ram[at + n++] = 3
    ram[at + n++] = 3
    ram[at + n++] = wscale
  }
  if (sack) {
    ram[at + n++] = 4
    ram[at + n++] = 2
  }
  if (timestamps) {
    while (n % 4 !== 2) ram[at + n++] = 1
    ram[at + n++] = 8
    ram[at + n++] = 10
    put32(ram, at + n, tsval)
    put32(ram, at + n + 4, tsecr)
    n += 8
  }
  if (n % 4 !== 0) {
    ram[at + n++] = 0
    while (n % 4 !== 0) ram[at + n++] = 0
  }
  return n
}

/** Why {@link syncache_expand} gave no socket. */
export const SYNCACHE_NONE = 0
export const SYNCACHE_NOSOCKET = -1
export const SYNCACHE_BAD = -2

/**
 * syncache_expand: the third packet of the handshake makes the socket.
 * @returns the inpcb of the new connection, or SYNCACHE_NONE (no entry), SYNCACHE_NOSOCKET (queue full), SYNCACHE_BAD (wrong numbers).
 */
export function syncache_expand(
  k: Kernel,
  faddr: number,
  fport: number,
  laddr: number,
  lport: number,
  th_seq: number,
  th_ack: number,
  flowid: number,
  flowtype: number,
): number {
  const s = k.inet.sc
  const stat = k.inet.tcpstat
  const entry = lookup(k, faddr, fport, laddr, lport)
  if (entry === 0) return SYNCACHE_NONE
  if (th_ack !== (s.sc_iss[entry] + 1) >>> 0) {
    stat.tcps_sc_badack++
    return SYNCACHE_BAD
  }
  if (SEQ_LEQ(th_seq, s.sc_irs[entry]) || SEQ_GT(th_seq, (s.sc_irs[entry] + 1 + s.sc_wnd[entry]) >>> 0))
    return SYNCACHE_BAD
  const inp = syncache_socket(k, entry, flowid, flowtype)
  drop(k, entry)
  if (inp === 0) {
    stat.tcps_sc_aborted++
    stat.tcps_listendrop++
    return SYNCACHE_NOSOCKET
  }
  stat.tcps_sc_completed++
  return inp
}

/** syncache_socket: socket, inpcb and tcpcb of a complete handshake, in state SYN_RECEIVED. */
function syncache_socket(k: Kernel, entry: number, flowid: number, flowtype: number): number {
  const s = k.inet.sc
  const p = k.inet.inp
  const t = k.inet.tcp
  const lso = p.inp_socket[s.sc_listen[entry]]
  const so = sonewconn(k, lso, 0)
  if (so === 0) return 0
  const inp = k.so.so_pcb[so]
  in_pcbaccept(k, inp, s.sc_laddr[entry], s.sc_lport[entry], s.sc_faddr[entry], s.sc_fport[entry])
  if (flowtype !== 0) {
    p.inp_flowid[inp] = flowid
    p.inp_flowtype[inp] = flowtype
  }
  const tp = p.inp_ppcb[inp]
  const parent = p.inp_ppcb[s.sc_listen[entry]]
  const iss = s.sc_iss[entry]
  const irs = s.sc_irs[entry]
  t.t_state[tp] = TCPS_SYN_RECEIVED
  t.iss[tp] = iss
  t.irs[tp] = irs
  t.rcv_nxt[tp] = irs + 1
  t.rcv_adv[tp] = irs + 1
  t.snd_una[tp] = iss
  t.snd_up[tp] = iss
  t.snd_recover[tp] = iss
  t.snd_wl1[tp] = irs
  t.snd_max[tp] = iss + 1
  t.snd_nxt[tp] = iss + 1
  t.rcv_up[tp] = irs + 1
  t.rcv_wnd[tp] = s.sc_wnd[entry]
  t.rcv_adv[tp] += t.rcv_wnd[tp]
  t.last_ack_sent[tp] = t.rcv_nxt[tp]
  let flags = t.t_flags[parent] & (TF_NOOPT | TF_NODELAY)
  const scf = s.sc_flags[entry]
  if ((scf & SCF_WINSCALE) !== 0) {
    flags |= TF_REQ_SCALE | TF_RCVD_SCALE
    t.snd_scale[tp] = s.sc_requested_s_scale[entry]
    t.request_r_scale[tp] = s.sc_requested_r_scale[entry]
  }
  if ((scf & SCF_TIMESTAMP) !== 0) {
    flags |= TF_REQ_TSTMP | TF_RCVD_TSTMP
    t.ts_recent[tp] = s.sc_tsreflect[entry]
    t.ts_recent_age[tp] = ticks(k)
    t.ts_offset[tp] = s.sc_tsoff[entry]
  }
  if ((scf & SCF_SACK) !== 0) flags |= TF_SACK_PERMIT
  t.t_flags[tp] = flags
  tcp_mss(k, tp, s.sc_peer_mss[entry])
  // A SYN|ACK that had to be repeated limits the initial window to one segment.
  if (s.sc_rxmits[entry] > 1) t.snd_cwnd[tp] = 1
  tcp_timer_activate(k, tp, TT_KEEP, k.inet.tcpctl.tcp_keepinit)
  soisconnected(k, so)
  k.inet.tcpstat.tcps_accepts++
  return inp
}

/** syncache_chkrst: a reset for a half-open connection. */
export function syncache_chkrst(
  k: Kernel,
  faddr: number,
  fport: number,
  laddr: number,
  lport: number,
  th_seq: number,
): void {
  const s = k.inet.sc
  const entry = lookup(k, faddr, fport, laddr, lport)
  if (entry === 0) return
  if (th_seq === (s.sc_irs[entry] + 1) >>> 0) {
    drop(k, entry)
    k.inet.tcpstat.tcps_sc_reset++
  }
}

/** syncache entries of a listening socket that closes go with it. Source: tcp_syncache.c (there the timer finds the listener gone). */
export function syncache_listenClosed(k: Kernel, listen: number): void {
  const s = k.inet.sc
  for (let b = 0; b < TCP_SYNCACHE_HASHSIZE; b++) {
    let at = s.hash[b]
    while (at !== 0) {
      const next = s.sc_hash[at]
      if (s.sc_listen[at] === listen) drop(k, at)
      at = next
    }
  }
}

/**
 * tcp_input: a segment, or several that LRO joined into one, arrives. Source: sys/netinet/tcp_input.c of mid 2019 (read in a later copy, derived for the
 * date: no proportional rate reduction, no D-SACK, no ECN, no urgent data, no Fast Open; mbuf chain always consumed).
 *
 * One long file, as in the kernel: the order of its checks is the protocol, and a reader lays the two side by side.
 */
import { m_freem, mtodAddr } from '../kern/kern_mbuf'
import { m_adj, m_pullup } from '../kern/uipc_mbuf'
import { in6_cksum_pseudo, in6_get, IP6_DST, IP6_PLEN, IP6_SRC } from '../netinet6/in6'
import { in_cksum_skip } from './in_cksum'
import { sbappendstream, sbdrop, sbreserve, sbspace } from '../kern/uipc_sockbuf'
import { socantrcvmore, soisconnected, soisdisconnected, sorwakeup, sowwakeup } from '../kern/uipc_socket'
import type { Kernel } from '../kernel'
import { CAUSE, functionId } from '../machine/cost'
import { ECONNREFUSED, ECONNRESET } from '../sys/errno'
import { CSUM_DATA_VALID, CSUM_PSEUDO_HDR, M_BCAST, M_MCAST } from '../sys/mbuf'
import { SB_AUTOSIZE, SBS_CANTRCVMORE } from '../sys/sockbuf'
import { SO_ACCEPTCONN, SS_NOFDREF } from '../sys/socket'
import { KASSERT } from '../sys/systm'
import {
  get16,
  get32,
  in_pseudo,
  IP_DST,
  IP_HDRLEN,
  IP_LEN,
  IP_SRC,
  IPPROTO_TCP,
  SEQ_GEQ,
  SEQ_GT,
  SEQ_LEQ,
  SEQ_LT,
  TCP_HDRLEN,
  TH_ACK,
  TH_ACKNO,
  TH_DPORT,
  TH_FIN,
  TH_FLAGS,
  TH_OFFX,
  TH_PUSH,
  TH_RST,
  TH_SEQ,
  TH_SPORT,
  TH_SYN,
  TH_URG,
  TH_WIN,
} from './in'
import { in_pcblookup_exact, in_pcblookup_listen, INP_DROPPED, INP_TIMEWAIT } from './in_pcb'
import {
  CC_ACK,
  cc_ack_received,
  cc_cong_signal,
  cc_conn_init,
  CC_DUPACK,
  CC_NDUPACK,
  cc_post_recovery,
  CC_RTO_ERR,
} from './tcp_newreno'
import { tcp_output } from './tcp_output'
import { reass_tlen, SEGQ_EMPTY, tcp_reass } from './tcp_reass'
import { tcp_clean_sackreport, tcp_sack_doack, tcp_sack_partialack, tcp_update_sack_list } from './tcp_sack'
import { tcp_close, tcp_drop, tcp_mss, tcp_respond, tcp_respond_tp } from './tcp_subr'
import {
  type SynOptions,
  syncache_add,
  syncache_chkrst,
  syncache_expand,
  SYNCACHE_BAD,
  SYNCACHE_NONE,
  SYNCACHE_NOSOCKET,
} from './tcp_syncache'
import { TCP_REXMTVAL, tcp_timer_activate, tcp_timer_active, TCPT_RANGESET } from './tcp_timer'
import { tcp_twcheck, tcp_twstart } from './tcp_timewait'
import {
  EXIT_RECOVERY,
  IN_FASTRECOVERY,
  IN_RECOVERY,
  TCP_DELTA_SHIFT,
  TCP_MAX_WINSHIFT,
  TCP_MAXWIN,
  tcp_maxseg,
  TCP_PAWS_IDLE,
  TCP_RTT_SHIFT,
  TCP_RTTVAR_SHIFT,
  tcprexmtthresh,
  TCPS_CLOSE_WAIT,
  TCPS_CLOSED,
  TCPS_CLOSING,
  TCPS_ESTABLISHED,
  TCPS_FIN_WAIT_1,
  TCPS_FIN_WAIT_2,
  TCPS_HAVEESTABLISHED,
  TCPS_HAVERCVDFIN,
  TCPS_LAST_ACK,
  TCPS_SYN_RECEIVED,
  TCPS_SYN_SENT,
  TCPTV_REXMTMAX,
  TF_ACKNOW,
  TF_CONGRECOVERY,
  TF_DELACK,
  TF_NEEDFIN,
  TF_NEEDSYN,
  TF_PREVVALID,
  TF_RCVD_SCALE,
  TF_RCVD_TSTMP,
  TF_REQ_SCALE,
  TF_REQ_TSTMP,
  TF_RXWIN0SENT,
  TF_SACK_PERMIT,
  ticks,
  TT_2MSL,
  TT_COUNT,
  TT_DELACK,
  TT_KEEP,
  TT_PERSIST,
  TT_REXMT,
} from './tcp_var'

const FN_tcp_input = functionId('tcp_input')
const FN_tcp_do_segment = functionId('tcp_do_segment')
const FN_sbdrop = functionId('sbdrop')
const FN_sbappendstream = functionId('sbappendstream')

// to_flags
const TOF_MSS = 0x02
const TOF_SCALE = 0x04
const TOF_SACKPERM = 0x10
const TOF_TS = 0x20
const TOF_SACK = 0x80

/** Options of the segment being worked on (struct tcpopt). `to_sacks`: address of the blocks in RAM. */
const to = { to_flags: 0, to_mss: 0, to_wscale: 0, to_tsval: 0, to_tsecr: 0, to_nsacks: 0, to_sacks: 0 }

/** tcp_dooptions: parses `count` bytes of options at `at`. */
function tcp_dooptions(k: Kernel, ram: Uint8Array, at: number, count: number, syn: boolean): void {
  to.to_flags = 0
  to.to_nsacks = 0
  // The layout that nearly every segment has.
  if (count === 12 && ram[at] === 1 && ram[at + 1] === 1 && ram[at + 2] === 8 && ram[at + 3] === 10) {
    to.to_flags = TOF_TS
    to.to_tsval = get32(ram, at + 4)
    to.to_tsecr = get32(ram, at + 8)
    return
  }
  const end = at + count
  while (at < end) {
    const opt = ram[at]
    if (opt === 0) break
    if (opt === 1) {
      at++
      continue
    }
    if (end - at < 2) break
    const optlen = ram[at + 1]
    if (optlen < 2 || optlen > end - at) break
    switch (opt) {
      case 2:
        if (optlen === 4 && syn) {
          to.to_flags |= TOF_MSS
          to.to_mss = get16(ram, at + 2)
        }
        break
      case 3:
        if (optlen === 3 && syn) {
          to.to_flags |= TOF_SCALE
          to.to_wscale = Math.min(ram[at + 2], TCP_MAX_WINSHIFT)
        }
        break
      case 4:
        if (optlen === 2 && syn) to.to_flags |= TOF_SACKPERM
        break
      case 5:
        if (optlen > 2 && (optlen - 2) % 8 === 0 && !syn) {
          to.to_flags |= TOF_SACK
          to.to_nsacks = (optlen - 2) / 8
          to.to_sacks = at + 2
          k.inet.tcpstat.tcps_sack_rcv_blocks++
        }
        break
      case 8:
        if (optlen === 10) {
          to.to_flags |= TOF_TS
          to.to_tsval = get32(ram, at + 2)
          to.to_tsecr = get32(ram, at + 6)
        }
        break
    }
    at += optlen
  }
}

/** The header of the segment being worked on, in host order. */
const th = { seq: 0, ack: 0, flags: 0, win: 0, sport: 0, dport: 0, src: 0, dst: 0 }

/** tcp_input: m begins with the IP header, which has `off0` bytes (20: IPv4, 40: IPv6); it is consumed. Source: tcp_input.c tcp_input, tcp6_input. */
export function tcp_input(k: Kernel, m: number, off0: number): void {
  if (k.cost.on) {
    k.cost.enter(FN_tcp_input)
    k.cost.charge(CAUSE.protocol, k.cost.p.tcpInput)
    k.cost.chargeMisses(k.cost.p.pcbLines)
    for (let i = 0; i < k.cost.p.pcbLoneLines; i++) k.cost.chargeMisses(1)
  }
  input(k, m, off0)
  if (k.cost.on) k.cost.leave()
}

function input(k: Kernel, m: number, off0: number): void {
  const stat = k.inet.tcpstat
  stat.tcps_rcvtotal++
  let mb = k.mb
  if (mb.m_len[m] < off0 + TCP_HDRLEN) {
    m = m_pullup(k, m, off0 + TCP_HDRLEN)
    if (m === 0) {
      stat.tcps_rcvshort++
      return
    }
    mb = k.mb
  }
  let ram = k.phys.ram
  let at = mtodAddr(k, m)
  const isipv6 = off0 !== IP_HDRLEN
  let tlen = isipv6 ? get16(ram, at + IP6_PLEN) : get16(ram, at + IP_LEN) - IP_HDRLEN
  if (mb.ph_lro_nsegs[m] > 1) tlen = mb.ph_len[m] - off0
  if (isipv6) {
    th.src = in6_get(k, ram, at + IP6_SRC, mb.ph_rcvif[m])
    th.dst = in6_get(k, ram, at + IP6_DST, mb.ph_rcvif[m])
  } else {
    th.src = get32(ram, at + IP_SRC)
    th.dst = get32(ram, at + IP_DST)
  }
  if ((mb.ph_csum_flags[m] & CSUM_DATA_VALID) !== 0) {
    const sum =
      (mb.ph_csum_flags[m] & CSUM_PSEUDO_HDR) !== 0
        ? mb.ph_csum_data[m]
        : addFold(pseudo(k, isipv6, tlen), mb.ph_csum_data[m])
    if (sum !== 0xffff) {
      stat.tcps_rcvbadsum++
      m_freem(k, m)
      return
    }
  } else {
    const sum = addFold(
      pseudo(k, isipv6, tlen),
      // Sums of the kernel are little-endian words.
      swap16(~in_cksum_skip(k, m, off0 + tlen, off0) & 0xffff),
    )
    if (sum !== 0xffff) {
      stat.tcps_rcvbadsum++
      m_freem(k, m)
      return
    }
  }
  let tcp = at + off0
  const off = (ram[tcp + TH_OFFX] >> 4) << 2
  if (off < TCP_HDRLEN || off > tlen) {
    stat.tcps_rcvbadoff++
    m_freem(k, m)
    return
  }
  if (mb.m_len[m] < off0 + off) {
    m = m_pullup(k, m, off0 + off)
    if (m === 0) {
      stat.tcps_rcvshort++
      return
    }
    mb = k.mb
    ram = k.phys.ram
    at = mtodAddr(k, m)
    tcp = at + off0
  }
  tlen -= off
  th.sport = get16(ram, tcp + TH_SPORT)
  th.dport = get16(ram, tcp + TH_DPORT)
  th.seq = get32(ram, tcp + TH_SEQ)
  th.ack = get32(ram, tcp + TH_ACKNO)
  th.flags = ram[tcp + TH_FLAGS]
  th.win = get16(ram, tcp + TH_WIN)
  const optAt = tcp + TCP_HDRLEN
  const optlen = off - TCP_HDRLEN
  const drop_hdrlen = off0 + off
  const p = k.inet.inp
  const t = k.inet.tcp

  for (;;) {
    // findpcb:
    let inp = in_pcblookup_exact(k, th.src, th.sport, th.dst, th.dport)
    if (inp === 0) inp = in_pcblookup_listen(k, th.src, th.sport, th.dst, th.dport)
    if (inp === 0) {
      if (k.inet.tcpctl.blackhole === 0) tcp_dropwithreset(k, m, 0, tlen)
      m_freem(k, m)
      return
    }
    if (p.inp_flowtype[inp] === 0 && mb.ph_rsstype[m] !== 0 && p.inp_listening[inp] === 0) {
      p.inp_flowid[inp] = mb.ph_flowid[m]
      p.inp_flowtype[inp] = mb.ph_rsstype[m]
    }
    if ((p.inp_flags[inp] & INP_TIMEWAIT) !== 0) {
      if (tcp_twcheck(k, inp, th.flags, th.seq, th.ack, tlen, m)) continue
      return
    }
    let tp = p.inp_ppcb[inp]
    if (tp === 0 || t.t_state[tp] === TCPS_CLOSED || (p.inp_flags[inp] & INP_DROPPED) !== 0) {
      tcp_dropwithreset(k, m, 0, tlen)
      m_freem(k, m)
      return
    }
    let so = p.inp_socket[inp]
    if ((k.so.so_options[so] & SO_ACCEPTCONN) !== 0) {
      if ((th.flags & (TH_RST | TH_ACK | TH_SYN)) === TH_ACK) {
        const made = syncache_expand(
          k,
          th.src,
          th.sport,
          th.dst,
          th.dport,
          th.seq,
          th.ack,
          mb.ph_flowid[m],
          mb.ph_rsstype[m],
        )
        if (made === SYNCACHE_NONE || made === SYNCACHE_BAD || made === SYNCACHE_NOSOCKET) {
          tcp_dropwithreset(k, m, 0, tlen)
          m_freem(k, m)
          return
        }
        inp = made
        tp = p.inp_ppcb[inp]
        so = p.inp_socket[inp]
        ram = k.phys.ram
        tcp_do_segment(k, m, so, tp, ram, optAt, optlen, drop_hdrlen, tlen)
        return
      }
      if ((th.flags & TH_RST) !== 0) syncache_chkrst(k, th.src, th.sport, th.dst, th.dport, th.seq)
      else if ((th.flags & (TH_SYN | TH_ACK)) === TH_SYN && (th.flags & TH_FIN) === 0) {
        if ((mb.m_flags[m] & (M_BCAST | M_MCAST)) === 0) {
          tcp_dooptions(k, ram, optAt, optlen, true)
          synOptions.mss = (to.to_flags & TOF_MSS) !== 0 ? to.to_mss : 0
          synOptions.wscale = (to.to_flags & TOF_SCALE) !== 0 ? to.to_wscale : -1
          synOptions.timestamps = (to.to_flags & TOF_TS) !== 0
          synOptions.tsval = to.to_tsval
          synOptions.sack = (to.to_flags & TOF_SACKPERM) !== 0
          syncache_add(
            k,
            inp,
            th.src,
            th.sport,
            th.dst,
            th.dport,
            th.seq,
            synOptions,
            mb.ph_flowid[m],
            mb.ph_rsstype[m],
          )
        }
      } else if ((th.flags & TH_ACK) !== 0) tcp_dropwithreset(k, m, 0, tlen)
      m_freem(k, m)
      return
    }
    tcp_do_segment(k, m, so, tp, ram, optAt, optlen, drop_hdrlen, tlen)
    return
  }
}
const synOptions: SynOptions = { mss: 0, wscale: -1, timestamps: false, tsval: 0, sack: false }

/** Sum of the pseudo header of the segment being worked on. */
function pseudo(k: Kernel, isipv6: boolean, tlen: number): number {
  return isipv6 ? in6_cksum_pseudo(k, th.src, th.dst, tlen, IPPROTO_TCP) : in_pseudo(th.src, th.dst, tlen, IPPROTO_TCP)
}

function swap16(value: number): number {
  return ((value & 0xff) << 8) | (value >>> 8)
}

function addFold(a: number, b: number): number {
  const sum = a + b
  return (sum & 0xffff) + (sum >>> 16)
}

/** DELAY_ACK: one segment may wait for the next; more than one (LRO) is acknowledged at once. */
function DELAY_ACK(k: Kernel, tp: number, tlen: number): boolean {
  const t = k.inet.tcp
  return (
    t.t_timer[tp * TT_COUNT + TT_DELACK] === 0 &&
    (t.t_flags[tp] & TF_RXWIN0SENT) === 0 &&
    tlen <= t.t_maxseg[tp] &&
    (k.inet.tcpctl.tcp_delack_enabled !== 0 || (t.t_flags[tp] & TF_NEEDSYN) !== 0)
  )
}

/** Delayed acknowledgement asked for by this segment: starts its timer. (check_delack:) */
function checkDelack(k: Kernel, tp: number): void {
  const t = k.inet.tcp
  if ((t.t_flags[tp] & TF_DELACK) !== 0) {
    t.t_flags[tp] &= ~TF_DELACK
    tcp_timer_activate(k, tp, TT_DELACK, k.inet.tcpctl.tcp_delacktime)
  }
}

/** tcp_do_segment: a segment for a connection that is not listening and not in TIME_WAIT. */
function tcp_do_segment(
  k: Kernel,
  m: number,
  so: number,
  tp: number,
  ram: Uint8Array,
  optAt: number,
  optlen: number,
  drop_hdrlen: number,
  tlen: number,
): void {
  if (k.cost.on) k.cost.enter(FN_tcp_do_segment)
  segment(k, m, so, tp, ram, optAt, optlen, drop_hdrlen, tlen)
  if (k.cost.on) k.cost.leave()
}

function segment(
  k: Kernel,
  m: number,
  so: number,
  tp: number,
  ram: Uint8Array,
  optAt: number,
  optlen: number,
  drop_hdrlen: number,
  tlen: number,
): void {
  const t = k.inet.tcp
  const stat = k.inet.tcpstat
  const b = k.sb
  const ctl = k.inet.tcpctl
  const snd = k.so.so_snd[so]
  const rcv = k.so.so_rcv[so]
  const timer = tp * TT_COUNT
  const nsegs = Math.max(1, k.mb.ph_lro_nsegs[m])
  const generation = t.t_generation[tp]
  let thflags = th.flags
  let needoutput = false
  let ourfinisacked = false
  let incforsyn = false
  let sack_changed = false

  KASSERT(t.t_state[tp] > 1, 'tcp_do_segment: the connection is not closed or listening')
  if ((thflags & TH_SYN) !== 0 && (thflags & TH_FIN) !== 0 && ctl.drop_synfin !== 0) {
    m_freem(k, m)
    return
  }
  // In SYN_SENT an acknowledgement must be for our SYN.
  if (
    t.t_state[tp] === TCPS_SYN_SENT &&
    (thflags & TH_ACK) !== 0 &&
    (SEQ_LEQ(th.ack, t.iss[tp]) || SEQ_GT(th.ack, t.snd_max[tp]))
  ) {
    tcp_dropwithreset(k, m, tp, tlen)
    m_freem(k, m)
    return
  }
  const now = ticks(k)
  t.t_rcvtime[tp] = now
  if (TCPS_HAVEESTABLISHED(t.t_state[tp])) tcp_timer_activate(k, tp, TT_KEEP, ctl.tcp_keepidle)
  let tiwin = th.win * (1 << t.snd_scale[tp])
  tcp_dooptions(k, ram, optAt, optlen, (thflags & TH_SYN) !== 0)
  const hasTs = (to.to_flags & TOF_TS) !== 0
  if (hasTs && to.to_tsecr !== 0) {
    to.to_tsecr = (to.to_tsecr - t.ts_offset[tp]) >>> 0
    if (((to.to_tsecr - now) | 0) > 0) to.to_tsecr = 0
  }
  if (t.t_state[tp] === TCPS_SYN_SENT && (thflags & TH_SYN) !== 0) {
    // Options of the SYN|ACK; its window is never scaled.
    if ((to.to_flags & TOF_SCALE) !== 0 && (t.t_flags[tp] & TF_REQ_SCALE) !== 0) {
      t.t_flags[tp] |= TF_RCVD_SCALE
      t.snd_scale[tp] = to.to_wscale
    }
    t.snd_wnd[tp] = th.win
    tiwin = th.win
    if (hasTs && (t.t_flags[tp] & TF_REQ_TSTMP) !== 0) {
      t.t_flags[tp] |= TF_RCVD_TSTMP
      t.ts_recent[tp] = to.to_tsval
      t.ts_recent_age[tp] = now
    }
    if ((to.to_flags & TOF_MSS) !== 0) tcp_mss(k, tp, to.to_mss)
    if ((t.t_flags[tp] & TF_SACK_PERMIT) !== 0 && (to.to_flags & TOF_SACKPERM) === 0) t.t_flags[tp] &= ~TF_SACK_PERMIT
  }

  // ---- header prediction: the two common cases of a one-way transfer ----
  if (
    t.t_state[tp] === TCPS_ESTABLISHED &&
    th.seq === t.rcv_nxt[tp] &&
    (thflags & (TH_SYN | TH_FIN | TH_RST | TH_URG | TH_ACK)) === TH_ACK &&
    t.snd_nxt[tp] === t.snd_max[tp] &&
    tiwin !== 0 &&
    tiwin === t.snd_wnd[tp] &&
    (t.t_flags[tp] & (TF_NEEDSYN | TF_NEEDFIN)) === 0 &&
    t.t_segq[tp] === 0 &&
    (!hasTs || ((to.to_tsval - t.ts_recent[tp]) | 0) >= 0)
  ) {
    if (hasTs && SEQ_LEQ(th.seq, t.last_ack_sent[tp])) {
      t.ts_recent_age[tp] = now
      t.ts_recent[tp] = to.to_tsval
    }
    if (tlen === 0) {
      if (
        SEQ_GT(th.ack, t.snd_una[tp]) &&
        SEQ_LEQ(th.ack, t.snd_max[tp]) &&
        !IN_RECOVERY(t.t_flags[tp]) &&
        (to.to_flags & TOF_SACK) === 0 &&
        t.snd_holes[tp] === 0
      ) {
        // A pure acknowledgement for data in flight.
        stat.tcps_predack++
        if (
          !hasTs &&
          t.t_rxtshift[tp] === 1 &&
          (t.t_flags[tp] & TF_PREVVALID) !== 0 &&
          ((now - t.t_badrxtwin[tp]) | 0) < 0
        )
          cc_cong_signal(k, tp, CC_RTO_ERR, th.ack)
        measureRtt(k, tp, now, hasTs)
        const acked = (th.ack - t.snd_una[tp]) | 0
        stat.tcps_rcvackpack += nsegs
        stat.tcps_rcvackbyte += acked
        dropAcked(k, snd, acked)
        if (SEQ_GT(t.snd_una[tp], t.snd_recover[tp]) && SEQ_LEQ(th.ack, t.snd_recover[tp]))
          t.snd_recover[tp] = th.ack - 1
        cc_ack_received(k, tp, acked, nsegs, CC_ACK)
        t.snd_una[tp] = th.ack
        t.snd_wl2[tp] = th.ack
        t.t_dupacks[tp] = 0
        t.t_streamAcked[tp] += acked
        m_freem(k, m)
        if (t.snd_una[tp] === t.snd_max[tp]) t.t_timer[timer + TT_REXMT] = 0
        else if (t.t_timer[timer + TT_PERSIST] === 0) tcp_timer_activate(k, tp, TT_REXMT, t.t_rxtcur[tp])
        sowwakeup(k, so)
        if (b.sb_acc[snd] !== 0) tcp_output(k, tp)
        if (t.t_generation[tp] === generation) checkDelack(k, tp)
        return
      }
    } else if (th.ack === t.snd_una[tp] && tlen <= sbspace(k, rcv)) {
      // Pure data in sequence, nothing out of order, room for it.
      if ((t.t_flags[tp] & TF_SACK_PERMIT) !== 0 && t.rcv_numsacks[tp] !== 0) tcp_clean_sackreport(k, tp)
      stat.tcps_preddat++
      t.rcv_nxt[tp] = t.rcv_nxt[tp] + tlen
      t.snd_wl1[tp] = th.seq
      t.rcv_up[tp] = t.rcv_nxt[tp]
      stat.tcps_rcvpack += nsegs
      stat.tcps_rcvbyte += tlen
      const newsize = tcp_autorcvbuf(k, tp, rcv, tlen, now)
      if ((b.sb_state[rcv] & SBS_CANTRCVMORE) !== 0) m_freem(k, m)
      else {
        if (newsize !== 0 && !sbreserve(k, rcv, newsize)) b.sb_flags[rcv] &= ~SB_AUTOSIZE
        m_adj(k, m, drop_hdrlen)
        append(k, rcv, m)
      }
      sorwakeup(k, so)
      if (DELAY_ACK(k, tp, tlen)) t.t_flags[tp] |= TF_DELACK
      else {
        t.t_flags[tp] |= TF_ACKNOW
        tcp_output(k, tp)
      }
      if (t.t_generation[tp] === generation) checkDelack(k, tp)
      return
    }
  }

  // ---- the long way ----
  let win = sbspace(k, rcv)
  if (win < 0) win = 0
  const promised = (t.rcv_adv[tp] - t.rcv_nxt[tp]) | 0
  t.rcv_wnd[tp] = win > promised ? win : promised

  let seq = th.seq
  let acceptAck = true
  // Where processing goes on: 0 = ack processing, 1 = process_ACK, 2 = step6.
  let label = 0
  if (t.t_state[tp] === TCPS_SYN_RECEIVED) {
    if ((thflags & TH_ACK) !== 0 && (SEQ_LEQ(th.ack, t.snd_una[tp]) || SEQ_GT(th.ack, t.snd_max[tp]))) {
      tcp_dropwithreset(k, m, tp, tlen)
      m_freem(k, m)
      return
    }
  } else if (t.t_state[tp] === TCPS_SYN_SENT) {
    if ((thflags & (TH_ACK | TH_RST)) === (TH_ACK | TH_RST)) {
      tcp_drop(k, tp, ECONNREFUSED)
      m_freem(k, m)
      return
    }
    if ((thflags & TH_RST) !== 0 || (thflags & TH_SYN) === 0) {
      m_freem(k, m)
      return
    }
    t.irs[tp] = seq
    // tcp_rcvseqinit
    t.rcv_nxt[tp] = seq + 1
    t.rcv_adv[tp] = seq + 1
    if ((thflags & TH_ACK) !== 0) {
      stat.tcps_connects++
      soisconnected(k, so)
      if ((t.t_flags[tp] & (TF_RCVD_SCALE | TF_REQ_SCALE)) === (TF_RCVD_SCALE | TF_REQ_SCALE))
        t.rcv_scale[tp] = t.request_r_scale[tp]
      t.rcv_adv[tp] = t.rcv_adv[tp] + Math.min(t.rcv_wnd[tp], TCP_MAXWIN * (1 << t.rcv_scale[tp]))
      t.snd_una[tp] = t.snd_una[tp] + 1
      if (DELAY_ACK(k, tp, tlen) && tlen !== 0) tcp_timer_activate(k, tp, TT_DELACK, ctl.tcp_delacktime)
      else t.t_flags[tp] |= TF_ACKNOW
      t.t_starttime[tp] = now
      if ((t.t_flags[tp] & TF_NEEDFIN) !== 0) {
        t.t_state[tp] = TCPS_FIN_WAIT_1
        t.t_flags[tp] &= ~TF_NEEDFIN
        thflags &= ~TH_SYN
      } else {
        t.t_state[tp] = TCPS_ESTABLISHED
        cc_conn_init(k, tp)
        tcp_timer_activate(k, tp, TT_KEEP, ctl.tcp_keepidle)
      }
    } else {
      // Simultaneous open.
      t.t_flags[tp] |= TF_ACKNOW | TF_NEEDSYN
      t.t_timer[timer + TT_REXMT] = 0
      t.t_state[tp] = TCPS_SYN_RECEIVED
    }
    seq = (seq + 1) >>> 0
    if (tlen > t.rcv_wnd[tp]) {
      const todrop = tlen - t.rcv_wnd[tp]
      m_adj(k, m, -todrop)
      tlen = t.rcv_wnd[tp]
      thflags &= ~TH_FIN
      stat.tcps_rcvpackafterwin++
      stat.tcps_rcvbyteafterwin += todrop
    }
    t.snd_wl1[tp] = seq - 1
    t.rcv_up[tp] = seq
    label = (thflags & TH_ACK) !== 0 ? 1 : 2
    acceptAck = (thflags & TH_ACK) !== 0
  }

  if (label === 0) {
    // States other than SYN_SENT. First resets (RFC 5961).
    if ((thflags & TH_RST) !== 0) {
      const la = t.last_ack_sent[tp]
      if ((SEQ_GEQ(seq, la) && SEQ_LT(seq, la + t.rcv_wnd[tp])) || (t.rcv_wnd[tp] === 0 && la === seq)) {
        if (la === seq) {
          stat.tcps_drops++
          k.so.so_error[so] = t.t_state[tp] === TCPS_SYN_RECEIVED ? ECONNREFUSED : ECONNRESET
          tcp_close(k, tp)
        } else {
          stat.tcps_badrst++
          tcp_respond_tp(k, tp, t.rcv_nxt[tp], t.snd_nxt[tp], TH_ACK)
          t.last_ack_sent[tp] = t.rcv_nxt[tp]
        }
      }
      m_freem(k, m)
      return
    }
    if ((thflags & TH_SYN) !== 0 && t.t_state[tp] !== TCPS_SYN_RECEIVED) {
      stat.tcps_badsyn++
      tcp_respond_tp(k, tp, t.rcv_nxt[tp], t.snd_nxt[tp], TH_ACK)
      t.last_ack_sent[tp] = t.rcv_nxt[tp]
      m_freem(k, m)
      return
    }
    // RFC 7323 PAWS: an older timestamp is an older segment.
    if (hasTs && t.ts_recent[tp] !== 0 && ((to.to_tsval - t.ts_recent[tp]) | 0) < 0) {
      if (((now - t.ts_recent_age[tp]) | 0) > TCP_PAWS_IDLE) t.ts_recent[tp] = 0
      else {
        stat.tcps_rcvduppack++
        stat.tcps_rcvdupbyte += tlen
        stat.tcps_pawsdrop++
        if (tlen !== 0) dropafterack(k, m, tp, thflags, tlen)
        else m_freem(k, m)
        return
      }
    }
    if (t.t_state[tp] === TCPS_SYN_RECEIVED && SEQ_LT(seq, t.irs[tp])) {
      tcp_dropwithreset(k, m, tp, tlen)
      m_freem(k, m)
      return
    }
    // Cut what was received before.
    let todrop = (t.rcv_nxt[tp] - seq) | 0
    if (todrop > 0) {
      if ((thflags & TH_SYN) !== 0) {
        thflags &= ~TH_SYN
        seq = (seq + 1) >>> 0
        todrop--
      }
      if (todrop > tlen || (todrop === tlen && (thflags & TH_FIN) === 0)) {
        thflags &= ~TH_FIN
        t.t_flags[tp] |= TF_ACKNOW
        todrop = tlen
        stat.tcps_rcvduppack++
        stat.tcps_rcvdupbyte += todrop
      } else {
        stat.tcps_rcvpartduppack++
        stat.tcps_rcvpartdupbyte += todrop
      }
      drop_hdrlen += todrop
      seq = (seq + todrop) >>> 0
      tlen -= todrop
    }
    // Data for a socket whose owner is gone: reset.
    if (
      (k.so.so_state[so] & SS_NOFDREF) !== 0 &&
      t.t_state[tp] > TCPS_CLOSE_WAIT &&
      tlen !== 0 &&
      k.so.so_qstate[so] === 0
    ) {
      tcp_close(k, tp)
      stat.tcps_rcvafterclose++
      tcp_dropwithreset(k, m, 0, tlen)
      m_freem(k, m)
      return
    }
    // Cut what lies beyond the window.
    todrop = (seq + tlen - (t.rcv_nxt[tp] + t.rcv_wnd[tp])) | 0
    if (todrop > 0) {
      stat.tcps_rcvpackafterwin++
      if (todrop >= tlen) {
        stat.tcps_rcvbyteafterwin += tlen
        if (t.rcv_wnd[tp] === 0 && seq === t.rcv_nxt[tp]) {
          t.t_flags[tp] |= TF_ACKNOW
          stat.tcps_rcvwinprobe++
        } else {
          dropafterack(k, m, tp, thflags, tlen)
          return
        }
      } else stat.tcps_rcvbyteafterwin += todrop
      m_adj(k, m, -todrop)
      tlen -= todrop
      thflags &= ~(TH_PUSH | TH_FIN)
    }
    if (
      hasTs &&
      SEQ_LEQ(seq, t.last_ack_sent[tp]) &&
      SEQ_LEQ(t.last_ack_sent[tp], seq + tlen + ((thflags & (TH_SYN | TH_FIN)) !== 0 ? 1 : 0))
    ) {
      t.ts_recent_age[tp] = now
      t.ts_recent[tp] = to.to_tsval
    }
    if ((thflags & TH_ACK) === 0) {
      if (t.t_state[tp] === TCPS_SYN_RECEIVED || (t.t_flags[tp] & TF_NEEDSYN) !== 0) {
        label = 2
        acceptAck = false
      } else if ((t.t_flags[tp] & TF_ACKNOW) !== 0) {
        dropafterack(k, m, tp, thflags, tlen)
        return
      } else {
        m_freem(k, m)
        return
      }
    }
  }

  // ---- acknowledgement ----
  if (label === 0) {
    if (t.t_state[tp] === TCPS_SYN_RECEIVED) {
      stat.tcps_connects++
      soisconnectedAgain(k, so)
      if ((t.t_flags[tp] & (TF_RCVD_SCALE | TF_REQ_SCALE)) === (TF_RCVD_SCALE | TF_REQ_SCALE))
        t.rcv_scale[tp] = t.request_r_scale[tp]
      // The window of an ACK is scaled; snd_scale was known when the SYN came.
      t.snd_wnd[tp] = tiwin
      t.t_starttime[tp] = now
      if ((t.t_flags[tp] & TF_NEEDFIN) !== 0) {
        t.t_state[tp] = TCPS_FIN_WAIT_1
        t.t_flags[tp] &= ~TF_NEEDFIN
      } else {
        t.t_state[tp] = TCPS_ESTABLISHED
        cc_conn_init(k, tp)
        tcp_timer_activate(k, tp, TT_KEEP, ctl.tcp_keepidle)
      }
      if (SEQ_GT(th.ack, t.snd_una[tp]) && (t.t_flags[tp] & TF_NEEDSYN) === 0) incforsyn = true
      if (tlen === 0 && (thflags & TH_FIN) === 0) tcp_reass(k, tp, 0, 0, 0, 0)
      t.snd_wl1[tp] = seq - 1
    }
    if (SEQ_GT(th.ack, t.snd_max[tp])) {
      stat.tcps_rcvacktoomuch++
      dropafterack(k, m, tp, thflags, tlen)
      return
    }
    if ((t.t_flags[tp] & TF_SACK_PERMIT) !== 0 && ((to.to_flags & TOF_SACK) !== 0 || t.snd_holes[tp] !== 0))
      sack_changed = tcp_sack_doack(k, tp, ram, to.to_sacks, to.to_nsacks, th.ack)

    if (SEQ_LEQ(th.ack, t.snd_una[tp])) {
      if (tlen === 0 && (tiwin === t.snd_wnd[tp] || (t.t_flags[tp] & TF_SACK_PERMIT) !== 0)) {
        if ((thflags & TH_FIN) !== 0 && !TCPS_HAVERCVDFIN(t.t_state[tp])) t.t_dupacks[tp] = 0
        else {
          stat.tcps_rcvdupack++
          if (duplicateAck(k, tp, snd, nsegs, sack_changed)) {
            m_freem(k, m)
            return
          }
        }
      }
      label = 2
    } else {
      t.t_dupacks[tp] = 0
      // A fresh SACK on an advancing acknowledgement counts as a duplicate (RFC 6675).
      if (sack_changed && (to.to_flags & TOF_SACK) !== 0 && (t.t_flags[tp] & TF_SACK_PERMIT) !== 0) t.t_dupacks[tp]++
      if (IN_FASTRECOVERY(t.t_flags[tp])) {
        if (SEQ_LT(th.ack, t.snd_recover[tp])) {
          if ((t.t_flags[tp] & TF_SACK_PERMIT) !== 0) tcp_sack_partialack(k, tp, th.ack)
          else tcp_newreno_partial_ack(k, tp)
        } else cc_post_recovery(k, tp, th.ack)
      } else if ((t.t_flags[tp] & TF_CONGRECOVERY) !== 0 && SEQ_GEQ(th.ack, t.snd_recover[tp]))
        cc_post_recovery(k, tp, th.ack)
      if ((t.t_flags[tp] & TF_NEEDSYN) !== 0) {
        t.t_flags[tp] &= ~TF_NEEDSYN
        t.snd_una[tp] = t.snd_una[tp] + 1
        if ((t.t_flags[tp] & (TF_RCVD_SCALE | TF_REQ_SCALE)) === (TF_RCVD_SCALE | TF_REQ_SCALE))
          t.rcv_scale[tp] = t.request_r_scale[tp]
      }
      label = 1
    }
  }

  if (label === 1) {
    // process_ACK:
    if (incforsyn) t.snd_una[tp] = t.snd_una[tp] + 1
    const acked = (th.ack - t.snd_una[tp]) | 0
    KASSERT(acked >= 0, 'tcp_do_segment: an acknowledgement never goes back')
    stat.tcps_rcvackpack += nsegs
    stat.tcps_rcvackbyte += acked
    if (
      t.t_rxtshift[tp] === 1 &&
      (t.t_flags[tp] & TF_PREVVALID) !== 0 &&
      t.t_badrxtwin[tp] !== 0 &&
      hasTs &&
      to.to_tsecr !== 0 &&
      ((to.to_tsecr - t.t_badrxtwin[tp]) | 0) < 0
    )
      cc_cong_signal(k, tp, CC_RTO_ERR, th.ack)
    measureRtt(k, tp, now, hasTs)
    if (th.ack === t.snd_max[tp]) {
      t.t_timer[timer + TT_REXMT] = 0
      needoutput = true
    } else if (t.t_timer[timer + TT_PERSIST] === 0) tcp_timer_activate(k, tp, TT_REXMT, t.t_rxtcur[tp])
    if (acked !== 0) {
      cc_ack_received(k, tp, acked, nsegs, CC_ACK)
      const avail = b.sb_acc[snd]
      if (acked > avail) {
        t.snd_wnd[tp] = t.snd_wnd[tp] >= avail ? t.snd_wnd[tp] - avail : 0
        dropAcked(k, snd, avail)
        ourfinisacked = true
        t.t_streamAcked[tp] += avail
      } else {
        dropAcked(k, snd, acked)
        t.snd_wnd[tp] = t.snd_wnd[tp] >= acked ? t.snd_wnd[tp] - acked : 0
        t.t_streamAcked[tp] += acked
      }
      sowwakeup(k, so)
      if (!IN_RECOVERY(t.t_flags[tp]) && SEQ_GT(t.snd_una[tp], t.snd_recover[tp]) && SEQ_LEQ(th.ack, t.snd_recover[tp]))
        t.snd_recover[tp] = th.ack - 1
      if (IN_RECOVERY(t.t_flags[tp]) && SEQ_GEQ(th.ack, t.snd_recover[tp])) t.t_flags[tp] = EXIT_RECOVERY(t.t_flags[tp])
      t.snd_una[tp] = th.ack
      if ((t.t_flags[tp] & TF_SACK_PERMIT) !== 0 && SEQ_GT(t.snd_una[tp], t.snd_recover[tp]))
        t.snd_recover[tp] = t.snd_una[tp]
      if (SEQ_LT(t.snd_nxt[tp], t.snd_una[tp])) t.snd_nxt[tp] = t.snd_una[tp]
      switch (t.t_state[tp]) {
        case TCPS_FIN_WAIT_1:
          if (ourfinisacked) {
            if ((b.sb_state[rcv] & SBS_CANTRCVMORE) !== 0) {
              soisdisconnected(k, so)
              tcp_timer_activate(
                k,
                tp,
                TT_2MSL,
                ctl.tcp_fast_finwait2_recycle !== 0 ? ctl.tcp_finwait2_timeout : ctl.tcp_keepcnt * ctl.tcp_keepintvl,
              )
            }
            t.t_state[tp] = TCPS_FIN_WAIT_2
          }
          break
        case TCPS_CLOSING:
          if (ourfinisacked) {
            tcp_twstart(k, tp)
            m_freem(k, m)
            return
          }
          break
        case TCPS_LAST_ACK:
          if (ourfinisacked) {
            tcp_close(k, tp)
            m_freem(k, m)
            return
          }
          break
      }
    }
  }

  // ---- step6: window ----
  if (
    acceptAck &&
    (SEQ_LT(t.snd_wl1[tp], seq) ||
      (t.snd_wl1[tp] === seq && (SEQ_LT(t.snd_wl2[tp], th.ack) || (t.snd_wl2[tp] === th.ack && tiwin > t.snd_wnd[tp]))))
  ) {
    if (tlen === 0 && t.snd_wl2[tp] === th.ack && tiwin > t.snd_wnd[tp]) stat.tcps_rcvwinupd++
    t.snd_wnd[tp] = tiwin
    t.snd_wl1[tp] = seq
    t.snd_wl2[tp] = th.ack
    if (t.snd_wnd[tp] > t.max_sndwnd[tp]) t.max_sndwnd[tp] = t.snd_wnd[tp]
    needoutput = true
  }
  if (SEQ_GT(t.rcv_nxt[tp], t.rcv_up[tp])) t.rcv_up[tp] = t.rcv_nxt[tp]

  // ---- data ----
  if ((tlen !== 0 || (thflags & TH_FIN) !== 0) && !TCPS_HAVERCVDFIN(t.t_state[tp])) {
    const save_start = seq
    const save_rnxt = t.rcv_nxt[tp]
    const save_tlen = tlen
    let reassembled = tlen
    m_adj(k, m, drop_hdrlen)
    if (seq === t.rcv_nxt[tp] && SEGQ_EMPTY(k, tp) && TCPS_HAVEESTABLISHED(t.t_state[tp])) {
      if (DELAY_ACK(k, tp, tlen)) t.t_flags[tp] |= TF_DELACK
      else t.t_flags[tp] |= TF_ACKNOW
      t.rcv_nxt[tp] = t.rcv_nxt[tp] + tlen
      thflags &= TH_FIN
      stat.tcps_rcvpack += nsegs
      stat.tcps_rcvbyte += tlen
      if ((b.sb_state[rcv] & SBS_CANTRCVMORE) !== 0) m_freem(k, m)
      else append(k, rcv, m)
      sorwakeup(k, so)
    } else {
      thflags = tcp_reass(k, tp, seq, thflags & TH_FIN, tlen, m)
      reassembled = reass_tlen
      t.t_flags[tp] |= TF_ACKNOW
    }
    if (
      reassembled > 0 &&
      save_tlen > 0 &&
      (t.t_flags[tp] & TF_SACK_PERMIT) !== 0 &&
      TCPS_HAVEESTABLISHED(t.t_state[tp])
    )
      tcp_update_sack_list(
        k,
        tp,
        SEQ_LT(save_start, save_rnxt) ? save_rnxt : save_start,
        (save_start + save_tlen) >>> 0,
      )
  } else {
    m_freem(k, m)
    thflags &= ~TH_FIN
  }

  // ---- FIN ----
  if ((thflags & TH_FIN) !== 0) {
    if (!TCPS_HAVERCVDFIN(t.t_state[tp])) {
      socantrcvmore(k, so)
      if ((t.t_flags[tp] & TF_NEEDSYN) !== 0) t.t_flags[tp] |= TF_DELACK
      else t.t_flags[tp] |= TF_ACKNOW
      t.rcv_nxt[tp] = t.rcv_nxt[tp] + 1
    }
    switch (t.t_state[tp]) {
      case TCPS_SYN_RECEIVED:
      case TCPS_ESTABLISHED:
        t.t_state[tp] = TCPS_CLOSE_WAIT
        break
      case TCPS_FIN_WAIT_1:
        t.t_state[tp] = TCPS_CLOSING
        break
      case TCPS_FIN_WAIT_2:
        tcp_twstart(k, tp)
        return
    }
  }
  if (needoutput || (t.t_flags[tp] & TF_ACKNOW) !== 0) tcp_output(k, tp)
  if (t.t_generation[tp] === generation && t.t_inpcb[tp] !== 0) checkDelack(k, tp)
}

/** Acknowledged bytes leave the send buffer. (The kernel cuts first, wakes the writer and then frees; the order cannot be seen.) */
function dropAcked(k: Kernel, snd: number, acked: number): void {
  if (k.cost.on) k.cost.enter(FN_sbdrop)
  sbdrop(k, snd, acked)
  if (k.cost.on) k.cost.leave()
}

function append(k: Kernel, rcv: number, m: number): void {
  if (k.cost.on) k.cost.enter(FN_sbappendstream)
  sbappendstream(k, rcv, m, 0)
  if (k.cost.on) k.cost.leave()
}

/** A connection made by the syncache was announced when its socket was made; only a simultaneous open is announced here. */
function soisconnectedAgain(k: Kernel, so: number): void {
  if ((k.so.so_state[so] & 2) === 0) soisconnected(k, so)
}

/** Round-trip time from the timestamp echo, else from the timed segment. */
function measureRtt(k: Kernel, tp: number, now: number, hasTs: boolean): void {
  const t = k.inet.tcp
  if (hasTs && to.to_tsecr !== 0) tcp_xmit_timer(k, tp, ((now - to.to_tsecr) | 0) + 1)
  else if (t.t_rtttime[tp] !== 0 && SEQ_GT(th.ack, t.t_rtseq[tp])) tcp_xmit_timer(k, tp, (now - t.t_rtttime[tp]) | 0)
}

/** tcp_xmit_timer: a new measurement (ticks): smoothed round trip, deviation, retransmission timeout. */
export function tcp_xmit_timer(k: Kernel, tp: number, rtt: number): void {
  const t = k.inet.tcp
  k.inet.tcpstat.tcps_rttupdated++
  t.t_rttupdated[tp]++
  if (t.t_srtt[tp] !== 0) {
    let delta = ((rtt - 1) << TCP_DELTA_SHIFT) - (t.t_srtt[tp] >> (TCP_RTT_SHIFT - TCP_DELTA_SHIFT))
    const srtt = t.t_srtt[tp] + delta
    t.t_srtt[tp] = srtt <= 0 ? 1 : srtt
    if (delta < 0) delta = -delta
    delta -= t.t_rttvar[tp] >> (TCP_RTTVAR_SHIFT - TCP_DELTA_SHIFT)
    const rttvar = t.t_rttvar[tp] + delta
    t.t_rttvar[tp] = rttvar <= 0 ? 1 : rttvar
  } else {
    t.t_srtt[tp] = rtt << TCP_RTT_SHIFT
    t.t_rttvar[tp] = rtt << (TCP_RTTVAR_SHIFT - 1)
  }
  t.t_rtttime[tp] = 0
  t.t_rxtshift[tp] = 0
  t.t_rxtcur[tp] = TCPT_RANGESET(
    k,
    TCP_REXMTVAL(k, tp),
    rtt + 2 > t.t_rttmin[tp] ? rtt + 2 : t.t_rttmin[tp],
    TCPTV_REXMTMAX,
  )
  t.t_softerror[tp] = 0
}

/** A duplicate acknowledgement. True: the segment is done with. Source: tcp_input.c, the case SEQ_LEQ(th_ack, snd_una). */
function duplicateAck(k: Kernel, tp: number, snd: number, nsegs: number, sack_changed: boolean): boolean {
  const t = k.inet.tcp
  const stat = k.inet.tcpstat
  const maxseg = tcp_maxseg(k, tp)
  const sackPermitted = (t.t_flags[tp] & TF_SACK_PERMIT) !== 0
  // Acknowledgements that count for nothing: old ones, and with SACK those that bring no news of the scoreboard.
  if (th.ack !== t.snd_una[tp] || (sackPermitted && !sack_changed)) return false
  if (!tcp_timer_active(k, tp, TT_REXMT)) {
    t.t_dupacks[tp] = 0
    return false
  }
  t.t_dupacks[tp]++
  if (t.t_dupacks[tp] > tcprexmtthresh || IN_FASTRECOVERY(t.t_flags[tp])) {
    cc_ack_received(k, tp, 0, nsegs, CC_DUPACK)
    if (sackPermitted && IN_FASTRECOVERY(t.t_flags[tp])) {
      // New data goes out while less than half the old window is in flight.
      const awnd = ((t.snd_nxt[tp] - t.snd_fack[tp]) | 0) + t.sackhint_sack_bytes_rexmit[tp]
      if (awnd < t.snd_ssthresh[tp]) {
        t.snd_cwnd[tp] = Math.min(t.snd_cwnd[tp] + maxseg, t.snd_ssthresh[tp])
      }
    } else t.snd_cwnd[tp] = t.snd_cwnd[tp] + maxseg
    tcp_output(k, tp)
    return true
  }
  if (t.t_dupacks[tp] === tcprexmtthresh) {
    const onxt = t.snd_nxt[tp]
    if (sackPermitted) {
      if (IN_FASTRECOVERY(t.t_flags[tp])) {
        t.t_dupacks[tp] = 0
        return false
      }
    } else if (SEQ_LEQ(th.ack, t.snd_recover[tp])) {
      // Loss of the same window: it was halved once.
      t.t_dupacks[tp] = 0
      return false
    }
    cc_cong_signal(k, tp, CC_NDUPACK, th.ack)
    cc_ack_received(k, tp, 0, nsegs, CC_DUPACK)
    tcp_timer_activate(k, tp, TT_REXMT, 0)
    t.t_rtttime[tp] = 0
    if (sackPermitted) {
      stat.tcps_sack_recovery_episode++
      t.sack_newdata[tp] = t.snd_nxt[tp]
      t.snd_cwnd[tp] = maxseg
      tcp_output(k, tp)
      return true
    }
    t.snd_nxt[tp] = th.ack
    t.snd_cwnd[tp] = maxseg
    tcp_output(k, tp)
    t.snd_cwnd[tp] = t.snd_ssthresh[tp] + maxseg * (t.t_dupacks[tp] - t.snd_limited[tp])
    if (SEQ_GT(onxt, t.snd_nxt[tp])) t.snd_nxt[tp] = onxt
    return true
  }
  if (k.inet.tcpctl.tcp_do_rfc3042 !== 0) {
    // Limited transmit: the first two duplicates let one new segment out each.
    cc_ack_received(k, tp, 0, nsegs, CC_DUPACK)
    const oldcwnd = t.snd_cwnd[tp]
    const oldsndmax = t.snd_max[tp]
    if (t.t_dupacks[tp] === 1) t.snd_limited[tp] = 0
    t.snd_cwnd[tp] = ((t.snd_nxt[tp] - t.snd_una[tp]) >>> 0) + (t.t_dupacks[tp] - t.snd_limited[tp]) * maxseg
    const avail = k.sb.sb_acc[snd] - ((t.snd_nxt[tp] - t.snd_una[tp]) | 0)
    if (avail > 0 || (t.t_flags[tp] & TF_ACKNOW) !== 0) tcp_output(k, tp)
    const sent = (t.snd_max[tp] - oldsndmax) >>> 0
    if (sent > maxseg) t.snd_limited[tp] = 2
    else if (sent > 0) t.snd_limited[tp]++
    t.snd_cwnd[tp] = oldcwnd
    return true
  }
  return false
}

/** tcp_newreno_partial_ack: the next hole is sent again at once. snd_una is not advanced yet. */
function tcp_newreno_partial_ack(k: Kernel, tp: number): void {
  const t = k.inet.tcp
  const onxt = t.snd_nxt[tp]
  const ocwnd = t.snd_cwnd[tp]
  const maxseg = tcp_maxseg(k, tp)
  const acked = (th.ack - t.snd_una[tp]) >>> 0
  tcp_timer_activate(k, tp, TT_REXMT, 0)
  t.t_rtttime[tp] = 0
  t.snd_nxt[tp] = th.ack
  t.snd_cwnd[tp] = maxseg + acked
  t.t_flags[tp] |= TF_ACKNOW
  tcp_output(k, tp)
  t.snd_cwnd[tp] = ocwnd
  if (SEQ_GT(onxt, t.snd_nxt[tp])) t.snd_nxt[tp] = onxt
  t.snd_cwnd[tp] = (ocwnd > acked ? ocwnd - acked : 0) + maxseg
}

/**
 * tcp_autorcvbuf: new size of the receive buffer, or 0. Grows by half when 3/8 of it arrived within half a round trip. Source: tcp_input.c
 * tcp_autorcvbuf of 2019 (derived).
 */
function tcp_autorcvbuf(k: Kernel, tp: number, rcv: number, tlen: number, now: number): number {
  const t = k.inet.tcp
  const ctl = k.inet.tcpctl
  let newsize = 0
  if (
    ctl.tcp_do_autorcvbuf !== 0 &&
    (k.sb.sb_flags[rcv] & SB_AUTOSIZE) !== 0 &&
    t.t_srtt[tp] !== 0 &&
    t.rfbuf_ts[tp] !== 0 &&
    ((now - t.rfbuf_ts[tp]) | 0) > (t.t_srtt[tp] >> TCP_RTT_SHIFT) >> 1
  ) {
    const hiwat = k.sb.sb_hiwat[rcv]
    if (t.rfbuf_cnt[tp] > Math.floor(Math.floor(hiwat / 2) / 4) * 3 && hiwat < ctl.tcp_autorcvbuf_max)
      newsize = Math.min(hiwat + Math.floor(hiwat / 2), ctl.tcp_autorcvbuf_max)
    t.rfbuf_ts[tp] = 0
    t.rfbuf_cnt[tp] = 0
  } else t.rfbuf_cnt[tp] += tlen
  return newsize
}

/** dropafterack: the segment is not acceptable: says so with an acknowledgement. */
function dropafterack(k: Kernel, m: number, tp: number, thflags: number, tlen: number): void {
  const t = k.inet.tcp
  if (
    t.t_state[tp] === TCPS_SYN_RECEIVED &&
    (thflags & TH_ACK) !== 0 &&
    (SEQ_GT(t.snd_una[tp], th.ack) || SEQ_GT(th.ack, t.snd_max[tp]))
  ) {
    tcp_dropwithreset(k, m, tp, tlen)
    m_freem(k, m)
    return
  }
  t.t_flags[tp] |= TF_ACKNOW
  tcp_output(k, tp)
  m_freem(k, m)
}

/** tcp_dropwithreset: answers with a reset that the sender accepts. m stays the caller's. */
function tcp_dropwithreset(k: Kernel, m: number, tp: number, tlen: number): void {
  if ((th.flags & TH_RST) !== 0 || (k.mb.m_flags[m] & (M_BCAST | M_MCAST)) !== 0) return
  if ((th.flags & TH_ACK) !== 0) tcp_respond(k, tp, th.dst, th.dport, th.src, th.sport, 0, th.ack, TH_RST)
  else {
    let len = tlen
    if ((th.flags & TH_SYN) !== 0) len++
    if ((th.flags & TH_FIN) !== 0) len++
    tcp_respond(k, tp, th.dst, th.dport, th.src, th.sport, (th.seq + len) >>> 0, 0, TH_RST | TH_ACK)
  }
}

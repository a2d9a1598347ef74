/**
 * tcp_output: decides what may be sent and sends it, one call a burst. With TSO a burst is up to 64 KiB that the card cuts into segments.
 * Source: sys/netinet/tcp_output.c of mid 2019 (read; reference kernel-mbuf-sendfile 4.3, 4.5, 5.3). No TCP-MD5, Fast Open, ECN, urgent data.
 * One long function, as in the kernel: what it decides early it uses late.
 */
import { m_free, m_gethdr, mtodAddr } from '../kern/kern_mbuf'
import { m_copydata } from '../kern/uipc_mbuf'
import { sbreserve, sbsndptr_adv, sbsndptr_noadv, sbspace, sndMoff } from '../kern/uipc_sockbuf'
import type { Kernel } from '../kernel'
import { CAUSE, functionId } from '../machine/cost'
import { EACCES, EHOSTDOWN, EHOSTUNREACH, EMSGSIZE, ENETDOWN, ENETUNREACH, ENOBUFS, EPERM } from '../sys/errno'
import { CSUM_IP6_TCP, CSUM_IP6_TSO, CSUM_IP_TCP, CSUM_IP_TSO, max_linkhdr, MHLEN, MT_DATA } from '../sys/mbuf'
import { M_NOWAIT } from '../sys/param'
import { SB_AUTOSIZE } from '../sys/sockbuf'
import { KASSERT, panic } from '../sys/systm'
import {
  IP_DF,
  IP_HDRLEN,
  IP_LEN,
  IP_MAXPACKET,
  IP_OFF,
  in_pseudo,
  IPPROTO_TCP,
  put16,
  put32,
  SEQ_GEQ,
  SEQ_GT,
  SEQ_LT,
  TCP_HDRLEN,
  TCPIP6_HDRLEN,
  TCPIP_HDRLEN,
  TH_ACK,
  TH_ACKNO,
  TH_FIN,
  TH_FLAGS,
  TH_OFFX,
  TH_PUSH,
  TH_RST,
  TH_SEQ,
  TH_SUM,
  TH_SYN,
  TH_WIN,
} from './in'
import { INP_IPV6 } from './in_pcb'
import { in6_cksum_pseudo, IP6_HDRLEN } from '../netinet6/in6'
import { ip6_output } from '../netinet6/ip6_output'
import { ip_output } from './ip_output'
import { cc_after_idle } from './tcp_newreno'
import { copym_len, tcp_m_copym } from './tcp_m_copym'
import { probeTcpDone, probeTcpOutput } from './tcp_probe'
import { tcp_sack_adjust, tcp_sack_output } from './tcp_sack'
import {
  in6_flowlabel,
  putTimestamps,
  tcp_mss_update,
  tcp_mssopt,
  tcpip6_fillheaders,
  tcpip_fillheaders,
} from './tcp_subr'
import { putSynOptions } from './tcp_syncache'
import { tcp_timer_activate, tcp_timer_active, TCPT_RANGESET } from './tcp_timer'
import {
  IN_FASTRECOVERY,
  MAX_SACK_BLKS,
  tcp_backoff,
  TCP_MAXRXTSHIFT,
  TCP_MAXWIN,
  TCPS_CLOSED,
  TCPS_CLOSE_WAIT,
  TCPS_CLOSING,
  TCPS_ESTABLISHED,
  TCPS_FIN_WAIT_1,
  TCPS_FIN_WAIT_2,
  TCPS_HAVEESTABLISHED,
  TCPS_HAVERCVDFIN,
  TCPS_HAVERCVDSYN,
  TCPS_LAST_ACK,
  TCPS_LISTEN,
  TCPS_SYN_RECEIVED,
  TCPS_SYN_SENT,
  TCPS_TIME_WAIT,
  TF_ACKNOW,
  TF_DELACK,
  TF_FORCEDATA,
  TF_LASTIDLE,
  TF_MORETOCOME,
  TF_NEEDFIN,
  TF_NEEDSYN,
  TF_NODELAY,
  TF_NOOPT,
  TF_NOPUSH,
  TF_PREVVALID,
  TF_RCVD_TSTMP,
  TF_REQ_SCALE,
  TF_REQ_TSTMP,
  TF_RXWIN0SENT,
  TF_SACK_PERMIT,
  TF_SENTFIN,
  TF_TSO,
  ticks,
  TT_COUNT,
  TT_DELACK,
  TT_PERSIST,
  TT_REXMT,
} from './tcp_var'

const FN_tcp_output = functionId('tcp_output')

/** Flags a segment carries by state. Source: tcp_fsm.h tcp_outflags. */
const tcp_outflags = new Uint8Array(11)
tcp_outflags[TCPS_CLOSED] = TH_RST | TH_ACK
tcp_outflags[TCPS_LISTEN] = 0
tcp_outflags[TCPS_SYN_SENT] = TH_SYN
tcp_outflags[TCPS_SYN_RECEIVED] = TH_SYN | TH_ACK
tcp_outflags[TCPS_ESTABLISHED] = TH_ACK
tcp_outflags[TCPS_CLOSE_WAIT] = TH_ACK
tcp_outflags[TCPS_FIN_WAIT_1] = TH_FIN | TH_ACK
tcp_outflags[TCPS_CLOSING] = TH_FIN | TH_ACK
tcp_outflags[TCPS_LAST_ACK] = TH_FIN | TH_ACK
tcp_outflags[TCPS_FIN_WAIT_2] = TH_ACK
tcp_outflags[TCPS_TIME_WAIT] = TH_ACK

/** Options of the segment being built. */
const opt = new Uint8Array(40)

/** Sends whatever may and must be sent now. 0 or errno; ENOBUFS is swallowed (the retransmit timer repairs it). */
export function tcp_output(k: Kernel, tp: number): number {
  if (k.cost.on) k.cost.enter(FN_tcp_output)
  const error = output(k, tp)
  if (k.cost.on) k.cost.leave()
  return error
}

function output(k: Kernel, tp: number): number {
  const t = k.inet.tcp
  const stat = k.inet.tcpstat
  const p = k.inet.inp
  const inp = t.t_inpcb[tp]
  const so = p.inp_socket[inp]
  const snd = k.so.so_snd[so]
  const rcv = k.so.so_rcv[so]
  const b = k.sb
  const timer = tp * TT_COUNT
  const isipv6 = (p.inp_flags[inp] & INP_IPV6) !== 0

  let idle = (t.t_flags[tp] & TF_LASTIDLE) !== 0 || t.snd_max[tp] === t.snd_una[tp]
  if (idle && ((ticks(k) - t.t_rcvtime[tp]) | 0) >= t.t_rxtcur[tp]) cc_after_idle(k, tp)
  t.t_flags[tp] &= ~TF_LASTIDLE
  if (idle && (t.t_flags[tp] & TF_MORETOCOME) !== 0) {
    t.t_flags[tp] |= TF_LASTIDLE
    idle = false
  }

  for (;;) {
    // again:
    if ((t.t_flags[tp] & TF_SACK_PERMIT) !== 0 && SEQ_LT(t.snd_nxt[tp], t.snd_max[tp])) tcp_sack_adjust(k, tp)
    let sendalot = false
    let tso = false
    let off = (t.snd_nxt[tp] - t.snd_una[tp]) | 0
    let sendwin = Math.min(t.snd_wnd[tp], t.snd_cwnd[tp])
    let flags = tcp_outflags[t.t_state[tp]]
    const h = k.inet.hole

    // Retransmissions from the SACK scoreboard come first.
    let sackHole = 0
    let sack_bytes_rxmt = 0
    let len = 0
    if ((t.t_flags[tp] & TF_SACK_PERMIT) !== 0 && IN_FASTRECOVERY(t.t_flags[tp])) {
      sack_bytes_rxmt = t.sackhint_sack_bytes_rexmit[tp]
      let hole = tcp_sack_output(k, tp)
      if (hole !== 0) {
        const cwin = Math.max(sendwin - sack_bytes_rxmt, 0)
        if (SEQ_GT(h.end[hole], t.snd_recover[tp])) {
          // Beyond the recovery point only what lies before it.
          if (SEQ_GEQ(h.rxmit[hole], t.snd_recover[tp])) hole = 0
          else len = Math.min(cwin, (t.snd_recover[tp] - h.rxmit[hole]) >>> 0)
        } else len = Math.min(cwin, (h.end[hole] - h.rxmit[hole]) >>> 0)
        if (hole !== 0) {
          off = (h.rxmit[hole] - t.snd_una[tp]) | 0
          KASSERT(off >= 0, 'tcp_output: a SACK hole begins left of snd_una')
          if (len > 0) {
            sackHole = hole
            sendalot = true
            stat.tcps_sack_rexmits++
            stat.tcps_sack_rexmit_bytes += Math.min(len, t.t_maxseg[tp])
          }
        }
      }
    }
    if ((t.t_flags[tp] & TF_NEEDFIN) !== 0) flags |= TH_FIN
    if ((t.t_flags[tp] & TF_NEEDSYN) !== 0) flags |= TH_SYN

    // Window probe: one byte through a closed window.
    if ((t.t_flags[tp] & TF_FORCEDATA) !== 0) {
      if (sendwin === 0) {
        if (off < b.sb_ccc[snd]) flags &= ~TH_FIN
        sendwin = 1
      } else {
        tcp_timer_activate(k, tp, TT_PERSIST, 0)
        t.t_rxtshift[tp] = 0
      }
    }

    if (sackHole === 0) {
      if (sack_bytes_rxmt === 0) len = Math.min(b.sb_acc[snd], sendwin) - off
      else {
        // In SACK recovery, everything of the scoreboard sent again: new data as far as the window allows.
        len = Math.min(b.sb_acc[snd], t.snd_wnd[tp]) - off
        if (len > 0) {
          const cwin = t.snd_cwnd[tp] - ((t.snd_nxt[tp] - t.sack_newdata[tp]) | 0) - sack_bytes_rxmt
          len = Math.min(len, Math.max(cwin, 0))
        }
      }
    }

    // The SYN was sent before: it takes one number, no data.
    if ((flags & TH_SYN) !== 0 && SEQ_GT(t.snd_nxt[tp], t.snd_una[tp])) {
      if (t.t_state[tp] !== TCPS_SYN_RECEIVED) flags &= ~TH_SYN
      off--
      len++
    }
    if ((flags & TH_SYN) !== 0) {
      // No data and no FIN on SYN: without Fast Open nothing is available then anyway.
      len = 0
      if ((t.t_flags[tp] & TF_NOOPT) !== 0) flags &= ~TH_FIN
    }
    // A reset carries no data. (The kernel of 2019 may put some on it; nobody reads it.)
    if ((flags & TH_RST) !== 0) len = 0
    if (len <= 0) {
      len = 0
      // Data waits and the window is closed: probe from time to time.
      if (sendwin === 0 && TCPS_HAVEESTABLISHED(t.t_state[tp]) && off < b.sb_acc[snd]) {
        tcp_timer_activate(k, tp, TT_REXMT, 0)
        t.t_rxtshift[tp] = 0
        t.snd_nxt[tp] = t.snd_una[tp]
        if (!tcp_timer_active(k, tp, TT_PERSIST)) tcp_setpersist(k, tp)
      }
    }

    tcp_sndbuf_autoscale(k, tp, snd, sendwin)

    if (
      (t.t_flags[tp] & TF_TSO) !== 0 &&
      k.inet.tcpctl.tcp_do_tso !== 0 &&
      len > t.t_maxseg[tp] &&
      t.rcv_numsacks[tp] === 0 &&
      sackHole === 0 &&
      (flags & TH_SYN) === 0
    )
      tso = true

    const end = sackHole !== 0 ? h.rxmit[sackHole] + len : t.snd_nxt[tp] + len
    if (SEQ_LT(end, t.snd_una[tp] + b.sb_ccc[snd])) flags &= ~TH_FIN

    const scale = t.rcv_scale[tp]
    let recwin = sbspace(k, rcv)
    if (recwin < 0) recwin = 0
    if (recwin > TCP_MAXWIN << scale) recwin = TCP_MAXWIN << scale

    // ---- is there a reason to send? ----
    if (!shouldSend(k, tp, snd, rcv, len, off, flags, recwin, idle, sackHole !== 0)) return 0

    // ---- send: ----
    let hdrlen = isipv6 ? TCPIP6_HDRLEN : TCPIP_HDRLEN
    let optlen = 0
    if ((t.t_flags[tp] & TF_NOOPT) === 0) {
      if ((flags & TH_SYN) !== 0) {
        t.snd_nxt[tp] = t.iss[tp]
        optlen = putSynOptions(
          opt,
          0,
          tcp_mssopt(k, p.inp_faddr[inp]),
          (t.t_flags[tp] & TF_REQ_SCALE) !== 0 ? t.request_r_scale[tp] : -1,
          (t.t_flags[tp] & TF_SACK_PERMIT) !== 0,
          (t.t_flags[tp] & TF_REQ_TSTMP) !== 0,
          (ticks(k) + t.ts_offset[tp]) >>> 0,
          t.ts_recent[tp],
        )
        if (t.t_rxtshift[tp] === 1 && (t.t_flags[tp] & TF_REQ_TSTMP) !== 0) t.t_badrxtwin[tp] = ticks(k)
      } else {
        if ((t.t_flags[tp] & TF_RCVD_TSTMP) !== 0) {
          const now = ticks(k)
          putTimestamps(opt, 0, (now + t.ts_offset[tp]) >>> 0, t.ts_recent[tp])
          optlen = 12
          if (t.t_rxtshift[tp] === 1) t.t_badrxtwin[tp] = now
        }
        if ((t.t_flags[tp] & TF_SACK_PERMIT) !== 0 && TCPS_HAVEESTABLISHED(t.t_state[tp]) && t.rcv_numsacks[tp] > 0)
          optlen = putSackOption(k, tp, optlen)
      }
      // Receive buffer autosizing measures from here.
      if (t.rfbuf_ts[tp] === 0 && (b.sb_flags[rcv] & SB_AUTOSIZE) !== 0) t.rfbuf_ts[tp] = ticks(k)
    }
    hdrlen += optlen

    let segcount = 0
    let segsize = 0
    if (len + optlen > t.t_maxseg[tp]) {
      flags &= ~TH_FIN
      const payload = t.t_maxseg[tp] - optlen
      if (tso) {
        segcount = t.t_tsomaxsegcount[tp]
        segsize = t.t_tsomaxsegsize[tp]
        if (t.t_tsomax[tp] !== 0) {
          const most = t.t_tsomax[tp] - hdrlen - max_linkhdr
          if (most <= 0) len = 0
          else if (len > most) {
            sendalot = true
            len = most
          }
        }
        // Whole segments, unless this empties the buffer.
        if (off + len < b.sb_acc[snd]) {
          const rest = len % payload
          if (rest !== 0) {
            len -= rest
            sendalot = true
          }
        }
        if (len <= payload) {
          len = payload
          sendalot = true
          tso = false
        }
        // FIN goes in a segment of its own: cards are not trusted to clear it on all but the last.
        if ((t.t_flags[tp] & TF_NEEDFIN) !== 0) sendalot = true
      } else {
        len = payload
        sendalot = true
      }
    } else tso = false
    KASSERT(len + hdrlen <= IP_MAXPACKET, 'tcp_output: a packet is not longer than IP_MAXPACKET')

    let error = 0
    let m: number
    if (len !== 0) {
      if ((t.t_flags[tp] & TF_FORCEDATA) !== 0 && len === 1) stat.tcps_sndprobe++
      else if (SEQ_LT(t.snd_nxt[tp], t.snd_max[tp]) || sackHole !== 0) {
        t.t_sndrexmitpack[tp]++
        stat.tcps_sndrexmitpack++
        stat.tcps_sndrexmitbyte += len
      } else {
        stat.tcps_sndpack++
        stat.tcps_sndbyte += len
      }
      m = m_gethdr(k, M_NOWAIT, MT_DATA)
      if (m === 0) error = ENOBUFS
      else {
        const mb = k.mb
        mb.m_data[m] += max_linkhdr
        mb.m_len[m] = hdrlen
        const start = sbsndptr_noadv(k, snd, off)
        const moff = sndMoff
        if (len <= MHLEN - hdrlen - max_linkhdr) {
          // Fits beside the headers: copied, so that no unmapped mbuf travels for a few bytes.
          m_copydata(k, start, moff, len, k.phys.ram, mtodAddr(k, m) + hdrlen)
          if (SEQ_LT(t.snd_nxt[tp], t.snd_max[tp])) sbsndptr_adv(k, snd, start, len)
          k.mb.m_len[m] += len
        } else {
          const msb = SEQ_LT(t.snd_nxt[tp], t.snd_max[tp]) ? 0 : snd
          const chain = tcp_m_copym(k, start, moff, len, segcount, segsize, msb)
          len = copym_len
          // Shortened to one segment: no TSO for this packet, and no sendalot either: mbufs or segments are scarce.
          if (len <= t.t_maxseg[tp] - optlen) tso = false
          if (chain === 0) {
            m_free(k, m)
            error = ENOBUFS
          } else k.mb.m_next[m] = chain
        }
        if (off + len === b.sb_ccc[snd] && (flags & TH_SYN) === 0) flags |= TH_PUSH
      }
    } else {
      if ((t.t_flags[tp] & TF_ACKNOW) !== 0) stat.tcps_sndacks++
      else if ((flags & (TH_SYN | TH_FIN | TH_RST)) !== 0) stat.tcps_sndctrl++
      else stat.tcps_sndwinup++
      m = m_gethdr(k, M_NOWAIT, MT_DATA)
      if (m === 0) error = ENOBUFS
      else {
        k.mb.m_data[m] += max_linkhdr
        k.mb.m_len[m] = hdrlen
      }
    }

    if (error !== 0) sackHole = 0
    else {
      if (k.cost.on) k.cost.charge(CAUSE.protocol, k.cost.p.tcpOutput)
      const mb = k.mb
      const ram = k.phys.ram
      const at = mtodAddr(k, m)
      const th = at + (isipv6 ? IP6_HDRLEN : IP_HDRLEN)
      if (isipv6) fillheaders6(k, ram, at, inp)
      else
        tcpip_fillheaders(
          k,
          ram,
          at,
          p.inp_laddr[inp],
          p.inp_lport[inp],
          p.inp_faddr[inp],
          p.inp_fport[inp],
          p.inp_ip_ttl[inp],
        )
      // A FIN that is sent again keeps its number.
      if ((flags & TH_FIN) !== 0 && (t.t_flags[tp] & TF_SENTFIN) !== 0 && t.snd_nxt[tp] === t.snd_max[tp])
        t.snd_nxt[tp] = t.snd_nxt[tp] - 1
      if (sackHole === 0) {
        const seq =
          len !== 0 || (flags & (TH_SYN | TH_FIN)) !== 0 || t.t_timer[timer + TT_PERSIST] !== 0
            ? t.snd_nxt[tp]
            : t.snd_max[tp]
        put32(ram, th + TH_SEQ, seq)
      } else {
        put32(ram, th + TH_SEQ, h.rxmit[sackHole])
        h.rxmit[sackHole] = h.rxmit[sackHole] + len
        t.sackhint_sack_bytes_rexmit[tp] += len
      }
      put32(ram, th + TH_ACKNO, t.rcv_nxt[tp])
      for (let i = 0; i < optlen; i++) ram[th + TCP_HDRLEN + i] = opt[i]
      ram[th + TH_OFFX] = ((TCP_HDRLEN + optlen) >> 2) << 4
      ram[th + TH_FLAGS] = flags
      // Window: never shrinks, never silly.
      if ((flags & TH_RST) !== 0) recwin = 0
      else {
        if (recwin < b.sb_hiwat[rcv] >>> 2 && recwin < t.t_maxseg[tp]) recwin = 0
        if (SEQ_GT(t.rcv_adv[tp], t.rcv_nxt[tp]) && recwin < (t.rcv_adv[tp] - t.rcv_nxt[tp]) >>> 0)
          recwin = (t.rcv_adv[tp] - t.rcv_nxt[tp]) >>> 0
      }
      let win: number
      if ((flags & TH_SYN) !== 0) {
        win = sbspace(k, rcv)
        win = win < 0 ? 0 : win > TCP_MAXWIN ? TCP_MAXWIN : win
      } else {
        win = recwin >>> scale
        if (win > TCP_MAXWIN) win = TCP_MAXWIN
      }
      put16(ram, th + TH_WIN, win)
      if (win === 0) {
        t.t_sndzerowin[tp]++
        t.t_flags[tp] |= TF_RXWIN0SENT
      } else t.t_flags[tp] &= ~TF_RXWIN0SENT
      t.snd_up[tp] = t.snd_una[tp]
      mb.ph_len[m] = hdrlen + len
      mb.ph_rcvif[m] = 0
      mb.ph_csum_data[m] = TH_SUM
      const tcplen = TCP_HDRLEN + optlen + len
      if (isipv6) {
        mb.ph_csum_flags[m] = tso ? CSUM_IP6_TCP | CSUM_IP6_TSO : CSUM_IP6_TCP
        put16(ram, th + TH_SUM, in6_cksum_pseudo(k, p.inp_laddr[inp], p.inp_faddr[inp], tcplen, IPPROTO_TCP))
      } else {
        mb.ph_csum_flags[m] = tso ? CSUM_IP_TCP | CSUM_IP_TSO : CSUM_IP_TCP
        put16(ram, th + TH_SUM, in_pseudo(p.inp_laddr[inp], p.inp_faddr[inp], tcplen, IPPROTO_TCP))
      }
      if (tso) {
        KASSERT(len > t.t_maxseg[tp] - optlen, 'tcp_output: TSO only for more than one segment')
        mb.ph_tso_segsz[m] = t.t_maxseg[tp] - optlen
        stat.lab_tsobursts++
      }
      if (!isipv6) {
        put16(ram, at + IP_LEN, hdrlen + len)
        if (k.inet.tcpctl.path_mtu_discovery !== 0 && t.t_maxseg[tp] > k.inet.tcpctl.tcp_minmss)
          put16(ram, at + IP_OFF, IP_DF)
      }
      const probed = k.machine.probe.control.tcpcb === tp && len !== 0
      if (probed) probeTcpOutput(k, tp, m, off, len, hdrlen, tso, sackHole !== 0)
      error = isipv6 ? ip6_output(k, m, inp) : ip_output(k, m, inp, 0)
      if (probed) probeTcpDone(k, error)
    }

    // ---- out: ----
    if ((t.t_flags[tp] & TF_FORCEDATA) === 0 || t.t_timer[timer + TT_PERSIST] === 0) {
      const startseq = t.snd_nxt[tp]
      if ((flags & TH_SYN) !== 0) t.snd_nxt[tp] = t.snd_nxt[tp] + 1
      if ((flags & TH_FIN) !== 0) {
        t.snd_nxt[tp] = t.snd_nxt[tp] + 1
        t.t_flags[tp] |= TF_SENTFIN
      }
      if (sackHole === 0) {
        t.snd_nxt[tp] = t.snd_nxt[tp] + len
        if (SEQ_GT(t.snd_nxt[tp], t.snd_max[tp])) {
          t.snd_max[tp] = t.snd_nxt[tp]
          if (t.t_rtttime[tp] === 0) {
            t.t_rtttime[tp] = ticks(k)
            t.t_rtseq[tp] = startseq
            stat.tcps_segstimed++
          }
        }
      }
      if (
        t.t_timer[timer + TT_REXMT] === 0 &&
        ((sackHole !== 0 && t.snd_nxt[tp] !== t.snd_max[tp]) || t.snd_nxt[tp] !== t.snd_una[tp])
      ) {
        if (t.t_timer[timer + TT_PERSIST] !== 0) {
          tcp_timer_activate(k, tp, TT_PERSIST, 0)
          t.t_rxtshift[tp] = 0
        }
        tcp_timer_activate(k, tp, TT_REXMT, t.t_rxtcur[tp])
      } else if (
        len === 0 &&
        b.sb_acc[snd] !== 0 &&
        t.t_timer[timer + TT_REXMT] === 0 &&
        t.t_timer[timer + TT_PERSIST] === 0
      ) {
        // Something was sent though the window is closed and data waits: nobody else would start probing.
        t.t_rxtshift[tp] = 0
        tcp_setpersist(k, tp)
      }
    } else {
      let xlen = len
      if ((flags & TH_SYN) !== 0) xlen++
      if ((flags & TH_FIN) !== 0) {
        xlen++
        t.t_flags[tp] |= TF_SENTFIN
      }
      if (SEQ_GT(t.snd_nxt[tp] + xlen, t.snd_max[tp])) t.snd_max[tp] = t.snd_nxt[tp] + xlen
    }

    if (error !== 0) {
      // The packet is known to be lost: take the numbers back.
      if (
        ((t.t_flags[tp] & TF_FORCEDATA) === 0 || t.t_timer[timer + TT_PERSIST] === 0) &&
        (flags & TH_SYN) === 0 &&
        error !== EPERM
      ) {
        if (sackHole !== 0) {
          h.rxmit[sackHole] = h.rxmit[sackHole] - len
          t.sackhint_sack_bytes_rexmit[tp] -= len
        } else t.snd_nxt[tp] = t.snd_nxt[tp] - len
      }
      switch (error) {
        case EACCES:
        case EPERM:
          t.t_softerror[tp] = error
          return error
        case ENOBUFS:
          // One segment may be in flight, the retransmit timer sends again (reference sendfile 4.3).
          stat.lab_nobufs++
          t.snd_cwnd[tp] = t.t_maxseg[tp]
          return 0
        case EMSGSIZE: {
          if (tso) t.t_flags[tp] &= ~TF_TSO
          const ifp = p.inp_routeifp[inp]
          if (ifp !== 0) {
            tcp_mss_update(k, tp, -1, k.ifnet.if_mtu[ifp])
            continue
          }
          return error
        }
        case EHOSTDOWN:
        case EHOSTUNREACH:
        case ENETDOWN:
        case ENETUNREACH:
          if (TCPS_HAVERCVDSYN(t.t_state[tp])) {
            t.t_softerror[tp] = error
            return 0
          }
          return error
        default:
          return error
      }
    }
    stat.tcps_sndtotal++
    if (SEQ_GT(t.rcv_nxt[tp] + recwin, t.rcv_adv[tp])) t.rcv_adv[tp] = t.rcv_nxt[tp] + recwin
    t.last_ack_sent[tp] = t.rcv_nxt[tp]
    t.t_flags[tp] &= ~(TF_ACKNOW | TF_DELACK)
    t.t_timer[timer + TT_DELACK] = 0
    if (!sendalot) return 0
  }
}

/** IPv6 and TCP header of a segment of a connection. */
function fillheaders6(k: Kernel, ram: Uint8Array, at: number, inp: number): void {
  const p = k.inet.inp
  const laddr = p.inp_laddr[inp]
  const lport = p.inp_lport[inp]
  const faddr = p.inp_faddr[inp]
  const fport = p.inp_fport[inp]
  tcpip6_fillheaders(k, ram, at, laddr, lport, faddr, fport, in6_flowlabel(k, laddr, lport, faddr, fport))
}

/** The tests between "what could go" and "send": silly window avoidance, Nagle, window updates, ACKs owed. Starts the persist timer when nothing goes. */
function shouldSend(
  k: Kernel,
  tp: number,
  snd: number,
  rcv: number,
  len: number,
  off: number,
  flags: number,
  recwin: number,
  idle: boolean,
  sack_rxmit: boolean,
): boolean {
  const t = k.inet.tcp
  const b = k.sb
  const tf = t.t_flags[tp]
  if (len !== 0) {
    if (len >= t.t_maxseg[tp]) return true
    if (
      (tf & TF_MORETOCOME) === 0 &&
      (idle || (tf & TF_NODELAY) !== 0) &&
      len + off >= b.sb_acc[snd] &&
      (tf & TF_NOPUSH) === 0
    )
      return true
    if ((tf & TF_FORCEDATA) !== 0) return true
    if (t.max_sndwnd[tp] > 0 && len >= t.max_sndwnd[tp] >>> 1) return true
    if (SEQ_LT(t.snd_nxt[tp], t.snd_max[tp])) return true
    if (sack_rxmit) return true
  }
  // A window update by itself: only when the window grows by much.
  if (recwin > 0 && (tf & TF_NEEDSYN) === 0 && (tf & TF_DELACK) === 0 && !TCPS_HAVERCVDFIN(t.t_state[tp])) {
    const scale = t.rcv_scale[tp]
    let adv = recwin
    let oldwin = 0
    if (SEQ_GT(t.rcv_adv[tp], t.rcv_nxt[tp])) {
      oldwin = (t.rcv_adv[tp] - t.rcv_nxt[tp]) | 0
      adv -= oldwin
    }
    if (oldwin >> scale < (adv + oldwin) >> scale) {
      const hiwat = b.sb_hiwat[rcv]
      if (
        adv >= 2 * t.t_maxseg[tp] &&
        (adv >= hiwat >>> 2 || recwin <= hiwat >>> 3 || hiwat <= 8 * t.t_maxseg[tp] || adv >= TCP_MAXWIN << scale)
      )
        return true
      if (2 * adv >= hiwat) return true
    }
  }
  if ((tf & TF_ACKNOW) !== 0) return true
  if ((flags & TH_RST) !== 0 || ((flags & TH_SYN) !== 0 && (tf & TF_NEEDSYN) === 0)) return true
  if (SEQ_GT(t.snd_up[tp], t.snd_una[tp])) return true
  if ((flags & TH_FIN) !== 0 && ((tf & TF_SENTFIN) === 0 || t.snd_nxt[tp] === t.snd_una[tp])) return true
  if (
    (tf & TF_SACK_PERMIT) !== 0 &&
    SEQ_GT(t.snd_max[tp], t.snd_una[tp]) &&
    !tcp_timer_active(k, tp, TT_REXMT) &&
    !tcp_timer_active(k, tp, TT_PERSIST)
  ) {
    tcp_timer_activate(k, tp, TT_REXMT, t.t_rxtcur[tp])
    return false
  }
  if (b.sb_acc[snd] !== 0 && !tcp_timer_active(k, tp, TT_REXMT) && !tcp_timer_active(k, tp, TT_PERSIST)) {
    t.t_rxtshift[tp] = 0
    tcp_setpersist(k, tp)
  }
  return false
}

/** Appends a SACK option to `opt` and gives the new length. As many blocks as fit in 40 bytes. */
function putSackOption(k: Kernel, tp: number, optlen: number): number {
  const t = k.inet.tcp
  let n = optlen
  while (n % 4 !== 2) opt[n++] = 1
  const blocks = Math.min(t.rcv_numsacks[tp], Math.floor((40 - n - 2) / 8))
  if (blocks <= 0) return optlen
  opt[n++] = 5
  opt[n++] = 2 + 8 * blocks
  for (let i = 0; i < blocks; i++) {
    put32(opt, n, t.sackblks_start[tp * MAX_SACK_BLKS + i])
    put32(opt, n + 4, t.sackblks_end[tp * MAX_SACK_BLKS + i])
    n += 8
  }
  k.inet.tcpstat.tcps_sack_send_blocks++
  return n
}

/** tcp_setpersist: (re)starts the window probe timer, with back-off. */
export function tcp_setpersist(k: Kernel, tp: number): void {
  const t = k.inet.tcp
  const c = k.inet.tcpctl
  t.t_flags[tp] &= ~TF_PREVVALID
  if (tcp_timer_active(k, tp, TT_REXMT)) panic('tcp_setpersist: the retransmit timer runs')
  const base = ((t.t_srtt[tp] >> 2) + t.t_rttvar[tp]) >> 1
  const time = TCPT_RANGESET(k, base * tcp_backoff[t.t_rxtshift[tp]], c.tcp_persmin, c.tcp_persmax)
  tcp_timer_activate(k, tp, TT_PERSIST, time)
  if (t.t_rxtshift[tp] < TCP_MAXRXTSHIFT) t.t_rxtshift[tp]++
}

/**
 * tcp_sndbuf_autoscale: grows the send buffer by one step when window, fill and congestion window could use it. A refused step clears SB_AUTOSIZE: with
 * the default kern.ipc.maxsockbuf that happens below sendbuf_max (reference sendfile 5.3).
 */
export function tcp_sndbuf_autoscale(k: Kernel, tp: number, snd: number, sendwin: number): void {
  const c = k.inet.tcpctl
  const b = k.sb
  if (c.tcp_do_autosndbuf === 0 || (b.sb_flags[snd] & SB_AUTOSIZE) === 0) return
  const t = k.inet.tcp
  const lowat = c.tcp_sendbuf_auto_lowat !== 0 ? b.sb_lowat[snd] : 0
  const hiwat = b.sb_hiwat[snd]
  const used = b.sb_ccc[snd]
  if (
    Math.floor(t.snd_wnd[tp] / 4) * 5 >= hiwat - lowat &&
    used >= Math.floor(hiwat / 8) * 7 - lowat &&
    used < c.tcp_autosndbuf_max &&
    sendwin >= used - ((t.snd_nxt[tp] - t.snd_una[tp]) | 0)
  ) {
    if (sbreserve(k, snd, Math.min(hiwat + c.tcp_autosndbuf_inc, c.tcp_autosndbuf_max)))
      k.inet.tcpstat.lab_sndbufgrown++
    else {
      k.inet.tcpstat.lab_sndbufrefused++
      b.sb_flags[snd] &= ~SB_AUTOSIZE
    }
  }
}

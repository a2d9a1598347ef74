/**
 * What sockets ask of TCP: attach, bind, listen, connect, send, receive, shut down, close. Source: sys/netinet/tcp_usrreq.c (derived; reference
 * kernel-mbuf-sendfile 6.5 for tcp_usr_ready).
 */
import { m_freem } from '../kern/kern_mbuf'
import { mb_free_notready } from '../kern/kern_mbuf_ext_pgs'
import { sbappendstream, sbflush, sbready, soreserve } from '../kern/uipc_sockbuf'
import { socantsendmore, soisconnecting, soisdisconnected, soisdisconnecting } from '../kern/uipc_socket'
import type { Kernel } from '../kernel'
import { functionId } from '../machine/cost'
import { EADDRNOTAVAIL, EAFNOSUPPORT, ECONNABORTED, ECONNRESET, EINVAL, EISCONN, ENOPROTOOPT } from '../sys/errno'
import { PRUS_EOF, PRUS_MORETOCOME, PRUS_NOTREADY, SB_AUTOSIZE } from '../sys/sockbuf'
import { AF_INET6, SO_LINGER, SO_REUSEADDR, SS_PROTOREF, TCP_MAXSEG, TCP_NODELAY, TCP_NOPUSH } from '../sys/socket'
import {
  in_pcballoc,
  in_pcbbind,
  in_pcbconnect,
  in_pcbdetach,
  in_pcbfree,
  in_pcblisten,
  INP_DROPPED,
  INP_IPV6,
  INP_SOCKREF,
  INP_TIMEWAIT,
} from './in_pcb'
import { isInet6 } from '../netinet6/in6'
import { tcp_output } from './tcp_output'
import {
  tcp_close,
  tcp_discardcb,
  tcp_drop,
  tcp_new_isn,
  tcp_new_ts_offset,
  tcp_newtcpcb,
  tcp_request_scale,
} from './tcp_subr'
import { syncache_listenClosed } from './tcp_syncache'
import { tcp_timer_activate } from './tcp_timer'
import { tcp_twdetach } from './tcp_timewait'
import {
  TCPS_CLOSE_WAIT,
  TCPS_CLOSED,
  TCPS_ESTABLISHED,
  TCPS_FIN_WAIT_1,
  TCPS_FIN_WAIT_2,
  TCPS_LAST_ACK,
  TCPS_LISTEN,
  TCPS_SYN_RECEIVED,
  TCPS_SYN_SENT,
  TF_MORETOCOME,
  TF_NEEDFIN,
  TF_NODELAY,
  TF_NOPUSH,
  TT_2MSL,
  TT_KEEP,
} from './tcp_var'

const FN_sbappendstream = functionId('sbappendstream')

/** Control block of a socket, or 0. */
export function sototcpcb(k: Kernel, so: number): number {
  const inp = k.so.so_pcb[so]
  if (inp === 0 || (k.inet.inp.inp_flags[inp] & (INP_TIMEWAIT | INP_DROPPED)) !== 0) return 0
  return k.inet.inp.inp_ppcb[inp]
}

/** tcp_usr_attach, tcp6_usr_attach: buffers of the default sizes, control blocks in state CLOSED. `family`: AF_INET or AF_INET6. */
export function tcp_usr_attach(k: Kernel, so: number, family: number): number {
  const c = k.inet.tcpctl
  const snd = k.so.so_snd[so]
  const rcv = k.so.so_rcv[so]
  if (k.sb.sb_hiwat[snd] === 0 || k.sb.sb_hiwat[rcv] === 0) {
    const error = soreserve(k, so, c.tcp_sendspace, c.tcp_recvspace)
    if (error !== 0) return error
  }
  k.sb.sb_flags[snd] |= SB_AUTOSIZE
  k.sb.sb_flags[rcv] |= SB_AUTOSIZE
  tcp_newtcpcb(k, in_pcballoc(k, so, family === AF_INET6 ? INP_IPV6 : 0))
  return 0
}

/** tcp_usr_detach: the socket is freed; its control blocks go, unless TIME_WAIT keeps them. */
export function tcp_usr_detach(k: Kernel, so: number): void {
  const inp = k.so.so_pcb[so]
  if (inp === 0) return
  const p = k.inet.inp
  if ((p.inp_flags[inp] & INP_TIMEWAIT) !== 0) {
    tcp_twdetach(k, inp)
    return
  }
  const tp = p.inp_ppcb[inp]
  if (tp !== 0) {
    if (k.inet.tcp.t_state[tp] === TCPS_LISTEN) syncache_listenClosed(k, inp)
    tcp_discardcb(k, tp)
  }
  in_pcbdetach(k, inp)
  in_pcbfree(k, inp)
}

/** True if an address is not of the family of a socket; the wildcard is of both. */
function otherFamily(k: Kernel, so: number, address: number): boolean {
  return address !== 0 && isInet6(address) !== ((k.inet.inp.inp_flags[k.so.so_pcb[so]] & INP_IPV6) !== 0)
}

export function tcp_usr_bind(k: Kernel, so: number, address: number, port: number): number {
  if (otherFamily(k, so, address)) return EAFNOSUPPORT
  return in_pcbbind(k, k.so.so_pcb[so], address, port, (k.so.so_options[so] & SO_REUSEADDR) !== 0)
}

export function tcp_usr_listen(k: Kernel, so: number): number {
  const inp = k.so.so_pcb[so]
  const tp = sototcpcb(k, so)
  if (tp === 0) return EINVAL
  if (k.inet.inp.inp_lport[inp] === 0) {
    const error = in_pcbbind(k, inp, 0, 0, false)
    if (error !== 0) return error
  }
  k.inet.tcp.t_state[tp] = TCPS_LISTEN
  in_pcblisten(k, inp)
  return 0
}

/** tcp_usr_connect: sends a SYN. */
export function tcp_usr_connect(k: Kernel, so: number, address: number, port: number): number {
  const inp = k.so.so_pcb[so]
  const tp = sototcpcb(k, so)
  if (tp === 0) return EINVAL
  if (k.inet.tcp.t_state[tp] !== TCPS_CLOSED) return EISCONN
  if (address >>> 28 === 14) return EADDRNOTAVAIL
  if (otherFamily(k, so, address)) return EAFNOSUPPORT
  const error = tcp_connect(k, so, inp, tp, address, port)
  if (error !== 0) return error
  tcp_timer_activate(k, tp, TT_KEEP, k.inet.tcpctl.tcp_keepinit)
  return tcp_output(k, tp)
}

function tcp_connect(k: Kernel, so: number, inp: number, tp: number, address: number, port: number): number {
  const t = k.inet.tcp
  const p = k.inet.inp
  const error = in_pcbconnect(k, inp, address, port)
  if (error !== 0) return error
  // The smallest scale with which the window covers the largest buffer.
  t.request_r_scale[tp] = tcp_request_scale(k.sb.settings.sb_max)
  soisconnecting(k, so)
  k.inet.tcpstat.tcps_connattempt++
  t.t_state[tp] = TCPS_SYN_SENT
  const iss = tcp_new_isn(k, p.inp_laddr[inp], p.inp_lport[inp], address, port)
  t.ts_offset[tp] = tcp_new_ts_offset(k, p.inp_laddr[inp], p.inp_lport[inp], address, port)
  t.iss[tp] = iss
  // tcp_sendseqinit
  t.snd_una[tp] = iss
  t.snd_nxt[tp] = iss
  t.snd_max[tp] = iss
  t.snd_up[tp] = iss
  t.snd_recover[tp] = iss
  return 0
}

/**
 * tcp_usr_send: queues a chain and sends what may go. PRUS_NOTREADY: the data is still being read; nothing is sent yet. m is consumed, except
 * that not-ready data stays with its I/O when the connection is gone. @returns 0 or errno.
 */
export function tcp_usr_send(k: Kernel, so: number, flags: number, m: number): number {
  const inp = k.so.so_pcb[so]
  if (inp === 0 || (k.inet.inp.inp_flags[inp] & (INP_TIMEWAIT | INP_DROPPED)) !== 0) {
    if (m !== 0 && (flags & PRUS_NOTREADY) === 0) m_freem(k, m)
    return ECONNRESET
  }
  const t = k.inet.tcp
  const tp = k.inet.inp.inp_ppcb[inp]
  if (k.cost.on) k.cost.enter(FN_sbappendstream)
  sbappendstream(k, k.so.so_snd[so], m, flags)
  if (k.cost.on) k.cost.leave()
  if ((flags & PRUS_EOF) !== 0) {
    socantsendmore(k, so)
    tcp_usrclosed(k, tp)
  }
  if ((k.inet.inp.inp_flags[inp] & INP_DROPPED) === 0 && (flags & PRUS_NOTREADY) === 0) {
    if ((flags & PRUS_MORETOCOME) !== 0) t.t_flags[tp] |= TF_MORETOCOME
    const error = tcp_output(k, tp)
    if ((flags & PRUS_MORETOCOME) !== 0) t.t_flags[tp] &= ~TF_MORETOCOME
    return error
  }
  return 0
}

/** tcp_usr_ready: `count` units of data queued before, from mbuf m on, were read. @returns 0 or ECONNRESET (the data is freed). */
export function tcp_usr_ready(k: Kernel, so: number, m: number, count: number): number {
  const inp = k.so.so_pcb[so]
  if (inp === 0 || (k.inet.inp.inp_flags[inp] & (INP_TIMEWAIT | INP_DROPPED)) !== 0) {
    mb_free_notready(k, m, count)
    return ECONNRESET
  }
  const error = sbready(k, k.so.so_snd[so], m, count)
  if (error === 0) return tcp_output(k, k.inet.inp.inp_ppcb[inp])
  return error
}

/** tcp_usr_rcvd: the user has read: maybe the window opens. */
export function tcp_usr_rcvd(k: Kernel, so: number): void {
  const tp = sototcpcb(k, so)
  if (tp !== 0) tcp_output(k, tp)
}

/** tcp_usr_disconnect: orderly release. */
export function tcp_usr_disconnect(k: Kernel, so: number): number {
  const inp = k.so.so_pcb[so]
  if (inp === 0) return ECONNRESET
  if ((k.inet.inp.inp_flags[inp] & INP_TIMEWAIT) !== 0) return 0
  if ((k.inet.inp.inp_flags[inp] & INP_DROPPED) !== 0) return ECONNRESET
  tcp_disconnect(k, k.inet.inp.inp_ppcb[inp])
  return 0
}

/** tcp_disconnect: FIN after what is queued; with SO_LINGER of 0 a reset; before the connection is there, just gone. */
function tcp_disconnect(k: Kernel, tp: number): void {
  const t = k.inet.tcp
  const inp = t.t_inpcb[tp]
  const so = k.inet.inp.inp_socket[inp]
  if (t.t_state[tp] < TCPS_ESTABLISHED) tcp_close(k, tp)
  else if ((k.so.so_options[so] & SO_LINGER) !== 0 && k.so.so_linger[so] === 0) tcp_drop(k, tp, 0)
  else {
    soisdisconnecting(k, so)
    sbflush(k, k.so.so_rcv[so])
    tcp_usrclosed(k, tp)
    if ((k.inet.inp.inp_flags[inp] & INP_DROPPED) === 0) tcp_output(k, tp)
  }
}

/** tcp_usr_shutdown: no more data from us. */
export function tcp_usr_shutdown(k: Kernel, so: number): number {
  const inp = k.so.so_pcb[so]
  if (inp === 0 || (k.inet.inp.inp_flags[inp] & (INP_TIMEWAIT | INP_DROPPED)) !== 0) return ECONNRESET
  const tp = k.inet.inp.inp_ppcb[inp]
  socantsendmore(k, so)
  tcp_usrclosed(k, tp)
  if ((k.inet.inp.inp_flags[inp] & INP_DROPPED) === 0) return tcp_output(k, tp)
  return 0
}

/** tcp_usrclosed: the user closed the sending side. */
function tcp_usrclosed(k: Kernel, tp: number): void {
  const t = k.inet.tcp
  switch (t.t_state[tp]) {
    case TCPS_LISTEN:
      syncache_listenClosed(k, t.t_inpcb[tp])
      t.t_state[tp] = TCPS_CLOSED
      tcp_close(k, tp)
      return
    case TCPS_CLOSED:
      t.t_state[tp] = TCPS_CLOSED
      tcp_close(k, tp)
      return
    case TCPS_SYN_SENT:
    case TCPS_SYN_RECEIVED:
      t.t_flags[tp] |= TF_NEEDFIN
      break
    case TCPS_ESTABLISHED:
      t.t_state[tp] = TCPS_FIN_WAIT_1
      break
    case TCPS_CLOSE_WAIT:
      t.t_state[tp] = TCPS_LAST_ACK
      break
  }
  if (t.t_state[tp] >= TCPS_FIN_WAIT_2) {
    soisdisconnected(k, k.inet.inp.inp_socket[t.t_inpcb[tp]])
    if (t.t_state[tp] === TCPS_FIN_WAIT_2) {
      const c = k.inet.tcpctl
      tcp_timer_activate(
        k,
        tp,
        TT_2MSL,
        c.tcp_fast_finwait2_recycle !== 0 ? c.tcp_finwait2_timeout : c.tcp_keepcnt * c.tcp_keepintvl,
      )
    }
  }
}

/** tcp_usr_abort: reset. The socket may wait for TCP to let go. */
export function tcp_usr_abort(k: Kernel, so: number): void {
  const inp = k.so.so_pcb[so]
  if (inp === 0) return
  const p = k.inet.inp
  if ((p.inp_flags[inp] & (INP_TIMEWAIT | INP_DROPPED)) === 0 && p.inp_ppcb[inp] !== 0)
    tcp_drop(k, p.inp_ppcb[inp], ECONNABORTED)
  if ((p.inp_flags[inp] & INP_DROPPED) === 0) {
    k.so.so_state[so] |= SS_PROTOREF
    p.inp_flags[inp] |= INP_SOCKREF
  }
}

/** tcp_usr_close: the owner is gone; TCP keeps the socket until the connection ends. */
export function tcp_usr_close(k: Kernel, so: number): void {
  const inp = k.so.so_pcb[so]
  if (inp === 0) return
  const p = k.inet.inp
  if ((p.inp_flags[inp] & (INP_TIMEWAIT | INP_DROPPED)) === 0 && p.inp_ppcb[inp] !== 0)
    tcp_disconnect(k, p.inp_ppcb[inp])
  if ((p.inp_flags[inp] & (INP_DROPPED | INP_TIMEWAIT)) === 0) {
    k.so.so_state[so] |= SS_PROTOREF
    p.inp_flags[inp] |= INP_SOCKREF
  }
}

/** tcp_ctloutput, set: options of level IPPROTO_TCP. */
export function tcp_setopt(k: Kernel, so: number, option: number, value: number): number {
  const tp = sototcpcb(k, so)
  if (tp === 0) return ECONNRESET
  const t = k.inet.tcp
  switch (option) {
    case TCP_NODELAY:
      if (value !== 0) t.t_flags[tp] |= TF_NODELAY
      else t.t_flags[tp] &= ~TF_NODELAY
      return 0
    case TCP_NOPUSH:
      if (value !== 0) t.t_flags[tp] |= TF_NOPUSH
      else if ((t.t_flags[tp] & TF_NOPUSH) !== 0) {
        t.t_flags[tp] &= ~TF_NOPUSH
        if (t.t_state[tp] >= TCPS_ESTABLISHED) return tcp_output(k, tp)
      }
      return 0
    case TCP_MAXSEG:
      // Only smaller than what was agreed.
      if (value <= 0 || value > t.t_maxseg[tp] || value + 40 < k.inet.tcpctl.tcp_minmss) return EINVAL
      t.t_maxseg[tp] = value
      return 0
    default:
      return ENOPROTOOPT
  }
}

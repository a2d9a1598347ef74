/**
 * TIME_WAIT: a small record instead of a whole control block, in a list ordered by the time it ends. Source: sys/netinet/tcp_timewait.c of 2019 (derived;
 * the scan every 500 ms is one event for the head of the list, rounded up to 500 ms).
 */
import { m_freem } from '../kern/kern_mbuf'
import { sofree, soisdisconnected } from '../kern/uipc_socket'
import type { Kernel } from '../kernel'
import { EV_TCP_TW } from '../machine/eventKinds'
import { SS_PROTOREF } from '../sys/socket'
import { INADDR_LOOPBACK, SEQ_GT, TH_ACK, TH_FIN, TH_RST, TH_SYN } from './in'
import { isLocalAddress } from './in_ifaddr'
import { in_pcbdetach, in_pcbdrop, in_pcbfree, INP_DROPPED, INP_SOCKREF, INP_TIMEWAIT } from './in_pcb'
import { tcp_discardcb, tcp_respond } from './tcp_subr'
import { TF_ACKNOW, TICK_NS } from './tcp_var'

const SCAN_NS = 500_000_000

export function createTimewait(k: Kernel) {
  const tw = k.registry.table(k.part('tcptw'), {
    tw_inpcb: 'i32',
    snd_nxt: 'u32',
    rcv_nxt: 'u32',
    tw_time: 'f64',
    tw_next: 'i32',
    tw_prev: 'i32',
  })
  const list = k.registry.record(k.part('tcptw.list'), { head: 0, tail: 0, event: 0, eventAt: 0 })
  return Object.assign(tw, { list })
}

/** tcp_twstart: the connection is closed in both directions; only duplicates may still come. Frees the control block. */
export function tcp_twstart(k: Kernel, tp: number): void {
  const t = k.inet.tcp
  const p = k.inet.inp
  const tw = k.inet.tw
  const inp = t.t_inpcb[tp]
  const so = p.inp_socket[inp]
  const acknow = (t.t_flags[tp] & TF_ACKNOW) !== 0
  if (
    k.inet.tcpctl.nolocaltimewait !== 0 &&
    (p.inp_faddr[inp] === INADDR_LOOPBACK || isLocalAddress(k, p.inp_faddr[inp]))
  ) {
    if (acknow) respond(k, tp, inp, t.snd_nxt[tp], t.rcv_nxt[tp])
    closeWithoutWait(k, tp, inp, so)
    return
  }
  const row = tw.alloc()
  tw.tw_inpcb[row] = inp
  tw.snd_nxt[row] = t.snd_nxt[tp]
  tw.rcv_nxt[row] = t.rcv_nxt[tp]
  tw.tw_next[row] = 0
  tw.tw_prev[row] = 0
  if (acknow) respond(k, tp, inp, t.snd_nxt[tp], t.rcv_nxt[tp])
  tcp_discardcb(k, tp)
  p.inp_ppcb[inp] = row
  p.inp_flags[inp] |= INP_TIMEWAIT
  soisdisconnected(k, so)
  tcp_tw_2msl_reset(k, row, false)
  if ((p.inp_flags[inp] & INP_SOCKREF) !== 0) {
    p.inp_flags[inp] &= ~INP_SOCKREF
    k.so.so_state[so] &= ~SS_PROTOREF
    sofree(k, so)
  }
}

/** net.inet.tcp.nolocaltimewait: both ends are ours, nothing can come late. */
function closeWithoutWait(k: Kernel, tp: number, inp: number, so: number): void {
  const p = k.inet.inp
  in_pcbdrop(k, inp)
  k.inet.tcpstat.tcps_closed++
  k.inet.tcp.t_state[tp] = 0
  soisdisconnected(k, so)
  if ((p.inp_flags[inp] & INP_SOCKREF) !== 0) {
    p.inp_flags[inp] &= ~INP_SOCKREF
    k.so.so_state[so] &= ~SS_PROTOREF
    sofree(k, so)
  }
}

function respond(k: Kernel, tp: number, inp: number, seq: number, ack: number): void {
  const p = k.inet.inp
  tcp_respond(k, tp, p.inp_laddr[inp], p.inp_lport[inp], p.inp_faddr[inp], p.inp_fport[inp], ack, seq, TH_ACK)
}

/** tcp_tw_2msl_reset: the wait begins (again): 2 × net.inet.tcp.msl from now. */
function tcp_tw_2msl_reset(k: Kernel, row: number, rearm: boolean): void {
  const tw = k.inet.tw
  if (rearm) unlink(k, row)
  tw.tw_time[row] = k.now() + 2 * k.inet.tcpctl.tcp_msl * TICK_NS
  // Ordered by time: a changed msl may put a new entry before old ones.
  let after = tw.list.tail
  while (after !== 0 && tw.tw_time[after] > tw.tw_time[row]) after = tw.tw_prev[after]
  tw.tw_prev[row] = after
  tw.tw_next[row] = after === 0 ? tw.list.head : tw.tw_next[after]
  if (after === 0) tw.list.head = row
  else tw.tw_next[after] = row
  if (tw.tw_next[row] === 0) tw.list.tail = row
  else tw.tw_prev[tw.tw_next[row]] = row
  arm(k)
}

function unlink(k: Kernel, row: number): void {
  const tw = k.inet.tw
  const prev = tw.tw_prev[row]
  const next = tw.tw_next[row]
  if (prev === 0) tw.list.head = next
  else tw.tw_next[prev] = next
  if (next === 0) tw.list.tail = prev
  else tw.tw_prev[next] = prev
}

/** One event for the oldest entry. */
function arm(k: Kernel): void {
  const tw = k.inet.tw
  const list = tw.list
  if (list.head === 0) {
    if (list.event !== 0) k.machine.cancel(list.event)
    list.event = 0
    return
  }
  const at = Math.ceil(tw.tw_time[list.head] / SCAN_NS) * SCAN_NS
  if (list.event !== 0) {
    if (list.eventAt === at) return
    k.machine.cancel(list.event)
  }
  list.event = k.machine.schedule(at, EV_TCP_TW, k.id)
  list.eventAt = at
}

/** tcp_tw_2msl_scan: EV_TCP_TW: closes every entry whose time is over. */
export function tcp_tw_2msl_scan(k: Kernel): void {
  const tw = k.inet.tw
  tw.list.event = 0
  while (tw.list.head !== 0 && tw.tw_time[tw.list.head] <= k.machine.time) tcp_twclose(k, tw.list.head)
  arm(k)
}

/** tcp_twclose: the wait is over. */
export function tcp_twclose(k: Kernel, row: number): void {
  const tw = k.inet.tw
  const p = k.inet.inp
  const inp = tw.tw_inpcb[row]
  const so = p.inp_socket[inp]
  unlink(k, row)
  tw.free(row)
  p.inp_ppcb[inp] = 0
  in_pcbdrop(k, inp)
  k.inet.tcpstat.tcps_closed++
  if (so === 0) in_pcbfree(k, inp)
  else if ((p.inp_flags[inp] & INP_SOCKREF) !== 0) {
    p.inp_flags[inp] &= ~INP_SOCKREF
    k.so.so_state[so] &= ~SS_PROTOREF
    sofree(k, so)
  }
  arm(k)
}

/** The owner of a socket in TIME_WAIT let go (tcp_detach). */
export function tcp_twdetach(k: Kernel, inp: number): void {
  const p = k.inet.inp
  const dropped = (p.inp_flags[inp] & INP_DROPPED) !== 0
  in_pcbdetach(k, inp)
  if (dropped) in_pcbfree(k, inp)
}

/**
 * tcp_twcheck: a segment for a connection in TIME_WAIT. Consumes m unless it answers true: then the wait was ended by a new SYN, and the caller
 * looks the packet up again.
 */
export function tcp_twcheck(
  k: Kernel,
  inp: number,
  thflags: number,
  th_seq: number,
  th_ack: number,
  tlen: number,
  m: number,
): boolean {
  const tw = k.inet.tw
  const row = k.inet.inp.inp_ppcb[inp]
  if ((thflags & TH_SYN) !== 0 && (thflags & TH_ACK) === 0 && SEQ_GT(th_seq, tw.rcv_nxt[row])) {
    tcp_twclose(k, row)
    return true
  }
  if ((thflags & TH_RST) === 0) {
    if ((thflags & TH_FIN) !== 0) {
      const seq = (th_seq + tlen + ((thflags & TH_SYN) !== 0 ? 1 : 0)) >>> 0
      if ((seq + 1) >>> 0 === tw.rcv_nxt[row]) tcp_tw_2msl_reset(k, row, true)
    }
    if (thflags !== TH_ACK || tlen !== 0 || th_seq !== tw.rcv_nxt[row] || th_ack !== tw.snd_nxt[row])
      tcp_twrespond(k, inp, row)
  }
  m_freem(k, m)
  return false
}

function tcp_twrespond(k: Kernel, inp: number, row: number): void {
  const tw = k.inet.tw
  respond(k, 0, inp, tw.snd_nxt[row], tw.rcv_nxt[row])
}

/**
 * TCP timers. Each of the five timers of a connection is a deadline in its row; one machine event a connection stands for the earliest. The event may be
 * early, because restarting a timer only writes the new deadline: it then arms itself again and nothing else happens. So an acknowledgement costs
 * no event, and a stale event cannot hit the wrong connection (generation).
 *
 * Source: sys/netinet/tcp_timer.c (derived; times in ticks of 1 ms as there; one event instead of a callout a timer is ours).
 */
import type { Kernel } from '../kernel'
import { functionId } from '../machine/cost'
import { EV_TCP_TIMER, EV_TCP_TIMER_TASK } from '../machine/eventKinds'
import { ETIMEDOUT } from '../sys/errno'
import { SBS_CANTRCVMORE } from '../sys/sockbuf'
import { SO_KEEPALIVE } from '../sys/socket'
import { TH_ACK } from './in'
import { cc_cong_signal, CC_RTO } from './tcp_newreno'
import { tcp_output, tcp_setpersist } from './tcp_output'
import { tcp_close, tcp_drop, tcp_respond_tp } from './tcp_subr'
import { tcp_free_sackholes } from './tcp_sack'
import {
  IN_FASTRECOVERY,
  tcp_backoff,
  tcp_syn_backoff,
  tcp_totbackoff,
  TCP_DELTA_SHIFT,
  TCP_MAXRXTSHIFT,
  TCP_RTT_SHIFT,
  TCPS_CLOSE_WAIT,
  TCPS_CLOSING,
  TCPS_ESTABLISHED,
  TCPS_FIN_WAIT_2,
  TCPS_SYN_RECEIVED,
  TCPS_SYN_SENT,
  TCPTV_REXMTMAX,
  TF_ACKNOW,
  TF_CONGRECOVERY,
  TF_FORCEDATA,
  TF_PREVVALID,
  TF_RCVD_TSTMP,
  TF_WASCRECOVERY,
  TF_WASFRECOVERY,
  TICK_NS,
  ticks,
  TT_2MSL,
  TT_COUNT,
  TT_DELACK,
  TT_KEEP,
  TT_PERSIST,
  TT_REXMT,
} from './tcp_var'

const FN_tcp_timer = [
  functionId('tcp_timer_delack'),
  functionId('tcp_timer_rexmt'),
  functionId('tcp_timer_persist'),
  functionId('tcp_timer_keep'),
  functionId('tcp_timer_2msl'),
]

/** Starts a timer to run out in `delta` ticks, or stops it (0). */
export function tcp_timer_activate(k: Kernel, tp: number, timer: number, delta: number): void {
  const t = k.inet.tcp
  const at = tp * TT_COUNT + timer
  if (delta === 0) {
    t.t_timer[at] = 0
    return
  }
  const deadline = k.now() + delta * TICK_NS
  t.t_timer[at] = deadline
  if (t.t_timerEventAt[tp] === 0 || deadline < t.t_timerEventAt[tp]) {
    if (t.t_timerEvent[tp] !== 0) k.machine.cancel(t.t_timerEvent[tp])
    t.t_timerEvent[tp] = k.machine.schedule(deadline, EV_TCP_TIMER, k.id, tp, t.t_generation[tp] | 0)
    t.t_timerEventAt[tp] = deadline
  }
}

export function tcp_timer_active(k: Kernel, tp: number, timer: number): boolean {
  return k.inet.tcp.t_timer[tp * TT_COUNT + timer] !== 0
}

/** Stops all timers and forgets the event (tcp_discardcb, tcp_close). */
export function tcp_timer_stop_all(k: Kernel, tp: number): void {
  const t = k.inet.tcp
  for (let i = 0; i < TT_COUNT; i++) t.t_timer[tp * TT_COUNT + i] = 0
  if (t.t_timerEvent[tp] !== 0) k.machine.cancel(t.t_timerEvent[tp])
  t.t_timerEvent[tp] = 0
  t.t_timerEventAt[tp] = 0
}

function earliest(k: Kernel, tp: number): number {
  const t = k.inet.tcp
  let best = 0
  for (let i = 0; i < TT_COUNT; i++) {
    const at = t.t_timer[tp * TT_COUNT + i]
    if (at !== 0 && (best === 0 || at < best)) best = at
  }
  return best
}

function rearm(k: Kernel, tp: number): void {
  const t = k.inet.tcp
  const next = earliest(k, tp)
  if (next === 0) {
    t.t_timerEvent[tp] = 0
    t.t_timerEventAt[tp] = 0
    return
  }
  t.t_timerEvent[tp] = k.machine.schedule(next, EV_TCP_TIMER, k.id, tp, t.t_generation[tp] | 0)
  t.t_timerEventAt[tp] = next
}

/** EV_TCP_TIMER: the callout. Queues the softclock task if a timer is due, else arms itself again. */
export function tcp_timer_event(k: Kernel, tp: number, generation: number): void {
  const t = k.inet.tcp
  if ((t.t_generation[tp] | 0) !== generation || t.t_inpcb[tp] === 0) return
  const next = earliest(k, tp)
  if (next !== 0 && next <= k.machine.time) {
    t.t_timerEvent[tp] = 0
    // While the task waits for its CPU no other event is armed: −1 is earlier than any deadline.
    t.t_timerEventAt[tp] = -1
    // net.inet.tcp.per_cpu_timers is 0: all callouts of TCP run on CPU 0.
    k.cpu.run(0, EV_TCP_TIMER_TASK, k.id, tp, generation)
    return
  }
  rearm(k, tp)
}

/** EV_TCP_TIMER_TASK: runs what is due. */
export function tcp_timer_task(k: Kernel, tp: number, generation: number): void {
  const t = k.inet.tcp
  const alive = (): boolean => (t.t_generation[tp] | 0) === generation && t.t_inpcb[tp] !== 0
  if (!alive()) return
  const now = k.machine.time
  for (let timer = 0; timer < TT_COUNT; timer++) {
    const at = tp * TT_COUNT + timer
    if (t.t_timer[at] === 0 || t.t_timer[at] > now) continue
    t.t_timer[at] = 0
    if (k.cost.on) k.cost.enter(FN_tcp_timer[timer])
    switch (timer) {
      case TT_DELACK:
        tcp_timer_delack(k, tp)
        break
      case TT_REXMT:
        tcp_timer_rexmt(k, tp)
        break
      case TT_PERSIST:
        tcp_timer_persist(k, tp)
        break
      case TT_KEEP:
        tcp_timer_keep(k, tp)
        break
      default:
        tcp_timer_2msl(k, tp)
    }
    if (k.cost.on) k.cost.leave()
    if (!alive()) return
  }
  rearm(k, tp)
}

function tcp_timer_delack(k: Kernel, tp: number): void {
  k.inet.tcp.t_flags[tp] |= TF_ACKNOW
  k.inet.tcpstat.tcps_delack++
  tcp_output(k, tp)
}

/** TCP_REXMTVAL: smoothed round trip + 4 × deviation, ticks, not below the minimum. */
export function TCP_REXMTVAL(k: Kernel, tp: number): number {
  const t = k.inet.tcp
  const value = ((t.t_srtt[tp] >> (TCP_RTT_SHIFT - TCP_DELTA_SHIFT)) + t.t_rttvar[tp]) >> TCP_DELTA_SHIFT
  return value > t.t_rttmin[tp] ? value : t.t_rttmin[tp]
}

/** TCPT_RANGESET: adds the slop and keeps the value in range. */
export function TCPT_RANGESET(k: Kernel, value: number, min: number, max: number): number {
  const v = value + k.inet.tcpctl.tcp_rexmit_slop
  return v < min ? min : v > max ? max : v
}

/** Retransmission timeout: back off, slow start from one segment, send again from the oldest unacknowledged byte. */
function tcp_timer_rexmt(k: Kernel, tp: number): void {
  const t = k.inet.tcp
  tcp_free_sackholes(k, tp)
  t.t_rxtshift[tp]++
  if (t.t_rxtshift[tp] > TCP_MAXRXTSHIFT) {
    t.t_rxtshift[tp] = TCP_MAXRXTSHIFT
    k.inet.tcpstat.tcps_timeoutdrop++
    tcp_drop(k, tp, ETIMEDOUT)
    return
  }
  const state = t.t_state[tp]
  if (state === TCPS_SYN_SENT) {
    // Congestion window of one segment once the connection is there (cc_conn_init looks at it).
    t.snd_cwnd[tp] = 1
  } else if (t.t_rxtshift[tp] === 1) {
    // Remember the windows: if the original segment was only late they come back (CC_RTO_ERR).
    t.snd_cwnd_prev[tp] = t.snd_cwnd[tp]
    t.snd_ssthresh_prev[tp] = t.snd_ssthresh[tp]
    t.snd_recover_prev[tp] = t.snd_recover[tp]
    let flags = t.t_flags[tp] & ~(TF_WASFRECOVERY | TF_WASCRECOVERY)
    if (IN_FASTRECOVERY(flags)) flags |= TF_WASFRECOVERY
    if ((flags & TF_CONGRECOVERY) !== 0) flags |= TF_WASCRECOVERY
    if ((flags & TF_RCVD_TSTMP) === 0) t.t_badrxtwin[tp] = ticks(k) + (t.t_srtt[tp] >> (TCP_RTT_SHIFT + 1))
    t.t_flags[tp] = flags | TF_PREVVALID
  } else t.t_flags[tp] &= ~TF_PREVVALID
  k.inet.tcpstat.tcps_rexmttimeo++
  const shift = t.t_rxtshift[tp]
  const rexmt =
    state === TCPS_SYN_SENT || state === TCPS_SYN_RECEIVED
      ? k.inet.tcpctl.tcp_rexmit_initial * tcp_syn_backoff[shift]
      : TCP_REXMTVAL(k, tp) * tcp_backoff[shift]
  t.t_rxtcur[tp] = TCPT_RANGESET(k, rexmt, t.t_rttmin[tp], TCPTV_REXMTMAX)
  if (shift > TCP_MAXRXTSHIFT / 4) {
    // The route may be bad: forget the estimate, keep its value as deviation.
    t.t_rttvar[tp] += t.t_srtt[tp] >> TCP_RTT_SHIFT
    t.t_srtt[tp] = 0
  }
  t.snd_nxt[tp] = t.snd_una[tp]
  t.snd_recover[tp] = t.snd_max[tp]
  t.t_flags[tp] |= TF_ACKNOW
  t.t_rtttime[tp] = 0
  cc_cong_signal(k, tp, CC_RTO, 0)
  tcp_output(k, tp)
}

/** The peer's window is closed: probe it with one byte. */
function tcp_timer_persist(k: Kernel, tp: number): void {
  const t = k.inet.tcp
  const stat = k.inet.tcpstat
  const ctl = k.inet.tcpctl
  stat.tcps_persisttimeo++
  const idle = (ticks(k) - t.t_rcvtime[tp]) | 0
  const maxidle = ctl.tcp_keepcnt * ctl.tcp_keepintvl
  if (t.t_rxtshift[tp] === TCP_MAXRXTSHIFT && (idle >= maxidle || idle >= TCP_REXMTVAL(k, tp) * tcp_totbackoff)) {
    stat.tcps_persistdrop++
    tcp_drop(k, tp, ETIMEDOUT)
    return
  }
  // The user has closed: give up much sooner.
  if (t.t_state[tp] > TCPS_CLOSE_WAIT && idle >= ctl.tcp_persmax) {
    stat.tcps_persistdrop++
    tcp_drop(k, tp, ETIMEDOUT)
    return
  }
  tcp_setpersist(k, tp)
  t.t_flags[tp] |= TF_FORCEDATA
  tcp_output(k, tp)
  t.t_flags[tp] &= ~TF_FORCEDATA
}

/** Keep-alive, and the time limit of a connection attempt. */
function tcp_timer_keep(k: Kernel, tp: number): void {
  const t = k.inet.tcp
  const stat = k.inet.tcpstat
  const ctl = k.inet.tcpctl
  stat.tcps_keeptimeo++
  if (t.t_state[tp] < TCPS_ESTABLISHED) {
    stat.tcps_keepdrops++
    tcp_drop(k, tp, ETIMEDOUT)
    return
  }
  const so = k.inet.inp.inp_socket[t.t_inpcb[tp]]
  if ((ctl.always_keepalive !== 0 || (k.so.so_options[so] & SO_KEEPALIVE) !== 0) && t.t_state[tp] <= TCPS_CLOSING) {
    const idle = (ticks(k) - t.t_rcvtime[tp]) | 0
    if (idle >= ctl.tcp_keepidle + ctl.tcp_keepcnt * ctl.tcp_keepintvl) {
      stat.tcps_keepdrops++
      tcp_drop(k, tp, ETIMEDOUT)
      return
    }
    stat.tcps_keepprobe++
    tcp_respond_tp(k, tp, t.rcv_nxt[tp], (t.snd_una[tp] - 1) >>> 0, TH_ACK)
    tcp_timer_activate(k, tp, TT_KEEP, ctl.tcp_keepintvl)
  } else tcp_timer_activate(k, tp, TT_KEEP, ctl.tcp_keepidle)
}

/** FIN_WAIT_2 without a peer's FIN. (TIME_WAIT has its own list, tcp_timewait.ts.) */
function tcp_timer_2msl(k: Kernel, tp: number): void {
  const t = k.inet.tcp
  const ctl = k.inet.tcpctl
  tcp_free_sackholes(k, tp)
  const so = k.inet.inp.inp_socket[t.t_inpcb[tp]]
  if (
    ctl.tcp_fast_finwait2_recycle !== 0 &&
    t.t_state[tp] === TCPS_FIN_WAIT_2 &&
    (so === 0 || (k.sb.sb_state[k.so.so_rcv[so]] & SBS_CANTRCVMORE) !== 0)
  ) {
    tcp_close(k, tp)
    return
  }
  if (((ticks(k) - t.t_rcvtime[tp]) | 0) <= ctl.tcp_keepcnt * ctl.tcp_keepintvl)
    tcp_timer_activate(k, tp, TT_2MSL, ctl.tcp_keepintvl)
  else tcp_close(k, tp)
}

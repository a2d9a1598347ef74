/**
 * Congestion control: NewReno with appropriate byte counting, the default of 2019. Source: sys/netinet/cc/cc_newreno.c, tcp_input.c cc_ack_received,
 * cc_cong_signal, cc_conn_init, cc_post_recovery (derived; no host cache, no ECN).
 */
import type { Kernel } from '../kernel'
import { tcp_compute_initwnd } from './tcp_subr'
import {
  ENTER_FASTRECOVERY,
  EXIT_RECOVERY,
  IN_FASTRECOVERY,
  IN_RECOVERY,
  tcp_maxseg,
  TCP_MAXWIN,
  TF_CONGRECOVERY,
  TF_PREVVALID,
  TF_WASCRECOVERY,
  TF_WASFRECOVERY,
} from './tcp_var'

// Kinds of acknowledgement and of congestion signal.
export const CC_ACK = 1
export const CC_DUPACK = 2
export const CC_NDUPACK = 3
export const CC_RTO = 4
export const CC_RTO_ERR = 5

// ccv_flags
const CCF_ABC_SENTAWND = 0x01
const CCF_CWND_LIMITED = 0x04

/** An acknowledgement of `acked` bytes in `nsegs` segments arrived; t.snd_una is not advanced yet. Grows the window. */
export function cc_ack_received(k: Kernel, tp: number, acked: number, nsegs: number, type: number): void {
  const t = k.inet.tcp
  const c = k.inet.tcpctl
  let flags = t.ccv_flags[tp]
  if (t.snd_cwnd[tp] <= t.snd_wnd[tp]) flags |= CCF_CWND_LIMITED
  else flags &= ~CCF_CWND_LIMITED
  if (type === CC_ACK) {
    if (t.snd_cwnd[tp] > t.snd_ssthresh[tp]) {
      t.t_bytes_acked[tp] += Math.min(acked, nsegs * c.tcp_abc_l_var * tcp_maxseg(k, tp))
      if (t.t_bytes_acked[tp] >= t.snd_cwnd[tp]) {
        t.t_bytes_acked[tp] -= t.snd_cwnd[tp]
        flags |= CCF_ABC_SENTAWND
      }
    } else {
      flags &= ~CCF_ABC_SENTAWND
      t.t_bytes_acked[tp] = 0
    }
    if (!IN_RECOVERY(t.t_flags[tp]) && (flags & CCF_CWND_LIMITED) !== 0) {
      // newreno_ack_received
      const cw = t.snd_cwnd[tp]
      const maxseg = tcp_maxseg(k, tp)
      let incr = maxseg
      if (cw > t.snd_ssthresh[tp]) {
        if (c.tcp_do_rfc3465 !== 0) {
          if ((flags & CCF_ABC_SENTAWND) !== 0) flags &= ~CCF_ABC_SENTAWND
          else incr = 0
        } else incr = Math.max(Math.floor((incr * incr) / cw), 1)
      } else if (c.tcp_do_rfc3465 !== 0) {
        // After a timeout (snd_nxt behind snd_max) slow start goes by one segment an acknowledgement.
        incr =
          t.snd_nxt[tp] === t.snd_max[tp] ? Math.min(acked, nsegs * c.tcp_abc_l_var * maxseg) : Math.min(acked, maxseg)
      }
      if (incr > 0) t.snd_cwnd[tp] = Math.min(cw + incr, TCP_MAXWIN * (1 << t.snd_scale[tp]))
    }
  }
  t.ccv_flags[tp] = flags
}

/** Something was lost (CC_NDUPACK, CC_RTO), or a timeout turned out to be wrong (CC_RTO_ERR). */
export function cc_cong_signal(k: Kernel, tp: number, type: number, _th_ack: number): void {
  const t = k.inet.tcp
  const maxseg = tcp_maxseg(k, tp)
  switch (type) {
    case CC_NDUPACK:
      if (!IN_FASTRECOVERY(t.t_flags[tp])) {
        t.snd_recover[tp] = t.snd_max[tp]
        // newreno_cong_signal: half the window, at least two segments.
        if ((t.t_flags[tp] & TF_CONGRECOVERY) === 0)
          t.snd_ssthresh[tp] = Math.max(Math.floor(t.snd_cwnd[tp] / 2), 2 * maxseg)
        t.t_flags[tp] = ENTER_FASTRECOVERY(t.t_flags[tp])
      }
      break
    case CC_RTO:
      t.t_dupacks[tp] = 0
      t.t_bytes_acked[tp] = 0
      t.t_flags[tp] = EXIT_RECOVERY(t.t_flags[tp])
      t.snd_ssthresh[tp] = Math.max(2, Math.floor(Math.min(t.snd_wnd[tp], t.snd_cwnd[tp]) / 2 / maxseg)) * maxseg
      t.snd_cwnd[tp] = maxseg
      break
    case CC_RTO_ERR:
      k.inet.tcpstat.tcps_sndrexmitbad++
      t.snd_cwnd[tp] = t.snd_cwnd_prev[tp]
      t.snd_ssthresh[tp] = t.snd_ssthresh_prev[tp]
      t.snd_recover[tp] = t.snd_recover_prev[tp]
      if ((t.t_flags[tp] & TF_WASFRECOVERY) !== 0) t.t_flags[tp] = ENTER_FASTRECOVERY(t.t_flags[tp])
      if ((t.t_flags[tp] & TF_WASCRECOVERY) !== 0) t.t_flags[tp] |= TF_CONGRECOVERY
      t.snd_nxt[tp] = t.snd_max[tp]
      t.t_flags[tp] &= ~TF_PREVVALID
      t.t_badrxtwin[tp] = 0
      break
  }
}

/** The connection is established: initial window. */
export function cc_conn_init(k: Kernel, tp: number): void {
  const t = k.inet.tcp
  const maxseg = tcp_maxseg(k, tp)
  // A retransmitted SYN leaves 1 here: start from one segment.
  t.snd_cwnd[tp] = t.snd_cwnd[tp] === 1 ? maxseg : tcp_compute_initwnd(k, maxseg)
}

/** The connection was idle for a retransmission timeout: restart from the initial window. Source: cc_newreno.c newreno_after_idle. */
export function cc_after_idle(k: Kernel, tp: number): void {
  const t = k.inet.tcp
  t.snd_cwnd[tp] = Math.min(tcp_compute_initwnd(k, tcp_maxseg(k, tp)), t.snd_cwnd[tp])
}

/** Fast recovery is over: deflate the window. Source: cc_newreno.c newreno_post_recovery. */
export function cc_post_recovery(k: Kernel, tp: number, th_ack: number): void {
  const t = k.inet.tcp
  if (IN_FASTRECOVERY(t.t_flags[tp])) {
    const maxseg = tcp_maxseg(k, tp)
    const pipe = (t.snd_max[tp] - th_ack) | 0
    if (pipe < t.snd_ssthresh[tp]) t.snd_cwnd[tp] = Math.max(pipe, maxseg) + maxseg
    else t.snd_cwnd[tp] = t.snd_ssthresh[tp]
  }
  t.t_bytes_acked[tp] = 0
}

/**
 * Selective acknowledgement: the receiver's list of blocks and the sender's scoreboard of holes. Source: sys/netinet/tcp_sack.c of mid 2019 (derived; no
 * D-SACK, no rescue retransmission, both are later).
 */
import type { Kernel } from '../kernel'
import { KASSERT } from '../sys/systm'
import { get32, SEQ_GEQ, SEQ_GT, SEQ_LEQ, SEQ_LT, SEQ_MAX, SEQ_MIN } from './in'
import { tcp_output } from './tcp_output'
import { tcp_timer_activate } from './tcp_timer'
import { MAX_SACK_BLKS, TCP_MAX_SACK, tcp_maxseg, TF_ACKNOW, TT_REXMT } from './tcp_var'

export function createSackHoles(k: Kernel) {
  return k.registry.table(k.part('sackhole'), {
    start: 'u32',
    end: 'u32',
    rxmit: 'u32',
    next: 'i32',
    prev: 'i32',
  })
}

// ---- receiver ----

const savedStart = new Uint32Array(MAX_SACK_BLKS)
const savedEnd = new Uint32Array(MAX_SACK_BLKS)

/** tcp_update_sack_list: new data [start, end) arrived; the newest block comes first. */
export function tcp_update_sack_list(k: Kernel, tp: number, start: number, end: number): void {
  const t = k.inet.tcp
  const base = tp * MAX_SACK_BLKS
  let headStart = start
  let headEnd = end
  let saved = 0
  for (let i = 0; i < t.rcv_numsacks[tp]; i++) {
    const s = t.sackblks_start[base + i]
    const e = t.sackblks_end[base + i]
    if (SEQ_GEQ(s, e) || SEQ_LEQ(s, t.rcv_nxt[tp])) continue
    if (SEQ_LEQ(headStart, e) && SEQ_GEQ(headEnd, s)) {
      if (SEQ_GT(headStart, s)) headStart = s
      if (SEQ_LT(headEnd, e)) headEnd = e
    } else {
      savedStart[saved] = s
      savedEnd[saved] = e
      saved++
    }
  }
  let head = 0
  if (SEQ_GT(headStart, t.rcv_nxt[tp])) {
    t.sackblks_start[base] = headStart
    t.sackblks_end[base] = headEnd
    head = 1
    if (saved >= MAX_SACK_BLKS) saved--
  }
  for (let i = 0; i < saved; i++) {
    t.sackblks_start[base + head + i] = savedStart[i]
    t.sackblks_end[base + head + i] = savedEnd[i]
  }
  t.rcv_numsacks[tp] = head + saved
}

/** tcp_clean_sackreport: nothing is out of order any more. */
export function tcp_clean_sackreport(k: Kernel, tp: number): void {
  k.inet.tcp.rcv_numsacks[tp] = 0
}

// ---- sender ----

function tcp_sackhole_insert(k: Kernel, tp: number, start: number, end: number, after: number): number {
  const t = k.inet.tcp
  const c = k.inet.tcpctl
  const h = k.inet.hole
  if (t.snd_numholes[tp] >= c.tcp_sack_maxholes || c.tcp_sack_globalholes >= c.tcp_sack_globalmaxholes) {
    k.inet.tcpstat.tcps_sack_sboverflow++
    return 0
  }
  const hole = h.alloc()
  h.start[hole] = start
  h.end[hole] = end
  h.rxmit[hole] = start
  t.snd_numholes[tp]++
  c.tcp_sack_globalholes++
  const prev = after !== 0 ? after : t.snd_holes_tail[tp]
  const next = after !== 0 ? h.next[after] : 0
  h.prev[hole] = prev
  h.next[hole] = next
  if (prev === 0) t.snd_holes[tp] = hole
  else h.next[prev] = hole
  if (next === 0) t.snd_holes_tail[tp] = hole
  else h.prev[next] = hole
  if (t.sackhint_nexthole[tp] === 0) t.sackhint_nexthole[tp] = hole
  return hole
}

function tcp_sackhole_remove(k: Kernel, tp: number, hole: number): void {
  const t = k.inet.tcp
  const h = k.inet.hole
  if (t.sackhint_nexthole[tp] === hole) t.sackhint_nexthole[tp] = h.next[hole]
  const prev = h.prev[hole]
  const next = h.next[hole]
  if (prev === 0) t.snd_holes[tp] = next
  else h.next[prev] = next
  if (next === 0) t.snd_holes_tail[tp] = prev
  else h.prev[next] = prev
  h.free(hole)
  t.snd_numholes[tp]--
  k.inet.tcpctl.tcp_sack_globalholes--
}

const blockStart = new Uint32Array(TCP_MAX_SACK + 2)
const blockEnd = new Uint32Array(TCP_MAX_SACK + 2)

/**
 * tcp_sack_doack: brings the scoreboard up to date with a cumulative acknowledgement and `nsacks` blocks of a SACK option at `at` in `ram`.
 * @returns true when there was something new.
 */
export function tcp_sack_doack(
  k: Kernel,
  tp: number,
  ram: Uint8Array,
  at: number,
  nsacks: number,
  th_ack: number,
): boolean {
  const t = k.inet.tcp
  const h = k.inet.hole
  let n = 0
  let changed = false
  if (SEQ_LT(t.snd_una[tp], th_ack) && t.snd_holes[tp] !== 0) {
    blockStart[n] = t.snd_una[tp]
    blockEnd[n++] = th_ack
  }
  for (let i = 0; i < nsacks && n < blockStart.length; i++) {
    const start = get32(ram, at + 8 * i)
    const end = get32(ram, at + 8 * i + 4)
    if (
      SEQ_GT(end, start) &&
      SEQ_GT(start, t.snd_una[tp]) &&
      SEQ_GT(start, th_ack) &&
      SEQ_LT(start, t.snd_max[tp]) &&
      SEQ_GT(end, t.snd_una[tp]) &&
      SEQ_LEQ(end, t.snd_max[tp])
    ) {
      blockStart[n] = start
      blockEnd[n++] = end
    }
  }
  if (n === 0) return false
  // Sorted by end, ascending: one sweep over the scoreboard from its tail.
  for (let i = 0; i < n; i++)
    for (let j = i + 1; j < n; j++)
      if (SEQ_GT(blockEnd[i], blockEnd[j])) {
        const s = blockStart[i]
        const e = blockEnd[i]
        blockStart[i] = blockStart[j]
        blockEnd[i] = blockEnd[j]
        blockStart[j] = s
        blockEnd[j] = e
      }
  if (t.snd_holes[tp] === 0) t.snd_fack[tp] = SEQ_MAX(t.snd_una[tp], th_ack)
  let b = n - 1
  if (SEQ_LT(t.snd_fack[tp], blockStart[b])) {
    // The highest block lies beyond what was acknowledged forward: a new hole at the tail.
    if (tcp_sackhole_insert(k, tp, t.snd_fack[tp], blockStart[b], 0) !== 0) {
      t.snd_fack[tp] = blockEnd[b]
      b--
      changed = true
    } else {
      while (b >= 0 && SEQ_LT(t.snd_fack[tp], blockStart[b])) b--
      if (b >= 0 && SEQ_LT(t.snd_fack[tp], blockEnd[b])) {
        t.snd_fack[tp] = blockEnd[b]
        changed = true
      }
    }
  } else if (SEQ_LT(t.snd_fack[tp], blockEnd[b])) {
    t.snd_fack[tp] = blockEnd[b]
    changed = true
  }
  let cur = t.snd_holes_tail[tp]
  while (b >= 0 && cur !== 0) {
    if (SEQ_GEQ(blockStart[b], h.end[cur])) {
      b--
      continue
    }
    if (SEQ_LEQ(blockEnd[b], h.start[cur])) {
      cur = h.prev[cur]
      continue
    }
    t.sackhint_sack_bytes_rexmit[tp] -= (h.rxmit[cur] - h.start[cur]) | 0
    KASSERT(
      t.sackhint_sack_bytes_rexmit[tp] >= 0,
      'tcp_sack_doack: retransmitted bytes of the scoreboard are not negative',
    )
    changed = true
    if (SEQ_LEQ(blockStart[b], h.start[cur])) {
      if (SEQ_GEQ(blockEnd[b], h.end[cur])) {
        // The whole hole is filled.
        const gone = cur
        cur = h.prev[cur]
        tcp_sackhole_remove(k, tp, gone)
        continue
      }
      h.start[cur] = blockEnd[b]
      h.rxmit[cur] = SEQ_MAX(h.rxmit[cur], h.start[cur])
    } else if (SEQ_GEQ(blockEnd[b], h.end[cur])) {
      h.end[cur] = blockStart[b]
      h.rxmit[cur] = SEQ_MIN(h.rxmit[cur], h.end[cur])
    } else {
      // Something in the middle arrived: the hole splits.
      const right = tcp_sackhole_insert(k, tp, blockEnd[b], h.end[cur], cur)
      if (right !== 0) {
        if (SEQ_GT(h.rxmit[cur], h.rxmit[right])) {
          h.rxmit[right] = h.rxmit[cur]
          t.sackhint_sack_bytes_rexmit[tp] += (h.rxmit[right] - h.start[right]) | 0
        }
        h.end[cur] = blockStart[b]
        h.rxmit[cur] = SEQ_MIN(h.rxmit[cur], h.end[cur])
      }
    }
    t.sackhint_sack_bytes_rexmit[tp] += (h.rxmit[cur] - h.start[cur]) | 0
    if (SEQ_LEQ(blockStart[b], h.start[cur])) cur = h.prev[cur]
    else b--
  }
  return changed
}

/** tcp_free_sackholes: forgets the scoreboard. */
export function tcp_free_sackholes(k: Kernel, tp: number): void {
  const t = k.inet.tcp
  while (t.snd_holes[tp] !== 0) tcp_sackhole_remove(k, tp, t.snd_holes[tp])
  t.sackhint_sack_bytes_rexmit[tp] = 0
}

/** tcp_sack_partialack: a partial acknowledgement in recovery: one or two more segments may go. snd_una is not advanced yet. */
export function tcp_sack_partialack(k: Kernel, tp: number, th_ack: number): void {
  const t = k.inet.tcp
  tcp_timer_activate(k, tp, TT_REXMT, 0)
  t.t_rtttime[tp] = 0
  const maxseg = tcp_maxseg(k, tp)
  const segments = ((th_ack - t.snd_una[tp]) | 0) / maxseg >= 2 ? 2 : 1
  let cwnd = t.sackhint_sack_bytes_rexmit[tp] + ((t.snd_nxt[tp] - t.sack_newdata[tp]) | 0) + segments * maxseg
  if (cwnd > t.snd_ssthresh[tp]) cwnd = t.snd_ssthresh[tp]
  t.snd_cwnd[tp] = cwnd < 0 ? 0 : cwnd
  t.t_flags[tp] |= TF_ACKNOW
  tcp_output(k, tp)
}

/** tcp_sack_output: the next hole that still has bytes to send again, or 0. */
export function tcp_sack_output(k: Kernel, tp: number): number {
  const t = k.inet.tcp
  const h = k.inet.hole
  let hole = t.sackhint_nexthole[tp]
  if (hole === 0 || SEQ_LT(h.rxmit[hole], h.end[hole])) return hole
  while ((hole = h.next[hole]) !== 0) {
    if (SEQ_LT(h.rxmit[hole], h.end[hole])) {
      t.sackhint_nexthole[tp] = hole
      break
    }
  }
  return hole
}

/** tcp_sack_adjust: after a timeout snd_nxt jumps over what the peer already has. */
export function tcp_sack_adjust(k: Kernel, tp: number): void {
  const t = k.inet.tcp
  const h = k.inet.hole
  let cur = t.snd_holes[tp]
  if (cur === 0) return
  if (SEQ_GEQ(t.snd_nxt[tp], t.snd_fack[tp])) return
  for (let p = h.next[cur]; p !== 0; p = h.next[cur]) {
    if (SEQ_LT(t.snd_nxt[tp], h.end[cur])) return
    if (SEQ_GEQ(t.snd_nxt[tp], h.start[p])) cur = p
    else {
      t.snd_nxt[tp] = h.start[p]
      return
    }
  }
  if (SEQ_LT(t.snd_nxt[tp], h.end[cur])) return
  t.snd_nxt[tp] = t.snd_fack[tp]
}

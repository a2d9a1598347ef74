/**
 * Data that arrived ahead of its turn. The queue of a connection is a sorted list of disjoint blocks, each a chain of mbufs; blocks that touch are joined.
 * Source: sys/netinet/tcp_reass.c of 2019 (derived; the guard against memory is sb_mbmax as there, the block limit is maxqueuelen).
 */
import { m_freem } from '../kern/kern_mbuf'
import { m_adj } from '../kern/uipc_mbuf'
import { sbappendstream } from '../kern/uipc_sockbuf'
import { sorwakeup } from '../kern/uipc_socket'
import type { Kernel } from '../kernel'
import { M_EXT } from '../sys/mbuf'
import { MSIZE } from '../sys/param'
import { SBS_CANTRCVMORE } from '../sys/sockbuf'
import { SEQ_LEQ, TH_FIN } from './in'
import { TCPS_HAVEESTABLISHED } from './tcp_var'

export function createReassembly(k: Kernel) {
  return k.registry.table(k.part('tseg_qent'), {
    tqe_m: 'i32',
    /** Last mbuf of the chain. */
    tqe_last: 'i32',
    tqe_start: 'u32',
    tqe_len: 'i32',
    tqe_flags: 'u8',
    tqe_next: 'i32',
    /** Socket-buffer memory the chain would be charged. */
    tqe_mbuf_cnt: 'i32',
  })
}

/** Bytes of the segment given last that were new (0 = all duplicate or refused): what SACK reports. */
export let reass_tlen = 0

/** tcp_reass_flush: frees the queue. */
export function tcp_reass_flush(k: Kernel, tp: number): void {
  const t = k.inet.tcp
  while (t.t_segq[tp] !== 0) {
    const q = t.t_segq[tp]
    m_freem(k, k.inet.tseg.tqe_m[q])
    removeFirst(k, tp)
  }
}

function removeFirst(k: Kernel, tp: number): void {
  const t = k.inet.tcp
  const g = k.inet.tseg
  const q = t.t_segq[tp]
  t.t_segq[tp] = g.tqe_next[q]
  t.t_segqlen[tp]--
  t.t_segqbytes[tp] -= g.tqe_mbuf_cnt[q]
  g.free(q)
}

/** The last mbuf of a chain, and its accounting size in {@link chainSize}. */
let chainSize = 0
function lastOf(k: Kernel, m: number): number {
  const mb = k.mb
  chainSize = 0
  let last = m
  for (let n = m; n !== 0; n = mb.m_next[n]) {
    chainSize += MSIZE + ((mb.m_flags[n] & M_EXT) !== 0 ? mb.ext_size[n] : 0)
    last = n
  }
  return last
}

/**
 * tcp_reass: queues a segment (m ≠ 0; headers already removed) and hands everything that is in turn to the socket.
 * @param flags TH_FIN if the segment carries one. @returns TH_FIN when the data handed over ends with the FIN, else 0.
 */
export function tcp_reass(k: Kernel, tp: number, seq: number, flags: number, tlen: number, m: number): number {
  const t = k.inet.tcp
  const g = k.inet.tseg
  const stat = k.inet.tcpstat
  const so = k.inet.inp.inp_socket[t.t_inpcb[tp]]
  reass_tlen = tlen
  if (m !== 0) {
    const rcv = k.so.so_rcv[so]
    lastOf(k, m)
    const inTurn = seq === t.rcv_nxt[tp] && TCPS_HAVEESTABLISHED(t.t_state[tp])
    if (!inTurn) {
      // A segment that fills the first hole is always taken, so that the queue can drain.
      if (k.sb.sb_mbcnt[rcv] + t.t_segqbytes[tp] + chainSize > k.sb.sb_mbmax[rcv]) {
        stat.tcps_rcvmemdrop++
        reass_tlen = 0
        m_freem(k, m)
        return 0
      }
      if (t.t_segqlen[tp] >= k.inet.tcpctl.tcp_reass_maxqueuelen) {
        stat.tcps_rcvreassfull++
        reass_tlen = 0
        m_freem(k, m)
        return 0
      }
    }
    // The block before: the last one that begins at or before us.
    let prev = 0
    let next = t.t_segq[tp]
    while (next !== 0 && SEQ_LEQ(g.tqe_start[next], seq)) {
      prev = next
      next = g.tqe_next[next]
    }
    if (prev !== 0) {
      const overlap = (g.tqe_start[prev] + g.tqe_len[prev] - seq) | 0
      if (overlap > 0) {
        const finAdds = (flags & TH_FIN) !== 0 && overlap === tlen && (g.tqe_flags[prev] & TH_FIN) === 0
        if (overlap >= tlen && !finAdds) {
          stat.tcps_rcvduppack++
          stat.tcps_rcvdupbyte += tlen
          reass_tlen = 0
          m_freem(k, m)
          return present(k, tp, so)
        }
        m_adj(k, m, overlap)
        tlen -= overlap
        seq = (seq + overlap) >>> 0
        reass_tlen = tlen
      }
    }
    t.t_rcvoopack[tp]++
    stat.tcps_rcvoopack++
    stat.tcps_rcvoobyte += tlen
    // Blocks after us: cut what we bring again, drop what we cover.
    while (next !== 0) {
      const overlap = (seq + tlen - g.tqe_start[next]) | 0
      if (overlap <= 0) break
      if (overlap < g.tqe_len[next]) {
        m_adj(k, g.tqe_m[next], overlap)
        g.tqe_start[next] = (g.tqe_start[next] + overlap) >>> 0
        g.tqe_len[next] -= overlap
        break
      }
      flags |= overlap === g.tqe_len[next] ? g.tqe_flags[next] & TH_FIN : 0
      const gone = next
      next = g.tqe_next[gone]
      m_freem(k, g.tqe_m[gone])
      if (prev === 0) t.t_segq[tp] = next
      else g.tqe_next[prev] = next
      t.t_segqlen[tp]--
      t.t_segqbytes[tp] -= g.tqe_mbuf_cnt[gone]
      g.free(gone)
    }
    const last = lastOf(k, m)
    const size = chainSize
    if (prev !== 0 && (g.tqe_start[prev] + g.tqe_len[prev]) >>> 0 === seq) {
      k.mb.m_next[g.tqe_last[prev]] = m
      g.tqe_last[prev] = last
      g.tqe_len[prev] += tlen
      g.tqe_flags[prev] |= flags & TH_FIN
      g.tqe_mbuf_cnt[prev] += size
      t.t_segqbytes[tp] += size
    } else {
      const q = g.alloc()
      g.tqe_m[q] = m
      g.tqe_last[q] = last
      g.tqe_start[q] = seq
      g.tqe_len[q] = tlen
      g.tqe_flags[q] = flags & TH_FIN
      g.tqe_next[q] = next
      g.tqe_mbuf_cnt[q] = size
      if (prev === 0) t.t_segq[tp] = q
      else g.tqe_next[prev] = q
      t.t_segqlen[tp]++
      t.t_segqbytes[tp] += size
      prev = q
    }
    if (next !== 0 && (g.tqe_start[prev] + g.tqe_len[prev]) >>> 0 === g.tqe_start[next]) {
      k.mb.m_next[g.tqe_last[prev]] = g.tqe_m[next]
      g.tqe_last[prev] = g.tqe_last[next]
      g.tqe_len[prev] += g.tqe_len[next]
      g.tqe_flags[prev] |= g.tqe_flags[next]
      g.tqe_mbuf_cnt[prev] += g.tqe_mbuf_cnt[next]
      g.tqe_next[prev] = g.tqe_next[next]
      t.t_segqlen[tp]--
      g.free(next)
    }
  }
  return present(k, tp, so)
}

/** Hands over what is in turn. */
function present(k: Kernel, tp: number, so: number): number {
  const t = k.inet.tcp
  const g = k.inet.tseg
  if (!TCPS_HAVEESTABLISHED(t.t_state[tp])) return 0
  const q = t.t_segq[tp]
  if (q === 0 || g.tqe_start[q] !== t.rcv_nxt[tp]) return 0
  const flags = g.tqe_flags[q] & TH_FIN
  const m = g.tqe_m[q]
  t.rcv_nxt[tp] = (t.rcv_nxt[tp] + g.tqe_len[q]) >>> 0
  removeFirst(k, tp)
  if ((k.sb.sb_state[k.so.so_rcv[so]] & SBS_CANTRCVMORE) !== 0) m_freem(k, m)
  else sbappendstream(k, k.so.so_rcv[so], m, 0)
  sorwakeup(k, so)
  return flags
}

/** True when nothing is queued. */
export function SEGQ_EMPTY(k: Kernel, tp: number): boolean {
  return k.inet.tcp.t_segq[tp] === 0
}

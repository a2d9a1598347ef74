/**
 * Transmit queues: the software ring in front, the drain that writes work requests, doorbells, progress reports and reclaim.
 *
 *   cxgbe_transmit ─► mp_ring ─► eth_tx ─► work requests in host memory ─► doorbell ─► card (t4_hw.ts)
 *                                   ▲                                                    │
 *                                   └── reclaim_tx_descs ◄── cidx in the status page ◄───┘
 *
 * Source: sys/dev/cxgbe/t4_sge.c eth_tx, reclaim_tx_descs, ring_eq_db, can_resume_eth_tx, handle_sge_egr_update, tx_reclaim; t4_mp_ring.c
 * mp_ring_enqueue, drain_ring (read through reference nic-cxgbe 3.5, 3.6, 4.10). The emulated host runs one thread at a time, so a ring is never
 * BUSY when another producer comes; abdication cannot happen and its counter stays 0.
 */
import type { Kernel } from '../../kernel'
import { m_freem } from '../../kern/kern_mbuf'
import { CAUSE, functionId } from '../../machine/cost'
import { ENOBUFS } from '../../sys/errno'
import { KASSERT } from '../../sys/systm'
import { EQ_ESIZE, howmany, IDXDIFF, MP_RING_BUSY, MP_RING_IDLE, MP_RING_STALLED, SGE_MAX_WR_NDESC } from './adapter'
import { hw_doorbell } from './t4_hw'
import { F_FW_WR_EQUEQ, F_FW_WR_EQUIQ } from './t4_msg'
import { mbuf_len16 } from './t4_sge_parse'
import { add_to_txpkts, requestUpdate, try_txpkts, txpkts, write_txpkt_wr, write_txpkts_wr } from './t4_sge_wr'

const FN_ETH_TX = functionId('eth_tx')
const FN_RECLAIM = functionId('reclaim_tx_descs')
const FN_EGR_UPDATE = functionId('handle_sge_egr_update')

/** cidx as the card last wrote it to the status page behind the ring: 16 bits, big-endian, at byte 4 of struct sge_qstat. */
export function statusCidx(k: Kernel, q: number): number {
  const { txq } = k.cxgbe
  const at = txq.ba[q] + txq.sidx[q] * EQ_ESIZE + 4
  const { ram } = k.phys
  return (ram[at] << 8) | ram[at + 1]
}

/** Descriptors the card has done and the driver not yet reclaimed. Source: t4_sge.c reclaimable_tx_desc. */
export function reclaimable_tx_desc(k: Kernel, q: number): number {
  const { txq } = k.cxgbe
  return IDXDIFF(statusCidx(k, q), txq.cidx[q], txq.sidx[q])
}

/** Descriptors free, those that could be reclaimed included. Source: t4_sge.c total_available_tx_desc. */
export function total_available_tx_desc(k: Kernel, q: number): number {
  const { txq } = k.cxgbe
  const hwCidx = statusCidx(k, q)
  const pidx = txq.pidx[q]
  const sidx = txq.sidx[q]
  return pidx === hwCidx ? sidx - 1 : IDXDIFF(hwCidx, pidx, sidx) - 1
}

/** Source: t4_sge.c can_resume_eth_tx. */
function can_resume_eth_tx(k: Kernel, q: number): boolean {
  return total_available_tx_desc(k, q) > Math.floor(k.cxgbe.txq.sidx[q] / 8)
}

/**
 * Frees the packets of work requests that the card has done, at most `n` descriptors and the rest of the last work request. Returns the descriptors
 * reclaimed. Source: t4_sge.c reclaim_tx_descs.
 */
export function reclaim_tx_descs(k: Kernel, q: number, n: number): number {
  const cx = k.cxgbe
  const { txq } = cx
  const sidx = txq.sidx[q]
  const base = txq.sdesc[q]
  let can = reclaimable_tx_desc(k, q)
  if (can === 0) return 0
  if (k.cost.on) k.cost.enter(FN_RECLAIM)
  let reclaimed = 0
  while (can > 0 && reclaimed < n) {
    const at = base + txq.cidx[q]
    const used = cx.sdUsed[at]
    KASSERT(used > 0 && used <= can, 'reclaim_tx_descs: the card completes whole work requests')
    for (let m = cx.sdM[at]; m !== 0;) {
      const next = k.mb.m_nextpkt[m]
      k.mb.m_nextpkt[m] = 0
      m_freem(k, m)
      m = next
    }
    cx.sdM[at] = 0
    cx.sdUsed[at] = 0
    reclaimed += used
    can -= used
    const cidx = txq.cidx[q] + used
    txq.cidx[q] = cidx >= sidx ? cidx - sidx : cidx
  }
  if (k.cost.on) k.cost.leave()
  return reclaimed
}

/** Tells the card about `n` new descriptors. Source: t4_sge.c ring_eq_db (user doorbell: one 4-byte write behind a write barrier). */
function ring_eq_db(k: Kernel, q: number, n: number): void {
  const { txq } = k.cxgbe
  if (k.cost.on) k.cost.charge(CAUSE.mmio, k.cost.p.doorbell)
  txq.doorbells[q]++
  txq.dbidx[q] = (txq.dbidx[q] + n) % txq.sidx[q]
  hw_doorbell(k, q, n)
}

/**
 * Writes as many of the waiting packets as there are descriptors for: those at ring positions rCidx … rPidx. Returns how many were consumed.
 * Source: t4_sge.c eth_tx.
 */
function eth_tx(k: Kernel, q: number): number {
  const cx = k.cxgbe
  const { txq } = cx
  const sidx = txq.sidx[q]
  const items = cx.items
  const base = txq.sdesc[q]
  const pidx = txq.rPidx[q]
  let cidx = txq.rCidx[q]
  let remaining = IDXDIFF(pidx, cidx, sidx)
  let total = 0
  let available = txq.pidx[q] === txq.cidx[q] ? sidx - 1 : IDXDIFF(txq.cidx[q], txq.pidx[q], sidx) - 1
  let dbdiff = IDXDIFF(txq.pidx[q], txq.dbidx[q], sidx)

  while (remaining > 0) {
    const m = items[base + cidx]
    const needed = howmany(mbuf_len16(k, m), EQ_ESIZE / 16)
    if (available < needed) {
      available += reclaim_tx_descs(k, q, 64)
      if (available < needed) break
    }
    let next = cidx + 1 === sidx ? 0 : cidx + 1
    const at = txq.pidx[q]
    let n: number
    if (remaining > 1 && try_txpkts(k, m, items[base + next], available)) {
      let tail = items[base + next]
      k.mb.m_nextpkt[m] = tail
      next = next + 1 === sidx ? 0 : next + 1
      while (next !== pidx && add_to_txpkts(k, items[base + next], available)) {
        k.mb.m_nextpkt[tail] = items[base + next]!
        tail = items[base + next]!
        next = next + 1 === sidx ? 0 : next + 1
      }
      n = write_txpkts_wr(k, q, m, available)
      total += txpkts.npkt
      remaining -= txpkts.npkt
    } else {
      total++
      remaining--
      n = write_txpkt_wr(k, q, m, available)
    }
    KASSERT(n >= 1 && n <= available && n <= SGE_MAX_WR_NDESC, 'eth_tx: a work request takes 1 to 8 free descriptors')
    available -= n
    dbdiff += n
    txq.pidx[q] = at + n >= sidx ? at + n - sidx : at + n

    if (txq.equiq[q] === 0 && total_available_tx_desc(k, q) < Math.floor(sidx / 4)) {
      txq.equiq[q] = 1
      requestUpdate(k, q, at, F_FW_WR_EQUIQ | F_FW_WR_EQUEQ)
      txq.equeqidx[q] = txq.pidx[q]!
    } else if (IDXDIFF(txq.pidx[q], txq.equeqidx[q], sidx) >= 32) {
      requestUpdate(k, q, at, F_FW_WR_EQUEQ)
      txq.equeqidx[q] = txq.pidx[q]!
    }
    if (dbdiff >= 16 && remaining >= 4) {
      ring_eq_db(k, q, dbdiff)
      available += reclaim_tx_descs(k, q, 4 * dbdiff)
      dbdiff = 0
    }
    cidx = next
  }
  if (dbdiff !== 0) {
    ring_eq_db(k, q, dbdiff)
    reclaim_tx_descs(k, q, 32)
  }
  return total
}

/** Source: t4_mp_ring.c drain_ring. `was`: the state before this consumer took over. */
function drain_ring(k: Kernel, q: number, was: number): void {
  const { txq } = k.cxgbe
  const sidx = txq.sidx[q]
  if (k.cost.on) k.cost.enter(FN_ETH_TX)
  let total = 0
  while (txq.rCidx[q] !== txq.rPidx[q]) {
    const n = eth_tx(k, q)
    if (n === 0) {
      txq.rState[q] = MP_RING_STALLED
      if (was !== MP_RING_STALLED) txq.r_stalls[q]++
      else if (total > 0) {
        txq.r_restarts[q]++
        txq.r_stalls[q]++
      }
      if (k.cost.on) k.cost.leave()
      return
    }
    total += n
    const cidx = txq.rCidx[q] + n
    txq.rCidx[q] = cidx >= sidx ? cidx - sidx : cidx
  }
  txq.rState[q] = MP_RING_IDLE
  if (was === MP_RING_STALLED) txq.r_restarts[q]++
  if (k.cost.on) k.cost.leave()
}

/** Hands a parsed packet to a queue; 0 or ENOBUFS (then the packet is still the caller's). Source: t4_mp_ring.c mp_ring_enqueue. */
export function mp_ring_enqueue(k: Kernel, q: number, m: number): number {
  const cx = k.cxgbe
  const { txq } = cx
  const sidx = txq.sidx[q]
  const pidx = txq.rPidx[q]
  const space = pidx === txq.rCidx[q] ? sidx - 1 : IDXDIFF(txq.rCidx[q], pidx, sidx) - 1
  if (space <= 1) {
    txq.r_drops[q]++
    return ENOBUFS
  }
  cx.items[txq.sdesc[q] + pidx] = m
  txq.rPidx[q] = pidx + 1 === sidx ? 0 : pidx + 1
  txq.r_enqueues[q]++
  const was = txq.rState[q]
  KASSERT(was !== MP_RING_BUSY, 'mp_ring_enqueue: one producer at a time')
  // A stalled ring waits for enough free descriptors, not for the next producer.
  if (was === MP_RING_STALLED && !can_resume_eth_tx(k, q)) return 0
  if (was === MP_RING_IDLE) txq.r_starts[q]++
  txq.rState[q] = MP_RING_BUSY
  drain_ring(k, q, was)
  return 0
}

/** Restarts a stalled ring when there is room again. Source: t4_mp_ring.c mp_ring_check_drainage. */
function mp_ring_check_drainage(k: Kernel, q: number): void {
  const { txq } = k.cxgbe
  if (txq.rState[q] !== MP_RING_STALLED || !can_resume_eth_tx(k, q)) return
  txq.rState[q] = MP_RING_BUSY
  drain_ring(k, q, MP_RING_STALLED)
}

/** Message of the card that a queue has moved on: wake the ring, reclaim. Source: t4_sge.c handle_sge_egr_update, tx_reclaim. */
export function handle_sge_egr_update(k: Kernel, q: number): void {
  const { txq } = k.cxgbe
  if (k.cost.on) {
    k.cost.enter(FN_EGR_UPDATE)
    k.cost.charge(CAUSE.interrupt, k.cost.p.interrupt)
  }
  txq.egressUpdates[q]++
  txq.equiq[q] = 0
  mp_ring_check_drainage(k, q)
  while (reclaim_tx_descs(k, q, 32) > 0);
  if (txq.cidx[q] === txq.pidx[q]) txq.equeqidx[q] = txq.pidx[q]!
  if (k.cost.on) k.cost.leave()
}

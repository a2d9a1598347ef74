/**
 * iflib(9) as igb(4) uses it: transmit ring, mapping of packets to physical segments, reclaim, receive, and the ioctls that stop and start the card.
 *
 *   iflib_if_transmit ─► mp_ring ─► iflib_txq_drain ─► iflib_encap ─► descriptors ─► tail register ─► card
 *                                        ▲ iflib_completed_tx_reclaim ◄── DD ◄────────────────────────┘
 *
 * Source: sys/net/iflib.c of 2019 to 2021, sys/net/mp_ring.c (read). Simpler than the driver: every packet asks for DD (the driver of the time skips
 * most), and the interrupt reclaims what is done even when nothing waits, so that the last packets of an idle queue do not stay in the ring (assumed).
 */
import { m_freem, mtodAddr } from '../kern/kern_mbuf'
import { Sglist, sglist_append_mbuf } from '../kern/subr_sglist'
import { m_collapse, m_defrag, m_pullup } from '../kern/uipc_mbuf'
import type { Kernel } from '../kernel'
import { CAUSE, functionId } from '../machine/cost'
import { PROBE_SG } from '../machine/probe'
import {
  EM_MAX_SCATTER,
  EM_TSO_SEG_SIZE,
  type Igb,
  RING_BUSY,
  RING_IDLE,
  RING_STALLED,
  ringDistance,
  IFMP_RING_SIZE,
} from '../dev/e1000/em'
import {
  igb_isc_txd_credits_update,
  igb_isc_txd_encap,
  igb_isc_txd_flush,
  type PacketInfo,
} from '../dev/e1000/igb_txrx'
import { EFBIG, ENETDOWN, ENOBUFS, ENOMEM } from '../sys/errno'
import { CSUM_DELAY_DATA_IPV6, CSUM_IP6_TSO, CSUM_TSO, M_VLANTAG } from '../sys/mbuf'
import { M_NOWAIT, PAGE_SIZE } from '../sys/param'
import { KASSERT } from '../sys/systm'
import { ETHER_HDR_LEN, ETHER_VLAN_ENCAP_LEN, IFF_DRV_RUNNING, LINK_STATE_UP } from './ifConstants'

const FN_txq_drain = functionId('iflib_txq_drain')
const FN_encap = functionId('iflib_encap')
const FN_reclaim = functionId('iflib_completed_tx_reclaim')

const TX_BATCH_SIZE = 32
/** Segments of a packet and two sentinels must fit. Source: iflib.c MAX_TX_DESC. */
const MAX_TX_DESC = EM_MAX_SCATTER
/** m_pkthdr.rsstype without a hash. */
const M_HASHTYPE_NONE = 0

const igbOf = (k: Kernel): Igb => k.igb!

// Working memory of one call: the list of a chain, and its DMA segments.
const list = new Sglist(512)
const segAddr = new Float64Array(EM_MAX_SCATTER)
const segLen = new Int32Array(EM_MAX_SCATTER)
let nsegs = 0

/** A piece that lies in one page: joins the segment before if it continues it and the sum is short enough. Source: busdma_bounce.c _bus_dmamap_addseg. */
function addseg(address: number, length: number, maxsegs: number, maxsegsz: number): boolean {
  const last = nsegs - 1
  if (last >= 0 && segAddr[last] + segLen[last] === address && segLen[last] + length <= maxsegsz) {
    segLen[last] += length
    return true
  }
  if (nsegs === maxsegs) return false
  segAddr[nsegs] = address
  segLen[nsegs++] = length
  return true
}

/**
 * bus_dmamap_load_mbuf_sg: physical segments of a packet, page by page, at most `maxsegs` of at most `maxsegsz` bytes. @returns 0 or EFBIG.
 * Source: sys/kern/subr_bus_dma.c, sys/x86/x86/busdma_bounce.c (read).
 */
function bus_dmamap_load_mbuf_sg(k: Kernel, m: number, maxsegs: number, maxsegsz: number): number {
  nsegs = 0
  list.reset()
  if (sglist_append_mbuf(k, list, m) !== 0) return EFBIG
  for (let i = 0; i < list.nseg; i++) {
    let address = list.addr[i]
    for (let left = list.len[i]; left > 0;) {
      const n = Math.min(left, PAGE_SIZE - (address % PAGE_SIZE), maxsegsz)
      if (!addseg(address, n, maxsegs, maxsegsz)) return EFBIG
      address += n
      left -= n
    }
  }
  return 0
}

/** Descriptors free in the ring of a queue. */
function txqAvail(k: Kernel, q: number): number {
  const { txq } = igbOf(k)
  return txq.size[q] - txq.in_use[q] - 1
}

const info: PacketInfo = {
  segAddr,
  segLen,
  nsegs: 0,
  length: 0,
  csumFlags: 0,
  vlan: false,
  vtag: 0,
  ehdrlen: 0,
  ipHlen: 0,
  tcpHlen: 0,
  tsoSegsz: 0,
  ipv4: false,
  tcp: false,
}

/** Where headers end, for offloads. @returns the packet (a copy after m_pullup), or 0 when that failed (it is freed). Source: iflib_parse_header. */
function iflib_parse_header(k: Kernel, q: number, m: number): number {
  // Ethernet, IP and TCP header of IPv4; IPv6 needs 20 bytes more.
  const isipv6 = (info.csumFlags & (CSUM_DELAY_DATA_IPV6 | CSUM_IP6_TSO)) !== 0
  const need = Math.min(k.mb.ph_len[m], ETHER_HDR_LEN + (isipv6 ? 60 : 40))
  if (k.mb.m_len[m] < need) {
    igbOf(k).txq.m_pullups[q]++
    m = m_pullup(k, m, need)
    if (m === 0) return 0
  }
  const { ram } = k.phys
  const at = mtodAddr(k, m)
  let type = (ram[at + 12] << 8) | ram[at + 13]
  info.ehdrlen = ETHER_HDR_LEN
  if (type === 0x8100) {
    type = (ram[at + 16] << 8) | ram[at + 17]
    info.ehdrlen += ETHER_VLAN_ENCAP_LEN
  }
  info.ipv4 = type === 0x0800
  if (!info.ipv4 && type !== 0x86dd) {
    info.csumFlags = 0
    return m
  }
  const ip = at + info.ehdrlen
  info.ipHlen = info.ipv4 ? (ram[ip] & 15) * 4 : 40
  info.tcp = ram[ip + (info.ipv4 ? 9 : 6)] === 6
  if (info.tcp) info.tcpHlen = (ram[ip + info.ipHlen + 12] >>> 4) * 4
  info.tsoSegsz = k.mb.ph_tso_segsz[m]
  return m
}

/**
 * Maps a packet and writes its descriptors. @returns 0; ENOBUFS: no room, the packet is still the caller's; else the packet is gone.
 * Source: iflib_encap: too many segments are joined once by m_collapse, then copied once by m_defrag.
 */
function iflib_encap(k: Kernel, q: number, m0: number, place: number): number {
  const igb = igbOf(k)
  const { txq } = igb
  let m = m0
  const tso = (k.mb.ph_csum_flags[m] & CSUM_TSO) !== 0
  info.length = k.mb.ph_len[m]
  info.csumFlags = k.mb.ph_csum_flags[m]
  info.vlan = (k.mb.m_flags[m] & M_VLANTAG) !== 0
  info.vtag = info.vlan ? k.mb.ph_ether_vtag[m] : 0
  info.ehdrlen = ETHER_HDR_LEN
  info.ipHlen = 0
  info.tcpHlen = 0
  info.ipv4 = false
  info.tcp = false
  if (info.csumFlags !== 0 || info.vlan) {
    m = iflib_parse_header(k, q, m)
    if (m === 0) return ENOMEM
    // The ring keeps what the packet has become, should there be no room for it now.
    igb.items[place] = m
  }
  const maxsegsz = tso ? EM_TSO_SEG_SIZE : 65536
  for (let remap = 0; bus_dmamap_load_mbuf_sg(k, m, EM_MAX_SCATTER, maxsegsz) === EFBIG; remap++) {
    let n = remap === 0 ? m_collapse(k, m, M_NOWAIT, EM_MAX_SCATTER) : 0
    if (n === 0 && remap <= 1) {
      remap = 1
      txq.mbuf_defrag[q]++
      n = m_defrag(k, m, M_NOWAIT)
    }
    if (n === 0) {
      txq.mbuf_defrag_failed[q]++
      txq.tx_map_failed[q]++
      m_freem(k, m)
      return ENOMEM
    }
    m = n
    igb.items[place] = m
  }
  if (nsegs + 2 > txqAvail(k, q)) {
    txq.no_desc_avail[q]++
    return ENOBUFS
  }
  info.nsegs = nsegs
  const first = txq.pidx[q]
  const ndesc = igb_isc_txd_encap(k, q, info, m)
  KASSERT(ndesc >= 1 && ndesc <= nsegs + 2, 'iflib_encap: a descriptor for each segment and at most two more')
  if (k.cost.on) k.cost.charge(CAUSE.driver, k.cost.p.txDescriptor + k.cost.p.sgElement * nsegs)
  txq.in_use[q] += ndesc
  txq.db_pending[q] += ndesc
  txq.txq_processed[q] += ndesc
  txq.descriptors[q] += ndesc
  txq.segments[q] += nsegs
  if (tso) txq.tsoBursts[q]++
  igb.sdProbe[txq.sdesc[q] + first] = 0
  if (probed !== 0 && probed === m0) noteProbe(k, q, first, ndesc)
  return 0
}

/** Packet that the send-path probe follows through this call, or 0. */
let probed = 0

function noteProbe(k: Kernel, q: number, first: number, ndesc: number): void {
  const { probe } = k.machine
  const row = probe.control.current
  if (row === 0) return
  const igb = igbOf(k)
  const b = probe.bursts
  igb.sdProbe[igb.txq.sdesc[q] + first] = b.id[row]
  b.wr_queue[row] = igb.txq.index[q]
  b.wr_descriptors[row] = ndesc
  b.wr_len16[row] = ndesc
  b.sg_total[row] = nsegs
  for (let i = 0; i < nsegs && i < PROBE_SG; i++) {
    b.sg_addr[row * PROBE_SG + i] = segAddr[i]
    b.sg_len[row * PROBE_SG + i] = segLen[i]
  }
}

/** Frees the packets whose descriptors the card has done. @returns descriptors. Source: iflib_completed_tx_reclaim, iflib_tx_desc_free. */
export function iflib_completed_tx_reclaim(k: Kernel, q: number): number {
  const igb = igbOf(k)
  const { txq } = igb
  const n = igb_isc_txd_credits_update(k, q)
  if (n === 0) return 0
  if (k.cost.on) k.cost.enter(FN_reclaim)
  free(k, q, n)
  txq.txq_cleaned[q] += n
  if (k.cost.on) k.cost.leave()
  return n
}

/** Frees `n` descriptors from the oldest on. */
function free(k: Kernel, q: number, n: number): void {
  const igb = igbOf(k)
  const { txq } = igb
  const size = txq.size[q]
  for (let i = 0; i < n; i++) {
    const at = txq.sdesc[q] + txq.cidx[q]
    if (igb.sdM[at] !== 0) {
      m_freem(k, igb.sdM[at])
      igb.sdM[at] = 0
    }
    txq.cidx[q] = txq.cidx[q] + 1 === size ? 0 : txq.cidx[q] + 1
  }
  txq.in_use[q] -= n
}

/** How many descriptors may wait unannounced: the more the ring holds, the more. Source: iflib.c txq_max_db_deferred. */
function maxDeferred(size: number, inUse: number): number {
  const unit = size >>> 3
  if (inUse > 4 * unit) return unit
  if (inUse > 2 * unit) return unit >>> 1
  return inUse > unit ? unit >>> 3 : 0
}

/** Rings the doorbell when enough waits, or `force`. Source: iflib_txd_db_check. */
function iflib_txd_db_check(k: Kernel, q: number, force: boolean): boolean {
  const { txq } = igbOf(k)
  if (txq.db_pending[q] === 0) return false
  if (!force && txq.db_pending[q] < maxDeferred(txq.size[q], txq.in_use[q]) && txqAvail(k, q) > MAX_TX_DESC + 2)
    return false
  if (k.cost.on) k.cost.charge(CAUSE.mmio, k.cost.p.doorbell)
  txq.doorbells[q]++
  txq.db_pending[q] = 0
  igb_isc_txd_flush(k, q)
  return true
}

function ready(k: Kernel, ifp: number): boolean {
  return (k.ifnet.if_drv_flags[ifp] & IFF_DRV_RUNNING) !== 0 && k.ifnet.if_link_state[ifp] === LINK_STATE_UP
}

/** Sends at most 32 of the waiting packets. @returns how many were consumed. Source: iflib_txq_drain. */
function iflib_txq_drain(k: Kernel, q: number): number {
  const igb = igbOf(k)
  const { txq, port } = igb
  const ifp = port.ifp[txq.port[q]]
  if (!ready(k, ifp)) return 0
  const reclaimed = iflib_completed_tx_reclaim(k, q)
  iflib_txd_db_check(k, q, reclaimed > 0)
  const count = Math.min(ringDistance(txq.rPidx[q], txq.rCidx[q], IFMP_RING_SIZE), TX_BATCH_SIZE)
  let consumed = 0
  let error = 0
  let rang = false
  for (; consumed < count && txqAvail(k, q) >= MAX_TX_DESC + 2; consumed++) {
    const place = txq.rBase[q] + ((txq.rCidx[q] + consumed) % IFMP_RING_SIZE)
    const m = igb.items[place]
    const length = k.mb.ph_len[m]
    if (k.cost.on) k.cost.enter(FN_encap)
    error = iflib_encap(k, q, m, place)
    if (k.cost.on) k.cost.leave()
    if (error === ENOBUFS) break
    if (error !== 0) continue
    k.ifnet.if_opackets[ifp]++
    k.ifnet.if_obytes[ifp] += length
    rang = iflib_txd_db_check(k, q, false)
  }
  iflib_txd_db_check(k, q, !rang && error !== 0)
  return consumed
}

/** Source: mp_ring.c drain_ring_lockless. `was`: state before this consumer took over. */
function drain_ring(k: Kernel, q: number, was: number): void {
  const { txq } = igbOf(k)
  if (k.cost.on) k.cost.enter(FN_txq_drain)
  txq.rState[q] = RING_BUSY
  let total = 0
  for (;;) {
    if (txq.rCidx[q] === txq.rPidx[q]) {
      txq.rState[q] = RING_IDLE
      if (was === RING_STALLED) txq.r_restarts[q]++
      break
    }
    const n = iflib_txq_drain(k, q)
    if (n === 0) {
      txq.rState[q] = RING_STALLED
      if (was !== RING_STALLED || total > 0) txq.r_stalls[q]++
      break
    }
    total += n
    txq.rCidx[q] = (txq.rCidx[q] + n) % IFMP_RING_SIZE
  }
  if (k.cost.on) k.cost.leave()
}

/** Takes the packet in every case. Source: iflib_if_transmit, ifmp_ring_enqueue. */
export function iflib_if_transmit(k: Kernel, ifp: number, m: number): number {
  const igb = igbOf(k)
  const { txq, port } = igb
  const p = k.ifnet.if_softc[ifp]
  if (!ready(k, ifp)) {
    m_freem(k, m)
    return ENETDOWN
  }
  let q = port.firstTxq[p]
  if (port.ntxq[p] > 1 && k.mb.ph_rsstype[m] !== M_HASHTYPE_NONE) q += k.mb.ph_flowid[m] % port.ntxq[p]
  const pidx = txq.rPidx[q]
  if (IFMP_RING_SIZE - 1 - ringDistance(pidx, txq.rCidx[q], IFMP_RING_SIZE) <= 1) {
    txq.r_drops[q]++
    check_drainage(k, q)
    m_freem(k, m)
    return ENOBUFS
  }
  igb.items[txq.rBase[q] + pidx] = m
  txq.rPidx[q] = (pidx + 1) % IFMP_RING_SIZE
  txq.r_enqueues[q]++
  const was = txq.rState[q]
  KASSERT(was !== RING_BUSY, 'ifmp_ring_enqueue: one producer at a time')
  if (was === RING_STALLED && !canDrain(k, q)) return 0
  if (was === RING_IDLE) txq.r_starts[q]++
  const { control } = k.machine.probe
  if (control.current !== 0 && control.host === k.id) probed = m
  drain_ring(k, q, was)
  probed = 0
  return 0
}

/** Source: iflib_txq_can_drain. */
function canDrain(k: Kernel, q: number): boolean {
  return txqAvail(k, q) > MAX_TX_DESC + 2 || igb_isc_txd_credits_update(k, q) > 0
}

/** Source: ifmp_ring_check_drainage. */
function check_drainage(k: Kernel, q: number): void {
  if (igbOf(k).txq.rState[q] === RING_STALLED && canDrain(k, q)) drain_ring(k, q, RING_STALLED)
}

/** Transmit half of the interrupt of a pair of queues. Source: _task_fn_tx. */
export function iflib_tx_task(k: Kernel, q: number): void {
  const { txq, port } = igbOf(k)
  if (port.running[txq.port[q]] === 0) return
  while (iflib_completed_tx_reclaim(k, q) > 0);
  iflib_txd_db_check(k, q, true)
  check_drainage(k, q)
}

/** Everything that is on its way out is freed: iflib_stop, and the software rings (they would be drained to a stopped card). */
export function iflib_txq_reset(k: Kernel, q: number): void {
  const igb = igbOf(k)
  const { txq } = igb
  free(k, q, txq.in_use[q])
  txq.pidx[q] = 0
  txq.cidx[q] = 0
  txq.db_pending[q] = 0
  while (txq.rCidx[q] !== txq.rPidx[q]) {
    m_freem(k, igb.items[txq.rBase[q] + txq.rCidx[q]])
    txq.rCidx[q] = (txq.rCidx[q] + 1) % IFMP_RING_SIZE
  }
  txq.rState[q] = RING_IDLE
}

/**
 * The I350 itself: fetches descriptors from host memory, gathers a packet by physical address, cuts TSO bursts, inserts checksums and tags, writes DD
 * back, and interrupts at most 8000 times a second for each vector. Formats: Intel's data sheet (read). Times: PCIe as for the other card but four lanes
 * of generation 2 (assumed); one packet is read at a time for each port, queues take turns.
 */
import type { Kernel } from '../../kernel'
import { EV_IGB_INTR, EV_IGB_TX } from '../../machine/eventKinds'
import { KASSERT } from '../../sys/systm'
import { gatherFrame, insertVlanTag, segmentBurst } from '../dma'
import { hashTcp4, hashTcp6, toeplitz } from '../cxgbe/rss'
import {
  M_HASHTYPE_NONE,
  M_HASHTYPE_RSS_IPV4,
  M_HASHTYPE_RSS_IPV6,
  M_HASHTYPE_RSS_TCP_IPV4,
  M_HASHTYPE_RSS_TCP_IPV6,
  probeRow,
} from '../cxgbe/adapter'
import {
  DCMD_EOP,
  DCMD_RS,
  DCMD_TSE,
  DCMD_VLE,
  DTYP_CTXT,
  DTYP_DATA,
  EM_ITR_NS,
  EM_MAX_SCATTER,
  IGB_BPS,
  type Igb,
  MSS_SHIFT,
  POPTS_IXSM,
  POPTS_TXSM,
  PROBE_TIMES,
  STAT_DD,
  TXD_BYTES,
  VLAN_SHIFT,
} from './em'

const ENGINE_IDLE = 0
const ENGINE_FETCHING = 1
const ENGINE_READING = 2
/** Payload a second over four lanes of PCIe generation 2, bits. */
const PCIE_BPS = 13.2e9

// Working memory of one call: pieces of the packet being read.
const segAddr = new Float64Array(EM_MAX_SCATTER)
const segLen = new Int32Array(EM_MAX_SCATTER)

const igbOf = (k: Kernel): Igb => k.igb!

/** The driver wrote the tail register of a queue. */
export function i350_tail(k: Kernel, q: number, tail: number): void {
  const { txq, port } = igbOf(k)
  txq.hwTail[q] = tail
  const p = txq.port[q]
  if (port.engine[p] !== ENGINE_IDLE) return
  port.engine[p] = ENGINE_FETCHING
  const { nicDoorbellLatency, nicReadLatency } = k.cxgbe.timing
  k.machine.schedule(k.now() + nicDoorbellLatency + nicReadLatency, EV_IGB_TX, k.id, p)
}

/** Event: descriptors are there, or the data of a packet has been read. */
export function i350_tx_event(k: Kernel, p: number): void {
  const { port } = igbOf(k)
  const reading = port.engine[p] === ENGINE_READING
  if (reading) finish(k, p)
  const q = nextQueue(k, p)
  if (q === 0) {
    port.engine[p] = ENGINE_IDLE
    return
  }
  port.engine[p] = ENGINE_READING
  port.engineTxq[p] = q
  port.engineLast[p] = q
  const ns = start(k, p, q)
  const ready = k.machine.time + ns + (reading ? 0 : k.cxgbe.timing.nicReadLatency)
  k.machine.schedule(Math.max(ready, port.portFree[p]), EV_IGB_TX, k.id, p)
}

function nextQueue(k: Kernel, p: number): number {
  const { port, txq } = igbOf(k)
  const first = port.firstTxq[p]
  const n = port.ntxq[p]
  let q = port.engineLast[p] === 0 ? first : port.engineLast[p]
  for (let i = 0; i < n; i++) {
    q = q + 1 >= first + n ? first : q + 1
    if (txq.hwTail[q] !== txq.hwHead[q]) return q
  }
  return 0
}

/** Reads the packet at the head of a queue. @returns the time of the transfer, ns. */
function start(k: Kernel, p: number, q: number): number {
  const igb = igbOf(k)
  const { port, txq } = igb
  const { wire } = k.machine
  const size = txq.size[q]
  const { ram32 } = k.phys
  let at = txq.hwHead[q]
  let ndesc = 0
  let nseg = 0
  let length = 0
  let mss = 0
  let tag = 0
  let command = 0
  let options = 0
  for (let more = true; more;) {
    KASSERT(at !== txq.hwTail[q], 'i350: a packet ends before the tail')
    const word = (txq.ba[q] + at * TXD_BYTES) / 4
    const flags = ram32[word + 2]
    if ((flags & DTYP_DATA) === DTYP_CTXT) {
      mss = ram32[word + 3] >>> MSS_SHIFT
      tag = ram32[word] >>> VLAN_SHIFT
    } else {
      if (nseg === 0) {
        command = flags
        options = ram32[word + 3]
      }
      segAddr[nseg] = (ram32[word + 1] >>> 0) * 4294967296 + (ram32[word] >>> 0)
      segLen[nseg] = flags & 0xffff
      length += segLen[nseg++]
      more = (flags & DCMD_EOP) === 0
    }
    ndesc++
    at = at + 1 === size ? 0 : at + 1
  }
  let slot = wire.alloc(Math.min(length, 65536))
  gatherFrame(k, slot, segAddr, segLen, nseg, length)
  if ((command & DCMD_VLE) !== 0) insertVlanTag(k, slot, tag)
  const id = igb.sdProbe[txq.sdesc[q] + txq.hwHead[q]]
  const payload = wire.slots.payLen[slot]
  if ((command & DCMD_TSE) !== 0 && payload > mss) {
    port.tso_txd[p]++
    slot = segmentBurst(k, slot, mss, k.debug)
  } else {
    wire.slots.mss[slot] = payload
    if ((options & POPTS_IXSM) !== 0) wire.insertIpChecksum(slot)
    if ((options & POPTS_TXSM) !== 0) wire.insertChecksum(slot)
    else wire.readChecksum(slot)
  }
  port.engineNdesc[p] = ndesc
  port.engineSlots[p] = slot
  let frames = 0
  for (let s = slot; s !== 0; s = wire.slots.next[s]) {
    frames += wire.slots.nsegs[s]
    wire.setProbe(s, id)
  }
  const row = id === 0 ? 0 : probeRow(k, id)
  if (row !== 0) {
    k.machine.probe.bursts.fr_frames[row] = frames
    igb.probeTimes[row * PROBE_TIMES] = k.machine.time
    igb.probeTimes[row * PROBE_TIMES + 1] = 0
    igb.probeTimes[row * PROBE_TIMES + 2] = 0
    k.cxgbe.burstObserver?.(row)
  }
  return Math.ceil(((length + ndesc * TXD_BYTES + nseg * k.cxgbe.timing.nicSegmentBytes) * 8e9) / PCIE_BPS)
}

/** The packet is on the card: frames to the link, DD to the host, interrupt. */
function finish(k: Kernel, p: number): void {
  const igb = igbOf(k)
  const { port, txq } = igb
  const { wire, link } = k.machine
  for (let slot = port.engineSlots[p]; slot !== 0;) {
    const next = wire.slots.next[slot]
    wire.slots.next[slot] = 0
    const frames = wire.slots.nsegs[slot]
    port.good_pkts_txd[p] += frames
    port.good_octets_txd[p] += wire.burstWireBytes(slot) - frames * 20
    const cable = port.linked[p]
    if (cable !== 0) {
      const id = slot < wire.probe.length ? wire.probe[slot] : 0
      port.portFree[p] = link.transmit(2 * (cable - 1) + k.id, slot, IGB_BPS)
      const row = id === 0 ? 0 : probeRow(k, id)
      if (row !== 0) {
        igb.probeTimes[row * PROBE_TIMES + 1] = k.machine.time
        igb.probeTimes[row * PROBE_TIMES + 2] = link.lastDeparture
        k.machine.probe.bursts.fr_dropped[row] += link.lastDropped
      }
    } else wire.free(slot)
    slot = next
  }
  port.engineSlots[p] = 0
  const q = port.engineTxq[p]
  const size = txq.size[q]
  const last = (txq.hwHead[q] + port.engineNdesc[p] - 1) % size
  const word = (txq.ba[q] + last * TXD_BYTES) / 4
  txq.hwHead[q] = (last + 1) % size
  if ((k.phys.ram32[word + 2] & DCMD_RS) === 0) return
  k.phys.ram32[word + 3] |= STAT_DD
  i350_raise(k, p, txq.rxq[q])
}

/** Asks for the interrupt of a vector (a pair of queues); it comes when the moderation timer allows. */
export function i350_raise(k: Kernel, p: number, q: number): void {
  const { rxq } = igbOf(k)
  if (rxq.armed[q] !== 0) return
  rxq.armed[q] = 1
  const at = Math.max(k.machine.time + k.cxgbe.timing.nicWriteLatency, rxq.fired[q] + EM_ITR_NS)
  k.machine.schedule(at, EV_IGB_INTR, k.id, p, q)
}

/** A burst arrives. The slot is the card's from here on. */
export function i350_rx(k: Kernel, p: number, slot: number): void {
  const { port, rxq } = igbOf(k)
  const { wire } = k.machine
  const t = wire.slots
  if (wire.probe.length > slot && wire.probe[slot] !== 0) {
    const b = k.machine.probe.bursts
    const row = probeRow(k, wire.probe[slot])
    if (row !== 0) {
      b.arrived[row] = k.machine.time
      b.fr_out[row] += wire.survivors(slot)
    }
  }
  const frames = wire.survivors(slot)
  if (port.running[p] === 0) {
    wire.free(slot)
    return
  }
  const hash = flowHash(k, slot)
  const q = port.firstRxq[p] + (hash % port.nrxq[p])
  // One descriptor a frame (or several for frames longer than a buffer); one stays empty.
  const each = Math.ceil((t.hdrLen[slot] + t.mss[slot]) / port.rxMbufSize[p]) || 1
  if (rxq.waiting[q] + frames * each > port.nrxd[p] - 1) {
    port.missed_packets[p] += frames
    wire.free(slot)
    return
  }
  port.good_pkts_recvd[p] += frames
  for (let i = 0; i < t.nsegs[slot]; i++)
    if (!wire.isDropped(slot, i)) port.good_octets_recvd[p] += wire.frameWireBytes(slot, i) - 20
  t.hash[slot] = hash
  t.next[slot] = 0
  if (rxq.firstSlot[q] === 0) rxq.firstSlot[q] = slot
  else t.next[rxq.lastSlot[q]] = slot
  rxq.lastSlot[q] = slot
  rxq.waiting[q] += frames * each
  i350_raise(k, p, q)
}

function flowHash(k: Kernel, slot: number): number {
  const { wire } = k.machine
  const t = wire.slots
  const l3 = t.l3off[slot]
  t.hashType[slot] = M_HASHTYPE_NONE
  const head = wire.headerAt(slot)
  if (l3 === 0) return 0
  if (wire.bytes[head + l3] >>> 4 !== 4) {
    const tcp = t.proto[slot] === 6 && t.l4off[slot] !== 0
    t.hashType[slot] = tcp ? M_HASHTYPE_RSS_TCP_IPV6 : M_HASHTYPE_RSS_IPV6
    return tcp ? hashTcp6(wire.bytes, head + l3) : toeplitz(wire.bytes, head + l3 + 8, 32)
  }
  if (t.proto[slot] === 6 && t.l4off[slot] !== 0) {
    t.hashType[slot] = M_HASHTYPE_RSS_TCP_IPV4
    return hashTcp4(wire.bytes, head + l3, head + t.l4off[slot])
  }
  t.hashType[slot] = M_HASHTYPE_RSS_IPV4
  return toeplitz(wire.bytes, head + l3 + 12, 8)
}

/** Reset: what the card had of the host's packets is lost; frames on their way over PCIe too. */
export function i350_reset(k: Kernel, p: number): void {
  const { port, txq, rxq } = igbOf(k)
  const { wire } = k.machine
  for (let slot = port.engineSlots[p]; slot !== 0;) {
    const next = wire.slots.next[slot]
    wire.free(slot)
    slot = next
  }
  port.engineSlots[p] = 0
  // An event of the engine may still be pending: it then finds nothing to do.
  if (port.engine[p] === ENGINE_READING) port.engine[p] = ENGINE_FETCHING
  for (let n = 0; n < port.ntxq[p]; n++) {
    txq.hwHead[port.firstTxq[p] + n] = 0
    txq.hwTail[port.firstTxq[p] + n] = 0
  }
  for (let n = 0; n < port.nrxq[p]; n++) {
    const q = port.firstRxq[p] + n
    for (let slot = rxq.firstSlot[q]; slot !== 0;) {
      const next = wire.slots.next[slot]
      wire.free(slot)
      slot = next
    }
    rxq.firstSlot[q] = 0
    rxq.lastSlot[q] = 0
    rxq.waiting[q] = 0
  }
}

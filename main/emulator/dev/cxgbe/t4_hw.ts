/**
 * The card's transmit side: what firmware, SGE, ULP_TX and TP of a T6 do with a work request. It reads descriptors from host memory, gathers the data
 * by physical address, cuts TSO bursts, inserts checksums and VLAN tags, and hands the result to the link.
 *
 *   doorbell ─► fetch descriptors ─► read data (PCIe rate) ─► burst in a wire slot ─► link
 *                                          └─► cidx to the status page, message when asked for or when the queue has run empty
 *
 * One work request is read at a time for each port (queues take turns), so a queue's cidx follows the data. The card never completes part of a work
 * request. Semantics: derived from the formats in reference nic-cxgbe 4; times: see timing.ts; "reports when empty": assumed from the T6's doorbell
 * queue timer.
 */
import type { Kernel } from '../../kernel'
import { WIRE_HEADER_BYTES } from '../../link/wire'
import { EV_NIC_TX, EV_NIC_TX_STATUS } from '../../machine/eventKinds'
import { put16 } from '../../netinet/in'
import { KASSERT, panic } from '../../sys/systm'
import { gatherFrame, insertVlanTag, segmentBurst } from '../dma'
import {
  EQ_ESIZE,
  howmany,
  MAC_COUNTERS,
  MAC_TX_FRAMES,
  MAC_TX_OCTETS,
  MAC_TX_SIZES,
  MAC_TX_UCAST,
  PROBE_TIMES,
  probeRow,
  SGE_MAX_WR_NDESC,
} from './adapter'
import {
  CPL_LSO_BYTES,
  CPL_PKT_BYTES,
  CPL_TX_PKT,
  CPL_TX_PKT_LSO,
  F_FW_WR_EQUEQ,
  F_FW_WR_EQUIQ,
  F_TXPKT_IPCSUM_DIS,
  F_TXPKT_L4CSUM_DIS,
  F_TXPKT_VLAN_VLD,
  FW_ETH_TX_PKT_WR,
  FW_ETH_TX_PKTS_WR,
  FW_WR_HDR_BYTES,
  M_FW_ETH_TX_PKT_WR_IMMDLEN,
  M_FW_WR_LEN16,
  S_TXPKT_VLAN,
  ULP_TX_PKT,
  ULP_TX_SC_DSGL,
} from './t4_msg'

/** Rate of a port, bits a second: a T62100. The link behind it may be slower. */
export const PORT_BPS = 100e9

const DESC_WORDS = EQ_ESIZE / 4
const ENGINE_IDLE = 0
const ENGINE_FETCHING = 1
const ENGINE_READING = 2

// Working memory of one call, never state: the work request being decoded and the segments of its packet.
const wrWords = new Int32Array((SGE_MAX_WR_NDESC * EQ_ESIZE) / 4)
const wr = new Uint8Array(wrWords.buffer)
const segAddr = new Float64Array(64)
const segLen = new Int32Array(64)

/** The driver rang: `n` descriptors more. */
export function hw_doorbell(k: Kernel, q: number, n: number): void {
  const { txq, port } = k.cxgbe
  const sidx = txq.sidx[q]
  txq.hwPidx[q] = (txq.hwPidx[q] + n) % sidx
  const p = txq.port[q]
  if (port.engine[p] !== ENGINE_IDLE) return
  port.engine[p] = ENGINE_FETCHING
  const { nicDoorbellLatency, nicReadLatency } = k.cxgbe.timing
  k.machine.schedule(k.now() + nicDoorbellLatency + nicReadLatency, EV_NIC_TX, k.id, p)
}

/** Event: the descriptors are there, or the data of a work request has been read. */
export function hw_tx_event(k: Kernel, p: number): void {
  const { port } = k.cxgbe
  if (port.engine[p] === ENGINE_READING) finish(k, p)
  const q = nextQueue(k, p)
  if (q === 0) {
    port.engine[p] = ENGINE_IDLE
    return
  }
  const idle = port.engine[p] !== ENGINE_READING
  port.engine[p] = ENGINE_READING
  port.engineTxq[p] = q
  port.engineLast[p] = q
  const ns = start(k, p, q)
  const { machine } = k
  // Behind another work request the descriptors and the first data were asked for in time: only the transfer counts.
  const ready = machine.time + ns + (idle ? k.cxgbe.timing.nicReadLatency : 0)
  machine.schedule(Math.max(ready, k.cxgbe.port.portFree[p]), EV_NIC_TX, k.id, p)
}

/** Next queue of the port with work, in turn, or 0. */
function nextQueue(k: Kernel, p: number): number {
  const { port, txq } = k.cxgbe
  const first = port.firstTxq[p]
  const n = port.ntxq[p]
  const last = port.engineLast[p]
  let q = last === 0 ? first : last
  for (let i = 0; i < n; i++) {
    q = q + 1 >= first + n ? first : q + 1
    if (txq.hwPidx[q] !== txq.hwCidx[q]) return q
  }
  return 0
}

/** Copies the work request at hwCidx out of the ring and reads its data. Returns the time of the transfer in ns. */
function start(k: Kernel, p: number, q: number): number {
  const cx = k.cxgbe
  const { txq, port } = cx
  const sidx = txq.sidx[q]
  const at = txq.hwCidx[q]
  const ba = txq.ba[q]
  const { ram, ram32 } = k.phys
  // Word 1 tells the length; the first descriptor is always there.
  const len16 = ram[ba + at * EQ_ESIZE + 7] & M_FW_WR_LEN16
  const ndesc = howmany(len16, EQ_ESIZE / 16)
  if (len16 === 0 || len16 > 32) panic(`cxgbe hardware: a work request of ${len16} units; it has 1 to 32`)
  const behind = Math.min(ndesc, sidx - at)
  copyDescriptors(ram32, (ba + at * EQ_ESIZE) / 4, behind * DESC_WORDS, 0)
  if (behind < ndesc) copyDescriptors(ram32, ba / 4, (ndesc - behind) * DESC_WORDS, behind * DESC_WORDS)
  port.engineNdesc[p] = ndesc
  port.engineSlots[p] = 0
  port.engineLastSlot[p] = 0
  readBytes = 0
  readSegments = 0
  decode(k, p, q)
  const probe = cx.sdProbe[txq.sdesc[q] + at]
  if (probe !== 0) noteReading(k, p, probe)
  const { nicPcieRate, nicSegmentBytes } = cx.timing
  return Math.ceil(((readBytes + ndesc * EQ_ESIZE + readSegments * nicSegmentBytes) * 8e9) / nicPcieRate)
}

/** Tells the send-path probe that the card reads its burst now. Observer. */
function noteReading(k: Kernel, p: number, id: number): void {
  const row = probeRow(k, id)
  if (row === 0) return
  const { wire, probe } = k.machine
  let frames = 0
  for (let slot = k.cxgbe.port.engineSlots[p]; slot !== 0; slot = wire.slots.next[slot])
    frames += wire.slots.nsegs[slot]
  probe.bursts.fr_frames[row] = frames
  k.cxgbe.probeTimes[row * PROBE_TIMES] = k.machine.time
  k.cxgbe.probeTimes[row * PROBE_TIMES + 1] = 0
  k.cxgbe.probeTimes[row * PROBE_TIMES + 2] = 0
  k.cxgbe.burstObserver?.(row)
}

/** Tells the send-path probe that its burst is on its way. Observer. */
function noteSent(k: Kernel, id: number): void {
  const row = probeRow(k, id)
  if (row === 0) return
  const { link, probe } = k.machine
  k.cxgbe.probeTimes[row * PROBE_TIMES + 1] = k.machine.time
  k.cxgbe.probeTimes[row * PROBE_TIMES + 2] = link.lastDeparture
  probe.bursts.fr_dropped[row] += link.lastDropped
}

function copyDescriptors(ram32: Int32Array, from: number, words: number, to: number): void {
  for (let i = 0; i < words; i++) wrWords[to + i] = ram32[from + i]
}

/** Big-endian word of the work request at a byte position (a multiple of 4), unsigned. */
function word(at: number): number {
  const v = wrWords[at >>> 2]
  return ((v << 24) | ((v & 0xff00) << 8) | ((v >>> 8) & 0xff00) | (v >>> 24)) >>> 0
}

function address(at: number): number {
  return word(at) * 4294967296 + word(at + 4)
}

let readBytes = 0
let readSegments = 0

/** Takes the work request in `wr` apart, packet by packet. */
function decode(k: Kernel, p: number, q: number): void {
  const op = wr[0]
  if (op === FW_ETH_TX_PKT_WR) {
    const immdlen = word(0) & M_FW_ETH_TX_PKT_WR_IMMDLEN
    let at = FW_WR_HDR_BYTES
    let mss = 0
    if (wr[at] === CPL_TX_PKT_LSO) {
      mss = word(at + 4) & 0x3fff
      at += CPL_LSO_BYTES
    }
    const imm = immdlen - (at - FW_WR_HDR_BYTES) - CPL_PKT_BYTES
    packet(k, p, q, at, mss, imm, true)
  } else if (op === FW_ETH_TX_PKTS_WR) {
    const npkt = wr[14]
    const type = wr[15]
    let at = FW_WR_HDR_BYTES
    for (let i = 0; i < npkt; i++) {
      let next = at + 2 * 16
      if (type === 0) {
        KASSERT(wr[at] === ULP_TX_PKT, 'cxgbe hardware: a type 0 entry begins with ULP_TX_PKT')
        next = at + word(at + 4) * 16
        at += 16
      }
      packet(k, p, q, at, 0, 0, i === 0)
      at = next
    }
  } else panic(`cxgbe hardware: work request with opcode ${op} is not known`)
}

/** One packet: CPL_TX_PKT at `at`, then immediate bytes or a list. */
function packet(k: Kernel, p: number, q: number, at: number, mss: number, imm: number, first: boolean): void {
  KASSERT(wr[at] === CPL_TX_PKT, 'cxgbe hardware: a packet begins with CPL_TX_PKT')
  const length = word(at + 4) & 0xffff
  const ctrl1 = word(at + 8)
  const data = at + CPL_PKT_BYTES
  let nseg = 0
  if (imm === 0) {
    KASSERT(wr[data] === ULP_TX_SC_DSGL, 'cxgbe hardware: the data of a packet is a list')
    nseg = word(data) & 0xffff
    segLen[0] = word(data + 4)
    segAddr[0] = address(data + 8)
    for (let i = 1, pair = data + 16; i < nseg; i += 2, pair += 24) {
      segLen[i] = word(pair)
      segAddr[i] = address(pair + 8)
      if (i + 1 < nseg) {
        segLen[i + 1] = word(pair + 4)
        segAddr[i + 1] = address(pair + 16)
      }
    }
    readBytes += length
    readSegments += nseg
  } else KASSERT(imm === length, 'cxgbe hardware: immediate data is the whole frame')
  const slot = gather(k, length, nseg, imm === 0 ? 0 : data)
  const { wire } = k.machine
  if ((ctrl1 & F_TXPKT_VLAN_VLD) !== 0) insertVlanTag(k, slot, (ctrl1 >>> S_TXPKT_VLAN) & 0xffff)
  const probe = first ? k.cxgbe.sdProbe[k.cxgbe.txq.sdesc[q] + k.cxgbe.txq.hwCidx[q]] : 0
  const payload = wire.slots.payLen[slot]
  if (mss !== 0 && wire.slots.l4off[slot] !== 0 && wire.slots.proto[slot] === 6 && payload > mss)
    for (let piece = segmentBurst(k, slot, mss, k.debug); piece !== 0;) {
      const next = wire.slots.next[piece]
      send(k, p, piece, probe)
      piece = next
    }
  else {
    wire.slots.mss[slot] = payload
    if (mss !== 0 || (ctrl1 & F_TXPKT_IPCSUM_DIS) === 0) wire.insertIpChecksum(slot)
    if (mss !== 0 || (ctrl1 & F_TXPKT_L4CSUM_DIS) === 0) wire.insertChecksum(slot)
    else wire.readChecksum(slot)
    send(k, p, slot, probe)
  }
}

/** Reads `length` bytes of a packet into a new slot, headers apart from payload. `immediate`: position in `wr`, or 0 for the list. */
function gather(k: Kernel, length: number, nseg: number, immediate: number): number {
  const { wire } = k.machine
  const slot = wire.alloc(Math.min(length, 65536))
  const head = wire.headerAt(slot)
  if (immediate !== 0) {
    const { words } = wire
    const inHead = Math.min(length, WIRE_HEADER_BYTES)
    // Both begin at multiples of 16.
    for (let i = 0; i * 4 < inHead; i++) words[(head >>> 2) + i] = wrWords[(immediate >>> 2) + i]!
    wire.parse(slot, length)
    const hdrLen = wire.slots.hdrLen[slot]
    if (length > hdrLen) wire.bytes.copyWithin(wire.payloadAt(slot), head + hdrLen, head + length)
    wire.slots.payLen[slot] = length - hdrLen
  } else if (segLen[0] <= WIRE_HEADER_BYTES && headersIn(k, slot, segLen[0], head)) {
    // The usual case: the first segment is the headers and nothing else.
    const payload = wire.payloadAt(slot)
    let to = payload
    for (let i = 1; i < nseg; i++) {
      const n = segLen[i]
      k.phys.copyOut(segAddr[i], n, wire.bytes, to)
      to += n
    }
    KASSERT(to - payload === length - segLen[0], 'cxgbe hardware: the list holds as many bytes as the packet says')
    wire.slots.payLen[slot] = length - segLen[0]
  } else gatherFrame(k, slot, segAddr, segLen, nseg, length)
  return slot
}

/** Reads the first segment into the header of a slot. True if it is the headers, all of them and nothing else. */
function headersIn(k: Kernel, slot: number, length: number, head: number): boolean {
  const { wire } = k.machine
  k.phys.copyOut(segAddr[0], length, wire.bytes, head)
  wire.parse(slot, length)
  return wire.slots.l4off[slot] !== 0 && wire.slots.hdrLen[slot] === length
}

/** Puts a finished slot on the list of those that leave when the transfer ends. */
function send(k: Kernel, p: number, slot: number, probe: number): void {
  const { port } = k.cxgbe
  const { wire } = k.machine
  wire.setProbe(slot, probe)
  if (port.engineSlots[p] === 0) port.engineSlots[p] = slot
  else wire.slots.next[port.engineLastSlot[p]] = slot
  port.engineLastSlot[p] = slot
}

/** The data is on the card: frames to the link, progress to the host. */
function finish(k: Kernel, p: number): void {
  const cx = k.cxgbe
  const { port, txq } = cx
  const { machine } = k
  const { wire, link } = machine
  const mac = cx.mac
  const base = p * MAC_COUNTERS
  for (let slot = port.engineSlots[p]; slot !== 0;) {
    const next = wire.slots.next[slot]
    wire.slots.next[slot] = 0
    const frames = wire.slots.nsegs[slot]
    countMac(mac, base + MAC_TX_SIZES, wire.frameLength(slot, frames - 1), 1)
    if (frames > 1) countMac(mac, base + MAC_TX_SIZES, wire.frameLength(slot, 0), frames - 1)
    mac[base + MAC_TX_FRAMES] += frames
    mac[base + MAC_TX_UCAST] += frames
    mac[base + MAC_TX_OCTETS] += wire.burstWireBytes(slot) - frames * 20
    const cable = port.linked[p]
    if (cable !== 0) {
      const probe = slot < wire.probe.length ? wire.probe[slot] : 0
      port.portFree[p] = link.transmit(2 * (cable - 1) + k.id, slot, PORT_BPS)
      if (probe !== 0) noteSent(k, probe)
    } else wire.free(slot)
    slot = next
  }
  port.engineSlots[p] = 0
  port.engineLastSlot[p] = 0

  const q = port.engineTxq[p]
  const sidx = txq.sidx[q]
  const asked = k.phys.ram[txq.ba[q] + txq.hwCidx[q] * EQ_ESIZE + 4]
  const cidx = txq.hwCidx[q] + port.engineNdesc[p]
  txq.hwCidx[q] = cidx >= sidx ? cidx - sidx : cidx
  const empty = txq.hwCidx[q] === txq.hwPidx[q]
  if ((asked & (F_FW_WR_EQUEQ >>> 24)) !== 0 || empty) writeStatus(k, q)
  if ((asked & (F_FW_WR_EQUIQ >>> 24)) !== 0) message(k, p, q)
  else if (empty) {
    txq.idleSince[q] = machine.time
    if (txq.idleTimer[q] === 0) {
      txq.idleTimer[q] = 1
      machine.schedule(machine.time + cx.timing.nicIdleTimer, EV_NIC_TX_STATUS, k.id, p, q, 0)
    }
  }
}

/** Size class of a frame as the MAC counts it, with its check sequence. */
export function countMac(mac: Float64Array, at: number, length: number, frames: number): void {
  const n = Math.max(length, 60) + 4
  const size = n === 64 ? 0 : n <= 127 ? 1 : n <= 255 ? 2 : n <= 511 ? 3 : n <= 1023 ? 4 : n <= 1518 ? 5 : 6
  mac[at + size] += frames
}

/** Writes cidx (and pidx) to the status page: struct sge_qstat. */
function writeStatus(k: Kernel, q: number): void {
  const { txq } = k.cxgbe
  const at = txq.ba[q] + txq.sidx[q] * EQ_ESIZE
  const { ram } = k.phys
  put16(ram, at + 4, txq.hwCidx[q])
  put16(ram, at + 6, txq.hwPidx[q])
}

/** CPL_SGE_EGR_UPDATE on its way to the queue's ingress queue; d = 1 marks it. */
function message(k: Kernel, p: number, q: number): void {
  const { timing, port } = k.cxgbe
  const holdoff = holdoffNs(port.tmrIdx[p])
  k.machine.schedule(k.machine.time + timing.nicWriteLatency + holdoff, EV_NIC_TX_STATUS, k.id, p, q, 1)
}

/** Hold-off timers of the SGE, ns. Source: sysctl dev.t6nex.N.holdoff_timers (reference nic-cxgbe 1.4). */
const HOLDOFF_US = [1, 5, 10, 50, 100, 200]
export function holdoffNs(index: number): number {
  return HOLDOFF_US[index] * 1000
}

/**
 * Event: a message arrives (d = 1), or the idle timer of a queue ran out (d = 0). True if the host's handler must run.
 * The timer runs on while the queue is busy and starts again when it was empty for too short a time.
 */
export function hw_tx_status_event(k: Kernel, p: number, q: number, kind: number): boolean {
  if (kind === 1) return true
  const { txq, timing } = k.cxgbe
  txq.idleTimer[q] = 0
  if (txq.hwCidx[q] !== txq.hwPidx[q]) return false
  const since = txq.idleSince[q]
  if (k.machine.time - since >= timing.nicIdleTimer) return true
  txq.idleTimer[q] = 1
  k.machine.schedule(since + timing.nicIdleTimer, EV_NIC_TX_STATUS, k.id, p, q, 0)
  return false
}

/**
 * Receive: the card picks a queue by hash, holds interrupts off for a while, then one task a queue hands everything that came to the stack.
 *
 *   link ─► hw_rx (hash, queue) ─► hold-off ─► interrupt task ─► buffers, LRO, checksum flags ─► ether_input
 *
 * Where the model is simpler than the card: buffers are taken when the driver looks at a burst, not posted before; LRO joins the frames of one burst
 * and never two bursts; a joined burst lies in as few clusters as hold it, without the headers of its later frames. Source: sys/dev/cxgbe/t4_sge.c
 * service_iq, t4_eth_rx, get_fl_payload; sys/netinet/tcp_lro.c tcp_lro_rx, tcp_lro_flush (read in parts; the rest derived).
 */
import type { Kernel } from '../../kernel'
import { m_freem, m_getcl, m_gethdr, m_getjcl } from '../../kern/kern_mbuf'
import { CAUSE, functionId } from '../../machine/cost'
import { EV_NIC_RX_HOLDOFF, EV_NIC_RX_TASK } from '../../machine/eventKinds'
import { ether_input } from '../../net/if_ethersubr'
import { IFCAP_LRO, IFCAP_VLAN_HWTAGGING } from '../../net/ifConstants'
import {
  CSUM_DATA_VALID,
  CSUM_IP_CHECKED,
  CSUM_IP_VALID,
  CSUM_PSEUDO_HDR,
  MHLEN,
  MT_DATA,
  M_PKTDAT_OFF,
  M_PKTHDR,
} from '../../sys/mbuf'
import { MCLBYTES, MJUM16BYTES, MJUM9BYTES, MJUMPAGESIZE, M_NOWAIT } from '../../sys/param'
import { checksumIsRight, extractVlanTag, joinHeaders, rxcsumBit } from '../receive'
import {
  M_HASHTYPE_NONE,
  M_HASHTYPE_RSS_IPV4,
  M_HASHTYPE_RSS_IPV6,
  M_HASHTYPE_RSS_TCP_IPV4,
  M_HASHTYPE_RSS_TCP_IPV6,
  MAC_COUNTERS,
  MAC_RX_FRAMES,
  MAC_RX_OCTETS,
  MAC_RX_OVFLOW,
  MAC_RX_SIZES,
  MAC_RX_TRUNC,
  MAC_RX_UCAST,
  probeRow,
} from './adapter'
import { hashTcp4, hashTcp6, toeplitz } from './rss'
import { countMac, holdoffNs } from './t4_hw'

const FN_SERVICE_IQ = functionId('service_iq')
const FN_T4_ETH_RX = functionId('t4_eth_rx')
const TH_FIN = 0x01

/** Result of {@link flowHash}: kind of the hash. */
let hashType = M_HASHTYPE_NONE

/** Hash of a burst as the card computes it; sets {@link hashType}. */
function flowHash(k: Kernel, slot: number): number {
  const { wire } = k.machine
  const t = wire.slots
  const l3 = t.l3off[slot]
  hashType = M_HASHTYPE_NONE
  if (l3 === 0) return 0
  const head = wire.headerAt(slot)
  if (wire.bytes[head + l3] >>> 4 !== 4) {
    const tcp = t.proto[slot] === 6 && t.l4off[slot] !== 0
    hashType = tcp ? M_HASHTYPE_RSS_TCP_IPV6 : M_HASHTYPE_RSS_IPV6
    return tcp ? hashTcp6(wire.bytes, head + l3) : toeplitz(wire.bytes, head + l3 + 8, 32)
  }
  if (t.proto[slot] === 6 && t.l4off[slot] !== 0) {
    hashType = M_HASHTYPE_RSS_TCP_IPV4
    return hashTcp4(wire.bytes, head + l3, head + t.l4off[slot])
  }
  hashType = M_HASHTYPE_RSS_IPV4
  return toeplitz(wire.bytes, head + l3 + 12, 8)
}

/** A burst arrives at port `p`. The slot is the card's from here on. */
export function hw_rx(k: Kernel, p: number, slot: number): void {
  const cx = k.cxgbe
  const { port, rxq, mac } = cx
  const { machine } = k
  const { wire } = machine
  const t = wire.slots
  if (wire.probe.length > slot && wire.probe[slot] !== 0) noteArrival(k, slot)
  const frames = wire.survivors(slot)
  const base = p * MAC_COUNTERS
  mac[base + MAC_RX_FRAMES] += frames
  mac[base + MAC_RX_UCAST] += frames
  let octets = 0
  let length = 0
  if (frames === t.nsegs[slot]) {
    octets = wire.burstWireBytes(slot) - frames * 20
    countMac(mac, base + MAC_RX_SIZES, wire.frameLength(slot, frames - 1), 1)
    if (frames > 1) countMac(mac, base + MAC_RX_SIZES, wire.frameLength(slot, 0), frames - 1)
    length = octets
  } else
    for (let i = 0; i < t.nsegs[slot]; i++) {
      if (wire.isDropped(slot, i)) continue
      octets += wire.frameWireBytes(slot, i) - 20
      countMac(mac, base + MAC_RX_SIZES, wire.frameLength(slot, i), 1)
      length = octets
    }
  mac[base + MAC_RX_OCTETS] += octets
  // An interface that is down has no receive queues.
  if (port.running[p] === 0) {
    wire.free(slot)
    return
  }
  const hash = flowHash(k, slot)
  t.hash[slot] = hash
  t.hashType[slot] = hashType
  const q = port.firstRxq[p] + (hash % port.nrxq[p])
  if (rxq.waiting[q] + frames > port.qsizeRxq[p]) {
    // The host does not keep up: the queue has no entry left.
    mac[base + MAC_RX_OVFLOW] += frames
    wire.free(slot)
    return
  }
  t.next[slot] = 0
  if (rxq.firstSlot[q] === 0) rxq.firstSlot[q] = slot
  else t.next[rxq.lastSlot[q]] = slot
  rxq.lastSlot[q] = slot
  rxq.waiting[q] += frames
  if (rxq.armed[q] === 0) {
    rxq.armed[q] = 1
    const { nicPcieRate, nicWriteLatency } = cx.timing
    const placed = machine.time + nicWriteLatency + Math.ceil((length * 8e9) / nicPcieRate)
    machine.schedule(placed + holdoffNs(port.tmrIdx[p]), EV_NIC_RX_HOLDOFF, k.id, p, q)
  }
}

/** Tells the send-path probe that its burst came in. Observer. */
function noteArrival(k: Kernel, slot: number): void {
  const { machine } = k
  const b = machine.probe.bursts
  const row = probeRow(k, machine.wire.probe[slot])
  if (row === 0) return
  b.arrived[row] = machine.time
  b.fr_out[row] = b.fr_out[row] + machine.wire.survivors(slot)
}

/** Event: the hold-off timer of a queue ran out: interrupt. */
export function hw_rx_holdoff_event(k: Kernel, p: number, q: number): void {
  k.cpu.run(k.cxgbe.rxq.cpu[q], EV_NIC_RX_TASK, k.id, p, q)
}

/** Task: the interrupt handler of a receive queue takes everything that is there. Source: t4_sge.c service_iq. */
export function service_iq(k: Kernel, p: number, q: number): void {
  const { rxq } = k.cxgbe
  const { wire } = k.machine
  if (k.cost.on) {
    k.cost.enter(FN_SERVICE_IQ)
    k.cost.charge(CAUSE.interrupt, k.cost.p.interrupt)
  }
  rxq.interrupts[q]++
  let slot = rxq.firstSlot[q]
  rxq.firstSlot[q] = 0
  rxq.lastSlot[q] = 0
  rxq.waiting[q] = 0
  // From here on a new burst arms a new interrupt; its task waits until this one's time is over.
  rxq.armed[q] = 0
  while (slot !== 0) {
    const next = wire.slots.next[slot]
    if (k.cost.on) k.cost.enter(FN_T4_ETH_RX)
    t4_eth_rx(k, p, q, slot)
    if (k.cost.on) k.cost.leave()
    wire.free(slot)
    slot = next
  }
  if (k.cost.on) k.cost.leave()
}

/** One burst to the stack: as one packet where LRO joins its frames, else frame by frame; holes separate. */
function t4_eth_rx(k: Kernel, p: number, q: number, slot: number): void {
  const { wire } = k.machine
  const t = wire.slots
  const ifp = k.cxgbe.port.ifp[p]
  const capenable = k.ifnet.if_capenable[ifp]
  const frames = t.nsegs[slot]
  const checked = (capenable & rxcsumBit(k, slot)) !== 0
  const hash = t.hash[slot]
  const type = t.hashType[slot]
  // LRO needs a checksum that is known to be right.
  const join = frames > 1 && t.tso[slot] === 1 && (capenable & IFCAP_LRO) !== 0 && checked
  const fin = (wire.bytes[wire.headerAt(slot) + t.l4off[slot] + 13] & TH_FIN) !== 0
  const whole = (t.drop0[slot] | t.drop1[slot]) === 0
  let i = 0
  while (i < frames) {
    if (!whole && wire.isDropped(slot, i)) {
      i++
      continue
    }
    let n = 1
    // A frame with FIN is never joined (tcp_lro_rx takes ACK and PUSH only).
    const limit = fin ? frames - 1 : frames
    if (join && i < limit) while (i + n < limit && (whole || !wire.isDropped(slot, i + n))) n++
    deliver(k, q, ifp, slot, i, n, capenable, checked, hash, type)
    i += n
  }
}

/** Frames i … i+n−1 of a burst as one packet. */
function deliver(
  k: Kernel,
  q: number,
  ifp: number,
  slot: number,
  i: number,
  n: number,
  capenable: number,
  checked: boolean,
  hash: number,
  type: number,
): void {
  const { wire } = k.machine
  const { rxq } = k.cxgbe
  const t = wire.slots
  const hdrLen = t.hdrLen[slot]
  const mss = t.mss[slot]
  const begin = i * mss
  const payload = i + n < t.nsegs[slot] ? n * mss : t.payLen[slot] - begin
  const m = placeBurst(k, q, slot, i, hdrLen, payload, wire.payloadAt(slot) + begin)
  if (k.cost.on) k.cost.charge(CAUSE.driver, k.cost.p.rxBuffer * n)
  if (m === 0) {
    rxq.fl_starved[q]++
    k.ifnet.if_iqdrops[ifp] += n
    k.cxgbe.mac[k.cxgbe.rxq.port[q] * MAC_COUNTERS + MAC_RX_TRUNC] += n
    return
  }
  const mb = k.mb
  mb.ph_len[m] = hdrLen + payload
  mb.ph_rcvif[m] = ifp
  if (type !== M_HASHTYPE_NONE) {
    mb.ph_flowid[m] = hash
    mb.ph_rsstype[m] = type
  }
  if (n > 1) {
    mb.ph_lro_nsegs[m] = n
    rxq.lro_queued[q] += n
    rxq.lro_flushed[q]++
  }
  if (checked && checksumIsRight(k, slot, i)) {
    mb.ph_csum_flags[m] = CSUM_IP_CHECKED | CSUM_IP_VALID | CSUM_DATA_VALID | CSUM_PSEUDO_HDR
    mb.ph_csum_data[m] = 0xffff
    rxq.rxcsum[q] += n
  }
  // Headers are in one piece at the front: where they are, in RAM.
  if (n > 1) joinHeaders(k, slot, i, n, headAddress, payload)
  if ((capenable & IFCAP_VLAN_HWTAGGING) !== 0 && extractVlanTag(k, m, headAddress)) rxq.vlan_extraction[q] += n
  k.ifnet.if_ipackets[ifp] += n
  ether_input(k, ifp, m)
}

/** RAM address of the first byte of the packet placed last. */
let headAddress = 0

/** Copies header of frame i and `payload` bytes at `from` into mbufs and clusters (the card's DMA). The chain, or 0 without memory. */
function placeBurst(
  k: Kernel,
  q: number,
  slot: number,
  i: number,
  hdrLen: number,
  payload: number,
  from: number,
): number {
  const { wire } = k.machine
  const { rxq } = k.cxgbe
  const total = hdrLen + payload
  const m = total <= MHLEN ? m_gethdr(k, M_NOWAIT, MT_DATA) : getCluster(k, total, M_PKTHDR)
  if (m === 0) return 0
  rxq.mbuf_allocated[q]++
  let room = MHLEN
  if (total <= MHLEN) headAddress = k.mb.m_addr[m] + M_PKTDAT_OFF
  else {
    rxq.cluster_allocated[q]++
    headAddress = k.mb.ext_buf[m]!
    room = k.mb.ext_size[m]!
  }
  // mbufs, clusters and their data areas begin at multiples of 8.
  wire.frameHeader(slot, i, k.phys.ram, k.phys.ram32, headAddress)
  let n = Math.min(payload, room - hdrLen)
  if (n > 0) k.phys.copyIn(wire.bytes, from, n, headAddress + hdrLen)
  k.mb.m_len[m] = hdrLen + n
  let tail = m
  for (let done = n; done < payload; done += n) {
    const next = getCluster(k, payload - done, 0)
    if (next === 0) {
      m_freem(k, m)
      return 0
    }
    rxq.mbuf_allocated[q]++
    rxq.cluster_allocated[q]++
    n = Math.min(payload - done, k.mb.ext_size[next])
    k.phys.copyIn(wire.bytes, from + done, n, k.mb.ext_buf[next])
    k.mb.m_len[next] = n
    k.mb.m_next[tail] = next
    tail = next
  }
  return m
}

/** An mbuf with the smallest cluster that holds `length` bytes, or the largest there is; a page when large ones have run out. */
function getCluster(k: Kernel, length: number, flags: number): number {
  if (length <= MCLBYTES) return m_getcl(k, M_NOWAIT, MT_DATA, flags)
  const size = length <= MJUMPAGESIZE ? MJUMPAGESIZE : length <= MJUM9BYTES ? MJUM9BYTES : MJUM16BYTES
  const m = m_getjcl(k, M_NOWAIT, MT_DATA, flags, size)
  return m !== 0 || size === MJUMPAGESIZE ? m : m_getjcl(k, M_NOWAIT, MT_DATA, flags, MJUMPAGESIZE)
}

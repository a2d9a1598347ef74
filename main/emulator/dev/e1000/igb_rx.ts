/**
 * Receive of igb(4): the interrupt of a pair of queues hands everything that came to the stack, then reclaims the transmit half. LRO is software
 * (tcp_lro): segments of one burst become one packet whose later mbufs hold payload only, each in its own buffer.
 * Source: sys/net/iflib.c iflib_rxeof, assemble_segments (read in parts); sys/netinet/tcp_lro.c (derived, as in the other driver's model). Buffers are
 * taken when the driver looks at a frame, not posted before.
 */
import type { Kernel } from '../../kernel'
import { m_freem, m_getcl, m_gethdr, m_getjcl } from '../../kern/kern_mbuf'
import { CAUSE, functionId } from '../../machine/cost'
import { ether_input } from '../../net/if_ethersubr'
import { IFCAP_LRO, IFCAP_VLAN_HWTAGGING } from '../../net/ifConstants'
import { iflib_tx_task } from '../../net/iflib'
import {
  CSUM_DATA_VALID,
  CSUM_IP_CHECKED,
  CSUM_IP_VALID,
  CSUM_PSEUDO_HDR,
  M_PKTDAT_OFF,
  M_PKTHDR,
  MT_DATA,
} from '../../sys/mbuf'
import { M_NOWAIT, MCLBYTES, MJUMPAGESIZE } from '../../sys/param'
import { checksumIsRight, extractVlanTag, joinHeaders, rxcsumBit } from '../receive'
import { M_HASHTYPE_NONE } from '../cxgbe/adapter'
import { IFLIB_RX_COPY_THRESH } from './em'

const FN_rx = functionId('iflib_rxeof')
const TH_FIN = 0x01

/** Task: interrupt of a pair of queues. Source: iflib_fast_intr_rxtx, _task_fn_rx, _task_fn_tx. */
export function igb_intr(k: Kernel, p: number, q: number): void {
  const { rxq, port } = k.igb!
  const { wire } = k.machine
  rxq.armed[q] = 0
  rxq.interrupts[q]++
  if (port.running[p] === 0) return
  if (k.cost.on) {
    k.cost.enter(FN_rx)
    k.cost.charge(CAUSE.interrupt, k.cost.p.interrupt)
  }
  let slot = rxq.firstSlot[q]
  rxq.firstSlot[q] = 0
  rxq.lastSlot[q] = 0
  rxq.waiting[q] = 0
  while (slot !== 0) {
    const next = wire.slots.next[slot]
    iflib_rxeof(k, p, q, slot)
    wire.free(slot)
    slot = next
  }
  iflib_tx_task(k, rxq.txq[q])
  if (k.cost.on) k.cost.leave()
}

function iflib_rxeof(k: Kernel, p: number, q: number, slot: number): void {
  const { wire } = k.machine
  const t = wire.slots
  const capenable = k.ifnet.if_capenable[k.igb!.port.ifp[p]]
  const frames = t.nsegs[slot]
  const checked = (capenable & rxcsumBit(k, slot)) !== 0
  const join = frames > 1 && t.tso[slot] === 1 && (capenable & IFCAP_LRO) !== 0 && checked
  const fin = t.l4off[slot] !== 0 && (wire.bytes[wire.headerAt(slot) + t.l4off[slot] + 13] & TH_FIN) !== 0
  // A frame with FIN is never joined.
  const limit = fin ? frames - 1 : frames
  for (let i = 0; i < frames;) {
    if (wire.isDropped(slot, i)) {
      i++
      continue
    }
    let n = 1
    if (join && i < limit) while (i + n < limit && !wire.isDropped(slot, i + n)) n++
    deliver(k, p, q, slot, i, n, capenable, checked)
    i += n
  }
}

/** An mbuf with a buffer of the queue, or 0. */
function buffer(k: Kernel, p: number, flags: number): number {
  return k.igb!.port.rxMbufSize[p] === MCLBYTES
    ? m_getcl(k, M_NOWAIT, MT_DATA, flags)
    : m_getjcl(k, M_NOWAIT, MT_DATA, flags, MJUMPAGESIZE)
}

/** RAM address of the headers of the packet assembled last. */
let headAddress = 0

/** Frames i … i+n−1 into mbufs: the first with its headers, the others payload only. @returns the chain, or 0. */
function assemble(k: Kernel, p: number, slot: number, i: number, n: number): number {
  const { wire } = k.machine
  const hdrLen = wire.slots.hdrLen[slot]
  const mss = wire.slots.mss[slot]
  let top = 0
  let tail = 0
  for (let frame = i; frame < i + n; frame++) {
    let from = wire.payloadAt(slot) + frame * mss
    let left = wire.framePayload(slot, frame)
    let head = frame === i ? hdrLen : 0
    do {
      const small = frame === i && head !== 0 && n === 1 && head + left <= IFLIB_RX_COPY_THRESH
      const m = small ? m_gethdr(k, M_NOWAIT, MT_DATA) : buffer(k, p, top === 0 ? M_PKTHDR : 0)
      if (m === 0) {
        m_freem(k, top)
        return 0
      }
      const at = small ? k.mb.m_addr[m] + M_PKTDAT_OFF : k.mb.ext_buf[m]
      const room = small ? IFLIB_RX_COPY_THRESH : k.mb.ext_size[m]
      if (head !== 0) {
        headAddress = at
        wire.frameHeader(slot, frame, k.phys.ram, k.phys.ram32, at)
      }
      const bytes = Math.min(left, room - head)
      if (bytes > 0) k.phys.copyIn(wire.bytes, from, bytes, at + head)
      k.mb.m_len[m] = head + bytes
      from += bytes
      left -= bytes
      head = 0
      if (top === 0) top = m
      else k.mb.m_next[tail] = m
      tail = m
    } while (left > 0)
  }
  return top
}

function deliver(
  k: Kernel,
  p: number,
  q: number,
  slot: number,
  i: number,
  n: number,
  capenable: number,
  checked: boolean,
): void {
  const { wire } = k.machine
  const { rxq, port } = k.igb!
  const ifp = port.ifp[p]
  const t = wire.slots
  const hdrLen = t.hdrLen[slot]
  const m = assemble(k, p, slot, i, n)
  if (k.cost.on) k.cost.charge(CAUSE.driver, k.cost.p.rxBuffer * n)
  if (m === 0) {
    rxq.noBuffer[q] += n
    k.ifnet.if_iqdrops[ifp] += n
    return
  }
  const mb = k.mb
  let payload = 0
  for (let frame = i; frame < i + n; frame++) payload += wire.framePayload(slot, frame)
  mb.ph_len[m] = hdrLen + payload
  mb.ph_rcvif[m] = ifp
  if (t.hashType[slot] !== M_HASHTYPE_NONE) {
    mb.ph_flowid[m] = t.hash[slot]
    mb.ph_rsstype[m] = t.hashType[slot]
  }
  if (n > 1) {
    mb.ph_lro_nsegs[m] = n
    rxq.lro_queued[q] += n
    rxq.lro_flushed[q]++
  }
  if (checked && checksumIsRight(k, slot, i)) {
    mb.ph_csum_flags[m] = CSUM_IP_CHECKED | CSUM_IP_VALID | CSUM_DATA_VALID | CSUM_PSEUDO_HDR
    mb.ph_csum_data[m] = 0xffff
  }
  if (n > 1) joinHeaders(k, slot, i, n, headAddress, payload)
  if ((capenable & IFCAP_VLAN_HWTAGGING) !== 0) extractVlanTag(k, m, headAddress)
  k.ifnet.if_ipackets[ifp] += n
  k.ifnet.if_ibytes[ifp] += hdrLen * n + payload
  ether_input(k, ifp, m)
}

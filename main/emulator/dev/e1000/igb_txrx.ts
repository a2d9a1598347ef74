/**
 * Descriptors of igb(4). A packet is a context descriptor (only when there is something to offload) and a data descriptor for every segment.
 * Source: sys/dev/e1000/igb_txrx.c igb_isc_txd_encap, igb_tx_ctx_setup, igb_tso_setup, igb_isc_txd_credits_update (read); bits: data sheet.
 */
import type { Kernel } from '../../kernel'
import { CSUM_IP, CSUM_IP6_TCP, CSUM_IP6_UDP, CSUM_IP_TCP, CSUM_IP_UDP, CSUM_TSO } from '../../sys/mbuf'
import {
  DCMD_DEXT,
  DCMD_EOP,
  DCMD_IFCS,
  DCMD_RS,
  DCMD_TSE,
  DCMD_VLE,
  DTYP_CTXT,
  DTYP_DATA,
  L4LEN_SHIFT,
  MACLEN_SHIFT,
  MSS_SHIFT,
  PAYLEN_SHIFT,
  POPTS_IXSM,
  POPTS_TXSM,
  STAT_DD,
  TUCMD_IPV4,
  TUCMD_L4T_TCP,
  TXD_BYTES,
  VLAN_SHIFT,
} from './em'
import { i350_tail } from './i350'

/** What iflib knows of a packet: struct if_pkt_info. */
export interface PacketInfo {
  segAddr: Float64Array
  segLen: Int32Array
  nsegs: number
  length: number
  csumFlags: number
  vlan: boolean
  vtag: number
  ehdrlen: number
  ipHlen: number
  tcpHlen: number
  tsoSegsz: number
  ipv4: boolean
  tcp: boolean
}

/** Writes the descriptors of a packet from pidx on. @returns how many. */
export function igb_isc_txd_encap(k: Kernel, q: number, info: PacketInfo, m: number): number {
  const igb = k.igb!
  const { txq } = igb
  const size = txq.size[q]
  const base = txq.ba[q] / 4
  const { ram32 } = k.phys
  const tso = (info.csumFlags & CSUM_TSO) !== 0
  const l4 = tso || (info.csumFlags & (CSUM_IP_TCP | CSUM_IP_UDP | CSUM_IP6_TCP | CSUM_IP6_UDP)) !== 0
  // IPv6 headers have no checksum.
  const l3 = (tso && info.ipv4) || (info.csumFlags & CSUM_IP) !== 0
  let at = txq.pidx[q]
  let n = 0
  if (l4 || l3 || info.vlan) {
    const word = base + (at * TXD_BYTES) / 4
    ram32[word] = (info.vtag << VLAN_SHIFT) | (info.ehdrlen << MACLEN_SHIFT) | info.ipHlen
    ram32[word + 1] = 0
    ram32[word + 2] = DTYP_CTXT | DCMD_DEXT | (info.ipv4 ? TUCMD_IPV4 : 0) | (info.tcp ? TUCMD_L4T_TCP : 0)
    ram32[word + 3] = tso ? (info.tsoSegsz << MSS_SHIFT) | (info.tcpHlen << L4LEN_SHIFT) : 0
    at = at + 1 === size ? 0 : at + 1
    n++
  }
  const command = DTYP_DATA | DCMD_IFCS | DCMD_DEXT | (info.vlan ? DCMD_VLE : 0) | (tso ? DCMD_TSE : 0)
  // With TSO the length is that of the payload.
  const paylen = tso ? info.length - info.ehdrlen - info.ipHlen - info.tcpHlen : info.length
  const status = (paylen << PAYLEN_SHIFT) | (l3 ? POPTS_IXSM : 0) | (l4 ? POPTS_TXSM : 0)
  let last = at
  for (let i = 0; i < info.nsegs; i++) {
    const word = base + (at * TXD_BYTES) / 4
    const address = info.segAddr[i]
    ram32[word] = address % 4294967296
    ram32[word + 1] = Math.floor(address / 4294967296)
    ram32[word + 2] = command | info.segLen[i] | (i === info.nsegs - 1 ? DCMD_EOP | DCMD_RS : 0)
    ram32[word + 3] = status
    last = at
    at = at + 1 === size ? 0 : at + 1
    n++
  }
  igb.sdM[txq.sdesc[q] + last] = m
  txq.pidx[q] = at
  return n
}

/** Descriptors from cidx on that the card has done: up to the last one with DD, whole packets. */
export function igb_isc_txd_credits_update(k: Kernel, q: number): number {
  const igb = k.igb!
  const { txq } = igb
  const size = txq.size[q]
  const base = txq.ba[q] / 4
  const { ram32 } = k.phys
  let done = 0
  let at = txq.cidx[q]
  for (let n = 1; n <= txq.in_use[q]; n++) {
    if (igb.sdM[txq.sdesc[q] + at] !== 0) {
      if ((ram32[base + (at * TXD_BYTES) / 4 + 3] & STAT_DD) === 0) break
      done = n
    }
    at = at + 1 === size ? 0 : at + 1
  }
  return done
}

/** Tells the card. Source: igb_isc_txd_flush. */
export function igb_isc_txd_flush(k: Kernel, q: number): void {
  i350_tail(k, q, k.igb!.txq.pidx[q])
}

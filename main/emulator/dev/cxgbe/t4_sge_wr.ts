/**
 * Work requests: the bytes that the driver writes into the descriptor ring for the card. Source: sys/dev/cxgbe/t4_sge.c write_txpkt_wr, write_txpkts_wr,
 * write_gl_to_txd, try_txpkts, add_to_txpkts (read through reference nic-cxgbe 4.4–4.7, byte-exact vectors 4.9).
 *
 * Words are big-endian. A work request that reaches the end of the ring goes on at descriptor 0; the status page behind the last descriptor is
 * never touched.
 */
import type { Kernel } from '../../kernel'
import { mtodAddr } from '../../kern/kern_mbuf'
import { Sglist, sglist_append_mbuf } from '../../kern/subr_sglist'
import { CAUSE } from '../../machine/cost'
import { PROBE_SG } from '../../machine/probe'
import { CSUM_IP, CSUM_IP6_TCP, CSUM_IP6_UDP, CSUM_IP_TCP, CSUM_IP_UDP, CSUM_TSO } from '../../sys/mbuf'
import { KASSERT } from '../../sys/systm'
import { EQ_ESIZE, howmany, MC_NOMAP, MC_RAW_WR, SGE_MAX_WR_NDESC, TX_SGL_SEGS } from './adapter'
import {
  CPL_LSO_BYTES,
  CPL_PKT_BYTES,
  CPL_TX_PKT,
  CPL_TX_PKT_LSO,
  F_LSO_FIRST_SLICE,
  F_LSO_IPV6,
  F_LSO_LAST_SLICE,
  F_TXPKT_IPCSUM_DIS,
  F_TXPKT_L4CSUM_DIS,
  F_TXPKT_VF_VLD,
  F_TXPKT_VLAN_VLD,
  F_ULP_TX_SC_MORE,
  FW_ETH_TX_PKT_WR,
  FW_ETH_TX_PKTS_WR,
  FW_WR_HDR_BYTES,
  S_LSO_ETHHDR_LEN,
  S_LSO_IPHDR_LEN,
  S_TXPKT_INTF,
  S_TXPKT_PF,
  S_TXPKT_VLAN,
  S_ULP_TXPKT_FID,
  ULP_TX_PKT,
  ULP_TX_SC_DSGL,
  ULP_TX_SC_IMM,
} from './t4_msg'
import {
  imm_payload,
  mbuf_cflags,
  mbuf_len16,
  mbuf_nsegs,
  needs_l3_csum,
  needs_l4_csum,
  needs_tso,
  needs_vlan_insertion,
  set_mbuf_len16,
  txpkts0_len16,
  txpkts1_len16,
} from './t4_sge_parse'

/** Word 0 of CPL_TX_PKT for a port. Source: t4_sge.c alloc_txq, cpl_ctrl0. `vin`: number of the virtual interface on physical function `pf`. */
export function cplCtrl0(channel: number, pf: number, vin: number): number {
  return ((CPL_TX_PKT << 24) | (channel << S_TXPKT_INTF) | (pf << S_TXPKT_PF) | F_TXPKT_VF_VLD | vin) >>> 0
}

// The place being written. Set by `begin`, valid for one work request.
let words = new Int32Array(0)
let at = 0
let ringStart = 0
let ringEnd = 0

/** Positions the writer at descriptor `pidx` of a ring at address `ba` with `sidx` descriptors. */
function begin(k: Kernel, ba: number, sidx: number, pidx: number): void {
  words = k.phys.ram32
  ringStart = ba / 4
  ringEnd = ringStart + (sidx * EQ_ESIZE) / 4
  at = ringStart + (pidx * EQ_ESIZE) / 4
}

/** Host order → big-endian. */
function swap(value: number): number {
  return (value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)
}

function put(value: number): void {
  words[at] = swap(value)
  if (++at === ringEnd) at = ringStart
}

function putAddress(address: number): void {
  put(Math.floor(address / 4294967296))
  put(address >>> 0)
}

/** Source: t4_sge.c write_gl_to_txd: command, first segment, then pairs; an odd flit at the end is filled with zero. */
function write_gl(gl: Sglist): void {
  const { addr, len, nseg } = gl
  put(((ULP_TX_SC_DSGL << 24) | nseg) >>> 0)
  put(len[0])
  putAddress(addr[0])
  let i = 1
  for (; i + 1 < nseg; i += 2) {
    put(len[i])
    put(len[i + 1])
    putAddress(addr[i])
    putAddress(addr[i + 1])
  }
  if (i < nseg) {
    put(len[i])
    put(0)
    putAddress(addr[i])
  }
  // Descriptors are aligned, so the position within the ring says whether a 16-byte unit is full.
  while (((at - ringStart) & 3) !== 0) put(0)
}

/** List of the packet being written. Not state: filled and used within one call. */
const gl = new Sglist(TX_SGL_SEGS)

/** Source: t4_sge.c get_pkt_gl: builds the list and checks that the count was right. */
function get_pkt_gl(k: Kernel, m: number): void {
  gl.reset()
  const error = sglist_append_mbuf(k, gl, m)
  KASSERT(error === 0, 'get_pkt_gl: a parsed packet fits the scatter/gather list')
  KASSERT(gl.nseg === mbuf_nsegs(k, m), 'get_pkt_gl: as many segments as were counted')
}

/** Checksum and VLAN words of CPL_TX_PKT; counts what they ask for. */
function write_cpl_tx_pkt(k: Kernel, q: number, m: number, pktlen: number): void {
  const { txq } = k.cxgbe
  let ctrl1 = 0
  if (!needs_l3_csum(k, m)) ctrl1 |= F_TXPKT_IPCSUM_DIS
  if (!needs_l4_csum(k, m)) ctrl1 |= F_TXPKT_L4CSUM_DIS
  if ((k.mb.ph_csum_flags[m] & (CSUM_IP | CSUM_IP_TCP | CSUM_IP_UDP | CSUM_IP6_UDP | CSUM_IP6_TCP | CSUM_TSO)) !== 0)
    txq.txcsum[q]++
  if (needs_vlan_insertion(k, m)) {
    ctrl1 |= F_TXPKT_VLAN_VLD | (k.mb.ph_ether_vtag[m] << S_TXPKT_VLAN)
    txq.vlan_insertion[q]++
  }
  put(k.cxgbe.port.cplCtrl0[txq.port[q]])
  put(pktlen)
  put(ctrl1)
  put(0)
}

/**
 * Writes FW_ETH_TX_PKT_WR for one packet at the queue's pidx. Small packets of mapped mbufs go as immediate data when at least two descriptors are
 * free; an unmapped one never does. Returns the descriptors used. Source: t4_sge.c write_txpkt_wr.
 */
export function write_txpkt_wr(k: Kernel, q: number, m: number, available: number): number {
  const { txq } = k.cxgbe
  const mb = k.mb
  const pktlen = mb.ph_len[m]
  const tso = needs_tso(k, m)
  let len16 = mbuf_len16(k, m)
  let nsegs = mbuf_nsegs(k, m)
  let immdlen = CPL_PKT_BYTES
  if (tso) immdlen += CPL_LSO_BYTES
  else if ((mbuf_cflags(k, m) & MC_NOMAP) === 0 && pktlen <= imm_payload(2) && available >= 2) {
    immdlen += pktlen
    len16 = howmany(FW_WR_HDR_BYTES + immdlen, 16)
    nsegs = 0
  }
  const ndesc = howmany(len16, EQ_ESIZE / 16)
  KASSERT(ndesc <= available, 'write_txpkt_wr: the work request fits the free descriptors')
  const pidx = txq.pidx[q]
  begin(k, txq.ba[q], txq.sidx[q], pidx)
  put(((FW_ETH_TX_PKT_WR << 24) | immdlen) >>> 0)
  put(len16)
  put(0)
  put(0)
  if (tso) {
    let lso = (CPL_TX_PKT_LSO << 24) | F_LSO_FIRST_SLICE | F_LSO_LAST_SLICE
    lso |= ((mb.ph_l3hlen[m] >> 2) << S_LSO_IPHDR_LEN) | (mb.ph_l4hlen[m] >> 2)
    if (mb.ph_l2hlen[m] === 18) lso |= 1 << S_LSO_ETHHDR_LEN
    if (mb.ph_l3hlen[m] === 40) lso |= F_LSO_IPV6
    put(lso >>> 0)
    put(mb.ph_tso_segsz[m])
    put(0)
    put(pktlen)
    txq.tso_wrs[q]++
  }
  write_cpl_tx_pkt(k, q, m, pktlen)
  if (nsegs > 0) {
    get_pkt_gl(k, m)
    write_gl(gl)
    txq.sgl_wrs[q]++
    txq.segments[q] += nsegs
    if (k.cost.on) k.cost.charge(CAUSE.driver, k.cost.p.sgElement * nsegs)
  } else {
    writeImmediate(k, m)
    txq.imm_wrs[q]++
    if (k.cost.on) k.cost.charge(CAUSE.copy, k.cost.p.copyByteWarm * pktlen)
  }
  txq.txpkt_wrs[q]++
  if (k.cost.on) k.cost.charge(CAUSE.driver, k.cost.p.txDescriptor)
  noteProbe(k, q, pidx, m, nsegs > 0, ndesc, len16, nsegs > 0 ? 0 : pktlen)
  recordWr(k, q, pidx, m, ndesc)
  return ndesc
}

/** Copies the bytes of a packet into the ring behind the CPL. The rest of the last unit keeps what was there. */
function writeImmediate(k: Kernel, m0: number): void {
  const { ram } = k.phys
  let to = at * 4
  const end = ringEnd * 4
  for (let m = m0; m !== 0; m = k.mb.m_next[m]!) {
    const len = k.mb.m_len[m]
    if (len === 0) continue
    const from = mtodAddr(k, m)
    for (let i = 0; i < len; i++) {
      ram[to] = ram[from + i]!
      if (++to === end) to = ringStart * 4
    }
  }
}

/** Software descriptor: what to free when the card is done. */
function recordWr(k: Kernel, q: number, pidx: number, m: number, ndesc: number): void {
  const cx = k.cxgbe
  const at = cx.txq.sdesc[q] + pidx
  cx.sdM[at] = m
  cx.sdUsed[at] = ndesc
  cx.txq.descriptors[q] += ndesc
}

// Coalescing. The work request being planned.
/** Type (0 or 1), packets, payload bytes and length in units of 16 of the planned FW_ETH_TX_PKTS_WR. */
export const txpkts = { wrType: 0, npkt: 0, plen: 0, len16: 0 }

function cannot_use_txpkts(k: Kernel, m: number): boolean {
  return needs_tso(k, m) || (mbuf_cflags(k, m) & MC_RAW_WR) !== 0
}

/** True if packets m and n can share a work request: fills {@link txpkts}. Source: t4_sge.c try_txpkts (where 0 means yes). */
export function try_txpkts(k: Kernel, m: number, n: number, available: number): boolean {
  if (cannot_use_txpkts(k, m) || cannot_use_txpkts(k, n)) return false
  const nsegs1 = mbuf_nsegs(k, m)
  const nsegs2 = mbuf_nsegs(k, n)
  const type = nsegs1 + nsegs2 === 2 ? 1 : 0
  const l1 = type === 1 ? txpkts1_len16() : txpkts0_len16(nsegs1)
  const l2 = type === 1 ? txpkts1_len16() : txpkts0_len16(nsegs2)
  const len16 = FW_WR_HDR_BYTES / 16 + l1 + l2
  const needed = howmany(len16, EQ_ESIZE / 16)
  if (needed > SGE_MAX_WR_NDESC || needed > available) return false
  const plen = k.mb.ph_len[m] + k.mb.ph_len[n]
  if (plen > 65535) return false
  txpkts.wrType = type
  txpkts.npkt = 2
  txpkts.plen = plen
  txpkts.len16 = len16
  set_mbuf_len16(k, m, l1)
  set_mbuf_len16(k, n, l2)
  return true
}

/** True if packet m can join the planned work request. Source: t4_sge.c add_to_txpkts. */
export function add_to_txpkts(k: Kernel, m: number, available: number): boolean {
  if (cannot_use_txpkts(k, m)) return false
  const nsegs = mbuf_nsegs(k, m)
  if (txpkts.wrType === 1 && nsegs !== 1) return false
  const plen = txpkts.plen + k.mb.ph_len[m]
  if (plen > 65535) return false
  const len16 = txpkts.wrType === 0 ? txpkts0_len16(nsegs) : txpkts1_len16()
  const needed = howmany(txpkts.len16 + len16, EQ_ESIZE / 16)
  if (needed > SGE_MAX_WR_NDESC || needed > available) return false
  txpkts.npkt++
  txpkts.plen = plen
  txpkts.len16 += len16
  set_mbuf_len16(k, m, len16)
  return true
}

/** Writes FW_ETH_TX_PKTS_WR for the packets linked by m_nextpkt from m0. Returns the descriptors used. Source: t4_sge.c write_txpkts_wr. */
export function write_txpkts_wr(k: Kernel, q: number, m0: number, available: number): number {
  const { txq } = k.cxgbe
  const { wrType, npkt, plen, len16 } = txpkts
  const ndesc = howmany(len16, EQ_ESIZE / 16)
  KASSERT(ndesc <= available, 'write_txpkts_wr: the work request fits the free descriptors')
  const pidx = txq.pidx[q]
  begin(k, txq.ba[q], txq.sidx[q], pidx)
  put((FW_ETH_TX_PKTS_WR << 24) >>> 0)
  put(len16)
  put(0)
  put(((plen << 16) | (npkt << 8) | wrType) >>> 0)
  // Its egress updates come by the queue's ingress queue: the id tells the card where a bad packet is reported.
  const iqid = txq.iqid[q]
  let segments = 0
  for (let m = m0; m !== 0; m = k.mb.m_nextpkt[m]!) {
    if (wrType === 0) {
      put(((ULP_TX_PKT << 24) | (iqid << S_ULP_TXPKT_FID)) >>> 0)
      put(mbuf_len16(k, m))
      put(((ULP_TX_SC_IMM << 24) | F_ULP_TX_SC_MORE) >>> 0)
      put(CPL_PKT_BYTES)
    }
    write_cpl_tx_pkt(k, q, m, k.mb.ph_len[m])
    get_pkt_gl(k, m)
    write_gl(gl)
    segments += gl.nseg
  }
  if (wrType === 0) {
    txq.txpkts0_pkts[q] += npkt
    txq.txpkts0_wrs[q]++
  } else {
    txq.txpkts1_pkts[q] += npkt
    txq.txpkts1_wrs[q]++
  }
  txq.segments[q] += segments
  if (k.cost.on) k.cost.charge(CAUSE.driver, k.cost.p.txDescriptor * npkt + k.cost.p.sgElement * segments)
  noteProbe(k, q, pidx, 0, false, ndesc, len16, 0)
  recordWr(k, q, pidx, m0, ndesc)
  return ndesc
}

/** Packet whose way the send-path probe follows through this call of the driver, or 0. */
let probed = 0
export function probePacket(m: number): void {
  probed = m
}

/** Notes list and work request of the watched packet. Observer: changes nothing else. */
function noteProbe(
  k: Kernel,
  q: number,
  pidx: number,
  m: number,
  listed: boolean,
  ndesc: number,
  len16: number,
  immediate: number,
): void {
  const at = k.cxgbe.txq.sdesc[q] + pidx
  k.cxgbe.sdProbe[at] = 0
  if (probed === 0 || probed !== m) return
  const { probe } = k.machine
  const row = probe.control.current
  if (row === 0) return
  const b = probe.bursts
  k.cxgbe.sdProbe[at] = b.id[row]
  b.wr_queue[row] = k.cxgbe.txq.index[q]!
  b.wr_descriptors[row] = ndesc
  b.wr_len16[row] = len16
  b.wr_immediate[row] = immediate
  b.sg_total[row] = listed ? gl.nseg : 0
  if (listed)
    for (let i = 0; i < gl.nseg && i < PROBE_SG; i++) {
      b.sg_addr[row * PROBE_SG + i] = gl.addr[i]!
      b.sg_len[row * PROBE_SG + i] = gl.len[i]!
    }
}

/** Sets request bits in word 1 of the work request at `pidx`. */
export function requestUpdate(k: Kernel, q: number, pidx: number, bits: number): void {
  const { txq } = k.cxgbe
  const index = txq.ba[q] / 4 + (pidx * EQ_ESIZE) / 4 + 1
  k.phys.ram32[index] = k.phys.ram32[index] | swap(bits)
}

/**
 * Constants and state of igb(4) for an I350: ports, transmit and receive queues. Source: sys/dev/e1000/if_em.h, if_em.c (IGB_CAPS, EM_MAX_SCATTER 40,
 * EM_TSO_SEG_SIZE 4096, EM_TSO_SIZE), sys/net/iflib.c of 2019 to 2021 (read); descriptor bits: Intel's data sheet of the I350 (read).
 *
 *   igb0 ── txq 0 … n−1 ── software ring (mp_ring, 2048 packets) ── ring of 16-byte descriptors in host memory
 *     └──── rxq 0 … n−1 ── bursts that the card has placed and not yet handed to the stack; one interrupt for a pair of queues
 */
import type { Kernel } from '../../kernel'
import { PROBE_BURSTS } from '../../machine/probe'
import type { Table } from '../../machine/state'

/** Rate of a port, bits a second. */
export const IGB_BPS = 1e9
/** Most segments of a packet, with and without TSO; longest segment of a TSO packet. */
export const EM_MAX_SCATTER = 40
export const EM_TSO_SEG_SIZE = 4096
/** iflib keeps this many segments for m_pullup when it tells the stack its limit. */
export const IFLIB_TSO_RESERVE = 3
/** Descriptors of a ring, and of the software ring in front of it. */
export const EM_DEFAULT_TXD = 1024
export const EM_DEFAULT_RXD = 1024
export const IFMP_RING_SIZE = 2048
/** Queue pairs of an I350. */
export const IGB_MAX_QUEUES = 8
/** Longest frame without its check sequence that the driver sets the card up for. */
export const EM_MAX_FRAME = 9234
/** Least distance of two interrupts of a vector: 8000 a second (hw.em.max_interrupt_rate). */
export const EM_ITR_NS = 125_000
/** Frames up to this many bytes are copied into a plain mbuf. Source: iflib.c IFLIB_RX_COPY_THRESH. */
export const IFLIB_RX_COPY_THRESH = 128

export const TXD_BYTES = 16
// Advanced transmit descriptors, word 2 of a data descriptor.
export const DTYP_CTXT = 0x00200000
export const DTYP_DATA = 0x00300000
export const DCMD_EOP = 0x01000000
export const DCMD_IFCS = 0x02000000
export const DCMD_RS = 0x08000000
export const DCMD_DEXT = 0x20000000
export const DCMD_VLE = 0x40000000
export const DCMD_TSE = 0x80000000
// Word 3.
export const STAT_DD = 0x1
export const POPTS_IXSM = 0x100
export const POPTS_TXSM = 0x200
export const PAYLEN_SHIFT = 14
// Context descriptor.
export const MACLEN_SHIFT = 9
export const VLAN_SHIFT = 16
export const TUCMD_IPV4 = 0x400
export const TUCMD_L4T_TCP = 0x800
export const L4LEN_SHIFT = 8
export const MSS_SHIFT = 16

/** States of a software ring. Source: sys/net/mp_ring.c. */
export const RING_IDLE = 0
export const RING_BUSY = 1
export const RING_STALLED = 2

const portSpec = {
  ifp: 'i32',
  running: 'u8',
  /** 1 once the rings exist. */
  rings: 'u8',
  /** Cable that is plugged in, counted from 1; 0: none. */
  linked: 'u8',
  firstTxq: 'i32',
  ntxq: 'i32',
  firstRxq: 'i32',
  nrxq: 'i32',
  ntxd: 'i32',
  nrxd: 'i32',
  /** Bytes of a receive buffer. */
  rxMbufSize: 'i32',
  /** Pending end of a renegotiation of the link, or 0. */
  linkTimer: 'f64',
  // The card's transmit engine: 0 idle, 1 fetching descriptors, 2 reading a packet's data.
  engine: 'u8',
  engineTxq: 'i32',
  engineNdesc: 'i32',
  engineSlots: 'i32',
  engineLastSlot: 'i32',
  engineLast: 'i32',
  portFree: 'f64',
  // Statistics registers.
  good_pkts_txd: 'f64',
  good_octets_txd: 'f64',
  good_pkts_recvd: 'f64',
  good_octets_recvd: 'f64',
  missed_packets: 'f64',
  tso_txd: 'f64',
} as const

const txqSpec = {
  port: 'i32',
  index: 'i32',
  /** Receive queue that shares its interrupt. */
  rxq: 'i32',
  /** Address of the ring, descriptors in it, first place in `sdM`. */
  ba: 'f64',
  size: 'i32',
  sdesc: 'i32',
  pidx: 'i32',
  cidx: 'i32',
  in_use: 'i32',
  /** Descriptors written and not yet announced. */
  db_pending: 'i32',
  // Software ring: state, indices, first place in `items`.
  rState: 'u8',
  rPidx: 'i32',
  rCidx: 'i32',
  rBase: 'i32',
  // Card's side.
  hwTail: 'i32',
  hwHead: 'i32',
  // Counters, named as in dev.igb.N.iflib.txqNN.
  no_tx_dma_setup: 'f64',
  mbuf_defrag: 'f64',
  mbuf_defrag_failed: 'f64',
  m_pullups: 'f64',
  no_desc_avail: 'f64',
  tx_map_failed: 'f64',
  txd_encap_efbig: 'f64',
  txq_processed: 'f64',
  txq_cleaned: 'f64',
  r_enqueues: 'f64',
  r_drops: 'f64',
  r_starts: 'f64',
  r_stalls: 'f64',
  r_restarts: 'f64',
  r_abdications: 'f64',
  // Counters of the lab.
  descriptors: 'f64',
  segments: 'f64',
  doorbells: 'f64',
  tsoBursts: 'f64',
} as const

const rxqSpec = {
  port: 'i32',
  index: 'i32',
  cpu: 'i32',
  txq: 'i32',
  firstSlot: 'i32',
  lastSlot: 'i32',
  /** Frames in it. */
  waiting: 'i32',
  /** 1 while an interrupt is coming or its task is queued. */
  armed: 'u8',
  /** When the vector fired last, ns. */
  fired: 'f64',
  interrupts: 'f64',
  lro_queued: 'f64',
  lro_flushed: 'f64',
  /** Frames without a buffer. */
  noBuffer: 'f64',
} as const

/** Times kept for a row of the send-path probe, see `probeTimes`. */
export const PROBE_TIMES = 3

/** The part of a host that belongs to igb(4); only hosts that have one. */
export interface Igb {
  port: Table<typeof portSpec>
  txq: Table<typeof txqSpec>
  rxq: Table<typeof rxqSpec>
  /** Packet whose descriptors end here. */
  sdM: Int32Array<ArrayBuffer>
  /** Packets waiting in the software rings. */
  items: Int32Array<ArrayBuffer>
  /** Id of the send-path probe's burst whose descriptors begin here, or 0. Observer. */
  sdProbe: Int32Array<ArrayBuffer>
  /** As in cxgbe: when the card began to read a probed burst, had read it, and its last bit left the link. Observer. */
  probeTimes: Float64Array<ArrayBuffer>
  /** Number of the driver in k.ifnet.drivers. */
  driver: number
}

export function createIgbTables(k: Kernel, ports: number, queues: number, ntxd: number): Omit<Igb, 'driver'> {
  const { registry } = k
  const tables = {
    port: registry.table(k.part('igb.port'), portSpec, ports + 1),
    txq: registry.table(k.part('igb.txq'), txqSpec, ports * queues + 1),
    rxq: registry.table(k.part('igb.rxq'), rxqSpec, ports * queues + 1),
    sdM: new Int32Array(ports * queues * ntxd),
    items: new Int32Array(ports * queues * IFMP_RING_SIZE),
    sdProbe: new Int32Array(ports * queues * ntxd),
    probeTimes: new Float64Array((PROBE_BURSTS + 1) * PROBE_TIMES),
  }
  registry.fixed(k.part('igb.sdM'), tables.sdM)
  registry.fixed(k.part('igb.items'), tables.items)
  registry.fixed(k.part('igb.sdProbe'), tables.sdProbe, { observer: true })
  registry.fixed(k.part('igb.probeTimes'), tables.probeTimes, { observer: true })
  return tables
}

/** Distance from tail to head in a ring. */
export function ringDistance(head: number, tail: number, size: number): number {
  return head >= tail ? head - tail : size - tail + head
}

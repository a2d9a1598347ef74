/**
 * Constants and state of cxgbe(4): adapter, ports, queues. Source: sys/dev/cxgbe/adapter.h, common/t4_hw.h (read through reference nic-cxgbe 3.1, 1.5).
 *
 *   adapter t6nex0 ── port 0 = cc0 ── txq 0 … ntxq−1 ── descriptor ring in host memory, software descriptors, mp_ring
 *                  │              └─ rxq 0 … nrxq−1 ── bursts that the card has placed and not yet handed to the stack
 *                  └─ port 1 = cc1 …
 */
import type { Kernel } from '../../kernel'
import { PROBE_BURSTS } from '../../machine/probe'
import type { Table } from '../../machine/state'
import { nicTiming, type NicParameterName } from './timing'

/** Bytes of a descriptor, and entries of 16 bytes in it. */
export const EQ_ESIZE = 64
export const SGE_MAX_WR_NDESC = 8
export const TX_SGL_SEGS = 39
export const TX_SGL_SEGS_TSO = 38
export const TX_EQ_QSIZE = 1024
export const RX_IQ_QSIZE = 1024
/** Status page at the end of a ring, bytes (64 on CPUs with 64-byte lines). */
export const SPG_LEN = 64
export const MIN_QSIZE = 128
export const MAX_QSIZE = 65536
/** Largest MTU of a port. */
export const MAX_MTU = 9600

/** Flags of a packet on its way through the driver (ph_eight4). */
export const MC_NOMAP = 0x01
export const MC_RAW_WR = 0x02

/** States of the software ring in front of a queue. Source: t4_mp_ring.c of mid 2019 (reference nic-cxgbe 3.5). */
export const MP_RING_IDLE = 0
export const MP_RING_BUSY = 1
export const MP_RING_STALLED = 2

/** m_pkthdr.rsstype. Source: sys/sys/mbuf.h (read). */
export const M_HASHTYPE_NONE = 0
export const M_HASHTYPE_RSS_IPV4 = 1 | 0x80
export const M_HASHTYPE_RSS_TCP_IPV4 = 2 | 0x80
export const M_HASHTYPE_RSS_IPV6 = 3 | 0x80
export const M_HASHTYPE_RSS_TCP_IPV6 = 4 | 0x80
export const M_HASHTYPE_OPAQUE = 63

const portSpec = {
  ifp: 'i32',
  /** 1 while the interface is up (IFF_DRV_RUNNING). */
  running: 'u8',
  /** 1 once the queues exist (first time up). */
  fullInit: 'u8',
  firstTxq: 'i32',
  ntxq: 'i32',
  firstRxq: 'i32',
  nrxq: 'i32',
  /** Ring sizes asked for; in force from the first time up. */
  qsizeTxq: 'i32',
  qsizeRxq: 'i32',
  /** Index into holdoff_timers. */
  tmrIdx: 'i32',
  rsrvNoflowq: 'i32',
  /** Word 0 of CPL_TX_PKT: channel, PF, VF. */
  cplCtrl0: 'u32',
  txParseError: 'f64',
  // The card's transmit engine of the port.
  /** 0 = idle, 1 = fetching the first descriptors, 2 = reading the data of a work request. */
  engine: 'u8',
  /** Queue whose work request is being read, and its descriptors. */
  engineTxq: 'i32',
  engineNdesc: 'i32',
  /** Slots that are ready when the reading ends: first and last of a list. */
  engineSlots: 'i32',
  engineLastSlot: 'i32',
  /** Queue served last: the next one is looked for behind it. */
  engineLast: 'i32',
  /** When the MAC has sent what it was given, ns. */
  portFree: 'f64',
  /** Cable that is plugged in, counted from 1; 0: none. */
  linked: 'u8',
} as const

const txqSpec = {
  port: 'i32',
  index: 'i32',
  /** Ingress queue that its messages come by: row of rxq is `rxq`, the number the card knows is `iqid`. */
  rxq: 'i32',
  iqid: 'i32',
  /** Address of the ring; entries before the status page; first software descriptor in `sdM`. */
  ba: 'f64',
  sidx: 'i32',
  sdesc: 'i32',
  // Driver's side.
  pidx: 'i32',
  cidx: 'i32',
  /** Announced to the card. */
  dbidx: 'i32',
  /** Where an update was last asked for. */
  equeqidx: 'i32',
  /** 1 while an egress update was asked for and has not come. */
  equiq: 'u8',
  // Software ring.
  rState: 'u8',
  rPidx: 'i32',
  rCidx: 'i32',
  // Card's side.
  hwPidx: 'i32',
  hwCidx: 'i32',
  /** Since when the queue has been empty (card), ns, and whether its timer runs. */
  idleSince: 'f64',
  idleTimer: 'u8',
  // Counters, named as in dev.cc.N.txq.M.
  txcsum: 'f64',
  vlan_insertion: 'f64',
  tso_wrs: 'f64',
  imm_wrs: 'f64',
  sgl_wrs: 'f64',
  txpkt_wrs: 'f64',
  txpkts0_wrs: 'f64',
  txpkts1_wrs: 'f64',
  txpkts0_pkts: 'f64',
  txpkts1_pkts: 'f64',
  raw_wrs: 'f64',
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
  egressUpdates: 'f64',
} as const

const rxqSpec = {
  port: 'i32',
  index: 'i32',
  cpu: 'i32',
  /** Bursts placed, oldest first: list through wire.slots.next. */
  firstSlot: 'i32',
  lastSlot: 'i32',
  /** Frames in it. */
  waiting: 'i32',
  /** 1 while an interrupt is coming (hold-off running) or its task is queued. */
  armed: 'u8',
  lro_queued: 'f64',
  lro_flushed: 'f64',
  rxcsum: 'f64',
  vlan_extraction: 'f64',
  mbuf_allocated: 'f64',
  cluster_allocated: 'f64',
  /** Bursts without a buffer. */
  fl_starved: 'f64',
  interrupts: 'f64',
} as const

/** Counters of a port's MAC, in the order of dev.cc.N.stats. */
export const macCounters = [
  'tx_octets',
  'tx_frames',
  'tx_bcast_frames',
  'tx_mcast_frames',
  'tx_ucast_frames',
  'tx_error_frames',
  'tx_frames_64',
  'tx_frames_65_127',
  'tx_frames_128_255',
  'tx_frames_256_511',
  'tx_frames_512_1023',
  'tx_frames_1024_1518',
  'tx_frames_1519_max',
  'tx_drop',
  'rx_octets',
  'rx_frames',
  'rx_bcast_frames',
  'rx_mcast_frames',
  'rx_ucast_frames',
  'rx_frames_64',
  'rx_frames_65_127',
  'rx_frames_128_255',
  'rx_frames_256_511',
  'rx_frames_512_1023',
  'rx_frames_1024_1518',
  'rx_frames_1519_max',
  'rx_ovflow0',
  'rx_trunc0',
] as const
export type MacCounter = (typeof macCounters)[number]
export const MAC_COUNTERS = macCounters.length
export const MAC_TX_OCTETS = 0
export const MAC_TX_FRAMES = 1
export const MAC_TX_UCAST = 4
export const MAC_TX_SIZES = 6
export const MAC_RX_OCTETS = 14
export const MAC_RX_FRAMES = 15
export const MAC_RX_UCAST = 18
export const MAC_RX_SIZES = 19
export const MAC_RX_OVFLOW = 26
export const MAC_RX_TRUNC = 27

/** Times kept for a row of the send-path probe, see `probeTimes`. */
export const PROBE_TIMES = 3

/** Row of a burst of the send-path probe by its id, or 0 if the row has been used again. */
export function probeRow(k: Kernel, id: number): number {
  const row = ((id - 1) % PROBE_BURSTS) + 1
  return k.machine.probe.bursts.id[row] === id ? row : 0
}

/** The part of a host that belongs to cxgbe(4). */
export interface Cxgbe {
  port: Table<typeof portSpec>
  txq: Table<typeof txqSpec>
  rxq: Table<typeof rxqSpec>
  /** Counters of the MAC of each port, MAC_COUNTERS apart. */
  mac: Float64Array<ArrayBuffer>
  /** Software descriptors of all queues: chain of packets of the work request that begins here, and its descriptors. */
  sdM: Int32Array<ArrayBuffer>
  sdUsed: Uint8Array<ArrayBuffer>
  /** Id of the send-path probe's burst that begins here, or 0. Observer. */
  sdProbe: Int32Array<ArrayBuffer>
  /** For each row of the send-path probe: when the card began to read the burst, had read it, and the last bit left the link (0 = not yet), ns. Observer. */
  probeTimes: Float64Array<ArrayBuffer>
  /** Called when the card begins to read a burst of the watched connection, with its row. Looks only; never part of the state. */
  burstObserver: ((row: number) => void) | null
  /** Packets waiting in the software rings, at the same positions. */
  items: Int32Array<ArrayBuffer>
  /** Times of the card. Constant. */
  timing: { readonly [K in NicParameterName]: number }
  /** Number of the driver in k.ifnet.drivers. */
  driver: number
  /** Makes the configured T6 interfaces and brings them up. */
  attach(): void
}

export function createAdapterTables(
  k: Kernel,
  ports: number,
  txqs: number,
  rxqs: number,
): Omit<Cxgbe, 'attach' | 'driver'> {
  const { registry } = k
  const state: Omit<Cxgbe, 'attach' | 'driver'> = {
    port: registry.table(k.part('cxgbe.port'), portSpec, ports + 1),
    txq: registry.table(k.part('cxgbe.txq'), txqSpec, txqs + 1),
    rxq: registry.table(k.part('cxgbe.rxq'), rxqSpec, rxqs + 1),
    mac: new Float64Array((ports + 1) * MAC_COUNTERS),
    sdM: new Int32Array(0),
    sdUsed: new Uint8Array(0),
    sdProbe: new Int32Array(0),
    probeTimes: new Float64Array((PROBE_BURSTS + 1) * PROBE_TIMES),
    burstObserver: null,
    items: new Int32Array(0),
    timing: nicTiming(k.machine.config),
  }
  registry.fixed(k.part('cxgbe.mac'), state.mac)
  registry.fixed(k.part('cxgbe.probeTimes'), state.probeTimes, { observer: true })
  // Sized when the interface comes up for the first time, because ring sizes can be set before.
  registry.array(
    k.part('cxgbe.sdM'),
    () => state.sdM,
    (data) => (state.sdM = (data as Int32Array<ArrayBuffer>).slice()),
  )
  registry.array(
    k.part('cxgbe.sdUsed'),
    () => state.sdUsed,
    (data) => (state.sdUsed = (data as Uint8Array<ArrayBuffer>).slice()),
  )
  registry.array(
    k.part('cxgbe.items'),
    () => state.items,
    (data) => (state.items = (data as Int32Array<ArrayBuffer>).slice()),
  )
  registry.array(
    k.part('cxgbe.sdProbe'),
    () => state.sdProbe,
    (data) => (state.sdProbe = (data as Int32Array<ArrayBuffer>).slice()),
    { observer: true },
  )
  return state
}

/** howmany() of sys/param.h. */
export function howmany(x: number, y: number): number {
  return Math.ceil(x / y)
}

/** Distance from tail to head in a ring. Source: adapter.h IDXDIFF (read). */
export function IDXDIFF(head: number, tail: number, wrap: number): number {
  return head >= tail ? head - tail : wrap - tail + head
}

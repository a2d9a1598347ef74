/**
 * The send-path probe: for one chosen connection of one host it keeps the shape of the latest bursts, station by station, so that the window can
 * draw the way from socket buffer to wire from what really happened.
 *
 *   tcp_output ──► ip_output (converted?) ──► scatter/gather list ──► descriptors ──► frames
 *   tcp_* cols     ip_* cols                   sg_* cols              wr_* cols      fr_* cols
 *
 * It watches and never steers: it is an observer part, left out of the digest. Nothing is recorded while `tcpcb` is 0, and the test for that is
 * one comparison on the hot path.
 */
import type { Machine } from './machine'
import type { Table } from './state'

/** Most chain entries kept per burst; a longer chain sets the `…_total` column to its real length. */
export const PROBE_CHAIN = 48
/** Most scatter/gather entries kept per burst. */
export const PROBE_SG = 48
/** Bursts kept: a ring, newest last. */
export const PROBE_BURSTS = 16

/** Kind of a chain entry. */
export const PROBE_KIND = { plain: 0, cluster: 1, sfbuf: 2, pgs: 3, other: 4 } as const

const burstSpec = {
  /** 1 … , 0 = row not used yet. Sent to the link with the burst, so that later stations find the row. */
  id: 'f64',
  /** Virtual time of tcp_output, ns. */
  time: 'f64',
  /** Time the last bit arrived at the peer, or 0. */
  arrived: 'f64',
  /** Bytes since the start of the stream (first byte = 0), may exceed 32 bits. */
  streamOffset: 'f64',
  seq: 'u32',
  /** Payload bytes. */
  len: 'i32',
  /** Header bytes from IP on. */
  hdrlen: 'i32',
  mss: 'i32',
  /** 1 when the card cuts the burst into segments. */
  tso: 'u8',
  retransmission: 'u8',
  // Chain as built by tcp_output.
  tcp_total: 'i32',
  tcp_kind: ['u8', PROBE_CHAIN],
  tcp_len: ['i32', PROBE_CHAIN],
  /** Offset of the first byte inside its storage (for pgs: logical offset). */
  tcp_off: ['i32', PROBE_CHAIN],
  tcp_npgs: ['u8', PROBE_CHAIN],
  /** 1 when the mbuf shares storage that another mbuf owns. */
  tcp_shadow: ['u8', PROBE_CHAIN],
  /** Frame number of the first byte. */
  tcp_frame: ['u32', PROBE_CHAIN],
  // Chain as it left ip_output.
  ip_total: 'i32',
  ip_kind: ['u8', PROBE_CHAIN],
  ip_len: ['i32', PROBE_CHAIN],
  ip_off: ['i32', PROBE_CHAIN],
  ip_npgs: ['u8', PROBE_CHAIN],
  ip_shadow: ['u8', PROBE_CHAIN],
  ip_frame: ['u32', PROBE_CHAIN],
  /** Unmapped mbufs converted for this packet. */
  ip_converted: 'i32',
  /** 1: the card computes the TCP checksum. */
  ip_checksumByCard: 'u8',
  /** 1: the interface had NOMAP enabled. */
  ip_takesUnmapped: 'u8',
  /** errno of ip_output. */
  ip_error: 'i32',
  // Scatter/gather list and work request; filled by the driver.
  sg_total: 'i32',
  sg_addr: ['f64', PROBE_SG],
  sg_len: ['i32', PROBE_SG],
  wr_descriptors: 'i32',
  wr_len16: 'i32',
  /** Bytes that went as immediate data inside the work request, or 0. */
  wr_immediate: 'i32',
  wr_queue: 'i32',
  // On the wire; filled by card and link.
  fr_frames: 'i32',
  fr_out: 'i32',
  fr_dropped: 'i32',
} as const

export type ProbeTable = Table<typeof burstSpec>

/** Which connection is watched. */
export interface ProbeControl {
  [key: string]: number
  /** Host index and tcpcb row; tcpcb 0 = off. */
  host: number
  tcpcb: number
  /** Generation of the tcpcb row (t_generation), so that a re-used row is not mistaken for the old connection. */
  generation: number
  /** Bursts recorded so far = id of the newest. */
  count: number
  /** Bytes in flight (snd_max − snd_una) when the newest burst left. */
  inFlight: number
  /** Row being filled between tcp_output and the driver's return, or 0. */
  current: number
}

export class Probe {
  readonly control: ProbeControl
  readonly bursts: ProbeTable

  constructor(machine: Machine) {
    const registry = machine.registry
    this.control = registry.record(
      'probe.control',
      { host: 0, tcpcb: 0, generation: 0, count: 0, inFlight: 0, current: 0 },
      { observer: true },
    )
    this.bursts = registry.table('probe.bursts', burstSpec, PROBE_BURSTS + 1, { observer: true })
    // A ring of fixed rows 1 … PROBE_BURSTS.
    for (let i = 0; i < PROBE_BURSTS; i++) this.bursts.alloc()
  }

  /** Chooses the connection; forgets what was recorded of the one before. tcpcb 0 switches off. */
  watch(host: number, tcpcb: number, generation: number): void {
    const c = this.control
    c.host = host
    c.tcpcb = tcpcb
    c.generation = generation
    c.count = 0
    c.inFlight = 0
    c.current = 0
    this.bursts.id.fill(0)
  }

  /** Opens the row of a new burst and gives it. The caller fills the tcp_* columns. */
  begin(): number {
    const c = this.control
    c.count++
    const row = ((c.count - 1) % PROBE_BURSTS) + 1
    const b = this.bursts
    b.id[row] = c.count
    b.arrived[row] = 0
    b.tcp_total[row] = 0
    b.ip_total[row] = 0
    b.ip_converted[row] = 0
    b.ip_error[row] = 0
    b.sg_total[row] = 0
    b.wr_descriptors[row] = 0
    b.wr_len16[row] = 0
    b.wr_immediate[row] = 0
    b.wr_queue[row] = -1
    b.fr_frames[row] = 0
    b.fr_out[row] = 0
    b.fr_dropped[row] = 0
    c.current = row
    return row
  }

  /** The row of the newest burst, or 0. */
  newest(): number {
    return this.control.count === 0 ? 0 : ((this.control.count - 1) % PROBE_BURSTS) + 1
  }
}

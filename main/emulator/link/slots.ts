/**
 * What is on the wire: bursts. A slot holds the frames that one TSO send was cut into, their headers once and their payload as it was gathered from
 * host memory. A plain packet is a burst of one frame. Everything about a single frame can be derived: length, header bytes, checksum.
 *
 *   bytes of a slot   [ header, up to 160 bytes ][ payload of all frames, one after the other ]
 *   frame i           header (length, IP id, sequence number, flags, checksums patched for i) + payload[i × mss …]
 *
 * Slots come in four sizes so that ten thousand acknowledgements in flight do not cost 64 KiB each.
 */
import type { Machine } from '../machine/machine'
import type { Table } from '../machine/state'

/** Bytes kept for headers in front of the payload: Ethernet 14 + VLAN 4 + IP 60 + TCP 60, rounded up to 32. */
export const WIRE_HEADER_BYTES = 160
/** Most frames in a slot: one bit each in the two drop masks. A longer burst takes several slots. */
export const WIRE_MAX_FRAMES = 64
/** Payload that fits into a slot of each size. */
const capacities = [96, 2048, 9216, 65536] as const
/** Preamble 8, frame check sequence 4, gap 12: what every frame costs on the wire besides its bytes. */
export const WIRE_FRAME_OVERHEAD = 24
/** Shortest frame without its check sequence: shorter ones are padded. */
export const WIRE_MIN_FRAME = 60

const slotSpec = {
  /** First byte of the slot in `bytes`. */
  offset: 'f64',
  size: 'u8',
  /** Bytes of headers; 0 payload is possible (acknowledgements). */
  hdrLen: 'u16',
  payLen: 'i32',
  /** Payload of each frame but the last. */
  mss: 'i32',
  nsegs: 'u8',
  /** Where the IP header begins (14, or 18 behind a VLAN tag), 0 if the frame is not IP. */
  l3off: 'u8',
  /** Where the TCP or UDP header begins, 0 if there is none. */
  l4off: 'u8',
  /** IP protocol. */
  proto: 'u8',
  /** 1: the card cut the burst (TSO): headers of single frames are derived. */
  tso: 'u8',
  /** 1: the checksum was not inserted by a card of the model, so a receiver has to compute it. */
  hostSum: 'u8',
  /** Frames that did not survive: bit i of drop0, bit i−32 of drop1. */
  drop0: 'u32',
  drop1: 'u32',
  /** TCP or UDP checksum of each frame as it stands in the frame: of plain packets, and of bursts that are `summed`. */
  csum: ['u16', WIRE_MAX_FRAMES],
  /** 1: `csum` holds the sums of all frames of a TSO burst; 0: a frame's sum is taken when somebody looks at the frame. */
  summed: 'u8',
  /** Virtual ns at which the card handed the burst to the link. */
  sent: 'f64',
  /** Host that sent it. */
  from: 'u8',
  /** Hash by which the receiving card chose its queue, and its type. */
  hash: 'u32',
  hashType: 'u8',
  /** Next slot in a queue, or in the list of free slots of the size. */
  next: 'i32',
} as const

/** Storage and geometry of bursts. */
export class WireSlots {
  readonly slots: Table<typeof slotSpec>
  /** Bytes of all slots. Growing replaces it: re-read after {@link alloc}. */
  bytes = new Uint8Array(1024 * 1024)
  /** The same bytes as 32-bit words. */
  words = new Int32Array(this.bytes.buffer)
  /** Id of the send-path probe's burst in each slot, 0 = none; may be shorter than the table. Observer. */
  probe = new Int32Array(0)
  private top = 0
  /** Head of the list of free slots of each size. */
  private readonly freeSlots = new Int32Array(capacities.length)

  constructor(machine: Pick<Machine, 'registry'>) {
    const { registry } = machine
    this.slots = registry.table('wire.slots', slotSpec, 256)
    registry.fixed('wire.free', this.freeSlots)
    registry.array(
      'wire.bytes',
      () => this.bytes.subarray(0, this.top),
      (data) => {
        this.ensure(data.length)
        this.bytes.set(data)
        this.bytes.fill(0, data.length)
        this.top = data.length
      },
    )
    registry.array(
      'wire.probe',
      () => this.probe,
      (data) => (this.probe = (data as Int32Array<ArrayBuffer>).slice()),
      { observer: true },
    )
  }

  /** Marks a slot as carrying a burst of the send-path probe (0 = none). */
  setProbe(slot: number, id: number): void {
    if (slot >= this.probe.length) {
      if (id === 0) return
      const longer = new Int32Array(Math.max(64, slot * 2))
      longer.set(this.probe)
      this.probe = longer
    }
    this.probe[slot] = id
  }

  private ensure(size: number): void {
    let length = this.bytes.length
    if (size <= length) return
    while (length < size) length *= 2
    const bigger = new Uint8Array(length)
    bigger.set(this.bytes.subarray(0, this.top))
    this.bytes = bigger
    this.words = new Int32Array(bigger.buffer)
  }

  /** Takes a slot with room for `payload` bytes (at most 65536). Its columns are cleared, its bytes are whatever they were. */
  alloc(payload: number): number {
    let size = 0
    while (capacities[size] < payload) size++
    const t = this.slots
    let slot = this.freeSlots[size]
    if (slot !== 0) {
      this.freeSlots[size] = t.next[slot]!
    } else {
      slot = t.alloc()
      t.size[slot] = size
      t.offset[slot] = this.top
      const end = this.top + WIRE_HEADER_BYTES + capacities[size]
      this.ensure(end)
      this.top = end
    }
    t.hdrLen[slot] = 0
    t.payLen[slot] = 0
    t.mss[slot] = 0
    t.nsegs[slot] = 1
    t.l3off[slot] = 0
    t.l4off[slot] = 0
    t.proto[slot] = 0
    t.tso[slot] = 0
    t.hostSum[slot] = 0
    t.summed[slot] = 0
    t.drop0[slot] = 0
    t.drop1[slot] = 0
    t.next[slot] = 0
    if (slot < this.probe.length) this.probe[slot] = 0
    return slot
  }

  free(slot: number): void {
    const t = this.slots
    const size = t.size[slot]
    t.next[slot] = this.freeSlots[size]!
    this.freeSlots[size] = slot
    // A freed slot is recognised by its frame count.
    t.nsegs[slot] = 0
  }

  /** Slots that hold a burst. */
  get inUse(): number {
    let n = 0
    for (let slot = 1; slot < this.slots.high; slot++) if (this.slots.nsegs[slot] !== 0) n++
    return n
  }

  /** First header byte in `bytes`. */
  headerAt(slot: number): number {
    return this.slots.offset[slot]
  }

  /** First payload byte in `bytes`; a multiple of 4. */
  payloadAt(slot: number): number {
    return this.slots.offset[slot] + WIRE_HEADER_BYTES
  }

  /** Payload bytes of frame i. */
  framePayload(slot: number, i: number): number {
    const t = this.slots
    return i < t.nsegs[slot] - 1 ? t.mss[slot] : t.payLen[slot] - i * t.mss[slot]
  }

  /** Bytes of frame i without padding, preamble and check sequence. */
  frameLength(slot: number, i: number): number {
    return this.slots.hdrLen[slot] + this.framePayload(slot, i)
  }

  /** Bytes of frame i as they occupy the wire: padded, with preamble, check sequence and gap. */
  frameWireBytes(slot: number, i: number): number {
    const length = this.frameLength(slot, i)
    return (length < WIRE_MIN_FRAME ? WIRE_MIN_FRAME : length) + WIRE_FRAME_OVERHEAD
  }

  /** Wire bytes of the whole burst. All frames but the last are alike. */
  burstWireBytes(slot: number): number {
    const n = this.slots.nsegs[slot]
    const last = this.frameWireBytes(slot, n - 1)
    return n === 1 ? last : (n - 1) * this.frameWireBytes(slot, 0) + last
  }

  isDropped(slot: number, i: number): boolean {
    const t = this.slots
    return i < 32 ? ((t.drop0[slot] >>> i) & 1) !== 0 : ((t.drop1[slot] >>> (i - 32)) & 1) !== 0
  }

  setDropped(slot: number, i: number): void {
    const t = this.slots
    if (i < 32) t.drop0[slot] = t.drop0[slot] | (1 << i)
    else t.drop1[slot] = t.drop1[slot] | (1 << (i - 32))
  }

  /** Frames of the burst that are still there. */
  survivors(slot: number): number {
    const t = this.slots
    return t.nsegs[slot] - bitCount(t.drop0[slot]) - bitCount(t.drop1[slot])
  }
}

function bitCount(word: number): number {
  let v = word | 0
  v = v - ((v >>> 1) & 0x55555555)
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333)
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}

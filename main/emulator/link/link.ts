/**
 * The link between two hosts: a rate, a delay, a queue in front of each transmitter, and seeded faults. It works on bursts (link/wire.ts) and costs one
 * event per burst, but every frame is judged by itself: dropped when the queue is full, lost, duplicated or overtaken.
 *
 *   card ──► [ queue, queueBytes ] ──► transmitter, rateBps ──► delayNs ──► faults ──► other card
 *   frames enter the queue at the rate of the card's port            EV_LINK_RX at the arrival of the last bit
 *
 * Hosts with several ports on the link have a cable for each, all with the same parameters, each with a queue, a transmitter and faults of its own. An end
 * is a host and a cable: `end = 2 × cable + host`, so that `end ^ 1` is the other end.
 *
 * Time is whole nanoseconds; what a division leaves is carried to the next frame, so that the rate is exact in the long run.
 * Fidelity: assumed (a model of a path, not of a product). Bytes that wait are counted as they occupy the wire, 24 bytes a frame included.
 */
import type { HostConfig, MachineConfig } from '../config'
import { EV_LINK_RX } from '../machine/eventKinds'
import type { Machine } from '../machine/machine'
import type { Prng } from '../machine/prng'

/** What can be changed while the machine runs. */
export const linkParameters = [
  { name: 'rate', unit: 'b/s', low: 1e3, high: 1e12, description: 'bits a second of the transmitter of each end' },
  { name: 'delay', unit: 'ns', low: 0, high: 1e10, description: 'one-way propagation delay' },
  {
    name: 'queue',
    unit: 'bytes',
    low: 0,
    high: 1e10,
    description: 'bytes that may wait for the transmitter of each end',
  },
  { name: 'loss', unit: '', low: 0, high: 1, description: 'probability that a frame is lost' },
  { name: 'duplicate', unit: '', low: 0, high: 1, description: 'probability that a frame arrives twice' },
  { name: 'reorder', unit: '', low: 0, high: 1, description: 'probability that a frame is overtaken by later ones' },
] as const
export type LinkParameter = (typeof linkParameters)[number]['name']
const P_RATE = 0
const P_DELAY = 1
const P_QUEUE = 2
const P_LOSS = 3
const P_DUPLICATE = 4
const P_REORDER = 5

/** What each direction counts. Frames: offered + duplicated = delivered + queueDrops + lost + in flight. */
export const linkCounters = [
  'offeredFrames',
  'offeredBytes',
  'queueDrops',
  'lost',
  'duplicated',
  'reordered',
  'deliveredFrames',
  'deliveredBytes',
  'bursts',
  /** Largest number of bytes that waited. */
  'queueHigh',
] as const
export type LinkCounter = (typeof linkCounters)[number]
const COUNTERS = linkCounters.length
const C_OFFERED = 0
const C_OFFERED_BYTES = 1
const C_QUEUE_DROPS = 2
const C_LOST = 3
const C_DUPLICATED = 4
const C_REORDERED = 5
const C_DELIVERED = 6
const C_DELIVERED_BYTES = 7
const C_BURSTS = 8
const C_QUEUE_HIGH = 9

/** An overtaken frame arrives this many times its own wire time late, plus up to as much again by the seed. */
const REORDER_FRAMES = 4

/** Per direction. */
const D_BUSY_UNTIL = 0
const D_CARRY = 1
const D_PORT_FREE = 2
const D_LAST_ARRIVAL = 3
const DIRECTION_FIELDS = 4

/** Cables that join the hosts: as many as both have interfaces with one, at least one. */
function cablesOf({ hosts }: MachineConfig): number {
  const [a, b] = hosts.map((host) => host.interfaces.filter((_, position) => cableOf(host, position) >= 0).length)
  return Math.max(1, Math.min(a ?? 0, b ?? 0))
}

/** Cable that an interface of a host is on, counted from 0; −1: none. Only the first two hosts are on the link. */
export function cableOf(host: Pick<HostConfig, 'interfaces'>, position: number): number {
  const wired = (at: number): boolean => host.interfaces[at].cable ?? at === 0
  if (!wired(position)) return -1
  let cable = 0
  for (let at = 0; at < position; at++) if (wired(at)) cable++
  return cable
}

type Receiver = (slot: number) => void
/** What a card tells the link of itself, and hears of the other end. */
interface Card {
  /** It is started, so the other end has a carrier. */
  up(): boolean
  /** The other end has started or stopped. */
  carrier(up: boolean): void
}
/** Watches bursts that enter the link (captures); `from` is an end. `slot` is valid during the call only; frames already marked as dropped did not pass. */
export type LinkObserver = (from: number, slot: number, departure: number) => void

export class Link {
  private readonly parameters: Float64Array<ArrayBuffer>
  /** Cables between the two hosts, 1 or more. */
  readonly cables: number
  private readonly direction: Float64Array<ArrayBuffer>
  private readonly counters: Float64Array<ArrayBuffer>
  private readonly prng: Prng[] = []
  private readonly receivers: (Receiver | null)[] = []
  private readonly cards: (Card | null)[] = []
  /** Set when all hosts have booted. Until then every cable counts as negotiated, because hosts boot one after the other. */
  booted = false
  /** Of the latest {@link transmit}: when the last bit leaves, and frames that were dropped or lost. Results of a call, not state. */
  lastDeparture = 0
  lastDropped = 0
  /** Set by whoever captures; never part of the state. */
  observer: LinkObserver | null = null

  constructor(private readonly machine: Machine) {
    const { link } = machine.config
    this.parameters = new Float64Array([
      link.rateBps,
      link.delayNs,
      link.queueBytes,
      link.loss,
      link.duplicate,
      link.reorder,
    ])
    this.cables = cablesOf(machine.config)
    const ends = 2 * this.cables
    this.direction = new Float64Array(ends * DIRECTION_FIELDS)
    this.counters = new Float64Array(ends * COUNTERS)
    machine.registry.fixed('link.parameters', this.parameters)
    machine.registry.fixed('link.direction', this.direction)
    machine.registry.fixed('link.counters', this.counters)
    for (let end = 0; end < ends; end++) {
      this.prng.push(machine.random(`link.${end}`))
      this.receivers.push(null)
      this.cards.push(null)
    }
    machine.on(EV_LINK_RX, (slot, end) => this.arrive(slot, end))
  }

  /** Connects the card of an end. It must free the slots it is given. */
  attach(end: number, receiver: Receiver, card: Card | null = null): void {
    this.receivers[end] = receiver
    this.cards[end] = card
  }

  /** True if the card at the other end of the cable is started. */
  carrier(end: number): boolean {
    return !this.booted || (this.cards[end ^ 1]?.up() ?? true)
  }

  /** The card of an end has started or stopped: the other end notices at once. */
  tell(end: number, up: boolean): void {
    if (this.booted) this.cards[end ^ 1]?.carrier(up)
  }

  get(name: LinkParameter): number {
    return this.parameters[linkParameters.findIndex((entry) => entry.name === name)]
  }

  /** Changes a parameter from now on. False if the value is out of range. Bursts already under way keep their times. */
  set(name: LinkParameter, value: number): boolean {
    const index = linkParameters.findIndex((entry) => entry.name === name)
    const { low, high } = linkParameters[index]
    if (!(value >= low && value <= high)) return false
    // Rates, times and sizes are whole numbers; probabilities are not.
    this.parameters[index] = index < P_LOSS ? Math.floor(value) : value
    // A remainder belongs to the rate it was left by.
    if (index === P_RATE)
      for (let from = 0; from < 2 * this.cables; from++) this.direction[from * DIRECTION_FIELDS + D_CARRY] = 0
    return true
  }

  /** A counter of the direction that begins at host `from`: over all cables, or of one. `queueHigh` is that of the longest queue. */
  counter(from: number, name: LinkCounter, cable?: number): number {
    const index = linkCounters.indexOf(name)
    if (cable !== undefined) return this.counters[(2 * cable + from) * COUNTERS + index]
    let all = 0
    for (let end = from; end < 2 * this.cables; end += 2) {
      const one = this.counters[end * COUNTERS + index]
      all = index === C_QUEUE_HIGH ? Math.max(all, one) : all + one
    }
    return all
  }

  /** Bytes that wait for the transmitters of a host now, the frames under way included. */
  queued(from: number): number {
    let bytes = 0
    for (let end = from; end < 2 * this.cables; end += 2) bytes += this.backlog(end, this.machine.time)
    return bytes
  }

  private backlog(from: number, t: number): number {
    const wait = this.direction[from * DIRECTION_FIELDS + D_BUSY_UNTIL] - t
    return wait <= 0 ? 0 : Math.floor((wait * this.parameters[P_RATE]) / 8e9)
  }

  /** Whole ns for `bytes` at the link's rate, continuing the remainder of the direction. */
  private serialise(base: number, bytes: number): number {
    const rate = this.parameters[P_RATE]
    const total = bytes * 8e9 + this.direction[base + D_CARRY]
    const ns = Math.floor(total / rate)
    this.direction[base + D_CARRY] = total - ns * rate
    return ns
  }

  /**
   * Takes a burst from the card of an end, which sends at `portBps`. The slot belongs to the link from here on.
   * @returns the time at which the card's port has sent the last bit: earlier calls may not follow.
   */
  transmit(from: number, slot: number, portBps: number): number {
    const { machine } = this
    const { wire } = machine
    const frames = wire.slots.nsegs[slot]
    const d = this.direction
    const base = from * DIRECTION_FIELDS
    const counters = this.counters
    const c = from * COUNTERS
    const start = Math.max(machine.time, d[base + D_PORT_FREE])
    const bytes = wire.burstWireBytes(slot)
    const portFree = start + Math.ceil((bytes * 8e9) / portBps)
    d[base + D_PORT_FREE] = portFree
    wire.slots.sent[slot] = machine.time
    wire.slots.from[slot] = from
    counters[c + C_BURSTS] = counters[c + C_BURSTS] + 1
    counters[c + C_OFFERED] = counters[c + C_OFFERED] + frames
    counters[c + C_OFFERED_BYTES] = counters[c + C_OFFERED_BYTES] + bytes - frames * 24

    const rate = this.parameters[P_RATE]
    const waiting = this.backlog(from, start)
    let departure: number
    if (rate <= portBps && waiting + bytes <= this.parameters[P_QUEUE]) {
      // Frames arrive no slower than they leave and all of them fit: one sum for the whole burst.
      const first = start + Math.ceil((wire.frameWireBytes(slot, 0) * 8e9) / portBps)
      departure = this.depart(base, first, bytes)
      // The queue is longest when the last frame has just come in.
      const high = this.backlog(from, portFree)
      if (high > counters[c + C_QUEUE_HIGH]) counters[c + C_QUEUE_HIGH] = high
    } else departure = this.frameByFrame(from, slot, start, portBps)

    if (this.parameters[P_LOSS] > 0) this.lose(from, slot)
    this.observer?.(from, slot, departure)
    this.lastDeparture = departure
    this.lastDropped = frames - wire.survivors(slot)
    const arrival = Math.max(departure + this.parameters[P_DELAY], d[base + D_LAST_ARRIVAL])
    d[base + D_LAST_ARRIVAL] = arrival
    if (this.lastDropped === frames) {
      wire.free(slot)
      return portFree
    }
    machine.schedule(arrival, EV_LINK_RX, slot, from ^ 1)
    // After the burst, so that its duplicates follow it.
    if (this.parameters[P_DUPLICATE] > 0 || this.parameters[P_REORDER] > 0) this.disturb(from, slot, arrival)
    return portFree
  }

  /** Sends `bytes` that are all there at `ready`; the time the last bit left. */
  private depart(base: number, ready: number, bytes: number): number {
    const d = this.direction
    let begin = d[base + D_BUSY_UNTIL]
    if (begin <= ready) {
      if (begin < ready) d[base + D_CARRY] = 0
      begin = ready
    }
    const end = begin + this.serialise(base, bytes)
    d[base + D_BUSY_UNTIL] = end
    return end
  }

  /** The careful way: every frame enters at its own time and may find the queue full. */
  private frameByFrame(from: number, slot: number, start: number, portBps: number): number {
    const { wire } = this.machine
    const base = from * DIRECTION_FIELDS
    const counters = this.counters
    const c = from * COUNTERS
    const limit = this.parameters[P_QUEUE]
    const frames = wire.slots.nsegs[slot]
    let entered = 0
    let departure = start
    for (let i = 0; i < frames; i++) {
      const bytes = wire.frameWireBytes(slot, i)
      entered += bytes
      const at = start + Math.ceil((entered * 8e9) / portBps)
      const waiting = this.backlog(from, at)
      if (waiting > 0 && waiting + bytes > limit) {
        wire.setDropped(slot, i)
        counters[c + C_QUEUE_DROPS] = counters[c + C_QUEUE_DROPS] + 1
        continue
      }
      departure = this.depart(base, at, bytes)
      if (waiting + bytes > counters[c + C_QUEUE_HIGH]) counters[c + C_QUEUE_HIGH] = waiting + bytes
    }
    return departure
  }

  private lose(from: number, slot: number): void {
    const { wire } = this.machine
    const loss = this.parameters[P_LOSS]
    const prng = this.prng[from]
    const c = from * COUNTERS
    const frames = wire.slots.nsegs[slot]
    for (let i = 0; i < frames; i++) {
      if (wire.isDropped(slot, i) || !prng.chance(loss)) continue
      wire.setDropped(slot, i)
      this.counters[c + C_LOST] = this.counters[c + C_LOST] + 1
    }
  }

  /** Duplicates and overtaken frames: each becomes a burst of its own that arrives later. */
  private disturb(from: number, slot: number, arrival: number): void {
    const { machine } = this
    const { wire } = machine
    const prng = this.prng[from]
    const c = from * COUNTERS
    const duplicate = this.parameters[P_DUPLICATE]
    const reorder = this.parameters[P_REORDER]
    const frames = wire.slots.nsegs[slot]
    for (let i = 0; i < frames; i++) {
      if (wire.isDropped(slot, i)) continue
      if (duplicate > 0 && prng.chance(duplicate)) {
        machine.schedule(arrival, EV_LINK_RX, wire.extract(slot, i), from ^ 1)
        this.counters[c + C_DUPLICATED] = this.counters[c + C_DUPLICATED] + 1
      }
      if (reorder > 0 && prng.chance(reorder)) {
        const unit = Math.ceil((wire.frameWireBytes(slot, i) * 8e9) / this.parameters[P_RATE]) * REORDER_FRAMES
        machine.schedule(arrival + unit + prng.below(unit), EV_LINK_RX, wire.extract(slot, i), from ^ 1)
        // The burst itself no longer has the frame.
        wire.setDropped(slot, i)
        this.counters[c + C_REORDERED] = this.counters[c + C_REORDERED] + 1
      }
    }
  }

  private arrive(slot: number, end: number): void {
    const { wire } = this.machine
    const c = (end ^ 1) * COUNTERS
    const counters = this.counters
    const frames = wire.slots.nsegs[slot]
    let delivered = frames
    let bytes = 0
    if ((wire.slots.drop0[slot] | wire.slots.drop1[slot]) === 0) bytes = wire.burstWireBytes(slot) - frames * 24
    else {
      delivered = 0
      for (let i = 0; i < frames; i++) {
        if (wire.isDropped(slot, i)) continue
        delivered++
        bytes += wire.frameWireBytes(slot, i) - 24
      }
    }
    counters[c + C_DELIVERED] = counters[c + C_DELIVERED] + delivered
    counters[c + C_DELIVERED_BYTES] = counters[c + C_DELIVERED_BYTES] + bytes
    const receiver = this.receivers[end]
    // A burst whose frames were all overtaken is empty when it comes.
    if (delivered === 0 || receiver === null || receiver === undefined) wire.free(slot)
    else receiver(slot)
  }
}

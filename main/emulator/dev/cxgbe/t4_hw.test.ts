import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { tcpSumIsRight } from '../../link/testKit'
import { get16, get32 } from '../../netinet/in'
import { CSUM_IP, CSUM_IP_TCP, CSUM_IP_TSO, CSUM_IP_UDP, M_VLANTAG } from '../../sys/mbuf'
import { if_transmit } from '../../net/if'
import {
  appendMapped,
  appendUnmapped,
  mappedPacket,
  mbufsInUse,
  poke,
  released,
  Rig,
  type RigOptions,
  tcpHeaders,
} from './testRig'

/** A rig whose other end collects frames. */
function collecting(options: RigOptions = {}) {
  const rig = new Rig(options)
  const frames: Uint8Array[] = []
  const bursts: number[] = []
  const { wire, link } = rig.machine
  link.attach(1, (slot) => {
    const n = wire.slots.nsegs[slot]
    bursts.push(n)
    for (let i = 0; i < n; i++) frames.push(wire.frameBytes(slot, i))
    wire.free(slot)
  })
  return { rig, k: rig.k, ifp: rig.k.cxgbe.port.ifp[1], frames, bursts }
}

const bytesOf = (n: number, seed: number) =>
  Uint8Array.from({ length: n }, (_, i) => (i * 31 + seed * 7 + (i >> 8)) & 255)
const TSO = CSUM_IP | CSUM_IP_TCP | CSUM_IP_TSO

describe('what leaves the card', () => {
  it('a TSO burst from mapped and unmapped memory – frames carry the very bytes, right checksums and sequence numbers', () => {
    const { rig, k, ifp, frames, bursts } = collecting()
    const payload = bytesOf(20000, 1)
    const m = mappedPacket(k, tcpHeaders(payload.length, { seq: 5000, flags: 0x19, id: 9 }))
    k.mb.ph_csum_flags[m] = TSO
    k.mb.ph_tso_segsz[m] = 1448
    appendMapped(k, m, payload.subarray(0, 1000))
    const first = k.phys.allocContig(3)
    const lone = k.phys.allocFrame()
    poke(k, first * 4096, payload.subarray(1000, 1000 + 12288))
    poke(k, lone * 4096, payload.subarray(13288, 13288 + 4096))
    appendUnmapped(k, m, [first, first + 1, first + 2, lone], 16384)
    appendMapped(k, m, payload.subarray(17384, 19000))
    appendMapped(k, m, payload.subarray(19000))
    const before = released.mbufs
    expect(if_transmit(k, ifp, m)).toBe(0)
    rig.run()
    expect(bursts).toEqual([14])
    const joined: number[] = []
    frames.forEach((frame, i) => {
      expect(tcpSumIsRight(frame)).toBe(true)
      expect(get32(frame, 38)).toBe(5000 + i * 1448)
      expect(get16(frame, 18)).toBe(9 + i)
      expect(frame[47]).toBe(i === 13 ? 0x19 : 0x10)
      joined.push(...frame.subarray(66))
    })
    expect(Uint8Array.from(joined)).toEqual(payload)
    expect(k.cxgbe.txq.tso_wrs[1]).toBe(1)
    // Reclaimed by the report of the empty queue: the unmapped mbuf was freed exactly once.
    expect(released.mbufs).toBe(before + 1)
    expect(mbufsInUse(k)).toBe(0)
  })

  it('any shape of packet – the bytes on the wire – are those of the chain, whatever way it takes through the ring', () => {
    const { rig, k, ifp, frames } = collecting()
    fc.assert(
      fc.property(
        fc.array(fc.record({ n: fc.integer({ min: 1, max: 2000 }), pages: fc.boolean() }), { maxLength: 12 }),
        fc.integer({ min: 100, max: 1460 }),
        fc.integer({ min: 0, max: 10 }),
        fc.nat(255),
        (parts, mss, optionWords, seed) => {
          const total = parts.reduce((n, part) => n + part.n, 0)
          const payload = bytesOf(total, seed)
          const head = tcpHeaders(total, { optionBytes: optionWords * 4, seq: seed * 1e7 })
          const m = mappedPacket(k, head)
          k.mb.ph_csum_flags[m] = total > mss ? TSO : CSUM_IP | CSUM_IP_TCP
          k.mb.ph_tso_segsz[m] = total > mss ? mss : 0
          let at = 0
          for (const part of parts) {
            if (part.pages) {
              const frame = k.phys.allocFrame()
              poke(k, frame * 4096 + 100, payload.subarray(at, at + part.n))
              appendUnmapped(k, m, [frame], part.n, 0, 100)
            } else appendMapped(k, m, payload.subarray(at, at + part.n))
            at += part.n
          }
          frames.length = 0
          expect(if_transmit(k, ifp, m)).toBe(0)
          rig.run()
          const joined: number[] = []
          for (const frame of frames) {
            expect(tcpSumIsRight(frame)).toBe(true)
            expect(frame.length - head.length).toBeLessThanOrEqual(Math.max(mss, total > mss ? 0 : total))
            joined.push(...frame.subarray(head.length))
          }
          expect(Uint8Array.from(joined)).toEqual(payload)
          expect(mbufsInUse(k)).toBe(0)
        },
      ),
      { numRuns: 40 },
    )
  })

  it('a small MSS that makes more frames than a slot holds – several bursts, the same stream', () => {
    const { rig, k, ifp, frames, bursts } = collecting()
    const payload = bytesOf(30000, 5)
    const m = mappedPacket(k, tcpHeaders(payload.length, { seq: 0xffffff00, flags: 0x18 }))
    k.mb.ph_csum_flags[m] = TSO
    k.mb.ph_tso_segsz[m] = 216
    for (let at = 0; at < payload.length; at += 2000) appendMapped(k, m, payload.subarray(at, at + 2000))
    if_transmit(k, ifp, m)
    rig.run()
    expect(bursts).toEqual([64, 64, 11])
    expect(frames.every(tcpSumIsRight)).toBe(true)
    expect(frames.map((frame) => get32(frame, 38))).toEqual(frames.map((_, i) => (0xffffff00 + i * 216) % 4294967296))
    expect(frames.map((frame) => frame[47])).toEqual(frames.map((_, i) => (i === frames.length - 1 ? 0x18 : 0x10)))
    expect(Uint8Array.from(frames.flatMap((frame) => [...frame.subarray(66)]))).toEqual(payload)
  })

  it('a VLAN tag in the packet header – is inserted behind the addresses, checksums stay right', () => {
    const { rig, k, ifp, frames } = collecting()
    const payload = bytesOf(4000, 2)
    const m = mappedPacket(k, tcpHeaders(payload.length))
    k.mb.ph_csum_flags[m] = TSO
    k.mb.ph_tso_segsz[m] = 1448
    k.mb.m_flags[m] = k.mb.m_flags[m] | M_VLANTAG
    k.mb.ph_ether_vtag[m] = 100
    for (let at = 0; at < payload.length; at += 2000) appendMapped(k, m, payload.subarray(at, at + 2000))
    if_transmit(k, ifp, m)
    rig.run()
    expect(frames.map((frame) => [get16(frame, 12), get16(frame, 14), get16(frame, 16)])).toEqual(
      frames.map(() => [0x8100, 100, 0x0800]),
    )
    expect(frames.every(tcpSumIsRight)).toBe(true)
  })

  it('checksums not asked for – the frame leaves as the host made it', () => {
    const { rig, k, ifp, frames } = collecting()
    const bytes = tcpHeaders(0)
    if_transmit(k, ifp, mappedPacket(k, bytes))
    rig.run()
    expect(frames).toEqual([bytes])
  })

  it('UDP with a checksum that comes out as zero – is sent as ffff', () => {
    const { rig, k, ifp, frames } = collecting()
    const make = (word: number): Uint8Array => {
      const b = tcpHeaders(0).slice(0, 44)
      b[23] = 17
      b.set([0, 30, 0, 30, 0, 10, 0, 0, word >> 8, word & 255], 34)
      return b
    }
    const send = (word: number): number => {
      const m = mappedPacket(k, make(word))
      k.mb.ph_csum_flags[m] = CSUM_IP | CSUM_IP_UDP
      if_transmit(k, ifp, m)
      rig.run()
      return get16(frames.at(-1)!, 40)
    }
    // The checksum of the same datagram with payload 0 says which payload makes the sum ffff, so that its complement is 0.
    const sum = send(0)
    expect(send(sum)).toBe(0xffff)
  })
})

describe('time and progress (nic-cxgbe 4.10)', () => {
  it('a burst – leaves after doorbell, two reads and its transfer; the status page follows, then the report of the empty queue', () => {
    const { rig, k, ifp } = collecting()
    const { timing, txq } = k.cxgbe
    const m = mappedPacket(k, tcpHeaders(0))
    if_transmit(k, ifp, m)
    const start = timing.nicDoorbellLatency + timing.nicReadLatency
    const transfer = Math.ceil((2 * 64 * 8e9) / timing.nicPcieRate)
    rig.run(start + timing.nicReadLatency + transfer - 1)
    expect(txq.hwCidx[1]).toBe(0)
    rig.run(start + timing.nicReadLatency + transfer)
    expect(txq.hwCidx[1]).toBe(2)
    // The driver has not looked yet: completion is seen at reclaim.
    expect(txq.cidx[1]).toBe(0)
    expect(mbufsInUse(k)).toBe(1)
    rig.run()
    expect(txq.cidx[1]).toBe(2)
    expect(txq.egressUpdates[1]).toBe(1)
    expect(mbufsInUse(k)).toBe(0)
  })

  it('full-size bursts back to back – the card is limited by its port: 100 Gb/s on the wire', () => {
    const { rig, k, ifp, bursts } = collecting()
    const send = (): void => {
      const m = mappedPacket(k, tcpHeaders(63712))
      k.mb.ph_csum_flags[m] = TSO
      k.mb.ph_tso_segsz[m] = 1448
      const first = k.phys.allocContig(16)
      appendUnmapped(
        k,
        m,
        Array.from({ length: 16 }, (_, i) => first + i),
        63712,
      )
      expect(if_transmit(k, ifp, m)).toBe(0)
    }
    for (let i = 0; i < 20; i++) send()
    rig.run()
    expect(bursts.length).toBe(20)
    const sent = rig.machine.link.counter(0, 'offeredBytes') + 20 * 44 * 24
    const wireNs = (sent * 8) / 100
    // Time of the last arrival: latency plus the wire time of everything.
    expect(k.cxgbe.port.portFree[1] - wireNs).toBeLessThan(10_000)
    expect(k.cxgbe.port.portFree[1] - wireNs).toBeGreaterThan(0)
  })
})

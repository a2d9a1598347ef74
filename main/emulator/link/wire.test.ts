import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Registry } from '../machine/state'
import { get16, get32 } from '../netinet/in'
import { onesComplementSum } from './sum'
import { putBurst, tcpSumIsRight } from './testKit'
import { Wire } from './wire'

const bytesOf = (n: number, seed: number) =>
  Uint8Array.from({ length: n }, (_, i) => (i * 131 + seed * 17 + (i >> 7)) & 255)

describe('sum', () => {
  it('any bytes at any offset – onesComplementSum – equals the plain loop', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(70), fc.nat(400), (data, from, length) => {
        const memory = new Uint8Array(512)
        memory.set(data.subarray(0, 512))
        let plain = 0
        for (let i = 0; i < Math.min(length, 512 - from); i++)
          plain += i % 2 === 0 ? memory[from + i] * 256 : memory[from + i]
        while (plain > 0xffff) plain = (plain & 0xffff) + (plain >>> 16)
        expect(onesComplementSum(memory, new Int32Array(memory.buffer), from, Math.min(length, 512 - from))).toBe(plain)
      }),
    )
  })

  it('64 KiB of ff – onesComplementSum – does not overflow', () => {
    const memory = new Uint8Array(65536).fill(255)
    expect(onesComplementSum(memory, new Int32Array(memory.buffer), 0, 65536)).toBe(0xffff)
  })
})

describe('a burst on the wire', () => {
  it('nic-cxgbe 4.4, TSO – each frame has its own length, id, sequence number and right checksums; FIN and PUSH only on the last', () => {
    const wire = new Wire({ registry: new Registry() })
    const payload = bytesOf(5000, 1)
    const slot = putBurst(wire, { payload, mss: 1448, seq: 0xfffffe00, ipId: 0xffff, flags: 0x19 })
    const joined: number[] = []
    for (let i = 0; i < 4; i++) {
      const frame = wire.frameBytes(slot, i)
      expect(tcpSumIsRight(frame)).toBe(true)
      expect(get16(frame, 16)).toBe(frame.length - 14)
      expect(get16(frame, 18)).toBe((0xffff + i) & 0xffff)
      expect(get32(frame, 38)).toBe((0xfffffe00 + i * 1448) % 4294967296)
      expect(frame[47]).toBe(i === 3 ? 0x19 : 0x10)
      joined.push(...frame.subarray(66))
    }
    expect(Uint8Array.from(joined)).toEqual(payload)
  })

  it('any payload, mss and tag – frames – carry the payload once, with right sums', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4000 }),
        fc.integer({ min: 64, max: 1500 }),
        fc.boolean(),
        (n, mss, vlan) => {
          const wire = new Wire({ registry: new Registry() })
          const payload = bytesOf(n, mss)
          const slot = putBurst(wire, { payload, mss, vlan, options: (n % 3) * 4 })
          const frames = wire.slots.nsegs[slot]
          const joined: number[] = []
          let wireBytes = 0
          for (let i = 0; i < frames; i++) {
            const frame = wire.frameBytes(slot, i)
            expect(tcpSumIsRight(frame)).toBe(true)
            joined.push(...frame.subarray(wire.slots.hdrLen[slot]))
            wireBytes += Math.max(60, frame.length) + 24
          }
          expect(Uint8Array.from(joined)).toEqual(payload)
          expect(wire.burstWireBytes(slot)).toBe(wireBytes)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('sums of all frames taken at once or one by one when looked at – the same frames', () => {
    for (const [n, mss] of [
      [9000, 1448],
      [65000, 1447],
      [777, 64],
    ]) {
      const wire = new Wire({ registry: new Registry() })
      const slot = putBurst(wire, { payload: bytesOf(n, 5), mss, flags: 0x19, seq: 0xfffffff0 })
      const frames = Array.from({ length: wire.slots.nsegs[slot] }, (_, i) => wire.frameBytes(slot, i))
      expect(wire.slots.summed[slot]).toBe(0)
      wire.insertBurstChecksums(slot)
      expect(wire.slots.summed[slot]).toBe(1)
      expect(frames.map((_, i) => wire.frameBytes(slot, i))).toEqual(frames)
    }
  })

  it('one frame – extract – is the same frame in a slot of its own, with and without tag', () => {
    for (const vlan of [false, true]) {
      const wire = new Wire({ registry: new Registry() })
      const slot = putBurst(wire, { payload: bytesOf(9000, 3), mss: 1448, vlan })
      for (const i of [0, 2, 6]) {
        const copy = wire.extract(slot, i)
        expect(wire.frameBytes(copy, 0)).toEqual(wire.frameBytes(slot, i))
        expect(wire.computeChecksum(copy, 0)).toBe(wire.slots.csum[copy * 64])
      }
    }
  })

  it('frames marked as dropped – survivors – counts the others, in both masks', () => {
    const wire = new Wire({ registry: new Registry() })
    const slot = putBurst(wire, { payload: bytesOf(60000, 3), mss: 1000 })
    for (const i of [0, 31, 32, 59]) wire.setDropped(slot, i)
    expect(wire.survivors(slot)).toBe(56)
    expect(wire.isDropped(slot, 31)).toBe(true)
    expect(wire.isDropped(slot, 33)).toBe(false)
  })
})

describe('slots', () => {
  it('slots of all sizes – alloc and free – never overlap and are used again', () => {
    const wire = new Wire({ registry: new Registry() })
    const held: number[] = []
    for (const n of [0, 96, 97, 2048, 2049, 9216, 9217, 65536, 10, 65536]) held.push(wire.alloc(n))
    const ranges = held.map((slot) => [wire.headerAt(slot), wire.payloadAt(slot)] as const).sort((a, b) => a[0] - b[0])
    for (let i = 1; i < ranges.length; i++) expect(ranges[i][0]).toBeGreaterThan(ranges[i - 1][1])
    expect(wire.inUse).toBe(10)
    for (const slot of held) wire.free(slot)
    expect(wire.inUse).toBe(0)
    const high = wire.slots.high
    for (const n of [65536, 10, 96, 65536, 9216]) wire.alloc(n)
    expect(wire.slots.high).toBe(high)
  })

  it('a snapshot with bursts – restore after more were added – has the same bytes and digest', () => {
    const registry = new Registry()
    const wire = new Wire({ registry })
    const slot = putBurst(wire, { payload: bytesOf(3000, 3), mss: 1448 })
    const snapshot = registry.save()
    const digest = registry.digest()
    const frame = wire.frameBytes(slot, 1)
    putBurst(wire, { payload: bytesOf(60000, 9), mss: 1448 })
    wire.free(slot)
    putBurst(wire, { payload: bytesOf(3000, 8), mss: 1448 })
    registry.load(snapshot)
    expect(wire.frameBytes(slot, 1)).toEqual(frame)
    expect(registry.digest()).toBe(digest)
  })
})

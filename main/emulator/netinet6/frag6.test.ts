/** Reassembly of IPv6 fragments: any order, duplicates, overlaps, time, memory. */
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { appendMapped, mappedPacket } from '../dev/cxgbe/testRig'
import { leakCheck, memoryUse } from '../inspect/memoryUse'
import { testMachine } from '../inspect/testMachine'
import { m_freem } from '../kern/kern_mbuf'
import { mb_reclaim } from '../kern/kern_mbuf_reclaim'
import { m_copydata } from '../kern/uipc_mbuf'
import type { Kernel } from '../kernel'
import type { Machine } from '../machine/machine'
import { ifunit } from '../net/if'
import { get16, put16, put32 } from '../netinet/in'
import { frag6_input } from './frag6'
import { in6_put, in6_row } from './in6'
import { ip6_input } from './ip6_input'

let machine: Machine
let k: Kernel
let base: ReturnType<typeof memoryUse>
beforeEach(() => {
  machine = testMachine({ family: 'inet6', ncpu: 1, workload: { startNs: -1 } })
  k = machine.kernels[0]
  base = memoryUse(k)
})
afterEach(() => {
  machine.runUntil(machine.time + 61e9)
  expect(k.inet6.frag.q.live + k.inet6.frag.af.live).toBe(0)
  expect(leakCheck(k, base)).toEqual({})
})

const payload = Uint8Array.from({ length: 6000 }, (_, i) => (i * 31) ^ (i >> 8))

/** A fragment with payload[off … end) of packet `ident`, its data split over mbufs as a card would not: anywhere. */
function fragment(off: number, end: number, more: boolean, ident = 7, split = 100): number {
  const b = new Uint8Array(48)
  b[0] = 0x60
  put16(b, 4, 8 + end - off)
  b[6] = 44
  b[7] = 64
  in6_put(k, b, 8, in6_row(k, 0x20010db8, 0, 0, 2))
  in6_put(k, b, 24, in6_row(k, 0x20010db8, 0, 0, 1))
  b[40] = 6
  put16(b, 42, off | (more ? 1 : 0))
  put32(b, 44, ident)
  const m = mappedPacket(k, b)
  for (let at = off; at < end; at += split) {
    const n = Math.min(end - at, split)
    appendMapped(k, m, at < payload.length ? payload.subarray(at, at + n) : new Uint8Array(n))
  }
  k.mb.ph_rcvif[m] = ifunit(k, 'cc0')
  return m
}

/** Bytes of a whole packet; it is freed. */
function take(m: number): Uint8Array {
  const bytes = new Uint8Array(k.mb.ph_len[m])
  m_copydata(k, m, 0, bytes.length, bytes, 0)
  m_freem(k, m)
  return bytes
}

function expectWhole(m: number, length: number): void {
  expect(m).not.toBe(0)
  const bytes = take(m)
  expect(bytes.length).toBe(40 + length)
  expect([bytes[0], bytes[6], get16(bytes, 4)]).toEqual([0x60, 6, length])
  expect(bytes.subarray(40)).toEqual(payload.subarray(0, length))
}

describe('fragments of a packet', () => {
  it('cut anywhere, in any order, some twice – the last one that was missing brings the packet, byte for byte', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 1, max: 740 }), { maxLength: 8 }),
        fc.integer({ min: 5929, max: 6000 }),
        fc.array(fc.nat(), { minLength: 20, maxLength: 20 }),
        fc.integer({ min: 50, max: 2000 }),
        (cuts, length, order, split) => {
          const ends = [...cuts.map((cut) => cut * 8).sort((a, b) => a - b), length]
          const pieces = ends.map((end, i) => ({ off: i === 0 ? 0 : ends[i - 1], end }))
          // Duplicates come while the packet still waits.
          const sequence = pieces.map((piece, i) => ({ piece, key: order[i] }))
          sequence.sort((a, b) => a.key - b.key)
          let got = 0
          sequence.forEach(({ piece, key }, i) => {
            const more = piece.end !== length
            const m = frag6_input(k, fragment(piece.off, piece.end, more, 7, split))
            if (i === sequence.length - 1) got = m
            else {
              expect(m).toBe(0)
              if (key % 3 === 0) expect(frag6_input(k, fragment(piece.off, piece.end, more, 7, split))).toBe(0)
            }
          })
          expectWhole(got, length)
          expect(k.inet6.frag.q.live).toBe(0)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('two packets mixed – each gets its own', () => {
    expect(frag6_input(k, fragment(0, 800, true, 1))).toBe(0)
    expect(frag6_input(k, fragment(0, 1600, true, 2))).toBe(0)
    expectWhole(frag6_input(k, fragment(800, 1000, false, 1)), 1000)
    expectWhole(frag6_input(k, fragment(1600, 2000, false, 2)), 2000)
  })

  it('one that overlaps another – is dropped, the packet still becomes whole', () => {
    frag6_input(k, fragment(0, 800, true))
    expect(frag6_input(k, fragment(792, 1000, false))).toBe(0)
    expect(k.inet6.ip6stat.ip6s_fragdropped).toBe(1)
    expectWhole(frag6_input(k, fragment(800, 1000, false)), 1000)
  })

  it('a packet that is its only fragment – comes at once', () => {
    expectWhole(frag6_input(k, fragment(0, 500, false)), 500)
  })

  it.each([
    ['a length that is no multiple of 8 with more to follow', 0, 803, true],
    ['an end beyond 65535 bytes', 65_528, 65_544, false],
  ])('%s – dropped', (_what, off, end, more) => {
    expect(frag6_input(k, fragment(off, end, more))).toBe(0)
    expect(k.inet6.ip6stat.ip6s_fragdropped).toBe(1)
    expect(k.inet6.frag.q.live).toBe(0)
  })

  it('the rest does not come within 60 s – given up; what comes later begins anew', () => {
    frag6_input(k, fragment(0, 800, true))
    machine.runUntil(machine.time + 59e9)
    expect(k.inet6.frag.q.live).toBe(1)
    machine.runUntil(machine.time + 2e9)
    expect(k.inet6.frag.q.live).toBe(0)
    expect(k.inet6.ip6stat).toMatchObject({ ip6s_fragtimeout: 1, ip6s_fragdropped: 1 })
    expect(frag6_input(k, fragment(800, 1000, false))).toBe(0)
  })

  it('memory is short – mb_reclaim gives them up', () => {
    frag6_input(k, fragment(0, 800, true, 1))
    frag6_input(k, fragment(800, 1600, true, 2))
    mb_reclaim(k)
    expect(k.inet6.frag.q.live).toBe(0)
    expect(k.inet6.ip6stat.ip6s_fragdropped).toBe(2)
  })

  it('more than 200 fragments – further ones are dropped', () => {
    for (let i = 0; i < 205; i++) frag6_input(k, fragment(0, 8, true, i))
    expect(k.inet6.frag.af.live).toBe(200)
    expect(k.inet6.ip6stat.ip6s_fragdropped).toBe(5)
  })
})

describe('ip6_input', () => {
  const header = (): Uint8Array => {
    const b = new Uint8Array(60)
    b[0] = 0x60
    put16(b, 4, 20)
    b[6] = 6
    in6_put(k, b, 8, in6_row(k, 0x20010db8, 0, 0, 2))
    in6_put(k, b, 24, in6_row(k, 0x20010db8, 0, 0, 1))
    return b
  }
  const receive = (b: Uint8Array): void => {
    const m = mappedPacket(k, b)
    k.mb.ph_rcvif[m] = ifunit(k, 'cc0')
    ip6_input(k, m)
  }

  it.each([
    ['another version', (b: Uint8Array): unknown => (b[0] = 0x40), 'ip6s_badvers'],
    ['a multicast source', (b: Uint8Array): unknown => (b[8] = 0xff), 'ip6s_badscope'],
    ['::1 from outside', (b: Uint8Array): unknown => b.fill(0, 8, 23).fill(1, 23, 24), 'ip6s_badscope'],
    ['a destination that is not ours', (b: Uint8Array): unknown => (b[39] = 9), 'ip6s_cantforward'],
    ['a length beyond the packet', (b: Uint8Array): unknown => put16(b, 4, 21), 'ip6s_tooshort'],
    ['another protocol (ICMPv6)', (b: Uint8Array): unknown => (b[6] = 58), 'ip6s_noproto'],
  ] as const)('%s – counted as %s, freed', (_what, spoil, counter) => {
    const b = header()
    spoil(b)
    receive(b)
    expect(k.inet6.ip6stat[counter]).toBe(1)
    expect(k.inet6.ip6stat.ip6s_delivered).toBe(0)
  })

  it('shorter than a header – ip6s_toosmall', () => {
    receive(new Uint8Array(30))
    expect(k.inet6.ip6stat.ip6s_toosmall).toBe(1)
  })

  it('a wrong TCP checksum that no card has looked at – summed, counted, dropped', () => {
    receive(header())
    expect(k.inet6.ip6stat.ip6s_delivered).toBe(1)
    expect(k.inet.tcpstat.tcps_rcvbadsum).toBe(1)
  })
})

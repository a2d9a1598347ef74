/** iflib_encap and the rings of igb(4), packet by packet on an idle host: what bytes reach the wire, and what it took. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { append, appendMapped, appendUnmapped, mappedPacket, tcpHeaders } from '../dev/cxgbe/testRig'
import { leakCheck, memoryUse } from '../inspect/memoryUse'
import { testMachine } from '../inspect/testMachine'
import { m_get } from '../kern/kern_mbuf'
import type { Kernel } from '../kernel'
import type { Machine } from '../machine/machine'
import { ENOBUFS } from '../sys/errno'
import { put16 } from '../netinet/in'
import { CSUM_IP6_TCP, CSUM_IP6_TSO, CSUM_IP_TCP, CSUM_IP_TSO, M_VLANTAG, MT_DATA } from '../sys/mbuf'
import { M_WAITOK } from '../sys/param'
import { if_transmit, ifunit } from './if'

let machine: Machine
let k: Kernel
let base: ReturnType<typeof memoryUse>
/** Frames that entered the link from host 0. */
let frames: Uint8Array[]

beforeEach(() => {
  machine = testMachine({ model: 'igb', ncpu: 1, link: { rateBps: 1e9 }, workload: { startNs: -1 } })
  k = machine.kernels[0]
  base = memoryUse(k)
  frames = []
  machine.link.observer = (from, slot) => {
    if (from !== 0) return
    for (let i = 0; i < machine.wire.slots.nsegs[slot]; i++) frames.push(machine.wire.frameBytes(slot, i))
  }
})
afterEach(() => {
  machine.runUntil(machine.time + 1e9)
  expect(k.igb!.txq.in_use[1]).toBe(0)
  expect(leakCheck(k, base)).toEqual({})
})

const ifp = (): number => ifunit(k, 'igb0')
const txq = () => k.igb!.txq
const payloadOf = (frame: Uint8Array): number[] => [...frame.subarray(66)]

/** A packet of `pieces` mbufs of `size` bytes behind its headers, with the payload it should carry. */
function pieces(n: number, size: number): { m: number; payload: number[] } {
  const m = mappedPacket(k, tcpHeaders(n * size))
  const payload: number[] = []
  for (let i = 0; i < n; i++) {
    const bytes = Uint8Array.from({ length: size }, (_, j) => i * 31 + j)
    appendMapped(k, m, bytes)
    payload.push(...bytes)
  }
  return { m, payload }
}

describe('iflib_encap (iflib.c)', () => {
  it('a TSO packet of IPv6 – context with 40 bytes of IP header and not marked IPv4, no header checksum asked for; every frame right', () => {
    const b = new Uint8Array(86)
    put16(b, 12, 0x86dd)
    b[14] = 0x60
    put16(b, 18, 32 + 3000)
    b[20] = 6
    b[37] = 1
    b[53] = 2
    b[66] = 8 << 4
    b.fill(1, 74)
    const m = mappedPacket(k, b)
    const payload = Uint8Array.from({ length: 3000 }, (_, i) => i * 7)
    appendMapped(k, m, payload.subarray(0, 1500))
    appendMapped(k, m, payload.subarray(1500))
    k.mb.ph_csum_flags[m] = CSUM_IP6_TCP | CSUM_IP6_TSO
    k.mb.ph_csum_data[m] = 16
    k.mb.ph_tso_segsz[m] = 1428
    expect(if_transmit(k, ifp(), m)).toBe(0)
    const word = (n: number): number => k.phys.ram32[txq().ba[1] / 4 + n]
    expect(word(0)).toBe((14 << 9) | 40)
    // DTYP context, DEXT, L4T TCP and nothing else.
    expect(word(2) >>> 0).toBe(0x20200800)
    expect(word(3)).toBe((1428 << 16) | (32 << 8))
    // First data descriptor: TSE; payload length, TXSM without IXSM.
    expect(word(6) & 0x80000000).not.toBe(0)
    expect(word(7)).toBe((3000 << 14) | 0x200)
    machine.runUntil(1e6)
    expect(frames.map((frame) => frame.length - 86)).toEqual([1428, 1428, 144])
    expect(frames.flatMap((frame) => [...frame.subarray(86)])).toEqual([...payload])
    expect(frames.map((frame) => (frame[18] << 8) | frame[19])).toEqual([1460, 1460, 176])
  })

  it('a plain packet of three pieces – three data descriptors, no context, the bytes as they lie', () => {
    const { m, payload } = pieces(2, 100)
    expect(if_transmit(k, ifp(), m)).toBe(0)
    expect([txq().descriptors[1], txq().segments[1], txq().doorbells[1]]).toEqual([3, 3, 1])
    machine.runUntil(1e6)
    expect(frames).toHaveLength(1)
    expect(payloadOf(frames[0])).toEqual(payload)
    // The host gave no checksum to the card: the frame has what the stack left there.
    expect([frames[0][50], frames[0][51]]).toEqual([0, 0])
  })

  it('checksum asked for – one context descriptor more, and the sum is right', () => {
    const { m, payload } = pieces(1, 50)
    k.mb.ph_csum_flags[m] = CSUM_IP_TCP
    expect(if_transmit(k, ifp(), m)).toBe(0)
    expect(txq().descriptors[1]).toBe(3)
    machine.runUntil(1e6)
    expect(payloadOf(frames[0])).toEqual(payload)
    expect((frames[0][50] << 8) | frames[0][51]).not.toBe(0)
  })

  it('VLAN tag in the packet header – the card inserts it', () => {
    const { m, payload } = pieces(1, 50)
    k.mb.m_flags[m] |= M_VLANTAG
    k.mb.ph_ether_vtag[m] = 0x2005
    expect(if_transmit(k, ifp(), m)).toBe(0)
    machine.runUntil(1e6)
    expect([...frames[0].subarray(12, 18)]).toEqual([0x81, 0x00, 0x20, 0x05, 0x08, 0x00])
    expect([...frames[0].subarray(70)]).toEqual(payload)
  })

  it('more than 40 pieces that can be joined – m_collapse, no copy of the whole, same bytes', () => {
    const { m, payload } = pieces(60, 20)
    expect(if_transmit(k, ifp(), m)).toBe(0)
    expect([txq().mbuf_defrag[1], txq().mbuf_defrag_failed[1]]).toEqual([0, 0])
    expect(txq().segments[1]).toBeLessThanOrEqual(40)
    machine.runUntil(1e6)
    expect(payloadOf(frames[0])).toEqual(payload)
  })

  it('a TSO packet of more than 40 pieces of pages – m_defrag, every frame right', () => {
    const m = mappedPacket(k, tcpHeaders(50 * 1200))
    const payload: number[] = []
    // File pages shared as sendfile shares them are read-only: nothing can be joined into them, and two are too long for one cluster.
    for (let i = 0; i < 50; i++) {
      const n = m_get(k, M_WAITOK, MT_DATA)
      const frame = k.phys.frameOfDiskPage[i]
      k.mb.m_flags[n] |= 1 | 8
      k.mb.ext_type[n] = 2
      k.mb.ext_flags[n] = 1
      k.mb.ext_count[n] = 1
      k.mb.ext_free[n] = 0
      k.mb.ext_buf[n] = frame * 4096
      k.mb.ext_size[n] = 4096
      k.mb.m_len[n] = 1200
      append(k, m, n, 1200)
      const out = new Uint8Array(1200)
      k.phys.copyOut(frame * 4096, 1200, out, 0)
      payload.push(...out)
      // Shadows of nobody: take the storage away before the mbuf is freed by the copy.
      k.mb.ext_count[n] = 2
    }
    k.mb.ph_csum_flags[m] = CSUM_IP_TCP | CSUM_IP_TSO
    k.mb.ph_tso_segsz[m] = 1448
    expect(if_transmit(k, ifp(), m)).toBe(0)
    expect(txq().mbuf_defrag[1]).toBe(1)
    expect(txq().segments[1]).toBeLessThanOrEqual(40)
    machine.runUntil(2e6)
    expect(frames).toHaveLength(Math.ceil(60_000 / 1448))
    expect(frames.flatMap(payloadOf)).toEqual(payload)
  })

  it('an unmapped mbuf, should one get here – bus_dma maps its pages all the same', () => {
    const pages = [k.phys.frameOfDiskPage[0], k.phys.frameOfDiskPage[1]]
    const m = mappedPacket(k, tcpHeaders(1000))
    appendUnmapped(k, m, pages, 1000, 3596)
    expect(if_transmit(k, ifp(), m)).toBe(0)
    machine.runUntil(1e6)
    const out = new Uint8Array(1000)
    k.phys.copyOut(pages[0] * 4096 + 3596, 500, out, 0)
    k.phys.copyOut(pages[1] * 4096, 500, out, 500)
    expect(payloadOf(frames[0])).toEqual([...out])
  })
})

describe('rings', () => {
  it('3500 packets at once – the descriptors run out, the software ring holds 2047 more, the rest is refused and counted; all others go out in order', () => {
    let refused = 0
    const total = 3500
    for (let i = 0; i < total; i++) {
      const m = mappedPacket(k, tcpHeaders(0, { seq: i }))
      const error = if_transmit(k, ifp(), m)
      if (error !== 0) {
        expect(error).toBe(ENOBUFS)
        refused++
      }
    }
    expect(txq().r_stalls[1]).toBeGreaterThan(0)
    expect(txq().r_drops[1]).toBe(refused)
    expect(refused).toBeGreaterThan(300)
    machine.runUntil(1e9)
    expect(frames).toHaveLength(total - refused)
    expect(txq().r_restarts[1]).toBeGreaterThan(0)
    const seqs = frames.map((f) => ((f[38] << 24) | (f[39] << 16) | (f[40] << 8) | f[41]) >>> 0)
    expect(seqs).toEqual(seqs.map((_, i) => i))
  })
})

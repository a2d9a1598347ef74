import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { Kernel } from '../../kernel'
import { m_freem } from '../../kern/kern_mbuf'
import { m_copydata } from '../../kern/uipc_mbuf'
import { tcpSumIsRight } from '../../link/testKit'
import { if_transmit, ifioctl } from '../../net/if'
import { get16, get32 } from '../../netinet/in'
import {
  CSUM_DATA_VALID,
  CSUM_IP,
  CSUM_IP_CHECKED,
  CSUM_IP_TCP,
  CSUM_IP_TSO,
  CSUM_IP_VALID,
  CSUM_PSEUDO_HDR,
  M_VLANTAG,
} from '../../sys/mbuf'
import { SIOCSIFCAP, SIOCSIFFLAGS } from '../../sys/sockio'
import { hashTcp4 } from './rss'
import { appendMapped, mappedPacket, mbufsInUse, Rig, type RigOptions, tcpHeaders } from './testRig'

interface Received {
  t: number
  bytes: Uint8Array
  flags: number
  csum: number
  nsegs: number
  flowid: number
  rsstype: number
  vtag: number | null
  mbufs: number
}
const received: Received[] = []
vi.mock('../../net/if_ethersubr', () => ({
  ether_input: (k: Kernel, _ifp: number, m: number) => {
    const { mb } = k
    const bytes = new Uint8Array(mb.ph_len[m])
    m_copydata(k, m, 0, bytes.length, bytes, 0)
    let mbufs = 0
    for (let n = m; n !== 0; n = mb.m_next[n]) mbufs++
    received.push({
      t: k.machine.time,
      bytes,
      flags: mb.m_flags[m],
      csum: mb.ph_csum_flags[m],
      nsegs: mb.ph_lro_nsegs[m],
      flowid: mb.ph_flowid[m],
      rsstype: mb.ph_rsstype[m],
      vtag: (mb.m_flags[m] & M_VLANTAG) === 0 ? null : mb.ph_ether_vtag[m],
      mbufs,
    })
    m_freem(k, m)
  },
}))

const GOOD = (CSUM_IP_CHECKED | CSUM_IP_VALID | CSUM_DATA_VALID | CSUM_PSEUDO_HDR) >>> 0
const TSO = CSUM_IP | CSUM_IP_TCP | CSUM_IP_TSO
const bytesOf = (n: number) => Uint8Array.from({ length: n }, (_, i) => (i * 37 + (i >> 8)) & 255)

let rig: Rig
beforeEach(() => {
  received.length = 0
})
function twoHosts(options: RigOptions = {}): { a: Kernel; b: Kernel } {
  rig = new Rig({ hosts: 2, ...options })
  return { a: rig.kernels[0], b: rig.kernels[1] }
}
/** Sends a burst from host a with the given payload. */
function send(a: Kernel, payload: Uint8Array, options: Parameters<typeof tcpHeaders>[1] = {}, vtag?: number): void {
  const m = mappedPacket(a, tcpHeaders(payload.length, options))
  a.mb.ph_csum_flags[m] = payload.length > 1448 ? TSO : CSUM_IP | CSUM_IP_TCP
  a.mb.ph_tso_segsz[m] = payload.length > 1448 ? 1448 : 0
  for (let at = 0; at < payload.length; at += 2000) appendMapped(a, m, payload.subarray(at, at + 2000))
  if (vtag !== undefined) {
    a.mb.m_flags[m] |= M_VLANTAG
    a.mb.ph_ether_vtag[m] = vtag
  }
  expect(if_transmit(a, a.cxgbe.port.ifp[1], m)).toBe(0)
}
const capability = (k: Kernel, off: number): void =>
  void ifioctl(k, 'cc0', SIOCSIFCAP, { ifr_reqcap: k.ifnet.if_capenable[k.cxgbe.port.ifp[1]] & ~off })

describe('a burst without holes', () => {
  it('LRO and rx checksums on – is one packet: first header, whole length, all bytes, marked as checked', () => {
    const { a, b } = twoHosts()
    const payload = bytesOf(40000)
    send(a, payload, { seq: 77, flags: 0x18 })
    rig.run()
    expect(received.length).toBe(1)
    const [packet] = received
    expect(packet.bytes.subarray(66)).toEqual(payload)
    expect(get16(packet.bytes, 16)).toBe(52 + 40000)
    expect(get32(packet.bytes, 38)).toBe(77)
    expect(packet.bytes[47]).toBe(0x18)
    expect(packet).toMatchObject({ csum: GOOD, nsegs: 28, rsstype: 0x82 })
    expect(packet.flowid).toBe(hashTcp4(packet.bytes, 14, 34))
    // 16 KiB clusters: as few as hold it.
    expect(packet.mbufs).toBe(3)
    expect(b.sysctl.read('dev.cc.0.rxq.0.lro_queued')).toBe(28)
    expect(b.sysctl.read('dev.cc.0.rxq.0.lro_flushed')).toBe(1)
    expect(mbufsInUse(a) + mbufsInUse(b)).toBe(0)
    expect(rig.machine.wire.inUse).toBe(0)
  })

  it('FIN in the burst – the last frame comes by itself, as tcp_lro takes ACK and PUSH only', () => {
    const { a } = twoHosts()
    send(a, bytesOf(5000), { flags: 0x19 })
    rig.run()
    expect(received.map((packet) => [packet.bytes.length - 66, packet.bytes[47]])).toEqual([
      [4344, 0x10],
      [656, 0x19],
    ])
  })

  it('-lro – every frame is a packet of its own with a right checksum', () => {
    const { a, b } = twoHosts()
    capability(b, 0x400)
    const payload = bytesOf(5000)
    send(a, payload)
    rig.run()
    expect(received.map((packet) => packet.bytes.length - 66)).toEqual([1448, 1448, 1448, 656])
    expect(received.every((packet) => tcpSumIsRight(packet.bytes))).toBe(true)
    expect(Uint8Array.from(received.flatMap((packet) => [...packet.bytes.subarray(66)]))).toEqual(payload)
  })

  it('-rxcsum – nothing is marked as checked and nothing joined: the stack sums itself', () => {
    const { a, b } = twoHosts()
    capability(b, 0x1)
    send(a, bytesOf(5000))
    rig.run()
    expect(received.length).toBe(4)
    expect(received.every((packet) => packet.csum === 0)).toBe(true)
  })

  it('a small frame – lies in one plain mbuf; a full one in a 2 KiB cluster', () => {
    const { a, b } = twoHosts()
    send(a, bytesOf(100))
    send(a, bytesOf(1448))
    rig.run()
    expect(received.map((packet) => packet.mbufs)).toEqual([1, 1])
    expect(b.sysctl.read('dev.cc.0.rxq.0.fl.cluster_allocated')).toBe(1)
    expect(b.sysctl.read('dev.cc.0.rxq.0.fl.mbuf_allocated')).toBe(2)
  })
})

describe('what the checksum unit says', () => {
  it('a sum that the sending host computed wrongly – is not marked as good; a right one is', () => {
    const { a } = twoHosts({ debug: false })
    const frame = tcpHeaders(0)
    if_transmit(a, a.cxgbe.port.ifp[1], mappedPacket(a, frame))
    rig.run()
    expect(received[0].csum).toBe(0)
    // The same frame with the sum put in by hand.
    const { wire } = rig.machine
    const slot = wire.alloc(0)
    wire.bytes.set(frame, wire.headerAt(slot))
    wire.parse(slot, frame.length)
    wire.insertIpChecksum(slot)
    wire.insertChecksum(slot)
    const good = wire.frameBytes(slot, 0)
    wire.free(slot)
    if_transmit(a, a.cxgbe.port.ifp[1], mappedPacket(a, good))
    rig.run()
    expect(received[1].csum).toBe(GOOD)
  })
})

describe('holes, memory, interrupts', () => {
  it('frames lost on the way – what is left comes in runs that LRO may join', () => {
    const { a } = twoHosts()
    const payload = bytesOf(10 * 1448)
    rig.machine.link.observer = (_from, slot) => {
      rig.machine.wire.setDropped(slot, 3)
      rig.machine.wire.setDropped(slot, 9)
    }
    send(a, payload, { seq: 0, flags: 0x18 })
    rig.run()
    expect(
      received.map((packet) => [get32(packet.bytes, 38) / 1448, (packet.bytes.length - 66) / 1448, packet.nsegs]),
    ).toEqual([
      [0, 3, 3],
      [4, 5, 5],
    ])
    // PUSH was in the last frame, which is lost.
    expect(received.map((packet) => packet.bytes[47])).toEqual([0x10, 0x10])
    for (const packet of received) {
      const first = get32(packet.bytes, 38)
      expect(packet.bytes.subarray(66)).toEqual(payload.subarray(first, first + packet.bytes.length - 66))
    }
  })

  it('no mbuf to be had – the frames are dropped and counted, nothing leaks', () => {
    const { a, b } = twoHosts()
    send(a, bytesOf(3000))
    b.uma.failAt(2)
    rig.run()
    expect(received).toEqual([])
    expect(b.sysctl.read('dev.cc.0.stats.rx_trunc0')).toBe(3)
    expect(mbufsInUse(b)).toBe(0)
    expect(b.uma.zone_jumbop.used).toBe(0)
  })

  it('no large cluster – pages are taken instead', () => {
    const { a, b } = twoHosts()
    send(a, bytesOf(30000))
    b.uma.failAt(2)
    rig.run()
    expect(received[0].bytes.length).toBe(30066)
    expect(mbufsInUse(b) + b.uma.zone_jumbop.used + b.uma.zone_jumbo16.used).toBe(0)
  })

  it('nic-cxgbe 1.6, hold-off of 5 us – bursts that come together make one interrupt, after placing and hold-off', () => {
    const { a, b } = twoHosts()
    const arrivals: number[] = []
    rig.machine.link.observer = (_from, _slot, departure) => void arrivals.push(departure + 1000)
    send(a, bytesOf(100))
    send(a, bytesOf(100))
    rig.run()
    const { nicWriteLatency, nicPcieRate } = b.cxgbe.timing
    const placed = arrivals[0] + nicWriteLatency + Math.ceil((170 * 8e9) / nicPcieRate)
    expect(received.map((packet) => packet.t)).toEqual([placed + 5000, placed + 5000])
    expect(b.cxgbe.rxq.interrupts[1]).toBe(1)
  })

  it('another hold-off timer – is used from then on', () => {
    const { a, b } = twoHosts()
    b.sysctl.write('dev.cc.0.holdoff_tmr_idx', 5)
    send(a, bytesOf(100))
    rig.run()
    expect(received[0].t).toBeGreaterThan(200_000)
  })

  it('a receive queue that is full – drops what comes and counts it as overflow', () => {
    const { a, b } = twoHosts({ tunables: { 'hw.cxgbe.qsize_rxq': '128', 'hw.cxgbe.holdoff_timer_idx': '5' } })
    for (let i = 0; i < 6; i++) send(a, bytesOf(60000))
    rig.run()
    const lost = b.sysctl.read('dev.cc.0.stats.rx_ovflow0') as number
    expect(lost).toBeGreaterThan(0)
    expect(lost + received.reduce((sum, packet) => sum + packet.nsegs, 0)).toBe(6 * 42)
    expect(rig.machine.wire.inUse).toBe(0)
  })

  it('an interface that is down – takes nothing', () => {
    const { a, b } = twoHosts()
    ifioctl(b, 'cc0', SIOCSIFFLAGS, { ifr_flags: 0 })
    send(a, bytesOf(100))
    rig.run()
    expect(received).toEqual([])
    expect(rig.machine.wire.inUse).toBe(0)
  })

  it('a tagged frame – the tag is taken out with VLAN_HWTAGGING and left in without', () => {
    const { a, b } = twoHosts()
    const payload = bytesOf(3000)
    send(a, payload, {}, 100)
    rig.run()
    expect(received[0]).toMatchObject({ vtag: 100, nsegs: 3 })
    expect(get16(received[0].bytes, 12)).toBe(0x0800)
    expect(received[0].bytes.subarray(66)).toEqual(payload)
    capability(b, 0x10)
    send(a, payload, {}, 100)
    rig.run()
    expect(received[1].vtag).toBeNull()
    expect(get16(received[1].bytes, 12)).toBe(0x8100)
    expect(received[1].bytes.subarray(70)).toEqual(payload)
  })

  it('several queues – frames of one connection stay on one queue, connections spread', () => {
    const { a, b } = twoHosts({ ncpu: 4 })
    for (let port = 0; port < 64; port++) {
      send(a, bytesOf(100), { sport: 2000 + port })
      send(a, bytesOf(100), { sport: 2000 + port })
    }
    rig.run()
    const used = [1, 2, 3, 4].map((q) => b.cxgbe.rxq.mbuf_allocated[q])
    expect(used.reduce((x, y) => x + y, 0)).toBe(128)
    expect(used.every((n) => n > 8 && n % 2 === 0)).toBe(true)
  })
})

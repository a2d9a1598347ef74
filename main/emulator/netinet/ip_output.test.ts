/** ip_output's decision (reference kernel-mbuf-sendfile 4.1, 10.2 rows 12 and 13), fragmentation, routes. */
import { describe, expect, it } from 'vitest'
import { startLoad } from '../apps/apps'
import { m_getm2, M_SIZE, mtodAddr } from '../kern/kern_mbuf'
import { IFCAP_NOMAP, IFCAP_RXCSUM, IFCAP_TSO4, IFCAP_TXCSUM, ifioctl, ifunit } from '../net/if'
import { EHOSTUNREACH, EMSGSIZE, ENETDOWN } from '../sys/errno'
import { CSUM_IP_TCP, M_NOMAP, M_PKTHDR, MT_DATA } from '../sys/mbuf'
import { M_NOWAIT } from '../sys/param'
import { SIOCSIFCAP } from '../sys/sockio'
import { baseLine, createNet, drain } from '../testkit/netRig'
import { get16, IP_DF, IP_LEN, IP_OFF, put16 } from './in'
import { in_cksum_hdr, ip_output } from './ip_output'
import { tcpip_fillheaders } from './tcp_subr'

const ALL = IFCAP_RXCSUM | IFCAP_TXCSUM | IFCAP_TSO4 | IFCAP_NOMAP

describe('who gets unmapped mbufs (4.1, decision table)', () => {
  it.each([
    { txcsum: true, nomap: true, reach: true },
    { txcsum: true, nomap: false, reach: false },
    { txcsum: false, nomap: true, reach: false },
    { txcsum: false, nomap: false, reach: false },
  ])('txcsum $txcsum, nomap $nomap – unmapped mbufs reach the driver: $reach', ({ txcsum, nomap, reach }) => {
    const net = createNet({
      files: [100_000, 3000],
      sysctls: { 'kern.ipc.mb_use_ext_pgs': '1' },
      workload: { connections: 3 },
      wire: {
        rateBps: 2e9,
        // Without transmit checksums there is no TSO either, as in drivers.
        capenable: IFCAP_RXCSUM | (txcsum ? IFCAP_TXCSUM | IFCAP_TSO4 : 0) | (nomap ? IFCAP_NOMAP : 0),
      },
    })
    const before = net.machine.kernels.map(baseLine)
    startLoad(net.machine)
    net.machine.runUntil(8e6)
    expect(drain(net)).toBe(true)
    const ip = net.a.inet.ipstat
    const { conversions, converted_mbufs, converted_pages } = net.a.mbstat
    expect(net.b.apps.client.stat.bytes_corrupt).toBe(0)
    expect(net.b.apps.client.stat.responses).toBeGreaterThan(5)
    expect(ip.lab_nomap_packets > 0).toBe(reach)
    expect(conversions > 0).toBe(!reach)
    // Row 12: mapped mbufs = pages touched, no page copied, no header or trailer pieces.
    expect(converted_mbufs).toBe(converted_pages)
    expect(net.a.mbstat.copied_bytes).toBe(0)
    // Row 13: without txcsum every TCP packet is summed in software, and TSO is off.
    expect(ip.lab_swcsum_packets > 0).toBe(!txcsum)
    if (!txcsum) {
      expect(net.a.inet.tcpstat.lab_tsobursts).toBe(0)
      expect(ip.lab_converted_csum).toBeGreaterThan(0)
      expect(ip.lab_converted_nomap).toBe(0)
    } else expect(ip.lab_converted_csum).toBe(0)
    expect(net.machine.kernels.map(baseLine)).toEqual(before)
  })

  it('nomap toggled under load – the next packets change at once, every byte stays right', () => {
    const net = createNet({
      files: [200_000],
      sysctls: { 'kern.ipc.mb_use_ext_pgs': '1' },
      workload: { connections: 4 },
      wire: { rateBps: 5e9, capenable: ALL },
    })
    const { ifnet, mbstat } = net.a
    const ifp = net.wire!.ifp[0]
    startLoad(net.machine)
    net.machine.runUntil(2e6)
    expect(mbstat.conversions).toBe(0)
    ifioctl(net.a, 'ww0', SIOCSIFCAP, { ifr_reqcap: ALL & ~IFCAP_NOMAP })
    ifnet.if_capenable[ifp] &= ~IFCAP_NOMAP
    net.machine.runUntil(4e6)
    const during = mbstat.conversions
    expect(during).toBeGreaterThan(0)
    ifnet.if_capenable[ifp] |= IFCAP_NOMAP
    net.machine.runUntil(6e6)
    expect(mbstat.conversions).toBe(during)
    expect(drain(net)).toBe(true)
    expect(net.b.apps.client.stat.bytes_corrupt).toBe(0)
  })
})

describe('when a change takes effect (kernel-mbuf-sendfile 8.3)', () => {
  it('-nomap while unmapped packets are in the transmit ring – "keep their form": none is converted, no reset, and they arrive', () => {
    const net = createNet({
      files: [200_000],
      sysctls: { 'kern.ipc.mb_use_ext_pgs': '1' },
      workload: { connections: 8 },
      wire: 't6',
    })
    const { a: k } = net
    const inRing = (): number => {
      let unmapped = 0
      for (const packet of k.cxgbe.sdM)
        for (let m = packet; m !== 0; m = k.mb.m_next[m]) if ((k.mb.m_flags[m] & M_NOMAP) !== 0) unmapped++
      return unmapped
    }
    startLoad(net.machine)
    while (inRing() === 0 && net.machine.step());
    const [waiting, lines] = [inRing(), k.msgbuf.lines.length]
    expect(waiting).toBeGreaterThan(0)
    const cc0 = ifunit(k, 'cc0')
    expect(ifioctl(k, 'cc0', SIOCSIFCAP, { ifr_reqcap: k.ifnet.if_capenable[cc0] & ~IFCAP_NOMAP })).toBe(0)
    expect([inRing(), k.mbstat.conversions, k.msgbuf.lines.length]).toEqual([waiting, 0, lines])
    // From here on every unmapped mbuf is converted.
    const sent = k.mbstat.nomap_sent
    net.machine.runUntil(net.machine.time + 5e6)
    expect(k.mbstat.conversions).toBe(k.mbstat.nomap_sent - sent)
    expect(k.mbstat.conversions).toBeGreaterThan(10)
    expect(net.b.apps.client.stat.bytes_corrupt).toBe(0)
    expect(drain(net)).toBe(true)
  })
})

describe('packets that cannot go', () => {
  /** A packet of `length` bytes from host 0 to `dst`, TCP by its header. */
  function packet(net: ReturnType<typeof createNet>, dst: number, length: number, off: number): number {
    const k = net.a
    const m = m_getm2(k, 0, length + 16, M_NOWAIT, MT_DATA, M_PKTHDR)
    let rest = length
    for (let at = m; at !== 0 && rest > 0; at = k.mb.m_next[at]) {
      if (at === m) k.mb.m_data[at] += 16
      const n = Math.min(rest, M_SIZE(k, at) - k.mb.m_data[at])
      k.mb.m_len[at] = n
      rest -= n
    }
    expect(rest).toBe(0)
    k.mb.ph_len[m] = length
    const at = mtodAddr(k, m)
    tcpip_fillheaders(k, k.phys.ram, at, 0x0a090001, 1, dst, 2, 64)
    put16(k.phys.ram, at + IP_LEN, length)
    put16(k.phys.ram, at + IP_OFF, off)
    k.mb.ph_csum_flags[m] = CSUM_IP_TCP
    k.mb.ph_csum_data[m] = 16
    return m
  }

  it('no route – EHOSTUNREACH, counted, freed', () => {
    const net = createNet()
    const used = net.a.uma.zone_mbuf.used
    expect(ip_output(net.a, packet(net, 0x08080808, 40, IP_DF), 0, 0)).toBe(EHOSTUNREACH)
    expect(net.a.inet.ipstat.ips_noroute).toBe(1)
    expect(net.a.uma.zone_mbuf.used).toBe(used)
  })

  it('interface down – ENETDOWN, freed', () => {
    const net = createNet()
    net.a.ifnet.if_drv_flags[net.wire!.ifp[0]] = 0
    expect(ip_output(net.a, packet(net, 0x0a090002, 40, IP_DF), 0, 0)).toBe(ENETDOWN)
    expect(net.a.uma.zone_mbuf.used).toBe(0)
  })

  it('longer than the MTU with DF – EMSGSIZE and ips_cantfrag', () => {
    const net = createNet()
    expect(ip_output(net.a, packet(net, 0x0a090002, 3000, IP_DF), 0, 0)).toBe(EMSGSIZE)
    expect(net.a.inet.ipstat.ips_cantfrag).toBe(1)
    expect(net.a.uma.zone_clust.used - net.a.uma.zone_pack.used - net.a.uma.zone_pack.cached).toBe(0)
  })

  it('longer than the MTU without DF – fragments of multiples of 8 bytes with good header sums that add up', () => {
    const seen: Uint8Array[] = []
    const net = createNet({ wire: { filter: (frame) => (seen.push(frame.slice()), false) } })
    expect(ip_output(net.a, packet(net, 0x0a090002, 4020, 0), 0, 0)).toBe(0)
    expect(net.a.inet.ipstat).toMatchObject({ ips_fragmented: 1, ips_ofragments: 3 })
    const fragments = seen.map((f) => ({
      len: get16(f, 16) - 20,
      off: (get16(f, 20) & 0x1fff) * 8,
      more: (get16(f, 20) & 0x2000) !== 0,
    }))
    expect(fragments).toEqual([
      { len: 1480, off: 0, more: true },
      { len: 1480, off: 1480, more: true },
      { len: 1040, off: 2960, more: false },
    ])
    for (const f of seen) expect(in_cksum_hdr(f, 14)).toBe(0)
  })
})

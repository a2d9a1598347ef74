/** igb(4) in a whole machine: capabilities, conversion of everything unmapped, segments and descriptors, restarts. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { drainLoad } from '../../apps/apps'
import { counterDeclarations, readCounters } from '../../inspect/counters'
import { leakCheck, memoryUse } from '../../inspect/memoryUse'
import { SendPathReader } from '../../inspect/sendPath'
import { testMachine, type TestOptions } from '../../inspect/testMachine'
import type { Kernel } from '../../kernel'
import type { Machine } from '../../machine/machine'
import {
  capabilityTable,
  if_transmit,
  IFCAP_LRO,
  IFCAP_NOMAP,
  IFCAP_TSO4,
  IFCAP_TXCSUM,
  IFCAP_WOL_UCAST,
  ifioctl,
  type Ifreq,
  ifunit,
} from '../../net/if'
import { vlan_clone_create } from '../../net/if_vlan'
import { EINVAL, ENETDOWN } from '../../sys/errno'
import { CSUM_IP, CSUM_IP_TCP, CSUM_TSO } from '../../sys/mbuf'
import { SIOCGIFMEDIA, SIOCSETVLAN, SIOCSIFCAP, SIOCSIFMTU } from '../../sys/sockio'
import { m_gethdr } from '../../kern/kern_mbuf'

let machine: Machine
let k: Kernel
let base: ReturnType<typeof memoryUse>[]

function boot(options: TestOptions = {}): void {
  machine = testMachine({ model: 'igb', link: { rateBps: 1e9 }, workload: { startNs: -1 }, ...options })
  k = machine.kernels[0]
  base = machine.kernels.map(memoryUse)
}
const counters = (): { [name: string]: number } => {
  const row = new Float64Array(counterDeclarations.length)
  readCounters(machine, row)
  return Object.fromEntries(counterDeclarations.map(({ name }, i) => [name, row[i]]))
}
const ifp = (): number => ifunit(k, 'igb0')
const set = (on: number, off = 0): number =>
  ifioctl(k, 'igb0', SIOCSIFCAP, { ifr_reqcap: (k.ifnet.if_capenable[ifp()] | on) & ~off })

beforeEach(() => boot())
// Whatever a test did: every byte right, nothing left behind.
afterEach(() => {
  expect(drainLoad(machine)).toBe(true)
  expect(machine.kernels.map((kernel, i) => leakCheck(kernel, base[i]))).toEqual([{}, {}])
  expect(machine.kernels[1].apps.client.stat.bytes_corrupt).toBe(0)
})

describe('capabilities of igb0 (if_em.c IGB_CAPS, iflib.c; kernel-mbuf-sendfile 8.6)', () => {
  it('a fresh port – options e527bb, capabilities e53fbb, no NOMAP among the names', () => {
    expect((k.ifnet.if_capenable[ifp()] >>> 0).toString(16)).toBe('e527bb')
    expect((k.ifnet.if_capabilities[ifp()] >>> 0).toString(16)).toBe('e53fbb')
    const names = capabilityTable.filter(({ bit }) => (k.ifnet.if_capenable[ifp()] & bit) !== 0)
    expect(
      names
        .map(({ printed }) => printed)
        .filter((name) => name !== '')
        .join(','),
    ).toBe(
      'RXCSUM,TXCSUM,VLAN_MTU,VLAN_HWTAGGING,JUMBO_MTU,VLAN_HWCSUM,TSO4,TSO6,LRO,WOL_MAGIC,VLAN_HWFILTER,VLAN_HWTSO,RXCSUM_IPV6,TXCSUM_IPV6',
    )
  })

  it('kernel-mbuf-sendfile 10.2 row 22, SIOCSIFCAP with NOMAP – EINVAL, nothing changes, the link stays up', () => {
    expect(set(IFCAP_NOMAP)).toBe(EINVAL)
    expect((k.ifnet.if_capenable[ifp()] >>> 0).toString(16)).toBe('e527bb')
    expect(k.ifnet.if_link_state[ifp()]).toBe(2)
  })

  it('TSO limits – 65535 bytes, 40 − 3 segments of at most 4096; the IPv4 header checksum is left to the stack', () => {
    const t = k.ifnet
    expect([t.if_hw_tsomax[ifp()], t.if_hw_tsomaxsegcount[ifp()], t.if_hw_tsomaxsegsize[ifp()]]).toEqual([
      65535, 37, 4096,
    ])
    expect(t.if_hwassist[ifp()] & CSUM_IP).toBe(0)
    expect(t.if_hwassist[ifp()] & CSUM_IP_TCP).toBe(CSUM_IP_TCP)
  })

  it('-txcsum – the card restarts and TSO stays (no tie between the two); ways to be woken change without a restart', () => {
    expect(set(IFCAP_WOL_UCAST)).toBe(0)
    expect(k.ifnet.if_link_state[ifp()]).toBe(2)
    machine.runUntil(1000)
    expect(set(0, IFCAP_TXCSUM)).toBe(0)
    expect(k.ifnet.if_hwassist[ifp()] & CSUM_IP_TCP).toBe(0)
    expect(k.ifnet.if_hwassist[ifp()] & CSUM_TSO).toBe(CSUM_TSO)
    expect(k.ifnet.if_capenable[ifp()] & IFCAP_TSO4).toBe(IFCAP_TSO4)
    expect(k.msgbuf.lines.at(-1)).toBe('igb0: link state changed to DOWN')
    expect(if_transmit(k, ifp(), m_gethdr(k, 1, 1))).toBe(ENETDOWN)
    machine.runUntil(3e9)
    expect(k.msgbuf.lines.at(-1)).toBe('igb0: link state changed to UP')
  })

  it('a vlan on igb0 – has no NOMAP either', () => {
    expect(vlan_clone_create(k, 'vlan7')).toBe(0)
    expect(ifioctl(k, 'vlan7', SIOCSETVLAN, { vlr_parent: 'igb0', vlr_tag: 7 })).toBe(0)
    expect(k.ifnet.if_capabilities[ifunit(k, 'vlan7')] & IFCAP_NOMAP).toBe(0)
    expect(k.ifnet.if_hw_tsomaxsegcount[ifunit(k, 'vlan7')]).toBe(37)
  })

  it('media and MTU – autoselect (1000baseT full-duplex); up to 9216', () => {
    const ifr: Ifreq = {}
    expect(ifioctl(k, 'igb0', SIOCGIFMEDIA, ifr)).toBe(0)
    expect(ifr.ifm).toMatchObject({
      current: { subtype: 'autoselect' },
      active: { subtype: '1000baseT', options: ['full-duplex'] },
      carrier: true,
    })
    expect(ifioctl(k, 'igb0', SIOCSIFMTU, { ifr_mtu: 9216 })).toBe(0)
    expect(ifioctl(k, 'igb0', SIOCSIFMTU, { ifr_mtu: 9217 })).toBe(EINVAL)
  })
})

describe('sending from unmapped mbufs over igb0 (kernel-mbuf-sendfile 4.1, third row of the decision table)', () => {
  it('under load – as many conversions as unmapped mbufs sent, none reaches the driver, most bursts by TSO, every byte right', () => {
    boot({ workload: { startNs: 0 } })
    machine.runUntil(60e6)
    const c = counters()
    expect(c['server_unmapped_sent']).toBeGreaterThan(50)
    expect(c['server_conversions']).toBe(c['server_unmapped_sent'])
    expect(c['server_tso_bursts']).toBeGreaterThan(20)
    expect(c['server_immediate']).toBe(0)
    expect(c['server_interrupts']).toBeGreaterThan(10)
    // Never faster than one interrupt in 125 us for each of the two queue pairs.
    expect(c['server_interrupts']).toBeLessThanOrEqual(2 * (60e6 / 125_000 + 1))
    expect(c['client_bytes_verified']).toBeGreaterThan(5e6)
    // 1 Gb/s less headers.
    expect(c['client_bytes_verified']).toBeLessThan(7.2e6)
    expect(k.igb!.txq.mbuf_defrag_failed[1]).toBe(0)
  })

  it('a TSO burst – never more than 40 segments, none crosses 4096 bytes, one descriptor each and one for the context', () => {
    boot({ workload: { startNs: 0 }, connections: 1 })
    const reader = new SendPathReader(machine)
    let seen = 0
    for (let t = 1e6; t < 40e6; t += 1e6) {
      reader.read(null)
      machine.runUntil(t)
      const { burst } = reader.read(null)
      if (burst === null || burst.descriptors === 0) continue
      const b = machine.probe.bursts
      const row = machine.probe.newest()
      if (b.sg_total[row] === 0) continue
      seen++
      expect(b.sg_total[row]).toBeLessThanOrEqual(40)
      expect(b.wr_descriptors[row]).toBe(b.sg_total[row] + 1)
      for (let i = 0; i < b.sg_total[row]; i++) expect(b.sg_len[row * 48 + i]).toBeLessThanOrEqual(4096)
      expect(burst.ip.converted).toBe(burst.tcp.filter(({ kind }) => kind === 'extpgs').length)
      expect(burst.ip.chain.some(({ kind }) => kind === 'extpgs')).toBe(false)
    }
    expect(seen).toBeGreaterThan(3)
    const path = reader.read(null)
    expect(path.ring.interface).toBe('igb0')
    expect(path.ring.size).toBe(1024)
    expect(path.wire.media).toBe('1000baseT')
  })

  it('without LRO, TSO and checksums by the card, on loss – all bytes right, software sums them', () => {
    boot({
      workload: { startNs: 0 },
      link: { rateBps: 1e9, loss: 0.01 },
      capabilities: { lro: false, tso4: false, txcsum: false, rxcsum: false },
    })
    expect(k.ifnet.if_capenable[ifp()] & (IFCAP_LRO | IFCAP_TSO4 | IFCAP_TXCSUM)).toBe(0)
    machine.runUntil(80e6)
    const c = counters()
    expect(c['server_tso_bursts']).toBe(0)
    expect(c['server_retransmitted']).toBeGreaterThan(0)
    expect(k.inet.ipstat.lab_swcsum_packets).toBeGreaterThan(100)
    expect(c['server_conversions']).toBe(c['server_unmapped_sent'])
    expect(c['client_bytes_verified']).toBeGreaterThan(1e6)
  })

  it('restarted in the middle of the load by -lro – packets of the ring are lost, TCP sends them again, nothing leaks', () => {
    boot({ workload: { startNs: 0 } })
    machine.runUntil(20e6)
    expect(set(0, IFCAP_LRO)).toBe(0)
    expect(k.igb!.txq.in_use[1]).toBe(0)
    machine.runUntil(6e9)
    expect(counters()['server_retransmitted']).toBeGreaterThan(0)
    const before = counters()['client_bytes_verified']
    machine.runUntil(6.2e9)
    expect(counters()['client_bytes_verified']).toBeGreaterThan(before)
  })

  it('a snapshot in the middle – continues to the same digest on another machine', () => {
    boot({ workload: { startNs: 0 } })
    machine.runUntil(15e6)
    const other = testMachine({ model: 'igb', link: { rateBps: 1e9 }, workload: { startNs: 0 } })
    other.restore(machine.snapshot())
    machine.runUntil(25e6)
    other.runUntil(25e6)
    expect(other.digest()).toBe(machine.digest())
  })
})

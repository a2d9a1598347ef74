/** Real traffic through laggs of two hosts: which port carries what, what is converted, and that every byte arrives whatever the ports do. */
import { afterEach, describe, expect, it } from 'vitest'
import { drainLoad } from '../apps/apps'
import type { InterfaceConfig, LaggConfig, VlanConfig } from '../config'
import { leakCheck, memoryUse } from '../inspect/memoryUse'
import { testMachine } from '../inspect/testMachine'
import { m_gethdr } from '../kern/kern_mbuf'
import { Machine } from '../machine/machine'
import { EHOSTDOWN, ENETDOWN } from '../sys/errno'
import { MT_DATA } from '../sys/mbuf'
import { M_NOWAIT } from '../sys/param'
import { SIOCSETVLAN, SIOCSIFCAP, SIOCSIFFLAGS, SIOCSLAGGDELPORT, SIOCSLAGGOPTS, SIOCSLAGGPORT } from '../sys/sockio'
import { if_getcounter, if_transmit, IFCAP_NOMAP, IFCAP_VLAN_HWTAGGING, IFF_UP, ifioctl, ifunit } from './if'
import { ether_output } from './if_ethersubr'
import { lagg_clone_create } from './if_lagg'
import { vlan_clone_create, vlan_clone_destroy } from './if_vlan'

let machine: Machine
let base: ReturnType<typeof memoryUse>[]

interface Made {
  /** Card of the second port of the server; the client's are both T6. */
  second?: InterfaceConfig['model']
  protocol?: LaggConfig['protocol']
  vlan?: boolean
  connections?: number
}

function boot({ second = 't6', protocol = 'loadbalance', vlan = false, connections = 12 }: Made): void {
  const plain = testMachine({ link: { rateBps: 1e9 }, connections, fileBytes: 60_000 })
  const { config } = plain
  config.hosts.forEach((host, id) => {
    const ports: [string, InterfaceConfig['model']][] = [
      ['cc0', 't6'],
      id === 0 && second === 'igb' ? ['igb0', 'igb'] : ['cc1', 't6'],
    ]
    host.interfaces = ports.map(([name, model]) => ({
      name,
      model,
      cable: true,
      address: '',
      prefixLength: 24,
      mtu: 1500,
      capabilities: {},
    }))
    host.laggs = [
      { name: 'lagg0', protocol, ports: ports.map(([name]) => name), address: `192.0.2.${id + 1}`, prefixLength: 24 },
    ]
    const tagged: VlanConfig = {
      name: 'vlan10',
      parent: 'lagg0',
      tag: 10,
      address: `198.51.100.${id + 1}`,
      prefixLength: 24,
    }
    host.vlans = vlan ? [tagged] : []
  })
  config.workload.server = vlan ? '198.51.100.1' : '192.0.2.1'
  machine = new Machine(config, plain.disk)
  base = machine.kernels.map(memoryUse)
}
const verified = (): number => machine.kernels[1].apps.client.stat.bytes_verified
const packets = (host: number, port: string): number => {
  const k = machine.kernels[host]
  return if_getcounter(k, ifunit(k, port), 'if_opackets')
}
const flags = (host: number, name: string, up: boolean): number => {
  const k = machine.kernels[host]
  const old = k.ifnet.if_flags[ifunit(k, name)]
  return ifioctl(k, name, SIOCSIFFLAGS, { ifr_flags: up ? old | IFF_UP : old & ~IFF_UP })
}

// Whatever the ports did: every byte right, nothing left behind.
afterEach(() => {
  expect(machine.kernels[1].apps.client.stat.bytes_corrupt).toBe(0)
  expect(drainLoad(machine)).toBe(true)
  expect(machine.kernels.map((kernel, i) => leakCheck(kernel, base[i]))).toEqual([{}, {}])
})

describe('protocols', () => {
  it('failover – the primary port carries everything', () => {
    boot({ protocol: 'failover' })
    machine.runUntil(10e6)
    expect(verified()).toBeGreaterThan(400_000)
    expect([packets(0, 'cc1'), packets(1, 'cc1')]).toEqual([0, 0])
  })

  it('failover, the primary goes down on one host – both ends lose the carrier, the other port takes over; up again – it has everything again', () => {
    boot({ protocol: 'failover' })
    machine.runUntil(5e6)
    expect(flags(0, 'cc0', false)).toBe(0)
    const [k, peer] = machine.kernels
    expect(peer.msgbuf.lines.at(-1)).toBe('cc0: link state changed to DOWN')
    expect(k.ifnet.if_link_state[ifunit(k, 'lagg0')]).toBe(2)
    const before = verified()
    machine.runUntil(400e6)
    expect(verified() - before).toBeGreaterThan(1e6)
    expect(packets(0, 'cc1')).toBeGreaterThan(500)
    expect(flags(0, 'cc0', true)).toBe(0)
    const idle = packets(0, 'cc1')
    machine.runUntil(405e6)
    expect(packets(0, 'cc1')).toBe(idle)
  })

  it('failover – what comes in on the port that stands by is not taken, unless net.link.lagg.failover_rx_all says so', () => {
    boot({ protocol: 'failover' })
    const [k, peer] = machine.kernels
    // The client sends on its second port: the server waits on its first.
    peer.ifnet.lagg!.sc.sc_primary[1] = peer.ifnet.lagg!.port.lp_entries[1]!
    machine.runUntil(5e6)
    expect(packets(1, 'cc1')).toBeGreaterThan(0)
    expect(verified()).toBe(0)
    k.sysctl.write('net.link.lagg.failover_rx_all', 1)
    peer.sysctl.write('net.link.lagg.failover_rx_all', 1)
    machine.runUntil(2.2e9)
    expect(verified()).toBeGreaterThan(1e6)
  })

  it('loadbalance – both ports carry, each connection stays on one: nothing is overtaken, though one card is slower', () => {
    boot({ protocol: 'loadbalance', second: 'igb' })
    machine.runUntil(20e6)
    expect(verified()).toBeGreaterThan(2e6)
    expect(Math.min(packets(0, 'cc0'), packets(0, 'igb0'))).toBeGreaterThan(100)
    expect(machine.kernels[1].inet.tcpstat.tcps_rcvoopack).toBe(0)
  })

  it('loadbalance by flow number – the upper half of it decides (flowid_shift 16)', () => {
    boot({ protocol: 'loadbalance' })
    const [k] = machine.kernels
    expect(ifioctl(k, 'lagg0', SIOCSLAGGOPTS, { ro_opts: 1 })).toBe(0)
    machine.runUntil(20e6)
    const { inp } = k.inet
    const expected = [0, 0]
    for (let row = 1; row < inp.high; row++)
      if (inp.inp_flowtype[row] !== 0) expected[(inp.inp_flowid[row] >>> 16) % 2]++
    expect([packets(0, 'cc0') > 100, packets(0, 'cc1') > 100]).toEqual(expected.map((flows) => flows > 0))
    expect(verified()).toBeGreaterThan(1e6)
  })

  it('roundrobin over a fast and a slow card – bursts take turns, so they overtake each other and TCP sorts them', () => {
    boot({ protocol: 'roundrobin', second: 'igb' })
    machine.runUntil(40e6)
    expect(verified()).toBeGreaterThan(1e6)
    expect(Math.min(packets(0, 'cc0'), packets(0, 'igb0'))).toBeGreaterThan(100)
    expect(machine.kernels[1].inet.tcpstat.tcps_rcvoopack).toBeGreaterThan(0)
  })

  it('roundrobin with a limit of 3 – three packets for one port, then three for the next', () => {
    boot({ protocol: 'roundrobin', connections: 0 })
    const [k] = machine.kernels
    expect(ifioctl(k, 'lagg0', SIOCSLAGGOPTS, { ro_bkt: 3 })).toBe(0)
    const turns: string[] = []
    machine.link.observer = (end) => void turns.push(end === 0 ? 'cc0' : 'cc1')
    for (let n = 0; n < 9; n++) {
      const m = m_gethdr(k, M_NOWAIT, MT_DATA)
      k.mb.m_len[m] = 60
      k.mb.ph_len[m] = 60
      expect(if_transmit(k, ifunit(k, 'lagg0'), m)).toBe(0)
      machine.runUntil(machine.time + 1e6)
    }
    expect(turns.join(' ')).toBe('cc0 cc0 cc0 cc1 cc1 cc1 cc0 cc0 cc0')
  })

  it('broadcast – every packet goes out on both ports; TCP drops what comes twice', () => {
    boot({ protocol: 'broadcast', connections: 4 })
    machine.runUntil(20e6)
    expect(verified()).toBeGreaterThan(200_000)
    expect(packets(0, 'cc0')).toBe(packets(0, 'cc1'))
    expect(machine.kernels[1].inet.tcpstat.tcps_rcvduppack).toBeGreaterThan(0)
  })
})

describe('a lagg of a card with NOMAP and one without (10.2 row 20)', () => {
  it('under load – everything is converted on both ports; igb leaves and nomap is asked for – nothing is any more', () => {
    boot({ second: 'igb' })
    const [k] = machine.kernels
    machine.runUntil(20e6)
    expect(Math.min(packets(0, 'cc0'), packets(0, 'igb0'))).toBeGreaterThan(50)
    expect(k.mbstat.nomap_sent).toBeGreaterThan(20)
    expect(k.mbstat.conversions).toBe(k.mbstat.nomap_sent)
    expect(ifioctl(k, 'lagg0', SIOCSLAGGDELPORT, { rp_portname: 'igb0' })).toBe(0)
    // The client's second port has lost its other end: it sends on the first only.
    flags(0, 'igb0', false)
    const lagg = ifunit(k, 'lagg0')
    expect(ifioctl(k, 'lagg0', SIOCSIFCAP, { ifr_reqcap: k.ifnet.if_capenable[lagg] | IFCAP_NOMAP })).toBe(0)
    const before = { ...k.mbstat }
    machine.runUntil(500e6)
    expect(k.mbstat.nomap_sent - before.nomap_sent).toBeGreaterThan(100)
    expect(k.mbstat.conversions).toBe(before.conversions)
  })
})

describe('a vlan on a lagg', () => {
  it.each([
    ['by the cards', 0],
    ['in the frames', IFCAP_VLAN_HWTAGGING],
  ])('tags %s – every byte arrives through vlan10', (_how, off) => {
    boot({ vlan: true })
    const [k] = machine.kernels
    for (const kernel of machine.kernels)
      ifioctl(kernel, 'lagg0', SIOCSIFCAP, {
        ifr_reqcap: kernel.ifnet.if_capenable[ifunit(kernel, 'lagg0')] & ~off,
      })
    machine.runUntil(20e6)
    expect(verified()).toBeGreaterThan(1e6)
    expect(k.ifnet.if_ipackets[ifunit(k, 'vlan10')]).toBeGreaterThan(50)
    expect(Math.min(packets(0, 'cc0'), packets(0, 'cc1'))).toBeGreaterThan(20)
    // With tags in the frames checksums are software's, so everything is converted although NOMAP is on (10.2 row 19).
    expect(k.mbstat.conversions).toBe(off === 0 ? 0 : k.mbstat.nomap_sent)
  })
})

describe('a port', () => {
  it('asked to send for itself – ENETDOWN; once it has left it may, and finds no neighbour', () => {
    boot({ connections: 0 })
    const [k] = machine.kernels
    const send = (): number => ether_output(k, ifunit(k, 'cc1'), m_gethdr(k, M_NOWAIT, MT_DATA), 0x0a090909)
    expect(send()).toBe(ENETDOWN)
    ifioctl(k, 'lagg0', SIOCSLAGGDELPORT, { rp_portname: 'cc1' })
    expect(send()).toBe(EHOSTDOWN)
  })

  it('in use, then leaving – the counters of the lagg are the sum of what ports did while they were in it, and traffic goes on', () => {
    boot({ protocol: 'loadbalance' })
    machine.runUntil(10e6)
    const [k] = machine.kernels
    const lagg = ifunit(k, 'lagg0')
    const sent = packets(0, 'cc0') + packets(0, 'cc1')
    expect(if_getcounter(k, lagg, 'if_opackets')).toBe(sent)
    ifioctl(k, 'lagg0', SIOCSLAGGDELPORT, { rp_portname: 'cc1' })
    expect(if_getcounter(k, lagg, 'if_opackets')).toBe(sent)
    // The peer's port has no carrier any more, so it sends on the other one.
    flags(0, 'cc1', false)
    const before = verified()
    machine.runUntil(300e6)
    expect(verified() - before).toBeGreaterThan(1e6)
  })

  it('a vlan – can be one too; the lagg then needs no tag of its own', () => {
    boot({ connections: 0 })
    const [k] = machine.kernels
    vlan_clone_create(k, 'vlan7')
    lagg_clone_create(k, 'lagg1')
    ifioctl(k, 'lagg0', SIOCSLAGGDELPORT, { rp_portname: 'cc1' })
    expect(ifioctl(k, 'vlan7', SIOCSETVLAN, { vlr_parent: 'cc1', vlr_tag: 7 })).toBe(0)
    ifioctl(k, 'vlan7', SIOCSIFFLAGS, { ifr_flags: IFF_UP })
    expect(ifioctl(k, 'lagg1', SIOCSLAGGPORT, { rp_portname: 'vlan7' })).toBe(0)
    ifioctl(k, 'lagg1', SIOCSIFFLAGS, { ifr_flags: IFF_UP })
    const tags: number[] = []
    machine.link.observer = (_end, slot) => {
      const frame = machine.wire.frameBytes(slot, 0)
      tags.push((frame[12] << 8) | frame[13], (frame[14] << 8) | frame[15])
    }
    const m = m_gethdr(k, M_NOWAIT, MT_DATA)
    k.mb.m_len[m] = 60
    k.mb.ph_len[m] = 60
    expect(if_transmit(k, ifunit(k, 'lagg1'), m)).toBe(0)
    machine.runUntil(1e6)
    expect(tags).toEqual([0x8100, 7])
    // It goes away as a port: the lagg is left without.
    expect(vlan_clone_destroy(k, 'vlan7')).toBe(0)
    expect(k.ifnet.lagg!.sc.sc_count[2]).toBe(0)
  })
})

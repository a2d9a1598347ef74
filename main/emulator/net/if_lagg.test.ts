/** lagg(4): capabilities by intersection and push-down, what a port gives and gets back, MTU and addresses, errors. Traffic: if_lagg.traffic.test.ts. */
import { beforeEach, describe, expect, it } from 'vitest'
import type { InterfaceConfig } from '../config'
import { testMachine } from '../inspect/testMachine'
import type { Kernel } from '../kernel'
import { fnv_32_buf } from '../kern/uipc_mbufhash'
import { Machine } from '../machine/machine'
import { EBUSY, EEXIST, EINVAL, ENOENT, ENXIO, EPERM, EPROTONOSUPPORT } from '../sys/errno'
import { CSUM_IP, CSUM_IP_TCP, CSUM_IP_TSO } from '../sys/mbuf'
import {
  SIOCGIFMTU,
  SIOCGLAGG,
  SIOCGLAGGPORT,
  SIOCSETVLAN,
  SIOCSIFCAP,
  SIOCSIFFLAGS,
  SIOCSIFMTU,
  SIOCSLAGG,
  SIOCSLAGGDELPORT,
  SIOCSLAGGOPTS,
  SIOCSLAGGPORT,
} from '../sys/sockio'
import {
  IFCAP_HWSTATS,
  IFCAP_LINKSTATE,
  IFCAP_LRO,
  IFCAP_NOMAP,
  IFCAP_TSO4,
  IFCAP_TXCSUM,
  IFCAP_VLAN_HWFILTER,
  IFF_UP,
  IFT_ETHER,
  IFT_IEEE8023ADLAG,
  ifioctl,
  type Ifreq,
  ifunit,
} from './if'
import { vlan_clone_create } from './if_vlan'
import { lagg_clone_create, lagg_clone_destroy } from './if_lagg'

/** A host with cc0, cc1, igb0 and igb1, all wired, none with an address. */
const base = testMachine({ workload: { startNs: -1 } })
function boot(): Machine {
  const { config } = base
  for (const host of config.hosts)
    host.interfaces = (['cc0', 'cc1', 'igb0', 'igb1'] as const).map((name): InterfaceConfig => ({
      name,
      model: name.startsWith('cc') ? 't6' : 'igb',
      cable: true,
      address: '',
      prefixLength: 24,
      mtu: 1500,
      capabilities: {},
    }))
  return new Machine(config, base.disk)
}

let machine: Machine
let k: Kernel
beforeEach(() => {
  machine = boot()
  k = machine.kernels[0]
  for (const kernel of machine.kernels)
    for (const name of ['cc0', 'cc1', 'igb0', 'igb1']) ifioctl(kernel, name, SIOCSIFFLAGS, { ifr_flags: IFF_UP })
  expect(lagg_clone_create(k, 'lagg0')).toBe(0)
})
const on = (name: string): number => k.ifnet.if_capenable[ifunit(k, name)]
const can = (name: string): number => k.ifnet.if_capabilities[ifunit(k, name)]
const change = (name: string, set: number, clear = 0): number =>
  ifioctl(k, name, SIOCSIFCAP, { ifr_reqcap: ((on(name) | set) & ~clear & can(name)) >>> 0 })
const add = (port: string, lagg = 'lagg0'): number => ifioctl(k, lagg, SIOCSLAGGPORT, { rp_portname: port })
const remove = (port: string, lagg = 'lagg0'): number => ifioctl(k, lagg, SIOCSLAGGDELPORT, { rp_portname: port })
const lladdr = (name: string): string =>
  Buffer.from(k.ifnet.if_lladdr.slice(ifunit(k, name) * 6, ifunit(k, name) * 6 + 6)).toString('hex')
const limits = (name: string): number[] => {
  const ifp = ifunit(k, name)
  return [k.ifnet.if_hw_tsomax[ifp], k.ifnet.if_hw_tsomaxsegcount[ifp], k.ifnet.if_hw_tsomaxsegsize[ifp]]
}

describe('capabilities (kernel-mbuf-sendfile 8.5)', () => {
  it('"intersection of all ports’ enabled sets, pushed back to each port" – cc0 and igb0 – both are brought down to what both have', () => {
    expect([add('cc0'), add('igb0')]).toEqual([0, 0])
    expect(on('lagg0').toString(16)).toBe((0x6ec07bb & 0xe527bb).toString(16))
    // LINKSTATE has no toggle in cxgbe's SIOCSIFCAP: it stays on in the port, and off in the lagg.
    expect(on('cc0')).toBe(on('lagg0') | IFCAP_LINKSTATE)
    expect(on('igb0')).toBe(on('lagg0'))
    expect(on('igb0') & IFCAP_VLAN_HWFILTER).toBe(0)
  })

  it('"capabilities and hwassist = intersection" – the sum of the IPv4 header, which igb cannot, is left to the stack', () => {
    add('cc0')
    add('igb0')
    expect(can('lagg0')).toBe(can('cc0') & can('igb0'))
    const hwassist = k.ifnet.if_hwassist[ifunit(k, 'lagg0')]
    expect(hwassist & (CSUM_IP | CSUM_IP_TCP | CSUM_IP_TSO)).toBe(CSUM_IP_TCP | CSUM_IP_TSO)
  })

  it('"NOMAP is inherited when all ports have it on" – two T6 ports – on; with an igb port – off everywhere', () => {
    add('cc0')
    add('cc1')
    expect(on('lagg0') & IFCAP_NOMAP).toBe(IFCAP_NOMAP)
    add('igb0')
    for (const name of ['lagg0', 'cc0', 'cc1']) expect(on(name) & IFCAP_NOMAP, name).toBe(0)
    expect(can('lagg0') & IFCAP_NOMAP).toBe(0)
  })

  it('"empty lagg: nothing" – before the first port only HWSTATS, after the last one nothing at all', () => {
    expect([on('lagg0'), can('lagg0')]).toEqual([IFCAP_HWSTATS, IFCAP_HWSTATS])
    add('cc0')
    remove('cc0')
    expect([on('lagg0'), can('lagg0'), k.ifnet.if_hwassist[ifunit(k, 'lagg0')]]).toEqual([0, 0, 0])
  })

  it('10.2 row 20: the capable port loses NOMAP and regains it on leaving; the lagg, left with capable ports only, can have it again', () => {
    add('cc0')
    add('cc1')
    add('igb0')
    remove('cc1')
    expect(on('cc1').toString(16)).toBe('6ec07bb')
    expect(on('lagg0') & IFCAP_NOMAP).toBe(0)
    remove('igb0')
    expect(on('igb0').toString(16)).toBe('e527bb')
    // What was pushed off in cc0 stays off until somebody asks.
    expect([on('cc0') & IFCAP_NOMAP, on('lagg0') & IFCAP_NOMAP]).toEqual([0, 0])
    expect(can('lagg0') & IFCAP_NOMAP).toBe(IFCAP_NOMAP)
    expect(change('lagg0', IFCAP_NOMAP)).toBe(0)
    expect([on('cc0') & IFCAP_NOMAP, on('lagg0') & IFCAP_NOMAP]).toEqual([IFCAP_NOMAP, IFCAP_NOMAP])
  })

  it('"a port’s ioctl triggers recomputation" – -nomap on one port – takes it from the lagg and the other port; nomap there – does not bring it back to both', () => {
    add('cc0')
    add('cc1')
    expect(change('cc1', 0, IFCAP_NOMAP)).toBe(0)
    for (const name of ['lagg0', 'cc0', 'cc1']) expect(on(name) & IFCAP_NOMAP, name).toBe(0)
    // Switched on in one port alone it is pushed off again at once, and nobody says so.
    expect(change('cc1', IFCAP_NOMAP)).toBe(0)
    for (const name of ['lagg0', 'cc0', 'cc1']) expect(on(name) & IFCAP_NOMAP, name).toBe(0)
    expect(change('lagg0', IFCAP_NOMAP)).toBe(0)
    for (const name of ['lagg0', 'cc0', 'cc1']) expect(on(name) & IFCAP_NOMAP, name).toBe(IFCAP_NOMAP)
  })

  it('SIOCSIFCAP on the lagg – goes to every port; a bit that it does not support – EINVAL before any port is asked (8.2)', () => {
    add('cc0')
    add('igb0')
    expect(change('lagg0', 0, IFCAP_LRO)).toBe(0)
    for (const name of ['lagg0', 'cc0', 'igb0']) expect(on(name) & IFCAP_LRO, name).toBe(0)
    expect(ifioctl(k, 'lagg0', SIOCSIFCAP, { ifr_reqcap: on('lagg0') | IFCAP_NOMAP })).toBe(EINVAL)
    expect(ifioctl(k, 'lagg0', SIOCSIFCAP, { ifr_reqcap: 0 }, false)).toBe(EPERM)
  })

  it('"iteratively until stable" – -txcsum on the lagg – cxgbe takes TSO4 along, so the other port and the lagg lose it too', () => {
    add('cc0')
    add('igb0')
    expect(on('igb0') & IFCAP_TSO4).toBe(IFCAP_TSO4)
    expect(change('lagg0', 0, IFCAP_TXCSUM)).toBe(0)
    for (const name of ['lagg0', 'cc0', 'igb0']) expect(on(name) & (IFCAP_TXCSUM | IFCAP_TSO4), name).toBe(0)
    expect(k.ifnet.if_hwassist[ifunit(k, 'lagg0')] & (CSUM_IP_TCP | CSUM_IP_TSO)).toBe(0)
  })

  it('TSO limits – are looked at only when nothing else changed: defaults with unlike ports, the ports’ own with like ones', () => {
    expect(limits('lagg0')).toEqual([65518, 35, 2048])
    add('cc0')
    expect(limits('lagg0')).toEqual([65518, 35, 2048])
    add('cc1')
    expect(limits('lagg0')).toEqual([65535, 38, 65536])
    add('igb0')
    expect(limits('lagg0')).toEqual([65535, 38, 65536])
    // The second card of the kind changes nothing else: now the tightest of each.
    add('igb1')
    expect(limits('lagg0')).toEqual([65535, 37, 4096])
  })

  it('a vlan on a lagg – follows every change below: a port that comes, one that leaves, a capability of a port', () => {
    add('cc0')
    add('cc1')
    vlan_clone_create(k, 'vlan10')
    expect(ifioctl(k, 'vlan10', SIOCSETVLAN, { vlr_parent: 'lagg0', vlr_tag: 10 })).toBe(0)
    expect(on('vlan10') & (IFCAP_NOMAP | IFCAP_TSO4)).toBe(IFCAP_NOMAP | IFCAP_TSO4)
    expect(limits('vlan10')).toEqual(limits('lagg0'))
    change('cc1', 0, IFCAP_TSO4)
    expect(on('vlan10') & IFCAP_TSO4).toBe(0)
    add('igb0')
    expect([on('vlan10') & IFCAP_NOMAP, can('vlan10') & IFCAP_NOMAP]).toEqual([0, 0])
    remove('igb0')
    change('lagg0', IFCAP_NOMAP)
    expect(on('vlan10') & IFCAP_NOMAP).toBe(IFCAP_NOMAP)
    expect(lagg_clone_destroy(k, 'lagg0')).toBe(0)
    expect(k.ifnet.vlan.parent[1]).toBe(0)
    expect(on('vlan10')).toBe(0)
  })
})

describe('ports', () => {
  it('the first port – gives MTU and address, the others take them; leaving gives each its own back', () => {
    ifioctl(k, 'cc0', SIOCSIFMTU, { ifr_mtu: 9000 })
    add('cc0')
    add('igb0')
    const mtu = (name: string): number => {
      const ifr: Ifreq = {}
      ifioctl(k, name, SIOCGIFMTU, ifr)
      return ifr.ifr_mtu!
    }
    expect(['lagg0', 'cc0', 'igb0'].map(mtu)).toEqual([9000, 9000, 9000])
    expect(['lagg0', 'cc0', 'igb0'].map(lladdr)).toEqual(Array(3).fill('000743000001'))
    expect(k.ifnet.if_type[ifunit(k, 'igb0')]).toBe(IFT_IEEE8023ADLAG)
    // The primary goes: the lagg and whoever stays take the address of the next.
    remove('cc0')
    expect(['lagg0', 'cc0', 'igb0'].map(lladdr)).toEqual(['a0369f000001', '000743000001', 'a0369f000001'])
    expect(k.ifnet.if_type[ifunit(k, 'cc0')]).toBe(IFT_ETHER)
    remove('igb0')
    expect(lladdr('lagg0')).toBe('000000000000')
  })

  it('MTU – of a port EINVAL; of the lagg for all ports, or for none if one refuses', () => {
    add('cc0')
    add('igb0')
    expect(ifioctl(k, 'cc0', SIOCSIFMTU, { ifr_mtu: 1400 })).toBe(EINVAL)
    expect(ifioctl(k, 'lagg0', SIOCSIFMTU, { ifr_mtu: 9216 })).toBe(0)
    expect(k.ifnet.if_mtu[ifunit(k, 'igb0')]).toBe(9216)
    // 9600 is too long for igb.
    expect(ifioctl(k, 'lagg0', SIOCSIFMTU, { ifr_mtu: 9600 })).toBe(EINVAL)
    for (const name of ['lagg0', 'cc0', 'igb0']) expect(k.ifnet.if_mtu[ifunit(k, name)], name).toBe(9216)
    expect(k.msgbuf.lines.at(-1)).toBe(
      'lagg0: failed to change MTU to 9600 on port igb0, reverting all ports to original MTU (9216)',
    )
    // A port that cannot have the MTU of the lagg does not come in.
    remove('igb0')
    ifioctl(k, 'lagg0', SIOCSIFMTU, { ifr_mtu: 9600 })
    expect(add('igb0')).toBe(EINVAL)
    expect(k.msgbuf.lines.at(-1)).toBe('lagg0: invalid MTU for igb0')
  })

  it('errors – in the kernel’s order', () => {
    lagg_clone_create(k, 'lagg1')
    expect(add('cc9')).toBe(EINVAL)
    expect(add('lagg0')).toBe(EINVAL)
    expect(add('lagg1')).toBe(EINVAL)
    expect(add('lo0')).toBe(EPROTONOSUPPORT)
    expect(add('cc0')).toBe(0)
    expect(add('cc0')).toBe(EEXIST)
    expect(add('cc0', 'lagg1')).toBe(EBUSY)
    expect(remove('cc0', 'lagg1')).toBe(ENOENT)
    expect(remove('cc9')).toBe(EINVAL)
    expect(ifioctl(k, 'lagg0', SIOCSLAGGPORT, { rp_portname: 'cc1' }, false)).toBe(EPERM)
    expect(ifioctl(k, 'lagg0', SIOCSLAGG, { ra_proto: 6 })).toBe(EPROTONOSUPPORT)
    expect(ifioctl(k, 'lagg0', SIOCSLAGG, { ra_proto: 4 })).toBe(EPROTONOSUPPORT)
    expect(ifioctl(k, 'cc1', SIOCGLAGG, {})).toBe(EINVAL)
    expect(ifioctl(k, 'lagg0', SIOCSLAGGOPTS, { ro_opts: 0x10 })).toBe(EINVAL)
    expect(lagg_clone_create(k, 'lagg1')).toBe(EEXIST)
    expect(lagg_clone_create(k, 'lag0')).toBe(EINVAL)
    expect(lagg_clone_create(k, 'lagg2', false)).toBe(EPERM)
    expect(lagg_clone_destroy(k, 'lagg7')).toBe(ENXIO)
    expect(lagg_clone_destroy(k, 'cc0')).toBe(EINVAL)
    const ifr: Ifreq = { rp_portname: 'cc0' }
    expect(ifioctl(k, 'cc0', SIOCGLAGGPORT, ifr)).toBe(0)
    expect(ifr.rp_flags).toBe(5)
  })

  it('ports – are listed by interface number whatever order they came in; the first to come is MASTER', () => {
    for (const port of ['igb0', 'cc1', 'cc0']) add(port)
    const ifr: Ifreq = {}
    ifioctl(k, 'lagg0', SIOCGLAGG, ifr)
    expect(ifr.ra_port).toMatchObject([
      { rp_portname: 'cc0', rp_flags: 0 },
      { rp_portname: 'cc1', rp_flags: 0 },
      { rp_portname: 'igb0', rp_flags: 5 },
    ])
  })

  it('destroy – gives every port its own back and leaves no row', () => {
    for (const port of ['cc0', 'cc1', 'igb0']) add(port)
    const before = k.ifnet.live
    expect(lagg_clone_destroy(k, 'lagg0')).toBe(0)
    expect(['cc0', 'cc1', 'igb0'].map(lladdr)).toEqual(['000743000001', '000743000002', 'a0369f000001'])
    expect(['cc0', 'cc1', 'igb0'].map((name) => on(name).toString(16))).toEqual(['6ec07bb', '6ec07bb', 'e527bb'])
    const { lagg } = k.ifnet
    expect([lagg!.sc.live, lagg!.port.live, before - k.ifnet.live]).toEqual([0, 0, 1])
  })
})

describe('the module', () => {
  it('net.link.lagg – is not there before the first lagg, then has its defaults; new laggs take them', () => {
    const fresh = boot().kernels[0]
    expect(fresh.sysctl.find('net.link.lagg.default_flowid_shift')).toBeUndefined()
    expect(fresh.sysctl.childrenOf('net.link').map((oid) => oid.label)).not.toContain('lagg')
    lagg_clone_create(fresh, 'lagg0')
    expect(fresh.sysctl.list('net.link.lagg').map((oid) => [oid.label, fresh.sysctl.read(oid)])).toEqual([
      ['failover_rx_all', 0],
      ['default_use_flowid', 0],
      ['default_use_numa', 1],
      ['default_flowid_shift', 16],
    ])
    expect(fresh.sysctl.write('net.link.lagg.default_use_flowid', 1)).toBe(0)
    lagg_clone_create(fresh, 'lagg1')
    expect([...fresh.ifnet.lagg!.sc.sc_opts.subarray(1, 3)]).toEqual([4, 5])
  })

  it('a lagg made while the machine runs – restored on another machine – is there, and the digest is the same; without one it is out of the digest', () => {
    add('cc0')
    add('igb0')
    const other = boot()
    const untouched = other.digest()
    const snapshot = other.snapshot()
    other.restore(machine.snapshot())
    expect(other.digest()).toBe(machine.digest())
    expect(ifunit(other.kernels[0], 'lagg0')).toBe(ifunit(k, 'lagg0'))
    other.runUntil(3e9)
    machine.runUntil(3e9)
    expect(other.digest()).toBe(machine.digest())
    other.restore(snapshot)
    expect(other.digest()).toBe(untouched)
  })

  it('fnv_32_buf – known answers of FNV-1', () => {
    const hash = (text: string): number => fnv_32_buf(Buffer.from(text), 0, text.length, 0x811c9dc5)
    expect([hash('a'), hash('foobar')]).toEqual([0x050c5d7e, 0x31f0b262])
  })
})

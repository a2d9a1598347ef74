import { beforeEach, describe, expect, it } from 'vitest'
import { mappedPacket, mbufsInUse, Rig, tcpHeaders } from '../dev/cxgbe/testRig'
import type { Kernel } from '../kernel'
import { EBUSY, EEXIST, EINVAL, ENETDOWN, ENXIO, EPERM } from '../sys/errno'
import { CSUM_IP, CSUM_IP_TCP } from '../sys/mbuf'
import { SIOCGETVLAN, SIOCGIFMEDIA, SIOCSETVLAN, SIOCSIFCAP, SIOCSIFFLAGS, SIOCSIFMTU } from '../sys/sockio'
import { get16 } from '../netinet/in'
import {
  if_transmit,
  IFCAP_LRO,
  IFCAP_NOMAP,
  IFCAP_TSO4,
  IFCAP_TXCSUM,
  IFCAP_VLAN_HWTAGGING,
  IFF_UP,
  ifioctl,
  type Ifreq,
  ifunit,
  interfaces,
} from './if'
import { vlan_clone_create, vlan_clone_destroy, vlan_lookup, vlanInfo } from './if_vlan'

let rig: Rig
let k: Kernel
let v: number
beforeEach(() => {
  rig = new Rig()
  k = rig.k
  expect(vlan_clone_create(k, 'vlan10')).toBe(0)
  expect(ifioctl(k, 'vlan10', SIOCSETVLAN, { vlr_parent: 'cc0', vlr_tag: 10 })).toBe(0)
  v = ifunit(k, 'vlan10')
})
const on = (ifp: number): number => k.ifnet.if_capenable[ifp]
const change = (name: string, set: number, clear = 0): number => {
  const ifp = ifunit(k, name)
  return ifioctl(k, name, SIOCSIFCAP, { ifr_reqcap: (on(ifp) | set) & ~clear & k.ifnet.if_capabilities[ifp] })
}

describe('inheritance (kernel-mbuf-sendfile 8.4)', () => {
  it('console-tools 1.2, a vlan on cc0 – options 4680703 and the parent’s address, MTU and media', () => {
    expect(on(v).toString(16)).toBe('4680703')
    expect([...k.ifnet.if_lladdr.subarray(v * 6, v * 6 + 6)]).toEqual([0, 7, 0x43, 0, 0, 1])
    expect(k.ifnet.if_mtu[v]).toBe(1500)
    expect(vlanInfo(k, v)).toEqual({ parent: ifunit(k, 'cc0'), tag: 10 })
    const ifr: Ifreq = {}
    expect(ifioctl(k, 'vlan10', SIOCGETVLAN, ifr)).toBe(0)
    expect(ifr).toMatchObject({ vlr_parent: 'cc0', vlr_tag: 10 })
  })

  it('-nomap on the parent – leaves every vlan at once; nomap – brings it back where it was not switched off there', () => {
    vlan_clone_create(k, 'vlan20')
    ifioctl(k, 'vlan20', SIOCSETVLAN, { vlr_parent: 'cc0', vlr_tag: 20 })
    const other = ifunit(k, 'vlan20')
    change('vlan20', 0, IFCAP_NOMAP)
    expect(on(other) & IFCAP_NOMAP).toBe(0)
    change('cc0', 0, IFCAP_NOMAP)
    expect(on(v) & IFCAP_NOMAP).toBe(0)
    change('cc0', IFCAP_NOMAP)
    expect(on(v) & IFCAP_NOMAP).toBe(IFCAP_NOMAP)
    expect(on(other) & IFCAP_NOMAP).toBe(0)
    change('vlan20', IFCAP_NOMAP)
    expect(on(other) & IFCAP_NOMAP).toBe(IFCAP_NOMAP)
  })

  it('nomap on a vlan whose parent has it off – is remembered but not on', () => {
    change('cc0', 0, IFCAP_NOMAP)
    expect(change('vlan10', IFCAP_NOMAP)).toBe(0)
    expect(on(v) & IFCAP_NOMAP).toBe(0)
    change('cc0', IFCAP_NOMAP)
    expect(on(v) & IFCAP_NOMAP).toBe(IFCAP_NOMAP)
  })

  it('-vlanhwtag on the parent – takes the checksums, not TSO and not NOMAP', () => {
    change('cc0', 0, IFCAP_VLAN_HWTAGGING)
    expect(on(v) & IFCAP_TXCSUM).toBe(0)
    expect(on(v) & IFCAP_TSO4).toBe(IFCAP_TSO4)
    expect(on(v) & IFCAP_NOMAP).toBe(IFCAP_NOMAP)
    expect(k.ifnet.if_hwassist[v] & (CSUM_IP | CSUM_IP_TCP)).toBe(0)
  })

  it('-lro on the vlan – has no effect: LRO follows the parent whatever the vlan wants', () => {
    change('vlan10', 0, IFCAP_LRO)
    expect(on(v) & IFCAP_LRO).toBe(IFCAP_LRO)
    change('cc0', 0, IFCAP_LRO)
    expect(on(v) & IFCAP_LRO).toBe(0)
  })

  it('TSO limits – are the parent’s', () => {
    expect([k.ifnet.if_hw_tsomax[v], k.ifnet.if_hw_tsomaxsegcount[v]]).toEqual([65535, 38])
  })
})

describe('configuration', () => {
  it('tag and parent – are checked: 1 … 4094, existing parent, not twice, not the same tag twice', () => {
    vlan_clone_create(k, 'vlan1')
    const set = (parent: string, tag: number): number =>
      ifioctl(k, 'vlan1', SIOCSETVLAN, { vlr_parent: parent, vlr_tag: tag })
    expect(set('cc0', 0)).toBe(EINVAL)
    expect(set('cc0', 4095)).toBe(EINVAL)
    expect(set('cc7', 5)).toBe(ENXIO)
    expect(set('cc0', 10)).toBe(EEXIST)
    expect(set('cc0', 4094)).toBe(0)
    expect(set('cc0', 5)).toBe(EBUSY)
  })

  it('create and destroy – refuse what is there, what is no vlan, and who is not root', () => {
    expect(vlan_clone_create(k, 'vlan10')).toBe(EEXIST)
    expect(vlan_clone_create(k, 'wlan0')).toBe(EINVAL)
    expect(vlan_clone_create(k, 'vlan11', false)).toBe(EPERM)
    expect(vlan_clone_destroy(k, 'cc0')).toBe(EINVAL)
    expect(vlan_clone_destroy(k, 'vlan99')).toBe(ENXIO)
    expect(vlan_clone_destroy(k, 'vlan10')).toBe(0)
    expect(interfaces(k)).toEqual([ifunit(k, 'cc0')])
    expect(k.ifnet.vlan.live).toBe(0)
  })

  it('media – are the parent’s; without parent there are none (EINVAL)', () => {
    const ifr: Ifreq = {}
    expect(ifioctl(k, 'vlan10', SIOCGIFMEDIA, ifr)).toBe(0)
    expect(ifr.ifm!.active.subtype).toBe('100GBase-CR4')
    vlan_clone_create(k, 'vlan4')
    expect(ifioctl(k, 'vlan4', SIOCGIFMEDIA, {})).toBe(EINVAL)
  })

  it('without parent – flags 8002, no capabilities; MTU follows the parent’s limit', () => {
    vlan_clone_create(k, 'vlan3')
    const bare = ifunit(k, 'vlan3')
    expect(k.ifnet.if_flags[bare].toString(16)).toBe('8002')
    expect(on(bare)).toBe(0)
    expect(ifioctl(k, 'vlan10', SIOCSIFMTU, { ifr_mtu: 1501 })).toBe(EINVAL)
    ifioctl(k, 'cc0', SIOCSIFMTU, { ifr_mtu: 9000 })
    expect(ifioctl(k, 'vlan10', SIOCSIFMTU, { ifr_mtu: 9000 })).toBe(0)
  })
})

describe('sending', () => {
  const frames: Uint8Array[] = []
  beforeEach(() => {
    frames.length = 0
    ifioctl(k, 'vlan10', SIOCSIFFLAGS, { ifr_flags: IFF_UP })
    rig.machine.link.attach(1, (slot) => {
      frames.push(rig.machine.wire.frameBytes(slot, 0))
      rig.machine.wire.free(slot)
    })
  })

  it.each([
    ['by the card', 0],
    ['in software', IFCAP_VLAN_HWTAGGING],
  ])('a packet on the vlan – leaves the parent with its tag, inserted %s', (_how, off) => {
    change('cc0', 0, off)
    const bytes = tcpHeaders(0)
    const m = mappedPacket(k, bytes)
    expect(if_transmit(k, v, m)).toBe(0)
    rig.run()
    expect(get16(frames[0], 12)).toBe(0x8100)
    expect(get16(frames[0], 14)).toBe(10)
    expect([...frames[0].subarray(0, 12), ...frames[0].subarray(16)]).toEqual([...bytes])
    expect(k.cxgbe.txq.vlan_insertion[1]).toBe(off === 0 ? 1 : 0)
    expect(k.ifnet.if_opackets[v]).toBe(1)
    expect(mbufsInUse(k)).toBe(0)
  })

  it('parent down – ENETDOWN, the packet is freed and counted', () => {
    ifioctl(k, 'cc0', SIOCSIFFLAGS, { ifr_flags: 0 })
    expect(if_transmit(k, v, mappedPacket(k, tcpHeaders(0)))).toBe(ENETDOWN)
    expect(k.ifnet.if_oerrors[v]).toBe(1)
    expect(mbufsInUse(k)).toBe(0)
  })

  it('a tag – vlan_lookup – finds the interface of that parent only', () => {
    expect(vlan_lookup(k, ifunit(k, 'cc0'), 10)).toBe(v)
    expect(vlan_lookup(k, ifunit(k, 'cc0'), 11)).toBe(0)
    expect(vlan_lookup(k, v, 10)).toBe(0)
  })
})

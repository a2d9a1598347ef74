import { beforeEach, describe, expect, it } from 'vitest'
import { mappedPacket, mbufsInUse, Rig, tcpHeaders } from '../dev/cxgbe/testRig'
import type { Kernel } from '../kernel'
import { EBUSY, EEXIST, EINVAL, ENETDOWN, ENXIO, EPERM, EPROTONOSUPPORT } from '../sys/errno'
import {
  CSUM_IP,
  CSUM_IP6_SCTP,
  CSUM_IP6_TCP,
  CSUM_IP6_UDP,
  CSUM_IP_SCTP,
  CSUM_IP_TCP,
  CSUM_IP_UDP,
  CSUM_TSO,
} from '../sys/mbuf'
import { SIOCGETVLAN, SIOCGIFMEDIA, SIOCSETVLAN, SIOCSIFCAP, SIOCSIFFLAGS, SIOCSIFMTU } from '../sys/sockio'
import { get16 } from '../netinet/in'
import {
  if_attach,
  if_transmit,
  IFCAP_HWCSUM,
  IFCAP_HWCSUM_IPV6,
  IFCAP_LINKSTATE,
  IFCAP_LRO,
  IFCAP_NOMAP,
  IFCAP_RXCSUM_IPV6,
  IFCAP_TOE,
  IFCAP_TSO,
  IFCAP_TSO4,
  IFCAP_TXCSUM,
  IFCAP_TXCSUM_IPV6,
  IFCAP_TXRTLMT,
  IFCAP_VLAN_HWCSUM,
  IFCAP_VLAN_HWTAGGING,
  IFCAP_VLAN_HWTSO,
  IFF_UP,
  ifioctl,
  type Ifreq,
  ifunit,
  interfaces,
} from './if'
import { vlan_clone_create, vlan_clone_destroy, vlan_lookup, vlan_trunk_capabilities, vlanInfo } from './if_vlan'

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

describe('every row of 8.4, on a parent whose bits are set at will', () => {
  const HWCSUM = IFCAP_VLAN_HWCSUM
  const HWTAG = IFCAP_VLAN_HWTAGGING
  const HWTSO = IFCAP_VLAN_HWTSO
  const SUMS = IFCAP_HWCSUM | IFCAP_HWCSUM_IPV6
  const PLAIN = IFCAP_TOE | IFCAP_LINKSTATE | IFCAP_TXRTLMT | IFCAP_NOMAP
  /** Gives the parent capabilities, enabled ones and hwassist; what the vlan then has. */
  const derive = (
    cap: number,
    ena: number,
    wish = -1,
    assist = 0xffffffff,
  ): { cap: number; ena: number; hwa: number } => {
    const p = ifunit(k, 'cc0')
    k.ifnet.if_capabilities[p] = cap
    k.ifnet.if_capenable[p] = ena
    k.ifnet.if_hwassist[p] = assist
    k.ifnet.vlan.ifv_capenable[1] = wish
    vlan_trunk_capabilities(k, p)
    return { cap: k.ifnet.if_capabilities[v], ena: on(v), hwa: k.ifnet.if_hwassist[v] }
  }

  it('RXCSUM, TXCSUM and v6 – capable with VLAN_HWCSUM, on with VLAN_HWCSUM and VLAN_HWTAGGING; hwassist by family', () => {
    const all = SUMS | HWCSUM | HWTAG
    expect(derive(SUMS | HWTAG, 0).cap).toBe(0)
    expect(derive(all, 0).cap).toBe(SUMS)
    expect(derive(all, SUMS | HWCSUM).ena).toBe(0)
    expect(derive(all, SUMS | HWTAG).ena).toBe(0)
    expect(derive(all, all).ena).toBe(SUMS)
    expect(derive(all, all, ~IFCAP_RXCSUM_IPV6).ena).toBe(SUMS & ~IFCAP_RXCSUM_IPV6)
    const v4 = CSUM_IP | CSUM_IP_TCP | CSUM_IP_UDP | CSUM_IP_SCTP
    const v6 = CSUM_IP6_TCP | CSUM_IP6_UDP | CSUM_IP6_SCTP
    expect(derive(all, all).hwa).toBe((v4 | v6) >>> 0)
    expect(derive(all, all & ~IFCAP_TXCSUM_IPV6).hwa).toBe(v4)
    expect(derive(all, all & ~IFCAP_TXCSUM).hwa).toBe(v6)
    expect(derive(all, all, -1, CSUM_IP_TCP).hwa).toBe(CSUM_IP_TCP)
    expect(derive(all, all & ~HWTAG).hwa).toBe(0)
  })

  it('TSO4, TSO6 – capable with VLAN_HWTSO, on with VLAN_HWTSO; no VLAN_HWTAGGING needed; the limits come along', () => {
    expect(derive(IFCAP_TSO | HWTAG, IFCAP_TSO | HWTAG)).toMatchObject({ cap: 0, ena: 0, hwa: 0 })
    expect(derive(IFCAP_TSO | HWTSO, IFCAP_TSO)).toMatchObject({ cap: IFCAP_TSO, ena: 0, hwa: 0 })
    k.ifnet.if_hw_tsomaxsegcount[ifunit(k, 'cc0')] = 21
    expect(derive(IFCAP_TSO | HWTSO, IFCAP_TSO | HWTSO)).toEqual({ cap: IFCAP_TSO, ena: IFCAP_TSO, hwa: CSUM_TSO })
    expect(k.ifnet.if_hw_tsomaxsegcount[v]).toBe(21)
    expect(derive(IFCAP_TSO | HWTSO, IFCAP_TSO | HWTSO, ~IFCAP_TSO4).ena).toBe(IFCAP_TSO & ~IFCAP_TSO4)
  })

  it('LRO – capable and on with VLAN_HWCSUM; from what the parent has on, whatever the vlan wants', () => {
    expect(derive(IFCAP_LRO, IFCAP_LRO)).toMatchObject({ cap: 0, ena: 0 })
    expect(derive(IFCAP_LRO | HWCSUM, IFCAP_LRO)).toMatchObject({ cap: IFCAP_LRO, ena: 0 })
    expect(derive(IFCAP_LRO | HWCSUM, IFCAP_LRO | HWCSUM, 0).ena).toBe(IFCAP_LRO)
    expect(derive(IFCAP_LRO | HWCSUM, HWCSUM).ena).toBe(0)
  })

  it.each([
    ['TOE', IFCAP_TOE],
    ['LINKSTATE', IFCAP_LINKSTATE],
    ['TXRTLMT', IFCAP_TXRTLMT],
    ['NOMAP', IFCAP_NOMAP],
  ])('%s – the parent’s, without any other condition; on as far as the vlan wants it', (_name, bit) => {
    expect(derive(bit, 0)).toMatchObject({ cap: bit, ena: 0 })
    expect(derive(bit, bit)).toMatchObject({ cap: bit, ena: bit })
    expect(derive(bit, bit, ~bit).ena).toBe(0)
    expect(derive(0, 0)).toEqual({ cap: 0, ena: 0, hwa: 0 })
  })

  it('what the table does not name – is never inherited', () => {
    const named = SUMS | IFCAP_TSO | IFCAP_LRO | PLAIN
    const { cap, ena } = derive(0x07ffffff, 0x07ffffff)
    expect([cap, ena]).toEqual([named, named])
  })
})

describe('configuration', () => {
  it('vlan_config: a parent that is not Ethernet – EPROTONOSUPPORT, unless the card inserts tags', () => {
    vlan_clone_create(k, 'vlan2')
    const lo = if_attach(k, {
      name: 'gif0',
      type: 240,
      driver: 0,
      flags: 0,
      mtu: 1280,
      capabilities: IFCAP_VLAN_HWTAGGING,
      capenable: 0,
    })
    // A type of its own, so not a vlan: the driver is that of cc0.
    k.ifnet.if_driver[lo] = k.ifnet.if_driver[ifunit(k, 'cc0')]!
    const set = (): number => ifioctl(k, 'vlan2', SIOCSETVLAN, { vlr_parent: 'gif0', vlr_tag: 2 })
    expect(set()).toBe(EPROTONOSUPPORT)
    k.ifnet.if_capenable[lo] = IFCAP_VLAN_HWTAGGING
    expect(set()).toBe(0)
  })

  it('vlan_config: "ifv_capenable is set to all ones" – also after it was narrowed on another parent', () => {
    change('vlan10', 0, IFCAP_NOMAP)
    ifioctl(k, 'vlan10', SIOCSETVLAN, { vlr_parent: '' })
    expect(ifioctl(k, 'vlan10', SIOCSETVLAN, { vlr_parent: 'cc0', vlr_tag: 11 })).toBe(0)
    expect(on(v) & IFCAP_NOMAP).toBe(IFCAP_NOMAP)
  })

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

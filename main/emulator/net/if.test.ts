import { beforeEach, describe, expect, it } from 'vitest'
import type { Kernel } from '../kernel'
import { SysctlTree } from '../kern/kern_sysctl'
import { Registry } from '../machine/state'
import { EADDRNOTAVAIL, EAGAIN, EEXIST, EINVAL, ENXIO, EOPNOTSUPP, EPERM } from '../sys/errno'
import {
  SIOCAIFADDR,
  SIOCDIFADDR,
  SIOCGIFADDR,
  SIOCGIFCAP,
  SIOCGIFFLAGS,
  SIOCSIFCAP,
  SIOCSIFFLAGS,
  SIOCSIFMTU,
  SIOCSIFNAME,
} from '../sys/sockio'
import {
  addressesOf,
  capabilityBits,
  capabilityTable,
  createIfnet,
  ether_ioctl,
  if_attach,
  if_detach,
  ifa_ifwithnet,
  IFCAP_NOMAP,
  IFCAP_TOE,
  IFCAP_TSO,
  IFCAP_TXCSUM,
  IFF_BROADCAST,
  IFF_MULTICAST,
  IFF_PPROMISC,
  IFF_PROMISC,
  IFF_SIMPLEX,
  IFF_UP,
  IFT_ETHER,
  ifioctl,
  type Ifreq,
  interfaces,
  registerDriver,
} from './if'

let k: Kernel
let ifp: number
let driverAnswer: number
let bare: number

beforeEach(() => {
  const registry = new Registry()
  const fake = {
    registry,
    part: (name: string) => `h.${name}`,
    config: { tunables: {}, sysctls: {} },
    machine: { time: 0 },
    lines: [] as string[],
    printf: (line: string) => fake.lines.push(line),
  } as Record<string, unknown> & { lines: string[] }
  fake.sysctl = new SysctlTree(fake as never)
  k = fake as unknown as Kernel
  Object.assign(fake, { ifnet: createIfnet(k) })
  driverAnswer = 0
  const driver = registerDriver(k, {
    name: 'test',
    if_transmit: () => 0,
    if_ioctl: (kernel, row, command, ifr) => {
      if (command === SIOCSIFCAP) {
        if (driverAnswer === 0) kernel.ifnet.if_capenable[row] = ifr.ifr_reqcap!
        return driverAnswer
      }
      return command === SIOCSIFFLAGS ? 0 : ether_ioctl(kernel, row, command, ifr)
    },
  })
  bare = registerDriver(k, { name: 'bare', if_transmit: () => 0 })
  ifp = if_attach(k, {
    name: 'em0',
    type: IFT_ETHER,
    driver,
    flags: IFF_BROADCAST | IFF_SIMPLEX | IFF_MULTICAST,
    mtu: 1500,
    capabilities: IFCAP_TXCSUM | IFCAP_NOMAP,
    capenable: IFCAP_TXCSUM | IFCAP_NOMAP,
  })
})

describe('capability table', () => {
  it('kernel-mbuf-sendfile 8.1 – every printable bit once, ascending, NOMAP last at 0x4000000', () => {
    const bits = capabilityTable.map((entry) => entry.bit)
    expect(bits).toEqual([...bits].sort((a, b) => a - b))
    expect(new Set(bits).size).toBe(bits.length)
    expect(capabilityTable.at(-1)).toMatchObject({ bit: 0x4000000, printed: 'NOMAP', keywords: ['nomap'] })
    expect(capabilityTable.filter((entry) => entry.printed === '').map((entry) => entry.bit)).toEqual([0x800000])
  })

  // Rows of kernel-mbuf-sendfile 8.1: value, printed name ('' = not printed), commands of ifconfig ('' = none).
  it.each([
    [0x00000001, 'RXCSUM', 'rxcsum'],
    [0x00000002, 'TXCSUM', 'txcsum'],
    [0x00000004, 'NETCONS', 'netcons'],
    [0x00000008, 'VLAN_MTU', 'vlanmtu'],
    [0x00000010, 'VLAN_HWTAGGING', 'vlanhwtag'],
    [0x00000020, 'JUMBO_MTU', ''],
    [0x00000040, 'POLLING', 'polling'],
    [0x00000080, 'VLAN_HWCSUM', 'vlanhwcsum'],
    [0x00000100, 'TSO4', 'tso4 tso'],
    [0x00000200, 'TSO6', 'tso6 tso'],
    [0x00000400, 'LRO', 'lro'],
    [0x00000800, 'WOL_UCAST', 'wol_ucast wol'],
    [0x00001000, 'WOL_MCAST', 'wol_mcast wol'],
    [0x00002000, 'WOL_MAGIC', 'wol_magic wol'],
    [0x00004000, 'TOE4', 'toe'],
    [0x00008000, 'TOE6', 'toe'],
    [0x00010000, 'VLAN_HWFILTER', 'vlanhwfilter'],
    [0x00040000, 'VLAN_HWTSO', 'vlanhwtso'],
    [0x00080000, 'LINKSTATE', ''],
    [0x00100000, 'NETMAP', ''],
    [0x00200000, 'RXCSUM_IPV6', 'rxcsum6'],
    [0x00400000, 'TXCSUM_IPV6', 'txcsum6'],
    [0x00800000, '', ''],
    [0x01000000, 'TXRTLMT', 'txrtlmt'],
    [0x02000000, 'HWRXTSTMP', 'hwrxtstmp'],
    [0x04000000, 'NOMAP', 'nomap'],
  ])('8.1: 0x%s is %s, changed by "%s"', (bit, printed, keywords) => {
    expect(capabilityTable.find((entry) => entry.bit === bit)).toMatchObject({
      printed,
      keywords: keywords === '' ? [] : keywords.split(' '),
    })
  })

  it('8.1: 0x20000 is unused, and there are no other rows than these 26', () => {
    expect(capabilityTable).toHaveLength(26)
    expect(capabilityTable.reduce((all, { bit }) => all | bit, 0)).toBe(0x07ffffff & ~0x20000)
  })

  it('8.1: "rxcsum/txcsum affect only the IPv4-era bits" – one bit each, and so do those of IPv6', () => {
    expect(['rxcsum', 'txcsum', 'rxcsum6', 'txcsum6'].map(capabilityBits)).toEqual([0x1, 0x2, 0x200000, 0x400000])
  })

  it('console-tools 1.4 – tso, toe and wol change several bits, toe4 is no keyword', () => {
    expect(capabilityBits('tso')).toBe(IFCAP_TSO)
    expect(capabilityBits('toe')).toBe(IFCAP_TOE)
    expect(capabilityBits('wol')).toBe(0x3800)
    expect(capabilityBits('toe4')).toBe(0)
    expect(capabilityBits('vlanhwtag')).toBe(0x10)
  })
})

describe('SIOCGIFCAP and SIOCSIFCAP (kernel-mbuf-sendfile 8.2)', () => {
  it('an interface – SIOCGIFCAP – reqcap are the capabilities, curcap what is on', () => {
    k.ifnet.if_capenable[ifp] = IFCAP_TXCSUM
    const ifr: Ifreq = {}
    expect(ifioctl(k, 'em0', SIOCGIFCAP, ifr, false)).toBe(0)
    expect(ifr).toEqual({ ifr_reqcap: IFCAP_TXCSUM | IFCAP_NOMAP, ifr_curcap: IFCAP_TXCSUM })
  })

  it('checks in order – not root before no driver before unknown bit', () => {
    const request: Ifreq = { ifr_reqcap: IFCAP_TSO }
    expect(ifioctl(k, 'em0', SIOCSIFCAP, request, false)).toBe(EPERM)
    expect(ifioctl(k, 'em0', SIOCSIFCAP, request)).toBe(EINVAL)
    k.ifnet.if_driver[ifp] = bare
    expect(ifioctl(k, 'em0', SIOCSIFCAP, request)).toBe(EOPNOTSUPP)
    expect(ifioctl(k, 'em1', SIOCSIFCAP, request)).toBe(ENXIO)
  })

  it('success – sets the last-change time; a refusing driver – keeps it and its errno is the answer', () => {
    ;(k.machine as { time: number }).time = 1000
    expect(ifioctl(k, 'em0', SIOCSIFCAP, { ifr_reqcap: IFCAP_TXCSUM })).toBe(0)
    expect(k.ifnet.if_capenable[ifp]).toBe(IFCAP_TXCSUM)
    expect(k.ifnet.if_lastchange[ifp]).toBe(1000)
    ;(k.machine as { time: number }).time = 2000
    driverAnswer = EAGAIN
    expect(ifioctl(k, 'em0', SIOCSIFCAP, { ifr_reqcap: 0 })).toBe(EAGAIN)
    expect(k.ifnet.if_lastchange[ifp]).toBe(1000)
  })
})

describe('flags, mtu, name', () => {
  it('up and down – SIOCSIFFLAGS – changes UP and leaves what cannot be changed', () => {
    expect(ifioctl(k, 'em0', SIOCSIFFLAGS, { ifr_flags: IFF_UP })).toBe(0)
    const ifr: Ifreq = {}
    ifioctl(k, 'em0', SIOCGIFFLAGS, ifr)
    expect(ifr.ifr_flags).toBe(IFF_UP | IFF_BROADCAST | IFF_SIMPLEX | IFF_MULTICAST)
    expect(ifioctl(k, 'em0', SIOCSIFFLAGS, { ifr_flags: 0 })).toBe(0)
    ifioctl(k, 'em0', SIOCGIFFLAGS, ifr)
    expect(ifr.ifr_flags).toBe(0x8802)
  })

  it('console-tools 1.3 – promisc keyword – 28943 once it runs and is up', () => {
    ifioctl(k, 'em0', SIOCSIFFLAGS, { ifr_flags: IFF_UP | IFF_PPROMISC })
    k.ifnet.if_drv_flags[ifp] = 0x40
    const ifr: Ifreq = {}
    ifioctl(k, 'em0', SIOCGIFFLAGS, ifr)
    expect(ifr.ifr_flags).toBe(0x28943)
    ifioctl(k, 'em0', SIOCSIFFLAGS, { ifr_flags: IFF_UP })
    expect(k.ifnet.if_flags[ifp] & (IFF_PROMISC | IFF_PPROMISC)).toBe(0)
  })

  it('an MTU outside of 72 … 65535 – SIOCSIFMTU – EINVAL without asking the driver; above 1500 the plain Ethernet driver refuses', () => {
    expect(ifioctl(k, 'em0', SIOCSIFMTU, { ifr_mtu: 71 })).toBe(EINVAL)
    expect(ifioctl(k, 'em0', SIOCSIFMTU, { ifr_mtu: 65536 })).toBe(EINVAL)
    expect(ifioctl(k, 'em0', SIOCSIFMTU, { ifr_mtu: 9000 })).toBe(EINVAL)
    expect(ifioctl(k, 'em0', SIOCSIFMTU, { ifr_mtu: 1400 })).toBe(0)
    expect(k.ifnet.if_mtu[ifp]).toBe(1400)
  })

  it('a name in use – SIOCSIFNAME – EEXIST, a free one is taken', () => {
    if_attach(k, {
      name: 'em1',
      type: IFT_ETHER,
      driver: bare,
      flags: 0,
      mtu: 1500,
      capabilities: 0,
      capenable: 0,
    })
    expect(ifioctl(k, 'em0', SIOCSIFNAME, { ifr_newname: 'em1' })).toBe(EEXIST)
    expect(ifioctl(k, 'em0', SIOCSIFNAME, { ifr_newname: 'wan' })).toBe(0)
    expect(ifioctl(k, 'em0', SIOCGIFFLAGS, {})).toBe(ENXIO)
    expect(ifioctl(k, 'wan', SIOCGIFFLAGS, {})).toBe(0)
  })
})

describe('addresses', () => {
  it('the first address – SIOCAIFADDR – brings the interface up and fills mask and broadcast', () => {
    expect(ifioctl(k, 'em0', SIOCAIFADDR, { ifra_addr: 0xc0000201 })).toBe(0)
    expect(k.ifnet.if_flags[ifp] & IFF_UP).toBe(IFF_UP)
    expect(addressesOf(k, ifp)).toEqual([{ address: 0xc0000201, netmask: 0xffffff00, broadcast: 0xc00002ff }])
  })

  it('two networks – ifa_ifwithnet – the longest mask wins, and only while the interface is up', () => {
    ifioctl(k, 'em0', SIOCAIFADDR, { ifra_addr: 0x0a000001, ifra_mask: 0xff000000 })
    ifioctl(k, 'em0', SIOCAIFADDR, { ifra_addr: 0x0a010101, ifra_mask: 0xffffff00 })
    const ifa = ifa_ifwithnet(k, 0x0a010177)
    expect(k.ifnet.ifaddr.ifa_addr[ifa]).toBe(0x0a010101)
    expect(k.ifnet.ifaddr.ifa_addr[ifa_ifwithnet(k, 0x0a990177)]).toBe(0x0a000001)
    expect(ifa_ifwithnet(k, 0x0b000001)).toBe(0)
    ifioctl(k, 'em0', SIOCSIFFLAGS, { ifr_flags: 0 })
    expect(ifa_ifwithnet(k, 0x0a010177)).toBe(0)
  })

  it('an address that is not there – SIOCDIFADDR and SIOCGIFADDR – EADDRNOTAVAIL', () => {
    expect(ifioctl(k, 'em0', SIOCGIFADDR, {})).toBe(EADDRNOTAVAIL)
    ifioctl(k, 'em0', SIOCAIFADDR, { ifra_addr: 0x0a000001 })
    expect(ifioctl(k, 'em0', SIOCDIFADDR, { ifra_addr: 0x0a000002 })).toBe(EADDRNOTAVAIL)
    expect(ifioctl(k, 'em0', SIOCDIFADDR, { ifra_addr: 0x0a000001 })).toBe(0)
    expect(addressesOf(k, ifp)).toEqual([])
  })

  it('an interface with addresses – if_detach – gives its rows back', () => {
    ifioctl(k, 'em0', SIOCAIFADDR, { ifra_addr: 0x0a000001 })
    ifioctl(k, 'em0', SIOCAIFADDR, { ifra_addr: 0x0a000002 })
    if_detach(k, ifp)
    expect(k.ifnet.live).toBe(0)
    expect(k.ifnet.ifaddr.live).toBe(0)
    expect(interfaces(k)).toEqual([])
  })
})

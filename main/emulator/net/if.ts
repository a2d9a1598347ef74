/**
 * Network interfaces: the table of struct ifnet, their addresses and drivers. The ioctls are in if_ioctl.ts.
 *
 * An interface is a row (`ifp`, 0 = none) whose columns carry the kernel's field names: `k.ifnet.if_capenable[ifp]`. What differs between drivers
 * (transmit, ioctl, init, counters) is a set of plain functions registered once per driver; the row says which driver it belongs to.
 *
 * Source: sys/net/if.c, sys/net/if_var.h (read, through reference kernel-mbuf-sendfile 8 and console-tools 1; ifnet fields are a subset).
 */
import type { Kernel } from '../kernel'
import type { Table } from '../machine/state'
import { SIOCSIFFLAGS } from '../sys/sockio'
import { IFF_UP, IFT_IEEE8023ADLAG, type interfaceCounters, LINK_STATE_DOWN, LINK_STATE_UP } from './ifConstants'
import type { MediaStatus } from './if_media'
import type { In6Words } from '../netinet6/in6'
import { vlan_iflladdr, vlan_link_state, vlanDriver, vlanSpec } from './if_vlan'
import { lagg_port_ifdetach, lagg_port_state } from './laggPorts'
import type { Lagg } from './laggTables'

export * from './ifConstants'
export { ether_ioctl, ifioctl } from './if_ioctl'

const ifnetSpec = {
  if_type: 'u8',
  /** Which entry of `drivers`. */
  if_driver: 'u8',
  /** Row of the driver's own table. */
  if_softc: 'i32',
  if_flags: 'i32',
  /** IFF_DRV_RUNNING, IFF_DRV_OACTIVE. */
  if_drv_flags: 'i32',
  /** What driver and hardware can do. */
  if_capabilities: 'i32',
  /** What is switched on. */
  if_capenable: 'i32',
  /** CSUM_* bits that the card does itself. */
  if_hwassist: 'u32',
  if_mtu: 'i32',
  if_metric: 'i32',
  if_hdrlen: 'i32',
  if_link_state: 'u8',
  if_baudrate: 'f64',
  /** Longest TSO burst in bytes (IP header on), most segments in it, longest segment. */
  if_hw_tsomax: 'u32',
  if_hw_tsomaxsegcount: 'u32',
  if_hw_tsomaxsegsize: 'u32',
  if_lladdr: ['u8', 6],
  /** First row of the address list. */
  if_addrhead: 'i32',
  /** Virtual ns of the last change. */
  if_lastchange: 'f64',
  if_ipackets: 'f64',
  if_ierrors: 'f64',
  if_iqdrops: 'f64',
  if_ibytes: 'f64',
  if_imcasts: 'f64',
  if_noproto: 'f64',
  if_opackets: 'f64',
  if_oerrors: 'f64',
  if_oqdrops: 'f64',
  if_obytes: 'f64',
  if_omcasts: 'f64',
  if_collisions: 'f64',
} as const

const ifaddrSpec = {
  ifa_ifp: 'i32',
  /** IPv4, host order. */
  ifa_addr: 'u32',
  ifa_netmask: 'u32',
  ifa_broadaddr: 'u32',
  /** Next address of the interface. */
  ifa_link: 'i32',
} as const

export type InterfaceCounter = (typeof interfaceCounters)[number]

/** What a driver gives: code only, registered at construction. */
export interface InterfaceDriver {
  /** For instance `cxgbe`. */
  name: string
  /** Takes the packet in every case (frees it on error). Returns 0 or errno. */
  if_transmit(k: Kernel, ifp: number, m: number): number
  /** Driver's part of an ioctl. 0 or errno. Missing: EOPNOTSUPP. */
  if_ioctl?(k: Kernel, ifp: number, command: number, ifr: Ifreq): number
  /** Counter kept by the card (IFCAP_HWSTATS); missing: the column. */
  if_get_counter?(k: Kernel, ifp: number, counter: InterfaceCounter): number
  /** State of the media, for drivers with ifmedia; null: EINVAL. */
  if_media_status?(k: Kernel, ifp: number): MediaStatus | null
}

/** A port of a lagg as SIOCGLAGG tells it. */
export interface LaggPortInfo {
  rp_portname: string
  /** LAGG_PORT_*. */
  rp_flags: number
}

/** Argument of an interface ioctl, in and out: struct ifreq, ifaliasreq, vlanreq and those of lagg in one. Addresses are IPv4 in host order. */
export interface Ifreq {
  ifr_flags?: number
  ifr_mtu?: number
  ifr_metric?: number
  ifr_reqcap?: number
  ifr_curcap?: number
  ifr_newname?: string
  ifr_descr?: string
  ifra_addr?: number
  ifra_mask?: number
  ifra_broadaddr?: number
  /** IPv6, for the commands with _IN6. */
  ifra6_addr?: In6Words
  ifra6_prefixlen?: number
  ifm?: MediaStatus
  /** Subtype asked for by SIOCSIFMEDIA, for instance `autoselect`. */
  ifr_media?: string
  vlr_parent?: string
  vlr_tag?: number
  rp_portname?: string
  rp_flags?: number
  ra_proto?: number
  ra_port?: LaggPortInfo[]
  rf_flags?: number
  ro_opts?: number
  ro_active?: number
  ro_flapping?: number
  ro_flowid_shift?: number
  ro_bkt?: number
}

/** Texts and order: plain record of the state. */
interface IfnetText {
  [key: string]: { [row: string]: string } | { [row: string]: string[] } | number[]
  names: { [row: string]: string }
  descriptions: { [row: string]: string }
  /** Interface groups other than `all`. */
  groups: { [row: string]: string[] }
  /** Rows in order of attachment: the order in which ifconfig lists them. */
  order: number[]
}

export type Ifnet = Table<typeof ifnetSpec> & {
  ifaddr: Table<typeof ifaddrSpec>
  vlan: Table<typeof vlanSpec>
  /** Null on hosts that are built without it (tests of drivers). */
  lagg: Lagg | null
  text: IfnetText
  /** Drivers by number; `if_driver` of a row is an index. Code, not state. */
  drivers: InterfaceDriver[]
  /** Who wants to know that an interface goes away (ifnet_departure_event). Code, not state. */
  departure: ((k: Kernel, ifp: number) => void)[]
  /** Handle of net.link.log_link_state_change. */
  logLinkStateChange: number
}

/** The interface part of a kernel. */
export function createIfnet(k: Kernel): Ifnet {
  const table = k.registry.table(k.part('ifnet'), ifnetSpec, 8)
  const ifaddr = k.registry.table(k.part('ifaddr'), ifaddrSpec, 8)
  const vlan = k.registry.table(k.part('vlan'), vlanSpec, 8)
  const text = k.registry.record(k.part('ifnetText'), {
    names: {},
    descriptions: {},
    groups: {},
    order: [],
  })
  k.sysctl.node('net.link', 'Link layers', 'net/if.c')
  const logLinkStateChange = k.sysctl.declare({
    name: 'net.link.log_link_state_change',
    type: 'int',
    access: 'rw',
    default: 1,
    unit: '',
    description: 'log interface link state change events',
    source: 'net/if.c',
    fidelity: 'read',
  })
  k.sysctl.declare({
    name: 'net.link.ifqmaxlen',
    type: 'int',
    access: 'rdtun',
    default: 50,
    range: [1, 65535],
    unit: 'packets',
    description: 'max send queue size',
    source: 'net/if.c; no interface of the model has a legacy queue',
    fidelity: 'read',
  })
  k.sysctl.declare({
    name: 'net.ifdescr_maxlen',
    type: 'uint',
    access: 'rw',
    default: 1024,
    unit: 'bytes',
    description: 'administrative maximum length for interface description',
    source: 'net/if.c',
    fidelity: 'read',
  })
  return Object.assign(table, {
    ifaddr,
    text,
    vlan,
    lagg: null,
    drivers: [vlanDriver],
    departure: [],
    logLinkStateChange,
  })
}

/** Registers a driver; the number goes into `if_driver`. */
export function registerDriver(k: Kernel, driver: InterfaceDriver): number {
  k.ifnet.drivers.push(driver)
  return k.ifnet.drivers.length - 1
}

export interface AttachOptions {
  name: string
  type: number
  driver: number
  softc?: number
  flags: number
  mtu: number
  capabilities: number
  capenable: number
  hwassist?: number
  hdrlen?: number
  baudrate?: number
  lladdr?: readonly number[]
  linkState?: number
  groups?: string[]
}

/** Source: if_alloc, if_attach in sys/net/if.c (read). TSO limits 0 mean "no limit of the driver's own" until the driver sets them. */
export function if_attach(k: Kernel, options: AttachOptions): number {
  const t = k.ifnet
  const ifp = t.alloc()
  for (const key of Object.keys(ifnetSpec) as (keyof typeof ifnetSpec)[]) if (key !== 'if_lladdr') t[key][ifp] = 0
  t.if_type[ifp] = options.type
  t.if_driver[ifp] = options.driver
  t.if_softc[ifp] = options.softc ?? 0
  t.if_flags[ifp] = options.flags
  t.if_capabilities[ifp] = options.capabilities
  t.if_capenable[ifp] = options.capenable
  t.if_hwassist[ifp] = options.hwassist ?? 0
  t.if_mtu[ifp] = options.mtu
  t.if_hdrlen[ifp] = options.hdrlen ?? 0
  t.if_baudrate[ifp] = options.baudrate ?? 0
  t.if_link_state[ifp] = options.linkState ?? 0
  t.if_lastchange[ifp] = k.machine.time
  for (let i = 0; i < 6; i++) t.if_lladdr[ifp * 6 + i] = options.lladdr?.[i] ?? 0
  t.text.names[ifp] = options.name
  t.text.groups[ifp] = options.groups ?? []
  t.text.order.push(ifp)
  return ifp
}

/** Source: if_detach in sys/net/if.c (read). The driver has stopped the interface before. */
export function if_detach(k: Kernel, ifp: number): void {
  const t = k.ifnet
  lagg_port_ifdetach(k, ifp)
  for (let ifa = t.if_addrhead[ifp]; ifa !== 0;) {
    const next = t.ifaddr.ifa_link[ifa]
    // Whoever remembers the row must not take it for the address.
    t.ifaddr.ifa_addr[ifa] = 0
    t.ifaddr.free(ifa)
    ifa = next
  }
  t.if_addrhead[ifp] = 0
  // Routes that connections remember.
  const inp = k.inet?.inp
  for (let row = 1; row < (inp?.high ?? 0); row++) if (inp.inp_routeifp[row] === ifp) inp.inp_routeifp[row] = 0
  for (const leave of t.departure) leave(k, ifp)
  delete t.text.names[ifp]
  delete t.text.descriptions[ifp]
  delete t.text.groups[ifp]
  t.text.order.splice(t.text.order.indexOf(ifp), 1)
  t.free(ifp)
}

/** Interface by name, or 0. Source: ifunit in sys/net/if.c (read). */
export function ifunit(k: Kernel, name: string): number {
  for (const ifp of k.ifnet.text.order) if (k.ifnet.text.names[ifp] === name) return ifp
  return 0
}

/** Name of an interface: if_xname. */
export function if_name(k: Kernel, ifp: number): string {
  return k.ifnet.text.names[ifp] ?? 'none'
}

/** Interfaces in order of attachment. */
export function interfaces(k: Kernel): readonly number[] {
  return k.ifnet.text.order
}

/** Hands a packet to the driver. The packet is gone in every case. */
export function if_transmit(k: Kernel, ifp: number, m: number): number {
  return k.ifnet.drivers[k.ifnet.if_driver[ifp]].if_transmit(k, ifp, m)
}

/** Source: if_getcounter in sys/net/if.c (read): the card's own counter where it keeps one. */
export function if_getcounter(k: Kernel, ifp: number, counter: InterfaceCounter): number {
  const driver = k.ifnet.drivers[k.ifnet.if_driver[ifp]]
  return driver.if_get_counter?.(k, ifp, counter) ?? k.ifnet[counter][ifp]
}

/** Flags as SIOCGIFFLAGS shows them. */
export function if_getflags(k: Kernel, ifp: number): number {
  return k.ifnet.if_flags[ifp] | k.ifnet.if_drv_flags[ifp]
}

/** Another link-level address: a driver that is up is started again with it. Source: if_setlladdr in sys/net/if.c (read). */
export function if_setlladdr(k: Kernel, ifp: number, lladdr: Uint8Array): void {
  const t = k.ifnet
  t.if_lladdr.set(lladdr, ifp * 6)
  if ((t.if_flags[ifp] & IFF_UP) !== 0) {
    const driver = t.drivers[t.if_driver[ifp]]
    t.if_flags[ifp] &= ~IFF_UP
    driver.if_ioctl?.(k, ifp, SIOCSIFFLAGS, {})
    t.if_flags[ifp] |= IFF_UP
    driver.if_ioctl?.(k, ifp, SIOCSIFFLAGS, {})
  }
  iflladdr_event(k, ifp)
}

/** What follows another address of an interface: its vlans take it, and neighbours hear of it. Source: handlers of iflladdr_event (read). */
export function iflladdr_event(k: Kernel, ifp: number): void {
  vlan_iflladdr(k, ifp)
  announceAddress(k, ifp)
}

/** The other hosts hear at once that an interface has another link-level address, as from a gratuitous ARP (assumed). */
function announceAddress(k: Kernel, ifp: number): void {
  const { ifaddr, if_lladdr } = k.ifnet
  for (const other of k.machine.kernels) {
    const t = other.inet?.neighbour
    if (other === k || t === undefined) continue
    for (let row = 1; row < t.high; row++)
      if (t.ip[row] !== 0 && t.host[row] === k.id && ifaddr.ifa_ifp[t.ifa[row]] === ifp)
        for (let i = 0; i < 6; i++) t.mac[row * 6 + i] = if_lladdr[ifp * 6 + i]
    const t6 = other.inet6.neighbour
    for (let row = 1; row < t6.high; row++)
      if (t6.addr[row] !== 0 && t6.host[row] === k.id && k.inet6.ifaddr.ia_ifp[t6.ia[row]] === ifp)
        for (let i = 0; i < 6; i++) t6.mac[row * 6 + i] = if_lladdr[ifp * 6 + i]
  }
}

/** Source: if_link_state_change, do_link_state_change in sys/net/if.c (read). Vlans and a lagg follow. */
export function if_link_state_change(k: Kernel, ifp: number, state: number): void {
  const t = k.ifnet
  if (t.if_link_state[ifp] === state) return
  t.if_link_state[ifp] = state
  t.if_lastchange[ifp] = k.machine.time
  vlan_link_state(k, ifp)
  if (t.if_type[ifp] === IFT_IEEE8023ADLAG) lagg_port_state(k, ifp)
  if (k.sysctl.number(t.logLinkStateChange) !== 0)
    k.printf(
      `${if_name(k, ifp)}: link state changed to ${state === LINK_STATE_UP ? 'UP' : state === LINK_STATE_DOWN ? 'DOWN' : 'UNKNOWN'}`,
    )
}

/** Row of the address entry that is exactly `address` on an interface that is up, or 0. Source: ifa_ifwithaddr in sys/net/if.c (read). */
export function ifa_ifwithaddr(k: Kernel, address: number): number {
  const { ifaddr, if_addrhead } = k.ifnet
  for (const ifp of k.ifnet.text.order)
    for (let ifa = if_addrhead[ifp]; ifa !== 0; ifa = ifaddr.ifa_link[ifa]!)
      if (ifaddr.ifa_addr[ifa] === address) return ifa
  return 0
}

/** Row of the address entry whose network holds `address` (longest mask first) on an interface that is up, or 0. Source: ifa_ifwithnet (read). */
export function ifa_ifwithnet(k: Kernel, address: number): number {
  const t = k.ifnet
  const { ifaddr } = t
  let best = 0
  for (const ifp of t.text.order) {
    if ((t.if_flags[ifp] & IFF_UP) === 0) continue
    for (let ifa = t.if_addrhead[ifp]; ifa !== 0; ifa = ifaddr.ifa_link[ifa]!) {
      const mask = ifaddr.ifa_netmask[ifa]
      if (((address ^ ifaddr.ifa_addr[ifa]) & mask) === 0 && (best === 0 || mask > ifaddr.ifa_netmask[best])) best = ifa
    }
  }
  return best
}

/** Addresses of an interface in the order they were given. */
export function addressesOf(k: Kernel, ifp: number): { address: number; netmask: number; broadcast: number }[] {
  const out: { address: number; netmask: number; broadcast: number }[] = []
  const { ifaddr } = k.ifnet
  for (let ifa = k.ifnet.if_addrhead[ifp]; ifa !== 0; ifa = ifaddr.ifa_link[ifa]!)
    out.push({
      address: ifaddr.ifa_addr[ifa],
      netmask: ifaddr.ifa_netmask[ifa],
      broadcast: ifaddr.ifa_broadaddr[ifa],
    })
  return out
}

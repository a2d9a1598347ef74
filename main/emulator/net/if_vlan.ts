/**
 * vlan(4): an interface for one tag of a parent ("trunk"). What it can do and what is on follows the parent, at once and for every change; the way an
 * unmapped packet takes is the parent's, because a tag never needs the payload.
 * Source: sys/net/if_vlan.c vlan_config, vlan_unconfig, vlan_capabilities, vlan_trunk_capabilities, vlan_ioctl, vlan_transmit, vlan_input,
 * vlan_clone_create (read through reference kernel-mbuf-sendfile 8.4, console-tools 1.5).
 */
import type { Kernel } from '../kernel'
import { m_freem, mtodAddr } from '../kern/kern_mbuf'
import { m_adj, M_PREPEND, m_pullup } from '../kern/uipc_mbuf'
import { get16, inet_addr, put16 } from '../netinet/in'
import { EBUSY, EEXIST, EINVAL, ENETDOWN, ENOBUFS, ENXIO, EPERM, EPROTONOSUPPORT } from '../sys/errno'
import {
  CSUM_IP,
  CSUM_IP6_SCTP,
  CSUM_IP6_TCP,
  CSUM_IP6_UDP,
  CSUM_IP_SCTP,
  CSUM_IP_TCP,
  CSUM_IP_UDP,
  CSUM_TSO,
  M_VLANTAG,
} from '../sys/mbuf'
import { M_NOWAIT } from '../sys/param'
import { SIOCAIFADDR, SIOCGETVLAN, SIOCSETVLAN, SIOCSIFADDR, SIOCSIFCAP, SIOCSIFFLAGS, SIOCSIFMTU } from '../sys/sockio'
import {
  ether_ioctl,
  if_attach,
  if_detach,
  if_link_state_change,
  if_name,
  if_setlladdr,
  if_transmit,
  ifioctl,
  type Ifreq,
  ifunit,
  type InterfaceDriver,
  interfaces,
} from './if'
import {
  ETHER_HDR_LEN,
  ETHER_VLAN_ENCAP_LEN,
  ETHERMTU,
  IFCAP_HWCSUM,
  IFCAP_HWCSUM_IPV6,
  IFCAP_LINKSTATE,
  IFCAP_LRO,
  IFCAP_NOMAP,
  IFCAP_TOE,
  IFCAP_TSO,
  IFCAP_TXCSUM,
  IFCAP_TXCSUM_IPV6,
  IFCAP_TXRTLMT,
  IFCAP_VLAN_HWCSUM,
  IFCAP_VLAN_HWTAGGING,
  IFCAP_VLAN_HWTSO,
  IFCAP_VLAN_MTU,
  IFF_BROADCAST,
  IFF_DRV_RUNNING,
  IFF_MULTICAST,
  IFF_SIMPLEX,
  IFF_UP,
  IFT_ETHER,
  IFT_L2VLAN,
  LINK_STATE_UNKNOWN,
} from './ifConstants'

export const vlanSpec = {
  ifp: 'i32',
  /** Parent interface, 0 = not configured. */
  parent: 'i32',
  ifv_vid: 'u16',
  /** What the administrator wants on; all ones until a capability keyword was used. */
  ifv_capenable: 'i32',
  /** Bytes by which frames of the parent must be longer: 0 if it takes them (VLAN_MTU), else 4. */
  ifv_mtufudge: 'i32',
} as const

const CSUM_V4 = CSUM_IP | CSUM_IP_TCP | CSUM_IP_UDP | CSUM_IP_SCTP
const CSUM_V6 = CSUM_IP6_TCP | CSUM_IP6_UDP | CSUM_IP6_SCTP

/** Row of the vlan of an interface, or 0 if it is none. As a port of a lagg its type is another, its driver is not. */
export function vlanOf(k: Kernel, ifp: number): number {
  return k.ifnet.if_driver[ifp] === VLAN_DRIVER ? k.ifnet.if_softc[ifp] : 0
}

/** Parent interface and tag of a vlan interface; null if it is none. Parent 0: not configured. */
export function vlanInfo(k: Kernel, ifp: number): { parent: number; tag: number } | null {
  const v = vlanOf(k, ifp)
  return v === 0 ? null : { parent: k.ifnet.vlan.parent[v], tag: k.ifnet.vlan.ifv_vid[v] }
}

/**
 * Computes what a vlan can do and what is on from its parent. Reference kernel-mbuf-sendfile 8.4: checksums need tagging by the card, TSO does not; LRO
 * ignores the vlan's own wish; NOMAP has no other condition.
 */
export function vlan_capabilities(k: Kernel, v: number): void {
  const t = k.ifnet
  const ifp = t.vlan.ifp[v]
  const p = t.vlan.parent[v]
  const wanted = t.vlan.ifv_capenable[v]
  const pcap = t.if_capabilities[p]
  const pena = t.if_capenable[p]
  const mena = pena & wanted
  let cap = 0
  let ena = 0
  let hwa = 0
  if ((pcap & IFCAP_VLAN_HWCSUM) !== 0) cap |= pcap & (IFCAP_HWCSUM | IFCAP_HWCSUM_IPV6)
  if ((pena & IFCAP_VLAN_HWCSUM) !== 0 && (pena & IFCAP_VLAN_HWTAGGING) !== 0) {
    ena |= mena & (IFCAP_HWCSUM | IFCAP_HWCSUM_IPV6)
    if ((ena & IFCAP_TXCSUM) !== 0) hwa |= t.if_hwassist[p] & CSUM_V4
    if ((ena & IFCAP_TXCSUM_IPV6) !== 0) hwa |= t.if_hwassist[p] & CSUM_V6
  }
  if ((pcap & IFCAP_VLAN_HWTSO) !== 0) cap |= pcap & IFCAP_TSO
  if ((pena & IFCAP_VLAN_HWTSO) !== 0) {
    ena |= mena & IFCAP_TSO
    if ((ena & IFCAP_TSO) !== 0) hwa |= t.if_hwassist[p] & CSUM_TSO
    t.if_hw_tsomax[ifp] = t.if_hw_tsomax[p]!
    t.if_hw_tsomaxsegcount[ifp] = t.if_hw_tsomaxsegcount[p]!
    t.if_hw_tsomaxsegsize[ifp] = t.if_hw_tsomaxsegsize[p]!
  }
  if ((pcap & IFCAP_VLAN_HWCSUM) !== 0) cap |= pcap & IFCAP_LRO
  if ((pena & IFCAP_VLAN_HWCSUM) !== 0) ena |= pena & IFCAP_LRO
  const plain = IFCAP_TOE | IFCAP_LINKSTATE | IFCAP_TXRTLMT | IFCAP_NOMAP
  cap |= pcap & plain
  ena |= mena & plain
  t.if_capabilities[ifp] = cap
  t.if_capenable[ifp] = ena
  t.if_hwassist[ifp] = hwa
}

/** Lets every vlan on an interface follow a change of its capabilities (VLAN_CAPABILITIES of a driver). */
export function vlan_trunk_capabilities(k: Kernel, ifp: number): void {
  const { vlan } = k.ifnet
  for (const other of interfaces(k)) {
    const v = vlanOf(k, other)
    if (v !== 0 && vlan.parent[v] === ifp) vlan_capabilities(k, v)
  }
}

/** Vlans whose parent is `ifp`: their interfaces. */
function vlansOn(k: Kernel, ifp: number): number[] {
  return interfaces(k).filter((other) => vlanOf(k, other) !== 0 && k.ifnet.vlan.parent[vlanOf(k, other)] === ifp)
}

/** Every vlan on an interface follows its link. Source: vlan_link_state. */
export function vlan_link_state(k: Kernel, ifp: number): void {
  for (const vlan of vlansOn(k, ifp)) {
    k.ifnet.if_baudrate[vlan] = k.ifnet.if_baudrate[ifp]!
    if_link_state_change(k, vlan, k.ifnet.if_link_state[ifp])
  }
}

/** Every vlan on an interface takes its address. Source: vlan_iflladdr. */
export function vlan_iflladdr(k: Kernel, ifp: number): void {
  for (const vlan of vlansOn(k, ifp)) if_setlladdr(k, vlan, k.ifnet.if_lladdr.slice(ifp * 6, ifp * 6 + 6))
}

/** The parent goes away: its vlans have none. Source: vlan_ifdetach. */
export function vlan_ifdetach(k: Kernel, ifp: number): void {
  for (const vlan of vlansOn(k, ifp)) vlan_unconfig(k, vlanOf(k, vlan))
}

/** Attaches a vlan to a parent. EPROTONOSUPPORT: not Ethernet. EINVAL: tag not 1 … 4094. EBUSY: has a parent already. EEXIST: tag in use there. */
function vlan_config(k: Kernel, v: number, parent: number, tag: number): number {
  const t = k.ifnet
  if (t.if_type[parent] !== IFT_ETHER && (t.if_capenable[parent] & IFCAP_VLAN_HWTAGGING) === 0) return EPROTONOSUPPORT
  if (tag < 1 || tag > 4094) return EINVAL
  if (t.vlan.parent[v] !== 0) return EBUSY
  for (const other of interfaces(k)) {
    const o = vlanOf(k, other)
    if (o !== 0 && t.vlan.parent[o] === parent && t.vlan.ifv_vid[o] === tag) return EEXIST
  }
  const ifp = t.vlan.ifp[v]
  t.vlan.parent[v] = parent
  t.vlan.ifv_vid[v] = tag
  t.vlan.ifv_capenable[v] = -1
  t.vlan.ifv_mtufudge[v] = (t.if_capenable[parent] & IFCAP_VLAN_MTU) !== 0 ? 0 : ETHER_VLAN_ENCAP_LEN
  t.if_mtu[ifp] = t.if_mtu[parent] - t.vlan.ifv_mtufudge[v]
  t.if_flags[ifp] =
    (t.if_flags[ifp] & ~IFF_SIMPLEX) | (t.if_flags[parent] & (IFF_BROADCAST | IFF_MULTICAST | IFF_SIMPLEX))
  t.if_link_state[ifp] = t.if_link_state[parent]!
  t.if_baudrate[ifp] = t.if_baudrate[parent]!
  for (let i = 0; i < 6; i++) t.if_lladdr[ifp * 6 + i] = t.if_lladdr[parent * 6 + i]!
  t.if_drv_flags[ifp] = t.if_drv_flags[ifp] | IFF_DRV_RUNNING
  vlan_capabilities(k, v)
  return 0
}

/** Detaches a vlan from its parent. */
export function vlan_unconfig(k: Kernel, v: number): void {
  const t = k.ifnet
  const ifp = t.vlan.ifp[v]
  t.vlan.parent[v] = 0
  t.vlan.ifv_vid[v] = 0
  t.if_capabilities[ifp] = 0
  t.if_capenable[ifp] = 0
  t.if_hwassist[ifp] = 0
  t.if_link_state[ifp] = LINK_STATE_UNKNOWN
  t.if_drv_flags[ifp] = t.if_drv_flags[ifp] & ~IFF_DRV_RUNNING
  for (let i = 0; i < 6; i++) t.if_lladdr[ifp * 6 + i] = 0
}

/** Makes a vlan interface (`ifconfig NAME create`). EPERM, EINVAL (no name of a vlan), EEXIST. */
export function vlan_clone_create(k: Kernel, name: string, privileged = true): number {
  if (!privileged) return EPERM
  if (!/^vlan\d{1,5}$/.test(name)) return EINVAL
  if (ifunit(k, name) !== 0) return EEXIST
  const t = k.ifnet
  const v = t.vlan.alloc()
  t.vlan.parent[v] = 0
  t.vlan.ifv_vid[v] = 0
  t.vlan.ifv_capenable[v] = -1
  t.vlan.ifp[v] = if_attach(k, {
    name,
    type: IFT_L2VLAN,
    driver: VLAN_DRIVER,
    softc: v,
    flags: IFF_BROADCAST | IFF_MULTICAST,
    mtu: ETHERMTU,
    capabilities: 0,
    capenable: 0,
    hdrlen: ETHER_HDR_LEN + ETHER_VLAN_ENCAP_LEN,
    groups: ['vlan'],
  })
  return 0
}

/** Removes a vlan interface (`ifconfig NAME destroy`). EPERM, ENXIO, EINVAL (not made by cloning). */
export function vlan_clone_destroy(k: Kernel, name: string, privileged = true): number {
  if (!privileged) return EPERM
  const ifp = ifunit(k, name)
  if (ifp === 0) return ENXIO
  const v = vlanOf(k, ifp)
  if (v === 0) return EINVAL
  vlan_unconfig(k, v)
  if_detach(k, ifp)
  k.ifnet.vlan.free(v)
  return 0
}

/** What rc(8) does for a vlan of the configuration: make it, give it its parent and its address. */
export function configureVlan(
  k: Kernel,
  name: string,
  parent: string,
  tag: number,
  address: string,
  prefixLength: number,
): void {
  const error =
    vlan_clone_create(k, name) ||
    ifioctl(k, name, SIOCSETVLAN, { vlr_parent: parent, vlr_tag: tag }) ||
    ifioctl(k, name, SIOCAIFADDR, {
      ifra_addr: inet_addr(address),
      ifra_mask: (0xffffffff << (32 - prefixLength)) >>> 0,
    })
  if (error !== 0) k.printf(`ifconfig: ${name}: error ${error} at boot`)
}

/** The packet goes out on the parent: tag in the packet header if the card inserts it, else in front of the payload. Source: vlan_transmit. */
function vlan_transmit(k: Kernel, ifp: number, m0: number): number {
  const t = k.ifnet
  const v = t.if_softc[ifp]
  const parent = t.vlan.parent[v]
  let m = m0
  const length = k.mb.ph_len[m]
  if (parent === 0 || (t.if_drv_flags[parent] & IFF_DRV_RUNNING) === 0 || (t.if_flags[parent] & IFF_UP) === 0) {
    m_freem(k, m)
    t.if_oerrors[ifp]++
    return ENETDOWN
  }
  if ((t.if_capenable[parent] & IFCAP_VLAN_HWTAGGING) !== 0) {
    k.mb.ph_ether_vtag[m] = t.vlan.ifv_vid[v]!
    k.mb.m_flags[m] = k.mb.m_flags[m] | M_VLANTAG
  } else {
    // ether_vlanencap: the new header must lie in one piece.
    m = M_PREPEND(k, m, ETHER_VLAN_ENCAP_LEN, M_NOWAIT)
    if (m !== 0 && k.mb.m_len[m] < ETHER_HDR_LEN + ETHER_VLAN_ENCAP_LEN)
      m = m_pullup(k, m, ETHER_HDR_LEN + ETHER_VLAN_ENCAP_LEN)
    if (m === 0) {
      t.if_oerrors[ifp]++
      return ENOBUFS
    }
    const at = mtodAddr(k, m)
    const { ram } = k.phys
    ram.copyWithin(at, at + 4, at + 16)
    put16(ram, at + 12, 0x8100)
    put16(ram, at + 14, t.vlan.ifv_vid[v])
  }
  const error = if_transmit(k, parent, m)
  if (error !== 0) {
    t.if_oerrors[ifp]++
    return error
  }
  t.if_opackets[ifp]++
  t.if_obytes[ifp] += length
  return 0
}

/**
 * The vlan interface that a tagged frame belongs to; the tag is taken out of the packet (from its header, or from the frame where the card left it
 * there). @returns its interface; 0: nobody has the tag, the packet is freed and counted. Source: vlan_input.
 */
export function vlan_input(k: Kernel, ifp: number, m: number): number {
  const t = k.ifnet
  let tag: number
  if ((k.mb.m_flags[m] & M_VLANTAG) !== 0) {
    tag = k.mb.ph_ether_vtag[m]
    k.mb.m_flags[m] &= ~M_VLANTAG
  } else {
    // The caller has made sure that the Ethernet header with its tag is in one piece.
    const { ram } = k.phys
    const at = mtodAddr(k, m)
    tag = get16(ram, at + 14)
    ram.copyWithin(at + 4, at, at + 12)
    m_adj(k, m, ETHER_VLAN_ENCAP_LEN)
  }
  const vlan = vlan_lookup(k, ifp, tag)
  if (vlan === 0 || (t.if_drv_flags[vlan] & IFF_DRV_RUNNING) === 0) {
    t.if_noproto[ifp]++
    m_freem(k, m)
    return 0
  }
  k.mb.ph_rcvif[m] = vlan
  t.if_ipackets[vlan]++
  return vlan
}

/** Interface of the vlan with a tag on a parent, or 0: where a tagged frame belongs. Source: vlan_input (lookup). */
export function vlan_lookup(k: Kernel, parent: number, tag: number): number {
  const { vlan } = k.ifnet
  for (const other of interfaces(k)) {
    const v = vlanOf(k, other)
    if (v !== 0 && vlan.parent[v] === parent && vlan.ifv_vid[v] === (tag & 0xfff)) return other
  }
  return 0
}

function vlan_ioctl(k: Kernel, ifp: number, command: number, ifr: Ifreq): number {
  const t = k.ifnet
  const v = t.if_softc[ifp]
  const parent = t.vlan.parent[v]
  switch (command) {
    case SIOCSETVLAN: {
      const name = ifr.vlr_parent ?? ''
      if (name === '') {
        vlan_unconfig(k, v)
        return 0
      }
      const wanted = ifunit(k, name)
      if (wanted === 0) return ENXIO
      return vlan_config(k, v, wanted, ifr.vlr_tag ?? 0)
    }
    case SIOCGETVLAN:
      ifr.vlr_parent = parent === 0 ? '' : if_name(k, parent)
      ifr.vlr_tag = t.vlan.ifv_vid[v]!
      return 0
    case SIOCSIFCAP:
      t.vlan.ifv_capenable[v] = ifr.ifr_reqcap ?? 0
      if (parent !== 0) vlan_capabilities(k, v)
      return 0
    case SIOCSIFMTU: {
      const mtu = ifr.ifr_mtu ?? 0
      if (parent === 0 || mtu > t.if_mtu[parent] - t.vlan.ifv_mtufudge[v]) return EINVAL
      t.if_mtu[ifp] = mtu
      return 0
    }
    case SIOCSIFFLAGS:
      return 0
    case SIOCSIFADDR:
      t.if_flags[ifp] = t.if_flags[ifp] | IFF_UP
      return 0
    default:
      return ether_ioctl(k, ifp, command, ifr)
  }
}

/** vlan is the first driver of every host (createIfnet). */
export const VLAN_DRIVER = 0
export const vlanDriver: InterfaceDriver = {
  name: 'vlan',
  if_transmit: vlan_transmit,
  if_ioctl: vlan_ioctl,
  if_media_status: (k, ifp) => {
    // The media of the parent.
    const parent = k.ifnet.vlan.parent[k.ifnet.if_softc[ifp]]
    return parent === 0 ? null : (k.ifnet.drivers[k.ifnet.if_driver[parent]].if_media_status?.(k, parent) ?? null)
  },
}

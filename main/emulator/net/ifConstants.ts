/**
 * Numbers and names of the interface layer: flags, capabilities, types. Source: sys/net/if.h, sys/net/if_types.h, sys/net/if_var.h; names as ifconfig(8)
 * prints them (reference kernel-mbuf-sendfile 8.1, console-tools 1.3 and 1.4; read).
 */

export const IFF_UP = 0x1
export const IFF_BROADCAST = 0x2
export const IFF_DEBUG = 0x4
export const IFF_LOOPBACK = 0x8
export const IFF_POINTOPOINT = 0x10
/** Kept in if_drv_flags; shown merged with if_flags. */
export const IFF_DRV_RUNNING = 0x40
export const IFF_NOARP = 0x80
export const IFF_PROMISC = 0x100
export const IFF_ALLMULTI = 0x200
export const IFF_DRV_OACTIVE = 0x400
export const IFF_SIMPLEX = 0x800
export const IFF_LINK0 = 0x1000
export const IFF_LINK1 = 0x2000
export const IFF_LINK2 = 0x4000
export const IFF_MULTICAST = 0x8000
export const IFF_CANTCONFIG = 0x10000
export const IFF_PPROMISC = 0x20000
export const IFF_MONITOR = 0x40000
export const IFF_STATICARP = 0x80000
export const IFF_DYING = 0x200000
/** Flags that SIOCSIFFLAGS cannot change. */
export const IFF_CANTCHANGE =
  IFF_BROADCAST |
  IFF_POINTOPOINT |
  IFF_DRV_RUNNING |
  IFF_DRV_OACTIVE |
  IFF_SIMPLEX |
  IFF_MULTICAST |
  IFF_ALLMULTI |
  IFF_PROMISC |
  IFF_DYING |
  IFF_CANTCONFIG

/** Flags in the order printed (IFFBITS). */
export const interfaceFlagNames: readonly { bit: number; name: string }[] = [
  { bit: IFF_UP, name: 'UP' },
  { bit: IFF_BROADCAST, name: 'BROADCAST' },
  { bit: IFF_DEBUG, name: 'DEBUG' },
  { bit: IFF_LOOPBACK, name: 'LOOPBACK' },
  { bit: IFF_POINTOPOINT, name: 'POINTOPOINT' },
  { bit: IFF_DRV_RUNNING, name: 'RUNNING' },
  { bit: IFF_NOARP, name: 'NOARP' },
  { bit: IFF_PROMISC, name: 'PROMISC' },
  { bit: IFF_ALLMULTI, name: 'ALLMULTI' },
  { bit: IFF_DRV_OACTIVE, name: 'OACTIVE' },
  { bit: IFF_SIMPLEX, name: 'SIMPLEX' },
  { bit: IFF_LINK0, name: 'LINK0' },
  { bit: IFF_LINK1, name: 'LINK1' },
  { bit: IFF_LINK2, name: 'LINK2' },
  { bit: IFF_MULTICAST, name: 'MULTICAST' },
  { bit: IFF_PPROMISC, name: 'PPROMISC' },
  { bit: IFF_MONITOR, name: 'MONITOR' },
  { bit: IFF_STATICARP, name: 'STATICARP' },
]

export const IFCAP_RXCSUM = 0x1
export const IFCAP_TXCSUM = 0x2
export const IFCAP_NETCONS = 0x4
export const IFCAP_VLAN_MTU = 0x8
export const IFCAP_VLAN_HWTAGGING = 0x10
export const IFCAP_JUMBO_MTU = 0x20
export const IFCAP_POLLING = 0x40
export const IFCAP_VLAN_HWCSUM = 0x80
export const IFCAP_TSO4 = 0x100
export const IFCAP_TSO6 = 0x200
export const IFCAP_LRO = 0x400
export const IFCAP_WOL_UCAST = 0x800
export const IFCAP_WOL_MCAST = 0x1000
export const IFCAP_WOL_MAGIC = 0x2000
export const IFCAP_TOE4 = 0x4000
export const IFCAP_TOE6 = 0x8000
export const IFCAP_VLAN_HWFILTER = 0x10000
export const IFCAP_VLAN_HWTSO = 0x40000
export const IFCAP_LINKSTATE = 0x80000
export const IFCAP_NETMAP = 0x100000
export const IFCAP_RXCSUM_IPV6 = 0x200000
export const IFCAP_TXCSUM_IPV6 = 0x400000
export const IFCAP_HWSTATS = 0x800000
export const IFCAP_TXRTLMT = 0x1000000
export const IFCAP_HWRXTSTMP = 0x2000000
export const IFCAP_NOMAP = 0x4000000
export const IFCAP_HWCSUM = IFCAP_RXCSUM | IFCAP_TXCSUM
export const IFCAP_HWCSUM_IPV6 = IFCAP_RXCSUM_IPV6 | IFCAP_TXCSUM_IPV6
export const IFCAP_TSO = IFCAP_TSO4 | IFCAP_TSO6
export const IFCAP_WOL = IFCAP_WOL_UCAST | IFCAP_WOL_MCAST | IFCAP_WOL_MAGIC
export const IFCAP_TOE = IFCAP_TOE4 | IFCAP_TOE6

/** A capability, declared once (DESIGN 4, rule 6). */
export interface CapabilityDeclaration {
  bit: number
  /** As `options=` prints it; empty for HWSTATS, which has no name. */
  printed: string
  /** Keywords of ifconfig(8) that change this bit; the first is its own, `tso`, `toe` and `wol` change several bits. Empty: cannot be changed there. */
  keywords: readonly string[]
  description: string
}

/** All capabilities, in the order printed (ascending bits). */
export const capabilityTable: readonly CapabilityDeclaration[] = [
  c(IFCAP_RXCSUM, 'RXCSUM', ['rxcsum'], 'the card verifies checksums of received IPv4 packets'),
  c(IFCAP_TXCSUM, 'TXCSUM', ['txcsum'], 'the card inserts checksums into sent IPv4 packets'),
  c(IFCAP_NETCONS, 'NETCONS', ['netcons'], 'can serve as a network console'),
  c(IFCAP_VLAN_MTU, 'VLAN_MTU', ['vlanmtu'], 'frames may be four bytes longer to carry a VLAN tag'),
  c(IFCAP_VLAN_HWTAGGING, 'VLAN_HWTAGGING', ['vlanhwtag'], 'the card inserts and removes VLAN tags'),
  c(IFCAP_JUMBO_MTU, 'JUMBO_MTU', [], 'frames of up to 9000 bytes'),
  c(IFCAP_POLLING, 'POLLING', ['polling'], 'polled instead of interrupting'),
  c(IFCAP_VLAN_HWCSUM, 'VLAN_HWCSUM', ['vlanhwcsum'], 'checksums are done by the card inside VLAN frames too'),
  c(IFCAP_TSO4, 'TSO4', ['tso4', 'tso'], 'the card cuts large TCP/IPv4 sends into segments'),
  c(IFCAP_TSO6, 'TSO6', ['tso6', 'tso'], 'the card cuts large TCP/IPv6 sends into segments'),
  c(IFCAP_LRO, 'LRO', ['lro'], 'received segments are joined before the stack sees them'),
  c(IFCAP_WOL_UCAST, 'WOL_UCAST', ['wol_ucast', 'wol'], 'wakes on a unicast frame'),
  c(IFCAP_WOL_MCAST, 'WOL_MCAST', ['wol_mcast', 'wol'], 'wakes on a multicast frame'),
  c(IFCAP_WOL_MAGIC, 'WOL_MAGIC', ['wol_magic', 'wol'], 'wakes on a magic packet'),
  c(IFCAP_TOE4, 'TOE4', ['toe'], 'the card runs TCP/IPv4 connections itself'),
  c(IFCAP_TOE6, 'TOE6', ['toe'], 'the card runs TCP/IPv6 connections itself'),
  c(IFCAP_VLAN_HWFILTER, 'VLAN_HWFILTER', ['vlanhwfilter'], 'the card drops frames of unknown VLANs'),
  c(IFCAP_VLAN_HWTSO, 'VLAN_HWTSO', ['vlanhwtso'], 'segmentation by the card works inside VLAN frames too'),
  c(IFCAP_LINKSTATE, 'LINKSTATE', [], 'reports changes of the link'),
  c(IFCAP_NETMAP, 'NETMAP', [], 'can be used by netmap(4)'),
  c(IFCAP_RXCSUM_IPV6, 'RXCSUM_IPV6', ['rxcsum6'], 'the card verifies checksums of received IPv6 packets'),
  c(IFCAP_TXCSUM_IPV6, 'TXCSUM_IPV6', ['txcsum6'], 'the card inserts checksums into sent IPv6 packets'),
  c(IFCAP_HWSTATS, '', [], 'the card counts packets and bytes itself'),
  c(IFCAP_TXRTLMT, 'TXRTLMT', ['txrtlmt'], 'the card limits the rate of single connections'),
  c(IFCAP_HWRXTSTMP, 'HWRXTSTMP', ['hwrxtstmp'], 'the card stamps the arrival time of packets'),
  c(IFCAP_NOMAP, 'NOMAP', ['nomap'], 'packets may hold unmapped pages: the card needs physical addresses only'),
]

function c(bit: number, printed: string, keywords: readonly string[], description: string): CapabilityDeclaration {
  return { bit, printed, keywords, description }
}

/** Bits that a keyword of ifconfig(8) changes (without its leading `-`), or 0 if it is not a capability keyword. */
export function capabilityBits(keyword: string): number {
  let bits = 0
  for (const entry of capabilityTable) if (entry.keywords.includes(keyword)) bits |= entry.bit
  return bits
}

/** Every capability keyword, each once, in ascending order of the bits. */
export function capabilityKeywords(): string[] {
  return [...new Set(capabilityTable.flatMap((entry) => entry.keywords))]
}

/** if_link_state */
export const LINK_STATE_UNKNOWN = 0
export const LINK_STATE_DOWN = 1
export const LINK_STATE_UP = 2

/** if_type */
export const IFT_ETHER = 6
export const IFT_LOOP = 24
export const IFT_L2VLAN = 135
/** An Ethernet or vlan interface while it is a port of a lagg. */
export const IFT_IEEE8023ADLAG = 161

/** Smallest and largest MTU that SIOCSIFMTU lets through to the driver. */
export const IF_MINMTU = 72
export const IF_MAXMTU = 65535
export const ETHERMTU = 1500
export const ETHER_HDR_LEN = 14
export const ETHER_VLAN_ENCAP_LEN = 4

/** Names of the counters, as in ift_counter of sys/net/if.h. */
export const interfaceCounters = [
  'if_ipackets',
  'if_ierrors',
  'if_iqdrops',
  'if_ibytes',
  'if_imcasts',
  'if_noproto',
  'if_opackets',
  'if_oerrors',
  'if_oqdrops',
  'if_obytes',
  'if_omcasts',
  'if_collisions',
] as const

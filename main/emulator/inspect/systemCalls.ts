/**
 * What a program on an emulated host can ask of its kernel, for the commands of the console: a narrow set of "system calls" over interfaces, sysctls,
 * zones, sockets and messages. Reads copy plain data out; writes go the way of the kernel (`ifioctl`, `sysctl_root`) with its checks and errnos.
 */
import type { Kernel } from '../kernel'
import type { SysctlOid, SysctlValue } from '../kern/kern_sysctl'
import {
  addressesOf,
  capabilityTable,
  if_getcounter,
  ifioctl,
  ifunit,
  interfaces,
  if_name,
  interfaceFlagNames,
  type CapabilityDeclaration,
  type Ifreq,
  type InterfaceCounter,
} from '../net/if'
import { lagg_clone_create, lagg_clone_destroy } from '../net/if_lagg'
import { vlan_clone_create, vlan_clone_destroy, vlanOf } from '../net/if_vlan'
import { portOf, softcOf } from '../net/laggPorts'
import { EINVAL } from '../sys/errno'
import { addressText } from '../netinet/in_ifaddr'
import { INP_IPV6, INP_TIMEWAIT } from '../netinet/in_pcb'
import { tcpstates, TT_2MSL, TT_COUNT, TT_DELACK, TT_KEEP, TT_PERSIST, TT_REXMT } from '../netinet/tcp_var'
import { addresses6Of, nd6_flags, type In6Address } from '../netinet6/in6_ifaddr'
import * as sockio from '../sys/sockio'
import type { ZoneRow } from '../vm/uma_core'
import { chainEntries, drawByName, type ChainEntry } from './chainList'
import type { ChainDrawing } from './chainText'

export type IoctlName = keyof typeof sockio

/** An interface as getifaddrs(3) shows it. */
export interface InterfaceInfo {
  name: string
  /** Position in the kernel's table, from 1: `<Link#N>`. */
  index: number
  /** if_type: 6 Ethernet, 24 loopback, 135 VLAN, 161 port of a lagg. */
  type: number
  /** Link-level address, `00:07:43:00:00:01`; '' where there is none. */
  lladdr: string
  /** The address that the hardware came with, where a lagg has given its port another one; else ''. */
  hwaddr: string
  /** Groups other than `all`. */
  groups: string[]
  /** ND6_IFF_* bits: IFDISABLED until the interface has an IPv6 address. */
  nd6: number
  /** IPv4, host order, in the order given. */
  addresses: { address: number; netmask: number; broadcast: number }[]
  /** IPv6, in the order given. */
  addresses6: In6Address[]
}

/** A socket buffer as struct xsockbuf shows it. */
export interface SockbufInfo {
  sb_cc: number
  sb_hiwat: number
  sb_lowat: number
  sb_mcnt: number
  sb_ccnt: number
  sb_mbcnt: number
  sb_mbmax: number
}

/** A TCP socket as the list net.inet.tcp.pcblist shows it. Addresses in host order, 0 = any. Timers in ms until they fire, 0 = not running. */
export interface SocketInfo {
  /** Row of the control block: its "address". */
  pcb: number
  laddr: number
  lport: number
  faddr: number
  fport: number
  /** IPv6: the addresses as text, '' = any; laddr and faddr are 0. */
  inet6?: { laddr: string; faddr: string }
  state: string
  offloaded: boolean
  rcv: SockbufInfo
  snd: SockbufInfo
  /** Listen queue: complete, incomplete, limit. */
  qlen: number
  incqlen: number
  qlimit: number
  timers: { rexmt: number; persist: number; keep: number; msl2: number; delack: number; rcvtime: number }
  retransmitted: number
  outOfOrder: number
  zeroWindow: number
  flowid: number
  flowtype: number
}

/** The sysctl tree as sysctl(3) reaches it. */
export interface SysctlCalls {
  find(name: string): SysctlOid | undefined
  /** Leaves below a node in the order of OIDs; without names flagged SKIP. */
  list(name?: string): SysctlOid[]
  childrenOf(name?: string): readonly SysctlOid[]
  read(oid: SysctlOid): SysctlValue
  /** 0 or errno. */
  write(oid: SysctlOid, value: number | string): number
  isWritable(oid: SysctlOid): boolean
  isTunable(oid: SysctlOid): boolean
}

export interface SystemCalls {
  /** Virtual time, ns since boot. */
  now(): number
  hostname(): string
  cpuCount(): number
  /** ioctl(2) on an interface: 0 or errno, `request` is filled. */
  ioctl(command: IoctlName, name: string, request: Ifreq): number
  /** SIOCIFCREATE2: vlan(4) and lagg(4) can be cloned. `vlan` alone takes the lowest free number. `name` is the one made, '' on an error. */
  createInterface(name: string): { error: number; name: string }
  /** SIOCIFDESTROY: 0 or errno. */
  destroyInterface(name: string): number
  /** SIOCIFGCLONERS: what can be cloned now; if_lagg is a module that the first lagg loads. */
  cloners(): string[]
  interfaces(): InterfaceInfo[]
  counter(name: string, counter: InterfaceCounter): number
  readonly capabilities: readonly CapabilityDeclaration[]
  readonly flagNames: readonly { bit: number; name: string }[]
  readonly sysctl: SysctlCalls
  /** Zones in order of creation: vm.zone_stats. */
  zones(): ZoneRow[]
  sockets(): SocketInfo[]
  /** Chains of mbufs: socket buffers and transmit queues. No call of FreeBSD: only the lab can look there. */
  readonly chains: {
    list(): ChainEntry[]
    /** Draws chains by name, at most `limit` mbufs each; null if one is not there. */
    draw(names: readonly string[], limit?: number): ChainDrawing | null
  }
  /** Message buffer, oldest first, lines without newline. */
  messages(): readonly string[]
}

export type { CapabilityDeclaration, Ifreq, InterfaceCounter, SysctlOid, SysctlValue, ZoneRow }
export type { MediaStatus } from '../net/if_media'

/** The system calls of one host. Holds no state of its own. */
export function systemCalls(k: Kernel): SystemCalls {
  const tree = k.sysctl
  return {
    now: () => k.machine.time,
    hostname: () => {
      const oid = tree.find('kern.hostname')
      return oid === undefined ? k.config.name : String(tree.read(oid))
    },
    cpuCount: () => k.cpu.count,
    ioctl: (command, name, request) => ifioctl(k, name, sockio[command], request),
    createInterface: (name) => createInterface(k, name),
    destroyInterface: (name) =>
      softcOf(k, ifunit(k, name)) !== 0 ? lagg_clone_destroy(k, name) : vlan_clone_destroy(k, name),
    cloners: () => ((k.ifnet.lagg?.ctl.live ?? 0) === 0 ? ['vlan'] : ['lagg', 'vlan']),
    interfaces: () => interfaces(k).map((ifp) => interfaceInfo(k, ifp)),
    counter: (name, counter) => if_getcounter(k, ifunit(k, name), counter),
    capabilities: capabilityTable,
    flagNames: interfaceFlagNames,
    sysctl: {
      find: (name) => tree.find(name),
      list: (name) => tree.list(name),
      childrenOf: (name) => tree.childrenOf(name),
      read: (oid) => tree.read(oid),
      write: (oid, value) => tree.write(oid, value),
      isWritable: (oid) => tree.isWritable(oid),
      isTunable: (oid) => tree.isTunable(oid),
    },
    zones: () => k.uma.zones(),
    sockets: () => sockets(k),
    chains: { list: () => chainEntries(k), draw: (names, limit) => drawByName(k, names, { limit }) },
    messages: () => k.msgbuf.lines,
  }
}

/** Source: if_clone_create, ifc_simple_create in sys/net/if_clone.c (derived). */
function createInterface(k: Kernel, name: string): { error: number; name: string } {
  const cloner = (['vlan', 'lagg'] as const).find((word) => name.startsWith(word))
  if (cloner === undefined) return { error: EINVAL, name: '' }
  let wanted = name
  for (let unit = 0; wanted === cloner; unit++) if (ifunit(k, `${cloner}${unit}`) === 0) wanted = `${cloner}${unit}`
  const error = cloner === 'vlan' ? vlan_clone_create(k, wanted) : lagg_clone_create(k, wanted)
  return { error, name: error === 0 ? wanted : '' }
}

function interfaceInfo(k: Kernel, ifp: number): InterfaceInfo {
  const t = k.ifnet
  const lladdr = lladdrText(t.if_lladdr, ifp)
  const lp = portOf(k, ifp)
  const own = lp === 0 || vlanOf(k, ifp) !== 0 ? '' : lladdrText(t.lagg!.port.lp_lladdr, lp)
  // Loopback has no link-level address; a vlan without parent shows zeros.
  const hasAddress = t.if_type[ifp] !== 24
  return {
    name: if_name(k, ifp),
    index: ifp,
    type: t.if_type[ifp],
    lladdr: hasAddress ? lladdr : '',
    hwaddr: own === lladdr ? '' : own,
    groups: [...(t.text.groups[ifp] ?? [])],
    nd6: nd6_flags(k, ifp),
    addresses: addressesOf(k, ifp),
    addresses6: addresses6Of(k, ifp),
  }
}

function lladdrText(column: Uint8Array, row: number): string {
  return [...column.subarray(row * 6, row * 6 + 6)].map((byte) => byte.toString(16).padStart(2, '0')).join(':')
}

const emptyBuffer: SockbufInfo = {
  sb_cc: 0,
  sb_hiwat: 0,
  sb_lowat: 0,
  sb_mcnt: 0,
  sb_ccnt: 0,
  sb_mbcnt: 0,
  sb_mbmax: 0,
}

function sockbufInfo(k: Kernel, sb: number): SockbufInfo {
  const t = k.sb
  if (sb === 0) return emptyBuffer
  return {
    sb_cc: t.sb_ccc[sb],
    sb_hiwat: t.sb_hiwat[sb],
    sb_lowat: t.sb_lowat[sb],
    sb_mcnt: t.sb_mcnt[sb],
    sb_ccnt: t.sb_ccnt[sb],
    sb_mbcnt: t.sb_mbcnt[sb],
    sb_mbmax: t.sb_mbmax[sb],
  }
}

/** Listening sockets and connections, the youngest first as in the kernel's list. Source: tcp_pcblist in sys/netinet/tcp_subr.c (derived). */
function sockets(k: Kernel): SocketInfo[] {
  const p = k.inet.inp
  const rows: number[] = []
  for (let inp = p.info.listen; inp !== 0; inp = p.inp_listnext[inp]) rows.push(inp)
  for (let bucket = 0; bucket < p.hash.length; bucket++)
    for (let inp = p.hash[bucket]; inp !== 0; inp = p.inp_hash[inp]) rows.push(inp)
  const born = (inp: number): number =>
    (p.inp_flags[inp] & INP_TIMEWAIT) !== 0 ? 0 : k.inet.tcp.t_born[p.inp_ppcb[inp]]
  rows.sort((a, b) => born(b) - born(a) || b - a)
  return rows.map((inp) => socketInfo(k, inp))
}

function socketInfo(k: Kernel, inp: number): SocketInfo {
  const p = k.inet.inp
  const t = k.inet.tcp
  const s = k.so
  const so = p.inp_socket[inp]
  const waits = (p.inp_flags[inp] & INP_TIMEWAIT) !== 0
  // Row 0 of every table is all zeros: what TIME_WAIT has no control block for reads as 0.
  const tp = waits ? 0 : p.inp_ppcb[inp]
  const now = k.machine.time
  const left = (timer: number): number => {
    const at = tp === 0 ? 0 : t.t_timer[tp * TT_COUNT + timer]
    return at === 0 ? 0 : Math.max(0, Math.floor((at - now) / 1e6))
  }
  const listening = p.inp_listening[inp] !== 0
  const isipv6 = (p.inp_flags[inp] & INP_IPV6) !== 0
  const text6 = (address: number): string => (address === 0 ? '' : addressText(k, address))
  return {
    pcb: inp,
    laddr: isipv6 ? 0 : p.inp_laddr[inp],
    lport: p.inp_lport[inp],
    faddr: isipv6 ? 0 : p.inp_faddr[inp],
    fport: p.inp_fport[inp],
    ...(isipv6 && { inet6: { laddr: text6(p.inp_laddr[inp]), faddr: text6(p.inp_faddr[inp]) } }),
    state: waits ? 'TIME_WAIT' : tcpstates[t.t_state[tp]],
    offloaded: false,
    rcv: so === 0 ? emptyBuffer : sockbufInfo(k, s.so_rcv[so]),
    snd: so === 0 ? emptyBuffer : sockbufInfo(k, s.so_snd[so]),
    qlen: listening && so !== 0 ? s.so_qlen[so] : 0,
    incqlen: 0, // half-open connections wait in the syncache, not here
    qlimit: listening && so !== 0 ? s.so_qlimit[so] : 0,
    timers: {
      delack: left(TT_DELACK),
      rexmt: left(TT_REXMT),
      persist: left(TT_PERSIST),
      keep: left(TT_KEEP),
      msl2: left(TT_2MSL),
      rcvtime: tp === 0 ? 0 : Math.max(0, ((Math.floor(now / 1e6) + 1) | 0) - t.t_rcvtime[tp]),
    },
    retransmitted: tp === 0 ? 0 : t.t_sndrexmitpack[tp],
    outOfOrder: tp === 0 ? 0 : t.t_rcvoopack[tp],
    zeroWindow: tp === 0 ? 0 : t.t_sndzerowin[tp],
    flowid: p.inp_flowid[inp],
    flowtype: p.inp_flowtype[inp],
  }
}

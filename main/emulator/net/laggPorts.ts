/**
 * The ports of a lagg: coming, leaving, link state. A port keeps its driver; while it is one, its type says so, its ioctls pass lagg_port_ioctl, what it
 * receives is the lagg's, and the stack cannot send on it. Source: sys/net/if_lagg.c lagg_port_create, lagg_port_destroy, lagg_port_ifdetach,
 * lagg_linkstate, lagg_port_state (read). Not modelled: promiscuous mode and multicast addresses of ports, which nothing filters.
 */
import type { Kernel } from '../kernel'
import { EBUSY, EEXIST, EINVAL, ENOENT, ENOSPC, ENXIO, EPROTONOSUPPORT } from '../sys/errno'
import { SIOCSIFMTU } from '../sys/sockio'
import { if_getcounter, if_link_state_change, if_name, if_setlladdr, iflladdr_event, type Ifreq, ifunit } from './if'
import {
  IFT_ETHER,
  IFT_IEEE8023ADLAG,
  IFT_L2VLAN,
  interfaceCounters,
  LINK_STATE_DOWN,
  LINK_STATE_UP,
} from './ifConstants'
import { vlan_trunk_capabilities } from './if_vlan'
import { lagg_capabilities, lagg_setcaps } from './laggCapabilities'
import { lagg_lb_porttable } from './laggProtocols'
import { LAGG_MAX_PORTS, LAGG_PROTO_FAILOVER, LAGG_PROTO_NONE } from './laggTables'

const COUNTERS = interfaceCounters.length

/** Row of the aggregate of an interface, or 0 if it is none. */
export function softcOf(k: Kernel, ifp: number): number {
  const { lagg } = k.ifnet
  return lagg !== null && k.ifnet.if_driver[ifp] === lagg.driver ? k.ifnet.if_softc[ifp] : 0
}

/** Row of the port that an interface is, or 0 if it is none: if_lagg. */
export function portOf(k: Kernel, ifp: number): number {
  if (k.ifnet.if_type[ifp] !== IFT_IEEE8023ADLAG) return 0
  const { port } = k.ifnet.lagg!
  let lp = port.high - 1
  while (lp > 0 && port.lp_ifp[lp] !== ifp) lp--
  return lp
}

/** Rows of the ports of an aggregate, in the order of interface numbers. */
export function portsOf(k: Kernel, sc: number): number[] {
  const { sc: t, port } = k.ifnet.lagg!
  const rows: number[] = []
  for (let lp = t.sc_ports[sc]; lp !== 0; lp = port.lp_entries[lp]) rows.push(lp)
  return rows
}

/** The driver's own ioctl of a port, past {@link lagg_port_ioctl}: lp_ioctl. */
export function lp_ioctl(k: Kernel, lp: number, command: number, ifr: Ifreq): number {
  const ifp = k.ifnet.lagg!.port.lp_ifp[lp]
  return k.ifnet.drivers[k.ifnet.if_driver[ifp]].if_ioctl?.(k, ifp, command, ifr) ?? ENXIO
}

/**
 * Makes an interface a port. The first one gives the lagg its MTU and address, the others take them from it.
 * EINVAL: a lagg. ENOSPC: 32 ports. EEXIST: is one already. EBUSY: of another lagg. EPROTONOSUPPORT: not Ethernet. Else what its driver says to the MTU.
 */
export function lagg_port_create(k: Kernel, sc: number, ifp: number): number {
  const n = k.ifnet
  const { sc: t, port } = n.lagg!
  const lagg = t.sc_ifp[sc]
  if (lagg === ifp) {
    k.printf(`${if_name(k, lagg)}: cannot add a lagg to itself as a port`)
    return EINVAL
  }
  if (t.sc_count[sc] >= LAGG_MAX_PORTS) return ENOSPC
  const already = portOf(k, ifp)
  if (already !== 0) return port.lp_softc[already] === sc ? EEXIST : EBUSY
  if (n.if_type[ifp] !== IFT_ETHER && n.if_type[ifp] !== IFT_L2VLAN) return EPROTONOSUPPORT
  const first = t.sc_ports[sc] === 0
  if (softcOf(k, ifp) !== 0) {
    // The MTU is set before the kernel looks whether it is a lagg itself.
    if (first) n.if_mtu[lagg] = n.if_mtu[ifp]!
    return EINVAL
  }
  if (first) n.if_mtu[lagg] = n.if_mtu[ifp]!
  else if (n.if_mtu[lagg] !== n.if_mtu[ifp]) {
    const driver = n.drivers[n.if_driver[ifp]]
    const error = driver.if_ioctl?.(k, ifp, SIOCSIFMTU, { ifr_mtu: n.if_mtu[lagg] }) ?? EINVAL
    if (error !== 0) {
      k.printf(`${if_name(k, lagg)}: invalid MTU for ${if_name(k, ifp)}`)
      return error
    }
  }
  const lp = port.alloc()
  port.lp_ifp[lp] = ifp
  port.lp_softc[lp] = sc
  port.lp_detaching[lp] = 0
  port.lp_ifcapenable[lp] = n.if_capenable[ifp]!
  port.lp_iftype[lp] = n.if_type[ifp]!
  for (let i = 0; i < 6; i++) port.lp_lladdr[lp * 6 + i] = n.if_lladdr[ifp * 6 + i]!
  interfaceCounters.forEach((counter, i) => (port.port_counters[lp * COUNTERS + i] = if_getcounter(k, ifp, counter)))
  if (first) {
    n.if_lladdr.copyWithin(lagg * 6, ifp * 6, ifp * 6 + 6)
    iflladdr_event(k, lagg)
    t.sc_primary[sc] = lp
  } else if_setlladdr(k, ifp, n.if_lladdr.slice(lagg * 6, lagg * 6 + 6))
  n.if_type[ifp] = IFT_IEEE8023ADLAG
  let before = 0
  for (let other = t.sc_ports[sc]; other !== 0 && port.lp_ifp[other] < ifp; other = port.lp_entries[other])
    before = other
  if (before === 0) {
    port.lp_entries[lp] = t.sc_ports[sc]!
    t.sc_ports[sc] = lp
  } else {
    port.lp_entries[lp] = port.lp_entries[before]!
    port.lp_entries[before] = lp
  }
  t.sc_count[sc]++
  lagg_lb_porttable(k, sc, 0)
  lagg_capabilities(k, sc)
  lagg_linkstate(k, sc)
  return 0
}

/** Lets a port go: type, address and what it had on are as before. */
export function lagg_port_destroy(k: Kernel, lp: number): void {
  const n = k.ifnet
  const { sc: t, port } = n.lagg!
  const sc = port.lp_softc[lp]
  const ifp = port.lp_ifp[lp]
  lagg_lb_porttable(k, sc, lp)
  n.if_type[ifp] = port.lp_iftype[lp]!
  interfaceCounters.forEach((counter, i) => {
    t.detached_counters[sc * COUNTERS + i] += if_getcounter(k, ifp, counter) - port.port_counters[lp * COUNTERS + i]
  })
  if (t.sc_ports[sc] === lp) t.sc_ports[sc] = port.lp_entries[lp]!
  for (const other of portsOf(k, sc)) if (port.lp_entries[other] === lp) port.lp_entries[other] = port.lp_entries[lp]!
  t.sc_count[sc]--
  if (t.sc_primary[sc] === lp) {
    const next = t.sc_ports[sc]
    const lladdr = next === 0 ? new Uint8Array(6) : port.lp_lladdr.slice(next * 6, next * 6 + 6)
    t.sc_primary[sc] = next
    if (t.sc_destroying[sc] === 0) {
      n.if_lladdr.set(lladdr, t.sc_ifp[sc] * 6)
      iflladdr_event(k, t.sc_ifp[sc])
    }
    for (const other of portsOf(k, sc)) if_setlladdr(k, port.lp_ifp[other], lladdr)
  }
  if (port.lp_detaching[lp] === 0) {
    lagg_setcaps(k, lp, port.lp_ifcapenable[lp])
    if_setlladdr(k, ifp, port.lp_lladdr.slice(lp * 6, lp * 6 + 6))
  }
  port.lp_ifp[lp] = 0
  port.free(lp)
  lagg_capabilities(k, sc)
  lagg_linkstate(k, sc)
}

/** An interface that goes away leaves its lagg. Source: lagg_port_ifdetach. */
export function lagg_port_ifdetach(k: Kernel, ifp: number): void {
  const lp = portOf(k, ifp)
  if (lp === 0) return
  const { port, sc: t } = k.ifnet.lagg!
  const sc = port.lp_softc[lp]
  port.lp_detaching[lp] = 1
  lagg_port_destroy(k, lp)
  vlan_trunk_capabilities(k, t.sc_ifp[sc])
}

/** The link is up while that of one port is. Source: lagg_linkstate, called by lagg_port_state when that of a port changes. */
export function lagg_linkstate(k: Kernel, sc: number): void {
  const n = k.ifnet
  const { sc: t, port } = n.lagg!
  const ifps = portsOf(k, sc).map((lp) => port.lp_ifp[lp])
  const ifp = t.sc_ifp[sc]
  if_link_state_change(
    k,
    ifp,
    ifps.some((one) => n.if_link_state[one] === LINK_STATE_UP) ? LINK_STATE_UP : LINK_STATE_DOWN,
  )
  if (t.sc_proto[sc] === LAGG_PROTO_FAILOVER)
    n.if_baudrate[ifp] = t.sc_primary[sc] === 0 ? 0 : n.if_baudrate[port.lp_ifp[t.sc_primary[sc]]]
  else if (t.sc_proto[sc] !== LAGG_PROTO_NONE)
    n.if_baudrate[ifp] = ifps.reduce((sum, one) => sum + n.if_baudrate[one], 0)
}

/** Source: lagg_port_state. */
export function lagg_port_state(k: Kernel, ifp: number): void {
  const lp = portOf(k, ifp)
  if (lp !== 0) lagg_linkstate(k, k.ifnet.lagg!.port.lp_softc[lp])
}

/** The port named in a request if it belongs to `sc`. @returns its row, or −errno: EINVAL no such interface, ENOENT not a port of this lagg. */
export function namedPort(k: Kernel, sc: number, name: string): number {
  const ifp = ifunit(k, name)
  if (name === '' || ifp === 0) return -EINVAL
  const lp = portOf(k, ifp)
  return lp !== 0 && k.ifnet.lagg!.port.lp_softc[lp] === sc ? lp : -ENOENT
}

/**
 * Ioctls of a lagg and of its ports. Source: sys/net/if_lagg.c lagg_ioctl, lagg_port_ioctl, lagg_port2req (read). Some of what they do is odd and is
 * kept: an error of a port in SIOCSIFCAP is not told, any option of a round robin sets its stride, `-use_flowid` clears every option.
 */
import type { Kernel } from '../kernel'
import { in6_ifaddrs, in6_ifdetach } from '../netinet6/in6_ifaddr'
import { EINVAL, EPROTONOSUPPORT } from '../sys/errno'
import { MBUF_HASHFLAG_L2, MBUF_HASHFLAG_L3, MBUF_HASHFLAG_L4 } from '../sys/mbuf'
import {
  SIOCGLAGG,
  SIOCGLAGGFLAGS,
  SIOCGLAGGOPTS,
  SIOCGLAGGPORT,
  SIOCSIFCAP,
  SIOCSIFFLAGS,
  SIOCSIFMEDIA,
  SIOCSIFMTU,
  SIOCSLAGG,
  SIOCSLAGGDELPORT,
  SIOCSLAGGHASH,
  SIOCSLAGGOPTS,
  SIOCSLAGGPORT,
} from '../sys/sockio'
import { ether_ioctl, if_name, if_setlladdr, type Ifreq, ifunit, type LaggPortInfo } from './if'
import { IFF_DRV_RUNNING, IFF_UP } from './ifConstants'
import { vlan_trunk_capabilities } from './if_vlan'
import { lagg_capabilities } from './laggCapabilities'
import { lagg_port_create, lagg_port_destroy, lp_ioctl, namedPort, portOf, portsOf } from './laggPorts'
import { lagg_link_active, lagg_proto_attach, lagg_proto_detach, portActive } from './laggProtocols'
import {
  LAGG_F_HASHL2,
  LAGG_F_HASHL3,
  LAGG_F_HASHL4,
  LAGG_F_HASHMASK,
  LAGG_OPT_FLOWIDSHIFT,
  LAGG_OPT_USE_FLOWID,
  LAGG_OPT_USE_NUMA,
  LAGG_PORT_ACTIVE,
  LAGG_PORT_MASTER,
  LAGG_PROTO_FAILOVER,
  LAGG_PROTO_LACP,
  LAGG_PROTO_MAX,
  LAGG_PROTO_NONE,
  LAGG_PROTO_ROUNDROBIN,
} from './laggTables'

/** rf_flags to the flags of the hash, and back. */
const layers = [
  { flag: LAGG_F_HASHL2, hash: MBUF_HASHFLAG_L2 },
  { flag: LAGG_F_HASHL3, hash: MBUF_HASHFLAG_L3 },
  { flag: LAGG_F_HASHL4, hash: MBUF_HASHFLAG_L4 },
] as const

/** A port as ifconfig(8) sees it. Source: lagg_port2req. */
function lagg_port2req(k: Kernel, lp: number): LaggPortInfo {
  const { sc: t, port } = k.ifnet.lagg!
  const sc = port.lp_softc[lp]
  let flags = 0
  if (t.sc_proto[sc] === LAGG_PROTO_FAILOVER) {
    if (lp === t.sc_primary[sc]) flags |= LAGG_PORT_MASTER
    if (lp === lagg_link_active(k, sc, t.sc_primary[sc])) flags |= LAGG_PORT_ACTIVE
  } else if (t.sc_proto[sc] !== LAGG_PROTO_NONE && portActive(k, lp)) flags |= LAGG_PORT_ACTIVE
  return { rp_portname: if_name(k, port.lp_ifp[lp]), rp_flags: flags }
}

/** Ioctls of an interface while it is a port: its driver's, but for MTU, which is the lagg's, and capabilities, which the lagg follows. */
export function lagg_port_ioctl(k: Kernel, ifp: number, command: number, ifr: Ifreq): number {
  const { port, sc: t } = k.ifnet.lagg!
  const lp = portOf(k, ifp)
  switch (command) {
    case SIOCGLAGGPORT:
      if (ifr.rp_portname !== if_name(k, ifp)) return EINVAL
      Object.assign(ifr, lagg_port2req(k, lp))
      return 0
    case SIOCSIFCAP: {
      const error = lp_ioctl(k, lp, command, ifr)
      if (error !== 0) return error
      const sc = port.lp_softc[lp]
      lagg_capabilities(k, sc)
      vlan_trunk_capabilities(k, t.sc_ifp[sc])
      return 0
    }
    case SIOCSIFMTU:
      return EINVAL
    default:
      return lp_ioctl(k, lp, command, ifr)
  }
}

export function lagg_ioctl(k: Kernel, ifp: number, command: number, ifr: Ifreq): number {
  const { sc: t } = k.ifnet.lagg!
  const sc = k.ifnet.if_softc[ifp]
  switch (command) {
    case SIOCGLAGG:
      ifr.ra_proto = t.sc_proto[sc]!
      ifr.ra_port = portsOf(k, sc).map((lp) => lagg_port2req(k, lp))
      return 0
    case SIOCSLAGG: {
      const proto = ifr.ra_proto ?? LAGG_PROTO_MAX
      // The kernel has LACP; here it is as unknown as a number beyond the last one.
      if (proto >= LAGG_PROTO_MAX || proto === LAGG_PROTO_LACP) return EPROTONOSUPPORT
      lagg_proto_detach(k, sc)
      lagg_proto_attach(k, sc, proto)
      return 0
    }
    case SIOCGLAGGOPTS:
      ifr.ro_opts = t.sc_opts[sc]!
      ifr.ro_active = portsOf(k, sc).filter((lp) => portActive(k, lp)).length
      ifr.ro_bkt = t.sc_bkt[sc]!
      // LACP alone counts flapping.
      ifr.ro_flapping = 0
      ifr.ro_flowid_shift = t.flowid_shift[sc]!
      return 0
    case SIOCSLAGGOPTS:
      return setOptions(k, sc, ifr)
    case SIOCGLAGGFLAGS:
      ifr.rf_flags = layers.reduce((all, { flag, hash }) => all | ((t.sc_flags[sc] & hash) !== 0 ? flag : 0), 0)
      return 0
    case SIOCSLAGGHASH: {
      const wanted = ifr.rf_flags ?? 0
      if ((wanted & LAGG_F_HASHMASK) === 0) return EINVAL
      t.sc_flags[sc] = layers.reduce((all, { flag, hash }) => all | ((wanted & flag) !== 0 ? hash : 0), 0)
      return 0
    }
    case SIOCGLAGGPORT: {
      const lp = namedPort(k, sc, ifr.rp_portname ?? '')
      if (lp < 0) return -lp
      Object.assign(ifr, lagg_port2req(k, lp))
      return 0
    }
    case SIOCSLAGGPORT: {
      const wanted = ifunit(k, ifr.rp_portname ?? '')
      if (wanted === 0) return EINVAL
      if (in6_ifaddrs(k, wanted).length > 0) {
        in6_ifdetach(k, wanted)
        k.printf(
          `${if_name(k, ifp)}: IPv6 addresses on ${if_name(k, wanted)} have been removed before adding it as a member to prevent IPv6 address scope violation.`,
        )
      }
      const error = lagg_port_create(k, sc, wanted)
      vlan_trunk_capabilities(k, ifp)
      return error
    }
    case SIOCSLAGGDELPORT: {
      const lp = namedPort(k, sc, ifr.rp_portname ?? '')
      if (lp < 0) return -lp
      lagg_port_destroy(k, lp)
      vlan_trunk_capabilities(k, ifp)
      return 0
    }
    case SIOCSIFFLAGS:
      if ((k.ifnet.if_flags[ifp] & IFF_UP) === 0) k.ifnet.if_drv_flags[ifp] &= ~IFF_DRV_RUNNING
      else lagg_init(k, sc)
      return 0
    case SIOCSIFMEDIA:
      // lagg_media_change takes the one there is and does nothing.
      return 0
    case SIOCSIFCAP:
      for (const lp of portsOf(k, sc)) lp_ioctl(k, lp, command, ifr)
      lagg_capabilities(k, sc)
      vlan_trunk_capabilities(k, ifp)
      return 0
    case SIOCSIFMTU:
      return setMtu(k, sc, ifr.ifr_mtu ?? 0)
    default:
      return ether_ioctl(k, ifp, command, ifr)
  }
}

/** Source: lagg_init: ports whose address is not the lagg's get it. */
function lagg_init(k: Kernel, sc: number): void {
  const n = k.ifnet
  const { sc: t, port } = n.lagg!
  const ifp = t.sc_ifp[sc]
  if ((n.if_drv_flags[ifp] & IFF_DRV_RUNNING) !== 0) return
  n.if_drv_flags[ifp] |= IFF_DRV_RUNNING
  const lladdr = n.if_lladdr.slice(ifp * 6, ifp * 6 + 6)
  for (const lp of portsOf(k, sc)) {
    const at = port.lp_ifp[lp] * 6
    if (lladdr.some((byte, i) => byte !== n.if_lladdr[at + i])) if_setlladdr(k, port.lp_ifp[lp], lladdr)
  }
}

/** All ports take the MTU, or all go back to the one before. */
function setMtu(k: Kernel, sc: number, mtu: number): number {
  const n = k.ifnet
  const { sc: t, port } = n.lagg!
  const ifp = t.sc_ifp[sc]
  const ports = portsOf(k, sc)
  for (const lp of ports) {
    const error = lp_ioctl(k, lp, SIOCSIFMTU, { ifr_mtu: mtu })
    if (error === 0) continue
    const before = n.if_mtu[ifp]
    k.printf(
      `${if_name(k, ifp)}: failed to change MTU to ${mtu} on port ${if_name(k, port.lp_ifp[lp])}, reverting all ports to original MTU (${before})`,
    )
    for (const other of ports) lp_ioctl(k, other, SIOCSIFMTU, { ifr_mtu: before })
    return error
  }
  n.if_mtu[ifp] = mtu
  return 0
}

/** SIOCSLAGGOPTS: one option a call, negative to clear it. Those of LACP need LACP. */
function setOptions(k: Kernel, sc: number, ifr: Ifreq): number {
  const { sc: t } = k.ifnet.lagg!
  if (t.sc_proto[sc] === LAGG_PROTO_ROUNDROBIN)
    t.sc_bkt[sc] = ifr.ro_bkt === undefined || ifr.ro_bkt === 0 ? 1 : ifr.ro_bkt
  const option = ifr.ro_opts ?? 0
  if (option === 0) return 0
  if (![LAGG_OPT_USE_FLOWID, LAGG_OPT_USE_NUMA].includes(Math.abs(option)) && option !== LAGG_OPT_FLOWIDSHIFT)
    return EINVAL
  if (option === LAGG_OPT_FLOWIDSHIFT) t.flowid_shift[sc] = ifr.ro_flowid_shift ?? 0
  else if (option > 0) t.sc_opts[sc] |= option
  else t.sc_opts[sc] &= ~option
  return 0
}

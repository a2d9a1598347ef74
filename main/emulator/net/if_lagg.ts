/**
 * lagg(4): several interfaces as one. What is on is what all ports have on, and every port is brought down to that; so one card without NOMAP takes it
 * from the others, and each port gets back what it had when it leaves.
 *
 *   SIOCSIFCAP on the lagg ─► every port ─┐
 *   SIOCSIFCAP on a port ─────────────────┼─► lagg_capabilities: on = on(port 1) ∩ on(port 2) ∩ … ─► every port, until nothing changes
 *   a port comes or leaves ───────────────┘                                                     └─► vlans on the lagg
 *
 * Source: sys/net/if_lagg.c lagg_clone_create, lagg_clone_destroy, lagg_transmit, lagg_input, lagg_get_counter (read). The parts: laggPorts.ts,
 * laggCapabilities.ts, laggProtocols.ts, laggIoctl.ts. LACP is refused: see docs/model.md.
 */
import { m_freem } from '../kern/kern_mbuf'
import type { LaggConfig } from '../config'
import type { Kernel } from '../kernel'
import { functionId } from '../machine/cost'
import { inet_addr } from '../netinet/in'
import { EEXIST, EINVAL, ENXIO, EPERM } from '../sys/errno'
import { MBUF_HASHFLAG_L2, MBUF_HASHFLAG_L3, MBUF_HASHFLAG_L4 } from '../sys/mbuf'
import { SIOCAIFADDR, SIOCSIFFLAGS, SIOCSLAGG, SIOCSLAGGPORT } from '../sys/sockio'
import { if_attach, if_detach, if_getcounter, ifioctl, ifunit, type InterfaceCounter, registerDriver } from './if'
import {
  ETHER_HDR_LEN,
  ETHERMTU,
  IFCAP_HWSTATS,
  IFF_BROADCAST,
  IFF_DRV_RUNNING,
  IFF_MONITOR,
  IFF_MULTICAST,
  IFF_SIMPLEX,
  IFF_UP,
  IFT_ETHER,
  interfaceCounters,
} from './ifConstants'
import { vlan_ifdetach } from './if_vlan'
import { lagg_ioctl } from './laggIoctl'
import { lagg_port_destroy, portOf, portsOf, softcOf } from './laggPorts'
import { lagg_proto_attach, lagg_proto_detach, lagg_proto_input, lagg_proto_start, portActive } from './laggProtocols'
import { declareLaggSysctls, laggTunables } from './laggSysctl'
import {
  createLaggTables,
  LAGG_OPT_USE_FLOWID,
  LAGG_OPT_USE_NUMA,
  LAGG_PROTO_DEFAULT,
  LAGG_PROTO_NONE,
  laggProtocols,
} from './laggTables'

const FN_lagg_transmit = functionId('lagg_transmit')
const COUNTERS = interfaceCounters.length

/** lagg(4) of a host. After createLoopback: the number of its driver comes last. */
export function createLagg(k: Kernel): void {
  k.ifnet.lagg = Object.assign(createLaggTables(k), {
    driver: registerDriver(k, {
      name: 'lagg',
      if_transmit: lagg_transmit,
      if_ioctl: lagg_ioctl,
      if_get_counter: lagg_get_counter,
      if_media_status: (_k, ifp) => ({
        current: { subtype: 'autoselect', options: [] },
        active: { subtype: 'autoselect', options: [] },
        carrier: portsOf(k, softcOf(k, ifp)).some((lp) => portActive(k, lp)),
        supported: [{ subtype: 'autoselect', options: [] }],
      }),
    }),
    initial: laggTunables(k),
  })
  declareLaggSysctls(k)
}

/** Makes a lagg (`ifconfig NAME create`); the first one loads the module. EPERM, EINVAL (no name of a lagg), EEXIST. */
export function lagg_clone_create(k: Kernel, name: string, privileged = true): number {
  if (!privileged) return EPERM
  if (!/^lagg\d{1,5}$/.test(name)) return EINVAL
  if (ifunit(k, name) !== 0) return EEXIST
  const { sc: t, ctl, driver, initial } = k.ifnet.lagg!
  if (ctl.live === 0) {
    const row = ctl.alloc()
    ctl.failover_rx_all[row] = initial.failover_rx_all
    ctl.def_use_flowid[row] = initial.def_use_flowid
    ctl.def_use_numa[row] = initial.def_use_numa
    ctl.def_flowid_shift[row] = initial.def_flowid_shift
  }
  const sc = t.alloc()
  t.sc_count[sc] = 0
  t.sc_primary[sc] = 0
  t.sc_ports[sc] = 0
  t.sc_seq[sc] = 0
  t.sc_bkt[sc] = 0
  t.sc_bkt_count[sc] = 0
  t.sc_destroying[sc] = 0
  t.sc_opts[sc] =
    (ctl.def_use_flowid[1] !== 0 ? LAGG_OPT_USE_FLOWID : 0) | (ctl.def_use_numa[1] !== 0 ? LAGG_OPT_USE_NUMA : 0)
  t.flowid_shift[sc] = ctl.def_flowid_shift[1]!
  t.sc_flags[sc] = MBUF_HASHFLAG_L2 | MBUF_HASHFLAG_L3 | MBUF_HASHFLAG_L4
  t.detached_counters.fill(0, sc * COUNTERS, (sc + 1) * COUNTERS)
  t.sc_proto[sc] = LAGG_PROTO_NONE
  lagg_proto_attach(k, sc, LAGG_PROTO_DEFAULT)
  const ifp = if_attach(k, {
    name,
    type: IFT_ETHER,
    driver,
    softc: sc,
    flags: IFF_SIMPLEX | IFF_BROADCAST | IFF_MULTICAST,
    mtu: ETHERMTU,
    capabilities: IFCAP_HWSTATS,
    capenable: IFCAP_HWSTATS,
    hdrlen: ETHER_HDR_LEN,
    groups: ['lagg'],
  })
  t.sc_ifp[sc] = ifp
  // The limits of an interface that sets none. Source: if_attach_internal in sys/net/if.c.
  k.ifnet.if_hw_tsomax[ifp] = 32 * 2048 - 18
  k.ifnet.if_hw_tsomaxsegcount[ifp] = 35
  k.ifnet.if_hw_tsomaxsegsize[ifp] = 2048
  return 0
}

/** Removes a lagg (`ifconfig NAME destroy`); its ports are as they were. EPERM, ENXIO, EINVAL (no lagg). */
export function lagg_clone_destroy(k: Kernel, name: string, privileged = true): number {
  if (!privileged) return EPERM
  const ifp = ifunit(k, name)
  if (ifp === 0) return ENXIO
  const sc = softcOf(k, ifp)
  if (sc === 0) return EINVAL
  const { sc: t } = k.ifnet.lagg!
  t.sc_destroying[sc] = 1
  k.ifnet.if_drv_flags[ifp] &= ~IFF_DRV_RUNNING
  k.ifnet.if_flags[ifp] &= ~IFF_UP
  while (t.sc_ports[sc] !== 0) lagg_port_destroy(k, t.sc_ports[sc])
  lagg_proto_detach(k, sc)
  vlan_ifdetach(k, ifp)
  if_detach(k, ifp)
  t.free(sc)
  return 0
}

function lagg_transmit(k: Kernel, ifp: number, m: number): number {
  const { sc: t } = k.ifnet.lagg!
  const sc = k.ifnet.if_softc[ifp]
  if (t.sc_proto[sc] === LAGG_PROTO_NONE || t.sc_count[sc] === 0) {
    m_freem(k, m)
    k.ifnet.if_oerrors[ifp]++
    return ENXIO
  }
  if (k.cost.on) k.cost.enter(FN_lagg_transmit)
  const error = lagg_proto_start(k, sc, m)
  if (k.cost.on) k.cost.leave()
  if (error !== 0) k.ifnet.if_oerrors[ifp]++
  return error
}

/** The lagg that a frame of a port belongs to. @returns its interface; 0: it does not count, the packet is freed. */
export function lagg_input(k: Kernel, ifp: number, m: number): number {
  const { sc: t, port } = k.ifnet.lagg!
  const lp = portOf(k, ifp)
  const sc = port.lp_softc[lp]
  const lagg = t.sc_ifp[sc]
  if (
    lp === 0 ||
    (k.ifnet.if_drv_flags[lagg] & IFF_DRV_RUNNING) === 0 ||
    t.sc_proto[sc] === LAGG_PROTO_NONE ||
    !lagg_proto_input(k, sc, lp) ||
    (k.ifnet.if_flags[lagg] & IFF_MONITOR) !== 0
  ) {
    m_freem(k, m)
    return 0
  }
  k.mb.ph_rcvif[m] = lagg
  return lagg
}

/** What the ports counted since they came, what those that have left counted, and what was counted on the lagg itself. */
function lagg_get_counter(k: Kernel, ifp: number, counter: InterfaceCounter): number {
  const { sc: t, port } = k.ifnet.lagg!
  const sc = k.ifnet.if_softc[ifp]
  const i = interfaceCounters.indexOf(counter)
  let sum = k.ifnet[counter][ifp] + t.detached_counters[sc * COUNTERS + i]
  for (const lp of portsOf(k, sc))
    sum += if_getcounter(k, port.lp_ifp[lp], counter) - port.port_counters[lp * COUNTERS + i]
  return sum
}

/** What rc(8) does for a lagg of the configuration: ports up, the lagg with protocol, ports and address. */
export function configureLagg(k: Kernel, { name, protocol, ports, address, prefixLength }: LaggConfig): void {
  const up = (one: string): number =>
    ifioctl(k, one, SIOCSIFFLAGS, { ifr_flags: k.ifnet.if_flags[ifunit(k, one)] | IFF_UP })
  let error = 0
  for (const one of ports) error ||= up(one)
  const { proto } = laggProtocols.find((entry) => entry.name === protocol)!
  error ||= lagg_clone_create(k, name) || ifioctl(k, name, SIOCSLAGG, { ra_proto: proto })
  for (const one of ports) error ||= ifioctl(k, name, SIOCSLAGGPORT, { rp_portname: one })
  error ||=
    address === ''
      ? up(name)
      : ifioctl(k, name, SIOCAIFADDR, {
          ifra_addr: inet_addr(address),
          ifra_mask: (0xffffffff << (32 - prefixLength)) >>> 0,
        })
  if (error !== 0) k.printf(`ifconfig: ${name}: error ${error} at boot`)
}

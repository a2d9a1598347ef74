/** What lagg(4) remembers: aggregates, their ports, and the module's sysctls. Source: sys/net/if_lagg.h, if_lagg.c (read; a subset). */
import type { Kernel } from '../kernel'
import type { Table } from '../machine/state'
import { interfaceCounters } from './ifConstants'

export const LAGG_MAX_PORTS = 32

/** Protocols by number, as SIOCSLAGG takes them. */
export const LAGG_PROTO_NONE = 0
export const LAGG_PROTO_ROUNDROBIN = 1
export const LAGG_PROTO_FAILOVER = 2
export const LAGG_PROTO_LOADBALANCE = 3
export const LAGG_PROTO_LACP = 4
export const LAGG_PROTO_BROADCAST = 5
export const LAGG_PROTO_MAX = 6
export const LAGG_PROTO_DEFAULT = LAGG_PROTO_FAILOVER

/** Names in the order in which ifconfig(8) looks them up. */
export const laggProtocols: readonly { name: string; proto: number }[] = [
  { name: 'failover', proto: LAGG_PROTO_FAILOVER },
  { name: 'lacp', proto: LAGG_PROTO_LACP },
  { name: 'loadbalance', proto: LAGG_PROTO_LOADBALANCE },
  { name: 'roundrobin', proto: LAGG_PROTO_ROUNDROBIN },
  { name: 'broadcast', proto: LAGG_PROTO_BROADCAST },
  { name: 'none', proto: LAGG_PROTO_NONE },
  { name: 'default', proto: LAGG_PROTO_DEFAULT },
]

/** rp_flags */
export const LAGG_PORT_MASTER = 0x1
export const LAGG_PORT_STACK = 0x2
export const LAGG_PORT_ACTIVE = 0x4
export const LAGG_PORT_COLLECTING = 0x8
export const LAGG_PORT_DISTRIBUTING = 0x10
/** rf_flags: layers that are hashed. */
export const LAGG_F_HASHL2 = 0x1
export const LAGG_F_HASHL3 = 0x2
export const LAGG_F_HASHL4 = 0x4
export const LAGG_F_HASHMASK = 0x7
/** ro_opts */
export const LAGG_OPT_USE_FLOWID = 0x1
export const LAGG_OPT_FLOWIDSHIFT = 0x2
export const LAGG_OPT_USE_NUMA = 0x4
export const LAGG_OPT_LACP_STRICT = 0x10
export const LAGG_OPT_LACP_TXTEST = 0x20
export const LAGG_OPT_LACP_RXTEST = 0x40
export const LAGG_OPT_LACP_TIMEOUT = 0x80
export const LAGG_OPT_FLOWIDSHIFT_MASK = 0x1f

const COUNTERS = interfaceCounters.length

const softcSpec = {
  sc_ifp: 'i32',
  sc_proto: 'u8',
  sc_count: 'i32',
  /** Row of the port that failover prefers, 0 = none. */
  sc_primary: 'i32',
  /** First row of the list of ports, in the order of interface numbers. */
  sc_ports: 'i32',
  /** Round robin: next port, packets a port (0 = not set: one), packets left for this port. */
  sc_seq: 'u32',
  sc_bkt: 'u32',
  sc_bkt_count: 'u32',
  /** MBUF_HASHFLAG_*. */
  sc_flags: 'u8',
  sc_opts: 'i32',
  flowid_shift: 'i32',
  sc_destroying: 'u8',
  /** Load balancing: key of the hash, rows of ports by index. */
  lb_key: 'u32',
  lb_ports: ['i32', LAGG_MAX_PORTS],
  /** What ports counted that have left. */
  detached_counters: ['f64', COUNTERS],
} as const

const portSpec = {
  lp_ifp: 'i32',
  lp_softc: 'i32',
  /** Next port of the aggregate. */
  lp_entries: 'i32',
  /** The port's own address, type and enabled capabilities, given back when it leaves. */
  lp_lladdr: ['u8', 6],
  lp_iftype: 'u8',
  lp_ifcapenable: 'i32',
  lp_detaching: 'u8',
  /** Counters of the interface when it came. */
  port_counters: ['f64', COUNTERS],
} as const

/** Row 1: values of net.link.lagg, there once the module is loaded. */
const controlSpec = {
  failover_rx_all: 'i32',
  def_use_flowid: 'i32',
  def_use_numa: 'i32',
  def_flowid_shift: 'i32',
} as const

export interface Lagg {
  sc: Table<typeof softcSpec>
  port: Table<typeof portSpec>
  ctl: Table<typeof controlSpec>
  /** Number of the driver in k.ifnet.drivers. */
  driver: number
  /** Values of the sysctls when the module is loaded: defaults or the loader's tunables. Constant. */
  initial: { -readonly [K in keyof typeof controlSpec]: number }
}

/** The tables of a host. They are out of its digest while they are as at boot: hosts without a lagg are as they were before lagg(4) came. */
export function createLaggTables(k: Kernel): Omit<Lagg, 'driver' | 'initial'> {
  const options = { quiet: true }
  return {
    sc: k.registry.table(k.part('lagg'), softcSpec, 2, options),
    port: k.registry.table(k.part('laggport'), portSpec, 4, options),
    ctl: k.registry.table(k.part('laggctl'), controlSpec, 2, options),
  }
}

/**
 * How a lagg sends and receives: which port takes a packet, and which packets of a port count. Source: sys/net/if_lagg.c lagg_rr_start,
 * lagg_fail_start, lagg_fail_input, lagg_lb_start, lagg_lb_porttable, lagg_bcast_start, lagg_link_active (read).
 *
 *   failover      the primary port while its link is up, else the next one that is; only the port in use receives
 *   roundrobin    the ports in turn
 *   loadbalance   by a hash of addresses and ports (or by the flow's own number): a flow stays on one port while that one is up
 *   broadcast     all ports that are up
 */
import { m_freem } from '../kern/kern_mbuf'
import { m_ether_tcpip_hash, m_ether_tcpip_hash_init } from '../kern/uipc_mbufhash'
import { m_copym } from '../kern/uipc_mbuf'
import type { Kernel } from '../kernel'
import { ENETDOWN, ENOBUFS, ENOENT } from '../sys/errno'
import { M_COPYALL } from '../sys/mbuf'
import { M_NOWAIT } from '../sys/param'
import { if_transmit } from './if'
import { IFF_UP, LINK_STATE_UP } from './ifConstants'
import {
  LAGG_MAX_PORTS,
  LAGG_OPT_USE_FLOWID,
  LAGG_PROTO_BROADCAST,
  LAGG_PROTO_FAILOVER,
  LAGG_PROTO_LOADBALANCE,
  LAGG_PROTO_NONE,
  LAGG_PROTO_ROUNDROBIN,
} from './laggTables'

/** LAGG_PORTACTIVE: link up and interface up. */
export function portActive(k: Kernel, lp: number): boolean {
  const ifp = k.ifnet.lagg!.port.lp_ifp[lp]
  return k.ifnet.if_link_state[ifp] === LINK_STATE_UP && (k.ifnet.if_flags[ifp] & IFF_UP) !== 0
}

/** The port `lp` if it is active, else the one behind it, else the first that is; 0: none. */
export function lagg_link_active(k: Kernel, sc: number, lp: number): number {
  const lagg = k.ifnet.lagg!
  const next = lagg.port.lp_entries
  if (lp !== 0) {
    if (portActive(k, lp)) return lp
    if (next[lp] !== 0 && portActive(k, next[lp])) return next[lp]
  }
  for (let other = lagg.sc.sc_ports[sc]; other !== 0; other = next[other]) if (portActive(k, other)) return other
  return 0
}

/** Sends on a port, or on the one that stands in for it. m is consumed. */
function send(k: Kernel, sc: number, m: number, wanted: number): number {
  const lp = lagg_link_active(k, sc, wanted)
  if (lp === 0) {
    m_freem(k, m)
    return ENETDOWN
  }
  return if_transmit(k, k.ifnet.lagg!.port.lp_ifp[lp], m)
}

/** Which port is next: in turn, `sc_bkt` packets each if that was set. */
function lagg_rr_start(k: Kernel, sc: number, m: number): number {
  const { sc: t, port } = k.ifnet.lagg!
  let turn = t.sc_seq[sc]
  if (t.sc_bkt_count[sc] === 0 && t.sc_bkt[sc] > 0) t.sc_bkt_count[sc] = t.sc_bkt[sc]!
  if (t.sc_bkt[sc] > 0) {
    t.sc_bkt_count[sc]--
    if (t.sc_bkt_count[sc] === 0) {
      t.sc_bkt_count[sc] = t.sc_bkt[sc]!
      t.sc_seq[sc]++
    }
  } else t.sc_seq[sc]++
  turn %= t.sc_count[sc]
  let lp = t.sc_ports[sc]
  while (turn-- > 0) lp = port.lp_entries[lp]
  return send(k, sc, m, lp)
}

/** Row of the port that a packet belongs on. */
function lagg_lb_port(k: Kernel, sc: number, m: number): number {
  const { sc: t } = k.ifnet.lagg!
  const hash =
    (t.sc_opts[sc] & LAGG_OPT_USE_FLOWID) !== 0 && k.mb.ph_rsstype[m] !== 0
      ? k.mb.ph_flowid[m] >>> t.flowid_shift[sc]
      : m_ether_tcpip_hash(k, t.sc_flags[sc], m, t.lb_key[sc])
  return t.lb_ports[sc * LAGG_MAX_PORTS + (hash % t.sc_count[sc])]
}

/** A copy for each active port, the packet itself for the last. What a port answers is nobody's business, as in the kernel. */
function lagg_bcast_start(k: Kernel, sc: number, m: number): number {
  const { sc: t, port } = k.ifnet.lagg!
  let last = 0
  for (let lp = t.sc_ports[sc]; lp !== 0; lp = port.lp_entries[lp]) {
    if (!portActive(k, lp)) continue
    if (last !== 0) {
      const copy = m_copym(k, m, 0, M_COPYALL, M_NOWAIT)
      if (copy === 0) break
      if_transmit(k, port.lp_ifp[last], copy)
    }
    last = lp
  }
  if (last === 0) {
    m_freem(k, m)
    return ENOENT
  }
  if_transmit(k, port.lp_ifp[last], m)
  return 0
}

/** Gives a packet to a port. m is consumed. @returns 0 or errno. Source: lagg_proto_start. */
export function lagg_proto_start(k: Kernel, sc: number, m: number): number {
  const { sc: t } = k.ifnet.lagg!
  switch (t.sc_proto[sc]) {
    case LAGG_PROTO_ROUNDROBIN:
      return lagg_rr_start(k, sc, m)
    case LAGG_PROTO_LOADBALANCE:
      return send(k, sc, m, lagg_lb_port(k, sc, m))
    case LAGG_PROTO_BROADCAST:
      return lagg_bcast_start(k, sc, m)
    case LAGG_PROTO_FAILOVER:
      return send(k, sc, m, t.sc_primary[sc])
    default:
      m_freem(k, m)
      return ENOBUFS
  }
}

/** True if what a port received counts. Only failover is choosy. Source: lagg_fail_input and the other pr_input. */
export function lagg_proto_input(k: Kernel, sc: number, lp: number): boolean {
  const { sc: t, ctl } = k.ifnet.lagg!
  if (t.sc_proto[sc] !== LAGG_PROTO_FAILOVER || lp === t.sc_primary[sc] || ctl.failover_rx_all[1] !== 0) return true
  if (portActive(k, t.sc_primary[sc])) return false
  const stand = lagg_link_active(k, sc, t.sc_primary[sc])
  return stand === 0 || stand === lp
}

/** Takes up a protocol. Source: lagg_proto_attach, lagg_rr_attach, lagg_lb_attach. */
export function lagg_proto_attach(k: Kernel, sc: number, proto: number): void {
  const { sc: t } = k.ifnet.lagg!
  if (proto === LAGG_PROTO_ROUNDROBIN) {
    t.sc_seq[sc] = 0
    t.sc_bkt_count[sc] = t.sc_bkt[sc]!
  }
  t.sc_proto[sc] = proto
  if (proto !== LAGG_PROTO_LOADBALANCE) return
  t.lb_key[sc] = m_ether_tcpip_hash_init(k.machine.config.seed ^ (k.id << 16) ^ sc)
  lagg_lb_porttable(k, sc, 0)
}

/** Source: lagg_proto_detach, lagg_lb_detach. */
export function lagg_proto_detach(k: Kernel, sc: number): void {
  const { sc: t } = k.ifnet.lagg!
  t.sc_proto[sc] = LAGG_PROTO_NONE
  t.lb_ports.fill(0, sc * LAGG_MAX_PORTS, (sc + 1) * LAGG_MAX_PORTS)
}

/** Ports by index, without one that is leaving. Source: lagg_lb_porttable; called by lagg_proto_addport, lagg_proto_delport. */
export function lagg_lb_porttable(k: Kernel, sc: number, leaving: number): void {
  const { sc: t, port } = k.ifnet.lagg!
  if (t.sc_proto[sc] !== LAGG_PROTO_LOADBALANCE) return
  t.lb_ports.fill(0, sc * LAGG_MAX_PORTS, (sc + 1) * LAGG_MAX_PORTS)
  let i = sc * LAGG_MAX_PORTS
  for (let lp = t.sc_ports[sc]; lp !== 0; lp = port.lp_entries[lp]) if (lp !== leaving) t.lb_ports[i++] = lp
}

/**
 * The Internet part of a host: all tables and settings of IPv4 and TCP, the sysctls that show them, and the handlers of their events.
 * `k.inet.tcp` is the table of control blocks, `k.inet.tcpstat` the counters, and so on.
 */
import type { Kernel } from '../kernel'
import { EV_LOOP_INPUT, EV_TCP_SYNCACHE, EV_TCP_TIMER, EV_TCP_TIMER_TASK, EV_TCP_TW } from '../machine/eventKinds'
import { loopInput } from '../net/if_loop'
import { createNeighbours } from '../net/if_ethersubr'
import { createPcbs } from './in_pcb'
import { declareIpSysctls } from './ip_sysctl'
import { createReassembly } from './tcp_reass'
import { createSackHoles } from './tcp_sack'
import { createSyncache, syncache_timer } from './tcp_syncache'
import { declareTcpSysctls } from './tcp_sysctl'
import { tcp_timer_event, tcp_timer_task } from './tcp_timer'
import { createTimewait, tcp_tw_2msl_scan } from './tcp_timewait'
import { createTcpcbTable, createTcpSettings, createTcpstat } from './tcp_var'

/** IP settings and the small state of IP. */
function createIpSettings(k: Kernel) {
  return k.registry.record(k.part('ipctl'), {
    ip_defttl: 64,
    ip_do_randomid: 0,
    ip_rfc6864: 1,
    /** Next identification of a packet that needs one. */
    ip_id: 1,
    /** Row of lo0, set when it attaches. */
    loif: 0,
  })
}

/** Counters of `netstat -s -p ip`. Source: sys/netinet/ip_var.h struct ipstat (subset). */
function createIpstat(k: Kernel) {
  return k.registry.record(k.part('ipstat'), {
    ips_total: 0,
    ips_badsum: 0,
    ips_tooshort: 0,
    ips_badhlen: 0,
    ips_badlen: 0,
    ips_badvers: 0,
    ips_toolong: 0,
    ips_fragments: 0,
    ips_fragdropped: 0,
    ips_noproto: 0,
    ips_delivered: 0,
    ips_cantforward: 0,
    ips_localout: 0,
    ips_odropped: 0,
    ips_fragmented: 0,
    ips_ofragments: 0,
    ips_cantfrag: 0,
    ips_noroute: 0,
    /** Of IPv4 and IPv6: packets with unmapped mbufs that were converted: for lack of NOMAP, for a software checksum; failures (counters of the lab). */
    lab_converted_nomap: 0,
    lab_converted_csum: 0,
    lab_convert_failed: 0,
    /** Packets and bytes summed in software. */
    lab_swcsum_packets: 0,
    lab_swcsum_bytes: 0,
    /** Packets that carried unmapped mbufs to a driver. */
    lab_nomap_packets: 0,
  })
}

export function createInet(k: Kernel) {
  const machine = k.machine
  if (!machine.handled(EV_TCP_TIMER)) {
    const kernels = machine.kernels
    machine.on(EV_TCP_TIMER, (host, tp, generation) => tcp_timer_event(kernels[host], tp, generation))
    machine.on(EV_TCP_TIMER_TASK, (host, tp, generation) => tcp_timer_task(kernels[host], tp, generation))
    machine.on(EV_TCP_TW, (host) => tcp_tw_2msl_scan(kernels[host]))
    machine.on(EV_TCP_SYNCACHE, (host, sc, generation) => syncache_timer(kernels[host], sc, generation))
    machine.on(EV_LOOP_INPUT, (host, m) => loopInput(kernels[host], m))
  }
  const ctl = createIpSettings(k)
  const tcpctl = createTcpSettings(k)
  // The secret of sequence numbers is drawn at boot.
  const random = machine.random(k.part('isn'))
  tcpctl.isn_secret0 = random.next32() | 0
  tcpctl.isn_secret1 = random.next32() | 0
  return {
    ctl,
    ipstat: createIpstat(k),
    inp: createPcbs(k),
    tcp: createTcpcbTable(k),
    tcpstat: createTcpstat(k),
    tcpctl,
    tseg: createReassembly(k),
    hole: createSackHoles(k),
    sc: createSyncache(k),
    tw: createTimewait(k),
    neighbour: createNeighbours(k),
    /** net.inet.tcp.do_tcpdrain */
    drain: k.registry.record(k.part('tcp_drain'), { do_tcpdrain: 1 }, { quiet: true }),
  }
}

export function declareInetSysctls(k: Kernel): void {
  declareIpSysctls(k)
  declareTcpSysctls(k)
}

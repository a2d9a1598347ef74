/**
 * net.inet.tcp.*: the settings that the emulated TCP honours, declared once each. Defaults and meaning: reference console-tools 4 (names, types, defaults),
 * reference kernel-mbuf-sendfile 5.3. Times are kept in ticks of 1 ms, which is also the unit of the sysctls.
 */
import type { SysctlDeclaration } from '../kern/kern_sysctl'
import type { Kernel } from '../kernel'
import { EINVAL, ESRCH } from '../sys/errno'
import type { TcpSettings } from './tcp_var'

interface Setting {
  name: string
  key: keyof TcpSettings
  range: readonly [number, number]
  unit: string
  description: string
  file: string
  access?: SysctlDeclaration['access']
  type?: SysctlDeclaration['type']
}

const MAX = 0x7fffffff
const settings: readonly Setting[] = [
  s('sendspace', 'tcp_sendspace', [1, MAX], 'bytes', 'send buffer a socket starts with', 'tcp_usrreq.c'),
  s('recvspace', 'tcp_recvspace', [1, MAX], 'bytes', 'receive buffer a socket starts with', 'tcp_usrreq.c'),
  s('sendbuf_auto', 'tcp_do_autosndbuf', [0, 1], '', 'send buffers grow by themselves', 'tcp_output.c'),
  s('sendbuf_inc', 'tcp_autosndbuf_inc', [1, MAX], 'bytes', 'step by which a send buffer grows', 'tcp_output.c'),
  s(
    'sendbuf_max',
    'tcp_autosndbuf_max',
    [1, MAX],
    'bytes',
    'size up to which a send buffer grows; kern.ipc.maxsockbuf may stop it earlier',
    'tcp_output.c',
  ),
  s(
    'sendbuf_auto_lowat',
    'tcp_sendbuf_auto_lowat',
    [0, 1],
    '',
    'the low-water mark is allowed for when a send buffer is asked whether it is full',
    'tcp_output.c',
  ),
  s('recvbuf_auto', 'tcp_do_autorcvbuf', [0, 1], '', 'receive buffers grow by themselves', 'tcp_input.c'),
  s('recvbuf_max', 'tcp_autorcvbuf_max', [1, MAX], 'bytes', 'size up to which a receive buffer grows', 'tcp_input.c'),
  s('tso', 'tcp_do_tso', [0, 1], '', 'large sends are cut into segments by the card', 'tcp_output.c'),
  s('path_mtu_discovery', 'path_mtu_discovery', [0, 1], '', 'packets may not be fragmented on the way', 'tcp_output.c'),
  s('mssdflt', 'tcp_mssdflt', [216, 65495], 'bytes', 'segment size when the peer names none', 'tcp_subr.c'),
  s('minmss', 'tcp_minmss', [1, 65495], 'bytes', 'smallest segment size that a peer may ask for', 'tcp_subr.c'),
  s('initcwnd_segments', 'tcp_initcwnd_segments', [0, 1000], 'segments', 'initial congestion window', 'tcp_input.c'),
  s('rfc1323', 'tcp_do_rfc1323', [0, 1], '', 'window scaling and timestamps', 'tcp_subr.c'),
  s('rfc3042', 'tcp_do_rfc3042', [0, 1], '', 'limited transmit on the first duplicate acknowledgements', 'tcp_input.c'),
  s('rfc3390', 'tcp_do_rfc3390', [0, 1], '', 'larger initial window where initcwnd_segments is 0', 'tcp_input.c'),
  s(
    'rfc3465',
    'tcp_do_rfc3465',
    [0, 1],
    '',
    'the window grows by bytes acknowledged, not by acknowledgements',
    'tcp_input.c',
  ),
  s('abc_l_var', 'tcp_abc_l_var', [1, 64], 'segments', 'most growth per acknowledgement in slow start', 'tcp_input.c'),
  s(
    'delayed_ack',
    'tcp_delack_enabled',
    [0, 1],
    '',
    'single segments wait for a second one to be acknowledged',
    'tcp_input.c',
  ),
  s('delacktime', 'tcp_delacktime', [1, 10000], 'ms', 'longest wait of a delayed acknowledgement', 'tcp_timer.c'),
  s('keepidle', 'tcp_keepidle', [1, MAX], 'ms', 'silence before the first keep-alive probe', 'tcp_timer.c'),
  s('keepintvl', 'tcp_keepintvl', [1, MAX], 'ms', 'time between keep-alive probes', 'tcp_timer.c'),
  s('keepinit', 'tcp_keepinit', [1, MAX], 'ms', 'time to establish a connection', 'tcp_timer.c'),
  s('keepcnt', 'tcp_keepcnt', [1, 1000], 'probes', 'keep-alive probes before a connection is dropped', 'tcp_timer.c'),
  s(
    'always_keepalive',
    'always_keepalive',
    [0, 1],
    '',
    'keep-alive on every connection, asked for or not',
    'tcp_timer.c',
  ),
  s(
    'rexmit_initial',
    'tcp_rexmit_initial',
    [1, 64000],
    'ms',
    'retransmission timeout before a round trip is known',
    'tcp_timer.c',
  ),
  s('rexmit_min', 'tcp_rexmit_min', [1, 64000], 'ms', 'lower bound of the retransmission timeout', 'tcp_timer.c'),
  s('rexmit_slop', 'tcp_rexmit_slop', [0, 64000], 'ms', 'time added to every retransmission timeout', 'tcp_timer.c'),
  s('persmin', 'tcp_persmin', [1, MAX], 'ms', 'shortest time between window probes', 'tcp_timer.c'),
  s('persmax', 'tcp_persmax', [1, MAX], 'ms', 'longest time between window probes', 'tcp_timer.c'),
  s('msl', 'tcp_msl', [1, MAX], 'ms', 'longest life of a segment; TIME_WAIT lasts twice that', 'tcp_timer.c'),
  s(
    'finwait2_timeout',
    'tcp_finwait2_timeout',
    [1, MAX],
    'ms',
    'wait in FIN_WAIT_2 with fast_finwait2_recycle',
    'tcp_timer.c',
  ),
  s(
    'fast_finwait2_recycle',
    'tcp_fast_finwait2_recycle',
    [0, 1],
    '',
    'connections whose owner is gone leave FIN_WAIT_2 sooner',
    'tcp_timer.c',
  ),
  s('nolocaltimewait', 'nolocaltimewait', [0, 1], '', 'no TIME_WAIT between addresses of this host', 'tcp_timewait.c'),
  s('drop_synfin', 'drop_synfin', [0, 1], '', 'segments with SYN and FIN are dropped', 'tcp_input.c'),
  s('blackhole', 'blackhole', [0, 2], '', 'no reset for segments to closed ports', 'tcp_input.c'),
  s('sack.enable', 'tcp_do_sack', [0, 1], '', 'selective acknowledgement is offered', 'tcp_sack.c'),
  s('sack.maxholes', 'tcp_sack_maxholes', [0, MAX], '', 'most holes remembered for a connection', 'tcp_sack.c'),
  s('sack.globalmaxholes', 'tcp_sack_globalmaxholes', [0, MAX], '', 'most holes remembered in all', 'tcp_sack.c'),
  s('sack.globalholes', 'tcp_sack_globalholes', [0, MAX], '', 'holes remembered now', 'tcp_sack.c', 'rd'),
  s(
    'reass.maxqueuelen',
    'tcp_reass_maxqueuelen',
    [1, MAX],
    '',
    'most blocks waiting out of order on a connection',
    'tcp_reass.c',
    'rwtun',
    'uint',
  ),
  s(
    'syncache.rexmtlimit',
    'tcp_syncache_rexmtlimit',
    [0, 12],
    '',
    'times SYN|ACK is repeated',
    'tcp_syncache.c',
    'rw',
    'uint',
  ),
]

function s(
  name: string,
  key: keyof TcpSettings,
  range: readonly [number, number],
  unit: string,
  description: string,
  file: string,
  access: SysctlDeclaration['access'] = 'rw',
  type: SysctlDeclaration['type'] = 'int',
): Setting {
  return { name, key, range, unit, description, file, access, type }
}

export function declareTcpSysctls(k: Kernel): void {
  const values = k.inet.tcpctl
  k.sysctl.node('net.inet.tcp', 'TCP', 'netinet/in_proto.c')
  k.sysctl.node('net.inet.tcp.sack', 'selective acknowledgement', 'netinet/tcp_sack.c')
  const { drain } = k.inet
  k.sysctl.declare({
    name: 'net.inet.tcp.do_tcpdrain',
    type: 'int',
    access: 'rw',
    unit: '',
    description: 'segments out of order are given up when mbufs or pages are short',
    source: 'netinet/tcp_subr.c',
    fidelity: 'read',
    rowless: true,
    get: () => drain.do_tcpdrain,
    set: (value) => {
      drain.do_tcpdrain = Number(value)
      return 0
    },
  })
  for (const setting of settings) {
    k.sysctl.declare({
      name: `net.inet.tcp.${setting.name}`,
      type: setting.type ?? 'int',
      access: setting.access ?? 'rw',
      range: setting.range,
      unit: setting.unit,
      description: setting.description,
      source: `netinet/${setting.file}`,
      fidelity: 'read',
      get: () => values[setting.key],
      ...(setting.access === 'rd'
        ? {}
        : {
            set: (value: number | string) => {
              const n = Number(value)
              if (!(n >= setting.range[0] && n <= setting.range[1])) return EINVAL
              values[setting.key] = n
              return 0
            },
          }),
    })
  }
  k.sysctl.declare({
    name: 'net.inet.tcp.pcbcount',
    type: 'uint',
    access: 'rd',
    unit: '',
    description: 'protocol control blocks in existence',
    source: 'netinet/tcp_subr.c',
    fidelity: 'read',
    get: () => k.inet.inp.live,
  })
  k.sysctl.declare({
    name: 'net.inet.tcp.cc.algorithm',
    type: 'string',
    access: 'rw',
    unit: '',
    description: 'congestion control of new connections',
    source: 'netinet/cc/cc.c',
    fidelity: 'read',
    get: () => 'newreno',
    set: (value) => (value === 'newreno' ? 0 : ESRCH),
  })
  k.sysctl.declare({
    name: 'net.inet.tcp.cc.available',
    type: 'string',
    access: 'rd',
    unit: '',
    description: 'congestion control algorithms there are',
    source: 'netinet/cc/cc.c',
    fidelity: 'read',
    get: () => 'newreno',
  })
}

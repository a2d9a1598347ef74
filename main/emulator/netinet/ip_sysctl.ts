/** net.inet.ip.*: the settings that the emulated IP honours. Defaults and meaning: reference console-tools 4; sys/netinet/ip_input.c, in_pcb.c, ip_id.c, raw_ip.c. */
import type { SysctlDeclaration } from '../kern/kern_sysctl'
import type { Kernel } from '../kernel'
import { EINVAL } from '../sys/errno'

export function declareIpSysctls(k: Kernel): void {
  const ctl = k.inet.ctl
  const tcp = k.inet.tcpctl
  k.sysctl.node('net.inet', 'Internet family', 'netinet/in_proto.c')
  k.sysctl.node('net.inet.ip', 'IP', 'netinet/in_proto.c')
  const number = (
    name: string,
    description: string,
    source: string,
    range: readonly [number, number],
    get: () => number,
    set: (value: number) => void,
    unit = '',
  ): SysctlDeclaration => ({
    name,
    type: 'int',
    access: 'rw',
    range,
    unit,
    description,
    source,
    fidelity: 'read',
    get,
    set: (value) => {
      const n = Number(value)
      if (!(n >= range[0] && n <= range[1])) return EINVAL
      set(n)
      return 0
    },
  })
  k.sysctl.declare(
    number(
      'net.inet.ip.ttl',
      'time to live of packets sent',
      'netinet/raw_ip.c',
      [1, 255],
      () => ctl.ip_defttl,
      (n) => {
        ctl.ip_defttl = n
      },
      'hops',
    ),
  )
  k.sysctl.declare(
    number(
      'net.inet.ip.rfc6864',
      'packets that may not be fragmented carry identification 0',
      'netinet/ip_id.c',
      [0, 1],
      () => ctl.ip_rfc6864,
      (n) => {
        ctl.ip_rfc6864 = n
      },
    ),
  )
  k.sysctl.declare(
    number(
      'net.inet.ip.portrange.first',
      'first ephemeral port',
      'netinet/in_pcb.c',
      [1024, 65535],
      () => tcp.portrange_first,
      (n) => {
        tcp.portrange_first = n
      },
    ),
  )
  k.sysctl.declare(
    number(
      'net.inet.ip.portrange.last',
      'last ephemeral port',
      'netinet/in_pcb.c',
      [1024, 65535],
      () => tcp.portrange_last,
      (n) => {
        tcp.portrange_last = n
      },
    ),
  )
  k.sysctl.declare(
    number(
      'net.inet.ip.portrange.randomized',
      'ephemeral ports are drawn at random instead of in turn',
      'netinet/in_pcb.c',
      [0, 1],
      () => tcp.portrange_randomized,
      (n) => {
        tcp.portrange_randomized = n
      },
    ),
  )
}

/** How ifconfig(8) shows an interface. Source: sbin/ifconfig status() and the printers of each family (reference console-tools 1.2; read). */
import { inet_ntop6 } from '../../../emulator/index'
import type { Ifreq, In6Address, InterfaceInfo, MediaStatus, SystemCalls } from '../../../emulator/index'
import { inet_ntoa, prefixLength } from '../../libc/inet'
import { printb } from '../../libc/stdio'
import { laggLines } from './lagg'

const nd6Names = [
  { bit: 0x1, name: 'PERFORMNUD' },
  { bit: 0x2, name: 'ACCEPT_RTADV' },
  { bit: 0x4, name: 'PREFER_SOURCE' },
  { bit: 0x8, name: 'IFDISABLED' },
  { bit: 0x10, name: 'DONT_SET_IFROUTE' },
  { bit: 0x20, name: 'AUTO_LINKLOCAL' },
  { bit: 0x40, name: 'NO_RADR' },
  { bit: 0x80, name: 'NO_PREFER_IFACE' },
  { bit: 0x100, name: 'NO_DAD' },
  { bit: 0x8000, name: 'DEFAULTIF' },
]

export interface ShowOptions {
  /** `-v`: details of a lagg. */
  verbose: boolean
  /** `-m`: capabilities and supported media. */
  media: boolean
  /** Only the lines of this family, or all. */
  family: 'inet' | 'inet6' | 'link' | null
  /** `-f inet:…` and `-f ether:…`. */
  inetFormat: 'hex' | 'cidr' | 'dotted'
  /** `-f inet6:cidr`. */
  inet6Format: 'plain' | 'cidr'
  etherFormat: 'colon' | 'dash'
}

/** The lines of one interface. */
export function showInterface(sys: SystemCalls, info: InterfaceInfo, options: ShowOptions): string {
  const { name } = info
  const flags = request(sys, 'SIOCGIFFLAGS', name).ifr_flags ?? 0
  const metric = request(sys, 'SIOCGIFMETRIC', name).ifr_metric ?? 0
  const mtu = request(sys, 'SIOCGIFMTU', name).ifr_mtu ?? 0
  const lines = [`${name}: ${printb('flags', flags, sys.flagNames)} metric ${metric} mtu ${mtu}`]
  const description = request(sys, 'SIOCGIFDESCR', name).ifr_descr ?? ''
  if (description !== '') lines.push(`\tdescription: ${description}`)
  const { ifr_curcap = 0, ifr_reqcap = 0 } = request(sys, 'SIOCGIFCAP', name)
  const names = sys.capabilities.map((entry) => ({ bit: entry.bit, name: entry.printed }))
  if (ifr_curcap !== 0) lines.push(`\t${printb('options', ifr_curcap, names)}`)
  if (options.media && ifr_reqcap !== 0) lines.push(`\t${printb('capabilities', ifr_reqcap, names)}`)
  const { family } = options
  if (family !== 'inet' && family !== 'inet6' && info.lladdr !== '') {
    lines.push(`\tether ${options.etherFormat === 'dash' ? info.lladdr.replaceAll(':', '-') : info.lladdr}`)
    if (info.hwaddr !== '') lines.push(`\thwaddr ${info.hwaddr}`)
  }
  const inet = family === null || family === 'inet' ? info.addresses.map((a) => inetLine(sys, flags, a, options)) : []
  const inet6 = family === null || family === 'inet6' ? info.addresses6.map((a) => inet6Line(name, a, options)) : []
  // Families come in the order of their first addresses: the kernel itself gives lo0 its IPv6 ones.
  const loopback = (flags & (sys.flagNames.find((flag) => flag.name === 'LOOPBACK')?.bit ?? 0)) !== 0
  lines.push(...(loopback ? [...inet6, ...inet] : [...inet, ...inet6]))
  if (family === null) {
    lines.push(...laggLines(sys, info, options.verbose))
    if (info.groups.length > 0) lines.push(`\tgroups: ${info.groups.join(' ')}`)
    lines.push(...vlanLines(sys, info), ...mediaLines(sys, name, options))
  }
  // The IPv6 family's own line; the other families' "other" lines need no address family to be named.
  if ((family === null || family === 'inet6') && info.nd6 !== 0)
    lines.push(`\t${printb('nd6 options', info.nd6, nd6Names)}`)
  return lines.join('\n') + '\n'
}

/** A read-only ioctl; on an error the request comes back empty, as ifconfig then prints nothing. */
function request(sys: SystemCalls, command: Parameters<SystemCalls['ioctl']>[0], name: string): Ifreq {
  const ifr: Ifreq = {}
  return sys.ioctl(command, name, ifr) === 0 ? ifr : {}
}

function inetLine(
  sys: SystemCalls,
  flags: number,
  { address, netmask, broadcast }: InterfaceInfo['addresses'][number],
  { inetFormat }: ShowOptions,
): string {
  let line = `\tinet ${inet_ntoa(address)}`
  const length = prefixLength(netmask)
  if (inetFormat === 'cidr' && length !== null) line += `/${length}`
  else line += ` netmask ${inetFormat === 'dotted' ? inet_ntoa(netmask) : `0x${netmask.toString(16)}`}`
  const canBroadcast = (flags & (sys.flagNames.find((flag) => flag.name === 'BROADCAST')?.bit ?? 0)) !== 0
  if (canBroadcast && broadcast !== 0) line += ` broadcast ${inet_ntoa(broadcast)}`
  return line
}

/** Source: sbin/ifconfig/af_inet6.c in6_status(). */
function inet6Line(name: string, { words, prefixLength: length, scope }: In6Address, options: ShowOptions): string {
  const address = `${inet_ntop6(words)}${scope === 0 ? '' : `%${name}`}`
  return `\tinet6 ${address}${options.inet6Format === 'cidr' ? `/${length}` : ` prefixlen ${length}`}${
    scope === 0 ? '' : ` scopeid 0x${scope.toString(16)}`
  }`
}

function vlanLines(sys: SystemCalls, info: InterfaceInfo): string[] {
  const IFT_L2VLAN = 135
  if (info.type !== IFT_L2VLAN) return []
  const ifr = request(sys, 'SIOCGETVLAN', info.name)
  const parent = ifr.vlr_parent ?? ''
  return [`\tvlan: ${ifr.vlr_tag ?? 0} vlanpcp: 0 parent interface: ${parent === '' ? '<none>' : parent}`]
}

type Medium = MediaStatus['current']

function mediaLines(sys: SystemCalls, name: string, options: ShowOptions): string[] {
  const { ifm } = request(sys, 'SIOCGIFMEDIA', name)
  // A vlan without parent has no media.
  if (ifm === undefined || ifm.current.subtype === '') return []
  const same =
    ifm.active.subtype === ifm.current.subtype && ifm.active.options.join(',') === ifm.current.options.join(',')
  const lines = [`\tmedia: Ethernet ${mediaWord(ifm.current)}${same ? '' : ` (${mediaWord(ifm.active)})`}`]
  if (ifm.carrier !== null) lines.push(`\tstatus: ${ifm.carrier ? 'active' : 'no carrier'}`)
  if (options.media && ifm.supported.length > 0) {
    lines.push('\tsupported media:')
    for (const medium of ifm.supported)
      lines.push(
        `\t\tmedia ${medium.subtype}${medium.options.length > 0 ? ` mediaopt ${medium.options.join(',')}` : ''}`,
      )
  }
  return lines
}

function mediaWord(medium: Medium): string {
  return medium.subtype + (medium.options.length > 0 ? ` <${medium.options.join(',')}>` : '')
}

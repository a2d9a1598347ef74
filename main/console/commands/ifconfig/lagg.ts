/**
 * What ifconfig(8) knows of lagg(4): its parameters and its lines. Source: sbin/ifconfig/iflagg.c setlaggport(), unsetlaggport(), setlaggproto(),
 * setlagghash(), setlaggflowidshift(), setlaggrr_limit(), setlaggsetopt(), lagg_status() (read; reference console-tools 1.2 row 9, 1.6).
 */
import type { Ifreq, InterfaceInfo, IoctlName, SystemCalls } from '../../../emulator/index'
import { EEXIST, strerror } from '../../libc/errno'
import { atoi, printb } from '../../libc/stdio'
import { Failure } from './failure'

/** What a keyword acts on. */
export interface LaggRun {
  sys: SystemCalls
  name: string
  /** Complaints that do not end the run but make its exit status 1. */
  warnings: string[]
}
type Act = (run: LaggRun, argument: string) => void

const protocols = [
  { name: 'failover', proto: 2 },
  { name: 'lacp', proto: 4 },
  { name: 'loadbalance', proto: 3 },
  { name: 'roundrobin', proto: 1 },
  { name: 'broadcast', proto: 5 },
  { name: 'none', proto: 0 },
  { name: 'default', proto: 2 },
] as const

/** Protocols that can be chosen here, for completion. */
export const laggProtocolWords: readonly string[] = protocols.map(({ name }) => name).filter((name) => name !== 'lacp')

const layers = [
  { name: 'l2', flag: 1 },
  { name: 'l3', flag: 2 },
  { name: 'l4', flag: 4 },
] as const

const portBits = [
  { bit: 0x1, name: 'MASTER' },
  { bit: 0x2, name: 'STACK' },
  { bit: 0x4, name: 'ACTIVE' },
  { bit: 0x8, name: 'COLLECTING' },
  { bit: 0x10, name: 'DISTRIBUTING' },
]
const optionBits = [
  { bit: 0x1, name: 'USE_FLOWID' },
  { bit: 0x4, name: 'USE_NUMA' },
  { bit: 0x10, name: 'LACP_STRICT' },
  { bit: 0x20, name: 'LACP_TXTEST' },
  { bit: 0x40, name: 'LACP_RXTEST' },
]
const FLOWIDSHIFT = 2
const USE_FLOWID = 1
const USE_NUMA = 4

function ask(run: LaggRun, command: IoctlName, request: Ifreq, said: string = command): void {
  const error = run.sys.ioctl(command, run.name, request)
  if (error !== 0) throw new Failure(`${said}: ${strerror(error)}`)
}

/** A port that cannot be had must not keep the others out: complained of, and the run goes on. One that is there already is no matter. */
const setPort: Act = (run, port) => {
  const error = run.sys.ioctl('SIOCSLAGGPORT', run.name, { rp_portname: port })
  if (error !== 0 && error !== EEXIST) run.warnings.push(`${run.name} ${port}: SIOCSLAGGPORT: ${strerror(error)}`)
}

const setProtocol: Act = (run, word) => {
  const found = protocols.find((entry) => entry.name === word)
  if (found === undefined) throw new Failure(`Invalid aggregation protocol: ${word}`)
  if (found.name === 'lacp')
    throw new Failure(
      'lacp is not part of the emulated host (nobody at the other end would answer its frames); take failover, loadbalance, roundrobin or broadcast; nothing was changed by this word',
    )
  ask(run, 'SIOCSLAGG', { ra_proto: found.proto })
}

const setHash: Act = (run, text) => {
  let flags = 0
  for (const word of text.split(',')) {
    const layer = layers.find((entry) => entry.name === word)
    if (layer === undefined) throw new Failure(`Invalid lagghash option: ${word}`)
    flags |= layer.flag
  }
  ask(run, 'SIOCSLAGGHASH', { rf_flags: flags })
}

const setShift: Act = (run, text) => {
  const shift = atoi(text)
  if ((shift & ~0x1f) !== 0) throw new Failure(`Invalid flowid_shift option: ${text}`)
  ask(run, 'SIOCSLAGGOPTS', { ro_opts: FLOWIDSHIFT, ro_flowid_shift: shift })
}

const setOption =
  (option: number): Act =>
  (run) =>
    ask(run, 'SIOCSLAGGOPTS', { ro_opts: option })

/** Parameters by name. */
export const laggKeywords: { readonly [keyword: string]: { argument: 0 | 1; act: Act } } = {
  laggport: { argument: 1, act: setPort },
  '-laggport': { argument: 1, act: (run, port) => ask(run, 'SIOCSLAGGDELPORT', { rp_portname: port }) },
  laggproto: { argument: 1, act: setProtocol },
  lagghash: { argument: 1, act: setHash },
  use_flowid: { argument: 0, act: setOption(USE_FLOWID) },
  '-use_flowid': { argument: 0, act: setOption(-USE_FLOWID) },
  use_numa: { argument: 0, act: setOption(USE_NUMA) },
  '-use_numa': { argument: 0, act: setOption(-USE_NUMA) },
  flowid_shift: { argument: 1, act: setShift },
  rr_limit: { argument: 1, act: (run, text) => ask(run, 'SIOCSLAGGOPTS', { ro_bkt: atoi(text) }, 'SIOCSLAGG') },
}

/** The lines of a lagg; none for other interfaces, ports among them. */
export function laggLines(sys: SystemCalls, info: InterfaceInfo, verbose: boolean): string[] {
  const all: Ifreq = {}
  if (sys.ioctl('SIOCGLAGG', info.name, all) !== 0) return []
  const hash: Ifreq = {}
  const options: Ifreq = {}
  sys.ioctl('SIOCGLAGGFLAGS', info.name, hash)
  sys.ioctl('SIOCGLAGGOPTS', info.name, options)
  const proto = protocols.find((entry) => entry.proto === all.ra_proto)
  const hashed = layers.filter(({ flag }) => ((hash.rf_flags ?? 0) & flag) !== 0).map(({ name }) => name)
  const lines = [`\tlaggproto ${proto?.name ?? '<unknown>'}${hashed.length > 0 ? ` lagghash ${hashed.join(',')}` : ''}`]
  if (verbose) {
    lines.push(
      '\tlagg options:',
      `\t\t${printb('flags', options.ro_opts ?? 0, optionBits)}`,
      `\t\tflowid_shift: ${options.ro_flowid_shift ?? 0}`,
    )
    if (proto?.name === 'roundrobin') lines.push(`\t\trr_limit: ${options.ro_bkt ?? 0}`)
    lines.push(
      '\tlagg statistics:',
      `\t\tactive ports: ${options.ro_active ?? 0}`,
      `\t\tflapping: ${options.ro_flapping ?? 0}`,
    )
  }
  for (const port of all.ra_port ?? [])
    lines.push(`\tlaggport: ${port.rp_portname} ${printb('flags', port.rp_flags, portBits)}`)
  return lines
}

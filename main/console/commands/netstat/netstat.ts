/** netstat(1): the options, and which table they mean. Source: usr.bin/netstat/main.c (reference console-tools 3; read). */
import type { SystemCalls } from '../../../emulator/index'
import { getopt } from '../../filters/options'
import { EX_DATAERR } from '../../libc/errno'
import { takeLibxo, xoJson } from '../../libc/libxo'
import { Output } from '../../libc/stdio'
import type { CommandFunction, CommandResult } from '../../shell/run'
import { interfaceTable } from './interfaces'
import { mbufObject, mbufText } from './mbufs'
import { startRates } from './rates'
import { socketTable, type SocketTableOptions } from './sockets'

const usage = `usage: netstat [-46AaLnRSTWx] [-f protocol_family | -p protocol]
       netstat -i | -I interface [-46abdhnW] [-f address_family]
       netstat -w wait [-I interface] [-46d] [-q howmany]
       netstat -m
`

export function netstat(sys: SystemCalls): CommandFunction {
  return (args) => main(sys, args)
}

function main(sys: SystemCalls, args: string[]): CommandResult {
  const out = new Output('netstat')
  const usageError = (): CommandResult => {
    out.complain(usage)
    return out.exit(1)
  }
  const [format, rest] = takeLibxo(args)
  const { given, operands, fault } = getopt(rest, '46AaBbdF:f:ghI:iLlM:mN:nPp:Qq:RrSTsuWw:xz')
  if (fault !== null) {
    out.warnx(fault)
    return usageError()
  }
  const flags = new Set(given.map((option) => option.flag))
  const value = (flag: string): string | null => given.find((option) => option.flag === flag)?.value ?? null
  const missing = (what: string): CommandResult => {
    out.warnx(`${what} is not part of the emulated host yet`)
    return out.exit(1)
  }
  const family = value('f')
  if (family !== null && !['inet', 'inet6', 'unix', 'local', 'link', 'ng', 'pfkey'].includes(family)) {
    out.warnx(`${family}: unknown address family`)
    return out.exit(1)
  }
  const protocol = value('p')
  if (protocol !== null && !['tcp', 'udp', 'ip', 'icmp', 'divert', 'sctp', 'igmp', 'arp'].includes(protocol)) {
    out.warnx(`${protocol}: unknown or uninstrumented protocol`)
    return out.exit(1)
  }
  if (flags.has('x') && flags.has('T')) {
    out.warnx('-x and -T are incompatible, pick one.')
    return out.exit(1)
  }
  if (format !== null && !(flags.has('m') && format.startsWith('json')))
    return missing(`--libxo ${format} other than "--libxo json -m"`)
  if (flags.has('m')) {
    if (format === null) out.print(mbufText(sys))
    else out.print(xoJson({ statistics: { 'mbuf-statistics': mbufObject(sys) } }, format))
    return out.exit(0)
  }
  for (const [flag, what] of [
    ['s', '-s'],
    ['r', '-r'],
    ['B', '-B'],
    ['Q', '-Q'],
    ['g', '-g'],
  ])
    if (flags.has(flag)) return missing(`netstat ${what}`)

  const only = value('I')
  if (only !== null && !sys.interfaces().some((info) => info.name === only)) {
    out.warnx(`interface ${only} not found: No such file or directory`)
    return out.exit(EX_DATAERR)
  }
  const interval = value('w') ?? (operands.length > 0 && /^\d+$/.test(operands[0]) ? operands[0] : null)
  if (interval !== null) return startRates(sys, { interval, only, count: value('q'), drops: flags.has('d') })
  if (flags.has('i') || only !== null) {
    out.print(interfaceTable(sys, { only, bytes: flags.has('b'), drops: flags.has('d'), wide: flags.has('W') }))
    return out.exit(0)
  }
  // The host has TCP only: other families and protocols have no sockets to list.
  const only4 = flags.has('4') || family === 'inet'
  const only6 = flags.has('6') || family === 'inet6'
  const tcpAsked = (protocol === null || protocol === 'tcp') && (family === null || only4 || only6)
  if (tcpAsked) {
    const kind: SocketTableOptions['kind'] = flags.has('L')
      ? 'listen'
      : flags.has('x')
        ? 'buffers'
        : flags.has('T')
          ? 'tcp'
          : flags.has('R')
            ? 'flow'
            : 'state'
    const wide = flags.has('W') || flags.has('l')
    out.print(
      socketTable(sys, {
        all: flags.has('a'),
        numeric: flags.has('n'),
        wide,
        kind,
        pcb: flags.has('A'),
        family: only4 === only6 ? null : only4 ? 4 : 6,
      }),
    )
  }
  return out.exit(0)
}

/** ifconfig(8): shows and changes interfaces. Source: sbin/ifconfig/ifconfig.c main() (reference console-tools 1.1; read). */
import type { Ifreq, SystemCalls } from '../../../emulator/index'
import { getopt } from '../../filters/options'
import { Output } from '../../libc/stdio'
import type { CommandFunction, CommandResult } from '../../shell/run'
import { changeInterface, createInterface } from './change'
import { Failure } from './failure'
import { changeInet6 } from './inet6'
import { showInterface, type ShowOptions } from './show'

const usage = `usage: ifconfig [-f type:format] [-g groupname] [-C] [-L] interface address_family
                [address [dest_address]] [parameters]
       ifconfig interface create
       ifconfig -a [-g groupname] [-C] [-L] [-d] [-m] [-u] [-v] [address_family]
       ifconfig -l [-d] [-u] [address_family]
       ifconfig [-g groupname] [-C] [-L] [-d] [-m] [-u] [-v]
`

const families: { readonly [word: string]: ShowOptions['family'] } = {
  inet: 'inet',
  inet6: 'inet6',
  link: 'link',
  ether: 'link',
  lladdr: 'link',
}

/** Words that name an address family. */
export const familyWords: readonly string[] = Object.keys(families)

export function ifconfig(sys: SystemCalls): CommandFunction {
  return (args) => run(sys, args)
}

function run(sys: SystemCalls, args: string[]): CommandResult {
  const out = new Output('ifconfig')
  const usageError = (): CommandResult => {
    out.complain(usage)
    return out.exit(1)
  }
  const { given, operands, fault } = getopt(args, 'adf:klmnuvg:LC')
  if (fault !== null) {
    out.warnx(fault)
    return usageError()
  }
  const flags = new Set(given.map((option) => option.flag))
  const list = flags.has('l')
  const all = flags.has('a') || (operands.length === 0 && !list)
  if (list && (flags.has('a') || flags.has('m'))) return usageError()
  if (flags.has('d') && flags.has('u')) return usageError()
  if (flags.has('C')) {
    out.print(`${sys.cloners().join(' ')}\n`)
    return out.exit(0)
  }
  const options: ShowOptions = {
    verbose: flags.has('v'),
    media: flags.has('m'),
    family: null,
    inetFormat: 'hex',
    inet6Format: 'plain',
    etherFormat: 'colon',
  }
  for (const { flag, value } of given) if (flag === 'f') takeFormats(out, options, value)
  const group = given.find((option) => option.flag === 'g')?.value
  if (group !== undefined && !flags.has('a') && operands.length === 0) {
    for (const info of sys.interfaces()) if (group === 'all' || info.groups.includes(group)) out.print(`${info.name}\n`)
    return out.exit(0)
  }

  if (all || list) {
    if (operands.length > 1) return usageError()
    const word = operands[0]
    if (word !== undefined) {
      if (!Object.hasOwn(families, word)) {
        out.warnx(`Address family '${word}' unknown.`)
        return usageError()
      }
      options.family = families[word]
    }
    return listInterfaces(sys, out, options, flags, list, group)
  }

  const [name, ...words] = operands
  const info = sys.interfaces().find((entry) => entry.name === name)
  if (info === undefined && (words[0] === 'create' || words[0] === 'plumb')) {
    return attempt(out, (warnings) => {
      const made = createInterface(sys, name, words.slice(1))
      if (made.name !== name) out.print(`${made.name}\n`)
      if (made.words.length > 0) changeInterface(sys, made.name, made.words, warnings)
    })
  }
  if (info === undefined) {
    out.warnx(`interface ${name} does not exist`)
    return out.exit(1)
  }
  if (words.length > 0 && Object.hasOwn(families, words[0])) {
    options.family = families[words[0]]
    words.shift()
  }
  if (words.length === 0) {
    out.print(showInterface(sys, info, options))
    return out.exit(0)
  }
  if (options.family === 'link') {
    out.warnx('link-level addresses cannot be changed on the emulated host yet; nothing was changed')
    return out.exit(1)
  }
  return attempt(out, (warnings) => {
    const renamed = (options.family === 'inet6' ? changeInet6 : changeInterface)(sys, name, words, warnings)
    if (renamed !== null) out.print(`${renamed}\n`)
  })
}

/** Runs `act`; its warnings and its failure are printed, and either makes the exit status 1. */
function attempt(out: Output, act: (warnings: string[]) => void): CommandResult {
  const warnings: string[] = []
  let status = 0
  try {
    act(warnings)
  } catch (failure) {
    if (!(failure instanceof Failure)) throw failure
    warnings.push(failure.message)
  }
  for (const text of warnings) {
    out.warnx(text)
    status = 1
  }
  return out.exit(status)
}

function listInterfaces(
  sys: SystemCalls,
  out: Output,
  options: ShowOptions,
  flags: ReadonlySet<string>,
  namesOnly: boolean,
  group: string | undefined,
): CommandResult {
  const up = sys.flagNames.find((flag) => flag.name === 'UP')?.bit ?? 0
  const names: string[] = []
  for (const info of sys.interfaces()) {
    const ifr: Ifreq = {}
    sys.ioctl('SIOCGIFFLAGS', info.name, ifr)
    const isUp = ((ifr.ifr_flags ?? 0) & up) !== 0
    if ((flags.has('d') && isUp) || (flags.has('u') && !isUp)) continue
    if (group !== undefined && group !== 'all' && !info.groups.includes(group)) continue
    if (!namesOnly) out.print(showInterface(sys, info, options))
    else if (options.family !== 'link' || info.lladdr !== '') names.push(info.name)
  }
  if (namesOnly) out.print(`${names.join(' ')}\n`)
  return out.exit(0)
}

function takeFormats(out: Output, options: ShowOptions, text: string): void {
  for (const item of text.split(',')) {
    const [type, format] = item.split(':')
    if (type === 'inet' && (format === 'cidr' || format === 'dotted' || format === 'hex')) options.inetFormat = format
    else if (type === 'ether' && format === 'dash') options.etherFormat = 'dash'
    else if (type === 'inet6' && format === 'cidr') options.inet6Format = 'cidr'
    else if (!(type === 'addr' && (format === 'fqdn' || format === 'host')))
      out.warnx(`Skipping invalid format specification: ${item}`)
  }
}

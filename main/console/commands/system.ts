/** Small commands about the host: uname, hostname, date, uptime, dmesg. Identity comes from the sysctl tree, time from the virtual clock. */
import type { SystemCalls } from '../../emulator/index'
import { getopt } from '../filters/options'
import { EPERM, strerror } from '../libc/errno'
import { Output, pad, printed } from '../libc/stdio'
import { strftime } from '../libc/strftime'
import { gmtime, two } from '../libc/time'
import type { CommandFunction } from '../shell/run'

/** Seconds since 1970 of the virtual clock. */
export function wallSeconds(sys: SystemCalls): number {
  const oid = sys.sysctl.find('kern.boottime')
  const value = oid === undefined ? null : sys.sysctl.read(oid)
  const boot = Array.isArray(value) ? (value as number[])[0] : 0
  return boot + Math.floor(sys.now() / 1e9)
}

function text(sys: SystemCalls, name: string): string {
  const oid = sys.sysctl.find(name)
  return oid === undefined ? '' : String(sys.sysctl.read(oid))
}

/** uname(1). Source: usr.bin/uname/uname.c (reference console-tools 8.4; read). */
export function uname(sys: SystemCalls): CommandFunction {
  return (args) => {
    const { given, operands, fault } = getopt(args, 'aiKmnoprsUv')
    if (fault !== null || operands.length > 0) {
      const out = new Output('uname')
      if (fault !== null) out.warnx(fault)
      out.complain('usage: uname [-aiKmnoprsUv]\n')
      return out.exit(1)
    }
    const flags = new Set(given.map((option) => option.flag))
    if (flags.has('a')) for (const flag of ['s', 'n', 'r', 'v', 'm']) flags.add(flag)
    if (flags.size === 0) flags.add('s')
    const values: [string, string][] = [
      ['s', text(sys, 'kern.ostype')],
      ['o', text(sys, 'kern.ostype')],
      ['n', sys.hostname()],
      ['r', text(sys, 'kern.osrelease')],
      // The newlines of the version become blanks, so that one stands before the blank that separates the fields.
      ['v', text(sys, 'kern.version').replaceAll('\n', ' ')],
      ['m', text(sys, 'hw.machine')],
      ['p', text(sys, 'hw.machine_arch')],
      ['i', text(sys, 'kern.ident')],
      ['U', text(sys, 'kern.osreldate')],
      ['K', text(sys, 'kern.osreldate')],
    ]
    const shown = values.filter(([flag]) => flags.has(flag) && !(flag === 'o' && flags.has('s')))
    return printed(`${shown.map(([, value]) => value).join(' ')}\n`)
  }
}

/** hostname(1). */
export function hostname(sys: SystemCalls): CommandFunction {
  return (args) => {
    const out = new Output('hostname')
    const { given, operands, fault } = getopt(args, 'fsd')
    if (fault !== null || operands.length > 1) {
      out.complain('usage: hostname [-f] [-s | -d] [name-of-host]\n')
      return out.exit(1)
    }
    const name = operands[0]
    if (name !== undefined) {
      const oid = sys.sysctl.find('kern.hostname')
      const error = oid === undefined ? EPERM : sys.sysctl.write(oid, name)
      if (error !== 0) out.warnx(`sethostname: ${strerror(error)}`)
      return out.exit(error === 0 ? 0 : 1)
    }
    const full = sys.hostname()
    const dot = full.indexOf('.')
    const flags = new Set(given.map((option) => option.flag))
    if (flags.has('s') && dot >= 0) out.print(`${full.slice(0, dot)}\n`)
    else if (flags.has('d')) out.print(`${dot < 0 ? '' : full.slice(dot + 1)}\n`)
    else out.print(`${full}\n`)
    return out.exit(0)
  }
}

/** date(1): the virtual clock, in UTC. */
export function date(sys: SystemCalls): CommandFunction {
  return (args) => {
    const out = new Output('date')
    const { given, operands, fault } = getopt(args, 'ujRr:I')
    const flags = new Set(given.map((option) => option.flag))
    const asked = given.find((option) => option.flag === 'r')?.value
    if (fault !== null || (asked !== undefined && !/^\d+$/.test(asked)) || operands.length > 1) {
      if (fault !== null) out.warnx(fault)
      out.complain('usage: date [-jRu] [-I] [-r seconds] [+format]\n')
      return out.exit(1)
    }
    const seconds = asked === undefined ? wallSeconds(sys) : Number(asked)
    const nanoseconds = asked === undefined ? sys.now() % 1e9 : 0
    const format = operands[0]
    if (format !== undefined && !format.startsWith('+')) {
      out.warnx('the clock of the emulated host is its virtual time and cannot be set')
      return out.exit(1)
    }
    const pattern =
      format?.slice(1) ?? (flags.has('R') ? '%a, %d %b %Y %T %z' : flags.has('I') ? '%Y-%m-%d' : '%a %b %e %T %Z %Y')
    out.print(`${strftime(pattern, seconds, nanoseconds)}\n`)
    return out.exit(0)
  }
}

/** uptime(1). Source: usr.bin/w/w.c pr_header() (derived). */
export function uptime(sys: SystemCalls): CommandFunction {
  return () => {
    const now = gmtime(wallSeconds(sys))
    const up = Math.floor(sys.now() / 1e9)
    const days = Math.floor(up / 86400)
    const hours = Math.floor(up / 3600) % 24
    const minutes = Math.floor(up / 60) % 60
    const clock = `${pad(now.hour % 12 === 0 ? 12 : now.hour % 12, 2)}:${two(now.minute)}${now.hour < 12 ? 'AM' : 'PM'}`
    let text = `${clock}  up`
    if (days > 0) text += ` ${days} day${days === 1 ? '' : 's'},`
    if (hours > 0 && minutes > 0) text += ` ${pad(hours, 2)}:${two(minutes)},`
    else if (hours > 0) text += ` ${hours} hr${hours === 1 ? '' : 's'},`
    else if (minutes > 0) text += ` ${minutes} min${minutes === 1 ? '' : 's'},`
    else text += ` ${up} sec${up === 1 ? '' : 's'},`
    text += ' 1 user'
    const load = sys.sysctl.find('vm.loadavg')
    const value = load === undefined ? null : sys.sysctl.read(load)
    if (Array.isArray(value))
      text += `, load averages: ${(value as number[]).map((average) => average.toFixed(2)).join(' ')}`
    return printed(`${text}\n`)
  }
}

/** dmesg(8): the message buffer. */
export function dmesg(sys: SystemCalls): CommandFunction {
  return () =>
    printed(
      sys
        .messages()
        .map((line) => `${line}\n`)
        .join(''),
    )
}

/** sysctl(8): reads and sets kernel state. Source: sbin/sysctl/sysctl.c (reference console-tools 2.1, 2.2; read). */
import type { SysctlOid, SystemCalls } from '../../../emulator/index'
import { getopt } from '../../filters/options'
import { ENOMEM, ENOTDIR, EOPNOTSUPP, EX_NOINPUT, strerror } from '../../libc/errno'
import { Output, strtol } from '../../libc/stdio'
import type { CommandFunction, CommandResult } from '../../shell/run'
import { formatValue, isNumeric, rawValue, typeWord } from './format'

const usage = `usage: sysctl [-bdehiNnoqTtWx] [ -B <bufsize> ] [-f filename] name[=value] ...
       sysctl [-bdehNnoqTtWx] [ -B <bufsize> ] -a
`

interface Run {
  sys: SystemCalls
  out: Output
  flags: ReadonlySet<string>
}

export function sysctl(sys: SystemCalls): CommandFunction {
  return (args) => main(sys, args)
}

function main(sys: SystemCalls, args: string[]): CommandResult {
  const out = new Output('sysctl')
  const usageError = (): CommandResult => {
    out.complain(usage)
    return out.exit(1)
  }
  const { given, operands, fault } = getopt(args, 'AabB:def:hiNnoqtTwWxX')
  if (fault !== null) {
    out.warnx(fault)
    return usageError()
  }
  const flags = new Set(given.map((option) => option.flag))
  if (flags.has('A')) flags.add('o').add('a')
  if (flags.has('X')) flags.add('x').add('a')
  if (flags.has('N') && flags.has('n')) return usageError()
  const run: Run = { sys, out, flags }
  const file = given.find((option) => option.flag === 'f')?.value
  if (file !== undefined) {
    out.warnx(`${file}: No such file or directory`)
    return out.exit(EX_NOINPUT)
  }
  if (operands.length === 0) {
    if (!flags.has('a')) return usageError()
    if (flags.has('d') || flags.has('t')) for (const root of sys.sysctl.childrenOf()) describeTree(run, root)
    else for (const oid of sys.sysctl.list()) show(run, oid)
    return out.exit(0)
  }
  let failed = 0
  for (const operand of operands) {
    const result = parse(run, operand)
    if (result === 'usage') return usageError()
    failed += result
  }
  return out.exit(failed)
}

/** One operand, `name` or `name=value`. @returns 0 or 1 failures. */
function parse(run: Run, operand: string): number | 'usage' {
  const { sys, out, flags } = run
  const at = operand.search(/[=:]/)
  const name = at < 0 ? operand : operand.slice(0, at)
  let text = at < 0 ? null : operand.slice(at + 1).trimStart()
  if (text !== null && (flags.has('T') || flags.has('W'))) {
    out.warnx("Can't set variables when using -T or -W")
    return 'usage'
  }
  const quoted = text === null ? null : /^(["'])(.*)\1$/s.exec(text)
  if (quoted !== null) text = quoted[2]
  const oid = sys.sysctl.find(name)
  if (oid === undefined) {
    if (flags.has('i')) return 0
    if (!flags.has('q')) out.warnx(`unknown oid '${name}'`)
    return 1
  }
  if (text !== null && !flags.has('d')) return assign(run, oid, name, text, operand)
  if (oid.type !== 'node') show(run, oid)
  else if (flags.has('d') || flags.has('t')) describeTree(run, oid)
  else for (const leaf of sys.sysctl.list(oid.name)) show(run, leaf)
  return 0
}

/** With -d and -t a node shows its own line, then everything below. */
function describeTree(run: Run, oid: SysctlOid): void {
  if (oid.skip === true) return
  // sysctl_all walks leaves only; the node that was named shows itself first.
  show(run, oid)
  for (const leaf of run.sys.sysctl.list(oid.name)) if (leaf !== oid) show(run, leaf)
}

/** show_var() and the newline behind it. Nothing is printed where there is nothing to show. */
function show(run: Run, oid: SysctlOid): void {
  const text = showVar(run, oid, run.flags.has('n'))
  if (text !== null) run.out.print(run.flags.has('b') && !run.flags.has('d') ? text : `${text}\n`)
}

/** A name with its value, without newline; null: nothing that sysctl(8) can print. */
function showVar({ sys, flags }: Run, oid: SysctlOid, valueOnly: boolean): string | null {
  if (flags.has('W') && !(sys.sysctl.isWritable(oid) && oid.stats !== true)) return null
  if (flags.has('T') && !sys.sysctl.isTunable(oid)) return null
  if (flags.has('N')) return oid.name
  const prefix = valueOnly ? '' : `${oid.name}${flags.has('e') ? '=' : ': '}`
  if (flags.has('t') || flags.has('d')) {
    const parts: string[] = []
    if (flags.has('t')) parts.push(typeWord(oid))
    if (flags.has('d')) parts.push(oid.description)
    return prefix + parts.join(flags.has('e') ? '=' : ': ')
  }
  if (oid.type === 'node') return null
  const value = sys.sysctl.read(oid)
  if (flags.has('b')) return rawValue(oid, value)
  const text = formatValue(oid, value, { hexadecimal: flags.has('x'), opaque: flags.has('o') })
  return text === null ? null : prefix + text
}

function assign(run: Run, oid: SysctlOid, name: string, text: string, operand: string): number {
  const { sys, out, flags } = run
  if (oid.type === 'node') {
    out.warnx(`oid '${name}' isn't a leaf node`)
    return 1
  }
  if (!sys.sysctl.isWritable(oid)) {
    if (sys.sysctl.isTunable(oid)) {
      out.warnx(`oid '${name}' is a read only tunable`)
      out.warnx('Tunable values are set in /boot/loader.conf')
    } else out.warnx(`oid '${name}' is read only`)
    return 1
  }
  if (oid.type === 'opaque') {
    out.warnx(`oid '${name}' is type 5, cannot set that`)
    return 1
  }
  let value: number | string = text
  if (isNumeric(oid)) {
    if (text === '') {
      out.warnx('empty numeric value')
      return 1
    }
    const numbers = text.split(/[ ,]+/).filter((word) => word !== '')
    const parsed = numbers.map(strtol)
    const wrong = parsed.indexOf(null)
    if (wrong >= 0 || parsed.length === 0) {
      out.warnx(`invalid ${typeWord(oid)} '${numbers[wrong] ?? text}'`)
      return 1
    }
    // Several numbers set an array; a single value refuses them by their length.
    value = parsed.length === 1 ? (parsed[0] ?? NaN) : NaN
  }
  const before = showVar(run, oid, flags.has('n'))
  const error = sys.sysctl.write(oid, value)
  const old = before ?? ''
  if (error !== 0) {
    if (!flags.has('b')) out.print(`${old}\n`)
    if (error === EOPNOTSUPP) out.warnx(`${operand}: value is not available`)
    else if (error === ENOTDIR) out.warnx(`${operand}: specification is incomplete`)
    else if (error === ENOMEM) out.warnx(`${operand}: type is unknown to this program`)
    else out.warnx(`${operand}: ${strerror(error)}`)
    return 1
  }
  const after = showVar(run, oid, true) ?? ''
  out.print(flags.has('b') ? old + after : `${old} -> ${after}\n`)
  return 0
}

/** Small filters over standard input: cat, head, tail, wc, uniq, cut. There are no files to name on the emulated host. */
import { Output, pad, printed } from '../libc/stdio'
import type { CommandFunction, CommandResult } from '../shell/run'
import { getopt, joinLines, linesOf } from './options'

/** Files that were named do not exist; `-` is standard input. @returns false if one was named. */
function noFiles(out: Output, files: readonly string[]): boolean {
  const named = files.filter((file) => file !== '-')
  for (const file of named) out.warnx(`${file}: No such file or directory`)
  return named.length === 0
}

export const cat: CommandFunction = (args, stdin) => {
  const out = new Output('cat')
  const { given, operands, fault } = getopt(args, 'belnstuv')
  if (fault !== null) {
    out.warnx(fault)
    out.complain('usage: cat [-belnstuv] [file ...]\n')
    return out.exit(1)
  }
  const fine = noFiles(out, operands)
  if (operands.length === 0 || operands.includes('-')) {
    const numbered = given.some((option) => option.flag === 'n')
    const text = stdin ?? ''
    out.print(numbered ? joinLines(linesOf(text).map((line, index) => `${pad(index + 1, 6)}\t${line}`)) : text)
  }
  return out.exit(fine ? 0 : 1)
}

/** `-5` as an option of head and tail. */
function oldCount(args: readonly string[]): string[] {
  return args.map((arg) => (/^-\d+$/.test(arg) ? `-n${arg.slice(1)}` : arg))
}

export const head: CommandFunction = (args, stdin) => {
  const out = new Output('head')
  const { given, operands, fault } = getopt(oldCount(args), 'n:c:')
  if (fault !== null) {
    out.warnx(fault)
    out.complain('usage: head [-n lines | -c bytes] [file ...]\n')
    return out.exit(1)
  }
  const last = given.at(-1)
  const count = last === undefined ? 10 : /^\+?\d+$/.test(last.value) ? Number(last.value) : NaN
  if (!(count > 0)) {
    out.warnx(`illegal ${last?.flag === 'c' ? 'byte' : 'line'} count -- ${last?.value ?? ''}`)
    return out.exit(1)
  }
  const fine = noFiles(out, operands)
  const text = stdin ?? ''
  if (operands.length === 0 || operands.includes('-'))
    out.print(last?.flag === 'c' ? text.slice(0, count) : firstLines(text, count))
  return out.exit(fine ? 0 : 1)
}

/** The first lines, the last one with its newline only if it has one. */
function firstLines(text: string, count: number): string {
  let at = 0
  for (let i = 0; i < count; i++) {
    const next = text.indexOf('\n', at)
    if (next < 0) return text
    at = next + 1
  }
  return text.slice(0, at)
}

export const tail: CommandFunction = (args, stdin) => {
  const out = new Output('tail')
  const { given, operands, fault } = getopt(oldCount(args), 'n:c:rqfF')
  if (fault !== null) {
    out.warnx(fault)
    out.complain('usage: tail [-F | -f | -r] [-q] [-b # | -c # | -n #] [file ...]\n')
    return out.exit(1)
  }
  const sized = given.findLast((option) => option.flag === 'n' || option.flag === 'c')
  const reversed = given.some((option) => option.flag === 'r')
  const match = /^([+-]?)(\d+)$/.exec(sized?.value ?? '10')
  if (match === null) {
    out.warnx(`illegal offset -- ${sized?.value ?? ''}: Invalid argument`)
    return out.exit(1)
  }
  const fine = noFiles(out, operands)
  if (operands.length === 0 || operands.includes('-')) {
    const text = stdin ?? ''
    const count = Number(match[2])
    const fromStart = match[1] === '+'
    const units = sized?.flag === 'c' ? [...text] : (text.match(/[^\n]*\n|[^\n]+$/g) ?? [])
    const all = reversed && sized === undefined
    const first = all ? 0 : fromStart ? Math.max(0, count - 1) : Math.max(0, units.length - count)
    const kept = units.slice(first)
    out.print((reversed ? kept.reverse() : kept).join(''))
  }
  return out.exit(fine ? 0 : 1)
}

/** Each count is `%7ju` behind a blank. */
export const wc: CommandFunction = (args, stdin) => {
  const out = new Output('wc')
  const { given, operands, fault } = getopt(args, 'clmwL')
  if (fault !== null) {
    out.warnx(fault)
    out.complain('usage: wc [-Lclmw] [file ...]\n')
    return out.exit(1)
  }
  const flags = new Set(given.length === 0 ? ['l', 'w', 'c'] : given.map((option) => option.flag))
  const fine = noFiles(out, operands)
  if (operands.length === 0) {
    const text = stdin ?? ''
    const counts: number[] = []
    if (flags.has('l')) counts.push(text.split('\n').length - 1)
    if (flags.has('w')) counts.push(text.match(/\S+/g)?.length ?? 0)
    if (flags.has('m') || flags.has('c')) counts.push(flags.has('c') ? utf8Length(text) : [...text].length)
    if (flags.has('L')) counts.push(Math.max(0, ...linesOf(text).map((line) => line.length)))
    out.print(counts.map((count) => ` ${pad(count, 7)}`).join('') + '\n')
  }
  return out.exit(fine ? 0 : 1)
}

function utf8Length(text: string): number {
  let bytes = 0
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
  }
  return bytes
}

export const uniq: CommandFunction = (args, stdin) => {
  const { given, fault } = getopt(args, 'cdui')
  if (fault !== null) return usageFault('uniq', fault, 'usage: uniq [-c] [-d | -u] [-i]\n')
  const flags = new Set(given.map((option) => option.flag))
  const key = (line: string): string => (flags.has('i') ? line.toLowerCase() : line)
  const groups: { line: string; count: number }[] = []
  for (const line of linesOf(stdin ?? '')) {
    const last = groups.at(-1)
    if (last !== undefined && key(last.line) === key(line)) last.count++
    else groups.push({ line, count: 1 })
  }
  const kept = groups.filter(({ count }) => (!flags.has('d') || count > 1) && (!flags.has('u') || count === 1))
  return printed(joinLines(kept.map(({ line, count }) => (flags.has('c') ? `${pad(count, 4)} ${line}` : line))))
}

export const cut: CommandFunction = (args, stdin) => {
  const usage = 'usage: cut -c list\n       cut -f list [-s] [-d delim]\n'
  const { given, fault } = getopt(args, 'c:f:d:sb:')
  const value = (flag: string): string | undefined => given.findLast((option) => option.flag === flag)?.value
  const list = value('f') ?? value('c') ?? value('b')
  if (fault !== null || list === undefined) return usageFault('cut', fault, usage)
  const ranges = list.split(',').map((item) => /^(\d*)(-?)(\d*)$/.exec(item))
  if (ranges.some((range) => range === null || (range[1] === '' && range[3] === '')))
    return usageFault('cut', '[-bcf] list: illegal list value', '')
  const wanted = (position: number): boolean =>
    ranges.some((range) => {
      const from = Number(range?.[1] === '' ? 1 : range?.[1])
      const to = range?.[2] === '' ? from : range?.[3] === '' ? Infinity : Number(range?.[3])
      return position >= from && position <= to
    })
  const delimiter = value('d') ?? '\t'
  const separated = given.some((option) => option.flag === 's')
  const lines = linesOf(stdin ?? '').flatMap((line) => {
    if (value('f') === undefined) return [[...line].filter((_, index) => wanted(index + 1)).join('')]
    if (!line.includes(delimiter)) return separated ? [] : [line]
    return [
      line
        .split(delimiter)
        .filter((_, index) => wanted(index + 1))
        .join(delimiter),
    ]
  })
  return printed(joinLines(lines))
}

function usageFault(program: string, fault: string | null, usage: string): CommandResult {
  const out = new Output(program)
  if (fault !== null) out.warnx(fault)
  out.complain(usage)
  return out.exit(1)
}

/** sort(1) over standard input in the C locale: -n -r -u -f -b -s -t -k. Source: sort(1) of FreeBSD 12 (derived). */
import { Output, printed } from '../libc/stdio'
import type { CommandFunction } from '../shell/run'
import { getopt, joinLines, linesOf } from './options'

interface Key {
  /** Field and character, from 1; 0 as last character: the end of the field. */
  fromField: number
  fromChar: number
  toField: number
  toChar: number
  numeric: boolean
  reverse: boolean
  fold: boolean
}

export const sort: CommandFunction = (args, stdin) => {
  const out = new Output('sort')
  const { given, operands, fault } = getopt(args, 'nrufbst:k:h')
  if (fault !== null) {
    out.warnx(fault)
    out.complain('usage: sort [-bfhnrsu] [-k key] [-t char] [file ...]\n')
    return out.exit(2)
  }
  const flags = new Set(given.map((option) => option.flag))
  const named = operands.filter((file) => file !== '-')
  if (named.length > 0) {
    out.warnx(`open failed: ${named[0]}: No such file or directory`)
    return out.exit(2)
  }
  const whole: Key = {
    fromField: 0,
    fromChar: 0,
    toField: 0,
    toChar: 0,
    numeric: flags.has('n') || flags.has('h'),
    reverse: flags.has('r'),
    fold: flags.has('f'),
  }
  const keys: Key[] = []
  for (const { flag, value } of given) {
    if (flag !== 'k') continue
    const match = /^(\d+)(?:\.(\d+))?([bnrfh]*)(?:,(\d+)(?:\.(\d+))?([bnrfh]*))?$/.exec(value)
    if (match === null || Number(match[1]) === 0) {
      out.warnx(`invalid field specification: ${value}`)
      return out.exit(2)
    }
    const letters = match[3] + (match[6] ?? '')
    keys.push({
      fromField: Number(match[1]),
      fromChar: Number(match[2] ?? 1),
      toField: Number(match[4] ?? 0),
      toChar: Number(match[5] ?? 0),
      // A key without letters of its own takes those of the command.
      numeric: letters === '' ? whole.numeric : /[nh]/.test(letters),
      reverse: letters === '' ? whole.reverse : letters.includes('r'),
      fold: letters === '' ? whole.fold : letters.includes('f'),
    })
  }
  const separator = given.findLast((option) => option.flag === 't')?.value ?? null
  const used = keys.length === 0 ? [whole] : keys
  const compareKeys = (a: string, b: string): number => {
    for (const key of used) {
      const order = compareText(extract(a, key, separator), extract(b, key, separator), key)
      if (order !== 0) return key.reverse ? -order : order
    }
    return 0
  }
  const compare = (a: string, b: string): number => {
    const order = compareKeys(a, b)
    if (order !== 0 || flags.has('s') || flags.has('u')) return order
    // The last resort: the whole line, byte by byte.
    return (a < b ? -1 : a > b ? 1 : 0) * (flags.has('r') ? -1 : 1)
  }
  const lines = linesOf(stdin ?? '').sort(compare)
  const kept = flags.has('u') ? lines.filter((line, i) => i === 0 || compareKeys(lines[i - 1], line) !== 0) : lines
  return printed(joinLines(kept))
}

function extract(line: string, key: Key, separator: string | null): string {
  if (key.fromField === 0) return line
  // Without a separator a field begins with the blanks in front of it.
  const fields = separator === null ? (line.match(/\s*\S+/g) ?? []) : line.split(separator)
  const last = key.toField === 0 ? fields.length : key.toField
  const parts = fields.slice(key.fromField - 1, last)
  if (parts.length === 0) return ''
  if (key.toField !== 0 && key.toChar > 0 && parts.length === key.toField - key.fromField + 1)
    parts[parts.length - 1] = parts[parts.length - 1].slice(0, key.toChar)
  parts[0] = parts[0].slice(Math.max(0, key.fromChar - 1))
  return parts.join(separator ?? '')
}

function compareText(a: string, b: string, key: Key): number {
  if (key.numeric) return leadingNumber(a) - leadingNumber(b)
  const [x, y] = key.fold ? [a.toUpperCase(), b.toUpperCase()] : [a, b]
  return x < y ? -1 : x > y ? 1 : 0
}

function leadingNumber(text: string): number {
  const match = /^\s*(-?\d*\.?\d+)/.exec(text)
  return match === null ? 0 : Number(match[1])
}

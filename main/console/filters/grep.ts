/** grep(1) over standard input: -E -F -i -v -c -n -o -w -x -q -A -B -C -m -e -h -s. Source: usr.bin/grep (reference console-tools 8.3; derived). */
import { Output } from '../libc/stdio'
import type { CommandFunction } from '../shell/run'
import { getopt, linesOf } from './options'
import { escapeLiteral, PatternFault, translate } from './regex'

const usage = `usage: grep [-abcDEFGHhIiLlmnOoPqRSsUVvwxz] [-A num] [-B num] [-C[num]]
	[-e pattern] [-f file] [--binary-files=value] [--color=when]
	[--context[=num]] [--directories=action] [--label] [--line-buffered]
	[--null] [pattern] [file ...]
`

export const grep: CommandFunction = (args, stdin, name) => {
  const out = new Output('grep')
  const { given, operands, fault } = getopt(args, 'EFGivcnowxqhsHA:B:C:m:e:')
  const flags = new Set(given.map((option) => option.flag))
  const patterns = given.filter((option) => option.flag === 'e').map((option) => option.value)
  const files = [...operands]
  if (patterns.length === 0) {
    const operand = files.shift()
    if (fault === null && operand !== undefined) patterns.push(operand)
  }
  if (fault !== null || patterns.length === 0) {
    if (fault !== null) out.warnx(fault)
    out.complain(usage)
    return out.exit(2)
  }
  const number = (flag: string): number | null => {
    const text = given.findLast((option) => option.flag === flag)?.value
    return text === undefined ? null : /^\d+$/.test(text) ? Number(text) : NaN
  }
  const context = number('C') ?? 0
  const before = number('B') ?? context
  const after = number('A') ?? context
  const most = number('m') ?? Infinity
  if (Number.isNaN(before) || Number.isNaN(after)) {
    out.warnx('Invalid argument')
    return out.exit(2)
  }
  let expression: RegExp
  try {
    expression = compile(
      patterns.flatMap((pattern) => pattern.split('\n')),
      {
        fixed: flags.has('F') || name === 'fgrep',
        extended: flags.has('E') || name === 'egrep',
        ignoreCase: flags.has('i'),
        word: flags.has('w'),
        line: flags.has('x'),
      },
    )
  } catch (error) {
    if (!(error instanceof PatternFault)) throw error
    out.warnx(error.message)
    return out.exit(2)
  }
  let trouble = false
  for (const file of files) {
    if (file === '-') continue
    if (!flags.has('s')) out.warnx(`${file}: No such file or directory`)
    trouble = true
  }
  const fromInput = files.length === 0 || files.includes('-')
  const lines = fromInput ? linesOf(stdin ?? '') : []
  const selected: number[] = []
  for (let i = 0; i < lines.length && selected.length < most; i++) {
    expression.lastIndex = 0
    if (expression.test(lines[i]) !== flags.has('v')) selected.push(i)
  }
  const status = selected.length > 0 ? 0 : trouble ? 2 : 1
  if (flags.has('q')) return out.exit(status)
  if (flags.has('c')) {
    if (fromInput) out.print(`${selected.length}\n`)
    return out.exit(status)
  }
  const label = (index: number, mark: string): string => (flags.has('n') ? `${index + 1}${mark}` : '')
  let printedTo = -1
  for (const index of selected) {
    if (flags.has('o')) {
      if (flags.has('v')) continue
      expression.lastIndex = 0
      for (const match of lines[index].matchAll(expression))
        if (match[0] !== '') out.print(`${label(index, ':')}${match[0]}\n`)
      continue
    }
    const from = Math.max(printedTo + 1, index - before)
    if ((before > 0 || after > 0) && printedTo >= 0 && from > printedTo + 1) out.print('--\n')
    for (let i = from; i < index; i++) out.print(`${label(i, '-')}${lines[i]}\n`)
    if (index > printedTo) out.print(`${label(index, ':')}${lines[index]}\n`)
    printedTo = Math.max(printedTo, index)
    const isSelected = new Set(selected)
    for (let i = index + 1; i <= index + after && i < lines.length && !isSelected.has(i); i++) {
      out.print(`${label(i, '-')}${lines[i]}\n`)
      printedTo = i
    }
  }
  return out.exit(status)
}

interface CompileOptions {
  fixed: boolean
  extended: boolean
  ignoreCase: boolean
  word: boolean
  line: boolean
}

/** One expression for all patterns. @throws PatternFault */
export function compile(patterns: readonly string[], options: CompileOptions): RegExp {
  const sources = patterns.map((pattern) => {
    const source = options.fixed ? escapeLiteral(pattern) : translate(pattern, options.extended)
    if (options.line) return `^(?:${source})$`
    return options.word ? `(?<![A-Za-z0-9_])(?:${source})(?![A-Za-z0-9_])` : `(?:${source})`
  })
  try {
    return new RegExp(sources.join('|'), options.ignoreCase ? 'gi' : 'g')
  } catch {
    throw new PatternFault('invalid argument to regex routine')
  }
}

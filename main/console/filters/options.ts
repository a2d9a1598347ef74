/** getopt(3) for the commands of the console: short options, bundled, `--` ends them, the first operand too. */
export interface Options {
  /** Given options in order, with their argument or ''. */
  given: { flag: string; value: string }[]
  operands: string[]
  /** What getopt would print, without the program's name: `illegal option -- x`. */
  fault: string | null
}

/** @param spec letters; one followed by `:` takes an argument. */
export function getopt(args: readonly string[], spec: string): Options {
  const given: Options['given'] = []
  let i = 0
  for (; i < args.length; i++) {
    const arg = args[i]
    if (arg === '--') {
      i++
      break
    }
    if (arg === '-' || !arg.startsWith('-')) break
    for (let j = 1; j < arg.length; j++) {
      const flag = arg[j]
      const at = spec.indexOf(flag)
      if (flag === ':' || at < 0) return { given, operands: [], fault: `illegal option -- ${flag}` }
      if (spec[at + 1] !== ':') {
        given.push({ flag, value: '' })
        continue
      }
      const rest = arg.slice(j + 1)
      if (rest !== '') given.push({ flag, value: rest })
      else if (i + 1 < args.length) given.push({ flag, value: args[++i] })
      else return { given, operands: [], fault: `option requires an argument -- ${flag}` }
      break
    }
  }
  return { given, operands: args.slice(i), fault: null }
}

/** Lines of a text; a last line without newline counts. */
export function linesOf(text: string): string[] {
  if (text === '') return []
  const lines = text.split('\n')
  if (lines[lines.length - 1] === '') lines.pop()
  return lines
}

export function joinLines(lines: readonly string[]): string {
  return lines.length === 0 ? '' : lines.join('\n') + '\n'
}

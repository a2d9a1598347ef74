/**
 * POSIX regular expressions, basic and extended, as JavaScript ones. Leftmost-longest among alternatives is not imitated (JavaScript takes the first);
 * for lines of output that is no difference one meets. Source: re_format(7) (read).
 */

/** A pattern that cannot be compiled; `message` is what regerror(3) says. */
export class PatternFault extends Error {}

const classes: { readonly [name: string]: string } = {
  alpha: 'A-Za-z',
  digit: '0-9',
  alnum: 'A-Za-z0-9',
  upper: 'A-Z',
  lower: 'a-z',
  space: '\\s',
  blank: ' \\t',
  punct: '!-\\/:-@\\[-`{-~',
  print: ' -~',
  graph: '!-~',
  cntrl: '\\x00-\\x1f\\x7f',
  xdigit: '0-9A-Fa-f',
}

/** Translates a pattern. @throws PatternFault */
export function translate(pattern: string, extended: boolean): string {
  let out = ''
  let depth = 0
  // True where a repetition would have nothing to repeat: there `*` is an ordinary character in basic patterns.
  let start = true
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern[i]
    const next = pattern[i + 1]
    if (c === '[') {
      const [text, end] = bracket(pattern, i)
      out += text
      i = end
      start = false
      continue
    }
    if (c === '\\') {
      if (next === undefined) throw new PatternFault('trailing backslash (\\)')
      i++
      if (next === '<' || next === '>') out += '\\b'
      else if (/[1-9bBwWsS]/.test(next)) out += `\\${next}`
      else if (!extended && '(){}|+?'.includes(next)) {
        if (next === '(') depth++
        if (next === ')' && --depth < 0) throw new PatternFault('parentheses not balanced')
        if (next === '{') {
          const [text, end] = bound(pattern, i + 1, '\\}')
          out += text
          i = end
        } else out += next
        start = next === '(' || next === '|'
        continue
      } else out += escapeLiteral(next)
      start = false
      continue
    }
    if (c === '*') {
      if (start && extended) throw new PatternFault('repetition-operator operand invalid')
      out += start ? '\\*' : '*'
      start = false
      continue
    }
    if (c === '^') {
      // An anchor at the start of a basic pattern or of a group, an ordinary character elsewhere.
      const anchor = extended || start
      out += anchor ? '^' : '\\^'
      if (!anchor) start = false
      continue
    }
    if (c === '$') {
      const anchor = extended || i === pattern.length - 1 || pattern.startsWith('\\)', i + 1)
      out += anchor ? '$' : '\\$'
      start = false
      continue
    }
    if (extended && '(){}|+?'.includes(c)) {
      if (c === '(') depth++
      if (c === ')' && --depth < 0) throw new PatternFault('parentheses not balanced')
      if ((c === '+' || c === '?') && start) throw new PatternFault('repetition-operator operand invalid')
      if (c === '{') {
        // A brace that does not begin a bound is an ordinary character.
        if (!/\d/.test(next ?? '')) out += '\\{'
        else {
          if (start) throw new PatternFault('repetition-operator operand invalid')
          const [text, end] = bound(pattern, i + 1, '}')
          out += text
          i = end
        }
      } else if (c === '}') out += '\\}'
      else out += c
      start = c === '(' || c === '|'
      continue
    }
    out += c === '.' ? '.' : escapeLiteral(c)
    start = false
  }
  if (depth > 0) throw new PatternFault('parentheses not balanced')
  return out
}

export function escapeLiteral(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
}

/** A bracket expression that begins at `from`. */
function bracket(pattern: string, from: number): [text: string, end: number] {
  // The old spelling of word borders.
  for (const word of ['[[:<:]]', '[[:>:]]']) if (pattern.startsWith(word, from)) return ['\\b', from + word.length - 1]
  let i = from + 1
  let out = '['
  if (pattern[i] === '^') {
    out += '^'
    i++
  }
  const first = i
  for (; i < pattern.length; i++) {
    const c = pattern[i]
    if (c === ']' && i > first) return [`${out}]`, i]
    if (c === '[' && pattern[i + 1] === ':') {
      const end = pattern.indexOf(':]', i + 2)
      const name = end < 0 ? '' : pattern.slice(i + 2, end)
      if (end < 0 || !Object.hasOwn(classes, name)) throw new PatternFault('invalid character class')
      out += classes[name]
      i = end + 1
    } else if (c === '[' && (pattern[i + 1] === '.' || pattern[i + 1] === '=')) {
      const close = `${pattern[i + 1]}]`
      const end = pattern.indexOf(close, i + 2)
      if (end !== i + 3) throw new PatternFault('invalid collating element')
      out += escapeLiteral(pattern[i + 2])
      i = end + 1
    } else out += c === '-' ? '-' : c === '\\' || c === ']' || c === '[' || c === '^' ? `\\${c}` : c
  }
  throw new PatternFault('brackets ([ ]) not balanced')
}

/** A bound `m`, `m,` or `m,n` that begins at `from` and ends with `close`. */
function bound(pattern: string, from: number, close: string): [text: string, end: number] {
  const end = pattern.indexOf(close, from)
  if (end < 0) throw new PatternFault('braces not balanced')
  const match = /^(\d{1,3})(,(\d{1,3})?)?$/.exec(pattern.slice(from, end))
  if (match === null || Number(match[1]) > 255 || Number(match[3] ?? 0) > 255)
    throw new PatternFault('invalid repetition count(s)')
  if (match[3] !== undefined && Number(match[3]) < Number(match[1]))
    throw new PatternFault('invalid repetition count(s)')
  return [`{${match[0]}}`, end + close.length - 1]
}

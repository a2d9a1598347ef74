/**
 * Words and operators of an sh line (console-tools.md 8.3). A word keeps its quoting as parts, because expansion happens later: `'$x'` is text, `"$x"` one
 * word with a variable, `$x` splits at blanks.
 */

/** A piece of a word. `text`: literal. `variable`: `$name`, `$?`, or `${name:-text}`. */
export type WordPart =
  | { kind: 'text'; text: string; quoted: boolean }
  | { kind: 'variable'; name: string; quoted: boolean; fallback: string | null }

export type Token =
  | { kind: 'word'; parts: WordPart[]; start: number; end: number }
  | { kind: 'operator'; text: string; start: number; end: number }

/** A line that sh refuses. `text` is its message without the `sh: ` in front. */
export class SyntaxFault extends Error {}

// Longest first. `2>&1` and `2>` are operators only where a word could begin.
const operators = ['2>&1', '>&2', '&&', '||', '>>', '2>', '>|', ';', '&', '|', '<', '>', '(', ')', '!'] as const
const nameStart = /[A-Za-z_]/
const nameRest = /[A-Za-z0-9_]/

/** Splits a line. @throws SyntaxFault for an unterminated quote or expansion. */
export function tokenize(line: string): Token[] {
  const tokens: Token[] = []
  let i = 0
  while (i < line.length) {
    const c = line[i]
    if (c === ' ' || c === '\t' || c === '\r') {
      i++
      continue
    }
    if (c === '\n') {
      tokens.push({ kind: 'operator', text: ';', start: i, end: i + 1 })
      i++
      continue
    }
    if (c === '#') {
      while (i < line.length && line[i] !== '\n') i++
      continue
    }
    const operator = operators.find((text) => line.startsWith(text, i))
    if (operator !== undefined && !(operator === '!' && /\S/.test(line[i + 1] ?? ' '))) {
      tokens.push({ kind: 'operator', text: operator, start: i, end: i + operator.length })
      i += operator.length
      continue
    }
    const [word, end] = readWord(line, i)
    tokens.push({ kind: 'word', parts: word, start: i, end })
    i = end
  }
  return tokens
}

function readWord(line: string, from: number): [WordPart[], number] {
  const parts: WordPart[] = []
  let i = from
  const text = (value: string, quoted: boolean): void => {
    const last = parts[parts.length - 1]
    if (last?.kind === 'text' && last.quoted === quoted) last.text += value
    else parts.push({ kind: 'text', text: value, quoted })
  }
  while (i < line.length) {
    const c = line[i]
    if (/[\s;&|<>()]/.test(c)) break
    if (c === '\\') {
      // A backslash at the very end stands for itself: there is no next line to join.
      if (i + 1 >= line.length) text('\\', true)
      else if (line[i + 1] !== '\n') text(line[i + 1], true)
      i += 2
    } else if (c === "'") {
      const close = line.indexOf("'", i + 1)
      if (close < 0) throw new SyntaxFault('Syntax error: Unterminated quoted string')
      text(line.slice(i + 1, close), true)
      i = close + 1
    } else if (c === '"') {
      i = readDoubleQuoted(line, i + 1, parts, text)
    } else if (c === '$') {
      i = readVariable(line, i, false, parts, text)
    } else {
      text(c, false)
      i++
    }
  }
  return [parts, Math.min(i, line.length)]
}

function readDoubleQuoted(
  line: string,
  from: number,
  parts: WordPart[],
  text: (value: string, quoted: boolean) => void,
): number {
  let i = from
  text('', true) // "" is a word, though an empty one
  for (;;) {
    if (i >= line.length) throw new SyntaxFault('Syntax error: Unterminated quoted string')
    const c = line[i]
    if (c === '"') return i + 1
    if (c === '\\' && '$`"\\\n'.includes(line[i + 1] ?? 'x')) {
      if (line[i + 1] !== '\n') text(line[i + 1], true)
      i += 2
    } else if (c === '$') {
      i = readVariable(line, i, true, parts, text)
    } else {
      text(c, true)
      i++
    }
  }
}

function readVariable(
  line: string,
  dollar: number,
  quoted: boolean,
  parts: WordPart[],
  text: (value: string, quoted: boolean) => void,
): number {
  let i = dollar + 1
  const c = line[i] ?? ''
  if (c === '?' || c === '$' || c === '#') {
    parts.push({ kind: 'variable', name: c, quoted, fallback: null })
    return i + 1
  }
  if (c === '{') {
    const close = line.indexOf('}', i)
    if (close < 0) throw new SyntaxFault('Syntax error: Missing "}"')
    const match = /^([A-Za-z_][A-Za-z0-9_]*|\?)(?::?-(.*))?$/s.exec(line.slice(i + 1, close))
    if (match === null) throw new SyntaxFault('Syntax error: Bad substitution')
    parts.push({ kind: 'variable', name: match[1], quoted, fallback: match[2] ?? null })
    return close + 1
  }
  if (!nameStart.test(c)) {
    text('$', quoted)
    return i
  }
  while (i < line.length && nameRest.test(line[i])) i++
  parts.push({ kind: 'variable', name: line.slice(dollar + 1, i), quoted, fallback: null })
  return i
}

/** Expands a word to zero or more arguments: unquoted variables split at blanks and vanish when empty. */
export function expandWord(parts: WordPart[], variable: (name: string) => string): string[] {
  const words: string[] = []
  let current: string | null = null
  for (const part of parts) {
    if (part.kind === 'text') {
      current = (current ?? '') + part.text
      continue
    }
    const found = variable(part.name)
    const value = found === '' && part.fallback !== null ? part.fallback : found
    if (part.quoted) {
      current = (current ?? '') + value
      continue
    }
    const pieces = value.split(/[ \t\n]+/)
    if (pieces.length === 1) {
      if (value !== '') current = (current ?? '') + value
      continue
    }
    pieces.forEach((piece, index) => {
      if (index > 0 && current !== null) {
        words.push(current)
        current = null
      }
      if (piece !== '') current = (current ?? '') + piece
    })
  }
  if (current !== null) words.push(current)
  return words
}

/** Writes an argument so that the shell reads it back as the same single word. */
export function quote(argument: string): string {
  if (/^[A-Za-z0-9_./:=,@%+-]+$/.test(argument)) return argument
  return `'${argument.replaceAll("'", `'\\''`)}'`
}

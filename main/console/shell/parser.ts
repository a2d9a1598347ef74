/** Lists, pipelines and redirections of an sh line. No groups, no compound commands: a console line, not a script. */
import { SyntaxFault, tokenize, type Token, type WordPart } from './lexer'

export interface SimpleCommand {
  words: WordPart[][]
  /** Standard output and error go here: `terminal`, `null` (a discarded stream), or `out` (2>&1 before a pipe). */
  stdout: 'pass' | 'null' | 'err'
  stderr: 'pass' | 'null' | 'out'
  /** Standard input from /dev/null. */
  stdinNull: boolean
}

export interface Pipeline {
  negated: boolean
  commands: SimpleCommand[]
  /** When it runs, seen from the status of what ran before it. */
  when: 'always' | 'success' | 'failure'
}

/** Parses a line into pipelines, run one after the other. @throws SyntaxFault */
export function parse(line: string): Pipeline[] {
  const tokens = tokenize(line)
  const pipelines: Pipeline[] = []
  let when: Pipeline['when'] = 'always'
  let i = 0
  while (i < tokens.length) {
    const token = tokens[i]
    if (token.kind === 'operator' && token.text === ';' && pipelines.length > 0 && when === 'always') {
      i++
      continue
    }
    const [pipeline, next] = readPipeline(tokens, i, when)
    pipelines.push(pipeline)
    i = next
    const after = tokens[i]
    if (after === undefined) return pipelines
    if (after.kind !== 'operator') throw unexpected(after)
    if (after.text === '&&') when = 'success'
    else if (after.text === '||') when = 'failure'
    else if (after.text === ';') when = 'always'
    else if (after.text === '&') throw new SyntaxFault('jobs in the background are not modelled; leave out the "&"')
    else throw unexpected(after)
    i++
    if (i >= tokens.length && when !== 'always') throw new SyntaxFault('Syntax error: end of file unexpected')
  }
  return pipelines
}

function unexpected(token: Token | undefined): SyntaxFault {
  if (token === undefined) return new SyntaxFault('Syntax error: end of file unexpected')
  if (token.kind === 'word') return new SyntaxFault('Syntax error: word unexpected')
  return new SyntaxFault(`Syntax error: "${token.text}" unexpected`)
}

function readPipeline(tokens: Token[], from: number, when: Pipeline['when']): [Pipeline, number] {
  let i = from
  let negated = false
  while (tokens[i]?.kind === 'operator' && (tokens[i] as { text: string }).text === '!') {
    negated = !negated
    i++
  }
  const commands: SimpleCommand[] = []
  for (;;) {
    const [command, next] = readCommand(tokens, i)
    commands.push(command)
    i = next
    const token = tokens[i]
    if (token?.kind === 'operator' && token.text === '|') i++
    else return [{ negated, commands, when }, i]
  }
}

function readCommand(tokens: Token[], from: number): [SimpleCommand, number] {
  const command: SimpleCommand = { words: [], stdout: 'pass', stderr: 'pass', stdinNull: false }
  let i = from
  for (; i < tokens.length; i++) {
    const token = tokens[i]
    if (token.kind === 'word') {
      command.words.push(token.parts)
      continue
    }
    if (token.text === '2>&1') command.stderr = command.stdout === 'null' ? 'null' : 'out'
    else if (token.text === '>&2') command.stdout = 'err'
    else if (['>', '>>', '>|', '2>', '<'].includes(token.text)) {
      const target = tokens[++i]
      if (target?.kind !== 'word') throw unexpected(target)
      const path = target.parts.map((part) => (part.kind === 'text' ? part.text : `$${part.name}`)).join('')
      // The emulated host has no writable file system: the only file that can be named is the one that swallows everything.
      if (path !== '/dev/null')
        throw new SyntaxFault(
          token.text === '<'
            ? `cannot open ${path}: No such file or directory`
            : `cannot create ${path}: Read-only file system`,
        )
      if (token.text === '2>') command.stderr = 'null'
      else if (token.text === '<') command.stdinNull = true
      else command.stdout = 'null'
    } else break
  }
  if (command.words.length === 0) throw unexpected(tokens[i])
  return [command, i]
}

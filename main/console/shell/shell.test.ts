import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { expandWord, quote, tokenize } from './lexer'
import {
  initialShellState,
  interruptLine,
  resumeLine,
  startLine,
  type CommandFunction,
  type CommandResult,
} from './run'

const out = (text: string, status = 0): CommandResult => ({ written: [{ to: 'out', text }], status })
const commands: Record<string, CommandFunction> = {
  echo: (args) => out(`${args.join(' ')}\n`),
  args: (args) => out(args.map((a) => `[${a}]`).join('') + '\n'),
  fail: (args) => ({ written: [{ to: 'err', text: 'fail: no\n' }], status: Number(args[0] ?? 1) }),
  both: () => ({
    written: [
      { to: 'out', text: 'one\n' },
      { to: 'err', text: 'two\n' },
      { to: 'out', text: 'three\n' },
    ],
    status: 0,
  }),
  true: () => out(''),
  up: (_args, stdin) => out((stdin ?? '(terminal)\n').toUpperCase()),
  sleep: (args) => ({ ...out('slept\n'), wakeAt: Number(args[0]) }),
  count: (args) =>
    args[0] === '0'
      ? out('end\n', 4)
      : { ...out(`${args[0]}\n`), wakeAt: 9, then: ['count', String(Number(args[0]) - 1)] },
  exit: (args) => ({ written: [], status: Number(args[0] ?? 0), endsLine: true }),
}
const table = {
  find: (name: string) => commands[name],
  continuation: (name: string) => commands[name],
  notFound: () => '',
}

function sh(line: string, state = initialShellState()): { output: string; status: number } {
  let step = startLine(state, table, line)
  let output = step.output
  while (!step.done) {
    step = resumeLine(state, table)
    output += step.output
  }
  return { output, status: step.status }
}

describe('sh line (console-tools.md 8.3)', () => {
  it.each([
    [`args a 'b c' "d e" f\\ g`, '[a][b c][d e][f g]\n'],
    [`args '' "" x`, '[][][x]\n'],
    ['args a#b #c', '[a#b]\n'],
    [`X='1  2'; args $X "$X" \${Y:-none} $Y`, '[1][2][1  2][none]\n'],
    ['fail || echo no; echo $?', 'fail: no\nno\n0\n'],
    ['true && echo yes && fail 3; echo $?', 'yes\nfail: no\n3\n'],
    ['! fail; echo $?', 'fail: no\n0\n'],
    ['echo abc | up | up', 'ABC\n'],
    ['fail 2>/dev/null; echo $?', '1\n'],
    ['fail 2>&1 | up', 'FAIL: NO\n'],
    ['echo x >/dev/null', ''],
    ['up </dev/null', ''],
    ['nope; echo $?', 'nope: not found\n127\n'],
    ['fail && echo a || echo b', 'fail: no\nb\n'],
    ['both', 'one\ntwo\nthree\n'],
    ['both 2>&1 | up', 'ONE\nTWO\nTHREE\n'],
    ['both | up', 'two\nONE\nTHREE\n'],
    ['both >/dev/null', 'two\n'],
    ['count 2; echo $?', '2\n1\nend\n4\n'],
    ['count 2 | up', '2\n1\nEND\n'],
    ["X=a=b; args $X 'Y=1' ; Z='p q' args [$Z]", '[a=b][Y=1]\n[[]]\n'],
    ['exit 3; echo never', ''],
  ])('%s – run – prints as sh does', (line, output) => {
    expect(sh(line).output).toBe(output)
  })

  it.each([
    [`echo 'a`, 'sh: Syntax error: Unterminated quoted string\n'],
    ['echo a |', 'sh: Syntax error: end of file unexpected\n'],
    ['&& echo', 'sh: Syntax error: "&&" unexpected\n'],
    ['echo a &&', 'sh: Syntax error: end of file unexpected\n'],
    ['echo > /etc/motd', 'sh: cannot create /etc/motd: Read-only file system\n'],
  ])('%s – refused – with the message of sh and status 2', (line, output) => {
    expect(sh(line)).toEqual({ output, status: 2 })
  })

  it('any list of arguments – quoted, read and expanded – is the same list', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 0, maxLength: 12 })), (args) => {
        const clean = args.map((arg) => arg.replaceAll('\0', ''))
        const tokens = tokenize(clean.map(quote).join(' '))
        const words = tokens.flatMap((token) => (token.kind === 'word' ? expandWord(token.parts, () => '') : ['?']))
        expect(words).toEqual(clean)
      }),
    )
  })

  it('a line that waits – continued or interrupted – goes on with its pipe or ends with 130', () => {
    const state = initialShellState()
    const step = startLine(state, table, 'echo a; sleep 5 | up; echo b')
    expect(step).toEqual({ output: 'a\n', done: false, status: 0, wakeAt: 5 })
    const copy = structuredClone(state)
    expect(resumeLine(copy, table)).toEqual({ output: 'SLEPT\nb\n', done: true, status: 0, wakeAt: 0 })
    expect(interruptLine(state).status).toBe(130)
    expect(state.line).toBeNull()
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CommandFunction } from '../shell/run'
import { compile, grep } from './grep'
import { PatternFault, translate } from './regex'
import { sort } from './sort'
import { cat, cut, head, tail, uniq, wc } from './text'

function run(
  command: CommandFunction,
  args: string[],
  stdin: string | null,
): { out: string; err: string; status: number } {
  const { written, status } = command(args, stdin, 'name')
  const text = (to: 'out' | 'err'): string =>
    written
      .filter((w) => w.to === to)
      .map((w) => w.text)
      .join('')
  return { out: text('out'), err: text('err'), status }
}
const text = 'alpha 1\nBeta 22\ngamma beta\n\n10 x.y\n'

describe('grep (console-tools 8.3)', () => {
  it.each([
    [['beta'], 'gamma beta\n', 0],
    [['-i', 'beta'], 'Beta 22\ngamma beta\n', 0],
    [['-v', '[a-z]'], '\n', 0],
    [['-c', 'a'], '3\n', 0],
    [['-n', '^B'], '2:Beta 22\n', 0],
    [['-o', '[0-9][0-9]*'], '1\n22\n10\n', 0],
    [['-oE', '[0-9]+'], '1\n22\n10\n', 0],
    [['-w', 'bet'], '', 1],
    [['-w', 'beta'], 'gamma beta\n', 0],
    [['-F', 'x.y'], '10 x.y\n', 0],
    [['-F', 'x_y'], '', 1],
    [['-E', 'alpha|gamma'], 'alpha 1\ngamma beta\n', 0],
    [['-e', 'alpha', '-e', '10'], 'alpha 1\n10 x.y\n', 0],
    [['a\\{1,\\}l'], 'alpha 1\n', 0],
    [['\\(al\\).*1'], 'alpha 1\n', 0],
    [['[[:digit:]]\\{2\\}'], 'Beta 22\n10 x.y\n', 0],
    [['-q', 'alpha'], '', 0],
    [['-A', '1', 'Beta'], 'Beta 22\ngamma beta\n', 0],
    [['-nB1', 'gamma'], '2-Beta 22\n3:gamma beta\n', 0],
    [['-m', '1', 'a'], 'alpha 1\n', 0],
    [['-x', 'Beta 22'], 'Beta 22\n', 0],
    [['nothing'], '', 1],
  ])('grep %j – prints what matches and says so by its status', (args, out, status) => {
    expect(run(grep, args, text)).toEqual({ out, err: '', status })
  })

  it('a pattern that cannot be, a file that is not there, no pattern – status 2', () => {
    expect(run(grep, ['[a'], text)).toEqual({ out: '', err: 'grep: brackets ([ ]) not balanced\n', status: 2 })
    expect(run(grep, ['-E', '(a'], text).err).toBe('grep: parentheses not balanced\n')
    expect(run(grep, ['a', '/etc/motd'], null)).toEqual({
      out: '',
      err: 'grep: /etc/motd: No such file or directory\n',
      status: 2,
    })
    expect(run(grep, [], text).err).toMatch(/^usage: grep \[-abcDEFGHhIiLlmnOoPqRSsUVvwxz\] \[-A num\]/)
  })

  it('context of matches far apart – parted by --', () => {
    expect(run(grep, ['-C1', 'x'], 'x\na\nb\nc\nd\nx\n').out).toBe('x\na\n--\nd\nx\n')
  })

  it('any text – escaped for either syntax – matches itself and only where it stands', () => {
    const word = fc.string({ minLength: 1, maxLength: 8, unit: 'grapheme-ascii' })
    fc.assert(
      fc.property(word, word, word, (before, needle, after) => {
        const basic = needle.replace(/[\\^$.*[\]]/g, '\\$&')
        const extended = needle.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
        const line = before + needle + after
        for (const [pattern, isExtended] of [
          [basic, false],
          [extended, true],
        ] as const) {
          const match = new RegExp(translate(pattern, isExtended)).exec(line)
          expect(match?.[0]).toBe(needle)
          expect(match?.index).toBe(line.indexOf(needle))
        }
        expect(
          compile([needle], { fixed: true, extended: false, ignoreCase: false, word: false, line: true }).test(needle),
        ).toBe(true)
      }),
    )
  })

  it('any pattern at all – is translated or refused, never an accident', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), fc.boolean(), (pattern, extended) => {
        try {
          compile([pattern], { fixed: false, extended, ignoreCase: false, word: false, line: false })
        } catch (error) {
          expect(error).toBeInstanceOf(PatternFault)
        }
      }),
    )
  })

  it.each([
    ['*a', false, '*a', true],
    ['a\\+b', false, 'aab', true],
    ['a+b', false, 'a+b', true],
    ['a+b', false, 'aab', false],
    ['^a$', false, 'a', true],
    ['a^b', false, 'a^b', true],
    ['a$b', false, 'a$b', true],
    ['a{2}', true, 'aa', true],
    ['a{2}', false, 'a{2}', true],
    ['[]]', false, ']', true],
    ['[^]]', false, ']', false],
    ['\\<be', false, 'a be', true],
    ['\\<be', false, 'abe', false],
    ['[[:<:]]be[[:>:]]', true, 'to be or', true],
  ])('%s (extended: %s) on %s – %s', (pattern, extended, line, matches) => {
    expect(new RegExp(translate(pattern, extended)).test(line)).toBe(matches)
  })
})

describe('head, tail, wc, cat, uniq, cut (console-tools 8.3)', () => {
  it.each([
    [head, ['-n', '2'], 'alpha 1\nBeta 22\n'],
    [head, ['-1'], 'alpha 1\n'],
    [head, ['-c', '3'], 'alp'],
    [tail, ['-n', '1'], '10 x.y\n'],
    [tail, ['-2'], '\n10 x.y\n'],
    [tail, ['-n', '+4'], '\n10 x.y\n'],
    [tail, ['-r'], '10 x.y\n\ngamma beta\nBeta 22\nalpha 1\n'],
    [tail, ['-c', '3'], '.y\n'],
    [wc, [], '       5       8      35\n'],
    [wc, ['-l'], '       5\n'],
    [cat, ['-n'], '     1\talpha 1\n     2\tBeta 22\n     3\tgamma beta\n     4\t\n     5\t10 x.y\n'],
    [cut, ['-d', ' ', '-f', '2'], '1\n22\nbeta\n\nx.y\n'],
    [cut, ['-c', '1-2,4'], 'alh\nBea\ngam\n\n10x\n'],
  ] as [CommandFunction, string[], string][])('%o %j – as on FreeBSD', (command, args, out) => {
    expect(run(command, args, text)).toEqual({ out, err: '', status: 0 })
  })

  it('uniq -c – counts neighbours in a field of four', () => {
    expect(run(uniq, ['-c'], 'a\na\nb\na\n').out).toBe('   2 a\n   1 b\n   1 a\n')
  })

  it('wrong counts – the words of head and tail', () => {
    expect(run(head, ['-n', 'x'], text)).toEqual({ out: '', err: 'head: illegal line count -- x\n', status: 1 })
    expect(run(tail, ['-n', 'x'], text).err).toBe('tail: illegal offset -- x: Invalid argument\n')
  })

  it('head -n and tail -n +, any text – put together give the text', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 5 }).map((s) => s.replaceAll('\n', ''))), fc.nat(8), (lines, n) => {
        const all = lines.map((line) => `${line}\n`).join('')
        const first = run(head, ['-n', String(n + 1)], all).out
        expect(first + run(tail, ['-n', `+${n + 2}`], all).out).toBe(all)
      }),
    )
  })
})

describe('sort', () => {
  it.each([
    [[], 'b 2\na 10\nb 1\n', 'a 10\nb 1\nb 2\n'],
    [['-r'], 'a\nc\nb\n', 'c\nb\na\n'],
    [['-n'], '10\n9\n-1\nx\n', '-1\nx\n9\n10\n'],
    [['-u'], 'b\na\nb\n', 'a\nb\n'],
    [['-k', '2n'], 'b 2\na 10\nb 1\n', 'b 1\nb 2\na 10\n'],
    [['-rn', '-k', '2'], 'b 2\na 10\nb 1\n', 'a 10\nb 2\nb 1\n'],
    [['-t:', '-k2,2'], 'a:z:1\nb:a:2\n', 'b:a:2\na:z:1\n'],
    [['-f'], 'b\nA\nC\n', 'A\nb\nC\n'],
  ])('sort %j', (args, input, out) => {
    expect(run(sort, args, input)).toEqual({ out, err: '', status: 0 })
  })

  it('any lines – sorted – are the same lines in order, and sorting again changes nothing', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ maxLength: 6 }).map((s) => s.replaceAll('\n', ''))),
        fc.boolean(),
        (lines, numeric) => {
          const args = numeric ? ['-n'] : []
          const once = run(sort, args, lines.map((line) => `${line}\n`).join('')).out
          expect(run(sort, args, once).out).toBe(once)
          expect(once.split('\n').sort()).toEqual([...lines, ''].sort())
        },
      ),
    )
  })
})

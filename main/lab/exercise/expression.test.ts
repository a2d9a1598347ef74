import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseCommandShape } from './commandShape'
import { parseExpression } from './expression'

const none = (): null => null

describe('expressions', () => {
  test.each([
    ['1 + 2 * 3', 7],
    ['(1 + 2) * 3', 9],
    ['8 / 2 / 2', 2],
    ['7 - 2 - 1', 4],
    ['-2 + 5', 3],
    ['1.5e3', 1500],
  ])('%s – is computed – %d', (text, value) => {
    expect(parseExpression(text).compute(none)).toBe(value)
  })

  test('names – are looked up – and listed once', () => {
    const expression = parseExpression('conversions / (conversions + frames)')
    expect(expression.names).toEqual(['conversions', 'frames'])
    expect(expression.compute((name) => (name === 'frames' ? 3 : 1))).toBe(0.25)
  })

  test('a name without value, or a division by zero – says nothing – and not 0', () => {
    expect(parseExpression('a + 1').compute(none)).toBeNull()
    expect(parseExpression('1 / a').compute(() => 0)).toBeNull()
  })

  test.each([
    ['1 +', 'ends too early'],
    ['', 'ends too early'],
    ['(1', 'closing parenthesis'],
    ['1 2', 'where it should end'],
    ['1 + ) ', 'where a name or a number should be'],
    ['process.exit()', 'cannot be read from ".exit()"'],
  ])('%j – is refused – %s', (text, why) => {
    expect(() => parseExpression(text)).toThrow(why)
  })

  test('any sum of products – equals what arithmetic gives', () => {
    const row = fc.array(fc.integer({ min: 1, max: 99 }), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 5 }), (rows) => {
        const text = rows.map((factors) => factors.join(' * ')).join(' + ')
        const wanted = rows.reduce((sum, factors) => sum + factors.reduce((product, factor) => product * factor, 1), 0)
        expect(parseExpression(text).compute(none)).toBe(wanted)
      }),
    )
  })
})

describe('shapes of commands', () => {
  test.each([
    ['netstat -m', 'netstat   -m', true],
    ['netstat -m', 'netstat -m | head -1', true],
    ['netstat -m', 'date; netstat -m', true],
    ['netstat -m', 'netstat -mz', false],
    ['netstat -m', 'echo netstat -m', false],
    ['sysctl kern.ipc.x', 'sysctl kern.ipc.x=1', false],
    ['/^ifconfig cc0 (.* )?-nomap( |$)/', 'ifconfig cc0 -txcsum -nomap', true],
    ['/^ifconfig cc0 (.* )?-nomap( |$)/', 'ifconfig cc0 nomap', false],
  ])('%s – looked for in “%s” – %s', (shape, line, found) => {
    expect(parseCommandShape(shape).matches(line)).toBe(found)
  })
})

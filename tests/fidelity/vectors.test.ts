/** Every case of the test vectors: what FreeBSD's own functions did. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { VectorCase } from '../vectors/format'
import { runCases } from '../vectors/runCases'

const data = join(import.meta.dirname, '../vectors/data')
const load = (name: string): VectorCase[] => JSON.parse(readFileSync(join(data, name), 'utf8')) as VectorCase[]

describe('kernel functions on recorded inputs – each call – every field as in the kernel', () => {
  it.each(readdirSync(data).filter((name) => name.endsWith('.json')))('%s', (name) => {
    const cases = load(name)
    const { passed, failures } = runCases(cases)
    expect(failures).toEqual([])
    expect(passed).toBe(cases.length)
  })
})

describe('the runner itself – a wrong expectation – is a failure, never a skip', () => {
  const one = (name: string, n: number): VectorCase => structuredClone(load(name)[n])

  it('a changed field of a result', () => {
    const vector = one('toext.json', 0)
    vector.out!['allocs'] = 4
    expect(runCases([vector]).failures[0]).toContain('.allocs: expected 4, got 5')
  })

  it('a field of a result that the runner does not know', () => {
    const vector = one('compress.json', 0)
    vector.out!['weather'] = 'fine'
    expect(runCases([vector]).failures).toHaveLength(1)
  })

  it('an operation that does not exist', () => {
    expect(runCases([{ case: 0, op: 'm_teleport', in: {}, out: {} }]).failures).toHaveLength(1)
  })

  it('a panic that does not happen', () => {
    const vector = one('compress.json', 0)
    vector.out = { panic: 'assert' }
    expect(runCases([vector]).failures[0]).toContain('expected a panic')
  })

  it('a counter of a socket buffer after the second step', () => {
    const vector = one('sockbuf.json', 0)
    const step = (vector['steps'] as { out: { mbcnt: number } }[])[1]
    step.out.mbcnt++
    expect(runCases([vector]).failures[0]).toContain('.steps[1].out.mbcnt')
  })

  it('a case without a result', () => {
    const vector = one('mops.json', 0)
    delete vector.out
    expect(runCases([vector]).failures).toHaveLength(1)
  })
})

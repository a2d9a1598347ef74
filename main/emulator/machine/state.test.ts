import { describe, expect, it } from 'vitest'
import { Registry } from './state'

describe('state registry', () => {
  it('table – filled beyond its capacity – grows and keeps its rows; row 0 is never given out', () => {
    const registry = new Registry()
    const table = registry.table('t', { value: 'i32', list: ['u32', 3] }, 2)
    const rows = Array.from({ length: 100 }, (_, i) => {
      const row = table.alloc()
      table.value[row] = i
      table.list[row * 3 + 2] = i * 2
      return row
    })
    expect(rows).not.toContain(0)
    rows.forEach((row, i) => {
      expect(table.value[row]).toBe(i)
      expect(table.list[row * 3 + 2]).toBe(i * 2)
    })
    expect(table.live).toBe(100)
  })

  it('rows – freed and taken again – are reused, last freed first', () => {
    const table = new Registry().table('t', { value: 'i32' }, 2)
    const [a, b, c] = [table.alloc(), table.alloc(), table.alloc()]
    table.free(a)
    table.free(c)
    expect([table.alloc(), table.alloc(), table.alloc()]).toEqual([c, a, b + 2])
    expect(() => table.free(99)).toThrow('row 99')
  })

  it('snapshot – changed, then restored – same digest, and growth after the snapshot leaves no trace', () => {
    const registry = new Registry()
    const table = registry.table('t', { value: 'i32' }, 2)
    const record = registry.record('r', { a: 1, nested: { list: [1, 2, 'x'] } })
    const row = table.alloc()
    table.value[row] = 7
    const snapshot = registry.save()
    const before = registry.digest()
    for (let i = 0; i < 50; i++) table.value[table.alloc()] = i
    record.a = 2
    record.nested.list.push(9)
    expect(registry.digest()).not.toBe(before)
    registry.load(snapshot)
    expect(registry.digest()).toBe(before)
    expect(table.live).toBe(1)
    expect(record).toEqual({ a: 1, nested: { list: [1, 2, 'x'] } })
    // Rows given out next hold zeros again, as they did after the snapshot was taken.
    expect(table.value[table.alloc()]).toBe(0)
  })

  it('observers – changed – do not change the digest', () => {
    const registry = new Registry()
    const seen = registry.record('seen', { n: 0 }, { observer: true })
    const before = registry.digest()
    seen.n = 5
    expect(registry.digest()).toBe(before)
  })

  it('two values that differ in one bit – digested – differ', () => {
    const one = new Registry()
    const two = new Registry()
    one.fixed('x', Float64Array.of(0.1))
    two.fixed('x', Float64Array.of(0.1 + 2 ** -56))
    expect(one.digest()).not.toBe(two.digest())
  })

  it('a quiet part – is in the digest only while it is not as it was at boot', () => {
    const made = (quiet: boolean): { registry: Registry; used: { n: number } } => {
      const registry = new Registry()
      registry.record('always', { n: 1 })
      const used = quiet ? registry.record('feature', { n: 0 }, { quiet: true }) : { n: 0 }
      registry.booted()
      return { registry, used }
    }
    const [without, withIt] = [made(false), made(true)]
    expect(withIt.registry.digest()).toBe(without.registry.digest())
    const before = withIt.registry.save()
    withIt.used.n = 1
    expect(withIt.registry.digest()).not.toBe(without.registry.digest())
    // Restored on another machine it counts as there.
    const other = made(true)
    other.registry.load(withIt.registry.save())
    expect(other.registry.digest()).toBe(withIt.registry.digest())
    withIt.registry.load(before)
    expect(withIt.registry.digest()).toBe(without.registry.digest())
  })
})

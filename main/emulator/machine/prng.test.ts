import { describe, expect, it } from 'vitest'
import { createPrng, ln } from './prng'
import { Registry } from './state'

describe('seeded random numbers', () => {
  it('same seed and stream – asked twice – same numbers; another stream or seed – others', () => {
    const take = (seed: number, name: string) => {
      const prng = createPrng(new Registry(), seed, name)
      return Array.from({ length: 8 }, () => prng.next32())
    }
    expect(take(7, 'arrivals')).toEqual(take(7, 'arrivals'))
    expect(take(7, 'arrivals')).not.toEqual(take(7, 'loss'))
    expect(take(7, 'arrivals')).not.toEqual(take(8, 'arrivals'))
  })

  it('the first numbers of a stream – are these – for ever (determinism across versions)', () => {
    const prng = createPrng(new Registry(), 1, 'golden')
    expect([prng.next32(), prng.next32(), prng.next32()]).toMatchInlineSnapshot(`
      [
        1313155734,
        3008569182,
        1812619490,
      ]
    `)
  })

  it('our logarithm – compared with Math.log – agrees to 1e-14 relative', () => {
    for (const x of [1e-9, 0.001, 0.5, 0.999999, 1, 1.0000001, 2, 3, 10, 12345.678, 4294967296]) {
      expect(Math.abs(ln(x) - Math.log(x))).toBeLessThanOrEqual(1e-13 * Math.max(1, Math.abs(Math.log(x))))
    }
  })

  it('exponential and geometric draws – many – have the mean asked for within 2 %', () => {
    const prng = createPrng(new Registry(), 3, 'mean')
    let exponential = 0
    let runs = 0
    const n = 40_000
    for (let i = 0; i < n; i++) {
      exponential += prng.exponential(10_000)
      runs += prng.runLength(4)
    }
    expect(Math.abs(exponential / n / 10_000 - 1)).toBeLessThan(0.02)
    expect(Math.abs(runs / n / 4 - 1)).toBeLessThan(0.02)
  })

  it('chance(p) – for p 0 and 1 – never and always, and draws in both cases', () => {
    const a = createPrng(new Registry(), 5, 's')
    const b = createPrng(new Registry(), 5, 's')
    for (let i = 0; i < 100; i++) {
      expect(a.chance(0)).toBe(false)
      expect(b.chance(1)).toBe(true)
    }
    expect(a.next32()).toBe(b.next32())
  })
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { estimate, mean, pairedDifference, standardDeviation, studentT95, welchDifference } from './statistics'

describe('statistics', () => {
  // Published table: NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2, upper 0.975 points. 50 and 100 lie between our rows.
  test.each([
    [1, 12.706],
    [2, 4.303],
    [4, 2.776],
    [9, 2.262],
    [30, 2.042],
    [40, 2.021],
    [50, 2.009],
    [80, 1.99],
    [100, 1.984],
    [1e9, 1.96],
  ])('Student’s t at %i degrees of freedom is the published %f', (df, t) => {
    expect(Math.abs(studentT95(df) - t)).toBeLessThan(0.001)
  })

  // Student's own example (Biometrika 1908): extra hours of sleep of ten patients, laevo − dextro. Mean 1.58, s 1.23, t = 4.06.
  test('Student’s sleep data, paired – the difference is 1.58 ± 0.88 hours', () => {
    const dextro = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0, 2]
    const laevo = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
    const { mean: difference, interval, n } = pairedDifference(dextro, laevo)
    expect(difference).toBeCloseTo(1.58, 10)
    expect(interval).toBeCloseTo(0.8799, 3) // published interval 0.7001 … 2.4599
    expect(n).toBe(10)
    // Unpaired, as published: df = 17.8, interval −3.3655 … 0.2055 for dextro − laevo; rounding df down to 17 widens it a little.
    expect(welchDifference(dextro, laevo).interval).toBeCloseTo(1.7855, 1)
  })

  test('one value – is estimated – there is no interval', () => {
    expect(estimate([3])).toEqual({ mean: 3, interval: null, n: 1 })
  })

  test('equal values – are estimated – the interval is zero', () => {
    expect(estimate([5, 5, 5])).toEqual({ mean: 5, interval: 0, n: 3 })
  })

  test('adding a constant moves the mean and leaves the spread', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 2, maxLength: 30 }),
        fc.integer({ min: -1e6, max: 1e6 }),
        (values, shift) => {
          const moved = values.map((v) => v + shift)
          expect(mean(moved)).toBeCloseTo(mean(values) + shift, 6)
          expect(standardDeviation(moved)).toBeCloseTo(standardDeviation(values), 6)
        },
      ),
    )
  })
})

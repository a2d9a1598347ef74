/** Means and 95 % confidence intervals of small samples (Student’s t). Runs with equal seeds are compared in pairs. */

/**
 * Two-sided 95 % points of Student's t, for 1 … 30 degrees of freedom and then 40, 60, 120 and infinitely many.
 * Source: any published t table (for instance NIST/SEMATECH e-Handbook 1.3.6.7.2, column 0.975).
 */
const t95 = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11,
  2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
]
const t95Beyond: readonly (readonly [number, number])[] = [
  [30, 2.042],
  [40, 2.021],
  [60, 2.0],
  [120, 1.98],
  [Infinity, 1.96],
]

/** Two-sided 95 % point of Student's t. Between the rows of the table it is interpolated in 1/df. `df` ≥ 1. */
export function studentT95(df: number): number {
  if (!(df >= 1)) throw new RangeError('Student’s t needs at least one degree of freedom')
  if (df <= 30) return t95[Math.floor(df) - 1]
  for (let i = 1; i < t95Beyond.length; i++) {
    const [low, tLow] = t95Beyond[i - 1]
    const [high, tHigh] = t95Beyond[i]
    if (df <= high) return tHigh + ((tLow - tHigh) * (1 / df - 1 / high)) / (1 / low - 1 / high)
  }
  return 1.96
}

export function mean(values: readonly number[]): number {
  let sum = 0
  for (const value of values) sum += value
  return sum / values.length
}

/** Sample standard deviation (n − 1), two passes so that nearby large values do not cancel. 0 for a single value. */
export function standardDeviation(values: readonly number[]): number {
  if (values.length < 2) return 0
  const m = mean(values)
  let sum = 0
  for (const value of values) sum += (value - m) * (value - m)
  return Math.sqrt(sum / (values.length - 1))
}

export interface Estimate {
  mean: number
  /** Half width of the 95 % interval of the mean; null for a single value, which has no spread to judge by. */
  interval: number | null
  n: number
}

export function estimate(values: readonly number[]): Estimate {
  const n = values.length
  if (n === 0) return { mean: NaN, interval: null, n }
  if (n === 1) return { mean: values[0], interval: null, n }
  return { mean: mean(values), interval: (studentT95(n - 1) * standardDeviation(values)) / Math.sqrt(n), n }
}

/** Estimate of `other − base`, pair by pair (the same seed on both sides, so that what the arrivals do cancels out). */
export function pairedDifference(base: readonly number[], other: readonly number[]): Estimate {
  if (base.length !== other.length) throw new RangeError('pairs need the same number of values on both sides')
  return estimate(base.map((value, i) => other[i] - value))
}

/** Estimate of `mean(other) − mean(base)` of two independent samples with unequal spread (Welch, Satterthwaite's df rounded down). */
export function welchDifference(base: readonly number[], other: readonly number[]): Estimate {
  const n = Math.min(base.length, other.length)
  const difference = mean(other) - mean(base)
  if (base.length < 2 || other.length < 2) return { mean: difference, interval: null, n }
  const va = standardDeviation(base) ** 2 / base.length
  const vb = standardDeviation(other) ** 2 / other.length
  if (va + vb === 0) return { mean: difference, interval: 0, n }
  const df = (va + vb) ** 2 / (va ** 2 / (base.length - 1) + vb ** 2 / (other.length - 1))
  return { mean: difference, interval: studentT95(Math.max(1, Math.floor(df))) * Math.sqrt(va + vb), n }
}

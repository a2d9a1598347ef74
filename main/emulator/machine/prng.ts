/**
 * Seeded random numbers: sfc32 by Chris Doty-Humphrey (PractRand), four 32-bit words of state. Streams are independent of each other, so that
 * a knob that changes how often one stream is asked (frame loss, say) leaves the others (arrivals, file choice) as they were.
 */
import type { Registry } from './state'

/** Natural logarithm by range reduction and the series of atanh: only + − × ÷, so it is the same on every engine. x > 0, finite. */
export function ln(x: number): number {
  let e = 0
  while (x >= 2) {
    x /= 2
    e++
  }
  while (x < 1) {
    x *= 2
    e--
  }
  const z = (x - 1) / (x + 1)
  const z2 = z * z
  let term = z
  let sum = 0
  for (let n = 1; n < 40; n += 2) {
    sum += term / n
    term *= z2
  }
  return 2 * sum + e * 0.6931471805599453
}

export class Prng {
  constructor(private readonly s: Uint32Array) {}

  /** Next 32 bits, 0 … 2^32 − 1. */
  next32(): number {
    const s = this.s
    const t = (s[0] + s[1] + s[3]) | 0
    s[3] = s[3] + 1
    s[0] = s[1] ^ (s[1] >>> 9)
    s[1] = s[2] + (s[2] << 3)
    s[2] = ((s[2] << 21) | (s[2] >>> 11)) + t
    return t >>> 0
  }

  /** Uniform integer 0 … n − 1, 1 ≤ n ≤ 2^32, without bias (rejection). */
  below(n: number): number {
    const limit = 4294967296 - (4294967296 % n)
    let r = this.next32()
    while (r >= limit) r = this.next32()
    return r % n
  }

  /** True with probability p (0 … 1, resolution 2^-32). Always draws, so that p = 0 and p > 0 consume alike. */
  chance(p: number): boolean {
    return this.next32() < p * 4294967296
  }

  /** Exponentially distributed integer with the given mean, in the unit of the mean. */
  exponential(mean: number): number {
    return Math.round(-ln((this.next32() + 1) / 4294967296) * mean)
  }

  /** Geometric run length ≥ 1 with the given mean ≥ 1. */
  runLength(mean: number): number {
    if (mean <= 1) return 1
    let n = 1
    while (n < 1 << 20 && this.next32() >= 4294967296 / mean) n++
    return n
  }
}

/** A stream of its own for a name: same seed and name, same numbers. */
export function createPrng(registry: Registry, seed: number, name: string): Prng {
  const state = new Uint32Array(4)
  let h = (seed ^ 0x9e3779b9) >>> 0
  for (let i = 0; i < name.length; i++) {
    h = Math.imul(h ^ name.charCodeAt(i), 0x01000193) >>> 0
    h = (h ^ (h >>> 15)) >>> 0
  }
  state[0] = h
  state[1] = seed >>> 0
  state[2] = Math.imul(h, 0x85ebca6b)
  state[3] = 1
  registry.fixed(`random.${name}`, state)
  const prng = new Prng(state)
  for (let i = 0; i < 15; i++) prng.next32()
  return prng
}

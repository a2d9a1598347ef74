import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { differingBytes } from './compareBytes'

function plain(a: Uint8Array, at: number, b: Uint8Array, bt: number, n: number): number {
  let wrong = 0
  for (let i = 0; i < n; i++) if (a[at + i] !== b[bt + i]) wrong++
  return wrong
}

describe('differingBytes', () => {
  it('any bytes, offsets and damage – the same count as byte by byte', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 0, maxLength: 300 }),
        fc.nat(20),
        fc.nat(20),
        fc.array(fc.tuple(fc.nat(299), fc.integer({ min: 1, max: 255 })), { maxLength: 5 }),
        fc.nat(7),
        (bytes, at, bt, damage, tail) => {
          const a = new Uint8Array(at + bytes.length + tail)
          const b = new Uint8Array(bt + bytes.length)
          a.set(bytes, at)
          b.set(bytes, bt)
          for (const [where, mask] of damage) if (where < bytes.length) b[bt + where] ^= mask
          expect(differingBytes(a, at, b, bt, bytes.length)).toBe(plain(a, at, b, bt, bytes.length))
        },
      ),
      { numRuns: 2000 },
    )
  })
})

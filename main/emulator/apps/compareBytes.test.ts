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
        // Many zeros, signs and exponents of ones: doubles that are ±0 or no numbers.
        fc
          .array(fc.oneof(fc.nat(255), fc.constantFrom(0, 0x80, 0x7f, 0xf0, 0xff)), { maxLength: 300 })
          .map((list) => Uint8Array.from(list)),
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

  it('a sign bit alone in a field of zeros – is one differing byte', () => {
    for (const at of [0, 3]) {
      const a = new Uint8Array(400)
      const b = new Uint8Array(400)
      b[167] = 0x80
      expect(differingBytes(a, at, b, 0, 390)).toBe(1)
      expect(differingBytes(b, at, a, 0, 390)).toBe(1)
    }
  })

  it('more than the working memory holds, both ends lying differently – every damage is counted', () => {
    const a = new Uint8Array(200_003)
    const b = new Uint8Array(200_000)
    for (let i = 0; i < b.length; i++) a[i + 3] = b[i] = (Math.imul(i, 0x9e3779b1) >>> 24) & 255
    for (const i of [0, 65_535, 65_536, 131_072, 199_999]) b[i] ^= 1
    expect(differingBytes(a, 3, b, 0, b.length)).toBe(5)
    // Views of the same memory that begin elsewhere.
    expect(differingBytes(a.subarray(3), 0, b.subarray(8), 0, 0)).toBe(0)
    expect(differingBytes(a.subarray(11), 0, b.subarray(8), 0, b.length - 8)).toBe(4)
  })
})

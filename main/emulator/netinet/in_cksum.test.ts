import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMemoryKernel } from '../testing'
import { cksumBytes, cksumFold, cksumPhys, in_cksum_skip } from './in_cksum'
import { m_append } from '../kern/uipc_mbuf'
import { m_get, mb_alloc_ext_pgs } from '../kern/kern_mbuf'
import { FREE_TEST_PG, MT_DATA } from '../sys/mbuf'
import { M_NOWAIT } from '../sys/param'

/** The definition: little-endian words, the last odd byte is a low byte. */
function plain(bytes: Uint8Array): number {
  let sum = 0
  bytes.forEach((byte, i) => (sum += i % 2 === 0 ? byte : byte * 256))
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 65536)
  return sum
}

describe('cksumBytes', () => {
  it('any place and length in a buffer – summed – equals the definition', () => {
    const buffer = new Uint8Array(3000)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(2600), fc.nat(40), (data, at, shift) => {
        const bytes = buffer.subarray(shift)
        bytes.set(data, at)
        expect(cksumFold(cksumBytes(bytes, at, data.length, 0))).toBe(plain(data))
      }),
      { numRuns: 3000 },
    )
  })

  it('cut at an even place – summed in two steps – equals one step', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 2, maxLength: 500 }), fc.nat(249), (data, half) => {
        const cut = Math.min(half * 2, data.length & ~1)
        const first = cksumBytes(data, 0, cut, 0)
        expect(cksumFold(cksumBytes(data, cut, data.length - cut, first))).toBe(plain(data))
      }),
    )
  })

  it('64 KiB of ones – no lane overflows', () => {
    const data = new Uint8Array(65535).fill(255)
    expect(cksumFold(cksumBytes(data, 0, data.length, 0))).toBe(plain(data))
    expect(cksumFold(cksumBytes(data, 1, data.length - 1, 0))).toBe(plain(data.subarray(1)))
  })

  it('zeros and ones – 0 stays 0, a full sum is ffff', () => {
    expect(cksumFold(cksumBytes(new Uint8Array(100), 0, 100, 0))).toBe(0)
    expect(cksumFold(cksumBytes(new Uint8Array(4).fill(255), 0, 4, 0))).toBe(0xffff)
  })
})

describe('in_cksum_skip', () => {
  it('file pages across frames that are not neighbours – equal the bytes of the file', () => {
    const file = Uint8Array.from({ length: 5 * 4096 }, (_, i) => i * 251)
    const k = createMemoryKernel({ files: [file], contiguity: 2 })
    for (let page = 0; page < 5; page++) {
      const frame = k.page.frame[1 + k.phys.frameOfDiskPage[page]]
      for (const [off, len] of [
        [0, 4096],
        [1, 4095],
        [4093, 3],
        [777, 1001],
      ]) {
        expect(cksumFold(cksumPhys(k, frame * 4096 + off, len, 0))).toBe(
          plain(file.subarray(page * 4096 + off, page * 4096 + off + len)),
        )
      }
    }
  })

  it('an unmapped mbuf – summed in software – a panic; skipped – no harm (errata B14)', () => {
    const k = createMemoryKernel({ files: [new Uint8Array(4096)] })
    const m = m_get(k, M_NOWAIT, MT_DATA)
    m_append(k, m, 3, Uint8Array.of(1, 2, 3))
    const pages = mb_alloc_ext_pgs(k, M_NOWAIT, false, FREE_TEST_PG)
    k.mb.m_len[pages] = 10
    k.mb.m_next[m] = pages
    expect(in_cksum_skip(k, m, 3, 0)).toBe(~(1 + 2 * 256 + 3) & 0xffff)
    expect(() => in_cksum_skip(k, m, 13, 0)).toThrow(/has no address/)
  })
})

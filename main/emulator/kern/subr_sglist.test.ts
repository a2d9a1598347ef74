import { describe, expect, it } from 'vitest'
import { EFBIG, EINVAL } from '../sys/errno'
import * as M from '../sys/mbuf'
import { M_NOWAIT } from '../sys/param'
import { createMemoryKernel, type MemoryKernel } from '../testing'
import { mb_alloc_ext_pgs, m_get } from './kern_mbuf'
import * as sglist from './subr_sglist'

const P = 1000
const segments = (sg: sglist.Sglist): number[][] => Array.from({ length: sg.nseg }, (_, i) => [sg.addr[i], sg.len[i]])

/** Three pages, first_pg_off 512, last_pg_len 1000 (8680 bytes), m_data and m_len as asked: nic-cxgbe-toe-aio 2.4. */
function slice(k: MemoryKernel, frames: number[], off: number, len: number): number {
  const m = mb_alloc_ext_pgs(k, M_NOWAIT, false, M.FREE_TEST_PG)
  const p = k.mb.ext_buf[m]
  k.pgs.npgs[p] = 3
  k.pgs.first_pg_off[p] = 512
  k.pgs.last_pg_len[p] = 1000
  k.pgs.pa.set(frames, p * 19)
  k.mb.m_data[m] = off
  k.mb.m_len[m] = len
  return m
}

describe('worked slices (nic-cxgbe-toe-aio 2.4)', () => {
  const apart = [P, P + 10, P + 20]
  const [a, b, c] = apart.map((frame) => frame * 4096)
  it.each([
    [
      0,
      8680,
      apart,
      [
        [a + 512, 3584],
        [b, 4096],
        [c, 1000],
      ],
    ],
    [
      3000,
      2000,
      apart,
      [
        [a + 3512, 584],
        [b, 1416],
      ],
    ],
    [3584, 4096, apart, [[b, 4096]]],
    [7680, 1000, apart, [[c, 1000]]],
    [
      0,
      8680,
      [P, P + 1, P + 20],
      [
        [a + 512, 7680],
        [c, 1000],
      ],
    ],
  ])('offset %i, %i bytes', (off, len, frames, expected) => {
    const k = createMemoryKernel()
    const sg = new sglist.Sglist(8)
    const m = slice(k, frames, off, len)
    expect(sglist.sglist_append_mbuf(k, sg, m)).toBe(0)
    expect(segments(sg)).toEqual(expected)
    expect(sglist.sglist_count_mb_ext_pgs(k, m)).toBe(expected.length)
  })
})

describe('append rules (nic-cxgbe-toe-aio 2.2)', () => {
  it('touching ranges – merged; apart – two entries; full – EFBIG; no entries – EINVAL', () => {
    const sg = new sglist.Sglist(2)
    expect(sglist.sglist_append_phys(sg, 100, 50)).toBe(0)
    expect(sglist.sglist_append_phys(sg, 150, 50)).toBe(0)
    expect(sglist.sglist_append_phys(sg, 300, 1)).toBe(0)
    expect(sglist.sglist_append_phys(sg, 100, 1)).toBe(EFBIG)
    expect(sglist.sglist_append_phys(sg, 500, 0)).toBe(0)
    expect(segments(sg)).toEqual([
      [100, 100],
      [300, 1],
    ])
    expect(sglist.sglist_append_phys(new sglist.Sglist(0), 0, 0)).toBe(EINVAL)
  })

  it('a chain that does not fit – EFBIG – the list is as before, the merged last entry too', () => {
    const k = createMemoryKernel()
    const sg = new sglist.Sglist(2)
    sglist.sglist_append_phys(sg, P * 4096, 512)
    const m = slice(k, [P, P + 10, P + 20], 0, 8680)
    expect(sglist.sglist_append_mbuf(k, sg, m)).toBe(EFBIG)
    expect(segments(sg)).toEqual([[P * 4096, 512]])
  })

  it('empty mbufs – are passed over', () => {
    const k = createMemoryKernel()
    const sg = new sglist.Sglist(2)
    expect(sglist.sglist_append_mbuf(k, sg, m_get(k, M_NOWAIT, M.MT_DATA))).toBe(0)
    expect(sg.nseg).toBe(0)
  })

  it('an array of pages – appended and counted – pieces end at pages and merge where frames are neighbours', () => {
    const frames = [7, 8, 20, 21, 22]
    const sg = new sglist.Sglist(8)
    expect(sglist.sglist_append_vmpages(sg, frames, 100, 4 * 4096)).toBe(0)
    expect(segments(sg)).toEqual([
      [7 * 4096 + 100, 8092],
      [20 * 4096, 2 * 4096 + 100],
    ])
    expect(sglist.sglist_count_vmpages(frames, 100, 4 * 4096)).toBe(2)
    expect(sglist.sglist_count_vmpages(frames, 0, 0)).toBe(0)
  })
})

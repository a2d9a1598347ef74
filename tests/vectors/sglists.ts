/** Cases of sglist.json. */
import {
  Sglist,
  sglist_append_ext_pgs,
  sglist_append_mbuf,
  sglist_append_phys,
  sglist_count_ext_pgs,
  sglist_count_mb_ext_pgs,
} from '../../main/emulator/kern/subr_sglist'
import { M_NOMAP } from '../../main/emulator/sys/mbuf'
import { type Fields, type VectorCase } from './format'
import { errorName } from './names'
import type { World } from './world'

const segments = (sg: Sglist): number[][] => Array.from({ length: sg.nseg }, (_, i) => [sg.addr[i], sg.len[i]])

export const sglistOperations: { [op: string]: (world: World, vector: VectorCase) => Fields } = {
  sglist_append_phys(_world, vector) {
    const sg = new Sglist(vector['maxseg'] as number)
    const steps = (vector['steps'] as { pa: number; len: number }[]).map(({ pa, len }) => {
      const err = errorName(sglist_append_phys(sg, pa, len))
      return { pa, len, err, nseg: sg.nseg }
    })
    return { steps, segs: segments(sg) }
  },

  sglist_append_mbuf(world, vector) {
    const { k } = world
    const { chain } = world.build(vector.in!)
    const sg = new Sglist(vector['maxseg'] as number)
    const pre = vector.in!.pre!.map(([address, length]) => [
      address,
      length,
      errorName(sglist_append_phys(sg, address, length)),
    ])
    const err = errorName(sglist_append_mbuf(k, sg, chain))
    const counts: [string | null, number][] = []
    for (let m = chain; m !== 0; m = k.mb.m_next[m]) {
      if ((k.mb.m_flags[m] & M_NOMAP) !== 0) counts.push([world.id(m), sglist_count_mb_ext_pgs(k, m)])
    }
    world.free([chain])
    return { pre, out: { err, segs: segments(sg), counts } }
  },

  sglist_ext_pgs(world, vector) {
    const { k } = world
    world.build(vector.in!)
    const p = k.mb.ext_buf[world.outside[0]]
    const probes = (vector['probes'] as { off: number; len: number; maxseg: number }[]).map(({ off, len, maxseg }) => {
      const sg = new Sglist(maxseg)
      const count = sglist_count_ext_pgs(k, p, off, len)
      const err = errorName(sglist_append_ext_pgs(k, sg, p, off, len))
      return { off, len, maxseg, count, err, segs: segments(sg) }
    })
    world.free([])
    return { probes }
  },
}

/**
 * Mbufs as the send-path picture draws them, read from the live tables. Chains in full: chainLive.ts.
 */
import type { Kernel } from '../kernel'
import {
  EXT_CLUSTER,
  EXT_FLAG_EMBREF,
  EXT_JUMBO16,
  EXT_JUMBO9,
  EXT_JUMBOP,
  EXT_PACKET,
  EXT_PGS,
  EXT_SFBUF,
  M_EXT,
  M_NOTAVAIL,
  MBUF_PEXT_MAX_PGS,
} from '../sys/mbuf'
import type { DrawnMbuf } from './types'

/** Kind of an mbuf's storage, as the picture names it. */
export function kindOf(k: Kernel, m: number): DrawnMbuf['kind'] {
  if ((k.mb.m_flags[m] & M_EXT) === 0) return 'mbuf'
  switch (k.mb.ext_type[m]) {
    case EXT_CLUSTER:
    case EXT_PACKET:
    case EXT_JUMBOP:
    case EXT_JUMBO9:
    case EXT_JUMBO16:
      return 'cluster'
    case EXT_SFBUF:
      return 'sfbuf'
    case EXT_PGS:
      return 'extpgs'
    default:
      return 'aiotx'
  }
}

/** References to the storage of an mbuf. */
export function references(k: Kernel, m: number): number {
  const { mb } = k
  return (mb.m_flags[m] & M_EXT) === 0 ? 1 : mb.ext_count[mb.ext_cnt[m]]
}

/** Pages that an unmapped mbuf shows: frame, offset of the first byte in it, bytes. Header and trailer bytes are left out. */
export function visiblePages(k: Kernel, m: number): { frame: number; offset: number; len: number }[] {
  const { mb, pgs } = k
  const p = mb.ext_buf[m]
  const out: { frame: number; offset: number; len: number }[] = []
  let skip = mb.m_data[m]
  let left = mb.m_len[m]
  const header = Math.min(Math.max(pgs.hdr_len[p] - skip, 0), left)
  left -= header
  skip = Math.max(skip - pgs.hdr_len[p], 0)
  let offset = pgs.first_pg_off[p]
  const npgs = pgs.npgs[p]
  for (let i = 0; i < npgs && left > 0; i++) {
    const length = i === npgs - 1 ? pgs.last_pg_len[p] : 4096 - offset
    if (skip >= length) skip -= length
    else {
      const len = Math.min(length - skip, left)
      out.push({ frame: pgs.pa[p * MBUF_PEXT_MAX_PGS + i], offset: offset + skip, len })
      left -= len
      skip = 0
    }
    offset = 0
  }
  return out
}

/** One mbuf of a stream, `off` bytes behind the left edge. */
export function drawnMbuf(k: Kernel, m: number, off: number): DrawnMbuf {
  const { mb } = k
  const flags = mb.m_flags[m]
  const kind = kindOf(k, m)
  const pages = kind === 'extpgs' ? visiblePages(k, m) : []
  return {
    off,
    len: mb.m_len[m],
    kind,
    npgs: pages.length,
    firstPgOff: kind === 'extpgs' ? (pages[0]?.offset ?? 0) : kind === 'sfbuf' ? mb.m_data[m] % 4096 : 0,
    shadow: (flags & M_EXT) !== 0 && (mb.ext_flags[m] & EXT_FLAG_EMBREF) === 0,
    header: false,
    ready: (flags & M_NOTAVAIL) === 0,
    refs: references(k, m),
  }
}

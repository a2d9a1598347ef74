/**
 * A chain of mbufs as rows: what the picture draws and the chain view lists, read from the live tables.
 */
import type { Kernel } from '../kernel'
import { mtodAddr } from '../kern/kern_mbuf'
import {
  EXT_CLUSTER,
  EXT_FLAG_EMBREF,
  EXT_JUMBO16,
  EXT_JUMBO9,
  EXT_JUMBOP,
  EXT_PACKET,
  EXT_PGS,
  EXT_SFBUF,
  extTypeNames,
  M_EXT,
  M_NOMAP,
  M_NOTAVAIL,
  MBUF_PEXT_MAX_PGS,
  mbufFlagNames,
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

/** An mbuf as the chain view lists it. */
export interface ChainRow {
  /** Row of the mbuf table: its "address". */
  m: number
  m_len: number
  m_data: number
  flags: string[]
  /** External storage: type without prefix, or '' for internal data. */
  storage: string
  /** Address of the first visible byte; null if it is unmapped. */
  address: number | null
  pages: { frame: number; offset: number; len: number }[]
  refs: number
  shadow: boolean
}

/** Rows of a chain (m_next), at most `limit`. */
export function chainRows(k: Kernel, m0: number, limit = 1000): ChainRow[] {
  const rows: ChainRow[] = []
  const { mb } = k
  for (let m = m0; m !== 0 && rows.length < limit; m = mb.m_next[m]) {
    const flags = mb.m_flags[m]
    const external = (flags & M_EXT) !== 0
    const unmapped = (flags & M_NOMAP) !== 0
    rows.push({
      m,
      m_len: mb.m_len[m],
      m_data: mb.m_data[m],
      flags: mbufFlagNames.filter(([bit]) => (flags & bit) !== 0).map(([, name]) => name),
      storage: external ? (extTypeNames[mb.ext_type[m]] ?? String(mb.ext_type[m])) : '',
      address: unmapped ? null : mtodAddr(k, m),
      pages: external && mb.ext_type[m] === EXT_PGS ? visiblePages(k, m) : [],
      refs: references(k, m),
      shadow: external && (mb.ext_flags[m] & EXT_FLAG_EMBREF) === 0,
    })
  }
  return rows
}

/** Draws chains of the live tables. Reads only. */
import type { Kernel } from '../kernel'
import { m_extrefcnt } from '../kern/kern_mbuf'
import { sf_buf_page } from '../kern/subr_sfbuf'
import {
  EXT_EXTREF,
  EXT_PGS,
  EXT_SFBUF,
  FREE_AIOTX,
  FREE_DRIVER,
  FREE_MEXT_PGS,
  FREE_NONE,
  FREE_SENDFILE_MEXT,
  FREE_SENDFILE_MEXT_PG,
  FREE_UNMAPPED_MEXT,
  M_EXT,
  M_PKTHDR,
  MBUF_PEXT_MAX_PGS,
} from '../sys/mbuf'
import { PAGE_SIZE } from '../sys/param'
import { FILE_FRAME_BASE } from '../vm/vm_phys'
import {
  extFlagsOf,
  extTypeName,
  flagNames,
  namesOf,
  sbFlagNames,
  storageSizes,
  typeNames,
  type ChainDrawing,
  type ChainSection,
  type MbufLine,
  type SockbufLine,
  plainMbuf,
} from './chainText'

/** What to draw under one heading. */
export interface DrawnChain {
  label: string
  /** First mbuf of each record. Of a socket buffer they are found from `sb`. */
  heads: readonly number[]
  /** Row of k.sb: a socket buffer with its counters. */
  sb?: number
}

export interface DrawOptions {
  /** Name of an mbuf. Default m and its row, so that one mbuf has one name in all drawings of a host. */
  nameOf?: (m: number) => string
  /** Pages by their place on the disk (p7), which is easy to write down, or by frame (0x1b3f7), which shows what lies side by side in memory. */
  pages?: 'disk' | 'frame'
  /** Most mbufs a chain shows. */
  limit?: number
}

const freeNames: { readonly [code: number]: string | undefined } = {
  [FREE_NONE]: 'none',
  [FREE_UNMAPPED_MEXT]: 'mb_unmapped_free_mext',
  [FREE_SENDFILE_MEXT]: 'sendfile_free_mext',
  [FREE_SENDFILE_MEXT_PG]: 'sendfile_free_mext_pg',
  [FREE_MEXT_PGS]: 'mb_free_mext_pgs',
  [FREE_AIOTX]: 'aiotx_free',
  [FREE_DRIVER]: 'driver',
}

/** Name of an mbuf's free routine. */
export function extRoutine(k: Kernel, m: number): string {
  return freeNames[k.mb.ext_free[m]] ?? 'test'
}

/** The name an mbuf has on its host. */
export const rowName = (m: number): string => `m${m}`

function pageName(k: Kernel, frame: number, pages: 'disk' | 'frame'): string {
  const disk = frame >= FILE_FRAME_BASE ? k.phys.diskPageOfFrame[frame - FILE_FRAME_BASE] : -1
  return pages === 'disk' && disk >= 0 ? `p${disk}` : `0x${frame.toString(16)}`
}

/** Row of the mbuf whose storage this one shares; the mbuf itself if it owns its storage or has none outside. */
export function ownerOf(k: Kernel, m: number): number {
  const { mb } = k
  return (mb.m_flags[m] & M_EXT) === 0 || mb.ext_type[m] === EXT_EXTREF ? m : mb.ext_cnt[m]
}

/** One mbuf as a line. */
export function mbufLine(k: Kernel, m: number, options: DrawOptions = {}): MbufLine {
  const { mb, pgs } = k
  const { nameOf = rowName, pages = 'frame' } = options
  const flags = mb.m_flags[m]
  const external = (flags & M_EXT) !== 0
  const line: MbufLine = {
    ...plainMbuf(nameOf(m)),
    type: typeNames[mb.m_type[m]] ?? `MT_${mb.m_type[m]}`,
    len: mb.m_len[m],
    data: mb.m_data[m],
    flags: namesOf(flags, flagNames),
    pkt: (flags & M_PKTHDR) !== 0 ? mb.ph_len[m] : null,
  }
  if (!external) return line
  const type = mb.ext_type[m]
  line.storage = extTypeName(type)
  line.refs = m_extrefcnt(k, m)
  line.size = mb.ext_size[m]
  const owner = ownerOf(k, m)
  if (owner !== m) {
    line.of = nameOf(owner)
    return line
  }
  line.extFlags = extFlagsOf(mb.ext_flags[m])
  const free = mb.ext_free[m]
  if (type === EXT_PGS) {
    const p = mb.ext_buf[m]
    for (let i = 0; i < pgs.npgs[p]; i++) line.pages.push(pageName(k, pgs.pa[p * MBUF_PEXT_MAX_PGS + i], pages))
    line.first = pgs.first_pg_off[p]
    line.last = pgs.last_pg_len[p]
    line.hdr = pgs.hdr_len[p]
    line.trail = pgs.trail_len[p]
    line.nrdy = pgs.nrdy[p]
  } else if (type === EXT_SFBUF) {
    const frame = free === FREE_DRIVER ? Math.floor(mb.ext_buf[m] / PAGE_SIZE) : sf_buf_page(k, mb.ext_arg1[m])
    line.pages.push(pageName(k, frame, pages))
    if (free === FREE_UNMAPPED_MEXT) line.holds = nameOf(mb.ext_arg2[m])
  }
  const usual =
    (type === EXT_PGS && free === FREE_SENDFILE_MEXT_PG) ||
    (type === EXT_SFBUF && (free === FREE_SENDFILE_MEXT || free === FREE_UNMAPPED_MEXT)) ||
    storageSizes[line.storage] !== undefined
  if (!usual) line.free = extRoutine(k, m)
  return line
}

/** Heads of the records from one on (m_nextpkt). */
export function recordsOf(k: Kernel, head: number): number[] {
  const heads: number[] = []
  for (let m = head; m !== 0; m = k.mb.m_nextpkt[m]) heads.push(m)
  return heads
}

/** The counters of a socket buffer. */
export function sockbufLine(k: Kernel, sb: number, nameOf: (m: number) => string = rowName): SockbufLine {
  const s = k.sb
  const named = (m: number): string => (m === 0 ? '' : nameOf(m))
  return {
    sb_acc: s.sb_acc[sb],
    sb_ccc: s.sb_ccc[sb],
    sb_mbcnt: s.sb_mbcnt[sb],
    sb_mcnt: s.sb_mcnt[sb],
    sb_ccnt: s.sb_ccnt[sb],
    sb_ctl: s.sb_ctl[sb],
    sb_fnrdy: named(s.sb_fnrdy[sb]),
    sb_sndptr: named(s.sb_sndptr[sb]),
    sb_sndptroff: s.sb_sndptroff[sb],
    sb_flags: namesOf(s.sb_flags[sb], sbFlagNames),
  }
}

/**
 * Draws chains, and under `elsewhere` the owners of storage that the chains refer to and do not contain: mbufs of other chains, or mbufs that were
 * freed and live on until the last reference is gone.
 */
export function drawChains(k: Kernel, chains: readonly DrawnChain[], options: DrawOptions = {}): ChainDrawing {
  const { mb } = k
  const { limit = Infinity, nameOf = rowName } = options
  const drawn = new Set<number>()
  const order: number[] = []
  const sections = chains.map((chain): ChainSection => {
    const { sb, label } = chain
    const section: ChainSection = {
      line: 0,
      kind: sb === undefined ? 'chain' : 'sockbuf',
      label,
      sockbuf: sb === undefined ? {} : sockbufLine(k, sb, nameOf),
      records: [],
      more: { mbufs: 0, bytes: 0 },
    }
    let left = limit
    for (const head of sb === undefined ? chain.heads : recordsOf(k, k.sb.sb_mb[sb])) {
      const record: MbufLine[] = []
      for (let m = head; m !== 0; m = mb.m_next[m]) {
        if (left > 0) {
          left--
          drawn.add(m)
          order.push(m)
          record.push(mbufLine(k, m, options))
        } else {
          section.more.mbufs++
          section.more.bytes += mb.m_len[m]
        }
      }
      if (record.length > 0) section.records.push(record)
    }
    return section
  })
  const elsewhere: MbufLine[] = []
  // The list grows while it is walked: an owner elsewhere may hold another.
  for (let i = 0; i < order.length; i++) {
    const m = order[i]
    if ((mb.m_flags[m] & M_EXT) === 0) continue
    const owner = ownerOf(k, m)
    const refers =
      owner !== m ? owner : mb.ext_type[m] === EXT_SFBUF && mb.ext_free[m] === FREE_UNMAPPED_MEXT ? mb.ext_arg2[m] : m
    if (drawn.has(refers)) continue
    drawn.add(refers)
    order.push(refers)
    elsewhere.push(mbufLine(k, refers, options))
  }
  if (elsewhere.length > 0)
    sections.push({
      line: 0,
      kind: 'elsewhere',
      label: '',
      sockbuf: {},
      records: [elsewhere],
      more: { mbufs: 0, bytes: 0 },
    })
  return sections
}

/**
 * What the window's view of chains shows of one host: the list, the rows of a chosen chain, and of the mbuf that holds a chosen byte its fields, page array,
 * page, bytes and holders. Plain data, read from the live tables; the types of the contract of the same names mirror these.
 */
import type { Kernel } from '../kernel'
import { mbuf_ext_pg_len, mtodAddr, pgsHdrAddr, pgsTrailAddr } from '../kern/kern_mbuf'
import {
  EXT_PGS,
  EXT_SFBUF,
  FREE_UNMAPPED_MEXT,
  M_EXT,
  M_NOMAP,
  M_NOTREADY,
  M_PKTHDR,
  MBUF_PEXT_MAX_PGS,
} from '../sys/mbuf'
import { PAGE_SIZE } from '../sys/param'
import { PHYS_TO_VM_PAGE } from '../vm/vm_page'
import { FILE_FRAME_BASE } from '../vm/vm_phys'
import { chainEntries, chainHeads, drawByName, type ChainEntry } from './chainList'
import { extRoutine, mbufLine, ownerOf, recordsOf, rowName } from './chainLive'
import { visiblePages } from './chains'
import { extFlagsOf, formatChains, type SockbufLine } from './chainText'

/** Chains that the list names, rows that a chain shows, bytes of the dump. */
const LISTED = 400
const ROWS = 500
const DUMPED = 64

/** What to look at: a chain by name, and a byte by its offset from the start of the chain. */
export interface ChainQuestion {
  chain: string | null
  byte: number
}

export interface ChainRow {
  name: string
  /** Packet or record it belongs to, from 0. */
  packet: number
  /** Bytes of the chain before it. */
  off: number
  len: number
  flags: string[]
  /** `EXT_PGS`, '' = internal. */
  storage: string
  /** Owner of the storage if this is a shadow. */
  of: string | null
  refs: number
  /** Pages it shows, of unmapped mbufs and sf_bufs: index in the page array, place in the chain, bytes, and whether the frame follows the one before in memory. */
  pages: { index: number; off: number; len: number; adjacent: boolean }[]
  ready: boolean
}

export interface MbufField {
  /** Byte offset in the structure. */
  at: number
  name: string
  value: string
  note: string
}

export interface ChosenMbuf {
  name: string
  /** Row in the chain. */
  index: number
  address: string
  fields: MbufField[]
  /** struct mbuf_ext_pgs of an unmapped mbuf. */
  array: { summary: string; pages: { frame: string; shown: boolean; chosen: boolean }[] } | null
  /** The page of the chosen byte; null where it lies in an mbuf, a cluster, a header or a trailer. */
  page: { frame: string; facts: { name: string; value: string }[] } | null
  /** Bytes of the mbuf around the chosen one. `at`: offset of the first in its page, cluster or mbuf; `chosen`: index of the chosen one. */
  bytes: { where: string; at: number; chosen: number; bytes: number[] }
  holders: { name: string; chain: string; how: string }[]
}

export interface ChainView {
  t: number
  list: ChainEntry[]
  /** Chains that hold something beyond those listed, and empty ones. */
  unlisted: number
  empty: number
  chain: {
    name: string
    place: ChainEntry['place']
    sockbuf: SockbufLine | null
    bytes: number
    rows: ChainRow[]
    more: { mbufs: number; bytes: number }
    /** The chain language (docs/chains.md). */
    text: string
  } | null
  mbuf: ChosenMbuf | null
}

const hex = (n: number): string => `0x${n.toString(16)}`
/** Kernel address of memory in the direct map of amd64: its base is above what a double holds exactly, so it is put together as text. */
const directMap = (pa: number): string => `0xfffff8${Math.floor(pa).toString(16).padStart(10, '0')}`

function rowsOf(k: Kernel, heads: readonly number[]): { rows: ChainRow[]; mbufs: number[] } {
  const { mb } = k
  const rows: ChainRow[] = []
  const mbufs: number[] = []
  let off = 0
  heads.forEach((head, packet) => {
    for (let m = head; m !== 0; m = mb.m_next[m]) {
      if (rows.length < ROWS) {
        const line = mbufLine(k, m)
        rows.push({
          name: line.name,
          packet,
          off,
          len: line.len,
          flags: line.flags,
          storage: line.storage,
          of: line.of,
          refs: line.refs,
          pages: pagesFrom(k, m, off),
          ready: (mb.m_flags[m] & M_NOTREADY) === 0,
        })
        mbufs.push(m)
      }
      off += mb.m_len[m]
    }
  })
  return { rows, mbufs }
}

/** Pages of an mbuf with their places in the chain; bytes of a header come before them. */
function pagesFrom(k: Kernel, m: number, off: number): ChainRow['pages'] {
  let at = off + headerBytes(k, m)
  const first = firstShown(k, m)
  return shownPages(k, m).map(({ frame, len }, i, all) => {
    const page = { index: first + i, off: at, len, adjacent: i > 0 && all[i - 1].frame + 1 === frame }
    at += len
    return page
  })
}

/** Index in the page array of the first page that an unmapped mbuf shows. */
function firstShown(k: Kernel, m: number): number {
  const { mb, pgs } = k
  if ((mb.m_flags[m] & M_NOMAP) === 0) return 0
  const p = mb.ext_buf[m]
  let skip = Math.max(0, mb.m_data[m] - pgs.hdr_len[p])
  let i = 0
  for (let pgoff = pgs.first_pg_off[p]; i < pgs.npgs[p] - 1; i++, pgoff = 0) {
    const len = mbuf_ext_pg_len(k, p, i, pgoff)
    if (skip < len) break
    skip -= len
  }
  return i
}

/** Header bytes that an unmapped mbuf shows. */
function headerBytes(k: Kernel, m: number): number {
  const { mb, pgs } = k
  if ((mb.m_flags[m] & M_NOMAP) === 0) return 0
  return Math.min(Math.max(pgs.hdr_len[mb.ext_buf[m]] - mb.m_data[m], 0), mb.m_len[m])
}

function shownPages(k: Kernel, m: number): { frame: number; offset: number; len: number }[] {
  const { mb } = k
  if ((mb.m_flags[m] & M_EXT) === 0) return []
  if (mb.ext_type[m] === EXT_PGS) return visiblePages(k, m)
  if (mb.ext_type[m] !== EXT_SFBUF) return []
  const frame = Math.floor(mb.ext_buf[m] / PAGE_SIZE)
  return [{ frame, offset: mb.m_data[m], len: mb.m_len[m] }]
}

/** Fields of struct mbuf with their offsets. Source: sys/sys/mbuf.h (read; kernel-mbuf-sendfile 1.2). A shadow has those up to ext_flags. */
function fieldsOf(k: Kernel, m: number): MbufField[] {
  const { mb } = k
  const out: MbufField[] = []
  const add = (at: number, name: string, value: string | number, note = ''): void => {
    out.push({ at, name, value: String(value), note })
  }
  const line = mbufLine(k, m)
  const unmapped = (mb.m_flags[m] & M_NOMAP) !== 0
  const named = (row: number): string => (row === 0 ? 'NULL' : rowName(row))
  add(0, 'm_next', named(mb.m_next[m]))
  add(
    16,
    'm_data',
    unmapped ? hex(mb.m_data[m]) : directMap(mtodAddr(k, m)),
    unmapped ? 'an offset, not an address' : line.storage === 'EXT_SFBUF' ? 'in the page, by the direct map' : '',
  )
  add(24, 'm_len', mb.m_len[m], line.pages.length > 1 && line.of === null ? `of ${line.pages.length} pages` : '')
  add(28, 'm_type', line.type)
  add(29, 'm_flags', hex(mb.m_flags[m]), line.flags.join(', '))
  if ((mb.m_flags[m] & M_PKTHDR) !== 0) {
    add(48, 'pkthdr.len', mb.ph_len[m])
    add(56, 'csum_flags', hex(mb.ph_csum_flags[m]))
    if (mb.ph_tso_segsz[m] !== 0) add(74, 'tso_segsz', mb.ph_tso_segsz[m])
  }
  if (line.storage === '') return out
  const owner = ownerOf(k, m)
  if (owner === m) add(88, 'ext_count', line.refs, line.refs === 1 ? 'nobody shares it' : `${line.refs} holders`)
  else add(88, 'ext_cnt', rowName(owner), `shadow; the owner counts ${line.refs}`)
  if (unmapped) add(96, 'ext_pgs', directMap(k.pgs.pg_addr[mb.ext_buf[m]]), 'the page array below')
  else add(96, 'ext_buf', directMap(mb.ext_buf[m]))
  add(104, 'ext_size', mb.ext_size[m])
  add(108, 'ext_type', `${line.storage} (${mb.ext_type[m]})`)
  add(
    109,
    'ext_flags',
    hex(mb.ext_flags[m]),
    [owner === m ? 'EMBREF' : '', ...extFlagsOf(mb.ext_flags[m])].filter(Boolean).join(', '),
  )
  if (owner !== m) return out
  add(112, 'ext_free', extRoutine(k, m))
  if (mb.ext_type[m] === EXT_SFBUF) add(120, 'ext_arg1', directMap(mb.ext_buf[m]), 'sf_buf: the page itself')
  if (mb.ext_free[m] === FREE_UNMAPPED_MEXT) add(128, 'ext_arg2', rowName(mb.ext_arg2[m]), 'keeps this unmapped mbuf')
  return out
}

interface Place {
  where: string
  /** Physical address of the first byte of the piece that is shown, and its bytes. */
  from: number
  len: number
  /** Offset of the chosen byte in the piece. */
  chosen: number
  /** What `at` counts from. */
  base: number
  frame: number | null
}

/** Where a byte of an mbuf lies. */
function placeOf(k: Kernel, m: number, byte: number): Place {
  const { mb } = k
  if ((mb.m_flags[m] & M_NOMAP) === 0) {
    const from = mtodAddr(k, m)
    const len = mb.m_len[m]
    if ((mb.m_flags[m] & M_EXT) === 0)
      return { where: 'in the mbuf', from, len, chosen: byte, base: mb.m_addr[m], frame: null }
    const page = mb.ext_type[m] === EXT_SFBUF
    return {
      where: page ? 'in the page' : 'in the cluster',
      from,
      len,
      chosen: byte,
      base: mb.ext_buf[m],
      frame: page ? Math.floor(from / PAGE_SIZE) : null,
    }
  }
  const p = mb.ext_buf[m]
  const header = headerBytes(k, m)
  if (byte < header) {
    const from = pgsHdrAddr(k, p) + mb.m_data[m]
    return { where: 'in the header', from, len: header, chosen: byte, base: pgsHdrAddr(k, p), frame: null }
  }
  let left = byte - header
  for (const { frame, offset, len } of visiblePages(k, m)) {
    if (left < len)
      return {
        where: 'in the page',
        from: frame * PAGE_SIZE + offset,
        len,
        chosen: left,
        base: frame * PAGE_SIZE,
        frame,
      }
    left -= len
  }
  const behind = visiblePages(k, m).reduce((sum, page) => sum + page.len, header)
  return {
    where: 'in the trailer',
    from: pgsTrailAddr(k, p),
    len: Math.max(0, mb.m_len[m] - behind),
    chosen: Math.max(0, left),
    base: pgsTrailAddr(k, p),
    frame: null,
  }
}

/** Up to four lines of sixteen around the chosen byte, from a line border of the storage on. */
function dump(k: Kernel, place: Place): ChosenMbuf['bytes'] {
  const offset = place.from - place.base
  const border = Math.floor((offset + place.chosen) / 16) * 16 - 16
  const start = Math.max(0, border - offset)
  const count = Math.max(0, Math.min(DUMPED - ((offset + start) % 16), place.len - start))
  const bytes = new Uint8Array(count)
  k.phys.copyOut(place.from + start, count, bytes, 0)
  return { where: place.where, at: offset + start, chosen: place.chosen - start, bytes: [...bytes] }
}

const queues = ['inactive', 'active', 'laundry', 'unswappable']

function pageFacts(k: Kernel, frame: number): NonNullable<ChosenMbuf['page']> {
  const row = PHYS_TO_VM_PAGE(k, frame)
  const facts: { name: string; value: string }[] = []
  if (frame >= FILE_FRAME_BASE) {
    const disk = k.phys.diskPageOfFrame[frame - FILE_FRAME_BASE]
    const file = k.machine.config.files.entries.find(
      ({ diskPage, size }) => disk >= diskPage && disk < diskPage + Math.ceil(size / PAGE_SIZE),
    )
    if (file !== undefined)
      facts.push({ name: 'file', value: file.path }, { name: 'index', value: `page ${disk - file.diskPage}` })
  }
  if (row !== 0) {
    facts.push(
      { name: 'wired', value: `${k.page.wire_count[row]} times` },
      { name: 'queue', value: queues[k.page.queue[row]] ?? 'none' },
    )
  }
  facts.push({ name: 'mapped', value: k.config.directMap === false ? 'by sf_bufs only' : 'direct map only' })
  return { frame: hex(frame), facts }
}

/** Everybody who refers to the storage of an mbuf, as far as the chains of the host show it. */
function holdersOf(k: Kernel, m: number): ChosenMbuf['holders'] {
  const { mb } = k
  if ((mb.m_flags[m] & M_EXT) === 0) return []
  const owner = ownerOf(k, m)
  const out: ChosenMbuf['holders'] = []
  for (const [chain, heads] of chainHeads(k)) {
    for (const head of heads) {
      for (let n = head; n !== 0; n = mb.m_next[n]) {
        if (n === owner) out.push({ name: rowName(n), chain, how: 'owner' })
        else if ((mb.m_flags[n] & M_EXT) === 0) continue
        else if (ownerOf(k, n) === owner) out.push({ name: rowName(n), chain, how: 'shadow' })
        else if (mb.ext_free[n] === FREE_UNMAPPED_MEXT && ownerOf(k, n) === n && mb.ext_arg2[n] === owner)
          out.push({ name: rowName(n), chain, how: 'converted page' })
      }
    }
  }
  return out
}

function chosen(k: Kernel, rows: readonly ChainRow[], mbufs: readonly number[], byte: number): ChosenMbuf | null {
  const found = rows.findIndex(({ off, len }) => byte < off + len)
  const index = found < 0 ? rows.length - 1 : found
  if (index < 0) return null
  const m = mbufs[index]
  const { mb, pgs } = k
  const inside = Math.max(0, Math.min(byte - rows[index].off, mb.m_len[m] - 1))
  const place = placeOf(k, m, inside)
  let array: ChosenMbuf['array'] = null
  if ((mb.m_flags[m] & M_EXT) !== 0 && mb.ext_type[m] === EXT_PGS) {
    const p = mb.ext_buf[m]
    const shown = new Set(visiblePages(k, m).map(({ frame }) => frame))
    const extra = [
      pgs.hdr_len[p] !== 0 ? `, hdr_len ${pgs.hdr_len[p]}` : '',
      pgs.trail_len[p] !== 0 ? `, trail_len ${pgs.trail_len[p]}` : '',
    ].join('')
    array = {
      summary: `npgs ${pgs.npgs[p]}, nrdy ${pgs.nrdy[p]}, first_pg_off ${pgs.first_pg_off[p]}, last_pg_len ${pgs.last_pg_len[p]}${extra}`,
      pages: Array.from({ length: pgs.npgs[p] }, (_, i) => {
        const frame = pgs.pa[p * MBUF_PEXT_MAX_PGS + i]
        return { frame: hex(frame * PAGE_SIZE), shown: shown.has(frame), chosen: frame === place.frame }
      }),
    }
  }
  return {
    name: rowName(m),
    index,
    address: directMap(mb.m_addr[m]),
    fields: fieldsOf(k, m),
    array,
    page: place.frame === null ? null : pageFacts(k, place.frame),
    bytes: dump(k, place),
    holders: holdersOf(k, m),
  }
}

/** Answers the window. Without a chain, or with one that has gone, only the list. */
export function chainView(k: Kernel, question: ChainQuestion): ChainView {
  const all = chainEntries(k)
  const full = all.filter(({ mbufs }) => mbufs > 0)
  const asked = all.find(({ name }) => name === question.chain)
  const list = full.slice(0, LISTED)
  const view: ChainView = {
    t: k.machine.time,
    list,
    unlisted: full.length - list.length,
    empty: all.length - full.length,
    chain: null,
    mbuf: null,
  }
  const drawing = asked === undefined ? null : drawByName(k, [asked.name], { limit: ROWS })
  if (asked === undefined || drawing === null) return view
  const { rows, mbufs } = rowsOf(k, chainHeads(k).get(asked.name) ?? recordsOf(k, 0))
  view.chain = {
    name: asked.name,
    place: asked.place,
    sockbuf: drawing[0].kind === 'sockbuf' ? (drawing[0].sockbuf as SockbufLine) : null,
    bytes: asked.bytes,
    rows,
    more: drawing[0].more,
    text: formatChains(drawing),
  }
  view.mbuf = chosen(k, rows, mbufs, question.byte)
  return view
}

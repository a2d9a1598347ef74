/**
 * The chain language: chains of mbufs as text, one line an mbuf. This file has the shape of a drawing and writes it; chainParse.ts reads the text,
 * chainLive.ts draws live tables, chainBuild.ts builds tables from a drawing. Grammar and examples: docs/chains.md.
 *
 *   m1  MT_DATA  len   66  data 22  M_PKTHDR                -                    pkt 8258
 *   m2  MT_DATA  len 8192  data  0  M_EXT|M_RDONLY|M_NOMAP  EXT_PGS    refs 2    npgs 2  pages p0-p1
 */
import {
  EXT_FLAG_CACHE_LAST,
  EXT_FLAG_EMBREF,
  EXT_FLAG_NOCACHE,
  EXT_FLAG_SYNC,
  EXT_PGS,
  EXT_SFBUF,
  extTypeNames,
  mbufFlagNames,
  MT_CONTROL,
  MT_DATA,
  MT_EXTCONTROL,
  MT_NOINIT,
  MT_NOTMBUF,
  MT_OOBDATA,
  MT_SONAME,
} from '../sys/mbuf'
import { PAGE_SIZE } from '../sys/param'
import * as SB from '../sys/sockbuf'

/** One mbuf. Numbers are bytes unless said otherwise; what only an owner of storage has is at its default in shadows. */
export interface MbufLine {
  /** Line of the text it was read from, 0 = drawn from live tables. */
  line: number
  /** The mbuf's name: what other lines refer to. */
  name: string
  /** m_type: MT_DATA … */
  type: string
  len: number
  /** m_data as an offset into the storage. */
  data: number
  /** m_flags by their kernel names, in order of value. */
  flags: string[]
  /** m_pkthdr.len; null without M_PKTHDR. */
  pkt: number | null
  /** EXT_… of external storage, '' = internal. */
  storage: string
  /** References to the storage. */
  refs: number
  /** The owner whose storage this mbuf shares, null = it is its own. */
  of: string | null
  /** ext_size. */
  size: number
  /** Pages of an EXT_PGS or EXT_SFBUF owner: `p7` = page 7 of the disk, `0x1b3f7` = frame. */
  pages: string[]
  /** first_pg_off, last_pg_len, hdr_len, trail_len, nrdy (pages) of an EXT_PGS owner. */
  first: number
  last: number
  hdr: number
  trail: number
  nrdy: number
  /** Owner of an unmapped mbuf that this converted page keeps (mb_unmapped_free_mext). */
  holds: string | null
  /** ext_free where it is not sendfile(2)'s own. */
  free: string
  /** ext_flags besides EXT_FLAG_EMBREF. */
  extFlags: string[]
}

/** A mapped mbuf of MT_DATA with nothing in it and no external storage: what a line says of an mbuf is added to this. */
export function plainMbuf(name: string): MbufLine {
  return {
    line: 0,
    name,
    type: 'MT_DATA',
    len: 0,
    data: 0,
    flags: [],
    pkt: null,
    storage: '',
    refs: 1,
    of: null,
    size: 0,
    pages: [],
    first: 0,
    last: PAGE_SIZE,
    hdr: 0,
    trail: 0,
    nrdy: 0,
    holds: null,
    free: '',
    extFlags: [],
  }
}

/** Counters of a socket buffer; mbufs by name, '' = NULL. */
export interface SockbufLine {
  sb_acc: number
  sb_ccc: number
  sb_mbcnt: number
  sb_mcnt: number
  sb_ccnt: number
  sb_ctl: number
  sb_fnrdy: string
  sb_sndptr: string
  sb_sndptroff: number
  sb_flags: string[]
}

/** What stands under one heading. */
export interface ChainSection {
  line: number
  /** `elsewhere`: owners of storage that are in none of the chains. */
  kind: 'chain' | 'sockbuf' | 'elsewhere'
  label: string
  /** Of a sockbuf: what the text gave (all of them when drawn from live tables). */
  sockbuf: Partial<SockbufLine>
  /** Records (m_nextpkt) of mbufs (m_next). */
  records: MbufLine[][]
  /** What a limit left out. */
  more: { mbufs: number; bytes: number }
}

/** One drawing. */
export type ChainDrawing = ChainSection[]

export const typeNames: { readonly [type: number]: string } = {
  [MT_NOTMBUF]: 'MT_NOTMBUF',
  [MT_DATA]: 'MT_DATA',
  [MT_SONAME]: 'MT_SONAME',
  [MT_CONTROL]: 'MT_CONTROL',
  [MT_EXTCONTROL]: 'MT_EXTCONTROL',
  [MT_OOBDATA]: 'MT_OOBDATA',
  [MT_NOINIT]: 'MT_NOINIT',
}
/** m_flags in order of value. */
export const flagNames: readonly (readonly [number, string])[] = mbufFlagNames.map(([bit, name]) => [bit, `M_${name}`])
export const extFlagNames: readonly (readonly [number, string])[] = [
  [EXT_FLAG_SYNC, 'EXT_FLAG_SYNC'],
  [EXT_FLAG_NOCACHE, 'EXT_FLAG_NOCACHE'],
  [EXT_FLAG_CACHE_LAST, 'EXT_FLAG_CACHE_LAST'],
]
export const sbFlagNames: readonly (readonly [number, string])[] = [
  [SB.SB_WAIT, 'SB_WAIT'],
  [SB.SB_SEL, 'SB_SEL'],
  [SB.SB_ASYNC, 'SB_ASYNC'],
  [SB.SB_UPCALL, 'SB_UPCALL'],
  [SB.SB_NOINTR, 'SB_NOINTR'],
  [SB.SB_AIO, 'SB_AIO'],
  [SB.SB_KNOTE, 'SB_KNOTE'],
  [SB.SB_NOCOALESCE, 'SB_NOCOALESCE'],
  [SB.SB_IN_TOE, 'SB_IN_TOE'],
  [SB.SB_AUTOSIZE, 'SB_AUTOSIZE'],
  [SB.SB_STOP, 'SB_STOP'],
  [SB.SB_AIO_RUNNING, 'SB_AIO_RUNNING'],
]

/** Names of the bits that are set, in the order of the list; what has no name comes as one hexadecimal number behind them. */
export function namesOf(bits: number, names: readonly (readonly [number, string])[]): string[] {
  const out = names.filter(([bit]) => (bits & bit) !== 0).map(([, name]) => name)
  const rest = names.reduce((left, [bit]) => left & ~bit, bits) >>> 0
  if (rest !== 0) out.push(`0x${rest.toString(16)}`)
  return out
}

export const extTypeName = (type: number): string => `EXT_${extTypeNames[type] ?? type}`
export const PGS = extTypeName(EXT_PGS)
export const SFBUF = extTypeName(EXT_SFBUF)
/** ext_flags besides the one that says who counts. */
export const extFlagsOf = (bits: number): string[] => namesOf(bits & ~EXT_FLAG_EMBREF, extFlagNames)

/** Pages in a row with numbers in a row are one range: `p0-p18`, `0x100-0x103`. */
function pageRanges(pages: readonly string[]): string {
  const number = (page: string): number => (page.startsWith('p') ? Number(page.slice(1)) : Number(page))
  const out: string[] = []
  for (let i = 0; i < pages.length;) {
    let end = i
    while (
      end + 1 < pages.length &&
      pages[end + 1].startsWith('p') === pages[i].startsWith('p') &&
      number(pages[end + 1]) === number(pages[end]) + 1
    )
      end++
    out.push(end > i ? `${pages[i]}-${pages[end]}` : pages[i])
    i = end + 1
  }
  return out.join(',')
}

/** What stands behind the columns: only what differs from the rule. */
function details(m: MbufLine): string {
  const out: string[] = []
  const say = (key: string, value: number | string | null, unless: number | string | null): void => {
    if (value !== unless) out.push(`${key} ${String(value)}`)
  }
  say('pkt', m.pkt, null)
  if (m.of !== null) return [...out, `of ${m.of}`].join('  ')
  if (m.storage === PGS) {
    out.push(`npgs ${m.pages.length}`)
    if (m.pages.length > 0) out.push(`pages ${pageRanges(m.pages)}`)
    say('first', m.first, 0)
    say('last', m.last, PAGE_SIZE)
    say('hdr', m.hdr, 0)
    say('trail', m.trail, 0)
    say('nrdy', m.nrdy, 0)
    say('size', m.size, m.pages.length * PAGE_SIZE)
  } else if (m.storage === SFBUF) {
    if (m.pages.length > 0) out.push(`page ${m.pages[0]}`)
    say('size', m.size, PAGE_SIZE)
  } else if (m.storage !== '') say('size', m.size, storageSizes[m.storage] ?? null)
  say('holds', m.holds, null)
  say('free', m.free, '')
  if (m.extFlags.length > 0) out.push(`ext_flags ${m.extFlags.join('|')}`)
  return out.join('  ')
}

/** ext_size of storage whose size is its type's. */
export const storageSizes: { readonly [storage: string]: number | undefined } = {
  EXT_CLUSTER: 2048,
  EXT_PACKET: 2048,
  EXT_JUMBOP: 4096,
  EXT_JUMBO9: 9216,
  EXT_JUMBO16: 16384,
}

const sockbufOrder = ['sb_acc', 'sb_ccc', 'sb_mbcnt', 'sb_mcnt', 'sb_ccnt', 'sb_ctl', 'sb_fnrdy', 'sb_sndptr'] as const

function heading(section: ChainSection): string {
  const words: string[] = [section.kind]
  if (section.label !== '') words.push(section.label)
  for (const key of [...sockbufOrder, 'sb_sndptroff'] as const) {
    const value = section.sockbuf[key]
    // NULL pointers and rare counters at 0 say nothing.
    if (value === undefined || value === '' || (value === 0 && (key === 'sb_ctl' || key === 'sb_sndptroff'))) continue
    words.push(` ${key} ${value}`)
  }
  const flags = section.sockbuf.sb_flags ?? []
  if (flags.length > 0) words.push(` sb_flags ${flags.join('|')}`)
  return words.join(' ')
}

/**
 * The drawing as text, columns aligned over the whole of it, without a line end behind the last line. A heading is left out when the drawing begins
 * with a chain that has no label; records of one heading are parted by an empty line.
 */
export function formatChains(drawing: ChainDrawing): string {
  const all = drawing.flatMap((section) => section.records.flat())
  const width = (cell: (m: MbufLine) => string): number => all.reduce((w, m) => Math.max(w, cell(m).length), 0)
  const cells: ((m: MbufLine) => string)[] = [
    (m) => m.name,
    (m) => m.type,
    (m) => `len ${String(m.len).padStart(lenWidth)}`,
    (m) => `data ${String(m.data).padStart(dataWidth)}`,
    (m) => m.flags.join('|') || '-',
    (m) => m.storage || '-',
    (m) => (m.storage === '' ? '' : `refs ${m.refs}`),
  ]
  const lenWidth = width((m) => String(m.len))
  const dataWidth = width((m) => String(m.data))
  const widths = cells.map((cell) => width(cell))
  const line = (m: MbufLine): string =>
    [...cells.map((cell, i) => cell(m).padEnd(widths[i])), details(m)].join('  ').trimEnd()
  const out: string[] = []
  drawing.forEach((section, i) => {
    if (i > 0) out.push('')
    if (i > 0 || section.kind !== 'chain' || section.label !== '') out.push(heading(section))
    section.records.forEach((record, n) => {
      if (n > 0) out.push('')
      out.push(...record.map(line))
    })
    const { mbufs, bytes } = section.more
    if (section.records.length === 0 && mbufs === 0) out.push('# empty')
    if (mbufs > 0) out.push(`# ${mbufs} more ${mbufs === 1 ? 'mbuf' : 'mbufs'}, ${bytes} bytes`)
  })
  return out.join('\n')
}

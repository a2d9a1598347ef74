/**
 * Builds the chains of a drawing in the tables of a kernel, with the kernel's own functions: mbufs and clusters from their zones, pages of files wired
 * and released as sendfile(2) does. For tests; a running machine is never written to.
 */
import type { Kernel } from '../kernel'
import {
  m_clget,
  m_extadd,
  m_free,
  m_get,
  m_getcl,
  m_getjcl,
  mb_alloc_ext_pgs,
  mb_ext_pgs_check,
  mtodAddr,
  pgsHdrAddr,
  pgsTrailAddr,
} from '../kern/kern_mbuf'
import { sf_buf_alloc, sf_buf_kva, SFB_NOWAIT } from '../kern/subr_sfbuf'
import { mb_dupcl } from '../kern/uipc_mbuf'
import { sballoc, sbreserve } from '../kern/uipc_sockbuf'
import {
  EXT_SFBUF,
  FREE_SENDFILE_MEXT,
  FREE_SENDFILE_MEXT_PG,
  FREE_UNMAPPED_MEXT,
  M_BLOCKED,
  M_RDONLY,
  MBUF_PEXT_MAX_PGS,
  MHLEN,
  MLEN,
  MT_DATA,
} from '../sys/mbuf'
import { M_NOWAIT, PAGE_SIZE } from '../sys/param'
import { KernelPanic } from '../sys/systm'
import { PHYS_TO_VM_PAGE, vm_page_wire } from '../vm/vm_page'
import { FILE_FRAME_BASE } from '../vm/vm_phys'
import { sockbufLine } from './chainLive'
import { ChainTextError, parseChains } from './chainParse'
import {
  extFlagNames,
  flagNames,
  PGS,
  sbFlagNames,
  SFBUF,
  storageSizes,
  typeNames,
  type ChainDrawing,
  type ChainSection,
  type MbufLine,
} from './chainText'

/** What was built. */
export interface BuiltChains {
  drawing: ChainDrawing
  /** Row of a named mbuf. */
  row(name: string): number
  /** Name of a row, undefined if the text has none for it. */
  nameOf(m: number): string | undefined
  /** Head of a chain by its label (default: of the first section), 0 = empty. */
  head(label?: string): number
  /** Row of k.sb by label (default: of the first socket buffer). */
  sb(label?: string): number
  /** Holders outside of the chains: what refs says beyond the lines of the text. The caller frees them (m_free). */
  readonly outside: number[]
}

const bitsOf = (names: readonly string[], table: readonly (readonly [number, string])[]): number =>
  table.reduce((bits, [bit, name]) => (names.includes(name) ? bits | bit : bits), 0)

function fail(m: MbufLine, problem: string): never {
  throw new ChainTextError(m.line, problem)
}

function frameOf(k: Kernel, m: MbufLine, page: string): number {
  const { frameOfDiskPage, diskPageOfFrame } = k.phys
  if (page.startsWith('p')) {
    const n = Number(page.slice(1))
    if (n >= frameOfDiskPage.length)
      fail(m, `the disk of this machine has ${frameOfDiskPage.length} pages, there is no ${page}`)
    return frameOfDiskPage[n] + FILE_FRAME_BASE
  }
  const frame = Number(page)
  if (frame < FILE_FRAME_BASE || (diskPageOfFrame[frame - FILE_FRAME_BASE] ?? -1) < 0)
    fail(m, `frame ${page} holds no page of a file on this machine`)
  return frame
}

/** A wired page of a file, as sendfile(2) hands it to an mbuf. @returns its frame. */
function wiredPage(k: Kernel, m: MbufLine, page: string): number {
  const frame = frameOf(k, m, page)
  vm_page_wire(k, PHYS_TO_VM_PAGE(k, frame))
  return frame
}

/** Bytes that differ from place to place and from mbuf to mbuf. */
function fill(k: Kernel, address: number, len: number, name: string): void {
  let x = 7
  for (let i = 0; i < name.length; i++) x = (x * 31 + name.charCodeAt(i)) & 0xff
  for (let o = 0; o < len; o++) k.phys.ram[address + o] = (x + o * 5 + (o >>> 8)) & 0xff
}

const buildable = ['', ...Object.keys(storageSizes), SFBUF, PGS]

/** The owner of its storage, with storage. */
function makeOwner(k: Kernel, m: MbufLine): number {
  if (m.free !== '' || !buildable.includes(m.storage) || m.extFlags.includes('EXT_FLAG_SYNC'))
    fail(
      m,
      `expected storage that a text can build: ${buildable.filter(Boolean).join(', ')} with the free routine of sendfile(2), nobody waiting (EXT_FLAG_SYNC)`,
    )
  const size = storageSizes[m.storage] ?? m.size
  if (m.size !== size) fail(m, `${m.storage} has ${size} bytes, not ${m.size}`)
  let row: number
  switch (m.storage) {
    case '':
      row = m_get(k, M_NOWAIT, MT_DATA)
      break
    case 'EXT_PACKET':
      row = m_getcl(k, M_NOWAIT, MT_DATA, 0)
      break
    case 'EXT_CLUSTER':
      row = m_get(k, M_NOWAIT, MT_DATA)
      if (!m_clget(k, row, M_NOWAIT)) fail(m, 'there is no cluster to be had')
      break
    case SFBUF: {
      row = m_get(k, M_NOWAIT, MT_DATA)
      // Conversion wires nothing of its own: the unmapped mbuf keeps the page.
      const frame = m.holds === null ? wiredPage(k, m, m.pages[0]) : frameOf(k, m, m.pages[0])
      const sf = sf_buf_alloc(k, frame, SFB_NOWAIT)
      if (sf === 0) fail(m, 'there is no sf_buf to be had')
      const free = m.holds === null ? FREE_SENDFILE_MEXT : FREE_UNMAPPED_MEXT
      m_extadd(k, row, sf_buf_kva(k, sf), PAGE_SIZE, free, sf, 0, M_RDONLY, EXT_SFBUF)
      k.mb.ext_size[row] = m.size
      break
    }
    case PGS:
      row = mb_alloc_ext_pgs(k, M_NOWAIT, false, FREE_SENDFILE_MEXT_PG)
      if (row !== 0) fillPages(k, m, row)
      break
    default:
      row = m_getjcl(k, M_NOWAIT, MT_DATA, 0, m.size)
  }
  if (row === 0) fail(m, 'there is no mbuf to be had')
  k.mb.ext_flags[row] |= m.storage === '' ? 0 : bitsOf(m.extFlags, extFlagNames)
  if (m.storage.startsWith('EXT_') && m.storage !== PGS && m.storage !== SFBUF)
    fill(k, k.mb.ext_buf[row], m.size, m.name)
  return row
}

function fillPages(k: Kernel, m: MbufLine, row: number): void {
  const { pgs } = k
  const p = k.mb.ext_buf[row]
  pgs.npgs[p] = m.pages.length
  pgs.nrdy[p] = m.nrdy
  pgs.first_pg_off[p] = m.first
  pgs.last_pg_len[p] = m.last
  pgs.hdr_len[p] = m.hdr
  pgs.trail_len[p] = m.trail
  k.mb.ext_size[row] = m.size
  try {
    mb_ext_pgs_check(k, p)
  } catch (panic) {
    if (!(panic instanceof KernelPanic)) throw panic
    fail(m, panic.message.replace('panic: mbuf_ext_pgs: ', 'expected '))
  }
  m.pages.forEach((page, i) => (pgs.pa[p * MBUF_PEXT_MAX_PGS + i] = wiredPage(k, m, page)))
  fill(k, pgsHdrAddr(k, p), m.hdr, `${m.name}hdr`)
  fill(k, pgsTrailAddr(k, p), m.trail, `${m.name}trail`)
}

/** Bytes of storage that m_data and m_len may point into. */
function room(owner: MbufLine, m: MbufLine): number {
  if (m.storage === '') return m.pkt === null ? MLEN : MHLEN
  if (m.storage !== PGS) return owner.size
  const n = owner.pages.length
  return owner.hdr + owner.trail + (n === 1 ? owner.last : (n - 1) * PAGE_SIZE - owner.first + owner.last)
}

function fillSockbuf(k: Kernel, section: ChainSection, rows: Map<string, number>): number {
  const s = k.sb
  const sb = s.alloc()
  sbreserve(k, sb, s.settings.sb_max_adj)
  const heads = section.records.map((record) => rows.get(record[0].name)!)
  const tail = section.records.at(-1)?.at(-1)
  s.sb_mb[sb] = heads[0] ?? 0
  s.sb_lastrecord[sb] = heads.at(-1) ?? 0
  s.sb_mbtail[sb] = tail === undefined ? 0 : rows.get(tail.name)!
  for (const m of section.records.flat()) {
    const row = rows.get(m.name)!
    const blocked = (k.mb.m_flags[row] & M_BLOCKED) !== 0
    const waits = s.sb_fnrdy[sb] !== 0
    if (blocked !== waits)
      fail(
        m,
        waits
          ? `${m.name} stands behind data that is not ready: expected M_BLOCKED`
          : 'M_BLOCKED, but nothing before it is waited for',
      )
    sballoc(k, sb, row)
  }
  const given = section.sockbuf
  s.sb_flags[sb] = bitsOf(given.sb_flags ?? [], sbFlagNames)
  s.sb_sndptr[sb] = given.sb_sndptr === undefined ? 0 : rows.get(given.sb_sndptr)!
  s.sb_sndptroff[sb] = given.sb_sndptroff ?? 0
  const names = new Map([...rows].map(([name, row]) => [row, name]))
  const counted = sockbufLine(k, sb, (row) => names.get(row)!)
  for (const key of ['sb_acc', 'sb_ccc', 'sb_mbcnt', 'sb_mcnt', 'sb_ccnt', 'sb_ctl', 'sb_fnrdy'] as const)
    if (given[key] !== undefined && given[key] !== counted[key])
      throw new ChainTextError(
        section.line,
        `this chain makes ${key} ${counted[key] || 'NULL'}, the text says ${given[key]}`,
      )
  return sb
}

/**
 * Builds what a text draws.
 * @throws ChainTextError naming the line: what was expected there, or what this machine does not have.
 */
export function buildChains(k: Kernel, text: string): BuiltChains {
  const drawing = parseChains(text)
  const rows = new Map<string, number>()
  const outside: number[] = []
  const all = drawing.flatMap((section) => section.records.flat())
  const owners = new Map(all.filter((m) => m.of === null).map((m) => [m.name, m]))
  // Sizes before anything is made: most slips of the pen end here.
  for (const m of all) {
    const size = room(m.of === null ? m : owners.get(m.of)!, m)
    if (m.data + m.len > size)
      fail(
        m,
        `data ${m.data} and len ${m.len} reach beyond the ${size} bytes of ${m.storage === '' ? 'internal storage' : m.storage}`,
      )
  }
  for (const m of owners.values()) rows.set(m.name, makeOwner(k, m))
  for (const m of all) {
    if (m.of === null) continue
    const row = m_get(k, M_NOWAIT, MT_DATA)
    mb_dupcl(k, row, rows.get(m.of)!)
    rows.set(m.name, row)
  }
  for (const m of owners.values()) {
    if (m.holds === null) continue
    const held = rows.get(m.holds)!
    k.mb.ext_arg2[rows.get(m.name)!] = held
    k.mb.ext_count[held]++
  }
  // References beyond those of the text belong to somebody outside.
  const elsewhere = new Set(drawing.filter((s) => s.kind === 'elsewhere').flatMap((s) => s.records.flat()))
  for (const m of owners.values()) {
    if (m.storage === '') continue
    const row = rows.get(m.name)!
    while (k.mb.ext_count[row] < m.refs) {
      const holder = m_get(k, M_NOWAIT, MT_DATA)
      mb_dupcl(k, holder, row)
      outside.push(holder)
    }
    if (!elsewhere.has(m)) continue
    if (k.mb.ext_count[row] > m.refs) m_free(k, row)
    else outside.push(row)
  }
  for (const m of all) {
    const row = rows.get(m.name)!
    const { mb } = k
    mb.m_type[row] = Number(Object.keys(typeNames).find((type) => typeNames[Number(type)] === m.type))
    mb.m_flags[row] = bitsOf(m.flags, flagNames)
    mb.m_len[row] = m.len
    mb.m_data[row] = m.data
    if (m.pkt !== null) mb.ph_len[row] = m.pkt
    if (m.storage === '') fill(k, mtodAddr(k, row), m.len, m.name)
  }
  const heads = new Map<ChainSection, number>()
  for (const section of drawing) {
    if (section.kind === 'elsewhere') continue
    section.records.forEach((record, i) => {
      record.forEach(
        (m, n) => (k.mb.m_next[rows.get(m.name)!] = n + 1 < record.length ? rows.get(record[n + 1].name)! : 0),
      )
      const next = section.records[i + 1]
      k.mb.m_nextpkt[rows.get(record[0].name)!] = next === undefined ? 0 : rows.get(next[0].name)!
    })
    heads.set(section, section.records.length === 0 ? 0 : rows.get(section.records[0][0].name)!)
  }
  const sbs = new Map<ChainSection, number>()
  for (const section of drawing) if (section.kind === 'sockbuf') sbs.set(section, fillSockbuf(k, section, rows))
  const names = new Map([...rows].map(([name, row]) => [row, name]))
  const find = (kinds: readonly string[], label?: string): ChainSection => {
    const found = drawing.find((s) => kinds.includes(s.kind) && (label === undefined || s.label === label))
    if (found === undefined) throw new Error(`the text has no ${kinds.join(' or ')} ${label ?? ''}`.trimEnd())
    return found
  }
  return {
    drawing,
    outside,
    row(name) {
      const row = rows.get(name)
      if (row === undefined) throw new Error(`the text has no mbuf ${name}`)
      return row
    },
    nameOf: (m) => names.get(m),
    head: (label) => heads.get(find(['chain', 'sockbuf'], label))!,
    sb: (label) => sbs.get(find(['sockbuf'], label))!,
  }
}

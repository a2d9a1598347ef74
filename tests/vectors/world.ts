/**
 * The world of one case: builds its chains and storages in a memory kernel with the emulator's own functions, names everything as the vectors
 * do, and describes what is there afterwards.
 */
import { M_NOWAIT, PAGE_SIZE } from '../../main/emulator/sys/param'
import * as M from '../../main/emulator/sys/mbuf'
import {
  m_extadd,
  m_free,
  m_get,
  m_getcl,
  m_getjcl,
  m_clget,
  mb_alloc_ext_pgs,
  m_extrefcnt,
  pgsHdrAddr,
  pgsTrailAddr,
  setExtFree,
} from '../../main/emulator/kern/kern_mbuf'
import { m_copydata, mb_dupcl } from '../../main/emulator/kern/uipc_mbuf'
import type { Kernel } from '../../main/emulator/kernel'
import { createMemoryKernel, type MemoryKernel } from '../../main/emulator/testing'
import { crc32, fillByte, type Fields, type VectorInput, type VectorMbuf, type VectorStorage } from './format'

/** Pages of files in the vectors, at least: frames below this number; the emulator's own frames come after. */
const FILE_PAGES = 4096
const pageBytes: (Uint8Array | undefined)[] = []
/** Contents of file page `page`. */
function pageContents(page: number): Uint8Array {
  return (pageBytes[page] ??= Uint8Array.from({ length: PAGE_SIZE }, (_, o) => fillByte(page, o)))
}

const typeSizes: { [type: string]: number } = { JUMBOP: 4096, JUMBO9: 9216, JUMBO16: 16384 }
/** Flags the vectors know, as their README lists them. */
const flagNames = ['EXT', 'PKTHDR', 'EOR', 'RDONLY', 'NOMAP', 'NOTREADY', 'BLOCKED', 'VLANTAG', 'MCAST']
const flagBits = new Map(M.mbufFlagNames.map(([bit, name]) => [name, bit]))

/** Free routines of the vectors' storages: which pages went back, in which order. Set per kernel. */
const releasedBy = new WeakMap<Kernel, number[]>()
setExtFree(M.FREE_TEST, (k, m) => {
  releasedBy.get(k)!.push(k.mb.ext_arg1[m])
})
setExtFree(M.FREE_TEST_PG, (k, m) => {
  const p = k.mb.ext_buf[m]
  const { npgs, pa } = k.pgs
  for (let i = 0; i < npgs[p]; i++) releasedBy.get(k)!.push(pa[p * M.MBUF_PEXT_MAX_PGS + i])
})

/** A kernel for vectors: file pages are RAM frames 0 … `highestPage`, addresses of storage below `reserveBytes` can be used. */
export function createVectorKernel(reserveBytes: number, highestPage = 0): MemoryKernel {
  const k = createMemoryKernel({ memoryBytes: 4 * 2 ** 30, debug: true })
  const filePages = Math.max(FILE_PAGES, highestPage + 1)
  k.phys.reserve(Math.max(filePages, Math.ceil(reserveBytes / PAGE_SIZE)))
  for (let page = 0; page < filePages; page++) k.phys.copyIn(pageContents(page), 0, PAGE_SIZE, page * PAGE_SIZE)
  releasedBy.set(k, [])
  return k
}

/** Names in use: m… and s… of the input, n… and t… of what the call made. */
export class World {
  private readonly rowOf = new Map<string, number>()
  /** Rows now in use → id. */
  private readonly idOf = new Map<number, string>()
  /** Storages by the row of the mbuf that owns them. */
  private readonly storageOf = new Map<number, string>()
  private readonly storageRows = new Map<string, number>()
  private readonly created: number[] = []
  private newMbufs = 0
  private newStorages = 0
  private readonly undo: (() => void)[] = []
  private readonly pages = new Set<number>()
  /** Input mbufs outside of chains. */
  readonly outside: number[] = []
  readonly released: number[]
  /** Set when the case ended in the panic it asks for. */
  panicked = false

  constructor(readonly k: MemoryKernel) {
    this.released = releasedBy.get(k)!
    this.released.length = 0
  }

  row(id: string): number {
    const row = this.rowOf.get(id)
    if (row === undefined) throw new Error(`the case names ${id}, which it never introduced`)
    return row
  }

  id(row: number): string | null {
    if (row === 0) return null
    return this.idOf.get(row) ?? `row${row}`
  }

  // --------------------------------------------------------------------------------------------------------------------------------- input

  /** Builds the input; returns the head of each chain. */
  build(input: VectorInput): { chain: number; chain2: number } {
    const lists = [input.chain ?? [], input.chain2 ?? [], input.outside ?? []]
    const all = lists.flat()
    const storages = new Map((input.storages ?? []).map((storage) => [storage.id, storage]))
    const hidden: number[] = []
    for (const mbuf of all) {
      const storage = mbuf.ext === undefined ? undefined : storages.get(mbuf.ext)
      if (mbuf.ext !== undefined && storage === undefined && !this.storageRows.has(mbuf.ext))
        throw new Error(`${mbuf.id} uses storage ${mbuf.ext}, which is not there`)
      if (storage === undefined ? mbuf.ext === undefined : storage.owner === mbuf.id) this.create(mbuf, storage)
    }
    for (const storage of storages.values()) {
      if (this.storageRows.has(storage.id)) continue
      // The owner is in no chain: it was freed, and shadows keep it; or (page arrays alone) nothing else refers to it.
      this.create({ id: storage.owner, fl: 'EXT|RDONLY|NOMAP', len: 0, off: 0, ext: storage.id }, storage)
      if (all.some((mbuf) => mbuf.ext === storage.id)) hidden.push(this.row(storage.owner))
      else this.outside.push(this.row(storage.owner))
    }
    for (const mbuf of all) if (!this.rowOf.has(mbuf.id)) this.share(mbuf)
    for (const row of hidden) m_free(this.k, row)
    for (const mbuf of all) this.fields(mbuf)
    for (const storage of storages.values()) {
      const refs = m_extrefcnt(this.k, this.storageRows.get(storage.id)!)
      if (refs !== storage.refs) throw new Error(`${storage.id} has ${refs} holders, the case says ${storage.refs}`)
    }
    this.outside.push(...lists[2].map((mbuf) => this.row(mbuf.id)))
    return { chain: this.link(lists[0]), chain2: this.link(lists[1]) }
  }

  private link(list: VectorMbuf[]): number {
    for (let i = 0; i + 1 < list.length; i++) this.k.mb.m_next[this.row(list[i].id)] = this.row(list[i + 1].id)
    return list.length === 0 ? 0 : this.row(list[0].id)
  }

  private name(id: string, row: number): void {
    this.rowOf.set(id, row)
    this.idOf.set(row, id)
    this.storageOf.delete(row)
  }

  private create(mbuf: VectorMbuf, storage: VectorStorage | undefined): void {
    const k = this.k
    const type = M.MT_DATA
    let row: number
    switch (storage?.type) {
      case undefined:
        row = m_get(k, M_NOWAIT, type)
        break
      case 'PACKET':
        row = m_getcl(k, M_NOWAIT, type, 0)
        break
      case 'CLUSTER':
        row = m_get(k, M_NOWAIT, type)
        m_clget(k, row, M_NOWAIT)
        break
      case 'SFBUF':
        row = m_get(k, M_NOWAIT, type)
        m_extadd(
          k,
          row,
          storage.page! * PAGE_SIZE,
          storage.size!,
          M.FREE_TEST,
          storage.page!,
          0,
          M.M_RDONLY,
          M.EXT_SFBUF,
        )
        this.pages.add(storage.page!)
        break
      case 'PGS':
        row = mb_alloc_ext_pgs(k, M_NOWAIT, false, M.FREE_TEST_PG)
        break
      default:
        row = m_getjcl(k, M_NOWAIT, type, 0, typeSizes[storage!.type] ?? 0)
    }
    this.name(mbuf.id, row)
    if (storage === undefined) return
    this.storageOf.set(row, storage.id)
    this.storageRows.set(storage.id, row)
    if (storage.size !== undefined) k.mb.ext_size[row] = storage.size
    if (storage.type === 'PGS') this.pageArray(row, storage)
    else if (storage.type !== 'SFBUF') {
      if (mbuf.pa !== undefined) this.place(() => k.mb.ext_buf, row, mbuf.pa - mbuf.off)
      this.fill(k.mb.ext_buf[row], storage.size!, storage.fill!)
    }
  }

  private pageArray(row: number, storage: VectorStorage): void {
    const { pgs, mb } = this.k
    const p = mb.ext_buf[row]
    if (storage.hdr_pa !== undefined) this.place(() => this.k.pgs.pg_addr, p, storage.hdr_pa - M.PGS_HDR_OFF)
    pgs.npgs[p] = storage.npgs!
    pgs.nrdy[p] = storage.nrdy!
    pgs.first_pg_off[p] = storage.first_pg_off!
    pgs.last_pg_len[p] = storage.last_pg_len!
    pgs.hdr_len[p] = storage.hdr_len!
    pgs.trail_len[p] = storage.trail_len!
    pgs.pa.set(storage.pages!, p * M.MBUF_PEXT_MAX_PGS)
    for (const page of storage.pages!) this.pages.add(page)
    this.fill(pgsHdrAddr(this.k, p), storage.hdr_len!, storage.hdr_fill ?? 0)
    this.fill(pgsTrailAddr(this.k, p), storage.trail_len!, storage.trail_fill ?? 0)
  }

  /** Gives storage the address that the case wants; the zone gets its own back before anything is freed. */
  private place(column: () => { [row: number]: number }, row: number, address: number): void {
    const own = column()[row]
    column()[row] = address
    this.undo.push(() => (column()[row] = own))
  }

  private fill(address: number, len: number, f: number): void {
    for (let o = 0; o < len; o++) this.k.phys.ram[address + o] = fillByte(f, o)
  }

  private share(mbuf: VectorMbuf): void {
    const row = m_get(this.k, M_NOWAIT, M.MT_DATA)
    this.name(mbuf.id, row)
    mb_dupcl(this.k, row, this.storageRows.get(mbuf.ext!)!)
  }

  private fields(mbuf: VectorMbuf): void {
    const { mb } = this.k
    const row = this.row(mbuf.id)
    let flags = 0
    for (const name of mbuf.fl.split('|').filter(Boolean)) {
      const bit = flagBits.get(name)
      if (bit === undefined || !flagNames.includes(name)) throw new Error(`flag ${name} is not known`)
      flags |= bit
    }
    mb.m_flags[row] = flags
    mb.m_type[row] = mbuf.ty ?? M.MT_DATA
    mb.m_len[row] = mbuf.len
    mb.m_data[row] = mbuf.off
    if ((flags & M.M_PKTHDR) !== 0) mb.ph_len[row] = mbuf.pkt!
    if ((flags & M.M_EXT) === 0) {
      const hdr = (flags & M.M_PKTHDR) !== 0
      const base = hdr ? M.M_PKTDAT_OFF : M.M_DAT_OFF
      if (mbuf.pa !== undefined) this.place(() => this.k.mb.m_addr, row, mbuf.pa - mbuf.off - base)
      this.fill(this.k.mb.m_addr[row] + base, hdr ? M.MHLEN : M.MLEN, mbuf.fill!)
    }
    // The input carries a checksum of its bytes: a wrong reconstruction is an error of ours, not of the function.
    const crc = mbuf.len === 0 ? 0 : crc32(this.bytes(row))
    if (mbuf.crc !== undefined && mbuf.crc !== crc)
      throw new Error(`input ${mbuf.id} has crc ${crc}, the case says ${mbuf.crc}`)
  }

  // --------------------------------------------------------------------------------------------------------------------------------- calls

  /** Runs the function under test: names what it allocates, counts attempts, injects the failures the case asks for. */
  call<T>(body: () => T, failAt = 0, sfFailAt = 0): { value: T; allocs: number } {
    const uma = this.k.uma
    uma.observe((zone, item) => {
      if (item === 0 || (zone !== uma.zone_mbuf && zone !== uma.zone_pack)) return
      this.name(`n${this.newMbufs++}`, item)
      this.created.push(item)
    })
    uma.failAt(failAt)
    uma.sfFailAt(sfFailAt)
    try {
      return { value: body(), allocs: uma.attempts }
    } finally {
      uma.failAt(0)
      uma.sfFailAt(0)
      uma.observe(null)
    }
  }

  private nameStorage(row: number): string {
    const id = `t${this.newStorages++}`
    this.storageOf.set(row, id)
    this.storageRows.set(id, row)
    return id
  }

  private alive(row: number): boolean {
    return this.k.mb.m_type[row] !== M.MT_NOTMBUF
  }

  private owns(row: number): boolean {
    return (this.k.mb.m_flags[row] & M.M_EXT) !== 0 && this.k.mb.ext_cnt[row] === row
  }

  // -------------------------------------------------------------------------------------------------------------------------------- results

  private bytes(row: number): Uint8Array {
    const { mb } = this.k
    const out = new Uint8Array(mb.m_len[row])
    const next = mb.m_next[row]
    mb.m_next[row] = 0
    m_copydata(this.k, row, 0, out.length, out, 0)
    mb.m_next[row] = next
    return out
  }

  /** A chain as the vectors write it; `hex` adds the bytes of small internal mbufs. */
  chain(head: number, hex: boolean): Fields[] | null {
    if (head === 0) return null
    const list: Fields[] = []
    for (let row = head; row !== 0; row = this.k.mb.m_next[row]) list.push(this.mbuf(row, hex))
    return list
  }

  private mbuf(row: number, hex: boolean): Fields {
    const { mb, pgs } = this.k
    if (!this.alive(row)) throw new Error(`${this.id(row) ?? 'NULL'} is in a chain but was freed`)
    const flags = mb.m_flags[row]
    const bytes = this.bytes(row)
    const ext = (flags & M.M_EXT) !== 0
    const known = flagNames.reduce((sum, name) => sum | flagBits.get(name)!, 0)
    const out: Fields = {
      id: this.id(row),
      fl:
        flagNames.filter((name) => (flags & flagBits.get(name)!) !== 0).join('|') +
        ((flags & ~known) !== 0 ? '|OTHER' : ''),
      len: mb.m_len[row],
      off: mb.m_data[row],
      crc: bytes.length === 0 ? 0 : crc32(bytes),
    }
    if (mb.m_type[row] !== M.MT_DATA) out['ty'] = mb.m_type[row]
    if ((flags & M.M_PKTHDR) !== 0) out['pkt'] = mb.ph_len[row]
    if (ext) {
      // New storages are numbered as they come up in the results.
      out['ext'] = this.storageOf.get(mb.ext_cnt[row]) ?? this.nameStorage(mb.ext_cnt[row])
      out['own'] = mb.ext_cnt[row] === row ? 1 : 0
      out['refs'] = m_extrefcnt(this.k, row)
      const nrdy = mb.ext_type[row] === M.EXT_PGS ? pgs.nrdy[mb.ext_buf[row]] : 0
      if (nrdy !== 0) out['nrdy'] = nrdy
    } else if (hex && bytes.length > 0 && bytes.length <= 32) out['hex'] = toHex(bytes)
    return out
  }

  /** Storages alive, by id. */
  storages(): { [id: string]: Fields } {
    const { mb, pgs } = this.k
    const out: { [id: string]: Fields } = {}
    for (const row of this.created)
      if (this.alive(row) && this.owns(row) && !this.storageOf.has(row)) this.nameStorage(row)
    for (const [row, id] of this.storageOf) {
      if (!this.alive(row) || !this.owns(row)) continue
      const type = mb.ext_type[row]
      const storage: Fields = { id, refs: mb.ext_count[row], owner: this.id(row) }
      if (type === M.EXT_PGS) storage['nrdy'] = pgs.nrdy[mb.ext_buf[row]]
      if (id.startsWith('t')) {
        storage['type'] = M.extTypeNames[type]
        storage['size'] = mb.ext_size[row]
        if (type === M.EXT_SFBUF) {
          storage['page'] = mb.ext_arg1[row]
          storage['holds'] = this.storageOf.get(mb.ext_arg2[row]) ?? null
        }
      }
      out[id] = storage
    }
    return out
  }

  /** Mbufs in use that are in none of the chains and not outside. */
  hidden(heads: number[]): string[] {
    const seen = new Set(this.outside)
    for (const head of heads) for (let row = head; row !== 0; row = this.k.mb.m_next[row]) seen.add(row)
    const out: string[] = []
    for (const [row, id] of this.idOf) if (this.alive(row) && !seen.has(row)) out.push(id)
    return out.sort()
  }

  freeChain(head: number): void {
    for (let row = head; row !== 0;) row = m_free(this.k, row)
  }

  freeOne(row: number): void {
    m_free(this.k, row)
  }

  /** Frees what the case left, after giving storage its own address back. */
  free(heads: number[]): void {
    for (const undo of this.undo) undo()
    for (const head of heads) this.freeChain(head)
    for (const row of this.outside) m_free(this.k, row)
    this.outside.length = 0
  }

  /** What must hold when everything is freed: nothing leaked, no file page was written. */
  finish(base: LeakBase): string | null {
    if (this.panicked) return null
    const now = leakBase(this.k)
    for (const zone of Object.keys(base))
      if (now[zone] !== base[zone]) return `zone ${zone}: ${now[zone] - base[zone]} items leaked`
    const { ram } = this.k.phys
    for (const page of this.pages) {
      const want = pageContents(page)
      const at = page * PAGE_SIZE
      for (let o = 0; o < PAGE_SIZE; o++) if (ram[at + o] !== want[o]) return `file page ${page} was written at ${o}`
    }
    return null
  }
}

export type LeakBase = { [zone: string]: number }
export function leakBase(k: Kernel): LeakBase {
  const base = Object.fromEntries(k.uma.list.map((zone) => [zone.name, zone.used]))
  // Clusters that lie in cached packets are free.
  base[k.uma.zone_clust.name] -= k.uma.zone_pack.cached
  return base
}

export function toHex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

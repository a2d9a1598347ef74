/** Building blocks of the property tests: random chains with known bytes, reading a chain, and the accounting of mbufs. */
import * as kern from '../../main/emulator/kern/kern_mbuf'
import { m_copydata, m_copym } from '../../main/emulator/kern/uipc_mbuf'
import * as M from '../../main/emulator/sys/mbuf'
import { M_NOWAIT, PAGE_SIZE } from '../../main/emulator/sys/param'
import { createMemoryKernel, type MemoryKernel } from '../../main/emulator/testing'
import { vm_page_unwire_noq, vm_page_wire, PHYS_TO_VM_PAGE } from '../../main/emulator/vm/vm_page'

const FILE_PAGES = 256
const file = Uint8Array.from({ length: FILE_PAGES * PAGE_SIZE }, (_, i) => (i * 37) ^ (i >>> 8) ^ (i >>> 16))

/** Pages of page arrays hold a wiring each, given back by the free routine: as sendfile does it. */
kern.setExtFree(M.FREE_TEST_PG, (k, m) => {
  const p = k.mb.ext_buf[m]
  for (let i = 0; i < k.pgs.npgs[p]; i++) vm_page_unwire_noq(k, PHYS_TO_VM_PAGE(k, k.pgs.pa[p * 19 + i]))
})
kern.setExtFree(M.FREE_TEST, (k, m) => {
  vm_page_unwire_noq(k, PHYS_TO_VM_PAGE(k, k.mb.ext_arg1[m]))
})

export function propertyKernel(): MemoryKernel {
  return createMemoryKernel({ files: [file], contiguity: 3, debug: true, ncpu: 2 })
}

/** Small deterministic numbers from one seed: fast-check shrinks the seed and the list of operations. */
export class Dice {
  constructor(private x: number) {}
  below(n: number): number {
    this.x = (Math.imul(this.x ^ (this.x >>> 15), 0x2c1b3c6d) + 0x297a2d39) | 0
    return ((this.x ^ (this.x >>> 13)) >>> 0) % n
  }
  /** Lengths that sit on borders as often as between them. */
  length(limit: number): number {
    const edges = [
      0,
      1,
      2,
      3,
      100,
      168,
      169,
      223,
      224,
      225,
      511,
      512,
      513,
      2047,
      2048,
      4095,
      4096,
      4097,
      limit - 1,
      limit,
    ]
    const n = this.below(3) === 0 ? edges[this.below(edges.length)] : this.below(limit + 1)
    return Math.max(0, Math.min(n, limit))
  }
}

export interface Chain {
  head: number
  bytes: Uint8Array
}

const concat = (parts: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts))

/** An unmapped mbuf with random geometry; 0 if memory ran out. */
export function unmappedMbuf(k: MemoryKernel, dice: Dice, maxBytes = 40000): Chain {
  const m = kern.mb_alloc_ext_pgs(k, M_NOWAIT, false, M.FREE_TEST_PG)
  if (m === 0) return { head: 0, bytes: new Uint8Array(0) }
  const { mb, pgs } = k
  const p = mb.ext_buf[m]
  const npgs = 1 + dice.below(Math.min(19, Math.max(1, Math.floor(maxBytes / PAGE_SIZE))))
  const parts: Uint8Array[] = []
  const bytesAt = (address: number, len: number): Uint8Array => {
    const out = new Uint8Array(len)
    k.phys.copyOut(address, len, out, 0)
    return out
  }
  pgs.npgs[p] = npgs
  pgs.first_pg_off[p] = dice.below(3) === 0 ? dice.below(PAGE_SIZE) : 0
  const room = npgs === 1 ? PAGE_SIZE - pgs.first_pg_off[p] : PAGE_SIZE
  pgs.last_pg_len[p] = dice.below(2) === 0 ? room : 1 + dice.below(room)
  if (dice.below(5) === 0) pgs.hdr_len[p] = 1 + dice.below(23)
  if (dice.below(5) === 0) pgs.trail_len[p] = 1 + dice.below(64)
  for (const [address, len] of [
    [kern.pgsHdrAddr(k, p), pgs.hdr_len[p]],
    [kern.pgsTrailAddr(k, p), pgs.trail_len[p]],
  ]) {
    for (let i = 0; i < len; i++) k.phys.ram[address + i] = dice.below(256)
  }
  parts.push(bytesAt(kern.pgsHdrAddr(k, p), pgs.hdr_len[p]))
  const first = 1 + dice.below(FILE_PAGES - 20)
  for (let i = 0; i < npgs; i++) {
    const page = first + (dice.below(2) === 0 ? i : dice.below(19))
    const frame = k.page.frame[page]
    vm_page_wire(k, page)
    pgs.pa[p * 19 + i] = frame
    const off = i === 0 ? pgs.first_pg_off[p] : 0
    const len = i === npgs - 1 ? pgs.last_pg_len[p] : PAGE_SIZE - off
    parts.push(bytesAt(frame * PAGE_SIZE + off, len))
  }
  parts.push(bytesAt(kern.pgsTrailAddr(k, p), pgs.trail_len[p]))
  const bytes = concat(parts)
  mb.ext_size[m] = npgs * PAGE_SIZE
  mb.m_len[m] = bytes.length
  return { head: m, bytes }
}

/** One mapped mbuf with random bytes. */
function mappedMbuf(k: MemoryKernel, dice: Dice): Chain {
  const kind = dice.below(5)
  let m: number
  if (kind === 0) m = kern.m_getcl(k, M_NOWAIT, M.MT_DATA, 0)
  else if (kind === 1) m = kern.m_getjcl(k, M_NOWAIT, M.MT_DATA, 0, [4096, 9216, 16384][dice.below(3)])
  else m = kern.m_get(k, M_NOWAIT, M.MT_DATA)
  if (m === 0) return { head: 0, bytes: new Uint8Array(0) }
  if (kind === 2) {
    // A page of the file, mapped by an sf_buf.
    const page = 1 + dice.below(FILE_PAGES)
    vm_page_wire(k, page)
    const frame = k.page.frame[page]
    kern.m_extadd(k, m, frame * PAGE_SIZE, PAGE_SIZE, M.FREE_TEST, frame, 0, M.M_RDONLY, M.EXT_SFBUF)
  }
  const size = kern.M_SIZE(k, m)
  const off = dice.length(size - 1)
  const len = dice.length(size - off)
  k.mb.m_data[m] = off
  k.mb.m_len[m] = len
  const address = kern.mtodAddr(k, m)
  const bytes = new Uint8Array(len)
  if (kind !== 2) {
    for (let i = 0; i < len; i++) bytes[i] = dice.below(256)
    k.phys.copyIn(bytes, 0, len, address)
  } else k.phys.copyOut(address, len, bytes, 0)
  return { head: m, bytes }
}

/** A random chain of up to 5 mbufs: plain, clusters, mapped pages, unmapped; some of them shadows whose owner is elsewhere or already freed. */
export function randomChain(k: MemoryKernel, dice: Dice, pkthdr: boolean): Chain {
  const parts: Uint8Array[] = []
  let head = 0
  let last = 0
  if (pkthdr) {
    head = last = kern.m_gethdr(k, M_NOWAIT, M.MT_DATA)
    if (head === 0) return { head: 0, bytes: new Uint8Array(0) }
    k.mb.m_data[head] = dice.below(60)
    const bytes = Uint8Array.from({ length: dice.below(80) }, () => dice.below(256))
    k.phys.copyIn(bytes, 0, bytes.length, kern.mtodAddr(k, head))
    k.mb.m_len[head] = bytes.length
    parts.push(bytes)
  }
  for (let n = 1 + dice.below(4); n > 0; n--) {
    let piece = dice.below(2) === 0 ? unmappedMbuf(k, dice) : mappedMbuf(k, dice)
    if (piece.head !== 0 && dice.below(4) === 0 && piece.bytes.length > 0) {
      // A shadow of a part of it; the owner leaves.
      const off = dice.below(piece.bytes.length)
      const len = 1 + dice.below(piece.bytes.length - off)
      const copy = m_copym(k, piece.head, off, len, M_NOWAIT)
      kern.m_freem(k, piece.head)
      piece = { head: copy, bytes: copy === 0 ? new Uint8Array(0) : piece.bytes.slice(off, off + len) }
    }
    if (piece.head === 0) continue
    if (last === 0) head = piece.head
    else k.mb.m_next[last] = piece.head
    last = piece.head
    parts.push(piece.bytes)
  }
  const bytes = concat(parts)
  if (pkthdr) k.mb.ph_len[head] = bytes.length
  return { head, bytes }
}

/** The bytes of a chain, mbuf by mbuf (so that empty unmapped mbufs, which m_copydata refuses, do no harm). */
export function readChain(k: MemoryKernel, head: number): Uint8Array {
  const parts: Uint8Array[] = []
  for (let m = head; m !== 0; m = k.mb.m_next[m]) {
    const out = new Uint8Array(k.mb.m_len[m])
    if (out.length > 0) m_copydata(k, m, 0, out.length, out, 0)
    parts.push(out)
  }
  return concat(parts)
}

export function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0
}

/** True if an unmapped mbuf of the chain shows no byte: m_copydata panics on it, conversion takes it for a failure (errata A2, A5). */
export function hasEmptyUnmapped(k: MemoryKernel, head: number): boolean {
  for (let m = head; m !== 0; m = k.mb.m_next[m])
    if ((k.mb.m_flags[m] & M.M_NOMAP) !== 0 && k.mb.m_len[m] === 0) return true
  return false
}

export function isUnmapped(k: MemoryKernel, head: number): boolean {
  for (let m = head; m !== 0; m = k.mb.m_next[m]) if ((k.mb.m_flags[m] & M.M_NOMAP) !== 0) return true
  return false
}

/**
 * sf_bufs: a kernel address for a page. Source: sys/kern/subr_sfbuf.c, sys/sys/sf_buf.h (read; kernel-mbuf-sendfile 7.1).
 *
 * With a direct map (amd64) the address is there anyway: the handle is the page (here its frame number, which names it one to one), allocation cannot
 * fail and there is nothing to free. Without one (i386, 32-bit arm; config `directMap: false`) handles are a fixed pool:
 *
 *   active   hash by page; several users share the handle of a page (ref)
 *   free     list, oldest first; a freed handle keeps its mapping until it is reused for another page
 *
 * The emulated machine copies by physical address in both cases: what differs is when handles run out, and what mapping costs.
 */
import type { Kernel } from '../kernel'
import { CAUSE } from '../machine/cost'
import type { Table } from '../machine/state'
import { KASSERT } from '../sys/systm'

export const SFB_DEFAULT = 0
export const SFB_CATCH = 1
export const SFB_CPUPRIVATE = 2
export const SFB_NOWAIT = 4

/** Users the kernel is tuned for (kern.maxusers): decides the default number of handles. */
const MAXUSERS = 384
const HASH_SIZE = 256

const sfbufSpec = {
  /** Frame of the page that is mapped, 0 = never used. */
  frame: 'u32',
  ref_count: 'i32',
  h_next: 'i32',
  f_next: 'i32',
  f_prev: 'i32',
  /** CPUs that may have the translation (bit per CPU, the first 32). */
  cpumask: 'u32',
} as const

/** The pool of a machine without direct map. */
export interface SfBufPool {
  table: Table<typeof sfbufSpec>
  hash: Int32Array
  n: {
    [name: string]: number
    nsfbufs: number
    used: number
    peak: number
    want: number
    head: number
    tail: number
    mapped: number
    shootdowns: number
  }
}

let wakeup: (k: Kernel) => void = () => undefined
/** Says how a thread that waits for a handle is woken (channel `sfbufa`). At module load only. */
export function setSfBufWakeup(routine: (k: Kernel) => void): void {
  wakeup = routine
}

/** Creates the pool of a machine without direct map, null on others. sf_buf_init (read). Declares kern.ipc.nsfbufs…, which exist only there. */
export function createSfBufs(k: Kernel): SfBufPool | null {
  if (k.config.directMap !== false) return null
  const nsfbufs = Math.max(1, k.sysctl.getenvNumber('kern.ipc.nsfbufs', 512 + MAXUSERS * 16))
  const table = k.registry.table(k.part('sf_buf'), sfbufSpec, nsfbufs + 1)
  const hash = new Int32Array(HASH_SIZE)
  k.registry.fixed(k.part('sf_buf.hash'), hash)
  const n = k.registry.record(k.part('sf_buf.n'), {
    nsfbufs,
    used: 0,
    peak: 0,
    want: 0,
    head: 0,
    tail: 0,
    mapped: 0,
    shootdowns: 0,
  })
  const pool = { table, hash, n }
  for (let i = 0; i < nsfbufs; i++) putFree(pool, table.alloc())
  for (const [name, access, description, get] of [
    ['kern.ipc.nsfbufs', 'rdtun', 'sf_bufs of this machine', () => n.nsfbufs],
    ['kern.ipc.nsfbufspeak', 'rd', 'Most sf_bufs in use at a time', () => n.peak],
    ['kern.ipc.nsfbufsused', 'rd', 'sf_bufs in use', () => n.used],
  ] as const) {
    k.sysctl.declare({
      name,
      type: 'int',
      access,
      unit: '',
      description,
      source: 'kern/subr_sfbuf.c',
      fidelity: 'read',
      get,
    })
  }
  return pool
}

/** To the end of the free list. */
function putFree({ table: t, n }: SfBufPool, sf: number): void {
  t.f_next[sf] = 0
  t.f_prev[sf] = n.tail
  if (n.tail === 0) n.head = sf
  else t.f_next[n.tail] = sf
  n.tail = sf
}

function takeFree({ table: t, n }: SfBufPool, sf: number): void {
  const next = t.f_next[sf]
  const prev = t.f_prev[sf]
  if (prev === 0) n.head = next
  else t.f_next[prev] = next
  if (next === 0) n.tail = prev
  else t.f_prev[next] = prev
}

function slot(frame: number): number {
  return (frame ^ (frame >>> 8)) & (HASH_SIZE - 1)
}

/**
 * A handle for a page.
 * @param frame frame number of the page. @param flags SFB_*.
 * @returns the handle; 0 if none is free: with SFB_NOWAIT that is the answer, without it the caller is counted as waiting, sleeps (channel `sfbufa`)
 * and asks again. sf_buf_alloc (read).
 */
export function sf_buf_alloc(k: Kernel, frame: number, flags: number): number {
  const uma = k.uma
  if (uma.sfCountdown !== 0 && --uma.sfCountdown === 0) return 0
  const pool = k.page.vm.sfbufs
  return pool === null ? frame : poolAlloc(k, pool, frame, flags)
}

function poolAlloc(k: Kernel, pool: SfBufPool, frame: number, flags: number): number {
  const { table: t, hash, n } = pool
  const h = slot(frame)
  let sf = hash[h]
  while (sf !== 0 && t.frame[sf] !== frame) sf = t.h_next[sf]
  const cpu = 1 << (Math.max(0, k.cpu.current) & 31)
  const everywhere = k.cpu.count >= 32 ? 0xffffffff : (1 << k.cpu.count) - 1
  if (sf !== 0) {
    if (t.ref_count[sf]++ === 0) {
      takeFree(pool, sf)
      use(n)
    }
    // A CPU that has not seen this translation may hold a stale one; a handle for all CPUs must be seen by all.
    const wanted = (flags & SFB_CPUPRIVATE) !== 0 ? cpu : everywhere
    if ((wanted & ~t.cpumask[sf]) !== 0) shootdown(k, pool, sf, wanted)
    return sf
  }
  sf = n.head
  if (sf === 0) {
    if ((flags & SFB_NOWAIT) === 0) {
      n.want++
      k.sendfile.stat.sf_allocwait++
    }
    return 0
  }
  takeFree(pool, sf)
  const stale = t.frame[sf] !== 0
  if (stale) unhash(pool, sf)
  t.frame[sf] = frame
  t.ref_count[sf] = 1
  t.h_next[sf] = hash[h]
  hash[h] = sf
  use(n)
  n.mapped++
  if (k.cost.on) k.cost.charge(CAUSE.vm, k.cost.p.sfBufMap)
  t.cpumask[sf] = stale ? 0 : everywhere
  if (stale) shootdown(k, pool, sf, (flags & SFB_CPUPRIVATE) !== 0 ? cpu : everywhere)
  return sf
}

function use(n: SfBufPool['n']): void {
  n.used++
  if (n.used > n.peak) n.peak = n.used
}

function unhash({ table: t, hash }: SfBufPool, sf: number): void {
  const h = slot(t.frame[sf])
  if (hash[h] === sf) {
    hash[h] = t.h_next[sf]
    return
  }
  let at = hash[h]
  while (t.h_next[at] !== sf) at = t.h_next[at]
  t.h_next[at] = t.h_next[sf]
}

/** sf_buf_shootdown (derived): other CPUs are interrupted only if the handle is for them too. */
function shootdown(k: Kernel, { table: t, n }: SfBufPool, sf: number, wanted: number): void {
  const others = wanted & ~t.cpumask[sf] & ~(1 << (Math.max(0, k.cpu.current) & 31))
  t.cpumask[sf] |= wanted
  if (others === 0) return
  n.shootdowns++
  if (k.cost.on) k.cost.charge(CAUSE.vm, k.cost.p.tlbShootdown)
}

/** Gives a handle back; the mapping stays until it is needed for another page. sf_buf_free (read). */
export function sf_buf_free(k: Kernel, sf: number): void {
  const pool = k.page.vm.sfbufs
  if (pool === null) return
  const { table: t, n } = pool
  KASSERT(t.ref_count[sf] > 0, 'sf_buf_free: the handle is in use')
  if (--t.ref_count[sf] !== 0) return
  putFree(pool, sf)
  n.used--
  if (n.want > 0) {
    n.want--
    wakeup(k)
  }
}

/** Frame number of the page. */
export function sf_buf_page(k: Kernel, sf: number): number {
  const pool = k.page.vm.sfbufs
  return pool === null ? sf : pool.table.frame[sf]
}

/** Address of the page: with every kind of map the emulated kernel reads it by physical address. */
export function sf_buf_kva(k: Kernel, sf: number): number {
  return sf_buf_page(k, sf) * 4096
}

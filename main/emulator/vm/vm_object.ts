/**
 * VM objects: the page cache of the host's files. Mirrors what sys/vm/vm_object.c and vm_page.c (allocation, lookup, grab) do for vnode objects of
 * read-only files (derived), plus objects without a file. Object row = index of the file in the config + 1.
 *
 * A page of a file has one frame for life: the one that aliases its bytes on the disk (vm_phys.ts). "Not in memory" means that the page belongs to no
 * object; then it costs no memory of the host. A page that gets written would be a RAM frame inserted in its place (`vm_page_insert`).
 */
import type { Kernel } from '../kernel'
import { CAUSE } from '../machine/cost'
import { KASSERT } from '../sys/systm'
import {
  PQ_NONE,
  VM_ALLOC_IGN_SBUSY,
  VM_ALLOC_NOBUSY,
  VM_ALLOC_NOCREAT,
  VM_ALLOC_SBUSY,
  VM_ALLOC_WIRED,
  VM_ALLOC_ZERO,
  VM_PAGE_BITS_ALL,
  VPB_BIT_EXCLUSIVE,
  VPB_ONE_SHARER,
  VPB_UNBUSIED,
  vm_domain_allocate,
  vm_free_count,
  vm_page_busied,
  vm_page_deactivate,
  vm_page_dequeue,
  vm_page_trysbusy,
  vm_page_tryxbusy,
  vm_page_wire,
  vm_page_xbusied,
} from './vm_page'
import { vm_page_freed, vm_paging_needed, vm_pageout } from './vm_pageout'

export const OBJT_DEFAULT = 0
export const OBJT_SWAP = 1
export const OBJT_VNODE = 2
/** The object's file is gone. */
export const OBJ_DEAD = 0x0008

const objectSpec = {
  type: 'u8',
  flags: 'u16',
  /** Pages. */
  size: 'i32',
  /** Bytes (vnp_size of a vnode object). */
  bytes: 'f64',
  /** First page on the disk, −1 without a file. */
  disk_page: 'i32',
  ref_count: 'i32',
  resident_page_count: 'i32',
  /** RAM pages among them: found by hash. */
  inserted: 'i32',
  paging_in_progress: 'i32',
} as const

export function createVmObject(k: Kernel) {
  const { files } = k.machine.config
  const object = k.registry.table(k.part('vm_object'), objectSpec, 64)
  for (const file of k.id === 0 ? files.entries : []) {
    const o = object.alloc()
    object.type[o] = OBJT_VNODE
    object.size[o] = Math.ceil(file.size / 4096)
    object.bytes[o] = file.size
    object.disk_page[o] = file.diskPage
    object.ref_count[o] = 1
  }
  return object
}

/** Puts the files into memory at boot, as far as it reaches (config.files.warm). Call once, after construction. */
export function vm_object_warm(k: Kernel): void {
  const keep = k.page.vm.limits.v_free_target
  for (let o = 1; o <= k.machine.config.files.entries.length; o++) {
    for (let i = 0; i < k.object.size[o]; i++) {
      if (vm_free_count(k) <= keep) return
      const m = filePage(k, o, i)
      attach(k, m, o, i)
      k.page.valid[m] = VM_PAGE_BITS_ALL
      vm_page_deactivate(k, m)
    }
  }
}

/** Object of a file (index in config.files.entries). */
export function vm_object_of_file(file: number): number {
  return file + 1
}

/** Creates an object without a file (shared memory, user memory) of `pages` pages. */
export function vm_object_allocate(k: Kernel, type: number, pages: number): number {
  const object = k.object
  const o = object.alloc()
  object.type[o] = type
  object.flags[o] = 0
  object.size[o] = pages
  object.bytes[o] = pages * 4096
  object.disk_page[o] = -1
  object.ref_count[o] = 1
  object.resident_page_count[o] = 0
  object.inserted[o] = 0
  object.paging_in_progress[o] = 0
  return o
}

/** The page whose frame aliases page `pindex` of a file. */
function filePage(k: Kernel, object: number, pindex: number): number {
  return k.phys.frameOfDiskPage[k.object.disk_page[object] + pindex] + 1
}

function attach(k: Kernel, m: number, object: number, pindex: number): void {
  const page = k.page
  page.object[m] = object
  page.pindex[m] = pindex
  page.valid[m] = 0
  page.dirty[m] = 0
  page.aflags[m] = 0
  k.object.resident_page_count[object]++
  page.vm.addCached(1)
}

function hashSlot(k: Kernel, object: number, pindex: number): number {
  return (Math.imul(object, 0x9e3779b1) + pindex) & (k.page.vm.hash.length - 1)
}

/** The page of an object, 0 if it is not in memory. sys/vm/vm_page.c vm_page_lookup (derived). */
export function vm_page_lookup(k: Kernel, object: number, pindex: number): number {
  const page = k.page
  if (k.object.inserted[object] > 0) {
    for (let m = page.vm.hash[hashSlot(k, object, pindex)]; m !== 0; m = page.h_next[m]!) {
      if (page.object[m] === object && page.pindex[m] === pindex) return m
    }
  }
  if (k.object.disk_page[object] < 0) return 0
  const m = filePage(k, object, pindex)
  return page.object[m] === object ? m : 0
}

/** Puts a RAM page into an object. sys/vm/vm_page.c vm_page_insert (derived). */
export function vm_page_insert(k: Kernel, m: number, object: number, pindex: number): void {
  const page = k.page
  const slot = hashSlot(k, object, pindex)
  page.object[m] = object
  page.pindex[m] = pindex
  page.h_next[m] = page.vm.hash[slot]!
  page.vm.hash[slot] = m
  k.object.inserted[object]++
  k.object.resident_page_count[object]++
}

/** Takes a page out of its object. sys/vm/vm_page.c vm_page_remove (derived). */
export function vm_page_remove(k: Kernel, m: number): void {
  const page = k.page
  const object = page.object[m]
  if (object === 0) return
  k.object.resident_page_count[object]--
  page.object[m] = 0
  if (k.phys.isFileFrame(page.frame[m])) {
    page.vm.addCached(-1)
    return
  }
  k.object.inserted[object]--
  const slot = hashSlot(k, object, page.pindex[m])
  let at = page.vm.hash[slot]
  if (at === m) page.vm.hash[slot] = page.h_next[m]!
  else {
    while (page.h_next[at] !== m) at = page.h_next[at]!
    page.h_next[at] = page.h_next[m]!
  }
}

/**
 * A page of an object, or of none (object 0: anonymous RAM). The page must not be there yet. VM_ALLOC_* as `req`; busy unless NOBUSY.
 * @returns 0 if no page is free even after the page daemon was asked; the request's class (VM_ALLOC_NORMAL …) says how many are kept back. sys/vm/vm_page.c vm_page_alloc (derived).
 */
export function vm_page_alloc(k: Kernel, object: number, pindex: number, req: number): number {
  if (vm_paging_needed(k)) vm_pageout(k)
  if (!vm_domain_allocate(k, req, 1)) return 0
  let m: number
  if (object !== 0 && k.object.disk_page[object] >= 0) {
    m = filePage(k, object, pindex)
    KASSERT(k.page.object[m] === 0, 'vm_page_alloc: the object does not have the page yet')
    attach(k, m, object, pindex)
  } else {
    const frame = k.phys.allocFrame()
    if (frame === 0) return 0
    m = k.page.alloc()
    const page = k.page
    page.frame[m] = frame
    page.wire_count[m] = 0
    page.queue[m] = PQ_NONE
    page.object[m] = 0
    page.valid[m] = 0
    page.dirty[m] = 0
    page.aflags[m] = 0
    page.vm.setRamPage(frame, m)
    if (object !== 0) vm_page_insert(k, m, object, pindex)
  }
  if ((req & VM_ALLOC_ZERO) !== 0 && !k.phys.isFileFrame(k.page.frame[m])) k.phys.fill(k.page.frame[m] * 4096, 4096, 0)
  k.page.busy_lock[m] = VPB_UNBUSIED
  if (object !== 0) {
    if ((req & VM_ALLOC_SBUSY) !== 0) k.page.busy_lock[m] += VPB_ONE_SHARER
    else if ((req & VM_ALLOC_NOBUSY) === 0) k.page.busy_lock[m] = VPB_BIT_EXCLUSIVE
  }
  if ((req & VM_ALLOC_WIRED) !== 0) vm_page_wire(k, m)
  return m
}

/** Gives a page back: out of its object, contents gone. It must not be wired. sys/vm/vm_page.c vm_page_free (derived). */
export function vm_page_free(k: Kernel, m: number): void {
  const page = k.page
  KASSERT(page.wire_count[m] === 0, 'vm_page_free: a wired page is not freed')
  vm_page_dequeue(k, m)
  vm_page_remove(k, m)
  page.valid[m] = 0
  page.dirty[m] = 0
  page.busy_lock[m] = VPB_UNBUSIED
  page.vm.countFreed()
  const frame = page.frame[m]
  if (!k.phys.isFileFrame(frame)) {
    page.vm.setRamPage(frame, 0)
    k.phys.freeFrame(frame)
    page.free(m)
  }
  vm_page_freed(k)
}

/** Frees a page if nobody holds it. @returns true if it was freed. sys/vm/vm_page.c vm_page_try_to_free (derived). */
export function vm_page_try_to_free(k: Kernel, m: number): boolean {
  if (k.page.dirty[m] !== 0 || k.page.wire_count[m] !== 0 || vm_page_busied(k, m)) return false
  vm_page_free(k, m)
  return true
}

/** Why the last {@link vm_page_grab} gave nothing: the busy page to sleep on, or 0 when there was no free page. */
export let grabBlockedOn = 0

/**
 * Finds or creates a page of an object, wired and busy as asked. Charges `pageWire`.
 * @returns the page, or 0 if it would have to sleep (see {@link grabBlockedOn}; the caller sleeps and asks again, or gives up with
 * VM_ALLOC_NOWAIT), or if VM_ALLOC_NOCREAT and it is not there. sys/vm/vm_page.c vm_page_grab (derived).
 */
export function vm_page_grab(k: Kernel, object: number, pindex: number, req: number): number {
  if (k.cost.on) {
    k.cost.charge(CAUSE.vm, k.cost.p.pageWire)
    k.cost.chargeMisses(k.cost.p.pageLines)
  }
  grabBlockedOn = 0
  const m = vm_page_lookup(k, object, pindex)
  if (m === 0) return (req & VM_ALLOC_NOCREAT) !== 0 ? 0 : vm_page_alloc(k, object, pindex, req)
  const blocked = (req & VM_ALLOC_IGN_SBUSY) !== 0 ? vm_page_xbusied(k, m) : vm_page_busied(k, m)
  if (blocked) {
    grabBlockedOn = m
    return 0
  }
  if ((req & VM_ALLOC_WIRED) !== 0) vm_page_wire(k, m)
  if ((req & VM_ALLOC_SBUSY) !== 0) vm_page_trysbusy(k, m)
  else if ((req & VM_ALLOC_NOBUSY) === 0) vm_page_tryxbusy(k, m)
  return m
}

/** Consecutive file pages, from `pindex` on, that one disk request can fetch: the pager's contiguous hint + 1 (vnode_pager_haspage; derived). */
export function vm_pager_contiguous(k: Kernel, object: number, pindex: number): number {
  return k.object.size[object] - pindex
}

export { VM_PAGE_BITS_ALL }

/**
 * Reading file pages from the disk (disk.ts): requests of up to 128 KiB, asynchronous completion. The bytes are in place already (file frames alias
 * them): what arrives is that the pages are valid. Source: sys/vm/vnode_pager.c vnode_pager_getpages_async, vnode_pager_haspage,
 * vnode_pager_generic_getpages_done (derived).
 */
import type { Kernel } from '../kernel'
import { EV_DISK_DONE, EV_DISK_DONE_TASK } from '../machine/eventKinds'
import { EIO } from '../sys/errno'
import { MAXPHYS, PAGE_SIZE } from '../sys/param'
import { wakeup, WCHAN_PAGE } from '../kern/subr_sleepqueue'
import { createDiskQueue, diskRequest, diskRequestDone } from './disk'
import { vm_page_alloc, vm_page_lookup, vm_page_remove, vm_page_try_to_free, vm_pager_contiguous } from './vm_object'
import { VM_ALLOC_NORMAL, VM_PAGE_BITS_ALL, vm_page_busied, vm_page_deactivate, vm_page_xunbusy } from './vm_page'

/** Most pages of one request. */
export const PAGER_MAX_PAGES = MAXPHYS / PAGE_SIZE

type Done = (k: Kernel, argument: number, error: number) => void
let done: Done = () => undefined
/** Names the completion routine (sendfile_iodone). At module load only. */
export function setPagerDone(routine: Done): void {
  done = routine
}

let readDone: Done = () => undefined
/** Names what a read(2) is told: its requests have a negative argument. At module load only. */
export function setReadDone(routine: Done): void {
  readDone = routine
}

export function createDisk(k: Kernel) {
  const machine = k.machine
  if (!machine.handled(EV_DISK_DONE)) {
    machine.on(EV_DISK_DONE, (host, request) => {
      const kernel = machine.kernels[host]
      diskRequestDone(kernel)
      kernel.cpu.run(kernel.disk.dr_cpu[request], EV_DISK_DONE_TASK, host, request)
    })
    machine.on(EV_DISK_DONE_TASK, (host, request) => diskDone(machine.kernels[host], request))
  }
  const requests = k.registry.table(k.part('disk'), {
    dr_object: 'i32',
    dr_pindex: 'i32',
    dr_count: 'i32',
    /** Pages read ahead behind them. */
    dr_ahead: 'i32',
    /** Bit i: page i was valid and a bogus page stood in for it: it is not ours to release. */
    dr_bogus: 'u32',
    dr_arg: 'i32',
    dr_cpu: 'i32',
    dr_error: 'i32',
  })
  const state = k.registry.record(k.part('disk.state'), {
    /** Virtual time at which the transfer of everything queued ends. */
    freeAt: 0,
    reads: 0,
    bytes: 0,
    queued: 0,
    peakQueued: 0,
    errors: 0,
    /** Test injection: the n-th request from now fails with EIO (0 = none). */
    failAt: 0,
  })
  return Object.assign(requests, { state, queue: createDiskQueue(k) })
}

/** Pages that one request can fetch from `pindex` on. Source: vnode_pager_haspage: contiguous blocks, at most MAXPHYS. */
export function vm_pager_run(k: Kernel, object: number, pindex: number): number {
  return Math.min(vm_pager_contiguous(k, object, pindex), PAGER_MAX_PAGES)
}

/** Pages read ahead by the request made last. */
export let pagerAhead = 0

/**
 * vm_pager_get_pages_async: reads `count` exclusive-busy pages; the completion routine gets `argument`. Up to `ahead` following pages that are not in
 * memory are read along ({@link pagerAhead} says how many).
 */
export function vm_pager_get_pages_async(
  k: Kernel,
  object: number,
  pindex: number,
  count: number,
  ahead: number,
  bogus: number,
  argument: number,
  cpu: number,
): void {
  const d = k.disk
  pagerAhead = 0
  const end = k.object.size[object]
  while (pagerAhead < ahead && count + pagerAhead < PAGER_MAX_PAGES) {
    const next = pindex + count + pagerAhead
    if (next >= end || vm_page_lookup(k, object, next) !== 0) break
    if (vm_page_alloc(k, object, next, VM_ALLOC_NORMAL) === 0) break
    pagerAhead++
  }
  const row = d.alloc()
  d.dr_object[row] = object
  d.dr_pindex[row] = pindex
  d.dr_count[row] = count
  d.dr_ahead[row] = pagerAhead
  d.dr_bogus[row] = bogus
  d.dr_arg[row] = argument
  d.dr_cpu[row] = cpu < 0 ? 0 : cpu
  d.dr_error[row] = 0
  if (d.state.failAt !== 0 && --d.state.failAt === 0) d.dr_error[row] = EIO
  d.state.reads++
  d.state.bytes += (count + pagerAhead) * PAGE_SIZE
  d.state.queued++
  if (d.state.queued > d.state.peakQueued) d.state.peakQueued = d.state.queued
  k.object.paging_in_progress[object]++
  diskRequest(k, row, count + pagerAhead)
}

/** Task of EV_DISK_DONE_TASK: pages become valid and are released, then the completion routine runs. */
function diskDone(k: Kernel, row: number): void {
  const d = k.disk
  const object = d.dr_object[row]
  const first = d.dr_pindex[row]
  const count = d.dr_count[row]
  const ahead = d.dr_ahead[row]
  const bogus = d.dr_bogus[row]
  const argument = d.dr_arg[row]
  const error = d.dr_error[row]
  d.free(row)
  d.state.queued--
  k.object.paging_in_progress[object]--
  if (error !== 0) {
    d.state.errors++
    k.printf(`vnode_pager_generic_getpages_done: I/O read error ${error}`)
  }
  for (let i = 0; i < count + ahead; i++) {
    if (i < count && ((bogus >>> i) & 1) !== 0) continue
    const m = vm_page_lookup(k, object, first + i)
    if (error === 0) k.page.valid[m] = VM_PAGE_BITS_ALL
    if (k.page.wire_count[m] === 0) vm_page_deactivate(k, m)
    unbusyPage(k, m)
    // Read ahead in vain (vm_page_readahead_finish), or cut off meanwhile.
    if (error !== 0 && i >= count) vm_page_try_to_free(k, m)
    if (first + i >= k.object.size[object]) cutOff(k, m)
  }
  if (argument < 0) readDone(k, -argument, error)
  else done(k, argument, error)
}

/**
 * The file was truncated (or grew) to `bytes`. Pages behind the end leave the object: those that packets hold are freed with the last reference, those
 * that are being read when their read is done. Source: sys/vm/vnode_pager.c vnode_pager_setsize, vm_object_page_remove (derived: the kernel waits for
 * busy pages). The rest of the last page is not zeroed: nobody reads behind the end.
 */
export function vnode_pager_setsize(k: Kernel, object: number, bytes: number): void {
  const before = k.object.size[object]
  k.object.bytes[object] = bytes
  const after = Math.ceil(bytes / PAGE_SIZE)
  for (let i = after; i < before; i++) {
    const m = vm_page_lookup(k, object, i)
    if (m !== 0 && !vm_page_busied(k, m)) cutOff(k, m)
  }
  k.object.size[object] = after
}

/** A page leaves its object for good. */
function cutOff(k: Kernel, m: number): void {
  if (k.page.object[m] === 0) return
  if (k.page.wire_count[m] === 0) vm_page_try_to_free(k, m)
  else vm_page_remove(k, m)
}

/** Ends the exclusive busy state of a page and wakes who waits for it. */
export function unbusyPage(k: Kernel, m: number): void {
  if (vm_page_xunbusy(k, m)) wakeup(k, WCHAN_PAGE, m)
}

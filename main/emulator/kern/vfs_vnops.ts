/**
 * Files as vnodes: read(2) through the page cache, and truncation. Source: sys/kern/vfs_vnops.c vn_read, vn_io_fault, vn_truncate, sys/vm/vnode_pager.c
 * (derived: through pages instead of buffers).
 */
import type { Kernel } from '../kernel'
import { CAUSE, functionId } from '../machine/cost'
import { EAGAIN } from '../sys/errno'
import { PAGE_SIZE } from '../sys/param'
import { vm_page_alloc, vm_page_lookup } from '../vm/vm_object'
import { VM_ALLOC_NORMAL, vm_page_busied, vm_page_busy_wait, vm_page_reference, vm_page_tryxbusy } from '../vm/vm_page'
import { vm_wait } from '../vm/vm_pageout'
import { setReadDone, vm_pager_get_pages_async, vm_pager_run, vnode_pager_setsize } from '../vm/vnode_pager'
import { sendfile_holds_vnode } from './kern_sendfile'
import { RESUME_READ, setResume, sleepq_add, WCHAN_PAGE, WCHAN_VMWAIT } from './subr_sleepqueue'
import { copyoutFrom } from './subr_uio'
import { SLEPT } from './uipc_sosend'

const FN_read = functionId('vn_read')

/** Calls of read(2) that sleep for a page. */
export function createReads(k: Kernel) {
  return k.registry.table(
    k.part('read'),
    {
      rd_object: 'i32',
      rd_off: 'f64',
      rd_len: 'i32',
      rd_ub: 'i32',
      rd_uoff: 'i32',
      /** What the disk said to the request that this call made. */
      rd_error: 'i32',
      rd_cpu: 'i32',
      rd_program: 'i32',
      rd_udata: 'i32',
    },
    8,
    { quiet: true },
  )
}

type Return = (k: Kernel, udata: number, error: number) => void
const returns: (Return | undefined)[] = new Array<Return | undefined>(16).fill(undefined)
/** Names the routine of a program that a sleeping read returns to. At module load only. */
export function setReadReturn(program: number, routine: Return): void {
  returns[program] = routine
}

/**
 * read(2) of `len` bytes at `off` of a file (they are there) into user buffer `ub` at `uoff`. Pages that are not in memory are waited for: then the answer is
 * {@link SLEPT}, and the program's return routine gets (udata, error).
 * @returns 0, SLEPT; later also EIO, when the disk failed the request that this call made (an error of somebody else's request only means: ask anew).
 */
export function vn_read(
  k: Kernel,
  object: number,
  off: number,
  len: number,
  ub: number,
  uoff: number,
  program: number,
  udata: number,
): number {
  if (copyIfThere(k, object, off, len, ub, uoff)) return 0
  const r = k.reads
  const row = r.alloc()
  r.rd_object[row] = object
  r.rd_off[row] = off
  r.rd_len[row] = len
  r.rd_ub[row] = ub
  r.rd_uoff[row] = uoff
  r.rd_error[row] = 0
  r.rd_cpu[row] = k.cpu.current < 0 ? 0 : k.cpu.current
  r.rd_program[row] = program
  r.rd_udata[row] = udata
  waitForPage(k, row)
  return SLEPT
}

/** The page of the range that is missing first, from its index on; −1: none. */
function missing(k: Kernel, object: number, off: number, len: number): number {
  const last = Math.floor((off + len - 1) / PAGE_SIZE)
  for (let i = Math.floor(off / PAGE_SIZE); i <= last; i++) {
    const m = vm_page_lookup(k, object, i)
    if (m === 0 || k.page.valid[m] !== 0xff) return i
  }
  return -1
}

function copyIfThere(k: Kernel, object: number, off: number, len: number, ub: number, uoff: number): boolean {
  if (k.cost.on) k.cost.enter(FN_read)
  const there = missing(k, object, off, len) < 0
  if (there) {
    for (let done = 0; done < len;) {
      const m = vm_page_lookup(k, object, Math.floor((off + done) / PAGE_SIZE))
      const pgoff = (off + done) % PAGE_SIZE
      const n = Math.min(PAGE_SIZE - pgoff, len - done)
      copyoutFrom(k, k.page.frame[m] * PAGE_SIZE + pgoff, ub, uoff + done, n)
      vm_page_reference(k, m)
      done += n
    }
    if (k.cost.on) k.cost.charge(CAUSE.copy, len * k.cost.p.copyByte)
  }
  if (k.cost.on) k.cost.leave()
  return there
}

/** Starts reading what is missing first, unless somebody reads it already, and sleeps until that page is no longer busy. */
function waitForPage(k: Kernel, row: number): void {
  const r = k.reads
  const object = r.rd_object[row]
  const off = r.rd_off[row]
  const len = r.rd_len[row]
  const cpu = r.rd_cpu[row]
  const i = missing(k, object, off, len)
  let m = vm_page_lookup(k, object, i)
  if (m === 0 || !vm_page_busied(k, m)) {
    const most = Math.min(vm_pager_run(k, object, i), Math.floor((off + len - 1) / PAGE_SIZE) - i + 1)
    let count = 0
    // A page that is there without its contents (its read failed) is read again, like one that is not there.
    for (; count < most; count++) {
      const page = vm_page_lookup(k, object, i + count)
      if (page === 0) {
        if (vm_page_alloc(k, object, i + count, VM_ALLOC_NORMAL) === 0) break
      } else if (k.page.valid[page] === 0xff || !vm_page_tryxbusy(k, page)) break
    }
    if (count === 0) {
      vm_wait(k)
      sleepq_add(k, WCHAN_VMWAIT, 1, RESUME_READ, row, cpu)
      return
    }
    vm_pager_get_pages_async(k, object, i, count, 0, 0, -row, cpu)
    m = vm_page_lookup(k, object, i)
  }
  vm_page_busy_wait(k, m)
  sleepq_add(k, WCHAN_PAGE, m, RESUME_READ, row, cpu)
}

setReadDone((k, row, error) => {
  if (error !== 0) k.reads.rd_error[row] = error
})

setResume(RESUME_READ, (k, row) => {
  const r = k.reads
  const error = r.rd_error[row]
  if (error === 0 && !copyIfThere(k, r.rd_object[row], r.rd_off[row], r.rd_len[row], r.rd_ub[row], r.rd_uoff[row])) {
    waitForPage(k, row)
    return
  }
  const program = r.rd_program[row]
  const udata = r.rd_udata[row]
  r.rd_object[row] = 0
  r.free(row)
  returns[program]!(k, udata, error)
})

/**
 * Cuts a file to `bytes`. Data that is queued in sockets keeps its pages. @returns 0, or EAGAIN while a sendfile(2) or read(2) that sleeps holds the vnode
 * locked (the kernel would wait for it; the caller tries again).
 */
export function vn_truncate(k: Kernel, object: number, bytes: number): number {
  if (sendfile_holds_vnode(k, object) || readHoldsVnode(k, object)) return EAGAIN
  vnode_pager_setsize(k, object, bytes)
  return 0
}

function readHoldsVnode(k: Kernel, object: number): boolean {
  const r = k.reads
  for (let row = 1; row < r.high; row++) if (r.rd_object[row] === object) return true
  return false
}

/**
 * Descriptors, and sendfile(2) as a program calls it: by descriptors and user pointers, with the checks that come before vn_sendfile. The web server of the
 * lab goes to kern_sendfile.ts directly. Source: sys/kern/kern_descrip.c, sys/kern/kern_sendfile.c do_sendfile, sendfile_getobj, sendfile_getsock,
 * sys/kern/uipc_syscalls.c getsock_cap, sys/kern/uipc_shm.c (derived: no rights, no processes; one iovec for headers and one for trailers).
 */
import type { Kernel } from '../kernel'
import { EBADF, EFAULT, EINVAL, ENOTSOCK } from '../sys/errno'
import { PAGE_SIZE } from '../sys/param'
import { SOCK_STREAM } from '../sys/socket'
import { KASSERT } from '../sys/systm'
import { OBJT_SWAP, vm_object_allocate, vm_page_grab } from '../vm/vm_object'
import { VM_ALLOC_NORMAL, vm_page_deactivate } from '../vm/vm_page'
import { unbusyPage } from '../vm/vnode_pager'
import { PROGRAM_SYSCALL, sendfile, sendfile_sbytes, setSendfileReturn, SLEPT } from './kern_sendfile'
import { UBUF_BYTES } from './subr_uio'

/** What a descriptor is of (sys/sys/file.h). */
export const DTYPE_VNODE = 1
export const DTYPE_SOCKET = 2
export const DTYPE_PIPE = 3
export const DTYPE_SHM = 8
/** Types of vnodes (sys/sys/vnode.h): regular file, directory. */
export const VREG = 1
export const VDIR = 2
export const SOCK_DGRAM = 2

/** Descriptors 0 … 2 are what a program starts with. */
const FIRST_FD = 3

/** A user pointer that is not mapped. */
export const BAD_ADDRESS = -1
/** A user pointer: buffer and offset; `ub` {@link BAD_ADDRESS}: nowhere. */
export interface UserPointer {
  ub: number
  uoff: number
}
export interface UserRange extends UserPointer {
  len: number
}
/** struct sf_hdtr; an array of iovecs can itself lie nowhere. */
export interface SfHdtr {
  headers: UserRange | typeof BAD_ADDRESS | null
  trailers: UserRange | typeof BAD_ADDRESS | null
}

export function createDescriptors(k: Kernel) {
  const fd = k.registry.table(
    k.part('fd'),
    {
      fd_type: 'u8',
      /** VM object of a file or of shared memory; socket row. */
      fd_data: 'i32',
      /** v_type of a vnode, so_type of a socket. */
      fd_kind: 'u8',
    },
    8,
    { quiet: true },
  )
  /** System calls under way that sleep: who gets the answer, and where *sbytes goes. */
  const call = k.registry.table(k.part('fd.call'), { program: 'i32', udata: 'i32', ub: 'i32', uoff: 'i32' }, 8, {
    quiet: true,
  })
  return Object.assign(fd, { call })
}

/** A new descriptor. */
export function fdalloc(k: Kernel, type: number, data: number, kind: number): number {
  const row = k.fd.alloc()
  k.fd.fd_type[row] = type
  k.fd.fd_data[row] = data
  k.fd.fd_kind[row] = kind
  return row - 1 + FIRST_FD
}

/** close(2), without closing what it is of. @returns 0 or EBADF. */
export function fdclose(k: Kernel, fd: number): number {
  const row = fget(k, fd)
  if (row === 0) return EBADF
  k.fd.fd_type[row] = 0
  k.fd.free(row)
  return 0
}

/** Row of an open descriptor, or 0. */
function fget(k: Kernel, fd: number): number {
  const row = fd - FIRST_FD + 1
  return row > 0 && row < k.fd.high && k.fd.fd_type[row] !== 0 ? row : 0
}

function readable(k: Kernel, { ub, uoff }: UserPointer, len: number): boolean {
  return ub > 0 && ub < k.ubuf.high && uoff >= 0 && uoff + len <= UBUF_BYTES
}

type Return = (k: Kernel, udata: number, error: number, sbytes: number) => void
const returns: (Return | undefined)[] = new Array<Return | undefined>(16).fill(undefined)
/** Names the routine of a program that {@link sys_sendfile} returns to when it slept. At module load only. */
export function setSyscallReturn(program: number, routine: Return): void {
  returns[program] = routine
}

/**
 * sendfile(2). Checks in the kernel's order: EINVAL (offset below 0), EFAULT (hdtr, its iovecs), EBADF (fd), EINVAL (fd is neither a regular file nor shared
 * memory), EBADF (its object is gone), EBADF and ENOTSOCK (s), EINVAL (s is no stream socket); then those of {@link sendfile}. *sbytes is written in every
 * case but the first checks', and an address of it that is not mapped is not noticed (bug 232210).
 * @returns 0 or errno, or SLEPT: then the program's routine gets (udata, error, sbytes).
 */
export function sys_sendfile(
  k: Kernel,
  fd: number,
  s: number,
  offset: number,
  nbytes: number,
  hdtr: SfHdtr | typeof BAD_ADDRESS | null,
  sbytes: UserPointer | null,
  flags: number,
  program: number,
  udata: number,
): number {
  if (offset < 0) return EINVAL
  if (hdtr === BAD_ADDRESS) return EFAULT
  for (const range of [hdtr?.headers, hdtr?.trailers])
    if (range === BAD_ADDRESS || (range != null && !readable(k, range, range.len))) return EFAULT
  const file = fget(k, fd)
  if (file === 0) return EBADF
  const error = checked(k, file, s)
  const headers = hdtr?.headers as UserRange | null | undefined
  const trailers = hdtr?.trailers as UserRange | null | undefined
  const c = k.fd.call.alloc()
  k.fd.call.program[c] = program
  k.fd.call.udata[c] = udata
  k.fd.call.ub[c] = sbytes === null ? 0 : sbytes.ub
  k.fd.call.uoff[c] = sbytes === null ? 0 : sbytes.uoff
  if (error !== 0) {
    finish(k, c, 0)
    return error
  }
  const answer = sendfile(
    k,
    k.fd.fd_data[fget(k, s)],
    {
      object: k.fd.fd_data[file],
      offset,
      nbytes,
      hdrUb: headers?.ub ?? 0,
      hdrOff: headers?.uoff ?? 0,
      hdrLen: headers?.len ?? 0,
      trlUb: trailers?.ub ?? 0,
      trlOff: trailers?.uoff ?? 0,
      trlLen: trailers?.len ?? 0,
      flags,
    },
    PROGRAM_SYSCALL,
    c,
  )
  if (answer !== SLEPT) finish(k, c, sendfile_sbytes)
  return answer
}

/** sendfile_getobj, sendfile_getsock, as far as descriptors decide. */
function checked(k: Kernel, file: number, s: number): number {
  const { fd_type, fd_kind } = k.fd
  const regular = fd_type[file] === DTYPE_VNODE && fd_kind[file] === VREG
  if (!regular && fd_type[file] !== DTYPE_SHM) return EINVAL
  const so = fget(k, s)
  if (so === 0) return EBADF
  if (fd_type[so] !== DTYPE_SOCKET) return ENOTSOCK
  return fd_kind[so] === SOCK_STREAM ? 0 : EINVAL
}

/** Copies *sbytes out and forgets the call. */
function finish(k: Kernel, c: number, sbytes: number): void {
  const { ub, uoff } = k.fd.call
  const to = { ub: ub[c], uoff: uoff[c] }
  if (readable(k, to, 8)) {
    const bytes = new Uint8Array(new BigInt64Array([BigInt(sbytes)]).buffer)
    k.phys.copyIn(bytes, 0, 8, k.ubuf.ub_addr[to.ub] + to.uoff)
  }
  k.fd.call.free(c)
}

setSendfileReturn(PROGRAM_SYSCALL, (k, c, error, sbytes) => {
  const program = k.fd.call.program[c]
  const udata = k.fd.call.udata[c]
  finish(k, c, sbytes)
  returns[program]!(k, udata, error, sbytes)
})

// ------------------------------------------------------------------------------------------------------------------------------ shared memory

/** shm_open(2) and ftruncate(2): fresh shared memory of `bytes` bytes; its VM object. Pages nobody wrote to do not exist and read as zeros. */
export function shm_alloc(k: Kernel, bytes: number): number {
  const object = vm_object_allocate(k, OBJT_SWAP, Math.ceil(bytes / PAGE_SIZE))
  k.object.bytes[object] = bytes
  return object
}

/** write(2) to shared memory. Written pages stay in memory: the model has no swap. uipc_shm.c uiomove_object_page (derived). */
export function shm_write(k: Kernel, object: number, off: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) {
    const at = off + done
    const pgoff = at % PAGE_SIZE
    const n = Math.min(PAGE_SIZE - pgoff, bytes.length - done)
    const m = vm_page_grab(k, object, Math.floor(at / PAGE_SIZE), VM_ALLOC_NORMAL)
    KASSERT(m !== 0, 'shm_write: the page is there or can be had')
    const address = k.page.frame[m] * PAGE_SIZE
    if (k.page.valid[m] === 0) k.phys.fill(address, PAGE_SIZE, 0)
    k.phys.copyIn(bytes, done, n, address + pgoff)
    k.page.valid[m] = 0xff
    k.page.dirty[m] = 0xff
    vm_page_deactivate(k, m)
    unbusyPage(k, m)
    done += n
  }
}

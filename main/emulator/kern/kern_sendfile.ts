/**
 * sendfile(2). Source: sys/kern/kern_sendfile.c of mid 2019 (read; reference kernel-mbuf-sendfile 6). Section numbers below are the reference's.
 *
 * A call is a row of `k.sendfile.call`, because it may have to sleep (room in the socket buffer, a busy page, SF_SYNC, the I/O lock): `run` works on the
 * row until the call is done or sleeps, and goes on from `sc_phase` when the thread is woken. What it has built when it must sleep for an mbuf is a row of
 * `k.sendfile.pause`. kern.ipc.mb_use_ext_pgs is latched when a call begins (2.3 explains why that is wanted).
 *
 * One file, as in the kernel; the inner loop that builds mbufs is in kern_sendfile_mbufs.ts, descriptors
 * and user pointers in kern_descrip.ts. Not modelled: sockets other than TCP.
 */
import type { Kernel } from '../kernel'
import { CAUSE, functionId } from '../machine/cost'
import { tcp_usr_abort, tcp_usr_ready, tcp_usr_send } from '../netinet/tcp_usrreq'
import { EAGAIN, EBADF, EINTR, EINVAL, EIO, ENOBUFS, ENOTCONN, EPIPE } from '../sys/errno'
import { EXT_FLAG_SYNC, FREE_SENDFILE_MEXT, FREE_SENDFILE_MEXT_PG } from '../sys/mbuf'
import { M_WAITOK, M_WOKEN, PAGE_SIZE } from '../sys/param'
import { PRUS_NOTREADY, SB_NOINTR, SB_WAIT, SBS_CANTSENDMORE } from '../sys/sockbuf'
import { SF_NODISKIO, SF_SYNC, SF_USER_READAHEAD, SO_ACCEPTCONN, SS_ISCONNECTED, SS_NBIO } from '../sys/socket'
import { KASSERT } from '../sys/systm'
import { grabBlockedOn, OBJ_DEAD, OBJT_VNODE, vm_page_grab, vm_page_lookup } from '../vm/vm_object'
import {
  PQ_INACTIVE,
  VM_ALLOC_NORMAL,
  VM_ALLOC_NOWAIT,
  VM_ALLOC_WIRED,
  vm_page_busy_wait,
  vm_page_is_valid,
  vm_page_unwire,
} from '../vm/vm_page'
import { vm_wait } from '../vm/vm_pageout'
import {
  PAGER_MAX_PAGES,
  pagerAhead,
  setPagerDone,
  unbusyPage,
  vm_pager_get_pages_async,
  vm_pager_run,
} from '../vm/vnode_pager'
import { getm2Partial, m_freem, mb_free_notready, setExtFree } from './kern_mbuf'
import {
  buildMbufs,
  builtFirst,
  builtLast,
  builtMustSleep,
  builtMustWait,
  builtPages,
  builtSf,
  builtSoftError,
  freeUntil,
  sendfile_free_pgs,
  sendfile_free_sf,
  xfsize,
} from './kern_sendfile_mbufs'
import { setSfBufWakeup } from './subr_sfbuf'
import {
  RESUME_SENDFILE,
  setResume,
  sleepq_abort,
  sleepq_add,
  sleepq_find,
  wakeup,
  WCHAN_PAGE,
  WCHAN_SB,
  WCHAN_SBLOCK,
  WCHAN_SFBUF,
  WCHAN_SFSYNC,
  WCHAN_VMWAIT,
} from './subr_sleepqueue'
import { memoryAwake, memorySleep } from './uma_sleep'
import { m_uiotombuf, setSosendReturn, SLEPT, sosend, soTransferred } from './uipc_sosend'
import { sbspace } from './uipc_sockbuf'
import { soref, sorele } from './uipc_socket'

const FN_vn_sendfile = functionId('vn_sendfile')
const FN_sendfile_swapin = functionId('sendfile_swapin')
const FN_sendfile_iodone = functionId('sendfile_iodone')

export { SLEPT } from './uipc_sosend'

// sc_phase: where a call goes on.
const PHASE_LOCK = 0
const PHASE_LOOP = 1
const PHASE_SPACE = 2
const PHASE_GRAB = 3
const PHASE_BUILD = 4
const PHASE_TRAILER = 5
const PHASE_SYNC = 6
/** Mbufs for the header were slept for. */
const PHASE_HEADER = 7
/** The trailer's write sleeps for mbufs: it comes back by itself. */
const PHASE_WRITE = 8

/** Name under which sendfile itself writes trailers: it is told when a write that slept is done. */
const PROGRAM_SENDFILE = 15
/** The system call by descriptors (kern_descrip.ts), which hands answers on. */
export const PROGRAM_SYSCALL = 14

/** Counters of kern.ipc.sfstat, in the order of the structure (6.6). */
export const sfstatOrder = [
  'sf_syscalls',
  'sf_noiocnt',
  'sf_iocnt',
  'sf_pages_read',
  'sf_pages_valid',
  'sf_rhpages_requested',
  'sf_rhpages_read',
  'sf_busy',
  'sf_allocfail',
  'sf_allocwait',
  'sf_pages_bogus',
] as const

export function createSendfile(k: Kernel) {
  setExtFree(FREE_SENDFILE_MEXT, sendfile_free_mext)
  setExtFree(FREE_SENDFILE_MEXT_PG, sendfile_free_mext_pg)
  const stat = k.registry.record(k.part('sfstat'), {
    sf_syscalls: 0,
    sf_noiocnt: 0,
    sf_iocnt: 0,
    sf_pages_read: 0,
    sf_pages_valid: 0,
    sf_rhpages_requested: 0,
    sf_rhpages_read: 0,
    sf_busy: 0,
    sf_allocfail: 0,
    sf_allocwait: 0,
    sf_pages_bogus: 0,
  })
  const call = k.registry.table(k.part('sendfile'), {
    sc_so: 'i32',
    sc_obj: 'i32',
    sc_offset: 'f64',
    sc_nbytes: 'f64',
    sc_off: 'f64',
    sc_rem: 'f64',
    sc_objsize: 'f64',
    sc_sbytes: 'f64',
    sc_flags: 'i32',
    sc_useext: 'u8',
    sc_phase: 'u8',
    sc_hdrub: 'i32',
    sc_hdroff: 'i32',
    sc_hdrlen: 'i32',
    sc_trlub: 'i32',
    sc_trloff: 'i32',
    sc_trllen: 'i32',
    /** Trailer bytes written so far. */
    sc_trldone: 'i32',
    /** Header chain of the running iteration and its length. */
    sc_mh: 'i32',
    sc_mhlen: 'i32',
    /** Room and pages of the running iteration, page grabbed next, readahead. */
    sc_space: 'f64',
    sc_npages: 'i32',
    sc_grab: 'i32',
    sc_rhpages: 'i32',
    /** I/O record of the running iteration, or 0. */
    sc_sfio: 'i32',
    /** Sync record of SF_SYNC. */
    sc_sfs: 'i32',
    sc_error: 'i32',
    sc_locked: 'u8',
    sc_slept: 'u8',
    sc_cpu: 'i32',
    sc_program: 'i32',
    sc_udata: 'i32',
  })
  /** struct sf_io: one iteration whose pages are being read. */
  const sfio = k.registry.table(k.part('sf_io'), {
    sf_nios: 'i32',
    sf_error: 'i32',
    sf_npages: 'i32',
    sf_so: 'i32',
    sf_m: 'i32',
  })
  /** struct sendfile_sync. */
  const sync = k.registry.table(k.part('sf_sync'), { count: 'i32', waiting: 'u8' })
  /** Calls that sleep for an mbuf, and what they hold: the mbufs made so far, pages in them, sf_buf of the next page; what they sleep for (uma_sleep.ts). */
  const pause = k.registry.table(
    k.part('sendfile.pause'),
    { pc_call: 'i32', pc_what: 'i32', pc_top: 'i32', pc_last: 'i32', pc_done: 'i32', pc_sf: 'i32' },
    8,
    { quiet: true },
  )
  /** Handle of kern.ipc.mb_use_ext_pgs; 0 in a kernel without it. */
  const mb_use_ext_pgs = k.sysctl.find('kern.ipc.mb_use_ext_pgs')?.id ?? 0
  return { stat, call, sfio, sync, pause, mb_use_ext_pgs }
}

type Return = (k: Kernel, udata: number, error: number, sbytes: number) => void
const returns: (Return | undefined)[] = new Array<Return | undefined>(16).fill(undefined)
/** Names the routine of a program that a sleeping call returns to. At module load only. */
export function setSendfileReturn(program: number, routine: Return): void {
  returns[program] = routine
}

/** Bytes sent by the call that returned last, headers and trailers included (*sbytes). */
export let sendfile_sbytes = 0

/** What a call is given: user ranges for headers and trailers (length 0: none). */
export interface SendfileArguments {
  /** VM object of the file. */
  object: number
  offset: number
  /** 0: to the end of the file. */
  nbytes: number
  hdrUb: number
  hdrOff: number
  hdrLen: number
  trlUb: number
  trlOff: number
  trlLen: number
  /** SF_* and, in the upper 16 bits, readahead pages. */
  flags: number
}

/**
 * sendfile(2) on a socket. A blocking socket may put the caller to sleep: the answer is {@link SLEPT}, and `program`'s return routine gets
 * (udata, error, sbytes) later. Otherwise the answer is 0 or errno, and {@link sendfile_sbytes} says how much was sent.
 * EINVAL: negative offset or no file; EBADF: its object is gone; ENOTCONN; EPIPE; EAGAIN; EBUSY (SF_NODISKIO); ENOBUFS; the socket's pending error.
 */
export function sendfile(k: Kernel, so: number, a: SendfileArguments, program: number, udata: number): number {
  sendfile_sbytes = 0
  if (a.offset < 0 || a.object <= 0) return EINVAL
  const s = k.so
  // sendfile_getsock, sendfile_getobj (6.1).
  if ((k.object.flags[a.object] & OBJ_DEAD) !== 0) return EBADF
  if ((s.so_options[so] & SO_ACCEPTCONN) !== 0) return ENOTCONN
  const t = k.sendfile.call
  const c = t.alloc()
  t.sc_so[c] = so
  t.sc_obj[c] = a.object
  t.sc_offset[c] = a.offset
  t.sc_nbytes[c] = a.nbytes
  t.sc_off[c] = a.offset
  const objsize = k.object.bytes[a.object]
  t.sc_objsize[c] = objsize
  t.sc_rem[c] = (a.nbytes !== 0 ? Math.min(a.nbytes + a.offset, objsize) : objsize) - a.offset
  t.sc_sbytes[c] = 0
  t.sc_flags[c] = a.flags
  t.sc_useext[c] = k.sysctl.number(k.sendfile.mb_use_ext_pgs) !== 0 ? 1 : 0
  t.sc_phase[c] = PHASE_LOCK
  t.sc_hdrub[c] = a.hdrUb
  t.sc_hdroff[c] = a.hdrOff
  t.sc_hdrlen[c] = a.hdrLen
  t.sc_trlub[c] = a.trlUb
  t.sc_trloff[c] = a.trlOff
  t.sc_trllen[c] = a.trlLen
  t.sc_trldone[c] = 0
  t.sc_mh[c] = 0
  t.sc_mhlen[c] = 0
  t.sc_space[c] = 0
  t.sc_npages[c] = 0
  t.sc_grab[c] = 0
  t.sc_rhpages[c] = 0
  t.sc_sfio[c] = 0
  t.sc_sfs[c] = 0
  t.sc_error[c] = 0
  t.sc_locked[c] = 0
  t.sc_slept[c] = 0
  t.sc_cpu[c] = k.cpu.current < 0 ? 0 : k.cpu.current
  t.sc_program[c] = program
  t.sc_udata[c] = udata
  const stat = k.sendfile.stat
  stat.sf_syscalls++
  stat.sf_rhpages_requested += a.flags >>> 16
  if ((a.flags & SF_SYNC) !== 0) {
    const sync = k.sendfile.sync
    const row = sync.alloc()
    sync.count[row] = 0
    sync.waiting[row] = 0
    t.sc_sfs[c] = row
  }
  soref(k, so)
  return work(k, c)
}
setResume(RESUME_SENDFILE, (k, c) => {
  work(k, c)
})

/** Runs a call until it is done or sleeps. */
function work(k: Kernel, c: number): number {
  if (k.cost.on) k.cost.enter(FN_vn_sendfile)
  const answer = run(k, c)
  if (k.cost.on) k.cost.leave()
  const t = k.sendfile.call
  if (answer === SLEPT) {
    t.sc_slept[c] = 1
    return SLEPT
  }
  const slept = t.sc_slept[c] !== 0
  const program = t.sc_program[c]
  const udata = t.sc_udata[c]
  const sbytes = t.sc_sbytes[c]
  const so = t.sc_so[c]
  t.free(c)
  sorele(k, so)
  sendfile_sbytes = sbytes
  if (slept) returns[program]!(k, udata, answer, sbytes)
  return answer
}

/** Puts the calling thread to sleep; it goes on at `phase`. */
function sleep(k: Kernel, c: number, phase: number, kind: number, id: number): number {
  const t = k.sendfile.call
  t.sc_phase[c] = phase
  sleepq_add(k, kind, id, RESUME_SENDFILE, c, t.sc_cpu[c])
  return SLEPT
}

function run(k: Kernel, c: number): number {
  const t = k.sendfile.call
  const so = t.sc_so[c]
  const s = k.so
  const snd = s.so_snd[so]
  for (;;) {
    switch (t.sc_phase[c]) {
      case PHASE_LOCK:
        // Only one thread sends at a time (sblock, not interruptible).
        if (t.sc_rem[c] <= 0) {
          // Offset at or behind the end: the loop does not run, so headers are not sent, trailers are (6.1).
          t.sc_phase[c] = PHASE_TRAILER
          continue
        }
        if (s.so_sndlock[so] !== 0) return sleep(k, c, PHASE_LOCK, WCHAN_SBLOCK, snd)
        s.so_sndlock[so] = 1
        t.sc_locked[c] = 1
        t.sc_phase[c] = PHASE_LOOP
        continue
      case PHASE_LOOP:
        if (t.sc_rem[c] <= 0) {
          t.sc_phase[c] = PHASE_TRAILER
          continue
        }
        // 6.2 step 3: wake up only for half a buffer.
        if (k.sb.sb_lowat[snd] < k.sb.sb_hiwat[snd] >>> 1) k.sb.sb_lowat[snd] = k.sb.sb_hiwat[snd] >>> 1
        t.sc_phase[c] = PHASE_SPACE
        continue
      case PHASE_SPACE: {
        let error = 0
        if ((k.sb.sb_state[snd] & SBS_CANTSENDMORE) !== 0) error = EPIPE
        else if (s.so_error[so] !== 0) {
          error = s.so_error[so]
          s.so_error[so] = 0
        } else if ((s.so_state[so] & SS_ISCONNECTED) === 0) error = ENOTCONN
        if (error !== 0) {
          finish(k, c, error)
          continue
        }
        const space = sbspace(k, snd)
        if (space < t.sc_rem[c] && (space <= 0 || space < k.sb.sb_lowat[snd])) {
          if ((s.so_state[so] & SS_NBIO) !== 0) {
            finish(k, c, EAGAIN)
            continue
          }
          k.sb.sb_flags[snd] |= SB_WAIT
          return sleep(k, c, PHASE_SPACE, WCHAN_SB, snd)
        }
        const planned = plan(k, c, space)
        if (planned === SLEPT) return SLEPT
        if (planned === READY) t.sc_phase[c] = PHASE_GRAB
        continue
      }
      case PHASE_HEADER: {
        const planned = headerAgain(k, c)
        if (planned === SLEPT) return SLEPT
        if (planned === READY) t.sc_phase[c] = PHASE_GRAB
        continue
      }
      case PHASE_GRAB: {
        const blocked = grab(k, c)
        if (blocked === NO_PAGE) {
          vm_wait(k)
          return sleep(k, c, PHASE_GRAB, WCHAN_VMWAIT, 1)
        }
        if (blocked !== 0) {
          vm_page_busy_wait(k, blocked)
          return sleep(k, c, PHASE_GRAB, WCHAN_PAGE, blocked)
        }
        if (k.cost.on) k.cost.charge(CAUSE.vm, k.cost.p.sendfileCall)
        t.sc_sfio[c] = swapin(k, c, t.sc_off[c], t.sc_grab[c], t.sc_space[c])
        t.sc_phase[c] = PHASE_BUILD
        continue
      }
      case PHASE_BUILD:
        if (!iteration(k, c)) return builtMustSleep ? SLEPT : sleep(k, c, PHASE_BUILD, WCHAN_SFBUF, 1)
        continue
      case PHASE_TRAILER: {
        unlock(k, c)
        const answer = trailers(k, c)
        if (answer === SLEPT) return SLEPT
        t.sc_error[c] = answer
        t.sc_phase[c] = PHASE_SYNC
        continue
      }
      default: {
        // 6.2 step 15: SF_SYNC waits until the stack has let go of every page, also after an error.
        unlock(k, c)
        if (t.sc_mh[c] !== 0) {
          m_freem(k, t.sc_mh[c])
          t.sc_mh[c] = 0
        }
        const sfs = t.sc_sfs[c]
        if (sfs !== 0) {
          if (k.sendfile.sync.count[sfs] !== 0) {
            k.sendfile.sync.waiting[sfs] = 1
            return sleep(k, c, PHASE_SYNC, WCHAN_SFSYNC, sfs)
          }
          k.sendfile.sync.free(sfs)
          t.sc_sfs[c] = 0
        }
        return t.sc_error[c]
      }
    }
  }
}

/** The call ends with `error`; trailers are not sent. */
function finish(k: Kernel, c: number, error: number): void {
  k.sendfile.call.sc_error[c] = error
  k.sendfile.call.sc_phase[c] = PHASE_SYNC
}

function unlock(k: Kernel, c: number): void {
  const t = k.sendfile.call
  if (t.sc_locked[c] === 0) return
  t.sc_locked[c] = 0
  const so = t.sc_so[c]
  k.so.so_sndlock[so] = 0
  wakeup(k, WCHAN_SBLOCK, k.so.so_snd[so])
}

/** The call that a program sleeps in, by what it gave as `udata`, or 0. */
export function sendfile_sleeping(k: Kernel, program: number, udata: number): number {
  const t = k.sendfile.call
  for (let c = 1; c < t.high; c++)
    if (t.sc_slept[c] !== 0 && t.sc_program[c] === program && t.sc_udata[c] === udata && t.sc_so[c] !== 0)
      if (sleepq_find(k, RESUME_SENDFILE, c) !== 0) return c
  return 0
}

/**
 * A signal reaches the thread that sleeps in call `c`. Waiting for room ends with EINTR and the bytes sent so far. Waiting for the first sf_buf ends as
 * a shortage: the pages go back, ENOBUFS (or the header alone goes out). Waiting for a page, for the I/O lock or for SF_SYNC is not interruptible.
 * @returns true if the sleep was interrupted. Source: kern_sendfile.c vn_sendfile (sbwait, sf_buf_alloc with SFB_CATCH); reference 6.1, 6.4, 7.1.
 */
export function sendfile_signal(k: Kernel, c: number): boolean {
  const t = k.sendfile.call
  const thread = sleepq_find(k, RESUME_SENDFILE, c)
  if (thread === 0) return false
  const channel = k.td.td_wchan[thread]
  if (channel === WCHAN_SB) {
    if ((k.sb.sb_flags[k.so.so_snd[t.sc_so[c]]] & SB_NOINTR) !== 0) return false
    // A trailer of which something was sent is a success of that many bytes.
    finish(k, c, t.sc_phase[c] === PHASE_TRAILER && t.sc_trldone[c] > 0 ? 0 : EINTR)
  } else if (channel === WCHAN_SFBUF) {
    k.sendfile.stat.sf_allocfail++
    findPages(k, c)
    for (let i = 0; i < t.sc_npages[c]; i++) if (pa[i] !== 0) vm_page_unwire(k, pa[i], PQ_INACTIVE)
    const sfio = t.sc_sfio[c]
    t.sc_sfio[c] = 0
    t.sc_space[c] = 0
    t.sc_npages[c] = 0
    send(k, c, 0, sfio, 0, ENOBUFS)
  } else return false
  sleepq_abort(k, thread)
  return true
}

/** True while a call that sleeps holds the vnode of a file: nobody can truncate it then. */
export function sendfile_holds_vnode(k: Kernel, object: number): boolean {
  const t = k.sendfile.call
  for (let c = 1; c < t.high; c++) {
    const inside = t.sc_phase[c] === PHASE_GRAB || t.sc_phase[c] === PHASE_BUILD
    if (t.sc_obj[c] === object && inside && sleepq_find(k, RESUME_SENDFILE, c) !== 0) return true
  }
  return false
}

/** Sleeps for the mbuf that could not be had, holding the chain `top` … `last` with `done` pages and an sf_buf. False: there is nothing to sleep for. */
function pauseForMbuf(
  k: Kernel,
  c: number,
  phase: number,
  top: number,
  last: number,
  done: number,
  sf: number,
): boolean {
  const t = k.sendfile.call
  const what = memorySleep(k, RESUME_SENDFILE, c, t.sc_cpu[c])
  if (what === 0) return false
  const p = k.sendfile.pause
  const row = p.alloc()
  p.pc_call[row] = c
  p.pc_what[row] = what
  p.pc_top[row] = top
  p.pc_last[row] = last
  p.pc_done[row] = done
  p.pc_sf[row] = sf
  t.sc_phase[c] = phase
  return true
}

/** The row of a call that slept for an mbuf and runs again, or 0; the caller takes what it holds. */
function pauseOver(k: Kernel, c: number): number {
  const p = k.sendfile.pause
  if (p.live === 0) return 0
  for (let row = 1; row < p.high; row++) {
    if (p.pc_call[row] !== c) continue
    memoryAwake(k, p.pc_what[row])
    p.pc_call[row] = 0
    p.free(row)
    return row
  }
  return 0
}

// What plan answers, beside SLEPT.
const READY = 1
/** No file data now: `run` goes on with the phase that was set. */
const NOT_NOW = 0

/** 6.2 steps 4 to 8: headers, then how much of the file goes into this iteration. */
function plan(k: Kernel, c: number, space: number): number {
  const t = k.sendfile.call
  t.sc_mhlen[c] = 0
  return t.sc_hdrlen[c] > 0 ? header(k, c, space, M_WAITOK, 0) : range(k, c, space)
}

/** The call slept for the mbufs of its header. */
function headerAgain(k: Kernel, c: number): number {
  const row = pauseOver(k, c)
  return header(k, c, k.sendfile.call.sc_space[c], M_WAITOK | M_WOKEN, k.sendfile.pause.pc_top[row])
}

/** Step 4. `partial`: the mbufs of the header that are there already. */
function header(k: Kernel, c: number, space: number, how: number, partial: number): number {
  const t = k.sendfile.call
  const n = Math.min(space, t.sc_hdrlen[c])
  const mh = m_uiotombuf(k, t.sc_hdrub[c], t.sc_hdroff[c], n, 0, how, partial)
  if (mh === 0) {
    t.sc_space[c] = space
    if (pauseForMbuf(k, c, PHASE_HEADER, getm2Partial, 0, 0, 0)) return SLEPT
    finish(k, c, ENOBUFS)
    return NOT_NOW
  }
  t.sc_mh[c] = mh
  t.sc_mhlen[c] = n
  t.sc_hdroff[c] += n
  t.sc_hdrlen[c] -= n
  space -= n
  if (space === 0) {
    // The header fills the buffer: it goes alone.
    t.sc_space[c] = 0
    t.sc_npages[c] = 0
    send(k, c, 0, 0, 0, 0)
    return NOT_NOW
  }
  return range(k, c, space)
}

/** Steps 5 to 8. */
function range(k: Kernel, c: number, space: number): number {
  const t = k.sendfile.call
  const off = t.sc_off[c]
  // A vnode is asked for its size again, shared memory is not.
  const vnode = k.object.type[t.sc_obj[c]] === OBJT_VNODE
  const size = vnode ? k.object.bytes[t.sc_obj[c]] : t.sc_objsize[c]
  if (off >= size) {
    // The file was truncated meanwhile: the call ends here, without trailers.
    finish(k, c, 0)
    return NOT_NOW
  }
  if (size !== t.sc_objsize[c]) {
    t.sc_objsize[c] = size
    t.sc_rem[c] = (t.sc_nbytes[c] !== 0 ? Math.min(t.sc_nbytes[c] + t.sc_offset[c], size) : size) - off
  }
  const rem = t.sc_rem[c]
  const pgoff = off % PAGE_SIZE
  if (space > rem) space = rem
  else if (space > PAGE_SIZE) {
    // End on a page border; the partial first page is kept.
    const head = pgoff === 0 ? 0 : PAGE_SIZE - pgoff
    space = Math.floor((space - head) / PAGE_SIZE) * PAGE_SIZE + head
  }
  const npages = Math.ceil((space + pgoff) / PAGE_SIZE)
  const argument = t.sc_flags[c] >>> 16
  let rhpages =
    (t.sc_flags[c] & SF_USER_READAHEAD) !== 0 ? argument : Math.ceil((rem + pgoff) / PAGE_SIZE) - npages + argument
  rhpages = Math.min(PAGER_MAX_PAGES, rhpages, Math.ceil((size - (off - pgoff)) / PAGE_SIZE) - npages)
  t.sc_space[c] = space
  t.sc_npages[c] = npages
  t.sc_rhpages[c] = rhpages
  t.sc_grab[c] = 0
  return READY
}

/** Pages of the running iteration. Not state: looked up again after a sleep (they are wired and busy, so they are still there). */
let pa = new Int32Array(512)

/** {@link grab}: no page of the host is free. */
const NO_PAGE = -1

/** 6.3 step 1: wires and busies the pages. @returns the busy page to sleep on, {@link NO_PAGE}, or 0. */
function grab(k: Kernel, c: number): number {
  const t = k.sendfile.call
  const object = t.sc_obj[c]
  const first = Math.floor(t.sc_off[c] / PAGE_SIZE)
  const npages = t.sc_npages[c]
  const nowait = (t.sc_flags[c] & SF_NODISKIO) !== 0
  const req = VM_ALLOC_NORMAL | VM_ALLOC_WIRED | (nowait ? VM_ALLOC_NOWAIT : 0)
  findPages(k, c)
  for (let i = t.sc_grab[c]; i < npages; i++) {
    const m = vm_page_grab(k, object, first + i, req)
    if (m === 0) {
      if (!nowait) {
        t.sc_grab[c] = i
        return grabBlockedOn !== 0 ? grabBlockedOn : NO_PAGE
      }
      // SF_NODISKIO: the page is busy, or none is free: the request ends before this page.
      for (let j = i; j < npages; j++) pa[j] = 0
      t.sc_rhpages[c] = 0
      t.sc_grab[c] = i
      return 0
    }
    pa[i] = m
  }
  t.sc_grab[c] = npages
  return 0
}

/** One iteration with its pages on the way: 6.2 steps 10 to 13. False: the thread sleeps for an mbuf, or has to for the first sf_buf. */
function iteration(k: Kernel, c: number): boolean {
  const t = k.sendfile.call
  const off = t.sc_off[c]
  const npages = t.sc_npages[c]
  const sfio = t.sc_sfio[c]
  let row = 0
  if (t.sc_slept[c] !== 0) {
    findPages(k, c)
    row = pauseOver(k, c)
  }
  const p = k.sendfile.pause
  const m = buildMbufs(
    k,
    pa,
    npages,
    off,
    t.sc_space[c],
    t.sc_rem[c],
    t.sc_rhpages[c],
    t.sc_flags[c],
    t.sc_useext[c] !== 0,
    sfio !== 0,
    t.sc_sfs[c],
    row === 0 ? 0 : p.pc_done[row],
    row === 0 ? 0 : p.pc_top[row],
    row === 0 ? 0 : p.pc_last[row],
    row === 0 ? 0 : p.pc_sf[row],
    row === 0 ? 0 : M_WOKEN,
  )
  if (builtMustWait) return false
  if (builtMustSleep) {
    const asleep = pauseForMbuf(k, c, PHASE_BUILD, m, builtLast, builtPages, builtSf)
    KASSERT(asleep, 'vn_sendfile: an allocation that must be slept for says for what')
    return false
  }
  t.sc_sfio[c] = 0
  let space = t.sc_space[c]
  if (builtPages < npages) {
    // fixspace: only the pages that were put into mbufs count.
    space = builtPages === 0 ? 0 : builtPages * PAGE_SIZE - (off % PAGE_SIZE)
    t.sc_space[c] = space
    t.sc_npages[c] = builtPages
  }
  t.sc_off[c] = off + space
  t.sc_rem[c] -= space
  send(k, c, m, sfio, builtFirst, builtSoftError)
  return true
}

/** Looks the pages of the running iteration up again after a sleep: they are wired, so they are still there. */
function findPages(k: Kernel, c: number): void {
  const t = k.sendfile.call
  const object = t.sc_obj[c]
  const first = Math.floor(t.sc_off[c] / PAGE_SIZE)
  if (pa.length < t.sc_npages[c]) pa = new Int32Array(t.sc_npages[c] * 2)
  for (let i = 0; i < t.sc_npages[c]; i++) pa[i] = i < t.sc_grab[c] ? vm_page_lookup(k, object, first + i) : 0
}

/** 6.2 steps 11 to 13: headers in front, then to the protocol. */
function send(k: Kernel, c: number, m: number, sfio: number, first: number, softerr: number): void {
  const t = k.sendfile.call
  const so = t.sc_so[c]
  const space = t.sc_space[c]
  const hdrlen = t.sc_mhlen[c]
  const mh = t.sc_mh[c]
  if (mh !== 0) {
    let last = mh
    while (k.mb.m_next[last] !== 0) last = k.mb.m_next[last]
    k.mb.m_next[last] = m
    m = mh
    t.sc_mh[c] = 0
    t.sc_mhlen[c] = 0
  }
  if (m === 0) {
    KASSERT(softerr !== 0, 'vn_sendfile: nothing was built without a reason')
    if (sfio !== 0) sendfile_iodone(k, sfio, 0)
    finish(k, c, softerr)
    return
  }
  let error: number
  if (sfio === 0) error = tcp_usr_send(k, so, 0, m)
  else if (first === 0) {
    // I/O was started for pages that no mbuf took: only the header goes.
    error = tcp_usr_send(k, so, 0, m)
    sendfile_iodone(k, sfio, 0)
  } else {
    const f = k.sendfile.sfio
    f.sf_npages[sfio] = t.sc_npages[c]
    f.sf_m[sfio] = first
    f.sf_so[sfio] = so
    for (let n = first; n !== 0; n = k.mb.m_next[n]) k.mbstat.notready_mbufs++
    k.mbstat.notready_pages += t.sc_npages[c]
    soref(k, so)
    error = tcp_usr_send(k, so, PRUS_NOTREADY, m)
    // Refused: the not-ready mbufs stay with their I/O, the headers before them are ours to free.
    if (error !== 0 && mh !== 0) freeUntil(k, mh, first)
    sendfile_iodone(k, sfio, 0)
  }
  if (error !== 0) {
    finish(k, c, error)
    return
  }
  t.sc_sbytes[c] += space + hdrlen
  if (softerr !== 0) finish(k, c, softerr)
  else t.sc_phase[c] = PHASE_LOOP
}

/** True if the bytes of page i that the range needs are in memory. */
function isValid(k: Kernel, i: number, n: number, off: number, len: number): boolean {
  return vm_page_is_valid(k, pa[i], i === 0 ? off % PAGE_SIZE : 0, xfsize(i, n, off, len))
}

/** 6.3 steps 2 to 6: starts reading what is not valid. @returns the I/O record, or 0 when everything was in memory. */
function swapin(k: Kernel, c: number, off: number, npages: number, len: number): number {
  if (k.cost.on) k.cost.enter(FN_sendfile_swapin)
  const t = k.sendfile.call
  const stat = k.sendfile.stat
  const f = k.sendfile.sfio
  const object = t.sc_obj[c]
  const first = Math.floor(off / PAGE_SIZE)
  const total = t.sc_npages[c]
  let sfio = 0
  for (let i = 0; i < npages;) {
    if (isValid(k, i, total, off, len)) {
      unbusyPage(k, pa[i])
      stat.sf_pages_valid++
      i++
      continue
    }
    if (k.object.disk_page[object] < 0) {
      // Nothing on disk (fresh shared memory): zero-filled.
      k.phys.fill(k.page.frame[pa[i]] * PAGE_SIZE, PAGE_SIZE, 0)
      k.page.valid[pa[i]] = 0xff
      unbusyPage(k, pa[i])
      i++
      continue
    }
    let count = Math.min(vm_pager_run(k, object, first + i), npages - i)
    // Valid pages at the tail of the cluster stay out of it.
    for (let j = i + count - 1; j > i && isValid(k, j, total, off, len); j--) {
      count--
      t.sc_rhpages[c] = 0
    }
    // Valid pages inside: the disk writes into a bogus page instead.
    let bogus = 0
    for (let j = i + 1; j < i + count - 1; j++) {
      if (!isValid(k, j, total, off, len)) continue
      unbusyPage(k, pa[j])
      stat.sf_pages_valid++
      stat.sf_pages_bogus++
      bogus |= 1 << (j - i)
    }
    if (sfio === 0) {
      sfio = f.alloc()
      f.sf_nios[sfio] = 1
      f.sf_error[sfio] = 0
      f.sf_npages[sfio] = 0
      f.sf_so[sfio] = 0
      f.sf_m[sfio] = 0
    }
    f.sf_nios[sfio]++
    const ahead = i + count === npages && npages === total ? Math.max(t.sc_rhpages[c], 0) : 0
    vm_pager_get_pages_async(k, object, first + i, count, ahead, bogus >>> 0, sfio, t.sc_cpu[c])
    stat.sf_iocnt++
    stat.sf_pages_read += count
    if (i + count === npages) stat.sf_rhpages_read += pagerAhead
    i += count
  }
  if (sfio === 0 && npages !== 0) stat.sf_noiocnt++
  if (k.cost.on) k.cost.leave()
  return sfio
}

/** 6.5: one I/O of an iteration is done, or its mbufs are queued. The last of all makes the data ready. */
export function sendfile_iodone(k: Kernel, sfio: number, error: number): void {
  if (k.cost.on) k.cost.enter(FN_sendfile_iodone)
  const f = k.sendfile.sfio
  if (error !== 0) f.sf_error[sfio] = error
  f.sf_nios[sfio]--
  if (f.sf_nios[sfio] === 0) {
    const so = f.sf_so[sfio]
    const m = f.sf_m[sfio]
    const npages = f.sf_npages[sfio]
    const failed = f.sf_error[sfio] !== 0
    f.free(sfio)
    if (m !== 0) {
      if (failed) {
        tcp_usr_abort(k, so)
        k.so.so_error[so] = EIO
        mb_free_notready(k, m, npages)
      } else tcp_usr_ready(k, so, m, npages)
      sorele(k, so)
    }
  }
  if (k.cost.on) k.cost.leave()
}
setPagerDone(sendfile_iodone)
setSfBufWakeup((k) => {
  wakeup(k, WCHAN_SFBUF, 1)
})

/** 6.2 step 14: trailers by an ordinary write. */
function trailers(k: Kernel, c: number): number {
  const t = k.sendfile.call
  const so = t.sc_so[c]
  const snd = k.so.so_snd[so]
  while (t.sc_trldone[c] < t.sc_trllen[c]) {
    const error = sosend(
      k,
      so,
      t.sc_trlub[c],
      t.sc_trloff[c] + t.sc_trldone[c],
      t.sc_trllen[c] - t.sc_trldone[c],
      false,
      PROGRAM_SENDFILE,
      c,
    )
    if (error === SLEPT) {
      t.sc_phase[c] = PHASE_WRITE
      return SLEPT
    }
    t.sc_trldone[c] += soTransferred
    t.sc_sbytes[c] += soTransferred
    if (error === EAGAIN) {
      // A partial write of a non-blocking socket is a success of that many bytes.
      if ((k.so.so_state[so] & SS_NBIO) !== 0) return t.sc_trldone[c] > 0 ? 0 : EAGAIN
      k.sb.sb_flags[snd] |= SB_WAIT
      return sleep(k, c, PHASE_TRAILER, WCHAN_SB, snd)
    }
    if (error !== 0) return error
  }
  return 0
}

setSosendReturn(PROGRAM_SENDFILE, (k, c, error, transferred) => {
  const t = k.sendfile.call
  t.sc_trldone[c] += transferred
  t.sc_sbytes[c] += transferred
  // Not all of it: tried again, which also finds out why.
  if (error === 0 || error === EAGAIN) t.sc_phase[c] = PHASE_TRAILER
  else finish(k, c, error)
  work(k, c)
})

/** sendfile_free_mext: the last reference to a mapped page of sendfile is gone. */
function sendfile_free_mext(k: Kernel, m: number): void {
  sendfile_free_sf(k, m)
  if ((k.mb.ext_flags[m] & EXT_FLAG_SYNC) !== 0) syncDone(k, k.mb.ext_arg2[m])
}

/** sendfile_free_mext_pg: the last reference to a page array of sendfile is gone. */
function sendfile_free_mext_pg(k: Kernel, m: number): void {
  sendfile_free_pgs(k, m)
  if ((k.mb.ext_flags[m] & EXT_FLAG_SYNC) !== 0) syncDone(k, k.mb.ext_arg2[m])
}

function syncDone(k: Kernel, sfs: number): void {
  const sync = k.sendfile.sync
  sync.count[sfs]--
  if (sync.count[sfs] === 0 && sync.waiting[sfs] !== 0) wakeup(k, WCHAN_SFSYNC, sfs)
}

/** kern.ipc.sfstat: 11 counters of 64 bits; writing anything clears them. */
export function declareSendfileSysctls(k: Kernel): void {
  const stat = k.sendfile.stat
  k.sysctl.declare({
    name: 'kern.ipc.sfstat',
    type: 'opaque',
    access: 'rw',
    unit: '',
    description: 'sendfile(2) counters as netstat -m reads them; a write clears all',
    source: 'kern/kern_sendfile.c',
    fidelity: 'read',
    stats: true,
    get: () => {
      const words = new Uint32Array(sfstatOrder.length * 2)
      sfstatOrder.forEach((name, i) => {
        words[2 * i] = stat[name] % 4294967296
        words[2 * i + 1] = Math.floor(stat[name] / 4294967296)
      })
      return new Uint8Array(words.buffer)
    },
    set: () => {
      for (const name of sfstatOrder) stat[name] = 0
      return 0
    },
  })
}

/**
 * write(2) and read(2) on a stream socket: bytes are copied between user pages and mbufs. Source: sys/kern/uipc_socket.c sosend_generic,
 * soreceive_generic, sys/kern/uipc_mbuf.c m_uiotombuf (derived; room in the buffer is never slept for here, mbufs are, as in the kernel also on a
 * non-blocking socket).
 */
import type { Kernel } from '../kernel'
import { CAUSE, functionId } from '../machine/cost'
import { tcp_usr_rcvd, tcp_usr_send } from '../netinet/tcp_usrreq'
import { EAGAIN, ENOBUFS, ENOTCONN, EPIPE } from '../sys/errno'
import { max_hdr, MT_DATA } from '../sys/mbuf'
import { M_NOWAIT, M_WAITOK, M_WOKEN } from '../sys/param'
import { PRUS_MORETOCOME, SBS_CANTRCVMORE, SBS_CANTSENDMORE } from '../sys/sockbuf'
import { SS_ISCONNECTED, SS_ISCONNECTING } from '../sys/socket'
import { getm2Partial, M_TRAILINGSPACE, m_getm2, mtodAddr } from './kern_mbuf'
import { RESUME_SOSEND, setResume, wakeup, WCHAN_SBLOCK } from './subr_sleepqueue'
import { copyinTo, copyoutFrom } from './subr_uio'
import { memoryAwake, memorySleep } from './uma_sleep'
import { sbdrop, sbspace } from './uipc_sockbuf'
import { soref, sorele } from './uipc_socket'

const FN_sosend = functionId('sosend_generic')
const FN_soreceive = functionId('soreceive_generic')
const FN_uiomove = functionId('uiomove')

/** Bytes moved by the last {@link sosend} or {@link soreceive}. */
export let soTransferred = 0

/** Answer of a call that sleeps: the result comes later, to the program's return routine. */
export const SLEPT = -2

/** Calls that sleep for an mbuf: what they were asked, how far they are, and the mbufs they hold already. */
export function createSosend(k: Kernel) {
  return k.registry.table(
    k.part('sosend'),
    {
      ss_so: 'i32',
      ss_ub: 'i32',
      ss_uoff: 'i32',
      ss_len: 'i32',
      ss_resid: 'i32',
      /** Bytes of the system call that went before `ss_len` begins. */
      ss_before: 'i32',
      ss_more: 'u8',
      /** Bytes of the piece in work and the mbufs made for it. */
      ss_piece: 'i32',
      ss_m: 'i32',
      /** What the thread sleeps for (uma_sleep.ts). */
      ss_what: 'i32',
      ss_cpu: 'i32',
      ss_program: 'i32',
      ss_udata: 'i32',
    },
    8,
    { quiet: true },
  )
}

/** The call that went to sleep last. */
let sleeper = 0

type Return = (k: Kernel, udata: number, error: number, transferred: number) => void
const returns: (Return | undefined)[] = new Array<Return | undefined>(16).fill(undefined)
/** Names the routine of a program that a sleeping write returns to. At module load only. */
export function setSosendReturn(program: number, routine: Return): void {
  returns[program] = routine
}

/**
 * m_uiotombuf: copies `len` bytes at `uoff` of a user buffer into fresh mbufs. `align`: leading space in the first. `partial`: mbufs made before the
 * caller slept. 0 when mbufs ran out; with M_WAITOK the caller may have to sleep (then {@link getm2Partial} are its mbufs).
 */
export function m_uiotombuf(
  k: Kernel,
  ub: number,
  uoff: number,
  len: number,
  align: number,
  how = M_NOWAIT,
  partial = 0,
): number {
  const m = m_getm2(k, 0, len + align, how, MT_DATA, 0, partial)
  if (m === 0) return 0
  k.mb.m_data[m] += align
  let done = 0
  for (let at = m; at !== 0 && done < len; at = k.mb.m_next[at]) {
    const n = Math.min(M_TRAILINGSPACE(k, at), len - done)
    copyinTo(k, ub, uoff + done, mtodAddr(k, at), n)
    k.mb.m_len[at] = n
    done += n
  }
  if (k.cost.on) {
    k.cost.enter(FN_uiomove)
    k.cost.charge(CAUSE.copy, done * k.cost.p.copyByte)
    k.cost.leave()
  }
  return m
}

/**
 * sosend: write of `len` bytes at `uoff` of user buffer `ub`. Takes what fits; {@link soTransferred} says how much. `more`: the caller has more to send at
 * once (PRUS_MORETOCOME). A caller that names itself (`program`, `udata`) sleeps when mbufs are at their limit, also on a non-blocking socket: the answer
 * is {@link SLEPT}, and its return routine gets (udata, error, transferred) later. Others get ENOBUFS.
 * @returns 0, EAGAIN (nothing or not all fitted), EPIPE, ENOTCONN, the socket's pending error, ENOBUFS, SLEPT.
 */
export function sosend(
  k: Kernel,
  so: number,
  ub: number,
  uoff: number,
  len: number,
  more: boolean,
  program = 0,
  udata = 0,
): number {
  if (k.cost.on) k.cost.enter(FN_sosend)
  const error = send(k, so, ub, uoff, len, more, program, udata)
  if (k.cost.on) k.cost.leave()
  return error
}

function send(
  k: Kernel,
  so: number,
  ub: number,
  uoff: number,
  len: number,
  more: boolean,
  program: number,
  udata: number,
): number {
  const s = k.so
  soTransferred = 0
  // sblock: a sendfile of another thread is under way.
  if (s.so_sndlock[so] !== 0) return EAGAIN
  let resid = len
  for (;;) {
    const n = room(k, so, resid)
    if (n < 0) return -n
    const m = m_uiotombuf(k, ub, uoff + (len - resid), n, max_hdr, program === 0 ? M_NOWAIT : M_WAITOK)
    if (m === 0) {
      const partial = getm2Partial
      if (program === 0) return ENOBUFS
      const t = k.sosend
      const c = t.alloc()
      sleeper = c
      t.ss_so[c] = so
      t.ss_before[c] = 0
      t.ss_ub[c] = ub
      t.ss_uoff[c] = uoff
      t.ss_len[c] = len
      t.ss_resid[c] = resid
      t.ss_more[c] = more ? 1 : 0
      t.ss_piece[c] = n
      t.ss_m[c] = partial
      t.ss_cpu[c] = k.cpu.current < 0 ? 0 : k.cpu.current
      t.ss_program[c] = program
      t.ss_udata[c] = udata
      t.ss_what[c] = memorySleep(k, RESUME_SOSEND, c, t.ss_cpu[c])
      if (t.ss_what[c] === 0) {
        // An injected failure: nothing to wait for.
        t.free(c)
        return ENOBUFS
      }
      // The I/O lock is held while the call sleeps, and the socket stays.
      s.so_sndlock[so] = 1
      soref(k, so)
      return SLEPT
    }
    resid -= n
    const error = tcp_usr_send(k, so, resid > 0 || more ? PRUS_MORETOCOME : 0, m)
    if (error !== 0) return error
    soTransferred = len - resid
    if (resid === 0) return 0
  }
}

/** Bytes of the next piece of a write, or an errno, negative. Source: sosend_generic, from label restart on. */
function room(k: Kernel, so: number, resid: number): number {
  const s = k.so
  const snd = s.so_snd[so]
  if ((k.sb.sb_state[snd] & SBS_CANTSENDMORE) !== 0) return -EPIPE
  if (s.so_error[so] !== 0) {
    const error = s.so_error[so]
    s.so_error[so] = 0
    return -error
  }
  if ((s.so_state[so] & SS_ISCONNECTED) === 0) return -ENOTCONN
  const space = sbspace(k, snd)
  // Less than asked for and less than the low-water mark: wait.
  if (space < resid && space < k.sb.sb_lowat[snd]) return -EAGAIN
  if (space <= 0) return -EAGAIN
  return Math.min(space, resid)
}

/** A write that slept for an mbuf goes on: with the piece it was about to queue, then with the rest. */
function resume(k: Kernel, c: number): void {
  const t = k.sosend
  const so = t.ss_so[c]
  const len = t.ss_len[c]
  const resid = t.ss_resid[c]
  const piece = t.ss_piece[c]
  if (k.cost.on) k.cost.enter(FN_sosend)
  memoryAwake(k, t.ss_what[c])
  const m = m_uiotombuf(k, t.ss_ub[c], t.ss_uoff[c] + (len - resid), piece, max_hdr, M_WAITOK | M_WOKEN, t.ss_m[c])
  let error = 0
  if (m === 0) {
    t.ss_m[c] = getm2Partial
    t.ss_what[c] = memorySleep(k, RESUME_SOSEND, c, t.ss_cpu[c])
    if (k.cost.on) k.cost.leave()
    if (t.ss_what[c] !== 0) return
    error = ENOBUFS
    if (k.cost.on) k.cost.enter(FN_sosend)
  }
  k.so.so_sndlock[so] = 0
  wakeup(k, WCHAN_SBLOCK, k.so.so_snd[so])
  const more = t.ss_more[c] !== 0
  const program = t.ss_program[c]
  const udata = t.ss_udata[c]
  const ub = t.ss_ub[c]
  const uoff = t.ss_uoff[c]
  const before = t.ss_before[c]
  t.free(c)
  // Nobody asks again whether the connection is there: the protocol does.
  if (error === 0) error = tcp_usr_send(k, so, resid > piece || more ? PRUS_MORETOCOME : 0, m)
  let transferred = len - resid
  if (error === 0) {
    transferred += piece
    if (transferred < len) {
      error = send(k, so, ub, uoff + transferred, len - transferred, more, program, udata)
      if (error !== SLEPT) transferred += soTransferred
    }
  }
  if (k.cost.on) k.cost.leave()
  sorele(k, so)
  if (error === SLEPT) {
    k.sosend.ss_before[sleeper] = before + transferred
    return
  }
  soTransferred = before + transferred
  returns[program]!(k, udata, error, soTransferred)
}
setResume(RESUME_SOSEND, resume)

/**
 * soreceive: non-blocking read of up to `len` bytes into user buffer `ub` at `uoff`. {@link soTransferred} 0 with answer 0: end of file.
 * @returns 0, EAGAIN (nothing there), ENOTCONN, or the socket's pending error.
 */
export function soreceive(k: Kernel, so: number, ub: number, uoff: number, len: number): number {
  if (k.cost.on) k.cost.enter(FN_soreceive)
  const error = receive(k, so, ub, uoff, len)
  if (k.cost.on) k.cost.leave()
  return error
}

function receive(k: Kernel, so: number, ub: number, uoff: number, len: number): number {
  const s = k.so
  const b = k.sb
  const rcv = s.so_rcv[so]
  soTransferred = 0
  const avail = b.sb_acc[rcv]
  if (avail === 0) {
    if (s.so_error[so] !== 0) {
      const error = s.so_error[so]
      s.so_error[so] = 0
      return error
    }
    if ((b.sb_state[rcv] & SBS_CANTRCVMORE) !== 0) return 0
    if ((s.so_state[so] & (SS_ISCONNECTED | SS_ISCONNECTING)) === 0) return ENOTCONN
    return EAGAIN
  }
  const n = Math.min(avail, len)
  let done = 0
  const mb = k.mb
  for (let m = b.sb_mb[rcv]; done < n; m = mb.m_next[m]) {
    const count = Math.min(mb.m_len[m], n - done)
    if (count > 0) copyoutFrom(k, mtodAddr(k, m), ub, uoff + done, count)
    done += count
  }
  if (k.cost.on) {
    k.cost.enter(FN_uiomove)
    k.cost.charge(CAUSE.copy, n * k.cost.p.copyByte)
    k.cost.leave()
  }
  sbdrop(k, rcv, n)
  soTransferred = n
  tcp_usr_rcvd(k, so)
  return 0
}

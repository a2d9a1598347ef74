/**
 * write(2) and read(2) on a stream socket: bytes are copied between user pages and mbufs. Source: sys/kern/uipc_socket.c sosend_generic,
 * soreceive_generic, sys/kern/uipc_mbuf.c m_uiotombuf (derived; blocking callers go through kern/sys_socket.ts).
 */
import type { Kernel } from '../kernel'
import { CAUSE, functionId } from '../machine/cost'
import { tcp_usr_rcvd, tcp_usr_send } from '../netinet/tcp_usrreq'
import { EAGAIN, ENOBUFS, ENOTCONN, EPIPE } from '../sys/errno'
import { max_hdr, MT_DATA } from '../sys/mbuf'
import { M_NOWAIT } from '../sys/param'
import { PRUS_MORETOCOME, SBS_CANTRCVMORE, SBS_CANTSENDMORE } from '../sys/sockbuf'
import { SS_ISCONNECTED, SS_ISCONNECTING } from '../sys/socket'
import { M_TRAILINGSPACE, m_getm2, mtodAddr } from './kern_mbuf'
import { copyinTo, copyoutFrom } from './subr_uio'
import { sbdrop, sbspace } from './uipc_sockbuf'

const FN_sosend = functionId('sosend_generic')
const FN_soreceive = functionId('soreceive_generic')
const FN_uiomove = functionId('uiomove')

/** Bytes moved by the last {@link sosend} or {@link soreceive}. */
export let soTransferred = 0

/**
 * m_uiotombuf: copies `len` bytes at `uoff` of a user buffer into fresh mbufs. `align`: leading space in the first. 0 when mbufs ran out.
 */
export function m_uiotombuf(k: Kernel, ub: number, uoff: number, len: number, align: number): number {
  const m = m_getm2(k, 0, len + align, M_NOWAIT, MT_DATA, 0)
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
 * sosend: non-blocking write of `len` bytes at `uoff` of user buffer `ub`. Takes what fits; {@link soTransferred} says how much. `more`: the caller
 * has more to send at once (PRUS_MORETOCOME).
 * @returns 0, EAGAIN (nothing or not all fitted), EPIPE, ENOTCONN, the socket's pending error, ENOBUFS.
 */
export function sosend(k: Kernel, so: number, ub: number, uoff: number, len: number, more: boolean): number {
  if (k.cost.on) k.cost.enter(FN_sosend)
  const error = send(k, so, ub, uoff, len, more)
  if (k.cost.on) k.cost.leave()
  return error
}

function send(k: Kernel, so: number, ub: number, uoff: number, len: number, more: boolean): number {
  const s = k.so
  const snd = s.so_snd[so]
  soTransferred = 0
  // sblock: a sendfile of another thread is under way.
  if (s.so_sndlock[so] !== 0) return EAGAIN
  let resid = len
  for (;;) {
    // restart:
    if ((k.sb.sb_state[snd] & SBS_CANTSENDMORE) !== 0) return EPIPE
    if (s.so_error[so] !== 0) {
      const error = s.so_error[so]
      s.so_error[so] = 0
      return error
    }
    if ((s.so_state[so] & SS_ISCONNECTED) === 0) return ENOTCONN
    const space = sbspace(k, snd)
    // Less than asked for and less than the low-water mark: wait.
    if (space < resid && space < k.sb.sb_lowat[snd]) return EAGAIN
    if (space <= 0) return EAGAIN
    const n = Math.min(space, resid)
    const m = m_uiotombuf(k, ub, uoff + (len - resid), n, max_hdr)
    if (m === 0) return ENOBUFS
    resid -= n
    const error = tcp_usr_send(k, so, resid > 0 || more ? PRUS_MORETOCOME : 0, m)
    if (error !== 0) return error
    soTransferred = len - resid
    if (resid === 0) return 0
  }
}

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

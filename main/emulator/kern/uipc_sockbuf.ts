/**
 * Socket buffers: accounting, appending, readiness, removal, the send pointer. Mirrors sys/kern/uipc_sockbuf.c (read; kernel-mbuf-sendfile 5,
 * errata B1–B4, B16). A sockbuf is a row of `k.sb`.
 *
 *   sb_mb ─m_next→ m ─→ m ─→ m          sb_ccc = all bytes
 *           ready   │NOTREADY│BLOCKED   sb_acc = bytes before sb_fnrdy
 *                   └ sb_fnrdy
 *
 * The rule for EOR when ready data is merged is that of the two head copies (the earlier mbuf must not end a record, the later one's mark moves);
 * it cannot show on TCP, where every append strips EOR.
 */
import type { Kernel } from '../kernel'
import { CAUSE } from '../machine/cost'
import { EINPROGRESS, ENOBUFS } from '../sys/errno'
import {
  EXT_PGS,
  MLEN,
  MT_CONTROL,
  MT_DATA,
  MT_OOBDATA,
  MT_SONAME,
  M_BLOCKED,
  M_EOR,
  M_EXT,
  M_NOMAP,
  M_NOTAVAIL,
  M_NOTREADY,
  M_PKTHDR,
  M_PROTOFLAGS,
} from '../sys/mbuf'
import { MCLBYTES, MSIZE, M_NOWAIT } from '../sys/param'
import { PRUS_NOTREADY, SB_EFFICIENCY, SB_MAX, SB_NOCOALESCE, SB_STOP, sbMaxAdj } from '../sys/sockbuf'
import { KASSERT, KernelPanic } from '../sys/systm'
import { m_get, m_getcl } from './kern_mbuf_alloc'
import { m_free, m_freem } from './kern_mbuf_free'
import { M_TRAILINGSPACE, M_WRITABLE, mb_ext_pgs_check, mtodAddr, pgsLines } from './mbuf_inline'
import { declareSockbufSysctls } from './uipc_sockbuf_sysctl'
import { mb_unmapped_compress } from './kern_mbuf_ext_pgs'
import { m_copydata, m_demote } from './uipc_mbuf_chain'
import { m_tag_delete_chain } from './uipc_mbuf2'

/** Data larger than this is not copied to save an mbuf. */
const COALESCE_MAX = MCLBYTES / 4

/** Columns of struct sockbuf (sys/sys/sockbuf.h). */
const sockbufSpec = {
  sb_mb: 'i32',
  sb_mbtail: 'i32',
  sb_lastrecord: 'i32',
  sb_sndptr: 'i32',
  sb_fnrdy: 'i32',
  sb_sndptroff: 'i32',
  sb_acc: 'i32',
  sb_ccc: 'i32',
  sb_hiwat: 'i32',
  sb_lowat: 'i32',
  sb_mbcnt: 'i32',
  sb_mcnt: 'i32',
  sb_ccnt: 'i32',
  sb_mbmax: 'i32',
  sb_ctl: 'i32',
  sb_flags: 'u32',
  sb_state: 'u32',
} as const

/** Limits of all socket buffers of a host. */
export interface SockbufSettings {
  [name: string]: number
  /** kern.ipc.maxsockbuf and what a reservation may ask for under it. */
  sb_max: number
  sb_max_adj: number
  /** kern.ipc.sockbuf_waste_factor */
  sb_efficiency: number
  /** Bytes reserved by the user's buffers together (ui_sbsize). */
  ui_sbsize: number
  /** RLIMIT_SBSIZE of the threads, −1 = infinite. */
  rlimit_sbsize: number
}

export function createSockbufTable(k: Kernel) {
  const table = k.registry.table(k.part('sockbuf'), sockbufSpec)
  const settings = k.registry.record<SockbufSettings>(k.part('sockbufctl'), {
    sb_max: SB_MAX,
    sb_max_adj: sbMaxAdj(SB_MAX),
    sb_efficiency: SB_EFFICIENCY,
    ui_sbsize: 0,
    rlimit_sbsize: -1,
  })
  declareSockbufSysctls(k)
  return Object.assign(table, { settings })
}

// ----------------------------------------------------------------------------------------------------------------------- limits and space

/** Bytes that may be appended; negative when over the mark. sys/sys/sockbuf.h sbspace (read). */
export function sbspace(k: Kernel, sb: number): number {
  const s = k.sb
  if ((s.sb_flags[sb] & SB_STOP) !== 0) return 0
  return Math.min(s.sb_hiwat[sb] - s.sb_ccc[sb], s.sb_mbmax[sb] - s.sb_mbcnt[sb])
}

/** Bytes available for sending or reading. sys/sys/sockbuf.h sbavail (read). */
export function sbavail(k: Kernel, sb: number): number {
  return k.sb.sb_acc[sb]
}

/** All bytes held. sys/sys/sockbuf.h sbused (read). */
export function sbused(k: Kernel, sb: number): number {
  return k.sb.sb_ccc[sb]
}

/** Charges a change of a mark to the user. sys/kern/kern_resource.c chgsbsize (read). */
function chgsbsize(k: Kernel, sb: number, to: number, max: number): boolean {
  const { settings } = k.sb
  const diff = to - k.sb.sb_hiwat[sb]
  if (diff > 0 && max >= 0 && (max === 0 || settings.ui_sbsize + diff > max)) return false
  settings.ui_sbsize += diff
  k.sb.sb_hiwat[sb] = to
  return true
}

/**
 * Sets the mark of a buffer to `cc` bytes and its ceiling accordingly.
 * @param thread false in TCP input: no resource limit applies. @returns false if `cc` is more than allowed. uipc_sockbuf.c sbreserve_locked (read).
 */
export function sbreserve(k: Kernel, sb: number, cc: number, thread = true): boolean {
  const { settings } = k.sb
  if (cc > settings.sb_max_adj) return false
  if (!chgsbsize(k, sb, cc, thread ? settings.rlimit_sbsize : -1)) return false
  k.sb.sb_mbmax[sb] = Math.min(cc * settings.sb_efficiency, settings.sb_max)
  if (k.sb.sb_lowat[sb] > cc) k.sb.sb_lowat[sb] = cc
  return true
}

/** Reserves both buffers of a socket. @returns 0 or ENOBUFS. uipc_sockbuf.c soreserve (read). */
export function soreserve(k: Kernel, so: number, sndcc: number, rcvcc: number): number {
  const snd = k.so.so_snd[so]
  const rcv = k.so.so_rcv[so]
  if (!sbreserve(k, snd, sndcc)) return ENOBUFS
  if (!sbreserve(k, rcv, rcvcc)) {
    sbrelease(k, snd)
    return ENOBUFS
  }
  const s = k.sb
  if (s.sb_lowat[rcv] === 0) s.sb_lowat[rcv] = 1
  if (s.sb_lowat[snd] === 0) s.sb_lowat[snd] = MCLBYTES
  if (s.sb_lowat[snd] > s.sb_hiwat[snd]) s.sb_lowat[snd] = s.sb_hiwat[snd]!
  return 0
}

/** Frees what the buffer holds and gives its reservation back. uipc_sockbuf.c sbrelease_internal (read). */
export function sbrelease(k: Kernel, sb: number): void {
  sbflush(k, sb)
  chgsbsize(k, sb, 0, -1)
  k.sb.sb_mbmax[sb] = 0
}

/** uipc_sockbuf.c sbdestroy (read). */
export function sbdestroy(k: Kernel, sb: number): void {
  sbrelease(k, sb)
}

// ------------------------------------------------------------------------------------------------------------------------------ accounting

/** Counts an mbuf that enters the buffer. uipc_sockbuf.c sballoc (read). */
export function sballoc(k: Kernel, sb: number, m: number): void {
  const { mb, sb: s } = k
  const len = mb.m_len[m]
  const flags = mb.m_flags[m]
  s.sb_ccc[sb] += len
  if (s.sb_fnrdy[sb] === 0) {
    if ((flags & M_NOTREADY) !== 0) s.sb_fnrdy[sb] = m
    else s.sb_acc[sb] += len
  } else mb.m_flags[m] = flags | M_BLOCKED
  const type = mb.m_type[m]
  if (type !== MT_DATA && type !== MT_OOBDATA) s.sb_ctl[sb] += len
  s.sb_mcnt[sb]++
  if ((flags & M_EXT) !== 0) {
    s.sb_mbcnt[sb] += MSIZE + mb.ext_size[m]
    s.sb_ccnt[sb]++
  } else s.sb_mbcnt[sb] += MSIZE
}

/** Counts an mbuf that leaves; what it blocked becomes available. uipc_sockbuf.c sbfree (read; errata B4). */
export function sbfree(k: Kernel, sb: number, m: number): void {
  const { mb, sb: s } = k
  const len = mb.m_len[m]
  const flags = mb.m_flags[m]
  s.sb_ccc[sb] -= len
  if ((flags & M_NOTAVAIL) === 0) s.sb_acc[sb] -= len
  if (m === s.sb_fnrdy[sb]) {
    KASSERT((flags & M_NOTREADY) !== 0, 'sbfree: the first mbuf that is not ready is marked so')
    let n = mb.m_next[m]
    while (n !== 0 && (mb.m_flags[n] & M_NOTREADY) === 0) {
      mb.m_flags[n] &= ~M_BLOCKED
      s.sb_acc[sb] += mb.m_len[n]
      n = mb.m_next[n]!
    }
    s.sb_fnrdy[sb] = n
  }
  const type = mb.m_type[m]
  if (type !== MT_DATA && type !== MT_OOBDATA) s.sb_ctl[sb] -= len
  s.sb_mcnt[sb]--
  if ((flags & M_EXT) !== 0) {
    s.sb_mbcnt[sb] -= MSIZE + mb.ext_size[m]
    s.sb_ccnt[sb]--
  } else s.sb_mbcnt[sb] -= MSIZE
  if (s.sb_sndptr[sb] === m) {
    s.sb_sndptr[sb] = 0
    s.sb_sndptroff[sb] = 0
  }
  if (s.sb_sndptroff[sb] !== 0) s.sb_sndptroff[sb] -= len
}

/** Recomputes everything and panics on a difference (SOCKBUF_DEBUG). uipc_sockbuf.c sbcheck, sblastrecordchk, sblastmbufchk (derived). */
export function sbcheck(k: Kernel, sb: number): void {
  const { mb, sb: s } = k
  let acc = 0
  let ccc = 0
  let mbcnt = 0
  let mcnt = 0
  let ccnt = 0
  let fnrdy = 0
  let last = 0
  let lastrecord = 0
  for (let record = s.sb_mb[sb]; record !== 0; record = mb.m_nextpkt[record]!) {
    lastrecord = record
    for (let m = record; m !== 0; m = mb.m_next[m]!) {
      last = m
      const flags = mb.m_flags[m]
      if ((flags & M_NOTREADY) !== 0 && fnrdy === 0) fnrdy = m
      if (fnrdy !== 0)
        KASSERT((flags & M_NOTAVAIL) !== 0, 'sockbuf: nothing behind data that is not ready is available')
      else acc += mb.m_len[m]
      ccc += mb.m_len[m]
      mbcnt += MSIZE
      mcnt++
      if ((flags & M_EXT) !== 0) {
        mbcnt += mb.ext_size[m]
        ccnt++
        if (mb.ext_type[m] === EXT_PGS && (flags & M_NOMAP) !== 0) {
          mb_ext_pgs_check(k, mb.ext_buf[m])
          KASSERT(
            (k.pgs.nrdy[mb.ext_buf[m]] !== 0) === ((flags & M_NOTREADY) !== 0),
            'sockbuf: an unmapped mbuf is ready exactly when none of its pages waits for I/O',
          )
        }
      }
    }
  }
  KASSERT(last === s.sb_mbtail[sb], 'sockbuf: sb_mbtail is the last mbuf')
  KASSERT(lastrecord === s.sb_lastrecord[sb], 'sockbuf: sb_lastrecord is the last record')
  if (
    acc !== s.sb_acc[sb] ||
    ccc !== s.sb_ccc[sb] ||
    mbcnt !== s.sb_mbcnt[sb] ||
    mcnt !== s.sb_mcnt[sb] ||
    ccnt !== s.sb_ccnt[sb] ||
    fnrdy !== s.sb_fnrdy[sb]
  ) {
    throw new KernelPanic(
      `sockbuf ${sb}: counted/kept acc ${acc}/${s.sb_acc[sb]} ccc ${ccc}/${s.sb_ccc[sb]} mbcnt ${mbcnt}/${s.sb_mbcnt[sb]} ` +
        `mcnt ${mcnt}/${s.sb_mcnt[sb]} ccnt ${ccnt}/${s.sb_ccnt[sb]} fnrdy ${fnrdy}/${s.sb_fnrdy[sb]}`,
    )
  }
}

// ------------------------------------------------------------------------------------------------------------------------------- appending

/** Appends the bytes of mbuf `from` to those of `to`, which has the room. */
function mergeInto(k: Kernel, to: number, from: number): void {
  const mb = k.mb
  const len = mb.m_len[from]
  if (len > 0) m_copydata(k, from, 0, len, k.phys.ram, mtodAddr(k, to) + mb.m_len[to])
  mb.m_len[to] += len
}

/**
 * Appends chain m behind mbuf n (0: the buffer is empty), dropping empty mbufs and copying small data into the tail.
 * uipc_sockbuf.c sbcompress (read; kernel-mbuf-sendfile 5.4).
 */
export function sbcompress(k: Kernel, sb: number, m: number, n: number): void {
  const { mb, sb: s } = k
  let eor = 0
  while (m !== 0) {
    const flags = mb.m_flags[m]
    const len = mb.m_len[m]
    const type = mb.m_type[m]
    eor |= flags & M_EOR
    if (len === 0) {
      const carrier = mb.m_next[m] !== 0 ? mb.m_next[m] : n
      if (eor === 0 || (carrier !== 0 && mb.m_type[carrier] === type)) {
        if (s.sb_lastrecord[sb] === m) s.sb_lastrecord[sb] = mb.m_next[m]!
        m = m_free(k, m)
        continue
      }
    }
    if (
      n !== 0 &&
      len <= COALESCE_MAX &&
      (flags & M_NOTREADY) === 0 &&
      (mb.m_flags[n] & (M_EOR | M_NOTREADY | M_NOMAP)) === 0 &&
      (s.sb_flags[sb] & SB_NOCOALESCE) === 0 &&
      mb.m_type[n] === type &&
      M_WRITABLE(k, n) &&
      len <= M_TRAILINGSPACE(k, n)
    ) {
      mergeInto(k, n, m)
      s.sb_ccc[sb] += len
      if (s.sb_fnrdy[sb] === 0) s.sb_acc[sb] += len
      if (type !== MT_DATA && type !== MT_OOBDATA) s.sb_ctl[sb] += len
      m = m_free(k, m)
      continue
    }
    if (len <= MLEN && (flags & (M_NOMAP | M_NOTREADY)) === M_NOMAP) mb_unmapped_compress(k, m)
    if (n !== 0) mb.m_next[n] = m
    else s.sb_mb[sb] = m
    s.sb_mbtail[sb] = m
    sballoc(k, sb, m)
    n = m
    mb.m_flags[m] &= ~M_EOR
    m = mb.m_next[m]!
    mb.m_next[n] = 0
  }
  if (eor !== 0) {
    KASSERT(n !== 0, 'sbcompress: the end of a record needs an mbuf to carry it')
    mb.m_flags[n] |= eor
  }
}

/** Appends to a stream: packet headers and flags are stripped, small data is merged. uipc_sockbuf.c sbappendstream_locked (read). */
export function sbappendstream(k: Kernel, sb: number, m: number, flags: number): void {
  const { mb, sb: s } = k
  KASSERT(mb.m_nextpkt[m] === 0, 'sbappendstream: the chain is one record')
  KASSERT(s.sb_mb[sb] === s.sb_lastrecord[sb], 'sbappendstream: the buffer holds one record at most')
  if (k.cost.on) k.cost.charge(CAUSE.protocol, k.cost.p.sockbufAppend)
  m_demote(k, m, true, (flags & PRUS_NOTREADY) !== 0 ? M_NOTREADY : 0)
  sbcompress(k, sb, m, s.sb_mbtail[sb])
  s.sb_lastrecord[sb] = s.sb_mb[sb]!
  if (k.debug) sbcheck(k, sb)
}

function clrprotoflags(k: Kernel, m: number, flags: number): void {
  const mask = ~M_PROTOFLAGS | ((flags & PRUS_NOTREADY) !== 0 ? M_NOTREADY : 0)
  for (; m !== 0; m = k.mb.m_next[m]!) k.mb.m_flags[m] &= mask
}

/** Appends to the last record, or starts a new one behind an EOR. uipc_sockbuf.c sbappend_locked (read). */
export function sbappend(k: Kernel, sb: number, m: number, flags: number): void {
  const { mb, sb: s } = k
  if (m === 0) return
  if (k.cost.on) k.cost.charge(CAUSE.protocol, k.cost.p.sockbufAppend)
  clrprotoflags(k, m, flags)
  let n = s.sb_mb[sb]
  if (n !== 0) while (mb.m_nextpkt[n] !== 0) n = mb.m_nextpkt[n]!
  else n = s.sb_lastrecord[sb]!
  if (n === 0) s.sb_lastrecord[sb] = m
  else {
    for (;;) {
      if ((mb.m_flags[n] & M_EOR) !== 0) {
        sbappendrecord(k, sb, m)
        return
      }
      if (mb.m_next[n] === 0) break
      n = mb.m_next[n]!
    }
  }
  sbcompress(k, sb, m, n)
  if (k.debug) sbcheck(k, sb)
}

/** Appends a new record. uipc_sockbuf.c sbappendrecord_locked (read). */
export function sbappendrecord(k: Kernel, sb: number, m0: number): void {
  const { mb, sb: s } = k
  if (m0 === 0) return
  clrprotoflags(k, m0, 0)
  sballoc(k, sb, m0)
  linkRecord(k, sb, m0)
  s.sb_mbtail[sb] = m0
  const m = mb.m_next[m0]
  mb.m_next[m0] = 0
  if (m !== 0 && (mb.m_flags[m0] & M_EOR) !== 0) {
    mb.m_flags[m0] &= ~M_EOR
    mb.m_flags[m] |= M_EOR
  }
  sbcompress(k, sb, m, m0)
  if (k.debug) sbcheck(k, sb)
}

/** Links a record that is in the accounts already behind the last one. uipc_sockbuf.h SBLINKRECORD (read). */
function linkRecord(k: Kernel, sb: number, m: number): void {
  const { mb, sb: s } = k
  const last = s.sb_lastrecord[sb]
  if (last !== 0) mb.m_nextpkt[last] = m
  else s.sb_mb[sb] = m
  s.sb_lastrecord[sb] = m
}

/** Counts every mbuf of a chain and makes it the last record. */
function allocRecord(k: Kernel, sb: number, m: number): void {
  let n = m
  for (; k.mb.m_next[n] !== 0; n = k.mb.m_next[n]!) sballoc(k, sb, n)
  sballoc(k, sb, n)
  linkRecord(k, sb, m)
  k.sb.sb_mbtail[sb] = n
  if (k.debug) sbcheck(k, sb)
}

/**
 * Appends a record: the sender's address (MT_SONAME), control data and data.
 * @param asa the address, at most 224 bytes. @param m0 data or 0; a packet. @param control or 0. @param space checked only if true: address, control and data
 * have to fit. @returns false, nothing taken, if they do not fit or there is no mbuf. uipc_sockbuf.c sbappendaddr_locked, …_nospacecheck_locked (read).
 */
export function sbappendaddr(
  k: Kernel,
  sb: number,
  asa: Uint8Array,
  m0: number,
  control: number,
  space = true,
): boolean {
  if (m0 !== 0) KASSERT((k.mb.m_flags[m0] & M_PKTHDR) !== 0, 'sbappendaddr: the data is a packet')
  let need = asa.length + (m0 !== 0 ? k.mb.ph_len[m0] : 0)
  let last = 0
  for (let m = control; m !== 0; m = k.mb.m_next[m]!) {
    need += k.mb.m_len[m]
    last = m
  }
  if (space && need > sbspace(k, sb)) return false
  if (asa.length > MLEN) return false
  const m = m_get(k, M_NOWAIT, MT_SONAME)
  if (m === 0) return false
  const { mb } = k
  mb.m_len[m] = asa.length
  k.phys.copyIn(asa, 0, asa.length, mtodAddr(k, m))
  if (m0 !== 0) {
    clrprotoflags(k, m0, 0)
    m_tag_delete_chain(k, m0, 0)
    // What the packet knew about its way here is nobody's business any more.
    mb.ph_rcvif[m0] = 0
    mb.ph_flowid[m0] = 0
    mb.ph_csum_flags[m0] = 0
    mb.ph_fibnum[m0] = 0
    mb.ph_rsstype[m0] = 0
  }
  if (last !== 0) mb.m_next[last] = m0
  else control = m0
  mb.m_next[m] = control
  allocRecord(k, sb, m)
  return true
}

/** Appends a record of control data and data. The caller has looked at the room. uipc_sockbuf.c sbappendcontrol_locked (read; it refuses nothing since 2018). */
export function sbappendcontrol(k: Kernel, sb: number, m0: number, control: number): void {
  KASSERT(control !== 0, 'sbappendcontrol: there is control data')
  clrprotoflags(k, m0, 0)
  let last = control
  while (k.mb.m_next[last] !== 0) last = k.mb.m_next[last]!
  k.mb.m_next[last] = m0
  allocRecord(k, sb, control)
}

/** A control message (struct cmsghdr and payload) in an mbuf of its own, or 0: too long for a cluster, or no mbuf. uipc_sockbuf.c sbcreatecontrol (read). */
export function sbcreatecontrol(k: Kernel, payload: Uint8Array, type: number, level: number): number {
  const size = CMSG_SPACE(payload.length)
  if (size > MCLBYTES) return 0
  const m = size > MLEN ? m_getcl(k, M_NOWAIT, MT_CONTROL, 0) : m_get(k, M_NOWAIT, MT_CONTROL)
  if (m === 0) return 0
  const bytes = new Uint8Array(size)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, CMSG_HDR_LEN + payload.length, true)
  view.setInt32(4, level, true)
  view.setInt32(8, type, true)
  bytes.set(payload, CMSG_HDR_LEN)
  k.phys.copyIn(bytes, 0, size, mtodAddr(k, m))
  k.mb.m_len[m] = size
  return m
}

/** struct cmsghdr (12 bytes) aligned to 8, and what a message with `len` payload bytes takes. sys/sys/socket.h CMSG_SPACE. */
const CMSG_HDR_LEN = 16
export function CMSG_SPACE(len: number): number {
  return CMSG_HDR_LEN + ((len + 7) & ~7)
}

// ------------------------------------------------------------------------------------------------------------------------------- readiness

/**
 * Marks `count` units of I/O ready, from m0 on: a unit is a page of an unmapped mbuf, or any other mbuf.
 * @returns 0: data became available; EINPROGRESS: earlier data, or pages of the same mbuf, are still missing.
 * uipc_sockbuf.c sbready (read; kernel-mbuf-sendfile 5.5).
 */
export function sbready(k: Kernel, sb: number, m0: number, count: number): number {
  const { mb, pgs, sb: s } = k
  KASSERT(s.sb_fnrdy[sb] !== 0, 'sbready: the buffer waits for data')
  KASSERT(count > 0, 'sbready: at least one unit became ready')
  const blocker = s.sb_fnrdy[sb] === m0 ? M_BLOCKED : 0
  let m = m0
  while (count > 0) {
    KASSERT((mb.m_flags[m] & M_NOTREADY) !== 0, 'sbready: what becomes ready was not ready before')
    if ((mb.m_flags[m] & M_EXT) !== 0 && mb.ext_type[m] === EXT_PGS) {
      const p = mb.ext_buf[m]
      const nrdy = pgs.nrdy[p]
      if (count < nrdy) {
        pgs.nrdy[p] = nrdy - count
        break
      }
      count -= nrdy
      pgs.nrdy[p] = 0
    } else count--
    mb.m_flags[m] &= ~(M_NOTREADY | blocker)
    if (blocker !== 0) s.sb_acc[sb] += mb.m_len[m]
    m = mb.m_next[m]!
  }
  if (m === m0) return EINPROGRESS
  if (blocker === 0) {
    sbready_compress(k, sb, m0, m)
    if (k.debug) sbcheck(k, sb)
    return EINPROGRESS
  }
  for (; m !== 0 && (mb.m_flags[m] & M_NOTREADY) === 0; m = mb.m_next[m]!) {
    KASSERT((mb.m_flags[m] & M_BLOCKED) !== 0, 'sbready: ready data behind data that is not ready is blocked')
    mb.m_flags[m] &= ~M_BLOCKED
    s.sb_acc[sb] += mb.m_len[m]
  }
  s.sb_fnrdy[sb] = m
  sbready_compress(k, sb, m0, m)
  if (k.debug) sbcheck(k, sb)
  return 0
}

/** Catches up on what sbcompress could not do while data was missing: [m0, end). uipc_sockbuf.c sbready_compress (read; r349530). */
function sbready_compress(k: Kernel, sb: number, m0: number, end: number): void {
  const { mb, sb: s } = k
  if ((s.sb_flags[sb] & SB_NOCOALESCE) !== 0) return
  for (let m = m0; m !== end; m = mb.m_next[m]!) {
    KASSERT((mb.m_flags[m] & M_NOTREADY) === 0, 'sbready_compress: everything in the range is ready')
    if ((mb.m_flags[m] & M_NOMAP) !== 0 && mb.m_len[m] <= MLEN) {
      const ext_size = mb.ext_size[m]
      if (mb_unmapped_compress(k, m) === 0) {
        s.sb_mbcnt[sb] -= ext_size
        s.sb_ccnt[sb]--
        k.mbstat.ready_compressed++
      }
    }
    let n = mb.m_next[m]
    while (
      n !== 0 &&
      n !== end &&
      (mb.m_flags[m] & (M_EOR | M_NOMAP)) === 0 &&
      mb.m_len[n] <= COALESCE_MAX &&
      mb.m_type[m] === mb.m_type[n] &&
      M_WRITABLE(k, m) &&
      mb.m_len[n] <= M_TRAILINGSPACE(k, m)
    ) {
      KASSERT(s.sb_lastrecord[sb] !== n, 'sbready_compress: the start of a record is not merged into the record before')
      mergeInto(k, m, n)
      mb.m_next[m] = mb.m_next[n]!
      mb.m_flags[m] |= mb.m_flags[n] & M_EOR
      if (s.sb_mbtail[sb] === n) s.sb_mbtail[sb] = m
      s.sb_mbcnt[sb] -= MSIZE
      s.sb_mcnt[sb]--
      if ((mb.m_flags[n] & M_EXT) !== 0) {
        s.sb_mbcnt[sb] -= mb.ext_size[n]
        s.sb_ccnt[sb]--
      }
      m_free(k, n)
      k.mbstat.ready_merged++
      n = mb.m_next[m]!
    }
  }
}

// --------------------------------------------------------------------------------------------------------------------------------- removal

/**
 * Cuts `len` bytes from the front. Mbufs that are not ready are unlinked but belong to their I/O.
 * @returns the mbufs to free, **last one first**. uipc_sockbuf.c sbcut_internal (read; errata B1).
 */
export function sbcut(k: Kernel, sb: number, len: number): number {
  const { mb, sb: s } = k
  KASSERT(len >= 0, 'sbcut: the length is not negative')
  KASSERT(len <= s.sb_ccc[sb], 'sbcut: the buffer holds as many bytes as are cut')
  let m = s.sb_mb[sb]
  let next = m !== 0 ? mb.m_nextpkt[m] : 0
  let mfree = 0
  while (len > 0) {
    if (m === 0) {
      KASSERT(next !== 0, 'sbcut: the records hold as many bytes as the buffer counts')
      m = next
      next = mb.m_nextpkt[m]!
    }
    if (mb.m_len[m] > len) {
      KASSERT((mb.m_flags[m] & M_NOTAVAIL) === 0, 'sbcut: a partial cut hits available data only')
      mb.m_len[m] -= len
      mb.m_data[m] += len
      s.sb_ccc[sb] -= len
      s.sb_acc[sb] -= len
      if (s.sb_sndptroff[sb] !== 0) s.sb_sndptroff[sb] -= len
      const type = mb.m_type[m]
      if (type !== MT_DATA && type !== MT_OOBDATA) s.sb_ctl[sb] -= len
      break
    }
    len -= mb.m_len[m]
    sbfree(k, sb, m)
    if (k.cost.on) chargeRelease(k, m)
    if ((mb.m_flags[m] & M_NOTREADY) !== 0) m = mb.m_next[m]!
    else {
      const n = mb.m_next[m]
      mb.m_next[m] = mfree
      mfree = m
      m = n
    }
  }
  while (m !== 0 && mb.m_len[m] === 0) {
    sbfree(k, sb, m)
    const n = mb.m_next[m]
    mb.m_next[m] = mfree
    mfree = m
    m = n
  }
  if (m !== 0) {
    s.sb_mb[sb] = m
    mb.m_nextpkt[m] = next
  } else s.sb_mb[sb] = next
  m = s.sb_mb[sb]!
  if (m === 0) {
    s.sb_mbtail[sb] = 0
    s.sb_lastrecord[sb] = 0
  } else if (mb.m_nextpkt[m] === 0) s.sb_lastrecord[sb] = m
  if (k.debug) sbcheck(k, sb)
  return mfree
}

/** An mbuf that leaves a send buffer was last touched a round trip ago: its lines, and those of a page array, come from memory. */
function chargeRelease(k: Kernel, m: number): void {
  const { cost, mb } = k
  cost.charge(CAUSE.protocol, cost.p.mfreeMbuf)
  cost.chargeMisses(cost.p.mbufLines)
  if ((mb.m_flags[m] & M_NOMAP) !== 0) cost.chargeMisses(pgsLines(k.pgs.npgs[mb.ext_buf[m]]))
}

/** Drops `len` bytes from the front. uipc_sockbuf.c sbdrop_locked (read). */
export function sbdrop(k: Kernel, sb: number, len: number): void {
  m_freem(k, sbcut(k, sb, len))
}

/** Drops everything. uipc_sockbuf.c sbflush_internal (read). */
export function sbflush(k: Kernel, sb: number): void {
  const { mb, sb: s } = k
  while (s.sb_mbcnt[sb] !== 0) {
    // Nothing to cut and no empty mbuf in front either: the counters are wrong, and the assertion below says so.
    if (s.sb_ccc[sb] === 0 && (s.sb_mb[sb] === 0 || mb.m_len[s.sb_mb[sb]] !== 0)) break
    sbdrop(k, sb, s.sb_ccc[sb])
  }
  KASSERT(s.sb_ccc[sb] === 0 && s.sb_mb[sb] === 0 && s.sb_mbcnt[sb] === 0, 'sbflush: an empty buffer counts nothing')
}

/** Drops the first record. uipc_sockbuf.c sbdroprecord_locked (read). */
export function sbdroprecord(k: Kernel, sb: number): void {
  const { mb, sb: s } = k
  let m = s.sb_mb[sb]
  if (m !== 0) {
    s.sb_mb[sb] = mb.m_nextpkt[m]!
    do {
      sbfree(k, sb, m)
      m = m_free(k, m)
    } while (m !== 0)
  }
  if (s.sb_mb[sb] === 0) {
    s.sb_mbtail[sb] = 0
    s.sb_lastrecord[sb] = 0
  } else if (mb.m_nextpkt[s.sb_mb[sb]] === 0) s.sb_lastrecord[sb] = s.sb_mb[sb]!
}

// ---------------------------------------------------------------------------------------------------------------------------- send pointer

/** Offset inside the mbuf found by the last {@link sbsndptr_noadv} or {@link sbsndmbuf}. */
export let sndMoff = 0

/** The mbuf where sending from offset `off` starts looking; offset from its start in {@link sndMoff}. uipc_sockbuf.c sbsndptr_noadv (read; B3). */
export function sbsndptr_noadv(k: Kernel, sb: number, off: number): number {
  const s = k.sb
  KASSERT(s.sb_mb[sb] !== 0, 'sbsndptr: the buffer is not empty')
  if (s.sb_sndptr[sb] === 0 || s.sb_sndptroff[sb] > off) {
    sndMoff = off
    if (s.sb_sndptr[sb] === 0) {
      s.sb_sndptr[sb] = s.sb_mb[sb]!
      s.sb_sndptroff[sb] = 0
    }
    return s.sb_mb[sb]
  }
  sndMoff = off - s.sb_sndptroff[sb]
  return s.sb_sndptr[sb]
}

/** Moves the cached position on by `len` bytes counted from the start of mbuf `m`, if that is the cached one. sbsndptr_adv (read; errata B2). */
export function sbsndptr_adv(k: Kernel, sb: number, m: number, len: number): void {
  const { mb, sb: s } = k
  if (m !== s.sb_sndptr[sb]) return
  while (m !== 0 && len > 0) {
    const mlen = mb.m_len[m]
    const next = mb.m_next[m]
    if (len < mlen) break
    len -= mlen
    if (next !== 0) {
      s.sb_sndptroff[sb] += mlen
      s.sb_sndptr[sb] = next
    }
    m = next
  }
}

/** The mbuf that holds send offset `off`, its offset in {@link sndMoff}; the cache stays. uipc_sockbuf.c sbsndmbuf (read). */
export function sbsndmbuf(k: Kernel, sb: number, off: number): number {
  const { mb, sb: s } = k
  KASSERT(s.sb_mb[sb] !== 0, 'sbsndmbuf: the buffer is not empty')
  let m: number
  if (s.sb_sndptr[sb] === 0 || s.sb_sndptroff[sb] > off) m = s.sb_mb[sb]!
  else {
    m = s.sb_sndptr[sb]!
    off -= s.sb_sndptroff[sb]
  }
  while (off > 0 && m !== 0) {
    if (off < mb.m_len[m]) break
    off -= mb.m_len[m]
    m = mb.m_next[m]!
  }
  sndMoff = off
  return m
}

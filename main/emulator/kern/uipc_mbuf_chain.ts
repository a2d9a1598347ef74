/**
 * Operations on mbuf chains: sharing, joining, trimming, headers, reading. First part of sys/kern/uipc_mbuf.c of mid 2019 (read;
 * kernel-mbuf-sendfile 3.5, errata B9–B15); the kernel's file has 2000 lines.
 *
 * Where the kernel follows a pointer into an mbuf, `mtodAddr` is asked; for an unmapped mbuf it panics with a sentence instead of reading wild
 * memory. m_data is relative to the start of storage, and the internal storage of a header mbuf starts 56 bytes later: code that takes M_PKTHDR
 * from a plain mbuf moves m_data along (`clearPktHdr`).
 */
import type { Kernel } from '../kernel'
import { CAUSE } from '../machine/cost'
import {
  CSUM_SND_TAG,
  EXT_EXTREF,
  EXT_FLAG_EMBREF,
  MBUF_PEXT_MAX_PGS,
  MHLEN,
  MLEN,
  M_COPYALL,
  M_COPYFLAGS,
  M_EXT,
  M_NOFREE,
  M_NOMAP,
  M_PKTHDR,
  M_RDONLY,
  PKTHDR_LEN,
  max_protohdr,
} from '../sys/mbuf'
import { M_NOWAIT } from '../sys/param'
import { ENOBUFS } from '../sys/errno'
import { KASSERT } from '../sys/systm'
import { m_get, m_gethdr, m_pkthdr_init } from './kern_mbuf_alloc'
import { m_free, m_freem } from './kern_mbuf_free'
import {
  M_ALIGN,
  M_LEADINGSPACE,
  M_SIZE,
  M_TRAILINGSPACE,
  M_WRITABLE,
  mbuf_ext_pg_len,
  mtodAddr,
  pgsHdrAddr,
  pgsTrailAddr,
} from './mbuf_inline'
import { M_ASSERTPKTHDR, m_tag_copy_chain, m_tag_delete_chain, tagsDtor } from './uipc_mbuf2'

// -------------------------------------------------------------------------------------------------------------------- sharing and headers

/** Shares m's external storage with n (which has none): counts one more holder. uipc_mbuf.c mb_dupcl (read). */
export function mb_dupcl(k: Kernel, n: number, m: number): void {
  const mb = k.mb
  KASSERT((mb.m_flags[m] & M_EXT) !== 0, 'mb_dupcl: the source has external storage')
  KASSERT((mb.m_flags[n] & M_EXT) === 0, 'mb_dupcl: the target has none')
  const type = mb.ext_type[m]
  mb.ext_buf[n] = mb.ext_buf[m]!
  mb.ext_size[n] = mb.ext_size[m]!
  mb.ext_type[n] = type
  mb.ext_flags[n] = mb.ext_flags[m] & ~EXT_FLAG_EMBREF
  const owner = mb.ext_cnt[m]
  mb.ext_cnt[n] = owner
  mb.m_flags[n] |= M_EXT | (mb.m_flags[m] & (M_RDONLY | M_NOMAP))
  if (type === EXT_EXTREF) {
    mb.ext_flags[n] = mb.ext_flags[m]!
    mb.ext_free[n] = mb.ext_free[m]!
    mb.ext_arg1[n] = mb.ext_arg1[m]!
    mb.ext_arg2[n] = mb.ext_arg2[m]!
    k.extref.count[owner]++
  } else {
    // Only the owner keeps routine and arguments.
    mb.ext_free[n] = 0
    mb.ext_arg1[n] = 0
    mb.ext_arg2[n] = 0
    const count = mb.ext_count[owner]
    mb.ext_count[owner] = count + 1
    if (k.cost.on && count !== 1) k.cost.charge(CAUSE.lock, k.cost.p.atomic)
  }
}

/** Charges what sharing or copying one mbuf of a chain costs (m_copym, tcp_m_copym): the work, the cold lines of the original, the lines of the copy. */
export function chargeCopym(k: Kernel): void {
  const { cost } = k
  cost.charge(CAUSE.protocol, cost.p.mcopymMbuf)
  cost.chargeMisses(cost.p.mbufLines)
  cost.charge(CAUSE.cache, cost.p.mbufLines * cost.p.lineLlc)
}

/** Takes the packet header away from an mbuf; the data stays where it is. */
export function clearPktHdr(k: Kernel, m: number): void {
  const mb = k.mb
  const flags = mb.m_flags[m]
  if ((flags & M_PKTHDR) === 0) return
  mb.m_flags[m] = flags & ~M_PKTHDR
  if ((flags & M_EXT) === 0) mb.m_data[m] += PKTHDR_LEN
}

/** Removes the packet header of one mbuf. uipc_mbuf.c m_demote_pkthdr (read). */
export function m_demote_pkthdr(k: Kernel, m: number): void {
  KASSERT((k.mb.m_flags[m] & M_PKTHDR) !== 0, 'm_demote_pkthdr: the mbuf has a packet header')
  if (k.mb.ph_tags[m] !== 0) m_tag_delete_chain(k, m, 0)
  clearPktHdr(k, m)
  m_pkthdr_init(k, m)
}

/**
 * Removes packet headers and all flags but those of the storage and `flags` from a chain; from the first mbuf only if `all`.
 * uipc_mbuf.c m_demote (read).
 */
export function m_demote(k: Kernel, m0: number, all: boolean, flags: number): void {
  const mb = k.mb
  for (let m = all ? m0 : mb.m_next[m0]; m !== 0; m = mb.m_next[m]!) {
    KASSERT(mb.m_nextpkt[m] === 0, 'm_demote: an mbuf inside a chain starts no packet')
    if ((mb.m_flags[m] & M_PKTHDR) !== 0) m_demote_pkthdr(k, m)
    mb.m_flags[m] = mb.m_flags[m] & (M_EXT | M_RDONLY | M_NOFREE | M_NOMAP | flags)
  }
}

function copyPktHdr(k: Kernel, to: number, from: number): void {
  const mb = k.mb
  mb.m_flags[to] = (mb.m_flags[from] & M_COPYFLAGS) | (mb.m_flags[to] & (M_EXT | M_NOMAP))
  if ((mb.m_flags[to] & M_EXT) === 0) mb.m_data[to] = 0
  mb.ph_rcvif[to] = mb.ph_rcvif[from]!
  mb.ph_tags[to] = mb.ph_tags[from]!
  mb.ph_len[to] = mb.ph_len[from]!
  mb.ph_flowid[to] = mb.ph_flowid[from]!
  mb.ph_csum_flags[to] = mb.ph_csum_flags[from]!
  mb.ph_fibnum[to] = mb.ph_fibnum[from]!
  mb.ph_numa_domain[to] = mb.ph_numa_domain[from]!
  mb.ph_rsstype[to] = mb.ph_rsstype[from]!
  mb.ph_rcv_tstmp[to] = mb.ph_rcv_tstmp[from]!
  mb.ph_l2hlen[to] = mb.ph_l2hlen[from]!
  mb.ph_l3hlen[to] = mb.ph_l3hlen[from]!
  mb.ph_l4hlen[to] = mb.ph_l4hlen[from]!
  mb.ph_l5hlen[to] = mb.ph_l5hlen[from]!
  mb.ph_ether_vtag[to] = mb.ph_ether_vtag[from]!
  mb.ph_tso_segsz[to] = mb.ph_tso_segsz[from]!
  mb.ph_lro_nsegs[to] = mb.ph_lro_nsegs[from]!
  mb.ph_csum_data[to] = mb.ph_csum_data[from]!
  mb.ph_eight0[to] = mb.ph_eight0[from]!
  mb.ph_eight1[to] = mb.ph_eight1[from]!
  mb.ph_eight2[to] = mb.ph_eight2[from]!
  mb.ph_eight3[to] = mb.ph_eight3[from]!
  mb.ph_eight4[to] = mb.ph_eight4[from]!
}

/** Moves the packet header to an mbuf that is still empty. uipc_mbuf.c m_move_pkthdr (read). */
export function m_move_pkthdr(k: Kernel, to: number, from: number): void {
  tagsDtor(k, to)
  copyPktHdr(k, to, from)
  k.mb.ph_tags[from] = 0
  clearPktHdr(k, from)
  const csum = k.mb.ph_csum_flags[from]
  if (csum >= CSUM_SND_TAG) k.mb.ph_csum_flags[from] = csum - CSUM_SND_TAG
}

/** Copies the packet header, tags included, to an mbuf that is still empty. False: there was no memory for the tags. uipc_mbuf.c m_dup_pkthdr (read). */
export function m_dup_pkthdr(k: Kernel, to: number, from: number): boolean {
  copyPktHdr(k, to, from)
  k.mb.ph_tags[to] = 0
  return k.mb.ph_tags[from] === 0 || m_tag_copy_chain(k, to, from)
}

/** m_prepend's slow path: a new first mbuf with `len` bytes of room; 0 and the chain freed on failure. uipc_mbuf.c m_prepend (read). */
export function m_prepend(k: Kernel, m: number, len: number, how: number): number {
  const mb = k.mb
  const hdr = (mb.m_flags[m] & M_PKTHDR) !== 0
  const n = hdr ? m_gethdr(k, how, mb.m_type[m]) : m_get(k, how, mb.m_type[m])
  if (n === 0) {
    m_freem(k, m)
    return 0
  }
  if (hdr) m_move_pkthdr(k, n, m)
  k.mb.m_next[n] = m
  if (len < M_SIZE(k, n)) M_ALIGN(k, n, len)
  k.mb.m_len[n] = len
  return n
}

/** Makes room for `len` bytes in front, in place if there is leading space. @returns the head, 0 with the chain freed. mbuf.h M_PREPEND (read). */
export function M_PREPEND(k: Kernel, m: number, len: number, how: number): number {
  if (M_LEADINGSPACE(k, m) >= len) {
    k.mb.m_data[m] -= len
    k.mb.m_len[m] += len
  } else {
    m = m_prepend(k, m, len, how)
    if (m === 0) return 0
  }
  if ((k.mb.m_flags[m] & M_PKTHDR) !== 0) k.mb.ph_len[m] += len
  return m
}

// ---------------------------------------------------------------------------------------------------------------------------- copy by sharing

/**
 * A read-only copy of `len` bytes from offset `off0`: external storage is shared, internal data copied. len = M_COPYALL: to the end.
 * @returns the copy or 0. uipc_mbuf.c m_copym (read).
 */
export function m_copym(k: Kernel, m: number, off0: number, len: number, how: number): number {
  KASSERT(off0 >= 0 && len >= 0, 'm_copym: offset and length are not negative')
  let off = off0
  let copyhdr = off === 0 && (k.mb.m_flags[m] & M_PKTHDR) !== 0
  while (off > 0) {
    KASSERT(m !== 0, 'm_copym: the offset lies in the chain')
    if (off < k.mb.m_len[m]) break
    off -= k.mb.m_len[m]
    m = k.mb.m_next[m]!
  }
  let top = 0
  let last = 0
  while (len > 0) {
    if (m === 0) {
      KASSERT(len === M_COPYALL, 'm_copym: the range lies in the chain')
      break
    }
    const n = copyhdr ? m_gethdr(k, how, k.mb.m_type[m]) : m_get(k, how, k.mb.m_type[m])
    if (n === 0) {
      m_freem(k, top)
      return 0
    }
    const mb = k.mb
    if (top === 0) top = n
    else mb.m_next[last] = n
    last = n
    if (copyhdr) {
      if (!m_dup_pkthdr(k, n, m)) {
        m_freem(k, top)
        return 0
      }
      if (len === M_COPYALL) mb.ph_len[n] -= off0
      else mb.ph_len[n] = len
      copyhdr = false
    }
    const count = Math.min(len, mb.m_len[m] - off)
    mb.m_len[n] = count
    if ((mb.m_flags[m] & M_EXT) !== 0) {
      mb.m_data[n] = mb.m_data[m] + off
      mb_dupcl(k, n, m)
    } else {
      k.phys.copy(mtodAddr(k, m) + off, mtodAddr(k, n), count)
      if (k.cost.on) k.cost.charge(CAUSE.copy, count * k.cost.p.copyByteWarm)
    }
    if (k.cost.on) chargeCopym(k)
    if (len !== M_COPYALL) len -= count
    off = 0
    m = mb.m_next[m]!
  }
  return top
}

/** A read-only copy of a whole packet; keeps the place of the data in the first mbuf. @returns the copy or 0. uipc_mbuf.c m_copypacket (read). */
export function m_copypacket(k: Kernel, m: number, how: number): number {
  M_ASSERTPKTHDR(k, m)
  let top = 0
  let last = 0
  for (; m !== 0; m = k.mb.m_next[m]!) {
    const n = m_get(k, how, k.mb.m_type[m])
    if (n === 0) {
      m_freem(k, top)
      return 0
    }
    const mb = k.mb
    if (top === 0) {
      top = n
      if (!m_dup_pkthdr(k, n, m)) {
        m_free(k, n)
        return 0
      }
      if ((mb.m_flags[m] & M_EXT) === 0) mb.m_data[n] = mb.m_data[m]!
    } else mb.m_next[last] = n
    last = n
    mb.m_len[n] = mb.m_len[m]!
    if ((mb.m_flags[m] & M_EXT) !== 0) {
      mb.m_data[n] = mb.m_data[m]!
      mb_dupcl(k, n, m)
    } else k.phys.copy(mtodAddr(k, m), mtodAddr(k, n), mb.m_len[m])
    if (k.cost.on) chargeCopym(k)
  }
  return top
}

// ------------------------------------------------------------------------------------------------------------------------------------ reading

/** Copies `len` visible bytes of an unmapped mbuf from offset `off` on. uipc_mbuf.c m_copyfromunmapped, m_unmappedtouio (read). */
export function copyFromUnmapped(k: Kernel, m: number, off: number, len: number, dst: Uint8Array, at: number): void {
  const { mb, pgs, phys } = k
  KASSERT(off >= 0 && len >= 0, 'm_copyfromunmapped: offset and length are not negative')
  KASSERT(
    off < mb.m_len[m],
    'm_copyfromunmapped: the offset lies in the mbuf (an unmapped mbuf without data cannot be read)',
  )
  k.mbstat.unmapped_read_bytes += len
  const p = mb.ext_buf[m]
  off += mb.m_data[m]
  const hdr = pgs.hdr_len[p]
  if (hdr !== 0) {
    if (off >= hdr) off -= hdr
    else {
      const s = Math.min(hdr - off, len)
      phys.copyOut(pgsHdrAddr(k, p) + off, s, dst, at)
      off = 0
      at += s
      len -= s
    }
  }
  let pgoff = pgs.first_pg_off[p]
  const npgs = pgs.npgs[p]
  for (let i = 0; i < npgs && len > 0; i++) {
    const pglen = mbuf_ext_pg_len(k, p, i, pgoff)
    if (off >= pglen) {
      off -= pglen
      pgoff = 0
      continue
    }
    const s = Math.min(pglen - off, len)
    phys.copyOut(pgs.pa[p * MBUF_PEXT_MAX_PGS + i] * 4096 + pgoff + off, s, dst, at)
    off = 0
    pgoff = 0
    at += s
    len -= s
  }
  if (len !== 0) {
    KASSERT(off + len <= pgs.trail_len[p], 'm_unmappedtouio: bytes behind the pages lie in the trailer')
    phys.copyOut(pgsTrailAddr(k, p) + off, len, dst, at)
  }
}

/**
 * Copies `len` bytes from offset `off` of a chain to `dst` at `at`. Safe for unmapped mbufs. To copy into an mbuf pass `k.phys.ram` and its address.
 * uipc_mbuf.c m_copydata (read; errata A5).
 */
export function m_copydata(k: Kernel, m: number, off: number, len: number, dst: Uint8Array, at: number): void {
  const mb = k.mb
  KASSERT(off >= 0 && len >= 0, 'm_copydata: offset and length are not negative')
  while (off > 0) {
    KASSERT(m !== 0, 'm_copydata: the offset lies in the chain')
    if (off < mb.m_len[m]) break
    off -= mb.m_len[m]
    m = mb.m_next[m]!
  }
  while (len > 0) {
    KASSERT(m !== 0, 'm_copydata: the range lies in the chain')
    const count = Math.min(mb.m_len[m] - off, len)
    const flags = mb.m_flags[m]
    if ((flags & M_NOMAP) !== 0) copyFromUnmapped(k, m, off, count, dst, at)
    else if (count > 0) k.phys.copyOut(mtodAddr(k, m) + off, count, dst, at)
    if (k.cost.on)
      k.cost.charge(CAUSE.copy, count * ((flags & M_EXT) !== 0 ? k.cost.p.copyByte : k.cost.p.copyByteWarm))
    len -= count
    at += count
    off = 0
    m = mb.m_next[m]!
  }
}

/** Bytes of a chain; 0 for the empty one. uipc_mbuf.c m_length (read). */
export function m_length(k: Kernel, m: number): number {
  let len = 0
  for (; m !== 0; m = k.mb.m_next[m]!) len += k.mb.m_len[m]
  return len
}

/** Last mbuf of a chain. sys/sys/mbuf.h m_last (read). */
export function m_last(k: Kernel, m: number): number {
  while (k.mb.m_next[m] !== 0) m = k.mb.m_next[m]!
  return m
}

/** Sets the packet length to the length of the chain. uipc_mbuf.c m_fixhdr (read). */
export function m_fixhdr(k: Kernel, m: number): number {
  return (k.mb.ph_len[m] = m_length(k, m))
}

/** Offset found by the last {@link m_getptr}. */
export let getptrOff = 0
/** Mbuf that holds byte `loc`, its offset in {@link getptrOff}; the end of the data counts as the last mbuf; 0 beyond. uipc_mbuf.c m_getptr (read). */
export function m_getptr(k: Kernel, m: number, loc: number): number {
  const mb = k.mb
  while (loc >= 0) {
    if (mb.m_len[m] > loc) {
      getptrOff = loc
      return m
    }
    loc -= mb.m_len[m]
    if (mb.m_next[m] === 0) {
      if (loc !== 0) return 0
      getptrOff = mb.m_len[m]!
      return m
    }
    m = mb.m_next[m]!
  }
  return 0
}

/**
 * Calls `f` with the address of every mapped piece of a range; stops at the first non-zero answer and returns it. Unmapped mbufs are not supported:
 * their bytes have no address. uipc_mbuf.c m_apply (read).
 */
export function m_apply(
  k: Kernel,
  m: number,
  off: number,
  len: number,
  f: (address: number, len: number) => number,
): number {
  const mb = k.mb
  KASSERT(off >= 0 && len >= 0, 'm_apply: offset and length are not negative')
  while (off > 0) {
    KASSERT(m !== 0, 'm_apply: the offset lies in the chain')
    if (off < mb.m_len[m]) break
    off -= mb.m_len[m]
    m = mb.m_next[m]!
  }
  while (len > 0) {
    KASSERT(m !== 0, 'm_apply: the range lies in the chain')
    const count = Math.min(mb.m_len[m] - off, len)
    if (count > 0) {
      const answer = f(mtodAddr(k, m) + off, count)
      if (answer !== 0) return answer
    }
    len -= count
    off = 0
    m = mb.m_next[m]!
  }
  return 0
}

// ------------------------------------------------------------------------------------------------------------------------ joining and trimming

/** Joins chain n to m, copying small mapped mbufs into trailing space. Packet lengths are not touched. uipc_mbuf.c m_cat (read). */
export function m_cat(k: Kernel, m: number, n: number): void {
  const mb = k.mb
  m = m_last(k, m)
  while (n !== 0) {
    const len = mb.m_len[n]
    if (!M_WRITABLE(k, m) || (mb.m_flags[n] & M_NOMAP) !== 0 || M_TRAILINGSPACE(k, m) < len) {
      mb.m_next[m] = n
      return
    }
    if (len > 0) k.phys.copy(mtodAddr(k, n), mtodAddr(k, m) + mb.m_len[m], len)
    if (k.cost.on) k.cost.charge(CAUSE.copy, len * k.cost.p.copyByteWarm)
    mb.m_len[m] += len
    n = m_free(k, n)
  }
}

/** Joins two packets into one. uipc_mbuf.c m_catpkt (read). */
export function m_catpkt(k: Kernel, m: number, n: number): void {
  const mb = k.mb
  KASSERT((mb.m_flags[m] & mb.m_flags[n] & M_PKTHDR) !== 0, 'm_catpkt: both chains are packets')
  mb.ph_len[m] += mb.ph_len[n]
  m_demote(k, n, true, 0)
  m_cat(k, m, n)
}

/** Trims `reqLen` bytes from the front (positive) or the end (negative); empty mbufs stay in front. uipc_mbuf.c m_adj (read; errata B13). */
export function m_adj(k: Kernel, mp: number, reqLen: number): void {
  if (mp === 0) return
  const mb = k.mb
  let m = mp
  if (reqLen >= 0) {
    let len = reqLen
    while (m !== 0 && len > 0) {
      if (mb.m_len[m] <= len) {
        len -= mb.m_len[m]
        mb.m_len[m] = 0
        m = mb.m_next[m]!
      } else {
        mb.m_len[m] -= len
        mb.m_data[m] += len
        len = 0
      }
    }
    if ((mb.m_flags[mp] & M_PKTHDR) !== 0) mb.ph_len[mp] -= reqLen - len
    return
  }
  const len = -reqLen
  let count = 0
  for (;;) {
    count += mb.m_len[m]
    if (mb.m_next[m] === 0) break
    m = mb.m_next[m]!
  }
  if (mb.m_len[m] >= len) {
    mb.m_len[m] -= len
    if ((mb.m_flags[mp] & M_PKTHDR) !== 0) mb.ph_len[mp] -= len
    return
  }
  count = Math.max(count - len, 0)
  if ((mb.m_flags[mp] & M_PKTHDR) !== 0) mb.ph_len[mp] = count
  for (m = mp; m !== 0; m = mb.m_next[m]!) {
    if (mb.m_len[m] >= count) {
      mb.m_len[m] = count
      if (mb.m_next[m] !== 0) {
        m_freem(k, mb.m_next[m])
        mb.m_next[m] = 0
      }
      break
    }
    count -= mb.m_len[m]
  }
}

/** Bytes between the end of the data and the end of an mbuf's internal storage, whatever its kind. */
function internalRoom(k: Kernel, m: number): number {
  return ((k.mb.m_flags[m] & M_PKTHDR) !== 0 ? MHLEN : MLEN) - k.mb.m_data[m] - k.mb.m_len[m]
}

/** Moves bytes from the chain n to the end of m until `len` more are there (and up to max_protohdr if there is room). @returns what is left of n. */
function gather(k: Kernel, m: number, n: number, len: number): { n: number; len: number } {
  const mb = k.mb
  let space = internalRoom(k, m)
  do {
    const count = Math.min(Math.max(len, max_protohdr), space, mb.m_len[n])
    if (count > 0) {
      k.phys.copy(mtodAddr(k, n), mtodAddr(k, m) + mb.m_len[m], count)
      if (k.cost.on) k.cost.charge(CAUSE.copy, count * k.cost.p.copyByteWarm)
    }
    len -= count
    mb.m_len[m] += count
    mb.m_len[n] -= count
    space -= count
    if (mb.m_len[n] !== 0) mb.m_data[n] += count
    else n = m_free(k, n)
  } while (len > 0 && n !== 0)
  return { n, len }
}

/**
 * Makes the first `len` bytes of a chain contiguous in its first mbuf. The first mbuf must be mapped.
 * @returns the chain, or 0 with the chain freed. uipc_mbuf.c m_pullup (read).
 */
export function m_pullup(k: Kernel, n: number, len: number): number {
  const mb = k.mb
  KASSERT((mb.m_flags[n] & M_NOMAP) === 0, 'm_pullup: the first mbuf is mapped')
  let m: number
  // "Room" is meant as in the kernel: the bytes would end before the end of the internal storage, not at it.
  const hdr = (mb.m_flags[n] & M_PKTHDR) !== 0 ? MHLEN : MLEN
  if ((mb.m_flags[n] & M_EXT) === 0 && mb.m_data[n] + len < hdr && mb.m_next[n] !== 0) {
    if (mb.m_len[n] >= len) return n
    m = n
    n = mb.m_next[n]!
    len -= mb.m_len[m]
  } else {
    m = len > MHLEN ? 0 : m_get(k, M_NOWAIT, mb.m_type[n])
    if (m === 0) {
      m_freem(k, n)
      return 0
    }
    if ((k.mb.m_flags[n] & M_PKTHDR) !== 0) m_move_pkthdr(k, m, n)
  }
  const rest = gather(k, m, n, len)
  if (rest.len > 0) {
    m_free(k, m)
    m_freem(k, rest.n)
    return 0
  }
  k.mb.m_next[m] = rest.n
  return m
}

/**
 * Like {@link m_pullup}, always into a new mbuf, with `dstoff` bytes left free in front. @returns the chain, or 0 with the chain freed.
 * uipc_mbuf.c m_copyup (read).
 */
export function m_copyup(k: Kernel, n: number, len: number, dstoff: number): number {
  const m = len > MHLEN - dstoff ? 0 : m_get(k, M_NOWAIT, k.mb.m_type[n])
  if (m === 0) {
    m_freem(k, n)
    return 0
  }
  if ((k.mb.m_flags[n] & M_PKTHDR) !== 0) m_move_pkthdr(k, m, n)
  k.mb.m_data[m] += dstoff
  const rest = gather(k, m, n, len)
  if (rest.len > 0) {
    m_free(k, m)
    m_freem(k, rest.n)
    return 0
  }
  k.mb.m_next[m] = rest.n
  return m
}

// --------------------------------------------------------------------------------------------------------------------------------- writing back

/**
 * Writes `len` bytes of `src` into a chain from offset `off` on, extending it as needed (a gap is zeroed).
 * @returns 0 or ENOBUFS. uipc_mbuf.c m_copyback2 (read). Unmapped mbufs panic: they cannot be written.
 */
export function m_copyback(
  k: Kernel,
  m0: number,
  off: number,
  len: number,
  src: Uint8Array,
  at = 0,
  how = M_NOWAIT,
): number {
  if (m0 === 0) return 0
  let m = m0
  let totlen = 0
  let error = 0
  while (off > k.mb.m_len[m]) {
    const mlen = k.mb.m_len[m]
    off -= mlen
    totlen += mlen
    if (k.mb.m_next[m] === 0) {
      const n = m_get(k, how, k.mb.m_type[m])
      if (n === 0) {
        error = ENOBUFS
        break
      }
      k.phys.fill(mtodAddr(k, n), MLEN, 0)
      k.mb.m_len[n] = Math.min(MLEN, len + off)
      k.mb.m_next[m] = n
    }
    m = k.mb.m_next[m]!
  }
  while (error === 0 && len > 0) {
    const mb = k.mb
    if (mb.m_next[m] === 0 && len > mb.m_len[m] - off)
      mb.m_len[m] += Math.min(len - (mb.m_len[m] - off), M_TRAILINGSPACE(k, m))
    const mlen = Math.min(mb.m_len[m] - off, len)
    if (mlen > 0) k.phys.copyIn(src, at, mlen, mtodAddr(k, m) + off)
    at += mlen
    len -= mlen
    totlen += mlen + off
    off = 0
    if (len === 0) break
    if (mb.m_next[m] === 0) {
      const n = m_get(k, how, mb.m_type[m])
      if (n === 0) {
        error = ENOBUFS
        break
      }
      k.mb.m_len[n] = Math.min(MLEN, len)
      k.mb.m_next[m] = n
    }
    m = k.mb.m_next[m]!
  }
  if ((k.mb.m_flags[m0] & M_PKTHDR) !== 0 && k.mb.ph_len[m0] < totlen) k.mb.ph_len[m0] = totlen
  return error
}

/** Appends bytes to a chain, into trailing space and new mbufs. @returns true if all went in. uipc_mbuf.c m_append (read). */
export function m_append(k: Kernel, m0: number, len: number, src: Uint8Array, at = 0): boolean {
  let m = m_last(k, m0)
  let rest = len
  const space = Math.min(M_TRAILINGSPACE(k, m), rest)
  if (space > 0) {
    k.phys.copyIn(src, at, space, mtodAddr(k, m) + k.mb.m_len[m])
    k.mb.m_len[m] += space
    at += space
    rest -= space
  }
  while (rest > 0) {
    const n = m_get(k, M_NOWAIT, k.mb.m_type[m])
    if (n === 0) break
    const s = Math.min(MLEN, rest)
    k.mb.m_len[n] = s
    k.phys.copyIn(src, at, s, mtodAddr(k, n))
    at += s
    rest -= s
    k.mb.m_next[m] = n
    m = n
  }
  if ((k.mb.m_flags[m0] & M_PKTHDR) !== 0) k.mb.ph_len[m0] += len - rest
  return rest === 0
}

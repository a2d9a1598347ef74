/**
 * tcp_m_copym: the payload of a packet shares the mbufs of the socket buffer, within the segment limits of TSO. Source: sys/netinet/tcp_output.c
 * tcp_m_copym (read; table of reference kernel-mbuf-sendfile 4.5).
 */
import { m_freem, m_get, mtodAddr } from '../kern/kern_mbuf'
import { chargeCopym, mb_dupcl } from '../kern/uipc_mbuf'
import type { Kernel } from '../kernel'
import { functionId } from '../machine/cost'
import { M_EXT, M_NOMAP } from '../sys/mbuf'
import { M_NOWAIT, PAGE_SIZE } from '../sys/param'
import { KASSERT } from '../sys/systm'

const FN_tcp_m_copym = functionId('tcp_m_copym')
/** An unmapped mbuf may cross a page border and show header and trailer: three segments more than its bytes need. */
const NOMAP_EXTRA_SEGMENTS = 3

/** Bytes that the copy made last really holds. */
export let copym_len = 0

/**
 * Copies `len` bytes from offset `off` of chain m by reference. `seglimit` 0: no limit. `sb` ≠ 0: the send pointer of the buffer moves along.
 * @returns the chain, or 0 when mbufs ran out or not even one segment fits. {@link copym_len} is what it holds: it may be shorter than asked.
 */
export function tcp_m_copym(
  k: Kernel,
  m: number,
  off: number,
  len: number,
  seglimit: number,
  segsize: number,
  sb: number,
): number {
  if (k.cost.on) k.cost.enter(FN_tcp_m_copym)
  const top = copy(k, m, off, len, seglimit, segsize, sb)
  if (k.cost.on) k.cost.leave()
  return top
}

function copy(k: Kernel, m: number, off: number, len: number, seglimit: number, segsize: number, sb: number): number {
  const limited = seglimit !== 0
  const b = k.sb
  copym_len = len
  while (off > 0) {
    KASSERT(m !== 0, 'tcp_m_copym: the offset lies inside the chain')
    if (off < k.mb.m_len[m]) break
    off -= k.mb.m_len[m]
    if (sb !== 0 && m === b.sb_sndptr[sb]) {
      b.sb_sndptroff[sb] += k.mb.m_len[m]
      b.sb_sndptr[sb] = k.mb.m_next[m]
    }
    m = k.mb.m_next[m]
  }
  let top = 0
  let last = 0
  let copied = 0
  while (len > 0) {
    KASSERT(m !== 0, 'tcp_m_copym: the chain holds what the socket buffer counts')
    let mlen = k.mb.m_len[m] - off
    if (len < mlen) mlen = len
    if (limited) {
      const unmapped = (k.mb.m_flags[m] & M_NOMAP) !== 0
      const fragsize = unmapped && segsize > PAGE_SIZE ? PAGE_SIZE : segsize
      let frags = unmapped ? NOMAP_EXTRA_SEGMENTS : 0
      if (frags + 1 >= seglimit) {
        copym_len = copied
        break
      }
      if (frags + Math.ceil(mlen / fragsize) >= seglimit) {
        mlen = (seglimit - frags - 1) * fragsize
        len = mlen
        copym_len = copied + len
      }
      frags += Math.ceil(mlen / fragsize)
      if (frags === 0) frags++
      seglimit -= frags
      KASSERT(seglimit > 0, 'tcp_m_copym: the segment limit is not exceeded')
    }
    const n = m_get(k, M_NOWAIT, k.mb.m_type[m])
    if (n === 0) {
      m_freem(k, top)
      return 0
    }
    if (top === 0) top = n
    else k.mb.m_next[last] = n
    last = n
    const mb = k.mb
    mb.m_len[n] = mlen
    copied += mlen
    if ((mb.m_flags[m] & M_EXT) !== 0) {
      mb.m_data[n] = mb.m_data[m] + off
      mb_dupcl(k, n, m)
    } else {
      const from = mtodAddr(k, m) + off
      k.phys.ram.copyWithin(mtodAddr(k, n), from, from + mlen)
    }
    if (k.cost.on) chargeCopym(k)
    if (sb !== 0 && b.sb_sndptr[sb] === m && mlen + off >= mb.m_len[m] && mb.m_next[m] !== 0) {
      b.sb_sndptroff[sb] += mb.m_len[m]
      b.sb_sndptr[sb] = mb.m_next[m]
    }
    off = 0
    len -= mlen
    m = mb.m_next[m]
  }
  return top
}

/**
 * Checks of mbufs that INVARIANTS kernels make and that panic with the rule they enforce. Source: sys/kern/uipc_mbuf.c m_sanity, sys/sys/mbuf.h
 * M_ASSERTVALID, M_ASSERT_NO_SND_TAG, MBUF_CHECKSLEEP (read).
 */
import type { Kernel } from '../kernel'
import { CSUM_SND_TAG, MT_NOTMBUF, M_PKTHDR } from '../sys/mbuf'
import { M_NOWAIT, M_WAITOK } from '../sys/param'
import { KASSERT, KernelPanic } from '../sys/systm'
import { m_freem } from './kern_mbuf_free'
import { M_SIZE } from './mbuf_inline'
import { m_pkthdr_init } from './kern_mbuf_alloc'
import { clearPktHdr } from './uipc_mbuf_chain'
import { m_tag_delete_chain } from './uipc_mbuf2'

/** Panics if the mbuf is not in use. */
export function M_ASSERTVALID(k: Kernel, m: number): void {
  KASSERT(m > 0 && m < k.mb.high && k.mb.m_type[m] !== MT_NOTMBUF, 'M_ASSERTVALID: the mbuf is in use')
}

/** Panics if a packet with a send tag comes where only received ones are. */
export function M_ASSERT_NO_SND_TAG(k: Kernel, m: number): void {
  KASSERT(
    k.mb.ph_csum_flags[m] < CSUM_SND_TAG,
    'M_ASSERT_NO_SND_TAG: the packet carries a receiving interface, no send tag',
  )
}

/** Panics unless an allocation says whether it may sleep, and not both. */
export function MBUF_CHECKSLEEP(how: number): void {
  const wait = how & (M_NOWAIT | M_WAITOK)
  KASSERT(wait === M_NOWAIT || wait === M_WAITOK, 'MBUF_CHECKSLEEP: an allocation either may sleep or may not')
}

/**
 * Panics if a chain breaks a rule; `sanitize`: garbles what is wrong instead, so that its next user notices (headers inside of the chain, its length). It does not know unmapped
 * mbufs: for it their data begins at 0 and ends with ext_size, header and trailer bytes included (kernel-mbuf-sendfile 3.5).
 * @returns 1. uipc_mbuf.c m_sanity.
 */
export function m_sanity(k: Kernel, m0: number, sanitize: boolean): number {
  const { mb } = k
  let pktlen = 0
  const bad = (rule: string): never => {
    throw new KernelPanic(`m_sanity: ${rule}`)
  }
  for (let m = m0; m !== 0; m = mb.m_next[m]) {
    const size = M_SIZE(k, m)
    if (mb.m_data[m] < 0) bad('the data begins in the storage, not before it')
    if (mb.m_data[m] > size) bad('the data begins in the storage, not behind it')
    if (mb.m_data[m] + mb.m_len[m] > size) bad('the data ends in the storage')
    const inside = m !== m0
    if (inside && mb.m_nextpkt[m] !== 0) {
      if (!sanitize) bad('only the first mbuf of a chain leads to another packet')
      m_freem(k, mb.m_nextpkt[m])
      mb.m_nextpkt[m] = -1
    }
    if ((mb.m_flags[m0] & M_PKTHDR) !== 0) pktlen += mb.m_len[m]
    if (inside && (mb.m_flags[m] & M_PKTHDR) !== 0) {
      if (!sanitize)
        bad(mb.ph_tags[m] !== 0 ? 'tags hang on the first mbuf of a packet' : 'only the first mbuf has a packet header')
      if (mb.ph_tags[m] !== 0) m_tag_delete_chain(k, m, 0)
      m_pkthdr_init(k, m)
      clearPktHdr(k, m)
    }
  }
  if (pktlen !== 0 && mb.ph_len[m0] !== pktlen) {
    if (!sanitize) bad('the packet length is the length of the chain')
    mb.ph_len[m0] = 0
  }
  return 1
}

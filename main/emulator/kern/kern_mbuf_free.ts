/**
 * Release of mbufs and of their external storage. sys/kern/kern_mbuf.c mb_free_ext, m_freem (read; kernel-mbuf-sendfile 1.7). With `k.debug` freed storage
 * is poisoned; freeing an mbuf twice is a panic in any case.
 */
import type { Kernel } from '../kernel'
import { CAUSE } from '../machine/cost'
import {
  EXT_CLUSTER,
  EXT_DISPOSABLE,
  EXT_EXTREF,
  EXT_JUMBO16,
  EXT_JUMBO9,
  EXT_JUMBOP,
  EXT_MOD_TYPE,
  EXT_NET_DRV,
  EXT_PACKET,
  EXT_PGS,
  EXT_RXRING,
  EXT_SFBUF,
  MBUF_PEXT_MAX_PGS,
  MLEN,
  MT_NOTMBUF,
  M_DAT_OFF,
  M_EXT,
  M_NOFREE,
  M_PKTHDR,
} from '../sys/mbuf'
import { MCLBYTES, MJUM16BYTES, MJUM9BYTES, MJUMPAGESIZE } from '../sys/param'
import { KASSERT, KernelPanic } from '../sys/systm'
import { uma_zfree, uma_zone_exhausted, zone_drain, type UmaZone } from '../vm/uma_core'
import { callExtFree } from './mbuf_ext_free'
import { m_tag_delete_chain, tagsDtor } from './uipc_mbuf2'

/** Puts an mbuf without external storage back into its zone. */
export function freeToZone(k: Kernel, m: number): void {
  if ((k.mb.m_flags[m] & M_PKTHDR) !== 0) tagsDtor(k, m)
  if (k.debug) poison(k, m)
  k.mb.m_type[m] = MT_NOTMBUF
  uma_zfree(k, k.uma.zone_mbuf, m)
}

const POISON = new Uint8Array(4096)
for (let i = 0; i < POISON.length; i += 4) POISON.set([0xde, 0xc0, 0xad, 0xde], i)

function poisonBytes(k: Kernel, address: number, len: number): void {
  for (let at = 0; at < len; at += 4096) k.phys.copyIn(POISON, 0, Math.min(4096, len - at), address + at)
}

/** Freed storage must not be read: its bytes say so, and its fields point nowhere. */
function poison(k: Kernel, m: number): void {
  const mb = k.mb
  poisonBytes(k, mb.m_addr[m] + M_DAT_OFF, MLEN)
  mb.m_next[m] = -1
  mb.m_data[m] = -1
  mb.m_len[m] = -1
}

/** Frees one mbuf and drops its reference of external storage. @returns its m_next. sys/sys/mbuf.h m_free (read). */
export function m_free(k: Kernel, m: number): number {
  const mb = k.mb
  const next = mb.m_next[m]
  if (mb.m_type[m] === MT_NOTMBUF) throw new KernelPanic('m_free: an mbuf is freed only once')
  const flags = mb.m_flags[m]
  if ((flags & (M_PKTHDR | M_NOFREE)) === (M_PKTHDR | M_NOFREE)) tagsDtor(k, m)
  if ((flags & M_EXT) !== 0) mb_free_ext(k, m)
  else if ((flags & M_NOFREE) === 0) {
    if ((flags & M_PKTHDR) !== 0 && mb.ph_tags[m] !== 0) m_tag_delete_chain(k, m, 0)
    if (k.debug) poison(k, m)
    mb.m_type[m] = MT_NOTMBUF
    uma_zfree(k, k.uma.zone_mbuf, m)
  }
  return next
}

/** Frees a chain; 0 is fine. kern_mbuf.c m_freem (read). */
export function m_freem(k: Kernel, m: number): void {
  while (m !== 0) m = m_free(k, m)
}

/** Drops one reference of external storage, releases it with the last one, and frees the mbuf. kern_mbuf.c mb_free_ext (read). */
export function mb_free_ext(k: Kernel, m: number): void {
  const mb = k.mb
  KASSERT((mb.m_flags[m] & M_EXT) !== 0, 'mb_free_ext: the mbuf has external storage')
  const type = mb.ext_type[m]
  const freembuf = (mb.m_flags[m] & M_NOFREE) === 0
  if (!freembuf)
    KASSERT(
      type === EXT_EXTREF || type === EXT_RXRING,
      'mb_free_ext: an mbuf that is never freed has storage of its driver',
    )
  if (type === EXT_EXTREF) {
    const extref = k.extref
    const row = mb.ext_cnt[m]
    if (--extref.count[row] === 0) callExtFree(k, m)
    if (freembuf) freeToZone(k, m)
    return
  }
  const mref = mb.ext_cnt[m]
  if (m !== mref && k.cost.on) {
    // The copy and the owner's counter were last written by another call: their lines come from the shared cache.
    k.cost.charge(CAUSE.lock, k.cost.p.atomic)
    k.cost.charge(CAUSE.cache, 2 * k.cost.p.lineLlc)
  }
  const count = mb.ext_count[mref] - 1
  mb.ext_count[mref] = count
  if (count === 0) {
    switch (type) {
      case EXT_PACKET:
        tagsDtor(k, mref)
        mb.ext_count[mref] = 1
        if (k.debug) {
          poisonBytes(k, mb.ext_buf[mref], MCLBYTES)
          mb.m_len[mref] = -1
        }
        mb.m_type[mref] = MT_NOTMBUF
        uma_zfree(k, k.uma.zone_pack, mref)
        // Somebody waits for a cluster: give up those that lie in cached packets.
        if (uma_zone_exhausted(k.uma.zone_clust)) zone_drain(k, k.uma.zone_pack)
        break
      case EXT_CLUSTER:
        freeCluster(k, k.uma.zone_clust, mref, MCLBYTES)
        break
      case EXT_JUMBOP:
        freeCluster(k, k.uma.zone_jumbop, mref, MJUMPAGESIZE)
        break
      case EXT_JUMBO9:
        freeCluster(k, k.uma.zone_jumbo9, mref, MJUM9BYTES)
        break
      case EXT_JUMBO16:
        freeCluster(k, k.uma.zone_jumbo16, mref, MJUM16BYTES)
        break
      case EXT_PGS:
        callExtFree(k, mref)
        freePgs(k, mb.ext_buf[mref])
        freeToZone(k, mref)
        break
      case EXT_SFBUF:
      case EXT_NET_DRV:
      case EXT_MOD_TYPE:
      case EXT_DISPOSABLE:
        callExtFree(k, mref)
        freeToZone(k, mref)
        break
      case EXT_RXRING:
        break
      default:
        throw new KernelPanic(`mb_free_ext: external storage type ${type} is known`)
    }
  }
  if (freembuf && m !== mref) freeToZone(k, m)
}

function freeCluster(k: Kernel, zone: UmaZone, mref: number, size: number): void {
  const address = k.mb.ext_buf[mref]
  if (k.debug) poisonBytes(k, address, size)
  uma_zfree(k, zone, address / 256)
  freeToZone(k, mref)
}

function freePgs(k: Kernel, p: number): void {
  if (k.debug) {
    k.pgs.npgs[p] = 0
    k.pgs.pa.fill(0, p * MBUF_PEXT_MAX_PGS, (p + 1) * MBUF_PEXT_MAX_PGS)
    poisonBytes(k, k.pgs.pg_addr[p], 256)
  }
  uma_zfree(k, k.uma.zone_extpgs, p)
}

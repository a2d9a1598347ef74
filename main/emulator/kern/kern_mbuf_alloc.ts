/**
 * Zones and allocation of mbufs and of their external storage. sys/kern/kern_mbuf.c of mid 2019, sys/sys/mbuf.h (read; kernel-mbuf-sendfile 2).
 */
import type { Kernel } from '../kernel'
import { CAUSE } from '../machine/cost'
import {
  EXT_CLUSTER,
  EXT_EXTREF,
  EXT_FLAG_EMBREF,
  EXT_JUMBO16,
  EXT_JUMBO9,
  EXT_JUMBOP,
  EXT_PACKET,
  EXT_PGS,
  FREE_NONE,
  MHLEN,
  MINCLSIZE,
  MLEN,
  MT_DATA,
  MT_NOTMBUF,
  M_EOR,
  M_EXT,
  M_NOMAP,
  M_PKTHDR,
  M_RDONLY,
} from '../sys/mbuf'
import { MCLBYTES, MJUM16BYTES, MJUM9BYTES, MJUMPAGESIZE, MSIZE, M_NOWAIT, M_WOKEN } from '../sys/param'
import { KASSERT, KernelPanic } from '../sys/systm'
import { UmaKeg, uma_zalloc, uma_zfree, umaSleep, zone_drain, type UmaZone } from '../vm/uma_core'
import { freeToZone, m_free, m_freem } from './kern_mbuf_free'
import { initMbufLimits } from './kern_mbuf_sysctl'
import { M_SIZE } from './mbuf_inline'

/** Creates the zones and sets their limits. kern_mbuf.c mbuf_init, tunable_mbinit (read). */
export function mbuf_init(k: Kernel): void {
  const uma = k.uma
  const mbufKeg = new UmaKeg(k, 'mbuf', MSIZE, (address) => {
    const m = k.mb.alloc()
    k.mb.m_addr[m] = address
    k.mb.m_type[m] = MT_NOTMBUF
    return m
  })
  // Clusters are named by their address: items are addresses in units of 256 bytes.
  const cluster = (name: string, size: number): UmaZone =>
    uma.create({ name, size, keg: new UmaKeg(k, name, size, (address) => address / 256) })
  uma.zone_mbuf = uma.create({ name: 'mbuf', size: MSIZE, keg: mbufKeg, maxBucket: true })
  uma.zone_clust = cluster('mbuf_cluster', MCLBYTES)
  uma.zone_pack = uma.create({
    name: 'mbuf_packet',
    size: MSIZE,
    keg: mbufKeg,
    master: uma.zone_mbuf,
    maxBucket: true,
    init: (m, how) => mb_zinit_pack(k, m, how),
    fini: (m) => mb_zfini_pack(k, m),
  })
  uma.zone_jumbop = cluster('mbuf_jumbo_page', MJUMPAGESIZE)
  uma.zone_jumbo9 = cluster('mbuf_jumbo_9k', MJUM9BYTES)
  uma.zone_jumbo16 = cluster('mbuf_jumbo_16k', MJUM16BYTES)
  uma.zone_extpgs = uma.create({
    name: 'mbuf_extpgs',
    size: 256,
    keg: new UmaKeg(k, 'mbuf_extpgs', 256, (address) => {
      const p = k.pgs.alloc()
      k.pgs.pg_addr[p] = address
      return p
    }),
  })
  initMbufLimits(k)
}

/** The packet zone's item gets its cluster on the way from the keg. kern_mbuf.c mb_zinit_pack (read). */
function mb_zinit_pack(k: Kernel, m: number, how: number): boolean {
  const item = uma_zalloc(k, k.uma.zone_clust, how)
  if (item === 0) return false
  mb_ctor_clust(k, m, item * 256, MCLBYTES, EXT_PACKET)
  k.mb.m_flags[m] = M_EXT
  return true
}

/** kern_mbuf.c mb_zfini_pack (read). */
function mb_zfini_pack(k: Kernel, m: number): void {
  k.mb.m_flags[m] = 0
  uma_zfree(k, k.uma.zone_clust, k.mb.ext_buf[m] / 256)
}

/** Attaches a cluster. kern_mbuf.c mb_ctor_clust (read). */
function mb_ctor_clust(k: Kernel, m: number, address: number, size: number, type: number): void {
  const mb = k.mb
  mb.ext_buf[m] = address
  mb.m_data[m] = 0
  mb.m_flags[m] |= M_EXT
  mb.ext_free[m] = FREE_NONE
  mb.ext_arg1[m] = 0
  mb.ext_arg2[m] = 0
  mb.ext_size[m] = size
  mb.ext_type[m] = type
  mb.ext_flags[m] = EXT_FLAG_EMBREF
  mb.ext_count[m] = 1
  mb.ext_cnt[m] = m
}

// ------------------------------------------------------------------------------------------------------------------------------ allocation

/** Fills in a fresh mbuf. sys/sys/mbuf.h m_init (read). */
function m_init(k: Kernel, m: number, type: number, flags: number): void {
  const mb = k.mb
  mb.m_next[m] = 0
  mb.m_nextpkt[m] = 0
  mb.m_data[m] = 0
  mb.m_len[m] = 0
  mb.m_type[m] = type
  mb.m_flags[m] = flags
  if ((flags & M_PKTHDR) !== 0) m_pkthdr_init(k, m)
  if (k.cost.on) k.cost.charge(CAUSE.allocation, k.cost.p.mbufInit)
}

/** Clears the packet header. uipc_mbuf.c m_pkthdr_init (read). */
export function m_pkthdr_init(k: Kernel, m: number): void {
  const mb = k.mb
  mb.ph_rcvif[m] = 0
  mb.ph_tags[m] = 0
  mb.ph_len[m] = 0
  mb.ph_flowid[m] = 0
  mb.ph_csum_flags[m] = 0
  mb.ph_fibnum[m] = 0
  mb.ph_numa_domain[m] = 255
  mb.ph_rsstype[m] = 0
  mb.ph_rcv_tstmp[m] = 0
  mb.ph_l2hlen[m] = 0
  mb.ph_l3hlen[m] = 0
  mb.ph_l4hlen[m] = 0
  mb.ph_l5hlen[m] = 0
  mb.ph_ether_vtag[m] = 0
  mb.ph_tso_segsz[m] = 0
  mb.ph_lro_nsegs[m] = 0
  mb.ph_csum_data[m] = 0
  mb.ph_eight0[m] = 0
  mb.ph_eight1[m] = 0
  mb.ph_eight2[m] = 0
  mb.ph_eight3[m] = 0
  mb.ph_eight4[m] = 0
}

/** A plain mbuf, or 0. sys/sys/mbuf.h m_get (read). */
export function m_get(k: Kernel, how: number, type: number): number {
  const m = uma_zalloc(k, k.uma.zone_mbuf, how)
  if (m !== 0) m_init(k, m, type, 0)
  return m
}

/** An mbuf with packet header, or 0. sys/sys/mbuf.h m_gethdr (read). */
export function m_gethdr(k: Kernel, how: number, type: number): number {
  const m = uma_zalloc(k, k.uma.zone_mbuf, how)
  if (m !== 0) m_init(k, m, type, M_PKTHDR)
  return m
}

/** An mbuf with a 2 KiB cluster from the packet zone, or 0. `flags`: M_PKTHDR and others. sys/sys/mbuf.h m_getcl, mb_ctor_pack (read). */
export function m_getcl(k: Kernel, how: number, type: number, flags: number): number {
  const m = uma_zalloc(k, k.uma.zone_pack, how)
  if (m !== 0) {
    m_init(k, m, type, flags)
    k.mb.m_flags[m] = flags | M_EXT
  }
  return m
}

/** Attaches a 2 KiB cluster to a plain mbuf; false = none to be had. kern_mbuf.c m_clget (read). */
export function m_clget(k: Kernel, m: number, how: number): boolean {
  KASSERT((k.mb.m_flags[m] & M_EXT) === 0, 'm_clget: a cluster goes to an mbuf without external storage')
  let item = uma_zalloc(k, k.uma.zone_clust, how)
  if (item === 0 && (how & M_NOWAIT) !== 0) {
    // Packets cached with their clusters may set some free.
    zone_drain(k, k.uma.zone_pack)
    item = uma_zalloc(k, k.uma.zone_clust, how)
  }
  if (item === 0) return false
  mb_ctor_clust(k, m, item * 256, MCLBYTES, EXT_CLUSTER)
  return true
}

/** Zone and external type of a cluster size. sys/sys/mbuf.h m_getzone, m_gettype (read). */
export function m_getzone(k: Kernel, size: number): UmaZone {
  switch (size) {
    case MCLBYTES:
      return k.uma.zone_clust
    case MJUMPAGESIZE:
      return k.uma.zone_jumbop
    case MJUM9BYTES:
      return k.uma.zone_jumbo9
    case MJUM16BYTES:
      return k.uma.zone_jumbo16
    default:
      throw new KernelPanic(`m_getzone: there is no cluster of ${size} bytes`)
  }
}
export function m_gettype(size: number): number {
  return size === MCLBYTES
    ? EXT_CLUSTER
    : size === MJUMPAGESIZE
      ? EXT_JUMBOP
      : size === MJUM9BYTES
        ? EXT_JUMBO9
        : EXT_JUMBO16
}

/**
 * A cluster of the given size.
 * @param m mbuf to attach it to, or 0: then the caller owns the bare cluster (free it with `m_cljfree`, attach it with `m_cljset`).
 * @returns RAM address, or 0. kern_mbuf.c m_cljget (read).
 */
export function m_cljget(k: Kernel, m: number, how: number, size: number): number {
  if (m !== 0) KASSERT((k.mb.m_flags[m] & M_EXT) === 0, 'm_cljget: a cluster goes to an mbuf without external storage')
  const address = uma_zalloc(k, m_getzone(k, size), how) * 256
  if (address !== 0 && m !== 0) mb_ctor_clust(k, m, address, size, m_gettype(size))
  return address
}

/** Attaches a bare cluster. sys/sys/mbuf.h m_cljset (read). */
export function m_cljset(k: Kernel, m: number, address: number, size: number): void {
  mb_ctor_clust(k, m, address, size, m_gettype(size))
}

/** Frees a bare cluster (uma_zfree of its zone). */
export function m_cljfree(k: Kernel, address: number, size: number): void {
  uma_zfree(k, m_getzone(k, size), address / 256)
}

/** An mbuf with a cluster of the given size, or 0. kern_mbuf.c m_getjcl (read). */
export function m_getjcl(k: Kernel, how: number, type: number, flags: number, size: number): number {
  if (size === MCLBYTES) return m_getcl(k, how, type, flags)
  const m = uma_zalloc(k, k.uma.zone_mbuf, how)
  if (m === 0) return 0
  m_init(k, m, type, flags)
  if (m_cljget(k, m, how, size) === 0) {
    freeToZone(k, m)
    return 0
  }
  return m
}

/** The smallest mbuf with room for `size` bytes (at most a page), or 0. kern_mbuf.c m_get2 (read). */
export function m_get2(k: Kernel, size: number, how: number, type: number, flags: number): number {
  if (size <= MHLEN || (size <= MLEN && (flags & M_PKTHDR) === 0)) {
    const m = uma_zalloc(k, k.uma.zone_mbuf, how)
    if (m !== 0) m_init(k, m, type, flags)
    return m
  }
  if (size <= MCLBYTES) return m_getcl(k, how, type, flags)
  if (size > MJUMPAGESIZE) return 0
  return m_getjcl(k, how, type, flags, MJUMPAGESIZE)
}

/** What m_getm2 had made when it gave 0 because its caller must sleep (M_WAITOK): it goes on from there. 0 otherwise. */
export let getm2Partial = 0

/**
 * A chain with room for `len` bytes, made of the largest fitting pieces, appended to `m` if that is not 0.
 * @param partial the pieces made before the caller slept ({@link getm2Partial}); `len` and all else as at first.
 * @returns the head (`m` or the new chain), or 0 with nothing allocated, unless the caller has to sleep. kern_mbuf.c m_getm2 (read).
 */
export function m_getm2(
  k: Kernel,
  m: number,
  len: number,
  how: number,
  type: number,
  flags: number,
  partial = 0,
): number {
  KASSERT(len >= 0, 'm_getm2: the length is not negative')
  flags &= M_PKTHDR | M_EOR
  if (m !== 0) flags &= ~M_PKTHDR
  getm2Partial = 0
  let head = 0
  let tail = 0
  for (let at = partial; at !== 0; at = k.mb.m_next[at]) {
    if (head === 0) head = at
    tail = at
    len -= M_SIZE(k, at)
    flags &= ~M_PKTHDR
  }
  while (len > 0) {
    const hdr = flags & M_PKTHDR
    let mb: number
    if (len > MCLBYTES) mb = m_getjcl(k, how, type, hdr, MJUMPAGESIZE)
    else if (len >= MINCLSIZE) mb = m_getcl(k, how, type, hdr)
    else mb = hdr !== 0 ? m_gethdr(k, how, type) : m_get(k, how, type)
    if (mb === 0) {
      if (umaSleep !== 0 && (how & M_NOWAIT) === 0) getm2Partial = head
      else m_freem(k, head)
      return 0
    }
    how &= ~M_WOKEN
    len -= M_SIZE(k, mb)
    if (tail === 0) head = mb
    else k.mb.m_next[tail] = mb
    tail = mb
    flags &= ~M_PKTHDR
  }
  if ((flags & M_EOR) !== 0 && tail !== 0) k.mb.m_flags[tail] |= M_EOR
  if (m === 0) return head
  let last = m
  while (k.mb.m_next[last] !== 0) last = k.mb.m_next[last]!
  k.mb.m_next[last] = head
  k.mb.m_flags[last] &= ~M_EOR
  return m
}

/** Attaches external storage with its free routine (a code of sys/mbuf.ts). kern_mbuf.c m_extadd (read). */
export function m_extadd(
  k: Kernel,
  m: number,
  address: number,
  size: number,
  ext_free: number,
  arg1: number,
  arg2: number,
  flags: number,
  type: number,
): void {
  KASSERT(type !== EXT_CLUSTER, 'm_extadd: clusters come from their zone')
  const mb = k.mb
  mb.m_flags[m] |= M_EXT | flags
  mb.ext_buf[m] = address
  mb.m_data[m] = 0
  mb.ext_size[m] = size
  mb.ext_free[m] = ext_free
  mb.ext_arg1[m] = arg1
  mb.ext_arg2[m] = arg2
  mb.ext_type[m] = type
  if (type !== EXT_EXTREF) {
    mb.ext_count[m] = 1
    mb.ext_cnt[m] = m
    mb.ext_flags[m] = EXT_FLAG_EMBREF
  } else mb.ext_flags[m] = 0
}

/**
 * An empty unmapped mbuf; the caller fills `k.pgs` row `ext_buf`, m_len and ext_size. 0 if either item is not to be had.
 * kern_mbuf.c mb_alloc_ext_pgs (read). The page array is not cleared.
 */
export function mb_alloc_ext_pgs(k: Kernel, how: number, pkthdr: boolean, ext_free: number): number {
  const m = pkthdr ? m_gethdr(k, how, MT_DATA) : m_get(k, how, MT_DATA)
  if (m === 0) return 0
  const p = uma_zalloc(k, k.uma.zone_extpgs, how)
  if (p === 0) {
    m_free(k, m)
    return 0
  }
  const { mb, pgs } = k
  pgs.npgs[p] = 0
  pgs.nrdy[p] = 0
  pgs.first_pg_off[p] = 0
  pgs.last_pg_len[p] = 0
  pgs.hdr_len[p] = 0
  pgs.trail_len[p] = 0
  mb.m_data[m] = 0
  mb.m_flags[m] |= M_EXT | M_RDONLY | M_NOMAP
  mb.ext_type[m] = EXT_PGS
  mb.ext_flags[m] = EXT_FLAG_EMBREF
  mb.ext_count[m] = 1
  mb.ext_cnt[m] = m
  mb.ext_buf[m] = p
  mb.ext_size[m] = 0
  mb.ext_free[m] = ext_free
  mb.ext_arg1[m] = 0
  mb.ext_arg2[m] = 0
  k.mbstat.ext_pgs_allocated++
  return m
}

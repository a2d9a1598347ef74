/**
 * Tables, allocation and release of mbufs and their external storage. First part of sys/kern/kern_mbuf.c of mid 2019 (read;
 * kernel-mbuf-sendfile 1, 2 and the errata). Structures are tables; a pointer to an mbuf is its row, 0 = NULL.
 *
 *   k.mb   struct mbuf          m_addr = RAM address of its 256 bytes; internal data at +32, or +88 with a packet header
 *   k.pgs  struct mbuf_ext_pgs  pg_addr = RAM address of its 256 bytes; header bytes at +160, trailer bytes at +192
 *
 *   m_data is an offset: from the start of the internal area, from the start of the external buffer (ext_buf), or, when M_NOMAP, the offset into
 *   header + pages + trailer, as in the kernel. `mtodAddr` gives the address of mapped data.
 *   ext_cnt is the row whose ext_count counts (the row itself while EXT_FLAG_EMBREF), for EXT_EXTREF a row of k.extref.
 */
import type { Kernel } from '../kernel'
import { callExtFree } from './mbuf_ext_free'
import { initMbufLimits } from './kern_mbuf_sysctl'
import { CAUSE } from '../machine/cost'
import { MCLBYTES, MJUM16BYTES, MJUM9BYTES, MJUMPAGESIZE, MSIZE, M_NOWAIT, PAGE_SIZE } from '../sys/param'
import {
  EXT_CLUSTER,
  EXT_DISPOSABLE,
  EXT_EXTREF,
  EXT_FLAG_EMBREF,
  EXT_JUMBO16,
  EXT_JUMBO9,
  EXT_JUMBOP,
  EXT_MOD_TYPE,
  EXT_NET_DRV,
  EXT_PACKET,
  EXT_PGS,
  EXT_RXRING,
  EXT_SFBUF,
  FREE_NONE,
  MBUF_PEXT_HDR_LEN,
  MBUF_PEXT_MAX_PGS,
  MBUF_PEXT_TRAIL_LEN,
  MHLEN,
  MINCLSIZE,
  MLEN,
  MT_DATA,
  MT_NOTMBUF,
  M_DAT_OFF,
  M_EOR,
  M_EXT,
  M_NOFREE,
  M_NOMAP,
  M_PKTDAT_OFF,
  M_PKTHDR,
  M_RDONLY,
  PGS_HDR_OFF,
  PGS_TRAIL_OFF,
} from '../sys/mbuf'
import { KASSERT, KernelPanic } from '../sys/systm'
import { UmaKeg, uma_zalloc, uma_zfree, uma_zone_exhausted, zone_drain, type UmaZone } from '../vm/uma_core'

/** Columns of struct mbuf (sys/sys/mbuf.h; offsets in kernel-mbuf-sendfile 1.2). */
const mbufSpec = {
  m_next: 'i32',
  m_nextpkt: 'i32',
  m_data: 'i32',
  m_len: 'i32',
  m_type: 'u8',
  m_flags: 'u32',
  /** RAM address of the 256 bytes. */
  m_addr: 'u32',
  // struct pkthdr, valid with M_PKTHDR
  ph_rcvif: 'i32',
  ph_tags: 'i32',
  ph_len: 'i32',
  ph_flowid: 'u32',
  ph_csum_flags: 'u32',
  ph_fibnum: 'u16',
  ph_numa_domain: 'u8',
  ph_rsstype: 'u8',
  ph_rcv_tstmp: 'f64',
  ph_l2hlen: 'u8',
  ph_l3hlen: 'u8',
  ph_l4hlen: 'u8',
  ph_l5hlen: 'u8',
  ph_ether_vtag: 'u16',
  ph_tso_segsz: 'u16',
  ph_lro_nsegs: 'u16',
  ph_csum_data: 'i32',
  ph_eight0: 'u8',
  ph_eight1: 'u8',
  ph_eight2: 'u8',
  ph_eight3: 'u8',
  ph_eight4: 'u8',
  // struct m_ext, valid with M_EXT
  ext_type: 'u8',
  ext_flags: 'u32',
  ext_count: 'i32',
  ext_cnt: 'i32',
  /** Address of the external buffer; row of k.pgs for EXT_PGS. */
  ext_buf: 'f64',
  ext_size: 'i32',
  ext_free: 'u8',
  ext_arg1: 'f64',
  ext_arg2: 'f64',
} as const

/** Columns of struct mbuf_ext_pgs. `pa` holds frame numbers. */
const pgsSpec = {
  npgs: 'u8',
  nrdy: 'u8',
  hdr_len: 'u8',
  trail_len: 'u8',
  first_pg_off: 'u16',
  last_pg_len: 'u16',
  pa: ['u32', MBUF_PEXT_MAX_PGS],
  /** RAM address of the 256 bytes. */
  pg_addr: 'u32',
} as const

/** What the lab counts beside the kernel (the kernel has no counter of conversions). Observers: they never steer. */
export interface MbufObserver {
  [name: string]: number
  /** Unmapped mbufs that mb_unmapped_to_ext replaced, and chains it was called with that had any. */
  conversions: number
  converted_chains: number
  /** Pages that got a mapped mbuf. */
  converted_pages: number
  /** Mapped mbufs made, header and trailer pieces included. */
  converted_mbufs: number
  /** Header and trailer bytes copied. */
  copied_bytes: number
  conversion_failures: number
  /** Unmapped mbufs that became plain ones (mb_unmapped_compress), bytes copied, attempts refused with EBUSY. */
  compressions: number
  compressed_bytes: number
  compress_busy: number
  /** Bytes that m_copydata and friends read from unmapped mbufs. */
  unmapped_read_bytes: number
  /** EXT_PGS mbufs allocated. */
  ext_pgs_allocated: number
}

export function createMbufTables(k: Kernel) {
  const mb = k.registry.table(k.part('mbuf'), mbufSpec, 1024)
  const pgs = k.registry.table(k.part('mbuf_ext_pgs'), pgsSpec, 256)
  /** Counters of EXT_EXTREF storage (their owner provides them). */
  const extref = k.registry.table(k.part('extref'), { count: 'i32' }, 16)
  const mbstat = k.registry.record<MbufObserver>(
    k.part('mbstat'),
    {
      conversions: 0,
      converted_chains: 0,
      converted_pages: 0,
      converted_mbufs: 0,
      copied_bytes: 0,
      conversion_failures: 0,
      compressions: 0,
      compressed_bytes: 0,
      compress_busy: 0,
      unmapped_read_bytes: 0,
      ext_pgs_allocated: 0,
    },
    { observer: true },
  )
  return { mb, pgs, extref, mbstat }
}

// --------------------------------------------------------------------------------------------------------------- zones

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

/**
 * A chain with room for `len` bytes, made of the largest fitting pieces, appended to `m` if that is not 0.
 * @returns the head (`m` or the new chain), or 0 with nothing allocated. kern_mbuf.c m_getm2 (read).
 */
export function m_getm2(k: Kernel, m: number, len: number, how: number, type: number, flags: number): number {
  KASSERT(len >= 0, 'm_getm2: the length is not negative')
  flags &= M_PKTHDR | M_EOR
  if (m !== 0) flags &= ~M_PKTHDR
  let head = 0
  let tail = 0
  while (len > 0) {
    const hdr = flags & M_PKTHDR
    let mb: number
    if (len > MCLBYTES) mb = m_getjcl(k, how, type, hdr, MJUMPAGESIZE)
    else if (len >= MINCLSIZE) mb = m_getcl(k, how, type, hdr)
    else mb = hdr !== 0 ? m_gethdr(k, how, type) : m_get(k, how, type)
    if (mb === 0) {
      m_freem(k, head)
      return 0
    }
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

// --------------------------------------------------------------------------------------------------------------------------------- release

/** Reference count of external storage. */
export function m_extrefcnt(k: Kernel, m: number): number {
  const mb = k.mb
  return mb.ext_type[m] === EXT_EXTREF ? k.extref.count[mb.ext_cnt[m]] : mb.ext_count[mb.ext_cnt[m]]
}

/** Puts an mbuf without external storage back into its zone. */
function freeToZone(k: Kernel, m: number): void {
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
  if ((flags & (M_PKTHDR | M_NOFREE)) === (M_PKTHDR | M_NOFREE)) mb.ph_tags[m] = 0
  if ((flags & M_EXT) !== 0) mb_free_ext(k, m)
  else if ((flags & M_NOFREE) === 0) {
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
    // The owner's counter was last written by another call: its line comes from the shared cache.
    k.cost.charge(CAUSE.lock, k.cost.p.atomic)
    k.cost.charge(CAUSE.cache, k.cost.p.lineLlc)
  }
  const count = mb.ext_count[mref] - 1
  mb.ext_count[mref] = count
  if (count === 0) {
    switch (type) {
      case EXT_PACKET:
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

// ----------------------------------------------------------------------------------------------------------------- inline functions of mbuf.h

/** Address of mapped data. A panic for unmapped mbufs in the kernel's place of a wild pointer. sys/sys/mbuf.h mtod (derived). */
export function mtodAddr(k: Kernel, m: number): number {
  const mb = k.mb
  const flags = mb.m_flags[m]
  if ((flags & M_EXT) === 0) return mb.m_addr[m] + ((flags & M_PKTHDR) !== 0 ? M_PKTDAT_OFF : M_DAT_OFF) + mb.m_data[m]
  if ((flags & M_NOMAP) !== 0)
    throw new KernelPanic('mtod: the data of an unmapped mbuf has no address; convert it first (mb_unmapped_to_ext)')
  return mb.ext_buf[m] + mb.m_data[m]
}

/** Bytes of storage behind m_data = 0. sys/sys/mbuf.h M_SIZE (read). */
export function M_SIZE(k: Kernel, m: number): number {
  const flags = k.mb.m_flags[m]
  return (flags & M_EXT) !== 0 ? k.mb.ext_size[m] : (flags & M_PKTHDR) !== 0 ? MHLEN : MLEN
}

/** True if the data may be written in place. sys/sys/mbuf.h M_WRITABLE (read). */
export function M_WRITABLE(k: Kernel, m: number): boolean {
  const flags = k.mb.m_flags[m]
  if ((flags & (M_RDONLY | M_NOMAP)) !== 0) return false
  return (flags & M_EXT) === 0 || m_extrefcnt(k, m) === 1
}

/** Writable bytes before the data. sys/sys/mbuf.h M_LEADINGSPACE (read). */
export function M_LEADINGSPACE(k: Kernel, m: number): number {
  return M_WRITABLE(k, m) ? k.mb.m_data[m] : 0
}

/** Writable bytes behind the data. sys/sys/mbuf.h M_TRAILINGSPACE (read). */
export function M_TRAILINGSPACE(k: Kernel, m: number): number {
  return M_WRITABLE(k, m) ? M_SIZE(k, m) - k.mb.m_data[m] - k.mb.m_len[m] : 0
}

/** Puts the data of a fresh mbuf at the end of its storage, 8-byte aligned, with room for `len` bytes. sys/sys/mbuf.h m_align (read). */
export function M_ALIGN(k: Kernel, m: number, len: number): void {
  k.mb.m_data[m] = (M_SIZE(k, m) - len) & ~7
}

/** True for an mbuf whose storage is a page array. */
export function isPgs(k: Kernel, m: number): boolean {
  return (k.mb.m_flags[m] & M_EXT) !== 0 && k.mb.ext_type[m] === EXT_PGS
}

/** Bytes of page `i` of a page array; `pgoff` is the offset at which they start (first_pg_off for page 0). sys/sys/mbuf.h mbuf_ext_pg_len (read). */
export function mbuf_ext_pg_len(k: Kernel, p: number, i: number, pgoff: number): number {
  return i === k.pgs.npgs[p] - 1 ? k.pgs.last_pg_len[p] : PAGE_SIZE - pgoff
}

/** INVARIANTS check of a filled page array: names the rule that is broken. kern_mbuf.c mb_ext_pgs_check (read). */
export function mb_ext_pgs_check(k: Kernel, p: number): void {
  const g = k.pgs
  KASSERT(g.npgs[p] > 0, 'mbuf_ext_pgs: at least one page')
  KASSERT(g.npgs[p] <= MBUF_PEXT_MAX_PGS, 'mbuf_ext_pgs: at most 19 pages')
  KASSERT(g.nrdy[p] <= g.npgs[p], 'mbuf_ext_pgs: no more pages wait for I/O than there are pages')
  KASSERT(g.first_pg_off[p] < PAGE_SIZE, 'mbuf_ext_pgs: the first offset lies in the first page')
  KASSERT(g.last_pg_len[p] > 0, 'mbuf_ext_pgs: the last page holds at least one byte')
  KASSERT(g.last_pg_len[p] <= PAGE_SIZE, 'mbuf_ext_pgs: the last page holds at most a page')
  if (g.npgs[p] === 1)
    KASSERT(g.first_pg_off[p] + g.last_pg_len[p] <= PAGE_SIZE, 'mbuf_ext_pgs: the data of a single page ends in it')
  KASSERT(g.hdr_len[p] <= MBUF_PEXT_HDR_LEN, 'mbuf_ext_pgs: the header fits its 24 bytes')
  KASSERT(g.trail_len[p] <= MBUF_PEXT_TRAIL_LEN, 'mbuf_ext_pgs: the trailer fits its 64 bytes')
}

/** Address of header byte 0 and of trailer byte 0 of a page array. */
export function pgsHdrAddr(k: Kernel, p: number): number {
  return k.pgs.pg_addr[p] + PGS_HDR_OFF
}
export function pgsTrailAddr(k: Kernel, p: number): number {
  return k.pgs.pg_addr[p] + PGS_TRAIL_OFF
}

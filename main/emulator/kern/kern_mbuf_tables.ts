/**
 * struct mbuf and struct mbuf_ext_pgs as tables. Source: sys/sys/mbuf.h of mid 2019 (read; kernel-mbuf-sendfile 1). A pointer to an mbuf is its row,
 * 0 = NULL.
 *
 *   k.mb   struct mbuf          m_addr = RAM address of its 256 bytes; internal data at +32, or +88 with a packet header
 *   k.pgs  struct mbuf_ext_pgs  pg_addr = RAM address of its 256 bytes; header bytes at +160, trailer bytes at +192
 *
 *   m_data is an offset: from the start of the internal area, from the start of the external buffer (ext_buf), or, when M_NOMAP, the offset into
 *   header + pages + trailer, as in the kernel. `mtodAddr` gives the address of mapped data.
 *   ext_cnt is the row whose ext_count counts (the row itself while EXT_FLAG_EMBREF), for EXT_EXTREF a row of k.extref.
 */
import type { Kernel } from '../kernel'
import { MBUF_PEXT_MAX_PGS } from '../sys/mbuf'
import { createTags } from './uipc_mbuf2'

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
  /** Unmapped mbufs in packets that reached ip_output, converted there or sent as they were. */
  nomap_sent: number
  /** Mbufs that sendfile queued before their pages were read, and pages in them. */
  notready_mbufs: number
  notready_pages: number
  /** When such data became ready: mbufs that were merged into the one before, and unmapped ones that became plain. */
  ready_merged: number
  ready_compressed: number
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
      nomap_sent: 0,
      notready_mbufs: 0,
      notready_pages: 0,
      ready_merged: 0,
      ready_compressed: 0,
    },
    { observer: true },
  )
  return { mb, pgs, extref, mbstat, mtag: createTags(k) }
}

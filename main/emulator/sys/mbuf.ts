/**
 * Constants of mbufs. Numbers and names as in sys/sys/mbuf.h of June 2019 (read; kernel-mbuf-sendfile 1.1–1.6).
 * The structures themselves are the tables `k.mb` and `k.pgs` (kern/kern_mbuf.ts).
 */
import { MSIZE } from './param'

/** Layout of struct mbuf, bytes: fixed header, packet header, external storage. */
export const MBUF_HDR_LEN = 32
export const PKTHDR_LEN = 56
export const M_EXT_LEN = 48
export const MLEN = MSIZE - MBUF_HDR_LEN
export const MHLEN = MLEN - PKTHDR_LEN
/** Offsets of the internal storage in the 256 bytes. */
export const M_DAT_OFF = MBUF_HDR_LEN
export const M_PKTDAT_OFF = MBUF_HDR_LEN + PKTHDR_LEN
/** From this payload on a cluster is used. */
export const MINCLSIZE = MHLEN + 1
/** Length argument that means "to the end of the chain". */
export const M_COPYALL = 1_000_000_000
export const max_linkhdr = 16
export const max_protohdr = 60
export const max_hdr = max_linkhdr + max_protohdr
export const max_datalen = MHLEN - max_hdr

/** struct mbuf_ext_pgs (256 bytes). */
export const MBUF_PEXT_MAX_PGS = 19
export const MBUF_PEXT_HDR_LEN = 24
export const MBUF_PEXT_TRAIL_LEN = 64
export const PGS_HDR_OFF = 160
export const PGS_TRAIL_OFF = 192

// m_flags
export const M_EXT = 0x00000001
export const M_PKTHDR = 0x00000002
export const M_EOR = 0x00000004
export const M_RDONLY = 0x00000008
export const M_BCAST = 0x00000010
export const M_MCAST = 0x00000020
export const M_PROMISC = 0x00000040
export const M_VLANTAG = 0x00000080
/** The data is not mapped into kernel virtual memory: m_data is an offset, not an address. */
export const M_NOMAP = 0x00000100
export const M_NOFREE = 0x00000200
export const M_TSTMP = 0x00000400
export const M_TSTMP_HPREC = 0x00000800
export const M_PROTO1 = 0x00001000
export const M_PROTO2 = 0x00002000
export const M_PROTO3 = 0x00004000
export const M_PROTO4 = 0x00008000
export const M_PROTO5 = 0x00010000
export const M_PROTO6 = 0x00020000
export const M_PROTO7 = 0x00040000
export const M_PROTO8 = 0x00080000
export const M_PROTO9 = 0x00100000
export const M_PROTO10 = 0x00200000
export const M_PROTO11 = 0x00400000
export const M_PROTO12 = 0x00800000
export const M_PROTOFLAGS = 0x00fff000
/** Flags that travel with a packet header; M_NOMAP is not among them. */
export const M_COPYFLAGS =
  M_PKTHDR | M_EOR | M_RDONLY | M_BCAST | M_MCAST | M_PROMISC | M_VLANTAG | M_TSTMP | M_TSTMP_HPREC | M_PROTOFLAGS
/** In socket buffers (sys/sys/sockbuf.h). */
export const M_NOTREADY = M_PROTO1
export const M_BLOCKED = M_PROTO2
export const M_NOTAVAIL = M_NOTREADY | M_BLOCKED

/** Names of the flags as they appear in tools and test vectors, in order of value. */
export const mbufFlagNames: readonly (readonly [number, string])[] = [
  [M_EXT, 'EXT'],
  [M_PKTHDR, 'PKTHDR'],
  [M_EOR, 'EOR'],
  [M_RDONLY, 'RDONLY'],
  [M_BCAST, 'BCAST'],
  [M_MCAST, 'MCAST'],
  [M_PROMISC, 'PROMISC'],
  [M_VLANTAG, 'VLANTAG'],
  [M_NOMAP, 'NOMAP'],
  [M_NOFREE, 'NOFREE'],
  [M_TSTMP, 'TSTMP'],
  [M_TSTMP_HPREC, 'TSTMP_HPREC'],
  [M_NOTREADY, 'NOTREADY'],
  [M_BLOCKED, 'BLOCKED'],
  [M_PROTO3, 'PROTO3'],
  [M_PROTO4, 'PROTO4'],
  [M_PROTO5, 'PROTO5'],
  [M_PROTO6, 'PROTO6'],
  [M_PROTO7, 'PROTO7'],
  [M_PROTO8, 'PROTO8'],
  [M_PROTO9, 'PROTO9'],
  [M_PROTO10, 'PROTO10'],
  [M_PROTO11, 'PROTO11'],
  [M_PROTO12, 'PROTO12'],
]

// m_type
export const MT_NOTMBUF = 0
export const MT_DATA = 1
export const MT_HEADER = MT_DATA
export const MT_SONAME = 8
export const MT_CONTROL = 14
export const MT_EXTCONTROL = 15
export const MT_OOBDATA = 16
export const MT_NOINIT = 255

// m_ext.ext_type
export const EXT_CLUSTER = 1
export const EXT_SFBUF = 2
export const EXT_JUMBOP = 3
export const EXT_JUMBO9 = 4
export const EXT_JUMBO16 = 5
export const EXT_PACKET = 6
export const EXT_MBUF = 7
export const EXT_RXRING = 8
/** An array of physical pages (unmapped). */
export const EXT_PGS = 9
export const EXT_VENDOR1 = 224
export const EXT_VENDOR2 = 225
export const EXT_VENDOR3 = 226
export const EXT_VENDOR4 = 227
export const EXT_EXP1 = 244
export const EXT_EXP2 = 245
export const EXT_EXP3 = 246
export const EXT_EXP4 = 247
export const EXT_NET_DRV = 252
export const EXT_MOD_TYPE = 253
export const EXT_DISPOSABLE = 254
/** The counter is kept outside of mbufs (a row of `k.extref`). */
export const EXT_EXTREF = 255

/** Name of an external storage type, without prefix. */
export const extTypeNames: { readonly [type: number]: string } = {
  1: 'CLUSTER',
  2: 'SFBUF',
  3: 'JUMBOP',
  4: 'JUMBO9',
  5: 'JUMBO16',
  6: 'PACKET',
  7: 'MBUF',
  8: 'RXRING',
  9: 'PGS',
  224: 'VENDOR1',
  225: 'VENDOR2',
  226: 'VENDOR3',
  227: 'VENDOR4',
  244: 'EXP1',
  245: 'EXP2',
  246: 'EXP3',
  247: 'EXP4',
  252: 'NET_DRV',
  253: 'MOD_TYPE',
  254: 'DISPOSABLE',
  255: 'EXTREF',
}

// m_ext.ext_flags
export const EXT_FLAG_EMBREF = 0x000001
export const EXT_FLAG_EXTREF = 0x000002
export const EXT_FLAG_NOFREE = 0x000010
export const EXT_FLAG_VENDOR1 = 0x010000
export const EXT_FLAG_VENDOR2 = 0x020000
export const EXT_FLAG_VENDOR3 = 0x040000
export const EXT_FLAG_VENDOR4 = 0x080000
export const EXT_FLAG_EXP1 = 0x100000
export const EXT_FLAG_EXP2 = 0x200000
export const EXT_FLAG_EXP3 = 0x400000
export const EXT_FLAG_EXP4 = 0x800000
/** sendfile(2)'s use of the vendor flags (sys/kern/kern_sendfile.c). */
export const EXT_FLAG_SYNC = EXT_FLAG_VENDOR1
export const EXT_FLAG_NOCACHE = EXT_FLAG_VENDOR2
export const EXT_FLAG_CACHE_LAST = EXT_FLAG_VENDOR3

// m_pkthdr.csum_flags. Values with bit 31 would be negative in int32 columns: the column is u32, the constants are unsigned.
export const CSUM_IP = 0x00000001
export const CSUM_IP_UDP = 0x00000002
export const CSUM_IP_TCP = 0x00000004
export const CSUM_IP_SCTP = 0x00000008
export const CSUM_IP_TSO = 0x00000010
export const CSUM_IP_ISCSI = 0x00000020
export const CSUM_IP6_UDP = 0x00000200
export const CSUM_IP6_TCP = 0x00000400
export const CSUM_IP6_SCTP = 0x00000800
export const CSUM_IP6_TSO = 0x00001000
export const CSUM_IP6_ISCSI = 0x00002000
export const CSUM_L3_CALC = 0x01000000
export const CSUM_L3_VALID = 0x02000000
export const CSUM_L4_CALC = 0x04000000
export const CSUM_L4_VALID = 0x08000000
export const CSUM_L5_CALC = 0x10000000
export const CSUM_L5_VALID = 0x20000000
export const CSUM_COALESCED = 0x40000000
export const CSUM_SND_TAG = 0x80000000
export const CSUM_DELAY_DATA = CSUM_IP_TCP | CSUM_IP_UDP
export const CSUM_DELAY_DATA_IPV6 = CSUM_IP6_TCP | CSUM_IP6_UDP
export const CSUM_TSO = CSUM_IP_TSO | CSUM_IP6_TSO
/** Receive side aliases. */
export const CSUM_IP_CHECKED = CSUM_L3_CALC
export const CSUM_IP_VALID = CSUM_L3_VALID
export const CSUM_DATA_VALID = CSUM_L4_VALID
export const CSUM_PSEUDO_HDR = CSUM_L4_CALC

/**
 * Free routines of external storage. A number in `ext_free` instead of a function pointer, because state is data; kern_mbuf.ts dispatches it to
 * the routine its owner registered with `setExtFree` at construction. 0 = none (NULL).
 */
export const FREE_NONE = 0
/** Conversion's mapped page: sf_buf and one reference of the unmapped mbuf (mb_unmapped_free_mext, kern_mbuf.c). */
export const FREE_UNMAPPED_MEXT = 1
/** sendfile's mapped page (sendfile_free_mext, kern_sendfile.c). */
export const FREE_SENDFILE_MEXT = 2
/** sendfile's page array (sendfile_free_mext_pg, kern_sendfile.c). */
export const FREE_SENDFILE_MEXT_PG = 3
/** Anonymous pages of a page array, wired and in no object (mb_free_mext_pgs, uipc_mbuf.c). */
export const FREE_MEXT_PGS = 4
/** TOE: user pages of an aio_write job (aiotx_free, dev/cxgbe/tom/t4_cpl_io.c). */
export const FREE_AIOTX = 5
/** Receive buffers that a driver keeps. */
export const FREE_DRIVER = 6
/** Test vectors and tests. */
export const FREE_TEST = 7
export const FREE_TEST_PG = 8
/** The test rig of the card, which counts: nobody else registers a routine for it. */
export const FREE_TEST_RIG = 9
/** Room for codes. */
export const FREE_CODES = 16

/** Layers that m_ether_tcpip_hash takes in. */
export const MBUF_HASHFLAG_L2 = 0x04
export const MBUF_HASHFLAG_L3 = 0x08
export const MBUF_HASHFLAG_L4 = 0x10

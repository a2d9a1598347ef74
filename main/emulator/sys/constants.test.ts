/** Numbers of the structures: kernel-mbuf-sendfile 1.1, 1.2, 1.4 to 1.6, 5.1, 6.1, 7.1, 7.2, every row. */
import { expect, it } from 'vitest'
import * as sfb from '../kern/subr_sfbuf'
import * as vm from '../vm/vm_page'
import * as M from './mbuf'
import * as param from './param'
import * as sb from './sockbuf'
import * as so from './socket'

/** Names of a module whose values must be these. */
function same(module: object, values: { [name: string]: number }): void {
  const of = module as { [name: string]: unknown }
  expect(Object.fromEntries(Object.keys(values).map((name) => [name, of[name]]))).toEqual(values)
}

it('1.1 and 1.2: sizes and offsets', () => {
  same(param, { MSIZE: 256, MCLBYTES: 2048, MJUMPAGESIZE: 4096, MJUM9BYTES: 9216, MJUM16BYTES: 16384, MCLSHIFT: 11 })
  same(M, { MBUF_HDR_LEN: 32, PKTHDR_LEN: 56, M_EXT_LEN: 48, MLEN: 224, MHLEN: 168, MINCLSIZE: 169 })
  same(M, { max_linkhdr: 16, max_protohdr: 60, max_hdr: 76, max_datalen: 92, M_COPYALL: 1_000_000_000 })
  same(M, { M_DAT_OFF: 32, M_PKTDAT_OFF: 88, PGS_HDR_OFF: 160, PGS_TRAIL_OFF: 192 })
  expect(sb.SB_MAX).toBe(2_097_152)
})

it('1.4: m_flags; only some travel with a packet header', () => {
  const names = 'EXT PKTHDR EOR RDONLY BCAST MCAST PROMISC VLANTAG NOMAP NOFREE TSTMP TSTMP_HPREC'.split(' ')
  same(M, Object.fromEntries(names.map((name, i) => [`M_${name}`, 2 ** i])))
  same(M, Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`M_PROTO${i + 1}`, 0x1000 * 2 ** i])))
  same(M, { M_NOTREADY: 0x1000, M_BLOCKED: 0x2000, M_NOTAVAIL: 0x3000 })
  expect(M.M_COPYFLAGS & 0xfff).toBe(0x002 | 0x004 | 0x008 | 0x010 | 0x020 | 0x040 | 0x080 | 0x400 | 0x800)
  expect(M.M_COPYFLAGS & ~0xfff).toBe(0xfff000)
})

it('1.5: types, external types and their flags', () => {
  same(M, { MT_DATA: 1, MT_SONAME: 8, MT_CONTROL: 14, MT_EXTCONTROL: 15, MT_OOBDATA: 16, MT_NOINIT: 255 })
  same(M, { EXT_CLUSTER: 1, EXT_SFBUF: 2, EXT_JUMBOP: 3, EXT_JUMBO9: 4, EXT_JUMBO16: 5, EXT_PACKET: 6, EXT_MBUF: 7 })
  same(M, { EXT_RXRING: 8, EXT_PGS: 9, EXT_VENDOR1: 224, EXT_VENDOR4: 227, EXT_EXP1: 244, EXT_EXP4: 247 })
  same(M, { EXT_NET_DRV: 252, EXT_MOD_TYPE: 253, EXT_DISPOSABLE: 254, EXT_EXTREF: 255 })
  same(M, { EXT_FLAG_EMBREF: 1, EXT_FLAG_EXTREF: 2, EXT_FLAG_NOFREE: 0x10, EXT_FLAG_VENDOR1: 0x10000 })
  same(M, { EXT_FLAG_VENDOR2: 0x20000, EXT_FLAG_VENDOR3: 0x40000, EXT_FLAG_VENDOR4: 0x80000, EXT_FLAG_EXP1: 0x100000 })
  same(M, { EXT_FLAG_SYNC: 0x10000, EXT_FLAG_NOCACHE: 0x20000, EXT_FLAG_CACHE_LAST: 0x40000 })
})

it('1.6: csum_flags', () => {
  same(M, { CSUM_IP: 1, CSUM_IP_UDP: 2, CSUM_IP_TCP: 4, CSUM_IP_SCTP: 8, CSUM_IP_TSO: 0x10, CSUM_IP_ISCSI: 0x20 })
  same(M, {
    CSUM_IP6_UDP: 0x200,
    CSUM_IP6_TCP: 0x400,
    CSUM_IP6_SCTP: 0x800,
    CSUM_IP6_TSO: 0x1000,
    CSUM_IP6_ISCSI: 0x2000,
  })
  same(M, { CSUM_L3_CALC: 0x1000000, CSUM_L3_VALID: 0x2000000, CSUM_L4_CALC: 0x4000000, CSUM_L4_VALID: 0x8000000 })
  same(M, { CSUM_L5_CALC: 0x10000000, CSUM_L5_VALID: 0x20000000, CSUM_COALESCED: 0x40000000, CSUM_SND_TAG: 0x80000000 })
})

it('5.1: flags and states of socket buffers', () => {
  same(sb, { SB_WAIT: 4, SB_SEL: 8, SB_ASYNC: 0x10, SB_UPCALL: 0x20, SB_NOINTR: 0x40, SB_AIO: 0x80, SB_KNOTE: 0x100 })
  same(sb, { SB_NOCOALESCE: 0x200, SB_IN_TOE: 0x400, SB_AUTOSIZE: 0x800, SB_STOP: 0x1000, SB_AIO_RUNNING: 0x2000 })
  same(sb, { SBS_CANTSENDMORE: 0x10, SBS_CANTRCVMORE: 0x20, SBS_RCVATMARK: 0x40 })
})

it('6.1: flags of sendfile(2)', () => {
  same(so, { SF_NODISKIO: 1, SF_MNOWAIT: 2, SF_SYNC: 4, SF_USER_READAHEAD: 8, SF_NOCACHE: 0x10 })
})

it('7.1 and 7.2: sf_buf flags, queues, busy states, allocation flags', () => {
  same(sfb, { SFB_DEFAULT: 0, SFB_CATCH: 1, SFB_CPUPRIVATE: 2, SFB_NOWAIT: 4 })
  same(vm, { PQ_INACTIVE: 0, PQ_ACTIVE: 1, PQ_LAUNDRY: 2, PQ_UNSWAPPABLE: 3, PQ_NONE: 255 })
  same(vm, { VPB_BIT_SHARED: 1, VPB_BIT_EXCLUSIVE: 2, VPB_BIT_WAITERS: 4, VPB_ONE_SHARER: 8, VPB_UNBUSIED: 1 })
  same(vm, { VM_ALLOC_NORMAL: 0, VM_ALLOC_WIRED: 0x20, VM_ALLOC_NOWAIT: 0x8000, VM_ALLOC_NOBUSY: 0x200 })
  same(vm, { VM_ALLOC_SBUSY: 0x4000, VM_ALLOC_IGN_SBUSY: 0x1000, VM_ALLOC_NOCREAT: 0x400 })
})

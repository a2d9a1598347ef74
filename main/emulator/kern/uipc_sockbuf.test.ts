/** Socket buffers beyond the vectors: kernel-mbuf-sendfile 5.1 to 5.6, one row or step a test. */
import { beforeAll, describe, expect, it } from 'vitest'
import { EINPROGRESS, EINVAL } from '../sys/errno'
import * as M from '../sys/mbuf'
import { M_NOWAIT, PAGE_SIZE } from '../sys/param'
import { PRUS_NOTREADY, SB_NOCOALESCE, SB_STOP } from '../sys/sockbuf'
import { createMemoryKernel, type MemoryKernel } from '../testing'
import * as kern from './kern_mbuf'
import { m_copym } from './uipc_mbuf'
import * as sockbuf from './uipc_sockbuf'

kern.setExtFree(M.FREE_TEST_PG, () => undefined)
let k: MemoryKernel
beforeAll(() => {
  k = createMemoryKernel({ files: [new Uint8Array(40 * PAGE_SIZE)] })
})

function newBuffer(hiwat = 100_000, flags = 0): number {
  const sb = k.sb.alloc()
  for (const column of Object.values(k.sb)) if (ArrayBuffer.isView(column)) (column as unknown as number[])[sb] = 0
  sockbuf.sbreserve(k, sb, hiwat)
  k.sb.sb_flags[sb] |= flags
  return sb
}
const counters = (sb: number): number[] => [
  k.sb.sb_acc[sb],
  k.sb.sb_ccc[sb],
  k.sb.sb_mbcnt[sb],
  k.sb.sb_mcnt[sb],
  k.sb.sb_ccnt[sb],
  k.sb.sb_ctl[sb],
]
/** A plain mbuf, or one with a cluster where it does not fit. */
function data(len: number, flags = 0, type = M.MT_DATA): number {
  const room = (flags & M.M_PKTHDR) !== 0 ? M.MHLEN : M.MLEN
  const m =
    len > room
      ? kern.m_getcl(k, M_NOWAIT, type, flags & M.M_PKTHDR)
      : (flags & M.M_PKTHDR) !== 0
        ? kern.m_gethdr(k, M_NOWAIT, type)
        : kern.m_get(k, M_NOWAIT, type)
  k.mb.m_len[m] = len
  k.mb.m_flags[m] |= flags
  if ((flags & M.M_PKTHDR) !== 0) k.mb.ph_len[m] = len
  return m
}
/** An unmapped mbuf of whole pages and, if asked, a shorter last one. */
function pages(npgs: number, last = PAGE_SIZE, notReady = false): number {
  const m = kern.mb_alloc_ext_pgs(k, M_NOWAIT, false, M.FREE_TEST_PG)
  const p = k.mb.ext_buf[m]
  for (let i = 0; i < npgs; i++) k.pgs.pa[p * 19 + i] = k.page.frame[1 + i]
  k.pgs.npgs[p] = npgs
  k.pgs.last_pg_len[p] = last
  k.mb.ext_size[m] = npgs * PAGE_SIZE
  k.mb.m_len[m] = (npgs - 1) * PAGE_SIZE + last
  if (notReady) {
    k.mb.m_flags[m] |= M.M_NOTREADY
    k.pgs.nrdy[p] = npgs
  }
  return m
}
const lengths = (sb: number): number[][] => {
  const out: number[][] = []
  for (let r = k.sb.sb_mb[sb]; r !== 0; r = k.mb.m_nextpkt[r]) {
    out.push([])
    for (let m = r; m !== 0; m = k.mb.m_next[m]) out[out.length - 1].push(k.mb.m_len[m])
  }
  return out
}

describe('accounting (5.2): ctl += len unless DATA or OOBDATA', () => {
  it.each([
    [M.MT_DATA, 0],
    [M.MT_OOBDATA, 0],
    [M.MT_CONTROL, 40],
    [M.MT_SONAME, 40],
  ])('type %i – sb_ctl %i, and 0 again when it leaves', (type, ctl) => {
    const sb = newBuffer()
    sockbuf.sbappendrecord(k, sb, data(40, 0, type))
    expect(counters(sb)).toEqual([40, 40, 256, 1, 0, ctl])
    sockbuf.sbdrop(k, sb, 10)
    expect(k.sb.sb_ctl[sb]).toBe(ctl === 0 ? 0 : 30)
    sockbuf.sbflush(k, sb)
    expect(counters(sb)).toEqual([0, 0, 0, 0, 0, 0])
  })

  it('control data merged into control data – is counted as such', () => {
    const sb = newBuffer()
    const record = data(20, 0, M.MT_CONTROL)
    k.mb.m_next[record] = data(30, 0, M.MT_CONTROL)
    sockbuf.sbappendrecord(k, sb, record)
    expect(counters(sb)).toEqual([50, 50, 256, 1, 0, 50])
    expect(lengths(sb)).toEqual([[50]])
  })
})

describe('records with addresses and control data', () => {
  const address = Uint8Array.from({ length: 16 }, (_, i) => i + 1)

  it('sbappendaddr – address, control, data: one record in this order, nothing merged; the packet forgets where it came from', () => {
    const sb = newBuffer()
    const packet = data(50, M.M_PKTHDR | M.M_PROTO3)
    k.mb.ph_flowid[packet] = 7
    k.mb.ph_rcvif[packet] = 2
    const control = sockbuf.sbcreatecontrol(k, Uint8Array.of(1, 2, 3, 4), 5, 0xffff)
    expect(sockbuf.sbappendaddr(k, sb, address, packet, control)).toBe(true)
    expect(sockbuf.sbappendaddr(k, sb, address, 0, 0)).toBe(true)
    expect(lengths(sb)).toEqual([[16, 24, 50], [16]])
    expect([k.mb.ph_flowid[packet], k.mb.ph_rcvif[packet], k.mb.m_flags[packet] & M.M_PROTO3]).toEqual([0, 0, 0])
    expect(counters(sb)).toEqual([106, 106, 1024, 4, 0, 56])
    const first = k.sb.sb_mb[sb]
    const bytes = kern.mtodAddr(k, first)
    expect([...k.phys.ram.subarray(bytes, bytes + 16)]).toEqual([...address])
    const cm = new DataView(k.phys.ram.buffer, kern.mtodAddr(k, control), 24)
    // struct cmsghdr: length with header, level, type; the payload on an 8-byte border.
    expect([cm.getUint32(0, true), cm.getInt32(4, true), cm.getInt32(8, true), cm.getUint32(16, true)]).toEqual([
      20, 0xffff, 5, 0x04030201,
    ])
    sockbuf.sbdroprecord(k, sb)
    expect(lengths(sb)).toEqual([[16]])
    sockbuf.sbdroprecord(k, sb)
    expect(counters(sb)).toEqual([0, 0, 0, 0, 0, 0])
  })

  it('no room, address too long, no mbuf – refused, nothing taken; without the check of room – taken', () => {
    const sb = newBuffer(100)
    const packet = data(90, M.M_PKTHDR)
    expect(sockbuf.sbappendaddr(k, sb, address, packet, 0)).toBe(false)
    expect(sockbuf.sbappendaddr(k, sb, new Uint8Array(225), packet, 0, false)).toBe(false)
    k.uma.failAt(1)
    expect(sockbuf.sbappendaddr(k, sb, address, packet, 0, false)).toBe(false)
    expect(counters(sb)).toEqual([0, 0, 0, 0, 0, 0])
    expect(sockbuf.sbappendaddr(k, sb, address, packet, 0, false)).toBe(true)
    expect(k.sb.sb_ccc[sb]).toBe(106)
    sockbuf.sbflush(k, sb)
  })

  it('sbappendcontrol – control then data in one record; the room is not looked at', () => {
    const sb = newBuffer(200)
    const control = (): number => sockbuf.sbcreatecontrol(k, new Uint8Array(8), 1, 0xffff)
    sockbuf.sbappendcontrol(k, sb, data(100), control())
    expect(lengths(sb)).toEqual([[24, 100]])
    expect(counters(sb)).toEqual([124, 124, 512, 2, 0, 24])
    sockbuf.sbappendcontrol(k, sb, data(200), control())
    sockbuf.sbappendcontrol(k, sb, 0, control())
    expect(lengths(sb)).toEqual([[24, 100], [24, 200], [24]])
    expect([sockbuf.sbspace(k, sb), k.sb.sb_ctl[sb]]).toEqual([200 - 372, 72])
    sockbuf.sbflush(k, sb)
  })

  it('sbcreatecontrol – longer than an mbuf: a cluster; longer than a cluster: 0', () => {
    expect(k.mb.ext_type[sockbuf.sbcreatecontrol(k, new Uint8Array(300), 1, 1)]).toBe(M.EXT_PACKET)
    expect(sockbuf.sbcreatecontrol(k, new Uint8Array(2040), 1, 1)).toBe(0)
  })
})

describe('sbappend and sbcompress (5.4), each condition of step 2', () => {
  /** Two 100-byte mbufs appended to a stream buffer; `spoil` changes one condition. */
  const appended = (
    spoil: (sb: number, tail: number, next: number) => void,
    first: () => number = () => data(100),
    second: () => number = () => data(100),
  ): number => {
    const sb = newBuffer()
    sockbuf.sbappend(k, sb, first(), 0)
    const next = second()
    spoil(sb, k.sb.sb_mbtail[sb], next)
    sockbuf.sbcompress(k, sb, next, k.sb.sb_mbtail[sb])
    const n = k.sb.sb_mcnt[sb]
    for (let m = k.sb.sb_mb[sb]; m !== 0; m = k.mb.m_next[m]) {
      k.mb.m_flags[m] &= ~(M.M_NOTREADY | M.M_BLOCKED)
      if (kern.isPgs(k, m)) k.pgs.nrdy[k.mb.ext_buf[m]] = 0
    }
    return n
  }
  it('all hold – merged', () => expect(appended(() => undefined)).toBe(1))
  it.each<[string, Parameters<typeof appended>]>([
    ['the tail ends a record', [(_sb, tail) => (k.mb.m_flags[tail] |= M.M_EOR)]],
    ['the tail is read-only', [(_sb, tail) => (k.mb.m_flags[tail] |= M.M_RDONLY)]],
    ['SB_NOCOALESCE', [(sb) => (k.sb.sb_flags[sb] |= SB_NOCOALESCE)]],
    [
      'the tail is not ready',
      [(sb, tail) => ((k.mb.m_flags[tail] |= M.M_NOTREADY), (k.sb.sb_fnrdy[sb] = tail), (k.sb.sb_acc[sb] = 0))],
    ],
    ['another type', [(_sb, _tail, next) => (k.mb.m_type[next] = M.MT_OOBDATA)]],
    ['no room behind the tail', [() => undefined, () => data(150)]],
    ['the tail is unmapped', [() => undefined, () => pages(1)]],
  ])('%s – not merged', (_name, parameters) => {
    expect(appended(...parameters)).toBe(2)
  })

  it('512 bytes into a cluster with room – merged; 513 – linked (MCLBYTES / 4)', () => {
    for (const [len, mbufs] of [
      [512, 1],
      [513, 2],
    ] as const) {
      const sb = newBuffer()
      const first = kern.m_getcl(k, M_NOWAIT, M.MT_DATA, 0)
      k.mb.m_len[first] = 10
      sockbuf.sbappendstream(k, sb, first, 0)
      sockbuf.sbappendstream(k, sb, data(len), 0)
      expect(k.sb.sb_mcnt[sb]).toBe(mbufs)
      sockbuf.sbflush(k, sb)
    }
  })

  it('step 1: an empty mbuf after an EOR whose neighbour has another type – stays and carries the mark', () => {
    const sb = newBuffer()
    const empty = data(0, M.M_EOR)
    sockbuf.sbappend(k, sb, empty, 0)
    expect([k.sb.sb_mcnt[sb], k.mb.m_flags[k.sb.sb_mb[sb]] & M.M_EOR]).toEqual([1, M.M_EOR])
    // The next append starts a record.
    sockbuf.sbappend(k, sb, data(10), 0)
    expect(lengths(sb)).toEqual([[0], [10]])
  })

  it('step 3: 224 bytes unmapped – compressed before they are counted; shared – EBUSY is ignored and they stay', () => {
    const sb = newBuffer()
    sockbuf.sbappendstream(k, sb, pages(1, 224), 0)
    expect(counters(sb)).toEqual([224, 224, 256, 1, 0, 0])
    const m = pages(1, 100)
    const shadow = m_copym(k, m, 0, M.M_COPYALL, M_NOWAIT)
    sockbuf.sbappendstream(k, sb, m, 0)
    expect(counters(sb)).toEqual([324, 324, 256 + 4352, 2, 1, 0])
    kern.m_freem(k, shadow)
    sockbuf.sbflush(k, sb)
  })
})

describe('SB_NOCOALESCE (5.3, 5.5 step 1)', () => {
  it('data becomes ready – is neither merged nor compressed', () => {
    for (const [flags, want] of [
      [0, [20, 20, 256, 1, 0, 0]],
      [SB_NOCOALESCE, [20, 20, 2 * 4352, 2, 2, 0]],
    ] as const) {
      const sb = newBuffer(100_000, flags)
      const first = pages(1, 10, true)
      k.mb.m_next[first] = pages(1, 10, true)
      sockbuf.sbappendstream(k, sb, first, PRUS_NOTREADY)
      expect(sockbuf.sbready(k, sb, first, 2)).toBe(0)
      expect(counters(sb)).toEqual(want)
      sockbuf.sbflush(k, sb)
    }
  })
})

describe('sbready (5.5)', () => {
  it('step 3: some pages of the first mbuf – EINPROGRESS, acc unchanged; the last of them – the whole mbuf', () => {
    const sb = newBuffer()
    const m = pages(3, PAGE_SIZE, true)
    sockbuf.sbappendstream(k, sb, m, PRUS_NOTREADY)
    expect(sockbuf.sbready(k, sb, m, 2)).toBe(EINPROGRESS)
    expect([k.sb.sb_acc[sb], k.pgs.nrdy[k.mb.ext_buf[m]]]).toEqual([0, 1])
    expect(sockbuf.sbready(k, sb, m, 1)).toBe(0)
    expect(k.sb.sb_acc[sb]).toBe(3 * PAGE_SIZE)
    sockbuf.sbflush(k, sb)
  })

  it('assertions: nothing waits, or what becomes ready was ready – panics that say so', () => {
    const sb = newBuffer()
    const ready = data(10)
    sockbuf.sbappendstream(k, sb, ready, 0)
    expect(() => sockbuf.sbready(k, sb, ready, 1)).toThrow(/waits for data/)
    const m = pages(1, PAGE_SIZE, true)
    sockbuf.sbappendstream(k, sb, m, PRUS_NOTREADY)
    expect(() => sockbuf.sbready(k, sb, ready, 1)).toThrow(/was not ready before/)
  })
})

describe('removal (5.6)', () => {
  it('a cut over data that is not ready – unlinks it without freeing; into it – a panic', () => {
    const sb = newBuffer()
    const m = pages(2, PAGE_SIZE, true)
    sockbuf.sbappendstream(k, sb, m, PRUS_NOTREADY)
    sockbuf.sbappendstream(k, sb, data(50), 0)
    expect(() => sockbuf.sbdrop(k, sb, 100)).toThrow(/available data only/)
    sockbuf.sbdrop(k, sb, 2 * PAGE_SIZE)
    expect(counters(sb)).toEqual([50, 50, 256, 1, 0, 0])
    expect(k.mb.m_type[m]).toBe(M.MT_DATA)
    kern.mb_free_notready(k, m, 2)
    expect(k.mb.m_type[m]).toBe(M.MT_NOTMBUF)
    sockbuf.sbflush(k, sb)
  })
})

describe('limits and their sysctls (5.3)', () => {
  it('kern.ipc.maxsockbuf below 2304 – EINVAL; at it – sb_max_adj follows', () => {
    const own = createMemoryKernel()
    expect(own.sysctl.read('kern.ipc.maxsockbuf')).toBe(2_097_152)
    expect(own.sb.settings.sb_max_adj).toBe(1_864_135)
    expect(own.sysctl.write('kern.ipc.maxsockbuf', 2303)).toBe(EINVAL)
    expect(own.sysctl.write('kern.ipc.maxsockbuf', 2304)).toBe(0)
    expect(own.sb.settings.sb_max_adj).toBe(2048)
    const sb = own.sb.alloc()
    expect([sockbuf.sbreserve(own, sb, 2049), sockbuf.sbreserve(own, sb, 2048)]).toEqual([false, true])
    // mbmax = min(size × 8, sb_max).
    expect(own.sb.sb_mbmax[sb]).toBe(2304)
  })

  it('kern.ipc.sockbuf_waste_factor – decides mbmax of what is reserved next', () => {
    const own = createMemoryKernel()
    const sb = own.sb.alloc()
    sockbuf.sbreserve(own, sb, 1000)
    expect(own.sb.sb_mbmax[sb]).toBe(8000)
    expect(own.sysctl.write('kern.ipc.sockbuf_waste_factor', 2)).toBe(0)
    sockbuf.sbreserve(own, sb, 1000)
    expect(own.sb.sb_mbmax[sb]).toBe(2000)
  })

  it('sbspace – the smaller of two rooms, negative above the mark, 0 with SB_STOP (5.1)', () => {
    const sb = newBuffer(1000)
    k.sb.sb_ccc[sb] = 1500
    expect(sockbuf.sbspace(k, sb)).toBe(-500)
    k.sb.sb_ccc[sb] = 0
    k.sb.sb_mbcnt[sb] = 7900
    expect(sockbuf.sbspace(k, sb)).toBe(100)
    k.sb.sb_flags[sb] |= SB_STOP
    expect(sockbuf.sbspace(k, sb)).toBe(0)
  })
})

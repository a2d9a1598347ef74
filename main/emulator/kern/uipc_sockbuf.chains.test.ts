/** Socket buffers, drawn before and after (docs/chains.md), with the row of kernel-mbuf-sendfile 5 or of its errata that each shows. */
import { afterEach, describe, expect, it } from 'vitest'
import { ChainBench } from '../inspect/chainBench'
import { EINPROGRESS } from '../sys/errno'
import { PRUS_NOTREADY } from '../sys/sockbuf'
import { m_free } from './kern_mbuf'
import * as sockbuf from './uipc_sockbuf'

let bench = new ChainBench()
let { k } = bench
// One failure does not spoil the rest.
afterEach(({ task }) => {
  if (task.result?.state !== 'fail') return
  bench = new ChainBench()
  k = bench.k
})

/** A buffer and a chain that is appended to it. */
function appended(buffer: string, chain: string, after: string, flags = 0): void {
  const sb = bench.read(buffer).sb()
  const m = bench.read(chain).head()
  const bytes = Uint8Array.from([...bench.bytes(k.sb.sb_mb[sb]), ...bench.bytes(m)])
  bench.run(() => sockbuf.sbappendstream(k, sb, m, flags))
  expect(bench.draw({ snd: { sb } })).toBe(bench.text(after))
  expect(bench.bytes(k.sb.sb_mb[sb])).toEqual(bytes)
  expect(bench.end({ sb })).toEqual({})
}

describe('accounting (5.2)', () => {
  // Pages: sb_mbcnt, sb_mcnt, sb_ccnt mapped and unmapped, as in the table.
  it.each([
    [1, [4352, 1, 1], [4352, 1, 1]],
    [8, [34816, 8, 8], [33024, 1, 1]],
    [19, [82688, 19, 19], [78080, 1, 1]],
    [20, [87040, 20, 20], [82432, 2, 2]],
  ])('%i pages queued – mapped and unmapped – the counters of the table', (pages, mapped, unmapped) => {
    const page = (n: number): string => `a${n} len 4096 EXT_SFBUF page p${n}`
    const array = (from: number, to: number): string =>
      `b${from} len ${(to - from) * 4096} EXT_PGS pages ${Array.from({ length: to - from }, (_, i) => `p${from + i}`).join(',')}`
    const heading = (label: string, [mbcnt, mcnt, ccnt]: number[]): string =>
      `sockbuf ${label} sb_acc ${pages * 4096} sb_ccc ${pages * 4096} sb_mbcnt ${mbcnt} sb_mcnt ${mcnt} sb_ccnt ${ccnt}`
    // Reading checks the counters against what sballoc makes of the chain.
    const c = bench.read(
      [
        heading('mapped', mapped),
        ...Array.from({ length: pages }, (_, i) => page(i)),
        heading('unmapped', unmapped),
        array(0, Math.min(pages, 19)),
        ...(pages > 19 ? [array(19, pages)] : []),
      ].join('\n'),
    )
    expect(bench.end({ sb: c.sb('mapped') }, { sb: c.sb('unmapped') })).toEqual({})
  })
})

describe('sbappendstream and sbcompress (5.4)', () => {
  it('an empty buffer, a packet – headers stripped, empty mbufs dropped (step 1), flags cleared', () => {
    appended(
      'sockbuf snd',
      'm1 len 0 pkt 105\nm2 M_EOR len 5\nm3 len 0\nm4 len 100 EXT_CLUSTER',
      `sockbuf snd  sb_acc 105  sb_ccc 105  sb_mbcnt 256  sb_mcnt 1  sb_ccnt 0
       m2  len 105`,
    )
  })

  it('512 bytes behind a cluster with room – copied; 513 – linked (step 2)', () => {
    appended(
      'sockbuf snd\nm1 len 1000 EXT_CLUSTER',
      'm2 len 512 EXT_CLUSTER\nm3 len 513 EXT_CLUSTER',
      `sockbuf snd  sb_acc 2025  sb_ccc 2025  sb_mbcnt 4608  sb_mcnt 2  sb_ccnt 2
       m1  len 1512 EXT_CLUSTER
       m3  len 513 EXT_CLUSTER`,
    )
  })

  it('a tail that somebody shares – not writable, linked (step 2)', () => {
    appended(
      'sockbuf snd\nm1 len 10 EXT_CLUSTER refs 2',
      'm2 len 20',
      `sockbuf snd  sb_acc 30  sb_ccc 30  sb_mbcnt 2560  sb_mcnt 2  sb_ccnt 1
       m1  len 10 EXT_CLUSTER refs 2
       m2  len 20`,
    )
  })

  it('SB_NOCOALESCE – nothing merged', () => {
    appended(
      'sockbuf snd sb_flags SB_NOCOALESCE\nm1 len 10',
      'm2 len 20',
      `sockbuf snd  sb_acc 30  sb_ccc 30  sb_mbcnt 512  sb_mcnt 2  sb_ccnt 0  sb_flags SB_NOCOALESCE
       m1  len 10
       m2  len 20`,
    )
  })

  it('224 bytes in a page array – become a plain mbuf and are charged as one; 225 stay unmapped (step 3, 6.4)', () => {
    appended(
      'sockbuf snd\nm0 len 4096 EXT_SFBUF page p9',
      'm1 len 224 EXT_PGS pages p0 last 224\nm2 len 225 EXT_PGS pages p1 last 225',
      `sockbuf snd  sb_acc 4545  sb_ccc 4545  sb_mbcnt 8960  sb_mcnt 3  sb_ccnt 2
       m0  len 4096 EXT_SFBUF page p9
       m1  len 224
       m2  len 225 EXT_PGS pages p1 last 225`,
    )
  })

  it('a shared small page array – compression says EBUSY, it stays unmapped (step 3)', () => {
    appended(
      'sockbuf snd',
      'm1 len 100 EXT_PGS pages p0 last 100 refs 2',
      `sockbuf snd  sb_acc 100  sb_ccc 100  sb_mbcnt 4352  sb_mcnt 1  sb_ccnt 1
       m1  len 100 EXT_PGS pages p0 last 100 refs 2`,
    )
  })

  it('data that is not ready – keeps M_NOTREADY, is neither merged nor compressed, and becomes sb_fnrdy', () => {
    appended(
      'sockbuf snd\nm1 len 10',
      'm2 M_EXT|M_RDONLY|M_NOMAP|M_NOTREADY len 100 EXT_PGS pages p0 last 100',
      `sockbuf snd  sb_acc 10  sb_ccc 110  sb_mbcnt 4608  sb_mcnt 2  sb_ccnt 1  sb_fnrdy m2
       m1  len 10
       m2  M_EXT|M_RDONLY|M_NOMAP|M_NOTREADY len 100 EXT_PGS pages p0 last 100`,
      PRUS_NOTREADY,
    )
  })

  it('small data behind a blocked plain tail – copied into it, not available before it is (errata B16)', () => {
    appended(
      'sockbuf snd\nm1 M_NOTREADY len 100\nm2 M_BLOCKED len 50',
      'm3 len 30',
      `sockbuf snd  sb_acc 0  sb_ccc 180  sb_mbcnt 512  sb_mcnt 2  sb_ccnt 0  sb_fnrdy m1
       m1  M_NOTREADY len 100
       m2  M_BLOCKED len 80`,
    )
  })
})

describe('sbready and merging (5.5)', () => {
  const cold = (name: string, page: number, flags: string): string =>
    `${name} M_EXT|M_RDONLY|M_NOMAP|${flags} len 100 EXT_PGS pages p${page} last 100`
  const three = [
    'sockbuf snd',
    cold('a', 0, 'M_NOTREADY'),
    cold('b', 1, 'M_NOTREADY|M_BLOCKED'),
    cold('c', 2, 'M_NOTREADY|M_BLOCKED'),
  ].join('\n')

  it('three cold sends of 100 bytes, read in order – compressed one by one, never merged: 3 mbufs, 768', () => {
    const s = bench.read(three)
    const sb = s.sb()
    expect(sockbuf.sbready(k, sb, s.row('a'), 1)).toBe(0)
    expect(bench.draw({ snd: { sb } })).toBe(
      bench.text(
        `sockbuf snd  sb_acc 100  sb_ccc 300  sb_mbcnt 8960  sb_mcnt 3  sb_ccnt 2  sb_fnrdy b
         a  len 100
         ${cold('b', 1, 'M_NOTREADY|M_BLOCKED')}
         ${cold('c', 2, 'M_NOTREADY|M_BLOCKED')}`,
      ),
    )
    expect(sockbuf.sbready(k, sb, s.row('b'), 1)).toBe(0)
    expect(sockbuf.sbready(k, sb, s.row('c'), 1)).toBe(0)
    expect(bench.draw({ snd: { sb } })).toBe(
      bench.text(
        'sockbuf snd  sb_acc 300  sb_ccc 300  sb_mbcnt 768  sb_mcnt 3  sb_ccnt 0\na len 100\nb len 100\nc len 100',
      ),
    )
    expect(bench.end({ sb })).toEqual({})
  })

  it('read in reverse – compressed while blocked; the last one merges the range: 200 and 100 bytes, 512', () => {
    const s = bench.read(three)
    const sb = s.sb()
    expect(sockbuf.sbready(k, sb, s.row('c'), 1)).toBe(EINPROGRESS)
    expect(sockbuf.sbready(k, sb, s.row('b'), 1)).toBe(EINPROGRESS)
    expect(bench.draw({ snd: { sb } })).toBe(
      bench.text(
        `sockbuf snd  sb_acc 0  sb_ccc 300  sb_mbcnt 4864  sb_mcnt 3  sb_ccnt 1  sb_fnrdy a
         ${cold('a', 0, 'M_NOTREADY')}
         b  M_BLOCKED len 100
         c  M_BLOCKED len 100`,
      ),
    )
    expect(sockbuf.sbready(k, sb, s.row('a'), 1)).toBe(0)
    expect(bench.draw({ snd: { sb } })).toBe(
      bench.text('sockbuf snd  sb_acc 300  sb_ccc 300  sb_mbcnt 512  sb_mcnt 2  sb_ccnt 0\na len 200\nc len 100'),
    )
    expect(bench.end({ sb })).toEqual({})
  })

  it('some pages of an mbuf – EINPROGRESS, nothing available; the rest – all of it (steps 2 and 3)', () => {
    const waiting = (nrdy: number): string =>
      `sockbuf snd  sb_acc 0  sb_ccc 16384  sb_mbcnt 16640  sb_mcnt 1  sb_ccnt 1  sb_fnrdy m1
       m1  M_EXT|M_RDONLY|M_NOMAP|M_NOTREADY len 16384 EXT_PGS pages p0-p3 nrdy ${nrdy}`
    const s = bench.read(waiting(4))
    const sb = s.sb()
    expect(sockbuf.sbready(k, sb, s.row('m1'), 3)).toBe(EINPROGRESS)
    expect(bench.draw({ snd: { sb } })).toBe(bench.text(waiting(1)))
    expect(sockbuf.sbready(k, sb, s.row('m1'), 1)).toBe(0)
    expect(bench.draw({ snd: { sb } })).toBe(
      bench.text(
        'sockbuf snd  sb_acc 16384  sb_ccc 16384  sb_mbcnt 16640  sb_mcnt 1  sb_ccnt 1\nm1 len 16384 EXT_PGS pages p0-p3',
      ),
    )
    expect(bench.end({ sb })).toEqual({})
  })

  it('a ready header before, ready data behind – becomes ready – not merged backwards; what it blocked becomes available (step 5)', () => {
    const s = bench.read(
      `sockbuf snd
       h  len 50
       ${cold('a', 0, 'M_NOTREADY')}
       b  M_BLOCKED len 60
       ${cold('c', 1, 'M_NOTREADY|M_BLOCKED')}`,
    )
    const sb = s.sb()
    expect(sockbuf.sbready(k, sb, s.row('a'), 1)).toBe(0)
    expect(bench.draw({ snd: { sb } })).toBe(
      bench.text(
        `sockbuf snd  sb_acc 210  sb_ccc 310  sb_mbcnt 4864  sb_mcnt 3  sb_ccnt 1  sb_fnrdy c
         h  len 50
         a  len 160
         ${cold('c', 1, 'M_NOTREADY|M_BLOCKED')}`,
      ),
    )
    expect(bench.end({ sb })).toEqual({})
  })
})

describe('sbdrop and sbcut (5.6)', () => {
  const buffer = `sockbuf snd sb_sndptr m2 sb_sndptroff 62
    m1  len 62
    m2  len 8192 EXT_PGS pages p0-p1
    m3  M_NOTREADY len 40
    m4  M_BLOCKED len 50`

  it('into an unmapped mbuf – whole mbufs freed, m_data moved on; the cached offset falls (errata B4)', () => {
    const sb = bench.read(buffer).sb()
    sockbuf.sbdrop(k, sb, 5062)
    expect(bench.draw({ snd: { sb } })).toBe(
      bench.text(
        `sockbuf snd  sb_acc 3192  sb_ccc 3282  sb_mbcnt 8960  sb_mcnt 3  sb_ccnt 1  sb_fnrdy m3  sb_sndptr m2
         m2  len 3192 data 5000 EXT_PGS pages p0-p1
         m3  M_NOTREADY len 40
         m4  M_BLOCKED len 50`,
      ),
    )
    expect(bench.end({ sb })).toEqual({})
  })

  it('sbcut – the chain comes back last one first (errata B1)', () => {
    const s = bench.read('sockbuf snd\nm1 len 10\nm2 len 20 EXT_CLUSTER\nm3 len 30')
    const cut = sockbuf.sbcut(k, s.sb(), 35)
    expect(bench.draw({ snd: { sb: s.sb() }, cut })).toBe(
      bench.text(
        `sockbuf snd  sb_acc 25  sb_ccc 25  sb_mbcnt 256  sb_mcnt 1  sb_ccnt 0
         m3  len 25 data 5

         chain cut
         m2  len 20 EXT_CLUSTER
         m1  len 10`,
      ),
    )
    expect(bench.end({ sb: s.sb() }, cut)).toEqual({})
  })

  it('across data that is not ready – unlinked, not freed: the I/O owns it; what it blocked becomes available', () => {
    const s = bench.read(buffer)
    const sb = s.sb()
    sockbuf.sbdrop(k, sb, 62 + 8192 + 40)
    expect(bench.draw({ snd: { sb } })).toBe(
      bench.text('sockbuf snd  sb_acc 50  sb_ccc 50  sb_mbcnt 256  sb_mcnt 1  sb_ccnt 0\nm4 len 50'),
    )
    expect(k.mb.m_type[s.row('m3')]).toBe(1)
    m_free(k, s.row('m3'))
    expect(bench.end({ sb })).toEqual({})
  })
})

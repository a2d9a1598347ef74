/**
 * Operations on chains, drawn before and after (docs/chains.md). Each names the row of the reference kernel-mbuf-sendfile or of its errata that it shows.
 * n1, n2 … are the mbufs that the operation allocates.
 */
import { afterEach, describe, expect, it } from 'vitest'
import { ChainBench } from '../inspect/chainBench'
import { EBUSY } from '../sys/errno'
import { M_COPYALL } from '../sys/mbuf'
import { M_NOWAIT } from '../sys/param'
import { KernelPanic } from '../sys/systm'
import type { MemoryKernel } from '../testing'
import { m_freem, mb_free_notready, mb_unmapped_compress, mb_unmapped_to_ext } from './kern_mbuf'
import * as uipc from './uipc_mbuf'

let bench = new ChainBench()
// One failure does not spoil the rest.
afterEach(({ task }) => {
  if (task.result?.state === 'fail') bench = new ChainBench()
})

/** A chain, an operation on its head that returns the head afterwards, and the chain it leaves. The bytes stay the same. */
function becomes(before: string, operation: (k: MemoryKernel, m: number) => number, after: string): void {
  const head = bench.read(before).head()
  const bytes = bench.bytes(head)
  const top = bench.run((k) => operation(k, head))
  expect(bench.draw(top)).toBe(bench.text(after))
  expect(bench.bytes(top)).toEqual(bytes)
  expect(bench.end(top)).toEqual({})
}

describe('mb_unmapped_to_ext (3.1, 3.2)', () => {
  it('a packet with two pages – one mapped mbuf a page, which holds the unmapped one; nothing merged, no page copied', () => {
    const copied = bench.k.mbstat.copied_bytes
    becomes(
      `m1  len 62 data 22 pkt 8154
       m2  len 8092 EXT_PGS pages p4-p5 first 100`,
      mb_unmapped_to_ext,
      `m1  len 62 data 22 pkt 8154
       n1  len 3996 data 100 EXT_SFBUF page p4 holds m2
       n2  len 4096 EXT_SFBUF page p5 holds m2

       elsewhere
       m2  len 8092 EXT_PGS pages p4-p5 first 100`,
    )
    expect(bench.k.mbstat.copied_bytes).toBe(copied)
  })

  it('header, page and trailer, seen from byte 3 on (steps 1 to 3) – header and trailer bytes copied into plain mbufs', () => {
    becomes(
      'm1  len 110 data 3 EXT_PGS pages p0 first 4000 last 96 hdr 5 trail 12',
      mb_unmapped_to_ext,
      `n1  len 2
       n2  len 96 data 4000 EXT_SFBUF page p0 holds m1
       n3  len 12

       elsewhere
       m1  len 110 data 3 EXT_PGS pages p0 first 4000 last 96 hdr 5 trail 12`,
    )
  })

  it('a shadow – converted – the pages hold the owner, and the shadow is gone (step 4)', () => {
    becomes(
      `chain
       m1  len 5000 data 4000 of m2

       elsewhere
       m2  len 12288 EXT_PGS pages p0-p2 refs 2`,
      mb_unmapped_to_ext,
      `n1  len 96 data 4000 EXT_SFBUF page p0 holds m2
       n2  len 4096 EXT_SFBUF page p1 holds m2
       n3  len 808 EXT_SFBUF page p2 holds m2

       elsewhere
       m2  len 12288 EXT_PGS pages p0-p2 refs 4`,
    )
  })

  it('a packet header on an unmapped mbuf – converted – lost (errata B8)', () => {
    becomes(
      'm1  len 4096 EXT_PGS pages p0 pkt 4096',
      mb_unmapped_to_ext,
      `n1  len 4096 EXT_SFBUF page p0 holds m1

       elsewhere
       m1  len 4096 EXT_PGS pages p0 pkt 4096`,
    )
  })

  it.each([1, 2])('allocation %i of 2 fails – the whole chain is freed and NULL returned (3.1)', (fail) => {
    const head = bench.read('m1  len 62 pkt 8254\nm2  len 8192 EXT_PGS pages p0-p1\nm3  len 10').head()
    bench.k.uma.failAt(fail)
    expect(mb_unmapped_to_ext(bench.k, head)).toBe(0)
    bench.k.uma.failAt(0)
    expect(bench.end()).toEqual({})
  })
})

describe('mb_unmapped_compress (3.3)', () => {
  const compress = (answer: number) => (k: MemoryKernel, m: number) => {
    expect(mb_unmapped_compress(k, m)).toBe(answer)
    return m
  }

  it('224 bytes across two pages, alone – become a plain mbuf; the pages are let go', () => {
    becomes('m1  len 224 EXT_PGS pages p7-p8 first 4000 last 128', compress(0), 'm1  len 224')
  })

  it('one reference elsewhere – EBUSY, untouched (step 2)', () => {
    const chain = 'm1  len 150 EXT_PGS pages p0 last 150 refs 2'
    becomes(chain, compress(EBUSY), chain)
  })

  it('a copy made and freed – EBUSY in between, compressed after (step 2)', () => {
    const c = bench.read('m1  len 200 EXT_PGS pages p0 last 200')
    const copy = bench.run((k) => uipc.m_copym(k, c.head(), 0, M_COPYALL, M_NOWAIT))
    expect(mb_unmapped_compress(bench.k, c.head())).toBe(EBUSY)
    expect(bench.draw({ '': c.head(), copy })).toBe(
      bench.text('m1 len 200 EXT_PGS pages p0 last 200\nchain copy\nn1 len 200 of m1'),
    )
    m_freem(bench.k, copy)
    expect(mb_unmapped_compress(bench.k, c.head())).toBe(0)
    expect(bench.draw(c.head())).toBe(bench.text('m1 len 200'))
    expect(bench.end(c.head())).toEqual({})
  })

  it('225 bytes – an assertion (10.2 no. 7)', () => {
    const c = bench.read('m1  len 225 EXT_PGS pages p0 last 225')
    expect(() => mb_unmapped_compress(bench.k, c.head())).toThrow(KernelPanic)
    expect(bench.end(c.head())).toEqual({})
  })

  it('not ready, with a window behind the header – keeps its flags (errata B7)', () => {
    becomes(
      'm1  M_EXT|M_EOR|M_RDONLY|M_NOMAP|M_BLOCKED len 20 data 4 EXT_PGS pages p0 last 20 hdr 4',
      compress(0),
      'm1  M_EOR|M_BLOCKED len 20',
    )
  })
})

describe('mb_free_notready (3.4)', () => {
  it('three units of a two-page mbuf and a plain one – both freed; the rest keeps its chain (errata A4)', () => {
    const c = bench.read(
      `m1  M_EXT|M_RDONLY|M_NOMAP|M_NOTREADY len 8192 EXT_PGS pages p0-p1
       m2  M_NOTREADY len 9
       m3  M_NOTREADY len 10`,
    )
    mb_free_notready(bench.k, c.head(), 3)
    expect(bench.draw(c.row('m3'))).toBe(bench.text('m3  M_NOTREADY len 10'))
    expect(bench.end(c.row('m3'))).toEqual({})
  })
})

describe('m_split (3.5)', () => {
  const split = (before: string, at: number, after: string): void => {
    const head = bench.read(before).head()
    const bytes = bench.bytes(head)
    const tail = bench.run((k) => uipc.m_split(k, head, at, M_NOWAIT))
    expect(bench.draw({ front: head, back: tail })).toBe(bench.text(after))
    expect(Uint8Array.from([...bench.bytes(head), ...bench.bytes(tail)])).toEqual(bytes)
    expect(bench.end(head, tail)).toEqual({})
  }

  it('a packet inside an unmapped mbuf – both halves show the same pages; m_data is an offset', () => {
    split(
      `m1  len 62 data 22 pkt 8254
       m2  len 8192 EXT_PGS pages p0-p1`,
      5062,
      `chain front
       m1  len 62 data 22 pkt 5062
       m2  len 5000 EXT_PGS pages p0-p1

       chain back
       n1  len 3192 data 5000 pkt 3192 of m2`,
    )
  })

  it('a packet at an mbuf border – an empty header mbuf for the tail (errata B11)', () => {
    split(
      `m1  len 62 pkt 4158
       m2  len 4096 EXT_PGS pages p0`,
      62,
      `chain front
       m1  len 62 pkt 62

       chain back
       n1  len 0 pkt 4096
       m2  len 4096 EXT_PGS pages p0`,
    )
  })

  it('without a packet header at an mbuf border – the next mbuf itself (errata B11)', () => {
    split('m1  len 100 EXT_CLUSTER\nm2  len 50', 100, 'chain front\nm1  len 100 EXT_CLUSTER\n\nchain back\nm2  len 50')
  })
})

describe('m_adj (3.5, errata B13)', () => {
  it('500 bytes off the front – an emptied mbuf stays with its m_data; the unmapped one moves its offset', () => {
    const head = bench.read('m1  len 62 data 22 pkt 8254\nm2  len 8192 EXT_PGS pages p0-p1').head()
    uipc.m_adj(bench.k, head, 562)
    expect(bench.draw(head)).toBe(bench.text('m1  len 0 data 22 pkt 7692\nm2  len 7692 data 500 EXT_PGS pages p0-p1'))
    expect(bench.end(head)).toEqual({})
  })

  it('off the end within the last mbuf – m_len alone; beyond it – what follows is freed', () => {
    const head = bench.read('m1  len 62 pkt 4208\nm2  len 4096 EXT_PGS pages p0\nm3  len 50').head()
    uipc.m_adj(bench.k, head, -20)
    expect(bench.draw(head)).toBe(bench.text('m1  len 62 pkt 4188\nm2  len 4096 EXT_PGS pages p0\nm3  len 30'))
    uipc.m_adj(bench.k, head, -130)
    expect(bench.draw(head)).toBe(bench.text('m1  len 62 pkt 4058\nm2  len 3996 EXT_PGS pages p0'))
    expect(bench.end(head)).toEqual({})
  })
})

describe('m_copym (1.7, 3.5)', () => {
  it('from the middle – shadows of one owner, plain bytes copied, no packet header (errata B12)', () => {
    const c = bench.read('m1  len 62 data 22 pkt 8404\nm2  len 8192 EXT_PGS pages p0-p1\nm3  len 150')
    const copy = bench.run((k) => uipc.m_copym(k, c.head(), 4062, M_COPYALL, M_NOWAIT))
    expect(bench.draw({ '': c.head(), copy })).toBe(
      bench.text(
        `m1  len 62 data 22 pkt 8404
         m2  len 8192 EXT_PGS pages p0-p1
         m3  len 150

         chain copy
         n1  len 4192 data 4000 of m2
         n2  len 150`,
      ),
    )
    // The chain goes first: the owner stays for its shadow (1.7 no. 4).
    bench.run((k) => {
      for (let m = c.head(); m !== 0;) {
        const next = k.mb.m_next[m]
        k.mb.m_next[m] = 0
        m_freem(k, m)
        m = next
      }
    })
    expect(bench.draw(copy)).toBe(
      bench.text(
        `n1  len 4192 data 4000 of m2
         n2  len 150

         elsewhere
         m2  len 8192 EXT_PGS pages p0-p1`,
      ),
    )
    expect(bench.end(copy)).toEqual({})
  })

  it('a copy of a copy – refers to the owner, not to the copy; a shared cluster is not read-only, only shared', () => {
    const c = bench.read('m1  len 2000 EXT_CLUSTER')
    const first = bench.run((k) => uipc.m_copym(k, c.head(), 0, M_COPYALL, M_NOWAIT))
    const second = bench.run((k) => uipc.m_copym(k, first, 10, 100, M_NOWAIT))
    expect(bench.draw({ a: c.head(), b: first, c: second })).toBe(
      bench.text('chain a\nm1 len 2000 EXT_CLUSTER\nchain b\nn1 len 2000 of m1\nchain c\nn2 len 100 data 10 of m1'),
    )
    expect(bench.end(c.head(), first, second)).toEqual({})
  })
})

describe('m_cat (3.5)', () => {
  const cat = (front: string, back: string, after: string): void => {
    const m = bench.read(front).head()
    const n = bench.read(back).head()
    const bytes = Uint8Array.from([...bench.bytes(m), ...bench.bytes(n)])
    bench.run((k) => uipc.m_cat(k, m, n))
    expect(bench.draw(m)).toBe(bench.text(after))
    expect(bench.bytes(m)).toEqual(bytes)
    expect(bench.end(m)).toEqual({})
  }

  it('two small plain mbufs – copied into the trailing space', () => {
    cat('m1  len 100', 'm2  len 60\nm3  len 64', 'm1  len 224')
  })
  it('one byte too many – linked', () => {
    cat('m1  len 100', 'm2  len 60\nm3  len 65', 'm1  len 160\nm3  len 65')
  })
  it('an unmapped mbuf on either side – linked, never copied', () => {
    cat('m1  len 100', 'm2  len 9 EXT_PGS pages p0 last 9', 'm1  len 100\nm2  len 9 EXT_PGS pages p0 last 9')
    cat('m1  len 9 EXT_PGS pages p0 last 9', 'm2  len 100', 'm1  len 9 EXT_PGS pages p0 last 9\nm2  len 100')
  })
  it('a shared cluster in front – not writable, linked', () => {
    cat('m1  len 100 EXT_CLUSTER refs 2', 'm2  len 60', 'm1  len 100 EXT_CLUSTER refs 2\nm2  len 60')
  })
})

describe('m_defrag, m_collapse, m_pullup (3.5)', () => {
  it('m_defrag – a packet with a page array – copied into clusters', () => {
    becomes(
      `m1  len 62 data 22 pkt 4158
       m2  len 4096 EXT_PGS pages p0-p1 first 2048 last 2048`,
      (k, m) => uipc.m_defrag(k, m, M_NOWAIT),
      // Each cluster is filled before the next: the header loses its leading space.
      `n1  M_EXT|M_PKTHDR len 2048 EXT_PACKET pkt 4158
       n2  len 2048 EXT_PACKET
       n3  len 62`,
    )
  })

  it('m_collapse to 3 – an unmapped mbuf counts header + pages + trailer, and goes into a cluster with its neighbour', () => {
    becomes(
      `m1  len 62 data 60 pkt 1262
       m2  len 1000 EXT_PGS pages p0-p1 first 3500 last 400 hdr 4
       m3  len 200`,
      (k, m) => uipc.m_collapse(k, m, M_NOWAIT, 3),
      `m1  len 62 data 60 pkt 1262
       n1  len 1200 EXT_PACKET`,
    )
  })

  it('m_collapse – the next mbuf fills the trailing space to the last byte – not joined: strictly more is wanted (errata B9)', () => {
    const chain = 'm1  len 100\nm2  len 124\nm3  len 2048 EXT_CLUSTER'
    const head = bench.read(chain).head()
    expect(bench.run((k) => uipc.m_collapse(k, head, M_NOWAIT, 2))).toBe(0)
    expect(bench.draw(head)).toBe(bench.text(chain))
    expect(bench.end(head)).toEqual({})
  })

  it('m_pullup of 40 – 60 bytes of the next mbuf come forward (max_protohdr, if there is room), the rest stays', () => {
    becomes(
      `m1  len 20 pkt 140
       m2  len 120`,
      (k, m) => uipc.m_pullup(k, m, 40),
      `m1  len 80 pkt 140
       m2  len 60 data 60`,
    )
  })

  it('M_PREPEND to an unmapped mbuf – always a new mbuf in front: it has no leading space (1.4)', () => {
    const c = bench.read('m1  len 4096 EXT_PGS pages p0 hdr 20 data 20')
    const head = bench.run((k) => uipc.M_PREPEND(k, c.head(), 20, M_NOWAIT))
    expect(bench.draw(head)).toBe(bench.text('n1  len 20 data 200\nm1  len 4096 EXT_PGS pages p0 hdr 20 data 20'))
    expect(bench.end(head)).toEqual({})
  })
})

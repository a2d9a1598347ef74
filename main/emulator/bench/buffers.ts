/**
 * Benchmarks of the memory functions for `lab bench buffers`. They know no clock: each does a number of operations, the caller measures. Cost model
 * and self-checks are off.
 */
import {
  m_free,
  m_freem,
  m_get,
  m_getcl,
  m_gethdr,
  mb_alloc_ext_pgs,
  mb_unmapped_to_ext,
  setExtFree,
} from '../kern/kern_mbuf'
import { Sglist, sglist_append_mbuf } from '../kern/subr_sglist'
import { m_copydata, m_copym } from '../kern/uipc_mbuf'
import { sbappendstream, sbdrop, sbready, sbreserve } from '../kern/uipc_sockbuf'
import type { Kernel } from '../kernel'
import { cksumBytes } from '../netinet/in_cksum'
import { FREE_TEST_PG, MBUF_PEXT_MAX_PGS, MT_DATA, M_COPYALL, M_NOTREADY } from '../sys/mbuf'
import { M_NOWAIT, PAGE_SIZE } from '../sys/param'
import { PRUS_NOTREADY } from '../sys/sockbuf'
import { createMemoryKernel } from '../testing'

export interface BufferBenchmark {
  /** Short name, stable. */
  name: string
  /** What one operation is. */
  unit: string
  /** Least operations a second that the project promises, if any. */
  goal?: number
  /** Does about `n` operations; returns how many. */
  run(n: number): number
}

const FILE_PAGES = 19 * 64

/** An unmapped mbuf over `npgs` pages of the file, from page `first` on. */
function unmapped(k: Kernel, first: number, npgs: number): number {
  const m = mb_alloc_ext_pgs(k, M_NOWAIT, false, FREE_TEST_PG)
  const { pgs, mb } = k
  const p = mb.ext_buf[m]
  for (let i = 0; i < npgs; i++) pgs.pa[p * MBUF_PEXT_MAX_PGS + i] = k.page.frame[1 + first + i]
  pgs.npgs[p] = npgs
  pgs.last_pg_len[p] = PAGE_SIZE
  mb.m_len[m] = npgs * PAGE_SIZE
  mb.ext_size[m] = npgs * PAGE_SIZE
  return m
}

/** Builds a kernel and the benchmarks that work on it. */
export function bufferBenchmarks(): BufferBenchmark[] {
  const k = createMemoryKernel({
    debug: false,
    files: [new Uint8Array(FILE_PAGES * PAGE_SIZE)],
    contiguity: 1,
    warm: false,
  })
  setExtFree(FREE_TEST_PG, () => {})
  const sg = new Sglist(64)
  const sb = k.sb.alloc()
  sbreserve(k, sb, k.sb.settings.sb_max_adj)
  const target = new Uint8Array(19 * PAGE_SIZE)
  const bytes = new Uint8Array(65536)
  for (let i = 0; i < bytes.length; i++) bytes[i] = i * 7

  return [
    {
      name: 'mbuf',
      unit: 'mbuf allocated and freed',
      goal: 3e6,
      run: (n) => {
        for (let i = 0; i < n; i++) m_free(k, m_get(k, M_NOWAIT, MT_DATA))
        return n
      },
    },
    {
      name: 'packet header',
      unit: 'mbuf with packet header allocated and freed',
      run: (n) => {
        for (let i = 0; i < n; i++) m_free(k, m_gethdr(k, M_NOWAIT, MT_DATA))
        return n
      },
    },
    {
      name: 'mbuf burst',
      unit: 'mbuf allocated and freed, 1000 at a time',
      goal: 3e6,
      run: (n) => {
        for (let done = 0; done < n; done += 1000) {
          let chain = 0
          for (let i = 0; i < 1000; i++) {
            const m = m_get(k, M_NOWAIT, MT_DATA)
            k.mb.m_next[m] = chain
            chain = m
          }
          m_freem(k, chain)
        }
        return n
      },
    },
    {
      name: 'cluster',
      unit: 'mbuf with 2 KiB cluster allocated and freed',
      run: (n) => {
        for (let i = 0; i < n; i++) m_free(k, m_getcl(k, M_NOWAIT, MT_DATA, 0))
        return n
      },
    },
    {
      name: 'unmapped mbuf',
      unit: 'mbuf with page array allocated and freed',
      run: (n) => {
        for (let i = 0; i < n; i++) m_free(k, mb_alloc_ext_pgs(k, M_NOWAIT, false, FREE_TEST_PG))
        return n
      },
    },
    {
      name: 'scatter/gather',
      unit: 'page to scatter/gather entry',
      goal: 1e6,
      run: (n) => {
        const m = unmapped(k, 0, 19)
        let done = 0
        while (done < n) {
          sg.reset()
          sglist_append_mbuf(k, sg, m)
          done += 19
        }
        m_freem(k, m)
        return done
      },
    },
    {
      name: 'share',
      unit: 'mbuf shared by m_copym and freed',
      run: (n) => {
        const m = unmapped(k, 0, 19)
        for (let i = 0; i < n; i++) m_freem(k, m_copym(k, m, 0, M_COPYALL, M_NOWAIT))
        m_freem(k, m)
        return n
      },
    },
    {
      name: 'conversion',
      unit: 'page converted to a mapped mbuf and freed',
      run: (n) => {
        const m = unmapped(k, 0, 19)
        let done = 0
        while (done < n) {
          m_freem(k, mb_unmapped_to_ext(k, m_copym(k, m, 0, M_COPYALL, M_NOWAIT)))
          done += 19
        }
        m_freem(k, m)
        return done
      },
    },
    {
      name: 'copy',
      unit: 'byte copied out of unmapped mbufs',
      run: (n) => {
        const m = unmapped(k, 0, 19)
        let done = 0
        while (done < n) {
          m_copydata(k, m, 0, target.length, target, 0)
          done += target.length
        }
        m_freem(k, m)
        return done
      },
    },
    {
      name: 'checksum',
      unit: 'byte summed',
      run: (n) => {
        let sum = 0
        let done = 0
        while (done < n) {
          sum = cksumBytes(bytes, 0, 65536, sum) % 65536
          done += 65536
        }
        return done
      },
    },
    {
      name: 'append and drop',
      unit: '19-page mbuf appended to and dropped from a send buffer',
      run: (n) => {
        for (let i = 0; i < n; i++) {
          sbappendstream(k, sb, unmapped(k, (i & 63) * 19, 19), 0)
          if (k.sb.sb_mcnt[sb] > 16) sbdrop(k, sb, 19 * PAGE_SIZE)
        }
        sbdrop(k, sb, k.sb.sb_ccc[sb])
        return n
      },
    },
    {
      name: 'ready',
      unit: '8-page mbuf appended not ready, made ready and dropped',
      run: (n) => {
        for (let i = 0; i < n; i++) {
          const m = unmapped(k, (i & 63) * 8, 8)
          k.mb.m_flags[m] |= M_NOTREADY
          k.pgs.nrdy[k.mb.ext_buf[m]] = 8
          sbappendstream(k, sb, m, PRUS_NOTREADY)
          sbready(k, sb, m, 8)
          sbdrop(k, sb, 8 * PAGE_SIZE)
        }
        return n
      },
    },
  ]
}

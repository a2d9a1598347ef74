import { describe, expect, it } from 'vitest'
import { EBUSY, EINVAL } from '../sys/errno'
import * as M from '../sys/mbuf'
import { M_NOWAIT, PAGE_SIZE } from '../sys/param'
import { KernelPanic } from '../sys/systm'
import { leakCheck, memoryUse } from '../inspect/memoryUse'
import { createMemoryKernel, type MemoryKernel } from '../testing'
import { uma_zalloc, uma_zone_set_max } from '../vm/uma_core'
import * as kern from './kern_mbuf'
import { mbufLimits } from './kern_mbuf_sysctl'
import { m_append, m_apply, m_copyback, m_copym, m_length } from './uipc_mbuf'

const file = Uint8Array.from({ length: 40 * PAGE_SIZE }, (_, i) => (i * 7) ^ (i >>> 9))
const kernel = (): MemoryKernel => createMemoryKernel({ files: [file], debug: true })
kern.setExtFree(M.FREE_TEST_PG, () => undefined)

/** An unmapped mbuf over consecutive pages of the file. */
function unmapped(k: MemoryKernel, npgs: number, first_pg_off = 0, last_pg_len = PAGE_SIZE): number {
  const m = kern.mb_alloc_ext_pgs(k, M_NOWAIT, false, M.FREE_TEST_PG)
  const p = k.mb.ext_buf[m]
  for (let i = 0; i < npgs; i++) k.pgs.pa[p * 19 + i] = k.page.frame[1 + i]
  k.pgs.npgs[p] = npgs
  k.pgs.first_pg_off[p] = first_pg_off
  k.pgs.last_pg_len[p] = last_pg_len
  k.mb.ext_size[m] = npgs * PAGE_SIZE
  k.mb.m_len[m] = npgs === 1 ? last_pg_len : (npgs - 1) * PAGE_SIZE - first_pg_off + last_pg_len
  kern.mb_ext_pgs_check(k, p)
  return m
}

describe('constants (kernel-mbuf-sendfile 1.1, 1.3)', () => {
  it('sizes', () => {
    expect([M.MLEN, M.MHLEN, M.MINCLSIZE, M.max_hdr, M.max_datalen]).toEqual([224, 168, 169, 76, 92])
    expect([M.MBUF_PEXT_MAX_PGS, M.MBUF_PEXT_HDR_LEN, M.MBUF_PEXT_TRAIL_LEN]).toEqual([19, 24, 64])
    expect(19 * PAGE_SIZE + 24 + 64).toBe(77912)
  })

  it('flags travel with a packet header – M_NOMAP does not (1.4)', () => {
    expect(M.M_COPYFLAGS & M.M_NOMAP).toBe(0)
    expect(M.M_COPYFLAGS & M.M_RDONLY).toBe(M.M_RDONLY)
    expect([M.M_NOTREADY, M.M_BLOCKED]).toEqual([0x1000, 0x2000])
  })

  it('groups of checksum flags (1.6)', () => {
    expect([M.CSUM_DELAY_DATA, M.CSUM_DELAY_DATA_IPV6, M.CSUM_TSO]).toEqual([0x6, 0x600, 0x1010])
  })
})

describe('limits (kernel-mbuf-sendfile 2.2)', () => {
  // GiB of memory: nmbclusters, nmbjumbop, nmbjumbo9, nmbjumbo16, nmbufs
  it.each([
    [4, 262144, 131072, 38836, 21845, 1677721],
    [8, 524288, 262144, 77672, 43690, 3355443],
    [16, 1048576, 524288, 155344, 87381, 6710886],
    [32, 2097152, 1048576, 310689, 174762, 13421772],
    [64, 4194304, 2097152, 621378, 349525, 26843545],
    [128, 8388608, 4194304, 1242756, 699050, 53687091],
  ])('%i GiB of memory – boot – the worked values', (gib, clusters, jumbop, jumbo9, jumbo16, mbufs) => {
    const limits = mbufLimits(gib * 1024 ** 3, () => 0)
    expect([limits.nmbclusters, limits.nmbjumbop, limits.nmbjumbo9, limits.nmbjumbo16, limits.nmbufs]).toEqual([
      clusters,
      jumbop,
      jumbo9,
      jumbo16,
      mbufs,
    ])
  })

  it('i386 – boot – realmem is its kernel memory: a third of the physical, at most 40 % of the map, or vm.kmem_size (7.1, 2.2: the lesser of the two)', () => {
    const of = (gib: number, tunables: { [name: string]: string } = {}) => {
      const k = createMemoryKernel({ memoryBytes: gib * 1024 ** 3, directMap: false, tunables })
      return [k.sysctl.read('vm.kmem_size'), k.sysctl.read('kern.ipc.nmbclusters')]
    }
    const third = Math.floor((3 * 1024 ** 3) / 4096 / 3) * 4096
    expect(of(3)).toEqual([third, Math.floor(Math.floor(Math.floor(third / 2) / 2048) / 4)])
    expect(of(16)).toEqual([1_717_986_918, 104857])
    expect(of(3, { 'vm.kmem_size': '512m' })).toEqual([512 * 1024 ** 2, 32768])
    // amd64: the address space is no limit.
    const k = createMemoryKernel({ memoryBytes: 4 * 1024 ** 3 })
    expect([k.sysctl.read('vm.kmem_size'), k.sysctl.read('kern.ipc.nmbclusters')]).toEqual([4 * 1024 ** 3, 262144])
  })

  it('maxmbufmem above three quarters of memory – boot – cut to them', () => {
    const limits = mbufLimits(8 * 1024 ** 3, (name) => (name === 'kern.ipc.maxmbufmem' ? 8 * 1024 ** 3 : 0))
    expect(limits.maxmbufmem).toBe(6 * 1024 ** 3)
  })

  it('nmbufs below the sum of the clusters – boot – raised', () => {
    const tunables: { [name: string]: number } = { 'kern.ipc.nmbufs': 1000, 'kern.ipc.nmbclusters': 900000000 }
    expect(mbufLimits(4 * 1024 ** 3, (name) => tunables[name] ?? 0).nmbufs).toBe(900000000 + 131072 + 38836 + 21845)
  })

  it('a limit written lower – EINVAL; the same – fine; higher – in force', () => {
    const k = kernel()
    for (const name of ['nmbufs', 'nmbclusters', 'nmbjumbop', 'nmbjumbo9', 'nmbjumbo16']) {
      const oid = `kern.ipc.${name}`
      const now = k.sysctl.read(oid) as number
      expect(k.sysctl.write(oid, now - 1)).toBe(EINVAL)
      expect(k.sysctl.write(oid, now)).toBe(0)
      expect(k.sysctl.write(oid, now + 1)).toBe(0)
      expect(k.sysctl.read(oid)).toBe(now + 1)
    }
  })

  it('fewer mbufs than clusters may exist – a cluster limit raised – EINVAL', () => {
    const k = kernel()
    uma_zone_set_max(k, k.uma.zone_mbuf, 100)
    expect(k.sysctl.write('kern.ipc.nmbclusters', 100000000)).toBe(EINVAL)
  })

  it('unmapped mbufs – at boot – off (2.3, 10.2 no. 1)', () => {
    expect(kernel().sysctl.read('kern.ipc.mb_use_ext_pgs')).toBe(0)
  })
})

describe('the check of page arrays (1.3) – a broken rule – is named', () => {
  it.each([
    ['no page', { npgs: 0 }, /at least one page/],
    ['20 pages', { npgs: 20 }, /at most 19 pages/],
    ['more waiting than there are', { nrdy: 4 }, /no more pages wait/],
    ['first offset 4096', { first_pg_off: 4096 }, /first offset lies in the first page/],
    ['empty last page', { last_pg_len: 0 }, /at least one byte/],
    ['last page too long', { last_pg_len: 4097 }, /at most a page/],
    ['one page, data beyond it', { npgs: 1, first_pg_off: 100, last_pg_len: 4000 }, /ends in it/],
    ['header of 25 bytes', { hdr_len: 25 }, /24 bytes/],
    ['trailer of 65 bytes', { trail_len: 65 }, /64 bytes/],
  ])('%s', (_name, fields, sentence) => {
    const k = kernel()
    const p = k.mb.ext_buf[unmapped(k, 3)]
    for (const [name, value] of Object.entries(fields))
      (k.pgs as unknown as { [name: string]: number[] })[name][p] = value
    expect(() => kern.mb_ext_pgs_check(k, p)).toThrow(sentence)
  })
})

describe('allocation', () => {
  it('an unmapped mbuf – fresh – empty, read-only, unmapped, its own owner (2.6)', () => {
    const k = kernel()
    const m = kern.mb_alloc_ext_pgs(k, M_NOWAIT, true, M.FREE_TEST_PG)
    expect(k.mb.m_flags[m]).toBe(M.M_EXT | M.M_PKTHDR | M.M_RDONLY | M.M_NOMAP)
    expect([k.mb.ext_type[m], k.mb.ext_flags[m], k.mb.ext_count[m], k.mb.ext_size[m]]).toEqual([9, 1, 1, 0])
    expect(kern.M_LEADINGSPACE(k, m) + kern.M_TRAILINGSPACE(k, m)).toBe(0)
    expect(() => kern.mtodAddr(k, m)).toThrow(/has no address/)
  })

  it('the page array cannot be had – unmapped mbuf wanted – 0 and the mbuf is given back', () => {
    const k = kernel()
    const base = memoryUse(k)
    k.uma.failAt(2)
    expect(kern.mb_alloc_ext_pgs(k, M_NOWAIT, false, M.FREE_TEST_PG)).toBe(0)
    expect(leakCheck(k, base)).toEqual({})
  })

  it('m_getm2 – 10 000 bytes with packet header – two jumbo pages, a cluster and nothing more', () => {
    const k = kernel()
    const base = memoryUse(k)
    const m = kern.m_getm2(k, 0, 10000, M_NOWAIT, M.MT_DATA, M.M_PKTHDR | M.M_EOR)
    const sizes: number[] = []
    for (let n = m; n !== 0; n = k.mb.m_next[n]) sizes.push(kern.M_SIZE(k, n))
    expect(sizes).toEqual([4096, 4096, 2048])
    expect(k.mb.m_flags[m] & (M.M_PKTHDR | M.M_EOR)).toBe(M.M_PKTHDR)
    kern.m_freem(k, m)
    expect(leakCheck(k, base)).toEqual({})
  })

  it('m_getm2 – the third piece cannot be had – 0 and nothing is left', () => {
    const k = kernel()
    const base = memoryUse(k)
    k.uma.failAt(5)
    expect(kern.m_getm2(k, 0, 10000, M_NOWAIT, M.MT_DATA, 0)).toBe(0)
    expect(leakCheck(k, base)).toEqual({})
  })

  it.each([
    [100, M.M_PKTHDR, 168],
    [224, 0, 224],
    [224, M.M_PKTHDR, 2048],
    [2049, 0, 4096],
  ])('m_get2 – %i bytes, flags %i – storage of %i', (size, flags, storage) => {
    const k = kernel()
    expect(kern.M_SIZE(k, kern.m_get2(k, size, M_NOWAIT, M.MT_DATA, flags))).toBe(storage)
  })

  it('m_get2 – more than a page – 0', () => {
    expect(kern.m_get2(kernel(), 4097, M_NOWAIT, M.MT_DATA, 0)).toBe(0)
  })

  it('clusters exhausted, packets cached – m_clget – drains the packet zone and gets one (2.5)', () => {
    const k = kernel()
    // 600 packets freed: two buckets stay with the CPU, a full one lies in the zone.
    const packets = Array.from({ length: 600 }, () => kern.m_getcl(k, M_NOWAIT, M.MT_DATA, 0))
    for (const m of packets) kern.m_free(k, m)
    uma_zone_set_max(k, k.uma.zone_clust, k.uma.zone_clust.used)
    while (k.uma.zone_clust.cached > 0) kern.m_cljget(k, 0, M_NOWAIT, 2048)
    const cached = k.uma.zone_pack.cached
    const m = kern.m_get(k, M_NOWAIT, M.MT_DATA)
    expect(kern.m_clget(k, m, M_NOWAIT)).toBe(true)
    expect(k.uma.zone_pack.cached).toBeLessThan(cached)
  })
})

describe('reference counts (1.7)', () => {
  it('an owner freed before its shadows – stays allocated until the last of them is gone', () => {
    const k = kernel()
    const base = memoryUse(k)
    const owner = unmapped(k, 4)
    const a = m_copym(k, owner, 0, M.M_COPYALL, M_NOWAIT)
    const b = m_copym(k, a, 4096, 100, M_NOWAIT)
    expect(kern.m_extrefcnt(k, a)).toBe(3)
    expect([k.mb.ext_cnt[a], k.mb.ext_cnt[b]]).toEqual([owner, owner])
    expect(k.mb.ext_flags[a] & M.EXT_FLAG_EMBREF).toBe(0)
    expect(k.mb.m_flags[b] & (M.M_RDONLY | M.M_NOMAP)).toBe(M.M_RDONLY | M.M_NOMAP)
    kern.m_free(k, owner)
    expect(k.uma.zone_extpgs.used).toBe(1)
    expect(k.uma.zone_mbuf.used - base.mbufs).toBe(3)
    kern.m_free(k, a)
    kern.m_free(k, b)
    expect(leakCheck(k, base)).toEqual({})
  })

  it('storage with an external counter – shared – every holder knows the routine, the last one calls it', () => {
    const k = kernel()
    const freed: number[] = []
    kern.setExtFree(M.FREE_TEST, (_k, m) => freed.push(k.mb.ext_arg1[m]))
    const counter = k.extref.alloc()
    k.extref.count[counter] = 1
    const m = kern.m_get(k, M_NOWAIT, M.MT_DATA)
    kern.m_extadd(k, m, 65536, 4096, M.FREE_TEST, 42, 0, M.M_RDONLY, M.EXT_EXTREF)
    k.mb.ext_cnt[m] = counter
    k.mb.m_len[m] = 4096
    const copy = m_copym(k, m, 0, M.M_COPYALL, M_NOWAIT)
    expect(k.extref.count[counter]).toBe(2)
    kern.m_free(k, m)
    expect(freed).toEqual([])
    kern.m_free(k, copy)
    expect(freed).toEqual([42])
  })

  it('an mbuf freed twice – a panic', () => {
    const k = kernel()
    const m = kern.m_get(k, M_NOWAIT, M.MT_DATA)
    kern.m_free(k, m)
    expect(() => kern.m_free(k, m)).toThrow(/freed only once/)
  })

  it('freed storage – in a debug kernel – reads as poison', () => {
    const k = kernel()
    const m = kern.m_get(k, M_NOWAIT, M.MT_DATA)
    const address = kern.mtodAddr(k, m)
    k.phys.fill(address, 224, 1)
    kern.m_free(k, m)
    expect([...k.phys.ram.subarray(address, address + 4)]).toEqual([0xde, 0xc0, 0xad, 0xde])
    expect(k.mb.m_len[m]).toBe(-1)
  })

  it('storage without a free routine – freed – a panic that says so', () => {
    const k = kernel()
    const m = kern.m_get(k, M_NOWAIT, M.MT_DATA)
    kern.m_extadd(k, m, 65536, 4096, M.FREE_NONE, 0, 0, 0, M.EXT_NET_DRV)
    expect(() => kern.m_free(k, m)).toThrow(/ext_free is set/)
  })
})

describe('conversion (3.1, 3.2) and compression (3.3), beyond the vectors', () => {
  it('physically adjacent pages – converted – one mapped mbuf each, never merged', () => {
    const k = kernel()
    const m = unmapped(k, 3)
    const p = k.mb.ext_buf[m]
    for (let i = 0; i < 3; i++) k.pgs.pa[p * 19 + i] = k.page.frame[1] + i
    const top = kern.mb_unmapped_to_ext(k, m)
    let n = 0
    for (let e = top; e !== 0; e = k.mb.m_next[e]) n++
    expect(n).toBe(3)
    expect(k.mbstat).toMatchObject({ conversions: 1, converted_chains: 1, converted_pages: 3, copied_bytes: 0 })
  })

  it('the k-th allocation of a conversion fails – for every k – nothing leaks', () => {
    for (let fail = 1; fail <= 7; fail++) {
      const k = kernel()
      const base = memoryUse(k)
      const head = kern.m_gethdr(k, M_NOWAIT, M.MT_DATA)
      k.mb.m_len[head] = 54
      const m = unmapped(k, 5, 100, 50)
      k.mb.m_next[head] = m
      const keep = m_copym(k, m, 10, 300, M_NOWAIT)
      k.uma.failAt(fail)
      const top = kern.mb_unmapped_to_ext(k, head)
      expect(top === 0).toBe(fail <= 5)
      k.uma.failAt(0)
      kern.m_freem(k, top)
      kern.m_freem(k, keep)
      expect(leakCheck(k, base)).toEqual({})
    }
  })

  it('shared storage – compression – EBUSY and untouched', () => {
    const k = kernel()
    const m = unmapped(k, 1, 0, 200)
    const copy = m_copym(k, m, 0, M.M_COPYALL, M_NOWAIT)
    expect(kern.mb_unmapped_compress(k, m)).toBe(EBUSY)
    expect(k.mb.m_flags[m] & M.M_NOMAP).toBe(M.M_NOMAP)
    kern.m_free(k, copy)
    expect(kern.mb_unmapped_compress(k, m)).toBe(0)
    expect(k.uma.zone_extpgs.used).toBe(0)
  })

  it('225 bytes – compression – an assertion (10.2 no. 7)', () => {
    const k = kernel()
    expect(() => kern.mb_unmapped_compress(k, unmapped(k, 1, 0, 225))).toThrow(KernelPanic)
  })
})

describe('routines that do not know unmapped mbufs (3.5) – a sentence instead of wild memory', () => {
  it('m_apply, m_copyback, m_append behind one – as for mapped ones, until they touch its bytes', () => {
    const k = kernel()
    const head = kern.m_get(k, M_NOWAIT, M.MT_DATA)
    k.mb.m_len[head] = 50
    k.mb.m_next[head] = unmapped(k, 2)
    let seen = 0
    expect(m_apply(k, head, 10, 40, (_address, len) => ((seen += len), 0))).toBe(0)
    expect(seen).toBe(40)
    expect(m_apply(k, head, 0, 10, () => 7)).toBe(7)
    expect(() => m_apply(k, head, 10, 41, () => 0)).toThrow(/unmapped mbuf has no address/)
    const bytes = new Uint8Array(60).fill(9)
    expect(m_copyback(k, head, 0, 50, bytes)).toBe(0)
    expect(k.phys.byte(kern.mtodAddr(k, head) + 49)).toBe(9)
    expect(() => m_copyback(k, head, 0, 51, bytes)).toThrow(/unmapped mbuf has no address/)
    // Appending never writes into it: there is no trailing space.
    expect(m_append(k, head, 60, bytes)).toBe(true)
    expect(m_length(k, head)).toBe(50 + 2 * PAGE_SIZE + 60)
  })

  it('1.4: writable, leading and trailing space – none in unmapped, read-only or shared mbufs', () => {
    const k = kernel()
    const plain = kern.m_get(k, M_NOWAIT, M.MT_DATA)
    k.mb.m_data[plain] = 20
    k.mb.m_len[plain] = 100
    const spaces = (m: number) => [kern.M_WRITABLE(k, m), kern.M_LEADINGSPACE(k, m), kern.M_TRAILINGSPACE(k, m)]
    expect(spaces(plain)).toEqual([true, 20, 104])
    k.mb.m_flags[plain] |= M.M_RDONLY
    expect(spaces(plain)).toEqual([false, 0, 0])
    expect(spaces(unmapped(k, 1, 0, 100))).toEqual([false, 0, 0])
    const cluster = kern.m_getcl(k, M_NOWAIT, M.MT_DATA, 0)
    k.mb.m_len[cluster] = 48
    expect(spaces(cluster)).toEqual([true, 0, 2000])
    m_copym(k, cluster, 0, M.M_COPYALL, M_NOWAIT)
    expect(spaces(cluster)).toEqual([false, 0, 0])
  })

  it('1.3: length of page i – last_pg_len for the last, else a page less its offset', () => {
    const k = kernel()
    const p = k.mb.ext_buf[unmapped(k, 3, 100, 7)]
    expect([
      kern.mbuf_ext_pg_len(k, p, 0, 100),
      kern.mbuf_ext_pg_len(k, p, 1, 0),
      kern.mbuf_ext_pg_len(k, p, 2, 0),
    ]).toEqual([3996, 4096, 7])
    const one = k.mb.ext_buf[unmapped(k, 1, 100, 7)]
    expect(kern.mbuf_ext_pg_len(k, one, 0, 100)).toBe(7)
  })
})

describe('warnings at the limit (2.2)', () => {
  it('each limited zone – its own text, [zone: NAME] TEXT; mbuf_extpgs has no limit and no warning (2.1)', () => {
    const k = kernel()
    const { zone_mbuf, zone_clust, zone_jumbop, zone_jumbo9, zone_jumbo16 } = k.uma
    for (const zone of [zone_mbuf, zone_clust, zone_jumbop, zone_jumbo9, zone_jumbo16]) {
      uma_zone_set_max(k, zone, 2)
      while (uma_zalloc(k, zone, M_NOWAIT) !== 0);
    }
    expect(k.msgbuf.lines).toEqual([
      '[zone: mbuf] kern.ipc.nmbufs limit reached',
      '[zone: mbuf_cluster] kern.ipc.nmbclusters limit reached',
      '[zone: mbuf_jumbo_page] kern.ipc.nmbjumbop limit reached',
      '[zone: mbuf_jumbo_9k] kern.ipc.nmbjumbo9 limit reached',
      '[zone: mbuf_jumbo_16k] kern.ipc.nmbjumbo16 limit reached',
    ])
    expect(k.uma.zones().find((zone) => zone.name === 'mbuf_extpgs')!.limit).toBe(0)
    for (let i = 0; i < 100; i++) expect(uma_zalloc(k, k.uma.zone_extpgs, M_NOWAIT)).not.toBe(0)
  })
})

/** Packet tags, m_fragment and the checks of INVARIANTS kernels (kernel-mbuf-sendfile 1.2 pkthdr.tags, 2.1 mbuf_tag, 3.5). */
import { describe, expect, it } from 'vitest'
import * as M from '../sys/mbuf'
import { M_NOWAIT, M_WAITOK } from '../sys/param'
import { KernelPanic } from '../sys/systm'
import { createMemoryKernel, type MemoryKernel } from '../testing'
import * as kern from './kern_mbuf'
import * as uipc from './uipc_mbuf'

kern.setExtFree(M.FREE_TEST_PG, () => undefined)

/** A packet of `lengths` bytes an mbuf. */
function packet(k: MemoryKernel, ...lengths: number[]): number {
  let head = 0
  let last = 0
  for (const len of lengths) {
    const m = head === 0 ? kern.m_getcl(k, M_NOWAIT, M.MT_DATA, M.M_PKTHDR) : kern.m_getcl(k, M_NOWAIT, M.MT_DATA, 0)
    for (let i = 0; i < len; i++) k.phys.ram[kern.mtodAddr(k, m) + i] = (i * 7 + len) & 0xff
    k.mb.m_len[m] = len
    if (head === 0) head = m
    else k.mb.m_next[last] = m
    last = m
  }
  uipc.m_fixhdr(k, head)
  return head
}
const bytesOf = (k: MemoryKernel, m: number): number[] => {
  const out = new Uint8Array(uipc.m_length(k, m))
  uipc.m_copydata(k, m, 0, out.length, out, 0)
  return [...out]
}
const tagsOf = (k: MemoryKernel, m: number): number[] => {
  const out: number[] = []
  for (let t = uipc.m_tag_first(k, m); t !== 0; t = uipc.m_tag_next(k, t)) out.push(k.mtag.m_tag_id[t])
  return out
}
function tag(k: MemoryKernel, m: number, type: number, cookie = 0, payload: number[] = []): number {
  const t = uipc.m_tag_alloc(k, cookie, type, payload.length)
  uipc.m_tag_data(k, t).set(payload)
  uipc.m_tag_prepend(k, m, t)
  return t
}

describe('packet tags', () => {
  it('prepended, found, deleted – in the order of a list that grows in front', () => {
    const k = createMemoryKernel()
    const m = packet(k, 10)
    for (const [type, cookie] of [
      [1, 0],
      [2, 77],
      [1, 0],
      [3, 0],
    ] as const)
      tag(k, m, type, cookie)
    expect(tagsOf(k, m)).toEqual([3, 1, 2, 1])
    const first = uipc.m_tag_find(k, m, 1, 0)
    expect(uipc.m_tag_next(k, first)).toBe(uipc.m_tag_locate(k, m, 77, 2, 0))
    expect(uipc.m_tag_find(k, m, 1, first)).not.toBe(first)
    // Same type, another cookie: another module's.
    expect(uipc.m_tag_find(k, m, 2, 0)).toBe(0)
    uipc.m_tag_delete(k, m, first)
    expect(tagsOf(k, m)).toEqual([3, 2, 1])
    uipc.m_tag_delete_chain(k, m, uipc.m_tag_locate(k, m, 77, 2, 0))
    expect(tagsOf(k, m)).toEqual([3])
    expect(k.mtag.live).toBe(1)
    kern.m_freem(k, m)
    expect(k.mtag.live).toBe(0)
  })

  it('handed to another subsystem – only persistent tags stay', () => {
    const k = createMemoryKernel()
    const m = packet(k, 10)
    for (const type of [1, uipc.MTAG_PERSISTENT | 1, 2]) tag(k, m, type)
    uipc.m_tag_delete_nonpersistent(k, m)
    expect(tagsOf(k, m)).toEqual([uipc.MTAG_PERSISTENT | 1])
  })

  it.each(['plain mbuf', 'cluster of the packet zone', 'cluster', 'page array', 'read-only copy'])(
    'a packet in a %s is freed – its tags go with it',
    (kind) => {
      const k = createMemoryKernel()
      const original = packet(k, 300)
      const m =
        kind === 'plain mbuf'
          ? kern.m_gethdr(k, M_NOWAIT, M.MT_DATA)
          : kind === 'cluster of the packet zone'
            ? kern.m_getcl(k, M_NOWAIT, M.MT_DATA, M.M_PKTHDR)
            : kind === 'cluster'
              ? kern.m_getjcl(k, M_NOWAIT, M.MT_DATA, M.M_PKTHDR, 4096)
              : kind === 'page array'
                ? kern.mb_alloc_ext_pgs(k, M_NOWAIT, true, M.FREE_TEST_PG)
                : uipc.m_copypacket(k, original, M_NOWAIT)
      tag(k, m, 5)
      kern.m_freem(k, m)
      expect(k.mtag.live).toBe(0)
    },
  )

  it('copied headers – copied tags, payload and order too; moved headers – the same tags; a stream – none', () => {
    const k = createMemoryKernel()
    const m = packet(k, 400, 500)
    tag(k, m, 1, 9, [1, 2, 3])
    tag(k, m, 2)
    for (const copy of [
      uipc.m_copym(k, m, 0, M.M_COPYALL, M_NOWAIT),
      uipc.m_copypacket(k, m, M_NOWAIT),
      uipc.m_dup(k, m, M_NOWAIT),
    ]) {
      expect(tagsOf(k, copy)).toEqual([2, 1])
      const t = uipc.m_tag_locate(k, copy, 9, 1, 0)
      expect(t).not.toBe(uipc.m_tag_locate(k, m, 9, 1, 0))
      expect([...uipc.m_tag_data(k, t)]).toEqual([1, 2, 3])
      kern.m_freem(k, copy)
    }
    // A copy from an offset has no packet header, so no tags.
    const part = uipc.m_copym(k, m, 10, 20, M_NOWAIT)
    expect(k.mtag.live).toBe(2)
    kern.m_freem(k, part)
    const same = uipc.m_tag_first(k, m)
    const longer = uipc.m_prepend(k, m, 20, M_NOWAIT)
    expect(uipc.m_tag_first(k, longer)).toBe(same)
    expect(uipc.m_tag_first(k, m)).toBe(0)
    const whole = uipc.m_defrag(k, longer, M_NOWAIT)
    expect([tagsOf(k, whole), k.mtag.live]).toEqual([[2, 1], 2])
    uipc.m_demote(k, whole, true, 0)
    expect(k.mtag.live).toBe(0)
  })

  it('no memory for a tag – the copy fails, nothing leaks, the original keeps its tags', () => {
    for (const copy of ['m_copym', 'm_copypacket', 'm_dup', 'm_defrag', 'm_fragment'] as const) {
      const k = createMemoryKernel()
      const m = packet(k, 400, 500)
      tag(k, m, 1)
      tag(k, m, 2)
      const used = k.uma.list.map((zone) => zone.used)
      k.mtag.inject.failAt = 2
      const got =
        copy === 'm_copym'
          ? uipc.m_copym(k, m, 0, M.M_COPYALL, M_NOWAIT)
          : copy === 'm_fragment'
            ? uipc.m_fragment(k, m, M_NOWAIT, 100)
            : uipc[copy](k, m, M_NOWAIT)
      expect(got, copy).toBe(copy === 'm_fragment' ? m : 0)
      expect([tagsOf(k, m), k.mtag.live], copy).toEqual([[2, 1], 2])
      // Clusters that were taken for packets stay cached with them.
      expect(k.uma.list.filter((zone) => zone.name !== 'mbuf_cluster').map((zone) => zone.used)).toEqual(
        used.filter((_, i) => k.uma.list[i].name !== 'mbuf_cluster'),
      )
    }
  })
})

describe('m_fragment', () => {
  it.each([
    { length: 100, lengths: [100, 100, 100, 50] },
    { length: 5000, lengths: [350] },
    // The dice show 6, then 41, 8 … : −1 asks once, −2 for every piece; 1 … 255.
    { length: -1, lengths: [...new Array<number>(50).fill(7)] },
    { length: -2, lengths: [7, 42, 9, 255, 1, 36] },
  ])('length $length – pieces as long', ({ length, lengths }) => {
    const k = createMemoryKernel()
    const m = packet(k, 200, 150)
    const before = bytesOf(k, m)
    const dice = [6, 41, 8, 254, 0, 254]
    const f = uipc.m_fragment(k, m, M_NOWAIT, length, (below) => {
      expect(below).toBe(255)
      return dice.shift()!
    })
    const got: number[] = []
    for (let n = f; n !== 0; n = k.mb.m_next[n]) got.push(k.mb.m_len[n])
    expect(got).toEqual(lengths)
    expect(bytesOf(k, f)).toEqual(before)
  })

  it.each([0, -3])('length %i, or no packet – the chain itself', (length) => {
    const k = createMemoryKernel()
    const m = packet(k, 100)
    expect(uipc.m_fragment(k, m, M_NOWAIT, length)).toBe(m)
    const plain = kern.m_get(k, M_NOWAIT, M.MT_DATA)
    expect(uipc.m_fragment(k, plain, M_NOWAIT, 10)).toBe(plain)
  })
})

describe('checks that name the rule they enforce', () => {
  const chain = (k: MemoryKernel): number => packet(k, 100, 100)
  it.each<[string, (k: MemoryKernel, m: number) => void, RegExp]>([
    ['data before the storage', (k, m) => (k.mb.m_data[m] = -1), /begins in the storage, not before it/],
    ['data behind the storage', (k, m) => (k.mb.m_data[m] = 2049), /begins in the storage, not behind it/],
    ['too long', (k, m) => (k.mb.m_len[m] = 2049), /ends in the storage/],
    ['m_nextpkt inside', (k, m) => (k.mb.m_nextpkt[k.mb.m_next[m]] = m), /leads to another packet/],
    [
      'a header inside',
      (k, m) => (k.mb.m_flags[k.mb.m_next[m]] |= M.M_PKTHDR),
      /only the first mbuf has a packet header/,
    ],
    ['packet length wrong', (k, m) => (k.mb.ph_len[m] = 5), /packet length is the length of the chain/],
  ])('m_sanity: %s', (_name, spoil, sentence) => {
    const k = createMemoryKernel()
    const m = chain(k)
    expect(uipc.m_sanity(k, m, false)).toBe(1)
    spoil(k, m)
    expect(() => uipc.m_sanity(k, m, false)).toThrow(sentence)
  })

  it('m_sanity with sanitize – headers and tags inside go, a wrong length becomes 0', () => {
    const k = createMemoryKernel()
    const m = chain(k)
    const inside = k.mb.m_next[m]
    k.mb.m_flags[inside] |= M.M_PKTHDR
    tag(k, inside, 1)
    expect(() => uipc.m_sanity(k, m, false)).toThrow(/tags hang on the first mbuf/)
    k.mb.ph_len[m] = 5
    expect(uipc.m_sanity(k, m, true)).toBe(1)
    expect([k.mb.m_flags[inside] & M.M_PKTHDR, k.mb.ph_len[m], k.mtag.live]).toEqual([0, 0, 0])
  })

  it('3.5: m_sanity does not know unmapped mbufs – pages pass, a header makes it complain', () => {
    const k = createMemoryKernel()
    const m = kern.mb_alloc_ext_pgs(k, M_NOWAIT, false, M.FREE_TEST_PG)
    k.pgs.npgs[k.mb.ext_buf[m]] = 1
    k.pgs.last_pg_len[k.mb.ext_buf[m]] = 4096
    k.mb.ext_size[m] = 4096
    k.mb.m_len[m] = 4096
    expect(uipc.m_sanity(k, m, false)).toBe(1)
    k.pgs.hdr_len[k.mb.ext_buf[m]] = 5
    k.mb.m_len[m] = 4101
    expect(() => uipc.m_sanity(k, m, false)).toThrow(KernelPanic)
  })

  it('M_ASSERTPKTHDR, M_ASSERTVALID, M_ASSERT_NO_SND_TAG, MBUF_CHECKSLEEP – panic with their rule', () => {
    const k = createMemoryKernel()
    const m = packet(k, 10)
    const plain = kern.m_get(k, M_NOWAIT, M.MT_DATA)
    uipc.M_ASSERTPKTHDR(k, m)
    expect(() => uipc.M_ASSERTPKTHDR(k, plain)).toThrow(/has a packet header/)
    expect(() => uipc.m_copypacket(k, plain, M_NOWAIT)).toThrow(/M_ASSERTPKTHDR/)
    expect(() => uipc.m_tag_prepend(k, plain, uipc.m_tag_alloc(k, 0, 1, 0))).toThrow(/M_ASSERTPKTHDR/)
    uipc.M_ASSERTVALID(k, m)
    kern.m_freem(k, plain)
    expect(() => uipc.M_ASSERTVALID(k, plain)).toThrow(/M_ASSERTVALID/)
    uipc.M_ASSERT_NO_SND_TAG(k, m)
    k.mb.ph_csum_flags[m] = M.CSUM_SND_TAG
    expect(() => uipc.M_ASSERT_NO_SND_TAG(k, m)).toThrow(/send tag/)
    uipc.MBUF_CHECKSLEEP(M_WAITOK)
    expect(() => uipc.MBUF_CHECKSLEEP(M_WAITOK | M_NOWAIT)).toThrow(/may sleep or may not/)
    expect(() => uipc.m_dup(k, m, 0)).toThrow(/MBUF_CHECKSLEEP/)
  })

  it('1.3: a page array that breaks its rules – is noticed where debug kernels look: before conversion, in the socket buffer', () => {
    const k = createMemoryKernel()
    const m = kern.mb_alloc_ext_pgs(k, M_NOWAIT, false, M.FREE_TEST_PG)
    k.mb.m_len[m] = 10
    expect(() => kern.mb_unmapped_to_ext(k, m)).toThrow(/mbuf_ext_pgs: at least one page/)
  })
})

import { beforeEach, describe, expect, it } from 'vitest'
import type { Kernel } from '../../kernel'
import { EINVAL } from '../../sys/errno'
import { CSUM_IP, CSUM_IP6_TCP, CSUM_IP6_TSO, CSUM_IP_TCP, CSUM_IP_TSO, M_VLANTAG } from '../../sys/mbuf'
import { MC_NOMAP } from './adapter'
import {
  count_mbuf_nsegs,
  countedCflags,
  parse_pkt,
  parsedPacket,
  set_mbuf_cflags,
  set_mbuf_len16,
  set_mbuf_nsegs,
  txpkt_len16,
  txpkts0_len16,
} from './t4_sge_parse'
import { add_to_txpkts, try_txpkts, txpkts, write_txpkt_wr, write_txpkts_wr } from './t4_sge_wr'
import { append, appendUnmapped, mappedPacket, mbufAt, mbufsInUse, ringWords, Rig } from './testRig'

let k: Kernel
const q = 1
beforeEach(() => {
  k = new Rig().k
})

/** What parse_pkt stores, for a packet whose bytes do not exist. */
function prepare(m: number): number {
  const nsegs = count_mbuf_nsegs(k, m, 0)
  set_mbuf_nsegs(k, m, nsegs)
  set_mbuf_cflags(k, m, countedCflags)
  set_mbuf_len16(k, m, txpkt_len16(nsegs, (k.mb.ph_csum_flags[m] & (CSUM_IP_TSO | CSUM_IP6_TSO)) !== 0))
  return m
}
const write = (m: number): number => write_txpkt_wr(k, q, prepare(m), 1022)

describe('work requests, byte by byte (nic-cxgbe 4.9)', () => {
  it('vector 1 – one segment, IPv4 and TCP checksum offload', () => {
    const m = mbufAt(k, 0x123456000, 1514, true)
    k.mb.ph_csum_flags[m] = CSUM_IP | CSUM_IP_TCP
    expect(write(m)).toBe(1)
    expect(ringWords(k, q, 0, 12)).toBe(
      '08000010 00000003 00000000 00000000 0e000c00 000005ea 00000000 00000000 82000001 000005ea 00000001 23456000',
    )
  })

  it('vector 2 – TSO with header mbuf and unmapped payload in three pieces', () => {
    const m = mbufAt(k, 0x1000000040, 66, true)
    appendUnmapped(k, m, [0x200000, 0x200001, 0x200010], 12288)
    appendUnmapped(k, m, [0x300000], 2048, 0, 0x800)
    k.mb.ph_csum_flags[m] = CSUM_IP | CSUM_IP_TCP | CSUM_IP_TSO
    k.mb.ph_tso_segsz[m] = 1448
    k.mb.ph_l2hlen[m] = 14
    k.mb.ph_l3hlen[m] = 20
    k.mb.ph_l4hlen[m] = 32
    expect(write(m)).toBe(2)
    expect(ringWords(k, q, 0, 28)).toBe(
      '08000020 00000007 00000000 00000000 edc00058 000005a8 00000000 00003842 0e000c00 00003842 00000000 00000000 ' +
        '82000004 00000042 00000010 00000040 00002000 00001000 00000002 00000000 00000002 00010000 00000800 00000000 ' +
        '00000003 00000800 00000000 00000000',
    )
  })

  it('vector 3 – a 60-byte frame without offload goes as immediate data; the same bytes unmapped go as a list', () => {
    const bytes = Uint8Array.from({ length: 60 }, (_, i) => i + 1)
    const m = mappedPacket(k, bytes)
    expect(write(m)).toBe(2)
    const words = ringWords(k, q, 0, 23).split(' ')
    expect(words[0]).toBe('0800004c')
    expect(words[1]).toBe('00000006')
    expect(words.slice(6, 8)).toEqual(['c0000000', '00000000'])
    expect(words.slice(8).join('')).toBe([...bytes].map((b) => b.toString(16).padStart(2, '0')).join(''))
    expect(k.cxgbe.txq.imm_wrs[q]).toBe(1)

    const header = mappedPacket(k, bytes.subarray(0, 40))
    appendUnmapped(k, header, [0x200000], 20)
    k.cxgbe.txq.pidx[q] = 2
    write(header)
    expect(ringWords(k, q, 2, 1)).toBe('08000010')
    expect(ringWords(k, q, 2, 9).split(' ')[8]).toBe('82000002')
    expect(k.cxgbe.txq.sgl_wrs[q]).toBe(1)
    expect(k.cxgbe.txq.imm_wrs[q]).toBe(1)
  })

  it('vector 4 – two packets of one segment share a type 1 work request', () => {
    const a = prepare(mbufAt(k, 0x123456000, 1514, true))
    k.mb.ph_csum_flags[a] = CSUM_IP | CSUM_IP_TCP
    const b = prepare(mbufAt(k, 0x123457000, 60, true))
    expect(try_txpkts(k, a, b, 1022)).toBe(true)
    k.mb.m_nextpkt[a] = b
    expect(write_txpkts_wr(k, q, a, 1022)).toBe(2)
    expect(ringWords(k, q, 0, 20)).toBe(
      '09000000 00000005 00000000 06260201 0e000c00 000005ea 00000000 00000000 82000001 000005ea 00000001 23456000 ' +
        '0e000c00 0000003c c0000000 00000000 82000001 0000003c 00000001 23457000',
    )
    expect(k.cxgbe.txq.txpkts1_pkts[q]).toBe(2)
  })

  it('vector 5 – one packet of one and one of two segments share a type 0 work request', () => {
    k.cxgbe.txq.iqid[q] = 5
    const a = prepare(mbufAt(k, 0x123456000, 1514, true))
    const b = mbufAt(k, 0x1000000040, 66, true)
    append(k, b, mbufAt(k, 0x200000000, 1448, false), 1448)
    prepare(b)
    k.mb.ph_csum_flags[a] = CSUM_IP | CSUM_IP_TCP
    k.mb.ph_csum_flags[b] = CSUM_IP | CSUM_IP_TCP
    expect(try_txpkts(k, a, b, 1022)).toBe(true)
    k.mb.m_nextpkt[a] = b
    expect(write_txpkts_wr(k, q, a, 1022)).toBe(2)
    expect(ringWords(k, q, 0, 32)).toBe(
      '09000000 00000008 00000000 0bd40200 04000050 00000003 81800000 00000010 0e000c00 000005ea 00000000 00000000 ' +
        '82000001 000005ea 00000001 23456000 04000050 00000004 81800000 00000010 0e000c00 000005ea 00000000 00000000 ' +
        '82000002 00000042 00000010 00000040 000005a8 00000000 00000002 00000000',
    )
  })

  it('vector 8 – TSO over IPv6 and a VLAN tag', () => {
    const m = mbufAt(k, 0x1000000040, 86, true)
    append(k, m, mbufAt(k, 0x200000000, 4000, false), 4000)
    k.mb.ph_csum_flags[m] = CSUM_IP6_TCP | CSUM_IP6_TSO
    k.mb.ph_tso_segsz[m] = 1428
    k.mb.ph_l2hlen[m] = 14
    k.mb.ph_l3hlen[m] = 40
    k.mb.ph_l4hlen[m] = 32
    k.mb.m_flags[m] = k.mb.m_flags[m] | M_VLANTAG
    k.mb.ph_ether_vtag[m] = 100
    write(m)
    const words = ringWords(k, q, 0, 12).split(' ')
    expect(words[4]).toBe('edd000a8')
    expect(words.slice(10, 12)).toEqual(['10064000', '00000000'])
    expect(k.cxgbe.txq.vlan_insertion[q]).toBe(1)
    expect(k.cxgbe.txq.tso_wrs[q]).toBe(1)
  })

  it('nic-cxgbe 4.4, a second port – channel and virtual interface stand in ctrl0', () => {
    const two = new Rig({ ports: 2 }).k
    expect(two.cxgbe.port.cplCtrl0[2].toString(16)).toBe('e010c01')
  })
})

describe('immediate data (nic-cxgbe 3.4, 9.7)', () => {
  it.each([
    [60, 'imm'],
    [96, 'imm'],
    [97, 'sgl'],
  ])('a mapped packet of %i bytes – goes as %s', (length, kind) => {
    write(mappedPacket(k, new Uint8Array(length)))
    expect(k.cxgbe.txq.imm_wrs[q]).toBe(kind === 'imm' ? 1 : 0)
    expect(k.cxgbe.txq.sgl_wrs[q]).toBe(kind === 'sgl' ? 1 : 0)
  })

  it('a small packet with one free descriptor – goes as a list', () => {
    write_txpkt_wr(k, q, prepare(mappedPacket(k, new Uint8Array(60))), 1)
    expect(k.cxgbe.txq.imm_wrs[q]).toBe(0)
  })
})

describe('the end of the ring (nic-cxgbe 4.5)', () => {
  it('a work request that wraps – goes on at descriptor 0 and never touches the status page', () => {
    const { txq } = k.cxgbe
    const last = txq.sidx[q] - 1
    const m = mbufAt(k, 0x1000000000, 100, true)
    for (let i = 1; i < 9; i++) append(k, m, mbufAt(k, 0x1000000000 + i * 0x10000, 200 + i, false), 200 + i)
    const straight = write(m)
    const expected = ringWords(k, q, 0, straight * 16)
    k.phys.ram.fill(0xee, txq.ba[q], txq.ba[q] + 1024 * 64)
    txq.pidx[q] = last
    expect(write(m)).toBe(straight)
    const wrapped = `${ringWords(k, q, last, 16)} ${ringWords(k, q, 0, (straight - 1) * 16)}`
    // 9 units of 16 bytes = 36 words; what follows in the last descriptor is not written.
    expect(wrapped.slice(0, 36 * 9 - 1)).toBe(expected.slice(0, 36 * 9 - 1))
    expect(ringWords(k, q, txq.sidx[q], 16)).toBe(Array.from({ length: 16 }, () => 'eeeeeeee').join(' '))
  })
})

describe('coalescing limits (nic-cxgbe 4.7)', () => {
  const grow = (segments: number): number => {
    const packet = (): number => {
      const m = mbufAt(k, 0x1000000000, 60, true)
      for (let i = 1; i < segments; i++) append(k, m, mbufAt(k, 0x1000000000 + i * 0x10000, 60, false), 60)
      return prepare(m)
    }
    expect(try_txpkts(k, packet(), packet(), 1022)).toBe(true)
    while (add_to_txpkts(k, packet(), 1022));
    return txpkts.npkt
  }

  it('packets of one segment – at most 15 in type 1', () => {
    expect(grow(1)).toBe(15)
    expect(txpkts.wrType).toBe(1)
  })

  it('a packet of two segments first – type 0, at most 10 with one segment each behind it', () => {
    const two = mbufAt(k, 0x1000000000, 60, true)
    append(k, two, mbufAt(k, 0x1000020000, 60, false), 60)
    prepare(two)
    const one = (): number => prepare(mbufAt(k, 0x1000000000, 60, true))
    expect(try_txpkts(k, one(), two, 1022)).toBe(true)
    while (add_to_txpkts(k, one(), 1022));
    // 16-byte units: 1 + 4 + 9 × 3 = 32.
    expect(txpkts).toMatchObject({ wrType: 0, npkt: 10, len16: 32 })
  })

  it('TSO packets, and sums above 65535 bytes – are not coalesced', () => {
    const tso = prepare(mbufAt(k, 0x1000000000, 3000, true))
    k.mb.ph_csum_flags[tso] = CSUM_IP_TSO
    const plain = prepare(mbufAt(k, 0x1000000000, 60, true))
    expect(try_txpkts(k, tso, plain, 1022)).toBe(false)
    const a = prepare(mbufAt(k, 0x1000000000, 40000, true))
    const b = prepare(mbufAt(k, 0x1000000000, 30000, true))
    expect(try_txpkts(k, a, b, 1022)).toBe(false)
  })

  it('unmapped packets – may be coalesced: their payload is always a list', () => {
    const make = (): number => {
      const m = mbufAt(k, 0x1000000000, 40, true)
      appendUnmapped(k, m, [0x200000], 20)
      return prepare(m)
    }
    expect(try_txpkts(k, make(), make(), 1022)).toBe(true)
  })
})

describe('parse_pkt and the lengths', () => {
  it.each([
    [1, 3, 4, 3],
    [2, 4, 5, 4],
    [3, 5, 6, 5],
    [4, 6, 7, 6],
    [5, 6, 7, 6],
    [6, 7, 8, 7],
    [7, 8, 9, 8],
    [8, 9, 10, 9],
    [10, 10, 11, 10],
    [17, 15, 16, 15],
    [18, 16, 17, 16],
    [30, 25, 26, 25],
    [38, 31, 32, 31],
    [39, 32, 33, 32],
  ])('nic-cxgbe 4.3, row n=%i – len16 %i, with TSO %i, coalesced %i', (n, single, tso, coalesced) => {
    expect(txpkt_len16(n, false)).toBe(single)
    expect(txpkt_len16(n, true)).toBe(tso)
    expect(txpkts0_len16(n)).toBe(coalesced)
  })

  it('nic-cxgbe 9.9 – 16 contiguous pages in one unmapped mbuf behind an adjacent header are counted by adjacency only', () => {
    const m = mbufAt(k, 0x1000000000, 66, true)
    appendUnmapped(
      k,
      m,
      Array.from({ length: 16 }, (_, i) => 0x200000 + i),
      65536,
    )
    expect(count_mbuf_nsegs(k, m, 0)).toBe(2)
    expect(countedCflags).toBe(MC_NOMAP)
    const near = mbufAt(k, 0x200000000 - 66, 66, true)
    appendUnmapped(k, near, [0x200000], 4096)
    expect(count_mbuf_nsegs(k, near, 0)).toBe(1)
  })

  it.each([
    [0, 8680, 3],
    [3000, 2000, 2],
    [3584, 4096, 1],
    [7680, 1000, 1],
  ])('nic-cxgbe 2.4, worked slice offset %i length %i – %i segments', (offset, length, segments) => {
    const m = mbufAt(k, 0x1000000000, 66, true)
    const u = appendUnmapped(k, m, [0x200000, 0x200010, 0x200020], length, offset, 512)
    k.pgs.last_pg_len[k.mb.ext_buf[u]] = 1000
    expect(count_mbuf_nsegs(k, m, 0)).toBe(1 + segments)
    expect(count_mbuf_nsegs(k, m, 66)).toBe(segments)
  })

  it('nic-cxgbe 3.3.1 – shorter than an Ethernet header – EINVAL and freed', () => {
    const before = mbufsInUse(k)
    expect(parse_pkt(k, mappedPacket(k, new Uint8Array(13)))).toBe(EINVAL)
    expect(mbufsInUse(k)).toBe(before)
  })

  it.each([
    [39, 39],
    [40, 1],
  ])('nic-cxgbe 9.8 – %i separate segments without TSO – become at most %i and parse_pkt answers 0', (n, most) => {
    const m = mappedPacket(k, new Uint8Array(100))
    for (let i = 1; i < n; i++) {
      const part = mappedPacket(k, new Uint8Array(100))
      k.mb.m_flags[part] = k.mb.m_flags[part] & ~2
      append(k, m, part, 100)
    }
    expect(parse_pkt(k, m)).toBe(0)
    const nsegs = k.mb.ph_l5hlen[parsedPacket]
    expect(nsegs).toBeLessThanOrEqual(Math.max(most, Math.ceil((n * 100) / 2048)))
    if (n === 39) expect(nsegs).toBe(39)
    expect(k.mb.ph_len[parsedPacket]).toBe(n * 100)
  })

  it('nic-cxgbe 3.3.4 – a small packet in three mapped pieces – is pulled up; with an unmapped piece it is left alone', () => {
    const make = (unmapped: boolean): number => {
      const m = mappedPacket(k, new Uint8Array(40))
      append(k, m, mappedRaw(20), 20)
      if (unmapped) appendUnmapped(k, m, [0x200000], 20)
      else append(k, m, mappedRaw(20), 20)
      return m
    }
    expect(parse_pkt(k, make(false))).toBe(0)
    expect(k.mb.m_next[parsedPacket]).toBe(0)
    expect(k.mb.ph_l5hlen[parsedPacket]).toBe(1)
    const live = make(true)
    expect(parse_pkt(k, live)).toBe(0)
    expect(parsedPacket).toBe(live)
    expect(k.mb.ph_l5hlen[live]).toBe(3)
  })
})

function mappedRaw(length: number): number {
  const m = mappedPacket(k, new Uint8Array(length))
  k.mb.m_flags[m] = k.mb.m_flags[m] & ~2
  return m
}

import { describe, expect, it } from 'vitest'
import { put16, put32 } from '../../netinet/in'
import { inet_pton6 } from '../../netinet6/in6_text'
import { hashTcp4, hashTcp6, toeplitz } from './rss'

describe('RSS hash', () => {
  // Verification suite of Microsoft's RSS specification, IPv4.
  const cases = [
    {
      destination: [161, 142, 100, 80],
      dport: 1766,
      source: [66, 9, 149, 187],
      sport: 2794,
      ip: 0x323e8fc2,
      tcp: 0x51ccc178,
    },
    {
      destination: [65, 69, 140, 83],
      dport: 4739,
      source: [199, 92, 111, 2],
      sport: 14230,
      ip: 0xd718262a,
      tcp: 0xc626b0ea,
    },
    {
      destination: [12, 22, 207, 184],
      dport: 38024,
      source: [24, 19, 198, 95],
      sport: 12898,
      ip: 0xd2d0a5de,
      tcp: 0x5c2b394a,
    },
    {
      destination: [209, 142, 163, 6],
      dport: 2217,
      source: [38, 27, 205, 30],
      sport: 48228,
      ip: 0x82989176,
      tcp: 0xafc7327f,
    },
    {
      destination: [202, 188, 127, 2],
      dport: 1303,
      source: [153, 39, 163, 191],
      sport: 44251,
      ip: 0x5d1809c5,
      tcp: 0x10e828a2,
    },
  ]
  it.each(cases)(
    'published vector $tcp – hash – is the published value',
    ({ destination, dport, source, sport, ip, tcp }) => {
      const input = Uint8Array.from([...source, ...destination, sport >> 8, sport & 255, dport >> 8, dport & 255])
      expect(toeplitz(input, 0, 8)).toBe(ip)
      expect(toeplitz(input, 0, 12)).toBe(tcp)
      const frame = new Uint8Array(54)
      frame.set(input.subarray(0, 8), 14 + 12)
      frame.set(input.subarray(8), 34)
      expect(hashTcp4(frame, 14, 34)).toBe(tcp)
    },
  )

  // The same suite, IPv6.
  const cases6 = [
    {
      source: '3ffe:2501:200:1fff::7',
      sport: 2794,
      destination: '3ffe:2501:200:3::1',
      dport: 1766,
      ip: 0x2cc18cd5,
      tcp: 0x40207d3d,
    },
    {
      source: '3ffe:501:8::260:97ff:fe40:efab',
      sport: 14230,
      destination: 'ff02::1',
      dport: 4739,
      ip: 0x0f0c461c,
      tcp: 0xdde51bbf,
    },
    {
      source: '3ffe:1900:4545:3:200:f8ff:fe21:67cf',
      sport: 44251,
      destination: 'fe80::200:f8ff:fe21:67cf',
      dport: 38024,
      ip: 0x4b61e985,
      tcp: 0x02d1feef,
    },
  ]
  it.each(cases6)('published vector $source – hash – is the published value', (row) => {
    const frame = new Uint8Array(74)
    for (const [text, at] of [
      [row.source, 22],
      [row.destination, 38],
    ] as const)
      inet_pton6(text)!.forEach((word, n) => put32(frame, at + 4 * n, word))
    put16(frame, 54, row.sport)
    put16(frame, 56, row.dport)
    expect(toeplitz(frame, 22, 32)).toBe(row.ip)
    expect(hashTcp6(frame, 14)).toBe(row.tcp)
  })
})

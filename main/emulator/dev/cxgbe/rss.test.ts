import { describe, expect, it } from 'vitest'
import { hashTcp4, toeplitz } from './rss'

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
})

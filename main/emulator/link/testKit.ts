/** What tests of the wire and the link need: frames with known bytes. Not part of the machine. */
import { put16, put32 } from '../netinet/in'
import { ipHeaderChecksum, type Wire } from './wire'

export interface TestBurst {
  payload: Uint8Array
  mss: number
  seq?: number
  ipId?: number
  flags?: number
  options?: number
  vlan?: boolean
}

/** Puts a TCP/IPv4 burst into a new slot, checksums computed. */
export function putBurst(wire: Wire, burst: TestBurst): number {
  const slot = wire.alloc(burst.payload.length)
  const at = wire.headerAt(slot)
  const b = wire.bytes
  const l3 = burst.vlan === true ? 18 : 14
  const optionBytes = burst.options ?? 12
  const total = l3 + 20 + 20 + optionBytes
  b.fill(0, at, at + total)
  b.set([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1], at)
  if (burst.vlan === true) {
    put16(b, at + 12, 0x8100)
    put16(b, at + 14, 100)
  }
  put16(b, at + l3 - 2, 0x0800)
  const ip = at + l3
  b[ip] = 0x45
  put16(b, ip + 2, 40 + optionBytes + burst.payload.length)
  put16(b, ip + 4, burst.ipId ?? 7)
  b[ip + 8] = 64
  b[ip + 9] = 6
  put32(b, ip + 12, 0x0a000001)
  put32(b, ip + 16, 0x0a000002)
  put16(b, ip + 10, ipHeaderChecksum(b, ip))
  const tcp = ip + 20
  put16(b, tcp, 80)
  put16(b, tcp + 2, 40000)
  put32(b, tcp + 4, burst.seq ?? 1000)
  put32(b, tcp + 8, 1)
  b[tcp + 12] = ((20 + optionBytes) / 4) << 4
  b[tcp + 13] = burst.flags ?? 0x18
  put16(b, tcp + 14, 1024)
  for (let i = 0; i < optionBytes; i++) b[tcp + 20 + i] = 1
  wire.parse(slot, total)
  b.set(burst.payload, wire.payloadAt(slot))
  const t = wire.slots
  t.payLen[slot] = burst.payload.length
  t.mss[slot] = burst.mss
  t.nsegs[slot] = Math.max(1, Math.ceil(burst.payload.length / burst.mss))
  t.tso[slot] = t.nsegs[slot] > 1 ? 1 : 0
  for (let i = 0; i < t.nsegs[slot]; i++) t.csum[slot * 64 + i] = wire.computeChecksum(slot, i)
  if (t.nsegs[slot] === 1) put16(b, at + t.l4off[slot] + 16, t.csum[slot * 64])
  return slot
}

/** Sum of all 16-bit words of a TCP segment with its pseudo header: 0xffff when the checksum is right. Written plainly, apart from the code under test. */
export function tcpSumIsRight(frame: Uint8Array): boolean {
  const l3 = frame[12] === 0x81 ? 18 : 14
  const total = (frame[l3 + 2] << 8) | frame[l3 + 3]
  const l4 = l3 + (frame[l3] & 15) * 4
  const segment = frame.slice(l4, l3 + total)
  const bytes = [...frame.slice(l3 + 12, l3 + 20), 0, 6, segment.length >> 8, segment.length & 255, ...segment]
  if (bytes.length % 2 === 1) bytes.push(0)
  let sum = 0
  for (let i = 0; i < bytes.length; i += 2) {
    sum += bytes[i] * 256 + bytes[i + 1]
    if (sum > 0xffff) sum -= 0xffff
  }
  let ip = 0
  for (let i = l3; i < l4; i += 2) {
    ip += frame[i] * 256 + frame[i + 1]
    if (ip > 0xffff) ip -= 0xffff
  }
  return sum === 0xffff && ip === 0xffff
}

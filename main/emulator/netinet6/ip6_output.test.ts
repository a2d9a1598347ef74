/** ip6_output packet by packet (reference kernel-mbuf-sendfile 4.2, 10.2 row 14): what reaches the driver, what was converted and summed on the way. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { append, appendUnmapped, mappedPacket } from '../dev/cxgbe/testRig'
import { leakCheck, memoryUse } from '../inspect/memoryUse'
import { testMachine } from '../inspect/testMachine'
import { m_get } from '../kern/kern_mbuf'
import { m_copydata } from '../kern/uipc_mbuf'
import type { Kernel } from '../kernel'
import type { Machine } from '../machine/machine'
import { fold16 } from '../link/sum'
import { IFCAP_NOMAP, IFCAP_TXCSUM, IFCAP_TXCSUM_IPV6, ifioctl, ifunit } from '../net/if'
import { get16, get32, put16 } from '../netinet/in'
import { EHOSTDOWN, EHOSTUNREACH, EMSGSIZE, ENETDOWN, ENOBUFS } from '../sys/errno'
import { CSUM_IP6_TCP, CSUM_IP6_TSO, M_NOMAP, MT_DATA } from '../sys/mbuf'
import { M_WAITOK } from '../sys/param'
import { SIOCSIFCAP, SIOCSIFMTU } from '../sys/sockio'
import { in6_cksum_pseudo, in6_get, in6_put, in6_row, IP6_PLEN } from './in6'
import { inet_pton6 } from './in6_text'
import { ip6_output } from './ip6_output'

/** What the driver was handed. */
interface Seen {
  unmapped: boolean
  csumFlags: number
  bytes: Uint8Array
}

let machine: Machine
let k: Kernel
let base: ReturnType<typeof memoryUse>
let seen: Seen[]
let frames: number[]

beforeEach(() => {
  machine = testMachine({ family: 'inet6', ncpu: 1, workload: { startNs: -1 } })
  k = machine.kernels[0]
  frames = [k.phys.allocFrame(), k.phys.allocFrame()]
  base = memoryUse(k)
  seen = []
  const driver = k.ifnet.drivers[k.ifnet.if_driver[ifunit(k, 'cc0')]]
  const { if_transmit } = driver
  driver.if_transmit = (kernel, ifp, m) => {
    let unmapped = false
    for (let n = m; n !== 0; n = k.mb.m_next[n]) if ((k.mb.m_flags[n] & M_NOMAP) !== 0) unmapped = true
    const bytes = new Uint8Array(k.mb.ph_len[m])
    m_copydata(k, m, 0, bytes.length, bytes, 0)
    seen.push({ unmapped, csumFlags: k.mb.ph_csum_flags[m], bytes })
    return if_transmit(kernel, ifp, m)
  }
})
afterEach(() => {
  machine.runUntil(machine.time + 1e9)
  expect(leakCheck(k, base)).toEqual({})
})

const row = (text: string): number => in6_row(k, ...inet_pton6(text)!)

/** A TCP packet from 2001:db8::1 with `payload` bytes in unmapped pages. */
function packet(payload: number, to = '2001:db8::2', from = '2001:db8::1', csumFlags = CSUM_IP6_TCP): number {
  const b = new Uint8Array(72)
  b[0] = 0x60
  b[6] = 6
  b[7] = 64
  in6_put(k, b, 8, row(from))
  in6_put(k, b, 24, row(to))
  put16(b, 40, 80)
  put16(b, 42, 40000)
  b[52] = 8 << 4
  b[53] = 0x10
  b.fill(1, 60)
  put16(b, 56, in6_cksum_pseudo(k, row(from), row(to), 32 + payload, 6))
  const m = mappedPacket(k, b)
  k.phys.ram.set(
    Uint8Array.from({ length: 8192 }, (_, i) => (i * 7) ^ (i >> 8)),
    frames[0] * 4096,
  )
  k.phys.ram.copyWithin(frames[1] * 4096, frames[0] * 4096 + 4096, frames[0] * 4096 + 8192)
  if (payload > 0) appendUnmapped(k, m, frames.slice(0, Math.ceil(payload / 4096)), payload)
  k.mb.ph_csum_flags[m] = csumFlags
  k.mb.ph_csum_data[m] = 16
  return m
}

/** True if the TCP checksum of an IPv6 packet (Ethernet header in front) is right. */
function sumIsRight(frame: Uint8Array): boolean {
  const tcp = frame.subarray(54)
  let sum = in6_cksum_pseudo(k, in6_get(k, frame, 22), in6_get(k, frame, 38), tcp.length, 6)
  for (let i = 0; i < tcp.length; i++) sum += i % 2 === 0 ? tcp[i] << 8 : tcp[i]
  return fold16(sum) === 0xffff
}

function capabilities(off: number): void {
  const ifp = ifunit(k, 'cc0')
  expect(ifioctl(k, 'cc0', SIOCSIFCAP, { ifr_reqcap: k.ifnet.if_capenable[ifp] & ~off })).toBe(0)
}

describe('conversion and checksum (4.2, steps 1 to 3)', () => {
  it.each([
    // Bits the interface can do are removed from sw_csum; NOMAP is on: nothing happens.
    { off: 'nothing', bits: 0, reach: true, converted: 0, bySoftware: 0 },
    // "Else if IFCAP_NOMAP is off: convert".
    { off: 'nomap', bits: IFCAP_NOMAP, reach: false, converted: 1, bySoftware: 0 },
    // "sw_csum contains CSUM_DELAY_DATA_IPV6: convert, … then in6_delayed_cksum", although NOMAP is on.
    { off: 'txcsum6', bits: IFCAP_TXCSUM_IPV6, reach: false, converted: 1, bySoftware: 1 },
    { off: 'both', bits: IFCAP_TXCSUM_IPV6 | IFCAP_NOMAP, reach: false, converted: 1, bySoftware: 1 },
    // 10.2 row 14 the other way round: the checksums of IPv4 are nothing to IPv6.
    { off: 'txcsum (IPv4)', bits: IFCAP_TXCSUM, reach: true, converted: 0, bySoftware: 0 },
  ])('off: $off – unmapped mbufs reach the driver: $reach, software sums: $bySoftware', (row) => {
    capabilities(row.bits)
    expect(ip6_output(k, packet(1200), 0)).toBe(0)
    const [{ unmapped, csumFlags, bytes }] = seen
    expect(unmapped).toBe(row.reach)
    expect(k.mbstat.conversions).toBe(row.converted)
    expect(k.mbstat.nomap_sent).toBe(1)
    expect(csumFlags).toBe(row.bySoftware === 1 ? 0 : CSUM_IP6_TCP)
    expect(sumIsRight(bytes)).toBe(row.bySoftware === 1)
    const lab = k.inet.ipstat
    expect([lab.lab_converted_nomap, lab.lab_converted_csum, lab.lab_swcsum_packets, lab.lab_nomap_packets]).toEqual([
      row.converted - row.bySoftware,
      row.bySoftware,
      row.bySoftware,
      row.reach ? 1 : 0,
    ])
    // Header preparation: the payload length, Ethernet type and addresses of a frame for the peer.
    expect(get16(bytes, 14 + IP6_PLEN)).toBe(1232)
    expect(get16(bytes, 12)).toBe(0x86dd)
    expect([...bytes.subarray(0, 6)]).toEqual([0, 7, 0x43, 0, 1, 1])
    expect([...bytes.subarray(86)]).toEqual([...k.phys.ram.subarray(frames[0] * 4096, frames[0] * 4096 + 1200)])
  })

  it('the card inserts the sum – the frame on the link is right, with TSO every segment', () => {
    const sent: Uint8Array[] = []
    machine.link.observer = (from, slot) => {
      if (from === 0)
        for (let i = 0; i < machine.wire.slots.nsegs[slot]; i++) sent.push(machine.wire.frameBytes(slot, i))
    }
    expect(ip6_output(k, packet(1200), 0)).toBe(0)
    const m = packet(8000, '2001:db8::2', '2001:db8::1', CSUM_IP6_TCP | CSUM_IP6_TSO)
    k.mb.ph_tso_segsz[m] = 1428
    // Longer than the MTU, but "send whole … if TSO".
    expect(ip6_output(k, m, 0)).toBe(0)
    machine.runUntil(1e6)
    expect(sent.map((frame) => frame.length - 86)).toEqual([1200, 1428, 1428, 1428, 1428, 1428, 860])
    for (const frame of sent) {
      expect(sumIsRight(frame)).toBe(true)
      expect(get16(frame, 14 + IP6_PLEN)).toBe(frame.length - 54)
    }
  })

  it.each([{ bits: IFCAP_NOMAP }, { bits: IFCAP_TXCSUM_IPV6 }])(
    'no mbuf for the conversion (off: $bits) – NULL, ENOBUFS, everything freed',
    ({ bits }) => {
      capabilities(bits)
      const m = packet(1400)
      k.uma.failAt(1)
      expect(ip6_output(k, m, 0)).toBe(ENOBUFS)
      k.uma.failAt(0)
      expect(k.inet.ipstat.lab_convert_failed).toBe(1)
      expect(seen).toEqual([])
    },
  )
})

describe('fragmentation (4.2, step 4)', () => {
  it('longer than the MTU – "a second conversion precedes in6_delayed_cksum" although card and NOMAP could take it; fragments of multiples of 8', () => {
    expect(ifioctl(k, 'cc0', SIOCSIFMTU, { ifr_mtu: 1300 })).toBe(0)
    expect(ip6_output(k, packet(4000), 0)).toBe(0)
    expect(k.mbstat.conversions).toBe(1)
    expect(k.mbstat.nomap_sent).toBe(1)
    expect(k.inet.ipstat.lab_swcsum_packets).toBe(1)
    expect(k.inet6.ip6stat).toMatchObject({
      ip6s_fragmented: 1,
      ip6s_ofragments: 4,
      ifs6_out_fragok: 1,
      ifs6_out_fragfail: 0,
    })
    expect(seen.map(({ unmapped, csumFlags }) => [unmapped, csumFlags])).toEqual(new Array(4).fill([false, 0]))
    const identification = new Set(seen.map(({ bytes }) => get32(bytes, 58)))
    expect(identification.size).toBe(1)
    const pieces = seen.map(({ bytes }) => ({
      next: [bytes[20], bytes[54]],
      length: get16(bytes, 18) - 8,
      off: get16(bytes, 56) & 0xfff8,
      more: get16(bytes, 56) & 1,
    }))
    expect(pieces).toEqual([
      { next: [44, 6], length: 1248, off: 0, more: 1 },
      { next: [44, 6], length: 1248, off: 1248, more: 1 },
      { next: [44, 6], length: 1248, off: 2496, more: 1 },
      { next: [44, 6], length: 288, off: 3744, more: 0 },
    ])
    // Put together they are the packet, with a checksum that is right.
    const whole = new Uint8Array(54 + 4032)
    whole.set(seen[0].bytes.subarray(0, 54))
    seen.forEach(({ bytes }, i) => whole.set(bytes.subarray(62), 54 + pieces[i].off))
    expect(sumIsRight(whole)).toBe(true)
  })

  it('two packets – two identifications', () => {
    ifioctl(k, 'cc0', SIOCSIFMTU, { ifr_mtu: 1300 })
    ip6_output(k, packet(2000), 0)
    ip6_output(k, packet(2000), 0)
    expect(new Set(seen.map(({ bytes }) => get32(bytes, 58))).size).toBe(2)
  })

  it('an allocation fails – conversion: ifs6_out_fragfail and ENOBUFS; a fragment: ip6s_odropped and ENOBUFS; nothing is sent, nothing stays', () => {
    ifioctl(k, 'cc0', SIOCSIFMTU, { ifr_mtu: 1300 })
    let attempts = 0
    k.uma.observe(() => attempts++)
    expect(ip6_output(k, packet(4000), 0)).toBe(0)
    k.uma.observe(null)
    seen.length = 0
    const stat = k.inet6.ip6stat
    const answers: string[] = []
    // The packet itself takes four allocations; the last ones belong to the driver.
    for (let fail = 1; fail <= 9; fail++) {
      const m = packet(4000)
      const before = { ...stat }
      k.uma.failAt(fail)
      const error = ip6_output(k, m, 0)
      k.uma.failAt(0)
      expect(error).toBe(ENOBUFS)
      answers.push(
        stat.ifs6_out_fragfail > before.ifs6_out_fragfail
          ? 'fragfail'
          : stat.ip6s_odropped > before.ip6s_odropped
            ? 'odropped'
            : '?',
      )
    }
    expect(attempts).toBeGreaterThanOrEqual(9)
    expect(answers).toEqual(['fragfail', ...new Array(8).fill('odropped')])
    expect(seen).toEqual([])
  })

  it('an MTU below 1280 – EMSGSIZE, ifs6_out_fragfail', () => {
    ifioctl(k, 'cc0', SIOCSIFMTU, { ifr_mtu: 1279 })
    expect(ip6_output(k, packet(1400), 0)).toBe(EMSGSIZE)
    expect(k.inet6.ip6stat.ifs6_out_fragfail).toBe(1)
  })
})

describe('packets that cannot go', () => {
  it.each([
    ['no route', '2001:db8:77::1', EHOSTUNREACH],
    ['no such neighbour', '2001:db8::77', EHOSTDOWN],
  ])('%s – errno, freed', (_what, to, error) => {
    expect(ip6_output(k, packet(100, to), 0)).toBe(error)
    expect(k.inet6.ip6stat.ip6s_noroute).toBe(error === EHOSTUNREACH ? 1 : 0)
  })

  it('the interface is down – ENETDOWN or no route, freed', () => {
    k.ifnet.if_drv_flags[ifunit(k, 'cc0')] = 0
    expect(ip6_output(k, packet(100), 0)).toBe(ENETDOWN)
  })

  it('::1 as source on a card – EHOSTUNREACH, ip6s_badscope', () => {
    expect(ip6_output(k, packet(100, '2001:db8::2', '::1'), 0)).toBe(EHOSTUNREACH)
    expect(k.inet6.ip6stat.ip6s_badscope).toBe(1)
  })

  it('a neighbour that has lost its address – is forgotten, and found again when the address is back', () => {
    expect(ip6_output(k, packet(100), 0)).toBe(0)
    const theirs = machine.kernels[1].inet6.ifaddr
    const last = theirs.high - 1
    const ifp = theirs.ia_ifp[last]
    theirs.ia_ifp[last] = 0
    expect(ip6_output(k, packet(100), 0)).toBe(EHOSTDOWN)
    theirs.ia_ifp[last] = ifp
    expect(ip6_output(k, packet(100), 0)).toBe(0)
  })
})

describe('lo0 (4.4, 10.2 row 15)', () => {
  it('an own address – goes over lo0, which has no NOMAP: converted, not summed, and comes back in', () => {
    expect(ip6_output(k, packet(1200, '2001:db8::1'), 0)).toBe(0)
    expect([k.mbstat.conversions, k.mbstat.nomap_sent]).toEqual([1, 1])
    expect(k.inet.ipstat.lab_swcsum_packets).toBe(0)
    expect(seen).toEqual([])
    machine.runUntil(1e6)
    // Nobody listens: the segment is answered with a reset, which comes back too.
    expect(k.inet6.ip6stat).toMatchObject({ ip6s_delivered: 2, ip6s_localout: 2 })
    expect(k.inet.tcpstat.tcps_rcvbadsum).toBe(0)
  })
})

describe('link-local addresses', () => {
  it('fe80:: of the peer – goes out on its interface; the number of the interface is not on the wire', () => {
    const ifp = ifunit(k, 'cc0')
    const from = `fe80:${ifp.toString(16)}::207:43ff:fe00:1`
    const to = `fe80:${ifp.toString(16)}::207:43ff:fe00:101`
    expect(ip6_output(k, packet(100, to, from), 0)).toBe(0)
    const [{ bytes }] = seen
    expect([get32(bytes, 22), get32(bytes, 38)]).toEqual([0xfe800000, 0xfe800000])
    machine.runUntil(1e6)
    // It is for the peer: delivered, and answered with a reset.
    expect(machine.kernels[1].inet6.ip6stat).toMatchObject({ ip6s_delivered: 1, ip6s_localout: 1 })
    expect(k.inet6.ip6stat.ip6s_delivered).toBe(1)
  })
})

describe('a packet whose header is not in front of plain data', () => {
  it('no data at all, data in a plain mbuf – nothing to convert', () => {
    capabilities(IFCAP_NOMAP | IFCAP_TXCSUM_IPV6)
    expect(ip6_output(k, packet(0), 0)).toBe(0)
    const m = packet(0)
    const plain = m_get(k, M_WAITOK, MT_DATA)
    k.mb.m_len[plain] = 10
    append(k, m, plain, 10)
    expect(ip6_output(k, m, 0)).toBe(0)
    expect(k.mbstat.conversions).toBe(0)
    expect(k.inet.ipstat.lab_swcsum_packets).toBe(2)
  })
})

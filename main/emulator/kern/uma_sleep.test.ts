/**
 * M_WAITOK at a limit: kernel-mbuf-sendfile 2.1 (limits), 6.4 ("mbuf may sleep"), 6.7 ("requests … delayed"), 6.3 step 1 (pages are waited for unless
 * SF_NODISKIO). The limits are reached by tunables and by taking what is left.
 */
import { describe, expect, it } from 'vitest'
import { startLoad } from '../apps/apps'
import { PROGRAM_TEST } from '../apps/program'
import type { Kernel } from '../kernel'
import { tcp_drop } from '../netinet/tcp_subr'
import { EAGAIN, EBUSY, ECONNRESET } from '../sys/errno'
import { MT_DATA } from '../sys/mbuf'
import { M_NOWAIT } from '../sys/param'
import { SF_NODISKIO, SF_SYNC, SO_SNDBUF, SS_NBIO } from '../sys/socket'
import {
  baseLine,
  connectPair,
  createNet,
  createSink,
  type Net,
  type NetOptions,
  ok,
  readInto,
  runUntil,
  scratchBuffer,
  testBytes,
} from '../testkit/netRig'
import { vm_object_of_file, vm_page_grab } from '../vm/vm_object'
import { VM_ALLOC_NOBUSY, VM_ALLOC_WIRED, vm_free_count, vm_page_unwire } from '../vm/vm_page'
import { m_cljfree, m_cljget, m_free, m_get } from './kern_mbuf'
import { sendfile, sendfile_sbytes, setSendfileReturn, SLEPT } from './kern_sendfile'
import { wmesg } from './subr_sleepqueue'
import { userAddress } from './subr_uio'
import { soclose, sosetopt } from './uipc_socket'
import { setSosendReturn, sosend } from './uipc_sosend'

const results: { udata: number; error: number; sbytes: number }[] = []
const note = (_k: Kernel, udata: number, error: number, sbytes: number): void => {
  results.push({ udata, error, sbytes })
}
setSendfileReturn(PROGRAM_TEST, note)
setSosendReturn(PROGRAM_TEST, note)

function rig(options: NetOptions & { ext?: boolean } = {}): Net & { server: number; client: number } {
  const net = createNet({ ...options, sysctls: { 'kern.ipc.mb_use_ext_pgs': options.ext === false ? '0' : '1' } })
  results.length = 0
  return { ...net, ...connectPair(net) }
}

/** Takes every mbuf of host 0 but `left`; the rows taken. */
function exhaust(k: Kernel, left: number): number[] {
  const taken: number[] = []
  for (let m = m_get(k, M_NOWAIT, MT_DATA); m !== 0; m = m_get(k, M_NOWAIT, MT_DATA)) taken.push(m)
  for (let i = 0; i < left; i++) m_free(k, taken.pop()!)
  return taken
}

/** What threads of host 0 sleep for. */
const sleeping = (k: Kernel): string[] =>
  Array.from({ length: k.td.high }, (_, row) => (k.td.td_state[row] === 1 ? wmesg[k.td.td_wchan[row]] : '')).filter(
    (name) => name !== '',
  )

/** maxmbufmem of 1 MiB: 819 mbufs, 128 clusters, 64 clusters of a page. */
const tunables = { 'kern.ipc.maxmbufmem': '1m' }

describe('write(2) at the limit of a zone', () => {
  it('no mbuf left – sleeps holding the I/O lock, also on a non-blocking socket; the next mbuf freed wakes it; a snapshot of it continues', () => {
    const net = rig({ tunables })
    const { a, server, machine } = net
    a.so.so_state[server] |= SS_NBIO
    const before = baseLine(a)
    const taken = exhaust(a, 0)
    const bytes = testBytes(60, 3)
    const ub = scratchBuffer(a)
    a.phys.copyIn(bytes, 0, 60, userAddress(a, ub, 0))
    expect(sosend(a, server, ub, 0, 60, false, PROGRAM_TEST, 7)).toBe(SLEPT)
    expect(sleeping(a)).toEqual(['zonelimit'])
    expect(a.uma.zone_mbuf.sleeps).toBe(1)
    expect(sosend(a, server, ub, 0, 60, false, PROGRAM_TEST, 8)).toBe(EAGAIN)
    machine.runUntil(machine.time + 1e9)
    expect(results).toEqual([])
    const asleep = machine.snapshot()
    const run = (): number[] => {
      results.length = 0
      m_free(a, taken[0])
      m_free(a, taken[1])
      machine.runUntil(machine.time + 1e9)
      expect(results).toEqual([{ udata: 7, error: 0, sbytes: 60 }])
      return [a.uma.zone_mbuf.requests, a.uma.zone_mbuf.sleeps, a.sosend.live, a.td.live, a.inet.tcpstat.tcps_sndbyte]
    }
    const after = run()
    machine.restore(asleep)
    expect(run()).toEqual(after)
    const sink = createSink(200)
    readInto(net.b, net.client, sink)
    expect(Buffer.compare((sink.bytes as Uint8Array).subarray(0, sink.length), bytes)).toBe(0)
    for (const m of taken.slice(2)) m_free(a, m)
    expect(baseLine(a)).toEqual(before)
  })

  it('the third piece of a long write cannot be had – keeps the two it has, and every byte is written once', () => {
    const net = rig({ tunables })
    const { a, server } = net
    ok(sosetopt(a, server, SO_SNDBUF, 60_000), 'SO_SNDBUF')
    const before = baseLine(a)
    const held: number[] = []
    for (let c = m_cljget(a, 0, M_NOWAIT, 4096); c !== 0; c = m_cljget(a, 0, M_NOWAIT, 4096)) held.push(c)
    for (let i = 0; i < 2; i++) m_cljfree(a, held.pop()!, 4096)
    const bytes = testBytes(40_000, 5)
    const ub = scratchBuffer(a)
    a.phys.copyIn(bytes, 0, bytes.length, userAddress(a, ub, 0))
    expect(sosend(a, server, ub, 0, bytes.length, false, PROGRAM_TEST, 1)).toBe(SLEPT)
    expect(a.uma.zone_jumbop.used).toBe(64)
    expect([a.uma.zone_jumbop.sleeps, a.uma.zone_mbuf.sleeps]).toEqual([1, 0])
    const sink = createSink(50_000)
    // One cluster a millisecond comes free: the write goes on with each.
    runUntil(
      net,
      () => {
        if (held.length > 0 && a.uma.zone_jumbop.sleepers > 0 && sleeping(a).length > 0) m_cljfree(a, held.pop()!, 4096)
        readInto(net.b, net.client, sink)
        return sink.length === bytes.length
      },
      'all bytes',
    )
    expect(Buffer.compare((sink.bytes as Uint8Array).subarray(0, sink.length), bytes)).toBe(0)
    expect(results).toEqual([{ udata: 1, error: 0, sbytes: bytes.length }])
    expect(a.uma.zone_jumbop.sleeps).toBe(8)
    for (const c of held) m_cljfree(a, c, 4096)
    net.machine.runUntil(net.machine.time + 1e9)
    expect(baseLine(a)).toEqual(before)
  })

  it('the connection is reset meanwhile – the write goes on when it gets its mbuf, ECONNRESET, nothing leaks', () => {
    const net = rig({ tunables })
    const { a, server } = net
    const taken = exhaust(a, 0)
    expect(sosend(a, server, scratchBuffer(a), 0, 60, false, PROGRAM_TEST, 1)).toBe(SLEPT)
    tcp_drop(a, a.inet.inp.inp_ppcb[a.so.so_pcb[server]], ECONNRESET)
    for (const m of taken) m_free(a, m)
    net.machine.runUntil(net.machine.time + 1e9)
    expect(results).toEqual([{ udata: 1, error: ECONNRESET, sbytes: 0 }])
    soclose(a, server)
    expect([a.uma.zone_mbuf.used, a.sosend.live, a.td.live]).toEqual([0, 0, 0])
  })

  it('a caller that cannot sleep – M_NOWAIT – is refused: a failure, not a delay', () => {
    const net = rig({ tunables })
    const { a } = net
    const taken = exhaust(a, 0)
    const { fails } = a.uma.zone_mbuf
    sosend(a, net.server, scratchBuffer(a), 0, 60, false)
    expect([a.uma.zone_mbuf.fails - fails, a.uma.zone_mbuf.sleeps]).toEqual([1, 0])
    for (const m of taken) m_free(a, m)
  })
})

describe('sendfile(2) at the limit of a zone', () => {
  for (const ext of [true, false]) {
    it(`mb_use_ext_pgs ${ext ? 1 : 0} – whichever mbuf of header, pages and trailer is missing, it is slept for; header + file + trailer arrive`, () => {
      const FILE = 4096 * 24 + 300
      const net = rig({ tunables, files: [FILE], ext })
      const { a, b, server, client } = net
      ok(sosetopt(a, server, SO_SNDBUF, 200_000), 'SO_SNDBUF')
      const ub = scratchBuffer(a)
      const text = testBytes(400, 9)
      a.phys.copyIn(text, 0, 400, userAddress(a, ub, 0))
      const want = new Uint8Array(400 + FILE)
      want.set(text.subarray(0, 190))
      want.set(net.file(0), 190)
      want.set(text.subarray(190), 190 + FILE)
      const before = baseLine(a)
      let slept = 0
      // Header: one mbuf (a cluster more than 224 bytes would need is a zone of its own). Unmapped: 2 mbufs for 25 pages. Mapped: 25.
      for (let left = 0; left < (ext ? 5 : 30); left += ext ? 1 : 4) {
        results.length = 0
        const taken = exhaust(a, left)
        const { sleeps } = a.uma.zone_mbuf
        const range = { object: vm_object_of_file(0), offset: 0, nbytes: 0, flags: left % 2 === 0 ? SF_SYNC : 0 }
        const user = { hdrUb: ub, hdrOff: 0, hdrLen: 190, trlUb: ub, trlOff: 190, trlLen: 210 }
        const error = sendfile(a, server, { ...range, ...user }, PROGRAM_TEST, left)
        if (error !== SLEPT) results.push({ udata: left, error, sbytes: sendfile_sbytes })
        const sink = createSink(want.length + 10)
        for (let ms = 0; ms < 5000 && (sink.length < want.length || results.length === 0); ms++) {
          // One mbuf comes free for each that is waited for; once the call is through, all.
          if (!sleeping(a).includes('zonelimit')) while (taken.length > 0) m_free(a, taken.pop()!)
          else if (taken.length > 0) m_free(a, taken.pop()!)
          net.machine.runUntil(net.machine.time + 1e6)
          readInto(b, client, sink)
        }
        expect(results).toEqual([{ udata: left, error: 0, sbytes: want.length }])
        expect(Buffer.compare((sink.bytes as Uint8Array).subarray(0, sink.length), want)).toBe(0)
        slept += a.uma.zone_mbuf.sleeps - sleeps
        net.machine.runUntil(net.machine.time + 150e6)
        expect(baseLine(a)).toEqual(before)
      }
      expect(slept).toBeGreaterThanOrEqual(ext ? 3 : 9)
    })
  }
})

describe('sendfile(2) without a free page (6.1, 6.3 step 1)', () => {
  it('every page of the host wired – waits on vmwait and goes on when one can be reclaimed; SF_NODISKIO – EBUSY at once, sf_busy + 1', () => {
    const net = rig({ files: [4096 * 10, 4096 * 10], warm: false })
    const { a, server } = net
    // The rest of the memory is the kernel's; file 1 holds the last pages that may be given out.
    const spare = vm_free_count(a) - a.page.vm.limits.v_free_reserved - 3
    a.phys.used += spare
    const wired: number[] = []
    for (let i = 0; i < 10; i++) {
      const m = vm_page_grab(a, vm_object_of_file(1), i, VM_ALLOC_WIRED | VM_ALLOC_NOBUSY)
      if (m !== 0) wired.push(m)
    }
    expect(wired).toHaveLength(3)
    const call = { object: vm_object_of_file(0), offset: 0, nbytes: 8192, hdrUb: 0, hdrOff: 0, hdrLen: 0 }
    const none = { trlUb: 0, trlOff: 0, trlLen: 0 }
    expect(sendfile(a, server, { ...call, ...none, flags: SF_NODISKIO }, PROGRAM_TEST, 1)).toBe(EBUSY)
    expect(a.sendfile.stat.sf_busy).toBe(1)
    expect(sendfile(a, server, { ...call, ...none, flags: 0 }, PROGRAM_TEST, 2)).toBe(SLEPT)
    expect(sleeping(a)).toEqual(['vmwait'])
    net.machine.runUntil(net.machine.time + 1e9)
    expect(results).toEqual([])
    for (const m of wired) {
      a.page.valid[m] = 0xff
      vm_page_unwire(a, m, 0)
    }
    const sink = createSink(10_000)
    runUntil(
      net,
      () => {
        readInto(net.b, net.client, sink)
        return sink.length === 8192
      },
      'the file',
    )
    expect((sink.bytes as Uint8Array).subarray(0, 8192)).toEqual(net.file(0).subarray(0, 8192))
    expect(results).toEqual([{ udata: 2, error: 0, sbytes: 8192 }])
    a.phys.used -= spare
  })
})

describe('a web server with too few mbufs', () => {
  for (const method of ['sendfile', 'write'] as const) {
    it(`${method} – its process sleeps now and then, clients get every byte, netstat -m shows delays`, () => {
      const net = createNet({
        tunables: { 'kern.ipc.maxmbufmem': method === 'write' ? '600k' : '250k' },
        files: [60_000, 3000],
        sysctls: { 'net.inet.tcp.sendspace': '65536' },
        workload: { connections: 16, method },
        wire: { rateBps: 5e8 },
      })
      const { a, b } = net
      startLoad(net.machine)
      runUntil(net, () => b.apps.client.stat.bytes_verified > 1_000_000, 'a megabyte', 60e9)
      expect(b.apps.client.stat.bytes_corrupt).toBe(0)
      expect(a.uma.list.reduce((sum, zone) => sum + zone.sleeps, 0)).toBeGreaterThan(0)
    })
  }
})

/** mb_reclaim (kernel-mbuf-sendfile 2.5). */
import { describe, expect, it } from 'vitest'
import { PROGRAM_TEST } from '../apps/program'
import { MT_DATA } from '../sys/mbuf'
import { M_NOWAIT } from '../sys/param'
import { SS_NBIO } from '../sys/socket'
import { baseLine, connectPair, createNet, createSink, readInto, runUntil, writeBytes } from '../testkit/netRig'
import { uma_zone_set_max } from '../vm/uma_core'
import { vm_object_of_file } from '../vm/vm_object'
import { vm_pageout } from '../vm/vm_pageout'
import { m_free, m_get } from './kern_mbuf'
import { sendfile } from './kern_sendfile'

describe('a zone of mbufs at its limit', () => {
  it('segments that came out of order – are given up, and sent again once there is room; nothing is lost', () => {
    let drop = 0
    const net = createNet({ files: [4096], wire: { filter: (_frame, from) => !(from === 0 && drop-- > 0) } })
    const { client, server } = connectPair(net)
    net.a.so.so_state[server] |= SS_NBIO
    const before = baseLine(net.b)
    const bytes = Uint8Array.from({ length: 20_000 }, (_, i) => i * 7)
    // The first packet is lost, the next ones wait for it.
    drop = 1
    writeBytes(net.a, server, bytes.subarray(0, 1000))
    for (let at = 1000; at < 9000; at += 1000) writeBytes(net.a, server, bytes.subarray(at, at + 1000))
    runUntil(net, () => net.b.inet.tseg.live > 0, 'a segment out of order')
    // A host without one mbuf left.
    const taken: number[] = []
    uma_zone_set_max(net.b, net.b.uma.zone_mbuf, 1)
    for (let m = m_get(net.b, M_NOWAIT, MT_DATA); m !== 0; m = m_get(net.b, M_NOWAIT, MT_DATA)) taken.push(m)
    expect(net.b.inet.tseg.live).toBeGreaterThan(0)
    net.machine.runUntil(net.machine.time)
    expect(net.b.inet.tseg.live).toBe(0)
    uma_zone_set_max(net.b, net.b.uma.zone_mbuf, 1_000_000)
    for (const m of taken) m_free(net.b, m)
    const sink = createSink(10_000)
    const whole = (): boolean => {
      readInto(net.b, client, sink)
      return sink.length === 9000
    }
    runUntil(net, whole, 'all bytes')
    expect((sink.bytes as Uint8Array).slice(0, 9000)).toEqual(bytes.slice(0, 9000))
    expect(baseLine(net.b)).toEqual(before)
  })

  it('data that waits to be sent, unmapped or not – stays', () => {
    const net = createNet({
      files: [4096 * 8],
      sysctls: { 'kern.ipc.mb_use_ext_pgs': '1' },
      wire: { filter: (_frame, from) => from !== 0 || !mute },
    })
    let mute = false
    const { server } = connectPair(net)
    mute = true
    net.a.so.so_state[server] |= SS_NBIO
    const range = { hdrUb: 0, hdrOff: 0, hdrLen: 0, trlUb: 0, trlOff: 0, trlLen: 0, flags: 0 }
    sendfile(net.a, server, { object: vm_object_of_file(0), offset: 0, nbytes: 0, ...range }, PROGRAM_TEST, 0)
    const { sb_ccc, sb_mcnt } = net.a.sb
    const snd = net.a.so.so_snd[server]
    const queued = [sb_ccc[snd], sb_mcnt[snd], net.a.uma.zone_extpgs.used]
    uma_zone_set_max(net.a, net.a.uma.zone_mbuf, 1)
    while (m_get(net.a, M_NOWAIT, MT_DATA) !== 0);
    net.machine.runUntil(net.machine.time)
    expect([sb_ccc[snd], sb_mcnt[snd], net.a.uma.zone_extpgs.used]).toEqual(queued)
    expect(queued[2]).toBe(1)
  })
})

describe('short of pages', () => {
  it('the low-memory event – out-of-order segments are given up, zones give their full buckets back; do_tcpdrain=0 keeps the segments', () => {
    for (const drain of [1, 0]) {
      let drop = 0
      const net = createNet({ files: [4096], wire: { filter: (_frame, from) => !(from === 0 && drop-- > 0) } })
      const { server } = connectPair(net)
      const { b } = net
      net.a.so.so_state[server] |= SS_NBIO
      expect(b.sysctl.write('net.inet.tcp.do_tcpdrain', drain)).toBe(0)
      drop = 1
      for (let i = 0; i < 4; i++) writeBytes(net.a, server, new Uint8Array(1000))
      runUntil(net, () => b.inet.tseg.live > 0, 'a segment out of order')
      const many = Array.from({ length: 1000 }, () => m_get(b, M_NOWAIT, MT_DATA))
      for (const m of many) m_free(b, m)
      const cached = b.uma.zone_mbuf.cached
      vm_pageout(b)
      expect(b.page.vm.daemon.lowmem_events).toBe(1)
      net.machine.runUntil(net.machine.time)
      expect(b.inet.tseg.live).toBe(drain === 1 ? 0 : 1)
      expect(b.uma.zone_mbuf.cached).toBeLessThan(cached)
      // Within vm.lowmem_period nothing more is asked for.
      vm_pageout(b)
      expect(b.page.vm.daemon.lowmem_events).toBe(1)
    }
  })
})

import { describe, expect, it } from 'vitest'
import { startLoad } from './apps'
import { baseLine, createNet, drain } from '../testkit/netRig'

const FILES = [100_000, 1_000_000, 17, 4096 * 30, 0]

describe('web server and clients over the plain wire', () => {
  for (const method of ['sendfile', 'write'] as const) {
    for (const ext of ['0', '1']) {
      it(`${method}, unmapped mbufs ${ext} – 8 connections for 10 ms – every byte right, nothing left behind`, () => {
        const net = createNet({
          files: FILES,
          sysctls: { 'kern.ipc.mb_use_ext_pgs': ext },
          workload: { method, connections: 8 },
          wire: { rateBps: 2e9 },
        })
        const before = net.machine.kernels.map(baseLine)
        startLoad(net.machine)
        net.machine.runUntil(10e6)
        const client = net.b.apps.client.stat
        expect(client.responses).toBeGreaterThan(10)
        expect(drain(net)).toBe(true)
        expect(client.errors).toBe(0)
        expect(client.bytes_corrupt).toBe(0)
        expect(client.requests).toBe(client.responses)
        expect(client.bytes_verified).toBe(net.a.apps.httpd.stat.bytes - client.header_bytes)
        expect(net.machine.kernels.map(baseLine)).toEqual(before)
        if (method === 'sendfile' && ext === '1') expect(net.a.mbstat.ext_pgs_allocated).toBeGreaterThan(0)
        if (ext === '0') expect(net.a.mbstat.ext_pgs_allocated).toBe(0)
      })
    }
  }

  it('the same seed twice – identical digests; another seed – another digest', () => {
    const run = (seed: number): string => {
      const net = createNet({ files: FILES, seed, workload: { connections: 4 }, wire: { loss: 0.01, seed } })
      startLoad(net.machine)
      net.machine.runUntil(20e6)
      return net.machine.digest()
    }
    expect(run(5)).toBe(run(5))
    expect(run(6)).not.toBe(run(5))
  })

  it('two requests a connection – the server closes – connections are opened again and end in TIME_WAIT on the server', () => {
    const net = createNet({
      files: [5000],
      workload: { connections: 3, requestsPerConnection: 2, thinkNs: 100_000 },
    })
    startLoad(net.machine)
    net.machine.runUntil(20e6)
    const { stat } = net.b.apps.client
    expect(stat.connects).toBeGreaterThan(6)
    expect(stat.errors).toBe(0)
    expect(net.a.inet.tw.live).toBeGreaterThan(0)
    expect(net.b.inet.tw.live).toBe(0)
    expect(drain(net)).toBe(true)
    expect(stat.bytes_corrupt).toBe(0)
    expect(stat.bytes_verified).toBe(5000 * stat.responses)
  })

  it('a request for a file that is not there – answer 404 and the connection closes', () => {
    const net = createNet({ files: [5000], workload: { connections: 1 } })
    net.a.apps.httpd.files.clear()
    startLoad(net.machine)
    net.machine.runUntil(5e6)
    expect(net.b.apps.client.stat.badStatus).toBe(1)
    expect(net.a.apps.httpd.stat.errors).toBe(1)
    expect(net.a.apps.httpd.stat.open).toBe(0)
  })

  it('a corrupted byte on the disk copy of the client – is counted as corrupt', () => {
    const net = createNet({ files: [50_000], workload: { connections: 1 } })
    startLoad(net.machine)
    net.machine.runUntil(1e6)
    expect(net.b.apps.client.stat.bytes_corrupt).toBe(0)
    // The disk is shared: what is on the way or cached as file pages changes with it, so the received copy is changed instead.
    const kernel = net.b
    const copyOut = kernel.phys.copyOut.bind(kernel.phys)
    kernel.phys.copyOut = (pa, len, dst, at) => {
      copyOut(pa, len, dst, at)
      if (dst === kernel.phys.ram && len > 1000) dst[at + 500] ^= 1
    }
    net.machine.runUntil(3e6)
    expect(net.b.apps.client.stat.bytes_corrupt).toBeGreaterThan(0)
  })
})

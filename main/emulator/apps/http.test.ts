import { describe, expect, it } from 'vitest'
import { startLoad } from './apps'
import { SS_ISCONNECTED } from '../sys/socket'
import { baseLine, connectTo, createNet, createSink, drain, readInto, runUntil, writeBytes } from '../testkit/netRig'

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

  it('four requests sent together – answered in order, each file right, whatever arrives in one read; the connection is kept', () => {
    const net = createNet({
      files: [17, 60, 200, 5000, 0, 90_000],
      workload: { connections: 3, pipeline: 4 },
      wire: { rateBps: 2e9 },
    })
    const before = net.machine.kernels.map(baseLine)
    startLoad(net.machine)
    net.machine.runUntil(10e6)
    const { stat } = net.b.apps.client
    expect(stat.responses).toBeGreaterThan(40)
    expect(stat.connects).toBe(3)
    expect(drain(net)).toBe(true)
    expect([stat.errors, stat.badStatus, stat.bytes_corrupt]).toEqual([0, 0, 0])
    // Begun batches are finished.
    expect(stat.requests).toBe(stat.responses)
    expect(stat.responses % 4).toBe(0)
    expect(stat.bytes_verified).toBe(net.a.apps.httpd.stat.bytes - stat.header_bytes)
    expect(net.machine.kernels.map(baseLine)).toEqual(before)
  })

  it('a request for a file that is not there – answer 404 and the connection closes', () => {
    const net = createNet({ files: [5000], workload: { connections: 1 } })
    net.a.apps.httpd.files.clear()
    net.a.apps.httpd.filesByHash.clear()
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

describe('requests that are not what the clients send', () => {
  /** Sends a text from host 1 and gives what comes back until the server closes or falls silent. */
  function talk(text: string, files = [5000]): string {
    const net = createNet({ files })
    const so = connectTo(net, 80)
    runUntil(net, () => (net.b.so.so_state[so] & SS_ISCONNECTED) !== 0, 'the connection')
    writeBytes(
      net.b,
      so,
      Uint8Array.from(text, (c) => c.charCodeAt(0)),
    )
    const sink = createSink(100_000)
    const end = net.machine.time + 50e6
    while (net.machine.time < end && !sink.eof) {
      if (!net.machine.step()) break
      readInto(net.b, so, sink)
    }
    return String.fromCharCode(...(sink.bytes as Uint8Array).subarray(0, Math.min(sink.length, 20)))
  }

  it.each([
    ['POST /www/f0 HTTP/1.1\r\n\r\n', 'HTTP/1.1 405 '],
    ['GET /nothing HTTP/1.1\r\n\r\n', 'HTTP/1.1 404 '],
    ['nonsense\r\n\r\n', 'HTTP/1.1 400 '],
    [`GET /${'x'.repeat(600)} HTTP/1.1\r\n\r\n`, 'HTTP/1.1 400 '],
    ['GET /www/f0?query HTTP/1.0\r\nConnection: close\r\n\r\n', 'HTTP/1.1 200 '],
    ['GET /%77ww/f0 HTTP/1.1\r\nconnection: close\r\n\r\n', 'HTTP/1.1 200 '],
  ])('%j – answered with %s', (request, answer) => {
    expect(talk(request).slice(0, answer.length)).toBe(answer)
  })

  it('two requests in one segment – both are answered, in order', () => {
    const net = createNet({ files: [3, 4] })
    const so = connectTo(net, 80)
    runUntil(net, () => (net.b.so.so_state[so] & SS_ISCONNECTED) !== 0, 'the connection')
    const text = 'GET /www/f1 HTTP/1.1\r\n\r\nGET /www/f0 HTTP/1.1\r\nConnection: close\r\n\r\n'
    writeBytes(
      net.b,
      so,
      Uint8Array.from(text, (c) => c.charCodeAt(0)),
    )
    const sink = createSink(2000)
    runUntil(net, () => (readInto(net.b, so, sink), sink.eof), 'the end')
    const got = String.fromCharCode(...(sink.bytes as Uint8Array).subarray(0, sink.length))
    expect([...got.matchAll(/Content-Length: (\d)/g)].map((m) => m[1])).toEqual(['4', '3'])
  })
})

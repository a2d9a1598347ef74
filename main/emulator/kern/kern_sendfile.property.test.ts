import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PROGRAM_TEST } from '../apps/program'
import { EAGAIN } from '../sys/errno'
import { SF_NOCACHE, SO_SNDBUF, SO_SNDLOWAT, SS_NBIO } from '../sys/socket'
import { baseLine, connectPair, createNet, createSink, readInto, runUntil, scratchBuffer } from '../testkit/netRig'
import { vm_object_of_file } from '../vm/vm_object'
import { sendfile, sendfile_sbytes, setSendfileReturn, SLEPT } from './kern_sendfile'
import { userWriteText } from './subr_uio'
import { soclose, sosetopt } from './uipc_socket'
import { sbcheck } from './uipc_sockbuf'

let returned: { error: number; sbytes: number } | null = null
setSendfileReturn(PROGRAM_TEST, (_k, _udata, error, sbytes) => {
  returned = { error, sbytes }
})

describe('sendfile against a flat string of bytes', () => {
  it('any ranges, headers, trailers, buffers and forms, cold or warm, with a slow disk or few sf_bufs – the peer reads exactly header + range + trailer', () => {
    const request = fc.record({
      file: fc.constantFrom(0, 1, 2, 3),
      offset: fc.nat(140_000),
      nbytes: fc.oneof(fc.constant(0), fc.nat(300), fc.nat(90_000)),
      header: fc.oneof(fc.constant(0), fc.nat(500), fc.nat(5000)),
      trailer: fc.oneof(fc.constant(0), fc.nat(300)),
      ext: fc.boolean(),
      nbio: fc.boolean(),
      nocache: fc.boolean(),
    })
    fc.assert(
      fc.property(
        fc.record({
          seed: fc.integer({ min: 1, max: 1e6 }),
          warm: fc.boolean(),
          contiguity: fc.constantFrom(1, 4, 16),
          sndbuf: fc.constantFrom(0, 4096, 10_000, 32_768, 300_000),
          lowat: fc.constantFrom(0, 1, 4096),
          loss: fc.constantFrom(0, 0.02),
          nomap: fc.boolean(),
          queueDepth: fc.constantFrom(1, 32),
          shortReads: fc.constantFrom(0, 0.3),
          // Kernel addresses for pages: as many as wanted, or few (a machine without direct map).
          nsfbufs: fc.constantFrom(0, 0, 12, 40),
          requests: fc.array(request, { minLength: 1, maxLength: 5 }),
        }),
        (p) => {
          const net = createNet({
            files: [1, 4096, 30_001, 140_000],
            warm: p.warm,
            contiguity: p.contiguity,
            diskLatencyNs: 50_000,
            disk: { diskQueueDepth: p.queueDepth, diskShortReads: p.shortReads },
            ...(p.nsfbufs > 0 && { directMap: false, tunables: { 'kern.ipc.nsfbufs': String(p.nsfbufs) } }),
            wire: { loss: p.loss, seed: p.seed, rateBps: 5e9, ...(p.nomap ? {} : { capenable: 0x103 }) },
          })
          const before = net.machine.kernels.map(baseLine)
          const { server, client, listen } = connectPair(net)
          if (p.sndbuf > 0) sosetopt(net.a, server, SO_SNDBUF, p.sndbuf)
          if (p.lowat > 0) sosetopt(net.a, server, SO_SNDLOWAT, p.lowat)
          const ub = scratchBuffer(net.a)
          const expected: number[] = []
          const sink = createSink(2_000_000)
          const read = (): void => readInto(net.b, client, sink)
          for (const r of p.requests) {
            const data = net.file(r.file)
            const start = Math.min(r.offset, data.length)
            const end = r.nbytes === 0 ? data.length : Math.min(start + r.nbytes, data.length)
            const header = 'H'.repeat(r.header)
            const trailer = 'T'.repeat(r.trailer)
            // At the end of the file the loop does not run: no header, but the trailer (reference 6.1).
            if (end > start) for (let i = 0; i < r.header; i++) expected.push(72)
            for (let i = start; i < end; i++) expected.push(data[i])
            for (let i = 0; i < r.trailer; i++) expected.push(84)
            const total = (end > start ? r.header : 0) + (end - start) + r.trailer
            // One form for the whole connection where sf_bufs are few: mapped data could hold all those that unmapped data before it needs to be sent.
            const ext = p.nsfbufs > 0 ? p.requests[0].ext : r.ext
            net.a.sysctl.write('kern.ipc.mb_use_ext_pgs', ext ? 1 : 0)
            const { so } = net.a
            if (r.nbio) so.so_state[server] |= SS_NBIO
            else so.so_state[server] &= ~SS_NBIO
            let done = 0
            // A non-blocking caller goes on after EAGAIN where the last call stopped, as a program does.
            runUntil(
              net,
              () => {
                read()
                if (done === total) return true
                const headLeft = end > start ? Math.max(0, r.header - done) : 0
                const bodyDone = end > start ? Math.max(0, Math.min(done - r.header, end - start)) : 0
                const trailLeft = Math.min(r.trailer, total - done)
                userWriteText(net.a, ub, 0, header)
                userWriteText(net.a, ub, 20_000, trailer)
                returned = null
                const bodyLeft = end - start - bodyDone
                let error = sendfile(
                  net.a,
                  server,
                  {
                    object: vm_object_of_file(r.file),
                    // Nothing left of the body: only the trailer, which an offset at the end of the file sends.
                    offset: bodyLeft > 0 ? start + bodyDone : data.length,
                    nbytes: bodyLeft,
                    hdrUb: ub,
                    hdrOff: r.header - headLeft,
                    hdrLen: bodyLeft > 0 ? headLeft : 0,
                    trlUb: ub,
                    trlOff: 20_000 + r.trailer - trailLeft,
                    trlLen: trailLeft,
                    flags: r.nocache ? SF_NOCACHE : 0,
                  },
                  PROGRAM_TEST,
                  0,
                )
                let sbytes = sendfile_sbytes
                if (error === SLEPT) {
                  runUntil(
                    net,
                    () => {
                      read()
                      return returned !== null
                    },
                    'the sleeping call to return',
                  )
                  error = returned!.error
                  sbytes = returned!.sbytes
                }
                expect([0, EAGAIN]).toContain(error)
                if (error === 0 && r.trailer === 0) expect(done + sbytes).toBe(total)
                done += sbytes
                sbcheck(net.a, net.a.so.so_snd[server])
                return done === total
              },
              'a request to be queued',
            )
          }
          runUntil(
            net,
            () => {
              read()
              return sink.length >= expected.length
            },
            'all bytes at the client',
          )
          expect(sink.length).toBe(expected.length)
          expect(Buffer.compare((sink.bytes as Uint8Array).subarray(0, sink.length), Uint8Array.from(expected))).toBe(0)
          soclose(net.a, server)
          soclose(net.b, client)
          soclose(net.a, listen)
          net.machine.runUntil(net.machine.time + 1200e9)
          expect(net.machine.kernels.map(baseLine)).toEqual(before)
        },
      ),
      { numRuns: 40, seed: 349529 },
    )
  })
})

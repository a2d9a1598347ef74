import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { soclose, soshutdown } from '../kern/uipc_socket'
import { SHUT_WR } from '../sys/socket'
import {
  baseLine,
  connectPair,
  createNet,
  createSink,
  readInto,
  runUntil,
  testBytes,
  writeBytes,
} from '../testkit/netRig'

describe('TCP over a wire that loses, repeats and reorders', () => {
  it('any faults and any sizes of writes – both byte streams arrive exactly and nothing is left behind', () => {
    fc.assert(
      fc.property(
        fc.record({
          seed: fc.integer({ min: 1, max: 1_000_000 }),
          loss: fc.constantFrom(0, 0.005, 0.02, 0.08),
          duplicate: fc.constantFrom(0, 0.02),
          reorder: fc.constantFrom(0, 0.02, 0.2),
          sack: fc.boolean(),
          timestamps: fc.boolean(),
          tso: fc.boolean(),
          down: fc.integer({ min: 0, max: 150_000 }),
          up: fc.integer({ min: 0, max: 40_000 }),
          piece: fc.integer({ min: 1, max: 20_000 }),
          read: fc.constantFrom(Infinity, 3000, 100),
        }),
        (p) => {
          const sysctls = {
            'net.inet.tcp.sack.enable': p.sack ? '1' : '0',
            'net.inet.tcp.rfc1323': p.timestamps ? '1' : '0',
            'net.inet.tcp.tso': p.tso ? '1' : '0',
          }
          const net = createNet({
            sysctls,
            peerSysctls: sysctls,
            files: [4096],
            wire: { loss: p.loss, duplicate: p.duplicate, reorder: p.reorder, seed: p.seed, rateBps: 1e9 },
          })
          const before = net.machine.kernels.map(baseLine)
          const { server, client, listen } = connectPair(net)
          const down = testBytes(p.down, 7)
          const up = testBytes(p.up, 8)
          const atClient = createSink(p.down)
          const atServer = createSink(p.up)
          let sentDown = 0
          let sentUp = 0
          let closedDown = false
          let closedUp = false
          runUntil(
            net,
            () => {
              if (sentDown < p.down) sentDown += writeBytes(net.a, server, down.subarray(sentDown, sentDown + p.piece))
              else if (!closedDown) {
                closedDown = true
                soshutdown(net.a, server, SHUT_WR)
              }
              if (sentUp < p.up) sentUp += writeBytes(net.b, client, up.subarray(sentUp, sentUp + p.piece))
              else if (!closedUp) {
                closedUp = true
                soshutdown(net.b, client, SHUT_WR)
              }
              // A slow reader, who catches up when the network is silent.
              const most = net.machine.nextEventTime() > net.machine.time + 1e6 ? Infinity : p.read
              readInto(net.b, client, atClient, most)
              readInto(net.a, server, atServer, most)
              return atClient.eof && atServer.eof
            },
            'the end of both streams',
            3600e9,
          )
          expect(atClient.length).toBe(p.down)
          expect(atServer.length).toBe(p.up)
          expect(Buffer.compare(Buffer.from(atClient.bytes as Uint8Array), Buffer.from(down))).toBe(0)
          expect(Buffer.compare(Buffer.from(atServer.bytes as Uint8Array), Buffer.from(up))).toBe(0)
          soclose(net.a, server)
          soclose(net.b, client)
          soclose(net.a, listen)
          // Twice the segment life of 30 s and every retransmission later all is gone.
          net.machine.runUntil(net.machine.time + 1200e9)
          const after = net.machine.kernels.map(baseLine)
          expect(after).toEqual(before)
          expect(net.machine.kernels.map((k) => k.inet.inp.live)).toEqual([net.a.apps.httpd.worker.live, 0])
        },
      ),
      { numRuns: 25, seed: 20190629 },
    )
  })
})

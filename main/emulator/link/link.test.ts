import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EV_LINK_RX } from '../machine/eventKinds'
import { EventQueue } from '../machine/eventQueue'
import type { Machine } from '../machine/machine'
import { createPrng } from '../machine/prng'
import { Registry } from '../machine/state'
import { cableOf, Link } from './link'
import { putBurst } from './testKit'
import { Wire } from './wire'

const HUNDRED = 100e9

/** Clock, events, wire and link without hosts. */
function bench(link: Partial<Machine['config']['link']> = {}, seed = 1, cables = 1) {
  const registry = new Registry()
  const queue = new EventQueue(registry)
  let handler: ((a: number, b: number, c: number, d: number) => void) | null = null
  const fake = {
    registry,
    time: 0,
    config: {
      hosts: [0, 1].map(() => ({ interfaces: Array.from({ length: cables }, () => ({ cable: true })) })),
      link: { rateBps: 10e9, delayNs: 1000, queueBytes: 1e6, loss: 0, duplicate: 0, reorder: 0, ...link },
    },
    wire: new Wire({ registry }),
    schedule: (at: number, kind: number, a = 0, b = 0, c = 0, d = 0) => queue.push(at, kind, a, b, c, d),
    on: (kind: number, fn: typeof handler) => {
      expect(kind).toBe(EV_LINK_RX)
      handler = fn
    },
    random: (name: string) => createPrng(registry, seed, name),
  }
  const machine = fake as unknown as Machine
  const net = new Link(machine)
  const arrivals: { t: number; end: number; frames: number; payload: number; seqs: number[] }[] = []
  for (let end = 0; end < 2 * cables; end++)
    net.attach(end, (slot) => {
      const { wire } = fake
      const seqs: number[] = []
      let payload = 0
      for (let i = 0; i < wire.slots.nsegs[slot]; i++)
        if (!wire.isDropped(slot, i)) {
          const frame = wire.frameBytes(slot, i)
          seqs.push(new DataView(frame.buffer).getUint32(38))
          payload += wire.framePayload(slot, i)
        }
      arrivals.push({ t: fake.time, end, frames: wire.survivors(slot), payload, seqs })
      wire.free(slot)
    })
  return {
    link: net,
    wire: fake.wire,
    registry,
    arrivals,
    at: (t: number) => {
      fake.time = t
    },
    send: (payload: number, from = 0, seq = 1000) =>
      net.transmit(from, putBurst(fake.wire, { payload: new Uint8Array(payload), mss: 1448, seq }), HUNDRED),
    run: () => {
      for (;;) {
        const t = queue.peekTime()
        if (t === Infinity) return
        fake.time = t
        queue.take()
        handler!(queue.a, queue.b, queue.c, queue.d)
      }
    },
  }
}

describe('cables', () => {
  it('an interface – cableOf – the first is wired unless it says otherwise; wired ones are counted from 0', () => {
    const host = (...cable: (boolean | undefined)[]) => ({
      interfaces: cable.map((wired) => ({ cable: wired })) as never,
    })
    const all = (...cable: (boolean | undefined)[]): number[] => cable.map((_, at) => cableOf(host(...cable), at))
    expect(all(undefined, undefined)).toEqual([0, -1])
    expect(all(undefined, true, undefined, true)).toEqual([0, 1, -1, 2])
    expect(all(false, true)).toEqual([-1, 0])
  })

  it('two cables – bursts at the same time – each has its own port, queue and transmitter; the counters of a host are sums', () => {
    const b = bench({}, 1, 2)
    expect(b.link.cables).toBe(2)
    b.send(1448, 0)
    b.send(1448, 2)
    b.send(1448, 3)
    expect(b.link.queued(0)).toBe(2 * b.link.queued(1))
    b.run()
    const t = 124 + 1230 + 1000
    expect(b.arrivals.map(({ t, end }) => [t, end]).sort((a, c) => a[1] - c[1])).toEqual([
      [t, 1],
      [t, 2],
      [t, 3],
    ])
    expect(b.link.counter(0, 'offeredFrames')).toBe(2)
    expect([b.link.counter(0, 'offeredFrames', 0), b.link.counter(0, 'offeredFrames', 1)]).toEqual([1, 1])
    expect(b.link.counter(1, 'deliveredFrames')).toBe(1)
    expect(b.link.counter(0, 'queueHigh')).toBe(b.link.counter(0, 'queueHigh', 1))
  })
})

describe('time', () => {
  it('one frame of 1514 bytes at 10 Gb/s – arrives after port, wire and delay, exactly', () => {
    const b = bench()
    b.send(1448)
    b.run()
    // 1538 bytes on the wire: 123.04 → 124 ns at 100 Gb/s, 1230.4 → 1230 ns at 10 Gb/s, 1000 ns delay.
    expect(b.arrivals).toMatchObject([{ t: 124 + 1230 + 1000, end: 1, frames: 1, payload: 1448 }])
  })

  it('ten thousand frames back to back – the carried remainder – keeps the rate exact to the nanosecond', () => {
    const b = bench({ queueBytes: 1e9, rateBps: 3e9 })
    for (let i = 0; i < 10_000; i++) b.send(1448)
    b.run()
    const exact = (10_000 * 1538 * 8) / 3
    expect(b.arrivals.at(-1)!.t - 124 - 1000).toBe(Math.floor(exact))
  })

  it('an empty link – a second burst later – does not wait for the first', () => {
    const b = bench()
    b.send(1448)
    b.at(1e6)
    b.send(1448)
    b.run()
    expect(b.arrivals[1].t).toBe(1e6 + 124 + 1230 + 1000)
  })

  it('rate and delay changed while running – later bursts – use the new values, earlier ones keep theirs, none overtakes', () => {
    const b = bench()
    b.send(1448)
    expect(b.link.set('rate', 1e9)).toBe(true)
    expect(b.link.set('delay', 0)).toBe(true)
    b.send(1448)
    b.run()
    expect(b.arrivals[0].t).toBe(2354)
    expect(b.arrivals[1].t).toBe(124 + 1230 + 12304)
  })

  it('delay cut to nothing – a later small burst – still does not overtake the earlier one', () => {
    const b = bench({ delayNs: 1e6 })
    b.send(1448)
    b.link.set('delay', 0)
    b.send(0)
    b.run()
    expect(b.arrivals[1].t).toBe(b.arrivals[0].t)
    expect(b.arrivals.map((a) => a.payload)).toEqual([1448, 0])
  })

  it('a value out of range – set – is refused and nothing changes', () => {
    const b = bench()
    expect(b.link.set('loss', 1.5)).toBe(false)
    expect(b.link.set('rate', 0)).toBe(false)
    expect(b.link.set('delay', Number.NaN)).toBe(false)
    expect(b.link.get('rate')).toBe(10e9)
  })
})

describe('queue', () => {
  it('a burst at port speed – link as fast as the port and a small queue – nothing is dropped', () => {
    const b = bench({ rateBps: HUNDRED, queueBytes: 3000 })
    for (let i = 0; i < 20; i++) b.send(60000)
    b.run()
    expect(b.link.counter(0, 'queueDrops')).toBe(0)
    expect(b.link.counter(0, 'deliveredFrames')).toBe(20 * 42)
  })

  it('a burst larger than the queue – slow link – the first frames pass and the tail is dropped', () => {
    const b = bench({ rateBps: 1e9, queueBytes: 15380 })
    b.send(60000)
    b.run()
    const passed = b.arrivals[0].seqs
    expect(passed.slice(0, 10)).toEqual(Array.from({ length: 10 }, (_, i) => 1000 + i * 1448))
    expect(passed.length).toBeLessThan(15)
    expect(b.link.counter(0, 'queueDrops')).toBe(42 - passed.length)
    expect(b.link.counter(0, 'queueHigh')).toBeLessThanOrEqual(15380)
  })

  it('both ways of sending – fits or frame by frame – give the same times', () => {
    const roomy = bench({ queueBytes: 1e9 })
    const careful = bench({ queueBytes: 66_000 })
    for (const b of [roomy, careful]) {
      b.send(60000)
      b.at(200_000)
      b.send(10000)
      b.run()
    }
    expect(careful.link.counter(0, 'queueDrops')).toBe(0)
    expect(careful.arrivals.map((a) => a.t)).toEqual(roomy.arrivals.map((a) => a.t))
  })
})

describe('faults', () => {
  it('loss 1 – nothing arrives, slots are free again', () => {
    const b = bench({ loss: 1 })
    b.send(60000)
    b.run()
    expect(b.arrivals).toEqual([])
    expect(b.wire.inUse).toBe(0)
    expect(b.link.counter(0, 'lost')).toBe(42)
  })

  it('loss 0.1 over 20,000 frames – about one in ten is lost, the same ones for the same seed', () => {
    const lost = (seed: number) => {
      const b = bench({ loss: 0.1, queueBytes: 1e12 }, seed)
      for (let i = 0; i < 500; i++) b.send(40 * 1448)
      b.run()
      return { n: b.link.counter(0, 'lost'), digest: b.registry.digest() }
    }
    const first = lost(1)
    expect(first.n).toBeGreaterThan(1800)
    expect(first.n).toBeLessThan(2200)
    expect(lost(1)).toEqual(first)
    expect(lost(2).digest).not.toBe(first.digest)
  })

  it('duplicate 1 – every frame arrives twice, the copy after the original', () => {
    const b = bench({ duplicate: 1 })
    b.send(3 * 1448)
    b.run()
    expect(b.arrivals.flatMap((a) => a.seqs)).toEqual([1000, 2448, 3896, 1000, 2448, 3896])
  })

  it('reorder – an overtaken frame comes later than frames sent after it', () => {
    const b = bench({ reorder: 0.05 }, 3)
    for (let i = 0; i < 40; i++) b.send(10 * 1448, 0, 1000 + i * 14480)
    b.run()
    const seqs = b.arrivals.flatMap((a) => a.seqs)
    expect(b.link.counter(0, 'reordered')).toBeGreaterThan(5)
    expect([...seqs].sort((x, y) => x - y)).toEqual(Array.from({ length: 400 }, (_, i) => 1000 + i * 1448))
    expect(seqs).not.toEqual([...seqs].sort((x, y) => x - y))
  })

  it('any traffic and faults – conservation – offered + duplicated = delivered + dropped + lost, and every slot is free', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({ size: fc.integer({ min: 0, max: 65000 }), gap: fc.nat(50_000), from: fc.constantFrom(0, 1) }),
          { maxLength: 40 },
        ),
        fc.constantFrom(0, 0.02, 0.5),
        fc.constantFrom(0, 0.1),
        fc.constantFrom(0, 0.1),
        fc.constantFrom(1e9, 10e9, 100e9, 200e9),
        fc.constantFrom(0, 2000, 50_000, 1e7),
        fc.nat(1000),
        (sends, loss, duplicate, reorder, rateBps, queueBytes, seed) => {
          const b = bench({ loss, duplicate, reorder, rateBps, queueBytes }, seed)
          let t = 0
          let frames = 0
          for (const send of sends) {
            t += send.gap
            b.at(t)
            b.send(send.size, send.from)
            frames += Math.max(1, Math.ceil(send.size / 1448))
          }
          b.run()
          let balance = 0
          let offered = 0
          for (const from of [0, 1]) {
            offered += b.link.counter(from, 'offeredFrames')
            balance +=
              b.link.counter(from, 'offeredFrames') +
              b.link.counter(from, 'duplicated') -
              b.link.counter(from, 'deliveredFrames') -
              b.link.counter(from, 'queueDrops') -
              b.link.counter(from, 'lost')
          }
          expect(offered).toBe(frames)
          expect(balance).toBe(0)
          expect(b.arrivals.reduce((n, a) => n + a.frames, 0)).toBe(
            b.link.counter(0, 'deliveredFrames') + b.link.counter(1, 'deliveredFrames'),
          )
          expect(b.wire.inUse).toBe(0)
          if (loss + duplicate + reorder === 0 && queueBytes >= 1e7)
            expect(b.arrivals.reduce((n, a) => n + a.payload, 0)).toBe(sends.reduce((n, s) => n + s.size, 0))
        },
      ),
      { numRuns: 60 },
    )
  })
})

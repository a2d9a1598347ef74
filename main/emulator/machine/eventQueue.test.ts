import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EventQueue } from './eventQueue'
import { Registry } from './state'

function drain(queue: EventQueue): number[] {
  const out: number[] = []
  while (queue.peekTime() !== Infinity) {
    queue.take()
    out.push(queue.a)
  }
  return out
}

describe('pending-event set', () => {
  it('events at equal times – taken – leave in order of sequence, whichever path they took', () => {
    const queue = new EventQueue(new Registry())
    const at = 3_000_000
    queue.push(at, 1, 1, 0, 0, 0) // far heap
    queue.push(2_900_000, 1, 0, 0, 0, 0)
    queue.peekTime()
    queue.take()
    queue.push(at, 1, 2, 0, 0, 0) // wheel
    queue.push(at, 1, 3, 0, 0, 0)
    expect(queue.peekTime()).toBe(at)
    queue.push(at, 1, 4, 0, 0, 0) // current slot
    expect(drain(queue)).toEqual([1, 2, 3, 4])
  })

  it('a cancelled event – its time comes – does not happen; a stale handle cancels nothing', () => {
    const queue = new EventQueue(new Registry())
    const first = queue.push(10, 1, 1, 0, 0, 0)
    queue.cancel(first)
    expect(queue.isPending(first)).toBe(false)
    expect(queue.peekTime()).toBe(Infinity)
    const second = queue.push(20, 1, 2, 0, 0, 0)
    queue.cancel(first)
    expect(queue.isPending(second)).toBe(true)
    expect(drain(queue)).toEqual([2])
    expect(queue.size).toBe(0)
  })

  it('random pushes, cancels and takes over all distances – against a sorted list – same order', () => {
    const delay = fc.oneof(
      fc.integer({ min: 0, max: 300 }),
      fc.integer({ min: 0, max: 1_100_000 }),
      fc.integer({ min: 1_000_000, max: 3_000_000_000 }),
    )
    const action = fc.oneof(
      { weight: 5, arbitrary: fc.record({ push: delay }) },
      { weight: 3, arbitrary: fc.record({ take: fc.integer({ min: 1, max: 8 }) }) },
      { weight: 1, arbitrary: fc.record({ cancel: fc.nat(1000) }) },
      { weight: 1, arbitrary: fc.record({ idleTo: delay }) },
    )
    fc.assert(
      fc.property(fc.array(action, { maxLength: 400 }), (actions) => {
        const queue = new EventQueue(new Registry())
        const model: { at: number; id: number; handle: number }[] = []
        let now = 0
        let id = 0
        for (const step of actions) {
          if ('push' in step) {
            id++
            model.push({ at: now + step.push, id, handle: queue.push(now + step.push, 1, id, 0, 0, 0) })
          } else if ('cancel' in step) {
            if (model.length === 0) continue
            const [gone] = model.splice(step.cancel % model.length, 1)
            queue.cancel(gone.handle)
          } else if ('idleTo' in step) {
            // A bounded look ahead must not lose or reorder what is pushed afterwards.
            const limit = now + step.idleTo
            const next = Math.min(Infinity, ...model.map((entry) => entry.at))
            const seen = queue.peekTime(limit)
            if (next <= limit) expect(seen).toBe(next)
            else {
              expect(seen > limit).toBe(true)
              now = limit
            }
          } else {
            for (let n = 0; n < step.take && model.length > 0; n++) {
              model.sort((x, y) => x.at - y.at || x.id - y.id)
              const expected = model.shift()!
              expect(queue.peekTime()).toBe(expected.at)
              expect(queue.take()).toBe(1)
              expect(queue.a).toBe(expected.id)
              now = expected.at
            }
          }
          expect(queue.size).toBe(model.length)
        }
        model.sort((x, y) => x.at - y.at || x.id - y.id)
        expect(drain(queue)).toEqual(model.map((entry) => entry.id))
      }),
      { numRuns: 300 },
    )
  })

  it('a snapshot in the middle – restored into a fresh queue – goes on with the same events', () => {
    const registry = new Registry()
    const queue = new EventQueue(registry)
    for (let i = 0; i < 5000; i++) queue.push((i * 7919) % 5_000_000, 1, i, 0, 0, 0)
    for (let i = 0; i < 1200; i++) {
      queue.peekTime()
      queue.take()
    }
    const snapshot = registry.save()
    const otherRegistry = new Registry()
    const other = new EventQueue(otherRegistry)
    otherRegistry.load(snapshot)
    expect(otherRegistry.digest()).toBe(registry.digest())
    expect(drain(other)).toEqual(drain(queue))
    expect(otherRegistry.digest()).toBe(registry.digest())
  })
})

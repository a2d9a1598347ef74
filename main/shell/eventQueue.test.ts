import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { BranchLetter, EngineFrame, HostState } from '../../preload/contract'
import { EventQueue, type NamedEvent } from './eventQueue'

interface Sample {
  letter: BranchLetter
  count: number
  reset: boolean
}

/** A frame whose samples are numbered from `first` on, two columns. */
function frame(samples: Sample[], first: number): EngineFrame {
  return {
    wallMs: 16,
    state: 'running',
    branches: samples.map(({ letter, count, reset }, index) => {
      const times = Float64Array.from({ length: count }, (_, i) => first + index * 100 + i)
      const values = new Float64Array(count * 2)
      times.forEach((time, i) => values.set([time, -time], i * 2))
      return { letter, t: first, times, values, reset }
    }),
  }
}

/** What a page holds after frames: the reference model. */
class Page {
  readonly times = new Map<BranchLetter, number[]>()
  readonly values = new Map<BranchLetter, number[]>()
  wallMs = 0
  take(body: EngineFrame): void {
    this.wallMs += body.wallMs
    for (const { letter, times, values, reset } of body.branches) {
      if (reset || !this.times.has(letter)) {
        this.times.set(letter, [])
        this.values.set(letter, [])
      }
      this.times.get(letter)!.push(...times)
      this.values.get(letter)!.push(...values)
    }
  }
}

const sample = fc.record({
  letter: fc.constantFrom<BranchLetter>('A', 'B', 'C'),
  count: fc.nat({ max: 3 }),
  reset: fc.boolean(),
})
const samples = fc.uniqueArray(sample, { selector: (s) => s.letter, maxLength: 3 })

const host = (branch: BranchLetter, t: number): NamedEvent => ({
  name: 'host',
  body: { branch, t, hostname: '', interfaces: [], knobs: [] } satisfies HostState,
})
const menu = (command: string): NamedEvent => ({ name: 'menu', body: { command } })

function drain(queue: EventQueue): NamedEvent[] {
  const all: NamedEvent[] = []
  for (let event = queue.take(); event !== undefined; event = queue.take()) all.push(event)
  return all
}

describe('event queue', () => {
  it('frames – merged in any grouping – give the page the same samples as one by one', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ samples, takeNow: fc.boolean() }), { maxLength: 20 }), (steps) => {
        const queue = new EventQueue()
        const direct = new Page()
        const behind = new Page()
        steps.forEach(({ samples, takeNow }, index) => {
          const body = frame(samples, (index + 1) * 1000)
          direct.take(body)
          queue.add({ name: 'frame', body })
          if (takeNow) drain(queue).forEach((event) => event.name === 'frame' && behind.take(event.body))
        })
        drain(queue).forEach((event) => event.name === 'frame' && behind.take(event.body))
        expect(behind).toEqual(direct)
        expect(queue.bytes).toBe(0)
      }),
    )
  })

  it('frames that wait – counted – weigh what their samples weigh, and a reset takes the dropped ones off', () => {
    const queue = new EventQueue()
    queue.add({ name: 'frame', body: frame([{ letter: 'A', count: 3, reset: false }], 0) })
    queue.add({ name: 'frame', body: frame([{ letter: 'A', count: 2, reset: false }], 10) })
    expect(queue.bytes).toBe(5 * 3 * 8)
    queue.add({ name: 'frame', body: frame([{ letter: 'A', count: 1, reset: true }], 20) })
    expect(queue.bytes).toBe(1 * 3 * 8)
  })

  it('states of one branch – several waiting – only the latest is sent, at its own place', () => {
    const queue = new EventQueue()
    for (const event of [host('A', 1), host('B', 2), menu('x'), host('A', 3)]) queue.add(event)
    expect(drain(queue)).toEqual([host('B', 2), menu('x'), host('A', 3)])
    expect(queue.empty).toBe(true)
  })

  it('menu, command and problem events – however many wait – are all sent in order', () => {
    const queue = new EventQueue()
    const all = Array.from({ length: 50 }, (_, i) => menu(`c${i}`))
    for (const event of all) queue.add(event)
    expect(queue.bytes).toBeGreaterThan(0)
    expect(drain(queue)).toEqual(all)
    expect(queue.bytes).toBe(0)
  })

  it('a frame that waits – a session event in between – moves behind it, so that samples never precede their branch', () => {
    const queue = new EventQueue()
    queue.add({ name: 'frame', body: frame([{ letter: 'A', count: 1, reset: false }], 0) })
    queue.add(host('B', 1))
    queue.add({ name: 'frame', body: frame([{ letter: 'B', count: 1, reset: true }], 1) })
    expect(drain(queue).map((event) => event.name)).toEqual(['host', 'frame'])
  })
})

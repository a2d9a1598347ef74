/**
 * Events on their way to a page that may read slower than the lab produces. While the page is behind, what only the latest value
 * of matters is replaced, frames are merged into one, and the rest waits in order. No sample is ever dropped silently: a page too
 * far behind is given up and connects again.
 */
import type { BranchLetter, EngineFrame, EventName, Events } from '../../preload/contract'

/** One event with its name. */
export type NamedEvent = { [E in EventName]: { name: E; body: Events[E] } }[EventName]

interface MergedBranch {
  letter: BranchLetter
  t: number
  times: Float64Array[]
  values: Float64Array[]
  reset: boolean
}

/** Frames merged into one: samples appended, everything else as in the latest. */
class MergedFrame {
  private wallMs = 0
  private state: EngineFrame['state'] = 'idle'
  private readonly branches = new Map<BranchLetter, MergedBranch>()

  /** Bytes of samples held. */
  bytes = 0

  add(frame: EngineFrame): void {
    this.wallMs += frame.wallMs
    this.state = frame.state
    for (const { letter, t, times, values, reset } of frame.branches) {
      let branch = this.branches.get(letter)
      if (branch === undefined || reset) {
        for (const chunk of [...(branch?.times ?? []), ...(branch?.values ?? [])]) this.bytes -= chunk.byteLength
        branch = { letter, t, times: [], values: [], reset }
        this.branches.set(letter, branch)
      }
      branch.t = t
      branch.times.push(times)
      branch.values.push(values)
      this.bytes += times.byteLength + values.byteLength
    }
  }

  take(): EngineFrame {
    const branches = [...this.branches.values()].map(({ times, values, ...rest }) => ({
      ...rest,
      times: joined(times),
      values: joined(values),
    }))
    return { wallMs: this.wallMs, state: this.state, branches }
  }
}

function joined(chunks: Float64Array[]): Float64Array {
  if (chunks.length === 1) return chunks[0]
  const whole = new Float64Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0))
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.length
  }
  return whole
}

/** The key under which a newer event replaces an older one; null where every single one counts. */
function replacementKey(event: NamedEvent): string | null {
  switch (event.name) {
    case 'session':
    case 'exercise':
      return event.name
    case 'host':
    case 'sendPath':
      return `${event.name} ${event.body.branch}`
    case 'frame':
    case 'command':
    case 'problem':
    case 'menu':
      return null
  }
}

/** Rough bytes of an event of which every single one counts. */
function weight(event: NamedEvent): number {
  return event.name === 'command' ? event.body.text.length + event.body.output.length + 200 : 500
}

const frameKey = 'frame'

export class EventQueue {
  // A Map keeps the order of insertion; a replaced event moves to the end, so that it never overtakes what it depends on.
  private readonly waiting = new Map<string, NamedEvent | MergedFrame>()
  private counter = 0
  private queuedBytes = 0

  /** Bytes that wait, roughly; state that is replaced does not count because it cannot pile up. */
  get bytes(): number {
    const frame = this.waiting.get(frameKey)
    return this.queuedBytes + (frame instanceof MergedFrame ? frame.bytes : 0)
  }

  get empty(): boolean {
    return this.waiting.size === 0
  }

  add(event: NamedEvent): void {
    if (event.name === 'frame') {
      const held = this.waiting.get(frameKey)
      const frame = held instanceof MergedFrame ? held : new MergedFrame()
      frame.add(event.body)
      this.putLast(frameKey, frame)
      return
    }
    const key = replacementKey(event)
    if (key !== null) {
      this.putLast(key, event)
    } else {
      this.queuedBytes += weight(event)
      this.waiting.set(`#${this.counter++}`, event)
    }
  }

  /** Takes the oldest event out; undefined if there is none. */
  take(): NamedEvent | undefined {
    for (const [key, held] of this.waiting) {
      this.waiting.delete(key)
      if (held instanceof MergedFrame) return { name: 'frame', body: held.take() }
      if (replacementKey(held) === null) this.queuedBytes -= weight(held)
      return held
    }
    return undefined
  }

  private putLast(key: string, event: NamedEvent | MergedFrame): void {
    this.waiting.delete(key)
    this.waiting.set(key, event)
  }
}

import { describe, expect, it, vi } from 'vitest'
import type { EngineFrame, Handlers, WireMessage } from '../../preload/contract'
import { closeCodes } from '../../preload/contract/closeCodes'
import { createFakeLab, fakeAppInfo } from '../../tests/shells/fakeLab'
import { serve } from './dispatch'
import type { FlowPort } from './flowPort'

/** A port whose other side is the test. */
class TestPort implements FlowPort {
  readonly sent: WireMessage[] = []
  behind = false
  closedWith: number | undefined | null = null
  private message: (data: unknown) => void = () => {}
  private close_: () => void = () => {}
  private drain: () => void = () => {}

  post(message: WireMessage): void {
    this.sent.push(structuredClone(message))
  }
  onMessage(listener: (data: unknown) => void): void {
    this.message = listener
  }
  onClose(listener: () => void): void {
    this.close_ = listener
  }
  onDrain(listener: () => void): void {
    this.drain = listener
  }
  congested(): boolean {
    return this.behind
  }
  close(code?: number): void {
    this.closedWith = code
  }

  say(data: unknown): void {
    this.message(data)
  }
  catchUp(): void {
    this.behind = false
    this.drain()
  }
  leave(): void {
    this.close_()
  }
}

function start(handlers: Partial<Handlers> = {}) {
  const port = new TestPort()
  const lab = createFakeLab(handlers)
  const lines: string[] = []
  const onClose = vi.fn()
  const connection = serve(port, lab, { log: (line) => lines.push(line), onClose })
  const ask = async (method: string, body: unknown, id = 1): Promise<WireMessage | undefined> => {
    port.say({ kind: 'request', id, method, body })
    await connection.settled()
    return port.sent.find((message) => 'id' in message && message.id === id)
  }
  return { port, lab, lines, onClose, connection, ask }
}

const frame = (t: number): EngineFrame => ({
  wallMs: 1,
  state: 'running',
  branches: [{ letter: 'A', t, times: new Float64Array([t]), values: new Float64Array([t]), reset: false }],
})

describe('dispatch: requests', () => {
  it('a good request – asked – is answered with its id', async () => {
    expect(await start().ask('app.info', {}, 41)).toEqual({ kind: 'answer', id: 41, body: fakeAppInfo })
  })

  it('a body – checked – reaches the handler as the schema made it', async () => {
    const handler = vi.fn(() => null)
    const { ask } = start({ 'run.speed': handler })
    await ask('run.speed', { speed: 2 })
    expect(handler).toHaveBeenCalledExactlyOnceWith({ speed: 2 })
  })

  it('layout – any plain data – passes; optional fields may be undefined, as a MessagePort delivers them', async () => {
    const handler = vi.fn(() => null)
    const { ask } = start({ 'session.layout': handler, 'session.save': () => null })
    expect(await ask('session.layout', { layout: { panes: [1, null, 'x', { y: true }] } })).toMatchObject({
      kind: 'answer',
    })
    expect(await ask('session.save', { path: undefined, as: true }, 2)).toMatchObject({ kind: 'answer' })
  })

  it.each([
    ['an unknown field', { speed: 1, extra: 1 }],
    ['a wrong type', { speed: '1' }],
    ['a value out of range', { speed: 1e9 }],
    ['no body', undefined],
    ['a list', []],
    ['a number that is not finite', { speed: Infinity }],
  ])('a body with %s – asked – is refused and no handler runs', async (_name, body) => {
    const handler = vi.fn(() => null)
    const { ask } = start({ 'run.speed': handler })
    expect(await ask('run.speed', body)).toMatchObject({ kind: 'failure', error: { code: 'bad-request' } })
    expect(handler).not.toHaveBeenCalled()
  })

  it('a refusal – read by the user – names the request and the field', async () => {
    const answer = await start().ask('run.speed', { speed: 1e9 })
    expect(answer).toMatchObject({ error: { message: expect.stringMatching(/run\.speed.*speed/) as string } })
  })

  it('several requests – one slow – are answered as they end, each with its id', async () => {
    let release = (): void => {}
    const slow = new Promise<null>((resolve) => (release = () => resolve(null)))
    const { port, connection } = start({ 'run.speed': () => slow })
    port.say({ kind: 'request', id: 1, method: 'run.speed', body: { speed: 1 } })
    port.say({ kind: 'request', id: 2, method: 'app.info', body: {} })
    await vi.waitFor(() => expect(port.sent).toMatchObject([{ id: 2 }]))
    release()
    await connection.settled()
    expect(port.sent).toMatchObject([{ id: 2 }, { id: 1 }])
  })

  it('a handler – throws – the page gets a failure without a stack, the log gets the stack', async () => {
    const { ask, lines } = start({
      'session.state': () => {
        throw new Error('boom')
      },
    })
    const answer = await ask('session.state', {})
    expect(answer).toMatchObject({ kind: 'failure', error: { code: 'internal', details: 'Error: boom' } })
    expect(JSON.stringify(answer)).not.toContain('dispatch')
    expect(lines.join('\n')).toMatch(/session\.state: Error: boom\n\s+at /)
  })

  it('an answer that cannot be sent – asked for – becomes a failure instead of silence', async () => {
    const { ask } = start({ 'session.state': () => (() => 1) as never })
    expect(await ask('session.state', {})).toMatchObject({ kind: 'failure', error: { code: 'internal' } })
  })

  it('the page – leaves while a request is under way – settled() still waits for the work', async () => {
    let done = false
    const { port, connection, onClose } = start({
      'session.texts': async () => {
        await new Promise((resolve) => setTimeout(resolve, 20))
        done = true
        return null
      },
    })
    port.say({ kind: 'request', id: 1, method: 'session.texts', body: { notes: 'x' } })
    port.leave()
    await connection.settled()
    expect(done).toBe(true)
    expect(port.sent).toEqual([])
    expect(onClose).toHaveBeenCalledOnce()
  })
})

describe('dispatch: events', () => {
  it('events – the page keeps up – are sent at once and in order', () => {
    const { port, lab } = start()
    lab.emit('frame', frame(1))
    lab.emit('menu', { command: 'x' })
    lab.emit('frame', frame(2))
    expect(port.sent.map((m) => (m.kind === 'event' ? m.name : m.kind))).toEqual(['frame', 'menu', 'frame'])
  })

  it('frames – the page is behind – wait and arrive as one when it has caught up', () => {
    const { port, lab } = start()
    port.behind = true
    for (let t = 1; t <= 100; t++) lab.emit('frame', frame(t))
    expect(port.sent).toEqual([])
    port.catchUp()
    expect(port.sent).toHaveLength(1)
    const [sent] = port.sent
    expect(sent).toMatchObject({ kind: 'event', name: 'frame', body: { wallMs: 100 } })
    const { body } = sent as unknown as { body: EngineFrame }
    expect([...body.branches[0].times]).toEqual(Array.from({ length: 100 }, (_, i) => i + 1))
  })

  it('an answer – the page is behind – comes after the events that were before it', async () => {
    const { port, lab, ask } = start()
    port.behind = true
    lab.emit('frame', frame(1))
    await ask('app.info', {})
    expect(port.sent.map((m) => m.kind)).toEqual(['event', 'answer'])
  })

  it('a page – reads nothing for a very long time – is closed rather than served with a gap', () => {
    const { port, lab, onClose } = start()
    port.behind = true
    const many = new Float64Array(60_000)
    for (let i = 0; i < 20; i++) {
      lab.emit('frame', {
        wallMs: 1,
        state: 'running',
        branches: [{ letter: 'A', t: i, times: many, values: many, reset: false }],
      })
    }
    expect(port.closedWith).toBe(closeCodes.fellBehind)
    expect(onClose).toHaveBeenCalledOnce()
    expect(lab.listeners).toBe(0)
  })

  it('an event that cannot be sent – emitted – is logged and the next one arrives', () => {
    const { port, lab, lines } = start()
    lab.emit('menu', { command: (() => 1) as never })
    lab.emit('menu', { command: 'ok' })
    expect(port.sent).toMatchObject([{ body: { command: 'ok' } }])
    expect(lines.join()).toContain('event menu was not sent')
  })

  it('a page that left – events happen – nothing listens any more', () => {
    const { port, lab } = start()
    expect(lab.listeners).toBe(1)
    port.leave()
    expect(lab.listeners).toBe(0)
    lab.emit('menu', { command: 'x' })
    expect(port.sent).toEqual([])
  })
})

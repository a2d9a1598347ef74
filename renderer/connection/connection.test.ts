import { describe, expect, it } from 'vitest'
import type { ContractError, Port, WireMessage } from '../../preload/contract'
import { createFakeHost } from '../testing/fakeHost'
import { settle } from '../testing/session'
import { LabError, asContractError, createClient } from './client'
import { keepConnected } from './keep'
import type { PagePort } from './keep'
import { socketAddress } from './port'

const fakePort = (): {
  port: PagePort
  sent: WireMessage[]
  give: (m: unknown) => void
  drop: (code?: number) => void
} => {
  const sent: WireMessage[] = []
  let listener: (m: unknown) => void = () => {}
  let closed: () => void = () => {}
  let closeCode: number | undefined
  const port: PagePort = {
    get closeCode() {
      return closeCode
    },
    post: (m) => sent.push(m),
    onMessage: (l) => (listener = l),
    onClose: (l) => (closed = l),
    close: () => {},
  }
  return { port, sent, give: (m) => listener(m), drop: (code) => ((closeCode = code), closed()) }
}

describe('client', () => {
  it('answers out of order – each reaches its own request', async () => {
    const { port, sent, give } = fakePort()
    const client = createClient()
    client.attach(port)
    const first = client.request('session.recent', {})
    const second = client.request('session.recoverable', {})
    const ids = sent.map((m) => (m.kind === 'request' ? m.id : -1))
    give({ kind: 'answer', id: ids[1], body: ['second'] })
    give({ kind: 'answer', id: ids[0], body: ['first'] })
    expect(await first).toEqual(['first'])
    expect(await second).toEqual(['second'])
  })
  it('the connection breaks – open requests fail with what is safe, new ones too', async () => {
    const { port, drop } = fakePort()
    const client = createClient()
    client.attach(port)
    const open = client.request('session.state', {})
    drop()
    await expect(open).rejects.toMatchObject({ code: 'connection-lost' })
    await expect(client.request('session.state', {})).rejects.toBeInstanceOf(LabError)
  })
  it('a late answer on an old port – is not heard', async () => {
    const old = fakePort()
    const client = createClient()
    client.attach(old.port)
    const heard: unknown[] = []
    client.on('problem', (p) => heard.push(p))
    client.attach(fakePort().port)
    old.give({ kind: 'event', name: 'problem', body: {} })
    expect(heard).toEqual([])
  })
  it('a listener that left – hears nothing more', () => {
    const { port, give } = fakePort()
    const client = createClient()
    client.attach(port)
    let count = 0
    const leave = client.on('menu', () => count++)
    give({ kind: 'event', name: 'menu', body: { command: 'x' } })
    leave()
    give({ kind: 'event', name: 'menu', body: { command: 'x' } })
    expect(count).toBe(1)
  })
  it('any thrown thing – becomes an error that can be shown', () => {
    const contract: ContractError = { code: 'c', message: 'm', remedy: 'r' }
    expect(asContractError(new LabError(contract))).toEqual(contract)
    expect(asContractError('odd')).toMatchObject({ code: 'window-error', details: 'odd' })
  })
})

describe('staying connected', () => {
  const hooks = (log: string[]) => ({
    opened: () => Promise.resolve(void log.push('opened')),
    lost: () => void log.push('lost'),
    ended: (reason: string) => void log.push(`ended ${reason}`),
  })

  it('nobody answers at first – tries again until somebody does', async () => {
    const log: string[] = []
    const waits: number[] = []
    let attempts = 0
    const open = (): Promise<Port> =>
      ++attempts < 4 ? Promise.reject(new Error('no')) : Promise.resolve(createFakeHost().port)
    await keepConnected(createClient(), open, hooks(log), (seconds) => Promise.resolve(void waits.push(seconds)))
    expect(log).toEqual(['lost', 'lost', 'lost', 'opened'])
    expect(waits).toEqual([0.3, 1, 2])
  })
  it('the connection breaks – connects again and loads afresh', async () => {
    const log: string[] = []
    const first = fakePort()
    const ports = [first.port, fakePort().port]
    await keepConnected(
      createClient(),
      () => Promise.resolve(ports.shift()!),
      hooks(log),
      () => Promise.resolve(),
    )
    first.drop()
    await settle()
    expect(log).toEqual(['opened', 'lost', 'opened'])
  })
  it('another window took over – does not fight for it', async () => {
    const log: string[] = []
    const { port, drop } = fakePort()
    await keepConnected(
      createClient(),
      () => Promise.resolve(port),
      hooks(log),
      () => Promise.resolve(),
    )
    drop(4001)
    await settle()
    expect(log).toEqual(['opened', 'ended taken-over'])
  })
  it('the address of the socket – is that of the page', () => {
    expect(socketAddress({ protocol: 'http:', host: '127.0.0.1:8080' })).toBe('ws://127.0.0.1:8080/ws')
  })
})

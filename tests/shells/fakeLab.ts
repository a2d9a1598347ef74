/**
 * A lab without an emulated machine, for tests of what carries messages to and from it. Requests it was not told about fail.
 */
import { requests, type EventName, type Events, type Handlers, type Method } from '../../preload/contract'
import type { Lab } from '../../main/lab/labTypes'

export interface FakeLab extends Lab {
  /** Sends an event to everybody who listens. */
  emit<E extends EventName>(name: E, body: Events[E]): void
  readonly listeners: number
  readonly opened: string[]
  readonly closed: boolean
}

export const fakeAppInfo = {
  contractVersion: 1,
  version: '0.0.0',
  revision: 'fake',
  shell: 'test',
  platform: 'test',
  runtime: 'test',
  nativeDialogs: false,
} as const

export function createFakeLab(handlers: Partial<Handlers> = {}): FakeLab {
  const listeners = new Set<(name: EventName, body: never) => void>()
  const opened: string[] = []
  let closed = false
  const missing = (method: Method) => () => {
    throw new Error(`the fake lab has no ${method}`)
  }
  const all = Object.fromEntries((Object.keys(requests) as Method[]).map((method) => [method, missing(method)]))
  return {
    handlers: { ...(all as unknown as Handlers), 'app.info': () => fakeAppInfo, ...handlers },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    openPath: async (path) => void opened.push(path),
    title: () => ({ name: 'Fake session', unsaved: false, path: null }),
    close: async () => {
      closed = true
    },
    emit(name, body) {
      for (const listener of [...listeners]) listener(name, body as never)
    },
    get listeners() {
      return listeners.size
    },
    get closed() {
      return closed
    },
    opened,
  }
}

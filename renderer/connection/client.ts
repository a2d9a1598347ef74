/**
 * The typed client of the contract: requests that are answered once, events that are listened to, and a port that may be
 * replaced when the connection was lost.
 */
import type {
  Answers,
  ContractError,
  EventName,
  Events,
  Method,
  Port,
  RequestOf,
  WireMessage,
} from '../../preload/contract'

/** A failure as the main process reports it: what happened (`message`), what the user can do (`remedy`). */
export class LabError extends Error {
  readonly code: string
  readonly remedy: string
  readonly details: string | undefined
  constructor(error: ContractError) {
    super(error.message)
    this.name = 'LabError'
    this.code = error.code
    this.remedy = error.remedy
    this.details = error.details
  }
  /** The same as it crossed the contract. */
  toContract(): ContractError {
    const plain: ContractError = { code: this.code, message: this.message, remedy: this.remedy }
    if (this.details !== undefined) plain.details = this.details
    return plain
  }
}

/** Any thrown thing as a {@link ContractError}, so that every failure can be shown in the same way. */
export function asContractError(error: unknown): ContractError {
  if (error instanceof LabError) return error.toContract()
  return {
    code: 'window-error',
    message: 'The window could not do this.',
    remedy: 'Nothing in the lab was changed. Try again; if it stays, copy the details for a report.',
    details: error instanceof Error ? (error.stack ?? error.message) : String(error),
  }
}

export interface Client {
  /** Asks the main process; rejects with a {@link LabError}. Requests made while the connection is lost fail at once. */
  request<M extends Method>(method: M, body: RequestOf<M>): Promise<Answers[M]>
  /** Listens to an event; the answer stops listening. */
  on<N extends EventName>(name: N, listener: (body: Events[N]) => void): () => void
  /** Uses this port from now on; requests under way on the old one fail with `connection-lost`. */
  attach(port: Port): void
  /** Called when the port in use was closed by the other side. */
  onLost(listener: () => void): void
  readonly open: boolean
}

const lost: ContractError = {
  code: 'connection-lost',
  message: 'The connection between the window and the lab was lost.',
  remedy: 'The window connects again by itself; what was done so far is in the recovery copy.',
}

/** A client without a port: `attach` gives it one. */
export function createClient(): Client {
  type Pending = { resolve: (value: never) => void; reject: (error: LabError) => void }
  const pending = new Map<number, Pending>()
  const listeners = new Map<EventName, Set<(body: never) => void>>()
  const lostListeners = new Set<() => void>()
  let current: Port | null = null
  let nextId = 1

  function failPending(): void {
    for (const { reject } of pending.values()) reject(new LabError(lost))
    pending.clear()
  }

  function receive(message: WireMessage): void {
    if (message.kind === 'event') {
      for (const listener of listeners.get(message.name) ?? []) listener(message.body as never)
      return
    }
    if (message.kind === 'request') return
    const waiting = pending.get(message.id)
    if (waiting === undefined) return
    pending.delete(message.id)
    if (message.kind === 'answer') waiting.resolve(message.body as never)
    else waiting.reject(new LabError(message.error))
  }

  return {
    get open() {
      return current !== null
    },
    request(method, body) {
      return new Promise((resolve, reject) => {
        if (current === null) {
          reject(new LabError(lost))
          return
        }
        const id = nextId++
        pending.set(id, { resolve, reject })
        // Plain data only: a reactive proxy cannot cross a MessagePort.
        current.post({ kind: 'request', id, method, body: JSON.parse(JSON.stringify(body)) as unknown })
      })
    },
    on(name, listener) {
      let set = listeners.get(name)
      if (set === undefined) listeners.set(name, (set = new Set()))
      set.add(listener)
      return () => set.delete(listener)
    },
    attach(port) {
      failPending()
      current = port
      port.onMessage((message) => {
        if (port === current) receive(message as WireMessage)
      })
      port.onClose(() => {
        if (port !== current) return
        current = null
        failPending()
        for (const listener of lostListeners) listener()
      })
    },
    onLost(listener) {
      lostListeners.add(listener)
    },
  }
}

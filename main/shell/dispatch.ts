/**
 * Serves the contract on one port: the same for every shell. Requests are checked and answered once, events are forwarded as fast
 * as the page reads them. Who is allowed to have a port is decided by the shell before it gets here.
 */
import type { EventName, Events, WireMessage } from '../../preload/contract'
import { closeCodes, type CloseCode } from '../../preload/contract/closeCodes'
import { checkMessage, FramingError } from '../../preload/framing'
import type { Lab } from '../lab/labTypes'
import { EventQueue, type NamedEvent } from './eventQueue'
import { hideHome, toContractError } from './failure'
import type { FlowPort } from './flowPort'
import { checkRequest } from './requestCheck'

/** Most requests of one page that may be under way at once. */
const mostRequests = 256

/** Bytes of events that may wait for a slow page before it is given up: a minute of a very busy session. */
const mostWaitingBytes = 8 << 20

/** One page, as the shell sees it. */
export interface Connection {
  /** Sends an event of the shell's own (a menu entry was chosen). */
  send<E extends EventName>(name: E, body: Events[E]): void
  /** Resolves when no request is under way. */
  settled(): Promise<void>
  close(code?: CloseCode): void
}

export interface DispatchOptions {
  /** Takes one line for the developer's log. */
  log: (line: string) => void
  /** Called once when the port was closed by either side. */
  onClose?(): void
}

type AnyHandler = (body: unknown) => unknown

/** Serves `lab` on `port` until the port is closed. */
export function serve(port: FlowPort, lab: Pick<Lab, 'handlers' | 'subscribe'>, options: DispatchOptions): Connection {
  const queue = new EventQueue()
  const underWay = new Set<Promise<void>>()
  let open = true

  function post(message: WireMessage): void {
    if (open) port.post(message)
  }

  function forward(event: NamedEvent): void {
    if (!open) return
    queue.add(event)
    if (!port.congested()) flush()
    else if (queue.bytes > mostWaitingBytes) {
      options.log('The page reads too slowly; it has to connect again.')
      end(closeCodes.fellBehind)
    }
  }

  /** Sends what waits: all of it, or with `whileReady` only until the port is congested. */
  function flush(whileReady = false): void {
    while (open && !(whileReady && port.congested())) {
      const event = queue.take()
      if (event === undefined) return
      try {
        post({ kind: 'event', name: event.name, body: event.body })
      } catch (error) {
        // An event that cannot be sent is a fault of ours, and must not end the session.
        options.log(`event ${event.name} was not sent: ${described(error)}`)
      }
    }
  }

  /** Answers after all events that came before, so that the page never sees an effect before its cause. */
  function answer(message: WireMessage): void {
    flush()
    post(message)
  }

  async function handle(id: number, method: string, body: unknown): Promise<void> {
    const checked = checkRequest(method, body)
    if (!checked.ok) {
      answer({ kind: 'failure', id, error: checked.error })
      return
    }
    try {
      const handler = lab.handlers[checked.method] as AnyHandler
      answer({ kind: 'answer', id, body: (await handler(checked.body)) ?? null })
    } catch (error) {
      options.log(`${method}: ${described(error)}`)
      answer({ kind: 'failure', id, error: toContractError(error, method) })
    }
  }

  function receive(data: unknown): void {
    if (!open) return
    let message: WireMessage
    try {
      message = checkMessage(data)
      if (message.kind !== 'request') throw new FramingError(`A page may not send the kind “${message.kind}”.`)
    } catch (error) {
      if (!(error instanceof FramingError)) throw error
      // Our page never sends such a thing, so this is not our page any more, or not the same version.
      options.log(`closed a page: ${error.message}`)
      end(closeCodes.badMessage)
      return
    }
    const { id, method, body } = message
    if (underWay.size >= mostRequests) {
      const error = {
        code: 'too-many-requests',
        message: `The window has ${mostRequests} requests under way; “${method.slice(0, 60)}” was not done.`,
        remedy: 'Wait until the lab has caught up, then try again.',
      }
      answer({ kind: 'failure', id, error })
      return
    }
    const work = handle(id, method, body).finally(() => underWay.delete(work))
    underWay.add(work)
  }

  function ended(): void {
    if (!open) return
    open = false
    unsubscribe()
    options.onClose?.()
  }

  function end(code?: CloseCode): void {
    if (!open) return
    ended()
    port.close(code)
  }

  const unsubscribe = lab.subscribe((name, body) => forward({ name, body } as NamedEvent))
  port.onDrain(() => flush(true))
  port.onClose(ended)
  port.onMessage(receive)

  return {
    send: (name, body) => forward({ name, body } as NamedEvent),
    settled: async () => {
      while (underWay.size > 0) await Promise.allSettled(underWay)
    },
    close: end,
  }
}

function described(error: unknown): string {
  return hideHome(error instanceof Error ? (error.stack ?? error.message) : String(error))
}

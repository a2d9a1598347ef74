/**
 * The page that works with the lab. There is one at a time: a newer one takes over, and the older is told why it was closed.
 */
import type { EventName, Events } from '../../preload/contract'
import { closeCodes } from '../../preload/contract/closeCodes'
import type { Lab } from '../lab/labTypes'
import { serve, type Connection } from './dispatch'
import type { FlowPort } from './flowPort'

/** How long work that is under way may take to end when the lab is closed. */
const settleMs = 2000

export class Pages {
  private current: Connection | null = null
  /** Closed ones too, while work of theirs is under way. */
  private readonly known = new Set<Connection>()
  private closed = false

  constructor(
    private readonly lab: Pick<Lab, 'handlers' | 'subscribe'>,
    private readonly log: (line: string) => void,
  ) {}

  /** Serves a page that the shell let in. */
  welcome(port: FlowPort): void {
    if (this.closed) {
      port.close(closeCodes.shutdown)
      return
    }
    this.current?.close(closeCodes.takenOver)
    const connection = serve(port, this.lab, {
      log: this.log,
      onClose: () => {
        if (this.current === connection) this.current = null
        void connection.settled().then(() => this.known.delete(connection))
      },
    })
    this.current = connection
    this.known.add(connection)
  }

  /** Sends an event of the shell's own to the page, if there is one. */
  send<E extends EventName>(name: E, body: Events[E]): void {
    this.current?.send(name, body)
  }

  /** Closes the page, lets nobody in any more, and gives work that is under way a moment to end. */
  async close(): Promise<void> {
    this.closed = true
    this.current?.close(closeCodes.shutdown)
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, settleMs)
    })
    await Promise.race([Promise.all([...this.known].map((connection) => connection.settled())), late])
    clearTimeout(timer)
  }
}

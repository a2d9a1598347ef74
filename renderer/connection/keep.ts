/** Keeps the client connected: opens the transport, connects again after a loss, says what is going on. */
import type { Port } from '../../preload/contract'
import { closeCodes } from '../../preload/contract/closeCodes'
import type { Client } from './client'

/** A port that may know why it was closed (see `preload/contract/closeCodes.ts`). */
export interface PagePort extends Port {
  readonly closeCode?: number
}

export interface KeepHooks {
  /** The client has a port: load everything. */
  opened(): Promise<void>
  /** The connection is gone; the next attempt is in `seconds`. */
  lost(seconds: number): void
  /** The connection is gone for good: the lab ended, or another window took over. */
  ended(reason: 'shutdown' | 'taken-over'): void
}

/** Seconds before the attempts that follow a loss. */
export const retryDelays = [0.3, 1, 2, 3, 5] as const

/**
 * Connects and stays connected until the lab ends or another window takes over. Resolves after the first successful opening;
 * `wait` is handed in so that tests need no clock.
 */
export async function keepConnected(
  client: Client,
  open: () => Promise<PagePort>,
  hooks: KeepHooks,
  wait: (seconds: number) => Promise<void> = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000)),
): Promise<void> {
  let port: PagePort | null = null

  async function connect(): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        port = await open()
        client.attach(port)
        await hooks.opened()
        return
      } catch {
        const delay = retryDelays[Math.min(attempt, retryDelays.length - 1)]
        hooks.lost(delay)
        await wait(delay)
      }
    }
  }

  client.onLost(() => {
    const code = port?.closeCode
    if (code === closeCodes.shutdown) hooks.ended('shutdown')
    else if (code === closeCodes.takenOver) hooks.ended('taken-over')
    else {
      hooks.lost(0)
      void connect()
    }
  })
  await connect()
}

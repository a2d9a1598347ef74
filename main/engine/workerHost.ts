/** Lets a {@link Core} live in a worker thread: messages in and out, the wall clock, the event loop. */
import { performance } from 'node:perf_hooks'
import type { MessagePort } from 'node:worker_threads'
import { Core } from './core'
import type { Model } from './model'
import type { FromWorker, StartMessage, ToWorker } from './protocol'

export type WorkerInput =
  | {
      kind: 'start'
      body: StartMessage
      /** One number, counted up before every request that is sent: the worker sees it while it computes. */
      bell: Int32Array<SharedArrayBuffer>
    }
  | ToWorker

/** Serves a port: the first message starts the core, all others go to it. */
export function serveCore(port: MessagePort, build: (start: StartMessage) => Model): void {
  let core: Core | null = null
  /** Requests taken so far. */
  let taken = 0
  const post = (message: FromWorker, transfer: ArrayBuffer[]): void => port.postMessage(message, transfer)
  port.on('message', (message: WorkerInput) => {
    if (message.kind === 'start') {
      const { bell } = message
      const model = build(message.body)
      core = new Core(model, message.body, {
        post,
        now: () => performance.now(),
        later: (callback, ms) => {
          // An immediate lets waiting messages through and costs nothing; timers are for real waits.
          if (ms < 1) setImmediate(callback)
          else setTimeout(callback, ms)
        },
        called: () => Atomics.load(bell, 0) !== taken,
        memory: () => {
          const { heapUsed, external, arrayBuffers } = process.memoryUsage()
          return { heapBytes: heapUsed, externalBytes: external + arrayBuffers }
        },
      })
      post({ kind: 'ready', counterNames: [...model.counterNames] }, [])
    } else {
      taken = (taken + 1) | 0
      core?.handle(message)
    }
  })
}

/**
 * The main thread's end of the engine: requests and notices over a worker thread, and a new worker when the old one is lost. The command log
 * (which the caller holds) is enough to get everything back; requests under way when the worker died are asked again.
 */
import { Worker } from 'node:worker_threads'
import type { BranchLetter, ContractError } from '../../preload/contract'
import type { ExecutionResult } from './branch'
import type { FromWorker, Replies, RequestName, Requests, StartMessage } from './protocol'
import type { WorkerInput } from './workerHost'

/** Everything a worker says of itself, besides answers. */
export type Notice = Exclude<FromWorker, { kind: 'answer' } | { kind: 'failure' } | { kind: 'ready' }>

export interface EngineClientOptions {
  workerUrl: URL
  start: StartMessage
  /** What the branches should be now. Asked for when a lost worker is replaced. */
  plan(): Requests['plan']
  notice(notice: Notice): void
  /** The worker was lost and is being replaced, or cannot be. */
  lost(problem: ContractError & { level: 'warn' | 'error' }): void
  log(line: string): void
}

/** A request failed for a reason that a user should read. */
export class EngineFailure extends Error implements ContractError {
  override name = 'EngineFailure'
  constructor(
    readonly code: string,
    message: string,
    readonly remedy: string,
  ) {
    super(message)
  }
}

interface Pending {
  name: RequestName
  body: Requests[RequestName]
  resolve: (value: unknown) => void
  reject: (error: Error) => void
}

/** Losses within this time count together. */
const lossWindowMs = 60_000
const mostLosses = 3

export class EngineClient {
  private worker: Worker | null = null
  private number = 0
  private bell = new Int32Array(new SharedArrayBuffer(4))
  private readonly pending = new Map<number, Pending>()
  /** Commands that took their place in the log, by number of their entry: after a loss they come again with the plan. */
  private readonly begun = new Set<number>()
  private losses: number[] = []
  private closed = false
  private givenUp: EngineFailure | null = null
  private readonly ready: Promise<readonly string[]>
  private announce!: (names: readonly string[]) => void
  private refuse!: (error: Error) => void

  constructor(private readonly options: EngineClientOptions) {
    this.ready = new Promise((resolve, reject) => {
      this.announce = resolve
      this.refuse = reject
    })
    // Whoever asks for the names learns of a failure; nobody has to.
    this.ready.catch(() => {})
    this.spawn()
  }

  /** Names of the counters in every sample, once the worker is up. */
  counterNames(): Promise<readonly string[]> {
    return this.ready
  }

  /** Asks the worker. Rejects with an {@link EngineFailure} in words. */
  request<N extends RequestName>(name: N, body: Requests[N]): Promise<Replies[N]> {
    if (this.givenUp !== null) return Promise.reject(this.givenUp)
    if (this.closed) return Promise.reject(new EngineFailure('closed', 'The session was closed.', 'Open it again.'))
    return new Promise((resolve, reject) => {
      const number = ++this.number
      this.pending.set(number, { name, body, resolve: (value) => resolve(value as Replies[N]), reject })
      this.send(number, name, body)
    })
  }

  /** Ends the worker; requests under way are rejected. */
  async close(): Promise<void> {
    this.closed = true
    const worker = this.worker
    this.worker = null
    this.rejectAll(new EngineFailure('closed', 'The session was closed.', 'Open it again.'))
    await worker?.terminate()
  }

  /** For tests of a lost worker: ends the thread as a crash would. */
  async kill(): Promise<void> {
    await this.worker?.terminate()
  }

  private send(number: number, name: RequestName, body: Requests[RequestName]): void {
    if (this.worker === null) return
    // Rung before it is sent: a worker in the middle of a slice looks up at once instead of at its end.
    Atomics.add(this.bell, 0, 1)
    this.worker.postMessage({ kind: 'request', number, name, body })
  }

  private spawn(): void {
    const worker = new Worker(this.options.workerUrl, { name: 'emulated machine' })
    this.worker = worker
    let over = false
    const gone = (why: string): void => {
      if (over || this.worker !== worker) return
      over = true
      this.worker = null
      this.replace(why)
    }
    worker.on('message', (message: FromWorker) => {
      if (this.worker === worker) this.take(message)
    })
    worker.on('error', (error: Error) => {
      this.options.log(`worker: ${error.stack ?? error.message}`)
      void worker.terminate()
      gone(error.message)
    })
    worker.on('exit', (code) => gone(`it ended with code ${code}`))
    this.bell = new Int32Array(new SharedArrayBuffer(4))
    worker.postMessage({ kind: 'start', body: this.options.start, bell: this.bell } satisfies WorkerInput)
  }

  private take(message: FromWorker): void {
    switch (message.kind) {
      case 'ready':
        return this.announce(message.counterNames)
      case 'answer':
      case 'failure': {
        const pending = this.pending.get(message.number)
        if (pending === undefined) return
        this.pending.delete(message.number)
        if (message.kind === 'answer') pending.resolve(message.body)
        else {
          const { code, message: text, remedy } = message.error
          pending.reject(new EngineFailure(code, text, remedy))
        }
        return
      }
      case 'began':
        this.begun.add(message.id)
        break
      case 'executed':
        this.resolveReplayed(message.branch, message.result)
        break
      default:
    }
    this.options.notice(message)
  }

  /** A command that had begun before the worker was lost came again with the plan: its request is answered by that. */
  private resolveReplayed(branch: BranchLetter, result: ExecutionResult): void {
    if (!result.replay) return
    for (const [number, { name, body, resolve }] of this.pending) {
      if (name !== 'execute' || (body as Requests['execute']).id !== result.id) continue
      this.pending.delete(number)
      resolve({ ...result, branch })
    }
  }

  private replace(why: string): void {
    if (this.closed) return
    const now = Date.now()
    this.losses = [...this.losses.filter((at) => now - at < lossWindowMs), now]
    if (this.losses.length > mostLosses) {
      this.givenUp = new EngineFailure(
        'engine-lost',
        `The emulated machine broke down ${this.losses.length} times in a minute (${why}); what was done is kept.`,
        'Save the session, undo the last command and open it again.',
      )
      this.rejectAll(this.givenUp)
      this.refuse(this.givenUp)
      const { code, message, remedy } = this.givenUp
      this.options.lost({ code, message, remedy, level: 'error' })
      return
    }
    this.options.lost({
      level: 'warn',
      code: 'engine-lost',
      message: `The emulated machine broke down (${why}); it is being computed again from the command log.`,
      remedy: 'Wait until it has caught up; nothing that was done is lost.',
    })
    const waiting = [...this.pending]
    this.pending.clear()
    this.spawn()
    const plans = waiting.filter(([, { name }]) => name === 'plan')
    const number = ++this.number
    this.pending.set(number, {
      name: 'plan',
      body: { branches: [], state: 'paused' },
      resolve: (value) => plans.forEach(([, pending]) => pending.resolve(value)),
      reject: (error) => plans.forEach(([, pending]) => pending.reject(error)),
    })
    this.send(number, 'plan', this.options.plan())
    for (const [old, pending] of waiting) {
      if (pending.name === 'plan') continue
      this.pending.set(old, pending)
      const comesWithThePlan = pending.name === 'execute' && this.begun.has((pending.body as Requests['execute']).id)
      if (!comesWithThePlan) this.send(old, pending.name, pending.body)
    }
  }

  private rejectAll(error: Error): void {
    const waiting = [...this.pending.values()]
    this.pending.clear()
    for (const { reject } of waiting) reject(error)
  }
}

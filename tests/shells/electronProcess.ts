/** The built Electron main program, running in a plain Node process against the stand-in for `electron`. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type * as standIn from '../stand-in-electron/electron.mjs'

const root = join(import.meta.dirname, '../..')
const standInFolder = join(root, 'tests/stand-in-electron')

export type StandIn = typeof standIn

export class ElectronProcess {
  output = ''
  private readonly child: ChildProcess
  private readonly answers = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  private nextId = 1
  private readonly ready: Promise<void>
  private readonly ended: Promise<number | null>
  /** Why nothing can be asked any more. */
  private gone: Error | null = null

  /** `program` is the built main program. */
  constructor(
    program: string,
    readonly userData: string,
    args: string[] = [],
    env: NodeJS.ProcessEnv = {},
  ) {
    this.child = fork(join(standInFolder, 'driver.mjs'), [program, '--user-data', userData, ...args], {
      execArgv: ['--import', join(standInFolder, 'register.mjs')],
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      serialization: 'advanced',
    })
    const read = (chunk: Buffer): void => void (this.output += chunk.toString())
    this.child.stdout?.on('data', read)
    this.child.stderr?.on('data', read)
    this.ended = once(this.child, 'exit').then(([status]) => status as number | null)
    this.ready = new Promise((resolve, reject) => {
      this.child.on('message', (message: { ready?: true; id: number; value?: unknown; error?: string }) => {
        if (message.ready) return resolve()
        const waiting = this.answers.get(message.id)
        this.answers.delete(message.id)
        if (message.error === undefined) waiting?.resolve(message.value)
        else waiting?.reject(new Error(`in the Electron process: ${message.error}`))
      })
      void this.ended.then((status) => {
        const error = new Error(`The Electron process ended with ${String(status)}. It printed:\n${this.output}`)
        reject(error)
        this.gone = error
        for (const waiting of this.answers.values()) waiting.reject(error)
      })
    })
    this.ready.catch(() => {})
  }

  /** A process with user data of its own; waits until the window has loaded its page. */
  static async start(program: string, args: string[] = []): Promise<ElectronProcess> {
    const app = new ElectronProcess(program, mkdtempSync(join(tmpdir(), 'nomap-lab-electron-')), args)
    await app.loaded()
    return app
  }

  async loaded(): Promise<void> {
    await this.ready
    await this.until(({ record }) => record.windows[0]?.shown === true)
  }

  /**
   * Calls `run` in the process. It travels as source text, so it sees nothing from around it but its two parameters.
   */
  async run<T, A = undefined>(run: (electron: StandIn, argument: A) => T | Promise<T>, argument?: A): Promise<T> {
    await this.ready
    const id = this.nextId++
    const answer = new Promise((resolve, reject) => this.answers.set(id, { resolve, reject }))
    if (this.gone !== null) throw this.gone
    // If it ends just now, its end answers.
    this.child.send({ id, source: run.toString(), argument }, () => {})
    return (await answer) as T
  }

  /** Waits until `run` gives true in the process. */
  async until<A = undefined>(run: (electron: StandIn, argument: A) => boolean, argument?: A): Promise<void> {
    while (!(await this.run(run, argument))) await new Promise((resolve) => setTimeout(resolve, 10))
  }

  /** The exit status, once it has ended by itself. */
  exit(): Promise<number | null> {
    return this.ended
  }

  /** Ends the process if it still runs and removes its user data. */
  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill('SIGKILL')
      await this.ended
    }
    rmSync(this.userData, { recursive: true, force: true })
  }
}

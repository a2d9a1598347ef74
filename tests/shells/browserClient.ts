/** A browser shell on a fake lab, and the requests of a browser (or of somebody who is none) to it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request, type IncomingHttpHeaders } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { WebSocket } from 'ws'
import { startBrowserShell, type BrowserShell } from '../../main/shell/browserShell'
import type { LabPaths } from '../../main/shell/paths'
import type { Handlers, WireMessage } from '../../preload/contract'
import { decodeMessage, encodeMessage } from '../../preload/framing'
import { createFakeLab, type FakeLab } from './fakeLab'

export interface Reply {
  status: number
  headers: IncomingHttpHeaders
  body: string
}

export interface TestShell {
  shell: BrowserShell
  lab: FakeLab
  folder: string
  lines: string[]
  origin: string
  /** Sends one request; the path is sent as it is given. */
  get(path: string, options?: { headers?: Record<string, string>; method?: string }): Promise<Reply>
  /** Redeems a fresh start address and returns the Cookie header. */
  signIn(): Promise<string>
  /** Opens the WebSocket; by default as our own page does. */
  open(options?: { headers?: Record<string, string>; path?: string; cookie?: string }): Promise<TestPage>
  stop(): Promise<void>
}

/** The pieces of the built lab that a shell needs, made of almost nothing. */
export function makeLabPaths(folder: string): LabPaths {
  const renderer = join(folder, 'out', 'renderer')
  mkdirSync(join(renderer, 'assets'), { recursive: true })
  writeFileSync(join(renderer, 'index.html'), '<!doctype html><title>test page</title>')
  writeFileSync(join(renderer, 'assets', 'index.js'), 'export {}')
  writeFileSync(join(folder, 'secret.html'), 'top secret')
  return {
    renderer,
    preload: join(folder, 'out', 'preload', 'index.cjs'),
    workerUrl: pathToFileURL(join(folder, 'engine.worker.js')),
    contentDirs: { scenarios: join(folder, 'scenarios'), exercises: join(folder, 'exercises') },
  }
}

export async function startTestShell(handlers: Partial<Handlers> = {}): Promise<TestShell> {
  const folder = mkdtempSync(join(tmpdir(), 'nomap-lab-browser-'))
  const lab = createFakeLab(handlers)
  const lines: string[] = []
  const shell = await startBrowserShell({
    paths: makeLabPaths(folder),
    createLab: async () => lab,
    userData: join(folder, 'user data'),
    log: (line) => lines.push(line),
  })
  const { port } = shell
  const origin = `http://127.0.0.1:${port}`

  const get: TestShell['get'] = (path, { headers = {}, method = 'GET' } = {}) =>
    new Promise((resolve, reject) => {
      const ask = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (answer) => {
        let body = ''
        answer.setEncoding('utf8')
        answer.on('data', (chunk: string) => (body += chunk))
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body }))
      })
      ask.on('error', reject)
      ask.end()
    })

  async function signIn(): Promise<string> {
    const { pathname, search } = new URL(shell.newStartUrl())
    const { headers } = await get(pathname + search)
    return headers['set-cookie']?.[0].split(';')[0] ?? ''
  }

  return {
    shell,
    lab,
    folder,
    lines,
    origin,
    get,
    signIn,
    async open({ headers, path = '/ws', cookie } = {}) {
      const own = { Origin: origin, Cookie: cookie ?? (await signIn()) }
      return TestPage.connect(`ws://127.0.0.1:${port}${path}`, headers ?? own)
    },
    async stop() {
      await shell.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A page's end of the WebSocket. */
export class TestPage {
  readonly received: WireMessage[] = []
  /** Close code, once closed. */
  closed: number | null = null
  private waiting: (() => void)[] = []
  private nextId = 1

  private constructor(readonly socket: WebSocket) {
    socket.on('message', (data: Buffer, isBinary) => {
      this.received.push(decodeMessage(isBinary ? data : data.toString()))
      this.wake()
    })
    socket.on('close', (code) => {
      this.closed = code
      this.wake()
    })
    socket.on('error', () => {})
  }

  /** Rejects with the HTTP status (as a number) if the server refuses. */
  static connect(url: string, headers: Record<string, string>): Promise<TestPage> {
    return new Promise((resolve, reject) => {
      // `origin` would be replaced by an option of its own; headers are sent as given.
      const socket = new WebSocket(url, { headers })
      const page = new TestPage(socket)
      socket.on('open', () => resolve(page))
      socket.on('unexpected-response', (_request, response) => {
        reject(new Error(`refused with ${response.statusCode ?? 0}`))
        response.destroy()
      })
      socket.on('error', reject)
    })
  }

  send(message: WireMessage): void {
    this.socket.send(encodeMessage(message))
  }

  async ask(method: string, body: unknown): Promise<WireMessage> {
    const id = this.nextId++
    this.send({ kind: 'request', id, method, body })
    return this.until(() => this.received.find((message) => 'id' in message && message.id === id))
  }

  /** Waits until `found` gives something; fails when the page was closed before that. */
  async until<T>(found: () => T | undefined): Promise<T> {
    for (;;) {
      const value = found()
      if (value !== undefined) return value
      if (this.closed !== null) throw new Error(`The page was closed with ${this.closed}.`)
      await new Promise<void>((resolve) => this.waiting.push(resolve))
    }
  }

  async untilClosed(): Promise<number> {
    while (this.closed === null) await new Promise<void>((resolve) => this.waiting.push(resolve))
    return this.closed
  }

  private wake(): void {
    const waiting = this.waiting
    this.waiting = []
    for (const resolve of waiting) resolve()
  }
}

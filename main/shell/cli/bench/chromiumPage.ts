/** A headless Chromium with one page, driven over its debugging protocol: enough to time the window as a user sees it. */
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { WebSocket } from 'ws'
import { LabProblem } from '../../../lab/problem'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome']

/** Path of a Chromium: CHROMIUM_PATH, or the first on the PATH; undefined if there is none. */
export function findChromium(env: NodeJS.ProcessEnv = process.env): string | undefined {
  if (env['CHROMIUM_PATH'] !== undefined) return env['CHROMIUM_PATH']
  const folders = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')
  return folders.flatMap((folder) => names.map((name) => join(folder, name))).find((path) => existsSync(path))
}

interface Answer {
  id?: number
  result?: { [key: string]: unknown }
  error?: { message: string }
}

export class ChromiumPage {
  private number = 0
  private readonly waiting = new Map<number, (answer: Answer) => void>()

  private constructor(
    private readonly child: ChildProcess,
    private readonly socket: WebSocket,
    private readonly profile: string,
  ) {
    socket.on('message', (data: Buffer) => {
      const answer = JSON.parse(data.toString()) as Answer
      if (answer.id === undefined) return
      this.waiting.get(answer.id)?.(answer)
      this.waiting.delete(answer.id)
    })
    // Whoever waits must hear of it: nobody else would.
    socket.on('close', () => {
      for (const answer of this.waiting.values()) answer({ error: { message: 'Chromium ended before it answered.' } })
      this.waiting.clear()
    })
  }

  /** Starts Chromium with `address` in a window of 1440 × 900 CSS pixels. */
  static async open(chromium: string, address: string): Promise<ChromiumPage> {
    const profile = mkdtempSync(join(tmpdir(), 'lab-bench-page-'))
    const options = ['--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run', '--window-size=1440,900']
    const quiet = ['--disable-background-networking', '--disable-component-update', '--disable-sync']
    const own = ['--remote-debugging-port=0', `--user-data-dir=${profile}`]
    const child = spawn(chromium, [...options, ...quiet, ...own, address], { stdio: ['ignore', 'ignore', 'pipe'] })
    const endpoint = await new Promise<string>((done, fail) => {
      let said = ''
      child.stderr.on('data', (data: Buffer) => {
        said += data.toString()
        const found = /ws:\/\/(\S+?)\/\S+/.exec(said)
        if (found !== null) done(found[1])
      })
      const failed = (): void =>
        fail(
          new LabProblem('bench-chromium', `${chromium} did not start.`, 'Set CHROMIUM_PATH to a Chromium that runs.'),
        )
      child.on('error', failed)
      child.on('exit', failed)
    })
    const targets = (await (await fetch(`http://${endpoint}/json/list`)).json()) as {
      type: string
      webSocketDebuggerUrl: string
    }[]
    const socket = new WebSocket(targets.find(({ type }) => type === 'page')!.webSocketDebuggerUrl)
    await new Promise((done, fail) => socket.once('open', done).once('error', fail))
    return new ChromiumPage(child, socket, profile)
  }

  /** One command of the debugging protocol. */
  send(method: string, params: { [key: string]: unknown } = {}): Promise<{ [key: string]: unknown }> {
    const id = ++this.number
    if (this.socket.readyState !== WebSocket.OPEN)
      return Promise.reject(new Error('Chromium ended before it was asked.'))
    return new Promise((done, fail) => {
      this.waiting.set(id, ({ result, error }) =>
        error === undefined ? done(result ?? {}) : fail(new Error(error.message)),
      )
      this.socket.send(JSON.stringify({ id, method, params }))
    })
  }

  /** Value of an expression in the page; promises are waited for. */
  async evaluate<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = (await this.send('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    })) as { result: { value: T }; exceptionDetails?: { exception?: { description?: string } } }
    if (exceptionDetails !== undefined) throw new Error(exceptionDetails.exception?.description ?? expression)
    return result.value
  }

  /** Waits until an expression is true in the page. */
  async until(expression: string, what: string, withinMs = 60_000): Promise<void> {
    const end = Date.now() + withinMs
    for (;;) {
      // While the page is being loaded there is nothing to ask.
      const is = await this.evaluate<boolean>(`Boolean(${expression})`).catch((error: Error) => {
        if (/context/i.test(error.message)) return false
        throw error
      })
      if (is) return
      if (Date.now() > end)
        throw new LabProblem('bench-window', `The window did not show ${what}.`, 'Look at it: npm start.')
      await new Promise((go) => setTimeout(go, 25))
    }
  }

  async close(): Promise<void> {
    this.socket.close()
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const ended = new Promise((done) => this.child.once('exit', done))
      this.child.kill('SIGTERM')
      await ended
    }
    try {
      rmSync(this.profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
    } catch {
      // A process of Chromium still writes there: a temporary folder stays behind, and the figures are worth more.
    }
  }
}

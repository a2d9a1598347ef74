/**
 * The lab as an end-to-end test sees it: `page` is its window, in whichever shell the project names, and `lab` the
 * process behind it.
 *
 * Every test has a shell process and a folder for user data of its own; `test.use({ shareShell: true })` lets the tests
 * of one file that change nothing share one. Console errors of the page (a broken policy among them) fail the test,
 * unless it says `test.use({ allowPageErrors: true })`.
 */
import {
  _electron,
  test as base,
  expect,
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  type Page,
} from '@playwright/test'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findChromium } from '../../scripts/lib/chromium.mjs'
import { findElectron } from '../../scripts/lib/electron.mjs'

export { expect }

const root = join(import.meta.dirname, '../..')
const browserShell = join(root, 'out/main/browser.js')

/** What the browser shell prints when it is ready; a contract with main/shell/browser.ts. */
const addressLine = /^nomap lab: (http:\/\/127\.0\.0\.1:\d+\/\S*)$/m
const startTimeoutMs = 30_000

const chromiumArgs = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export interface ShellOptions {
  /** Which shell the project runs in. */
  shell: 'browser' | 'electron'
}

interface TestOptions {
  /** Tests of this file use one shell process together (browser shell only). */
  shareShell: boolean
  /** The test expects errors in the page's console, for instance because it kills the shell. */
  allowPageErrors: boolean
  /** Further arguments for the shell, for instance a document to open. */
  shellArgs: string[]
}

/** Shell processes now alive; should the Playwright worker end early, they end with it. */
const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** The browser shell's process. */
export class BrowserShell {
  #child: ChildProcess | undefined
  #output = ''

  constructor(
    /** Folder of preferences and recovery journals; it outlives the process. */
    readonly userData: string,
    private readonly args: string[],
  ) {}

  /** Everything that it printed, over all its lives. */
  get log(): string {
    return this.#output
  }

  /** Starts the process and returns the address, with its one-time token. */
  async start(): Promise<string> {
    const own = ['--port', '0', '--no-open', '--user-data', this.userData]
    // Playwright asks its workers for colours; the shell's log is read as plain text.
    const env = { ...process.env, FORCE_COLOR: undefined }
    const child = spawn(process.execPath, [browserShell, ...own, ...this.args], { cwd: root, env, stdio: 'pipe' })
    this.#child = child
    running.add(child)
    child.once('exit', () => running.delete(child))
    const from = this.#output.length
    return new Promise((resolve, reject) => {
      const fail = (what: string): void => {
        clearTimeout(timer)
        reject(new Error(`The browser shell ${what}. It printed:\n${this.#output.slice(from)}`))
      }
      const timer = setTimeout(() => {
        child.kill('SIGKILL')
        fail(`printed no address within ${startTimeoutMs / 1000} s`)
      }, startTimeoutMs)
      const read = (chunk: Buffer): void => {
        this.#output += chunk.toString()
        const address = addressLine.exec(this.#output.slice(from))?.[1]
        if (address === undefined) return
        clearTimeout(timer)
        resolve(address)
      }
      child.stdout.on('data', read)
      child.stderr.on('data', read)
      child.on('error', (error) => fail(`could not be started: ${error.message}`))
      child.on('exit', (code, signal) => fail(`ended (${signal ?? `status ${String(code)}`})`))
    })
  }

  /** Asks the process to end and waits for it; the hard way with `SIGKILL`, and in any case after five seconds. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), 5000)
    await ended
    clearTimeout(timer)
  }
}

/** What a test may do to the process behind its page. */
export interface LabProcess {
  readonly userData: string
  /** What the process printed so far. */
  log(): string
  /** Ends it without a warning, as a crash would. */
  crash(): Promise<void>
  /** Starts it again with the same user data and opens the page. Browser shell only. */
  restart(): Promise<void>
}

/** What lives as long as a Playwright worker, made when first wanted. */
interface WorkerThings {
  browser(): Promise<Browser>
  sharedShell(): Promise<{ shell: BrowserShell; address: string; state?: State }>
}
type State = Awaited<ReturnType<BrowserContext['storageState']>>

interface Opened {
  page: Page
  lab: LabProcess
  /** What the page's console complained about. */
  errors: string[]
}

/** Undoes one step of opening. */
type Closer = () => Promise<unknown>

export const test = base.extend<
  TestOptions & { userData: string; opened: Opened; lab: LabProcess },
  ShellOptions & { things: WorkerThings }
>({
  shell: ['browser', { option: true, scope: 'worker' }],
  shareShell: [false, { option: true }],
  allowPageErrors: [false, { option: true }],
  shellArgs: [[], { option: true }],

  things: [
    async ({ playwright }, use) => {
      let browser: Promise<Browser> | undefined
      let shared: Promise<{ shell: BrowserShell; address: string }> | undefined
      await use({
        browser: () => (browser ??= playwright.chromium.launch({ ...chromium(), args: chromiumArgs })),
        sharedShell: () => (shared ??= startShared()),
      })
      const started = await shared?.catch(() => undefined)
      await started?.shell.stop()
      if (started) await rm(started.shell.userData, { recursive: true, force: true })
      await (await browser)?.close()
    },
    { scope: 'worker' },
  ],

  // eslint-disable-next-line no-empty-pattern -- Playwright reads the names of this pattern
  userData: async ({}, use) => {
    const folder = await newFolder()
    await use(folder)
    await rm(folder, { recursive: true, force: true })
  },

  opened: async (
    { shell, shareShell, allowPageErrors, shellArgs, userData, things, viewport, colorScheme, locale, contextOptions },
    use,
    testInfo,
  ) => {
    const closers: Closer[] = []
    try {
      const opened =
        shell === 'electron'
          ? await openElectron(closers, userData, shellArgs, colorScheme)
          : await openBrowser(closers, things, shareShell ? undefined : new BrowserShell(userData, shellArgs), {
              ...contextOptions,
              viewport,
              colorScheme,
              locale,
            })
      await use(opened)
      if (testInfo.status !== testInfo.expectedStatus)
        await testInfo.attach('shell.log', { body: opened.lab.log(), contentType: 'text/plain' })
      if (!allowPageErrors) expect(opened.errors, "errors in the page's console").toEqual([])
    } finally {
      // Also when opening failed half-way: nothing that a test started outlives it.
      for (const close of closers.reverse()) await close()
    }
  },

  page: async ({ opened }, use) => use(opened.page),
  context: async ({ opened }, use) => use(opened.page.context()),
  lab: async ({ opened }, use) => use(opened.lab),
})

/** Leaves a picture for people (and CI artefacts) in tests/e2e/screenshots; nothing is compared with it. */
export async function picture(page: Page, name: string): Promise<void> {
  const folder = join(import.meta.dirname, 'screenshots')
  mkdirSync(folder, { recursive: true })
  await page.screenshot({ path: join(folder, `${name}.png`), animations: 'disabled' })
}

/**
 * Opens the page in Chromium, on a shell process of the test's own or (`own` undefined) on the worker's shared one.
 */
async function openBrowser(
  closers: Closer[],
  things: WorkerThings,
  own: BrowserShell | undefined,
  options: BrowserContextOptions,
): Promise<Opened> {
  const shared = own ? undefined : await things.sharedShell()
  const shell = own ?? shared!.shell
  if (own) closers.push(() => own.stop())
  const address = shared?.address ?? (await shell.start())
  const logged = shared ? shell.log.length : 0

  const browser = await things.browser()
  // The token in the address works once; whoever comes later brings the cookie it was changed for.
  const context = await browser.newContext({ ...options, ...(shared?.state && { storageState: shared.state }) })
  closers.push(() => context.close())
  const page = await context.newPage()
  const errors = watch(page)
  await page.goto(shared?.state ? new URL(address).origin : address)
  if (shared && !shared.state) shared.state = await context.storageState()
  return {
    page,
    errors,
    lab: {
      userData: shell.userData,
      log: () => shell.log.slice(logged),
      crash: () => shell.stop('SIGKILL'),
      restart: async () => {
        await shell.stop()
        await page.goto(await shell.start())
      },
    },
  }
}

async function openElectron(
  closers: Closer[],
  userData: string,
  args: string[],
  colorScheme: 'light' | 'dark' | 'no-preference' | null | undefined,
): Promise<Opened> {
  const executablePath = findElectron()
  if (executablePath === undefined) throw new Error('No Electron binary here.')
  // Only as root: there Electron has no other way to start. Elsewhere the sandbox is part of what is tested.
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  const app = await _electron.launch({ executablePath, args: [...sandbox, root, '--user-data', userData, ...args] })
  closers.push(() => app.close().catch(() => undefined)) // the test may have ended it
  let output = ''
  for (const stream of [app.process().stdout, app.process().stderr])
    stream?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const page = await app.firstWindow()
  const errors = watch(page)
  if (colorScheme) await page.emulateMedia({ colorScheme })
  return {
    page,
    errors,
    lab: {
      userData,
      log: () => output,
      crash: async () => {
        const ended = once(app.process(), 'exit')
        app.process().kill('SIGKILL')
        await ended
      },
      restart: () => Promise.reject(new Error('restart() is for the browser shell')),
    },
  }
}

/** Collects what the page's console complains about from now on. */
function watch(page: Page): string[] {
  const errors: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text())
  })
  page.on('pageerror', (error) => errors.push(error.stack ?? String(error)))
  return errors
}

function chromium(): { executablePath: string } {
  const path = findChromium()
  if (path === undefined) throw new Error('No Chromium here: npm test installs it or says how.')
  return { executablePath: path }
}

async function newFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'nomap-lab-e2e-'))
}

async function startShared(): Promise<{ shell: BrowserShell; address: string }> {
  const shell = new BrowserShell(await newFolder(), [])
  return { shell, address: await shell.start() }
}

/**
 * The browser shell: the same lab and the same built page as in Electron, in plain Node and the user's own browser.
 */
import { resolve } from 'node:path'
import type { WebSocket } from 'ws'
import type { Lab, LabOptions } from '../lab/labTypes'
import { LabProblem } from '../lab/problem'
import { startBrowserServer, type BrowserServer } from './browserServer'
import { takeInstanceLock, type InstanceLock } from './instanceLock'
import { hasDisplay, openBrowser } from './openBrowser'
import { Pages } from './pages'
import type { LabPaths } from './paths'
import { defaultUserData } from './userData'
import { websocketPort } from './websocketPort'

export interface BrowserShellOptions {
  paths: LabPaths
  createLab(options: LabOptions): Promise<Lab>
  /** Port of 127.0.0.1; 0, the default, takes any free one. */
  port?: number
  /** Folder of user data; by default the platform's usual place. */
  userData?: string
  /** A document or exercise to open at once. */
  document?: string
  log: (line: string) => void
}

export interface BrowserShell {
  readonly port: number
  /** A start address that works once, with a token of its own. */
  newStartUrl: () => string
  /** Ends everything; afterwards nothing that was done is lost. */
  close(): Promise<void>
}

/**
 * Starts the lab and its server and resolves when a page can be served.
 *
 * @throws LabProblem (or what the lab throws) if the port, the user data or the document cannot be used
 */
export async function startBrowserShell(options: BrowserShellOptions): Promise<BrowserShell> {
  const { paths, log } = options
  const userData = resolve(options.userData ?? defaultUserData())
  let lock: InstanceLock | undefined
  let server: BrowserServer | undefined
  let lab: Lab | undefined
  let pages: Pages | undefined

  async function close(): Promise<void> {
    await pages?.close()
    await server?.close()
    try {
      await lab?.close()
    } finally {
      lock?.release()
    }
  }

  try {
    lock = takeInstanceLock(userData)
    server = await startBrowserServer({
      port: options.port ?? 0,
      renderer: paths.renderer,
      // Nobody knows an address before this function returns, so the pages exist by then.
      onPage: (socket: WebSocket) => pages?.welcome(websocketPort(socket, log)),
      log,
    })
    const { workerUrl, contentDirs } = paths
    lab = await options.createLab({ workerUrl, contentDirs, userData, shell: 'browser', log })
    pages = new Pages(lab, log)
    if (options.document !== undefined) await lab.openPath(resolve(options.document))
  } catch (error) {
    await close().catch((problem: unknown) => log(`while giving up: ${String(problem)}`))
    throw error
  }

  const { port, newStartUrl } = server
  let closing: Promise<void> | undefined
  return { port, newStartUrl, close: () => (closing ??= close()) }
}

export interface BrowserProgramOptions extends BrowserShellOptions {
  /** Open the address in the default browser, where there is a display. */
  open?: boolean
}

/** How long ending may take before the process ends regardless; the journal was written all along. */
const closeLimitMs = 10_000

/**
 * The browser shell as a whole program, for `browser.ts` and the command line's `serve`: starts it, prints the one line with its
 * address on standard output, and resolves to the exit status when a signal has ended it. What goes wrong at the start is told in
 * one line on standard error: status 2 if an argument is to blame, else 1.
 */
export async function runBrowserShell(options: BrowserProgramOptions): Promise<number> {
  const { log } = options
  // From the first moment on: whoever reads the address may answer with a signal at once.
  const ending = endingSignal()
  let shell: BrowserShell
  try {
    shell = await startBrowserShell(options)
  } catch (error) {
    if (!(error instanceof LabProblem)) {
      log(error instanceof Error ? (error.stack ?? error.message) : String(error))
      process.stderr.write(`nomap lab: could not start because of a fault in the lab. Please report the lines above.\n`)
      return 1
    }
    process.stderr.write(`nomap lab: ${error.message} ${error.remedy}\n`)
    return isAboutTheMachine(error.code) ? 1 : 2
  }
  const address = shell.newStartUrl()
  process.stdout.write(`nomap lab: ${address}\n`)
  if (options.open === true) {
    const opened = hasDisplay() && (await openBrowser(address))
    if (!opened) log('No browser could be opened here: open the address above yourself.')
  }
  await ending
  return (await closeInTime(shell, log)) ? 0 : 1
}

/** Whether a problem at the start comes from the state of this machine, as opposed to a document or folder that was named wrongly. */
function isAboutTheMachine(code: string): boolean {
  return /^(port-|disk-|engine-|already-running|too-many-files)/.test(code)
}

/** Resolves at the first signal that asks the program to end; a second one then ends it at once, as is usual. */
function endingSignal(): Promise<void> {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  return new Promise((resolve) => {
    const end = (): void => {
      for (const signal of signals) process.removeListener(signal, end)
      resolve()
    }
    for (const signal of signals) process.on(signal, end)
  })
}

async function closeInTime(shell: BrowserShell, log: (line: string) => void): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => {
      log('The lab took too long to end. What was done is in the recovery journal.')
      resolve(false)
    }, closeLimitMs)
  })
  const closed = shell.close().then(
    () => true as const,
    (error: unknown) => {
      log(`while ending: ${String(error)}`)
      return false as const
    },
  )
  const inTime = await Promise.race([closed, late])
  clearTimeout(timer)
  return inTime
}

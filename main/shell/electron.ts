/**
 * The Electron shell: one window on the lab. Everything that must precede the app's `ready` is done while this file loads.
 */
import { app, dialog, ipcMain, MessageChannelMain, session, type BrowserWindow, type WebContents } from 'electron'
import { join, resolve } from 'node:path'
import { connectChannel, portChannel } from '../../preload/contract/channels'
import { createLab } from '../lab'
import type { Lab } from '../lab/labTypes'
import { LabProblem, textOf } from '../lab/problem'
import { readElectronArguments } from './electronArguments'
import { nativeDialogs } from './electronDialogs'
import { guardContents, guardSession, isOurPage, type GuardOptions } from './electronGuards'
import { installMenu } from './electronMenu'
import { electronPort } from './electronPort'
import { registerPageScheme, servePage } from './electronProtocol'
import { openWindow, showTitle } from './electronWindow'
import { toContractError } from './failure'
import { takeInstanceLock, type InstanceLock } from './instanceLock'
import { openExternal } from './openExternal'
import { originOf, pageOrigin } from './pageOrigin'
import { Pages } from './pages'
import { labPaths } from './paths'
import { defaultUserData } from './userData'

/** What a second start hands to the first. */
interface HandOver {
  /** Absolute paths. */
  files: string[]
}

/** How long ending may take before the app ends regardless; the journal was written all along. */
const closeLimitMs = 10_000

const paths = labPaths(import.meta.url)
const args = readElectronArguments(process.argv, app.isPackaged)
const userData = resolve(args.userData ?? defaultUserData())
const log = (line: string): void => void process.stderr.write(`${line}\n`)

// `electron-vite dev` serves the page from a development server; a packaged app takes no such hint.
const devPage = app.isPackaged ? undefined : process.env['ELECTRON_RENDERER_URL']
const page = devPage ?? `${pageOrigin}/`
const origin = originOf(page) ?? pageOrigin

let window: BrowserWindow | null = null
let lock: InstanceLock | undefined
let lab: Promise<Lab> | undefined
let pages: Pages | undefined
/** Files to open, in order, until the lab is there and from then on. */
let opening: Promise<void> = Promise.resolve()

// The browser's own files go beside the lab's, which both shells share.
app.setPath('userData', join(userData, 'electron'))
// Who starts Electron with --no-sandbox (root has no other way) has decided; forcing it would keep the page from starting.
if (!app.commandLine.hasSwitch('no-sandbox')) app.enableSandbox()
registerPageScheme()

const handOver: HandOver = { files: args.files.map((file) => resolve(file)) }
if (app.requestSingleInstanceLock({ ...handOver })) start()
else app.quit()

function start(): void {
  app.on('second-instance', (_event, _argv, _folder, data) => {
    for (const file of filesIn(data)) openFile(file)
    showWindow()
  })
  app.on('open-file', (event, file) => {
    event.preventDefault()
    openFile(file)
  })
  app.on('activate', () => showWindow())
  app.on('window-all-closed', () => {
    if (process.platform !== 'darwin') app.quit()
  })
  app.on('will-quit', endOnce)

  const guards: GuardOptions = {
    origin,
    onLink: (address) => {
      if (window !== null) void openExternal(address, window)
    },
    log,
  }
  app.on('web-contents-created', (_event, contents) => guardContents(contents, guards))
  ipcMain.on(connectChannel, (event) => {
    if (isOurPage(event.sender, event.senderFrame, origin) && event.sender === window?.webContents)
      connect(event.sender)
    else log('refused a connection: it does not come from the main frame of the lab’s page')
  })

  // The lab is made while Electron gets ready; its failure is told when there can be a dialog.
  lab = makeLab()
  lab.catch(() => {})
  for (const file of handOver.files) openFile(file)

  void app.whenReady().then(async () => {
    guardSession(session.defaultSession, guards)
    servePage(session.defaultSession, paths.renderer)
    installMenu(process.platform, !app.isPackaged, {
      command: (command) => pages?.send('menu', { command }),
      shell: () => window?.webContents.reload(),
    })
    showWindow()
    try {
      await lab
    } catch (error) {
      giveUp(error)
    }
  })
}

async function makeLab(): Promise<Lab> {
  lock = takeInstanceLock(userData)
  const { workerUrl, contentDirs } = paths
  const made = await createLab({
    workerUrl,
    contentDirs,
    userData,
    shell: 'electron',
    dialogs: nativeDialogs(() => window),
    log,
  })
  pages = new Pages(made, log)
  made.subscribe((name) => {
    if (name === 'session' && window !== null) showTitle(window, made.title())
  })
  return made
}

/** The window, in front; it is opened if it was closed (macOS keeps an app without windows). */
function showWindow(): void {
  if (!app.isReady()) return
  if (window !== null) {
    if (window.isMinimized()) window.restore()
    window.focus()
    return
  }
  window = openWindow({ page, preload: paths.preload, userData, developer: !app.isPackaged, log })
  window.on('closed', () => {
    window = null
  })
  void lab?.then(
    (made) => window !== null && showTitle(window, made.title()),
    () => {},
  )
}

/** Gives the page its port at once; what it asks waits in the port until the lab is there. */
function connect(contents: WebContents): void {
  const { port1, port2 } = new MessageChannelMain()
  contents.postMessage(portChannel, null, [port2])
  void lab?.then(
    () => pages?.welcome(electronPort(port1, contents)),
    () => port1.close(),
  )
}

/** The paths in what a second start handed over, which may be an older or a newer version of the lab. */
function filesIn(data: unknown): string[] {
  const files: unknown = typeof data === 'object' && data !== null && 'files' in data ? data.files : null
  return Array.isArray(files) ? files.filter((file): file is string => typeof file === 'string') : []
}

/** Opens a document when the lab is there; files are opened one after the other, and the last one stays. */
function openFile(file: string): void {
  opening = opening.then(async () => {
    const made = await lab?.catch(() => undefined)
    if (made === undefined) return
    try {
      await made.openPath(file)
    } catch (error) {
      const problem = toContractError(error, 'session.open')
      log(problem.message)
      const told = { type: 'error' as const, message: problem.message, detail: problem.remedy }
      if (window !== null) await dialog.showMessageBox(window, told)
      else await dialog.showMessageBox(told)
    }
  })
}

/** The lab cannot be made: says why and ends. */
function giveUp(error: unknown): void {
  log(error instanceof Error ? (error.stack ?? error.message) : String(error))
  const { message, remedy } =
    error instanceof LabProblem
      ? error
      : {
          message: `The lab could not start: ${textOf(error)}`,
          remedy: 'This is a fault in the lab; please report it.',
        }
  dialog.showErrorBox(message, remedy)
  app.exit(1)
}

let ending = false

/** Ends the lab before the app ends: quitting never asks whether changes shall be lost, because none are. */
function endOnce(event: { preventDefault(): void }): void {
  event.preventDefault()
  if (ending) return
  ending = true
  const limit = setTimeout(() => {
    log('The lab took too long to end. What was done is in the recovery journal.')
    app.exit(1)
  }, closeLimitMs)
  void (async () => {
    await pages?.close()
    const made = await lab?.catch(() => undefined)
    await made?.close()
  })()
    .catch((error: unknown) => log(`while ending: ${textOf(error)}`))
    .finally(() => {
      lock?.release()
      clearTimeout(limit)
      app.exit(0)
    })
}

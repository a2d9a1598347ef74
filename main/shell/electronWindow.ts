/** The lab's window: safe options, the place where it was, and what happens when its page crashes. */
import { BrowserWindow, dialog, nativeTheme, screen, type BrowserWindowConstructorOptions } from 'electron'
import type { Lab } from '../lab/labTypes'
import { firstSize, minimumSize, readWindowState, writeWindowState } from './windowState'

export interface WindowOptions {
  /** Address of the page. */
  page: string
  preload: string
  userData: string
  developer: boolean
  log: (line: string) => void
}

/** Colours of the page's ground, so that the window does not flash before its first paint. */
const ground = { light: '#f1f3f5', dark: '#0e1115' }

/** After this many crashes of the page within a minute the user is asked instead of trying again. */
const mostCrashes = 3
const minuteMs = 60_000

function safeOptions({ preload, developer }: WindowOptions): BrowserWindowConstructorOptions['webPreferences'] {
  return {
    preload,
    contextIsolation: true,
    sandbox: true,
    nodeIntegration: false,
    nodeIntegrationInWorker: false,
    nodeIntegrationInSubFrames: false,
    webviewTag: false,
    webSecurity: true,
    allowRunningInsecureContent: false,
    navigateOnDragDrop: false,
    spellcheck: false,
    devTools: developer,
  }
}

/** Opens the window. It shows itself when its page has painted for the first time. */
export function openWindow(options: WindowOptions): BrowserWindow {
  const { page, userData, log } = options
  const state = readWindowState(
    userData,
    screen.getAllDisplays().map(({ workArea }) => workArea),
  )
  const window = new BrowserWindow({
    ...firstSize,
    ...state.bounds,
    minWidth: minimumSize.width,
    minHeight: minimumSize.height,
    show: false,
    title: 'nomap lab',
    backgroundColor: nativeTheme.shouldUseDarkColors ? ground.dark : ground.light,
    // The page has a menu of its own; Alt shows the system's.
    autoHideMenuBar: true,
    webPreferences: safeOptions(options),
  })
  window.once('ready-to-show', () => {
    // Not earlier: maximizing shows the window.
    if (state.maximized) window.maximize()
    window.show()
  })
  // The title says which session is open; the page's own title does not know whether it is saved.
  window.on('page-title-updated', (event) => event.preventDefault())
  window.on('close', () => {
    writeWindowState(userData, { bounds: window.getNormalBounds(), maximized: window.isMaximized() })
  })
  reviveOnCrash(window, log)
  window.loadURL(page).catch((error: unknown) => log(`the page did not load: ${String(error)}`))
  return window
}

/** Loads the page again after its process died; the lab lives in main and lost nothing. */
function reviveOnCrash(window: BrowserWindow, log: (line: string) => void): void {
  const crashes: number[] = []
  window.webContents.on('render-process-gone', (_event, { reason }) => {
    if (reason === 'clean-exit') return
    log(`the page's process ended: ${reason}`)
    const now = Date.now()
    crashes.push(now)
    if (crashes.filter((at) => now - at < minuteMs).length < mostCrashes) {
      window.webContents.reload()
      return
    }
    const again = dialog.showMessageBox(window, {
      type: 'error',
      message: 'The window keeps crashing.',
      detail: 'The lab itself goes on and nothing is lost. Load the window again, or close it and start the lab anew.',
      buttons: ['Load again', 'Close'],
      defaultId: 0,
      cancelId: 1,
    })
    void again.then(({ response }) => {
      if (response === 1) window.destroy()
      else window.webContents.reload()
    })
  })
}

/** Shows the session's name, the unsaved mark and, on macOS, the document's icon in the title bar. */
export function showTitle(window: BrowserWindow, { name, unsaved, path }: ReturnType<Lab['title']>): void {
  window.setTitle(name === '' ? 'nomap lab' : `${unsaved ? '● ' : ''}${name} – nomap lab`)
  if (process.platform !== 'darwin') return
  window.setDocumentEdited(unsaved)
  window.setRepresentedFilename(path ?? '')
}

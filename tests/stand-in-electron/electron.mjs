/**
 * A stand-in for the `electron` module: as much of it as the lab's built main program uses, in plain Node, with everything that is
 * said to it on record. It shows that the program asks Electron for the right things, not that Electron does them: there is no
 * sandbox, no second process and no screen here.
 *
 * What the program imports and is not here ends it, by name; so does a method that is not here.
 */
import { EventEmitter } from 'node:events'
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deserialize, serialize } from 'node:v8'
import { MessageChannel } from 'node:worker_threads'
import { Page } from './page.mjs'

/** What happened so far, for the test. */
export const record = {
  /** @type {{ scheme: string, privileges: Record<string, boolean> }[]} */
  schemes: [],
  /** @type {Record<string, string>} */
  paths: {},
  sandboxEnabled: false,
  /** @type {string[]} */
  external: [],
  /** @type {{ kind: string, options: any }[]} */
  dialogs: [],
  /** @type {{ title: string, content: string }[]} */
  errorBoxes: [],
  /** @type {any[]} */
  menu: [],
  /** @type {BrowserWindow[]} */
  windows: [],
}

/** Answers for the dialogs to come, by the kind of dialog; without one a dialog is cancelled. */
export const dialogAnswers = /** @type {Record<string, any[]>} */ ({})

let ready = false
/** @type {() => void} */
let becomeReadyPromise = () => {}
const readiness = new Promise((resolve) => {
  becomeReadyPromise = () => resolve(undefined)
})

/** What Electron does when the main program has been loaded. */
export function becomeReady() {
  ready = true
  app.emit('ready')
  becomeReadyPromise()
}

/** @param {string} what */
function onlyBeforeReady(what) {
  if (ready) throw new Error(`${what} must be called before the app is ready`)
}

class App extends EventEmitter {
  isPackaged = process.env['STAND_IN_PACKAGED'] === '1'
  commandLine = { hasSwitch: (/** @type {string} */ name) => process.argv.includes(`--${name}`) }
  whenReady = () => readiness
  isReady = () => ready

  /** @param {string} name @param {string} path */
  setPath(name, path) {
    record.paths[name] = path
  }

  enableSandbox() {
    onlyBeforeReady('enableSandbox')
    record.sandboxEnabled = true
  }

  /** As Electron does: by the folder of user data, between processes. @param {unknown} data */
  requestSingleInstanceLock(data) {
    const folder = record.paths['userData'] ?? ''
    mkdirSync(folder, { recursive: true })
    try {
      closeSync(openSync(join(folder, 'SingletonLock'), 'wx'))
    } catch {
      const note = join(folder, `handover-${process.pid}`)
      writeFileSync(`${note}.new`, JSON.stringify({ argv: process.argv, folder: process.cwd(), data }))
      renameSync(`${note}.new`, `${note}.json`)
      return false
    }
    process.on('exit', () => rmSync(join(folder, 'SingletonLock'), { force: true }))
    setInterval(() => {
      for (const name of readdirSync(folder).filter((entry) => /^handover-\d+\.json$/.test(entry))) {
        const { argv, folder: cwd, data: given } = JSON.parse(readFileSync(join(folder, name), 'utf8'))
        rmSync(join(folder, name))
        this.emit('second-instance', preventable(), argv, cwd, given)
      }
    }, 20).unref()
    return true
  }

  quit() {
    setImmediate(() => {
      for (const window of BrowserWindow.getAllWindows()) window.close()
      const event = preventable()
      this.emit('will-quit', event)
      if (!event.defaultPrevented) this.exit(0)
    })
  }

  /** @param {number} [status] */
  exit(status = 0) {
    // What was sent to the test goes first.
    setImmediate(() => process.exit(status))
  }
}

export const app = new App()

/** An event that can be prevented. */
function preventable(extra = {}) {
  return {
    defaultPrevented: false,
    preventDefault() {
      this.defaultPrevented = true
    },
    ...extra,
  }
}

/** Says an event to an emitter and tells whether somebody prevented it. */
export function isPrevented(
  /** @type {EventEmitter} */ emitter,
  /** @type {string} */ name,
  /** @type {any} */ details,
) {
  const event = preventable(details)
  emitter.emit(name, event, ...(details?.arguments ?? []))
  return event.defaultPrevented
}

class MessagePortMain extends EventEmitter {
  /** @param {import('node:worker_threads').MessagePort} port */
  constructor(port) {
    super()
    this.port = port
    port.on('close', () => this.emit('close'))
  }
  /** Only now are messages delivered, also those that came before. */
  start() {
    this.port.on('message', (data) => this.emit('message', { data, ports: [] }))
  }
  /** @param {unknown} message @param {unknown[]} [transfer] */
  postMessage(message, transfer = []) {
    if (transfer.length > 0) throw new TypeError('only ports can be transferred')
    // Electron copies with V8's serializer, which refuses memory that is shared; Node's port would let it through.
    this.port.postMessage(deserialize(serialize(message)))
  }
  close() {
    this.port.close()
  }
}

export class MessageChannelMain {
  constructor() {
    const { port1, port2 } = new MessageChannel()
    this.port1 = new MessagePortMain(port1)
    /** Travels to a page as it is. */
    this.port2 = port2
  }
}

// eslint-disable-next-line no-restricted-syntax -- this is Electron's side of it
export const ipcMain = new EventEmitter()

export const protocol = {
  /** @param {typeof record.schemes} schemes */
  registerSchemesAsPrivileged(schemes) {
    onlyBeforeReady('registerSchemesAsPrivileged')
    record.schemes.push(...schemes)
  },
}

class Session extends EventEmitter {
  /** @type {Map<string, (request: Request) => Promise<Response>>} */
  schemes = new Map()
  /** @type {Record<string, any>} */
  handlers = {}
  protocol = {
    handle: (/** @type {string} */ scheme, /** @type {(request: Request) => Promise<Response>} */ handler) => {
      if (this.schemes.has(scheme)) throw new Error(`the scheme ${scheme} is handled already`)
      this.schemes.set(scheme, handler)
    },
  }
  webRequest = {
    onBeforeRequest: (/** @type {any} */ handler) => {
      this.handlers['beforeRequest'] = handler
    },
  }
  setPermissionRequestHandler = this.#keep('permissionRequest')
  setPermissionCheckHandler = this.#keep('permissionCheck')
  setDevicePermissionHandler = this.#keep('devicePermission')
  setDisplayMediaRequestHandler = this.#keep('displayMedia')

  /** @param {string} name */
  #keep(name) {
    return (/** @type {unknown} */ handler) => {
      this.handlers[name] = handler
    }
  }

  /** What a request of a page comes to: cancelled, or the answer of the scheme's handler. @param {string} url @param {string} [method] */
  async request(url, method = 'GET') {
    let cancelled = false
    this.handlers['beforeRequest']?.({ url, method }, (/** @type {{ cancel?: boolean }} */ answer) => {
      cancelled = answer.cancel === true
    })
    if (cancelled) return null
    const handler = this.schemes.get(new URL(url).protocol.slice(0, -1))
    if (handler === undefined) throw new Error(`net::ERR_UNKNOWN_URL_SCHEME ${url}`)
    // Not a Request: its URL parser would not take the address as it is.
    return handler(/** @type {Request} */ ({ url, method, headers: new Headers() }))
  }
}

export const session = { defaultSession: new Session() }

class WebContents extends EventEmitter {
  session = session.defaultSession
  mainFrame = { url: 'about:blank', parent: null }
  /** @type {Page | undefined} */
  page
  /** @type {((details: { url: string }) => { action: string }) | undefined} */
  windowOpenHandler
  reloads = 0

  /** @param {string | undefined} preload */
  constructor(preload) {
    super()
    this.preload = preload
  }

  setWindowOpenHandler(/** @type {any} */ handler) {
    this.windowOpenHandler = handler
  }

  /** @param {string} url */
  async load(url) {
    const response = await this.session.request(url)
    if (response === null || !response.ok)
      throw new Error(`ERR_FAILED (${response?.status ?? 'cancelled'}) loading '${url}'`)
    this.page?.leave()
    this.mainFrame.url = url
    this.page = new Page(url, await response.text())
    if (this.preload !== undefined) {
      this.page.runPreload(readFileSync(this.preload, 'utf8'), (channel, args) => {
        // eslint-disable-next-line no-restricted-syntax -- this is Electron's side of it
        ipcMain.emit(channel, { sender: this, senderFrame: this.mainFrame, ports: [] }, ...args)
      })
    }
    this.emit('did-finish-load')
  }

  reload() {
    this.reloads++
    void this.load(this.mainFrame.url)
  }

  /** @param {string} channel @param {unknown} message @param {any[]} [ports] */
  postMessage(channel, message, ports = []) {
    this.page?.receive(channel, structuredClone(message), ports)
  }
}

export class BrowserWindow extends EventEmitter {
  static getAllWindows() {
    return record.windows.filter((window) => !window.closed)
  }

  closed = false
  shown = false
  title = ''
  #maximized = false

  /** @param {any} [options] */
  constructor(options = {}) {
    super()
    if (!ready) throw new Error('Cannot create BrowserWindow before app is ready')
    this.options = options
    this.shown = options.show !== false
    this.webContents = new WebContents(options.webPreferences?.preload)
    record.windows.push(this)
    app.emit('web-contents-created', {}, this.webContents)
    app.emit('browser-window-created', {}, this)
  }

  /** @param {string} url */
  async loadURL(url) {
    await this.webContents.load(url)
    this.emit('ready-to-show')
  }
  show() {
    this.shown = true
  }
  focus() {}
  restore() {}
  isMinimized() {
    return false
  }
  maximize() {
    this.#maximized = true
    this.shown = true
  }
  isMaximized() {
    return this.#maximized
  }
  getNormalBounds() {
    return { x: 10, y: 20, width: 1300, height: 850 }
  }
  /** @param {string} title */
  setTitle(title) {
    this.title = title
  }
  setDocumentEdited() {}
  setRepresentedFilename() {}
  close() {
    if (!isPrevented(this, 'close', {})) this.destroy()
  }
  destroy() {
    if (this.closed) return
    this.closed = true
    this.webContents.page?.leave()
    this.emit('closed')
    if (BrowserWindow.getAllWindows().length === 0) app.emit('window-all-closed')
  }
}

export const Menu = {
  /** @param {any[]} template */
  buildFromTemplate: (template) => template,
  /** @param {any[]} menu */
  setApplicationMenu(menu) {
    record.menu = menu
  },
}

/** @param {string} kind @param {unknown} cancelled */
function ask(kind, cancelled) {
  return async (/** @type {any[]} */ ...args) => {
    // The window comes first where there is one.
    record.dialogs.push({ kind, options: args[args.length - 1] })
    return dialogAnswers[kind]?.shift() ?? cancelled
  }
}

export const dialog = {
  showOpenDialog: ask('open', { canceled: true, filePaths: [] }),
  showSaveDialog: ask('save', { canceled: true, filePath: '' }),
  showMessageBox: ask('message', { response: 1 }),
  /** @param {string} title @param {string} content */
  showErrorBox(title, content) {
    record.errorBoxes.push({ title, content })
    process.stderr.write(`error box: ${title} ${content}\n`)
  },
}

export const shell = {
  /** @param {string} url */
  async openExternal(url) {
    record.external.push(url)
  },
}

export const nativeTheme = { shouldUseDarkColors: false }
export const screen = {
  getAllDisplays: () => [{ workArea: { x: 0, y: 0, width: 1920, height: 1080 } }],
}

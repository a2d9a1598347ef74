/**
 * A page of the stand-in: the world in which the preload runs (nothing of Node, `require` gives `electron` alone) and the one in
 * which the page's scripts would run, joined only by what the preload exposes and by window messages.
 */
import vm from 'node:vm'

export class Page {
  /** What the preload exposed to the page, by name. @type {Record<string, any>} */
  exposed = {}
  /** Messages that arrived at the page's window. @type {{ data: unknown, targetOrigin: string, ports: any[] }[]} */
  messages = []
  /** Modules that the preload asked for. @type {string[]} */
  required = []
  /** @type {Map<string, ((event: any, ...args: any[]) => void)[]>} */
  #listeners = new Map()
  /** @type {import('node:worker_threads').MessagePort[]} */
  #ports = []

  /** @param {string} url @param {string} html */
  constructor(url, html) {
    this.url = url
    this.html = html
  }

  /**
   * Runs the built preload.
   * @param {string} source
   * @param {(channel: string, args: unknown[]) => void} send what ipcRenderer.send does
   */
  runPreload(source, send) {
    const electron = {
      contextBridge: {
        exposeInMainWorld: (/** @type {string} */ name, /** @type {any} */ api) => {
          if (name in this.exposed) throw new Error(`Cannot bind an API on top of an existing property: ${name}`)
          this.exposed[name] = api
        },
      },
      ipcRenderer: {
        send: (/** @type {string} */ channel, /** @type {unknown[]} */ ...args) => {
          const cloned = structuredClone(args)
          setImmediate(() => send(channel, cloned))
        },
        on: (/** @type {string} */ channel, /** @type {any} */ listener) => {
          this.#listeners.set(channel, [...(this.#listeners.get(channel) ?? []), listener])
        },
      },
    }
    const window = {
      postMessage: (
        /** @type {unknown} */ data,
        /** @type {string} */ targetOrigin,
        /** @type {any[]} */ ports = [],
      ) => {
        this.messages.push({ data: structuredClone(data), targetOrigin, ports })
        this.#ports.push(...ports)
      },
    }
    const require = (/** @type {string} */ name) => {
      this.required.push(name)
      if (name !== 'electron') throw new Error(`module not found: ${name}`)
      return electron
    }
    const module = { exports: {} }
    const run = vm.runInNewContext(`(function (require, module, exports, window) {${source}\n})`, {})
    run(require, module, module.exports, window)
  }

  /** A message of main for the preload. @param {string} channel @param {unknown} message @param {any[]} ports */
  receive(channel, message, ports) {
    for (const listener of this.#listeners.get(channel) ?? []) listener({ ports }, message)
  }

  /** The page is gone; the other ends of its ports are told. */
  leave() {
    for (const port of this.#ports) port.close()
  }
}

/**
 * Finding the way to the main process: the MessagePort of the Electron preload where there is one, else a WebSocket to the
 * server that delivered this page. Both carry the messages of `preload/contract.ts` and nothing else.
 */
import type { Bridge, bridgeName as BridgeName, portMessage as PortMessage } from '../../preload/contract'
import { decodeMessage, encodeMessage } from '../../preload/framing'
import type { PagePort } from './keep'

// Repeated here and held to the contract by their types: importing the values would bring all its schemas into the page.
const bridgeName: typeof BridgeName = 'labHost'
const portMessage: typeof PortMessage = 'lab:port'

/** Milliseconds after which a transport that has not answered counts as unreachable. */
const openTimeout = 10_000

function electronBridge(): Bridge | undefined {
  return (window as unknown as Record<string, Bridge | undefined>)[bridgeName]
}

/** True if this page runs in the Electron shell. */
export function inElectron(): boolean {
  return electronBridge() !== undefined
}

function openMessagePort(bridge: Bridge): Promise<PagePort> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      window.removeEventListener('message', take)
      reject(new Error('The main process did not answer.'))
    }, openTimeout)
    const take = (event: MessageEvent): void => {
      // Only the preload of this very window may hand over a port.
      if (event.source !== window || event.data !== portMessage) return
      const port = event.ports[0]
      if (port === undefined) return
      clearTimeout(timer)
      window.removeEventListener('message', take)
      resolve({
        post: (message) => port.postMessage(message),
        onMessage: (listener) => {
          port.onmessage = (e) => listener(e.data)
          port.start()
        },
        onClose: (listener) => port.addEventListener('close', listener),
        close: () => port.close(),
      })
    }
    window.addEventListener('message', take)
    bridge.connect()
  })
}

/** Address of the WebSocket of the server that delivered this page. */
export function socketAddress(location: { protocol: string; host: string }): string {
  return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`
}

function openSocket(address: string): Promise<PagePort> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(address)
    socket.binaryType = 'arraybuffer'
    const timer = setTimeout(() => {
      socket.close()
    }, openTimeout)
    let opened = false
    let closeCode: number | undefined
    socket.onopen = () => {
      opened = true
      clearTimeout(timer)
      resolve({
        get closeCode() {
          return closeCode
        },
        post: (message) => {
          const frame = encodeMessage(message)
          socket.send(typeof frame === 'string' ? frame : frame)
        },
        onMessage: (listener) => {
          socket.onmessage = (e: MessageEvent<string | ArrayBuffer>) => listener(decodeMessage(e.data))
        },
        onClose: (listener) => socket.addEventListener('close', listener),
        close: () => socket.close(),
      })
    }
    socket.addEventListener('close', (event) => {
      closeCode = event.code
      clearTimeout(timer)
      if (!opened) reject(new Error('The lab does not answer.'))
    })
  })
}

/** Opens the one transport that this page has. Rejects if nobody answers. */
export function openPort(): Promise<PagePort> {
  const bridge = electronBridge()
  return bridge === undefined ? openSocket(socketAddress(window.location)) : openMessagePort(bridge)
}

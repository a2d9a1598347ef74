/**
 * The Electron preload: gives the page one function, `labHost.connect()`, and hands it the MessagePort that main sends in answer.
 * It runs sandboxed and is bundled into one file, so the contract is imported for its types only.
 */
import { contextBridge, ipcRenderer } from 'electron'
import { connectChannel, portChannel } from './contract/channels'
import type { Bridge, bridgeName, portMessage } from './contract'

const name: typeof bridgeName = 'labHost'
const message: typeof portMessage = 'lab:port'

ipcRenderer.on(portChannel, (event) => {
  const [port] = event.ports
  // '/' = this very origin. The page checks that the message comes from its own window.
  if (port !== undefined) window.postMessage(message, '/', [port])
})

const bridge: Bridge = { connect: () => ipcRenderer.send(connectChannel) }
contextBridge.exposeInMainWorld(name, bridge)

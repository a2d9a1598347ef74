import type { MessagePortMain, WebContents } from 'electron'
import type { FlowPort } from './flowPort'

/**
 * The contract over a MessagePort. The port itself does not tell how much waits at the other end; a page that the system calls
 * unresponsive counts as behind.
 */
export function electronPort(port: MessagePortMain, page: WebContents): FlowPort {
  let behind = false
  const drainListeners: (() => void)[] = []
  const stopped = (): void => {
    behind = true
  }
  const resumed = (): void => {
    behind = false
    for (const listener of drainListeners) listener()
  }
  page.on('unresponsive', stopped)
  page.on('responsive', resumed)
  port.on('close', () => {
    page.off('unresponsive', stopped)
    page.off('responsive', resumed)
  })
  return {
    post: (message) => port.postMessage(message),
    onMessage(listener) {
      port.on('message', ({ data }) => listener(data))
      port.start()
    },
    onClose: (listener) => void port.on('close', listener),
    congested: () => behind,
    onDrain: (listener) => void drainListeners.push(listener),
    close: () => port.close(),
  }
}

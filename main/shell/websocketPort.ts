import type { WebSocket } from 'ws'
import type { WireMessage } from '../../preload/contract'
import { closeCodes } from '../../preload/contract/closeCodes'
import { decodeMessage, encodeMessage, FramingError } from '../../preload/framing'
import type { FlowPort } from './flowPort'

/** Largest message that a page may send: notes and report have at most two million characters, each up to six bytes in JSON. */
export const largestRequestBytes = 16 << 20

/** Bytes not yet taken by the operating system above which the page counts as behind, and below which it has caught up. */
const highWaterBytes = 1 << 20
const lowWaterBytes = 1 << 16

/** The contract over a WebSocket, as text and binary frames. */
export function websocketPort(socket: WebSocket, log: (line: string) => void): FlowPort {
  const drainListeners: (() => void)[] = []
  let behind = false

  function sent(): void {
    if (!behind || socket.bufferedAmount > lowWaterBytes) return
    behind = false
    for (const listener of drainListeners) listener()
  }

  // A broken or oversized frame: ws closes the socket itself, with the right code.
  socket.on('error', (error) => log(`WebSocket: ${error.message}`))

  return {
    post(message: WireMessage) {
      if (socket.readyState !== socket.OPEN) return
      socket.send(encodeMessage(message), sent)
    },
    onMessage(listener) {
      socket.on('message', (data, isBinary) => {
        let message: WireMessage
        try {
          // The default binary type is one Buffer; text comes as its bytes.
          const bytes = data as Buffer
          message = decodeMessage(isBinary ? bytes : bytes.toString('utf8'))
        } catch (error) {
          if (!(error instanceof FramingError)) throw error
          log(`closed a page: ${error.message}`)
          socket.close(closeCodes.badMessage)
          return
        }
        listener(message)
      })
    },
    onClose: (listener) => void socket.on('close', listener),
    congested() {
      behind ||= socket.bufferedAmount > highWaterBytes
      return behind
    },
    onDrain: (listener) => void drainListeners.push(listener),
    close: (code = closeCodes.shutdown) => socket.close(code),
  }
}

/**
 * The loopback server of the browser shell: the built page's files and one WebSocket, for a page that has proved itself
 * (`browserAccess.ts`). Everything is checked before anything is read.
 */
import { createServer, STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer, type WebSocket } from 'ws'
import { LabProblem, systemCode } from '../lab/problem'
import { BrowserAccess } from './browserAccess'
import { securityHeaders } from './headers'
import { readStaticFile } from './staticFiles'
import { largestRequestBytes } from './websocketPort'

const host = '127.0.0.1'

export interface BrowserServerOptions {
  /** 0 takes any free port. */
  port: number
  /** Folder of the built page. */
  renderer: string
  /** Takes the WebSocket of a page that was let in. */
  onPage(socket: WebSocket): void
  log: (line: string) => void
}

export interface BrowserServer {
  readonly port: number
  /** A start address that works once. */
  newStartUrl: () => string
  /** Stops listening and ends what is open. */
  close(): Promise<void>
}

/**
 * Starts listening on 127.0.0.1.
 *
 * @throws LabProblem `port-taken`, `port-forbidden` or `port-unusable`
 */
export async function startBrowserServer(options: BrowserServerOptions): Promise<BrowserServer> {
  const server = createServer()
  await listen(server, options.port)
  const { port } = server.address() as AddressInfo
  const access = new BrowserAccess(port)
  const headers = securityHeaders(`ws://${host}:${port} ws://localhost:${port}`)
  const sockets = new WebSocketServer({ noServer: true, maxPayload: largestRequestBytes, perMessageDeflate: false })

  server.on('request', (request, response) => {
    respond(request, response).catch((error: unknown) => {
      options.log(`request failed: ${String(error)}`)
      response.destroy()
    })
  })
  server.on('upgrade', (request, socket, head) => {
    const status = refusalOfSocket(request)
    if (status === null) sockets.handleUpgrade(request, socket, head, (page) => options.onPage(page))
    else refuseSocket(socket, status)
  })

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    const refuse = (status: number, text: string): void => {
      response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' })
      response.end(`${text}\n`)
    }
    if (!access.isOurHost(request))
      return refuse(421, `This is the lab's own address on ${host}, not what you asked for.`)
    if (access.isForeign(request)) return refuse(403, 'Pages of other origins may not talk to the lab.')
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD')
      return refuse(405, 'Only GET and HEAD are answered here.')
    }

    const [path, query] = splitTarget(request.url ?? '')
    const token = path === '/' ? new URLSearchParams(query).get('token') : null
    if (token !== null) {
      if (access.hasCookie(request)) return goToPage(request, response)
      if (request.method !== 'GET' || !access.redeem(token)) return refuse(403, addressUsed)
      response.setHeader('Set-Cookie', access.setCookie)
      return goToPage(request, response)
    }
    if (!access.hasCookie(request)) return refuse(403, addressNeeded)

    const file = await readStaticFile(options.renderer, path)
    if (file === null) return refuse(404, 'There is no such file.')
    response.writeHead(200, {
      'Content-Type': file.type,
      'Content-Length': file.bytes.length,
      'Cache-Control': file.cacheControl,
    })
    response.end(request.method === 'HEAD' ? undefined : file.bytes)
  }

  /** Null if the page may have a WebSocket, else the status to refuse it with. */
  function refusalOfSocket(request: IncomingMessage): number | null {
    if (!access.isOurHost(request)) return 421
    // Here the origin must be named: every browser does, and SameSite alone does not tell ports apart.
    if (!access.isOurOrigin(request) || !access.hasCookie(request)) return 403
    return splitTarget(request.url ?? '')[0] === '/ws' ? null : 404
  }

  return {
    port,
    newStartUrl: () => `http://${host}:${port}/?token=${access.newToken()}`,
    close: () =>
      new Promise((resolve) => {
        for (const client of sockets.clients) client.terminate()
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const addressNeeded =
  'The lab opens only with the whole address that it printed when it was started, including “?token=…”. ' +
  'Copy that line into this browser.'
const addressUsed =
  'This start address was used before; each works once, in one browser. ' +
  'Go back to the browser in which the lab is open, or end the lab and start it again: nothing is lost.'

function splitTarget(target: string): [path: string, query: string] {
  const at = target.indexOf('?')
  return at < 0 ? [target, ''] : [target.slice(0, at), target.slice(at + 1)]
}

/** Sends the browser on to the page itself, so that the token is in no address bar. */
function goToPage(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('Cache-Control', 'no-store')
  if (request.headers['sec-fetch-site'] === 'cross-site') {
    // The address was clicked in a page of another site (a web mailer, a web terminal). A browser keeps a strict cookie back on
    // every redirect that follows; a page of our own that moves on counts as ours.
    response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' })
    response.end('<!doctype html><meta http-equiv="refresh" content="0;url=/"><title>nomap lab</title>\n')
    return
  }
  response.writeHead(303, { Location: '/' })
  response.end()
}

function refuseSocket(socket: Duplex, status: number): void {
  socket.on('error', () => {})
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(listenProblem(error, port)))
    server.listen({ host, port, exclusive: true }, resolve)
  })
}

function listenProblem(error: unknown, port: number): LabProblem {
  const remedy = 'Name another one with --port, or leave --port out to get a free one.'
  switch (systemCode(error)) {
    case 'EADDRINUSE':
      return new LabProblem('port-taken', `Port ${port} of ${host} is used by another program.`, remedy)
    case 'EACCES':
      return new LabProblem('port-forbidden', `You may not listen on port ${port} of ${host}.`, remedy)
    default:
      return new LabProblem(
        'port-unusable',
        `The lab cannot listen on port ${port} of ${host} (${String(error)}).`,
        remedy,
      )
  }
}

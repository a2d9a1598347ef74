/** The scheme `app:`: delivers the built page's files, and nothing else of the disk. */
import { protocol, type Session } from 'electron'
import { securityHeaders } from './headers'
import { pageHost, pageScheme } from './pageOrigin'
import { readStaticFile } from './staticFiles'

/** Makes the scheme a proper origin. Must be called before the app is ready. */
export function registerPageScheme(): void {
  protocol.registerSchemesAsPrivileged([
    { scheme: pageScheme, privileges: { standard: true, secure: true, supportFetchAPI: true } },
  ])
}

/** The answer to one request. Works on the text of the address, before a URL object can tidy `..` away. */
export async function pageResponse(renderer: string, request: { url: string; method: string }): Promise<Response> {
  const headers = securityHeaders()
  const refuse = (status: number): Response =>
    new Response(null, { status, headers: { ...headers, 'Cache-Control': 'no-store' } })
  if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(405)
  const [, host, path] = /^app:\/\/([^/?#]*)([^?#]*)/.exec(request.url) ?? []
  if (host !== pageHost) return refuse(404)
  const file = await readStaticFile(renderer, path === '' ? '/' : path)
  if (file === null) return refuse(404)
  return new Response(request.method === 'HEAD' ? null : new Uint8Array(file.bytes), {
    headers: { ...headers, 'Content-Type': file.type, 'Cache-Control': file.cacheControl },
  })
}

/** Answers the scheme's requests in `session` from the folder `renderer`. */
export function servePage(session: Session, renderer: string): void {
  session.protocol.handle(pageScheme, (request) => pageResponse(renderer, request))
}

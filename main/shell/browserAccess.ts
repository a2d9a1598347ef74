/**
 * Who may talk to the browser shell: a page that came with the one-time token of the start address, which it changed for a cookie.
 * Other users and programs of this machine can reach the port too, and any web page can make a browser send requests to it.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

function newSecret(): string {
  return randomBytes(32).toString('base64url')
}

/** Comparing digests takes the same time whatever is guessed. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

export class BrowserAccess {
  private readonly tokens: Buffer[] = []
  private readonly cookieValue = newSecret()
  private readonly cookieName: string
  /** The values of a Host header that mean this server; another one means a rebound name. */
  private readonly hosts: string[]

  constructor(port: number) {
    // Cookies do not tell ports apart, and two labs may run.
    this.cookieName = `nomap-lab-${port}`
    this.hosts = [`127.0.0.1:${port}`, `localhost:${port}`]
    // A browser leaves the default port out.
    if (port === 80) this.hosts.push('127.0.0.1', 'localhost')
  }

  /** A token that {@link redeem} accepts once. */
  newToken(): string {
    const token = newSecret()
    this.tokens.push(digest(token))
    return token
  }

  /** True once for a token from {@link newToken}. */
  redeem(token: string): boolean {
    const given = digest(token)
    const index = this.tokens.findIndex((known) => timingSafeEqual(known, given))
    if (index < 0) return false
    this.tokens.splice(index, 1)
    return true
  }

  /** The Set-Cookie header for a page that redeemed a token. */
  get setCookie(): string {
    return `${this.cookieName}=${this.cookieValue}; Path=/; HttpOnly; SameSite=Strict`
  }

  hasCookie(request: IncomingMessage): boolean {
    const wanted = digest(this.cookieValue)
    return (request.headers.cookie ?? '').split(';').some((pair) => {
      const at = pair.indexOf('=')
      return pair.slice(0, at).trim() === this.cookieName && timingSafeEqual(digest(pair.slice(at + 1).trim()), wanted)
    })
  }

  isOurHost(request: IncomingMessage): boolean {
    return this.hosts.includes(request.headers.host ?? '')
  }

  /** True if the request names the origin of our own page. */
  isOurOrigin(request: IncomingMessage): boolean {
    return this.isOurHost(request) && request.headers.origin === `http://${request.headers.host ?? ''}`
  }

  /** True if the request says that a page of another origin made it. */
  isForeign(request: IncomingMessage): boolean {
    return request.headers.origin !== undefined && !this.isOurOrigin(request)
  }
}

/** The little of HTTP/1.1 that server and client speak. Texts are ASCII; offsets are bytes. */

/** Texts made before: a cache of code, not state. Cleared when it grows beyond what any set of files asks for. */
const requests = new Map<string, { host: string; close: boolean; text: string }>()
const headers = new Map<number, string>()
const CACHED = 16384

/** A request as the client sends it. */
export function requestText(host: string, path: string, close: boolean): string {
  const known = requests.get(path)
  if (known !== undefined && known.host === host && known.close === close) return known.text
  const text = makeRequest(host, path, close)
  if (requests.size >= CACHED) requests.clear()
  requests.set(path, { host, close, text })
  return text
}

function makeRequest(host: string, path: string, close: boolean): string {
  return `GET ${encodePath(path)} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: nomap-lab\r\nAccept: */*\r\n${
    close ? 'Connection: close\r\n' : ''
  }\r\n`
}

/** Header of a good answer. */
export function responseHeader(length: number, close: boolean): string {
  const key = close ? -1 - length : length
  let text = headers.get(key)
  if (text === undefined) {
    text = makeHeader(length, close)
    if (headers.size >= CACHED) headers.clear()
    headers.set(key, text)
  }
  return text
}

function makeHeader(length: number, close: boolean): string {
  return `HTTP/1.1 200 OK\r\nServer: lab-httpd\r\nContent-Type: application/octet-stream\r\nContent-Length: ${length}\r\nConnection: ${
    close ? 'close' : 'keep-alive'
  }\r\n\r\n`
}

/** A whole answer without a file. */
export function errorResponse(status: number): string {
  const reason = { 400: 'Bad Request', 404: 'Not Found', 405: 'Method Not Allowed' }[status] ?? 'Error'
  return `HTTP/1.1 ${status} ${reason}\r\nServer: lab-httpd\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`
}

/** Length of the head including the empty line, or −1 if it is not complete in bytes[0 … length). */
export function headLength(bytes: Uint8Array, at: number, length: number): number {
  const end = at + length
  for (let i = at + 3; i < end; i++)
    if (bytes[i] === 10 && bytes[i - 1] === 13 && bytes[i - 2] === 10 && bytes[i - 3] === 13) return i + 1 - at
  return -1
}

/** Text of a byte range, one character a byte. Heads are short: they go in one call. */
export function textOf(bytes: Uint8Array, at: number, length: number): string {
  let out = ''
  for (let i = 0; i < length; i += PIECE)
    out += String.fromCharCode.apply(
      null,
      bytes.subarray(at + i, at + Math.min(length, i + PIECE)) as unknown as number[],
    )
  return out
}
const PIECE = 4096

/** Value of a header field (case of the name does not matter), or null. */
export function headerField(head: string, name: string): string | null {
  const wanted = name.toLowerCase()
  const n = wanted.length
  for (let at = 0; at < head.length;) {
    let end = head.indexOf('\r\n', at)
    if (end < 0) end = head.length
    // Most lines end here: their colon stands elsewhere.
    if (head.charCodeAt(at + n) === COLON && at + n < end && head.slice(at, at + n).toLowerCase() === wanted)
      return head.slice(at + n + 1, end).trim()
    at = end + 2
  }
  return null
}

const COLON = 58
const PLAIN_PATH = /^[A-Za-z0-9\-._~/!$&'()*+,;=:@]*$/
const UNRESERVED = /^[A-Za-z0-9\-._~/!$&'()*+,;=:@]$/
const HEX = '0123456789ABCDEF'

/** Percent-encodes a path; characters beyond one byte become UTF-8. */
export function encodePath(path: string): string {
  if (PLAIN_PATH.test(path)) return path
  let out = ''
  for (const character of path) {
    if (UNRESERVED.test(character)) {
      out += character
      continue
    }
    for (const byte of utf8(character.codePointAt(0)!)) out += `%${HEX[byte >> 4]}${HEX[byte & 15]}`
  }
  return out
}

function utf8(code: number): number[] {
  if (code < 0x80) return [code]
  if (code < 0x800) return [0xc0 | (code >> 6), 0x80 | (code & 63)]
  if (code < 0x10000) return [0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63)]
  return [0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63)]
}

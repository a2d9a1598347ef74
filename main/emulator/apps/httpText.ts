/** The little of HTTP/1.1 that server and client speak. Texts are ASCII; offsets are bytes. */
import { inet_ntoa } from '../netinet/in'

/** Texts made before: a cache of code, not state. Cleared when it grows beyond what any set of files asks for. */
const requests = new Map<string, { host: number; name: string | undefined; close: boolean; bytes: Uint8Array }>()
const headers = new Map<number, Uint8Array>()
const CACHED = 16384

/** A request as the client sends it. @param host IPv4 address of the server. @param name what stands for it in the request, if it has none. */
export function requestBytes(host: number, path: string, close: boolean, name?: string): Uint8Array {
  const known = requests.get(path)
  if (known !== undefined && known.host === host && known.name === name && known.close === close) return known.bytes
  const bytes = asciiBytes(makeRequest(name ?? inet_ntoa(host), path, close))
  if (requests.size >= CACHED) requests.clear()
  requests.set(path, { host, name, close, bytes })
  return bytes
}

function makeRequest(host: string, path: string, close: boolean): string {
  return `GET ${encodePath(path)} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: nomap-lab\r\nAccept: */*\r\n${
    close ? 'Connection: close\r\n' : ''
  }\r\n`
}

/** Header of a good answer. */
export function responseHeader(length: number, close: boolean): Uint8Array {
  const key = close ? -1 - length : length
  let bytes = headers.get(key)
  if (bytes === undefined) {
    bytes = asciiBytes(makeHeader(length, close))
    if (headers.size >= CACHED) headers.clear()
    headers.set(key, bytes)
  }
  return bytes
}

function asciiBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0))
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

/**
 * Where the value of a header field begins in a head, blanks skipped; −1 if there is no such field. Case of the name does not matter.
 * @param name in lower case, without colon.
 */
export function fieldAt(bytes: Uint8Array, at: number, length: number, name: string): number {
  const end = at + length
  const first = name.charCodeAt(0)
  for (let i = at; i < end; i++) {
    // A line begins behind a line feed; the first line is not a field.
    if (bytes[i] !== 10 || (bytes[i + 1] | 32) !== first) continue
    let n = 1
    while (n < name.length && (bytes[i + 1 + n] | 32) === name.charCodeAt(n)) n++
    if (n !== name.length || bytes[i + 1 + n] !== 58) continue
    let value = i + 2 + n
    while (value < end && bytes[value] === 32) value++
    return value
  }
  return -1
}

/** Decimal number at `at`, −1 without a digit. */
export function decimalAt(bytes: Uint8Array, at: number): number {
  if (at < 0) return -1
  let value = 0
  let i = at
  for (; bytes[i] >= 48 && bytes[i] <= 57; i++) value = value * 10 + bytes[i] - 48
  return i === at ? -1 : value
}

/** True if the bytes from `at` on are this text. */
export function startsWithText(bytes: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false
  return true
}

/** Hash of a path by which a server finds its file without making a string: 30 bits. */
export function pathHash(bytes: Uint8Array, at: number, length: number): number {
  let hash = 0x811c9dc5
  for (let i = at; i < at + length; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193)
  return (hash ^ (hash >>> 15)) & 0x3fffffff
}

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

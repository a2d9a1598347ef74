import { describe, expect, it } from 'vitest'
import {
  decimalAt,
  encodePath,
  errorResponse,
  fieldAt,
  headLength,
  pathHash,
  requestBytes,
  responseHeader,
  startsWithText,
  textOf,
} from './httpText'

const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0))

describe('HTTP texts', () => {
  it('a head is complete with its empty line, not before', () => {
    const text = responseHeader(12_345, false)
    const bytes = Uint8Array.from([...text, ...bytesOf('BODY')])
    expect(headLength(bytes, 0, bytes.length)).toBe(text.length)
    for (let n = 0; n < text.length; n++) expect(headLength(bytes, 0, n)).toBe(-1)
  })

  it('fields are found whatever the case of their name, with or without blanks; values and first lines are not names', () => {
    const bytes = bytesOf('HTTP/1.1 200 OK\r\nX: content-length: 9\r\ncOnTent-LENGTH:   42\r\nConnection:close\r\n\r\n')
    expect(decimalAt(bytes, fieldAt(bytes, 0, bytes.length, 'content-length'))).toBe(42)
    const at = fieldAt(bytes, 0, bytes.length, 'connection')
    expect(startsWithText(bytes, at, 'close')).toBe(true)
    expect(fieldAt(bytes, 0, bytes.length, 'content')).toBe(-1)
    expect(decimalAt(bytes, fieldAt(bytes, 0, bytes.length, 'host'))).toBe(-1)
  })

  it('request and answers say what they should', () => {
    const request = requestBytes(0x0a000001, '/www/a b', true)
    expect(textOf(request, 0, request.length)).toBe(
      'GET /www/a%20b HTTP/1.1\r\nHost: 10.0.0.1\r\nUser-Agent: nomap-lab\r\nAccept: */*\r\nConnection: close\r\n\r\n',
    )
    const header = responseHeader(7, true)
    expect(textOf(header, 0, header.length)).toContain('\r\nContent-Length: 7\r\nConnection: close\r\n\r\n')
    expect(errorResponse(404)).toMatch(/^HTTP\/1\.1 404 Not Found\r\n/)
    expect(textOf(bytesOf('abc'), 1, 2)).toBe('bc')
  })

  it('a path in the middle of a request – has the hash that it has alone; of 65,536 paths hardly two share one', () => {
    const alone = bytesOf('/a/b.bin')
    expect(pathHash(bytesOf('GET /a/b.bin HTTP/1.1'), 4, 8)).toBe(pathHash(alone, 0, 8))
    const hashes = new Set(
      Array.from({ length: 65536 }, (_, i) => {
        const bytes = bytesOf(`/file${i}.bin`)
        return pathHash(bytes, 0, bytes.length)
      }),
    )
    expect(hashes.size).toBeGreaterThan(65500)
  })

  it('paths beyond ASCII are percent-encoded UTF-8', () => {
    expect(encodePath('/ä/€/😀?#%')).toBe('/%C3%A4/%E2%82%AC/%F0%9F%98%80%3F%23%25')
  })
})

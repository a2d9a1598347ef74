/**
 * Lines of JSON that can tell whether they are whole: each object ends with `"sum"`, the CRC-32 of the line without it. A line without a sum
 * (written by hand or by another program) is taken as it is.
 */

const table = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n
  for (let k = 0; k < 8; k++) c = (c & 1) !== 0 ? 0xedb88320 ^ (c >>> 1) : c >>> 1
  return c >>> 0
})

/** CRC-32 (IEEE 802.3) of UTF-8 text, 8 hexadecimal digits. */
export function crc32(value: string): string {
  let c = 0xffffffff
  for (const byte of new TextEncoder().encode(value)) c = table[(c ^ byte) & 255] ^ (c >>> 8)
  return ((c ^ 0xffffffff) >>> 0).toString(16).padStart(8, '0')
}

/** One line without its newline. */
export function checksummed(value: object): string {
  const body = JSON.stringify(value)
  const sum = `"sum":"${crc32(body)}"}`
  return body === '{}' ? `{${sum}` : `${body.slice(0, -1)},${sum}`
}

const ending = /,?"sum":"([0-9a-f]{8})"\}$/

/** The object of a line, or null if the line is not whole. */
export function readLine(line: string): object | null {
  const match = ending.exec(line)
  let body = line
  if (match !== null) {
    body = line.slice(0, match.index) + '}'
    if (crc32(body) !== match[1]) return null
  }
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null
  } catch {
    return null
  }
}

export interface GoodLines<T> {
  values: T[]
  /** Number (from 1) of the first line that is not good, or null. */
  badLine: number | null
}

/** Reads lines up to the first one that is not whole, or that `check` answers with null. */
export function readLines<T>(text: string, check: (value: object) => T | null): GoodLines<T> {
  const values: T[] = []
  const rows = text.split('\n')
  // Text that does not end in a newline was cut in its last line, unless that line is whole.
  for (let i = 0; i < rows.length; i++) {
    if (rows[i].trim() === '') continue
    const value = readLine(rows[i])
    const checked = value === null ? null : check(value)
    if (checked === null) return { values, badLine: i + 1 }
    values.push(checked)
  }
  return { values, badLine: null }
}

/**
 * How a {@link WireMessage} travels over a byte stream (the browser shell's WebSocket).
 *
 * A message without arrays is JSON text. One with `Float64Array`s is a binary frame, little-endian:
 *
 *     u32    length of the head in bytes
 *     bytes  head: UTF-8 JSON `{ "message": …, "arrays": [ { "path": [key, …], "length": n }, … ] }`
 *     0…7    zero bytes up to the next multiple of 8
 *     f64…   the arrays, one after the other in the order of the head
 *
 * In `message` each array's place holds null; `path` leads there from `body`. Arrays carry no offsets: they follow one another
 * and must fill the frame exactly, so that a head cannot point outside of it or twice at the same bytes.
 *
 * Numbers that are not finite arrive as null outside of arrays, and `undefined` is dropped, as JSON does.
 */
import type { ContractError, EventName, WireMessage } from './contract'

/** Deepest nesting that a message may have. A document of ours needs about ten levels. */
export const maximumDepth = 64

/** The message cannot be sent, or what arrived is not a message. The text says why, and never quotes what arrived. */
export class FramingError extends Error {
  override name = 'FramingError'
}

interface ArrayReference {
  path: (string | number)[]
  length: number
}

interface FoundArray {
  path: (string | number)[]
  array: Float64Array
}

const headLengthBytes = 4
const elementBytes = Float64Array.BYTES_PER_ELEMENT

/** By tag, not by `instanceof`: the array may come from another realm (a frame, a test environment). */
function tagOf(value: unknown): string {
  return Object.prototype.toString.call(value)
}

function isFloat64Array(value: unknown): value is Float64Array {
  return tagOf(value) === '[object Float64Array]'
}

/** A record as JSON knows it: neither null nor a list. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function padded(bytes: number): number {
  return Math.ceil(bytes / elementBytes) * elementBytes
}

/**
 * Collects the arrays in `value`, which stands at `path`; throws for what would be lost on the way, cycles and deep nesting.
 * `holders` are the objects around it.
 */
function findArrays(value: unknown, path: (string | number)[], holders: object[], found: FoundArray[]): void {
  if (typeof value === 'bigint' || typeof value === 'function' || typeof value === 'symbol') {
    throw new FramingError(`A ${typeof value} cannot be sent (at ${describePath(path)}).`)
  }
  if (typeof value !== 'object' || value === null) return
  if (isFloat64Array(value)) {
    found.push({ path: [...path], array: value })
    return
  }
  if (holders.includes(value)) throw new FramingError(`The message contains itself (at ${describePath(path)}).`)
  if (holders.length >= maximumDepth)
    throw new FramingError(`The message is nested deeper than ${maximumDepth} levels.`)
  if (!Array.isArray(value) && tagOf(value) !== '[object Object]') {
    throw new FramingError(`A value of type ${tagOf(value).slice(8, -1)} cannot be sent (at ${describePath(path)}).`)
  }
  holders.push(value)
  const parts: Iterable<[string | number, unknown]> = Array.isArray(value) ? value.entries() : Object.entries(value)
  for (const [key, part] of parts) {
    path.push(key)
    findArrays(part, path, holders, found)
    path.pop()
  }
  holders.pop()
}

function describePath(path: (string | number)[]): string {
  return ['body', ...path].join('.')
}

/**
 * The bytes or the text of a message.
 *
 * @throws FramingError if the message holds something that cannot travel: a function, a big integer, a Map, another kind of
 * typed array, or nesting beyond {@link maximumDepth} (so also a cycle).
 */
export function encodeMessage(message: WireMessage): string | Uint8Array<ArrayBuffer> {
  const found: FoundArray[] = []
  if ('body' in message) findArrays(message.body, [], [], found)
  if (found.length === 0) return JSON.stringify(message)

  const arrays: ArrayReference[] = found.map(({ path, array }) => ({ path, length: array.length }))
  const text = JSON.stringify({ message, arrays }, (_key, value: unknown) => (isFloat64Array(value) ? null : value))
  const head = new TextEncoder().encode(text)
  const start = padded(headLengthBytes + head.length)
  const elements = found.reduce((sum, { array }) => sum + array.length, 0)

  const frame = new Uint8Array(start + elements * elementBytes)
  new DataView(frame.buffer).setUint32(0, head.length, true)
  frame.set(head, headLengthBytes)
  const values = new Float64Array(frame.buffer, start)
  let at = 0
  for (const { array } of found) {
    values.set(array, at)
    at += array.length
  }
  return frame
}

/**
 * The message in a text or a binary frame. Arrays of a frame share the frame's memory where it is aligned.
 *
 * @throws FramingError if the data is not a whole, well-formed message.
 */
export function decodeMessage(data: string | ArrayBuffer | Uint8Array): WireMessage {
  if (typeof data === 'string') return checkMessage(parseJson(data))
  return decodeFrame(data instanceof Uint8Array ? data : new Uint8Array(data))
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's own words quote the input, which may be anything.
    throw new FramingError('The message is not valid JSON.')
  }
}

function decodeFrame(bytes: Uint8Array): WireMessage {
  if (bytes.length < headLengthBytes) throw new FramingError('The frame is too short to hold the length of its head.')
  const headLength = new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(0, true)
  const headEnd = headLengthBytes + headLength
  if (headEnd > bytes.length) {
    throw new FramingError(
      `The frame says its head has ${headLength} bytes but only ${bytes.length - headLengthBytes} follow.`,
    )
  }
  const head = parseJson(decodeUtf8(bytes.subarray(headLengthBytes, headEnd)))
  if (!isRecord(head) || !Array.isArray(head['arrays']))
    throw new FramingError('The head of the frame lacks its list of arrays.')
  const references = head['arrays'].map(checkReference)

  const start = padded(headEnd)
  const elements = references.reduce((sum, { length }) => sum + length, 0)
  if (start + elements * elementBytes !== bytes.length) {
    throw new FramingError(
      `The frame says its arrays hold ${elements} numbers but ${bytes.length - start} bytes are left for them.`,
    )
  }
  const message = checkMessage(head['message'])
  if (references.length > 0 && !('body' in message))
    throw new FramingError('Only a message with a body can carry arrays.')

  const values = alignedValues(bytes, start, elements)
  let at = 0
  for (const { path, length } of references) {
    placeArray(message as { body: unknown }, path, values.subarray(at, at + length))
    at += length
  }
  return message
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new FramingError('The head of the frame is not valid UTF-8.')
  }
}

function checkReference(value: unknown): ArrayReference {
  if (!isRecord(value)) throw new FramingError('An array of the frame is not described by a record.')
  const { path, length } = value
  if (typeof length !== 'number' || !Number.isSafeInteger(length) || length < 0) {
    throw new FramingError('An array of the frame has a length that is not a count.')
  }
  if (!Array.isArray(path) || path.length > maximumDepth)
    throw new FramingError('An array of the frame has no usable path.')
  for (const key of path as unknown[]) {
    if (typeof key !== 'string' && !(typeof key === 'number' && Number.isSafeInteger(key) && key >= 0)) {
      throw new FramingError('An array of the frame has a path with a key that is neither text nor an index.')
    }
  }
  return { path: path as (string | number)[], length }
}

function alignedValues(bytes: Uint8Array, start: number, elements: number): Float64Array {
  const offset = bytes.byteOffset + start
  if (offset % elementBytes === 0) return new Float64Array(bytes.buffer, offset, elements)
  // Not `slice`: that of Node's Buffer does not copy.
  return new Float64Array(new Uint8Array(bytes.subarray(start)).buffer)
}

/** Puts `array` where `path` leads from the body; only into a place that exists and holds null. */
function placeArray(message: { body: unknown }, path: (string | number)[], array: Float64Array): void {
  let holder: object = message
  let key: string | number = 'body'
  for (const next of path) {
    const inner: unknown = ownValue(holder, key)
    if (typeof inner !== 'object' || inner === null)
      throw new FramingError('An array of the frame has a path that leads nowhere.')
    holder = inner
    key = next
  }
  if (ownValue(holder, key) !== null)
    throw new FramingError('An array of the frame has no empty place at the end of its path.')
  // Not by assignment, which would run the setter of an inherited `__proto__`.
  Object.defineProperty(holder, key, { value: array, writable: true, enumerable: true, configurable: true })
}

function ownValue(holder: object, key: string | number): unknown {
  return Object.hasOwn(holder, key) ? (holder as Record<string | number, unknown>)[key] : undefined
}

/**
 * Checks the envelope of a message, whichever way it came, and returns a fresh one with only the known fields. The body is not
 * looked at: that is for the schema of its method.
 *
 * @throws FramingError if it is not a message.
 */
export function checkMessage(value: unknown): WireMessage {
  if (!isRecord(value)) throw new FramingError('The message is not a record.')
  switch (value['kind']) {
    case 'request':
      return {
        kind: 'request',
        id: checkId(value['id']),
        method: checkText(value['method'], 'method'),
        body: value['body'] ?? null,
      }
    case 'answer':
      return { kind: 'answer', id: checkId(value['id']), body: value['body'] ?? null }
    case 'failure':
      return { kind: 'failure', id: checkId(value['id']), error: checkError(value['error']) }
    case 'event':
      return { kind: 'event', name: checkText(value['name'], 'name') as EventName, body: value['body'] ?? null }
    default:
      throw new FramingError('The message is neither a request, an answer, a failure nor an event.')
  }
}

function checkId(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw new FramingError('The message has an id that is not a count.')
}

function checkText(value: unknown, field: string): string {
  if (typeof value === 'string' && value.length > 0 && value.length <= 200) return value
  throw new FramingError(`The message has no usable ${field}.`)
}

function checkError(value: unknown): ContractError {
  if (!isRecord(value)) throw new FramingError('The failure carries no error.')
  const { code, message, remedy, details } = value
  if (typeof code !== 'string' || typeof message !== 'string' || typeof remedy !== 'string') {
    throw new FramingError('The failure carries an error without code, message or remedy.')
  }
  return typeof details === 'string' ? { code, message, remedy, details } : { code, message, remedy }
}

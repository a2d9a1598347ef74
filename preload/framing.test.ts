import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { WireMessage } from './contract'
import { checkMessage, decodeMessage, encodeMessage, FramingError, maximumDepth } from './framing'

/** JSON without `__proto__` keys: the reference `toEqual` reads those differently, and dispatch refuses them anyway. */
const json = fc.jsonValue({ maxDepth: 4 })
const float64Array = fc.float64Array({ maxLength: 40 })
/** A body with arrays at any depth, beside ordinary values. */
const bodyWithArrays = fc.letrec<{ node: unknown; leaf: unknown }>((tie) => ({
  leaf: fc.oneof(json, float64Array),
  node: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    tie('leaf'),
    fc.array(tie('node'), { maxLength: 4 }),
    fc.dictionary(
      fc.string({ maxLength: 6 }).filter((key) => key !== '__proto__'),
      tie('node'),
      { maxKeys: 4 },
    ),
  ),
})).node
const id = fc.nat()
const text = fc.string({ minLength: 1, maxLength: 30 })
const message: fc.Arbitrary<WireMessage> = fc.oneof(
  fc.record({ kind: fc.constant('request' as const), id, method: text, body: bodyWithArrays }),
  fc.record({ kind: fc.constant('answer' as const), id, body: bodyWithArrays }),
  fc.record({
    kind: fc.constant('failure' as const),
    id,
    error: fc.record(
      { code: text, message: text, remedy: text, details: text },
      { requiredKeys: ['code', 'message', 'remedy'] },
    ),
  }),
  fc.record({
    kind: fc.constant('event' as const),
    name: fc.constantFrom('frame' as const, 'session' as const),
    body: bodyWithArrays,
  }),
)

/** What JSON makes of a body: `-0` becomes 0 outside of arrays. */
function asSent(value: unknown): unknown {
  if (value instanceof Float64Array) return value
  if (Array.isArray(value)) return value.map(asSent)
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, asSent(part)]))
  }
  return Object.is(value, -0) ? 0 : value
}

function expected(sent: WireMessage): unknown {
  return 'body' in sent ? { ...sent, body: asSent(sent.body) } : sent
}

function frame(head: unknown, tail: Uint8Array = new Uint8Array(), lieAboutHead = 0): Uint8Array {
  const bytes = new TextEncoder().encode(typeof head === 'string' ? head : JSON.stringify(head))
  const start = Math.ceil((4 + bytes.length) / 8) * 8
  const whole = new Uint8Array(start + tail.length)
  new DataView(whole.buffer).setUint32(0, bytes.length + lieAboutHead, true)
  whole.set(bytes, 4)
  whole.set(tail, start)
  return whole
}

const frameEvent = { kind: 'event', name: 'frame', body: { times: null } }

describe('framing', () => {
  it('any message – encoded and decoded – is the same message', () => {
    fc.assert(
      fc.property(message, (sent) => {
        expect(decodeMessage(encodeMessage(sent))).toEqual(expected(sent))
      }),
      { numRuns: 500 },
    )
  })

  it('a message – has arrays or not – is a binary frame exactly when it has', () => {
    expect(encodeMessage({ kind: 'answer', id: 1, body: { a: [1, 2] } })).toBeTypeOf('string')
    expect(encodeMessage({ kind: 'answer', id: 1, body: { a: new Float64Array(0) } })).toBeInstanceOf(Uint8Array)
    expect(encodeMessage({ kind: 'answer', id: 1, body: new Float64Array([7]) })).toBeInstanceOf(Uint8Array)
  })

  it('arrays with NaN, infinities and negative zero – travel – keep every bit', () => {
    const values = new Float64Array([NaN, Infinity, -Infinity, -0, Number.MIN_VALUE, Number.MAX_VALUE])
    const got = decodeMessage(encodeMessage({ kind: 'answer', id: 1, body: { values } }))
    expect(new Uint8Array((got as { body: { values: Float64Array } }).body.values.slice().buffer)).toEqual(
      new Uint8Array(values.buffer),
    )
  })

  it('a frame at an odd offset of a larger buffer – decoded – reads its own bytes', () => {
    fc.assert(
      fc.property(message, fc.nat({ max: 9 }), (sent, shift) => {
        const data = encodeMessage(sent)
        if (typeof data === 'string') return
        const larger = new Uint8Array(data.length + shift + 3).fill(0xa5)
        larger.set(data, shift)
        expect(decodeMessage(larger.subarray(shift, shift + data.length))).toEqual(expected(sent))
        // A Buffer is a Uint8Array too, but its slice does not copy.
        expect(decodeMessage(Buffer.from(larger.buffer, shift, data.length))).toEqual(expected(sent))
        expect(decodeMessage(larger.slice(shift, shift + data.length).buffer)).toEqual(expected(sent))
      }),
    )
  })

  it('a view of part of a larger array – encoded – sends only that part', () => {
    const part = new Float64Array([1, 2, 3, 4]).subarray(1, 3)
    const got = decodeMessage(encodeMessage({ kind: 'answer', id: 0, body: part }))
    expect(got).toEqual({ kind: 'answer', id: 0, body: new Float64Array([2, 3]) })
  })

  it.each([
    ['a function', { f: () => 1 }, /function cannot be sent \(at body\.f\)/],
    ['a big integer', [1n], /bigint cannot be sent \(at body\.0\)/],
    ['a Map', { m: new Map() }, /type Map cannot be sent/],
    ['another typed array', { b: new Uint8Array(3) }, /type Uint8Array cannot be sent/],
  ])('a body with %s – encoded – is refused by name', (_name, body, error) => {
    expect(() => encodeMessage({ kind: 'answer', id: 1, body })).toThrow(error)
  })

  it('a body that contains itself twice – encoded – is refused at once', () => {
    const body: Record<string, unknown> = {}
    body['left'] = body['right'] = body
    expect(() => encodeMessage({ kind: 'answer', id: 1, body })).toThrow(FramingError)
  })

  it('a body that names one object twice – encoded – is sent twice', () => {
    const shared = { x: new Float64Array([5]) }
    expect(decodeMessage(encodeMessage({ kind: 'answer', id: 1, body: [shared, shared] }))).toEqual({
      kind: 'answer',
      id: 1,
      body: [{ x: new Float64Array([5]) }, { x: new Float64Array([5]) }],
    })
  })

  it('a body nested beyond the limit – encoded – is refused', () => {
    let body: unknown = 1
    for (let level = 0; level <= maximumDepth; level++) body = [body]
    expect(() => encodeMessage({ kind: 'answer', id: 1, body })).toThrow(/nested deeper/)
  })

  it.each([
    ['no record', '[]'],
    ['null', 'null'],
    ['not JSON', '{"kind":'],
    ['no kind', '{}'],
    ['an unknown kind', '{"kind":"shout","id":1}'],
    ['a negative id', '{"kind":"answer","id":-1,"body":1}'],
    ['an id that is text', '{"kind":"answer","id":"1","body":1}'],
    ['a fractional id', '{"kind":"answer","id":1.5,"body":1}'],
    ['no method', '{"kind":"request","id":1,"body":{}}'],
    ['a method that is no text', '{"kind":"request","id":1,"method":{"x":1},"body":{}}'],
    ['a failure without error', '{"kind":"failure","id":1}'],
    ['a failure with half an error', '{"kind":"failure","id":1,"error":{"code":"x"}}'],
    ['an event without name', '{"kind":"event","body":1}'],
  ])('text with %s – decoded – is refused', (_name, data) => {
    expect(() => decodeMessage(data)).toThrow(FramingError)
  })

  it('any bytes at all – decoded – give a message or a FramingError, nothing else', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.string()), (data) => {
        try {
          checkMessage(decodeMessage(data))
        } catch (error) {
          expect(error).toBeInstanceOf(FramingError)
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('a good frame with one byte changed – decoded – gives a message or a FramingError, nothing else', () => {
    const good = encodeMessage({
      kind: 'event',
      name: 'frame',
      body: { a: new Float64Array(3), b: [new Float64Array(2)] },
    })
    const bytes = good as Uint8Array
    fc.assert(
      fc.property(fc.nat({ max: bytes.length - 1 }), fc.integer({ min: 0, max: 255 }), (at, value) => {
        const changed = bytes.slice()
        changed[at] = value
        try {
          decodeMessage(changed)
        } catch (error) {
          expect(error).toBeInstanceOf(FramingError)
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('unknown fields of the envelope – decoded – are dropped', () => {
    expect(decodeMessage('{"kind":"answer","id":3,"body":1,"sender":"main"}')).toEqual({
      kind: 'answer',
      id: 3,
      body: 1,
    })
  })

  it.each([
    ['shorter than its length field', new Uint8Array([1, 0, 0]), /too short/],
    [
      'whose head is longer than the frame',
      frame({ message: frameEvent, arrays: [] }, undefined, 1000),
      /only \d+ follow/,
    ],
    ['whose head length is the largest', new Uint8Array([255, 255, 255, 255, 0, 0, 0, 0]), /only 4 follow/],
    ['whose head is not UTF-8', new Uint8Array([2, 0, 0, 0, 0xc3, 0x28, 0, 0]), /UTF-8/],
    ['without list of arrays', frame({ message: frameEvent }), /lacks its list/],
    [
      'whose array is longer than what follows',
      frame({ message: frameEvent, arrays: [{ path: ['times'], length: 9 }] }, new Uint8Array(8)),
      /9 numbers but 8 bytes/,
    ],
    [
      'whose array is shorter than what follows',
      frame({ message: frameEvent, arrays: [{ path: ['times'], length: 1 }] }, new Uint8Array(16)),
      /1 numbers but 16 bytes/,
    ],
    [
      'with a negative length',
      frame({ message: frameEvent, arrays: [{ path: ['times'], length: -1 }] }),
      /not a count/,
    ],
    [
      'with a huge length',
      frame({ message: frameEvent, arrays: [{ path: ['times'], length: 2 ** 53 }] }),
      /not a count/,
    ],
    [
      'with lengths that cancel out',
      frame(
        {
          message: frameEvent,
          arrays: [
            { path: ['times'], length: 2 },
            { path: ['x'], length: -1 },
          ],
        },
        new Uint8Array(8),
      ),
      /not a count/,
    ],
    [
      'whose path leads nowhere',
      frame({ message: frameEvent, arrays: [{ path: ['x', 'y'], length: 0 }] }),
      /leads nowhere/,
    ],
    [
      'whose path ends at a taken place',
      frame({ message: { ...frameEvent, body: { times: 1 } }, arrays: [{ path: ['times'], length: 0 }] }),
      /no empty place/,
    ],
    [
      'that fills one place twice',
      frame({
        message: frameEvent,
        arrays: [
          { path: ['times'], length: 0 },
          { path: ['times'], length: 0 },
        ],
      }),
      /no empty place/,
    ],
    [
      'whose path goes through a prototype',
      frame({ message: frameEvent, arrays: [{ path: ['__proto__', 'polluted'], length: 0 }] }),
      /leads nowhere/,
    ],
    [
      'whose path ends at a prototype',
      frame({ message: frameEvent, arrays: [{ path: ['__proto__'], length: 0 }] }),
      /no empty place/,
    ],
    [
      'whose path goes through an array already placed',
      frame({
        message: frameEvent,
        arrays: [
          { path: ['times'], length: 0 },
          { path: ['times', 'x'], length: 0 },
        ],
      }),
      /no empty place/,
    ],
    [
      'whose path holds an object',
      frame({ message: frameEvent, arrays: [{ path: [{}], length: 0 }] }),
      /neither text nor an index/,
    ],
    [
      'with arrays for a failure',
      frame({
        message: { kind: 'failure', id: 1, error: { code: 'a', message: 'b', remedy: 'c' } },
        arrays: [{ path: [], length: 0 }],
      }),
      /with a body/,
    ],
  ])('a frame %s – decoded – is refused', (_name, data, error) => {
    expect(() => decodeMessage(data)).toThrow(FramingError)
    expect(() => decodeMessage(data)).toThrow(error)
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })
})

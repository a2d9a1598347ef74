/**
 * Compares received bytes with the file they should be: eight bytes at a time, as doubles, which engines load and compare three times as fast as two
 * 32-bit words. Doubles that compare unequal, or equal to zero, prove nothing (NaN is never equal, +0 equals −0): such blocks are compared as words.
 */

interface Views {
  buffer: ArrayBufferLike | null
  doubles: Float64Array
  words: Int32Array
}
/** Views on big buffers are costly to make: the ones used last are kept. They are caches of code, not state. */
const viewsA: Views = { buffer: null, doubles: new Float64Array(0), words: new Int32Array(0) }
const viewsB: Views = { buffer: null, doubles: new Float64Array(0), words: new Int32Array(0) }
/** For bytes that lie differently from the file on 8-byte borders. Working memory. */
const CHUNK = 65536
const shifted = new Uint8Array(CHUNK + 8)
const shiftedViews: Views = { buffer: null, doubles: new Float64Array(0), words: new Int32Array(0) }
/** Below this the loop over bytes is as fast. */
const SHORT = 64

function look(views: Views, bytes: Uint8Array): void {
  const { buffer } = bytes
  if (views.buffer === buffer) return
  views.buffer = buffer
  views.doubles = new Float64Array(buffer as ArrayBuffer, 0, buffer.byteLength >>> 3)
  views.words = new Int32Array(buffer as ArrayBuffer, 0, buffer.byteLength >>> 2)
}

/** How many of `length` bytes of a at `at` differ from b at `bt`. 0 = all equal. */
export function differingBytes(a: Uint8Array, at: number, b: Uint8Array, bt: number, length: number): number {
  if (length < SHORT) return differingOneByOne(a, at, b, bt, length)
  look(viewsB, b)
  const lead = (b.byteOffset + bt) & 7
  if (((a.byteOffset + at) & 7) === lead) {
    look(viewsA, a)
    return differingAlike(a, at, viewsA, b, bt, length)
  }
  look(shiftedViews, shifted)
  let wrong = 0
  for (let done = 0; done < length; done += CHUNK) {
    const n = Math.min(length - done, CHUNK)
    shifted.set(a.subarray(at + done, at + done + n), lead)
    wrong += differingAlike(shifted, lead, shiftedViews, b, bt + done, n)
  }
  return wrong
}

/** Both lie alike on 8-byte borders; the views of b are made. */
function differingAlike(a: Uint8Array, at: number, views: Views, b: Uint8Array, bt: number, length: number): number {
  const lead = -(a.byteOffset + at) & 7
  let wrong = differingOneByOne(a, at, b, bt, lead)
  const da = views.doubles
  const db = viewsB.doubles
  let pa = (a.byteOffset + at + lead) >>> 3
  let pb = (b.byteOffset + bt + lead) >>> 3
  const blocks = (length - lead) >>> 5
  for (let n = 0; n < blocks; n++) {
    const w = da[pa]
    const x = da[pa + 1]
    const y = da[pa + 2]
    const z = da[pa + 3]
    if (
      (w !== db[pb] ||
        x !== db[pb + 1] ||
        y !== db[pb + 2] ||
        z !== db[pb + 3] ||
        w === 0 ||
        x === 0 ||
        y === 0 ||
        z === 0) &&
      !sameWords(views.words, pa * 2, viewsB.words, pb * 2)
    )
      wrong += differingOneByOne(a, pa * 8 - a.byteOffset, b, pb * 8 - b.byteOffset, 32)
    pa += 4
    pb += 4
  }
  const done = lead + blocks * 32
  return wrong + differingOneByOne(a, at + done, b, bt + done, length - done)
}

/** Compares eight words. */
function sameWords(a: Int32Array, at: number, b: Int32Array, bt: number): boolean {
  return (
    ((a[at] ^ b[bt]) |
      (a[at + 1] ^ b[bt + 1]) |
      (a[at + 2] ^ b[bt + 2]) |
      (a[at + 3] ^ b[bt + 3]) |
      (a[at + 4] ^ b[bt + 4]) |
      (a[at + 5] ^ b[bt + 5]) |
      (a[at + 6] ^ b[bt + 6]) |
      (a[at + 7] ^ b[bt + 7])) ===
    0
  )
}

function differingOneByOne(a: Uint8Array, at: number, b: Uint8Array, bt: number, length: number): number {
  let wrong = 0
  for (let i = 0; i < length; i++) if (a[at + i] !== b[bt + i]) wrong++
  return wrong
}

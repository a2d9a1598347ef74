/** Compares received bytes with the file they should be: four bytes at a time where both lie alike on word borders. */

let bufferA: ArrayBufferLike | null = null
let wordsA = new Int32Array(0)
let bufferB: ArrayBufferLike | null = null
let wordsB = new Int32Array(0)

/** Views on big buffers are costly to make: the ones used last are kept. They are caches of code, not state. */
function viewA(bytes: Uint8Array): Int32Array {
  if (bytes.buffer !== bufferA) {
    bufferA = bytes.buffer
    wordsA = new Int32Array(bytes.buffer as ArrayBuffer, 0, bytes.buffer.byteLength >>> 2)
  }
  return wordsA
}
function viewB(bytes: Uint8Array): Int32Array {
  if (bytes.buffer !== bufferB) {
    bufferB = bytes.buffer
    wordsB = new Int32Array(bytes.buffer as ArrayBuffer, 0, bytes.buffer.byteLength >>> 2)
  }
  return wordsB
}

/** How many of `length` bytes of a at `at` differ from b at `bt`. 0 = all equal. */
export function differingBytes(a: Uint8Array, at: number, b: Uint8Array, bt: number, length: number): number {
  let wrong = 0
  let i = 0
  const startA = a.byteOffset + at
  const startB = b.byteOffset + bt
  if (((startA ^ startB) & 3) === 0 && length >= 16) {
    while (((startA + i) & 3) !== 0) {
      if (a[at + i] !== b[bt + i]) wrong++
      i++
    }
    const wa = viewA(a)
    const wb = viewB(b)
    let pa = (startA + i) >>> 2
    let pb = (startB + i) >>> 2
    const words = (length - i) >>> 2
    const end = pa + (words & ~7)
    while (pa < end) {
      if (
        ((wa[pa] ^ wb[pb]) |
          (wa[pa + 1] ^ wb[pb + 1]) |
          (wa[pa + 2] ^ wb[pb + 2]) |
          (wa[pa + 3] ^ wb[pb + 3]) |
          (wa[pa + 4] ^ wb[pb + 4]) |
          (wa[pa + 5] ^ wb[pb + 5]) |
          (wa[pa + 6] ^ wb[pb + 6]) |
          (wa[pa + 7] ^ wb[pb + 7])) !==
        0
      )
        for (let j = 0; j < 32; j++) if (a[pa * 4 - a.byteOffset + j] !== b[pb * 4 - b.byteOffset + j]) wrong++
      pa += 8
      pb += 8
    }
    i = pa * 4 - startA
  }
  for (; i < length; i++) if (a[at + i] !== b[bt + i]) wrong++
  return wrong
}

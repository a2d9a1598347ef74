/**
 * Receive side scaling: the Toeplitz hash by which the card spreads connections over receive queues. Addresses and ports of both ends go in, in the
 * order of the frame. The key has room for two IPv6 addresses and ports. Key and method are Microsoft's published ones, which FreeBSD uses as its default key (sys/net/rss_config.c; read).
 */
const key = [
  0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b,
  0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac,
  0x01, 0xfa,
]

/** Two IPv6 addresses and two ports. */
const INPUT_BYTES = 36

/** 32 bits of the key from a bit position. */
function keyWindow(bit: number): number {
  let window = 0
  for (let i = 0; i < 32; i++) {
    const at = bit + i
    window = (window << 1) | ((key[at >> 3] >> (7 - (at & 7))) & 1)
  }
  return window >>> 0
}

/** Contribution of each value of each input byte: a constant made from the key. */
const table = new Uint32Array(INPUT_BYTES * 256)
for (let byte = 0; byte < INPUT_BYTES; byte++)
  for (let value = 0; value < 256; value++) {
    let hash = 0
    for (let bit = 0; bit < 8; bit++) if ((value >> (7 - bit)) & 1) hash ^= keyWindow(byte * 8 + bit)
    table[byte * 256 + value] = hash
  }

/** Hash of `n` bytes (8 or 32: addresses, 12 or 36: addresses and ports). */
export function toeplitz(bytes: Uint8Array, at: number, n: number): number {
  let hash = 0
  for (let i = 0; i < n; i++) hash ^= table[i * 256 + bytes[at + i]]
  return hash >>> 0
}

/** Hash of a TCP/IPv4 frame without IP options: addresses at `l3` + 12, ports right behind at `l4`. */
export function hashTcp4(bytes: Uint8Array, l3: number, l4: number): number {
  let hash = 0
  for (let i = 0; i < 8; i++) hash ^= table[i * 256 + bytes[l3 + 12 + i]]
  for (let i = 0; i < 4; i++) hash ^= table[(8 + i) * 256 + bytes[l4 + i]]
  return hash >>> 0
}

/** Hash of a TCP/IPv6 frame without extension headers: addresses at `l3` + 8, ports right behind them. */
export function hashTcp6(bytes: Uint8Array, l3: number): number {
  return toeplitz(bytes, l3 + 8, 36)
}

/** IPv4 addresses as text. Source: inet_aton(3), inet_ntoa(3) (read). */

/** Dotted address to a number in host order, or null. Parts may be decimal, octal or hexadecimal, and fewer than four. */
export function inet_aton(text: string): number | null {
  const parts = text.split('.')
  if (parts.length > 4) return null
  const values: number[] = []
  for (const part of parts) {
    if (!/^(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)$/.test(part)) return null
    values.push(/^0[0-7]+$/.test(part) ? parseInt(part, 8) : Number(part))
  }
  const last = values.pop() ?? 0
  if (values.some((value) => value > 255)) return null
  // The last part fills all bytes that are left.
  const room = [4294967296, 16777216, 65536, 256][values.length]
  if (last >= room) return null
  let address = last
  const weights = [16777216, 65536, 256]
  values.forEach((value, index) => (address += value * weights[index]))
  return address >>> 0
}

export function inet_ntoa(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join('.')
}

/** Netmask of a prefix length 0 … 32. */
export function prefixMask(length: number): number {
  return length <= 0 ? 0 : (0xffffffff << (32 - length)) >>> 0
}

/** Prefix length of a netmask, or null if its ones are not together. */
export function prefixLength(mask: number): number | null {
  for (let length = 0; length <= 32; length++) if (prefixMask(length) === mask >>> 0) return length
  return null
}

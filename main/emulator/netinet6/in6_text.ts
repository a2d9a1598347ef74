/** IPv6 addresses as text. Source: RFC 4291, RFC 5952; inet_pton(3), inet_ntop(3) (behaviour read). */
import type { In6Words } from './in6'

/** Words of a text without zone or prefix length, or null. The last 32 bits may be a dotted IPv4 address. */
export function inet_pton6(text: string): In6Words | null {
  const halves = text.split('::')
  if (halves.length > 2 || text.length > 45) return null
  const groups = halves.map((half) => (half === '' ? [] : groupsOf(half)))
  const [head, tail] = groups
  if (head === null || tail === null) return null
  if (halves.length === 1) return head.length === 8 ? wordsOf(head) : null
  const missing = 8 - head.length - tail.length
  // `::` stands for at least one group.
  return missing < 1 ? null : wordsOf([...head, ...new Array<number>(missing).fill(0), ...tail])
}

/** 16-bit groups of a text between colons, or null. */
function groupsOf(text: string): number[] | null {
  const out: number[] = []
  const parts = text.split(':')
  for (const [i, part] of parts.entries()) {
    if (i === parts.length - 1 && part.includes('.')) {
      const dotted = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(part)
      if (dotted === null) return null
      const bytes = dotted.slice(1).map(Number)
      if (bytes.some((byte, n) => byte > 255 || String(byte) !== dotted[n + 1])) return null
      out.push(bytes[0] * 256 + bytes[1], bytes[2] * 256 + bytes[3])
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) out.push(parseInt(part, 16))
    else return null
  }
  return out.length <= 8 ? out : null
}

function wordsOf(groups: readonly number[]): In6Words {
  const word = (n: number): number => groups[2 * n] * 65536 + groups[2 * n + 1]
  return [word(0), word(1), word(2), word(3)]
}

/** Text of an address: small letters, the longest run of two or more zero groups as `::`, the last 32 bits dotted behind `::` and `::ffff:`. */
export function inet_ntop6(words: In6Words): string {
  const groups = words.flatMap((word) => [word >>> 16, word & 0xffff])
  let best = -1
  let length = 1
  for (let i = 0; i < 8; i++) {
    let n = 0
    while (i + n < 8 && groups[i + n] === 0) n++
    if (n > length) {
      best = i
      length = n
    }
  }
  const mapped = best === 0 && length === 5 && groups[5] === 0xffff
  const compatible = best === 0 && length === 6
  if (mapped || compatible) {
    const last = words[3]
    return `::${mapped ? 'ffff:' : ''}${last >>> 24}.${(last >>> 16) & 255}.${(last >>> 8) & 255}.${last & 255}`
  }
  const text = (from: number, to: number): string =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':')
  return best < 0 ? text(0, 8) : `${text(0, best)}::${text(best + length, 8)}`
}

/**
 * IPv6 numbers, and addresses as the stack handles them. An address has 128 bits; the rest of TCP keeps and compares 32-bit numbers. So every address that
 * a host has met is a row of the table `in6.addr`, and the number of the row stands for it: rows are numbers of 0.0.0.0/8, which no IPv4 host has, 0 is
 * `::` as it is 0.0.0.0. Two addresses are equal when their rows are. The kernel has struct in6_addr inside of in_conninfo instead (assumed: ours).
 *
 *   inp_faddr = 0x0a000002   10.0.0.2            inp_faddr = 5   row 5: 2001:db8::2
 *
 * Link-local addresses carry the number of their interface in the second 16 bits while they are in the host, as in the kernel (sys/netinet6/scope6.c).
 * Source: sys/netinet/ip6.h, sys/netinet6/in6.h (values read). Addresses stay in the table for good: 28 bytes each.
 */
import type { Kernel } from '../kernel'
import { get16, get32, put16, put32 } from '../netinet/in'
import { KASSERT } from '../sys/systm'

export const IP6_HDRLEN = 40
export const IPV6_MAXPACKET = 65535
/** Smallest MTU that a link for IPv6 may have. */
export const IPV6_MMTU = 1280
export const IPPROTO_FRAGMENT = 44
/** Bytes of the fragment header. */
export const IP6_FRAG_LEN = 8

/** Field offsets of the IPv6 header. */
export const IP6_FLOW = 0
export const IP6_PLEN = 4
export const IP6_NXT = 6
export const IP6_HLIM = 7
export const IP6_SRC = 8
export const IP6_DST = 24
/** Field offsets of the fragment header; more fragments follow. */
export const IP6F_NXT = 0
export const IP6F_OFFLG = 2
export const IP6F_IDENT = 4
export const IP6F_OFF_MASK = 0xfff8
export const IP6F_MORE_FRAG = 1

/** `::`, as a row. */
export const IN6ADDR_ANY = 0
/** Rows are below: addresses of 0.0.0.0/8. */
const IN6_ROWS = 0x01000000

/** Four words of 32 bits, the first one first. */
export type In6Words = readonly [number, number, number, number]
export const in6addr_loopback: In6Words = [0, 0, 0, 1]

const HASH = 1024

/** The addresses that a host has met. */
export function createIn6Addresses(k: Kernel) {
  const quiet = { quiet: true }
  const addr = k.registry.table(
    k.part('in6.addr'),
    {
      a0: 'u32',
      a1: 'u32',
      a2: 'u32',
      a3: 'u32',
      /** Folded sum of its 16-bit words as they go into a pseudo header: without the number of the interface. */
      pseudo: 'u16',
      /** How many interfaces of the host have it. */
      local: 'u16',
      next: 'i32',
    },
    64,
    quiet,
  )
  const hash = new Int32Array(HASH)
  k.registry.fixed(k.part('in6.hash'), hash, quiet)
  return Object.assign(addr, { hash })
}

/** True for a number that stands for an IPv6 address other than `::`. */
export function isInet6(address: number): boolean {
  return address !== 0 && address < IN6_ROWS
}

/** Row of an address; it gets one if it has none. */
export function in6_row(k: Kernel, a0: number, a1: number, a2: number, a3: number): number {
  if ((a0 | a1 | a2 | a3) === 0) return IN6ADDR_ANY
  const t = k.inet6.addr
  let h = Math.imul(a0 ^ Math.imul(a1, 0x85ebca6b), 0x9e3779b1) ^ Math.imul(a2 ^ Math.imul(a3, 0xc2b2ae35), 0x27d4eb2f)
  h = (h ^ (h >>> 15)) & (HASH - 1)
  for (let row = t.hash[h]; row !== 0; row = t.next[row])
    if (t.a3[row] === a3 && t.a2[row] === a2 && t.a1[row] === a1 && t.a0[row] === a0) return row
  const row = t.alloc()
  KASSERT(row < IN6_ROWS, 'in6_row: a host meets fewer than 2^24 addresses')
  t.a0[row] = a0
  t.a1[row] = a1
  t.a2[row] = a2
  t.a3[row] = a3
  const top = isLinkLocal(a0) ? (a0 & 0xffff0000) >>> 0 : a0
  let sum = (top >>> 16) + (top & 0xffff)
  for (const word of [a1, a2, a3]) sum += (word >>> 16) + (word & 0xffff)
  sum = (sum & 0xffff) + (sum >>> 16)
  t.pseudo[row] = (sum & 0xffff) + (sum >>> 16)
  t.local[row] = 0
  t.next[row] = t.hash[h]!
  t.hash[h] = row
  return row
}

/** fe80::/10 by its first word. */
function isLinkLocal(a0: number): boolean {
  return a0 >>> 22 === 0x3fa
}

/** True for a link-local address. */
export function in6_isLinkLocal(k: Kernel, row: number): boolean {
  return isLinkLocal(k.inet6.addr.a0[row])
}

/** Interface of a link-local address, else 0. Source: scope6.c in6_getscopezone (derived). */
export function in6_getscope(k: Kernel, row: number): number {
  const a0 = k.inet6.addr.a0[row]
  return isLinkLocal(a0) ? a0 & 0xffff : 0
}

/** The four words of an address. With `bare` without the number of the interface. */
export function in6_words(k: Kernel, row: number, bare = false): In6Words {
  const t = k.inet6.addr
  const a0 = row === 0 ? 0 : t.a0[row]
  const top = bare && isLinkLocal(a0) ? (a0 & 0xffff0000) >>> 0 : a0
  return row === 0 ? [0, 0, 0, 0] : [top, t.a1[row], t.a2[row], t.a3[row]]
}

/** Row of four words on an interface: a link-local address gets its number. Source: scope6.c in6_setscope (derived). */
export function in6_rowOn(k: Kernel, words: In6Words, ifp: number): number {
  const top = isLinkLocal(words[0]) ? ((words[0] & 0xffff0000) | ifp) >>> 0 : words[0]
  return in6_row(k, top, words[1], words[2], words[3])
}

/** Row of the 16 bytes at a place in a header. With `ifp` they came from that interface. */
export function in6_get(k: Kernel, bytes: Uint8Array, at: number, ifp = 0): number {
  let top = get32(bytes, at)
  if (ifp !== 0 && isLinkLocal(top)) top = ((top & 0xffff0000) + ifp) >>> 0
  return in6_row(k, top, get32(bytes, at + 4), get32(bytes, at + 8), get32(bytes, at + 12))
}

/** Writes an address as the host keeps it; ip6_output takes the number of the interface out. */
export function in6_put(k: Kernel, bytes: Uint8Array, at: number, row: number): void {
  const t = k.inet6.addr
  put32(bytes, at, row === 0 ? 0 : t.a0[row])
  put32(bytes, at + 4, row === 0 ? 0 : t.a1[row])
  put32(bytes, at + 8, row === 0 ? 0 : t.a2[row])
  put32(bytes, at + 12, row === 0 ? 0 : t.a3[row])
}

/** Takes the number of the interface out of a link-local address in a header. Source: scope6.c in6_clearscope. */
export function in6_clearscope(bytes: Uint8Array, at: number): void {
  if (bytes[at] === 0xfe && (bytes[at + 1] & 0xc0) === 0x80 && get16(bytes, at + 2) !== 0) put16(bytes, at + 2, 0)
}

/** Folded one's-complement sum of the pseudo header, not inverted. `length`: upper header and payload. Source: in6_cksum.c in6_cksum_pseudo. */
export function in6_cksum_pseudo(k: Kernel, src: number, dst: number, length: number, proto: number): number {
  const { pseudo } = k.inet6.addr
  const sum = pseudo[src] + pseudo[dst] + (length >>> 16) + (length & 0xffff) + proto
  const folded = (sum & 0xffff) + (sum >>> 16)
  return (folded & 0xffff) + (folded >>> 16)
}

/**
 * Internet numbers and byte order. Addresses are unsigned 32-bit numbers in host order (10.0.0.1 = 0x0a000001). Source: sys/netinet/in.h, ip.h, tcp.h.
 */

export const IPPROTO_ICMP = 1
export const IPPROTO_TCP = 6
export const IPPROTO_UDP = 17

export const INADDR_ANY = 0
export const INADDR_LOOPBACK = 0x7f000001
export const INADDR_BROADCAST = 0xffffffff
/** IN_LOOPBACKNET */
export const IN_LOOPBACKNET = 127

export const IP_MAXPACKET = 65535
export const IPVERSION = 4
export const IP_HDRLEN = 20
export const IP_DF = 0x4000
export const IP_MF = 0x2000
export const IP_OFFMASK = 0x1fff

/** Field offsets of the IPv4 header. */
export const IP_TOS = 1
export const IP_LEN = 2
export const IP_ID = 4
export const IP_OFF = 6
export const IP_TTL = 8
export const IP_P = 9
export const IP_SUM = 10
export const IP_SRC = 12
export const IP_DST = 16

export const TCP_HDRLEN = 20
/** sizeof(struct tcpiphdr) */
export const TCPIP_HDRLEN = 40
/** sizeof(struct ip6_hdr) + sizeof(struct tcphdr) */
export const TCPIP6_HDRLEN = 60
/** Field offsets of the TCP header. */
export const TH_SPORT = 0
export const TH_DPORT = 2
export const TH_SEQ = 4
export const TH_ACKNO = 8
export const TH_OFFX = 12
export const TH_FLAGS = 13
export const TH_WIN = 14
export const TH_SUM = 16
export const TH_URP = 18

export const TH_FIN = 0x01
export const TH_SYN = 0x02
export const TH_RST = 0x04
export const TH_PUSH = 0x08
export const TH_ACK = 0x10
export const TH_URG = 0x20

/** Reads 16 bits in network order. */
export function get16(b: Uint8Array, at: number): number {
  return (b[at] << 8) | b[at + 1]
}
/** Reads 32 bits in network order, unsigned. */
export function get32(b: Uint8Array, at: number): number {
  return ((b[at] << 24) | (b[at + 1] << 16) | (b[at + 2] << 8) | b[at + 3]) >>> 0
}
/** Writes 16 bits in network order. */
export function put16(b: Uint8Array, at: number, v: number): void {
  b[at] = v >>> 8
  b[at + 1] = v
}
/** Writes 32 bits in network order. */
export function put32(b: Uint8Array, at: number, v: number): void {
  b[at] = v >>> 24
  b[at + 1] = v >>> 16
  b[at + 2] = v >>> 8
  b[at + 3] = v
}

/** Folded one's-complement sum of the pseudo header, not inverted. `length`: TCP header and payload bytes. Source: in_pseudo, machine/in_cksum.h. */
export function in_pseudo(src: number, dst: number, length: number, proto: number): number {
  let sum = (src >>> 16) + (src & 0xffff) + (dst >>> 16) + (dst & 0xffff) + length + proto
  sum = (sum & 0xffff) + (sum >>> 16)
  return (sum & 0xffff) + (sum >>> 16)
}

/** Dotted text of an address. */
export function inet_ntoa(address: number): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`
}

/** Address of a dotted text, or −1. */
export function inet_addr(text: string): number {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)
  if (match === null) return -1
  let value = 0
  for (let i = 1; i <= 4; i++) {
    const byte = Number(match[i])
    if (byte > 255) return -1
    value = value * 256 + byte
  }
  return value
}

// Sequence numbers wrap at 2^32: order is the sign of the 32-bit difference. Source: sys/netinet/tcp_seq.h.
export const SEQ_LT = (a: number, b: number): boolean => ((a - b) | 0) < 0
export const SEQ_LEQ = (a: number, b: number): boolean => ((a - b) | 0) <= 0
export const SEQ_GT = (a: number, b: number): boolean => ((a - b) | 0) > 0
export const SEQ_GEQ = (a: number, b: number): boolean => ((a - b) | 0) >= 0
export const SEQ_MIN = (a: number, b: number): number => (SEQ_LT(a, b) ? a : b)
export const SEQ_MAX = (a: number, b: number): number => (SEQ_GT(a, b) ? a : b)

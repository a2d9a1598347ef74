/**
 * A hash over addresses and ports of an Ethernet frame, by which lagg(4) spreads flows. Source: sys/kern/uipc_mbufhash.c m_ether_tcpip_hash,
 * m_common_hash_gethdr, sys/sys/fnv_hash.h (read).
 */
import type { Kernel } from '../kernel'
import { M_VLANTAG, MBUF_HASHFLAG_L2, MBUF_HASHFLAG_L3, MBUF_HASHFLAG_L4 } from '../sys/mbuf'
import { mtodAddr } from './kern_mbuf'
import { m_copydata } from './uipc_mbuf_chain'

const FNV_32_PRIME = 0x01000193
export const FNV1_32_INIT = 33554467

const ETHER_HDR_LEN = 14
const ETHERTYPE_IP = 0x0800
const ETHERTYPE_IPV6 = 0x86dd
const ETHERTYPE_VLAN = 0x8100

/** FNV-1 over `len` bytes, continuing `hash`. An unsigned 32-bit number. */
export function fnv_32_buf(bytes: Uint8Array, at: number, len: number, hash: number): number {
  let h = hash | 0
  for (let i = at; i < at + len; i++) h = Math.imul(h, FNV_32_PRIME) ^ bytes[i]
  return h >>> 0
}

/** The kernel starts from a random number, the lab from the seed of the run, so that the same run takes the same ports (assumed). */
export function m_ether_tcpip_hash_init(seed: number): number {
  const bytes = new Uint8Array([seed, seed >>> 8, seed >>> 16, seed >>> 24])
  return fnv_32_buf(bytes, 0, 4, FNV1_32_INIT)
}

/** Where {@link gethdr} put what it found: the host's memory, or `scratch` when it lay in pieces. */
let found: Uint8Array<ArrayBufferLike> = new Uint8Array(0)
const scratch = new Uint8Array(64)

/** Position in `found` of `len` bytes at `off` of a packet, or −1 if it is shorter. */
function gethdr(k: Kernel, m: number, off: number, len: number): number {
  if (k.mb.ph_len[m] < off + len) return -1
  if (k.mb.m_len[m] < off + len) {
    m_copydata(k, m, off, len, scratch, 0)
    found = scratch
    return 0
  }
  found = k.phys.ram
  return mtodAddr(k, m) + off
}

function tcpip(k: Kernel, flags: number, m: number, hash: number, off: number, etype: number): number {
  let p = hash
  if (etype === ETHERTYPE_IP) {
    const ip = gethdr(k, m, off, 20)
    if (ip < 0) return p
    const header = (found[ip] & 15) * 4
    const protocol = found[ip + 9]
    if ((flags & MBUF_HASHFLAG_L3) !== 0) p = fnv_32_buf(found, ip + 12, 8, p)
    const hasPorts = protocol === 6 || protocol === 17 || protocol === 132
    if ((flags & MBUF_HASHFLAG_L4) !== 0 && hasPorts && header >= 20) {
      const ports = gethdr(k, m, off + header, 4)
      if (ports >= 0) p = fnv_32_buf(found, ports, 4, p)
    }
  } else if (etype === ETHERTYPE_IPV6) {
    const ip6 = gethdr(k, m, off, 40)
    if (ip6 < 0) return p
    if ((flags & MBUF_HASHFLAG_L3) !== 0) p = fnv_32_buf(found, ip6 + 8, 32, p)
    if ((flags & MBUF_HASHFLAG_L4) !== 0) {
      // The flow label stands for the ports.
      scratch[60] = 0
      scratch[61] = found[ip6 + 1] & 0x0f
      scratch[62] = found[ip6 + 2]
      scratch[63] = found[ip6 + 3]
      p = fnv_32_buf(scratch, 60, 4, p)
    }
  }
  return p
}

/**
 * Hash of a frame over the layers in `flags`, from the key `hash`. A tag that stands in the frame is looked for 14 bytes too late, as in the kernel:
 * what is taken for it lies in the IP header, and addresses and ports do not count.
 */
export function m_ether_tcpip_hash(k: Kernel, flags: number, m: number, hash: number): number {
  let p = hash
  let off = ETHER_HDR_LEN
  if (k.mb.m_len[m] < off) return p
  const { ram } = k.phys
  const eh = mtodAddr(k, m)
  let etype = (ram[eh + 12] << 8) | ram[eh + 13]
  if ((flags & MBUF_HASHFLAG_L2) !== 0) {
    p = fnv_32_buf(ram, eh + 6, 6, p)
    p = fnv_32_buf(ram, eh, 6, p)
  }
  if ((k.mb.m_flags[m] & M_VLANTAG) !== 0 && (flags & MBUF_HASHFLAG_L2) !== 0) {
    const tag = k.mb.ph_ether_vtag[m]
    scratch[60] = tag
    scratch[61] = tag >>> 8
    p = fnv_32_buf(scratch, 60, 2, p)
  } else if (etype === ETHERTYPE_VLAN) {
    const vlan = gethdr(k, m, off, 18)
    if (vlan < 0) return p
    if ((flags & MBUF_HASHFLAG_L2) !== 0) p = fnv_32_buf(found, vlan + 14, 2, p)
    etype = (found[vlan + 16] << 8) | found[vlan + 17]
    off += 4
  }
  return tcpip(k, flags, m, p, off, etype)
}

/**
 * frag6: puts the fragments of a packet together again. A packet waits for its fragments for 60 seconds, at most 200 packets with at most 200 fragments
 * in all wait (the kernel's limits scale with its clusters). A fragment that overlaps another is dropped.
 * Source: sys/netinet6/frag6.c frag6_input, frag6_freef, frag6_slowtimo, frag6_drain (derived; one timer event a packet instead of the half-second scan).
 */
import { m_freem, mtodAddr } from '../kern/kern_mbuf'
import { m_adj, m_cat, m_demote_pkthdr, m_pullup } from '../kern/uipc_mbuf'
import type { Kernel } from '../kernel'
import { EV_FRAG6 } from '../machine/eventKinds'
import { get16, get32, put16 } from '../netinet/in'
import {
  in6_get,
  IP6_DST,
  IP6_FRAG_LEN,
  IP6_HDRLEN,
  IP6_NXT,
  IP6_PLEN,
  IP6_SRC,
  IP6F_IDENT,
  IP6F_MORE_FRAG,
  IP6F_NXT,
  IP6F_OFF_MASK,
  IP6F_OFFLG,
  IPV6_MAXPACKET,
} from './in6'

/** IPV6_FRAGTTL: 120 half seconds. */
const FRAGTTL_NS = 60e9
const MAXFRAGPACKETS = 200
const MAXFRAGS = 200

export function createFrag6(k: Kernel) {
  const quiet = { quiet: true }
  return {
    /** struct ip6q: a packet that waits. */
    q: k.registry.table(
      k.part('in6.ip6q'),
      {
        /** Rows of in6.addr. */
        src: 'i32',
        dst: 'i32',
        ident: 'u32',
        nxt: 'u8',
        /** 0 = the row is free. */
        used: 'u8',
        /** First fragment, in the order of offsets. */
        down: 'i32',
        timer: 'f64',
        generation: 'u32',
      },
      8,
      quiet,
    ),
    /** struct ip6asfrag: a fragment; its mbufs begin behind the fragment header, those of the first with the IPv6 header. */
    af: k.registry.table(
      k.part('in6.ip6asfrag'),
      { m: 'i32', off: 'i32', len: 'i32', more: 'u8', down: 'i32' },
      8,
      quiet,
    ),
  }
}

function lookup(k: Kernel, src: number, dst: number, ident: number): number {
  const { q } = k.inet6.frag
  for (let row = 1; row < q.high; row++)
    if (q.used[row] === 1 && q.ident[row] === ident && q.src[row] === src && q.dst[row] === dst) return row
  return 0
}

/** Gives a packet up, or forgets it when its fragments have been taken (`keep`). */
function freef(k: Kernel, row: number, keep: boolean): void {
  const { q, af } = k.inet6.frag
  for (let f = q.down[row]; f !== 0;) {
    const next = af.down[f]
    if (!keep) {
      m_freem(k, af.m[f])
      k.inet6.ip6stat.ip6s_fragdropped++
    }
    af.free(f)
    f = next
  }
  k.machine.cancel(q.timer[row])
  q.timer[row] = 0
  q.used[row] = 0
  q.generation[row]++
  q.free(row)
}

/** EV_FRAG6: the time of a packet is over. */
export function frag6_timeout(k: Kernel, row: number, generation: number): void {
  const { q } = k.inet6.frag
  if (q.used[row] === 0 || (q.generation[row] | 0) !== generation) return
  k.inet6.ip6stat.ip6s_fragtimeout++
  freef(k, row, false)
}

/** frag6_drain: memory is short, every packet that waits is given up. */
export function frag6_drain(k: Kernel): void {
  const { q } = k.inet6.frag
  for (let row = 1; row < q.high; row++) if (q.used[row] === 1) freef(k, row, false)
}

/**
 * A packet whose next header is a fragment header. m is consumed. @returns the whole packet without fragment header when this was its last missing
 * piece, else 0.
 */
export function frag6_input(k: Kernel, m: number): number {
  const stat = k.inet6.ip6stat
  stat.ip6s_fragments++
  const { q, af } = k.inet6.frag
  if (k.mb.m_len[m] < IP6_HDRLEN + IP6_FRAG_LEN) {
    m = m_pullup(k, m, IP6_HDRLEN + IP6_FRAG_LEN)
    if (m === 0) return 0
  }
  const { ram } = k.phys
  const at = mtodAddr(k, m)
  const header = at + IP6_HDRLEN
  const offlg = get16(ram, header + IP6F_OFFLG)
  const off = offlg & IP6F_OFF_MASK
  const more = (offlg & IP6F_MORE_FRAG) !== 0
  const len = k.mb.ph_len[m] - IP6_HDRLEN - IP6_FRAG_LEN
  if (len <= 0 || (more && (len & 7) !== 0) || off + len > IPV6_MAXPACKET) return dropfrag(k, m)
  const nxt = ram[header + IP6F_NXT]
  // An atomic fragment is a packet of its own.
  if (off === 0 && !more) return strip(k, m, nxt, len)
  const ifp = k.mb.ph_rcvif[m]
  const src = in6_get(k, ram, at + IP6_SRC, ifp)
  const dst = in6_get(k, ram, at + IP6_DST, ifp)
  const ident = get32(ram, header + IP6F_IDENT)
  if (af.live >= MAXFRAGS) return dropfrag(k, m)
  let row = lookup(k, src, dst, ident)
  if (row === 0) {
    if (q.live >= MAXFRAGPACKETS) return dropfrag(k, m)
    row = q.alloc()
    q.src[row] = src
    q.dst[row] = dst
    q.ident[row] = ident
    q.used[row] = 1
    q.down[row] = 0
    q.timer[row] = k.machine.schedule(k.now() + FRAGTTL_NS, EV_FRAG6, k.id, row, q.generation[row] | 0)
  }
  if (off === 0) q.nxt[row] = nxt
  // Its place: behind `before`.
  let before = 0
  let after = q.down[row]
  while (after !== 0 && af.off[after] < off) {
    before = after
    after = af.down[after]
  }
  if ((before !== 0 && af.off[before] + af.len[before] > off) || (after !== 0 && off + len > af.off[after]))
    return dropfrag(k, m)
  // Only the first fragment keeps its headers, and it loses the fragment header when all are there.
  if (off !== 0) m_adj(k, m, IP6_HDRLEN + IP6_FRAG_LEN)
  const f = af.alloc()
  af.m[f] = m
  af.off[f] = off
  af.len[f] = len
  af.more[f] = more ? 1 : 0
  af.down[f] = after
  if (before === 0) q.down[row] = f
  else af.down[before] = f
  return together(k, row)
}

function dropfrag(k: Kernel, m: number): number {
  k.inet6.ip6stat.ip6s_fragdropped++
  m_freem(k, m)
  return 0
}

/** The whole packet if no fragment is missing, else 0. */
function together(k: Kernel, row: number): number {
  const { q, af } = k.inet6.frag
  let next = 0
  let last = 0
  for (let f = q.down[row]; f !== 0; f = af.down[f]) {
    if (af.off[f] !== next) return 0
    next += af.len[f]
    last = f
  }
  if (last === 0 || af.more[last] === 1) return 0
  const m = af.m[q.down[row]]
  for (let f = af.down[q.down[row]]; f !== 0; f = af.down[f]) {
    const piece = af.m[f]
    m_demote_pkthdr(k, piece)
    m_cat(k, m, piece)
  }
  const nxt = q.nxt[row]
  freef(k, row, true)
  k.mb.ph_len[m] = IP6_HDRLEN + IP6_FRAG_LEN + next
  // The sums of the pieces were not the card's to check.
  k.mb.ph_csum_flags[m] = 0
  k.inet6.ip6stat.ip6s_reassembled++
  return strip(k, m, nxt, next)
}

/** Takes the fragment header out: the headers in front move back by 8 bytes. */
function strip(k: Kernel, m: number, nxt: number, length: number): number {
  const { ram } = k.phys
  const at = mtodAddr(k, m)
  ram.copyWithin(at + IP6_FRAG_LEN, at, at + IP6_HDRLEN)
  m_adj(k, m, IP6_FRAG_LEN)
  const to = mtodAddr(k, m)
  ram[to + IP6_NXT] = nxt
  put16(ram, to + IP6_PLEN, length)
  return m
}

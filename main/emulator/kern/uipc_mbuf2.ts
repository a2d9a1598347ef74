/**
 * Packet tags: what parts of the stack hang on a packet header for other parts to find. They live and die with the packet: freed with it, copied with a
 * copied header, moved with a moved one. Source: sys/kern/uipc_mbuf2.c, sys/sys/mbuf.h m_tag_*, sys/kern/kern_mbuf.c mb_dtor_mbuf (read). Nothing of the
 * model makes tags by itself; memory of the malloc type mbuf_tag is only counted.
 */
import type { Kernel } from '../kernel'
import { M_PKTHDR } from '../sys/mbuf'
import { KASSERT } from '../sys/systm'

/** Type bit: the tag survives when a packet is handed to another subsystem. */
export const MTAG_PERSISTENT = 0x800
export const MTAG_ABI_COMPAT = 0
/** Longest payload here, bytes. */
export const TAG_DATA_MAX = 64

export function createTags(k: Kernel) {
  const tag = k.registry.table(
    k.part('m_tag'),
    {
      m_tag_link: 'i32',
      m_tag_id: 'u16',
      m_tag_len: 'u16',
      m_tag_cookie: 'u32',
      /** Payload. */
      data: ['u8', TAG_DATA_MAX],
    },
    8,
    { quiet: true },
  )
  /** The n-th allocation from now fails (0: none). For tests. */
  const inject = k.registry.record(k.part('m_tag.inject'), { failAt: 0 }, { quiet: true })
  return Object.assign(tag, { inject })
}

/** A tag with a cleared payload of `len` bytes, or 0. uipc_mbuf2.c m_tag_alloc. */
export function m_tag_alloc(k: Kernel, cookie: number, type: number, len: number): number {
  const t = k.mtag
  if (len < 0 || len > TAG_DATA_MAX) return 0
  if (t.inject.failAt !== 0 && --t.inject.failAt === 0) return 0
  const tag = t.alloc()
  t.m_tag_link[tag] = 0
  t.m_tag_id[tag] = type
  t.m_tag_len[tag] = len
  t.m_tag_cookie[tag] = cookie
  t.data.fill(0, tag * TAG_DATA_MAX, (tag + 1) * TAG_DATA_MAX)
  return tag
}

export function m_tag_free(k: Kernel, tag: number): void {
  k.mtag.free(tag)
}

/** Payload of a tag: to be read and written at once, not kept. */
export function m_tag_data(k: Kernel, tag: number): Uint8Array {
  return k.mtag.data.subarray(tag * TAG_DATA_MAX, tag * TAG_DATA_MAX + k.mtag.m_tag_len[tag])
}

/** Panics unless the mbuf starts a packet. sys/sys/mbuf.h M_ASSERTPKTHDR (read). */
export function M_ASSERTPKTHDR(k: Kernel, m: number): void {
  KASSERT(m !== 0 && (k.mb.m_flags[m] & M_PKTHDR) !== 0, 'M_ASSERTPKTHDR: the mbuf has a packet header')
}

export function m_tag_first(k: Kernel, m: number): number {
  return k.mb.ph_tags[m]
}
export function m_tag_next(k: Kernel, tag: number): number {
  return k.mtag.m_tag_link[tag]
}

/** Puts a tag in front of a packet's others. */
export function m_tag_prepend(k: Kernel, m: number, tag: number): void {
  M_ASSERTPKTHDR(k, m)
  k.mtag.m_tag_link[tag] = k.mb.ph_tags[m]
  k.mb.ph_tags[m] = tag
}

/** Takes a tag off its packet. */
export function m_tag_unlink(k: Kernel, m: number, tag: number): void {
  const t = k.mtag
  let at = k.mb.ph_tags[m]
  if (at === tag) k.mb.ph_tags[m] = t.m_tag_link[tag]
  else {
    while (at !== 0 && t.m_tag_link[at] !== tag) at = t.m_tag_link[at]
    KASSERT(at !== 0, 'm_tag_unlink: the tag hangs on this packet')
    t.m_tag_link[at] = t.m_tag_link[tag]
  }
  t.m_tag_link[tag] = 0
}

export function m_tag_delete(k: Kernel, m: number, tag: number): void {
  m_tag_unlink(k, m, tag)
  m_tag_free(k, tag)
}

/** Deletes tag `from` and those behind it; 0: all. */
export function m_tag_delete_chain(k: Kernel, m: number, from: number): void {
  let tag = from === 0 ? k.mb.ph_tags[m] : from
  while (tag !== 0) {
    const next = k.mtag.m_tag_link[tag]
    m_tag_delete(k, m, tag)
    tag = next
  }
}

/** Deletes the tags that are not MTAG_PERSISTENT: the packet goes to another subsystem. */
export function m_tag_delete_nonpersistent(k: Kernel, m: number): void {
  for (let tag = k.mb.ph_tags[m]; tag !== 0;) {
    const next = k.mtag.m_tag_link[tag]
    if ((k.mtag.m_tag_id[tag] & MTAG_PERSISTENT) === 0) m_tag_delete(k, m, tag)
    tag = next
  }
}

/** The first tag of this kind behind `after` (0: from the start), or 0. */
export function m_tag_locate(k: Kernel, m: number, cookie: number, type: number, after: number): number {
  const t = k.mtag
  let tag = after === 0 ? k.mb.ph_tags[m] : t.m_tag_link[after]
  while (tag !== 0 && (t.m_tag_cookie[tag] !== cookie || t.m_tag_id[tag] !== type)) tag = t.m_tag_link[tag]
  return tag
}

/** m_tag_locate with the cookie of old. */
export function m_tag_find(k: Kernel, m: number, type: number, after: number): number {
  return m_tag_locate(k, m, MTAG_ABI_COMPAT, type, after)
}

/** A copy of one tag, or 0. */
export function m_tag_copy(k: Kernel, tag: number): number {
  const t = k.mtag
  const copy = m_tag_alloc(k, t.m_tag_cookie[tag], t.m_tag_id[tag], t.m_tag_len[tag])
  if (copy !== 0) t.data.copyWithin(copy * TAG_DATA_MAX, tag * TAG_DATA_MAX, (tag + 1) * TAG_DATA_MAX)
  return copy
}

/** Gives `to` copies of the tags of `from`, in their order; what it had is deleted. False, with no tag left on `to`: memory ran out. m_tag_copy_chain. */
export function m_tag_copy_chain(k: Kernel, to: number, from: number): boolean {
  m_tag_delete_chain(k, to, 0)
  let last = 0
  for (let tag = k.mb.ph_tags[from]; tag !== 0; tag = k.mtag.m_tag_link[tag]) {
    const copy = m_tag_copy(k, tag)
    if (copy === 0) {
      m_tag_delete_chain(k, to, 0)
      return false
    }
    if (last === 0) k.mb.ph_tags[to] = copy
    else k.mtag.m_tag_link[last] = copy
    last = copy
  }
  return true
}

/** An mbuf goes back to its zone (or, never freed, out of use): its tags go with it. kern_mbuf.c mb_dtor_mbuf, mb_dtor_pack (read). */
export function tagsDtor(k: Kernel, m: number): void {
  if ((k.mb.m_flags[m] & M_PKTHDR) !== 0 && k.mb.ph_tags[m] !== 0) m_tag_delete_chain(k, m, 0)
}

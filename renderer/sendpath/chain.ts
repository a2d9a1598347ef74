/** A chain of mbufs as boxes: thick left edges, ticks at page bounds, combs where they are too narrow, labels where they fit. */
import type { DrawnMbuf } from '../../preload/contract'
import type { Scale } from './scale'
import { textWidth } from './textWidth'

/** Width of the thick edge that stands for one `struct mbuf`. */
export const spineWidth = 2.5
/** A box narrower than this merges with its neighbours. */
export const narrowBelow = spineWidth + 2
/** Width of a single narrow box, drawn out to the left so that its edge can be counted. */
const lone = 6
/** Width of a header mbuf with its edge, and its distance to what follows. */
export const headerWidth = 9
const headerGap = 2
const pageSize = 4096
/** Space a label keeps at both sides. */
const labelMargin = 8

export interface Label {
  x: number
  text: string
}

export interface ChainBox {
  x: number
  w: number
  /** How it is drawn: solid = bytes stored here, hollow = reference, dashed = shared with the mbuf above. */
  mark: 'solid' | 'hollow' | 'dashed'
  /** Bytes that are not there yet (M_NOTREADY). */
  waiting: boolean
  header: boolean
  /** Too narrow to be to scale. */
  lone: boolean
  /** x of page bounds inside. */
  ticks: number[]
  label: Label | null
  mbuf: DrawnMbuf
  index: number
}

export interface Comb {
  x: number
  w: number
  count: number
  off: number
  len: number
  label: Label | null
  first: number
}

export interface ChainLayout {
  boxes: ChainBox[]
  combs: Comb[]
}

/** What labels must not cross. */
export interface LabelClearance {
  /** x that labels keep clear of: the followed byte. */
  avoid?: readonly number[]
  /** x that labels keep clear of where they can: the edges of the band. */
  shun?: readonly number[]
}

export interface ChainOptions extends LabelClearance {
  /** Where header mbufs stand: they have no place in the stream and are drawn left of this offset. */
  anchor?: number
  /** No labels: the row is too low or shows the chain before a change. */
  bare?: boolean
}

/** What is written into a box, longest first. */
export function labelTexts(mbuf: DrawnMbuf): string[] {
  // On solid bytes a text would be hard to read, and solid says enough.
  if (markOf(mbuf) === 'solid') return []
  if (!mbuf.ready) return ['not ready']
  const pages = mbuf.npgs === 1 ? '1 page' : `${mbuf.npgs} pages`
  switch (mbuf.kind) {
    case 'extpgs':
      return mbuf.shadow ? [pages] : [`EXT_PGS ${pages}`, pages]
    case 'sfbuf':
      return ['sf_buf']
    case 'cluster':
      return ['cluster']
    case 'aiotx':
      return ['aiotx mbuf, raw pages', 'aiotx']
    case 'mbuf':
      return ['mbuf']
  }
}

/** Solid where the bytes are in the mbuf or its cluster, hollow where it only refers to pages, dashed where it shares. */
export function markOf(mbuf: DrawnMbuf): ChainBox['mark'] {
  if (mbuf.header) return 'solid'
  if (mbuf.shadow) return 'dashed'
  return mbuf.kind === 'mbuf' || mbuf.kind === 'cluster' ? 'solid' : 'hollow'
}

/** The label that crosses nothing, else the one that crosses only what it should rather not. */
function labelFor(texts: readonly string[], x: number, w: number, options: LabelClearance): Label | null {
  const avoid = options.avoid ?? []
  const shun = options.shun ?? []
  return placeLabel(texts, x, w, [...avoid, ...shun]) ?? (shun.length === 0 ? null : placeLabel(texts, x, w, avoid))
}

/**
 * The first of `texts` (longest first) that fits into the box with 8 px to spare at both ends and clear of every `avoid`; it
 * stands at the left, or behind the last line it would cross if there is room.
 */
export function placeLabel(texts: readonly string[], x: number, w: number, avoid: readonly number[]): Label | null {
  const clear = 4
  const inside = avoid.filter((a) => a > x && a < x + w).sort((a, b) => a - b)
  for (const text of texts) {
    const width = textWidth(text, 'mono')
    // A line needs less distance than the edge of the box.
    const starts = [x + labelMargin, ...inside.map((a) => a + clear + 2)]
    for (const start of starts) {
      if (start + width > x + w - labelMargin) continue
      if (inside.some((a) => a > start - clear && a < start + width + clear)) continue
      return { x: start, text }
    }
  }
  return null
}

function pageTicks(mbuf: DrawnMbuf, from: number, to: number, scale: Scale): number[] {
  if (mbuf.kind !== 'extpgs' || (scale.width * pageSize) / scale.length < 3) return []
  const ticks: number[] = []
  const first = mbuf.off + (pageSize - (mbuf.firstPgOff % pageSize))
  for (let off = first; off < to; off += pageSize) if (off > from) ticks.push(scale.x(off))
  return ticks
}

interface Placed {
  mbuf: DrawnMbuf
  index: number
  from: number
  to: number
  left: number
  right: number
}

function place(mbufs: readonly DrawnMbuf[], scale: Scale): Placed[] {
  return mbufs.flatMap((mbuf, index) => {
    if (mbuf.header) return []
    const from = Math.max(0, mbuf.off)
    const to = Math.min(scale.length, mbuf.off + mbuf.len)
    return to > from ? [{ mbuf, index, from, to, left: scale.x(from), right: scale.x(to) }] : []
  })
}

/** Chain to boxes and combs, left to right. Header mbufs stand left of the first byte of the chain. */
export function layoutChain(mbufs: readonly DrawnMbuf[], scale: Scale, options: ChainOptions = {}): ChainLayout {
  const boxes: ChainBox[] = []
  const combs: Comb[] = []
  const placed = place(mbufs, scale)
  let leftmost = options.anchor === undefined ? (placed[0]?.left ?? 0) : scale.x(options.anchor)

  for (let i = 0; i < placed.length;) {
    const start = placed[i]
    let end = i
    while (end < placed.length && placed[end].right - placed[end].left < narrowBelow) end++
    if (end - i >= 2) {
      const last = placed[end - 1]
      const w = Math.max(lone, last.right - start.left - 1)
      const x = Math.min(start.left, last.right - 1 - w)
      const count = end - i
      combs.push({
        x,
        w,
        count,
        off: start.from,
        len: last.to - start.from,
        label: options.bare ? null : labelFor([`${count} mbufs`, `${count}`], x, w, options),
        first: start.index,
      })
      leftmost = Math.min(leftmost, x)
      i = end
      continue
    }
    const narrow = end > i
    const w = narrow ? lone : start.right - start.left
    const x = narrow ? start.right - 1 - lone : start.left
    boxes.push({
      x,
      w,
      mark: markOf(start.mbuf),
      waiting: !start.mbuf.ready,
      header: false,
      lone: narrow,
      ticks: narrow ? [] : pageTicks(start.mbuf, start.from, start.to, scale),
      label: options.bare || narrow ? null : labelFor(labelTexts(start.mbuf), x, w, options),
      mbuf: start.mbuf,
      index: start.index,
    })
    leftmost = Math.min(leftmost, x)
    i += 1
  }

  let x = leftmost - headerGap
  const headers = mbufs.map((mbuf, index) => ({ mbuf, index })).filter(({ mbuf }) => mbuf.header)
  for (const { mbuf, index } of headers.reverse()) {
    x -= headerWidth
    boxes.unshift({
      x,
      w: headerWidth,
      mark: 'solid',
      waiting: false,
      header: true,
      lone: false,
      ticks: [],
      label: null,
      mbuf,
      index,
    })
  }
  return { boxes, combs }
}

/** Mbufs that hold data of the stream, not protocol headers. */
export function dataMbufs(mbufs: readonly DrawnMbuf[]): DrawnMbuf[] {
  return mbufs.filter((mbuf) => !mbuf.header)
}

/** The mbuf that holds a byte of the stream, with its number in the chain (from 1), or null. */
export function mbufAt(mbufs: readonly DrawnMbuf[], off: number): { mbuf: DrawnMbuf; number: number } | null {
  const index = mbufs.findIndex((m) => !m.header && off >= m.off && off < m.off + m.len)
  return index < 0 ? null : { mbuf: mbufs[index], number: index + 1 }
}

/** What belongs to the burst being sent: regions of the buffer, the band of the DMA, entries, ring, frames, release. */
import type { SendPath } from '../../preload/contract'
import type { Scale } from './scale'

export type Burst = NonNullable<SendPath['burst']>

export interface Region {
  kind: 'sent' | 'dma' | 'queued'
  from: number
  to: number
}

/** Bytes in the send buffer, from the left edge of the picture. */
export function bufferEnd(path: SendPath): number {
  let end = 0
  for (const m of path.socketBuffer) if (!m.header) end = Math.max(end, m.off + m.len)
  return Math.min(end, path.length)
}

/** The burst whose bytes the card still reads, or null: only what exists now is drawn. */
export function liveBurst(path: SendPath): Burst | null {
  return path.burst !== null && path.burst.inFlight ? path.burst : null
}

/** True if the card reads the pages themselves; immediate data was copied into the ring before. */
export function readsPages(burst: Burst): boolean {
  return !burst.immediate
}

/** The burst repeats bytes that were sent before: it ends left of snd_nxt. */
export function isRetransmission(path: SendPath, burst: Burst): boolean {
  return burst.off + burst.len < path.nxt
}

function subtract(from: number, to: number, hole: { from: number; to: number } | null): { from: number; to: number }[] {
  if (hole === null || hole.to <= from || hole.from >= to) return to > from ? [{ from, to }] : []
  return [
    { from, to: Math.max(from, hole.from) },
    { from: Math.min(to, hole.to), to },
  ].filter((piece) => piece.to > piece.from)
}

/** The send buffer from left to right: sent and waiting for its ACK, read by DMA now, queued. Empty regions are left out. */
export function regions(path: SendPath): Region[] {
  const end = bufferEnd(path)
  const burst = liveBurst(path)
  const clip = (off: number): number => Math.min(end, Math.max(0, off))
  const una = clip(path.una)
  const nxt = Math.max(una, clip(path.nxt))
  const dma = burst !== null && readsPages(burst) ? { from: clip(burst.off), to: clip(burst.off + burst.len) } : null
  const all: Region[] = [
    ...subtract(una, nxt, dma).map((r) => ({ kind: 'sent' as const, ...r })),
    ...(dma !== null && dma.to > dma.from ? [{ kind: 'dma' as const, ...dma }] : []),
    ...subtract(nxt, end, dma).map((r) => ({ kind: 'queued' as const, ...r })),
  ]
  return all.sort((a, b) => a.from - b.from)
}

export interface Band {
  x: number
  w: number
  top: number
  bottom: number
  /** Heights of the arrowheads on both edges, about 52 px apart, the last at the lower end. */
  arrows: number[]
}

/** The band from the pages to the wire. */
export function layoutBand(burst: Burst, scale: Scale, top: number, bottom: number): Band | null {
  const x = scale.x(burst.off)
  const w = scale.x(burst.off + burst.len) - x
  if (w <= 0 || bottom <= top) return null
  const count = Math.max(1, Math.round((bottom - top - 30) / 52))
  const step = (bottom - top - 5) / count
  return { x, w, top, bottom, arrows: Array.from({ length: count }, (_, i) => top + step * (i + 1)) }
}

export interface EntryBox {
  x: number
  w: number
  /** Carries headers, stands left of the burst. */
  header: boolean
  /** Entries merged because they are too narrow to see; 1 = one entry. */
  count: number
}

/** Scatter/gather entries as flat boxes: a merged physical run is longer; those that carry headers stand at the left. */
export function layoutEntries(burst: Burst, scale: Scale): EntryBox[] {
  const boxes: EntryBox[] = []
  let headers = 0
  for (const entry of burst.sglist) {
    if (entry.off < 0) {
      headers += 1
      boxes.push({ x: scale.x(burst.off) - 10 * headers, w: 8, header: true, count: 1 })
      continue
    }
    const x = scale.x(entry.off)
    const w = scale.x(entry.off + entry.len) - x
    const before = boxes[boxes.length - 1]
    if (w < 3 && before !== undefined && !before.header && before.w + w < 6) {
      before.w = x + w - before.x
      before.count += 1
      continue
    }
    boxes.push({ x, w, header: false, count: 1 })
  }
  return boxes
}

export interface RingCell {
  x: number
  state: 'free' | 'used' | 'burst'
}
export interface RingStrip {
  x: number
  width: number
  cells: RingCell[]
  /** Descriptors a cell stands for. */
  perCell: number
  /** Middle of the marks under the strip. */
  cidxX: number
  pidxX: number
}

export const ringCell = 10
const ringCells = 16

/** The transmit ring around the used part: free, used, and at its end the descriptors of this burst. */
export function layoutRing(ring: SendPath['ring'], burst: Burst | null, x: number): RingStrip {
  const before = 3
  const room = ringCells - before - 2
  const perCell = Math.max(1, Math.ceil(ring.used / room))
  const used = Math.ceil(ring.used / perCell)
  const mine = burst === null ? 0 : Math.min(used, Math.ceil(burst.descriptors / perCell))
  const cells = Array.from({ length: ringCells }, (_, i): RingCell => {
    const at = i - before
    const state = at < 0 || at >= used ? 'free' : at >= used - mine ? 'burst' : 'used'
    return { x: x + i * ringCell, state }
  })
  return {
    x,
    width: ringCells * ringCell,
    cells,
    perCell,
    cidxX: x + before * ringCell,
    pidxX: x + (before + used) * ringCell,
  }
}

export interface FrameBars {
  out: { x: number; w: number }[]
  pending: { x: number; w: number }[]
  /** Frames are too narrow to draw one by one: each bar is a whole stretch. */
  dense: boolean
}

function bars(fromOff: number, toOff: number, count: number, scale: Scale): { x: number; w: number }[] {
  const left = scale.x(fromOff)
  const right = scale.x(toOff)
  if (right <= left || count <= 0) return []
  const step = (right - left) / count
  if (step < 2) return [{ x: left, w: right - left }]
  return Array.from({ length: count }, (_, i) => ({ x: left + i * step, w: Math.max(1, step - 1) }))
}

/** Frames of what was sent and of the burst: those out on the wire filled, those still to go as outlines. */
export function layoutFrames(path: SendPath, scale: Scale): FrameBars {
  const burst = path.burst
  const mss = burst?.mss ?? 1448
  const live = liveBurst(path)
  const from = Math.max(0, path.una)
  const to = Math.max(from, path.nxt)
  const hole = live === null ? null : { from: live.off, to: live.off + live.len }
  const out = subtract(from, to, hole).flatMap((p) => bars(p.from, p.to, Math.ceil((p.to - p.from) / mss), scale))
  const pending: { x: number; w: number }[] = []
  let dense = out.length > 0 && (scale.width * mss) / Math.max(1, scale.length) < 2
  if (live !== null && live.frames > 0) {
    const cut = live.off + Math.round((live.len * Math.min(live.frames, live.framesOut)) / live.frames)
    const all = bars(live.off, live.off + live.len, live.frames, scale)
    if (all.length === live.frames) {
      out.push(...all.slice(0, live.framesOut))
      pending.push(...all.slice(live.framesOut))
    } else {
      dense = true
      out.push(...bars(live.off, cut, 1, scale))
      pending.push(...bars(cut, live.off + live.len, 1, scale))
    }
  }
  return { out, pending, dense }
}

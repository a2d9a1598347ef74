/** File or user pages: one solid block a page; what stands next to it in physical memory joins it. */
import type { SendPath } from '../../preload/contract'
import type { Scale } from './scale'

export type DrawnPage = SendPath['pages'][number]

export interface PageBlock {
  x: number
  w: number
  off: number
  len: number
  /** Physical frame of the first page in the block. */
  frame: number
  /** Pages in the block: more than one only where a single page would be too narrow to see. */
  pages: number
  /** The block touches the one before it (adjacent frames): a notch marks the seam. */
  notch: boolean
}

/** Below this width pages are not drawn one by one: runs of adjacent frames become one block. */
const narrowest = 3
/** Space between blocks whose frames are not adjacent, px. */
const gap = 1

function clipped(page: DrawnPage, length: number): { from: number; to: number } | null {
  const from = Math.max(0, page.off)
  const to = Math.min(length, page.off + page.len)
  return to > from ? { from, to } : null
}

/**
 * Blocks from left to right. Between pages whose frames are not adjacent there is 1 px of space; adjacent ones touch, with a
 * notch at the seam, until pages are narrower than 3 px.
 */
export function layoutPages(pages: readonly DrawnPage[], scale: Scale): PageBlock[] {
  const shown = pages.flatMap((page) => {
    const range = clipped(page, scale.length)
    return range === null ? [] : [{ page, ...range }]
  })
  const blocks: PageBlock[] = []
  shown.forEach(({ page, from, to }, i) => {
    const left = scale.x(from)
    const right = scale.x(to)
    const joins = page.adjacent && i > 0
    const before = blocks[blocks.length - 1]
    const dense = (scale.width * page.len) / scale.length < narrowest
    if (before !== undefined && joins && dense) {
      before.w = right - before.x
      before.len = to - before.off
      before.pages += 1
      return
    }
    // The one before gives up its last pixel unless this one touches it or there is hardly a pixel to give.
    if (before !== undefined && !joins && before.w > 2 * gap) before.w -= gap
    blocks.push({
      x: left,
      w: right - left,
      off: from,
      len: to - from,
      frame: page.frame,
      pages: 1,
      notch: joins && !dense,
    })
  })
  const last = blocks[blocks.length - 1]
  if (last !== undefined && last.w > 2 * gap) last.w -= gap
  return blocks
}

/** The page under a byte, or null. */
export function pageAt(pages: readonly DrawnPage[], off: number): DrawnPage | null {
  return pages.find((page) => off >= page.off && off < page.off + page.len) ?? null
}

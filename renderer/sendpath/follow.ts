/** The followed byte: which byte it is, where it is now, and what there is to say about it in each layer. */
import type { SendPath } from '../../preload/contract'
import { formatNumber } from '../charts/format'
import { bufferEnd, liveBurst } from './burst'
import { mbufAt } from './chain'
import { pageAt } from './pages'
import type { RowId } from './rows'

const page = 4096

/** What the picture draws: offset relative to the left edge, and whether the user chose it. */
export interface Followed {
  off: number
  pinned: boolean
}

/**
 * The followed byte within the picture. A byte the user chose (`stream`, an offset in the whole stream) stays as long as it is
 * in the buffer; before and after, the picture follows a byte of the burst, so that there is always one to look along.
 */
export function followedByte(path: SendPath, stream: number | null): Followed | null {
  const end = bufferEnd(path)
  if (end === 0) return null
  if (stream !== null) {
    const off = stream - path.base
    if (off >= 0 && off < end) return { off, pinned: true }
  }
  const burst = path.burst
  const middle =
    burst !== null && burst.off >= 0 && burst.off < end
      ? burst.off + Math.floor(burst.len * 0.9)
      : Math.floor(end * 0.6)
  return { off: Math.min(end - 1, middle), pinned: false }
}

/** Moves a byte by whole pages, within the buffer. */
export function moveByPages(path: SendPath, off: number, pages: number): number {
  return Math.min(bufferEnd(path) - 1, Math.max(0, off + pages * page))
}

/** A place of the byte: the layer, and what it looks like there. */
export interface Place {
  row: RowId
  text: string
}

function describeMbuf(chain: SendPath['socketBuffer'], off: number, where: string): string | null {
  const found = mbufAt(chain, off)
  if (found === null) return null
  const { mbuf, number } = found
  const kind =
    mbuf.kind === 'extpgs' ? `EXT_PGS mbuf of ${mbuf.npgs} ${mbuf.npgs === 1 ? 'page' : 'pages'}` : `${mbuf.kind} mbuf`
  const shared = mbuf.shadow ? 'shadow, ' : ''
  return `${shared}${kind}, ${number} of ${chain.length} ${where}, byte ${formatNumber(off - mbuf.off)} of ${formatNumber(mbuf.len)}`
}

/** The places where the byte exists now, from the page to the wire: `[` and `]` step through them. */
export function placesOf(path: SendPath, off: number): Place[] {
  const places: Place[] = []
  const add = (row: RowId, text: string | null): void => {
    if (text !== null) places.push({ row, text })
  }
  const onPage = pageAt(path.pages, off)
  add(
    'file',
    onPage === null
      ? null
      : `physical frame ${formatNumber(onPage.frame)}, byte ${formatNumber(off - onPage.off)} of ${formatNumber(onPage.len)}`,
  )
  add('sockbuf', describeMbuf(path.socketBuffer, off, 'in the buffer'))
  const burst = liveBurst(path)
  if (burst !== null && off >= burst.off && off < burst.off + burst.len) {
    add('tcp', describeMbuf(burst.tcp, off, 'in the packet'))
    add('ip', describeMbuf(burst.ip.chain, off, burst.ip.converted > 0 ? 'after conversion' : 'in the packet'))
    const entries = burst.sglist.filter((e) => e.off >= 0)
    const at = entries.findIndex((e) => off >= e.off && off < e.off + e.len)
    if (burst.immediate) add('card', 'immediate data in the ring')
    else if (at >= 0)
      add('card', `scatter/gather run ${at + 1} of ${entries.length}, ${formatNumber(entries[at].len)} bytes long`)
    const frame = Math.floor((off - burst.off) / Math.max(1, burst.mss))
    add('wire', `frame ${frame + 1} of ${burst.frames}, ${frame < burst.framesOut ? 'out' : 'not out yet'}`)
  } else if (off < path.nxt && off >= path.una) add('wire', 'sent, waiting for its acknowledgement')
  if (off < path.una + path.release.next && off >= path.una) add('ack', 'freed by the next acknowledgement')
  return places
}

/** The next place of the byte in a direction, starting from the row looked at. */
export function stepPlace(places: readonly Place[], from: RowId | null, direction: 1 | -1): Place | null {
  if (places.length === 0) return null
  const at = places.findIndex((p) => p.row === from)
  if (at < 0) return direction === 1 ? places[0] : places[places.length - 1]
  return places[Math.min(places.length - 1, Math.max(0, at + direction))]
}

/** The words beside the marks: what the numbers of a row mean, left and right of the burst, and where they find room. */
import type { DrawnMbuf, SendPath } from '../../preload/contract'
import { formatInstant, formatNumber, thin } from '../charts/format'
import { type Burst, isRetransmission, liveBurst } from './burst'
import { dataMbufs } from './chain'
import type { RowId } from './rows'
import { textWidth } from './textWidth'

/** One line of a caption. `tone`: `quiet` by default, `plain` for what matters, `conv` where a conversion happens. */
export interface CaptionLine {
  text: string
  tone?: 'plain' | 'conv'
  mono?: boolean
}

export interface RowCaption {
  left: CaptionLine[]
  right: CaptionLine[]
}

const none: RowCaption = { left: [], right: [] }

/** Number and noun, with the plural where it is due. */
export function counted(n: number, noun: string, plural = `${noun}s`): string {
  return `${formatNumber(n)} ${n === 1 ? noun : plural}`
}

/** What each ribbon will show, said while nothing is sent. */
export const idleTexts: Record<RowId, string> = {
  file: 'file pages, wired while a socket needs them',
  sockbuf: 'mbufs: one for each page, or one for up to 19 pages',
  tcp: `cuts bursts of up to 65${thin}535${thin}B`,
  ip: 'takes a chain apart if the card cannot read it',
  vlan: 'adds the tag, inherits nomap',
  card: 'addresses and lengths for the card',
  wire: `frames of up to 1${thin}500${thin}B`,
  ack: 'frees mbufs, unwires pages',
}

function headers(chain: readonly DrawnMbuf[]): number {
  return chain.length - dataMbufs(chain).length
}

function bytes(n: number): string {
  return `${formatNumber(n)}${thin}B`
}

function tcpCaption(path: SendPath, burst: Burst, brief: boolean): RowCaption {
  const again = isRetransmission(path, burst)
  const kind = burst.tso && burst.segments > 1 ? 'one TSO burst' : burst.segments > 1 ? 'without TSO' : 'one packet'
  const size = burst.segments > 1 ? burst.mss : burst.len
  const what = again ? `retransmission, ${kind}` : kind
  const left: CaptionLine[] = brief
    ? [{ text: what }]
    : [{ text: `${counted(burst.segments, 'segment')} of ${bytes(size)}` }, { text: what }]
  const data = dataMbufs(burst.tcp)
  const shared = data.filter((m) => m.shadow).length
  const own = data.length - shared
  const head = counted(headers(burst.tcp), brief ? 'header' : 'header mbuf')
  const copied = own > 0 ? `${counted(own, 'mbuf')} with copied bytes` : 'payload in the header mbuf'
  const rest = shared > 0 ? counted(shared, 'shadow') + (own > 0 ? ` + ${copied}` : '') : copied
  if (brief) return { left, right: [{ text: `${head} + ${rest}` }] }
  return { left, right: [{ text: head }, { text: shared > 0 && own === 0 ? `${rest}, nothing copied` : rest }] }
}

/** The two conditions that `ip_output` tests, as lines; those that fail are marked. */
export function conditions(burst: Burst): CaptionLine[] {
  const line = (name: string, holds: boolean): CaptionLine => ({
    text: `${name}: ${holds ? 'yes' : 'no'}`,
    tone: holds || burst.ip.converted === 0 ? 'plain' : 'conv',
  })
  return [line('checksum by card', burst.ip.checksumByCard), line('takes unmapped', burst.ip.takesUnmapped)]
}

/** True if the chain holds unmapped mbufs. */
export function hasUnmapped(chain: readonly DrawnMbuf[]): boolean {
  return dataMbufs(chain).some((m) => m.kind === 'extpgs')
}

function ipCaption(burst: Burst, brief: boolean): RowCaption {
  const before = dataMbufs(burst.tcp).length
  const after = dataMbufs(burst.ip.chain).length
  const tests = conditions(burst)
  const failing = tests.find((t) => t.tone === 'conv')
  const left = brief ? [failing ?? tests[0]] : tests
  if (burst.ip.converted > 0) {
    const change: CaptionLine = {
      text: `${counted(before, 'mbuf')} ${before === 1 ? 'becomes' : 'become'} ${formatNumber(after)}`,
      tone: brief ? 'conv' : 'plain',
    }
    return { left, right: brief ? [change] : [{ text: 'mb_unmapped_to_ext', tone: 'plain', mono: true }, change] }
  }
  const passes: CaptionLine = { text: hasUnmapped(burst.tcp) ? 'passes unmapped' : 'passes', tone: 'plain' }
  const stay: CaptionLine = {
    text: hasUnmapped(burst.tcp)
      ? `${counted(before, 'mbuf')} ${before === 1 ? 'stays' : 'stay'} ${before}`
      : 'nothing unmapped in it',
  }
  return { left, right: brief ? [passes] : [passes, stay] }
}

function cardCaption(burst: Burst, brief: boolean): RowCaption {
  if (burst.immediate) {
    const text = `${bytes(burst.len)} copied into the ring`
    return { left: [], right: brief ? [{ text }] : [{ text: 'immediate data:' }, { text }] }
  }
  const all = burst.sglist.length
  const heads = burst.sglist.filter((e) => e.off < 0).length
  const sum = `${counted(all - heads, 'run')} + ${heads === 1 ? 'header' : counted(heads, 'header')} = ${formatNumber(all)}`
  return {
    left: [],
    right: brief ? [{ text: counted(all, 'entry', 'entries') }] : [{ text: 'address and length only:' }, { text: sum }],
  }
}

/** Why pages stay wired: the mbuf that holds the first unacknowledged byte is freed as a whole. */
export function releaseText(path: SendPath, length: 'full' | 'middle' | 'brief'): string {
  const pages = path.release.wiredPages
  if (pages === 0) return ''
  const first = dataMbufs(path.socketBuffer).find(
    (m) => m.off + m.len > path.una && (m.kind === 'extpgs' || m.kind === 'aiotx'),
  )
  if (length === 'brief') return counted(pages, 'page stays wired', 'pages stay wired')
  if (first !== undefined && first.npgs > 1)
    return length === 'full'
      ? `the first ${formatNumber(first.npgs)} pages stay wired until their last byte is acknowledged`
      : `${formatNumber(first.npgs)} pages stay wired until the last is acknowledged`
  return `each page ${length === 'full' ? 'stays ' : ''}wired until its last byte is acknowledged`
}

/** What a row says about a burst that is gone: in words only, because only what exists now is drawn. */
function pastCaption(path: SendPath, burst: Burst, row: RowId, brief: boolean): RowCaption {
  const said = (text: string): RowCaption => ({ left: [{ text }], right: [] })
  if (row === 'tcp')
    return said(
      `last burst: ${counted(burst.segments, 'segment')}${brief ? '' : `, ${bytes(burst.len)}, at ${formatInstant(burst.t)}`}`,
    )
  if (row === 'ip') {
    const { right } = ipCaption(burst, true)
    return said(`last burst: ${burst.ip.converted > 0 ? `converted, ${right[0].text}` : right[0].text}`)
  }
  if (row === 'card') {
    const done = burst.immediate ? 'immediate data' : counted(burst.sglist.length, 'entry', 'entries')
    return said(`last burst: ${done}, done`)
  }
  if (row === 'vlan')
    return burst.vlan === null ? said('no vlan on the route') : said(`last burst: tag ${burst.vlan.tag}`)
  return none
}

/** The caption of a row. `brief` is the one-line form of the compact picture. */
export function captionOf(path: SendPath, row: RowId, brief = false): RowCaption {
  const burst = path.burst
  if (row === 'ack') {
    const text = releaseText(path, brief ? 'brief' : 'full')
    return text === '' ? none : { left: [], right: [{ text }] }
  }
  if (burst === null || path.connection === null) return none
  if (liveBurst(path) === null) return pastCaption(path, burst, row, brief)
  switch (row) {
    case 'tcp':
      return tcpCaption(path, burst, brief)
    case 'ip':
      return ipCaption(burst, brief)
    case 'vlan':
      if (burst.vlan === null) return { left: [], right: [{ text: 'no vlan on the route' }] }
      return brief ? none : { left: [], right: [{ text: 'tag in the packet header' }] }
    case 'card':
      return cardCaption(burst, brief)
    case 'wire':
      return {
        left: [],
        right: [{ text: `${formatNumber(burst.framesOut)} of ${counted(burst.frames, 'frame')} out` }],
      }
    case 'file':
    case 'sockbuf':
      return none
  }
}

/** A block of caption lines with its place in the ribbon. */
export interface PlacedCaption {
  x: number
  lines: CaptionLine[]
}

/** Pixels between a caption and the marks of its row. */
const clearance = 10

export function captionWidth(lines: readonly CaptionLine[]): number {
  return Math.max(0, ...lines.map((l) => textWidth(l.text, l.mono ? 'mono' : 'ui')))
}

/**
 * Puts the two blocks of a caption beside the marks that stand from `from` to `to`: each on its own side if it fits, else on
 * the other side behind the other block, else nowhere (the table and the tooltip have it). `lead` is space that the left block
 * needs before its text.
 */
export function placeCaptions(
  caption: RowCaption,
  marks: { from: number; to: number } | null,
  width: number,
  lead = 0,
): { left: PlacedCaption | null; right: PlacedCaption | null } {
  const leftWidth = caption.left.length === 0 ? 0 : lead + captionWidth(caption.left)
  const rightWidth = captionWidth(caption.right)
  const before = { x: 0, end: marks === null ? width : marks.from - clearance }
  const after = { x: marks === null ? width : marks.to + clearance, end: width }
  const take = (slot: { x: number; end: number }, need: number): number | null => {
    if (need === 0 || slot.end - slot.x < need) return null
    const x = slot.x
    slot.x += need + 2 * clearance
    return x
  }
  const placed: { left: PlacedCaption | null; right: PlacedCaption | null } = { left: null, right: null }
  const leftX = take(before, leftWidth)
  const rightX = take(after, rightWidth) ?? take(before, rightWidth)
  const spareX = leftX ?? take(after, leftWidth)
  if (spareX !== null) placed.left = { x: spareX, lines: caption.left }
  if (rightX !== null) placed.right = { x: rightX, lines: caption.right }
  return placed
}

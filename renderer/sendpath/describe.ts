/** The picture in words: the verdict of the bar, the sentence under each layer for the table twin and for screen readers. */
import type { SendPath } from '../../preload/contract'
import { formatNumber, formatShare, thin } from '../charts/format'
import { bufferEnd, liveBurst, readsPages, regions } from './burst'
import { captionOf, counted, hasUnmapped, idleTexts, releaseText } from './captions'
import { dataMbufs } from './chain'
import { perByte } from './columns'
import type { RowId } from './rows'

/** Name of a layer and the kernel's word for it. */
export function rowNames(path: SendPath | null, row: RowId): { name: string; symbol: string; sub: string } {
  const method = path?.method ?? 'sendfile'
  switch (row) {
    case 'file':
      return method === 'sendfile'
        ? { name: 'File pages', symbol: 'vm_page', sub: 'wired by sendfile(2)' }
        : {
            name: 'User pages',
            symbol: 'vm_page',
            sub: method === 'write' ? 'copied by write(2)' : 'held by aio_write(2)',
          }
    case 'sockbuf':
      return { name: 'Socket buffer', symbol: 'so_snd', sub: '' }
    case 'tcp':
      return { name: 'TCP', symbol: 'tcp_output', sub: '' }
    case 'ip':
      return { name: 'IP', symbol: 'ip_output', sub: '' }
    case 'vlan':
      return { name: 'VLAN', symbol: path?.burst?.vlan?.interface ?? '', sub: '' }
    case 'card': {
      const ring = path?.ring
      return {
        name: 'Card queue',
        symbol:
          ring === undefined || ring.interface === '' || ring.interface === 'none'
            ? ''
            : `${ring.interface} txq ${ring.queue}`,
        sub: 'scatter/gather list',
      }
    }
    case 'wire':
      return { name: 'Wire', symbol: path?.wire.media ?? '', sub: '' }
    case 'ack':
      return { name: 'ACK, release', symbol: 'm_freem', sub: 'sbdrop, unwire' }
  }
}

/** `copied by CPU 0.000 B/B, converted 1.000 B/B, CPU 46.8 %`. */
export function verdictText(path: SendPath): string {
  const { copiedPerByte, convertedPerByte, cpu } = path.verdict
  return `copied by CPU ${perByte(copiedPerByte)}${thin}B/B, converted ${perByte(convertedPerByte)}${thin}B/B, CPU ${formatShare(cpu)}${thin}%`
}

const regionNames = { sent: 'sent, waiting for ACK', dma: 'read by DMA now', queued: 'queued' } as const

/** Word above the socket buffer for a region, long or short. */
export function regionName(kind: keyof typeof regionNames, short: boolean): string {
  if (!short) return regionNames[kind]
  return kind === 'sent' ? 'sent' : kind === 'dma' ? 'DMA now' : 'queued'
}

function sockbufText(path: SendPath): string {
  const data = dataMbufs(path.socketBuffer)
  if (data.length === 0) return 'empty'
  const kinds = new Map<string, number>()
  for (const m of data) kinds.set(m.kind, (kinds.get(m.kind) ?? 0) + 1)
  const parts = [...kinds].map(([kind, n]) => {
    if (kind === 'extpgs') return `${counted(n, 'EXT_PGS mbuf')} of up to ${Math.max(...data.map((m) => m.npgs))} pages`
    return counted(n, kind === 'mbuf' ? 'plain mbuf' : `${kind} mbuf`)
  })
  const where = regions(path).map((r) => `${formatNumber(r.to - r.from)}${thin}B ${regionNames[r.kind]}`)
  return [parts.join(' + '), ...where].join('; ')
}

/** What a layer holds now, in one sentence without a full stop. */
export function rowText(path: SendPath, row: RowId): string {
  if (path.connection === null) return idleTexts[row]
  const burst = liveBurst(path)
  const caption = captionOf(path, row)
  const said = [...caption.left, ...caption.right].map((l) => l.text)
  const sentence = said.join(', ').replaceAll(':, ', ': ')
  switch (row) {
    case 'file':
      return path.pages.length === 0
        ? 'no pages'
        : `${counted(path.pages.length, 'page')}, ${formatNumber(path.pages.filter((p) => p.adjacent).length)} next to the one before in physical memory`
    case 'sockbuf':
      return sockbufText(path)
    case 'tcp':
    case 'ip':
    case 'vlan':
    case 'card':
      return said.length === 0 ? 'nothing now' : sentence
    case 'wire':
      return burst === null ? 'nothing of this socket now' : sentence
    case 'ack':
      if (bufferEnd(path) === 0) return 'nothing to free'
      return `next to free: ${formatNumber(path.release.next)}${thin}B; ${releaseText(path, 'full') || 'no page is wired'}`
  }
}

/** One sentence for the caption of the table: how the bytes travel, then the verdict. */
export function pictureSummary(path: SendPath): string {
  if (path.connection === null) return `Send path of run ${path.branch}: no socket is sending; ${verdictText(path)}.`
  const burst = liveBurst(path)
  const parts = [`Send path of run ${path.branch}, ${path.connection.label}`]
  if (burst === null) parts.push('no burst is being sent now')
  else {
    parts.push(
      readsPages(burst)
        ? `the card reads ${formatNumber(burst.len)}${thin}B by DMA`
        : `${formatNumber(burst.len)}${thin}B travel as immediate data`,
    )
    if (burst.ip.converted > 0) parts.push('converted in ip_output, one mbuf a page from there')
    else if (hasUnmapped(burst.tcp)) parts.push('unmapped all the way down')
  }
  return `${parts.join(': ')}. ${verdictText(path)}.`.replace(/: (?=unmapped|converted in)/, ', ')
}

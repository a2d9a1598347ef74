/** The number columns beside the picture: this socket, the whole host, the share of the CPUs. */
import type { SendPath } from '../../preload/contract'
import { decimalsFor, formatNumber, formatQuantity, formatShare, thin } from '../charts/format'
import type { RowId } from './rows'

/** A number that explains itself, and the words behind it. */
export interface Cell {
  /** Words before the number. */
  before?: string
  value: string
  text: string
  /** Why there is no number, or what it means: for the tooltip. */
  title: string
}

const words = (text: string, title = ''): Cell => ({ value: '', text, title })

/** `1 mbuf`, `1 entry`: a single thing has no plural. */
function singular(value: number, unit: string): string {
  if (value !== 1 || !/^[a-z]{3,}s$/.test(unit)) return unit
  return unit.endsWith('ies') ? `${unit.slice(0, -3)}y` : unit.slice(0, -1)
}

function quantity(value: number, unit: string, title: string): Cell {
  const { text, unit: shown } = formatQuantity(value, unit)
  return { value: text, text: singular(value, shown), title }
}

/** What the interface of the packet inherits: told by the machine, null if there is no vlan. */
export interface VlanInfo {
  name: string
  nomap: boolean
}

/** Number of a layer for this socket. */
export function socketCell(path: SendPath, row: RowId): Cell {
  if (path.connection === null) return words('–', 'no socket is sending')
  const layer = path.layers[row]
  if (row === 'vlan') {
    const vlan = path.burst?.vlan
    return vlan == null
      ? words('no vlan', 'the route does not pass a vlan interface')
      : { before: 'tag', value: String(vlan.tag), text: '', title: `tag of ${vlan.interface}` }
  }
  if (row === 'wire' && path.burst !== null) {
    const { frames, framesOut, inFlight } = path.burst
    return {
      value: formatNumber(inFlight ? framesOut : frames),
      text: `of ${formatNumber(frames)} out`,
      title: 'frames of the burst shown',
    }
  }
  return quantity(layer.socket, layer.socketUnit, `${row}: this socket`)
}

/** Number of a layer for the whole host. */
export function hostCell(path: SendPath, row: RowId, vlan: VlanInfo | null): Cell {
  if (row === 'vlan') {
    if (vlan === null) return words('–')
    return words(vlan.nomap ? 'nomap inherited' : 'nomap off', `NOMAP of ${vlan.name} as its parent hands it down`)
  }
  if (row === 'card') {
    const { used, size, interface: name, queue } = path.ring
    if (size === 0) return words('–', 'the card is not initialised: its interface is down')
    return {
      value: formatNumber(used),
      text: `of ${formatNumber(size)} used`,
      title: `descriptors of ${name} txq ${queue}`,
    }
  }
  const layer = path.layers[row]
  return quantity(layer.host, layer.hostUnit, `${row}: the whole host`)
}

/** CPU share of a layer; null where the work is not done by a CPU. */
export function cpuText(path: SendPath, row: RowId): string | null {
  const share = path.layers[row].cpu
  return share === null ? null : formatShare(share)
}

const scales = [0.015, 0.03, 0.06, 0.12, 0.25, 0.5, 1]

/** The share at which a CPU bar is full: one round scale for all layers of the pictures shown. */
export function cpuScale(paths: readonly SendPath[]): number {
  let largest = 0
  for (const path of paths) for (const layer of Object.values(path.layers)) largest = Math.max(largest, layer.cpu ?? 0)
  return scales.find((s) => s >= largest) ?? 1
}

/** Bytes a byte: three decimals. */
export function perByte(value: number): string {
  return formatNumber(value, 3)
}

/** Mbufs in the buffer for each MiB that is queued, or null for an empty buffer. */
export function mbufsPerMiB(path: SendPath): number | null {
  let bytes = 0
  let count = 0
  for (const m of path.socketBuffer) {
    if (m.header) continue
    bytes += m.len
    count += 1
  }
  return bytes === 0 ? null : (count * 2 ** 20) / bytes
}

/** The same as text, with its unit. */
export function mbufsPerMiBText(path: SendPath): string {
  const value = mbufsPerMiB(path)
  return value === null
    ? 'buffer is empty'
    : `${formatNumber(value, Math.min(1, decimalsFor(value, 4)))} mbufs per${thin}MiB`
}

/** How sendfile filled the buffer, in one word. */
export function bufferKind(path: SendPath): string {
  const data = path.socketBuffer.filter((m) => !m.header)
  if (data.some((m) => m.kind === 'extpgs')) return 'unmapped'
  if (data.some((m) => m.kind === 'sfbuf')) return 'mapped'
  if (data.some((m) => m.kind === 'aiotx')) return 'raw pages'
  return data.some((m) => m.kind === 'cluster') ? 'clusters' : ''
}

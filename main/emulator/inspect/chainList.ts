/**
 * The chains there are on a host: socket buffers of connections, and on each card the packets that wait for room in a transmit ring and those that the card
 * has until it reports completion. Reads only.
 */
import type { Kernel } from '../kernel'
import { IFMP_RING_SIZE } from '../dev/e1000/em'
import { if_name } from '../net/if'
import { addressText } from '../netinet/in_ifaddr'
import { M_NOMAP, M_NOTREADY } from '../sys/mbuf'
import { drawChains, recordsOf, type DrawnChain, type DrawOptions } from './chainLive'
import type { ChainDrawing } from './chainText'

/** snd, rcv: buffers of a socket. wait: a card's software ring, packets without descriptors. card: on the card's ring, until completion. */
export type ChainPlace = 'snd' | 'rcv' | 'wait' | 'card'

/** One chain in the list. */
export interface ChainEntry {
  /** What it is called: `192.0.2.1.80-192.0.2.9.49152.snd`, `cc0.txq0`, `cc0.ring0`. */
  name: string
  place: ChainPlace
  /** Packets of a queue, records of a socket buffer. */
  packets: number
  mbufs: number
  /** Of these: M_NOMAP, M_NOTREADY. */
  unmapped: number
  notReady: number
  bytes: number
  /** sb_mbcnt; 0 for a queue. */
  mbcnt: number
}

interface Source {
  name: string
  place: ChainPlace
  /** Row of k.sb, 0 = a queue. */
  sb: number
  heads: () => number[]
}

/** Connections in the order of local port, foreign address and port: it does not change while they live. */
function socketSources(k: Kernel): Source[] {
  const p = k.inet.inp
  const rows: number[] = []
  for (let bucket = 0; bucket < p.hash.length; bucket++)
    for (let inp = p.hash[bucket]; inp !== 0; inp = p.inp_hash[inp]) if (p.inp_socket[inp] !== 0) rows.push(inp)
  rows.sort(
    (a, b) => p.inp_lport[a] - p.inp_lport[b] || p.inp_faddr[a] - p.inp_faddr[b] || p.inp_fport[a] - p.inp_fport[b],
  )
  return rows.flatMap((inp) => {
    const so = p.inp_socket[inp]
    const pair = `${addressText(k, p.inp_laddr[inp])}.${p.inp_lport[inp]}-${addressText(k, p.inp_faddr[inp])}.${p.inp_fport[inp]}`
    return (['snd', 'rcv'] as const).map((place) => {
      const sb = place === 'snd' ? k.so.so_snd[so] : k.so.so_rcv[so]
      return { name: `${pair}.${place}`, place, sb, heads: () => recordsOf(k, k.sb.sb_mb[sb]) }
    })
  })
}

/** Places of a ring from `from` up to `to`. */
function ringPlaces(from: number, to: number, size: number): number[] {
  const out: number[] = []
  for (let at = from; at !== to; at = at + 1 === size ? 0 : at + 1) out.push(at)
  return out
}

/** Queues of T6 ports. A work request may carry several packets; they hang on its first descriptor. */
function t6Sources(k: Kernel): Source[] {
  const { port, txq, items, sdM } = k.cxgbe
  const out: Source[] = []
  for (let q = 1; q < txq.high; q++) {
    const size = txq.sidx[q]
    if (size === 0) continue
    const name = if_name(k, port.ifp[txq.port[q]])
    const base = txq.sdesc[q]
    out.push(
      {
        name: `${name}.ring${txq.index[q]}`,
        place: 'wait',
        sb: 0,
        heads: () => ringPlaces(txq.rCidx[q], txq.rPidx[q], size).map((at) => items[base + at]),
      },
      {
        name: `${name}.txq${txq.index[q]}`,
        place: 'card',
        sb: 0,
        heads: () => ringPlaces(txq.cidx[q], txq.pidx[q], size).flatMap((at) => recordsOf(k, sdM[base + at])),
      },
    )
  }
  return out
}

/** Queues of igb ports. A packet hangs on its last descriptor. */
function igbSources(k: Kernel): Source[] {
  const igb = k.igb
  if (igb === null) return []
  const { port, txq, items, sdM } = igb
  const out: Source[] = []
  for (let q = 1; q < txq.high; q++) {
    const size = txq.size[q]
    if (size === 0) continue
    const name = if_name(k, port.ifp[txq.port[q]])
    const inUse = (): number[] => Array.from({ length: txq.in_use[q] }, (_, i) => (txq.cidx[q] + i) % size)
    out.push(
      {
        name: `${name}.ring${txq.index[q]}`,
        place: 'wait',
        sb: 0,
        heads: () => ringPlaces(txq.rCidx[q], txq.rPidx[q], IFMP_RING_SIZE).map((at) => items[txq.rBase[q] + at]),
      },
      {
        name: `${name}.txq${txq.index[q]}`,
        place: 'card',
        sb: 0,
        heads: () =>
          inUse()
            .map((at) => sdM[txq.sdesc[q] + at])
            .filter((m) => m !== 0),
      },
    )
  }
  return out
}

function sources(k: Kernel): Source[] {
  return [...t6Sources(k), ...igbSources(k), ...socketSources(k)]
}

function entryOf(k: Kernel, { name, place, sb, heads }: Source): ChainEntry {
  const { mb } = k
  const entry: ChainEntry = {
    name,
    place,
    packets: 0,
    mbufs: 0,
    unmapped: 0,
    notReady: 0,
    bytes: 0,
    mbcnt: sb === 0 ? 0 : k.sb.sb_mbcnt[sb],
  }
  for (const head of heads()) {
    entry.packets++
    for (let m = head; m !== 0; m = mb.m_next[m]) {
      entry.mbufs++
      entry.bytes += mb.m_len[m]
      if ((mb.m_flags[m] & M_NOMAP) !== 0) entry.unmapped++
      if ((mb.m_flags[m] & M_NOTREADY) !== 0) entry.notReady++
    }
  }
  return entry
}

/** All chains of a host, empty ones included: the queues of the cards, then socket buffers. */
export function chainEntries(k: Kernel): ChainEntry[] {
  return sources(k).map((source) => entryOf(k, source))
}

/** Heads of every chain by its name. */
export function chainHeads(k: Kernel): Map<string, number[]> {
  return new Map(sources(k).map(({ name, heads }) => [name, heads()]))
}

/** Draws chains by name; null if one of the names is not there (any more). */
export function drawByName(k: Kernel, names: readonly string[], options: DrawOptions = {}): ChainDrawing | null {
  const all = new Map(sources(k).map((source) => [source.name, source]))
  const chains: DrawnChain[] = []
  for (const name of names) {
    const source = all.get(name)
    if (source === undefined) return null
    chains.push(source.sb === 0 ? { label: name, heads: source.heads() } : { label: name, heads: [], sb: source.sb })
  }
  return drawChains(k, chains, options)
}

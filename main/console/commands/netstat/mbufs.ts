/**
 * `netstat -m`: mbufs, clusters, sendfile. The numbers come from the zones and from kern.ipc.sfstat, as in the original; unmapped mbufs have no line
 * of their own (they count as mbufs, their pages nowhere). Source: usr.bin/netstat/mbuf.c mbpr(), lib/libmemstat (reference console-tools 3.1,
 * kernel-mbuf-sendfile 6.6, 6.7; read). Field names of the structured form beside those of sendfile: assumed.
 */
import type { SystemCalls, ZoneRow } from '../../../emulator/index'
import { whole } from '../../libc/stdio'

const noZone: ZoneRow = { name: '', size: 0, limit: 0, used: 0, free: 0, requests: 0, fail: 0, sleep: 0 }

/** A line: numbers with their field names, then the text. */
export interface StatisticsLine {
  fields: readonly (readonly [name: string, value: number, suffix?: string])[]
  text: string
}

/** Counters of kern.ipc.sfstat in the order of struct sfstat, 64 bits each. */
function sendfileCounters(sys: SystemCalls): number[] {
  const oid = sys.sysctl.find('kern.ipc.sfstat')
  const counters = new Array<number>(11).fill(0)
  if (oid === undefined) return counters
  const value = sys.sysctl.read(oid)
  if (value instanceof Uint8Array) {
    const view = new DataView(value.buffer, value.byteOffset, value.byteLength)
    return counters.map((_, index) => Number(view.getBigUint64(index * 8, true)))
  }
  return Array.isArray(value) ? counters.map((_, index) => (value as number[])[index] ?? 0) : counters
}

/** All lines of `netstat -m` in order. */
export function mbufLines(sys: SystemCalls): StatisticsLine[] {
  const zones = sys.zones()
  const zone = (name: string): ZoneRow => zones.find((entry) => entry.name === name) ?? noZone
  const mbuf = zone('mbuf')
  const packet = zone('mbuf_packet')
  const cluster = zone('mbuf_cluster')
  const page = zone('mbuf_jumbo_page')
  const nine = zone('mbuf_jumbo_9k')
  const sixteen = zone('mbuf_jumbo_16k')
  const bytes = (count: (entry: ZoneRow) => number): number =>
    count(mbuf) * mbuf.size +
    count(packet) * (mbuf.size + cluster.size) +
    count(page) * page.size +
    count(nine) * nine.size +
    count(sixteen) * sixteen.size
  const inUse = bytes((entry) => entry.used) + (cluster.used - packet.used - packet.free) * cluster.size
  const inCache = bytes((entry) => entry.free) + cluster.free * cluster.size
  const kib = (value: number): number => Math.floor(value / 1024)
  const sf = sendfileCounters(sys)
  const total = mbuf.used + packet.used + mbuf.free + packet.free
  return [
    {
      fields: [
        ['mbuf-current', mbuf.used + packet.used],
        ['mbuf-cache', mbuf.free + packet.free],
        ['mbuf-total', total],
      ],
      text: 'mbufs in use (current/cache/total)',
    },
    {
      fields: [
        ['cluster-current', cluster.used - packet.free],
        ['cluster-cache', cluster.free + packet.free],
        ['cluster-total', cluster.used + cluster.free],
        ['cluster-max', cluster.limit],
      ],
      text: 'mbuf clusters in use (current/cache/total/max)',
    },
    {
      fields: [
        ['packet-count', packet.used],
        ['packet-free', packet.free],
      ],
      text: 'mbuf+clusters out of packet secondary zone in use (current/cache)',
    },
    jumboLine('jumbo', page, '4k (page size)'),
    jumboLine('jumbo9', nine, '9k'),
    jumboLine('jumbo16', sixteen, '16k'),
    {
      fields: [
        ['bytes-in-use', kib(inUse), 'K'],
        ['bytes-in-cache', kib(inCache), 'K'],
        ['bytes-total', kib(inUse + inCache), 'K'],
      ],
      text: 'bytes allocated to network (current/cache/total)',
    },
    threeZones('failures', 'mbufs denied (mbufs/clusters/mbuf+clusters)', (z) => z.fail),
    threeZones('sleeps', 'mbufs delayed (mbufs/clusters/mbuf+clusters)', (z) => z.sleep),
    threeJumbos('sleeps', 'jumbo clusters delayed (4k/9k/16k)', (z) => z.sleep),
    threeJumbos('failures', 'jumbo clusters denied (4k/9k/16k)', (z) => z.fail),
    ...sfbufLines(sys),
    single('sendfile-syscalls', sf[0], 'sendfile syscalls'),
    single('sendfile-no-io', sf[1], 'sendfile syscalls completed without I/O request'),
    single('sendfile-io-count', sf[2], 'requests for I/O initiated by sendfile'),
    single('sendfile-pages-sent', sf[3], 'pages read by sendfile as part of a request'),
    single('sendfile-pages-valid', sf[4], 'pages were valid at time of a sendfile request'),
    single('sendfile-pages-bogus', sf[10], 'pages were valid and substituted to bogus page'),
    single('sendfile-requested-readahead', sf[5], 'pages were requested for read ahead by applications'),
    single('sendfile-readahead', sf[6], 'pages were read ahead by sendfile'),
    single('sendfile-busy-encounters', sf[7], 'times sendfile encountered an already busy page'),
    single('sfbufs-alloc-failed', sf[8], 'requests for sfbufs denied'),
    single('sfbufs-alloc-wait', sf[9], 'requests for sfbufs delayed'),
  ]

  function threeZones(kind: string, text: string, count: (entry: ZoneRow) => number): StatisticsLine {
    return {
      fields: [
        [`mbuf-${kind}`, count(mbuf)],
        [`cluster-${kind}`, count(cluster)],
        [`packet-${kind}`, count(packet)],
      ],
      text: `requests for ${text}`,
    }
  }
  function threeJumbos(kind: string, text: string, count: (entry: ZoneRow) => number): StatisticsLine {
    return {
      fields: [
        [`jumbop-${kind}`, count(page)],
        [`jumbo9-${kind}`, count(nine)],
        [`jumbo16-${kind}`, count(sixteen)],
      ],
      text: `requests for ${text}`,
    }
  }
}

/** The line about sf_bufs, where the host has kern.ipc.nsfbufs (not with a direct map). */
function sfbufLines(sys: SystemCalls): StatisticsLine[] {
  const value = (name: string): number | null => {
    const oid = sys.sysctl.find(name)
    return oid === undefined ? null : Number(sys.sysctl.read(oid))
  }
  const total = value('kern.ipc.nsfbufs')
  if (total === null) return []
  return [
    {
      fields: [
        ['nsfbufs-current', value('kern.ipc.nsfbufsused') ?? 0],
        ['nsfbufs-peak', value('kern.ipc.nsfbufspeak') ?? 0],
        ['nsfbufs', total],
      ],
      text: 'sfbufs in use (current/peak/max)',
    },
  ]
}

function jumboLine(name: string, zone: ZoneRow, label: string): StatisticsLine {
  return {
    fields: [
      [`${name}-count`, zone.used],
      [`${name}-cache`, zone.free],
      [`${name}-total`, zone.used + zone.free],
      [`${name}-max`, zone.limit],
    ],
    text: `${label} jumbo clusters in use (current/cache/total/max)`,
  }
}

function single(name: string, value: number, text: string): StatisticsLine {
  return { fields: [[name, value]], text }
}

export function mbufText(sys: SystemCalls): string {
  return mbufLines(sys)
    .map(({ fields, text }) => `${fields.map(([, n, suffix]) => whole(n) + (suffix ?? '')).join('/')} ${text}\n`)
    .join('')
}

/** The fields as a flat object, for `--libxo json`. Bytes in KiB, as the text shows them. */
export function mbufObject(sys: SystemCalls): { [field: string]: number } {
  const object: { [field: string]: number } = {}
  for (const { fields } of mbufLines(sys)) for (const [name, value] of fields) object[name] = value
  return object
}

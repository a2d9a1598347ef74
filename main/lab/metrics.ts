/**
 * Every metric of the lab, declared once: name with unit, title, direction, how it is computed, where it comes from. The window's series, the
 * comparison, `lab run --json` and `lab run --metrics` are made from this list. Names of DESIGN 5 stay; others may be added.
 *
 * A metric is a function of the counters over a stretch of virtual time. For a point of a series the stretch is the distance of two samples.
 */
import type { SeriesInfo } from '../../preload/contract'
import { causes } from '../emulator'

/** Counters over a stretch. Unknown names throw: a metric cannot silently be zero. */
export interface CounterWindow {
  /** Length, virtual ns; more than 0. */
  ns: number
  /** Growth of a counter. */
  delta(counter: string): number
  /** Mean of a level over the samples. */
  mean(counter: string): number
}

/** What does not move during a run. */
export interface HostFacts {
  /** CPUs of the server and their clock, Hz. */
  ncpu: number
  hz: number
  costOn: boolean
}

export interface Metric extends SeriesInfo {
  /** Where the inputs come from, and whether they are read, derived or assumed. */
  source: string
  /** `total`: grows with the length of the stretch, and can be given per second, per request or per GiB. */
  kind: 'total' | 'rate' | 'level'
  /** Where it exists: as a series, in the result of a run, or both. */
  shown: 'both' | 'series' | 'run'
  /** Null where there is nothing to say (nothing was sent, the cost model is off). */
  compute(window: CounterWindow, host: HostFacts): number | null
}

/** Counters of sendfile(2) as netstat -m prints them: name, unit, what is counted. */
const sendfileCounts = [
  ['syscalls', 'calls', 'sendfile system calls'],
  ['noiocnt', 'iterations', 'iterations of sendfile that needed no I/O'],
  ['iocnt', 'requests', 'requests for I/O initiated by sendfile'],
  ['pages_read', 'pages', 'pages read by sendfile as part of a request'],
  ['pages_valid', 'pages', 'pages that were valid at the time of a request'],
  ['pages_bogus', 'pages', 'valid pages for which a bogus page stood in during a read'],
  ['rhpages_requested', 'pages', 'pages that programs asked to be read ahead'],
  ['rhpages_read', 'pages', 'pages read ahead'],
  ['busy', 'times', 'times that a page could not be had at once (SF_NODISKIO)'],
] as const

const ratio = (a: number, b: number): number | null => (b > 0 ? a / b : null)

const list: Metric[] = [
  {
    name: 'goodput_bps',
    title: 'Goodput',
    unit: 'b/s',
    better: 'more',
    description: 'Bytes of files that the clients received and found right, as bits a second of virtual time.',
    source: 'application counters of the emulated clients (read)',
    kind: 'rate',
    shown: 'both',
    compute: (w) => (w.delta('client_bytes_verified') * 8e9) / w.ns,
  },
  {
    name: 'sockbuf_mbufs',
    title: 'mbufs in socket buffers',
    unit: 'mbufs',
    better: 'fewer',
    description: 'Mbufs in all send buffers of the server, mean over the samples.',
    source: 'walk over the socket buffers (read)',
    kind: 'level',
    shown: 'both',
    compute: (w) => w.mean('server_sockbuf_mbufs'),
  },
  {
    name: 'sockbuf_bytes',
    title: 'Bytes in socket buffers',
    unit: 'B',
    better: 'none',
    description: 'Bytes queued in all send buffers of the server (sb_ccc), mean over the samples.',
    source: 'socket buffers (read)',
    kind: 'level',
    shown: 'both',
    compute: (w) => w.mean('server_sockbuf_bytes'),
  },
  {
    name: 'mbufs_per_mib_queued',
    title: 'Mbufs per MiB queued',
    unit: 'mbufs/MiB',
    better: 'fewer',
    description: 'Mbufs in the send buffers divided by the MiB queued in them, both as means over the samples.',
    source: 'socket buffers (read)',
    kind: 'level',
    shown: 'both',
    compute: (w) => ratio(w.mean('server_sockbuf_mbufs') * 1048576, w.mean('server_sockbuf_bytes')),
  },
  {
    name: 'conversions_per_s',
    title: 'Conversions',
    unit: '/s',
    better: 'fewer',
    description: 'Unmapped mbufs that were turned into mapped ones (mb_unmapped_to_ext), a second.',
    source: 'counter in mb_unmapped_to_ext (read)',
    kind: 'rate',
    shown: 'series',
    compute: (w) => (w.delta('server_conversions') * 1e9) / w.ns,
  },
  {
    name: 'cpu_share',
    title: 'CPU, modelled',
    unit: 'share',
    better: 'fewer',
    description: 'Share of the virtual time of all CPUs of the server in which they had work.',
    source: 'cost model (parameters read, derived or assumed, see the cost table)',
    kind: 'level',
    shown: 'both',
    compute: (w, host) => (host.costOn ? w.delta('server_busy_ns') / (w.ns * host.ncpu) : null),
  },
  {
    name: 'cycles_per_byte',
    title: 'Cycles per byte sent',
    unit: 'cycles/B',
    better: 'fewer',
    description: 'Busy time of the server’s CPUs times their clock, divided by the bytes that TCP sent.',
    source: 'cost model (parameters read, derived or assumed, see the cost table)',
    kind: 'level',
    shown: 'both',
    compute: (w, host) =>
      host.costOn ? ratio((w.delta('server_busy_ns') * host.hz) / 1e9, w.delta('server_sent_bytes')) : null,
  },
  {
    name: 'bytes_verified',
    title: 'Bytes verified',
    unit: 'B',
    better: 'more',
    description:
      'Bytes of files that the clients compared with the file and found equal, from the first request to the last.',
    source: 'application counters of the emulated clients (read)',
    kind: 'total',
    shown: 'run',
    compute: (w) => w.delta('client_bytes_verified'),
  },
  {
    name: 'bytes_corrupt',
    title: 'Bytes corrupt',
    unit: 'B',
    better: 'fewer',
    description: 'Bytes that differed from the file. Anything but 0 is a defect.',
    source: 'application counters of the emulated clients (read)',
    kind: 'total',
    shown: 'run',
    compute: (w) => w.delta('client_bytes_corrupt'),
  },
  {
    name: 'requests',
    title: 'Requests answered',
    unit: 'requests',
    better: 'more',
    description: 'Requests whose answers arrived whole.',
    source: 'application counters of the emulated clients (read)',
    kind: 'total',
    shown: 'run',
    compute: (w) => w.delta('client_requests'),
  },
  {
    name: 'unmapped_mbufs',
    title: 'Unmapped mbufs sent',
    unit: 'mbufs',
    better: 'none',
    description: 'Unmapped mbufs (M_NOMAP) that reached ip_output, shared ones counted each time they are sent.',
    source: 'counter in ip_output (read)',
    kind: 'total',
    shown: 'run',
    compute: (w) => w.delta('server_unmapped_sent'),
  },
  {
    name: 'unmapped_to_card',
    title: 'Unmapped mbufs queued to the card',
    unit: 'mbufs',
    better: 'none',
    description: 'Unmapped mbufs that left ip_output as they were and went into the queue of a card.',
    source: 'counters in ip_output and mb_unmapped_to_ext (read)',
    kind: 'total',
    shown: 'run',
    compute: (w) => w.delta('server_unmapped_sent') - w.delta('server_conversions'),
  },
  {
    name: 'conversions',
    title: 'Conversions',
    unit: 'mbufs',
    better: 'fewer',
    description: 'Unmapped mbufs that ip_output turned into mapped ones.',
    source: 'counter in mb_unmapped_to_ext (read)',
    kind: 'total',
    shown: 'run',
    compute: (w) => w.delta('server_conversions'),
  },
  {
    name: 'conversions_failed',
    title: 'Failed conversions',
    unit: 'packets',
    better: 'fewer',
    description:
      'Packets lost in ip_output because an mbuf or an sf_buf for their conversion was missing (ENOBUFS); TCP sends them again.',
    source: 'counter in mb_unmapped_to_ext (read)',
    kind: 'total',
    shown: 'run',
    compute: (w) => w.delta('server_conversion_failures'),
  },
  {
    name: 'converted_pages',
    title: 'Pages converted',
    unit: 'pages',
    better: 'fewer',
    description: 'Mapped mbufs of one page that came out of conversions.',
    source: 'counter in mb_unmapped_to_ext (read)',
    kind: 'total',
    shown: 'run',
    compute: (w) => w.delta('server_converted_pages'),
  },
  {
    name: 'copied_bytes_per_sent_byte',
    title: 'Copied by CPU',
    unit: 'B/B',
    better: 'fewer',
    description: 'Bytes of payload that the server’s CPUs copied on the way out, divided by the bytes that TCP sent.',
    source: 'counters in uiomove, m_copydata and their like (read)',
    kind: 'level',
    shown: 'both',
    compute: (w) => ratio(w.delta('server_copied_bytes'), w.delta('server_sent_bytes')),
  },
  {
    name: 'dram_misses_per_page',
    title: 'Cache misses per page',
    unit: 'misses/page',
    better: 'fewer',
    description:
      'Not modelled yet: expected misses are part of the cost parameters, so there is nothing to count. Always null.',
    source: 'none',
    kind: 'level',
    shown: 'run',
    compute: () => null,
  },
  {
    name: 'retransmissions',
    title: 'Retransmissions',
    unit: 'segments',
    better: 'fewer',
    description: 'Segments that the server sent again (tcps_sndrexmitpack).',
    source: 'TCP statistics (read)',
    kind: 'total',
    shown: 'run',
    compute: (w) => w.delta('server_retransmitted'),
  },
  {
    name: 'not_ready_mbufs',
    title: 'Not-ready mbufs queued',
    unit: 'mbufs',
    better: 'none',
    description: 'Mbufs that sendfile(2) put into socket buffers before their pages were read from the disk.',
    source: 'counter in vn_sendfile (read)',
    kind: 'total',
    shown: 'run',
    compute: (w) => w.delta('server_notready_mbufs'),
  },
  {
    name: 'ready_merged',
    title: 'Merged when ready',
    unit: 'mbufs',
    better: 'none',
    description: 'Small mbufs that were merged into the one before them when their data became ready (sbready).',
    source: 'counter in sbready_compress (read)',
    kind: 'total',
    shown: 'run',
    compute: (w) => w.delta('server_ready_merged'),
  },
  {
    name: 'ready_compressed',
    title: 'Made plain when ready',
    unit: 'mbufs',
    better: 'none',
    description: 'Unmapped mbufs of at most 224 bytes that became plain mbufs when their data became ready.',
    source: 'counter in sbready_compress (read)',
    kind: 'total',
    shown: 'run',
    compute: (w) => w.delta('server_ready_compressed'),
  },
  ...sendfileCounts.map(([name, unit, text]): Metric => ({
    name: `sendfile_${name}`,
    title: `sendfile: ${name}`,
    unit,
    better: 'none',
    description: `Count of ${text} (netstat -m).`,
    source: `kern.ipc.sfstat sf_${name} (read)`,
    kind: 'total',
    shown: 'run',
    compute: (w) => w.delta(`server_sf_${name}`),
  })),
  {
    name: 'disk_reads',
    title: 'Disk requests',
    unit: 'requests',
    better: 'fewer',
    description: 'Requests that the pager made to the disk.',
    source: 'counter of the disk (read)',
    kind: 'total',
    shown: 'run',
    compute: (w) => w.delta('server_disk_reads'),
  },
  {
    name: 'disk_errors',
    title: 'Disk errors',
    unit: 'requests',
    better: 'fewer',
    description: 'Requests that the disk answered with EIO.',
    source: 'counter of the disk (read)',
    kind: 'total',
    shown: 'run',
    compute: (w) => w.delta('server_disk_errors'),
  },
  {
    name: 'disk_short_reads',
    title: 'Short reads',
    unit: 'requests',
    better: 'fewer',
    description: 'Requests of which the disk brought a part only, so that the rest cost another access.',
    source: 'counter of the disk (read)',
    kind: 'total',
    shown: 'run',
    compute: (w) => w.delta('server_disk_short'),
  },
  {
    name: 'sfbuf_waits',
    title: 'Waits for sf_bufs',
    unit: 'requests',
    better: 'fewer',
    description: 'Requests for sf_bufs that had to wait (sf_allocwait); always 0 with a direct map.',
    source: 'kern.ipc.sfstat (read)',
    kind: 'total',
    shown: 'run',
    compute: (w) => w.delta('server_sf_allocwait'),
  },
  {
    name: 'sfbuf_denied',
    title: 'Denied sf_bufs',
    unit: 'requests',
    better: 'fewer',
    description: 'Requests for sf_bufs that could not wait and got none (sf_allocfail); always 0 with a direct map.',
    source: 'kern.ipc.sfstat (read)',
    kind: 'total',
    shown: 'run',
    compute: (w) => w.delta('server_sf_allocfail'),
  },
  {
    name: 'sfbufs_used',
    title: 'sf_bufs in use',
    unit: 'sf_bufs',
    better: 'fewer',
    description: 'Kernel addresses for pages in use on a machine without direct map, mean over the samples.',
    source: 'kern.ipc.nsfbufsused (read)',
    kind: 'level',
    shown: 'run',
    compute: (w) => w.mean('server_sfbufs_used'),
  },
  {
    name: 'wired_pages',
    title: 'File pages wired',
    unit: 'pages',
    better: 'none',
    description: 'Pages of the server held in place by mbufs, mean over the samples.',
    source: 'vm page table (read)',
    kind: 'level',
    shown: 'both',
    compute: (w) => w.mean('server_wired_pages'),
  },
  {
    name: 'mbufs_in_use',
    title: 'mbufs in use',
    unit: 'mbufs',
    better: 'fewer',
    description: 'Mbufs of the server that are allocated, wherever they are, mean over the samples.',
    source: 'zone of mbufs (read)',
    kind: 'level',
    shown: 'both',
    compute: (w) => w.mean('server_mbufs'),
  },
  ...causes.map((cause): Metric => ({
    name: `cpu_cause_${cause}`,
    title: `CPU: ${cause}`,
    unit: 'share',
    better: 'fewer',
    description: `Share of all CPUs of the server that was charged to the cause “${cause}”.`,
    source: 'cost model (parameters read, derived or assumed, see the cost table)',
    kind: 'level',
    shown: 'both',
    compute: (w, host) =>
      host.costOn ? (w.delta(`server_cycles_${cause}`) / host.hz) * (1e9 / (w.ns * host.ncpu)) : null,
  })),
]

/** Metrics that come from the end of a run, when the load was stopped and everything has drained. They have no window. */
const atQuiescence: Metric[] = [
  {
    name: 'leaked_mbufs',
    title: 'Mbufs leaked',
    unit: 'mbufs',
    better: 'fewer',
    description:
      'Mbufs of both hosts that are still allocated when the load has stopped and all connections are closed, beyond those at boot.',
    source: 'zones of mbufs (read)',
    kind: 'total',
    shown: 'run',
    compute: () => null,
  },
  {
    name: 'leaked_wired_pages',
    title: 'Wired pages leaked',
    unit: 'pages',
    better: 'fewer',
    description:
      'Pages of both hosts that are still wired when the load has stopped and all connections are closed, beyond those at boot.',
    source: 'vm page tables (read)',
    kind: 'total',
    shown: 'run',
    compute: () => null,
  },
]

export const metrics: readonly Metric[] = [...list, ...atQuiescence]
/** In the order of the columns of a series. */
export const seriesMetrics: readonly Metric[] = metrics.filter(({ shown }) => shown !== 'run')
export const runMetrics: readonly Metric[] = metrics.filter(({ shown }) => shown !== 'series')

const byName = new Map(metrics.map((metric) => [metric.name, metric]))
export function metricOf(name: string): Metric | undefined {
  return byName.get(name)
}

/** What the window needs to know of the series. */
export function seriesInfo(): SeriesInfo[] {
  return seriesMetrics.map(({ name, title, unit, better, description, source }) => ({
    name,
    title,
    unit,
    better,
    description: `${description} Source: ${source}.`,
  }))
}

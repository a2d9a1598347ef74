/**
 * Counters and levels that charts, metrics and comparisons are made of: each declared once, read into a caller's array without allocating.
 * Host 0 is the server under test, host 1 the peer with the clients.
 */
import { overCards } from '../dev/models'
import { CAUSE, causes } from '../machine/cost'
import type { Kernel } from '../kernel'
import { sfstatOrder } from '../kern/kern_sendfile'
import type { Machine } from '../machine/machine'

export interface CounterDeclaration {
  name: string
  unit: string
  /** `counter` only grows; `gauge` is the value now. */
  kind: 'counter' | 'gauge'
  description: string
  source: string
}

interface Counter extends CounterDeclaration {
  read(machine: Machine): number
}

const SERVER = 0
const CLIENT = 1

/** Sums over the server's send buffers, made once a sample. Scratch, not state. */
let sockbufMbufs = 0
let sockbufBytes = 0
let sockbufCount = 0

function sumSendBuffers(k: Kernel): void {
  sockbufMbufs = 0
  sockbufBytes = 0
  sockbufCount = 0
  const { tcp, inp } = k.inet
  const { so, sb } = k
  for (let tp = 1; tp < tcp.high; tp++) {
    const pcb = tcp.t_inpcb[tp]
    if (pcb === 0 || inp.inp_faddr[pcb] === 0) continue
    const socket = inp.inp_socket[pcb]
    if (socket === 0) continue
    const snd = so.so_snd[socket]
    if (snd === 0) continue
    sockbufMbufs += sb.sb_mcnt[snd]
    sockbufBytes += sb.sb_ccc[snd]
    sockbufCount++
  }
}

/** Mbufs in use, those with a packet cluster included. */
export function mbufsInUse(k: Kernel): number {
  return k.uma.zone_mbuf.used + k.uma.zone_pack.used
}

/** Payload bytes that CPUs copied on the way out: by write(2), into headers, out of unmapped mbufs. */
export function copiedBytes(k: Kernel): number {
  const s = k.mbstat
  return s.copied_bytes + s.compressed_bytes + s.unmapped_read_bytes + (s.sosend_bytes ?? 0)
}

/** Payload bytes that TCP sent, retransmitted ones included. */
export function sentBytes(k: Kernel): number {
  return k.inet.tcpstat.tcps_sndbyte + k.inet.tcpstat.tcps_sndrexmitbyte
}

/** Virtual ns that the CPUs of a host have been busy. */
export function busyNs(k: Kernel): number {
  let sum = 0
  for (let cpu = 0; cpu < k.cpu.count; cpu++) sum += k.cpu.busyNs[cpu]
  return sum
}

function counter(
  name: string,
  unit: string,
  kind: CounterDeclaration['kind'],
  description: string,
  source: string,
  read: (machine: Machine) => number,
): Counter {
  return { name, unit, kind, description, source, read }
}

const server = (m: Machine): Kernel => m.kernels[SERVER]
const client = (m: Machine): Kernel => m.kernels[CLIENT]

const list: readonly Counter[] = [
  counter('events', 'events', 'counter', 'events of the machine handled', 'event core', (m) => m.eventCount),
  counter(
    'frames',
    'frames',
    'counter',
    'frames that arrived at a card, both directions',
    'link',
    (m) => m.link.counter(0, 'deliveredFrames') + m.link.counter(1, 'deliveredFrames'),
  ),
  counter(
    'client_bytes_verified',
    'bytes',
    'counter',
    'bytes of files received and compared with the file',
    'apps/httpClient',
    (m) => client(m).apps.client.stat.bytes_verified,
  ),
  counter(
    'client_bytes_corrupt',
    'bytes',
    'counter',
    'bytes received that differ from the file',
    'apps/httpClient',
    (m) => client(m).apps.client.stat.bytes_corrupt,
  ),
  counter(
    'client_requests',
    'requests',
    'counter',
    'answers received whole',
    'apps/httpClient',
    (m) => client(m).apps.client.stat.responses,
  ),
  counter(
    'client_errors',
    'requests',
    'counter',
    'requests that failed',
    'apps/httpClient',
    (m) => client(m).apps.client.stat.errors,
  ),
  counter(
    'server_sockbuf_mbufs',
    'mbufs',
    'gauge',
    'mbufs in the send buffers of all connections (sb_mcnt)',
    'kern/uipc_sockbuf',
    () => sockbufMbufs,
  ),
  counter(
    'server_sockbuf_bytes',
    'bytes',
    'gauge',
    'bytes in the send buffers of all connections (sb_ccc)',
    'kern/uipc_sockbuf',
    () => sockbufBytes,
  ),
  counter(
    'server_connections',
    'connections',
    'gauge',
    'TCP connections with a socket',
    'netinet/in_pcb',
    () => sockbufCount,
  ),
  counter(
    'server_sent_bytes',
    'bytes',
    'counter',
    'payload bytes sent by TCP, retransmissions included',
    'netinet/tcp_output',
    (m) => sentBytes(server(m)),
  ),
  counter(
    'server_sent_packets',
    'packets',
    'counter',
    'packets with data that tcp_output made, a TSO burst is one',
    'netinet/tcp_output',
    (m) => server(m).inet.tcpstat.tcps_sndpack,
  ),
  counter(
    'server_retransmitted',
    'packets',
    'counter',
    'packets with data sent again',
    'netinet/tcp_output',
    (m) => server(m).inet.tcpstat.tcps_sndrexmitpack,
  ),
  counter(
    'server_acks',
    'packets',
    'counter',
    'acknowledgements received',
    'netinet/tcp_input',
    (m) => server(m).inet.tcpstat.tcps_rcvackpack,
  ),
  counter(
    'server_conversions',
    'mbufs',
    'counter',
    'unmapped mbufs turned into mapped ones',
    'kern/kern_mbuf mb_unmapped_to_ext',
    (m) => server(m).mbstat.conversions,
  ),
  counter(
    'server_converted_pages',
    'pages',
    'counter',
    'pages that got a mapped mbuf in a conversion',
    'kern/kern_mbuf mb_unmapped_to_ext',
    (m) => server(m).mbstat.converted_pages,
  ),
  counter(
    'server_unmapped_sent',
    'mbufs',
    'counter',
    'unmapped mbufs that reached ip_output',
    'netinet/ip_output',
    (m) => server(m).mbstat.nomap_sent,
  ),
  counter(
    'server_copied_bytes',
    'bytes',
    'counter',
    'payload bytes copied by CPUs on the way out',
    'kern/uipc_mbuf, kern/uipc_sosend',
    (m) => copiedBytes(server(m)),
  ),
  counter('server_mbufs', 'mbufs', 'gauge', 'mbufs in use on the server', 'vm/uma_core', (m) => mbufsInUse(server(m))),
  counter('client_mbufs', 'mbufs', 'gauge', 'mbufs in use on the peer', 'vm/uma_core', (m) => mbufsInUse(client(m))),
  counter(
    'server_ext_pgs',
    'items',
    'gauge',
    'page arrays (mbuf_extpgs) in use',
    'vm/uma_core',
    (m) => server(m).uma.zone_extpgs.used,
  ),
  counter(
    'server_wired_pages',
    'pages',
    'gauge',
    'pages wired on the server',
    'vm/vm_page',
    (m) => server(m).page.vm.wired,
  ),
  counter(
    'client_wired_pages',
    'pages',
    'gauge',
    'pages wired on the peer',
    'vm/vm_page',
    (m) => client(m).page.vm.wired,
  ),
  counter(
    'server_tx_frames',
    'frames',
    'counter',
    'frames the cards of the server have sent',
    'dev/cxgbe, dev/e1000',
    (m) => overCards(server(m), 'txFrames'),
  ),
  counter(
    'server_tx_octets',
    'bytes',
    'counter',
    'octets the cards of the server have sent',
    'dev/cxgbe, dev/e1000',
    (m) => overCards(server(m), 'txOctets'),
  ),
  counter(
    'server_tx_descriptors',
    'descriptors',
    'counter',
    'descriptors the driver has written',
    'dev/cxgbe, dev/e1000',
    (m) => overCards(server(m), 'descriptors'),
  ),
  counter(
    'server_tx_segments',
    'entries',
    'counter',
    'scatter/gather entries the driver has written',
    'dev/cxgbe, dev/e1000',
    (m) => overCards(server(m), 'segments'),
  ),
  counter('server_doorbells', 'writes', 'counter', 'doorbell writes', 'dev/cxgbe, dev/e1000', (m) =>
    overCards(server(m), 'doorbells'),
  ),
  counter(
    'server_immediate',
    'packets',
    'counter',
    'packets that went inside the work request',
    'dev/cxgbe, dev/e1000',
    (m) => overCards(server(m), 'immediate'),
  ),
  counter(
    'server_tso_bursts',
    'bursts',
    'counter',
    'bursts that the card cut into segments',
    'dev/cxgbe, dev/e1000',
    (m) => overCards(server(m), 'tsoBursts'),
  ),
  counter(
    'server_interrupts',
    'interrupts',
    'counter',
    'receive interrupts of the server',
    'dev/cxgbe, dev/e1000',
    (m) => overCards(server(m), 'interrupts'),
  ),
  counter(
    'server_conversion_failures',
    'packets',
    'counter',
    'packets lost because an mbuf or an sf_buf for their conversion was missing',
    'kern/kern_mbuf mb_unmapped_to_ext',
    (m) => server(m).mbstat.conversion_failures,
  ),
  ...sfstatOrder.map((name) =>
    counter(
      `server_${name}`,
      'count',
      'counter',
      `kern.ipc.sfstat: ${name}`,
      'kern/kern_sendfile',
      (m) => server(m).sendfile.stat[name],
    ),
  ),
  counter(
    'server_notready_mbufs',
    'mbufs',
    'counter',
    'mbufs that sendfile queued before their pages were read',
    'kern/kern_sendfile',
    (m) => server(m).mbstat.notready_mbufs,
  ),
  counter(
    'server_ready_merged',
    'mbufs',
    'counter',
    'mbufs merged into the one before when their data became ready',
    'kern/uipc_sockbuf sbready_compress',
    (m) => server(m).mbstat.ready_merged,
  ),
  counter(
    'server_ready_compressed',
    'mbufs',
    'counter',
    'unmapped mbufs that became plain ones when their data became ready',
    'kern/uipc_sockbuf sbready_compress',
    (m) => server(m).mbstat.ready_compressed,
  ),
  counter(
    'server_disk_reads',
    'requests',
    'counter',
    'requests to the disk',
    'vm/disk',
    (m) => server(m).disk.state.reads,
  ),
  counter(
    'server_disk_errors',
    'requests',
    'counter',
    'requests that the disk failed',
    'vm/disk',
    (m) => server(m).disk.state.errors,
  ),
  counter(
    'server_disk_short',
    'requests',
    'counter',
    'requests of which the disk brought a part only, the rest by another access',
    'vm/disk',
    (m) => server(m).disk.queue?.n.shortReads ?? 0,
  ),
  counter('server_sfbufs_used', 'sf_bufs', 'gauge', 'sf_bufs in use', 'kern/subr_sfbuf', (m) => {
    return server(m).page.vm.sfbufs?.n.used ?? 0
  }),
  counter(
    'link_lost',
    'frames',
    'counter',
    'frames lost by the link, both directions',
    'link',
    (m) => m.link.counter(0, 'lost') + m.link.counter(1, 'lost'),
  ),
  counter(
    'link_queue_drops',
    'frames',
    'counter',
    'frames dropped because a queue was full, both directions',
    'link',
    (m) => m.link.counter(0, 'queueDrops') + m.link.counter(1, 'queueDrops'),
  ),
  counter('link_queued_bytes', 'bytes', 'gauge', 'bytes that wait for the transmitter of the server', 'link', (m) =>
    m.link.queued(0),
  ),
  counter('server_busy_ns', 'ns', 'counter', 'time in which CPUs of the server had work', 'machine/cpu', (m) =>
    busyNs(server(m)),
  ),
  ...causes.map((cause) =>
    counter(
      `server_cycles_${cause}`,
      'cycles',
      'counter',
      `cycles charged to ${cause}`,
      'machine/cost',
      (m) => server(m).cost.byCause[CAUSE[cause]],
    ),
  ),
]

/** What {@link readCounters} writes, in its order. */
export const counterDeclarations: readonly CounterDeclaration[] = list.map(
  ({ name, unit, kind, description, source }) => ({
    name,
    unit,
    kind,
    description,
    source,
  }),
)

/** Reads every counter into `out`, which has `counterDeclarations.length` places. */
export function readCounters(machine: Machine, out: Float64Array): void {
  sumSendBuffers(machine.kernels[SERVER])
  for (let i = 0; i < list.length; i++) out[i] = list[i].read(machine)
}

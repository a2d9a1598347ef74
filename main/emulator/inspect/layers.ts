/**
 * The three columns beside the send path: what a layer holds for the socket, what it does on the host, which share of the CPUs it takes. Rates and shares
 * are over the time since the last question, at least {@link WINDOW_NS} of it.
 */
import type { Kernel } from '../kernel'
import type { Machine } from '../machine/machine'
import { busyNs, copiedBytes, sentBytes } from './counters'
import type { LayerFigures, LayerName, SendPath } from './types'

/** A shorter stretch says nothing: the rates of the one before stay. */
const WINDOW_NS = 1_000_000

/** To which layer the cycles of a profile frame belong; frames that are not named belong to the one that called them. */
const layerOfFunction: { readonly [name: string]: LayerName } = {
  vn_sendfile: 'file',
  vn_read: 'file',
  sendfile_swapin: 'file',
  sendfile_iodone: 'file',
  uiomove: 'file',
  sosend_generic: 'sockbuf',
  sowakeup: 'sockbuf',
  tcp_output: 'tcp',
  tcp_m_copym: 'tcp',
  ip_output: 'ip',
  mb_unmapped_to_ext: 'ip',
  in_delayed_cksum: 'ip',
  vlan_transmit: 'vlan',
  ether_output: 'card',
  eth_tx: 'card',
  reclaim_tx_descs: 'card',
  handle_sge_egr_update: 'card',
  service_iq: 'ack',
  t4_eth_rx: 'ack',
  ether_input: 'ack',
  ip_input: 'ack',
  tcp_input: 'ack',
  tcp_do_segment: 'ack',
}

const layerNames: readonly LayerName[] = ['file', 'sockbuf', 'tcp', 'ip', 'vlan', 'card', 'wire', 'ack']

/** What a rate is made of. */
interface Sample {
  t: number
  sent: number
  copied: number
  convertedBytes: number
  bursts: number
  conversions: number
  acks: number
  octets: number
  busy: number
  cycles: Map<LayerName, number>
}

export class LayerWindow {
  private last: Sample
  /** Differences over the latest window; null before the first. */
  private delta: Sample | null = null

  constructor(
    private readonly machine: Machine,
    private readonly host: number,
  ) {
    this.last = this.sample()
  }

  reset(): void {
    this.last = this.sample()
    this.delta = null
  }

  /** Closes the window if it is long enough and opens the next. */
  advance(): void {
    const { time } = this.machine
    if (time < this.last.t) this.reset()
    if (time - this.last.t < WINDOW_NS) return
    const now = this.sample()
    const before = this.last
    this.delta = {
      t: now.t - before.t,
      sent: now.sent - before.sent,
      copied: now.copied - before.copied,
      convertedBytes: now.convertedBytes - before.convertedBytes,
      bursts: now.bursts - before.bursts,
      conversions: now.conversions - before.conversions,
      acks: now.acks - before.acks,
      octets: now.octets - before.octets,
      busy: now.busy - before.busy,
      cycles: new Map(layerNames.map((name) => [name, (now.cycles.get(name) ?? 0) - (before.cycles.get(name) ?? 0)])),
    }
    this.last = now
  }

  private get k(): Kernel {
    return this.machine.kernels[this.host]
  }

  private sample(): Sample {
    const { k } = this
    const { tcpstat } = k.inet
    return {
      t: this.machine.time,
      sent: sentBytes(k),
      copied: copiedBytes(k),
      convertedBytes: k.mbstat.converted_pages * 4096,
      bursts: tcpstat.tcps_sndpack + tcpstat.tcps_sndrexmitpack,
      conversions: k.mbstat.conversions,
      acks: tcpstat.tcps_rcvackpack,
      octets: this.machine.link.counter(this.host, 'deliveredBytes'),
      busy: busyNs(k),
      cycles: layerCycles(k),
    }
  }

  private perSecond(value: number): number {
    return this.delta === null ? 0 : (value * 1e9) / this.delta.t
  }

  private share(layer: LayerName): number | null {
    const { k, delta } = this
    if (!k.cost.on || delta === null) return null
    return (delta.cycles.get(layer) ?? 0) / ((delta.t / 1e9) * k.config.hz * k.cpu.count)
  }

  /** Figures of the host; those of a socket are filled in by {@link fill}. */
  figures(): SendPath['layers'] {
    const { k } = this
    const d = this.delta
    const row = (socketUnit: string, host: number, hostUnit: string, cpu: number | null): LayerFigures => ({
      socket: 0,
      socketUnit,
      host,
      hostUnit,
      cpu,
    })
    return {
      file: row('pages', k.page.vm.wired, 'wired', this.share('file')),
      sockbuf: row('mbufs', sockbufMbufs(k), 'mbufs', this.share('sockbuf')),
      tcp: row('mbufs', this.perSecond(d?.bursts ?? 0), 'bursts/s', this.share('tcp')),
      ip: row('converted', this.perSecond(d?.conversions ?? 0), '/s', this.share('ip')),
      vlan: row('', 0, '', this.share('vlan')),
      card: row('entries', 0, 'used', this.share('card')),
      wire: row('frames', this.perSecond((d?.octets ?? 0) * 8), 'b/s', null),
      ack: row('B', this.perSecond(d?.acks ?? 0), 'ACK/s', this.share('ack')),
    }
  }

  verdict(): SendPath['verdict'] {
    const { delta, k } = this
    if (delta === null) return { copiedPerByte: 0, convertedPerByte: 0, cpu: 0 }
    const perByte = (bytes: number): number => (delta.sent > 0 ? bytes / delta.sent : 0)
    return {
      copiedPerByte: perByte(delta.copied),
      // Counted in pages: the first and last of a burst may be partial, so the quotient is limited to what it means.
      convertedPerByte: Math.min(1, perByte(delta.convertedBytes)),
      cpu: delta.busy / (delta.t * k.cpu.count),
    }
  }

  /** Puts the socket's own figures into the rows. */
  fill(path: SendPath): void {
    const { layers, burst, ring } = path
    layers.file.socket = path.pages.length
    layers.sockbuf.socket = path.socketBuffer.length
    layers.card.host = ring.used
    layers.card.hostUnit = `of ${ring.size} used`
    layers.ack.socket = path.release.next
    if (burst === null) return
    layers.tcp.socket = burst.tcp.length
    layers.ip.socket = burst.ip.converted
    if (burst.vlan !== null) {
      layers.vlan.socket = burst.vlan.tag
      layers.vlan.socketUnit = 'tag'
    }
    layers.card.socket = burst.sglist.length
    layers.wire.socket = burst.framesOut
    layers.wire.socketUnit = `of ${burst.frames} out`
  }
}

/** Mbufs in the send buffers of all connections. */
function sockbufMbufs(k: Kernel): number {
  const { tcp, inp } = k.inet
  let sum = 0
  for (let tp = 1; tp < tcp.high; tp++) {
    const pcb = tcp.t_inpcb[tp]
    if (pcb === 0) continue
    const socket = inp.inp_socket[pcb]
    if (socket !== 0) sum += k.sb.sb_mcnt[k.so.so_snd[socket]]
  }
  return sum
}

/** Cycles since boot by layer, from the profile. Cycles that belong to no layer (applications, housekeeping) are left out. */
function layerCycles(k: Kernel): Map<LayerName, number> {
  const sums = new Map<LayerName, number>()
  if (!k.cost.on) return sums
  for (const { stack, self } of k.cost.profile()) {
    let layer: LayerName | undefined
    for (let i = stack.length - 1; i >= 0 && layer === undefined; i--) layer = layerOfFunction[stack[i]]
    if (layer === undefined) continue
    let cycles = 0
    for (const part of self) cycles += part
    sums.set(layer, (sums.get(layer) ?? 0) + cycles)
  }
  return sums
}

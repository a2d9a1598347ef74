/**
 * The send path of one connection as data, for the overview picture: file pages, socket buffer, latest burst station by station, ring, wire, and what
 * the next acknowledgement frees. Everything is read from live state and from the send-path probe; reading changes nothing but which connection the
 * probe watches.
 *
 * A burst is on its way through the host for microseconds, so a picture of a random instant would hardly ever show one. The reader therefore asks the
 * card to tell when it begins to read the next burst of the connection, and keeps the picture of that very instant.
 */
import { PROBE_TIMES } from '../dev/cxgbe/adapter'
import { nicOf, nicOfBurst } from '../dev/models'
import type { Kernel } from '../kernel'
import type { Machine } from '../machine/machine'
import { PROBE_CHAIN, PROBE_KIND, PROBE_SG } from '../machine/probe'
import { if_name, ifioctl, type Ifreq } from '../net/if'
import { vlanInfo } from '../net/if_vlan'
import { addressText } from '../netinet/in_ifaddr'
import { INP_TIMEWAIT } from '../netinet/in_pcb'
import { TCPS_ESTABLISHED, TCPS_LAST_ACK } from '../netinet/tcp_var'
import { SIOCGIFMEDIA } from '../sys/sockio'
import { drawnMbuf, kindOf, visiblePages } from './chains'
import { LayerWindow } from './layers'
import type { DrawnBurst, DrawnMbuf, SendPath } from './types'

/** The host under test. */
const SERVER = 0
/** Connections offered by name. */
const CHOICES = 200
/** Ethernet header, which the chain of tcp_output does not have yet. */
const ETHER = 14

const kinds: { readonly [code: number]: DrawnMbuf['kind'] } = {
  [PROBE_KIND.plain]: 'mbuf',
  [PROBE_KIND.cluster]: 'cluster',
  [PROBE_KIND.sfbuf]: 'sfbuf',
  [PROBE_KIND.pgs]: 'extpgs',
  [PROBE_KIND.other]: 'aiotx',
}

/** True for a connection that can send: established, or closing while data is left. */
function isConnection(k: Kernel, tp: number): boolean {
  const { tcp, inp } = k.inet
  const pcb = tcp.t_inpcb[tp]
  if (pcb === 0 || (inp.inp_flags[pcb] & INP_TIMEWAIT) !== 0 || inp.inp_socket[pcb] === 0) return false
  const state = tcp.t_state[tp]
  return state >= TCPS_ESTABLISHED && state <= TCPS_LAST_ACK && inp.inp_faddr[pcb] !== 0
}

function label(k: Kernel, tp: number): string {
  const { tcp, inp } = k.inet
  const pcb = tcp.t_inpcb[tp]
  return `${addressText(k, inp.inp_faddr[pcb])}.${inp.inp_fport[pcb]}`
}

export class SendPathReader {
  private readonly layers: LayerWindow
  /** Picture of the latest burst that the card began to read since the last question. */
  private captured: SendPath | null = null
  private wanted = false

  constructor(private readonly machine: Machine) {
    this.layers = new LayerWindow(machine, SERVER)
    const k = machine.kernels[SERVER]
    k.cxgbe.burstObserver = () => {
      if (!this.wanted) return
      this.wanted = false
      this.captured = this.build(machine.probe.control.tcpcb)
    }
  }

  /**
   * The picture for a connection (id = tcpcb row; null: the one watched before, else the first).
   * @param atBurst true: the instant of the latest burst since the last call, if there was one; false: now.
   */
  read(connection: number | null, atBurst = true): SendPath {
    const { machine } = this
    const k = machine.kernels[SERVER]
    const { control } = machine.probe
    const tp = this.choose(k, connection)
    if (
      control.tcpcb !== tp ||
      control.host !== SERVER ||
      (tp !== 0 && control.generation !== k.inet.tcp.t_generation[tp])
    ) {
      machine.probe.watch(SERVER, tp, tp === 0 ? 0 : k.inet.tcp.t_generation[tp])
      this.captured = null
    }
    this.layers.advance()
    const captured = this.captured
    this.captured = null
    this.wanted = tp !== 0
    // After an undo the picture would be from the future.
    if (atBurst && captured !== null && captured.t <= machine.time && captured.connection?.id === tp) return captured
    return this.build(tp)
  }

  /** Forgets what was gathered: the machine was put back to an earlier state. */
  reset(): void {
    this.captured = null
    this.wanted = false
    this.layers.reset()
  }

  private choose(k: Kernel, connection: number | null): number {
    const { control } = this.machine.probe
    const { tcp } = k.inet
    if (connection !== null && connection > 0 && connection < tcp.high && isConnection(k, connection)) return connection
    if (connection === null && control.tcpcb !== 0 && control.tcpcb < tcp.high && isConnection(k, control.tcpcb)) {
      if (control.generation === tcp.t_generation[control.tcpcb]) return control.tcpcb
    }
    for (let tp = 1; tp < tcp.high; tp++) if (isConnection(k, tp)) return tp
    return 0
  }

  private build(tp: number): SendPath {
    const { machine } = this
    const k = machine.kernels[SERVER]
    const connections: SendPath['connections'] = []
    let connectionCount = 0
    for (let row = 1; row < k.inet.tcp.high; row++) {
      if (!isConnection(k, row)) continue
      connectionCount++
      if (connections.length < CHOICES) connections.push({ id: row, label: label(k, row) })
    }
    const path: SendPath = {
      t: machine.time,
      connection: null,
      connections,
      connectionCount,
      method: machine.config.workload.method,
      base: 0,
      length: 0,
      pages: [],
      socketBuffer: [],
      una: 0,
      nxt: 0,
      burst: null,
      ring: ringOf(k, 0, 0),
      wire: { media: mediaOf(k) },
      release: { next: 0, wiredPages: 0 },
      layers: this.layers.figures(),
      verdict: this.layers.verdict(),
    }
    if (tp !== 0 && isConnection(k, tp)) this.addConnection(k, tp, path)
    this.layers.fill(path)
    return path
  }

  private addConnection(k: Kernel, tp: number, path: SendPath): void {
    const { tcp, inp } = k.inet
    const pcb = tcp.t_inpcb[tp]
    const { sb } = k
    const snd = k.so.so_snd[inp.inp_socket[pcb]]
    path.connection = { id: tp, label: label(k, tp) }
    path.base = tcp.t_streamAcked[tp]
    path.nxt = (tcp.snd_nxt[tp] - tcp.snd_una[tp]) | 0
    path.length = sb.sb_ccc[snd]
    let off = 0
    for (let m = sb.sb_mb[snd]; m !== 0; m = k.mb.m_next[m]) {
      if (k.mb.m_len[m] === 0) continue
      path.socketBuffer.push(drawnMbuf(k, m, off))
      addPages(k, m, off, path.pages)
      off += k.mb.m_len[m]
    }
    path.burst = this.burstOf(k, pcb, path)
    path.release = releaseOf(path)
    const flow = inp.inp_flowid[pcb]
    path.ring = ringOf(k, flow, inp.inp_flowtype[pcb])
  }

  /** The newest burst that tcp_output has built, or null. */
  private burstOf(k: Kernel, pcb: number, path: SendPath): DrawnBurst | null {
    const { machine } = this
    const row = machine.probe.newest()
    const b = machine.probe.bursts
    if (row === 0 || b.id[row] === 0) return null
    const off = b.streamOffset[row] - path.base
    const len = b.len[row]
    const mss = Math.max(1, b.mss[row])
    const frames = Math.max(1, Math.ceil(len / mss))
    const times = nicOfBurst(k, row).probeTimes(k)
    const readAt = times[row * PROBE_TIMES]
    const doneAt = times[row * PROBE_TIMES + 1]
    const current = readAt >= b.time[row]
    const done = current && doneAt >= readAt && doneAt > 0
    const ifp = k.inet.inp.inp_routeifp[pcb]
    const vlan = ifp === 0 ? null : vlanInfo(k, ifp)
    const immediate = b.wr_immediate[row] > 0
    const sglist: DrawnBurst['sglist'] = []
    const headers = b.hdrlen[row] + ETHER
    let position = -headers
    const shown = Math.min(b.sg_total[row], PROBE_SG)
    for (let i = 0; i < shown; i++) {
      const size = b.sg_len[row * PROBE_SG + i]
      if (position < 0) {
        sglist.push({ off: -headers, len: Math.min(size, headers) })
        if (size > -position) sglist.push({ off, len: size + position })
      } else sglist.push({ off: off + position, len: size })
      position += size
    }
    return {
      id: b.id[row],
      t: b.time[row],
      off,
      len,
      segments: frames,
      mss: b.mss[row],
      tso: b.tso[row] === 1,
      tcp: chainOf(machine, row, off, b.hdrlen[row], 'tcp'),
      ip: {
        checksumByCard: b.ip_checksumByCard[row] === 1,
        takesUnmapped: b.ip_takesUnmapped[row] === 1,
        converted: b.ip_converted[row],
        chain: chainOf(machine, row, off, b.hdrlen[row], 'ip'),
      },
      vlan: vlan === null ? null : { tag: vlan.tag, interface: if_name(k, ifp) },
      sglist,
      descriptors: b.wr_descriptors[row],
      immediate,
      framesOut: done ? framesOut(machine, frames, len, times[row * PROBE_TIMES + 2]) : 0,
      frames,
      inFlight: b.ip_error[row] === 0 && b.wr_descriptors[row] > 0 && !done,
    }
  }
}

/** Frames of a burst that have left the link's transmitter, if the last bit leaves at `departure`. */
function framesOut(machine: Machine, frames: number, len: number, departure: number): number {
  const left = departure - machine.time
  if (left <= 0) return frames
  const perFrame = ((len / frames + 90) * 8e9) / machine.link.get('rate')
  return Math.max(0, frames - Math.ceil(left / perFrame))
}

/** A chain that the probe recorded, header first. Payload in the header's own mbuf is drawn as an mbuf of its own. */
function chainOf(machine: Machine, row: number, off: number, hdrlen: number, station: 'tcp' | 'ip'): DrawnMbuf[] {
  const b = machine.probe.bursts
  const [total, kind, length, data, shadow] =
    station === 'tcp'
      ? [b.tcp_total, b.tcp_kind, b.tcp_len, b.tcp_off, b.tcp_shadow]
      : [b.ip_total, b.ip_kind, b.ip_len, b.ip_off, b.ip_shadow]
  const out: DrawnMbuf[] = []
  const n = Math.min(total[row], PROBE_CHAIN)
  let at = off
  for (let i = 0; i < n; i++) {
    const place = row * PROBE_CHAIN + i
    let len = length[place]
    const shape = kinds[kind[place]] ?? 'mbuf'
    if (i === 0) {
      const header = Math.min(hdrlen, len)
      out.push(drawn(0, header, shape, 0, false, true))
      len -= header
      if (len <= 0) continue
    }
    const firstPgOff = shape === 'extpgs' || shape === 'sfbuf' ? data[place] % 4096 : 0
    out.push(drawn(at, len, shape, firstPgOff, shadow[place] === 1, false))
    at += len
  }
  return out
}

function drawn(
  off: number,
  len: number,
  kind: DrawnMbuf['kind'],
  firstPgOff: number,
  shadow: boolean,
  header: boolean,
): DrawnMbuf {
  return {
    off,
    len,
    kind,
    npgs: kind === 'extpgs' ? Math.ceil((firstPgOff + len) / 4096) : 0,
    firstPgOff,
    shadow,
    header,
    ready: true,
    refs: shadow ? 2 : 1,
  }
}

/** File pages behind an mbuf of the send buffer. */
function addPages(k: Kernel, m: number, off: number, pages: SendPath['pages']): void {
  const kind = kindOf(k, m)
  const add = (at: number, len: number, frame: number): void => {
    const before = pages[pages.length - 1]
    // Two mbufs may show parts of one page.
    if (before !== undefined && before.frame === frame && before.off + before.len === at) before.len += len
    else pages.push({ off: at, len, frame, adjacent: before !== undefined && before.frame + 1 === frame })
  }
  if (kind === 'extpgs') {
    let at = off
    for (const page of visiblePages(k, m)) {
      add(at, page.len, page.frame)
      at += page.len
    }
  } else if (kind === 'sfbuf') add(off, k.mb.m_len[m], Math.floor(k.mb.ext_buf[m] / 4096))
}

/**
 * What the next acknowledgement can free: up to the end of the oldest burst that is not acknowledged, and the pages of the mbufs that then go.
 */
function releaseOf(path: SendPath): SendPath['release'] {
  const burst = path.burst
  const next =
    burst !== null && burst.off <= 0 && burst.off + burst.len > 0
      ? Math.min(burst.off + burst.len, path.nxt)
      : Math.max(0, burst !== null && burst.off > 0 && burst.off < path.nxt ? burst.off : path.nxt)
  let wiredPages = 0
  for (const m of path.socketBuffer) if (m.off < next) wiredPages += m.kind === 'sfbuf' ? 1 : m.npgs
  return { next, wiredPages }
}

/** Ring of the queue that a flow uses on the card by which its newest burst left: on that card's first port. */
function ringOf(k: Kernel, flow: number, flowType: number): SendPath['ring'] {
  const ring = nicOfBurst(k, k.machine.probe.newest()).ring(k, flow, flowType)
  if (ring === null) return { interface: 'none', queue: 0, size: 0, cidx: 0, pidx: 0, used: 0 }
  return { ...ring, interface: if_name(k, ring.interface) }
}

function mediaOf(k: Kernel): string {
  const ifp = nicOf(k).firstInterface(k)
  if (ifp === 0) return ''
  const ifr: Ifreq = {}
  return ifioctl(k, if_name(k, ifp), SIOCGIFMEDIA, ifr) === 0 ? (ifr.ifm?.active.subtype ?? '') : ''
}

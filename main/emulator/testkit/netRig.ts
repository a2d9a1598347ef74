/**
 * Two whole hosts for tests of the stack: a {@link Machine} with files, joined by the plain wire (testkit/plainWire.ts) or by their T6 cards, and the few
 * system calls a test needs, called as a program would.
 */
import { drainLoad } from '../apps/apps'
import type { FilesConfig, HostConfig, LinkConfig, MachineConfig, WorkloadConfig } from '../config'
import { so_result, soaccept, sobind, soconnect, socreate, solisten } from '../kern/uipc_socket'
import { UBUF_BYTES, userAddress, userBuffer } from '../kern/subr_uio'
import { soreceive, sosend, soTransferred } from '../kern/uipc_sosend'
import type { Kernel } from '../kernel'
import { Machine } from '../machine/machine'
import { EAGAIN } from '../sys/errno'
import { SS_ISCONNECTED, SS_NBIO } from '../sys/socket'
import { attachPlainWire, type PlainWire, type PlainWireOptions } from './plainWire'

export interface NetOptions {
  /** Sizes of the files /www/f0, /www/f1 … Default one of 100 000 bytes. */
  files?: number[]
  seed?: number
  ncpu?: number
  warm?: boolean
  contiguity?: number
  diskLatencyNs?: number
  diskBytesPerSecond?: number
  /** Queue depth, errors and short reads of the disk. */
  disk?: Pick<FilesConfig, 'diskQueueDepth' | 'diskErrors' | 'diskShortReads'>
  /** Sysctls of host 0 and of host 1. */
  sysctls?: { [name: string]: string }
  peerSysctls?: { [name: string]: string }
  tunables?: { [name: string]: string }
  /** Plain wire, or `t6` for the real cards and link. */
  wire?: PlainWireOptions | 't6'
  link?: Partial<LinkConfig>
  /** Capabilities of host 0's card (with `t6`). */
  capabilities?: { [keyword: string]: boolean }
  workload?: Partial<WorkloadConfig>
  cost?: boolean
  /** False: host 0 has no direct map, sf_bufs are a pool. */
  directMap?: boolean
  debug?: boolean
}

export interface Net {
  machine: Machine
  /** Host 0, the server. */
  a: Kernel
  /** Host 1, the client. */
  b: Kernel
  wire: PlainWire | null
  /** Bytes of a file. */
  file(index: number): Uint8Array
}

/** Contents of test files: every four bytes differ from their neighbours. */
export function testBytes(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let s = (seed * 2654435761 + 1) >>> 0
  for (let i = 0; i < length; i++) {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0
    bytes[i] = s >>> 24
  }
  return bytes
}

/** Builds and boots the two hosts. The load starts only when a test says so. */
export function createNet(options: NetOptions = {}): Net {
  const sizes = options.files ?? [100_000]
  let page = 0
  const entries = sizes.map((size, i) => {
    const entry = { path: `/www/f${i}`, size, diskPage: page }
    page += Math.max(1, Math.ceil(size / 4096))
    return entry
  })
  const disk = new Uint8Array(page * 4096)
  entries.forEach((entry, i) => disk.set(testBytes(entry.size, i + 1), entry.diskPage * 4096))
  const real = options.wire === 't6'
  const host = (id: number): HostConfig => ({
    name: id === 0 ? 'server' : 'client',
    ncpu: options.ncpu ?? 2,
    hz: 2.6e9,
    memoryBytes: 4 * 1024 * 1024 * 1024,
    cost: id === 0 && (options.cost ?? false),
    tunables: id === 0 ? (options.tunables ?? {}) : {},
    ...(id === 0 && options.directMap === false ? { directMap: false } : {}),
    sysctls: (id === 0 ? options.sysctls : options.peerSysctls) ?? {},
    interfaces: real
      ? [
          {
            name: 'cc0',
            model: 't6',
            address: `10.0.0.${id + 1}`,
            prefixLength: 24,
            mtu: 1500,
            capabilities: id === 0 ? (options.capabilities ?? {}) : {},
          },
        ]
      : [],
  })
  const config: MachineConfig = {
    seed: options.seed ?? 1,
    hosts: [host(0), host(1)],
    link: {
      rateBps: 10e9,
      delayNs: 10_000,
      queueBytes: 4_000_000,
      loss: 0,
      duplicate: 0,
      reorder: 0,
      ...options.link,
    },
    files: {
      entries,
      contiguity: options.contiguity ?? 4,
      warm: options.warm ?? true,
      diskLatencyNs: options.diskLatencyNs ?? 100_000,
      diskBytesPerSecond: options.diskBytesPerSecond ?? 2e9,
      ...options.disk,
    },
    workload: {
      method: 'sendfile',
      connections: 0,
      thinkNs: 0,
      requestsPerConnection: 0,
      startNs: -1,
      rampNs: 0,
      sendLowat: 0,
      sendfileFlags: 0,
      port: 80,
      ...options.workload,
    },
    cost: { on: options.cost ?? false, parameters: {} },
    debug: options.debug ?? true,
  }
  const machine = new Machine(config, { bytes: disk })
  const wire = real ? null : attachPlainWire(machine, options.wire as PlainWireOptions | undefined)
  return {
    machine,
    a: machine.kernels[0],
    b: machine.kernels[1],
    wire,
    file: (index) =>
      disk.subarray(entries[index].diskPage * 4096, entries[index].diskPage * 4096 + entries[index].size),
  }
}

/** Address of host 0. */
export function serverAddressOf(net: Net): number {
  return net.wire === null ? 0x0a000001 : net.wire.address[0]
}

/** Fails with a sentence where a call answers an errno. */
export function ok(error: number, what: string): void {
  if (error !== 0) throw new Error(`${what}: errno ${error}`)
}

/** A listening socket. */
export function listenOn(k: Kernel, port: number): number {
  ok(socreate(k), 'socket')
  const so = so_result
  ok(sobind(k, so, 0, port), 'bind')
  ok(solisten(k, so, -1), 'listen')
  k.so.so_state[so] |= SS_NBIO
  return so
}

/** Starts connecting from host 1 to host 0; the socket is non-blocking. */
export function connectTo(net: Net, port: number): number {
  ok(socreate(net.b), 'socket')
  const so = so_result
  net.b.so.so_state[so] |= SS_NBIO
  ok(soconnect(net.b, so, serverAddressOf(net), port), 'connect')
  return so
}

/** Runs until `condition`, at most `limitNs`; fails with `what` otherwise. */
export function runUntil(net: Net, condition: () => boolean, what: string, limitNs = 300e9): void {
  const end = net.machine.time + limitNs
  while (!condition()) {
    const next = net.machine.nextEventTime()
    if (next === Infinity || next > end) throw new Error(`${what} did not happen within ${limitNs} ns`)
    net.machine.step()
  }
}

/** A connection: the server's socket (blocking unless set otherwise) and the client's. */
export function connectPair(net: Net, port = 7777): { server: number; client: number; listen: number } {
  const listen = listenOn(net.a, port)
  const client = connectTo(net, port)
  let server = 0
  runUntil(
    net,
    () => {
      if (server === 0) server = soaccept(net.a, listen)
      return server !== 0 && (net.b.so.so_state[client] & SS_ISCONNECTED) !== 0
    },
    'the connection',
  )
  return { server, client, listen }
}

/** User buffers of tests: one a kernel, made when first needed. */
const buffers = new WeakMap<Kernel, number>()
export function scratchBuffer(k: Kernel): number {
  let ub = buffers.get(k)
  if (ub === undefined) {
    ub = userBuffer(k)
    buffers.set(k, ub)
  }
  return ub
}

/** write(2): what fits. @returns bytes taken. */
export function writeBytes(k: Kernel, so: number, bytes: Uint8Array): number {
  const ub = scratchBuffer(k)
  const n = Math.min(bytes.length, UBUF_BYTES)
  k.phys.copyIn(bytes, 0, n, userAddress(k, ub, 0))
  const error = sosend(k, so, ub, 0, n, false)
  if (error !== 0 && error !== EAGAIN) throw new Error(`write: errno ${error}`)
  return soTransferred
}

/** What a reader has got so far. */
export interface Sink {
  bytes: number[] | Uint8Array
  length: number
  eof: boolean
  error: number
}
export function createSink(capacity: number): Sink {
  return { bytes: new Uint8Array(capacity), length: 0, eof: false, error: 0 }
}

/** read(2) until nothing is left. */
export function readInto(k: Kernel, so: number, sink: Sink, most = Infinity): void {
  const ub = scratchBuffer(k)
  while (!sink.eof && sink.error === 0 && most > 0) {
    const error = soreceive(k, so, ub, 0, Math.min(UBUF_BYTES, most))
    if (error === EAGAIN) return
    if (error !== 0) {
      sink.error = error
      return
    }
    const n = soTransferred
    if (n === 0) {
      sink.eof = true
      return
    }
    const at = userAddress(k, ub, 0)
    ;(sink.bytes as Uint8Array).set(k.phys.ram.subarray(at, at + n), sink.length)
    sink.length += n
    most -= n
  }
}

/** Everything of a host that a finished load must have given back, as text; equal before and after means that nothing leaked. */
export function baseLine(k: Kernel): { [name: string]: number } {
  const u = k.uma
  return {
    mbufs: u.zone_mbuf.used,
    packets: u.zone_pack.used,
    // An item of the packet zone, cached or not, holds a cluster.
    clusters: u.zone_clust.used - u.zone_pack.cached - u.zone_pack.used,
    jumbop: u.zone_jumbop.used,
    jumbo9: u.zone_jumbo9.used,
    jumbo16: u.zone_jumbo16.used,
    extpgs: u.zone_extpgs.used,
    wired: k.page.vm.wired,
    sockets: k.so.live,
    sockbufs: k.sb.live,
    tcpcbs: k.inet.tcp.live,
    segments: k.inet.tseg.live,
    holes: k.inet.hole.live,
    syncache: k.inet.sc.live,
    threads: k.td.live,
    calls: k.sendfile.call.live,
    ios: k.sendfile.sfio.live,
    syncs: k.sendfile.sync.live,
    pauses: k.sendfile.pause.live,
    writes: k.sosend.live,
    reads: k.reads.live,
    disk: k.disk.live,
  }
}

/** Stops the load and runs until nothing is under way. */
export function drain(net: Net, limitNs = 600e9): boolean {
  return drainLoad(net.machine, limitNs)
}

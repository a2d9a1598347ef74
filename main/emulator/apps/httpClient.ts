/**
 * The load generator of host 1: connections in a closed loop. Each fetches a file, compares every byte with the disk, thinks, fetches the next. Which file
 * and how long it thinks follow from seed, connection and number of the request alone, so that a knob of the other host never changes what is
 * asked for.
 */
import type { Kernel } from '../kernel'
import { kevent_add, kqueue, kqueue_next, kqueue_wakeup } from '../kern/kern_event'
import { UBUF_BYTES, userAddress, userBuffer, userWriteBytes } from '../kern/subr_uio'
import { so_result, soclose, soconnect, socreate, sogetopt, sooptval } from '../kern/uipc_socket'
import { setSosendReturn, SLEPT, soreceive, sosend, soTransferred } from '../kern/uipc_sosend'
import { functionId } from '../machine/cost'
import { ln } from '../machine/prng'
import { inet_addr } from '../netinet/in'
import { addressText } from '../netinet/in_ifaddr'
import { in6_row, isInet6 } from '../netinet6/in6'
import { inet_pton6 } from '../netinet6/in6_text'
import { EAGAIN } from '../sys/errno'
import { AF_INET, AF_INET6, SO_ERROR, SS_ISCONNECTED, SS_NBIO } from '../sys/socket'
import { differingBytes } from './compareBytes'
import { decimalAt, fieldAt, headLength, requestBytes, startsWithText } from './httpText'
import { PROGRAM_CLIENT, programTimer, setProgram } from './program'

const FN_client = functionId('(client)')

/** Longest head of an answer. */
const HEAD_MAX = 512
/** Bytes asked for while the head is not complete: little, so that the body that comes with it is little too. */
const HEAD_READ = 256
/** Pause before a failed connection is opened again. */
const RETRY_NS = 100_000_000
/** Latencies are counted in 8 classes per factor of two. */
export const LATENCY_CLASSES = 8 * 48

// State of a connection.
const CLOSED = 0
const CONNECTING = 1
const SENDING = 2
const HEAD = 3
const BODY = 4
const THINKING = 5
/** The last answer is complete; the server closes. */
const FINISHING = 6
/** A failed connection waits before it is opened again, or one waits for its first start. */
const PAUSED = 7
export const clientStates: readonly string[] = [
  'closed',
  'connecting',
  'sending',
  'head',
  'body',
  'thinking',
  'finishing',
  'paused',
]

export function createHttpClient(k: Kernel) {
  const worker = k.registry.table(k.part('client'), { kq: 'i32', ub: 'i32', cpu: 'i32' })
  const conn = k.registry.table(k.part('clientConn'), {
    so: 'i32',
    worker: 'i32',
    state: 'u8',
    /** Number of the request in the life of this row: drives choice and think time. */
    serial: 'u32',
    /** Requests made on the present socket. */
    made: 'i32',
    file: 'i32',
    /** Bytes of the request sent. */
    sent: 'i32',
    headlen: 'i32',
    head: ['u8', HEAD_MAX],
    length: 'f64',
    received: 'f64',
    startedAt: 'f64',
    timer: 'f64',
  })
  const stat = k.registry.record(k.part('clientStat'), {
    running: 0,
    /** Address of the server; of IPv6 the row in in6.addr. */
    server: 0,
    /** Rows that have a socket or a timer. */
    active: 0,
    connects: 0,
    connected: 0,
    requests: 0,
    responses: 0,
    errors: 0,
    /** Answers with another status than 200. */
    badStatus: 0,
    bytes_verified: 0,
    bytes_corrupt: 0,
    header_bytes: 0,
    latencyCount: 0,
    latencySum: 0,
    latencyMax: 0,
    /** errno of the latest failed connection, for the reader of an error count. */
    lastError: 0,
  })
  const latency = new Float64Array(LATENCY_CLASSES)
  k.registry.fixed(k.part('clientLatency'), latency)
  return { worker, conn, stat, latency }
}

/** Gets the processes ready; connections open when the load starts. */
export function httpClientStart(k: Kernel): void {
  const { worker, conn, stat } = k.apps.client
  // The server is host 0, by its first interface if nothing else is asked for.
  const { workload, hosts } = k.machine.config
  const [first] = hosts[0].interfaces
  if (workload.family === 'inet6') {
    const words = inet_pton6(workload.server ?? first?.address6 ?? '')
    if (words !== null) stat.server = in6_row(k, ...words)
  } else {
    const address = workload.server ?? first?.address
    if (address !== undefined) stat.server = inet_addr(address)
  }
  for (let cpu = 0; cpu < k.cpu.count; cpu++) {
    const row = worker.alloc()
    worker.cpu[row] = cpu
    worker.ub[row] = userBuffer(k)
    worker.kq[row] = kqueue(k, cpu, PROGRAM_CLIENT, row)
  }
  for (let i = 0; i < k.machine.config.workload.connections; i++) {
    const row = conn.alloc()
    conn.worker[row] = (i % k.cpu.count) + 1
    conn.state[row] = CLOSED
    conn.serial[row] = 0
    conn.so[row] = 0
    conn.timer[row] = 0
  }
}

/** 32 random bits that belong to a connection and a request. */
function draw(k: Kernel, conn: number, serial: number, salt: number): number {
  let h = Math.imul(k.machine.config.seed ^ salt, 0x9e3779b1) ^ Math.imul(conn, 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 15) ^ Math.imul(serial, 0xc2b2ae35), 0x2c1b3c6d)
  h = Math.imul(h ^ (h >>> 12), 0x297a2d39)
  return (h ^ (h >>> 15)) >>> 0
}
const SALT_FILE = 0x66696c65
const SALT_THINK = 0x74686e6b
const SALT_START = 0x73747274

/** Starts the load: connections open within workload.rampNs. */
export function clientLoadOn(k: Kernel): void {
  const { conn, stat } = k.apps.client
  if (stat.running !== 0) return
  stat.running = 1
  const { rampNs, connections } = k.machine.config.workload
  for (let row = 1; row <= connections; row++) {
    if (conn.state[row] !== CLOSED || isSpent(k, row)) continue
    const delay = Math.floor((draw(k, row, 0, SALT_START) / 4294967296) * rampNs)
    pause(k, row, delay)
  }
}

/** Stops the load: answers under way are completed, then every connection closes. */
export function clientLoadOff(k: Kernel): void {
  const { conn, stat } = k.apps.client
  stat.running = 0
  for (let row = 1; row < conn.high; row++) {
    const state = conn.state[row]
    if (state === PAUSED || state === THINKING) {
      if (conn.timer[row] !== 0) k.machine.cancel(conn.timer[row])
      conn.timer[row] = 0
      shut(k, row)
    }
  }
}

/** The row waits without a socket. */
function pause(k: Kernel, row: number, delay: number): void {
  const { conn, stat, worker } = k.apps.client
  if (conn.state[row] === CLOSED) stat.active++
  conn.state[row] = PAUSED
  conn.timer[row] = programTimer(k, PROGRAM_CLIENT, row, worker.cpu[conn.worker[row]], delay)
}

/** Closes what is open; the row is idle. */
function shut(k: Kernel, row: number): void {
  const { conn, stat } = k.apps.client
  if (conn.so[row] !== 0) {
    soclose(k, conn.so[row])
    conn.so[row] = 0
  }
  if (conn.state[row] !== CLOSED) stat.active--
  conn.state[row] = CLOSED
}

setProgram(PROGRAM_CLIENT, {
  name: 'client',
  run(k, kq) {
    if (k.cost.on) k.cost.enter(FN_client)
    const q = k.kq
    for (let so = kqueue_next(k, kq); so !== 0; so = kqueue_next(k, kq)) {
      advance(k, k.so.so_udata[so])
      if (q.kq_blocked[kq] !== 0) break
    }
    q.kq_scheduled[kq] = 0
    if (q.kq_count[kq] !== 0) kqueue_wakeup(k, kq)
    if (k.cost.on) k.cost.leave()
  },
  timer(k, row) {
    const { conn } = k.apps.client
    if (conn.timer[row] === 0) return
    conn.timer[row] = 0
    if (conn.state[row] === PAUSED) open(k, row)
    else if (conn.state[row] === THINKING) request(k, row)
  },
})

/** Opens a connection. */
function open(k: Kernel, row: number): void {
  const { conn, stat, worker } = k.apps.client
  let error = socreate(k, k.machine.config.workload.family === 'inet6' ? AF_INET6 : AF_INET)
  if (error !== 0) {
    failed(k, row, error)
    return
  }
  const so = so_result
  conn.so[row] = so
  conn.made[row] = 0
  conn.state[row] = CONNECTING
  k.so.so_state[so] |= SS_NBIO
  kevent_add(k, worker.kq[conn.worker[row]], so, row)
  stat.connects++
  error = soconnect(k, so, serverAddress(k), k.machine.config.workload.port)
  if (error !== 0) failed(k, row, error)
}

function serverAddress(k: Kernel): number {
  return k.apps.client.stat.server
}

/** The connection broke: counts it and tries again later. */
function failed(k: Kernel, row: number, error: number): void {
  const { stat } = k.apps.client
  stat.errors++
  stat.lastError = error
  shut(k, row)
  if (stat.running !== 0 && !isSpent(k, row)) pause(k, row, RETRY_NS)
}

/** Something changed on the socket: goes on as far as possible. */
function advance(k: Kernel, row: number): void {
  const { conn, stat } = k.apps.client
  const so = conn.so[row]
  switch (conn.state[row]) {
    case CONNECTING:
      sogetopt(k, so, SO_ERROR)
      if (sooptval !== 0) {
        failed(k, row, sooptval)
        return
      }
      if ((k.so.so_state[so] & SS_ISCONNECTED) === 0) return
      stat.connected++
      request(k, row)
      return
    case SENDING:
      sendRequest(k, row)
      return
    case HEAD:
    case BODY:
      receive(k, row)
      return
    case THINKING:
    case FINISHING: {
      // The server may close; anything else is not expected.
      const error = soreceive(k, so, k.apps.client.worker.ub[conn.worker[row]], 0, HEAD_READ)
      if (error === EAGAIN) return
      if (error === 0 && soTransferred === 0 && conn.state[row] === FINISHING) {
        shut(k, row)
        if (stat.running !== 0 && !isSpent(k, row)) pause(k, row, 0)
        return
      }
      if (conn.timer[row] !== 0) k.machine.cancel(conn.timer[row])
      conn.timer[row] = 0
      failed(k, row, error)
      return
    }
  }
}

/** True if this client has had all the answers that the workload gives it. */
function isSpent(k: Kernel, row: number): boolean {
  const limit = k.machine.config.workload.requests ?? 0
  return limit > 0 && k.apps.client.conn.serial[row] >= limit
}

/** True if this request, or those that go out together, are the last of the socket. */
function isLast(k: Kernel, row: number): boolean {
  const { requestsPerConnection, requests = 0 } = k.machine.config.workload
  const { conn } = k.apps.client
  if (requests > 0 && conn.serial[row] + together(k, conn.serial[row]) >= requests) return true
  return requestsPerConnection > 0 && conn.made[row] >= requestsPerConnection
}

/**
 * Requests that go out together from a serial on: up to the next multiple of workload.pipeline. A connection that was opened again goes on in the middle
 * of one.
 */
function together(k: Kernel, serial: number): number {
  const depth = k.machine.config.workload.pipeline ?? 1
  return depth - (serial % depth)
}

/** The file that a request asks for. */
function choice(k: Kernel, row: number, serial: number): number {
  return draw(k, row, serial, SALT_FILE) % k.machine.config.files.entries.length
}

/** Begins the next request, or several that go out together. */
function request(k: Kernel, row: number): void {
  const { conn, stat } = k.apps.client
  const files = k.machine.config.files.entries
  if (stat.running === 0 || files.length === 0 || isSpent(k, row)) {
    shut(k, row)
    return
  }
  conn.file[row] = choice(k, row, conn.serial[row])
  const n = together(k, conn.serial[row])
  conn.made[row] += n
  conn.sent[row] = 0
  conn.headlen[row] = 0
  conn.received[row] = 0
  conn.length[row] = -1
  conn.startedAt[row] = k.now()
  conn.state[row] = SENDING
  stat.requests += n
  sendRequest(k, row)
}

function sendRequest(k: Kernel, row: number): void {
  const { conn, worker } = k.apps.client
  const ub = worker.ub[conn.worker[row]]
  const { entries } = k.machine.config.files
  const serial = conn.serial[row]
  const server = serverAddress(k)
  const name = isInet6(server) ? `[${addressText(k, server)}]` : undefined
  const n = together(k, serial)
  let length = 0
  for (let i = 0; i < n; i++) {
    const last = i === n - 1 && isLast(k, row)
    length += userWriteBytes(k, ub, length, requestBytes(server, entries[choice(k, row, serial + i)].path, last, name))
  }
  const rest = length - conn.sent[row]
  const error = sosend(k, conn.so[row], ub, conn.sent[row], rest, false, PROGRAM_CLIENT, row)
  if (error === SLEPT) k.kq.kq_blocked[worker.kq[conn.worker[row]]] = 1
  else requested(k, row, error, soTransferred)
}

function requested(k: Kernel, row: number, error: number, n: number): void {
  const { conn } = k.apps.client
  conn.sent[row] += n
  if (error === EAGAIN) return
  if (error !== 0) {
    failed(k, row, error)
    return
  }
  conn.state[row] = HEAD
  receive(k, row)
}

setSosendReturn(PROGRAM_CLIENT, (k, row, error, n) => {
  const { conn, worker } = k.apps.client
  const kq = worker.kq[conn.worker[row]]
  k.kq.kq_blocked[kq] = 0
  requested(k, row, error, n)
  if (k.kq.kq_count[kq] !== 0) kqueue_wakeup(k, kq)
})

/** Reads and checks what has arrived. */
function receive(k: Kernel, row: number): void {
  const { conn, stat, worker } = k.apps.client
  const so = conn.so[row]
  const ub = worker.ub[conn.worker[row]]
  const disk = k.machine.disk.bytes
  for (;;) {
    if (conn.state[row] === HEAD) {
      const room = Math.min(HEAD_READ, HEAD_MAX - conn.headlen[row])
      const error = room === 0 ? -1 : soreceive(k, so, ub, 0, room)
      if (error === EAGAIN) return
      if (error !== 0 || soTransferred === 0) {
        failed(k, row, error)
        return
      }
      if (!head(k, row, userAddress(k, ub, 0), soTransferred)) return
    } else {
      const left = conn.length[row] - conn.received[row]
      const from = k.machine.config.files.entries[conn.file[row]].diskPage * 4096 + conn.received[row]
      // As far from an 8-byte border as in the file, so that eight bytes are compared at a time.
      const uoff = from % 8
      const most = Math.min(left, UBUF_BYTES - 8)
      if (k.debug) k.phys.fill(userAddress(k, ub, uoff), most, 0xa5)
      const error = soreceive(k, so, ub, uoff, most)
      if (error === EAGAIN) return
      if (error !== 0 || soTransferred === 0) {
        failed(k, row, error)
        return
      }
      const n = soTransferred
      const wrong = differingBytes(k.phys.ram, userAddress(k, ub, uoff), disk, from, n)
      stat.bytes_verified += n - wrong
      stat.bytes_corrupt += wrong
      conn.received[row] += n
    }
    if (conn.state[row] === BODY && conn.received[row] === conn.length[row]) {
      complete(k, row)
      return
    }
  }
}

/** Takes `n` bytes at RAM address `at` that belong to the head and perhaps the beginning of the body. False: the connection failed. */
function head(k: Kernel, row: number, at: number, n: number): boolean {
  const { conn, stat } = k.apps.client
  const before = conn.headlen[row]
  // Mostly the head comes in one piece and is looked at where it lies; pieces are put together first.
  let bytes: Uint8Array = k.phys.ram
  let base = at
  let length = before === 0 ? headLength(bytes, base, n) : -1
  if (length < 0) {
    bytes = conn.head
    base = row * HEAD_MAX
    k.phys.copyOut(at, n, bytes, base + before)
    length = headLength(bytes, base, before + n)
    if (length < 0) {
      conn.headlen[row] = before + n
      return true
    }
  }
  const file = k.machine.config.files.entries[conn.file[row]]
  const declared = decimalAt(bytes, fieldAt(bytes, base, length, 'content-length'))
  stat.header_bytes += length
  if (!startsWithText(bytes, base, 'HTTP/1.1 200 ') || declared !== file.size) {
    stat.badStatus++
    failed(k, row, 0)
    return false
  }
  // What follows the body belongs to the next answer, if several were asked for.
  const body = Math.min(before + n - length, file.size)
  const rest = before + n - length - body
  conn.length[row] = file.size
  conn.received[row] = body
  conn.state[row] = BODY
  const wrong = differingBytes(bytes, base + length, k.machine.disk.bytes, file.diskPage * 4096, body)
  stat.bytes_verified += body - wrong
  stat.bytes_corrupt += wrong
  if (rest > 0) {
    const from = base + length + body
    conn.head.set(bytes.subarray(from, from + rest), row * HEAD_MAX)
  }
  conn.headlen[row] = rest
  return true
}

/** An answer is complete. */
function complete(k: Kernel, row: number): void {
  const { conn, stat, latency } = k.apps.client
  stat.responses++
  const ns = k.now() - conn.startedAt[row]
  latency[latencyClass(ns)]++
  stat.latencyCount++
  stat.latencySum += ns
  if (ns > stat.latencyMax) stat.latencyMax = ns
  const last = isLast(k, row)
  const serial = conn.serial[row]
  conn.serial[row] = serial + 1
  if (together(k, serial) > 1) {
    // The next answer of those asked for together; some of it may be here already.
    conn.file[row] = choice(k, row, serial + 1)
    conn.received[row] = 0
    conn.length[row] = -1
    conn.state[row] = HEAD
    if (conn.headlen[row] === 0 || head(k, row, 0, 0)) receive(k, row)
    return
  }
  if (last) {
    conn.state[row] = FINISHING
    advance(k, row)
    return
  }
  if (stat.running === 0) {
    shut(k, row)
    return
  }
  const mean = k.machine.config.workload.thinkNs
  if (mean <= 0) {
    request(k, row)
    return
  }
  conn.state[row] = THINKING
  const think = Math.round(-ln((draw(k, row, serial, SALT_THINK) + 1) / 4294967296) * mean)
  conn.timer[row] = programTimer(k, PROGRAM_CLIENT, row, k.apps.client.worker.cpu[conn.worker[row]], think)
}

/** Class of a latency: 8 per factor of two. */
export function latencyClass(ns: number): number {
  let exponent = 0
  let value = ns
  while (value >= 16) {
    value /= 2
    exponent++
  }
  const at = value < 8 ? Math.floor(value) : exponent * 8 + 8 + Math.floor(value) - 8
  return at < LATENCY_CLASSES ? at : LATENCY_CLASSES - 1
}

/** Smallest latency of a class, ns. */
export function latencyFloor(index: number): number {
  if (index < 8) return index
  let value = 8 + (index % 8)
  for (let e = Math.floor(index / 8) - 1; e > 0; e--) value *= 2
  return value
}

/** Latency that a share `q` (0 … 1) of the answers did not exceed, ns (lower edge of its class); 0 without answers. */
export function latencyQuantile(latency: Float64Array, q: number): number {
  let total = 0
  for (const n of latency) total += n
  if (total === 0) return 0
  let seen = 0
  for (let i = 0; i < latency.length; i++) {
    seen += latency[i]
    if (seen >= q * total) return latencyFloor(i)
  }
  return latencyFloor(latency.length - 1)
}

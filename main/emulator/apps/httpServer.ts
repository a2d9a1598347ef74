/**
 * The web server of host 0: one event-driven process a CPU, each with its own listening socket on the same port (SO_REUSEPORT_LB) and its own kqueue. It
 * reads real HTTP/1.1 requests and answers with sendfile(2), header in hdtr, or with read(2) and write(2).
 *
 *   ready socket ─► read request ─► head complete ─► sendfile … EAGAIN ─► writable ─► sendfile … ─► done, next request
 */
import type { Kernel } from '../kernel'
import { kevent_add, kqueue, kqueue_bits, kqueue_next, kqueue_wakeup, KQ_READ } from '../kern/kern_event'
import { sendfile, sendfile_sbytes, setSendfileReturn, type SendfileArguments } from '../kern/kern_sendfile'
import { UBUF_BYTES, userAddress, userBuffer, userWriteBytes, userWriteText } from '../kern/subr_uio'
import { so_result, soaccept, sobind, soclose, socreate, solisten, sosetopt } from '../kern/uipc_socket'
import { setSosendReturn, SLEPT, soreceive, sosend, soTransferred } from '../kern/uipc_sosend'
import { setReadReturn, vn_read } from '../kern/vfs_vnops'
import { CAUSE, functionId } from '../machine/cost'
import { tcp_setopt } from '../netinet/tcp_usrreq'
import { EAGAIN, EBUSY } from '../sys/errno'
import { AF_INET, AF_INET6, SO_ACCEPTCONN, SO_REUSEADDR, SO_SNDLOWAT, SS_NBIO, TCP_NODELAY } from '../sys/socket'
import { KASSERT } from '../sys/systm'
import { vm_object_of_file } from '../vm/vm_object'
import {
  encodePath,
  errorResponse,
  fieldAt,
  headLength,
  pathHash,
  responseHeader,
  startsWithText,
  textOf,
} from './httpText'
import { chargeSyscall, PROGRAM_HTTPD, programTimer, setProgram } from './program'

const FN_httpd = functionId('(httpd)')

/** Longest request head. */
const REQUEST_MAX = 512
/** A read(2) of the write method fetches this much at once. */
const READ_CHUNK = 32768
/** Where file data lies in the process's buffer (headers lie before it). */
const DATA_AT = 4096
/** Pause before sendfile is tried again after EBUSY (SF_NODISKIO). */
const BUSY_RETRY_NS = 1_000_000

// State of a connection.
const READING = 0
const SENDING = 1
const TEXT = 2

export function createHttpServer(k: Kernel) {
  const worker = k.registry.table(k.part('httpd'), {
    kq: 'i32',
    listen: 'i32',
    /** User buffer of the process. */
    ub: 'i32',
    cpu: 'i32',
    /** Connection whose system call the process sleeps in. */
    conn: 'i32',
  })
  const conn = k.registry.table(k.part('httpdConn'), {
    so: 'i32',
    worker: 'i32',
    state: 'u8',
    reqlen: 'i32',
    req: ['u8', REQUEST_MAX],
    file: 'i32',
    size: 'f64',
    hdrlen: 'i32',
    /** Bytes of the answer sent, header included. */
    sent: 'f64',
    close: 'u8',
    /** Status of a TEXT answer. */
    status: 'i32',
    timer: 'f64',
  })
  const stat = k.registry.record(k.part('httpdStat'), {
    accepted: 0,
    requests: 0,
    responses: 0,
    errors: 0,
    bytes: 0,
    sendfileCalls: 0,
    sendfileEagain: 0,
    sendfileEbusy: 0,
    writeCalls: 0,
    open: 0,
  })
  const files = new Map<string, number>()
  k.machine.config.files.entries.forEach((entry, index) => files.set(entry.path, index))
  // Only paths that stand in a request as they are; the first of several with one hash.
  const filesByHash = new Map<number, number>()
  for (const [path, index] of files) {
    const bytes = Uint8Array.from(path, (character) => character.charCodeAt(0))
    const hash = pathHash(bytes, 0, bytes.length)
    if (encodePath(path) === path && !path.includes('?') && !filesByHash.has(hash)) filesByHash.set(hash, index)
  }
  return { worker, conn, stat, files, filesByHash }
}

/** Starts the processes: they listen when the machine has booted. */
export function httpServerStart(k: Kernel): void {
  const w = k.apps.httpd.worker
  const port = k.machine.config.workload.port
  for (let cpu = 0; cpu < k.cpu.count; cpu++) {
    const row = w.alloc()
    w.cpu[row] = cpu
    w.conn[row] = 0
    w.ub[row] = userBuffer(k)
    w.kq[row] = kqueue(k, cpu, PROGRAM_HTTPD, row)
    let error = socreate(k, k.machine.config.workload.family === 'inet6' ? AF_INET6 : AF_INET)
    const so = so_result
    if (error === 0) error = sosetopt(k, so, SO_REUSEADDR, 1)
    if (error === 0) error = sobind(k, so, 0, port)
    if (error === 0) error = solisten(k, so, -1)
    KASSERT(error === 0, 'httpd: the port of the workload can be listened on')
    k.so.so_state[so] |= SS_NBIO
    w.listen[row] = so
    kevent_add(k, w.kq[row], so, 0)
  }
}

setProgram(PROGRAM_HTTPD, {
  name: 'httpd',
  run(k, kq) {
    if (k.cost.on) k.cost.enter(FN_httpd)
    const q = k.kq
    // kevent(2) is called once for all that is ready; what comes while the process runs is handed out without another sleep.
    if (k.cost.on && q.kq_woken[kq] !== 0) {
      k.cost.charge(CAUSE.other, k.cost.p.contextSwitch)
      chargeSyscall(k)
    }
    q.kq_woken[kq] = 0
    const so = kqueue_next(k, kq)
    if (so !== 0) {
      if (k.cost.on) k.cost.charge(CAUSE.application, k.cost.p.applicationEvent)
      event(k, q.kq_udata[kq], so, kqueue_bits)
    }
    // One event a task, so that interrupts of the same CPU get in between.
    q.kq_scheduled[kq] = 0
    if (q.kq_count[kq] !== 0) kqueue_wakeup(k, kq)
    if (k.cost.on) k.cost.leave()
  },
  timer(k, conn) {
    const c = k.apps.httpd.conn
    if (c.timer[conn] === 0) return
    c.timer[conn] = 0
    serve(k, conn)
  },
})

function event(k: Kernel, worker: number, so: number, bits: number): void {
  if ((k.so.so_options[so] & SO_ACCEPTCONN) !== 0) {
    accept(k, worker, so)
    return
  }
  const conn = k.so.so_udata[so]
  const c = k.apps.httpd.conn
  if (c.state[conn] === READING) {
    if ((bits & KQ_READ) !== 0) readRequest(k, conn)
  } else serve(k, conn)
}

function accept(k: Kernel, worker: number, listen: number): void {
  const c = k.apps.httpd.conn
  const w = k.apps.httpd.worker
  for (;;) {
    chargeSyscall(k)
    const so = soaccept(k, listen)
    if (so === 0) return
    const conn = c.alloc()
    c.so[conn] = so
    c.worker[conn] = worker
    c.state[conn] = READING
    c.reqlen[conn] = 0
    c.file[conn] = -1
    c.timer[conn] = 0
    k.so.so_state[so] |= SS_NBIO
    tcp_setopt(k, so, TCP_NODELAY, 1)
    const lowat = k.machine.config.workload.sendLowat
    if (lowat > 0) sosetopt(k, so, SO_SNDLOWAT, lowat)
    k.apps.httpd.stat.accepted++
    k.apps.httpd.stat.open++
    kevent_add(k, w.kq[worker], so, conn)
  }
}

function closeConnection(k: Kernel, conn: number): void {
  const c = k.apps.httpd.conn
  chargeSyscall(k)
  if (c.timer[conn] !== 0) k.machine.cancel(c.timer[conn])
  c.timer[conn] = 0
  soclose(k, c.so[conn])
  c.so[conn] = 0
  c.free(conn)
  k.apps.httpd.stat.open--
}

/** Reads until a request is complete, nothing is left, or the peer is gone. */
function readRequest(k: Kernel, conn: number): void {
  const c = k.apps.httpd.conn
  const ub = k.apps.httpd.worker.ub[c.worker[conn]]
  for (;;) {
    const room = REQUEST_MAX - c.reqlen[conn]
    if (room === 0) {
      text(k, conn, 400)
      return
    }
    chargeSyscall(k)
    const error = soreceive(k, c.so[conn], ub, 0, room)
    if (error === EAGAIN) return
    if (error !== 0 || soTransferred === 0) {
      if (error !== 0) k.apps.httpd.stat.errors++
      closeConnection(k, conn)
      return
    }
    const n = soTransferred
    const ram = k.phys.ram
    const from = userAddress(k, ub, 0)
    const { req } = c
    const to = conn * REQUEST_MAX + c.reqlen[conn]
    for (let i = 0; i < n; i++) req[to + i] = ram[from + i]
    c.reqlen[conn] += n
    const head = headLength(req, conn * REQUEST_MAX, c.reqlen[conn])
    if (head >= 0) {
      beginRequest(k, conn, head)
      return
    }
  }
}

/** A request is complete, `length` bytes long: parses it and begins to answer. */
function beginRequest(k: Kernel, conn: number, length: number): void {
  const c = k.apps.httpd.conn
  const stat = k.apps.httpd.stat
  const base = conn * REQUEST_MAX
  const { req } = c
  stat.requests++
  if (k.cost.on) k.cost.charge(CAUSE.application, k.cost.p.application)
  // The request line: method, path, version.
  let end = base
  while (end < base + length && req[end] !== 32) end++
  const get = end === base + 3 && startsWithText(req, base, 'GET')
  const path = end + 1
  end = path
  while (end < base + length && req[end] > 32) end++
  const good = startsWithText(req, end, ' HTTP/1.')
  const file = good ? findFile(k, req, path, end - path) : undefined
  const connection = fieldAt(req, base, length, 'connection')
  c.close[conn] = connection >= 0 && startsWithText(req, connection, 'close') ? 1 : 0
  // What follows belongs to the next request.
  if (c.reqlen[conn] > length) req.copyWithin(base, base + length, base + c.reqlen[conn])
  c.reqlen[conn] -= length
  if (!good || !get || file === undefined) {
    text(k, conn, !good ? 400 : !get ? 405 : 404)
    return
  }
  c.file[conn] = file
  c.size[conn] = k.object.bytes[vm_object_of_file(file)]
  c.hdrlen[conn] = responseHeader(c.size[conn], c.close[conn] !== 0).length
  c.sent[conn] = 0
  c.state[conn] = SENDING
  serve(k, conn)
}

/** File of a path as it stands in a request, or undefined. A path of plain characters, as most are, is found by its hash and compared. */
function findFile(k: Kernel, bytes: Uint8Array, at: number, length: number): number | undefined {
  const { files, filesByHash } = k.apps.httpd
  const file = filesByHash.get(pathHash(bytes, at, length))
  if (file !== undefined) {
    const { path } = k.machine.config.files.entries[file]
    if (path.length === length && startsWithText(bytes, at, path)) return file
  }
  return files.get(decodePath(textOf(bytes, at, length)))
}

/** Percent-decoding of a path; UTF-8 sequences become characters. Paths of files without special characters come out as they are. */
function decodePath(path: string): string {
  const query = path.indexOf('?')
  if (query >= 0) path = path.slice(0, query)
  if (!path.includes('%')) return path
  let out = ''
  let code = 0
  let more = 0
  for (let i = 0; i < path.length; i++) {
    let byte = path.charCodeAt(i)
    if (path[i] === '%') {
      byte = parseInt(path.slice(i + 1, i + 3), 16)
      if (Number.isNaN(byte)) return ''
      i += 2
    }
    if (more > 0) {
      code = (code << 6) | (byte & 63)
      if (--more === 0) out += String.fromCodePoint(code)
    } else if (byte < 0x80) out += String.fromCharCode(byte)
    else {
      more = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : 1
      code = byte & (63 >> more)
    }
  }
  return out
}

/** Answers with a status and closes. */
function text(k: Kernel, conn: number, status: number): void {
  const c = k.apps.httpd.conn
  k.apps.httpd.stat.errors++
  c.state[conn] = TEXT
  c.status[conn] = status
  c.sent[conn] = 0
  c.close[conn] = 1
  serve(k, conn)
}

/** Sends as much of the answer as goes. */
function serve(k: Kernel, conn: number): void {
  const c = k.apps.httpd.conn
  if (c.state[conn] === TEXT) serveText(k, conn)
  else if (k.machine.config.workload.method === 'write') serveWrite(k, conn)
  else serveSendfile(k, conn)
}

function serveText(k: Kernel, conn: number): void {
  const c = k.apps.httpd.conn
  const ub = k.apps.httpd.worker.ub[c.worker[conn]]
  const length = userWriteText(k, ub, 0, errorResponse(c.status[conn]))
  chargeSyscall(k)
  const error = sosend(k, c.so[conn], ub, c.sent[conn], length - c.sent[conn], false, PROGRAM_HTTPD, conn)
  if (error === SLEPT) blocked(k, conn)
  else wroteText(k, conn, error, soTransferred)
}

function wroteText(k: Kernel, conn: number, error: number, n: number): void {
  k.apps.httpd.conn.sent[conn] += n
  if (error !== EAGAIN) closeConnection(k, conn)
}

/** The process sleeps in a system call for this connection: nobody looks at its queue until it is back. */
function blocked(k: Kernel, conn: number): void {
  const { worker, conn: c } = k.apps.httpd
  k.kq.kq_blocked[worker.kq[c.worker[conn]]] = 1
}

/** The system call returned: `go` on with the connection, then look at the queue again. */
function unblocked(k: Kernel, conn: number, go: () => void): void {
  const { worker, conn: c } = k.apps.httpd
  const kq = worker.kq[c.worker[conn]]
  k.kq.kq_blocked[kq] = 0
  go()
  if (k.kq.kq_blocked[kq] === 0 && k.kq.kq_count[kq] !== 0) kqueue_wakeup(k, kq)
}

const call: SendfileArguments = {
  object: 0,
  offset: 0,
  nbytes: 0,
  hdrUb: 0,
  hdrOff: 0,
  hdrLen: 0,
  trlUb: 0,
  trlOff: 0,
  trlLen: 0,
  flags: 0,
}

function serveSendfile(k: Kernel, conn: number): void {
  const c = k.apps.httpd.conn
  const w = k.apps.httpd.worker
  const worker = c.worker[conn]
  const hdrlen = c.hdrlen[conn]
  const sent = c.sent[conn]
  if (c.size[conn] === 0) {
    serveWrite(k, conn)
    return
  }
  call.object = vm_object_of_file(c.file[conn])
  call.offset = sent > hdrlen ? sent - hdrlen : 0
  call.nbytes = c.size[conn] - call.offset
  call.hdrLen = 0
  if (sent < hdrlen) {
    call.hdrUb = w.ub[worker]
    call.hdrOff = sent
    call.hdrLen = hdrlen - sent
    userWriteBytes(k, w.ub[worker], 0, responseHeader(c.size[conn], c.close[conn] !== 0))
  }
  call.flags = k.machine.config.workload.sendfileFlags
  k.apps.httpd.stat.sendfileCalls++
  chargeSyscall(k)
  const error = sendfile(k, c.so[conn], call, PROGRAM_HTTPD, conn)
  if (error === SLEPT) {
    blocked(k, conn)
    return
  }
  sendfileReturned(k, conn, error, sendfile_sbytes)
}

function sendfileReturned(k: Kernel, conn: number, error: number, sbytes: number): void {
  const c = k.apps.httpd.conn
  const stat = k.apps.httpd.stat
  c.sent[conn] += sbytes
  stat.bytes += sbytes
  if (c.sent[conn] === c.hdrlen[conn] + c.size[conn]) {
    responded(k, conn)
    return
  }
  if (error === EAGAIN) {
    stat.sendfileEagain++
    return
  }
  if (error === EBUSY) {
    stat.sendfileEbusy++
    const cpu = k.apps.httpd.worker.cpu[c.worker[conn]]
    if (c.timer[conn] === 0) c.timer[conn] = programTimer(k, PROGRAM_HTTPD, conn, cpu, BUSY_RETRY_NS)
    return
  }
  stat.errors++
  closeConnection(k, conn)
}

setSendfileReturn(PROGRAM_HTTPD, (k, conn, error, sbytes) => {
  unblocked(k, conn, () => sendfileReturned(k, conn, error, sbytes))
})

/** The answer is queued completely. */
function responded(k: Kernel, conn: number): void {
  const c = k.apps.httpd.conn
  k.apps.httpd.stat.responses++
  if (c.close[conn] !== 0) {
    closeConnection(k, conn)
    return
  }
  c.state[conn] = READING
  const head = headLength(c.req, conn * REQUEST_MAX, c.reqlen[conn])
  if (head >= 0) beginRequest(k, conn, head)
  else readRequest(k, conn)
}

/** read(2) a piece of the file, write(2) it, until the socket is full. What was read and did not fit is read again later. */
function serveWrite(k: Kernel, conn: number): void {
  const c = k.apps.httpd.conn
  const ub = k.apps.httpd.worker.ub[c.worker[conn]]
  const hdrlen = c.hdrlen[conn]
  const total = hdrlen + c.size[conn]
  while (c.sent[conn] < total) {
    let error: number
    if (c.sent[conn] < hdrlen) {
      userWriteBytes(k, ub, 0, responseHeader(c.size[conn], c.close[conn] !== 0))
      chargeSyscall(k)
      error = sosend(k, c.so[conn], ub, c.sent[conn], hdrlen - c.sent[conn], c.size[conn] > 0, PROGRAM_HTTPD, conn)
    } else {
      const off = c.sent[conn] - hdrlen
      chargeSyscall(k)
      error = vn_read(k, vm_object_of_file(c.file[conn]), off, chunk(k, conn), ub, DATA_AT, PROGRAM_HTTPD, conn)
      if (error === 0) error = writeChunk(k, conn)
      else if (error !== SLEPT) {
        wrote(k, conn, error, 0)
        return
      }
    }
    if (error === SLEPT) {
      blocked(k, conn)
      return
    }
    if (!wrote(k, conn, error, soTransferred)) return
  }
  responded(k, conn)
}

/** Bytes of the file that are read next. */
function chunk(k: Kernel, conn: number): number {
  const c = k.apps.httpd.conn
  return Math.min(READ_CHUNK, UBUF_BYTES - DATA_AT, c.hdrlen[conn] + c.size[conn] - c.sent[conn])
}

/** write(2) of what was read. */
function writeChunk(k: Kernel, conn: number): number {
  const { conn: c, worker, stat } = k.apps.httpd
  chargeSyscall(k)
  stat.writeCalls++
  return sosend(k, c.so[conn], worker.ub[c.worker[conn]], DATA_AT, chunk(k, conn), false, PROGRAM_HTTPD, conn)
}

/** A write(2) returned, or a read(2) with an error. False: not now, or never. */
function wrote(k: Kernel, conn: number, error: number, n: number): boolean {
  const { conn: c, stat } = k.apps.httpd
  c.sent[conn] += n
  stat.bytes += n
  if (error === EAGAIN) return false
  if (error === 0) return true
  stat.errors++
  closeConnection(k, conn)
  return false
}

setSosendReturn(PROGRAM_HTTPD, (k, conn, error, n) => {
  unblocked(k, conn, () => {
    if (k.apps.httpd.conn.state[conn] === TEXT) wroteText(k, conn, error, n)
    else if (wrote(k, conn, error, n)) serveWrite(k, conn)
  })
})

setReadReturn(PROGRAM_HTTPD, (k, conn, error) => {
  unblocked(k, conn, () => {
    if (error !== 0) {
      wrote(k, conn, error, 0)
      return
    }
    const written = writeChunk(k, conn)
    if (written === SLEPT) blocked(k, conn)
    else if (wrote(k, conn, written, soTransferred)) serveWrite(k, conn)
  })
})

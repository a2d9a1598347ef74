/**
 * Sockets: life, queues, state changes, options. Sending and receiving data is in uipc_sosend.ts. Only stream sockets over TCP exist.
 *
 * A socket row is referenced by its owner (descriptor), by sendfile I/O in flight (so_count), and by the protocol when the owner is gone before the
 * connection is (SS_PROTOREF); `sofree` frees it when none is left. Source: sys/kern/uipc_socket.c, uipc_sockbuf.c (derived).
 * One file, as in the kernel.
 */
import type { Kernel } from '../kernel'
import { functionId } from '../machine/cost'
import { EV_THREAD_WAKEUP } from '../machine/eventKinds'
import { EINVAL, ENOBUFS, ENOPROTOOPT, ENOTCONN, EOPNOTSUPP } from '../sys/errno'
import { SB_AUTOSIZE, SB_WAIT, SBS_CANTRCVMORE, SBS_CANTSENDMORE } from '../sys/sockbuf'
import {
  AF_INET,
  AF_INET6,
  SHUT_RD,
  SHUT_RDWR,
  SHUT_WR,
  SO_ACCEPTCONN,
  SO_ERROR,
  SO_KEEPALIVE,
  SO_LINGER,
  SO_RCVBUF,
  SO_RCVLOWAT,
  SO_REUSEADDR,
  SO_SNDBUF,
  SO_SNDLOWAT,
  SQ_COMP,
  SQ_INCOMP,
  SQ_NONE,
  SS_ISCONNECTED,
  SS_ISCONNECTING,
  SS_ISDISCONNECTED,
  SS_ISDISCONNECTING,
  SS_NOFDREF,
  SS_PROTOREF,
} from '../sys/socket'
import { KASSERT } from '../sys/systm'
import { INP_IPV6 } from '../netinet/in_pcb'
import {
  tcp_usr_abort,
  tcp_usr_attach,
  tcp_usr_bind,
  tcp_usr_close,
  tcp_usr_connect,
  tcp_usr_detach,
  tcp_usr_disconnect,
  tcp_usr_listen,
  tcp_usr_shutdown,
} from '../netinet/tcp_usrreq'
import { filt_soread, filt_sowrite, knote, knote_fdclose, KQ_READ, KQ_WRITE } from './kern_event'
import { threadRun, wakeup, WCHAN_SB } from './subr_sleepqueue'
import { sbdestroy, sbdrop, sbreserve } from './uipc_sockbuf'

const FN_sowakeup = functionId('sowakeup')

/** Sockets: one row a socket, 0 = NULL. `so_snd` and `so_rcv` are rows of `k.sb`. */
export function createSocketTable(k: Kernel) {
  const machine = k.machine
  if (!machine.handled(EV_THREAD_WAKEUP)) {
    machine.on(EV_THREAD_WAKEUP, (host, td) => {
      const kernel = machine.kernels[host]
      if (kernel.cost.on) kernel.cost.enter(0)
      threadRun(kernel, td)
      if (kernel.cost.on) kernel.cost.leave()
    })
  }
  const table = k.registry.table(k.part('socket'), {
    so_count: 'i32',
    so_options: 'i32',
    so_state: 'i32',
    so_qstate: 'i32',
    so_error: 'i32',
    so_linger: 'i32',
    /** inpcb row. */
    so_pcb: 'i32',
    so_snd: 'i32',
    so_rcv: 'i32',
    // Listening sockets.
    so_qlimit: 'i32',
    so_qlen: 'i32',
    so_comp: 'i32',
    so_comptail: 'i32',
    so_listen: 'i32',
    so_qnext: 'i32',
    // Readiness (kern_event.ts).
    so_kq: 'i32',
    so_udata: 'i32',
    so_ready: 'u8',
    so_kqnext: 'i32',
    /** 1 while a thread sends: the I/O lock of the send buffer (sblock). */
    so_sndlock: 'u8',
  })
  const settings = k.registry.record(k.part('socketctl'), {
    /** kern.ipc.soacceptqueue */
    somaxconn: 128,
    /** kern.ipc.maxsockets: limited by memory only. [assumed] */
    maxsockets: 1048576,
    /** Connections refused because a listen queue was full. */
    overflowed: 0,
    peak: 0,
  })
  return Object.assign(table, { settings })
}

/** soalloc: a socket and its two buffers, all fields cleared. 0 when kern.ipc.maxsockets is reached. */
function soalloc(k: Kernel): number {
  const s = k.so
  if (s.live >= s.settings.maxsockets) return 0
  const so = s.alloc()
  if (s.live > s.settings.peak) s.settings.peak = s.live
  s.so_count[so] = 0
  s.so_options[so] = 0
  s.so_state[so] = 0
  s.so_qstate[so] = SQ_NONE
  s.so_error[so] = 0
  s.so_linger[so] = 0
  s.so_pcb[so] = 0
  s.so_qlimit[so] = 0
  s.so_qlen[so] = 0
  s.so_comp[so] = 0
  s.so_comptail[so] = 0
  s.so_listen[so] = 0
  s.so_qnext[so] = 0
  s.so_kq[so] = 0
  s.so_udata[so] = 0
  s.so_ready[so] = 0
  s.so_kqnext[so] = 0
  s.so_sndlock[so] = 0
  s.so_snd[so] = sockbufAlloc(k)
  s.so_rcv[so] = sockbufAlloc(k)
  return so
}

function sockbufAlloc(k: Kernel): number {
  const b = k.sb
  const sb = b.alloc()
  b.sb_mb[sb] = 0
  b.sb_mbtail[sb] = 0
  b.sb_lastrecord[sb] = 0
  b.sb_sndptr[sb] = 0
  b.sb_sndptroff[sb] = 0
  b.sb_fnrdy[sb] = 0
  b.sb_acc[sb] = 0
  b.sb_ccc[sb] = 0
  b.sb_hiwat[sb] = 0
  b.sb_lowat[sb] = 0
  b.sb_mbcnt[sb] = 0
  b.sb_mcnt[sb] = 0
  b.sb_ccnt[sb] = 0
  b.sb_mbmax[sb] = 0
  b.sb_ctl[sb] = 0
  b.sb_flags[sb] = 0
  b.sb_state[sb] = 0
  return sb
}

/** Result of the calls that give a socket. */
export let so_result = 0

/** socreate: a TCP socket of a family with one reference, its owner's. 0 in {@link so_result} on error. */
export function socreate(k: Kernel, family = AF_INET): number {
  const so = soalloc(k)
  so_result = 0
  if (so === 0) return ENOBUFS
  const s = k.so
  s.so_count[so] = 1
  const error = tcp_usr_attach(k, so, family)
  if (error !== 0) {
    s.so_count[so] = 0
    s.so_state[so] |= SS_NOFDREF
    sodealloc(k, so)
    return error
  }
  so_result = so
  return 0
}

/**
 * sonewconn: a socket for a connection that a listening socket accepted. It waits for accept(2) once soisconnected is called (at once if
 * `connstatus` says so). 0 when the queue is longer than 3/2 of the backlog or sockets ran out.
 */
export function sonewconn(k: Kernel, head: number, connstatus: number): number {
  const s = k.so
  if (s.so_qlen[head] > Math.floor((3 * s.so_qlimit[head]) / 2)) {
    s.settings.overflowed++
    return 0
  }
  const so = soalloc(k)
  if (so === 0) return 0
  s.so_options[so] = s.so_options[head] & ~SO_ACCEPTCONN
  s.so_linger[so] = s.so_linger[head]
  s.so_state[so] = SS_NOFDREF | connstatus
  // A child starts with the marks of its parent. Source: uipc_socket.c sonewconn.
  const family = (k.inet.inp.inp_flags[s.so_pcb[head]] & INP_IPV6) !== 0 ? AF_INET6 : AF_INET
  const error = tcp_usr_attach(k, so, family)
  if (error !== 0) {
    sodealloc(k, so)
    return 0
  }
  const b = k.sb
  const hs = s.so_snd[head]
  const hr = s.so_rcv[head]
  const snd = s.so_snd[so]
  const rcv = s.so_rcv[so]
  if (b.sb_hiwat[hs] !== b.sb_hiwat[snd]) sbreserve(k, snd, b.sb_hiwat[hs])
  if (b.sb_hiwat[hr] !== b.sb_hiwat[rcv]) sbreserve(k, rcv, b.sb_hiwat[hr])
  b.sb_lowat[snd] = b.sb_lowat[hs]
  b.sb_lowat[rcv] = b.sb_lowat[hr]
  b.sb_flags[snd] = (b.sb_flags[snd] & ~SB_AUTOSIZE) | (b.sb_flags[hs] & SB_AUTOSIZE)
  b.sb_flags[rcv] = (b.sb_flags[rcv] & ~SB_AUTOSIZE) | (b.sb_flags[hr] & SB_AUTOSIZE)
  s.so_listen[so] = head
  s.so_qstate[so] = SQ_INCOMP
  if (connstatus !== 0) solisten_enqueue(k, so)
  return so
}

/** solisten_enqueue: a connection is complete: it waits for accept(2). Source: uipc_socket.c. */
function solisten_enqueue(k: Kernel, so: number): void {
  const s = k.so
  const head = s.so_listen[so]
  s.so_qstate[so] = SQ_COMP
  s.so_qnext[so] = 0
  if (s.so_comp[head] === 0) s.so_comp[head] = so
  else s.so_qnext[s.so_comptail[head]] = so
  s.so_comptail[head] = so
  s.so_qlen[head]++
  sorwakeup(k, head)
}

/** sobind: local address and port (0 = any). An IPv6 address is a row of in6.addr. */
export function sobind(k: Kernel, so: number, address: number, port: number): number {
  return tcp_usr_bind(k, so, address, port)
}

/** solisten: the socket accepts connections. Backlog below 0 or above kern.ipc.soacceptqueue means that limit. */
export function solisten(k: Kernel, so: number, backlog: number): number {
  const s = k.so
  if ((s.so_state[so] & (SS_ISCONNECTED | SS_ISCONNECTING | SS_ISDISCONNECTING)) !== 0) return EINVAL
  const error = tcp_usr_listen(k, so)
  if (error !== 0) return error
  s.so_options[so] |= SO_ACCEPTCONN
  s.so_qlimit[so] = backlog < 0 || backlog > s.settings.somaxconn ? s.settings.somaxconn : backlog
  return 0
}

/** soaccept: the oldest complete connection of a listening socket, now owned by the caller; 0 if there is none (EWOULDBLOCK). */
export function soaccept(k: Kernel, head: number): number {
  const s = k.so
  const so = s.so_comp[head]
  if (so === 0) return 0
  s.so_comp[head] = s.so_qnext[so]
  if (s.so_comp[head] === 0) s.so_comptail[head] = 0
  s.so_qlen[head]--
  s.so_qnext[so] = 0
  s.so_listen[so] = 0
  s.so_qstate[so] = SQ_NONE
  s.so_state[so] &= ~SS_NOFDREF
  s.so_count[so]++
  return so
}

/** soconnect: starts a connection; the socket becomes writable when it is there or has failed. */
export function soconnect(k: Kernel, so: number, address: number, port: number): number {
  const s = k.so
  if ((s.so_options[so] & SO_ACCEPTCONN) !== 0) return EOPNOTSUPP
  s.so_error[so] = 0
  return tcp_usr_connect(k, so, address, port)
}

export function soref(k: Kernel, so: number): void {
  k.so.so_count[so]++
}

/** sorele: drops one reference. */
export function sorele(k: Kernel, so: number): void {
  const s = k.so
  KASSERT(s.so_count[so] > 0, 'sorele: a socket has no reference to drop')
  s.so_count[so]--
  if (s.so_count[so] === 0) sofree(k, so)
}

/** sofree: frees the socket when owner, protocol and I/O have all let go. */
export function sofree(k: Kernel, so: number): void {
  const s = k.so
  if (
    (s.so_state[so] & SS_NOFDREF) === 0 ||
    s.so_count[so] !== 0 ||
    (s.so_state[so] & SS_PROTOREF) !== 0 ||
    s.so_qstate[so] === SQ_COMP
  )
    return
  tcp_usr_detach(k, so)
  sbdestroy(k, s.so_snd[so])
  sbdestroy(k, s.so_rcv[so])
  sodealloc(k, so)
}

function sodealloc(k: Kernel, so: number): void {
  const s = k.so
  knote_fdclose(k, so)
  k.sb.free(s.so_snd[so])
  k.sb.free(s.so_rcv[so])
  s.so_pcb[so] = 0
  s.so_state[so] = 0
  s.free(so)
}

/** soclose: the owner lets go. Unsent data still goes out, then FIN (no SO_LINGER waiting). */
export function soclose(k: Kernel, so: number): number {
  const s = k.so
  KASSERT((s.so_state[so] & SS_NOFDREF) === 0, 'soclose: the socket has no owner')
  let error = 0
  knote_fdclose(k, so)
  if ((s.so_state[so] & SS_ISCONNECTED) !== 0 && (s.so_state[so] & SS_ISDISCONNECTING) === 0) {
    error = sodisconnect(k, so)
    if (error === ENOTCONN) error = 0
  }
  tcp_usr_close(k, so)
  if ((s.so_options[so] & SO_ACCEPTCONN) !== 0) {
    // Connections nobody accepted are aborted.
    while (s.so_comp[so] !== 0) {
      const child = s.so_comp[so]
      s.so_comp[so] = s.so_qnext[child]
      s.so_qlen[so]--
      s.so_qnext[child] = 0
      s.so_qstate[child] = SQ_NONE
      s.so_listen[child] = 0
      soabort(k, child)
    }
    s.so_comptail[so] = 0
  }
  s.so_state[so] |= SS_NOFDREF
  sorele(k, so)
  return error
}

/** soabort: drops an unaccepted connection with a reset. */
export function soabort(k: Kernel, so: number): void {
  tcp_usr_abort(k, so)
  sofree(k, so)
}

export function sodisconnect(k: Kernel, so: number): number {
  const s = k.so
  if ((s.so_state[so] & SS_ISCONNECTED) === 0) return ENOTCONN
  return tcp_usr_disconnect(k, so)
}

/** soshutdown: SHUT_RD discards what arrives, SHUT_WR sends FIN after what is queued. */
export function soshutdown(k: Kernel, so: number, how: number): number {
  const s = k.so
  if (how !== SHUT_RD && how !== SHUT_WR && how !== SHUT_RDWR) return EINVAL
  if ((s.so_state[so] & (SS_ISCONNECTED | SS_ISCONNECTING | SS_ISDISCONNECTING)) === 0) return ENOTCONN
  if (how !== SHUT_WR) sorflush(k, so)
  if (how !== SHUT_RD) return tcp_usr_shutdown(k, so)
  return 0
}

function sorflush(k: Kernel, so: number): void {
  socantrcvmore(k, so)
  const sb = k.so.so_rcv[so]
  if (k.sb.sb_ccc[sb] > 0) sbdrop(k, sb, k.sb.sb_ccc[sb])
}

// ---- state changes reported by the protocol ----

export function soisconnecting(k: Kernel, so: number): void {
  const s = k.so
  s.so_state[so] = (s.so_state[so] & ~(SS_ISCONNECTED | SS_ISDISCONNECTING)) | SS_ISCONNECTING
}

/** soisconnected: both directions are open; waiters of either go on. */
export function soisconnected(k: Kernel, so: number): void {
  const s = k.so
  s.so_state[so] = (s.so_state[so] & ~(SS_ISCONNECTING | SS_ISDISCONNECTING)) | SS_ISCONNECTED
  if (s.so_qstate[so] === SQ_INCOMP) {
    solisten_enqueue(k, so)
    return
  }
  sorwakeup(k, so)
  sowwakeup(k, so)
}

export function soisdisconnecting(k: Kernel, so: number): void {
  const s = k.so
  s.so_state[so] = (s.so_state[so] & ~SS_ISCONNECTING) | SS_ISDISCONNECTING
  socantrcvmore(k, so)
  socantsendmore(k, so)
}

/** soisdisconnected: the connection is gone; what was not sent is dropped. Not-ready data is unlinked, its I/O frees it. */
export function soisdisconnected(k: Kernel, so: number): void {
  const s = k.so
  s.so_state[so] = (s.so_state[so] & ~(SS_ISCONNECTING | SS_ISCONNECTED | SS_ISDISCONNECTING)) | SS_ISDISCONNECTED
  socantrcvmore(k, so)
  const snd = s.so_snd[so]
  k.sb.sb_state[snd] |= SBS_CANTSENDMORE
  if (k.sb.sb_ccc[snd] > 0) sbdrop(k, snd, k.sb.sb_ccc[snd])
  sowwakeup(k, so)
}

export function socantsendmore(k: Kernel, so: number): void {
  k.sb.sb_state[k.so.so_snd[so]] |= SBS_CANTSENDMORE
  sowwakeup(k, so)
}

export function socantrcvmore(k: Kernel, so: number): void {
  k.sb.sb_state[k.so.so_rcv[so]] |= SBS_CANTRCVMORE
  sorwakeup(k, so)
}

/** sowwakeup: room was made (or the state changed) on the send side. */
export function sowwakeup(k: Kernel, so: number): void {
  sowakeup(k, so, k.so.so_snd[so], KQ_WRITE)
}

/** sorwakeup: data arrived (or the state changed) on the receive side. */
export function sorwakeup(k: Kernel, so: number): void {
  sowakeup(k, so, k.so.so_rcv[so], KQ_READ)
}

/** Source: uipc_sockbuf.c sowakeup: select and kqueue first, then threads that sleep in sbwait. */
function sowakeup(k: Kernel, so: number, sb: number, bit: number): void {
  if (k.cost.on) k.cost.enter(FN_sowakeup)
  const s = k.so
  if (s.so_kq[so] !== 0 && (bit === KQ_READ ? filt_soread(k, so) : filt_sowrite(k, so))) knote(k, so, bit)
  const flags = k.sb.sb_flags[sb]
  if ((flags & SB_WAIT) !== 0) {
    k.sb.sb_flags[sb] = flags & ~SB_WAIT
    wakeup(k, WCHAN_SB, sb)
  }
  if (k.cost.on) k.cost.leave()
}

// ---- options ----

/** sosetopt, level SOL_SOCKET. `value` is an int; SO_LINGER: seconds, −1 = off. Source: uipc_socket.c sosetopt, uipc_sockbuf.c sbsetopt. */
export function sosetopt(k: Kernel, so: number, option: number, value: number): number {
  const s = k.so
  const b = k.sb
  const snd = s.so_snd[so]
  const rcv = s.so_rcv[so]
  switch (option) {
    case SO_KEEPALIVE:
    case SO_REUSEADDR:
      if (value !== 0) s.so_options[so] |= option
      else s.so_options[so] &= ~option
      return 0
    case SO_LINGER:
      if (value < 0) s.so_options[so] &= ~SO_LINGER
      else {
        s.so_options[so] |= SO_LINGER
        s.so_linger[so] = value
      }
      return 0
    case SO_SNDBUF:
    case SO_RCVBUF: {
      if (value < 1) return EINVAL
      const sb = option === SO_SNDBUF ? snd : rcv
      if (!sbreserve(k, sb, value)) return ENOBUFS
      b.sb_flags[sb] &= ~SB_AUTOSIZE
      return 0
    }
    case SO_SNDLOWAT:
    case SO_RCVLOWAT: {
      if (value < 1) return EINVAL
      const sb = option === SO_SNDLOWAT ? snd : rcv
      b.sb_lowat[sb] = value > b.sb_hiwat[sb] ? b.sb_hiwat[sb] : value
      return 0
    }
    default:
      return ENOPROTOOPT
  }
}

/** Value read by {@link sogetopt}. */
export let sooptval = 0

/** sogetopt, level SOL_SOCKET; the value is left in {@link sooptval}. SO_ERROR is cleared by reading. */
export function sogetopt(k: Kernel, so: number, option: number): number {
  const s = k.so
  switch (option) {
    case SO_KEEPALIVE:
    case SO_REUSEADDR:
    case SO_ACCEPTCONN:
      sooptval = s.so_options[so] & option
      return 0
    case SO_LINGER:
      sooptval = (s.so_options[so] & SO_LINGER) !== 0 ? s.so_linger[so] : -1
      return 0
    case SO_SNDBUF:
      sooptval = k.sb.sb_hiwat[s.so_snd[so]]
      return 0
    case SO_RCVBUF:
      sooptval = k.sb.sb_hiwat[s.so_rcv[so]]
      return 0
    case SO_SNDLOWAT:
      sooptval = k.sb.sb_lowat[s.so_snd[so]]
      return 0
    case SO_RCVLOWAT:
      sooptval = k.sb.sb_lowat[s.so_rcv[so]]
      return 0
    case SO_ERROR:
      sooptval = s.so_error[so]
      s.so_error[so] = 0
      return 0
    default:
      return ENOPROTOOPT
  }
}

/** kern.ipc sysctls that belong to sockets. */
export function declareSocketSysctls(k: Kernel): void {
  const settings = k.so.settings
  const source = 'kern/uipc_socket.c'
  const limit = {
    type: 'uint' as const,
    access: 'rw' as const,
    range: [1, 65535] as const,
    unit: '',
    source,
    fidelity: 'read' as const,
    get: () => settings.somaxconn,
    set: (value: number | string) => {
      const n = Number(value)
      if (n < 1 || n > 65535) return EINVAL
      settings.somaxconn = n
      return 0
    },
  }
  k.sysctl.declare({
    ...limit,
    name: 'kern.ipc.soacceptqueue',
    description: 'Connections that may wait for accept(2) on one listening socket',
  })
  k.sysctl.declare({
    ...limit,
    name: 'kern.ipc.somaxconn',
    skip: true,
    description: 'Old name of kern.ipc.soacceptqueue',
  })
  k.sysctl.declare({
    name: 'kern.ipc.numopensockets',
    type: 'int',
    access: 'rd',
    unit: '',
    description: 'Sockets in existence',
    source,
    fidelity: 'read',
    get: () => k.so.live,
  })
  k.sysctl.declare({
    name: 'kern.ipc.maxsockets',
    type: 'int',
    access: 'rwtun',
    unit: '',
    description: 'Most sockets that may exist',
    source: `${source}; the boot value is the lab's`,
    fidelity: 'assumed',
    get: () => settings.maxsockets,
    // Only upward. Source: uipc_socket.c sysctl_maxsockets.
    set: (value) => {
      const n = Number(value)
      if (n <= settings.maxsockets) return EINVAL
      settings.maxsockets = n
      return 0
    },
  })
}

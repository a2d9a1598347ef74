/**
 * kqueue(2), as far as an event-driven server needs it: one queue a process, one edge-triggered (EV_CLEAR) read and write filter a socket. A socket
 * that became ready is linked into its queue once, and one task runs the process. Source: sys/kern/kern_event.c, uipc_socket.c filt_soread,
 * filt_sowrite (derived: no timers, signals or one-shot filters).
 */
import type { Kernel } from '../kernel'
import { EV_APP_SOCKET } from '../machine/eventKinds'
import { SBS_CANTRCVMORE, SBS_CANTSENDMORE } from '../sys/sockbuf'
import { SO_ACCEPTCONN, SS_ISCONNECTED } from '../sys/socket'
import { sbspace } from './uipc_sockbuf'

/** Bits of `so_ready` and of {@link kqueue_next}. */
export const KQ_READ = 1
export const KQ_WRITE = 2

/** Queues: head and tail of the ready sockets, CPU and program of the process that owns it. */
export function createKqueueTable(k: Kernel) {
  return k.registry.table(k.part('kqueue'), {
    kq_head: 'i32',
    kq_tail: 'i32',
    kq_count: 'i32',
    kq_cpu: 'i32',
    /** Program (see apps/apps.ts) and its record: who runs when something is ready. */
    kq_program: 'i32',
    kq_udata: 'i32',
    /** 1 while a task for the process is queued or running. */
    kq_scheduled: 'u8',
    /** 1 while the process sleeps in a system call: it will look at its queue when it wakes up. */
    kq_blocked: 'u8',
    /** 1 from the moment something wakes the process out of kevent(2) until it has run. */
    kq_woken: 'u8',
  })
}

/** kqueue(2): a queue for a process on a CPU. */
export function kqueue(k: Kernel, cpu: number, program: number, udata: number): number {
  const kq = k.kq
  const row = kq.alloc()
  kq.kq_head[row] = 0
  kq.kq_tail[row] = 0
  kq.kq_count[row] = 0
  kq.kq_cpu[row] = cpu
  kq.kq_program[row] = program
  kq.kq_udata[row] = udata
  kq.kq_scheduled[row] = 0
  kq.kq_blocked[row] = 0
  kq.kq_woken[row] = 0
  return row
}

/** EV_ADD of both filters of a socket; `udata` is what the process wants to be handed. Filters that are true already become active at once. */
export function kevent_add(k: Kernel, row: number, so: number, udata: number): void {
  const s = k.so
  s.so_kq[so] = row
  s.so_udata[so] = udata
  s.so_ready[so] = 0
  knote(k, so, filt_soread(k, so) ? KQ_READ : 0)
  knote(k, so, filt_sowrite(k, so) ? KQ_WRITE : 0)
}

/** The socket is closed: its filters go. */
export function knote_fdclose(k: Kernel, so: number): void {
  const s = k.so
  const row = s.so_kq[so]
  if (row === 0) return
  if (s.so_ready[so] !== 0) unlinkReady(k, row, so)
  s.so_kq[so] = 0
  s.so_ready[so] = 0
}

function unlinkReady(k: Kernel, row: number, so: number): void {
  const s = k.so
  const kq = k.kq
  let prev = 0
  let at = kq.kq_head[row]
  while (at !== so) {
    prev = at
    at = s.so_kqnext[at]
  }
  const next = s.so_kqnext[so]
  if (prev === 0) kq.kq_head[row] = next
  else s.so_kqnext[prev] = next
  if (kq.kq_tail[row] === so) kq.kq_tail[row] = prev
  s.so_kqnext[so] = 0
  kq.kq_count[row]--
}

/** True when a read would not block. Source: uipc_socket.c filt_soread. */
export function filt_soread(k: Kernel, so: number): boolean {
  const s = k.so
  if ((s.so_options[so] & SO_ACCEPTCONN) !== 0) return s.so_qlen[so] !== 0
  const sb = s.so_rcv[so]
  return (k.sb.sb_state[sb] & SBS_CANTRCVMORE) !== 0 || s.so_error[so] !== 0 || k.sb.sb_acc[sb] >= k.sb.sb_lowat[sb]
}

/** True when a write would make progress: space of at least the low-water mark. Source: uipc_socket.c filt_sowrite. */
export function filt_sowrite(k: Kernel, so: number): boolean {
  const s = k.so
  if ((s.so_options[so] & SO_ACCEPTCONN) !== 0) return false
  const sb = s.so_snd[so]
  if ((k.sb.sb_state[sb] & SBS_CANTSENDMORE) !== 0 || s.so_error[so] !== 0) return true
  if ((s.so_state[so] & SS_ISCONNECTED) === 0) return false
  return sbspace(k, sb) >= k.sb.sb_lowat[sb]
}

/** KNOTE: marks filters of a socket active and makes the process of its queue runnable. */
export function knote(k: Kernel, so: number, bits: number): void {
  if (bits === 0) return
  const s = k.so
  const kq = k.kq
  const row = s.so_kq[so]
  if (row === 0) return
  const before = s.so_ready[so]
  s.so_ready[so] = before | bits
  if (before === 0) {
    s.so_kqnext[so] = 0
    if (kq.kq_head[row] === 0) kq.kq_head[row] = so
    else s.so_kqnext[kq.kq_tail[row]] = so
    kq.kq_tail[row] = so
    kq.kq_count[row]++
  }
  if (kq.kq_scheduled[row] === 0 && kq.kq_blocked[row] === 0) kq.kq_woken[row] = 1
  kqueue_wakeup(k, row)
}

/** Queues the process unless it is queued, running, or asleep elsewhere. */
export function kqueue_wakeup(k: Kernel, row: number): void {
  const kq = k.kq
  if (kq.kq_scheduled[row] !== 0 || kq.kq_blocked[row] !== 0) return
  kq.kq_scheduled[row] = 1
  k.cpu.run(kq.kq_cpu[row], EV_APP_SOCKET, k.id, row)
}

/** Bits of the socket taken last by {@link kqueue_next}. */
export let kqueue_bits = 0

/** kevent(2), one event at a time: the next ready socket, or 0. Its bits are cleared (EV_CLEAR) and left in {@link kqueue_bits}. */
export function kqueue_next(k: Kernel, row: number): number {
  const kq = k.kq
  const so = kq.kq_head[row]
  if (so === 0) return 0
  const s = k.so
  kq.kq_head[row] = s.so_kqnext[so]
  if (kq.kq_head[row] === 0) kq.kq_tail[row] = 0
  kq.kq_count[row]--
  s.so_kqnext[so] = 0
  kqueue_bits = s.so_ready[so]
  s.so_ready[so] = 0
  return so
}

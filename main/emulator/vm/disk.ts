/**
 * The disk of a host. A request is worked on at once while fewer than `diskQueueDepth` are, else it waits in line. Accesses (`diskLatencyNs`) of requests
 * that are worked on overlap; transfers (`diskBytesPerSecond`) follow each other, in the order in which the requests began. By seed a request fails
 * (EIO) or comes short: then the storage layer fetches the rest by a second access before it answers. Ours, assumed: no seeks, no cache of its own.
 *
 *   request ─► [waiting] ─► access ─► transfer ─► done          short: access ─► part ─► access ─► rest ─► done
 *
 * Queue and dice exist only on hosts that can read from the disk at all, so that the state of others does not hold them.
 */
import type { Kernel } from '../kernel'
import { EV_DISK_DONE } from '../machine/eventKinds'
import { EIO } from '../sys/errno'
import { PAGE_SIZE } from '../sys/param'
import { SF_NOCACHE } from '../sys/socket'

/** Default of `diskQueueDepth`: what NCQ gives. */
export const DISK_QUEUE_DEPTH = 32

export function createDiskQueue(k: Kernel) {
  const { files, workload } = k.machine.config
  // A warm host reads from the disk only if pages leave its memory again.
  if (k.id !== 0 || (files.warm && ((workload?.sendfileFlags ?? 0) & SF_NOCACHE) === 0)) return null
  const waiting = k.registry.table(k.part('disk.waiting'), { row: 'i32', pages: 'i32', next: 'i32' })
  const n = k.registry.record(k.part('disk.queue'), {
    /** Requests worked on, most of them at a time, requests that had to wait. */
    active: 0,
    peakActive: 0,
    waits: 0,
    shortReads: 0,
    head: 0,
    tail: 0,
  })
  const prng = (files.diskErrors ?? 0) > 0 || (files.diskShortReads ?? 0) > 0 ? k.machine.random('disk') : null
  return { waiting, n, prng, depth: files.diskQueueDepth ?? DISK_QUEUE_DEPTH }
}

/** Hands a request (row of `k.disk`) to the disk. */
export function diskRequest(k: Kernel, row: number, pages: number): void {
  const queue = k.disk.queue
  if (queue === null) {
    // Nothing limits it: only access and transfer.
    begin(k, row, pages, k.disk.state)
    return
  }
  const { n, waiting } = queue
  if (n.active < queue.depth) {
    n.active++
    if (n.active > n.peakActive) n.peakActive = n.active
    begin(k, row, pages, k.disk.state)
    return
  }
  n.waits++
  const w = waiting.alloc()
  waiting.row[w] = row
  waiting.pages[w] = pages
  waiting.next[w] = 0
  if (n.tail === 0) n.head = w
  else waiting.next[n.tail] = w
  n.tail = w
}

/** A request is done: the next one in line begins. */
export function diskRequestDone(k: Kernel): void {
  const queue = k.disk.queue
  if (queue === null) return
  const { n, waiting } = queue
  n.active--
  const w = n.head
  if (w === 0) return
  n.head = waiting.next[w]
  if (n.head === 0) n.tail = 0
  n.active++
  const row = waiting.row[w]
  const pages = waiting.pages[w]
  waiting.free(w)
  begin(k, row, pages, k.disk.state)
}

function begin(k: Kernel, row: number, pages: number, state: { freeAt: number }): void {
  const { files } = k.machine.config
  const now = k.now()
  const queue = k.disk.queue
  const prng = queue === null ? null : queue.prng
  const ns = (n: number): number => Math.ceil((n * PAGE_SIZE * 1e9) / files.diskBytesPerSecond)
  let access = files.diskLatencyNs
  if (prng !== null) {
    if (prng.chance(files.diskErrors ?? 0)) k.disk.dr_error[row] = EIO
    // Part of it is there, the rest needs another access; its transfer time is the same in sum.
    else if (pages > 1 && prng.chance(files.diskShortReads ?? 0)) {
      queue!.n.shortReads++
      access += files.diskLatencyNs
    }
  }
  // freeAt leaves the access out: accesses of requests that are worked on overlap.
  const start = Math.max(state.freeAt, now + access - files.diskLatencyNs)
  state.freeAt = start + ns(pages)
  k.machine.schedule(state.freeAt + files.diskLatencyNs, EV_DISK_DONE, k.id, row)
}

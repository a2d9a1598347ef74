/**
 * Pages: wire counts, queues, busy and valid state. Mirrors sys/vm/vm_page.c, vm_page.h of mid 2019 (derived; kernel-mbuf-sendfile 7.2: the wire
 * count is a field of its own then). Rows 1 … N are the file frames in order of frame number, later rows are pages of RAM. Arrays only: a page of
 * a file costs 32 bytes here and no object.
 *
 *   k.page      columns of struct vm_page
 *   k.page.vm   queues, counters, RAM frame → page
 */
import type { Kernel } from '../kernel'
import { CAUSE } from '../machine/cost'
import type { Table } from '../machine/state'
import { KASSERT } from '../sys/systm'
import { createSfBufs, type SfBufPool } from '../kern/subr_sfbuf'
import { FILE_FRAME_BASE } from './vm_phys'

export const PQ_INACTIVE = 0
export const PQ_ACTIVE = 1
export const PQ_LAUNDRY = 2
export const PQ_UNSWAPPABLE = 3
export const PQ_COUNT = 4
export const PQ_NONE = 255

/** busy_lock bits. Not busy = shared form with no sharer. */
export const VPB_BIT_SHARED = 0x1
export const VPB_BIT_EXCLUSIVE = 0x2
export const VPB_BIT_WAITERS = 0x4
export const VPB_ONE_SHARER = 0x8
export const VPB_UNBUSIED = VPB_BIT_SHARED

/** aflags. */
export const PGA_WRITEABLE = 0x1
export const PGA_REFERENCED = 0x2

/** Allocation requests (sys/vm/vm_page.h). */
export const VM_ALLOC_NORMAL = 0
export const VM_ALLOC_INTERRUPT = 1
export const VM_ALLOC_SYSTEM = 2
export const VM_ALLOC_CLASS_MASK = 3
export const VM_ALLOC_WIRED = 0x0020
export const VM_ALLOC_ZERO = 0x0040
export const VM_ALLOC_NOOBJ = 0x0100
export const VM_ALLOC_NOBUSY = 0x0200
export const VM_ALLOC_NOCREAT = 0x0400
export const VM_ALLOC_IGN_SBUSY = 0x1000
export const VM_ALLOC_SBUSY = 0x4000
export const VM_ALLOC_NOWAIT = 0x8000

/** All 512-byte blocks of a page. */
export const VM_PAGE_BITS_ALL = 0xff

const pageSpec = {
  /** Frame number (phys_addr / 4096). */
  frame: 'u32',
  wire_count: 'i32',
  queue: 'u8',
  busy_lock: 'u32',
  valid: 'u8',
  dirty: 'u8',
  aflags: 'u8',
  object: 'i32',
  pindex: 'i32',
  q_next: 'i32',
  q_prev: 'i32',
  /** Next page of the same hash chain (RAM pages in objects). */
  h_next: 'i32',
} as const
type PageTable = Table<typeof pageSpec>

// Indexes of VmPageState.n.
const N_WIRED = 0
const N_CACHED = 1
const N_REACTIVATED = 2
const N_FREED = 3
const N_SCANS = 4

/** What belongs to all pages of a host. */
export class VmPageState {
  /** First, last and number of pages of each queue. */
  readonly q = new Int32Array(PQ_COUNT * 3)
  readonly n = new Float64Array(8)
  /** Page of a RAM frame, 0 = none. */
  ramPage = new Int32Array(1024)
  /** Heads of hash chains (object, pindex) → RAM page. */
  readonly hash = new Int32Array(1024)
  /** sf_bufs of a machine without direct map; null on amd64. */
  readonly sfbufs: SfBufPool | null
  /** Thresholds; constant. */
  readonly limits: VmThresholds
  /** What the page daemon remembers (vm_pageout.ts); `waiters` threads sleep until a page is free. */
  readonly daemon: {
    [name: string]: number
    lowmem_period: number
    lowmem_at: number
    lowmem_events: number
    waiters: number
  }
  /** What the low-memory event does (mb_reclaim). Code, wired at construction. */
  lowmem: ((k: Kernel) => void) | null = null
  /** Told that a page can be reclaimed while somebody waits for one. Code, wired at construction. */
  unwired: ((k: Kernel) => void) | null = null

  constructor(k: Kernel) {
    this.limits = vmThresholds(k)
    k.registry.fixed(k.part('vm_page.q'), this.q)
    k.registry.fixed(k.part('vm_page.n'), this.n)
    k.registry.fixed(k.part('vm_page.hash'), this.hash)
    this.sfbufs = createSfBufs(k)
    k.registry.array(
      k.part('vm_page.ram'),
      () => this.ramPage,
      (data) => {
        this.ramPage = (data as Int32Array<ArrayBuffer>).slice()
      },
    )
    this.daemon = k.registry.record(
      k.part('vm_pageout'),
      { lowmem_period: 10, lowmem_at: -1, lowmem_events: 0, waiters: 0 },
      { quiet: true },
    )
  }

  setRamPage(frame: number, m: number): void {
    if (frame >= this.ramPage.length) {
      const bigger = new Int32Array(Math.max(frame + 1, this.ramPage.length * 2))
      bigger.set(this.ramPage)
      this.ramPage = bigger
    }
    this.ramPage[frame] = m
  }

  /** Distinct pages with a wire count (v_wire_count counts these and what the kernel itself took). */
  get wired(): number {
    return this.n[N_WIRED]
  }
  /** File pages in memory. */
  get cached(): number {
    return this.n[N_CACHED]
  }
  addCached(delta: number): void {
    this.n[N_CACHED] += delta
  }
  addWired(delta: number): void {
    this.n[N_WIRED] += delta
  }
  countFreed(): void {
    this.n[N_FREED]++
  }
  countScan(): void {
    this.n[N_SCANS]++
  }
  countReactivated(): void {
    this.n[N_REACTIVATED]++
  }
  get scans(): number {
    return this.n[N_SCANS]
  }
  get freed(): number {
    return this.n[N_FREED]
  }
  /** Pages on a queue. */
  queued(queue: number): number {
    return this.q[queue * 3 + 2]
  }
}

export function createVmPage(k: Kernel): PageTable & { vm: VmPageState } {
  const files = k.phys.diskPageOfFrame.length
  let capacity = 64
  while (capacity < files + 64) capacity *= 2
  const page = k.registry.table(k.part('vm_page'), pageSpec, capacity)
  for (let i = 0; i < files; i++) {
    const m = page.alloc()
    page.frame[m] = FILE_FRAME_BASE + i
    page.queue[m] = PQ_NONE
    page.busy_lock[m] = VPB_UNBUSIED
  }
  return Object.assign(page, { vm: new VmPageState(k) })
}

/** Page of a frame, 0 if the frame is the kernel's own. sys/vm/vm_page.c PHYS_TO_VM_PAGE (derived). */
export function PHYS_TO_VM_PAGE(k: Kernel, frame: number): number {
  if (frame >= FILE_FRAME_BASE) return frame - FILE_FRAME_BASE + 1
  const { ramPage } = k.page.vm
  return frame < ramPage.length ? ramPage[frame] : 0
}

/** Frame number of a page. */
export function vm_page_frame(k: Kernel, m: number): number {
  return k.page.frame[m]
}

// ------------------------------------------------------------------------------------------------------------------------------- counters

/** struct vmmeter as vmstat and vm.stats.vm show it; the kernel's own frames count as wired. */
export interface VmMeter {
  v_page_count: number
  v_free_count: number
  v_wire_count: number
  v_active_count: number
  v_inactive_count: number
  v_laundry_count: number
  v_free_min: number
  v_free_target: number
  v_free_reserved: number
  v_free_severe: number
  v_pageout_free_min: number
  v_interrupt_free_min: number
}

/** Pages nobody uses. */
export function vm_free_count(k: Kernel): number {
  return k.phys.frames - k.phys.used - k.page.vm.cached
}

/** Free pages that are kept back, and those that make the page daemon start and stop. */
export interface VmThresholds {
  v_free_reserved: number
  v_free_min: number
  v_free_severe: number
  v_free_target: number
  v_pageout_free_min: number
  v_interrupt_free_min: number
  v_pageout_wakeup_thresh: number
}

/** Thresholds of the page daemon. sys/vm/vm_pageout.c vm_pageout_init_domain (read; one domain). */
export function vmThresholds(k: Pick<Kernel, 'phys'>): VmThresholds {
  const count = k.phys.frames
  const min = count > 1024 ? 4 + Math.floor((count - 1024) / 200) : 4
  const v_interrupt_free_min = 2
  // Room for the largest swap request (MAXBSIZE) and for a cluster of 32 pages.
  const v_pageout_free_min = (2 * 65536) / 4096 + v_interrupt_free_min
  const v_free_reserved = 32 + v_pageout_free_min + Math.floor(count / 768)
  const v_free_target = 4 * min + v_free_reserved
  return {
    v_free_reserved,
    v_free_min: min + v_free_reserved,
    v_free_severe: Math.floor(min / 2) + v_free_reserved,
    v_free_target,
    v_pageout_free_min,
    v_interrupt_free_min,
    v_pageout_wakeup_thresh: Math.floor(v_free_target / 10) * 9,
  }
}

/**
 * True if `npages` may be taken for a request of this class: ordinary ones leave v_free_reserved, the system's v_interrupt_free_min, an interrupt's nothing.
 * sys/vm/vm_page.c vm_domain_allocate (read).
 */
export function vm_domain_allocate(k: Kernel, req: number, npages: number): boolean {
  const { limits } = k.page.vm
  const kind = req & VM_ALLOC_CLASS_MASK
  const keep =
    kind === VM_ALLOC_INTERRUPT ? 0 : kind === VM_ALLOC_SYSTEM ? limits.v_interrupt_free_min : limits.v_free_reserved
  return vm_free_count(k) >= keep + npages
}

export function vmMeter(k: Kernel): VmMeter {
  const vm = k.page.vm
  return {
    v_page_count: k.phys.frames,
    v_free_count: vm_free_count(k),
    v_wire_count: vm.wired + k.phys.used - ramPagesNotWired(k),
    v_active_count: vm.queued(PQ_ACTIVE),
    v_inactive_count: vm.queued(PQ_INACTIVE),
    v_laundry_count: vm.queued(PQ_LAUNDRY),
    v_free_min: vm.limits.v_free_min,
    v_free_target: vm.limits.v_free_target,
    v_free_reserved: vm.limits.v_free_reserved,
    v_free_severe: vm.limits.v_free_severe,
    v_pageout_free_min: vm.limits.v_pageout_free_min,
    v_interrupt_free_min: vm.limits.v_interrupt_free_min,
  }
}

/** RAM pages that have a vm_page of their own: they are in `phys.used` but are wired only if their wire count says so (it is in `wired`). */
function ramPagesNotWired(k: Kernel): number {
  return k.page.live - k.phys.diskPageOfFrame.length
}

// --------------------------------------------------------------------------------------------------------------------------------- queues

/** Takes a page off its queue. sys/vm/vm_page.c vm_page_dequeue (derived). */
export function vm_page_dequeue(k: Kernel, m: number): void {
  const page = k.page
  const queue = page.queue[m]
  if (queue === PQ_NONE) return
  const q = page.vm.q
  const next = page.q_next[m]
  const prev = page.q_prev[m]
  if (prev === 0) q[queue * 3] = next
  else page.q_next[prev] = next
  if (next === 0) q[queue * 3 + 1] = prev
  else page.q_prev[next] = prev
  q[queue * 3 + 2]--
  page.queue[m] = PQ_NONE
}

/** Puts a page on a queue, at the end or (next to be reclaimed) at the head. */
function vm_page_enqueue(k: Kernel, m: number, queue: number, head = false): void {
  const page = k.page
  const q = page.vm.q
  page.queue[m] = queue
  if (head) {
    const first = q[queue * 3]
    page.q_prev[m] = 0
    page.q_next[m] = first
    if (first === 0) q[queue * 3 + 1] = m
    else page.q_prev[first] = m
    q[queue * 3] = m
  } else {
    const last = q[queue * 3 + 1]
    page.q_next[m] = 0
    page.q_prev[m] = last
    if (last === 0) q[queue * 3] = m
    else page.q_next[last] = m
    q[queue * 3 + 1] = m
  }
  q[queue * 3 + 2]++
}

/** sys/vm/vm_page.c vm_page_activate (derived). */
export function vm_page_activate(k: Kernel, m: number): void {
  if (k.page.queue[m] === PQ_ACTIVE) return
  vm_page_dequeue(k, m)
  if (k.page.wire_count[m] === 0) vm_page_enqueue(k, m, PQ_ACTIVE)
}

/** To the tail of the inactive queue. sys/vm/vm_page.c vm_page_deactivate (derived). */
export function vm_page_deactivate(k: Kernel, m: number): void {
  if (k.page.queue[m] === PQ_INACTIVE) return
  vm_page_dequeue(k, m)
  if (k.page.wire_count[m] === 0) vm_page_enqueue(k, m, PQ_INACTIVE)
}

/** Near the head of the inactive queue: reclaimed soon. sys/vm/vm_page.c vm_page_deactivate_noreuse (derived). */
export function vm_page_deactivate_noreuse(k: Kernel, m: number): void {
  vm_page_dequeue(k, m)
  if (k.page.wire_count[m] === 0) vm_page_enqueue(k, m, PQ_INACTIVE, true)
}

/** Marks a page as used lately. sys/vm/vm_page.c vm_page_reference (read). */
export function vm_page_reference(k: Kernel, m: number): void {
  k.page.aflags[m] |= PGA_REFERENCED
}

// ---------------------------------------------------------------------------------------------------------------------------------- wiring

/** Adds a wiring: the page daemon keeps away. sys/vm/vm_page.c vm_page_wire (read). */
export function vm_page_wire(k: Kernel, m: number): void {
  const page = k.page
  const count = page.wire_count[m] + 1
  page.wire_count[m] = count
  if (count === 1) page.vm.addWired(1)
}

/** Drops a wiring without queueing. @returns true if it was the last. sys/vm/vm_page.c vm_page_unwire_noq (read). Charges `pageUnwire`. */
export function vm_page_unwire_noq(k: Kernel, m: number): boolean {
  const page = k.page
  const count = page.wire_count[m] - 1
  KASSERT(count >= 0, 'vm_page_unwire: the page is wired')
  page.wire_count[m] = count
  if (k.cost.on) {
    k.cost.charge(CAUSE.vm, k.cost.p.pageUnwire)
    k.cost.chargeMisses(k.cost.p.pageLines)
  }
  if (count !== 0) return false
  page.vm.addWired(-1)
  if (page.vm.daemon.waiters !== 0) page.vm.unwired?.(k)
  return true
}

/** Drops a wiring; with the last one the page goes to a queue (PQ_NONE: to none). @returns true if it was the last. vm_page_unwire (read). */
export function vm_page_unwire(k: Kernel, m: number, queue: number): boolean {
  if (!vm_page_unwire_noq(k, m)) return false
  if (queue === PQ_NONE || k.page.object[m] === 0) return true
  if (k.page.queue[m] !== queue) {
    vm_page_dequeue(k, m)
    vm_page_enqueue(k, m, queue)
  }
  return true
}

// ------------------------------------------------------------------------------------------------------------------------------------ busy

/** True if somebody holds the page busy, shared or exclusive. */
export function vm_page_busied(k: Kernel, m: number): boolean {
  return (k.page.busy_lock[m] & ~VPB_BIT_WAITERS) !== VPB_UNBUSIED
}
export function vm_page_xbusied(k: Kernel, m: number): boolean {
  return (k.page.busy_lock[m] & VPB_BIT_EXCLUSIVE) !== 0
}
/** Takes the exclusive busy state; false if the page is busy. */
export function vm_page_tryxbusy(k: Kernel, m: number): boolean {
  if (vm_page_busied(k, m)) return false
  k.page.busy_lock[m] = VPB_BIT_EXCLUSIVE | (k.page.busy_lock[m] & VPB_BIT_WAITERS)
  return true
}
/** Takes a shared busy state; false if the page is exclusively busy. */
export function vm_page_trysbusy(k: Kernel, m: number): boolean {
  if (vm_page_xbusied(k, m)) return false
  k.page.busy_lock[m] += VPB_ONE_SHARER
  return true
}
/** Ends the exclusive busy state. @returns true if somebody waits for the page: the caller wakes the sleepers on it. */
export function vm_page_xunbusy(k: Kernel, m: number): boolean {
  KASSERT(vm_page_xbusied(k, m), 'vm_page_xunbusy: the page is exclusively busy')
  const waiters = (k.page.busy_lock[m] & VPB_BIT_WAITERS) !== 0
  k.page.busy_lock[m] = VPB_UNBUSIED
  return waiters
}
/** Ends one shared busy state. @returns true if that was the last one and somebody waits. */
export function vm_page_sunbusy(k: Kernel, m: number): boolean {
  const busy = k.page.busy_lock[m]
  KASSERT((busy & VPB_BIT_SHARED) !== 0 && busy >= VPB_ONE_SHARER, 'vm_page_sunbusy: the page is busy for sharers')
  const left = busy - VPB_ONE_SHARER
  if ((left & ~(VPB_BIT_WAITERS | VPB_BIT_SHARED)) !== 0) {
    k.page.busy_lock[m] = left
    return false
  }
  k.page.busy_lock[m] = VPB_UNBUSIED
  return (left & VPB_BIT_WAITERS) !== 0
}
/** Notes that somebody sleeps until the page is no longer busy. */
export function vm_page_busy_wait(k: Kernel, m: number): void {
  k.page.busy_lock[m] |= VPB_BIT_WAITERS
}

// ----------------------------------------------------------------------------------------------------------------------------------- valid

/** Bits of the 512-byte blocks that a byte range touches. sys/vm/vm_page.c vm_page_bits (read). */
export function vm_page_bits(base: number, size: number): number {
  if (size === 0) return 0
  const first = base >> 9
  const last = (base + size - 1) >> 9
  return (2 << last) - (1 << first)
}

/** True if a byte range holds file contents. sys/vm/vm_page.c vm_page_is_valid (read). */
export function vm_page_is_valid(k: Kernel, m: number, base: number, size: number): boolean {
  const bits = vm_page_bits(base, size)
  return k.page.valid[m] !== 0 && (k.page.valid[m] & bits) === bits
}

/**
 * UMA, the zone allocator: per-CPU buckets of free items in front of a zone's list of full buckets in front of a keg that cuts pages into items.
 * Source: sys/vm/uma_core.c of mid 2019 (limits and bucket sizes are the zone's, not the keg's): uma_zalloc_arg, zone_alloc_item_locked,
 * zone_alloc_bucket, zone_import, uma_zfree_arg, bucket_drain, uma_zone_set_max, bucket_zones (read); slab order is a plain stack (assumed).
 *
 *   uma_zalloc ─► alloc bucket of the CPU ─► its free bucket (swapped) ─► list of full buckets ─► keg, a bucket at a time ─► new slab
 *
 * An item is an int32: the row of a table (mbuf, mbuf_extpgs) or an address in units of 256 bytes (clusters). 0 = NULL.
 * One decision against the copy read: an allocation refused because of the limit counts as a failure (`uz_fails`), as it did before January 2019
 * and does in 13.0; in between only the log line told.
 */
import type { Kernel } from '../kernel'
import { CAUSE } from '../machine/cost'
import type { Table } from '../machine/state'
import { M_NOWAIT, M_USE_RESERVE, M_WOKEN } from '../sys/param'
import { KASSERT } from '../sys/systm'
import { VM_ALLOC_INTERRUPT, VM_ALLOC_SYSTEM, vm_domain_allocate } from './vm_page'
import { vm_pageout, vm_paging_needed } from './vm_pageout'

/** Entries of each bucket class: (8 × class − 24 bytes of header) / 8. The largest item size for each class. Source: bucket_zones. */
const BUCKET_ENTRIES = [1, 3, 5, 9, 13, 29, 61, 125, 253]
const BUCKET_ITEM_SIZE = [4096, 3072, 2048, 1536, 1024, 512, 256, 128, 64]
export const BUCKET_MAX = 253
/** Seconds between two warnings of the same zone (zone_log_warning). */
const WARNING_INTERVAL_NS = 300e9

// Indexes of UmaZone.n.
const ITEMS = 0
const MAX = 1
const FAILS = 2
const SLEEPS = 3
const SLEEPERS = 4
const ALLOCS = 5
const FREES = 6
const BKT_ITEMS = 7
const FULL_HEAD = 8
const COUNT = 9
const WARNED_AT = 10
const N_FIELDS = 11

/** Cuts pages into items of one size. Shared by a zone and its secondary zones. */
export class UmaKeg {
  /** Pages a slab spans and items it gives. */
  readonly ppera: number
  readonly ipers: number
  /** Pages taken from the VM so far. */
  pages = 0
  private stack = new Int32Array(64)
  private count = 0

  constructor(
    k: Kernel,
    readonly name: string,
    /** Bytes from one item to the next. */
    readonly rsize: number,
    /** Makes an item of the storage at a RAM address. */
    private readonly attach: (address: number) => number,
  ) {
    this.ppera = Math.ceil(rsize / 4096)
    // Small items share their page with the slab header unless that wastes more than a tenth of the page (keg_small_init; derived).
    const inPage = Math.floor((4096 - 112) / rsize)
    const offPage = Math.max(1, Math.floor((this.ppera * 4096) / rsize))
    this.ipers = this.ppera === 1 && 4096 - 112 - inPage * rsize < 409 && inPage > 0 ? inPage : offPage
    k.registry.array(
      k.part(`uma.${name}.keg`),
      () => {
        // Free items, then the number of pages: one array, one part.
        const used = new Int32Array(this.count + 1)
        used.set(this.stack.subarray(0, this.count))
        used[this.count] = this.pages
        return used
      },
      (data) => {
        this.count = data.length - 1
        this.pages = data[this.count]!
        if (data.length > this.stack.length) this.stack = new Int32Array(data.length * 2)
        this.stack.set((data as Int32Array).subarray(0, this.count))
      },
    )
  }

  /** Free items in slabs. */
  get free(): number {
    return this.count
  }

  take(k: Kernel, how: number): number {
    if (this.count === 0 && !this.newSlab(k, how)) return 0
    return this.stack[--this.count]
  }

  give(item: number): void {
    if (this.count === this.stack.length) {
      const bigger = new Int32Array(this.stack.length * 2)
      bigger.set(this.stack)
      this.stack = bigger
    }
    this.stack[this.count++] = item
  }

  /** Pages for the kernel itself: only the last ones are kept back. keg_alloc_slab, page_alloc, malloc2vm_flags (read). */
  private newSlab(k: Kernel, how: number): boolean {
    if (vm_paging_needed(k)) vm_pageout(k)
    const req = (how & M_USE_RESERVE) !== 0 ? VM_ALLOC_INTERRUPT : VM_ALLOC_SYSTEM
    if (!vm_domain_allocate(k, req, this.ppera)) return false
    const frame = this.ppera === 1 ? k.phys.allocFrame() : k.phys.allocContig(this.ppera)
    if (frame === 0) return false
    this.pages += this.ppera
    // The last item goes first, so that addresses come out ascending.
    for (let i = this.ipers - 1; i >= 0; i--) this.give(this.attach(frame * 4096 + i * this.rsize))
    return true
  }
}

const bucketSpec = (entries: number) => ({ cnt: 'i32', next: 'i32', item: ['i32', entries] }) as const
type BucketTable = Table<ReturnType<typeof bucketSpec>>

export interface ZoneOptions {
  name: string
  /** Bytes of an item, as vmstat -z shows it. */
  size: number
  keg: UmaKeg
  /** Use the largest bucket class whatever the item size (UMA_ZONE_MAXBUCKET). */
  maxBucket?: boolean
  /** Zone whose limit counts this one's items too (a secondary zone), default itself. */
  master?: UmaZone
  /** Called on an item's way from the keg to the zone; false = failed (uz_init). */
  init?: (item: number, how: number) => boolean
  /** Called on its way back (uz_fini). */
  fini?: (item: number) => void
}

export class UmaZone {
  readonly name: string
  readonly size: number
  readonly keg: UmaKeg
  readonly master: UmaZone | null
  readonly init: ((item: number, how: number) => boolean) | null
  readonly fini: ((item: number) => void) | null
  /** Buckets; row 0 is the absent bucket, whose count stays 0. */
  readonly bucket: BucketTable
  /** Two bucket rows per CPU: alloc bucket, free bucket. */
  readonly cache: Int32Array<ArrayBuffer>
  /** Two counters per CPU: allocations and frees served by its buckets. */
  readonly stat: Float64Array<ArrayBuffer>
  readonly n = new Float64Array(N_FIELDS)
  /** Text of the console warning at the limit, or ''. Constant. */
  warning = ''
  /** Number of the zone, for wait channels. */
  readonly id: number

  constructor(k: Kernel, id: number, options: ZoneOptions) {
    this.id = id
    this.name = options.name
    this.size = options.size
    this.keg = options.keg
    this.master = options.master ?? null
    this.init = options.init ?? null
    this.fini = options.fini ?? null
    this.bucket = k.registry.table(k.part(`uma.${options.name}.bucket`), bucketSpec(BUCKET_MAX), 8)
    this.cache = new Int32Array(k.cpu.count * 2)
    this.stat = new Float64Array(k.cpu.count * 2)
    this.n[COUNT] = options.maxBucket === true ? BUCKET_MAX : bucketClass(options.size)
    this.n[WARNED_AT] = -Infinity
    k.registry.fixed(k.part(`uma.${options.name}.cache`), this.cache)
    k.registry.fixed(k.part(`uma.${options.name}.stat`), this.stat)
    k.registry.fixed(k.part(`uma.${options.name}.n`), this.n)
  }

  /** Items handed out and not given back. */
  get used(): number {
    return this.requests - this.frees
  }
  /** Allocations that succeeded, since boot. */
  get requests(): number {
    let sum = this.n[ALLOCS]
    for (let i = 0; i < this.stat.length; i += 2) sum += this.stat[i]
    return sum
  }
  private get frees(): number {
    let sum = this.n[FREES]
    for (let i = 1; i < this.stat.length; i += 2) sum += this.stat[i]
    return sum
  }
  /** Free items in buckets, of CPUs and full ones (`cache` of netstat -m counts these). */
  get cached(): number {
    let sum = this.n[BKT_ITEMS]
    for (let i = 0; i < this.cache.length; i++) sum += this.bucket.cnt[this.cache[i]]
    return sum
  }
  /** Most items the zone may have, 0 = no limit. */
  get limit(): number {
    return this.master === null ? this.n[MAX] : this.master.limit
  }
  get fails(): number {
    return this.n[FAILS]
  }
  get sleeps(): number {
    return this.n[SLEEPS]
  }
  get sleepers(): number {
    return this.n[SLEEPERS]
  }
  /** Present bucket size, items. */
  get count(): number {
    return this.n[COUNT]
  }
}

function bucketClass(size: number): number {
  if (size > BUCKET_ITEM_SIZE[0]) return Math.max(Math.floor((BUCKET_ITEM_SIZE[0] * BUCKET_ENTRIES[0]) / size), 1)
  let i = 0
  while (i < BUCKET_ITEM_SIZE.length && BUCKET_ITEM_SIZE[i] >= size) i++
  return BUCKET_ENTRIES[i - 1]
}

/** A line of vmstat -z. */
export interface ZoneRow {
  name: string
  size: number
  limit: number
  used: number
  free: number
  requests: number
  fail: number
  sleep: number
}

/** A zone whose items live in somebody else's table: only counted, so that vmstat -z shows it. */
export class CountedZone {
  readonly n = new Float64Array(4)
  constructor(
    k: Kernel,
    readonly name: string,
    readonly size: number,
    limit: number,
  ) {
    this.n[3] = limit
    k.registry.fixed(k.part(`uma.${name}.count`), this.n)
  }
  /** Counts an allocation; false (and a failure) when the limit is reached. */
  take(): boolean {
    const n = this.n
    if (n[3] > 0 && n[0] - n[1] >= n[3]) {
      n[2] = n[2] + 1
      return false
    }
    n[0] = n[0] + 1
    return true
  }
  give(): void {
    this.n[1] = this.n[1] + 1
  }
  get used(): number {
    return this.n[0] - this.n[1]
  }
}

/** The zones of one kernel. */
export class Uma {
  readonly list: UmaZone[] = []
  readonly counted: CountedZone[] = []
  // The network's zones; set by mbuf_init.
  zone_mbuf!: UmaZone
  zone_pack!: UmaZone
  zone_clust!: UmaZone
  zone_jumbop!: UmaZone
  zone_jumbo9!: UmaZone
  zone_jumbo16!: UmaZone
  zone_extpgs!: UmaZone
  /** True while allocations take the watched path: a failure is to be injected or somebody counts. */
  watched = false
  /** Allocation attempts until the injected failure; 0 = none pending. */
  countdown = 0
  /** Same for sf_bufs. */
  sfCountdown = 0
  /** Allocation attempts while {@link watched}. */
  attempts = 0
  /** Told of every attempt (item 0 = failed) while watched. For tests: code, not state. */
  observer: ((zone: UmaZone, item: number) => void) | null = null
  /** vm.zone_warnings. */
  warnings = 1
  /** Called when a zone reaches its limit (mb_reclaim) and when sleepers may go on. Code, wired at construction. */
  maxAction: ((k: Kernel, zone: UmaZone) => void) | null = null
  wakeup: ((k: Kernel, zone: UmaZone) => void) | null = null
  private readonly inject = new Float64Array(5)

  constructor(private readonly k: Kernel) {
    k.registry.array(
      k.part('uma.inject'),
      () => {
        this.inject[0] = this.countdown
        this.inject[1] = this.sfCountdown
        this.inject[2] = this.attempts
        this.inject[3] = this.watched ? 1 : 0
        this.inject[4] = this.warnings
        return this.inject
      },
      (data) => {
        this.countdown = data[0]!
        this.sfCountdown = data[1]!
        this.attempts = data[2]!
        this.watched = data[3] === 1
        this.warnings = data[4]!
      },
    )
  }

  /** Creates a zone (uma_zcreate, uma_zsecond_create). At construction only. */
  create(options: ZoneOptions): UmaZone {
    const zone = new UmaZone(this.k, this.list.length + 1, options)
    this.list.push(zone)
    return zone
  }

  /** Declares a zone that is only counted. At construction only. */
  createCounted(name: string, size: number, limit = 0): CountedZone {
    const zone = new CountedZone(this.k, name, size, limit)
    this.counted.push(zone)
    return zone
  }

  zone(name: string): UmaZone | undefined {
    return this.list.find((zone) => zone.name === name)
  }

  /** The n-th allocation attempt from now fails, all others go on as usual. 0 takes it back. An attempt is one request to one zone. */
  failAt(n: number): void {
    this.countdown = n
    this.watched = n !== 0 || this.observer !== null
  }

  /** Starts (or, with null, ends) counting attempts from 0 and telling of each. For tests. */
  observe(observer: ((zone: UmaZone, item: number) => void) | null): void {
    this.observer = observer
    this.attempts = 0
    this.watched = observer !== null || this.countdown !== 0
  }

  /** The n-th sf_buf request from now fails (only a machine without direct map could do that by itself). */
  sfFailAt(n: number): void {
    this.sfCountdown = n
  }

  /** All zones as vmstat -z lists them: in order of creation. */
  zones(): ZoneRow[] {
    const rows: ZoneRow[] = this.list.map((zone) => ({
      name: zone.name,
      size: zone.size,
      limit: zone.limit,
      used: zone.used,
      free: zone.cached + (zone.master === null ? zone.keg.free : 0),
      requests: zone.requests,
      fail: zone.fails,
      sleep: zone.sleeps,
    }))
    for (const zone of this.counted) {
      rows.push({
        name: zone.name,
        size: zone.size,
        limit: zone.n[3],
        used: zone.used,
        free: 0,
        requests: zone.n[0],
        fail: zone.n[2],
        sleep: 0,
      })
    }
    return rows
  }
}

export function createUma(k: Kernel): Uma {
  return new Uma(k)
}

/**
 * Sets a zone's limit and, with it, its bucket size: so small that the buckets of all CPUs fit in the limit.
 * @returns the limit in force (never below two smallest buckets per CPU).
 * uma_core.c uma_zone_set_max (read).
 */
export function uma_zone_set_max(k: Kernel, zone: UmaZone, nitems: number): number {
  let c = 0
  while (c < BUCKET_ENTRIES.length && BUCKET_ENTRIES[c] * 2 * k.cpu.count <= nitems) c++
  if (c === 0) nitems = BUCKET_ENTRIES[0] * 2 * k.cpu.count
  else c--
  zone.n[COUNT] = BUCKET_ENTRIES[c]!
  zone.n[MAX] = nitems
  return nitems
}

/** {@link umaSleep}: not for a limit but for a free page. */
export const UMA_SLEEP_VMWAIT = -1
/**
 * What the caller of the allocation that just gave 0 has to sleep for: the number of a zone at its limit, {@link UMA_SLEEP_VMWAIT}, or 0 (it simply failed).
 * Only with M_WAITOK. The sleeper is a record (kern/uma_sleep.ts); woken, it asks again with M_WOKEN.
 */
export let umaSleep = 0

/**
 * Takes an item.
 * @param how M_NOWAIT or M_WAITOK. With M_WAITOK and the zone at its limit the caller has to sleep on the zone and ask again: 0 is returned, the sleep
 * counted, {@link umaSleep} says for what, and `uma.wakeup` is called when an item comes free.
 * @returns the item, or 0. uma_core.c uma_zalloc_arg (read).
 */
export function uma_zalloc(k: Kernel, zone: UmaZone, how: number): number {
  if (k.uma.watched) return zallocWatched(k, zone, how)
  return zalloc(k, zone, how)
}

function zallocWatched(k: Kernel, zone: UmaZone, how: number): number {
  const uma = k.uma
  uma.attempts++
  umaSleep = 0
  let item = 0
  if (uma.countdown !== 0 && --uma.countdown === 0) {
    zone.n[FAILS]++
    uma.watched = uma.observer !== null
  } else {
    // What one request asks of other zones on its way (the packet zone's cluster) is part of it.
    uma.watched = false
    item = zalloc(k, zone, how)
    uma.watched = uma.observer !== null || uma.countdown !== 0
  }
  uma.observer?.(zone, item)
  return item
}

function zalloc(k: Kernel, zone: UmaZone, how: number): number {
  if (k.cost.on) k.cost.charge(CAUSE.allocation, k.cost.p.umaAlloc)
  const current = k.cpu.current
  const c = current <= 0 ? 0 : current << 1
  const buckets = zone.bucket
  const b = zone.cache[c]
  const n = buckets.cnt[b] - 1
  if (n >= 0) {
    buckets.cnt[b] = n
    zone.stat[c]++
    return buckets.item[b * BUCKET_MAX + n]
  }
  return zallocSlow(k, zone, how, c)
}

function zallocSlow(k: Kernel, zone: UmaZone, how: number, c: number): number {
  const { bucket: buckets, cache, n } = zone
  umaSleep = 0
  // The free bucket becomes the alloc bucket when it holds something.
  if (buckets.cnt[cache[c + 1]] > 0) {
    const b = cache[c + 1]
    cache[c + 1] = cache[c]!
    cache[c] = b
    return popBucket(zone, c)
  }
  if (cache[c] !== 0) {
    buckets.free(cache[c])
    cache[c] = 0
  }
  if (k.cost.on) k.cost.charge(CAUSE.allocation, k.cost.p.umaSlow)
  const full = n[FULL_HEAD]
  if (full !== 0) {
    n[FULL_HEAD] = buckets.next[full]!
    n[BKT_ITEMS] = n[BKT_ITEMS] - buckets.cnt[full]
    cache[c] = full
    return popBucket(zone, c)
  }
  const lim = (zone.master ?? zone).n
  let want = n[COUNT]
  if (lim[MAX] > 0) {
    if (lim[ITEMS] >= lim[MAX]) return allocItem(k, zone, how)
    want = Math.min(want, lim[MAX] - lim[ITEMS])
  }
  const b = buckets.alloc()
  buckets.cnt[b] = 0
  buckets.next[b] = 0
  let got = 0
  // The first item may be waited for, more are taken only while they come at once.
  while (got < want) {
    const item = zone.keg.take(k, M_NOWAIT)
    if (item === 0) break
    if (zone.init !== null && !zone.init(item, M_NOWAIT)) {
      zone.keg.give(item)
      break
    }
    buckets.item[b * BUCKET_MAX + got++] = item
  }
  if (got > 0) {
    buckets.cnt[b] = got
    lim[ITEMS] = lim[ITEMS] + got
    cache[c] = b
    return popBucket(zone, c)
  }
  buckets.free(b)
  return allocItem(k, zone, how)
}

function popBucket(zone: UmaZone, c: number): number {
  const b = zone.cache[c]
  const n = zone.bucket.cnt[b] - 1
  zone.bucket.cnt[b] = n
  zone.stat[c] = zone.stat[c] + 1
  return zone.bucket.item[b * BUCKET_MAX + n]
}

/** One item past the buckets; the place where a limit is felt. uma_core.c zone_alloc_item_locked (read). */
function allocItem(k: Kernel, zone: UmaZone, how: number): number {
  const limited = zone.master ?? zone
  const lim = limited.n
  if (lim[MAX] > 0 && lim[ITEMS] >= lim[MAX]) {
    logWarning(k, limited)
    k.uma.maxAction?.(k, limited)
    if (lim[ITEMS] >= lim[MAX]) {
      if ((how & M_NOWAIT) !== 0) zone.n[FAILS]++
      else {
        // A sleeper that was woken in vain goes on sleeping: one sleep, not two.
        if ((how & M_WOKEN) === 0) zone.n[SLEEPS]++
        lim[SLEEPERS]++
        umaSleep = limited.id
      }
      return 0
    }
  }
  const item = zone.keg.take(k, how)
  if (item === 0) {
    if ((how & M_NOWAIT) !== 0) zone.n[FAILS]++
    else umaSleep = UMA_SLEEP_VMWAIT
    return 0
  }
  if (zone.init === null || zone.init(item, how)) {
    lim[ITEMS] = lim[ITEMS] + 1
    zone.n[ALLOCS]++
    // More than one may have become free while the sleeper was on its way.
    if (lim[SLEEPERS] > 0) wakeOne(k, limited)
    return item
  }
  zone.keg.give(item)
  if (umaSleep === 0) zone.n[FAILS]++
  return 0
}

function logWarning(k: Kernel, zone: UmaZone): void {
  if (k.uma.warnings === 0 || zone.warning === '') return
  const now = k.now()
  if (now - zone.n[WARNED_AT] < WARNING_INTERVAL_NS) return
  zone.n[WARNED_AT] = now
  k.printf(`[zone: ${zone.name}] ${zone.warning}`)
}

/** Gives an item back. uma_core.c uma_zfree_arg (read). */
export function uma_zfree(k: Kernel, zone: UmaZone, item: number): void {
  if (k.cost.on) k.cost.charge(CAUSE.allocation, k.cost.p.umaFree)
  const current = k.cpu.current
  const c = current <= 0 ? 0 : current << 1
  const buckets = zone.bucket
  const b = zone.cache[c]
  const n = buckets.cnt[b]
  if (b !== 0 && n < zone.n[COUNT] && (zone.master ?? zone).n[SLEEPERS] === 0) {
    buckets.item[b * BUCKET_MAX + n] = item
    buckets.cnt[b] = n + 1
    zone.stat[c + 1]++
    return
  }
  zfreeSlow(k, zone, item, c)
}

function zfreeSlow(k: Kernel, zone: UmaZone, item: number, c: number): void {
  const { bucket: buckets, cache, n } = zone
  // Somebody sleeps for an item: it goes straight back, so that the limit has room.
  if ((zone.master ?? zone).n[SLEEPERS] > 0) {
    n[FREES]++
    releaseItem(k, zone, item)
    return
  }
  let b = cache[c + 1]
  if (b === 0 || buckets.cnt[b] >= n[COUNT]) {
    if (k.cost.on) k.cost.charge(CAUSE.allocation, k.cost.p.umaSlow)
    if (b !== 0) {
      buckets.next[b] = n[FULL_HEAD]!
      n[FULL_HEAD] = b
      n[BKT_ITEMS] = n[BKT_ITEMS] + buckets.cnt[b]
    }
    b = buckets.alloc()
    buckets.cnt[b] = 0
    buckets.next[b] = 0
    cache[c + 1] = b
  }
  buckets.item[b * BUCKET_MAX + buckets.cnt[b]] = item
  buckets.cnt[b]++
  zone.stat[c + 1]++
}

/** An item goes from the zone back to its keg. */
function releaseItem(k: Kernel, zone: UmaZone, item: number): void {
  if (zone.fini !== null) zone.fini(item)
  zone.keg.give(item)
  const limited = zone.master ?? zone
  limited.n[ITEMS]--
  wakeOne(k, limited)
}

function wakeOne(k: Kernel, zone: UmaZone): void {
  if (zone.n[SLEEPERS] > 0 && zone.n[ITEMS] < zone.n[MAX]) k.uma.wakeup?.(k, zone)
}

/** A thread that slept for an item of the zone runs again; it asks anew, with M_WOKEN. */
export function uma_zone_awake(zone: UmaZone): void {
  KASSERT(zone.n[SLEEPERS] > 0, 'a thread that was woken for a zone had slept there')
  zone.n[SLEEPERS]--
}

/** True while somebody sleeps for an item of the zone. uma_core.c uma_zone_exhausted_nolock (read). */
export function uma_zone_exhausted(zone: UmaZone): boolean {
  return zone.n[SLEEPERS] > 0
}

/** Gives all full buckets back to the keg; the CPUs keep theirs. uma_core.c zone_drain, bucket_cache_drain (read). */
export function zone_drain(k: Kernel, zone: UmaZone): void {
  const { bucket: buckets, n } = zone
  while (n[FULL_HEAD] !== 0) {
    const b = n[FULL_HEAD]
    n[FULL_HEAD] = buckets.next[b]!
    n[BKT_ITEMS] = n[BKT_ITEMS] - buckets.cnt[b]
    drainBucket(k, zone, b)
  }
}

/** Drains every zone (the kernel then gives empty slabs back as well: not modelled). uma_core.c uma_reclaim (derived). */
export function uma_reclaim(k: Kernel): void {
  for (const zone of k.uma.list) zone_drain(k, zone)
}

/** Gives everything cached back, the CPUs' buckets included. uma_core.c cache_drain_safe (derived). */
export function zone_drain_all(k: Kernel, zone: UmaZone): void {
  zone_drain(k, zone)
  for (let i = 0; i < zone.cache.length; i++) {
    const b = zone.cache[i]
    zone.cache[i] = 0
    if (b !== 0) drainBucket(k, zone, b)
  }
}

function drainBucket(k: Kernel, zone: UmaZone, b: number): void {
  const cnt = zone.bucket.cnt[b]
  for (let i = 0; i < cnt; i++) releaseItem(k, zone, zone.bucket.item[b * BUCKET_MAX + i])
  zone.bucket.cnt[b] = 0
  zone.bucket.free(b)
}

/**
 * What a host's memory is used for, as counts that return to their base line when nothing is in flight (DESIGN 4, rule 5). For leak checks: take
 * one before, one after, compare.
 */
import type { Kernel } from '../kernel'

/** Items in use. */
export interface MemoryUse {
  /** Mbufs of both zones. */
  mbufs: number
  /** Clusters of 2 KiB, without those in cached packets. */
  clusters: number
  jumboPage: number
  jumbo9k: number
  jumbo16k: number
  /** Page arrays (mbuf_extpgs). */
  extPgs: number
  /** Distinct pages with a wire count. */
  wiredPages: number
  /** Sum of all wire counts. */
  wirings: number
  /** Busy pages. */
  busyPages: number
  /** Pages of RAM with a vm_page (anonymous or inserted). */
  ramPages: number
  /** External counters (EXT_EXTREF). */
  extRefs: number
}

/** Counts now. Walks all pages: not for every event. */
export function memoryUse(k: Kernel): MemoryUse {
  const { uma, page } = k
  let wirings = 0
  let busyPages = 0
  for (let m = 1; m < page.high; m++) {
    wirings += page.wire_count[m]
    // Shared form without sharers = not busy; rows never used are 0.
    if ((page.busy_lock[m] & ~0x5) !== 0) busyPages++
  }
  return {
    mbufs: uma.zone_mbuf.used + uma.zone_pack.used,
    clusters: uma.zone_clust.used - uma.zone_pack.cached,
    jumboPage: uma.zone_jumbop.used,
    jumbo9k: uma.zone_jumbo9.used,
    jumbo16k: uma.zone_jumbo16.used,
    extPgs: uma.zone_extpgs.used,
    wiredPages: page.vm.wired,
    wirings,
    busyPages,
    ramPages: page.live - k.phys.diskPageOfFrame.length,
    extRefs: k.extref.live,
  }
}

/** What is more (or less) than at the base line: name → difference. Empty = nothing leaked. */
export function memoryLeaks(base: MemoryUse, now: MemoryUse): { [name: string]: number } {
  const out: { [name: string]: number } = {}
  for (const name of Object.keys(base) as (keyof MemoryUse)[]) {
    if (now[name] !== base[name]) out[name] = now[name] - base[name]
  }
  return out
}

/** Leak check against a base line. */
export function leakCheck(k: Kernel, base: MemoryUse): { [name: string]: number } {
  return memoryLeaks(base, memoryUse(k))
}

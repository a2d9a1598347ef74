/**
 * Snapshots of branches, a cache for undo, step back and forks from the past: throwing any of them away costs time and nothing else.
 */
import type { BranchSnapshot, Executed, PlannedCommand } from './branch'
import { snapshotBytes } from './model'

interface Kept {
  snapshot: BranchSnapshot
  bytes: number
  /** Grows with every use and every addition: what was not asked for longest goes first. */
  used: number
}

/** True if `executed` is how `plan` begins. */
export function isPrefix(executed: readonly Executed[], plan: readonly PlannedCommand[]): boolean {
  return (
    executed.length <= plan.length &&
    executed.every((command, i) => {
      const other = plan[i]
      return (
        command.t === other.t &&
        command.text === other.text &&
        (command.interrupt ?? false) === (other.interrupt ?? false)
      )
    })
  )
}

export class SnapshotCache {
  private kept: Kept[] = []
  private clock = 0
  private bytes = 0

  /** @param budget bytes that all snapshots together may take; the first one (boot) is always kept. */
  constructor(private readonly budget: number) {}

  get size(): number {
    return this.kept.length
  }
  get totalBytes(): number {
    return this.bytes
  }

  add(snapshot: BranchSnapshot): void {
    const same = this.kept.find(
      (entry) =>
        entry.snapshot.eventCount === snapshot.eventCount &&
        entry.snapshot.t === snapshot.t &&
        entry.snapshot.executed.length === snapshot.executed.length &&
        isPrefix(entry.snapshot.executed, snapshot.executed),
    )
    if (same !== undefined) {
      same.used = ++this.clock
      return
    }
    const bytes = snapshotBytes(snapshot.state)
    this.kept.push({ snapshot, bytes, used: ++this.clock })
    this.bytes += bytes
    while (this.bytes > this.budget && this.kept.length > 2) {
      // Not the first (boot) and not the newest.
      let oldest = 1
      for (let i = 2; i < this.kept.length - 1; i++) if (this.kept[i].used < this.kept[oldest].used) oldest = i
      this.bytes -= this.kept[oldest].bytes
      this.kept.splice(oldest, 1)
    }
  }

  /**
   * The latest snapshot from which `plan` can be executed up to virtual time `until` (and event `untilEvent`): nothing was executed in it that
   * the plan does not begin with, and nothing of the plan lies before it.
   */
  best(plan: readonly PlannedCommand[], until: number, untilEvent = Infinity): BranchSnapshot | null {
    let best: Kept | null = null
    for (const entry of this.kept) {
      const { snapshot } = entry
      if (snapshot.t > until || snapshot.eventCount > untilEvent || !isPrefix(snapshot.executed, plan)) continue
      const next = plan[snapshot.executed.length]
      if (next !== undefined && next.t < snapshot.t) continue
      if (best === null || snapshot.eventCount > best.snapshot.eventCount || snapshot.t > best.snapshot.t) best = entry
    }
    if (best === null) return null
    best.used = ++this.clock
    return best.snapshot
  }
}

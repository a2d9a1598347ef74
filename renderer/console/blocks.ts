/** Which blocks a run's console shows, in which order, and what stands at their right edge. Pure. */
import type { BranchInfo, BranchLetter } from '../../preload/contract'
import { formatInstant } from '../charts/format'
import type { ConsoleBlock } from '../stores/console'

/**
 * Blocks of a run: those of its ancestors up to the instant of each fork, then its own. A fork remembers what was done before it.
 */
export function blocksOf(
  letter: BranchLetter,
  branches: readonly Pick<BranchInfo, 'letter' | 'parent'>[],
  own: (letter: BranchLetter) => readonly ConsoleBlock[],
): ConsoleBlock[] {
  const branch = branches.find((b) => b.letter === letter)
  const mine = own(letter)
  const parent = branch?.parent ?? null
  if (parent === null || parent.letter === letter) return [...mine]
  const before = blocksOf(parent.letter, branches, own).filter((b) => b.t <= parent.t && b.tEnd <= parent.t)
  return [...before, ...mine]
}

/** Text at the right edge: run (where several are mixed), virtual time, how long it took, exit status. */
export function blockMeta(
  block: ConsoleBlock,
  shownIn: BranchLetter,
  undone = false,
): { text: string; failed: boolean } {
  const on = block.branch === shownIn ? '' : `on ${block.branch}, `
  const took = block.tEnd > block.t ? `, took ${formatInstant(block.tEnd - block.t)}` : ''
  const status = block.status === null ? '' : `, exit ${block.status}`
  const origin = undone ? ', undone' : block.recalled ? ', from the file' : ''
  return {
    text: `${on}t = ${formatInstant(block.t)}${took}${status}${origin}`,
    failed: block.status !== null && block.status !== 0,
  }
}

/** Edit distance of two short words, at most `most`. */
export function distance(a: string, b: string, most = 3): number {
  if (Math.abs(a.length - b.length) > most) return most + 1
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1))
    row = next
  }
  return row[b.length]
}

/** Names close to a mistyped one, the closest first. */
export function nearNames(name: string, known: readonly string[]): string[] {
  return known
    .map((k) => ({ k, d: k.startsWith(name) || name.startsWith(k) ? 1 : distance(name, k) }))
    .filter(({ d }) => d <= Math.max(1, Math.min(3, Math.floor(name.length / 2))))
    .sort((x, y) => x.d - y.d || (x.k < y.k ? -1 : 1))
    .slice(0, 3)
    .map(({ k }) => k)
}

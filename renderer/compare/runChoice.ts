/** Which runs are compared: the base first, then the others. */
import type { BranchLetter } from '../../preload/contract'

/**
 * The base is the run that the shown one is held against; X swaps the two. Runs that were added stay behind them.
 * @param all letters that exist
 */
export function comparedRuns(
  all: readonly BranchLetter[],
  shown: BranchLetter,
  other: BranchLetter | null,
  baseline: BranchLetter | null,
  added: readonly BranchLetter[],
): BranchLetter[] {
  if (all.length < 2) return [...all]
  const base = other !== null && all.includes(other) ? other : (baseline ?? all[0])
  const second = shown !== base && all.includes(shown) ? shown : all.find((l) => l !== base)
  const rest = added.filter((l) => all.includes(l) && l !== base && l !== second)
  return [base, ...(second === undefined ? [] : [second]), ...rest]
}

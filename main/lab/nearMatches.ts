/** Near matches of a misspelt name, for "did you mean" sentences. */

/** Number of insertions, deletions, replacements and swaps of neighbours that turn `a` into `b` (restricted Damerau–Levenshtein). */
export function editDistance(a: string, b: string): number {
  const width = b.length + 1
  const table = new Int32Array((a.length + 1) * width)
  for (let i = 0; i <= a.length; i++) table[i * width] = i
  for (let j = 0; j <= b.length; j++) table[j] = j
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      let best = Math.min(
        table[(i - 1) * width + j] + 1,
        table[i * width + j - 1] + 1,
        table[(i - 1) * width + j - 1] + same,
      )
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, table[(i - 2) * width + j - 2] + 1)
      table[i * width + j] = best
    }
  }
  return table[a.length * width + b.length]
}

/** Up to `count` of `names` that resemble `name`, the nearest first. */
export function nearMatches(name: string, names: Iterable<string>, count = 3): string[] {
  const wanted = name.toLowerCase()
  const found: { name: string; distance: number }[] = []
  for (const candidate of names) {
    const lower = candidate.toLowerCase()
    // The last part of a dotted name counts alone too: people forget where a knob lives in the tree.
    const last = lower.slice(lower.lastIndexOf('.') + 1)
    const wantedLast = wanted.slice(wanted.lastIndexOf('.') + 1)
    let distance = editDistance(wanted, lower)
    if (last !== lower || wantedLast !== wanted) distance = Math.min(distance, editDistance(wantedLast, last) + 1)
    if (lower.includes(wanted) || (wantedLast.length > 3 && last.includes(wantedLast))) distance = Math.min(distance, 2)
    if (distance <= Math.max(2, Math.floor(wanted.length / 3))) found.push({ name: candidate, distance })
  }
  found.sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
  return found.slice(0, count).map((entry) => entry.name)
}

/** A remedy sentence: near matches if there are any, else what is given. */
export function didYouMean(name: string, names: Iterable<string>, otherwise: string): string {
  const near = nearMatches(name, names)
  if (near.length === 0) return otherwise
  const last = near.pop()!
  return near.length === 0 ? `Did you mean ${last}?` : `Did you mean ${near.join(', ')} or ${last}?`
}

/** Finding and ranking: every word of the query must occur; hits at word beginnings of the title come first. Pure. */
import type { PaletteItem } from './items'

export interface Hit {
  item: PaletteItem
  /** Title in parts; `hit` parts are underlined. */
  parts: { text: string; hit: boolean }[]
}

function words(query: string): string[] {
  return query
    .toLowerCase()
    .split(/\s+/)
    .filter((w) => w !== '')
}

/** Higher is better; null if a word of the query does not occur anywhere. */
export function score(item: PaletteItem, query: string): number | null {
  const title = item.title.toLowerCase()
  const rest = `${item.note} ${item.words}`.toLowerCase()
  let total = 0
  for (const word of words(query)) {
    const at = title.indexOf(word)
    if (at === 0) total += 5
    else if (at > 0 && /[\s._-]/.test(title[at - 1] ?? '')) total += 4
    else if (at > 0) total += 2
    else if (rest.includes(word)) total += 1
    else return null
  }
  // Of two that fit equally the shorter one says it more exactly; what cannot be done stands behind.
  return total - title.length / 200 - (item.reason === undefined ? 0 : 0.5)
}

/** The title cut at the words of the query. */
export function titleParts(title: string, query: string): Hit['parts'] {
  const marks = Array.from({ length: title.length }, () => false)
  const lower = title.toLowerCase()
  for (const word of words(query)) {
    const at = lower.indexOf(word)
    if (at >= 0) marks.fill(true, at, at + word.length)
  }
  const parts: Hit['parts'] = []
  for (let i = 0; i < title.length; i++) {
    const last = parts[parts.length - 1]
    if (last !== undefined && last.hit === marks[i]) last.text += title[i]
    else parts.push({ text: title[i] ?? '', hit: marks[i] ?? false })
  }
  return parts
}

/** Hits of a query; each group keeps its place in the list, the best of it first, at most `most` a group. */
export function find(items: readonly PaletteItem[], query: string, most = 8): Hit[] {
  const groups = [...new Set(items.map((i) => i.group))]
  return groups.flatMap((group) => {
    const hits = items
      .filter((i) => i.group === group)
      .map((item, order) => ({ item, order, rank: score(item, query) }))
      .filter((h): h is typeof h & { rank: number } => h.rank !== null)
    if (query.trim() !== '') hits.sort((a, b) => b.rank - a.rank || a.order - b.order)
    return hits
      .slice(0, query.trim() === '' ? Math.max(most, 10) : most)
      .map(({ item }) => ({ item, parts: titleParts(item.title, query) }))
  })
}

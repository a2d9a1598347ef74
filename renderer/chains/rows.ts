/** The rows of a chain as a tree: mbufs, and below an opened one its pages. */
import type { ChainRow } from '../../preload/contract'

export interface TreeRow {
  key: string
  level: 1 | 2
  /** Row of the chain. */
  index: number
  /** First byte it shows, from the start of the chain, and how many. */
  off: number
  len: number
  open: boolean | null
  name: string
  flags: string
  storage: string
  refs: string
}

/** `EXT_PGS, 19 pages`, `internal`, `shadow of m7`. */
export function storageWords(row: ChainRow): string {
  if (row.storage === '') return 'internal'
  const pages = row.storage === 'EXT_PGS' ? `, ${row.pages.length} ${row.pages.length === 1 ? 'page' : 'pages'}` : ''
  return `${row.storage}${pages}${row.of === null ? '' : `, of ${row.of}`}`
}

/** Rows in the order of the tree; page rows of the mbufs that are open. */
export function treeRows(rows: readonly ChainRow[], open: ReadonlySet<string>): TreeRow[] {
  return rows.flatMap((row, index) => {
    const canOpen = row.storage === 'EXT_PGS' && row.pages.length > 0
    const isOpen = canOpen && open.has(row.name)
    const own: TreeRow = {
      key: row.name,
      level: 1,
      index,
      off: row.off,
      len: row.len,
      open: canOpen ? isOpen : null,
      name: row.name,
      flags: row.flags.join('|') || '0',
      storage: storageWords(row),
      refs: row.storage === '' ? '' : String(row.refs),
    }
    if (!isOpen) return [own]
    return [
      own,
      ...row.pages.map(({ index: page, off, len, adjacent }, i): TreeRow => ({
        key: `${row.name} ${page}`,
        level: 2,
        index,
        off,
        len,
        open: null,
        name: `page ${page}`,
        flags: '',
        storage: adjacent ? 'follows in memory' : i === 0 ? '' : 'elsewhere in memory',
        refs: '',
      })),
    ]
  })
}

/** The row that holds a byte: the deepest one. */
export function rowAt(rows: readonly TreeRow[], byte: number): TreeRow | undefined {
  const holding = rows.filter(({ off, len }) => byte >= off && byte < off + len)
  return holding.at(-1) ?? rows.at(-1)
}

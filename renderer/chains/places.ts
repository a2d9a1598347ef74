/** Words for where chains are, and the groups of the list. */
import type { BranchLetter, ChainEntry, ChainState } from '../../preload/contract'

export const placeWords: { readonly [P in ChainEntry['place']]: { group: string; one: string } } = {
  snd: { group: 'Send buffers', one: 'send buffer' },
  card: { group: 'On the card', one: 'until the card reports completion' },
  wait: { group: 'Waiting for the ring', one: 'without descriptors yet' },
  rcv: { group: 'Received, so_rcv', one: 'receive buffer' },
}
const order = ['snd', 'card', 'wait', 'rcv'] as const

export interface ListedChain {
  name: string
  /** Without what all of its group share. */
  label: string
  /** Mbufs in each run, in the order of the letters; 0 = empty or not there. */
  mbufs: number[]
  /** For the tooltip. */
  hint: string
}
export interface ChainGroup {
  place: ChainEntry['place']
  word: string
  chains: ListedChain[]
}

/** `192.0.2.9.49152` of `192.0.2.1.80-192.0.2.9.49152.snd`; queues as they are. */
export function shortName(name: string): string {
  return /-(.+)\.(?:snd|rcv)$/.exec(name)?.[1] ?? name
}

/** The chains of one or two runs in groups; a chain that either run has is listed once. */
export function groupsOf(
  letters: readonly BranchLetter[],
  state: (letter: BranchLetter) => ChainState | undefined,
  filter: string,
): ChainGroup[] {
  const entries = new Map<string, (ChainEntry | undefined)[]>()
  letters.forEach((letter, i) => {
    for (const entry of state(letter)?.list ?? []) {
      const row = entries.get(entry.name) ?? letters.map(() => undefined)
      row[i] = entry
      entries.set(entry.name, row)
    }
  })
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean)
  const fits = (entry: ChainEntry): boolean => {
    const text = `${entry.name} ${placeWords[entry.place].group} ${entry.unmapped > 0 ? 'm_nomap' : ''} ${entry.notReady > 0 ? 'm_notready' : ''} ${entry.bytes}`
    return words.every((word) => text.toLowerCase().includes(word))
  }
  return order
    .map((place) => ({
      place,
      word: placeWords[place].group,
      chains: [...entries.entries()]
        .filter(([, row]) => row.some((entry) => entry?.place === place && fits(entry)))
        .map(([name, row]) => ({
          name,
          label: shortName(name),
          mbufs: row.map((entry) => entry?.mbufs ?? 0),
          hint: row
            .map((entry, i) =>
              entry === undefined
                ? `${letters[i]}: nothing`
                : `${letters[i]}: ${entry.mbufs} mbufs, ${entry.unmapped} unmapped, ${entry.bytes} bytes`,
            )
            .join('; '),
        })),
    }))
    .filter(({ chains }) => chains.length > 0)
}

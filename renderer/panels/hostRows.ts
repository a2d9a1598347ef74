/** Which rows of the host panel stand in view, which are behind "n more", and what a filter finds. Pure. */
import type { CapabilityState, InterfaceState, KnobState } from '../../preload/contract'

/** Capabilities in the order in which a reader of the send path meets them. */
export const firstCapabilities = [
  'txcsum',
  'txcsum6',
  'tso4',
  'tso6',
  'lro',
  'vlanhwtag',
  'vlanhwtso',
  'nomap',
  'toe',
] as const
/** Knobs that the picture of the send path names. */
export const firstKnobs = [
  'kern.ipc.mb_use_ext_pgs',
  'kern.ipc.maxsockbuf',
  'net.inet.tcp.sendspace',
  'net.inet.tcp.sendbuf_max',
  'net.inet.tcp.tso',
  'dev.t6nex.0.toe.tx_zcopy',
] as const

export interface Split<T> {
  shown: T[]
  more: T[]
}

export function capabilityChanged(c: CapabilityState): boolean {
  return c.on !== c.defaultOn
}
export function knobChanged(k: KnobState): boolean {
  return k.value !== k.defaultValue
}

/**
 * Capabilities by keyword: some keywords stand for two bits (`toe`: TCP over IPv4 and over IPv6), which ifconfig turns together.
 * Such a pair is on if both are, and fixed if one is.
 */
export function byKeyword(all: readonly CapabilityState[]): CapabilityState[] {
  const merged = new Map<string, CapabilityState>()
  for (const c of all) {
    const known = merged.get(c.keyword)
    if (known === undefined) merged.set(c.keyword, c)
    else
      merged.set(c.keyword, {
        ...known,
        printed: `${known.printed}, ${c.printed}`,
        bit: known.bit + c.bit,
        on: known.on && c.on,
        defaultOn: known.defaultOn && c.defaultOn,
        fixed: known.fixed ?? c.fixed,
        description: known.description === c.description ? c.description : `${known.description}; ${c.description}`,
      })
  }
  return [...merged.values()]
}

function contains(text: string, filter: string): boolean {
  return text.toLowerCase().includes(filter.trim().toLowerCase())
}

/** Capabilities of an interface: the known ones first, changed ones always, the rest behind "more". A filter shows all it finds. */
export function splitCapabilities(all: readonly CapabilityState[], filter: string): Split<CapabilityState> {
  if (filter.trim() !== '')
    return { shown: all.filter((c) => contains(c.keyword, filter) || contains(c.description, filter)), more: [] }
  const rank = (c: CapabilityState): number => (firstCapabilities as readonly string[]).indexOf(c.keyword)
  const shown = all.filter((c) => rank(c) >= 0).sort((a, b) => rank(a) - rank(b))
  const others = all.filter((c) => rank(c) < 0)
  return { shown: [...shown, ...others.filter(capabilityChanged)], more: others.filter((c) => !capabilityChanged(c)) }
}

/** The same for knobs; internal nodes of the tree are left out. */
export function splitKnobs(all: readonly KnobState[], filter: string): Split<KnobState> {
  const leaves = all.filter((k) => k.type !== 'node')
  if (filter.trim() !== '')
    return { shown: leaves.filter((k) => contains(k.name, filter) || contains(k.description, filter)), more: [] }
  const rank = (k: KnobState): number => (firstKnobs as readonly string[]).indexOf(k.name)
  const shown = leaves.filter((k) => rank(k) >= 0).sort((a, b) => rank(a) - rank(b))
  const others = leaves.filter((k) => rank(k) < 0)
  return { shown: [...shown, ...others.filter(knobChanged)], more: others.filter((k) => !knobChanged(k)) }
}

/** Speed beside the name if it can be used, else why it cannot. */
export function interfaceNote(i: InterfaceState): string {
  if (!i.up) return 'down'
  return i.reason ?? i.speed
}

/** A number with thousands apart; other text as it is. */
export function groupDigits(value: string): string {
  return /^-?\d{5,}$/.test(value)
    ? value.replace(/\B(?=(\d{3})+$)/g, '\u2009')
    : value.replace(/^(-?\d)(\d{3})$/, '$1\u2009$2')
}

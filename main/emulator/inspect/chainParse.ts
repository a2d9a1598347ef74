/** Reads the chain language (docs/chains.md) and fills in what a line may leave out. */
import { extTypeNames, MBUF_PEXT_MAX_PGS } from '../sys/mbuf'
import { PAGE_SIZE } from '../sys/param'
import {
  extFlagNames,
  extTypeName,
  flagNames,
  formatChains,
  PGS,
  sbFlagNames,
  SFBUF,
  storageSizes,
  typeNames,
  type ChainDrawing,
  type ChainSection,
  type MbufLine,
  type SockbufLine,
  plainMbuf,
} from './chainText'

/** A text that is no drawing of chains: which line, and what was expected there. */
export class ChainTextError extends Error {
  constructor(
    readonly line: number,
    problem: string,
  ) {
    super(`line ${line}: ${problem}`)
    this.name = 'ChainTextError'
  }
}

/** Storage that a text can name. */
const storages = Object.keys(extTypeNames).map((type) => extTypeName(Number(type)))
const types = Object.values(typeNames)
const NAME = /^[A-Za-z]\w*$/
const PAGE = /^(?:p\d+|0x[\da-f]+)$/

const numberKeys = ['len', 'data', 'pkt', 'refs', 'size', 'npgs', 'first', 'last', 'hdr', 'trail', 'nrdy'] as const
type NumberKey = (typeof numberKeys)[number]
const sockbufNumbers = ['sb_acc', 'sb_ccc', 'sb_mbcnt', 'sb_mcnt', 'sb_ccnt', 'sb_ctl', 'sb_sndptroff'] as const

/** The words of one line, taken one by one. */
class Words {
  private at = 0
  private readonly words: string[]
  constructor(
    readonly line: number,
    text: string,
  ) {
    this.words = text.split(/\s+/).filter(Boolean)
  }

  next(): string | undefined {
    return this.words[this.at++]
  }
  peek(): string | undefined {
    return this.words[this.at]
  }
  fail(problem: string): never {
    throw new ChainTextError(this.line, problem)
  }
  /** The word behind `key`. */
  value(key: string, what: string): string {
    return this.next() ?? this.fail(`expected ${what} behind "${key}", found the end of the line`)
  }
  number(key: string): number {
    const word = this.value(key, 'a number')
    if (!/^\d+$/.test(word) || Number(word) > 0x7fffffff)
      this.fail(`expected a number behind "${key}", found "${word}"`)
    return Number(word)
  }
  name(key: string): string {
    const word = this.value(key, 'the name of an mbuf')
    if (!NAME.test(word)) this.fail(`expected the name of an mbuf behind "${key}", found "${word}"`)
    return word
  }
  /** A word of names joined by `|`, in the order of the list. */
  flags(word: string, names: readonly (readonly [number, string])[]): string[] {
    const given = word.split('|')
    for (const name of given) {
      if (!names.some(([, known]) => known === name))
        this.fail(`"${name}" is no flag; expected some of ${names.map(([, known]) => known).join(', ')}`)
    }
    return names.map(([, name]) => name).filter((name) => given.includes(name))
  }
}

/** What a line said; the rest is filled in when all lines are known. */
interface Given {
  m: MbufLine
  numbers: Map<NumberKey, number>
  flags: string[] | null
  section: ChainSection
}

function pagesOf(words: Words, key: string): string[] {
  const text = words.value(key, 'pages')
  return text.split(',').flatMap((part) => {
    const [from, to, ...rest] = part.split('-')
    if (!PAGE.test(from) || rest.length > 0 || (to !== undefined && !PAGE.test(to)))
      words.fail(`expected pages as p0-p3,p7 (of the disk) or 0x1b3f7 (frames) behind "${key}", found "${part}"`)
    if (to === undefined) return [from]
    const disk = from.startsWith('p')
    const number = (page: string): number => (page.startsWith('p') ? Number(page.slice(1)) : Number(page))
    const count = number(to) - number(from) + 1
    if (disk !== to.startsWith('p') || count < 2 || count > MBUF_PEXT_MAX_PGS)
      words.fail(`"${part}" is no range of 2 to ${MBUF_PEXT_MAX_PGS} pages in rising order`)
    return Array.from({ length: count }, (_, i) =>
      disk ? `p${number(from) + i}` : `0x${(number(from) + i).toString(16)}`,
    )
  })
}

function parseMbuf(words: Words, section: ChainSection): Given {
  const name = words.next()!
  if (!NAME.test(name))
    words.fail(
      `expected chain, sockbuf, elsewhere or the name of an mbuf (a letter, then letters and digits), found "${name}"`,
    )
  const m: MbufLine = { ...plainMbuf(name), line: words.line }
  const given: Given = { m, numbers: new Map(), flags: null, section }
  const seen = new Set<string>()
  for (let word = words.next(); word !== undefined; word = words.next()) {
    if (word === '-') continue
    const kind = /^(MT_|M_|EXT_)/.exec(word)?.[1] ?? word
    if (seen.has(kind)) words.fail(`${name} has "${kind}" twice`)
    seen.add(kind)
    if (kind === 'MT_') {
      if (!types.includes(word)) words.fail(`"${word}" is no type; expected one of ${types.join(', ')}`)
      m.type = word
    } else if (kind === 'M_') given.flags = words.flags(word, flagNames)
    else if (kind === 'EXT_') {
      if (!storages.includes(word)) words.fail(`"${word}" is no storage; expected one of ${storages.join(', ')}`)
      m.storage = word
    } else if (word === 'of') m.of = words.name(word)
    else if (word === 'holds') m.holds = words.name(word)
    else if (word === 'pages' || word === 'page') m.pages = pagesOf(words, word)
    else if (word === 'ext_flags') m.extFlags = words.flags(words.value(word, 'EXT_FLAG_…'), extFlagNames)
    else if (word === 'free') m.free = words.value(word, 'the name of a routine')
    else if ((numberKeys as readonly string[]).includes(word)) given.numbers.set(word as NumberKey, words.number(word))
    else
      words.fail(
        `expected MT_…, M_…|M_…, EXT_…, of, holds, page, pages, ext_flags, free, ${numberKeys.join(', ')}; found "${word}"`,
      )
  }
  return given
}

function parseHeading(words: Words): ChainSection {
  const kind = words.next() as ChainSection['kind']
  const section: ChainSection = {
    line: words.line,
    kind,
    label: '',
    sockbuf: {},
    records: [],
    more: { mbufs: 0, bytes: 0 },
  }
  if (kind !== 'elsewhere' && words.peek() !== undefined && !words.peek()!.startsWith('sb_'))
    section.label = words.next()!
  for (let word = words.next(); word !== undefined; word = words.next()) {
    const s: Partial<SockbufLine> = section.sockbuf
    if (kind !== 'sockbuf') words.fail(`expected the end of the line behind ${kind} ${section.label}, found "${word}"`)
    if ((sockbufNumbers as readonly string[]).includes(word)) s[word as 'sb_acc'] = words.number(word)
    else if (word === 'sb_fnrdy' || word === 'sb_sndptr') s[word] = words.name(word)
    else if (word === 'sb_flags') s.sb_flags = words.flags(words.value(word, 'SB_…'), sbFlagNames)
    else words.fail(`expected ${sockbufNumbers.join(', ')}, sb_fnrdy, sb_sndptr or sb_flags; found "${word}"`)
  }
  return section
}

/**
 * Text to drawing. What a line leaves out is what allocation gives: type MT_DATA, flags of the storage, refs as many as the text shows, all pages waiting
 * if the mbuf is not ready.
 * @throws ChainTextError naming line and expectation.
 */
export function parseChains(text: string): ChainDrawing {
  const sections: ChainSection[] = []
  const all: Given[] = []
  const byName = new Map<string, Given>()
  let record: MbufLine[] | null = null
  text.split('\n').forEach((raw, i) => {
    const words = new Words(i + 1, raw.replace(/#.*/, ''))
    const first = words.peek()
    if (first === undefined) {
      // A comment alone parts nothing.
      if (!raw.includes('#')) record = null
      return
    }
    if (first === 'chain' || first === 'sockbuf' || first === 'elsewhere') {
      sections.push(parseHeading(words))
      record = null
      return
    }
    if (sections.length === 0)
      sections.push({ line: i + 1, kind: 'chain', label: '', sockbuf: {}, records: [], more: { mbufs: 0, bytes: 0 } })
    const section = sections[sections.length - 1]
    const given = parseMbuf(words, section)
    if (byName.has(given.m.name))
      words.fail(`the name ${given.m.name} is taken by line ${byName.get(given.m.name)!.m.line}`)
    byName.set(given.m.name, given)
    all.push(given)
    if (record === null || section.kind === 'elsewhere') {
      if (section.kind !== 'elsewhere' || section.records.length === 0) section.records.push((record = []))
      else record = section.records[0]
    }
    record.push(given.m)
  })
  const labels = new Set<string>()
  for (const section of sections) {
    const key = `${section.kind} ${section.label}`
    if (labels.has(key))
      throw new ChainTextError(section.line, `there is already a heading "${key.trimEnd()}"; give it another label`)
    labels.add(key)
  }
  // Owners first: a shadow takes type of storage, flags and count from its owner.
  for (const given of all) if (given.m.of === null) fillOwner(given, all)
  for (const given of all) if (given.m.of !== null) fillShadow(given, byName)
  for (const { m } of all) if (m.holds !== null) checkHolds(m, byName)
  for (const section of sections) {
    const names = section.records.flat().map((m) => m.name)
    for (const name of [section.sockbuf.sb_fnrdy, section.sockbuf.sb_sndptr])
      if (name !== undefined && !names.includes(name))
        throw new ChainTextError(section.line, `${name} is no mbuf of this socket buffer`)
  }
  return sections
}

function fail(m: MbufLine, problem: string): never {
  throw new ChainTextError(m.line, problem)
}

/** Takes the numbers a line gave; refuses those that its storage does not have. */
function takeNumbers({ m, numbers }: Given, allowed: readonly NumberKey[], what: string): void {
  for (const [key, value] of numbers) {
    if (key === 'npgs') continue
    if (!allowed.includes(key)) fail(m, `"${key}" does not belong to ${what}`)
    if (key === 'pkt') m.pkt = value
    else m[key] = value
  }
}

/** Flags as given, or as allocation makes them. */
function fillFlags(given: Given, storageFlags: readonly string[], what: string): void {
  const { m, flags } = given
  const set = new Set(flags ?? [...storageFlags, ...(given.numbers.has('pkt') ? ['M_PKTHDR'] : [])])
  m.flags = flagNames.map(([, name]) => name).filter((name) => set.has(name))
  for (const flag of ['M_EXT', 'M_NOMAP'])
    if (set.has(flag) !== storageFlags.includes(flag))
      fail(m, `${m.name} has ${what}: expected its flags ${storageFlags.includes(flag) ? 'with' : 'without'} ${flag}`)
  if (set.has('M_PKTHDR') !== given.numbers.has('pkt'))
    fail(
      m,
      set.has('M_PKTHDR') ? 'expected "pkt" and the length of the packet, for M_PKTHDR is set' : '"pkt" wants M_PKTHDR',
    )
}

function fillOwner(given: Given, all: readonly Given[]): void {
  const { m, numbers, section } = given
  const always = ['len', 'data', 'pkt'] as const
  if (m.storage === '') {
    if (section.kind === 'elsewhere')
      fail(m, `${m.name} stands under elsewhere: expected an owner of storage that others share (EXT_…)`)
    if (m.pages.length > 0 || m.holds !== null || m.extFlags.length > 0)
      fail(m, `${m.name} has pages or holds something: expected EXT_PGS or EXT_SFBUF`)
    takeNumbers(given, always, 'internal storage')
    return fillFlags(given, [], 'internal storage')
  }
  const holders = all.filter(({ m: { of, holds } }) => of === m.name || holds === m.name).length
  m.refs = section.kind === 'elsewhere' ? holders : 1 + holders
  m.size = storageSizes[m.storage] ?? PAGE_SIZE
  const known = m.refs
  const both = [...always, 'refs'] as const
  if (m.storage === PGS) {
    const npgs = numbers.get('npgs') ?? m.pages.length
    if (m.pages.length === 0 || m.pages.length !== npgs)
      fail(m, `expected ${npgs === 0 ? 'pages' : `${npgs} pages (npgs)`} behind "pages", found ${m.pages.length}`)
    m.size = npgs * PAGE_SIZE
    takeNumbers(given, [...both, 'size', 'first', 'last', 'hdr', 'trail', 'nrdy'], PGS)
    fillFlags(given, ['M_EXT', 'M_RDONLY', 'M_NOMAP'], PGS)
    if (!numbers.has('nrdy') && m.flags.includes('M_NOTREADY')) m.nrdy = npgs
  } else if (m.storage === SFBUF) {
    if (m.pages.length !== 1) fail(m, `expected one page behind "page" for ${SFBUF}, found ${m.pages.length}`)
    takeNumbers(given, [...both, 'size'], SFBUF)
    fillFlags(given, ['M_EXT', 'M_RDONLY'], SFBUF)
  } else {
    if (m.pages.length > 0 || m.holds !== null || m.extFlags.length > 0)
      fail(m, `${m.storage} has no pages and holds nothing`)
    takeNumbers(given, [...both, 'size'], m.storage)
    fillFlags(given, ['M_EXT'], m.storage)
  }
  if (numbers.has('npgs') && m.storage !== PGS) fail(m, `"npgs" does not belong to ${m.storage}`)
  if (m.refs < known || m.refs === 0)
    fail(
      m,
      m.refs === 0
        ? `nobody refers to ${m.name}: expected at least one reference`
        : `refs ${m.refs}, but the text shows ${known}`,
    )
}

function fillShadow(given: Given, byName: ReadonlyMap<string, Given>): void {
  const { m, numbers } = given
  const name = m.of!
  const owner = byName.get(name)?.m
  if (owner === undefined)
    fail(m, `expected the owner ${name} as a line of its own (under "elsewhere" if it is in no chain)`)
  if (owner.of !== null) fail(m, `${name} is a shadow itself; expected its owner ${owner.of}`)
  if (owner.storage === '') fail(m, `${name} has no external storage to share`)
  if (given.section.kind === 'elsewhere') fail(m, 'expected owners only under "elsewhere"')
  if (m.storage !== '' && m.storage !== owner.storage) fail(m, `${name} has ${owner.storage}, not ${m.storage}`)
  m.storage = owner.storage
  if (m.pages.length > 0 || m.holds !== null || m.extFlags.length > 0)
    fail(m, `pages are the owner's: write them in the line of ${name}`)
  m.refs = owner.refs
  m.size = owner.size
  takeNumbers(given, ['len', 'data', 'pkt', 'refs'], `a shadow; write it in the line of ${name}`)
  if (numbers.has('npgs')) fail(m, `"npgs" does not belong to a shadow; write it in the line of ${name}`)
  if (m.refs !== owner.refs) fail(m, `refs ${m.refs}, but its owner ${name} has ${owner.refs}`)
  fillFlags(
    given,
    owner.flags.filter((flag) => ['M_EXT', 'M_RDONLY', 'M_NOMAP'].includes(flag)),
    `storage of ${name}`,
  )
}

function checkHolds(m: MbufLine, byName: ReadonlyMap<string, Given>): void {
  const name = m.holds!
  const held = byName.get(name)?.m
  if (m.storage !== SFBUF) fail(m, `only ${SFBUF} of a conversion holds an unmapped mbuf`)
  if (held === undefined || held.of !== null || held.storage !== PGS)
    fail(m, `expected behind "holds" the owner of ${PGS} as a line of its own, found ${name}`)
}

/** The text as the printer would write it: columns aligned, everything filled in. */
export function canonicalChains(text: string): string {
  return formatChains(parseChains(text))
}

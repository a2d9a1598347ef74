import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { soakRuns } from '../../../tests/helpers/soak'
import { M_EXT, M_NOMAP, M_NOTREADY, M_PKTHDR, M_RDONLY, MT_DATA } from '../sys/mbuf'
import { ChainBench } from './chainBench'
import { canonicalChains, parseChains } from './chainParse'
import { formatChains, type ChainDrawing, type ChainSection, type MbufLine } from './chainText'

const example = `
sockbuf snd  sb_acc 200  sb_ccc 82020  sb_mbcnt 82944  sb_mcnt 4  sb_ccnt 2  sb_fnrdy m2  sb_flags SB_AUTOSIZE
m1  len 200
m2  M_EXT|M_RDONLY|M_NOMAP|M_NOTREADY  EXT_PGS  len 77724  first 100  pages p0-p18
m3  M_EXT|M_RDONLY|M_BLOCKED  EXT_SFBUF  len 4000 page p19
m4  M_BLOCKED  len 96

chain burst
m5  len 66 data 22 pkt 1514
m6  len 1448 of m7

elsewhere
m7  EXT_PGS pages p30-p31  refs 2  first 5 last 1443
`

describe('the chain language – reading', () => {
  const spoilt = new ChainBench()

  it('a text that leaves out what allocation gives – read and written – aligned, complete, and stable from then on', () => {
    const text = canonicalChains(example)
    expect(text).toBe(
      `
sockbuf snd  sb_acc 200  sb_ccc 82020  sb_mbcnt 82944  sb_mcnt 4  sb_ccnt 2  sb_fnrdy m2  sb_flags SB_AUTOSIZE
m1  MT_DATA  len   200  data  0  -                                  -
m2  MT_DATA  len 77724  data  0  M_EXT|M_RDONLY|M_NOMAP|M_NOTREADY  EXT_PGS    refs 1  npgs 19  pages p0-p18  first 100  nrdy 19
m3  MT_DATA  len  4000  data  0  M_EXT|M_RDONLY|M_BLOCKED           EXT_SFBUF  refs 1  page p19
m4  MT_DATA  len    96  data  0  M_BLOCKED                          -

chain burst
m5  MT_DATA  len    66  data 22  M_PKTHDR                           -                  pkt 1514
m6  MT_DATA  len  1448  data  0  M_EXT|M_RDONLY|M_NOMAP             EXT_PGS    refs 2  of m7

elsewhere
m7  MT_DATA  len     0  data  0  M_EXT|M_RDONLY|M_NOMAP             EXT_PGS    refs 2  npgs 2  pages p30-p31  first 5  last 1443
`.trim(),
    )
    expect(canonicalChains(text)).toBe(text)
  })

  it('the example – built – the tables hold what the text says', () => {
    const bench = new ChainBench()
    const { k } = bench
    const built = bench.read(example)
    const row = built.row('m2')
    expect(k.mb.m_flags[row]).toBe(M_EXT | M_RDONLY | M_NOMAP | M_NOTREADY)
    expect(k.mb.m_type[row]).toBe(MT_DATA)
    const p = k.mb.ext_buf[row]
    expect([k.pgs.npgs[p], k.pgs.nrdy[p], k.pgs.first_pg_off[p]]).toEqual([19, 19, 100])
    expect(k.sb.sb_fnrdy[built.sb()]).toBe(row)
    expect(k.mb.m_flags[built.row('m5')]).toBe(M_PKTHDR)
    expect(k.mb.ph_len[built.row('m5')]).toBe(1514)
    // The burst shares with an owner that somebody else still has.
    expect(k.mb.ext_cnt[built.row('m6')]).toBe(built.row('m7'))
    expect(built.outside).toEqual([built.row('m7')])
    expect(bench.draw({ snd: { sb: built.sb() }, burst: built.head('burst') })).toBe(bench.text(example))
    expect(bench.end({ sb: built.sb() }, built.head('burst'))).toEqual({})
  })

  it.each([
    ['m1 len x', 'line 1: expected a number behind "len", found "x"'],
    ['m1 len', 'line 1: expected a number behind "len", found the end of the line'],
    ['m1 len 5\nm1 len 6', 'line 2: the name m1 is taken by line 1'],
    ['m1 colour red', /^line 1: expected MT_….* found "colour"$/],
    ['m1 M_EXTRA', /^line 1: "M_EXTRA" is no flag; expected some of M_EXT, M_PKTHDR/],
    ['m1 len 5 len 6', 'line 1: m1 has "len" twice'],
    ['7 len 5', /^line 1: expected chain, sockbuf, elsewhere or the name of an mbuf/],
    ['m1 EXT_PAGES', /^line 1: "EXT_PAGES" is no storage; expected one of EXT_CLUSTER/],
    ['m1 EXT_RXRING', /^line 1: expected storage that a text can build: EXT_CLUSTER/],
    ['m1 EXT_SFBUF page p1 free aiotx_free', /^line 1: expected storage that a text can build/],
    ['m1 EXT_PGS pages p1 ext_flags EXT_FLAG_SYNC', /^line 1: expected storage that a text can build/],
    ['m1 EXT_PGS', 'line 1: expected pages behind "pages", found 0'],
    ['m1 EXT_PGS npgs 3 pages p1-p2', 'line 1: expected 3 pages (npgs) behind "pages", found 2'],
    ['m1 EXT_PGS pages p1-0x3', /^line 1: "p1-0x3" is no range of 2 to 19 pages/],
    ['m1 EXT_PGS M_EXT pages p1', 'line 1: m1 has EXT_PGS: expected its flags with M_NOMAP'],
    ['m1 M_PKTHDR', 'line 1: expected "pkt" and the length of the packet, for M_PKTHDR is set'],
    ['m1 first 3', 'line 1: "first" does not belong to internal storage'],
    ['m1 of m2', 'line 1: expected the owner m2 as a line of its own (under "elsewhere" if it is in no chain)'],
    ['m1 EXT_CLUSTER\nm2 of m1\nm3 of m2', 'line 3: m2 is a shadow itself; expected its owner m1'],
    ['m1 EXT_CLUSTER refs 1\nm2 of m1', 'line 1: refs 1, but the text shows 2'],
    ['m1 EXT_CLUSTER refs 3\nm2 of m1 refs 2', 'line 2: refs 2, but its owner m1 has 3'],
    ['elsewhere\nm1 EXT_CLUSTER', 'line 2: nobody refers to m1: expected at least one reference'],
    ['chain a\nm1\nchain a\nm2', 'line 3: there is already a heading "chain a"; give it another label'],
    ['sockbuf s sb_fnrdy m9\nm1', 'line 1: m9 is no mbuf of this socket buffer'],
    ['m1 EXT_JUMBOP size 64', 'line 1: EXT_JUMBOP has 4096 bytes, not 64'],
    ['m1 len 225', 'line 1: data 0 and len 225 reach beyond the 224 bytes of internal storage'],
    ['m1 pkt 169 len 169', 'line 1: data 0 and len 169 reach beyond the 168 bytes of internal storage'],
    ['m1 EXT_PGS pages p1 last 0 len 0', 'line 1: expected the last page holds at least one byte'],
    ['m1 EXT_SFBUF page p99', 'line 1: the disk of this machine has 64 pages, there is no p99'],
    ['sockbuf s sb_ccc 9\nm1 len 5', 'line 1: this chain makes sb_ccc 5, the text says 9'],
    ['sockbuf s\nm1 M_NOTREADY len 5\nm2 len 5', 'line 3: m2 stands behind data that is not ready: expected M_BLOCKED'],
  ])('%j – built – refused with line and expectation', (text, message) => {
    expect(() => spoilt.read(text)).toThrow(message)
  })
})

// ------------------------------------------------------------------------------------------------------------------- print(read(text)) = text

const blank: Omit<MbufLine, 'name'> = {
  line: 0,
  type: 'MT_DATA',
  len: 0,
  data: 0,
  flags: [],
  pkt: null,
  storage: '',
  refs: 1,
  of: null,
  size: 0,
  pages: [],
  first: 0,
  last: 4096,
  hdr: 0,
  trail: 0,
  nrdy: 0,
  holds: null,
  free: '',
  extFlags: [],
}
const sizes: { [storage: string]: number } = {
  EXT_CLUSTER: 2048,
  EXT_PACKET: 2048,
  EXT_JUMBOP: 4096,
  EXT_JUMBO9: 9216,
  EXT_JUMBO16: 16384,
}

/** A random drawing: owners of every kind, shadows of some of them, owners that left or stayed elsewhere, converted pages, outsiders. */
function randomDrawing(next: (below: number) => number): ChainDrawing {
  const chains: MbufLine[][] = Array.from({ length: 1 + next(3) }, () => [])
  const elsewhere: MbufLine[] = []
  const shared: { owner: MbufLine; room: number; holders: number; elsewhere: boolean }[] = []
  let names = 0
  const window = (m: MbufLine, room: number): void => {
    m.data = next(4) === 0 ? next(room + 1) : 0
    m.len = next(room - m.data + 1)
  }
  for (let i = 1 + next(8); i > 0; i--) {
    const m: MbufLine = {
      ...blank,
      name: `m${++names}`,
      type: ['MT_DATA', 'MT_CONTROL', 'MT_OOBDATA'][next(8)] ?? 'MT_DATA',
    }
    const kind = next(8)
    let room = 224
    if (kind < 2) {
      if (next(3) === 0) {
        m.pkt = next(70000)
        room = 168
        m.flags = ['M_PKTHDR', ...(next(2) === 0 ? ['M_VLANTAG'] : [])]
      }
    } else if (kind < 4) {
      m.storage = Object.keys(sizes)[next(5)]
      m.size = room = sizes[m.storage]
      m.flags = ['M_EXT', ...(next(4) === 0 ? ['M_RDONLY'] : [])]
    } else if (kind === 4) {
      m.storage = 'EXT_SFBUF'
      m.size = room = 4096
      m.pages = [`p${next(60)}`]
      m.flags = ['M_EXT', 'M_RDONLY']
      if (next(3) === 0) m.extFlags = ['EXT_FLAG_NOCACHE']
    } else {
      m.storage = 'EXT_PGS'
      const npgs = 1 + next(19)
      const start = next(40)
      m.pages = Array.from({ length: npgs }, (_, n) => `p${next(4) === 0 ? next(60) : start + n}`)
      m.size = npgs * 4096
      m.first = next(2) === 0 ? 0 : next(4096)
      m.last = npgs === 1 ? 1 + next(4096 - m.first) : 1 + next(4096)
      m.hdr = next(2) === 0 ? 0 : next(25)
      m.trail = next(2) === 0 ? 0 : next(65)
      room = m.hdr + m.trail + (npgs === 1 ? m.last : (npgs - 1) * 4096 - m.first + m.last)
      const waits = next(4) === 0
      if (waits) m.nrdy = 1 + next(npgs)
      m.flags = ['M_EXT', 'M_RDONLY', 'M_NOMAP', ...(waits ? ['M_NOTREADY'] : [])]
    }
    window(m, room)
    if (m.storage !== '') {
      const away = next(4) === 0
      shared.push({ owner: m, room, holders: 0, elsewhere: away })
      if (away) continue
    }
    chains[next(chains.length)].push(m)
  }
  const place = (m: MbufLine): void => {
    const chain = chains[next(chains.length)]
    chain.splice(next(chain.length + 1), 0, m)
  }
  for (const one of shared) {
    const { owner, room } = one
    const lines: MbufLine[] = []
    for (let n = one.elsewhere ? 1 + next(2) : next(3); n > 0; n--) {
      const m: MbufLine = { ...blank, name: `m${++names}`, storage: owner.storage, size: owner.size }
      if (owner.storage === 'EXT_PGS' && next(3) === 0) {
        // A page of it, converted.
        Object.assign(m, {
          storage: 'EXT_SFBUF',
          size: 4096,
          pages: [owner.pages[0]],
          holds: owner.name,
          flags: ['M_EXT', 'M_RDONLY'],
        })
        window(m, 4096)
      } else {
        m.of = owner.name
        m.flags = owner.flags.filter((flag) => ['M_EXT', 'M_RDONLY', 'M_NOMAP'].includes(flag))
        window(m, room)
        lines.push(m)
      }
      one.holders++
      place(m)
    }
    owner.refs = one.holders + (one.elsewhere ? 0 : 1) + (next(3) === 0 ? 1 + next(2) : 0)
    for (const m of lines) m.refs = owner.refs
  }
  // Under `elsewhere` owners stand in the order in which the chains first refer to them.
  for (const m of chains.flat()) {
    const refers = m.of ?? m.holds
    const one = shared.find(({ owner, elsewhere: away }) => away && owner.name === refers)
    if (one !== undefined && !elsewhere.includes(one.owner)) elsewhere.push(one.owner)
  }
  const section = (kind: ChainSection['kind'], label: string, records: MbufLine[][]): ChainSection => ({
    line: 0,
    kind,
    label,
    sockbuf: {},
    records,
    more: { mbufs: 0, bytes: 0 },
  })
  // Some chains are one queue of records, the others stand alone.
  const records = chains.filter((chain) => chain.length > 0)
  const sections =
    next(2) === 0 ? [section('chain', '', records)] : records.map((record, i) => section('chain', `c${i}`, [record]))
  return elsewhere.length === 0 ? sections : [...sections, section('elsewhere', '', [elsewhere])]
}

describe('the chain language – round trip', () => {
  it('any drawing – written, read, written – the same text', () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat(1 << 20)), (stream) => {
        const text = formatChains(randomDrawing((below) => (stream.next().value as number) % below))
        expect(canonicalChains(text)).toBe(text)
      }),
      { numRuns: soakRuns(200), seed: 20190629 },
    )
  })

  it('any drawing – built in the tables and drawn from them – the same text; freed – nothing left', () => {
    const bench = new ChainBench()
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat(1 << 20)), (stream) => {
        const text = formatChains(randomDrawing((below) => (stream.next().value as number) % below))
        const built = bench.read(text)
        const heads = Object.fromEntries(
          built.drawing.filter(({ kind }) => kind === 'chain').map(({ label }) => [label, built.head(label)]),
        )
        expect(bench.draw(heads)).toBe(text)
        expect(bench.end(...Object.values(heads))).toEqual({})
      }),
      { numRuns: soakRuns(150), seed: 20190629 },
    )
  })

  it('a comment, another order of words, any spaces – read – mean the same', () => {
    const text = canonicalChains('m1 len 10\nm2 EXT_PGS pages p3-p5 len 9 data 4')
    expect(
      canonicalChains('# two mbufs\nm1   len 10 # plain\n# between\nm2 data 4 pages p3,p4,p5   len 9 EXT_PGS'),
    ).toBe(text)
    expect(parseChains(text)[0].records).toHaveLength(1)
  })

  it('storage that only a running host has – read – written again', () => {
    const text = canonicalChains(
      'm1 EXT_NET_DRV len 9 size 64 free driver\nm2 of m1\nm3 EXT_PGS pages 0x10-0x12 ext_flags EXT_FLAG_SYNC|EXT_FLAG_NOCACHE',
    )
    expect(text).toContain('size 64  free driver')
    expect(text).toContain('pages 0x10-0x12  ext_flags EXT_FLAG_SYNC|EXT_FLAG_NOCACHE')
    expect(canonicalChains(text)).toBe(text)
  })
})

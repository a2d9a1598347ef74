import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bufferEnd, isRetransmission, layoutBand, layoutEntries, layoutFrames, layoutRing, regions } from './burst'
import { dataMbufs, layoutChain, markOf, mbufAt, placeLabel } from './chain'
import { layoutPages, pageAt } from './pages'
import { geometry, rowIds } from './rows'
import { makeScale, rulerTicks } from './scale'
import { roundLength, stableLength } from './stableLength'
import { pictureFor } from './useShownPath'
import { captionsFit } from './useStableLength'
import {
  burstOf,
  idlePath,
  mappedPath,
  mbuf,
  retransmissionPath,
  unmappedPath,
  splitPath,
  immediatePath,
} from '../testing/sendPath'

describe('scale', () => {
  it('any byte of the picture – goes to pixels and back – as the same byte or its neighbour', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4_000_000 }),
        fc.integer({ min: 100, max: 2000 }),
        fc.nat(),
        (length, width, n) => {
          const scale = makeScale(length, width)
          const off = n % length
          const back = scale.byteAt(scale.x(off))
          expect(Math.abs(back - off)).toBeLessThanOrEqual(1)
        },
      ),
    )
  })
  it('offsets outside – are clipped – to the edges', () => {
    const scale = makeScale(1000, 500)
    expect(scale.x(-50)).toBe(0)
    expect(scale.x(2000)).toBe(500)
  })
  it('in the middle of a stream – the left edge – says where it is, the ticks how far from there', () => {
    const texts = rulerTicks(makeScale(192_699, 587), null, 90, 58, 8_103_402).map((t) => t.text)
    expect(texts.slice(0, 2)).toEqual(['8\u2009103\u2009402', '+32\u2009KiB'])
  })
  it('an empty stream – is drawn – at the left edge without a division by zero', () => {
    const scale = makeScale(0, 500)
    expect(scale.x(10)).toBe(0)
    expect(scale.byteAt(200)).toBe(0)
    expect(rulerTicks(scale, null)).toEqual([])
  })
  it('the ruler of 188 KiB on 587 px – has ticks of 32 KiB – but none under the followed byte', () => {
    const scale = makeScale(192_699, 587)
    expect(rulerTicks(scale, null).map((t) => t.text)).toEqual([
      '0',
      '32\u2009KiB',
      '64\u2009KiB',
      '96\u2009KiB',
      '128\u2009KiB',
      '160\u2009KiB',
    ])
    expect(rulerTicks(scale, 361).map((t) => t.text)).toEqual([
      '0',
      '32\u2009KiB',
      '64\u2009KiB',
      '96\u2009KiB',
      '160\u2009KiB',
    ])
  })
})

describe('length', () => {
  it('any number of bytes – gets a round length – that holds it and is at most a third longer', () => {
    fc.assert(
      fc.property(fc.integer({ min: 257, max: 5_000_000 }), (bytes) => {
        const length = roundLength(bytes)
        expect(length >= bytes && length <= bytes * 1.34).toBe(true)
      }),
    )
  })
  it('a buffer that drains a little – keeps – its scale, until less than a quarter is used', () => {
    const full = stableLength(100_000, null)
    expect(stableLength(70_000, full)).toBe(full)
    expect(stableLength(20_000, full)).toBeLessThan(full)
    expect(stableLength(300_000, full)).toBeGreaterThanOrEqual(300_000)
  })
  it('a burst that fills the buffer – makes the picture longer – until its words have room', () => {
    const path = unmappedPath()
    path.burst = burstOf({ off: 0, len: path.length })
    const room = { left: 172, right: 150, both: 360 }
    const length = stableLength(path.length, null, (l) => captionsFit(path, room, 587, l))
    expect(587 - (path.length * 587) / length).toBeGreaterThanOrEqual(360)
    expect(captionsFit(unmappedPath(), room, 587, path.length)).toBe(true)
  })
  it('words that never find room – leave the length – as it is', () => {
    expect(stableLength(100_000, null, () => false)).toBe(roundLength(100_000))
  })
})

describe('rows', () => {
  it('the heights – add up – to those of the look (4.2)', () => {
    expect(rowIds.map((id) => geometry('full').rows[id].height)).toEqual([40, 56, 42, 56, 30, 42, 36, 34])
    expect(rowIds.map((id) => geometry('compact').rows[id].height)).toEqual([28, 30, 28, 28, 22, 26, 28, 24])
    expect(geometry('full').height).toBe(336)
  })
  it('the boxes of every row – stand – inside their row', () => {
    for (const form of ['full', 'compact', 'pair'] as const)
      for (const row of Object.values(geometry(form).rows)) {
        expect(row.markTop).toBeGreaterThanOrEqual(row.top)
        expect(row.markTop + row.markHeight).toBeLessThanOrEqual(row.top + row.height)
      }
  })
})

describe('pages', () => {
  it('frames that are not adjacent – have 1 px between them – and adjacent ones a notch', () => {
    const scale = makeScale(4096 * 3, 300)
    const blocks = layoutPages(
      [
        { off: 0, len: 4096, frame: 10, adjacent: false },
        { off: 4096, len: 4096, frame: 77, adjacent: false },
        { off: 8192, len: 4096, frame: 78, adjacent: true },
      ],
      scale,
    )
    expect(blocks.map((b) => [b.x, b.w, b.notch])).toEqual([
      [0, 99, false],
      [100, 100, false],
      [200, 99, true],
    ])
  })
  it('pages narrower than 3 px – merge only with adjacent frames – and count them', () => {
    const scale = makeScale(4096 * 400, 400)
    const pages = Array.from({ length: 400 }, (_, i) => ({
      off: i * 4096,
      len: 4096,
      frame: i,
      adjacent: i % 10 !== 0,
    }))
    const blocks = layoutPages(pages, scale)
    expect(blocks).toHaveLength(40)
    expect(blocks.every((b) => b.pages === 10 && !b.notch)).toBe(true)
  })
  it('any pages – are laid out – left to right without overlap and with every byte', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ len: fc.integer({ min: 1, max: 4096 }), adjacent: fc.boolean() }), { maxLength: 300 }),
        fc.integer({ min: 200, max: 1400 }),
        (sizes, width) => {
          let off = 0
          const pages = sizes.map((s, i) => ({
            off: (off += s.len) - s.len,
            len: s.len,
            frame: i,
            adjacent: s.adjacent,
          }))
          const blocks = layoutPages(pages, makeScale(off, width))
          expect(blocks.reduce((n, b) => n + b.len, 0)).toBe(off)
          expect(blocks.reduce((n, b) => n + b.pages, 0)).toBe(pages.length)
          for (let i = 1; i < blocks.length; i++)
            expect(blocks[i].x).toBeGreaterThanOrEqual(blocks[i - 1].x + blocks[i - 1].w - 1e-6)
        },
      ),
    )
  })
  it('a byte – is looked up – in the page that holds it', () => {
    expect(pageAt(unmappedPath().pages, 5000)?.off).toBeLessThanOrEqual(5000)
    expect(pageAt(unmappedPath().pages, 10_000_000)).toBeNull()
  })
})

describe('chain', () => {
  const scale = makeScale(192_699, 587)

  it('unmapped – is drawn – as few hollow boxes with page ticks and a label', () => {
    const { boxes, combs } = layoutChain(unmappedPath().socketBuffer, scale)
    expect(combs).toEqual([])
    const wide = boxes.filter((b) => !b.lone)
    expect(wide).toHaveLength(3)
    expect(wide[0]).toMatchObject({ mark: 'hollow', label: { text: 'EXT_PGS 19 pages' } })
    expect(wide[0].ticks.length).toBeGreaterThanOrEqual(18)
  })
  it('mapped – is drawn – as one box a page while they are wide enough', () => {
    const path = mappedPath()
    const { boxes, combs } = layoutChain(path.socketBuffer, scale)
    expect(combs).toEqual([])
    expect(boxes).toHaveLength(path.socketBuffer.length)
  })
  it('mapped on a narrow ribbon – merges – into a comb that says how many', () => {
    const path = mappedPath()
    const { boxes, combs } = layoutChain(path.socketBuffer, makeScale(path.length, 190))
    expect(combs).toHaveLength(1)
    expect(combs[0].count + boxes.length).toBe(path.socketBuffer.length)
    expect(combs[0].label?.text).toBe(`${combs[0].count} mbufs`)
  })
  it('a single narrow mbuf – is drawn out to the left – so that its edge can be counted', () => {
    const { boxes } = layoutChain([mbuf({ off: 0, len: 200, kind: 'mbuf' })], scale)
    expect(boxes[0]).toMatchObject({ lone: true, w: 6, mark: 'solid' })
    expect(boxes[0].x).toBeLessThan(0)
  })
  it('header mbufs – stand – left of the burst and of a narrow first shadow', () => {
    const chain = [
      mbuf({ header: true, len: 66, kind: 'mbuf' }),
      mbuf({ off: 65_000, len: 300, kind: 'extpgs', shadow: true, npgs: 1 }),
      mbuf({ off: 65_300, len: 60_000, kind: 'extpgs', shadow: true, npgs: 15 }),
    ]
    const { boxes } = layoutChain(chain, scale, { anchor: 65_000 })
    const header = boxes.find((b) => b.header)!
    for (const b of boxes) if (!b.header) expect(header.x + header.w).toBeLessThanOrEqual(b.x)
  })
  it('kinds – are marked – solid, hollow or dashed, and headers solid', () => {
    expect(markOf(mbuf({ kind: 'cluster' }))).toBe('solid')
    expect(markOf(mbuf({ kind: 'mbuf' }))).toBe('solid')
    expect(markOf(mbuf({ kind: 'extpgs' }))).toBe('hollow')
    expect(markOf(mbuf({ kind: 'sfbuf' }))).toBe('hollow')
    expect(markOf(mbuf({ kind: 'cluster', shadow: true }))).toBe('dashed')
    expect(markOf(mbuf({ kind: 'mbuf', header: true }))).toBe('solid')
  })
  it('any chain – is laid out – with every mbuf counted once, in a box or a comb', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 80_000 }), { maxLength: 120 }),
        fc.integer({ min: 200, max: 1400 }),
        (lens, width) => {
          let off = 0
          const chain = lens.map((len) =>
            mbuf({ off: (off += len) - len, len, kind: 'extpgs', npgs: Math.ceil(len / 4096) }),
          )
          const { boxes, combs } = layoutChain(chain, makeScale(Math.max(1, off), width))
          expect(boxes.length + combs.reduce((n, c) => n + c.count, 0)).toBe(chain.length)
          for (const b of boxes)
            if (b.label) expect(b.label.x + b.label.text.length * 6.6).toBeLessThanOrEqual(b.x + b.w - 8 + 1e-6)
        },
      ),
    )
  })
  it('outside of the window – mbufs – are left out', () => {
    const { boxes } = layoutChain([mbuf({ off: -500, len: 400 }), mbuf({ off: 500_000, len: 10 })], scale)
    expect(boxes).toEqual([])
  })
  it('a byte – is looked up – in the mbuf that holds it, counted from one', () => {
    const found = mbufAt(unmappedPath().socketBuffer, 100_000)
    expect(found?.number).toBe(3)
    expect(dataMbufs([mbuf({ header: true }), mbuf({})])).toHaveLength(1)
  })
})

describe('label', () => {
  it('a box with 8 px to spare at both ends – takes the longest text that fits', () => {
    expect(placeLabel(['EXT_PGS 9 pages', '9 pages'], 0, 116, [])?.text).toBe('EXT_PGS 9 pages')
    expect(placeLabel(['EXT_PGS 9 pages', '9 pages'], 0, 114, [])?.text).toBe('9 pages')
    expect(placeLabel(['EXT_PGS 9 pages', '9 pages'], 0, 40, [])).toBeNull()
  })
  it('a line through the text – moves it behind the line – or shortens it', () => {
    const behind = placeLabel(['13 pages'], 0, 160, [20])
    expect(behind!.x).toBeGreaterThan(20)
    expect(placeLabel(['13 pages'], 0, 80, [30])).toBeNull()
  })
})

describe('regions', () => {
  const kinds = (p: Parameters<typeof regions>[0]): string[] => regions(p).map((r) => r.kind)

  it('a burst being sent – splits the buffer – into sent, read now, queued', () => {
    expect(kinds(unmappedPath())).toEqual(['sent', 'dma', 'queued'])
  })
  it('the card is done – nothing is read – and the bytes wait for their ACK', () => {
    const path = unmappedPath()
    path.burst!.inFlight = false
    expect(kinds(path)).toEqual(['sent', 'queued'])
  })
  it('a retransmission – lies – left of snd_nxt, between bytes that were sent', () => {
    const path = retransmissionPath()
    expect(isRetransmission(path, path.burst!)).toBe(true)
    expect(kinds(path)).toEqual(['dma', 'sent', 'queued'])
  })
  it('immediate data – is not read from the pages – so there is no such region', () => {
    expect(kinds(immediatePath())).not.toContain('dma')
  })
  it('no connection – has – no regions', () => {
    expect(regions(idlePath())).toEqual([])
    expect(bufferEnd(idlePath())).toBe(0)
  })
  it('any window – is covered once – from snd_una to the end of the buffer', () => {
    fc.assert(
      fc.property(fc.nat(200_000), fc.nat(200_000), fc.nat(200_000), fc.nat(80_000), (a, b, c, len) => {
        const [una, nxt] = [Math.min(a, b), Math.max(a, b)]
        const path = unmappedPath()
        path.una = una
        path.nxt = nxt
        path.burst = burstOf({ off: c, len })
        const end = bufferEnd(path)
        const parts = regions(path)
        const covered = parts.reduce((n, r) => n + r.to - r.from, 0)
        const from = Math.min(end, Math.min(una, len > 0 ? c : una))
        expect(covered).toBeLessThanOrEqual(end)
        for (let i = 1; i < parts.length; i++) expect(parts[i].from).toBeGreaterThanOrEqual(parts[i - 1].to)
        expect(parts.every((r) => r.to > r.from && r.from >= from)).toBe(true)
      }),
    )
  })
})

describe('standing still', () => {
  const later = (t: number) => ({ ...unmappedPath(), t, burst: { ...unmappedPath().burst!, inFlight: false } })
  it('a pause – the latest burst – stays in the picture', () => {
    const burst = unmappedPath()
    expect(pictureFor(later(burst.t + 2e6), burst, true)).toBe(burst)
  })
  it('a step, another connection, an old burst – the picture – is of this instant', () => {
    const burst = unmappedPath()
    const now = later(burst.t + 2e6)
    expect(pictureFor(now, burst, false)).toBe(now)
    expect(pictureFor({ ...now, connection: { id: 77, label: 'x' } }, burst, true).connection?.id).toBe(77)
    const old = later(burst.t + 60e6)
    expect(pictureFor(old, burst, true)).toBe(old)
    const undone = later(burst.t - 1)
    expect(pictureFor(undone, burst, true)).toBe(undone)
    expect(pictureFor(now, undefined, true)).toBe(now)
  })
})

describe('band, entries, ring, frames', () => {
  const scale = makeScale(192_699, 587)

  it('the band – runs from the pages to the wire – with arrowheads about every 52 px', () => {
    const band = layoutBand(unmappedPath().burst!, scale, 32, 276)!
    expect(band.w).toBeCloseTo(198.5, 0)
    const steps = band.arrows.slice(1).map((y, i) => y - band.arrows[i])
    for (const s of steps) expect(s > 40 && s < 66).toBe(true)
    expect(band.arrows[band.arrows.length - 1]).toBeLessThanOrEqual(276)
  })
  it('entries – stand – below their bytes, the header entry at the left', () => {
    const burst = unmappedPath().burst!
    const boxes = layoutEntries(burst, scale)
    expect(boxes[0]).toMatchObject({ header: true })
    expect(boxes[0].x).toBeLessThan(scale.x(burst.off))
    expect(boxes.reduce((n, b) => n + b.count, 0)).toBe(burst.sglist.length)
  })
  it('a ring with 9 used – shows – them between cidx and pidx, 4 of this burst', () => {
    const strip = layoutRing(
      { interface: 'cc0', queue: 3, size: 1023, cidx: 7, pidx: 16, used: 9 },
      burstOf({ descriptors: 4 }),
      0,
    )
    expect(strip.cells.filter((c) => c.state === 'used')).toHaveLength(5)
    expect(strip.cells.filter((c) => c.state === 'burst')).toHaveLength(4)
    expect(strip.pidxX - strip.cidxX).toBe(90)
  })
  it('a full ring – shows – cells that stand for many descriptors, still inside the strip', () => {
    const strip = layoutRing({ interface: 'cc0', queue: 0, size: 1023, cidx: 0, pidx: 1022, used: 1022 }, null, 0)
    expect(strip.perCell).toBeGreaterThan(90)
    expect(strip.pidxX).toBeLessThanOrEqual(strip.width)
  })
  it('45 frames of which 18 are out – are drawn – 18 filled, 27 as outlines, after those sent before', () => {
    const path = unmappedPath()
    const frames = layoutFrames(path, scale)
    expect(frames.pending).toHaveLength(27)
    expect(frames.out).toHaveLength(18 + 45)
  })
  it('frames under 2 px – are drawn – as whole stretches', () => {
    const path = splitPath()
    const frames = layoutFrames(path, makeScale(path.length, 120))
    expect(frames.dense).toBe(true)
    expect(frames.out.length + frames.pending.length).toBeLessThanOrEqual(4)
  })
})

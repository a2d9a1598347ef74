import { describe, expect, it } from 'vitest'
import {
  idlePath,
  immediatePath,
  mappedPath,
  retransmissionPath,
  softwareChecksumPath,
  splitPath,
  unmappedPath,
  writePath,
} from '../testing/sendPath'
import { captionOf, conditions, counted, placeCaptions, releaseText } from './captions'
import { bufferKind, cpuScale, hostCell, mbufsPerMiB, socketCell } from './columns'
import { pictureSummary, rowText, verdictText } from './describe'
import { followedByte, moveByPages, placesOf, stepPlace } from './follow'
import { pairKnobText, pairNumbers, pairVerdict, verdictParts } from './pair'

const texts = (
  path: Parameters<typeof captionOf>[0],
  row: Parameters<typeof captionOf>[1],
  brief = false,
): string[] => {
  const { left, right } = captionOf(path, row, brief)
  return [...left, ...right].map((l) => l.text)
}

describe('captions', () => {
  it('a TSO burst of shadows – is said – in segments, header and shadows, nothing copied', () => {
    expect(texts(unmappedPath(), 'tcp')).toEqual([
      '45 segments of 1\u2009448\u2009B',
      'one TSO burst',
      '1 header mbuf',
      '2 shadows, nothing copied',
    ])
    expect(texts(unmappedPath(), 'tcp', true)).toEqual(['one TSO burst', '1 header + 2 shadows'])
  })
  it('a retransmission – is called one – with the size of its only packet', () => {
    expect(texts(retransmissionPath(), 'tcp').slice(0, 2)).toEqual([
      '1 segment of 1\u2009448\u2009B',
      'retransmission, one packet',
    ])
  })
  it('nomap – passes unmapped – and both conditions hold', () => {
    expect(texts(unmappedPath(), 'ip')).toEqual([
      'checksum by card: yes',
      'takes unmapped: yes',
      'passes unmapped',
      '2 mbufs stay 2',
    ])
  })
  it('mapped – passes too – because nothing in it is unmapped', () => {
    expect(texts(mappedPath(), 'ip').slice(2)).toEqual(['passes', 'nothing unmapped in it'])
  })
  it('-nomap – converts – and the condition that failed stands out', () => {
    expect(texts(splitPath(), 'ip')).toEqual([
      'checksum by card: yes',
      'takes unmapped: no',
      'mb_unmapped_to_ext',
      '2 mbufs become 17',
    ])
    expect(conditions(splitPath().burst!).map((c) => c.tone)).toEqual(['plain', 'conv'])
    expect(texts(splitPath(), 'ip', true)).toEqual(['takes unmapped: no', '2 mbufs become 17'])
  })
  it('-txcsum – converts as well – for the other condition', () => {
    expect(conditions(softwareChecksumPath().burst!).map((c) => [c.text, c.tone])).toEqual([
      ['checksum by card: no', 'conv'],
      ['takes unmapped: yes', 'plain'],
    ])
  })
  it('mapped and -nomap – converts nothing – so no condition stands out', () => {
    const path = mappedPath()
    path.burst!.ip.takesUnmapped = false
    expect(conditions(path.burst!).map((c) => c.tone)).toEqual(['plain', 'plain'])
  })
  it('entries – are counted – as runs and header', () => {
    const n = unmappedPath().burst!.sglist.length
    expect(texts(unmappedPath(), 'card')).toEqual(['address and length only:', `${n - 1} runs + header = ${n}`])
  })
  it('immediate data – is said – to be copied into the ring', () => {
    expect(texts(immediatePath(), 'card')).toEqual(['immediate data:', '180\u2009B copied into the ring'])
  })
  it('the card is done – rows speak in the past – and draw nothing', () => {
    const path = unmappedPath()
    path.burst!.inFlight = false
    expect(texts(path, 'tcp')[0]).toMatch(/^last burst: 45 segments/)
    expect(texts(path, 'ip')).toEqual(['last burst: passes unmapped'])
    expect(texts(path, 'wire')).toEqual([])
  })
  it('pages – stay wired – as long as the mbuf that holds them', () => {
    expect(releaseText(unmappedPath(), 'full')).toBe(
      'the first 19 pages stay wired until their last byte is acknowledged',
    )
    expect(releaseText(mappedPath(), 'full')).toBe('each page stays wired until its last byte is acknowledged')
    expect(releaseText(immediatePath(), 'full')).toBe('')
  })
  it('counts – are written – with their plural', () => {
    expect([counted(1, 'entry', 'entries'), counted(2, 'entry', 'entries'), counted(0, 'mbuf')]).toEqual([
      '1 entry',
      '2 entries',
      '0 mbufs',
    ])
  })
})

describe('placing captions', () => {
  const caption = { left: [{ text: 'x'.repeat(10) }], right: [{ text: 'y'.repeat(10) }] }
  it('room at both sides – each block – stands on its own side', () => {
    const { left, right } = placeCaptions(caption, { from: 200, to: 400 }, 600)
    expect(left?.x).toBe(0)
    expect(right?.x).toBe(410)
  })
  it('a burst at the left edge – both blocks – stand at its right, beside each other', () => {
    const { left, right } = placeCaptions(caption, { from: 0, to: 200 }, 600)
    expect(right?.x).toBe(210)
    expect(left!.x).toBeGreaterThan(right!.x + 59)
  })
  it('a burst at the right edge – both blocks – stand at its left', () => {
    const { left, right } = placeCaptions(caption, { from: 400, to: 600 }, 600)
    expect(left?.x).toBe(0)
    expect(right!.x).toBeGreaterThan(59)
  })
  it('no room anywhere – nothing – is drawn over the marks', () => {
    expect(placeCaptions(caption, { from: 10, to: 595 }, 600)).toEqual({ left: null, right: null })
  })
})

describe('columns', () => {
  it('one – is written – without the plural', () => {
    const path = unmappedPath()
    path.layers.sockbuf.socket = 1
    expect(socketCell(path, 'sockbuf')).toMatchObject({ value: '1', text: 'mbuf' })
    path.layers.card.socket = 1
    expect(socketCell(path, 'card')).toMatchObject({ value: '1', text: 'entry' })
  })
  it('no connection – has – a dash and the reason', () => {
    expect(socketCell(idlePath(), 'tcp')).toMatchObject({ text: '–', title: 'no socket is sending' })
  })
  it('the ring, the tag and the frames – are told – from what is there now', () => {
    const path = unmappedPath()
    expect(hostCell(path, 'card', null)).toMatchObject({ value: '9', text: 'of 1\u2009023 used' })
    expect(socketCell(path, 'vlan')).toMatchObject({ before: 'tag', value: '10' })
    expect(socketCell(path, 'wire')).toMatchObject({ value: '18', text: 'of 45 out' })
    expect(hostCell(path, 'vlan', { name: 'vlan10', nomap: true }).text).toBe('nomap inherited')
  })
  it('an interface that is down – has – no ring', () => {
    const path = idlePath()
    path.ring.size = 0
    expect(hostCell(path, 'card', null)).toMatchObject({ text: '–' })
  })
  it('CPU bars – share – one round scale', () => {
    expect(cpuScale([unmappedPath()])).toBe(0.12)
    expect(cpuScale([idlePath()])).toBe(0.015)
  })
  it('mbufs for each MiB – tell – mapped from unmapped', () => {
    expect(mbufsPerMiB(mappedPath())! / mbufsPerMiB(unmappedPath())!).toBeGreaterThan(10)
    expect(mbufsPerMiB(idlePath())).toBeNull()
    expect([bufferKind(mappedPath()), bufferKind(unmappedPath()), bufferKind(writePath())]).toEqual([
      'mapped',
      'unmapped',
      'clusters',
    ])
  })
})

describe('in words', () => {
  it('the verdict – reads – copied, converted, CPU', () => {
    expect(verdictText(splitPath())).toBe('copied by CPU 0.000\u2009B/B, converted 1.000\u2009B/B, CPU 46.8\u2009%')
  })
  it('the caption of the table – tells – how the bytes travel', () => {
    expect(pictureSummary(unmappedPath())).toContain('unmapped all the way down')
    expect(pictureSummary(splitPath())).toContain('converted in ip_output')
    expect(pictureSummary(immediatePath())).toContain('immediate data')
    expect(pictureSummary(idlePath())).toContain('no socket is sending')
  })
  it('every row of every variant – has – words', () => {
    for (const make of [
      unmappedPath,
      mappedPath,
      splitPath,
      softwareChecksumPath,
      retransmissionPath,
      immediatePath,
      writePath,
      idlePath,
    ])
      for (const row of ['file', 'sockbuf', 'tcp', 'ip', 'vlan', 'card', 'wire', 'ack'] as const) {
        const text = rowText(make(), row)
        expect(text.length, `${make.name} ${row}`).toBeGreaterThan(3)
        expect(text).not.toMatch(/undefined|NaN|:,/)
      }
  })
})

describe('followed byte', () => {
  it('no choice – the picture – follows a byte of the burst', () => {
    const at = followedByte(unmappedPath(), null)!
    expect(at.pinned).toBe(false)
    expect(at.off).toBeGreaterThan(65_160)
    expect(at.off).toBeLessThan(130_320)
  })
  it('a chosen byte – is followed – while it is in the buffer, and not after', () => {
    expect(followedByte(unmappedPath(), 1000)).toEqual({ off: 1000, pinned: true })
    expect(followedByte(unmappedPath(), 5_000_000)?.pinned).toBe(false)
    expect(followedByte(idlePath(), 1000)).toBeNull()
  })
  it('one page on – the byte – stays in the buffer', () => {
    expect(moveByPages(unmappedPath(), 0, -1)).toBe(0)
    expect(moveByPages(unmappedPath(), 1000, 1)).toBe(5096)
    expect(moveByPages(unmappedPath(), 192_000, 5)).toBe(192_698)
  })
  it('a byte of the burst – is – in every layer, in order', () => {
    expect(placesOf(unmappedPath(), 118_784).map((p) => p.row)).toEqual([
      'file',
      'sockbuf',
      'tcp',
      'ip',
      'card',
      'wire',
    ])
  })
  it('a byte that waits – is – on its page and in the buffer only', () => {
    expect(placesOf(unmappedPath(), 190_000).map((p) => p.row)).toEqual(['file', 'sockbuf'])
  })
  it('[ and ] – step – through its places and stop at the ends', () => {
    const places = placesOf(unmappedPath(), 118_784)
    expect(stepPlace(places, null, 1)?.row).toBe('file')
    expect(stepPlace(places, 'file', 1)?.row).toBe('sockbuf')
    expect(stepPlace(places, 'wire', 1)?.row).toBe('wire')
    expect(stepPlace(places, 'file', -1)?.row).toBe('file')
    expect(stepPlace([], 'file', 1)).toBeNull()
  })
})

describe('two runs', () => {
  const knobs = {
    letters: ['A', 'B'] as const,
    extPgs: ['0', '1'] as const,
    nomap: [true, true] as const,
    txcsum: [true, true] as const,
  }
  const said = (row: 'sockbuf' | 'ip', k: Parameters<typeof pairKnobText>[0] = knobs): string =>
    pairKnobText(k, row)
      .map((p) => (p.letter ?? '') + p.text)
      .join('')

  it('knobs – are said – with both values, or once where they agree', () => {
    expect(said('sockbuf')).toBe('ext_pgs: A 0, B 1')
    expect(said('ip')).toBe('nomap on in both')
    expect(said('ip', { ...knobs, txcsum: [true, false] })).toBe('txcsum: A on, B off')
    expect(said('ip', { ...knobs, nomap: [undefined, true] })).toBe('')
  })
  it('numbers of a row – share – one scale', () => {
    const a = unmappedPath()
    const b = splitPath()
    expect(pairNumbers(a, b, 'ip')).toEqual({ unit: 'M/s', values: ['0.00', '1.27'] })
    expect(pairNumbers(a, b, 'file').unit).toBe('wired')
    expect(pairNumbers(a, b, 'vlan').values).toEqual(['', ''])
  })
  it('the verdict of two – says equal things once – and the CPU as a difference in points', () => {
    const parts = pairVerdict(mappedPath(), splitPath())
    expect(parts[0]).toMatchObject({ value: '0.000', unit: 'B/B in both' })
    expect(parts[1]).toMatchObject({ value: '0.000 and 1.000', tone: 'conv' })
    expect(parts[2]).toMatchObject({ name: 'CPU, B − A'.replace('B', 'A'), value: '+2.9\u2009pp' })
    expect(verdictParts(splitPath()).map((p) => p.tone)).toEqual(['plain', 'conv', 'plain'])
  })
})

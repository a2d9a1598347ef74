import { describe, expect, it } from 'vitest'
import { m_length } from '../kern/uipc_mbuf'
import { drawChains } from './chainLive'
import { canonicalChains, parseChains } from './chainParse'
import { formatChains } from './chainText'
import { testMachine } from './testMachine'

describe('drawings of a running machine', () => {
  const machine = testMachine()
  machine.runUntil(3e6)
  const k = machine.kernels[0]
  const buffers: number[] = []
  for (let sb = 1; sb < k.sb.high; sb++) if (k.sb.sb_mb[sb] !== 0) buffers.push(sb)

  it('every socket buffer – drawn – is text of the language and adds up to its counters', () => {
    expect(buffers.length).toBeGreaterThan(0)
    for (const sb of buffers) {
      const text = formatChains(drawChains(k, [{ label: 'snd', heads: [], sb }]))
      expect(canonicalChains(text)).toBe(text)
      const [section] = parseChains(text)
      const lines = section.records.flat()
      expect(lines.reduce((sum, m) => sum + m.len, 0)).toBe(section.sockbuf.sb_ccc)
      expect(lines.reduce((sum, m) => sum + 256 + (m.storage === '' ? 0 : m.size), 0)).toBe(section.sockbuf.sb_mbcnt)
      expect(lines.length).toBe(section.sockbuf.sb_mcnt)
    }
  })

  it('a buffer of unmapped mbufs – drawn by frame – names the pages it sends from', () => {
    const lines = buffers.flatMap((sb) => drawChains(k, [{ label: 'snd', heads: [], sb }])[0].records.flat())
    const unmapped = lines.filter((m) => m.flags.includes('M_NOMAP') && m.of === null)
    expect(unmapped.length).toBeGreaterThan(0)
    for (const m of unmapped) {
      expect(m.storage).toBe('EXT_PGS')
      expect(m.free).toBe('')
      expect(m.size).toBe(m.pages.length * 4096)
      for (const page of m.pages) expect(Number(page)).toBeGreaterThanOrEqual(0x1000000)
    }
  })

  it('a limit of two mbufs – drawn – says what it leaves out', () => {
    const sb = buffers.reduce((a, b) => (k.sb.sb_mcnt[a] >= k.sb.sb_mcnt[b] ? a : b))
    const all = k.sb.sb_mcnt[sb]
    expect(all).toBeGreaterThan(2)
    const drawing = drawChains(k, [{ label: 'snd', heads: [], sb }], { limit: 2 })
    expect(drawing[0].records.flat()).toHaveLength(2)
    const shown = drawing[0].records.flat().reduce((sum, m) => sum + m.len, 0)
    expect(drawing[0].more).toEqual({ mbufs: all - 2, bytes: m_length(k, k.sb.sb_mb[sb]) - shown })
    expect(formatChains(drawing)).toContain(`# ${all - 2} more mbuf`)
  })
})

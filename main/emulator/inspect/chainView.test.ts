import { describe, expect, expectTypeOf, it } from 'vitest'
import type { ChainState } from '../../../preload/contract'
import { m_copydata } from '../kern/uipc_mbuf'
import { chainView, type ChainView } from './chainView'
import { testMachine } from './testMachine'

describe('what the view of chains shows', () => {
  const machine = testMachine()
  machine.runUntil(3e6)
  const k = machine.kernels[0]
  const digest = machine.digest()
  const { list } = chainView(k, { chain: null, byte: 0 })
  const snd = list.find(({ place, unmapped }) => place === 'snd' && unmapped > 0)!

  it('its types – are those of the contract', () => {
    expectTypeOf<ChainView>().toExtend<Omit<ChainState, 'branch'>>()
  })

  it('a send buffer – rows follow each other and add up; an unmapped mbuf shows its pages', () => {
    const { chain } = chainView(k, { chain: snd.name, byte: 0 })
    let off = 0
    for (const row of chain!.rows) {
      expect(row.off).toBe(off)
      off += row.len
      if (row.storage !== 'EXT_PGS') continue
      expect(row.pages[0].off).toBe(row.off)
      expect(row.pages.reduce((sum, { len }) => sum + len, 0)).toBe(row.len)
      row.pages.forEach(({ index }, i) => expect(index).toBe(row.pages[0].index + i))
    }
    expect(off).toBe(snd.bytes)
    expect(chain!.sockbuf).toMatchObject({ sb_ccc: snd.bytes, sb_mcnt: snd.mbufs })
    expect(chain!.text).toMatch(/^sockbuf /)
  })

  it('any byte – its mbuf, page and contents are those that m_copydata reads', () => {
    const so = k.sb
    const sb = Array.from({ length: so.high }, (_, i) => i).find(
      (row) => so.sb_ccc[row] === snd.bytes && so.sb_mbcnt[row] === snd.mbcnt,
    )!
    const flat = new Uint8Array(snd.bytes)
    m_copydata(k, so.sb_mb[sb], 0, snd.bytes, flat, 0)
    for (let byte = 0; byte < snd.bytes; byte += 1361) {
      const { chain, mbuf } = chainView(k, { chain: snd.name, byte })
      const row = chain!.rows[mbuf!.index]
      expect(byte >= row.off && byte < row.off + row.len).toBe(true)
      expect(mbuf!.bytes.bytes[mbuf!.bytes.chosen]).toBe(flat[byte])
      if (row.storage !== 'EXT_PGS') continue
      const page = row.pages.find(({ off, len }) => byte >= off && byte < off + len)!
      expect(mbuf!.array!.pages.findIndex(({ chosen }) => chosen)).toBe(page.index)
      expect(mbuf!.page!.facts.find(({ name }) => name === 'file')!.value).toMatch(/^\/www\/f\d$/)
      expect(mbuf!.page!.facts.find(({ name }) => name === 'wired')!.value).toMatch(/^[1-9]\d* times$/)
    }
  })

  it('holders – as many as the references where every holder is in a chain', () => {
    const { chain } = chainView(k, { chain: snd.name, byte: 0 })
    for (const row of chain!.rows) {
      if (row.storage === '') continue
      const { mbuf } = chainView(k, { chain: snd.name, byte: row.off })
      expect(mbuf!.holders.length).toBeLessThanOrEqual(row.refs)
      expect(mbuf!.holders).toContainEqual({
        name: row.name,
        chain: snd.name,
        how: row.of === null ? 'owner' : 'shadow',
      })
    }
  })

  it('a chain that has gone – only the list; looking – changes nothing', () => {
    const gone = chainView(k, { chain: 'nobody.snd', byte: 5 })
    expect([gone.chain, gone.mbuf]).toEqual([null, null])
    expect(gone.list).toEqual(list)
    expect(machine.digest()).toBe(digest)
  })
})

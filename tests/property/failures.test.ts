/** Fail the k-th allocation, for every k of a mixed scenario: no leak, no panic, and the bytes are right or the caller is told. */
import { describe, expect, it } from 'vitest'
import { leakCheck, memoryUse } from '../../main/emulator/inspect/memoryUse'
import * as kern from '../../main/emulator/kern/kern_mbuf'
import { Sglist, sglist_append_mbuf } from '../../main/emulator/kern/subr_sglist'
import * as uipc from '../../main/emulator/kern/uipc_mbuf'
import * as sockbuf from '../../main/emulator/kern/uipc_sockbuf'
import * as M from '../../main/emulator/sys/mbuf'
import { M_NOWAIT } from '../../main/emulator/sys/param'
import { Dice, propertyKernel, readChain, same, unmappedMbuf } from './buffers'

/**
 * A small server: four requests of headers and file pages go into a send buffer, are sent as packets (half of them through an interface that
 * cannot take unmapped mbufs), freed and dropped. Allocation `fail` does not succeed. Returns the allocations attempted.
 */
function scenario(fail: number): { attempts: number; sent: number } {
  const k = propertyKernel()
  const base = memoryUse(k)
  const dice = new Dice(4711)
  const sb = k.sb.alloc()
  sockbuf.sbreserve(k, sb, 1_000_000)
  k.uma.observe(() => undefined)
  k.uma.failAt(fail)
  let sent = 0
  let expected = new Uint8Array(0)
  for (let request = 0; request < 4; request++) {
    const header = Uint8Array.from({ length: 300 }, () => dice.below(256))
    const chain = uipc.m_uiotombuf(k, new uipc.Uio(header, 0, header.length), M_NOWAIT, 0, 0, 0)
    const body = unmappedMbuf(k, dice)
    // Like sendfile: what cannot be built is not sent, what was built before is freed.
    if (chain === 0 || body.head === 0) {
      kern.m_freem(k, chain)
      kern.m_freem(k, body.head)
      continue
    }
    uipc.m_cat(k, chain, body.head)
    sockbuf.sbappendstream(k, sb, chain, 0)
    expected = new Uint8Array(Buffer.concat([expected, header, body.bytes]))
    expect(same(readChain(k, k.sb.sb_mb[sb]), expected)).toBe(true)
  }
  const sg = new Sglist(100)
  for (let off = 0; off < expected.length; off += 9000) {
    const len = Math.min(9000, expected.length - off)
    const head = kern.m_gethdr(k, M_NOWAIT, M.MT_DATA)
    if (head === 0) continue
    kern.M_ALIGN(k, head, 54)
    k.mb.m_len[head] = 54
    const copy = uipc.m_copym(k, k.sb.sb_mb[sb], off, len, M_NOWAIT)
    k.mb.m_next[head] = copy
    let packet = copy === 0 ? 0 : head
    if (packet === 0) kern.m_freem(k, head)
    else if ((off / 9000) % 2 === 0) packet = kern.mb_unmapped_to_ext(k, packet)
    if (packet === 0) continue
    sg.reset()
    expect(sglist_append_mbuf(k, sg, packet)).toBe(0)
    const wire: Uint8Array[] = []
    for (let i = 0; i < sg.nseg; i++) {
      const out = new Uint8Array(sg.len[i])
      k.phys.copyOut(sg.addr[i], out.length, out, 0)
      wire.push(out)
    }
    expect(same(new Uint8Array(Buffer.concat(wire)).subarray(54), expected.subarray(off, off + len))).toBe(true)
    sent += len
    kern.m_freem(k, packet)
  }
  const { attempts } = k.uma
  k.uma.failAt(0)
  k.uma.observe(null)
  sockbuf.sbrelease(k, sb)
  expect(leakCheck(k, base)).toEqual({})
  return { attempts, sent }
}

describe('the k-th allocation fails', () => {
  it('for every k of a mixed scenario – nothing leaks, what is sent is right, and something is missing exactly then', () => {
    const whole = scenario(0)
    expect(whole.attempts).toBeGreaterThan(50)
    for (let fail = 1; fail <= whole.attempts; fail++) expect(scenario(fail).sent).toBeLessThan(whole.sent)
    expect(scenario(whole.attempts + 1)).toEqual(whole)
  })
})

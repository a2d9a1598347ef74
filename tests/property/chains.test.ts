import { soakRuns } from '../helpers/soak'
/** Random chains under random operations behave like flat byte strings, whatever fails, and leave nothing behind. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { leakCheck, memoryUse } from '../../main/emulator/inspect/memoryUse'
import * as kern from '../../main/emulator/kern/kern_mbuf'
import { Sglist, sglist_append_mbuf, sglist_count_mb_ext_pgs } from '../../main/emulator/kern/subr_sglist'
import * as uipc from '../../main/emulator/kern/uipc_mbuf'
import { in_cksum_skip } from '../../main/emulator/netinet/in_cksum'
import { EFBIG } from '../../main/emulator/sys/errno'
import * as M from '../../main/emulator/sys/mbuf'
import { M_NOWAIT } from '../../main/emulator/sys/param'
import type { MemoryKernel } from '../../main/emulator/testing'
import { type Chain, Dice, hasEmptyUnmapped, isUnmapped, propertyKernel, randomChain, readChain, same } from './buffers'

const concat = (a: Uint8Array, b: Uint8Array): Uint8Array => new Uint8Array(Buffer.concat([a, b]))

/** Chains and their models; operations take one or two of them and put back what became of them. */
class Play {
  readonly chains: Chain[] = []
  constructor(
    readonly k: MemoryKernel,
    readonly dice: Dice,
  ) {}

  take(): Chain {
    return this.chains.splice(this.dice.below(this.chains.length), 1)[0]
  }

  put(head: number, bytes: Uint8Array): void {
    if (head === 0) return
    const actual = readChain(this.k, head)
    if (!same(actual, bytes))
      throw new Error(`chain of ${actual.length} bytes differs from its model of ${bytes.length}`)
    const { mb } = this.k
    if ((mb.m_flags[head] & M.M_PKTHDR) !== 0 && mb.ph_len[head] !== bytes.length)
      throw new Error(`packet length ${mb.ph_len[head]} of ${bytes.length} bytes`)
    this.chains.push({ head, bytes })
  }
}

const operations: { [name: string]: (play: Play, c: Chain) => void } = {
  free: ({ k }, c) => kern.m_freem(k, c.head),

  m_copydata: (play, c) => {
    const off = play.dice.length(c.bytes.length)
    const len = play.dice.length(c.bytes.length - off)
    if (!hasEmptyUnmapped(play.k, c.head)) {
      const out = new Uint8Array(len)
      uipc.m_copydata(play.k, c.head, off, len, out, 0)
      expect(same(out, c.bytes.subarray(off, off + len))).toBe(true)
    }
    play.put(c.head, c.bytes)
  },

  m_mbuftouio: (play, c) => {
    const uio = new uipc.Uio(new Uint8Array(c.bytes.length), 0, c.bytes.length)
    uipc.m_mbuftouio(play.k, uio, c.head, 0)
    expect(uio.resid).toBe(0)
    expect(same(uio.bytes, c.bytes)).toBe(true)
    play.put(c.head, c.bytes)
  },

  m_uiotombuf: (play, c) => {
    const flags = [0, M.M_PKTHDR, M.M_NOMAP][play.dice.below(3)]
    const align = flags === M.M_NOMAP ? 0 : play.dice.below(64)
    const copy = uipc.m_uiotombuf(play.k, new uipc.Uio(c.bytes, 0, c.bytes.length), M_NOWAIT, 0, align, flags)
    play.put(copy, c.bytes)
    play.put(c.head, c.bytes)
  },

  m_copym: (play, c) => {
    const off = play.dice.length(c.bytes.length)
    const len = play.dice.length(c.bytes.length - off)
    const all = off + len === c.bytes.length && play.dice.below(2) === 0
    const copy = uipc.m_copym(play.k, c.head, off, all ? M.M_COPYALL : len, M_NOWAIT)
    play.put(copy, c.bytes.slice(off, off + len))
    play.put(c.head, c.bytes)
  },

  m_adj: (play, c) => {
    const n = play.dice.length(c.bytes.length)
    if (play.dice.below(2) === 0) {
      uipc.m_adj(play.k, c.head, n)
      play.put(c.head, c.bytes.slice(n))
    } else {
      uipc.m_adj(play.k, c.head, -n)
      play.put(c.head, c.bytes.slice(0, c.bytes.length - n))
    }
  },

  m_split: (play, c) => {
    const at = play.dice.length(c.bytes.length)
    const { k } = play
    const tail = uipc.m_split(k, c.head, at, M_NOWAIT)
    const front = readChain(k, c.head)
    // NULL also when nothing lies behind the border, and when memory ran out (then the packet length may be off: errata B11).
    if (tail === 0 && (k.mb.m_flags[c.head] & M.M_PKTHDR) !== 0) k.mb.ph_len[c.head] = front.length
    expect(same(front, tail === 0 ? c.bytes.subarray(0, front.length) : c.bytes.subarray(0, at))).toBe(true)
    expect(tail !== 0 || front.length === c.bytes.length).toBe(true)
    play.put(c.head, front)
    play.put(tail, c.bytes.slice(front.length))
  },

  m_cat: (play, c) => {
    if (play.chains.length === 0) return play.put(c.head, c.bytes)
    const d = play.take()
    const { k } = play
    const both = (k.mb.m_flags[c.head] & k.mb.m_flags[d.head] & M.M_PKTHDR) !== 0
    if (both) uipc.m_catpkt(k, c.head, d.head)
    else {
      uipc.m_demote(k, d.head, true, 0)
      uipc.m_cat(k, c.head, d.head)
      if ((k.mb.m_flags[c.head] & M.M_PKTHDR) !== 0) uipc.m_fixhdr(k, c.head)
    }
    play.put(c.head, concat(c.bytes, d.bytes))
  },

  mb_unmapped_to_ext: (play, c) => {
    const { k } = play
    const empty = hasEmptyUnmapped(k, c.head)
    const pkt = (k.mb.m_flags[c.head] & (M.M_PKTHDR | M.M_NOMAP)) === (M.M_PKTHDR | M.M_NOMAP)
    const head = kern.mb_unmapped_to_ext(k, c.head)
    expect(head !== 0 && empty).toBe(false)
    expect(isUnmapped(k, head)).toBe(false)
    // A header that sits on an unmapped mbuf is lost (errata B8).
    if (pkt && head !== 0) expect(k.mb.m_flags[head] & M.M_PKTHDR).toBe(0)
    play.put(head, c.bytes)
  },

  m_defrag: (play, c) => {
    if (hasEmptyUnmapped(play.k, c.head)) return play.put(c.head, c.bytes)
    const head = uipc.m_defrag(play.k, c.head, M_NOWAIT)
    play.put(head === 0 ? c.head : head, c.bytes)
  },

  m_collapse: (play, c) => {
    const max = 2 + play.dice.below(6)
    const head = uipc.m_collapse(play.k, c.head, M_NOWAIT, max)
    if (head !== 0) {
      let frags = 0
      for (let m = head; m !== 0; m = play.k.mb.m_next[m]) frags += uipc.frags_per_mbuf(play.k, m)
      expect(frags <= max || play.k.mb.m_next[c.head] === 0).toBe(true)
    }
    play.put(c.head, c.bytes)
  },

  m_pullup: (play, c) => {
    const { k } = play
    const len = play.dice.length(Math.min(c.bytes.length, 168))
    // Bytes of unmapped mbufs cannot be pulled up: the kernel would read a wild pointer.
    if (isUnmapped(k, c.head)) return play.put(c.head, c.bytes)
    const head = uipc.m_pullup(k, c.head, len)
    if (head !== 0) expect(k.mb.m_len[head]).toBeGreaterThanOrEqual(len)
    play.put(head, c.bytes)
  },

  M_PREPEND: (play, c) => {
    const { k, dice } = play
    const len = dice.below(100)
    const front = Uint8Array.from({ length: len }, () => dice.below(256))
    const head = uipc.M_PREPEND(k, c.head, len, M_NOWAIT)
    if (head !== 0) k.phys.copyIn(front, 0, len, kern.mtodAddr(k, head))
    play.put(head, concat(front, c.bytes))
  },

  m_append: (play, c) => {
    const more = Uint8Array.from({ length: play.dice.length(3000) }, () => play.dice.below(256))
    uipc.m_append(play.k, c.head, more.length, more)
    const got = uipc.m_length(play.k, c.head) - c.bytes.length
    play.put(c.head, concat(c.bytes, more.subarray(0, got)))
  },

  m_dup: (play, c) => {
    const { k } = play
    if ((k.mb.m_flags[c.head] & M.M_PKTHDR) !== 0 && !isUnmapped(k, c.head)) {
      uipc.m_adj(k, c.head, 0)
      let emptyTail = false
      for (let m = c.head; m !== 0; m = k.mb.m_next[m]) emptyTail = k.mb.m_len[m] === 0
      // An empty mbuf behind the last byte can trip the kernel's own assertion.
      if (!emptyTail) {
        const copy = uipc.m_dup(k, c.head, M_NOWAIT)
        play.put(copy, c.bytes)
        for (let m = copy; m !== 0; m = k.mb.m_next[m]) expect(kern.M_WRITABLE(k, m)).toBe(true)
      }
    }
    play.put(c.head, c.bytes)
  },

  m_unshare: (play, c) => {
    const { k } = play
    if (isUnmapped(k, c.head)) return play.put(c.head, c.bytes)
    play.put(uipc.m_unshare(k, c.head, M_NOWAIT), c.bytes)
  },

  m_fragment: (play, c) => {
    if (hasEmptyUnmapped(play.k, c.head)) return play.put(c.head, c.bytes)
    play.put(uipc.m_fragment(play.k, c.head, M_NOWAIT, 1 + play.dice.below(3000)), c.bytes)
  },

  sglist: (play, c) => {
    const { k } = play
    const sg = new Sglist(1 + play.dice.below(40))
    const error = sglist_append_mbuf(k, sg, c.head)
    if (error === 0) {
      const parts: Uint8Array[] = []
      for (let i = 0; i < sg.nseg; i++) {
        const out = new Uint8Array(sg.len[i])
        k.phys.copyOut(sg.addr[i], out.length, out, 0)
        parts.push(out)
      }
      expect(same(new Uint8Array(Buffer.concat(parts)), c.bytes)).toBe(true)
    } else {
      expect(error).toBe(EFBIG)
      expect(sg.nseg).toBe(0)
    }
    for (let m = c.head; m !== 0; m = k.mb.m_next[m]) {
      if ((k.mb.m_flags[m] & M.M_NOMAP) === 0) continue
      const one = new Sglist(40)
      const next = k.mb.m_next[m]
      k.mb.m_next[m] = 0
      sglist_append_mbuf(k, one, m)
      k.mb.m_next[m] = next
      expect(sglist_count_mb_ext_pgs(k, m)).toBeGreaterThanOrEqual(one.nseg)
    }
    play.put(c.head, c.bytes)
  },

  in_cksum: (play, c) => {
    const { k, dice } = play
    if (!isUnmapped(k, c.head)) {
      const skip = dice.length(c.bytes.length)
      let sum = 0
      c.bytes.subarray(skip).forEach((byte, i) => (sum += i % 2 === 0 ? byte : byte * 256))
      while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 65536)
      expect(in_cksum_skip(k, c.head, c.bytes.length, skip)).toBe(~sum & 0xffff)
    }
    play.put(c.head, c.bytes)
  },
}
const names = Object.keys(operations)

/** One run: chains are made and operated on, some allocations fail; at the end everything is freed. */
function run(seed: number, steps: readonly (readonly [number, number])[]): void {
  const k = propertyKernel()
  const base = memoryUse(k)
  const play = new Play(k, new Dice(seed))
  for (const [op, fail] of steps) {
    k.cpu.current = op & 1
    if (play.chains.length === 0 || (op >>> 1) % 5 === 0) {
      const chain = randomChain(k, play.dice, (op >>> 4) % 2 === 0)
      play.put(chain.head, chain.bytes)
      continue
    }
    // A failure now and then, never in the middle of making a chain.
    k.uma.failAt(fail % 12)
    operations[names[(op >>> 4) % names.length]](play, play.take())
    k.uma.failAt(0)
  }
  for (const { head } of play.chains) kern.m_freem(k, head)
  expect(leakCheck(k, base)).toEqual({})
}

describe('mbuf chains', () => {
  it('random chains – random operations, some allocations failing – equal flat byte strings and leave nothing behind', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.array(fc.tuple(fc.nat(1 << 20), fc.nat(40)), { minLength: 1, maxLength: 40 }),
        (seed, steps) => {
          run(seed, steps)
        },
      ),
      { numRuns: soakRuns(60), seed: 20190629 },
    )
  })
})

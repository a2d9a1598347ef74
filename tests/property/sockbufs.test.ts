import { soakRuns } from '../helpers/soak'
/** Random traffic through a socket buffer equals a queue of bytes, some of them not there yet; every counter adds up after every step. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { leakCheck, memoryUse } from '../../main/emulator/inspect/memoryUse'
import * as kern from '../../main/emulator/kern/kern_mbuf'
import { m_copym } from '../../main/emulator/kern/uipc_mbuf'
import * as sockbuf from '../../main/emulator/kern/uipc_sockbuf'
import * as M from '../../main/emulator/sys/mbuf'
import { EINPROGRESS } from '../../main/emulator/sys/errno'
import { M_NOWAIT } from '../../main/emulator/sys/param'
import { PRUS_NOTREADY, SB_NOCOALESCE } from '../../main/emulator/sys/sockbuf'
import type { MemoryKernel } from '../../main/emulator/testing'
import { Dice, propertyKernel, randomChain, readChain, same } from './buffers'

/** What one append put in: its bytes, and the I/O that is still under way for it. */
interface Request {
  bytes: Uint8Array
  /** First mbuf that is not ready, units to report; 0 = ready. */
  m0: number
  units: number
}

/** Marks a chain as not there yet, as sendfile does; returns its units of I/O. */
function notReady(k: MemoryKernel, head: number): number {
  let units = 0
  for (let m = head; m !== 0; m = k.mb.m_next[m]) {
    k.mb.m_flags[m] |= M.M_NOTREADY
    if (kern.isPgs(k, m)) {
      const p = k.mb.ext_buf[m]
      k.pgs.nrdy[p] = k.pgs.npgs[p]
      units += k.pgs.npgs[p]
    } else units++
  }
  return units
}

/** Empty mbufs cannot be not ready, and the pages of a shared array belong to several requests: such chains are sent ready. */
function mayWait(k: MemoryKernel, head: number): boolean {
  for (let m = head; m !== 0; m = k.mb.m_next[m]) {
    if (k.mb.m_len[m] === 0) return false
    if ((k.mb.m_flags[m] & M.M_EXT) !== 0 && kern.m_extrefcnt(k, m) !== 1) return false
    if (kern.isPgs(k, m) && k.mb.ext_cnt[m] !== m) return false
  }
  return head !== 0
}

/** mb_unmapped_compress panics for a shadow that outlived its owner (errata A3): TCP never appends one. */
function freeOfOrphans(k: MemoryKernel, head: number): boolean {
  for (let m = head; m !== 0; m = k.mb.m_next[m]) if (kern.isPgs(k, m) && k.mb.ext_cnt[m] !== m) return false
  return true
}

function run(seed: number, steps: readonly number[]): void {
  const k = propertyKernel()
  const base = memoryUse(k)
  const dice = new Dice(seed)
  const sb = k.sb.alloc()
  sockbuf.sbreserve(k, sb, 1_000_000)
  if (seed % 5 === 0) k.sb.sb_flags[sb] |= SB_NOCOALESCE
  const queue: Request[] = []
  const flat = (): Uint8Array => new Uint8Array(Buffer.concat(queue.map((request) => request.bytes)))
  const available = (): number => {
    let n = 0
    for (const request of queue) {
      if (request.units > 0) break
      n += request.bytes.length
    }
    return n
  }
  const holds: { head: number; bytes: Uint8Array }[] = []

  const operations: (() => void)[] = [
    () => {
      const chain = randomChain(k, dice, dice.below(2) === 0)
      if (!freeOfOrphans(k, chain.head)) {
        kern.m_freem(k, chain.head)
        return
      }
      if (dice.below(2) === 0 && mayWait(k, chain.head)) {
        const units = notReady(k, chain.head)
        sockbuf.sbappendstream(k, sb, chain.head, PRUS_NOTREADY)
        queue.push({ bytes: chain.bytes, m0: chain.head, units })
      } else {
        sockbuf.sbappendstream(k, sb, chain.head, 0)
        queue.push({ bytes: chain.bytes, m0: 0, units: 0 })
      }
    },
    () => {
      const waiting = queue.filter((request) => request.units > 0)
      if (waiting.length === 0) return
      const request = waiting[dice.below(waiting.length)]
      const first = waiting[0] === request
      const result = sockbuf.sbready(k, sb, request.m0, request.units)
      expect(result).toBe(first ? 0 : EINPROGRESS)
      request.units = 0
    },
    () => {
      // Acknowledged data leaves, in pieces that do not respect mbufs.
      const n = dice.length(available())
      sockbuf.sbdrop(k, sb, n)
      let left = n
      while (left > 0) {
        const [front] = queue
        if (front.bytes.length <= left) {
          left -= front.bytes.length
          queue.shift()
        } else {
          front.bytes = front.bytes.slice(left)
          left = 0
        }
      }
    },
    () => {
      // A segment is sent: shared with the buffer from the send position on.
      const all = available()
      if (all === 0) return
      const off = dice.below(all)
      const len = 1 + dice.below(all - off)
      const m = sockbuf.sbsndptr_noadv(k, sb, off)
      const copy = m_copym(k, m, sockbuf.sndMoff, len, M_NOWAIT)
      holds.push({ head: copy, bytes: flat().slice(off, off + len) })
      if (sockbuf.sndMoff === 0) sockbuf.sbsndptr_adv(k, sb, m, len)
    },
    () => {
      if (holds.length > 0) kern.m_freem(k, holds.splice(dice.below(holds.length), 1)[0].head)
    },
  ]
  for (const step of steps) {
    operations[step % operations.length]()
    // sbcheck ran inside (debug kernel); here the model.
    expect(k.sb.sb_ccc[sb]).toBe(queue.reduce((sum, request) => sum + request.bytes.length, 0))
    expect(k.sb.sb_acc[sb]).toBe(available())
    expect(same(readChain(k, k.sb.sb_mb[sb]), flat())).toBe(true)
    for (const hold of holds) expect(same(readChain(k, hold.head), hold.bytes)).toBe(true)
    const total = k.sb.sb_ccc[sb]
    if (total > 0) {
      const off = dice.below(total)
      const m = sockbuf.sbsndmbuf(k, sb, off)
      const one = new Uint8Array(1)
      k.phys.copyOut(kern.isPgs(k, m) ? 0 : kern.mtodAddr(k, m) + sockbuf.sndMoff, 1, one, 0)
      if (!kern.isPgs(k, m)) expect(one[0]).toBe(flat()[off])
    }
  }
  // The connection is aborted: what still waits for I/O is unlinked and freed by its owner.
  sockbuf.sbrelease(k, sb)
  for (const request of queue) if (request.units > 0) kern.mb_free_notready(k, request.m0, request.units)
  for (const hold of holds) kern.m_freem(k, hold.head)
  expect(leakCheck(k, base)).toEqual({})
  expect(k.sb.settings.ui_sbsize).toBe(0)
}

describe('socket buffers', () => {
  it('a socket buffer – random appends, completions, drops and sends – is a queue of bytes with exact counters', () => {
    fc.assert(
      fc.property(fc.nat(), fc.array(fc.nat(1000), { minLength: 1, maxLength: 50 }), (seed, steps) => {
        run(seed, steps)
      }),
      { numRuns: soakRuns(60), seed: 349530 },
    )
  })
})

import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Kernel } from '../../kernel'
import { if_transmit } from '../../net/if'
import { ENOBUFS } from '../../sys/errno'
import { IDXDIFF, MP_RING_IDLE, MP_RING_STALLED } from './adapter'
import { mappedPacket, mbufsInUse, Rig, tcpHeaders } from './testRig'

const q = 1
let rig: Rig
let k: Kernel
let ifp: number
beforeEach(() => {
  rig = new Rig({ debug: false })
  k = rig.k
  ifp = k.cxgbe.port.ifp[1]!
})
const small = (): number => mappedPacket(k, tcpHeaders(0))
const send = (): number => if_transmit(k, ifp, small())
const outstanding = (): number => IDXDIFF(k.cxgbe.txq.pidx[q], k.cxgbe.txq.cidx[q], k.cxgbe.txq.sidx[q])
/** Bits that ask for a report, per work request in the ring. */
const asks = (descriptor: number): number => k.phys.ram[k.cxgbe.txq.ba[q] + descriptor * 64 + 4]

describe('the descriptor ring (nic-cxgbe 4.10, 9.11)', () => {
  it('a ring of 1024 entries – 1023 indices, at most 1022 descriptors outstanding, then it stalls', () => {
    expect(k.cxgbe.txq.sidx[q]).toBe(1023)
    // Packets of 66 bytes are immediate: two descriptors each, one when a single one is left.
    for (let i = 0; i < 511; i++) expect(send()).toBe(0)
    expect(outstanding()).toBe(1022)
    expect(k.cxgbe.txq.rState[q]).toBe(MP_RING_IDLE)
    expect(send()).toBe(0)
    expect(outstanding()).toBe(1022)
    expect(k.cxgbe.txq.rState[q]).toBe(MP_RING_STALLED)
    expect(k.cxgbe.txq.r_stalls[q]).toBe(1)
  })

  it('nic-cxgbe 3.5.5, the software ring – holds size − 2 packets, then ENOBUFS and the packet is freed', () => {
    for (let i = 0; i < 511; i++) send()
    let waiting = 0
    let error = 0
    while (error === 0 && waiting < 2000) {
      error = send()
      if (error === 0) waiting++
    }
    expect(error).toBe(ENOBUFS)
    expect(waiting).toBe(1023 - 2)
    expect(k.cxgbe.txq.r_drops[q]).toBe(1)
    expect(mbufsInUse(k)).toBe(511 + waiting)
  })

  it('a stalled ring – the card goes on – resumes with coalesced work requests and drains to nothing', () => {
    for (let i = 0; i < 1000; i++) expect(send()).toBe(0)
    const arrived: number[] = []
    rig.machine.link.attach(1, (slot) => {
      arrived.push(rig.machine.wire.slots.hdrLen[slot])
      rig.machine.wire.free(slot)
    })
    rig.run()
    expect(arrived.length).toBe(1000)
    expect(k.cxgbe.txq.r_restarts[q]).toBeGreaterThan(0)
    expect(k.cxgbe.txq.txpkts1_pkts[q]).toBeGreaterThan(100)
    expect(k.cxgbe.txq.txpkt_wrs[q] + k.cxgbe.txq.txpkts1_pkts[q]).toBe(1000)
    expect(k.cxgbe.txq.rState[q]).toBe(MP_RING_IDLE)
    expect(outstanding()).toBe(0)
    expect(mbufsInUse(k)).toBe(0)
    expect(rig.machine.wire.inUse).toBe(0)
  })

  it('nic-cxgbe 3.6.7 – every 32 descriptors a status update is asked for; below a quarter free, a message too, once', () => {
    for (let i = 0; i < 511; i++) send()
    const plain: number[] = []
    const messages: number[] = []
    for (let d = 0; d < 1022; d += 2) {
      if (asks(d) === 0x40) plain.push(d)
      if (asks(d) === 0xc0) messages.push(d)
    }
    expect(plain.slice(0, 3)).toEqual([30, 62, 94])
    expect(messages.length).toBe(1)
    // Free descriptors fall below 1023 / 4 = 255 with the 384th packet (768 descriptors used, 254 left).
    expect(messages[0]).toBe(766)
  })

  it('a link that is down – the packet is freed and ENETDOWN answered', async () => {
    const { ENETDOWN } = await import('../../sys/errno')
    k.ifnet.if_link_state[ifp] = 1
    expect(send()).toBe(ENETDOWN)
    expect(mbufsInUse(k)).toBe(0)
  })

  it('nic-cxgbe 3.5.4 – queue by flow id, the first one reserved or not', () => {
    rig = new Rig({ ncpu: 4 })
    k = rig.k
    ifp = k.cxgbe.port.ifp[1]!
    const first = k.cxgbe.port.firstTxq[1]
    expect(k.cxgbe.port.ntxq[1]).toBe(4)
    const used = (flow: number | null): number => {
      const before = [0, 1, 2, 3].map((i) => k.cxgbe.txq.r_enqueues[first + i])
      const m = small()
      if (flow !== null) {
        k.mb.ph_rsstype[m] = 0x82
        k.mb.ph_flowid[m] = flow
      }
      if_transmit(k, ifp, m)
      return [0, 1, 2, 3].findIndex((i) => k.cxgbe.txq.r_enqueues[first + i] !== before[i])
    }
    expect([used(null), used(0), used(6), used(7)]).toEqual([0, 0, 2, 3])
    k.cxgbe.port.rsrvNoflowq[1] = 1
    expect([used(null), used(0), used(6), used(7)]).toEqual([0, 1, 1, 2])
  })

  it('any pattern of sending and waiting – index arithmetic holds and nothing is lost or freed twice', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ n: fc.nat(300), wait: fc.nat(40_000) }), { maxLength: 15 }), (steps) => {
        const r = new Rig({ debug: false, tunables: { 'hw.cxgbe.qsize_txq': '128' } })
        const kernel = r.k
        const { txq } = kernel.cxgbe
        let arrived = 0
        r.machine.link.attach(1, (slot) => {
          arrived += r.machine.wire.slots.nsegs[slot]
          r.machine.wire.free(slot)
        })
        let accepted = 0
        let t = 0
        for (const step of steps) {
          for (let i = 0; i < step.n; i++)
            if (if_transmit(kernel, kernel.cxgbe.port.ifp[1], mappedPacket(kernel, tcpHeaders(0))) === 0) accepted++
          t += step.wait
          r.run(t)
          const sidx = txq.sidx[q]
          const inRing = IDXDIFF(txq.pidx[q], txq.cidx[q], sidx)
          expect(inRing).toBeLessThanOrEqual(sidx - 1)
          // cidx ≤ card's cidx ≤ announced ≤ pidx, round the ring.
          const hw = IDXDIFF(txq.hwCidx[q], txq.cidx[q], sidx)
          expect(hw).toBeLessThanOrEqual(inRing)
          expect(IDXDIFF(txq.hwPidx[q], txq.cidx[q], sidx)).toBeLessThanOrEqual(inRing)
          expect(txq.dbidx[q]).toBe(txq.hwPidx[q])
        }
        r.run()
        expect(arrived).toBe(accepted)
        expect(mbufsInUse(kernel)).toBe(0)
        expect(txq.pidx[q]).toBe(txq.cidx[q])
      }),
      { numRuns: 25 },
    )
  })
})

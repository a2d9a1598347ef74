import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { BranchInfo } from '../../preload/contract'
import { axisEnd, axisTicks, commandTicks, laneGeometry, layLanes, markFlags, niceStep, timeScale } from './lanes'

const scale = timeScale(14e6, 26, 841)

describe('axis', () => {
  it('a run within the planned length – the axis ends at the planned length', () => {
    expect(axisEnd(14e6, 12.4e6)).toBe(14e6)
  })
  it('a run beyond the planned length – the axis ends at a round number behind it', () => {
    expect(axisEnd(14e6, 15.2e6)).toBeGreaterThanOrEqual(15.2e6)
    expect(axisEnd(14e6, 15.2e6) % 1e6).toBe(0)
  })
  it('any length – steps are 1, 2 or 5 times a power of ten', () => {
    fc.assert(
      fc.property(fc.double({ min: 1, max: 1e12, noNaN: true }), (raw) => {
        const step = niceStep(raw)
        const first = Number(step.toExponential().split('e')[0])
        expect([1, 2, 5]).toContain(Math.round(first * 1e6) / 1e6)
        expect(step).toBeGreaterThanOrEqual(raw * 0.999_99)
      }),
    )
  })
  it('the planned 14 ms – ticks every 2 ms, the unit at the last', () => {
    const ticks = axisTicks(scale, 815)
    expect(ticks.map((t) => t.text)).toEqual(['0', '2', '4', '6', '8', '10', '12', '14\u2009ms'])
    expect(ticks[1].x).toBeCloseTo(142.4, 1)
  })
  it('any instant – its place leads back to it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 14_000_000 }), (t) => {
        expect(Math.abs(scale.t(scale.x(t)) - t)).toBeLessThanOrEqual(1)
      }),
    )
  })
})

describe('labels of commands', () => {
  it('room enough – the whole command stands behind its tick', () => {
    expect(commandTicks([{ t: 1e6, text: 'ifconfig cc0' }], scale, 860)[0]).toMatchObject({
      text: 'ifconfig cc0',
      anchor: 'start',
    })
  })
  it('close to the right end – the label stands before its tick', () => {
    expect(commandTicks([{ t: 13.8e6, text: 'sysctl kern.ipc.mb_use_ext_pgs' }], scale, 860)[0]).toMatchObject({
      anchor: 'end',
    })
  })
  it('too many to tell apart – they become one tick that counts them', () => {
    const ticks = commandTicks(
      [1, 2, 3].map((i) => ({ t: 5e6 + i, text: `c${i}` })),
      scale,
      860,
    )
    expect(ticks).toHaveLength(1)
    expect(ticks[0]).toMatchObject({ count: 3, full: 'c1; c2; c3' })
  })
  it('any commands – no label that stands behind its tick runs over the next tick', () => {
    const command = fc.record({
      t: fc.integer({ min: 0, max: 14_000_000 }),
      text: fc.stringMatching(/^[a-z]{2,9}( [a-z.=_0-9]{1,30}){0,3}$/),
    })
    fc.assert(
      fc.property(fc.array(command, { maxLength: 12 }), (commands) => {
        const ticks = commandTicks(commands, scale, 860)
        ticks.forEach((tick, i) => {
          const next = ticks[i + 1]
          if (tick.anchor === 'start' && next !== undefined)
            expect(tick.x + 6 + tick.text.length * 6.6).toBeLessThanOrEqual(next.x)
          expect(tick.full).not.toBe('')
        })
        expect(ticks.reduce((sum, t) => sum + t.count, 0)).toBe(commands.length)
      }),
    )
  })
})

describe('lanes', () => {
  const a: BranchInfo = { letter: 'A', name: 'A', parent: null, baseline: true, t: 12e6, changed: [], live: true }
  const b: BranchInfo = { ...a, letter: 'B', parent: { letter: 'A', t: 8e6 }, baseline: false }
  it('two runs – 64 px high, lanes at 17 and 37 as in the picture', () => {
    expect(laneGeometry(2)).toMatchObject({ height: 64, y: [17, 37] })
    expect(laneGeometry(8).height).toBeGreaterThan(64)
  })
  it('a fork – its lane leaves the parent by a curve at the instant of the fork', () => {
    const lanes = layLanes([a, b], [], [], scale, 860)
    expect(lanes[1].fork).toMatch(/^M491\.7\d* 17C/)
    expect(lanes[1].from).toBeGreaterThan(lanes[0].from)
  })
  it('commands of the scenario – are not drawn, they were not given', () => {
    const commands = [{ branch: 'A' as const, t: 1, text: 'x', origin: 'scenario' as const, status: 0 }]
    expect(layLanes([a], commands, [], scale, 860)[0].commands).toEqual([])
  })
  it('a flag above a label of the next lane – keeps its text in the tooltip only', () => {
    const below = commandTicks([{ t: 8e6, text: 'sysctl kern.ipc.mb_use_ext_pgs=1' }], scale, 860)
    expect(markFlags([{ t: 8e6, text: 'here' }], scale, 860, below)[0]).toMatchObject({ text: '', full: 'here' })
    expect(markFlags([{ t: 2e6, text: 'here' }], scale, 860, below)[0]).toMatchObject({ text: 'here' })
  })
})

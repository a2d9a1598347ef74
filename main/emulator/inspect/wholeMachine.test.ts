import { describe, expect, it } from 'vitest'
import { drainLoad } from '../apps/apps'
import { memoryUse } from './memoryUse'
import { SendPathReader } from './sendPath'
import { testMachine } from './testMachine'

describe('a whole machine over a bad link', () => {
  it('loss, duplicates, overtaken frames and a short queue – every byte arrives right and nothing is left in use', () => {
    const machine = testMachine({
      connections: 8,
      link: { loss: 0.004, duplicate: 0.002, reorder: 0.002, queueBytes: 200_000 },
      workload: { requestsPerConnection: 2 },
    })
    const base = machine.kernels.map(memoryUse)
    machine.runUntil(30e6)
    expect(drainLoad(machine)).toBe(true)
    const { stat } = machine.kernels[1].apps.client
    expect(stat.bytes_verified).toBeGreaterThan(5e6)
    expect(stat.bytes_corrupt).toBe(0)
    for (const name of ['lost', 'duplicated', 'reordered', 'queueDrops'] as const)
      expect(machine.link.counter(0, name), name).toBeGreaterThan(0)
    expect(machine.kernels.map(memoryUse)).toEqual(base)
    expect(machine.wire.inUse).toBe(0)
  })

  it('snapshots at odd instants – continued – end in the state of the run that never stopped', () => {
    const options = { connections: 6, debug: false, link: { loss: 0.003, reorder: 0.002 } }
    const straight = testMachine(options)
    const end = 16e6
    const snapshots = [1_234_567, 4_000_001, 9_876_543].map((t) => {
      straight.runUntil(t)
      return straight.snapshot()
    })
    straight.runUntil(end)
    const other = testMachine(options)
    const reader = new SendPathReader(other)
    for (const snapshot of snapshots) {
      other.restore(snapshot)
      reader.reset()
      reader.read(null)
      other.runUntil(end)
      expect(other.digest()).toBe(straight.digest())
    }
  })
})

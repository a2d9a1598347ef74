/**
 * DESIGN 4, rules 1, 2 and 4: same input, same state, bit for bit, on any machine and any Node; a snapshot continued equals never having stopped; costs
 * move time and nothing else.
 *
 * digests.json holds the digests of a few runs as one Node computed them; every Node must find the same. A change of what the machine does or of
 * what its state consists of changes them: then look at why, and write them anew with LAB_WRITE_DIGESTS=1 vitest run tests/fidelity/determinism.test.ts.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { counterDeclarations, drainLoad, leakCheck, Machine, memoryUse, readCounters } from '../../main/emulator'
import { loadScenarioFiles, scenarioToConfig } from '../../main/lab/scenario/config'
import { knownKnobs } from '../../main/lab/scenario/known'
import { loadScenario } from '../../main/lab/scenario/load'
import { applyKnobs, type Knobs } from '../../main/lab/scenario/overrides'

const shipped = resolve(import.meta.dirname, '../../scenarios')
const goldenFile = join(import.meta.dirname, 'digests.json')
const known = knownKnobs()

/** first-lab, small enough to be run a hundred times. */
const small: Knobs = {
  'workload.connections': '6',
  'workload.ramp': '200us',
  'workload.start': '10us',
  'files.generate.count': '8',
  'files.generate.size': '48KiB',
  'kern.ipc.mb_use_ext_pgs': '1',
}

async function machineMaker(knobs: Knobs, name = 'first-lab'): Promise<() => Machine> {
  const loaded = loadScenario(name, shipped)
  const scenario = applyKnobs(loaded, { ...small, ...knobs }, known)
  // Every CPU keeps full buckets of clusters: two do, and a copy of the state is a quarter as big.
  for (const host of scenario.hosts) host.cpus = 2
  const files = await loadScenarioFiles(scenario, loaded.folder)
  const config = scenarioToConfig(scenario, files)
  return () => new Machine(config, files.disk)
}

/** The counters of a machine by name. */
function counters(machine: Machine): { [name: string]: number } {
  const row = new Float64Array(counterDeclarations.length)
  readCounters(machine, row)
  return Object.fromEntries(counterDeclarations.map(({ name }, i) => [name, row[i]]))
}

/** Numbers for choosing instants, not of the machine. */
function choices(seed: number): (below: number) => number {
  let x = seed
  return (below) => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0
    return Math.floor((x / 4294967296) * below)
  }
}

const cases: { [name: string]: Knobs } = {
  'unmapped, cost model on': {},
  'converted, with loss': { 'cc0.nomap': 'off', 'link.loss': '0.01' },
  'mapped, functional mode': { 'kern.ipc.mb_use_ext_pgs': '0', 'cost.on': 'off' },
  'think time, loss, another seed': { 'workload.think': '300us', 'link.loss': '0.02', seed: '99' },
}
/** Other scenarios, made as small. */
const otherScenarios: { [name: string]: Knobs } = {
  'vlan-trunk': {},
  'igb-no-nomap': {},
  'lagg-mixed': {},
  'slow-disk': { 'files.disk.rate': '1GB/s', 'files.disk.latency': '100us' },
  ipv6: { 'cc0.nomap': 'off', 'link.loss': '0.01' },
  'i386-sfbufs': { 'kern.ipc.nsfbufs': '24', 'kern.ipc.mb_use_ext_pgs': '0' },
}

describe('the same run', () => {
  it('again, and on whichever Node this is – the digests written down', async () => {
    const found: { [name: string]: { digest: string; events: number; bytesVerified: number } } = {}
    const all: [string, Knobs, string?][] = [
      ...Object.entries(cases),
      ...Object.entries(otherScenarios).map(([name, knobs]): [string, Knobs, string] => [name, knobs, name]),
    ]
    for (const [name, knobs, scenario] of all) {
      const make = await machineMaker(knobs, scenario)
      const [machine, again] = [make(), make()]
      machine.runUntil(6e6)
      // The same time in other steps.
      for (let t = 0; t <= 6e6; t += 123_456) again.runUntil(t)
      again.runUntil(6e6)
      expect(again.digest(), name).toBe(machine.digest())
      const { client_bytes_verified: bytesVerified, client_bytes_corrupt: corrupt } = counters(machine)
      expect(bytesVerified).toBeGreaterThan(300_000)
      expect(corrupt).toBe(0)
      found[name] = { digest: machine.digest(), events: machine.eventCount, bytesVerified }
    }
    expect(new Set(Object.values(found).map(({ digest }) => digest)).size).toBe(all.length)
    if (process.env['LAB_WRITE_DIGESTS'] === '1') writeFileSync(goldenFile, JSON.stringify(found, null, 2) + '\n')
    const golden = JSON.parse(readFileSync(goldenFile, 'utf8')) as typeof found
    expect(
      found,
      'other digests than in tests/fidelity/digests.json: what the machine does or remembers has changed (see the head of this file)',
    ).toEqual(golden)
  })
})

describe('a snapshot under load and loss', () => {
  it('taken between two events at a hundred random places and continued on another machine – the digest of the run that never stopped', async () => {
    const make = await machineMaker({ 'link.loss': '0.01', 'cc0.nomap': 'off' })
    const end = 4e6
    const straight = make()
    straight.runUntil(end)
    const digest = straight.digest()
    expect(counters(straight)['server_retransmitted']).toBeGreaterThan(0)
    const pick = choices(2)
    const places = Array.from({ length: 100 }, () => 1 + pick(straight.eventCount - 1)).sort((a, b) => a - b)
    const walker = make()
    const other = make()
    const wrong: number[] = []
    for (const place of places) {
      if (place > walker.eventCount) walker.runSlice(end, place - walker.eventCount)
      expect(walker.eventCount).toBe(place)
      other.restore(walker.snapshot())
      other.runUntil(end)
      if (other.digest() !== digest) wrong.push(place)
    }
    expect(wrong).toEqual([])
    // Taking them changed nothing either.
    walker.runUntil(end)
    expect(walker.digest()).toBe(digest)
  })
})

describe('the cost model', () => {
  it('on and off where time decides nothing – same bytes to every connection, one conversion per unmapped mbuf sent, the same bytes copied, nothing leaked', async () => {
    // One answer for each connection; then they all think for longer than the test looks.
    const fixed: Knobs = { 'workload.think': '1000s', 'cc0.nomap': 'off', 'files.generate.size': '200KiB' }
    const results = []
    for (const on of ['on', 'off']) {
      const machine = (await machineMaker({ ...fixed, 'cost.on': on }))()
      const base = machine.kernels.map(memoryUse)
      machine.runUntil(1e9)
      const { conn } = machine.kernels[1].apps.client
      const answers = Array.from({ length: conn.live }, (_, i) => ({
        file: conn.file[i + 1],
        length: conn.length[i + 1],
        received: conn.received[i + 1],
        made: conn.made[i + 1],
      }))
      const c = counters(machine)
      expect(c['server_busy_ns'] > 0).toBe(on === 'on')
      expect(c['server_unmapped_sent']).toBeGreaterThan(10)
      expect(c['server_conversions']).toBe(c['server_unmapped_sent'])
      expect(drainLoad(machine)).toBe(true)
      expect(machine.kernels.map((k, i) => leakCheck(k, base[i]))).toEqual([{}, {}])
      results.push({
        answers,
        verified: c['client_bytes_verified'],
        corrupt: c['client_bytes_corrupt'],
        copied: c['server_copied_bytes'],
        sent: c['server_sent_bytes'],
      })
    }
    expect(results[0].answers).toHaveLength(6)
    for (const { made, received, length } of results[0].answers) {
      expect(made).toBe(1)
      expect(received).toBe(length)
    }
    expect(results[0].corrupt).toBe(0)
    expect(results[1]).toEqual(results[0])
  })
})

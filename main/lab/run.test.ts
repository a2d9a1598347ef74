import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Branch, realModel } from '../engine'
import { runOnce, type RunRecord } from './run'
import { loadScenarioFiles, scenarioToConfig } from './scenario/config'
import { knownKnobs } from './scenario/known'
import { loadScenario } from './scenario/load'
import { applyKnobs, type Knobs } from './scenario/overrides'

const shipped = resolve(import.meta.dirname, '../../scenarios')
const known = knownKnobs()
const never = { progress: () => {}, stopped: () => false }

/** A scenario, shortened so that a test takes a second. */
async function run(name: string, knobs: Knobs, seed = 7): Promise<RunRecord> {
  const loaded = loadScenario(name, shipped)
  const scenario = applyKnobs(loaded, knobs, known)
  const files = await loadScenarioFiles(scenario, loaded.folder)
  return (await runOnce({ scenario, knobs, seed, rep: 1, files }, never)).record
}

const short = { warmup: '2ms', duration: '5ms', 'workload.connections': '20', 'files.generate.size': '64KiB' }

describe('a headless run', () => {
  test('nomap on and off with unmapped mbufs – every byte verified, nothing leaked, and one conversion per unmapped mbuf sent only without nomap', async () => {
    const on = await run('first-lab', { ...short, 'kern.ipc.mb_use_ext_pgs': '1', 'cc0.nomap': 'on' })
    const off = await run('first-lab', { ...short, 'kern.ipc.mb_use_ext_pgs': '1', 'cc0.nomap': 'off' })
    for (const { metrics } of [on, off]) {
      expect(metrics['bytes_verified']).toBeGreaterThan(1e6)
      expect(metrics['unmapped_mbufs']).toBeGreaterThan(100)
      expect([metrics['bytes_corrupt'], metrics['leaked_mbufs'], metrics['leaked_wired_pages']]).toEqual([0, 0, 0])
    }
    expect(on.metrics['conversions']).toBe(0)
    expect(off.metrics['conversions']).toBe(off.metrics['unmapped_mbufs'])
    expect(on.metrics['dram_misses_per_page']).toBeNull()
  })

  test('the same run twice – gives the same digest; another seed gives another', async () => {
    const [a, b, c] = [await run('first-lab', short), await run('first-lab', short), await run('first-lab', short, 8)]
    expect(b).toMatchObject({ digest: a.digest, events: a.events, packets: a.packets, metrics: a.metrics })
    expect(c.digest).not.toBe(a.digest)
  })

  test('a lossy link – every byte verified, no page left wired, no mbuf left allocated', async () => {
    const { metrics } = await run('first-lab', { ...short, 'link.loss': '0.01', 'kern.ipc.mb_use_ext_pgs': '1' })
    expect(metrics['retransmissions']).toBeGreaterThan(0)
    expect([metrics['bytes_corrupt'], metrics['leaked_mbufs'], metrics['leaked_wired_pages']]).toEqual([0, 0, 0])
  })

  test('commands on the console while it runs – equal a machine that executes the same log, bit for bit', async () => {
    const { scenario } = loadScenario('first-lab', shipped)
    const files = await loadScenarioFiles(scenario, null)
    const config = scenarioToConfig(scenario, files, { loadByCommand: true })
    const model = realModel(config, files.disk)
    const log: { id: number; t: number; text: string }[] = []
    const live = new Branch(model, scenario.sample, {
      began: ({ id, t, text }) => log.push({ id, t, text }),
      finished: () => {},
      act: () => ({ output: '', status: 0 }),
    })
    const go = (to: number): unknown => live.advance(to, () => false)
    live.execute({ id: 1, text: 'lab load start' })
    go(2_345_678)
    live.execute({ id: 2, text: 'sysctl kern.ipc.mb_use_ext_pgs=1' })
    live.execute({ id: 3, text: 'ifconfig cc0 -nomap; sleep 0.001; ifconfig cc0 nomap' })
    go(4_000_001)
    live.execute({ id: 4, text: 'netstat -m' })
    go(6_000_000)
    const again = new Branch(model, scenario.sample, {
      began: () => {},
      finished: () => {},
      act: () => ({ output: '', status: 0 }),
    })
    again.planned = [...log]
    let looks = 0
    while (!again.advance(6_000_000, () => ++looks % 3 === 0));
    expect(log.map(({ t }) => t)).toEqual([0, 2_345_678, 2_345_678, 4_000_001])
    expect(again.machine.digest()).toBe(live.machine.digest())
    expect(again.built.loading()).toBe(true)
  })
})

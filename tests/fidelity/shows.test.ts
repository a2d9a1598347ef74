/** What issue 2 asks to be shown of first-lab, large-sends and a lossy link (Shows 3 and 5), on shortened runs of the shipped scenarios. */
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runOnce, type RunRecord } from '../../main/lab/run'
import { loadScenarioFiles } from '../../main/lab/scenario/config'
import { knownKnobs } from '../../main/lab/scenario/known'
import { loadScenario } from '../../main/lab/scenario/load'
import { applyKnobs, type Knobs } from '../../main/lab/scenario/overrides'

const shipped = resolve(import.meta.dirname, '../../scenarios')
const known = knownKnobs()
const unmapped = { 'kern.ipc.mb_use_ext_pgs': '1' }
const mapped = { 'kern.ipc.mb_use_ext_pgs': '0' }

async function run(name: string, knobs: Knobs): Promise<RunRecord['metrics']> {
  const loaded = loadScenario(name, shipped)
  const scenario = applyKnobs(loaded, knobs, known)
  const files = await loadScenarioFiles(scenario, loaded.folder)
  const hooks = { progress: () => {}, stopped: () => false }
  const { metrics } = (await runOnce({ scenario, knobs, seed: scenario.seed, rep: 1, files }, hooks)).record
  // Whatever is turned: every byte right, nothing left behind.
  expect(metrics['bytes_verified']).toBeGreaterThan(1e6)
  expect(metrics).toMatchObject({ bytes_corrupt: 0, leaked_mbufs: 0, leaked_wired_pages: 0 })
  return metrics
}
const ratio = (a: RunRecord['metrics'], b: RunRecord['metrics'], name: string): number => a[name]! / b[name]!

describe('first-lab', () => {
  const short = { warmup: '3ms', duration: '5ms', 'workload.connections': '30' }

  it('nomap on, off, and mapped mbufs – conversions 0, one per unmapped mbuf sent, and 0; several times fewer mbufs queued; CPU lowest with nomap on, and the conversion costs', async () => {
    const on = await run('first-lab', { ...short, ...unmapped, 'cc0.nomap': 'on' })
    const off = await run('first-lab', { ...short, ...unmapped, 'cc0.nomap': 'off' })
    const old = await run('first-lab', { ...short, ...mapped, 'cc0.nomap': 'on' })
    // Show 3: the same bytes, to the last one.
    expect([off['bytes_verified'], old['bytes_verified']]).toEqual([on['bytes_verified'], on['bytes_verified']])
    expect(on['unmapped_mbufs']).toBeGreaterThan(200)
    expect(on['conversions']).toBe(0)
    expect(off['conversions']).toBe(off['unmapped_mbufs'])
    expect([old['unmapped_mbufs'], old['conversions']]).toEqual([0, 0])
    expect(ratio(old, on, 'mbufs_per_mib_queued')).toBeGreaterThan(3)
    // Per byte sent, so that a run that sends a little more is not called dearer for it.
    expect(ratio(off, on, 'cycles_per_byte')).toBeGreaterThan(1)
    expect(ratio(old, on, 'cycles_per_byte')).toBeGreaterThan(1)
    expect(off['cpu_cause_conversion']).toBeGreaterThan(0)
    expect(on['cpu_cause_conversion']).toBe(0)
  })

  it('one frame in a hundred lost – all bytes verified, nothing leaked, whether the interface takes unmapped mbufs or not', async () => {
    for (const nomap of ['on', 'off']) {
      const lossy = await run('first-lab', { ...short, ...unmapped, 'cc0.nomap': nomap, 'link.loss': '0.01' })
      expect(lossy['retransmissions']).toBeGreaterThan(10)
      expect(lossy['conversions']).toBe(nomap === 'on' ? 0 : lossy['unmapped_mbufs'])
    }
  })
})

describe('large-sends', () => {
  it('calls of sendfile that find at least 512 KiB of room – at least twelve times fewer mbufs queued with unmapped mbufs', async () => {
    // Smaller files only shorten the drain at the end.
    const short = { warmup: '8ms', duration: '8ms', 'workload.connections': '6', 'files.generate.size': '4MiB' }
    const old = await run('large-sends', { ...short, ...mapped })
    const on = await run('large-sends', { ...short, ...unmapped })
    // One mbuf a page and the head of the answer: performance-anchors 7.4, "1 MB = 256 against 14".
    expect(old['mbufs_per_mib_queued']).toBeGreaterThan(250)
    expect(old['mbufs_per_mib_queued']).toBeLessThan(270)
    expect(ratio(old, on, 'mbufs_per_mib_queued')).toBeGreaterThanOrEqual(12)
  })
})

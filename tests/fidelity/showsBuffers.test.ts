/** What issue 3 asks to be shown of buffers (Shows 1 to 4), on shortened runs of the shipped scenarios. */
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Branch, realModel } from '../../main/engine'
import { runOnce, type RunRecord } from '../../main/lab/run'
import { loadScenarioFiles, scenarioToConfig } from '../../main/lab/scenario/config'
import { knownKnobs } from '../../main/lab/scenario/known'
import { loadScenario } from '../../main/lab/scenario/load'
import { applyKnobs, type Knobs } from '../../main/lab/scenario/overrides'

const shipped = resolve(import.meta.dirname, '../../scenarios')
const known = knownKnobs()

async function run(name: string, knobs: Knobs): Promise<{ [metric: string]: number }> {
  const loaded = loadScenario(name, shipped)
  const scenario = applyKnobs(loaded, knobs, known)
  const files = await loadScenarioFiles(scenario, loaded.folder)
  const hooks = { progress: () => {}, stopped: () => false }
  const record: RunRecord = (await runOnce({ scenario, knobs, seed: scenario.seed, rep: 1, files }, hooks)).record
  // Whatever is turned: every byte right, nothing left behind.
  expect(record.metrics['bytes_verified']).toBeGreaterThan(1e6)
  expect(record.metrics).toMatchObject({ bytes_corrupt: 0, leaked_mbufs: 0, leaked_wired_pages: 0 })
  return Object.fromEntries(Object.entries(record.metrics).map(([key, value]) => [key, value ?? Number.NaN]))
}

/** Runs console commands on the booted server; what they printed. */
async function exec(name: string, commands: string[]): Promise<string> {
  const loaded = loadScenario(name, shipped)
  const files = await loadScenarioFiles(loaded.scenario, loaded.folder)
  const config = scenarioToConfig(loaded.scenario, files, { loadByCommand: true })
  let output = ''
  const branch = new Branch(realModel(config, files.disk), loaded.scenario.sample, {
    began: () => {},
    printed: (text) => (output += text),
    finished: () => {},
    act: () => ({ output: '', status: 0 }),
  })
  commands.forEach((text, i) => branch.execute({ id: i + 1, text }))
  return output
}

describe('show 1: vlan-trunk', () => {
  it('-nomap and nomap on the trunk – vlan10 loses and regains NOMAP; what it had off itself stays off', async () => {
    const show = 'ifconfig vlan10 | grep -c NOMAP'
    const output = await exec('vlan-trunk', [
      show,
      'ifconfig cc0 -nomap',
      show,
      'ifconfig cc0 nomap',
      show,
      'ifconfig vlan10 -nomap',
      'ifconfig cc0 -nomap',
      'ifconfig cc0 nomap',
      show,
    ])
    expect(output.trim().split('\n')).toEqual(['1', '0', '1', '0'])
  })

  it('under load – conversions exactly while the trunk is without', async () => {
    const short = { warmup: '3ms', duration: '4ms', 'workload.connections': '12' }
    const on = await run('vlan-trunk', short)
    const off = await run('vlan-trunk', { ...short, 'cc0.nomap': 'off' })
    expect(on['unmapped_mbufs']).toBeGreaterThan(50)
    expect([on['conversions'], on['unmapped_to_card']]).toEqual([0, on['unmapped_mbufs']])
    expect([off['conversions'], off['unmapped_to_card']]).toEqual([off['unmapped_mbufs'], 0])
  })
})

describe('show 2: slow-disk', () => {
  it('cold cache – data is queued before it is there, small pieces are compressed and merged, the counters of netstat -m add up', async () => {
    const short = { duration: '150ms', 'workload.connections': '24' }
    const m = await run('slow-disk', short)
    expect(m['not_ready_mbufs']).toBeGreaterThan(500)
    expect(m['ready_compressed']).toBeGreaterThan(5)
    expect(m['ready_merged']).toBeGreaterThan(0)
    expect(m['disk_short_reads']).toBeGreaterThan(5)
    // Nothing but sendfile reads; pages and read-ahead are counted against the disk's bytes in main/emulator/vm/disk.test.ts.
    expect(m['sendfile_iocnt']).toBe(m['disk_reads'])
    expect(m['sendfile_pages_read']).toBeGreaterThanOrEqual(m['sendfile_iocnt'])
    expect(m['sendfile_noiocnt']).toBeLessThan(m['sendfile_syscalls'])
    // A disk that fails now and then costs connections, never bytes.
    const faulty = await run('slow-disk', { ...short, 'files.disk.errors': '0.02' })
    expect(faulty['disk_errors']).toBeGreaterThan(5)
  })
})

describe('show 3: igb-no-nomap', () => {
  it('one conversion for each unmapped mbuf sent, none goes to the card as it is; few mbufs wait all the same', async () => {
    const short = { warmup: '10ms', duration: '30ms' }
    const m = await run('igb-no-nomap', short)
    expect(m['unmapped_mbufs']).toBeGreaterThan(50)
    expect([m['conversions'], m['unmapped_to_card'], m['conversions_failed']]).toEqual([m['unmapped_mbufs'], 0, 0])
    const mapped = await run('igb-no-nomap', { ...short, 'kern.ipc.mb_use_ext_pgs': '0' })
    expect(mapped['mbufs_per_mib_queued'] / m['mbufs_per_mib_queued']).toBeGreaterThan(3)
    expect([mapped['conversions'], mapped['unmapped_mbufs']]).toEqual([0, 0])
  })

  it('-txcsum on cc0 – converts although NOMAP is on', async () => {
    const short = { warmup: '2ms', duration: '3ms', 'workload.connections': '10', 'kern.ipc.mb_use_ext_pgs': '1' }
    const m = await run('first-lab', { ...short, 'cc0.txcsum': 'off' })
    expect(m['unmapped_mbufs']).toBeGreaterThan(100)
    expect([m['conversions'], m['unmapped_to_card']]).toEqual([m['unmapped_mbufs'], 0])
  })

  it('igb0.nomap – is no capability of that card', async () => {
    await expect(run('igb-no-nomap', { 'igb0.nomap': 'on' })).rejects.toThrow('igb0 has no capability nomap')
  })
})

describe('lagg-mixed: a card with NOMAP and one without under one lagg (kernel-mbuf-sendfile 8.5, 10.2 row 20)', () => {
  it('on the console – the lagg has no NOMAP; igb0 leaves – it is supported, nomap switches it on; -laggport cc0 – cc0 has what it had', async () => {
    const shows = (name: string): string => `ifconfig ${name} | grep -c NOMAP`
    const output = await exec('lagg-mixed', [
      shows('lagg0'),
      shows('cc0'),
      'ifconfig lagg0 nomap',
      shows('lagg0'),
      'ifconfig lagg0 -laggport igb0',
      shows('lagg0'),
      `ifconfig -m lagg0 | grep capabilities | grep -c NOMAP`,
      'ifconfig lagg0 nomap',
      shows('lagg0'),
      'ifconfig lagg0 laggport igb0',
      shows('lagg0'),
      'ifconfig lagg0 -laggport cc0',
      shows('cc0'),
    ])
    expect(output.trim().split('\n')).toEqual(['0', '0', '0', '0', '1', '1', '0', '1'])
  })

  it('under load – every unmapped mbuf sent is converted, more arrives than one cable carries', async () => {
    const short = { warmup: '5ms', duration: '20ms', 'workload.connections': '16' }
    const m = await run('lagg-mixed', short)
    expect(m['unmapped_mbufs']).toBeGreaterThan(50)
    expect([m['conversions'], m['unmapped_to_card'], m['conversions_failed']]).toEqual([m['unmapped_mbufs'], 0, 0])
    expect(m['goodput_bps']).toBeGreaterThan(1.3e9)
  })
})

describe('show 4: i386-sfbufs', () => {
  it('64 sf_bufs, mapped sendfile – the first page waits, later ones make the send shorter, nothing is lost', async () => {
    const short = { warmup: '10ms', duration: '30ms', 'kern.ipc.nsfbufs': '64' }
    const m = await run('i386-sfbufs', short)
    expect(m['sfbuf_waits']).toBeGreaterThan(50)
    expect(m['sfbuf_denied']).toBeGreaterThan(5)
    expect(m['sfbufs_used']).toBeLessThanOrEqual(64)
    expect(m['sfbufs_used']).toBeGreaterThan(32)
    expect(m['retransmissions']).toBe(0)
    const plenty = await run('i386-sfbufs', { ...short, 'kern.ipc.nsfbufs': '6656' })
    expect([plenty['sfbuf_waits'], plenty['sfbuf_denied']]).toEqual([0, 0])
    expect(plenty['sfbufs_used']).toBeGreaterThan(64)
  })

  it('64 sf_bufs, unmapped sendfile – sendfile needs none; a packet that cannot be converted is lost and sent again', async () => {
    const short = { warmup: '10ms', duration: '30ms', 'kern.ipc.nsfbufs': '64', 'kern.ipc.mb_use_ext_pgs': '1' }
    const m = await run('i386-sfbufs', short)
    expect([m['sfbuf_waits'], m['sfbuf_denied']]).toEqual([0, 0])
    expect(m['conversions_failed']).toBeGreaterThan(0)
    expect(m['retransmissions']).toBeGreaterThan(0)
  })

  it('netstat -m – has the line about sf_bufs there and nowhere else', async () => {
    expect(await exec('i386-sfbufs', ['netstat -m'])).toMatch(/^0\/0\/6656 sfbufs in use \(current\/peak\/max\)$/m)
    expect(await exec('igb-no-nomap', ['netstat -m'])).not.toContain('sfbufs in use')
  })
})

describe('the same over IPv6 (deliver 4)', () => {
  const short = { warmup: '2ms', duration: '2ms', 'workload.connections': '8', 'workload.requests': '0' }

  it('ipv6 – nothing converted; -nomap, -txcsum6: one conversion per unmapped mbuf sent', async () => {
    for (const [knobs, converts] of [
      [{}, false],
      [{ 'cc0.nomap': 'off' }, true],
      [{ 'cc0.txcsum6': 'off' }, true],
      [{ 'cc0.txcsum': 'off' }, false],
    ] as [Knobs, boolean][]) {
      const metrics = await run('ipv6', { ...short, ...knobs })
      expect(metrics['unmapped_mbufs']).toBeGreaterThan(20)
      expect(metrics['conversions']).toBe(converts ? metrics['unmapped_mbufs'] : 0)
    }
  })

  it('a scenario without IPv6 addresses – workload.family=inet6 gives it some, vlans too', async () => {
    const metrics = await run('vlan-trunk', { ...short, 'workload.family': 'inet6', 'cc0.nomap': 'off' })
    expect(metrics['conversions']).toBe(metrics['unmapped_mbufs'])
  })
})

/**
 * What a page of 4 KiB costs the server, by function and by cause, and what unmapped mbufs save of it: the comparison that performance-anchors 7.4
 * makes (one mbuf a page against page arrays, kern.ipc.mb_use_ext_pgs 0 against 1), and conversion on an interface without NOMAP beside it.
 *
 * The tables stand in docs/model.md. After a change of the cost table write them anew with
 * LAB_WRITE_COSTS=1 npx vitest run tests/fidelity/costPerPage.test.ts, and say in the commit which source row the change rests on.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { causes, Machine, type Snapshot } from '../../main/emulator'
import { loadScenarioFiles, scenarioToConfig } from '../../main/lab/scenario/config'
import { knownKnobs } from '../../main/lab/scenario/known'
import { loadScenario } from '../../main/lab/scenario/load'
import { applyKnobs, type Knobs } from '../../main/lab/scenario/overrides'

const shipped = resolve(import.meta.dirname, '../../scenarios')
const document = join(import.meta.dirname, '../../docs/model.md')
const known = knownKnobs()
/** How long is measured behind the warm-up in the table by parameter, ns. */
const SENSITIVITY_NS = 10e6

/** Cycles of the server a page of verified payload, over the measured part of a run. */
interface PerPage {
  total: number
  /** By cause, in the order of `causes`. */
  cause: number[]
  /** By function: all causes together. */
  fn: Map<string, number>
  /** Acknowledgements received, and packets sent, a page. */
  acks: number
  packets: number
}

/** Cycles by cause, cycles by function, and counts since boot. */
function readings(machine: Machine) {
  const [server, client] = machine.kernels
  const fn = new Map<string, number>()
  for (const { stack, self } of server.cost.profile()) {
    const name = stack.at(-1) ?? '(task)'
    fn.set(
      name,
      self.reduce((sum, n) => sum + n, fn.get(name) ?? 0),
    )
  }
  const { tcps_rcvackpack: acks, tcps_sndpack: packets } = server.inet.tcpstat
  return {
    cause: [...server.cost.byCause],
    fn,
    acks,
    packets,
    pages: client.apps.client.stat.bytes_verified / 4096,
    bad: client.apps.client.stat.bytes_corrupt,
  }
}

/** @param warm a machine of the scenario at the end of its warm-up; without it one is warmed up. */
async function perPage(name: string, knobs: Knobs, ns: number, warm?: Snapshot): Promise<PerPage & { warm: Snapshot }> {
  const loaded = loadScenario(name, shipped)
  const scenario = applyKnobs(loaded, knobs, known)
  const files = await loadScenarioFiles(scenario, loaded.folder)
  const machine = new Machine(scenarioToConfig(scenario, files), files.disk)
  if (warm === undefined) machine.runUntil(scenario.warmup)
  else machine.restore(warm)
  const start = warm ?? machine.snapshot()
  const before = readings(machine)
  machine.runUntil(scenario.warmup + ns)
  const after = readings(machine)
  const pages = after.pages - before.pages
  expect(pages).toBeGreaterThan(ns / 5000)
  expect(after.bad).toBe(0)
  const cause = after.cause.map((n, i) => (n - before.cause[i]) / pages)
  const fn = new Map([...after.fn].map(([key, n]) => [key, (n - (before.fn.get(key) ?? 0)) / pages]))
  return {
    warm: start,
    total: cause.reduce((sum, n) => sum + n, 0),
    cause,
    fn,
    acks: (after.acks - before.acks) / pages,
    packets: (after.packets - before.packets) / pages,
  }
}

const mapped = { 'kern.ipc.mb_use_ext_pgs': '0' }
const unmapped = { 'kern.ipc.mb_use_ext_pgs': '1', 'cc0.nomap': 'on' }
const converted = { 'kern.ipc.mb_use_ext_pgs': '1', 'cc0.nomap': 'off' }
/** The clients' card does not join frames: they acknowledge every other one. */
const manyAcks = { 'client:cc0.lro': 'off' }

/** The steps of 7.4, with the functions whose cycles belong to them. Page release is in both alike and cancels in the difference. */
const steps: readonly [string, readonly string[]][] = [
  ['sendfile: grab the page, allocate, fill in', ['vn_sendfile']],
  ['tcp_m_copym: share for transmit', ['tcp_m_copym']],
  ['driver: count and write segments', ['parse_pkt', 'eth_tx']],
  ['conversion in ip_output', ['mb_unmapped_to_ext']],
  ['transmit completion', ['reclaim_tx_descs', 'handle_sge_egr_update']],
  ['acknowledged: sbdrop, m_free, release the page', ['sbdrop']],
]
/** Cycles of a step. */
const stepOf = (run: PerPage, functions: readonly string[]): number =>
  functions.reduce((sum, name) => sum + (run.fn.get(name) ?? 0), 0)
/** Cycles of all steps: what the representation of the data can change by itself. */
const buffers = (run: PerPage): number => steps.reduce((sum, [, functions]) => sum + stepOf(run, functions), 0)

/** Cycles saved a page in 7.4: its low set less what the page arrays cost there, and its high set. */
const LOW = 690 - 60
const HIGH = 1345

const runs: { [name: string]: { sfbuf: PerPage; nomap: PerPage; conversion: PerPage } } = {}
/** Title, scenario, knobs, and how long is measured behind the warm-up, ns. */
const cases: readonly [string, string, Knobs, number][] = [
  ['first-lab', 'first-lab', {}, 20e6],
  ['first-lab, clients without LRO', 'first-lab', manyAcks, 20e6],
  // All of it: TCP takes a while to settle.
  ['large-sends', 'large-sends', {}, 70e6],
]

/** Values of single parameters that the saving hangs on, at an end of their range. */
const sensitive: readonly (readonly [string, string])[] = [
  ['missOverlap', '1.3'],
  ['pairedLines', '1'],
  ['missOverlap', '1'],
  ['missOverlap', '2'],
  ['umaAlloc', '200'],
  ['applicationEvent', '1500'],
  ['applicationEvent', '30000'],
  ['pcbLines', '8'],
]
const sensitivity: { [title: string]: { sfbuf: PerPage; nomap: PerPage } } = {}

function table(): string {
  const lines: string[] = []
  const row = (...cells: (string | number)[]): void => {
    lines.push(
      `| ${cells.map((cell) => (typeof cell === 'number' ? String(Math.round(cell) || 0) : cell)).join(' | ')} |`,
    )
  }
  for (const [title] of cases) {
    const { sfbuf, nomap, conversion } = runs[title]
    lines.push('', `**${title}**, cycles a page of 4 KiB:`, '')
    row('', 'one mbuf a page', 'page arrays', 'saved', 'page arrays, converted')
    lines.push('|---|---|---|---|---|')
    const rowOf = (name: string, of: (run: PerPage) => number): void =>
      row(name, of(sfbuf), of(nomap), of(sfbuf) - of(nomap), of(conversion))
    for (const [name, functions] of steps) rowOf(name, (run) => stepOf(run, functions))
    rowOf('all of these', buffers)
    rowOf('web server', (run) => run.fn.get('(httpd)') ?? 0)
    rowOf('tcp_input', (run) => run.fn.get('tcp_input') ?? 0)
    rowOf('the rest', (run) => run.total - buffers(run) - stepOf(run, ['(httpd)', 'tcp_input']))
    rowOf('**total**', (run) => run.total)
    causes.forEach((name, i) => {
      if (sfbuf.cause[i] + conversion.cause[i] >= 1) rowOf(`cause ${name}`, (run) => run.cause[i])
    })
    const one = (of: (run: PerPage) => number): string[] =>
      [sfbuf, nomap].map((run) => of(run).toFixed(2)).concat('', of(conversion).toFixed(2))
    row('acknowledgements a page', ...one((run) => run.acks))
    row('packets sent a page', ...one((run) => run.packets))
  }
  lines.push(
    '',
    '**first-lab**, the 10 ms behind a warm-up with the defaults, with one parameter at an end of its range:',
    '',
  )
  row('', 'one mbuf a page', 'page arrays', 'saved', 'saved, % of the whole')
  lines.push('|---|---|---|---|---|')
  for (const [title, { sfbuf, nomap }] of Object.entries(sensitivity))
    row(title, sfbuf.total, nomap.total, sfbuf.total - nomap.total, 100 - (100 * nomap.total) / sfbuf.total)
  return lines.join('\n').trim() + '\n'
}

beforeAll(async () => {
  const warm: { [title: string]: Snapshot[] } = {}
  for (const [title, name, knobs, ns] of cases) {
    const sfbuf = await perPage(name, { ...mapped, ...knobs }, ns)
    const nomap = await perPage(name, { ...unmapped, ...knobs }, ns)
    const conversion = await perPage(name, { ...converted, ...knobs }, ns)
    runs[title] = { sfbuf, nomap, conversion }
    warm[title] = [sfbuf.warm, nomap.warm]
  }
  // Warmed up with the defaults: what is asked is what the next 10 ms cost.
  const [mappedWarm, unmappedWarm] = warm['first-lab']
  for (const [name, value] of sensitive) {
    const knob = { [`cost.${name}`]: value }
    sensitivity[value === '1.3' ? 'defaults' : `${name} ${value}`] = {
      sfbuf: await perPage('first-lab', { ...mapped, ...knob }, SENSITIVITY_NS, mappedWarm),
      nomap: await perPage('first-lab', { ...unmapped, ...knob }, SENSITIVITY_NS, unmappedWarm),
    }
  }
}, 300_000)

describe('performance-anchors 7.4, cycles a page with the default cost table', () => {
  it('one mbuf a page against page arrays – what the buffers themselves save lies between the low and the high set of assumptions', () => {
    for (const [title] of cases) {
      const { sfbuf, nomap } = runs[title]
      const saved = buffers(sfbuf) - buffers(nomap)
      expect(saved, title).toBeGreaterThan(LOW)
      expect(saved, title).toBeLessThan(HIGH)
    }
  })

  it('each step of the table – page arrays cost less, but for the driver, which has to read them', () => {
    for (const [title] of cases) {
      const { sfbuf, nomap } = runs[title]
      for (const [name, functions] of steps) {
        const saved = stepOf(sfbuf, functions) - stepOf(nomap, functions)
        if (name.startsWith('conversion')) expect(saved, name).toBe(0)
        else if (name.startsWith('driver')) expect(nomap.fn.get('parse_pkt'), name).toBeGreaterThan(0)
        else expect(saved, `${title}: ${name}`).toBeGreaterThan(0)
      }
      // No byte of payload is touched in either.
      expect(sfbuf.cause[causes.indexOf('checksum')]).toBe(0)
      expect(nomap.cause[causes.indexOf('copy')]).toBeLessThan(10)
    }
  })

  it('one parameter at an end of its range – the saving changes its size, never its sign', () => {
    for (const [title, { sfbuf, nomap }] of Object.entries(sensitivity))
      expect(buffers(sfbuf) - buffers(nomap), title).toBeGreaterThan(300)
    const saved = (title: string): number => buffers(sensitivity[title].sfbuf) - buffers(sensitivity[title].nomap)
    expect(saved('pairedLines 1')).toBeGreaterThan(saved('missOverlap 1'))
    expect(saved('missOverlap 1')).toBeGreaterThan(saved('missOverlap 2'))
  })

  it('page release – wiring and unwiring cost the same with both, per page', () => {
    for (const [title] of cases) {
      const { sfbuf, nomap } = runs[title]
      const vm = causes.indexOf('vm')
      expect(Math.abs(sfbuf.cause[vm] / nomap.cause[vm] - 1), title).toBeLessThan(0.03)
    }
  })

  it('T1, a web server – the saving is 5 to 20 % of the whole, and smaller where there are more acknowledgements to pay for', () => {
    const share = (title: string): number => 1 - runs[title].nomap.total / runs[title].sfbuf.total
    const [few, many] = [share('first-lab'), share('first-lab, clients without LRO')]
    for (const value of [few, many]) {
      expect(value).toBeGreaterThan(0.05)
      expect(value).toBeLessThan(0.2)
    }
    expect(many).toBeLessThan(few)
    expect(runs['first-lab, clients without LRO'].nomap.acks).toBeGreaterThan(5 * runs['first-lab'].nomap.acks)
  })

  it('conversion – gives back a part of the saving, not all of it', () => {
    for (const [title] of cases) {
      const { sfbuf, nomap, conversion } = runs[title]
      expect(buffers(conversion)).toBeGreaterThan(buffers(nomap))
      expect(buffers(conversion)).toBeLessThan(buffers(sfbuf))
    }
  })

  it('docs/model.md – holds the tables as they come out', () => {
    const text = readFileSync(document, 'utf8')
    const [begin, end] = ['<!-- costs per page: begin -->\n', '<!-- costs per page: end -->\n']
    const from = text.indexOf(begin) + begin.length
    const to = text.indexOf(end)
    expect(from).toBeGreaterThan(begin.length)
    expect(to).toBeGreaterThanOrEqual(from)
    if (process.env['LAB_WRITE_COSTS'] === '1') writeFileSync(document, text.slice(0, from) + table() + text.slice(to))
    const written = readFileSync(document, 'utf8')
    expect(
      written.slice(written.indexOf(begin) + begin.length, written.indexOf(end)),
      'the cost table has changed: see the head of this test',
    ).toBe(table())
  })
})

/** `lab bench`: how fast the lab itself is on this computer. Figures are for people and for comparing computers, never for a unit test. */
import { cpus, release, totalmem, type as osType } from 'node:os'
import { Branch, EngineClient, realModel } from '../../engine'
import { generateFiles, type LoadedFiles } from '../../lab/files'
import { bufferBenchmarks } from '../../lab/bufferBenchmarks'
import { didYouMean } from '../../lab/nearMatches'
import { LabProblem } from '../../lab/problem'
import { loadScenarioFiles, scenarioToConfig } from '../../lab/scenario/config'
import { loadScenario } from '../../lab/scenario/load'
import type { Scenario } from '../../lab/scenario/schema'
import { formatTable } from '../../lab/table'
import { formatBytes } from '../../lab/units'
import { quantile } from './bench/quantile'
import { startShell } from './bench/shellProcess'
import { benchWindow } from './bench/window'
import { exitDone, type Streams } from './output'

export interface BenchOptions {
  json: boolean
}

export interface Figure {
  name: string
  value: number
  unit: string
  /** What the project promises on a machine of two ordinary cores, or null. */
  goal: string | null
  what: string
}

interface Place {
  scenarios: string
  workerUrl: URL
  streams: Streams
}

const benches: { [name: string]: (place: Place) => Promise<Figure[]> } = {
  events: benchEvents,
  'ten-gig': benchTenGig,
  console: benchConsole,
  memory: benchMemory,
  start: benchStart,
  window: ({ workerUrl }) => benchWindow(workerUrl),
  buffers: benchBuffers,
}
export const benchNames: readonly string[] = Object.keys(benches)

export async function benchVerb(name: string | undefined, options: BenchOptions, place: Place): Promise<number> {
  if (name !== undefined && !(name in benches))
    throw new LabProblem(
      'bench-unknown',
      `There is no benchmark ${name}.`,
      didYouMean(name, benchNames, `There are ${benchNames.join(', ')}.`),
    )
  const { streams } = place
  const figures: Figure[] = []
  for (const chosen of name === undefined ? benchNames : [name]) {
    if (streams.terminal) streams.err(`\r${chosen} …          `)
    figures.push(...(await benches[chosen](place)))
  }
  if (streams.terminal) streams.err('\r                    \r')
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cpus: cpus().length,
    memory: formatBytes(totalmem()),
    system: `${osType()} ${release()}`,
    runtime: `Node ${process.versions.node}`,
  }
  if (options.json) streams.out(JSON.stringify({ schema: 1, machine, figures }, null, 2) + '\n')
  else {
    streams.out(`${machine.cpu}, ${machine.cpus} CPUs, ${machine.memory}, ${machine.system}, ${machine.runtime}\n\n`)
    const text = (value: number): string =>
      value >= 1000 ? Math.round(value).toLocaleString('en-US') : value.toPrecision(3)
    streams.out(
      formatTable(
        ['benchmark', 'figure', 'unit', 'goal', 'what'],
        figures.map((figure) => [figure.name, text(figure.value), figure.unit, figure.goal ?? '', figure.what]),
      ),
    )
  }
  return exitDone
}

const silent = { began: () => {}, finished: () => {}, act: () => ({ output: '', status: 0 }) }

async function machineOf(place: Place, name: string, change: (scenario: Scenario) => void = () => {}) {
  const { scenario, folder } = loadScenario(name, place.scenarios)
  change(scenario)
  const files = await loadScenarioFiles(scenario, folder)
  return {
    scenario,
    files,
    branch: new Branch(realModel(scenarioToConfig(scenario, files), files.disk), scenario.sample, silent),
  }
}

/**
 * Events a second with the cost model off, on many small requests. An event is one record taken off the machine's queue and handled to its end, with
 * all that follows from it at once: a burst arrives, a timer fires, a CPU turns to its work and runs the tasks that wait for it (counted apart). A
 * request takes 11 to 12 events, and most of their time is the work of two kernels, not the queue: so the requests are a figure of their own.
 */
async function benchEvents(place: Place): Promise<Figure[]> {
  const { branch } = await machineOf(place, 'ten-gig', (scenario) => {
    scenario.files.generate = { count: 64, size: 2048, spread: 0 }
    scenario.workload.connections = 200
  })
  const { machine } = branch
  // Warm: the engine compiles what is hot.
  runFor(branch, 1500)
  const tasks = (): number =>
    machine.kernels.reduce((sum, { cpu }) => sum + cpu.taskCount.reduce((all, n) => all + n, 0), 0)
  const { client } = machine.kernels[1].apps
  const before = { events: machine.eventCount, tasks: tasks(), responses: client.stat.responses }
  const wall = runFor(branch, 3000)
  const events = machine.eventCount - before.events
  const what = 'functional mode, 200 connections, files of 2 KiB'
  return [
    { name: 'events', value: (events / wall) * 1000, unit: 'events/s', goal: '>= 1,000,000', what },
    {
      name: 'events and tasks',
      value: ((events + tasks() - before.tasks) / wall) * 1000,
      unit: '/s',
      goal: null,
      what: `${what}; tasks of CPUs counted too`,
    },
    {
      name: 'events requests',
      value: ((client.stat.responses - before.responses) / wall) * 1000,
      unit: 'requests/s',
      goal: null,
      what: `${what}; whole requests, each through both kernels`,
    },
  ]
}

/** Runs for `ms` of wall time. Answers how long it was. */
function runFor(branch: Branch, ms: number): number {
  const began = performance.now()
  branch.advance(branch.t + 1e12, () => performance.now() - began >= ms)
  branch.samples.take()
  return performance.now() - began
}

async function benchTenGig(place: Place): Promise<Figure[]> {
  const { branch, scenario } = await machineOf(place, 'ten-gig')
  branch.advance(scenario.warmup, () => false)
  const { client } = branch.machine.kernels[1].apps
  const before = { wall: performance.now(), bytes: client.stat.bytes_verified, events: branch.machine.eventCount }
  branch.advance(scenario.warmup + scenario.duration, () => false)
  const wall = (performance.now() - before.wall) / 1000
  const virtual = scenario.duration / 1e9
  const what = 'ten-gig: 10 Gb/s, 100 connections, functional mode, every byte verified'
  return [
    { name: 'ten-gig', value: wall / virtual, unit: 's wall / s virtual', goal: '<= 3', what },
    {
      name: 'ten-gig goodput',
      value: ((client.stat.bytes_verified - before.bytes) * 8) / virtual / 1e9,
      unit: 'Gb/s',
      goal: null,
      what: 'of the 10 Gb/s link',
    },
    {
      name: 'ten-gig events',
      value: (branch.machine.eventCount - before.events) / wall,
      unit: 'events/s',
      goal: null,
      what: 'a burst of up to 64 KiB is one event here',
    },
  ]
}

async function client(place: Place, scenario: Scenario, files: LoadedFiles): Promise<EngineClient> {
  const engine = new EngineClient({
    workerUrl: place.workerUrl,
    start: {
      config: scenarioToConfig(scenario, files, { loadByCommand: true }),
      disk: files.disk.bytes,
      sampleEvery: scenario.sample,
      snapshotBudget: 192 << 20,
    },
    plan: () => ({ branches: [{ letter: 'A', commands: [], until: 0, sampled: -1 }], state: 'paused' }),
    notice: () => {},
    lost: ({ message }) => place.streams.err(`lab: ${message}\n`),
    log: (line) => place.streams.err(`${line}\n`),
  })
  await engine.request('plan', { branches: [{ letter: 'A', commands: [], until: 0, sampled: -1 }], state: 'paused' })
  await engine.request('execute', { branch: 'A', id: 1, text: 'lab load start' })
  return engine
}

/** How long a console command takes from the main thread and back while the worker runs as fast as it can. */
async function benchConsole(place: Place): Promise<Figure[]> {
  const { scenario, folder } = loadScenario('first-lab', place.scenarios)
  const engine = await client(place, scenario, await loadScenarioFiles(scenario, folder))
  await engine.request('speed', { speed: 0 })
  await engine.request('run', {})
  const times: number[] = []
  const commands = [
    'ifconfig cc0',
    'sysctl kern.ipc.mb_use_ext_pgs',
    'netstat -m',
    'ifconfig cc0 -nomap',
    'ifconfig cc0 nomap',
  ]
  for (let i = 0; i < 100; i++) {
    await new Promise((go) => setTimeout(go, 20))
    const began = performance.now()
    await engine.request('execute', { branch: 'A', id: i + 2, text: commands[i % commands.length] })
    times.push(performance.now() - began)
  }
  await engine.close()
  const what = 'console command under load, 100 connections, as fast as it can'
  return [
    { name: 'console p50', value: quantile(times, 0.5), unit: 'ms', goal: null, what },
    { name: 'console p95', value: quantile(times, 0.95), unit: 'ms', goal: '< 50', what },
  ]
}

async function benchMemory(place: Place): Promise<Figure[]> {
  const { scenario } = loadScenario('first-lab', place.scenarios)
  scenario.workload.connections = 1000
  const before = process.memoryUsage().rss
  const files = generateFiles({ seed: 1, count: 64, size: 8 << 20, spread: 0 })
  const engine = await client(place, scenario, files)
  await engine.request('until', { t: 60_000_000 })
  // Undo must have its snapshots too.
  for (let i = 0; i < 5; i++) {
    await engine.request('execute', { branch: 'A', id: i + 2, text: `sysctl kern.ipc.mb_use_ext_pgs=${(i + 1) % 2}` })
    await engine.request('until', { t: 62_000_000 + i * 2_000_000 })
  }
  const rss = process.memoryUsage().rss - before
  const stats = await engine.request('stats', {})
  await engine.close()
  const what = '1,000 connections, 512 MiB of files, files included'
  return [
    { name: 'memory', value: rss / 2 ** 20, unit: 'MiB', goal: '< 1536', what },
    { name: 'memory heap', value: stats.heapBytes / 2 ** 20, unit: 'MiB', goal: null, what: 'objects of the worker' },
    {
      name: 'memory snapshots',
      value: stats.snapshotBytes / 2 ** 20,
      unit: 'MiB',
      goal: null,
      what: `${stats.snapshots} snapshots for undo`,
    },
  ]
}

/** From the start of the process of the browser shell until its page can be fetched. */
async function benchStart(place: Place): Promise<Figure[]> {
  const began = performance.now()
  const shell = await startShell(place.workerUrl)
  try {
    const page = await fetch(shell.address)
    await page.text()
    return [
      {
        name: 'start',
        value: (performance.now() - began) / 1000,
        unit: 's',
        goal: '< 3',
        what: 'browser shell, from a cold start until its page is served',
      },
    ]
  } finally {
    await shell.stop()
  }
}

async function benchBuffers(): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const bench of bufferBenchmarks()) {
    bench.run(2000)
    let n = 2000
    let wall = 0
    // Double until it takes long enough to be measured.
    for (; wall < 200; n *= 2) {
      const began = performance.now()
      bench.run(n)
      wall = performance.now() - began
    }
    const began = performance.now()
    const done = bench.run(n)
    wall = performance.now() - began
    figures.push({
      name: `buffers ${bench.name}`,
      value: (done / wall) * 1000,
      unit: '/s',
      goal: bench.goal === undefined ? null : `>= ${bench.goal.toLocaleString('en-US')}`,
      what: bench.unit,
    })
  }
  return figures
}

/**
 * The cost model's book-keeping: parameters (declared, with range and source), charging to a cause and to the kernel call stack. Cycles are
 * charged to the CPU that runs the present task and move only time (DESIGN 4, rule 4): nothing here decides what the kernel does.
 *
 * This is the first cost table: fixed cycles per operation and per byte, and fixed numbers of cache lines. Cache and TLB simulation come with a later
 * issue; until then one assumption holds for all structures alike, that of a host with tens of thousands of connections: what was last touched a round
 * trip ago (mbufs in a send buffer, page structures, the control blocks of a connection) comes from memory, what was touched by another CPU a moment
 * ago comes from the last-level cache, the rest is warm.
 */
import type { Registry, Table } from './state'

export const causes = [
  'copy',
  'checksum',
  'allocation',
  'conversion',
  'protocol',
  'driver',
  'vm',
  'cache',
  'lock',
  'mmio',
  'syscall',
  'application',
  'interrupt',
  'other',
] as const
export type CauseName = (typeof causes)[number]
/** Index of each cause: `CAUSE.copy` … */
export const CAUSE = Object.fromEntries(causes.map((name, index) => [name, index])) as {
  readonly [K in CauseName]: number
}
const CAUSES = causes.length

export interface CostParameter {
  name: string
  default: number
  low: number
  high: number
  unit: 'cycles' | 'cycles/B' | 'lines' | 'times' | 'ns' | 'B/s'
  fidelity: 'read' | 'derived' | 'assumed'
  description: string
  source: string
}

const A72 = 'performance-anchors 7.2'
/** Every parameter of the cost model. Names are what scenarios and `--set cost.NAME=` use. */
export const costParameters = [
  p('syscall', 700, 100, 1300, 'cycles', 'assumed', 'enter and leave a system call (PTI with PCID)', A72),
  p('contextSwitch', 2500, 1000, 6000, 'cycles', 'assumed', 'switch to another thread', A72),
  p('interrupt', 2000, 1000, 4000, 'cycles', 'assumed', 'interrupt until its thread runs', A72),
  p('lock', 50, 40, 120, 'cycles', 'assumed', 'take and release an uncontended lock', A72),
  p('atomic', 20, 15, 30, 'cycles', 'read', 'atomic operation on a line this CPU owns', A72),
  p('umaAlloc', 80, 40, 200, 'cycles', 'assumed', 'take an item from the per-CPU bucket', A72),
  p('umaFree', 80, 40, 200, 'cycles', 'assumed', 'give an item back to the per-CPU bucket', A72),
  p('umaSlow', 400, 200, 2000, 'cycles', 'assumed', 'refill or drain a bucket', A72),
  p('mbufInit', 20, 10, 40, 'cycles', 'assumed', 'fill in a fresh mbuf', A72),
  p('lineLlc', 60, 45, 80, 'cycles', 'read', 'one cache line from the last-level cache', A72),
  p('lineDram', 221, 180, 340, 'cycles', 'read', 'one cache line from memory (85 ns at 2.6 GHz)', A72),
  p(
    'missOverlap',
    1.3,
    1,
    2,
    'times',
    'assumed',
    'misses under way at once on linked structures: a line from memory costs lineDram divided by this',
    `${A72}, memory-level parallelism`,
  ),
  p(
    'pairedLines',
    2,
    1,
    2,
    'lines',
    'assumed',
    'neighbouring lines that one miss brings: 2 with the adjacent-line prefetcher, 1 without',
    `${A72}, adjacent-line prefetch (strong sensitivity, 7.4)`,
  ),
  p(
    'mbufLines',
    2,
    1,
    3,
    'lines',
    'read',
    'lines of an mbuf with external storage that are used: 0 and 1',
    'performance-anchors 1.1',
  ),
  p(
    'pageLines',
    2,
    1,
    3,
    'lines',
    'read',
    'lines of struct vm_page that are used, when wired and again when released',
    `${A72}, vm_page`,
  ),
  p(
    'pcbLines',
    16,
    8,
    24,
    'lines',
    'derived',
    'lines of tcpcb (6), inpcb (4), socket and send buffer (6) that an arriving segment uses; they lie in pairs',
    `${A72}, ACK processing "+ misses"; tcpcb: line marks in sys/netinet/tcp_var.h (read), the others assumed`,
  ),
  p(
    'pcbLoneLines',
    3,
    0,
    6,
    'lines',
    'assumed',
    'single lines of a connection: hash bucket, timers, congestion control',
    `${A72}, ACK processing "+ misses"`,
  ),
  p('mcopymMbuf', 40, 30, 80, 'cycles', 'assumed', 'share one mbuf in m_copym, without its cache lines', A72),
  p(
    'convertPage',
    60,
    30,
    150,
    'cycles',
    'assumed',
    'attach one page to a mapped mbuf in mb_unmapped_to_ext, without the allocation',
    'assumed; like mcopymMbuf',
  ),
  p('mfreeMbuf', 40, 30, 80, 'cycles', 'assumed', 'sbcut and m_free of one mbuf, without its cache lines', A72),
  p('pageWire', 200, 100, 500, 'cycles', 'derived', 'grab and wire one page', A72),
  p('pageUnwire', 430, 200, 1000, 'cycles', 'derived', 'unwire and release one page', A72),
  p(
    'sfBufMap',
    200,
    50,
    500,
    'cycles',
    'assumed',
    'enter one page into the kernel map (machines without direct map)',
    'assumed',
  ),
  p('tlbShootdown', 2600, 2600, 26000, 'cycles', 'read', 'make the other CPUs drop a stale translation (1 us)', A72),
  p('copyByte', 0.45, 0.25, 0.8, 'cycles/B', 'read', 'copy one byte, source or target cold', A72),
  p('copyByteWarm', 0.08, 0.05, 0.15, 'cycles/B', 'read', 'copy one byte, both in cache', A72),
  p('checksumByte', 0.5, 0.06, 0.5, 'cycles/B', 'read', 'sum one byte in software, cold', A72),
  p('tcpOutput', 1500, 800, 3000, 'cycles', 'derived', 'tcp_output, fixed part of a call that sends', A72),
  p(
    'ipOutput',
    1200,
    600,
    2500,
    'cycles',
    'derived',
    'ip_output, ether_output and driver, fixed part of a packet',
    A72,
  ),
  p('tcpInput', 1800, 1000, 3500, 'cycles', 'derived', 'ip_input and tcp_input of one segment, fixed part', A72),
  p(
    'sgElement',
    30,
    10,
    60,
    'cycles',
    'assumed',
    'walk, translate and write one scatter/gather entry',
    'assumed; no published figure, performance-anchors 3.6',
  ),
  p('doorbell', 390, 130, 780, 'cycles', 'read', 'write to a doorbell register (150 ns)', A72),
  p(
    'txDescriptor',
    120,
    50,
    300,
    'cycles',
    'assumed',
    'write one work request, without its list',
    'assumed; between mbufInit and ipOutput',
  ),
  p(
    'rxBuffer',
    150,
    60,
    400,
    'cycles',
    'assumed',
    'take one receive buffer from the free list and refill it',
    'assumed',
  ),
  p('sendfileCall', 1000, 500, 3000, 'cycles', 'assumed', 'vn_sendfile, fixed part of one loop iteration', 'assumed'),
  p('sockbufAppend', 150, 50, 400, 'cycles', 'assumed', 'append one chain to a socket buffer', 'assumed'),
  p('application', 6000, 1000, 40000, 'cycles', 'assumed', 'user part of one request of the web server', 'assumed'),
  p(
    'applicationEvent',
    12000,
    1500,
    30000,
    'cycles',
    'derived',
    'user part of one readiness event',
    'performance-anchors 1.4 and 1.2: 15 % of 0.90 cycles/B in the web server, 75-101 KB a system call = 10,000-14,000; high end: 2.1 cycles/B',
  ),
] as const satisfies readonly CostParameter[]

function p<const N extends string>(
  name: N,
  value: number,
  low: number,
  high: number,
  unit: CostParameter['unit'],
  fidelity: CostParameter['fidelity'],
  description: string,
  source: string,
) {
  return { name, default: value, low, high, unit, fidelity, description, source }
}

export type CostParameterName = (typeof costParameters)[number]['name']

/** Names of the functions that appear in profiles, by id. Ids are given at module load, names decide identity. */
const functionNames: string[] = ['(task)']
const functionIds = new Map<string, number>()
/** Declares a profile frame; the same name gives the same id. */
export function functionId(name: string): number {
  let id = functionIds.get(name)
  if (id === undefined) {
    id = functionNames.length
    functionNames.push(name)
    functionIds.set(name, id)
  }
  return id
}
export function functionName(id: number): string {
  return functionNames[id] ?? '?'
}

const nodeSpec = {
  parent: 'i32',
  fn: 'i32',
  firstChild: 'i32',
  sibling: 'i32',
  calls: 'f64',
  self: ['f64', CAUSES],
} as const

/** Costs of one host. */
export class Cost {
  /** False: nothing is charged (functional mode). */
  readonly on: boolean
  /** Present values of the parameters. */
  readonly p: { [K in CostParameterName]: number }
  /** Cycles charged since the running task began. */
  cycles = 0
  /** Total cycles by cause, since boot. */
  readonly byCause = new Float64Array(CAUSES)
  private readonly nodes: Table<typeof nodeSpec>
  private node = 1

  constructor(registry: Registry, part: string, on: boolean, parameters: { [name: string]: number }) {
    this.on = on
    const values = {} as { [K in CostParameterName]: number }
    for (const parameter of costParameters) values[parameter.name] = parameters[parameter.name] ?? parameter.default
    this.p = values
    this.nodes = registry.table(`${part}.profile`, nodeSpec, 256, { observer: true })
    this.nodes.alloc()
    registry.fixed(`${part}.byCause`, this.byCause, { observer: true })
  }

  /** Charges cycles of a cause to the running task and to the function on top of the stack. Call only if `on`. */
  charge(cause: number, cycles: number): void {
    this.cycles += cycles
    this.byCause[cause] = this.byCause[cause] + cycles
    const at = this.node * CAUSES + cause
    this.nodes.self[at] = this.nodes.self[at] + cycles
  }

  /** Charges `lines` neighbouring cache lines that have to come from memory. Call only if `on`. */
  chargeMisses(lines: number): void {
    const { p } = this
    this.charge(CAUSE.cache, (Math.ceil(lines / p.pairedLines) * p.lineDram) / p.missOverlap)
  }

  /** Pushes a function on the profile's stack. Call only if `on`; pair with {@link leave}. */
  enter(fn: number): void {
    const nodes = this.nodes
    const parent = this.node
    let child = nodes.firstChild[parent]
    while (child !== 0 && nodes.fn[child] !== fn) child = nodes.sibling[child]!
    if (child === 0) {
      child = nodes.alloc()
      nodes.parent[child] = parent
      nodes.fn[child] = fn
      nodes.firstChild[child] = 0
      nodes.sibling[child] = nodes.firstChild[parent]!
      nodes.calls[child] = 0
      nodes.self.fill(0, child * CAUSES, (child + 1) * CAUSES)
      nodes.firstChild[parent] = child
    }
    nodes.calls[child] = nodes.calls[child] + 1
    this.node = child
  }

  leave(): void {
    this.node = this.nodes.parent[this.node]!
  }

  /** Begins a task: empty stack, no cycles. */
  begin(): void {
    this.cycles = 0
    this.node = 1
  }

  /** The profile as a list of stacks: names from the root, calls, cycles by cause. */
  profile(): { stack: string[]; calls: number; self: number[] }[] {
    const out: { stack: string[]; calls: number; self: number[] }[] = []
    for (let row = 1; row < this.nodes.high; row++) {
      const stack: string[] = []
      for (let n = row; n !== 1; n = this.nodes.parent[n]!) stack.unshift(functionName(this.nodes.fn[n]))
      out.push({
        stack,
        calls: this.nodes.calls[row],
        self: [...this.nodes.self.subarray(row * CAUSES, (row + 1) * CAUSES)],
      })
    }
    return out
  }
}

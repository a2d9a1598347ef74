/** Runs all cases of a file and compares every field. A case that cannot be compared has failed. */
import { KernelPanic } from '../../main/emulator/sys/systm'
import type { MemoryKernel } from '../../main/emulator/testing'
import { calls, runCall } from './calls'
import { difference, type Fields, type VectorCase, type VectorStorage } from './format'
import { sglistOperations } from './sglists'
import { runReserve, runSockbuf } from './sockbufs'
import { World, createVectorKernel, leakBase } from './world'

export interface FileResult {
  passed: number
  /** One line a failed case. */
  failures: string[]
}

const shared = [
  'case',
  'op',
  'args',
  'fail_at',
  'sf_fail_at',
  'in',
  'maxseg',
  'name',
  'about',
  'hiwat',
  'mbmax',
  'nocoalesce',
  'mode',
]
const reserveInputs = ['sb_max', 'sb_max_adj', 'lowat', 'thread', 'rlimit', 'user_total']
const stepInputs = ['op', 'notready', 'in', 'm0', 'count', 'len', 'off', 'hold']

/** Fields without the ones that are input. */
function without(fields: Fields, names: readonly string[]): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)))
}

/** Unordered lists become ordered: storages by id, hidden by name, flags of an mbuf as written. */
function normalOut(out: Fields): Fields {
  const storages = out['storages']
  const hidden = out['hidden']
  return {
    ...out,
    ...(Array.isArray(storages) && {
      storages: Object.fromEntries((storages as VectorStorage[]).map((storage) => [storage.id, storage])),
    }),
    ...(Array.isArray(hidden) && { hidden: [...(hidden as string[])].sort() }),
  }
}

/** Highest address that any storage of the file has. */
function highestAddress(value: unknown): number {
  if (Array.isArray(value)) return value.reduce<number>((max, entry) => Math.max(max, highestAddress(entry)), 0)
  if (value === null || typeof value !== 'object') return 0
  let max = 0
  for (const [key, field] of Object.entries(value)) {
    if (typeof field === 'number') {
      if (key === 'pa' || key === 'hdr_pa' || key === 'trail_pa') max = Math.max(max, field)
    } else max = Math.max(max, highestAddress(field))
  }
  return max
}

/** Highest page number of a file that any storage of the file of cases names. */
function highestPage(value: unknown): number {
  if (Array.isArray(value)) return value.reduce<number>((max, entry) => Math.max(max, highestPage(entry)), 0)
  if (value === null || typeof value !== 'object') return 0
  let max = 0
  for (const [key, field] of Object.entries(value)) {
    if (key === 'page' && typeof field === 'number') max = Math.max(max, field)
    else if (key === 'pages' && Array.isArray(field)) max = Math.max(max, ...(field as number[]))
    else if (typeof field === 'object') max = Math.max(max, highestPage(field))
  }
  return max
}

export function runCases(cases: readonly VectorCase[]): FileResult {
  const reserve = highestAddress(cases) + 20 * 4096
  const pages = highestPage(cases)
  let k: MemoryKernel = createVectorKernel(reserve, pages)
  const result: FileResult = { passed: 0, failures: [] }
  for (const vector of cases) {
    const base = leakBase(k)
    const world = new World(k)
    let complaint: string | null
    try {
      complaint = runCase(world, vector) ?? world.finish(base)
    } catch (error) {
      complaint = error instanceof KernelPanic ? `unexpected ${error.message}` : String(error)
    }
    // A panic leaves the kernel as it was at that instant: the next case gets a fresh one.
    if (complaint !== null || world.panicked) k = createVectorKernel(reserve, pages)
    if (complaint === null) result.passed++
    else
      result.failures.push(
        `case ${vector.case} ${vector.op}${vector.name === undefined ? '' : ` (${vector.name})`}: ${complaint}`,
      )
  }
  return result
}

/** Runs one case. Returns the first difference, or null. */
function runCase(world: World, vector: VectorCase): string | null {
  const { op } = vector
  if (op in calls) return compareCall(world, vector)
  if (op in sglistOperations) {
    const actual = sglistOperations[op](world, vector)
    const { pre, ...rest } = actual
    if (pre !== undefined) {
      const found = difference(vector.in!.pre, pre, 'pre')
      if (found !== null) return found
    }
    return difference(without(vector, shared), rest)
  }
  if (op === 'sockbuf') {
    const expected = (vector['steps'] as Fields[]).map((step) => without(step, stepInputs))
    return difference({ steps: expected }, runSockbuf(world, vector))
  }
  if (op === 'sbreserve') return difference(without(vector, [...shared, ...reserveInputs]), runReserve(world.k, vector))
  return `there is no operation ${op}`
}

function compareCall(world: World, vector: VectorCase): string | null {
  const expected = vector.out
  if (expected === undefined) return 'the case has no result'
  const panic = expected['panic']
  if (panic === undefined) {
    const out = runCall(world, vector)
    // The bytes of a long copy are given by their checksum alone.
    if (vector.op === 'm_copydata' && expected['hex'] === undefined) delete out['hex']
    return difference(normalOut(expected), out)
  }
  if (panic === 'double_free') {
    // The kernel freed the chain twice; what it should have done: free everything once and return NULL.
    const out = runCall(world, vector)
    return difference({ ok: 0, chain: null }, { ok: out['ok'], chain: out['chain'] })
  }
  try {
    runCall(world, vector)
  } catch (error) {
    if (!(error instanceof KernelPanic)) throw error
    world.panicked = true
    return null
  }
  return `expected a panic (${JSON.stringify(panic)}), the call returned`
}

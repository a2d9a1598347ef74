import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'vite'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { PlannedCommand } from './branch'
import { EngineClient, type Notice } from './client'
import type { ContractError } from '../../preload/contract'

let workerUrl: URL
const open: EngineClient[] = []

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lab-worker-'))
  await build({
    configFile: false,
    logLevel: 'error',
    build: {
      outDir: folder,
      ssr: join(import.meta.dirname, 'testWorker.ts'),
      rolldownOptions: { output: { entryFileNames: 'testWorker.mjs' } },
    },
  })
  workerUrl = pathToFileURL(join(folder, 'testWorker.mjs'))
})

afterEach(async () => {
  await Promise.all(open.splice(0).map((client) => client.close()))
})

/** A client that keeps the log as a session does. */
function session(): {
  client: EngineClient
  log: PlannedCommand[]
  notices: Notice[]
  lost: ContractError[]
  t: () => number
} {
  const log: PlannedCommand[] = []
  const notices: Notice[] = []
  const lost: ContractError[] = []
  let t = 0
  const client = new EngineClient({
    workerUrl,
    start: { config: null, disk: new Uint8Array(0), sampleEvery: 1000, snapshotBudget: 1 << 20 },
    plan: () => ({ branches: [{ letter: 'A', commands: [...log], until: t, sampled: -1 }], state: 'paused' }),
    notice: (notice) => {
      notices.push(notice)
      if (notice.kind === 'began') log.push({ id: notice.id, t: notice.t, text: notice.text })
      if (notice.kind === 'frame') t = notice.branches[0]?.t ?? 0
    },
    lost: (problem) => lost.push(problem),
    log: () => {},
  })
  open.push(client)
  return { client, log, notices, lost, t: () => t }
}

const boot = { branches: [{ letter: 'A' as const, commands: [], until: 0, sampled: -1 }], state: 'paused' as const }

describe('the engine’s client', () => {
  test('a killed worker – is replaced and computed again – the state is the same', async () => {
    const { client, lost } = session()
    await client.request('plan', boot)
    await client.request('until', { t: 50_000 })
    await client.request('execute', { branch: 'A', id: 1, text: 'add 3' })
    await client.request('until', { t: 90_000 })
    const before = await client.request('digest', { branch: 'A' })
    await client.kill()
    const after = await client.request('digest', { branch: 'A' })
    expect(after).toEqual(before)
    expect(lost).toHaveLength(1)
    expect(lost[0].message).toMatch(/broke down .* computed again from the command log/)
  })

  test('commands under way when the worker dies – are answered by the next one', async () => {
    const { client, log } = session()
    await client.request('plan', boot)
    await client.request('until', { t: 10_000 })
    const sleeping = client.request('execute', { branch: 'A', id: 1, text: 'sleep 5000; value' })
    await client.request('complete', { branch: 'A', text: 'a', cursor: 1 })
    await client.kill()
    const unsent = client.request('execute', { branch: 'A', id: 2, text: 'add 1' })
    await client.request('until', { t: 20_000 })
    expect(await sleeping).toMatchObject({ id: 1, t: 10_000, tEnd: 15_000, status: 0 })
    expect(await unsent).toMatchObject({ id: 2, t: 15_000, status: 0 })
    expect(log.map(({ id }) => id)).toEqual([1, 2])
  })

  test('an exception in the worker – outside a machine – is a lost worker too', async () => {
    const { client, lost } = session()
    await client.request('plan', boot)
    // A request without a body is a fault of ours: reading it throws in the worker, and again in each that follows.
    const broken = client.request('watch', null as never)
    await expect(
      Promise.race([broken, new Promise((_, no) => setTimeout(() => no(new Error('given up')), 5000))]),
    ).rejects.toThrow(/broke down 4 times in a minute/)
    expect(lost.map(({ code }) => code)).toEqual(['engine-lost', 'engine-lost', 'engine-lost', 'engine-lost'])
    await expect(client.request('pause', {})).rejects.toThrow(/what was done is kept/)
  })

  test('samples – arrive as transferred arrays of doubles', async () => {
    const { client, notices } = session()
    expect(await client.counterNames()).toEqual(['events', 'value'])
    await client.request('plan', boot)
    await client.request('until', { t: 1_000_000 })
    const rows = notices.flatMap((n) => (n.kind === 'frame' ? [...n.branches[0].times] : []))
    expect(rows).toHaveLength(1001)
    expect(rows[1000]).toBe(1_000_000)
  })
})

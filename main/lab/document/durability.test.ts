import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { build } from 'vite'
import { beforeAll, describe, expect, test } from 'vitest'
import { readJournals } from './journal'
import { readDocument } from './read'

const scenarios = resolve(import.meta.dirname, '../../../scenarios')
let child: string

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lab-child-'))
  await build({
    configFile: false,
    logLevel: 'error',
    build: {
      outDir: folder,
      ssr: join(import.meta.dirname, 'durabilityChild.ts'),
      rolldownOptions: { output: { entryFileNames: 'child.mjs' } },
    },
    ssr: { noExternal: true },
  })
  child = join(folder, 'child.mjs')
})

/** Works in `folder` until it is killed, `after` ms from its first word. Answers what it said. */
function workAndKill(folder: string, after: number): Promise<string> {
  return new Promise((done, fail) => {
    const worker = spawn(process.execPath, [child, folder, scenarios], { stdio: ['ignore', 'pipe', 'inherit'] })
    let said = ''
    let started = false
    worker.stdout.on('data', (data: Buffer) => {
      said += data.toString()
      if (started) return
      started = true
      setTimeout(() => worker.kill('SIGKILL'), after)
    })
    worker.on('error', fail)
    worker.on('close', (code, signal) =>
      signal === 'SIGKILL' ? done(said) : fail(new Error(`the child ended with ${String(code)}: ${said}`)),
    )
  })
}

/** The largest number that follows a word. A line that was cut short does not count. */
function last(said: string, word: string): number {
  return Math.max(
    0,
    ...said
      .split('\n')
      .slice(0, -1)
      .flatMap((line) => (line.startsWith(`${word} `) ? [Number(line.slice(word.length + 1))] : [])),
  )
}

describe('kill -9', () => {
  // Two folders at once, because a process mostly waits for the disk.
  test.concurrent.each([20261121, 7])(
    'at 30 random instants during work and saving (seed %i) – nothing that was done or saved is lost',
    async (start) => {
      const folder = mkdtempSync(join(tmpdir(), 'lab-kill-'))
      const document = join(folder, 'work.nomaplab')
      let done = 0
      let saved = 0
      let seed = start
      for (let round = 0; round < 30; round++) {
        seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff
        const said = await workAndKill(folder, (seed >>> 8) % 60)
        expect(said).not.toMatch(/broken/)
        // What the last round had done was there when this one began.
        expect(last(said, 'ready'), `round ${round}`).toBeGreaterThanOrEqual(done)
        done = Math.max(done, last(said, 'done'))
        saved = Math.max(saved, last(said, 'saved'))

        const [journal] = await readJournals(join(folder, 'journal'))
        expect(journal.model.log.length, `journal, round ${round}`).toBeGreaterThanOrEqual(done)
        journal.model.log.forEach((entry, i) => expect(entry.id).toBe(i + 1))
        expect(journal.closed).toBe(false)
        if (saved > 0) expect(existsSync(document)).toBe(true)
        if (existsSync(document)) {
          const { model, remarks } = readDocument(readFileSync(document), document)
          expect(remarks).toEqual([])
          expect(model.log.length, `document, round ${round}`).toBeGreaterThanOrEqual(saved)
          expect(model.log).toEqual(journal.model.log.slice(0, model.log.length))
        }
        const previous = join(folder, 'previous')
        if (existsSync(previous))
          for (const name of readdirSync(previous).filter((entry) => /^[123]-/.test(entry)))
            expect(readDocument(readFileSync(join(previous, name)), name).remarks).toEqual([])
      }
      expect(done).toBeGreaterThan(30)
      expect(saved).toBeGreaterThan(10)
    },
    120_000,
  )
})

/**
 * The recovery journal: a file in the user-data folder, apart from the document, to which every operation of a session is appended and flushed
 * before it counts as done. Its first line holds the session as it was when the journal began.
 *
 *   {"journal":1,"id":…,"model":{…}}     the base
 *   {"op":"entry","entry":{…}}           one operation a line
 *   {"op":"closed"}                      ended in order
 */
import { randomBytes } from 'node:crypto'
import { open, readdir, readFile, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { RecoverableSession } from '../../../preload/contract'
import { makeFolder } from '../makeFolder'
import { fileProblem, LabProblem, textOf } from '../problem'
import { checkScenario } from '../scenario/load'
import { writtenScenario } from '../scenario/written'
import { checkLog, logEntry } from '../session/log'
import {
  apply,
  exerciseProgress,
  filesReference,
  newModel,
  operation,
  predictionSchema,
  type Operation,
  type SessionModel,
} from '../session/model'
import { writeAtomic } from './atomicFile'
import { checksummed, readLines } from './lines'

const journalVersion = 1
/** A journal beyond this is begun anew with the present state as its base. */
const compactBytes = 4 << 20

const letterMap = <T extends z.ZodType>(value: T) => z.record(z.string(), value)

/** A model as it stands in the first line. The scenario is written with its units. */
const baseSchema = z.object({
  name: z.string(),
  path: z.string().nullable(),
  created: z.string(),
  changed: z.string(),
  savedAt: z.number().nullable(),
  unsaved: z.boolean(),
  scenarioId: z.string(),
  scenario: z.unknown(),
  files: filesReference,
  log: z.array(logEntry),
  undone: z.array(z.array(logEntry)),
  names: letterMap(z.string()),
  baseline: z.enum(['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H']),
  reached: letterMap(z.number()),
  speed: z.number(),
  notes: z.string(),
  report: z.string(),
  layout: z.unknown(),
  predictions: z.array(predictionSchema),
  exercise: exerciseProgress.nullable(),
})

const firstLine = z.object({ journal: z.literal(journalVersion), id: z.string(), model: baseSchema })
const anyLine = z.union([operation, z.strictObject({ op: z.literal('closed') })])

const baseLine = (id: string, model: SessionModel): string =>
  checksummed({ journal: journalVersion, id, model: { ...model, scenario: writtenScenario(model.scenario) } })

export interface ReadJournal {
  id: string
  model: SessionModel
  /** It ended in order: nothing crashed. */
  closed: boolean
  /** Wall time of the last change, ms. */
  changedAt: number
}

/** Reads a journal up to its last whole line; null if not even the base is whole. */
export function parseJournal(text: string, changedAt: number): ReadJournal | null {
  const end = text.indexOf('\n')
  if (end < 0) return null
  const head = readLines(text.slice(0, end), (line) => firstLine.safeParse(line).data ?? null).values[0]
  if (head === undefined) return null
  let model: SessionModel
  try {
    const scenario = checkScenario(head.model.scenario, 'journal')
    const { files, name, scenarioId } = head.model
    model = { ...newModel({ name, scenarioId, scenario, files, now: new Date(0) }), ...head.model, scenario }
  } catch (error) {
    if (error instanceof LabProblem) return null
    throw error
  }
  let closed = false
  for (const line of readLines(text.slice(end + 1), (value) => anyLine.safeParse(value).data ?? null).values) {
    if (line.op === 'closed') {
      closed = true
      continue
    }
    closed = false
    const next = apply(model, line)
    if (checkLog(next.log).fault !== null) break
    model = next
  }
  return { id: head.id, model, closed, changedAt }
}

/** The journal of an open session. */
export class Journal {
  private queue: { text: string; done: () => void }[] = []
  private writing: Promise<void> | null = null
  private bytes = 0
  private failure: LabProblem | null = null

  private constructor(
    readonly id: string,
    private readonly path: string,
    private handle: FileHandle,
    /** The present state, for beginning anew. */
    private readonly model: () => SessionModel,
    /** Called once if the journal cannot be written any more: recovery is off, work goes on. */
    private readonly broken: (problem: LabProblem) => void,
  ) {}

  /** Begins the journal of a session; flushed when this resolves. */
  static async begin(
    folder: string,
    model: () => SessionModel,
    broken: (problem: LabProblem) => void,
  ): Promise<Journal> {
    const id = randomBytes(8).toString('hex')
    const path = join(folder, `${id}.ndjson`)
    makeFolder(folder, 0o700)
    // Atomic: a journal is there with its base or not at all.
    await writeAtomic(path, baseLine(id, model()) + '\n', { mode: 0o600 })
    return new Journal(id, path, await open(path, 'a'), model, broken)
  }

  /** Goes on with a journal that was read. */
  static async resume(
    folder: string,
    id: string,
    model: () => SessionModel,
    broken: (problem: LabProblem) => void,
  ): Promise<Journal> {
    const path = join(folder, `${id}.ndjson`)
    await writeAtomic(path, baseLine(id, model()) + '\n', { mode: 0o600 })
    return new Journal(id, path, await open(path, 'a'), model, broken)
  }

  /** Appends an operation. Resolves when it is on the disk; several that come at once share one flush. Never rejects. */
  append(op: Operation | { op: 'closed' }): Promise<void> {
    if (this.failure !== null) return Promise.resolve()
    return new Promise((done) => {
      this.queue.push({ text: checksummed(op) + '\n', done })
      this.writing ??= this.drain()
    })
  }

  private async drain(): Promise<void> {
    while (this.queue.length > 0) {
      const batch = this.queue.splice(0)
      try {
        const data = batch.map(({ text }) => text).join('')
        await this.handle.appendFile(data)
        await this.handle.datasync()
        this.bytes += data.length
        if (this.bytes > compactBytes) await this.compact()
      } catch (error) {
        this.failure =
          fileProblem(error, this.path, 'write') ??
          new LabProblem(
            'journal-broken',
            `The recovery journal cannot be written (${textOf(error)}).`,
            'Save the session.',
          )
        this.broken(this.failure)
      }
      for (const { done } of batch) done()
    }
    this.writing = null
  }

  /** The present state becomes the base. Operations are applied before they are appended, so what still waits is in it already. */
  private async compact(): Promise<void> {
    const waiting = this.queue.splice(0)
    await writeAtomic(this.path, baseLine(this.id, this.model()) + '\n', { mode: 0o600 })
    await this.handle.close()
    this.handle = await open(this.path, 'a')
    this.bytes = 0
    for (const { done } of waiting) done()
  }

  /** Ends without the mark: another session takes the place of this one, which stays in the list of what can be recovered. */
  async leave(): Promise<void> {
    await this.writing
    await this.handle.close().catch(() => {})
  }

  /** Ends in order: the mark is written and flushed. */
  async close(): Promise<void> {
    await this.append({ op: 'closed' })
    await this.handle.close().catch(() => {})
  }

  /** Ends and removes it: the session is given up or saved and closed. */
  async remove(): Promise<void> {
    await this.writing
    await this.handle.close().catch(() => {})
    await rm(this.path, { force: true })
  }
}

/** All journals of a folder, the latest change first. Unreadable ones are left alone. */
export async function readJournals(folder: string): Promise<ReadJournal[]> {
  const found: ReadJournal[] = []
  for (const name of await readdir(folder).catch(() => [] as string[])) {
    if (!/^[0-9a-f]{16}\.ndjson$/.test(name)) continue
    const path = join(folder, name)
    try {
      const facts = await stat(path)
      const journal = parseJournal(await readFile(path, 'utf8'), facts.mtimeMs)
      // One that cannot be read is put aside, for whoever wants to look at it.
      if (journal === null) await rename(path, `${path}.broken`)
      else found.push(journal)
    } catch {
      // Vanished, or not ours to read.
    }
  }
  return found.sort((a, b) => b.changedAt - a.changedAt)
}

export async function removeJournal(folder: string, id: string): Promise<void> {
  if (/^[0-9a-f]{16}$/.test(id)) await rm(join(folder, `${id}.ndjson`), { force: true })
}

export function recoverableOf({ id, model, changedAt }: ReadJournal): RecoverableSession {
  return {
    id,
    name: model.name,
    changedAt,
    t: Math.max(0, ...Object.values(model.reached)),
    commands: model.log.filter((entry) => entry.kind === 'command').length,
    path: model.path,
  }
}

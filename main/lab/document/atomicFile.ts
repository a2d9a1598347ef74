/**
 * Writing files so that a reader sees the old content or the new one, never a mixture, whatever dies when: write beside, flush, rename over,
 * flush the folder.
 */
import { randomBytes } from 'node:crypto'
import { copyFile, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { makeFolder } from '../makeFolder'
import { fileProblem, LabProblem, textOf } from '../problem'

export interface AtomicOptions {
  /** Folder that keeps previous versions as `1-NAME` (newest) … `3-NAME`; none are kept without it. */
  previous?: string
  mode?: number
}

/** Previous versions that are kept. */
export const keptVersions = 3

const draftPattern = (name: string): RegExp =>
  new RegExp(`^\\.${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}\\.[0-9a-f]{12}\\.new$`)

/** Flushes a folder, so that a rename in it survives a power cut. Not every system can; then nothing is lost but that. */
async function flushFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch {
    // Windows and some network file systems refuse to open or flush a folder.
  }
}

/** Removes drafts that a killed process left beside `path`. */
async function removeDrafts(path: string): Promise<void> {
  const pattern = draftPattern(basename(path))
  const hourAgo = Date.now() - 3_600_000
  for (const name of await readdir(dirname(path)).catch(() => [] as string[])) {
    if (!pattern.test(name)) continue
    const draft = join(dirname(path), name)
    // A fresh one may belong to somebody who is saving at this instant.
    const facts = await stat(draft).catch(() => null)
    if (facts !== null && facts.mtimeMs < hourAgo) await rm(draft, { force: true }).catch(() => {})
  }
}

/** Shifts 1 → 2 → 3 and copies the present file to 1. Failing to keep an old version never stops a save. */
async function keepPrevious(path: string, folder: string): Promise<void> {
  const at = (n: number): string => join(folder, `${n}-${basename(path)}`)
  try {
    await stat(path)
    makeFolder(folder, 0o700)
    for (let n = keptVersions - 1; n >= 1; n--) await rename(at(n), at(n + 1)).catch(() => {})
    const draft = join(folder, `.${basename(path)}.new`)
    await copyFile(path, draft)
    await rename(draft, at(1))
  } catch {
    // There is no present file, or no room for a copy of it.
  }
}

/**
 * Replaces the content of `path`.
 * @throws LabProblem disk-full, file-denied, folder-missing …; the file is then as it was
 */
export async function writeAtomic(path: string, data: Uint8Array | string, options: AtomicOptions = {}): Promise<void> {
  const draft = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.new`)
  try {
    const handle = await open(draft, 'wx', options.mode ?? 0o644)
    try {
      await handle.writeFile(data)
      await handle.sync()
    } finally {
      await handle.close()
    }
    if (options.previous !== undefined) await keepPrevious(path, options.previous)
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true }).catch(() => {})
    throw (
      fileProblem(error, path, 'write') ??
      new LabProblem(
        'save-failed',
        `${path} could not be written (${textOf(error)}); what was saved before is still there.`,
        'Save somewhere else.',
      )
    )
  }
  await flushFolder(dirname(path))
  await removeDrafts(path)
}

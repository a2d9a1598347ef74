/**
 * The bytes that the emulated host serves: read from the user's disk, or made from the seed. All of them lie in one SharedArrayBuffer,
 * every file at a page boundary, so that page frames can alias them and forks share them.
 */
import { createHash } from 'node:crypto'
import type { Stats } from 'node:fs'
import { open, readdir, stat } from 'node:fs/promises'
import { basename, isAbsolute, join, resolve } from 'node:path'
import type { Disk, FileEntry } from '../emulator'
import { fileProblem, LabProblem, textOf } from './problem'
import { formatBytes } from './units'

export const pageBytes = 4096
/** Most bytes that a lab serves. */
export const maxTotalBytes = 1 << 30
/** Most files that a lab serves. */
export const maxFiles = 100_000

/** Where served bytes came from: enough to find or make them again, and to know whether they are the same. */
export type FilesSource =
  | { kind: 'generated'; seed: number; count: number; size: number; spread: number }
  | {
      kind: 'disk'
      /** Absolute path of the file or folder. */
      path: string
      folder: boolean
      /** Relative name (the file's own name if it was a single file), `/` between parts; size in bytes. */
      files: { name: string; size: number }[]
    }

export interface LoadedFiles {
  disk: Disk
  entries: FileEntry[]
  source: FilesSource
  /** Bytes of all files without padding. */
  totalBytes: number
}

const pagesOf = (size: number): number => Math.ceil(size / pageBytes)

/** Lays files out one after the other, each on a page boundary. */
function layOut(files: readonly { path: string; size: number }[]): { bytes: Uint8Array; entries: FileEntry[] } {
  let page = 0
  const entries = files.map(({ path, size }) => {
    const entry = { path, size, diskPage: page }
    page += pagesOf(size)
    return entry
  })
  return { bytes: new Uint8Array(new SharedArrayBuffer(page * pageBytes)), entries }
}

/** xorshift128, 32 bits a step: quick, exact on every engine, and no file looks like another. */
function fillSeeded(words: Uint32Array, seed: number): void {
  let x = (seed ^ 0x9e3779b9) >>> 0 || 1
  let y = 0x243f6a88
  let z = 0xb7e15162
  let w = Math.imul(seed + 1, 0x85ebca6b) | 1
  for (let i = 0; i < words.length; i++) {
    const t = x ^ (x << 11)
    x = y
    y = z
    z = w
    w = w ^ (w >>> 19) ^ t ^ (t >>> 8)
    words[i] = w
  }
}

/** A seeded set of files. `spread` 0 … 1 varies the sizes evenly around `size`. */
export function generateFiles(options: { seed: number; count: number; size: number; spread: number }): LoadedFiles {
  const { seed, count, size, spread } = options
  const draws = new Uint32Array(count)
  fillSeeded(draws, seed ^ 0x5bd1e995)
  const digits = String(count - 1).length
  const files = Array.from(draws, (draw, i) => ({
    path: `/www/file-${String(i).padStart(digits, '0')}.bin`,
    size: Math.max(1, Math.round(size * (1 - spread + (2 * spread * draw) / 0xffffffff))),
  }))
  const totalBytes = files.reduce((sum, file) => sum + file.size, 0)
  if (totalBytes > maxTotalBytes)
    throw new LabProblem(
      'files-too-large',
      `files.generate asks for ${formatBytes(totalBytes)}; a lab serves at most ${formatBytes(maxTotalBytes)}.`,
      'Make the files fewer or smaller.',
    )
  const { bytes, entries } = layOut(files)
  entries.forEach((entry, i) => {
    const start = entry.diskPage * pageBytes
    const words = new Uint32Array(bytes.buffer, start, (pagesOf(entry.size) * pageBytes) / 4)
    fillSeeded(words, Math.imul(seed, 2654435761) + i)
    // Behind the end of a file a page holds zeros, as the kernel leaves it.
    bytes.fill(0, start + entry.size, start + pagesOf(entry.size) * pageBytes)
  })
  return { disk: { bytes }, entries, source: { kind: 'generated', seed, count, size, spread }, totalBytes }
}

interface Found {
  name: string
  path: string
  size: number
}

function tooLarge(path: string, size: string): LabProblem {
  return new LabProblem(
    'files-too-large',
    `${path} holds ${size}; a lab serves at most ${formatBytes(maxTotalBytes)}.`,
    'Choose a smaller file or folder.',
  )
}

/** Regular files below a folder, in an order that does not depend on the system. Links to folders are not followed. */
async function walk(root: string): Promise<Found[]> {
  const found: Found[] = []
  let total = 0
  const visit = async (folder: string, prefix: string): Promise<void> => {
    const entries = await reading(folder, () => readdir(folder, { withFileTypes: true }))
    entries.sort((a, b) => (a.name < b.name ? -1 : 1))
    for (const entry of entries) {
      const path = join(folder, entry.name)
      const name = prefix + entry.name
      if (entry.isDirectory()) await visit(path, `${name}/`)
      else if (entry.isFile() || entry.isSymbolicLink()) {
        const facts = await reading(path, () => stat(path))
        if (!facts.isFile() || facts.size === 0) continue
        total += facts.size
        if (total > maxTotalBytes) throw tooLarge(root, `more than ${formatBytes(maxTotalBytes)}`)
        found.push({ name, path, size: facts.size })
        if (found.length > maxFiles)
          throw new LabProblem(
            'files-too-many',
            `${root} holds more than ${maxFiles} files.`,
            'Choose a folder with fewer files.',
          )
      }
    }
  }
  await visit(root, '')
  return found
}

/** Runs a file operation and turns a system error into a problem that names `path`. */
async function reading<T>(path: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation()
  } catch (error) {
    if (error instanceof LabProblem) throw error
    throw (
      fileProblem(error, path, 'read') ??
      new LabProblem('file-unreadable', `${path} cannot be read (${textOf(error)}).`, 'Choose another file.')
    )
  }
}

function changed(path: string): LabProblem {
  return new LabProblem(
    'file-changed',
    `${path} changed or vanished while it was read.`,
    'Wait until nothing writes to it any more, then try again.',
  )
}

const chunkBytes = 8 << 20

async function readInto(target: Uint8Array, path: string): Promise<void> {
  const handle = await reading(path, () => open(path, 'r'))
  try {
    const before = await reading(path, () => handle.stat())
    if (before.size !== target.length) throw changed(path)
    let at = 0
    while (at < target.length) {
      const length = Math.min(chunkBytes, target.length - at)
      const { bytesRead } = await reading(path, () => handle.read(target, at, length, at))
      if (bytesRead === 0) throw changed(path)
      at += bytesRead
    }
    const after = await reading(path, () => handle.stat())
    if (after.size !== before.size || after.mtimeMs !== before.mtimeMs) throw changed(path)
  } finally {
    await handle.close()
  }
}

/**
 * Reads a file, or every file of a folder, of the user's disk. Empty files are left out.
 *
 * @param path absolute, or relative to `base`
 * @throws LabProblem file-missing, file-denied, files-too-large, files-too-many, files-empty, file-changed, out-of-memory
 */
export async function readFiles(path: string, base = '.'): Promise<LoadedFiles> {
  const root = isAbsolute(path) ? path : resolve(base, path)
  const facts: Stats = await reading(path, () => stat(root))
  const folder = facts.isDirectory()
  if (!folder && !facts.isFile())
    throw new LabProblem('file-unreadable', `${path} is neither a file nor a folder.`, 'Choose a file or a folder.')
  if (!folder && facts.size > maxTotalBytes) throw tooLarge(path, formatBytes(facts.size))
  const found = folder ? await walk(root) : [{ name: basename(root), path: root, size: facts.size }]
  const totalBytes = found.reduce((sum, file) => sum + file.size, 0)
  if (totalBytes === 0)
    throw new LabProblem(
      'files-empty',
      folder ? `The folder ${path} holds no file with anything in it.` : `The file ${path} is empty.`,
      folder ? 'Choose a folder with files.' : 'Choose a file with content.',
    )
  const { bytes, entries } = allocate(
    found.map(({ name, size }) => ({ path: `/www/${name}`, size })),
    path,
  )
  for (let i = 0; i < found.length; i++) {
    const { diskPage, size } = entries[i]
    await readInto(bytes.subarray(diskPage * pageBytes, diskPage * pageBytes + size), found[i].path)
  }
  return {
    disk: { bytes },
    entries,
    source: { kind: 'disk', path: root, folder, files: found.map(({ name, size }) => ({ name, size })) },
    totalBytes,
  }
}

function allocate(files: readonly { path: string; size: number }[], path: string): ReturnType<typeof layOut> {
  try {
    return layOut(files)
  } catch {
    throw new LabProblem(
      'out-of-memory',
      `There is not enough memory for the files of ${path}.`,
      'Close other programs, or choose a smaller file or folder.',
    )
  }
}

/** Bytes of one file: a view, not a copy. */
export function fileBytes(files: LoadedFiles, entry: FileEntry): Uint8Array {
  const start = entry.diskPage * pageBytes
  return files.disk.bytes.subarray(start, start + entry.size)
}

/** SHA-256 of every file, lower-case hexadecimal, in the order of the entries. Gives way to other work between files and chunks. */
export async function digestFiles(files: LoadedFiles): Promise<string[]> {
  const digests: string[] = []
  for (const entry of files.entries) {
    const bytes = fileBytes(files, entry)
    const hash = createHash('sha256')
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      hash.update(bytes.subarray(at, at + chunkBytes))
      await new Promise((go) => setImmediate(go))
    }
    digests.push(hash.digest('hex'))
  }
  return digests
}

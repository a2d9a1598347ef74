/**
 * The user's own files in a session: named by their content, found again by content when a document is opened. Small ones travel inside the
 * document; of large ones it knows name, size and SHA-256, and where they lay relative to it. Absolute places are remembered in the
 * user-data folder only.
 */
import { readFile } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { basename, dirname, join } from 'node:path'
import { z } from 'zod'
import { writeAtomic } from '../document/atomicFile'
import type { SessionPart } from '../document/format'
import { embedLimitBytes } from '../document/write'
import { digestFiles, fileBytes, pageBytes, readFiles, type LoadedFiles } from '../files'
import { LabProblem } from '../problem'
import type { FilesReference } from './model'

type DocumentFiles = NonNullable<SessionPart['files']>

const placesSchema = z.array(z.object({ key: z.string(), path: z.string() }))
const mostPlaces = 200

/** Identity of a set of files: names, sizes and digests. */
function keyOf(files: readonly { name: string; sha256: string }[]): string {
  const hash = createHash('sha256')
  for (const { name, sha256 } of files) hash.update(`${name}\n${sha256}\n`)
  return hash.digest('hex')
}

async function readPlaces(userData: string): Promise<z.infer<typeof placesSchema>> {
  const text = await readFile(join(userData, 'places.json'), 'utf8').catch(() => '[]')
  try {
    return placesSchema.parse(JSON.parse(text))
  } catch {
    return []
  }
}

/** Remembers where files lay on this computer. Losing this costs a question, nothing else. */
export async function rememberPlace(userData: string, files: FilesReference): Promise<void> {
  if (files.kind !== 'disk' || files.path === null || files.files.some(({ sha256 }) => sha256 === '')) return
  const key = keyOf(files.files)
  const places = (await readPlaces(userData)).filter((place) => place.key !== key)
  places.unshift({ key, path: files.path })
  await writeAtomic(join(userData, 'places.json'), JSON.stringify(places.slice(0, mostPlaces))).catch(() => {})
}

/** How a session refers to loaded files; digests come later. */
export function referenceOf(files: LoadedFiles): FilesReference {
  if (files.source.kind === 'generated') return { kind: 'generated' }
  const { path, folder, files: list } = files.source
  return { kind: 'disk', path, folder, name: basename(path), files: list.map((file) => ({ ...file, sha256: '' })) }
}

/** The reference with digests. */
export async function withDigests(reference: FilesReference, files: LoadedFiles): Promise<FilesReference> {
  if (reference.kind !== 'disk' || reference.files.every(({ sha256 }) => sha256 !== '')) return reference
  const digests = await digestFiles(files)
  return { ...reference, files: reference.files.map((file, i) => ({ ...file, sha256: digests[i] })) }
}

/** Bytes to put into the document, or null if they are too many. */
export function embeddable(files: LoadedFiles): Uint8Array[] | null {
  if (files.source.kind !== 'disk' || files.totalBytes > embedLimitBytes) return null
  return files.entries.map((entry) => fileBytes(files, entry).slice())
}

/** Files whose bytes came with the document. */
export function filesFromDocument(document: DocumentFiles, parts: readonly Uint8Array[]): LoadedFiles {
  let page = 0
  const entries = document.list.map(({ name, bytes }) => {
    const entry = { path: `/www/${name}`, size: bytes, diskPage: page }
    page += Math.ceil(bytes / pageBytes)
    return entry
  })
  const bytes = new Uint8Array(new SharedArrayBuffer(page * pageBytes))
  entries.forEach(({ diskPage }, i) => bytes.set(parts[i], diskPage * pageBytes))
  return {
    disk: { bytes },
    entries,
    totalBytes: entries.reduce((sum, { size }) => sum + size, 0),
    source: {
      kind: 'disk',
      path: document.name,
      folder: document.folder,
      files: document.list.map(({ name, bytes: size }) => ({ name, size })),
    },
  }
}

/** Whether loaded files are those that were meant; a sentence part naming the first that is not, or null. */
async function mismatch(
  files: LoadedFiles,
  wanted: readonly { name: string; size: number; sha256: string }[],
): Promise<string | null> {
  if (files.source.kind !== 'disk') return 'it is something else'
  const found = new Map(files.source.files.map(({ name, size }, i) => [name, { size, i }]))
  if (wanted.length === 1 && files.source.files.length === 1 && files.source.files[0].size !== wanted[0].size)
    return `it has ${files.source.files[0].size} bytes instead of ${wanted[0].size}`
  const missing = wanted.find(({ name }) => !found.has(name))
  if (missing !== undefined && wanted.length > 1) return `${missing.name} is missing`
  if (files.source.files.length !== wanted.length) return 'files were added'
  const digests = await digestFiles(files)
  const changed = wanted.find(({ name, sha256 }, i) => sha256 !== '' && digests[found.get(name)?.i ?? i] !== sha256)
  return changed === undefined ? null : `the content of ${changed.name} has changed`
}

/**
 * Finds and reads the files of a document or journal: where it lay beside the document, where it lay on this computer.
 * @throws LabProblem `file-missing` or `file-changed`, naming the file and what to do
 */
export async function findFiles(
  wanted: {
    name: string
    folder: boolean
    beside?: string
    path?: string | null
    files: { name: string; size: number; sha256: string }[]
  },
  documentPath: string | null,
  userData: string,
): Promise<{ files: LoadedFiles; path: string }> {
  const candidates: string[] = []
  if (documentPath !== null && wanted.beside !== undefined)
    candidates.push(join(dirname(documentPath), ...wanted.beside.split('/')))
  if (documentPath !== null) candidates.push(join(dirname(documentPath), wanted.name))
  if (wanted.path !== undefined && wanted.path !== null) candidates.push(wanted.path)
  const key = keyOf(wanted.files)
  for (const place of await readPlaces(userData)) if (place.key === key) candidates.push(place.path)
  let fault: string | null = null
  for (const path of new Set(candidates)) {
    let files: LoadedFiles
    try {
      files = await readFiles(path)
    } catch (error) {
      if (error instanceof LabProblem && error.code === 'file-missing') continue
      throw error
    }
    const different = await mismatch(files, wanted.files)
    // Under another name it is still the same content; in the emulated host it keeps the name that it had.
    if (different === null && wanted.files.length === 1) files.entries[0].path = `/www/${wanted.files[0].name}`
    if (different === null) return { files, path }
    fault ??= different
  }
  const what = wanted.folder ? 'folder' : 'file'
  if (fault !== null)
    throw new LabProblem(
      'file-changed',
      `The ${what} ${wanted.name}, which this session serves, is not the same any more: ${fault}.`,
      `Put the original back, or beside the document; the session was not changed.`,
      wanted.files.map(({ name, size, sha256 }) => `${name}, ${size} bytes, SHA-256 ${sha256}`).join('\n'),
    )
  throw new LabProblem(
    'file-missing',
    `The ${what} ${wanted.name}, which this session serves, cannot be found.`,
    `Put it into the folder of the document, or back to its old place, and open the session again.`,
    wanted.files.map(({ name, size, sha256 }) => `${name}, ${size} bytes, SHA-256 ${sha256}`).join('\n'),
  )
}

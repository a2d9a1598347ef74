/** A session as a `.nomaplab` document. */
import { createHash } from 'node:crypto'
import { dirname, relative, sep } from 'node:path'
import { writtenScenario } from '../scenario/written'
import { lettersOf } from '../session/log'
import type { SessionModel } from '../session/model'
import { formatName, formatVersion, neededVersion, partNames, type Manifest, type SessionPart } from './format'
import { checksummed } from './lines'
import { writeZip, type Part } from './zip'

/** User's files of up to this size together go into the document, so that it can be handed on as one file. */
export const embedLimitBytes = 1 << 20

/** Samples of a branch, a cache. */
export interface SeriesCache {
  letter: string
  times: Float64Array
  /** `times.length × names.length` values, row after row. */
  values: Float64Array
}

export interface DocumentContent {
  model: SessionModel
  /** Version of the application and revision of the model. */
  application: string
  revision: string
  /** Bytes of the user's files in the order of `model.files`, if they are to be embedded. */
  embed: Uint8Array[] | null
  series: { names: readonly string[]; branches: SeriesCache[] } | null
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const json = (value: unknown): Uint8Array => text(JSON.stringify(value, null, 1) + '\n')
const lines = (values: readonly object[]): Uint8Array => text(values.map((value) => checksummed(value) + '\n').join(''))

/** Bytes of doubles as they lie in the document: little-endian, which is what every platform of ours has. */
const doubles = (values: Float64Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength)

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** How a path is named from the document's folder, or undefined if it does not lie beside or below it. */
function besideOf(path: string, document: string): string | undefined {
  const name = relative(dirname(document), path)
  return name === '' || name.startsWith('..') || name.includes(':') ? undefined : name.split(sep).join('/')
}

/** The document for `path` (which decides what lies beside it). No path of this computer is put into it. */
export function writeDocument(content: DocumentContent, path: string): Uint8Array {
  const { model } = content
  const session: SessionPart = {
    scenarioId: model.scenarioId,
    branches: lettersOf(model.log).map((letter) => ({
      letter,
      name: model.names[letter] ?? '',
      baseline: letter === model.baseline,
      t: model.reached[letter] ?? 0,
    })),
    speed: model.speed,
    exercise: model.exercise,
  }
  const parts: Part[] = []
  const add = (name: string, bytes: Uint8Array, plain = false): number => parts.push({ name, bytes, plain })
  const scenario = writtenScenario(model.scenario)
  if (model.files.kind === 'disk') {
    const { name, folder, files } = model.files
    const beside = model.files.path === null ? undefined : besideOf(model.files.path, path)
    session.files = {
      name,
      folder,
      ...(beside !== undefined && { beside }),
      embedded: content.embed !== null,
      list: files.map((file) => ({ name: file.name, bytes: file.size, sha256: file.sha256 })),
    }
    // The place on this computer is nobody's business.
    delete scenario.files.path
  }
  // What everything else can be computed from comes first and uncompressed.
  add(partNames.scenario, json(scenario), true)
  add(partNames.session, json(session), true)
  add(partNames.commands, lines(model.log), true)
  if (model.predictions.length > 0) add(partNames.predictions, lines(model.predictions), true)
  if (model.notes !== '') add(partNames.notes, text(model.notes))
  if (model.report !== '') add(partNames.report, text(model.report))
  if (model.layout !== null) add(partNames.layout, json(model.layout))
  content.embed?.forEach((bytes, i) => add(`files/${i}`, bytes))
  if (content.series !== null) {
    const { names, branches } = content.series
    const index = branches.map(({ letter, times }) => ({ letter, count: times.length }))
    add(partNames.series, json({ counters: names, branches: index }))
    for (const { letter, times, values } of branches) {
      add(`series/${letter}.times.f64`, doubles(times))
      add(`series/${letter}.values.f64`, doubles(values))
    }
  }
  const manifest: Manifest = {
    format: formatName,
    version: formatVersion,
    needs: neededVersion,
    application: content.application,
    revision: content.revision,
    created: model.created,
    changed: model.changed,
    title: model.name,
    language: 'en',
    parts: Object.fromEntries(parts.map(({ name, bytes }) => [name, { sha256: sha256(bytes), bytes: bytes.length }])),
  }
  return writeZip([{ name: partNames.manifest, bytes: json(manifest), plain: true }, ...parts])
}

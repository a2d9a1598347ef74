/** Reads `.nomaplab` documents: whole ones, older ones, and the good part of damaged ones. */
import { basename } from 'node:path'
import { LabProblem } from '../problem'
import { checkScenario } from '../scenario/load'
import { checkLog, commandsOf, lettersOf, logEntry, type LogEntry } from '../session/log'
import { newModel, predictionSchema, type SessionModel } from '../session/model'
import {
  formatName,
  formatVersion,
  manifestHead,
  manifestSchema,
  partNames,
  sessionPart,
  upgrade,
  type Manifest,
  type Parts,
  type SessionPart,
} from './format'
import { readLines } from './lines'
import { sha256, type SeriesCache } from './write'
import { looksLikeZip, readZip } from './zip'

export interface ReadDocument {
  model: SessionModel
  /** How the user's files are known; undefined where the scenario makes them. */
  files: SessionPart['files']
  /** Embedded bytes, in the order of the list. */
  embedded: Uint8Array[] | null
  series: { names: string[]; branches: SeriesCache[] } | null
  /** Revision of the model that wrote it. */
  revision: string
  /** What was found broken and does no harm, in sentences. */
  remarks: string[]
}

export interface ReadOptions {
  /** Open the part of a damaged log that is good. */
  keepGoodPart?: boolean
  /** Where earlier versions of the document are kept, for the remedy. */
  previous?: string
}

const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

function parseJson(bytes: Uint8Array | undefined): unknown {
  if (bytes === undefined) return undefined
  try {
    return JSON.parse(decode(bytes))
  } catch {
    return undefined
  }
}

/**
 * @param path only for its name in messages, and for the model
 * @throws LabProblem `not-a-document`, `document-newer`, `document-damaged` (nothing can be opened), `log-damaged` (a good part can)
 */
export function readDocument(bytes: Uint8Array, path: string, options: ReadOptions = {}): ReadDocument {
  const name = basename(path)
  const previous =
    options.previous === undefined
      ? 'Open a copy that you made earlier.'
      : `Open a copy that you made earlier; up to three previous versions are kept in ${options.previous}.`
  const damaged = (what: string): LabProblem =>
    new LabProblem('document-damaged', `${name} is damaged: ${what}. It was not changed.`, previous)
  if (!looksLikeZip(bytes))
    throw bytes.length === 0
      ? damaged('it is empty')
      : new LabProblem('not-a-document', `${name} is not a document of nomap lab.`, 'Choose a .nomaplab file.')
  const zip = readZip(bytes)
  const head = manifestHead.safeParse(parseJson(zip.parts.get(partNames.manifest)))
  if (!head.success) {
    if (!zip.damaged && !zip.parts.has(partNames.manifest))
      throw new LabProblem('not-a-document', `${name} is not a document of nomap lab.`, 'Choose a .nomaplab file.')
    throw damaged('its manifest cannot be read')
  }
  if (head.data.format !== formatName)
    throw new LabProblem('not-a-document', `${name} is not a session of nomap lab.`, 'Choose a .nomaplab file.')
  if (head.data.version > formatVersion)
    throw new LabProblem(
      'document-newer',
      `${name} was written in format ${head.data.version}; this nomap lab reads formats up to ${formatVersion}.`,
      `Open it with nomap lab ${head.data.needs} or newer. The file was not changed.`,
    )
  const parts = upgrade(zip.parts, head.data.version)
  const manifest = manifestSchema.safeParse(parseJson(parts.get(partNames.manifest)))
  if (!manifest.success) throw damaged('its manifest cannot be read')
  const read = assemble(parts, manifest.data, head.data.version === formatVersion, path, damaged, options)
  if (zip.damaged) read.remarks.unshift(`${name} was damaged or cut short; what could be read was kept.`)
  return read
}

function assemble(
  parts: Parts,
  manifest: Manifest,
  digestsHold: boolean,
  path: string,
  damaged: (what: string) => LabProblem,
  options: ReadOptions,
): ReadDocument {
  const remarks: string[] = []
  /** A part that is as it was written; undefined if it is missing or broken. An upgraded part has no digest any more. */
  const whole = (part: string): Uint8Array | undefined => {
    const bytes = parts.get(part)
    const digest = manifest.parts[part]
    if (bytes === undefined || digest === undefined) return undefined
    return !digestsHold || sha256(bytes) === digest.sha256 ? bytes : undefined
  }
  const scenarioBytes = whole(partNames.scenario)
  if (scenarioBytes === undefined) throw damaged('the scenario in it is broken')
  const scenario = checkScenario(parseJson(scenarioBytes), `${basename(path)}, ${partNames.scenario}`)
  const session = sessionPart.safeParse(parseJson(whole(partNames.session)))
  const log = readLog(parts, whole(partNames.commands) !== undefined, path, options, remarks)

  const model = newModel({
    name: manifest.title,
    scenarioId: session.success ? session.data.scenarioId : 'unknown',
    scenario,
    files: { kind: 'generated' },
    now: new Date(0),
  })
  model.path = path
  model.created = manifest.created
  model.changed = manifest.changed
  model.log = log.entries
  const alive = lettersOf(log.entries)
  if (session.success) {
    for (const { letter, name, baseline, t } of session.data.branches) {
      if (!alive.includes(letter)) continue
      model.names[letter] = name
      model.reached[letter] = t
      if (baseline) model.baseline = letter
    }
    model.speed = session.data.speed
    model.exercise = session.data.exercise
  } else {
    if (scenario.files.path === undefined && scenario.files.generate === undefined)
      throw damaged('the part that names its files is broken')
    remarks.push('Names of the runs and the times they had reached were broken; the runs begin again.')
  }
  // Nothing lies later than where a run had come; and where that is not known, it comes as far as its last command.
  for (const letter of alive) {
    const last = commandsOf(log.entries, letter).at(-1)?.t ?? 0
    model.reached[letter] = Math.max(log.cut ? 0 : (model.reached[letter] ?? 0), last)
  }

  const optional = (part: string, what: string): Uint8Array | undefined => {
    const bytes = whole(part)
    if (bytes === undefined && (parts.has(part) || part in manifest.parts)) remarks.push(`${what} broken and left out.`)
    return bytes
  }
  const notes = optional(partNames.notes, 'The notes were')
  if (notes !== undefined) model.notes = decode(notes)
  const report = optional(partNames.report, 'The report was')
  if (report !== undefined) model.report = decode(report)
  const predictions = optional(partNames.predictions, 'Predictions were')
  if (predictions !== undefined)
    model.predictions = readLines(decode(predictions), (line) => predictionSchema.safeParse(line).data ?? null).values
  // A layout never stands in the way of opening: a broken one is the default one.
  model.layout = parseJson(whole(partNames.layout)) ?? null

  const files = session.success ? session.data.files : undefined
  let embedded: Uint8Array[] | null = null
  if (files?.embedded === true) {
    const found = files.list.map((_, i) => whole(`files/${i}`))
    if (found.every((bytes) => bytes !== undefined)) embedded = found
    else remarks.push('The files in it were broken; they are looked for on the disk.')
  }
  return { model, files, embedded, series: readSeries(whole, parts, remarks), revision: manifest.revision, remarks }
}

function readLog(
  parts: Parts,
  intact: boolean,
  path: string,
  options: ReadOptions,
  remarks: string[],
): { entries: LogEntry[]; cut: boolean } {
  const text = decode(parts.get(partNames.commands) ?? new Uint8Array(0))
  const lines = readLines(text, (line) => logEntry.safeParse(line).data ?? null)
  const checked = checkLog(lines.values)
  if (intact && lines.badLine === null && checked.fault === null) return { entries: lines.values, cut: false }
  let good = Math.min(lines.values.length, checked.good)
  while (good > 0 && checkLog(lines.values.slice(0, good)).fault !== null) good--
  const entries = lines.values.slice(0, good)
  const commands = entries.filter((entry) => entry.kind === 'command').length
  const plural = commands === 1 ? '1 command' : `${commands} commands`
  if (options.keepGoodPart !== true)
    throw new LabProblem(
      'log-damaged',
      `${basename(path)} is damaged: line ${good + 1} of ${partNames.commands} is broken; ${plural} before it ${commands === 1 ? 'is' : 'are'} good. The file was not changed.`,
      'Open the good part, then save it under another name.',
    )
  remarks.push(
    `The command log was damaged from line ${good + 1} on; ${plural} before it ${commands === 1 ? 'was' : 'were'} kept.`,
  )
  return { entries, cut: true }
}

function readSeries(
  whole: (part: string) => Uint8Array | undefined,
  parts: Parts,
  remarks: string[],
): ReadDocument['series'] {
  const index = parseJson(whole(partNames.series)) as
    { counters: string[]; branches: { letter: string; count: number }[] } | undefined
  const broken = (): null => {
    if (parts.has(partNames.series)) remarks.push('Stored samples were broken; they are computed again.')
    return null
  }
  if (index === undefined || !Array.isArray(index.counters) || !Array.isArray(index.branches)) return broken()
  const branches: SeriesCache[] = []
  for (const { letter, count } of index.branches) {
    const times = whole(`series/${letter}.times.f64`)
    const values = whole(`series/${letter}.values.f64`)
    if (times?.length !== count * 8 || values?.length !== count * 8 * index.counters.length) return broken()
    branches.push({
      letter,
      times: new Float64Array(times.slice().buffer),
      values: new Float64Array(values.slice().buffer),
    })
  }
  return { names: index.counters, branches }
}

/**
 * A session as plain data, and the operations that change it. Whatever a user does is one operation: it is applied here, written to the
 * recovery journal, and a document is a model written down. So journal, document and window cannot disagree.
 */
import { z } from 'zod'
import { branchLetter, type BranchLetter } from '../../../preload/contract'
import type { Scenario } from '../scenario/schema'
import { lastChange, lettersOf, logEntry, type LogEntry } from './log'

/** Files of the user that a session serves: named by content. `path` stays on this computer (journal), it is not put into documents. */
export const filesReference = z.discriminatedUnion('kind', [
  /** Made from the scenario (`files.generate`). */
  z.strictObject({ kind: z.literal('generated') }),
  z.strictObject({
    kind: z.literal('disk'),
    /** Absolute path, or null once it is only known by content. */
    path: z.string().nullable(),
    folder: z.boolean(),
    /** Last part of the path. */
    name: z.string(),
    files: z.array(
      z.strictObject({
        name: z.string(),
        size: z.number().int().nonnegative(),
        /** Lower-case hexadecimal; empty until it was computed. */
        sha256: z.string(),
      }),
    ),
  }),
])
export type FilesReference = z.infer<typeof filesReference>

export const predictionSchema = z.strictObject({
  exercise: z.string(),
  id: z.string(),
  value: z.string(),
  /** Virtual time of the most advanced run. */
  t: z.number(),
  /** Highest number of the log when it was stored: what came after it is later, also at the same virtual time. */
  after: z.number().int().nonnegative(),
  /** Wall time, ISO 8601. */
  at: z.string(),
  /** What the model gave, once it could be said. */
  result: z.string().nullable(),
})
export type Prediction = z.infer<typeof predictionSchema>

export const exerciseProgress = z.strictObject({
  id: z.string(),
  step: z.number().int().nonnegative(),
  answers: z.record(z.string(), z.string()),
  /** Things done that leave no trace in the log: `compare`, `save`, `undo` … */
  used: z.array(z.string()),
  /** Checks that passed, with the evidence of that moment, by id. */
  passed: z.record(z.string(), z.string()),
})
export type ExerciseProgress = z.infer<typeof exerciseProgress>

const reached = z.record(z.string(), z.number().int().nonnegative())

export interface SessionModel {
  name: string
  /** Document, or null if it was never saved. */
  path: string | null
  /** ISO 8601, UTC. */
  created: string
  changed: string
  /** Wall time of the last save, ms since 1970. */
  savedAt: number | null
  unsaved: boolean
  scenarioId: string
  scenario: Scenario
  files: FilesReference
  log: LogEntry[]
  /** What Redo would bring back, the next one last. */
  undone: LogEntry[][]
  /** Names of branches by letter. */
  names: { [letter: string]: string }
  baseline: BranchLetter
  /** Virtual time reached by letter. */
  reached: { [letter: string]: number }
  speed: number
  notes: string
  report: string
  layout: unknown
  predictions: Prediction[]
  exercise: ExerciseProgress | null
}

export const operation = z.discriminatedUnion('op', [
  z.strictObject({ op: z.literal('entry'), entry: logEntry }),
  z.strictObject({
    op: z.literal('status'),
    id: z.number().int(),
    status: z.number().int(),
    changed: z.boolean(),
  }),
  z.strictObject({ op: z.literal('undo') }),
  z.strictObject({ op: z.literal('redo') }),
  z.strictObject({ op: z.literal('rename'), name: z.string() }),
  z.strictObject({ op: z.literal('texts'), notes: z.string().optional(), report: z.string().optional() }),
  z.strictObject({ op: z.literal('layout'), layout: z.unknown() }),
  z.strictObject({ op: z.literal('branchName'), branch: branchLetter, name: z.string() }),
  z.strictObject({ op: z.literal('baseline'), branch: branchLetter }),
  z.strictObject({ op: z.literal('reached'), reached }),
  z.strictObject({ op: z.literal('speed'), speed: z.number() }),
  z.strictObject({ op: z.literal('files'), files: filesReference }),
  z.strictObject({ op: z.literal('predict'), prediction: predictionSchema }),
  z.strictObject({ op: z.literal('predicted'), exercise: z.string(), id: z.string(), result: z.string() }),
  z.strictObject({ op: z.literal('exercise'), exercise: exerciseProgress.nullable() }),
  z.strictObject({ op: z.literal('saved'), path: z.string(), at: z.number() }),
])
export type Operation = z.infer<typeof operation>

/** What a new session starts with. */
export function newModel(start: {
  name: string
  scenarioId: string
  scenario: Scenario
  files: FilesReference
  now: Date
}): SessionModel {
  const { name, scenarioId, scenario, files, now } = start
  return {
    name,
    path: null,
    created: now.toISOString(),
    changed: now.toISOString(),
    savedAt: null,
    unsaved: false,
    scenarioId,
    scenario,
    files,
    log: [],
    undone: [],
    names: {},
    baseline: 'A',
    reached: { A: 0 },
    speed: 0,
    notes: '',
    report: '',
    layout: null,
    predictions: [],
    exercise: null,
  }
}

/** Operations that are not worth the unsaved mark: where one has come to, how it looks. */
const quiet = new Set<Operation['op']>(['reached', 'layout', 'speed', 'files', 'saved', 'predicted'])

/** Applies an operation; the model given is not changed. */
export function apply(model: SessionModel, op: Operation, now = new Date()): SessionModel {
  const next: SessionModel = { ...model }
  if (!quiet.has(op.op)) {
    next.unsaved = true
    next.changed = now.toISOString()
  }
  switch (op.op) {
    case 'entry': {
      const { entry } = op
      next.log = [...model.log, entry]
      // A new change ends what could be redone; reading the state does not, and is marked only when it has ended.
      if (entry.kind === 'fork' || entry.kind === 'delete') next.undone = []
      if (entry.kind === 'fork') next.names = { ...model.names, [entry.branch]: '' }
      break
    }
    case 'status':
      next.log = model.log.map((entry) =>
        entry.id === op.id && entry.kind === 'command' ? { ...entry, status: op.status, changed: op.changed } : entry,
      )
      if (op.changed) next.undone = []
      break
    case 'undo': {
      const gone = lastChange(model.log)
      if (gone.length === 0) return model
      next.log = model.log.filter((entry) => !gone.includes(entry))
      next.undone = [...model.undone, gone]
      break
    }
    case 'redo': {
      const back = model.undone.at(-1)
      if (back === undefined) return model
      next.log = [...model.log, ...back]
      next.undone = model.undone.slice(0, -1)
      break
    }
    case 'rename':
      next.name = op.name
      break
    case 'texts':
      if (op.notes !== undefined) next.notes = op.notes
      if (op.report !== undefined) next.report = op.report
      break
    case 'layout':
      next.layout = op.layout
      break
    case 'branchName':
      next.names = { ...model.names, [op.branch]: op.name }
      break
    case 'baseline':
      next.baseline = op.branch
      break
    case 'reached':
      next.reached = op.reached
      break
    case 'speed':
      next.speed = op.speed
      break
    case 'files':
      next.files = op.files
      break
    case 'predict':
      next.predictions = [...model.predictions, op.prediction]
      break
    case 'predicted':
      next.predictions = model.predictions.map((prediction) =>
        prediction.exercise === op.exercise && prediction.id === op.id
          ? { ...prediction, result: op.result }
          : prediction,
      )
      break
    case 'exercise':
      next.exercise = op.exercise
      break
    case 'saved':
      next.path = op.path
      next.savedAt = op.at
      next.unsaved = false
      break
  }
  const alive = lettersOf(next.log)
  if (!alive.includes(next.baseline)) next.baseline = alive[0] ?? 'A'
  return next
}

/** A number for the next entry of the log. */
export function nextId(model: SessionModel): number {
  let highest = 0
  for (const entry of model.log) highest = Math.max(highest, entry.id)
  for (const group of model.undone) for (const entry of group) highest = Math.max(highest, entry.id)
  return highest + 1
}

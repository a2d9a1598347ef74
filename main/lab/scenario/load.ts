/** Reads scenario files: YAML with positions, checked by the schema, every fault one sentence with file, line, field and remedy. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { isNode, LineCounter, parseDocument, type Document } from 'yaml'
import { z } from 'zod'
import type { ScenarioSummary } from '../../../preload/contract'
import { didYouMean } from '../nearMatches'
import { fileProblem, LabProblem, textOf } from '../problem'
import { scenarioSchema, type Scenario } from './schema'

/** A scenario as read: checked values, and the plain values as written, on which `--set` works. */
export interface LoadedScenario {
  /** Name by which it was asked for, for instance `first-lab`. */
  id: string
  /** Folder of the file: relative `files.path` entries start here. Null for text that came from elsewhere (a document). */
  folder: string | null
  /** What the file says, before units were read. */
  written: { [key: string]: unknown }
  scenario: Scenario
}

type Issue = z.core.$ZodIssue

function fieldName(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : text === '' ? String(key) : `${text}.${String(key)}`),
    '',
  )
}

/** Keys that an object schema knows at `path`, for "did you mean". */
export function knownKeys(path: readonly PropertyKey[]): string[] {
  let schema: unknown = scenarioSchema
  for (const key of path) {
    schema = inner(schema)
    if (schema instanceof z.ZodObject) schema = (schema.shape as Record<string, unknown>)[String(key)]
    else if (schema instanceof z.ZodArray) schema = schema.element
    else return []
  }
  schema = inner(schema)
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : []
}

/** The schema inside defaults, options, pipes and refinements. */
function inner(schema: unknown): unknown {
  let at = schema
  for (;;) {
    if (at instanceof z.ZodDefault || at instanceof z.ZodPrefault || at instanceof z.ZodOptional) at = at.unwrap()
    else if (at instanceof z.ZodPipe) at = at.in
    else return at
  }
}

/** One issue in words, without the place. */
function describe(issue: Issue): { message: string; remedy: string; path: PropertyKey[] } {
  const path = [...issue.path]
  const field = fieldName(path)
  switch (issue.code) {
    case 'unrecognized_keys': {
      const key = issue.keys[0]
      const known = knownKeys(path)
      const place = field === '' ? 'a scenario' : field
      return {
        message: `${place} has no field ${JSON.stringify(key)}.`,
        remedy: didYouMean(key, known, `Its fields are ${known.join(', ')}.`),
        path: [...path, key],
      }
    }
    case 'invalid_type': {
      const missing = issue.input === undefined
      return {
        message: missing ? `${field} is missing.` : `${field} should be ${article(issue.expected)}.`,
        remedy: missing ? `Add it; the manual lists the fields of a scenario.` : 'Correct it.',
        path,
      }
    }
    case 'invalid_value': {
      const values = issue.values.map((value) => String(value))
      return issue.message.startsWith('is ')
        ? { message: `${field} ${issue.message}.`, remedy: 'Use a newer nomap lab, or correct the number.', path }
        : { message: `${field} is none of ${values.join(', ')}.`, remedy: `Write one of them.`, path }
    }
    case 'too_small':
      return { message: `${field} is too small or too short.`, remedy: `The least is ${String(issue.minimum)}.`, path }
    case 'too_big':
      return { message: `${field} is too large or too long.`, remedy: `The most is ${String(issue.maximum)}.`, path }
    case 'invalid_union': {
      const first = issue.errors.flat()[0]
      const detail =
        first !== undefined && first.code === 'invalid_format' ? first.message : 'has a value of the wrong kind'
      return { message: `${field} ${detail}.`, remedy: 'Correct it.', path }
    }
    case 'invalid_key':
      return {
        message: `${JSON.stringify(String(path[path.length - 1]))} in ${fieldName(path.slice(0, -1))} is not the name of a knob.`,
        remedy: 'Knobs are written as for sysctl(8), for instance kern.ipc.mb_use_ext_pgs.',
        path,
      }
    case 'invalid_format':
    case 'custom':
      return sentence(field, issue.message, path)
    default:
      return { message: `${field} is not right: ${issue.message}.`, remedy: 'Correct it.', path }
  }
}

/** Our own messages: "…; write for instance …" becomes message and remedy. */
function sentence(
  field: string,
  text: string,
  path: PropertyKey[],
): { message: string; remedy: string; path: PropertyKey[] } {
  const cut = text.indexOf('; ')
  const what = cut < 0 ? text : text.slice(0, cut)
  const remedy = cut < 0 ? 'Correct it.' : text.slice(cut + 2)
  const verb = /^(is|has|must) /.test(what) ? ' ' : ': '
  return { message: `${field}${verb}${what}.`, remedy: capital(remedy) + (remedy.endsWith('.') ? '' : '.'), path }
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
const article = (word: string): string => {
  const names: { [key: string]: string } = {
    object: 'a group of fields',
    array: 'a list',
    string: 'text',
    record: 'a group of fields',
  }
  return names[word] ?? `a ${word}`
}

/** Checks plain values. `where` turns a path into `, line 12` or nothing. */
export function checkScenario(
  written: unknown,
  source: string,
  where: (path: readonly PropertyKey[]) => string = () => '',
): Scenario {
  const result = scenarioSchema.safeParse(written, { reportInput: true })
  if (result.success) return result.data
  const issues = result.error.issues.map(describe)
  const { message, remedy, path } = issues[0]
  const rest = issues.slice(1).map((issue) => `${source}${where(issue.path)}: ${issue.message} ${issue.remedy}`)
  throw new LabProblem(
    'scenario-invalid',
    `${source}${where(path)}: ${message}`,
    remedy,
    rest.length === 0 ? undefined : rest.join('\n'),
  )
}

function lineOf(document: Document, counter: LineCounter, path: readonly PropertyKey[]): string {
  // The nearest node that exists: a missing field is reported at its parent.
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length) as unknown[], true)
    if (isNode(node) && node.range) return `, line ${counter.linePos(node.range[0]).line}`
  }
  return ''
}

/** Parses the text of a scenario file; `source` is its name in messages. */
export function parseScenario(text: string, source: string, id: string, folder: string | null): LoadedScenario {
  const counter = new LineCounter()
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false, strict: true, uniqueKeys: true })
  const fault = document.errors[0]
  if (fault !== undefined)
    throw new LabProblem(
      'scenario-invalid',
      `${source}, line ${counter.linePos(fault.pos[0]).line}: this is not YAML (${fault.message.replace(/\.$/, '')}).`,
      'Correct the line; indentation is made of spaces, and a colon is followed by one.',
    )
  const written: unknown = document.toJS({ maxAliasCount: 100 })
  if (typeof written !== 'object' || written === null || Array.isArray(written))
    throw new LabProblem(
      'scenario-invalid',
      `${source}: a scenario is a group of fields.`,
      'Start from one of the scenarios that come with the lab.',
    )
  const scenario = checkScenario(written, source, (path) => lineOf(document, counter, path))
  return { id, folder, written: written as { [key: string]: unknown }, scenario }
}

/** Names of the scenarios in a content folder, sorted. */
export function scenarioNames(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.yaml'))
      .map((name) => name.slice(0, -'.yaml'.length))
      .sort()
  } catch {
    return []
  }
}

/** Loads a scenario by the name of one that is shipped in `folder`, or by the path of a file. */
export function loadScenario(name: string, folder: string): LoadedScenario {
  const shipped = join(folder, `${name}.yaml`)
  const isName = /^[a-z0-9-]+$/.test(name)
  if (isName && existsSync(shipped)) return readScenario(shipped, name)
  const path = resolve(name)
  if (existsSync(path)) return readScenario(path, basename(path).replace(/\.ya?ml$/, ''))
  const names = scenarioNames(folder)
  throw new LabProblem(
    'scenario-missing',
    `There is no scenario ${name}.`,
    didYouMean(name, names, `The scenarios are ${names.join(', ')}; the path of a .yaml file works too.`),
  )
}

function readScenario(path: string, id: string): LoadedScenario {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw (
      fileProblem(error, path, 'read') ??
      new LabProblem('file-unreadable', `${path} cannot be read: ${textOf(error)}.`, 'Check the file.')
    )
  }
  return parseScenario(text, basename(path), id, resolve(path, '..'))
}

export function summaryOf(loaded: LoadedScenario): ScenarioSummary {
  const { title, description, warmup, duration } = loaded.scenario
  return { id: loaded.id, title, description, duration: warmup + duration }
}

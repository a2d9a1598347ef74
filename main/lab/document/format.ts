/** What stands in a `.nomaplab` document: names of the parts, the manifest, versions and their upgraders. */
import { z } from 'zod'
import { branchLetter } from '../../../preload/contract'
import { exerciseProgress } from '../session/model'

export const formatName = 'nomap-lab-session'
/** Version that is written. Every change raises it and adds an upgrader and a fixture. */
export const formatVersion = 1
/** First version of the application that reads what is written now. */
export const neededVersion = '0.1.0'
export const extension = '.nomaplab'

export const partNames = {
  manifest: 'manifest.json',
  scenario: 'scenario.json',
  commands: 'commands.jsonl',
  session: 'session.json',
  predictions: 'predictions.jsonl',
  notes: 'notes.md',
  report: 'report.md',
  layout: 'layout.json',
  series: 'series/index.json',
} as const

/** Read first, before anything else is looked at: this much is promised to stay in all versions. */
export const manifestHead = z.object({
  format: z.string(),
  version: z.number().int().positive(),
  /** Application version that is needed to read it. */
  needs: z.string().default('a newer version'),
})

export const manifestSchema = manifestHead.extend({
  application: z.string(),
  /** Revision of the model. */
  revision: z.string(),
  /** ISO 8601, UTC. */
  created: z.string(),
  changed: z.string(),
  title: z.string(),
  language: z.string(),
  /** SHA-256 (lower-case hexadecimal) and size of every other part. */
  parts: z.record(z.string(), z.object({ sha256: z.string(), bytes: z.number().int() })),
})
export type Manifest = z.infer<typeof manifestSchema>

/** `session.json`: what is neither the scenario nor the log. */
export const sessionPart = z.object({
  scenarioId: z.string(),
  /** Names, baseline and how far each run had come. */
  branches: z.array(
    z.object({ letter: branchLetter, name: z.string(), baseline: z.boolean(), t: z.number().int().nonnegative() }),
  ),
  speed: z.number().nonnegative(),
  /** Files of the user, by content; absent where they are made from the scenario. */
  files: z
    .object({
      name: z.string(),
      folder: z.boolean(),
      /** Relative to the folder of the document, where they lay beside or below it. */
      beside: z.string().optional(),
      /** They are in the document, in `files/`. */
      embedded: z.boolean(),
      list: z.array(z.object({ name: z.string(), bytes: z.number().int().nonnegative(), sha256: z.string() })),
    })
    .optional(),
  exercise: exerciseProgress.nullable(),
})
export type SessionPart = z.infer<typeof sessionPart>

export type Parts = Map<string, Uint8Array>

/**
 * Upgraders by the version they start from: each turns the parts of version n into those of n + 1. Version 1 is the first, so there are none;
 * a fixture of every past version stands in `fixtures/`.
 */
export const upgraders: { [from: number]: (parts: Parts) => Parts } = {}

/** Brings parts of an older version to the present one. */
export function upgrade(parts: Parts, version: number, to = formatVersion, steps = upgraders): Parts {
  let at = parts
  for (let v = version; v < to; v++) {
    const step = steps[v]
    if (step === undefined) throw new Error(`there is no upgrader from format ${v}`)
    at = step(at)
  }
  return at
}

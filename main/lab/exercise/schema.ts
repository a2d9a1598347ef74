/** What an exercise may say. Checks are data, never code: what passes is decided by the kinds below and by nothing else. */
import { z } from 'zod'
import { branchLetter } from '../../../preload/contract'
import { counterDeclarations } from '../../emulator'
import { metricOf, metrics } from '../metrics'
import { didYouMean } from '../nearMatches'
import { parseQuantity, UnitError } from '../units'
import { parseCommandShape } from './commandShape'
import { ExpressionError, parseExpression } from './expression'

const id = z.string().regex(/^[a-z0-9-]+$/, 'is not a short name; use small letters, digits and hyphens')

/** `5ms`, in virtual time, read into ns. */
const time = z.string().transform((value, context) => {
  try {
    return parseQuantity('time', value)
  } catch (error) {
    if (!(error instanceof UnitError)) throw error
    context.addIssue({ code: 'custom', message: error.message })
    return z.NEVER
  }
})

const operator = z.enum(['<', '<=', '>', '>=', '==', '!='])
export type Operator = z.infer<typeof operator>

const counters = new Map(counterDeclarations.map((counter) => [counter.name, counter]))
/** Unit of a metric or counter, or undefined if nobody knows the name. */
export function unitOf(name: string): string | undefined {
  return metricOf(name)?.unit ?? counters.get(name)?.unit
}

/** Arithmetic over metrics and counters, for instance `server_conversions / server_unmapped_sent`. */
const quantity = z
  .string()
  .min(1)
  .transform((text, context) => {
    try {
      const expression = parseExpression(text)
      const unknown = expression.names.find((name) => unitOf(name) === undefined)
      if (unknown === undefined) return expression
      const known = [...metrics.map(({ name }) => name), ...counters.keys()]
      context.addIssue({
        code: 'custom',
        message: `"${unknown}" is neither a metric nor a counter; ${didYouMean(unknown, known, 'npm run -s lab -- run --metrics lists the metrics.')}`,
      })
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error
      context.addIssue({ code: 'custom', message: `${error.message}; write for instance server_conversions / frames` })
    }
    return z.NEVER
  })

/** Words that a command begins with, or `/a regular expression/` over the whole command. */
const command = z
  .string()
  .min(1)
  .transform((text, context) => {
    try {
      return parseCommandShape(text)
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      context.addIssue({ code: 'custom', message: `${text} is not a regular expression; ${error.message}` })
      return z.NEVER
    }
  })

/** A run: by its letter, or `fork` = the run that was forked last, `base` = the one it was forked from (without a fork: the first). */
const branch = z.union([branchLetter, z.literal(['fork', 'base'])])
export type BranchName = z.infer<typeof branch>

/** Where a stretch of virtual time begins: boot, the last start of the load, the fork, a mark, or the last command of a shape. */
const since = z.union([
  z.enum(['boot', 'load', 'fork']),
  z.strictObject({ mark: z.string().min(1) }),
  z.strictObject({ command }),
])
export type Since = z.output<typeof since>

const common = {
  id,
  title: z.string().min(1),
  /** `required` opens the next step; `warning` tells and counts nothing; `bonus` counts and opens nothing. */
  level: z.enum(['required', 'warning', 'bonus']).default('required'),
  points: z.number().int().nonnegative().default(1),
  /** What is said when it holds. */
  pass: z.string().default(''),
  /** A sentence that teaches, said while it does not hold. */
  fail: z.string().min(1),
  /** Checks that must have passed before this one is looked at. */
  after: z.array(id).default([]),
  /** Shown with the hints of the step. */
  hints: z.array(z.string().min(1)).default([]),
}

const knobCheck = z.strictObject({
  ...common,
  kind: z.literal('knob'),
  branch,
  /** By the console's name: `kern.ipc.mb_use_ext_pgs`, `cc0.nomap`. */
  name: z.string().regex(/^[a-z0-9_]+(\.[A-Za-z0-9_%]+)+$/, 'is not the name of a knob; write for instance cc0.nomap'),
  value: z.string(),
  /** `ever` stays passed once it was so; `now` is looked at again and again. */
  when: z.enum(['now', 'ever']).default('ever'),
})
const commandCheck = z.strictObject({
  ...common,
  kind: z.literal('command'),
  command,
  branch: branch.optional(),
  /** It must have been given after, or before, another command on the same run. */
  order: z.strictObject({ after: command.optional(), before: command.optional() }).default({}),
})
const counterCheck = z.strictObject({
  ...common,
  kind: z.literal('counter'),
  branch,
  quantity,
  since: since.default('fork'),
  op: operator,
  value: z.number(),
  /** Said behind the numbers; without it the unit of the quantity, if that is a single name. */
  unit: z.string().optional(),
  /** Judged once this much virtual time has passed since the beginning. */
  wait: time.default(0),
})
/** A band with at least one end; ends belong to it. */
const band = z
  .strictObject({ low: z.number().optional(), high: z.number().optional() })
  .refine(({ low, high }) => low !== undefined || high !== undefined, 'has neither low nor high')
  .refine(({ low, high }) => low === undefined || high === undefined || low <= high, 'has a low end above its high end')
export type Band = z.infer<typeof band>

const deltaCheck = z.strictObject({
  ...common,
  kind: z.literal('delta'),
  quantity,
  base: branch.default('base'),
  other: branch.default('fork'),
  measure: z.enum(['ratio', 'difference']),
  band,
  unit: z.string().optional(),
  /** A command is looked for on the other run. */
  since: since.default('fork'),
  /** Virtual time at the beginning that is left out: what was queued before still drains. */
  skip: time.default(0),
  wait: time,
})
const eventCheck = z.strictObject({
  ...common,
  kind: z.literal('event'),
  branch,
  /** A counter that only grows. */
  counter: quantity,
  command,
  /** How much it must have grown since the command. */
  by: z.number().positive().default(1),
})
const doneCheck = z.strictObject({
  ...common,
  kind: z.literal('done'),
  what: z.enum(['load', 'fork', 'undo', 'compare', 'mark']),
  branch: branch.optional(),
  /** For the load: how long (virtual) it must have been running. */
  wait: time.default(0),
})
const savedCheck = z.strictObject({ ...common, kind: z.literal('saved') })
const invariantCheck = z.strictObject({
  ...common,
  kind: z.literal('invariant'),
  /** Of counters that only grow: what was violated once stays violated. Looked at on every run since boot. */
  quantity,
  op: operator,
  value: z.number(),
})
const predictCheck = z.strictObject({
  ...common,
  kind: z.literal('predict'),
  predictions: z.array(id).min(1),
  /** The command that must come later. */
  before: command,
})
const answerCheck = z.strictObject({
  ...common,
  kind: z.literal('answer'),
  question: id,
  /** Right answers; empty for free text, which must only not be empty: a person marks it. */
  correct: z.array(z.string()).default([]),
  /** For numbers: how far off is still right. */
  tolerance: z.number().nonnegative().default(0),
})
const textCheck = z.strictObject({
  ...common,
  kind: z.literal('text'),
  part: z.enum(['notes', 'report']),
  /** Letters at least. */
  least: z.number().int().positive(),
})
const barrierCheck = z.strictObject({ ...common, points: z.literal(0).default(0), kind: z.literal('barrier') })

export const checkSchema = z.discriminatedUnion('kind', [
  knobCheck,
  commandCheck,
  counterCheck,
  deltaCheck,
  eventCheck,
  doneCheck,
  savedCheck,
  invariantCheck,
  predictCheck,
  answerCheck,
  textCheck,
  barrierCheck,
])
export type Check = z.output<typeof checkSchema>
export type CheckOf<K extends Check['kind']> = Extract<Check, { kind: K }>

const prediction = z.strictObject({
  id,
  label: z.string().min(1),
  kind: z.enum(['number', 'choice']),
  unit: z.string().default(''),
  choices: z.array(z.string()).default([]),
  /** What the model says: other against base. */
  model: z.strictObject({
    quantity,
    base: branch.default('base'),
    other: branch.default('fork'),
    /** `ratio` other / base; `percent` its difference from 1; `direction` more, fewer or same. */
    measure: z.enum(['ratio', 'percent', 'direction']),
    /** For `direction`: relative difference up to which it counts as the same. */
    same: z.number().nonnegative().default(0.01),
    skip: time.default(0),
    /** Virtual time after the fork from which the figure is final. */
    wait: time,
  }),
})
export type PredictionSpec = z.output<typeof prediction>

const question = z.strictObject({
  id,
  label: z.string().min(1),
  kind: z.enum(['choice', 'number', 'text']),
  choices: z.array(z.string()).default([]),
})
export type Question = z.output<typeof question>

const step = z.strictObject({
  id,
  title: z.string().min(1),
  commands: z.array(z.strictObject({ text: z.string().min(1), branch: branch.default('base') })).default([]),
  actions: z
    .array(
      z.strictObject({
        id: z.enum(['load', 'run', 'fork', 'compare', 'undo', 'save', 'chains', 'pause']),
        label: z.string().min(1),
      }),
    )
    .default([]),
  predictions: z.array(prediction).default([]),
  /** Predictions of an earlier step that are shown again beside what the model computes. */
  recall: z.array(id).default([]),
  questions: z.array(question).default([]),
  checks: z.array(checkSchema).default([]),
  hints: z.array(z.string().min(1)).default([]),
})
export type Step = z.output<typeof step>

export const exerciseSchema = z.strictObject({
  schema: z.literal(1, { error: 'is not 1, the only version of the exercise format that this lab reads' }),
  id,
  title: z.string().min(1),
  minutes: z.number().int().positive(),
  difficulty: z.string(),
  theme: z.string(),
  summary: z.string(),
  /** A scenario that is shipped, by name. */
  scenario: z.string(),
  /** Virtual seconds per wall second to begin with; 0 = as fast as it can. */
  speed: z.number().nonnegative().max(1000),
  steps: z.array(step).min(1).max(30),
})
export type ExerciseFile = z.output<typeof exerciseSchema>

/** An exercise with the texts of its steps, in the order of the steps. */
export interface Exercise extends ExerciseFile {
  texts: string[]
}

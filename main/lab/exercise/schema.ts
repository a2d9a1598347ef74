/** What an exercise may say. Checks are data, never code: what passes is decided by the kinds below and by nothing else. */
import { z } from 'zod'
import { branchLetter } from '../../../preload/contract'
import { parseQuantity, UnitError } from '../units'

const id = z.string().regex(/^[a-z0-9-]+$/, 'is not a short name (small letters, digits and hyphens)')

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

/** A metric, or a counter of the machine. */
const quantity = z.string().min(1)

/** Stretch over which a quantity is taken: since the run was forked, since the load was started, since boot. */
const over = z.enum(['fork', 'load', 'boot']).default('fork')

const common = {
  id,
  title: z.string().min(1),
  level: z.enum(['required', 'warning', 'bonus']).default('required'),
  points: z.number().int().nonnegative().default(1),
  /** What is said when it holds. */
  pass: z.string().default(''),
  /** A sentence that teaches, said while it does not hold. */
  fail: z.string().min(1),
}

const knobCheck = z.strictObject({
  ...common,
  kind: z.literal('knob'),
  branch: branchLetter,
  /** By the console's name: `kern.ipc.mb_use_ext_pgs`, `cc0.nomap`. */
  name: z.string(),
  value: z.string(),
})
const commandCheck = z.strictObject({
  ...common,
  kind: z.literal('command'),
  /** Words that a command on the console begins with. */
  words: z.string().min(1),
  /** Nothing may follow the words. */
  whole: z.boolean().default(false),
  branch: branchLetter.optional(),
})
const counterCheck = z.strictObject({
  ...common,
  kind: z.literal('counter'),
  branch: branchLetter,
  quantity,
  over,
  op: operator,
  value: z.number(),
})
const deltaCheck = z.strictObject({
  ...common,
  kind: z.literal('delta'),
  quantity,
  base: branchLetter,
  other: branchLetter,
  measure: z.enum(['ratio', 'difference']),
  op: operator,
  value: z.number(),
  /** Virtual time after the fork at which it is judged. */
  after: time,
})
const eventCheck = z.strictObject({
  ...common,
  kind: z.literal('event'),
  event: z.enum(['load', 'fork', 'undo', 'save', 'compare', 'mark']),
  branch: branchLetter.optional(),
  /** How long (virtual) it must last or lie back. */
  lasting: time.optional(),
})
const invariantCheck = z.strictObject({
  ...common,
  kind: z.literal('invariant'),
  quantity,
  op: operator,
  value: z.number(),
})
const predictCheck = z.strictObject({
  ...common,
  kind: z.literal('predict'),
  predictions: z.array(id).min(1),
  /** Words of the command that must come later. */
  before: z.string(),
})
const answerCheck = z.strictObject({
  ...common,
  kind: z.literal('answer'),
  question: id,
  /** Right answers; empty for free text that a person marks. */
  correct: z.array(z.string()).default([]),
  /** For numbers: how far off is still right. */
  tolerance: z.number().nonnegative().optional(),
})
const textCheck = z.strictObject({
  ...common,
  kind: z.literal('text'),
  part: z.enum(['notes', 'report']),
  /** Letters at least. */
  least: z.number().int().positive(),
})
const barrierCheck = z.strictObject({ ...common, kind: z.literal('barrier') })

export const checkSchema = z.discriminatedUnion('kind', [
  knobCheck,
  commandCheck,
  counterCheck,
  deltaCheck,
  eventCheck,
  invariantCheck,
  predictCheck,
  answerCheck,
  textCheck,
  barrierCheck,
])
export type Check = z.output<typeof checkSchema>

const prediction = z.strictObject({
  id,
  label: z.string(),
  kind: z.enum(['number', 'choice']),
  unit: z.string().default(''),
  choices: z.array(z.string()).default([]),
  /** What the model says: other against base. */
  model: z.strictObject({
    quantity,
    base: branchLetter,
    other: branchLetter,
    measure: z.enum(['ratio', 'percent', 'direction']),
    /** For `direction`: relative difference below which it counts as the same. */
    same: z.number().nonnegative().default(0.01),
    /** Virtual time after the fork from which the figure is final. */
    after: time,
  }),
})
export type PredictionSpec = z.output<typeof prediction>

const step = z.strictObject({
  id,
  title: z.string().min(1),
  commands: z.array(z.strictObject({ text: z.string(), branch: branchLetter.default('A') })).default([]),
  actions: z
    .array(
      z.strictObject({
        id: z.enum(['load', 'run', 'fork', 'compare', 'undo', 'save', 'chains', 'pause']),
        label: z.string(),
      }),
    )
    .default([]),
  predictions: z.array(prediction).default([]),
  questions: z
    .array(
      z.strictObject({
        id,
        label: z.string(),
        kind: z.enum(['choice', 'number', 'text']),
        choices: z.array(z.string()).default([]),
      }),
    )
    .default([]),
  checks: z.array(checkSchema).default([]),
  hints: z.array(z.string()).default([]),
})
export type Step = z.output<typeof step>

export const exerciseSchema = z.strictObject({
  schema: z.literal(1),
  id,
  title: z.string().min(1),
  minutes: z.number().int().positive(),
  difficulty: z.string(),
  theme: z.string(),
  summary: z.string(),
  /** A scenario that is shipped, by name. */
  scenario: z.string(),
  /** Virtual seconds per wall second to begin with. */
  speed: z.number().nonnegative(),
  steps: z.array(step).min(1),
})
export type ExerciseFile = z.output<typeof exerciseSchema>

/** An exercise with the texts of its steps, in the order of the steps. */
export interface Exercise extends ExerciseFile {
  texts: string[]
}

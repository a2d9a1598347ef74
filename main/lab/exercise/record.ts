/** What a learner enters is looked at before it is remembered: a prediction or an answer that nobody asked for, or that is no number, is refused. */
import { LabProblem } from '../problem'
import type { ExerciseProgress, Prediction } from '../session/model'
import type { Exercise } from './schema'

export function startProgress(exercise: Exercise): ExerciseProgress {
  return { id: exercise.id, step: 0, answers: {}, used: [], passed: {} }
}

/** @throws LabProblem bad-request: the exercise has no such step */
export function withStep(exercise: Exercise, progress: ExerciseProgress, step: number): ExerciseProgress {
  if (!Number.isInteger(step) || step < 0 || step >= exercise.steps.length)
    throw new LabProblem(
      'bad-request',
      `“${exercise.title}” has no step ${step + 1}.`,
      `Choose one from 1 to ${exercise.steps.length}.`,
    )
  return { ...progress, step }
}

/** A number as a person types it: decimal point or comma. */
const numberOf = (text: string): number => (text.trim() === '' ? NaN : Number(text.trim().replace(',', '.')))

function checkValue(
  label: string,
  kind: 'number' | 'choice' | 'text',
  choices: readonly string[],
  value: string,
): void {
  if (value.trim() === '')
    throw new LabProblem('value-missing', `Nothing was entered for “${label}”.`, 'Enter something first.')
  if (kind === 'number' && !Number.isFinite(numberOf(value)))
    throw new LabProblem('not-a-number', `“${value}” is not a number for “${label}”.`, 'Enter for instance 0.5 or -10.')
  if (kind === 'choice' && !choices.includes(value))
    throw new LabProblem(
      'not-a-choice',
      `“${value}” is no choice of “${label}”.`,
      `Choose one of ${choices.join(', ')}.`,
    )
}

/** @throws LabProblem bad-request, value-missing, not-a-number, not-a-choice */
export function withAnswer(
  exercise: Exercise,
  progress: ExerciseProgress,
  id: string,
  value: string,
): ExerciseProgress {
  const question = exercise.steps.flatMap(({ questions }) => questions).find((entry) => entry.id === id)
  if (question === undefined)
    throw new LabProblem('bad-request', `The exercise has no question ${id}.`, 'Answer one of the step.')
  checkValue(question.label, question.kind, question.choices, value)
  return { ...progress, answers: { ...progress.answers, [id]: value } }
}

/**
 * @param at place in time: `after` is the highest number of the log, `t` virtual, `at` wall time
 * @throws LabProblem bad-request, prediction-stored, value-missing, not-a-number, not-a-choice
 */
export function newPrediction(
  exercise: Exercise,
  stored: readonly Prediction[],
  id: string,
  value: string,
  at: Pick<Prediction, 't' | 'after' | 'at'>,
): Prediction {
  const spec = exercise.steps.flatMap(({ predictions }) => predictions).find((entry) => entry.id === id)
  if (spec === undefined)
    throw new LabProblem('bad-request', `The exercise asks for no prediction ${id}.`, 'Choose one of the step.')
  if (stored.some((entry) => entry.exercise === exercise.id && entry.id === id))
    throw new LabProblem(
      'prediction-stored',
      `The prediction “${spec.label}” is stored already.`,
      'It stays as it was, so that it can be compared.',
    )
  checkValue(spec.label, spec.kind, spec.choices, value)
  return { exercise: exercise.id, id, value: value.trim(), ...at, result: null }
}

/** Reads exercises: `exercise.json`, and for every step `<step>/text.<language>.md`. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ExerciseSummary } from '../../../preload/contract'
import { metricOf } from '../metrics'
import { didYouMean } from '../nearMatches'
import { fileProblem, LabProblem, textOf } from '../problem'
import { exerciseSchema, type Exercise, type ExerciseFile } from './schema'

function damaged(folder: string, why: string): LabProblem {
  return new LabProblem('exercise-invalid', `The exercise in ${folder} is not right: ${why}.`, 'Correct exercise.json; the manual describes its fields.')
}

/** Ids of the exercises in a content folder, sorted. */
export function exerciseNames(content: string): string[] {
  try {
    return readdirSync(content, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && existsSync(join(content, entry.name, 'exercise.json')))
      .map((entry) => entry.name)
      .sort()
  } catch {
    return []
  }
}

/** @throws LabProblem exercise-missing, exercise-invalid */
export function loadExercise(id: string, content: string): Exercise {
  const names = exerciseNames(content)
  if (!names.includes(id))
    throw new LabProblem(
      'exercise-missing',
      `There is no exercise ${id}.`,
      didYouMean(id, names, names.length === 0 ? 'No exercises are installed.' : `There are ${names.join(', ')}.`),
    )
  const folder = join(content, id)
  let file: ExerciseFile
  try {
    const parsed = exerciseSchema.safeParse(JSON.parse(readFileSync(join(folder, 'exercise.json'), 'utf8')))
    if (!parsed.success) {
      const { path, message } = parsed.error.issues[0]
      throw damaged(folder, `${path.join('.')}: ${message}`)
    }
    file = parsed.data
  } catch (error) {
    if (error instanceof LabProblem) throw error
    throw fileProblem(error, folder, 'read') ?? damaged(folder, textOf(error))
  }
  checkReferences(file, folder)
  return { ...file, texts: file.steps.map((step) => textOfStep(folder, step.id)) }
}

function textOfStep(folder: string, step: string, language = 'en'): string {
  try {
    return readFileSync(join(folder, step, `text.${language}.md`), 'utf8')
  } catch {
    throw damaged(folder, `the step ${step} has no text.${language}.md`)
  }
}

/** Names that a check or prediction uses must exist. */
function checkReferences({ steps }: ExerciseFile, folder: string): void {
  const ids = new Set<string>()
  for (const step of steps) {
    for (const { id } of [...step.checks, ...step.predictions, ...step.questions]) {
      if (ids.has(id)) throw damaged(folder, `the id ${id} is used twice`)
      ids.add(id)
    }
    for (const check of step.checks) {
      if (check.kind === 'answer' && !steps.some((s) => s.questions.some((q) => q.id === check.question)))
        throw damaged(folder, `the check ${check.id} names the question ${check.question}, which does not exist`)
      if (check.kind === 'predict')
        for (const name of check.predictions)
          if (!steps.some((s) => s.predictions.some((p) => p.id === name)))
            throw damaged(folder, `the check ${check.id} names the prediction ${name}, which does not exist`)
      if (check.kind === 'delta' && metricOf(check.quantity) === undefined)
        throw damaged(folder, `the check ${check.id} names the metric ${check.quantity}, which does not exist`)
    }
  }
}

export function exerciseSummaries(content: string): ExerciseSummary[] {
  return exerciseNames(content).map((name) => {
    const { id, title, minutes, difficulty, theme, summary } = loadExercise(name, content)
    return { id, title, minutes, difficulty, theme, summary }
  })
}

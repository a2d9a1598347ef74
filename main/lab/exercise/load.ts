/** Reads exercises: `<id>/exercise.json`, and for every step `<id>/<step>/text.<language>.md`. Every fault is one sentence with file, field and remedy. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type z } from 'zod'
import type { ExerciseSummary } from '../../../preload/contract'
import { didYouMean } from '../nearMatches'
import { fileProblem, LabProblem, textOf } from '../problem'
import { exerciseSchema, type Exercise, type ExerciseFile } from './schema'

const invalid = (file: string, what: string, remedy: string, details?: string): LabProblem =>
  new LabProblem('exercise-invalid', `${file}: ${what}.`, remedy, details)

/** `steps[2].checks[0].band`. */
function fieldName(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : text === '' ? String(key) : `${text}.${String(key)}`),
    '',
  )
}

const ending = (text: string): string => (/[.?]$/.test(text) ? text : `${text}.`)
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

/** An issue of the schema in words: what, and what to do. */
function describe(issue: z.core.$ZodIssue): { what: string; remedy: string } {
  const field = fieldName(issue.path)
  switch (issue.code) {
    case 'unrecognized_keys':
      return {
        what: `${field === '' ? 'an exercise' : field} has no field "${issue.keys[0]}"`,
        remedy: 'Remove it or correct its name; main/lab/exercise/schema.ts lists the fields.',
      }
    case 'invalid_type':
      return issue.input === undefined
        ? { what: `${field} is missing`, remedy: 'Add it.' }
        : { what: `${field} should be of the type ${issue.expected}`, remedy: 'Correct it.' }
    case 'invalid_value':
      if (issue.message.startsWith('is '))
        return { what: `${field} ${issue.message}`, remedy: 'Use a newer nomap lab, or correct the number.' }
      return { what: `${field} is none of ${issue.values.map(String).join(', ')}`, remedy: 'Write one of them.' }
    case 'invalid_union': {
      if (issue.path.at(-1) === 'kind') {
        const kinds = exerciseSchema.shape.steps.element.shape.checks
          .unwrap()
          .element.options.map((option) => option.shape.kind.value)
        return { what: `${field} is no kind of check`, remedy: `The kinds are ${kinds.join(', ')}.` }
      }
      return { what: `${field} has a value of the wrong kind`, remedy: 'Correct it.' }
    }
    case 'too_small':
      return { what: `${field} is too small or empty`, remedy: `The least is ${String(issue.minimum)}.` }
    case 'too_big':
      return { what: `${field} is too large`, remedy: `The most is ${String(issue.maximum)}.` }
    default: {
      const cut = issue.message.indexOf('; ')
      const what = cut < 0 ? issue.message : issue.message.slice(0, cut)
      const remedy = cut < 0 ? 'Correct it.' : ending(capital(issue.message.slice(cut + 2)))
      return { what: `${field}${/^(is|has) /.test(what) ? ' ' : ': '}${what}`, remedy }
    }
  }
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

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw (
      fileProblem(error, path, 'read') ??
      new LabProblem('file-unreadable', `${path} cannot be read (${textOf(error)}).`, 'Check the file.')
    )
  }
}

/**
 * Checks plain values.
 * @param source the file's name in messages
 * @throws LabProblem exercise-invalid
 */
export function checkExercise(written: unknown, source: string): ExerciseFile {
  const result = exerciseSchema.safeParse(written, { reportInput: true })
  if (!result.success) {
    const [first, ...rest] = result.error.issues.map(describe)
    const details = rest.map(({ what, remedy }) => `${source}: ${what}. ${remedy}`).join('\n')
    throw invalid(source, first.what, first.remedy, details === '' ? undefined : details)
  }
  checkReferences(result.data, source)
  return result.data
}

/** @throws LabProblem exercise-missing, exercise-invalid, file-missing … */
export function loadExercise(id: string, content: string): Exercise {
  const names = exerciseNames(content)
  if (!names.includes(id))
    throw new LabProblem(
      'exercise-missing',
      `There is no exercise ${id}.`,
      didYouMean(id, names, names.length === 0 ? 'No exercises are installed.' : `There are ${names.join(', ')}.`),
    )
  const source = join(id, 'exercise.json')
  let written: unknown
  try {
    written = JSON.parse(readText(join(content, source)))
  } catch (error) {
    if (error instanceof LabProblem) throw error
    throw invalid(source, `it is not JSON (${textOf(error)})`, 'Correct the place that is named.')
  }
  const file = checkExercise(written, source)
  if (file.id !== id) throw invalid(source, `id is "${file.id}"`, `Write "${id}", the name of its folder.`)
  return { ...file, texts: file.steps.map((step) => textOfStep(content, id, step.id)) }
}

function textOfStep(content: string, id: string, step: string, language = 'en'): string {
  const name = join(id, step, `text.${language}.md`)
  let text: string
  try {
    text = readText(join(content, name))
  } catch (error) {
    if (error instanceof LabProblem && error.code === 'file-missing')
      throw invalid(join(id, 'exercise.json'), `the step ${step} has no text`, `Write it into ${name}.`)
    throw error
  }
  if (text.trim() === '') throw invalid(name, 'it is empty', 'Write what the learner is to do.')
  return text
}

/** Names that one part uses of another must exist; what can never pass is refused. */
function checkReferences({ steps }: ExerciseFile, source: string): void {
  const ids = new Set<string>()
  const seen: string[] = []
  const refuse = (what: string, remedy: string): never => {
    throw invalid(source, what, remedy)
  }
  const questions = new Map(steps.flatMap((step) => step.questions).map((entry) => [entry.id, entry]))
  const predictions = new Map(steps.flatMap((step) => step.predictions).map((entry) => [entry.id, entry]))
  const stepIds = new Set<string>()
  for (const [s, step] of steps.entries()) {
    if (stepIds.has(step.id)) refuse(`steps[${s}].id is "${step.id}", like an earlier step`, 'Give it another one.')
    stepIds.add(step.id)
    for (const { id } of [...step.predictions, ...step.questions, ...step.checks]) {
      if (ids.has(id)) refuse(`the id "${id}" is used twice`, 'Give one of the two another one.')
      ids.add(id)
    }
    for (const { id, kind, choices } of [...step.predictions, ...step.questions])
      if ((kind === 'choice') !== choices.length > 1)
        refuse(
          `"${id}" is of the kind ${kind} and has ${choices.length} choices`,
          'A choice has at least two, nothing else has any.',
        )
    for (const { id, kind, choices, model } of step.predictions) {
      if ((model.measure === 'direction') !== (kind === 'choice'))
        refuse(
          `the prediction "${id}" is a ${kind} and its measure is ${model.measure}`,
          'A direction is a choice; ratio and percent are numbers.',
        )
      const odd = choices.find((choice) => !['more', 'same', 'fewer'].includes(choice))
      if (odd !== undefined)
        refuse(`the prediction "${id}" has the choice "${odd}"`, 'The model answers more, same or fewer.')
    }
    for (const id of step.recall)
      if (!predictions.has(id))
        refuse(
          `the step "${step.id}" recalls the prediction "${id}", which does not exist`,
          didYouMean(id, predictions.keys(), 'Correct the name.'),
        )
    for (const check of step.checks) {
      const missing = check.after.find((id) => !seen.includes(id))
      if (missing !== undefined)
        refuse(
          `the check "${check.id}" comes after "${missing}", which is no check before it`,
          'Name an earlier check.',
        )
      seen.push(check.id)
      if (check.kind === 'answer') {
        const question = questions.get(check.question)
        if (question === undefined)
          return refuse(
            `the check "${check.id}" names the question "${check.question}", which does not exist`,
            didYouMean(check.question, questions.keys(), 'Correct the name.'),
          )
        const wrong = check.correct.find((answer) => question.kind === 'choice' && !question.choices.includes(answer))
        if (wrong !== undefined)
          refuse(
            `the check "${check.id}" wants "${wrong}", which is no choice of "${question.id}"`,
            `Its choices are ${question.choices.join(', ')}.`,
          )
      }
      if (check.kind === 'predict')
        for (const id of check.predictions)
          if (!predictions.has(id))
            refuse(
              `the check "${check.id}" names the prediction "${id}", which does not exist`,
              didYouMean(id, predictions.keys(), 'Correct the name.'),
            )
    }
  }
}

/**
 * Exercises of a content folder. One that is damaged is left out, so that it does not take the others away.
 * @param report told of what was left out
 */
export function exerciseSummaries(
  content: string,
  report: (problem: LabProblem) => void = () => {},
): ExerciseSummary[] {
  return exerciseNames(content).flatMap((name) => {
    try {
      const { id, title, minutes, difficulty, theme, summary } = loadExercise(name, content)
      return [{ id, title, minutes, difficulty, theme, summary }]
    } catch (error) {
      if (!(error instanceof LabProblem)) throw error
      report(error)
      return []
    }
  })
}

/** The state of an exercise as the window shows it. */
import type { ExerciseState } from '../../../preload/contract'
import { actionDone, commandDoneAt, evaluate, modelAnswer, type World } from './evaluate'
import type { Exercise } from './schema'

/** @returns the state, checks that passed just now, and results of predictions that are final */
export function exerciseState(
  exercise: Exercise,
  step: number,
  world: World,
): { state: ExerciseState; fresh: { [check: string]: string }; final: { id: string; result: string }[] } {
  const { steps: checks, fresh } = evaluate(exercise, world)
  const final: { id: string; result: string }[] = []
  let points = 0
  let maxPoints = 0
  exercise.steps.forEach((entry, i) =>
    entry.checks.forEach((check, c) => {
      maxPoints += check.points
      if (checks[i][c].state === 'passed') points += check.points
    }),
  )
  const state: ExerciseState = {
    id: exercise.id,
    title: exercise.title,
    step: Math.min(step, exercise.steps.length - 1),
    points,
    maxPoints,
    steps: exercise.steps.map((entry, i) => ({
      id: entry.id,
      title: entry.title,
      body: exercise.texts[i],
      commands: entry.commands.map(({ text, branch }) => ({ text, branch, doneAt: commandDoneAt(world, text, branch) })),
      actions: entry.actions.map(({ id, label }) => ({ id, label, done: actionDone(world, id) })),
      predictions: entry.predictions.map((spec) => {
        const stored = world.predictions.find(({ id, exercise: owner }) => id === spec.id && owner === exercise.id)
        // A learner sees what the model says only once a prediction was given.
        const model = stored === undefined ? null : modelAnswer(spec, world)
        if (stored !== undefined && stored.result === null && model?.final === true) final.push({ id: spec.id, result: model.text })
        return {
          id: spec.id,
          label: spec.label,
          kind: spec.kind,
          unit: spec.unit,
          choices: spec.choices,
          stored: stored === undefined ? null : { value: stored.value, t: stored.t },
          model: stored?.result ?? (model === null ? null : model.final ? model.text : `${model.text} so far`),
        }
      }),
      questions: entry.questions.map(({ id, label, kind, choices }) => ({
        id,
        label,
        kind,
        choices,
        given: world.answers[id] ?? null,
      })),
      checks: checks[i],
      hints: entry.hints,
    })),
  }
  return { state, fresh, final }
}

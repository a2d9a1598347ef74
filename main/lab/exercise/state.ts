/** The state of an exercise as the window shows it. */
import type { BranchLetter, ExerciseState, ExerciseStepState } from '../../../preload/contract'
import { branchLetter } from '../../../preload/contract'
import { formatNumber } from '../compareReport'
import { parseCommandShape } from './commandShape'
import { evaluate, instant } from './evaluate'
import type { BranchName, Exercise, PredictionSpec, Step } from './schema'
import { findCommands, letterOf, pairOf, type World } from './world'

/** What the model says to a prediction so far; null before anything can be said. */
export function modelAnswer(spec: PredictionSpec, world: World): { text: string; left: number } | null {
  const { model } = spec
  const pair = pairOf(world, model, 'fork')
  if (pair === null || pair.a === 0) return null
  const ratio = pair.b / pair.a
  const text =
    model.measure === 'ratio'
      ? formatNumber(ratio, 3)
      : model.measure === 'percent'
        ? `${ratio > 1 ? '+' : ''}${formatNumber((ratio - 1) * 100, 3)}`
        : Math.abs(ratio - 1) <= model.same
          ? 'same'
          : ratio > 1
            ? 'more'
            : 'fewer'
  return { text, left: pair.left }
}

/** The run that a command of a step is meant for; a fork that is not there yet gets the next free letter. */
function targetOf(world: World, name: BranchName): BranchLetter {
  const letter = letterOf(world, name)
  if (letter !== null) return letter
  if (name !== 'fork') return name === 'base' ? 'A' : name
  return branchLetter.options.find((candidate) => !world.letters.includes(candidate)) ?? 'H'
}

function commandState(world: World, { text, branch }: Step['commands'][number]): ExerciseStepState['commands'][number] {
  const target = targetOf(world, branch)
  // What a fork inherited was not done on the fork.
  const done = findCommands(world, parseCommandShape(text), target).find((entry) => entry.branch === target)
  return { text, branch: target, doneAt: done?.t ?? null }
}

function actionDone(world: World, action: ExerciseStepState['actions'][number]['id']): boolean {
  switch (action) {
    case 'load':
      return world.letters.some((letter) => world.loading(letter))
    case 'run':
      return world.letters.some((letter) => world.t(letter) > 0)
    case 'fork':
      return letterOf(world, 'fork') !== null
    default:
      return world.used.includes(action)
  }
}

/** @returns the state, checks that passed just now, and results of predictions that have become final */
export function exerciseState(
  exercise: Exercise,
  step: number,
  world: World,
): { state: ExerciseState; fresh: { [check: string]: string }; final: { id: string; result: string }[] } {
  const { steps: checks, fresh } = evaluate(exercise, world)
  const final: { id: string; result: string }[] = []
  const specs = new Map(exercise.steps.flatMap(({ predictions }) => predictions).map((spec) => [spec.id, spec]))

  const predictionState = (spec: PredictionSpec): ExerciseStepState['predictions'][number] => {
    const { id, label, kind, unit, choices } = spec
    const stored = world.predictions.find((entry) => entry.id === id)
    // A learner sees what the model says only once a prediction was given; what is final is not computed again.
    const answer = stored === undefined || stored.result !== null ? null : modelAnswer(spec, world)
    if (answer?.left === 0 && !final.some((entry) => entry.id === id)) final.push({ id, result: answer.text })
    let model = stored?.result ?? null
    if (answer !== null)
      model = answer.left === 0 ? answer.text : `${answer.text} so far, final in ${instant(answer.left)}`
    return {
      id,
      label,
      kind,
      unit,
      choices,
      stored: stored === undefined ? null : { value: stored.value, t: stored.t },
      model,
    }
  }

  let points = 0
  let maxPoints = 0
  exercise.steps.forEach((entry, i) =>
    entry.checks.forEach((check, c) => {
      // A warning tells something and is not marked.
      if (check.level === 'warning') return
      maxPoints += check.points
      if (checks[i][c].state === 'passed') points += check.points
    }),
  )
  const state: ExerciseState = {
    id: exercise.id,
    title: exercise.title,
    step: Math.max(0, Math.min(step, exercise.steps.length - 1)),
    points,
    maxPoints,
    steps: exercise.steps.map((entry, i) => ({
      id: entry.id,
      title: entry.title,
      body: exercise.texts[i],
      commands: entry.commands.map((command) => commandState(world, command)),
      actions: entry.actions.map(({ id, label }) => ({ id, label, done: actionDone(world, id) })),
      predictions: [...entry.predictions, ...entry.recall.map((id) => specs.get(id)!)].map(predictionState),
      questions: entry.questions.map(({ id, label, kind, choices }) => ({
        id,
        label,
        kind,
        choices,
        given: world.answers[id] ?? null,
      })),
      checks: checks[i],
      hints: [...entry.hints, ...entry.checks.flatMap(({ hints }) => hints)],
    })),
  }
  return { state, fresh, final }
}

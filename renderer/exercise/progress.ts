/** When the next step opens, and what to say until then. Pure: what the panel shows follows from the exercise's state. */
import type { CheckState, ExerciseState, ExerciseStepState } from '../../preload/contract'

export type SegmentState = 'done' | 'now' | 'open'

/** A step is done when its required checks have passed and what it asks for is there. */
export function stepDone(step: ExerciseStepState): boolean {
  return blockers(step).length === 0
}

/** Segments of the progress bar: the steps before the present one count as done only if they are. */
export function segments(state: ExerciseState): SegmentState[] {
  return state.steps.map((step, i) => (i === state.step ? 'now' : i < state.step && stepDone(step) ? 'done' : 'open'))
}

/** What keeps the step from being done. */
export interface Blocker {
  kind: 'check' | 'prediction' | 'question'
  title: string
}

export function blockers(step: ExerciseStepState): Blocker[] {
  return [
    ...step.predictions.filter((p) => p.stored === null).map((p) => ({ kind: 'prediction' as const, title: p.label })),
    ...step.questions.filter((q) => q.given === null).map((q) => ({ kind: 'question' as const, title: q.label })),
    ...step.checks
      .filter((c) => c.level === 'required' && c.state !== 'passed')
      .map((c) => ({ kind: 'check' as const, title: c.title })),
  ]
}

/** Reason under the disabled button; null if the step is done. */
export function blockedReason(step: ExerciseStepState): string | null {
  const open = blockers(step)
  if (open.some((b) => b.kind === 'prediction')) return 'opens when your prediction is stored'
  if (open.some((b) => b.kind === 'question')) return 'opens when the question is answered'
  if (open.length === 0) return null
  if (open.length === 1) return `opens when this has passed: ${open[0].title}`
  return open.length === 2
    ? 'opens when both open checks have passed'
    : `opens when the ${open.length} open checks have passed`
}

/** The word at the right of a check, its tone and its icon. */
export function checkWord(check: CheckState): { word: string; tone: 'ok' | 'wait' | 'fail' | 'none' } {
  switch (check.state) {
    case 'passed':
      return { word: 'passed', tone: 'ok' }
    case 'waiting':
      return { word: 'waiting', tone: 'wait' }
    case 'failed':
      return { word: 'not yet right', tone: 'fail' }
    case 'not-yet':
      return { word: 'not yet', tone: 'none' }
  }
}

/** `2 of 4 passed`. */
export function passedText(checks: readonly CheckState[]): string {
  return `${checks.filter((c) => c.state === 'passed').length} of ${checks.length} passed`
}

/** Index of the first command that was not given yet: the one that Alt+I inserts. */
export function nextCommand(step: ExerciseStepState): number {
  return step.commands.findIndex((c) => c.doneAt === null)
}

export interface StepResult {
  title: string
  passed: number
  total: number
  done: boolean
}

/** The result of every step, for the summary. */
export function results(state: ExerciseState): StepResult[] {
  return state.steps.map((step) => ({
    title: step.title,
    passed: step.checks.filter((c) => c.state === 'passed').length,
    total: step.checks.length,
    done: stepDone(step),
  }))
}

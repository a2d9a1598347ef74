/**
 * Judges the checks of an exercise against what is known of a session. Every verdict carries the values and times that it rests on, and one that
 * has to wait says for what and how far it has come. Reads only.
 */
import type { BranchLetter, CheckState, ExerciseStepState } from '../../../preload/contract'
import type { CounterRows } from '../counters'
import { metricOf, type HostFacts } from '../metrics'
import { formatNumber } from '../compareReport'
import { commandsOf, forkOf, type CommandEntry, type LogEntry } from '../session/log'
import type { Prediction } from '../session/model'
import { formatTime } from '../units'
import type { Check, Exercise, Operator, PredictionSpec } from './schema'

/** What an exercise may look at. */
export interface World {
  log: readonly LogEntry[]
  letters: readonly BranchLetter[]
  /** Virtual time reached. */
  t(letter: BranchLetter): number
  rows(letter: BranchLetter): CounterRows | undefined
  /** Settings by the console's names, as last read. */
  settings(letter: BranchLetter): { [name: string]: string } | undefined
  loading(letter: BranchLetter): boolean
  predictions: readonly Prediction[]
  answers: { readonly [question: string]: string }
  used: readonly string[]
  passed: { readonly [check: string]: string }
  notes: string
  report: string
  host: HostFacts
}

type Verdict = Pick<CheckState, 'state' | 'evidence' | 'progress'>

const compare: { [O in Operator]: (a: number, b: number) => boolean } = {
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
}

const passed = (evidence: string): Verdict => ({ state: 'passed', evidence, progress: null })
const failed = (evidence: string): Verdict => ({ state: 'failed', evidence, progress: null })
const notYet = (evidence = ''): Verdict => ({ state: 'not-yet', evidence, progress: null })
const waiting = (evidence: string, share: number, left: number): Verdict => ({
  state: 'waiting',
  evidence,
  progress: { share: Math.max(0, Math.min(1, share)), text: `${formatTime(left)} of virtual time left` },
})

/** Words of a command line, split as a shell would for simple lines. */
const wordsOf = (text: string): string[] => text.trim().split(/\s+/)

/** True if one of the commands of a line begins with the words. */
function beginsWith(line: string, words: string, whole: boolean): boolean {
  const wanted = wordsOf(words)
  return line.split(/;|&&|\|\|/).some((part) => {
    const given = wordsOf(part)
    return wanted.every((word, i) => given[i] === word) && (!whole || given.length === wanted.length)
  })
}

function findCommand(world: World, words: string, whole: boolean, branch?: BranchLetter): CommandEntry | undefined {
  return world.log.find(
    (entry): entry is CommandEntry =>
      entry.kind === 'command' &&
      entry.status === 0 &&
      (branch === undefined || entry.branch === branch) &&
      beginsWith(entry.text, words, whole),
  )
}

/** When the load was last started on a branch, or null. */
function loadStart(world: World, letter: BranchLetter): number | null {
  const entry = commandsOf(world.log, letter).findLast(
    ({ text, status }) => status === 0 && (beginsWith(text, 'lab load start', false) || beginsWith(text, 'lab load on', false)),
  )
  return entry?.t ?? null
}

/** Where the stretch of a quantity begins. */
function beginning(world: World, letter: BranchLetter, over: 'fork' | 'load' | 'boot'): number {
  if (over === 'load') return loadStart(world, letter) ?? 0
  if (over === 'fork') return forkOf(world.log, letter)?.t ?? 0
  return 0
}

/** Value of a metric, or growth of a counter, from a time on. Null before anything can be said. */
function valueOf(world: World, letter: BranchLetter, quantity: string, from: number, to = Infinity): number | null {
  const rows = world.rows(letter)
  if (rows === undefined) return null
  const window = rows.window(from, Math.min(to, world.t(letter)))
  if (window === null) return null
  const metric = metricOf(quantity)
  if (metric !== undefined) return metric.compute(window, world.host)
  return rows.names.includes(quantity) ? window.delta(quantity) : null
}

/** Both sides of a comparison since the later fork, judged once `after` has passed. */
function pairOf(
  world: World,
  quantity: string,
  base: BranchLetter,
  other: BranchLetter,
  after: number,
): { a: number; b: number; left: number; share: number; due: number } | null {
  if (!world.letters.includes(base) || !world.letters.includes(other)) return null
  const from = Math.max(forkOf(world.log, base)?.t ?? 0, forkOf(world.log, other)?.t ?? 0)
  const due = from + after
  const now = Math.min(world.t(base), world.t(other))
  const a = valueOf(world, base, quantity, from, Math.max(due, now))
  const b = valueOf(world, other, quantity, from, Math.max(due, now))
  if (a === null || b === null) return null
  return { a, b, left: Math.max(0, due - now), share: after === 0 ? 1 : (now - from) / after, due }
}

function judge(check: Check, world: World, earlier: readonly CheckState[]): Verdict {
  switch (check.kind) {
    case 'knob': {
      const settings = world.settings(check.branch)
      if (settings === undefined) return notYet(`There is no run ${check.branch} yet.`)
      const value = settings[check.name]
      const evidence = `${check.name} is ${value ?? 'unknown'} on ${check.branch} at ${formatTime(world.t(check.branch))}.`
      return value === check.value ? passed(evidence) : notYet(evidence)
    }
    case 'command': {
      const entry = findCommand(world, check.words, check.whole, check.branch)
      return entry === undefined ? notYet() : passed(`${entry.text} on ${entry.branch} at ${formatTime(entry.t)}.`)
    }
    case 'counter': {
      if (!world.letters.includes(check.branch)) return notYet(`There is no run ${check.branch} yet.`)
      const value = valueOf(world, check.branch, check.quantity, beginning(world, check.branch, check.over))
      if (value === null) return notYet()
      const evidence = `${check.quantity} is ${formatNumber(value)} on ${check.branch}, wanted ${check.op} ${check.value}.`
      return compare[check.op](value, check.value) ? passed(evidence) : notYet(evidence)
    }
    case 'delta': {
      const pair = pairOf(world, check.quantity, check.base, check.other, check.after)
      if (pair === null) return notYet()
      const { a, b, left, share } = pair
      const value = check.measure === 'ratio' ? b / a : b - a
      const evidence =
        `${check.other} ${formatNumber(b)}, ${check.base} ${formatNumber(a)}: ` +
        `${check.measure} ${formatNumber(value, 3)}, wanted ${check.op} ${check.value}.`
      if (left > 0) return waiting(evidence, share, left)
      return compare[check.op](value, check.value) ? passed(evidence) : failed(evidence)
    }
    case 'event':
      return judgeEvent(check, world)
    case 'invariant': {
      const parts = world.letters.map((letter) => ({ letter, value: valueOf(world, letter, check.quantity, 0) }))
      const known = parts.filter((part): part is { letter: BranchLetter; value: number } => part.value !== null)
      if (known.length === 0) return notYet()
      const evidence = known.map(({ letter, value }) => `${check.quantity} is ${formatNumber(value)} on ${letter}`).join(', ') + '.'
      return known.every(({ value }) => compare[check.op](value, check.value)) ? passed(evidence) : failed(evidence)
    }
    case 'predict': {
      const stored = check.predictions.map((id) => world.predictions.find((entry) => entry.id === id))
      const missing = check.predictions.filter((_, i) => stored[i] === undefined)
      if (missing.length > 0) return notYet(`${check.predictions.length - missing.length} of ${check.predictions.length} are stored.`)
      const change = findCommand(world, check.before, false)
      const late = stored.some((entry) => change !== undefined && entry!.after >= change.id)
      const latest = Math.max(...stored.map((entry) => entry!.t))
      if (late) return failed(`Stored at ${formatTime(latest)}, after “${change!.text}” at ${formatTime(change!.t)}.`)
      return passed(`Stored at ${formatTime(latest)}${change === undefined ? '' : `, before “${change.text}” at ${formatTime(change.t)}`}.`)
    }
    case 'answer': {
      const given = world.answers[check.question]
      if (given === undefined || given === '') return notYet()
      const evidence = `You answered “${given}”.`
      if (check.correct.length === 0) return passed(evidence)
      const right = check.correct.some((answer) =>
        check.tolerance === undefined
          ? answer.trim().toLowerCase() === given.trim().toLowerCase()
          : Math.abs(Number(given.replace(',', '.')) - Number(answer)) <= check.tolerance,
      )
      return right ? passed(evidence) : failed(evidence)
    }
    case 'text': {
      const length = (check.part === 'notes' ? world.notes : world.report).trim().length
      return length >= check.least ? passed(`${length} letters.`) : notYet(length === 0 ? '' : `${length} of ${check.least} letters.`)
    }
    case 'barrier': {
      const open = earlier.filter((entry) => entry.level === 'required' && entry.state !== 'passed')
      return open.length === 0 ? passed('Everything before is done.') : notYet(`Open: ${open.map(({ title }) => title).join(', ')}.`)
    }
  }
}

function judgeEvent(check: Extract<Check, { kind: 'event' }>, world: World): Verdict {
  const letter = check.branch ?? world.letters[0]
  if (check.event === 'load') {
    const start = world.loading(letter) ? loadStart(world, letter) : null
    if (start === null) return notYet()
    const lasted = world.t(letter) - start
    const wanted = check.lasting ?? 0
    const evidence = `The load on ${letter} has been running since ${formatTime(start)}.`
    return lasted >= wanted ? passed(evidence) : waiting(evidence, lasted / wanted, wanted - lasted)
  }
  if (check.event === 'fork' || check.event === 'mark') {
    const entry = world.log.find(({ kind, branch }) => kind === check.event && (check.branch === undefined || branch === check.branch))
    return entry === undefined ? notYet() : passed(`${check.event === 'fork' ? `${entry.branch} was made` : 'Marked'} at ${formatTime(entry.t)}.`)
  }
  return world.used.includes(check.event) ? passed('Done.') : notYet()
}

/** What stays once it has passed: all but what must hold for ever or follows from other checks. */
const lasting = (check: Check): boolean => check.kind !== 'invariant' && check.kind !== 'barrier'

/** States of all checks, step by step, and the newly passed ones to be remembered. */
export function evaluate(exercise: Exercise, world: World): { steps: CheckState[][]; fresh: { [check: string]: string } } {
  const fresh: { [check: string]: string } = {}
  const all: CheckState[] = []
  const steps = exercise.steps.map((step) =>
    step.checks.map((check): CheckState => {
      const before = world.passed[check.id]
      const verdict = lasting(check) && before !== undefined ? passed(before) : judge(check, world, all)
      if (verdict.state === 'passed' && before === undefined && lasting(check)) fresh[check.id] = verdict.evidence
      const { id, title, level } = check
      const state: CheckState = { id, title, level, text: verdict.state === 'passed' ? check.pass : check.fail, ...verdict }
      all.push(state)
      return state
    }),
  )
  return { steps, fresh }
}

/** What the model says to a prediction so far, as text, and whether it is final. */
export function modelAnswer({ model }: PredictionSpec, world: World): { text: string; final: boolean } | null {
  const pair = pairOf(world, model.quantity, model.base, model.other, model.after)
  if (pair === null || pair.a === 0) return null
  const relative = pair.b / pair.a - 1
  const text =
    model.measure === 'ratio'
      ? formatNumber(pair.b / pair.a, 3)
      : model.measure === 'percent'
        ? `${relative > 0 ? '+' : ''}${formatNumber(relative * 100, 3)}`
        : Math.abs(relative) <= model.same
          ? 'same'
          : relative > 0
            ? 'more'
            : 'fewer'
  return { text, final: pair.left === 0 }
}

/** When a command of a step was first done on its run, or null. */
export function commandDoneAt(world: World, text: string, branch: BranchLetter): number | null {
  return findCommand(world, text, true, branch)?.t ?? null
}

/** Whether an action that a step offers was done. */
export function actionDone(world: World, action: ExerciseStepState['actions'][number]['id']): boolean {
  switch (action) {
    case 'load':
      return world.letters.some((letter) => world.loading(letter))
    case 'run':
      return world.letters.some((letter) => world.t(letter) > 0)
    case 'fork':
      return world.log.some(({ kind }) => kind === 'fork')
    default:
      return world.used.includes(action)
  }
}

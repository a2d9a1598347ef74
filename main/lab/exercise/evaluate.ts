/**
 * Judges the checks of an exercise against what is known of a session. Every verdict carries the values and times that it rests on, and one that
 * has to wait says for what and how far it has come. Pure: what passed is handed back, to be remembered by the caller.
 */
import type { CheckState } from '../../../preload/contract'
import { formatNumber } from '../compareReport'
import type { Expression } from './expression'
import { unitOf, type Band, type Check, type CheckOf, type Exercise, type Operator } from './schema'
import { beginningOf, findCommands, latestFork, letterOf, loadStart, pairOf, valueOf, type World } from './world'

export type Verdict = Pick<CheckState, 'state' | 'evidence' | 'progress'>

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
const waiting = (evidence: string, share: number, due: number, left: number): Verdict => ({
  state: 'waiting',
  evidence,
  progress: {
    share: Math.max(0, Math.min(1, share)),
    text: `judged at ${instant(due)}, ${length(left)} of virtual time left`,
  },
})

/** An instant of virtual time: `8.000 ms`. */
export const instant = (ns: number): string => `${(ns / 1e6).toFixed(3)} ms`
/** A length of virtual time: `1.4 ms`. */
const length = (ns: number): string => `${formatNumber(ns / 1e6, 3)} ms`

/** A number with its unit. Shares are read more easily as per cent. */
function withUnit(value: number, quantity: Expression, unit?: string): string {
  const word =
    unit ?? (quantity.names.length === 1 && quantity.text === quantity.names[0] ? unitOf(quantity.names[0]) : '')
  if (word === 'share') return `${formatNumber(value * 100, 3)} %`
  return word === undefined || word === '' ? formatNumber(value, 4) : `${formatNumber(value, 4)} ${word}`
}

function bandText({ low, high }: Band): string {
  if (low === undefined) return `at most ${formatNumber(high!)}`
  return high === undefined ? `at least ${formatNumber(low)}` : `from ${formatNumber(low)} to ${formatNumber(high)}`
}

const noRun = (name: string): string => (name === 'fork' ? 'Nothing was forked yet.' : `There is no run ${name}.`)

function judgeKnob(check: CheckOf<'knob'>, world: World): Verdict {
  const letter = letterOf(world, check.branch)
  const settings = letter === null ? undefined : world.settings(letter)
  if (letter === null || settings === undefined) return notYet(noRun(check.branch))
  const value = settings[check.name]
  const evidence = `${check.name} is ${value ?? 'unknown'} on ${letter} at ${instant(world.t(letter))}, wanted ${check.value}.`
  return value === check.value ? passed(evidence.replace(`, wanted ${check.value}`, '')) : notYet(evidence)
}

function judgeCommand({ command, branch, order }: CheckOf<'command'>, world: World): Verdict {
  const letter = branch === undefined ? undefined : letterOf(world, branch)
  if (letter === null) return notYet(noRun(branch!))
  const given = findCommands(world, command, letter)
  if (given.length === 0) return notYet()
  const at = (entry: { t: number; id: number }): [number, number] => [entry.t, entry.id]
  const earlier = ([t, id]: [number, number], [u, other]: [number, number]): boolean => t < u || (t === u && id < other)
  const afters = order.after === undefined ? null : findCommands(world, order.after, letter)
  const befores = order.before === undefined ? null : findCommands(world, order.before, letter)
  const right = given.find(
    (entry) =>
      (afters === null || afters.some((one) => earlier(at(one), at(entry)))) &&
      (befores === null || befores.some((one) => earlier(at(entry), at(one)))),
  )
  const [first] = given
  if (right !== undefined) return passed(`${right.text} on ${right.branch} at ${instant(right.t)}.`)
  const lacking =
    afters !== null && afters.length === 0
      ? order.after
      : befores !== null && befores.length === 0
        ? order.before
        : undefined
  const seen = `${first.text} was given on ${first.branch} at ${instant(first.t)}`
  if (lacking !== undefined) return notYet(`${seen}; ${lacking.text} was not.`)
  return failed(
    `${seen}, ${order.after !== undefined ? `not after ${order.after.text}` : `not before ${order.before!.text}`}.`,
  )
}

function judgeCounter(check: CheckOf<'counter'>, world: World): Verdict {
  const letter = letterOf(world, check.branch)
  if (letter === null) return notYet(noRun(check.branch))
  const begin = beginningOf(world, letter, check.since)
  if (begin === null) return notYet()
  const value = valueOf(world, letter, check.quantity, begin)
  if (value === null) return notYet()
  const { quantity, op, unit, wait } = check
  const evidence = `${quantity.text} is ${withUnit(value, quantity, unit)} on ${letter} from ${instant(begin)} to ${instant(world.t(letter))}, wanted ${op} ${withUnit(check.value, quantity, unit)}.`
  const left = begin + wait - world.t(letter)
  if (left > 0) return waiting(evidence, 1 - left / wait, begin + wait, left)
  // Without a wait it may still come; with one it was given its time.
  return compare[op](value, check.value) ? passed(evidence) : wait > 0 ? failed(evidence) : notYet(evidence)
}

function judgeDelta(check: CheckOf<'delta'>, world: World): Verdict {
  const pair = pairOf(world, check, check.since)
  if (pair === null) return notYet()
  const { a, b, base, other, left, share, due } = pair
  const { quantity, measure, band, unit } = check
  if (measure === 'ratio' && a === 0) return notYet(`${quantity.text} is 0 on ${base}, so there is no ratio.`)
  const value = measure === 'ratio' ? b / a : b - a
  const said = measure === 'ratio' ? `${other} / ${base}` : `${other} − ${base}`
  const evidence =
    `${quantity.text}: ${other} ${withUnit(b, quantity, unit)}, ${base} ${withUnit(a, quantity, unit)}; ` +
    `${said} is ${measure === 'ratio' ? formatNumber(value, 3) : withUnit(value, quantity, unit)}, wanted ${bandText(band)}.`
  if (left > 0) return waiting(evidence, share, due, left)
  return (band.low === undefined || value >= band.low) && (band.high === undefined || value <= band.high)
    ? passed(evidence)
    : failed(evidence)
}

function judgeEvent({ branch, counter, command, by }: CheckOf<'event'>, world: World): Verdict {
  const letter = letterOf(world, branch)
  if (letter === null) return notYet(noRun(branch))
  const entry = findCommands(world, command, letter).at(-1)
  if (entry === undefined) return notYet(`${command.text} was not given on ${letter}.`)
  const grown = valueOf(world, letter, counter, entry.t)
  if (grown === null)
    return notYet(`${entry.text} was given on ${letter} at ${instant(entry.t)}; no time has passed since.`)
  const evidence = `${counter.text} grew by ${withUnit(grown, counter)} on ${letter} from ${instant(entry.t)} (${entry.text}) to ${instant(world.t(letter))}.`
  return grown >= by ? passed(evidence) : notYet(evidence)
}

function judgeDone({ what, branch, wait }: CheckOf<'done'>, world: World): Verdict {
  if (what === 'compare' || what === 'undo') return world.used.includes(what) ? passed('') : notYet()
  const letter = branch === undefined ? undefined : letterOf(world, branch)
  if (letter === null) return notYet(noRun(branch!))
  if (what === 'load') {
    const runner = letter ?? world.letters.find((candidate) => world.loading(candidate))
    const start = runner !== undefined && world.loading(runner) ? loadStart(world, runner) : null
    if (runner === undefined || start === null) return notYet()
    const lasted = world.t(runner) - start
    const evidence = `The load on ${runner} has been running since ${instant(start)}, for ${length(lasted)}.`
    return lasted >= wait ? passed(evidence) : waiting(evidence, lasted / wait, start + wait, wait - lasted)
  }
  const entry =
    what === 'fork'
      ? latestFork(world)
      : world.log.find((one) => one.kind === 'mark' && (letter === undefined || one.branch === letter))
  if (entry === undefined || (letter !== undefined && entry.branch !== letter)) return notYet()
  return passed(
    `${what === 'fork' ? `Run ${entry.branch} was made` : `Run ${entry.branch} was marked`} at ${instant(entry.t)}.`,
  )
}

function judgeInvariant({ quantity, op, value: limit }: CheckOf<'invariant'>, world: World): Verdict {
  const known = world.letters.flatMap((letter) => {
    const value = valueOf(world, letter, quantity, 0)
    return value === null ? [] : [{ letter, value }]
  })
  if (known.length === 0) return notYet()
  const evidence = `${quantity.text} since boot: ${known.map(({ letter, value }) => `${letter} ${withUnit(value, quantity)}`).join(', ')}.`
  return known.every(({ value }) => compare[op](value, limit)) ? passed(evidence) : failed(evidence)
}

function judgePredict({ predictions, before }: CheckOf<'predict'>, world: World): Verdict {
  const stored = predictions.flatMap((id) => world.predictions.find((entry) => entry.id === id) ?? [])
  if (stored.length < predictions.length)
    return notYet(stored.length === 0 ? '' : `${stored.length} of ${predictions.length} are stored.`)
  const change = findCommands(world, before)[0]
  const latest = Math.max(...stored.map(({ t }) => t))
  if (change === undefined) return passed(`Stored at ${instant(latest)}.`)
  const which = `“${change.text}” on ${change.branch} at ${instant(change.t)}`
  return stored.some(({ after }) => after >= change.id)
    ? failed(`Stored at ${instant(latest)}, after ${which}.`)
    : passed(`Stored at ${instant(latest)}, before ${which}.`)
}

function judgeAnswer({ question, correct, tolerance }: CheckOf<'answer'>, world: World): Verdict {
  const given = world.answers[question]?.trim() ?? ''
  if (given === '') return notYet()
  const evidence = `You answered “${given}”.`
  const plain = (text: string): string => text.trim().toLowerCase()
  const right =
    correct.length === 0 ||
    correct.some((answer) => {
      if (plain(answer) === plain(given)) return true
      const [said, wanted] = [Number(given.replace(',', '.')), Number(answer)]
      return !Number.isNaN(said) && Math.abs(said - wanted) <= tolerance
    })
  return right ? passed(evidence) : failed(evidence)
}

function judge(check: Check, world: World, earlier: readonly CheckState[]): Verdict {
  const open = check.after.find((id) => earlier.find((state) => state.id === id)?.state !== 'passed')
  if (open !== undefined) return notYet(`Looked at after “${earlier.find(({ id }) => id === open)?.title ?? open}”.`)
  switch (check.kind) {
    case 'knob':
      return judgeKnob(check, world)
    case 'command':
      return judgeCommand(check, world)
    case 'counter':
      return judgeCounter(check, world)
    case 'delta':
      return judgeDelta(check, world)
    case 'event':
      return judgeEvent(check, world)
    case 'done':
      return judgeDone(check, world)
    case 'saved':
      return world.used.includes('save') ? passed('') : notYet()
    case 'invariant':
      return judgeInvariant(check, world)
    case 'predict':
      return judgePredict(check, world)
    case 'answer':
      return judgeAnswer(check, world)
    case 'text': {
      const letters = (check.part === 'notes' ? world.notes : world.report).trim().length
      const evidence = `${letters} of at least ${check.least} letters.`
      return letters >= check.least ? passed(evidence) : notYet(letters === 0 ? '' : evidence)
    }
    case 'barrier': {
      const rest = earlier.filter(({ level, state }) => level === 'required' && state !== 'passed')
      return rest.length === 0
        ? passed('Everything required before is done.')
        : notYet(`Open: ${rest.map(({ title }) => title).join(', ')}.`)
    }
  }
}

/**
 * What stays passed once it has passed. Not what must hold for ever, what follows from other checks, and what is in the record anyway and may be
 * changed there (an answer).
 */
export function staysPassed(check: Check): boolean {
  if (check.kind === 'knob') return check.when === 'ever'
  return check.kind !== 'invariant' && check.kind !== 'barrier' && check.kind !== 'answer'
}

/** States of all checks, step by step, and the newly passed ones to be remembered. */
export function evaluate(
  exercise: Pick<Exercise, 'steps'>,
  world: World,
): { steps: CheckState[][]; fresh: { [check: string]: string } } {
  const fresh: { [check: string]: string } = {}
  const all: CheckState[] = []
  const steps = exercise.steps.map((step) =>
    step.checks.map((check): CheckState => {
      const before = staysPassed(check) ? world.passed[check.id] : undefined
      const verdict = before !== undefined ? passed(before) : judge(check, world, all)
      if (verdict.state === 'passed' && before === undefined && staysPassed(check)) fresh[check.id] = verdict.evidence
      const { id, title, level } = check
      const text = verdict.state === 'passed' ? check.pass : check.fail
      const state: CheckState = { id, title, level, text, ...verdict }
      all.push(state)
      return state
    }),
  )
  return { steps, fresh }
}

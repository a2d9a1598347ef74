/**
 * Performs a solution on real machines without a window, judged as a session judges it: the same record, the same log, the same engine. Runs move together
 * in virtual time; Undo executes the changed history again, as in a session.
 */
import type { BranchLetter, CheckState, ExerciseState } from '../../../preload/contract'
import { Branch, letters as allLetters, counterNames, realModel, type SettingsView } from '../../engine'
import { CounterRows } from '../counters'
import type { LoadedFiles } from '../files'
import { LabProblem } from '../problem'
import { hostFacts } from '../run'
import { scenarioToConfig } from '../scenario/config'
import type { Scenario } from '../scenario/schema'
import { lastChange, lettersOf, planOf } from '../session/log'
import { apply, newModel, nextId, type Operation, type SessionModel } from '../session/model'
import { newPrediction, startProgress, withAnswer } from './record'
import type { Exercise } from './schema'
import type { Solution, SolutionAction } from './solution'
import { exerciseState } from './state'
import { letterOf, type World } from './world'

/** How often checks are looked at while time passes, virtual ns. */
const judgeEvery = 1_000_000

type BranchSnapshot = NonNullable<ReturnType<Branch['snapshot']>>

interface Run {
  branch: Branch
  rows: CounterRows
}

class Performance {
  private readonly runs = new Map<BranchLetter, Run>()
  private readonly model
  private session: SessionModel
  /** The state before the last command that changed something. */
  private before: { id: number; snapshot: BranchSnapshot } | null = null
  private readonly statuses = new Map<number, { status: number; changed: boolean }>()

  constructor(
    private readonly exercise: Exercise,
    private readonly scenario: Scenario,
    files: LoadedFiles,
  ) {
    this.model = realModel(scenarioToConfig(scenario, files, { loadByCommand: true }), files.disk)
    this.session = newModel({
      name: exercise.id,
      scenarioId: exercise.scenario,
      scenario,
      files: { kind: 'generated' },
      now: new Date(0),
    })
    this.commit({ op: 'exercise', exercise: startProgress(exercise) })
    this.runs.set('A', this.build())
  }

  private commit(op: Operation): void {
    this.session = apply(this.session, op, new Date(0))
  }

  private build(): Run {
    const branch = new Branch(this.model, this.scenario.sample, {
      began: () => {},
      finished: ({ id, status, changed, replay }) => {
        if (!replay) this.statuses.set(id, { status, changed })
      },
      act: () => ({ output: '', status: 0 }),
    })
    return { branch, rows: new CounterRows(counterNames) }
  }

  private get t(): number {
    return Math.max(...[...this.runs.values()].map(({ branch }) => branch.t))
  }

  private collect(): void {
    for (const { branch, rows } of this.runs.values()) {
      const { times, values } = branch.samples.take()
      rows.append(times, values)
    }
  }

  private world(): World {
    const { log, predictions, exercise, notes, report } = this.session
    const { answers, used, passed } = exercise!
    // Reading every setting takes a while, and several checks ask.
    const known = new Map<BranchLetter, SettingsView['now']>()
    const settings = (letter: BranchLetter): SettingsView['now'] | undefined => {
      const run = this.runs.get(letter)
      if (run === undefined) return undefined
      const now = known.get(letter) ?? (run.branch.built.inspect('settings', null) as SettingsView).now
      known.set(letter, now)
      return now
    }
    return {
      log,
      letters: [...this.runs.keys()].sort(),
      t: (letter) => this.runs.get(letter)?.branch.t ?? 0,
      rows: (letter) => this.runs.get(letter)?.rows,
      settings,
      loading: (letter) => this.runs.get(letter)?.branch.built.loading() ?? false,
      predictions,
      answers,
      used,
      passed,
      notes,
      report,
      host: hostFacts(this.scenario),
    }
  }

  judge(): ExerciseState {
    this.collect()
    const { state, fresh, final } = exerciseState(this.exercise, 0, this.world())
    for (const { id, result } of final) this.commit({ op: 'predicted', exercise: this.exercise.id, id, result })
    const progress = this.session.exercise!
    this.commit({ op: 'exercise', exercise: { ...progress, passed: { ...progress.passed, ...fresh } } })
    return state
  }

  private use(what: string): void {
    const progress = this.session.exercise!
    if (!progress.used.includes(what))
      this.commit({ op: 'exercise', exercise: { ...progress, used: [...progress.used, what] } })
  }

  private command(letter: BranchLetter, text: string): void {
    const { branch } = this.runs.get(letter)!
    const id = nextId(this.session)
    const snapshot = branch.snapshot()!
    this.commit({
      op: 'entry',
      entry: {
        kind: 'command',
        id,
        branch: letter,
        t: branch.t,
        text,
        origin: 'exercise',
        status: null,
        changed: false,
      },
    })
    branch.execute({ id, text })
    while (branch.busy) branch.advance(branch.wakeAt, () => false)
    const ended = this.statuses.get(id)!
    if (ended.changed) this.before = { id, snapshot }
    this.commit({ op: 'status', id, ...ended })
  }

  private fork(): void {
    const from = letterOf(this.world(), 'base')!
    const source = this.runs.get(from)!
    const letter = allLetters.find((candidate) => !this.runs.has(candidate))!
    const t = source.branch.t
    this.collect()
    const copy = this.build()
    copy.branch.samples.take()
    copy.branch.restore(source.branch.snapshot()!)
    copy.branch.samples.after = t
    const inherited = source.branch.executed.map(({ id }) => id)
    this.runs.set(letter, { ...copy, rows: source.rows.copyUntil(t) })
    this.commit({
      op: 'entry',
      entry: { kind: 'fork', id: nextId(this.session), branch: letter, from, t, inherited },
    })
  }

  /** The log loses its last change, and what it touched is executed again: from just before a command, or all from boot. */
  private undo(): void {
    const t = this.t
    const gone = lastChange(this.session.log)
    this.use('undo')
    this.commit({ op: 'undo' })
    const [entry] = gone
    const before = this.before
    this.before = null
    if (gone.length === 1 && entry.kind === 'command' && entry.id === before?.id) {
      const { branch, rows } = this.runs.get(entry.branch)!
      branch.restore(before.snapshot)
      branch.samples.rewind(before.snapshot.t)
      rows.truncate(before.snapshot.t)
      branch.planned = planOf(this.session.log, entry.branch).filter(({ id }) => id > entry.id)
      branch.advance(t, () => false)
      return
    }
    this.runs.clear()
    for (const letter of lettersOf(this.session.log)) {
      const run = this.build()
      run.branch.planned = planOf(this.session.log, letter)
      run.branch.advance(t, () => false)
      this.runs.set(letter, run)
    }
  }

  private pass(ns: number): void {
    const end = this.t + ns
    while (this.t < end) {
      const next = Math.min(end, this.t + judgeEvery)
      for (const { branch } of this.runs.values()) branch.advance(next, () => false)
      this.judge()
    }
  }

  private perform(action: SolutionAction): void {
    const { exercise } = this
    switch (action.do) {
      case 'command': {
        const letter = letterOf(this.world(), action.branch)
        if (letter === null)
          throw new LabProblem('solution-invalid', `“${action.text}” is for a fork, and there is none.`, 'Fork first.')
        return this.command(letter, action.text)
      }
      case 'load':
        for (const letter of this.runs.keys()) this.command(letter, 'lab load start')
        return
      case 'run':
        return this.pass(action.for)
      case 'fork':
        return this.fork()
      case 'compare':
      case 'save':
        return this.use(action.do)
      case 'undo':
        return this.undo()
      case 'report':
        return this.commit({ op: 'texts', report: action.text })
      case 'predict': {
        const at = { t: this.t, after: nextId(this.session) - 1, at: new Date(0).toISOString() }
        const prediction = newPrediction(exercise, this.session.predictions, action.id, action.value, at)
        return this.commit({ op: 'predict', prediction })
      }
      case 'answer':
        return this.commit({
          op: 'exercise',
          exercise: withAnswer(exercise, this.session.exercise!, action.id, action.value),
        })
    }
  }

  play(actions: readonly SolutionAction[]): ExerciseState {
    for (const action of actions) {
      this.perform(action)
      this.judge()
    }
    return this.judge()
  }
}

/** The state of the exercise after a solution. */
export function performSolution(
  exercise: Exercise,
  solution: Solution,
  scenario: Scenario,
  files: LoadedFiles,
): ExerciseState {
  return new Performance(exercise, scenario, files).play(solution.actions)
}

/**
 * What a solution was to show and did not, in sentences; empty if it did. The reference passes everything that is marked, the empty solution nothing of it,
 * a wrong one all but what its first line names.
 */
export function faultsOf(exercise: Exercise, solution: Solution, state: ExerciseState): string[] {
  const levels = new Map(
    exercise.steps.flatMap(({ checks }) => checks).map(({ id, level, kind }) => [id, { level, kind }]),
  )
  const marked = state.steps
    .flatMap(({ checks }) => checks)
    .filter(({ id }) => levels.get(id)?.level !== 'warning' && levels.get(id)?.kind !== 'barrier')
  const shouldPass = (id: string): boolean => solution.name !== 'empty' && !(solution.fails ?? []).includes(id)
  const said = ({ id, state: verdict, evidence }: CheckState): string => `${id} is ${verdict} (${evidence})`
  return marked
    .filter(({ id, state: verdict }) => (verdict === 'passed') !== shouldPass(id))
    .map((check) => `${solution.name}: ${said(check)}, but it should${shouldPass(check.id) ? '' : ' not'} have passed`)
}

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { BranchLetter, CheckState } from '../../../preload/contract'
import { CounterRows } from '../counters'
import { LabProblem } from '../problem'
import type { LogEntry } from '../session/log'
import type { Prediction } from '../session/model'
import { evaluate } from './evaluate'
import { checkExercise } from './load'
import { newPrediction, startProgress, withAnswer, withStep } from './record'
import type { Exercise } from './schema'
import { exerciseState } from './state'
import type { World } from './world'

type Plain = { [field: string]: unknown }
const ms = 1e6
const names = ['server_conversions', 'client_bytes_corrupt', 'server_sockbuf_mbufs', 'frames']

/** Samples every 0.1 ms up to `end`; every counter as a function of time in ms. */
function rowsOf(end: number, ...columns: ((t: number) => number)[]): CounterRows {
  const rows = new CounterRows(names)
  const count = Math.round(end / (0.1 * ms)) + 1
  const times = Float64Array.from({ length: count }, (_, i) => i * 0.1 * ms)
  const values = new Float64Array(count * names.length)
  times.forEach((t, i) => columns.forEach((column, c) => (values[i * names.length + c] = column(t / ms))))
  rows.append(times, values)
  return rows
}

const command = (id: number, t: number, text: string, branch: BranchLetter = 'A', status = 0): LogEntry => ({
  kind: 'command',
  id,
  branch,
  t: t * ms,
  text,
  origin: 'console',
  status,
  changed: false,
})
const fork = (id: number, t: number, inherited: number[] = []): LogEntry => ({
  kind: 'fork',
  id,
  branch: 'B',
  from: 'A',
  t: t * ms,
  inherited,
})
const stored = (after: number, t = 1, id = 'p', value = '0.5'): Prediction => ({
  exercise: 'x',
  id,
  value,
  t: t * ms,
  after,
  at: '',
  result: null,
})

interface Parts extends Partial<Omit<World, 't' | 'rows' | 'settings' | 'loading'>> {
  end?: number
  a?: CounterRows
  b?: CounterRows
  knobs?: { [letter: string]: { [name: string]: string } }
  loads?: boolean
}
function worldOf(parts: Parts = {}): World {
  const { end = 0, a, b, knobs = {}, loads = false, ...rest } = parts
  return {
    log: [],
    letters: parts.b === undefined && !(parts.log ?? []).some(({ kind }) => kind === 'fork') ? ['A'] : ['A', 'B'],
    t: () => end * ms,
    rows: (letter) => (letter === 'A' ? a : b),
    settings: (letter) => knobs[letter],
    loading: () => loads,
    predictions: [],
    answers: {},
    used: [],
    passed: {},
    notes: '',
    report: '',
    host: { ncpu: 1, hz: 1e9, costOn: true },
    ...rest,
  }
}

const predictionOf = (measure: string, fields: Plain = {}): Plain => ({
  id: 'p',
  label: 'P',
  kind: 'number',
  model: { quantity: 'frames', measure, wait: '5ms' },
  ...fields,
})
function exerciseOf(...checks: Plain[]): Exercise {
  const file = checkExercise(
    {
      schema: 1,
      id: 'x',
      title: 'X',
      minutes: 1,
      difficulty: '',
      theme: '',
      summary: '',
      scenario: 's',
      speed: 1,
      steps: [
        {
          id: 'one',
          title: 'One',
          commands: [{ text: 'sysctl x=1', branch: 'fork' }],
          actions: [{ id: 'fork', label: 'Fork' }],
          predictions: [predictionOf('ratio')],
          questions: [
            { id: 'q', label: 'Q', kind: 'choice', choices: ['yes', 'no'] },
            { id: 'n', label: 'N', kind: 'number' },
            { id: 'w', label: 'W', kind: 'text' },
          ],
          checks: checks.map((check, i) => ({
            id: `c${i + 1}`,
            title: `Check ${i + 1}`,
            pass: 'Holds.',
            fail: 'Teaches.',
            ...check,
          })),
        },
        { id: 'two', title: 'Two', recall: ['p'], hints: ['h'] },
      ],
    },
    'x',
  )
  return { ...file, texts: ['', ''] }
}
const judge = (check: Plain, parts: Parts = {}): CheckState => evaluate(exerciseOf(check), worldOf(parts)).steps[0][0]

describe('a check of the kind', () => {
  test('knob – is passed on the run meant, and says the value and the time', () => {
    const check = { kind: 'knob', branch: 'fork', name: 'cc0.nomap', value: 'off' }
    expect(judge(check)).toMatchObject({ state: 'not-yet', text: 'Teaches.', evidence: 'Nothing was forked yet.' })
    const parts = { log: [fork(1, 1)], end: 2 }
    expect(judge(check, { ...parts, knobs: { A: { 'cc0.nomap': 'off' }, B: { 'cc0.nomap': 'on' } } }).state).toBe(
      'not-yet',
    )
    expect(judge(check, { ...parts, knobs: { A: { 'cc0.nomap': 'on' }, B: { 'cc0.nomap': 'off' } } })).toMatchObject({
      state: 'passed',
      text: 'Holds.',
      evidence: 'cc0.nomap is off on B at 2.000 ms.',
    })
  })

  test('knob, ever – was so once – stays passed; now – does not', () => {
    const check = { kind: 'knob', branch: 'A', name: 'cc0.nomap', value: 'off' }
    const parts = { passed: { c1: 'It was off.' }, knobs: { A: { 'cc0.nomap': 'on' } } }
    expect(judge(check, parts)).toMatchObject({ state: 'passed', evidence: 'It was off.' })
    expect(judge({ ...check, when: 'now' }, parts).state).toBe('not-yet')
  })

  test('command – passes when it ended well, on the run meant', () => {
    const check = { kind: 'command', command: 'netstat -m', branch: 'base' }
    expect(judge(check).state).toBe('not-yet')
    expect(judge(check, { log: [command(1, 2, 'netstat -m', 'A', 1)] }).state).toBe('not-yet')
    expect(judge(check, { log: [fork(1, 1), command(2, 2, 'netstat -m', 'B')] }).state).toBe('not-yet')
    expect(judge(check, { log: [command(1, 2, 'netstat -m')] }).evidence).toBe('netstat -m on A at 2.000 ms.')
  })

  test('command with an order – passes in that order, fails in the other, waits for what lacks', () => {
    const [x, y] = ['date', 'uname']
    const after = { kind: 'command', command: y, order: { after: x } }
    expect(judge(after, { log: [command(1, 1, x), command(2, 1, y)] }).state).toBe('passed')
    expect(judge(after, { log: [command(1, 1, y), command(2, 1, x)] })).toMatchObject({
      state: 'failed',
      evidence: 'uname was given on A at 1.000 ms, not after date.',
    })
    expect(judge(after, { log: [command(1, 1, y)] })).toMatchObject({
      state: 'not-yet',
      evidence: 'uname was given on A at 1.000 ms; date was not.',
    })
    const before = { kind: 'command', command: x, order: { before: y } }
    expect(judge(before, { log: [command(1, 1, x), command(2, 3, y)] }).state).toBe('passed')
    expect(judge(before, { log: [command(1, 1, y), command(2, 3, x)] }).state).toBe('failed')
  })

  test('counter – is taken from its beginning on, waits in virtual time, then judges', () => {
    const check = {
      kind: 'counter',
      branch: 'A',
      quantity: 'server_conversions * 2',
      since: { command: 'date' },
      op: '>=',
      value: 20,
      wait: '5ms',
    }
    const log = [command(1, 10, 'date')]
    expect(judge(check, { end: 9, a: rowsOf(9 * ms, (t) => t) }).state).toBe('not-yet')
    expect(judge(check, { end: 12, log, a: rowsOf(12 * ms, (t) => t) })).toMatchObject({
      state: 'waiting',
      progress: { share: 0.4, text: 'judged at 15.000 ms, 3 ms of virtual time left' },
    })
    expect(judge(check, { end: 15, log, a: rowsOf(15 * ms, (t) => t) })).toMatchObject({
      state: 'failed',
      progress: null,
    })
    const passed = judge(check, { end: 20, log, a: rowsOf(20 * ms, (t) => t) })
    expect(passed).toMatchObject({ state: 'passed' })
    expect(passed.evidence).toContain('is 20 on A from 10.000 ms to 20.000 ms, wanted >= 20')
  })

  test('counter since boot, the load, the fork or a mark – begins there', () => {
    const log: LogEntry[] = [
      command(1, 2, 'lab load start'),
      { kind: 'mark', id: 2, branch: 'A', t: 3 * ms, text: 'here' },
      fork(3, 4, [1]),
    ]
    const a = rowsOf(10 * ms, (t) => t)
    const values = (['boot', 'load', { mark: 'here' }, 'fork'] as const).map(
      (since) =>
        /is ([\d.]+) /.exec(
          judge(
            { kind: 'counter', branch: 'A', quantity: 'server_conversions', since, op: '>', value: 0 },
            { end: 10, log, a, b: a },
          ).evidence,
        )?.[1],
    )
    expect(values).toEqual(['10', '8', '7', '6'])
  })

  test('delta – waits, then passes in the band and fails outside, with both values', () => {
    const check = {
      kind: 'delta',
      quantity: 'sockbuf_mbufs',
      measure: 'ratio',
      band: { low: 0.1, high: 0.5 },
      skip: '1ms',
      wait: '4ms',
    }
    const run = (end: number, b: number): CheckState =>
      judge(check, {
        end,
        log: [fork(1, 5)],
        a: rowsOf(
          end * ms,
          () => 0,
          () => 0,
          () => 100,
        ),
        b: rowsOf(
          end * ms,
          () => 0,
          () => 0,
          (t) => (t <= 6 ? 100 : b),
        ),
      })
    expect(judge(check).state).toBe('not-yet')
    expect(run(7.5, 20)).toMatchObject({ state: 'waiting', progress: { share: 0.5 } })
    const passed = run(10, 20)
    expect(passed.state).toBe('passed')
    expect(passed.evidence).toBe('sockbuf_mbufs: B 20 mbufs, A 100 mbufs; B / A is 0.2, wanted from 0.1 to 0.5.')
    expect(run(10, 50).state).toBe('passed')
    expect(run(10, 51).state).toBe('failed')
    expect(run(10, 9).state).toBe('failed')
  })

  test('delta as a difference – is judged by sign and amount', () => {
    const check = { kind: 'delta', quantity: 'sockbuf_mbufs', measure: 'difference', band: { high: -10 }, wait: '1ms' }
    const parts = (b: number): Parts => ({
      end: 5,
      log: [fork(1, 1)],
      a: rowsOf(
        5 * ms,
        () => 0,
        () => 0,
        () => 100,
      ),
      b: rowsOf(
        5 * ms,
        () => 0,
        () => 0,
        () => b,
      ),
    })
    expect(judge(check, parts(90)).state).toBe('passed')
    expect(judge(check, parts(110)).state).toBe('failed')
  })

  test('event – a counter must grow after the command, not before it', () => {
    const check = { kind: 'event', branch: 'A', counter: 'server_conversions', command: 'ifconfig cc0 -nomap', by: 2 }
    const log = [command(1, 5, 'ifconfig cc0 -nomap')]
    expect(judge(check, { end: 6, a: rowsOf(6 * ms, () => 9) }).evidence).toContain('was not given')
    expect(judge(check, { end: 6, log, a: rowsOf(6 * ms, (t) => (t > 2 ? 9 : 0)) })).toMatchObject({ state: 'not-yet' })
    expect(judge(check, { end: 6, log, a: rowsOf(6 * ms, (t) => (t > 5 ? 9 : 0)) })).toMatchObject({
      state: 'passed',
      evidence: 'server_conversions grew by 9 mbufs on A from 5.000 ms (ifconfig cc0 -nomap) to 6.000 ms.',
    })
  })

  test('done – the load must last, a fork, a mark, a comparison, an undo must be', () => {
    const load = { kind: 'done', what: 'load', wait: '5ms' }
    const log = [command(1, 2, 'lab load start')]
    expect(judge(load, { end: 4, log }).state).toBe('not-yet')
    expect(judge(load, { end: 4, log, loads: true })).toMatchObject({ state: 'waiting', progress: { share: 0.4 } })
    expect(judge(load, { end: 7, log, loads: true }).state).toBe('passed')
    expect(judge({ kind: 'done', what: 'fork' }).state).toBe('not-yet')
    expect(judge({ kind: 'done', what: 'fork' }, { log: [fork(1, 3)] }).evidence).toBe('Run B was made at 3.000 ms.')
    const mark: LogEntry = { kind: 'mark', id: 1, branch: 'A', t: 0, text: 'x' }
    expect(judge({ kind: 'done', what: 'mark', branch: 'A' }, { log: [mark] }).state).toBe('passed')
    for (const what of ['compare', 'undo']) {
      expect(judge({ kind: 'done', what }).state).toBe('not-yet')
      expect(judge({ kind: 'done', what }, { used: [what] }).state).toBe('passed')
    }
  })

  test('saved – passes by saving', () => {
    expect(judge({ kind: 'saved' }).state).toBe('not-yet')
    expect(judge({ kind: 'saved' }, { used: ['save'] }).state).toBe('passed')
  })

  test('invariant – one run violates it – fails even after it had passed', () => {
    const check = { kind: 'invariant', quantity: 'client_bytes_corrupt', op: '==', value: 0 }
    const clean = rowsOf(2 * ms)
    const bad = rowsOf(
      2 * ms,
      () => 0,
      (t) => (t > 1 ? 1 : 0),
    )
    expect(judge(check).state).toBe('not-yet')
    expect(judge(check, { end: 2, a: clean, b: clean }).state).toBe('passed')
    expect(judge(check, { end: 2, a: clean, b: bad, passed: { c1: 'fine' } })).toMatchObject({
      state: 'failed',
      evidence: 'client_bytes_corrupt since boot: A 0 bytes, B 1 bytes.',
    })
  })

  test('predict – stored before the command passes, after it fails, also at the same instant', () => {
    const check = { kind: 'predict', predictions: ['p'], before: 'sysctl x=1' }
    expect(judge(check).state).toBe('not-yet')
    expect(judge(check, { predictions: [stored(0)] }).evidence).toBe('Stored at 1.000 ms.')
    expect(judge(check, { predictions: [stored(0)], log: [command(1, 1, 'sysctl x=1')] }).state).toBe('passed')
    expect(judge(check, { predictions: [stored(1)], log: [command(1, 1, 'sysctl x=1')] })).toMatchObject({
      state: 'failed',
      evidence: 'Stored at 1.000 ms, after “sysctl x=1” on A at 1.000 ms.',
    })
  })

  test('answer – a choice, a number within its tolerance, a free text', () => {
    const choice = { kind: 'answer', question: 'q', correct: ['yes'] }
    expect(judge(choice).state).toBe('not-yet')
    expect(judge(choice, { answers: { q: 'no' } })).toMatchObject({ state: 'failed', evidence: 'You answered “no”.' })
    expect(judge(choice, { answers: { q: 'yes' } }).state).toBe('passed')
    const number = { kind: 'answer', question: 'n', correct: ['0.5'], tolerance: 0.1 }
    expect(['0,55', '.5', '0.7', 'x'].map((n) => judge(number, { answers: { n } }).state)).toEqual([
      'passed',
      'passed',
      'failed',
      'failed',
    ])
    const text = { kind: 'answer', question: 'w' }
    expect([' ', 'because'].map((w) => judge(text, { answers: { w } }).state)).toEqual(['not-yet', 'passed'])
    // A right answer that was changed to a wrong one is wrong.
    expect(judge(choice, { answers: { q: 'no' }, passed: { c1: 'yes' } }).state).toBe('failed')
  })

  test('text – passes with enough letters', () => {
    const check = { kind: 'text', part: 'report', least: 5 }
    expect(['', '  ab  ', 'abcde'].map((report) => judge(check, { report }).state)).toEqual([
      'not-yet',
      'not-yet',
      'passed',
    ])
  })

  test('barrier – names what is open before it, and only what is required', () => {
    const steps = exerciseOf(
      { kind: 'saved' },
      { kind: 'text', part: 'notes', least: 1, level: 'bonus' },
      { kind: 'barrier' },
    )
    expect(evaluate(steps, worldOf()).steps[0][2]).toMatchObject({ state: 'not-yet', evidence: 'Open: Check 1.' })
    expect(evaluate(steps, worldOf({ used: ['save'] })).steps[0][2].state).toBe('passed')
  })
})

describe('evaluation', () => {
  test('a check after another – is not looked at before that has passed', () => {
    const exercise = exerciseOf({ kind: 'saved' }, { kind: 'done', what: 'undo', after: ['c1'] })
    const states = (used: string[]): string[] =>
      evaluate(exercise, worldOf({ used })).steps[0].map(({ state }) => state)
    expect(states(['undo'])).toEqual(['not-yet', 'not-yet'])
    expect(states(['undo', 'save'])).toEqual(['passed', 'passed'])
  })

  test('what passes – is handed back once, to be remembered', () => {
    const exercise = exerciseOf({ kind: 'command', command: 'date' })
    const parts = { log: [command(1, 1, 'date')] }
    const { fresh } = evaluate(exercise, worldOf(parts))
    expect(fresh).toEqual({ c1: 'date on A at 1.000 ms.' })
    expect(evaluate(exercise, worldOf({ ...parts, passed: fresh })).fresh).toEqual({})
    // The command was undone since.
    expect(evaluate(exercise, worldOf({ passed: fresh })).steps[0][0].state).toBe('passed')
  })

  test('any ratio and any band – pass exactly when the ratio lies in the band', () => {
    const number = fc.integer({ min: 1, max: 50 })
    fc.assert(
      fc.property(number, number, number, number, (a, b, x, y) => {
        const band = { low: Math.min(x, y) / 10, high: Math.max(x, y) / 10 }
        const check = { kind: 'delta', quantity: 'frames', measure: 'ratio', band, wait: '0ms' }
        const grow = (by: number): CounterRows =>
          rowsOf(
            ms,
            () => 0,
            () => 0,
            () => 0,
            (t) => Math.round(t * 10) * by,
          )
        const { state } = judge(check, { end: 1, log: [fork(1, 0)], a: grow(a), b: grow(b) })
        expect(state).toBe(b / a >= band.low && b / a <= band.high ? 'passed' : 'failed')
      }),
      { numRuns: 50 },
    )
  })
})

describe('the state of an exercise', () => {
  const grow = (end: number, by: number): CounterRows =>
    rowsOf(
      end * ms,
      () => 0,
      () => 0,
      () => 0,
      (t) => t * by,
    )
  const parts = (end: number): Parts => ({ end, log: [fork(1, 2)], a: grow(end, 1000), b: grow(end, 250) })

  test('a prediction – is shown with the model so far, then final, in the step that recalls it too', () => {
    const exercise = exerciseOf()
    const show = (world: Parts): (string | null)[] =>
      exerciseState(exercise, 0, worldOf(world)).state.steps.map(({ predictions }) => predictions[0].model)
    expect(show(parts(4))).toEqual([null, null])
    expect(show({ ...parts(4), predictions: [stored(0)] })).toEqual(Array(2).fill('0.25 so far, final in 3.000 ms'))
    expect(show({ ...parts(7), predictions: [stored(0)] })).toEqual(['0.25', '0.25'])
    const { final } = exerciseState(exercise, 0, worldOf({ ...parts(7), predictions: [stored(0)] }))
    expect(final).toEqual([{ id: 'p', result: '0.25' }])
    expect(show({ ...parts(4), predictions: [{ ...stored(0), result: '0.3' }] })).toEqual(['0.3', '0.3'])
  })

  test('commands and actions – are done on the run that they are meant for', () => {
    const first = (world: Parts) => exerciseState(exerciseOf(), 0, worldOf(world)).state.steps[0]
    expect(first({}).commands).toEqual([{ text: 'sysctl x=1', branch: 'B', doneAt: null }])
    expect(first({}).actions[0].done).toBe(false)
    const inherited = [command(1, 1, 'sysctl x=1'), fork(2, 2, [1])]
    expect(first({ log: inherited })).toMatchObject({ commands: [{ doneAt: null }], actions: [{ done: true }] })
    expect(first({ log: [...inherited, command(3, 3, 'sysctl x=1', 'B')] }).commands[0].doneAt).toBe(3 * ms)
  })

  test('points – count what passed, of all but warnings', () => {
    const exercise = exerciseOf(
      { kind: 'saved', points: 3 },
      { kind: 'done', what: 'undo', level: 'bonus', points: 2 },
      { kind: 'done', what: 'undo', level: 'warning', points: 5 },
    )
    const score = (used: string[]) => exerciseState(exercise, 9, worldOf({ used })).state
    expect(score([])).toMatchObject({ points: 0, maxPoints: 5, step: 1 })
    expect(score(['undo', 'save'])).toMatchObject({ points: 5, maxPoints: 5 })
  })
})

describe('the record', () => {
  const exercise = exerciseOf()
  const progress = startProgress(exercise)
  const at = { t: 0, after: 0, at: '' }
  const codeOf = (run: () => unknown): string => {
    try {
      run()
      return 'nothing was thrown'
    } catch (error) {
      return error instanceof LabProblem ? error.code : 'no LabProblem'
    }
  }

  test('steps, answers and predictions – are taken as they are', () => {
    expect(withStep(exercise, progress, 1).step).toBe(1)
    expect(withAnswer(exercise, progress, 'n', '0,5').answers).toEqual({ n: '0,5' })
    expect(newPrediction(exercise, [], 'p', ' 0.5 ', at)).toMatchObject({ id: 'p', value: '0.5', result: null })
  })
  test.each<[string, () => unknown, string]>([
    ['a step that is not there', () => withStep(exercise, progress, 2), 'bad-request'],
    ['an answer to no question', () => withAnswer(exercise, progress, 'z', 'x'), 'bad-request'],
    ['a choice that is none', () => withAnswer(exercise, progress, 'q', 'perhaps'), 'not-a-choice'],
    ['words for a number', () => withAnswer(exercise, progress, 'n', 'many'), 'not-a-number'],
    ['an empty answer', () => withAnswer(exercise, progress, 'w', '  '), 'value-missing'],
    ['a prediction of nothing', () => newPrediction(exercise, [], 'z', '1', at), 'bad-request'],
    ['a prediction that is no number', () => newPrediction(exercise, [], 'p', 'less', at), 'not-a-number'],
    ['a second prediction', () => newPrediction(exercise, [stored(0)], 'p', '1', at), 'prediction-stored'],
  ])('%s – is refused – %s', (_, run, code) => {
    expect(codeOf(run)).toBe(code)
  })
})

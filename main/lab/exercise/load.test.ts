import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { LabProblem } from '../problem'
import { checkExercise, exerciseSummaries, loadExercise } from './load'
import { parseSolution } from './solution'

const shipped = resolve(import.meta.dirname, '../../../exercises')

function problemOf(run: () => unknown): LabProblem {
  try {
    run()
  } catch (error) {
    expect(error).toBeInstanceOf(LabProblem)
    return error as LabProblem
  }
  throw new Error('nothing was thrown')
}

type Plain = { [field: string]: unknown }
const check = (fields: Plain = {}): Plain => ({ id: 'c', kind: 'saved', title: 'Saved', fail: 'Save.', ...fields })
const written = (step: Plain = {}, top: Plain = {}): Plain => ({
  schema: 1,
  id: 'x',
  title: 'X',
  minutes: 1,
  difficulty: 'beginner',
  theme: 't',
  summary: 's',
  scenario: 'first-lab',
  speed: 1,
  steps: [{ id: 'one', title: 'One', checks: [check()], ...step }],
  ...top,
})
const delta = { kind: 'delta', quantity: 'frames', measure: 'ratio', wait: '5ms' }
const choice = { id: 'q', label: 'Q', kind: 'choice', choices: ['a', 'b'] }
const prediction = (model: Plain, fields: Plain = {}): Plain => ({
  predictions: [
    { id: 'p', label: 'P', kind: 'number', model: { quantity: 'frames', wait: '1ms', ...model }, ...fields },
  ],
})

describe('exercise.json', () => {
  test('a short exercise – is read – everything else is filled in', () => {
    const { steps } = checkExercise(written({ checks: [check({ ...delta, band: { high: 0.5 } })] }), 'x')
    expect(steps[0].checks[0]).toMatchObject({
      level: 'required',
      points: 1,
      base: 'base',
      other: 'fork',
      since: 'fork',
      wait: 5_000_000,
      after: [],
    })
  })

  test.each<[string, Plain, RegExp, RegExp]>([
    ['a newer format', written({}, { schema: 2 }), /x: schema is not 1/, /newer nomap lab/],
    ['a missing field', written({}, { title: undefined }), /x: title is missing/, /Add it/],
    ['an unknown field', written({ colour: 1 }), /x: steps\[0\] has no field "colour"/, /lists the fields/],
    ['a bad id', written({ id: 'One' }), /steps\[0\]\.id is not a short name/, /small letters/],
    [
      'an unknown kind',
      written({ checks: [check({ kind: 'script' })] }),
      /checks\[0\]\.kind is no kind of check/,
      /knob, command, .*barrier/,
    ],
    [
      'a check that teaches nothing',
      written({ checks: [check({ fail: '' })] }),
      /checks\[0\]\.fail is too small or empty/,
      /least is 1/,
    ],
    [
      'an unknown quantity',
      written({ checks: [check({ ...delta, quantity: 'framse', band: { low: 1 } })] }),
      /quantity: "framse" is neither a metric nor a counter/,
      /Did you mean frames/,
    ],
    [
      'a quantity that is none',
      written({ checks: [check({ ...delta, quantity: 'frames /', band: { low: 1 } })] }),
      /quantity: "frames \/" ends too early/,
      /Write for instance/,
    ],
    [
      'a band without ends',
      written({ checks: [check({ ...delta, band: {} })] }),
      /band has neither low nor high/,
      /Correct it/,
    ],
    [
      'a band upside down',
      written({ checks: [check({ ...delta, band: { low: 2, high: 1 } })] }),
      /band has a low end above/,
      /Correct it/,
    ],
    [
      'a time without unit',
      written({ checks: [check({ ...delta, band: { low: 1 }, wait: '5' })] }),
      /wait: 5 has no unit/,
      /Write for instance/,
    ],
    [
      'an expression that is none',
      written({ checks: [check({ kind: 'command', command: '/(/' })] }),
      /command: \/\(\/ is not a regular expression/,
      /Invalid/,
    ],
    ['an id twice', written({ questions: [{ ...choice, id: 'c' }] }), /the id "c" is used twice/, /another one/],
    [
      'an answer to no question',
      written({ questions: [choice], checks: [check({ kind: 'answer', question: 'qq' })] }),
      /names the question "qq"/,
      /Did you mean q\?/,
    ],
    [
      'an answer that cannot be given',
      written({ questions: [choice], checks: [check({ kind: 'answer', question: 'q', correct: ['d'] })] }),
      /wants "d", which is no choice of "q"/,
      /Its choices are a, b/,
    ],
    [
      'a choice without choices',
      written({ questions: [{ ...choice, choices: [] }] }),
      /"q" is of the kind choice and has 0 choices/,
      /at least two/,
    ],
    [
      'a check after a later one',
      written({ checks: [check({ after: ['d'] }), check({ id: 'd' })] }),
      /"c" comes after "d", which is no check before it/,
      /earlier/,
    ],
    [
      'a prediction that nobody asks for',
      written({ checks: [check({ kind: 'predict', predictions: ['p'], before: 'x' })] }),
      /names the prediction "p", which does not exist/,
      /Correct/,
    ],
    ['a recalled prediction that is none', written({ recall: ['p'] }), /recalls the prediction "p"/, /Correct/],
    [
      'a direction as a number',
      written(prediction({ measure: 'direction' })),
      /"p" is a number and its measure is direction/,
      /choice/,
    ],
    [
      'a direction in other words',
      written(prediction({ measure: 'direction' }, { kind: 'choice', choices: ['more', 'equal'] })),
      /has the choice "equal"/,
      /more, same or fewer/,
    ],
  ])('%s – is read – one sentence names file and field, one the remedy', (_, value, message, remedy) => {
    const problem = problemOf(() => checkExercise(value, 'x'))
    expect(problem.code).toBe('exercise-invalid')
    expect(problem.message).toMatch(message)
    expect(problem.remedy).toMatch(remedy)
  })

  test('several faults – are read – the others are details', () => {
    expect(problemOf(() => checkExercise(written({}, { speed: -1, minutes: 0 }), 'x')).details).toContain('speed')
  })
})

describe('folders of exercises', () => {
  const content = mkdtempSync(join(tmpdir(), 'lab-exercises-'))
  const put = (path: string, text: string): void => {
    mkdirSync(join(content, path, '..'), { recursive: true })
    writeFileSync(join(content, path), text)
  }
  put('good/exercise.json', JSON.stringify(written({}, { id: 'good' })))
  put('good/one/text.en.md', 'Do it.\n')
  put('mute/exercise.json', JSON.stringify(written({}, { id: 'mute' })))
  put('broken/exercise.json', '{')
  put('moved/exercise.json', JSON.stringify(written({}, { id: 'other' })))

  test('a whole one – is loaded – with the text of every step', () => {
    expect(loadExercise('good', content).texts).toEqual(['Do it.\n'])
  })
  test.each([
    ['mute', /^mute\/exercise\.json: the step one has no text\.$/, /mute\/one\/text\.en\.md/],
    ['broken', /^broken\/exercise\.json: it is not JSON/, /Correct/],
    ['moved', /^moved\/exercise\.json: id is "other"\.$/, /Write "moved"/],
    ['goood', /^There is no exercise goood\.$/, /Did you mean good\?/],
  ])('%s – is loaded – the problem names the file and the remedy', (id, message, remedy) => {
    const problem = problemOf(() => loadExercise(id, content))
    expect(problem.message).toMatch(message)
    expect(problem.remedy).toMatch(remedy)
  })
  test('damaged ones – stand in the folder – and do not take the whole one away', () => {
    const left: string[] = []
    expect(exerciseSummaries(content, ({ message }) => left.push(message)).map(({ id }) => id)).toEqual(['good'])
    expect(left).toHaveLength(3)
  })
  test('no folder at all – is an empty list', () => {
    expect(exerciseSummaries(join(content, 'none'))).toEqual([])
  })
})

describe('the shipped exercises', () => {
  test('ten-minutes – has eight to ten steps – and every check teaches, whichever way it goes', () => {
    const { steps, texts, scenario } = loadExercise('ten-minutes', shipped)
    expect(steps.length).toBeGreaterThanOrEqual(8)
    expect(steps.length).toBeLessThanOrEqual(10)
    expect(scenario).toBe('first-lab')
    for (const { id, hints, checks } of steps) {
      expect(hints.length, id).toBeGreaterThan(0)
      for (const one of checks)
        expect(
          [one.pass, one.fail].every((text) => text.endsWith('.')),
          one.id,
        ).toBe(true)
    }
    for (const text of texts) expect(text.split(/\s+/).length).toBeLessThan(120)
  })

  test('ten-minutes – names its scenario in a file that is shipped', () => {
    expect(readFileSync(resolve(shipped, '../scenarios/first-lab.yaml'), 'utf8')).toContain('title: First lab')
  })
})

describe('solutions', () => {
  test.each([
    ['{"do":"dance"}', /x\.jsonl, line 1/],
    ['{"do":"load"}\n{"do":"run","for":"5"}', /x\.jsonl, line 2: .*no unit/],
    ['{"do":"load"}\n{', /x\.jsonl, line 2/],
  ])('%j – is read – the problem names the line', (text, message) => {
    expect(problemOf(() => parseSolution(text, 'x')).message).toMatch(message)
  })
})

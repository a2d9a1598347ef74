import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { CheckState, ExerciseState } from '../../../preload/contract'
import { loadScenarioFiles } from '../scenario/config'
import { loadScenario } from '../scenario/load'
import { exerciseNames, loadExercise } from './load'
import { faultsOf, performSolution } from './prove'
import { loadSolutions, type Solution } from './solution'

const root = resolve(import.meta.dirname, '../../..')
const content = resolve(root, 'exercises')
const all = ({ steps }: ExerciseState): CheckState[] => steps.flatMap(({ checks }) => checks)

/** What the model says to the predictions of the exercise, in bounds that leave the figures to the model. */
function expectFigures(state: ExerciseState): void {
  if (state.id !== 'ten-minutes') return
  const { predictions } = state.steps.find(({ id }) => id === 'compare')!
  expect(predictions.map(({ id }) => id)).toEqual(['mbufs-ratio', 'cpu-change', 'frames-change'])
  const [mbufs, cpu, frames] = predictions.map(({ model }) => model)
  expect(Number(mbufs)).toBeGreaterThan(0.05)
  expect(Number(mbufs)).toBeLessThan(0.5)
  expect(Number(cpu)).toBeLessThan(0)
  expect(frames).toBe('same')
}

describe.each(exerciseNames(content))('the exercise %s', (id) => {
  const exercise = loadExercise(id, content)
  const solutions = loadSolutions(id, content)
  const perform = async (solution: Solution): Promise<ExerciseState> => {
    const { scenario, folder } = loadScenario(exercise.scenario, resolve(root, 'scenarios'))
    return performSolution(exercise, solution, scenario, await loadScenarioFiles(scenario, folder))
  }

  test('comes with a reference, an empty and a wrong solution', () => {
    const names = solutions.map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(['reference', 'empty']))
    expect(solutions.filter(({ fails }) => fails !== null).length).toBeGreaterThan(0)
  })

  test.each(solutions)(
    'the solution $name – on real machines – passes and fails what it should, and nothing else',
    async (solution) => {
      const state = await perform(solution)
      expect(faultsOf(exercise, solution, state)).toEqual([])
      if (solution.name === 'reference') expect(state.points).toBe(state.maxPoints)
      if (solution.name === 'empty') expect(state.points).toBe(0)
      if (solution.name === 'reference') expectFigures(state)
      // Why it passed, or did not, can always be asked.
      for (const check of all(state)) expect(check.text, check.id).not.toBe('')
    },
  )
})

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
      // Why it passed, or did not, can always be asked.
      for (const check of all(state)) expect(check.text, check.id).not.toBe('')
    },
  )
})

describe('the reference solution of ten-minutes', () => {
  test('is finished – every prediction has the model’s final figure beside it, and none is scripted', async () => {
    const exercise = loadExercise('ten-minutes', content)
    const reference = loadSolutions('ten-minutes', content).find(({ name }) => name === 'reference')!
    const { scenario, folder } = loadScenario(exercise.scenario, resolve(root, 'scenarios'))
    const upToCompare = {
      ...reference,
      actions: reference.actions.slice(
        0,
        reference.actions.findIndex((a) => a.do === 'compare'),
      ),
    }
    const state = performSolution(exercise, upToCompare, scenario, await loadScenarioFiles(scenario, folder))
    const predictions = state.steps.find(({ id }) => id === 'compare')!.predictions
    expect(predictions.map(({ id }) => id)).toEqual(['mbufs-ratio', 'cpu-change', 'frames-change'])
    expect(Number(predictions[0].model)).toBeGreaterThan(0.05)
    expect(Number(predictions[0].model)).toBeLessThan(0.4)
    expect(Number(predictions[1].model)).toBeLessThan(0)
    expect(predictions[2].model).toBe('same')
  })
})

import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { checkScenario, loadScenario, scenarioNames } from './load'
import { writtenScenario } from './written'

const shipped = resolve(import.meta.dirname, '../../../scenarios')

test.each(scenarioNames(shipped))('scenario %s – is written with units and read back – nothing changes', (name) => {
  const { scenario } = loadScenario(name, shipped)
  expect(checkScenario(JSON.parse(JSON.stringify(writtenScenario(scenario))), 'test')).toEqual(scenario)
})

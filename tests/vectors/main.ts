/**
 * npm run -s vectors -- [DIR]: feeds every case of a folder of test vectors to the emulator and compares every field.
 * One line a file; exit 1 on any difference, 2 when there is nothing to run.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { VectorCase } from './format'
import { runCases } from './runCases'

const SHOWN = 20

export function main(args: readonly string[], ownData: string, cwd: string): number {
  const [dir, ...rest] = args
  if (rest.length > 0 || dir?.startsWith('-')) {
    console.error('vectors: at most one argument, the folder of the vectors.')
    return 2
  }
  const folder = dir === undefined ? ownData : resolve(cwd, dir)
  let names: string[]
  try {
    names = readdirSync(folder)
      .filter((name) => name.endsWith('.json'))
      .sort()
  } catch {
    console.error(`vectors: the folder ${dir} cannot be read. Name one that holds vector files (*.json).`)
    return 2
  }
  if (names.length === 0) {
    console.error(`vectors: the folder ${dir ?? folder} holds no vector file (*.json).`)
    return 2
  }
  let failed = 0
  for (const name of names) {
    const { passed, failures } = runFile(join(folder, name))
    failed += failures.length
    console.log(`${name}: ${passed} passed, ${failures.length} failed`)
    for (const failure of failures.slice(0, SHOWN))
      console.log(`  ${failure.length > 600 ? `${failure.slice(0, 600)} …` : failure}`)
    if (failures.length > SHOWN) console.log(`  … and ${failures.length - SHOWN} more`)
  }
  return failed > 0 ? 1 : 0
}

function runFile(path: string): { passed: number; failures: string[] } {
  let cases: unknown
  try {
    cases = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    return { passed: 0, failures: [`not readable as JSON: ${(error as Error).message}`] }
  }
  if (!Array.isArray(cases)) return { passed: 0, failures: ['not an array of cases'] }
  return runCases(cases as VectorCase[])
}

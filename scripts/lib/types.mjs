// Type checks, one runtime at a time: each project has only the libraries that its runtime has.
import { join } from 'node:path'
import { inParallel } from './pool.mjs'
import { run } from './processes.mjs'
import { Failure, ROOT } from './project.mjs'

/** Runtimes, the slow ones first. Those with Vue files need vue-tsc. */
export const RUNTIMES = ['tests', 'renderer', 'main', 'emulator', 'preload']
const WITH_VUE = ['tests', 'renderer']

/** @param {string} runtime one of RUNTIMES */
export function checkRuntime(runtime) {
  const tool = WITH_VUE.includes(runtime) ? 'vue-tsc/bin/vue-tsc.js' : 'typescript/bin/tsc'
  return run(
    process.execPath,
    [join(ROOT, 'node_modules', tool), '-p', `tsconfig.${runtime}.json`, '--pretty', 'false'],
    {
      cwd: ROOT,
      timeoutMs: 10 * 60_000,
    },
  )
}

/**
 * @param {string[]} wanted runtimes, none for all
 * @returns {Promise<number>} exit status
 */
export async function checkTypes(wanted) {
  const unknown = wanted.find((name) => !RUNTIMES.includes(name))
  if (unknown !== undefined) throw new Failure(`types: no runtime "${unknown}"; there are ${RUNTIMES.join(', ')}.`, 2)
  let status = 0
  await inParallel(
    (wanted.length > 0 ? wanted : RUNTIMES).map((runtime) => async () => {
      const outcome = await checkRuntime(runtime)
      if (outcome.status === 0) return
      status = 1
      console.log(`${runtime}:\n${outcome.output.trimEnd()}`)
    }),
    2,
  )
  return status
}

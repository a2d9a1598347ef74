// npm run soak: the property tests with many more cases, and the long runs of tests/soak. Hours, not minutes:
// `npm run soak -- 200` multiplies the cases by 200 (default 50).
import { requireNode } from './lib/node-version.mjs'

requireNode()
const { Failure, ROOT, runCommand } = await import('./lib/project.mjs')
const { ensureInstalled } = await import('./lib/install.mjs')
const { ensureBuilt } = await import('./lib/build.mjs')
const { hand } = await import('./lib/processes.mjs')

const say = (/** @type {string} */ line) => console.log(line)
await runCommand(async () => {
  const factor = process.argv[2] ?? '50'
  if (!/^[1-9]\d*$/.test(factor)) throw new Failure(`npm run soak: a whole number of times, not "${factor}".`, 2)
  await ensureInstalled(say)
  await ensureBuilt(['main'], say)
  const args = ['node_modules/vitest/vitest.mjs', 'run', '--project', 'node', 'tests/property', 'tests/soak']
  return hand(process.execPath, args, { cwd: ROOT, env: { LAB_SOAK: factor } })
})

// npm run build: everything that is stale.
import { requireNode } from './lib/node-version.mjs'

requireNode()
const { runCommand } = await import('./lib/project.mjs')
const { ensureInstalled } = await import('./lib/install.mjs')
const { ALL_TARGETS, ensureBuilt } = await import('./lib/build.mjs')

const say = (/** @type {string} */ line) => console.log(line)
await runCommand(async () => {
  await ensureInstalled(say)
  await ensureBuilt(ALL_TARGETS, say)
})

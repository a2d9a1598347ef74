// npm test: every check there is; the last line is the count.
import { requireNode } from './lib/node-version.mjs'

requireNode()
const { runCommand } = await import('./lib/project.mjs')
const { test } = await import('./lib/test.mjs')
await runCommand(() => test(process.argv.slice(2)))

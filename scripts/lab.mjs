// npm run -s lab -- VERB …: the headless lab from a checkout.
import { requireNode } from './lib/node-version.mjs'

requireNode()
const { runCommand } = await import('./lib/project.mjs')
const { lab } = await import('./lib/lab.mjs')
await runCommand(() => lab(process.argv.slice(2)))

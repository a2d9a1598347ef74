// npm start: installs and builds what is missing, then opens the lab.
import { requireNode } from './lib/node-version.mjs'

requireNode()
const { runCommand } = await import('./lib/project.mjs')
const { start } = await import('./lib/start.mjs')
await runCommand(() => start(process.argv.slice(2)))

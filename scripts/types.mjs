// npm run types: one project per runtime, two at a time. `npm run types -- renderer` checks one.
import { requireNode } from './lib/node-version.mjs'

requireNode()
const { runCommand } = await import('./lib/project.mjs')
const { checkTypes } = await import('./lib/types.mjs')
await runCommand(() => checkTypes(process.argv.slice(2)))

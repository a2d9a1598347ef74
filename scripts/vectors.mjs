// npm run -s vectors -- [DIR]: test vectors against the emulator. The runner is TypeScript: it is bundled into the cache first.
import { requireNode } from './lib/node-version.mjs'

requireNode()
const { runCommand } = await import('./lib/project.mjs')
const { vectors } = await import('./lib/vectors.mjs')
await runCommand(() => vectors(process.argv.slice(2)))

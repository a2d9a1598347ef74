// npm run import-rules: who may import what (import-rules.json).
import { requireNode } from './lib/node-version.mjs'

requireNode()
const { ROOT, filesBelow, runCommand } = await import('./lib/project.mjs')
const { checkProject } = await import('./lib/imports.mjs')

await runCommand(() => {
  const { breaches, count } = checkProject(ROOT, filesBelow(ROOT, ['.']))
  for (const { file, line, text } of breaches) console.log(`${file}:${line}: ${text}`)
  console.log(`import rules: ${count} files, ${breaches.length} breaches`)
  return breaches.length > 0 ? 1 : 0
})

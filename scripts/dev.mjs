// npm run dev: Electron with rebuilding and hot reload (electron-vite dev --watch). electron-vite itself never fetches
// Electron's binary, so it is looked for here.
import { requireNode } from './lib/node-version.mjs'

requireNode()
const { Failure, ROOT, runCommand } = await import('./lib/project.mjs')
const { ensureInstalled } = await import('./lib/install.mjs')
const { fetchElectron, findElectron } = await import('./lib/electron.mjs')
const { hand } = await import('./lib/processes.mjs')

const say = (/** @type {string} */ line) => console.log(line)
await runCommand(async () => {
  await ensureInstalled(say)
  const electron = findElectron() ?? (await fetchElectron(say, { evenIfItFailed: true }))
  if (!electron)
    throw new Failure(
      'npm run dev needs the Electron binary, which could not be fetched. ' +
        'Without it: npm start -- --shell browser, and start it again after a change.',
    )
  const tool = 'node_modules/electron-vite/bin/electron-vite.js'
  return hand(process.execPath, [tool, 'dev', '--watch', ...process.argv.slice(2)], {
    cwd: ROOT,
    env: { ELECTRON_EXEC_PATH: electron },
  })
})

// The headless lab from a checkout. Standard output belongs to the verb: everything of ours goes to standard error,
// and when nothing is stale there is nothing of ours.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ensureBuilt } from './build.mjs'
import { ensureInstalled } from './install.mjs'
import { ROOT, callerFolder } from './project.mjs'

/**
 * Runs the built command line in this process, so that its streams, signals and exit status are ours.
 * @param {string[]} args
 */
export async function lab(args) {
  const say = (/** @type {string} */ line) => console.error(line)
  await ensureInstalled(say)
  // `serve` hands out the page; every other verb needs the main programs alone.
  await ensureBuilt(args[0] === 'serve' ? ['main', 'renderer'] : ['main'], say)
  await runBuilt('cli', args)
}

/**
 * Runs a built main program in this process as if node had been started with it.
 * @param {'cli' | 'browser'} name
 * @param {string[]} args
 */
export async function runBuilt(name, args) {
  const program = join(ROOT, 'out', 'main', `${name}.js`)
  process.chdir(callerFolder())
  process.argv = [process.execPath, program, ...args]
  await import(pathToFileURL(program).href)
}

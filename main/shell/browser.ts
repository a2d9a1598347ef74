/** The browser shell as a program: `node out/main/browser.js`. */
import { createLab } from '../lab'
import { readBrowserArguments } from './browserArguments'
import { runBrowserShell } from './browserShell'
import { labPaths } from './paths'

const args = readBrowserArguments(process.argv.slice(2))
if (typeof args === 'number') {
  process.exitCode = args
} else {
  const log = (line: string): void => void process.stderr.write(`${line}\n`)
  // Not left to run out: a browser that was opened, or a worker that hangs, must not keep the program alive.
  process.exit(await runBrowserShell({ ...args, paths: labPaths(import.meta.url), createLab, log }))
}

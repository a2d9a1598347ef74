/** The command line as a program: `node out/main/cli.js VERB …`. */
import { createLab } from '../lab'
import { readBrowserArguments } from './browserArguments'
import { runBrowserShell } from './browserShell'
import { processStreams } from './cli/output'
import { runProgram } from './cli/program'
import { labPaths } from './paths'

const paths = labPaths(import.meta.url)

async function serve(args: string[]): Promise<number> {
  const wanted = readBrowserArguments(args)
  if (typeof wanted === 'number') return wanted
  const log = (line: string): void => void process.stderr.write(`${line}\n`)
  return runBrowserShell({ ...wanted, paths, createLab, log })
}

// A reader that goes away (`lab run … | head`) is not an error of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

const code = await runProgram(process.argv.slice(2), {
  scenarios: paths.contentDirs.scenarios,
  workerUrl: paths.workerUrl,
  streams: processStreams,
  serve,
})
// What was printed must arrive before the process ends: pipes are written behind our back.
process.stdout.write('', () => process.stderr.write('', () => process.exit(code)))

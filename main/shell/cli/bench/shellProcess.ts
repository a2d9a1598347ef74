/** The browser shell as a process of its own, for benches that time it from outside. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LabProblem } from '../../../lab/problem'

/** Starts the browser shell. Resolves with its address, as soon as it can be opened. */
export async function startShell(workerUrl: URL): Promise<{ address: string; stop(): Promise<void> }> {
  const program = fileURLToPath(new URL('./browser.js', workerUrl))
  const userData = mkdtempSync(join(tmpdir(), 'lab-bench-'))
  const own = ['--port', '0', '--no-open', '--user-data', userData]
  const shell = spawn(process.execPath, [program, ...own], { stdio: ['ignore', 'pipe', 'inherit'] })
  const stop = async (): Promise<void> => {
    shell.kill('SIGTERM')
    if (shell.exitCode === null) await new Promise((done) => shell.once('exit', done))
    rmSync(userData, { recursive: true, force: true })
  }
  const address = await new Promise<string>((done, fail) => {
    let said = ''
    shell.stdout.on('data', (data: Buffer) => {
      said += data.toString()
      const found = /http:\/\/\S+/.exec(said)
      if (found !== null) done(found[0])
    })
    shell.on('error', fail)
    const message = 'The browser shell ended before it served a page.'
    shell.on('exit', () => fail(new LabProblem('engine-start', message, 'Build the lab first: npm run build.')))
  })
  return { address, stop }
}

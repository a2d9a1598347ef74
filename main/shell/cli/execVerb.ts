/** `lab exec`: console commands on a booted host, in virtual time. Standard output is exactly what the console prints. */
import { readFileSync } from 'node:fs'
import { Branch, realModel, type LabAnswer } from '../../engine'
import { fileProblem, LabProblem } from '../../lab/problem'
import { checkBoot, loadScenarioFiles, scenarioToConfig } from '../../lab/scenario/config'
import { knownKnobs } from '../../lab/scenario/known'
import { loadScenario } from '../../lab/scenario/load'
import { applyKnobs, multiply, parseSet } from '../../lab/scenario/overrides'
import { stopOnInterrupt, type Streams } from './output'

export interface ExecOptions {
  scenario: string
  seed?: number
  set: string[]
  command: string[]
}

const windowOnly: LabAnswer = {
  output: 'lab: this word needs a session with a window; sleep lets virtual time pass\n',
  status: 1,
}

/** Lines of a file of commands; `-` is standard input. Empty lines and lines that begin with # are left out. */
function commandsOf(file: string): string[] {
  let text: string
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (error) {
    throw fileProblem(error, file, 'read') ?? error
  }
  return text.split('\n').filter((line) => line.trim() !== '' && !line.trimStart().startsWith('#'))
}

/** @returns the exit status of the last command */
export async function execVerb(
  file: string | undefined,
  options: ExecOptions,
  scenarios: string,
  streams: Streams,
): Promise<number> {
  const commands = [...options.command, ...(file === undefined ? [] : commandsOf(file))]
  if (commands.length === 0)
    throw new LabProblem(
      'bad-usage',
      'exec needs a command.',
      "Write for instance: lab exec -c 'ifconfig cc0', or name a file of commands.",
    )
  const loaded = loadScenario(options.scenario, scenarios)
  const choices = multiply(options.set.map(parseSet))
  if (choices.length > 1)
    throw new LabProblem('bad-set', 'exec takes one value for each --set.', 'Use lab run for a sweep.')
  const scenario = applyKnobs(loaded, choices[0], knownKnobs())
  if (options.seed !== undefined) scenario.seed = options.seed
  const files = await loadScenarioFiles(scenario, loaded.folder)
  const config = scenarioToConfig(scenario, files, { loadByCommand: true })
  let status = 0
  const branch = new Branch(realModel(config, files.disk), scenario.sample, {
    began: () => {},
    printed: (text) => streams.out(text),
    finished: (result) => (status = result.status),
    act: (action) =>
      action.verb === 'mark' ? { output: '', status: 0 } : action.verb === 'status' ? statusOf() : windowOnly,
  })
  const statusOf = (): LabAnswer => ({
    output: `t = ${branch.t} ns, load ${branch.built.loading() ? 'on' : 'off'}, ${branch.machine.eventCount} events\n`,
    status: 0,
  })
  checkBoot(branch.machine, scenario)
  const interrupt = stopOnInterrupt()
  try {
    let id = 0
    for (const text of commands) {
      branch.execute({ id: ++id, text })
      while (branch.busy) {
        const deadline = performance.now() + 40
        branch.advance(branch.wakeAt, () => performance.now() >= deadline)
        await new Promise((go) => setImmediate(go))
        if (interrupt.stopped() && branch.interrupt(++id)) return status
      }
      if (interrupt.stopped()) return 130
      // Samples are for charts; nobody looks at them here.
      branch.samples.take()
    }
  } finally {
    interrupt.release()
  }
  return status
}

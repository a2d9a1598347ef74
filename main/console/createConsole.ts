/**
 * A console on an emulated host: the shell with its commands, history and completion. What it remembers between lines is a record of the machine's
 * registry (an observer: a snapshot carries it, the digest does not).
 */
import { systemCalls, type Machine } from '../emulator/index'
import { commandTable, makeCommands, makeContinuations } from './commands/table'
import { completeLine } from './complete'
import type { Console, ConsoleCompletion, ConsoleStep, LabHooks } from './seam'
import { expandHistory } from './shell/history'
import { initialShellState, interruptLine, resumeLine, startLine, type ShellCommands } from './shell/run'

/** Lines that history keeps. */
const HISTORY_LIMIT = 1000

export interface HostConsole extends Console {
  /** `root@lab:~ # ` */
  prompt(): string
}

/**
 * Makes a console on host `host` of a machine. To be called once, when the machine is built, for every host that wants one.
 * @param hooks what the word `lab` does.
 */
export function createConsole(machine: Machine, host: number, hooks: LabHooks): HostConsole {
  const kernel = machine.kernels[host]
  const sys = systemCalls(kernel)
  const state = machine.registry.record(kernel.part('console'), initialShellState(), { observer: true })
  const functions = makeCommands(sys, hooks, state)
  const continuations = makeContinuations(sys, hooks)
  const commands: ShellCommands = {
    find: (name) => functions.get(name),
    continuation: (name) => continuations.get(name),
    notFound: (name) => suggestion(name),
  }

  return {
    execute(text: string): ConsoleStep {
      const expanded = expandHistory(text, state.history)
      if (expanded.problem !== null) {
        state.status = 1
        return { output: `${expanded.problem}\n`, done: true, status: 1, wakeAt: 0 }
      }
      const line = expanded.line
      if (line.trim() !== '' && state.history.at(-1) !== line) {
        state.history.push(line)
        if (state.history.length > HISTORY_LIMIT) state.history.shift()
      }
      const step = startLine(state, commands, line)
      // As shells do, a line that history changed is shown before it runs.
      return expanded.changed ? { ...step, output: `${line}\n${step.output}` } : step
    },
    resume: () => resumeLine(state, commands),
    interrupt: () => interruptLine(state),
    complete: (line: string, cursor: number): ConsoleCompletion => completeLine(sys, line, cursor),
    prompt: () => `root@${sys.hostname().split('.')[0]}:~ # `,
  }
}

/** What exists, behind `NAME: not found`. */
function suggestion(name: string): string {
  const close = commandTable.map((entry) => entry.name).filter((known) => isClose(name, known))
  const guess = close.length > 0 ? `Did you mean ${close.slice(0, 3).join(' or ')}? ` : ''
  return `${guess}"help" lists what this host has.\n`
}

/** One letter too many, too few, wrong, or two swapped. */
function isClose(typed: string, known: string): boolean {
  if (known.startsWith(typed) && typed.length > 1) return true
  if (Math.abs(typed.length - known.length) > 1) return false
  let i = 0
  while (i < typed.length && typed[i] === known[i]) i++
  const [a, b] = [typed.slice(i), known.slice(i)]
  return (
    a.slice(1) === b ||
    a === b.slice(1) ||
    a.slice(1) === b.slice(1) ||
    (a[0] === b[1] && a[1] === b[0] && a.slice(2) === b.slice(2))
  )
}

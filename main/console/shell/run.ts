/**
 * Runs a parsed line. The state of a running line is plain data (which pipeline, which stage, what was printed), so that a line can wait in virtual time
 * and a snapshot taken meanwhile carries it.
 */
import { expandWord, SyntaxFault } from './lexer'
import { parse, type Pipeline } from './parser'

/** What a command has done. Text goes to `out` and `err` in the order written (`screen` keeps that order for the terminal). */
export interface CommandResult {
  out: string
  err: string
  status: number
  /** Virtual time at which the command ends, if it takes time. */
  wakeAt?: number
}

/** A command: arguments without its name, standard input (null: terminal). */
export type CommandFunction = (args: string[], stdin: string | null, name: string) => CommandResult

export interface ShellState {
  [key: string]: string | number | boolean | null | { [key: string]: string } | string[]
  variables: { [name: string]: string }
  status: number
  history: string[]
  /** Line being run, or null; then where it is. */
  line: string | null
  pipeline: number
  stage: number
  /** Standard input of the next stage. */
  stdin: string
  hasStdin: boolean
  /** Result of the stage that waits: standard output and status it will have when it wakes up. */
  heldOut: string
  heldStatus: number
}

export function initialShellState(): ShellState {
  return {
    variables: {},
    status: 0,
    history: [],
    line: null,
    pipeline: 0,
    stage: 0,
    stdin: '',
    hasStdin: false,
    heldOut: '',
    heldStatus: 0,
  }
}

export interface RunStep {
  output: string
  done: boolean
  status: number
  wakeAt: number
}

export interface ShellCommands {
  /** Finds a command, or undefined. */
  find(name: string): CommandFunction | undefined
  /** Printed after `NAME: not found`: what exists. */
  notFound(name: string): string
}

const assignment = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s

/** Starts a line. */
export function startLine(state: ShellState, commands: ShellCommands, line: string): RunStep {
  let pipelines: Pipeline[]
  try {
    pipelines = parse(line)
  } catch (fault) {
    if (!(fault instanceof SyntaxFault)) throw fault
    state.status = 2
    return { output: `sh: ${fault.message}\n`, done: true, status: 2, wakeAt: 0 }
  }
  state.line = line
  state.pipeline = 0
  state.stage = 0
  state.stdin = ''
  state.hasStdin = false
  return advance(state, commands, pipelines, '')
}

/** Goes on after a wait. */
export function resumeLine(state: ShellState, commands: ShellCommands): RunStep {
  if (state.line === null) return { output: '', done: true, status: state.status, wakeAt: 0 }
  const pipelines = parse(state.line)
  const printed = finishStage(state, pipelines, state.heldOut, '', state.heldStatus)
  state.heldOut = ''
  return advance(state, commands, pipelines, printed)
}

/** Control-C. */
export function interruptLine(state: ShellState): RunStep {
  state.line = null
  state.status = 130
  return { output: '^C\n', done: true, status: 130, wakeAt: 0 }
}

/** Runs stages until one waits or the line is over. */
function advance(state: ShellState, commands: ShellCommands, pipelines: Pipeline[], printed: string): RunStep {
  let output = printed
  while (state.pipeline < pipelines.length) {
    const pipeline = pipelines[state.pipeline]!
    const skip =
      (pipeline.when === 'success' && state.status !== 0) || (pipeline.when === 'failure' && state.status === 0)
    if (state.stage === 0 && skip) {
      state.pipeline++
      continue
    }
    const command = pipeline.commands[state.stage]!
    const result = runCommand(
      state,
      commands,
      command.words,
      command.stdinNull ? '' : state.hasStdin ? state.stdin : null,
    )
    if (result.wakeAt !== undefined) {
      output += route(state, pipelines, '', result.err).terminal
      state.heldOut = result.out
      state.heldStatus = result.status
      return { output, done: false, status: 0, wakeAt: result.wakeAt }
    }
    output += finishStage(state, pipelines, result.out, result.err, result.status)
  }
  state.line = null
  return { output, done: true, status: state.status, wakeAt: 0 }
}

function runCommand(
  state: ShellState,
  commands: ShellCommands,
  words: Pipeline['commands'][number]['words'],
  stdin: string | null,
): CommandResult {
  const args = words.flatMap((word) => expandWord(word, (name) => variable(state, name)))
  while (args.length > 0) {
    const match = assignment.exec(args[0]!)
    if (match === null) break
    state.variables[match[1]!] = match[2]!
    args.shift()
  }
  const name = args.shift()
  if (name === undefined) return { out: '', err: '', status: 0 }
  const command = commands.find(name)
  if (command === undefined) return { out: '', err: `${name}: not found\n${commands.notFound(name)}`, status: 127 }
  return command(args, stdin, name)
}

function variable(state: ShellState, name: string): string {
  if (name === '?') return String(state.status)
  if (name === '$') return '742'
  if (name === '#') return '0'
  return state.variables[name] ?? ''
}

/** Sends the text of a stage where its redirections say: to the terminal, to the next stage, or nowhere. */
function route(state: ShellState, pipelines: Pipeline[], out: string, err: string): { terminal: string; pipe: string } {
  const pipeline = pipelines[state.pipeline]!
  const command = pipeline.commands[state.stage]!
  const last = state.stage === pipeline.commands.length - 1
  const routed = { terminal: '', pipe: '' }
  const stdout = (text: string): void => {
    if (command.stdout === 'null') return
    if (command.stdout === 'err' || last) routed.terminal += text
    else routed.pipe += text
  }
  if (command.stderr === 'out') stdout(err)
  else if (command.stderr === 'pass') routed.terminal += err
  stdout(out)
  return routed
}

/** A stage is over: its output goes on, and the line moves to the next stage or the next pipeline. */
function finishStage(state: ShellState, pipelines: Pipeline[], out: string, err: string, status: number): string {
  const pipeline = pipelines[state.pipeline]!
  const routed = route(state, pipelines, out, err)
  if (state.stage < pipeline.commands.length - 1) {
    state.stage++
    state.hasStdin = true
    state.stdin = routed.pipe
    return routed.terminal
  }
  state.status = pipeline.negated ? (status === 0 ? 1 : 0) : status
  state.pipeline++
  state.stage = 0
  state.stdin = ''
  state.hasStdin = false
  return routed.terminal
}

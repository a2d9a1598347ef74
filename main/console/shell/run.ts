/**
 * Runs a parsed line. The state of a running line is plain data (which pipeline, which stage, what was printed), so that a line can wait in virtual time
 * and a snapshot taken meanwhile carries it.
 */
import { expandWord, SyntaxFault } from './lexer'
import { parse, type Pipeline } from './parser'

/** A piece of text that a command wrote to its standard output or error. */
export interface Written {
  to: 'out' | 'err'
  text: string
}

/** What a command has done: what it wrote, in the order written, and its exit status. */
export interface CommandResult {
  written: readonly Written[]
  status: number
  /** Virtual time (ns) until which the command waits. */
  wakeAt?: number
  /** After the wait the stage goes on with this command (name and arguments, plain data) instead of ending. */
  then?: string[]
  /** `exit`: the rest of the line is not run. */
  endsLine?: boolean
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
  /** Stage that waits: its standard output so far (for the next stage), its status when it ends, and how it goes on ([] = it ends). */
  heldOut: string
  heldStatus: number
  heldThen: string[]
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
    heldThen: [],
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
  /** Finds how a command goes on after a wait, by the first word of {@link CommandResult.then}. */
  continuation(name: string): CommandFunction | undefined
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
  const [name, ...args] = state.heldThen
  state.heldThen = []
  if (name !== undefined) {
    const result = commands.continuation(name)?.(args, null, name) ?? { written: [], status: 127 }
    return take(state, commands, pipelines, result, '')
  }
  finishStage(state, pipelines, state.heldStatus)
  return advance(state, commands, pipelines, '')
}

/** Control-C. */
export function interruptLine(state: ShellState): RunStep {
  state.line = null
  state.heldThen = []
  state.status = 130
  return { output: '^C\n', done: true, status: 130, wakeAt: 0 }
}

/** Runs stages until one waits or the line is over. */
function advance(state: ShellState, commands: ShellCommands, pipelines: Pipeline[], printed: string): RunStep {
  while (state.pipeline < pipelines.length) {
    const pipeline = pipelines[state.pipeline]
    const skip =
      (pipeline.when === 'success' && state.status !== 0) || (pipeline.when === 'failure' && state.status === 0)
    if (state.stage === 0 && skip) {
      state.pipeline++
      continue
    }
    const command = pipeline.commands[state.stage]
    const stdin = command.stdinNull ? '' : state.hasStdin ? state.stdin : null
    state.heldOut = ''
    return take(state, commands, pipelines, runCommand(state, commands, command.words, stdin), printed)
  }
  state.line = null
  return { output: printed, done: true, status: state.status, wakeAt: 0 }
}

/** Takes what a stage gave: prints, then waits, ends the line, or goes on with the next stage. */
function take(
  state: ShellState,
  commands: ShellCommands,
  pipelines: Pipeline[],
  result: CommandResult,
  printed: string,
): RunStep {
  const output = printed + route(state, pipelines, result.written)
  if (result.wakeAt !== undefined) {
    state.heldStatus = result.status
    state.heldThen = result.then ?? []
    return { output, done: false, status: 0, wakeAt: result.wakeAt }
  }
  finishStage(state, pipelines, result.status)
  if (result.endsLine === true && state.stage === 0) state.pipeline = pipelines.length
  return advance(state, commands, pipelines, output)
}

function runCommand(
  state: ShellState,
  commands: ShellCommands,
  words: Pipeline['commands'][number]['words'],
  stdin: string | null,
): CommandResult {
  const value = (name: string): string => variable(state, name)
  const assigned: [name: string, value: string][] = []
  let first = 0
  for (; first < words.length; first++) {
    const [name, ...rest] = words[first]
    const match = name?.kind === 'text' && !name.quoted ? assignment.exec(name.text) : null
    if (match === null) break
    const parts = [{ kind: 'text' as const, text: match[2], quoted: true }, ...rest]
    assigned.push([match[1], parts.map((part) => (part.kind === 'text' ? part.text : value(part.name))).join('')])
  }
  const [name, ...args] = words.slice(first).flatMap((word) => expandWord(word, value))
  if (name === undefined) {
    for (const [key, text] of assigned) state.variables[key] = text
    return { written: [], status: 0 }
  }
  const command = commands.find(name)
  if (command === undefined)
    return { written: [{ to: 'err', text: `${name}: not found\n${commands.notFound(name)}` }], status: 127 }
  return command(args, stdin, name)
}

function variable(state: ShellState, name: string): string {
  if (name === '?') return String(state.status)
  // The shell is one process for ever; any number would do.
  if (name === '$') return '742'
  if (name === '#') return '0'
  return state.variables[name] ?? ''
}

/** Sends the text of a stage where its redirections say: what goes to the terminal is returned, what goes to the next stage is held. */
function route(state: ShellState, pipelines: Pipeline[], written: readonly Written[]): string {
  const pipeline = pipelines[state.pipeline]
  const command = pipeline.commands[state.stage]
  const last = state.stage === pipeline.commands.length - 1
  let terminal = ''
  for (const { to, text } of written) {
    const target = to === 'out' ? command.stdout : command.stderr
    if (target === 'null') continue
    const toOut = to === 'out' ? target === 'pass' : target === 'out' && command.stdout !== 'null'
    if (toOut && !last && (to === 'out' || command.stdout === 'pass')) state.heldOut += text
    else terminal += text
  }
  return terminal
}

/** A stage is over: the line moves to the next stage, which reads what this one wrote, or to the next pipeline. */
function finishStage(state: ShellState, pipelines: Pipeline[], status: number): void {
  const pipeline = pipelines[state.pipeline]
  if (state.stage < pipeline.commands.length - 1) {
    state.stage++
    state.hasStdin = true
    state.stdin = state.heldOut
  } else {
    state.status = pipeline.negated ? (status === 0 ? 1 : 0) : status
    state.pipeline++
    state.stage = 0
    state.hasStdin = false
    state.stdin = ''
  }
  state.heldOut = ''
}

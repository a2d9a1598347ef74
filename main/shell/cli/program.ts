/** The verbs of the command line and their arguments. Behaviour is in the lab; here words become calls and errors become one line. */
import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { benchNames, benchVerb, type BenchOptions } from './benchVerb'
import { compareVerb, type CompareOptions } from './compareVerb'
import { execVerb, type ExecOptions } from './execVerb'
import { complain, exitDone, exitUsage, type Streams } from './output'
import { runVerb, type RunOptions } from './runVerb'

export interface ProgramOptions {
  /** Folder of the scenarios that are shipped. */
  scenarios: string
  workerUrl: URL
  streams: Streams
  /** `lab serve`: the browser shell with its own arguments. */
  serve(args: string[]): Promise<number>
}

const gather = (value: string, before: string[]): string[] => [...before, value]

function wholeNumber(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < low || value > high)
      throw new InvalidArgumentError(`It is a number from ${low} to ${high}.`)
    return value
  }
}

const seed = wholeNumber(0, 0xffffffff)

/** What commander complains about, as one sentence. */
function oneLine(text: string): string {
  const line = text
    .replace(/^error: /, '')
    .trim()
    .replace(/\s*\n\s*/g, ' ')
  return /[.?)]$/.test(line) ? line : `${line}.`
}

/** Runs one command line. Answers the exit code and never throws. */
export async function runProgram(args: string[], options: ProgramOptions): Promise<number> {
  const { scenarios, streams } = options
  let code: number = exitDone
  const program = new Command('lab')
    .description('nomap lab without a window: what do unmapped mbufs change?')
    .helpOption('--help', 'print this text')
    .helpCommand('help [verb]', 'print help for a verb')

  program
    .command('exec')
    .description(
      'Boots a host and runs console commands in virtual time. Prints what the console prints; the exit status is that of the last command.',
    )
    .argument('[file]', 'a file of commands, one a line; - is standard input')
    .option('-c, --command <command>', 'a console command; may be given again', gather, [])
    .option('--scenario <name>', 'a scenario, by name or path', 'first-lab')
    .option('--seed <number>', 'seed of all random numbers', seed)
    .option(
      '--set <knob=value>',
      'set a sysctl, tunable, capability or scenario field before boot; may be given again',
      gather,
      [],
    )
    .action(async (file: string | undefined, opts: ExecOptions) => {
      code = await execVerb(file, opts, scenarios, streams)
    })

  program
    .command('run')
    .description(
      'Runs a scenario and prints its metrics. Several values of a knob make a sweep. Exit status 1 if a byte was wrong or something leaked.',
    )
    .argument('[scenario]', 'a scenario, by name or path')
    .option('--seed <number>', 'seed of the first repetition', seed)
    .option('--reps <number>', 'repetitions, each with the next seed', wholeNumber(1, 1000), 1)
    .option(
      '--set <knob=v1[,v2]>',
      'set a knob or scenario field; several values make a sweep; may be given again',
      gather,
      [],
    )
    .option('--duration <time>', 'length of the measured window, for instance 50ms')
    .option('-o, --output <folder>', 'write every run as .ndjson, and result.json')
    .option('--json', 'print the result as JSON', false)
    .option('--metrics', 'list all metrics with unit and source, and run nothing', false)
    .action(async (name: string | undefined, opts: RunOptions) => {
      code = await runVerb(name, opts, scenarios, streams)
    })

  program
    .command('compare')
    .description('Compares runs: can they be compared, which knobs differ, signed differences with 95 % intervals.')
    .argument(
      '<results...>',
      'results of lab run --json, or folders or .ndjson files of lab run -o; the first is the baseline',
    )
    .option('--json', 'print the comparison as JSON', false)
    .option('--report <file>', 'write a report as well: .html, .md or .csv')
    .action((paths: string[], opts: CompareOptions) => {
      code = compareVerb(paths, opts, streams)
    })

  program
    .command('serve')
    .description('Serves the lab to a browser on this computer. `lab serve --help` lists its options.')
    .allowUnknownOption()
    .allowExcessArguments()
    .helpOption(false)
    .argument('[arguments...]')
    .action(async (_: string[], __: unknown, command: Command) => {
      code = await options.serve(command.args)
    })

  program
    .command('bench')
    .description(`Measures how fast the lab itself is on this computer: ${benchNames.join(', ')}.`)
    .argument('[name]', 'one of them; all by default')
    .option('--json', 'print the figures as JSON', false)
    .action(async (name: string | undefined, opts: BenchOptions) => {
      code = await benchVerb(name, opts, options)
    })

  for (const command of [program, ...program.commands]) {
    command
      .exitOverride()
      .showSuggestionAfterError(true)
      .configureOutput({
        writeOut: (text) => streams.out(text),
        writeErr: (text) => streams.err(text),
        outputError: (text, write) => write(`lab: ${oneLine(text)} Help: lab --help\n`),
      })
    if (command !== program && command.name() !== 'serve') command.helpOption('--help', 'print this text')
  }
  try {
    if (args.length === 0) {
      streams.err(`lab: say what to do: ${program.commands.map((c) => c.name()).join(', ')}. Help: lab --help\n`)
      return exitUsage
    }
    await program.parseAsync(args, { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitDone : exitUsage
    return complain(streams, error)
  }
}

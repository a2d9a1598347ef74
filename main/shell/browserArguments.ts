import { Command, CommanderError, InvalidArgumentError } from 'commander'

/** What the browser shell was asked to do. */
export interface BrowserArguments {
  port?: number
  open: boolean
  userData?: string
  document?: string
}

function portOf(text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port <= 65_535) return port
  throw new InvalidArgumentError('It is a number from 0 to 65535; 0 takes any free one.')
}

/**
 * Reads the arguments of the browser shell. Help goes to `write`, a complaint of one line to `complain`; the answer is then the
 * exit status (0 or 2).
 */
export function readBrowserArguments(
  args: string[],
  write: (text: string) => void = (text) => process.stdout.write(text),
  complain: (text: string) => void = (text) => process.stderr.write(text),
): BrowserArguments | number {
  const command = new Command('nomap-lab-browser')
    .description('Serves the lab to a browser on this machine, at an address of 127.0.0.1 that works once.')
    .argument('[document]', 'a session (.nomaplab) or exercise (.nomapex) to open')
    .option('--port <number>', 'listen on this port of 127.0.0.1 (default: any free one)', portOf)
    .option('--open', 'open the address in the default browser, where there is a display')
    .option('--no-open', 'only print the address (default)')
    .option('--user-data <folder>', "keep journals and settings there (default: the platform's place for them)")
    .helpOption('--help', 'print this text')
    .allowExcessArguments(false)
    .showSuggestionAfterError(false)
    .configureOutput({
      writeOut: write,
      writeErr: complain,
      outputError: (text, print) =>
        print(
          `nomap lab: ${text
            .replace(/^error: /, '')
            .trim()
            .replace(/\s*\n\s*/g, ' ')}\n`,
        ),
    })
    .exitOverride()
  try {
    command.parse(args, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    throw error
  }
  const { port, open, userData } = command.opts<{ port?: number; open?: boolean; userData?: string }>()
  const document = command.args.at(0)
  return {
    open: open ?? false,
    ...(port !== undefined && { port }),
    ...(userData !== undefined && { userData }),
    ...(document !== undefined && { document }),
  }
}

/** Commands of the shell itself: echo, true, false, sleep, history, exit, set, clear. */
import type { SystemCalls } from '../../emulator/index'
import { Output, pad, printed } from '../libc/stdio'
import type { CommandFunction, ShellState } from '../shell/run'

/** echo(1): `-n` leaves the newline out, nothing else is an option. */
export const echo: CommandFunction = (args) => {
  const bare = args[0] === '-n'
  return printed((bare ? args.slice(1) : args).join(' ') + (bare ? '' : '\n'))
}

export const colon: CommandFunction = () => printed('')
export const fail: CommandFunction = () => printed('', 1)

/** sleep(1) in virtual time: seconds, with a fraction. */
export function sleep(sys: SystemCalls): CommandFunction {
  return (args) => {
    const text = args[0] ?? ''
    if (args.length !== 1 || !/^\d*\.?\d+\.?$/.test(text)) {
      const out = new Output('sleep')
      out.complain('usage: sleep seconds\n')
      return out.exit(1)
    }
    return { written: [], status: 0, wakeAt: sys.now() + Math.round(Number(text) * 1e9) }
  }
}

/** history: the lines given so far, numbered; with a count the last ones; -c forgets them. */
export function history(state: ShellState): CommandFunction {
  return (args) => {
    if (args[0] === '-c') {
      state.history = []
      return printed('')
    }
    const count = args[0] === undefined ? Infinity : Number(args[0])
    if (Number.isNaN(count)) {
      const out = new Output('history')
      out.complain('usage: history [-c | count]\n')
      return out.exit(1)
    }
    const first = Math.max(0, state.history.length - count)
    return printed(
      state.history
        .slice(first)
        .map((line, i) => `${pad(first + i + 1, 5)}\t${line}\n`)
        .join(''),
    )
  }
}

/** exit: the rest of the line is left out; the console stays. */
export function exit(state: ShellState): CommandFunction {
  return (args) => {
    const text = args[0] ?? String(state.status)
    if (!/^\d+$/.test(text)) {
      const out = new Output('exit')
      out.warnx(`Illegal number: ${text}`)
      return { ...out.exit(2), endsLine: true }
    }
    return { written: [], status: Number(text) & 0xff, endsLine: true }
  }
}

/** set: the variables of the shell. */
export function set(state: ShellState): CommandFunction {
  return () =>
    printed(
      Object.keys(state.variables)
        .sort()
        .map((name) => `${name}=${state.variables[name]}\n`)
        .join(''),
    )
}

/** clear(1): the sequence that empties the terminal. */
export const clear: CommandFunction = () => printed('\u001b[H\u001b[2J')

/**
 * `netstat -w`: traffic of an interface (or of all) per interval. The command waits in virtual time; what it remembers between rows travels as
 * arguments of its continuation, because nothing but plain data outlives a wait. Source: usr.bin/netstat/if.c sidewaysintpr() (reference
 * console-tools 3.2; read).
 */
import type { InterfaceCounter, SystemCalls } from '../../../emulator/index'
import { complained, pad, whole } from '../../libc/stdio'
import type { CommandFunction, CommandResult } from '../../shell/run'

/** Name of the continuation: not a word that can be found by typing it. */
export const ratesContinuation = 'netstat -w'

const counters: readonly InterfaceCounter[] = [
  'if_ipackets',
  'if_ierrors',
  'if_iqdrops',
  'if_ibytes',
  'if_opackets',
  'if_oerrors',
  'if_obytes',
  'if_collisions',
  'if_oqdrops',
]
const widths = [10, 5, 5, 10, 10, 5, 10, 5, 5]
const titles = ['packets', 'errs', 'idrops', 'bytes', 'packets', 'errs', 'bytes', 'colls', 'drops']
/** The header comes again after so many rows. */
const ROWS_A_PAGE = 21

function read(sys: SystemCalls, only: string): number[] {
  const names = sys.interfaces().map((info) => info.name)
  const wanted = only === '' ? names : names.filter((name) => name === only)
  return counters.map((counter) => wanted.reduce((sum, name) => sum + sys.counter(name, counter), 0))
}

export function startRates(
  sys: SystemCalls,
  options: { interval: string; only: string | null; count: string | null; drops: boolean },
): CommandResult {
  const seconds = Number(options.interval)
  if (!/^\d+$/.test(options.interval) || seconds < 1)
    return complained(`netstat: ${options.interval}: Invalid argument\n`, 1)
  const left = options.count === null ? 0 : Number(options.count)
  if (!Number.isInteger(left) || left < 0) return complained(`netstat: ${options.count ?? ''}: Invalid argument\n`, 1)
  const only = options.only ?? ''
  const header = head(only === '' ? '(Total)' : only, options.drops)
  return {
    written: [{ to: 'out', text: header }],
    status: 0,
    wakeAt: sys.now() + seconds * 1e9,
    then: [
      ratesContinuation,
      only,
      String(seconds),
      String(left),
      '0',
      options.drops ? 'd' : '',
      ...read(sys, only).map(String),
    ],
  }
}

/** A row after an interval; the arguments are those of {@link startRates}. */
export function continueRates(sys: SystemCalls): CommandFunction {
  return ([only, seconds, left, rows, drops, ...before]) => {
    const now = read(sys, only)
    const shown = now.slice(0, drops === 'd' ? 9 : 8)
    const line = shown.map((value, i) => pad(whole(value - Number(before[i])), widths[i])).join(' ') + '\n'
    const printed = Number(rows) + 1
    const text =
      (printed > 1 && (printed - 1) % ROWS_A_PAGE === 0 ? head(only === '' ? '(Total)' : only, drops === 'd') : '') +
      line
    const rest = Number(left) - 1
    const written = [{ to: 'out' as const, text }]
    if (rest === 0) return { written, status: 0 }
    return {
      written,
      status: 0,
      wakeAt: sys.now() + Number(seconds) * 1e9,
      then: [
        ratesContinuation,
        only,
        seconds,
        left === '0' ? '0' : String(rest),
        String(printed),
        drops,
        ...now.map(String),
      ],
    }
  }
}

function head(title: string, drops: boolean): string {
  const names = titles.slice(0, drops ? 9 : 8)
  return (
    `${pad('input', 17)} ${pad(title, 14)} ${pad('output', 16)}\n` +
    names.map((name, i) => pad(name, widths[i])).join(' ') +
    '\n'
  )
}

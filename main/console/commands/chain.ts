/** `lab chain`: lists the chains of mbufs on this host and draws one, in the language of docs/chains.md. */
import { formatChains, type ChainEntry, type SystemCalls } from '../../emulator/index'
import { pad, printed } from '../libc/stdio'
import type { CommandResult } from '../shell/run'

export const chainSynopsis = 'lab chain [-a] [-n COUNT] [--json] [SOCKET [snd|rcv] | QUEUE]'
export const chainOptions: readonly (readonly [option: string, does: string])[] = [
  ['-a', 'empty chains too'],
  ['-n', 'at most so many lines a chain or of the list; 0 = all'],
  ['--json', 'for programs'],
]
/** Lines unless -n says otherwise. */
const LINES = 100

const places: { readonly [P in ChainEntry['place']]: string } = {
  snd: 'send buffer',
  rcv: 'receive buffer',
  wait: 'waits for the ring',
  card: 'on the card',
}

interface Request {
  all: boolean
  limit: number
  json: boolean
  words: string[]
}

/** The words behind `lab chain`, or what is wrong with them. */
function parse(args: readonly string[]): Request | string {
  const request: Request = { all: false, limit: LINES, json: false, words: [] }
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]
    if (arg === '-a') request.all = true
    else if (arg === '--json') request.json = true
    else if (arg === '-n') {
      const count = args[++i]
      if (count === undefined || !/^\d{1,9}$/.test(count)) return '-n wants a number of lines'
      request.limit = Number(count) === 0 ? Infinity : Number(count)
    } else if (arg.startsWith('-'))
      return `chain knows no option "${arg}"; it has ${chainOptions.map(([o]) => o).join(', ')}`
    else request.words.push(arg)
  }
  const [, side, ...rest] = request.words
  if (rest.length > 0 || (side !== undefined && side !== 'snd' && side !== 'rcv'))
    return 'chain takes one socket or queue; behind a socket snd or rcv'
  return request
}

const isSocket = ({ place }: ChainEntry): boolean => place === 'snd' || place === 'rcv'
/** `192.0.2.1.80-192.0.2.9.49152` of `….snd`. */
const socketOf = ({ name }: ChainEntry): string => name.slice(0, -4)

/** The chains that a word means: a whole name, a socket, or its foreign address and port or port alone. */
function meant(entries: readonly ChainEntry[], word: string): ChainEntry[] {
  const whole = entries.filter(({ name }) => name === word)
  if (whole.length > 0) return whole
  const sockets = entries.filter(isSocket)
  const socket = sockets.filter((entry) => socketOf(entry) === word)
  return socket.length > 0
    ? socket
    : sockets.filter((entry) => `${socketOf(entry).replace('-', '.')}`.endsWith(`.${word}`))
}

function list(entries: readonly ChainEntry[], { all, limit }: Request): string {
  const shown = all ? entries : entries.filter(({ mbufs }) => mbufs > 0)
  const empty = entries.length - shown.length
  if (shown.length === 0)
    return entries.length === 0
      ? 'There is no connection and no transmit queue.\n'
      : `Nothing is queued (${empty} empty chains; lab chain -a lists them).\n`
  const head = ['Chain', 'Place', 'Packets', 'Mbufs', 'Nomap', 'Notready', 'Bytes', 'Mbcnt']
  const rows = shown
    .slice(0, limit)
    .map((e) => [
      e.name,
      places[e.place],
      ...[e.packets, e.mbufs, e.unmapped, e.notReady, e.bytes].map(String),
      isSocket(e) ? String(e.mbcnt) : '-',
    ])
  const widths = head.map((title, i) => rows.reduce((w, row) => Math.max(w, row[i].length), title.length))
  const line = (row: readonly string[]): string =>
    `${row.map((cell, i) => pad(cell, i < 2 ? -widths[i] : widths[i])).join('  ')}\n`
  const rest = shown.length - rows.length
  return [
    line(head),
    ...rows.map(line),
    rest > 0 ? `${rest} more; -n 0 lists all.\n` : '',
    empty > 0 ? `${empty} empty ${empty === 1 ? 'chain' : 'chains'}; -a lists them.\n` : '',
  ].join('')
}

/**
 * Runs the command.
 * @param wrong says that the words make no sense; `missing` that there is no such chain.
 */
export function labChain(
  sys: SystemCalls,
  args: readonly string[],
  wrong: (problem: string) => CommandResult,
  missing: (problem: string) => CommandResult,
): CommandResult {
  const request = parse(args)
  if (typeof request === 'string') return wrong(request)
  const entries = sys.chains.list()
  const [word, side] = request.words
  if (word === undefined) {
    if (!request.json) return printed(list(entries, request))
    const chains = (request.all ? entries : entries.filter(({ mbufs }) => mbufs > 0)).slice(0, request.limit)
    return printed(`${JSON.stringify({ time_ns: sys.now(), chains }, null, 2)}\n`)
  }
  const found = meant(entries, word)
  if (found.length === 0)
    return missing(`there is no chain "${word}" now (a closed connection has none); lab chain -a lists what there is`)
  const names = [...new Set(found.map((entry) => (isSocket(entry) ? socketOf(entry) : entry.name)))]
  if (names.length > 1)
    return missing(
      `"${word}" could be ${names.slice(0, 4).join(', ')}${names.length > 4 ? ' …' : ''}; write one of them`,
    )
  if (side !== undefined && !isSocket(found[0])) return wrong(`${word} is a queue; snd and rcv belong to a socket`)
  const chosen = found.filter(({ place }) => side === undefined || place === side)
  if (chosen.length === 0) return wrong(`${word} already says which buffer`)
  const drawing = sys.chains.draw(
    chosen.map(({ name }) => name),
    request.limit,
  )
  if (drawing === null) return missing(`"${word}" has gone`)
  if (!request.json) return printed(`${formatChains(drawing)}\n`)
  const sections = drawing.map(({ kind, label, sockbuf, records, more }) => ({
    kind,
    label,
    ...(kind === 'sockbuf' ? { sockbuf } : {}),
    // Where a mbuf was read from does not matter to a program.
    records: records.map((record) => record.map((m) => ({ ...m, line: undefined }))),
    more,
  }))
  return printed(`${JSON.stringify({ time_ns: sys.now(), sections }, null, 2)}\n`)
}

/** What may stand behind `lab chain`. */
export function chainChoices(
  sys: SystemCalls,
  words: readonly string[],
  typed: string,
): { text: string; hint: string }[] {
  if (typed.startsWith('-')) return chainOptions.map(([text, hint]) => ({ text, hint }))
  const given = words.filter((word, i) => !word.startsWith('-') && words[i - 1] !== '-n')
  if (words.at(-1) === '-n' || given.length > 1) return []
  const entries = sys.chains.list()
  if (given.length === 1)
    return entries
      .filter((entry) => isSocket(entry) && meant([entry], given[0]).length > 0 && entry.name !== given[0])
      .map(({ place, mbufs, bytes }) => ({ text: place, hint: `${places[place]}, ${mbufs} mbufs, ${bytes} bytes` }))
  return entries
    .sort((a, b) => Number(b.mbufs > 0) - Number(a.mbufs > 0))
    .map(({ name, place, mbufs, bytes }) => ({ text: name, hint: `${places[place]}, ${mbufs} mbufs, ${bytes} bytes` }))
}

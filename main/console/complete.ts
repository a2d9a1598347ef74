/** Completion of a line from the real tables: commands, options, interfaces with their keywords, sysctls with type and value, actions of the lab. */
import type { Ifreq, SystemCalls } from '../emulator/index'
import { familyWords } from './commands/ifconfig/ifconfig'
import { parameterWords } from './commands/ifconfig/change'
import { chainChoices } from './commands/chain'
import { laggProtocolWords } from './commands/ifconfig/lagg'
import { inet6Words } from './commands/ifconfig/inet6'
import { labVerbs } from './commands/lab'
import { formatValue, typeWord } from './commands/sysctl/format'
import { commandTable } from './commands/table'
import { pages } from './pages/pages'
import type { ConsoleCompletion } from './seam'
import { SyntaxFault, tokenize, type Token } from './shell/lexer'

interface Choice {
  text: string
  hint: string
}

/** Most choices that are handed out. */
const LIMIT = 400

/** Completes the word that ends at `cursor`. Words behind the cursor are left alone. */
export function completeLine(sys: SystemCalls, line: string, cursor: number): ConsoleCompletion {
  const before = line.slice(0, cursor)
  let tokens: Token[]
  try {
    tokens = tokenize(before)
  } catch (fault) {
    if (!(fault instanceof SyntaxFault)) throw fault
    return { from: cursor, to: cursor, choices: [] }
  }
  const last = tokens.at(-1)
  // A quoted word is not completed: its text and the line differ.
  const plain =
    last?.kind === 'word' && last.end === before.length && last.parts.every((p) => p.kind === 'text' && !p.quoted)
  const from = plain ? last.start : cursor
  if (last?.kind === 'word' && last.end === before.length && !plain) return { from: cursor, to: cursor, choices: [] }
  const typed = before.slice(from)
  const start = tokens.findLastIndex((token) => token.kind === 'operator') + 1
  const words = tokens
    .slice(start, plain ? tokens.length - 1 : tokens.length)
    .map((token) => (token.kind === 'word' ? token.parts.map((p) => (p.kind === 'text' ? p.text : '')).join('') : ''))
  // Behind `>` comes a file name.
  const operator = tokens[start - 1]
  if (operator?.kind === 'operator' && ['>', '>>', '>|', '2>', '<'].includes(operator.text) && words.length === 0)
    return pick(from, cursor, typed, [{ text: '/dev/null', hint: 'nowhere' }])
  const choices =
    words.length === 0
      ? commandTable.map((entry) => ({ text: entry.name, hint: entry.summary }))
      : argumentChoices(sys, words[0], words.slice(1), typed)
  return pick(from, cursor, typed, choices)
}

function pick(from: number, to: number, typed: string, choices: readonly Choice[]): ConsoleCompletion {
  const seen = new Set<string>()
  const fitting = choices.filter(({ text }) => text.startsWith(typed) && !seen.has(text) && seen.add(text))
  return { from, to, choices: fitting.slice(0, LIMIT) }
}

function argumentChoices(
  sys: SystemCalls,
  command: string,
  words: readonly string[],
  typed: string,
): readonly Choice[] {
  const entry = commandTable.find((known) => known.name === command)
  if (entry === undefined) return []
  const options = entry.options.map(([text, hint]) => ({ text, hint }))
  switch (command) {
    case 'ifconfig':
      return ifconfigChoices(sys, words, typed, options)
    case 'sysctl':
      return typed.startsWith('-') ? options : sysctlChoices(sys, typed)
    case 'netstat':
      return words.at(-1) === '-I' ? interfaceChoices(sys) : options
    case 'lab':
      if (words.length === 0) return labVerbs.map(({ word, does }) => ({ text: word, hint: does }))
      if (words[0] === 'chain') return chainChoices(sys, words.slice(1), typed)
      return words[0] === 'load' && words.length === 1
        ? [
            { text: 'start', hint: 'the clients begin to request files' },
            { text: 'stop', hint: 'the clients ask for nothing more' },
          ]
        : []
    case 'man':
    case 'help':
      return [
        ...pages.map((page) => ({ text: page.name, hint: page.summary })),
        ...commandTable.map((known) => ({ text: known.name, hint: known.summary })),
        ...sys.capabilities.flatMap((c) => c.keywords.map((text) => ({ text, hint: c.description }))),
        ...(typed === '' ? [] : sysctlChoices(sys, typed)),
      ]
    default:
      return typed.startsWith('-') ? options : []
  }
}

function interfaceChoices(sys: SystemCalls): Choice[] {
  return sys.interfaces().map((info) => ({ text: info.name, hint: interfaceHint(sys, info.name) }))
}

function interfaceHint(sys: SystemCalls, name: string): string {
  const ifr: Ifreq = {}
  sys.ioctl('SIOCGIFFLAGS', name, ifr)
  sys.ioctl('SIOCGIFMTU', name, ifr)
  const up = sys.flagNames.find((flag) => flag.name === 'UP')?.bit ?? 0
  return `${((ifr.ifr_flags ?? 0) & up) !== 0 ? 'up' : 'down'}, mtu ${ifr.ifr_mtu ?? 0}`
}

/** Words of ifconfig that want something behind them. */
const wantsArgument = [
  'mtu',
  'netmask',
  'broadcast',
  'metric',
  'description',
  'descr',
  'name',
  'vlan',
  'group',
  'media',
  'vlandev',
  'lagghash',
  'flowid_shift',
  'rr_limit',
]

function ifconfigChoices(
  sys: SystemCalls,
  words: readonly string[],
  typed: string,
  options: readonly Choice[],
): readonly Choice[] {
  const at = words.findIndex((word, i) => !word.startsWith('-') && words[i - 1] !== '-f' && words[i - 1] !== '-g')
  if (at < 0) return typed.startsWith('-') ? options : interfaceChoices(sys)
  const name = words[at]
  const previous = words.at(-1) ?? ''
  if (previous === 'vlandev' || previous === 'laggport' || previous === '-laggport') return interfaceChoices(sys)
  if (previous === 'laggproto') return laggProtocolWords.map((text) => ({ text, hint: 'aggregation protocol' }))
  if (previous === 'media') {
    const ifr: Ifreq = {}
    sys.ioctl('SIOCGIFMEDIA', name, ifr)
    return (ifr.ifm?.supported ?? []).map((m) => ({ text: m.subtype, hint: m.options.join(',') }))
  }
  if (words.length > at + 1 && wantsArgument.includes(previous)) return []
  const ifr: Ifreq = {}
  sys.ioctl('SIOCGIFCAP', name, ifr)
  const { ifr_curcap = 0, ifr_reqcap = 0 } = ifr
  const keywords = new Map<string, { bits: number; hint: string }>()
  for (const { bit, keywords: own, description } of sys.capabilities)
    for (const keyword of own) {
      const known = keywords.get(keyword)
      keywords.set(keyword, { bits: (known?.bits ?? 0) | bit, hint: known?.hint ?? description })
    }
  const capabilities = [...keywords].flatMap(([keyword, { bits, hint }]) => {
    const state = (ifr_reqcap & bits) === 0 ? 'not supported here' : (ifr_curcap & bits) !== 0 ? 'now on' : 'now off'
    return [
      { text: keyword, hint: `${state}: ${hint}` },
      { text: `-${keyword}`, hint: `${state}: ${hint}` },
    ]
  })
  const own = words[at + 1] === 'inet6' ? inet6Words : []
  const families = words.length === at + 1 ? familyWords.map((text) => ({ text, hint: 'address family' })) : []
  return [...capabilities, ...[...parameterWords, ...own].map((text) => ({ text, hint: '' })), ...families]
}

/** Names one level at a time: a node is offered with its dot, so that the list stays short; a leaf with type, value and description. */
function sysctlChoices(sys: SystemCalls, typed: string): Choice[] {
  if (/[=:]/.test(typed)) return []
  const dot = typed.lastIndexOf('.')
  const parent = typed.slice(0, Math.max(0, dot))
  return sys.sysctl.childrenOf(parent).map((oid) => {
    if (oid.type === 'node') return { text: `${oid.name}.`, hint: oid.description }
    const value = formatValue(oid, sys.sysctl.read(oid), { hexadecimal: false, opaque: false })
    const shown = value === null ? '' : ` ${value.trimEnd().slice(0, 40)}`
    return { text: oid.name, hint: `${typeWord(oid)}${shown}: ${oid.description}` }
  })
}

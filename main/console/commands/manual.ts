/**
 * help, man and apropos. Pages are our own words: written ones (pages/), one per command from the command table, one per sysctl and per capability from their
 * declarations, so that what can be set can be looked up.
 */
import type { CapabilityDeclaration, Ifreq, SysctlOid, SystemCalls } from '../../emulator/index'
import { Output, printed } from '../libc/stdio'
import { layOut, type Page } from '../pages/page'
import { pages } from '../pages/pages'
import type { CommandFunction } from '../shell/run'
import { formatValue, typeWord } from './sysctl/format'
import { commandTable, type CommandEntry, type CommandGroup } from './table'

const groupTitles: readonly (readonly [CommandGroup, string])[] = [
  ['FreeBSD', 'Commands of FreeBSD'],
  ['filters', 'Filters, behind a |'],
  ['shell', 'Words of the shell'],
  ['lab', 'Actions of the lab'],
]

/** help: the list of commands, or a page. */
export function help(sys: SystemCalls): CommandFunction {
  return (args) => {
    const word = args[0]
    if (word !== undefined) {
      const page = findPage(sys, word, null)
      if (page !== null) return printed(layOut(page))
      const out = new Output('help')
      out.warnx(`nothing is known about "${word}"; "help" alone lists the commands, "man -k ${word}" searches`)
      return out.exit(1)
    }
    let text = ''
    for (const [group, title] of groupTitles) {
      text += `${text === '' ? '' : '\n'}${title}\n`
      for (const entry of commandTable)
        if (entry.group === group) text += `  ${entry.name.padEnd(10)} ${entry.summary}\n`
    }
    text +=
      '\nMore: help NAME, man PAGE. Tab completes commands, interfaces, capabilities and sysctls.\n' +
      'Lines join with ; && || and |, output is thrown away with >/dev/null, !! repeats.\n'
    return printed(text)
  }
}

const manUsage = 'Usage:\n man [-k word] [-f page] [section] page ...\n'

/** man(1). Source of the messages: usr.bin/man/man.sh (reference console-tools 7; read). */
export function man(sys: SystemCalls): CommandFunction {
  return (args, stdin, name) => {
    const first = args[0]
    if (first === undefined) return printed('What manual page do you want?\n', 1)
    if (first === '-h') return printed(manUsage)
    if (first === '-k') return apropos(sys)(args.slice(1), stdin, 'apropos')
    if (first.startsWith('-') && first !== '-f') {
      const out = new Output(name)
      out.complain(manUsage)
      return out.exit(1)
    }
    const out = new Output('man')
    let words = first === '-f' ? args.slice(1) : args
    let section: string | null = null
    if (/^[1-9]$/.test(words[0] ?? '')) {
      section = words[0]
      words = words.slice(1)
    }
    let status = words.length === 0 ? 1 : 0
    if (words.length === 0) out.complain(manUsage)
    for (const word of words) {
      const page = findPage(sys, word, section)
      if (page === null) {
        out.complain(`No manual entry for ${word}\n`)
        status = 1
      } else out.print(first === '-f' ? `${page.name}(${page.section}) - ${page.summary}\n` : layOut(page))
    }
    return out.exit(status)
  }
}

/** apropos(1): pages, commands, capabilities and sysctls whose name or summary has the word. */
export function apropos(sys: SystemCalls): CommandFunction {
  return (args) => {
    const out = new Output('apropos')
    const word = args.join(' ').toLowerCase()
    if (word === '') {
      out.complain('usage: apropos word\n')
      return out.exit(1)
    }
    const lines: string[] = []
    const add = (name: string, section: string, summary: string): void => {
      if (name.toLowerCase().includes(word) || summary.toLowerCase().includes(word))
        lines.push(`${name}(${section}) - ${summary}`)
    }
    const written = new Set(pages.map((page) => page.name))
    for (const page of pages) add(page.name, page.section, page.summary)
    for (const entry of commandTable) if (!written.has(entry.name)) add(entry.name, '1', entry.summary)
    for (const entry of sys.capabilities) if (entry.keywords.length > 0) add(entry.keywords[0], '8', entry.description)
    for (const oid of sys.sysctl.list()) add(oid.name, '8', oid.description)
    if (lines.length === 0) {
      out.warnx(`nothing appropriate`)
      return out.exit(1)
    }
    out.print(lines.sort().join('\n') + '\n')
    return out.exit(0)
  }
}

/** A page by name: written, a capability, a sysctl, or what the command table says. */
export function findPage(sys: SystemCalls, word: string, section: string | null): Page | null {
  const fits = (page: Page): boolean => page.name === word && (section === null || page.section === section)
  const written = pages.find(fits)
  if (written !== undefined) return written.name === 'ifconfig' ? withCapabilities(sys, written) : written
  const command = commandTable.find((entry) => entry.name === word)
  if (command !== undefined && section === null) return commandPage(command)
  const keyword = word.replace(/^-/, '')
  const capabilities = sys.capabilities.filter((entry) => entry.keywords.includes(keyword))
  if (capabilities.length > 0 && section === null) return capabilityPage(sys, keyword, capabilities)
  const oid = sys.sysctl.find(word)
  if (oid !== undefined && section === null) return sysctlPage(sys, oid)
  return null
}

function commandPage(entry: CommandEntry): Page {
  return {
    name: entry.name,
    section: '1',
    summary: entry.summary,
    synopsis: [entry.synopsis],
    sections:
      entry.options.length === 0
        ? []
        : [{ title: 'OPTIONS', text: entry.options.map(([option, does]) => ({ term: option, text: does })) }],
  }
}

function withCapabilities(sys: SystemCalls, page: Page): Page {
  const text = sys.capabilities
    .filter((entry) => entry.keywords.length > 0)
    .map((entry) => ({ term: `${entry.keywords.join(', ')} (${entry.printed})`, text: entry.description }))
  return { ...page, sections: [...page.sections, { title: 'CAPABILITIES', text }] }
}

function capabilityPage(sys: SystemCalls, keyword: string, entries: readonly CapabilityDeclaration[]): Page {
  const bits = entries.reduce((sum, entry) => sum | entry.bit, 0)
  const states = sys.interfaces().map((info) => {
    const ifr: Ifreq = {}
    sys.ioctl('SIOCGIFCAP', info.name, ifr)
    const able = ((ifr.ifr_reqcap ?? 0) & bits) !== 0
    const on = ((ifr.ifr_curcap ?? 0) & bits) !== 0
    return { term: info.name, text: able ? (on ? 'on' : 'off') : 'not supported: the keyword changes nothing' }
  })
  return {
    name: keyword,
    section: '8',
    summary: entries[0].description,
    synopsis: [`ifconfig INTERFACE ${keyword}`, `ifconfig INTERFACE -${keyword}`],
    sections: [
      {
        title: 'DESCRIPTION',
        text: entries.map((entry) => ({
          term: `${entry.printed} (0x${entry.bit.toString(16)})`,
          text: entry.description,
        })),
      },
      { title: 'STATE', text: states },
    ],
  }
}

function sysctlPage(sys: SystemCalls, oid: SysctlOid): Page {
  const access = {
    rd: 'read-only',
    rw: 'can be set at any time',
    rdtun: 'read-only; set as a tunable at boot',
    rwtun: 'can be set at any time, and as a tunable at boot',
  }[oid.access]
  const facts = [{ term: 'Type', text: typeWord(oid) }]
  if (oid.type === 'node') {
    const below = sys.sysctl.list(oid.name)
    return {
      name: oid.name,
      section: '8',
      summary: oid.description,
      synopsis: [`sysctl ${oid.name}`],
      sections: [{ title: 'BELOW', text: below.map((leaf) => ({ term: leaf.name, text: leaf.description })) }],
    }
  }
  facts.push({ term: 'Access', text: access })
  const value = formatValue(oid, sys.sysctl.read(oid), { hexadecimal: false, opaque: false })
  facts.push({ term: 'Value', text: value === null ? 'a structure; sysctl -o shows it' : value.trimEnd() })
  if (oid.declaredDefault !== null) facts.push({ term: 'Default', text: String(oid.declaredDefault) })
  if (oid.range !== undefined) facts.push({ term: 'Range', text: `${oid.range[0]} to ${oid.range[1]}` })
  if (oid.unit !== '') facts.push({ term: 'Unit', text: oid.unit })
  facts.push({ term: 'Source', text: `${oid.source} (${oid.fidelity})` })
  const writable = sys.sysctl.isWritable(oid)
  return {
    name: oid.name,
    section: '8',
    summary: oid.description,
    synopsis: writable ? [`sysctl ${oid.name}`, `sysctl ${oid.name}=VALUE`] : [`sysctl ${oid.name}`],
    sections: [{ title: 'FACTS', text: facts }],
  }
}

/** Every command of the console: what `help`, `man -k`, completion and "not found" know about it. The functions are made per host in {@link makeCommands}. */
import type { SystemCalls } from '../../emulator/index'
import { grep } from '../filters/grep'
import { sort } from '../filters/sort'
import { cat, cut, head, tail, uniq, wc } from '../filters/text'
import type { LabHooks } from '../seam'
import type { CommandFunction, ShellState } from '../shell/run'
import { ifconfig } from './ifconfig/ifconfig'
import { continueLab, lab, pauseContinuation } from './lab'
import { apropos, help, man } from './manual'
import { netstat } from './netstat/netstat'
import { continueRates, ratesContinuation } from './netstat/rates'
import { clear, colon, echo, exit, fail, history, set, sleep } from './shell'
import { sysctl } from './sysctl/sysctl'
import { date, dmesg, hostname, uname, uptime } from './system'
import { vmstat } from './vmstat'

/** Group in `help`. */
export type CommandGroup = 'FreeBSD' | 'filters' | 'shell' | 'lab'

export interface CommandEntry {
  name: string
  group: CommandGroup
  /** One line, lower case, no full stop. */
  summary: string
  synopsis: string
  /** Options with what they do, for completion and the page. */
  options: readonly (readonly [option: string, does: string])[]
}

const entry = (
  name: string,
  group: CommandGroup,
  summary: string,
  synopsis: string,
  options: CommandEntry['options'] = [],
): CommandEntry => ({ name, group, summary, synopsis, options })

export const commandTable: readonly CommandEntry[] = [
  entry('ifconfig', 'FreeBSD', 'shows and changes network interfaces', 'ifconfig [-adlmuv] [interface [parameters]]', [
    ['-a', 'all interfaces'],
    ['-d', 'only interfaces that are down'],
    ['-l', 'names only'],
    ['-m', 'what the interface could do, and its media'],
    ['-u', 'only interfaces that are up'],
    ['-v', 'more about transceivers (there are none here)'],
    ['-f', 'format: inet:cidr, inet:dotted, inet:hex, ether:dash'],
    ['-g', 'members of a group'],
  ]),
  entry('sysctl', 'FreeBSD', 'reads and sets kernel state', 'sysctl [-adehiNnoqTtWx] name[=value] ...', [
    ['-a', 'everything'],
    ['-b', 'raw bytes'],
    ['-d', 'descriptions'],
    ['-e', 'name=value'],
    ['-h', 'numbers as the locale writes them'],
    ['-i', 'unknown names are no error'],
    ['-N', 'names only'],
    ['-n', 'values only'],
    ['-o', 'opaque values as hexadecimal dump'],
    ['-q', 'no words about unknown names'],
    ['-T', 'only tunables of the loader'],
    ['-t', 'types'],
    ['-W', 'only what can be written'],
    ['-x', 'hexadecimal'],
  ]),
  entry(
    'netstat',
    'FreeBSD',
    'sockets, interfaces and mbufs',
    'netstat [-aALnRTWx] | -i [-bdW] | -I if | -m | -w wait',
    [
      ['-A', 'address of the control block'],
      ['-a', 'listening sockets too'],
      ['-b', 'bytes'],
      ['-d', 'drops'],
      ['-I', 'one interface'],
      ['-i', 'interfaces'],
      ['-L', 'listen queues'],
      ['-m', 'mbufs, clusters and sendfile'],
      ['-n', 'numbers instead of names'],
      ['-p', 'one protocol'],
      ['-q', 'with -w: so many rows'],
      ['-R', 'flow ids'],
      ['-T', 'retransmissions, out-of-order segments, zero windows'],
      ['-W', 'wide columns'],
      ['-w', 'traffic every so many seconds'],
      ['-x', 'socket buffers and timers'],
    ],
  ),
  entry('vmstat', 'FreeBSD', 'memory of the kernel', 'vmstat -z', [['-z', 'zones of the allocator']]),
  entry('uname', 'FreeBSD', 'identity of the system', 'uname [-aiKmnoprsUv]', [
    ['-a', 'everything that matters'],
    ['-i', 'kernel identifier'],
    ['-K', 'version number of the kernel'],
    ['-m', 'machine'],
    ['-n', 'name of the host'],
    ['-p', 'processor architecture'],
    ['-r', 'release'],
    ['-s', 'operating system'],
    ['-U', 'version number of the userland'],
    ['-v', 'version text'],
  ]),
  entry('date', 'FreeBSD', 'the virtual clock', 'date [-jRu] [-I] [-r seconds] [+format]', [
    ['-u', 'in UTC (always)'],
    ['-R', 'as in mail headers'],
    ['-I', 'ISO 8601'],
    ['-r', 'these seconds since 1970 instead of now'],
  ]),
  entry('uptime', 'FreeBSD', 'how long the host has been up', 'uptime'),
  entry('hostname', 'FreeBSD', 'name of the host', 'hostname [-s | -d] [name]', [
    ['-s', 'without domain'],
    ['-d', 'only the domain'],
  ]),
  entry('dmesg', 'FreeBSD', 'messages of the kernel', 'dmesg'),
  entry('man', 'FreeBSD', 'manual pages, written for this lab', 'man [-k word] [section] page', [
    ['-k', 'pages about a word'],
    ['-f', 'one line about a page'],
  ]),
  entry('apropos', 'FreeBSD', 'finds manual pages', 'apropos word'),
  entry('grep', 'filters', 'lines that match a pattern', 'grep [-cEFinoqvwx] [-ABCm n] pattern', [
    ['-A', 'lines after a match'],
    ['-B', 'lines before a match'],
    ['-C', 'lines around a match'],
    ['-c', 'only the number of lines'],
    ['-E', 'extended expressions'],
    ['-e', 'a pattern'],
    ['-F', 'fixed text'],
    ['-i', 'upper and lower case are the same'],
    ['-m', 'at most so many lines'],
    ['-n', 'with line numbers'],
    ['-o', 'only what matches'],
    ['-q', 'only the status'],
    ['-v', 'lines that do not match'],
    ['-w', 'whole words'],
    ['-x', 'whole lines'],
  ]),
  entry('egrep', 'filters', 'grep -E', 'egrep pattern'),
  entry('fgrep', 'filters', 'grep -F', 'fgrep text'),
  entry('head', 'filters', 'first lines', 'head [-n lines | -c bytes]', [
    ['-n', 'so many lines'],
    ['-c', 'so many bytes'],
  ]),
  entry('tail', 'filters', 'last lines', 'tail [-r] [-n lines | -c bytes]', [
    ['-n', 'so many lines, or from line +n on'],
    ['-c', 'so many bytes'],
    ['-r', 'backwards'],
  ]),
  entry('wc', 'filters', 'counts lines, words and bytes', 'wc [-Lclmw]', [
    ['-l', 'lines'],
    ['-w', 'words'],
    ['-c', 'bytes'],
    ['-m', 'characters'],
    ['-L', 'longest line'],
  ]),
  entry('sort', 'filters', 'sorts lines', 'sort [-bfnrsu] [-k field] [-t char]', [
    ['-n', 'by number'],
    ['-r', 'backwards'],
    ['-u', 'equal lines once'],
    ['-k', 'by a field'],
    ['-t', 'what separates fields'],
    ['-f', 'upper and lower case are the same'],
    ['-s', 'equal keys stay in order'],
  ]),
  entry('uniq', 'filters', 'equal neighbours once', 'uniq [-cdiu]', [
    ['-c', 'with their number'],
    ['-d', 'only repeated ones'],
    ['-u', 'only single ones'],
  ]),
  entry('cut', 'filters', 'columns of lines', 'cut -c list | -f list [-d delim] [-s]', [
    ['-c', 'characters'],
    ['-d', 'what separates fields'],
    ['-f', 'fields'],
    ['-s', 'no lines without the separator'],
  ]),
  entry('cat', 'filters', 'passes its input on', 'cat [-n]', [['-n', 'with line numbers']]),
  entry('echo', 'shell', 'prints its arguments', 'echo [-n] [text ...]', [['-n', 'without newline']]),
  entry('sleep', 'shell', 'waits in virtual time', 'sleep seconds'),
  entry('true', 'shell', 'succeeds', 'true'),
  entry('false', 'shell', 'fails', 'false'),
  entry('history', 'shell', 'lines given so far', 'history [-c | count]', [['-c', 'forgets them']]),
  entry('set', 'shell', 'variables of the shell', 'set'),
  entry('exit', 'shell', 'leaves out the rest of the line', 'exit [status]'),
  entry('clear', 'shell', 'empties the terminal', 'clear'),
  entry('help', 'shell', 'what can be typed here', 'help [word]'),
  entry('lab', 'lab', 'actions of the lab, not of FreeBSD', 'lab status|run|pause|speed|fork|mark|load|chain|help'),
]

/** The commands of one console. */
export function makeCommands(sys: SystemCalls, hooks: LabHooks, state: ShellState): Map<string, CommandFunction> {
  return new Map<string, CommandFunction>([
    ['ifconfig', ifconfig(sys)],
    ['sysctl', sysctl(sys)],
    ['netstat', netstat(sys)],
    ['vmstat', vmstat(sys)],
    ['uname', uname(sys)],
    ['date', date(sys)],
    ['uptime', uptime(sys)],
    ['hostname', hostname(sys)],
    ['dmesg', dmesg(sys)],
    ['man', man(sys)],
    ['apropos', apropos(sys)],
    ['grep', grep],
    ['egrep', grep],
    ['fgrep', grep],
    ['head', head],
    ['tail', tail],
    ['wc', wc],
    ['sort', sort],
    ['uniq', uniq],
    ['cut', cut],
    ['cat', cat],
    ['echo', echo],
    ['sleep', sleep(sys)],
    ['true', colon],
    [':', colon],
    ['false', fail],
    ['history', history(state)],
    ['set', set(state)],
    ['exit', exit(state)],
    ['clear', clear],
    ['help', help(sys)],
    ['lab', lab(sys, hooks)],
  ])
}

/** How commands go on after a wait; not to be found by typing. */
export function makeContinuations(sys: SystemCalls, hooks: LabHooks): Map<string, CommandFunction> {
  return new Map([
    [ratesContinuation, continueRates(sys)],
    [pauseContinuation, continueLab(hooks)],
  ])
}

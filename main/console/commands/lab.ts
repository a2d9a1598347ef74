/**
 * `lab`: actions of the lab, under one word, so that nobody takes them for FreeBSD's. They are carried out by the owner of the console (engine or headless
 * run) through hooks; this file only reads the words.
 */
import type { SystemCalls } from '../../emulator/index'
import { complained, printed } from '../libc/stdio'
import type { LabAnswer, LabHooks } from '../seam'
import { chainSynopsis, labChain } from './chain'
import type { CommandFunction, CommandResult } from '../shell/run'

export const labVerbs: readonly { word: string; synopsis: string; does: string }[] = [
  { word: 'status', synopsis: 'lab status', does: 'says what this run is, where its clock stands and whether it runs' },
  {
    word: 'run',
    synopsis: 'lab run [DURATION]',
    does: 'lets virtual time pass, until `lab pause` or for a duration (500ms, 2s, 1m)',
  },
  { word: 'pause', synopsis: 'lab pause', does: 'stops virtual time' },
  { word: 'speed', synopsis: 'lab speed [X]', does: 'X virtual seconds a real second; max = as fast as possible' },
  { word: 'fork', synopsis: 'lab fork [NAME]', does: 'copies this host, with everything on its way, as a second run' },
  { word: 'mark', synopsis: 'lab mark TEXT', does: 'puts a mark on the time axis' },
  { word: 'load', synopsis: 'lab load start|stop', does: 'starts or stops the clients that request files' },
  { word: 'chain', synopsis: chainSynopsis, does: 'lists the chains of mbufs, or draws one: a line an mbuf' },
  { word: 'help', synopsis: 'lab help', does: 'this list' },
]

function usage(): string {
  const width = Math.max(...labVerbs.map(({ synopsis }) => synopsis.length))
  return labVerbs.map(({ synopsis, does }) => `  ${synopsis.padEnd(width)}  ${does}\n`).join('')
}

const units: { readonly [unit: string]: number } = { ns: 1, us: 1e3, ms: 1e6, s: 1e9, '': 1e9, m: 60e9, min: 60e9 }

/** `2s`, `500ms`, `1.5` (seconds) to ns, or null. */
export function parseDuration(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)([a-z]*)$/.exec(text)
  if (match === null || !Object.hasOwn(units, match[2])) return null
  return Math.round(Number(match[1]) * units[match[2]])
}

/** End of `lab run DURATION`; not to be found by typing. */
export const pauseContinuation = 'lab run'

export function continueLab(hooks: LabHooks): CommandFunction {
  return () => {
    const { output, status } = hooks.pause()
    return status === 0 ? printed(output) : complained(output, status)
  }
}

export function lab(sys: SystemCalls, hooks: LabHooks): CommandFunction {
  return (args) => {
    const [verb, ...rest] = args
    const answer = (result: LabAnswer): CommandResult =>
      result.status === 0 ? printed(result.output) : complained(result.output, result.status)
    const wrong = (problem: string): CommandResult => complained(`lab: ${problem}\n${usage()}`, 2)
    const none = (act: () => LabAnswer): CommandResult =>
      rest.length > 0 ? wrong(`${verb} takes nothing behind it`) : answer(act())
    switch (verb) {
      case undefined:
        return wrong('what shall the lab do?')
      case 'help':
        return printed(`Actions of the lab (not of FreeBSD):\n${usage()}`)
      case 'status':
        return none(() => hooks.status())
      case 'pause':
        return none(() => hooks.pause())
      case 'run': {
        if (rest.length > 1) return wrong('run takes one duration')
        if (rest.length === 0) return answer(hooks.run())
        const duration = parseDuration(rest[0])
        if (duration === null || duration <= 0) return wrong(`"${rest[0]}" is no duration; write 500ms, 2s or 1m`)
        const started = answer(hooks.run())
        return started.status === 0 ? { ...started, wakeAt: sys.now() + duration, then: [pauseContinuation] } : started
      }
      case 'speed': {
        if (rest.length > 1) return wrong('speed takes one number')
        if (rest.length === 0) return answer(hooks.status())
        const factor = rest[0] === 'max' ? 0 : Number(rest[0])
        if (rest[0] === '' || !Number.isFinite(factor) || factor < 0 || (factor === 0 && rest[0] !== 'max'))
          return wrong(`"${rest[0]}" is no speed; write a number above 0 or max`)
        return answer(hooks.speed(factor))
      }
      case 'fork':
        return rest.length > 1 ? wrong('a name of several words wants quotes') : answer(hooks.fork(rest[0] ?? ''))
      case 'mark':
        return rest.length === 0 ? wrong('mark wants a text') : answer(hooks.mark(rest.join(' ')))
      case 'chain':
        return labChain(sys, rest, wrong, (problem) => complained(`lab: ${problem}\n`, 1))
      case 'load':
        if (rest.length === 1 && (rest[0] === 'start' || rest[0] === 'stop'))
          return answer(hooks.load(rest[0] === 'start'))
        return wrong('load wants start or stop')
      default:
        return wrong(`there is no action "${verb}"`)
    }
  }
}

/**
 * Switches and knobs: each change is a command of FreeBSD that runs in the console, so that it can be seen, undone and learnt.
 * Nothing here moves a switch: that happens when the machine says so (`host` event).
 */
import type { BranchLetter, CapabilityState, KnobState } from '../../preload/contract'
import { useConsoleStore } from '../stores/console'
import { useProblemsStore } from '../stores/problems'
import { useSessionStore } from '../stores/session'

/** The command that turns a capability the other way. */
export function capabilityCommand(ifname: string, capability: Pick<CapabilityState, 'keyword' | 'on'>): string {
  return `ifconfig ${ifname} ${capability.on ? '-' : ''}${capability.keyword}`
}

/** A word that the console's shell takes as it is. */
export function quoteWord(word: string): string {
  return /^[A-Za-z0-9_./:,@%+-]+$/.test(word) ? word : `'${word.replace(/'/g, `'\\''`)}'`
}

/** The command that gives a knob a value. */
export function knobCommand(name: string, value: string): string {
  return `sysctl ${name}=${quoteWord(value)}`
}

/** The command that turns a yes-or-no knob the other way. */
export function toggleKnobCommand(knob: Pick<KnobState, 'name' | 'value'>): string {
  return knobCommand(knob.name, knob.value === '0' ? '1' : '0')
}

/** Next free letter of a run, or null if all eight are used. */
export function nextLetter(used: readonly BranchLetter[]): BranchLetter | null {
  const all: BranchLetter[] = ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H']
  return all.find((letter) => !used.includes(letter)) ?? null
}

export interface SwitchResult {
  /** Exit status 0. */
  ok: boolean
  /** What the command printed. */
  output: string
}

/**
 * Runs a switch's command on a run, or on a fork of it. Says what was done with a way back, or what was refused.
 */
export async function runSwitch(branch: BranchLetter, command: string, onFork = false): Promise<SwitchResult> {
  const session = useSessionStore()
  const problems = useProblemsStore()
  if (onFork) {
    const made = await problems.attempt(() => session.fork({ from: branch, command }))
    if (made !== undefined) problems.say('info', `${made.letter} is a copy of ${branch}, with ${command}`)
    return { ok: made !== undefined, output: '' }
  }
  const result = await problems.attempt(() => useConsoleStore().execute(branch, command, 'switch'))
  if (result === undefined) return { ok: false, output: '' }
  if (result.status === 0)
    problems.say('info', `${command} ran on ${branch}`, {
      label: 'Undo',
      key: 'Mod+Z',
      run: () => void problems.attempt(() => session.undo()),
    })
  else problems.say('warn', result.output.trim() === '' ? `${command}: exit ${result.status}` : result.output.trim())
  return { ok: result.status === 0, output: result.output.trim() }
}

/** Forks the run shown at its present instant, or at `t` (ns). */
export async function forkFrom(from: BranchLetter, t?: number): Promise<void> {
  const session = useSessionStore()
  const problems = useProblemsStore()
  const made = await problems.attempt(() => session.fork(t === undefined ? { from } : { from, t }))
  if (made === undefined) return
  problems.say(
    'info',
    `${made.letter} is a copy of ${from}: same arrivals, same seed. What you change now changes ${made.letter} only.`,
  )
}

/** What the palette can find: the command table, switches of the host shown, places to go to, help. */
import { byKeyword } from '../panels/hostRows'
import type { IconName } from '../components/icons'
import { capabilityCommand, nextLetter, runSwitch, toggleKnobCommand } from '../actions/switches'
import { openDocument, newSession, startExercise } from '../actions/documents'
import { formatInstant } from '../charts/format'
import { availability, runEntry } from '../commands/runner'
import { commands } from '../commands/table'
import { titleOf } from '../commands/types'
import type { CommandContext } from '../commands/types'

export type PaletteGroup = 'Commands' | 'Go to' | 'Help and exercises'

export interface PaletteItem {
  id: string
  group: PaletteGroup
  title: string
  /** Right of the name: the command it runs, or what it is. */
  note: string
  /** The note is text of the machine. */
  mono: boolean
  icon: IconName
  keys?: string
  /** Why it cannot be done now; the row stays, greyed. */
  reason?: string
  /** Further words to be found under. */
  words: string
  /** The command that it would run on the run shown; the foot of the palette names it, Tab puts it into the console. */
  runs?: string
  run(onFork: boolean): void
}

function tableItems(c: CommandContext): PaletteItem[] {
  return commands
    .filter((command) => command.id !== 'help.palette' && command.id !== 'help.goto' && command.hidden?.(c) !== true)
    .map((command) => {
      const can = availability(command, c)
      const runs = command.runs?.(c)
      return {
        id: command.id,
        group: command.group === 'Help' ? 'Help and exercises' : 'Commands',
        title: titleOf(command, c),
        note: can === true ? (runs ?? '') : can,
        mono: can === true && runs !== undefined,
        icon: command.icon ?? 'arrowRight',
        words: `${command.words ?? ''} ${command.group}`,
        ...(command.keys?.[0] === undefined ? {} : { keys: command.keys[0] }),
        ...(can === true ? {} : { reason: can }),
        ...(runs === undefined ? {} : { runs }),
        run: (onFork) => void runEntry(command, onFork),
      }
    })
}

/** Every switch of the run shown, as the command it runs, on the run or on a fork. */
function switchItems(c: CommandContext): PaletteItem[] {
  const letter = c.selection.branch
  const host = c.host.host(letter)
  if (host === undefined) return []
  const next = nextLetter(c.session.branches.map((b) => b.letter))
  const items: PaletteItem[] = []
  const add = (
    id: string,
    name: string,
    place: string,
    command: string,
    on: boolean,
    fixed: string | null,
    words: string,
  ): void => {
    const verb = on ? 'off' : 'on'
    const common = { group: 'Commands' as const, icon: 'host' as const, words }
    items.push({
      ...common,
      id,
      title: `Turn ${name} ${verb}${place}`,
      note: fixed ?? command,
      mono: fixed === null,
      ...(fixed === null ? { runs: command } : { reason: fixed }),
      run: (onFork) => void runSwitch(letter, command, onFork),
    })
    if (fixed === null && next !== null)
      items.push({
        ...common,
        id: `${id}.fork`,
        icon: 'fork',
        title: `Turn ${name} ${verb}${place} on a fork`,
        note: `fork ${next}, then ${command}`,
        mono: true,
        runs: command,
        run: () => void runSwitch(letter, command, true),
      })
  }
  for (const i of host.interfaces)
    for (const cap of byKeyword(i.capabilities))
      add(
        `switch.${i.name}.${cap.keyword}`,
        cap.keyword,
        ` on ${i.name}`,
        capabilityCommand(i.name, cap),
        cap.on,
        cap.fixed,
        `${cap.description} capability ifconfig`,
      )
  for (const k of host.knobs)
    if (k.type === 'bool' && k.access === 'rw')
      add(`switch.${k.name}`, k.name, '', toggleKnobCommand(k), k.value !== '0', null, `${k.description} sysctl`)
  return items
}

function places(c: CommandContext): PaletteItem[] {
  const letter = c.selection.branch
  const host = c.host.host(letter)
  const items: PaletteItem[] = []
  const go = (id: string, title: string, note: string, icon: IconName, run: () => void, words = ''): void =>
    void items.push({ id, group: 'Go to', title, note, mono: false, icon, words, run })
  for (const k of host?.knobs ?? [])
    go(
      `knob.${k.name}`,
      k.name,
      `${k.value}${k.value === k.defaultValue ? '' : `, default ${k.defaultValue}`}: ${k.description}`,
      'diamond',
      () => c.layout.showHost({ filter: k.name }),
      'sysctl knob',
    )
  for (const i of host?.interfaces ?? [])
    go(
      `interface.${i.name}`,
      i.name,
      `interface, ${i.up ? 'up' : 'down'}${i.speed === '' ? '' : `, ${i.speed}`}`,
      'host',
      () => c.layout.showHost({ interface: i.name }),
      'interface',
    )
  for (const b of c.session.branches)
    go(
      `run.${b.letter}`,
      b.name === b.letter ? `Run ${b.letter}` : `Run ${b.letter}, ${b.name}`,
      `at ${formatInstant(c.run.t(b.letter))}${b.baseline ? ', baseline' : ''}`,
      'runs',
      () => c.selection.show(b.letter),
      'run branch',
    )
  for (const [index, m] of (c.session.state?.marks ?? []).entries())
    go(
      `mark.${index}`,
      m.text === '' ? 'Mark' : m.text,
      `mark at ${formatInstant(m.t)} on ${m.branch}`,
      'flag',
      () => {
        c.selection.show(m.branch)
        c.selection.crosshair = m.t
      },
      'mark note instant',
    )
  for (const m of c.app.metrics)
    go(
      `metric.${m.name}`,
      m.title,
      `chart: ${m.description}`,
      'chart',
      () => (c.layout.tab = 'charts'),
      `chart metric ${m.name}`,
    )
  for (const f of c.session.recent)
    if (!f.missing)
      go(`recent.${f.path}`, f.name, f.path, 'page', () => void openDocument(f.path), 'open recent document')
  return items
}

function teaching(c: CommandContext): PaletteItem[] {
  const exercises: PaletteItem[] = c.app.exercises.map((e) => ({
    id: `exercise.${e.id}`,
    group: 'Help and exercises',
    title: e.title,
    note: `exercise, ${e.minutes} min, ${e.difficulty}`,
    mono: false,
    icon: 'lab',
    words: `${e.theme} ${e.summary}`,
    run: () => void startExercise(e.id),
  }))
  const scenarios: PaletteItem[] = c.app.scenarios.map((s) => ({
    id: `scenario.${s.id}`,
    group: 'Help and exercises',
    title: `New lab: ${s.title}`,
    note: s.description,
    mono: false,
    icon: 'plus',
    words: 'scenario free lab',
    run: () => void newSession({ scenario: s.id }),
  }))
  return [...exercises, ...scenarios]
}

/** Everything that can be found now, in the order of the groups; "go to" puts the places first. */
export function paletteItems(c: CommandContext, mode: 'commands' | 'goto'): PaletteItem[] {
  const acts = [...tableItems(c).filter((i) => i.group === 'Commands'), ...switchItems(c)]
  const help = [...tableItems(c).filter((i) => i.group !== 'Commands'), ...teaching(c)]
  return mode === 'goto' ? [...places(c), ...acts, ...help] : [...acts, ...places(c), ...help]
}

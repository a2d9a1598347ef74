/** Runs entries of the command table: by id, by key. Failures are reported where the user looks. */
import { useSettingsStore } from '../stores/settings'
import { commandContext } from './context'
import { isSingleKey, matches } from './keys'
import { commandById, commands } from './table'
import type { Command, CommandContext } from './types'

/** True if it can be done now, else the reason. */
export function availability(command: Command, context: CommandContext): true | string {
  return command.when?.(context) ?? true
}

/** Runs an entry unless it cannot be done now; then says why. */
export async function runEntry(command: Command, onFork = false): Promise<void> {
  const context = commandContext()
  const can = availability(command, context)
  if (can !== true) {
    context.problems.say('info', `This cannot be done now: ${can}.`)
    return
  }
  await context.problems.attempt(() =>
    onFork && command.runOnFork !== undefined ? command.runOnFork(context) : command.run(context),
  )
}

/** Runs the entry of that id (the shell's menu sends ids). */
export function runCommand(id: string): void {
  const command = commandById(id)
  if (command !== undefined) void runEntry(command)
}

/** True where single keys belong to what is typed or pressed there. */
function takesText(target: EventTarget | null): boolean {
  if (!(target instanceof Element)) return false
  return target.closest('input, textarea, select, [contenteditable="true"], .xterm, dialog') !== null
}

/** Space presses what is focused; as "pause" it counts only where it would do nothing else. */
function takesSpace(target: EventTarget | null): boolean {
  return (
    target instanceof Element &&
    target.closest('button, a[href], summary, [role="switch"], [role="slider"], [role="option"]') !== null
  )
}

/** The entry that this key press means here, or undefined. */
export function commandForKey(event: KeyboardEvent, singleKeys: boolean): Command | undefined {
  for (const command of commands) {
    for (const keys of command.keys ?? []) {
      if (!matches(event, keys)) continue
      // Escape leaves what has the focus first; here it only clears the selection.
      if (keys === 'Escape' && takesText(event.target)) continue
      if (isSingleKey(keys)) {
        if (!singleKeys || takesText(event.target)) continue
        if (keys === 'Space' && takesSpace(event.target)) continue
      }
      return command
    }
  }
  return undefined
}

/** Listens to the keyboard of the whole window; returns the end of it. */
export function bindKeyboard(target: Window = window): () => void {
  const settings = useSettingsStore()
  const listen = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.isComposing) return
    const command = commandForKey(event, settings.singleKeys)
    if (command === undefined) return
    // A modal dialog keeps its keys, except those that open another one or change the view's size.
    const inDialog = event.target instanceof Element && event.target.closest('dialog') !== null
    if (inDialog && !/^(help\.|view\.zoom)/.test(command.id)) return
    if (event.key === 'Escape' && availability(command, commandContext()) !== true) return
    event.preventDefault()
    void runEntry(command)
  }
  target.addEventListener('keydown', listen)
  return () => target.removeEventListener('keydown', listen)
}

/** What an entry of the command table is. */
import type { BranchLetter } from '../../preload/contract'
import type { IconName } from '../components/icons'
import type { useAppStore } from '../stores/app'
import type { useConsoleStore } from '../stores/console'
import type { useDialogsStore } from '../stores/dialogs'
import type { useExerciseStore } from '../stores/exercise'
import type { useHostStore } from '../stores/host'
import type { useLayoutStore } from '../stores/layout'
import type { useProblemsStore } from '../stores/problems'
import type { useRunStore } from '../stores/run'
import type { useSelectionStore } from '../stores/selection'
import type { useSessionStore } from '../stores/session'
import type { useSettingsStore } from '../stores/settings'

/** The stores an entry may read and act on. */
export interface CommandContext {
  app: ReturnType<typeof useAppStore>
  session: ReturnType<typeof useSessionStore>
  run: ReturnType<typeof useRunStore>
  host: ReturnType<typeof useHostStore>
  consoles: ReturnType<typeof useConsoleStore>
  exercise: ReturnType<typeof useExerciseStore>
  layout: ReturnType<typeof useLayoutStore>
  selection: ReturnType<typeof useSelectionStore>
  settings: ReturnType<typeof useSettingsStore>
  dialogs: ReturnType<typeof useDialogsStore>
  problems: ReturnType<typeof useProblemsStore>
}

export type CommandGroup = 'File' | 'Edit' | 'Run' | 'View' | 'Help' | 'Host'
export const commandGroups: readonly CommandGroup[] = ['File', 'Edit', 'Run', 'View', 'Host', 'Help']

export interface Command {
  /** Stable name; the shell's own menu sends it. */
  id: string
  group: CommandGroup
  title: string | ((context: CommandContext) => string)
  icon?: IconName
  /**
   * Keys, the first one shown: `Mod+Shift+P`, `F5`, `M`, `?`. Mod is Ctrl, on macOS Command. Keys of one character without
   * Mod work only where no text is typed, and can be switched off.
   */
  keys?: readonly string[]
  /** True if it can be done now; else the reason in a few words, shown beside the greyed entry. */
  when?: (context: CommandContext) => true | string
  /** Entries that make no sense now are left out of menus and palette altogether. */
  hidden?: (context: CommandContext) => boolean
  /** The command of FreeBSD or of the lab that it runs on the run shown, for instance `ifconfig cc0 -nomap`. */
  runs?: (context: CommandContext) => string
  /** Further words under which it is found. */
  words?: string
  run: (context: CommandContext) => void | Promise<unknown>
  /** Does the same on a fork (Alt+Enter, Alt+Space), where that means something. */
  runOnFork?: (context: CommandContext) => void | Promise<unknown>
  /** Letter of the run it acts on, where it acts on one. */
  on?: (context: CommandContext) => BranchLetter
}

/** Title in force. */
export function titleOf(command: Command, context: CommandContext): string {
  return typeof command.title === 'string' ? command.title : command.title(context)
}

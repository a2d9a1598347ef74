/** The stores, gathered once for the command table. */
import { useAppStore } from '../stores/app'
import { useConsoleStore } from '../stores/console'
import { useDialogsStore } from '../stores/dialogs'
import { useExerciseStore } from '../stores/exercise'
import { useHostStore } from '../stores/host'
import { useLayoutStore } from '../stores/layout'
import { useProblemsStore } from '../stores/problems'
import { useRunStore } from '../stores/run'
import { useSelectionStore } from '../stores/selection'
import { useSessionStore } from '../stores/session'
import { useSettingsStore } from '../stores/settings'
import type { CommandContext } from './types'

export function commandContext(): CommandContext {
  return {
    app: useAppStore(),
    session: useSessionStore(),
    run: useRunStore(),
    host: useHostStore(),
    consoles: useConsoleStore(),
    exercise: useExerciseStore(),
    layout: useLayoutStore(),
    selection: useSelectionStore(),
    settings: useSettingsStore(),
    dialogs: useDialogsStore(),
    problems: useProblemsStore(),
  }
}

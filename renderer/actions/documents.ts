/** New, open, save: the steps around the contract's requests (paths, questions, damaged files). Failures are reported, not thrown. */
import type { ContractError, RequestOf } from '../../preload/contract'
import { LabError } from '../connection/client'
import { useAppStore } from '../stores/app'
import { useDialogsStore } from '../stores/dialogs'
import { useProblemsStore } from '../stores/problems'
import { useSessionStore } from '../stores/session'

/** Errors of a damaged document; after the first the good part of it can still be opened. */
const damages = new Set(['log-damaged', 'document-damaged'])

/** The last part of a path. */
export function baseName(path: string): string {
  return path.replace(/[\\/]+$/, '').replace(/^.*[\\/]/, '')
}

function entered(): void {
  const dialogs = useDialogsStore()
  dialogs.startWanted = false
  dialogs.damaged = null
}

/** Starts a session; true if it is there. */
export async function newSession(options: RequestOf<'session.new'>): Promise<boolean> {
  const session = useSessionStore()
  const done = await useProblemsStore().attempt(() => session.create(options))
  if (done === true) {
    session.welcome = false
    entered()
  }
  return done === true
}

/** Starts the exercise of that name in a session of its own. */
export function startExercise(id: string): Promise<boolean> {
  const app = useAppStore()
  // The exercise brings its own scenario; the name here only matters if it does not.
  return newSession({ scenario: app.scenarios[0]?.id ?? 'first-lab', exercise: id })
}

/** Opens a document: asks for a path where none is given and the shell has no dialog of its own. */
export async function openDocument(path?: string, keepGoodPart = false): Promise<boolean> {
  const session = useSessionStore()
  const dialogs = useDialogsStore()
  const problems = useProblemsStore()
  const native = useAppStore().info?.nativeDialogs ?? false
  const chosen = path ?? (native ? undefined : await dialogs.askPath('open'))
  if (chosen === null) return false
  const options: RequestOf<'session.open'> = {}
  if (chosen !== undefined) options.path = chosen
  if (keepGoodPart) options.keepGoodPart = true
  try {
    if (!(await session.open(options))) return false
    session.welcome = false
    entered()
    if (keepGoodPart) problems.say('ok', 'The good part is open as a new, unsaved copy.')
    await session.loadLists()
    return true
  } catch (error) {
    if (error instanceof LabError && damages.has(error.code)) {
      const contract: ContractError = error.toContract()
      dialogs.damaged = { path: chosen ?? null, error: contract }
    } else problems.report(error)
    return false
  }
}

/** Saves to the known path, or asks for one. */
export async function saveDocument(as = false): Promise<boolean> {
  const session = useSessionStore()
  const dialogs = useDialogsStore()
  const problems = useProblemsStore()
  const state = session.state
  if (state === null) return false
  const native = useAppStore().info?.nativeDialogs ?? false
  const options: RequestOf<'session.save'> = {}
  if (as) options.as = true
  if (!native && (as || state.path === null)) {
    const path = await dialogs.askPath(
      'save',
      `${state.path === null ? state.name : baseName(state.path).replace(/\.nomaplab$/, '')}.nomaplab`,
    )
    if (path === null) return false
    options.path = path
  }
  const saved = await problems.attempt(() => session.save(options))
  if (saved === true) problems.say('ok', `Saved as ${baseName(session.state?.path ?? '')}.`)
  return saved === true
}

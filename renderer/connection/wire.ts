/** Joins the client to the stores: events in, everything loaded after each (re)connection. */
import { useAppStore } from '../stores/app'
import { useChainsStore } from '../stores/chains'
import { useConsoleStore } from '../stores/console'
import { useExerciseStore } from '../stores/exercise'
import { useHostStore } from '../stores/host'
import { useProblemsStore } from '../stores/problems'
import { useRunStore } from '../stores/run'
import { useSendPathStore } from '../stores/sendPath'
import { useSessionStore } from '../stores/session'
import { useSettingsStore } from '../stores/settings'
import { startAnew } from './answerFirst'
import type { Client } from './client'

/** Listens to every event of the contract; `menu` goes to `runCommand`, the runner of the command table. */
export function joinStores(client: Client, runCommand: (id: string) => void): void {
  const session = useSessionStore()
  const run = useRunStore()
  const host = useHostStore()
  const sendPath = useSendPathStore()
  const exercise = useExerciseStore()
  const consoles = useConsoleStore()
  const problems = useProblemsStore()

  client.on('frame', (frame) => run.takeFrame(frame))
  client.on('session', (state) => {
    session.take(state)
    exercise.take(state.exercise)
  })
  client.on('host', (state) => host.take(state))
  client.on('command', (result) => consoles.take(result))
  client.on('sendPath', (path) => sendPath.take(path))
  client.on('exercise', (state) => exercise.take(state))
  client.on('problem', (problem) => problems.take(problem))
  client.on('menu', ({ command }) => runCommand(command))
}

/** Loads everything the window shows, after the client got a (new) port. */
export async function loadAll(): Promise<void> {
  startAnew()
  const session = useSessionStore()
  await Promise.all([useSettingsStore().load(), useAppStore().load()])
  await Promise.all([session.load(), session.loadLists()])
}

/** Loads what belongs to the session that came in: hosts, past commands, exercise. Called whenever another session came. */
export async function loadSessionParts(): Promise<void> {
  const session = useSessionStore()
  const host = useHostStore()
  const consoles = useConsoleStore()
  useSendPathStore().clear()
  useChainsStore().clear()
  host.forget()
  useExerciseStore().take(session.state?.exercise ?? null)
  consoles.enter(session.state?.commands ?? [])
  await Promise.all(session.branches.map((b) => host.load(b.letter)))
}

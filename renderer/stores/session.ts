/**
 * The session: document, runs ("branches"), commands, marks, undo. `state` is what main last said; the actions call the
 * contract and reject with a LabError, which callers hand to `useProblemsStore().attempt`.
 */
import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import type {
  BranchInfo,
  BranchLetter,
  RecentFile,
  RecoverableSession,
  RequestOf,
  RunState,
  SessionState,
} from '../../preload/contract'
import { lab } from '../connection/lab'
import { useConsoleStore } from './console'
import { useRunStore } from './run'
import { useSelectionStore } from './selection'

export const useSessionStore = defineStore('session', () => {
  const run = useRunStore()
  const selection = useSelectionStore()
  const consoles = useConsoleStore()
  /** The open session, or null on the Start screen. */
  const state = shallowRef<SessionState | null>(null)
  const recent = shallowRef<RecentFile[]>([])
  /** Sessions that a crash left behind and in which something was done. */
  const recoverable = shallowRef<RecoverableSession[]>([])
  /** Counts up whenever another session came in (new, open, recover), not when the present one changed. */
  const generation = shallowRef(0)

  /**
   * The session is only the idle host behind the Start screen: nobody chose it. Ends as soon as the user does something to it.
   */
  const welcome = ref(true)
  /** Nobody has done anything to this session yet. */
  const untouched = computed(() => {
    const s = state.value
    if (s === null) return true
    return (
      s.path === null &&
      s.exercise === null &&
      s.branches.length === 1 &&
      !s.commands.some((c) => c.origin !== 'scenario')
    )
  })

  /** The main process was asked what is open. */
  const loaded = ref(false)
  let replacing = false

  /** Runs in the order of their letters. */
  const branches = computed<BranchInfo[]>(() => state.value?.branches ?? [])
  /** The run that is the base of comparisons, or null. */
  const baseline = computed<BranchInfo | null>(
    () => branches.value.find((b) => b.baseline) ?? branches.value[0] ?? null,
  )

  function branch(letter: BranchLetter): BranchInfo | undefined {
    return branches.value.find((b) => b.letter === letter)
  }

  /** True if `next` is not the session that is open, grown or undone, but another one (a second start handed over a file). */
  function isAnother(next: SessionState): boolean {
    const present = state.value
    if (present === null || present.scenario.id !== next.scenario.id || present.seed !== next.seed) return true
    const [first, other] = [present.commands[0], next.commands[0]]
    const differs = first !== undefined && other !== undefined && (first.text !== other.text || first.t !== other.t)
    return present.path !== next.path && differs
  }

  /** Takes a state that main sent; `fresh` marks another session than before. */
  function take(next: SessionState | null, fresh = next !== null && isAnother(next)): void {
    // While another session is on its way in, only the answer to that request counts.
    if (replacing && next !== null) return
    if (fresh) {
      run.clear()
      selection.clear()
      generation.value++
    }
    state.value = next
    if (next === null) return
    consoles.compareWith(next.commands)
    run.state = next.state
    for (const b of next.branches) {
      const shown = run.times.get(b.letter)
      // While running, frames are newer than this state.
      if (shown === undefined || !run.running) run.times.set(b.letter, b.t)
    }
    for (const letter of [...run.times.keys()])
      if (!next.branches.some((b) => b.letter === letter)) run.times.delete(letter)
    selection.keepWithin(next.branches.map((b) => b.letter))
  }

  async function replace(ask: () => Promise<SessionState | null>): Promise<boolean> {
    replacing = true
    let next: SessionState | null
    try {
      next = await consoles.whileArriving(ask)
    } finally {
      replacing = false
    }
    if (next === null) return false
    take(next, true)
    await Promise.all(next.branches.map((b) => run.reload(b.letter)))
    return true
  }

  /** Reads the session of the main process, after (re)connecting. */
  async function load(): Promise<void> {
    const next = await lab().request('session.state', {})
    // After a broken connection it is mostly the same session: then the consoles keep what they show.
    take(next, next === null ? state.value !== null : isAnother(next))
    loaded.value = true
    await Promise.all((next?.branches ?? []).map((b) => run.reload(b.letter)))
  }
  async function loadLists(): Promise<void> {
    const [files, left] = await Promise.all([
      lab().request('session.recent', {}),
      lab().request('session.recoverable', {}),
    ])
    recent.value = files
    // The idle host behind the Start screen leaves a journal too, but nothing that anybody would miss.
    recoverable.value = left.filter((r) => r.commands > 0 || r.path !== null)
  }

  /** Starts a session from a scenario. Resolves to true. */
  const create = (options: RequestOf<'session.new'>): Promise<boolean> =>
    replace(() => lab().request('session.new', options))
  /** Opens a document; false if the user cancelled the shell's own dialog. */
  const open = (options: RequestOf<'session.open'> = {}): Promise<boolean> =>
    replace(() => lab().request('session.open', options))
  const recover = async (id: string, action: 'open' | 'discard'): Promise<boolean> => {
    const opened = action === 'open' ? await replace(() => lab().request('session.recover', { id, action })) : false
    if (action === 'discard') await lab().request('session.recover', { id, action })
    await loadLists()
    return opened
  }
  /** Saves; false if cancelled. */
  async function save(options: RequestOf<'session.save'> = {}): Promise<boolean> {
    const answer = await lab().request('session.save', options)
    if (answer === null) return false
    take(await lab().request('session.state', {}))
    await loadLists()
    return true
  }
  async function rename(name: string): Promise<void> {
    take(await lab().request('session.rename', { name }))
  }
  async function forgetRecent(path?: string): Promise<void> {
    recent.value = await lab().request('session.forgetRecent', path === undefined ? {} : { path })
  }
  async function texts(options: RequestOf<'session.texts'>): Promise<void> {
    await lab().request('session.texts', options)
  }

  async function control(action: RequestOf<'run.control'>['action'], count?: number): Promise<void> {
    const ask = (): Promise<{ state: RunState }> =>
      lab().request('run.control', count === undefined ? { action } : { action, count })
    const answer = await (action === 'back' ? consoles.whileReplaying(ask) : ask())
    run.state = answer.state
  }
  /** Runs until a virtual time (ns), then pauses. */
  async function until(t: number): Promise<void> {
    run.state = (await lab().request('run.until', { t })).state
  }
  async function setSpeed(speed: number): Promise<void> {
    await lab().request('run.speed', { speed })
  }
  /** Starts or stops the load generator, on one run or on all. */
  async function setLoad(on: boolean, letter?: BranchLetter): Promise<void> {
    await lab().request('run.load', letter === undefined ? { on } : { on, branch: letter })
  }
  async function undo(): Promise<void> {
    take(await consoles.whileReplaying(() => lab().request('run.undo', {})))
  }
  async function redo(): Promise<void> {
    take(await consoles.whileReplaying(() => lab().request('run.redo', {})))
  }
  async function mark(letter: BranchLetter, text: string): Promise<void> {
    take(await lab().request('run.mark', { branch: letter, text }))
  }

  /** Forks a run at its present instant, or at `t` (ns); `command` is run on the fork. The fork becomes the run shown. */
  async function fork(options: RequestOf<'branch.fork'>): Promise<BranchInfo> {
    const made = await lab().request('branch.fork', options)
    take(await lab().request('session.state', {}))
    await run.reload(made.letter)
    selection.show(made.letter)
    return made
  }
  async function remove(letter: BranchLetter): Promise<void> {
    take(await lab().request('branch.delete', { letter }))
  }
  async function renameBranch(letter: BranchLetter, name: string): Promise<void> {
    take(await lab().request('branch.rename', { letter, name }))
  }
  async function setBaseline(letter: BranchLetter): Promise<void> {
    take(await lab().request('branch.baseline', { letter }))
  }

  return {
    state,
    recent,
    recoverable,
    generation,
    welcome,
    loaded,
    untouched,
    branches,
    baseline,
    branch,
    take,
    load,
    loadLists,
    create,
    open,
    recover,
    save,
    rename,
    forgetRecent,
    texts,
    control,
    until,
    setSpeed,
    setLoad,
    undo,
    redo,
    mark,
    fork,
    remove,
    renameBranch,
    setBaseline,
  }
})

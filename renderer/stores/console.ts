/**
 * The console of every run: blocks (command, output, virtual time, status), history, and what is being typed. The xterm view
 * draws from here; a switch or an exercise writes here through the same `execute`.
 */
import { defineStore } from 'pinia'
import { reactive, ref, shallowReactive, shallowRef } from 'vue'
import type { BranchLetter, CommandOrigin, CommandRecord, Completion, ConsoleResult } from '../../preload/contract'
import { awaitAnswer } from '../connection/answerFirst'
import { lab } from '../connection/lab'

/** A command and what it printed. `status` is null while it runs. */
export interface ConsoleBlock {
  id: number
  branch: BranchLetter
  text: string
  origin: CommandOrigin
  output: string
  t: number
  tEnd: number
  status: number | null
  /** Known from the document only: what it printed then was not kept. */
  recalled: boolean
}

function commandKey(command: Pick<CommandRecord, 'branch' | 't' | 'text'>): string {
  return `${command.branch} ${command.t} ${command.text}`
}

/** Blocks kept a run; older ones leave the window, not the session. */
export const maxBlocks = 2000

export const useConsoleStore = defineStore('console', () => {
  const blocks = shallowReactive(new Map<BranchLetter, readonly ConsoleBlock[]>())
  /** Lines given so far, oldest first, without repetitions in a row; shared by all runs. */
  const history = ref<string[]>([])
  /** A text that another part of the window wants to see in the input line of a run. */
  const insertion = ref<{ branch: BranchLetter; text: string; count: number } | null>(null)
  /** Blocks up to this id are hidden in a run's console, because it was cleared. */
  const clearedBefore = reactive(new Map<BranchLetter, number>())
  /** Tab moves the focus out of the console instead of completing (Ctrl+M). */
  const tabLeaves = ref(false)
  /** Commands under way, by run. */
  const running = reactive(new Map<BranchLetter, number>())
  /** Blocks whose command was undone: their output stays to be read, but it is no part of the run any more. */
  const undone = shallowRef<ReadonlySet<number>>(new Set())
  const everLogged = new Set<string>()
  let nextId = 1
  let insertions = 0
  /** Re-executions under way (undo, step back): their commands are old ones, told again. */
  let replaying = 0
  /** Commands that came while another session was on its way in. */
  let arriving: (ConsoleResult & { origin: CommandOrigin })[] | null = null

  function of(letter: BranchLetter): readonly ConsoleBlock[] {
    return blocks.get(letter) ?? []
  }
  function remember(text: string): void {
    const line = text.trim()
    if (line === '' || history.value[history.value.length - 1] === line) return
    history.value.push(line)
    if (history.value.length > 1000) history.value.shift()
  }
  /** Takes a `command` event: something ran, from wherever. */
  function take(result: ConsoleResult & { origin: CommandOrigin }): void {
    arriving?.push(result)
    const list = of(result.branch)
    // A command that is executed again (undo, opening) takes its old place instead of standing there twice.
    const at = list.findIndex(
      (b) => b.t === result.t && b.text === result.text && (b.recalled || b.origin === result.origin),
    )
    const known = list[at]
    const repeated = known !== undefined && (known.recalled || replaying > 0)
    const block: ConsoleBlock = { id: repeated ? known.id : nextId++, ...result, recalled: false }
    if (repeated) blocks.set(result.branch, list.with(at, block))
    else blocks.set(result.branch, [...list.slice(Math.max(0, list.length - maxBlocks + 1)), block])
    if (result.origin !== 'scenario') remember(result.text)
  }
  /** Does something that executes old commands again. */
  async function whileReplaying<T>(work: () => Promise<T>): Promise<T> {
    replaying++
    try {
      return await work()
    } finally {
      replaying--
    }
  }
  /** Another session may come in with the answer of `work`: what it prints on its way is kept for {@link enter}. */
  async function whileArriving<T>(work: () => Promise<T>): Promise<T> {
    arriving = []
    try {
      return await work()
    } catch (error) {
      arriving = null
      throw error
    }
  }
  /** Another session came in: its commands, with what they printed on the way in. */
  function enter(commands: readonly CommandRecord[]): void {
    const printed = arriving ?? []
    arriving = null
    forget()
    recall(commands)
    for (const result of printed) take(result)
  }
  /** Compares what is printed with the commands of the session: those that were once in it and are no more are undone. */
  function compareWith(commands: readonly CommandRecord[]): void {
    const present = new Set(commands.map(commandKey))
    for (const key of present) everLogged.add(key)
    const ids = new Set<number>()
    for (const list of blocks.values())
      for (const block of list) {
        const key = commandKey(block)
        if (everLogged.has(key) && !present.has(key)) ids.add(block.id)
      }
    if (ids.size !== undone.value.size || [...ids].some((id) => !undone.value.has(id))) undone.value = ids
  }
  /** Fills the consoles with the commands that a document remembers. */
  function recall(commands: readonly CommandRecord[]): void {
    for (const c of commands) {
      const block: ConsoleBlock = { id: nextId++, ...c, output: '', tEnd: c.t, recalled: true }
      blocks.set(c.branch, [...of(c.branch), block])
      if (c.origin !== 'scenario') remember(c.text)
    }
  }
  /** Runs a line on a run; the block arrives by the `command` event. */
  async function execute(
    branch: BranchLetter,
    text: string,
    origin: CommandOrigin = 'console',
  ): Promise<ConsoleResult> {
    running.set(branch, (running.get(branch) ?? 0) + 1)
    // Whoever moves a switch waits for the switch, not for the console.
    const answered = origin === 'console' ? awaitAnswer() : null
    try {
      return await lab().request('console.execute', { branch, text, origin })
    } finally {
      const left = (running.get(branch) ?? 1) - 1
      if (left > 0) running.set(branch, left)
      else running.delete(branch)
      answered?.()
    }
  }
  function complete(branch: BranchLetter, text: string, cursor: number): Promise<Completion> {
    return lab().request('console.complete', { branch, text, cursor })
  }
  async function interrupt(branch: BranchLetter): Promise<void> {
    await lab().request('console.interrupt', { branch })
  }
  /** Puts a text into the input line of a run, without running it. */
  function insert(branch: BranchLetter, text: string): void {
    insertion.value = { branch, text, count: ++insertions }
  }
  /** Hides everything that a run's console shows now; the commands stay in the session. */
  function clear(letter: BranchLetter): void {
    clearedBefore.set(letter, nextId - 1)
  }
  function forget(): void {
    blocks.clear()
    clearedBefore.clear()
    everLogged.clear()
    undone.value = new Set()
    history.value = []
    insertion.value = null
  }
  return {
    blocks,
    history,
    insertion,
    running,
    clearedBefore,
    tabLeaves,
    of,
    take,
    enter,
    undone,
    compareWith,
    whileReplaying,
    whileArriving,
    remember,
    execute,
    complete,
    interrupt,
    insert,
    clear,
  }
})

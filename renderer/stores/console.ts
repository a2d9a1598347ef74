/**
 * The console of every run: blocks (command, output, virtual time, status), history, and what is being typed. The xterm view
 * draws from here; a switch or an exercise writes here through the same `execute`.
 */
import { defineStore } from 'pinia'
import { reactive, ref, shallowReactive } from 'vue'
import type { BranchLetter, CommandOrigin, Completion, ConsoleResult } from '../../preload/contract'
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
}

/** Blocks kept a run; older ones leave the window, not the session. */
export const maxBlocks = 2000

export const useConsoleStore = defineStore('console', () => {
  const blocks = shallowReactive(new Map<BranchLetter, readonly ConsoleBlock[]>())
  /** Lines given so far, oldest first, without repetitions in a row; shared by all runs. */
  const history = ref<string[]>([])
  /** A text that another part of the window wants to see in the input line of a run. */
  const insertion = ref<{ branch: BranchLetter; text: string; count: number } | null>(null)
  /** Commands under way, by run. */
  const running = reactive(new Map<BranchLetter, number>())
  let nextId = 1
  let insertions = 0

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
    const list = of(result.branch)
    const block: ConsoleBlock = { id: nextId++, ...result }
    blocks.set(result.branch, [...list.slice(Math.max(0, list.length - maxBlocks + 1)), block])
    if (result.origin !== 'scenario') remember(result.text)
  }
  /** Runs a line on a run; the block arrives by the `command` event. */
  async function execute(
    branch: BranchLetter,
    text: string,
    origin: CommandOrigin = 'console',
  ): Promise<ConsoleResult> {
    running.set(branch, (running.get(branch) ?? 0) + 1)
    try {
      return await lab().request('console.execute', { branch, text, origin })
    } finally {
      const left = (running.get(branch) ?? 1) - 1
      if (left > 0) running.set(branch, left)
      else running.delete(branch)
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
  function clear(letter: BranchLetter): void {
    blocks.set(letter, [])
  }
  function forget(): void {
    blocks.clear()
    history.value = []
    insertion.value = null
  }
  return {
    blocks,
    history,
    insertion,
    running,
    of,
    take,
    remember,
    execute,
    complete,
    interrupt,
    insert,
    clear,
    forget,
  }
})

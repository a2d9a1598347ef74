/** The send path picture of the runs that are looked at: the latest state main sent, at most ten a second. */
import { defineStore } from 'pinia'
import { ref, shallowReactive } from 'vue'
import type { BranchLetter, SendPath } from '../../preload/contract'
import { lab } from '../connection/lab'

export const useSendPathStore = defineStore('sendPath', () => {
  const paths = shallowReactive(new Map<BranchLetter, SendPath>())
  /** While true, new pictures are kept back, because the user points at the one shown. */
  const held = ref(false)
  const waiting = new Map<BranchLetter, SendPath>()

  /** Latest picture of a run, or undefined until one came. */
  function path(letter: BranchLetter): SendPath | undefined {
    return paths.get(letter)
  }
  function take(next: SendPath): void {
    if (held.value) waiting.set(next.branch, next)
    else paths.set(next.branch, next)
  }
  /** Holds the pictures shown, or lets the newest come through. */
  function hold(on: boolean): void {
    held.value = on
    if (on) return
    for (const [letter, next] of waiting) paths.set(letter, next)
    waiting.clear()
  }
  /** Asks main to send pictures of these runs from now on, and for the present one at once. */
  async function watch(letters: BranchLetter[], connection: number | null): Promise<void> {
    const id = connection === null ? {} : { connection }
    await lab().request('watch', { sendPath: letters.slice(0, 2), ...id })
    for (const letter of letters.slice(0, 2)) take(await lab().request('sendPath', { branch: letter, ...id }))
  }
  function clear(): void {
    paths.clear()
    waiting.clear()
    held.value = false
  }
  return { paths, held, path, take, hold, watch, clear }
})

/** The send path picture of the runs that are looked at: the latest state main sent, at most ten a second. */
import { defineStore } from 'pinia'
import { computed, ref, shallowReactive, watch as follow } from 'vue'
import type { BranchLetter, SendPath } from '../../preload/contract'
import { afterAnswer, forgetWaiting } from '../connection/answerFirst'
import { lab } from '../connection/lab'
import { useRunStore } from './run'

export const useSendPathStore = defineStore('sendPath', () => {
  const run = useRunStore()
  const paths = shallowReactive(new Map<BranchLetter, SendPath>())
  /** While true, new pictures are kept back as long as time runs, because the user points at the one shown. */
  const held = ref(false)
  /** The picture shown may be older than now. */
  const keeping = computed(() => held.value && run.state === 'running')
  const waiting = new Map<BranchLetter, SendPath>()

  /** Latest picture of a run, or undefined until one came. */
  function path(letter: BranchLetter): SendPath | undefined {
    return paths.get(letter)
  }
  function take(next: SendPath): void {
    // What changes while time stands was asked for: a step, a command, the end of catching up.
    if (keeping.value) waiting.set(next.branch, next)
    else paths.set(next.branch, next)
  }
  /** Takes a `sendPath` event. */
  function takeEvent(next: SendPath): void {
    afterAnswer(`sendPath ${next.branch}`, () => take(next))
  }
  function release(): void {
    for (const [letter, next] of waiting) paths.set(letter, next)
    waiting.clear()
  }
  follow(
    () => run.state,
    (state) => {
      if (state !== 'running') release()
    },
    { flush: 'sync' },
  )
  /** Holds the pictures shown, or lets the newest come through. */
  function hold(on: boolean): void {
    held.value = on
    if (!on) release()
  }
  /** Asks main to send pictures of these runs from now on, and for the present one at once. */
  async function watch(letters: BranchLetter[], connection: number | null): Promise<void> {
    const id = connection === null ? {} : { connection }
    await lab().request('watch', { sendPath: letters.slice(0, 2), ...id })
    for (const letter of letters.slice(0, 2)) {
      const next = await lab().request('sendPath', { branch: letter, ...id })
      forgetWaiting(`sendPath ${letter}`)
      take(next)
    }
  }
  function clear(): void {
    forgetWaiting('sendPath ')
    paths.clear()
    waiting.clear()
    held.value = false
  }
  return { paths, held, keeping, path, take: takeEvent, hold, watch, clear }
})

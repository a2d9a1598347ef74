/** Asks main for the chains looked at: at once when the question changes or time stands elsewhere, twice a second while time runs, never once the view is gone. */
import { onScopeDispose, watch } from 'vue'
import type { BranchLetter } from '../../preload/contract'
import { useChainsStore } from '../stores/chains'
import { useProblemsStore } from '../stores/problems'
import { useRunStore } from '../stores/run'
import { useSessionStore } from '../stores/session'

/** Wall milliseconds between two questions while time runs. */
export const askEvery = 500

export function useChains(letters: () => readonly BranchLetter[]): void {
  const chains = useChainsStore()
  const run = useRunStore()
  const session = useSessionStore()
  const problems = useProblemsStore()
  let timer: ReturnType<typeof setTimeout> | undefined
  let last = -Infinity
  let asking = false
  let again = false
  let over = false

  async function ask(): Promise<void> {
    timer = undefined
    // One question at a time: a slow machine is not asked faster than it answers.
    if (asking) {
      again = true
      return
    }
    if (session.state === null) return
    asking = true
    last = performance.now()
    await problems.attempt(() => chains.ask(letters()))
    asking = false
    if (again && !over) {
      again = false
      void ask()
    }
  }
  function soon(wait: number): void {
    clearTimeout(timer)
    timer = setTimeout(() => void ask(), wait)
  }
  watch([() => letters().join(), () => chains.chain, () => chains.byte, () => session.generation], () => soon(0), {
    immediate: true,
  })
  watch(
    () => [run.state, ...letters().map((letter) => run.t(letter))].join(),
    () => {
      if (run.state === 'running') {
        if (timer === undefined) soon(Math.max(0, last + askEvery - performance.now()))
      } else soon(30)
    },
  )
  onScopeDispose(() => {
    over = true
    clearTimeout(timer)
  })
}

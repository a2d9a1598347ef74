/** Asks main for the comparison whenever the runs, their knobs or their samples have changed; at most once a second. */
import { onScopeDispose, ref, type Ref, shallowRef, type ShallowRef, watch } from 'vue'
import type { BranchLetter, Comparison, ContractError, RequestOf } from '../../preload/contract'
import { useSampleClockStore } from '../charts/lines'
import { asContractError } from '../connection/client'
import { lab } from '../connection/lab'
import { useSessionStore } from '../stores/session'

export type CompareOptions = Pick<RequestOf<'compare'>, 'align' | 'per'>

/** Wall milliseconds between two questions while the machine runs. */
const askEvery = 1000

export interface ComparisonSource {
  comparison: Readonly<ShallowRef<Comparison | null>>
  problem: Readonly<Ref<ContractError | null>>
}

export function useComparison(runs: () => readonly BranchLetter[], options: () => CompareOptions): ComparisonSource {
  const session = useSessionStore()
  const clock = useSampleClockStore()
  const comparison = shallowRef<Comparison | null>(null)
  const problem = ref<ContractError | null>(null)
  let asked = 0
  let last = -Infinity
  let timer: ReturnType<typeof setTimeout> | undefined

  async function ask(): Promise<void> {
    timer = undefined
    const branches = [...runs()]
    if (branches.length < 2) {
      comparison.value = null
      return
    }
    const id = ++asked
    last = performance.now()
    try {
      const answer = await lab().request('compare', { branches, ...options() })
      // A later question may have been answered first.
      if (id !== asked) return
      comparison.value = answer
      problem.value = null
    } catch (error) {
      if (id === asked) problem.value = asContractError(error)
    }
  }
  function soon(wait: number): void {
    clearTimeout(timer)
    timer = setTimeout(() => void ask(), wait)
  }

  watch([() => runs().join(), () => JSON.stringify(options()), () => session.generation], () => soon(0), {
    immediate: true,
  })
  watch([() => clock.tick, () => session.state], () => {
    if (timer === undefined) soon(Math.max(0, last + askEvery - performance.now()))
  })
  onScopeDispose(() => clearTimeout(timer))
  return { comparison, problem }
}

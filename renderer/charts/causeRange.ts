/** One scale for the stacks of all runs shown: a share that looks the same is the same. */
import { computed, type ComputedRef, shallowRef, watch } from 'vue'
import type { BranchLetter } from '../../preload/contract'
import { useAppStore } from '../stores/app'
import { useRunStore } from '../stores/run'
import { causeSeries } from './causes'
import { lowerBound } from './decimate'
import { useSampleClockStore } from './lines'
import { useTimeWindowStore } from './timeWindow'

/** From zero to the largest sum of all causes in any of these runs within the window. */
export function useCauseRange(letters: () => readonly BranchLetter[]): ComputedRef<readonly [number, number]> {
  const app = useAppStore()
  const run = useRunStore()
  const view = useTimeWindowStore()
  const clock = useSampleClockStore()
  const top = shallowRef(0)
  watch(
    [() => clock.tick, () => letters().join(), () => view.from, () => view.to, () => app.metrics],
    () => {
      const names = causeSeries(app.metrics).flatMap((s) => s.names)
      let most = 0
      for (const letter of letters()) {
        const series = run.series(letter)
        const columns = names.map((name) => series.column(name))
        const end = lowerBound(series.times, view.to)
        for (let i = lowerBound(series.times, view.from); i < end; i++) {
          let sum = 0
          for (const column of columns) sum += column[i] || 0
          if (sum > most) most = sum
        }
      }
      top.value = most
    },
    { immediate: true },
  )
  return computed(() => [0, top.value] as const)
}

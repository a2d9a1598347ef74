/** The lines of a metric, one a run, as charts draw them; refreshed at most ten times a second. */
import { defineStore } from 'pinia'
import { onScopeDispose, ref, type ShallowRef, shallowRef, watch } from 'vue'
import type { BranchLetter } from '../../preload/contract'
import { useRunStore } from '../stores/run'
import { useSessionStore } from '../stores/session'
import { lowerBound, sampleAt, type Samples } from './decimate'
import type { NamedLine } from './summary'
import { redrawEvery } from './useEChart'

/** Wall milliseconds between two counts on a machine that is busy. */
const slowest = 1000

/**
 * Counts up when samples came in, at most ten times a second: what draws series follows this instead of every frame. Where the page
 * takes long to draw it all, it counts more slowly, so that half of the time is left for everything else.
 */
export const useSampleClockStore = defineStore('sampleClock', () => {
  const run = useRunStore()
  const tick = ref(0)
  let timer: ReturnType<typeof setTimeout> | undefined
  let last = -Infinity
  let every = redrawEvery

  function count(): void {
    timer = undefined
    const start = (last = performance.now())
    tick.value++
    // The second frame from now begins when the drawing of this count is done.
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        every = Math.min(slowest, Math.max(redrawEvery, 2 * (performance.now() - start)))
      }),
    )
  }
  watch(
    () => [...run.versions.entries()].map(([letter, n]) => `${letter}${n}`).join(),
    () => {
      timer ??= setTimeout(count, Math.max(0, last + every - performance.now()))
    },
  )
  onScopeDispose(() => clearTimeout(timer))
  return { tick }
})

/** The samples of a run from an instant on: a fork repeats the history of its parent before it. */
export function samplesFrom(samples: Samples, from: number): Samples {
  const start = lowerBound(samples.times, from)
  return { times: samples.times.subarray(start), values: samples.values.subarray(start) }
}

/** B − A at the times of both that lie in the common stretch; values of A are held until its next sample. */
export function differenceOf(a: Samples, b: Samples, shift = 0): Samples {
  const times: number[] = []
  const values: number[] = []
  b.times.forEach((t, i) => {
    const base = sampleAt(a, t - shift)
    if (Number.isNaN(base) || Number.isNaN(b.values[i])) return
    times.push(t)
    values.push(b.values[i] - base)
  })
  return { times: Float64Array.from(times), values: Float64Array.from(values) }
}

/**
 * Lines of a metric for these runs. Arrays are views on live storage, valid until the next refresh. While `active` is false
 * (scrolled out of sight) nothing is refreshed.
 */
export function useMetricLines(
  name: () => string,
  letters: () => readonly BranchLetter[],
  active: () => boolean = () => true,
): Readonly<ShallowRef<NamedLine[]>> {
  const run = useRunStore()
  const session = useSessionStore()
  const clock = useSampleClockStore()
  const lines = shallowRef<NamedLine[]>([])
  watch(
    [() => clock.tick, name, () => letters().join(), () => session.branches, active],
    () => {
      if (!active()) return
      lines.value = letters().map((letter) => {
        const series = run.series(letter)
        const parent = session.branch(letter)?.parent ?? null
        const all = { times: series.times, values: series.column(name()) }
        const samples = parent === null ? all : samplesFrom(all, parent.t)
        return { letter, samples, forkedAt: parent?.t ?? null }
      })
    },
    { immediate: true },
  )
  return lines
}

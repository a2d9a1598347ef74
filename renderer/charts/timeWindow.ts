/** The stretch of virtual time that all charts show: everything by default, or what the user zoomed to. */
import { defineStore } from 'pinia'
import { computed, ref } from 'vue'
import { useRunStore } from '../stores/run'
import { useSelectionStore } from '../stores/selection'
import { useSessionStore } from '../stores/session'

/** The shortest stretch, virtual ns. */
const shortest = 1_000

export const useTimeWindowStore = defineStore('timeWindow', () => {
  const session = useSessionStore()
  const run = useRunStore()
  const selection = useSelectionStore()
  /** What the user zoomed to, virtual ns; null = everything. */
  const chosen = ref<{ from: number; to: number } | null>(null)

  /** End of everything: the planned duration, or later if the runs went on. */
  const end = computed(() => {
    const reached = Math.max(0, ...session.branches.map((b) => Math.max(b.t, run.t(b.letter))))
    return Math.max(session.state?.scenario.duration ?? 0, reached, shortest)
  })
  const from = computed(() => chosen.value?.from ?? 0)
  const to = computed(() => chosen.value?.to ?? end.value)
  const zoomed = computed(() => chosen.value !== null)

  function choose(a: number, b: number): void {
    const span = Math.min(end.value, Math.max(shortest, b - a))
    const start = Math.min(Math.max(0, a), end.value - span)
    chosen.value = start <= 0 && span >= end.value ? null : { from: start, to: start + span }
  }
  /** Zooms by a factor (below 1 = closer) around the crosshair, or the middle. */
  function zoom(factor: number): void {
    const span = to.value - from.value
    const at = selection.crosshair
    const anchor = at !== null && at >= from.value && at <= to.value ? at : from.value + span / 2
    choose(anchor - (anchor - from.value) * factor, anchor - (anchor - from.value) * factor + span * factor)
  }
  /** Moves by a share of what is shown. */
  function pan(share: number): void {
    const by = (to.value - from.value) * share
    if (chosen.value !== null) choose(from.value + by, to.value + by)
  }
  function fit(): void {
    chosen.value = null
  }

  return { from, to, end, zoomed, choose, zoom, pan, fit }
})

/**
 * The machine as it moves: state, virtual time of every run, and the sampled series. Fed by `frame` events, at most 60 a second.
 */
import { defineStore } from 'pinia'
import { computed, ref, shallowReactive } from 'vue'
import type { BranchLetter, EngineFrame, RunState } from '../../preload/contract'
import { afterAnswer } from '../connection/answerFirst'
import { lab } from '../connection/lab'
import { useAppStore } from './app'
import { Columns } from './columns'
import type { Series } from './columns'

/** Wall milliseconds between two tellings while it runs. */
const tellEveryMs = 50

export const useRunStore = defineStore('run', () => {
  const app = useAppStore()
  const state = ref<RunState>('idle')
  /** Virtual time reached by every run, ns. */
  const times = shallowReactive(new Map<BranchLetter, number>())
  /** Wall milliseconds between the last two frames. */
  const wallMs = ref(0)
  /** Virtual nanoseconds per wall nanosecond, smoothed; 0 while nothing moves. */
  const measuredSpeed = ref(0)
  /** Counts up when the samples of a run changed; reading it makes a computed or watcher follow the series. */
  const versions = shallowReactive(new Map<BranchLetter, number>())
  const columns = new Map<BranchLetter, Columns>()

  const running = computed(() => state.value === 'running' || state.value === 'catching-up')

  function columnsOf(letter: BranchLetter): Columns {
    let found = columns.get(letter)
    const names = app.metrics.map((m) => m.name)
    if (found === undefined || (found.names.length === 0 && names.length > 0))
      columns.set(letter, (found = new Columns(names)))
    return found
  }

  function touch(letter: BranchLetter): void {
    versions.set(letter, (versions.get(letter) ?? 0) + 1)
  }

  /**
   * Samples of a run: `{times, length, names, column(name)}`, see {@link Series}. Reading it inside a computed or watcher
   * makes that follow new samples; never copy it into reactive state.
   */
  function series(letter: BranchLetter): Series {
    void versions.get(letter)
    return columnsOf(letter)
  }

  /** Value of a metric at or before `t` (default: the newest sample); NaN where there is none. */
  function valueAt(letter: BranchLetter, name: string, t: number = Infinity): number {
    void versions.get(letter)
    const c = columnsOf(letter)
    const index = c.indexAt(t)
    return index < 0 ? NaN : (c.column(name)[index] ?? NaN)
  }

  /** Virtual time of a run, ns; 0 before the first frame. */
  function t(letter: BranchLetter): number {
    return times.get(letter) ?? 0
  }

  /** What came since the window was told last. */
  let lastTold = -Infinity
  let telling: number | undefined
  let wall = 0
  const arrived = new Map<BranchLetter, number>()
  const changed = new Set<BranchLetter>()

  /** Lets the window see what has arrived. */
  function tell(): void {
    window.clearTimeout(telling)
    telling = undefined
    lastTold = performance.now()
    let moved = 0
    for (const [letter, at] of arrived) {
      moved = Math.max(moved, at - (times.get(letter) ?? 0))
      times.set(letter, at)
    }
    for (const letter of changed) touch(letter)
    arrived.clear()
    changed.clear()
    wallMs.value = wall
    if (!running.value) measuredSpeed.value = 0
    else if (wall > 0) {
      const now = Math.max(0, moved) / (wall * 1e6)
      measuredSpeed.value = measuredSpeed.value === 0 ? now : measuredSpeed.value * 0.9 + now * 0.1
    }
    wall = 0
  }

  /**
   * Takes a frame of the engine. Samples are kept at once; the window is told at most twenty times a second while it runs, because every telling
   * is a layout and a painting, and a command typed meanwhile waits for them.
   */
  function takeFrame(frame: EngineFrame): void {
    const turned = state.value !== frame.state
    state.value = frame.state
    let reset = false
    for (const branch of frame.branches) {
      arrived.set(branch.letter, branch.t)
      const c = columnsOf(branch.letter)
      if (branch.reset) c.clear()
      if (branch.times.length > 0) c.append(branch.times, branch.values)
      if (branch.reset || branch.times.length > 0) changed.add(branch.letter)
      reset ||= branch.reset
    }
    wall += frame.wallMs
    const wait = lastTold + tellEveryMs - performance.now()
    if (turned || reset || !running.value) tell()
    else if (wait <= 0) afterAnswer('frame', tell)
    else telling ??= window.setTimeout(() => afterAnswer('frame', tell), wait)
  }

  /** Loads all samples of a run, after opening a document or connecting again. */
  async function reload(letter: BranchLetter): Promise<void> {
    const answer = await lab().request('series', { branch: letter })
    const fresh = new Columns(answer.names)
    fresh.append(answer.times, answer.values)
    columns.set(letter, fresh)
    touch(letter)
  }

  /** Forgets everything: another session was opened. */
  function clear(): void {
    window.clearTimeout(telling)
    telling = undefined
    arrived.clear()
    changed.clear()
    columns.clear()
    times.clear()
    versions.clear()
    measuredSpeed.value = 0
  }

  return { state, running, times, wallMs, measuredSpeed, versions, series, valueAt, t, takeFrame, reload, clear }
})

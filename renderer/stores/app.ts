/** What the window knows about the program itself: version, shell, catalogues, and whether the main process can be reached. */
import { defineStore } from 'pinia'
import { ref, shallowRef } from 'vue'
import type { AppInfo, ExerciseSummary, ScenarioSummary, SeriesInfo } from '../../preload/contract'
import { lab } from '../connection/lab'

export type ConnectionState = 'connecting' | 'open' | 'lost'

export const useAppStore = defineStore('app', () => {
  /** Version, model revision, shell; null until the main process answered. */
  const info = shallowRef<AppInfo | null>(null)
  const connection = ref<ConnectionState>('connecting')
  /** Why the connection will not come back by itself, or null. */
  const ended = ref<'shutdown' | 'taken-over' | null>(null)
  /** Scenarios that ship with the lab. */
  const scenarios = shallowRef<ScenarioSummary[]>([])
  /** Exercises that ship with the lab. */
  const exercises = shallowRef<ExerciseSummary[]>([])
  /** Every declared metric, in the order of the columns of a frame: name, title, unit, how it is computed. */
  const metrics = shallowRef<SeriesInfo[]>([])

  /** Declaration of a metric, or undefined. */
  function metric(name: string): SeriesInfo | undefined {
    return metrics.value.find((m) => m.name === name)
  }

  /** Loads version and catalogues; called after every (re)connection. */
  async function load(): Promise<void> {
    const [appInfo, scenarioList, exerciseList, metricList] = await Promise.all([
      lab().request('app.info', {}),
      lab().request('scenario.list', {}),
      lab().request('exercise.list', {}),
      lab().request('metrics.list', {}),
    ])
    info.value = appInfo
    scenarios.value = scenarioList
    exercises.value = exerciseList
    metrics.value = metricList
  }

  return { info, connection, ended, scenarios, exercises, metrics, metric, load }
})

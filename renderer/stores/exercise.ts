/** The exercise under way: steps, predictions, checks. The session carries it; the `exercise` event keeps it fresh. */
import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import type { ExerciseState, ExerciseStepState } from '../../preload/contract'
import { lab } from '../connection/lab'
import { useSessionStore } from './session'

export const useExerciseStore = defineStore('exercise', () => {
  const session = useSessionStore()
  /** The exercise, or null if none is open. */
  const state = shallowRef<ExerciseState | null>(null)

  const step = computed<ExerciseStepState | null>(() => state.value?.steps[state.value.step] ?? null)
  /** Required checks of all steps: how many hold, of how many. */
  const checks = computed(() => {
    const all = (state.value?.steps ?? []).flatMap((s) => s.checks).filter((c) => c.level === 'required')
    return { passed: all.filter((c) => c.state === 'passed').length, total: all.length }
  })

  function take(next: ExerciseState | null): void {
    state.value = next
  }
  /** Starts an exercise in the session that is open. */
  async function start(id: string): Promise<void> {
    session.take(await lab().request('exercise.start', { id }))
    take(session.state?.exercise ?? null)
  }
  async function goTo(index: number): Promise<void> {
    take(await lab().request('exercise.step', { step: index }))
  }
  /** Stores a prediction; it cannot be changed afterwards. */
  async function predict(id: string, value: string): Promise<void> {
    take(await lab().request('exercise.predict', { id, value }))
  }
  async function answer(id: string, value: string): Promise<void> {
    take(await lab().request('exercise.answer', { id, value }))
  }
  async function close(): Promise<void> {
    session.take(await lab().request('exercise.close', {}))
    take(null)
  }
  return { state, step, checks, take, start, goTo, predict, answer, close }
})

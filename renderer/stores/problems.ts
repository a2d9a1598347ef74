/**
 * What went wrong and what was said: the Problems tab keeps everything, the toast shows the latest, the live region reads it.
 */
import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import type { ContractError } from '../../preload/contract'
import { asContractError } from '../connection/client'

export interface Problem extends ContractError {
  id: number
  level: 'info' | 'warn' | 'error'
  /** Wall time, ms since 1970. */
  at: number
}

/** A short notice above the status bar. */
export interface Toast {
  id: number
  level: 'info' | 'ok' | 'warn' | 'error'
  text: string
  /** One thing that can be done about it. */
  action?: { label: string; key?: string; run: () => void }
}

export const useProblemsStore = defineStore('problems', () => {
  const problems = ref<Problem[]>([])
  const toast = shallowRef<Toast | null>(null)
  /** Problems that came after the tab was last looked at. */
  const unseen = ref(0)
  let nextId = 1

  const count = computed(() => problems.value.filter((p) => p.level !== 'info').length)

  function say(level: Toast['level'], text: string, action?: Toast['action']): void {
    toast.value = action === undefined ? { id: nextId++, level, text } : { id: nextId++, level, text, action }
  }
  function dismiss(id?: number): void {
    if (id === undefined || toast.value?.id === id) toast.value = null
  }
  /** Records a problem and shows it. */
  function take(problem: ContractError & { level: Problem['level'] }): void {
    problems.value = [...problems.value.slice(-199), { ...problem, id: nextId++, at: Date.now() }]
    if (problem.level !== 'info') unseen.value++
    say(problem.level, `${problem.message} ${problem.remedy}`.trim())
  }
  /** Records any thrown thing. */
  function report(error: unknown): void {
    take({ ...asContractError(error), level: 'error' })
  }
  /** Does something and reports its failure; resolves to undefined if it failed. */
  async function attempt<T>(work: () => Promise<T> | T): Promise<T | undefined> {
    try {
      return await work()
    } catch (error) {
      report(error)
      return undefined
    }
  }
  function clear(): void {
    problems.value = []
    unseen.value = 0
  }
  return { problems, toast, unseen, count, say, dismiss, take, report, attempt, clear }
})

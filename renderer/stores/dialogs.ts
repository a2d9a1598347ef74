/** What floats above the window: dialogs, the palette, and the page of a document that could not be opened whole. */
import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import type { BranchLetter, ContractError } from '../../preload/contract'

export type PathPurpose = 'open' | 'save' | 'files'

export type DialogRequest =
  | { kind: 'palette'; mode: 'commands' | 'goto' }
  | { kind: 'new' }
  | { kind: 'shortcuts' }
  | { kind: 'model' }
  | { kind: 'about' }
  | { kind: 'recovery' }
  | { kind: 'mark'; branch: BranchLetter }
  | { kind: 'path'; purpose: PathPurpose; name: string; done: (path: string | null) => void }
  | { kind: 'confirm'; title: string; text: string; keep: string; act: string; done: (act: boolean) => void }

export const useDialogsStore = defineStore('dialogs', () => {
  /** Open dialogs, the lowest first; only the last one takes keys. */
  const stack = shallowRef<readonly (DialogRequest & { id: number })[]>([])
  /** A document that could not be opened whole, and why. */
  const damaged = shallowRef<{ path: string | null; error: ContractError } | null>(null)
  /** The Start screen was asked for although a session is open. */
  const startWanted = ref(false)
  let nextId = 1

  const top = computed(() => stack.value[stack.value.length - 1] ?? null)

  function show(request: DialogRequest): number {
    const id = nextId++
    // The same dialog twice makes no sense; the palette only changes what it looks for.
    stack.value = [...stack.value.filter((d) => d.kind !== request.kind), { ...request, id }]
    return id
  }
  function close(id: number): void {
    stack.value = stack.value.filter((d) => d.id !== id)
  }
  /** Asks for a path in the renderer's own dialog; null if the user turned back. */
  function askPath(purpose: PathPurpose, name = ''): Promise<string | null> {
    return new Promise((resolve) => show({ kind: 'path', purpose, name, done: resolve }))
  }
  /** Asks before a loss that undo cannot mend. */
  function confirm(question: { title: string; text: string; keep: string; act: string }): Promise<boolean> {
    return new Promise((resolve) => show({ kind: 'confirm', ...question, done: resolve }))
  }
  return { stack, top, damaged, startWanted, show, close, askPath, confirm }
})

/** The chains of mbufs that are looked at: which chain, which byte of it, and the latest answer of main for each run. Nothing is asked unless the view asks. */
import { defineStore } from 'pinia'
import { ref, shallowReactive } from 'vue'
import type { BranchLetter, ChainState } from '../../preload/contract'
import { afterAnswer, forgetWaiting } from '../connection/answerFirst'
import { lab } from '../connection/lab'

export const useChainsStore = defineStore('chains', () => {
  const states = shallowReactive(new Map<BranchLetter, ChainState>())
  /** Name of the chain looked at; null until there is one. */
  const chain = ref<string | null>(null)
  /** The user chose the chain; otherwise another one is taken when it has gone. */
  const chosen = ref(false)
  /** Byte looked at, from the start of the chain. */
  const byte = ref(0)
  const filter = ref('')
  /** In the view of two runs: outline fields that differ. */
  const outline = ref(true)

  function choose(name: string): void {
    if (chain.value !== name) byte.value = 0
    chain.value = name
    chosen.value = true
  }

  /** Takes the first send buffer that holds something, else the first chain, while the user has not chosen and the one shown has gone. */
  function settle(state: ChainState): boolean {
    if (chosen.value || state.chain !== null) return false
    const next = state.list.find(({ place }) => place === 'snd') ?? state.list.at(0)
    if (next === undefined || next.name === chain.value) return false
    chain.value = next.name
    byte.value = 0
    return true
  }

  async function ask(letters: readonly BranchLetter[]): Promise<void> {
    for (const letter of letters) {
      const question = (): Promise<ChainState> =>
        lab().request('chains', {
          branch: letter,
          byte: byte.value,
          ...(chain.value === null ? {} : { chain: chain.value }),
        })
      let state = await question()
      if (settle(state)) state = await question()
      // A command typed meanwhile is drawn first.
      const answer = state
      afterAnswer(`chains ${letter}`, () => states.set(letter, answer))
    }
  }

  function clear(): void {
    forgetWaiting('chains ')
    states.clear()
    chain.value = null
    chosen.value = false
    byte.value = 0
  }
  return { states, chain, chosen, byte, filter, outline, choose, ask, clear }
})

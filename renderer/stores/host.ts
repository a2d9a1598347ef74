/** Interfaces, capabilities and knobs of every run, as the machine last told them. A switch moves only when this says so. */
import { defineStore } from 'pinia'
import { shallowReactive } from 'vue'
import type { BranchLetter, CapabilityState, HostState, InterfaceState, KnobState } from '../../preload/contract'
import { afterAnswer, forgetWaiting } from '../connection/answerFirst'
import { lab } from '../connection/lab'

export const useHostStore = defineStore('host', () => {
  const hosts = shallowReactive(new Map<BranchLetter, HostState>())

  /** State of the host of a run, or undefined until it was loaded. */
  function host(letter: BranchLetter): HostState | undefined {
    return hosts.get(letter)
  }
  const key = (letter: BranchLetter | ''): string => `host ${letter}`
  /** Takes a `host` event. */
  function take(state: HostState): void {
    afterAnswer(key(state.branch), () => hosts.set(state.branch, state))
  }
  async function load(letter: BranchLetter): Promise<void> {
    const state = await lab().request('host.state', { branch: letter })
    forgetWaiting(key(letter))
    hosts.set(letter, state)
  }
  function forget(letter?: BranchLetter): void {
    if (letter === undefined) hosts.clear()
    else hosts.delete(letter)
    forgetWaiting(key(letter ?? ''))
  }
  function knob(letter: BranchLetter, name: string): KnobState | undefined {
    return hosts.get(letter)?.knobs.find((k) => k.name === name)
  }
  function networkInterface(letter: BranchLetter, name: string): InterfaceState | undefined {
    return hosts.get(letter)?.interfaces.find((i) => i.name === name)
  }
  function capability(letter: BranchLetter, ifname: string, keyword: string): CapabilityState | undefined {
    return networkInterface(letter, ifname)?.capabilities.find((c) => c.keyword === keyword)
  }
  return { hosts, host, take, load, forget, knob, networkInterface, capability }
})

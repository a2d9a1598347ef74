/**
 * What the user looks at, shared by picture, charts, timeline and console: the run, the crosshair, the followed byte, the
 * connection. There is one of each in the window.
 */
import { defineStore } from 'pinia'
import { ref } from 'vue'
import type { BranchLetter } from '../../preload/contract'

/** Which runs the send path shows: one, or the pair side by side. */
export type PictureMode = 'one' | 'pair'

export const useSelectionStore = defineStore('selection', () => {
  /** The run that switches, console and picture act on. */
  const branch = ref<BranchLetter>('A')
  /** The run it is held against (A and B swap by X). */
  const other = ref<BranchLetter | null>(null)
  const picture = ref<PictureMode>('one')
  /** Virtual time under the crosshair (ns), or null if the newest sample is meant. Every chart and the timeline draw it. */
  const crosshair = ref<number | null>(null)
  /** Followed byte: offset in the stream of the selected connection, or null. */
  const byte = ref<number | null>(null)
  /** Connection shown in the send path, by id; null lets main choose. */
  const connection = ref<number | null>(null)

  /** Shows another run; the one shown before becomes the other one. */
  function show(letter: BranchLetter): void {
    if (letter === branch.value) return
    other.value = branch.value
    branch.value = letter
  }
  /** Swaps the two runs that are looked at; nothing happens if there is only one. */
  function swap(): void {
    if (other.value !== null) show(other.value)
  }
  /** Drops what no longer exists. */
  function keepWithin(letters: BranchLetter[]): void {
    if (letters.length > 0 && !letters.includes(branch.value)) branch.value = letters[0]!
    if (other.value !== null && (!letters.includes(other.value) || other.value === branch.value)) other.value = null
    other.value ??= letters.find((l) => l !== branch.value) ?? null
    if (other.value === null) picture.value = 'one'
  }
  function clear(): void {
    branch.value = 'A'
    other.value = null
    picture.value = 'one'
    crosshair.value = null
    byte.value = null
    connection.value = null
  }

  return { branch, other, picture, crosshair, byte, connection, show, swap, keepWithin, clear }
})

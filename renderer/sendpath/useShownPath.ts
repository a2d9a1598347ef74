/**
 * Which picture is shown while time stands still. A burst is on its way for microseconds, so at the instant of a pause there is
 * hardly ever one; what the reader saw last, the latest burst, stays until time moves again, be it by a step.
 */
import { ref, shallowReactive, watch } from 'vue'
import type { BranchLetter, SendPath } from '../../preload/contract'
import { useRunStore } from '../stores/run'
import { useSendPathStore } from '../stores/sendPath'
import { useSessionStore } from '../stores/session'
import { liveBurst } from './burst'

/** A burst that is older than this is no longer what the reader saw, virtual ns. */
const oldest = 20_000_000

/** The picture to show: `now`, or the one of the latest burst while time stands still after running. */
export function pictureFor(now: SendPath, burst: SendPath | undefined, standing: boolean): SendPath {
  if (!standing || burst === undefined || liveBurst(now) !== null) return now
  const same = burst.connection?.id === now.connection?.id && now.connection !== null
  const age = now.t - burst.t
  return same && age >= 0 && age <= oldest ? burst : now
}

export function useShownPath(): { path: (letter: BranchLetter) => SendPath | undefined } {
  const run = useRunStore()
  const session = useSessionStore()
  const paths = useSendPathStore()
  /** Latest picture with a burst, by run. */
  const bursts = shallowReactive(new Map<BranchLetter, SendPath>())
  /** Time was running and was stopped, and has not been moved since. */
  const standing = ref(false)

  watch(
    () => [...paths.paths.values()],
    (list) => {
      for (const path of list) if (liveBurst(path) !== null) bursts.set(path.branch, path)
    },
    { immediate: true },
  )
  watch([() => run.running, () => [...run.times.values()].join()], ([running], [wasRunning]) => {
    // Stopped just now: hold. Moved while it stood (a step, undo): let go.
    standing.value = !running && wasRunning === true
  })
  watch(
    () => session.generation,
    () => {
      bursts.clear()
      standing.value = false
    },
  )
  return {
    path: (letter) => {
      const now = paths.path(letter)
      return now === undefined ? undefined : pictureFor(now, bursts.get(letter), standing.value)
    },
  }
}

/** The scale of the CPU bars: it grows with what was seen and stays, so that bars do not jump; another run begins anew. */
import { type Ref, ref, watch } from 'vue'
import type { SendPath } from '../../preload/contract'
import { cpuScale } from './columns'

export function useCpuScale(paths: () => readonly SendPath[]): Ref<number> {
  const scale = ref(0.015)
  let shown = ''
  watch(
    paths,
    (list) => {
      const runs = list.map((path) => path.branch).join()
      const now = cpuScale(list)
      scale.value = runs === shown ? Math.max(scale.value, now) : now
      shown = runs
    },
    { immediate: true },
  )
  return scale
}

/** The length that the pictures shown share, see {@link stableLength}; another connection begins anew. */
import { type Ref, ref, watch } from 'vue'
import type { SendPath } from '../../preload/contract'
import { bufferEnd } from './burst'
import { stableLength } from './stableLength'

export function useStableLength(paths: () => readonly SendPath[]): Ref<number> {
  const length = ref(1)
  let shown = ''
  watch(
    paths,
    (list) => {
      const bytes = Math.max(1, ...list.map((path) => bufferEnd(path)))
      const connections = list.map((path) => path.connection?.id ?? '').join()
      length.value = stableLength(bytes, connections === shown ? length.value : null)
      shown = connections
    },
    { immediate: true },
  )
  return length
}

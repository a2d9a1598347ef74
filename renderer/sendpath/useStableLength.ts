/** The length that the pictures shown share, see {@link stableLength}; another connection begins anew. */
import { type Ref, ref, watch } from 'vue'
import type { SendPath } from '../../preload/contract'
import { bufferEnd, liveBurst } from './burst'
import { stableLength } from './stableLength'

/** Pixels that the words at the left and at the right of a burst take, and both at one side. */
export interface CaptionRoom {
  left: number
  right: number
  both: number
}

/** True if the words beside the burst find room in a picture of `width` pixels and `length` bytes. */
export function captionsFit(path: SendPath, room: CaptionRoom, width: number, length: number): boolean {
  const burst = liveBurst(path)
  if (burst === null) return true
  const left = Math.max(0, (burst.off * width) / length)
  const right = width - ((burst.off + burst.len) * width) / length
  return left >= room.both || right >= room.both || (left >= room.left && right >= room.right)
}

/** @param room of the form shown; null where there are no words beside the bursts. */
export function useStableLength(
  paths: () => readonly SendPath[],
  room: () => CaptionRoom | null,
  width: () => number,
): Ref<number> {
  const length = ref(1)
  let shown = ''
  watch(
    [paths, room, width],
    ([list, words, pixels]) => {
      const bytes = Math.max(1, ...list.map((path) => bufferEnd(path)))
      const key = [...list.map((path) => path.connection?.id ?? ''), words?.both ?? 0].join()
      const fits = (bytesShown: number): boolean =>
        words === null || list.every((path) => captionsFit(path, words, pixels, bytesShown))
      length.value = stableLength(bytes, key === shown ? length.value : null, fits)
      shown = key
    },
    { immediate: true },
  )
  return length
}

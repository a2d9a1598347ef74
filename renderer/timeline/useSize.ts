/** Size of an element in its own CSS pixels (before zoom), kept up to date. */
import { onBeforeUnmount, onMounted, ref } from 'vue'
import type { Ref } from 'vue'

export function useSize(
  element: Readonly<Ref<HTMLElement | null>>,
  normal = { width: 0, height: 0 },
): Readonly<Ref<{ width: number; height: number }>> {
  const size = ref(normal)
  let observer: ResizeObserver | undefined
  const measure = (): void => {
    const e = element.value
    if (e !== null && e.clientWidth > 0) size.value = { width: e.clientWidth, height: e.clientHeight }
  }
  onMounted(() => {
    measure()
    if (typeof ResizeObserver === 'undefined' || element.value === null) return
    observer = new ResizeObserver(measure)
    observer.observe(element.value)
  })
  onBeforeUnmount(() => observer?.disconnect())
  return size
}

/** Whether an element can be seen: what is scrolled away need not follow a machine that runs. */
import { useIntersectionObserver } from '@vueuse/core'
import { type Ref, ref } from 'vue'

/** True until the browser says otherwise. */
export function useInSight(element: Ref<HTMLElement | undefined>): Readonly<Ref<boolean>> {
  const inSight = ref(true)
  useIntersectionObserver(element, ([entry]) => {
    inSight.value = entry?.isIntersecting ?? true
  })
  return inSight
}

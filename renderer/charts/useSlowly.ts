/** A value that is worth computing once a second at most while its inputs change ten times: sentences, not lines. */
import { onScopeDispose, type Ref, shallowRef, watch } from 'vue'

/** Wall milliseconds between two computations. */
const every = 1000

export function useSlowly<T>(compute: () => T, inputs: () => unknown): Readonly<Ref<T>> {
  const value = shallowRef(compute())
  let timer: ReturnType<typeof setTimeout> | undefined
  let last = performance.now()
  watch(inputs, () => {
    timer ??= setTimeout(
      () => {
        timer = undefined
        last = performance.now()
        value.value = compute()
      },
      Math.max(0, last + every - performance.now()),
    )
  })
  onScopeDispose(() => clearTimeout(timer))
  return value
}

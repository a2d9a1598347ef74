/** Counts up when the fonts of the page have arrived: texts that were measured before must be measured again. */
import { onMounted, ref, type Ref } from 'vue'
import { forgetTextWidths } from './textWidth'

export function useFontsLoaded(): Ref<number> {
  const count = ref(0)
  onMounted(() => {
    if (document.fonts === undefined) return
    void document.fonts.ready.then(() => {
      forgetTextWidths()
      count.value++
    })
  })
  return count
}

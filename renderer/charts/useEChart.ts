/** A chart in an element: made when it has a size, resized with it, redrawn at most ten times a second, disposed at the end. */
import { useIntersectionObserver, useResizeObserver } from '@vueuse/core'
import { onBeforeUnmount, type Ref, watch } from 'vue'
import { useSettingsStore } from '../stores/settings'
import { type EChart, type EChartOption, echarts } from './echarts'

/** Wall milliseconds between two redraws. */
export const redrawEvery = 100

/**
 * Draws `option()` into `host` whenever anything it reads has changed. `option` may read stores, the theme and the size; it
 * returns null while there is nothing to draw.
 */
export function useEChart(host: Ref<HTMLElement | null | undefined>, option: () => EChartOption | null): void {
  const settings = useSettingsStore()
  let chart: EChart | null = null
  let pixelRatio = 0
  let last = -Infinity
  let timer: ReturnType<typeof setTimeout> | undefined
  let wanted: EChartOption | null = null
  /** False while it is scrolled out of sight: then nothing is drawn. */
  let visible = true

  function dispose(): void {
    chart?.dispose()
    chart = null
  }
  function draw(): void {
    timer = undefined
    const element = host.value
    // A hidden pane has no size: ECharts would complain and draw nothing.
    if (!visible || wanted === null || element == null || element.clientWidth === 0 || element.clientHeight === 0)
      return
    const ratio = (window.devicePixelRatio || 1) * (settings.zoom / 100)
    if (chart !== null && ratio !== pixelRatio) dispose()
    pixelRatio = ratio
    chart ??= echarts.init(element, null, { renderer: 'canvas', devicePixelRatio: ratio })
    chart.resize({ width: element.clientWidth, height: element.clientHeight, silent: true })
    chart.setOption(wanted, { replaceMerge: ['series'], silent: true })
    last = performance.now()
  }
  function schedule(): void {
    if (timer !== undefined) return
    timer = setTimeout(draw, Math.max(0, last + redrawEvery - performance.now()))
  }

  watch(
    [option, () => settings.themeName, () => settings.zoom, host],
    ([next]) => {
      wanted = next
      schedule()
    },
    { immediate: true, flush: 'post' },
  )
  useResizeObserver(host, schedule)
  useIntersectionObserver(host, ([entry]) => {
    const shown = entry?.isIntersecting ?? true
    const comes = shown && !visible
    visible = shown
    if (comes) schedule()
  })
  onBeforeUnmount(() => {
    clearTimeout(timer)
    dispose()
  })
}

/** A chart in an element: made when it has a size, resized with it, redrawn at most ten times a second, disposed at the end. */
import { useIntersectionObserver } from '@vueuse/core'
import { onBeforeUnmount, type Ref, watch } from 'vue'
import { useSettingsStore } from '../stores/settings'
import { dequeue, enqueue } from './drawQueue'
import { type EChart, type EChartOption, echarts } from './echarts'

/** Wall milliseconds between two redraws. */
export const redrawEvery = 100

/** Size of the element in CSS pixels, kept by a resize observer. */
export interface ChartSize {
  width: Ref<number>
  height: Ref<number>
}

/**
 * Draws `option()` into `host` after anything in `inputs` has changed; `option` is computed only when it is drawn. It returns null
 * while there is nothing to draw.
 */
export function useEChart(
  host: Ref<HTMLElement | null | undefined>,
  { width, height }: ChartSize,
  inputs: () => unknown,
  option: () => EChartOption | null,
): void {
  const settings = useSettingsStore()
  let chart: EChart | null = null
  let pixelRatio = 0
  let last = -Infinity
  let timer: ReturnType<typeof setTimeout> | undefined
  let stale = false
  /** False while it is scrolled out of sight: then nothing is computed and nothing is drawn. */
  let visible = true

  function dispose(): void {
    chart?.dispose()
    chart = null
  }
  function draw(): void {
    const element = host.value
    // A hidden pane has no size: ECharts would complain and draw nothing.
    if (!visible || element == null || width.value <= 0 || height.value <= 0) return
    const wanted = option()
    if (wanted === null) return
    const ratio = (window.devicePixelRatio || 1) * (settings.zoom / 100)
    if (chart !== null && ratio !== pixelRatio) dispose()
    pixelRatio = ratio
    const size = { width: width.value, height: height.value }
    chart ??= echarts.init(element, null, { renderer: 'canvas', devicePixelRatio: ratio, ...size })
    if (chart.getWidth() !== size.width || chart.getHeight() !== size.height) chart.resize({ ...size, silent: true })
    chart.setOption(wanted, { replaceMerge: ['series'], silent: true })
    chart.getZr().flush()
    last = performance.now()
    stale = false
  }
  function schedule(): void {
    stale = true
    if (timer !== undefined || !visible) return
    timer = setTimeout(
      () => {
        timer = undefined
        enqueue(draw)
      },
      Math.max(0, last + redrawEvery - performance.now()),
    )
  }

  watch([inputs, () => settings.themeName, () => settings.zoom, host, width, height], schedule, {
    immediate: true,
    flush: 'post',
  })
  useIntersectionObserver(host, ([entry]) => {
    visible = entry?.isIntersecting ?? true
    if (visible && stale) schedule()
  })
  onBeforeUnmount(() => {
    clearTimeout(timer)
    dequeue(draw)
    dispose()
  })
}

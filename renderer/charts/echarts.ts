/** The parts of ECharts that are used: lines on a grid, drawn on a canvas. */
import { CustomChart, LineChart } from 'echarts/charts'
import type { CustomSeriesOption } from 'echarts/charts'
import { GridComponent } from 'echarts/components'
import * as core from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'

core.use([LineChart, CustomChart, GridComponent, CanvasRenderer])

export const echarts = core
export type EChart = ReturnType<typeof core.init>
export type SeriesOption = CustomSeriesOption
export type EChartOption = Parameters<EChart['setOption']>[0]

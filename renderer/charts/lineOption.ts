/** Lines, axes and areas of one chart as an ECharts option. Everything that moves with the pointer is drawn on top of it. */
import type { TimeAxis, ValueAxis } from './axis'
import { tickText } from './axis'
import type { EChartOption, SeriesOption } from './echarts'
import type { Palette } from './palette'

/** Space around the plot, px. */
export interface PlotFrame {
  left: number
  right: number
  top: number
  bottom: number
}

export const stripFrame: PlotFrame = { left: 38, right: 10, top: 6, bottom: 18 }
export const wideFrame: PlotFrame = { left: 44, right: 14, top: 6, bottom: 20 }
/** Without ticks below. */
export const bareFrame: PlotFrame = { left: 44, right: 14, top: 6, bottom: 6 }

export interface DrawnLine {
  id: string
  /** Flat `[x, y, …]` in the units of the axes. */
  points: Float64Array
  /** Flat `[x, low, high, …]`: how far a dense line strays from its course; drawn as a pale area behind it. */
  band?: Float64Array
  color: string
  dash: number[] | 'solid'
  /** Fill below the line, for areas that are drawn over each other from the largest sum to the smallest. */
  fill?: string | { image: HTMLCanvasElement; repeat: 'repeat' }
}

export interface LineChartInput {
  lines: DrawnLine[]
  frame: PlotFrame
  time: TimeAxis
  /** Visible window in the unit of the time axis. */
  from: number
  to: number
  value: ValueAxis
  /** Tick texts below the plot. */
  showTimes: boolean
  palette: Palette
}

/** The area between the smallest and the largest values as one polygon. */
function bandSeries(line: DrawnLine, band: Float64Array): SeriesOption {
  return {
    id: `${line.id} band`,
    type: 'custom',
    silent: true,
    clip: true,
    data: [[band[0], band[1]]],
    renderItem: (_, api) => {
      const high: number[][] = []
      const low: number[][] = []
      for (let i = 0; i < band.length; i += 3) {
        high.push(api.coord([band[i], band[i + 2]]))
        low.push(api.coord([band[i], band[i + 1]]))
      }
      return {
        type: 'polygon',
        shape: { points: [...high, ...low.reverse()] },
        style: { fill: line.color, opacity: 0.2 },
      }
    },
  }
}

export function lineOption(input: LineChartInput): EChartOption {
  const { palette, value, time, frame } = input
  const label = { color: palette.ink3, fontFamily: palette.font, fontSize: 11 }
  return {
    animation: false,
    backgroundColor: 'transparent',
    grid: { ...frame, containLabel: false, outerBoundsMode: 'none' },
    xAxis: {
      type: 'value',
      min: input.from,
      max: input.to,
      axisLine: { show: true, onZero: false, lineStyle: { color: palette.line2, width: 1 } },
      axisTick: { show: false },
      splitLine: { show: false },
      axisLabel: {
        ...label,
        show: input.showTimes,
        margin: 5,
        customValues: time.ticks,
        hideOverlap: false,
        formatter: (v: number) => tickText(v, time.decimals),
      },
    },
    yAxis: {
      type: 'value',
      min: value.min,
      max: value.max,
      interval: (value.max - value.min) / 2,
      axisLine: { show: false },
      axisTick: { show: false },
      splitLine: { show: true, showMinLine: false, lineStyle: { color: palette.line, width: 1 } },
      axisLabel: { ...label, margin: 6, formatter: (v: number) => tickText(v, value.decimals) },
    },
    series: [
      ...input.lines.flatMap((line) => (line.band === undefined ? [] : [bandSeries(line, line.band)])),
      ...input.lines.map((line) => ({
        id: line.id,
        type: 'line' as const,
        data: line.points as unknown as number[],
        dimensions: ['x', 'y'],
        showSymbol: false,
        silent: true,
        connectNulls: false,
        ...(line.fill === undefined
          ? {}
          : { areaStyle: { color: line.fill as string, opacity: 1, origin: 'start' as const } }),
        lineStyle: {
          color: line.color,
          width: line.fill === undefined ? 1.75 : 1,
          type: line.dash,
          join: 'round' as const,
        },
      })),
    ],
  }
}

/** Pixel of a value of an axis within the plot. */
export function plotX(v: number, from: number, to: number, width: number, frame: PlotFrame): number {
  return frame.left + ((v - from) / (to - from)) * (width - frame.left - frame.right)
}
export function plotY(v: number, axis: ValueAxis, height: number, frame: PlotFrame): number {
  return height - frame.bottom - ((v - axis.min) / (axis.max - axis.min)) * (height - frame.top - frame.bottom)
}
/** Value of the time axis under a pixel, within the window. */
export function timeAtX(x: number, from: number, to: number, width: number, frame: PlotFrame): number {
  const share = (x - frame.left) / Math.max(1, width - frame.left - frame.right)
  return from + Math.min(1, Math.max(0, share)) * (to - from)
}

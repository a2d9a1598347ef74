/** The table twin of a chart: rows of virtual time, one column a run, and the difference where there are two. */
import { formatNumber, minus, thin } from './format'
import { lowerBound } from './decimate'
import { type PlotLine, valueText } from './plotModel'

export interface ChartTable {
  /** Head of each column and, below it, its unit. */
  columns: { name: string; unit: string }[]
  rows: { t: number; cells: string[] }[]
}

/** Rows at most: more is for an export, not for reading. */
export const mostRows = 200

/** Rows at the samples of all lines within the window, thinned evenly if there are too many. */
export function chartTable(
  lines: readonly PlotLine[],
  from: number,
  to: number,
  factor: number,
  unit: string,
  differenceUnit = unit,
): ChartTable {
  const times = new Set<number>()
  for (const { samples, origin } of lines) {
    const start = lowerBound(samples.times, from + origin)
    const end = lowerBound(samples.times, to + origin + 1)
    const every = Math.max(1, Math.ceil((end - start) / mostRows))
    for (let i = start; i < end; i += every) times.add(samples.times[i] - origin)
  }
  let sorted = [...times].sort((a, b) => a - b)
  const every = Math.ceil(sorted.length / mostRows)
  if (every > 1) sorted = sorted.filter((_, i) => i % every === 0)
  const pair = lines.length === 2
  return {
    columns: [
      { name: 't', unit: 'ms' },
      ...lines.map((line) => ({ name: line.name, unit })),
      ...(pair ? [{ name: `${lines[1].name} ${minus} ${lines[0].name}`, unit: differenceUnit }] : []),
    ],
    rows: sorted.map((t) => {
      const values = lines.map((line) => line.valueAt(t))
      const cells = values.map((v) => valueText(v, factor))
      if (pair) {
        const gap = values[1] - values[0]
        cells.push(Number.isNaN(gap) ? '–' : `${gap > 0 ? '+' : ''}${valueText(gap, factor)}`)
      }
      return { t, cells: [formatNumber(t / 1e6, 3), ...cells] }
    }),
  }
}

/** The table as text for a spreadsheet: names, units, rows; tabs between, plain digits. */
export function tableText(table: ChartTable): string {
  const plain = (text: string): string => text.replaceAll(thin, '').replaceAll(minus, '-').replaceAll('–', '')
  const lines = [
    table.columns.map((c) => c.name.replaceAll(minus, '-')),
    table.columns.map((c) => c.unit),
    ...table.rows.map((r) => r.cells.map(plain)),
  ]
  return lines.map((cells) => cells.join('\t')).join('\n')
}

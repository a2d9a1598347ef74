/** A comparison as text for people: a table for the terminal, Markdown, a self-contained HTML page, CSV. */
import type { Comparison, ComparisonMetric } from '../../preload/contract'
import { formatTable } from './table'
import { formatTime } from './units'

/** A number for people: up to `digits` significant ones, thousands apart by a thin gap only where the medium has one. */
export function formatNumber(value: number, digits = 5): string {
  if (Number.isNaN(value)) return '–'
  if (value === 0) return '0'
  const size = Math.abs(value)
  if (Number.isInteger(value) && size < 1e15) return group(String(value))
  if (size >= 1e15 || size < 1e-4) return value.toExponential(digits - 1)
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(size)))
  const text = value.toFixed(Math.min(decimals, 12))
  return group(text.includes('.') ? text.replace(/\.?0+$/, '') : text)
}

function group(text: string): string {
  const [, sign, whole, rest] = /^(-?)(\d+)(.*)$/.exec(text)!
  return sign + whole.replace(/\B(?=(\d{3})+$)/g, ' ') + rest
}

export const verdictWords: { [V in ComparisonMetric['verdict'][number]]: string } = {
  better: 'better',
  worse: 'worse',
  different: 'different',
  'no-clear-difference': 'no clear difference',
  equal: 'equal',
}

const direction: { [B in ComparisonMetric['better']]: string } = {
  more: 'more is better',
  fewer: 'fewer is better',
  none: '',
}

function signed(value: number): string {
  return value > 0 ? `+${formatNumber(value)}` : formatNumber(value)
}

/** Short name of a run for the head of a column: its letter, or its number where it has none. */
const label = ({ runs }: Comparison, i: number): string => runs[i].letter ?? String(i + 1)

/** What the short names stand for, where that is not plain. */
function legend(comparison: Comparison): string[] {
  return comparison.runs.flatMap(({ letter, name, baseline }, i) =>
    name === '' || name === letter ? [] : [`${label(comparison, i)}${baseline ? ' *' : ''}  ${name}`],
  )
}

/** Short name with the mark of the baseline. */
const head = (comparison: Comparison, i: number): string =>
  label(comparison, i) + (comparison.runs[i].baseline ? ' *' : '')

interface Row {
  cells: string[]
  metric: ComparisonMetric
}

/** Header and rows that all media share. A single other run gets difference, ratio and verdict; several get a difference each. */
function rowsOf(comparison: Comparison): { header: string[]; rows: Row[] } {
  const base = comparison.runs.findIndex((run) => run.baseline)
  const others = comparison.runs.map((_, i) => i).filter((i) => i !== base)
  const header = ['metric', 'unit', ...comparison.runs.map((_, i) => head(comparison, i))]
  for (const i of others) {
    const [other, baseline] = [label(comparison, i), label(comparison, base)]
    header.push(`${other} − ${baseline}`, `${other} / ${baseline}`, 'verdict')
  }
  header.push('direction')
  const rows = comparison.metrics.map((metric): Row => {
    const cells = [metric.title, metric.unit, ...metric.values.map((v) => (v === null ? '–' : formatNumber(v)))]
    for (const i of others) {
      const difference = metric.differences[i]
      if (difference === null) cells.push('–', '–', verdictWords[metric.verdict[i]])
      else {
        const interval = difference.interval === null ? '' : ` ± ${formatNumber(difference.interval, 3)}`
        cells.push(
          signed(difference.difference) + interval,
          difference.ratio === null ? '–' : formatNumber(difference.ratio, 4),
          verdictWords[metric.verdict[i]],
        )
      }
    }
    cells.push(direction[metric.better])
    return { cells, metric }
  })
  return { header, rows }
}

/** The line that stands above everything: can these runs be compared at all? */
export function comparabilityLine(comparison: Comparison): string {
  const equal = comparison.facts.filter((fact) => fact.equal).map((fact) => `same ${fact.name}`)
  const differ = comparison.facts.filter((fact) => !fact.equal).map((fact) => fact.text)
  if (comparison.comparable) return `Comparable: ${equal.join(', ')}.`
  return `Not comparable as it stands: ${differ.join('; ')}. ${equal.length === 0 ? '' : `(${equal.join(', ')}.)`}`.trim()
}

function knobLine(comparison: Comparison): string {
  if (comparison.knobs.length === 0) return 'No knob differs.'
  const text = comparison.knobs.map(({ name, values }) => `${name} ${values.join(' | ')}`)
  return `Differs: ${text.join('; ')}. ${comparison.equalKnobs.length} equal.`
}

export function comparisonText(comparison: Comparison): string {
  const { header, rows } = rowsOf(comparison)
  const table = formatTable(
    header,
    rows.map((row) => row.cells),
  )
  const names = legend(comparison)
  const runs = names.length === 0 ? '' : `${names.join('\n')}\n\n`
  return `${comparabilityLine(comparison)}\n${knobLine(comparison)}\n\n${runs}${table}`
}

const cell = (text: string): string => text.replace(/\|/g, '\\|').replace(/\n/g, ' ')

export function comparisonMarkdown(comparison: Comparison, title: string): string {
  const { header, rows } = rowsOf(comparison)
  const line = (cells: string[]): string => `| ${cells.map(cell).join(' | ')} |\n`
  const knobs =
    comparison.knobs.length === 0
      ? ''
      : `\n## Knobs that differ\n\n${line(['knob', ...comparison.runs.map((_, i) => head(comparison, i)), 'tested in'])}${line(['---', ...comparison.runs.map(() => '---'), '---'])}` +
        comparison.knobs.map(({ name, values, testedIn }) => line([`\`${name}\``, ...values, testedIn])).join('')
  return (
    `# ${title}\n\n${comparabilityLine(comparison)}\n\n${windowLine(comparison)}\n\n${legend(comparison)
      .map((line) => `- ${cell(line)}\n`)
      .join('')}${knobs}\n## Metrics\n\n` +
    line(header) +
    line(header.map((_, i) => (i < 2 || i === header.length - 1 ? '---' : '---:'))) +
    rows.map((row) => line(row.cells)).join('') +
    `\n## How the numbers are computed\n\n` +
    comparison.metrics.map(({ title: name, description }) => `- **${name}**: ${description}`).join('\n') +
    '\n'
  )
}

const windowLine = ({ window }: Comparison): string =>
  window.to > window.from
    ? `Virtual time from ${formatTime(window.from)} to ${formatTime(window.to)}. The baseline is marked with *.`
    : 'The baseline is marked with *.'

const escape = (text: string): string =>
  text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;')

/** One file without scripts, pictures or addresses: it can be mailed and printed. */
export function comparisonHtml(comparison: Comparison, title: string): string {
  const { header, rows } = rowsOf(comparison)
  const th = header.map((name) => `<th scope="col">${escape(name)}</th>`).join('')
  const body = rows
    .map(({ cells, metric }) => {
      const columns = cells.map((text, i) =>
        i === 0 ? '' : `<td class="${i > 1 && i < cells.length - 1 ? 'n' : ''}">${escape(text)}</td>`,
      )
      return `<tr><th scope="row" title="${escape(metric.description)}">${escape(cells[0])}</th>${columns.join('')}</tr>`
    })
    .join('\n')
  const knobs = comparison.knobs
    .map(
      ({ name, values, testedIn }) =>
        `<tr><th scope="row"><code>${escape(name)}</code></th>${values.map((v) => `<td>${escape(v)}</td>`).join('')}<td>${escape(testedIn)}</td></tr>`,
    )
    .join('\n')
  const names = comparison.runs.map((_, i) => `<th scope="col">${escape(head(comparison, i))}</th>`).join('')
  const runs = legend(comparison)
    .map((line) => `<li>${escape(line)}</li>`)
    .join('')
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<style>
:root { color-scheme: light dark; }
body { font: 14px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 80rem; padding: 0 1rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid color-mix(in srgb, currentColor 25%, transparent); padding: 4px 10px; text-align: left; font-weight: 400; }
thead th { font-weight: 600; }
td.n { text-align: right; white-space: nowrap; }
.grey { opacity: 0.6; }
dt { font-weight: 600; margin-top: 8px; }
</style>
</head>
<body>
<h1>${escape(title)}</h1>
<p>${escape(comparabilityLine(comparison))}</p>
<p>${escape(windowLine(comparison))}</p>
<ul>${runs}</ul>
${comparison.knobs.length === 0 ? '<p>No knob differs.</p>' : `<h2>Knobs that differ</h2>\n<table><thead><tr><th scope="col">knob</th>${names}<th scope="col">tested in</th></tr></thead><tbody>\n${knobs}\n</tbody></table>`}
<h2>Metrics</h2>
<table${comparison.comparable ? '' : ' class="grey"'}><thead><tr>${th}</tr></thead><tbody>
${body}
</tbody></table>
<h2>How the numbers are computed</h2>
<dl>
${comparison.metrics.map(({ title: name, description }) => `<dt>${escape(name)}</dt><dd>${escape(description)}</dd>`).join('\n')}
</dl>
</body>
</html>
`
}

/** CSV as in `experience` 6.6: names, then units, then values; no locale. */
export function comparisonCsv(comparison: Comparison): string {
  const quote = (text: string): string => (/[",\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text)
  const line = (cells: string[]): string => cells.map(quote).join(',') + '\n'
  const base = comparison.runs.findIndex((run) => run.baseline)
  const others = comparison.runs.map((_, i) => i).filter((i) => i !== base)
  const named = (i: number): string => comparison.runs[i].letter ?? comparison.runs[i].name
  const columns = others.flatMap((i) => [
    `difference ${named(i)}`,
    `interval95 ${named(i)}`,
    `ratio ${named(i)}`,
    `verdict ${named(i)}`,
  ])
  const header = line(['metric', 'unit', ...comparison.runs.map((_, i) => named(i)), ...columns])
  const units = line([
    '',
    '',
    ...comparison.runs.map(() => 'unit of the metric'),
    ...others.flatMap(() => ['unit of the metric', 'unit of the metric', '1', '']),
  ])
  const number = (value: number | null | undefined): string =>
    value === null || value === undefined ? '' : String(value)
  return (
    header +
    units +
    comparison.metrics
      .map((metric) =>
        line([
          metric.name,
          metric.unit,
          ...metric.values.map(number),
          ...others.flatMap((i) => {
            const difference = metric.differences[i]
            return [
              number(difference?.difference),
              number(difference?.interval),
              number(difference?.ratio),
              metric.verdict[i],
            ]
          }),
        ]),
      )
      .join('')
  )
}

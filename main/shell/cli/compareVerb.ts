/** `lab compare`: runs on disk against each other. */
import { writeFileSync } from 'node:fs'
import { compareRuns } from '../../lab/compare'
import { comparisonCsv, comparisonHtml, comparisonMarkdown, comparisonText } from '../../lab/compareReport'
import { fileProblem, LabProblem } from '../../lab/problem'
import { readResults } from '../../lab/results'
import { exitDone, type Streams } from './output'

export interface CompareOptions {
  json: boolean
  report?: string
}

export function compareVerb(paths: string[], options: CompareOptions, streams: Streams): number {
  const runs = readResults(paths)
  if (runs.length < 2)
    throw new LabProblem(
      'too-few-runs',
      'There is only one run to compare.',
      'Give two results, or one with several values of a knob (lab run --set K=V1,V2 --json).',
    )
  const comparison = compareRuns(runs)
  if (options.report !== undefined) {
    const title = runs.map(({ name }) => name).join(' against ')
    const text = options.report.endsWith('.html')
      ? comparisonHtml(comparison, title)
      : options.report.endsWith('.md')
        ? comparisonMarkdown(comparison, title)
        : options.report.endsWith('.csv')
          ? comparisonCsv(comparison)
          : null
    if (text === null)
      throw new LabProblem(
        'bad-usage',
        `--report ${options.report}: the ending says the format.`,
        'Use .html, .md or .csv.',
      )
    try {
      writeFileSync(options.report, text)
    } catch (error) {
      throw fileProblem(error, options.report, 'write') ?? error
    }
  }
  streams.out(options.json ? JSON.stringify(comparison, null, 2) + '\n' : comparisonText(comparison))
  return exitDone
}

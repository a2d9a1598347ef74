/** Puts the table of a chart into the clipboard, for a spreadsheet. */
import { useProblemsStore } from '../stores/problems'
import { type ChartTable, tableText } from './tableModel'

export async function copyTable(title: string, table: ChartTable): Promise<void> {
  const problems = useProblemsStore()
  await problems.attempt(async () => {
    await navigator.clipboard.writeText(tableText(table))
    problems.say('info', `${title}: ${table.rows.length} rows are in the clipboard`)
  })
}

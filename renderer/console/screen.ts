/**
 * What the terminal is told to print: blocks, prompt, the line being typed, choices. Pure text with escape sequences; positions
 * are computed here so that the line can be drawn again in place.
 */
import type { ConsoleBlock } from '../stores/console'
import type { LineState } from './lineEditor'

const dim = '\x1b[90m'
const bold = '\x1b[1m'
const reverse = '\x1b[7m'
const plain = '\x1b[0m'

/** Private OSC number by which the stream marks where a block begins. */
export const blockMarkOsc = 5601

/** Control characters of a program's output must not steer the terminal; tab and line feed are kept. */
export function harmless(text: string): string {
  // eslint-disable-next-line no-control-regex -- that is the point
  return text.replace(/[\x00-\x08\x0b-\x1f\x7f\x80-\x9f]/g, '\ufffd')
}

/** Lines end with CR LF for the terminal. */
function lines(text: string): string {
  return harmless(text.replace(/\r\n/g, '\n')).replace(/\n/g, '\r\n')
}

/** A finished block: mark, prompt, command, output, and the hint for an unknown command. */
export function blockText(block: ConsoleBlock, prompt: string, hint: readonly string[]): string {
  const output = block.output === '' || block.output.endsWith('\n') ? block.output : `${block.output}\n`
  const command = harmless(block.text).replace(/\n/g, `\r\n${dim}> ${plain}${bold}`)
  let text = `\x1b]${blockMarkOsc};${block.id}\x07${dim}${prompt}${plain}${bold}${command}${plain}\r\n${lines(output)}`
  if (hint.length > 0) text += `${dim}${hint.join(', ')}: Tab completes${plain}\r\n`
  return text
}

export interface Drawn {
  /** To be written. */
  text: string
  /** Rows from the first row of the prompt to the cursor, once written. */
  cursorRow: number
}

/** Rows that `length` cells take, with the cursor behind the last one. */
function rowOf(cells: number, columns: number): number {
  return Math.floor(cells / columns)
}

function choiceRows(state: LineState, columns: number): string[] {
  if (state.choices === null) return []
  const { completion, selected } = state.choices
  const all = completion.choices
  const most = 8
  const from = Math.max(0, Math.min(selected - most + 1, all.length - most))
  const width = Math.max(...all.map((c) => c.text.length))
  const rows = all.slice(from, from + most).map((choice, i) => {
    const chosen = from + i === selected
    const name = harmless(choice.text).padEnd(width)
    const room = columns - width - 6
    const hint = choice.hint === '' || room < 8 ? '' : `  ${harmless(choice.hint).slice(0, room)}`
    return `${chosen ? reverse : ''} ${name} ${plain}${dim}${hint}${plain}`
  })
  if (all.length > most) rows.push(`${dim} ${from + 1} to ${from + rows.length} of ${all.length}, Tab goes on${plain}`)
  return rows
}

/**
 * Draws the prompt and the line; `cursorRow` of the drawing before tells where its first row is. While a command runs there is
 * no prompt: its text stands there, and the cursor below it.
 */
export function drawLine(
  state: LineState,
  prompt: string,
  columns: number,
  before: Drawn | null,
  running: string | null,
): Drawn {
  const back = before === null ? '' : `${before.cursorRow > 0 ? `\x1b[${before.cursorRow}A` : ''}\r\x1b[J`
  if (running !== null) {
    const cells = prompt.length + running.length
    return {
      text: `${back}${dim}${prompt}${plain}${bold}${harmless(running)}${plain}\r\n`,
      cursorRow: rowOf(Math.max(0, cells - 1), columns) + 1,
    }
  }
  const head =
    state.search === null ? prompt : `(${state.search.failed ? 'not found' : 'history'}) \`${state.search.query}': `
  const shown = harmless(state.text)
  const cells = head.length + shown.length
  const cursorCells = head.length + state.cursor
  let text = `${back}${dim}${head}${plain}${shown}`
  // The terminal waits at the margin after a full row; a blank and a return carry the cursor over.
  if (cells > 0 && cells % columns === 0) text += ' \r'
  let row = rowOf(cells, columns)
  for (const choice of choiceRows(state, columns)) {
    text += `\r\n${choice}`
    row++
  }
  const cursorRow = rowOf(cursorCells, columns)
  if (row > cursorRow) text += `\x1b[${row - cursorRow}A`
  text += '\r'
  const column = cursorCells % columns
  if (column > 0) text += `\x1b[${column}C`
  return { text, cursorRow }
}

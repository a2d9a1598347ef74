/** Tables of text for the terminal: numbers to the right, words to the left. */

const numeric = /^[-+−–]?[\d\s.,e%±+-]*$/

/** Aligned columns, two blanks apart, with a line under the header. */
export function formatTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((name, i) => Math.max(name.length, ...rows.map((row) => row[i]?.length ?? 0)))
  const right = header.map((_, i) => rows.length > 0 && rows.every((row) => numeric.test(row[i] ?? '')))
  const line = (cells: readonly string[]): string =>
    cells
      .map((text, i) => (right[i] ? text.padStart(widths[i]) : text.padEnd(widths[i])))
      .join('  ')
      .trimEnd() + '\n'
  return line(header) + line(widths.map((width) => '-'.repeat(width))) + rows.map(line).join('')
}

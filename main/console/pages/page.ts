/** A manual page as data, and its layout on 78 columns. Source of the layout: mandoc's header and footer lines (reference console-tools 7; read). */

/** A paragraph, or a term with what it means. */
export type PageText = string | { term: string; text: string }

export interface Page {
  name: string
  section: string
  /** Lower case, no full stop. */
  summary: string
  synopsis: readonly string[]
  sections: readonly { title: string; text: readonly PageText[] }[]
  seeAlso?: readonly string[]
}

const WIDTH = 78
const titles: { readonly [section: string]: string } = {
  '1': 'FreeBSD General Commands Manual',
  '2': 'FreeBSD System Calls Manual',
  '3': 'FreeBSD Library Functions Manual',
  '4': 'FreeBSD Kernel Interfaces Manual',
  '5': 'FreeBSD File Formats Manual',
  '7': 'FreeBSD Miscellaneous Information Manual',
  '8': "FreeBSD System Manager's Manual",
  '9': "FreeBSD Kernel Developer's Manual",
}

export function layOut(page: Page): string {
  const id = `${page.name.toUpperCase()}(${page.section})`
  const lines = [spread(id, titles[page.section] ?? '', id), '']
  lines.push('NAME', ...wrap(`${page.name} – ${page.summary}`, 5), '')
  if (page.synopsis.length > 0) lines.push('SYNOPSIS', ...page.synopsis.map((line) => `     ${line}`), '')
  for (const { title, text } of page.sections) {
    lines.push(title)
    text.forEach((part, i) => {
      if (typeof part === 'string') {
        if (i > 0) lines.push('')
        lines.push(...wrap(part, 5))
      } else lines.push(...wrapTerm(part.term, part.text))
    })
    lines.push('')
  }
  if (page.seeAlso !== undefined) lines.push('SEE ALSO', ...wrap(page.seeAlso.join(', '), 5), '')
  lines.push(spread('FreeBSD 13.0', 'pages of this lab, in its own words', 'FreeBSD 13.0'))
  return lines.join('\n') + '\n'
}

function spread(left: string, middle: string, right: string): string {
  const before = Math.max(1, Math.floor((WIDTH - middle.length) / 2) - left.length)
  const after = Math.max(1, WIDTH - left.length - before - middle.length - right.length)
  return left + ' '.repeat(before) + middle + ' '.repeat(after) + right
}

function wrapTerm(term: string, text: string): string[] {
  const indent = 21
  const lines = wrap(text, indent)
  if (term.length + 5 < indent - 1) {
    lines[0] = `     ${term}`.padEnd(indent) + (lines[0] ?? '').trimStart()
    return lines
  }
  return [`     ${term}`, ...lines]
}

function wrap(text: string, indent: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/\s+/).filter((part) => part !== '')) {
    if (line !== '' && indent + line.length + 1 + word.length > WIDTH) {
      lines.push(' '.repeat(indent) + line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  if (line !== '') lines.push(' '.repeat(indent) + line)
  return lines
}

/** History expansion as csh has it: `!!`, `!n`, `!-n`, `!text`, `!?text`, `!$`. Not inside single quotes, not after a backslash or before a blank. */

export interface Expansion {
  line: string
  changed: boolean
  /** Why it cannot be expanded, as the shell says it, or null. */
  problem: string | null
}

export function expandHistory(line: string, history: readonly string[]): Expansion {
  let out = ''
  let quoted = false
  let changed = false
  for (let i = 0; i < line.length; i++) {
    const c = line[i]
    if (c === "'") quoted = !quoted
    if (c === '\\' && !quoted) {
      out += line.slice(i, i + 2)
      i++
      continue
    }
    const match = c === '!' && !quoted ? /^!(?:!|\$|-?\d+|\?[^?\s]+\??|[A-Za-z][\w.-]*)/.exec(line.slice(i)) : null
    // `!` before a command negates it (sh), which is why a word right behind it must be one of history.
    if (match === null) {
      out += c
      continue
    }
    const event = match[0].slice(1)
    const found = find(event, history)
    if (found === undefined) {
      // `!true` may be meant as negation without a blank: only events by number or by search are surely history.
      if (/^[A-Za-z]/.test(event)) {
        out += c
        continue
      }
      return { line, changed: false, problem: `${event.replace(/^\?|\?$/g, '')}: Event not found.` }
    }
    out += found
    changed = true
    i += match[0].length - 1
  }
  return { line: out, changed, problem: null }
}

function find(event: string, history: readonly string[]): string | undefined {
  if (event === '!') return history.at(-1)
  if (event === '$') return history.at(-1)?.trim().split(/\s+/).at(-1)
  if (/^\d+$/.test(event)) return history[Number(event) - 1]
  if (/^-\d+$/.test(event)) return history.at(Number(event))
  if (event.startsWith('?')) {
    const text = event.replace(/^\?|\?$/g, '')
    return history.findLast((line) => line.includes(text))
  }
  return history.findLast((line) => line.startsWith(event))
}

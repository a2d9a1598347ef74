/** Shapes of commands: the words that one begins with, or a regular expression. A line of several commands is looked at command by command. */

export interface CommandShape {
  /** As written in the exercise. */
  text: string
  /** True if one of the commands of a console line has this shape. */
  matches(line: string): boolean
}

/** Single spaces, so that shapes do not depend on how a line was typed. */
const plain = (text: string): string => text.trim().split(/\s+/).join(' ')

/** Commands of a line, in order. Quotes are not looked into: commands that checks look for have none. */
export function commandsOfLine(line: string): string[] {
  return line
    .split(/;|&&|\|\|?/)
    .map(plain)
    .filter((command) => command !== '')
}

/** @throws SyntaxError for a regular expression that is none */
export function parseCommandShape(text: string): CommandShape {
  if (text.length > 2 && text.startsWith('/') && text.endsWith('/')) {
    const expression = new RegExp(text.slice(1, -1))
    return { text, matches: (line) => commandsOfLine(line).some((command) => expression.test(command)) }
  }
  const wanted = plain(text)
  return {
    text,
    matches: (line) => commandsOfLine(line).some((command) => command === wanted || command.startsWith(`${wanted} `)),
  }
}

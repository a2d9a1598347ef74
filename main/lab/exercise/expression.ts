/**
 * Arithmetic over metrics and counters, as checks and predictions write it: names, numbers, `+ - * /` and parentheses. A name that nobody knows is refused
 * when the exercise is read, and what cannot be said (nothing was sent yet, a division by zero) is null, never 0.
 */

type Node =
  | { kind: 'number'; value: number }
  | { kind: 'name'; name: string }
  | { kind: 'operation'; operator: '+' | '-' | '*' | '/'; left: Node; right: Node }

export interface Expression {
  /** As written. */
  text: string
  names: readonly string[]
  /** @param lookup value of a name, null if it says nothing */
  compute(lookup: (name: string) => number | null): number | null
}

/** Not an expression. The message is a sentence part: `"a +" ends too early`. */
export class ExpressionError extends Error {
  override name = 'ExpressionError'
}

const token = /\s*(?:(\d+(?:\.\d+)?(?:e[+-]?\d+)?)|([A-Za-z_][\w-]*)|([-+*/()]))/y

function tokensOf(text: string): string[] {
  const tokens: string[] = []
  token.lastIndex = 0
  while (token.lastIndex < text.trimEnd().length) {
    const at = token.lastIndex
    const match = token.exec(text)
    if (match === null) throw new ExpressionError(`"${text}" cannot be read from "${text.slice(at).trim()}" on`)
    tokens.push(match[0].trim())
  }
  return tokens
}

/** @throws ExpressionError */
export function parseExpression(text: string): Expression {
  const tokens = tokensOf(text)
  const names = new Set<string>()
  let at = 0

  const atom = (): Node => {
    const word = tokens[at++]
    if (word === undefined) throw new ExpressionError(`"${text}" ends too early`)
    if (word === '(') {
      const node = sum()
      if (tokens[at++] !== ')') throw new ExpressionError(`"${text}" lacks a closing parenthesis`)
      return node
    }
    if (word === '-') return { kind: 'operation', operator: '-', left: { kind: 'number', value: 0 }, right: atom() }
    if (/^\d/.test(word)) return { kind: 'number', value: Number(word) }
    if (/^[A-Za-z_]/.test(word)) {
      names.add(word)
      return { kind: 'name', name: word }
    }
    throw new ExpressionError(`"${text}" has "${word}" where a name or a number should be`)
  }
  const chain = (next: () => Node, operators: string): Node => {
    let left = next()
    while (at < tokens.length && operators.includes(tokens[at])) {
      const operator = tokens[at++] as '+' | '-' | '*' | '/'
      left = { kind: 'operation', operator, left, right: next() }
    }
    return left
  }
  const product = (): Node => chain(atom, '*/')
  const sum = (): Node => chain(product, '+-')

  const root = sum()
  if (at < tokens.length) throw new ExpressionError(`"${text}" has "${tokens[at]}" where it should end`)
  return { text, names: [...names], compute: (lookup) => compute(root, lookup) }
}

function compute(node: Node, lookup: (name: string) => number | null): number | null {
  if (node.kind === 'number') return node.value
  if (node.kind === 'name') return lookup(node.name)
  const left = compute(node.left, lookup)
  const right = compute(node.right, lookup)
  if (left === null || right === null) return null
  switch (node.operator) {
    case '+':
      return left + right
    case '-':
      return left - right
    case '*':
      return left * right
    case '/':
      return right === 0 ? null : left / right
  }
}

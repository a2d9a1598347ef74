/** The little of libxo that the commands offer: `--libxo json` in front of the options. */

/** Takes `--libxo FORMAT` or `--libxo=FORMAT` from the front. @returns the format (null = text) and the other arguments. */
export function takeLibxo(args: readonly string[]): [format: string | null, rest: string[]] {
  const first = args[0] ?? ''
  const match = /^--libxo[=:](.+)$/.exec(first)
  if (match !== null) return [match[1] === 'J' ? 'json' : match[1], args.slice(1)]
  if (first === '--libxo') return [args[1] ?? 'text', args.slice(2)]
  return [null, [...args]]
}

type Tree = { readonly [key: string]: Tree | number | string }

/** JSON as libxo writes it: containers spaced, leaves not; `pretty` breaks lines. */
export function xoJson(tree: Tree, format: string): string {
  if (format.includes('pretty')) return `${JSON.stringify(tree, null, 2)}\n`
  const write = (node: Tree): string =>
    `{${Object.entries(node)
      .map(([key, value]) =>
        typeof value === 'object'
          ? `${JSON.stringify(key)}: ${write(value)}`
          : `${JSON.stringify(key)}:${JSON.stringify(value)}`,
      )
      .join(',')}}`
  return `${write(tree)}\n`
}

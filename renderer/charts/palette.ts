/** Colours, fonts and dashes of charts, read from the page's tokens; read again when the theme changes. */
import type { BranchLetter } from '../../preload/contract'
import { runDashPixels, tokenValue } from '../theme/runs'

export interface Palette {
  run: (letter: BranchLetter) => string
  dash: (letter: BranchLetter) => number[] | 'solid'
  line: string
  line2: string
  ink3: string
  surface: string
  less: string
  more: string
  font: string
  token: (name: string) => string
}

/** The palette in force. `theme` is only read so that a computed follows it; every token is looked up once. */
export function readPalette(theme: string): Palette {
  void theme
  const known = new Map<string, string>()
  const token = (name: string): string => {
    let value = known.get(name)
    if (value === undefined) known.set(name, (value = tokenValue(name)))
    return value
  }
  const dashes = new Map<BranchLetter, number[] | 'solid'>()
  return {
    run: (letter) => token(`--run-${letter.toLowerCase()}`),
    dash: (letter) => {
      let dash = dashes.get(letter)
      if (dash === undefined) {
        const pixels = runDashPixels(letter)
        dashes.set(letter, (dash = pixels.length === 0 ? 'solid' : pixels))
      }
      return dash
    },
    line: token('--line'),
    line2: token('--line-2'),
    ink3: token('--ink-3'),
    surface: token('--surface'),
    less: token('--less'),
    more: token('--more'),
    font: token('--font-ui'),
    token,
  }
}

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

/** The palette in force. `theme` is only read so that a computed follows it. */
export function readPalette(theme: string): Palette {
  void theme
  return {
    run: (letter) => tokenValue(`--run-${letter.toLowerCase()}`),
    dash: (letter) => {
      const dash = runDashPixels(letter)
      return dash.length === 0 ? 'solid' : dash
    },
    line: tokenValue('--line'),
    line2: tokenValue('--line-2'),
    ink3: tokenValue('--ink-3'),
    surface: tokenValue('--surface'),
    less: tokenValue('--less'),
    more: tokenValue('--more'),
    font: tokenValue('--font-ui'),
    token: tokenValue,
  }
}

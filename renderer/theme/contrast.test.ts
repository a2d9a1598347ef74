// Recomputes the contrast table of the look (LOOK 2.2) and the run hues (2.3) from the tokens that ship.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

type Theme = 'light' | 'dark' | 'contrast'
const css = readFileSync(join(import.meta.dirname, 'tokens.css'), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '')

function tokensOf(selector: RegExp): Map<string, string> {
  const block = [...css.matchAll(/([^{}]+)\{([^{}]*)\}/g)].find((m) => selector.test((m[1] ?? '').trim()))
  const found = new Map<string, string>()
  for (const m of (block?.[2] ?? '').matchAll(/--([\w-]+):\s*(#[0-9a-f]{6})/gi)) found.set(m[1] ?? '', m[2] ?? '')
  return found
}
const themes: Record<Theme, Map<string, string>> = {
  light: tokensOf(/^:root,\s*\[data-theme=['"]light['"]\]$/),
  dark: tokensOf(/^\[data-theme=['"]dark['"]\]$/),
  contrast: tokensOf(/^\[data-theme=['"]contrast['"]\]$/),
}

/** Relative luminance of WCAG 2. */
function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((i) => {
    const c = parseInt(hex.slice(i, i + 2), 16) / 255
    return c <= 0.040_45 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}
function ratio(a: string, b: string): number {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x)
  return ((high ?? 0) + 0.05) / ((low ?? 0) + 0.05)
}
function lowest(theme: Theme, token: string, grounds: readonly string[]): number {
  const color = (name: string): string => {
    const value = themes[theme].get(name)
    if (value === undefined) throw new Error(`${theme} has no --${name}`)
    return value
  }
  return Math.min(...grounds.map((g) => ratio(color(token), color(g))))
}

const plain = ['bench', 'surface', 'sunken', 'hover', 'selected']
const diff = ['diff-l3', 'diff-l2', 'diff-l1', 'diff-0', 'diff-m1', 'diff-m2', 'diff-m3']
const cat = ['cat-app', 'cat-vm', 'cat-mbuf', 'cat-sock', 'cat-tcp', 'cat-ip', 'cat-drv']
/** Token, grounds, promised ratios light / dark / contrast. */
const table: [string, readonly string[], number, number, number][] = [
  ['ink', plain, 15.3, 12.1, 15.1],
  ['ink-2', plain, 8.1, 8.0, 15.1],
  ['ink-3', plain, 5.2, 5.3, 10.4],
  ['control', ['bench', 'surface', 'sunken'], 3.2, 4.0, 21.0],
  ['focus', [...plain, 'focus-soft'], 5.9, 6.3, 10.6],
  ['ok', ['surface', 'bench', 'ok-soft'], 5.3, 8.0, 14.9],
  ['warn', ['surface', 'bench', 'warn-soft'], 5.5, 8.0, 14.6],
  ['error', ['surface', 'bench', 'error-soft'], 5.7, 7.1, 10.5],
  ['less', ['surface', 'bench'], 5.5, 9.4, 16.1],
  ['more', ['surface', 'bench'], 6.7, 8.4, 12.6],
  ['on-diff', diff, 8.1, 5.4, 8.6],
  ['on-cat', cat, 13.6, 11.3, 13.6],
  ['bytes', ['surface', 'dma-soft'], 3.1, 4.0, 7.4],
  ['ref', ['surface', 'dma-soft'], 8.1, 7.8, 13.7],
  ['spine', ['surface', 'dma-soft'], 15.3, 11.9, 13.7],
  ['dma', ['surface', 'dma-soft'], 6.3, 9.8, 11.0],
  ['copy', ['surface', 'copy-soft'], 4.7, 4.9, 6.6],
  ['conv', ['surface', 'conv-soft'], 5.5, 8.0, 7.0],
  ['con-ink', ['con-bg'], 15.8, 14.2, 21.0],
  ['con-dim', ['con-bg'], 6.0, 6.9, 14.4],
  ['on-fill', ['fill'], 15.8, 14.6, 21.0],
  ['on-run', ['run-a', 'run-b'], 5.6, 7.7, 8.5],
  ['on-tip', ['tip-bg'], 15.8, 14.6, 21.0],
  ['ink-off', ['surface'], 3.1, 3.5, 7.8],
]
/** Hue of a run on surface and bench, light / dark. */
const runs: [string, number, number][] = [
  ['run-a', 7.1, 6.7],
  ['run-b', 5.2, 7.5],
  ['run-c', 3.3, 11.9],
  ['run-d', 11.8, 4.7],
  ['run-e', 3.2, 12.6],
  ['run-f', 5.4, 8.5],
  ['run-g', 12.5, 4.6],
  ['run-h', 8.0, 4.7],
]

describe('contrast of the tokens (LOOK 2.2)', () => {
  for (const [token, grounds, ...promised] of table)
    for (const [i, theme] of (['light', 'dark', 'contrast'] as const).entries())
      it(`--${token} on ${grounds.length > 3 ? `${grounds.length} grounds` : grounds.join(', ')}, ${theme} – at least ${promised[i]}`, () => {
        // The table is written with one decimal.
        expect(lowest(theme, token, grounds)).toBeGreaterThanOrEqual((promised[i] ?? 0) - 0.05)
      })
})

describe('hues of the runs (LOOK 2.3)', () => {
  for (const [token, light, dark] of runs)
    it(`--${token} – a line is at least 3 : 1 on a panel and as promised`, () => {
      const best = (theme: Theme): number => lowest(theme, token, ['surface'])
      expect(best('light')).toBeGreaterThanOrEqual(3)
      expect(best('dark')).toBeGreaterThanOrEqual(3)
      expect(best('contrast')).toBeGreaterThanOrEqual(3)
      expect(best('light')).toBeGreaterThanOrEqual(light - 0.5)
      expect(best('dark')).toBeGreaterThanOrEqual(dark - 0.5)
    })
  it('A and B – are told apart without hue by their dashes', () => {
    const dashes = [...css.matchAll(/--dash-([a-h]):\s*([^;]+);/g)].map((m) => m[2]?.trim())
    expect(new Set(dashes).size).toBe(8)
  })
})

describe('colours in components', () => {
  it('every theme – has every colour of the light one', () => {
    const names = [...themes.light.keys()].sort()
    expect([...themes.dark.keys()].sort()).toEqual(names)
    expect([...themes.contrast.keys()].sort()).toEqual(names)
  })
})

/** Widths of short texts in the drawing, measured once each; estimated where there is no canvas (tests). */

export type TextFont = 'ui' | 'mono'

/** Average advance of 11 px text, generous, for places without a canvas. */
const estimate: Record<TextFont, number> = { ui: 5.9, mono: 6.6 }
const families: Record<TextFont, string> = {
  ui: '"Inter Variable", Inter, sans-serif',
  mono: '"JetBrains Mono Variable", monospace',
}

let context: CanvasRenderingContext2D | null | undefined
const known = new Map<string, number>()

function canvasContext(): CanvasRenderingContext2D | null {
  if (context === undefined) {
    context = typeof document === 'undefined' ? null : (document.createElement('canvas').getContext?.('2d') ?? null)
  }
  return context
}

/** Width in px of an 11 px text. Pure for a given set of loaded fonts. */
export function textWidth(text: string, font: TextFont = 'ui'): number {
  if (font === 'mono') return text.length * estimate.mono
  const found = known.get(text)
  if (found !== undefined) return found
  const draw = canvasContext()
  if (draw === null) return text.length * estimate.ui
  draw.font = `11px ${families.ui}`
  const width = draw.measureText(text).width
  if (known.size > 2000) known.clear()
  known.set(text, width)
  return width
}

/** Forgets measured widths: the fonts have arrived. */
export function forgetTextWidths(): void {
  known.clear()
}

/** SVG path texts for many boxes at once: one element a kind of mark keeps a redraw cheap. */

/** One decimal is a tenth of a pixel: enough, and half the text. */
export function px(value: number): number {
  return Math.round(value * 10) / 10
}

export function rect(x: number, y: number, w: number, h: number): string {
  return `M${px(x)} ${px(y)}h${px(Math.max(0, w))}v${px(h)}h${px(-Math.max(0, w))}z`
}

/** The outline of a box of width `w`: it lies on half pixels and leaves one pixel before the next box. */
export function outline(x: number, y: number, w: number, h: number): string {
  return rect(x + 0.5, y + 0.5, Math.max(0.5, w - 1.5), h - 1)
}

export function vertical(x: number, y: number, h: number): string {
  return `M${px(x)} ${px(y)}v${px(h)}`
}

export function joined<T>(items: readonly T[], draw: (item: T) => string): string {
  return items.map(draw).join('')
}

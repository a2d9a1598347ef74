/** Bytes of the stream to pixels: one linear scale for every layer, so that a vertical line is one byte everywhere. */
import { formatNumber, thin } from '../charts/format'

export interface Scale {
  /** Bytes shown. */
  readonly length: number
  /** Pixels they take. */
  readonly width: number
  /** Pixel of a stream offset (relative to the left edge), clipped to the picture. */
  x(off: number): number
  /** Stream offset under a pixel, a whole byte within the picture. */
  byteAt(x: number): number
}

export function makeScale(length: number, width: number): Scale {
  const perByte = length > 0 ? width / length : 0
  return {
    length,
    width,
    x: (off) => Math.min(width, Math.max(0, off * perByte)),
    byteAt: (x) => (perByte === 0 ? 0 : Math.min(length - 1, Math.max(0, Math.floor(x / perByte)))),
  }
}

/** A size in bytes on the ruler: whole IEC units, else bytes. */
export function rulerLabel(bytes: number): string {
  if (bytes === 0) return '0'
  if (bytes % 2 ** 20 === 0) return `${formatNumber(bytes / 2 ** 20)}${thin}MiB`
  if (bytes % 1024 === 0) return `${formatNumber(bytes / 1024)}${thin}KiB`
  return `${formatNumber(bytes)}${thin}B`
}

export interface RulerTick {
  x: number
  text: string
}

/**
 * Ticks of the byte ruler, a power of two apart and at least `gap` pixels; those within `clear` pixels of `avoid` (the label of
 * the followed byte) are left out, and so is one whose text would pass the right edge. In the middle of a stream (`base`) the
 * left edge says where it is, and the others how far from there.
 */
export function rulerTicks(scale: Scale, avoid: number | null, gap = 90, clear = 58, base = 0): RulerTick[] {
  if (scale.length <= 0 || scale.width <= 0) return []
  let step = 1
  while ((step * scale.width) / scale.length < gap) step *= 2
  const ticks: RulerTick[] = []
  for (let off = 0; off <= scale.length; off += step) {
    const x = (off * scale.width) / scale.length
    const nearEnd = off > 0 && x > scale.width - 20
    if (nearEnd || (avoid !== null && Math.abs(x - avoid) < clear)) continue
    ticks.push({ x, text: base === 0 ? rulerLabel(off) : off === 0 ? formatNumber(base) : `+${rulerLabel(off)}` })
  }
  return ticks
}

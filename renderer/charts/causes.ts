/** CPU share by cause: which series belong to it, their order in the stack, and a pattern for each besides its colour. */
import type { SeriesInfo } from '../../preload/contract'

/** Patterns by name; each can be told from the others without colour. */
export type PatternName =
  | 'diagonal'
  | 'vertical'
  | 'dots'
  | 'horizontal'
  | 'grid'
  | 'back'
  | 'plain'
  | 'sparse'
  | 'cross'
  | 'zigzag'
  | 'wide'
  | 'double'
  | 'brick'
  | 'ring'

export interface Cause {
  id: string
  label: string
  /** Token of the fill and of the lines on it. */
  fill: string
  ink: string
  pattern: PatternName
}

/** From the bottom of the stack to its top: what touches bytes first, what is left last. */
export const causes: readonly Cause[] = [
  { id: 'copy', label: 'copy', fill: '--copy-soft', ink: '--copy', pattern: 'diagonal' },
  { id: 'checksum', label: 'checksum', fill: '--cat-ip', ink: '--ink-3', pattern: 'dots' },
  { id: 'conversion', label: 'conversion', fill: '--conv-soft', ink: '--conv', pattern: 'vertical' },
  { id: 'allocation', label: 'allocation', fill: '--cat-mbuf', ink: '--ink-3', pattern: 'horizontal' },
  { id: 'vm', label: 'vm', fill: '--cat-vm', ink: '--ink-3', pattern: 'grid' },
  { id: 'cache', label: 'cache', fill: '--cat-vm', ink: '--ink-3', pattern: 'zigzag' },
  { id: 'lock', label: 'lock', fill: '--cat-sock', ink: '--ink-3', pattern: 'cross' },
  { id: 'protocol', label: 'protocol', fill: '--cat-tcp', ink: '--ink-3', pattern: 'plain' },
  { id: 'driver', label: 'driver', fill: '--cat-drv', ink: '--ink-3', pattern: 'back' },
  { id: 'mmio', label: 'mmio', fill: '--cat-drv', ink: '--ink-3', pattern: 'wide' },
  { id: 'interrupt', label: 'interrupt', fill: '--cat-ip', ink: '--ink-3', pattern: 'ring' },
  { id: 'syscall', label: 'syscall', fill: '--cat-sock', ink: '--ink-3', pattern: 'double' },
  { id: 'application', label: 'application', fill: '--cat-app', ink: '--ink-3', pattern: 'brick' },
  { id: 'other', label: 'other', fill: '--cat-app', ink: '--ink-3', pattern: 'sparse' },
]

const seriesName = /^cpu[._]cause[._](\w+?)(?:[._]share)?$/

/** The cause that a series is about, or null. */
export function causeOf(name: string): string | null {
  return seriesName.exec(name)?.[1] ?? null
}

/** The series of the stack that are declared, bottom first; causes that this picture has no place for count as other. */
export function causeSeries(metrics: readonly SeriesInfo[]): { cause: Cause; names: string[] }[] {
  const byCause = new Map<string, string[]>()
  for (const metric of metrics) {
    const id = causeOf(metric.name)
    if (id === null) continue
    const known = causes.some((c) => c.id === id) ? id : 'other'
    byCause.set(known, [...(byCause.get(known) ?? []), metric.name])
  }
  return causes.flatMap((cause) => {
    const names = byCause.get(cause.id)
    return names === undefined ? [] : [{ cause, names }]
  })
}

/** Path of a pattern in a tile of 8 × 8 px. */
export const patternPaths: Record<PatternName, string> = {
  diagonal: 'M-2 2L2-2M0 8L8 0M6 10L10 6',
  vertical: 'M2 0V8M6 0V8',
  dots: 'M2 1.5v1.5M6 5.500v1.500',
  horizontal: 'M0 4H8',
  grid: 'M4 0V8M0 4H8',
  back: 'M-2 6L2 10M0 0L8 8M6-2L10 2',
  plain: '',
  sparse: 'M4 4v1',
  cross: 'M2 2l4 4M6 2l-4 4',
  zigzag: 'M0 6L2 3L4 6L6 3L8 6',
  wide: 'M0 8L8 0',
  double: 'M0 2.5H8M0 5.5H8',
  brick: 'M0 4H8M2 0V4M6 4V8',
  ring: 'M2 4a2 2 0 1 0 4 0a2 2 0 1 0 -4 0',
}

/** A tile of a pattern for the chart library, at the resolution of the device; null where there is no canvas. */
export function patternTile(
  cause: Cause,
  token: (name: string) => string,
): { image: HTMLCanvasElement; repeat: 'repeat' } | null {
  const canvas = document.createElement('canvas')
  canvas.width = 8
  canvas.height = 8
  const draw = canvas.getContext('2d')
  if (draw === null) return null
  draw.fillStyle = token(cause.fill)
  draw.fillRect(0, 0, 8, 8)
  draw.strokeStyle = token(cause.ink)
  draw.lineWidth = 1
  draw.globalAlpha = 0.75
  draw.stroke(new Path2D(patternPaths[cause.pattern]))
  return { image: canvas, repeat: 'repeat' }
}

/** Causes that are listed even while nothing is charged to them: whether they are zero is the question. */
export const alwaysListed: readonly string[] = ['copy', 'conversion']

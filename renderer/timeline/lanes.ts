/** Where things stand on the timeline: ticks of the axis, lanes, labels that fit. Pure; sizes in CSS px, times in virtual ns. */
import type { BranchInfo, BranchLetter, CommandRecord, MarkRecord } from '../../preload/contract'
import { shortCommand } from '../frame/shorten'

/** Width of a letter of the 11 px mono font. */
const monoWidth = 6.6
/** Width of a letter of the 11 px interface font, rounded up. */
const textWidth = 6

export interface Scale {
  /** Virtual time at the right end of the axis. */
  end: number
  x(t: number): number
  t(x: number): number
}

/** Scale from 0 to `end`, between `left` and `right` px. */
export function timeScale(end: number, left: number, right: number): Scale {
  const span = Math.max(1, right - left)
  const last = Math.max(1, end)
  return {
    end: last,
    x: (t) => left + (t / last) * span,
    t: (x) => Math.round(Math.min(last, Math.max(0, ((x - left) / span) * last))),
  }
}

/** End of the axis: the planned length, or the next round number once a run is longer. */
export function axisEnd(planned: number, reached: number): number {
  if (reached <= planned) return Math.max(planned, 1e6)
  const step = niceStep(reached / 6)
  return Math.ceil(reached / step) * step
}

/** A step of 1, 2 or 5 times a power of ten that is at least `raw`. */
export function niceStep(raw: number): number {
  const power = 10 ** Math.floor(Math.log10(raw))
  for (const factor of [1, 2, 5, 10]) if (factor * power >= raw * 0.999_999) return factor * power
  return 10 * power
}

/** Unit in which the axis of this length is written. */
export function axisUnit(end: number): { ns: number; name: string } {
  return end >= 5e9 ? { ns: 1e9, name: 's' } : { ns: 1e6, name: 'ms' }
}

/** Ticks of the axis with their texts; the last one carries the unit. */
export function axisTicks(scale: Scale, width: number): { x: number; text: string }[] {
  const unit = axisUnit(scale.end)
  const count = Math.max(2, Math.min(8, Math.floor(width / 72)))
  const step = niceStep(scale.end / count)
  const ticks: { x: number; text: string }[] = []
  for (let t = 0; t <= scale.end * 1.000_001; t += step)
    ticks.push({ x: scale.x(t), text: String(Number((t / unit.ns).toPrecision(6))) })
  const last = ticks[ticks.length - 1]
  if (last !== undefined) last.text += `\u2009${unit.name}`
  return ticks
}

/** Height of the timeline and middle of each lane: 64 px for one or two runs, more for more. */
export function laneGeometry(count: number): { height: number; y: number[]; axis: number } {
  const gap = count > 4 ? 16 : 20
  const height = 64 + Math.max(0, count - 2) * gap
  return { height, y: Array.from({ length: count }, (_, i) => 17 + i * gap), axis: height - 4 }
}

export interface TickLabel {
  x: number
  /** Empty if nothing fits: the text is then in the tooltip only. */
  text: string
  anchor: 'start' | 'end'
  /** Everything that stands here, for the tooltip. */
  full: string
  t: number
  count: number
}

/**
 * Ticks of one lane with the labels that fit between them: the whole command, else its first and last word, else how many
 * commands stand together. `right` is the end of the drawing.
 */
export function commandTicks(
  commands: readonly Pick<CommandRecord, 't' | 'text'>[],
  scale: Scale,
  right: number,
): TickLabel[] {
  const clusters: { x: number; t: number; texts: string[] }[] = []
  for (const command of [...commands].sort((a, b) => a.t - b.t)) {
    const x = scale.x(command.t)
    const last = clusters[clusters.length - 1]
    if (last !== undefined && x - last.x < 10) last.texts.push(command.text)
    else clusters.push({ x, t: command.t, texts: [command.text] })
  }
  let usedUntil = -Infinity
  return clusters.map((cluster, i) => {
    const next = clusters[i + 1]?.x ?? right
    const text = cluster.texts.length === 1 ? (cluster.texts[0] ?? '') : `${cluster.texts.length} commands`
    const full = cluster.texts.join('; ')
    const base = { x: cluster.x, t: cluster.t, full, count: cluster.texts.length }
    const fitRight = Math.floor((next - cluster.x - 12) / monoWidth)
    const fitLeft = Math.floor((cluster.x - 8 - usedUntil) / monoWidth)
    const isLast = i === clusters.length - 1
    // Towards the right end there is often more room before the tick than behind it.
    if (isLast && fitRight < text.length && fitLeft > fitRight && fitLeft >= Math.min(text.length, 8)) {
      const label = fitLeft >= text.length ? text : shortCommand(text, fitLeft)
      usedUntil = cluster.x
      return { ...base, text: label, anchor: 'end' as const }
    }
    let label = ''
    if (fitRight >= text.length) label = text
    else if (cluster.texts.length === 1 && fitRight >= 9) label = shortCommand(text, fitRight)
    else if (cluster.texts.length > 1 && fitRight >= 1) label = String(cluster.texts.length)
    usedUntil = cluster.x + 6 + label.length * monoWidth
    return { ...base, text: label, anchor: 'start' as const }
  })
}

export interface MarkFlag {
  x: number
  t: number
  text: string
  full: string
}

/** Flags of one lane; a text is left out where it would run into the next flag, a label below, or the end. */
export function markFlags(
  marks: readonly Pick<MarkRecord, 't' | 'text'>[],
  scale: Scale,
  right: number,
  below: readonly TickLabel[],
): MarkFlag[] {
  const sorted = [...marks].sort((a, b) => a.t - b.t)
  return sorted.map((mark, i) => {
    const x = scale.x(mark.t)
    const next = sorted[i + 1]
    const end = x + 13 + mark.text.length * textWidth
    const limit = next === undefined ? right : scale.x(next.t) - 4
    const hits = below.some((label) => {
      const width = label.text.length * monoWidth + 8
      const from = label.anchor === 'start' ? label.x : label.x - width
      return from < end && from + width > x
    })
    return { x, t: mark.t, text: end <= limit && !hits ? mark.text : '', full: mark.text }
  })
}

export interface Lane {
  letter: BranchLetter
  name: string
  y: number
  /** Where its line begins: the start, or the end of the fork's curve. */
  from: number
  fork: string | null
  commands: TickLabel[]
  marks: MarkFlag[]
}

/** All lanes: where each run begins (its fork), and what was done in it. */
export function layLanes(
  branches: readonly BranchInfo[],
  commands: readonly CommandRecord[],
  marks: readonly MarkRecord[],
  scale: Scale,
  right: number,
): Lane[] {
  const { y } = laneGeometry(branches.length)
  const labels = branches.map((b) =>
    commandTicks(
      commands.filter((c) => c.branch === b.letter && c.origin !== 'scenario'),
      scale,
      right,
    ),
  )
  return branches.map((b, i) => {
    const parentIndex = b.parent === null ? -1 : branches.findIndex((p) => p.letter === b.parent?.letter)
    const at = scale.x(b.parent?.t ?? 0)
    const here = y[i] ?? 0
    const above = y[parentIndex] ?? here
    const curved = b.parent !== null && parentIndex >= 0
    return {
      letter: b.letter,
      name: b.name,
      y: here,
      from: curved ? at + 16 : at,
      fork: curved ? `M${at} ${above}C${at + 14} ${above} ${at} ${here} ${at + 16} ${here}` : null,
      commands: labels[i] ?? [],
      marks: markFlags(
        marks.filter((m) => m.branch === b.letter),
        scale,
        right,
        labels[i + 1] ?? [],
      ),
    }
  })
}

/** Instants of a lane at which something was done, ascending: for stepping from event to event. */
export function instantsOf(
  letter: BranchLetter,
  commands: readonly CommandRecord[],
  marks: readonly MarkRecord[],
): number[] {
  const all = [
    ...commands.filter((c) => c.branch === letter && c.origin !== 'scenario'),
    ...marks.filter((m) => m.branch === letter),
  ]
  return [...new Set(all.map((e) => e.t))].sort((a, b) => a - b)
}

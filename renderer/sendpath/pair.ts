/** What the picture of two runs says that the picture of one does not: the knobs of both, the unit in front of both numbers. */
import type { BranchLetter, SendPath } from '../../preload/contract'
import { decimalsFor, formatNumber, formatPoints, formatQuantity, formatShare, thin, unitScale } from '../charts/format'
import { perByte } from './columns'
import type { RowId } from './rows'

/** The knobs that decide, by run; undefined where the host has not said yet. */
export interface PairKnobs {
  letters: readonly [BranchLetter, BranchLetter]
  extPgs: readonly [string | undefined, string | undefined]
  nomap: readonly [boolean | undefined, boolean | undefined]
  txcsum: readonly [boolean | undefined, boolean | undefined]
}

/** A piece of a sentence; a letter is set in the colour of its run. */
export interface TextPart {
  letter?: BranchLetter
  text: string
}

function both<T>(
  name: string,
  letters: readonly [BranchLetter, BranchLetter],
  values: readonly [T, T],
  say: (v: T) => string,
): TextPart[] {
  if (values[0] === undefined || values[1] === undefined) return []
  if (values[0] === values[1]) return [{ text: `${name} ${say(values[0])} in both` }]
  return [
    { text: `${name}: ` },
    { letter: letters[0], text: ` ${say(values[0])}, ` },
    { letter: letters[1], text: ` ${say(values[1])}` },
  ]
}

/** The line under the name of a layer: the knob tested there, with its value in both runs. */
export function pairKnobText(knobs: PairKnobs, row: RowId): TextPart[] {
  const onOff = (v: boolean | undefined): string => (v === true ? 'on' : 'off')
  if (row === 'sockbuf') return both('ext_pgs', knobs.letters, knobs.extPgs, String)
  if (row !== 'ip') return []
  const nomapDiffers = knobs.nomap[0] !== knobs.nomap[1]
  const sumsDiffer = knobs.txcsum[0] !== knobs.txcsum[1] || knobs.txcsum[0] === false
  return sumsDiffer && !nomapDiffers
    ? both('txcsum', knobs.letters, knobs.txcsum, onOff)
    : both('nomap', knobs.letters, knobs.nomap, onOff)
}

/** The numbers of the whole host in both runs, in the same scale, and the unit that stands before them. */
export function pairNumbers(a: SendPath, b: SendPath, row: RowId): { unit: string; values: readonly [string, string] } {
  if (row === 'vlan') return { unit: '', values: ['', ''] }
  if (row === 'card') return { unit: 'in the ring', values: [formatNumber(a.ring.used), formatNumber(b.ring.used)] }
  const unit = a.layers[row].hostUnit
  const [x, y] = [a.layers[row].host, b.layers[row].host]
  const scale = unitScale(Math.max(x, y), unit)
  if (!unit.endsWith('/s')) return { unit, values: [formatQuantity(x, unit).text, formatQuantity(y, unit).text] }
  const decimals = decimalsFor(Math.max(x, y) * scale.factor)
  return {
    unit: scale.unit,
    values: [formatNumber(x * scale.factor, decimals), formatNumber(y * scale.factor, decimals)],
  }
}

/** A part of the verdict: words, number, unit. */
export interface VerdictPart {
  name: string
  value: string
  unit: string
  /** A conversion or a copy happens: the number stands out. */
  tone: 'plain' | 'conv' | 'copy'
}

/** The verdict of one run, in the order of the look: copied, converted, CPU. */
export function verdictParts(path: SendPath): VerdictPart[] {
  const { copiedPerByte, convertedPerByte, cpu } = path.verdict
  return [
    {
      name: 'copied by CPU',
      value: perByte(copiedPerByte),
      unit: 'B/B',
      tone: copiedPerByte >= 0.0005 ? 'copy' : 'plain',
    },
    {
      name: 'converted',
      value: perByte(convertedPerByte),
      unit: 'B/B',
      tone: convertedPerByte >= 0.0005 ? 'conv' : 'plain',
    },
    { name: 'CPU', value: `${formatShare(cpu)}${thin}%`, unit: '', tone: 'plain' },
  ]
}

/** The verdict of two runs: what is equal once, what differs for both, and the difference of the CPU shares in points. */
export function pairVerdict(a: SendPath, b: SendPath): VerdictPart[] {
  const one = (name: string, x: number, y: number, tone: VerdictPart['tone']): VerdictPart => {
    const same = perByte(x) === perByte(y)
    const lifted = Math.max(x, y) >= 0.0005 ? tone : 'plain'
    return same
      ? { name, value: perByte(x), unit: 'B/B in both', tone: lifted }
      : { name, value: `${perByte(x)} and ${perByte(y)}`, unit: 'B/B', tone: lifted }
  }
  return [
    one('copied by CPU', a.verdict.copiedPerByte, b.verdict.copiedPerByte, 'copy'),
    one('converted', a.verdict.convertedPerByte, b.verdict.convertedPerByte, 'conv'),
    {
      name: `CPU, ${b.branch} − ${a.branch}`,
      value: formatPoints(b.verdict.cpu - a.verdict.cpu),
      unit: '',
      tone: 'plain',
    },
  ]
}

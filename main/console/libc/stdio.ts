/** Standard output and error of a command, and the printf(3) conversions that the commands need. */
import type { CommandResult, Written } from '../shell/run'

/** Collects what a command writes, in order. */
export class Output {
  readonly written: Written[] = []

  constructor(
    /** Name in front of warnings, as getprogname(3). */
    readonly program: string,
  ) {}

  /** Writes to standard output. */
  print(text: string): void {
    this.write('out', text)
  }

  /** Writes to standard error as it is. */
  complain(text: string): void {
    this.write('err', text)
  }

  /** warnx(3): `PROGRAM: text` to standard error. */
  warnx(text: string): void {
    this.write('err', `${this.program}: ${text}\n`)
  }

  private write(to: Written['to'], text: string): void {
    if (text === '') return
    const last = this.written.at(-1)
    if (last?.to === to) last.text += text
    else this.written.push({ to, text })
  }

  exit(status: number): CommandResult {
    return { written: this.written, status }
  }
}

/** A command that only prints. */
export function printed(text: string, status = 0): CommandResult {
  return { written: text === '' ? [] : [{ to: 'out', text }], status }
}

/** A command that only complains. */
export function complained(text: string, status: number): CommandResult {
  return { written: [{ to: 'err', text }], status }
}

/** `%Ns` and `%-N.Ms`: right-justified for a positive width, left-justified for a negative one, cut to `cut` characters. */
export function pad(value: string | number, width: number, cut = Infinity): string {
  const text = String(value).slice(0, cut)
  return width < 0 ? text.padEnd(-width) : text.padStart(width)
}

/** Number as `%ju` prints it: no exponent, no fraction. */
export function whole(value: number): string {
  return Math.abs(value) < 1e21 ? String(Math.trunc(value)) : BigInt(Math.trunc(value)).toString()
}

/** printb of ifconfig(8): `LABEL=hex<NAMES>`, lower case without 0x; unnamed bits count in the number only. */
export function printb(label: string, value: number, names: readonly { bit: number; name: string }[]): string {
  const list = names.filter(({ bit, name }) => name !== '' && (value & bit) !== 0).map(({ name }) => name)
  return `${label}=${(value >>> 0).toString(16)}<${list.join(',')}>`
}

/** atoi(3): leading digits, 0 for anything else. */
export function atoi(text: string): number {
  const match = /^\s*([+-]?\d+)/.exec(text)
  return match === null ? 0 : Number(match[1]) | 0
}

/** strtol(3) with base 0 over the whole text; null if it is not a number. 0x and leading 0 are read as C does. */
export function strtol(text: string): number | null {
  const match = /^\s*([+-]?)(0[xX][0-9a-fA-F]+|\d+)$/.exec(text)
  if (match === null) return null
  const digits = match[2]
  if (/^0\d/.test(digits) && !/^[0-7]+$/.test(digits)) return null
  const value = /^0\d/.test(digits) ? parseInt(digits, 8) : Number(digits)
  return match[1] === '-' ? -value : value
}

/** Values of the sysctl tree as text. Source: sbin/sysctl/sysctl.c show_var(), ctl_typename (reference console-tools 2.1; read). */
import type { SysctlOid, SysctlValue } from '../../../emulator/index'
import { ctime } from '../../libc/time'
import { whole } from '../../libc/stdio'

/** Words of `-t` and of "invalid … 'x'", with the width of a value in bytes. There is no bool type: it shows as uint8_t. */
const types: { readonly [type in SysctlOid['type']]: { readonly word: string; readonly bytes: number } } = {
  node: { word: 'node', bytes: 0 },
  bool: { word: 'uint8_t', bytes: 1 },
  int: { word: 'integer', bytes: 4 },
  uint: { word: 'unsigned integer', bytes: 4 },
  long: { word: 'long integer', bytes: 8 },
  ulong: { word: 'unsigned long', bytes: 8 },
  s64: { word: 'int64_t', bytes: 8 },
  u64: { word: 'uint64_t', bytes: 8 },
  u8: { word: 'uint8_t', bytes: 1 },
  u16: { word: 'uint16_t', bytes: 2 },
  u32: { word: 'uint32_t', bytes: 4 },
  string: { word: 'string', bytes: 0 },
  opaque: { word: 'opaque', bytes: 0 },
}

export function typeWord(oid: SysctlOid): string {
  return types[oid.type].word
}

export function isNumeric(oid: SysctlOid): boolean {
  return types[oid.type].bytes > 0
}

export interface FormatOptions {
  hexadecimal: boolean
  /** Opaque values: format, length and dump. */
  opaque: boolean
}

/** The value as printed behind the name, or null where sysctl(8) prints nothing. */
export function formatValue(oid: SysctlOid, value: SysctlValue, options: FormatOptions): string | null {
  if (typeof value === 'string') return value
  if (typeof value === 'number') return formatNumber(oid, value, options)
  if (oid.type === 'opaque') {
    const structure = options.hexadecimal ? null : formatStructure(oid.format ?? '', value)
    if (structure !== null) return structure
    return options.opaque || options.hexadecimal ? dumpOpaque(oid, value, options) : null
  }
  return [...value].map((entry) => formatNumber(oid, entry, options)).join(' ')
}

function dumpOpaque(oid: SysctlOid, value: Uint8Array | readonly number[], options: FormatOptions): string {
  const bytes = value instanceof Uint8Array ? value : structureBytes(oid.format ?? '', value)
  const shown = options.hexadecimal ? bytes : bytes.subarray(0, 16)
  const dump = [...shown].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  const more = shown.length < bytes.length ? '...' : ''
  return `Format:${oid.format ?? 'S'} Length:${bytes.length} Dump:0x${dump}${more}`
}

function formatNumber(oid: SysctlOid, value: number, options: FormatOptions): string {
  if (options.hexadecimal) {
    const { bytes } = types[oid.type]
    const modulus = 1n << BigInt(bytes * 8)
    const bits = ((BigInt(Math.trunc(value)) % modulus) + modulus) % modulus
    // printf("%#0*jx"): the alternative form of 0 has no prefix, and the width stays.
    return bits === 0n ? '0'.repeat(bytes * 2 + 2) : `0x${bits.toString(16).padStart(bytes * 2, '0')}`
  }
  if (oid.format === 'IK') return value < 0 ? whole(value) : `${((value - 2732) / 10).toFixed(1)}C`
  return whole(value)
}

/** Structures that sysctl(8) knows. Their owners give the members that are printed, in the order printed. */
function formatStructure(format: string, members: Uint8Array | readonly number[]): string | null {
  if (members instanceof Uint8Array) return null
  switch (format) {
    case 'S,clockinfo':
      return `{ hz = ${members[0]}, tick = ${members[1]}, profhz = ${members[2]}, stathz = ${members[3]} }`
    case 'S,loadavg':
      return `{ ${members.map((load) => load.toFixed(2)).join(' ')} }`
    case 'S,timeval':
      return `{ sec = ${members[0]}, usec = ${members[1]} } ${ctime(members[0])}`
    default:
      return null
  }
}

/** Bytes of a known structure on amd64, for -b and -x. */
function structureBytes(format: string, members: readonly number[]): Uint8Array {
  const layout: readonly (readonly [bytes: number, value: number])[] =
    format === 'S,clockinfo'
      ? [members[0], members[1], 0, members[3], members[2]].map((value) => [4, value] as const)
      : format === 'S,loadavg'
        ? [...members.map((load) => [4, Math.round(load * 2048)] as const), [4, 0], [8, 2048]]
        : members.map((value) => [8, value] as const)
  return Uint8Array.from(layout.flatMap(([width, value]) => littleEndian(value, width)))
}

function littleEndian(value: number, width: number): number[] {
  let bits = BigInt.asUintN(64, BigInt(Math.trunc(value)))
  const bytes: number[] = []
  for (let i = 0; i < width; i++) {
    bytes.push(Number(bits & 0xffn))
    bits >>= 8n
  }
  return bytes
}

/** `-b`: the raw bytes, one character a byte. */
export function rawValue(oid: SysctlOid, value: SysctlValue): string {
  if (typeof value === 'string') return `${value}\0`
  if (value instanceof Uint8Array) return String.fromCharCode(...value)
  const numbers = typeof value === 'number' ? [value] : value
  if (oid.type === 'opaque') return String.fromCharCode(...structureBytes(oid.format ?? '', numbers))
  return numbers.map((number) => String.fromCharCode(...littleEndian(number, types[oid.type].bytes))).join('')
}

/**
 * The sysctl tree: declared knobs (DESIGN 4, rule 6). One declaration says everything about a name; console, help, completion, validation, the
 * settings panel and the reference page are made from it.
 *
 * Values live in a registered table (numbers) and record (strings), or with their owner, who then declares `get` (and `set`). Tunables are
 * looked up once, when the name is declared, as the kernel does at SYSINIT time; constructors that need a tunable earlier use `getenv`.
 *
 * Source: sys/kern/kern_sysctl.c, sysctl_register_oid, sysctl_load_tunable_by_oid_locked, sysctl_root, name2oid; sys/kern/kern_environment.c, getenv_quad (read).
 */
import type { Registry, Table } from '../machine/state'
import { EINVAL, EISDIR, ENOENT, EPERM } from '../sys/errno'
import { CTL_AUTO_START, staticOids } from '../sys/sysctl'

/** Types as declared in the kernel. `bool` is shown by sysctl(8) as uint8_t; `counter` (per-CPU counter) as uint64_t; `proc string` is a string. */
export type SysctlType =
  'node' | 'bool' | 'int' | 'uint' | 'long' | 'ulong' | 's64' | 'u64' | 'u8' | 'u16' | 'u32' | 'string' | 'opaque'

/** `rd` read-only, `rw` writable, `rdtun` read-only loader tunable, `rwtun` writable and tunable. */
export type SysctlAccess = 'rd' | 'rw' | 'rdtun' | 'rwtun'

/** Numbers, arrays of numbers, text, or (opaque) raw little-endian bytes. */
export type SysctlValue = number | string | readonly number[] | Uint8Array

export type Fidelity = 'read' | 'derived' | 'assumed'

export interface SysctlDeclaration {
  /** Full dotted name. */
  name: string
  type: SysctlType
  access: SysctlAccess
  /** Initial value where the tree holds it. Ignored when `get` is given. */
  default?: number | string
  /** Inclusive range of numbers. A write outside answers EINVAL. */
  range?: readonly [low: number, high: number]
  /** `''` for pure numbers and switches. */
  unit: string
  description: string
  /** File of the kernel that defines it, and what is not from there. */
  source: string
  fidelity: Fidelity
  /** Format as in oidfmt(9), when it is not the type's own: `IK` and `IC` temperatures, `S,clockinfo`, `S,loadavg`, `S,timeval`, `S,vmtotal`. */
  format?: string
  /** Left out of listings, printed when named (CTLFLAG_SKIP). */
  skip?: boolean
  /** Statistics (CTLFLAG_STATS): `sysctl -W` leaves it out though it is writable. */
  stats?: boolean
  /** Reads the value from its owner. */
  get?: () => SysctlValue
  /** Checks and takes a new value; 0 or an errno. With `get`, and without it the name cannot be written. */
  set?: (value: number | string) => number
  /** Brought by a kernel module: there only while that is loaded. The module keeps the value (`get`, `set`), the table has no row for it. */
  module?: { loaded(): boolean }
  /** With `get`: the tree sets no row aside, so that a name added to it does not move digests written down before. It has no handle (id 0). */
  rowless?: boolean
}

/** A registered name. */
export interface SysctlOid extends Omit<SysctlDeclaration, 'type'> {
  readonly type: SysctlType
  /** Row of the value table; handle for `number` and `setNumber`. */
  readonly id: number
  /** Number in the parent, as the kernel would give it. */
  readonly oid: number
  /** Last component. */
  readonly label: string
  readonly parent: SysctlOid | null
  /** Children in OID order. Empty for leaves. */
  readonly children: SysctlOid[]
  /** The value a freshly booted machine shows before tunables, or null if it is not a constant. */
  readonly declaredDefault: number | string | null
}

/** What the tree needs of its host; `Kernel` has it. */
export interface SysctlHost {
  registry: Registry
  part(name: string): string
  config: { tunables: { [name: string]: string }; sysctls: { [name: string]: string } }
}

const TWO_63 = 9223372036854775808
const wideLimits: { readonly [type: string]: readonly [number, number] } = {
  // 64-bit values are kept as doubles: exact up to 2^53, which no counter of the emulated machine reaches.
  long: [-TWO_63, TWO_63],
  s64: [-TWO_63, TWO_63],
  ulong: [0, 2 * TWO_63],
  u64: [0, 2 * TWO_63],
}

/** Text of a tunable → number as getenv_quad reads it (strtoq base 0 and one letter t g m k), or null. */
export function parseTunable(text: string): number | null {
  const match = /^\s*([+-]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)([tTgGmMkK]?)\s*$/.exec(text)
  if (match === null) return null
  const digits = match[2]
  const magnitude = /^0[0-7]+$/.test(digits) ? parseInt(digits, 8) : Number(digits)
  const scale = { t: 1099511627776, g: 1073741824, m: 1048576, k: 1024, '': 1 }[match[3].toLowerCase()] ?? 1
  return (match[1] === '-' ? -magnitude : magnitude) * scale
}

export class SysctlTree {
  /** Top-level nodes in OID order. */
  readonly roots: SysctlOid[] = []
  private readonly byName = new Map<string, SysctlOid>()
  private readonly byId: (SysctlOid | null)[] = [null]
  private nextAuto = CTL_AUTO_START
  private readonly values: Table<{ number: 'f64' }>
  private readonly texts: { [name: string]: string }
  private readonly tunables: { readonly [name: string]: string }
  private readonly usedTunables = new Set<string>()
  /** Tunables and boot-time sysctls that were refused, with the errno. Filled while the machine is built, not state. */
  readonly refused: { name: string; value: string; error: number }[] = []
  private readonly bootValues: { readonly [name: string]: string }

  constructor(host: SysctlHost) {
    this.tunables = host.config.tunables
    this.bootValues = host.config.sysctls
    this.values = host.registry.table(host.part('sysctl'), { number: 'f64' }, 256)
    this.texts = host.registry.record(host.part('sysctlText'), {})
  }

  /** A tunable of the loader's environment, or undefined. For constructors that run before the name is declared (kern_getenv). */
  getenv(name: string): string | undefined {
    const value = this.tunables[name]
    if (value !== undefined) this.usedTunables.add(name)
    return value
  }

  /** A numeric tunable, or `otherwise` if it is not set or not a number (TUNABLE_INT_FETCH). */
  getenvNumber(name: string, otherwise: number): number {
    const text = this.getenv(name)
    const value = text === undefined ? null : parseTunable(text)
    return value ?? otherwise
  }

  /** Tunables that nothing asked for: misspelt, or not modelled. To be called when the machine is built. */
  unusedTunables(): string[] {
    return Object.keys(this.tunables).filter((name) => !this.usedTunables.has(name))
  }

  /** Registers a node with its description; parents that nobody described are made silently. */
  node(name: string, description: string, source = '', fidelity: Fidelity = 'read'): SysctlOid {
    const existing = this.byName.get(name)
    if (existing !== undefined) {
      if (existing.type !== 'node') throw new Error(`sysctl ${name} is a leaf, it cannot have children`)
      if (description !== '') {
        existing.description = description
        existing.source = source
      }
      return existing
    }
    return this.register({ name, type: 'node', access: 'rd', unit: '', description, source, fidelity })
  }

  /** A node that a kernel module brings. */
  moduleNode(name: string, description: string, source: string, module: { loaded(): boolean }): void {
    this.register({ name, type: 'node', access: 'rd', unit: '', description, source, fidelity: 'read', module })
  }

  /** Registers a leaf, applies its tunable, and returns its id. */
  declare(declaration: SysctlDeclaration): number {
    if (declaration.type === 'node') return this.node(declaration.name, declaration.description, declaration.source).id
    if (this.byName.has(declaration.name)) throw new Error(`sysctl ${declaration.name} is declared twice`)
    const oid = this.register(declaration)
    if (oid.get === undefined) {
      const initial = oid.default ?? (oid.type === 'string' ? '' : 0)
      if (typeof initial === 'string') this.texts[oid.name] = initial
      else this.values.number[oid.id] = initial
    }
    if (oid.access.endsWith('tun')) this.loadTunable(oid)
    return oid.id
  }

  /** Writes the boot-time values (sysctl.conf) in the order given; what the tree refuses is listed in `refused`. */
  applyBoot(): void {
    for (const name of Object.keys(this.bootValues)) {
      const text = this.bootValues[name]
      const oid = this.find(name)
      let error = ENOENT
      if (oid !== undefined) {
        const value = oid.type === 'string' ? text : parseTunable(text)
        error = value === null ? EINVAL : this.write(oid, value)
      }
      if (error !== 0) this.refused.push({ name, value: text, error })
    }
  }

  private register(declaration: SysctlDeclaration): SysctlOid {
    const { name } = declaration
    const dot = name.lastIndexOf('.')
    const parent = dot < 0 ? null : this.node(name.slice(0, dot), '')
    const siblings = parent === null ? this.roots : parent.children
    const id = declaration.rowless === true || declaration.module !== undefined ? 0 : this.values.alloc()
    const { get, default: initial } = declaration
    const oid: SysctlOid = {
      ...declaration,
      id,
      oid: staticOids[name] ?? this.nextAuto++,
      label: name.slice(dot + 1),
      parent,
      children: [],
      declaredDefault: get === undefined || initial !== undefined ? (initial ?? null) : null,
    }
    let at = siblings.length
    while (at > 0 && siblings[at - 1].oid > oid.oid) at--
    siblings.splice(at, 0, oid)
    this.byName.set(name, oid)
    if (id !== 0) this.byId[id] = oid
    return oid
  }

  private loadTunable(oid: SysctlOid): void {
    const text = this.getenv(oid.name)
    if (text === undefined) return
    let error = EINVAL
    if (oid.type === 'string') error = this.store(oid, text)
    else {
      const value = parseTunable(text)
      // An owner without `set` fetched its tunable itself, before the declaration.
      if (value !== null) error = oid.get !== undefined && oid.set === undefined ? 0 : this.store(oid, value)
    }
    if (error !== 0) this.refused.push({ name: oid.name, value: text, error })
  }

  /** The registered name, or undefined. A trailing dot is accepted as sysctl(8) does. */
  find(name: string): SysctlOid | undefined {
    const oid = this.byName.get(name.endsWith('.') ? name.slice(0, -1) : name)
    return oid !== undefined && isThere(oid) ? oid : undefined
  }

  /** The name of a handle. */
  of(id: number): SysctlOid {
    const oid = this.byId[id]
    if (oid === null || oid === undefined) throw new Error(`no sysctl has the id ${id}`)
    return oid
  }

  /** Children of a node (of the root without argument) in OID order: what completion offers. */
  childrenOf(name?: string): readonly SysctlOid[] {
    return name === undefined || name === '' ? this.roots : (this.find(name)?.children.filter(isThere) ?? [])
  }

  /** Leaves below a node in the order in which sysctl(8) prints them. Names flagged SKIP appear only with `all`. */
  list(name?: string, all = false): SysctlOid[] {
    const out: SysctlOid[] = []
    const walk = (oids: readonly SysctlOid[]): void => {
      for (const oid of oids) {
        if ((oid.skip === true && !all) || !isThere(oid)) continue
        if (oid.type === 'node') walk(oid.children)
        else out.push(oid)
      }
    }
    if (name === undefined || name === '') walk(this.roots)
    else {
      const oid = this.find(name)
      if (oid !== undefined) {
        if (oid.type === 'node') walk(oid.children)
        else out.push(oid)
      }
    }
    return out
  }

  /** Every declared leaf and node, in OID order, depth first. For help, completion and reference pages. */
  all(): SysctlOid[] {
    const out: SysctlOid[] = []
    const walk = (oids: readonly SysctlOid[]): void => {
      for (const oid of oids) {
        if (!isThere(oid)) continue
        out.push(oid)
        walk(oid.children)
      }
    }
    walk(this.roots)
    return out
  }

  /** Value of a leaf. Throws on a node or an unknown name: callers look names up first. */
  read(name: string | SysctlOid): SysctlValue {
    const oid = typeof name === 'string' ? this.find(name) : name
    if (oid === undefined || oid.type === 'node')
      throw new Error(`sysctl ${typeof name === 'string' ? name : name.name} has no value`)
    if (oid.get !== undefined) return oid.get()
    return oid.type === 'string' ? (this.texts[oid.name] ?? '') : this.values.number[oid.id]
  }

  /** Numeric value by handle, for kernel code: one array access. Only for names whose value the tree holds. */
  number(id: number): number {
    return this.values.number[id]
  }

  /** Sets a value the tree holds from kernel code, without checks. */
  setNumber(id: number, value: number): void {
    this.values.number[id] = value
  }

  isWritable(oid: SysctlOid): boolean {
    return oid.access === 'rw' || oid.access === 'rwtun'
  }

  isTunable(oid: SysctlOid): boolean {
    return oid.access === 'rdtun' || oid.access === 'rwtun'
  }

  /**
   * sysctl_root with a new value. Checks in the kernel's order: exists (ENOENT), is a leaf (EISDIR), writable (EPERM), privileged (EPERM),
   * then the handler's. Numbers are cut to the type's width as sysctl(8) would have parsed them; a bool takes any non-zero byte.
   */
  write(name: string | SysctlOid, value: number | string, privileged = true): number {
    const oid = typeof name === 'string' ? this.find(name) : name
    if (oid === undefined) return ENOENT
    if (oid.type === 'node') return EISDIR
    if (!this.isWritable(oid)) return EPERM
    if (!privileged) return EPERM
    return this.store(oid, value)
  }

  private store(oid: SysctlOid, value: number | string): number {
    if (oid.type === 'string' || oid.type === 'opaque') {
      if (oid.set !== undefined) return oid.set(value)
      if (oid.get !== undefined) return EPERM
      this.texts[oid.name] = String(value)
      return 0
    }
    if (typeof value !== 'number' || Number.isNaN(value)) return EINVAL
    const wanted = narrow(oid.type, value)
    if (oid.range !== undefined && (wanted < oid.range[0] || wanted > oid.range[1])) return EINVAL
    if (oid.set !== undefined) return oid.set(wanted)
    if (oid.get !== undefined) return EPERM
    this.values.number[oid.id] = wanted
    return 0
  }
}

/** False for a name of a module that is not loaded. */
function isThere(oid: SysctlOid): boolean {
  return oid.module === undefined || oid.module.loaded()
}

/** A number as the type holds it: wraps like the C conversion; bool is 0 or 1 of the low byte. */
function narrow(type: SysctlType, value: number): number {
  const whole = Math.trunc(value)
  switch (type) {
    case 'bool':
      return (whole & 0xff) === 0 ? 0 : 1
    case 'int':
      return whole | 0
    case 'uint':
    case 'u32':
      return whole >>> 0
    case 'u16':
      return whole & 0xffff
    case 'u8':
      return whole & 0xff
    default: {
      const [low, high] = wideLimits[type]
      return Math.min(high, Math.max(low, whole))
    }
  }
}

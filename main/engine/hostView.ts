/** What the window shows of a host: interfaces with their capabilities, and every declared knob. Reads only. */
import type { BranchInfo, CapabilityState, HostState, InterfaceState, KnobState } from '../../preload/contract'
import { inet_ntop6, systemCalls, type Machine, type SysctlOid, type SysctlValue, type SystemCalls } from '../emulator'

const IFF_UP = 0x1
const IFF_RUNNING = 0x40

/** Keywords of capabilities that a fresh interface has, but not on. */
const offAtFirst: readonly string[] = ['toe', 'wol_ucast', 'wol_mcast']

/** HostState without the letter, which the engine does not know. */
export type HostView = Omit<HostState, 'branch'>

/** Values of knobs right after boot, by name: what a host without a declared default starts with. */
export type BootValues = ReadonlyMap<string, string>

const knobTypes: { [type: string]: KnobState['type'] } = {
  bool: 'bool',
  int: 'int',
  uint: 'uint',
  long: 'long',
  ulong: 'ulong',
  s64: 'quad',
  u64: 'quad',
  u8: 'uint',
  u16: 'uint',
  u32: 'uint',
  string: 'string',
  opaque: 'opaque',
  node: 'node',
}

function valueText(value: SysctlValue): string {
  if (typeof value === 'string' || typeof value === 'number') return String(value)
  return value instanceof Uint8Array ? `${value.length} bytes` : value.join(' ')
}

/** Text of every knob, for {@link BootValues}. */
export function bootValues(machine: Machine, host: number): BootValues {
  const sys = systemCalls(machine.kernels[host])
  return new Map(sys.sysctl.list().map((oid) => [oid.name, valueText(sys.sysctl.read(oid))]))
}

function knobOf(sys: SystemCalls, oid: SysctlOid, boot: BootValues): KnobState {
  const value = valueText(sys.sysctl.read(oid))
  const writable = sys.sysctl.isWritable(oid)
  const access = writable ? 'rw' : sys.sysctl.isTunable(oid) ? 'boot' : 'rd'
  const declared = oid.declaredDefault
  // What can only be read has no default of its own: it says how things are.
  const defaultValue = access === 'rd' ? value : declared === null ? (boot.get(oid.name) ?? value) : String(declared)
  const range =
    oid.type === 'bool'
      ? { low: '0', high: '1' }
      : oid.range === undefined
        ? null
        : { low: String(oid.range[0]), high: String(oid.range[1]) }
  return {
    name: oid.name,
    value,
    defaultValue,
    unit: oid.unit,
    type: knobTypes[oid.type] ?? 'opaque',
    access,
    range,
    description: oid.description,
    source: `${oid.source} (${oid.fidelity})`,
  }
}

function speedText(bps: number): string {
  if (bps >= 1e9) return `${bps / 1e9}G`
  return bps >= 1e6 ? `${bps / 1e6}M` : ''
}

function capabilitiesOf(
  machine: Machine,
  host: number,
  name: string,
  ifp: number,
  sys: SystemCalls,
): CapabilityState[] {
  const { if_capabilities, if_capenable } = machine.kernels[host].ifnet
  const offered = if_capabilities[ifp] >>> 0
  const enabled = if_capenable[ifp] >>> 0
  const configured = machine.config.hosts[host].interfaces.find((entry) => entry.name === name)?.capabilities ?? {}
  return sys.capabilities
    .filter(({ bit, printed }) => printed !== '' && (offered & bit) !== 0)
    .map(({ bit, printed, keywords, description }) => {
      const keyword = keywords[0] ?? printed.toLowerCase().replace(/_/g, '')
      const on = (enabled & bit) !== 0
      return {
        keyword,
        printed,
        bit,
        on,
        // Drivers switch on everything they offer but TOE and two of the ways to be woken. Source: T4_CAP_ENABLE; em_if_attach_pre (read).
        defaultOn: keyword in configured || keywords.length > 0 ? !offAtFirst.includes(keyword) : on,
        fixed:
          keywords.length === 0
            ? 'ifconfig(8) has no keyword for it'
            : keyword === 'toe'
              ? 'needs t4_tom, which is not loaded'
              : null,
        description,
      }
    })
}

function interfaceOf(machine: Machine, host: number, sys: SystemCalls, name: string, ifp: number): InterfaceState {
  const { if_flags, if_drv_flags, if_baudrate, if_link_state } = machine.kernels[host].ifnet
  const up = (if_flags[ifp] & IFF_UP) !== 0
  const running = ((if_flags[ifp] | if_drv_flags[ifp]) & IFF_RUNNING) !== 0
  const vlan = { vlr_parent: '' }
  const parent = sys.ioctl('SIOCGETVLAN', name, vlan) === 0 && vlan.vlr_parent !== '' ? vlan.vlr_parent : null
  const carrier = if_link_state[ifp] !== 1
  return {
    name,
    up,
    running,
    speed: speedText(if_baudrate[ifp]),
    reason: !up ? 'it is down' : !carrier ? 'it has no carrier' : null,
    capabilities: capabilitiesOf(machine, host, name, ifp, sys),
    parent,
  }
}

export function hostView(machine: Machine, host: number, boot: BootValues): HostView {
  const sys = systemCalls(machine.kernels[host])
  return {
    t: machine.time,
    hostname: sys.hostname(),
    interfaces: sys.interfaces().map(({ name, index }) => interfaceOf(machine, host, sys, name, index)),
    knobs: sys.sysctl
      .list()
      .filter(({ type }) => type !== 'node' && type !== 'opaque')
      .map((oid) => knobOf(sys, oid, boot)),
  }
}

/**
 * Everything that a command can set, by the names of `--set`: writable knobs, capabilities (`cc0.nomap`), flags, MTU and addresses. Two equal maps
 * mean that nothing was changed in between.
 */
export function settingsOf(machine: Machine, host: number): Map<string, string> {
  const kernel = machine.kernels[host]
  const sys = systemCalls(kernel)
  const { if_flags, if_capenable, if_capabilities, if_mtu, text } = kernel.ifnet
  const settings = new Map<string, string>()
  for (const oid of sys.sysctl.list())
    if (sys.sysctl.isWritable(oid) && oid.stats !== true) settings.set(oid.name, valueText(sys.sysctl.read(oid)))
  for (const { name, index, addresses, addresses6 } of sys.interfaces()) {
    for (const { bit, keywords } of sys.capabilities)
      if (keywords.length > 0 && (if_capabilities[index] & bit) !== 0)
        settings.set(`${name}.${keywords[0]}`, (if_capenable[index] & bit) !== 0 ? 'on' : 'off')
    settings.set(`${name}.up`, (if_flags[index] & IFF_UP) !== 0 ? 'on' : 'off')
    settings.set(`${name}.mtu`, String(if_mtu[index]))
    settings.set(`${name}.description`, text.descriptions[index] ?? '')
    settings.set(`${name}.inet`, addresses.map(({ address, netmask }) => `${address}/${netmask}`).join(' '))
    settings.set(`${name}.inet6`, addresses6.map((a) => `${inet_ntop6(a.words)}/${a.prefixLength}`).join(' '))
  }
  return settings
}

/** Settings that differ from those at boot. */
export function changedSettings(
  boot: ReadonlyMap<string, string>,
  now: ReadonlyMap<string, string>,
): BranchInfo['changed'] {
  const changed: BranchInfo['changed'] = []
  for (const [name, to] of now) {
    const from = boot.get(name) ?? ''
    if (from !== to) changed.push({ name, from, to })
  }
  return changed
}

/**
 * `--set K=V[,V…]`: knobs by the console's own names (`kern.ipc.mb_use_ext_pgs=1`, `cc0.nomap=off`) or fields of the scenario
 * (`workload.connections=1000`, `link.rate=10Gbps`). A host other than the first is named in front (`client:net.inet.tcp.delayed_ack=0`).
 */
import { costParameters } from '../../emulator'
import { didYouMean, nearMatches } from '../nearMatches'
import { LabProblem } from '../problem'
import { checkScenario, knownKeys, type LoadedScenario } from './load'
import type { Scenario } from './schema'

/** `K=V,V`: one axis of a sweep. */
export interface KnobAxis {
  name: string
  values: string[]
}

/** One choice of values, in the order of the axes. */
export type Knobs = { [name: string]: string }

/** Names that a booted machine knows; see {@link knownKnobs}. */
export interface KnownKnobs {
  /** Leaves of the sysctl tree: whether they can be written at run time and set by the loader. */
  sysctls: ReadonlyMap<string, { writable: boolean; tunable: boolean }>
  /** Capability keywords of ifconfig(8) of a T6 port. */
  capabilities: readonly string[]
  /** The same of the other models. */
  capabilitiesOf?: { readonly [model: string]: readonly string[] }
}

/** Scenario groups whose fields can be set. */
const fieldGroups = ['workload', 'link', 'files', 'cost'] as const
const topFields = ['duration', 'warmup', 'sample', 'seed'] as const

const badSet = (text: string, why: string): LabProblem =>
  new LabProblem(
    'bad-set',
    `--set ${text}: ${why}.`,
    'Write for instance --set kern.ipc.mb_use_ext_pgs=1 or --set link.loss=0,0.01.',
  )

/** Splits `K=V,V`. */
export function parseSet(text: string): KnobAxis {
  const equals = text.indexOf('=')
  if (equals <= 0) throw badSet(text, 'there is no name and value')
  const name = text.slice(0, equals).trim()
  const values = text
    .slice(equals + 1)
    .split(',')
    .map((value) => value.trim())
  if (values.some((value) => value === '')) throw badSet(text, 'a value is empty')
  if (new Set(values).size !== values.length) throw badSet(text, 'a value stands there twice')
  return { name, values }
}

/** Merges repeated names (the last one counts) and multiplies the axes out, the last axis fastest. */
export function multiply(axes: readonly KnobAxis[]): Knobs[] {
  const merged = new Map<string, string[]>()
  for (const axis of axes) merged.set(axis.name, axis.values)
  let combinations: Knobs[] = [{}]
  for (const [name, values] of merged)
    combinations = combinations.flatMap((knobs) => values.map((value) => ({ ...knobs, [name]: value })))
  return combinations
}

/** Every dotted scenario field that can be set, for near matches. */
export function settableFields(): string[] {
  const fields: string[] = [...topFields]
  const walk = (path: string[]): void => {
    for (const key of knownKeys(path)) {
      const deeper = knownKeys([...path, key])
      if (deeper.length === 0) fields.push([...path, key].join('.'))
      else walk([...path, key])
    }
  }
  for (const group of fieldGroups) walk([group])
  return fields.sort()
}

const switchWords: { [word: string]: boolean } = {
  on: true,
  '1': true,
  yes: true,
  true: true,
  off: false,
  '0': false,
  no: false,
  false: false,
}

/**
 * The scenario with knobs set. Unknown names and impossible values are refused in one sentence with near matches.
 */
export function applyKnobs(loaded: LoadedScenario, knobs: Knobs, known: KnownKnobs): Scenario {
  const written = structuredClone(loaded.written)
  const later: ((scenario: Scenario) => void)[] = []
  for (const [name, value] of Object.entries(knobs)) {
    const first = name.split('.')[0]
    if ((fieldGroups as readonly string[]).includes(first) || (topFields as readonly string[]).includes(name))
      setField(written, name, value)
    else later.push(kernelKnob(loaded.scenario, name, value, known))
  }
  const scenario = checkScenario(written, '--set')
  for (const apply of later) apply(scenario)
  return scenario
}

type Group = { [key: string]: unknown }
function isGroup(value: unknown): value is Group {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function setField(written: { [key: string]: unknown }, name: string, value: string): void {
  const fields = settableFields()
  const parameter = /^cost\.(?:parameters\.)?(\w+)$/.exec(name)?.[1] ?? ''
  const isParameter = costParameters.some((entry) => entry.name === parameter)
  if (!fields.includes(name) && !isParameter)
    throw new LabProblem(
      'field-unknown',
      `A scenario has no field ${name}.`,
      didYouMean(
        name,
        [...fields, ...costParameters.map((entry) => `cost.${entry.name}`)],
        `Fields that can be set are ${fields.join(', ')}.`,
      ),
    )
  const path = isParameter ? ['cost', 'parameters', parameter] : name.split('.')
  let at: Group = written
  for (const key of path.slice(0, -1)) {
    const next = at[key]
    const deeper: Group = isGroup(next) ? next : {}
    at[key] = deeper
    at = deeper
  }
  const number = Number(value)
  if (isParameter) {
    const { low, high, unit } = costParameters.find((entry) => entry.name === parameter)!
    if (value.trim() === '' || !(number >= low && number <= high))
      throw new LabProblem(
        'knob-value',
        `${name}=${value} is outside of what is plausible.`,
        `This cost is ${low} to ${high} ${unit}; see the cost table.`,
      )
  }
  at[path[path.length - 1]] = isParameter ? number : value
  // A file of the user replaces the generated set, and the other way round.
  if (name === 'files.path') delete at['generate']
  if (name.startsWith('files.generate.')) delete (written['files'] as { [key: string]: unknown })['path']
}

/** A sysctl, tunable, capability or mtu; answers how it is applied once the scenario was checked. */
function kernelKnob(base: Scenario, name: string, value: string, known: KnownKnobs): (scenario: Scenario) => void {
  const colon = name.indexOf(':')
  const hostName = colon < 0 ? base.hosts[0].name : name.slice(0, colon)
  const knob = colon < 0 ? name : name.slice(colon + 1)
  const index = base.hosts.findIndex((host) => host.name === hostName)
  if (index < 0)
    throw new LabProblem(
      'host-unknown',
      `There is no host ${hostName}.`,
      didYouMean(
        hostName,
        base.hosts.map((h) => h.name),
        `The hosts are ${base.hosts.map((h) => h.name).join(' and ')}.`,
      ),
    )
  const sysctl = known.sysctls.get(knob)
  if (sysctl !== undefined) {
    if (!sysctl.writable && !sysctl.tunable)
      throw new LabProblem('knob-read-only', `${knob} can only be read.`, 'Set a knob that it follows from instead.')
    if (!/^-?(0[xX][0-9a-fA-F]+|\d+)$/.test(value) && /^-?\d/.test(value))
      throw new LabProblem(
        'knob-value',
        `${knob}=${value}: a knob of the kernel takes a plain number.`,
        'Write it without a unit, as for sysctl(8).',
      )
    return (scenario) => {
      const host = scenario.hosts[index]
      // What the loader can set takes effect before anything starts, so that tables are made in that size.
      if (sysctl.tunable) host.tunables[knob] = value
      else host.sysctls[knob] = value
      if (sysctl.tunable) delete host.sysctls[knob]
    }
  }
  const dot = knob.indexOf('.')
  const interfaceName = dot < 0 ? knob : knob.slice(0, dot)
  const keyword = knob.slice(dot + 1)
  const interfaces = base.hosts[index].interfaces
  const position = interfaces.findIndex((entry) => entry.name === interfaceName)
  if (position >= 0 && dot > 0)
    return interfaceKnob(index, position, interfaceName, keyword, value, interfaces[position].model, known)
  throw unknownKnob(base, index, knob, known)
}

function interfaceKnob(
  host: number,
  position: number,
  interfaceName: string,
  keyword: string,
  value: string,
  model: string,
  known: KnownKnobs,
): (scenario: Scenario) => void {
  if (keyword === 'mtu') {
    const mtu = Number(value)
    if (!Number.isInteger(mtu) || mtu < 576 || mtu > 9000)
      throw new LabProblem('knob-value', `${interfaceName}.mtu=${value} is out of range.`, 'An MTU is 576 to 9000.')
    return (scenario) => (scenario.hosts[host].interfaces[position].mtu = mtu)
  }
  const capabilities = known.capabilitiesOf?.[model] ?? known.capabilities
  if (!capabilities.includes(keyword))
    throw new LabProblem(
      'capability-unknown',
      `${interfaceName} has no capability ${keyword}.`,
      didYouMean(keyword, capabilities, `Its capabilities are ${capabilities.join(', ')}.`),
    )
  const on = switchWords[value.toLowerCase()]
  if (on === undefined)
    throw new LabProblem(
      'knob-value',
      `${interfaceName}.${keyword}=${value}: a capability is on or off.`,
      'Write on or off.',
    )
  return (scenario) => (scenario.hosts[host].interfaces[position].capabilities[keyword] = on)
}

function unknownKnob(base: Scenario, host: number, knob: string, known: KnownKnobs): LabProblem {
  const interfaces = base.hosts[host].interfaces.map((entry) => entry.name)
  if (/^[a-z]+\d+\.\w+$/.test(knob) && known.capabilities.includes(knob.slice(knob.indexOf('.') + 1))) {
    const name = knob.slice(0, knob.indexOf('.'))
    return new LabProblem(
      'interface-unknown',
      `The host ${base.hosts[host].name} has no interface ${name}.`,
      didYouMean(name, interfaces, `Its interfaces are ${interfaces.join(', ')}.`),
    )
  }
  const names = [
    ...known.sysctls.keys(),
    ...settableFields(),
    ...interfaces.flatMap((name) => known.capabilities.map((keyword) => `${name}.${keyword}`)),
  ]
  const near = nearMatches(knob, names)
  return new LabProblem(
    'knob-unknown',
    `There is no knob ${knob}.`,
    near.length === 0
      ? 'Knobs are sysctls (kern.ipc.mb_use_ext_pgs), capabilities (cc0.nomap) and scenario fields (link.rate); sysctl -aN lists the first.'
      : didYouMean(knob, names, ''),
  )
}

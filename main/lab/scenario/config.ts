/** From a checked scenario and its files to what the emulated machine is built from, and back-checks once it is built. */
import { SF_NOCACHE, SF_NODISKIO, SF_SYNC, type Machine, type MachineConfig } from '../../emulator'
import type { LoadedFiles } from '../files'
import { generateFiles, readFiles } from '../files'
import { LabProblem } from '../problem'
import type { Scenario } from './schema'

export interface ConfigOptions {
  /** The load starts only by command (`lab load`), as in a session. Otherwise at `workload.start`. */
  loadByCommand?: boolean
  /** Poison freed storage and run expensive self-checks. */
  debug?: boolean
}

/** Requests of each client; 0 = endless. `auto` is endless where more than the link limits the load: the end would be far off. */
function requestsOf({ workload, link, hosts, warmup, duration }: Scenario, entries: LoadedFiles['entries']): number {
  if (workload.requests !== 'auto') return workload.requests
  if (workload.think > 0 || link.loss > 0 || link.duplicate > 0 || link.reorder > 0 || entries.length === 0) return 0
  const mean = entries.reduce((sum, { size }) => sum + size, 0) / entries.length
  const bytes = cablesOf(hosts[0]) * (link.rate / 8) * ((warmup + duration) / 1e9)
  return Math.ceil(bytes / Math.max(1, mean) / workload.connections) + 2
}

type Host = Scenario['hosts'][number]

/** Interfaces of a host that are plugged into the link. */
function cablesOf({ interfaces }: Host): number {
  return interfaces.filter(({ cable }, position) => cable ?? position === 0).length
}

function split(address: string | undefined): { address: string; prefixLength: number } {
  const [ip, prefix] = (address ?? '/0').split('/')
  return { address: ip, prefixLength: Number(prefix) }
}

/** Interfaces, laggs and vlans of a host, checked against each other. */
function interfacesOf(
  scenario: Scenario,
  host: Host,
  id: number,
): Pick<MachineConfig['hosts'][number], 'interfaces' | 'laggs' | 'vlans'> {
  const invalid = (sentence: string, remedy: string): LabProblem => new LabProblem('scenario-invalid', sentence, remedy)
  const list = (entries: readonly { name: string }[]): string => entries.map(({ name }) => name).join(', ')
  const portOf = new Map<string, string>()
  for (const { name, ports } of host.laggs)
    for (const port of ports) {
      const entry = host.interfaces.find((candidate) => candidate.name === port)
      if (entry === undefined)
        throw invalid(
          `The port ${port} of ${name} is no interface of the host ${host.name}.`,
          `Its interfaces are ${list(host.interfaces)}.`,
        )
      if (portOf.has(port))
        throw invalid(
          `${port} is a port of ${portOf.get(port) ?? name} already.`,
          'Name every interface of a host in one lagg only, once.',
        )
      if (entry.address !== undefined)
        throw invalid(`${port} has an address, but it is a port of ${name}.`, `Give the address to ${name}.`)
      portOf.set(port, name)
    }
  for (const { name, address } of host.interfaces)
    if (address === undefined && !portOf.has(name))
      throw invalid(
        `The interface ${name} of the host ${host.name} has no address.`,
        'Give it one (address: 10.0.0.1/24), or name it among the ports of a lagg.',
      )
  const parents = [...host.interfaces, ...host.laggs]
  const inet6 = (name: string, text: string | undefined): { address6?: string; prefixLength6?: number } =>
    inet6Of(text ?? derivedAddress6(scenario, id, subnetOf(host, name)))
  return {
    interfaces: host.interfaces.map(({ name, model, cable, address, address6, mtu, capabilities }) => ({
      name,
      model,
      ...(cable !== undefined && { cable }),
      ...split(address),
      // A port has no address of its own, of either family.
      ...(portOf.has(name) ? {} : inet6(name, address6)),
      mtu,
      capabilities: { ...capabilities },
    })),
    laggs: host.laggs.map(({ name, protocol, ports, address, address6 }) => ({
      name,
      protocol,
      ports: [...ports],
      ...split(address),
      ...inet6(name, address6),
    })),
    vlans: host.vlans.map(({ name, parent, tag, address, address6 }) => {
      if (!parents.some((entry) => entry.name === parent))
        throw invalid(
          `The parent ${parent} of ${name} is no interface of the host ${host.name}.`,
          `Its interfaces are ${list(parents)}.`,
        )
      return { name, parent, tag, ...split(address), ...inet6(name, address6) }
    }),
  }
}

/** Plain data for the emulator; everything is in its units. */
export function scenarioToConfig(
  scenario: Scenario,
  files: Pick<LoadedFiles, 'entries'>,
  options: ConfigOptions = {},
): MachineConfig {
  const { link, workload } = scenario
  const [cables, others] = scenario.hosts.map(cablesOf)
  if (cables !== others)
    throw new LabProblem(
      'scenario-invalid',
      `The server has ${cables} interfaces on the link and its peer ${others}; a cable has two ends.`,
      'Write cable: on for as many interfaces of one host as of the other.',
    )
  return {
    seed: scenario.seed,
    hosts: scenario.hosts.map((host, id) => ({
      name: host.name,
      ncpu: host.cpus,
      hz: host.clock,
      memoryBytes: host.memory,
      directMap: host.profile === 'amd64',
      cost: host.cost,
      tunables: { ...host.tunables },
      sysctls: { ...host.sysctls },
      ...interfacesOf(scenario, host, id),
    })),
    link: {
      rateBps: link.rate,
      delayNs: link.delay,
      queueBytes: link.queue,
      loss: link.loss,
      duplicate: link.duplicate,
      reorder: link.reorder,
    },
    files: {
      entries: files.entries,
      contiguity: scenario.files.contiguity,
      warm: scenario.files.cache === 'warm',
      diskLatencyNs: scenario.files.disk.latency,
      diskBytesPerSecond: scenario.files.disk.rate,
      diskQueueDepth: scenario.files.disk.queueDepth,
      diskErrors: scenario.files.disk.errors,
      diskShortReads: scenario.files.disk.shortReads,
    },
    workload: {
      method: workload.method,
      connections: workload.connections,
      thinkNs: workload.think,
      requestsPerConnection: workload.requestsPerConnection,
      // In a session the load is the user's to stop.
      requests: options.loadByCommand === true ? 0 : requestsOf(scenario, files.entries),
      startNs: options.loadByCommand === true ? -1 : workload.start,
      rampNs: workload.ramp,
      sendLowat: workload.sendLowWater,
      sendfileFlags: sendfileFlags(workload),
      port: workload.port,
      family: workload.family,
      pipeline: workload.pipeline,
      ...serverOf(scenario),
    },
    cost: { on: scenario.cost.on, parameters: { ...scenario.cost.parameters } },
    debug: options.debug ?? false,
  }
}

/** Flags word of sendfile(2): readahead in the upper half. Source: sys/sys/socket.h SF_FLAGS. */
function sendfileFlags(workload: Scenario['workload']): number {
  const bits = { nodiskio: SF_NODISKIO, sync: SF_SYNC, nocache: SF_NOCACHE }
  return workload.flags.reduce((flags, flag) => flags | bits[flag], workload.readahead << 16)
}

/** Number of the first subnet of vlans among the derived addresses. */
const VLAN_SUBNETS = 0x1000

/** The same of laggs. */
const LAGG_SUBNETS = 0x2000

/** Subnet of an interface, lagg or vlan among the derived addresses: by its place, a vlan by its tag. */
function subnetOf({ interfaces, laggs, vlans }: Host, name: string): number {
  const vlan = vlans.find((entry) => entry.name === name)
  if (vlan !== undefined) return VLAN_SUBNETS + vlan.tag
  const lagg = laggs.findIndex((entry) => entry.name === name)
  return lagg >= 0 ? LAGG_SUBNETS + lagg : interfaces.findIndex((entry) => entry.name === name)
}

/** An IPv6 address for an interface whose scenario gives none, if the workload needs one: the same subnet on both hosts by place or tag. */
function derivedAddress6(scenario: Scenario, host: number, subnet: number): string | undefined {
  return scenario.workload.family === 'inet6' ? `2001:db8:0:${subnet.toString(16)}::${host + 1}/64` : undefined
}

function inet6Of(text: string | undefined): { address6?: string; prefixLength6?: number } {
  if (text === undefined) return {}
  const [address6, prefix] = text.split('/')
  return { address6, prefixLength6: Number(prefix) }
}

/** Address of the interface, lagg or vlan that clients connect to, where it is not simply that of the first interface. */
function serverOf(scenario: Scenario): { server?: string } {
  const {
    hosts: [server],
    workload,
  } = scenario
  const entries = [...server.interfaces, ...server.laggs, ...server.vlans]
  const wanted = workload.server
  const found =
    wanted === undefined
      ? entries.find(({ address }) => address !== undefined)
      : entries.find(({ name }) => name === wanted)
  if (found?.address === undefined)
    throw new LabProblem(
      'scenario-invalid',
      wanted === undefined
        ? 'No interface of the server has an address.'
        : found === undefined
          ? `workload.server: the server has no interface ${wanted}.`
          : `workload.server: ${wanted} has no address of its own.`,
      `Its interfaces are ${entries.map(({ name }) => name).join(', ')}.`,
    )
  if (workload.family === 'inet')
    return wanted === undefined && found === server.interfaces[0] ? {} : { server: found.address.split('/')[0] }
  return { server: (found.address6 ?? derivedAddress6(scenario, 0, subnetOf(server, found.name))!).split('/')[0] }
}

/**
 * Loads the files that a scenario names.
 *
 * @param folder where a relative `files.path` starts
 * @param override a file or folder that the user chose instead
 */
export async function loadScenarioFiles(
  scenario: Scenario,
  folder: string | null,
  override?: string,
): Promise<LoadedFiles> {
  const path = override ?? scenario.files.path
  if (path !== undefined) return readFiles(path, override === undefined && folder !== null ? folder : '.')
  const generate = scenario.files.generate ?? { count: 16, size: 256 * 1024, spread: 0 }
  // The bytes do not follow the seed of the run: runs with different seeds serve the same files.
  return generateFiles({ seed: 1, ...generate })
}

/** What a booted machine refused: a knob that no part of it knows, or a value that it did not take. */
export function checkBoot(machine: Machine, scenario: Scenario): void {
  machine.kernels.forEach((kernel, index) => {
    const host = scenario.hosts[index]
    const refused = kernel.sysctl.refused[0]
    if (refused !== undefined && kernel.sysctl.find(refused.name) !== undefined)
      throw new LabProblem(
        'knob-value',
        `The host ${host.name} did not accept ${refused.name}=${refused.value} at boot.`,
        rangeOf(machine, index, refused.name),
      )
    const unused = kernel.sysctl.unusedTunables()[0]
    if (unused !== undefined)
      throw new LabProblem(
        'knob-unknown',
        `The host ${host.name} has no tunable ${unused}.`,
        'Remove it; sysctl -aN on the console lists the knobs.',
      )
    for (const [name, value] of Object.entries(host.sysctls)) {
      const oid = kernel.sysctl.find(name)
      if (oid === undefined || oid.type === 'node')
        throw new LabProblem(
          'knob-unknown',
          `The host ${host.name} has no sysctl ${name}.`,
          'Remove it; sysctl -aN on the console lists the knobs.',
        )
      if (String(kernel.sysctl.read(oid)) !== value)
        throw new LabProblem(
          'knob-value',
          `The host ${host.name} did not accept ${name}=${value}; it stayed ${describeValue(kernel.sysctl.read(oid))}.`,
          rangeOf(machine, index, name),
        )
    }
  })
}

function describeValue(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : 'as it was'
}

/** What values a knob takes, as a remedy. */
function rangeOf(machine: Machine, host: number, name: string): string {
  const oid = machine.kernels[host].sysctl.find(name)
  if (oid?.type === 'bool') return 'It takes 0 or 1.'
  if (oid?.range !== undefined) return `It takes ${oid.range[0]} to ${oid.range[1]}.`
  return 'Give it another value.'
}

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
function requestsOf({ workload, link, warmup, duration }: Scenario, entries: LoadedFiles['entries']): number {
  if (workload.requests !== 'auto') return workload.requests
  if (workload.think > 0 || link.loss > 0 || link.duplicate > 0 || link.reorder > 0 || entries.length === 0) return 0
  const mean = entries.reduce((sum, { size }) => sum + size, 0) / entries.length
  const bytes = (link.rate / 8) * ((warmup + duration) / 1e9)
  return Math.ceil(bytes / Math.max(1, mean) / workload.connections) + 2
}

/** Plain data for the emulator; everything is in its units. */
export function scenarioToConfig(
  scenario: Scenario,
  files: Pick<LoadedFiles, 'entries'>,
  options: ConfigOptions = {},
): MachineConfig {
  const { link, workload } = scenario
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
      interfaces: host.interfaces.map(({ name, model, address, mtu, capabilities, ...rest }, i) => {
        const [ip, prefix] = address.split('/')
        return {
          name,
          model,
          address: ip,
          prefixLength: Number(prefix),
          ...inet6Of(rest.address6 ?? derivedAddress6(scenario, id, i)),
          mtu,
          capabilities: { ...capabilities },
        }
      }),
      vlans: host.vlans.map(({ name, parent, tag, address, address6 }) => {
        if (!host.interfaces.some((entry) => entry.name === parent))
          throw new LabProblem(
            'scenario-invalid',
            `The parent ${parent} of ${name} is no interface of the host ${host.name}.`,
            `Its interfaces are ${host.interfaces.map((entry) => entry.name).join(', ')}.`,
          )
        const [ip, prefix] = address.split('/')
        const inet6 = inet6Of(address6 ?? derivedAddress6(scenario, id, VLAN_SUBNETS + tag))
        return { name, parent, tag, address: ip, prefixLength: Number(prefix), ...inet6 }
      }),
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
      ...(workload.server !== undefined && { server: serverAddress(scenario, workload.server) }),
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

/** An IPv6 address for an interface whose scenario gives none, if the workload needs one: the same subnet on both hosts by place or tag. */
function derivedAddress6(scenario: Scenario, host: number, subnet: number): string | undefined {
  return scenario.workload.family === 'inet6' ? `2001:db8:0:${subnet.toString(16)}::${host + 1}/64` : undefined
}

function inet6Of(text: string | undefined): { address6?: string; prefixLength6?: number } {
  if (text === undefined) return {}
  const [address6, prefix] = text.split('/')
  return { address6, prefixLength6: Number(prefix) }
}

/** Address of an interface or vlan of the server, of the family of the workload. */
function serverAddress(scenario: Scenario, name: string): string {
  const { interfaces, vlans } = scenario.hosts[0]
  const entries = [...interfaces, ...vlans]
  const found = entries.find((entry) => entry.name === name)
  if (found === undefined)
    throw new LabProblem(
      'scenario-invalid',
      `workload.server: the server has no interface ${name}.`,
      `Its interfaces are ${entries.map((entry) => entry.name).join(', ')}.`,
    )
  if (scenario.workload.family === 'inet') return found.address.split('/')[0]
  const subnet = 'tag' in found ? VLAN_SUBNETS + found.tag : interfaces.indexOf(found)
  return (found.address6 ?? derivedAddress6(scenario, 0, subnet)!).split('/')[0]
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

/** Names that a booted machine knows, asked from a machine that is built for it: the declarations are the only list. */
import { Machine, systemCalls, type Kernel } from '../../emulator'
import { scenarioToConfig } from './config'
import { checkScenario } from './load'
import type { KnownKnobs } from './overrides'

let cache: KnownKnobs | null = null

/** Keywords of ifconfig(8) that change something on an interface. */
function keywordsOf(kernel: Kernel, name: string): string[] {
  const sys = systemCalls(kernel)
  const entry = sys.interfaces().find((candidate) => candidate.name === name)!
  const offered = kernel.ifnet.if_capabilities[entry.index] >>> 0
  return [
    ...new Set(
      sys.capabilities
        .filter(({ bit, keywords }) => (offered & bit) !== 0 && keywords.length > 0)
        .map(({ keywords }) => keywords[0]),
    ),
  ]
}

/**
 * Every knob of a host: one with a T6 and one with an igb port, the second without a direct map, so that what exists only there is known too. Built
 * once, takes a few dozen milliseconds.
 */
export function knownKnobs(): KnownKnobs {
  if (cache !== null) return cache
  const scenario = checkScenario(
    {
      schema: 1,
      title: 'Names',
      duration: '1ms',
      hosts: [
        { name: 'server', cpus: 1, interfaces: [{ name: 'cc0', address: '10.0.0.1/24' }] },
        {
          name: 'client',
          cpus: 1,
          profile: 'i386',
          interfaces: [{ name: 'igb0', model: 'igb', address: '10.0.0.2/24' }],
        },
      ],
      files: { generate: { count: 1, size: 4096 } },
      workload: { connections: 1 },
    },
    'names',
  )
  const config = scenarioToConfig(
    scenario,
    { entries: [{ path: '/www/x', size: 1, diskPage: 0 }] },
    { loadByCommand: true },
  )
  const machine = new Machine(config, { bytes: new Uint8Array(4096) })
  const [t6, igb] = machine.kernels
  const sysctls = new Map<string, { writable: boolean; tunable: boolean }>()
  for (const kernel of [igb, t6]) {
    const { sysctl } = systemCalls(kernel)
    for (const oid of sysctl.list())
      sysctls.set(oid.name, { writable: sysctl.isWritable(oid), tunable: sysctl.isTunable(oid) })
  }
  cache = {
    sysctls,
    capabilities: keywordsOf(t6, 'cc0'),
    capabilitiesOf: { igb: keywordsOf(igb, 'igb0') },
  }
  return cache
}

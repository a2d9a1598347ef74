/** Names that a booted machine knows, asked from a machine that is built for it: the declarations are the only list. */
import { Machine, systemCalls } from '../../emulator'
import { scenarioToConfig } from './config'
import { checkScenario } from './load'
import type { KnownKnobs } from './overrides'

let cache: KnownKnobs | null = null

/** Every knob of a host with a T6 port. Built once, takes a few dozen milliseconds. */
export function knownKnobs(): KnownKnobs {
  if (cache !== null) return cache
  const scenario = checkScenario(
    {
      schema: 1,
      title: 'Names',
      duration: '1ms',
      hosts: ['server', 'client'].map((name, i) => ({
        name,
        cpus: 1,
        interfaces: [{ name: 'cc0', address: `10.0.0.${i + 1}/24` }],
      })),
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
  const sys = systemCalls(machine.kernels[0])
  const sysctls = new Map(
    sys.sysctl
      .list()
      .map((oid) => [oid.name, { writable: sys.sysctl.isWritable(oid), tunable: sys.sysctl.isTunable(oid) }]),
  )
  const cc0 = sys.interfaces().find(({ name }) => name === 'cc0')!
  const offered = machine.kernels[0].ifnet.if_capabilities[cc0.index] >>> 0
  const capabilities = sys.capabilities
    .filter(({ bit, keywords }) => (offered & bit) !== 0 && keywords.length > 0)
    .map(({ keywords }) => keywords[0])
  cache = { sysctls, capabilities: [...new Set(capabilities)] }
  return cache
}

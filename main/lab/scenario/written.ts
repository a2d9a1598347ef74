/** A checked scenario as values that the schema reads back to the same: every quantity with its unit, nothing left to defaults. */
import type { Scenario, ScenarioInput } from './schema'

export function writtenScenario(scenario: Scenario): ScenarioInput {
  const { link, files, workload } = scenario
  const time = (ns: number): string => `${ns}ns`
  return {
    schema: 1,
    title: scenario.title,
    description: scenario.description,
    seed: scenario.seed,
    duration: time(scenario.duration),
    warmup: time(scenario.warmup),
    sample: time(scenario.sample),
    cost: { on: scenario.cost.on, parameters: { ...scenario.cost.parameters } },
    hosts: scenario.hosts.map((host) => ({
      name: host.name,
      cpus: host.cpus,
      clock: `${host.clock}Hz`,
      profile: host.profile,
      memory: `${host.memory}B`,
      cost: host.cost,
      tunables: { ...host.tunables },
      sysctls: { ...host.sysctls },
      interfaces: host.interfaces.map((entry) => ({ ...entry, capabilities: { ...entry.capabilities } })),
      laggs: host.laggs.map((entry) => ({ ...entry, ports: [...entry.ports] })),
      vlans: host.vlans.map((entry) => ({ ...entry })),
    })),
    link: {
      rate: `${link.rate}bps`,
      delay: time(link.delay),
      queue: `${link.queue}B`,
      loss: link.loss,
      duplicate: link.duplicate,
      reorder: link.reorder,
    },
    files: {
      ...(files.generate !== undefined && {
        generate: { count: files.generate.count, size: `${files.generate.size}B`, spread: files.generate.spread },
      }),
      ...(files.path !== undefined && { path: files.path }),
      contiguity: files.contiguity,
      cache: files.cache,
      disk: {
        latency: time(files.disk.latency),
        rate: `${files.disk.rate}B/s`,
        queueDepth: files.disk.queueDepth,
        errors: files.disk.errors,
        shortReads: files.disk.shortReads,
      },
    },
    workload: {
      method: workload.method,
      connections: workload.connections,
      think: time(workload.think),
      requestsPerConnection: workload.requestsPerConnection,
      requests: workload.requests,
      start: time(workload.start),
      ramp: time(workload.ramp),
      sendLowWater: `${workload.sendLowWater}B`,
      port: workload.port,
      family: workload.family,
      ...(workload.server !== undefined && { server: workload.server }),
      flags: [...workload.flags],
      readahead: workload.readahead,
      pipeline: workload.pipeline,
    },
    metrics: [...scenario.metrics],
  }
}

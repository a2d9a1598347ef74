/** A whole small machine with files and clients, for tests that look at it from outside. Not part of the machine. */
import type { MachineConfig } from '../config'
import { Machine } from '../machine/machine'

export interface TestOptions {
  connections?: number
  fileBytes?: number
  files?: number
  extPgs?: boolean
  nomap?: boolean
  capabilities?: { [keyword: string]: boolean }
  cost?: boolean
  debug?: boolean
  seed?: number
  ncpu?: number
  contiguity?: number
  /** Card of the server; the peer has a T6. */
  model?: 'igb'
  /** Traffic over IPv6; both hosts then have 2001:db8::1 and ::2 as well. */
  family?: 'inet6'
  tunables?: { [name: string]: string }
  link?: Partial<MachineConfig['link']>
  workload?: Partial<MachineConfig['workload']>
}

export function testMachine(options: TestOptions = {}): Machine {
  const size = options.fileBytes ?? 300_000
  const files = options.files ?? 4
  const pages = Math.ceil(size / 4096)
  const bytes = new Uint8Array(files * pages * 4096)
  let x = 1
  for (let i = 0; i < bytes.length; i++) {
    x = (Math.imul(x, 1103515245) + 12345) | 0
    bytes[i] = x >>> 16
  }
  const host = (id: number): MachineConfig['hosts'][number] => ({
    name: id === 0 ? 'lab' : 'peer',
    ncpu: options.ncpu ?? 2,
    hz: 2.6e9,
    memoryBytes: 1024 * 1024 * 1024,
    cost: id === 0,
    tunables: id === 0 ? (options.tunables ?? {}) : {},
    sysctls: id === 0 ? { 'kern.ipc.mb_use_ext_pgs': options.extPgs === false ? '0' : '1' } : {},
    interfaces: [
      {
        name: id === 0 && options.model !== undefined ? `${options.model}0` : 'cc0',
        model: id === 0 ? (options.model ?? 't6') : 't6',
        address: `192.0.2.${id + 1}`,
        prefixLength: 24,
        ...(options.family === 'inet6' ? { address6: `2001:db8::${id + 1}`, prefixLength6: 64 } : {}),
        mtu: 1500,
        capabilities: id === 0 ? { nomap: options.nomap !== false, ...options.capabilities } : {},
      },
    ],
  })
  const config: MachineConfig = {
    seed: options.seed ?? 1,
    hosts: [host(0), host(1)],
    link: { rateBps: 10e9, delayNs: 50_000, queueBytes: 4e6, loss: 0, duplicate: 0, reorder: 0, ...options.link },
    files: {
      entries: Array.from({ length: files }, (_, i) => ({ path: `/www/f${i}`, size, diskPage: i * pages })),
      contiguity: options.contiguity ?? 4,
      warm: true,
      diskLatencyNs: 100_000,
      diskBytesPerSecond: 2e9,
    },
    workload: {
      method: 'sendfile',
      connections: options.connections ?? 4,
      thinkNs: 0,
      requestsPerConnection: 0,
      startNs: 0,
      rampNs: 100_000,
      sendLowat: 0,
      sendfileFlags: 0,
      port: 80,
      ...(options.family === undefined ? {} : { family: options.family }),
      ...options.workload,
    },
    cost: { on: options.cost ?? false, parameters: {} },
    debug: options.debug ?? true,
  }
  return new Machine(config, { bytes })
}

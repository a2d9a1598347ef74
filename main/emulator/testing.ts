/**
 * A kernel with memory and nothing else, for tests, benchmarks and test vectors: frames, pages, zones, mbufs, socket buffers. It has no network and no
 * event loop; what needs those gets the real {@link Kernel}.
 */
import type { HostConfig, MachineConfig } from './config'
import { SysctlTree } from './kern/kern_sysctl'
import { createMbufTables, mbuf_init } from './kern/kern_mbuf'
import { createSockbufTable } from './kern/uipc_sockbuf'
import type { Kernel } from './kernel'
import { Cost } from './machine/cost'
import { Registry } from './machine/state'
import { createUma } from './vm/uma_core'
import { createVmObject, vm_object_warm } from './vm/vm_object'
import { createVmPage } from './vm/vm_page'
import { PhysMem } from './vm/vm_phys'

export interface MemoryKernelOptions {
  /** Physical memory, bytes. Default 1 GiB. */
  memoryBytes?: number
  ncpu?: number
  tunables?: { [name: string]: string }
  /** Poison and self-checks. Default true. */
  debug?: boolean
  cost?: boolean
  /** Contents of the files, one page-aligned region each. Default none. */
  files?: Uint8Array[]
  contiguity?: number
  /** False: sf_bufs are limited. */
  directMap?: boolean
  warm?: boolean
  seed?: number
}

/** What a memory kernel really has, beside what its functions see as `Kernel`. */
export type MemoryKernel = Kernel & { time: number; cpu: { current: number; count: number } }

export function createMemoryKernel(options: MemoryKernelOptions = {}): MemoryKernel {
  const files = options.files ?? []
  const pages = files.map((bytes) => Math.ceil(bytes.length / 4096))
  const disk = new Uint8Array(pages.reduce((sum, n) => sum + n, 0) * 4096)
  let page = 0
  const entries = files.map((bytes, i) => {
    disk.set(bytes, page * 4096)
    const entry = { path: `/file${i}`, size: bytes.length, diskPage: page }
    page += pages[i]
    return entry
  })
  const host: HostConfig = {
    name: 'test',
    ncpu: options.ncpu ?? 1,
    hz: 2.6e9,
    memoryBytes: options.memoryBytes ?? 1024 * 1024 * 1024,
    directMap: options.directMap ?? true,
    cost: options.cost ?? false,
    tunables: options.tunables ?? {},
    sysctls: {},
    interfaces: [],
  }
  const machineConfig = {
    seed: options.seed ?? 1,
    hosts: [host],
    files: {
      entries,
      contiguity: options.contiguity ?? 4,
      warm: options.warm ?? true,
      diskLatencyNs: 0,
      diskBytesPerSecond: 1,
    },
    debug: options.debug ?? true,
  } as unknown as MachineConfig
  const registry = new Registry()
  const k = {
    id: 0,
    time: 0,
    config: host,
    registry,
    debug: options.debug ?? true,
    machine: { config: machineConfig, disk: { bytes: disk }, registry },
    cpu: { current: 0, count: host.ncpu },
    msgbuf: { lines: [] as string[] },
    sendfile: { stat: { sf_allocwait: 0, sf_allocfail: 0 } },
    part: (name: string) => `host0.${name}`,
    now: () => k.time,
    printf: (line: string) => void k.msgbuf.lines.push(line),
  } as unknown as { -readonly [K in keyof MemoryKernel]: MemoryKernel[K] }
  k.cost = new Cost(registry, 'host0.cost', host.cost, {})
  k.sysctl = new SysctlTree(k)
  k.phys = new PhysMem(k)
  k.page = createVmPage(k)
  k.object = createVmObject(k)
  if (machineConfig.files.warm) vm_object_warm(k)
  k.uma = createUma(k)
  Object.assign(k, createMbufTables(k))
  mbuf_init(k)
  k.sb = createSockbufTable(k)
  return k
}

/** A host with memory, mbufs, interfaces and a T6, but without stack and programs: what tests of the driver need. Not part of the machine. */
import type { HostConfig, MachineConfig } from '../../config'
import type { Kernel } from '../../kernel'
import {
  createMbufTables,
  m_get,
  m_getcl,
  m_gethdr,
  mb_alloc_ext_pgs,
  mbuf_init,
  mtodAddr,
  setExtFree,
} from '../../kern/kern_mbuf'
import { SysctlTree } from '../../kern/kern_sysctl'
import { Link } from '../../link/link'
import { Wire } from '../../link/wire'
import { Cost } from '../../machine/cost'
import { Cpus } from '../../machine/cpu'
import { EV_CPU_RUN } from '../../machine/eventKinds'
import { EventQueue } from '../../machine/eventQueue'
import type { Machine } from '../../machine/machine'
import { createPrng } from '../../machine/prng'
import { Probe } from '../../machine/probe'
import { Registry } from '../../machine/state'
import { createIfnet } from '../../net/if'
import { put16, put32 } from '../../netinet/in'
import { FREE_TEST_RIG, M_EXT, M_PKTHDR, MT_DATA } from '../../sys/mbuf'
import { M_WAITOK } from '../../sys/param'
import { createUma } from '../../vm/uma_core'
import { createVmPage } from '../../vm/vm_page'
import { PhysMem } from '../../vm/vm_phys'
import { createCxgbe } from './t4_main'

export interface RigOptions {
  tunables?: { [name: string]: string }
  ncpu?: number
  hosts?: number
  link?: Partial<MachineConfig['link']>
  capabilities?: { [keyword: string]: boolean }
  ports?: number
  debug?: boolean
}

export class Rig {
  readonly registry = new Registry()
  readonly queue = new EventQueue(this.registry)
  readonly machine: Machine
  readonly kernels: Kernel[] = []

  constructor(options: RigOptions = {}) {
    const handlers = new Map<number, (a: number, b: number, c: number, d: number) => void>()
    const host = (id: number): HostConfig => ({
      name: `h${id}`,
      ncpu: options.ncpu ?? 1,
      hz: 2.6e9,
      memoryBytes: 256 * 1024 * 1024,
      cost: false,
      tunables: options.tunables ?? {},
      sysctls: {},
      interfaces: Array.from({ length: options.ports ?? 1 }, (_, i) => ({
        name: `cc${i}`,
        model: 't6' as const,
        address: `10.0.${i}.${id + 1}`,
        prefixLength: 24,
        mtu: 1500,
        capabilities: options.capabilities ?? {},
      })),
    })
    const config = {
      seed: 1,
      hosts: Array.from({ length: options.hosts ?? 1 }, (_, id) => host(id)),
      link: { rateBps: 100e9, delayNs: 1000, queueBytes: 1e8, loss: 0, duplicate: 0, reorder: 0, ...options.link },
      files: { entries: [], contiguity: 1, warm: true, diskLatencyNs: 0, diskBytesPerSecond: 1e9 },
      cost: { on: false, parameters: {} },
      debug: options.debug ?? true,
    } as unknown as MachineConfig
    const { registry, queue, kernels } = this
    const fake = {
      registry,
      time: 0,
      config,
      kernels,
      disk: { bytes: new Uint8Array(0) },
      wire: new Wire({ registry }),
      schedule: (at: number, kind: number, a = 0, b = 0, c = 0, d = 0) =>
        queue.push(Math.max(at, fake.time), kind, a, b, c, d),
      cancel: (handle: number) => queue.cancel(handle),
      on: (kind: number, fn: (a: number, b: number, c: number, d: number) => void) => handlers.set(kind, fn),
      handled: (kind: number) => handlers.has(kind),
      handle: (kind: number, a: number, b: number, c: number, d: number) => handlers.get(kind)!(a, b, c, d),
      random: (name: string) => createPrng(registry, 1, name),
    } as Record<string, unknown> & { time: number }
    const machine = fake as unknown as Machine
    this.machine = machine
    Object.assign(fake, { probe: new Probe(machine) })
    config.hosts.forEach((hostConfig, id) => {
      const part = (name: string): string => `host${id}.${name}`
      const k = {
        id,
        machine,
        registry,
        part,
        config: hostConfig,
        debug: config.debug,
        msgbuf: { lines: [] as string[] },
        printf: (line: string) => k.msgbuf.lines.push(line),
        now: () => fake.time,
      } as unknown as Kernel & Record<string, unknown> & { msgbuf: { lines: string[] } }
      const set = (values: object): void => void Object.assign(k, values)
      set({ cost: new Cost(registry, part('cost'), false, {}) })
      set({ cpu: new Cpus(machine, id, part('cpu'), hostConfig.ncpu, 1, k.cost) })
      set({ sysctl: new SysctlTree(k) })
      set({ phys: new PhysMem(k) })
      set({ page: createVmPage(k) })
      set({ uma: createUma(k) })
      set(createMbufTables(k))
      mbuf_init(k)
      set({ ifnet: createIfnet(k) })
      kernels.push(k)
      set({ cxgbe: createCxgbe(k) })
    })
    Object.assign(fake, { link: new Link(machine) })
    machine.on(EV_CPU_RUN, (id, cpu) => kernels[id].cpu.dispatch(cpu))
    for (const k of kernels) k.cxgbe.attach()
  }

  get k(): Kernel {
    return this.kernels[0]
  }

  /** Handles events up to a time; all of them by default. */
  run(until = Infinity): void {
    const { machine, queue } = this
    for (;;) {
      const t = queue.peekTime()
      if (t === Infinity || t > until) break
      machine.time = t
      const kind = queue.take()
      machine.handle(kind, queue.a, queue.b, queue.c, queue.d)
    }
    if (until !== Infinity) machine.time = until
  }
}

/** Bytes into RAM. */
export function poke(k: Kernel, address: number, bytes: ArrayLike<number>): void {
  k.phys.ram.set(bytes, address)
}

/** Ethernet, IPv4 and TCP headers (with 12 bytes of options by default) as tcp_output leaves them for the card: checksums not final. */
export function tcpHeaders(
  payload: number,
  options: { seq?: number; flags?: number; optionBytes?: number; id?: number; sport?: number; host?: number } = {},
): Uint8Array {
  const optionBytes = options.optionBytes ?? 12
  const b = new Uint8Array(54 + optionBytes)
  const me = options.host ?? 0
  b.set([0, 7, 0x43, 0, 1 - me, 1, 0, 7, 0x43, 0, me, 1, 8, 0], 0)
  b[14] = 0x45
  put16(b, 16, 40 + optionBytes + payload)
  put16(b, 18, options.id ?? 0)
  b[20] = 0x40
  b[22] = 64
  b[23] = 6
  put32(b, 26, 0x0a000001 + me)
  put32(b, 30, 0x0a000002 - me)
  put16(b, 34, options.sport ?? 80)
  put16(b, 36, 40000)
  put32(b, 38, options.seq ?? 1)
  put32(b, 42, 77)
  b[46] = ((20 + optionBytes) / 4) << 4
  b[47] = options.flags ?? 0x10
  put16(b, 48, 1000)
  for (let i = 0; i < optionBytes; i++) b[54 + i] = 1
  return b
}

/** A mapped packet of one mbuf (with a cluster if it is long). */
export function mappedPacket(k: Kernel, bytes: Uint8Array): number {
  const m = bytes.length <= 168 ? m_gethdr(k, M_WAITOK, MT_DATA) : m_getcl(k, M_WAITOK, MT_DATA, M_PKTHDR)
  poke(k, mtodAddr(k, m), bytes)
  k.mb.m_len[m] = bytes.length
  k.mb.ph_len[m] = bytes.length
  return m
}

/** Appends a plain mbuf or an mbuf with cluster to a packet. */
export function appendMapped(k: Kernel, packet: number, bytes: Uint8Array): number {
  const m = bytes.length <= 224 ? m_get(k, M_WAITOK, MT_DATA) : m_getcl(k, M_WAITOK, MT_DATA, 0)
  poke(k, mtodAddr(k, m), bytes)
  k.mb.m_len[m] = bytes.length
  append(k, packet, m, bytes.length)
  return m
}

/** Unmapped mbufs freed so far by any rig: what their pages' owner would have noticed. */
export const released = { mbufs: 0 }
setExtFree(FREE_TEST_RIG, () => {
  released.mbufs++
})

/** An mbuf whose data lies at a given physical address that need not exist: for work requests that are only looked at. */
export function mbufAt(k: Kernel, address: number, length: number, header: boolean): number {
  const m = header ? m_gethdr(k, M_WAITOK, MT_DATA) : m_get(k, M_WAITOK, MT_DATA)
  k.mb.m_flags[m] = k.mb.m_flags[m] | M_EXT
  k.mb.ext_buf[m] = address
  k.mb.ext_size[m] = 65536
  k.mb.m_len[m] = length
  if (header) k.mb.ph_len[m] = length
  return m
}

/** Appends an unmapped mbuf whose pages are the given frames; shows `length` bytes from `offset`. */
export function appendUnmapped(
  k: Kernel,
  packet: number,
  frames: readonly number[],
  length: number,
  offset = 0,
  firstPgOff = 0,
): number {
  const m = mb_alloc_ext_pgs(k, M_WAITOK, false, FREE_TEST_RIG)
  const p = k.mb.ext_buf[m]
  k.pgs.npgs[p] = frames.length
  k.pgs.nrdy[p] = 0
  k.pgs.hdr_len[p] = 0
  k.pgs.trail_len[p] = 0
  k.pgs.first_pg_off[p] = firstPgOff
  k.pgs.last_pg_len[p] = frames.length === 1 ? 4096 - firstPgOff : 4096
  frames.forEach((frame, i) => (k.pgs.pa[p * 19 + i] = frame))
  k.mb.m_data[m] = offset
  k.mb.m_len[m] = length
  append(k, packet, m, length)
  return m
}

export function append(k: Kernel, packet: number, m: number, length: number): void {
  let last = packet
  while (k.mb.m_next[last] !== 0) last = k.mb.m_next[last]!
  k.mb.m_next[last] = m
  k.mb.ph_len[packet] = k.mb.ph_len[packet] + length
}

/** The descriptor ring as hexadecimal words, from descriptor `at`. */
export function ringWords(k: Kernel, q: number, at: number, words: number): string {
  const base = k.cxgbe.txq.ba[q] + at * 64
  const out: string[] = []
  for (let i = 0; i < words; i++) {
    let text = ''
    for (let n = 0; n < 4; n++) text += k.phys.ram[base + i * 4 + n].toString(16).padStart(2, '0')
    out.push(text)
  }
  return out.join(' ')
}

/** Mbufs in use, clusters' own mbufs included. */
export function mbufsInUse(k: Kernel): number {
  return k.uma.zone_mbuf.used + k.uma.zone_pack.used
}

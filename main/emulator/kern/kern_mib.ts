/**
 * Identity and general figures: kern.*, hw.*, vm.*. Source: sys/kern/kern_mib.c, kern_clock.c, subr_param.c, subr_smp.c, sys/vm/vm_meter.c (names,
 * types and texts read through reference console-tools 2.3 and 8.4; how times of a CPU are shared out is ours).
 */
import type { Kernel } from '../kernel'
import { CAUSE } from '../machine/cost'
import { vmMeter, type VmMeter } from '../vm/vm_page'
import type { SysctlDeclaration } from './kern_sysctl'

/** Virtual time 0 as seconds since 1970: Saturday 29 June 2019, 09:20:00 UTC, the day of r349532. */
export const BOOT_EPOCH_SECONDS = 1561800000
/** Ticks a second of the statistics clock. */
const STATHZ = 127
const REVISION = 'r349532'

/** Version text of the kernel, with its newline. */
export function kernelVersion(k: Kernel): string {
  return `FreeBSD 13.0-CURRENT ${REVISION} ${k.sysctl.read('kern.ident') as string}\n`
}

/** Ticks user, nice, sys, intr, idle. `cpu` −1: all CPUs. What CPUs did is known by cause, for the host as a whole; each CPU gets the same mix. */
export function cpuTicks(k: Kernel, cpu: number): number[] {
  const { cost } = k
  const { byCause } = cost
  let all = 0
  for (const cycles of byCause) all += cycles
  const user = all === 0 ? 0 : byCause[CAUSE.application] / all
  const intr = all === 0 ? 0 : byCause[CAUSE.interrupt] / all
  let busy = 0
  let cpus = 1
  if (cpu < 0) {
    cpus = k.cpu.count
    for (let i = 0; i < cpus; i++) busy += k.cpu.busyNs[i]
  } else busy = k.cpu.busyNs[cpu]!
  const total = Math.floor((k.machine.time * cpus * STATHZ) / 1e9)
  const ticks = Math.min(total, Math.floor((busy * STATHZ) / 1e9))
  const u = Math.floor(ticks * user)
  const i = Math.floor(ticks * intr)
  return [u, 0, ticks - u - i, i, total - ticks]
}

export function declareKernelMib(k: Kernel): void {
  const { sysctl } = k
  const MIB = 'kern/kern_mib.c'
  const declare = (
    name: string,
    type: SysctlDeclaration['type'],
    description: string,
    rest: Partial<SysctlDeclaration>,
  ): void => {
    sysctl.declare({ name, type, access: 'rd', unit: '', description, source: MIB, fidelity: 'read', ...rest })
  }
  const text = (
    name: string,
    description: string,
    value: string | (() => string),
    rest: Partial<SysctlDeclaration> = {},
  ): void =>
    declare(
      name,
      'string',
      description,
      typeof value === 'string' ? { default: value, ...rest } : { get: value, ...rest },
    )
  const number = (
    name: string,
    type: SysctlDeclaration['type'],
    description: string,
    get: () => number | number[],
    rest: Partial<SysctlDeclaration> = {},
  ): void => declare(name, type, description, { get, ...rest })

  sysctl.node('kern', 'High kernel, proc, limits &c', 'kern/kern_mib.c')
  sysctl.node('vm', 'Virtual memory', 'kern/kern_mib.c')
  sysctl.node('vfs', 'File system', 'kern/kern_mib.c')
  sysctl.node('net', 'Network, (see socket.h)', 'kern/kern_mib.c')
  sysctl.node('hw', 'hardware', 'kern/kern_mib.c')
  sysctl.node('kern.ipc', 'IPC', 'kern/kern_mib.c')

  text('kern.ostype', 'Operating system type', 'FreeBSD')
  text('kern.osrelease', 'Operating system release', '13.0-CURRENT')
  number('kern.osrevision', 'int', 'Operating system revision', () => 199506)
  text('kern.version', 'Kernel version', () => kernelVersion(k))
  text('kern.ident', 'Kernel identifier', 'GENERIC')
  number('kern.osreldate', 'int', 'Kernel release date', () => 1300033, {
    fidelity: 'assumed',
    source: `${MIB}; the exact number at ${REVISION} is not known`,
  })
  text('kern.hostname', 'Hostname', k.config.name, { access: 'rw' })
  text('kern.bootfile', 'Name of kernel file booted', '/boot/kernel/kernel', { access: 'rw' })
  declare('kern.boottime', 'opaque', 'System boottime', {
    get: () => [BOOT_EPOCH_SECONDS, 0],
    format: 'S,timeval',
    source: 'kern/kern_tc.c',
  })
  declare('kern.clockrate', 'opaque', 'Rate and period of various kernel clocks', {
    get: () => [1000, 1000, 8128, STATHZ],
    format: 'S,clockinfo',
    source: 'kern/kern_clock.c',
  })
  number('kern.hz', 'int', 'Number of clock ticks per second', () => 1000, {
    unit: 'Hz',
    source: 'kern/subr_param.c; timers of the model are exact to the nanosecond',
  })
  const clock = { source: 'kern/kern_clock.c', fidelity: 'derived', unit: 'ticks' } as const
  number('kern.cp_time', 'long', 'CPU time statistics', () => cpuTicks(k, -1), clock)
  number(
    'kern.cp_times',
    'long',
    'per-CPU time statistics',
    () => Array.from({ length: k.cpu.count }, (_, cpu) => cpuTicks(k, cpu)).flat(),
    clock,
  )
  sysctl.node('kern.smp', 'Kernel SMP', 'kern/subr_smp.c')
  const smp = { source: 'kern/subr_smp.c' }
  number('kern.smp.maxid', 'int', 'Max CPU ID.', () => k.cpu.count - 1, smp)
  number('kern.smp.active', 'int', 'Indicates system is running in SMP mode', () => (k.cpu.count > 1 ? 1 : 0), smp)
  number('kern.smp.cpus', 'int', 'Number of CPUs online', () => k.cpu.count, smp)
  sysctl.node('kern.features', 'Kernel Features', 'kern/kern_sysctl.c')
  number('kern.features.inet', 'int', 'Internet Protocol version 4', () => 1, { source: 'netinet/in_proto.c' })

  text('hw.machine', 'System machine class', 'amd64')
  text('hw.model', 'Machine model', `Emulated amd64 CPU @ ${gigahertz(k.config.hz)}GHz`, {
    source: 'x86/identcpu.c; the text is ours',
    fidelity: 'assumed',
  })
  number('hw.ncpu', 'int', 'Number of active CPUs', () => k.cpu.count)
  number('hw.byteorder', 'int', 'System byte order', () => 1234)
  const bytes = { unit: 'bytes' }
  number('hw.physmem', 'ulong', 'Amount of physical memory (in bytes)', () => k.phys.frames * 4096, bytes)
  number(
    'hw.usermem',
    'ulong',
    'Amount of memory (in bytes) which is not wired',
    () => (k.phys.frames - vmMeter(k).v_wire_count) * 4096,
    bytes,
  )
  number('hw.pagesize', 'int', 'System memory page size', () => 4096, bytes)
  text('hw.machine_arch', 'System architecture', 'amd64')
  number(
    'hw.realmem',
    'ulong',
    'Amount of memory (in bytes) reported by the firmware',
    () => k.config.memoryBytes,
    bytes,
  )
  number('hw.pagesizes', 'ulong', 'Supported page sizes', () => [4096, 2097152, 1073741824], bytes)
  number('hw.clockrate', 'int', 'CPU instruction clock rate', () => Math.floor(k.config.hz / 1e6), {
    unit: 'MHz',
    source: 'x86/identcpu.c',
  })

  sysctl.node('vm.stats', 'VM meter stats', 'vm/vm_meter.c')
  sysctl.node('vm.stats.vm', 'VM meter vm stats', 'vm/vm_meter.c')
  const meter = (name: keyof VmMeter, description: string, rowless = false): void =>
    number(`vm.stats.vm.${name}`, 'uint', description, () => vmMeter(k)[name], {
      unit: 'pages',
      source: 'vm/vm_meter.c',
      fidelity: 'derived',
      rowless,
    })
  number('vm.stats.vm.v_page_size', 'uint', 'Page size in bytes', () => 4096, { ...bytes, source: 'vm/vm_meter.c' })
  meter('v_page_count', 'Total number of pages in system')
  meter('v_free_reserved', 'Pages reserved for deadlock')
  meter('v_free_target', 'Pages desired free')
  meter('v_free_min', 'Minimum low-free-pages threshold')
  meter('v_free_count', 'Free pages')
  meter('v_wire_count', 'Wired pages')
  meter('v_active_count', 'Active pages')
  meter('v_inactive_count', 'Inactive pages')
  meter('v_laundry_count', 'Pages eligible for laundering')
  meter('v_pageout_free_min', 'Min pages reserved for kernel', true)
  meter('v_interrupt_free_min', 'Reserved pages for interrupt code', true)
  meter('v_free_severe', 'Severe page depletion point', true)
}

/** Clock as CPU names have it: two decimals, no locale. */
function gigahertz(hz: number): string {
  const hundredths = Math.round(hz / 1e7)
  return `${Math.floor(hundredths / 100)}.${String(hundredths % 100).padStart(2, '0')}`
}

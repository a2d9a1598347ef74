/**
 * How much kernel memory there can be: on a 64-bit machine the address space is no limit, on i386 it is. Source: sys/kern/kern_malloc.c kmeminit,
 * sys/amd64/include/vmparam.h, sys/i386/include/vmparam.h (read; the kernel map of i386 taken as 4 GiB, as since its user and kernel spaces were separated
 * in 2018: assumed).
 */
import type { Kernel } from '../kernel'

/** Physical memory per kernel memory (VM_KMEM_SIZE_SCALE), floor and ceiling in bytes, of i386: 40 % of the kernel map. */
const I386_SCALE = 3
const I386_MIN = 12 * 1024 * 1024
const I386_MAX = Math.floor((4294967296 * 2) / 5)
/** amd64: 60 % of 2 TiB. */
const AMD64_MAX = Math.floor((2199023255552 * 3) / 5)

/** vm_kmem_size, bytes. The tunable vm.kmem_size replaces what would follow from the memory; more than twice the memory it is never. kmeminit. */
export function vm_kmem_size(k: Kernel): number {
  const i386 = k.config.directMap === false
  const pages = Math.floor(k.config.memoryBytes / 4096)
  const scale = i386 ? I386_SCALE : 1
  let size = Math.floor(pages / scale) * 4096
  size = k.sysctl.getenvNumber('vm.kmem_size', size)
  const min = k.sysctl.getenvNumber('vm.kmem_size_min', i386 ? I386_MIN : 0)
  const max = k.sysctl.getenvNumber('vm.kmem_size_max', i386 ? I386_MAX : AMD64_MAX)
  if (size < min) size = min
  if (max > 0 && size >= max) size = max
  return Math.min(size, 2 * pages * 4096)
}

/** Declares vm.kmem_size. Called by initMbufLimits. */
export function declareKmemSysctls(k: Kernel, size: number): void {
  k.sysctl.declare({
    name: 'vm.kmem_size',
    type: 'ulong',
    access: 'rdtun',
    unit: 'B',
    description: 'Size of kernel memory',
    source: 'kern/kern_malloc.c',
    fidelity: 'read',
    rowless: true,
    get: () => size,
  })
}

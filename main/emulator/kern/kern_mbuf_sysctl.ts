/**
 * Limits of the network's memory and the knobs that show and change them. Source: sys/kern/kern_mbuf.c tunable_mbinit and its sysctl handlers,
 * sys/kern/uipc_mbuf.c, sys/vm/uma_core.c (read; kernel-mbuf-sendfile 2.2, 2.3).
 */
import type { Kernel } from '../kernel'
import { EINVAL } from '../sys/errno'
import { max_datalen, max_hdr, max_linkhdr, max_protohdr } from '../sys/mbuf'
import { MCLBYTES, MJUM16BYTES, MJUM9BYTES, MJUMPAGESIZE, MSIZE } from '../sys/param'
import { uma_zone_set_max, type UmaZone } from '../vm/uma_core'
import { declareKmemSysctls, vm_kmem_size } from './kern_malloc'

/**
 * The limits of a host, items each. Integer division at every step, as in the kernel.
 * @param realmem physical or kernel memory, whichever is less, bytes. @param tunable value of a loader tunable, 0 if not set. kern_mbuf.c tunable_mbinit (read).
 */
export function mbufLimits(realmem: number, tunable: (name: string) => number) {
  const div = (a: number, b: number): number => Math.floor(a / b)
  let maxmbufmem = tunable('kern.ipc.maxmbufmem') || div(realmem, 2)
  if (maxmbufmem > div(realmem, 4) * 3) maxmbufmem = div(realmem, 4) * 3
  const nmbclusters = tunable('kern.ipc.nmbclusters') || div(div(maxmbufmem, MCLBYTES), 4)
  const nmbjumbop = tunable('kern.ipc.nmbjumbop') || div(div(maxmbufmem, MJUMPAGESIZE), 4)
  const nmbjumbo9 = tunable('kern.ipc.nmbjumbo9') || div(div(maxmbufmem, MJUM9BYTES), 6)
  const nmbjumbo16 = tunable('kern.ipc.nmbjumbo16') || div(div(maxmbufmem, MJUM16BYTES), 6)
  const sum = nmbclusters + nmbjumbop + nmbjumbo9 + nmbjumbo16
  let nmbufs = tunable('kern.ipc.nmbufs')
  if (nmbufs < sum) nmbufs = Math.max(div(div(maxmbufmem, MSIZE), 5), sum)
  return { maxmbufmem, nmbufs, nmbclusters, nmbjumbop, nmbjumbo9, nmbjumbo16 }
}

/** Sets the limits of the zones at boot and declares kern.ipc.nmb… and kern.ipc.mb_use_ext_pgs. Called by mbuf_init. */
export function initMbufLimits(k: Kernel): void {
  const { uma, sysctl } = k
  const kmem = vm_kmem_size(k)
  declareKmemSysctls(k, kmem)
  const limits = mbufLimits(Math.min(k.config.memoryBytes, kmem), (name) => sysctl.getenvNumber(name, 0))
  const source = 'kern/kern_mbuf.c'
  sysctl.declare({
    name: 'kern.ipc.maxmbufmem',
    type: 's64',
    access: 'rdtun',
    unit: 'B',
    description: 'Memory that all kinds of mbufs and clusters may take together',
    source,
    fidelity: 'read',
    get: () => limits.maxmbufmem,
  })
  const clusterZones = [uma.zone_clust, uma.zone_jumbop, uma.zone_jumbo9, uma.zone_jumbo16]
  const limit = (zone: UmaZone, items: number, name: string, description: string): void => {
    uma_zone_set_max(k, zone, items)
    zone.warning = `${name} limit reached`
    sysctl.declare({
      name,
      type: 'int',
      access: 'rw',
      unit: '',
      description,
      source,
      fidelity: 'read',
      get: () => zone.limit,
      set: (value) => {
        const wanted = Number(value)
        if (wanted === zone.limit) return 0
        // Only upward; more clusters only while there is an mbuf for each.
        if (wanted < zone.limit) return EINVAL
        const clusters = clusterZones.reduce((sum, z) => sum + z.limit, 0)
        if (zone !== uma.zone_mbuf && uma.zone_mbuf.limit < clusters) return EINVAL
        uma_zone_set_max(k, zone, wanted)
        return 0
      },
    })
  }
  limit(uma.zone_mbuf, limits.nmbufs, 'kern.ipc.nmbufs', 'Mbufs that may exist')
  limit(uma.zone_clust, limits.nmbclusters, 'kern.ipc.nmbclusters', 'Clusters of 2 KiB that may exist')
  limit(uma.zone_jumbop, limits.nmbjumbop, 'kern.ipc.nmbjumbop', 'Clusters of one page that may exist')
  limit(uma.zone_jumbo9, limits.nmbjumbo9, 'kern.ipc.nmbjumbo9', 'Clusters of 9 KiB that may exist')
  limit(uma.zone_jumbo16, limits.nmbjumbo16, 'kern.ipc.nmbjumbo16', 'Clusters of 16 KiB that may exist')
  sysctl.declare({
    name: 'kern.ipc.mb_use_ext_pgs',
    type: 'bool',
    access: 'rwtun',
    default: 0,
    unit: '',
    description: 'sendfile(2) on TCP sockets builds unmapped mbufs: many pages in one',
    source,
    fidelity: 'read',
  })
  sysctl.declare({
    name: 'kern.ipc.num_snd_tags',
    type: 'u64',
    access: 'rd',
    unit: '',
    description: 'Send tags in use (rate limits; not modelled, so none)',
    source,
    fidelity: 'read',
    get: () => 0,
  })
  sysctl.declare({
    name: 'vm.zone_warnings',
    type: 'int',
    access: 'rwtun',
    unit: '',
    description: 'Log a line when a zone reaches its limit',
    source: 'vm/uma_core.c',
    fidelity: 'read',
    get: () => uma.warnings,
    set: (value) => {
      uma.warnings = Number(value)
      return 0
    },
  })
  sysctl.declare({
    name: 'vm.zone_count',
    type: 'int',
    access: 'rd',
    unit: '',
    description: 'Zones of the allocator',
    source: 'vm/uma_core.c; only zones of the model',
    fidelity: 'derived',
    get: () => uma.list.length + uma.counted.length,
  })
  for (const [name, value, description] of [
    ['kern.ipc.max_linkhdr', max_linkhdr, 'Longest link header'],
    ['kern.ipc.max_protohdr', max_protohdr, 'Longest protocol header'],
    ['kern.ipc.max_hdr', max_hdr, 'Longest link and protocol header together'],
    ['kern.ipc.max_datalen', max_datalen, 'Room left in a header mbuf behind the longest headers'],
  ] as const) {
    sysctl.declare({
      name,
      type: 'int',
      access: 'rd',
      unit: 'B',
      description,
      source: 'kern/uipc_mbuf.c; values as commonly reported',
      fidelity: 'assumed',
      get: () => value,
    })
  }
}

/** The knobs of socket buffers. Source: sys/kern/uipc_sockbuf.c sysctl_handle_sb_max (read; kernel-mbuf-sendfile 5.3). */
import type { Kernel } from '../kernel'
import { EINVAL } from '../sys/errno'
import { SB_MAX_LOWEST, sbMaxAdj } from '../sys/sockbuf'

/** Declares kern.ipc.maxsockbuf and kern.ipc.sockbuf_waste_factor. Called when the socket buffers are created. */
export function declareSockbufSysctls(k: Kernel): void {
  const source = 'kern/uipc_sockbuf.c'
  k.sysctl.declare({
    name: 'kern.ipc.maxsockbuf',
    type: 'ulong',
    access: 'rw',
    unit: 'B',
    description: `Most that one socket buffer may hold, metadata included (at least ${SB_MAX_LOWEST})`,
    source,
    fidelity: 'read',
    get: () => k.sb.settings.sb_max,
    set: (value) => {
      const sb_max = Number(value)
      if (sb_max < SB_MAX_LOWEST) return EINVAL
      k.sb.settings.sb_max = sb_max
      k.sb.settings.sb_max_adj = sbMaxAdj(sb_max)
      return 0
    },
  })
  k.sysctl.declare({
    name: 'kern.ipc.sockbuf_waste_factor',
    type: 'ulong',
    access: 'rw',
    unit: '',
    description: 'Metadata a socket buffer may cost, as a multiple of its mark',
    source,
    fidelity: 'read',
    get: () => k.sb.settings.sb_efficiency,
    set: (value) => {
      k.sb.settings.sb_efficiency = Number(value)
      return 0
    },
  })
}

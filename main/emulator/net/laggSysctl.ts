/** net.link.lagg: there once the module is loaded, which ifconfig(8) does when the first lagg is made. Source: sys/net/if_lagg.c (read). */
import type { Kernel } from '../kernel'
import type { Lagg } from './laggTables'

const knobs = [
  {
    name: 'failover_rx_all',
    field: 'failover_rx_all',
    access: 'rw',
    default: 0,
    range: [-2147483648, 2147483647],
    unit: '',
    description: 'Accept input from any interface in a failover lagg',
  },
  {
    name: 'default_use_flowid',
    field: 'def_use_flowid',
    access: 'rwtun',
    default: 0,
    range: [-2147483648, 2147483647],
    unit: '',
    description: 'Default setting for using flow id for load sharing',
  },
  {
    name: 'default_use_numa',
    field: 'def_use_numa',
    access: 'rwtun',
    default: 1,
    range: [-2147483648, 2147483647],
    unit: '',
    description: 'Use numa to steer flows',
  },
  {
    name: 'default_flowid_shift',
    field: 'def_flowid_shift',
    access: 'rwtun',
    default: 16,
    range: [-2147483648, 2147483647],
    unit: 'bits',
    description: 'Default setting for flowid shift for load sharing',
  },
] as const

/** What the loader's tunables say, or the defaults. */
export function laggTunables(k: Kernel): Lagg['initial'] {
  const initial: Lagg['initial'] = { failover_rx_all: 0, def_use_flowid: 0, def_use_numa: 0, def_flowid_shift: 0 }
  for (const { name, field, access, default: otherwise } of knobs)
    initial[field] = access === 'rw' ? otherwise : k.sysctl.getenvNumber(`net.link.lagg.${name}`, otherwise)
  return initial
}

/** After the tables were made. */
export function declareLaggSysctls(k: Kernel): void {
  const { ctl } = k.ifnet.lagg!
  const module = { loaded: () => ctl.live !== 0 }
  k.sysctl.moduleNode('net.link.lagg', 'Link Aggregation', 'net/if_lagg.c', module)
  for (const { name, field, ...declaration } of knobs)
    k.sysctl.declare({
      ...declaration,
      name: `net.link.lagg.${name}`,
      type: 'int',
      source: 'net/if_lagg.c',
      fidelity: 'read',
      module,
      get: () => ctl[field][1],
      set: (value) => {
        ctl[field][1] = Number(value)
        return 0
      },
    })
}

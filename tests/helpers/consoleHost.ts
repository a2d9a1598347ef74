/**
 * A host for tests of console commands: real interface table, sysctl tree and ioctls, a port that behaves as cxgbe(4) does with capabilities, zones and
 * sockets as given. Small, so that a test can say exactly what the kernel holds.
 */
import { systemCalls, type SocketInfo, type SystemCalls } from '../../main/emulator/inspect/systemCalls'
import type { Kernel } from '../../main/emulator/kernel'
import { SysctlTree, type SysctlDeclaration } from '../../main/emulator/kern/kern_sysctl'
import { Registry } from '../../main/emulator/machine/state'
import * as net from '../../main/emulator/net/if'
import { createLagg } from '../../main/emulator/net/if_lagg'
import { createIn6Addresses } from '../../main/emulator/netinet6/in6'
import { createIn6Ifaddr, in6_ifattach } from '../../main/emulator/netinet6/in6_ifaddr'
import { EAGAIN, EINVAL, EOPNOTSUPP } from '../../main/emulator/sys/errno'
import * as sockio from '../../main/emulator/sys/sockio'
import type { ZoneRow } from '../../main/emulator/vm/uma_core'

/** Capabilities of a T6 port on an adapter with TOE queues (console-tools 1.2). */
const T4_CAP = 0x6ec07bb

export interface ConsoleHost {
  k: Kernel
  sys: SystemCalls
  time: { now: number }
  zones: ZoneRow[]
  sockets: SocketInfo[]
  messages: string[]
  /** cc0 and lo0 rows. */
  cc0: number
  lo0: number
}

/** What a declaration in a test need not say. */
export function knob(name: string, over: Partial<SysctlDeclaration> = {}): SysctlDeclaration {
  return {
    name,
    type: 'int',
    access: 'rw',
    unit: '',
    description: `about ${name}`,
    source: 'test',
    fidelity: 'assumed',
    ...(over.get === undefined ? { default: 0 } : {}),
    ...over,
  }
}

export function consoleHost(): ConsoleHost {
  const registry = new Registry()
  const machine = { time: 0, kernels: [], config: { seed: 1 } }
  const messages: string[] = []
  const fake: Record<string, unknown> = {
    registry,
    part: (name: string) => `host0.${name}`,
    config: { name: 'lab', tunables: {}, sysctls: {} },
    machine,
    msgbuf: { lines: messages },
    printf: (line: string) => messages.push(line),
    cpu: { count: 4 },
    uma: { zones: () => zones },
  }
  const zones: ZoneRow[] = []
  const sockets: SocketInfo[] = []
  fake['sysctl'] = new SysctlTree(fake as never)
  const k = fake as unknown as Kernel
  fake['ifnet'] = net.createIfnet(k)
  fake['inet6'] = {
    addr: createIn6Addresses(k),
    ifaddr: createIn6Ifaddr(k),
    ctl: { ip6_defhlim: 64, ip6_id: 0, order: 0 },
    nd6: {},
  }
  const t = k.ifnet
  const port = net.registerDriver(k, {
    name: 'port',
    if_transmit: () => 0,
    if_ioctl: (kernel, ifp, command, ifr) => {
      switch (command) {
        case sockio.SIOCSIFCAP: {
          const asked = ifr.ifr_reqcap ?? 0
          let wanted = asked
          const before = t.if_capenable[ifp]
          if ((before & net.IFCAP_TSO4) === 0 && (asked & net.IFCAP_TSO4) !== 0 && (asked & net.IFCAP_TXCSUM) === 0) {
            kernel.printf('cc0: enable txcsum first.')
            return EAGAIN
          }
          if ((asked & net.IFCAP_TXCSUM) === 0 && (before & net.IFCAP_TSO4) !== 0) {
            wanted &= ~net.IFCAP_TSO4
            kernel.printf('cc0: tso4 disabled due to -txcsum.')
          }
          t.if_capenable[ifp] = wanted
          return 0
        }
        case sockio.SIOCSIFMTU:
          if ((ifr.ifr_mtu ?? 0) > 9600) return EINVAL
          t.if_mtu[ifp] = ifr.ifr_mtu ?? 0
          return 0
        case sockio.SIOCSIFFLAGS:
          t.if_drv_flags[ifp] = (t.if_flags[ifp] & net.IFF_UP) !== 0 ? net.IFF_DRV_RUNNING : 0
          return 0
        default:
          return net.ether_ioctl(kernel, ifp, command, ifr)
      }
    },
    if_media_status: () => {
      const copper = { subtype: '100GBase-CR4', options: ['full-duplex', 'rxpause', 'txpause'] }
      return {
        current: copper,
        active: copper,
        carrier: true,
        supported: [copper, { subtype: 'autoselect', options: [] }],
      }
    },
  })
  const loop = net.registerDriver(k, {
    name: 'lo',
    if_transmit: () => 0,
    if_ioctl: (_, ifp, command) => {
      if (command !== sockio.SIOCSIFADDR) return EOPNOTSUPP
      t.if_flags[ifp] |= net.IFF_UP
      t.if_drv_flags[ifp] |= net.IFF_DRV_RUNNING
      return 0
    },
  })
  const cc0 = net.if_attach(k, {
    name: 'cc0',
    type: net.IFT_ETHER,
    driver: port,
    flags: net.IFF_BROADCAST | net.IFF_SIMPLEX | net.IFF_MULTICAST,
    mtu: 1500,
    capabilities: T4_CAP | net.IFCAP_TOE,
    capenable: T4_CAP,
    lladdr: [0, 7, 0x43, 0, 0, 1],
  })
  const lo0 = net.if_attach(k, {
    name: 'lo0',
    type: net.IFT_LOOP,
    driver: loop,
    flags: net.IFF_LOOPBACK | net.IFF_MULTICAST,
    mtu: 16384,
    capabilities: 0x680003,
    capenable: 0x680003,
    groups: ['lo'],
  })
  createLagg(k)
  in6_ifattach(k, lo0)
  net.ifioctl(k, 'cc0', sockio.SIOCAIFADDR, { ifra_addr: 0xc0000201, ifra_mask: 0xffffff00 })
  net.ifioctl(k, 'lo0', sockio.SIOCAIFADDR, { ifra_addr: 0x7f000001, ifra_mask: 0xff000000 })
  const sys: SystemCalls = { ...systemCalls(k), sockets: () => sockets }
  return {
    k,
    sys,
    time: {
      get now() {
        return machine.time
      },
      set now(at) {
        machine.time = at
      },
    },
    zones,
    sockets,
    messages,
    cc0,
    lo0,
  }
}

/**
 * Interface ioctls: what ifconfig(8) does. Source: sys/net/if.c ifioctl, ifhwioctl; sys/netinet/in.c in_control; sys/net/if_ethersubr.c ether_ioctl
 * (read; order of checks as in reference kernel-mbuf-sendfile 8.2).
 */
import type { Kernel } from '../kernel'
import { in6_control } from '../netinet6/in6_ifaddr'
import { EADDRNOTAVAIL, EEXIST, EINVAL, ENXIO, EOPNOTSUPP, EPERM } from '../sys/errno'
import {
  SIOCAIFADDR,
  SIOCAIFADDR_IN6,
  SIOCDIFADDR,
  SIOCDIFADDR_IN6,
  SIOCGIFADDR,
  SIOCGIFADDR_IN6,
  SIOCGIFCAP,
  SIOCGIFDESCR,
  SIOCGIFFLAGS,
  SIOCGIFMEDIA,
  SIOCGIFMETRIC,
  SIOCGIFMTU,
  SIOCGETVLAN,
  SIOCGLAGG,
  SIOCGLAGGFLAGS,
  SIOCGLAGGOPTS,
  SIOCGLAGGPORT,
  SIOCSETVLAN,
  SIOCSIFADDR,
  SIOCSIFCAP,
  SIOCSIFDESCR,
  SIOCSIFFLAGS,
  SIOCSIFMEDIA,
  SIOCSIFMETRIC,
  SIOCSIFMTU,
  SIOCSIFNAME,
  SIOCSLAGG,
  SIOCSLAGGDELPORT,
  SIOCSLAGGHASH,
  SIOCSLAGGOPTS,
  SIOCSLAGGPORT,
} from '../sys/sockio'
import { if_getflags, if_name, type Ifreq, ifunit, type InterfaceDriver } from './if'
import {
  IF_MAXMTU,
  IF_MINMTU,
  IFF_BROADCAST,
  IFF_CANTCHANGE,
  IFF_PPROMISC,
  IFF_PROMISC,
  IFF_UP,
  IFT_IEEE8023ADLAG,
} from './ifConstants'
import { lagg_port_ioctl } from './laggIoctl'

const laggPort: Pick<InterfaceDriver, 'if_ioctl'> = {
  if_ioctl: (k, ifp, command, ifr) => lagg_port_ioctl(k, ifp, command, ifr),
}

/** Who answers the ioctls of an interface: its driver, or lagg(4) while it is a port. */
function handlerOf(k: Kernel, ifp: number): Pick<InterfaceDriver, 'if_ioctl'> {
  const t = k.ifnet
  return t.if_type[ifp] === IFT_IEEE8023ADLAG ? laggPort : t.drivers[t.if_driver[ifp]]
}

/** Mask of an address class, for addresses given without one. Source: in_control in sys/netinet/in.c (read). */
function classMask(address: number): number {
  if (address >>> 31 === 0) return 0xff000000
  if (address >>> 30 === 2) return 0xffff0000
  return 0xffffff00
}

/** SIOCAIFADDR, SIOCDIFADDR, SIOCGIFADDR for IPv4. Source: in_control, in_aifaddr_ioctl, in_difaddr_ioctl in sys/netinet/in.c (read). */
function in_control(k: Kernel, ifp: number, command: number, ifr: Ifreq): number {
  const t = k.ifnet
  const { ifaddr } = t
  const head = t.if_addrhead[ifp]
  if (command === SIOCGIFADDR) {
    if (head === 0) return EADDRNOTAVAIL
    ifr.ifra_addr = ifaddr.ifa_addr[head]!
    ifr.ifra_mask = ifaddr.ifa_netmask[head]!
    ifr.ifra_broadaddr = ifaddr.ifa_broadaddr[head]!
    return 0
  }
  // Without an address SIOCDIFADDR takes the first one.
  const wanted = ifr.ifra_addr ?? (head === 0 ? undefined : ifaddr.ifa_addr[head])
  if (wanted === undefined) return EADDRNOTAVAIL
  let before = 0
  let ifa = head
  for (; ifa !== 0 && ifaddr.ifa_addr[ifa] !== wanted; ifa = ifaddr.ifa_link[ifa]!) before = ifa
  if (command === SIOCDIFADDR) {
    if (ifa === 0) return EADDRNOTAVAIL
    if (before === 0) t.if_addrhead[ifp] = ifaddr.ifa_link[ifa]!
    else ifaddr.ifa_link[before] = ifaddr.ifa_link[ifa]!
    ifaddr.free(ifa)
    return 0
  }
  if (wanted === 0) return EINVAL
  const mask = (ifr.ifra_mask ?? classMask(wanted)) >>> 0
  if (ifa === 0) {
    ifa = ifaddr.alloc()
    ifaddr.ifa_ifp[ifa] = ifp
    ifaddr.ifa_link[ifa] = 0
    if (before === 0) t.if_addrhead[ifp] = ifa
    else ifaddr.ifa_link[before] = ifa
  }
  ifaddr.ifa_addr[ifa] = wanted
  ifaddr.ifa_netmask[ifa] = mask
  ifaddr.ifa_broadaddr[ifa] =
    (t.if_flags[ifp] & IFF_BROADCAST) === 0 ? 0 : (ifr.ifra_broadaddr ?? (wanted | ~mask) >>> 0)
  // The first address makes the driver bring the interface up.
  if (head === 0) return handlerOf(k, ifp).if_ioctl?.(k, ifp, SIOCSIFADDR, ifr) ?? 0
  return 0
}

/** SIOCSIFFLAGS. Source: ifhwioctl in sys/net/if.c (read). */
function setFlags(k: Kernel, ifp: number, ifr: Ifreq): number {
  const t = k.ifnet
  const wanted = ifr.ifr_flags ?? 0
  const old = t.if_flags[ifp]
  const goesUp = (wanted & IFF_UP) !== 0 && (old & IFF_UP) === 0
  let promiscuous = old & IFF_PROMISC
  if (((old ^ wanted) & IFF_PPROMISC) !== 0) {
    promiscuous = wanted & IFF_PPROMISC ? IFF_PROMISC : 0
    k.printf(`${if_name(k, ifp)}: permanently promiscuous mode ${promiscuous ? 'enabled' : 'disabled'}`)
  }
  t.if_flags[ifp] = (old & IFF_CANTCHANGE & ~IFF_PROMISC) | promiscuous | (wanted & ~IFF_CANTCHANGE)
  // The driver's answer is ignored, as in the kernel.
  handlerOf(k, ifp).if_ioctl?.(k, ifp, SIOCSIFFLAGS, ifr)
  if (goesUp) t.if_flags[ifp] = t.if_flags[ifp] | IFF_UP
  t.if_lastchange[ifp] = k.machine.time
  return 0
}

/** SIOCSIFNAME: a new name must be free. Source: ifhwioctl (read). */
function setName(k: Kernel, ifp: number, name: string): number {
  if (name === '' || name.length > 15) return EINVAL
  if (name === if_name(k, ifp)) return 0
  if (ifunit(k, name) !== 0) return EEXIST
  k.ifnet.text.names[ifp] = name
  return 0
}

/**
 * An ioctl on an interface, by name. Answers 0 or errno and fills `ifr`. `privileged`: called by root.
 * ENXIO: no such interface. EPERM: not root. EOPNOTSUPP: the driver knows no ioctls, or not this one. EINVAL: bad argument, for SIOCSIFCAP a
 * bit outside if_capabilities.
 * Source: ifioctl, ifhwioctl in sys/net/if.c (read; order of checks as in reference kernel-mbuf-sendfile 8.2).
 */
export function ifioctl(k: Kernel, name: string, command: number, ifr: Ifreq, privileged = true): number {
  const ifp = ifunit(k, name)
  if (ifp === 0) return ENXIO
  const t = k.ifnet
  const driver = t.drivers[t.if_driver[ifp]]
  const handler = handlerOf(k, ifp)
  switch (command) {
    case SIOCGIFFLAGS:
      ifr.ifr_flags = if_getflags(k, ifp)
      return 0
    case SIOCGIFCAP:
      ifr.ifr_reqcap = t.if_capabilities[ifp]!
      ifr.ifr_curcap = t.if_capenable[ifp]!
      return 0
    case SIOCGIFMETRIC:
      ifr.ifr_metric = t.if_metric[ifp]!
      return 0
    case SIOCGIFMTU:
      ifr.ifr_mtu = t.if_mtu[ifp]!
      return 0
    case SIOCGIFDESCR:
      ifr.ifr_descr = t.text.descriptions[ifp] ?? ''
      return 0
    case SIOCGIFADDR:
      return in_control(k, ifp, command, ifr)
    case SIOCGIFADDR_IN6:
      return in6_control(k, ifp, command, ifr)
    case SIOCGIFMEDIA: {
      const media = driver.if_media_status?.(k, ifp) ?? null
      if (media === null) return EINVAL
      ifr.ifm = media
      return 0
    }
    case SIOCGETVLAN:
    case SIOCGLAGG:
    case SIOCGLAGGFLAGS:
    case SIOCGLAGGOPTS:
    case SIOCGLAGGPORT:
      return handler.if_ioctl?.(k, ifp, command, ifr) ?? EOPNOTSUPP
  }
  if (!privileged) return EPERM
  switch (command) {
    case SIOCSIFFLAGS:
      return setFlags(k, ifp, ifr)
    case SIOCSIFCAP: {
      if (handler.if_ioctl === undefined) return EOPNOTSUPP
      if (((ifr.ifr_reqcap ?? 0) & ~t.if_capabilities[ifp]) !== 0) return EINVAL
      const error = handler.if_ioctl(k, ifp, command, ifr)
      if (error === 0) t.if_lastchange[ifp] = k.machine.time
      return error
    }
    case SIOCSIFMETRIC:
      t.if_metric[ifp] = ifr.ifr_metric ?? 0
      t.if_lastchange[ifp] = k.machine.time
      return 0
    case SIOCSIFMTU: {
      const mtu = ifr.ifr_mtu ?? 0
      if (mtu < IF_MINMTU || mtu > IF_MAXMTU) return EINVAL
      if (handler.if_ioctl === undefined) return EOPNOTSUPP
      const error = handler.if_ioctl(k, ifp, command, ifr)
      if (error === 0) t.if_lastchange[ifp] = k.machine.time
      return error
    }
    case SIOCSIFNAME:
      return setName(k, ifp, ifr.ifr_newname ?? '')
    case SIOCSIFDESCR:
      t.text.descriptions[ifp] = ifr.ifr_descr ?? ''
      return 0
    case SIOCAIFADDR:
    case SIOCDIFADDR:
      return in_control(k, ifp, command, ifr)
    case SIOCAIFADDR_IN6:
    case SIOCDIFADDR_IN6:
      return in6_control(k, ifp, command, ifr)
    case SIOCSIFMEDIA:
    case SIOCSETVLAN:
    case SIOCSLAGG:
    case SIOCSLAGGDELPORT:
    case SIOCSLAGGHASH:
    case SIOCSLAGGOPTS:
    case SIOCSLAGGPORT:
      return handler.if_ioctl?.(k, ifp, command, ifr) ?? EOPNOTSUPP
    default:
      return EOPNOTSUPP
  }
}

/** Driver part that every Ethernet driver shares. Source: ether_ioctl in sys/net/if_ethersubr.c (read). */
export function ether_ioctl(k: Kernel, ifp: number, command: number, ifr: Ifreq): number {
  const t = k.ifnet
  switch (command) {
    case SIOCSIFADDR:
      t.if_flags[ifp] = t.if_flags[ifp] | IFF_UP
      return t.drivers[t.if_driver[ifp]].if_ioctl?.(k, ifp, SIOCSIFFLAGS, ifr) ?? 0
    case SIOCSIFMTU:
      if ((ifr.ifr_mtu ?? 0) > 1500) return EINVAL
      t.if_mtu[ifp] = ifr.ifr_mtu ?? 0
      return 0
    default:
      return EINVAL
  }
}

/**
 * lo0. It has no NOMAP: ip_output converts, and the local receiver gets mbufs that refer to the very pages of the sender.
 * Source: sys/net/if_loop.c (derived; reference kernel-mbuf-sendfile 4.4: capabilities 0x680003, MTU 16384).
 */
import { mtodAddr } from '../kern/kern_mbuf'
import type { Kernel } from '../kernel'
import { CAUSE, functionId } from '../machine/cost'
import { EV_LOOP_INPUT } from '../machine/eventKinds'
import { INADDR_LOOPBACK } from '../netinet/in'
import { ip_input } from '../netinet/ip_input'
import { ip6_input } from '../netinet6/ip6_input'
import { EOPNOTSUPP } from '../sys/errno'
import {
  CSUM_DATA_VALID,
  CSUM_IP,
  CSUM_IP_CHECKED,
  CSUM_IP_SCTP,
  CSUM_IP_TCP,
  CSUM_IP_UDP,
  CSUM_IP_VALID,
  CSUM_PSEUDO_HDR,
} from '../sys/mbuf'
import { SIOCAIFADDR, SIOCSIFADDR, SIOCSIFCAP, SIOCSIFFLAGS, SIOCSIFMTU } from '../sys/sockio'
import {
  if_attach,
  IFCAP_LINKSTATE,
  IFCAP_RXCSUM,
  IFCAP_RXCSUM_IPV6,
  IFCAP_TXCSUM,
  IFCAP_TXCSUM_IPV6,
  IFF_DRV_RUNNING,
  IFF_LOOPBACK,
  IFF_MULTICAST,
  IFF_UP,
  ifioctl,
  type Ifreq,
  IFT_LOOP,
  LINK_STATE_UP,
  registerDriver,
} from './if'

const LOMTU = 16384
const LO_CAPABILITIES = IFCAP_RXCSUM | IFCAP_TXCSUM | IFCAP_RXCSUM_IPV6 | IFCAP_TXCSUM_IPV6 | IFCAP_LINKSTATE
const LO_CSUM_FEATURES = CSUM_IP | CSUM_IP_TCP | CSUM_IP_UDP | CSUM_IP_SCTP
const LO_CSUM_SET = CSUM_DATA_VALID | CSUM_PSEUDO_HDR | CSUM_IP_CHECKED | CSUM_IP_VALID

const FN_looutput = functionId('looutput')

/** Attaches lo0 with 127.0.0.1/8 and brings it up, as rc(8) does. After createInet. */
export function createLoopback(k: Kernel): void {
  const driver = registerDriver(k, { name: 'lo', if_transmit: looutput, if_ioctl: loioctl })
  k.inet.ctl.loif = if_attach(k, {
    name: 'lo0',
    type: IFT_LOOP,
    driver,
    flags: IFF_LOOPBACK | IFF_MULTICAST,
    mtu: LOMTU,
    capabilities: LO_CAPABILITIES,
    capenable: LO_CAPABILITIES,
    hwassist: LO_CSUM_FEATURES,
    linkState: LINK_STATE_UP,
    groups: ['lo'],
  })
  ifioctl(k, 'lo0', SIOCAIFADDR, { ifra_addr: INADDR_LOOPBACK, ifra_mask: 0xff000000 })
}

/** looutput: the packet comes back in as a task, as through netisr_queue. Checksums that nobody computed are marked good. */
export function looutput(k: Kernel, ifp: number, m: number): number {
  if (k.cost.on) k.cost.enter(FN_looutput)
  const mb = k.mb
  const n = k.ifnet
  n.if_opackets[ifp]++
  n.if_obytes[ifp] += mb.ph_len[m]
  n.if_ipackets[ifp]++
  n.if_ibytes[ifp] += mb.ph_len[m]
  const asked = mb.ph_csum_flags[m]
  let flags = 0
  const family = k.phys.ram[mtodAddr(k, m)] >>> 4
  if ((n.if_capenable[ifp] & (family === 6 ? IFCAP_RXCSUM_IPV6 : IFCAP_RXCSUM)) !== 0) {
    flags = LO_CSUM_SET
    mb.ph_csum_data[m] = 0xffff
  } else if ((asked & CSUM_IP) !== 0) flags = CSUM_IP_CHECKED | CSUM_IP_VALID
  mb.ph_csum_flags[m] = flags
  mb.ph_rcvif[m] = ifp
  mb.ph_lro_nsegs[m] = 0
  mb.ph_rsstype[m] = 0
  // net.isr.maxthreads is 1: the queue is worked off on CPU 0.
  k.cpu.run(0, EV_LOOP_INPUT, k.id, m)
  if (k.cost.on) k.cost.leave()
  return 0
}

/** Task of EV_LOOP_INPUT. */
export function loopInput(k: Kernel, m: number): void {
  if (k.cost.on) k.cost.charge(CAUSE.interrupt, k.cost.p.contextSwitch)
  if (k.phys.ram[mtodAddr(k, m)] >>> 4 === 6) ip6_input(k, m)
  else ip_input(k, m)
}

function loioctl(k: Kernel, ifp: number, command: number, ifr: Ifreq): number {
  const n = k.ifnet
  switch (command) {
    case SIOCSIFADDR:
      n.if_flags[ifp] |= IFF_UP
      n.if_drv_flags[ifp] |= IFF_DRV_RUNNING
      return 0
    case SIOCSIFFLAGS:
      if ((n.if_flags[ifp] & IFF_UP) !== 0) n.if_drv_flags[ifp] |= IFF_DRV_RUNNING
      else n.if_drv_flags[ifp] &= ~IFF_DRV_RUNNING
      return 0
    case SIOCSIFMTU:
      n.if_mtu[ifp] = ifr.ifr_mtu ?? LOMTU
      return 0
    case SIOCSIFCAP: {
      // The IPv4 checksums can be switched, those of IPv6 cannot, and LINKSTATE has no toggle. Source: loioctl.
      const mask = (ifr.ifr_reqcap ?? 0) ^ n.if_capenable[ifp]
      n.if_capenable[ifp] ^= mask & (IFCAP_RXCSUM | IFCAP_TXCSUM)
      if ((mask & (IFCAP_RXCSUM_IPV6 | IFCAP_TXCSUM_IPV6)) !== 0) return EOPNOTSUPP
      n.if_hwassist[ifp] = (n.if_capenable[ifp] & IFCAP_TXCSUM) !== 0 ? LO_CSUM_FEATURES : 0
      return 0
    }
    default:
      return EOPNOTSUPP
  }
}

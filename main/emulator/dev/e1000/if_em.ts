/**
 * igb(4) for an Intel I350: attaching, ioctls, media, counters, sysctls. It has no IFCAP_NOMAP: iflib gained it later than June 2019, so everything
 * unmapped is converted in ip_output. Source: sys/dev/e1000/if_em.c, sys/net/iflib.c iflib_if_ioctl, iflib_init_locked, iflib_stop,
 * iflib_device_register (read in copies of 2019 to 2021; the capability of later copies left out).
 */
import type { InterfaceConfig } from '../../config'
import type { Kernel } from '../../kernel'
import { cableOf } from '../../link/link'
import { EV_IGB_INTR, EV_IGB_LINK, EV_IGB_TASK, EV_IGB_TX } from '../../machine/eventKinds'
import {
  capabilityBits,
  ETHER_HDR_LEN,
  ether_ioctl,
  if_attach,
  if_link_state_change,
  if_name,
  IFCAP_HWCSUM,
  IFCAP_HWCSUM_IPV6,
  IFCAP_HWSTATS,
  IFCAP_JUMBO_MTU,
  IFCAP_LRO,
  IFCAP_RXCSUM,
  IFCAP_RXCSUM_IPV6,
  IFCAP_TSO,
  IFCAP_TSO4,
  IFCAP_TSO6,
  IFCAP_TXCSUM,
  IFCAP_TXCSUM_IPV6,
  IFCAP_VLAN_HWCSUM,
  IFCAP_VLAN_HWFILTER,
  IFCAP_VLAN_HWTAGGING,
  IFCAP_VLAN_HWTSO,
  IFCAP_VLAN_MTU,
  IFCAP_WOL,
  IFCAP_WOL_MAGIC,
  IFF_BROADCAST,
  IFF_DRV_RUNNING,
  IFF_MULTICAST,
  IFF_SIMPLEX,
  IFF_UP,
  ifioctl,
  type Ifreq,
  IFT_ETHER,
  type InterfaceCounter,
  LINK_STATE_DOWN,
  LINK_STATE_UP,
  registerDriver,
} from '../../net/if'
import type { MediaStatus } from '../../net/if_media'
import { vlan_trunk_capabilities } from '../../net/if_vlan'
import { iflib_if_transmit, iflib_txq_reset } from '../../net/iflib'
import { inet_addr } from '../../netinet/in'
import { EINVAL } from '../../sys/errno'
import {
  CSUM_IP6_SCTP,
  CSUM_IP6_TCP,
  CSUM_IP6_TSO,
  CSUM_IP6_UDP,
  CSUM_IP_SCTP,
  CSUM_IP_TCP,
  CSUM_IP_TSO,
  CSUM_IP_UDP,
} from '../../sys/mbuf'
import { MCLBYTES, MJUMPAGESIZE } from '../../sys/param'
import { SIOCAIFADDR, SIOCSIFADDR, SIOCSIFCAP, SIOCSIFFLAGS, SIOCSIFMTU } from '../../sys/sockio'
import {
  createIgbTables,
  EM_DEFAULT_RXD,
  EM_DEFAULT_TXD,
  EM_MAX_FRAME,
  EM_MAX_SCATTER,
  EM_TSO_SEG_SIZE,
  IFLIB_TSO_RESERVE,
  IFMP_RING_SIZE,
  IGB_BPS,
  type Igb,
  TXD_BYTES,
} from './em'
import { declareIgbSysctls, igbTunables } from './em_sysctl'
import { i350_reset, i350_rx, i350_tx_event } from './i350'
import { igb_intr } from './igb_rx'

/** What an I350 can do, as iflib tells the stack. */
export const IGB_CAPS =
  IFCAP_HWCSUM |
  IFCAP_VLAN_MTU |
  IFCAP_VLAN_HWTAGGING |
  IFCAP_VLAN_HWCSUM |
  IFCAP_WOL |
  IFCAP_VLAN_HWFILTER |
  IFCAP_TSO |
  IFCAP_LRO |
  IFCAP_VLAN_HWTSO |
  IFCAP_JUMBO_MTU |
  IFCAP_HWCSUM_IPV6 |
  IFCAP_HWSTATS
/** On from the start: everything, but of the ways to be woken only the magic packet. */
export const IGB_CAPENABLE = (IGB_CAPS & ~IFCAP_WOL) | IFCAP_WOL_MAGIC
// The card has no checksum of the IPv4 header in its list (CSUM_IP): the stack computes it, except with TSO.
const CSUM4 = CSUM_IP_TCP | CSUM_IP_UDP | CSUM_IP_SCTP
const CSUM6 = CSUM_IP6_TCP | CSUM_IP6_UDP | CSUM_IP6_SCTP
const IP_MAXPACKET = 65535
const ETHER_CRC_LEN = 4

/** igb(4) of a host; null if it has no such interface. */
export function createIgb(k: Kernel): Igb | null {
  const ports = k.config.interfaces.filter((entry) => entry.model === 'igb').length
  if (ports === 0) return null
  const { queues } = igbTunables(k)
  const igb: Igb = Object.assign(createIgbTables(k, ports, queues, EM_DEFAULT_TXD), {
    driver: registerDriver(k, {
      name: 'igb',
      if_transmit: iflib_if_transmit,
      if_ioctl: iflib_if_ioctl,
      if_get_counter: em_if_get_counter,
      if_media_status: em_if_media_status,
    }),
  })
  for (let i = 0; i < ports; i++) {
    const p = igb.port.alloc()
    igb.port.ntxq[p] = queues
    igb.port.nrxq[p] = queues
    igb.port.ntxd[p] = EM_DEFAULT_TXD
    igb.port.nrxd[p] = EM_DEFAULT_RXD
    igb.port.rxMbufSize[p] = MCLBYTES
    for (let n = 0; n < queues; n++) {
      const rx = igb.rxq.alloc()
      const tx = igb.txq.alloc()
      if (n === 0) {
        igb.port.firstRxq[p] = rx
        igb.port.firstTxq[p] = tx
      }
      igb.rxq.port[rx] = p
      igb.rxq.index[rx] = n
      igb.rxq.cpu[rx] = n % k.cpu.count
      igb.rxq.txq[rx] = tx
      // The first interrupt is not held back.
      igb.rxq.fired[rx] = -1e9
      igb.txq.port[tx] = p
      igb.txq.index[tx] = n
      igb.txq.rxq[tx] = rx
      igb.txq.size[tx] = EM_DEFAULT_TXD
      igb.txq.sdesc[tx] = (tx - 1) * EM_DEFAULT_TXD
      igb.txq.rBase[tx] = (tx - 1) * IFMP_RING_SIZE
    }
    declareIgbSysctls(k, igb, p, i)
  }
  wireEvents(k)
  return igb
}

function wireEvents(k: Kernel): void {
  const { machine } = k
  if (machine.handled(EV_IGB_TX)) return
  const { kernels } = machine
  machine.on(EV_IGB_TX, (host, p) => i350_tx_event(kernels[host], p))
  machine.on(EV_IGB_INTR, (host, p, q) => {
    const { rxq } = kernels[host].igb!
    rxq.fired[q] = machine.time
    kernels[host].cpu.run(rxq.cpu[q], EV_IGB_TASK, host, p, q)
  })
  machine.on(EV_IGB_TASK, (host, p, q) => igb_intr(kernels[host], p, q))
  machine.on(EV_IGB_LINK, (host, p) => linkUp(kernels[host], p))
}

/** Makes the interfaces of a host. */
export function attachIgb(k: Kernel): void {
  k.config.interfaces
    .filter(({ model }) => model === 'igb')
    .forEach((entry, i) => {
      const cable = k.id < 2 ? cableOf(k.config, k.config.interfaces.indexOf(entry)) : -1
      attachPort(k, entry, i + 1, cable < k.machine.link.cables ? cable : -1)
    })
}

/** Makes an interface and configures it as rc(8) would. `p`: row of the port; `cable`: that of the machine's link, −1 for none. */
function attachPort(k: Kernel, entry: InterfaceConfig, p: number, cable: number): void {
  const igb = k.igb!
  const { port } = igb
  // Intel's prefix; the rest tells host and port.
  const lladdr = [0xa0, 0x36, 0x9f, 0x00, k.id, p]
  const ifp = if_attach(k, {
    name: entry.name,
    type: IFT_ETHER,
    driver: igb.driver,
    softc: p,
    flags: IFF_BROADCAST | IFF_SIMPLEX | IFF_MULTICAST,
    mtu: 1500,
    capabilities: IGB_CAPS,
    capenable: IGB_CAPENABLE,
    hdrlen: ETHER_HDR_LEN,
    baudrate: IGB_BPS,
    lladdr,
    linkState: LINK_STATE_DOWN,
  })
  port.ifp[p] = ifp
  k.ifnet.if_hw_tsomax[ifp] = IP_MAXPACKET
  k.ifnet.if_hw_tsomaxsegcount[ifp] = EM_MAX_SCATTER - IFLIB_TSO_RESERVE
  k.ifnet.if_hw_tsomaxsegsize[ifp] = EM_TSO_SEG_SIZE
  k.printf(`${entry.name}: <Intel(R) PRO/1000 PCI-Express Network Driver> on pci1`)
  k.printf(`${entry.name}: Using ${port.ntxd[p]} TX descriptors and ${port.nrxd[p]} RX descriptors`)
  k.printf(`${entry.name}: Using ${port.nrxq[p]} RX queues ${port.ntxq[p]} TX queues`)
  k.printf(`${entry.name}: Ethernet address: ${lladdr.map((byte) => byte.toString(16).padStart(2, '0')).join(':')}`)
  if (cable >= 0) {
    port.linked[p] = cable + 1
    const ready = (): boolean => port.running[p] === 1 && port.linkTimer[p] === 0
    k.machine.link.attach(2 * cable + k.id, (slot) => i350_rx(k, p, slot), {
      up: ready,
      carrier: (up) => {
        if (ready()) if_link_state_change(k, ifp, up ? LINK_STATE_UP : LINK_STATE_DOWN)
      },
    })
  }
  if (entry.mtu !== 1500) ifioctl(k, entry.name, SIOCSIFMTU, { ifr_mtu: entry.mtu })
  let capenable = k.ifnet.if_capenable[ifp]
  for (const keyword of Object.keys(entry.capabilities)) {
    const bits = capabilityBits(keyword)
    capenable = entry.capabilities[keyword] === true ? capenable | bits : capenable & ~bits
  }
  capenable &= k.ifnet.if_capabilities[ifp]
  if (capenable !== k.ifnet.if_capenable[ifp]) ifioctl(k, entry.name, SIOCSIFCAP, { ifr_reqcap: capenable })
  const address = inet_addr(entry.address)
  if (address > 0)
    ifioctl(k, entry.name, SIOCAIFADDR, {
      ifra_addr: address,
      ifra_mask: entry.prefixLength === 0 ? 0 : (0xffffffff << (32 - entry.prefixLength)) >>> 0,
    })
}

/** Source: iflib_if_ioctl. A change of MTU or of any capability but the ways to be woken stops the card and starts it again. */
function iflib_if_ioctl(k: Kernel, ifp: number, command: number, ifr: Ifreq): number {
  const t = k.ifnet
  const p = t.if_softc[ifp]
  const running = k.igb!.port.running[p] === 1
  switch (command) {
    case SIOCSIFADDR:
      t.if_flags[ifp] |= IFF_UP
      if (!running) iflib_init_locked(k, p)
      return 0
    case SIOCSIFMTU: {
      const mtu = ifr.ifr_mtu ?? 0
      if (mtu === t.if_mtu[ifp]) return 0
      if (mtu > EM_MAX_FRAME - ETHER_HDR_LEN - ETHER_CRC_LEN) return EINVAL
      if (running) iflib_stop(k, p)
      t.if_mtu[ifp] = mtu
      if (running) iflib_init_locked(k, p)
      return 0
    }
    case SIOCSIFFLAGS:
      if ((t.if_flags[ifp] & IFF_UP) !== 0) {
        if (!running) iflib_init_locked(k, p)
      } else if (running) {
        iflib_stop(k, p)
        t.if_drv_flags[ifp] &= ~IFF_DRV_RUNNING
      }
      return 0
    case SIOCSIFCAP:
      return setCapabilities(k, ifp, p, running, (ifr.ifr_reqcap ?? 0) ^ t.if_capenable[ifp])
    default:
      return ether_ioctl(k, ifp, command, ifr)
  }
}

/** SIOCSIFCAP. There is no tie between TXCSUM and TSO here. Receive checksums change together for both families. */
function setCapabilities(k: Kernel, ifp: number, p: number, running: boolean, mask: number): number {
  const t = k.ifnet
  let set = mask & IGB_CAPS
  const rx = IFCAP_RXCSUM | IFCAP_RXCSUM_IPV6
  if ((set & rx) !== 0) set |= IGB_CAPS & rx
  if (set !== 0) {
    const restart = running && (set & ~IFCAP_WOL) !== 0
    if (restart) iflib_stop(k, p)
    t.if_capenable[ifp] ^= set
    if (restart) iflib_init_locked(k, p)
  }
  vlan_trunk_capabilities(k, ifp)
  return 0
}

/** What the card does itself follows what is on, whenever the card is started. Source: iflib_init_locked. */
function setHwassist(k: Kernel, ifp: number): void {
  const on = k.ifnet.if_capenable[ifp]
  let assist = 0
  if ((on & IFCAP_TXCSUM) !== 0) assist |= CSUM4
  if ((on & IFCAP_TXCSUM_IPV6) !== 0) assist |= CSUM6
  if ((on & IFCAP_TSO4) !== 0) assist |= CSUM_IP_TSO
  if ((on & IFCAP_TSO6) !== 0) assist |= CSUM_IP6_TSO
  k.ifnet.if_hwassist[ifp] = assist
}

/** Source: iflib_init_locked, em_if_init. Starting renegotiates the link, except at boot, when that is long over. */
function iflib_init_locked(k: Kernel, p: number): void {
  const { port, txq } = k.igb!
  const ifp = port.ifp[p]
  if (port.rings[p] === 0) {
    port.rings[p] = 1
    for (let n = 0; n < port.ntxq[p]; n++) {
      const q = port.firstTxq[p] + n
      const first = k.phys.allocContig(Math.ceil((port.ntxd[p] * TXD_BYTES) / 4096))
      if (first === 0)
        throw new Error(`${if_name(k, ifp)}: no memory for transmit queue ${n}; give the host more memory`)
      txq.ba[q] = first * 4096
    }
  }
  for (let n = 0; n < port.ntxq[p]; n++) k.phys.fill(txq.ba[port.firstTxq[p] + n], port.ntxd[p] * TXD_BYTES, 0)
  setHwassist(k, ifp)
  // Frames that do not fit into a cluster take page-sized buffers.
  port.rxMbufSize[p] = k.ifnet.if_mtu[ifp] + ETHER_HDR_LEN + ETHER_CRC_LEN <= MCLBYTES ? MCLBYTES : MJUMPAGESIZE
  port.running[p] = 1
  k.ifnet.if_drv_flags[ifp] |= IFF_DRV_RUNNING
  if (port.linked[p] === 0) return
  if (k.machine.time === 0) linkUp(k, p)
  else {
    k.machine.cancel(port.linkTimer[p])
    port.linkTimer[p] = k.machine.schedule(k.machine.time + k.cxgbe.timing.igbLinkNegotiation, EV_IGB_LINK, k.id, p)
  }
}

function linkUp(k: Kernel, p: number): void {
  const { port } = k.igb!
  port.linkTimer[p] = 0
  if (port.running[p] === 0) return
  const { link } = k.machine
  const end = 2 * (port.linked[p] - 1) + k.id
  if (link.carrier(end)) if_link_state_change(k, port.ifp[p], LINK_STATE_UP)
  link.tell(end, true)
}

/** Source: iflib_stop, em_if_stop: packets that the card or the rings hold are lost. */
function iflib_stop(k: Kernel, p: number): void {
  const { port } = k.igb!
  port.running[p] = 0
  k.machine.cancel(port.linkTimer[p])
  port.linkTimer[p] = 0
  i350_reset(k, p)
  for (let n = 0; n < port.ntxq[p]; n++) iflib_txq_reset(k, port.firstTxq[p] + n)
  if (port.linked[p] === 0) return
  if_link_state_change(k, port.ifp[p], LINK_STATE_DOWN)
  k.machine.link.tell(2 * (port.linked[p] - 1) + k.id, false)
}

/** Statistics registers where there are some, the stack's columns otherwise. Source: em_if_get_counter (errors only; packets are iflib's columns). */
function em_if_get_counter(k: Kernel, ifp: number, counter: InterfaceCounter): number {
  const { port, txq } = k.igb!
  const p = k.ifnet.if_softc[ifp]
  switch (counter) {
    case 'if_ierrors':
      return port.missed_packets[p] + k.ifnet.if_ierrors[ifp]
    case 'if_oqdrops': {
      let drops = 0
      for (let n = 0; n < port.ntxq[p]; n++) drops += txq.r_drops[port.firstTxq[p] + n]
      return drops
    }
    default:
      return k.ifnet[counter][ifp]
  }
}

function em_if_media_status(k: Kernel, ifp: number): MediaStatus {
  const carrier = k.ifnet.if_link_state[ifp] === LINK_STATE_UP
  const full = ['full-duplex']
  return {
    current: { subtype: 'autoselect', options: [] },
    active: carrier ? { subtype: '1000baseT', options: full } : { subtype: 'autoselect', options: [] },
    carrier,
    supported: [
      { subtype: 'autoselect', options: [] },
      { subtype: '1000baseT', options: full },
      { subtype: '100baseTX', options: full },
      { subtype: '100baseTX', options: [] },
      { subtype: '10baseT/UTP', options: full },
      { subtype: '10baseT/UTP', options: [] },
    ],
  }
}

/**
 * cxgbe(4) for a T6: attaching adapter and ports, ioctls, transmit entry, counters and media. A host's T6 interfaces are ports of one adapter,
 * t6nex0. Those with a cable (link/link.ts) are on the machine's link; the others have no carrier.
 * Source: sys/dev/cxgbe/t4_main.c cxgbe_vi_attach, cxgbe_ioctl, cxgbe_transmit, cxgbe_init_synchronized, cxgbe_get_counter (read through
 * reference nic-cxgbe 1.1, 1.2, 3.5).
 */
import { CSUM_TSO } from '../../sys/mbuf'
import type { InterfaceConfig } from '../../config'
import { m_freem } from '../../kern/kern_mbuf'
import type { Kernel } from '../../kernel'
import { cableOf } from '../../link/link'
import { functionId } from '../../machine/cost'
import {
  EV_NIC_RX_HOLDOFF,
  EV_NIC_RX_TASK,
  EV_NIC_TX,
  EV_NIC_TX_STATUS,
  EV_NIC_TX_TASK,
} from '../../machine/eventKinds'
import {
  capabilityBits,
  ETHER_HDR_LEN,
  if_attach,
  if_link_state_change,
  IFCAP_TOE,
  IFF_BROADCAST,
  IFF_MULTICAST,
  IFF_SIMPLEX,
  ifioctl,
  IFT_ETHER,
  type InterfaceCounter,
  LINK_STATE_DOWN,
  LINK_STATE_UP,
  registerDriver,
} from '../../net/if'
import { type MediaStatus, portMedia } from '../../net/if_media'
import { inet_addr } from '../../netinet/in'
import { ENETDOWN } from '../../sys/errno'
import { SIOCAIFADDR, SIOCSIFCAP, SIOCSIFMTU } from '../../sys/sockio'
import {
  createAdapterTables,
  type Cxgbe,
  M_HASHTYPE_NONE,
  MAC_COUNTERS,
  type MacCounter,
  macCounters,
  TX_SGL_SEGS_TSO,
} from './adapter'
import { hw_tx_event, hw_tx_status_event, PORT_BPS } from './t4_hw'
import { cxgbe_ioctl, T4_CAP, TX_CSUM, TX_CSUM6 } from './t4_ioctl'
import { parse_pkt, parsedPacket } from './t4_sge_parse'
import { hw_rx, hw_rx_holdoff_event, service_iq } from './t4_sge_rx'
import { handle_sge_egr_update, mp_ring_enqueue } from './t4_sge_tx'
import { cplCtrl0, probePacket } from './t4_sge_wr'
import { cxgbeTunables, declareCxgbeSysctls } from './t4_sysctl'

const FN_PARSE_PKT = functionId('parse_pkt')
const IP_MAXPACKET = 65535
const PF = 4

export function createCxgbe(k: Kernel): Cxgbe {
  const wanted = k.config.interfaces.filter((entry) => entry.model === 't6')
  const tunables = cxgbeTunables(k)
  const ports = wanted.length
  const tables = createAdapterTables(k, ports, ports * tunables.ntxq, ports * tunables.nrxq)
  const driver = registerDriver(k, {
    name: 'cxgbe',
    if_transmit: cxgbe_transmit,
    if_ioctl: cxgbe_ioctl,
    if_get_counter: cxgbe_get_counter,
    if_media_status: mediaStatus,
  })
  const cx: Cxgbe = Object.assign(tables, { driver, attach: () => attach(k, wanted) })
  for (let i = 0; i < ports; i++) {
    const p = cx.port.alloc()
    const t = cx.port
    t.ntxq[p] = tunables.ntxq
    t.nrxq[p] = tunables.nrxq
    t.qsizeTxq[p] = tunables.qsizeTxq
    t.qsizeRxq[p] = tunables.qsizeRxq
    t.tmrIdx[p] = tunables.tmrIdx
    t.rsrvNoflowq[p] = tunables.rsrvNoflowq
    t.cplCtrl0[p] = cplCtrl0(i, PF, i)
    for (let n = 0; n < tunables.nrxq; n++) {
      const q = cx.rxq.alloc()
      if (n === 0) t.firstRxq[p] = q
      cx.rxq.port[q] = p
      cx.rxq.index[q] = n
      cx.rxq.cpu[q] = n % k.cpu.count
    }
    for (let n = 0; n < tunables.ntxq; n++) {
      const q = cx.txq.alloc()
      if (n === 0) t.firstTxq[p] = q
      cx.txq.port[q] = p
      cx.txq.index[q] = n
      cx.txq.rxq[q] = t.firstRxq[p] + (n % tunables.nrxq)
      cx.txq.iqid[q] = cx.txq.rxq[q]!
    }
    declareCxgbeSysctls(k, cx, p, i)
  }
  wireEvents(k)
  return cx
}

function wireEvents(k: Kernel): void {
  const { machine } = k
  if (machine.handled(EV_NIC_TX)) return
  const { kernels } = machine
  machine.on(EV_NIC_TX, (host, p) => hw_tx_event(kernels[host], p))
  machine.on(EV_NIC_TX_STATUS, (host, p, q, kind) => {
    const kernel = kernels[host]
    if (!hw_tx_status_event(kernel, p, q, kind)) return
    const { rxq, txq } = kernel.cxgbe
    kernel.cpu.run(rxq.cpu[txq.rxq[q]], EV_NIC_TX_TASK, host, p, q)
  })
  machine.on(EV_NIC_TX_TASK, (host, _p, q) => handle_sge_egr_update(kernels[host], q))
  machine.on(EV_NIC_RX_HOLDOFF, (host, p, q) => hw_rx_holdoff_event(kernels[host], p, q))
  machine.on(EV_NIC_RX_TASK, (host, p, q) => service_iq(kernels[host], p, q))
}

/** Makes the interfaces and configures them as rc(8) would: MTU, capabilities, address. */
function attach(k: Kernel, wanted: readonly InterfaceConfig[]): void {
  const { port } = k.cxgbe
  if (wanted.length === 0) return
  const interrupts = 1 + wanted.length * port.nrxq[1]
  const eqs = wanted.length * (port.ntxq[1] + port.nrxq[1] + 1)
  k.printf(
    `t6nex0: PCIe gen3 x16, ${wanted.length} port${wanted.length === 1 ? '' : 's'}, ${interrupts} MSI-X interrupts, ${eqs} eq, ${interrupts} iq`,
  )
  wanted.forEach((entry, i) => {
    const p = i + 1
    // Chelsio's prefix; the rest tells host and port.
    const lladdr = [0x00, 0x07, 0x43, 0x00, k.id, p]
    const ifp = if_attach(k, {
      name: entry.name,
      type: IFT_ETHER,
      driver: k.cxgbe.driver,
      softc: p,
      flags: IFF_BROADCAST | IFF_SIMPLEX | IFF_MULTICAST,
      mtu: 1500,
      capabilities: T4_CAP | IFCAP_TOE,
      capenable: T4_CAP,
      hwassist: TX_CSUM | TX_CSUM6 | CSUM_TSO,
      hdrlen: ETHER_HDR_LEN,
      baudrate: PORT_BPS,
      lladdr,
      linkState: LINK_STATE_DOWN,
    })
    port.ifp[p] = ifp
    k.ifnet.if_hw_tsomax[ifp] = IP_MAXPACKET
    k.ifnet.if_hw_tsomaxsegcount[ifp] = TX_SGL_SEGS_TSO
    k.ifnet.if_hw_tsomaxsegsize[ifp] = 65536
    k.printf(`${entry.name}: <port ${i}> on t6nex0`)
    k.printf(`${entry.name}: Ethernet address: ${lladdr.map((byte) => byte.toString(16).padStart(2, '0')).join(':')}`)
    k.printf(`${entry.name}: ${port.ntxq[p]} txq, ${port.nrxq[p]} rxq (NIC)`)
    const cable = k.id < 2 ? cableOf(k.config, k.config.interfaces.indexOf(entry)) : -1
    if (cable >= 0 && cable < k.machine.link.cables) {
      port.linked[p] = cable + 1
      k.machine.link.attach(2 * cable + k.id, (slot) => hw_rx(k, p, slot), {
        up: () => port.running[p] === 1,
        carrier: (up) => {
          if (port.running[p] === 1) if_link_state_change(k, ifp, up ? LINK_STATE_UP : LINK_STATE_DOWN)
        },
      })
    }
    if (entry.mtu !== 1500) ifioctl(k, entry.name, SIOCSIFMTU, { ifr_mtu: entry.mtu })
    let capenable = k.ifnet.if_capenable[ifp]
    for (const keyword of Object.keys(entry.capabilities)) {
      const bits = capabilityBits(keyword)
      capenable = entry.capabilities[keyword] === true ? capenable | bits : capenable & ~bits
      capenable &= k.ifnet.if_capabilities[ifp]
      ifioctl(k, entry.name, SIOCSIFCAP, { ifr_reqcap: capenable })
      capenable = k.ifnet.if_capenable[ifp]!
    }
    const address = inet_addr(entry.address)
    if (address > 0)
      ifioctl(k, entry.name, SIOCAIFADDR, {
        ifra_addr: address,
        ifra_mask: entry.prefixLength === 0 ? 0 : (0xffffffff << (32 - entry.prefixLength)) >>> 0,
      })
  })
}

/** Source: t4_main.c cxgbe_transmit. Takes the packet in every case. */
function cxgbe_transmit(k: Kernel, ifp: number, m0: number): number {
  const { port } = k.cxgbe
  const p = k.ifnet.if_softc[ifp]
  if (k.ifnet.if_link_state[ifp] !== LINK_STATE_UP) {
    m_freem(k, m0)
    return ENETDOWN
  }
  if (k.cost.on) k.cost.enter(FN_PARSE_PKT)
  const error = parse_pkt(k, m0)
  if (k.cost.on) k.cost.leave()
  if (error !== 0) {
    port.txParseError[p]++
    return error
  }
  const m = parsedPacket
  const reserved = port.rsrvNoflowq[p]
  let q = port.firstTxq[p]
  if (k.mb.ph_rsstype[m] !== M_HASHTYPE_NONE) q += (k.mb.ph_flowid[m] % (port.ntxq[p] - reserved)) + reserved
  const { control } = k.machine.probe
  const watched = control.current !== 0 && control.host === k.id
  if (watched) probePacket(m)
  const full = mp_ring_enqueue(k, q, m)
  if (watched) probePacket(0)
  if (full !== 0) m_freem(k, m)
  return full
}

/** Counters are the MAC's (IFCAP_HWSTATS). Source: t4_main.c cxgbe_get_counter. */
function cxgbe_get_counter(k: Kernel, ifp: number, counter: InterfaceCounter): number {
  const p = k.ifnet.if_softc[ifp]
  const { port, txq } = k.cxgbe
  switch (counter) {
    case 'if_ipackets':
      return macCounter(k, p, 'rx_frames')
    case 'if_ibytes':
      return macCounter(k, p, 'rx_octets')
    case 'if_opackets':
      return macCounter(k, p, 'tx_frames')
    case 'if_obytes':
      return macCounter(k, p, 'tx_octets')
    case 'if_oerrors':
      return macCounter(k, p, 'tx_error_frames')
    case 'if_iqdrops':
      return macCounter(k, p, 'rx_ovflow0') + macCounter(k, p, 'rx_trunc0')
    case 'if_oqdrops': {
      let drops = macCounter(k, p, 'tx_drop')
      for (let n = 0; n < port.ntxq[p]; n++) drops += txq.r_drops[port.firstTxq[p] + n]
      return drops
    }
    default:
      return k.ifnet[counter][ifp]
  }
}

/** A MAC counter of port row p. */
export function macCounter(k: Kernel, p: number, name: MacCounter): number {
  return k.cxgbe.mac[p * MAC_COUNTERS + macCounters.indexOf(name)]
}

function mediaStatus(k: Kernel, ifp: number): MediaStatus {
  const p = k.ifnet.if_softc[ifp]
  const { subtype } = portMedia.find((entry) => entry.rateBps === PORT_BPS)!
  const options = ['full-duplex', 'rxpause', 'txpause']
  const carrier = k.cxgbe.port.linked[p] !== 0 && k.ifnet.if_link_state[ifp] === LINK_STATE_UP
  return {
    current: { subtype, options },
    active: { subtype, options },
    carrier,
    supported: [{ subtype, options }],
  }
}

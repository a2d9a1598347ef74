/**
 * Ioctls of a port, and bringing it up and down. Source: sys/dev/cxgbe/t4_main.c cxgbe_ioctl, cxgbe_init_synchronized, cxgbe_uninit_synchronized,
 * vi_full_init (read through reference nic-cxgbe 1.2).
 */
import { vlan_trunk_capabilities } from '../../net/if_vlan'
import { m_freem } from '../../kern/kern_mbuf'
import type { Kernel } from '../../kernel'
import {
  ether_ioctl,
  if_link_state_change,
  if_name,
  IFCAP_HWCSUM,
  IFCAP_HWCSUM_IPV6,
  IFCAP_HWRXTSTMP,
  IFCAP_HWSTATS,
  IFCAP_JUMBO_MTU,
  IFCAP_LINKSTATE,
  IFCAP_LRO,
  IFCAP_NOMAP,
  IFCAP_RXCSUM,
  IFCAP_RXCSUM_IPV6,
  IFCAP_TOE,
  IFCAP_TSO,
  IFCAP_TSO4,
  IFCAP_TSO6,
  IFCAP_TXCSUM,
  IFCAP_TXCSUM_IPV6,
  IFCAP_VLAN_HWCSUM,
  IFCAP_VLAN_HWTAGGING,
  IFCAP_VLAN_HWTSO,
  IFCAP_VLAN_MTU,
  IFF_DRV_RUNNING,
  IFF_UP,
  type Ifreq,
  LINK_STATE_DOWN,
  LINK_STATE_UP,
} from '../../net/if'
import { EAGAIN, EINVAL } from '../../sys/errno'
import { CSUM_IP, CSUM_IP6_TCP, CSUM_IP6_UDP, CSUM_IP_TCP, CSUM_IP_UDP } from '../../sys/mbuf'
import { SIOCSIFADDR, SIOCSIFCAP, SIOCSIFFLAGS, SIOCSIFMTU } from '../../sys/sockio'
import { EQ_ESIZE, MAX_MTU, MP_RING_IDLE, SPG_LEN } from './adapter'

/** Capabilities of a port without TOE; enabled by default: all of them. */
export const T4_CAP =
  IFCAP_VLAN_HWTAGGING |
  IFCAP_VLAN_MTU |
  IFCAP_HWCSUM |
  IFCAP_VLAN_HWCSUM |
  IFCAP_TSO |
  IFCAP_JUMBO_MTU |
  IFCAP_LRO |
  IFCAP_VLAN_HWTSO |
  IFCAP_LINKSTATE |
  IFCAP_HWCSUM_IPV6 |
  IFCAP_HWSTATS |
  IFCAP_HWRXTSTMP |
  IFCAP_NOMAP
export const TX_CSUM = CSUM_IP_TCP | CSUM_IP_UDP | CSUM_IP
export const TX_CSUM6 = CSUM_IP6_UDP | CSUM_IP6_TCP
const ETHERMIN = 46

/** Bits that SIOCSIFCAP simply toggles. */
const PLAIN_TOGGLES = [
  IFCAP_RXCSUM,
  IFCAP_RXCSUM_IPV6,
  IFCAP_LRO,
  IFCAP_VLAN_HWTAGGING,
  IFCAP_VLAN_MTU,
  IFCAP_VLAN_HWTSO,
  IFCAP_VLAN_HWCSUM,
  IFCAP_HWRXTSTMP,
  IFCAP_NOMAP,
]

/** Source: t4_main.c cxgbe_ioctl. */
export function cxgbe_ioctl(k: Kernel, ifp: number, command: number, ifr: Ifreq): number {
  const p = k.ifnet.if_softc[ifp]
  const t = k.ifnet
  switch (command) {
    case SIOCSIFMTU: {
      const mtu = ifr.ifr_mtu ?? 0
      if (mtu < ETHERMIN || mtu > MAX_MTU) return EINVAL
      t.if_mtu[ifp] = mtu
      return 0
    }
    case SIOCSIFFLAGS:
      if ((t.if_flags[ifp] & IFF_UP) !== 0) cxgbe_init(k, p)
      else cxgbe_uninit(k, p)
      return 0
    case SIOCSIFADDR:
      t.if_flags[ifp] = t.if_flags[ifp] | IFF_UP
      cxgbe_init(k, p)
      return 0
    case SIOCSIFCAP:
      return setCapabilities(k, ifp, (ifr.ifr_reqcap ?? 0) ^ t.if_capenable[ifp])
    default:
      return ether_ioctl(k, ifp, command, ifr)
  }
}

/**
 * SIOCSIFCAP, one capability after the other: what came before an error stays changed. CSUM_TSO stays in if_hwassist whatever TSO4 and TSO6 are.
 * Source: t4_main.c cxgbe_ioctl; reference nic-cxgbe 1.2.
 */
function setCapabilities(k: Kernel, ifp: number, mask: number): number {
  const t = k.ifnet
  const toggle = (bit: number): void => {
    t.if_capenable[ifp] = t.if_capenable[ifp] ^ bit
  }
  const on = (bit: number): boolean => (t.if_capenable[ifp] & bit) !== 0
  const print = (text: string): void => k.printf(`${if_name(k, ifp)}: ${text}`)
  if ((mask & IFCAP_TXCSUM) !== 0) {
    toggle(IFCAP_TXCSUM)
    t.if_hwassist[ifp] = t.if_hwassist[ifp] ^ TX_CSUM
    if (on(IFCAP_TSO4) && !on(IFCAP_TXCSUM)) {
      toggle(IFCAP_TSO4)
      print('tso4 disabled due to -txcsum.')
    }
  }
  if ((mask & IFCAP_TXCSUM_IPV6) !== 0) {
    toggle(IFCAP_TXCSUM_IPV6)
    t.if_hwassist[ifp] = t.if_hwassist[ifp] ^ TX_CSUM6
    if (on(IFCAP_TSO6) && !on(IFCAP_TXCSUM_IPV6)) {
      toggle(IFCAP_TSO6)
      print('tso6 disabled due to -txcsum6.')
    }
  }
  if ((mask & IFCAP_TSO4) !== 0) {
    if (!on(IFCAP_TSO4) && !on(IFCAP_TXCSUM)) {
      print('enable txcsum first.')
      return EAGAIN
    }
    toggle(IFCAP_TSO4)
  }
  if ((mask & IFCAP_TSO6) !== 0) {
    if (!on(IFCAP_TSO6) && !on(IFCAP_TXCSUM_IPV6)) {
      print('enable txcsum6 first.')
      return EAGAIN
    }
    toggle(IFCAP_TSO6)
  }
  if ((mask & IFCAP_TOE) !== 0) {
    // t4_tom is not loaded (and cannot be, in this model).
    k.printf('You must kldload t4_tom.ko before trying to enable TOE on a cxgbe interface.')
    return EAGAIN
  }
  for (const bit of PLAIN_TOGGLES) if ((mask & bit) !== 0) toggle(bit)
  vlan_trunk_capabilities(k, ifp)
  return 0
}

/** Rings and software descriptors: once, when the interface comes up for the first time. Source: t4_main.c vi_full_init, t4_sge.c alloc_eq. */
function vi_full_init(k: Kernel, p: number): void {
  const cx = k.cxgbe
  const { port, txq } = cx
  if (port.fullInit[p] === 1) return
  port.fullInit[p] = 1
  const qsize = port.qsizeTxq[p]
  const sidx = qsize - SPG_LEN / EQ_ESIZE
  let at = cx.sdM.length
  const total = at + sidx * port.ntxq[p]
  cx.sdM = grown(cx.sdM, new Int32Array(total))
  cx.sdUsed = grown(cx.sdUsed, new Uint8Array(total))
  cx.items = grown(cx.items, new Int32Array(total))
  cx.sdProbe = grown(cx.sdProbe, new Int32Array(total))
  for (let n = 0; n < port.ntxq[p]; n++) {
    const q = port.firstTxq[p] + n
    const frames = Math.ceil((qsize * EQ_ESIZE) / 4096)
    const first = k.phys.allocContig(frames)
    if (first === 0)
      throw new Error(`${if_name(k, port.ifp[p])}: no memory for transmit queue ${n}; give the host more memory`)
    txq.ba[q] = first * 4096
    txq.sidx[q] = sidx
    txq.sdesc[q] = at
    k.phys.fill(first * 4096, qsize * EQ_ESIZE, 0)
    at += sidx
  }
}

function grown<T extends Int32Array | Uint8Array>(old: T, longer: T): T {
  longer.set(old)
  return longer
}

/** Source: t4_main.c cxgbe_init_synchronized. */
function cxgbe_init(k: Kernel, p: number): void {
  const { port } = k.cxgbe
  if (port.running[p] === 1) return
  vi_full_init(k, p)
  port.running[p] = 1
  const ifp = port.ifp[p]
  k.ifnet.if_drv_flags[ifp] = k.ifnet.if_drv_flags[ifp] | IFF_DRV_RUNNING
  if (port.linked[p] === 0) return
  const { link } = k.machine
  const end = 2 * (port.linked[p] - 1) + k.id
  if (link.carrier(end)) if_link_state_change(k, ifp, LINK_STATE_UP)
  link.tell(end, true)
}

/** Source: t4_main.c cxgbe_uninit_synchronized: packets that wait in software are dropped, those the card has are not. */
function cxgbe_uninit(k: Kernel, p: number): void {
  const cx = k.cxgbe
  const { port, txq } = cx
  if (port.running[p] === 0) return
  port.running[p] = 0
  const ifp = port.ifp[p]
  k.ifnet.if_drv_flags[ifp] = k.ifnet.if_drv_flags[ifp] & ~IFF_DRV_RUNNING
  for (let n = 0; n < port.ntxq[p]; n++) {
    const q = port.firstTxq[p] + n
    while (txq.rCidx[q] !== txq.rPidx[q]) {
      m_freem(k, cx.items[txq.sdesc[q] + txq.rCidx[q]])
      txq.rCidx[q] = txq.rCidx[q] + 1 === txq.sidx[q] ? 0 : txq.rCidx[q] + 1
    }
    txq.rState[q] = MP_RING_IDLE
  }
  if_link_state_change(k, ifp, LINK_STATE_DOWN)
  if (port.linked[p] !== 0) k.machine.link.tell(2 * (port.linked[p] - 1) + k.id, false)
}

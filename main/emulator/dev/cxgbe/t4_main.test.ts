import { beforeEach, describe, expect, it } from 'vitest'
import type { Kernel } from '../../kernel'
import {
  capabilityTable,
  if_getcounter,
  if_getflags,
  if_transmit,
  IFCAP_NOMAP,
  IFCAP_TOE,
  IFCAP_TSO4,
  IFCAP_TXCSUM,
  IFF_UP,
  ifioctl,
  type Ifreq,
} from '../../net/if'
import { EAGAIN, EBUSY, EINVAL } from '../../sys/errno'
import { CSUM_IP_TCP, CSUM_TSO } from '../../sys/mbuf'
import { SIOCGIFCAP, SIOCGIFMEDIA, SIOCSIFCAP, SIOCSIFFLAGS, SIOCSIFMTU } from '../../sys/sockio'
import { mappedPacket, mbufsInUse, Rig, tcpHeaders } from './testRig'

let k: Kernel
let ifp: number
beforeEach(() => {
  k = new Rig().k
  ifp = k.cxgbe.port.ifp[1]!
})
const set = (on: number, off = 0): number =>
  ifioctl(k, 'cc0', SIOCSIFCAP, { ifr_reqcap: (k.ifnet.if_capenable[ifp] | on) & ~off })
const options = (): string => k.ifnet.if_capenable[ifp].toString(16)
const lastLine = (): string => k.msgbuf.lines.at(-1)!

describe('capabilities of a port (nic-cxgbe 1.2)', () => {
  it('a fresh port – options 6ec07bb, TOE supported but off, printed names as ifconfig has them', () => {
    expect(options()).toBe('6ec07bb')
    expect((k.ifnet.if_capabilities[ifp] >>> 0).toString(16)).toBe('6ecc7bb')
    const names = capabilityTable
      .filter((entry) => (k.ifnet.if_capenable[ifp] & entry.bit) !== 0 && entry.printed !== '')
      .map((entry) => entry.printed)
    expect(names.join(',')).toBe(
      'RXCSUM,TXCSUM,VLAN_MTU,VLAN_HWTAGGING,JUMBO_MTU,VLAN_HWCSUM,TSO4,TSO6,LRO,VLAN_HWTSO,LINKSTATE,RXCSUM_IPV6,TXCSUM_IPV6,HWRXTSTMP,NOMAP',
    )
  })

  it('-nomap and nomap – plain toggle: 2ec07bb and back, nothing printed', () => {
    const lines = k.msgbuf.lines.length
    expect(set(0, IFCAP_NOMAP)).toBe(0)
    expect(options()).toBe('2ec07bb')
    expect(set(IFCAP_NOMAP)).toBe(0)
    expect(options()).toBe('6ec07bb')
    expect(k.msgbuf.lines.length).toBe(lines)
  })

  it('-txcsum with TSO4 on – clears both, prints the line, leaves CSUM_TSO in hwassist', () => {
    expect(set(0, IFCAP_TXCSUM)).toBe(0)
    expect(k.ifnet.if_capenable[ifp] & (IFCAP_TXCSUM | IFCAP_TSO4)).toBe(0)
    expect(lastLine()).toBe('cc0: tso4 disabled due to -txcsum.')
    expect(k.ifnet.if_hwassist[ifp] & CSUM_IP_TCP).toBe(0)
    expect(k.ifnet.if_hwassist[ifp] & CSUM_TSO).toBe(CSUM_TSO)
  })

  it('tso4 without txcsum – EAGAIN and a line; txcsum first – works and TSO4 does not come back by itself', () => {
    set(0, IFCAP_TXCSUM)
    expect(set(IFCAP_TSO4)).toBe(EAGAIN)
    expect(lastLine()).toBe('cc0: enable txcsum first.')
    expect(set(IFCAP_TXCSUM)).toBe(0)
    expect(k.ifnet.if_capenable[ifp] & IFCAP_TSO4).toBe(0)
    expect(set(IFCAP_TSO4)).toBe(0)
    expect(options()).toBe('6ec07bb')
  })

  it('console-tools 1.5, toe without t4_tom – a log line and EAGAIN', () => {
    expect(set(IFCAP_TOE)).toBe(EAGAIN)
    expect(lastLine()).toContain('kldload t4_tom.ko')
    expect(options()).toBe('6ec07bb')
  })

  it('a bit the card does not have – EINVAL before the driver is asked', () => {
    expect(ifioctl(k, 'cc0', SIOCSIFCAP, { ifr_reqcap: 0x40 })).toBe(EINVAL)
  })

  it('capabilities of the configuration – are applied at boot as ifconfig would', () => {
    const off = new Rig({ capabilities: { nomap: false } }).k
    const ifr: Ifreq = {}
    ifioctl(off, 'cc0', SIOCGIFCAP, ifr)
    expect(ifr.ifr_curcap!.toString(16)).toBe('2ec07bb')
  })

  it('TSO limits – 65535 bytes, 38 segments of at most 65536', () => {
    expect([k.ifnet.if_hw_tsomax[ifp], k.ifnet.if_hw_tsomaxsegcount[ifp], k.ifnet.if_hw_tsomaxsegsize[ifp]]).toEqual([
      65535, 38, 65536,
    ])
  })
})

describe('the rest of the interface', () => {
  it('up, down, up – flags, link messages, and packets refused while down', () => {
    expect(if_getflags(k, ifp).toString(16)).toBe('8843')
    expect(k.msgbuf.lines).toContain('cc0: link state changed to UP')
    ifioctl(k, 'cc0', SIOCSIFFLAGS, { ifr_flags: 0 })
    expect(if_getflags(k, ifp).toString(16)).toBe('8802')
    expect(lastLine()).toBe('cc0: link state changed to DOWN')
    expect(if_transmit(k, ifp, mappedPacket(k, tcpHeaders(0)))).not.toBe(0)
    ifioctl(k, 'cc0', SIOCSIFFLAGS, { ifr_flags: IFF_UP })
    expect(if_getflags(k, ifp).toString(16)).toBe('8843')
    expect(if_transmit(k, ifp, mappedPacket(k, tcpHeaders(0)))).toBe(0)
    expect(mbufsInUse(k)).toBe(1)
  })

  it('MTU – 46 to 9600 by the driver, 72 by the interface layer', () => {
    expect(ifioctl(k, 'cc0', SIOCSIFMTU, { ifr_mtu: 9600 })).toBe(0)
    expect(ifioctl(k, 'cc0', SIOCSIFMTU, { ifr_mtu: 9601 })).toBe(EINVAL)
    expect(ifioctl(k, 'cc0', SIOCSIFMTU, { ifr_mtu: 71 })).toBe(EINVAL)
    expect(k.ifnet.if_mtu[ifp]).toBe(9600)
  })

  it('media – 100GBase-CR4 with carrier; a second port without cable has none', () => {
    const two = new Rig({ ports: 2 }).k
    const media = (name: string): Ifreq => {
      const ifr: Ifreq = {}
      expect(ifioctl(two, name, SIOCGIFMEDIA, ifr)).toBe(0)
      return ifr
    }
    expect(media('cc0').ifm!.current).toEqual({
      subtype: '100GBase-CR4',
      options: ['full-duplex', 'rxpause', 'txpause'],
    })
    expect(media('cc0').ifm!.carrier).toBe(true)
    expect(media('cc1').ifm!.carrier).toBe(false)
  })

  it('counters – are those of the MAC and of the queue', () => {
    const rig = new Rig()
    const kernel = rig.k
    if_transmit(kernel, kernel.cxgbe.port.ifp[1], mappedPacket(kernel, tcpHeaders(0)))
    rig.run()
    expect(if_getcounter(kernel, kernel.cxgbe.port.ifp[1], 'if_opackets')).toBe(1)
    expect(if_getcounter(kernel, kernel.cxgbe.port.ifp[1], 'if_obytes')).toBe(70)
    expect(kernel.sysctl.read('dev.cc.0.stats.tx_frames')).toBe(1)
    expect(kernel.sysctl.read('dev.cc.0.stats.tx_frames_65_127')).toBe(1)
    expect(kernel.sysctl.read('dev.cc.0.txq.0.imm_wrs')).toBe(1)
    expect(kernel.sysctl.read('dev.cc.0.txq.0.sgl_wrs')).toBe(0)
  })
})

describe('sysctls and tunables (nic-cxgbe 1.5, 1.6)', () => {
  it('queues – at most 16 and 8 and not more than CPUs; a tunable says otherwise', () => {
    const many = new Rig({ ncpu: 32 }).k
    expect([many.sysctl.read('dev.cc.0.ntxq'), many.sysctl.read('dev.cc.0.nrxq')]).toEqual([16, 8])
    const few = new Rig({ ncpu: 2 }).k
    expect([few.sysctl.read('dev.cc.0.ntxq'), few.sysctl.read('dev.cc.0.nrxq')]).toEqual([2, 2])
    const set3 = new Rig({ ncpu: 2, tunables: { 'hw.cxgbe.ntxq': '3' } }).k
    expect(set3.sysctl.read('dev.cc.0.ntxq')).toBe(3)
  })

  it('ring size – a tunable takes effect, a write after the first up is EBUSY, out of range EINVAL', () => {
    const small = new Rig({ tunables: { 'hw.cxgbe.qsize_txq': '256' } }).k
    expect(small.sysctl.read('dev.cc.0.txq.0.sidx')).toBe(255)
    expect(small.sysctl.write('dev.cc.0.qsize_txq', 512)).toBe(EBUSY)
    expect(small.sysctl.write('dev.cc.0.qsize_txq', 64)).toBe(EINVAL)
  })

  it('hold-off index – can be written, 0 to 5', () => {
    expect(k.sysctl.read('dev.cc.0.holdoff_tmr_idx')).toBe(1)
    expect(k.sysctl.write('dev.cc.0.holdoff_tmr_idx', 5)).toBe(0)
    expect(k.sysctl.write('dev.cc.0.holdoff_tmr_idx', 6)).toBe(EINVAL)
    expect(k.cxgbe.port.tmrIdx[1]).toBe(5)
  })

  it('every declared name – has a description and a readable value', () => {
    for (const oid of k.sysctl.list('dev')) {
      expect(oid.description, oid.name).not.toBe('')
      expect(k.sysctl.read(oid), oid.name).toBeDefined()
    }
  })
})

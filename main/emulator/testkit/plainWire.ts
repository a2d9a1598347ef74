/**
 * The simplest network there is, for tests of the stack alone: an Ethernet interface `ww0` on each of two hosts and a wire that carries one frame at a
 * time, with seeded loss, duplication and reordering. No rings, no scatter/gather list, no LRO: a packet is read byte by byte through m_copydata,
 * cut into segments as TSO demands, and every checksum is really computed and really checked by the receiver.
 */
import { m_freem, m_getm2, M_SIZE, mtodAddr } from '../kern/kern_mbuf'
import { m_copydata } from '../kern/uipc_mbuf'
import type { Kernel } from '../kernel'
import type { Machine } from '../machine/machine'
import { Prng } from '../machine/prng'
import {
  ETHERMTU,
  if_attach,
  IFCAP_NOMAP,
  IFCAP_RXCSUM,
  IFCAP_TSO4,
  IFCAP_TXCSUM,
  IFF_BROADCAST,
  IFF_DRV_RUNNING,
  IFF_UP,
  ifioctl,
  IFT_ETHER,
  LINK_STATE_UP,
  registerDriver,
} from '../net/if'
import { ether_input } from '../net/if_ethersubr'
import { get32, in_pseudo, IPPROTO_TCP, put16, put32 } from '../netinet/in'
import { cksumBytes, cksumFold } from '../netinet/in_cksum'
import { in_cksum_hdr } from '../netinet/ip_output'
import { CSUM_IP, CSUM_IP_TCP, CSUM_IP_TSO, M_PKTHDR, MT_DATA } from '../sys/mbuf'
import { M_NOWAIT } from '../sys/param'
import { SIOCAIFADDR } from '../sys/sockio'

/** Kind of the events of this wire; outside of the machine's own. */
const EV_PLAIN_WIRE = 60
const EV_PLAIN_WIRE_TASK = 61

export interface PlainWireOptions {
  delayNs?: number
  /** Bits a second; 0 = infinite. */
  rateBps?: number
  loss?: number
  duplicate?: number
  /** Share of frames that are delayed by up to `reorderNs` more. */
  reorder?: number
  reorderNs?: number
  seed?: number
  mtu?: number
  /** Capabilities of both ends; default TSO, checksums, NOMAP. */
  capenable?: number
  tsomax?: number
  tsomaxsegcount?: number
  tsomaxsegsize?: number
  /** Sees every frame before the faults; answers false to lose it. */
  filter?: (frame: Uint8Array, from: number) => boolean
}

/** What the wire did. */
export interface PlainWire {
  frames: number
  bytes: number
  lost: number
  duplicated: number
  reordered: number
  /** Interface row on each host. */
  ifp: number[]
  /** Address of each host on this wire. */
  address: number[]
  /** Frames under way. */
  pending(): number
}

/** Attaches `ww0` to both hosts of a machine: 10.9.0.1 and 10.9.0.2, /24. */
export function attachPlainWire(machine: Machine, options: PlainWireOptions = {}): PlainWire {
  const seed = options.seed ?? 1
  const random = new Prng(new Uint32Array([seed, seed ^ 0x9e3779b9, 0x85ebca6b, 1]))
  for (let i = 0; i < 20; i++) random.next32()
  const frames = new Map<number, { to: number; bytes: Uint8Array }>()
  let next = 1
  const freeAt = [0, 0]
  const capabilities = IFCAP_TSO4 | IFCAP_TXCSUM | IFCAP_RXCSUM | IFCAP_NOMAP
  const capenable = options.capenable ?? capabilities
  const wire: PlainWire = {
    frames: 0,
    bytes: 0,
    lost: 0,
    duplicated: 0,
    reordered: 0,
    ifp: [],
    address: [0x0a090001, 0x0a090002],
    pending: () => frames.size,
  }

  function launch(to: number, bytes: Uint8Array, at: number): void {
    const id = next++
    frames.set(id, { to, bytes })
    machine.schedule(at, EV_PLAIN_WIRE, to, id)
  }

  function send(k: Kernel, frame: Uint8Array): void {
    wire.frames++
    wire.bytes += frame.length
    if (options.filter !== undefined && !options.filter(frame, k.id)) {
      wire.lost++
      return
    }
    const now = k.now()
    let at = now
    if (options.rateBps !== undefined && options.rateBps > 0) {
      at = Math.max(now, freeAt[k.id]) + Math.ceil(((frame.length + 24) * 8e9) / options.rateBps)
      freeAt[k.id] = at
    }
    at += options.delayNs ?? 10_000
    const lose = random.chance(options.loss ?? 0)
    const twice = random.chance(options.duplicate ?? 0)
    const late = random.chance(options.reorder ?? 0)
    const extra = random.below(options.reorderNs ?? 200_000)
    if (lose) {
      wire.lost++
      return
    }
    if (late) {
      wire.reordered++
      at += extra
    }
    launch(1 - k.id, frame, at)
    if (twice) {
      wire.duplicated++
      launch(1 - k.id, frame.slice(), at + extra)
    }
  }

  /** Writes the TCP checksum of a frame as a card does; the field held the pseudo header's sum. */
  function finishTcp(frame: Uint8Array, tcpLength: number): void {
    const src = get32(frame, 26)
    const dst = get32(frame, 30)
    put16(frame, 50, 0)
    const sum = cksumFold(cksumBytes(frame, 34, tcpLength, 0))
    const swapped = ((sum & 0xff) << 8) | (sum >>> 8)
    const total = swapped + in_pseudo(src, dst, tcpLength, IPPROTO_TCP)
    put16(frame, 50, ~((total & 0xffff) + (total >>> 16)) & 0xffff)
  }

  function transmit(k: Kernel, ifp: number, m: number): number {
    const length = k.mb.ph_len[m]
    const packet = new Uint8Array(length)
    m_copydata(k, m, 0, length, packet, 0)
    const flags = k.mb.ph_csum_flags[m]
    const mss = k.mb.ph_tso_segsz[m]
    k.ifnet.if_opackets[ifp]++
    m_freem(k, m)
    const headers = 14 + 20 + (packet[14 + 20 + 12] >> 4) * 4
    if ((flags & CSUM_IP_TSO) === 0) {
      if ((flags & CSUM_IP_TCP) !== 0) finishTcp(packet, length - 34)
      if ((flags & CSUM_IP) !== 0) {
        put16(packet, 24, 0)
        put16(packet, 24, in_cksum_hdr(packet, 14))
      }
      send(k, packet)
      return 0
    }
    const payload = length - headers
    const seq = get32(packet, 38)
    const tcpFlags = packet[47]
    for (let off = 0; off < payload; off += mss) {
      const n = Math.min(mss, payload - off)
      const frame = new Uint8Array(headers + n)
      frame.set(packet.subarray(0, headers))
      frame.set(packet.subarray(headers + off, headers + off + n), headers)
      put16(frame, 16, headers - 14 + n)
      put32(frame, 38, (seq + off) >>> 0)
      // FIN and PUSH belong to the last segment only.
      if (off + n < payload) frame[47] = tcpFlags & ~0x09
      put16(frame, 24, 0)
      put16(frame, 24, in_cksum_hdr(frame, 14))
      finishTcp(frame, headers - 34 + n)
      send(k, frame)
    }
    return 0
  }

  machine.on(EV_PLAIN_WIRE, (host, id) => machine.kernels[host].cpu.run(0, EV_PLAIN_WIRE_TASK, host, id))
  machine.on(EV_PLAIN_WIRE_TASK, (host, id) => {
    const k = machine.kernels[host]
    const frame = frames.get(id)!.bytes
    frames.delete(id)
    const m = m_getm2(k, 0, frame.length, M_NOWAIT, MT_DATA, M_PKTHDR)
    if (m === 0) return
    let done = 0
    for (let at = m; done < frame.length; at = k.mb.m_next[at]) {
      const n = Math.min(M_SIZE(k, at), frame.length - done)
      k.phys.copyIn(frame, done, n, mtodAddr(k, at))
      k.mb.m_len[at] = n
      done += n
    }
    k.mb.ph_len[m] = frame.length
    k.mb.ph_rcvif[m] = wire.ifp[host]
    k.mb.ph_csum_flags[m] = 0
    k.ifnet.if_ipackets[wire.ifp[host]]++
    ether_input(k, wire.ifp[host], m)
  })
  const client = machine.kernels[1]
  if (client !== undefined) client.apps.client.stat.server = wire.address[0]
  for (const k of machine.kernels.slice(0, 2)) {
    const driver = registerDriver(k, { name: 'plain', if_transmit: transmit, if_ioctl: () => 0 })
    const ifp = if_attach(k, {
      name: 'ww0',
      type: IFT_ETHER,
      driver,
      flags: IFF_BROADCAST | IFF_UP,
      mtu: options.mtu ?? ETHERMTU,
      capabilities,
      capenable,
      hwassist:
        ((capenable & IFCAP_TXCSUM) !== 0 ? CSUM_IP | CSUM_IP_TCP : 0) |
        ((capenable & IFCAP_TSO4) !== 0 ? CSUM_IP_TSO : 0),
      lladdr: [2, 0, 0, 0, 9, k.id],
      linkState: LINK_STATE_UP,
    })
    k.ifnet.if_drv_flags[ifp] = IFF_DRV_RUNNING
    k.ifnet.if_hw_tsomax[ifp] = options.tsomax ?? 65535
    k.ifnet.if_hw_tsomaxsegcount[ifp] = options.tsomaxsegcount ?? 38
    k.ifnet.if_hw_tsomaxsegsize[ifp] = options.tsomaxsegsize ?? 65536
    wire.ifp[k.id] = ifp
    ifioctl(k, 'ww0', SIOCAIFADDR, { ifra_addr: wire.address[k.id], ifra_mask: 0xffffff00 })
  }
  return wire
}

/** What a lagg can do and has on, from its ports and back to them. Source: sys/net/if_lagg.c lagg_capabilities, lagg_setcaps (read). */
import type { Kernel } from '../kernel'
import { SIOCSIFCAP } from '../sys/sockio'
import { if_name } from './if'
import { IFF_DEBUG } from './ifConstants'
import { lp_ioctl, portsOf } from './laggPorts'

/** SIOCSIFCAP of a port, unless it has just that on. */
export function lagg_setcaps(k: Kernel, lp: number, cap: number): void {
  if (k.ifnet.if_capenable[k.ifnet.lagg!.port.lp_ifp[lp]] !== cap) lp_ioctl(k, lp, SIOCSIFCAP, { ifr_reqcap: cap })
}

/**
 * What all ports have on is on, and nothing else stays on in any of them; what all support is supported. The limits of TSO are looked at only when
 * nothing else has changed, as in the kernel: a lagg of two like cards gets theirs, one of unlike cards keeps the defaults (35 segments of 2048 bytes).
 */
export function lagg_capabilities(k: Kernel, sc: number): void {
  const n = k.ifnet
  const { sc: t, port } = n.lagg!
  const ports = portsOf(k, sc)
  const on = (): number => ports.reduce((all, lp) => all & n.if_capenable[port.lp_ifp[lp]], -1)
  let ena = ports.length === 0 ? 0 : on()
  // A driver may refuse, or take something else along: then again, until all agree.
  for (let before = -1; before !== ena;) {
    before = ena
    for (const lp of ports) {
      lagg_setcaps(k, lp, ena)
      ena &= n.if_capenable[port.lp_ifp[lp]]
    }
  }
  let cap = ports.length === 0 ? 0 : -1
  let hwa = ports.length === 0 ? 0 : -1
  const limits: [number, number, number] = [0, 0, 0]
  for (const lp of ports) {
    const ifp = port.lp_ifp[lp]
    cap &= n.if_capabilities[ifp]
    hwa &= n.if_hwassist[ifp]
    if_hw_tsomax_common(k, ifp, limits)
  }
  hwa >>>= 0
  const ifp = t.sc_ifp[sc]
  if (
    n.if_capabilities[ifp] === cap &&
    n.if_capenable[ifp] === ena &&
    n.if_hwassist[ifp] === hwa &&
    !if_hw_tsomax_update(k, ifp, limits)
  )
    return
  n.if_capabilities[ifp] = cap
  n.if_capenable[ifp] = ena
  n.if_hwassist[ifp] = hwa
  n.if_lastchange[ifp] = k.machine.time
  if ((n.if_flags[ifp] & IFF_DEBUG) !== 0) k.printf(`${if_name(k, ifp)}: capabilities ${hex(cap)} enabled ${hex(ena)}`)
}

const hex = (bits: number): string => `0x${(bits >>> 0).toString(16).padStart(8, '0')}`

/** The tighter of two limits each; 0 is none. Source: if_hw_tsomax_common in sys/net/if.c. */
function if_hw_tsomax_common(k: Kernel, ifp: number, limits: [number, number, number]): void {
  const n = k.ifnet
  const own = [n.if_hw_tsomax[ifp], n.if_hw_tsomaxsegcount[ifp], n.if_hw_tsomaxsegsize[ifp]]
  own.forEach((limit, i) => {
    if (limits[i] === 0 || (limit !== 0 && limit < limits[i])) limits[i] = limit
  })
}

/** True if a limit has changed. Source: if_hw_tsomax_update in sys/net/if.c. */
function if_hw_tsomax_update(k: Kernel, ifp: number, [bytes, segments, size]: [number, number, number]): boolean {
  const n = k.ifnet
  const changed =
    n.if_hw_tsomax[ifp] !== bytes || n.if_hw_tsomaxsegcount[ifp] !== segments || n.if_hw_tsomaxsegsize[ifp] !== size
  n.if_hw_tsomax[ifp] = bytes
  n.if_hw_tsomaxsegcount[ifp] = segments
  n.if_hw_tsomaxsegsize[ifp] = size
  return changed
}

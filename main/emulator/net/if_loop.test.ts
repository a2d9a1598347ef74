/** lo0: what it can do, what can be switched, and that it has no NOMAP (reference kernel-mbuf-sendfile 8.2, 8.6; traffic: tests/fidelity/surprises.test.ts). */
import { beforeEach, describe, expect, it } from 'vitest'
import { testMachine } from '../inspect/testMachine'
import type { Kernel } from '../kernel'
import { EINVAL, EOPNOTSUPP } from '../sys/errno'
import { SIOCSIFCAP } from '../sys/sockio'
import {
  IFCAP_LINKSTATE,
  IFCAP_NOMAP,
  IFCAP_RXCSUM,
  IFCAP_RXCSUM_IPV6,
  IFCAP_TXCSUM,
  IFCAP_TXCSUM_IPV6,
  ifioctl,
  ifunit,
} from './if'

let k: Kernel
let lo0: number
beforeEach(() => {
  k = testMachine({ workload: { startNs: -1 } }).kernels[0]
  lo0 = ifunit(k, 'lo0')
})
const set = (bits: number): number => ifioctl(k, 'lo0', SIOCSIFCAP, { ifr_reqcap: bits })

describe('lo0', () => {
  it('as booted – options 680003, no NOMAP among what it can do: asking for it is EINVAL', () => {
    expect(k.ifnet.if_capenable[lo0].toString(16)).toBe('680003')
    expect(k.ifnet.if_capabilities[lo0].toString(16)).toBe('680003')
    expect(set(0x680003 | IFCAP_NOMAP)).toBe(EINVAL)
  })

  it('checksums of IPv4 – can be switched, hwassist follows', () => {
    expect(set(0x680003 & ~IFCAP_TXCSUM)).toBe(0)
    expect(k.ifnet.if_capenable[lo0] & IFCAP_TXCSUM).toBe(0)
    expect(k.ifnet.if_hwassist[lo0]).toBe(0)
    expect(set(0x680003)).toBe(0)
    expect(k.ifnet.if_hwassist[lo0]).not.toBe(0)
  })

  it.each([IFCAP_RXCSUM_IPV6, IFCAP_TXCSUM_IPV6])(
    'checksums of IPv6 – cannot: EOPNOTSUPP for bit %i, what came before it has changed (console-tools 1.5, last row)',
    (bit) => {
      expect(set(0x680003 & ~bit & ~IFCAP_RXCSUM)).toBe(EOPNOTSUPP)
      expect(k.ifnet.if_capenable[lo0]).toBe(0x680003 & ~IFCAP_RXCSUM)
    },
  )

  it('LINKSTATE – has no toggle: it stays, and nobody says so', () => {
    expect(set(0x680003 & ~IFCAP_LINKSTATE)).toBe(0)
    expect(k.ifnet.if_capenable[lo0]).toBe(0x680003)
  })
})

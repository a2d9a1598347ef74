import { describe, expect, it } from 'vitest'
import { IFCAP_LRO, IFCAP_NOMAP, IFCAP_RXCSUM, IFCAP_TSO4, IFCAP_TXCSUM, IFF_UP, ifioctl, type Ifreq } from '../net/if'
import { SF_NOCACHE, SF_NODISKIO, SF_SYNC } from '../sys/socket'
import { SIOCGIFCAP, SIOCGIFFLAGS, SIOCSIFCAP, SIOCSIFFLAGS } from '../sys/sockio'
import { baseLine, createNet, drain } from '../testkit/netRig'
import { startLoad } from './apps'

describe('knobs turned while the web server serves over T6 cards', () => {
  it.each([1, 2])(
    'seed %i: capabilities, sysctls and the link itself toggled every millisecond, 0.2 % loss – every byte right, nothing left behind',
    (seed) => {
      const net = createNet({
        wire: 't6',
        seed,
        files: [100_000, 400_000, 17],
        workload: { connections: 12, requestsPerConnection: 5 },
        link: { loss: 0.002 },
      })
      const before = net.machine.kernels.map(baseLine)
      let s = seed
      const random = (n: number): number => {
        s = (Math.imul(s, 1664525) + 1013904223) >>> 0
        return Math.floor((s / 4294967296) * n)
      }
      startLoad(net.machine)
      for (let t = 1e6; t < 40e6; t += 1e6) {
        net.machine.runUntil(t)
        const k = net.machine.kernels[random(2)]
        const ifr: Ifreq = {}
        const what = random(8)
        if (what < 5) {
          ifioctl(k, 'cc0', SIOCGIFCAP, ifr)
          const bit = [IFCAP_NOMAP, IFCAP_TSO4, IFCAP_TXCSUM, IFCAP_RXCSUM, IFCAP_LRO][what]
          ifioctl(k, 'cc0', SIOCSIFCAP, { ifr_reqcap: ifr.ifr_curcap! ^ bit })
        } else if (what === 5) net.a.sysctl.write('kern.ipc.mb_use_ext_pgs', random(2))
        else if (what === 6) k.sysctl.write('net.inet.tcp.tso', random(2))
        else if (random(5) === 0) {
          ifioctl(k, 'cc0', SIOCGIFFLAGS, ifr)
          ifioctl(k, 'cc0', SIOCSIFFLAGS, { ifr_flags: ifr.ifr_flags! & ~IFF_UP })
          net.machine.runUntil(t + 0.3e6)
          ifioctl(k, 'cc0', SIOCSIFFLAGS, { ifr_flags: ifr.ifr_flags! | IFF_UP })
        }
      }
      expect(drain(net)).toBe(true)
      const { stat } = net.b.apps.client
      expect(stat.responses).toBeGreaterThan(5)
      expect(stat.bytes_corrupt).toBe(0)
      expect(stat.errors).toBe(0)
      expect(net.machine.kernels.map(baseLine)).toEqual(before)
    },
  )

  it.each([
    ['SF_SYNC', SF_SYNC],
    ['SF_NODISKIO', SF_NODISKIO],
    ['SF_NOCACHE', SF_NOCACHE],
  ])('cold files with %s – every byte right, nothing left behind', (_name, flags) => {
    for (const ext of ['0', '1']) {
      const net = createNet({
        wire: 't6',
        warm: false,
        files: [100_000, 30_001, 17],
        sysctls: { 'kern.ipc.mb_use_ext_pgs': ext },
        workload: { connections: 6, sendfileFlags: flags },
      })
      const before = net.machine.kernels.map(baseLine)
      startLoad(net.machine)
      net.machine.runUntil(25e6)
      expect(drain(net)).toBe(true)
      const { stat } = net.b.apps.client
      expect(stat.responses).toBeGreaterThan(3)
      expect(stat.bytes_corrupt).toBe(0)
      expect(stat.errors).toBe(0)
      expect(net.a.sendfile.stat.sf_iocnt).toBeGreaterThan(0)
      expect(net.machine.kernels.map(baseLine)).toEqual(before)
    }
  })

  it('the cost model on or off, nomap on or off – every connection asks for the same files in the same order', () => {
    const asked = (cost: boolean, nomap: boolean): number[][] => {
      const net = createNet({
        wire: 't6',
        cost,
        capabilities: { nomap },
        sysctls: { 'kern.ipc.mb_use_ext_pgs': '1' },
        files: [50_000, 9000, 20_000, 100, 70_000],
        workload: { connections: 4, thinkNs: 50_000, rampNs: 100_000 },
      })
      startLoad(net.machine)
      const { conn } = net.b.apps.client
      const files: number[][] = [[], [], [], []]
      while (files.some((list) => list.length < 8)) {
        net.machine.step()
        for (let row = 1; row <= 4; row++) {
          const list = files[row - 1]
          if (conn.made[row] > list.length && list.length < 8) list.push(conn.file[row])
        }
      }
      return files
    }
    const reference = asked(false, true)
    expect(new Set(reference.flat()).size).toBeGreaterThan(2)
    expect(asked(true, true)).toEqual(reference)
    expect(asked(true, false)).toEqual(reference)
  })
})

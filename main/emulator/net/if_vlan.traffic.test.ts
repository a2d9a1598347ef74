/** Real traffic through vlan10 between two hosts: tags by the card or in the frame, conversion by what vlan10 has on. */
import { describe, expect, it } from 'vitest'
import { drainLoad } from '../apps/apps'
import { leakCheck, memoryUse } from '../inspect/memoryUse'
import { testMachine, type TestOptions } from '../inspect/testMachine'
import { Machine } from '../machine/machine'
import { SIOCSIFCAP } from '../sys/sockio'
import { IFCAP_NOMAP, IFCAP_VLAN_HWTAGGING, ifioctl, ifunit } from './if'

/** A machine whose clients reach the server through vlan10. */
function vlanMachine(options: TestOptions): Machine {
  const plain = testMachine(options)
  const { config } = plain
  config.hosts.forEach((host, id) => {
    host.vlans = [
      { name: 'vlan10', parent: host.interfaces[0].name, tag: 10, address: `198.51.100.${id + 1}`, prefixLength: 24 },
    ]
  })
  config.workload.server = '198.51.100.1'
  return new Machine(config, plain.disk)
}

describe('web traffic over a vlan', () => {
  for (const model of ['t6', 'igb'] as const)
    for (const tagging of [true, false])
      it(`${model}, tags by the card: ${tagging} – every byte arrives through vlan10, conversions follow its NOMAP, nothing is left`, () => {
        const machine = vlanMachine(model === 'igb' ? { model } : {})
        const base = machine.kernels.map(memoryUse)
        const [k] = machine.kernels
        const trunk = model === 't6' ? 'cc0' : 'igb0'
        const set = (off: number, on = 0): number =>
          ifioctl(k, trunk, SIOCSIFCAP, { ifr_reqcap: (k.ifnet.if_capenable[ifunit(k, trunk)] & ~off) | on })
        if (!tagging) set(IFCAP_VLAN_HWTAGGING)
        machine.runUntil(20e6)
        const vlan = ifunit(k, 'vlan10')
        expect(k.ifnet.if_ipackets[vlan]).toBeGreaterThan(50)
        expect(k.ifnet.if_opackets[vlan]).toBeGreaterThan(50)
        expect(machine.kernels[1].apps.client.stat.bytes_verified).toBeGreaterThan(1e6)
        expect(k.mbstat.nomap_sent).toBeGreaterThan(20)
        // Without tagging by the card checksums are software's, so everything is converted although NOMAP is on (10.2 row 19).
        const converts = model === 'igb' || !tagging
        expect(k.mbstat.conversions).toBe(converts ? k.mbstat.nomap_sent : 0)
        if (model === 't6' && tagging) {
          set(IFCAP_NOMAP)
          const before = { ...k.mbstat }
          machine.runUntil(30e6)
          expect(k.mbstat.conversions - before.conversions).toBe(k.mbstat.nomap_sent - before.nomap_sent)
          expect(k.mbstat.conversions).toBeGreaterThan(20)
        }
        expect(machine.kernels[1].apps.client.stat.bytes_corrupt).toBe(0)
        expect(drainLoad(machine)).toBe(true)
        expect(machine.kernels.map((kernel, i) => leakCheck(kernel, base[i]))).toEqual([{}, {}])
      })

  it('a frame with a tag that nobody has – is counted as noproto and freed', () => {
    const machine = vlanMachine({ workload: { startNs: -1 } })
    const [k, peer] = machine.kernels
    const base = machine.kernels.map(memoryUse)
    k.ifnet.vlan.ifv_vid[1] = 11
    machine.schedule(0, 16, 1)
    machine.runUntil(5e6)
    expect(k.ifnet.if_noproto[ifunit(k, 'cc0')]).toBeGreaterThan(0)
    expect(peer.apps.client.stat.bytes_verified).toBe(0)
    k.ifnet.vlan.ifv_vid[1] = 10
    expect(drainLoad(machine)).toBe(true)
    expect(machine.kernels.map((kernel, i) => leakCheck(kernel, base[i]))).toEqual([{}, {}])
  })
})

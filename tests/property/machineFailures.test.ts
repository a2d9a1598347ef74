/**
 * Fail the k-th allocation of the server, for every k of a mixed run of the whole machine: sendfile(2) from a cold cache in both forms, conversion, a vlan
 * with its tag in the frame, a card with NOMAP and one without, sf_bufs that run out. The kernel may lose packets and connections, but never a byte of
 * what arrives, and nothing stays behind.
 */
import { describe, expect, it } from 'vitest'
import { drainLoad, stopLoad } from '../../main/emulator/apps/apps'
import { leakCheck, memoryUse } from '../../main/emulator/inspect/memoryUse'
import { testMachine, type TestOptions } from '../../main/emulator/inspect/testMachine'
import { Machine } from '../../main/emulator/machine/machine'

interface Variant extends TestOptions {
  cold?: boolean
  vlan?: boolean
  directMap?: boolean
}

const sizes = [150, 9000, 60_000]

function build(variant: Variant): Machine {
  const plain = testMachine({ connections: 2, ...variant })
  const { config } = plain
  // One page apart from each other, one of them small enough to become a plain mbuf.
  let page = 0
  config.files.entries = sizes.map((size, i) => {
    const entry = { path: `/www/f${i}`, size, diskPage: page }
    page += Math.ceil(size / 4096)
    return entry
  })
  config.files.warm = variant.cold !== true
  config.files.diskShortReads = 0.2
  // Less to restore for every k.
  config.hosts.forEach((host) => (host.ncpu = 1))
  if (variant.directMap === false) config.hosts[0].directMap = false
  if (variant.vlan === true) {
    config.hosts.forEach((host, id) => {
      host.vlans = [
        { name: 'vlan5', parent: host.interfaces[0].name, tag: 5, address: `203.0.113.${id + 1}`, prefixLength: 24 },
      ]
    })
    config.workload.server = '203.0.113.1'
  }
  config.workload.pipeline = 2
  return new Machine(config, plain.disk)
}

/** Runs the load for a while and lets it end. @returns what the clients have. */
function finish(machine: Machine): { verified: number; corrupt: number; errors: number } {
  machine.runUntil(1.6e6)
  stopLoad(machine)
  expect(drainLoad(machine, 900e9)).toBe(true)
  const { stat } = machine.kernels[1].apps.client
  return { verified: stat.bytes_verified, corrupt: stat.bytes_corrupt, errors: stat.errors }
}

const variants: { [name: string]: Variant } = {
  'unmapped, cold, cc0 with NOMAP, vlan with tags in the frame': {
    cold: true,
    vlan: true,
    capabilities: { vlanhwtag: false },
  },
  'unmapped, cold, cc0 without NOMAP, vlan': { cold: true, vlan: true, nomap: false },
  'unmapped, warm, IPv6, igb': { family: 'inet6', model: 'igb', link: { rateBps: 1e9 }, connections: 1 },
  'unmapped, warm, igb': { model: 'igb', link: { rateBps: 1e9 } },
  'mapped, cold, igb, sf_bufs limited': {
    cold: true,
    model: 'igb',
    extPgs: false,
    directMap: false,
    tunables: { 'kern.ipc.nsfbufs': '8' },
    link: { rateBps: 1e9 },
  },
}

describe('the k-th allocation of a running server fails', () => {
  for (const [name, variant] of Object.entries(variants))
    it(`${name} – for every k: no panic, no wrong byte, nothing left behind`, () => {
      const machine = build(variant)
      const [k] = machine.kernels
      const base = machine.kernels.map(memoryUse)
      const start = machine.snapshot()
      k.uma.observe(() => undefined)
      const whole = finish(machine)
      const { attempts } = k.uma
      k.uma.observe(null)
      expect([whole.corrupt, whole.errors]).toEqual([0, 0])
      expect(attempts).toBeGreaterThan(50 * (variant.connections ?? 2))
      let lost = 0
      for (let fail = 1; fail <= attempts; fail++) {
        machine.restore(start)
        k.uma.failAt(fail)
        const { corrupt, errors } = finish(machine)
        if (corrupt !== 0) expect.fail(`allocation ${fail}: ${corrupt} wrong bytes`)
        const leaks = machine.kernels.map((kernel, i) => leakCheck(kernel, base[i]))
        expect(leaks, `allocation ${fail}`).toEqual([{}, {}])
        if (errors > 0) lost++
      }
      // Some failures cost a connection (sendfile answers ENOBUFS), most only a packet.
      expect(lost).toBeLessThan(attempts)
    })

  it('sf_bufs: for every k of sendfile and of conversion – no panic, no wrong byte, nothing left behind', () => {
    for (const extPgs of [true, false]) {
      const machine = build({ model: 'igb', extPgs, link: { rateBps: 1e9 } })
      const [k] = machine.kernels
      const base = machine.kernels.map(memoryUse)
      const start = machine.snapshot()
      let happened = 0
      for (let fail = 1; fail <= 60; fail++) {
        machine.restore(start)
        k.uma.sfFailAt(fail)
        expect(finish(machine).corrupt).toBe(0)
        if (k.uma.sfCountdown === 0) happened++
        k.uma.sfFailAt(0)
        expect(
          machine.kernels.map((kernel, i) => leakCheck(kernel, base[i])),
          `sf_buf ${fail}`,
        ).toEqual([{}, {}])
      }
      expect(happened).toBeGreaterThan(20)
    }
  })
})

import { describe, expect, it } from 'vitest'
import { testMachine } from '../inspect/testMachine'
import { EPERM } from '../sys/errno'
import { cpuTicks } from './kern_mib'

describe('identity and figures', () => {
  it('console-tools 8.4 – strings – are those of the revision, version ends in a newline', () => {
    const { sysctl } = testMachine().kernels[0]
    expect(sysctl.read('kern.ostype')).toBe('FreeBSD')
    expect(sysctl.read('kern.osrelease')).toBe('13.0-CURRENT')
    expect(sysctl.read('kern.version')).toBe('FreeBSD 13.0-CURRENT r349532 GENERIC\n')
    expect([sysctl.read('hw.machine'), sysctl.read('hw.machine_arch')]).toEqual(['amd64', 'amd64'])
    expect(sysctl.read('hw.pagesizes')).toEqual([4096, 2097152, 1073741824])
    expect(sysctl.read('hw.ncpu')).toBe(2)
    expect(sysctl.read('hw.physmem')).toBe(1024 * 1024 * 1024)
    expect(sysctl.write('hw.ncpu', 4)).toBe(EPERM)
    expect(sysctl.write('kern.hostname', 'www')).toBe(0)
    expect(sysctl.read('kern.hostname')).toBe('www')
  })

  it('kern comes before vm, vm before net, net before hw, dev last – as the kernel numbers them', () => {
    const { sysctl } = testMachine().kernels[0]
    const roots = sysctl.childrenOf().map((oid) => oid.name)
    expect(roots.slice(0, 5)).toEqual(['kern', 'vm', 'vfs', 'net', 'hw'])
    expect(roots).toContain('dev')
    expect(
      sysctl
        .childrenOf('kern')
        .map((oid) => oid.label)
        .slice(0, 4),
    ).toEqual(['ostype', 'osrelease', 'osrevision', 'version'])
  })

  it('page counts – free, queued and wired – never exceed the pages of the host', () => {
    const machine = testMachine()
    machine.runUntil(5e6)
    const { sysctl } = machine.kernels[0]
    const n = (name: string): number => sysctl.read(`vm.stats.vm.${name}`) as number
    expect(n('v_free_count') + n('v_wire_count')).toBeLessThanOrEqual(n('v_page_count'))
    expect(n('v_wire_count')).toBeGreaterThan(0)
  })

  it('kern.cp_time – cost model on – sums up to the ticks that have passed on all CPUs', () => {
    const machine = testMachine({ cost: true })
    machine.runUntil(100e6)
    const ticks = cpuTicks(machine.kernels[0], -1)
    expect(ticks.reduce((a, b) => a + b, 0)).toBe(Math.floor((0.1 * 2 * 127 * 10) / 10))
    expect(ticks[2]).toBeGreaterThan(0)
    expect((machine.kernels[0].sysctl.read('kern.cp_times') as number[]).length).toBe(10)
  })

  it('every declared sysctl of a whole host – can be read, has a description, source and type', () => {
    const { sysctl } = testMachine().kernels[0]
    const leaves = sysctl.list(undefined, true)
    expect(leaves.length).toBeGreaterThan(150)
    for (const oid of leaves) {
      expect(sysctl.read(oid), oid.name).toBeDefined()
      expect(oid.description, oid.name).not.toBe('')
      expect(oid.source, oid.name).not.toBe('')
    }
    expect(sysctl.refused).toEqual([])
  })
})

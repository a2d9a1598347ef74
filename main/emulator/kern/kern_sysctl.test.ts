import { describe, expect, it } from 'vitest'
import { Registry } from '../machine/state'
import { EINVAL, EISDIR, ENOENT, EPERM } from '../sys/errno'
import { parseTunable, SysctlTree, type SysctlDeclaration } from './kern_sysctl'

function tree(tunables: { [name: string]: string } = {}, sysctls: { [name: string]: string } = {}) {
  const registry = new Registry()
  return { registry, sysctl: new SysctlTree({ registry, part: (name) => `h.${name}`, config: { tunables, sysctls } }) }
}
const knob = (over: Partial<SysctlDeclaration>): SysctlDeclaration => ({
  name: 'kern.ipc.knob',
  type: 'int',
  access: 'rw',
  default: 7,
  unit: '',
  description: 'a knob',
  source: 'test',
  fidelity: 'assumed',
  ...over,
})

describe('declared knobs', () => {
  it('a leaf without value – read – gives the declared default', () => {
    const { sysctl } = tree()
    const id = sysctl.declare(knob({}))
    expect(sysctl.read('kern.ipc.knob')).toBe(7)
    expect(sysctl.number(id)).toBe(7)
    expect(sysctl.find('kern.ipc.knob')!.declaredDefault).toBe(7)
  })

  it('a writable leaf – write inside and outside of the range – takes the first and answers EINVAL to the second', () => {
    const { sysctl } = tree()
    sysctl.declare(knob({ range: [1, 100] }))
    expect(sysctl.write('kern.ipc.knob', 100)).toBe(0)
    expect(sysctl.write('kern.ipc.knob', 101)).toBe(EINVAL)
    expect(sysctl.write('kern.ipc.knob', 0)).toBe(EINVAL)
    expect(sysctl.read('kern.ipc.knob')).toBe(100)
  })

  it('console-tools 2.2, kernel checks in order – unknown, node, read-only, not root – ENOENT, EISDIR, EPERM, EPERM', () => {
    const { sysctl } = tree()
    sysctl.declare(knob({}))
    sysctl.declare(knob({ name: 'kern.ipc.fixed', access: 'rd' }))
    sysctl.declare(knob({ name: 'kern.ipc.boot', access: 'rdtun' }))
    expect(sysctl.write('kern.ipc.nothing', 1)).toBe(ENOENT)
    expect(sysctl.write('kern.ipc', 1)).toBe(EISDIR)
    expect(sysctl.write('kern.ipc.fixed', 1)).toBe(EPERM)
    expect(sysctl.write('kern.ipc.boot', 1)).toBe(EPERM)
    expect(sysctl.write('kern.ipc.knob', 1, false)).toBe(EPERM)
    expect(sysctl.read('kern.ipc.knob')).toBe(7)
  })

  it('console-tools 2.2, bool – any non-zero byte reads back 1 and 256 wraps to 0', () => {
    const { sysctl } = tree()
    sysctl.declare(knob({ type: 'bool', default: 0 }))
    expect(sysctl.write('kern.ipc.knob', 17)).toBe(0)
    expect(sysctl.read('kern.ipc.knob')).toBe(1)
    expect(sysctl.write('kern.ipc.knob', 256)).toBe(0)
    expect(sysctl.read('kern.ipc.knob')).toBe(0)
  })

  it('a value kept by its owner – read and write – go through the owner, whose errno is the answer', () => {
    const { sysctl } = tree()
    let limit = 10
    sysctl.declare(
      knob({
        get: () => limit,
        set: (value) => {
          if ((value as number) < limit) return EINVAL
          limit = value as number
          return 0
        },
      }),
    )
    expect(sysctl.write('kern.ipc.knob', 9)).toBe(EINVAL)
    expect(sysctl.write('kern.ipc.knob', 11)).toBe(0)
    expect(sysctl.read('kern.ipc.knob')).toBe(11)
  })

  it('the same name twice – declare – is refused', () => {
    const { sysctl } = tree()
    sysctl.declare(knob({}))
    expect(() => sysctl.declare(knob({}))).toThrow(/kern\.ipc\.knob/)
  })
})

describe('order of listing', () => {
  it('console-tools 2.1 – static numbers first, then registration order, never alphabetical', () => {
    const { sysctl } = tree()
    for (const name of [
      'dev.cc.0.nrxq',
      'net.inet.tcp.zeta',
      'net.inet.tcp.alpha',
      'net.inet.tcp.sendspace',
      'net.inet.ip.ttl',
      'kern.version',
      'kern.ipc.nmbclusters',
      'kern.ipc.maxsockbuf',
      'kern.ostype',
      'hw.ncpu',
    ])
      sysctl.declare(knob({ name }))
    expect(sysctl.list().map((oid) => oid.name)).toEqual([
      'kern.ostype',
      'kern.version',
      'kern.ipc.maxsockbuf',
      'kern.ipc.nmbclusters',
      'net.inet.ip.ttl',
      'net.inet.tcp.sendspace',
      'net.inet.tcp.zeta',
      'net.inet.tcp.alpha',
      'hw.ncpu',
      'dev.cc.0.nrxq',
    ])
  })

  it('console-tools 2.1 – SKIP leaves – are left out of listings but found by name', () => {
    const { sysctl } = tree()
    sysctl.declare(knob({ name: 'kern.ipc.somaxconn', skip: true }))
    sysctl.declare(knob({}))
    expect(sysctl.list('kern.ipc').map((oid) => oid.name)).toEqual(['kern.ipc.knob'])
    expect(sysctl.find('kern.ipc.somaxconn')).toBeDefined()
    expect(sysctl.find('kern.ipc.')!.children).toHaveLength(2)
  })
})

describe('tunables and boot values', () => {
  it('a tunable of the loader – declare – replaces the default, and only for tunable names', () => {
    const { sysctl } = tree({ 'kern.ipc.knob': '0x10', 'kern.ipc.plain': '5', 'hw.typo': '1' })
    sysctl.declare(knob({ access: 'rdtun' }))
    sysctl.declare(knob({ name: 'kern.ipc.plain', access: 'rw' }))
    expect(sysctl.read('kern.ipc.knob')).toBe(16)
    expect(sysctl.read('kern.ipc.plain')).toBe(7)
    expect(sysctl.unusedTunables()).toEqual(['kern.ipc.plain', 'hw.typo'])
  })

  it('a tunable out of range or not a number – declare – keeps the default and is reported', () => {
    const { sysctl } = tree({ 'kern.ipc.knob': '1000', 'kern.ipc.other': 'many' })
    sysctl.declare(knob({ access: 'rdtun', range: [0, 10] }))
    sysctl.declare(knob({ name: 'kern.ipc.other', access: 'rwtun' }))
    expect(sysctl.read('kern.ipc.knob')).toBe(7)
    expect(sysctl.refused).toEqual([
      { name: 'kern.ipc.knob', value: '1000', error: EINVAL },
      { name: 'kern.ipc.other', value: 'many', error: EINVAL },
    ])
  })

  it('boot values – applyBoot – are written in order, unknown and read-only ones reported', () => {
    const { sysctl } = tree({}, { 'kern.ipc.knob': '9', 'kern.ipc.gone': '1', 'kern.ipc.fixed': '2' })
    sysctl.declare(knob({}))
    sysctl.declare(knob({ name: 'kern.ipc.fixed', access: 'rd' }))
    sysctl.applyBoot()
    expect(sysctl.read('kern.ipc.knob')).toBe(9)
    expect(sysctl.refused.map((entry) => entry.error)).toEqual([ENOENT, EPERM])
  })

  it('numbers with base and suffix – parseTunable – are read as getenv_quad does', () => {
    expect(parseTunable('12')).toBe(12)
    expect(parseTunable('-1')).toBe(-1)
    expect(parseTunable('010')).toBe(8)
    expect(parseTunable('0xff')).toBe(255)
    expect(parseTunable('2G')).toBe(2 * 1024 * 1024 * 1024)
    expect(parseTunable('64k')).toBe(65536)
    expect(parseTunable('12x')).toBeNull()
    expect(parseTunable('')).toBeNull()
  })
})

describe('state', () => {
  it('values changed after a snapshot – restore – come back', () => {
    const { registry, sysctl } = tree()
    sysctl.declare(knob({}))
    sysctl.declare(knob({ name: 'kern.hostname', type: 'string', default: 'lab' }))
    const snapshot = registry.save()
    const before = registry.digest()
    sysctl.write('kern.ipc.knob', 8)
    sysctl.write('kern.hostname', 'other')
    expect(registry.digest()).not.toBe(before)
    registry.load(snapshot)
    expect(sysctl.read('kern.ipc.knob')).toBe(7)
    expect(sysctl.read('kern.hostname')).toBe('lab')
    expect(registry.digest()).toBe(before)
  })
})

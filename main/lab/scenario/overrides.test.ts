import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { LabProblem } from '../problem'
import { scenarioToConfig } from './config'
import { loadScenario } from './load'
import { applyKnobs, multiply, parseSet, settableFields, type KnownKnobs } from './overrides'

const loaded = loadScenario('first-lab', resolve(import.meta.dirname, '../../../scenarios'))
const known: KnownKnobs = {
  sysctls: new Map([
    ['kern.ipc.mb_use_ext_pgs', { writable: true, tunable: true }],
    ['net.inet.tcp.sendspace', { writable: true, tunable: false }],
    ['kern.ostype', { writable: false, tunable: false }],
  ]),
  capabilities: ['nomap', 'txcsum', 'rxcsum', 'tso4', 'lro'],
}
const apply = (knobs: { [name: string]: string }): ReturnType<typeof applyKnobs> => applyKnobs(loaded, knobs, known)

describe('--set', () => {
  test('knobs of every kind – are set – each lands where it takes effect', () => {
    const scenario = apply({
      'kern.ipc.mb_use_ext_pgs': '1',
      'net.inet.tcp.sendspace': '65536',
      'cc0.nomap': 'off',
      'client:cc0.lro': 'off',
      'cc0.mtu': '9000',
      'workload.connections': '1000',
      'link.rate': '25Gbps',
      'link.loss': '1%',
      duration: '5ms',
      'cost.umaAlloc': '100',
    })
    const config = scenarioToConfig(scenario, { entries: [] })
    expect(config.hosts[0].tunables).toEqual({ 'kern.ipc.mb_use_ext_pgs': '1' })
    expect(config.hosts[0].sysctls).toEqual({ 'net.inet.tcp.sendspace': '65536' })
    expect(config.hosts[0].interfaces[0]).toMatchObject({
      capabilities: { nomap: false },
      mtu: 9000,
      address: '10.0.0.1',
      prefixLength: 24,
    })
    expect(config.hosts[1].interfaces[0].capabilities).toEqual({ lro: false })
    expect(config.workload.connections).toBe(1000)
    expect(config.link).toMatchObject({ rateBps: 25e9, loss: 0.01 })
    expect(config.cost.parameters).toEqual({ umaAlloc: 100 })
    expect(scenario.duration).toBe(5_000_000)
    // The scenario that was loaded stays as it was.
    expect(loaded.scenario.hosts[0].interfaces[0].mtu).toBe(1500)
  })

  test('workload.family=inet6 – is set – every interface has an IPv6 address: its own, or one by its place; the server is named by it', () => {
    const folder = resolve(import.meta.dirname, '../../../scenarios')
    const six = scenarioToConfig(apply({ 'workload.family': 'inet6' }), { entries: [] })
    expect(six.workload).toMatchObject({ family: 'inet6' })
    expect(six.hosts.map((host) => host.interfaces[0])).toMatchObject([
      { address6: '2001:db8:0:0::1', prefixLength6: 64 },
      { address6: '2001:db8:0:0::2', prefixLength6: 64 },
    ])
    const trunk = applyKnobs(loadScenario('vlan-trunk', folder), { 'workload.family': 'inet6' }, known)
    const config = scenarioToConfig(trunk, { entries: [] })
    expect(config.hosts[1].vlans![0]).toMatchObject({ tag: 10, address6: '2001:db8:0:100a::2', prefixLength6: 64 })
    expect(config.workload.server).toBe('2001:db8:0:100a::1')
    const shipped = scenarioToConfig(loadScenario('ipv6', folder).scenario, { entries: [] })
    expect(shipped.hosts[0].interfaces[0]).toMatchObject({ address6: '2001:db8::1', prefixLength6: 64 })
    // Without it nothing is given away.
    expect(scenarioToConfig(apply({}), { entries: [] }).hosts[0].interfaces[0].address6).toBeUndefined()
  })

  test('a knob that the scenario sets as sysctl and --set as tunable – is set – the tunable wins', () => {
    const base = structuredClone(loaded)
    ;(base.written['hosts'] as { sysctls: unknown }[])[0].sysctls = { 'kern.ipc.mb_use_ext_pgs': 0 }
    const host = applyKnobs(base, { 'kern.ipc.mb_use_ext_pgs': '1' }, known).hosts[0]
    expect([host.tunables, host.sysctls]).toEqual([{ 'kern.ipc.mb_use_ext_pgs': '1' }, {}])
  })

  test.each([
    [
      'kern.ipc.mb_use_extpgs',
      '1',
      'There is no knob kern.ipc.mb_use_extpgs.',
      'Did you mean kern.ipc.mb_use_ext_pgs?',
    ],
    ['kern.ostype', 'X', 'kern.ostype can only be read.', /instead/],
    ['net.inet.tcp.sendspace', '64KiB', /takes a plain number/, /without a unit/],
    ['cc1.nomap', 'on', 'The host server has no interface cc1.', 'Did you mean cc0?'],
    ['cc0.nomapp', 'on', 'cc0 has no capability nomapp.', 'Did you mean nomap?'],
    ['cc0.nomap', 'maybe', 'cc0.nomap=maybe: a capability is on or off.', 'Write on or off.'],
    ['cc0.mtu', '100', 'cc0.mtu=100 is out of range.', 'An MTU is 576 to 9000.'],
    ['workload.conections', '3', 'A scenario has no field workload.conections.', 'Did you mean workload.connections?'],
    ['link.rate', 'fast', /link\.rate: "fast" is not a bit rate/, /Write for instance 10Gbps/],
    ['workload.connections', '0', /workload\.connections is too small/, 'The least is 1.'],
    ['router:cc0.nomap', 'on', 'There is no host router.', /The hosts are server and client/],
    ['frobnicate', '1', 'There is no knob frobnicate.', /Knobs are sysctls/],
  ])('%s=%s – is set – one sentence says what is wrong', (name, value, message, remedy) => {
    try {
      apply({ [name]: value })
      throw new Error('nothing was thrown')
    } catch (error) {
      expect(error).toBeInstanceOf(LabProblem)
      expect((error as LabProblem).message).toMatch(message)
      expect((error as LabProblem).remedy).toMatch(remedy)
    }
  })

  test('several values of several knobs – are multiplied – every combination once, the last fastest', () => {
    expect(multiply([parseSet('a.b=1,2'), parseSet('cc0.nomap=on,off')])).toEqual([
      { 'a.b': '1', 'cc0.nomap': 'on' },
      { 'a.b': '1', 'cc0.nomap': 'off' },
      { 'a.b': '2', 'cc0.nomap': 'on' },
      { 'a.b': '2', 'cc0.nomap': 'off' },
    ])
    expect(multiply([])).toEqual([{}])
  })

  test.each(['kern.x', '=1', 'a=', 'a=1,,2', 'a=1,1'])('%s is no --set', (text) => {
    expect(() => parseSet(text)).toThrow(LabProblem)
  })

  test('every settable field is a field of the schema', () => {
    expect(settableFields()).toEqual(
      expect.arrayContaining([
        'link.loss',
        'workload.connections',
        'files.generate.count',
        'files.disk.latency',
        'duration',
      ]),
    )
  })
})

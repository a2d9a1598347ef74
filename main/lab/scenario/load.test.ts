import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { LabProblem } from '../problem'
import { scenarioToConfig } from './config'
import { loadScenario, parseScenario, scenarioNames } from './load'

const shipped = resolve(import.meta.dirname, '../../../scenarios')

const good = `schema: 1
title: Test
duration: 10ms
hosts:
  - name: server
    interfaces: [{ name: cc0, address: 10.0.0.1/24 }]
  - name: client
    interfaces: [{ name: cc0, address: 10.0.0.2/24 }]
files:
  generate: { count: 2, size: 8KiB }
workload:
  connections: 3
`

function problemOf(run: () => unknown): LabProblem {
  try {
    run()
  } catch (error) {
    expect(error).toBeInstanceOf(LabProblem)
    return error as LabProblem
  }
  throw new Error('nothing was thrown')
}
const refuse = (text: string): LabProblem => problemOf(() => parseScenario(text, 'test.yaml', 'test', null))

describe('scenario files', () => {
  test.each(scenarioNames(shipped))('the shipped scenario %s is valid', (name) => {
    const { scenario } = loadScenario(name, shipped)
    expect(scenario.hosts).toHaveLength(2)
    expect(scenario.duration).toBeGreaterThan(0)
  })

  test('four scenarios are shipped', () => {
    expect(scenarioNames(shipped)).toEqual(expect.arrayContaining(['first-lab', 'large-sends', 'lossy', 'ten-gig']))
  })

  test('a short scenario – is read – everything else is filled in, in base units', () => {
    const { scenario } = parseScenario(good, 'test.yaml', 'test', null)
    expect(scenario).toMatchObject({
      duration: 10_000_000,
      link: { rate: 10e9, loss: 0 },
      files: { generate: { count: 2, size: 8192, spread: 0 }, cache: 'warm' },
      workload: { connections: 3, method: 'sendfile' },
    })
    expect(scenario.hosts[0].interfaces[0].model).toBe('t6')
  })

  test.each([
    [
      'an unknown field',
      good.replace('connections: 3', 'conections: 3'),
      /^test\.yaml, line 12: workload has no field "conections"\.$/,
      'Did you mean connections?',
    ],
    [
      'an unknown field at the top',
      good + 'sead: 3\n',
      /line 13: a scenario has no field "sead"/,
      'Did you mean seed?',
    ],
    [
      'a time without unit',
      good.replace('10ms', '10'),
      /line 3: duration: 10 has no unit/,
      'Write for instance 50ms, 100us or 2s.',
    ],
    [
      'a value out of range',
      good.replace('connections: 3', 'connections: 20000'),
      /line 12: workload\.connections is too large/,
      'The most is 10000.',
    ],
    [
      'a rate that is none',
      good.replace('connections: 3', 'connections: 3\nlink: { rate: fast }'),
      /line 13: link\.rate: "fast" is not a bit rate/,
      'Write for instance 10Gbps or 100Mbps.',
    ],
    ['a missing field', good.replace('title: Test\n', ''), /^test\.yaml: title is missing\.$/, /Add it/],
    [
      'a newer format',
      good.replace('schema: 1', 'schema: 2'),
      /line 1: schema is not 1, the only version/,
      /newer nomap lab/,
    ],
    [
      'a bad address',
      good.replace('10.0.0.2/24', '10.0.0.300/24'),
      /line 8: hosts\[1\]\.interfaces\[0\]\.address is not an IPv4 address/,
      'Correct it.',
    ],
    ...['10.0.0.2/24', '2001:db8::2', '2001:db8::2/128', 'fe80::2/64', '::1/64', 'ff02::1/64', '2001::db8::2/64'].map(
      (text): [string, string, RegExp, RegExp] => [
        `${text} as an IPv6 address`,
        good.replace('10.0.0.2/24', `10.0.0.2/24, address6: '${text}'`),
        /line 8: hosts\[1\]\.interfaces\[0\]\.address6 is not an IPv6 address with a prefix length from 16 to 127/,
        /Write for instance 2001:db8::1\/64/,
      ],
    ),
    [
      'a family of addresses that there is not',
      good.replace('connections: 3', 'connections: 3\n  family: ipv6'),
      /line 13: workload\.family is none of inet, inet6/,
      /./,
    ],
    [
      'two sources of files',
      good.replace('generate:', 'path: /x\n  generate:'),
      /line 10: files has both generate and path/,
      'Keep one of them.',
    ],
    [
      'a switch that is neither',
      good.replace('connections: 3', 'connections: 3\ncost: { on: perhaps }'),
      /cost\.on: "perhaps" is neither on nor off/,
      'Correct it.',
    ],
    ['a wrong kind', good.replace('title: Test', 'title: [1]'), /line 2: title should be text/, 'Correct it.'],
    [
      'a knob with spaces',
      good
        .replace('connections: 3', 'connections: 3')
        .replace('name: server', 'name: server\n    sysctls: { "kern ipc": 1 }'),
      /line 6: "kern ipc" in hosts\[0\]\.sysctls is not the name of a knob/,
      /sysctl\(8\)/,
    ],
    ['text that is no YAML', 'schema: 1\n  title: [', /line \d+: this is not YAML/, /Correct the line/],
    [
      'a field twice',
      good + 'title: Again\n',
      /line 13: this is not YAML \(Map keys must be unique\)/,
      /Correct the line/,
    ],
    ['a list', '- 1\n', /a scenario is a group of fields/, /Start from one/],
  ])('%s – is read – one sentence names file, line and field', (_, text, message, remedy) => {
    const problem = refuse(text)
    expect(problem.message).toMatch(message)
    expect(problem.remedy).toMatch(remedy)
  })

  test('several faults – are read – the first is the message and the others are details', () => {
    const problem = refuse(good.replace('10ms', '10').replace('connections: 3', 'conections: 3'))
    expect(problem.message).toContain('duration')
    expect(problem.details).toContain('workload has no field "conections"')
  })

  test('a misspelt scenario name – is loaded – near names are offered', () => {
    const problem = problemOf(() => loadScenario('first_lab', shipped))
    expect(problem).toMatchObject({
      code: 'scenario-missing',
      message: 'There is no scenario first_lab.',
      remedy: 'Did you mean first-lab?',
    })
  })

  test('a path – is loaded – relative files start at its folder', () => {
    const folder = mkdtempSync(join(tmpdir(), 'lab-scenario-'))
    writeFileSync(join(folder, 'mine.yaml'), good)
    expect(loadScenario(join(folder, 'mine.yaml'), shipped)).toMatchObject({ id: 'mine', folder })
  })

  test('bytes at random – are read – the answer is a problem, never a crash', () => {
    let state = 12345
    for (let round = 0; round < 300; round++) {
      let text = good
      for (let edit = 0; edit < 3; edit++) {
        state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
        const at = state % text.length
        text =
          text.slice(0, at) + ' :-{}[]&*!|>\'"%@`\t\n0a'[(state >>> 8) % 22] + text.slice(at + ((state >>> 16) % 3))
      }
      try {
        parseScenario(text, 'x.yaml', 'x', null)
      } catch (error) {
        expect(error, text).toBeInstanceOf(LabProblem)
      }
    }
  })
})

describe('laggs and cables', () => {
  const lagged = good
    .replace(
      '[{ name: cc0, address: 10.0.0.1/24 }]',
      `[{ name: cc0, cable: on }, { name: igb0, model: igb, cable: on }]
    laggs: [{ name: lagg0, ports: [cc0, igb0], address: 10.0.0.1/24 }]
    vlans: [{ name: vlan3, parent: lagg0, tag: 3, address: 10.0.3.1/24 }]`,
    )
    .replace(
      '[{ name: cc0, address: 10.0.0.2/24 }]',
      '[{ name: cc0, address: 10.0.0.2/24 }, { name: cc1, cable: on, address: 10.0.9.2/24 }]',
    )
  const configOf = (text: string) =>
    scenarioToConfig(parseScenario(text, 'test.yaml', 'test', null).scenario, { entries: [] })

  test('ports without addresses, an address on the lagg, a vlan on it – are built, and clients connect to the lagg', () => {
    const { hosts, workload } = configOf(lagged)
    expect(hosts[0].interfaces.map(({ address, cable }) => [address, cable])).toEqual([
      ['', true],
      ['', true],
    ])
    expect(hosts[0].laggs).toEqual([
      { name: 'lagg0', protocol: 'failover', ports: ['cc0', 'igb0'], address: '10.0.0.1', prefixLength: 24 },
    ])
    expect(hosts[0].vlans).toMatchObject([{ parent: 'lagg0' }])
    expect(workload.server).toBe('10.0.0.1')
  })

  test.each([
    [
      'a port that is not there',
      ['ports: [cc0, igb0]', 'ports: [cc0, igb1]'],
      'The port igb1 of lagg0 is no interface of the host server.',
    ],
    ['a port named twice', ['ports: [cc0, igb0]', 'ports: [cc0, igb0, cc0]'], 'cc0 is a port of lagg0 already.'],
    [
      'an interface without address',
      ['ports: [cc0, igb0]', 'ports: [cc0]'],
      'The interface igb0 of the host server has no address.',
    ],
    [
      'a port with an address',
      ['{ name: cc0, cable: on }', '{ name: cc0, cable: on, address: 10.0.0.7/24 }'],
      'cc0 has an address, but it is a port of lagg0.',
    ],
    [
      'a cable with one end',
      ['{ name: cc1, cable: on,', '{ name: cc1,'],
      'The server has 2 interfaces on the link and its peer 1; a cable has two ends.',
    ],
    [
      'a server without address',
      ['connections: 3', 'connections: 3\n  server: cc0'],
      'workload.server: cc0 has no address of its own.',
    ],
  ])('%s – refused in a sentence', (_what, [from, to], sentence) => {
    expect(lagged).toContain(from)
    expect(problemOf(() => configOf(lagged.replace(from, to))).message).toContain(sentence)
  })

  test('lacp – is no protocol of a scenario', () => {
    expect(refuse(lagged.replace('ports: [cc0, igb0],', 'ports: [cc0, igb0], protocol: lacp,')).message).toContain(
      'protocol',
    )
  })
})

import { beforeEach, describe, expect, it } from 'vitest'
import { consoleHost, knob, type ConsoleHost } from '../../../../tests/helpers/consoleHost'
import { EOPNOTSUPP } from '../../../emulator/sys/errno'
import { sysctl } from './sysctl'

let host: ConsoleHost
beforeEach(() => {
  host = consoleHost()
  const tree = host.k.sysctl
  tree.node('kern', 'High kernel')
  tree.node('kern.ipc', 'IPC')
  tree.declare(knob('kern.ipc.zebra', { default: -7 }))
  tree.declare(
    knob('kern.ipc.mb_use_ext_pgs', {
      type: 'bool',
      access: 'rwtun',
      description: 'Use unmapped mbufs for sendfile(2)',
    }),
  )
  tree.declare(knob('kern.ipc.nmbclusters', { default: 4194304, set: (value) => (Number(value) < 4194304 ? 22 : 0) }))
  tree.declare(knob('kern.ipc.maxmbufmem', { type: 's64', access: 'rdtun', default: 8589934592 }))
  tree.declare(knob('kern.ipc.numopensockets', { access: 'rd', default: 3, stats: true }))
  tree.declare(knob('kern.ipc.somaxconn', { default: 128, skip: true, type: 'uint' }))
  tree.declare(
    knob('kern.ipc.sfstat', { type: 'opaque', get: () => Uint8Array.from({ length: 88 }, (_, i) => i), set: () => 0 }),
  )
  tree.declare(knob('kern.ostype', { type: 'string', default: 'FreeBSD', access: 'rd' }))
  tree.declare(knob('kern.hostname', { type: 'string', default: 'lab' }))
  tree.declare(knob('kern.cp_time', { type: 'long', access: 'rd', get: () => [1, 0, 2, 0, 997] }))
  tree.declare(
    knob('kern.clockrate', { type: 'opaque', access: 'rd', format: 'S,clockinfo', get: () => [1000, 1000, 8128, 127] }),
  )
  tree.declare(
    knob('kern.boottime', { type: 'opaque', access: 'rd', format: 'S,timeval', get: () => [1561800000, 123456] }),
  )
  tree.declare(knob('dev.t6nex.0.temperature', { access: 'rd', format: 'IK', get: () => 3182 }))
  tree.declare(knob('hw.gone', { get: () => 1, set: () => EOPNOTSUPP }))
})

function run(...args: string[]): { out: string; err: string; status: number } {
  const { written, status } = sysctl(host.sys)(args, null, 'sysctl')
  const text = (to: 'out' | 'err'): string =>
    written
      .filter((w) => w.to === to)
      .map((w) => w.text)
      .join('')
  return { out: text('out'), err: text('err'), status }
}
const shows = (out: string): object => ({ out, err: '', status: 0 })

describe('reading (console-tools 2.1)', () => {
  it.each([
    [['kern.ipc.mb_use_ext_pgs'], 'kern.ipc.mb_use_ext_pgs: 0\n'],
    [['-e', 'kern.ipc.zebra'], 'kern.ipc.zebra=-7\n'],
    [['-n', 'kern.ipc.zebra', 'kern.ostype'], '-7\nFreeBSD\n'],
    [['-N', 'kern.ipc.zebra'], 'kern.ipc.zebra\n'],
    [['-d', 'kern.ipc.mb_use_ext_pgs'], 'kern.ipc.mb_use_ext_pgs: Use unmapped mbufs for sendfile(2)\n'],
    [['-nd', 'kern.ipc.zebra'], 'about kern.ipc.zebra\n'],
    [['-t', 'kern.ipc.mb_use_ext_pgs'], 'kern.ipc.mb_use_ext_pgs: uint8_t\n'],
    [['-td', 'kern.ipc.zebra'], 'kern.ipc.zebra: integer: about kern.ipc.zebra\n'],
    [['-nt', 'kern.ipc.maxmbufmem'], 'int64_t\n'],
    [['-x', 'kern.ipc.nmbclusters'], 'kern.ipc.nmbclusters: 0x00400000\n'],
    [['-x', 'kern.ipc.zebra'], 'kern.ipc.zebra: 0xfffffff9\n'],
    [['-x', 'kern.ipc.mb_use_ext_pgs'], 'kern.ipc.mb_use_ext_pgs: 0000\n'],
    [['-x', 'kern.ipc.maxmbufmem'], 'kern.ipc.maxmbufmem: 0x0000000200000000\n'],
    [['kern.cp_time'], 'kern.cp_time: 1 0 2 0 997\n'],
    [['kern.clockrate'], 'kern.clockrate: { hz = 1000, tick = 1000, profhz = 8128, stathz = 127 }\n'],
    [['kern.boottime'], 'kern.boottime: { sec = 1561800000, usec = 123456 } Sat Jun 29 09:20:00 2019\n'],
    [['dev.t6nex.0.temperature'], 'dev.t6nex.0.temperature: 45.0C\n'],
    [['kern.ipc.somaxconn'], 'kern.ipc.somaxconn: 128\n'],
    [['kern.ipc.sfstat'], ''],
    [['-o', 'kern.ipc.sfstat'], 'kern.ipc.sfstat: Format:S Length:88 Dump:0x000102030405060708090a0b0c0d0e0f...\n'],
    [['-b', 'kern.ipc.zebra'], '\u00f9\u00ff\u00ff\u00ff'],
    [['-i', 'no.such', 'kern.ostype'], 'kern.ostype: FreeBSD\n'],
  ])('sysctl %j – read – the text of the reference', (args, out) => {
    expect(run(...args)).toEqual(shows(out))
  })

  it('a node – named, with or without a dot – every leaf below in the order of OIDs, without SKIP and opaque ones', () => {
    const expected =
      'kern.ipc.zebra: -7\nkern.ipc.mb_use_ext_pgs: 0\nkern.ipc.nmbclusters: 4194304\nkern.ipc.maxmbufmem: 8589934592\nkern.ipc.numopensockets: 3\n'
    expect(run('kern.ipc')).toEqual(shows(expected))
    expect(run('kern.ipc.')).toEqual(shows(expected))
    expect(run('-a').out).toContain(expected)
  })

  it('-d on a node – its own line, then all below', () => {
    expect(run('-d', 'kern.ipc').out).toMatch(/^kern\.ipc: IPC\nkern\.ipc\.zebra: about/)
  })

  it('-T and -W – tunables only; what can be written and is no statistic', () => {
    expect(run('-TN', 'kern.ipc').out).toBe('kern.ipc.mb_use_ext_pgs\nkern.ipc.maxmbufmem\n')
    expect(run('-WN', 'kern.ipc').out).toBe(
      'kern.ipc.zebra\nkern.ipc.mb_use_ext_pgs\nkern.ipc.nmbclusters\nkern.ipc.sfstat\n',
    )
  })

  it('usage – no name, -N with -n, an unknown option – status 1', () => {
    for (const args of [[], ['-Nn', 'kern.ostype'], ['-Z'], ['-T', 'kern.ipc.zebra=1']]) {
      const { err, status } = run(...args)
      expect(err).toMatch(/usage: sysctl \[-bdehiNnoqTtWx\]/)
      expect(status).toBe(1)
    }
    expect(run('-W', 'kern.ipc.zebra=1').err).toMatch(/^sysctl: Can't set variables when using -T or -W\n/)
  })

  it('a file that cannot be there – status 66', () => {
    expect(run('-f', '/etc/sysctl.conf')).toEqual({
      out: '',
      err: 'sysctl: /etc/sysctl.conf: No such file or directory\n',
      status: 66,
    })
  })
})

describe('setting (console-tools 2.2)', () => {
  it.each([
    [['kern.ipc.mb_use_ext_pgs=1'], 'kern.ipc.mb_use_ext_pgs: 0 -> 1\n'],
    [['kern.ipc.mb_use_ext_pgs=17'], 'kern.ipc.mb_use_ext_pgs: 0 -> 1\n'],
    [['kern.ipc.mb_use_ext_pgs=256'], 'kern.ipc.mb_use_ext_pgs: 0 -> 0\n'],
    [['kern.ipc.zebra:0x10'], 'kern.ipc.zebra: -7 -> 16\n'],
    [['kern.ipc.zebra=010'], 'kern.ipc.zebra: -7 -> 8\n'],
    [['kern.ipc.zebra="12"'], 'kern.ipc.zebra: -7 -> 12\n'],
    [['-e', 'kern.ipc.zebra=1'], 'kern.ipc.zebra=-7 -> 1\n'],
    [['-n', 'kern.ipc.zebra=1'], '-7 -> 1\n'],
    [['kern.hostname=peer'], 'kern.hostname: lab -> peer\n'],
    [['-w', 'kern.ipc.zebra=1', 'kern.ipc.zebra'], 'kern.ipc.zebra: -7 -> 1\nkern.ipc.zebra: 1\n'],
  ])('sysctl %j – set – old and new value', (args, out) => {
    expect(run(...args)).toEqual(shows(out))
  })

  it.each([
    ['no.such', '', "sysctl: unknown oid 'no.such'\n"],
    ['no.such=1', '', "sysctl: unknown oid 'no.such'\n"],
    ['kern.ipc=1', '', "sysctl: oid 'kern.ipc' isn't a leaf node\n"],
    ['kern.ostype=x', '', "sysctl: oid 'kern.ostype' is read only\n"],
    [
      'kern.ipc.maxmbufmem=1',
      '',
      "sysctl: oid 'kern.ipc.maxmbufmem' is a read only tunable\nsysctl: Tunable values are set in /boot/loader.conf\n",
    ],
    ['kern.ipc.zebra=abc', '', "sysctl: invalid integer 'abc'\n"],
    ['kern.ipc.mb_use_ext_pgs=yes', '', "sysctl: invalid uint8_t 'yes'\n"],
    ['kern.ipc.zebra=', '', 'sysctl: empty numeric value\n'],
    ['kern.ipc.sfstat=1', '', "sysctl: oid 'kern.ipc.sfstat' is type 5, cannot set that\n"],
    ['kern.ipc.nmbclusters=1', 'kern.ipc.nmbclusters: 4194304\n', 'sysctl: kern.ipc.nmbclusters=1: Invalid argument\n'],
    ['kern.ipc.zebra=1 2', 'kern.ipc.zebra: -7\n', 'sysctl: kern.ipc.zebra=1 2: Invalid argument\n'],
    ['hw.gone=1', 'hw.gone: 1\n', 'sysctl: hw.gone=1: value is not available\n'],
  ])('sysctl %s – refused – the line of the reference, status 1, nothing changed', (arg, out, err) => {
    expect(run(arg)).toEqual({ out, err, status: 1 })
    expect(run('kern.ipc.zebra').out).toBe('kern.ipc.zebra: -7\n')
  })

  it('several failures – the status counts them; -q keeps quiet', () => {
    expect(run('no.a', 'kern.ostype', 'no.b').status).toBe(2)
    expect(run('-q', 'no.a')).toEqual({ out: '', err: '', status: 1 })
  })
})

import { beforeEach, describe, expect, it } from 'vitest'
import { consoleHost, type ConsoleHost } from '../../../../tests/helpers/consoleHost'
import { if_attach, if_link_state_change } from '../../../emulator/net/if'
import { ifconfig } from './ifconfig'

let host: ConsoleHost
beforeEach(() => {
  host = consoleHost()
  const { k, cc0 } = host
  // A second port, with what an I350 can do.
  const igb0 = if_attach(k, {
    name: 'igb0',
    type: 6,
    driver: k.ifnet.if_driver[cc0],
    flags: 0x8802,
    mtu: 1500,
    capabilities: 0xe53fbb,
    capenable: 0xe527bb,
    lladdr: [0xa0, 0x36, 0x9f, 0, 0, 1],
  })
  run('igb0 up')
  for (const ifp of [cc0, igb0]) if_link_state_change(k, ifp, 2)
})

function run(line: string): { out: string; err: string; status: number } {
  const { written, status } = ifconfig(host.sys)(line.split(' '), null, 'ifconfig')
  const text = (to: 'out' | 'err'): string =>
    written
      .filter((w) => w.to === to)
      .map((w) => w.text)
      .join('')
  return { out: text('out'), err: text('err'), status }
}
const quiet = { out: '', err: '', status: 0 }
const fails = (text: string): object => ({ out: '', err: `ifconfig: ${text}\n`, status: 1 })

describe('listing (console-tools 1.2 row 9)', () => {
  it('two unlike ports – what both have on, protocol with hash, ports with flags, groups before media', () => {
    expect(run('lagg0 create laggport cc0 laggport igb0 198.51.100.1/24')).toEqual(quiet)
    expect(run('lagg0').out).toBe(`lagg0: flags=8843<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST> metric 0 mtu 1500
	options=e407bb<RXCSUM,TXCSUM,VLAN_MTU,VLAN_HWTAGGING,JUMBO_MTU,VLAN_HWCSUM,TSO4,TSO6,LRO,VLAN_HWTSO,RXCSUM_IPV6,TXCSUM_IPV6>
	ether 00:07:43:00:00:01
	inet 198.51.100.1 netmask 0xffffff00 broadcast 198.51.100.255
	laggproto failover lagghash l2,l3,l4
	laggport: cc0 flags=5<MASTER,ACTIVE>
	laggport: igb0 flags=0<>
	groups: lagg
	media: Ethernet autoselect
	status: active
	nd6 options=29<PERFORMNUD,IFDISABLED,AUTO_LINKLOCAL>
`)
  })

  it('a port – has the address of the lagg, and hwaddr says which it came with; no lines of the lagg', () => {
    run('lagg0 create laggport cc0 laggport igb0')
    const { out } = run('igb0')
    expect(out).toContain('\tether 00:07:43:00:00:01\n\thwaddr a0:36:9f:00:00:01\n')
    expect(out).not.toContain('lagg')
    expect(run('cc0').out).not.toContain('hwaddr')
    run('lagg0 -laggport igb0')
    expect(run('igb0').out).toContain('\tether a0:36:9f:00:00:01\n\tmedia')
  })

  it('-v – options and statistics; with roundrobin its limit', () => {
    run('lagg0 create laggproto roundrobin laggport cc0 laggport igb0')
    expect(run('lagg0 rr_limit 4')).toEqual(quiet)
    expect(run('-v lagg0').out).toContain(`	laggproto roundrobin lagghash l2,l3,l4
	lagg options:
		flags=4<USE_NUMA>
		flowid_shift: 16
		rr_limit: 4
	lagg statistics:
		active ports: 2
		flapping: 0
	laggport: cc0 flags=4<ACTIVE>
	laggport: igb0 flags=4<ACTIVE>
	groups: lagg
`)
    expect(run('lagg0 use_flowid flowid_shift 3 lagghash l2,l4')).toEqual(quiet)
    const { out } = run('-v lagg0')
    expect(out).toContain('laggproto roundrobin lagghash l2,l4\n')
    expect(out).toContain('\t\tflags=5<USE_FLOWID,USE_NUMA>\n\t\tflowid_shift: 3\n\t\trr_limit: 1\n')
    // It clears every option, as in the kernel.
    run('lagg0 -use_flowid')
    expect(run('-v lagg0').out).toContain('\t\tflags=0<>\n')
  })

  it('without ports – zeros, no carrier; cloned by name alone – the lowest number is printed; -C – once the module is there', () => {
    expect(run('-C').out).toBe('vlan\n')
    expect(run('lagg create').out).toBe('lagg0\n')
    expect(run('lagg create').out).toBe('lagg1\n')
    expect(run('-C').out).toBe('lagg vlan\n')
    expect(run('lagg0').out).toBe(`lagg0: flags=8802<BROADCAST,SIMPLEX,MULTICAST> metric 0 mtu 1500
	options=800000<>
	ether 00:00:00:00:00:00
	laggproto failover lagghash l2,l3,l4
	groups: lagg
	media: Ethernet autoselect
	status: no carrier
	nd6 options=29<PERFORMNUD,IFDISABLED,AUTO_LINKLOCAL>
`)
    expect(run('lagg0 destroy')).toEqual(quiet)
    expect(run('-g lagg').out).toBe('lagg1\n')
  })
})

describe('parameters (console-tools 1.6)', () => {
  it('a port that cannot be had – complained of, the words behind it still act, status 1', () => {
    run('lagg0 create')
    expect(run('lagg0 laggport cc9 laggport lo0 laggport cc0')).toEqual({
      out: '',
      err: 'ifconfig: lagg0 cc9: SIOCSLAGGPORT: Invalid argument\nifconfig: lagg0 lo0: SIOCSLAGGPORT: Protocol not supported\n',
      status: 1,
    })
    expect(run('lagg0').out).toContain('laggport: cc0')
    run('lagg1 create')
    expect(run('lagg1 laggport cc0')).toEqual(fails('lagg1 cc0: SIOCSLAGGPORT: Device busy'))
    expect(run('lagg0 laggport lagg1')).toEqual(fails('lagg0 lagg1: SIOCSLAGGPORT: Invalid argument'))
    // In it already: no matter.
    expect(run('lagg0 laggport cc0')).toEqual(quiet)
  })

  it.each([
    ['lagg0 laggproto fec', 'Invalid aggregation protocol: fec'],
    ['lagg0 -laggport igb0', 'SIOCSLAGGDELPORT: No such file or directory'],
    ['lagg0 -laggport cc9', 'SIOCSLAGGDELPORT: Invalid argument'],
    ['lagg0 lagghash l5', 'Invalid lagghash option: l5'],
    ['lagg0 flowid_shift 32', 'Invalid flowid_shift option: 32'],
    ['lagg0 laggport', "'laggport' requires argument"],
    ['cc0 laggproto failover', 'SIOCSLAGG: Invalid argument'],
    ['cc0 mtu 9000', 'ioctl SIOCSIFMTU (set mtu): Invalid argument'],
    ['lagg0 mtu 9601', 'ioctl SIOCSIFMTU (set mtu): Invalid argument'],
    ['lagg0x create', 'SIOCIFCREATE2: Invalid argument'],
    [
      'lagg0 laggproto lacp',
      'lacp is not part of the emulated host (nobody at the other end would answer its frames); take failover, loadbalance, roundrobin or broadcast; nothing was changed by this word',
    ],
  ])('%s – refused', (line, text) => {
    run('lagg0 create laggport cc0')
    expect(run(line)).toEqual(fails(text))
    expect(run('lagg0').out).toContain('laggproto failover lagghash l2,l3,l4\n\tlaggport: cc0')
  })

  it('a port with IPv6 addresses – loses them as it comes in, and the kernel says so', () => {
    run('lagg0 create')
    run('cc0 inet6 2001:db8::7/64')
    expect(run('cc0').out).toContain('inet6 2001:db8::7')
    expect(run('lagg0 laggport cc0')).toEqual(quiet)
    expect(run('cc0').out).not.toContain('inet6 ')
    expect(host.messages.some((line) => line.startsWith('lagg0: IPv6 addresses on cc0 have been removed'))).toBe(true)
  })

  it('none, default, broadcast, loadbalance – are taken', () => {
    run('lagg0 create laggport cc0')
    for (const proto of ['none', 'broadcast', 'loadbalance', 'roundrobin']) {
      expect(run(`lagg0 laggproto ${proto}`)).toEqual(quiet)
      expect(run('lagg0').out).toContain(`laggproto ${proto} lagghash`)
    }
    run('lagg0 laggproto default')
    expect(run('lagg0').out).toContain('laggproto failover ')
  })

  it('capability keywords – silent where the lagg does not support them (8.2), pushed to every port where it does', () => {
    run('lagg0 create laggport cc0 laggport igb0')
    expect(run('lagg0 nomap')).toEqual(quiet)
    expect(run('lagg0').out).not.toContain('NOMAP')
    expect(run('lagg0 -lro')).toEqual(quiet)
    for (const name of ['lagg0', 'cc0', 'igb0']) expect(run(name).out, name).not.toContain('LRO')
  })
})

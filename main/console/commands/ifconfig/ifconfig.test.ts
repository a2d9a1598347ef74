import { beforeEach, describe, expect, it } from 'vitest'
import { consoleHost, type ConsoleHost } from '../../../../tests/helpers/consoleHost'
import { ifconfig } from './ifconfig'

let host: ConsoleHost
beforeEach(() => {
  host = consoleHost()
})

/** Runs a line of ifconfig words; what was written to both streams, and the status. */
function run(line: string): { out: string; err: string; status: number } {
  const args = line === '' ? [] : line.split(' ')
  const { written, status } = ifconfig(host.sys)(args, null, 'ifconfig')
  const text = (to: 'out' | 'err'): string =>
    written
      .filter((w) => w.to === to)
      .map((w) => w.text)
      .join('')
  return { out: text('out'), err: text('err'), status }
}
const fails = (text: string): object => ({ out: '', err: `ifconfig: ${text}\n`, status: 1 })
const quiet = { out: '', err: '', status: 0 }

const cc0 = `cc0: flags=8843<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST> metric 0 mtu 1500
	options=6ec07bb<RXCSUM,TXCSUM,VLAN_MTU,VLAN_HWTAGGING,JUMBO_MTU,VLAN_HWCSUM,TSO4,TSO6,LRO,VLAN_HWTSO,LINKSTATE,RXCSUM_IPV6,TXCSUM_IPV6,HWRXTSTMP,NOMAP>
	ether 00:07:43:00:00:01
	inet 192.0.2.1 netmask 0xffffff00 broadcast 192.0.2.255
	media: Ethernet 100GBase-CR4 <full-duplex,rxpause,txpause>
	status: active
	nd6 options=29<PERFORMNUD,IFDISABLED,AUTO_LINKLOCAL>
`
const lo0 = `lo0: flags=8049<UP,LOOPBACK,RUNNING,MULTICAST> metric 0 mtu 16384
	options=680003<RXCSUM,TXCSUM,LINKSTATE,RXCSUM_IPV6,TXCSUM_IPV6>
	inet6 ::1 prefixlen 128
	inet6 fe80::1%lo0 prefixlen 64 scopeid 0x2
	inet 127.0.0.1 netmask 0xff000000
	groups: lo
	nd6 options=21<PERFORMNUD,AUTO_LINKLOCAL>
`

describe('showing (console-tools 1.2)', () => {
  it('cc0 as booted – ifconfig cc0 – the layout of the reference with options 6ec07bb', () => {
    expect(run('cc0')).toEqual({ out: cc0, err: '', status: 0 })
  })

  it('cc0 – -nomap and shown again – 2ec07bb without NOMAP, and back', () => {
    expect(run('cc0 -nomap')).toEqual(quiet)
    expect(run('cc0').out).toBe(cc0.replace('6ec07bb', '2ec07bb').replace(',NOMAP>', '>'))
    expect(run('cc0 nomap')).toEqual(quiet)
    expect(run('cc0').out).toBe(cc0)
  })

  it('no arguments and -a – all interfaces in order', () => {
    expect(run('').out).toBe(cc0 + lo0)
    expect(run('-a').out).toBe(cc0 + lo0)
  })

  it('-m – capabilities behind options, TOE4 and TOE6 among them, and supported media behind status', () => {
    const { out } = run('-m cc0')
    expect(out.split('\n')[2]).toMatch(/^\tcapabilities=6ecc7bb<.*LRO,TOE4,TOE6,VLAN_HWTSO.*NOMAP>$/)
    expect(out).toContain(
      '\tstatus: active\n\tsupported media:\n\t\tmedia 100GBase-CR4 mediaopt full-duplex,rxpause,txpause\n\t\tmedia autoselect\n\tnd6',
    )
  })

  it('1.1 -l, -d, -u – names on one line, only those down or up', () => {
    expect(run('-l').out).toBe('cc0 lo0\n')
    expect(run('-l ether').out).toBe('cc0\n')
    run('cc0 down')
    expect(run('-l -u').out).toBe('lo0\n')
    expect(run('-ld').out).toBe('cc0\n')
  })

  it('an address family – only its lines', () => {
    const lines = lo0.split('\n')
    expect(run('lo0 inet').out).toBe([...lines.slice(0, 2), lines[4]].join('\n') + '\n')
    expect(run('lo0 inet6').out).toBe([...lines.slice(0, 4), lines[6]].join('\n') + '\n')
    expect(run('cc0 ether').out.split('\n')[2]).toBe('\tether 00:07:43:00:00:01')
    expect(run('cc0 ether').out).not.toContain('inet')
  })

  it('1.1 -f – cidr, dotted, dashes; nonsense is named and skipped', () => {
    expect(run('-f inet:cidr,ether:dash cc0').out).toContain('\tether 00-07-43-00-00-01\n\tinet 192.0.2.1/24 broadcast')
    expect(run('-f inet:dotted cc0').out).toContain('inet 192.0.2.1 netmask 255.255.255.0 broadcast')
    expect(run('-f inet:octal cc0').err).toBe('ifconfig: Skipping invalid format specification: inet:octal\n')
  })

  it('down, promiscuous and nothing enabled – 8802, 28902, no options line', () => {
    run('cc0 down')
    expect(run('cc0').out).toContain('flags=8802<BROADCAST,SIMPLEX,MULTICAST>')
    run('cc0 promisc')
    expect(run('cc0').out).toContain('flags=28902<BROADCAST,PROMISC,SIMPLEX,MULTICAST,PPROMISC>')
    host.k.ifnet.if_capenable[host.cc0] = 0
    expect(run('cc0').out).not.toContain('options=0')
  })

  it('a description – shown on the second line, and removed', () => {
    ifconfig(host.sys)(['cc0', 'description', 'to the peer'], null, '')
    expect(run('cc0').out.split('\n')[1]).toBe('\tdescription: to the peer')
    run('cc0 -description')
    expect(run('cc0').out).toBe(cc0)
  })
})

describe('usage and names (console-tools 1.1)', () => {
  it.each(['-l -m', '-a -l', '-d -u', '-Z'])('%s – usage on stderr, status 1', (line) => {
    const { out, err, status } = run(line)
    expect(out).toBe('')
    expect(err).toMatch(/usage: ifconfig /)
    expect(status).toBe(1)
  })

  it('an interface that is not there, a family that is none', () => {
    expect(run('em9')).toEqual(fails('interface em9 does not exist'))
    expect(run('-a foo').err).toMatch(/^ifconfig: Address family 'foo' unknown\.\nusage:/)
  })
})

describe('capabilities (console-tools 1.5)', () => {
  it('every keyword of the table – off and on again – the options line is the same as before', () => {
    for (const keyword of [
      'rxcsum',
      'lro',
      'tso6',
      'vlanhwtag',
      'vlanhwtso',
      'hwrxtstmp',
      'rxcsum6',
      'nomap',
      'vlanmtu',
    ]) {
      const bit = host.sys.capabilities.find((c) => c.keywords.includes(keyword))!
      expect(run(`cc0 -${keyword}`), keyword).toEqual(quiet)
      expect(run('cc0').out.split('\n')[1].slice(0, -1).split(/[<,]/), keyword).not.toContain(bit.printed)
      expect(run(`cc0 ${keyword}`)).toEqual(quiet)
      expect(run('cc0').out).toBe(cc0)
    }
  })

  it('8.1, each keyword with and without "-" – changes its bits where the interface has them, and nothing, silently, where it has not', () => {
    const has = (word: string): boolean => ((0x6ec07bb | 0xc000) & bitsOf(word)) !== 0
    const bitsOf = (word: string): number =>
      host.sys.capabilities.reduce((all, c) => (c.keywords.includes(word) ? all | c.bit : all), 0)
    const words = new Set(host.sys.capabilities.flatMap((c) => c.keywords))
    expect(words.size).toBe(23)
    // TSO depends on the checksums; those two are looked at below.
    for (const word of [...words].filter((one) => !['txcsum', 'txcsum6', 'tso', 'tso4'].includes(one))) {
      host = consoleHost()
      const before = host.k.ifnet.if_capenable[host.cc0]
      expect(run(`cc0 -${word}`), word).toEqual(quiet)
      expect(host.k.ifnet.if_capenable[host.cc0], word).toBe(before & ~bitsOf(word))
      expect(run(`cc0 ${word}`), word).toEqual(quiet)
      expect(host.k.ifnet.if_capenable[host.cc0], word).toBe(before | (has(word) ? bitsOf(word) : 0))
    }
  })

  it('8.2, error printing – "permission denied" for EPERM, "no such interface" for ENXIO, else the system’s text', () => {
    for (const [error, text] of [
      [1, 'permission denied'],
      [6, 'no such interface'],
      [22, 'Invalid argument'],
      [35, 'Resource temporarily unavailable'],
    ] as const) {
      const sys = {
        ...host.sys,
        ioctl: ((command, name, ifr) =>
          command === 'SIOCSIFCAP' ? error : host.sys.ioctl(command, name, ifr)) as typeof host.sys.ioctl,
      }
      const { written, status } = ifconfig(sys)(['cc0', '-nomap'], null, 'ifconfig')
      expect([written.map((w) => w.text).join(''), status]).toEqual([`ifconfig: -nomap: ${text}\n`, 1])
    }
  })

  it('8.2, nothing enabled – no options line; -m – capabilities all the same', () => {
    host.k.ifnet.if_capenable[host.cc0] = 0
    expect(run('cc0').out).not.toContain('\toptions=')
    expect(run('-m cc0').out).toContain('\n\tcapabilities=6ecc7bb<')
  })

  it('a keyword the interface does not support – silence, status 0, nothing changes', () => {
    expect(run('cc0 polling wol netcons')).toEqual(quiet)
    expect(run('cc0').out).toBe(cc0)
  })

  it('toe – both bits; toe4 is no keyword and so taken for an address', () => {
    expect(run('cc0 toe')).toEqual(quiet)
    expect(run('cc0').out).toContain('options=6ecc7bb<')
    expect(run('cc0 toe4')).toEqual(fails('toe4: bad value'))
  })

  it('tso4 while txcsum is off – EAGAIN, and the kernel says why', () => {
    expect(run('cc0 -txcsum')).toEqual(quiet)
    expect(host.messages).toEqual(['cc0: tso4 disabled due to -txcsum.'])
    expect(run('cc0').out).toContain('options=6ec06b9<')
    expect(run('cc0 tso4')).toEqual(fails('tso4: Resource temporarily unavailable'))
    expect(run('cc0 txcsum tso4')).toEqual(quiet)
    expect(run('cc0').out).toBe(cc0)
  })

  it('lo0 -rxcsum6 – the driver knows no such ioctl', () => {
    expect(run('lo0 -rxcsum6')).toEqual(fails('-rxcsum6: Operation not supported'))
  })

  it('1.1 order – a failing keyword – those before it stay applied', () => {
    expect(run('cc0 -lro mtu 99999 -nomap').status).toBe(1)
    expect(run('cc0').out).toContain('options=6ec03bb<')
  })
})

describe('addresses (console-tools 1.6)', () => {
  const addresses = (): string[] =>
    run('cc0 inet')
      .out.split('\n')
      .filter((line) => line.startsWith('\tinet'))

  it('without alias – replaces the first; with alias – adds; -alias – removes', () => {
    expect(run('cc0 inet 198.51.100.7/25')).toEqual(quiet)
    expect(addresses()).toEqual(['\tinet 198.51.100.7 netmask 0xffffff80 broadcast 198.51.100.127'])
    expect(run('cc0 inet 10.0.0.1 netmask 255.255.0.0 alias')).toEqual(quiet)
    expect(run('cc0 10.0.0.2 netmask 0xffff0000 alias')).toEqual(quiet)
    expect(addresses()).toHaveLength(3)
    expect(run('cc0 10.0.0.1 -alias')).toEqual(quiet)
    expect(run('cc0 inet 10.0.0.2 delete')).toEqual(quiet)
    expect(addresses()).toEqual(['\tinet 198.51.100.7 netmask 0xffffff80 broadcast 198.51.100.127'])
  })

  it('no mask – the class decides; an absent address – cannot be removed', () => {
    run('cc0 10.1.2.3')
    expect(addresses()).toEqual(['\tinet 10.1.2.3 netmask 0xff000000 broadcast 10.255.255.255'])
    expect(run('cc0 10.9.9.9 -alias')).toEqual(fails("ioctl (SIOCDIFADDR): Can't assign requested address"))
  })

  it.each([
    ['192.0.2.999', '192.0.2.999: bad value'],
    ['192.0.2.1/33', '192.0.2.1/33: bad value (width too large)'],
    ['192.0.2.1/x', '192.0.2.1/x: bad value (width invalid)'],
    ['mtu', "'mtu' requires argument"],
    ['mtu 71', 'ioctl SIOCSIFMTU (set mtu): Invalid argument'],
    ['mtu 9601', 'ioctl SIOCSIFMTU (set mtu): Invalid argument'],
    ['mtu big', 'ioctl SIOCSIFMTU (set mtu): Invalid argument'],
    ['name lo0', 'ioctl SIOCSIFNAME (set name): File exists'],
    ['media 10baseT', 'unknown media subtype: 10baseT'],
    ['create', 'interface cc0 already exists'],
    ['destroy', 'SIOCIFDESTROY: Invalid argument'],
    ['vlan 10', 'both vlan and vlandev must be specified'],
    ['vlan ten', 'invalid value for vlan'],
    ['vlan 70000', 'value for vlan out of range'],
  ])('cc0 %s – refused – the line of the reference', (words, line) => {
    expect(run(`cc0 ${words}`)).toEqual(fails(line))
    expect(run('cc0').out).toBe(cc0)
  })

  it('mtu, name – changed, the new name is printed', () => {
    expect(run('cc0 mtu 9000')).toEqual(quiet)
    expect(run('cc0').out).toContain('metric 0 mtu 9000\n')
    expect(run('cc0 name wan0')).toEqual({ out: 'wan0\n', err: '', status: 0 })
    expect(run('-l').out).toBe('wan0 lo0\n')
  })
})

describe('vlan (console-tools 1.5, 1.6)', () => {
  it('created on cc0 – inherits what cc0 can do; -nomap on the parent takes NOMAP from it', () => {
    expect(run('vlan10 create vlan 10 vlandev cc0')).toEqual(quiet)
    run('vlan10 198.51.100.1/24')
    expect(run('vlan10').out).toBe(`vlan10: flags=8843<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST> metric 0 mtu 1500
	options=4680703<RXCSUM,TXCSUM,TSO4,TSO6,LRO,LINKSTATE,RXCSUM_IPV6,TXCSUM_IPV6,NOMAP>
	ether 00:07:43:00:00:01
	inet 198.51.100.1 netmask 0xffffff00 broadcast 198.51.100.255
	groups: vlan
	vlan: 10 vlanpcp: 0 parent interface: cc0
	media: Ethernet 100GBase-CR4 <full-duplex,rxpause,txpause>
	status: active
	nd6 options=29<PERFORMNUD,IFDISABLED,AUTO_LINKLOCAL>
`)
    expect(run('vlan10 destroy')).toEqual(quiet)
    expect(run('-l').out).toBe('cc0 lo0\n')
  })

  it('created without number or parent – named, flags 8002, zeros, <none>', () => {
    expect(run('vlan create').out).toBe('vlan0\n')
    expect(run('vlan0').out).toContain('vlan0: flags=8002<BROADCAST,MULTICAST>')
    expect(run('vlan0').out).toContain(
      '\tether 00:00:00:00:00:00\n\tgroups: vlan\n\tvlan: 0 vlanpcp: 0 parent interface: <none>\n',
    )
  })

  it.each([
    ['vlan5 create vlan 10', 'must specify a parent device for vlan create'],
    ['vlan5 create vlandev cc0', 'must specify a tag for vlan create'],
    ['vlan5 create vlan 10 vlandev em9', 'SIOCIFCREATE2: Device not configured'],
    ['vlan5 create vlan 4095 vlandev cc0', 'SIOCIFCREATE2: Invalid argument'],
    ['foo5 create', 'SIOCIFCREATE2: Invalid argument'],
  ])('%s – refused, and nothing is left behind', (line, text) => {
    expect(run(line)).toEqual(fails(text))
    expect(run('-l').out).toBe('cc0 lo0\n')
  })
})

describe('inet6 (console-tools 1.2 row 8, 1.6)', () => {
  it('an address – added with its link-local one, shown behind inet, IFDISABLED gone; another is added, not put in its place', () => {
    expect(run('cc0 inet6 2001:db8::1/48')).toEqual(quiet)
    const inet6 = [
      `\tinet6 fe80::207:43ff:fe00:1%cc0 prefixlen 64 scopeid 0x1`,
      `\tinet6 2001:db8::1 prefixlen 48`,
      '',
    ].join('\n')
    const media = '\tmedia: Ethernet'
    const shown = cc0.replace(media, inet6 + media).replace('29<PERFORMNUD,IFDISABLED,', '21<PERFORMNUD,')
    expect(run('cc0').out).toBe(shown)
    expect(run('cc0 inet6').out).not.toContain('inet 192')
    expect(run('-f inet6:cidr cc0').out).toContain('\tinet6 2001:db8::1/48\n')
    expect(run('cc0 inet6 2001:DB8:0:0:0:0:0:2 prefixlen 64 alias')).toEqual(quiet)
    expect(run('cc0').out).toContain('\tinet6 2001:db8::1 prefixlen 48\n\tinet6 2001:db8::2 prefixlen 64\n')
    expect(run('cc0 inet6 2001:db8::2 delete')).toEqual(quiet)
    expect(run('cc0').out).toBe(shown)
  })

  it('words that are no address act as always – mtu, -txcsum6, and the address at the end', () => {
    expect(run('cc0 inet6 mtu 9000 2001:db8::1 -txcsum6')).toEqual(quiet)
    const { out } = run('cc0')
    expect(out).toContain('mtu 9000')
    expect(out).not.toContain('TXCSUM_IPV6')
    expect(out).toContain('\tinet6 2001:db8::1 prefixlen 64\n')
  })

  it.each([
    ['2001:zz::1', '2001:zz::1: bad value'],
    ['2001:db8::1/200', '200: bad value'],
    ['2001:db8::1 prefixlen', "'prefixlen' requires argument"],
    ['fe80::5%em0', 'fe80::5%em0: bad value'],
    ['2001:db8::1 2001:db8::2', '2001:db8::2: bad value'],
    ['2001:db8::9 -alias', "ioctl (SIOCDIFADDR): Can't assign requested address"],
    ['delete', "ioctl (SIOCDIFADDR): Can't assign requested address"],
    ['ff02::1', 'ioctl (SIOCAIFADDR): Invalid argument'],
  ])('cc0 inet6 %s – refused, nothing changed', (words, line) => {
    expect(run(`cc0 inet6 ${words}`)).toEqual(fails(line))
    expect(run('cc0').out).toBe(cc0)
  })
})

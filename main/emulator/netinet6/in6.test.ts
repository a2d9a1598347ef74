/** Addresses of IPv6: text, rows, interfaces, routes. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { testMachine } from '../inspect/testMachine'
import type { Kernel } from '../kernel'
import { ifioctl, ifunit, type Ifreq } from '../net/if'
import { vlan_clone_create, vlan_clone_destroy } from '../net/if_vlan'
import { addressText } from '../netinet/in_ifaddr'
import { EADDRNOTAVAIL, EINVAL, EPERM } from '../sys/errno'
import { SIOCAIFADDR_IN6, SIOCDIFADDR_IN6, SIOCGIFADDR_IN6, SIOCSETVLAN } from '../sys/sockio'
import { in6_cksum_pseudo, in6_get, in6_put, in6_row, in6_rowOn, in6_words, type In6Words, isInet6 } from './in6'
import { addresses6Of, in6_localip, in6_selectroute, in6_selectsrc, nd6_flags } from './in6_ifaddr'
import { inet_ntop6, inet_pton6 } from './in6_text'

const word = fc.oneof(fc.integer({ min: 0, max: 0xffffffff }), fc.constantFrom(0, 1, 0xffff0000, 0xffff, 0xfe800000))
const address = fc.tuple(word, word, word, word)

const words = (text: string): In6Words => {
  const found = inet_pton6(text)
  if (found === null) throw new Error(`${text} is no address`)
  return found
}
const row = (k: Kernel, text: string): number => in6_row(k, ...words(text))
const idle = (): Kernel => testMachine({ family: 'inet6', workload: { startNs: -1 } }).kernels[0]
const control = (k: Kernel, name: string, command: number, text: string, plen?: number): number => {
  const ifr: Ifreq = { ifra6_addr: words(text) }
  if (plen !== undefined) ifr.ifra6_prefixlen = plen
  return ifioctl(k, name, command, ifr)
}

describe('text of an address (RFC 4291, RFC 5952)', () => {
  it.each([
    ['::', '::'],
    ['::1', '::1'],
    ['2001:db8::1', '2001:db8::1'],
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['fe80::207:43ff:fe00:1', 'fe80::207:43ff:fe00:1'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
    ['1::', '1::'],
    ['0:0:0:0:0:0:13.1.68.3', '::13.1.68.3'],
  ])('%s – read and written – %s', (text, written) => {
    expect(inet_ntop6(words(text))).toBe(written)
  })

  it.each([
    '',
    ':',
    '1',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    '12345::',
    '::g',
    '1:2:3:4:5:6:7::8',
    '::1.2.3',
    '::1.2.3.256',
    '::01.2.3.4',
    ':::',
    '1:',
    '::1%cc0',
  ])('"%s" – is no address', (text) => {
    expect(inet_pton6(text)).toBeNull()
  })

  it('any address – written and read again – is the same', () => {
    fc.assert(
      fc.property(address, (a) => {
        expect(inet_pton6(inet_ntop6(a))).toEqual(a)
      }),
    )
  })
})

describe('addresses as rows', () => {
  it('any two addresses – have the same row if and only if they are equal; header bytes, words and sums agree with the row', () => {
    const k = idle()
    const bytes = new Uint8Array(32)
    fc.assert(
      fc.property(address, address, (a, b) => {
        const [ra, rb] = [in6_row(k, ...a), in6_row(k, ...b)]
        expect(ra === rb).toBe(a.every((value, n) => value === b[n]))
        expect(in6_words(k, ra)).toEqual(a)
        in6_put(k, bytes, 0, ra)
        in6_put(k, bytes, 16, rb)
        expect([in6_get(k, bytes, 0), in6_get(k, bytes, 16)]).toEqual([ra, rb])
        expect(isInet6(ra)).toBe(ra !== 0)
        // The pseudo header summed the long way, link-local addresses as they go over the wire.
        in6_put(k, bytes, 0, in6_row(k, ...in6_words(k, ra, true)))
        in6_put(k, bytes, 16, in6_row(k, ...in6_words(k, rb, true)))
        let sum = 70_000 + 6
        for (let i = 0; i < 32; i += 2) sum += bytes[i] * 256 + bytes[i + 1]
        expect(in6_cksum_pseudo(k, ra, rb, 70_000, 6) % 65535).toBe(sum % 65535)
      }),
    )
  })
})

describe('addresses of interfaces', () => {
  it('a host with an address configured – link-local by EUI-64 first, lo0 with ::1 and fe80::1, nd6 not disabled', () => {
    const k = idle()
    const [cc0, lo0] = [ifunit(k, 'cc0'), ifunit(k, 'lo0')]
    const shown = (ifp: number): string[] =>
      addresses6Of(k, ifp).map((a) => `${inet_ntop6(a.words)}/${a.prefixLength} ${a.scope}`)
    expect(shown(cc0)).toEqual([`fe80::207:43ff:fe00:1/64 ${cc0}`, '2001:db8::1/64 0'])
    expect(shown(lo0)).toEqual(['::1/128 0', `fe80::1/64 ${lo0}`])
    expect([nd6_flags(k, cc0), nd6_flags(k, lo0)]).toEqual([0x21, 0x21])
    expect(addressText(k, in6_rowOn(k, words('fe80::5'), cc0))).toBe('fe80::5%cc0')
  })

  it('without one – nothing on the card, nd6 IFDISABLED', () => {
    const [k] = testMachine({ workload: { startNs: -1 } }).kernels
    expect(addresses6Of(k, ifunit(k, 'cc0'))).toEqual([])
    expect(nd6_flags(k, ifunit(k, 'cc0'))).toBe(0x29)
  })

  it('added, asked for, deleted – ioctls answer as in6_control does', () => {
    const k = idle()
    expect(control(k, 'cc0', SIOCAIFADDR_IN6, '2001:db8:1::9', 48)).toBe(0)
    const ifr: Ifreq = { ifra6_addr: words('2001:db8:1::9') }
    expect(ifioctl(k, 'cc0', SIOCGIFADDR_IN6, ifr)).toBe(0)
    expect(ifr.ifra6_prefixlen).toBe(48)
    expect(in6_localip(k, row(k, '2001:db8:1::9'))).toBe(true)
    expect(addresses6Of(k, ifunit(k, 'cc0'))).toHaveLength(3)
    expect(control(k, 'cc0', SIOCDIFADDR_IN6, '2001:db8:1::9')).toBe(0)
    expect(in6_localip(k, row(k, '2001:db8:1::9'))).toBe(false)
    expect(control(k, 'cc0', SIOCDIFADDR_IN6, '2001:db8:1::9')).toBe(EADDRNOTAVAIL)
    expect(ifioctl(k, 'cc0', SIOCDIFADDR_IN6, {})).toBe(EADDRNOTAVAIL)
    expect(control(k, 'cc0', SIOCAIFADDR_IN6, 'ff02::1')).toBe(EINVAL)
    expect(control(k, 'cc0', SIOCAIFADDR_IN6, '2001:db8::7', 129)).toBe(EINVAL)
    expect(ifioctl(k, 'cc0', SIOCAIFADDR_IN6, { ifra6_addr: words('2001:db8::7') }, false)).toBe(EPERM)
  })

  it('routes and sources – own addresses over lo0, else the longest prefix; nothing without a prefix', () => {
    const k = idle()
    control(k, 'cc0', SIOCAIFADDR_IN6, '2001:db8:0:7::1', 64)
    control(k, 'lo0', SIOCAIFADDR_IN6, '2001:db8:0:7:8000::1', 65)
    const [cc0, lo0] = [ifunit(k, 'cc0'), ifunit(k, 'lo0')]
    const route = (text: string): number => in6_selectroute(k, row(k, text))
    expect(route('2001:db8::2')).toBe(cc0)
    expect(route('2001:db8::1')).toBe(lo0)
    expect(route('::1')).toBe(lo0)
    expect(route('2001:db8:0:7::9')).toBe(cc0)
    expect(route('2001:db8:0:7:8000::9')).toBe(lo0)
    expect(route('2001:db8:0:8::9')).toBe(0)
    expect(in6_selectsrc(k, row(k, '2001:db8:0:7::9'))).toBe(row(k, '2001:db8:0:7::1'))
    expect(in6_selectsrc(k, row(k, '2001:db8::1'))).toBe(row(k, '2001:db8::1'))
    expect(in6_selectsrc(k, row(k, '3000::1'))).toBe(0)
    // A link-local destination says by which interface.
    expect(in6_selectroute(k, in6_rowOn(k, words('fe80::99'), cc0))).toBe(cc0)
  })

  it('an interface that is destroyed – takes its addresses with it', () => {
    const k = idle()
    expect(vlan_clone_create(k, 'vlan9')).toBe(0)
    expect(ifioctl(k, 'vlan9', SIOCSETVLAN, { vlr_parent: 'cc0', vlr_tag: 9 })).toBe(0)
    expect(control(k, 'vlan9', SIOCAIFADDR_IN6, '2001:db8:9::1')).toBe(0)
    expect(in6_localip(k, row(k, '2001:db8:9::1'))).toBe(true)
    expect(vlan_clone_destroy(k, 'vlan9')).toBe(0)
    expect(in6_localip(k, row(k, '2001:db8:9::1'))).toBe(false)
    expect(in6_selectroute(k, row(k, '2001:db8:9::2'))).toBe(0)
  })
})

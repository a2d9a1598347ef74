/** `netstat -i`: the table of interfaces. Source: usr.bin/netstat/if.c intpr(), show_stat() (reference console-tools 3.2; read). */
import { inet_ntop6 } from '../../../emulator/index'
import type { Ifreq, In6Address, InterfaceInfo, SystemCalls } from '../../../emulator/index'
import { inet_ntoa, prefixLength } from '../../libc/inet'
import { pad, whole } from '../../libc/stdio'

export interface InterfaceTableOptions {
  /** Only this interface. */
  only: string | null
  /** -b: bytes. -d: drops at the output. -W: nothing is cut. */
  bytes: boolean
  drops: boolean
  wide: boolean
}

/** Counters of a row; null prints as `-`. */
interface Row {
  name: string
  mtu: number | null
  network: string
  address: string
  counters: { [key in 'ip' | 'ie' | 'id' | 'ib' | 'op' | 'oe' | 'ob' | 'co' | 'od']: number | null }
}

export function interfaceTable(sys: SystemCalls, options: InterfaceTableOptions): string {
  const rows = sys
    .interfaces()
    .filter((info) => options.only === null || info.name === options.only)
    .flatMap((info) => rowsOf(sys, info))
  const nameWidth = options.wide ? Math.max(5, ...rows.map((row) => row.name.length)) : 5
  // With -W addresses are not cut: IPv6 ones are longer.
  const has6 = rows.some((row) => row.address.includes(':') && row.mtu === null)
  const networkWidth = options.wide ? (has6 ? 24 : 18) : 13
  const addressWidth = options.wide && has6 ? 39 : 17
  const columns: [title: string, width: number, key: keyof Row['counters']][] = [
    ['Ipkts', 8, 'ip'],
    ['Ierrs', 5, 'ie'],
    ['Idrop', 5, 'id'],
    ...(options.bytes ? [['Ibytes', 10, 'ib'] as [string, number, 'ib']] : []),
    ['Opkts', 8, 'op'],
    ['Oerrs', 5, 'oe'],
    ...(options.bytes ? [['Obytes', 10, 'ob'] as [string, number, 'ob']] : []),
    ['Coll', 5, 'co'],
    ...(options.drops ? [['Drop', 5, 'od'] as [string, number, 'od']] : []),
  ]
  const line = (name: string, mtu: string, network: string, address: string, cells: string[]): string =>
    [
      pad(name, -nameWidth, nameWidth) + pad(mtu, 6),
      pad(network, -networkWidth, networkWidth),
      pad(address, -addressWidth, addressWidth),
      ...cells,
    ].join(' ') + '\n'
  const head = line(
    'Name',
    'Mtu',
    'Network',
    'Address',
    columns.map(([title, width]) => pad(title, width)),
  )
  return (
    head +
    rows
      .map((row) =>
        line(
          row.name,
          row.mtu === null ? '-' : whole(row.mtu),
          row.network,
          row.address,
          columns.map(([, width, key]) => {
            const value = row.counters[key]
            return pad(value === null ? '-' : whole(value), width)
          }),
        ),
      )
      .join('')
  )
}

const IFT_LOOP = 24

/** The first `bits` bits of an address. */
function network6(words: In6Address['words'], bits: number): In6Address['words'] {
  const [a, b, c, d] = words.map((word, n) => {
    const left = Math.max(0, Math.min(32, bits - 32 * n))
    return left === 0 ? 0 : left === 32 ? word : (word & ~(0xffffffff >>> left)) >>> 0
  })
  return [a, b, c, d]
}

function rowsOf(sys: SystemCalls, info: InterfaceInfo): Row[] {
  const ifr: Ifreq = {}
  sys.ioctl('SIOCGIFFLAGS', info.name, ifr)
  sys.ioctl('SIOCGIFMTU', info.name, ifr)
  const up = ((ifr.ifr_flags ?? 0) & (sys.flagNames.find((flag) => flag.name === 'UP')?.bit ?? 0)) !== 0
  const name = up ? info.name : `${info.name}*`
  const link: Row = {
    name,
    mtu: ifr.ifr_mtu ?? 0,
    network: `<Link#${info.index}>`,
    address: info.lladdr === '' ? info.name : info.lladdr,
    counters: {
      ip: sys.counter(info.name, 'if_ipackets'),
      ie: sys.counter(info.name, 'if_ierrors'),
      id: sys.counter(info.name, 'if_iqdrops'),
      ib: sys.counter(info.name, 'if_ibytes'),
      op: sys.counter(info.name, 'if_opackets'),
      oe: sys.counter(info.name, 'if_oerrors'),
      ob: sys.counter(info.name, 'if_obytes'),
      co: sys.counter(info.name, 'if_collisions'),
      od: sys.counter(info.name, 'if_oqdrops'),
    },
  }
  // Packets are not counted per address here, so those columns say that they know nothing.
  const none = { ip: null, ie: null, id: null, ib: null, op: null, oe: null, ob: null, co: null, od: null }
  const addresses = info.addresses.map(({ address, netmask }): Row => {
    const length = prefixLength(netmask)
    const network = `${inet_ntoa((address & netmask) >>> 0)}${length === null ? '' : `/${length}`}`
    return { name, mtu: null, network, address: inet_ntoa(address), counters: none }
  })
  const addresses6 = info.addresses6.map(({ words, prefixLength: bits, scope }): Row => {
    const zone = scope === 0 ? '' : `%${info.name}`
    return {
      name,
      mtu: null,
      network: `${inet_ntop6(network6(words, bits))}${zone}/${bits}`,
      address: `${inet_ntop6(words)}${zone}`,
      counters: none,
    }
  })
  // In the order of their first addresses: the kernel itself gives lo0 its IPv6 ones.
  return info.type === IFT_LOOP ? [link, ...addresses6, ...addresses] : [link, ...addresses, ...addresses6]
}

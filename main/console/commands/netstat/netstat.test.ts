import { beforeEach, describe, expect, it } from 'vitest'
import { consoleHost, knob, type ConsoleHost } from '../../../../tests/helpers/consoleHost'
import type { SocketInfo } from '../../../emulator/index'
import { vmstat } from '../vmstat'
import { netstat } from './netstat'
import { continueRates } from './rates'

let host: ConsoleHost
const zone = (name: string, size: number, limit: number, used: number, free: number, fail = 0, sleep = 0) => ({
  name,
  size,
  limit,
  used,
  free,
  requests: used * 2,
  fail,
  sleep,
})
beforeEach(() => {
  host = consoleHost()
  host.zones.push(
    zone('mbuf', 256, 26080155, 20480, 7711, 1, 5),
    zone('mbuf_cluster', 2048, 4075024, 19595, 12, 2, 6),
    zone('mbuf_packet', 256, 26080155, 16384, 3211, 3, 7),
    zone('mbuf_jumbo_page', 4096, 2037511, 4210, 902, 4, 8),
    zone('mbuf_jumbo_9k', 9216, 603707, 2, 1, 9, 10),
    zone('mbuf_jumbo_16k', 16384, 339585, 0, 3, 11, 12),
    zone('mbuf_extpgs', 256, 0, 7424, 512),
  )
  const bytes = new Uint8Array(88)
  const view = new DataView(bytes.buffer)
  for (let i = 0; i < 11; i++) view.setBigUint64(i * 8, BigInt(i + 1), true)
  host.k.sysctl.declare(knob('kern.ipc.sfstat', { type: 'opaque', get: () => bytes }))
})

function run(line: string): { out: string; err: string; status: number } {
  const { written, status } = netstat(host.sys)(line.split(' ').filter(Boolean), null, 'netstat')
  const text = (to: 'out' | 'err'): string =>
    written
      .filter((w) => w.to === to)
      .map((w) => w.text)
      .join('')
  return { out: text('out'), err: text('err'), status }
}

describe('netstat -m (console-tools 3.1, kernel-mbuf-sendfile 6.6, 6.7)', () => {
  it('zones and sendfile counters – every line in order, numbers as the reference makes them, no sfbufs in use', () => {
    const inUse = 20480 * 256 + 16384 * 256 + 16384 * 2048 + (19595 - 16384 - 3211) * 2048 + 4210 * 4096 + 2 * 9216
    const inCache = 7711 * 256 + 3211 * (256 + 2048) + 12 * 2048 + 902 * 4096 + 9216 + 3 * 16384
    const k = (n: number): string => `${Math.floor(n / 1024)}K`
    expect(run('-m')).toEqual({
      out: `36864/10922/47786 mbufs in use (current/cache/total)
16384/3223/19607/4075024 mbuf clusters in use (current/cache/total/max)
16384/3211 mbuf+clusters out of packet secondary zone in use (current/cache)
4210/902/5112/2037511 4k (page size) jumbo clusters in use (current/cache/total/max)
2/1/3/603707 9k jumbo clusters in use (current/cache/total/max)
0/3/3/339585 16k jumbo clusters in use (current/cache/total/max)
${k(inUse)}/${k(inCache)}/${k(inUse + inCache)} bytes allocated to network (current/cache/total)
1/2/3 requests for mbufs denied (mbufs/clusters/mbuf+clusters)
5/6/7 requests for mbufs delayed (mbufs/clusters/mbuf+clusters)
8/10/12 requests for jumbo clusters delayed (4k/9k/16k)
4/9/11 requests for jumbo clusters denied (4k/9k/16k)
1 sendfile syscalls
2 sendfile syscalls completed without I/O request
3 requests for I/O initiated by sendfile
4 pages read by sendfile as part of a request
5 pages were valid at time of a sendfile request
11 pages were valid and substituted to bogus page
6 pages were requested for read ahead by applications
7 pages were read ahead by sendfile
8 times sendfile encountered an already busy page
9 requests for sfbufs denied
10 requests for sfbufs delayed
`,
      err: '',
      status: 0,
    })
  })

  it('--libxo json – the same numbers by name (6.6)', () => {
    const { out } = run('--libxo json -m')
    const fields = JSON.parse(out).statistics['mbuf-statistics']
    expect(fields).toMatchObject({
      'mbuf-current': 36864,
      'cluster-max': 4075024,
      'jumbo16-cache': 3,
      'sendfile-syscalls': 1,
      'sendfile-pages-bogus': 11,
      'sfbufs-alloc-wait': 10,
    })
  })
})

describe('vmstat -z (console-tools 4.1)', () => {
  it('zones – header, blank line, rows with commas, blank line – the widths of the reference', () => {
    const { written } = vmstat(host.sys)(['-z'], null, 'vmstat')
    const lines = written[0].text.split('\n')
    expect(lines[0]).toBe('ITEM                   SIZE  LIMIT     USED     FREE      REQ FAIL SLEEP')
    expect(lines[1]).toBe('')
    expect(lines[4]).toBe('mbuf_packet:            256, 26080155,   16384,    3211,   32768,   3,   7')
    expect(lines[8]).toBe('mbuf_extpgs:            256,      0,    7424,     512,   14848,   0,   0')
    expect(lines.slice(9)).toEqual(['', ''])
  })
})

const buffer = { sb_cc: 0, sb_hiwat: 65700, sb_lowat: 1, sb_mcnt: 0, sb_ccnt: 0, sb_mbcnt: 0, sb_mbmax: 525600 }
const socket = (over: Partial<SocketInfo>): SocketInfo => ({
  pcb: 5,
  laddr: 0xc0000201,
  lport: 443,
  faddr: 0xc0000209,
  fport: 51022,
  state: 'ESTABLISHED',
  offloaded: false,
  rcv: buffer,
  snd: {
    ...buffer,
    sb_cc: 262144,
    sb_hiwat: 1048576,
    sb_lowat: 2048,
    sb_mcnt: 8,
    sb_ccnt: 7,
    sb_mbcnt: 460800,
    sb_mbmax: 8388608,
  },
  qlen: 0,
  incqlen: 0,
  qlimit: 0,
  timers: { rexmt: 230, persist: 0, keep: 7199880, msl2: 0, delack: 0, rcvtime: 110 },
  retransmitted: 3,
  outOfOrder: 1,
  zeroWindow: 2,
  flowid: 0xbeef,
  flowtype: 130,
  ...over,
})

describe('sockets (console-tools 3.3)', () => {
  beforeEach(() => {
    host.sockets.push(
      socket({}),
      socket({ laddr: 0, faddr: 0, fport: 0, state: 'LISTEN', qlen: 1, qlimit: 128, pcb: 1 }),
    )
  })

  it('-an – connections and listeners, columns and trailing blanks as printed', () => {
    expect(run('-an').out).toBe(
      'Active Internet connections (including servers)\n' +
        'Proto Recv-Q Send-Q Local Address          Foreign Address        (state)\n' +
        'tcp4       0 262144 192.0.2.1.443          192.0.2.9.51022        ESTABLISHED\n' +
        'tcp4       0      0 *.443                  *.*                    LISTEN     \n',
    )
    expect(run('-n').out).not.toContain('LISTEN')
    expect(run('').out).toContain('192.0.2.1.https ')
    expect(run('-p udp').out).toBe('')
  })

  it('sockets of IPv6 – tcp6 with their addresses, cut at the width; -4, -6 and -f choose a family', () => {
    host.sockets.push(
      socket({ laddr: 0, faddr: 0, inet6: { laddr: '2001:db8::1', faddr: '2001:db8:0:7:aaaa:bbbb:cccc:2' } }),
      socket({ laddr: 0, faddr: 0, fport: 0, state: 'LISTEN', inet6: { laddr: '', faddr: '' } }),
    )
    const six = run('-an6').out
    expect(six.split('\n').slice(2)).toEqual([
      'tcp6       0 262144 2001:db8::1.443        2001:db8:0:7:aaaa:bbbb ESTABLISHED',
      'tcp6       0      0 *.443                  *.*                    LISTEN     ',
      '',
    ])
    expect(run('-an -f inet6').out).toBe(six)
    expect(run('-anW6').out).toContain('2001:db8:0:7:aaaa:bbbb:cccc:2.51022')
    expect(run('-an4').out).not.toContain('tcp6')
    expect(run('-an').out.match(/^tcp[46]/gm)).toEqual(['tcp4', 'tcp4', 'tcp6', 'tcp6'])
  })

  it('-xn – twelve buffer columns and six timers', () => {
    const lines = run('-xn').out.split('\n')
    expect(lines[1]).toBe(
      'Proto Recv-Q Send-Q Local Address          Foreign Address        R-MBUF S-MBUF R-CLUS S-CLUS R-HIWA S-HIWA R-LOWA S-LOWA R-BCNT S-BCNT R-BMAX S-BMAX   rexmt persist    keep    2msl  delack rcvtime',
    )
    expect(lines[2]).toBe(
      'tcp4       0 262144 192.0.2.1.443          192.0.2.9.51022             0      8      0      7  65700 1048576      1   2048      0 460800 525600 8388608    0.23    0.00 7199.88    0.00    0.00    0.11',
    )
  })

  it('-Tn, -Ln – retransmissions; listen queues', () => {
    expect(run('-Tn').out.split('\n').slice(1, 3)).toEqual([
      'Proto Rexmit OOORcv 0-win  Local Address          Foreign Address',
      'tcp4       3      1      2 192.0.2.1.443          192.0.2.9.51022       ',
    ])
    expect(run('-Ln').out).toBe(
      `Current listen queue sizes (qlen/incqlen/maxqlen)\nProto Listen                           Local Address\ntcp4  ${'1/0/128'.padEnd(32)} ${'*.443'.padEnd(22)}\n`,
    )
  })

  it('an offloaded connection – listed as toe4', () => {
    host.sockets[0].offloaded = true
    expect(run('-n').out).toContain('\ntoe4 ')
  })
})

describe('interfaces (console-tools 3.2)', () => {
  beforeEach(() => {
    const t = host.k.ifnet
    t.if_ipackets[host.cc0] = 120045
    t.if_opackets[host.cc0] = 980221
    t.if_ibytes[host.cc0] = 5
  })

  it('-i – header, link row, address row', () => {
    expect(run('-i').out.split('\n').slice(0, 3)).toEqual([
      'Name    Mtu Network       Address              Ipkts Ierrs Idrop    Opkts Oerrs  Coll',
      'cc0    1500 <Link#1>      00:07:43:00:00:01   120045     0     0   980221     0     0',
      'cc0       - 192.0.2.0/24  192.0.2.1                -     -     -        -     -     -',
    ])
    expect(run('-I lo0').out).not.toContain('cc0')
    expect(run('-bdI cc0').out.split('\n')[0]).toContain('Ibytes    Opkts Oerrs     Obytes  Coll  Drop')
  })

  it('-w 1 -I cc0 -q 2 – header first, then two rows that are differences, each after a second', () => {
    const first = netstat(host.sys)(['-w', '1', '-I', 'cc0', '-q', '2'], null, 'netstat')
    expect(first.wakeAt).toBe(1e9)
    expect(first.written[0].text).toBe(
      '            input            cc0           output\n   packets  errs idrops      bytes    packets  errs      bytes colls\n',
    )
    host.time.now = 1e9
    host.k.ifnet.if_ipackets[host.cc0] += 41022
    const [, ...args] = first.then!
    const second = continueRates(host.sys)(args, null, '')
    expect(second.written[0].text).toBe('     41022     0     0          0          0     0          0     0\n')
    expect(second.wakeAt).toBe(2e9)
    const third = continueRates(host.sys)(second.then!.slice(1), null, '')
    expect(third.wakeAt).toBeUndefined()
    expect(third.written[0].text).toBe('         0     0     0          0          0     0          0     0\n')
  })
})

describe('refusals (console-tools 3)', () => {
  it.each([
    ['-x -T', 'netstat: -x and -T are incompatible, pick one.\n', 1],
    ['-p foo', 'netstat: foo: unknown or uninstrumented protocol\n', 1],
    ['-f foo', 'netstat: foo: unknown address family\n', 1],
    ['-I em9', 'netstat: interface em9 not found: No such file or directory\n', 65],
    ['-w 0', 'netstat: 0: Invalid argument\n', 1],
  ])('netstat %s – says why', (line, err, status) => {
    expect(run(line)).toEqual({ out: '', err, status })
  })
})

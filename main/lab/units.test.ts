import { describe, expect, test } from 'vitest'
import { editDistance, nearMatches } from './nearMatches'
import { formatBytes, formatRate, formatTime, parseQuantity } from './units'

describe('quantities', () => {
  test.each([
    ['rate', '10Gbps', 10e9],
    ['rate', '2.5Gbps', 2.5e9],
    ['time', '100us', 100_000],
    ['time', '100µs', 100_000],
    ['time', '1.5 ms', 1_500_000],
    ['time', 0, 0],
    ['bytes', '1MiB', 1 << 20],
    ['bytes', 32768, 32768],
    ['bytes', '1GB', 1e9],
    ['frequency', '2.6GHz', 2_600_000_000],
    ['fraction', '1%', 0.01],
    ['fraction', 0.25, 0.25],
    ['byteRate', '500MB/s', 500e6],
  ] as const)('a %s written %s is read', (kind, text, value) => {
    expect(parseQuantity(kind, text)).toBe(value)
  })

  test.each([
    ['time', '50', /has no unit; write for instance 50ms/],
    ['time', '50 parsecs', /"parsecs" is not a unit of time/],
    ['rate', 'fast', /"fast" is not a bit rate; write for instance 10Gbps/],
    ['fraction', '1.5', /more than 1/],
    ['bytes', '-1', /not a number of bytes/],
    ['bytes', '1e30', /too large/],
    ['bytes', '9000000GiB', /too large/],
    ['time', '', /not a time/],
  ] as const)('a %s written "%s" is refused with an example', (kind, text, message) => {
    expect(() => parseQuantity(kind, text)).toThrow(message)
  })

  test('numbers are shown in the largest unit that leaves a digit before the point', () => {
    expect([formatTime(12_400_000), formatBytes(1536), formatRate(9_410_000_000), formatBytes(0)]).toEqual([
      '12.4 ms',
      '1.5 KiB',
      '9.41 Gb/s',
      '0 B',
    ])
  })
})

describe('near matches', () => {
  const knobs = ['kern.ipc.mb_use_ext_pgs', 'kern.ipc.maxsockbuf', 'net.inet.tcp.sendspace', 'net.inet.tcp.recvspace']

  test('a misspelt, misplaced or shortened name – is asked for – the real one comes first', () => {
    expect(nearMatches('kern.ipc.mb_use_extpgs', knobs)[0]).toBe('kern.ipc.mb_use_ext_pgs')
    expect(nearMatches('net.inet.sendspace', knobs)[0]).toBe('net.inet.tcp.sendspace')
    expect(nearMatches('sendspace', knobs)[0]).toBe('net.inet.tcp.sendspace')
  })

  test('a name like no other – is asked for – nothing is offered', () => {
    expect(nearMatches('qqqqqq', knobs)).toEqual([])
  })

  test('swapped neighbours count once', () => {
    expect(editDistance('nomap', 'nmoap')).toBe(1)
  })
})

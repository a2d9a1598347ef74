import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decimalsFor,
  formatBrief,
  formatInstant,
  formatNumber,
  formatPoints,
  formatQuantity,
  formatWithUnit,
  prefixOnly,
  unitScale,
} from './format'

describe('formatNumber', () => {
  it('thousands – are written – with thin spaces U+2009', () => {
    expect(formatNumber(41213)).toBe('41\u2009213')
    expect(formatNumber(2097152)).toBe('2\u2009097\u2009152')
    expect(formatNumber(999)).toBe('999')
  })
  it('a negative value – is written – with the true minus U+2212', () => {
    expect(formatNumber(-38270)).toBe('\u221238\u2009270')
    expect(formatNumber(-0.079, 3)).toBe('\u22120.079')
  })
  it('a value that rounds to zero – is written signed – without a sign', () => {
    expect(formatNumber(-0.04, 1, true)).toBe('0.0')
    expect(formatNumber(0.04, 1, true)).toBe('0.0')
  })
  it('a positive value – is written signed – with a plus', () => {
    expect(formatNumber(3377, 0, true)).toBe('+3\u2009377')
  })
  it('no number – is written – as a dash, never blank and never zero', () => {
    expect(formatNumber(Number.NaN)).toBe('–')
    expect(formatNumber(Infinity)).toBe('–')
  })
  it('any integer – is written and read back – the same', () => {
    fc.assert(
      fc.property(fc.integer(), (n) => {
        const back = formatNumber(n).replaceAll('\u2009', '').replace('\u2212', '-')
        expect(Number(back)).toBe(n)
      }),
    )
  })
})

describe('decimalsFor', () => {
  it.each([
    [41.23, 1],
    [2.943, 2],
    [0.0712, 4],
    [1234, 0],
    [0, 0],
  ])('%d – asked for three digits – needs %d decimals', (value, decimals) => {
    expect(decimalsFor(value)).toBe(decimals)
  })
})

describe('units', () => {
  it.each([
    [40e9, 'bps', '40.0', 'Gb/s'],
    [40e9, 'b/s', '40.0', 'Gb/s'],
    [78100, 'bursts/s', '78.1', 'k bursts/s'],
    [1270000, '/s', '1.27', 'M/s'],
    [0, '/s', '0', '/s'],
    [65160, 'B', '65\u2009160', 'B'],
    [1048576, 'B', '1.00', 'MiB'],
    [44190, 'wired', '44\u2009190', 'wired'],
    [0.401, 'share', '40.1', '%'],
    [1500, 'ns', '1.50', 'µs'],
    [12400000, 'ns', '12.4', 'ms'],
  ])('%d %s – is written – as %s %s', (value, unit, text, shown) => {
    expect(formatQuantity(value, unit)).toEqual({ text, unit: shown })
  })
  it('value and unit – are joined – by one thin space', () => {
    expect(formatWithUnit(65160, 'B')).toBe('65\u2009160\u2009B')
    expect(formatWithUnit(17, '')).toBe('17')
  })
  it('a chart of counts above ten thousand – is scaled – in thousands', () => {
    expect(unitScale(41200, '')).toEqual({ factor: 1 / 1000, unit: 'k' })
    expect(unitScale(48, 'mbufs')).toEqual({ factor: 1, unit: 'mbufs' })
  })
  it('a ratio such as mbufs/MiB – is scaled – never with a prefix', () => {
    expect(unitScale(25850, 'mbufs/MiB')).toEqual({ factor: 1, unit: 'mbufs/MiB' })
  })
})

describe('prefixOnly', () => {
  it.each([
    ['k mbufs', 'mbufs', 'k'],
    ['mbufs', 'mbufs', ''],
    ['MiB', 'B', 'MiB'],
    ['Gb/s', 'b/s', 'Gb/s'],
    ['M/s', '/s', 'M/s'],
    ['%', 'share', '%'],
    ['k bursts/s', 'bursts/s', 'k bursts/s'],
  ])('%s of %s – is shortened – to "%s"', (scaled, counted, short) => {
    expect(prefixOnly(scaled, counted)).toBe(short)
  })
})

describe('times and shares', () => {
  it('an instant – is written – in ms with three decimals', () => {
    expect(formatInstant(12_400_000)).toBe('12.400\u2009ms')
    expect(formatInstant(-2_000_000, true)).toBe('\u22122.000\u2009ms')
  })
  it('a difference of shares – is written – in points', () => {
    expect(formatPoints(-0.038)).toBe('\u22123.8\u2009pp')
  })
  it('a brief number – keeps small whole numbers – and three digits of others', () => {
    expect(formatBrief(17)).toBe('17')
    expect(formatBrief(41.234)).toBe('41.2')
    expect(formatBrief(41234)).toBe('41\u2009234')
  })
})

import { describe, expect, it } from 'vitest'
import { counterDeclarations, readCounters } from './counters'
import { testMachine } from './testMachine'

const read = (machine: Parameters<typeof readCounters>[0]): { [name: string]: number } => {
  const out = new Float64Array(counterDeclarations.length)
  readCounters(machine, out)
  return Object.fromEntries(counterDeclarations.map(({ name }, i) => [name, out[i]]))
}

describe('counters', () => {
  it('each – is declared once, with unit, description and source', () => {
    expect(new Set(counterDeclarations.map(({ name }) => name)).size).toBe(counterDeclarations.length)
    for (const entry of counterDeclarations)
      expect(entry.unit && entry.description && entry.source, entry.name).toBeTruthy()
  })

  it('a run – counters – agree with each other and never fall', () => {
    const machine = testMachine()
    machine.runUntil(10e6)
    const first = read(machine)
    machine.runUntil(20e6)
    const second = read(machine)
    for (const { name, kind } of counterDeclarations)
      if (kind === 'counter') expect(second[name], name).toBeGreaterThanOrEqual(first[name])
    expect(second.client_bytes_verified).toBeGreaterThan(1e6)
    expect(second.client_bytes_corrupt).toBe(0)
    expect(second.server_connections).toBe(4)
    expect(second.server_conversions).toBe(0)
    expect(second.server_unmapped_sent).toBeGreaterThan(100)
    // The card sent at least the payload, in frames of at most 1514 bytes.
    expect(second.server_tx_octets).toBeGreaterThan(second.server_sent_bytes)
    expect(second.server_tx_frames * 1448).toBeGreaterThanOrEqual(second.server_sent_bytes - 4 * 65536)
    expect(second.server_sockbuf_mbufs).toBeGreaterThan(0)
  })

  it('-nomap – every unmapped mbuf that reached ip_output – was converted', () => {
    const machine = testMachine({ nomap: false })
    machine.runUntil(10e6)
    const now = read(machine)
    expect(now.server_conversions).toBe(now.server_unmapped_sent)
    expect(now.server_conversions).toBeGreaterThan(0)
  })
})

/**
 * Rows of kernel-mbuf-sendfile 10.2 that are about a host as a whole: what an administrator sees at boot, and what knobs do to a server under load. The
 * other rows stand beside the code that they are about (look for "10.2 row").
 */
import { describe, expect, it } from 'vitest'
import { drainLoad, startLoad, stopLoad } from '../../main/emulator/apps/apps'
import { counterDeclarations, readCounters } from '../../main/emulator/inspect/counters'
import { systemCalls } from '../../main/emulator/inspect/systemCalls'
import { testMachine, type TestOptions } from '../../main/emulator/inspect/testMachine'
import { causes } from '../../main/emulator'
import { Machine } from '../../main/emulator/machine/machine'

const counters = (machine: Machine): { [name: string]: number } => {
  const values = new Float64Array(counterDeclarations.length)
  readCounters(machine, values)
  return Object.fromEntries(counterDeclarations.map(({ name }, i) => [name, values[i]]))
}
/** A server after 4 ms of load. */
function loaded(options: TestOptions = {}): Machine {
  const machine = testMachine(options)
  startLoad(machine)
  machine.runUntil(4e6)
  return machine
}
/** All chains of mbufs of the server, drawn. */
function drawn(machine: Machine): string {
  const { chains } = systemCalls(machine.kernels[0])
  return JSON.stringify(chains.draw(chains.list().map(({ name }) => name)))
}

describe('kernel-mbuf-sendfile 10.2', () => {
  it('row 1, boot – mb_use_ext_pgs is 0, mbuf_extpgs exists and is empty, there is no nsfbufs', () => {
    const { config, disk } = testMachine()
    config.hosts[0].sysctls = {}
    const sys = systemCalls(new Machine(config, disk).kernels[0])
    expect(sys.sysctl.read(sys.sysctl.find('kern.ipc.mb_use_ext_pgs')!)).toBe(0)
    expect(sys.zones().find(({ name }) => name === 'mbuf_extpgs')).toMatchObject({ used: 0 })
    expect(sys.sysctl.find('kern.ipc.nsfbufs')).toBeUndefined()
  })

  it('row 12, -nomap – every unmapped mbuf is converted, one mbuf a page, CPUs do more, and what waits in the socket buffers is the same', () => {
    const on = loaded()
    const off = loaded({ nomap: false })
    const [with_, without] = [counters(on), counters(off)]
    expect(with_['server_conversions']).toBe(0)
    expect(without['server_conversions']).toBe(without['server_unmapped_sent'])
    expect(without['server_conversions']).toBeGreaterThan(20)
    expect(without['server_converted_pages']).toBeGreaterThan(2 * without['server_conversions'])
    for (const name of ['server_sockbuf_mbufs', 'server_sockbuf_bytes', 'client_bytes_verified'])
      expect(without[name], name).toBe(with_[name])
    const busy = (nomap: boolean): number => counters(loaded({ nomap, cost: true }))['server_busy_ns']
    expect(busy(false)).toBeGreaterThan(busy(true))
  })

  it('row 13, nomap and -txcsum – conversion, no TSO, and checksums cost CPU', () => {
    const machine = loaded({ capabilities: { txcsum: false }, cost: true })
    const now = counters(machine)
    expect(now['server_conversions']).toBe(now['server_unmapped_sent'])
    expect(now['server_conversions']).toBeGreaterThan(20)
    expect(now['server_tso_bursts']).toBe(0)
    const [k] = machine.kernels
    expect(k.cost.byCause[causes.indexOf('checksum')]).toBeGreaterThan(0)
    expect(loaded({ cost: true }).kernels[0].cost.byCause[causes.indexOf('checksum')]).toBe(0)
  })

  it.each([
    [1, 0, 'EXT_SFBUF'],
    [0, 1, 'EXT_PGS'],
  ])(
    'row 30, mb_use_ext_pgs %i → %i under way – what waits stays as it is, what comes has the other form (%s)',
    (before, after, form) => {
      const machine = loaded({ extPgs: before === 1 })
      const sys = systemCalls(machine.kernels[0])
      const waiting = drawn(machine)
      expect(waiting).not.toContain(form)
      expect(sys.sysctl.write(sys.sysctl.find('kern.ipc.mb_use_ext_pgs')!, after)).toBe(0)
      expect(drawn(machine)).toBe(waiting)
      machine.runUntil(6e6)
      expect(drawn(machine)).toContain(form)
      stopLoad(machine)
      expect(drainLoad(machine)).toBe(true)
      expect(counters(machine)['client_bytes_corrupt']).toBe(0)
    },
  )
})

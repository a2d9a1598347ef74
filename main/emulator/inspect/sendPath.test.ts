import { describe, expect, it } from 'vitest'
import type { SendPath as ContractSendPath } from '../../../preload/contract'
import { SendPathReader } from './sendPath'
import { testMachine } from './testMachine'
import type { SendPath } from './types'

// The contract's type and ours say the same (the contract adds the letter of the run): a mistake here is a type error.
const toContract = (path: SendPath): ContractSendPath => ({ branch: 'A', ...path })
const fromContract = (path: ContractSendPath): SendPath => path

/** Lets the load run and gives the picture of a burst. */
function pictured(options: Parameters<typeof testMachine>[0]) {
  const machine = testMachine(options)
  const reader = new SendPathReader(machine)
  reader.read(null)
  machine.runUntil(5e6)
  reader.read(null)
  machine.runUntil(20e6)
  return { machine, reader, path: reader.read(null) }
}

const payload = (chain: SendPath['socketBuffer']): number =>
  chain.filter((m) => !m.header).reduce((sum, m) => sum + m.len, 0)

describe('the picture of a burst', () => {
  it('sendfile with unmapped mbufs – the instant the card begins to read – every station shows the same bytes', () => {
    const { path } = pictured({})
    expect(fromContract(toContract(path))).toMatchObject(path)
    const burst = path.burst!
    expect(burst.inFlight).toBe(true)
    expect(burst.frames).toBe(Math.ceil(burst.len / burst.mss))
    expect(payload(burst.tcp)).toBe(burst.len)
    expect(payload(burst.ip.chain)).toBe(burst.len)
    expect(burst.ip).toMatchObject({ checksumByCard: true, takesUnmapped: true, converted: 0 })
    expect(burst.sglist[0].off).toBeLessThan(0)
    expect(burst.sglist.slice(1).reduce((sum, entry) => sum + entry.len, 0)).toBe(burst.len)
    expect(burst.descriptors).toBeGreaterThan(0)
    expect(path.ring.used).toBeGreaterThanOrEqual(burst.descriptors)
    expect(path.ring).toMatchObject({ interface: 'cc0', size: 1023 })
    expect(path.wire.media).toBe('100GBase-CR4')
    expect(path.connectionCount).toBe(4)
    expect(path.connection!.label).toMatch(/^192\.0\.2\.2\.\d+$/)
  })

  it('a connection over IPv6 – the same stations, longer headers; -txcsum6 shows as a software checksum and converts', () => {
    for (const txcsum6 of [true, false]) {
      const { path } = pictured({ family: 'inet6', capabilities: { txcsum6 } })
      const burst = path.burst!
      expect(path.connection!.label).toMatch(/^2001:db8::2\.\d+$/)
      expect(burst.tcp[0].len).toBeGreaterThanOrEqual(72)
      expect(payload(burst.ip.chain)).toBe(burst.len)
      expect(burst.ip).toMatchObject({ checksumByCard: txcsum6, takesUnmapped: true })
      expect(burst.ip.converted > 0).toBe(!txcsum6)
    }
  })

  it('sendfile with unmapped mbufs – socket buffer and pages – cover the queued bytes without gap or overlap', () => {
    const { path } = pictured({})
    let at = 0
    for (const m of path.socketBuffer) {
      expect(m.off).toBe(at)
      at += m.len
    }
    expect(at).toBe(path.length)
    const unmapped = path.socketBuffer.filter((m) => m.kind === 'extpgs')
    expect(unmapped.length).toBeGreaterThan(0)
    expect(path.pages.reduce((sum, page) => sum + page.len, 0)).toBe(payload(unmapped))
    expect(path.pages.some((page) => page.adjacent)).toBe(true)
    expect(path.release.next).toBeGreaterThan(0)
    expect(path.release.wiredPages).toBeGreaterThan(0)
    expect(path.layers.file.socket).toBe(path.pages.length)
  })

  it('-nomap – the chain behind ip_output – is taken apart: one sf_buf mbuf a page, counted as converted', () => {
    const { path } = pictured({ nomap: false })
    const burst = path.burst!
    expect(burst.ip.takesUnmapped).toBe(false)
    expect(burst.ip.converted).toBeGreaterThan(0)
    expect(burst.tcp.some((m) => m.kind === 'extpgs')).toBe(true)
    expect(burst.ip.chain.some((m) => m.kind === 'extpgs')).toBe(false)
    expect(burst.ip.chain.filter((m) => m.kind === 'sfbuf').length).toBeGreaterThan(burst.len / 4096)
    expect(payload(burst.ip.chain)).toBe(burst.len)
    expect(path.verdict.convertedPerByte).toBeGreaterThan(0.9)
    expect(path.layers.ip.host).toBeGreaterThan(0)
  })

  it('mb_use_ext_pgs=0 – one sf_buf mbuf a page in the socket buffer, nothing converted', () => {
    const { path } = pictured({ extPgs: false })
    expect(path.socketBuffer.filter((m) => m.kind === 'sfbuf').length).toBeGreaterThan(path.length / 4096 - 2)
    expect(path.burst!.ip.converted).toBe(0)
    expect(path.verdict.convertedPerByte).toBe(0)
  })

  it('cost model on – shares of the layers – are positive and together not more than what the CPUs did', () => {
    const { path } = pictured({ cost: true })
    const shares = Object.values(path.layers).map((layer) => layer.cpu ?? 0)
    expect(shares.reduce((a, b) => a + b, 0)).toBeGreaterThan(0)
    expect(shares.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(path.verdict.cpu * 1.01)
    expect(path.layers.wire.cpu).toBeNull()
  })

  it('an idle host – read – shows no connection and no burst', () => {
    const machine = testMachine({ workload: { startNs: -1 } })
    const path = new SendPathReader(machine).read(null)
    expect(path).toMatchObject({ connection: null, burst: null, length: 0, connectionCount: 0 })
  })

  it('reading – changes nothing: the digest is that of a machine nobody looked at', () => {
    const looked = testMachine()
    const reader = new SendPathReader(looked)
    const alone = testMachine()
    for (let t = 1e6; t <= 12e6; t += 1e6) {
      looked.runUntil(t)
      reader.read(t > 6e6 ? 2 : null)
      alone.runUntil(t)
    }
    expect(looked.digest()).toBe(alone.digest())
  })
})

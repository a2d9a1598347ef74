/** read(2) through the page cache, with a disk that fails. */
import { describe, expect, it } from 'vitest'
import { startLoad } from '../apps/apps'
import { PROGRAM_TEST } from '../apps/program'
import { EAGAIN, EIO } from '../sys/errno'
import { baseLine, createNet, drain, runUntil, scratchBuffer, type Net } from '../testkit/netRig'
import { vm_object_of_file } from '../vm/vm_object'
import { SLEPT } from './kern_sendfile'
import { userAddress } from './subr_uio'
import { setReadReturn, vn_read, vn_truncate } from './vfs_vnops'

const results: [number, number][] = []
setReadReturn(PROGRAM_TEST, (_k, udata, error) => {
  results.push([udata, error])
})
const FILE = vm_object_of_file(0)
const rig = (): Net => {
  results.length = 0
  return createNet({ files: [4096 * 40], warm: false })
}
const read = (net: Net, off: number, len: number, udata: number): number =>
  vn_read(net.a, FILE, off, len, scratchBuffer(net.a), 0, PROGRAM_TEST, udata)
const got = (net: Net, len: number): Uint8Array => {
  const at = userAddress(net.a, scratchBuffer(net.a), 0)
  return net.a.phys.ram.subarray(at, at + len)
}

describe('read(2) of a file', () => {
  it('pages not in memory – sleeps, then has the bytes; in memory – at once; the vnode is held meanwhile', () => {
    const net = rig()
    expect(read(net, 100, 9000, 1)).toBe(SLEPT)
    expect(vn_truncate(net.a, FILE, 0)).toBe(EAGAIN)
    runUntil(net, () => results.length > 0, 'the read')
    expect(results).toEqual([[1, 0]])
    expect(Buffer.compare(got(net, 9000), net.file(0).subarray(100, 9100))).toBe(0)
    expect(net.a.disk.state.reads).toBe(1)
    expect(read(net, 200, 5000, 2)).toBe(0)
    expect(Buffer.compare(got(net, 5000), net.file(0).subarray(200, 5200))).toBe(0)
    expect(vn_truncate(net.a, FILE, 0)).toBe(0)
  })

  it('the disk fails its request – EIO, not another attempt; the next call reads anew', () => {
    const net = rig()
    net.a.disk.state.failAt = 1
    expect(read(net, 0, 4096, 1)).toBe(SLEPT)
    runUntil(net, () => results.length > 0, 'the read')
    expect(results).toEqual([[1, EIO]])
    expect(net.a.disk.state.reads).toBe(1)
    expect(read(net, 0, 4096, 2)).toBe(SLEPT)
    runUntil(net, () => results.length > 1, 'the second read')
    expect(results[1]).toEqual([2, 0])
    expect(Buffer.compare(got(net, 4096), net.file(0).subarray(0, 4096))).toBe(0)
    expect([net.a.reads.live, net.a.td.live]).toEqual([0, 0])
  })

  it("somebody else's request fails – who waited for its page asks the disk himself", () => {
    const net = rig()
    net.a.disk.state.failAt = 1
    expect([read(net, 0, 4096, 1), read(net, 0, 4096, 2)]).toEqual([SLEPT, SLEPT])
    runUntil(net, () => results.length > 1, 'both reads')
    expect(results).toEqual([
      [1, EIO],
      [2, 0],
    ])
    expect(net.a.disk.state.reads).toBe(2)
  })

  it('a web server that reads and writes, on a disk that fails now and then – drops those answers, every byte sent is right', () => {
    const net = createNet({
      files: [30_000, 9000, 70_000],
      warm: false,
      disk: { diskErrors: 0.2 },
      workload: { connections: 4, method: 'write', requestsPerConnection: 2 },
      seed: 3,
    })
    const before = net.machine.kernels.map(baseLine)
    startLoad(net.machine)
    runUntil(net, () => net.b.apps.client.stat.bytes_verified > 400_000, 'answers')
    expect(net.a.disk.state.errors).toBeGreaterThan(0)
    expect(net.a.apps.httpd.stat.errors).toBe(net.a.disk.state.errors)
    expect(net.b.apps.client.stat.bytes_corrupt).toBe(0)
    expect(drain(net)).toBe(true)
    expect(net.machine.kernels.map(baseLine)).toEqual(before)
  })
})

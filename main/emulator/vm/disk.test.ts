/** The disk: overlap of accesses, one transfer at a time, queue depth, errors and short reads by seed; and sendfile on top of it. */
import { describe, expect, it } from 'vitest'
import { drainLoad } from '../apps/apps'
import { leakCheck, memoryUse } from '../inspect/memoryUse'
import { createNet, type Net, type NetOptions } from '../testkit/netRig'
import { SF_NOCACHE } from '../sys/socket'
import { VM_ALLOC_NORMAL, VM_PAGE_BITS_ALL } from './vm_page'
import { vm_object_of_file, vm_page_alloc, vm_page_lookup } from './vm_object'
import { vm_pager_get_pages_async } from './vnode_pager'

const LATENCY = 1e6
/** One page in 100 us. */
const RATE = 40_960_000

function rig(options: NetOptions = {}): Net {
  return createNet({
    files: [40_960, 40_960, 40_960],
    warm: false,
    diskLatencyNs: LATENCY,
    diskBytesPerSecond: RATE,
    ...options,
  })
}

/** Asks for one page; answers how to tell whether it is there. */
function read(net: Net, pindex: number, count = 1): () => boolean {
  const object = vm_object_of_file(0)
  for (let i = 0; i < count; i++) vm_page_alloc(net.a, object, pindex + i, VM_ALLOC_NORMAL)
  vm_pager_get_pages_async(net.a, object, pindex, count, 0, 0, 0, 0)
  return () => net.a.page.valid[vm_page_lookup(net.a, object, pindex)] === VM_PAGE_BITS_ALL
}

/** Times at which each becomes true, in units of 100 us. */
function times(net: Net, done: (() => boolean)[]): number[] {
  const at = done.map(() => -1)
  while (at.includes(-1)) {
    net.machine.step()
    done.forEach((there, i) => {
      if (at[i] < 0 && there()) at[i] = Math.round(net.machine.time / 1e5)
    })
  }
  return at
}

describe('requests to the disk (access 1 ms, transfer 100 us a page)', () => {
  it('three at once, room for all – accesses overlap, transfers follow each other', () => {
    const net = rig()
    expect(times(net, [read(net, 0), read(net, 1), read(net, 2)])).toEqual([11, 12, 13])
    expect(net.a.disk.queue!.n).toMatchObject({ active: 0, peakActive: 3, waits: 0 })
  })

  it('three at once, one at a time – each waits for the one before', () => {
    const net = rig({ disk: { diskQueueDepth: 1 } })
    expect(times(net, [read(net, 0), read(net, 1), read(net, 2)])).toEqual([11, 22, 33])
    expect(net.a.disk.queue!.n).toMatchObject({ active: 0, peakActive: 1, waits: 2, head: 0, tail: 0 })
    expect(net.a.disk.queue!.waiting.live).toBe(0)
  })

  it('every read short – costs a second access, and brings everything all the same', () => {
    const net = rig({ disk: { diskShortReads: 1 } })
    expect(times(net, [read(net, 0, 4)])).toEqual([10 + 10 + 4])
    expect(net.a.disk.queue!.n.shortReads).toBe(1)
    // A single page comes whole or not at all.
    const second = read(net, 6)
    const before = net.machine.time
    while (!second()) net.machine.step()
    expect(net.machine.time - before).toBe(1.1e6)
  })

  it('every read failing – pages stay invalid, what was read ahead is freed, the kernel says so', () => {
    const net = rig({ disk: { diskErrors: 1 } })
    const object = vm_object_of_file(0)
    vm_page_alloc(net.a, object, 0, VM_ALLOC_NORMAL)
    vm_pager_get_pages_async(net.a, object, 0, 1, 3, 0, 0, 0)
    expect(vm_page_lookup(net.a, object, 3)).not.toBe(0)
    net.machine.runUntil(1e7)
    expect(net.a.page.valid[vm_page_lookup(net.a, object, 0)]).toBe(0)
    expect([1, 2, 3].map((i) => vm_page_lookup(net.a, object, i))).toEqual([0, 0, 0])
    expect(net.a.disk.state.errors).toBe(1)
    expect(net.a.msgbuf.lines.at(-1)).toBe('vnode_pager_generic_getpages_done: I/O read error 5')
  })

  it('a warm host – has no queue in its state, one that drops its pages has', () => {
    expect(rig({ warm: true }).a.disk.queue).toBeNull()
    expect(rig({ warm: true, workload: { sendfileFlags: SF_NOCACHE } }).a.disk.queue).not.toBeNull()
  })
})

describe('web traffic from a cold, slow and faulty disk', () => {
  for (const ext of ['1', '0'])
    it(`mb_use_ext_pgs ${ext}, errors and short reads by seed, pages not kept – right bytes only, failed connections come back, netstat -m adds up`, () => {
      const net = createNet({
        files: [100, 150, 224, 225, 9000, 40_000, 131_072],
        warm: false,
        wire: 't6',
        diskLatencyNs: 200_000,
        diskBytesPerSecond: 100e6,
        disk: { diskQueueDepth: 2, diskErrors: 0.02, diskShortReads: 0.1 },
        sysctls: { 'kern.ipc.mb_use_ext_pgs': ext },
        workload: { connections: 12, startNs: 0, sendfileFlags: SF_NOCACHE, pipeline: 4 },
      })
      const base = net.machine.kernels.map(memoryUse)
      net.machine.runUntil(0.5e9)
      const { stat } = net.b.apps.client
      expect(stat.bytes_corrupt).toBe(0)
      expect(stat.badStatus).toBe(0)
      expect(stat.bytes_verified).toBeGreaterThan(2e6)
      expect(stat.errors).toBeGreaterThan(0)
      expect(net.a.disk.queue!.n.shortReads).toBeGreaterThan(0)
      expect(net.a.disk.queue!.n.peakActive).toBe(2)
      const sf = net.a.sendfile.stat
      // Every request to the disk was sendfile's, and what it fetched was asked for or read ahead.
      expect(sf.sf_iocnt).toBe(net.a.disk.state.reads)
      expect(sf.sf_pages_read + sf.sf_rhpages_read).toBe(net.a.disk.state.bytes / 4096)
      expect(sf.sf_noiocnt).toBeLessThan(sf.sf_syscalls)
      expect(net.a.mbstat.notready_pages).toBeGreaterThan(300)
      if (ext === '1') {
        expect(net.a.mbstat.notready_mbufs).toBeLessThan(net.a.mbstat.notready_pages)
        expect(net.a.mbstat.ready_compressed).toBeGreaterThan(20)
        expect(net.a.mbstat.ready_merged).toBeGreaterThan(0)
      } else expect(net.a.mbstat.notready_mbufs).toBe(net.a.mbstat.notready_pages)
      expect(drainLoad(net.machine)).toBe(true)
      expect(net.machine.kernels.map((k, i) => leakCheck(k, base[i]))).toEqual([{}, {}])
    })

  it('a snapshot while requests wait in line – continues to the same digest on another machine', () => {
    const options: NetOptions = {
      files: [9000, 40_000, 131_072, 30_000, 50_000, 70_000, 90_000, 8000],
      warm: false,
      wire: 't6',
      diskLatencyNs: 2e6,
      disk: { diskQueueDepth: 1, diskErrors: 0.05, diskShortReads: 0.2 },
      workload: { connections: 8, startNs: 0, pipeline: 2 },
    }
    const [one, other] = [createNet(options), createNet(options)]
    one.machine.runUntil(4e6)
    expect(one.a.disk.queue!.waiting.live).toBeGreaterThan(0)
    other.machine.restore(one.machine.snapshot())
    const end = one.machine.time + 10e6
    one.machine.runUntil(end)
    other.machine.runUntil(end)
    expect(other.machine.digest()).toBe(one.machine.digest())
  })
})

/** sendfile(2) by descriptors: kernel-mbuf-sendfile 6.1 (errors of the wrapper and of the checks), 10.1 (the upstream suite), 6.3 step 3 (shared memory). */
import { describe, expect, it } from 'vitest'
import { PROGRAM_TEST } from '../apps/program'
import { EAGAIN, EBADF, EFAULT, EINVAL, ENOTCONN, ENOTSOCK, EPIPE } from '../sys/errno'
import { SF_NOCACHE, SF_NODISKIO, SF_USER_READAHEAD, SHUT_WR, SOCK_STREAM, SS_NBIO } from '../sys/socket'
import {
  baseLine,
  connectPair,
  createNet,
  createSink,
  listenOn,
  type Net,
  readInto,
  runUntil,
  scratchBuffer,
  testBytes,
} from '../testkit/netRig'
import { OBJ_DEAD, vm_object_of_file } from '../vm/vm_object'
import { PQ_ACTIVE, PQ_INACTIVE } from '../vm/vm_page'
import * as fds from './kern_descrip'
import { SLEPT } from './kern_sendfile'
import { userAddress, userWriteText } from './subr_uio'
import { soshutdown } from './uipc_socket'

const results: { udata: number; error: number; sbytes: number }[] = []
fds.setSyscallReturn(PROGRAM_TEST, (_k, udata, error, sbytes) => {
  results.push({ udata, error, sbytes })
})

interface Rig extends Net {
  server: number
  client: number
  /** Descriptors of the first file and of the connection. */
  file: Net['file']
  fd: number
  s: number
}
function rig(options: Parameters<typeof createNet>[0] = {}): Rig {
  const net = createNet({ files: [5000, 4096 * 6 + 77], sysctls: { 'kern.ipc.mb_use_ext_pgs': '1' }, ...options })
  const pair = connectPair(net)
  results.length = 0
  const fd = fds.fdalloc(net.a, fds.DTYPE_VNODE, vm_object_of_file(0), fds.VREG)
  return { ...net, ...pair, fd, s: fds.fdalloc(net.a, fds.DTYPE_SOCKET, pair.server, SOCK_STREAM) }
}

const SBYTES = 40_000
/** *sbytes as the program finds it in its memory. */
function sbytesOf(net: Rig): number {
  const at = userAddress(net.a, scratchBuffer(net.a), SBYTES)
  return new DataView(net.a.phys.ram.buffer).getInt32(at, true)
}
function call(net: Rig, o: Partial<{ fd: number; s: number; offset: number; nbytes: number; flags: number }> = {}) {
  const where = { ub: scratchBuffer(net.a), uoff: SBYTES }
  const { fd = net.fd, s = net.s, offset = 0, nbytes = 0, flags = 0 } = o
  return fds.sys_sendfile(net.a, fd, s, offset, nbytes, null, where, flags, PROGRAM_TEST, 1)
}
function receive(net: Rig, length: number): Uint8Array {
  const sink = createSink(length + 100)
  runUntil(net, () => (readInto(net.b, net.client, sink), sink.length >= length), `${length} bytes`)
  // Surplus bytes must not arrive.
  net.machine.runUntil(net.machine.time + 1e6)
  readInto(net.b, net.client, sink)
  return (sink.bytes as Uint8Array).slice(0, sink.length)
}

describe('sendfile(2) by descriptors', () => {
  it('6.1 and 10.1: every error of arguments and descriptors', () => {
    const net = rig()
    const { a } = net
    const dir = fds.fdalloc(a, fds.DTYPE_VNODE, vm_object_of_file(0), fds.VDIR)
    const pipe = fds.fdalloc(a, fds.DTYPE_PIPE, 0, 0)
    const udp = fds.fdalloc(a, fds.DTYPE_SOCKET, 0, fds.SOCK_DGRAM)
    const closed = fds.fdalloc(a, fds.DTYPE_SOCKET, net.server, SOCK_STREAM)
    const listening = fds.fdalloc(a, fds.DTYPE_SOCKET, listenOn(a, 4444), SOCK_STREAM)
    expect(fds.fdclose(a, closed)).toBe(0)
    expect(fds.fdclose(a, closed)).toBe(EBADF)
    expect(call(net, { offset: -1 })).toBe(EINVAL)
    expect(call(net, { fd: 99 })).toBe(EBADF)
    expect(call(net, { fd: -1 })).toBe(EBADF)
    for (const fd of [dir, pipe, udp, net.s]) expect(call(net, { fd })).toBe(EINVAL)
    expect(call(net, { s: closed })).toBe(EBADF)
    expect(call(net, { s: net.fd })).toBe(ENOTSOCK)
    expect(call(net, { s: pipe })).toBe(ENOTSOCK)
    expect(call(net, { s: udp })).toBe(EINVAL)
    expect(call(net, { s: listening })).toBe(ENOTCONN)
    a.object.flags[vm_object_of_file(0)] |= OBJ_DEAD
    expect(call(net)).toBe(EBADF)
    a.object.flags[vm_object_of_file(0)] &= ~OBJ_DEAD
    soshutdown(a, net.server, SHUT_WR)
    expect(call(net)).toBe(EPIPE)
    expect([sbytesOf(net), a.fd.call.live, a.sendfile.call.live]).toEqual([0, 0, 0])
    // Only calls that got as far as vn_sendfile count.
    expect(a.sendfile.stat.sf_syscalls).toBe(1)
  })

  it('6.1: hdtr, its iovecs, or what they point to not mapped – EFAULT, nothing sent; sbytes not mapped – not noticed (bug 232210)', () => {
    const net = rig()
    const ub = scratchBuffer(net.a)
    const bad = fds.BAD_ADDRESS
    const good = { ub, uoff: 0, len: 5 }
    for (const hdtr of [
      bad,
      { headers: bad, trailers: null },
      { headers: good, trailers: bad },
      { headers: { ub: bad, uoff: 0, len: 3 }, trailers: null },
      { headers: null, trailers: { ub, uoff: 65_530, len: 10 } },
    ] as const)
      expect(fds.sys_sendfile(net.a, net.fd, net.s, 0, 0, hdtr, null, 0, PROGRAM_TEST, 1)).toBe(EFAULT)
    userWriteText(net.a, ub, 0, 'head!tail.')
    const hdtr = { headers: good, trailers: { ub, uoff: 5, len: 5 } }
    expect(fds.sys_sendfile(net.a, net.fd, net.s, 0, 0, hdtr, { ub: bad, uoff: 0 }, 0, PROGRAM_TEST, 1)).toBe(0)
    const got = receive(net, 5010)
    expect(got).toHaveLength(5010)
    expect(String.fromCharCode(...got.subarray(0, 5), ...got.subarray(5005))).toBe('head!tail.')
  })

  it.each([
    { offset: 0, nbytes: 0 },
    { offset: 1234, nbytes: 0 },
    { offset: 0, nbytes: 2000 },
    { offset: 1234, nbytes: 2000, flags: SF_NOCACHE },
    { offset: 0, nbytes: 0, flags: SF_USER_READAHEAD | (10 << 16) },
    { offset: 0, nbytes: 0, flags: SF_NODISKIO },
    { offset: 4900, nbytes: 1_000_000 },
  ])('10.1: offset $offset, count $nbytes, flags $flags – the slice, no byte more, and *sbytes', (o) => {
    const net = rig()
    const want = net.file(0).subarray(o.offset, o.nbytes === 0 ? undefined : o.offset + o.nbytes)
    expect(call(net, o)).toBe(0)
    expect(sbytesOf(net)).toBe(want.length)
    expect(receive(net, want.length)).toEqual(want.slice())
  })

  it('a call that sleeps – *sbytes is written when it returns', () => {
    const net = rig({ files: [200_000] })
    expect(call(net)).toBe(SLEPT)
    receive(net, 200_000)
    expect(results).toEqual([{ udata: 1, error: 0, sbytes: 200_000 }])
    expect([sbytesOf(net), net.a.fd.call.live]).toEqual([200_000, 0])
  })

  it('10.2 row 28 with a descriptor: non-blocking – EAGAIN and *sbytes of what went', () => {
    const net = rig({ files: [200_000] })
    net.a.so.so_state[net.server] |= SS_NBIO
    expect(call(net)).toBe(EAGAIN)
    expect(sbytesOf(net)).toBe(32_768)
  })
})

describe('POSIX shared memory as a source (6.1, 6.3 step 3, 10.1)', () => {
  it.each(['1', '0'])(
    'mb_use_ext_pgs %s – written pages and pages nobody wrote to, no disk, pages stay; twice the same bytes',
    (ext) => {
      const net = rig({ sysctls: { 'kern.ipc.mb_use_ext_pgs': ext } })
      const { a } = net
      const LENGTH = 4096 * 5 + 100
      const object = fds.shm_alloc(a, LENGTH)
      const bytes = testBytes(6000, 4)
      fds.shm_write(a, object, 3000, bytes)
      const want = new Uint8Array(LENGTH)
      want.set(bytes, 3000)
      const before = baseLine(a)
      const shm = fds.fdalloc(a, fds.DTYPE_SHM, object, 0)
      for (const flags of [0, SF_NOCACHE]) {
        expect(call(net, { fd: shm, flags })).toBe(0)
        expect(Buffer.compare(receive(net, LENGTH), want)).toBe(0)
        net.machine.runUntil(net.machine.time + 1e9)
        expect(baseLine(a)).toEqual(before)
      }
      const { stat } = a.sendfile
      expect([a.disk.state.reads, stat.sf_iocnt, stat.sf_pages_read, stat.sf_noiocnt]).toEqual([0, 0, 0, 2])
      // Three pages were written; the three fresh ones were made by the first call and are not counted as valid. NOCACHE frees them: they are clean.
      expect(stat.sf_pages_valid).toBe(3 + 6)
      expect(a.page.vm.queued(PQ_INACTIVE) + a.page.vm.queued(PQ_ACTIVE)).toBeGreaterThan(0)
    },
  )
})

/** sendfile(2) against the rows of reference kernel-mbuf-sendfile 10.2, the examples of 6.2 and 6.4, and the error table of 6.1. */
import { describe, expect, it } from 'vitest'
import { PROGRAM_TEST } from '../apps/program'
import { ECONNRESET, EBUSY, EAGAIN, EINTR, EINVAL, EIO, ENOBUFS, ENOTCONN, EPIPE } from '../sys/errno'
import { EXT_PGS, EXT_SFBUF, M_BLOCKED, M_EXT, M_NOMAP, M_NOTREADY, MBUF_PEXT_MAX_PGS } from '../sys/mbuf'
import { SB_WAIT } from '../sys/sockbuf'
import { SF_NOCACHE, SF_NODISKIO, SF_SYNC, SHUT_WR, SO_LINGER, SO_SNDBUF, SO_SNDLOWAT, SS_NBIO } from '../sys/socket'
import {
  baseLine,
  connectPair,
  createNet,
  createSink,
  listenOn,
  type Net,
  type NetOptions,
  ok,
  readInto,
  runUntil,
  scratchBuffer,
  writeBytes,
} from '../testkit/netRig'
import { vm_object_of_file, vm_page_lookup } from '../vm/vm_object'
import { vm_page_tryxbusy } from '../vm/vm_page'
import { unbusyPage } from '../vm/vnode_pager'
import {
  sendfile,
  sendfile_sbytes,
  sendfile_signal,
  sendfile_sleeping,
  setSendfileReturn,
  SLEPT,
} from './kern_sendfile'
import { userWriteText } from './subr_uio'
import { soclose, soshutdown, sosetopt } from './uipc_socket'
import { vn_truncate } from './vfs_vnops'

const MIB = 1024 * 1024
const results: { udata: number; error: number; sbytes: number }[] = []
setSendfileReturn(PROGRAM_TEST, (_k, udata, error, sbytes) => {
  results.push({ udata, error, sbytes })
})

interface Rig extends Net {
  server: number
  client: number
  listen: number
  /** Nothing that host 0 sends arrives while this is true. */
  mute: { on: boolean }
}

/** A connection whose server side can be muted, so that what is queued stays queued. */
function rig(options: NetOptions & { ext?: boolean; sndbuf?: number } = {}): Rig {
  const mute = { on: false }
  const net = createNet({
    ...options,
    sysctls: { 'kern.ipc.mb_use_ext_pgs': options.ext === false ? '0' : '1', ...options.sysctls },
    wire: options.wire === 't6' ? 't6' : { filter: (_frame, from) => !(mute.on && from === 0), ...options.wire },
  })
  const pair = connectPair(net)
  if (options.sndbuf !== undefined) ok(sosetopt(net.a, pair.server, SO_SNDBUF, options.sndbuf), 'SO_SNDBUF')
  results.length = 0
  return { ...net, ...pair, mute }
}

interface SendOptions {
  file?: number
  offset?: number
  nbytes?: number
  header?: string
  trailer?: string
  flags?: number
  udata?: number
}
function send(net: Rig, so: number, o: SendOptions = {}): { error: number; sbytes: number } {
  const ub = scratchBuffer(net.a)
  const header = o.header ?? ''
  const trailer = o.trailer ?? ''
  userWriteText(net.a, ub, 0, header)
  userWriteText(net.a, ub, 30_000, trailer)
  const error = sendfile(
    net.a,
    so,
    {
      object: vm_object_of_file(o.file ?? 0),
      offset: o.offset ?? 0,
      nbytes: o.nbytes ?? 0,
      hdrUb: ub,
      hdrOff: 0,
      hdrLen: header.length,
      trlUb: ub,
      trlOff: 30_000,
      trlLen: trailer.length,
      flags: o.flags ?? 0,
    },
    PROGRAM_TEST,
    o.udata ?? 0,
  )
  return { error, sbytes: sendfile_sbytes }
}

function nonBlocking(net: Rig): void {
  net.a.so.so_state[net.server] |= SS_NBIO
}

/** The send buffer's counters. */
function buffer(net: Rig): { ccc: number; acc: number; mbcnt: number; mcnt: number; ccnt: number } {
  const b = net.a.sb
  const sb = net.a.so.so_snd[net.server]
  return {
    ccc: b.sb_ccc[sb],
    acc: b.sb_acc[sb],
    mbcnt: b.sb_mbcnt[sb],
    mcnt: b.sb_mcnt[sb],
    ccnt: b.sb_ccnt[sb],
  }
}

/** The mbufs of the send buffer. */
function chain(net: Rig) {
  const { mb, pgs } = net.a
  const out: {
    ext: number
    len: number
    npgs: number
    off: number
    last: number
    notready: boolean
    blocked: boolean
  }[] = []
  for (let m = net.a.sb.sb_mb[net.a.so.so_snd[net.server]]; m !== 0; m = mb.m_next[m]) {
    const ext = (mb.m_flags[m] & M_EXT) !== 0 ? mb.ext_type[m] : 0
    const p = ext === EXT_PGS ? mb.ext_buf[m] : 0
    out.push({
      ext,
      len: mb.m_len[m],
      npgs: ext === EXT_PGS ? pgs.npgs[p] : 0,
      off: ext === EXT_PGS ? pgs.first_pg_off[p] : mb.m_data[m],
      last: ext === EXT_PGS ? pgs.last_pg_len[p] : 0,
      notready: (mb.m_flags[m] & M_NOTREADY) !== 0,
      blocked: (mb.m_flags[m] & M_BLOCKED) !== 0,
    })
  }
  return out
}

/** Reads everything the client gets until `length` bytes are there. */
function receive(net: Rig, length: number): Uint8Array {
  const sink = createSink(length + 100)
  runUntil(
    net,
    () => {
      readInto(net.b, net.client, sink)
      return sink.length >= length || sink.error !== 0 || sink.eof
    },
    `${length} bytes at the client`,
  )
  return (sink.bytes as Uint8Array).slice(0, sink.length)
}

/** Lets delayed acknowledgements (100 ms) come in. */
function settle(net: Rig): void {
  net.machine.runUntil(net.machine.time + 300e6)
}

function text(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes)
}

describe('sendfile(2): shape of the socket buffer (10.2 rows 2 to 7, 6.4)', () => {
  it('row 2: off, 1 MiB cached file, large buffer – 256 mbufs EXT_SFBUF, mbcnt 1 114 112, mcnt 256', () => {
    const net = rig({ files: [MIB], ext: false, sndbuf: 1_800_000 })
    net.mute.on = true
    expect(send(net, net.server)).toEqual({ error: 0, sbytes: MIB })
    expect(buffer(net)).toEqual({ ccc: MIB, acc: MIB, mbcnt: 1_114_112, mcnt: 256, ccnt: 256 })
    expect(new Set(chain(net).map((m) => m.ext))).toEqual(new Set([EXT_SFBUF]))
    expect(net.a.uma.zone_extpgs.used).toBe(0)
  })

  it('row 3: on, the same – 14 EXT_PGS (13 × 19 + 9 pages), mbcnt 1 052 160, mcnt 14, 14 items in mbuf_extpgs', () => {
    const net = rig({ files: [MIB], sndbuf: 1_800_000 })
    net.mute.on = true
    expect(send(net, net.server)).toEqual({ error: 0, sbytes: MIB })
    expect(buffer(net)).toEqual({ ccc: MIB, acc: MIB, mbcnt: 1_052_160, mcnt: 14, ccnt: 14 })
    expect(chain(net).map((m) => m.npgs)).toEqual([...new Array<number>(13).fill(MBUF_PEXT_MAX_PGS), 9])
    expect(net.a.uma.zone_extpgs.used).toBe(14)
    // Each page is wired once however it is referenced.
    expect(net.a.page.vm.wired).toBe(256)
  })

  it('row 4: on, sendspace 32 768, nothing grown – one EXT_PGS of 8 pages an iteration, then EAGAIN with 32 768 bytes', () => {
    const net = rig({ files: [MIB] })
    net.mute.on = true
    nonBlocking(net)
    expect(send(net, net.server)).toEqual({ error: EAGAIN, sbytes: 32_768 })
    expect(chain(net).map((m) => m.npgs)).toEqual([8])
    expect(buffer(net).mbcnt).toBe(33_024)
  })

  it('6.2: offset 100 on 32 768 bytes of room – 32 668 bytes in 8 pages that end on a border; with a 300-byte header 28 672 bytes, 7 pages', () => {
    const net = rig({ files: [MIB], sndbuf: 32_768 })
    net.mute.on = true
    nonBlocking(net)
    expect(send(net, net.server, { offset: 100 })).toEqual({ error: EAGAIN, sbytes: 32_668 })
    expect(chain(net)[0]).toMatchObject({ npgs: 8, off: 100, last: 4096 })
    const other = rig({ files: [MIB], sndbuf: 32_768 })
    other.mute.on = true
    nonBlocking(other)
    expect(send(other, other.server, { header: 'h'.repeat(300) })).toEqual({ error: EAGAIN, sbytes: 28_972 })
    expect(chain(other).map((m) => m.npgs)).toEqual([0, 7])
  })

  it.each([
    { offset: 0, nbytes: 77_824, pages: [19], first: 0, last: 4096 },
    // The last byte is an EXT_PGS of one page when built and a plain mbuf once appended (1 ≤ 224).
    { offset: 0, nbytes: 77_825, pages: [19, 0], first: 0, last: 0 },
    { offset: 0, nbytes: 78_124, pages: [19, 1], first: 0, last: 300 },
    { offset: 100, nbytes: 4096, pages: [2], first: 100, last: 100 },
  ])(
    '6.4 and row 5: offset $offset, length $nbytes – EXT_PGS of $pages pages',
    ({ offset, nbytes, pages, first, last }) => {
      const net = rig({ files: [MIB], sndbuf: 1_000_000 })
      net.mute.on = true
      expect(send(net, net.server, { offset, nbytes })).toEqual({ error: 0, sbytes: nbytes })
      const mbufs = chain(net)
      expect(mbufs.map((m) => m.npgs)).toEqual(pages)
      expect(mbufs[0].off).toBe(first)
      expect(mbufs[mbufs.length - 1].last).toBe(last)
    },
  )

  it.each([
    { offset: 0, nbytes: 150, stays: false },
    { offset: 0, nbytes: 224, stays: false },
    { offset: 0, nbytes: 225, stays: true },
    { offset: 4000, nbytes: 200, stays: false },
  ])('rows 6 and 7: on, $nbytes bytes at $offset – stays EXT_PGS: $stays', ({ offset, nbytes, stays }) => {
    const net = rig({ files: [MIB] })
    net.mute.on = true
    const before = net.a.page.vm.wired
    expect(send(net, net.server, { offset, nbytes })).toEqual({ error: 0, sbytes: nbytes })
    const mbufs = chain(net)
    expect(mbufs).toHaveLength(1)
    expect(mbufs[0].ext).toBe(stays ? EXT_PGS : 0)
    expect(net.a.uma.zone_extpgs.used).toBe(stays ? 1 : 0)
    // The plain mbuf holds a copy: the pages are released at once.
    expect(net.a.page.vm.wired - before).toBe(stays ? 1 : 0)
    net.mute.on = false
    expect(receive(net, nbytes)).toEqual(net.file(0).slice(offset, offset + nbytes))
  })

  it('row 30: mb_use_ext_pgs toggled on a living connection – old data keeps its form, new data has the other', () => {
    const net = rig({ files: [65_536], sndbuf: 1_000_000 })
    net.mute.on = true
    send(net, net.server)
    net.a.sysctl.write('kern.ipc.mb_use_ext_pgs', 0)
    send(net, net.server)
    expect(chain(net).map((m) => m.ext)).toEqual([EXT_PGS, ...new Array<number>(16).fill(EXT_SFBUF)])
    net.mute.on = false
    const both = receive(net, 131_072)
    expect(both.slice(0, 65_536)).toEqual(net.file(0))
    expect(both.slice(65_536)).toEqual(net.file(0))
  })

  it('2.3: mb_use_ext_pgs switched off while a call sleeps – that call goes on as it began', () => {
    const net = rig({ files: [MIB] })
    expect(send(net, net.server, { udata: 5 }).error).toBe(SLEPT)
    net.a.sysctl.write('kern.ipc.mb_use_ext_pgs', 0)
    const kinds = new Set<number>()
    const sink = createSink(MIB)
    runUntil(
      net,
      () => {
        for (const m of chain(net)) kinds.add(m.ext)
        readInto(net.b, net.client, sink)
        return sink.length === MIB
      },
      'the file at the client',
    )
    expect(Buffer.compare(sink.bytes as Uint8Array, net.file(0))).toBe(0)
    expect(results).toEqual([{ udata: 5, error: 0, sbytes: MIB }])
    expect([...kinds]).toEqual([EXT_PGS])
  })
})

describe('sendfile(2): cold files (10.2 rows 8 to 11, 23, 24; 6.3, 6.5)', () => {
  const cold = { warm: false, diskLatencyNs: 1_000_000 }

  it('row 8: all pages NOTREADY, acc stays 0 until the disk is done, then grows by the whole iteration', () => {
    const net = rig({ ...cold, files: [100_000], sndbuf: 1_000_000 })
    expect(send(net, net.server)).toEqual({ error: 0, sbytes: 100_000 })
    expect(buffer(net)).toMatchObject({ ccc: 100_000, acc: 0 })
    expect(chain(net).map((m) => m.notready)).toEqual([true, true])
    runUntil(net, () => buffer(net).acc > 0 || buffer(net).ccc < 100_000, 'the data to become ready')
    expect(buffer(net).ccc).toBe(100_000)
    expect(buffer(net).acc).toBe(100_000)
    expect(receive(net, 100_000)).toEqual(net.file(0))
    expect(net.a.sendfile.stat).toMatchObject({ sf_iocnt: 1, sf_pages_read: 25, sf_noiocnt: 0 })
    // The second time everything is in memory.
    send(net, net.server)
    expect(receive(net, 100_000)).toEqual(net.file(0))
    expect(net.a.sendfile.stat).toMatchObject({ sf_iocnt: 1, sf_noiocnt: 1, sf_pages_valid: 25 })
  })

  it('row 8, mapped form: one not-ready mbuf a page', () => {
    const net = rig({ ...cold, files: [20_000], ext: false })
    send(net, net.server)
    expect(chain(net).map((m) => m.notready)).toEqual([true, true, true, true, true])
    expect(receive(net, 20_000)).toEqual(net.file(0))
  })

  it('row 9: a second request behind a slow first – BLOCKED, acc unchanged; both appear when the first is done', () => {
    const net = rig({ ...cold, files: [8192, 4096], sndbuf: 1_000_000 })
    // File 1 is read into memory by another connection first.
    const other = connectPair(net, 9999)
    send(net, other.server, { file: 1 })
    net.machine.runUntil(net.machine.time + 50e6)
    send(net, net.server, { file: 0 })
    send(net, net.server, { file: 1 })
    expect(chain(net)).toMatchObject([
      { notready: true, blocked: false, len: 8192 },
      { notready: false, blocked: true, len: 4096 },
    ])
    expect(buffer(net)).toMatchObject({ acc: 0, ccc: 12_288 })
    runUntil(net, () => buffer(net).acc > 0, 'the first to be read')
    expect(buffer(net).acc).toBe(12_288)
    const got = receive(net, 12_288)
    expect(got.slice(0, 8192)).toEqual(net.file(0))
    expect(got.slice(8192)).toEqual(net.file(1))
  })

  it('row 10: 300-byte cold sends back to back – each stays an EXT_PGS of 4352 bytes of accounting, never merged', () => {
    const net = rig({ ...cold, files: [300, 300, 300, 300] })
    net.mute.on = true
    for (let file = 0; file < 4; file++) send(net, net.server, { file })
    runUntil(net, () => buffer(net).acc === 1200, 'all to be read')
    expect(chain(net).map((m) => m.ext)).toEqual([EXT_PGS, EXT_PGS, EXT_PGS, EXT_PGS])
    expect(buffer(net)).toMatchObject({ mcnt: 4, mbcnt: 4 * 4352 })
  })

  it.each([
    { order: 'in order', latencies: [1e6, 2e6, 3e6], lens: [100, 100, 100], mbcnt: 768 },
    { order: 'in reverse', latencies: [3e6, 2e6, 1e6], lens: [200, 100], mbcnt: 512 },
  ])('row 11: three 100-byte cold sends completing $order – plain mbufs of $lens', ({ latencies, lens, mbcnt }) => {
    const net = rig({ ...cold, files: [100, 100, 100] })
    net.mute.on = true
    latencies.forEach((latency, file) => {
      net.machine.config.files.diskLatencyNs = latency
      send(net, net.server, { file })
    })
    runUntil(net, () => buffer(net).acc === 300, 'all to be read')
    expect(chain(net).map((m) => m.len)).toEqual(lens)
    expect(buffer(net)).toMatchObject({ ccnt: 0, mcnt: lens.length, mbcnt })
    expect(net.a.uma.zone_extpgs.used).toBe(0)
  })

  it('row 23: the disk fails – so_error EIO, the connection is aborted, pages and mbuf_extpgs are back', () => {
    const net = rig({ ...cold, files: [100_000], sndbuf: 1_000_000 })
    const { extpgs, wired } = baseLine(net.a)
    net.a.disk.state.failAt = 1
    expect(send(net, net.server).error).toBe(0)
    expect(net.a.uma.zone_extpgs.used).toBe(2)
    net.machine.runUntil(net.machine.time + 10e6)
    expect(net.a.so.so_error[net.server]).toBe(EIO)
    expect(baseLine(net.a)).toMatchObject({ extpgs, wired, ios: 0 })
    const sink = createSink(10)
    readInto(net.b, net.client, sink)
    expect(sink.error).toBe(ECONNRESET)
    soclose(net.a, net.server)
  })

  it('row 24: the peer resets while I/O is pending – the ready path frees the mbufs, nothing leaks', () => {
    const net = rig({ ...cold, files: [100_000], sndbuf: 1_000_000 })
    const { extpgs, wired, mbufs } = baseLine(net.a)
    send(net, net.server, { header: 'HEAD' })
    sosetopt(net.b, net.client, SO_LINGER, 0)
    soclose(net.b, net.client)
    runUntil(net, () => net.a.so.so_error[net.server] !== 0, 'the reset')
    expect(net.a.so.so_error[net.server]).toBe(ECONNRESET)
    expect(net.a.disk.state.queued).toBe(1)
    net.machine.runUntil(net.machine.time + 10e6)
    expect(baseLine(net.a)).toMatchObject({ extpgs, wired, mbufs, ios: 0 })
    soclose(net.a, net.server)
  })

  it('the owner closes while I/O is pending – the data still goes out, then FIN', () => {
    const net = rig({ ...cold, files: [50_000], sndbuf: 1_000_000 })
    send(net, net.server)
    soclose(net.a, net.server)
    const sink = createSink(60_000)
    runUntil(
      net,
      () => {
        readInto(net.b, net.client, sink)
        return sink.eof || sink.error !== 0
      },
      'the end of the stream',
    )
    expect(sink.error).toBe(0)
    expect((sink.bytes as Uint8Array).slice(0, sink.length)).toEqual(net.file(0))
    settle(net)
    expect(net.a.page.vm.wired).toBe(0)
  })

  it('two calls for the same cold pages – the second sleeps on the busy page and both are right', () => {
    const net = rig({ ...cold, files: [40_000], sndbuf: 1_000_000 })
    const other = connectPair(net, 9999)
    expect(send(net, net.server).error).toBe(0)
    expect(send(net, other.server, { udata: 2 }).error).toBe(SLEPT)
    expect(net.a.td.live).toBe(1)
    expect(receive(net, 40_000)).toEqual(net.file(0))
    expect(results).toEqual([{ udata: 2, error: 0, sbytes: 40_000 }])
    expect(net.a.disk.state.reads).toBe(1)
    expect(net.a.td.live).toBe(0)
  })
})

describe('sendfile(2): flags and errors (10.2 rows 25 to 28; 6.1)', () => {
  it('row 25: SF_SYNC – returns only after the last mbuf was freed', () => {
    const net = rig({ files: [20_000] })
    net.mute.on = true
    expect(send(net, net.server, { flags: SF_SYNC, udata: 9 }).error).toBe(SLEPT)
    expect(buffer(net).ccc).toBe(20_000)
    net.machine.runUntil(net.machine.time + 100e6)
    expect(results).toEqual([])
    net.mute.on = false
    receive(net, 20_000)
    runUntil(net, () => results.length > 0, 'the call to return')
    expect(results).toEqual([{ udata: 9, error: 0, sbytes: 20_000 }])
    expect(buffer(net).ccc).toBe(0)
    expect(net.a.sendfile.sync.live).toBe(0)
  })

  it('row 26: SF_NOCACHE with a partial tail page and more file – the tail page stays cached, the others go', () => {
    for (const ext of [true, false]) {
      const net = rig({ files: [40_960], ext })
      send(net, net.server, { nbytes: 10_000, flags: SF_NOCACHE })
      receive(net, 10_000)
      settle(net)
      const object = vm_object_of_file(0)
      expect([0, 1, 2, 3].map((i) => vm_page_lookup(net.a, object, i) !== 0)).toEqual([false, false, false, true])
      expect(net.a.page.vm.wired).toBe(0)
    }
  })

  it('row 26, the same with the shared tail: readahead beyond it keeps the last page', () => {
    const net = rig({ files: [40_960] })
    // rhpages = rest of the request + argument: an argument makes the tail page shared.
    send(net, net.server, { nbytes: 10_000, flags: SF_NOCACHE | (2 << 16) })
    receive(net, 10_000)
    settle(net)
    expect([0, 1, 2].map((i) => vm_page_lookup(net.a, vm_object_of_file(0), i) !== 0)).toEqual([false, false, true])
  })

  it('row 27: SF_NODISKIO, second page busy – bytes of the first page, EBUSY, sf_busy + 1', () => {
    const net = rig({ files: [12_288] })
    const second = vm_page_lookup(net.a, vm_object_of_file(0), 1)
    expect(vm_page_tryxbusy(net.a, second)).toBe(true)
    expect(send(net, net.server, { flags: SF_NODISKIO })).toEqual({ error: EBUSY, sbytes: 4096 })
    expect(net.a.sendfile.stat.sf_busy).toBe(1)
    unbusyPage(net.a, second)
    expect(receive(net, 4096)).toEqual(net.file(0).slice(0, 4096))
    settle(net)
    expect(net.a.page.vm.wired).toBe(0)
  })

  it('row 27, second half: SF_NODISKIO, page merely not in memory – an ordinary read, no error', () => {
    const net = rig({ files: [12_288], warm: false })
    expect(send(net, net.server, { flags: SF_NODISKIO })).toEqual({ error: 0, sbytes: 12_288 })
    expect(receive(net, 12_288)).toEqual(net.file(0))
  })

  it('row 28: non-blocking, room below the low-water mark – EAGAIN with the bytes sent so far; then on when half is free', () => {
    const net = rig({ files: [200_000], sndbuf: 65_536 })
    net.mute.on = true
    nonBlocking(net)
    sosetopt(net.a, net.server, SO_SNDLOWAT, 2048)
    expect(send(net, net.server)).toEqual({ error: EAGAIN, sbytes: 65_536 })
    // 6.2 step 3: sendfile raised the mark to half the buffer.
    expect(net.a.sb.sb_lowat[net.a.so.so_snd[net.server]]).toBe(32_768)
    expect(send(net, net.server, { offset: 65_536 })).toEqual({ error: EAGAIN, sbytes: 0 })
    expect(net.a.sb.sb_flags[net.a.so.so_snd[net.server]] & SB_WAIT).toBe(0)
  })

  it('header, data and trailer – arrive in this order, all counted', () => {
    const net = rig({ files: [5000] })
    expect(send(net, net.server, { header: 'head|', trailer: '|tail' })).toEqual({ error: 0, sbytes: 5010 })
    const got = receive(net, 5010)
    expect(text(got.slice(0, 5))).toBe('head|')
    expect(got.slice(5, 5005)).toEqual(net.file(0))
    expect(text(got.slice(5005))).toBe('|tail')
  })

  it('6.1: offset at the end of the file – the header is not sent, the trailer is', () => {
    const net = rig({ files: [5000] })
    expect(send(net, net.server, { offset: 5000, header: 'head', trailer: 'tail' })).toEqual({ error: 0, sbytes: 4 })
    expect(text(receive(net, 4))).toBe('tail')
  })

  it('a header longer than the room – goes first, alone, the file follows', () => {
    const net = rig({ files: [9000], sndbuf: 4096 })
    const header = 'x'.repeat(6000)
    expect(send(net, net.server, { header, udata: 3 }).error).toBe(SLEPT)
    const got = receive(net, 15_000)
    expect(text(got.slice(0, 6000))).toBe(header)
    expect(got.slice(6000)).toEqual(net.file(0))
    expect(results).toEqual([{ udata: 3, error: 0, sbytes: 15_000 }])
  })

  it('10.1: errors of the arguments and of the socket', () => {
    const net = rig({ files: [5000] })
    expect(send(net, net.server, { offset: -1 }).error).toBe(EINVAL)
    expect(send(net, net.server, { file: -1 }).error).toBe(EINVAL)
    expect(send(net, listenOn(net.a, 4444)).error).toBe(ENOTCONN)
    soshutdown(net.a, net.server, SHUT_WR)
    expect(send(net, net.server).error).toBe(EPIPE)
  })

  it('a blocking call whose connection is reset while it sleeps – returns the error and the bytes so far', () => {
    const net = rig({ files: [MIB] })
    net.mute.on = true
    expect(send(net, net.server, { udata: 4 }).error).toBe(SLEPT)
    sosetopt(net.b, net.client, SO_LINGER, 0)
    soclose(net.b, net.client)
    runUntil(net, () => results.length > 0, 'the call to return')
    expect(results[0].error).not.toBe(0)
    expect(results[0].sbytes).toBe(32_768)
    expect(net.a.sendfile.call.live).toBe(0)
  })

  it('two threads on one socket – the second waits for the I/O lock, the streams do not mix', () => {
    const net = rig({ files: [100_000, 60_000] })
    expect(send(net, net.server, { file: 0, udata: 1 }).error).toBe(SLEPT)
    expect(send(net, net.server, { file: 1, udata: 2 }).error).toBe(SLEPT)
    const got = receive(net, 160_000)
    expect(got.slice(0, 100_000)).toEqual(net.file(0))
    expect(got.slice(100_000)).toEqual(net.file(1))
    expect(results.map((r) => r.udata)).toEqual([1, 2])
  })

  it('an sf_buf shortage after the first page (injected) – the shorter chain is sent and the call goes on; sf_allocfail counts', () => {
    const net = rig({ files: [40_000], ext: false, sndbuf: 1_000_000 })
    net.a.uma.sfFailAt(4)
    expect(send(net, net.server)).toEqual({ error: 0, sbytes: 40_000 })
    expect(net.a.sendfile.stat.sf_allocfail).toBe(1)
    expect(receive(net, 40_000)).toEqual(net.file(0))
    settle(net)
    expect(net.a.page.vm.wired).toBe(0)
  })

  it('a machine without direct map whose sf_bufs ran out – the first page is waited for, later ones shorten the chain, nothing is lost', () => {
    const net = rig({
      files: [200_000],
      ext: false,
      sndbuf: 400_000,
      directMap: false,
      tunables: { 'kern.ipc.nsfbufs': '16' },
    })
    const other = connectPair(net, 9999)
    // 49 pages are wanted, 16 handles exist: 16 pages go, then the call sleeps until acknowledgements free some.
    expect(send(net, net.server, { udata: 1 }).error).toBe(SLEPT)
    expect(buffer(net).mcnt).toBe(16)
    expect(send(net, other.server, { udata: 2 }).error).toBe(SLEPT)
    expect(net.a.sendfile.stat.sf_allocwait).toBeGreaterThan(0)
    expect(net.a.sendfile.stat.sf_allocfail).toBeGreaterThan(0)
    const sinks = [createSink(200_000), createSink(200_000)]
    runUntil(
      net,
      () => {
        // A reader who stopped would keep the handles of the other.
        readInto(net.b, net.client, sinks[0])
        readInto(net.b, other.client, sinks[1])
        return sinks.every((sink) => sink.length === 200_000)
      },
      'both files',
    )
    for (const sink of sinks) expect(Buffer.compare(sink.bytes as Uint8Array, net.file(0))).toBe(0)
    settle(net)
    expect(results.map((r) => r.sbytes)).toEqual([200_000, 200_000])
    expect(net.a.page.vm.sfbufs!.n.used).toBe(0)
    expect(net.a.page.vm.wired).toBe(0)
  })

  it('kern.ipc.sfstat – 11 counters in the order of the structure; a write clears them', () => {
    const net = rig({ files: [5000] })
    send(net, net.server)
    const words = new Uint32Array((net.a.sysctl.read('kern.ipc.sfstat') as Uint8Array).slice().buffer)
    expect(words.length).toBe(22)
    expect([words[0], words[2], words[8]]).toEqual([1, 1, 2])
    net.a.sysctl.write('kern.ipc.sfstat', 0)
    expect(net.a.sendfile.stat.sf_syscalls).toBe(0)
  })
})

describe('a signal while sendfile(2) sleeps (6.1: ERESTART becomes EINTR; 6.4, 7.1: SFB_CATCH)', () => {
  it('waiting for room – EINTR with the bytes sent so far, and what was queued still arrives', () => {
    const net = rig({ files: [200_000] })
    expect(send(net, net.server, { udata: 7 }).error).toBe(SLEPT)
    const queued = buffer(net).ccc
    const c = sendfile_sleeping(net.a, PROGRAM_TEST, 7)
    expect(sendfile_signal(net.a, c)).toBe(true)
    runUntil(net, () => results.length === 1, 'the return')
    expect(results[0]).toEqual({ udata: 7, error: EINTR, sbytes: queued })
    expect(receive(net, queued)).toEqual(net.file(0).slice(0, queued))
    settle(net)
    expect(net.a.page.vm.wired).toBe(0)
    expect(net.a.sendfile.call.live).toBe(0)
  })

  it('waiting for the first sf_buf – ENOBUFS, sf_allocfail counts, no page stays wired', () => {
    const net = rig({
      files: [200_000, 200_000],
      ext: false,
      sndbuf: 400_000,
      directMap: false,
      tunables: { 'kern.ipc.nsfbufs': '8' },
    })
    const other = connectPair(net, 9999)
    net.mute.on = true
    expect(send(net, net.server, { nbytes: 8 * 4096, udata: 1 }).error).toBe(0)
    expect(send(net, other.server, { file: 1, udata: 2 }).error).toBe(SLEPT)
    const { sf_allocfail } = net.a.sendfile.stat
    const wired = net.a.page.vm.wired
    expect(sendfile_signal(net.a, sendfile_sleeping(net.a, PROGRAM_TEST, 2))).toBe(true)
    expect(net.a.sendfile.stat.sf_allocfail).toBe(sf_allocfail + 1)
    runUntil(net, () => results.length === 1, 'the return')
    expect(results[0]).toEqual({ udata: 2, error: ENOBUFS, sbytes: 0 })
    expect(wired).toBeGreaterThan(8)
    expect(net.a.page.vm.wired).toBe(8)
    net.mute.on = false
    expect(receive(net, 8 * 4096)).toEqual(net.file(0).slice(0, 8 * 4096))
    settle(net)
    expect(net.a.page.vm.wired).toBe(0)
  })

  it('waiting for the first sf_buf with its read under way – the read ends by itself, nothing leaks', () => {
    const net = rig({
      files: [40_000, 40_000],
      ext: false,
      warm: false,
      directMap: false,
      tunables: { 'kern.ipc.nsfbufs': '2' },
    })
    const other = connectPair(net, 9999)
    net.mute.on = true
    expect(send(net, net.server, { nbytes: 8192 }).error).toBe(0)
    expect(send(net, other.server, { file: 1, nbytes: 8192, header: 'head', udata: 3 }).error).toBe(SLEPT)
    expect(sendfile_signal(net.a, sendfile_sleeping(net.a, PROGRAM_TEST, 3))).toBe(true)
    runUntil(net, () => results.length === 1, 'the return')
    // The header was built before: it goes alone.
    expect(results[0]).toEqual({ udata: 3, error: ENOBUFS, sbytes: 4 })
    net.mute.on = false
    receive(net, 8192)
    settle(net)
    expect(net.a.disk.state.queued).toBe(0)
    expect(net.a.sendfile.sfio.live).toBe(0)
    expect(net.a.page.vm.wired).toBe(0)
  })

  it('SF_SYNC, or a busy page – not interruptible', () => {
    const net = rig({ files: [4096] })
    net.mute.on = true
    expect(send(net, net.server, { flags: SF_SYNC, udata: 4 }).error).toBe(SLEPT)
    expect(sendfile_signal(net.a, sendfile_sleeping(net.a, PROGRAM_TEST, 4))).toBe(false)
    net.mute.on = false
    receive(net, 4096)
    settle(net)
    expect(results).toEqual([{ udata: 4, error: 0, sbytes: 4096 }])
  })
})

describe('a file that is truncated while sendfile(2) sends it (6.2 step 5)', () => {
  it('between two iterations – the call ends at the new end, what was queued arrives whole, its pages are freed with it', () => {
    const net = rig({ files: [200_000] })
    const free = net.a.page.vm.wired
    expect(send(net, net.server, { trailer: 'never', udata: 1 }).error).toBe(SLEPT)
    const queued = buffer(net).ccc
    expect(vn_truncate(net.a, vm_object_of_file(0), 10_000)).toBe(0)
    // Queued pages have left the file, but not the packets.
    expect(vm_page_lookup(net.a, vm_object_of_file(0), 5)).toBe(0)
    expect(net.a.page.vm.wired).toBe(free + Math.ceil(queued / 4096))
    expect(receive(net, queued)).toEqual(net.file(0).slice(0, queued))
    settle(net)
    expect(results).toEqual([{ udata: 1, error: 0, sbytes: queued }])
    expect(net.a.page.vm.wired).toBe(free)
    // Grown again it is the same file.
    expect(vn_truncate(net.a, vm_object_of_file(0), 200_000)).toBe(0)
    net.a.so.so_state[net.server] |= SS_NBIO
    send(net, net.server, { offset: 20_480, nbytes: 4096 })
    expect(receive(net, 4096)).toEqual(net.file(0).slice(20_480, 24_576))
    settle(net)
    expect(net.a.page.vm.wired).toBe(free)
  })

  it('while its pages are being read – the read ends, the data of the old file goes out, the pages go', () => {
    const net = rig({ files: [40_000], warm: false })
    nonBlocking(net)
    expect(send(net, net.server, { nbytes: 20_000 }).error).toBe(0)
    expect(vn_truncate(net.a, vm_object_of_file(0), 100)).toBe(0)
    expect(receive(net, 20_000)).toEqual(net.file(0).slice(0, 20_000))
    settle(net)
    expect(net.a.page.vm.wired).toBe(0)
    expect(vm_page_lookup(net.a, vm_object_of_file(0), 1)).toBe(0)
    expect(send(net, net.server, { offset: 5000, header: 'h' }).sbytes).toBe(0)
  })
})

describe('lo0 (10.2 row 15)', () => {
  it('row 15: sendfile to an address of this host – always converted, the receiver holds EXT_SFBUF mbufs of file pages until it reads', () => {
    const net = createNet({ files: [60_000], sysctls: { 'kern.ipc.mb_use_ext_pgs': '1' } })
    // Both ends on host 0.
    const self: Net = {
      ...net,
      b: net.a,
      wire: net.wire === null ? null : { ...net.wire, address: [0x7f000001, 0x7f000001] },
    }
    const pair = connectPair(self)
    const local = { ...self, ...pair, mute: { on: false } }
    net.a.so.so_state[pair.server] |= SS_NBIO
    send(local, pair.server, { nbytes: 30_000 })
    net.machine.runUntil(net.machine.time + 20e6)
    const { mb, sb, so } = net.a
    const kinds = new Set<number>()
    let bytes = 0
    for (let m = sb.sb_mb[so.so_rcv[pair.client]]; m !== 0; m = mb.m_next[m]) {
      if (mb.m_len[m] > 200) kinds.add(mb.ext_type[m])
      expect(mb.m_flags[m] & M_NOMAP).toBe(0)
      bytes += mb.m_len[m]
    }
    expect(bytes).toBe(30_000)
    expect(kinds).toEqual(new Set([EXT_SFBUF]))
    expect(net.a.mbstat.conversions).toBeGreaterThan(0)
    // The sender was acknowledged long ago; what keeps the pages wired is the receiver.
    expect(sb.sb_ccc[so.so_snd[pair.server]]).toBe(0)
    expect(net.a.page.vm.wired).toBe(8)
    const sink = createSink(30_000)
    readInto(net.a, pair.client, sink)
    expect((sink.bytes as Uint8Array).slice(0, 30_000)).toEqual(net.file(0).slice(0, 30_000))
    net.machine.runUntil(net.machine.time + 1e9)
    expect(net.a.page.vm.wired).toBe(0)
  })
})

describe('writes between sendfiles', () => {
  it('a small write behind cold data – waits with it and keeps its place', () => {
    const net = rig({ files: [20_000], warm: false, diskLatencyNs: 1e6, sndbuf: 1_000_000 })
    send(net, net.server)
    expect(writeBytes(net.a, net.server, new Uint8Array([1, 2, 3]))).toBe(3)
    expect(buffer(net).acc).toBe(0)
    const got = receive(net, 20_003)
    expect(got.slice(0, 20_000)).toEqual(net.file(0))
    expect([...got.slice(20_000)]).toEqual([1, 2, 3])
  })
})

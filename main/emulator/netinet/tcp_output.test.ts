/** tcp_output and tcp_m_copym against reference kernel-mbuf-sendfile 4.3, 4.5 and 5.3 (10.2 rows 16, 32, 33). */
import { describe, expect, it } from 'vitest'
import { PROGRAM_TEST } from '../apps/program'
import { sendfile } from '../kern/kern_sendfile'
import { m_freem, m_get, mb_alloc_ext_pgs, setExtFree } from '../kern/kern_mbuf'
import { m_length } from '../kern/uipc_mbuf'
import { sosetopt } from '../kern/uipc_socket'
import { EXT_FLAG_EMBREF, FREE_TEST_PG, M_EXT, M_NOMAP, MT_DATA } from '../sys/mbuf'
import { M_NOWAIT } from '../sys/param'
import { SB_AUTOSIZE } from '../sys/sockbuf'
import { SO_SNDBUF, SS_NBIO } from '../sys/socket'
import { connectPair, createNet, createSink, type Net, type NetOptions, readInto, runUntil } from '../testkit/netRig'
import { vm_object_of_file } from '../vm/vm_object'
import { copym_len, tcp_m_copym } from './tcp_m_copym'
import { sototcpcb } from './tcp_usrreq'

// Page arrays of this file have no pages to give back.
setExtFree(FREE_TEST_PG, () => undefined)

/** Sends a range of file 0 without blocking. */
function send(net: Net, so: number, nbytes: number, offset = 0): number {
  net.a.so.so_state[so] |= SS_NBIO
  return sendfile(
    net.a,
    so,
    {
      object: vm_object_of_file(0),
      offset,
      nbytes,
      hdrUb: 0,
      hdrOff: 0,
      hdrLen: 0,
      trlUb: 0,
      trlOff: 0,
      trlLen: 0,
      flags: 0,
    },
    PROGRAM_TEST,
    0,
  )
}

/** One unmapped mbuf of 19 pages. */
function nineteenPages(net: Net): number {
  const m = mb_alloc_ext_pgs(net.a, M_NOWAIT, false, FREE_TEST_PG)
  const p = net.a.mb.ext_buf[m]
  net.a.pgs.npgs[p] = 19
  net.a.pgs.last_pg_len[p] = 4096
  net.a.mb.m_len[m] = 19 * 4096
  net.a.mb.ext_size[m] = 19 * 4096
  return m
}

describe('tcp_m_copym: segment limits (4.5)', () => {
  it.each([
    { limit: 36, wanted: 64_000, got: 64_000 },
    { limit: 16, wanted: 64_000, got: 49_152 },
    { limit: 4, wanted: 64_000, got: 0 },
    { limit: 0, wanted: 64_000, got: 64_000 },
  ])('row 33: tsomaxsegcount $limit, one 19-page EXT_PGS, $wanted bytes – $got bytes', ({ limit, wanted, got }) => {
    const net = createNet()
    const m = nineteenPages(net)
    const copy = tcp_m_copym(net.a, m, 0, wanted, limit, 65_536, 0)
    expect(copym_len).toBe(got)
    expect(copy === 0).toBe(got === 0)
    if (copy !== 0) {
      expect(m_length(net.a, copy)).toBe(got)
      // A shadow: shares the array, is not its owner, and no array item was taken for it.
      expect(net.a.mb.m_flags[copy] & (M_EXT | M_NOMAP)).toBe(M_EXT | M_NOMAP)
      expect(net.a.mb.ext_flags[copy] & EXT_FLAG_EMBREF).toBe(0)
      expect(net.a.uma.zone_extpgs.used).toBe(1)
      m_freem(net.a, copy)
    }
    m_freem(net.a, m)
    expect(net.a.uma.zone_extpgs.used).toBe(0)
  })

  it('mapped mbufs cost their bytes only: 16 pages of 4096 within a limit of 17', () => {
    const net = createNet()
    const first = m_get(net.a, M_NOWAIT, MT_DATA)
    let last = first
    net.a.mb.m_len[first] = 100
    for (let i = 1; i < 16; i++) {
      const n = m_get(net.a, M_NOWAIT, MT_DATA)
      net.a.mb.m_len[n] = 100
      net.a.mb.m_next[last] = n
      last = n
    }
    const copy = tcp_m_copym(net.a, first, 0, 1600, 17, 65_536, 0)
    expect(copym_len).toBe(1600)
    m_freem(net.a, copy)
    // One less: the last mbuf does not fit any more.
    const shorter = tcp_m_copym(net.a, first, 0, 1600, 16, 65_536, 0)
    expect(copym_len).toBe(1500)
    m_freem(net.a, shorter)
    m_freem(net.a, first)
  })

  it('mbufs run out in the middle – nothing is left behind', () => {
    const net = createNet()
    const m = nineteenPages(net)
    net.a.mb.m_next[m] = nineteenPages(net)
    const used = net.a.uma.zone_mbuf.used
    net.a.uma.failAt(2)
    expect(tcp_m_copym(net.a, m, 70_000, 20_000, 0, 0, 0)).toBe(0)
    net.a.uma.failAt(0)
    expect(net.a.uma.zone_mbuf.used).toBe(used)
    m_freem(net.a, m)
  })
})

describe('what tcp_output hands down (4.5)', () => {
  /** Watches the packets of a connection with the probe. */
  function probed(options: NetOptions): Net & { server: number; client: number; tp: number } {
    const net = createNet({ files: [1_000_000], sysctls: { 'kern.ipc.mb_use_ext_pgs': '1' }, ...options })
    const { server, client } = connectPair(net)
    const tp = sototcpcb(net.a, server)
    net.machine.probe.watch(0, tp, net.a.inet.tcp.t_generation[tp])
    return { ...net, server, client, tp }
  }

  it('row 32: a 50-byte rest – the header mbuf carries it, no unmapped mbuf on the wire', () => {
    const net = probed({})
    sosetopt(net.a, net.server, SO_SNDBUF, 100_000)
    // 225 bytes stay an EXT_PGS in the socket buffer; 50 bytes of them go in the last segment.
    send(net, net.server, 1448 * 3 + 50)
    const sink = createSink(10_000)
    runUntil(
      net,
      () => {
        readInto(net.b, net.client, sink)
        return sink.length === 1448 * 3 + 50
      },
      'the bytes',
    )
    const b = net.machine.probe.bursts
    const rows = [...b.id.keys()].filter((row) => b.id[row] > 0).sort((x, y) => b.id[x] - b.id[y])
    const total = rows.reduce((sum, row) => sum + b.len[row], 0)
    expect(total).toBe(1448 * 3 + 50)
    const newest = rows[rows.length - 1]
    if (b.len[newest] === 50) expect(b.tcp_total[newest]).toBe(1)
    expect((sink.bytes as Uint8Array).slice(0, sink.length)).toEqual(net.file(0).slice(0, sink.length))
  })

  it('4.5: 100 bytes fit beside the headers, 101 do not (168 − 52 − 16)', () => {
    for (const [nbytes, mbufs] of [
      [100, 1],
      [101, 2],
    ]) {
      const net = probed({})
      send(net, net.server, nbytes)
      const row = net.machine.probe.newest()
      expect(net.machine.probe.bursts.len[row]).toBe(nbytes)
      expect(net.machine.probe.bursts.tcp_total[row]).toBe(mbufs)
    }
  })

  it('a TSO burst of a long file – header mbuf and one or two shadows of EXT_PGS, whole segments', () => {
    const net = probed({ wire: { rateBps: 1e9 } })
    sosetopt(net.a, net.server, SO_SNDBUF, 1_000_000)
    send(net, net.server, 900_000)
    const sink = createSink(1_000_000)
    runUntil(
      net,
      () => {
        readInto(net.b, net.client, sink)
        return sink.length > 150_000
      },
      'some of the file',
    )
    const probe = net.machine.probe
    const row = probe.newest()
    const b = probe.bursts
    expect(b.tso[row]).toBe(1)
    expect(b.mss[row]).toBe(1448)
    expect(b.len[row] % 1448).toBe(0)
    expect(b.len[row]).toBeLessThanOrEqual(65_535 - 52 - 16)
    expect(b.tcp_total[row]).toBeLessThanOrEqual(3)
    expect(b.tcp_kind[row * 48 + 1]).toBe(3)
    expect(b.tcp_shadow[row * 48 + 1]).toBe(1)
    expect(b.ip_converted[row]).toBe(0)
    expect(b.ip_total[row]).toBe(b.tcp_total[row])
  })

  it('payload is limited to whole segments below tsomax − headers − link header', () => {
    const net = probed({ wire: { rateBps: 1e9, tsomax: 10_000 } })
    sosetopt(net.a, net.server, SO_SNDBUF, 1_000_000)
    send(net, net.server, 900_000)
    const sink = createSink(1_000_000)
    let most = 0
    runUntil(
      net,
      () => {
        readInto(net.b, net.client, sink)
        most = Math.max(most, ...net.machine.probe.bursts.len.subarray(1, 17))
        return sink.length === 900_000
      },
      'the file',
    )
    expect(most).toBe(Math.floor((10_000 - 52 - 16) / 1448) * 1448)
  })
})

describe('send buffer autosizing (5.3)', () => {
  it('sendbuf_max is above what a reservation may ask for – growth ends at the last step that fits and AUTOSIZE is cleared', () => {
    const net = createNet({
      files: [60_000_000],
      wire: { rateBps: 10e9, delayNs: 2_000_000 },
      peerSysctls: { 'net.inet.tcp.recvspace': '1800000' },
    })
    const { server, client } = connectPair(net)
    const snd = net.a.so.so_snd[server]
    const start = net.a.sb.sb_hiwat[snd]
    const sink = createSink(60_000_000)
    let offset = 0
    runUntil(
      net,
      () => {
        const before = net.a.sb.sb_ccc[snd]
        if (net.a.sb.sb_hiwat[snd] - before > net.a.sb.sb_hiwat[snd] / 2) {
          send(net, server, 60_000_000 - offset, offset)
          offset += net.a.sb.sb_ccc[snd] - before
        }
        readInto(net.b, client, sink)
        sink.length = 0
        return (net.a.sb.sb_flags[snd] & SB_AUTOSIZE) === 0
      },
      'the end of growth',
    )
    const { sb_max_adj } = net.a.sb.settings
    expect(sb_max_adj).toBe(1_864_135)
    // Steps of 8192 from the initial size, which tcp_mss had rounded up to whole segments.
    expect(start).toBe(Math.ceil(32_768 / 1460) * 1460)
    expect(net.a.sb.sb_hiwat[snd]).toBe(start + Math.floor((sb_max_adj - start) / 8192) * 8192)
    expect(net.a.inet.tcpstat.lab_sndbufrefused).toBe(1)
  })

  it('SO_SNDBUF set by hand – the buffer does not grow', () => {
    const net = createNet({ files: [3_000_000], wire: { rateBps: 10e9 } })
    const { server, client } = connectPair(net)
    sosetopt(net.a, server, SO_SNDBUF, 65_536)
    const sink = createSink(3_000_000)
    let offset = 0
    runUntil(
      net,
      () => {
        const snd = net.a.so.so_snd[server]
        const before = net.a.sb.sb_ccc[snd]
        if (before < 32_768) {
          send(net, server, 3_000_000 - offset, offset)
          offset += net.a.sb.sb_ccc[snd] - before
        }
        readInto(net.b, client, sink)
        return sink.length > 2_000_000
      },
      'two megabytes',
    )
    expect(net.a.sb.sb_hiwat[net.a.so.so_snd[server]]).toBe(65_536)
  })
})

describe('lack of mbufs (4.3)', () => {
  it('row 16: mbufs exhausted during conversion – the window drops to one segment, TCP sends again, the application sees nothing', () => {
    const net = createNet({
      files: [300_000],
      sysctls: { 'kern.ipc.mb_use_ext_pgs': '1' },
      // Everything but NOMAP.
      wire: { capenable: 0x103, rateBps: 1e9 },
    })
    const { server, client } = connectPair(net)
    sosetopt(net.a, server, SO_SNDBUF, 400_000)
    const tp = sototcpcb(net.a, server)
    const t = net.a.inet.tcp
    const sink = createSink(300_000)
    const read = (): void => readInto(net.b, client, sink)
    send(net, server, 300_000)
    runUntil(net, () => (read(), sink.length > 100_000), 'a third of the file')
    const before = t.snd_cwnd[tp]
    expect(before).toBeGreaterThan(10_000)
    const failures = net.a.inet.ipstat.lab_convert_failed
    // Header mbuf and shadows succeed, one of the converted pages does not.
    net.a.uma.failAt(4)
    runUntil(net, () => (read(), net.a.inet.tcpstat.lab_nobufs > 0), 'a failed packet')
    expect(t.snd_cwnd[tp]).toBe(t.t_maxseg[tp])
    expect(net.a.inet.ipstat.lab_convert_failed - failures).toBeLessThanOrEqual(1)
    runUntil(net, () => (read(), sink.length === 300_000), 'the rest')
    expect(Buffer.compare(sink.bytes as Uint8Array, net.file(0))).toBe(0)
    expect(net.a.so.so_error[server]).toBe(0)
  })

  it('the k-th allocation of a transfer fails, for every k up to 150 – every byte arrives, nothing leaks', () => {
    for (let nth = 1; nth <= 150; nth += 3) {
      const net = createNet({
        files: [60_000],
        sysctls: { 'kern.ipc.mb_use_ext_pgs': '1' },
        wire: nth % 2 === 0 ? { capenable: 0x103 } : {},
      })
      const { server, client } = connectPair(net)
      sosetopt(net.a, server, SO_SNDBUF, 100_000)
      const sink = createSink(60_000)
      net.a.uma.failAt(nth)
      let offset = 0
      runUntil(
        net,
        () => {
          if (offset < 60_000) {
            const snd = net.a.so.so_snd[server]
            const before = net.a.sb.sb_ccc[snd] + acked(net, server)
            send(net, server, 60_000 - offset, offset)
            offset += net.a.sb.sb_ccc[snd] + acked(net, server) - before
          }
          readInto(net.b, client, sink)
          return sink.length === 60_000
        },
        `the file with the ${nth}th allocation failing`,
      )
      expect(Buffer.compare(sink.bytes as Uint8Array, net.file(0))).toBe(0)
      net.machine.runUntil(net.machine.time + 1e9)
      expect([nth, net.a.page.vm.wired, net.a.uma.zone_extpgs.used]).toEqual([nth, 0, 0])
    }
  })
})

function acked(net: Net, so: number): number {
  return net.a.inet.tcp.t_streamAcked[sototcpcb(net.a, so)]
}

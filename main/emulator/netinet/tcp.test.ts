/** TCP's own rules: handshake, timers, windows, close. Times are those of FreeBSD's sysctls (reference console-tools 4). */
import { describe, expect, it } from 'vitest'
import {
  so_result,
  soaccept,
  soclose,
  soconnect,
  socreate,
  sogetopt,
  sooptval,
  soshutdown,
  sosetopt,
} from '../kern/uipc_socket'
import { ECONNREFUSED, ECONNRESET, ETIMEDOUT } from '../sys/errno'
import { SHUT_WR, SO_ERROR, SO_LINGER, SO_RCVBUF, SS_ISCONNECTED, SS_NBIO, TCP_NODELAY } from '../sys/socket'
import {
  baseLine,
  connectPair,
  connectTo,
  createNet,
  createSink,
  listenOn,
  type Net,
  type NetOptions,
  readInto,
  runUntil,
  serverAddressOf,
  testBytes,
  writeBytes,
} from '../testkit/netRig'
import { get16, get32, TH_ACK, TH_FIN, TH_RST, TH_SYN } from './in'
import { INP_TIMEWAIT } from './in_pcb'
import { sototcpcb, tcp_setopt } from './tcp_usrreq'
import { tcpstates } from './tcp_var'

interface Frame {
  time: number
  from: number
  flags: number
  seq: number
  ack: number
  win: number
  len: number
  options: number[]
}

/** A net that keeps every frame; `lose` decides which do not arrive. */
function watched(
  options: NetOptions & { lose?: (f: Frame, index: number) => boolean } = {},
): Net & { frames: Frame[] } {
  const frames: Frame[] = []
  const net: Net = createNet({
    files: [4096],
    ...options,
    wire: {
      delayNs: 1_000_000,
      ...(options.wire as object | undefined),
      filter: (b, from) => {
        const doff = (b[46] >> 4) * 4
        const f: Frame = {
          time: net.machine.time,
          from,
          flags: b[47],
          seq: get32(b, 38),
          ack: get32(b, 42),
          win: get16(b, 48),
          len: b.length - 34 - doff,
          options: [...b.subarray(54, 34 + doff)],
        }
        frames.push(f)
        return !(options.lose?.(f, frames.length - 1) ?? false)
      },
    },
  })
  return { ...net, frames }
}

function stateOf(net: Net, host: 0 | 1, so: number): string {
  const k = host === 0 ? net.a : net.b
  const inp = k.so.so_pcb[so]
  if (inp !== 0 && (k.inet.inp.inp_flags[inp] & INP_TIMEWAIT) !== 0) return 'TIME_WAIT'
  const tp = sototcpcb(k, so)
  return tp === 0 ? 'CLOSED' : tcpstates[k.inet.tcp.t_state[tp]]
}

const ms = (ns: number): number => Math.round(ns / 1e6)

describe('handshake', () => {
  it('SYN, SYN|ACK, ACK – options in FreeBSD order, windows unscaled on SYN, scale 6, MSS 1460', () => {
    const net = watched()
    connectPair(net)
    const [syn, synack, ack] = net.frames
    expect([syn.flags, synack.flags, ack.flags]).toEqual([TH_SYN, TH_SYN | TH_ACK, TH_ACK])
    for (const f of [syn, synack]) {
      // MSS 1460, NOP, scale 6, SACK permitted, timestamps.
      expect(f.options.slice(0, 12)).toEqual([2, 4, 1460 >> 8, 1460 & 255, 1, 3, 3, 6, 4, 2, 8, 10])
      expect(f.options).toHaveLength(20)
      expect(f.win).toBe(65_535)
    }
    // recvspace rounded up to whole segments, in units of 64.
    expect(ack.win).toBe(Math.floor((Math.ceil(65_536 / 1460) * 1460) / 64))
  })

  it('rfc1323 off at the server – neither scale nor timestamps are used, windows stay below 64 KiB', () => {
    const net = watched({ sysctls: { 'net.inet.tcp.rfc1323': '0' } })
    const { client } = connectPair(net)
    const tp = sototcpcb(net.b, client)
    expect(net.b.inet.tcp.snd_scale[tp]).toBe(0)
    expect(net.b.inet.tcp.rcv_scale[tp]).toBe(0)
    expect(net.frames[2].options).toEqual([])
  })

  it('nobody listens – RST and ECONNREFUSED', () => {
    const net = watched()
    const so = connectTo(net, 4321)
    runUntil(net, () => net.b.so.so_error[so] !== 0, 'the refusal')
    expect(net.b.so.so_error[so]).toBe(ECONNREFUSED)
    expect(net.frames[1].flags & TH_RST).toBe(TH_RST)
    soclose(net.b, so)
    expect(baseLine(net.b).tcpcbs).toBe(0)
  })

  it('SYN lost every time – sent after 1, 1, 1, 1, 1, 2, 4 … s, given up after 75 s (keepinit) with ETIMEDOUT', () => {
    const net = watched({ lose: () => true })
    const so = connectTo(net, 80)
    runUntil(net, () => net.b.so.so_error[so] !== 0, 'the timeout')
    expect(net.b.so.so_error[so]).toBe(ETIMEDOUT)
    expect(ms(net.machine.time)).toBe(75_000)
    const gaps = net.frames.slice(1).map((f, i) => ms(f.time - net.frames[i].time))
    // rexmit_initial 1000 ms × back-off + slop 200 ms after the first.
    expect(gaps.slice(0, 7)).toEqual([1000, 1200, 1200, 1200, 1200, 2200, 4200])
  })

  it('SYN|ACK lost – the server sends it again after a second, the connection comes up', () => {
    const net = watched({ lose: (f, i) => i === 1 && f.flags === (TH_SYN | TH_ACK) })
    connectPair(net)
    expect(net.a.inet.tcpstat.tcps_sc_retransmitted + net.a.inet.tcpstat.tcps_sc_dupsyn).toBeGreaterThan(0)
    expect(net.a.inet.sc.live).toBe(0)
  })

  it('listen queue full – connections beyond 3/2 of the backlog are reset', () => {
    const net = watched()
    net.a.so.settings.somaxconn = 4
    const listen = listenOn(net.a, 5000)
    const sockets = Array.from({ length: 12 }, () => connectTo(net, 5000))
    net.machine.runUntil(net.machine.time + 1e9)
    expect(net.a.so.so_qlen[listen]).toBe(7)
    expect(net.a.so.settings.overflowed).toBe(5)
    expect(sockets.filter((so) => net.b.so.so_error[so] === ECONNRESET)).toHaveLength(5)
    for (const so of sockets) soclose(net.b, so)
    soclose(net.a, listen)
    net.machine.runUntil(net.machine.time + 200e9)
    expect([net.a, net.b].map((k) => k.inet.tcp.live)).toEqual([net.a.apps.httpd.worker.live, 0])
  })
})

describe('acknowledgements', () => {
  it('one segment – acknowledged after 100 ms; two segments – at once', () => {
    const net = watched()
    const { server, client } = connectPair(net)
    net.machine.runUntil(net.machine.time + 1e9)
    net.frames.length = 0
    writeBytes(net.a, server, testBytes(500, 1))
    net.machine.runUntil(net.machine.time + 300e6)
    const acks = net.frames.filter((f) => f.from === 1)
    expect(acks).toHaveLength(1)
    expect(ms(acks[0].time - net.frames[0].time)).toBe(101)
    readInto(net.b, client, createSink(1000))
    net.frames.length = 0
    writeBytes(net.a, server, testBytes(2 * 1448, 2))
    net.machine.runUntil(net.machine.time + 50e6)
    const quick = net.frames.filter((f) => f.from === 1)
    expect(quick).toHaveLength(1)
    expect(ms(quick[0].time - net.frames[0].time)).toBe(1)
  })

  it('delayed_ack off – every segment is acknowledged at once', () => {
    const net = watched({ peerSysctls: { 'net.inet.tcp.delayed_ack': '0' } })
    const { server } = connectPair(net)
    net.machine.runUntil(net.machine.time + 1e9)
    net.frames.length = 0
    writeBytes(net.a, server, testBytes(500, 1))
    net.machine.runUntil(net.machine.time + 20e6)
    expect(net.frames.filter((f) => f.from === 1)).toHaveLength(1)
  })

  it('Nagle: a second small write waits for the acknowledgement of the first; with TCP_NODELAY it does not', () => {
    for (const nodelay of [false, true]) {
      const net = watched()
      const { server } = connectPair(net)
      if (nodelay) tcp_setopt(net.a, server, TCP_NODELAY, 1)
      net.machine.runUntil(net.machine.time + 1e9)
      net.frames.length = 0
      writeBytes(net.a, server, testBytes(10, 1))
      writeBytes(net.a, server, testBytes(20, 2))
      net.machine.runUntil(net.machine.time + 500e6)
      const data = net.frames.filter((f) => f.from === 0 && f.len > 0)
      expect(data.map((f) => f.len)).toEqual([10, 20])
      // Acknowledged after the delay of 100 ms, or not waited for.
      expect(ms(data[1].time - data[0].time)).toBe(nodelay ? 0 : 102)
    }
  })
})

describe('loss', () => {
  it('the only segment lost – sent again after srtt + 4 × deviation + 200 ms, then doubling', () => {
    let deaf = false
    const net = watched({ lose: (f) => deaf && f.from === 0 })
    const { server } = connectPair(net)
    net.machine.runUntil(net.machine.time + 1e9)
    const t = net.a.inet.tcp
    const tp = sototcpcb(net.a, server)
    net.frames.length = 0
    deaf = true
    const rxtcur = t.t_rxtcur[tp]
    expect(rxtcur).toBeGreaterThanOrEqual(200)
    writeBytes(net.a, server, testBytes(100, 1))
    net.machine.runUntil(net.machine.time + 5e9)
    const gaps = net.frames.slice(1).map((f, i) => ms(f.time - net.frames[i].time))
    const base = rxtcur - 200
    expect(gaps[0]).toBe(rxtcur)
    expect(gaps.slice(1, 4)).toEqual([base * 2 + 200, base * 4 + 200, base * 8 + 200])
    expect(t.t_rxtshift[tp]).toBe(gaps.length)
    // The window is one segment (payload beside 12 bytes of timestamps).
    expect(t.snd_cwnd[tp]).toBe(1448)
  })

  it('one segment of a window lost, SACK – repaired within three round trips, without a timeout', () => {
    let lost = 0
    const net = watched({
      lose: (f) => {
        if (f.from !== 0 || f.len === 0 || lost > 0) return false
        if (((f.seq - first) | 0) !== 1448 * 4) return false
        lost++
        return true
      },
    })
    let first = 0
    const { server, client } = connectPair(net)
    const tp = sototcpcb(net.a, server)
    first = net.a.inet.tcp.snd_nxt[tp]
    const bytes = testBytes(30_000, 3)
    const sink = createSink(30_000)
    const start = net.machine.time
    writeBytes(net.a, server, bytes)
    runUntil(net, () => (readInto(net.b, client, sink), sink.length === 30_000), 'the bytes')
    expect(lost).toBe(1)
    expect(net.a.inet.tcpstat).toMatchObject({
      tcps_rexmttimeo: 0,
      tcps_sack_recovery_episode: 1,
      tcps_sack_rexmits: 1,
    })
    expect(ms(net.machine.time - start)).toBeLessThan(12)
    expect(Buffer.compare(sink.bytes as Uint8Array, bytes)).toBe(0)
  })

  it('the same without SACK – NewReno fast retransmit after three duplicates', () => {
    let lost = 0
    let first = 0
    const net = watched({
      sysctls: { 'net.inet.tcp.sack.enable': '0' },
      lose: (f) => {
        if (f.from !== 0 || f.len === 0 || lost > 0 || ((f.seq - first) | 0) !== 1448 * 4) return false
        lost++
        return true
      },
    })
    const { server, client } = connectPair(net)
    const tp = sototcpcb(net.a, server)
    first = net.a.inet.tcp.snd_nxt[tp]
    const bytes = testBytes(30_000, 3)
    const sink = createSink(30_000)
    writeBytes(net.a, server, bytes)
    runUntil(net, () => (readInto(net.b, client, sink), sink.length === 30_000), 'the bytes')
    expect(net.a.inet.tcpstat).toMatchObject({ tcps_rexmttimeo: 0, tcps_sndrexmitpack: 1 })
    expect(Buffer.compare(sink.bytes as Uint8Array, bytes)).toBe(0)
  })

  it('nothing arrives any more – the connection is dropped with ETIMEDOUT after twelve retransmissions, everything is freed', () => {
    let deaf = false
    const net = watched({ lose: () => deaf })
    const { server } = connectPair(net)
    net.machine.runUntil(net.machine.time + 1e9)
    deaf = true
    net.frames.length = 0
    writeBytes(net.a, server, testBytes(5000, 1))
    runUntil(net, () => net.a.so.so_error[server] !== 0, 'the timeout', 2000e9)
    expect(net.a.so.so_error[server]).toBe(ETIMEDOUT)
    expect(net.a.inet.tcpstat.tcps_timeoutdrop).toBe(1)
    soclose(net.a, server)
    expect(net.a.uma.zone_mbuf.used).toBe(0)
  })
})

describe('closed windows', () => {
  it('a reader that does not read – the window closes, probes of one byte follow with back-off, reading opens it again', () => {
    const net = watched({ peerSysctls: { 'net.inet.tcp.recvspace': '8192' } })
    const { server, client } = connectPair(net)
    const bytes = testBytes(60_000, 4)
    let sent = 0
    net.machine.runUntil(net.machine.time + 10e6)
    while (sent < 30_000) {
      const n = writeBytes(net.a, server, bytes.subarray(sent, 30_000))
      if (n === 0) break
      sent += n
    }
    net.machine.runUntil(net.machine.time + 60e9)
    expect(net.a.inet.tcpstat.tcps_persisttimeo).toBeGreaterThan(2)
    expect(net.a.inet.tcpstat.tcps_sndprobe).toBeGreaterThan(2)
    const probes = net.frames.filter((f) => f.from === 0 && f.len === 1)
    const gaps = probes.slice(1).map((f, i) => ms(f.time - probes[i].time))
    // persmin 5 s at first, doubling later, at most persmax 60 s.
    expect(gaps[0]).toBeGreaterThanOrEqual(5000)
    const sink = createSink(sent)
    runUntil(
      net,
      () => {
        readInto(net.b, client, sink)
        return sink.length === sent
      },
      'the rest',
    )
    expect(Buffer.compare(sink.bytes as Uint8Array, bytes.subarray(0, sent))).toBe(0)
  })

  it('the receive buffer grows by itself with a fast stream, not with SO_RCVBUF set', () => {
    for (const fixed of [false, true]) {
      const net = watched({ wire: { rateBps: 1e9, delayNs: 2_000_000 } })
      const { server, client } = connectPair(net)
      if (fixed) sosetopt(net.b, client, SO_RCVBUF, 65_536)
      const before = net.b.sb.sb_hiwat[net.b.so.so_rcv[client]]
      const bytes = testBytes(60_000, 5)
      const sink = createSink(3_000_000)
      let sent = 0
      runUntil(
        net,
        () => {
          if (sent < 2_500_000) sent += writeBytes(net.a, server, bytes)
          readInto(net.b, client, sink)
          return sink.length > 2_000_000
        },
        'two megabytes',
      )
      const after = net.b.sb.sb_hiwat[net.b.so.so_rcv[client]]
      if (fixed) expect(after).toBe(before)
      else expect(after).toBeGreaterThan(before)
    }
  })
})

describe('the end of a connection', () => {
  it('client closes first – FIN, ACK, FIN, ACK; the client waits twice the segment life, then everything is gone', () => {
    const net = watched()
    const before = [net.a, net.b].map(baseLine)
    const { server, client, listen } = connectPair(net)
    soclose(net.b, client)
    runUntil(net, () => stateOf(net, 0, server) === 'CLOSE_WAIT', 'the FIN')
    const sink = createSink(1)
    readInto(net.a, server, sink)
    expect(sink.eof).toBe(true)
    soclose(net.a, server)
    net.machine.runUntil(net.machine.time + 10e6)
    expect(net.a.inet.tcp.live).toBe(net.a.apps.httpd.worker.live + 1)
    expect(net.b.inet.tw.live).toBe(1)
    expect(net.b.so.live).toBe(0)
    soclose(net.a, listen)
    net.machine.runUntil(net.machine.time + 59e9)
    expect(net.b.inet.tw.live).toBe(1)
    net.machine.runUntil(net.machine.time + 2e9)
    expect(net.b.inet.tw.live).toBe(0)
    expect(net.b.inet.inp.live).toBe(0)
    expect([net.a, net.b].map(baseLine)).toEqual(before)
  })

  it('both close at the same time – CLOSING on both sides, both wait', () => {
    const net = watched()
    const { server, client } = connectPair(net)
    net.machine.runUntil(net.machine.time + 5e6)
    soclose(net.a, server)
    soclose(net.b, client)
    net.machine.runUntil(net.machine.time + 10e6)
    expect([net.a.inet.tw.live, net.b.inet.tw.live]).toEqual([1, 1])
    net.machine.runUntil(net.machine.time + 100e9)
    expect([net.a.inet.tw.live, net.b.inet.tw.live]).toEqual([0, 0])
  })

  it('half close – the other direction goes on', () => {
    const net = watched()
    const { server, client } = connectPair(net)
    soshutdown(net.b, client, SHUT_WR)
    net.machine.runUntil(net.machine.time + 5e6)
    expect(stateOf(net, 1, client)).toBe('FIN_WAIT_2')
    const bytes = testBytes(20_000, 6)
    writeBytes(net.a, server, bytes)
    const sink = createSink(20_000)
    runUntil(net, () => (readInto(net.b, client, sink), sink.length === 20_000), 'the bytes')
    expect(Buffer.compare(sink.bytes as Uint8Array, bytes)).toBe(0)
  })

  it('linger 0 – RST instead of FIN, the peer gets ECONNRESET, no TIME_WAIT', () => {
    const net = watched()
    const { server, client } = connectPair(net)
    sosetopt(net.b, client, SO_LINGER, 0)
    net.frames.length = 0
    soclose(net.b, client)
    net.machine.runUntil(net.machine.time + 10e6)
    expect(net.frames.some((f) => f.from === 1 && (f.flags & TH_RST) !== 0)).toBe(true)
    expect(net.frames.some((f) => (f.flags & TH_FIN) !== 0)).toBe(false)
    expect(net.a.so.so_error[server]).toBe(ECONNRESET)
    expect(net.b.inet.tw.live).toBe(0)
    expect(net.b.inet.tcp.live).toBe(0)
    soclose(net.a, server)
  })

  it('data for a closed socket – reset', () => {
    const net = watched()
    const { server, client } = connectPair(net)
    soclose(net.b, client)
    net.machine.runUntil(net.machine.time + 10e6)
    writeBytes(net.a, server, testBytes(100, 1))
    net.machine.runUntil(net.machine.time + 10e6)
    expect(net.b.inet.tcpstat.tcps_rcvafterclose).toBe(1)
    expect(net.a.so.so_error[server]).toBe(ECONNRESET)
    soclose(net.a, server)
  })

  it('a new SYN from the same port while the server waits – the old wait ends, the connection comes up', () => {
    const net = watched({
      peerSysctls: { 'net.inet.ip.portrange.first': '20000', 'net.inet.ip.portrange.last': '20000' },
    })
    const { server, client, listen } = connectPair(net)
    soclose(net.a, server)
    net.machine.runUntil(net.machine.time + 5e6)
    soclose(net.b, client)
    net.machine.runUntil(net.machine.time + 5e6)
    expect(net.a.inet.tw.live).toBe(1)
    expect(socreate(net.b)).toBe(0)
    const again = so_result
    net.b.so.so_state[again] |= SS_NBIO
    expect(soconnect(net.b, again, serverAddressOf(net), 7777)).toBe(0)
    runUntil(net, () => (net.b.so.so_state[again] & SS_ISCONNECTED) !== 0, 'the new connection', 5e9)
    runUntil(net, () => soaccept(net.a, listen) !== 0, 'its other end')
    expect(net.a.inet.tw.live).toBe(0)
  })

  it('keep-alive: a silent peer that is gone – probes every 75 s after two hours, dropped after eight', () => {
    let deaf = false
    const net = watched({ lose: () => deaf })
    const { server } = connectPair(net)
    deaf = true
    runUntil(net, () => net.a.so.so_error[server] !== 0, 'the end', 20_000e9)
    expect(net.a.so.so_error[server]).toBe(ETIMEDOUT)
    expect(net.a.inet.tcpstat.tcps_keepprobe).toBe(8)
    expect(Math.round(net.machine.time / 1e9)).toBe(7200 + 8 * 75)
    sogetopt(net.a, server, SO_ERROR)
    expect(sooptval).toBe(ETIMEDOUT)
  })
})

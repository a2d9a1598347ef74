/** Autosizing of the send buffer and the sysctls of sockets: kernel-mbuf-sendfile 5.3, each condition and each rule. */
import { beforeEach, describe, expect, it } from 'vitest'
import { tcp_sndbuf_autoscale } from '../netinet/tcp_output'
import { EINVAL, ENOBUFS } from '../sys/errno'
import { SB_AUTOSIZE } from '../sys/sockbuf'
import { SO_RCVBUF, SO_SNDBUF, SO_SNDLOWAT } from '../sys/socket'
import { connectPair, createNet, type Net } from '../testkit/netRig'
import { sbreserve, soreserve } from './uipc_sockbuf'
import { so_result, socreate, sosetopt } from './uipc_socket'

let net: Net & { server: number }
let snd = 0
let tp = 0
beforeEach(() => {
  const made = createNet({ files: [10] })
  net = { ...made, ...connectPair(made) }
  snd = net.a.so.so_snd[net.server]
  tp = net.a.inet.inp.inp_ppcb[net.a.so.so_pcb[net.server]]
})

describe('tcp_sndbuf_autoscale', () => {
  /** Everything as wanted for growth: an almost full buffer of 32 768, a window of 4/5 of it, nothing in flight. */
  function ready(): void {
    const { a } = net
    a.sb.sb_hiwat[snd] = 32_768
    a.sb.sb_ccc[snd] = 28_672
    a.inet.tcp.snd_wnd[tp] = 26_216
    a.inet.tcp.snd_nxt[tp] = a.inet.tcp.snd_una[tp]
  }
  const grown = (sendwin = 28_672): number => {
    tcp_sndbuf_autoscale(net.a, tp, snd, sendwin)
    return net.a.sb.sb_hiwat[snd]
  }
  it('all conditions hold – one step of sendbuf_inc', () => {
    ready()
    expect(grown()).toBe(40_960)
  })
  it.each<[string, () => void, number?]>([
    ['the window is less than 4/5 of the mark', () => (net.a.inet.tcp.snd_wnd[tp] = 26_212)],
    ['less than 7/8 of it is used', () => (net.a.sb.sb_ccc[snd] = 28_671)],
    ['sendbuf_max is used', () => (net.a.inet.tcpctl.tcp_autosndbuf_max = 28_672)],
    ['the congestion window is smaller than what is not sent yet', () => undefined, 28_671],
    ['SO_SNDBUF was set', () => (net.a.sb.sb_flags[snd] &= ~SB_AUTOSIZE)],
    ['sendbuf_auto is 0', () => net.a.sysctl.write('net.inet.tcp.sendbuf_auto', 0)],
  ])('%s – no step', (_name, spoil, sendwin) => {
    ready()
    spoil()
    expect(grown(sendwin)).toBe(32_768)
  })
  it('sendbuf_auto_lowat – the low-water mark counts as free', () => {
    ready()
    net.a.sb.sb_ccc[snd] = 27_000
    expect(grown()).toBe(32_768)
    net.a.sysctl.write('net.inet.tcp.sendbuf_auto_lowat', 1)
    net.a.sb.sb_lowat[snd] = 2048
    expect(grown()).toBe(40_960)
  })
  it('a step beyond sendbuf_max – ends there; a refused one – clears AUTOSIZE', () => {
    ready()
    net.a.sysctl.write('net.inet.tcp.sendbuf_max', 35_000)
    expect(grown()).toBe(35_000)
    ready()
    net.a.sysctl.write('kern.ipc.maxsockbuf', 36_864)
    expect(net.a.sb.settings.sb_max_adj).toBe(32_768)
    expect(grown()).toBe(32_768)
    expect(net.a.sb.sb_flags[snd] & SB_AUTOSIZE).toBe(0)
  })
})

describe('reservations', () => {
  it('soreserve – low-water marks 1 and 2048, clipped; ENOBUFS gives the first half back', () => {
    const { a } = net
    expect(socreate(a)).toBe(0)
    const so = so_result
    const [s, r] = [a.so.so_snd[so], a.so.so_rcv[so]]
    a.sb.sb_lowat[s] = a.sb.sb_lowat[r] = 0
    expect(soreserve(a, so, 1000, 3000)).toBe(0)
    expect([a.sb.sb_lowat[s], a.sb.sb_lowat[r]]).toEqual([1000, 1])
    a.sb.sb_lowat[s] = 0
    soreserve(a, so, 3000, 3000)
    expect(a.sb.sb_lowat[s]).toBe(2048)
    expect(soreserve(a, so, 3000, 2_000_000)).toBe(ENOBUFS)
    expect(a.sb.sb_hiwat[s]).toBe(0)
  })
  it('RLIMIT_SBSIZE – a thread is held to it, input processing is not', () => {
    const { a } = net
    const now = a.sb.settings.ui_sbsize
    a.sb.settings.rlimit_sbsize = now + 1000
    const had = a.sb.sb_hiwat[snd]
    expect(sbreserve(a, snd, had + 1001)).toBe(false)
    expect(sbreserve(a, snd, had + 1000)).toBe(true)
    expect(sbreserve(a, snd, had + 5000, false)).toBe(true)
    expect(sosetopt(a, net.server, SO_SNDBUF, had + 6000)).toBe(ENOBUFS)
  })
  it('SO_SNDBUF and SO_RCVBUF – clear AUTOSIZE of that buffer alone; 0 and too much – errors; a lower mark takes the low-water mark along', () => {
    const { a, server } = net
    const rcv = a.so.so_rcv[server]
    expect(sosetopt(a, server, SO_RCVBUF, 0)).toBe(EINVAL)
    expect(sosetopt(a, server, SO_RCVBUF, 1_864_136)).toBe(ENOBUFS)
    expect(a.sb.sb_flags[rcv] & SB_AUTOSIZE).not.toBe(0)
    expect(sosetopt(a, server, SO_RCVBUF, 1_864_135)).toBe(0)
    expect([a.sb.sb_flags[rcv] & SB_AUTOSIZE, a.sb.sb_flags[snd] & SB_AUTOSIZE]).toEqual([0, SB_AUTOSIZE])
    expect(sosetopt(a, server, SO_SNDLOWAT, 50_000_000)).toBe(0)
    expect(a.sb.sb_lowat[snd]).toBe(a.sb.sb_hiwat[snd])
    expect(sosetopt(a, server, SO_SNDBUF, 1000)).toBe(0)
    expect(a.sb.sb_lowat[snd]).toBe(1000)
  })
})

describe('sysctls of sockets', () => {
  it('soacceptqueue and its old name – 1 to 65535; maxsockets – only upward; numopensockets counts; num_snd_tags 0', () => {
    const { sysctl, so } = net.a
    expect(sysctl.read('kern.ipc.soacceptqueue')).toBe(128)
    for (const bad of [0, 65_536]) expect(sysctl.write('kern.ipc.soacceptqueue', bad)).toBe(EINVAL)
    expect(sysctl.write('kern.ipc.somaxconn', 256)).toBe(0)
    expect(sysctl.read('kern.ipc.soacceptqueue')).toBe(256)
    const max = sysctl.read('kern.ipc.maxsockets') as number
    expect(sysctl.write('kern.ipc.maxsockets', max)).toBe(EINVAL)
    expect(sysctl.write('kern.ipc.maxsockets', max + 1)).toBe(0)
    expect(sysctl.read('kern.ipc.numopensockets')).toBe(so.live)
    expect(sysctl.read('kern.ipc.num_snd_tags')).toBe(0)
  })
})

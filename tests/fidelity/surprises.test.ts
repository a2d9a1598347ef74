/**
 * The surprises of docs/model.md, "Surprises that are real": one test for every line, titled with the line itself. A line without a test and a test
 * without a line both fail. Numbers in brackets below are sections and rows of reference kernel-mbuf-sendfile.
 */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createConsole } from '../../main/console'
import { PROGRAM_TEST } from '../../main/emulator/apps/program'
import { mbufsInUse } from '../../main/emulator/inspect/counters'
import { testMachine } from '../../main/emulator/inspect/testMachine'
import {
  m_freem,
  m_gethdr,
  mb_alloc_ext_pgs,
  mb_unmapped_to_ext,
  mtodAddr,
  setExtFree,
} from '../../main/emulator/kern/kern_mbuf'
import { sendfile, sendfile_sbytes, setSendfileReturn, SLEPT } from '../../main/emulator/kern/kern_sendfile'
import { userWriteText } from '../../main/emulator/kern/subr_uio'
import { sbcut, sbrelease, sbreserve } from '../../main/emulator/kern/uipc_sockbuf'
import { sosetopt } from '../../main/emulator/kern/uipc_socket'
import type { Kernel } from '../../main/emulator/kernel'
import { m_ether_tcpip_hash } from '../../main/emulator/kern/uipc_mbufhash'
import { Machine } from '../../main/emulator/machine/machine'
import { IFCAP_NOMAP, IFCAP_TXCSUM, ifioctl, ifunit } from '../../main/emulator/net/if'
import { configureVlan, vlanOf } from '../../main/emulator/net/if_vlan'
import { copym_len, tcp_m_copym } from '../../main/emulator/netinet/tcp_m_copym'
import { EAGAIN, EBUSY } from '../../main/emulator/sys/errno'
import { EXT_PGS, FREE_TEST_PG, M_EXT, M_NOMAP, M_NOTREADY, MT_DATA } from '../../main/emulator/sys/mbuf'
import { M_NOWAIT } from '../../main/emulator/sys/param'
import { SF_NODISKIO, SF_SYNC, SO_SNDBUF, SS_NBIO } from '../../main/emulator/sys/socket'
import { SIOCSIFCAP } from '../../main/emulator/sys/sockio'
import {
  connectPair,
  createNet,
  createSink,
  type Net,
  type NetOptions,
  ok,
  readInto,
  runUntil,
  scratchBuffer,
} from '../../main/emulator/testkit/netRig'
import { vm_object_of_file, vm_page_lookup } from '../../main/emulator/vm/vm_object'
import { vm_page_tryxbusy } from '../../main/emulator/vm/vm_page'
import { unbusyPage } from '../../main/emulator/vm/vnode_pager'

setSendfileReturn(PROGRAM_TEST, () => undefined)
setExtFree(FREE_TEST_PG, () => undefined)

/** A connection whose server is heard only while it is not mute: what is queued stays queued. Checked at the end: nothing is left behind. */
interface Rig extends Net {
  server: number
  client: number
  mute: { on: boolean }
}
function rig(options: NetOptions & { ext?: boolean; sndbuf?: number } = {}): Rig {
  const mute = { on: true }
  const net = createNet({
    ...options,
    sysctls: { 'kern.ipc.mb_use_ext_pgs': options.ext === false ? '0' : '1', ...options.sysctls },
    wire: { filter: (_frame, from) => !(mute.on && from === 0) },
  })
  mute.on = false
  const pair = connectPair(net)
  mute.on = true
  net.a.so.so_state[pair.server] |= SS_NBIO
  if (options.sndbuf !== undefined) ok(sosetopt(net.a, pair.server, SO_SNDBUF, options.sndbuf), 'SO_SNDBUF')
  return { ...net, ...pair, mute }
}
interface Send {
  file?: number
  offset?: number
  nbytes?: number
  header?: string
  trailer?: string
  flags?: number
}
function send(net: Rig, o: Send = {}): { error: number; sbytes: number } {
  const ub = scratchBuffer(net.a)
  const [header, trailer] = [o.header ?? '', o.trailer ?? '']
  userWriteText(net.a, ub, 0, header)
  userWriteText(net.a, ub, 30_000, trailer)
  const range = { hdrUb: ub, hdrOff: 0, hdrLen: header.length, trlUb: ub, trlOff: 30_000, trlLen: trailer.length }
  const args = {
    object: vm_object_of_file(o.file ?? 0),
    offset: o.offset ?? 0,
    nbytes: o.nbytes ?? 0,
    flags: o.flags ?? 0,
  }
  const error = sendfile(net.a, net.server, { ...args, ...range }, PROGRAM_TEST, 0)
  return { error, sbytes: sendfile_sbytes }
}
const sndOf = (net: Rig): number => net.a.so.so_snd[net.server]
function buffer(net: Rig): { ccc: number; acc: number; mbcnt: number; mcnt: number } {
  const b = net.a.sb
  const sb = sndOf(net)
  return { ccc: b.sb_ccc[sb], acc: b.sb_acc[sb], mbcnt: b.sb_mbcnt[sb], mcnt: b.sb_mcnt[sb] }
}
function chain(net: Rig): { ext: number; npgs: number; len: number; notready: boolean }[] {
  const { mb, pgs } = net.a
  const out = []
  for (let m = net.a.sb.sb_mb[sndOf(net)]; m !== 0; m = mb.m_next[m]) {
    const ext = (mb.m_flags[m] & M_EXT) !== 0 ? mb.ext_type[m] : 0
    const npgs = ext === EXT_PGS ? pgs.npgs[mb.ext_buf[m]] : 0
    out.push({ ext, npgs, len: mb.m_len[m], notready: (mb.m_flags[m] & M_NOTREADY) !== 0 })
  }
  return out
}
/** The client reads everything; then nothing may be left. */
function finish(net: Rig, length: number): Uint8Array {
  net.mute.on = false
  const sink = createSink(length + 100)
  const read = (): boolean => {
    readInto(net.b, net.client, sink)
    return sink.length >= length
  }
  runUntil(net, read, `${length} bytes at the client`)
  net.machine.runUntil(net.machine.time + 300e6)
  expect(net.a.page.vm.wired).toBe(0)
  expect(net.a.uma.zone_extpgs.used).toBe(0)
  return (sink.bytes as Uint8Array).slice(0, sink.length)
}

/** A machine under load on one host's console. */
function loaded(options: Parameters<typeof testMachine>[0] = {}): { machine: Machine; k: Kernel } {
  const machine = testMachine({ ...options })
  machine.runUntil(5e6)
  return { machine, k: machine.kernels[0] }
}
function consoleOf(machine: Machine): (line: string) => { output: string; status: number } {
  const host = createConsole(machine, 0, {
    act: () => ({ output: '', status: 0 }),
  } as unknown as Parameters<typeof createConsole>[2])
  return (line) => {
    const step = host.execute(line)
    return { output: step.output, status: step.status }
  }
}

/** cc0 and igb0 as ports of lagg0. */
function unlikeCards(): { machine: Machine; k: Kernel } {
  const { config, disk } = testMachine({ workload: { startNs: -1 } })
  const [host] = config.hosts
  const [cc0] = host.interfaces
  host.interfaces = [
    { ...cc0, address: '' },
    { ...cc0, name: 'igb0', model: 'igb', address: '' },
  ]
  host.laggs = [{ name: 'lagg0', protocol: 'failover', ports: ['cc0', 'igb0'], address: '192.0.2.1', prefixLength: 24 }]
  const machine = new Machine(config, disk)
  return { machine, k: machine.kernels[0] }
}

const surprises: { [line: string]: () => void } = {
  'One page costs twice the metadata when unmapped: 512 bytes of mbuf and page array instead of 256. The gain begins at three pages.':
    () => {
      // [5.2] Metadata of one iteration: 256 bytes for each mbuf and each page array.
      const cost = (ext: boolean, pages: number): number => {
        const net = rig({ files: [pages * 4096], ext, sndbuf: 200_000 })
        const before = mbufsInUse(net.a)
        send(net)
        const items = buffer(net).mcnt + net.a.uma.zone_extpgs.used
        expect(mbufsInUse(net.a) - before).toBeGreaterThanOrEqual(buffer(net).mcnt)
        finish(net, pages * 4096)
        return items * 256
      }
      expect([cost(false, 1), cost(true, 1)]).toEqual([256, 512])
      expect([cost(false, 2), cost(true, 2)]).toEqual([512, 512])
      expect([cost(false, 3), cost(true, 3)]).toEqual([768, 512])
    },
  '`sb_mbcnt` hardly shrinks with unmapped mbufs: it counts whole pages. `sb_mcnt` is what falls.': () => {
    const queued = (ext: boolean): { mbcnt: number; mcnt: number } => {
      const net = rig({ files: [77_824], ext, sndbuf: 200_000 })
      send(net)
      const { mbcnt, mcnt } = buffer(net)
      finish(net, 77_824)
      return { mbcnt, mcnt }
    }
    // [5.2] 19 pages.
    expect(queued(false)).toEqual({ mbcnt: 82_688, mcnt: 19 })
    expect(queued(true)).toEqual({ mbcnt: 78_080, mcnt: 1 })
  },
  'A send of at most 224 bytes becomes a plain mbuf again, and its page is given back at once.': () => {
    for (const [length, plain] of [
      [224, true],
      [225, false],
    ] as const) {
      const net = rig({ files: [length] })
      send(net)
      expect(chain(net).map(({ ext }) => ext === 0)).toEqual([plain])
      expect(net.a.page.vm.wired).toBe(plain ? 0 : 1)
      finish(net, length)
    }
  },
  'A page is charged whole, however little of it is sent: 225 bytes cost 4352 bytes of `sb_mbcnt`.': () => {
    const net = rig({ files: [225] })
    send(net)
    expect(buffer(net)).toMatchObject({ ccc: 225, mbcnt: 4352 })
    finish(net, 225)
  },
  'As soon as one page of an iteration needs I/O, all pages of the iteration are not ready, also those in memory.':
    () => {
      const net = rig({ files: [5 * 4096], warm: false, sndbuf: 100_000 })
      // [6.4] Page 2 is read, the others of the second call are not in memory yet.
      send(net, { offset: 8192, nbytes: 4096 })
      runUntil(net, () => buffer(net).acc === 4096, 'page 2 to be read')
      const before = net.a.sendfile.stat.sf_pages_valid
      send(net, { nbytes: 5 * 4096 })
      expect(net.a.sendfile.stat.sf_pages_valid).toBe(before + 1)
      expect(chain(net).at(-1)).toMatchObject({ npgs: 5, notready: true })
      expect(net.a.pgs.nrdy[net.a.mb.ext_buf[net.a.sb.sb_mbtail[sndOf(net)]]]).toBe(5)
      expect(buffer(net).acc).toBe(4096)
      finish(net, 6 * 4096)
    },
  'The buffer decides how long unmapped mbufs get: with the default 32 KiB of `net.inet.tcp.sendspace` the first ones hold eight pages, not nineteen.':
    () => {
      const net = rig({ files: [300_000] })
      expect(send(net)).toEqual({ error: EAGAIN, sbytes: 32_768 })
      expect(chain(net).map(({ npgs }) => npgs)).toEqual([8])
      finish(net, 32_768)
    },
  '`-nomap` does not change the socket buffer. It splits every burst in `ip_output`, one mbuf a page, and copies no payload.':
    () => {
      const { machine, k } = loaded({ nomap: false })
      const s = k.mbstat
      expect(s.conversions).toBe(s.nomap_sent)
      expect(s.conversions).toBeGreaterThan(10)
      expect(s.converted_mbufs).toBe(s.converted_pages)
      expect(s.copied_bytes).toBe(0)
      let unmapped = 0
      for (let so = 1; so < k.so.high; so++)
        for (let m = k.sb.sb_mb[k.so.so_snd[so]]; m !== 0; m = k.mb.m_next[m])
          if ((k.mb.m_flags[m] & M_NOMAP) !== 0) unmapped++
      expect(unmapped).toBeGreaterThan(0)
      expect(machine.kernels[1].apps.client.stat.bytes_corrupt).toBe(0)
    },
  '`-txcsum` alone forces conversion too, although NOMAP stays on.': () => {
    const { k } = loaded({ capabilities: { txcsum: false } })
    const on = k.ifnet.if_capenable[ifunit(k, 'cc0')]
    expect([on & IFCAP_TXCSUM, on & IFCAP_NOMAP]).toEqual([0, IFCAP_NOMAP])
    expect(k.mbstat.conversions).toBeGreaterThan(10)
    expect(k.mbstat.conversions).toBe(k.mbstat.nomap_sent)
  },
  '`-txcsum6` alone converts what goes over IPv6, and `-txcsum` does not: each family has its own switch.': () => {
    const over6 = (keyword: string): Kernel => loaded({ family: 'inet6', capabilities: { [keyword]: false } }).k
    const { mbstat } = over6('txcsum6')
    expect(mbstat.conversions).toBeGreaterThan(10)
    expect(mbstat.conversions).toBe(mbstat.nomap_sent)
    const other = over6('txcsum').mbstat
    expect(other.nomap_sent).toBeGreaterThan(10)
    expect(other.conversions).toBe(0)
  },
  'A vlan without `vlanhwtag` on its trunk keeps NOMAP and converts all the same, for the checksum.': () => {
    const { k } = loaded({ workload: { startNs: -1 } })
    configureVlan(k, 'vlan3', 'cc0', 3, '198.51.100.1', 24)
    const [cc0, vlan] = [ifunit(k, 'cc0'), ifunit(k, 'vlan3')]
    const before = k.ifnet.if_hwassist[vlan]
    ifioctl(k, 'cc0', SIOCSIFCAP, { ifr_reqcap: k.ifnet.if_capenable[cc0] & ~0x10 })
    expect(k.ifnet.if_capenable[vlan] & IFCAP_NOMAP).toBe(IFCAP_NOMAP)
    // [10.2 row 19] Without CSUM_TCP in hwassist ip_output sums in software; traffic: main/emulator/net/if_vlan.traffic.test.ts.
    expect(before & 4).toBe(4)
    expect(k.ifnet.if_hwassist[vlan] & 4).toBe(0)
    expect(vlanOf(k, vlan)).not.toBe(0)
  },
  'A port that lost NOMAP to a lagg does not get it back when the port without NOMAP leaves: only `ifconfig lagg0 nomap` does that, or leaving oneself.':
    () => {
      // [10.2 row 20]
      const { machine, k } = unlikeCards()
      const ifconfig = consoleOf(machine)
      const nomap = (): number[] => ['cc0', 'lagg0'].map((name) => k.ifnet.if_capenable[ifunit(k, name)] & IFCAP_NOMAP)
      expect(nomap()).toEqual([0, 0])
      ifconfig('ifconfig lagg0 -laggport igb0')
      expect(nomap()).toEqual([0, 0])
      ifconfig('ifconfig lagg0 nomap')
      expect(nomap()).toEqual([IFCAP_NOMAP, IFCAP_NOMAP])
      ifconfig('ifconfig lagg0 laggport igb0')
      expect(nomap()).toEqual([0, 0])
      ifconfig('ifconfig lagg0 -laggport cc0')
      expect(nomap()).toEqual([IFCAP_NOMAP, 0])
    },
  'A lagg of unlike cards keeps the default limits of TSO, 35 segments of 2048 bytes: limits are looked at only when nothing else has changed.':
    () => {
      const { k } = unlikeCards()
      const t = k.ifnet
      const limits = (name: string): number[] => {
        const ifp = ifunit(k, name)
        return [t.if_hw_tsomax[ifp], t.if_hw_tsomaxsegcount[ifp], t.if_hw_tsomaxsegsize[ifp]]
      }
      expect(limits('lagg0')).toEqual([65518, 35, 2048])
      expect([limits('cc0'), limits('igb0')]).toEqual([
        [65535, 38, 65536],
        [65535, 37, 4096],
      ])
    },
  'loadbalance over a vlan whose tag stands in the frame does not see addresses and ports: the kernel looks for the tag 14 bytes too late, and hashes the checksum of the IP header instead.':
    () => {
      const { a } = createNet()
      const hash = (tagged: boolean, port: number, sum: number): number => {
        const m = m_gethdr(a, M_NOWAIT, MT_DATA)
        const at = mtodAddr(a, m)
        const ip = at + (tagged ? 18 : 14)
        const { ram } = a.phys
        ram.fill(0, at, at + 60)
        ram.set(tagged ? [0x81, 0, 0, 10, 8, 0] : [8, 0], at + 12)
        ram[ip] = 0x45
        ram[ip + 9] = 6
        ram[ip + 11] = sum
        ram[ip + 12] = 10
        ram[ip + 21] = port
        a.mb.m_len[m] = 60
        a.mb.ph_len[m] = 60
        const value = m_ether_tcpip_hash(a, 0x1c, m, 1)
        m_freem(a, m)
        return value
      }
      expect(hash(false, 1, 0)).not.toBe(hash(false, 2, 0))
      expect(hash(true, 1, 0)).toBe(hash(true, 2, 0))
      expect(hash(true, 1, 0)).not.toBe(hash(true, 1, 1))
    },
  '`ifconfig IF nomap` on a card without it prints nothing, changes nothing and exits 0.': () => {
    const { machine, k } = loaded({ model: 'igb', workload: { startNs: -1 } })
    const before = k.ifnet.if_capenable[ifunit(k, 'igb0')]
    expect(consoleOf(machine)('ifconfig igb0 nomap')).toEqual({ output: '', status: 0 })
    expect(k.ifnet.if_capenable[ifunit(k, 'igb0')]).toBe(before)
  },
  'A trailer is sent without its header when the offset lies at the end of the file.': () => {
    const net = rig({ files: [5000] })
    expect(send(net, { offset: 5000, header: 'head', trailer: 'tail' })).toEqual({ error: 0, sbytes: 4 })
    expect(String.fromCharCode(...finish(net, 4))).toBe('tail')
  },
  '`mb_unmapped_to_ext` takes an unmapped mbuf that shows 0 bytes for a failure and frees the packet.': () => {
    const { a } = createNet()
    const before = mbufsInUse(a)
    const head = m_gethdr(a, M_NOWAIT, MT_DATA)
    a.mb.m_len[head] = 40
    a.mb.m_next[head] = pages(a, 1)
    a.mb.m_len[a.mb.m_next[head]] = 0
    expect(mb_unmapped_to_ext(a, head)).toBe(0)
    expect([mbufsInUse(a), a.uma.zone_extpgs.used]).toEqual([before, 0])
  },
  'Three small cold sends are merged only if they complete in reverse order: the range that became ready is merged, not what lies before it.':
    () => {
      for (const [latencies, lengths] of [
        [
          [1e6, 2e6, 3e6],
          [100, 100, 100],
        ],
        [
          [3e6, 2e6, 1e6],
          [200, 100],
        ],
      ] as const) {
        const net = rig({ files: [100, 100, 100], warm: false, diskBytesPerSecond: 1e12 })
        latencies.forEach((latency, file) => {
          net.machine.config.files.diskLatencyNs = latency
          send(net, { file })
        })
        runUntil(net, () => buffer(net).acc === 300, 'all to be read')
        expect(chain(net).map(({ len }) => len)).toEqual(lengths)
        finish(net, 300)
      }
    },
  '`SF_NODISKIO` does not mean no disk I/O: a page that is merely not in memory is read; only a busy page ends the call, with `EBUSY`.':
    () => {
      const net = rig({ files: [8192], warm: false })
      expect(send(net, { flags: SF_NODISKIO })).toEqual({ error: 0, sbytes: 8192 })
      expect(net.a.disk.state.reads).toBe(1)
      runUntil(net, () => buffer(net).acc === 8192, 'the read')
      const page = vm_page_lookup(net.a, vm_object_of_file(0), 1)
      vm_page_tryxbusy(net.a, page)
      expect(send(net, { flags: SF_NODISKIO })).toEqual({ error: EBUSY, sbytes: 4096 })
      unbusyPage(net.a, page)
      finish(net, 12_288)
    },
  '`sendfile syscalls completed without I/O request` counts iterations: one call for a large cached file on a small buffer counts several.':
    () => {
      const net = rig({ files: [200_000] })
      net.a.so.so_state[net.server] &= ~SS_NBIO
      expect(send(net).error).toBe(SLEPT)
      finish(net, 200_000)
      expect(net.a.sendfile.stat.sf_syscalls).toBe(1)
      expect(net.a.sendfile.stat.sf_noiocnt).toBeGreaterThan(3)
    },
  '`SF_SYNC` waits for pages when they are mapped, for mbufs when they are not.': () => {
    for (const [ext, count] of [
      [false, 8],
      [true, 1],
    ] as const) {
      const net = rig({ files: [32_768], ext })
      net.a.so.so_state[net.server] &= ~SS_NBIO
      expect(send(net, { flags: SF_SYNC }).error).toBe(SLEPT)
      expect(net.a.sendfile.sync.count[1]).toBe(count)
      finish(net, 32_768)
      expect(net.a.sendfile.sync.live).toBe(0)
    }
  },
  'A send buffer cannot grow to `net.inet.tcp.sendbuf_max`: with the default `kern.ipc.maxsockbuf` at most 1 864 135 bytes are granted, so that steps of 8 KiB from 32 KiB end at 1 859 584.':
    () => {
      // [5.3]
      const { a } = createNet()
      const sb = a.sb.alloc()
      let hiwat = 32_768
      while (sbreserve(a, sb, hiwat + 8192)) hiwat += 8192
      expect([hiwat, a.sb.sb_hiwat[sb]]).toEqual([1_859_584, 1_859_584])
      expect([sbreserve(a, sb, 1_864_135), sbreserve(a, sb, 1_864_136)]).toEqual([true, false])
      expect(a.sysctl.read('net.inet.tcp.sendbuf_max')).toBe(2_097_152)
      sbrelease(a, sb)
    },
  'Dropping acknowledged data frees it back to front.': () => {
    const net = rig({ files: [300, 300, 300] })
    for (const file of [0, 1, 2]) send(net, { file })
    const order: number[] = []
    for (let m = net.a.sb.sb_mb[sndOf(net)]; m !== 0; m = net.a.mb.m_next[m]) order.push(m)
    const { machine } = net
    const there = machine.snapshot()
    const cut: number[] = []
    for (let m = sbcut(net.a, sndOf(net), 900); m !== 0; m = net.a.mb.m_next[m]) cut.push(m)
    expect(cut).toEqual(order.reverse())
    machine.restore(there)
    finish(net, 900)
  },
  'Page arrays (`mbuf_extpgs`) have no limit and no line in `netstat -m`; `vmstat -z` shows them.': () => {
    const { machine, k } = loaded({ workload: { startNs: -1 } })
    const run = consoleOf(machine)
    expect(run('netstat -m').output).not.toMatch(/extpgs|ext_pgs/)
    expect(run('vmstat -z').output).toMatch(/^mbuf_extpgs: +256, +0,/m)
    expect(k.uma.zone_extpgs.limit).toBe(0)
  },
  'A card whose TSO limit is four segments cannot send one byte of an unmapped mbuf in a burst: three are set aside for page border, header and trailer.':
    () => {
      const { a } = createNet()
      const m = pages(a, 19)
      expect(tcp_m_copym(a, m, 0, 64_000, 4, 65_536, 0)).toBe(0)
      expect(copym_len).toBe(0)
      const copy = tcp_m_copym(a, m, 0, 64_000, 5, 65_536, 0)
      expect(copym_len).toBe(4096)
      m_freem(a, copy)
      m_freem(a, m)
    },
  'What a host sends to itself is always converted: lo0 has no NOMAP.': () => {
    const { k } = loaded({ workload: { startNs: -1 } })
    expect(k.ifnet.if_capabilities[ifunit(k, 'lo0')] & IFCAP_NOMAP).toBe(0)
    expect((k.ifnet.if_capenable[ifunit(k, 'lo0')] >>> 0).toString(16)).toBe('680003')
  },
}

/** An unmapped mbuf of `n` pages of nobody. */
function pages(k: Kernel, n: number): number {
  const m = mb_alloc_ext_pgs(k, M_NOWAIT, false, FREE_TEST_PG)
  const p = k.mb.ext_buf[m]
  k.pgs.npgs[p] = n
  k.pgs.last_pg_len[p] = 4096
  for (let i = 0; i < n; i++) k.pgs.pa[p * 19 + i] = 2 + i
  k.mb.m_len[m] = n * 4096
  k.mb.ext_size[m] = n * 4096
  return m
}

describe('surprises that are real', () => {
  for (const [line, check] of Object.entries(surprises)) it(line, check)

  it('every line of docs/model.md has its test, and every test its line', () => {
    const text = readFileSync(resolve(import.meta.dirname, '../../docs/model.md'), 'utf8')
    const section = text.slice(text.indexOf('## Surprises that are real'))
    const lines = section.split('\n').filter((line) => line.startsWith('- '))
    expect(lines.map((line) => line.slice(2)).sort()).toEqual(Object.keys(surprises).sort())
  })
})

/** Web traffic over IPv6 between two whole hosts: every byte compared, conversions counted, nothing left. Reference kernel-mbuf-sendfile 4.2, 4.3, 8.1. */
import { describe, expect, it } from 'vitest'
import { drainLoad } from '../apps/apps'
import { leakCheck, memoryUse } from '../inspect/memoryUse'
import { testMachine, type TestOptions } from '../inspect/testMachine'
import type { Kernel } from '../kernel'
import { so_result, soaccept, sobind, soclose, soconnect, socreate, solisten } from '../kern/uipc_socket'
import { Machine } from '../machine/machine'
import { IFCAP_TXCSUM_IPV6, ifioctl, ifunit } from '../net/if'
import { sototcpcb } from '../netinet/tcp_usrreq'
import { TF_TSO } from '../netinet/tcp_var'
import { EADDRINUSE, EAFNOSUPPORT } from '../sys/errno'
import { SIOCSIFCAP, SIOCSIFMTU } from '../sys/sockio'
import { AF_INET6, SS_ISCONNECTED, SS_NBIO } from '../sys/socket'
import { in6_row } from './in6'

interface Outcome {
  server: Kernel
  client: Kernel
}

/** Runs the load for 3 ms and lets it end; bytes and memory are checked. */
function served(machine: Machine, during?: (machine: Machine) => void): Outcome {
  const [server, client] = machine.kernels
  const base = machine.kernels.map(memoryUse)
  machine.runUntil(1.5e6)
  during?.(machine)
  machine.runUntil(3e6)
  expect(drainLoad(machine)).toBe(true)
  const { stat } = client.apps.client
  expect([stat.bytes_corrupt, stat.badStatus, stat.errors]).toEqual([0, 0, 0])
  expect(stat.bytes_verified).toBeGreaterThan(300_000)
  expect(machine.kernels.map((k, i) => leakCheck(k, base[i]))).toEqual([{}, {}])
  // Not one packet of IPv4.
  expect([server.inet.ipstat.ips_total, client.inet.ipstat.ips_total]).toEqual([0, 0])
  return { server, client }
}

const machineOf = (options: TestOptions = {}): Machine => testMachine({ family: 'inet6', ...options })

describe('who gets unmapped mbufs (4.2)', () => {
  const rows: { what: string; options: TestOptions; converts: boolean; tso: boolean; sums: boolean }[] = [
    { what: 'as it is', options: {}, converts: false, tso: true, sums: false },
    { what: '-nomap', options: { nomap: false }, converts: true, tso: true, sums: false },
    // "tso6 disabled due to -txcsum6": one packet a segment, each summed in software.
    { what: '-txcsum6', options: { capabilities: { txcsum6: false } }, converts: true, tso: false, sums: true },
    { what: '-tso6', options: { capabilities: { tso6: false } }, converts: false, tso: false, sums: false },
    // What belongs to IPv4 changes nothing.
    {
      what: '-txcsum -tso4',
      options: { capabilities: { txcsum: false, tso4: false } },
      converts: false,
      tso: true,
      sums: false,
    },
    { what: 'igb', options: { model: 'igb' as const, link: { rateBps: 1e9 } }, converts: true, tso: true, sums: false },
    {
      what: 'igb -txcsum6',
      options: { model: 'igb' as const, link: { rateBps: 1e9 }, capabilities: { txcsum6: false } },
      converts: true,
      // iflib does not tie TSO to checksums: the card sums again what it cuts.
      tso: true,
      sums: true,
    },
  ]
  it.each(rows)(
    '$what – every byte arrives; converted: $converts, TSO: $tso, software sums: $sums',
    ({ options, ...expected }) => {
      const { server, client } = served(machineOf(options))
      const { mbstat, inet } = server
      expect(mbstat.nomap_sent).toBeGreaterThan(20)
      expect(mbstat.conversions).toBe(expected.converts ? mbstat.nomap_sent : 0)
      expect(inet.tcpstat.lab_tsobursts > 0).toBe(expected.tso)
      expect(inet.ipstat.lab_swcsum_packets > 0).toBe(expected.sums)
      // Bursts are joined on receive: far fewer packets than segments of 1428 bytes.
      const segments = client.apps.client.stat.bytes_verified / 1428
      expect(client.inet6.ip6stat.ip6s_delivered < segments / 2).toBe(expected.tso)
      // Sums are checked by the client's card: none is bad.
      expect(client.inet.tcpstat.tcps_rcvbadsum).toBe(0)
    },
  )

  it('the receiver without rxcsum6 – sums in software and does not join', () => {
    const plain = machineOf()
    plain.config.hosts[1].interfaces[0].capabilities = { rxcsum6: false }
    const { client } = served(new Machine(plain.config, plain.disk))
    expect(client.inet.tcpstat.tcps_rcvbadsum).toBe(0)
    expect(client.inet6.ip6stat.ip6s_delivered).toBeGreaterThan(client.apps.client.stat.bytes_verified / 1428)
  })

  it('mapped mbufs – nothing to convert', () => {
    const { server } = served(machineOf({ extPgs: false, nomap: false }))
    expect(server.mbstat.conversions).toBe(0)
  })

  it('loss, duplicates and packets out of order – retransmitted until every byte is there', () => {
    for (const nomap of [true, false]) {
      const { server } = served(machineOf({ nomap, link: { loss: 0.01, duplicate: 0.01, reorder: 0.01 } }))
      expect(server.inet.tcpstat.tcps_sndrexmitpack).toBeGreaterThan(0)
      expect(server.mbstat.conversions > 0).toBe(!nomap)
    }
  })

  it('txcsum6 switched off under load – the next packets are converted and summed, TSO of connections ends with the first refusal', () => {
    const { server } = served(machineOf(), ({ kernels: [k] }) => {
      expect(k.mbstat.conversions).toBe(0)
      const ifp = ifunit(k, 'cc0')
      ifioctl(k, 'cc0', SIOCSIFCAP, { ifr_reqcap: k.ifnet.if_capenable[ifp] & ~IFCAP_TXCSUM_IPV6 })
    })
    expect(server.mbstat.conversions).toBeGreaterThan(20)
    expect(server.inet.ipstat.lab_swcsum_packets).toBeGreaterThan(20)
  })

  it('through a vlan, tags by the card or in the frame – conversions follow the vlan', () => {
    for (const vlanhwtag of [true, false]) {
      const plain = machineOf({ capabilities: { vlanhwtag } })
      plain.config.hosts.forEach((host, id) => {
        host.vlans = [
          {
            name: 'vlan10',
            parent: 'cc0',
            tag: 10,
            address: `198.51.100.${id + 1}`,
            prefixLength: 24,
            address6: `2001:db8:0:10::${id + 1}`,
          },
        ]
      })
      plain.config.workload.server = '2001:db8:0:10::1'
      const { server } = served(new Machine(plain.config, plain.disk))
      expect(server.ifnet.if_opackets[ifunit(server, 'vlan10')]).toBeGreaterThan(20)
      // 10.2 row 19: without tagging by the card the vlan has NOMAP but no checksums.
      expect(server.mbstat.conversions).toBe(vlanhwtag ? 0 : server.mbstat.nomap_sent)
    }
  })
})

describe('segments and limits', () => {
  it('MSS – 20 bytes less than over IPv4; TSO needs IFCAP_TSO6', () => {
    const maxseg = (options: TestOptions): [number, boolean] => {
      const machine = testMachine({ connections: 1, ...options })
      machine.runUntil(2e6)
      const { tcp } = machine.kernels[0].inet
      const tp = Array.from({ length: tcp.high }, (_, i) => i).find(
        (i) => tcp.t_inpcb[i] !== 0 && tcp.t_state[i] === 4,
      )!
      return [tcp.t_maxseg[tp], (tcp.t_flags[tp] & TF_TSO) !== 0]
    }
    expect(maxseg({})).toEqual([1460, true])
    expect(maxseg({ family: 'inet6' })).toEqual([1440, true])
    expect(maxseg({ family: 'inet6', capabilities: { tso6: false } })).toEqual([1440, false])
    expect(maxseg({ capabilities: { tso6: false } })).toEqual([1460, true])
  })

  it('the MTU lowered under load – segments of old connections are fragmented, converted and summed (4.2 step 4), put together by the peer', () => {
    const machine = machineOf({ capabilities: { tso6: false } })
    const { server, client } = served(machine, ({ kernels: [k] }) => {
      expect(k.mbstat.conversions).toBe(0)
      expect(ifioctl(k, 'cc0', SIOCSIFMTU, { ifr_mtu: 1280 })).toBe(0)
    })
    const sent = server.inet6.ip6stat
    const got = client.inet6.ip6stat
    expect(sent.ip6s_fragmented).toBeGreaterThan(50)
    expect(sent.ip6s_ofragments).toBe(2 * sent.ip6s_fragmented)
    expect(got.ip6s_reassembled).toBe(sent.ip6s_fragmented)
    expect(got.ip6s_fragments).toBe(sent.ip6s_ofragments)
    expect(server.mbstat.conversions).toBeGreaterThan(50)
    expect(server.mbstat.nomap_sent).toBeGreaterThan(server.mbstat.conversions)
    expect(server.inet.ipstat.lab_swcsum_packets).toBe(sent.ip6s_fragmented)
  })

  it('fragments that get lost – the rest waits for 60 s and is given up; TCP sends again', () => {
    const machine = machineOf({ capabilities: { tso6: false }, link: { loss: 0.02 } })
    const { client } = served(machine, ({ kernels: [k] }) => ifioctl(k, 'cc0', SIOCSIFMTU, { ifr_mtu: 1280 }))
    const stat = client.inet6.ip6stat
    expect(stat.ip6s_reassembled).toBeGreaterThan(50)
    expect(stat.ip6s_fragtimeout).toBeGreaterThan(0)
    expect(client.inet6.frag.q.live).toBe(0)
  })
})

describe('no mbuf for the conversion (4.3)', () => {
  it('ENOBUFS – the congestion window is one segment, the application sees nothing, every byte arrives', () => {
    const machine = machineOf({ connections: 1, nomap: false })
    const [k] = machine.kernels
    machine.runUntil(2e6)
    const { tcp, ipstat, tcpstat } = k.inet
    const start = machine.snapshot()
    // Which of the next allocations is one of a conversion shows when it fails.
    for (let n = 1; n < 100 && ipstat.lab_convert_failed === 0; n++) {
      machine.restore(start)
      k.uma.failAt(n)
      while (k.uma.countdown !== 0) machine.step()
    }
    expect(ipstat.lab_convert_failed).toBe(1)
    expect(tcpstat.lab_nobufs).toBeGreaterThan(0)
    const tp = Array.from({ length: tcp.high }, (_, i) => i).find((i) => tcp.t_inpcb[i] !== 0 && tcp.t_state[i] === 4)!
    expect(tcp.snd_cwnd[tp]).toBeLessThanOrEqual(2 * tcp.t_maxseg[tp])
    expect(tcp.t_timer[tp * 5 + 1]).toBeGreaterThan(0)
    expect(drainLoad(machine)).toBe(true)
    const { stat } = machine.kernels[1].apps.client
    expect([stat.bytes_corrupt, stat.errors]).toEqual([0, 0])
  })
})

describe('both families on one host', () => {
  it('a port – is free for IPv6 while IPv4 has it; connections over lo0 find the listener of their family', () => {
    const machine = testMachine({ family: 'inet6', workload: { startNs: -1 } })
    const [k] = machine.kernels
    const open = (family?: number): number => {
      expect(socreate(k, family)).toBe(0)
      k.so.so_state[so_result] |= SS_NBIO
      return so_result
    }
    const listen4 = open()
    const listen6 = open(AF_INET6)
    expect([sobind(k, listen4, 0, 8080), sobind(k, listen6, 0, 8080)]).toEqual([0, 0])
    expect(sobind(k, open(AF_INET6), 0, 8080)).toBe(EADDRINUSE)
    expect(sobind(k, open(AF_INET6), 0x7f000001, 8081)).toBe(EAFNOSUPPORT)
    expect([solisten(k, listen4, -1), solisten(k, listen6, -1)]).toEqual([0, 0])
    const loopback6 = in6_row(k, 0, 0, 0, 1)
    const [client4, client6] = [open(), open(AF_INET6)]
    expect(soconnect(k, client4, loopback6, 8080)).toBe(EAFNOSUPPORT)
    expect(soconnect(k, client6, 0x7f000001, 8080)).toBe(EAFNOSUPPORT)
    expect([soconnect(k, client4, 0x7f000001, 8080), soconnect(k, client6, loopback6, 8080)]).toEqual([0, 0])
    machine.runUntil(10e6)
    for (const [client, listen] of [
      [client4, listen4],
      [client6, listen6],
    ]) {
      expect(k.so.so_state[client] & SS_ISCONNECTED).not.toBe(0)
      const accepted = soaccept(k, listen)
      expect(accepted).not.toBe(0)
      expect(soaccept(k, listen)).toBe(0)
      expect(sototcpcb(k, accepted)).not.toBe(0)
      soclose(k, accepted)
      soclose(k, client)
      soclose(k, listen)
    }
    // lo0 has MTU 16384 and takes sums of IPv6 as they are.
    expect(k.inet.ipstat.lab_swcsum_packets).toBe(0)
  })

  it('nobody uses IPv6 – the digest is that of a machine without; one packet of it changes the digest', () => {
    const options = { workload: { startNs: -1 } }
    const [a, b] = [testMachine(options), testMachine(options)]
    expect(a.registry.digestParts().some(({ name }) => name === 'host0.in6.addr')).toBe(true)
    expect(a.digest()).toBe(b.digest())
    a.kernels[0].inet6.ip6stat.ip6s_total++
    expect(a.digest()).not.toBe(b.digest())
  })
})

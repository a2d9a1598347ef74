import { describe, expect, it } from 'vitest'
import { m_freem, m_get, m_getcl } from '../kern/kern_mbuf'
import { MT_DATA } from '../sys/mbuf'
import { M_NOWAIT, M_WAITOK, M_WOKEN } from '../sys/param'
import { createMemoryKernel, type MemoryKernel } from '../testing'
import {
  uma_zalloc,
  uma_zfree,
  uma_zone_awake,
  uma_zone_set_max,
  umaSleep,
  UMA_SLEEP_VMWAIT,
  zone_drain_all,
} from './uma_core'

/** Takes n mbufs; rows, 0 where refused. */
const take = (k: MemoryKernel, n: number): number[] => Array.from({ length: n }, () => m_get(k, M_NOWAIT, MT_DATA))

describe('zones (kernel-mbuf-sendfile 2.1, 2.4)', () => {
  it('at boot – vmstat -z – the seven zones with their item sizes, none in use', () => {
    const rows = createMemoryKernel().uma.zones()
    expect(rows.map((row) => [row.name, row.size])).toEqual([
      ['mbuf', 256],
      ['mbuf_cluster', 2048],
      ['mbuf_packet', 256],
      ['mbuf_jumbo_page', 4096],
      ['mbuf_jumbo_9k', 9216],
      ['mbuf_jumbo_16k', 16384],
      ['mbuf_extpgs', 256],
    ])
    expect(rows.every((row) => row.used === 0)).toBe(true)
    expect(rows.find((row) => row.name === 'mbuf_extpgs')!.limit).toBe(0)
    // The packet zone shares the limit of the mbuf zone.
    expect(rows[2].limit).toBe(rows[0].limit)
  })

  it('an empty CPU cache – the first mbuf is taken – a bucket of 253 is filled from the keg', () => {
    const k = createMemoryKernel()
    take(k, 1)
    expect(k.uma.zone_mbuf.cached).toBe(252)
    // 15 mbufs share a page with the slab header: 17 pages for 253.
    expect(k.uma.zone_mbuf.keg.pages).toBe(17)
    expect(k.uma.zone_mbuf.keg.free).toBe(2)
  })

  it('items freed – the next allocation on the same CPU – gets the one freed last', () => {
    const k = createMemoryKernel()
    const [a, b] = take(k, 2)
    m_freem(k, a)
    m_freem(k, b)
    expect(take(k, 2)).toEqual([b, a])
  })

  it('freed on another CPU – allocated there – the cache belongs to the CPU', () => {
    const k = createMemoryKernel({ ncpu: 2 })
    const [a] = take(k, 1)
    k.cpu.current = 1
    m_freem(k, a)
    expect(take(k, 1)).toEqual([a])
    k.cpu.current = 0
    expect(take(k, 1)[0]).not.toBe(a)
  })

  it('more freed than two buckets hold – all taken again – full buckets went through the zone and none is lost', () => {
    const k = createMemoryKernel()
    const rows = take(k, 2000)
    const { pages } = k.uma.zone_mbuf.keg
    for (const m of rows) m_freem(k, m)
    expect(k.uma.zone_mbuf.used).toBe(0)
    expect(k.uma.zone_mbuf.cached).toBe(8 * 253)
    expect(new Set(take(k, 2000)).size).toBe(2000)
    expect(k.uma.zone_mbuf.keg.pages).toBe(pages)
    expect(k.uma.zone_mbuf.requests).toBe(4000)
  })

  it('caches drained – the keg – has every item back', () => {
    const k = createMemoryKernel()
    for (const m of take(k, 600)) m_freem(k, m)
    zone_drain_all(k, k.uma.zone_mbuf)
    const zone = k.uma.zone_mbuf
    expect(zone.cached).toBe(0)
    expect(zone.keg.free).toBe(zone.keg.pages * 15)
  })

  it('item sizes – slabs – 15 mbufs, 2 clusters, 1 jumbo page a slab; 9k and 16k take 3 and 4 pages', () => {
    const k = createMemoryKernel()
    const shape = Object.fromEntries(k.uma.list.map((zone) => [zone.name, [zone.keg.ipers, zone.keg.ppera]]))
    expect(shape).toMatchObject({
      mbuf: [15, 1],
      mbuf_cluster: [2, 1],
      mbuf_jumbo_page: [1, 1],
      mbuf_jumbo_9k: [1, 3],
      mbuf_jumbo_16k: [1, 4],
      mbuf_extpgs: [15, 1],
    })
  })
})

describe('limits (kernel-mbuf-sendfile 2.2)', () => {
  it('a low limit – set – buckets shrink so that all CPU caches together fit in it', () => {
    const k = createMemoryKernel({ ncpu: 2 })
    expect(uma_zone_set_max(k, k.uma.zone_mbuf, 100)).toBe(100)
    // Two buckets per CPU: 4 × 13 = 52 fit in 100, 4 × 29 would not.
    expect(k.uma.zone_mbuf.count).toBe(13)
    expect(uma_zone_set_max(k, k.uma.zone_mbuf, 1)).toBe(4)
  })

  it('at the limit – M_NOWAIT – 0, one failure counted, one warning in 300 s', () => {
    const k = createMemoryKernel()
    uma_zone_set_max(k, k.uma.zone_mbuf, 10)
    expect(take(k, 12).filter((m) => m !== 0)).toHaveLength(10)
    expect(k.uma.zone_mbuf.fails).toBe(2)
    expect(k.msgbuf.lines).toEqual(['[zone: mbuf] kern.ipc.nmbufs limit reached'])
    k.time = 299e9
    take(k, 1)
    expect(k.msgbuf.lines).toHaveLength(1)
    k.time = 300e9
    take(k, 1)
    expect(k.msgbuf.lines).toHaveLength(2)
  })

  it('warnings switched off – at the limit – the log stays empty', () => {
    const k = createMemoryKernel({ tunables: { 'vm.zone_warnings': '0' } })
    uma_zone_set_max(k, k.uma.zone_mbuf, 4)
    take(k, 8)
    expect(k.msgbuf.lines).toEqual([])
  })

  it('at the limit – M_WAITOK – a sleep is counted, and the next item freed wakes the sleeper', () => {
    const k = createMemoryKernel()
    uma_zone_set_max(k, k.uma.zone_mbuf, 2)
    const [a] = take(k, 2)
    let woken = 0
    k.uma.wakeup = () => woken++
    expect(m_get(k, M_WAITOK, MT_DATA)).toBe(0)
    expect([k.uma.zone_mbuf.sleeps, k.uma.zone_mbuf.fails, k.uma.zone_mbuf.sleepers]).toEqual([1, 0, 1])
    expect(umaSleep).toBe(k.uma.zone_mbuf.id)
    m_freem(k, a)
    expect(woken).toBe(1)
    // On its way somebody else takes the item: it sleeps on, and that is the same sleep.
    expect(m_get(k, M_NOWAIT, MT_DATA)).toBe(a)
    uma_zone_awake(k.uma.zone_mbuf)
    expect(m_get(k, M_WAITOK | M_WOKEN, MT_DATA)).toBe(0)
    expect([k.uma.zone_mbuf.sleeps, k.uma.zone_mbuf.sleepers]).toEqual([1, 1])
    m_freem(k, a)
    uma_zone_awake(k.uma.zone_mbuf)
    expect(m_get(k, M_WAITOK | M_WOKEN, MT_DATA)).toBe(a)
    expect(k.uma.zone_mbuf.sleepers).toBe(0)
  })

  it('a packet whose cluster is at its limit – M_WAITOK – sleeps for the cluster, its mbuf goes back', () => {
    const k = createMemoryKernel()
    uma_zone_set_max(k, k.uma.zone_clust, 4)
    while (m_getcl(k, M_NOWAIT, MT_DATA, 0) !== 0);
    const { used } = k.uma.zone_mbuf
    expect(m_getcl(k, M_WAITOK, MT_DATA, 0)).toBe(0)
    expect(umaSleep).toBe(k.uma.zone_clust.id)
    expect([k.uma.zone_clust.sleeps, k.uma.zone_pack.sleeps, k.uma.zone_mbuf.used]).toEqual([1, 0, used])
  })

  it('mbufs with clusters – count against the limit of the mbuf zone', () => {
    const k = createMemoryKernel()
    uma_zone_set_max(k, k.uma.zone_mbuf, 10)
    const packets = Array.from({ length: 5 }, () => m_getcl(k, M_NOWAIT, MT_DATA, 0))
    expect(packets.every((m) => m !== 0)).toBe(true)
    expect(take(k, 10).filter((m) => m !== 0).length).toBeLessThanOrEqual(5)
  })

  it('the maximum action – runs when the limit is hit', () => {
    const k = createMemoryKernel()
    uma_zone_set_max(k, k.uma.zone_mbuf, 4)
    const zones: string[] = []
    k.uma.maxAction = (_k, zone) => zones.push(zone.name)
    take(k, 5)
    expect(zones).toEqual(['mbuf'])
  })

  it('physical memory used up but for two pages, which interrupts keep – M_NOWAIT – 0 and a failure; M_WAITOK – waits for a page', () => {
    const k = createMemoryKernel({ memoryBytes: 20 * 4096, tunables: { 'kern.ipc.nmbufs': '10000' } })
    expect(take(k, 400).filter((m) => m !== 0)).toHaveLength(18 * 15)
    const { fails } = k.uma.zone_mbuf
    expect(fails).toBeGreaterThan(0)
    expect(m_get(k, M_WAITOK, MT_DATA)).toBe(0)
    expect(umaSleep).toBe(UMA_SLEEP_VMWAIT)
    expect([k.uma.zone_mbuf.fails, k.uma.zone_mbuf.sleeps]).toEqual([fails, 0])
  })
})

describe('injected failures', () => {
  it('failAt(3) – five requests – exactly the third fails', () => {
    const k = createMemoryKernel()
    k.uma.failAt(3)
    expect(take(k, 5).map((m) => m !== 0)).toEqual([true, true, false, true, true])
    expect(k.uma.zone_mbuf.fails).toBe(1)
  })

  it('an mbuf with cluster – is one request', () => {
    const k = createMemoryKernel()
    k.uma.failAt(2)
    expect(m_getcl(k, M_NOWAIT, MT_DATA, 0)).not.toBe(0)
    expect(m_getcl(k, M_NOWAIT, MT_DATA, 0)).toBe(0)
  })
})

describe('state', () => {
  it('a copy in the middle of traffic – put back and continued – equals never having stopped', () => {
    const k = createMemoryKernel({ ncpu: 2, debug: false })
    let x = 12345
    const held: number[] = []
    const churn = (): string => {
      for (let i = 0; i < 3000; i++) {
        x = (Math.imul(x, 1664525) + 1013904223) >>> 0
        k.cpu.current = (x >>> 9) & 1
        const zone = k.uma.list[(x >>> 12) % k.uma.list.length]
        if (zone !== k.uma.zone_pack && (x >>> 20) % 3 !== 0)
          held.push(k.uma.list.indexOf(zone), uma_zalloc(k, zone, M_NOWAIT))
        else if (held.length > 0) {
          const [item] = held.splice(-1)
          uma_zfree(k, k.uma.list[held.pop()!], item)
        }
      }
      return k.registry.digest()
    }
    churn()
    const copy = k.registry.save()
    const [seed, rows] = [x, [...held]]
    const first = churn()
    k.registry.load(copy)
    x = seed
    held.splice(0, held.length, ...rows)
    expect(churn()).toBe(first)
  })
})

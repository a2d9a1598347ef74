import { afterAll, describe, expect, it } from 'vitest'
import { createMemoryKernel } from '../testing'
import {
  SFB_CPUPRIVATE,
  SFB_DEFAULT,
  SFB_NOWAIT,
  setSfBufWakeup,
  sf_buf_alloc,
  sf_buf_free,
  sf_buf_kva,
  sf_buf_page,
} from './subr_sfbuf'
import { wakeup, WCHAN_SFBUF } from './subr_sleepqueue'

// Files share modules: the routine of sendfile goes back to its place.
afterAll(() => setSfBufWakeup((k) => wakeup(k, WCHAN_SFBUF, 1)))

describe('sf_bufs with a direct map (kernel-mbuf-sendfile 7.1)', () => {
  it('amd64 – any number – the handle is the page, and kern.ipc.nsfbufs does not exist', () => {
    const k = createMemoryKernel()
    for (let frame = 1; frame < 10000; frame++) expect(sf_buf_alloc(k, frame, SFB_NOWAIT)).toBe(frame)
    expect(sf_buf_kva(k, 7)).toBe(7 * 4096)
    expect(k.sysctl.find('kern.ipc.nsfbufs')).toBeUndefined()
  })
})

describe('sf_bufs without one', () => {
  const small = (nsfbufs: number, ncpu = 2) =>
    createMemoryKernel({ directMap: false, ncpu, tunables: { 'kern.ipc.nsfbufs': String(nsfbufs) } })

  it('boot – the number follows kern.maxusers or the tunable', () => {
    expect(createMemoryKernel({ directMap: false }).sysctl.read('kern.ipc.nsfbufs')).toBe(512 + 384 * 16)
    expect(small(64).sysctl.read('kern.ipc.nsfbufs')).toBe(64)
  })

  it('two users of one page – share a handle', () => {
    const k = small(4)
    const sf = sf_buf_alloc(k, 100, SFB_NOWAIT)
    expect(sf_buf_alloc(k, 100, SFB_NOWAIT)).toBe(sf)
    expect(sf_buf_page(k, sf)).toBe(100)
    expect(k.sysctl.read('kern.ipc.nsfbufsused')).toBe(1)
    sf_buf_free(k, sf)
    expect(k.sysctl.read('kern.ipc.nsfbufsused')).toBe(1)
    sf_buf_free(k, sf)
    expect(k.sysctl.read('kern.ipc.nsfbufsused')).toBe(0)
    expect(k.sysctl.read('kern.ipc.nsfbufspeak')).toBe(1)
  })

  it('a freed handle – the same page again – keeps its mapping; another page takes the one freed longest ago', () => {
    const k = small(3)
    const [a, b, c] = [1, 2, 3].map((frame) => sf_buf_alloc(k, frame, SFB_NOWAIT))
    for (const sf of [a, b, c]) sf_buf_free(k, sf)
    const { mapped } = k.page.vm.sfbufs!.n
    expect(sf_buf_alloc(k, 2, SFB_NOWAIT)).toBe(b)
    expect(k.page.vm.sfbufs!.n.mapped).toBe(mapped)
    expect(sf_buf_alloc(k, 50, SFB_NOWAIT)).toBe(a)
    expect(sf_buf_page(k, a)).toBe(50)
    // Page 1 has lost its handle and gets the next free one.
    expect(sf_buf_alloc(k, 1, SFB_NOWAIT)).toBe(c)
  })

  it('all in use – NOWAIT – 0; waiting – counted, and the next one freed wakes', () => {
    const k = small(2)
    let woken = 0
    setSfBufWakeup(() => woken++)
    const sf = sf_buf_alloc(k, 1, SFB_NOWAIT)
    sf_buf_alloc(k, 2, SFB_NOWAIT)
    expect(sf_buf_alloc(k, 3, SFB_NOWAIT)).toBe(0)
    sf_buf_free(k, sf)
    expect(woken).toBe(0)
    sf_buf_alloc(k, 3, SFB_NOWAIT)
    expect(sf_buf_alloc(k, 4, SFB_DEFAULT)).toBe(0)
    expect(k.sendfile.stat.sf_allocwait).toBe(1)
    sf_buf_free(k, sf)
    expect(woken).toBe(1)
  })

  it('a handle reused for another page – seen by all CPUs – costs a shootdown; a private one does not', () => {
    const k = small(1)
    sf_buf_free(k, sf_buf_alloc(k, 1, SFB_DEFAULT))
    expect(k.page.vm.sfbufs!.n.shootdowns).toBe(0)
    sf_buf_free(k, sf_buf_alloc(k, 2, SFB_DEFAULT))
    expect(k.page.vm.sfbufs!.n.shootdowns).toBe(1)
    sf_buf_free(k, sf_buf_alloc(k, 3, SFB_CPUPRIVATE))
    expect(k.page.vm.sfbufs!.n.shootdowns).toBe(1)
    k.cpu.current = 1
    sf_buf_free(k, sf_buf_alloc(k, 3, SFB_CPUPRIVATE))
    expect(k.page.vm.sfbufs!.n.shootdowns).toBe(1)
  })

  it('random use – equals a model of page → users', () => {
    const k = small(8)
    const held: number[] = []
    let x = 7
    for (let i = 0; i < 5000; i++) {
      x = (Math.imul(x, 1664525) + 1013904223) >>> 0
      if ((x >>> 16) % 2 === 0) {
        const frame = 1 + ((x >>> 8) % 12)
        const sf = sf_buf_alloc(k, frame, SFB_NOWAIT)
        const pages = new Set(held)
        expect(sf !== 0).toBe(pages.size < 8 || pages.has(frame))
        if (sf !== 0) {
          expect(sf_buf_page(k, sf)).toBe(frame)
          held.push(frame)
        }
      } else if (held.length > 0) {
        const [frame] = held.splice((x >>> 8) % held.length, 1)
        // Asking again for a page in use gives its handle: one reference for the question, one given back.
        const sf = sf_buf_alloc(k, frame, SFB_NOWAIT)
        sf_buf_free(k, sf)
        sf_buf_free(k, sf)
      }
      expect(k.page.vm.sfbufs!.n.used).toBe(new Set(held).size)
    }
  })
})

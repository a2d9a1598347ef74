import { describe, expect, it } from 'vitest'
import { KernelPanic } from '../sys/systm'
import { createMemoryKernel, type MemoryKernel } from '../testing'
import * as object from './vm_object'
import * as page from './vm_page'

const PAGES = 64
const file = Uint8Array.from({ length: PAGES * 4096 - 1000 }, (_, i) => i * 13)
const kernel = (warm = true): MemoryKernel => createMemoryKernel({ files: [file], warm })
const FILE = object.vm_object_of_file(0)

describe('pages of files', () => {
  it('warm boot – every page of the file – is in the object, valid and on the inactive queue', () => {
    const k = kernel()
    expect(k.object.resident_page_count[FILE]).toBe(PAGES)
    expect(k.page.vm.queued(page.PQ_INACTIVE)).toBe(PAGES)
    const m = object.vm_page_lookup(k, FILE, 3)
    expect(page.vm_page_is_valid(k, m, 0, 4096)).toBe(true)
    expect(k.phys.byte(k.page.frame[m] * 4096 + 5)).toBe(file[3 * 4096 + 5])
    expect(page.PHYS_TO_VM_PAGE(k, k.page.frame[m])).toBe(m)
  })

  it('cold boot – no page is there; grabbed – there, busy, wired, not valid', () => {
    const k = kernel(false)
    expect(object.vm_page_lookup(k, FILE, 0)).toBe(0)
    const free = page.vm_free_count(k)
    const m = object.vm_page_grab(k, FILE, 0, page.VM_ALLOC_NORMAL | page.VM_ALLOC_WIRED)
    expect(page.vm_page_xbusied(k, m)).toBe(true)
    expect(k.page.wire_count[m]).toBe(1)
    expect(page.vm_page_is_valid(k, m, 0, 1)).toBe(false)
    expect(page.vm_free_count(k)).toBe(free - 1)
    expect(object.vm_page_grab(k, FILE, 0, 0)).toBe(0)
    expect(object.grabBlockedOn).toBe(m)
    expect(page.vm_page_xunbusy(k, m)).toBe(false)
    expect(object.vm_page_grab(k, FILE, 0, page.VM_ALLOC_NOBUSY)).toBe(m)
  })

  it('NOCREAT – the page is not there – 0', () => {
    expect(object.vm_page_grab(kernel(false), FILE, 0, page.VM_ALLOC_NOCREAT)).toBe(0)
  })

  it('valid bits – parts of 512 bytes – answer for the range that is asked', () => {
    const k = kernel(false)
    const m = object.vm_page_grab(k, FILE, 0, 0)
    k.page.valid[m] = page.vm_page_bits(1024, 512)
    expect(page.vm_page_is_valid(k, m, 1024, 512)).toBe(true)
    expect(page.vm_page_is_valid(k, m, 1100, 10)).toBe(true)
    expect(page.vm_page_is_valid(k, m, 1000, 100)).toBe(false)
    expect(page.vm_page_bits(0, 4096)).toBe(page.VM_PAGE_BITS_ALL)
    expect(page.vm_page_bits(511, 2)).toBe(3)
  })
})

describe('wiring (kernel-mbuf-sendfile 7.2: v_wire_count counts distinct pages)', () => {
  it('a page wired three times – one distinct page; the last unwire gives it back to the queue', () => {
    const k = kernel()
    const m = object.vm_page_lookup(k, FILE, 9)
    const before = page.vmMeter(k).v_wire_count
    for (let i = 0; i < 3; i++) page.vm_page_wire(k, m)
    expect(page.vmMeter(k).v_wire_count).toBe(before + 1)
    expect(page.vm_page_unwire_noq(k, m)).toBe(false)
    expect(page.vm_page_unwire(k, m, page.PQ_ACTIVE)).toBe(false)
    expect(page.vm_page_unwire(k, m, page.PQ_ACTIVE)).toBe(true)
    expect(page.vmMeter(k).v_wire_count).toBe(before)
    expect(k.page.queue[m]).toBe(page.PQ_ACTIVE)
    expect(() => page.vm_page_unwire_noq(k, m)).toThrow(KernelPanic)
  })

  it('a wired page – freed – a panic', () => {
    const k = kernel()
    const m = object.vm_page_lookup(k, FILE, 9)
    page.vm_page_wire(k, m)
    expect(() => object.vm_page_free(k, m)).toThrow(/a wired page is not freed/)
    expect(object.vm_page_try_to_free(k, m)).toBe(false)
  })
})

describe('busy', () => {
  it('shared twice – exclusive refused – until both are gone; waiters are told once', () => {
    const k = kernel()
    const m = object.vm_page_lookup(k, FILE, 0)
    expect(page.vm_page_trysbusy(k, m)).toBe(true)
    expect(page.vm_page_trysbusy(k, m)).toBe(true)
    expect(page.vm_page_tryxbusy(k, m)).toBe(false)
    page.vm_page_busy_wait(k, m)
    expect(page.vm_page_sunbusy(k, m)).toBe(false)
    expect(page.vm_page_busied(k, m)).toBe(true)
    expect(page.vm_page_sunbusy(k, m)).toBe(true)
    expect(page.vm_page_busied(k, m)).toBe(false)
    expect(() => page.vm_page_sunbusy(k, m)).toThrow(KernelPanic)
    expect(page.vm_page_tryxbusy(k, m)).toBe(true)
    expect(page.vm_page_trysbusy(k, m)).toBe(false)
    page.vm_page_busy_wait(k, m)
    expect(page.vm_page_xunbusy(k, m)).toBe(true)
    expect(() => page.vm_page_xunbusy(k, m)).toThrow(KernelPanic)
  })
})

describe('queues', () => {
  it('random moves – the lists hold every page once, in order of arrival', () => {
    const k = kernel()
    const model: { [queue: number]: number[] } = { [page.PQ_INACTIVE]: [], [page.PQ_ACTIVE]: [] }
    for (let m = k.page.vm.q[page.PQ_INACTIVE * 3]; m !== 0; m = k.page.q_next[m]) model[page.PQ_INACTIVE].push(m)
    const remove = (m: number): void => {
      for (const list of Object.values(model)) if (list.includes(m)) list.splice(list.indexOf(m), 1)
    }
    let x = 1
    for (let i = 0; i < 2000; i++) {
      x = (Math.imul(x, 1103515245) + 12345) >>> 0
      const m = 1 + ((x >>> 8) % PAGES)
      const [to, other] = (x >>> 20) % 2 === 0 ? [page.PQ_ACTIVE, page.PQ_INACTIVE] : [page.PQ_INACTIVE, page.PQ_ACTIVE]
      switch ((x >>> 24) % 3) {
        case 0:
          if (!model[to].includes(m)) {
            remove(m)
            model[to].push(m)
          }
          if (to === page.PQ_ACTIVE) page.vm_page_activate(k, m)
          else page.vm_page_deactivate(k, m)
          break
        case 1:
          remove(m)
          model[page.PQ_INACTIVE].unshift(m)
          page.vm_page_deactivate_noreuse(k, m)
          break
        default:
          remove(m)
          page.vm_page_dequeue(k, m)
      }
      expect(k.page.vm.queued(other)).toBe(model[other].length)
    }
    for (const queue of [page.PQ_INACTIVE, page.PQ_ACTIVE]) {
      const list: number[] = []
      for (let m = k.page.vm.q[queue * 3]; m !== 0; m = k.page.q_next[m]) list.push(m)
      expect(list).toEqual(model[queue])
    }
  })
})

describe('the page daemon', () => {
  it('files larger than memory – warm boot – as many pages are in memory as leave the target free', () => {
    const big = new Uint8Array(3000 * 4096)
    const k = createMemoryKernel({ files: [big], memoryBytes: 2000 * 4096, debug: false })
    const { v_free_target } = page.vmThresholds(k)
    expect(k.page.vm.cached).toBe(2000 - v_free_target)
  })

  it('free pages below the minimum – a page is asked for – inactive pages go, referenced and wired ones stay', () => {
    const big = new Uint8Array(3000 * 4096)
    const k = createMemoryKernel({ files: [big], memoryBytes: 2000 * 4096, debug: false })
    const wired = object.vm_page_lookup(k, FILE, 0)
    page.vm_page_wire(k, wired)
    const referenced = object.vm_page_lookup(k, FILE, 1)
    page.vm_page_reference(k, referenced)
    for (let i = 2500; i < 2700; i++) {
      const m = object.vm_page_grab(k, FILE, i, page.VM_ALLOC_WIRED)
      expect(m).not.toBe(0)
    }
    expect(k.page.vm.scans).toBeGreaterThan(0)
    expect(k.page.vm.freed).toBeGreaterThan(0)
    expect(object.vm_page_lookup(k, FILE, 0)).toBe(wired)
    expect(object.vm_page_lookup(k, FILE, 1)).toBe(referenced)
    expect(page.vm_free_count(k)).toBeGreaterThan(0)
  })

  it('everything wired – a page is asked for – 0, with what each class of request leaves still free (VM_ALLOC_NORMAL, SYSTEM, INTERRUPT)', () => {
    const k = createMemoryKernel({
      memoryBytes: 200 * 4096,
      files: [new Uint8Array(400 * 4096)],
      warm: false,
      debug: false,
    })
    let got = 0
    while (object.vm_page_grab(k, FILE, got, page.VM_ALLOC_WIRED) !== 0) got++
    expect(object.grabBlockedOn).toBe(0)
    const { v_free_reserved, v_interrupt_free_min } = page.vmThresholds(k)
    expect([got, page.vm_free_count(k)]).toEqual([200 - v_free_reserved, v_free_reserved])
    while (object.vm_page_alloc(k, FILE, got, page.VM_ALLOC_SYSTEM | page.VM_ALLOC_WIRED) !== 0) got++
    expect(page.vm_free_count(k)).toBe(v_interrupt_free_min)
    while (object.vm_page_alloc(k, FILE, got, page.VM_ALLOC_INTERRUPT | page.VM_ALLOC_WIRED) !== 0) got++
    expect(page.vm_free_count(k)).toBe(0)
  })

  it('thresholds – of a host of 4 GiB – are those of vm_pageout_init_domain', () => {
    const k = createMemoryKernel({ memoryBytes: 4 * 2 ** 30 })
    expect(page.vmMeter(k)).toMatchObject({
      v_page_count: 1_048_576,
      v_interrupt_free_min: 2,
      v_pageout_free_min: 34,
      v_free_reserved: 1431,
      v_free_min: 1431 + 5241,
      v_free_severe: 1431 + 2620,
      v_free_target: 1431 + 4 * 5241,
    })
    expect(page.vmThresholds(k).v_pageout_wakeup_thresh).toBe(Math.floor((1431 + 4 * 5241) / 10) * 9)
  })

  it('the low-memory event – pages short – once, then not before vm.lowmem_period seconds are over (2.5)', () => {
    const k = createMemoryKernel({ memoryBytes: 2000 * 4096, files: [new Uint8Array(3000 * 4096)], debug: false })
    let events = 0
    k.page.vm.lowmem = () => void events++
    const take = (from: number): void => {
      for (let i = from; i < from + 100; i++)
        page.vm_page_unwire(k, object.vm_page_grab(k, FILE, i, page.VM_ALLOC_WIRED), 0)
    }
    take(2100)
    expect(events).toBe(1)
    k.time = 9.9e9
    take(2300)
    expect(events).toBe(1)
    k.time = 10e9
    take(2500)
    expect(events).toBe(2)
  })
})

describe('pages of RAM', () => {
  it('anonymous, wired – allocated and freed – nothing is left of it', () => {
    const k = kernel()
    const [free, live] = [page.vm_free_count(k), k.page.live]
    const m = object.vm_page_alloc(k, 0, 0, page.VM_ALLOC_NOOBJ | page.VM_ALLOC_WIRED | page.VM_ALLOC_ZERO)
    const frame = k.page.frame[m]
    expect(page.PHYS_TO_VM_PAGE(k, frame)).toBe(m)
    expect(page.vm_free_count(k)).toBe(free - 1)
    page.vm_page_unwire_noq(k, m)
    object.vm_page_free(k, m)
    expect(page.PHYS_TO_VM_PAGE(k, frame)).toBe(0)
    expect([page.vm_free_count(k), k.page.live]).toEqual([free, live])
  })

  it('inserted into an object – looked up – found at its place, gone after removal, whatever shares its hash chain', () => {
    const k = kernel()
    const shm = object.vm_object_allocate(k, object.OBJT_SWAP, 5000)
    const rows = new Map<number, number>()
    for (let i = 0; i < 5000; i += 7) rows.set(i, object.vm_page_alloc(k, shm, i, page.VM_ALLOC_NOBUSY))
    for (let i = 0; i < 5000; i++) expect(object.vm_page_lookup(k, shm, i)).toBe(rows.get(i) ?? 0)
    for (const [i, m] of rows) if (i % 2 === 0) object.vm_page_free(k, m)
    for (let i = 0; i < 5000; i++) expect(object.vm_page_lookup(k, shm, i)).toBe(i % 2 === 0 ? 0 : (rows.get(i) ?? 0))
    expect(k.object.resident_page_count[shm]).toBe([...rows.keys()].filter((i) => i % 2 === 1).length)
  })
})

import { describe, expect, it } from 'vitest'
import { KernelPanic } from '../sys/systm'
import { createMemoryKernel } from '../testing'
import { Registry } from '../machine/state'
import { FILE_FRAME_BASE, PhysMem } from './vm_phys'

const PAGES = 2000
/** Byte equality; the test framework's own takes a second per megabyte. */
const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.from(a.buffer, a.byteOffset, a.length).equals(b)
const file = Uint8Array.from({ length: PAGES * 4096 }, (_, i) => (i >>> 12) ^ (i * 31))

/** Number of physically adjacent neighbours among consecutive pages of the file. */
const adjacent = (contiguity: number): number => {
  const { frameOfDiskPage } = createMemoryKernel({ files: [file], contiguity, debug: false }).phys
  let n = 0
  for (let page = 1; page < PAGES; page++) if (frameOfDiskPage[page] === frameOfDiskPage[page - 1] + 1) n++
  return n
}

describe('frames of files', () => {
  it('contiguity 1 – laid out – no page touches its successor', () => {
    expect(adjacent(1)).toBe(0)
  })

  it('contiguity 4 – laid out – runs have 4 pages on average', () => {
    const runs = PAGES - adjacent(4)
    expect(PAGES / runs).toBeGreaterThan(3.6)
    expect(PAGES / runs).toBeLessThan(4.4)
  })

  it('same seed – same layout, another seed – another one', () => {
    const layout = (seed: number): string =>
      createMemoryKernel({ files: [file], seed, debug: false }).phys.frameOfDiskPage.join(' ')
    expect(layout(7)).toBe(layout(7))
    expect(layout(7)).not.toBe(layout(8))
  })

  it('two files – laid out – a run never goes from one into the other', () => {
    const parts = [file.slice(0, 8 * 4096), file.slice(0, 8 * 4096)]
    for (let seed = 1; seed < 40; seed++) {
      const { frameOfDiskPage } = createMemoryKernel({ files: parts, contiguity: 1e9, seed, debug: false }).phys
      expect(frameOfDiskPage[8]).not.toBe(frameOfDiskPage[7] + 1)
    }
  })

  it('read by physical address, across frames of a run – gives the bytes of the file', () => {
    const k = createMemoryKernel({ files: [file], contiguity: 5, debug: false })
    const { phys } = k
    for (let page = 0; page < 200; page++) {
      let run = 1
      while (phys.frameOfDiskPage[page + run] === phys.frameOfDiskPage[page] + run) run++
      const from = (FILE_FRAME_BASE + phys.frameOfDiskPage[page]) * 4096 + 100
      const out = new Uint8Array(run * 4096 - 150)
      phys.copyOut(from, out.length, out, 0)
      expect(same(out, file.subarray(page * 4096 + 100, (page + run) * 4096 - 50))).toBe(true)
      expect(phys.byte(from + 1)).toBe(file[page * 4096 + 101])
    }
  })

  it('files in shared memory, source and target lying in any way on word borders – gives the bytes of the file', () => {
    const plain = createMemoryKernel({ files: [file], contiguity: 1e9, debug: false })
    const bytes = new Uint8Array(new SharedArrayBuffer(file.length))
    bytes.set(file)
    const config = plain.machine.config
    const phys = new PhysMem({
      ...plain,
      registry: new Registry(),
      part: plain.part,
      machine: { config, disk: { bytes } },
    } as never)
    const out = new Uint8Array(200_010)
    for (const length of [40, 300, 5000, 200_000])
      for (const [from, to] of [
        [0, 0],
        [3, 0],
        [4, 7],
        [4095, 2],
      ]) {
        out.fill(0)
        phys.copyOut((FILE_FRAME_BASE + phys.frameOfDiskPage[8]) * 4096 + from, length, out, to)
        expect(same(out.subarray(to, to + length), file.subarray(8 * 4096 + from, 8 * 4096 + from + length))).toBe(true)
        expect(out.subarray(0, to).every((byte) => byte === 0)).toBe(true)
        expect(out.subarray(to + length, to + length + 3).every((byte) => byte === 0)).toBe(true)
      }
  })

  it('written – a panic that says why', () => {
    const { phys } = createMemoryKernel({ files: [file], debug: false })
    expect(() => phys.copyIn(new Uint8Array(4), 0, 4, FILE_FRAME_BASE * 4096)).toThrow(
      /pages of files are shared and never written/,
    )
    expect(() => phys.copy(4096 * 16, (FILE_FRAME_BASE + 1) * 4096, 1)).toThrow(KernelPanic)
  })
})

describe('RAM', () => {
  it('more frames than the array has – taken – it grows and keeps what is in it', () => {
    const { phys } = createMemoryKernel({ debug: false })
    const first = phys.allocFrame()
    phys.copyIn(Uint8Array.of(1, 2, 3), 0, 3, first * 4096)
    const before = phys.ram.length
    const far = phys.allocContig(20_000)
    expect(phys.ram.length).toBeGreaterThan(before)
    expect([...phys.ram.subarray(first * 4096, first * 4096 + 3)]).toEqual([1, 2, 3])
    phys.copyIn(Uint8Array.of(9), 0, 1, (far + 19_999) * 4096 + 4095)
    expect(phys.byte((far + 20_000) * 4096 - 1)).toBe(9)
  })

  it('a frame given back – is the next one taken; more than the host has – 0', () => {
    const { phys } = createMemoryKernel({ memoryBytes: 8 * 4096, debug: false })
    const frames = Array.from({ length: 8 }, () => phys.allocFrame())
    expect(phys.allocFrame()).toBe(0)
    phys.freeFrame(frames[3])
    expect(phys.allocFrame()).toBe(frames[3])
  })

  it('written beyond the used frames – a panic', () => {
    const { phys } = createMemoryKernel({ debug: false })
    expect(() => phys.fill(phys.high * 4096 - 1, 2, 0)).toThrow(KernelPanic)
  })
})

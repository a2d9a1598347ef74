/**
 * Physical memory of a host: frames of 4096 bytes. A physical address is frame × 4096 + offset, an exact double.
 *
 *   frames 0 … FILE_FRAME_BASE−1   RAM: one flat, growing byte array; used frames are the state
 *   frames FILE_FRAME_BASE …       file pages: aliases of the disk's immutable bytes, shared between forks, never written
 *
 * The direct map: a kernel virtual address is the physical address. Mirrors the role of sys/vm/vm_phys.c and the direct map of amd64 (derived);
 * the growing array and the file alias are ours.
 */
import type { Kernel } from '../kernel'
import { createPrng } from '../machine/prng'
import { KASSERT, KernelPanic } from '../sys/systm'

/** First frame number of file pages. RAM is below: up to 64 GiB could be addressed, up to 4 GiB − 1 is backed. */
export const FILE_FRAME_BASE = 0x1000000
const FILE_BASE_ADDRESS = FILE_FRAME_BASE * 4096
/** Frames that are never given out, so that address 0 stays NULL and the kernel has a place. */
const FIRST_FRAME = 16
/** Untouched pages of a fresh array cost nothing on any system, copying it to a larger one does: so it begins large. */
const INITIAL_RAM = 64 * 1024 * 1024
/** From this size on RAM grows by a quarter instead of doubling, so that a big host does not pay for memory it never uses. */
const DOUBLING_LIMIT = 256 * 1024 * 1024
const RAM_LIMIT = 0xfffff000
/** Below this a byte loop beats creating two views. */
const SMALL_COPY = 96
/** From this length on a detour beats a copy out of shared memory whose ends lie differently on 8-byte borders. */
const DETOUR = 256
/** Engines copy out of shared memory word by word, and byte by byte unless both sides lie alike on words: see {@link copyShared}. Working memory. */
const detour = new Uint8Array(65536 + 8)

export class PhysMem {
  /** Bytes of RAM by physical address. Growing replaces it: re-read after anything that may allocate. */
  ram: Uint8Array<ArrayBuffer>
  /** The same memory as little-endian 32-bit words (index = address / 4). */
  ram32: Int32Array<ArrayBuffer>
  /** One more than the highest frame ever used: the used prefix is the state. */
  high = FIRST_FRAME
  /** Frames in use. */
  used = 0
  /** Frames the host has (config.memoryBytes), including those that file pages take. */
  readonly frames: number
  /** Bytes of all files. */
  readonly disk: Uint8Array
  /** The bytes of the files are shared between threads. */
  private readonly diskShared: boolean
  /** Disk page of a file frame (index = frame − FILE_FRAME_BASE), −1 for a hole. Constant: made from the seed. */
  readonly diskPageOfFrame: Int32Array
  /** File frame (same index) of a disk page. */
  readonly frameOfDiskPage: Int32Array
  private freeFrames = new Int32Array(256)
  private freeCount = 0

  constructor(k: Pick<Kernel, 'registry' | 'part' | 'config' | 'machine' | 'id'>) {
    this.ram = new Uint8Array(INITIAL_RAM)
    this.ram32 = new Int32Array(this.ram.buffer)
    this.frames = Math.floor(k.config.memoryBytes / 4096)
    this.disk = k.machine.disk.bytes
    this.diskShared = !(this.disk.buffer instanceof ArrayBuffer)
    // The files are those of host 0; a peer has none and needs no pages for them.
    const pages = k.id === 0 ? Math.floor(this.disk.length / 4096) : 0
    const layout = layOutFileFrames(k, pages, k.machine.config.files.contiguity)
    this.diskPageOfFrame = layout.diskPageOfFrame
    this.frameOfDiskPage = layout.frameOfDiskPage
    k.registry.array(
      k.part('ram'),
      () => this.ram.subarray(0, this.high * 4096),
      (data) => {
        this.ensure(data.length, 0)
        this.ram.set(data)
        // Behind the used prefix there never was anything but zeros: clearing it all would touch memory for nothing.
        if (this.high * 4096 > data.length) this.ram.fill(0, data.length, this.high * 4096)
        this.high = data.length / 4096
      },
    )
    k.registry.array(
      k.part('ram.free'),
      () => this.freeFrames.subarray(0, this.freeCount),
      (data) => {
        if (data.length > this.freeFrames.length) this.freeFrames = new Int32Array(data.length * 2)
        this.freeFrames.set(data)
        this.freeCount = data.length
        this.used = this.high - FIRST_FRAME - this.freeCount
      },
    )
  }

  /** Takes a frame of RAM; 0 when the host has no memory left. Contents are whatever they were. */
  allocFrame(): number {
    if (this.freeCount > 0) {
      this.used++
      return this.freeFrames[--this.freeCount]
    }
    return this.allocContig(1)
  }

  /** Takes `n` physically contiguous frames; the first one's number, or 0. */
  allocContig(n: number): number {
    const first = this.high
    if (this.used + n > this.frames || (first + n) * 4096 > RAM_LIMIT) return 0
    this.ensure((first + n) * 4096, first * 4096)
    this.high += n
    this.used += n
    return first
  }

  /** Gives a frame of RAM back. */
  freeFrame(frame: number): void {
    KASSERT(frame >= FIRST_FRAME && frame < this.high, 'a frame that is given back is a frame of RAM in use')
    if (this.freeCount === this.freeFrames.length) {
      const bigger = new Int32Array(this.freeFrames.length * 2)
      bigger.set(this.freeFrames)
      this.freeFrames = bigger
    }
    this.freeFrames[this.freeCount++] = frame
    this.used--
  }

  /** Makes room for `bytes`; of the old contents the first `used` are kept. */
  private ensure(bytes: number, used: number): void {
    let size = this.ram.length
    if (bytes <= size) return
    while (size < bytes) size = size < DOUBLING_LIMIT ? size * 2 : size + Math.floor(size / 4 / 4096) * 4096
    const bigger = new Uint8Array(Math.min(size, RAM_LIMIT))
    bigger.set(this.ram.subarray(0, used))
    this.ram = bigger
    this.ram32 = new Int32Array(bigger.buffer)
  }

  /** Makes frames 0 … n−1 part of the used memory without giving them out one by one (test vectors place storage at given addresses). */
  reserve(n: number): void {
    if (n <= this.high) return
    this.ensure(n * 4096, this.high * 4096)
    this.used += n - this.high
    this.high = n
  }

  /**
   * Reads bytes by physical address, across frames: DMA, or a read through the direct map.
   * @param dst may be {@link ram} itself (then the ranges may overlap).
   */
  copyOut(pa: number, len: number, dst: Uint8Array, dstOff: number): void {
    if (pa < FILE_BASE_ADDRESS) {
      const ram = this.ram
      if (len < SMALL_COPY && dst !== ram) for (let i = 0; i < len; i++) dst[dstOff + i] = ram[pa + i]!
      else if (dst === ram) ram.copyWithin(dstOff, pa, pa + len)
      else dst.set(ram.subarray(pa, pa + len), dstOff)
      return
    }
    const disk = this.disk
    let index = Math.floor((pa - FILE_BASE_ADDRESS) / 4096)
    let offset = pa % 4096
    while (len > 0) {
      // Neighbouring frames that are also neighbours on the disk go in one piece.
      let page = this.diskPageOfFrame[index]
      KASSERT(page >= 0, 'a physical read stays inside pages of files')
      const from = page * 4096 + offset
      let n = 4096 - offset
      while (n < len && this.diskPageOfFrame[index + 1] === page + 1) {
        index++
        page++
        n += 4096
      }
      if (n > len) n = len
      if (n < SMALL_COPY) for (let i = 0; i < n; i++) dst[dstOff + i] = disk[from + i]!
      else if (this.diskShared && n >= DETOUR && ((from ^ (dst.byteOffset + dstOff)) & 7) !== 0)
        copyShared(disk, from, n, dst, dstOff)
      else dst.set(disk.subarray(from, from + n), dstOff)
      dstOff += n
      len -= n
      index++
      offset = 0
    }
  }

  /** Writes bytes to RAM by physical address. File pages are read-only: KernelPanic. */
  copyIn(src: Uint8Array, srcOff: number, len: number, pa: number): void {
    this.writable(pa, len)
    const ram = this.ram
    if (len < SMALL_COPY && src !== ram) for (let i = 0; i < len; i++) ram[pa + i] = src[srcOff + i]!
    else if (src === ram) ram.copyWithin(pa, srcOff, srcOff + len)
    else ram.set(src.subarray(srcOff, srcOff + len), pa)
  }

  /** Copies between physical addresses (bcopy through the direct map); the target is RAM. */
  copy(from: number, to: number, len: number): void {
    this.writable(to, len)
    this.copyOut(from, len, this.ram, to)
  }

  fill(pa: number, len: number, value: number): void {
    this.writable(pa, len)
    this.ram.fill(value, pa, pa + len)
  }

  private writable(pa: number, len: number): void {
    if (pa + len > this.high * 4096) {
      throw new KernelPanic(
        pa >= FILE_BASE_ADDRESS
          ? 'pages of files are shared and never written: a write needs a frame of RAM in the object'
          : 'a physical write stays inside memory that is in use',
      )
    }
  }

  /** One byte by physical address. */
  byte(pa: number): number {
    if (pa < FILE_BASE_ADDRESS) return this.ram[pa]
    return this.disk[this.diskOffset(pa)]
  }

  /** Place of a file byte on the disk, by physical address. */
  diskOffset(pa: number): number {
    return this.diskPageOfFrame[Math.floor((pa - FILE_BASE_ADDRESS) / 4096)] * 4096 + (pa % 4096)
  }

  /** True if the frame holds a page of a file. */
  isFileFrame(frame: number): boolean {
    return frame >= FILE_FRAME_BASE
  }
}

/**
 * Copies out of shared memory to a place that lies differently on 8-byte borders: first to one that lies alike, then on. Measured with pieces of 16 KiB:
 * 5 GB/s instead of 1.2 GB/s.
 */
function copyShared(src: Uint8Array, from: number, length: number, dst: Uint8Array, to: number): void {
  const lead = from & 7
  for (let done = 0; done < length; done += 65536) {
    const n = Math.min(length - done, 65536)
    detour.set(src.subarray(from + done, from + done + n), lead)
    dst.set(detour.subarray(lead, lead + n), to + done)
  }
}

/**
 * Gives every disk page a frame. Files are cut into runs (geometric lengths with the given mean) and the runs are shuffled; where two runs that
 * follow each other on the disk would touch, a hole keeps them apart. So `contiguity` really is the mean length of physically adjacent pages.
 */
function layOutFileFrames(
  k: Pick<Kernel, 'registry' | 'machine' | 'id'>,
  pages: number,
  contiguity: number,
): { diskPageOfFrame: Int32Array; frameOfDiskPage: Int32Array } {
  // Not part of the state: the layout follows from seed and config, so a private registry-free stream would do. The stream is registered
  // all the same because that is how streams are made; it is never asked again.
  const prng = createPrng(k.registry, k.machine.config.seed, `host${k.id}.fileFrames`)
  const endThreshold = contiguity <= 1 ? 4294967296 : Math.floor(4294967296 / contiguity)
  const fileStarts = new Set(k.machine.config.files.entries.map((file) => file.diskPage))
  const starts: number[] = []
  for (let page = 0; page < pages; page++) {
    const ends = prng.next32() < endThreshold
    if (page === 0 || ends || fileStarts.has(page)) starts.push(page)
  }
  const runs = starts.length
  const order = new Int32Array(runs)
  for (let i = 0; i < runs; i++) order[i] = i
  for (let i = runs - 1; i > 0; i--) {
    const j = prng.below(i + 1)
    const t = order[i]
    order[i] = order[j]!
    order[j] = t
  }
  let holes = 0
  for (let i = 1; i < runs; i++) if (order[i] === order[i - 1] + 1) holes++
  const diskPageOfFrame = new Int32Array(pages + holes).fill(-1)
  const frameOfDiskPage = new Int32Array(pages)
  let frame = 0
  for (let i = 0; i < runs; i++) {
    const run = order[i]
    if (i > 0 && run === order[i - 1] + 1) frame++
    const end = run + 1 < runs ? starts[run + 1] : pages
    for (let page = starts[run]; page < end; page++) {
      diskPageOfFrame[frame] = page
      frameOfDiskPage[page] = frame
      frame++
    }
  }
  return { diskPageOfFrame, frameOfDiskPage }
}

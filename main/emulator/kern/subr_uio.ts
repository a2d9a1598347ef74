/**
 * User memory of the emulated processes: buffers of 64 KiB in page frames, addressed by offset, and the copies between them and the kernel.
 * Source: sys/kern/subr_uio.c, amd64 copyin and copyout (derived; pages are always resident and, for speed, physically contiguous: assumed).
 */
import type { Kernel } from '../kernel'
import { PAGE_SIZE } from '../sys/param'
import { KASSERT } from '../sys/systm'

/** Pages and bytes of a buffer. */
export const UBUF_PAGES = 16
export const UBUF_BYTES = UBUF_PAGES * PAGE_SIZE

export function createUserBuffers(k: Kernel) {
  return k.registry.table(k.part('ubuf'), {
    /** RAM address of the first byte. */
    ub_addr: 'u32',
  })
}

/** Gives a process a buffer of {@link UBUF_BYTES} bytes. */
export function userBuffer(k: Kernel): number {
  const row = k.ubuf.alloc()
  const frame = k.phys.allocContig(UBUF_PAGES)
  KASSERT(frame !== 0, 'user buffer: the host has memory for its processes')
  k.ubuf.ub_addr[row] = frame * PAGE_SIZE
  return row
}

export function freeUserBuffer(k: Kernel, row: number): void {
  for (let i = 0; i < UBUF_PAGES; i++) k.phys.freeFrame(k.ubuf.ub_addr[row] / PAGE_SIZE + i)
  k.ubuf.free(row)
}

/** RAM address of a byte of a buffer. */
export function userAddress(k: Kernel, ub: number, uoff: number): number {
  return k.ubuf.ub_addr[ub] + uoff
}

/** copyin: `len` bytes at `uoff` of a user buffer to RAM address `to`. */
export function copyinTo(k: Kernel, ub: number, uoff: number, to: number, len: number): void {
  KASSERT(uoff >= 0 && uoff + len <= UBUF_BYTES, 'copyin: the range lies in the user buffer')
  const from = k.ubuf.ub_addr[ub] + uoff
  k.phys.ram.copyWithin(to, from, from + len)
}

/** copyout: `len` bytes at physical address `from` (RAM or file page) to `uoff` of a user buffer. */
export function copyoutFrom(k: Kernel, from: number, ub: number, uoff: number, len: number): void {
  KASSERT(uoff >= 0 && uoff + len <= UBUF_BYTES, 'copyout: the range lies in the user buffer')
  k.phys.copyOut(from, len, k.phys.ram, k.ubuf.ub_addr[ub] + uoff)
}

/** Writes bytes that a program composed into its buffer. @returns how many. */
export function userWriteBytes(k: Kernel, ub: number, uoff: number, bytes: Uint8Array): number {
  KASSERT(uoff >= 0 && uoff + bytes.length <= UBUF_BYTES, 'user buffer: a program writes inside its buffer')
  k.phys.ram.set(bytes, k.ubuf.ub_addr[ub] + uoff)
  return bytes.length
}

/** Writes text that a program composed into its buffer (one byte a character). @returns its length. */
export function userWriteText(k: Kernel, ub: number, uoff: number, text: string): number {
  KASSERT(uoff >= 0 && uoff + text.length <= UBUF_BYTES, 'user buffer: a program writes inside its buffer')
  const ram = k.phys.ram
  const to = k.ubuf.ub_addr[ub] + uoff
  for (let i = 0; i < text.length; i++) ram[to + i] = text.charCodeAt(i)
  return text.length
}

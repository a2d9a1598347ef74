/** Machine constants of amd64 with 4 KiB pages. Source: sys/sys/param.h, sys/amd64/include/param.h (read; kernel-mbuf-sendfile 1.1). */
export const PAGE_SHIFT = 12
export const PAGE_SIZE = 4096
export const PAGE_MASK = PAGE_SIZE - 1

/** Size of an mbuf and of its parts, bytes. */
export const MSIZE = 256
export const MCLSHIFT = 11
export const MCLBYTES = 2048
export const MJUMPAGESIZE = PAGE_SIZE
export const MJUM9BYTES = 9 * 1024
export const MJUM16BYTES = 16 * 1024

/** Largest transfer of one disk request, bytes. */
export const MAXPHYS = 128 * 1024

/** Bytes of a cache line. */
export const CACHE_LINE_SIZE = 64

/** NULL: row 0 is never given out. */
export const NULL = 0

/** Allocation modes. Source: sys/sys/malloc.h (read). */
export const M_NOWAIT = 0x0001
export const M_WAITOK = 0x0002
export const M_ZERO = 0x0100
export const M_USE_RESERVE = 0x0400
/** Ours: the caller slept for the zone and asks again; the sleep is counted already. */
export const M_WOKEN = 0x10000

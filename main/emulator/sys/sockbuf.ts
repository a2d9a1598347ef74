/** Constants of socket buffers. Source: sys/sys/sockbuf.h (read; kernel-mbuf-sendfile 5.1). The structure is the table `k.sb`. */
import { MCLBYTES, MSIZE } from './param'

export const SB_MAX = 2 * 1024 * 1024

// sb_flags
export const SB_WAIT = 0x4
export const SB_SEL = 0x8
export const SB_ASYNC = 0x10
export const SB_UPCALL = 0x20
export const SB_NOINTR = 0x40
export const SB_AIO = 0x80
export const SB_KNOTE = 0x100
export const SB_NOCOALESCE = 0x200
export const SB_IN_TOE = 0x400
export const SB_AUTOSIZE = 0x800
export const SB_STOP = 0x1000
export const SB_AIO_RUNNING = 0x2000

// sb_state
export const SBS_CANTSENDMORE = 0x0010
export const SBS_CANTRCVMORE = 0x0020
export const SBS_RCVATMARK = 0x0040

/** Flags of pru_send and of the stream append. Source: sys/sys/protosw.h (read). */
export const PRUS_OOB = 0x1
export const PRUS_EOF = 0x2
export const PRUS_MORETOCOME = 0x4
/** The data is not there yet. */
export const PRUS_NOTREADY = 0x8

/** kern.ipc.sockbuf_waste_factor: how much metadata a byte of the mark may cost. */
export const SB_EFFICIENCY = 8
/** Largest mark a reservation accepts for a given kern.ipc.maxsockbuf: part of it is mbuf overhead. Source: sys/kern/uipc_sockbuf.c (read). */
export function sbMaxAdj(sb_max: number): number {
  return Math.floor((sb_max * MCLBYTES) / (MSIZE + MCLBYTES))
}
/** setting kern.ipc.maxsockbuf below this is EINVAL. */
export const SB_MAX_LOWEST = MSIZE + MCLBYTES

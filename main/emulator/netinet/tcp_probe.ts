/**
 * Fills the send-path probe (machine/probe.ts) for the connection it watches: the packet's chain as tcp_output built it and as it left ip_output.
 * Called only for that connection; everybody else pays one comparison.
 */
import type { Kernel } from '../kernel'
import { PROBE_CHAIN, PROBE_KIND } from '../machine/probe'
import {
  EXT_CLUSTER,
  EXT_FLAG_EMBREF,
  EXT_JUMBO16,
  EXT_JUMBO9,
  EXT_JUMBOP,
  EXT_PACKET,
  EXT_PGS,
  EXT_SFBUF,
  M_EXT,
  MBUF_PEXT_MAX_PGS,
} from '../sys/mbuf'
import { mtodAddr } from '../kern/kern_mbuf'

function kindOf(k: Kernel, m: number): number {
  if ((k.mb.m_flags[m] & M_EXT) === 0) return PROBE_KIND.plain
  switch (k.mb.ext_type[m]) {
    case EXT_CLUSTER:
    case EXT_PACKET:
    case EXT_JUMBOP:
    case EXT_JUMBO9:
    case EXT_JUMBO16:
      return PROBE_KIND.cluster
    case EXT_SFBUF:
      return PROBE_KIND.sfbuf
    case EXT_PGS:
      return PROBE_KIND.pgs
    default:
      return PROBE_KIND.other
  }
}

/** Frame number of the first visible byte. */
function frameOf(k: Kernel, m: number, kind: number): number {
  if (kind !== PROBE_KIND.pgs) return Math.floor(mtodAddr(k, m) / 4096)
  const p = k.mb.ext_buf[m]
  let off = k.mb.m_data[m] - k.pgs.hdr_len[p]
  let page = 0
  let room = 4096 - k.pgs.first_pg_off[p]
  while (off >= room && page < k.pgs.npgs[p] - 1) {
    off -= room
    room = 4096
    page++
  }
  return k.pgs.pa[p * MBUF_PEXT_MAX_PGS + page]
}

interface ChainColumns {
  kind: Uint8Array
  len: Int32Array
  off: Int32Array
  npgs: Uint8Array
  shadow: Uint8Array
  frame: Uint32Array
}

/** Writes a chain into the columns of a row; gives its real length. */
function recordChain(k: Kernel, row: number, m: number, columns: ChainColumns): number {
  let count = 0
  for (; m !== 0; m = k.mb.m_next[m], count++) {
    if (count >= PROBE_CHAIN) continue
    const at = row * PROBE_CHAIN + count
    const kind = kindOf(k, m)
    columns.kind[at] = kind
    columns.len[at] = k.mb.m_len[m]
    columns.off[at] = k.mb.m_data[m]
    columns.npgs[at] = kind === PROBE_KIND.pgs ? k.pgs.npgs[k.mb.ext_buf[m]] : kind === PROBE_KIND.sfbuf ? 1 : 0
    columns.shadow[at] = (k.mb.m_flags[m] & M_EXT) !== 0 && (k.mb.ext_flags[m] & EXT_FLAG_EMBREF) === 0 ? 1 : 0
    columns.frame[at] = frameOf(k, m, kind)
  }
  return count
}

/** A packet with data is about to go to ip_output. `off`: its place behind snd_una. */
export function probeTcpOutput(
  k: Kernel,
  tp: number,
  m: number,
  off: number,
  len: number,
  hdrlen: number,
  tso: boolean,
  retransmission: boolean,
): void {
  const probe = k.machine.probe
  const t = k.inet.tcp
  if (probe.control.host !== k.id || probe.control.generation !== t.t_generation[tp]) return
  const row = probe.begin()
  const b = probe.bursts
  b.time[row] = k.now()
  b.streamOffset[row] = t.t_streamAcked[tp] + off
  b.seq[row] = t.snd_una[tp] + off
  b.len[row] = len
  b.hdrlen[row] = hdrlen
  b.mss[row] = tso ? k.mb.ph_tso_segsz[m] : len
  b.tso[row] = tso ? 1 : 0
  b.retransmission[row] = retransmission || ((t.snd_nxt[tp] - t.snd_max[tp]) | 0) < 0 ? 1 : 0
  probe.control.inFlight = ((t.snd_max[tp] - t.snd_una[tp]) >>> 0) + len
  b.tcp_total[row] = recordChain(k, row, m, {
    kind: b.tcp_kind,
    len: b.tcp_len,
    off: b.tcp_off,
    npgs: b.tcp_npgs,
    shadow: b.tcp_shadow,
    frame: b.tcp_frame,
  })
}

/** The packet leaves ip_output; `converted` unmapped mbufs were replaced on the way. */
export function probeIpOutput(k: Kernel, m: number, converted: number, byCard: boolean, takesUnmapped: boolean): void {
  const probe = k.machine.probe
  const row = probe.control.current
  const b = probe.bursts
  b.ip_converted[row] = converted
  b.ip_checksumByCard[row] = byCard ? 1 : 0
  b.ip_takesUnmapped[row] = takesUnmapped ? 1 : 0
  b.ip_total[row] = recordChain(k, row, m, {
    kind: b.ip_kind,
    len: b.ip_len,
    off: b.ip_off,
    npgs: b.ip_npgs,
    shadow: b.ip_shadow,
    frame: b.ip_frame,
  })
}

/** ip_output came back: later stations of the same burst have written what they know. */
export function probeTcpDone(k: Kernel, error: number): void {
  const probe = k.machine.probe
  if (probe.control.current === 0) return
  probe.bursts.ip_error[probe.control.current] = error
  probe.control.current = 0
}

/**
 * Plain data that the window draws. These types mirror those of the same name in the contract between main and renderer, which the emulator may not
 * import; a test holds them against each other. The letter of the run is added by whoever sends them.
 */

/** One mbuf of a drawn chain. Offsets are stream bytes relative to {@link SendPath.base}. */
export interface DrawnMbuf {
  off: number
  len: number
  kind: 'mbuf' | 'cluster' | 'sfbuf' | 'extpgs' | 'aiotx'
  /** Pages of an EXT_PGS mbuf that it shows, else 0. */
  npgs: number
  firstPgOff: number
  /** Storage is owned by another mbuf. */
  shadow: boolean
  /** Holds protocol headers; has no place in the stream (len is the header length). */
  header: boolean
  ready: boolean
  refs: number
}

export interface LayerFigures {
  socket: number
  socketUnit: string
  host: number
  hostUnit: string
  cpu: number | null
}

export type LayerName = 'file' | 'sockbuf' | 'tcp' | 'ip' | 'vlan' | 'card' | 'wire' | 'ack'

/** The latest burst of the connection. */
export interface DrawnBurst {
  id: number
  t: number
  off: number
  len: number
  segments: number
  mss: number
  tso: boolean
  tcp: DrawnMbuf[]
  ip: { checksumByCard: boolean; takesUnmapped: boolean; converted: number; chain: DrawnMbuf[] }
  vlan: { tag: number; interface: string } | null
  /** Scatter/gather entries; those with off < 0 carry headers. */
  sglist: { off: number; len: number }[]
  descriptors: number
  immediate: boolean
  framesOut: number
  frames: number
  /** True from tcp_output until the card has read the data and said so. */
  inFlight: boolean
}

/** The send path of one connection at one instant. */
export interface SendPath {
  t: number
  connection: { id: number; label: string } | null
  connections: { id: number; label: string }[]
  connectionCount: number
  method: 'sendfile' | 'write' | 'aio_write'
  base: number
  length: number
  pages: { off: number; len: number; frame: number; adjacent: boolean }[]
  socketBuffer: DrawnMbuf[]
  una: number
  nxt: number
  burst: DrawnBurst | null
  ring: { interface: string; queue: number; size: number; cidx: number; pidx: number; used: number }
  wire: { media: string }
  release: { next: number; wiredPages: number }
  layers: Record<LayerName, LayerFigures>
  verdict: { copiedPerByte: number; convertedPerByte: number; cpu: number }
}

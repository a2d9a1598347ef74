/** Send paths for tests of the picture, put together the way the emulated host would describe them. Figures are invented. */
import type { DrawnMbuf, SendPath } from '../../preload/contract'

const page = 4096
const mss = 1448
const burstLength = 45 * mss

/** A data mbuf of one ready page; give what differs. */
export function mbuf(part: Partial<DrawnMbuf> = {}): DrawnMbuf {
  return {
    off: 0,
    len: page,
    kind: 'extpgs',
    npgs: part.kind === undefined || part.kind === 'extpgs' ? 1 : 0,
    firstPgOff: 0,
    shadow: false,
    header: false,
    ready: true,
    refs: 1,
    ...part,
  }
}

type Burst = NonNullable<SendPath['burst']>

/** A burst in flight of 45 full segments; give what differs. */
export function burstOf(part: Partial<Burst> = {}): Burst {
  const off = part.off ?? burstLength
  const len = part.len ?? burstLength
  return {
    id: 7,
    t: 12_400_000,
    off,
    len,
    segments: Math.ceil(len / mss),
    mss,
    tso: true,
    tcp: [],
    ip: { checksumByCard: true, takesUnmapped: true, converted: 0, chain: [] },
    vlan: null,
    sglist: [],
    descriptors: 4,
    immediate: false,
    framesOut: 18,
    frames: Math.ceil(len / mss),
    inFlight: true,
    ...part,
  }
}

function pagesOf(start: number, end: number): SendPath['pages'] {
  const pages: SendPath['pages'] = []
  // Every ninth page happens to follow the one before it in physical memory.
  for (let off = start, i = 0; off < end; off += page, i++)
    pages.push({ off, len: Math.min(page, end - off), frame: 1000 + i * (i % 9 === 4 ? 1 : 3), adjacent: i % 9 === 4 })
  return pages
}

/** The parts of a chain that lie in `from … to`, as mbufs that share their storage. */
export function shadowsOf(chain: readonly DrawnMbuf[], from: number, to: number): DrawnMbuf[] {
  return chain.flatMap((m) => {
    const a = Math.max(from, m.off)
    const b = Math.min(to, m.off + m.len)
    if (m.header || b <= a) return []
    const firstPgOff = (m.firstPgOff + (a - m.off)) % page
    const npgs = m.kind === 'extpgs' ? Math.ceil((firstPgOff + b - a) / page) : 0
    return [{ ...m, off: a, len: b - a, firstPgOff, npgs, shadow: true, refs: 2 }]
  })
}

const protocolHeader = (): DrawnMbuf => mbuf({ kind: 'mbuf', header: true, len: 66, npgs: 0 })

/** Scatter/gather entries of a stretch: one a page, adjacent pages as one. */
function entriesOf(pages: SendPath['pages'], from: number, to: number): Burst['sglist'] {
  const list: Burst['sglist'] = [{ off: -66, len: 66 }]
  for (const p of pages) {
    const a = Math.max(from, p.off)
    const b = Math.min(to, p.off + p.len)
    if (b <= a) continue
    const last = list[list.length - 1]
    if (p.adjacent && last.off >= 0) last.len = b - last.off
    else list.push({ off: a, len: b - a })
  }
  return list
}

const layers = (mbufs: number, converted: number): SendPath['layers'] => ({
  file: { socket: 47, socketUnit: 'pages', host: 44_190, hostUnit: 'wired', cpu: 0.095 },
  sockbuf: { socket: mbufs, socketUnit: 'mbufs', host: mbufs * 735, hostUnit: 'mbufs', cpu: 0.032 },
  tcp: { socket: 3, socketUnit: 'mbufs', host: 78_100, hostUnit: 'bursts/s', cpu: 0.079 },
  ip: {
    socket: converted,
    socketUnit: 'converted',
    host: converted * 74_700,
    hostUnit: '/s',
    cpu: converted > 0 ? 0.078 : 0.021,
  },
  vlan: { socket: 10, socketUnit: 'tag', host: 0, hostUnit: '', cpu: 0.003 },
  card: { socket: 17, socketUnit: 'entries', host: 9, hostUnit: 'of 1023 used', cpu: 0.043 },
  wire: { socket: 18, socketUnit: 'of 45 out', host: 40e9, hostUnit: 'b/s', cpu: null },
  ack: { socket: 65_160, socketUnit: 'B', host: 76_300, hostUnit: 'ACK/s', cpu: 0.116 },
})

function pathOf(socketBuffer: DrawnMbuf[], pages: SendPath['pages'], length: number): SendPath {
  const burst = burstOf()
  const shadows = shadowsOf(socketBuffer, burst.off, burst.off + burst.len)
  burst.tcp = [protocolHeader(), ...shadows]
  burst.ip.chain = [protocolHeader(), ...shadows]
  burst.vlan = { tag: 10, interface: 'vlan10' }
  burst.sglist = entriesOf(pages, burst.off, burst.off + burst.len)
  return {
    branch: 'A',
    t: 12_400_000,
    connection: { id: 9, label: '198.51.100.9.51022' },
    connections: [
      { id: 9, label: '198.51.100.9.51022' },
      { id: 10, label: '198.51.100.9.51023' },
    ],
    connectionCount: 400,
    method: 'sendfile',
    base: 0,
    length,
    pages,
    socketBuffer,
    una: 0,
    nxt: 2 * burstLength,
    burst,
    ring: { interface: 'cc0', queue: 3, size: 1023, cidx: 7, pidx: 16, used: 9 },
    wire: { media: '100GBase-CR4' },
    release: { next: burstLength, wiredPages: 19 },
    layers: layers(socketBuffer.length, 0),
    verdict: { copiedPerByte: 0, convertedPerByte: 0, cpu: 0.401 },
  }
}

const headerLength = 199
const total = 192_699

/** mb_use_ext_pgs=1, nomap: three EXT_PGS mbufs behind the header of the response. */
export function unmappedPath(): SendPath {
  const chain = [mbuf({ kind: 'mbuf', off: 0, len: headerLength, npgs: 0 })]
  for (let off = headerLength; off < total; off += 19 * page) {
    const len = Math.min(19 * page, total - off)
    chain.push(mbuf({ off, len, npgs: Math.ceil(len / page) }))
  }
  return pathOf(chain, pagesOf(headerLength, total), total)
}

/** mb_use_ext_pgs=0: one sf_buf mbuf a page. */
export function mappedPath(): SendPath {
  const chain = [mbuf({ kind: 'mbuf', off: 0, len: headerLength, npgs: 0 })]
  const pages = pagesOf(headerLength, total)
  for (const p of pages) chain.push(mbuf({ kind: 'sfbuf', off: p.off, len: p.len, npgs: 0 }))
  const path = pathOf(chain, pages, total)
  path.verdict.cpu = 0.439
  path.release.wiredPages = 16
  return path
}

function converted(path: SendPath): SendPath {
  const burst = path.burst!
  const pieces = path.pages.flatMap((p) =>
    shadowsOf([mbuf({ kind: 'sfbuf', off: p.off, len: p.len, npgs: 0 })], burst.off, burst.off + burst.len),
  )
  burst.ip = { ...burst.ip, converted: 2, chain: [protocolHeader(), ...pieces.map((m) => ({ ...m, shadow: false }))] }
  path.layers = layers(path.socketBuffer.length, 17)
  path.verdict = { copiedPerByte: 0, convertedPerByte: 1, cpu: 0.468 }
  return path
}

/** mb_use_ext_pgs=1, -nomap: the buffer stays small, the burst is taken apart in ip_output. */
export function splitPath(): SendPath {
  const path = converted(unmappedPath())
  path.burst!.ip.takesUnmapped = false
  return path
}

/** mb_use_ext_pgs=1, -txcsum: taken apart because the CPU must sum the bytes. */
export function softwareChecksumPath(): SendPath {
  const path = converted(unmappedPath())
  path.burst!.ip.checksumByCard = false
  return path
}

/** The first segment is sent again after a loss. */
export function retransmissionPath(): SendPath {
  const path = unmappedPath()
  const burst = burstOf({ off: 0, len: mss, segments: 1, frames: 1, framesOut: 0, tso: false })
  const shadows = shadowsOf(path.socketBuffer, 0, mss)
  burst.tcp = [protocolHeader(), ...shadows]
  burst.ip.chain = burst.tcp
  burst.sglist = entriesOf(path.pages, 0, mss)
  path.burst = burst
  return path
}

/** A response of 180 bytes that travels in the ring itself. */
export function immediatePath(): SendPath {
  const path = unmappedPath()
  path.length = 180
  path.pages = []
  path.socketBuffer = [mbuf({ kind: 'mbuf', off: 0, len: 180, npgs: 0 })]
  path.una = 0
  path.nxt = 180
  const burst = burstOf({
    off: 0,
    len: 180,
    segments: 1,
    frames: 1,
    framesOut: 0,
    tso: false,
    immediate: true,
    descriptors: 1,
  })
  burst.tcp = [protocolHeader(), mbuf({ kind: 'mbuf', off: 0, len: 180, npgs: 0, shadow: true })]
  burst.ip.chain = burst.tcp
  path.burst = burst
  path.release = { next: 180, wiredPages: 0 }
  return path
}

/** write(2): user pages are copied into clusters. */
export function writePath(): SendPath {
  const path = mappedPath()
  path.method = 'write'
  path.socketBuffer = path.pages.map((p) => mbuf({ kind: 'cluster', off: p.off, len: p.len, npgs: 0 }))
  const shadows = shadowsOf(path.socketBuffer, path.burst!.off, path.burst!.off + path.burst!.len)
  path.burst!.tcp = [protocolHeader(), ...shadows]
  path.burst!.ip.chain = path.burst!.tcp
  path.verdict = { copiedPerByte: 1, convertedPerByte: 0, cpu: 0.698 }
  return path
}

/** A host without a connection. */
export function idlePath(): SendPath {
  const path = unmappedPath()
  const none = (unit: string, hostUnit: string, cpu: number | null = 0): SendPath['layers']['file'] => ({
    socket: 0,
    socketUnit: unit,
    host: 0,
    hostUnit,
    cpu,
  })
  return {
    ...path,
    connection: null,
    connections: [],
    connectionCount: 0,
    length: 0,
    pages: [],
    socketBuffer: [],
    una: 0,
    nxt: 0,
    burst: null,
    ring: { ...path.ring, cidx: 0, pidx: 0, used: 0 },
    release: { next: 0, wiredPages: 0 },
    layers: {
      file: none('pages', 'wired'),
      sockbuf: none('mbufs', 'mbufs'),
      tcp: none('mbufs', 'bursts/s'),
      ip: none('converted', '/s'),
      vlan: none('', ''),
      card: none('entries', 'used'),
      wire: none('frames', 'b/s', null),
      ack: none('B', 'ACK/s'),
    },
    verdict: { copiedPerByte: 0, convertedPerByte: 0, cpu: 0 },
  }
}

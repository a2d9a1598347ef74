/** The picture before the host has said anything: every ribbon says what it will show, every number is a dash. */
import type { BranchLetter, SendPath } from '../../preload/contract'
import { type RowId, rowIds } from './rows'

const units: Record<RowId, string> = {
  file: 'wired',
  sockbuf: 'mbufs',
  tcp: 'bursts/s',
  ip: '/s',
  vlan: '',
  card: 'used',
  wire: 'Gb/s',
  ack: 'ACK/s',
}

export function blankPath(branch: BranchLetter): SendPath {
  const layers = {} as SendPath['layers']
  for (const id of rowIds) layers[id] = { socket: NaN, socketUnit: '', host: NaN, hostUnit: units[id], cpu: null }
  return {
    branch,
    t: 0,
    connection: null,
    connections: [],
    connectionCount: 0,
    method: 'sendfile',
    base: 0,
    length: 0,
    pages: [],
    socketBuffer: [],
    una: 0,
    nxt: 0,
    burst: null,
    ring: { interface: '', queue: 0, size: 0, cidx: 0, pidx: 0, used: 0 },
    wire: { media: '' },
    release: { next: 0, wiredPages: 0 },
    layers,
    verdict: { copiedPerByte: NaN, convertedPerByte: NaN, cpu: NaN },
  }
}

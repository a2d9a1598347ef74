/** Connections: `netstat`, `-a`, `-x`, `-T`, `-L`, `-R`. Source: usr.bin/netstat/inet.c protopr() (reference console-tools 3.3; read). */
import type { SocketInfo, SystemCalls } from '../../../emulator/index'
import { inet_ntoa } from '../../libc/inet'
import { pad } from '../../libc/stdio'

export interface SocketTableOptions {
  /** Listening sockets too. */
  all: boolean
  /** Ports as numbers. */
  numeric: boolean
  wide: boolean
  kind: 'state' | 'buffers' | 'tcp' | 'listen' | 'flow'
  /** -A: address of the control block in front. */
  pcb: boolean
  /** Sockets of one family only (-4, -6, -f). */
  family: 4 | 6 | null
}

const services: { readonly [port: number]: string } = { 22: 'ssh', 80: 'http', 443: 'https', 8080: 'http-alt' }

export function socketTable(sys: SystemCalls, options: SocketTableOptions): string {
  const { kind } = options
  const sockets = sys.sockets().filter((so) => {
    const listening = so.state === 'LISTEN'
    if (options.family !== null && (options.family === 6) !== (so.inet6 !== undefined)) return false
    return kind === 'listen' ? listening : options.all || !listening
  })
  if (sockets.length === 0) return ''
  const width = options.wide ? 45 : options.pcb ? 18 : 22
  const title =
    kind === 'listen'
      ? 'Current listen queue sizes (qlen/incqlen/maxqlen)'
      : `Active Internet connections${options.all ? ' (including servers)' : ''}`
  let text = `${title}\n`
  const head: string[] = options.pcb ? [pad('Tcpcb', -16)] : []
  head.push('Proto')
  if (kind === 'listen') head.push(pad('Listen', -32), pad('Local Address', -width))
  else {
    if (kind === 'tcp') head.push(pad('Rexmit', -6), pad('OOORcv', -6), pad('0-win', -6))
    else head.push(pad('Recv-Q', -6), pad('Send-Q', -6))
    head.push(pad('Local Address', -width), pad('Foreign Address', -width))
    if (kind === 'buffers') {
      for (const name of bufferColumns) head.push(pad(name, -6, 6))
      for (const name of timerColumns) head.push(pad(name, 7, 7))
    } else if (kind === 'state') head.push('(state)')
    else if (kind === 'flow') head.push(pad('flowid', 8), pad('ftype', 5))
  }
  text += head.join(' ').trimEnd() + '\n'
  for (const so of sockets) text += row(so, options, width)
  return text
}

const bufferColumns = [
  'R-MBUF',
  'S-MBUF',
  'R-CLUS',
  'S-CLUS',
  'R-HIWA',
  'S-HIWA',
  'R-LOWA',
  'S-LOWA',
  'R-BCNT',
  'S-BCNT',
  'R-BMAX',
  'S-BMAX',
]
const timerColumns = ['rexmt', 'persist', 'keep', '2msl', 'delack', 'rcvtime']

function row(so: SocketInfo, options: SocketTableOptions, width: number): string {
  const { kind } = options
  const listening = so.state === 'LISTEN'
  const cells: string[] = options.pcb ? [pad(so.pcb.toString(16), 16)] : []
  cells.push(`${so.offloaded ? 'toe' : 'tcp'}${so.inet6 === undefined ? 4 : 6} `)
  const local = address(so.inet6?.laddr ?? hostText(so.laddr), so.lport, options.numeric)
  const foreign = address(so.inet6?.faddr ?? hostText(so.faddr), so.fport, options.numeric)
  if (kind === 'listen') {
    cells.push(pad(`${so.qlen}/${so.incqlen}/${so.qlimit}`, -32), pad(local, -width, width))
    return cells.join(' ') + '\n'
  }
  if (kind === 'tcp') cells.push(pad(so.retransmitted, 6), pad(so.outOfOrder, 6), pad(so.zeroWindow, 6))
  // The queues of a listening socket are connections, not bytes, and are shown as 0.
  else cells.push(pad(listening ? 0 : so.rcv.sb_cc, 6), pad(listening ? 0 : so.snd.sb_cc, 6))
  cells.push(pad(local, -width, width), pad(foreign, -width, width))
  if (kind === 'buffers') {
    const { rcv, snd, timers } = so
    for (const [r, s] of [
      [rcv.sb_mcnt, snd.sb_mcnt],
      [rcv.sb_ccnt, snd.sb_ccnt],
      [rcv.sb_hiwat, snd.sb_hiwat],
      [rcv.sb_lowat, snd.sb_lowat],
      [rcv.sb_mbcnt, snd.sb_mbcnt],
      [rcv.sb_mbmax, snd.sb_mbmax],
    ])
      cells.push(pad(r, 6), pad(s, 6))
    for (const ms of [timers.rexmt, timers.persist, timers.keep, timers.msl2, timers.delack, timers.rcvtime])
      cells.push(`${pad(Math.floor(ms / 1000), 4)}.${String(Math.floor((ms % 1000) / 10)).padStart(2, '0')}`)
  } else if (kind === 'state') cells.push(pad(so.state, -11))
  else if (kind === 'flow') cells.push(pad(so.flowid.toString(16).padStart(8, '0'), 8), pad(so.flowtype, 5))
  return cells.join(' ') + '\n'
}

const hostText = (host: number): string => (host === 0 ? '' : inet_ntoa(host))

/** `ADDR.PORT`, `*` for any. */
function address(host: string, port: number, numeric: boolean): string {
  const name = port === 0 ? '*' : numeric ? String(port) : (services[port] ?? String(port))
  return `${host === '' ? '*' : host}.${name}`
}

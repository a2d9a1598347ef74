/**
 * Tunables and sysctls of cxgbe(4) that the model gives a meaning: hw.cxgbe.*, dev.t6nex.0.*, dev.cc.N.*. Names that would only be decoration (TOE
 * settings, firmware and VPD strings, congestion and free-list tuning, misc.*) are left out. Source: sys/dev/cxgbe/t4_main.c, t4_sge.c (names and
 * defaults read through reference nic-cxgbe 1.3–1.6; descriptions are ours).
 */
import type { Kernel } from '../../kernel'
import type { SysctlDeclaration } from '../../kern/kern_sysctl'
import { EBUSY, EINVAL } from '../../sys/errno'
import { type Cxgbe, MAC_COUNTERS, macCounters, MAX_QSIZE, MIN_QSIZE, RX_IQ_QSIZE, TX_EQ_QSIZE } from './adapter'

const MAIN = 'dev/cxgbe/t4_main.c'
const SGE = 'dev/cxgbe/t4_sge.c'

/** hw.cxgbe.* tunables in the meaning the driver gives them: a negative queue count is "at most that many, and not more than CPUs". */
export function cxgbeTunables(k: Kernel) {
  const declare = (name: string, value: number, range: readonly [number, number], description: string): number => {
    const id = k.sysctl.declare({
      name: `hw.cxgbe.${name}`,
      type: 'int',
      access: 'rdtun',
      default: value,
      range,
      unit: '',
      description,
      source: MAIN,
      fidelity: 'read',
    })
    return k.sysctl.number(id)
  }
  k.sysctl.node('hw.cxgbe', 'cxgbe(4) parameters', MAIN)
  const queues = (value: number, fallback: number): number => {
    const wanted = value === 0 ? fallback : value
    return wanted < 0 ? Math.min(k.cpu.count, -wanted) : wanted
  }
  return {
    ntxq: queues(
      declare('ntxq', -16, [-64, 64], 'transmit queues of a port; negative: at most that many, not more than CPUs'),
      -16,
    ),
    nrxq: queues(
      declare('nrxq', -8, [-64, 64], 'receive queues of a port; negative: at most that many, not more than CPUs'),
      -8,
    ),
    tmrIdx: declare('holdoff_timer_idx', 1, [0, 5], 'interrupt hold-off timer of new interfaces: 1 5 10 50 100 200 us'),
    qsizeTxq: declare('qsize_txq', TX_EQ_QSIZE, [MIN_QSIZE, MAX_QSIZE], 'descriptors of a transmit queue'),
    qsizeRxq: declare('qsize_rxq', RX_IQ_QSIZE, [MIN_QSIZE, MAX_QSIZE], 'entries of a receive queue') & ~7,
    rsrvNoflowq: declare('rsrv_noflowq', 0, [0, 1], 'keep the first transmit queue for packets without a flow id'),
  }
}

/** dev.t6nex.0.* once, dev.cc.N.* for a port. */
export function declareCxgbeSysctls(k: Kernel, cx: Cxgbe, p: number, unit: number): void {
  const { sysctl } = k
  const base = `dev.cc.${unit}`
  const read = (
    name: string,
    description: string,
    get: () => number | string,
    more: Partial<SysctlDeclaration> = {},
  ): void => {
    sysctl.declare({
      name,
      type: 'int',
      access: 'rd',
      unit: '',
      description,
      source: MAIN,
      fidelity: 'read',
      get,
      ...more,
    })
  }
  if (unit === 0) declareAdapter(k, cx, read)

  const { port, txq, rxq, mac } = cx
  sysctl.node(`dev.cc`, '', MAIN)
  sysctl.node(base, '', MAIN)
  read(`${base}.%desc`, 'device description', () => `port ${unit}`, { type: 'string' })
  read(`${base}.%driver`, 'device driver name', () => 'cc', { type: 'string' })
  read(`${base}.%parent`, 'parent device', () => 't6nex0', { type: 'string' })
  read(`${base}.nrxq`, '# of rx queues', () => port.nrxq[p])
  read(`${base}.ntxq`, '# of tx queues', () => port.ntxq[p])
  read(`${base}.first_rxq`, 'index of first rx queue', () => port.firstRxq[p] - 1)
  read(`${base}.first_txq`, 'index of first tx queue', () => port.firstTxq[p] - 1)
  read(
    `${base}.rsrv_noflowq`,
    'keep the first transmit queue for packets without a flow id',
    () => port.rsrvNoflowq[p],
    {
      access: 'rw',
      range: [0, 1],
      set: (value) => {
        // With a single queue nothing would be left for the others.
        if (port.ntxq[p] - (value as number) < 1) return EINVAL
        port.rsrvNoflowq[p] = value as number
        return 0
      },
    },
  )
  read(`${base}.holdoff_tmr_idx`, 'interrupt hold-off timer: 1 5 10 50 100 200 us', () => port.tmrIdx[p], {
    access: 'rw',
    range: [0, 5],
    default: 1,
    set: (value) => {
      port.tmrIdx[p] = value as number
      return 0
    },
  })
  const size = (name: string, description: string, get: () => number, set: (n: number) => void): void =>
    read(`${base}.${name}`, description, get, {
      access: 'rw',
      range: [MIN_QSIZE, MAX_QSIZE],
      set: (value) => {
        if (port.fullInit[p] === 1) return EBUSY
        set(value as number)
        return 0
      },
    })
  size(
    'qsize_rxq',
    'entries of a receive queue; fixed once the interface has been up',
    () => port.qsizeRxq[p],
    (n) => (port.qsizeRxq[p] = n & ~7),
  )
  size(
    'qsize_txq',
    'descriptors of a transmit queue; fixed once the interface has been up',
    () => port.qsizeTxq[p],
    (n) => (port.qsizeTxq[p] = n),
  )

  const counter = { type: 'u64', stats: true, source: SGE } as const
  for (let i = 0; i < port.nrxq[p]; i++) {
    const q = port.firstRxq[p] + i
    const node = `${base}.rxq.${i}`
    sysctl.node(node, 'rx queue', SGE)
    read(`${node}.lro_queued`, '# of frames joined by LRO', () => rxq.lro_queued[q], counter)
    read(`${node}.lro_flushed`, '# of packets LRO made of them', () => rxq.lro_flushed[q], counter)
    read(`${node}.rxcsum`, '# of times the card checked a checksum', () => rxq.rxcsum[q], counter)
    read(`${node}.vlan_extraction`, '# of times the card removed a tag', () => rxq.vlan_extraction[q], counter)
    read(`${node}.fl.mbuf_allocated`, '# of mbufs allocated', () => rxq.mbuf_allocated[q], counter)
    read(`${node}.fl.cluster_allocated`, '# of clusters allocated', () => rxq.cluster_allocated[q], counter)
  }
  const columns: readonly [keyof typeof txq, string][] = [
    ['txcsum', '# of times the card inserted checksums'],
    ['vlan_insertion', '# of times the card inserted a tag'],
    ['tso_wrs', '# of TSO work requests'],
    ['imm_wrs', '# of work requests with immediate data'],
    ['sgl_wrs', '# of work requests with a scatter/gather list'],
    ['txpkt_wrs', '# of single-packet work requests'],
    ['txpkts0_wrs', '# of coalesced work requests, type 0'],
    ['txpkts1_wrs', '# of coalesced work requests, type 1'],
    ['txpkts0_pkts', '# of packets in coalesced work requests, type 0'],
    ['txpkts1_pkts', '# of packets in coalesced work requests, type 1'],
    ['raw_wrs', '# of raw work requests'],
    ['r_enqueues', '# of packets handed to the software ring'],
    ['r_drops', '# of packets the software ring refused'],
    ['r_starts', '# of normal consumer starts'],
    ['r_stalls', '# of consumer stops for lack of descriptors'],
    ['r_restarts', '# of consumer restarts after a stop'],
    ['r_abdications', '# of consumers that gave up in favour of another'],
  ]
  for (let i = 0; i < port.ntxq[p]; i++) {
    const q = port.firstTxq[p] + i
    const node = `${base}.txq.${i}`
    sysctl.node(node, 'tx queue', SGE)
    const plain = { source: SGE } as const
    read(`${node}.ba`, 'bus address of the descriptor ring', () => txq.ba[q], { ...plain, type: 'u64' })
    read(`${node}.dmalen`, 'descriptor ring size in bytes', () => (txq.sidx[q] === 0 ? 0 : (txq.sidx[q] + 1) * 64), {
      ...plain,
      type: 'u64',
      unit: 'bytes',
    })
    read(`${node}.cidx`, 'consumer index', () => txq.cidx[q], plain)
    read(`${node}.pidx`, 'producer index', () => txq.pidx[q], plain)
    read(`${node}.sidx`, 'status page index', () => txq.sidx[q], plain)
    for (const [column, description] of columns)
      read(`${node}.${column}`, description, () => (txq[column] as Float64Array)[q], counter)
  }
  sysctl.node(`${base}.stats`, 'port statistics', MAIN)
  read(`${base}.stats.tx_parse_error`, '# of packets refused before they reached a queue', () => port.txParseError[p], {
    type: 'u64',
    stats: true,
  })
  macCounters.forEach((name, i) =>
    read(`${base}.stats.${name}`, macDescription(name), () => mac[p * MAC_COUNTERS + i], { type: 'u64', stats: true }),
  )
}

/** What a MAC counter counts, from its name. */
function macDescription(name: string): string {
  const way = name.startsWith('tx_') ? 'sent' : 'received'
  const what = name.slice(3)
  if (what === 'octets') return `octets in good frames ${way}`
  if (what === 'frames') return `good frames ${way}`
  if (what === 'drop') return 'frames dropped before sending'
  if (what.startsWith('frames_')) return `frames ${way} of ${what.slice(7).replace('_', ' to ')} octets`
  if (what.startsWith('ovflow')) return 'frames dropped because a receive queue was full'
  if (what.startsWith('trunc')) return 'frames cut or dropped because there was no buffer'
  return `${what.replace('_frames', '')} frames ${way}`
}

type ReadDeclarer = (
  name: string,
  description: string,
  get: () => number | string,
  more?: Partial<SysctlDeclaration>,
) => void

function declareAdapter(k: Kernel, cx: Cxgbe, read: ReadDeclarer): void {
  k.sysctl.node('dev', '', 'kern/subr_bus.c')
  k.sysctl.node('dev.t6nex', '', MAIN)
  const base = 'dev.t6nex.0'
  k.sysctl.node(base, '', MAIN)
  read(`${base}.%desc`, 'device description', () => 'Chelsio T62100-LP-CR', { type: 'string' })
  read(`${base}.%driver`, 'device driver name', () => 't6nex', { type: 'string' })
  read(`${base}.nports`, '# of ports', () => cx.port.live)
  read(`${base}.doorbells`, 'available doorbells', () => '9<UDB,KDB>', { type: 'string', fidelity: 'derived' })
  read(`${base}.holdoff_timers`, 'interrupt hold-off timer values (us)', () => '1 5 10 50 100 200', {
    type: 'string',
    unit: 'us',
  })
}

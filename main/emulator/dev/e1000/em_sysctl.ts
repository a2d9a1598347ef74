/**
 * Tunables and sysctls of igb(4) that the model gives a meaning. Source: sys/net/iflib.c iflib_add_device_sysctl_post, sys/dev/e1000/if_em.c
 * em_add_hw_stats (names read; descriptions are ours). Interrupt, PHY and register nodes are left out.
 */
import type { Kernel } from '../../kernel'
import type { SysctlDeclaration } from '../../kern/kern_sysctl'
import { IGB_MAX_QUEUES, type Igb } from './em'

const EM = 'dev/e1000/if_em.c'
const IFLIB = 'net/iflib.c'

/** Queue pairs of the ports of a host: dev.igb.0.iflib.override_nrxqs, or one a CPU up to what the card has. */
export function igbTunables(k: Kernel): { queues: number } {
  for (const node of ['dev', 'dev.igb', 'dev.igb.0', 'dev.igb.0.iflib']) k.sysctl.node(node, '', EM)
  const declare = (name: string, description: string): number =>
    k.sysctl.number(
      k.sysctl.declare({
        name: `dev.igb.0.iflib.${name}`,
        type: 'u16',
        access: 'rdtun',
        default: 0,
        range: [0, IGB_MAX_QUEUES],
        unit: '',
        description,
        source: IFLIB,
        fidelity: 'read',
      }),
    )
  const rx = declare('override_nrxqs', '# of rx queues to use, 0 => use default #')
  const tx = declare('override_ntxqs', '# of tx queues to use, 0 => use default #')
  const wanted = Math.min(rx === 0 ? IGB_MAX_QUEUES : rx, tx === 0 ? IGB_MAX_QUEUES : tx)
  return { queues: Math.min(k.cpu.count, wanted) }
}

export function declareIgbSysctls(k: Kernel, igb: Igb, p: number, unit: number): void {
  const { sysctl } = k
  const { port, txq, rxq } = igb
  const base = `dev.igb.${unit}`
  const read = (
    name: string,
    description: string,
    get: () => number | string,
    more: Partial<SysctlDeclaration> = {},
  ): void => {
    sysctl.declare({
      name: `${base}.${name}`,
      type: 'u64',
      access: 'rd',
      unit: '',
      description,
      source: IFLIB,
      fidelity: 'read',
      stats: true,
      get,
      ...more,
    })
  }
  const text = { type: 'string', stats: false, source: EM } as const
  sysctl.node(base, '', EM)
  sysctl.node(`${base}.iflib`, 'IFLIB fields', IFLIB)
  read('%desc', 'device description', () => 'Intel(R) PRO/1000 PCI-Express Network Driver', text)
  read('%driver', 'device driver name', () => 'igb', text)
  read('%parent', 'parent device', () => 'pci1', text)
  const columns: readonly [keyof typeof txq, string][] = [
    ['r_enqueues', '# of packets handed to the software ring'],
    ['r_drops', '# of packets the software ring refused'],
    ['r_starts', '# of normal consumer starts'],
    ['r_stalls', '# of consumer stops for lack of descriptors'],
    ['r_restarts', '# of consumer restarts after a stop'],
    ['r_abdications', '# of consumers that gave up in favour of another'],
    ['m_pullups', '# of packets whose headers had to be pulled together'],
    ['mbuf_defrag', '# of packets copied for having too many segments'],
    ['mbuf_defrag_failed', '# of packets lost because that failed'],
    ['no_desc_avail', '# of times the ring had no room'],
    ['tx_map_failed', '# of packets that could not be mapped'],
    ['txq_cleaned', '# of descriptors reclaimed'],
    ['txq_processed', '# of descriptors written'],
  ]
  for (let n = 0; n < port.ntxq[p]; n++) {
    const q = port.firstTxq[p] + n
    const node = `iflib.txq${String(n).padStart(2, '0')}`
    sysctl.node(`${base}.${node}`, 'tx queue', IFLIB)
    read(`${node}.txq_pidx`, 'producer index', () => txq.pidx[q])
    read(`${node}.txq_cidx`, 'consumer index', () => txq.cidx[q])
    read(`${node}.txq_in_use`, 'descriptors in use', () => txq.in_use[q])
    for (const [column, description] of columns)
      read(`${node}.${column}`, description, () => (txq[column] as Float64Array)[q])
  }
  for (let n = 0; n < port.nrxq[p]; n++) {
    const q = port.firstRxq[p] + n
    sysctl.node(`${base}.queue_rx_${n}`, 'RX queue', EM)
    read(`queue_rx_${n}.rx_irq`, 'interrupts of the queue pair', () => rxq.interrupts[q], { source: EM })
  }
  sysctl.node(`${base}.mac_stats`, 'statistics', EM)
  const stats: readonly [keyof typeof port, string][] = [
    ['good_pkts_recvd', 'good packets received'],
    ['good_octets_recvd', 'good octets received'],
    ['good_pkts_txd', 'good packets sent'],
    ['good_octets_txd', 'good octets sent'],
    ['missed_packets', 'packets without a descriptor'],
    ['tso_txd', 'TSO bursts sent'],
  ]
  for (const [column, description] of stats)
    read(`mac_stats.${column}`, description, () => (port[column] as Float64Array)[p], { source: EM })
}

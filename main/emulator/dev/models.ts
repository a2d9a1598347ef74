/** Which driver makes an interface of a model, and what the lab's pictures and counters ask of the card on the link. */
import type { InterfaceConfig } from '../config'
import type { Kernel } from '../kernel'
import { IDXDIFF, MAC_COUNTERS, MAC_TX_FRAMES, MAC_TX_OCTETS, PROBE_TIMES } from './cxgbe/adapter'
import { attachIgb } from './e1000/if_em'

/** A ring as the send-path picture draws it. */
export interface RingView {
  interface: number
  queue: number
  size: number
  cidx: number
  pidx: number
  used: number
}

interface NicModel {
  /** Makes the interfaces of this model that the host's configuration names. */
  attach(k: Kernel): void
  /** Interface of the card's first port, 0 = not attached. */
  firstInterface(k: Kernel): number
  /** Ring of the queue that a flow uses on the first port; null before the interface was up. */
  ring(k: Kernel, flow: number, flowType: number): RingView | null
  /** Times that the send-path probe keeps: three for each of its rows. */
  probeTimes(k: Kernel): Float64Array
  /** Figures over all ports and queues of the model. */
  txFrames(k: Kernel): number
  txOctets(k: Kernel): number
  descriptors(k: Kernel): number
  segments(k: Kernel): number
  doorbells(k: Kernel): number
  immediate(k: Kernel): number
  tsoBursts(k: Kernel): number
  interrupts(k: Kernel): number
}

/** Sum of a column over all queues. */
function over(column: Float64Array): number {
  let sum = 0
  for (let q = 1; q < column.length; q++) sum += column[q]
  return sum
}

/** Sum of a counter over the MACs of all T6 ports. */
function overMacs(k: Kernel, counter: number): number {
  const { mac } = k.cxgbe
  let sum = 0
  for (let at = MAC_COUNTERS + counter; at < mac.length; at += MAC_COUNTERS) sum += mac[at]
  return sum
}

const t6: NicModel = {
  attach: (k) => k.cxgbe.attach(),
  firstInterface: (k) => (k.cxgbe.port.live === 0 ? 0 : k.cxgbe.port.ifp[1]),
  ring(k, flow, flowType) {
    const { port, txq } = k.cxgbe
    if (port.live === 0 || port.fullInit[1] === 0) return null
    const reserved = port.rsrvNoflowq[1]
    const queue = flowType === 0 ? 0 : (flow % (port.ntxq[1] - reserved)) + reserved
    const q = port.firstTxq[1] + queue
    const used = IDXDIFF(txq.pidx[q], txq.cidx[q], txq.sidx[q])
    return { interface: port.ifp[1], queue, size: txq.sidx[q], cidx: txq.cidx[q], pidx: txq.pidx[q], used }
  },
  probeTimes: (k) => k.cxgbe.probeTimes,
  txFrames: (k) => overMacs(k, MAC_TX_FRAMES),
  txOctets: (k) => overMacs(k, MAC_TX_OCTETS),
  descriptors: (k) => over(k.cxgbe.txq.descriptors),
  segments: (k) => over(k.cxgbe.txq.segments),
  doorbells: (k) => over(k.cxgbe.txq.doorbells),
  immediate: (k) => over(k.cxgbe.txq.imm_wrs),
  tsoBursts: (k) => over(k.cxgbe.txq.tso_wrs),
  interrupts: (k) => over(k.cxgbe.rxq.interrupts),
}

const igb: NicModel = {
  attach: attachIgb,
  firstInterface: (k) => k.igb!.port.ifp[1],
  ring(k, flow, flowType) {
    const { port, txq } = k.igb!
    if (port.rings[1] === 0) return null
    const queue = flowType === 0 ? 0 : flow % port.ntxq[1]
    const q = port.firstTxq[1] + queue
    const used = txq.in_use[q]
    return { interface: port.ifp[1], queue, size: txq.size[q], cidx: txq.cidx[q], pidx: txq.pidx[q], used }
  },
  probeTimes: (k) => k.igb!.probeTimes,
  txFrames: (k) => over(k.igb!.port.good_pkts_txd),
  txOctets: (k) => over(k.igb!.port.good_octets_txd),
  descriptors: (k) => over(k.igb!.txq.descriptors),
  segments: (k) => over(k.igb!.txq.segments),
  doorbells: (k) => over(k.igb!.txq.doorbells),
  immediate: () => 0,
  tsoBursts: (k) => over(k.igb!.txq.tsoBursts),
  interrupts: (k) => over(k.igb!.rxq.interrupts),
}

const models: { readonly [M in InterfaceConfig['model']]: NicModel } = { t6, igb }

/** Drivers attach in the order in which their first interface is named. */
export function attachInterfaces(k: Kernel): void {
  for (const model of new Set(k.config.interfaces.map((entry) => entry.model))) models[model].attach(k)
}

/** Figures that can be summed over the cards of a host. */
type Figure =
  'txFrames' | 'txOctets' | 'descriptors' | 'segments' | 'doorbells' | 'immediate' | 'tsoBursts' | 'interrupts'

/** A figure over all cards of a host: a lagg can have unlike ports. */
export function overCards(k: Kernel, figure: Figure): number {
  const used = k.config.interfaces
  let sum = 0
  // Each model once, however many interfaces it has.
  for (let i = 0; i < used.length; i++)
    if (used.findIndex(({ model }) => model === used[i].model) === i) sum += models[used[i].model][figure](k)
  return sum
}

/** The card that read a burst of the send-path probe (its row) last: of two under a lagg, the one that it left by. The first card if none has. */
export function nicOfBurst(k: Kernel, row: number): NicModel {
  let best = nicOf(k)
  for (const { model } of k.config.interfaces) {
    const nic = models[model]
    if (nic.probeTimes(k)[row * PROBE_TIMES] > best.probeTimes(k)[row * PROBE_TIMES]) best = nic
  }
  return best
}

/** The model of the first card on the link. */
export function nicOf(k: Kernel): NicModel {
  return models[k.config.interfaces[0]?.model ?? 't6']
}

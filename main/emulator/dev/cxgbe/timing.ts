/**
 * Times of the card. They belong to the functional model: a descriptor is done when the card has fetched its data, whether or not the cost model
 * charges the CPUs. (With the cost model off the CPUs are infinitely fast, the card is not.) `cost.parameters` of a scenario may override them by name.
 */
import type { MachineConfig } from '../../config'

export interface NicParameter {
  name: string
  default: number
  low: number
  high: number
  unit: 'ns' | 'b/s' | 'bytes'
  fidelity: 'read' | 'derived' | 'assumed'
  description: string
  source: string
}

const ANCHORS = 'performance-anchors 3.6, 7.2'

export const nicParameters = [
  p(
    'nicPcieRate',
    105.5e9,
    5e9,
    256e9,
    'b/s',
    'read',
    'payload a second that the card reads from host memory: gen3 x16, MPS 256, MRRS 512',
    ANCHORS,
  ),
  p(
    'nicReadLatency',
    560,
    300,
    1300,
    'ns',
    'read',
    'from a read request of the card to the first data (local socket)',
    ANCHORS,
  ),
  p('nicWriteLatency', 300, 100, 800, 'ns', 'derived', 'until a write of the card can be seen by a CPU', ANCHORS),
  p('nicDoorbellLatency', 150, 50, 300, 'ns', 'read', 'until a doorbell write has reached the card', ANCHORS),
  p(
    'nicSegmentBytes',
    36,
    12,
    128,
    'bytes',
    'assumed',
    'link time that each scatter/gather entry costs besides its data: list entry and request headers',
    ANCHORS,
  ),
  p(
    'nicIdleTimer',
    100_000,
    1000,
    1_000_000,
    'ns',
    'assumed',
    'how long a transmit queue is empty before the card reports it by message (doorbell queue timer)',
    'Linux commit text of the T6 doorbell queue timer: CIDX update when CIDX = PIDX for that long; length assumed',
  ),
  p(
    'igbLinkNegotiation',
    2e9,
    0,
    10e9,
    'ns',
    'assumed',
    'igb: from starting the card to a link, when a setting is changed (1000BASE-T takes two to four seconds)',
    'iflib.c says that starting renegotiates; length assumed',
  ),
] as const satisfies readonly NicParameter[]

export type NicParameterName = (typeof nicParameters)[number]['name']

function p<const N extends string>(
  name: N,
  value: number,
  low: number,
  high: number,
  unit: NicParameter['unit'],
  fidelity: NicParameter['fidelity'],
  description: string,
  source: string,
) {
  return { name, default: value, low, high, unit, fidelity, description, source }
}

/** Values for a machine: constant for its life. */
export function nicTiming(config: MachineConfig): { readonly [K in NicParameterName]: number } {
  const values = {} as { [K in NicParameterName]: number }
  for (const parameter of nicParameters)
    values[parameter.name] = config.cost.parameters[parameter.name] ?? parameter.default
  return values
}

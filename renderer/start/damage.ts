/** What can be saved of a damaged document, read from what the main process says about it. */
import type { ContractError } from '../../preload/contract'

export interface Damage {
  /** The good part can be opened. */
  openable: boolean
  /** Good commands, if it says how many. */
  good: number | null
}

export function readDamage(error: Pick<ContractError, 'code' | 'message' | 'details'>): Damage {
  const match = /(\d+) commands? before it/.exec(`${error.message} ${error.details ?? ''}`)
  return { openable: error.code === 'log-damaged', good: match === null ? null : Number(match[1]) }
}

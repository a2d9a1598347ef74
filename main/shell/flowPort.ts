import type { Port } from '../../preload/contract'
import type { CloseCode } from '../../preload/contract/closeCodes'

/** A {@link Port} that can say whether the other side keeps up. */
export interface FlowPort extends Port {
  /** True while the other side has not yet taken what was sent before. */
  congested(): boolean
  /** Calls `listener` each time the port is no longer congested. */
  onDrain(listener: () => void): void
  close(code?: CloseCode): void
}

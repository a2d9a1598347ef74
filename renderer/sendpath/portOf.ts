/** The network port of the send path: where the ring is, or where it would be while nothing was sent yet. */
import type { HostState, SendPath } from '../../preload/contract'

/** Name of the port, or an empty text if the host has none that knows nomap. */
export function portOf(path: SendPath, host: HostState | undefined): string {
  const named = path.ring.interface
  if (named !== '' && named !== 'none' && host?.interfaces.some((i) => i.name === named) !== false) return named
  const physical = host?.interfaces.find((i) => i.parent === null && i.capabilities.some((c) => c.keyword === 'nomap'))
  return physical?.name ?? ''
}

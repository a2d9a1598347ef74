/**
 * Why the browser shell closes a page's WebSocket, as close codes (RFC 6455 7.4: 4000…4999 are for applications). The page reads
 * them to know whether connecting again makes sense.
 */
export const closeCodes = {
  /** The lab ends; a new start has a new address. Connecting again is pointless. */
  shutdown: 1001,
  /** What the page sent is no message. */
  badMessage: 1008,
  /** A message beyond the size limit. */
  tooBig: 1009,
  /** Another page took over. The page must say so and must not connect again by itself, or two pages would fight. */
  takenOver: 4001,
  /** The page read so slowly that events had to be given up: it must connect again and fetch the state afresh. */
  fellBehind: 4002,
} as const
export type CloseCode = (typeof closeCodes)[keyof typeof closeCodes]

/** Bytes across the picture: round numbers that stay while the buffer fills and drains, so that the scale does not jump. */

const steps = [1, 1.25, 1.5, 1.75]

/** Smallest round length that holds `bytes`: a power of two, or a quarter, half or three quarters more. */
export function roundLength(bytes: number): number {
  if (bytes <= 256) return Math.max(1, bytes)
  const power = 2 ** Math.floor(Math.log2(bytes))
  return steps.map((s) => s * power).find((l) => l >= bytes) ?? 2 * power
}

/** How much longer than the buffer the picture may be, to make room for the words beside a burst. */
const longest = 3

/**
 * The length to show now. The one before stays as long as the bytes fit, fill a quarter of it, and `fits` holds; `fits` says
 * whether the words beside the burst would find room at a length.
 */
export function stableLength(
  bytes: number,
  before: number | null,
  fits: (length: number) => boolean = () => true,
): number {
  if (before !== null && bytes <= before && bytes >= before / 4 && fits(before)) return before
  const least = roundLength(bytes)
  for (let length = least; length <= bytes * longest; length = roundLength(length + 1)) if (fits(length)) return length
  return before !== null && bytes <= before && bytes >= before / 4 ? before : least
}

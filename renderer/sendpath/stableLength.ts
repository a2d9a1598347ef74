/** Bytes across the picture: round numbers that stay while the buffer fills and drains, so that the scale does not jump. */

const steps = [1, 1.25, 1.5, 1.75]

/** Smallest round length that holds `bytes`: a power of two KiB, or a quarter, half or three quarters more. */
export function roundLength(bytes: number): number {
  if (bytes <= 256) return Math.max(1, bytes)
  const power = 2 ** Math.floor(Math.log2(bytes))
  return steps.map((s) => s * power).find((l) => l >= bytes) ?? 2 * power
}

/** The length to show now: the one before as long as the bytes fit and fill at least half of it. */
export function stableLength(bytes: number, before: number | null): number {
  const next = roundLength(bytes)
  if (before === null || bytes > before || bytes < before / 2) return next
  return before
}

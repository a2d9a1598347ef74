/**
 * How many cases a property test tries: `n` normally, many times more under `npm run soak`.
 */
export function soakRuns(n: number): number {
  return n * Number(process.env['LAB_SOAK'] ?? 1)
}

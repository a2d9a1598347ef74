/**
 * Runs jobs, at most so many at a time, in their order.
 * @param {(() => Promise<void>)[]} jobs
 * @param {number} width
 */
export async function inParallel(jobs, width) {
  const waiting = jobs.slice()
  const worker = async () => {
    for (let job = waiting.shift(); job; job = waiting.shift()) await job()
  }
  await Promise.all(Array.from({ length: Math.min(width, jobs.length) }, worker))
}

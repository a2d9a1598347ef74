/**
 * One queue for all charts of the window: each frame draws as many as fit into a few milliseconds, the rest wait for the next
 * frame. So many charts at ten redraws a second never make one long frame.
 */

/** Milliseconds of drawing in one frame; one drawing is always done. */
const budget = 8

const waiting = new Set<() => void>()
let scheduled = false

function frame(): void {
  scheduled = false
  const start = performance.now()
  for (const draw of waiting) {
    waiting.delete(draw)
    draw()
    if (performance.now() - start > budget) break
  }
  if (waiting.size > 0) schedule()
}
function schedule(): void {
  if (scheduled) return
  scheduled = true
  requestAnimationFrame(frame)
}

/** Draws in one of the next frames; asking again before that changes nothing. */
export function enqueue(draw: () => void): void {
  waiting.add(draw)
  schedule()
}
/** Takes a drawing back. */
export function dequeue(draw: () => void): void {
  waiting.delete(draw)
}

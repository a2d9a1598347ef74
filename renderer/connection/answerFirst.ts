/**
 * What somebody types and waits for comes before pictures of what goes on: while keys are pressed in the console and while a typed command is under way,
 * views that follow the run stand still, because each of their drawings is a layout and a painting that the letter or the answer would wait for. They go
 * on once it is drawn, and after {@link longestMs} in any case: neither a fast typist nor a command that takes its time may stop the window.
 */

/** Wall milliseconds for which views stand still at most: a few of their pictures, hardly to be seen. */
export const longestMs = 200

/** Wall milliseconds behind a key in which the next is likely. */
const nextKeyMs = 120

const waiting = new Map<string, () => void>()
/** What is waited for: commands under way, and the next key. */
const awaited = new Set<object>()

function goOn(): void {
  if (awaited.size > 0) return
  const works = [...waiting.values()]
  waiting.clear()
  for (const work of works) work()
}

/** Does the work now, or when nothing is waited for any more; of several works with the same key only the last is done. */
export function afterAnswer(key: string, work: () => void): void {
  if (awaited.size === 0) work()
  else waiting.set(key, work)
}

/** What waits under keys that begin so is out of date: newer things came by another way. */
export function forgetWaiting(start: string): void {
  for (const key of waiting.keys()) if (key.startsWith(start)) waiting.delete(key)
}

/** The connection is a new one: what was waited for has come or never will, and what waits is loaded anew. */
export function startAnew(): void {
  awaited.clear()
  waiting.clear()
}

/** An answer is waited for. Returns what is to be called when it came: the views go on after it was drawn. */
export function awaitAnswer(): () => void {
  const answer = {}
  awaited.add(answer)
  const end = (): void => {
    clearTimeout(timer)
    if (awaited.delete(answer)) goOn()
  }
  const timer = setTimeout(end, longestMs)
  // The terminal reads what it is given in a task of its own and draws it in the frame behind that; the task behind that frame finds it painted.
  return () => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(end, 0)))
}

const nextKey = {}
let typingSince = 0
let typingEnds: ReturnType<typeof setTimeout> | undefined

/** A key was pressed in the console. */
export function keyPressed(): void {
  const now = performance.now()
  if (!awaited.has(nextKey)) {
    typingSince = now
    awaited.add(nextKey)
  }
  clearTimeout(typingEnds)
  const rest = Math.max(0, Math.min(nextKeyMs, typingSince + longestMs - now))
  typingEnds = setTimeout(() => {
    if (awaited.delete(nextKey)) goOn()
  }, rest)
}

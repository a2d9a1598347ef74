/**
 * An answer that somebody waits for comes before pictures of what goes on: while a typed command is under way, views that follow the run stand still,
 * because each of their drawings is a layout and a painting that the answer would wait for. They go on once it is drawn, and after
 * {@link longestMs} in any case: a command that takes its time must not stop the window.
 */

/** Wall milliseconds for which views stand still at most: a few of their pictures, hardly to be seen. */
export const longestMs = 200

const waiting = new Map<string, () => void>()
let underWay = 0

function goOn(): void {
  if (underWay > 0) return
  const works = [...waiting.values()]
  waiting.clear()
  for (const work of works) work()
}

/** Does the work now, or when no answer is waited for any more; of several works with the same key only the last is done. */
export function afterAnswer(key: string, work: () => void): void {
  if (underWay === 0) work()
  else waiting.set(key, work)
}

/** What waits under keys that begin so is out of date: newer things came by another way. */
export function forgetWaiting(start: string): void {
  for (const key of waiting.keys()) if (key.startsWith(start)) waiting.delete(key)
}

/** An answer is waited for. Returns what is to be called when it came: the views go on after it was drawn. */
export function awaitAnswer(): () => void {
  underWay++
  let over = false
  const end = (): void => {
    if (over) return
    over = true
    clearTimeout(timer)
    underWay--
    goOn()
  }
  const timer = setTimeout(end, longestMs)
  // The terminal reads what it is given in a task of its own and draws it in the frame behind that.
  return () => requestAnimationFrame(() => requestAnimationFrame(end))
}

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
  // The terminal reads what it is given in a task of its own and draws it in the frame behind that; the task behind that frame finds it painted.
  return () => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(end, 0)))
}

let typing = false
let typingSince = 0
let typingEnds: ReturnType<typeof setTimeout> | undefined

/** A key was pressed in the console. */
export function keyPressed(): void {
  const now = performance.now()
  if (!typing) {
    typing = true
    typingSince = now
    underWay++
  }
  clearTimeout(typingEnds)
  typingEnds = setTimeout(
    () => {
      typing = false
      underWay--
      goOn()
    },
    Math.max(0, Math.min(nextKeyMs, typingSince + longestMs - now)),
  )
}

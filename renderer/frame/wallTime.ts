/** Wall time in words; virtual time is never written like this. */
import type { SessionState } from '../../preload/contract'

const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hour12: false,
})
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', year: 'numeric' })

/** `14:02:10`. */
export function clockTime(ms: number): string {
  return clock.format(ms)
}

/** `today 14:02`, `yesterday 09:10`, else the date. */
export function dayAndTime(ms: number, now = Date.now()): string {
  const startOfDay = (t: number): number => new Date(t).setHours(0, 0, 0, 0)
  const days = Math.round((startOfDay(now) - startOfDay(ms)) / 86_400_000)
  const hours = clockTime(ms).slice(0, 5)
  if (days === 0) return `today ${hours}`
  if (days === 1) return `yesterday ${hours}`
  return day.format(ms)
}

/** What the status bar says about saving. */
export function savedText(state: SessionState | null): string {
  if (state === null) return 'nothing to save'
  if (state.savedAt !== null && !state.unsaved) return `saved ${clockTime(state.savedAt)}`
  if (state.savedAt !== null) return `changed since ${clockTime(state.savedAt)}`
  return state.unsaved || state.commands.some((c) => c.origin !== 'scenario') ? 'not saved yet' : 'nothing to save'
}

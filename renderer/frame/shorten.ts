/** Commands in little room. */

/** A command that keeps its first word and the end of its last: `sysctl …mb_use_ext_pgs=1`. */
export function shortCommand(text: string, most = 26): string {
  if (text.length <= most) return text
  const words = text.trim().split(/\s+/)
  const first = words[0] ?? ''
  const last = words[words.length - 1] ?? ''
  if (words.length === 1) return `${text.slice(0, most - 1)}…`
  const room = most - first.length - 2
  if (room < 4) return first.length + 2 <= most ? `${first} …` : `${text.slice(0, most - 1)}…`
  if (last.length <= room) return `${first} ${words.length === 2 ? '' : '…'}${last}`
  // The end of a sysctl's name says more than its beginning.
  const tail = last.slice(-room)
  const dot = tail.indexOf('.')
  return `${first} …${dot >= 0 && dot < tail.length - 4 ? tail.slice(dot + 1) : tail}`
}

/** Keys as text: `Mod+Shift+P`. Parsing, matching a keyboard event, and how they are shown. */

export interface KeyStroke {
  mod: boolean
  shift: boolean
  alt: boolean
  /** `KeyboardEvent.key`, letters in upper case; `Space` for a blank. */
  key: string
}

/** True on a system whose main modifier is Command. */
export const isMac = typeof navigator !== 'undefined' && /mac/i.test(navigator.platform)

export function parseKeys(text: string): KeyStroke {
  // The plus key itself: `Mod++`.
  const parts = text.endsWith('++') ? [...text.slice(0, -2).split('+'), '+'] : text.split('+')
  const key = parts[parts.length - 1] ?? ''
  const has = (name: string): boolean => parts.slice(0, -1).includes(name)
  return { mod: has('Mod'), shift: has('Shift'), alt: has('Alt'), key: key.length === 1 ? key.toUpperCase() : key }
}

/** Keys of one character without Mod or Alt: they must not fire where text is typed. */
export function isSingleKey(text: string): boolean {
  const { mod, alt, key } = parseKeys(text)
  return !mod && !alt && (key.length === 1 || key === 'Space')
}

type KeyFacts = Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'shiftKey' | 'altKey'>

/** What was pressed, as a stroke. */
export function strokeOf(event: KeyFacts, mac = isMac): KeyStroke {
  const key = event.key === ' ' ? 'Space' : event.key.length === 1 ? event.key.toUpperCase() : event.key
  return { mod: mac ? event.metaKey : event.ctrlKey, shift: event.shiftKey, alt: event.altKey, key }
}

/** True if the event is this stroke. Shift counts for letters and named keys; for other signs the sign itself says enough. */
export function matches(event: KeyFacts, text: string, mac = isMac): boolean {
  const wanted = parseKeys(text)
  const given = strokeOf(event, mac)
  if (mac ? event.ctrlKey : event.metaKey) return false
  if (wanted.key !== given.key || wanted.mod !== given.mod || wanted.alt !== given.alt) return false
  const shiftMatters = wanted.key.length > 1 || /[A-Z0-9]/.test(wanted.key)
  return !shiftMatters || wanted.shift === given.shift
}

const names: Record<string, string> = {
  ArrowUp: 'Up',
  ArrowDown: 'Down',
  ArrowLeft: 'Left',
  ArrowRight: 'Right',
  Escape: 'Esc',
}
const macNames: Record<string, string> = { Mod: '⌘', Shift: '⇧', Alt: '⌥' }

/** The parts of a stroke as they stand on keys: `['Ctrl', 'Shift', 'P']`. */
export function keyParts(text: string, mac = isMac): string[] {
  const { mod, shift, alt, key } = parseKeys(text)
  const parts: string[] = []
  const name = (part: string, plain: string): void => void parts.push(mac ? (macNames[part] ?? plain) : plain)
  if (mod) name('Mod', 'Ctrl')
  if (shift) name('Shift', 'Shift')
  if (alt) name('Alt', 'Alt')
  parts.push(names[key] ?? key)
  return parts
}

/** One text: `Ctrl+Shift+P`. */
export function keyText(text: string, mac = isMac): string {
  return keyParts(text, mac).join(mac ? '' : '+')
}

/** The form that assistive technology reads (`aria-keyshortcuts`). */
export function ariaKeys(text: string, mac = isMac): string {
  return text.replace('Mod', mac ? 'Meta' : 'Control')
}

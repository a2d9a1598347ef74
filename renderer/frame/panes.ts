/** Moving the focus between panes (F6) and to the console and back. Panes are the elements with `data-pane`, in page order. */
import { nextTick } from 'vue'
import type { useLayoutStore } from '../stores/layout'

type Layout = ReturnType<typeof useLayoutStore>

const focusable =
  'button:not(:disabled), input:not(:disabled), select:not(:disabled), a[href], textarea, [tabindex="0"]'

function isShown(element: HTMLElement): boolean {
  return element.getClientRects().length > 0
}

function panes(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>('[data-pane]')].filter(isShown)
}

/** Where the focus was in each pane when it was left. */
const left = new WeakMap<HTMLElement, HTMLElement>()

function enter(pane: HTMLElement): void {
  const before = left.get(pane)
  if (before !== undefined && pane.contains(before) && isShown(before)) {
    before.focus()
    return
  }
  const preferred = [...pane.querySelectorAll<HTMLElement>('[data-pane-focus], .xterm-helper-textarea')].find(isShown)
  const target = preferred ?? [...pane.querySelectorAll<HTMLElement>(focusable)].find(isShown) ?? pane
  if (target === pane) pane.tabIndex = -1
  target.focus()
}

function present(): HTMLElement | null {
  return document.activeElement instanceof HTMLElement
    ? document.activeElement.closest<HTMLElement>('[data-pane]')
    : null
}

/** Moves the focus to the next pane, or to the previous one. */
export function focusPane(direction: 1 | -1): void {
  const all = panes()
  if (all.length === 0) return
  const here = present()
  if (here !== null && document.activeElement instanceof HTMLElement) left.set(here, document.activeElement)
  const at = here === null ? -1 : all.indexOf(here)
  const next = all[(at + direction + all.length) % all.length] ?? all[0]
  if (next !== undefined) enter(next)
}

let beforeConsole: HTMLElement | null = null

/** Puts the focus into the console; from there, back to where it was. */
export async function focusConsole(layout: Layout): Promise<void> {
  const here = present()
  if (here?.dataset['pane'] === 'console') {
    if (beforeConsole !== null && beforeConsole.isConnected) beforeConsole.focus()
    else focusPane(-1)
    return
  }
  beforeConsole = document.activeElement instanceof HTMLElement ? document.activeElement : null
  layout.consoleOpen = true
  await nextTick()
  const pane = panes().find((p) => p.dataset['pane'] === 'console')
  if (pane !== undefined) enter(pane)
}

/** Opens the console's find row with the focus in it. */
export async function toggleFindInConsole(layout: Layout): Promise<void> {
  layout.consoleOpen = true
  layout.findInConsole = !layout.findInConsole
  await nextTick()
  document.querySelector<HTMLInputElement>('[data-console-find]')?.focus()
}

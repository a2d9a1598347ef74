/**
 * The line that is being typed in a console: text, cursor, history, search, completion. Pure: every operation gives a new state,
 * so that the terminal only draws. Cursor positions are indices of UTF-16 units.
 */
import type { Completion } from '../../preload/contract'

export interface LineState {
  readonly text: string
  readonly cursor: number
  /** Place in the history counted from the newest (0), or -1 while the own draft is edited. */
  readonly historyAt: number
  /** What was typed before the history was entered. */
  readonly draft: string
  /** Last cut text, for yank. */
  readonly cut: string
  /** Search backwards in the history (Ctrl+R). */
  readonly search: {
    readonly query: string
    readonly at: number
    readonly failed: boolean
    readonly before: string
  } | null
  /** Choices of the last completion; `selected` is -1 until one is chosen. */
  readonly choices: { readonly completion: Completion; readonly selected: number; readonly stem: string } | null
}

export const emptyLine: LineState = {
  text: '',
  cursor: 0,
  historyAt: -1,
  draft: '',
  cut: '',
  search: null,
  choices: null,
}

function edited(state: LineState, text: string, cursor: number): LineState {
  return { ...state, text, cursor, historyAt: -1, draft: '', choices: null }
}

/** A line with this text, the cursor at its end. */
export function withText(state: LineState, text: string): LineState {
  return edited({ ...state, search: null }, text, text.length)
}
export function insert(state: LineState, added: string): LineState {
  return edited(
    state,
    state.text.slice(0, state.cursor) + added + state.text.slice(state.cursor),
    state.cursor + added.length,
  )
}

/** Length of the sign before or after `at`, so that a pair of surrogates moves as one. */
function signBefore(text: string, at: number): number {
  return at >= 2 && /[\udc00-\udfff]/.test(text[at - 1] ?? '') && /[\ud800-\udbff]/.test(text[at - 2] ?? '')
    ? 2
    : Math.min(1, at)
}
function signAfter(text: string, at: number): number {
  return /[\ud800-\udbff]/.test(text[at] ?? '') && /[\udc00-\udfff]/.test(text[at + 1] ?? '')
    ? 2
    : Math.min(1, text.length - at)
}
function wordLeft(text: string, at: number): number {
  const before = text.slice(0, at)
  return before.length - (/[^\s./=]*[\s./=]*$/.exec(before)?.[0].length ?? 0)
}
function wordRight(text: string, at: number): number {
  return at + (/^[\s./=]*[^\s./=]*/.exec(text.slice(at))?.[0].length ?? 0)
}

export function backspace(state: LineState): LineState {
  const n = signBefore(state.text, state.cursor)
  return edited(state, state.text.slice(0, state.cursor - n) + state.text.slice(state.cursor), state.cursor - n)
}
export function deleteForward(state: LineState): LineState {
  const n = signAfter(state.text, state.cursor)
  return edited(state, state.text.slice(0, state.cursor) + state.text.slice(state.cursor + n), state.cursor)
}

export type Motion = 'left' | 'right' | 'wordLeft' | 'wordRight' | 'home' | 'end'
export function move(state: LineState, motion: Motion): LineState {
  const { text, cursor } = state
  const to: Record<Motion, number> = {
    left: cursor - signBefore(text, cursor),
    right: cursor + signAfter(text, cursor),
    wordLeft: wordLeft(text, cursor),
    wordRight: wordRight(text, cursor),
    home: 0,
    end: text.length,
  }
  return { ...state, cursor: to[motion], choices: null }
}

/** Cuts from the cursor to where the motion leads; `yank` puts it back. */
export function cutTo(state: LineState, motion: Motion): LineState {
  const to = move(state, motion).cursor
  const [from, until] = to < state.cursor ? [to, state.cursor] : [state.cursor, to]
  if (from === until) return state
  const cut = state.text.slice(from, until)
  return { ...edited(state, state.text.slice(0, from) + state.text.slice(until), from), cut }
}
export function yank(state: LineState): LineState {
  return insert(state, state.cut)
}

/** Goes `step` (1 = older, -1 = newer) in the history, oldest first; the own draft waits at the new end. */
export function browse(state: LineState, history: readonly string[], step: 1 | -1): LineState {
  const at = state.historyAt + step
  if (at < -1 || at >= history.length) return state
  const draft = state.historyAt === -1 ? state.text : state.draft
  const text = at === -1 ? draft : (history[history.length - 1 - at] ?? '')
  return { ...state, text, cursor: text.length, historyAt: at, draft, choices: null }
}

function find(history: readonly string[], query: string, from: number): number {
  for (let at = from; at < history.length; at++) if (history[history.length - 1 - at]?.includes(query)) return at
  return -1
}

/** Begins the search in the history, or goes to the next older hit. */
export function searchOlder(state: LineState, history: readonly string[]): LineState {
  if (state.search === null)
    return { ...state, search: { query: '', at: -1, failed: false, before: state.text }, choices: null }
  if (state.search.query === '') return state
  const at = find(history, state.search.query, state.search.at + 1)
  if (at < 0) return { ...state, search: { ...state.search, failed: true } }
  return found(state, history, state.search.query, at)
}
function found(state: LineState, history: readonly string[], query: string, at: number): LineState {
  const text = history[history.length - 1 - at] ?? ''
  const before = state.search?.before ?? ''
  return { ...state, text, cursor: text.length, historyAt: -1, search: { query, at, failed: false, before } }
}
/** Changes what is searched for. */
export function searchFor(state: LineState, history: readonly string[], query: string): LineState {
  if (state.search === null) return state
  if (query === '')
    return {
      ...state,
      text: state.search.before,
      cursor: state.search.before.length,
      search: { ...state.search, query, at: -1, failed: false },
    }
  const at = find(history, query, 0)
  if (at < 0) return { ...state, search: { ...state.search, query, failed: true } }
  return found(state, history, query, at)
}
/** Ends the search: with the hit, or with what was there before. */
export function endSearch(state: LineState, keep: boolean): LineState {
  if (state.search === null) return state
  const text = keep ? state.text : state.search.before
  return { ...state, text, cursor: text.length, search: null }
}

/** Longest beginning that all share. */
export function commonPrefix(words: readonly string[]): string {
  let prefix = words[0] ?? ''
  for (const word of words) while (!word.startsWith(prefix)) prefix = prefix.slice(0, -1)
  return prefix
}

/**
 * Takes an answer of the completion that was asked for `askedText`: one choice is put in with a blank behind it, of several the
 * shared beginning, and the choices are shown. An answer that comes too late is dropped.
 */
export function complete(state: LineState, askedText: string, completion: Completion): LineState {
  if (state.text !== askedText || completion.choices.length === 0) return { ...state, choices: null }
  const { from, to, choices } = completion
  const first = choices[0]
  if (choices.length === 1 && first !== undefined) {
    const tail = state.text.slice(to)
    // A name that goes on (a node of the sysctl tree, an assignment) gets no blank.
    const blank = tail === '' && !/[.=/]$/.test(first.text) ? ' ' : ''
    const text = state.text.slice(0, from) + first.text + blank + tail
    return edited(state, text, from + first.text.length + blank.length)
  }
  const present = state.text.slice(from, to)
  const shared = commonPrefix(choices.map((c) => c.text))
  const word = shared.length > present.length ? shared : present
  const text = state.text.slice(0, from) + word + state.text.slice(to)
  const cursor = from + word.length
  return {
    ...edited(state, text, cursor),
    choices: { completion: { ...completion, to: cursor }, selected: -1, stem: word },
  }
}

/** Puts the next (1) or previous (-1) of the shown choices into the line. */
export function cycle(state: LineState, step: 1 | -1): LineState {
  if (state.choices === null) return state
  const { completion, selected, stem } = state.choices
  const count = completion.choices.length
  const next = selected === -1 && step === -1 ? count - 1 : (selected + step + count) % count
  const word = completion.choices[next]?.text ?? stem
  const text = state.text.slice(0, completion.from) + word + state.text.slice(completion.to)
  const cursor = completion.from + word.length
  return { ...state, text, cursor, choices: { completion: { ...completion, to: cursor }, selected: next, stem } }
}

/** Closes the list of choices; what is in the line stays. */
export function dropChoices(state: LineState): LineState {
  return { ...state, choices: null }
}

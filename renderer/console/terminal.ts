/**
 * One console on xterm: prints blocks, edits the line, and tells where each block stands so that the view can put run edges,
 * times and actions beside them. Loaded on demand, because the first paint must not wait for it.
 */
import { FitAddon } from '@xterm/addon-fit'
import { SearchAddon } from '@xterm/addon-search'
import { Terminal } from '@xterm/xterm'
import type { IMarker, ITheme } from '@xterm/xterm'
import '@xterm/xterm/css/xterm.css'
import type { Completion } from '../../preload/contract'
import { keyPressed } from '../connection/answerFirst'
import type { ConsoleBlock } from '../stores/console'
import { tokenValue } from '../theme/runs'
import { keyOperations } from './keyOperations'
import * as edit from './lineEditor'
import type { LineState } from './lineEditor'
import { blockMarkOsc, blockText, drawLine } from './screen'
import type { Drawn } from './screen'

export interface TerminalHooks {
  prompt(): string
  history(): readonly string[]
  /** Runs a line; resolves when it ended. The block arrives by {@link ConsoleTerminal.show}. */
  submit(text: string): Promise<void>
  complete(text: string, cursor: number): Promise<Completion | undefined>
  interrupt(): void
  clear(): void
  /** Names near an unknown command. */
  hint(block: ConsoleBlock): readonly string[]
  /** The key belongs to the whole window. */
  isWindowKey(event: KeyboardEvent): boolean
  /** Tab moves the focus instead of completing. */
  tabLeaves(): boolean
  toggleTab(): void
  /** Something moved: blocks, scroll position, size. */
  moved(): void
  /** A word of the output that leads somewhere, or null. */
  link(word: string): (() => void) | null
}

/** Where a block stands, in rows of the whole buffer. */
export interface PlacedBlock {
  id: number
  line: number
  rows: number
}

/** RIS: the terminal as new. */
const fullReset = '\x1bc'

/** `#rrggbb` with no opacity; other notations (forced colours) become plain transparent black. */
function transparentHex(color: string): string {
  return /^#[0-9a-f]{6}$/i.test(color) ? `${color}00` : '#00000000'
}

function themeFromTokens(): ITheme {
  const v = (name: string): string => tokenValue(name)
  return {
    // Invisible, so that run edges and the pointed block shine through; its colour still counts for the contrast of letters.
    background: transparentHex(v('--con-bg')),
    foreground: v('--con-ink'),
    cursor: v('--con-ink'),
    cursorAccent: v('--con-bg'),
    selectionBackground: v('--focus-soft'),
    selectionForeground: v('--con-ink'),
    brightBlack: v('--con-dim'),
    scrollbarSliderBackground: v('--line-2'),
    scrollbarSliderHoverBackground: v('--control'),
    scrollbarSliderActiveBackground: v('--control'),
    overviewRulerBorder: '#00000000',
    red: v('--error'),
    green: v('--ok'),
    yellow: v('--warn'),
  }
}

export class ConsoleTerminal {
  readonly #term: Terminal
  readonly #fit = new FitAddon()
  readonly #search = new SearchAddon()
  readonly #hooks: TerminalHooks
  readonly #markers = new Map<number, IMarker>()
  #line: LineState = edit.emptyLine
  #drawn: Drawn | null = null
  #lineMarker: IMarker | undefined
  #shown: readonly ConsoleBlock[] = []
  #running: string | null = null
  /** The prompt that the blocks were printed with. */
  #prompt = ''
  #columns = 80

  constructor(element: HTMLElement, hooks: TerminalHooks, options: { screenReader: boolean }) {
    this.#hooks = hooks
    this.#term = new Terminal({
      fontFamily: tokenValue('--font-mono'),
      fontSize: 12,
      lineHeight: 1.15,
      fontWeight: 400,
      fontWeightBold: 600,
      cursorBlink: false,
      cursorStyle: 'block',
      cursorInactiveStyle: 'outline',
      scrollback: 10_000,
      overviewRuler: { width: 8 },
      allowTransparency: true,
      allowProposedApi: true,
      minimumContrastRatio: 4.5,
      screenReaderMode: options.screenReader,
      theme: themeFromTokens(),
    })
    this.#term.loadAddon(this.#fit)
    this.#term.loadAddon(this.#search)
    this.#term.parser.registerOscHandler(blockMarkOsc, (data) => {
      const marker = this.#term.registerMarker(0)
      if (data === 'line') {
        this.#lineMarker?.dispose()
        this.#lineMarker = marker
      } else this.#markers.set(Number(data), marker)
      return true
    })
    this.#term.open(element)
    this.#term.attachCustomKeyEventHandler((event) => this.#onKey(event))
    this.#term.onData((data) => this.#onData(data))
    this.#term.onRender(() => hooks.moved())
    this.#term.onScroll(() => hooks.moved())
    this.#term.textarea?.addEventListener('paste', (event) => this.#onPaste(event), { capture: true })
    this.#registerLinks()
    this.fit()
  }

  /** Asks before several pasted lines are run; set by the view. */
  askPaste: (lines: string[]) => Promise<boolean> = () => Promise.resolve(true)

  get rows(): number {
    return this.#term.rows
  }
  /** First visible row of the buffer. */
  get top(): number {
    return this.#term.buffer.active.viewportY
  }
  /** Height of a row in CSS pixels. */
  get rowHeight(): number {
    const screen = this.#term.element?.querySelector<HTMLElement>('.xterm-screen')
    return screen === null || screen === undefined || this.#term.rows === 0 ? 18 : screen.offsetHeight / this.#term.rows
  }
  /** First row of the prompt. */
  get promptLine(): number {
    return this.#lineMarker?.line ?? 0
  }

  /** Where the blocks stand that are still in the buffer, in order. */
  placed(): PlacedBlock[] {
    const list = this.#shown.flatMap((b) => {
      const marker = this.#markers.get(b.id)
      return marker === undefined || marker.isDisposed || marker.line < 0
        ? []
        : [{ id: b.id, line: marker.line, rows: 0 }]
    })
    list.forEach((entry, i) => (entry.rows = (list[i + 1]?.line ?? this.promptLine) - entry.line))
    return list
  }

  /** Shows these blocks: appends what is new, prints everything again where history changed. */
  show(blocks: readonly ConsoleBlock[], running: string | null): void {
    const same =
      this.#prompt === this.#hooks.prompt() &&
      this.#shown.length <= blocks.length &&
      this.#shown.every((b, i) => b === blocks[i])
    this.#running = running
    if (!same) {
      this.#shown = blocks
      this.#redrawAll()
      return
    }
    const added = blocks.slice(this.#shown.length)
    this.#shown = blocks
    const erase = this.#eraseLine()
    this.#drawn = null
    this.#term.write(erase + added.map((b) => this.#text(b)).join('') + this.#lineText())
    this.#term.scrollToBottom()
  }

  #text(block: ConsoleBlock): string {
    return blockText(block, this.#hooks.prompt(), block.status === 127 ? this.#hooks.hint(block) : [])
  }
  #eraseLine(): string {
    if (this.#drawn === null) return ''
    return `${this.#drawn.cursorRow > 0 ? `\x1b[${this.#drawn.cursorRow}A` : ''}\r\x1b[J`
  }
  #lineText(): string {
    const mark = this.#drawn === null ? `\x1b]${blockMarkOsc};line\x07` : ''
    this.#drawn = drawLine(this.#line, this.#hooks.prompt(), this.#columns, this.#drawn, this.#running)
    return mark + this.#drawn.text
  }
  #drawLine(): void {
    this.#term.write(this.#lineText())
    this.#term.scrollToBottom()
  }
  #redrawAll(): void {
    for (const marker of this.#markers.values()) marker.dispose()
    this.#markers.clear()
    this.#drawn = null
    this.#prompt = this.#hooks.prompt()
    // The reset goes through the stream: what was written before may not have been drawn yet, and would come after a reset by call.
    this.#term.write(fullReset + this.#shown.map((b) => this.#text(b)).join('') + this.#lineText())
  }

  /** Fits rows and columns to the element; prints again if the columns changed, because lines break elsewhere. */
  fit(): void {
    const proposed = this.#fit.proposeDimensions()
    if (proposed === undefined || !Number.isFinite(proposed.cols) || proposed.cols < 2 || proposed.rows < 1) return
    const columns = proposed.cols
    const changed = columns !== this.#columns
    this.#columns = columns
    if (columns !== this.#term.cols || proposed.rows !== this.#term.rows) this.#term.resize(columns, proposed.rows)
    if (changed) this.#redrawAll()
    this.#hooks.moved()
  }

  focus(): void {
    this.#term.focus()
  }
  retheme(): void {
    this.#term.options.theme = themeFromTokens()
  }
  set screenReader(on: boolean) {
    this.#term.options.screenReaderMode = on
  }
  /** Puts a text into the line, in place of what was typed. */
  insert(text: string): void {
    this.#set(edit.withText(this.#line, text))
    this.focus()
  }
  find(text: string, back: boolean): boolean {
    const options = { incremental: false }
    return back ? this.#search.findPrevious(text, options) : this.#search.findNext(text, options)
  }
  endFind(): void {
    this.#search.clearDecorations()
    this.#term.clearSelection()
  }
  dispose(): void {
    this.#term.dispose()
  }

  #set(line: LineState): void {
    this.#line = line
    if (this.#running === null) this.#drawLine()
  }

  async #submit(text: string): Promise<void> {
    this.#line = edit.emptyLine
    if (text.trim() === '') {
      // An empty line gives a new prompt, as a shell does.
      this.#drawn = null
      this.#term.write(`\r\n${this.#lineText()}`)
      return
    }
    if (text.trim() === 'clear') {
      this.#hooks.clear()
      return
    }
    this.#running = text
    this.#drawLine()
    await this.#hooks.submit(text)
  }

  #onKey(event: KeyboardEvent): boolean {
    if (event.type !== 'keydown') return true
    const control = event.ctrlKey && !event.altKey && !event.metaKey
    if (control && !event.shiftKey && event.key.toLowerCase() === 'm') {
      event.preventDefault()
      this.#hooks.toggleTab()
      return false
    }
    if (event.key === 'Tab' && this.#hooks.tabLeaves()) return false
    // Copying wins over interrupting while something is selected.
    if (control && event.key.toLowerCase() === 'c' && this.#term.hasSelection()) {
      void navigator.clipboard?.writeText(this.#term.getSelection())
      this.#term.clearSelection()
      event.preventDefault()
      return false
    }
    if (control && event.key.toLowerCase() === 'v') return false
    return !this.#hooks.isWindowKey(event)
  }

  #onPaste(event: ClipboardEvent): void {
    const text = event.clipboardData?.getData('text/plain') ?? ''
    event.preventDefault()
    event.stopPropagation()
    const parts = text.replace(/\r\n?/g, '\n').split('\n')
    if (parts[parts.length - 1] === '') parts.pop()
    if (parts.length <= 1) {
      if (parts[0] !== undefined) this.#set(edit.insert(this.#line, parts[0]))
      return
    }
    void this.#pasteLines(parts)
  }
  async #pasteLines(parts: string[]): Promise<void> {
    if (!(await this.askPaste(parts))) return
    for (const part of parts) {
      this.#running = part
      this.#drawLine()
      await this.#hooks.submit(part)
    }
    this.focus()
  }

  #onData(data: string): void {
    keyPressed()
    if (this.#running !== null) {
      if (data === '\x03') this.#hooks.interrupt()
      return
    }
    if (this.#line.search !== null && this.#onSearchData(data)) return
    const line = this.#line
    const history = this.#hooks.history()
    switch (data) {
      case '\r':
        if (line.choices !== null && line.choices.selected >= 0) this.#set(edit.dropChoices(line))
        else {
          this.#set(edit.dropChoices(line))
          void this.#submit(line.text)
        }
        return
      case '\t':
        if (line.choices !== null) this.#set(edit.cycle(line, 1))
        else void this.#complete()
        return
      case '\x1b[Z':
        this.#set(edit.cycle(line, -1))
        return
      case '\x1b':
        this.#set(edit.dropChoices(line))
        return
      case '\x03':
        this.#term.write('^C\r\n')
        this.#drawn = null
        this.#set(edit.emptyLine)
        return
      case '\x0c':
        this.#hooks.clear()
        return
      case '\x12':
        this.#set(edit.searchOlder(line, history))
        return
      case '\x1b[A':
      case '\x10':
        this.#set(line.choices !== null ? edit.cycle(line, -1) : edit.browse(line, history, 1))
        return
      case '\x1b[B':
      case '\x0e':
        this.#set(line.choices !== null ? edit.cycle(line, 1) : edit.browse(line, history, -1))
        return
    }
    const operation = keyOperations[data]
    if (operation !== undefined) this.#set(operation(line))
    // eslint-disable-next-line no-control-regex -- other control sequences mean nothing here
    else if (!/^[\x00-\x1f\x7f]/.test(data)) this.#set(edit.insert(line, data))
  }

  /** True if the key belonged to the search in the history. */
  #onSearchData(data: string): boolean {
    const line = this.#line
    const history = this.#hooks.history()
    const query = line.search?.query ?? ''
    if (data === '\x12') this.#set(edit.searchOlder(line, history))
    else if (data === '\x7f') this.#set(edit.searchFor(line, history, query.slice(0, -1)))
    else if (data === '\x1b' || data === '\x03' || data === '\x07') this.#set(edit.endSearch(line, false))
    // eslint-disable-next-line no-control-regex -- only what can be searched for
    else if (!/[\x00-\x1f\x7f]/.test(data)) this.#set(edit.searchFor(line, history, query + data))
    else {
      // Enter, arrows and the rest take the hit and then do what they do.
      this.#set(edit.endSearch(line, true))
      return false
    }
    return true
  }

  async #complete(): Promise<void> {
    const { text, cursor } = this.#line
    const answer = await this.#hooks.complete(text, cursor)
    if (answer !== undefined) this.#set(edit.complete(this.#line, text, answer))
  }

  #registerLinks(): void {
    this.#term.registerLinkProvider({
      provideLinks: (row, callback) => {
        const text = this.#term.buffer.active.getLine(row - 1)?.translateToString(true) ?? ''
        const links = [...text.matchAll(/[A-Za-z][\w.]*\w/g)].flatMap((match) => {
          const open = this.#hooks.link(match[0])
          if (open === null) return []
          const start = { x: match.index + 1, y: row }
          const end = { x: match.index + match[0].length, y: row }
          return [
            {
              range: { start, end },
              text: match[0],
              activate: open,
              decorations: { pointerCursor: true, underline: true },
            },
          ]
        })
        callback(links.length === 0 ? undefined : links)
      },
    })
  }
}

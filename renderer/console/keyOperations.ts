/** What the keys of a terminal do to the line that is being typed. */
import * as edit from './lineEditor'
import type { LineState } from './lineEditor'

/** Keys that only edit the line, as terminals send them. */
export const keyOperations: Record<string, (line: LineState) => LineState> = {
  '\x7f': edit.backspace,
  '\b': edit.backspace,
  '\x1b[3~': edit.deleteForward,
  '\x04': edit.deleteForward,
  '\x1b[D': (l) => edit.move(l, 'left'),
  '\x1b[C': (l) => edit.move(l, 'right'),
  '\x1b[1;5D': (l) => edit.move(l, 'wordLeft'),
  '\x1b[1;5C': (l) => edit.move(l, 'wordRight'),
  '\x1bb': (l) => edit.move(l, 'wordLeft'),
  '\x1bf': (l) => edit.move(l, 'wordRight'),
  '\x1b[H': (l) => edit.move(l, 'home'),
  '\x1b[F': (l) => edit.move(l, 'end'),
  '\x01': (l) => edit.move(l, 'home'),
  '\x05': (l) => edit.move(l, 'end'),
  '\x0b': (l) => edit.cutTo(l, 'end'),
  '\x15': (l) => edit.cutTo(l, 'home'),
  '\x17': (l) => edit.cutTo(l, 'wordLeft'),
  '\x1bd': (l) => edit.cutTo(l, 'wordRight'),
  '\x19': edit.yank,
}

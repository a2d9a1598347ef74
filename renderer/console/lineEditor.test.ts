import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Completion } from '../../preload/contract'
import * as edit from './lineEditor'
import type { LineState } from './lineEditor'

const line = (text: string, cursor = text.length): LineState => ({ ...edit.withText(edit.emptyLine, text), cursor })
const history = ['uname -a', 'ifconfig cc0', 'sysctl kern.ipc.mb_use_ext_pgs', 'ifconfig cc0 -nomap']

describe('editing', () => {
  it('typing in the middle – text goes in at the cursor', () => {
    expect(edit.insert(line('ifconfig nomap', 9), 'cc0 ')).toMatchObject({ text: 'ifconfig cc0 nomap', cursor: 13 })
  })
  it('cut to the left end, then yank – the text is back', () => {
    const cut = edit.cutTo(line('sysctl a=1', 7), 'home')
    expect(cut.text).toBe('a=1')
    expect(edit.yank(cut).text).toBe('sysctl a=1')
  })
  it('words – a dotted name is left part by part', () => {
    expect(edit.move(line('sysctl kern.ipc.x'), 'wordLeft').cursor).toBe(16)
  })
  it('a sign of two units – moves and goes as one', () => {
    expect(edit.backspace(line('a😀'))).toMatchObject({ text: 'a', cursor: 1 })
    expect(edit.move(line('😀', 0), 'right').cursor).toBe(2)
  })
  it('any operations – the cursor stays inside the text', () => {
    const operation = fc.constantFrom<(s: LineState) => LineState>(
      (s) => edit.insert(s, 'x y'),
      edit.backspace,
      edit.deleteForward,
      (s) => edit.move(s, 'wordLeft'),
      (s) => edit.move(s, 'right'),
      (s) => edit.cutTo(s, 'wordRight'),
      (s) => edit.cutTo(s, 'home'),
      edit.yank,
      (s) => edit.browse(s, history, 1),
      (s) => edit.browse(s, history, -1),
      (s) => edit.searchOlder(s, history),
      (s) => edit.searchFor(s, history, 'cc0'),
      (s) => edit.endSearch(s, false),
    )
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 40 }), (operations) => {
        let state = edit.emptyLine
        for (const o of operations) {
          state = o(state)
          expect(state.cursor).toBeGreaterThanOrEqual(0)
          expect(state.cursor).toBeLessThanOrEqual(state.text.length)
        }
      }),
    )
  })
})

describe('history', () => {
  it('up and down again – the draft comes back', () => {
    let s = edit.browse(line('half a th'), history, 1)
    expect(s.text).toBe('ifconfig cc0 -nomap')
    s = edit.browse(s, history, 1)
    expect(s.text).toBe('sysctl kern.ipc.mb_use_ext_pgs')
    s = edit.browse(edit.browse(s, history, -1), history, -1)
    expect(s.text).toBe('half a th')
  })
  it('beyond the oldest – stays at the oldest', () => {
    let s = line('')
    for (let i = 0; i < 9; i++) s = edit.browse(s, history, 1)
    expect(s.text).toBe('uname -a')
  })
  it('search – finds the newest, then the older one, then says that there is none', () => {
    let s = edit.searchFor(edit.searchOlder(line('draft'), history), history, 'ifconfig')
    expect(s.text).toBe('ifconfig cc0 -nomap')
    s = edit.searchOlder(s, history)
    expect(s.text).toBe('ifconfig cc0')
    s = edit.searchOlder(s, history)
    expect(s.search?.failed).toBe(true)
    expect(edit.endSearch(s, true).text).toBe('ifconfig cc0')
    expect(edit.endSearch(s, false).text).toBe('draft')
  })
})

describe('completion', () => {
  const answer = (from: number, to: number, ...texts: string[]): Completion => ({
    from,
    to,
    choices: texts.map((text) => ({ text, hint: '' })),
  })
  it('one choice – it goes in with a blank', () => {
    expect(edit.complete(line('ifc'), 'ifc', answer(0, 3, 'ifconfig'))).toMatchObject({
      text: 'ifconfig ',
      cursor: 9,
      choices: null,
    })
  })
  it('one choice that goes on – it gets no blank', () => {
    expect(edit.complete(line('sysctl ke'), 'sysctl ke', answer(7, 9, 'kern.')).text).toBe('sysctl kern.')
  })
  it('several choices – the shared beginning goes in and the choices show', () => {
    const s = edit.complete(
      line('sysctl k'),
      'sysctl k',
      answer(7, 8, 'kern.ipc.maxsockbuf', 'kern.ipc.mb_use_ext_pgs'),
    )
    expect(s.text).toBe('sysctl kern.ipc.m')
    expect(s.choices?.completion.choices).toHaveLength(2)
  })
  it('Tab again and again – goes round the choices and back to the first', () => {
    let s = edit.complete(line('ifconfig '), 'ifconfig ', answer(9, 9, 'cc0', 'lo0'))
    s = edit.cycle(s, 1)
    expect(s.text).toBe('ifconfig cc0')
    s = edit.cycle(s, 1)
    expect(s.text).toBe('ifconfig lo0')
    expect(edit.cycle(s, 1).text).toBe('ifconfig cc0')
    expect(edit.cycle(s, -1).text).toBe('ifconfig cc0')
  })
  it('the line changed meanwhile – the late answer is dropped', () => {
    expect(edit.complete(line('uname'), 'una', answer(0, 3, 'uname'))).toMatchObject({ text: 'uname', choices: null })
  })
  it('nothing fits – the line stays', () => {
    expect(edit.complete(line('zz'), 'zz', answer(0, 2))).toMatchObject({ text: 'zz', choices: null })
  })
})

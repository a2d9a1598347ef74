import { createPinia, setActivePinia } from 'pinia'
import { beforeEach, describe, expect, it } from 'vitest'
import { commandContext } from './context'
import { isSingleKey, keyText, matches, parseKeys, strokeOf } from './keys'
import { availability, commandForKey } from './runner'
import { commandById, commands } from './table'
import { titleOf } from './types'

beforeEach(() => setActivePinia(createPinia()))

const press = (key: string, extra: Partial<KeyboardEventInit> = {}, target: Element = document.body): KeyboardEvent => {
  const event = new KeyboardEvent('keydown', { key, bubbles: true, ...extra })
  target.dispatchEvent(event)
  return event
}

describe('the command table', () => {
  it('all entries – have ids of their own', () => {
    expect(new Set(commands.map((c) => c.id)).size).toBe(commands.length)
  })
  it('all keys – mean one command each', () => {
    const keys = commands.flatMap((c) => (c.keys ?? []).map((k) => JSON.stringify(parseKeys(k))))
    expect(keys.filter((k, i) => keys.indexOf(k) !== i)).toEqual([])
  })
  it('no session is open – every entry still has a title, and says why it cannot be done', () => {
    const context = commandContext()
    for (const command of commands) {
      expect(titleOf(command, context).trim(), command.id).not.toBe('')
      const can = availability(command, context)
      if (can !== true) expect(can.length, command.id).toBeGreaterThan(3)
    }
  })
  it('the keyboard map of the reference – is bound (experience 2.1)', () => {
    const bound = (id: string): readonly string[] => commandById(id)?.keys ?? []
    expect(bound('file.new')).toContain('Mod+N')
    expect(bound('file.open')).toContain('Mod+O')
    expect(bound('file.save')).toContain('Mod+S')
    expect(bound('file.saveAs')).toContain('Mod+Shift+S')
    expect(bound('edit.undo')).toContain('Mod+Z')
    expect(bound('edit.redo')).toContain('Mod+Shift+Z')
    expect(bound('help.palette')).toEqual(['Mod+Shift+P', 'F1'])
    expect(bound('help.goto')).toContain('Mod+P')
    expect(bound('view.console')).toContain('Mod+`')
    expect(bound('view.sideBar')).toContain('Mod+B')
    expect(bound('view.settings')).toContain('Mod+,')
    expect(bound('run.toggle')).toEqual(['F5', 'Space'])
    expect(bound('run.stop')).toContain('Shift+F5')
    expect(bound('view.nextPane')).toContain('F6')
    expect(bound('view.previousPane')).toContain('Shift+F6')
    expect(bound('run.step')).toContain('F10')
    expect(bound('run.back')).toContain('Shift+F10')
    expect(bound('run.mark')).toContain('M')
    expect(bound('run.swap')).toContain('X')
    expect(bound('help.shortcuts')).toContain('?')
  })
})

describe('keys', () => {
  it('Ctrl on a PC, Command on a Mac – are both Mod, and the other one is not', () => {
    const control = new KeyboardEvent('keydown', { key: 's', ctrlKey: true })
    const command = new KeyboardEvent('keydown', { key: 's', metaKey: true })
    expect(matches(control, 'Mod+S', false)).toBe(true)
    expect(matches(control, 'Mod+S', true)).toBe(false)
    expect(matches(command, 'Mod+S', true)).toBe(true)
  })
  it('Shift – tells letters and named keys apart, but not signs that need it', () => {
    expect(matches(new KeyboardEvent('keydown', { key: 'S', ctrlKey: true, shiftKey: true }), 'Mod+S', false)).toBe(
      false,
    )
    expect(matches(new KeyboardEvent('keydown', { key: '?', shiftKey: true }), '?', false)).toBe(true)
  })
  it('the plus key – can be named', () => {
    expect(parseKeys('Mod++')).toMatchObject({ mod: true, key: '+' })
    expect(strokeOf({ key: '+', ctrlKey: true, metaKey: false, shiftKey: false, altKey: false }, false).key).toBe('+')
  })
  it('shown – as they stand on the keyboard', () => {
    expect(keyText('Mod+Shift+P', false)).toBe('Ctrl+Shift+P')
    expect(keyText('Mod+Shift+P', true)).toBe('⌘⇧P')
  })
  it('single keys – are those of one character without a modifier', () => {
    expect(['M', '?', 'Space', 'F5', 'Mod+B'].map(isSingleKey)).toEqual([true, true, true, false, false])
  })
})

describe('keys in the window', () => {
  it('M on the page – marks; while typing it is a letter; switched off it is nothing', () => {
    document.body.innerHTML = '<input id="i">'
    const field = document.querySelector('#i')!
    expect(commandForKey(press('m'), true)?.id).toBe('run.mark')
    expect(commandForKey(press('m', {}, field), true)).toBeUndefined()
    expect(commandForKey(press('m'), false)).toBeUndefined()
  })
  it('Space on a button – presses the button; on the page it pauses', () => {
    document.body.innerHTML = '<button id="b">x</button>'
    expect(commandForKey(press(' ', {}, document.querySelector('#b')!), true)).toBeUndefined()
    expect(commandForKey(press(' '), true)?.id).toBe('run.toggle')
  })
  it('Escape – clears the selection on the page, and belongs to a field while typing there', () => {
    document.body.innerHTML = '<input id="i">'
    expect(commandForKey(press('Escape'), false)?.id).toBe('view.clear')
    expect(commandForKey(press('Escape', {}, document.querySelector('#i')!), true)).toBeUndefined()
    const { selection } = commandContext()
    selection.crosshair = 5
    selection.byte = 7
    void commandById('view.clear')!.run(commandContext())
    expect([selection.crosshair, selection.byte]).toEqual([null, 7])
  })
  it('F5 while typing – still runs: function keys are not letters', () => {
    document.body.innerHTML = '<input id="i">'
    expect(commandForKey(press('F5', {}, document.querySelector('#i')!), false)?.id).toBe('run.toggle')
  })
})

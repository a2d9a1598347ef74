import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { minimumSize, readWindowState, writeWindowState, type Bounds } from './windowState'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nomap-lab-window-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const left: Bounds = { x: 0, y: 0, width: 1920, height: 1080 }
const right: Bounds = { x: 1920, y: 0, width: 1920, height: 1080 }
const onTheRight: Bounds = { x: 2000, y: 40, width: 1200, height: 800 }

describe('window state', () => {
  it('a state – written and read – is the same', () => {
    writeWindowState(folder, { bounds: onTheRight, maximized: true })
    expect(readWindowState(folder, [left, right])).toEqual({ bounds: onTheRight, maximized: true })
    expect(readdirSync(folder)).toEqual(['window.json'])
  })

  it('a window on a screen that was unplugged – read – opens at the usual place', () => {
    writeWindowState(folder, { bounds: onTheRight, maximized: false })
    expect(readWindowState(folder, [left])).toEqual({ maximized: false })
  })

  it.each([
    ['above the screen', { ...onTheRight, y: -50 }],
    ['below the screen', { ...onTheRight, y: 1079 }],
    ['almost off to the left', { ...onTheRight, x: -1150 }],
  ])('a window %s – read – opens at the usual place', (_name, bounds) => {
    writeWindowState(folder, { bounds, maximized: false })
    expect(readWindowState(folder, [left, right]).bounds).toBeUndefined()
  })

  it('a window that is too small – read – has the smallest usable size', () => {
    writeWindowState(folder, { bounds: { ...onTheRight, width: 300, height: 200 }, maximized: false })
    expect(readWindowState(folder, [left, right]).bounds).toMatchObject(minimumSize)
  })

  it.each(['', '{}', '[]', '{"maximized":true,"bounds":{"x":"0"}}', '{"maximized":false,"bounds":{"x":1e999}}'])(
    'a file with %j – read – is a first start',
    (text) => {
      writeFileSync(join(folder, 'window.json'), text)
      expect(readWindowState(folder, [left])).toEqual({ maximized: false })
    },
  )

  it('a folder that cannot be written – written – does no harm', () => {
    expect(() => writeWindowState(join(folder, 'missing'), { maximized: false })).not.toThrow()
  })
})

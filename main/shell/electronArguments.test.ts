import { describe, expect, it } from 'vitest'
import { readElectronArguments } from './electronArguments'

describe('arguments of the Electron shell', () => {
  it.each([
    [['electron', '/app'], false, { files: [] }],
    [
      ['electron', '--no-sandbox', '/app', '--user-data', '/u', 'a.nomaplab'],
      false,
      { files: ['a.nomaplab'], userData: '/u' },
    ],
    [['electron', '/app', '--user-data=/u', 'a', 'b'], false, { files: ['a', 'b'], userData: '/u' }],
    [['nomap-lab', 'a.nomaplab'], true, { files: ['a.nomaplab'] }],
    [['nomap-lab', '--ozone-platform=wayland', '-x', 'a'], true, { files: ['a'] }],
    [['nomap-lab', '--user-data'], true, { files: [] }],
    [['nomap-lab'], true, { files: [] }],
  ])('%j (packaged: %s) – read – gives %j', (argv, packaged, expected) => {
    expect(readElectronArguments(argv, packaged)).toEqual(expected)
  })
})

import { describe, expect, it } from 'vitest'
import { defaultUserData } from './userData'

describe('folder of user data', () => {
  it.each([
    ['linux', {}, '/home/a', '/home/a/.local/share/nomap-lab'],
    ['linux', { XDG_DATA_HOME: '/data' }, '/home/a', '/data/nomap-lab'],
    ['linux', { XDG_DATA_HOME: 'data' }, '/home/a', '/home/a/.local/share/nomap-lab'],
    ['linux', { XDG_DATA_HOME: '' }, '/home/a', '/home/a/.local/share/nomap-lab'],
    ['freebsd', {}, '/home/a', '/home/a/.local/share/nomap-lab'],
    ['darwin', { XDG_DATA_HOME: '/data' }, '/Users/a', '/Users/a/Library/Application Support/nomap-lab'],
    ['win32', { LOCALAPPDATA: 'D:\\Local' }, 'C:\\Users\\a', 'D:\\Local\\nomap-lab'],
    ['win32', {}, 'C:\\Users\\a', 'C:\\Users\\a\\AppData\\Local\\nomap-lab'],
  ] as const)('%s with %j – asked – is the usual place', (platform, env, home, expected) => {
    expect(defaultUserData(platform, env, home)).toBe(expected)
  })
})

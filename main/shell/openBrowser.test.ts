import { describe, expect, it } from 'vitest'
import { hasDisplay, openCommand } from './openBrowser'

describe('opening a browser', () => {
  it.each([
    ['linux', {}, false],
    ['linux', { DISPLAY: '' }, false],
    ['linux', { DISPLAY: ':0' }, true],
    ['freebsd', { WAYLAND_DISPLAY: 'wayland-0' }, true],
    ['darwin', {}, true],
    ['win32', {}, true],
  ] as const)('%s with %j – asked for a display – %s', (platform, env, expected) => {
    expect(hasDisplay(platform, env)).toBe(expected)
  })

  it.each([['linux'], ['darwin'], ['win32']] as const)(
    'the command of %s – made – ends with the address as one argument',
    (platform) => {
      const url = 'http://127.0.0.1:1/?token=a-b_c'
      const [program, args] = openCommand(url, platform)
      expect(program).not.toContain(' ')
      expect(args.at(-1)).toBe(url)
    },
  )
})

// @vitest-environment happy-dom
import { describe, expect, it } from 'vitest'
import { commandById } from '../../renderer/commands/table'
import { menuTable } from './menuTable'

describe.each(['linux', 'darwin', 'win32'] as const)('native menu of %s', (platform) => {
  const entries = menuTable(platform, false).flatMap((menu) => menu.entries)
  const commands = entries.flatMap((entry) => (entry.kind === 'command' ? [entry] : []))

  it.each(commands)(
    'the entry $label – looked up – is a command of the window, with the same keys',
    ({ command, keys }) => {
      const known = commandById(command)
      expect(known, command).toBeDefined()
      if (keys !== undefined) expect(known?.keys).toContain(keys)
    },
  )

  it('its keys – taken together – are all different', () => {
    const keys = commands.flatMap((entry) => entry.keys ?? [])
    expect(new Set(keys).size).toBe(keys.length)
  })

  it('what only a developer needs – for a user – is not there', () => {
    const roles = (developer: boolean): string[] =>
      menuTable(platform, developer).flatMap((menu) =>
        menu.entries.flatMap((entry) => (entry.kind === 'role' ? [entry.role] : [])),
      )
    expect(roles(false)).not.toContain('toggleDevTools')
    expect(roles(true)).toContain('toggleDevTools')
    expect(roles(false)).toContain(platform === 'darwin' ? 'close' : 'quit')
  })
})

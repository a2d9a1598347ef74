import { homedir } from 'node:os'
import { posix, win32 } from 'node:path'

/**
 * The folder in which journals, the recent list and settings live unless the user names another: the platform's usual place for
 * the data of a program, the same for every shell.
 */
export function defaultUserData(
  platform: NodeJS.Platform = process.platform,
  env: NodeJS.ProcessEnv = process.env,
  home = homedir(),
): string {
  const name = 'nomap-lab'
  if (platform === 'win32') {
    const local = env['LOCALAPPDATA']
    return win32.join(
      local !== undefined && win32.isAbsolute(local) ? local : win32.join(home, 'AppData', 'Local'),
      name,
    )
  }
  if (platform === 'darwin') return posix.join(home, 'Library', 'Application Support', name)
  // A relative value has to be ignored (XDG Base Directory Specification).
  const data = env['XDG_DATA_HOME']
  return posix.join(data !== undefined && posix.isAbsolute(data) ? data : posix.join(home, '.local', 'share'), name)
}

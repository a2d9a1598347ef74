/** Opening the start address in the user's browser. */
import { spawn } from 'node:child_process'

/** Whether a browser window could be seen here. */
export function hasDisplay(
  platform: NodeJS.Platform = process.platform,
  env: NodeJS.ProcessEnv = process.env,
): boolean {
  return platform === 'win32' || platform === 'darwin' || Boolean(env['DISPLAY'] || env['WAYLAND_DISPLAY'])
}

/** The platform's own command that opens an address in the default browser. */
export function openCommand(
  url: string,
  platform: NodeJS.Platform = process.platform,
): [program: string, args: string[]] {
  switch (platform) {
    case 'win32':
      // `start` is a word of cmd; its first quoted argument would be a title. Our addresses hold no character special to cmd.
      return ['cmd', ['/c', 'start', '""', url]]
    case 'darwin':
      return ['open', [url]]
    default:
      return ['xdg-open', [url]]
  }
}

/** Opens `url` in the default browser. Resolves to false if that could not even be tried. */
export function openBrowser(url: string): Promise<boolean> {
  const [program, args] = openCommand(url)
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: 'ignore', detached: true, windowsVerbatimArguments: true })
    child.on('error', () => resolve(false))
    child.on('spawn', () => {
      // The browser lives on when the lab ends.
      child.unref()
      resolve(true)
    })
  })
}

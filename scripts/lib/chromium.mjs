// The browser of the end-to-end tests: the system's Chromium, found or (on Debian, as root) installed.
// Playwright's own download is not used: the tests must run where only package registries can be reached.
import { existsSync, readFileSync, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { run } from './processes.mjs'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome']
const PLACES = [
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files\\Chromium\\Application\\chrome.exe',
]

/**
 * The browser to test with: CHROMIUM_PATH, then the PATH, then the usual places.
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {string | undefined}
 */
export function findChromium(env = process.env) {
  const own = env['CHROMIUM_PATH']
  if (own) return existsSync(own) ? own : undefined
  const folders = (env['PATH'] ?? '').split(delimiter).filter(Boolean)
  const onPath = folders.flatMap((folder) => NAMES.map((name) => join(folder, name)))
  return [...onPath, ...PLACES].find((path) => existsSync(path) && statSync(path).isFile())
}

/**
 * Finds the browser, or installs it where that can be done unasked.
 * @param {(line: string) => void} say
 * @returns {Promise<{ path: string } | { complaint: string }>}
 */
export async function ensureChromium(say) {
  const found = findChromium()
  if (found) return { path: found }
  if (process.env['CHROMIUM_PATH'])
    return { complaint: `CHROMIUM_PATH is ${process.env['CHROMIUM_PATH']}, but there is no such file.` }
  const how =
    'The end-to-end tests need Chromium: install it (Debian: apt-get install chromium; macOS: brew install --cask ' +
    'chromium; FreeBSD: pkg install chromium) or set CHROMIUM_PATH to a Chrome or Chromium.'
  if (!isDebianAsRoot()) return { complaint: how }
  say('installing chromium (apt-get) …')
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  const timeoutMs = 10 * 60_000
  // A stale index is often good enough, so its failure alone decides nothing.
  const update = await run('apt-get', ['update'], { env, timeoutMs })
  const packages = ['chromium', 'fonts-dejavu-core', 'fonts-liberation']
  const install = await run('apt-get', ['install', '-y', '--no-install-recommends', ...packages], { env, timeoutMs })
  const path = findChromium()
  if (path) return { path }
  return { complaint: `${update.output}${install.output}\nChromium could not be installed by apt-get. ${how}` }
}

function isDebianAsRoot() {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  try {
    // Ubuntu's package of that name is a stub for a snap.
    return /^ID=("?)debian\1$/m.test(readFileSync('/etc/os-release', 'utf8'))
  } catch {
    return false
  }
}

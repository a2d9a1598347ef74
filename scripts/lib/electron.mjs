// Finding and fetching Electron's binary. Since version 42 the package brings none: it is fetched on first use.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from './processes.mjs'
import { CACHE, ROOT } from './project.mjs'

const PACKAGE = join(ROOT, 'node_modules', 'electron')
const FAILED = join(CACHE, 'electron-fetch-failed')
const DAY_MS = 24 * 60 * 60_000

/**
 * The Electron binary to run, or undefined. Looks where Electron itself and electron-vite look, in their order.
 * @param {NodeJS.ProcessEnv} [env]
 * @param {string} [folder] of the electron package
 * @returns {string | undefined}
 */
export function findElectron(env = process.env, folder = PACKAGE) {
  const candidates = []
  if (env['ELECTRON_EXEC_PATH']) candidates.push(env['ELECTRON_EXEC_PATH'])
  const name = readText(join(folder, 'path.txt'))
  if (env['ELECTRON_OVERRIDE_DIST_PATH']) candidates.push(join(env['ELECTRON_OVERRIDE_DIST_PATH'], name ?? 'electron'))
  if (name) candidates.push(join(folder, 'dist', name))
  return candidates.find((path) => existsSync(path))
}

/**
 * Tries once to fetch the binary; a failure is remembered for a day, so that an offline machine is not asked at every
 * start.
 * @param {(line: string) => void} say
 * @param {{ evenIfItFailed?: boolean }} [options]
 * @returns {Promise<string | undefined>}
 */
export async function fetchElectron(say, { evenIfItFailed = false } = {}) {
  const version = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8')).version
  if (!evenIfItFailed && failedLately(version, Date.now())) return undefined
  say(`fetching Electron ${version} (once, about 120 MB) …`)
  const { status } = await run(process.execPath, [join(PACKAGE, 'install.js')], {
    cwd: ROOT,
    timeoutMs: 15 * 60_000,
  })
  const found = status === 0 ? findElectron() : undefined
  if (found) {
    rmSync(FAILED, { force: true })
    return found
  }
  mkdirSync(CACHE, { recursive: true })
  writeFileSync(FAILED, JSON.stringify({ version, at: Date.now() }))
  return undefined
}

/** @param {string} version @param {number} now */
function failedLately(version, now) {
  try {
    const last = JSON.parse(readFileSync(FAILED, 'utf8'))
    return last.version === version && now - last.at < DAY_MS && now >= last.at
  } catch {
    return false
  }
}

/** @param {string} file */
function readText(file) {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return undefined
  }
}

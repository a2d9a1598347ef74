// Are the dependencies those of the lockfile? npm itself writes down what it installed
// (node_modules/.package-lock.json, last of all), so comparing the two needs no stamp of ours and is right after an
// `npm i` by hand and after an installation that was cut short.
import { lstatSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withLock } from './lock.mjs'
import { run } from './processes.mjs'
import { CACHE, Failure, ROOT } from './project.mjs'

/**
 * @typedef {{ version?: string, integrity?: string, link?: boolean, optional?: boolean, devOptional?: boolean }} Locked
 * @typedef {{ packages: Record<string, Locked> }} Lockfile
 */

/**
 * What of the lockfile is not installed as it says; empty when all is well.
 * @param {Lockfile} wanted package-lock.json
 * @param {Lockfile | undefined} installed node_modules/.package-lock.json
 * @returns {string[]}
 */
export function missingPackages(wanted, installed) {
  if (!installed) return ['everything']
  return Object.entries(wanted.packages)
    .filter(([path, { version, optional, devOptional }]) => {
      if (path === '') return false
      const there = installed.packages[path]
      // Another platform's binaries are listed but not installed.
      if (!there) return !optional && !devOptional
      return there.version !== version
    })
    .map(([path]) => path.replace(/^.*node_modules\//, ''))
}

/**
 * Installs what the lockfile says unless it is there already.
 * @param {(line: string) => void} say progress
 */
export async function ensureInstalled(say) {
  if (isInstalled()) return
  await withLock(
    CACHE,
    'install',
    async () => {
      if (isInstalled()) return
      say('installing dependencies (npm ci) …')
      await npmCi()
    },
    (owner) => say(`waiting for another installation (process ${owner}) …`),
  )
}

/** @returns {boolean} */
function isInstalled() {
  const lock = join(ROOT, 'package-lock.json')
  const hidden = join(ROOT, 'node_modules', '.package-lock.json')
  try {
    const key = `${statSync(lock).mtimeMs} ${statSync(hidden).mtimeMs}`
    const note = join(ROOT, 'node_modules', '.nomap-lab-checked')
    if (readNote(note) === key) return true
    /** @param {string} file @returns {Lockfile} */
    const parse = (file) => JSON.parse(readFileSync(file, 'utf8'))
    if (missingPackages(parse(lock), parse(hidden)).length > 0) return false
    writeFileSync(note, key)
    return true
  } catch {
    return false
  }
}

/** @param {string} file */
function readNote(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

async function npmCi() {
  // npm ci empties the folder first: behind a link that is the folder of another checkout.
  const folder = join(ROOT, 'node_modules')
  if (lstatSync(folder, { throwIfNoEntry: false })?.isSymbolicLink())
    throw new Failure(
      'node_modules is a link to the folder of another checkout and does not hold what package-lock.json asks for. ' +
        'Remove the link and run the command again: the dependencies are then installed here.',
    )
  // The npm that runs us, if one does; a global one otherwise. Development dependencies are needed whatever NODE_ENV says.
  const args = ['ci', '--include=dev', '--loglevel=error', '--no-audit', '--no-fund']
  const own = process.env['npm_execpath']
  const { status, output } =
    own && own.endsWith('.js')
      ? await run(process.execPath, [own, ...args], { cwd: ROOT })
      : await run('npm', args, { cwd: ROOT, shell: process.platform === 'win32' })
  if (status === 0) return
  throw new Failure(
    `${output.trimEnd()}\nThe dependencies could not be installed (npm ci, status ${status}). ` +
      'Check that the npm registry can be reached, then run the command again.',
  )
}

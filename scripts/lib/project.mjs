// Where things are, and walking over them.
import { readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The root of the checkout. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Everything a command may leave behind that is neither installed nor built: stamps, locks, caches. Ignored by git. */
export const CACHE = join(ROOT, '.cache')

const SKIPPED = new Set(['node_modules', 'out', 'dist', 'coverage', '.git', '.cache'])

/**
 * All files below the given paths (files or folders, from the root), sorted, with `/` on every system.
 * Paths that do not exist are left out.
 * @param {string} root
 * @param {string[]} paths `['.']` is the whole project
 * @returns {string[]}
 */
export function filesBelow(root, paths) {
  /** @type {string[]} */
  const found = []
  /** @param {string} path */
  const visit = (path) => {
    let entries
    try {
      entries = readdirSync(join(root, path), { withFileTypes: true })
    } catch (error) {
      const { code } = /** @type {NodeJS.ErrnoException} */ (error)
      if (code === 'ENOTDIR') found.push(path)
      else if (code !== 'ENOENT') throw error
      return
    }
    for (const entry of entries) {
      if (SKIPPED.has(entry.name)) continue
      const child = path === '.' ? entry.name : `${path}/${entry.name}`
      if (entry.isDirectory()) visit(child)
      else if (entry.isFile()) found.push(child)
    }
  }
  for (const path of paths) visit(path)
  return found.sort()
}

/**
 * The folder that the user is in. `npm run` goes to the root of the project first; paths on the command line are meant
 * from where it was typed.
 * @param {NodeJS.ProcessEnv} env
 * @param {string} cwd
 * @returns {string}
 */
export function callerFolder(env = process.env, cwd = process.cwd()) {
  const ranByNpm = env['npm_lifecycle_event'] === 'start' || env['npm_lifecycle_event'] === 'lab'
  const atRoot = resolve(cwd) === resolve(ROOT)
  return (ranByNpm && atRoot && env['INIT_CWD']) || cwd
}

/** A sentence meant for the user: the commands print it without a stack trace and exit 1 (or the given status). */
export class Failure extends Error {
  /**
   * @param {string} message
   * @param {number} [status]
   */
  constructor(message, status = 1) {
    super(message)
    this.status = status
  }
}

/**
 * Runs a command and turns a Failure into its sentence on stderr.
 * @param {() => number | void | Promise<number | void>} command
 */
export async function runCommand(command) {
  try {
    const status = await command()
    if (status !== undefined) process.exitCode = status
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    console.error(error.message)
    process.exitCode = error.status
  }
}

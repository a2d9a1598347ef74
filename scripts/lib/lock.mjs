// One builder at a time: two commands started together must not write out/ or node_modules/ at once.
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** A lock without a readable owner is one that is being written, unless it stays so. */
const UNREADABLE_MS = 5000

/**
 * Runs a function while holding a lock file. A lock whose owner is no longer alive is taken over.
 * @template T
 * @param {string} folder
 * @param {string} name
 * @param {() => Promise<T>} body
 * @param {(owner: number) => void} [onWait] called once when somebody else holds the lock
 * @returns {Promise<T>}
 */
export async function withLock(folder, name, body, onWait) {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `${name}.lock`)
  let told = false
  while (!take(file)) {
    const owner = ownerOf(file)
    if (owner === 'gone') continue
    if (owner === 'abandoned' || !alive(owner)) {
      rmSync(file, { force: true })
      continue
    }
    if (!told) onWait?.(owner)
    told = true
    await sleep(150)
  }
  try {
    return await body()
  } finally {
    rmSync(file, { force: true })
  }
}

/** @param {string} file */
function take(file) {
  try {
    const handle = openSync(file, 'wx')
    writeSync(handle, String(process.pid))
    closeSync(handle)
    return true
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error
    return false
  }
}

/**
 * The process that holds the lock; our own id while the file is still being written.
 * @param {string} file
 * @returns {number | 'abandoned' | 'gone'}
 */
function ownerOf(file) {
  try {
    const owner = Number(readFileSync(file, 'utf8'))
    if (owner > 0) return owner
    return Date.now() - statSync(file).mtimeMs < UNREADABLE_MS ? process.pid : 'abandoned'
  } catch {
    return 'gone'
  }
}

/** @param {number} pid */
function alive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM'
  }
}
